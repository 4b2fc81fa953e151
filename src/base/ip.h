/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_IP_H
#define MUSTER_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"

/* IP addresses and prefixes without sockets: what captures, RADIUS attributes and
 * the CMDB's subnets are compared by.
 *
 * An address is sixteen octets in network order; IPv4 stands as ::ffff:a.b.c.d
 * (RFC 4291 section 2.5.5.2), so that one comparison and one hash do for both and
 * a prefix of IPv4 is one of 96 + n bits. The unspecified address "::" is "none".
 * Scopes (fe80::1%eth0) belong to sockets, not to this type. */

struct ip {
    uint8_t octets[16];
};

#define IP_NONE ((struct ip){{0}})

enum { IP_TEXT_SIZE = 46, IP_PREFIX_TEXT_SIZE = 50, IP_BITS = 128, IP_V4_BITS = 96 };

/* Returns the IPv4 address of four octets, the IPv6 address of sixteen. */
struct ip ip_from_v4(const uint8_t octets[static 4]);
struct ip ip_from_v6(const uint8_t octets[static 16]);

static inline bool ip_equal(const struct ip *a, const struct ip *b)
{
    return memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

/* Whether it is an address at all, not "::". */
bool ip_known(const struct ip *ip);

/* Whether it is IPv4 (mapped). */
bool ip_is_v4(const struct ip *ip);

/* Orders as numbers; returns less than, equal to or greater than zero. */
int ip_compare(const struct ip *a, const struct ip *b);

/* Writes "192.0.2.1" or "2001:db8::1" (RFC 5952); returns `buffer`. */
char *ip_format(const struct ip *ip, char buffer[static IP_TEXT_SIZE]);

/* Parses a numeric address; all of `text` must be it, without scope or port. Returns
 * 0, or ERR_SYNTAX with *ret untouched. */
int ip_parse(const char *text, size_t length, struct ip *ret) MUST_USE;

/* A prefix: the address's bits beyond `bits` are zero. `bits` counts in the mapped
 * form: 192.0.2.0/24 has 120. */
struct ip_prefix {
    struct ip address;
    uint8_t bits;
};

/* Parses "192.0.2.0/24", "2001:db8::/64" and a bare address (all its bits); bits set
 * behind the prefix are cleared. Returns 0, ERR_SYNTAX or ERR_RANGE with *ret
 * untouched. */
int ip_prefix_parse(const char *text, size_t length, struct ip_prefix *ret) MUST_USE;

/* Returns the prefix of `bits` (0 to 128) that `ip` lies in. */
struct ip_prefix ip_prefix_of(const struct ip *ip, uint8_t bits);

/* Whether `ip` lies in `prefix`. */
bool ip_prefix_match(const struct ip_prefix *prefix, const struct ip *ip);

/* Writes "192.0.2.0/24"; returns `buffer`. */
char *ip_prefix_format(const struct ip_prefix *prefix, char buffer[static IP_PREFIX_TEXT_SIZE]);

#endif
