/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_MODEL_MEMORY_H
#define MUSTER_MODEL_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/mac.h"

/* What earlier rounds left that this round's judging needs: where a MAC was seen
 * and for how long, and since when a guest has been read as off. The store
 * fills it, the judge reads it; both borrow. An empty memory is a first round. */

/* A MAC was in one switch's table on one port in every read from `first` to
 * `last`. Intervals of one MAC lie side by side; none overwrites another. */
struct seen_interval {
    struct mac mac;
    const char *site, *switch_name, *port, *vlan; /* vlan "10", "10|20", "" */
    struct wall first, last;
    uint32_t reads; /* how many reads showed it */
};

/* The first time that Muster itself read this guest as one that should not
 * communicate, without a read that said otherwise since (DESIGN section 2). */
struct off_since {
    const char *guest_identity; /* uuid, else "site/guest" */
    struct wall first_read;
};

/* A discrepancy that every round since `first` has found, judged over the same
 * identity: the records and the network have differed in this way all the while.
 * This is what lets a later round prove what one round could only suspect. */
struct open_since {
    const char *identity; /* struct discrepancy's */
    struct wall first;    /* `now` of the round that found it first */
};

struct memory {
    const struct seen_interval *intervals; /* sorted by mac, then first */
    size_t interval_count;
    const struct off_since *offs; /* sorted by identity */
    size_t off_count;
    const struct open_since *opens; /* sorted by identity */
    size_t open_count;
};

/* Returns when Muster itself first read the guest as off; WALL_UNKNOWN when the
 * memory (may be NULL) does not have it. */
struct wall memory_off_first(const struct memory *memory, const char *guest_identity);

/* Returns since when the discrepancy has stood; WALL_UNKNOWN when it is new. */
struct wall memory_open_first(const struct memory *memory, const char *identity);

/* Returns the first of the standing discrepancies whose identity begins with `prefix`, in
 * order of identity, and sets *ret_count; NULL and 0 when there is none. */
const struct open_since *memory_opens(const struct memory *memory, const char *prefix,
                                      size_t *ret_count);

/* Returns the first of the intervals of `mac`, which lie side by side in order of
 * their beginning, and sets *ret_count; NULL and 0 when there is none. */
const struct seen_interval *memory_intervals(const struct memory *memory, struct mac mac,
                                             size_t *ret_count);

#endif
