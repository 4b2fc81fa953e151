/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_AUDITOR_H
#define MUSTER_DAEMON_AUDITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/generation.h"
#include "daemon/keeper.h"
#include "daemon/poller.h"
#include "daemon/snapshot.h"
#include "io/log.h"
#include "io/worker.h"

/* The half of the daemon that polls: every source once in each interval, spread out over
 * it, and a round judged at its end (DESIGN section 3; DOMAIN 1.4).
 *
 * Each observed source has its own instant in the interval (daemon/schedule.h); recorded
 * ones are read shortly before the end, so that a round is judged by fresh records. At the
 * end of the interval a snapshot takes what came since the last one. It waits for nobody:
 * a switch whose walk is still going on is said to be unread in this round, its table
 * serves the next, and no switch delays another. The first round is the exception: all
 * sources begin at once, a millisecond apart, and it ends with the last of them (or after an
 * interval), so that a daemon that was started knows its network in seconds; from its end on
 * the intervals are counted.
 *
 * A snapshot goes: store writer (memory) -> judge's thread (world, verdicts) -> store writer
 * (facts, cases) -> published. When the next round's end finds the one before still on its
 * way, that round is left out, and said to be. What the store cannot take is said, and the
 * daemon goes on: the round is judged and becomes the world of the events, no case is told
 * that would not survive a crash.
 *
 * Between two rounds a snapshot may be made in passing, of the records read again and the
 * latest tables: what events suspect is often proved or explained by the records of now. It
 * is the world of the events from then on; what it proves or finds becomes cases, what it
 * does not find clears none, and its facts are not stored: they are the next round's. At most
 * a twentieth of the time is spent on it.
 *
 * Events set off polls at once, at most one a switch in `poll_gap`. A source that fails is
 * simply asked again in the next interval. */

struct auditor;

struct auditor_listener {
    /* A round was judged. `stored`: it and its cases are on the disk, of a passing snapshot
     * the changes of cases. The snapshot is the auditor's, until the next one is published. */
    void (*published)(void *context, struct snapshot *snapshot, bool stored);
    /* A poll that somebody asked for by auditor_poll() ended; `before` is what the source
     * gave before it (NULL: nothing). */
    void (*polled)(void *context, const struct poller *poller, struct holding *before);
    /* Adds the sources that hear nothing to a snapshot that is put together. */
    void (*add_deaf)(void *context, struct snapshot *snapshot);
    /* Puts what was heard into it, a part a call; returns whether there is more. */
    bool (*add_heard)(void *context, struct snapshot *snapshot);
    void *context;
};

struct auditor_parts {
    struct loop *loop;
    struct keeper *keeper;
    struct worker *judge;
    struct log *log;
    struct auditor_listener listener;
};

struct auditor_status {
    uint64_t rounds, left_out, not_stored; /* since the start */
    struct wall not_stored_at;             /* the latest of these; WALL_UNKNOWN: none */
    bool storing;                     /* the latest round is in the store, or none was judged */
    uint64_t targeted, targeted_late; /* polls set off by events; put off by the rate */
    uint64_t refreshes;               /* of the world between two rounds */
    struct wall last_started, last_judged; /* of the last round; WALL_UNKNOWN */
    struct span judging;                   /* that round's way from its end to its publishing */
    size_t discrepancies, not_observable;  /* in it */
};

/* Makes an auditor that does nothing yet. */
struct auditor *auditor_new(const struct auditor_parts *parts, struct generation *generation);

/* Begins. With `known` sources' last good records from the store at hand the first round
 * can do without a recorded source that fails. */
void auditor_start(struct auditor *auditor);

/* Goes on by another configuration: sources that did not change keep their pollers. */
void auditor_reload(struct auditor *auditor, struct generation *generation);

/* Ends the polls, waits for nothing; the judge's and keeper's threads must be idle or
 * freed. NULL is allowed. */
void auditor_free(struct auditor *auditor);

/* Stops beginning anything new: the daemon is about to end. */
void auditor_stop(struct auditor *auditor);

/* Returns the pollers, recorded ones first, and sets *ret_count; until the next reload. */
struct poller *const *auditor_pollers(const struct auditor *auditor, size_t *ret_count);

/* Returns the poller of the observed source of the switch that is configured as `name`,
 * NULL when there is none or polling is off. */
struct poller *auditor_find(const struct auditor *auditor, const char *switch_name);

/* Polls a switch at once, or as soon as `poll_gap` allows. */
void auditor_poll(struct auditor *auditor, struct poller *poller);

/* Has the records read again now, and the world of the events made anew with them and the
 * latest tables; as often as the judging's cost allows. */
void auditor_refresh(struct auditor *auditor);

/* Lets the recorded source `name` be smaller than before, in its next read. Returns whether
 * there is one. */
bool auditor_accept_shrunk(struct auditor *auditor, const char *name);

/* Returns the snapshot that was published last, NULL before the first. */
const struct snapshot *auditor_current(const struct auditor *auditor);

/* Sets *ret to what has happened so far. */
void auditor_count(const struct auditor *auditor, struct auditor_status *ret);

/* Returns when the next round ends. */
struct mono auditor_next_end(const struct auditor *auditor);

#endif
