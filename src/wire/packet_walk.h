/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_PACKET_WALK_H
#define MUSTER_WIRE_PACKET_WALK_H

#include "base/check.h"
#include "base/clock.h"
#include "wire/ip_packet.h"
#include "wire/reassembly.h"

/* The walk through everything a captured frame holds.
 *
 * Mirrored traffic is wrapped more than once: ERSPAN carries whole frames in GRE
 * over IPv4 or IPv6, and Mobile IPv6 itself tunnels between home agent and mobile node;
 * where the mirror stands in an underlay, everything is in VXLAN or MPLS first (tunnel.h).
 * The walk unwraps all of them to the depth LIMIT_ENCAPSULATION and shows the visitor
 * each Ethernet frame and each IP packet it meets, the outer ones first.
 *
 * With a reassembly, fragments are put together: the first one is shown as it came, since
 * most often it says everything, and the whole is shown when its last part has come. A
 * tunnel is unwrapped once, from the whole. Without, only first fragments are looked into.
 *
 * Overlays (VXLAN, MPLS ...) are unwrapped, and ESP that hides nothing is opened
 * (open_payload.h), only on request: who listens where guests are
 * must not take a guest at the far end of a tunnel for one of this switch's.
 *
 * Attacks considered: tunnels in tunnels and fragments of fragments (one bound for both),
 * faults in the middle (what was before has been shown). */

struct packet_visitor {
    /* NULL: not wanted. `frame` of a packet is the innermost one around it. */
    void (*frame)(void *aux, const struct ethernet_frame *frame);
    void (*packet)(void *aux, const struct ethernet_frame *frame, const struct ip_packet *packet);
    void *aux;
    bool old_options;              /* see ipv6_chain.h */
    bool overlays;                 /* unwraps them */
    bool datagrams;                /* wants fragmented UDP too */
    struct reassembly *reassembly; /* NULL: fragments stay as they are */
    uint64_t number;               /* of the frame, for the reassembly */
    struct wall at;                /* when it was captured, for the reassembly */
};

/* Walks through the captured `bytes` as the essay says. Returns the first fault met;
 * what was before it has been shown. */
enum wire_fault packet_walk(enum link_type link, const uint8_t *bytes, size_t length,
                            const struct packet_visitor *visitor);

#endif
