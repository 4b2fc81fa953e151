/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_MOBILITY_H
#define MUSTER_WIRE_MOBILITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/ip.h"
#include "base/mac.h"
#include "wire/ethernet.h"

/* The Mobility Header and its options (RFC 6275 section 6; RFC 5213 for Proxy Mobile
 * IPv6; DOMAIN 2.8), and the pre-standard binding options of the drafts before it.
 *
 * One struct holds what any message says; what a message does not carry keeps its
 * "not said" value. All types that IANA lists are named. The eight of RFC 6275 are
 * read to their last option, as are those of fast handovers (RFC 5568), heartbeats (5847),
 * revocation (5846), localized routing (6705) and notifications (7077), for people to see: no
 * event is made of them. Of the others there is the name.
 *
 * Lifetimes are in units of four seconds on the wire and in seconds here. Proxy
 * Mobile IPv6 names the mobile node: home network prefix (22), identifier (8), and
 * link-layer identifier (25), which carries the MAC and so joins an IPv6 identity
 * to an Ethernet one.
 *
 * Nodes in IPv4 networks say so by options (RFC 5555, 5844): their care-of address there (32,
 * 49),
 * their home address of that version (29, 30, 36, 37). A binding that is one of several
 * (RFC 5648) may have its care-of address in its identifier's option (35); of several such
 * options in one message the first counts here.
 *
 * A message counts only when it is there whole: a header that announces more than
 * was captured, is shorter than its type needs, or has an option that overruns it
 * is a fault, because the half of a registration could move a
 * guest on paper. Attacks considered: lengths of all kinds, towers of padding
 * options (LIMIT_MOBILITY_OPTIONS), identifiers that are not text (kept as octets;
 * printing escapes them). Nothing is allocated. */

enum mobility_type {
    MOBILITY_REFRESH_REQUEST = 0,
    MOBILITY_HOME_TEST_INIT = 1,
    MOBILITY_CARE_OF_TEST_INIT = 2,
    MOBILITY_HOME_TEST = 3,
    MOBILITY_CARE_OF_TEST = 4,
    MOBILITY_UPDATE = 5,
    MOBILITY_ACK = 6,
    MOBILITY_ERROR = 7,
    MOBILITY_FAST_UPDATE = 8,
    MOBILITY_FAST_ACK = 9,
    MOBILITY_FAST_NEIGHBOUR = 10,
    MOBILITY_HEARTBEAT = 13,
    MOBILITY_HANDOVER_INITIATE = 14,
    MOBILITY_HANDOVER_ACK = 15,
    MOBILITY_REVOCATION = 16,
    MOBILITY_ROUTING_INITIATION = 17,
    MOBILITY_ROUTING_ACK = 18,
    MOBILITY_NOTIFICATION = 19,
    MOBILITY_NOTIFICATION_ACK = 20
};

enum mobility_update_flag {
    MOBILITY_FLAG_ACKNOWLEDGE = 0x8000,   /* A */
    MOBILITY_FLAG_HOME = 0x4000,          /* H: home registration */
    MOBILITY_FLAG_LINK_LOCAL = 0x2000,    /* L */
    MOBILITY_FLAG_KEY = 0x1000,           /* K */
    MOBILITY_FLAG_MAP = 0x0800,           /* M, RFC 5380 */
    MOBILITY_FLAG_ROUTER = 0x0400,        /* R, RFC 3963 */
    MOBILITY_FLAG_PROXY = 0x0200,         /* P, RFC 5213 */
    MOBILITY_FLAG_FORCE_UDP = 0x0100,     /* F, RFC 5555 */
    MOBILITY_FLAG_TUNNEL_HEADER = 0x0080, /* T, RFC 5845 */
    MOBILITY_FLAG_BULK = 0x0040           /* B, RFC 6602 */
};

enum { MOBILITY_LINK_LAYER_MAX = 8, MOBILITY_STATUS_REFUSED = 128, MOBILITY_FLAG_WORDS = 10 };

struct mobility_message {
    uint8_t type;   /* enum mobility_type, or another that IANA lists */
    uint8_t status; /* where `judged`: of an acknowledgement or an error */
    bool old;       /* a destination option of the drafts */
    uint16_t flags; /* enum mobility_update_flag, for acknowledgements too */
    bool begun;     /* `type` was there, also after a fault; the others say for themselves */
    bool sequenced; /* `sequence` was said */
    bool timed;     /* `lifetime_seconds` was said */
    bool judged;    /* `status` was said */
    uint32_t sequence;
    uint32_t lifetime_seconds;
    struct ip home_address;       /* of a Binding Error; IP_NONE */
    struct ip alternate_care_of;  /* IP_NONE */
    struct ip ipv4_care_of;       /* of a node in an IPv4 network (RFC 5555); IP_NONE */
    struct ip identified_care_of; /* of the first of several bindings; IP_NONE */
    struct ip ipv4_home;          /* its or a proxied node's other address; IP_NONE */
    struct ip_prefix home_prefix; /* bits 0: not said */
    const uint8_t *node_id;       /* MN-id; NULL */
    uint8_t node_id_length;
    uint8_t link_layer_length; /* octets of the link-layer identifier, 0 */
    uint8_t link_layer[MOBILITY_LINK_LAYER_MAX];
    struct mac mac; /* what the link-layer identifier is, when it is a MAC or the EUI-64 of one */
};

/* Reads the Mobility Header that begins at `bytes`, of which `length` octets are
 * there. Borrows `bytes`. *ret is whole only after WIRE_OK; after a fault it holds what was
 * read before it, for people to see. */
enum wire_fault mobility_read(const uint8_t *bytes, size_t length,
                              struct mobility_message *ret) MUST_USE;

/* Read the pre-standard Binding Update, Acknowledgement and Request options from
 * their `length` octets of data. *ret is whole only after WIRE_OK. */
enum wire_fault mobility_read_old_update(const uint8_t *bytes, size_t length,
                                         struct mobility_message *ret) MUST_USE;
enum wire_fault mobility_read_old_ack(const uint8_t *bytes, size_t length,
                                      struct mobility_message *ret) MUST_USE;
enum wire_fault mobility_read_old_request(const uint8_t *bytes, size_t length,
                                          struct mobility_message *ret) MUST_USE;

/* Returns the word of a message's type: "update", "ack", "home_test_init" ...;
 * "other" for one that has no name. */
const char *mobility_type_word(uint8_t type);

/* Writes the letters of the message's flags ("A", "H" ...) to `ret` as a text of
 * letters, terminated; returns `ret`. */
char *mobility_flag_letters(const struct mobility_message *message,
                            char ret[static MOBILITY_FLAG_WORDS + 1]);

#endif
