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
 * A pace is for work that there is much of at once, a million sessions that expire at one instant,
 * say. Done slice after slice it would leave the sockets their turns in between; but a loop that
 * always has something to do is, on a shared processor, a thread like any other, and an answer
 * would wait for the others' time slices besides. So each slice rests, four times as long as it
 * took; the rest ends at an instant that nobody's asking puts off.
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

/* How long a slice should take. */
#define PACE_WORK span_us(100)

/* When the next slice may begin; {0}: at once. */
struct pace {
    struct mono rests_until;
};

/* A slice took from `begun` to `now`: rests four times as long, a millisecond at least and 20 at
 * most (a process that was stopped has worked on nothing). */
void pace_rest(struct pace *pace, struct mono begun, struct mono now);

/* Returns how long to wait for the next slice where it is due in `wait`. */
struct span pace_wait(const struct pace *pace, struct span wait, struct mono now);

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
