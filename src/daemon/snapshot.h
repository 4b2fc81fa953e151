/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_SNAPSHOT_H
#define MUSTER_DAEMON_SNAPSHOT_H

#include <stddef.h>

#include "audit/live.h"
#include "base/arena.h"
#include "daemon/generation.h"
#include "daemon/judging.h"
#include "daemon/poller.h"
#include "daemon/round.h"

/* One round of the daemon: the latest of every source, what the store remembered for it,
 * the world made of both, and what was judged.
 *
 * It is put together on the loop's thread, handed to the store writer (memory), to the
 * judge's thread (world and verdicts), to the store writer again (facts and cases), and
 * back; whoever has it has it alone, and what it borrows never changes. Published, it is
 * the world by which events are judged until the next one takes its place, and it is only
 * read. Its tables and records are those of the pollers' holdings, kept, not copied. */

struct snapshot {
    bool passing; /* made between two rounds, for the events alone: it is not stored */
    struct generation *generation;
    struct audit_options options; /* the configuration's, with the daemon's gap_rounds */
    struct round round;           /* its tables and records belong to `holdings` */
    struct holding **holdings;
    size_t holding_count;
    /* the round's failed sources, and what is a gap without being one: sources that were
     * read in part, or that hear */
    struct failed_source *gaps;
    size_t gap_count, gap_capacity;
    struct live_facts facts; /* what was heard, up to facts.began */
    bool exporting;          /* facts were begun */
    uint64_t heard_next; /* sequence number of the first event that is not in them; 0: not known */
    struct memory memory;
    struct world *world;
    struct judging judging;
    struct live_base *base; /* for the events; NULL once the reactor has it */
    struct arena *arena;
    struct loop *loop;
};

/* Returns an empty snapshot with room for `sources`. */
struct snapshot *snapshot_new(struct generation *generation, size_t sources);

/* Adds what `poller` gave since the last round, or why it gave nothing; the poller begins a
 * new count. Its failed polls in a row are `poller->gap_rounds`. */
void snapshot_take(struct snapshot *snapshot, struct poller *poller);

/* As snapshot_take(), for a passing one: adds the latest that there is, and the poller's
 * count goes on. */
void snapshot_borrow(struct snapshot *snapshot, const struct poller *poller);

/* Adds a switch that is not read because polling is off. */
void snapshot_leave_out(struct snapshot *snapshot, const struct config_source *source);

/* Adds a source that has heard nothing usable for `rounds` rounds. */
void snapshot_add_deaf(struct snapshot *snapshot, const char *source, const char *why,
                       unsigned rounds);

/* Ends the putting together: the round is that of `started` to `ended`. */
void snapshot_close(struct snapshot *snapshot, struct wall started, struct wall ended);

/* Returns the clock value that the snapshot is judged by. */
struct wall snapshot_instant(const struct snapshot *snapshot);

/* Makes the world and judges it; any thread. */
void snapshot_judge(struct snapshot *snapshot);

/* Frees it, in a worker thread when it is large; NULL is allowed. */
void snapshot_free(struct snapshot *snapshot);

#endif
