/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fabric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/limits.h"

/* ifIndex and bridge port number never coincide, so that a client that mixes
 * them up is found out. */
enum { PHYSICAL_IF_INDEX = 10100, AGGREGATE_IF_INDEX = 70000, AGGREGATE_BRIDGE_PORT = 65100 };

void fabric_done(struct fabric *fabric)
{
    for (size_t i = 0; i < fabric->switch_count; i++)
        free(fabric->switches[i].ports);
    free(fabric->switches);
    free(fabric->nodes);
    *fabric = (struct fabric){0};
}

uint32_t fabric_add_node(struct fabric *fabric, uint32_t parent)
{
    fabric->nodes = alloc_grow(fabric->nodes, fabric->node_count, &fabric->node_capacity,
                               sizeof(fabric->nodes[0]));
    uint32_t depth = parent == FABRIC_NONE ? 0 : fabric->nodes[parent].depth + 1;
    fabric->nodes[fabric->node_count] = (struct fabric_node){
        .parent = parent,
        .depth = depth,
        .switches = {FABRIC_NONE, FABRIC_NONE},
        .uplink = {FABRIC_NONE, FABRIC_NONE},
        .downlink = {FABRIC_NONE, FABRIC_NONE},
    };
    return (uint32_t)fabric->node_count++;
}

uint32_t fabric_add_switch(struct fabric *fabric, const char *name, struct mac mac, uint32_t node)
{
    fabric->switches = alloc_grow(fabric->switches, fabric->switch_count, &fabric->switch_capacity,
                                  sizeof(fabric->switches[0]));
    uint32_t index = (uint32_t)fabric->switch_count++;
    struct fabric_switch *s = &fabric->switches[index];
    *s = (struct fabric_switch){.mac = mac,
                                .node = node,
                                .partner = FABRIC_NONE,
                                .peer_link = FABRIC_NONE,
                                .ageing = span_seconds(300)};
    snprintf(s->name, sizeof(s->name), "%s", name);
    struct fabric_node *n = &fabric->nodes[node];
    if (n->switches[0] == FABRIC_NONE) {
        n->switches[0] = index;
    } else {
        CHECK(n->switches[1] == FABRIC_NONE);
        n->switches[1] = index;
        s->partner = n->switches[0];
        fabric->switches[n->switches[0]].partner = index;
    }
    return index;
}

static struct fabric_port *new_port(struct fabric_switch *s, uint32_t *ret_index)
{
    CHECK(s->port_count < LIMIT_SWITCH_PORTS);
    s->ports = alloc_grow(s->ports, s->port_count, &s->port_capacity, sizeof(s->ports[0]));
    *ret_index = (uint32_t)s->port_count++;
    struct fabric_port *port = &s->ports[*ret_index];
    *port = (struct fabric_port){.aggregate = FABRIC_NONE,
                                 .far = {FABRIC_NONE, FABRIC_NONE},
                                 .mlag_port = FABRIC_NONE,
                                 .hypervisor = FABRIC_NONE};
    return port;
}

uint32_t fabric_add_port(struct fabric *fabric, uint32_t switch_index, const char *name)
{
    struct fabric_switch *s = &fabric->switches[switch_index];
    uint32_t index;
    struct fabric_port *port = new_port(s, &index);
    uint32_t number = ++s->physical_count;
    if (name)
        snprintf(port->name, sizeof(port->name), "%s", name);
    else
        snprintf(port->name, sizeof(port->name), "Gi1/0/%u", number);
    port->if_index = PHYSICAL_IF_INDEX + number;
    port->bridge_port = number;
    return index;
}

uint32_t fabric_add_lag(struct fabric *fabric, uint32_t switch_index, unsigned count)
{
    struct fabric_switch *s = &fabric->switches[switch_index];
    uint32_t index;
    struct fabric_port *lag = new_port(s, &index);
    uint32_t number = ++s->aggregate_count;
    snprintf(lag->name, sizeof(lag->name), "Po%u", number);
    lag->if_index = AGGREGATE_IF_INDEX + number;
    lag->bridge_port = AGGREGATE_BRIDGE_PORT + number;
    lag->is_aggregate = true;
    lag->occupied = true;
    for (unsigned i = 0; i < count; i++) {
        uint32_t member = fabric_add_port(fabric, switch_index, NULL);
        s->ports[member].aggregate = index;
        s->ports[member].occupied = true;
    }
    return index;
}

static struct fabric_port *port_at(struct fabric *fabric, struct fabric_place place)
{
    return &fabric->switches[place.switch_index].ports[place.port];
}

static void cable(struct fabric *fabric, struct fabric_place a, struct fabric_place b)
{
    struct fabric_port *port_a = port_at(fabric, a), *port_b = port_at(fabric, b);
    port_a->far = b;
    port_b->far = a;
    port_a->occupied = port_b->occupied = true;
}

/* The `number`th member of a LAG, or the port itself where it is no LAG. */
static struct fabric_place member_of(struct fabric *fabric, struct fabric_place place,
                                     unsigned number)
{
    const struct fabric_switch *s = &fabric->switches[place.switch_index];
    for (uint32_t p = 0; p < s->port_count; p++)
        if (s->ports[p].aggregate == place.port && number-- == 0)
            return (struct fabric_place){place.switch_index, p};
    return place;
}

/* Both ends single switches: one cable or two in a LAG. */
static void link_single(struct fabric *fabric, uint32_t child, uint32_t parent, unsigned members,
                        struct fabric_node *n)
{
    struct fabric_place down = {parent, 0}, up = {child, 0};
    if (members == 1) {
        down.port = fabric_add_port(fabric, parent, NULL);
        up.port = fabric_add_port(fabric, child, NULL);
        cable(fabric, up, down);
    } else {
        down.port = fabric_add_lag(fabric, parent, members);
        up.port = fabric_add_lag(fabric, child, members);
        for (unsigned i = 0; i < members; i++)
            cable(fabric, member_of(fabric, up, i), member_of(fabric, down, i));
    }
    n->uplink[0] = up.port;
    n->downlink[0] = down.port;
}

/* One end is an MLAG pair: the single switch has a LAG whose members go to
 * different peers. Returns the LAG's port; sets the pair's two ports. */
static uint32_t link_to_pair(struct fabric *fabric, uint32_t single, const uint32_t pair[2],
                             uint32_t ret_pair_ports[2])
{
    struct fabric_place lag = {single, fabric_add_lag(fabric, single, 2)};
    for (unsigned i = 0; i < 2; i++) {
        ret_pair_ports[i] = fabric_add_port(fabric, pair[i], NULL);
        cable(fabric, member_of(fabric, lag, i), (struct fabric_place){pair[i], ret_pair_ports[i]});
    }
    fabric_join_mlag(fabric, (struct fabric_place){pair[0], ret_pair_ports[0]},
                     (struct fabric_place){pair[1], ret_pair_ports[1]});
    return lag.port;
}

void fabric_link_parent(struct fabric *fabric, uint32_t node, bool lag)
{
    struct fabric_node *n = &fabric->nodes[node];
    CHECK(n->parent != FABRIC_NONE && n->switches[0] != FABRIC_NONE);
    const struct fabric_node *parent = &fabric->nodes[n->parent];
    bool child_pair = n->switches[1] != FABRIC_NONE;
    bool parent_pair = parent->switches[1] != FABRIC_NONE;
    CHECK(!(child_pair && parent_pair));
    if (parent_pair)
        n->uplink[0] = link_to_pair(fabric, n->switches[0], parent->switches, n->downlink);
    else if (child_pair)
        n->downlink[0] = link_to_pair(fabric, parent->switches[0], n->switches, n->uplink);
    else
        link_single(fabric, n->switches[0], parent->switches[0], lag ? 2 : 1, n);
}

void fabric_link_pair(struct fabric *fabric, uint32_t node)
{
    const struct fabric_node *n = &fabric->nodes[node];
    CHECK(n->switches[1] != FABRIC_NONE);
    struct fabric_place lags[2];
    for (unsigned i = 0; i < 2; i++) {
        lags[i] = (struct fabric_place){n->switches[i], fabric_add_lag(fabric, n->switches[i], 2)};
        fabric->switches[n->switches[i]].peer_link = lags[i].port;
    }
    for (unsigned i = 0; i < 2; i++)
        cable(fabric, member_of(fabric, lags[0], i), member_of(fabric, lags[1], i));
}

void fabric_link_blocked(struct fabric *fabric, uint32_t switch_a, uint32_t switch_b)
{
    struct fabric_place a = {switch_a, fabric_add_port(fabric, switch_a, NULL)};
    struct fabric_place b = {switch_b, fabric_add_port(fabric, switch_b, NULL)};
    cable(fabric, a, b);
    port_at(fabric, a)->blocked = port_at(fabric, b)->blocked = true;
}

void fabric_join_mlag(struct fabric *fabric, struct fabric_place a, struct fabric_place b)
{
    CHECK(fabric->switches[a.switch_index].partner == b.switch_index);
    port_at(fabric, a)->mlag_port = b.port;
    port_at(fabric, b)->mlag_port = a.port;
}

/* The node below `above` that `node` hangs under, or `node`'s own ancestor at
 * the depth of `above` where `above` is not one. */
static uint32_t climb(const struct fabric *fabric, uint32_t node, uint32_t above,
                      uint32_t *ret_child)
{
    *ret_child = node;
    while (fabric->nodes[node].depth > fabric->nodes[above].depth) {
        *ret_child = node;
        node = fabric->nodes[node].parent;
    }
    return node;
}

uint32_t fabric_port_towards(const struct fabric *fabric, uint32_t switch_index,
                             struct fabric_place place)
{
    const struct fabric_switch *s = &fabric->switches[switch_index];
    if (place.switch_index == switch_index)
        return place.port;
    const struct fabric_switch *far = &fabric->switches[place.switch_index];
    const struct fabric_node *own = &fabric->nodes[s->node];
    unsigned side = own->switches[1] == switch_index ? 1 : 0;
    if (far->node == s->node) {
        uint32_t shared =
            place.port == FABRIC_NONE ? FABRIC_NONE : far->ports[place.port].mlag_port;
        return shared != FABRIC_NONE ? shared : s->peer_link;
    }
    uint32_t child;
    if (climb(fabric, far->node, s->node, &child) == s->node)
        return fabric->nodes[child].downlink[side];
    return own->uplink[side];
}

bool fabric_on_path_to_root(const struct fabric *fabric, uint32_t switch_index,
                            struct fabric_place place)
{
    uint32_t node = fabric->switches[switch_index].node, child;
    uint32_t from = fabric->switches[place.switch_index].node;
    return climb(fabric, from, node, &child) == node;
}

uint32_t fabric_find(const struct fabric *fabric, const char *name)
{
    for (uint32_t i = 0; i < fabric->switch_count; i++)
        if (strcmp(fabric->switches[i].name, name) == 0)
            return i;
    return FABRIC_NONE;
}
