/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/judge.h"

#include <stdlib.h>

#include "audit/judge_view.h"
#include "base/alloc.h"

void verdict_list_init(struct verdict_list *list)
{
    *list = (struct verdict_list){0};
}

void verdict_list_done(struct verdict_list *list)
{
    free(list->verdicts);
    free(list->sightings);
    free(list->nics);
    free(list->macs);
    free(list->members);
    free(list->unobserved);
    *list = (struct verdict_list){0};
}

struct judge *judge_new(const struct world *world, struct wall now,
                        const struct sighting_source *source, struct verdict_list *out,
                        uint8_t *hypervisors)
{
    struct judge *judge = alloc_zeroed(1, sizeof *judge);
    judge->world = world;
    judge->now = now;
    judge->source = source;
    judge->out = out;
    judge->hypervisors = hypervisors;
    judge->trusts_heard = true;
    return judge;
}

void judge_free(struct judge *judge)
{
    if (judge == NULL)
        return;
    view_done(&judge->view);
    for (int i = 0; i < DISCREPANCY_KIND_COUNT; i++) {
        free(judge->findings[i].sightings);
        free(judge->findings[i].nics);
    }
    free(judge->edges);
    free(judge->transit);
    free(judge->scratch_nics);
    free(judge->collected);
    map_done(&judge->moved);
    map_done(&judge->hypervisor_verdict);
    free(judge);
}

/* --- findings: what was found of one kind for the guest at hand --- */

struct finding *judge_find(struct judge *judge, enum discrepancy_kind kind)
{
    struct finding *finding = &judge->findings[kind];
    if (!finding->found) {
        finding->found = true;
        finding->sighting_count = finding->nic_count = 0;
        finding->state = VERDICT_SUSPECTED;
        finding->rule = RULE_PLAIN;
        finding->margin_us = PROOF_NONE;
        finding->vlan = VLAN_SET_UNKNOWN;
        finding->site = judge->view.site;
    }
    return finding;
}

void judge_find_nic(struct finding *finding, const struct view_nic *nic)
{
    if (finding->nic_count > 0 && finding->nics[finding->nic_count - 1] == nic->nic)
        return;
    finding->nics = alloc_grow(finding->nics, finding->nic_count, &finding->nic_capacity,
                               sizeof *finding->nics);
    finding->nics[finding->nic_count++] = nic->nic;
}

void judge_find_sighting(const struct judge *judge, struct finding *finding,
                         const struct sighting *sighting)
{
    if (finding->sighting_count == 0) {
        finding->site = judge_site_of(judge, sighting);
        finding->vlan = judge->view.vlan != VLAN_SET_UNKNOWN ? judge->view.vlan
                                                             : judge_domain_vlan(judge, sighting);
    }
    finding->sightings = alloc_grow(finding->sightings, finding->sighting_count,
                                    &finding->sighting_capacity, sizeof *finding->sightings);
    finding->sightings[finding->sighting_count++] = *sighting;
}

void judge_find_margin(struct finding *finding, int64_t margin, enum verdict_rule rule)
{
    if (margin <= finding->margin_us)
        return;
    finding->margin_us = margin;
    if (margin <= 0)
        return;
    finding->state = VERDICT_CONFIRMED;
    finding->rule = (uint8_t)rule;
}

/* --- the rules for one NIC --- */

/* Two places in one bridge domain: a duplicate, as far as this round can tell. */
static void judge_overlap(struct judge *judge, const struct view_nic *nic, const struct sighting *a,
                          const struct sighting *b)
{
    struct finding *finding = judge_find(judge, DISCREPANCY_DUPLICATE_GUEST);
    int64_t first_a = judge_first_on(judge, nic->mac, a->port);
    int64_t first_b = judge_first_on(judge, nic->mac, b->port), margin;
    if (proof_is_single(judge->world, a) || proof_is_single(judge->world, b))
        margin = PROOF_NONE;
    else if (first_a < first_b)
        margin = proof_after(judge->world, a, first_b);
    else if (first_b < first_a)
        margin = proof_after(judge->world, b, first_a);
    else { /* which is the older one is not known: both must prove it */
        int64_t one = proof_after(judge->world, a, first_b);
        margin = proof_after(judge->world, b, first_a);
        margin = one < margin ? one : margin;
    }
    judge_find_nic(finding, nic);
    judge_find_margin(finding, margin, RULE_OVERLAP);
}

/* Returns whether two of the NIC's edges are places apart in one domain. */
static bool find_duplicate(struct judge *judge, const struct view_nic *nic)
{
    bool found = false;
    for (size_t i = 0; i < judge->edge_count; i++)
        for (size_t j = i + 1; j < judge->edge_count; j++) {
            const struct sighting *a = &judge->edges[i], *b = &judge->edges[j];
            if (judge_same_place(judge, a->port, b->port) || !judge_one_domain(judge, a, b))
                continue;
            judge_overlap(judge, nic, a, b);
            found = true;
        }
    for (size_t i = 0; found && i < judge->edge_count; i++)
        judge_find_sighting(judge, &judge->findings[DISCREPANCY_DUPLICATE_GUEST], &judge->edges[i]);
    return found;
}

/* A row that has outlasted every older one since the case was opened, while the
 * record had time to follow (DOMAIN 3.1 point 4). */
int64_t judge_lasting(const struct judge *judge, const struct sighting *sighting, int64_t since,
                      int64_t as_of_us)
{
    const struct world_switch *sw =
        &judge->world->switches[judge->world->ports[sighting->port].switch_index];
    bool assumed = sw->edges_assumed && !judge->world->site_whole[sw->site] &&
                   judge->world->ports[sighting->port].class == PORT_CLASS_EDGE;
    if (assumed) /* it may lead to a switch that nobody reads */
        return PROOF_NONE;
    if (since == WALL_UNKNOWN.us || as_of_us == WALL_UNKNOWN.us ||
        as_of_us - judge->world->options.inventory_lag.us < since)
        return PROOF_NONE;
    return proof_after(judge->world, sighting, since);
}

bool judge_is_read(const struct world *world, const struct sighting *sighting)
{
    const struct world_heard *heard = world_heard_at(world, sighting->port);
    return heard == NULL || (heard->fact != NULL && heard->fact->polled);
}

int64_t judge_twice(const struct judge *judge, const struct sighting *sightings, size_t count,
                    int64_t as_of_us)
{
    const struct world *world = judge->world;
    int64_t best = PROOF_NONE;
    for (size_t h = 0; as_of_us != WALL_UNKNOWN.us && h < count; h++) {
        if (judge_is_read(world, &sightings[h]))
            continue;
        int64_t first = judge_first_on(judge, MAC_NONE, sightings[h].port), started, ended;
        for (size_t i = 0; first != WALL_UNKNOWN.us && i < count; i++) {
            proof_read(world, sightings[i].port, &started, &ended);
            if (!judge_is_read(world, &sightings[i]) || ended == WALL_UNKNOWN.us || ended < first ||
                !judge_same_place(judge, sightings[i].port, sightings[h].port))
                continue;
            int64_t margin = as_of_us == INT64_MAX
                                 ? ended - first + 1
                                 : as_of_us - world->options.inventory_lag.us - first;
            best = margin > best ? margin : best;
        }
    }
    return best;
}

static void prove_lasting(struct judge *judge, struct finding *finding, enum discrepancy_kind kind)
{
    uint32_t domain = domain_of(finding->site, finding->vlan);
    int64_t since = judge_open_since(judge, kind, SUBJECT_GUEST, judge->view.first_nic, domain);
    for (size_t i = 0; i < finding->sighting_count; i++)
        judge_find_margin(finding,
                          judge_lasting(judge, &finding->sightings[i], since, judge->view.as_of_us),
                          RULE_LASTING);
    if (judge->world->heard_count > 0)
        judge_find_margin(
            finding,
            judge_twice(judge, finding->sightings, finding->sighting_count, judge->view.as_of_us),
            RULE_TWICE);
}

void judge_access_port(struct judge *judge, struct mac mac, uint32_t nic,
                       const struct sighting *sighting, uint32_t site, int64_t as_of_us)
{
    struct verdict_list *out = judge->out;
    uint32_t subject = (uint32_t)out->mac_count;
    out->macs = alloc_grow(out->macs, out->mac_count, &out->mac_capacity, sizeof *out->macs);
    out->macs[out->mac_count++] = mac.bits;
    uint32_t domain = domain_of(site, sighting->vlan);
    int64_t since =
        judge_open_since(judge, DISCREPANCY_NON_HYPERVISOR_PORT, SUBJECT_MAC, subject, domain);
    int64_t margin = judge_lasting(judge, sighting, since, as_of_us);
    enum verdict_rule rule = margin > 0 ? RULE_LASTING : RULE_PLAIN;
    int64_t twice = judge->world->heard_count > 0 && margin <= 0
                        ? judge_twice(judge, judge->edges, judge->edge_count, as_of_us)
                        : PROOF_NONE;
    if (twice > 0) {
        margin = twice;
        rule = RULE_TWICE;
    }
    struct verdict *verdict = judge_add(judge, DISCREPANCY_NON_HYPERVISOR_PORT,
                                        margin > 0 ? VERDICT_CONFIRMED : VERDICT_SUSPECTED, rule,
                                        SUBJECT_MAC, subject, domain);
    verdict->margin_us = margin > 0 ? margin : 0;
    judge_add_sightings(judge, sighting, 1);
    if (nic != WORLD_NONE)
        judge_add_nics(judge, &nic, 1);
}

/* Is the place expected, another hypervisor's, or nobody's? Each bridge domain is
 * looked at by itself. Returns whether some edge is in place. */
static bool judge_location(struct judge *judge, const struct view_nic *nic)
{
    bool in_place = false;
    for (size_t i = 0; i < judge->edge_count; i++)
        in_place = in_place || !judge->view.located ||
                   judge_is_expected(judge, &judge->view, judge->edges[i].port);
    for (size_t i = 0; judge->view.located && i < judge->edge_count; i++) {
        const struct sighting *edge = &judge->edges[i];
        if (judge_is_expected(judge, &judge->view, edge->port) || judge->view.migrating ||
            judge_is_anothers(judge, nic, edge->port, edge->vlan))
            continue;
        bool said = false; /* another row of the same place and domain */
        for (size_t j = 0; j < i; j++)
            said = said || (judge_same_place(judge, judge->edges[j].port, edge->port) &&
                            judge_one_domain(judge, &judge->edges[j], edge));
        if (judge->world->unread_records != NULL)
            continue; /* further ports of its hypervisor may stand there */
        if (judge_no_hypervisor(judge, edge->port)) {
            if (!said)
                judge_access_port(judge, nic->mac, nic->nic, edge, judge_site_of(judge, edge),
                                  judge->view.as_of_us);
            continue;
        }
        struct finding *finding = judge_find(judge, DISCREPANCY_WRONG_LOCATION);
        judge_find_nic(finding, nic);
        judge_find_sighting(judge, finding, edge);
    }
    return in_place;
}

static void judge_vlan(struct judge *judge, const struct view_nic *nic)
{
    if (nic->vlan == VLAN_SET_UNKNOWN || nic->vlan == VLAN_SET_TRUNK)
        return;
    bool known = false;
    for (size_t i = 0; i < judge->edge_count; i++) {
        const struct sighting *edge = &judge->edges[i];
        if (!judge_in_place(judge, edge) || edge->vlan == VLAN_SET_UNKNOWN)
            continue;
        if (world_vlans_overlap(judge->world, nic->vlan, edge->vlan))
            return;
        known = true;
    }
    for (size_t i = 0; known && i < judge->edge_count; i++) {
        const struct sighting *edge = &judge->edges[i];
        if (!judge_in_place(judge, edge) || edge->vlan == VLAN_SET_UNKNOWN)
            continue;
        struct finding *finding = judge_find(judge, DISCREPANCY_WRONG_VLAN);
        judge_find_nic(finding, nic);
        judge_find_sighting(judge, finding, edge);
    }
}

/* A, B, A: the guest came back to an edge it had left, or keeps leaving it. Returns
 * whether that explains the NIC, so that its place is not judged by itself. */
static bool judge_wandering(struct judge *judge, const struct view_nic *nic)
{
    if (judge->edge_count == 0 || judge->world->memory->interval_count == 0 ||
        judge->view.migrating)
        return false;
    struct history history = judge_history(judge, nic->mac);
    if (!history.interleaved)
        return false;
    bool flaps = history.moves >= judge->world->options.flap_moves;
    struct finding *finding =
        judge_find(judge, flaps ? DISCREPANCY_MAC_FLAP : DISCREPANCY_DUPLICATE_GUEST);
    judge_find_nic(finding, nic);
    finding->rule = RULE_INTERLEAVED;
    for (size_t i = 0; i < judge->edge_count; i++)
        judge_find_sighting(judge, finding, &judge->edges[i]);
    judge_find_sighting(
        judge, finding,
        &(struct sighting){history.other, judge->edges[0].vlan, FORWARD_AGE_UNKNOWN});
    uint32_t domain = domain_of(finding->site, finding->vlan);
    bool record_followed = true; /* there and back, as a pair of migrations does */
    static const enum discrepancy_kind kinds[] = {DISCREPANCY_WRONG_LOCATION,
                                                  DISCREPANCY_DUPLICATE_GUEST};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
        record_followed =
            record_followed && judge_open_since(judge, kinds[i], SUBJECT_GUEST,
                                                judge->view.first_nic, domain) == WALL_UNKNOWN.us;
    if (flaps || judge->view.conflict || !record_followed || history.wanderings >= 3)
        finding->state = VERDICT_CONFIRMED;
    return true;
}

static bool judge_nic(struct judge *judge, struct view_nic *nic)
{
    const struct sighting *sightings;
    size_t count = judge->source->find(judge->source->aux, nic->mac, &sightings);
    judge_split(judge, WORLD_NONE, sightings, count);
    if (judge->heard_only && judge->edge_count + judge->transit_count == 0)
        return nic->seen = true; /* heard, but by nothing that could be held against it */
    if (judge->edge_count + judge->transit_count == 0 || !judge_owns_sightings(judge, nic))
        return false;
    nic->seen = true;
    judge_supersede(judge, nic->mac);
    if (judge_is_only_ageing(judge) || judge_wandering(judge, nic))
        return true;
    if (!judge->view.migrating && find_duplicate(judge, nic))
        return true;
    bool in_place = judge_location(judge, nic);
    if (judge->view.communicates == NO && (in_place || judge->edge_count == 0))
        judge_state(judge, nic, judge_off_since(judge));
    if (in_place)
        judge_vlan(judge, nic);
    for (size_t i = 0; i < judge->edge_count && judge->moved.count > 0; i++)
        for (size_t e = 0; e < judge->view.expected_count; e++)
            if (judge_has_moved_to(judge, judge->edges[i].port, judge->view.expected[e]))
                judge_collect(judge, judge->view.expected[e], judge->view.first_nic);
    return true;
}

/* --- the guest --- */

static void flush_finding(struct judge *judge, enum discrepancy_kind kind)
{
    struct finding *finding = &judge->findings[kind];
    if (!finding->found)
        return;
    finding->found = false;
    if (kind == DISCREPANCY_WRONG_LOCATION || kind == DISCREPANCY_WRONG_VLAN)
        prove_lasting(judge, finding, kind);
    struct verdict *verdict =
        judge_add(judge, kind, (enum verdict_state)finding->state, (enum verdict_rule)finding->rule,
                  SUBJECT_GUEST, judge->view.first_nic, domain_of(finding->site, finding->vlan));
    verdict->margin_us = finding->margin_us == PROOF_NONE ? 0 : finding->margin_us;
    judge_add_sightings(judge, finding->sightings, finding->sighting_count);
    judge_add_nics(judge, finding->nics, finding->nic_count);
}

static int64_t conflict_since(const struct judge *judge, uint32_t domain)
{
    return judge_open_since(judge, DISCREPANCY_INVENTORY_CONFLICT, SUBJECT_GUEST,
                            judge->view.first_nic, domain);
}

static void add_conflict(struct judge *judge, enum verdict_rule rule, uint16_t vlan,
                         uint32_t detail)
{
    uint32_t domain = domain_of(judge->view.site, vlan);
    int64_t since = conflict_since(judge, domain);
    bool lasts = since != WALL_UNKNOWN.us && judge->view.as_of_us != WALL_UNKNOWN.us &&
                 judge->view.as_of_us - since > judge->world->options.inventory_lag.us;
    struct verdict *verdict = judge_add(judge, DISCREPANCY_INVENTORY_CONFLICT,
                                        lasts ? VERDICT_CONFIRMED : VERDICT_SUSPECTED, rule,
                                        SUBJECT_GUEST, judge->view.first_nic, domain);
    verdict->detail = detail;
    for (size_t i = 0; i < judge->view.nic_count; i++)
        judge_add_nics(judge, &judge->view.nics[i].nic, 1);
}

/* Two running guests with one MAC in what can be one bridge domain: said once, for
 * the guest whose NIC comes first. */
static bool find_mac_conflict(struct judge *judge, const struct view_nic *nic, uint32_t *ret_other)
{
    const struct world_shared_mac *shared;
    size_t count = world_shared(judge->world, nic->mac, &shared);
    for (size_t i = 0; judge->view.communicates == YES && i < count; i++) {
        const struct world *world = judge->world;
        uint32_t other = shared[i].nic, guest = world_nic_guest(world, other);
        if (world->canonical != NULL)
            guest = world->canonical[guest];
        uint32_t site = world_hypervisor_site(world, world_nic_hypervisor(world, other));
        if ((guest == judge->view.guest && (judge->view.has_uuid || site == judge->view.site)) ||
            site != judge->view.site || other < nic->nic ||
            run_state_communicates(world_nic_state(world, other)) != YES ||
            world_vlans_apart(world, nic->vlan, world_nic_vlan(world, other)))
            continue;
        *ret_other = other;
        return true;
    }
    return false;
}

static void judge_conflicts(struct judge *judge)
{
    uint16_t vlan = judge->view.vlan;
    if (judge->view.conflict) {
        add_conflict(judge, RULE_CONFLICT_GUEST, vlan, WORLD_NONE);
        return;
    }
    if (judge->view.plan != NULL) {
        add_conflict(judge, RULE_CONFLICT_PLAN, vlan,
                     (uint32_t)(judge->view.plan - judge->world->plans));
        return;
    }
    for (size_t i = 0; i < judge->view.nic_count; i++) {
        uint32_t other;
        if (!mac_known(judge->view.nics[i].mac) ||
            !find_mac_conflict(judge, &judge->view.nics[i], &other))
            continue;
        add_conflict(judge, RULE_CONFLICT_MAC, vlan, other);
        return;
    }
}

bool judge_guest(struct judge *judge, uint32_t nic)
{
    view_build(judge->world, nic, &judge->view, &judge->scratch_nics, &judge->scratch_capacity);
    judge->trusts_heard = judge->world->in.table_count == 0; /* nothing else could bear it out */
    for (size_t i = 0; judge->world->windows.count > 0 && i < judge->view.nic_count; i++)
        judge->view.migrating =
            judge->view.migrating || world_in_window(judge->world, judge->view.nics[i].mac.bits);
    bool seen = false;
    for (size_t i = 0; i < judge->view.nic_count; i++)
        if (mac_known(judge->view.nics[i].mac))
            seen = judge_nic(judge, &judge->view.nics[i]) || seen;
    if (judge->world->heard_count > 0)
        judge_departures(judge);
    for (int kind = 0; kind < DISCREPANCY_KIND_COUNT; kind++)
        flush_finding(judge, (enum discrepancy_kind)kind);
    judge_conflicts(judge);
    if (seen)
        judge_missing_nics(judge);
    return seen;
}
