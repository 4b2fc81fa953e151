/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/storm.h"

#include <stdlib.h>

#include "audit/judge_view.h"
#include "base/alloc.h"

enum level { LEVEL_PORT, LEVEL_HYPERVISOR, LEVEL_SWITCH, LEVELS };

static uint32_t first_port(const struct verdict_list *list, const struct verdict *verdict)
{
    return verdict->sightings > 0 ? list->sightings[verdict->sighting].port : WORLD_NONE;
}

static uint32_t hypervisor_of(const struct world *world, const struct verdict_list *list,
                              const struct verdict *verdict)
{
    if (verdict->subject_type == SUBJECT_GUEST)
        return world_nic_hypervisor(world, verdict->subject);
    if (verdict->subject_type == SUBJECT_MAC && verdict->nics > 0)
        return world_nic_hypervisor(world, list->nics[verdict->nic]);
    return WORLD_NONE;
}

static uint32_t switch_of(const struct world *world, const struct verdict_list *list,
                          const struct verdict *verdict)
{
    uint32_t port = first_port(list, verdict);
    if (port != WORLD_NONE)
        return world->ports[port].switch_index;
    uint32_t hypervisor = hypervisor_of(world, list, verdict);
    if (hypervisor == WORLD_NONE || world->hypervisors[hypervisor].attachment_count == 0)
        return WORLD_NONE;
    return world->attachments[world->hypervisors[hypervisor].first_attachment].switch_index;
}

/* What the verdict is on, at one level; WORLD_NONE: nothing there. */
static uint32_t thing_of(const struct world *world, const struct verdict_list *list,
                         const struct verdict *verdict, enum level level)
{
    uint32_t port;
    switch (level) {
    case LEVEL_PORT:
        port = first_port(list, verdict);
        return port == WORLD_NONE ? WORLD_NONE : world->ports[port].root;
    case LEVEL_HYPERVISOR:
        return hypervisor_of(world, list, verdict);
    case LEVEL_SWITCH:
        return switch_of(world, list, verdict);
    case LEVELS:
        break;
    }
    UNREACHABLE();
}

static bool may_collapse(const struct verdict *verdict)
{
    return verdict->collective == WORLD_NONE && verdict->members == 0 &&
           (verdict->subject_type == SUBJECT_GUEST || verdict->subject_type == SUBJECT_MAC);
}

struct group {
    uint32_t count, verdict; /* of its members; the collective once made */
};

static enum verdict_subject subject_at(enum level level)
{
    return level == LEVEL_PORT         ? SUBJECT_PORT
           : level == LEVEL_HYPERVISOR ? SUBJECT_HYPERVISOR
                                       : SUBJECT_SWITCH;
}

static uint32_t site_at(const struct world *world, enum level level, uint32_t thing)
{
    if (level == LEVEL_HYPERVISOR)
        return world->hypervisors[thing].site;
    uint32_t index = level == LEVEL_PORT ? world->ports[thing].switch_index : thing;
    return world->switches[index].site;
}

static void add_collective(const struct world *world, struct verdict_list *list,
                           struct group *group, uint8_t kind, enum level level, uint32_t thing)
{
    list->verdicts =
        alloc_grow(list->verdicts, list->count, &list->capacity, sizeof *list->verdicts);
    group->verdict = (uint32_t)list->count;
    list->verdicts[list->count++] =
        (struct verdict){.kind = kind,
                         .state = VERDICT_CONFIRMED,
                         .subject_type = (uint8_t)subject_at(level),
                         .subject = thing,
                         .domain = domain_of(site_at(world, level, thing), VLAN_SET_UNKNOWN),
                         .member = (uint32_t)list->member_count,
                         .members = 0,
                         .collective = WORLD_NONE,
                         .detail = WORLD_NONE};
    /* room for all members: they are filled in by the caller's second pass */
    for (uint32_t i = 0; i < group->count; i++) {
        list->members = alloc_grow(list->members, list->member_count, &list->member_capacity,
                                   sizeof *list->members);
        list->members[list->member_count++] = WORLD_NONE;
    }
}

static void collapse_level(const struct world *world, struct verdict_list *list, enum level level)
{
    struct map numbers = MAP_EMPTY;
    struct group *groups = NULL;
    size_t group_count = 0, capacity = 0, before = list->count;
    uint32_t *group_of = alloc_array(before + 1, sizeof *group_of);
    map_reserve(&numbers, before);
    for (size_t i = 0; i < before; i++) {
        group_of[i] = WORLD_NONE;
        uint32_t thing = may_collapse(&list->verdicts[i])
                             ? thing_of(world, list, &list->verdicts[i], level)
                             : WORLD_NONE;
        if (thing == WORLD_NONE)
            continue;
        uint64_t key = (uint64_t)list->verdicts[i].kind << 32 | thing;
        group_of[i] = map_put_new(&numbers, key, (uint32_t)group_count);
        if (group_of[i] == group_count) {
            groups = alloc_grow(groups, group_count, &capacity, sizeof *groups);
            groups[group_count++] = (struct group){0, WORLD_NONE};
        }
        groups[group_of[i]].count++;
    }
    for (size_t i = 0; i < before; i++) {
        struct group *group = group_of[i] != WORLD_NONE ? &groups[group_of[i]] : NULL;
        if (group == NULL || group->count <= world->options.storm_count)
            continue;
        if (group->verdict == WORLD_NONE)
            add_collective(world, list, group, list->verdicts[i].kind, level,
                           thing_of(world, list, &list->verdicts[i], level));
        struct verdict *collective = &list->verdicts[group->verdict];
        list->members[collective->member + collective->members++] = (uint32_t)i;
        list->verdicts[i].collective = group->verdict;
        if (list->verdicts[i].state == VERDICT_SUSPECTED)
            collective->state = VERDICT_SUSPECTED;
    }
    map_done(&numbers);
    free(groups);
    free(group_of);
}

void storm_collapse(const struct world *world, struct verdict_list *list)
{
    if (world->options.storm_count == 0 || list->count <= world->options.storm_count)
        return;
    for (int level = 0; level < LEVELS; level++)
        collapse_level(world, list, (enum level)level);
}
