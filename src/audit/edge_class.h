/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_EDGE_CLASS_H
#define MUSTER_AUDIT_EDGE_CLASS_H

#include "audit/world_view.h"

/* Why a port has its class: the evidence of edge.h's classification, strongest
 * first, kept as a number with each logical port and put in words for people. A port
 * gets the class of the first of these that speaks for it; later ones do not change
 * it, so that a forged LLDP frame or a forged address cannot unmake what the record
 * says. `other` of the port names the switch or port that the sentence is about. */

enum edge_reason {
    EDGE_REASON_NONE,
    EDGE_REASON_ATTACHMENT,
    EDGE_REASON_OWN_BRIDGE,
    EDGE_REASON_UPLINK,
    EDGE_REASON_NEIGHBOUR_HYPERVISOR,
    EDGE_REASON_NEIGHBOUR_SWITCH,
    EDGE_REASON_ROLE,
    EDGE_REASON_LINK,
    EDGE_REASON_TUNNEL,
    EDGE_REASON_OWN_MAC,
    EDGE_REASON_INFERRED,
    EDGE_REASON_NO_LINK,
    EDGE_REASON_NO_TOPOLOGY,
    EDGE_REASON_SESSION,
    EDGE_REASON_NOWHERE
};

/* Gives `port`'s logical port its class unless it has one. */
void edge_class_set(struct world *world, uint32_t port, enum port_class class,
                    enum edge_confidence confidence, enum edge_reason reason, uint32_t other);

/* Compares the forward tables of the switches of which no link is known, and makes
 * ports inter-switch where the comparison says so. */
void edge_infer(struct world *world);

/* Returns the sentence for why `port` has its class, in `arena`. */
const char *edge_class_why(const struct world *world, uint32_t port, struct arena *arena);

#endif
