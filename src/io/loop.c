/* SPDX-License-Identifier: Apache-2.0 */
#include "io/loop.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/names.h"
#include "base/thread.h"
#include "io/clock.h"
#include "io/loop_internal.h"

/* Each handle struct begins with libuv's, so that one close callback frees any. */
struct loop_watch {
    uv_poll_t uv;
    struct loop *loop;
    loop_watch_fn *ready;
    void *aux;
    uint32_t name;
    int fd;
    unsigned events;
};
struct loop_timer {
    uv_timer_t uv;
    struct loop *loop;
    loop_timer_fn *fire;
    void *aux;
    uint32_t name;
    struct loop_timer *before, *after; /* of those that are due in the next turn */
    bool due;
    uint64_t due_since; /* the turn in which it was started */
};
struct loop_signal {
    uv_signal_t uv;
    struct loop *loop;
    loop_signal_fn *caught;
    void *aux;
    uint32_t name;
};
struct loop_work {
    uv_work_t uv;
    struct loop *loop;
    loop_work_fn *work, *done;
    void *aux;
    uint32_t name;
};

static uint64_t processor_time(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t hold_clock(const struct loop *loop)
{
    return loop->by_processor ? processor_time() : uv_hrtime();
}

uint64_t loop_enter(struct loop *loop, uint32_t name)
{
    loop->name = loop->entered_name = name;
    if (loop->measures_work)
        loop->entered_work_ns = processor_time();
    return hold_clock(loop);
}

void loop_leave(struct loop *loop, uint64_t entered)
{
    uint64_t held = hold_clock(loop) - entered;
    loop->name = NAME_NONE;
    if (held > loop->longest_ns) {
        loop->longest_ns = held;
        loop->longest_name = loop->entered_name;
    }
    if (!loop->measures_work || held <= loop->longest_work_ns)
        return; /* work is never longer than the hold */
    uint64_t worked = processor_time() - loop->entered_work_ns;
    if (worked > loop->longest_work_ns)
        loop->longest_work_ns = worked;
}

struct loop *loop_new(void)
{
    struct loop *loop = alloc_zeroed(1, sizeof *loop);
    CHECK(uv_loop_init(&loop->uv) == 0);
    loop->names = names_new();
    loop->name = loop->longest_name = NAME_NONE;
    loop->turn = alloc_zeroed(1, sizeof *loop->turn);
    CHECK(uv_idle_init(&loop->uv, loop->turn) == 0);
    return loop;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void close_handle(uv_handle_t *handle)
{
    uv_close(handle, on_closed);
}

static void close_leftover(uv_handle_t *handle, void *aux)
{
    struct loop_compound *owner = handle->data;
    if (uv_is_closing(handle))
        return;
    if (owner != NULL)
        owner->forget(owner);
    else
        close_handle(handle);
}

static void leave_due(struct loop_timer *timer)
{
    struct loop *loop = timer->loop;
    if (!timer->due)
        return;
    timer->due = false;
    *(timer->before != NULL ? &timer->before->after : &loop->first_due) = timer->after;
    *(timer->after != NULL ? &timer->after->before : &loop->last_due) = timer->before;
    if (loop->first_due == NULL)
        uv_idle_stop(loop->turn);
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    while (loop->first_due != NULL)
        leave_due(loop->first_due);
    do {
        uv_walk(&loop->uv, close_leftover, NULL);
    } while (uv_run(&loop->uv, UV_RUN_ONCE) != 0);
    CHECK(uv_loop_close(&loop->uv) == 0);
    names_free(loop->names);
    free(loop);
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

bool loop_step(struct loop *loop)
{
    return uv_run(&loop->uv, UV_RUN_ONCE) != 0;
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

struct mono loop_now(const struct loop *loop)
{
    return clock_mono();
}

void loop_hold_by_processor(struct loop *loop)
{
    loop->by_processor = true;
    loop->longest_ns = 0;
    loop->longest_name = NAME_NONE;
}

void loop_pool_yields(struct loop *loop)
{
    loop->pool_yields = true;
}

void loop_measure_work(struct loop *loop)
{
    loop->measures_work = true;
}

struct span loop_longest_work(const struct loop *loop)
{
    return span_us((int64_t)(loop->longest_work_ns / 1000));
}

struct span loop_longest_hold(const struct loop *loop)
{
    return span_us((int64_t)(loop->longest_ns / 1000));
}

const char *loop_longest_name(const struct loop *loop)
{
    return names_get(loop->names, loop->longest_name);
}

/* --- who it is that holds the loop --- */

uint32_t loop_name(struct loop *loop, const char *name)
{
    uint32_t before = loop->name;
    loop->name = names_add(loop->names, name, strnlen(name, LIMIT_NAME_BYTES));
    return before;
}

void loop_name_back(struct loop *loop, uint32_t before)
{
    loop->name = before;
}

/* --- file descriptors --- */

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct loop_watch *watch = (struct loop_watch *)handle;
    struct loop *loop = watch->loop;
    uint64_t entered = loop_enter(loop, watch->name);
    unsigned ready = watch->events;
    if (status == 0)
        ready = (events & UV_READABLE ? LOOP_READ : 0u) | (events & UV_WRITABLE ? LOOP_WRITE : 0u);
    watch->ready(watch->aux, watch->fd, ready);
    loop_leave(loop, entered);
}

struct loop_watch *loop_watch_new(struct loop *loop, int fd, unsigned events, loop_watch_fn *ready,
                                  void *aux, struct err *err)
{
    struct loop_watch *watch = alloc_zeroed(1, sizeof *watch);
    int status = uv_poll_init(&loop->uv, &watch->uv, fd);
    if (status != 0) {
        free(watch);
        err_set(err, ERR_SYSTEM, "watching descriptor %d: %s", fd, uv_strerror(status));
        return NULL;
    }
    watch->loop = loop;
    watch->name = loop->name;
    watch->ready = ready;
    watch->aux = aux;
    watch->fd = fd;
    loop_watch_set(watch, events);
    return watch;
}

void loop_watch_set(struct loop_watch *watch, unsigned events)
{
    watch->events = events;
    if (events == 0) {
        uv_poll_stop(&watch->uv);
        return;
    }
    int mask = (events & LOOP_READ ? UV_READABLE : 0) | (events & LOOP_WRITE ? UV_WRITABLE : 0);
    CHECK(uv_poll_start(&watch->uv, mask, on_poll) == 0);
}

void loop_watch_free(struct loop_watch *watch)
{
    if (watch == NULL)
        return;
    uv_poll_stop(&watch->uv);
    close_handle((uv_handle_t *)&watch->uv);
}

/* --- timers --- */

static void on_timer(uv_timer_t *handle)
{
    struct loop_timer *timer = (struct loop_timer *)handle;
    struct loop *loop = timer->loop;
    uint64_t entered = loop_enter(loop, timer->name);
    timer->fire(timer->aux);
    loop_leave(loop, entered);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn *fire, void *aux)
{
    struct loop_timer *timer = alloc_zeroed(1, sizeof *timer);
    CHECK(uv_timer_init(&loop->uv, &timer->uv) == 0);
    timer->loop = loop;
    timer->name = loop->name;
    timer->fire = fire;
    timer->aux = aux;
    return timer;
}

/* --- timers that are due in the next turn ---
 *
 * libuv's timers have no such thing: one started for zero from its own callback runs in the same
 * turn again before 1.45, and whoever works in slices would keep sockets waiting to the end; one
 * started for a millisecond costs that millisecond a slice. So they are a list, and an idle
 * handle, which keeps libuv from waiting in its poll, takes them before the sockets' turn. */

/* Those that were due at the turn's start, each once; what they start is the next turn's. */
static void on_turn(uv_idle_t *handle)
{
    struct loop *loop = (struct loop *)handle->loop; /* its first member */
    uint64_t turn = ++loop->turns;
    while (loop->first_due != NULL && loop->first_due->due_since < turn) {
        struct loop_timer *timer = loop->first_due;
        leave_due(timer);
        uint64_t entered = loop_enter(loop, timer->name);
        timer->fire(timer->aux);
        loop_leave(loop, entered);
    }
}

static void join_due(struct loop_timer *timer)
{
    struct loop *loop = timer->loop;
    if (timer->due)
        return;
    timer->due = true;
    timer->due_since = loop->turns;
    timer->after = NULL;
    timer->before = loop->last_due;
    *(timer->before != NULL ? &timer->before->after : &loop->first_due) = timer;
    loop->last_due = timer;
    CHECK(uv_idle_start(loop->turn, on_turn) == 0);
}

/* libuv counts from the start of the loop's turn, which lies in the past; the
 * update brings "now" up to date, and the extra millisecond covers the part of
 * one that its clock has cut off. */
void loop_timer_start(struct loop_timer *timer, struct span after)
{
    if (after.us <= 0) {
        uv_timer_stop(&timer->uv);
        join_due(timer);
        return;
    }
    leave_due(timer);
    uv_update_time(&timer->loop->uv);
    CHECK(uv_timer_start(&timer->uv, on_timer, (uint64_t)(after.us + 999) / 1000 + 1, 0) == 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
    leave_due(timer);
    uv_timer_stop(&timer->uv);
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer == NULL)
        return;
    leave_due(timer);
    close_handle((uv_handle_t *)&timer->uv);
}

/* --- signals --- */

static void on_signal(uv_signal_t *handle, int signal_number)
{
    struct loop_signal *signal = (struct loop_signal *)handle;
    struct loop *loop = signal->loop;
    uint64_t entered = loop_enter(loop, signal->name);
    signal->caught(signal->aux, signal_number);
    loop_leave(loop, entered);
}

struct loop_signal *loop_signal_new(struct loop *loop, int signal_number, loop_signal_fn *caught,
                                    void *aux, struct err *err)
{
    struct loop_signal *signal = alloc_zeroed(1, sizeof *signal);
    CHECK(uv_signal_init(&loop->uv, &signal->uv) == 0);
    signal->loop = loop;
    signal->name = loop->name;
    signal->caught = caught;
    signal->aux = aux;
    int status = uv_signal_start(&signal->uv, on_signal, signal_number);
    if (status != 0) {
        close_handle((uv_handle_t *)&signal->uv);
        err_set(err, ERR_SYSTEM, "catching signal %d: %s", signal_number, uv_strerror(status));
        return NULL;
    }
    uv_unref((uv_handle_t *)&signal->uv);
    return signal;
}

void loop_signal_free(struct loop_signal *signal)
{
    if (signal == NULL)
        return;
    close_handle((uv_handle_t *)&signal->uv);
}

/* --- work in another thread --- */

static void on_work(uv_work_t *request)
{
    struct loop_work *work = (struct loop_work *)request;
    static _Thread_local bool told;
    if (!told && work->loop->pool_yields)
        thread_yields();
    else if (!told)
        thread_has_time();
    told = true;
    work->work(work->aux);
}

static void on_work_done(uv_work_t *request, int status)
{
    struct loop_work *work = (struct loop_work *)request;
    struct loop *loop = work->loop;
    uint64_t entered = loop_enter(loop, work->name);
    work->done(work->aux);
    free(work);
    loop_leave(loop, entered);
}

void loop_work_start(struct loop *loop, loop_work_fn *work, loop_work_fn *done, void *aux)
{
    struct loop_work *request = alloc_zeroed(1, sizeof *request);
    request->loop = loop;
    request->name = loop->name;
    request->work = work;
    request->done = done;
    request->aux = aux;
    CHECK(uv_queue_work(&loop->uv, &request->uv, on_work, on_work_done) == 0);
}
