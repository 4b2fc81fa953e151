/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_IO_WORKER_H
#define MUSTER_IO_WORKER_H

#include <stddef.h>

#include "base/check.h"
#include "base/err.h"
#include "io/loop.h"

/* A thread of its own that does jobs one after the other, in the order in which the loop
 * gave them, and tells the loop when each is done.
 *
 * loop_work_start() borrows any thread of a pool: right for work that may run beside
 * anything. A worker is for work that must not: the store has one owner, and a round must
 * not be judged while the one before it is. So what belongs to a worker (a database
 * handle) needs no lock, and what a job is given belongs to it from worker_do() until
 * `done`. The loop is never blocked: handing over takes a lock that is held for a few
 * instructions, and the thread wakes the loop through a descriptor.
 *
 * Limits: the queue is not bounded here; whoever fills it looks at worker_waiting() first
 * where the filling is driven from outside. */

struct worker;

typedef void worker_fn(void *aux);

enum worker_pace {
    WORKER_PROMPT, /* somebody waits for what it does */
    WORKER_YIELDS  /* others go first: base/thread.h */
};

/* Starts a thread that is shown as `name` (15 bytes at most count). Returns 0 with *ret,
 * yours to free before the loop, or ERR_SYSTEM. */
int worker_new(struct loop *loop, const char *name, enum worker_pace pace, struct worker **ret,
               struct err *err) MUST_USE;

/* Calls `work` in the thread after everything that was given before, then `done` (may be
 * NULL) on the loop's thread; `done` always comes exactly once, never before this returns. */
void worker_do(struct worker *worker, worker_fn *work, worker_fn *done, void *aux);

/* Returns how many jobs are not done yet. */
size_t worker_waiting(const struct worker *worker);

/* Waits for the jobs that were given, calls their `done` and those that follow from them,
 * ends the thread. NULL is allowed. Not from within a `done`. */
void worker_free(struct worker *worker);

#endif
