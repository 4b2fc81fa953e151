/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "audit/judge.h"
#include "audit/judge_view.h"

/* Sessions that ended or expired (DOMAIN 1.7 points 54 and 55, flaws F1, F9, F10, F20).
 *
 * A guest that is recorded as communicating and whose last session has ended has left the
 * wire, unless anything says that it is still there: another session, a sighting elsewhere,
 * a frame that must be younger than the end. A row at the place of the session that may be
 * as old as the session itself says nothing. Of a NIC only its last end is judged, so a stop
 * at the old port after a start at the new one is not even looked at. A frame that was overheard is
 * no session: it says that the guest is there if it came after the end, and nothing if before.
 *
 * That a session was not renewed, or ended with all others of its device, is nobody's word of this
 * guest: any row says that it is there, and only tables that were read prove that it is not. */

struct departure {
    const struct world_heard *heard;
    int64_t at_us, settled_us;
    enum discrepancy_kind kind;
    enum verdict_rule rule;
};

static bool describe(const struct world *world, const struct world_heard *heard,
                     struct departure *ret)
{
    const struct heard_fact *fact = heard->fact;
    *ret = (struct departure){.heard = heard, .kind = DISCREPANCY_UNEXPECTED_STOP};
    if (!heard_is_session(fact->origin))
        return false;
    switch ((enum heard_end)fact->end) {
    case HEARD_STOPPED:
    case HEARD_RESET:
        ret->at_us = fact->ended.us;
        ret->settled_us = wall_known(fact->expires) ? fact->expires.us : fact->ended.us;
        ret->rule = fact->end == HEARD_RESET ? RULE_RESET : RULE_STOPPED;
        return true;
    case HEARD_OPEN:
        if (!wall_known(fact->expires) || fact->expires.us > world->in.now.us)
            return false; /* goes on, or nobody can tell */
        ret->at_us = fact->expires.us;
        break;
    case HEARD_EXPIRED:
        ret->at_us = wall_known(fact->expires) ? fact->expires.us : fact->ended.us;
        break;
    }
    ret->settled_us = ret->at_us;
    ret->kind = DISCREPANCY_SESSION_EXPIRED;
    ret->rule = RULE_EXPIRED;
    return true;
}

/* Finds the NIC's last end; false while another session goes on. */
static bool find_departure(const struct world *world, struct mac mac, struct departure *ret)
{
    bool found = false;
    for (const struct world_heard *h = world_heard_of(world, mac.bits); h != NULL;
         h = world_heard_next(world, h)) {
        struct departure one;
        if (h->fact->polled)
            continue;
        if (h->open && heard_is_session(h->fact->origin))
            return false;
        if (!describe(world, h, &one) || (found && one.at_us <= ret->at_us))
            continue;
        *ret = one;
        found = true;
    }
    return found;
}

/* Whether the row is a frame that was overheard before the session began: it was left since. */
static bool is_left(const struct world *world, const struct sighting *row,
                    const struct departure *departure)
{
    const struct world_heard *heard = world_heard_at(world, row->port);
    return heard != NULL && heard->fact != NULL && !heard->fact->polled &&
           !heard_is_session(heard->fact->origin) &&
           heard->fact->frame.us <= departure->heard->fact->first.us;
}

/* Whether a row says that the MAC is still there; sets *ret_row when one shows it at all. */
static bool is_still_there(const struct judge *judge, struct mac mac,
                           const struct departure *departure, bool *ret_row)
{
    const struct world *world = judge->world;
    const struct sighting *sightings;
    size_t count = judge->source->find(judge->source->aux, mac, &sightings);
    uint32_t place = world_heard_port(world, departure->heard);
    *ret_row = count > 0;
    /* A renewal may be lost, and who restarts speaks of itself: a guest that is gone leaves the
     * tables soon (F2). */
    if (count > 0 && departure->rule != RULE_STOPPED)
        return true;
    for (size_t i = 0; i < count; i++) {
        enum port_class class = (enum port_class)world->ports[sightings[i].port].class;
        bool edge = class == PORT_CLASS_HYPERVISOR || class == PORT_CLASS_EDGE;
        if (proof_after(world, &sightings[i], departure->at_us) > 0 ||
            (edge && !judge_same_place(judge, sightings[i].port, place) &&
             !is_left(world, &sightings[i], departure) &&
             !judge_is_outdated(judge, &sightings[i], departure->heard)))
            return true;
    }
    return false;
}

/* Whether the fact's session was of the switch that forgot its table, and ended within its hold. */
static bool covers(const struct world *world, const struct switch_flush *flush,
                   const struct heard_fact *fact, int64_t at)
{
    enum { BEFORE_US = 5000000 }; /* the hint may come behind the first stops */
    const char *name = fact->origin->switch_name;
    return name != NULL && strcmp(flush->switch_name, name) == 0 &&
           at >= flush->at.us - BEFORE_US && at < world_flush_end(world, flush);
}

/* A switch that forgets its table ends sessions that go on as soon as their guests are heard:
 * like absence, that is held for one ageing time. */
static bool is_held(const struct world *world, const struct departure *departure)
{
    for (size_t i = 0; i < world->in.flush_count; i++)
        if (world->in.now.us < world_flush_end(world, &world->in.flushes[i]) &&
            covers(world, &world->in.flushes[i], departure->heard->fact, departure->at_us))
            return true;
    return false;
}

bool judge_flush_covers(const struct world *world, const struct switch_flush *flush,
                        const struct heard_fact *fact)
{
    bool expired = fact->end == HEARD_EXPIRED && wall_known(fact->expires);
    return covers(world, flush, fact, expired ? fact->expires.us : fact->ended.us);
}

/* Of a session that ended with all others of its device nothing is said while that switch, which is
 * to be read, was not: it may be restarting, and its table will tell. */
static bool is_unread(const struct world *world, const struct departure *departure)
{
    const char *name = departure->heard->fact->origin->switch_name;
    uint32_t index = name != NULL ? world_find_switch(world, name) : WORLD_NONE;
    if (departure->rule != RULE_RESET || index == WORLD_NONE)
        return false;
    const struct world_switch *sw = &world->switches[index];
    return sw->failed != NULL || (sw->table != NULL && !sw->table->whole);
}

static void depart(struct judge *judge, const struct view_nic *nic,
                   const struct departure *departure, bool row)
{
    const struct world *world = judge->world;
    struct finding *finding = judge_find(judge, departure->kind);
    struct sighting last = {world_heard_port(world, departure->heard), departure->heard->vlan,
                            FORWARD_AGE_UNKNOWN};
    judge->edge_count = judge->transit_count = 0;
    judge_find_nic(finding, nic);
    judge_find_sighting(judge, finding, &last);
    finding->rule = (uint8_t)departure->rule;
    bool followed = judge->view.as_of_us != WALL_UNKNOWN.us &&
                    judge->view.as_of_us - world->options.inventory_lag.us >= departure->at_us;
    bool looked = departure->rule == RULE_STOPPED || judge_may_conclude_absence(judge);
    if (!row && followed && looked) {
        finding->state = VERDICT_CONFIRMED;
        finding->margin_us = judge->view.as_of_us - departure->at_us;
    }
}

void judge_departures(struct judge *judge)
{
    const struct guest_view *view = &judge->view;
    if (view->communicates != YES || view->migrating)
        return;
    for (size_t i = 0; i < view->nic_count; i++) {
        struct departure departure = {0};
        bool row;
        if (!mac_known(view->nics[i].mac) || view->nics[i].wire == NO ||
            !find_departure(judge->world, view->nics[i].mac, &departure))
            continue;
        if (departure.settled_us > judge->world->in.now.us || is_held(judge->world, &departure) ||
            is_unread(judge->world, &departure) ||
            is_still_there(judge, view->nics[i].mac, &departure, &row))
            continue;
        depart(judge, &view->nics[i], &departure, row);
    }
}
