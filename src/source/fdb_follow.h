/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_FDB_FOLLOW_H
#define MUSTER_SOURCE_FDB_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/mac.h"
#include "contract/plugin.h"
#include "model/forwarding.h"

/* A bridge's own forward table, followed: what changed since it was last looked at
 * becomes events, whether it was told change by change (Linux) or read again and again
 * (Open vSwitch). Used by the event sources "linux_bridge" and "ovs".
 *
 * What is an event. An address that appears at a port that leads to guests is a start
 * there; at another port of the same bridge, a start there and then a stop here;
 * taken away before its time, a stop. The kernel and the virtual switch are believed:
 * their starts are worth "told". An address that is learnt on an uplink is somewhere
 * else: that ends its session here and begins none.
 * What aged out did not stop: it was silent. Its session is not ended by this source but
 * runs out by its lifetime, so that silence is one thing to the judge however it is
 * noticed (DOMAIN F2, X1). While an address is heard, each look that finds that a frame
 * came since the last word about it, at least `refresh` ago, is an update; the lifetime is the
 * ageing time and two such spans.
 *
 * Flushes. A bridge forgets its whole table when its topology changes or somebody
 * clears it; the guests are learnt anew within seconds. When half of what was known
 * goes at once, a hint says so before the stops are judged.
 *
 * Order and loss. A table that is not whole takes nothing away. What the feed has no
 * room for is offered again at the next look: the difference between what is told and what is
 * is kept, not a queue.
 *
 * Limits and attacks: a guest that sends from random addresses fills the bridge, then
 * LIMIT_FOLLOWED_ROWS here; more is counted and not followed. Rows lie in one table with
 * a seeded hash. */

struct fdb_follow_settings {
    struct event_feed *feed;
    const char *switch_name; /* copied */
    struct span refresh;
};

/* Where an address is, by word of its bridge. */
struct fdb_place {
    struct mac mac;
    uint16_t vlan;    /* 0: untagged, or none is kept */
    uint32_t bridge;  /* number of the bridge on this host */
    const char *port; /* its name */
    bool uplink;
};

struct fdb_follow;

/* Returns a follower that knows no row; yours to free. */
struct fdb_follow *fdb_follow_new(const struct fdb_follow_settings *settings);

/* NULL is allowed. */
void fdb_follow_free(struct fdb_follow *follow);

/* Compares a table that was just read with what is known; tells the difference. */
void fdb_follow_table(struct fdb_follow *follow, const struct forward_table *table,
                      struct wall now);

/* The address is at this place; its last frame came at `heard`. */
void fdb_follow_seen(struct fdb_follow *follow, const struct fdb_place *place, struct wall heard);

/* The address was taken out; where it is known at another port meanwhile, nothing is
 * told. `aged`: because it was silent. */
void fdb_follow_gone(struct fdb_follow *follow, const struct fdb_place *place, bool aged,
                     struct wall now);

/* Ends what was seen and gone at once: says whether it was a flush, and lets the feed
 * store the group. */
void fdb_follow_end(struct fdb_follow *follow, struct wall now);

/* Adds the counters of what was followed. */
void fdb_follow_status(const struct fdb_follow *follow, struct source_status *ret);

#endif
