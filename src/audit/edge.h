/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_EDGE_H
#define MUSTER_AUDIT_EDGE_H

#include <stddef.h>

#include "audit/world.h"
#include "base/arena.h"

/* The edge is decided, not assumed (DESIGN section 2, DOMAIN 2.3).
 *
 * A MAC is in the table of every switch on its paths, so a row says "reachable
 * through this port", not "attached here". Each port therefore gets a class,
 * from the strongest thing that is known of it: a recorded attachment; a
 * hypervisor's own bridge; an LLDP or CDP neighbour; a recorded role or link; a
 * tunnel; another managed switch's own address learnt on it; and, where nothing
 * else tells, the comparison of two forward tables (edge_infer.c). Rows on
 * inter-switch ports are path, the others places. Hypervisors that speak LLDP
 * stay edge, and so does every port that the attachments name.
 *
 * A port of which nothing is known is an edge when its switch's links are known,
 * and undecided when they are not: then a row on it is a place only for a MAC
 * that has no better one. Whoever floods a switch with forged addresses, or sends
 * frames with a switch's own address, can at most make a port inter-switch that
 * no record names: the MACs behind it are then "seen, place unknown". */

/* word in output, enumerator */
#define PORT_CLASSES(CLASS)                                                                        \
    CLASS("hypervisor", PORT_CLASS_HYPERVISOR)                                                     \
    CLASS("edge", PORT_CLASS_EDGE)                                                                 \
    CLASS("inter_switch", PORT_CLASS_INTER_SWITCH)                                                 \
    CLASS("undecided", PORT_CLASS_UNDECIDED)

enum port_class {
#define CLASS(word, name) name,
    PORT_CLASSES(CLASS)
#undef CLASS
};

enum edge_confidence { EDGE_UNKNOWN, EDGE_LIKELY, EDGE_CERTAIN };

/* Returns "certain", "likely" or "unknown". */
const char *edge_confidence_word(enum edge_confidence confidence);
const char *port_class_word(enum port_class class);

/* Where one MAC is attached, as `muster where` prints it (DESIGN section 6). */
struct edge_answer {
    struct mac mac;
    const char *site;
    const char *vlan;         /* "10", "10|20", "" */
    struct named_place place; /* members NULL when only its path is known */
    enum edge_confidence confidence;
    const char *reason;             /* one sentence */
    const char *hypervisor;         /* whose port it is, by the record or LLDP; NULL */
    const char *guest;              /* recorded guest with this MAC; NULL */
    const struct named_place *path; /* where else it was seen, in transit */
    size_t path_count;
};

/* What became of one port, for `muster forward` and bug reports. */
struct edge_port {
    struct named_place place;
    enum port_class class;
    enum edge_confidence confidence;
    const char *reason;
    const char *hypervisor; /* NULL */
};

/* Decides the edge of `mac`: one answer for each bridge domain and place (two
 * places in one domain are two answers that say so). Sets *ret to the answers, in
 * `arena`, and returns their number; 0 when no table shows it. Rows that are not
 * a sighting (self, mgmt, invalid, port 0) do not count. */
size_t edge_decide(const struct world *world, struct mac mac, struct arena *arena,
                   struct edge_answer **ret);

/* Calls `visit` with each answer for every MAC in the tables, guest or not, in
 * ascending order of MAC. The answer lives until `visit` returns. */
void edge_decide_all(const struct world *world,
                     void (*visit)(void *aux, const struct edge_answer *answer), void *aux);

/* Calls `visit` with every port of every table, in the tables' order. */
void edge_ports(const struct world *world, void (*visit)(void *aux, const struct edge_port *port),
                void *aux);

/* Where a hypervisor's NIC is, for `muster learn`. */
struct edge_learnt {
    const char *hypervisor;
    struct mac nic_mac;
    struct named_place recorded; /* as the record has it; members NULL when empty */
    struct named_place seen;     /* decided edge; members NULL when not decided */
    enum edge_confidence confidence;
    const char *reason;
};

/* Calls `visit` for each recorded hypervisor NIC MAC and each edge it is seen on;
 * once without `seen` when there is none. */
void edge_learn(const struct world *world,
                void (*visit)(void *aux, const struct edge_learnt *learnt), void *aux);

#endif
