/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/world_view.h"
#include "base/alloc.h"
#include "base/hash.h"

/* The guests' side of the world: numbering of NICs and guests through all sources,
 * the MAC index, and the exceptions that make a guest take the slow path. */

struct growing {
    uint32_t *items;
    size_t count, capacity;
};

static void grow_add(struct growing *list, uint32_t item)
{
    list->items = alloc_grow(list->items, list->count, &list->capacity, sizeof *list->items);
    list->items[list->count++] = item;
}

const struct world_set *world_nic_set(const struct world *world, uint32_t nic, uint32_t *ret_local)
{
    size_t s = world->in.record_count - 1;
    while (s > 0 && world->sets[s].nic_base > nic)
        s--;
    *ret_local = nic - world->sets[s].nic_base;
    return &world->sets[s];
}

const struct world_set *world_guest_set(const struct world *world, uint32_t guest,
                                        uint32_t *ret_local)
{
    size_t s = world->in.record_count - 1;
    while (s > 0 && world->sets[s].guest_base > guest)
        s--;
    *ret_local = guest - world->sets[s].guest_base;
    return &world->sets[s];
}

void world_prefetch_nic(const struct world *world, uint32_t nic)
{
    uint32_t local;
    const struct nic_columns *nics = &world_nic_set(world, nic, &local)->set->nics;
    __builtin_prefetch(&nics->mac[local]);
    __builtin_prefetch(&nics->guest[local]);
    __builtin_prefetch(&nics->hypervisor[local]);
    __builtin_prefetch(&nics->state_since[local]);
    __builtin_prefetch(&nics->vlan[local]);
    __builtin_prefetch(&nics->run_state[local]);
    __builtin_prefetch(&nics->wire[local]);
}

void world_prefetch_guest(const struct world *world, uint32_t nic)
{
    uint32_t local;
    __builtin_prefetch(&world_nic_set(world, nic, &local)->set->nics.guest[local]);
}

uint32_t world_nic_guest(const struct world *world, uint32_t nic)
{
    uint32_t local;
    const struct world_set *set = world_nic_set(world, nic, &local);
    return set->guest_base + set->set->nics.guest[local];
}

uint32_t world_nic_hypervisor(const struct world *world, uint32_t nic)
{
    uint32_t local;
    const struct world_set *set = world_nic_set(world, nic, &local);
    uint32_t name = set->set->nics.hypervisor[local];
    return name == NAME_NONE ? WORLD_NONE : map_find(&set->hypervisors, name);
}

struct mac world_nic_mac(const struct world *world, uint32_t nic)
{
    uint32_t local;
    const struct world_set *set = world_nic_set(world, nic, &local);
    struct mac mac = {set->set->nics.mac[local]};
    return mac_is_station(mac) ? mac : MAC_NONE;
}

uint16_t world_nic_vlan(const struct world *world, uint32_t nic)
{
    uint32_t local;
    const struct world_set *set = world_nic_set(world, nic, &local);
    return set->vlans[set->set->nics.vlan[local]];
}

enum run_state world_nic_state(const struct world *world, uint32_t nic)
{
    uint32_t local;
    const struct world_set *set = world_nic_set(world, nic, &local);
    return (enum run_state)set->set->nics.run_state[local];
}

/* --- a guest's NICs --- */

static size_t set_guest_nics(const struct world_set *set, uint32_t guest, uint32_t **nics,
                             size_t count, size_t *capacity)
{
    const struct nic_columns *columns = &set->set->nics;
    if (!set->guests_in_order) {
        for (uint32_t i = set->guest_start[guest]; i < set->guest_start[guest + 1]; i++) {
            *nics = alloc_grow(*nics, count, capacity, sizeof **nics);
            (*nics)[count++] = set->nic_base + set->guest_nics[i];
        }
        return count;
    }
    size_t low = 0, high = columns->count;
    if (guest < high && columns->guest[guest] == guest &&
        (guest == 0 || columns->guest[guest - 1] < guest))
        low = high = guest; /* where each guest has one NIC, its number is its guest's */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (columns->guest[middle] < guest)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < columns->count && columns->guest[low] == guest; low++) {
        *nics = alloc_grow(*nics, count, capacity, sizeof **nics);
        (*nics)[count++] = set->nic_base + (uint32_t)low;
    }
    return count;
}

size_t world_guest_nics(const struct world *world, uint32_t guest, uint32_t **nics,
                        size_t *capacity)
{
    size_t count = 0;
    uint32_t next = world->canonical != NULL ? world->canonical[guest] : guest;
    while (next != WORLD_NONE) {
        uint32_t local;
        const struct world_set *set = world_guest_set(world, next, &local);
        count = set_guest_nics(set, local, nics, count, capacity);
        next = world->canonical != NULL ? world->next_guest[next] : WORLD_NONE;
    }
    return count;
}

static void order_by_guest(struct world_set *set)
{
    const struct nic_columns *nics = &set->set->nics;
    const uint32_t *guest = nics->guest;
    uint32_t falls = 0, stays = 0;
    for (size_t i = 1; i < nics->count; i++) {
        falls += guest[i] < guest[i - 1];
        stays += guest[i] == guest[i - 1];
    }
    set->guests_in_order = falls == 0;
    set->guests_alone = falls == 0 && stays == 0;
    if (set->guests_in_order)
        return;
    size_t guests = set->set->guest_count;
    set->guest_start = alloc_zeroed(guests + 2, sizeof *set->guest_start);
    set->guest_nics = alloc_array(nics->count, sizeof *set->guest_nics);
    for (size_t i = 0; i < nics->count; i++)
        set->guest_start[nics->guest[i] + 2]++;
    for (size_t g = 2; g < guests + 2; g++)
        set->guest_start[g] += set->guest_start[g - 1];
    for (size_t i = 0; i < nics->count; i++)
        set->guest_nics[set->guest_start[nics->guest[i] + 1]++] = (uint32_t)i;
}

/* --- the same guest in several sources --- */

static uint32_t first_hypervisor(const struct world *world, const struct world_set *set,
                                 uint32_t guest)
{
    uint32_t *nics = NULL, hypervisor = WORLD_NONE;
    size_t capacity = 0, count = set_guest_nics(set, guest, &nics, 0, &capacity);
    for (size_t i = 0; i < count && hypervisor == WORLD_NONE; i++)
        hypervisor = world_nic_hypervisor(world, nics[i]);
    free(nics);
    return hypervisor;
}

/* Identity = uuid, else (site, name). */
static uint64_t identity_key(const struct world *world, const struct world_set *set, uint32_t guest)
{
    char uuid[RECORD_UUID_SIZE];
    record_guest_uuid(set->set, guest, uuid);
    if (uuid[0] != '\0')
        return hash_bytes(uuid, strlen(uuid), hash_seed()) >> 1;
    const char *name = names_get(set->set->names, set->set->guests[guest].name);
    uint64_t site = world_hypervisor_site(world, first_hypervisor(world, set, guest));
    return hash_bytes(name, strlen(name), hash_seed() ^ (site + 1)) >> 1;
}

/* Guests of several sources with one identity form a chain behind the first. With
 * one source there is nothing to join: a source's own guests are distinct. */
static void join_guests(struct world *world)
{
    size_t with_guests = 0;
    for (size_t s = 0; s < world->in.record_count; s++)
        with_guests += world->sets[s].set->guest_count > 0;
    if (with_guests < 2)
        return;
    world->canonical = alloc_array(world->guest_count, sizeof *world->canonical);
    world->next_guest = alloc_array(world->guest_count, sizeof *world->next_guest);
    uint32_t *last = alloc_array(world->guest_count, sizeof *last);
    struct map first = MAP_EMPTY;
    map_reserve(&first, world->guest_count);
    for (size_t s = 0; s < world->in.record_count; s++) {
        const struct world_set *set = &world->sets[s];
        for (uint32_t g = 0; g < set->set->guest_count; g++) {
            uint32_t guest = set->guest_base + g;
            uint32_t head = map_put_new(&first, identity_key(world, set, g), guest);
            world->canonical[guest] = head;
            world->next_guest[guest] = WORLD_NONE;
            if (head != guest)
                world->next_guest[last[head]] = guest;
            last[head] = guest;
        }
    }
    map_done(&first);
    free(last);
}

/* --- the index --- */

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static int compare_shared(const void *a, const void *b)
{
    const struct world_shared_mac *x = a, *y = b;
    if (x->mac != y->mac)
        return x->mac < y->mac ? -1 : 1;
    return x->nic < y->nic ? -1 : x->nic > y->nic;
}

static int compare_plans(const void *a, const void *b)
{
    const struct world_plan *x = a, *y = b;
    if (x->guest != y->guest)
        return x->guest < y->guest ? -1 : 1;
    if (x->set != y->set)
        return x->set < y->set ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static void add_shared(struct world *world, size_t *capacity, uint64_t mac, uint32_t nic)
{
    world->shared = alloc_grow(world->shared, world->shared_count, capacity, sizeof *world->shared);
    world->shared[world->shared_count++] = (struct world_shared_mac){mac, nic};
}

/* What the fast path may take for granted of a NIC in the world's VLAN set `vlan`. */
static uint16_t tag_of(uint16_t vlan, uint32_t hypervisor, enum tristate communicates)
{
    if (communicates == NO || hypervisor == WORLD_NONE || vlan >= WORLD_VLAN_TAGS)
        return MAC_TAG_SLOW;
    return vlan != VLAN_SET_TRUNK ? vlan : VLAN_SET_UNKNOWN;
}

/* Whether two sources agree about one guest's NIC, so that one of them is enough. */
static bool says_the_same(const struct world *world, uint32_t one, uint32_t other)
{
    return world->canonical != NULL &&
           world->canonical[world_nic_guest(world, one)] ==
               world->canonical[world_nic_guest(world, other)] &&
           world_nic_hypervisor(world, one) == world_nic_hypervisor(world, other) &&
           world_nic_state(world, one) == world_nic_state(world, other) &&
           world_nic_vlan(world, one) == world_nic_vlan(world, other);
}

enum { PREFETCH_AHEAD = 32 };

/* One of several NICs with one MAC, which the index has as `slot`. */
static void index_again(struct world *world, struct mac_slot *slot, uint32_t nic, size_t *capacity)
{
    if (says_the_same(world, slot->nic, nic))
        return;
    add_shared(world, capacity, slot->key & MAC_SLOT_MASK, slot->nic);
    add_shared(world, capacity, slot->key & MAC_SLOT_MASK, nic);
    slot->key |= (uint64_t)MAC_TAG_SLOW << 48;
}

static void index_set(struct world *world, struct world_set *set, size_t *capacity)
{
    const struct nic_columns *nics = &set->set->nics;
    const uint64_t *macs = nics->mac;
    const vlan_set *vlans = nics->vlan;
    const uint32_t *names = nics->hypervisor;
    const uint8_t *states = nics->run_state, *wires = nics->wire;
    const uint16_t *world_vlans = set->vlans;
    struct mac_index index = world->index;
    /* of the NIC before: nearly all are alike, and a hypervisor's guests stand together */
    uint8_t state = RUN_STATE_UNKNOWN;
    enum tristate communicates = run_state_communicates(RUN_STATE_UNKNOWN);
    uint32_t name = NAME_NONE, hypervisor = WORLD_NONE, expects = 0;
    bool has_gaps = false;
    for (size_t i = 0; i < nics->count; i++) {
        if (i + PREFETCH_AHEAD < nics->count)
            mac_index_prefetch(&index, macs[i + PREFETCH_AHEAD] & MAC_SLOT_MASK);
        if (names[i] != name) {
            if (hypervisor != WORLD_NONE)
                world->hypervisors[hypervisor].expects += expects;
            expects = 0;
            name = names[i];
            hypervisor = name == NAME_NONE ? WORLD_NONE : set->hypervisor_numbers[name];
        }
        if (states[i] != state) {
            state = states[i];
            communicates = run_state_communicates((enum run_state)state);
        }
        expects += (wires[i] == YES) & (communicates == YES);
        bool station = world_is_station((struct mac){macs[i]});
        has_gaps |= !station | (name == NAME_NONE);
        if (!station)
            continue;
        bool new;
        uint32_t nic = set->nic_base + (uint32_t)i;
        struct mac_slot *slot = mac_index_put(&index, macs[i], &new);
        if (!new) {
            index_again(world, slot, nic, capacity);
            continue;
        }
        slot->key |= (uint64_t)tag_of(world_vlans[vlans[i]], hypervisor, communicates) << 48;
        slot->nic = nic;
        slot->owner = hypervisor;
    }
    if (hypervisor != WORLD_NONE)
        world->hypervisors[hypervisor].expects += expects;
    set->has_gaps = has_gaps;
    world->index.count = index.count;
}

/* Finds guests of which several claims differ: other hypervisor or other state. */
static void find_irregular(struct world *world, const struct world_set *set, struct growing *list)
{
    const struct nic_columns *nics = &set->set->nics;
    if (set->guests_in_order) {
        for (size_t i = 1; !set->guests_alone && i < nics->count; i++)
            if (nics->guest[i] == nics->guest[i - 1] &&
                (nics->hypervisor[i] != nics->hypervisor[i - 1] ||
                 nics->run_state[i] != nics->run_state[i - 1]))
                grow_add(list, set->guest_base + nics->guest[i]);
        return;
    }
    for (uint32_t g = 0; g < set->set->guest_count; g++)
        for (uint32_t i = set->guest_start[g] + 1; i < set->guest_start[g + 1]; i++) {
            uint32_t one = set->guest_nics[i], before = set->guest_nics[i - 1];
            if (nics->hypervisor[one] != nics->hypervisor[before] ||
                nics->run_state[one] != nics->run_state[before])
                grow_add(list, set->guest_base + g);
        }
}

/* Guests that several sources have: compared by their first NICs only when they
 * agree wholly is too weak, so every one of them that differs anywhere is kept. */
static void find_disagreeing(struct world *world, struct growing *list)
{
    uint32_t *nics = NULL;
    size_t capacity = 0;
    for (uint32_t g = 0; world->canonical != NULL && g < world->guest_count; g++) {
        if (world->canonical[g] != g || world->next_guest[g] == WORLD_NONE)
            continue;
        size_t count = world_guest_nics(world, g, &nics, &capacity);
        bool differ = false;
        for (size_t i = 1; i < count && !differ; i++)
            differ = world_nic_hypervisor(world, nics[i]) != world_nic_hypervisor(world, nics[0]) ||
                     world_nic_state(world, nics[i]) != world_nic_state(world, nics[0]);
        if (differ)
            grow_add(list, g);
    }
    free(nics);
}

/* CMDB and data-centre model rows that name another hypervisor than T3 does. */
static void find_plans(struct world *world, struct growing *list)
{
    size_t total = 0, count = 0;
    for (size_t s = 0; s < world->in.record_count; s++)
        total += world->in.records[s]->item_count + world->in.records[s]->allocation_count;
    if (total == 0 || world->guest_count == 0)
        return;
    struct map by_name = MAP_EMPTY;
    for (size_t s = 0; s < world->in.record_count; s++)
        for (uint32_t g = 0; g < world->sets[s].set->guest_count; g++) {
            const char *name =
                names_get(world->sets[s].set->names, world->sets[s].set->guests[g].name);
            map_put_new(&by_name, hash_bytes(name, strlen(name), hash_seed()) >> 1,
                        world->sets[s].guest_base + g);
        }
    world->plans = alloc_zeroed(total, sizeof *world->plans);
    for (uint32_t s = 0; s < world->in.record_count; s++) {
        const struct record_set *set = world->in.records[s];
        for (size_t i = 0; i < set->item_count + set->allocation_count; i++) {
            bool cmdb = i < set->item_count;
            const struct record_item *item = cmdb ? &set->items[i] : NULL;
            const struct record_allocation *plan =
                cmdb ? NULL : &set->allocations[i - set->item_count];
            const char *guest = names_get(set->names, cmdb ? item->guest : plan->guest);
            const char *hv = names_get(set->names, cmdb ? item->hypervisor : plan->hypervisor);
            if (guest[0] == '\0' || hv[0] == '\0')
                continue;
            uint32_t found = map_find(&by_name, hash_bytes(guest, strlen(guest), hash_seed()) >> 1);
            uint32_t hypervisor = world_find_hypervisor(world, hv);
            if (found == MAP_NO_VALUE)
                continue;
            world->plans[count++] = (struct world_plan){
                .guest = world->canonical != NULL ? world->canonical[found] : found,
                .hypervisor = hypervisor,
                .set = s,
                .line = cmdb ? item->line : plan->line,
                .run_state = (uint8_t)(cmdb ? item->run_state : plan->run_state),
                .cmdb = cmdb};
        }
    }
    world->plan_count = count;
    if (count > 0)
        qsort(world->plans, count, sizeof *world->plans, compare_plans);
    map_done(&by_name);
    uint32_t *nics = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < count; i++) {
        size_t nic_count = world_guest_nics(world, world->plans[i].guest, &nics, &capacity);
        bool same = false;
        for (size_t n = 0; n < nic_count; n++)
            same = same || world_nic_hypervisor(world, nics[n]) == world->plans[i].hypervisor;
        if (!same)
            grow_add(list, world->plans[i].guest);
    }
    free(nics);
}

static void mark_irregular(struct world *world, struct growing *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, compare_u32);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (kept == 0 || list->items[kept - 1] != list->items[i])
            list->items[kept++] = list->items[i];
    world->irregular = list->items;
    world->irregular_count = kept;
    uint32_t *nics = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < kept; i++) {
        size_t count = world_guest_nics(world, list->items[i], &nics, &capacity);
        for (size_t n = 0; n < count; n++) {
            struct mac mac = world_nic_mac(world, nics[n]);
            struct mac_slot *slot = mac_known(mac) ? mac_index_find(&world->index, mac.bits) : NULL;
            if (slot != NULL)
                slot->key |= (uint64_t)MAC_TAG_SLOW << 48;
        }
    }
    free(nics);
}

static void index_infrastructure(struct world *world)
{
    for (uint32_t i = 0; i < world->hypervisor_nic_count; i++) {
        bool new;
        if (i + PREFETCH_AHEAD < world->hypervisor_nic_count)
            mac_index_prefetch(&world->index, world->hypervisor_nics[i + PREFETCH_AHEAD].mac.bits);
        struct mac_slot *slot =
            mac_index_put(&world->index, world->hypervisor_nics[i].mac.bits, &new);
        if (new)
            *slot = (struct mac_slot){world->hypervisor_nics[i].mac.bits |
                                          (uint64_t)MAC_TAG_HYPERVISOR << 48,
                                      i, world->hypervisor_nics[i].hypervisor};
        else if (!(slot->key >> 48 & MAC_TAG_HYPERVISOR))
            slot->key |= (uint64_t)(MAC_TAG_ALSO_NIC | MAC_TAG_SLOW) << 48;
    }
    for (uint32_t s = 0; s < world->switch_count; s++) {
        const struct forward_table *table = world->switches[s].table;
        for (size_t i = 0; table != NULL && i < table->own_mac_count; i++) {
            bool new = false;
            if (!mac_is_station(table->own_macs[i]))
                continue;
            struct mac_slot *slot = mac_index_put(&world->index, table->own_macs[i].bits, &new);
            if (new)
                slot->key |= (uint64_t)MAC_TAG_INFRASTRUCTURE << 48;
        }
    }
}

void world_build_nics(struct world *world)
{
    size_t own = 0, capacity = 0;
    for (size_t t = 0; t < world->in.table_count; t++)
        own += world->in.tables[t]->own_mac_count;
    for (size_t s = 0; s < world->in.record_count; s++)
        order_by_guest(&world->sets[s]);
    join_guests(world);
    mac_index_init(&world->index, (size_t)world->nic_count + world->hypervisor_nic_count + own);
    struct growing irregular = {0};
    for (size_t s = 0; s < world->in.record_count; s++) {
        index_set(world, &world->sets[s], &capacity);
        find_irregular(world, &world->sets[s], &irregular);
    }
    find_disagreeing(world, &irregular);
    find_plans(world, &irregular);
    if (world->canonical != NULL)
        for (size_t i = 0; i < irregular.count; i++)
            irregular.items[i] = world->canonical[irregular.items[i]];
    index_infrastructure(world);
    mark_irregular(world, &irregular);
    if (world->shared_count > 0)
        qsort(world->shared, world->shared_count, sizeof *world->shared, compare_shared);
    size_t kept = 0;
    for (size_t i = 0; i < world->shared_count; i++)
        if (kept == 0 || compare_shared(&world->shared[kept - 1], &world->shared[i]) != 0)
            world->shared[kept++] = world->shared[i];
    world->shared_count = kept;
}

void world_free_nics(struct world *world)
{
    for (size_t s = 0; world->sets != NULL && s < world->in.record_count; s++) {
        map_done(&world->sets[s].hypervisors);
        free(world->sets[s].vlans);
        free(world->sets[s].guest_start);
        free(world->sets[s].guest_nics);
    }
    free(world->sets);
    mac_index_done(&world->index);
    free(world->shared);
    free(world->canonical);
    free(world->next_guest);
    free(world->irregular);
    free(world->plans);
}

size_t world_shared(const struct world *world, struct mac mac, const struct world_shared_mac **ret)
{
    *ret = NULL;
    if (world->shared_count == 0)
        return 0;
    size_t low = 0, high = world->shared_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (world->shared[middle].mac < mac.bits)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < world->shared_count && world->shared[end].mac == mac.bits)
        end++;
    *ret = end > low ? world->shared + low : NULL;
    return end - low;
}
