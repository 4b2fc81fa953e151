/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_IP_PACKET_H
#define MUSTER_WIRE_IP_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/ip.h"
#include "wire/ethernet.h"
#include "wire/ipv6_chain.h"

/* IPv4 and IPv6 packets.
 *
 * One struct for both versions holds who talks with whom and what is carried; of IPv6
 * the chain of extension headers has been walked (ipv6_chain.h).
 *
 * An Authentication Header is passed over in both versions, since it hides nothing.
 *
 * Lengths: a packet's own length rules where it is shorter than what was captured
 * (Ethernet padding), what was captured where that is shorter (snap length). Fragments
 * that are not the first have `fragment` set, and every fragment says in `part` which
 * part it is, so that reassembly.h can join them; a packet that was joined says how much
 * of it its first fragment showed already, lest something is told twice. Attacks
 * considered: lengths that contradict each other. Nothing is allocated. */

struct ip_packet {
    struct ip source, destination;
    uint8_t version; /* 4 or 6 */
    uint8_t hop_limit;
    uint8_t protocol; /* what `payload` is */
    bool fragment;    /* not the first one, or one that ends before `payload` */
    bool again;       /* joined, and the first part had all headers and `told` */
    size_t told;      /* octets of the payload */
    bool opened;      /* ESP without encryption was taken off (open_payload.h) */
    bool dual_stack;  /* it came in UDP from or to a node in an IPv4 network (RFC 5555) */
    struct ip_part part;
    const uint8_t *payload;  /* behind all headers of IP */
    size_t length;           /* of it, as far as captured */
    size_t wire_length;      /* of it, as sent; 0: not known (Jumbo payload) */
    struct ipv6_chain chain; /* of IPv6; of IPv4 without any addresses */
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

/* Makes *ret of the `length` octets that the parts of a packet are together, and of the
 * headers of its first part, `head`. Borrows `bytes`. */
enum wire_fault ip_packet_join(const struct ip_packet *head, const uint8_t *bytes, size_t length,
                               bool old_options, struct ip_packet *ret) MUST_USE;

/* Reads the UDP header of `packet`. Returns whether it is a first fragment of UDP
 * with a whole header. */
bool ip_packet_udp(const struct ip_packet *packet, struct udp_datagram *ret);

/* Returns the Internet checksum (RFC 1071) of `packet`'s payload with the pseudo
 * header of IPv6 or IPv4 for these addresses: 0 when the checksum in it is right. Only for
 * a payload that was captured whole. */
uint16_t ip_packet_checksum(const struct ip_packet *packet, const struct ip *source,
                            const struct ip *destination);

/* Whether that checksum is right for the addresses that count: the home addresses of a node
 * that is away (RFC 6275 6.1.1), or the packet's own, which some senders take. */
bool ip_packet_is_sound(const struct ip_packet *packet);

#endif
