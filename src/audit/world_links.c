/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/world_view.h"
#include "base/alloc.h"
#include "base/hash.h"

/* Logical ports: a LAG with its members, an MLAG pair, as one root. */

static uint32_t find_root(const struct world *world, uint32_t port)
{
    while (world->ports[port].root != port)
        port = world->ports[port].root;
    return port;
}

static void join(struct world *world, uint32_t a, uint32_t b)
{
    if (a == WORLD_NONE || b == WORLD_NONE)
        return;
    a = find_root(world, a);
    b = find_root(world, b);
    if (a < b)
        world->ports[b].root = a;
    else
        world->ports[a].root = b;
}

/* A key for names of two texts, as the record wrote them. */
static uint64_t key_of(const char *one, const char *other)
{
    uint64_t hash = hash_bytes(one, strlen(one), hash_seed());
    return hash_bytes(other, strlen(other), hash) >> 1;
}

/* One side of an MLAG pair, as named: `port` is WORLD_NONE when it was not read. */
struct mlag_side {
    uint64_t key; /* of the pair */
    uint32_t port, switch_index;
};

struct mlag_sides {
    struct mlag_side *items;
    size_t count, capacity;
};

static void add_side(struct mlag_sides *sides, uint64_t key, uint32_t port, uint32_t switch_index)
{
    sides->items = alloc_grow(sides->items, sides->count, &sides->capacity, sizeof *sides->items);
    sides->items[sides->count++] = (struct mlag_side){key, port, switch_index};
}

/* Members whose aggregate is not a port of the table are one by its name. */
static void join_lags(struct world *world, const struct record_set *set, struct map *aggregates,
                      struct mlag_sides *sides)
{
    for (size_t i = 0; i < set->lag_count; i++) {
        const char *name = names_get(set->names, set->lags[i].switch_name);
        const char *aggregate = names_get(set->names, set->lags[i].aggregate);
        const char *mlag = names_get(set->names, set->lags[i].mlag);
        uint32_t member = world_find_port(world, name, names_get(set->names, set->lags[i].member));
        uint32_t whole = world_find_port(world, name, aggregate);
        uint32_t index = world_find_switch(world, name);
        if (member == WORLD_NONE)
            member = whole;
        join(world, member, whole);
        if (mlag[0] != '\0' && index != WORLD_NONE)
            add_side(sides, key_of(world_site_name(world, world->switches[index].site), mlag),
                     member, index);
        if (member != WORLD_NONE && aggregate[0] != '\0')
            join(world, member, map_put_new(aggregates, key_of(name, aggregate), member));
    }
}

static int by_key(const void *a, const void *b)
{
    const struct mlag_side *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->port < y->port ? -1 : x->port > y->port;
}

/* Joins the sides of each pair; a side that was not read is kept as a debt of the
 * logical port: its switch must be read before absence is concluded there. */
static void join_sides(struct world *world, struct mlag_sides *sides)
{
    if (sides->count == 0)
        return;
    qsort(sides->items, sides->count, sizeof *sides->items, by_key);
    for (size_t i = 1; i < sides->count; i++)
        if (sides->items[i].key == sides->items[i - 1].key)
            join(world, sides->items[i].port, sides->items[i - 1].port);
    for (size_t i = 0; i < sides->count;) {
        size_t end = i; /* unread sides sort last */
        while (end < sides->count && sides->items[end].key == sides->items[i].key)
            end++;
        if (sides->items[i].port != WORLD_NONE && sides->items[end - 1].port == WORLD_NONE)
            map_put(&world->unread_peers, find_root(world, sides->items[i].port),
                    sides->items[end - 1].switch_index);
        i = end;
    }
}

void world_build_links(struct world *world)
{
    for (uint32_t s = 0; s < world->switch_count; s++) {
        const struct world_switch *sw = &world->switches[s];
        for (uint32_t p = 0; p < sw->port_count; p++)
            if (sw->table->ports[p].aggregate < sw->port_count)
                join(world, sw->first_port + p, sw->first_port + sw->table->ports[p].aggregate);
    }
    struct map aggregates = MAP_EMPTY;
    struct mlag_sides sides = {0};
    for (size_t i = 0; i < world->in.record_count; i++)
        join_lags(world, world->in.records[i], &aggregates, &sides);
    map_done(&aggregates);
    for (size_t i = 0; i < world->in.mlag_count; i++) {
        const struct mlag_pair *pair = &world->in.mlags[i];
        uint64_t key = hash_u64(i, hash_seed());
        add_side(&sides, key, world_find_port(world, pair->switch_a, pair->port_a),
                 world_find_switch(world, pair->switch_a));
        add_side(&sides, key, world_find_port(world, pair->switch_b, pair->port_b),
                 world_find_switch(world, pair->switch_b));
    }
    join_sides(world, &sides);
    free(sides.items);
    for (uint32_t port = 0; port < world->port_count; port++)
        world->ports[port].root = find_root(world, port);
}
