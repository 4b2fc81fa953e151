/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_TUNNEL_H
#define MUSTER_WIRE_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "wire/ip_packet.h"

/* What is wrapped into a frame or packet: one layer of a tunnel or mirror taken off.
 *
 * By EtherType: MPLS (RFC 3032, pseudowires of Ethernet with and without control word
 * too), PPPoE sessions (RFC 2516), provider backbone bridging (IEEE 802.1ah), NSH
 * (RFC 8300). By IP protocol: IP in IP (RFC 2473), GRE (RFC 2784, 2890) with IP, Ethernet,
 * ERSPAN I to III, MPLS, WCCP or NSH in it, EtherIP (RFC 3378), MPLS in IP (RFC 4023),
 * L2TPv3 with Ethernet in it (RFC 3931, also by L2TP's port; how long its cookie is, only its
 * ends know: the first that leaves a frame is taken). By
 * UDP port: VXLAN (RFC 7348) and its GPE, Geneve (RFC 8926), LISP (RFC 9300), GTP-U, L2TP
 * (RFC 2661), Teredo (RFC 4380), Dual Stack Mobile IPv6 (RFC 5555), TZSP mirrors, of
 * Ethernet or IEEE 802.11.
 *
 * A frame inside ERSPAN that lost its tag keeps the VLAN that the ERSPAN header
 * names. Type I and II share their EtherType: II is told by GRE's sequence bit, which
 * type I never sets.
 *
 * A UDP port proves nothing, nor does what follows an MPLS label: what does not look
 * like the tunnel is no tunnel, without a fault. Attacks considered: GRE with routing
 * (refused, RFC 2784 did away with it), label stacks without a bottom, option lists and
 * lengths that overrun. One layer a call; who calls counts the layers. Nothing is
 * allocated. */

enum tunnel_kind {
    TUNNEL_NOTHING, /* no tunnel, or one whose content is not read */
    TUNNEL_FRAME,   /* a frame of `link`, nearly always Ethernet's */
    TUNNEL_TYPED    /* what the EtherType `type` names */
};

struct tunnel_inside {
    enum tunnel_kind kind;
    enum link_type link;
    uint16_t type;
    uint16_t vlan;   /* of a frame without a tag of its own, 0: not said */
    bool dual_stack; /* a packet of Dual Stack Mobile IPv6 */
    const uint8_t *bytes;
    size_t length;
};

enum { TUNNEL_PORTS = 11, TUNNEL_PORTS_ANSWERED = 3 };

/* The UDP ports that tunnels are known by, and that of Proxy Mobile IPv6 (open_payload.h). Packets
 * of the first TUNNEL_PORTS_ANSWERED come from them as well as go to them, those of the others go
 * to them. */
extern const uint16_t tunnel_ports[TUNNEL_PORTS];

/* Whether frames of this EtherType carry others, and are read here. */
bool tunnel_is_type(uint16_t type);

/* Takes the header off that follows the EtherType `type`. *ret borrows `bytes`. */
enum wire_fault tunnel_read_type(uint16_t type, const uint8_t *bytes, size_t length,
                                 struct tunnel_inside *ret) MUST_USE;

/* Takes the header off that `packet` carries; those behind UDP only when `overlays`
 * says so. *ret borrows the packet's octets. */
enum wire_fault tunnel_read_packet(const struct ip_packet *packet, bool overlays,
                                   struct tunnel_inside *ret) MUST_USE;

#endif
