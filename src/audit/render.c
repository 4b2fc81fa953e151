/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/render.h"

#include <stdlib.h>
#include <string.h>

#include "audit/coverage.h"
#include "audit/edge_class.h"

/* One rendering at hand. */
struct rendering {
    const struct world *world;
    const struct verdict_list *list;
    const struct verdict *verdict;
    struct arena *arena;
    struct discrepancy *to;
    struct guest_view view; /* of guest subjects */
    uint32_t *scratch;
    size_t scratch_capacity;
    const char *who;   /* "guest web1", a MAC, "hypervisor hvA" */
    const char *where; /* first observed place in words, "" */
    const char *home;  /* expected hypervisors in words */
};

static const char *vlan_text(const struct world *world, uint16_t vlan, struct arena *arena)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    vlan_set_print(world->vlans, vlan, &text);
    return arena_text(arena, text_get(&text), text.length);
}

static const char *place_text(const struct world *world, uint32_t port, struct arena *arena)
{
    if (port >= world->port_count && world->heard[port - world->port_count].on == world->nowhere)
        return "the network (at no known port)";
    return arena_printf(arena, "%s port %s", world->switches[world->ports[port].switch_index].name,
                        world_port_name(world, port));
}

/* --- the plain fields --- */

static void fill_observed(struct rendering *r)
{
    const struct verdict *v = r->verdict;
    struct observed_place *places = arena_alloc(r->arena, (v->sightings + 1) * sizeof *places);
    for (uint32_t i = 0; i < v->sightings; i++) {
        const struct sighting *s = &r->list->sightings[v->sighting + i];
        const struct world_switch *sw = &r->world->switches[r->world->ports[s->port].switch_index];
        int64_t from = proof_frame(r->world, s);
        const struct world_heard *heard = world_heard_at(r->world, s->port);
        if (heard != NULL) {
            bool nowhere = heard->on == r->world->nowhere;
            places[i] = (struct observed_place){
                .place = {nowhere ? NULL : sw->name,
                          nowhere ? NULL : world_port_name(r->world, s->port)},
                .vlan = vlan_text(r->world, s->vlan, r->arena),
                .from = heard->fact->polled ? (struct wall){from} : heard->fact->first,
                .to = heard->fact->last,
                .source = heard->fact->origin->type};
            continue;
        }
        places[i] = (struct observed_place){
            .place = {sw->name, world_port_name(r->world, s->port)},
            .vlan = vlan_text(r->world, s->vlan, r->arena),
            .from = from == PROOF_NONE ? WALL_UNKNOWN : (struct wall){from},
            .to = sw->table->ended,
            .source = sw->table->receipt_count > 0 ? sw->table->receipts[0].type : ""};
    }
    r->to->observed = places;
    r->to->observed_count = v->sightings;
    r->where = v->sightings > 0
                   ? place_text(r->world, r->list->sightings[v->sighting].port, r->arena)
                   : "";
}

static void fill_expected(struct rendering *r, const uint32_t *hypervisors, size_t count)
{
    const struct world *world = r->world;
    const char **names = arena_alloc(r->arena, (count + 1) * sizeof *names);
    size_t places = 0;
    AUTO_TEXT struct text home = TEXT_EMPTY;
    for (size_t i = 0; i < count; i++) {
        names[i] = world->hypervisors[hypervisors[i]].name;
        places += world->hypervisors[hypervisors[i]].attachment_count;
        text_printf(&home, "%s%s", i == 0 ? "" : " or ", names[i]);
    }
    struct named_place *expected = arena_alloc(r->arena, (places + 1) * sizeof *expected);
    for (size_t i = 0; i < count; i++) {
        const struct world_hypervisor *hv = &world->hypervisors[hypervisors[i]];
        for (uint32_t a = 0; a < hv->attachment_count; a++) {
            const struct world_attachment *at = &world->attachments[hv->first_attachment + a];
            if (at->switch_index != WORLD_NONE)
                expected[r->to->expected_count++] =
                    (struct named_place){at->switch_name, at->port_name};
        }
    }
    r->to->expected_hypervisors = names;
    r->to->expected_hypervisor_count = count;
    r->to->expected = expected;
    r->home =
        count > 0 ? arena_text(r->arena, text_get(&home), home.length) : "no recorded hypervisor";
}

static void fill_macs(struct rendering *r)
{
    const struct verdict *v = r->verdict;
    struct mac *macs = arena_alloc(r->arena, (v->nics + 1) * sizeof *macs);
    size_t count = 0;
    for (uint32_t i = 0; i < v->nics; i++) {
        struct mac mac = world_nic_mac(r->world, r->list->nics[v->nic + i]);
        if (mac_known(mac))
            macs[count++] = mac;
    }
    r->to->macs = macs;
    r->to->mac_count = count;
    if (count > 0 && !mac_known(r->to->subject.mac))
        r->to->subject.mac = macs[0];
}

static void name_guest(struct rendering *r, uint32_t nic)
{
    uint32_t local;
    const struct world_set *set = world_guest_set(r->world, world_nic_guest(r->world, nic), &local);
    char uuid[RECORD_UUID_SIZE];
    record_guest_uuid(set->set, local, uuid);
    r->to->subject.guest = render_guest_name(r->world, nic);
    if (uuid[0] != '\0')
        r->to->subject.uuid = arena_text(r->arena, uuid, strlen(uuid));
}

static void name_subject(struct rendering *r)
{
    const struct world *world = r->world;
    const struct verdict *v = r->verdict;
    struct subject *subject = &r->to->subject;
    char mac[MAC_TEXT_SIZE];
    switch ((enum verdict_subject)v->subject_type) {
    case SUBJECT_GUEST:
        view_build(world, v->subject, &r->view, &r->scratch, &r->scratch_capacity);
        name_guest(r, v->subject);
        fill_expected(r, r->view.expected, r->view.expected_count);
        r->to->run_state = run_state_word((enum run_state)r->view.run_state);
        r->who = arena_printf(r->arena, "guest %s", subject->guest);
        fill_macs(r);
        return;
    case SUBJECT_MAC:
        subject->mac = (struct mac){r->list->macs[v->subject]};
        r->who = arena_printf(r->arena, "%s", mac_format(subject->mac, mac));
        if (v->nics > 0) {
            uint32_t nic = r->list->nics[v->nic];
            view_build(world, nic, &r->view, &r->scratch, &r->scratch_capacity);
            name_guest(r, nic);
            fill_expected(r, r->view.expected, r->view.expected_count);
            r->to->run_state = run_state_word((enum run_state)r->view.run_state);
            r->who = arena_printf(r->arena, "%s of guest %s", mac, subject->guest);
        }
        return;
    case SUBJECT_HYPERVISOR:
        subject->hypervisor = world->hypervisors[v->subject].name;
        fill_expected(r, &v->subject, 1);
        r->who = arena_printf(r->arena, "hypervisor %s", subject->hypervisor);
        return;
    case SUBJECT_SWITCH:
        subject->switch_name = world->switches[v->subject].name;
        r->who = arena_printf(r->arena, "switch %s", subject->switch_name);
        return;
    case SUBJECT_SOURCE:
        subject->source = world->in.failed[v->subject].source;
        r->who = arena_printf(r->arena, "source %s", subject->source);
        return;
    case SUBJECT_PORT:
        subject->switch_name = world->switches[world->ports[v->subject].switch_index].name;
        subject->port = world_port_name(world, v->subject);
        r->who = place_text(world, v->subject, r->arena);
        return;
    }
    UNREACHABLE();
}

/* --- the sentence --- */

static const char *margin_text(const struct rendering *r)
{
    char text[CLOCK_TEXT_SIZE];
    return arena_printf(r->arena, "%s", span_format(span_us(r->verdict->margin_us), text));
}

/* Whether what is shown first was heard and not read. */
static bool is_heard(const struct rendering *r)
{
    if (r->verdict->sightings == 0)
        return false;
    const struct world_heard *heard =
        world_heard_at(r->world, r->list->sightings[r->verdict->sighting].port);
    return heard != NULL && !heard->fact->polled;
}

/* Whether it is a session of which no more is known than that it was kept open. */
static bool is_kept_open(const struct rendering *r)
{
    if (r->verdict->sightings == 0 || r->verdict->state != VERDICT_SUSPECTED)
        return false;
    const struct sighting *first = &r->list->sightings[r->verdict->sighting];
    const struct world_heard *heard = world_heard_at(r->world, first->port);
    return heard != NULL && proof_is_single(r->world, first) &&
           heard->fact->last.us > heard->fact->frame.us;
}

static const char *why_off(struct rendering *r)
{
    switch ((enum verdict_rule)r->verdict->rule) {
    case RULE_MARGIN:
        return arena_printf(r->arena,
                            "%s is recorded %s, yet a frame of it was heard on %s at least %s "
                            "after that",
                            r->who, r->to->run_state, r->where, margin_text(r));
    case RULE_FRESH_AGE:
        return arena_printf(r->arena,
                            "%s is recorded %s, yet the device itself last heard it on %s at "
                            "least %s after that",
                            r->who, r->to->run_state, r->where, margin_text(r));
    case RULE_HEARD:
        if (is_kept_open(r))
            return arena_printf(r->arena,
                                "%s is recorded %s, yet its session on %s (%s) goes on; that it is "
                                "kept open proves no frame",
                                r->who, r->to->run_state, r->where,
                                r->to->observed_count > 0 ? r->to->observed[0].source : "");
        if (r->verdict->state == VERDICT_SUSPECTED)
            return arena_printf(r->arena,
                                "%s is recorded %s, yet it was heard on %s (%s) since; the record "
                                "is older than that and may not have followed",
                                r->who, r->to->run_state, r->where,
                                r->to->observed_count > 0 ? r->to->observed[0].source : "");
        return arena_printf(
            r->arena, "%s is recorded %s, yet it was heard on %s (%s) %s after that", r->who,
            r->to->run_state, r->where, r->to->observed_count > 0 ? r->to->observed[0].source : "",
            margin_text(r));
    case RULE_PAST:
        if (r->verdict->state == VERDICT_SUSPECTED)
            return arena_printf(r->arena,
                                "%s is recorded %s, yet its session on %s ended only %s after "
                                "that; that it was kept open proves no frame",
                                r->who, r->to->run_state, r->where, margin_text(r));
        return arena_printf(r->arena,
                            "%s is recorded %s, yet in a session on %s, which is over, a frame of "
                            "it was heard at least %s after that",
                            r->who, r->to->run_state, r->where, margin_text(r));
    case RULE_TRANSIT:
        return arena_printf(r->arena,
                            "%s is recorded %s, yet it is seen in transit on %s; the switch where "
                            "it is attached was not read",
                            r->who, r->to->run_state, r->where);
    default:
        if (is_heard(r))
            return arena_printf(r->arena,
                                "%s is recorded %s, nobody says since when, and it was heard on "
                                "%s before that was read: it may have gone off in between",
                                r->who, r->to->run_state, r->where);
        return arena_printf(r->arena,
                            "%s is recorded %s, nobody says since when, and it is in the table of "
                            "%s: an entry that has not aged out yet could explain it",
                            r->who, r->to->run_state, r->where);
    }
}

static const char *why_duplicate(struct rendering *r)
{
    const struct verdict *v = r->verdict;
    const char *other = r->where;
    for (uint32_t i = 1; i < v->sightings; i++) {
        uint32_t port = r->list->sightings[v->sighting + i].port;
        if (r->world->ports[port].root !=
            r->world->ports[r->list->sightings[v->sighting].port].root) {
            other = place_text(r->world, port, r->arena);
            break;
        }
    }
    if (v->rule == RULE_INTERLEAVED)
        return arena_printf(r->arena, "%s was seen on %s, then on %s, and now on %s again", r->who,
                            r->where, other, r->where);
    if (v->rule == RULE_OVERLAP && v->state == VERDICT_CONFIRMED)
        return arena_printf(r->arena,
                            "%s is on %s and on %s: the older place was heard from at least %s "
                            "after the newer one was first seen",
                            r->who, r->where, other, margin_text(r));
    return arena_printf(r->arena,
                        "%s is on %s and on %s in one round: two copies, or a move whose old "
                        "entry has not aged out",
                        r->who, r->where, other);
}

static const char *why_conflict(struct rendering *r)
{
    const struct world *world = r->world;
    if (r->verdict->rule == RULE_CONFLICT_MAC)
        return arena_printf(r->arena, "%s and guest %s are both recorded as running with %s",
                            r->who, render_guest_name(world, r->verdict->detail),
                            "the same MAC in one bridge domain");
    if (r->verdict->rule == RULE_CONFLICT_PLAN) {
        const struct world_plan *plan = &world->plans[r->verdict->detail];
        return arena_printf(r->arena, "%s: %s puts it on %s, where the inventory does not have it",
                            r->who, plan->cmdb ? "the CMDB" : "the data-centre model",
                            plan->hypervisor == WORLD_NONE
                                ? "another hypervisor"
                                : world->hypervisors[plan->hypervisor].name);
    }
    return arena_printf(r->arena, "%s is recorded as running on %s at once", r->who, r->home);
}

static const char *why_gap(struct rendering *r)
{
    const struct world *world = r->world;
    const struct verdict *v = r->verdict;
    switch ((enum verdict_rule)v->rule) {
    case RULE_GAP_SWITCH:
        return arena_printf(r->arena, "%s is named in the record (%s) but not configured", r->who,
                            world->switches[v->subject].recorded_as);
    case RULE_GAP_ATTACHMENT:
        return arena_printf(r->arena, "no switch port is recorded for %s", r->who);
    case RULE_GAP_PORT:
        return arena_printf(r->arena,
                            "%s is recorded on %s port %s, a port that the switch does "
                            "not have",
                            r->who, world->attachments[v->detail].switch_name,
                            world->attachments[v->detail].port_name);
    case RULE_GAP_HYPERVISOR:
        return arena_printf(r->arena, "%s has no recorded hypervisor", r->who);
    default:
        return arena_printf(r->arena, "%s has a NIC without MAC in the record", r->who);
    }
}

static const char *why_audit_gap(struct rendering *r)
{
    const struct world *world = r->world;
    if (r->verdict->subject_type == SUBJECT_SOURCE)
        return arena_printf(r->arena, "%s gave nothing usable: %s", r->who,
                            world->in.failed[r->verdict->subject].why);
    const struct world_switch *sw = &world->switches[r->verdict->subject];
    if (sw->failed != NULL)
        return arena_printf(r->arena, "%s was not read: %s", r->who, sw->failed->why);
    if (r->verdict->detail == COVERAGE_EMPTY)
        return arena_printf(r->arena, "%s answered with an empty forward table", r->who);
    const char *why = "";
    for (size_t i = 0; sw->table != NULL && i < sw->table->receipt_count; i++)
        if (!sw->table->receipts[i].whole && sw->table->receipts[i].why_not != NULL &&
            why[0] == '\0')
            why = sw->table->receipts[i].why_not;
    return arena_printf(r->arena, "the forward table of %s was not read whole%s%s", r->who,
                        why[0] != '\0' ? ": " : "", why);
}

static const char *vlan_of_nic(struct rendering *r)
{
    return r->verdict->nics > 0
               ? vlan_text(r->world, world_nic_vlan(r->world, r->list->nics[r->verdict->nic]),
                           r->arena)
               : "";
}

/* --- one discrepancy, said in words --- */

static const char *why_place(struct rendering *r)
{
    struct arena *arena = r->arena;
    const char *vlan = r->to->observed_count > 0 ? r->to->observed[0].vlan : "";
    switch ((enum discrepancy_kind)r->verdict->kind) {
    case DISCREPANCY_UNKNOWN_GUEST:
        return arena_printf(arena, "%s looks like a guest, is in no record, and is %s on %s",
                            r->who, r->verdict->rule == RULE_TRANSIT ? "seen in transit" : "seen",
                            r->where);
    case DISCREPANCY_WRONG_LOCATION:
        return arena_printf(arena, "%s is recorded on %s (%s), but is seen on %s", r->who, r->home,
                            r->to->run_state, r->where);
    case DISCREPANCY_WRONG_VLAN:
        return arena_printf(arena, "%s is on the right port, but in VLAN %s and not in %s", r->who,
                            vlan, vlan_of_nic(r));
    case DISCREPANCY_NON_HYPERVISOR_PORT:
        return arena_printf(arena, "%s is seen on %s, an edge port where no hypervisor is recorded",
                            r->who, r->where);
    case DISCREPANCY_MAC_FLAP:
        return arena_printf(arena, "%s keeps changing its port, at last to %s", r->who, r->where);
    default:
        UNREACHABLE();
    }
}

static const char *why_silent(struct rendering *r)
{
    return arena_printf(r->arena,
                        "%s is recorded %s on %s, but no table shows any of its NICs; all "
                        "ports where it could be were read whole",
                        r->who, r->to->run_state, r->home);
}

static const char *why_nic_silent(struct rendering *r)
{
    return arena_printf(r->arena, "%s is seen, but %u of its NICs %s not", r->who, r->verdict->nics,
                        r->verdict->nics == 1 ? "is" : "are");
}

static const char *why_hypervisor_moved(struct rendering *r)
{
    unsigned with = r->verdict->nics;
    const char *guests =
        with == 0 ? "none of its guests is"
                  : arena_printf(r->arena, "%u of its guests %s", with, with == 1 ? "is" : "are");
    return arena_printf(r->arena, "%s is seen on %s, where no attachment has it; %s there too",
                        r->who, r->where, guests);
}

static const char *why_hypervisor_silent(struct rendering *r)
{
    unsigned with = r->verdict->nics;
    const char *guests = with == 0 ? ""
                                   : arena_printf(r->arena, "; %u guest%s silent with it", with,
                                                  with == 1 ? " is" : "s are");
    return arena_printf(r->arena,
                        "neither a NIC nor a guest of %s is seen on its ports, which "
                        "were all read whole%s",
                        r->who, guests);
}

static const char *why_departed(struct rendering *r)
{
    if (r->verdict->kind == DISCREPANCY_SESSION_EXPIRED)
        return arena_printf(r->arena,
                            "%s is recorded %s, but its session on %s was not renewed in time and "
                            "nothing of it was heard since",
                            r->who, r->to->run_state, r->where);
    return arena_printf(r->arena,
                        "%s is recorded %s, but its session on %s has ended%s and nothing of "
                        "it was heard since",
                        r->who, r->to->run_state, r->where,
                        r->verdict->rule == RULE_RESET ? " with all others of its NAS" : "");
}

static const char *why_flush(struct rendering *r)
{
    const struct switch_flush *flush = &r->world->in.flushes[r->verdict->detail];
    return arena_printf(r->arena, "%s forgot its forward table at once (%s, says %s)", r->who,
                        event_hint_word(flush->hint),
                        flush->source != NULL ? flush->source : "a trap");
}

static const char *why_single(struct rendering *r)
{
    switch ((enum discrepancy_kind)r->verdict->kind) {
    case DISCREPANCY_UNKNOWN_GUEST:
    case DISCREPANCY_WRONG_LOCATION:
    case DISCREPANCY_WRONG_VLAN:
    case DISCREPANCY_NON_HYPERVISOR_PORT:
    case DISCREPANCY_MAC_FLAP:
        return why_place(r);
    case DISCREPANCY_DUPLICATE_GUEST:
        return why_duplicate(r);
    case DISCREPANCY_OFF_BUT_SEEN:
        return why_off(r);
    case DISCREPANCY_SILENT:
        return why_silent(r);
    case DISCREPANCY_NIC_SILENT:
        return why_nic_silent(r);
    case DISCREPANCY_HYPERVISOR_MOVED:
        return why_hypervisor_moved(r);
    case DISCREPANCY_HYPERVISOR_SILENT:
        return why_hypervisor_silent(r);
    case DISCREPANCY_INVENTORY_CONFLICT:
        return why_conflict(r);
    case DISCREPANCY_RECORDED_GAP:
        return why_gap(r);
    case DISCREPANCY_AUDIT_GAP:
        return why_audit_gap(r);
    case DISCREPANCY_UNEXPECTED_STOP:
    case DISCREPANCY_SESSION_EXPIRED:
        return why_departed(r);
    case DISCREPANCY_SWITCH_FLUSH:
        return why_flush(r);
    case DISCREPANCY_WRONG_SUBNET:
    case DISCREPANCY_UNKNOWN_MOBILE:
    case DISCREPANCY_UNKNOWN_AGENT: /* judged by address, mobile.h */
    case DISCREPANCY_KIND_COUNT:
        break;
    }
    UNREACHABLE();
}

/* --- what would prove it --- */

static const char *lasting_proof(struct rendering *r)
{
    uint32_t port =
        r->verdict->sightings > 0 ? r->list->sightings[r->verdict->sighting].port : WORLD_NONE;
    if (port == WORLD_NONE)
        return "another round";
    const struct world_switch *sw = &r->world->switches[r->world->ports[port].switch_index];
    struct span ageing = span_us(sw->ageing_us + sw->poll_error_us);
    struct span lag = r->world->options.inventory_lag;
    char wait[CLOCK_TEXT_SIZE];
    if (lag.us > ageing.us)
        return arena_printf(r->arena,
                            "the same in a round more than %s later (what a record may take to "
                            "follow), with the record read again",
                            span_format(lag, wait));
    return arena_printf(r->arena,
                        "the same in a round more than %s later (ageing and poll error of %s), "
                        "with the record read again",
                        span_format(ageing, wait), sw->name);
}

static const char *would_prove(struct rendering *r)
{
    if (r->verdict->state == VERDICT_CONFIRMED || r->verdict->members > 0)
        return "";
    switch ((enum discrepancy_kind)r->verdict->kind) {
    case DISCREPANCY_OFF_BUT_SEEN:
        return r->verdict->rule == RULE_HEARD ? "the record read again, and still off"
               : r->verdict->rule == RULE_PAST
                   ? "a frame since the power-off: in a table, announced, or a session's start"
               : r->verdict->rule == RULE_TRANSIT
                   ? "reading the switch where it is attached"
                   : "state_since in the record, or a round more than ageing and poll error after "
                     "Muster first read it as off";
    case DISCREPANCY_SILENT:
    case DISCREPANCY_NIC_SILENT:
        return "every switch of its bridge domain read whole, in another round more than ageing "
               "and poll error later";
    case DISCREPANCY_UNEXPECTED_STOP:
    case DISCREPANCY_SESSION_EXPIRED:
        return "the record read again after it had time to follow, and no table that shows it";
    case DISCREPANCY_HYPERVISOR_SILENT:
        return "its management interface being unreachable too";
    case DISCREPANCY_INVENTORY_CONFLICT:
        return "the same in a later reading of the records";
    case DISCREPANCY_DUPLICATE_GUEST:
        return r->verdict->rule == RULE_INTERLEAVED
                   ? "both hypervisors claiming it, or more changes of place"
                   : lasting_proof(r);
    default:
        return lasting_proof(r);
    }
}

/* --- evidence --- */

static const char *rule_text(const struct rendering *r)
{
    switch ((enum discrepancy_kind)r->verdict->kind) {
    case DISCREPANCY_UNKNOWN_GUEST:
        return "a guest's address that no record has (prefix or port mode)";
    case DISCREPANCY_WRONG_LOCATION:
        return "the edge where it is seen is no recorded port of its hypervisor";
    case DISCREPANCY_DUPLICATE_GUEST:
        return "two edges in one bridge domain that are not one LAG, MLAG pair or hypervisor";
    case DISCREPANCY_OFF_BUT_SEEN:
        return "recorded as not communicating, seen later than any old entry explains";
    case DISCREPANCY_SILENT:
        return "recorded as communicating, seen nowhere, absence observable";
    case DISCREPANCY_NIC_SILENT:
        return "some NICs seen, others not, absence observable";
    case DISCREPANCY_HYPERVISOR_MOVED:
        return "a hypervisor's own NIC on another edge; its guests there are collected here";
    case DISCREPANCY_HYPERVISOR_SILENT:
        return "nothing of a hypervisor seen on its whole-read ports";
    case DISCREPANCY_WRONG_VLAN:
        return "the recorded VLAN is not among those of the edge row";
    case DISCREPANCY_NON_HYPERVISOR_PORT:
        return "a guest's address on an edge port without hypervisor";
    case DISCREPANCY_MAC_FLAP:
        return "more changes of edge than the allowed number within the window";
    case DISCREPANCY_INVENTORY_CONFLICT:
        return "two records claim what only one can have";
    case DISCREPANCY_RECORDED_GAP:
        return "the record lacks what a verdict needs";
    case DISCREPANCY_AUDIT_GAP:
        return "what was not read whole proves no absence";
    case DISCREPANCY_UNEXPECTED_STOP:
        return "the session ended, recorded as communicating, no other session or sighting since";
    case DISCREPANCY_SESSION_EXPIRED:
        return "the session's time passed, recorded as communicating, no other session or "
               "sighting since";
    case DISCREPANCY_SWITCH_FLUSH:
        return "a switch that restarted or relearns: absence there proves nothing for one ageing "
               "time";
    case DISCREPANCY_WRONG_SUBNET:
    case DISCREPANCY_UNKNOWN_MOBILE:
    case DISCREPANCY_UNKNOWN_AGENT:
    case DISCREPANCY_KIND_COUNT:
        break;
    }
    UNREACHABLE();
}

static void chain_arithmetic(struct rendering *r, struct chain *chain)
{
    const struct verdict *v = r->verdict;
    if (v->rule == RULE_TWICE)
        chain_add(chain, "arithmetic", "", WALL_UNKNOWN,
                  arena_printf(r->arena,
                               "heard and then read at one place; the record had %s longer to "
                               "follow than it may take",
                               margin_text(r)));
    if (v->rule != RULE_MARGIN && v->rule != RULE_OVERLAP && v->rule != RULE_LASTING &&
        v->rule != RULE_FRESH_AGE && v->rule != RULE_HEARD && v->rule != RULE_PAST)
        return;
    if ((v->rule == RULE_HEARD || v->rule == RULE_PAST) && v->state == VERDICT_SUSPECTED)
        return; /* nothing is proved yet */
    if (v->sightings == 0) {
        chain_add(chain, "arithmetic", "", WALL_UNKNOWN,
                  arena_printf(r->arena, "unseen for %s longer than ageing and poll error",
                               margin_text(r)));
        return;
    }
    const struct sighting *s = &r->list->sightings[v->sighting];
    const struct world_switch *sw = &r->world->switches[r->world->ports[s->port].switch_index];
    char read[CLOCK_TEXT_SIZE], ageing[CLOCK_TEXT_SIZE], error[CLOCK_TEXT_SIZE],
        frame[CLOCK_TEXT_SIZE];
    int64_t earliest = proof_frame(r->world, s);
    bool by_age = s->age != FORWARD_AGE_UNKNOWN;
    const struct world_heard *heard = world_heard_at(r->world, s->port);
    if (heard != NULL) {
        chain_add(
            chain, "arithmetic", heard->fact->origin->type, heard->fact->last,
            arena_printf(
                r->arena, "heard %s, minus clock skew: it was there after %s; margin %s",
                wall_format_ms(heard->fact->polled ? heard->fact->last : heard->fact->frame, read),
                earliest == PROOF_NONE ? "an unknown time"
                                       : wall_format_ms((struct wall){earliest}, frame),
                margin_text(r)));
        return;
    }
    chain_add(chain, "arithmetic", sw->name, sw->table->ended,
              arena_printf(
                  r->arena,
                  "read ended %s, minus %s %s, minus poll error %s: the frame came after "
                  "%s; margin %s",
                  wall_format_ms(sw->table->ended, read), by_age ? "the entry's age" : "ageing",
                  span_format(by_age ? span_seconds((int64_t)s->age + 1) : span_us(sw->ageing_us),
                              ageing),
                  span_format(span_us(sw->poll_error_us), error),
                  earliest == PROOF_NONE ? "an unknown time"
                                         : wall_format_ms((struct wall){earliest}, frame),
                  margin_text(r)));
}

static bool is_row_of(const struct rendering *r, const struct sighting *s, struct mac mac)
{
    const struct world_heard *heard = world_heard_at(r->world, s->port);
    if (heard != NULL)
        return mac_equal(heard->fact->mac, mac);
    const struct world_switch *sw = &r->world->switches[r->world->ports[s->port].switch_index];
    for (size_t i = 0; i < sw->table->row_count; i++) {
        const struct forward_row *row = &sw->table->rows[i];
        if (mac_equal(forward_row_mac(row), mac) && row->port == s->port - sw->first_port &&
            sw->vlans[row->vlan] == s->vlan)
            return true;
    }
    return false;
}

/* Whose row it is: of a guest with several NICs the one that the table shows there. */
static struct mac mac_of_sighting(const struct rendering *r, const struct sighting *sighting)
{
    for (size_t i = 0; r->to->mac_count > 1 && i < r->to->mac_count; i++)
        if (is_row_of(r, sighting, r->to->macs[i]))
            return r->to->macs[i];
    return r->to->mac_count > 0 ? r->to->macs[0] : r->to->subject.mac;
}

static void fill_evidence(struct rendering *r)
{
    const struct verdict *v = r->verdict;
    struct chain chain = {.arena = r->arena};
    if (v->subject_type == SUBJECT_GUEST || (v->subject_type == SUBJECT_MAC && v->nics > 0))
        chain_guest(&chain, r->world, &r->view);
    if (v->subject_type == SUBJECT_HYPERVISOR)
        chain_attachments(&chain, r->world, v->subject);
    uint32_t last = WORLD_NONE;
    for (uint32_t i = 0; i < v->sightings; i++) {
        const struct sighting *s = &r->list->sightings[v->sighting + i];
        chain_sighting(&chain, r->world, mac_of_sighting(r, s), s);
    }
    for (uint32_t i = 0; i < v->sightings; i++) {
        uint32_t port = r->list->sightings[v->sighting + i].port;
        uint32_t sw = r->world->ports[port].switch_index;
        if (sw != last && port < r->world->port_count)
            chain_receipt(&chain, r->world, sw);
        last = sw;
    }
    if (v->subject_type == SUBJECT_SWITCH && v->kind == DISCREPANCY_AUDIT_GAP)
        chain_receipt(&chain, r->world, v->subject);
    bool absence = v->kind == DISCREPANCY_SILENT || v->kind == DISCREPANCY_NIC_SILENT ||
                   v->kind == DISCREPANCY_HYPERVISOR_SILENT;
    for (size_t h = 0; absence && h < r->to->expected_hypervisor_count; h++) {
        uint32_t number = world_find_hypervisor(r->world, r->to->expected_hypervisors[h]);
        const struct world_hypervisor *hv = &r->world->hypervisors[number];
        for (uint32_t a = 0; a < hv->attachment_count; a++) {
            uint32_t sw = r->world->attachments[hv->first_attachment + a].switch_index;
            if (sw != WORLD_NONE && sw != last)
                chain_receipt(&chain, r->world, sw);
            last = sw;
        }
    }
    chain_arithmetic(r, &chain);
    chain_add(&chain, "rule", discrepancy_word((enum discrepancy_kind)v->kind), WALL_UNKNOWN,
              rule_text(r));
    r->to->evidence = chain_end(&chain);
    r->to->evidence_count = chain.count;
}

/* --- collective verdicts and hypervisors list subjects --- */

static void fill_members(struct rendering *r)
{
    const struct verdict *v = r->verdict;
    bool hypervisor =
        v->kind == DISCREPANCY_HYPERVISOR_MOVED || v->kind == DISCREPANCY_HYPERVISOR_SILENT;
    if (v->members == 0 && !hypervisor)
        return;
    size_t count = v->members > 0 ? v->members : v->nics;
    const char **members = arena_alloc(r->arena, (count + 1) * sizeof *members);
    for (size_t i = 0; i < count; i++) {
        if (v->members == 0) {
            members[i] = render_guest_name(r->world, r->list->nics[v->nic + i]);
            continue;
        }
        const struct verdict *member = &r->list->verdicts[r->list->members[v->member + i]];
        char mac[MAC_TEXT_SIZE];
        members[i] =
            member->subject_type == SUBJECT_MAC
                ? arena_printf(r->arena, "%s",
                               mac_format((struct mac){r->list->macs[member->subject]}, mac))
                : render_guest_name(r->world, member->subject);
    }
    r->to->members = members;
    r->to->member_count = count;
}

static const char *why(struct rendering *r)
{
    const struct verdict *v = r->verdict;
    if (v->members == 0)
        return why_single(r);
    return arena_printf(r->arena, "%u cases of %s in one round on %s, taken together", v->members,
                        discrepancy_word((enum discrepancy_kind)v->kind), r->who);
}

void render_verdict(const struct world *world, const struct verdict_list *list,
                    const struct verdict *verdict, struct arena *arena, struct discrepancy *ret)
{
    *ret =
        (struct discrepancy){.kind = (enum discrepancy_kind)verdict->kind,
                             .state = (enum verdict_state)verdict->state,
                             .severity = discrepancy_severity((enum discrepancy_kind)verdict->kind),
                             .subject = {.mac = MAC_NONE},
                             .would_prove = ""};
    struct rendering r = {.world = world,
                          .list = list,
                          .verdict = verdict,
                          .arena = arena,
                          .to = ret,
                          .who = "",
                          .where = "",
                          .home = ""};
    AUTO_TEXT struct text text = TEXT_EMPTY;
    judge_domain(world, verdict->domain, &text);
    ret->domain = arena_text(arena, text_get(&text), text.length);
    text_clear(&text);
    judge_identity(world, list, ret->kind, (enum verdict_subject)verdict->subject_type,
                   verdict->subject, verdict->domain, &text);
    if (verdict->members > 0)
        text_add(&text, " collective");
    ret->identity = arena_text(arena, text_get(&text), text.length);
    if (verdict->rule == RULE_PAST && verdict->detail < world->options.inventory_lag.us / 1000000)
        ret->severity = SEVERITY_INFO; /* as long as records take to follow: a slow shutdown */
    fill_observed(&r);
    name_subject(&r);
    ret->why = why(&r);
    ret->would_prove = would_prove(&r);
    fill_members(&r);
    fill_evidence(&r);
    view_done(&r.view);
    free(r.scratch);
}
