/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_MAC_H
#define MUSTER_BASE_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

/* Ethernet (MAC) addresses, and which of them can never be a guest.
 *
 * An address is held as a 48-bit number, first octet highest, so that it is a
 * hash key and sorts as people read it. MAC_NONE (a source that knows no MAC)
 * has a bit above the 48 and equals no address. */

struct mac {
    uint64_t bits;
};

#define MAC_NONE ((struct mac){UINT64_C(1) << 48})

enum { MAC_TEXT_SIZE = 18 };

static inline bool mac_known(struct mac m)
{
    return (m.bits >> 48) == 0;
}
static inline bool mac_equal(struct mac a, struct mac b)
{
    return a.bits == b.bits;
}
static inline struct mac mac_from_octets(const uint8_t octets[static 6])
{
    uint64_t bits = 0;
    for (int i = 0; i < 6; i++)
        bits = bits << 8 | octets[i];
    return (struct mac){bits};
}
static inline void mac_to_octets(struct mac m, uint8_t octets[static 6])
{
    for (int i = 0; i < 6; i++)
        octets[i] = (uint8_t)(m.bits >> (40 - 8 * i));
}
static inline bool mac_is_multicast(struct mac m)
{
    return (m.bits >> 40 & 0x01) != 0;
}
static inline bool mac_is_zero(struct mac m)
{
    return m.bits == 0;
}

/* Writes "52:54:00:11:22:33" (lower case), "none" for MAC_NONE; returns `buffer`. */
char *mac_format(struct mac m, char buffer[static MAC_TEXT_SIZE]);

/* Parses every spelling that inventories and devices use: six octets joined by
 * ':' '-' or blanks with one or two digits each, Cisco's 0010.a423.19c0, HP's
 * 0010a4-2319c0 and twelve bare digits. The whole of `text` must be the
 * address. Returns 0, or ERR_SYNTAX with *ret untouched. */
int mac_parse(const char *text, size_t length, struct mac *ret) MUST_USE;

/* Whether `m` is a virtual router's shared address (VRRP, VRRPv6, CARP, HSRP,
 * HSRPv2, HSRPv6, GLBP) or a load-balancing cluster's (MS-NLB): legitimately on
 * several ports at once, DOMAIN 2.4 point 2. */
bool mac_is_virtual_router(struct mac m);

/* Whether `m` may be a station at all: known, not zero, not multicast, not a
 * virtual router's. */
bool mac_is_station(struct mac m);

/* The guest address of a TAP device's own: libvirt gives the host side of a
 * guest's tap the guest's MAC with first octet fe (DOMAIN 2.4 point 1). True
 * when `m` begins with fe; such local entries are not guests. */
bool mac_is_tap(struct mac m);

/* A set of address prefixes of 8 to 48 bits, whole octets. */
struct mac_prefix {
    uint64_t value; /* the prefix in the highest of the 48 bits, rest zero */
    uint64_t mask;
};

/* Parses "52:54:00", "52:54:00:", "5254.00", "525400" or a longer prefix of
 * whole octets of two digits each.
 * Returns 0, or ERR_SYNTAX with *ret untouched. */
int mac_prefix_parse(const char *text, size_t length, struct mac_prefix *ret) MUST_USE;

static inline bool mac_prefix_match(struct mac_prefix p, struct mac m)
{
    return (m.bits & p.mask) == p.value;
}

/* The prefixes that hypervisors give to guests, DOMAIN 2.4; prefix mode's table
 * as delivered. Sets *ret_count. */
const struct mac_prefix *mac_guest_prefixes(size_t *ret_count);

#endif
