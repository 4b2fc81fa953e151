/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_BINDING_H
#define MUSTER_WIRE_BINDING_H

#include <stdbool.h>

#include "wire/ip_packet.h"
#include "wire/mobility.h"

/* What one packet says of a mobile node's binding: who (home address), where
 * (care-of address), with whom (home agent or correspondent), for how long.
 *
 * The message alone is not enough: the home address of a Binding Update stands in
 * the Home Address option before it, that of an acknowledgement in the type 2
 * routing header, and the care-of address is the packet's own address unless the
 * message has an Alternate Care-of Address. The rules of RFC 6275 (9.5.1, 11.7) and
 * DOMAIN 2.8 points 2 to 6 are applied here, once, for `muster decode` and for the
 * source `mobile_ip`.
 *
 * Three kinds of evidence are no signalling message. A Home Address option or type
 * 2 routing header before ESP is a registration that cannot be read (RFC 3776: it
 * goes to and from the home agent): who, where and the agent are known, lifetime
 * and deregistration are not. The same before anything else is user data, which
 * proves a live binding with a correspondent. Proxy Mobile IPv6 (flag P) has the
 * access gateway as care-of address and names the node by prefix, identifier and
 * link-layer address; its messages may also come over IPv4 (RFC 5844), and a mobile node in
 * an IPv4 network names its care-of address there (RFC 5555).
 *
 * Limits: a packet says what its sender claims. Binding Updates to correspondents
 * are authorised by option 5, which a listener cannot verify, and source addresses
 * can be forged: what is read here is evidence, never proof by itself. The checksum
 * is verified and reported, not required: real senders and traces leave it zero. */

enum binding_kind {
    BINDING_MESSAGE,          /* a Mobility Header or an option of the drafts */
    BINDING_PROTECTED_UPDATE, /* Home Address option, then ESP */
    BINDING_PROTECTED_ACK,    /* type 2 routing header, then ESP */
    BINDING_DATA              /* user data to or from a mobile node */
};

enum binding_checksum { BINDING_CHECKSUM_NONE, BINDING_CHECKSUM_RIGHT, BINDING_CHECKSUM_WRONG };

struct binding {
    enum binding_kind kind;
    enum binding_checksum checksum;
    bool deregistration; /* an update that ends its binding */
    bool opened;         /* it was read behind ESP without encryption (open_payload.h) */
    bool authenticated;  /* behind an authentication header */
    struct ip home_address, care_of, home_agent, correspondent; /* IP_NONE: not said */
    struct ip peer;                  /* who talks with the mobile node, whichever its role is */
    struct mobility_message message; /* of BINDING_MESSAGE; borrows the packet */
};

/* Reads what `packet` says. Returns 1 with *ret; 0 when it says nothing of Mobile
 * IPv6 or is an inner fragment; -1 with *ret_fault when its message is not right: then *ret is
 * for people only, as far as message.begun says that there is something. */
int binding_read(const struct ip_packet *packet, struct binding *ret, enum wire_fault *ret_fault);

/* Returns the event's word in muster-schema(5): "update", "ack", "protected_update",
 * "data" ... */
const char *binding_word(const struct binding *binding);

#endif
