/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/live_inside.h"
#include "base/alloc.h"

/* Storms of events (DOMAIN 3.1 point 5): as storm.h does for a round, many new verdicts of
 * one kind at one port or switch within a window become one collective. The first of them
 * have been told by then, one by one; the round to come puts them where they belong. */

enum { LEVEL_PORT, LEVEL_SWITCH };

static uint64_t group_key(uint8_t kind, int level, uint32_t thing)
{
    return (uint64_t)kind << 40 | (uint64_t)level << 32 | thing;
}

static struct storm_group *group_of(struct live *live, uint8_t kind, int level, uint32_t thing,
                                    struct wall now)
{
    uint32_t number =
        map_put_new(&live->storm_of, group_key(kind, level, thing), (uint32_t)live->storm_count);
    if (number == live->storm_count) {
        live->storms = alloc_grow(live->storms, live->storm_count, &live->storm_capacity,
                                  sizeof *live->storms);
        live->storms[live->storm_count++] = (struct storm_group){.began = now};
    }
    struct storm_group *group = &live->storms[number];
    if (now.us - group->began.us >= live->options.storm_window.us)
        *group = (struct storm_group){.began = now};
    return group;
}

static void collect(struct live *live, struct storm_group *group, const struct verdict *verdict,
                    uint64_t mac)
{
    if (group->count < STORM_LISTED) {
        struct storm_member *member = &group->first[group->count];
        *member = (struct storm_member){.verdict = *verdict, .mac = mac};
        member->verdict.sightings = member->verdict.nics = 0;
    }
    group->count++;
}

/* Makes the collective verdict with those that are listed. */
static void tell_storm(struct live *live, const struct storm_group *group, uint8_t kind, int level,
                       uint32_t thing, struct live_out *out)
{
    struct verdict_list *list = out->list;
    const struct world *view = &live->base->view;
    uint32_t site =
        view->switches[level == LEVEL_PORT ? view->ports[thing].switch_index : thing].site;
    size_t listed = group->count < STORM_LISTED ? group->count : STORM_LISTED;
    uint32_t member = (uint32_t)list->member_count;
    for (size_t i = 0; i < listed; i++) {
        struct verdict verdict = group->first[i].verdict;
        if (verdict.subject_type == SUBJECT_MAC) {
            list->macs =
                alloc_grow(list->macs, list->mac_count, &list->mac_capacity, sizeof *list->macs);
            verdict.subject = (uint32_t)list->mac_count;
            list->macs[list->mac_count++] = group->first[i].mac;
        }
        list->verdicts =
            alloc_grow(list->verdicts, list->count, &list->capacity, sizeof *list->verdicts);
        list->members = alloc_grow(list->members, list->member_count, &list->member_capacity,
                                   sizeof *list->members);
        list->members[list->member_count++] = (uint32_t)list->count;
        list->verdicts[list->count++] = verdict;
    }
    list->verdicts =
        alloc_grow(list->verdicts, list->count, &list->capacity, sizeof *list->verdicts);
    list->verdicts[list->count++] =
        (struct verdict){.kind = kind,
                         .state = VERDICT_SUSPECTED,
                         .subject_type = level == LEVEL_PORT ? SUBJECT_PORT : SUBJECT_SWITCH,
                         .subject = thing,
                         .domain = domain_of(site, VLAN_SET_UNKNOWN),
                         .member = member,
                         .members = (uint32_t)listed,
                         .collective = WORLD_NONE,
                         .detail = WORLD_NONE};
    live->counts.storms++;
    live_tell_collective(live, (uint32_t)list->count - 1, out);
}

bool live_storm(struct live *live, uint32_t number, struct wall now, struct live_out *out)
{
    const struct verdict *verdict = &out->list->verdicts[number];
    const struct world *view = &live->base->view;
    unsigned limit = view->options.storm_count;
    if (limit == 0 || verdict->sightings == 0 ||
        (verdict->subject_type != SUBJECT_GUEST && verdict->subject_type != SUBJECT_MAC))
        return false;
    uint32_t port = out->list->sightings[verdict->sighting].port;
    uint32_t index = view->ports[port].switch_index, root = view->ports[port].root;
    uint64_t mac = verdict->subject_type == SUBJECT_MAC ? out->list->macs[verdict->subject] : 0;
    const struct verdict one = *verdict;
    if (live->storm_count >= STORM_GROUPS) { /* a flood of ports: their switches remain */
        map_done(&live->storm_of);
        live->storm_count = 0;
    }
    const uint32_t things[] = {root, index};
    for (int level = LEVEL_PORT; level <= LEVEL_SWITCH; level++) {
        if (index >= view->switch_count)
            continue;
        struct storm_group *group = group_of(live, one.kind, level, things[level], now);
        collect(live, group, &one, mac);
        if (group->count == limit + 1)
            tell_storm(live, group, one.kind, level, things[level], out);
        if (group->count > limit)
            return true;
    }
    return false;
}

bool live_storming(const struct live *live, enum discrepancy_kind kind, uint32_t port,
                   struct wall now)
{
    const struct world *view = &live->base->view;
    const uint32_t things[] = {view->ports[port].root, view->ports[port].switch_index};
    for (int level = LEVEL_PORT; live->storm_count > 0 && level <= LEVEL_SWITCH; level++) {
        uint32_t number = map_find(&live->storm_of, group_key((uint8_t)kind, level, things[level]));
        if (number != MAP_NO_VALUE && live->storms[number].count > view->options.storm_count &&
            now.us - live->storms[number].began.us < live->options.storm_window.us)
            return true;
    }
    return false;
}
