/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/sweep_state.h"

#include <stdlib.h>
#include <string.h>

#include "audit/row_links.h"
#include "audit/sweep_inside.h"
#include "base/alloc.h"

/* What is known of a MAC: the marks of its links. */
enum {
    MARK_ODD = 1,      /* some row of it makes it one that the judge must see */
    MARK_STANDING = 2, /* memory has a reason to look at it, whatever its rows are */
    MARK_ALONE = 4,    /* a NIC that is the only one of its guest in all records */
    MARK_DIRTY = 8     /* its rows changed in the block at hand */
};

struct verdict_link {
    uint64_t key;   /* whose verdict it is */
    uint32_t older; /* the subject's one before; MAP_NO_VALUE */
    bool dead;      /* another took its place */
};

struct sweep_state {
    const struct world *world;
    uint32_t *fast;
    struct row_links links;
    uint64_t *seen;         /* bit a NIC of the index */
    uint32_t *at_home;      /* rows that show each hypervisor at home */
    struct sighting *found; /* of the MAC that the judge asked for last */
    size_t found_capacity;
    struct sweep standing;              /* the verdicts; `order` unused */
    struct map subjects;                /* key -> its latest verdict */
    struct verdict_link *verdict_links; /* of the verdict with the same number */
    size_t verdict_link_capacity;
    struct map unseen; /* key of a guest -> its latest entry in `unobserved` */
    bool *unseen_dead;
    size_t unseen_capacity, linked, unseen_linked, buried;
    bool wide; /* some hypervisor moved or fell silent: no subject stands alone */
    struct sweep *shown;
};

/* --- rows --- */

static size_t state_find(void *aux, struct mac mac, const struct sighting **ret)
{
    struct sweep_state *state = aux;
    const struct row_links *links = &state->links;
    uint32_t number = row_links_find(links, mac.bits);
    size_t count = 0;
    for (uint32_t n = number == WORLD_NONE ? WORLD_NONE : links->heads[number].first;
         n != WORLD_NONE; n = links->nodes[n].next) {
        state->found =
            alloc_grow(state->found, count, &state->found_capacity, sizeof *state->found);
        state->found[count++] = links->nodes[n].sighting;
    }
    sweep_order(state->found, count);
    *ret = state->found;
    return count;
}

static bool state_is_seen(void *aux, struct mac mac)
{
    const struct sweep_state *state = aux;
    uint32_t number = row_links_find(&state->links, mac.bits);
    return number != WORLD_NONE && state->links.heads[number].first != WORLD_NONE;
}

static bool is_infrastructure(const struct mac_slot *slot)
{
    return slot != NULL && (slot->key >> 48 & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE));
}

/* Whether some row of the MAC makes it an odd one. */
static bool is_odd(const struct sweep_state *state, uint32_t number)
{
    const struct row_links *links = &state->links;
    const struct mac_slot *slot = row_links_slot(links, number);
    uint32_t n = links->heads[number].first;
    if (slot == NULL) /* strangers that are linked are suspects */
        return n != WORLD_NONE;
    struct first_pass pass = {.world = state->world, .fast = state->fast};
    for (; n != WORLD_NONE && pass.odd_rows == 0; n = links->nodes[n].next)
        sweep_pass(&pass, slot, links->nodes[n].sighting.port, links->nodes[n].sighting.vlan);
    return pass.odd_rows > 0;
}

/* Says of the MAC what follows from its rows. */
static void settle(struct sweep_state *state, uint32_t number)
{
    const struct mac_slot *slot = row_links_slot(&state->links, number);
    struct link_head *head = &state->links.heads[number];
    head->marks &= MARK_STANDING | MARK_ALONE;
    if (is_odd(state, number))
        head->marks |= MARK_ODD;
    if (slot == NULL || is_infrastructure(slot))
        return;
    uint64_t bit = UINT64_C(1) << slot->nic % 64;
    if (head->first != WORLD_NONE)
        state->seen[slot->nic / 64] |= bit;
    else
        state->seen[slot->nic / 64] &= ~bit;
}

/* --- whose verdict is it --- */

enum { KEY_GUEST = 1, KEY_MAC = 2, KEY_OTHER = 3 };

/* The key of the guest that has `nic`, which the records put on `hypervisor`. */
static uint64_t owner_key(const struct world *world, uint32_t nic, uint32_t hypervisor)
{
    uint32_t guest = world_nic_guest(world, nic);
    if (world->canonical != NULL)
        guest = world->canonical[guest];
    uint64_t site = world_hypervisor_site(world, hypervisor);
    return (uint64_t)KEY_GUEST << 56 | site << 32 | guest;
}

static uint64_t guest_key(const struct world *world, uint32_t nic)
{
    return owner_key(world, nic, world_nic_hypervisor(world, nic));
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

static void link_verdict(struct sweep_state *state, uint64_t key)
{
    size_t i = state->linked++;
    state->verdict_links = alloc_grow(state->verdict_links, i, &state->verdict_link_capacity,
                                      sizeof *state->verdict_links);
    state->verdict_links[i] = (struct verdict_link){key, map_find(&state->subjects, key), false};
    map_put(&state->subjects, key, (uint32_t)i);
}

/* Links verdicts and unobserved guests that were added since the last call. */
static void link_verdicts(struct sweep_state *state)
{
    const struct verdict_list *list = &state->standing.list;
    while (state->linked < list->count)
        link_verdict(state, verdict_key(state, &list->verdicts[state->linked]));
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
    for (; n != MAP_NO_VALUE && !state->verdict_links[n].dead; n = state->verdict_links[n].older) {
        state->verdict_links[n].dead = true;
        state->buried++;
    }
    uint32_t unseen = state->unseen.count > 0 ? map_find(&state->unseen, key) : MAP_NO_VALUE;
    if (unseen != MAP_NO_VALUE && !state->unseen_dead[unseen]) {
        state->unseen_dead[unseen] = true;
        state->buried++;
    }
}

/* --- verdicts that were replaced --- */

enum { BURIED_MIN = 64 }; /* dead verdicts that are worth a new list */

static void *copy_of(const void *from, size_t count, size_t size)
{
    void *copy = alloc_array(count + 1, size);
    if (count > 0)
        memcpy(copy, from, count * size);
    return copy;
}

static void copy_sightings(const struct verdict_list *from, struct verdict_list *to,
                           struct verdict *verdict)
{
    uint32_t first = verdict->sighting;
    verdict->sighting = (uint32_t)to->sighting_count;
    for (uint32_t i = 0; i < verdict->sightings; i++) {
        to->sightings = alloc_grow(to->sightings, to->sighting_count, &to->sighting_capacity,
                                   sizeof *to->sightings);
        to->sightings[to->sighting_count++] = from->sightings[first + i];
    }
}

static void copy_nics(const struct verdict_list *from, struct verdict_list *to,
                      struct verdict *verdict)
{
    uint32_t first = verdict->nic;
    verdict->nic = (uint32_t)to->nic_count;
    for (uint32_t i = 0; i < verdict->nics; i++) {
        to->nics = alloc_grow(to->nics, to->nic_count, &to->nic_capacity, sizeof *to->nics);
        to->nics[to->nic_count++] = from->nics[first + i];
    }
}

/* Adds to the empty list `to` what of the standing verdicts is not dead. Where some are
 * dead none has members: those belong to a hypervisor's verdict, and while one stands
 * everything is judged anew. */
static void copy_living(const struct sweep_state *state, struct verdict_list *to)
{
    const struct verdict_list *from = &state->standing.list;
    to->members = copy_of(from->members, from->member_count, sizeof *to->members);
    to->member_count = to->member_capacity = from->member_count;
    for (size_t i = 0; i < from->count; i++) {
        if (state->verdict_links[i].dead)
            continue;
        struct verdict verdict = from->verdicts[i];
        copy_sightings(from, to, &verdict);
        copy_nics(from, to, &verdict);
        if (verdict.subject_type == SUBJECT_MAC) {
            to->macs = alloc_grow(to->macs, to->mac_count, &to->mac_capacity, sizeof *to->macs);
            to->macs[to->mac_count] = from->macs[verdict.subject];
            verdict.subject = (uint32_t)to->mac_count++;
        }
        to->verdicts = alloc_grow(to->verdicts, to->count, &to->capacity, sizeof *to->verdicts);
        to->verdicts[to->count++] = verdict;
    }
    for (size_t i = 0; i < from->unobserved_count; i++) {
        if (state->unseen_dead[i])
            continue;
        to->unobserved = alloc_grow(to->unobserved, to->unobserved_count, &to->unobserved_capacity,
                                    sizeof *to->unobserved);
        to->unobserved[to->unobserved_count++] = from->unobserved[i];
    }
}

static void forget_verdicts(struct sweep_state *state)
{
    verdict_list_done(&state->standing.list);
    map_done(&state->subjects);
    map_done(&state->unseen);
    state->linked = state->unseen_linked = state->buried = 0;
}

/* Drops the dead when they are most of the list: a constant cost for each that died. */
static void compact_verdicts(struct sweep_state *state)
{
    size_t all = state->standing.list.count + state->standing.list.unobserved_count;
    if (state->buried <= BURIED_MIN || state->buried * 2 <= all)
        return;
    struct verdict_list living = {0};
    copy_living(state, &living);
    size_t known = state->linked;
    forget_verdicts(state);
    state->standing.list = living;
    map_reserve(&state->subjects, living.count);
    for (size_t i = 0; i < known; i++) /* the new numbers are never above the old */
        if (!state->verdict_links[i].dead)
            link_verdict(state, state->verdict_links[i].key);
    link_verdicts(state);
}

/* --- judging everything of which something odd is known --- */

/* The MACs that are marked odd. */
static void list_odd(const struct sweep_state *state, struct mac_list *odd)
{
    for (uint32_t number = 0; number < row_links_count(&state->links); number++)
        if (state->links.heads[number].marks & MARK_ODD)
            mac_list_add(odd, row_links_mac(&state->links, number));
}

static void judge_all(struct sweep_state *state, struct wall now)
{
    const struct world *world = state->world;
    struct sweep *sweep = &state->standing;
    forget_verdicts(state);
    sweep->now = now;
    for (uint32_t h = 0; h < world->hypervisor_count; h++)
        sweep->hypervisors[h] = state->at_home[h] > 0 ? HYPERVISOR_SEEN : 0;
    struct mac_list odd = {0};
    list_odd(state, &odd);
    sweep_add_standing(world, now, &odd);
    struct sweep_subjects subjects;
    sweep_resolve(world, &odd, true, &subjects);
    const struct sighting_source source = {state_find, state_is_seen, state, NULL};
    struct sweep_zeros zeros = {world, state->seen, 0, 0};
    const struct absent_walk absent = {sweep_next_zero, &zeros};
    sweep_judge(sweep, &subjects, &source, &absent);
    sweep_subjects_done(&subjects);
    mac_list_done(&odd);
    link_verdicts(state);
    state->wide = false;
    for (uint32_t h = 0; h < world->hypervisor_count; h++)
        state->wide = state->wide || (sweep->hypervisors[h] & ~HYPERVISOR_SEEN) != 0;
}

static void link_table(struct sweep_state *state, const struct world_switch *sw)
{
    enum { AHEAD = 32 };
    struct first_pass pass = {
        .world = state->world, .fast = state->fast, .at_home = state->at_home, .weight = 1};
    for (size_t i = 0; i < sw->table->row_count; i++) {
        const struct forward_row *row = &sw->table->rows[i];
        if (i + AHEAD < sw->table->row_count)
            row_links_prefetch(&state->links, row[AHEAD].mac_status >> 16);
        if (row->port >= sw->port_count || !world_row_counts(row))
            continue;
        uint32_t number = row_links_number(&state->links, row->mac_status >> 16);
        if (number == WORLD_NONE)
            continue;
        struct sighting sighting = {sw->first_port + row->port, sw->vlans[row->vlan], row->age};
        row_links_add(&state->links, number, sighting);
        const struct mac_slot *slot = row_links_slot(&state->links, number);
        if (slot != NULL)
            sweep_pass(&pass, slot, sighting.port, sighting.vlan);
    }
}

static void link_heard(struct sweep_state *state)
{
    struct first_pass pass = {
        .world = state->world, .fast = state->fast, .at_home = state->at_home, .weight = 1};
    for (uint32_t i = 0; i < state->world->heard_count; i++) {
        const struct world_heard *heard = &state->world->heard[i];
        if (!heard->present)
            continue;
        uint32_t number = row_links_number(&state->links, heard->fact->mac.bits);
        if (number == WORLD_NONE)
            continue;
        struct sighting sighting = world_heard_sighting(state->world, heard);
        row_links_add(&state->links, number, sighting);
        const struct mac_slot *slot = row_links_slot(&state->links, number);
        if (slot != NULL)
            sweep_pass(&pass, slot, sighting.port, sighting.vlan);
    }
}

static void mark_standing(struct sweep_state *state)
{
    struct mac_list standing = {0};
    sweep_add_standing(state->world, WALL_UNKNOWN, &standing);
    for (size_t i = 0; i < standing.count; i++) {
        uint32_t number = row_links_find(&state->links, standing.macs[i]);
        if (number != WORLD_NONE)
            state->links.heads[number].marks |= MARK_STANDING;
    }
    mac_list_done(&standing);
}

/* Whether the NIC is the only one of its guest in all records. */
static bool is_alone(const struct world *world, uint32_t nic)
{
    uint32_t local;
    const struct world_set *set = world_nic_set(world, nic, &local);
    const struct nic_columns *nics = &set->set->nics;
    uint32_t guest = nics->guest[local];
    if (world->canonical != NULL)
        return false;
    if (!set->guests_in_order)
        return set->guest_start[guest + 1] - set->guest_start[guest] == 1;
    return (local == 0 || nics->guest[local - 1] != guest) &&
           (local + 1 == nics->count || nics->guest[local + 1] != guest);
}

static void mark_alone(struct sweep_state *state)
{
    for (uint32_t number = 0; number < state->links.slot_count; number++) {
        const struct mac_slot *slot = row_links_slot(&state->links, number);
        if (!is_infrastructure(slot) && is_alone(state->world, slot->nic))
            state->links.heads[number].marks |= MARK_ALONE;
    }
}

struct sweep_state *sweep_state_new(const struct world *world, struct wall now)
{
    struct sweep_state *state = alloc_zeroed(1, sizeof *state);
    state->world = world;
    row_links_init(&state->links, world);
    state->seen = alloc_zeroed(world->nic_count / 64 + 2, sizeof *state->seen);
    state->fast = sweep_fast_ports(world);
    state->at_home = alloc_zeroed(world->hypervisor_count + 1, sizeof *state->at_home);
    state->standing.world = world;
    state->standing.hypervisors = alloc_zeroed(world->hypervisor_count + 1, 1);
    for (uint32_t s = 0; s < world->switch_count; s++)
        if (world->switches[s].table != NULL)
            link_table(state, &world->switches[s]);
    link_heard(state);
    mark_standing(state);
    mark_alone(state);
    for (uint32_t number = 0; number < row_links_count(&state->links); number++)
        if (state->links.heads[number].first != WORLD_NONE)
            settle(state, number);
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
    row_links_done(&state->links);
    free(state->standing.hypervisors);
    free(state->seen);
    free(state->fast);
    free(state->at_home);
    free(state->found);
    free(state->verdict_links);
    free(state->unseen_dead);
    free(state);
}

/* --- changes --- */

enum { BLOCK = 32 }; /* changes whose memory is fetched before the first is used */

/* Returns the switch that the change is of, NULL when the row is no sighting. */
static const struct world_switch *switch_of(const struct world *world,
                                            const struct row_change *change)
{
    if (change->table >= world->in.table_count || !world_row_counts(&change->row))
        return NULL;
    const struct world_switch *sw = &world->switches[world->table_switch[change->table]];
    return change->row.port < sw->port_count ? sw : NULL;
}

/* Applies one change to the MAC of `number`; returns whether it concerns more than its
 * own subject: a hypervisor's NIC off its ports, or a hypervisor that is at home from
 * now on or no more. */
static bool apply_row(struct sweep_state *state, const struct world_switch *sw,
                      const struct row_change *change, uint32_t number)
{
    const struct world *world = state->world;
    struct sighting sighting = {sw->first_port + change->row.port, sw->vlans[change->row.vlan],
                                change->row.age};
    if (change->gone && !row_links_remove(&state->links, number, sighting))
        return false;
    if (!change->gone)
        row_links_add(&state->links, number, sighting);
    uint32_t watched = world->ports[sighting.port].hypervisor;
    const struct mac_slot *slot = row_links_slot(&state->links, number);
    if (slot == NULL)
        return watched == WORLD_SEVERAL;
    bool was = watched < WORLD_SEVERAL && state->at_home[watched] > 0;
    struct first_pass pass = {.world = world,
                              .fast = state->fast,
                              .at_home = state->at_home,
                              .weight = change->gone ? UINT32_MAX : 1};
    sweep_pass(&pass, slot, sighting.port, sighting.vlan);
    bool is = watched < WORLD_SEVERAL && state->at_home[watched] > 0;
    bool nic = (slot->key >> 48 & (MAC_TAG_HYPERVISOR | MAC_TAG_ALSO_NIC)) != 0;
    return was != is || watched == WORLD_SEVERAL ||
           (nic && (pass.odd_rows > 0 || is_odd(state, number)));
}

/* Whether a full sweep would have no question about the MAC's guest: it is seen, all its
 * rows are in order, and neither another NIC, another source nor memory says more. */
static bool is_clean(const struct sweep_state *state, uint32_t number)
{
    const struct mac_slot *slot = row_links_slot(&state->links, number);
    const struct link_head *head = &state->links.heads[number];
    return slot != NULL && !(slot->key >> 48 & (MAC_TAG_SLOW | MAC_TAG_ALSO_NIC)) &&
           (head->marks & (MARK_ODD | MARK_STANDING | MARK_ALONE)) == MARK_ALONE &&
           head->first != WORLD_NONE;
}

/* Settles MACs whose rows changed, buries what was said of those that are clean now and
 * adds the others to `questions`. */
static void settle_block(struct sweep_state *state, const uint32_t *numbers, size_t count,
                         struct mac_list *questions)
{
    uint64_t keys[BLOCK];
    size_t clean = 0;
    for (size_t i = 0; i < count; i++) {
        const struct mac_slot *slot = row_links_slot(&state->links, numbers[i]);
        settle(state, numbers[i]);
        if (is_infrastructure(slot))
            continue;
        if (!is_clean(state, numbers[i])) {
            mac_list_add(questions, row_links_mac(&state->links, numbers[i]));
            continue;
        }
        keys[clean] = owner_key(state->world, slot->nic, slot->owner);
        map_prefetch(&state->subjects, keys[clean++]);
    }
    for (size_t i = 0; i < clean; i++)
        bury(state, keys[i]);
}

/* Fetches where the rows of the changes' MACs hang. */
static FETCHES_AHEAD void prefetch_heads(const struct row_links *links,
                                         const struct row_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        row_links_prefetch(links, changes[i].row.mac_status >> 16);
}

/* Finds the numbers of the changes' MACs, and fetches their rows and what the records say
 * of their owners. */
static void find_numbers(const struct sweep_state *state, const struct row_change *changes,
                         size_t count, uint32_t *numbers)
{
    const struct row_links *links = &state->links;
    for (size_t i = 0; i < count; i++)
        row_links_prefetch_head(links, changes[i].row.mac_status >> 16);
    for (size_t i = 0; i < count; i++) {
        uint32_t number = row_links_find(links, changes[i].row.mac_status >> 16);
        numbers[i] = number;
        row_links_prefetch_first(links, number);
        const struct mac_slot *slot = number != WORLD_NONE ? row_links_slot(links, number) : NULL;
        if (slot != NULL && !is_infrastructure(slot))
            world_prefetch_guest(state->world, slot->nic);
    }
}

/* Applies a block of changes. What it says of a MAC that a later block has again is said
 * anew there, so that after the last one all is said of the rows that are there. Returns
 * whether one of them concerns more than its own subject. */
static bool apply_block(struct sweep_state *state, const struct row_change *changes, size_t count,
                        const uint32_t *numbers, struct mac_list *questions)
{
    uint32_t dirty[BLOCK];
    size_t dirty_count = 0;
    bool wide = false;
    for (size_t i = 0; i < count; i++) {
        const struct world_switch *sw = switch_of(state->world, &changes[i]);
        uint32_t number = numbers[i];
        if (sw != NULL && number == WORLD_NONE)
            number = row_links_number(&state->links, changes[i].row.mac_status >> 16);
        if (sw == NULL || number == WORLD_NONE)
            continue;
        wide = apply_row(state, sw, &changes[i], number) || wide;
        struct link_head *head = &state->links.heads[number];
        if (!(head->marks & MARK_DIRTY))
            dirty[dirty_count++] = number;
        head->marks |= MARK_DIRTY;
    }
    settle_block(state, dirty, dirty_count, questions);
    return wide;
}

static void judge_questions(struct sweep_state *state, struct mac_list *questions, struct wall now)
{
    const struct world *world = state->world;
    struct sweep_subjects subjects;
    sweep_resolve(world, questions, false, &subjects);
    const struct sighting_source source = {state_find, state_is_seen, state, NULL};
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

static size_t block_length(size_t count, size_t from)
{
    return count - from < BLOCK ? count - from : BLOCK;
}

void sweep_state_apply(struct sweep_state *state, const struct row_change *changes, size_t count,
                       struct wall now)
{
    struct mac_list questions = {0};
    uint32_t numbers[BLOCK];
    bool wide = state->wide;
    free_shown(state);
    prefetch_heads(&state->links, changes, block_length(count, 0));
    for (size_t i = 0; i < count; i += BLOCK) {
        size_t length = block_length(count, i), next = i + length;
        find_numbers(state, changes + i, length, numbers);
        prefetch_heads(&state->links, changes + next, block_length(count, next));
        wide = apply_block(state, changes + i, length, numbers, &questions) || wide;
    }
    if (wide)
        judge_all(state, now);
    else
        judge_questions(state, &questions, now);
    compact_verdicts(state);
    mac_list_done(&questions);
}

/* --- showing --- */

const struct sweep *sweep_state_verdicts(struct sweep_state *state)
{
    if (state->shown != NULL)
        return state->shown;
    struct sweep *shown = alloc_zeroed(1, sizeof *shown);
    shown->world = state->world;
    shown->now = state->standing.now;
    shown->hypervisors = copy_of(state->standing.hypervisors, state->world->hypervisor_count, 1);
    copy_living(state, &shown->list);
    sweep_finish(shown);
    state->shown = shown;
    return shown;
}
