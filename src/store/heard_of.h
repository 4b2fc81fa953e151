/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_HEARD_OF_H
#define MUSTER_STORE_HEARD_OF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/event_log.h"
#include "store/followed.h"
#include "store/store.h"

/* What was heard of an address, in short, for a person who asks why: when its sessions began and
 * how they ended, what was heard that made no session (announcements, hints), and what
 * followed. The single words of a session are not listed (`muster history` has them); they
 * are counted.
 *
 * Bounded: of each sort the newest `limit` are read, the rest is counted, and the newest
 * `limit` of all are returned. Cost: a row for each session and each event without session of
 * the address, a microsecond each. As of an instant, what came later is left out, and of a session
 * that went on since, that it did. Attacks considered: an address that somebody announces every
 * second for a month is counted, not loaded. */

enum heard_line_kind {
    HEARD_LINE_BEGAN,   /* a session, binding or row began */
    HEARD_LINE_ENDED,   /* somebody said that it is over */
    HEARD_LINE_EXPIRED, /* it was concluded to be over */
    HEARD_LINE_EVENT,   /* an announcement or hint */
    HEARD_LINE_FOLLOWED /* what followed */
};

struct heard_line {
    enum heard_line_kind kind;
    struct wall at;
    struct session_record session; /* BEGAN, ENDED, EXPIRED */
    struct event event;            /* EVENT */
    struct followed followed;      /* FOLLOWED */
};

struct heard_of_query {
    const struct mac *macs; /* any of these, */
    size_t mac_count;
    const struct ip *addresses; /* or any of these */
    size_t address_count;
    struct wall to; /* WALL_UNKNOWN: no bound */
    size_t limit;   /* at least 1 */
};

/* Lists it, oldest first, in `arena`; sets *ret_more to how many earlier lines there are. */
int store_list_heard_of(struct store *store, const struct heard_of_query *query,
                        struct arena *arena, struct heard_line **ret, size_t *ret_count,
                        size_t *ret_more, struct err *err) MUST_USE;

#endif
