/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/explain.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "audit/coverage.h"
#include "audit/edge_class.h"
#include "audit/render.h"
#include "audit/sweep_inside.h"
#include "base/alloc.h"

/* One question at hand. */
struct question {
    const struct world *world;
    const struct sweep *sweep;
    struct arena *arena;
    struct explanation *list;
    size_t count;
};

static struct explanation *add_explanation(struct question *q)
{
    struct explanation *grown = arena_alloc(q->arena, (q->count + 1) * sizeof *grown);
    if (q->count > 0)
        memcpy(grown, q->list, q->count * sizeof *grown);
    q->list = grown;
    return &q->list[q->count++];
}

/* Whether the verdict, or one that it lists, is about the guest or the MAC. */
static bool concerns(const struct question *q, const struct verdict *verdict, uint32_t first_nic,
                     struct mac mac)
{
    const struct verdict_list *list = &q->sweep->list;
    if (verdict->subject_type == SUBJECT_GUEST && verdict->subject == first_nic)
        return true;
    if (verdict->subject_type == SUBJECT_MAC && list->macs[verdict->subject] == mac.bits)
        return true;
    for (uint32_t i = 0; i < verdict->nics; i++)
        if (list->nics[verdict->nic + i] == first_nic)
            return true;
    return false;
}

static void add_verdicts(struct question *q, struct explanation *to, uint32_t first_nic,
                         const struct mac *macs, size_t mac_count)
{
    const struct verdict_list *list = &q->sweep->list;
    size_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        struct discrepancy *found =
            pass == 1 ? arena_alloc(q->arena, (count + 1) * sizeof *found) : NULL;
        count = 0;
        for (size_t i = 0; i < list->count; i++) {
            bool about = concerns(q, &list->verdicts[i], first_nic, MAC_NONE);
            for (size_t m = 0; m < mac_count && !about; m++)
                about = concerns(q, &list->verdicts[i], WORLD_NONE, macs[m]);
            if (!about)
                continue;
            if (pass == 1)
                render_verdict(q->world, list, &list->verdicts[i], q->arena, &found[count]);
            count++;
        }
        to->verdicts = found;
    }
    to->verdict_count = count;
}

/* Adds what was seen of the MAC, and one receipt a switch; returns how many rows. */
static size_t chain_mac(struct question *q, struct chain *chain, struct mac mac)
{
    struct sighting *sightings = NULL;
    char text[MAC_TEXT_SIZE];
    size_t count = edge_sightings(q->world, mac, &sightings);
    uint32_t last = WORLD_NONE;
    for (size_t i = 0; i < count; i++) {
        const struct world_heard *heard = world_heard_at(q->world, sightings[i].port);
        if (heard == NULL || heard->fact->polled)
            chain_sighting(chain, q->world, mac, &sightings[i]);
    }
    chain_heard_of(chain, q->world, mac);
    for (size_t i = 0; i < count; i++) {
        uint32_t sw = q->world->ports[sightings[i].port].switch_index;
        if (sw != last && sightings[i].port < q->world->port_count)
            chain_receipt(chain, q->world, sw);
        last = sw;
    }
    if (count == 0)
        chain_add(chain, "observed", "", WALL_UNKNOWN,
                  arena_printf(q->arena, "%s is in no table of this round", mac_format(mac, text)));
    free(sightings);
    return count;
}

/* The ageing sum of a guest that is off and still in a table. */
static const char *ageing_text(struct question *q, struct chain *chain,
                               const struct guest_view *view, struct mac mac)
{
    struct sighting *sightings = NULL;
    size_t count = edge_sightings(q->world, mac, &sightings);
    const char *text = NULL;
    for (size_t i = 0; i < count && text == NULL; i++) {
        const struct world_switch *sw =
            &q->world->switches[q->world->ports[sightings[i].port].switch_index];
        int64_t margin = proof_after(q->world, &sightings[i], view->since_us);
        if (margin == PROOF_NONE || margin > 0 || sightings[i].port >= q->world->port_count)
            continue;
        char since[CLOCK_TEXT_SIZE], ageing[CLOCK_TEXT_SIZE], error[CLOCK_TEXT_SIZE],
            left[CLOCK_TEXT_SIZE];
        text = arena_printf(q->arena,
                            "off since %s; plus ageing %s, plus poll error %s of %s: the entry is "
                            "ageing and proves a frame only in a read more than %s later",
                            wall_format_ms((struct wall){view->since_us}, since),
                            span_format(span_us(sw->ageing_us), ageing),
                            span_format(span_us(sw->poll_error_us), error), sw->name,
                            span_format(span_us(-margin), left));
        chain_add(chain, "arithmetic", sw->name, sw->table->ended, text);
    }
    free(sightings);
    return text;
}

/* An open session of the guest, of which nobody said how long it holds. */
static const struct world_heard *find_open(const struct world *world, const struct guest_view *view)
{
    for (size_t i = 0; i < view->nic_count; i++)
        for (const struct world_heard *h = mac_known(view->nics[i].mac)
                                               ? world_heard_of(world, view->nics[i].mac.bits)
                                               : NULL;
             h != NULL; h = world_heard_next(world, h))
            if (h->fact->end == HEARD_OPEN && !h->fact->polled && !wall_known(h->fact->expires))
                return h;
    return NULL;
}

static const char *open_text(struct question *q, const struct guest_view *view,
                             const struct world_heard *heard)
{
    char last[CLOCK_TEXT_SIZE];
    bool session = heard->fact->origin->nas != NULL && heard->fact->origin->nas[0] != '\0';
    bool home = false;
    for (size_t i = 0; i < view->expected_count; i++)
        home = home || world_is_place(q->world, heard->on, view->expected[i]);
    return arena_printf(
        q->arena,
        "%s%s of it %s%s%s: nothing says that it has gone, and nothing since %s that "
        "it is there",
        home ? "in order as far as anyone said: " : "", session ? "a session" : "a frame",
        session ? "is open" : "was heard", heard->on != q->world->nowhere ? " at port " : "",
        heard->on != q->world->nowhere ? heard->port_name : "",
        wall_format_ms(heard->fact->last, last));
}

static const char *conclude(struct question *q, const struct explanation *about,
                            const struct guest_view *view, size_t seen, bool ageing)
{
    if (about->verdict_count > 0)
        return about->verdicts[0].why;
    if (ageing)
        return "ageing: it is off, and its entry is younger than old entries live, so nothing is "
               "reported";
    if (seen == 0 && view != NULL && view->communicates == YES) {
        const struct world_heard *open = find_open(q->world, view);
        if (open != NULL)
            return open_text(q, view, open);
        for (size_t i = 0; i < view->expected_count; i++)
            if (!q->world->hypervisors[view->expected[i]].observable)
                return arena_printf(q->arena, "not observable: %s",
                                    coverage_why(q->world, view->expected[i], q->arena));
        if (view->expected_count == 0)
            return arena_printf(q->arena, "not observable: %s",
                                coverage_why(q->world, WORLD_NONE, q->arena));
        return "it need not be seen: no NIC of it is expected on the wire";
    }
    if (seen == 0 && view != NULL)
        return arena_printf(q->arena, "clean: recorded %s and not seen",
                            run_state_word((enum run_state)view->run_state));
    if (view == NULL)
        return "no record has it, and it does not look like a guest";
    return "clean: what is seen of it agrees with the record";
}

static void explain_guest(struct question *q, uint32_t nic)
{
    struct guest_view view = {0};
    uint32_t *scratch = NULL;
    size_t capacity = 0, seen = 0;
    view_build(q->world, nic, &view, &scratch, &capacity);
    struct explanation *to = add_explanation(q);
    struct chain chain = {.arena = q->arena};
    struct mac *macs = arena_alloc(q->arena, (view.nic_count + 1) * sizeof *macs);
    AUTO_TEXT struct text title = TEXT_EMPTY;
    text_printf(&title, "guest %s on ", render_guest_name(q->world, view.first_nic));
    for (size_t i = 0; i < view.expected_count; i++)
        text_printf(&title, "%s%s", i > 0 ? " or " : "",
                    q->world->hypervisors[view.expected[i]].name);
    if (view.expected_count == 0)
        text_add(&title, "no recorded hypervisor");
    to->title = arena_text(q->arena, text_get(&title), title.length);
    chain_guest(&chain, q->world, &view);
    bool ageing = false;
    size_t mac_count = 0;
    for (size_t i = 0; i < view.nic_count; i++) {
        if (!mac_known(view.nics[i].mac))
            continue;
        macs[mac_count++] = view.nics[i].mac;
        seen += chain_mac(q, &chain, view.nics[i].mac);
        if (view.communicates == NO && view.since_us != WALL_UNKNOWN.us)
            ageing = ageing_text(q, &chain, &view, view.nics[i].mac) != NULL || ageing;
    }
    for (size_t i = 0; seen == 0 && i < view.expected_count; i++) {
        const struct world_hypervisor *hv = &q->world->hypervisors[view.expected[i]];
        for (uint32_t a = 0; a < hv->attachment_count; a++) {
            uint32_t sw = q->world->attachments[hv->first_attachment + a].switch_index;
            if (sw != WORLD_NONE)
                chain_receipt(&chain, q->world, sw);
        }
    }
    add_verdicts(q, to, view.first_nic, macs, mac_count);
    to->conclusion = conclude(q, to, &view, seen, ageing);
    chain_add(&chain, "rule", "", WALL_UNKNOWN, to->conclusion);
    to->chain = chain_end(&chain);
    to->chain_count = chain.count;
    view_done(&view);
    free(scratch);
}

static void explain_mac(struct question *q, struct mac mac)
{
    struct explanation *to = add_explanation(q);
    struct chain chain = {.arena = q->arena};
    char text[MAC_TEXT_SIZE];
    uint32_t nic = world_find_hypervisor_nic(q->world, mac.bits);
    mac_format(mac, text);
    if (nic != MAP_NO_VALUE) {
        uint32_t hypervisor = q->world->hypervisor_nics[nic].hypervisor;
        to->title = arena_printf(q->arena, "%s, a NIC of hypervisor %s", text,
                                 q->world->hypervisors[hypervisor].name);
        chain_attachments(&chain, q->world, hypervisor);
    } else {
        to->title = arena_printf(q->arena, "%s, in no record", text);
    }
    size_t seen = chain_mac(q, &chain, mac);
    add_verdicts(q, to, WORLD_NONE, &mac, 1);
    to->conclusion = to->verdict_count > 0 ? to->verdicts[0].why
                     : nic != MAP_NO_VALUE ? "clean: no verdict is about this NIC alone"
                     : mac_is_virtual_router(mac)
                         ? "a virtual router's shared address, which several ports may show"
                         : conclude(q, to, NULL, seen, false);
    chain_add(&chain, "rule", "", WALL_UNKNOWN, to->conclusion);
    to->chain = chain_end(&chain);
    to->chain_count = chain.count;
}

static bool is_named(const struct world *world, uint32_t nic, const char *name)
{
    if (strcmp(render_guest_name(world, nic), name) == 0)
        return true;
    AUTO_TEXT struct text identity = TEXT_EMPTY;
    view_identity(world, nic, &identity);
    return strcasecmp(text_get(&identity), name) == 0;
}

static void explain_named(struct question *q, const char *name)
{
    struct guest_view view = {0};
    uint32_t *scratch = NULL;
    size_t capacity = 0;
    uint32_t last = WORLD_NONE;
    for (uint32_t nic = 0; nic < q->world->nic_count; nic++) {
        uint32_t guest = world_nic_guest(q->world, nic);
        if (guest == last || !is_named(q->world, nic, name))
            continue;
        last = guest;
        view_build(q->world, nic, &view, &scratch, &capacity);
        if (view.first_nic == nic)
            explain_guest(q, nic);
    }
    view_done(&view);
    free(scratch);
}

size_t explain_subject(const struct world *world, const char *name, struct wall now,
                       struct arena *arena, struct explanation **ret)
{
    struct sweep *sweep = sweep_run(world, now);
    struct question q = {.world = world, .sweep = sweep, .arena = arena};
    struct mac mac;
    if (mac_parse(name, strlen(name), &mac) == 0) {
        const struct mac_slot *slot = mac_index_find(&world->index, mac.bits);
        uint32_t tag = slot != NULL ? (uint32_t)(slot->key >> 48) : 0;
        struct sighting *sightings = NULL;
        if (slot != NULL && !(tag & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE))) {
            const struct world_shared_mac *shared;
            size_t count = world_shared(world, mac, &shared);
            for (size_t i = 0; i < count; i++)
                explain_guest(&q, shared[i].nic);
            if (count == 0)
                explain_guest(&q, slot->nic);
        } else if (slot != NULL || world_heard_of(world, mac.bits) != NULL ||
                   edge_sightings(world, mac, &sightings) > 0) {
            explain_mac(&q, mac);
        }
        free(sightings);
    }
    if (q.count == 0)
        explain_named(&q, name);
    sweep_free(sweep);
    *ret = q.list;
    return q.count;
}
