/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "audit/world_view.h"
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

/* Members whose aggregate is not a port of the table are one by its name. */
static void join_lags(struct world *world, const struct record_set *set, struct map *aggregates,
                      struct map *mlags)
{
    for (size_t i = 0; i < set->lag_count; i++) {
        const char *name = names_get(set->names, set->lags[i].switch_name);
        const char *aggregate = names_get(set->names, set->lags[i].aggregate);
        const char *mlag = names_get(set->names, set->lags[i].mlag);
        uint32_t member = world_find_port(world, name, names_get(set->names, set->lags[i].member));
        uint32_t whole = world_find_port(world, name, aggregate);
        if (member == WORLD_NONE)
            member = whole;
        join(world, member, whole);
        if (member == WORLD_NONE)
            continue;
        if (aggregate[0] != '\0')
            join(world, member, map_put_new(aggregates, key_of(name, aggregate), member));
        if (mlag[0] == '\0')
            continue;
        uint32_t site = world->switches[world->ports[member].switch_index].site;
        join(world, member, map_put_new(mlags, key_of(world_site_name(world, site), mlag), member));
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
    struct map aggregates = MAP_EMPTY, mlags = MAP_EMPTY;
    for (size_t i = 0; i < world->in.record_count; i++)
        join_lags(world, world->in.records[i], &aggregates, &mlags);
    map_done(&aggregates);
    map_done(&mlags);
    for (size_t i = 0; i < world->in.mlag_count; i++) {
        const struct mlag_pair *pair = &world->in.mlags[i];
        join(world, world_find_port(world, pair->switch_a, pair->port_a),
             world_find_port(world, pair->switch_b, pair->port_b));
    }
    for (uint32_t port = 0; port < world->port_count; port++)
        world->ports[port].root = find_root(world, port);
}
