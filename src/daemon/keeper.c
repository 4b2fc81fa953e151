/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keeper.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "io/clock.h"
#include "io/worker.h"

struct keeper {
    struct worker *worker;
    struct store *store; /* the thread's, once it runs */
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
};

static void work(void *aux)
{
    struct errand *errand = aux;
    struct mono begun = clock_mono();
    errand->status = errand->run(errand->aux, errand->keeper->store, &errand->err);
    errand->took = mono_since(clock_mono(), begun);
}

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
        status = worker_new(loop, "muster-store", &keeper->worker, err);
    if (status != 0) {
        store_close(keeper->store);
        free(keeper);
        return status;
    }
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
    worker_free(keeper->worker);
    store_close(keeper->store);
    free(keeper->path);
    free(keeper);
}
