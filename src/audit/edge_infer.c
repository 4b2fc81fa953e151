/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "audit/edge_class.h"
#include "base/alloc.h"
#include "base/map.h"

/* Which port of switch A leads to switch B, from their two forward tables alone.
 *
 * If P of A leads to B and Q of B leads to A, then every MAC that both know is on P
 * (it is beyond B, or between the two) or on Q (it is beyond A). So among all pairs
 * of ports the right one covers (nearly) all MACs that both tables have. P is then
 * inter-switch if MACs of several other ports of B are all behind it: one port alone
 * could also be a station that moved. Only switches of which no link is known are
 * looked at, so that a record is never overruled. */

enum {
    INFER_MACS_MAX = 1000 * 1000, /* more add cost and no certainty */
    INFER_PORTS_MAX = 96,         /* candidates on each side of a pair of switches */
    COVER_PERCENT = 90
};

struct entry {
    uint64_t mac;
    uint32_t sw, root;
};

struct pair {
    uint32_t sw_a, sw_b, root_a, root_b, count;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->mac != y->mac)
        return x->mac < y->mac ? -1 : 1;
    if (x->sw != y->sw)
        return x->sw < y->sw ? -1 : 1;
    return x->root < y->root ? -1 : x->root > y->root;
}

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->sw_a != y->sw_a)
        return x->sw_a < y->sw_a ? -1 : 1;
    if (x->sw_b != y->sw_b)
        return x->sw_b < y->sw_b ? -1 : 1;
    if (x->root_a != y->root_a)
        return x->root_a < y->root_a ? -1 : 1;
    return x->root_b < y->root_b ? -1 : x->root_b > y->root_b;
}

/* Whether nothing is known of the port, nor of its switch's links. */
static bool is_open(const struct world *world, const struct world_switch *sw, uint32_t local)
{
    return !sw->topology_known &&
           world->ports[world->ports[sw->first_port + local].root].reason == EDGE_REASON_NONE;
}

static bool has_open_port(const struct world *world, const struct world_switch *sw)
{
    for (uint32_t p = 0; p < sw->port_count; p++)
        if (is_open(world, sw, p))
            return true;
    return false;
}

/* Calls for each sighting of the tables, `open` ones only where asked. */
static const struct forward_row *next_row(const struct world *world, uint32_t *sw_index, size_t *at,
                                          bool open)
{
    for (; *sw_index < world->switch_count; ++*sw_index, *at = 0) {
        const struct world_switch *sw = &world->switches[*sw_index];
        if (sw->table == NULL || sw->hypervisor != WORLD_NONE || (open && sw->topology_known))
            continue;
        if (open && *at == 0 && !has_open_port(world, sw))
            continue; /* spares the rows of switches of which every port is recorded */
        while (*at < sw->table->row_count) {
            const struct forward_row *row = &sw->table->rows[(*at)++];
            if (row->port < sw->port_count && (!open || is_open(world, sw, row->port)) &&
                world_row_counts(row) && world_is_station(forward_row_mac(row)))
                return row;
        }
    }
    return NULL;
}

/* The sightings of all MACs that some open port shows: the others tell nothing new. */
static struct entry *collect(const struct world *world, size_t *ret_count)
{
    struct map wanted = MAP_EMPTY;
    struct entry *entries = NULL;
    size_t count = 0, capacity = 0, at = 0;
    uint32_t sw = 0;
    const struct forward_row *row;
    while ((row = next_row(world, &sw, &at, true)) != NULL && wanted.count < INFER_MACS_MAX)
        map_put(&wanted, forward_row_mac(row).bits, 1);
    sw = 0;
    at = 0;
    while (wanted.count > 0 && (row = next_row(world, &sw, &at, false)) != NULL) {
        if (map_find(&wanted, forward_row_mac(row).bits) == MAP_NO_VALUE)
            continue;
        entries = alloc_grow(entries, count, &capacity, sizeof *entries);
        entries[count++] =
            (struct entry){forward_row_mac(row).bits, sw,
                           world->ports[world->switches[sw].first_port + row->port].root};
    }
    map_done(&wanted);
    if (count > 0)
        qsort(entries, count, sizeof *entries, compare_entries);
    *ret_count = count;
    return entries;
}

/* Keeps one entry for each switch that has the MAC on one port only; returns the
 * end of the MAC's entries. */
static size_t one_per_switch(struct entry *entries, size_t at, size_t count, struct entry *kept,
                             size_t max, size_t *ret_kept)
{
    size_t end = at;
    *ret_kept = 0;
    while (end < count && entries[end].mac == entries[at].mac) {
        size_t next = end + 1;
        bool several = false;
        for (; next < count && entries[next].mac == entries[end].mac &&
               entries[next].sw == entries[end].sw;
             next++)
            several = several || entries[next].root != entries[end].root;
        if (!several && *ret_kept < max)
            kept[(*ret_kept)++] = entries[end];
        end = next;
    }
    return end;
}

/* Counts, for each pair of switches, how many MACs are on which pair of ports. */
static struct pair *count_pairs(const struct world *world, struct entry *entries, size_t count,
                                size_t *ret_count)
{
    enum { SWITCHES_OF_A_MAC = 64 };
    struct pair *pairs = NULL;
    size_t pair_count = 0, capacity = 0, kept_count;
    struct map seen = MAP_EMPTY;
    struct entry kept[SWITCHES_OF_A_MAC];
    for (size_t at = 0; at < count;) {
        at = one_per_switch(entries, at, count, kept, SWITCHES_OF_A_MAC, &kept_count);
        for (size_t i = 0; i < kept_count; i++)
            for (size_t j = i + 1; j < kept_count; j++) {
                const struct world_switch *a = &world->switches[kept[i].sw];
                const struct world_switch *b = &world->switches[kept[j].sw];
                if ((a->topology_known && b->topology_known) || a->site != b->site)
                    continue;
                uint64_t key = (uint64_t)kept[i].root << 32 | kept[j].root;
                uint32_t known = map_put_new(&seen, key, (uint32_t)pair_count);
                if (known != pair_count) {
                    pairs[known].count++;
                    continue;
                }
                pairs = alloc_grow(pairs, pair_count, &capacity, sizeof *pairs);
                pairs[pair_count++] =
                    (struct pair){kept[i].sw, kept[j].sw, kept[i].root, kept[j].root, 1};
            }
    }
    map_done(&seen);
    if (pair_count > 0)
        qsort(pairs, pair_count, sizeof *pairs, compare_pairs);
    *ret_count = pair_count;
    return pairs;
}

struct side {
    uint32_t roots[INFER_PORTS_MAX], counts[INFER_PORTS_MAX];
    size_t count;
};

static void side_add(struct side *side, uint32_t root, uint32_t count)
{
    for (size_t i = 0; i < side->count; i++)
        if (side->roots[i] == root) {
            side->counts[i] += count;
            return;
        }
    if (side->count == INFER_PORTS_MAX)
        return;
    side->roots[side->count] = root;
    side->counts[side->count++] = count;
}

/* What speaks for a port: MACs behind it that the other switch has on other ports
 * than the one that leads back, and on how many ports. */
struct support {
    uint32_t macs, ports;
};

static struct support support_of(const struct pair *pairs, size_t count, uint32_t p, uint32_t q,
                                 bool for_a)
{
    struct side others = {.count = 0};
    struct support support = {0};
    for (size_t i = 0; i < count; i++) {
        if (for_a ? pairs[i].root_a != p || pairs[i].root_b == q
                  : pairs[i].root_b != q || pairs[i].root_a == p)
            continue;
        support.macs += pairs[i].count;
        side_add(&others, for_a ? pairs[i].root_b : pairs[i].root_a, 1);
    }
    support.ports = (uint32_t)others.count;
    return support;
}

static void decide(struct world *world, const struct pair *pairs, size_t count)
{
    struct side a = {.count = 0}, b = {.count = 0};
    uint32_t total = 0, best = 0;
    for (size_t i = 0; i < count; i++) {
        side_add(&a, pairs[i].root_a, pairs[i].count);
        side_add(&b, pairs[i].root_b, pairs[i].count);
        total += pairs[i].count;
    }
    uint32_t p = WORLD_NONE, q = WORLD_NONE;
    for (size_t i = 0; i < a.count; i++)
        for (size_t j = 0; j < b.count; j++) {
            uint32_t both = 0;
            for (size_t n = 0; n < count; n++)
                if (pairs[n].root_a == a.roots[i] && pairs[n].root_b == b.roots[j])
                    both = pairs[n].count;
            /* of equal covers the one with more on the pair itself */
            uint32_t cover = a.counts[i] + b.counts[j] - both;
            uint32_t score = cover * 2 + (both > 0);
            if (score > best) {
                best = score;
                p = a.roots[i];
                q = b.roots[j];
            }
        }
    if ((uint64_t)(best / 2) * 100 < (uint64_t)total * COVER_PERCENT)
        return;
    struct support for_p = support_of(pairs, count, p, q, true);
    struct support for_q = support_of(pairs, count, p, q, false);
    bool both_sides = for_p.macs > 0 && for_q.macs > 0 && total >= 3;
    if (for_p.ports >= 2 || both_sides)
        edge_class_set(world, p, PORT_CLASS_INTER_SWITCH, EDGE_LIKELY, EDGE_REASON_INFERRED,
                       pairs[0].sw_b);
    if (for_q.ports >= 2 || both_sides)
        edge_class_set(world, q, PORT_CLASS_INTER_SWITCH, EDGE_LIKELY, EDGE_REASON_INFERRED,
                       pairs[0].sw_a);
}

void edge_infer(struct world *world)
{
    bool needed = false;
    for (uint32_t s = 0; s < world->switch_count && !needed; s++)
        needed = world->switches[s].table != NULL && !world->switches[s].topology_known;
    if (!needed)
        return;
    size_t entry_count, pair_count;
    struct entry *entries = collect(world, &entry_count);
    struct pair *pairs = count_pairs(world, entries, entry_count, &pair_count);
    for (size_t at = 0; at < pair_count;) {
        size_t end = at;
        while (end < pair_count && pairs[end].sw_a == pairs[at].sw_a &&
               pairs[end].sw_b == pairs[at].sw_b)
            end++;
        decide(world, pairs + at, end - at);
        at = end;
    }
    free(entries);
    free(pairs);
}
