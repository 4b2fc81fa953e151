/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_IO_LOOP_H
#define MUSTER_IO_LOOP_H

#include <stdbool.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"

/* The event loop: one thread, callbacks, nothing that holds it.
 *
 * A thin shell over libuv, for three reasons. The rest of the program sees our
 * typed time and errors and no library type, so the loop can be changed in one
 * folder. Handles are freed at once from the caller's view: libuv's later close
 * callback is hidden here. And each callback is timed, so that "nothing holds
 * the loop longer than 5 ms" is measured (loop_longest_hold) and not hoped.
 *
 * What takes longer than that runs in a worker thread by loop_work_start(), on
 * data that nobody else touches meanwhile. Everything here is called on the
 * loop's thread. Callbacks may free the handle they were called for. Timers are
 * one-shot with millisecond resolution, next turn apart: they never fire early. */

struct loop;

/* Returns a new loop; yours to free. */
struct loop *loop_new(void);

/* Frees the loop and every handle that is still open; waits for work that is
 * under way, whose `done` still runs. NULL is allowed. */
void loop_free(struct loop *loop);

/* Runs callbacks until loop_stop() or until nothing is left to wait for. */
void loop_run(struct loop *loop);

/* Waits for at most one batch of events and runs its callbacks. Returns whether
 * anything is left to wait for. */
bool loop_step(struct loop *loop);

/* Makes loop_run() return after the callback that calls this. */
void loop_stop(struct loop *loop);

/* Returns the monotonic time now, read freshly. */
struct mono loop_now(const struct loop *loop);

/* Returns the longest time that one callback held the loop so far. */
struct span loop_longest_hold(const struct loop *loop);

/* Returns the name of the handle whose callback held it so long, "" where it has none. */
const char *loop_longest_name(const struct loop *loop);

/* Gives what is made on this loop from now on the name `name`, of which LIMIT_NAME_BYTES are
 * taken; names that were used are kept as long as the loop. What is made in a callback
 * has the name of that callback's handle, so a source that is started under its name bears it
 * with all that it makes later. Returns what held before, for loop_name_back(). */
uint32_t loop_name(struct loop *loop, const char *name);

/* Ends what loop_name() began, which returned `before`. */
void loop_name_back(struct loop *loop, uint32_t before);

/* Has the threads of loop_work_start() let others go first (base/thread.h), from now on. */
void loop_pool_yields(struct loop *loop);

/* Has the loop measure its callbacks' processor time, too, from now on. */
void loop_measure_work(struct loop *loop);

/* Returns the longest processor time that one callback took since then: a hold that is much
 * longer was the machine's, which let other processes run meanwhile. */
struct span loop_longest_work(const struct loop *loop);

/* Makes loop_longest_hold() count processor time from now on, for tests: on a busy
 * machine the kernel takes a thread off for longer than any callback lasts. */
void loop_hold_by_processor(struct loop *loop);

/* --- file descriptors --- */

enum loop_events { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_watch;

/* `events` is what is possible now, out of those asked for; an error or hang-up
 * on the descriptor shows as every event asked for. */
typedef void loop_watch_fn(void *aux, int fd, unsigned events);

/* Calls `ready` whenever `fd` can do one of `events` (level-triggered). Sockets,
 * pipes and the like only: regular files are refused by the kernel. The caller
 * keeps owning `fd`, sets it non-blocking and closes it after loop_watch_free().
 * Returns the watch, or NULL with `err` set. */
struct loop_watch *loop_watch_new(struct loop *loop, int fd, unsigned events, loop_watch_fn *ready,
                                  void *aux, struct err *err) MUST_USE;

/* Changes what is waited for; 0 pauses the watch. */
void loop_watch_set(struct loop_watch *watch, unsigned events);

/* Ends the watch; no callback comes afterwards. NULL is allowed. */
void loop_watch_free(struct loop_watch *watch);

/* --- timers --- */

struct loop_timer;
typedef void loop_timer_fn(void *aux);

/* Returns a timer that is not started; yours to free. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn *fire, void *aux);

/* Calls `fire` once, `after` from now (rounded up to whole milliseconds). Zero or less: in the
 * loop's next turn, without any wait; so work in slices goes on at once, and sockets are looked
 * at between two slices. A timer that was started already is moved; but one that is due in the
 * next turn stays due when it is started for that again. */
void loop_timer_start(struct loop_timer *timer, struct span after);

/* Forgets a started timer; it can be started again. */
void loop_timer_stop(struct loop_timer *timer);

/* Frees the timer; it does not fire afterwards. NULL is allowed. */
void loop_timer_free(struct loop_timer *timer);

/* --- signals --- */

struct loop_signal;
typedef void loop_signal_fn(void *aux, int signal_number);

/* Calls `caught` on the loop's thread for each `signal_number` that arrives. Does
 * not keep loop_run() from returning. Returns the handle, or NULL with `err` set. */
struct loop_signal *loop_signal_new(struct loop *loop, int signal_number, loop_signal_fn *caught,
                                    void *aux, struct err *err) MUST_USE;

/* Gives the signal its former meaning back; NULL is allowed. */
void loop_signal_free(struct loop_signal *signal);

/* --- work in another thread --- */

typedef void loop_work_fn(void *aux);

/* Calls `work` in a worker thread and then, always and exactly once, `done` on
 * the loop's thread; never before this returns. Until `done`, what `aux` points
 * to belongs to the worker, atomics apart. */
void loop_work_start(struct loop *loop, loop_work_fn *work, loop_work_fn *done, void *aux);

#endif
