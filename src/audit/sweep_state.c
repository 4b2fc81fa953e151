/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/sweep_state.h"

#include <stdlib.h>
#include <string.h>

#include "audit/sweep_inside.h"
#include "base/alloc.h"

/* One sighting, linked with the others of its MAC. */
struct node {
    uint64_t mac; /* UINT64_MAX: free */
    struct sighting sighting;
    uint32_t next;
};

struct sweep_state {
    const struct world *world;
    uint32_t *fast;
    struct node *nodes;
    size_t node_count, node_capacity;
    uint32_t free_node;
    struct map heads;       /* MAC -> its first node */
    uint32_t *at_home;      /* rows that show each hypervisor at home */
    struct sighting *found; /* of the MAC that the judge asked for last */
    size_t found_capacity;
    struct sweep standing; /* the verdicts; `order` unused */
    struct map subjects;   /* key -> its latest verdict */
    uint32_t *older;       /* verdict -> the subject's one before */
    bool *dead;
    size_t older_capacity, dead_capacity;
    struct map unseen; /* key of a guest -> its latest entry in `unobserved` */
    bool *unseen_dead;
    size_t unseen_capacity, linked, unseen_linked, buried;
    struct sweep *shown;
};

/* --- rows --- */

static size_t state_find(void *aux, struct mac mac, const struct sighting **ret)
{
    struct sweep_state *state = aux;
    size_t count = 0;
    for (uint32_t n = map_find(&state->heads, mac.bits); n != MAP_NO_VALUE;
         n = state->nodes[n].next) {
        state->found =
            alloc_grow(state->found, count, &state->found_capacity, sizeof *state->found);
        state->found[count++] = state->nodes[n].sighting;
    }
    sweep_order(state->found, count);
    *ret = state->found;
    return count;
}

static bool state_is_seen(void *aux, struct mac mac)
{
    const struct sweep_state *state = aux;
    return map_find(&state->heads, mac.bits) != MAP_NO_VALUE;
}

static void link_row(struct sweep_state *state, uint64_t mac, const struct sighting *sighting)
{
    uint32_t number = state->free_node;
    if (number != WORLD_NONE) {
        state->free_node = state->nodes[number].next;
    } else {
        state->nodes = alloc_grow(state->nodes, state->node_count, &state->node_capacity,
                                  sizeof *state->nodes);
        number = (uint32_t)state->node_count++;
    }
    state->nodes[number] = (struct node){mac, *sighting, map_find(&state->heads, mac)};
    map_put(&state->heads, mac, number);
}

static bool unlink_row(struct sweep_state *state, uint64_t mac, const struct sighting *sighting)
{
    uint32_t before = MAP_NO_VALUE, n = map_find(&state->heads, mac);
    while (n != MAP_NO_VALUE &&
           memcmp(&state->nodes[n].sighting, sighting, sizeof *sighting) != 0) {
        before = n;
        n = state->nodes[n].next;
    }
    if (n == MAP_NO_VALUE)
        return false;
    if (before != MAP_NO_VALUE)
        state->nodes[before].next = state->nodes[n].next;
    else /* a head without node stands for an unseen MAC */
        map_put(&state->heads, mac, state->nodes[n].next);
    state->nodes[n] = (struct node){.mac = UINT64_MAX, .next = state->free_node};
    state->free_node = n;
    return true;
}

/* --- whose verdict is it --- */

enum { KEY_GUEST = 1, KEY_MAC = 2, KEY_OTHER = 3 };

static uint64_t guest_key(const struct world *world, uint32_t nic)
{
    uint32_t guest = world_nic_guest(world, nic);
    if (world->canonical != NULL)
        guest = world->canonical[guest];
    uint64_t site = world_hypervisor_site(world, world_nic_hypervisor(world, nic));
    return (uint64_t)KEY_GUEST << 56 | site << 32 | guest;
}

static uint64_t verdict_key(const struct sweep_state *state, const struct verdict *verdict)
{
    const struct verdict_list *list = &state->standing.list;
    if (verdict->kind == DISCREPANCY_RECORDED_GAP)
        return (uint64_t)KEY_OTHER << 56; /* the rows do not change it */
    if (verdict->subject_type == SUBJECT_GUEST)
        return guest_key(state->world, verdict->subject);
    if (verdict->subject_type == SUBJECT_MAC && verdict->nics > 0)
        return guest_key(state->world, list->nics[verdict->nic]);
    if (verdict->subject_type == SUBJECT_MAC)
        return (uint64_t)KEY_MAC << 56 | list->macs[verdict->subject];
    return (uint64_t)KEY_OTHER << 56;
}

/* Links verdicts and unobserved guests that were added since the last call. */
static void link_verdicts(struct sweep_state *state)
{
    const struct verdict_list *list = &state->standing.list;
    for (; state->linked < list->count; state->linked++) {
        size_t i = state->linked;
        state->older = alloc_grow(state->older, i, &state->older_capacity, sizeof *state->older);
        state->dead = alloc_grow(state->dead, i, &state->dead_capacity, sizeof *state->dead);
        uint64_t key = verdict_key(state, &list->verdicts[i]);
        state->older[i] = map_find(&state->subjects, key);
        state->dead[i] = false;
        map_put(&state->subjects, key, (uint32_t)i);
    }
    for (; state->unseen_linked < list->unobserved_count; state->unseen_linked++) {
        size_t i = state->unseen_linked;
        state->unseen_dead =
            alloc_grow(state->unseen_dead, i, &state->unseen_capacity, sizeof *state->unseen_dead);
        state->unseen_dead[i] = false;
        map_put(&state->unseen, guest_key(state->world, list->unobserved[i].nic), (uint32_t)i);
    }
}

static void bury(struct sweep_state *state, uint64_t key)
{
    uint32_t n = map_find(&state->subjects, key);
    for (; n != MAP_NO_VALUE && !state->dead[n]; n = state->older[n]) {
        state->dead[n] = true;
        state->buried++;
    }
    uint32_t unseen = map_find(&state->unseen, key);
    if (unseen != MAP_NO_VALUE)
        state->unseen_dead[unseen] = true;
}

/* --- judging everything of which something odd is known --- */

enum { PREFETCH_AHEAD = 32 };

static void forget_verdicts(struct sweep_state *state)
{
    verdict_list_done(&state->standing.list);
    map_done(&state->subjects);
    map_done(&state->unseen);
    state->linked = state->unseen_linked = state->buried = 0;
}

static void judge_all(struct sweep_state *state, struct wall now)
{
    const struct world *world = state->world;
    struct sweep *sweep = &state->standing;
    forget_verdicts(state);
    sweep->now = now;
    memset(sweep->hypervisors, 0, world->hypervisor_count);
    uint64_t *seen = alloc_zeroed(world->nic_count / 64 + 2, sizeof *seen);
    struct mac_list odd = {0};
    struct first_pass pass = {.world = world,
                              .fast = state->fast,
                              .seen = seen,
                              .hypervisors = sweep->hypervisors,
                              .odd = &odd};
    for (size_t n = 0; n < state->node_count; n++) {
        if (n + PREFETCH_AHEAD < state->node_count)
            mac_index_prefetch(&world->index, state->nodes[n + PREFETCH_AHEAD].mac);
        if (state->nodes[n].mac != UINT64_MAX)
            sweep_pass(&pass, state->nodes[n].mac, state->nodes[n].sighting.port,
                       state->nodes[n].sighting.vlan);
    }
    sweep_add_standing(world, now, &odd);
    struct sweep_subjects subjects;
    sweep_resolve(world, &odd, true, &subjects);
    const struct sighting_source source = {state_find, state_is_seen, state};
    struct sweep_zeros zeros = {world, seen, 0, 0};
    const struct absent_walk absent = {sweep_next_zero, &zeros};
    sweep_judge(sweep, &subjects, &source, &absent);
    sweep_subjects_done(&subjects);
    mac_list_done(&odd);
    free(seen);
    link_verdicts(state);
}

struct sweep_state *sweep_state_new(const struct world *world, struct wall now)
{
    struct sweep_state *state = alloc_zeroed(1, sizeof *state);
    state->world = world;
    state->free_node = WORLD_NONE;
    state->fast = sweep_fast_ports(world);
    state->at_home = alloc_zeroed(world->hypervisor_count + 1, sizeof *state->at_home);
    state->standing.world = world;
    state->standing.hypervisors = alloc_zeroed(world->hypervisor_count + 1, 1);
    struct first_pass pass = {
        .world = world, .fast = state->fast, .at_home = state->at_home, .weight = 1};
    for (uint32_t s = 0; s < world->switch_count; s++) {
        const struct world_switch *sw = &world->switches[s];
        for (size_t i = 0; sw->table != NULL && i < sw->table->row_count; i++) {
            const struct forward_row *row = &sw->table->rows[i];
            if (row->port >= sw->port_count || !world_row_counts(row))
                continue;
            struct sighting sighting = {sw->first_port + row->port, sw->vlans[row->vlan], row->age};
            link_row(state, row->mac_status >> 16, &sighting);
            sweep_pass(&pass, row->mac_status >> 16, sighting.port, sighting.vlan);
        }
    }
    judge_all(state, now);
    return state;
}

static void free_shown(struct sweep_state *state)
{
    sweep_free(state->shown);
    state->shown = NULL;
}

void sweep_state_free(struct sweep_state *state)
{
    if (state == NULL)
        return;
    free_shown(state);
    forget_verdicts(state);
    map_done(&state->heads);
    free(state->standing.hypervisors);
    free(state->fast);
    free(state->at_home);
    free(state->nodes);
    free(state->found);
    free(state->older);
    free(state->dead);
    free(state->unseen_dead);
    free(state);
}

/* --- changes --- */

/* Whether a row shows the MAC on an edge that is no hypervisor's own: for a NIC. */
static bool is_seen_abroad(const struct sweep_state *state, uint64_t mac)
{
    for (uint32_t n = map_find(&state->heads, mac); n != MAP_NO_VALUE; n = state->nodes[n].next) {
        struct first_pass pass = {.world = state->world, .fast = state->fast};
        sweep_pass(&pass, mac, state->nodes[n].sighting.port, state->nodes[n].sighting.vlan);
        if (pass.odd_rows > 0)
            return true;
    }
    return false;
}

/* Applies one change; returns whether it concerns more than its own subject: a
 * hypervisor's NIC off its ports, or a hypervisor that is at home from now on or no
 * more. Adds the MAC to `dirty`. */
static bool apply_row(struct sweep_state *state, const struct row_change *change,
                      struct mac_list *dirty)
{
    const struct world *world = state->world;
    if (change->table >= world->in.table_count || !world_row_counts(&change->row))
        return false;
    const struct world_switch *sw = &world->switches[world->table_switch[change->table]];
    if (change->row.port >= sw->port_count)
        return false;
    uint64_t mac = change->row.mac_status >> 16;
    struct sighting sighting = {sw->first_port + change->row.port, sw->vlans[change->row.vlan],
                                change->row.age};
    if (change->gone && !unlink_row(state, mac, &sighting))
        return false;
    if (!change->gone)
        link_row(state, mac, &sighting);
    uint32_t watched = world->ports[sighting.port].hypervisor;
    bool was = watched < WORLD_SEVERAL && state->at_home[watched] > 0;
    struct first_pass pass = {.world = world,
                              .fast = state->fast,
                              .at_home = state->at_home,
                              .weight = change->gone ? UINT32_MAX : 1};
    sweep_pass(&pass, mac, sighting.port, sighting.vlan);
    bool is = watched < WORLD_SEVERAL && state->at_home[watched] > 0;
    const struct mac_slot *slot = mac_index_find(&world->index, mac);
    bool nic = slot != NULL && (slot->key >> 48 & (MAC_TAG_HYPERVISOR | MAC_TAG_ALSO_NIC));
    bool wide = was != is || watched == WORLD_SEVERAL ||
                (nic && (pass.odd_rows > 0 || is_seen_abroad(state, mac)));
    if (slot == NULL || !(slot->key >> 48 & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE)))
        mac_list_add(dirty, mac);
    return wide;
}

static bool has_wide_verdicts(const struct sweep_state *state)
{
    for (uint32_t h = 0; h < state->world->hypervisor_count; h++)
        if (state->standing.hypervisors[h] & (HYPERVISOR_MOVED | HYPERVISOR_SILENT))
            return true;
    return false;
}

static void judge_dirty(struct sweep_state *state, struct mac_list *dirty, struct wall now)
{
    const struct world *world = state->world;
    struct sweep_subjects subjects;
    sweep_resolve(world, dirty, false, &subjects);
    const struct sighting_source source = {state_find, state_is_seen, state};
    struct judge *judge =
        judge_new(world, now, &source, &state->standing.list, state->standing.hypervisors);
    for (size_t i = 0; i < subjects.guest_count; i++) {
        bury(state, guest_key(world, subjects.guests[i]));
        if (!judge_guest(judge, subjects.guests[i]))
            judge_absent_guest(judge, subjects.guests[i], true);
        link_verdicts(state);
    }
    for (size_t i = 0; i < subjects.unknown_count; i++) {
        bury(state, (uint64_t)KEY_MAC << 56 | subjects.unknown[i]);
        judge_unknown_mac(judge, (struct mac){subjects.unknown[i]});
        link_verdicts(state);
    }
    judge_free(judge);
    sweep_subjects_done(&subjects);
}

enum { BURIED_MIN = 4096 }; /* dead verdicts that are worth a new list */

void sweep_state_apply(struct sweep_state *state, const struct row_change *changes, size_t count,
                       struct wall now)
{
    struct mac_list dirty = {0};
    bool wide = has_wide_verdicts(state);
    free_shown(state);
    for (size_t i = 0; i < count; i++)
        wide = apply_row(state, &changes[i], &dirty) || wide;
    if (wide || (state->buried > BURIED_MIN && state->buried * 2 > state->standing.list.count))
        judge_all(state, now);
    else
        judge_dirty(state, &dirty, now);
    mac_list_done(&dirty);
}

/* --- showing --- */

static void *copy_of(const void *from, size_t count, size_t size)
{
    void *copy = alloc_array(count + 1, size);
    if (count > 0)
        memcpy(copy, from, count * size);
    return copy;
}

const struct sweep *sweep_state_verdicts(struct sweep_state *state)
{
    if (state->shown != NULL)
        return state->shown;
    const struct verdict_list *list = &state->standing.list;
    struct sweep *shown = alloc_zeroed(1, sizeof *shown);
    shown->world = state->world;
    shown->now = state->standing.now;
    shown->hypervisors = copy_of(state->standing.hypervisors, state->world->hypervisor_count, 1);
    struct verdict_list *to = &shown->list;
    to->sightings = copy_of(list->sightings, list->sighting_count, sizeof *to->sightings);
    to->nics = copy_of(list->nics, list->nic_count, sizeof *to->nics);
    to->macs = copy_of(list->macs, list->mac_count, sizeof *to->macs);
    to->sighting_count = to->sighting_capacity = list->sighting_count;
    to->nic_count = to->nic_capacity = list->nic_count;
    to->mac_count = to->mac_capacity = list->mac_count;
    for (size_t i = 0; i < list->count; i++) {
        if (state->dead[i])
            continue;
        to->verdicts = alloc_grow(to->verdicts, to->count, &to->capacity, sizeof *to->verdicts);
        to->verdicts[to->count++] = list->verdicts[i];
    }
    for (size_t i = 0; i < list->unobserved_count; i++) {
        if (state->unseen_dead[i])
            continue;
        to->unobserved = alloc_grow(to->unobserved, to->unobserved_count, &to->unobserved_capacity,
                                    sizeof *to->unobserved);
        to->unobserved[to->unobserved_count++] = list->unobserved[i];
    }
    sweep_finish(shown);
    state->shown = shown;
    return shown;
}
