/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keeper.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "io/clock.h"
#include "io/worker.h"

struct keeper {
    struct worker *worker;
    struct store *store; /* the thread's, once it runs */
    struct worker *log_worker;
    struct store *log;           /* that thread's */
    size_t log_pages, log_tried; /* of the log now, and at the last attempt */
    size_t log_moved;            /* by that */
    bool emptying, ending;
    char *path;
    struct event_position position; /* as it was at the start */
    struct keeper_status counted;
};

struct errand {
    struct keeper *keeper;
    errand_fn *run;
    errand_end_fn *end;
    void *aux;
    int status;
    struct err err;
    struct span took;
    size_t log_pages;
};

/* What is left of the log may be so many pages for the keeper to move it, after so many passes
 * of the other thread. */
enum { LOG_REST = 256, LOG_PASSES = 4 };

static void work(void *aux)
{
    struct errand *errand = aux;
    struct mono begun = clock_mono();
    errand->status = errand->run(errand->aux, errand->keeper->store, &errand->err);
    errand->took = mono_since(clock_mono(), begun);
    errand->log_pages = store_log_pages(errand->keeper->store);
}

/* --- the log --- */

static void empty_log(void *aux)
{
    struct keeper *keeper = aux;
    size_t before = 0;
    struct err err; /* the store's own commits do it when the log is too long */
    keeper->log_moved = 0;
    /* Each time over less has come meanwhile. */
    for (int i = 0; i < LOG_PASSES; i++) {
        if (store_empty_log(keeper->log, &keeper->log_moved, &err) != 0 ||
            keeper->log_moved <= before + LOG_REST)
            return;
        before = keeper->log_moved;
    }
}

static int empty_rest(void *aux, struct store *store, struct err *err)
{
    return store_empty_log(store, &((struct keeper *)aux)->log_moved, err);
}

static void rest_emptied(void *aux, int status, const struct err *err)
{
    ((struct keeper *)aux)->emptying = false;
}

static void log_emptied(void *aux)
{
    struct keeper *keeper = aux;
    keeper->emptying = keeper->log_pages > keeper->log_moved &&
                       keeper->log_pages <= keeper->log_moved + LOG_REST && !keeper->ending;
    if (keeper->emptying)
        keeper_do(keeper, empty_rest, rest_emptied, keeper);
}

/* A log that did not begin anew is held by a reader: then more must come before another try. */
static void look_at_log(struct keeper *keeper, size_t pages)
{
    keeper->log_pages = pages;
    if (pages < keeper->log_tried)
        keeper->log_tried = 0;
    if (pages < keeper->log_tried + STORE_LOG_PAGES || keeper->emptying || keeper->ending)
        return;
    keeper->log_tried = pages;
    keeper->emptying = true;
    worker_do(keeper->log_worker, empty_log, log_emptied, keeper);
}

/* --- errands --- */

static void done(void *aux)
{
    struct errand *errand = aux;
    struct keeper_status *counted = &errand->keeper->counted;
    counted->errands++;
    if (errand->took.us > counted->longest.us)
        counted->longest = errand->took;
    if (errand->status != 0) {
        counted->failures++;
        counted->failed_at = clock_wall();
        counted->latest = errand->err;
    }
    look_at_log(errand->keeper, errand->log_pages);
    errand->end(errand->aux, errand->status, &errand->err);
    free(errand);
}

int keeper_new(struct loop *loop, const char *path, struct keeper **ret, struct err *err)
{
    struct keeper *keeper = alloc_zeroed(1, sizeof *keeper);
    keeper->counted.failed_at = WALL_UNKNOWN;
    int status = store_open(path, STORE_WRITE, &keeper->store, err);
    if (status == 0)
        status = store_events_position(keeper->store, &keeper->position, err);
    if (status == 0)
        status = store_open(path, STORE_LOG, &keeper->log, err);
    if (status == 0)
        status = worker_new(loop, "muster-log", WORKER_PROMPT, &keeper->log_worker, err);
    if (status == 0)
        status = worker_new(loop, "muster-store", WORKER_PROMPT, &keeper->worker, err);
    if (status != 0) {
        keeper_free(keeper);
        return status;
    }
    store_leave_log(keeper->store);
    keeper->path = alloc_text(path);
    *ret = keeper;
    return 0;
}

void keeper_do(struct keeper *keeper, errand_fn *errand, errand_end_fn *end, void *aux)
{
    struct errand *given = alloc_zeroed(1, sizeof *given);
    *given = (struct errand){.keeper = keeper, .run = errand, .end = end, .aux = aux};
    worker_do(keeper->worker, work, done, given);
}

struct event_position keeper_position(const struct keeper *keeper)
{
    return keeper->position;
}

const char *keeper_path(const struct keeper *keeper)
{
    return keeper->path;
}

void keeper_count(const struct keeper *keeper, struct keeper_status *ret)
{
    *ret = keeper->counted;
    ret->waiting = worker_waiting(keeper->worker);
}

void keeper_free(struct keeper *keeper)
{
    if (keeper == NULL)
        return;
    keeper->ending = true;
    worker_free(keeper->log_worker);
    worker_free(keeper->worker);
    store_close(keeper->log);
    store_close(keeper->store);
    free(keeper->path);
    free(keeper);
}
