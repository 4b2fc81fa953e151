/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_MAC_CENSUS_H
#define MUSTER_SOURCE_MAC_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/mac.h"

/* Which MAC addresses were heard of late, in memory that does not grow: of a million
 * frames a second it says which few are news.
 *
 * A table of fixed size in sets of four, placed by a seeded hash, remembers for each
 * address and VLAN when it was last told. An address is news when it is not in the
 * table; it is told again after `again`, and otherwise only known. The table costs one
 * line of memory a frame, whatever is sent.
 *
 * A flood of invented addresses is what it is built against. Each second at most
 * `rate` addresses of one VLAN are told, and as VLANs are invented as easily as addresses,
 * there is a limit over all of them too: LIMIT_CENSUS_NEWS new ones a second,
 * LIMIT_CENSUS_AGAIN of those that are told again, shared as fair_rate.h says. The rest is
 * counted and not remembered: it is news again at its next frame.
 *
 * In a full set an address that was heard only once goes first, so invented ones
 * displace each other, and a guest that keeps talking stays. An address that has to go
 * is news again when it next speaks, which is all that is lost. */

struct mac_census;

enum census_verdict {
    CENSUS_NEW,     /* not heard before, or forgotten */
    CENSUS_AGAIN,   /* known, and not told for a while */
    CENSUS_KNOWN,   /* known */
    CENSUS_SILENCED /* new or due again, but too many are */
};

struct census_counters {
    uint64_t known;    /* addresses in the table */
    uint64_t evicted;  /* had to go that were heard more than once */
    uint64_t silenced; /* new, not told: too many of their VLAN came at once */
    uint64_t over_all; /* new, not told: too many of all VLANs together */
    uint64_t put_off;  /* due again, not told yet, for either reason */
};

/* Returns a table of LIMIT_CENSUS_MACS addresses; yours to free. */
struct mac_census *mac_census_new(struct span again, uint32_t rate);
void mac_census_free(struct mac_census *census); /* NULL is allowed */

/* Says what hearing `mac` in `vlan` at `at` is. NEW and AGAIN must be told: call
 * mac_census_told() when that is done, or it will be news again. */
enum census_verdict mac_census_hear(struct mac_census *census, struct mac mac, uint16_t vlan,
                                    struct wall at);
void mac_census_told(struct mac_census *census);

/* Returns the counters; borrowed. */
const struct census_counters *mac_census_counters(const struct mac_census *census);

#endif
