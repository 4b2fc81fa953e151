/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/sweep.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "audit/edge_class.h"
#include "audit/storm.h"
#include "audit/sweep_inside.h"
#include "base/alloc.h"
#include "base/hash.h"

enum { PREFETCH_AHEAD = 32, GUESS_AHEAD = 16, PREFETCH_SOON = 8, PREFETCH_ROWS = 96 };

/* --- lists of MACs and subjects --- */

uint32_t mac_list_add(struct mac_list *list, uint64_t mac)
{
    uint32_t number = map_put_new(&list->numbers, mac, (uint32_t)list->count);
    if (number != list->count)
        return number;
    list->macs = alloc_grow(list->macs, list->count, &list->capacity, sizeof *list->macs);
    list->macs[list->count++] = mac;
    return number;
}

void mac_list_done(struct mac_list *list)
{
    map_done(&list->numbers);
    free(list->macs);
}

void sweep_add_standing(const struct world *world, struct wall now, struct mac_list *list)
{
    for (size_t i = 0; i < world->shared_count; i++)
        mac_list_add(list, world->shared[i].mac);
    for (uint32_t i = 0; i < world->heard_count; i++) { /* ends, and what may be heard only */
        const struct world_heard *heard = &world->heard[i];
        if (heard->fact != NULL && !heard->open)
            mac_list_add(list, heard->fact->mac.bits);
    }
    const struct memory *memory = world->memory;
    struct wall gone = WALL_UNKNOWN; /* first of the MAC's intervals to end */
    for (size_t i = 0; i < memory->interval_count; i++) {
        const struct seen_interval *one = &memory->intervals[i];
        bool same = i > 0 && mac_equal(one[-1].mac, one->mac);
        if (same && gone.us < one->first.us &&
            (!wall_known(now) || now.us - one->last.us <= world->options.interleave_window.us) &&
            mac_is_station(one->mac))
            mac_list_add(list, one->mac.bits);
        if (!same || one->last.us < gone.us)
            gone = one->last;
    }
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

struct resolver {
    const struct world *world;
    struct mac_list *list;
    struct sweep_subjects *subjects;
    struct map guests, hypervisors;
    size_t guest_capacity, hypervisor_capacity, unknown_capacity;
    uint32_t *nics;
    size_t nic_capacity;
};

static void resolve_guest(struct resolver *r, uint32_t nic)
{
    const struct world *world = r->world;
    uint32_t guest = world_nic_guest(world, nic);
    if (world->canonical != NULL)
        guest = world->canonical[guest];
    uint32_t site = world_hypervisor_site(world, world_nic_hypervisor(world, nic));
    uint64_t key = (uint64_t)site << 32 | guest;
    struct sweep_subjects *subjects = r->subjects;
    if (map_find(&r->guests, key) != MAP_NO_VALUE)
        return;
    map_put(&r->guests, key, 1);
    size_t count = world_guest_nics(world, guest, &r->nics, &r->nic_capacity);
    for (size_t i = 0; i < count; i++)
        if (mac_known(world_nic_mac(world, r->nics[i])))
            mac_list_add(r->list, world_nic_mac(world, r->nics[i]).bits);
    subjects->guests = alloc_grow(subjects->guests, subjects->guest_count, &r->guest_capacity,
                                  sizeof *subjects->guests);
    subjects->guests[subjects->guest_count++] = nic;
}

static void resolve_hypervisor(struct resolver *r, uint64_t mac)
{
    const struct world *world = r->world;
    struct sweep_subjects *subjects = r->subjects;
    uint32_t nic = world_find_hypervisor_nic(world, mac);
    for (; nic < world->hypervisor_nic_count && world->hypervisor_nics[nic].mac.bits == mac;
         nic++) {
        uint32_t hypervisor = world->hypervisor_nics[nic].hypervisor;
        if (map_find(&r->hypervisors, hypervisor) != MAP_NO_VALUE)
            continue;
        map_put(&r->hypervisors, hypervisor, 1);
        subjects->hypervisors = alloc_grow(subjects->hypervisors, subjects->hypervisor_count,
                                           &r->hypervisor_capacity, sizeof *subjects->hypervisors);
        subjects->hypervisors[subjects->hypervisor_count++] = hypervisor;
        const struct world_hypervisor *hv = &world->hypervisors[hypervisor];
        for (uint32_t i = 0; i < hv->attachment_count; i++)
            if (mac_known(world->attachments[hv->first_attachment + i].nic_mac))
                mac_list_add(r->list, world->attachments[hv->first_attachment + i].nic_mac.bits);
    }
}

static void resolve_mac(struct resolver *r, uint64_t mac)
{
    const struct mac_slot *slot = mac_index_find(&r->world->index, mac);
    uint32_t tag = slot != NULL ? (uint32_t)(slot->key >> 48) : 0;
    if (slot == NULL) {
        struct sweep_subjects *subjects = r->subjects;
        subjects->unknown = alloc_grow(subjects->unknown, subjects->unknown_count,
                                       &r->unknown_capacity, sizeof *subjects->unknown);
        subjects->unknown[subjects->unknown_count++] = mac;
        return;
    }
    if (tag & (MAC_TAG_HYPERVISOR | MAC_TAG_ALSO_NIC))
        resolve_hypervisor(r, mac);
    if (tag & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE))
        return;
    resolve_guest(r, slot->nic);
    const struct world_shared_mac *shared;
    size_t count = world_shared(r->world, (struct mac){mac}, &shared);
    for (size_t i = 0; i < count; i++)
        resolve_guest(r, shared[i].nic);
}

void sweep_resolve(const struct world *world, struct mac_list *list, bool irregular,
                   struct sweep_subjects *subjects)
{
    *subjects = (struct sweep_subjects){0};
    struct resolver r = {.world = world, .list = list, .subjects = subjects};
    map_reserve(&r.guests, list->count);
    for (size_t i = 0; irregular && i < world->irregular_count; i++) { /* maybe without any MAC */
        size_t count = world_guest_nics(world, world->irregular[i], &r.nics, &r.nic_capacity);
        AUTO_FREE uint32_t *nics = alloc_array(count + 1, sizeof *nics);
        memcpy(nics, r.nics, count * sizeof *nics);
        for (size_t n = 0; n < count; n++)
            resolve_guest(&r, nics[n]);
    }
    for (size_t i = 0; i < list->count; i++) { /* grows while it is walked */
        const struct mac_slot *soon = NULL;
        if (i + PREFETCH_AHEAD < list->count)
            mac_index_prefetch(&world->index, list->macs[i + PREFETCH_AHEAD]);
        if (i + PREFETCH_SOON < list->count)
            soon = mac_index_find(&world->index, list->macs[i + PREFETCH_SOON]);
        if (soon != NULL && soon->nic < world->nic_count)
            world_prefetch_nic(world, soon->nic);
        resolve_mac(&r, list->macs[i]);
    }
    if (subjects->guest_count > 0)
        qsort(subjects->guests, subjects->guest_count, sizeof(uint32_t), compare_u32);
    if (subjects->hypervisor_count > 0)
        qsort(subjects->hypervisors, subjects->hypervisor_count, sizeof(uint32_t), compare_u32);
    if (subjects->unknown_count > 0)
        qsort(subjects->unknown, subjects->unknown_count, sizeof(uint64_t), compare_u64);
    map_done(&r.guests);
    map_done(&r.hypervisors);
    free(r.nics);
}

void sweep_subjects_done(struct sweep_subjects *subjects)
{
    free(subjects->guests);
    free(subjects->hypervisors);
    free(subjects->unknown);
}

static uint32_t fast_of(const struct world *world, uint32_t port)
{
    const struct world_port *p = &world->ports[port];
    if (p->class == PORT_CLASS_INTER_SWITCH)
        return FAST_TRANSIT;
    bool place = p->class == PORT_CLASS_HYPERVISOR && p->hypervisor < WORLD_SEVERAL &&
                 world_is_place(world, port, p->hypervisor);
    return place ? p->hypervisor : FAST_SLOW;
}

uint32_t *sweep_fast_ports(const struct world *world)
{
    uint32_t *fast = alloc_array(world_port_end(world) + 1, sizeof *fast);
    for (uint32_t port = 0; port < world_port_end(world); port++)
        fast[port] = fast_of(world, port);
    return fast;
}

/* --- first pass --- */

static bool is_guest_like(const struct world *world, uint64_t mac)
{
    for (size_t i = 0; world->options.prefix_mode && i < world->options.prefix_count; i++)
        if (mac_prefix_match(world->options.prefixes[i], (struct mac){mac}))
            return true;
    return world->options.port_mode;
}

static void pass_odd(struct first_pass *pass, uint64_t mac)
{
    pass->odd_rows++;
    if (pass->odd != NULL)
        mac_list_add(pass->odd, mac);
}

bool sweep_is_suspect(const struct world *world, uint64_t mac)
{
    return is_guest_like(world, mac) && mac_is_station((struct mac){mac});
}

/* Whether the row's VLAN set agrees with the NIC's, which is not the same one. */
static bool vlan_agrees(const struct world *world, uint32_t nic_vlan, uint16_t row_vlan)
{
    return row_vlan == VLAN_SET_UNKNOWN || row_vlan == VLAN_SET_TRUNK ||
           vlan_sets_share(world->vlans, (vlan_set)nic_vlan, world->vlans, row_vlan);
}

static void pass_at_home(struct first_pass *pass, uint32_t hypervisor)
{
    if (pass->hypervisors != NULL)
        pass->hypervisors[hypervisor] |= HYPERVISOR_SEEN;
    if (pass->at_home != NULL)
        pass->at_home[hypervisor] += pass->weight;
}

/* Of a MAC with several claims: each hypervisor that has one, where it is at home. */
static void pass_claims_at_home(struct first_pass *pass, const struct mac_slot *slot, uint32_t port)
{
    const struct world *world = pass->world;
    const struct world_shared_mac *shared;
    size_t count = world_shared(world, (struct mac){slot->key & MAC_SLOT_MASK}, &shared);
    if (count == 0 && world_is_place(world, port, slot->owner))
        pass_at_home(pass, slot->owner);
    for (size_t i = 0; i < count; i++) {
        uint32_t hypervisor = world_nic_hypervisor(world, shared[i].nic);
        if (world_is_place(world, port, hypervisor))
            pass_at_home(pass, hypervisor);
    }
}

static void pass_row(struct first_pass *pass, const struct mac_slot *slot, uint32_t fast,
                     uint32_t port, uint16_t vlan)
{
    uint32_t tag = (uint32_t)(slot->key >> 48);
    uint64_t mac = slot->key & MAC_SLOT_MASK;
    if (tag & MAC_TAG_INFRASTRUCTURE)
        return;
    if ((tag & MAC_TAG_HYPERVISOR) && (fast == FAST_TRANSIT || fast == slot->owner)) {
        if (fast == slot->owner)
            pass_at_home(pass, fast);
        return;
    }
    if (tag & (MAC_TAG_HYPERVISOR | MAC_TAG_ALSO_NIC)) {
        uint32_t nic = world_find_hypervisor_nic(pass->world, mac);
        bool at_home = false;
        for (; nic < pass->world->hypervisor_nic_count &&
               pass->world->hypervisor_nics[nic].mac.bits == mac;
             nic++) {
            uint32_t owner = pass->world->hypervisor_nics[nic].hypervisor;
            if (!world_is_place(pass->world, port, owner))
                continue;
            pass_at_home(pass, owner);
            at_home = true;
        }
        if (!at_home && fast != FAST_TRANSIT)
            pass_odd(pass, mac);
        if (tag & MAC_TAG_HYPERVISOR)
            return;
    }
    if (pass->seen != NULL)
        pass->seen[slot->nic / 64] |= UINT64_C(1) << slot->nic % 64;
    uint32_t check = tag & MAC_TAG_VLAN;
    if (!(tag & MAC_TAG_SLOW)) {
        if (fast == FAST_TRANSIT)
            return;
        if (fast == slot->owner) {
            pass_at_home(pass, fast);
            if (check == 0 || check == vlan || vlan_agrees(pass->world, check, vlan))
                return;
        }
    } else {
        pass_claims_at_home(pass, slot, port);
    }
    pass_odd(pass, mac);
}

void sweep_pass(struct first_pass *pass, const struct mac_slot *slot, uint32_t port, uint16_t vlan)
{
    pass_row(pass, slot, pass->fast[port], port, vlan);
}

void sweep_pass_at(struct first_pass *pass, const struct mac_slot *slot, uint32_t port,
                   uint16_t vlan)
{
    pass_row(pass, slot, fast_of(pass->world, port), port, vlan);
}

void sweep_pass_heard(struct first_pass *pass)
{
    for (uint32_t i = 0; i < pass->world->heard_count; i++) {
        const struct world_heard *heard = &pass->world->heard[i];
        if (!heard->present)
            continue;
        uint64_t mac = heard->fact->mac.bits;
        const struct mac_slot *slot = mac_index_find(&pass->world->index, mac);
        if (slot != NULL)
            sweep_pass(pass, slot, world_heard_port(pass->world, heard), heard->vlan);
        else if (sweep_is_suspect(pass->world, mac))
            pass_odd(pass, mac);
    }
}

/* Looks at all rows of a switch; the pass keeps at least `seen` and `hypervisors`. */
static void pass_table(struct first_pass *pass, const struct world_switch *sw)
{
    const struct forward_row *rows = sw->table->rows;
    const struct mac_index index = pass->world->index; /* a copy: nothing else may change it */
    const uint32_t *fast = pass->fast + sw->first_port, port_count = sw->port_count;
    const uint16_t *vlans = sw->vlans;
    uint64_t *seen = pass->seen;
    uint8_t *hypervisors = pass->hypervisors;
    size_t count = sw->table->row_count;
    uint32_t guesses[GUESS_AHEAD] = {0}; /* of the next rows' MACs: number i % GUESS_AHEAD */
    for (size_t i = 0; i < count && i < PREFETCH_AHEAD; i++)
        mac_index_prefetch(&index, rows[i].mac_status >> 16);
    for (size_t i = 0; i < count && i < GUESS_AHEAD; i++)
        guesses[i] = mac_index_guess(&index, rows[i].mac_status >> 16);
    for (size_t i = 0; i < count; i++) {
        const struct forward_row *row = &rows[i];
        uint32_t guess = guesses[i % GUESS_AHEAD];
        if (i + PREFETCH_AHEAD < count)
            mac_index_prefetch(&index, row[PREFETCH_AHEAD].mac_status >> 16);
        if (i + GUESS_AHEAD < count)
            guesses[i % GUESS_AHEAD] = mac_index_guess(&index, row[GUESS_AHEAD].mac_status >> 16);
        __builtin_prefetch(row + PREFETCH_ROWS); /* past the end it does no harm */
        if (row->port >= port_count || !world_row_counts(row))
            continue;
        uint64_t mac = row->mac_status >> 16;
        const struct mac_slot *slot = mac_index_confirm(&index, mac, guess);
        if (slot == NULL) {
            if (sweep_is_suspect(pass->world, mac))
                pass_odd(pass, mac);
            continue;
        }
        uint32_t place = fast[row->port], vlan = vlans[row->vlan],
                 tag = (uint32_t)(slot->key >> 48);
        if (place == slot->owner && (tag == 0 || (tag == vlan && vlan <= MAC_TAG_VLAN))) {
            /* what pass_row() does of nearly every row: a NIC at home, without a question */
            seen[slot->nic / 64] |= UINT64_C(1) << slot->nic % 64;
            hypervisors[place] |= HYPERVISOR_SEEN;
            continue;
        }
        pass_row(pass, slot, place, sw->first_port + row->port, (uint16_t)vlan);
    }
}

/* --- second pass: the sightings of the odd ones --- */

struct collected {
    const struct mac_list *odd;
    const struct world *world;
    const uint64_t *seen;
    uint32_t *start; /* CSR by the MAC's number */
    struct sighting *sightings;
};

struct numbered {
    uint32_t mac;
    struct sighting sighting;
};

static int compare_sightings(const void *a, const void *b)
{
    const struct sighting *x = a, *y = b;
    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    if (x->vlan != y->vlan)
        return x->vlan < y->vlan ? -1 : 1;
    return x->age < y->age ? -1 : x->age > y->age;
}

void sweep_order(struct sighting *sightings, size_t count)
{
    if (count > 1)
        qsort(sightings, count, sizeof *sightings, compare_sightings);
}

static inline uint64_t filter_bit(uint64_t mac, int shift)
{
    return (mac * UINT64_C(0x9e3779b97f4a7c15)) >> shift;
}

static void collect(const struct world *world, const struct mac_list *odd, struct collected *to)
{
    int bits = 16;
    while (bits < 30 && (UINT64_C(1) << bits) < odd->count * 64)
        bits++;
    int shift = 64 - bits;
    uint64_t *filter = alloc_zeroed((size_t)1 << (bits - 6), sizeof *filter);
    for (size_t i = 0; i < odd->count; i++) {
        uint64_t bit = filter_bit(odd->macs[i], shift);
        filter[bit / 64] |= UINT64_C(1) << bit % 64;
    }
    struct numbered *found = NULL;
    size_t count = 0, capacity = 0;
    to->start = alloc_zeroed(odd->count + 2, sizeof *to->start);
    for (uint32_t s = 0; odd->count > 0 && s < world->switch_count; s++) {
        const struct world_switch *sw = &world->switches[s];
        for (size_t i = 0; sw->table != NULL && i < sw->table->row_count; i++) {
            const struct forward_row *row = &sw->table->rows[i];
            uint64_t mac = row->mac_status >> 16, bit = filter_bit(mac, shift);
            if (!(filter[bit / 64] >> bit % 64 & 1))
                continue;
            uint32_t number = map_find(&odd->numbers, mac);
            if (number == MAP_NO_VALUE || row->port >= sw->port_count || !world_row_counts(row))
                continue;
            found = alloc_grow(found, count, &capacity, sizeof *found);
            found[count++] = (struct numbered){
                number, {sw->first_port + row->port, sw->vlans[row->vlan], row->age}};
            to->start[number + 2]++;
        }
    }
    for (uint32_t i = 0; odd->count > 0 && i < world->heard_count; i++) {
        const struct world_heard *heard = &world->heard[i];
        uint32_t number =
            heard->present ? map_find(&odd->numbers, heard->fact->mac.bits) : MAP_NO_VALUE;
        if (number == MAP_NO_VALUE)
            continue;
        found = alloc_grow(found, count, &capacity, sizeof *found);
        found[count++] = (struct numbered){number, world_heard_sighting(world, heard)};
        to->start[number + 2]++;
    }
    for (size_t i = 2; i < odd->count + 2; i++)
        to->start[i] += to->start[i - 1];
    to->sightings = alloc_array(count + 1, sizeof *to->sightings);
    for (size_t i = 0; i < count; i++)
        to->sightings[to->start[found[i].mac + 1]++] = found[i].sighting;
    for (size_t i = 0; i < odd->count; i++) /* after the fill, start[i + 1] is where i ends */
        sweep_order(to->sightings + to->start[i], to->start[i + 1] - to->start[i]);
    free(found);
    free(filter);
}

static size_t collected_find(void *aux, struct mac mac, const struct sighting **ret)
{
    const struct collected *collected = aux;
    uint32_t number = map_find(&collected->odd->numbers, mac.bits);
    if (number == MAP_NO_VALUE)
        return 0;
    *ret = collected->sightings + collected->start[number];
    return collected->start[number + 1] - collected->start[number];
}

static bool collected_is_seen(void *aux, struct mac mac)
{
    const struct collected *collected = aux;
    const struct mac_slot *slot = mac_index_find(&collected->world->index, mac.bits);
    if (slot == NULL || (slot->key >> 48 & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE)))
        return false;
    return collected->seen[slot->nic / 64] >> slot->nic % 64 & 1;
}

/* --- absence: the zeros of the bitmap --- */

static bool may_miss(const struct nic_columns *nics, uint32_t local)
{
    return nics->wire[local] == YES &&
           run_state_communicates((enum run_state)nics->run_state[local]) == YES;
}

bool sweep_next_zero(void *aux, uint32_t *ret_nic)
{
    struct sweep_zeros *zeros = aux;
    const struct world *world = zeros->world;
    while (zeros->next < world->nic_count) {
        uint32_t nic = zeros->next;
        uint64_t word = ~zeros->seen[nic / 64] >> nic % 64;
        if (word == 0) {
            zeros->next = (nic / 64 + 1) * 64;
            continue;
        }
        nic += (uint32_t)__builtin_ctzll(word);
        zeros->next = nic + 1;
        if (nic >= world->nic_count)
            return false;
        while (zeros->set + 1 < world->in.record_count &&
               world->sets[zeros->set + 1].nic_base <= nic)
            zeros->set++;
        const struct world_set *set = &world->sets[zeros->set];
        if (!may_miss(&set->set->nics, nic - set->nic_base))
            continue;
        *ret_nic = nic;
        return true;
    }
    return false;
}

/* --- judging --- */

void sweep_judge(struct sweep *sweep, const struct sweep_subjects *subjects,
                 const struct sighting_source *source, const struct absent_walk *absent)
{
    const struct world *world = sweep->world;
    struct judge *judge = judge_new(world, sweep->now, source, &sweep->list, sweep->hypervisors);
    judge_records(judge);
    for (size_t i = 0; i < subjects->hypervisor_count; i++)
        judge_hypervisor_place(judge, subjects->hypervisors[i]);
    struct map judged = MAP_EMPTY; /* NICs of judged guests: not to be asked again */
    uint32_t *unseen = alloc_array(subjects->guest_count + 1, sizeof *unseen), *nics = NULL;
    size_t unseen_count = 0, capacity = 0;
    map_reserve(&judged, subjects->guest_count);
    for (size_t i = 0; i < subjects->guest_count; i++) {
        if (i + PREFETCH_SOON < subjects->guest_count)
            world_prefetch_nic(world, subjects->guests[i + PREFETCH_SOON]);
        if (!judge_guest(judge, subjects->guests[i]))
            unseen[unseen_count++] = subjects->guests[i];
        size_t count =
            world_guest_nics(world, world_nic_guest(world, subjects->guests[i]), &nics, &capacity);
        for (size_t n = 0; n < count; n++)
            if (world_hypervisor_site(world, world_nic_hypervisor(world, nics[n])) ==
                    world_hypervisor_site(world,
                                          world_nic_hypervisor(world, subjects->guests[i])) ||
                count == 1)
                map_put(&judged, nics[n], 1);
    }
    for (size_t i = 0; i < subjects->unknown_count; i++)
        judge_unknown_mac(judge, (struct mac){subjects->unknown[i]});
    for (uint32_t h = 0; h < world->hypervisor_count; h++)
        judge_hypervisor_silence(judge, h);
    for (size_t i = 0; i < unseen_count; i++)
        judge_absent_guest(judge, unseen[i], true);
    uint32_t nic;
    while (absent->next(absent->aux, &nic))
        if (judged.count == 0 || map_find(&judged, nic) == MAP_NO_VALUE)
            judge_absent_guest(judge, nic, false);
    judge_finish(judge);
    judge_free(judge);
    map_done(&judged);
    free(unseen);
    free(nics);
}

static int compare_verdicts(const void *a, const void *b, void *aux)
{
    const struct verdict_list *list = aux;
    const struct verdict *x = &list->verdicts[*(const uint32_t *)a];
    const struct verdict *y = &list->verdicts[*(const uint32_t *)b];
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->subject_type != y->subject_type)
        return x->subject_type < y->subject_type ? -1 : 1;
    uint64_t one = x->subject, other = y->subject;
    if (x->subject_type == SUBJECT_MAC) {
        one = list->macs[x->subject];
        other = list->macs[y->subject];
    }
    if (one != other)
        return one < other ? -1 : 1;
    return x->domain < y->domain ? -1 : x->domain > y->domain;
}

void sweep_finish(struct sweep *sweep)
{
    storm_collapse(sweep->world, &sweep->list);
    sweep->order = alloc_array(sweep->list.count + 1, sizeof *sweep->order);
    sweep->count = 0;
    for (uint32_t i = 0; i < sweep->list.count; i++)
        if (sweep->list.verdicts[i].collective == WORLD_NONE)
            sweep->order[sweep->count++] = i;
    qsort_r(sweep->order, sweep->count, sizeof *sweep->order, compare_verdicts, &sweep->list);
}

struct sweep *sweep_run(const struct world *world, struct wall now)
{
    struct sweep *sweep = alloc_zeroed(1, sizeof *sweep);
    sweep->world = world;
    sweep->now = now;
    sweep->hypervisors = alloc_zeroed(world->hypervisor_count + 1, 1);
    uint64_t *seen = alloc_zeroed(world->nic_count / 64 + 2, sizeof *seen);
    uint32_t *fast = sweep_fast_ports(world);
    struct mac_list odd = {0};
    struct first_pass pass = {
        .world = world, .fast = fast, .seen = seen, .hypervisors = sweep->hypervisors, .odd = &odd};
    for (uint32_t s = 0; s < world->switch_count; s++)
        if (world->switches[s].table != NULL)
            pass_table(&pass, &world->switches[s]);
    for (uint32_t h = 0; h < world->hypervisor_count; h++)
        if (sweep->hypervisors[h] & HYPERVISOR_SEEN)
            sweep->hypervisors[h] |= HYPERVISOR_SHOWN;
    sweep_pass_heard(&pass);
    sweep_add_standing(world, now, &odd);
    struct sweep_subjects subjects;
    sweep_resolve(world, &odd, true, &subjects);
    struct collected collected = {.odd = &odd, .world = world, .seen = seen};
    collect(world, &odd, &collected);
    const struct sighting_source source = {collected_find, collected_is_seen, &collected, NULL};
    struct sweep_zeros zeros = {world, seen, 0, 0};
    const struct absent_walk absent = {sweep_next_zero, &zeros};
    sweep_judge(sweep, &subjects, &source, &absent);
    sweep_finish(sweep);
    free(seen);
    free(fast);
    free(collected.start);
    free(collected.sightings);
    sweep_subjects_done(&subjects);
    mac_list_done(&odd);
    return sweep;
}

void sweep_free(struct sweep *sweep)
{
    if (sweep == NULL)
        return;
    verdict_list_done(&sweep->list);
    free(sweep->hypervisors);
    free(sweep->order);
    free(sweep);
}

size_t sweep_count(const struct sweep *sweep)
{
    return sweep->count;
}

const struct verdict *sweep_verdict(const struct sweep *sweep, size_t number)
{
    CHECK(number < sweep->count);
    return &sweep->list.verdicts[sweep->order[number]];
}

size_t sweep_unobserved_count(const struct sweep *sweep)
{
    return sweep->list.unobserved_count;
}

enum audit_exit sweep_exit(const struct sweep *sweep)
{
    enum audit_exit exit = EXIT_CLEAN;
    for (size_t i = 0; i < sweep->count; i++) {
        enum audit_exit one =
            discrepancy_exit((enum discrepancy_kind)sweep_verdict(sweep, i)->kind);
        if (one == EXIT_FOUND)
            return EXIT_FOUND;
        if (one == EXIT_NOT_OBSERVED)
            exit = EXIT_NOT_OBSERVED;
    }
    return exit;
}
