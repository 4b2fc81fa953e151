/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_IPV6_CHAIN_H
#define MUSTER_WIRE_IPV6_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/ip.h"
#include "wire/ethernet.h"

/* The chain of IPv6 extension headers (RFC 8200 section 4, RFC 6275 section 6).
 *
 * Between the IPv6 header and what it carries stands a chain of headers, each of
 * which names the next: hop-by-hop options (0), routing (43), fragment (44),
 * authentication (51), destination options (60). It is walked to its end: an upper
 * protocol, ESP (50), nothing (59), or a fragment that is not the first, whose
 * payload is the middle of something. A chain that ends within a first fragment is no
 * fault: its rest is in the next one (reassembly.h). On the way two things are kept, because they
 * say who is behind a packet of a mobile node: the Home Address option (201) of a
 * destination options header, and the address of a routing header of type 2.
 *
 * Before RFC 3775 the messages of Mobile IPv6 were destination options themselves
 * (drafts up to 15): Binding Update 198, Binding Acknowledgement 7 and Binding
 * Request 8. They are given back as octets when `old_options` says so, and are
 * ordinary unknown options otherwise.
 *
 * The number 201 in any payload is not an address: the walk looks only where the standard
 * puts one. A Home Address option of another length or among hop-by-hop options, or a type 2
 * routing header to more than one address, makes the packet one that no node accepts: a fault,
 * since without that address the packet would seem to speak of its sender. Attacks considered:
 * chains without end (LIMIT_IPV6_HEADERS), lengths behind the captured octets, options that overrun
 * their header, Jumbo payloads (the caller's length rules). Each header takes at least eight
 * octets, so the walk is linear. */

enum ip_protocol {
    IP_PROTOCOL_HOP_BY_HOP = 0,
    IP_PROTOCOL_ICMP = 1,
    IP_PROTOCOL_IPV4 = 4,
    IP_PROTOCOL_TCP = 6,
    IP_PROTOCOL_UDP = 17,
    IP_PROTOCOL_IPV6 = 41,
    IP_PROTOCOL_ROUTING = 43,
    IP_PROTOCOL_FRAGMENT = 44,
    IP_PROTOCOL_GRE = 47,
    IP_PROTOCOL_ESP = 50,
    IP_PROTOCOL_AUTHENTICATION = 51,
    IP_PROTOCOL_ICMPV6 = 58,
    IP_PROTOCOL_NONE = 59,
    IP_PROTOCOL_DESTINATION = 60,
    IP_PROTOCOL_OLD_MOBILITY = 62, /* Mobility Header before its number was assigned */
    IP_PROTOCOL_ETHERIP = 97,
    IP_PROTOCOL_L2TP = 115, /* version 3 */
    IP_PROTOCOL_MOBILITY = 135,
    IP_PROTOCOL_MPLS = 137
};

/* A pre-standard option's data; `bytes` NULL: not there. */
struct ipv6_old_option {
    const uint8_t *bytes;
    uint8_t length;
};

/* Which part of a fragmented packet this is. */
struct ip_part {
    const uint8_t *bytes; /* NULL: the packet is not fragmented */
    size_t length;        /* as far as captured */
    size_t wire_length;   /* as sent */
    size_t offset;        /* in the whole, behind its headers */
    uint32_t id;
    bool more;    /* it is not the last one */
    uint8_t next; /* what the whole begins with */
};

struct ipv6_chain {
    uint8_t protocol;       /* where the chain ended */
    const uint8_t *payload; /* behind the last header */
    size_t length;
    bool fragment;         /* `payload` is the middle of something, or the chain goes on in
                              another fragment */
    bool authenticated;    /* it had an authentication header */
    struct ip_part part;   /* `wire_length` is the caller's to set */
    struct ip home_option; /* of the Home Address option, IP_NONE */
    struct ip home_route;  /* of the type 2 routing header, IP_NONE */
    struct ipv6_old_option old_update, old_ack, old_request;
};

/* Walks the chain that begins with the header `next` at `bytes`. *ret says how far
 * it came also when the result is a fault; then `payload` is empty. Borrows
 * `bytes`. */
enum wire_fault ipv6_chain_read(uint8_t next, const uint8_t *bytes, size_t length, bool old_options,
                                struct ipv6_chain *ret) MUST_USE;

/* As ipv6_chain_read(), for what follows the headers that *chain holds: the octets of a
 * packet that was put together from its parts. */
enum wire_fault ipv6_chain_continue(uint8_t next, const uint8_t *bytes, size_t length,
                                    bool old_options, struct ipv6_chain *chain) MUST_USE;

#endif
