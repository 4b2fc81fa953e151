/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_FABRIC_H
#define MUSTER_SIM_FABRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/mac.h"

/* The switches of a simulated data centre and the cables between them.
 *
 * Frames travel along a tree of *nodes*. A node is one switch, or two that form
 * an MLAG pair and look like one switch to everything below and above them. Each
 * node but the root has one logical link to its parent: a plain cable, a LAG of
 * two cables, or, where one end is a pair, one cable from each of the two. A
 * blocked link (spanning tree holds it back) may exist beside the tree: it is
 * cabled and seen by LLDP, but no frame is ever learnt on it.
 *
 * The one question the fabric answers is the direction of learning: on which
 * port does switch S see frames that enter the fabric at place P? That is found
 * by walking P's node up to S's depth, so it costs the depth of the tree and
 * needs no table. Everything is indices into growing arrays; the fabric makes no
 * decisions by chance, callers do (datacentre.h). Limits: LIMIT_SWITCH_PORTS a
 * switch; the tree's depth is whatever callers build, three in practice. */

#define FABRIC_NONE UINT32_MAX

enum { FABRIC_NAME_SIZE = 32 };

/* How a switch's SNMP agent shows its forward table (DOMAIN 2.1 and 2.2). */
enum fabric_dialect {
    FABRIC_Q_BRIDGE,      /* Q-BRIDGE, FDB id = VLAN */
    FABRIC_Q_BRIDGE_FDB,  /* Q-BRIDGE, FDB ids of its own, mapped by dot1qVlanFdbId */
    FABRIC_BRIDGE,        /* BRIDGE-MIB only: rows without VLAN */
    FABRIC_BRIDGE_CONTEXT /* BRIDGE-MIB, one context a VLAN: community@VLAN, vlan-N */
};

/* A place where frames enter: a port of a switch, by index. */
struct fabric_place {
    uint32_t switch_index, port;
};

struct fabric_port {
    char name[FABRIC_NAME_SIZE]; /* ifName */
    uint32_t if_index, bridge_port;
    uint32_t aggregate;      /* the LAG it is a member of; FABRIC_NONE */
    struct fabric_place far; /* other end of the cable; switch_index FABRIC_NONE */
    uint32_t mlag_port;      /* the same logical port on the MLAG partner; FABRIC_NONE */
    uint32_t hypervisor;     /* who is cabled here; FABRIC_NONE */
    bool is_aggregate;       /* a LAG itself */
    bool blocked;            /* held back by spanning tree */
    bool occupied;           /* cabled to anything */
};

struct fabric_switch {
    char name[FABRIC_NAME_SIZE];
    struct mac mac; /* bridge address */
    uint32_t node;
    uint32_t partner;   /* MLAG partner; FABRIC_NONE */
    uint32_t peer_link; /* port (an aggregate) to the partner; FABRIC_NONE */
    struct span ageing;
    enum fabric_dialect dialect;
    struct fabric_port *ports;
    size_t port_count, port_capacity;
    uint32_t physical_count, aggregate_count;
};

struct fabric_node {
    uint32_t parent; /* FABRIC_NONE at the root */
    uint32_t depth;
    uint32_t switches[2]; /* the second FABRIC_NONE where it is no pair */
    uint32_t uplink[2];   /* port of each own switch that leads to the parent */
    uint32_t downlink[2]; /* port of each of the parent's switches that leads here */
};

struct fabric {
    struct fabric_switch *switches;
    size_t switch_count, switch_capacity;
    struct fabric_node *nodes;
    size_t node_count, node_capacity;
};

/* Frees what the fabric holds and leaves it empty. */
void fabric_done(struct fabric *fabric);

/* Adds a switch called `name` to `node` (as the MLAG partner when the node has
 * one already) and returns its index. */
uint32_t fabric_add_switch(struct fabric *fabric, const char *name, struct mac mac, uint32_t node);

/* Adds a node without switches below `parent` (FABRIC_NONE for the root) and
 * returns its index. */
uint32_t fabric_add_node(struct fabric *fabric, uint32_t parent);

/* Adds a physical port to a switch, named by `name` or, when NULL, by the
 * switch's own numbering; returns its index. */
uint32_t fabric_add_port(struct fabric *fabric, uint32_t switch_index, const char *name);

/* Adds a LAG with `count` new member ports and returns the aggregate's index. */
uint32_t fabric_add_lag(struct fabric *fabric, uint32_t switch_index, unsigned count);

/* Cables `node` to its parent, both having their switches: by a LAG of two when
 * `lag` or where either is a pair, else by one cable. */
void fabric_link_parent(struct fabric *fabric, uint32_t node, bool lag);

/* Cables the two switches of a pair to each other by a LAG, the peer link. */
void fabric_link_pair(struct fabric *fabric, uint32_t node);

/* Adds a cable between two switches that spanning tree holds back. */
void fabric_link_blocked(struct fabric *fabric, uint32_t switch_a, uint32_t switch_b);

/* Declares two ports of the two switches of a pair one logical port. */
void fabric_join_mlag(struct fabric *fabric, struct fabric_place a, struct fabric_place b);

/* Returns the port of `switch_index` on which frames that enter at `place` are
 * learnt: an aggregate where the direction is a LAG. The switch itself as place
 * (port FABRIC_NONE) is where its own management address speaks. */
uint32_t fabric_port_towards(const struct fabric *fabric, uint32_t switch_index,
                             struct fabric_place place);

/* Whether frames from `place` to the root (and no further) pass the switch. */
bool fabric_on_path_to_root(const struct fabric *fabric, uint32_t switch_index,
                            struct fabric_place place);

/* Returns the index of the switch called `name`, FABRIC_NONE when there is none. */
uint32_t fabric_find(const struct fabric *fabric, const char *name);

#endif
