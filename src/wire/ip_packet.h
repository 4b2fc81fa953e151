/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_IP_PACKET_H
#define MUSTER_WIRE_IP_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/ip.h"
#include "wire/ethernet.h"
#include "wire/ipv6_chain.h"

/* IPv4 and IPv6 packets, and the walk through everything a captured frame holds.
 *
 * Mirrored traffic is wrapped more than once: ERSPAN carries whole frames in GRE
 * over IPv4 or IPv6 (0x88be type I without and II with a header of its own, 0x22eb
 * type III), GRE also carries plain IP and bridged Ethernet, and Mobile IPv6 itself
 * tunnels between home agent and mobile node (IPv6 in IPv6, RFC 2473; also in IPv4).
 * packet_walk() unwraps all of them to the depth LIMIT_ENCAPSULATION and shows the
 * visitor each Ethernet frame and each IP packet it meets, the outer ones first.
 *
 * A frame inside ERSPAN that lost its tag keeps the VLAN that the ERSPAN header
 * names. Type I and II share their EtherType: II is told by GRE's sequence bit
 * (which type I never sets) and its version field.
 *
 * Lengths: a packet's own length rules where it is shorter than what was captured
 * (Ethernet padding), what was captured where that is shorter (snap length). IPv4
 * fragments that are not the first are shown with `fragment` set and are never
 * unwrapped. Attacks considered: tunnels in tunnels (bounded), GRE flags of routing
 * (refused), lengths that contradict each other. Nothing is allocated. */

struct ip_packet {
    struct ip source, destination;
    uint8_t version; /* 4 or 6 */
    uint8_t hop_limit;
    uint8_t protocol;        /* what `payload` is */
    bool fragment;           /* not the first one */
    const uint8_t *payload;  /* behind all headers of IP */
    size_t length;           /* of it, as far as captured */
    size_t wire_length;      /* of it, as sent; 0: not known (Jumbo payload) */
    struct ipv6_chain chain; /* of IPv6 */
};

struct udp_datagram {
    uint16_t source_port, destination_port;
    const uint8_t *payload;
    size_t length; /* as far as captured */
    bool cut;      /* less than was sent */
};

/* Reads the IPv4 or IPv6 packet at `bytes`. `old_options`: see ipv6_chain.h. *ret is
 * whole only after WIRE_OK. Borrows `bytes`. */
enum wire_fault ip_packet_read(const uint8_t *bytes, size_t length, bool old_options,
                               struct ip_packet *ret) MUST_USE;

/* Reads the UDP header of `packet`. Returns whether it is a first fragment of UDP
 * with a whole header. */
bool ip_packet_udp(const struct ip_packet *packet, struct udp_datagram *ret);

/* Returns the Internet checksum (RFC 1071) of `packet`'s payload with the pseudo
 * header of IPv6 for these addresses: 0 when the checksum in it is right. Only for
 * a payload that was captured whole. */
uint16_t ip_packet_checksum(const struct ip_packet *packet, const struct ip *source,
                            const struct ip *destination);

struct packet_visitor {
    /* NULL: not wanted. `frame` of a packet is the innermost one around it. */
    void (*frame)(void *aux, const struct ethernet_frame *frame);
    void (*packet)(void *aux, const struct ethernet_frame *frame, const struct ip_packet *packet);
    void *aux;
    bool old_options;
};

/* Walks through the captured `bytes` as the essay says. Returns the first fault met;
 * what was before it has been shown. */
enum wire_fault packet_walk(enum link_type link, const uint8_t *bytes, size_t length,
                            const struct packet_visitor *visitor);

#endif
