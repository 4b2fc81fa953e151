/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "audit/judge_view.h"

/* A guest that should not communicate and does (DOMAIN P8, S4, F1b): by the rows and sessions
 * that show it now, and by a session that is over. */

int64_t judge_off_since(const struct judge *judge)
{
    if (judge->view.since_us != WALL_UNKNOWN.us)
        return judge->view.since_us;
    if (judge->world->memory->off_count == 0)
        return WALL_UNKNOWN.us;
    AUTO_TEXT struct text identity = TEXT_EMPTY;
    view_identity(judge->world, judge->view.first_nic, &identity);
    return memory_off_first(judge->world->memory, text_get(&identity)).us;
}

/* Heard first when the record had been read already: it may just have been switched on, and
 * the record be older than that (DOMAIN 3.1 point 4). */
static bool is_newer_than_record(const struct judge *judge, const struct sighting *sighting)
{
    return judge->view.as_of_us == WALL_UNKNOWN.us ||
           judge_first_on(judge, MAC_NONE, sighting->port) > judge->view.as_of_us;
}

/* The sighting that proves most is shown first. */
static void state_margin(const struct judge *judge, struct finding *finding,
                         const struct sighting *sighting, int64_t since)
{
    int64_t margin = proof_after(judge->world, sighting, since);
    if (!judge_is_read(judge->world, sighting) && is_newer_than_record(judge, sighting)) {
        if (finding->state == VERDICT_SUSPECTED)
            finding->rule = RULE_HEARD;
        return;
    }
    if (margin > finding->margin_us && finding->sighting_count > 1) {
        struct sighting first = finding->sightings[0];
        finding->sightings[0] = *sighting;
        for (size_t i = 1; i < finding->sighting_count; i++)
            if (memcmp(&finding->sightings[i], sighting, sizeof *sighting) == 0) {
                finding->sightings[i] = first;
                break;
            }
    }
    if (margin <= 0 && !judge_is_read(judge->world, sighting) && since != WALL_UNKNOWN.us &&
        finding->state == VERDICT_SUSPECTED)
        finding->rule = RULE_HEARD; /* a session that is kept open, and no frame since */
    judge_find_margin(finding, margin,
                      !judge_is_read(judge->world, sighting) ? RULE_HEARD
                      : sighting->age != FORWARD_AGE_UNKNOWN ? RULE_FRESH_AGE
                                                             : RULE_MARGIN);
}

void judge_state(struct judge *judge, const struct view_nic *nic, int64_t since)
{
    const struct sighting *list = judge->edge_count > 0 ? judge->edges : judge->transit;
    size_t count = judge->edge_count > 0 ? judge->edge_count : judge->transit_count;
    for (size_t i = 0; i < count; i++) {
        if (judge->edge_count > 0 && !judge_in_place(judge, &list[i]))
            continue;
        struct finding *finding = judge_find(judge, DISCREPANCY_OFF_BUT_SEEN);
        judge_find_nic(finding, nic);
        judge_find_sighting(judge, finding, &list[i]);
        if (judge->edge_count == 0) {
            if (finding->state == VERDICT_SUSPECTED)
                finding->rule = RULE_TRANSIT;
            continue;
        }
        if (finding->state == VERDICT_SUSPECTED && finding->rule == RULE_PLAIN)
            finding->rule = RULE_NO_SINCE;
        state_margin(judge, finding, &list[i], since);
    }
    for (size_t i = 0; i < judge->transit_count; i++) {
        if (judge_is_read(judge->world, &judge->transit[i]))
            continue;
        struct finding *finding = judge_find(judge, DISCREPANCY_OFF_BUT_SEEN);
        if (judge->edge_count > 0)
            judge_find_sighting(judge, finding, &judge->transit[i]);
        state_margin(judge, finding, &judge->transit[i], since);
    }
}

bool judge_is_only_ageing(const struct judge *judge)
{
    if (judge->view.communicates != NO || judge->view.since_us == WALL_UNKNOWN.us)
        return false;
    for (size_t i = 0; i < judge->edge_count; i++) {
        int64_t margin = proof_kept_after(judge->world, &judge->edges[i], judge->view.since_us);
        if (margin > 0 || margin == PROOF_NONE)
            return false;
    }
    for (size_t i = 0; i < judge->transit_count; i++) {
        if (judge->edge_count > 0 && judge_is_read(judge->world, &judge->transit[i]))
            continue; /* edges tell more than their path */
        int64_t margin = proof_kept_after(judge->world, &judge->transit[i], judge->view.since_us);
        if (margin > 0 || margin == PROOF_NONE)
            return false;
    }
    return true;
}

/* --- a session that is over --- */

/* How long after a guest has gone a session of it may go on at `port`: until its keeper's timer
 * has run out, which nobody tells us, and as long as any end may take to be heard. */
static int64_t normal_end(const struct world *world, uint32_t port)
{
    int64_t timer = world_ageing(world, port);
    if (timer < world->options.heard_hold.us)
        timer = world->options.heard_hold.us;
    return timer + world->options.settle.us + world->options.clock_skew.us;
}

bool judge_past(struct judge *judge, uint32_t nic, uint32_t port)
{
    const struct world *world = judge->world;
    const struct world_heard *heard = &world->heard[port - world->port_count];
    const struct heard_fact *fact = heard->fact;
    const struct sighting last = {port, heard->vlan, FORWARD_AGE_UNKNOWN};
    struct guest_view *view = &judge->view;
    view_build(world, nic, view, &judge->scratch_nics, &judge->scratch_capacity);
    int64_t since = judge_off_since(judge), outlived;
    if (view->communicates != NO || since == WALL_UNKNOWN.us || fact->ended.us == WALL_UNKNOWN.us ||
        __builtin_sub_overflow(fact->ended.us, since, &outlived) || fact->first.us > view->as_of_us)
        return false; /* or it began when the record had been read, and may be on by now */
    int64_t margin = proof_after(world, &last, since);
    bool proved = margin > world->options.settle.us && fact->frame.us <= view->as_of_us;
    if (!proved && (!proof_is_single(world, &last) || outlived <= normal_end(world, port) ||
                    world_heard_is_outlasted(world, heard)))
        return false;
    judge->edge_count = judge->transit_count = 0;
    uint16_t vlan = view->vlan != VLAN_SET_UNKNOWN ? view->vlan : heard->vlan;
    struct verdict *verdict = judge_add(
        judge, DISCREPANCY_OFF_BUT_SEEN, proved ? VERDICT_CONFIRMED : VERDICT_SUSPECTED, RULE_PAST,
        SUBJECT_GUEST, view->first_nic, domain_of(judge_site_of(judge, &last), vlan));
    verdict->margin_us = proved ? margin : outlived;
    verdict->detail =
        outlived < (int64_t)UINT32_MAX * 1000000 ? (uint32_t)(outlived / 1000000) : UINT32_MAX;
    judge_add_sightings(judge, &last, 1);
    for (size_t i = 0; i < view->nic_count; i++)
        if (mac_equal(view->nics[i].mac, fact->mac))
            judge_add_nics(judge, &view->nics[i].nic, 1);
    return true;
}
