/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_RADIUS_RECENT_H
#define MUSTER_SOURCE_RADIUS_RECENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"

/* What was heard a short while ago, so that it is not taken for news (DOMAIN 2.7 point 5).
 *
 * A RADIUS client that gets no answer sends again. The same octets from the same port are the
 * same request; and where it counts Acct-Delay-Time up, id and authenticator are new and
 * only NAS, session, status and event time tell. Both are 64-bit hashes here, keyed with
 * the process's seed, so nobody can choose two requests that are taken for one; that two
 * of a quarter of a million agree by chance happens once in 10^9 years of full load.
 *
 * A key is pending from when its event was handed over until it is on the disk: a repetition
 * meanwhile must not be answered, since the answer would promise what is not yet true. If
 * the event could not be stored the key is forgotten, and the repetition is news again.
 * Once it is done a repetition is answered anew. The answer itself is not kept: it is a
 * function of the request, which the repetition brings along.
 *
 * How: a key has one place, a cache line of four entries, and there takes that of what is
 * too old, else of the oldest that is done, else of the oldest. So everything about a key
 * costs one access to memory. A key older than the span that it is kept for is not
 * found: the same record later (two restarts of a switch that has no clock) is news.
 * Limits: the capacity given. Keys are lost early where five share a line: of a quarter of the
 * capacity kept at once, one in three hundred. What that costs is one event stored twice. */

enum radius_repeat { RADIUS_NEWS, RADIUS_REPEATS_PENDING, RADIUS_REPEATS_DONE };

struct radius_recent;

/* Returns a memory of `capacity` (a power of two, at least 4) keys, each kept for `keep`; yours to
 * free. */
struct radius_recent *radius_recent_new(uint32_t capacity, struct span keep);
void radius_recent_free(struct radius_recent *recent); /* NULL is allowed */

/* Has the memory fetched that any of the calls below will look at. */
void radius_recent_expect(const struct radius_recent *recent, uint64_t key);

/* Returns what is known of `key` at `now`. */
enum radius_repeat radius_recent_find(const struct radius_recent *recent, uint64_t key,
                                      struct mono now);

/* Remembers `key` as pending since `now`. */
void radius_recent_put(struct radius_recent *recent, uint64_t key, struct mono now);

/* Says that what `key` stands for is on the disk. */
void radius_recent_done(struct radius_recent *recent, uint64_t key);

/* Forgets `key`. */
void radius_recent_forget(struct radius_recent *recent, uint64_t key);

#endif
