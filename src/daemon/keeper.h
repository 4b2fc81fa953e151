/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_KEEPER_H
#define MUSTER_DAEMON_KEEPER_H

#include <stddef.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "io/loop.h"
#include "store/event_log.h"
#include "store/store.h"

/* The store writer: one thread that owns the store's handle while the daemon runs.
 *
 * A commit waits for the disk, now and then for long; the loop may not. So everything that
 * the daemon asks of the store is an errand: a function that runs in the keeper's thread
 * with the handle, and one that runs on the loop when that has ended. Errands run one after
 * the other in the order in which they were given, so that a round's memory is that of the
 * round before it, and cases that events open and rounds judge never meet half way.
 *
 * What an errand is given belongs to it until its end. It tells its own failure to its own
 * end; the keeper counts errands, the longest and the failed ones, for `muster status`.
 *
 * The store's log of commits (store.h) is emptied by a second thread, since an errand that did
 * it would hold up all others for as long as the disk takes. Under commits without end it
 * never quite gets done by that alone; then the keeper moves the little that is left itself,
 * so that the log begins anew. */

struct keeper;

/* Runs in the thread: returns 0 or the store's error with `err` set. */
typedef int errand_fn(void *aux, struct store *store, struct err *err);

/* Runs on the loop when the errand has ended; `status` and `err` as it returned them. */
typedef void errand_end_fn(void *aux, int status, const struct err *err);

struct keeper_status {
    uint64_t errands, failures;
    size_t waiting;
    struct span longest;   /* of one errand */
    struct wall failed_at; /* of the latest failure; WALL_UNKNOWN */
    struct err latest;     /* that failure */
};

/* Opens the store at `path` for writing and starts the thread. Returns 0 with *ret, to be
 * freed before the loop; or what store_open() returns. */
int keeper_new(struct loop *loop, const char *path, struct keeper **ret, struct err *err) MUST_USE;

/* Gives an errand; `end` always comes, exactly once, never before this returns. */
void keeper_do(struct keeper *keeper, errand_fn *errand, errand_end_fn *end, void *aux);

/* Returns what the store's journal is to be opened with. */
struct event_position keeper_position(const struct keeper *keeper);

/* Returns the path of the store. */
const char *keeper_path(const struct keeper *keeper);

/* Sets *ret to what has happened so far. */
void keeper_count(const struct keeper *keeper, struct keeper_status *ret);

/* Ends every errand that was given and those that follow from it, closes the store. NULL is
 * allowed. */
void keeper_free(struct keeper *keeper);

#endif
