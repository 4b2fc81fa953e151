/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_SCHEDULE_H
#define MUSTER_DAEMON_SCHEDULE_H

#include <stdint.h>

#include "base/clock.h"

/* When what is polled, and how often what is asked for may be: arithmetic without a
 * clock, a timer or a random number.
 *
 * A data centre's switches that are all asked at the full minute give a burst of traffic
 * and of processor time each minute, and the answers are equally old. So each source has a
 * phase, its share of the interval, out of a hash of its name: the same after a restart
 * and a reload, unlike its neighbour's, and independent of how many there are. Instants
 * lie on a grid that begins at `origin`; one that was missed (a suspended machine, a held
 * loop) is left out and not made up for.
 *
 * A bucket bounds what events set off (probes, targeted polls): `burst` at once, then one
 * for each `gap`. Backoff says how long something that failed rests: doubling, bounded,
 * spread by its name so that a hundred sources that lost one server do not return to it
 * in one instant. */

/* Returns the phase of `name` in [0, interval * percent / 100). */
struct span schedule_phase(const char *name, struct span interval, int64_t percent);

/* Returns the first instant after `now` that lies `phase` after a multiple of `interval`
 * from `origin`. */
struct mono schedule_next(struct mono origin, struct span interval, struct span phase,
                          struct mono now);

/* Returns how long to rest after failure number `failures` (from 1): `first` doubled with
 * each, at most `most`, less up to a quarter by `name`. */
struct span schedule_backoff(const char *name, struct span first, struct span most,
                             unsigned failures);

/* A bound on a rate. It is full again at `full_at`. */
struct bucket {
    struct span gap;
    unsigned burst;
    struct mono full_at;
};

/* Returns a full bucket. */
struct bucket bucket_of(struct span gap, unsigned burst);

/* Takes one out. Returns 0 when that is allowed now, else how long to wait (then nothing
 * was taken). */
struct span bucket_take(struct bucket *bucket, struct mono now);

#endif
