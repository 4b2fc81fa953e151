/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_REACTOR_H
#define MUSTER_DAEMON_REACTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "audit/live.h"
#include "daemon/auditor.h"
#include "daemon/keeper.h"
#include "daemon/snapshot.h"
#include "io/log.h"

/* What events set off: the hands of the event judge (audit/live.h), which itself does no I/O.
 *
 * Events come in the order in which they were heard and go to the judge one by one; so do
 * the passing of time, the world of each round, and what probes have read. What the judge
 * then says is carried out here: a verdict that is new, stronger or gone becomes a case (in
 * the store first, then told to the watchers); a wish becomes an exact-instance probe, a
 * poll of one switch out of its turn, or a fresh read of the records.
 *
 * A poll out of turn is compared with the read before it, in a worker thread: only the
 * addresses that came, went or moved on that switch are told to the judge, at most
 * REACTOR_MOVES_MOST; what more there is waits for the round. Its table is the next round's,
 * like any other.
 *
 * Cases are written by one errand of the keeper at a time, which takes all that has come
 * meanwhile: under a flood the batches grow and the loop does not wait. A case that the
 * store does not take is said and not told, since a restart would not know of it; the next
 * round finds it again.
 *
 * What else follows (migration windows, flushes, expiries, what probes showed) goes the same way
 * (store/followed.h): for a restart, for judging a round again, and for who asks why.
 *
 * The judge's clock is the wall clock at the start plus the monotonic time since, so that a
 * step of the wall clock expires nobody; when the two come to differ by more than a second,
 * the clock is set anew at the end of a round, and that is logged.
 *
 * All of it is the loop's thread's. */

enum { REACTOR_MOVES_MOST = 4096, REACTOR_PROBED_MOST = 256 };

struct reactor;

struct reactor_parts {
    struct loop *loop;
    struct log *log;
    struct keeper *keeper;
    struct auditor *auditor;
    uint64_t next_event; /* journal_next() before the first event; 0: none is kept */
    /* What events did to cases; on the disk. */
    void (*cases)(void *context, const struct case_change *changes, size_t count);
    void *context;
};

struct reactor_status {
    struct live_counts live;
    uint32_t sessions; /* live rows of the expiry list */
    size_t list_bytes;
    uint64_t probes, probes_refused, polls, case_changes, cases_not_kept, notes, notes_not_kept;
    size_t cases_waiting;
};

/* Makes a reactor without a world: events are put on the list and not judged yet. */
struct reactor *reactor_new(const struct reactor_parts *parts, const struct config *config);

/* Stops the passing of time: the daemon is about to end. */
void reactor_stop(struct reactor *reactor);

/* Frees the reactor and what its judge holds of a snapshot's world; errands of it must have
 * ended. NULL is allowed. */
void reactor_free(struct reactor *reactor);

/* Returns the secret that session hashes are keyed with, for reactor_restore(). */
uint64_t reactor_secret(const struct reactor *reactor);

/* Puts a session of an earlier run, which was at `origin`, on the expiry list. */
void reactor_restore(struct reactor *reactor, const struct presence_row *row,
                     const struct heard_origin *origin);

/* Puts back what an earlier run had besides its sessions (live_restore_departed() and the others).
 */
void reactor_restore_departed(struct reactor *reactor, const struct heard_fact *fact);
void reactor_restore_window(struct reactor *reactor, const struct migration_window *window);
void reactor_restore_flush(struct reactor *reactor, const struct switch_flush *flush);
void reactor_restore_binding(struct reactor *reactor, const struct live_binding *binding,
                             const struct heard_origin *origin);
void reactor_restore_stood(struct reactor *reactor, enum discrepancy_kind kind,
                           const struct ip *address, bool confirmed);

/* Takes events in the order in which they were heard. */
void reactor_heard(struct reactor *reactor, const struct event *events, size_t count);

/* Puts what was heard into a snapshot, a bounded part a call; returns whether there is more
 * to put. */
bool reactor_export(struct reactor *reactor, struct snapshot *snapshot);

/* A round was judged: its world is what events are judged by from now on. */
void reactor_publish(struct reactor *reactor, struct snapshot *snapshot);

/* A poll that was wished for ended; `before` is what the switch showed before it (NULL:
 * nothing). */
void reactor_polled(struct reactor *reactor, const struct poller *poller, struct holding *before);

/* Returns the judge's time now. */
struct wall reactor_now(const struct reactor *reactor);

/* Sets *ret to what is and has happened. */
void reactor_count(const struct reactor *reactor, struct reactor_status *ret);

#endif
