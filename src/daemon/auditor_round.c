/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/auditor_round.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "daemon/config.h"
#include "io/clock.h"

struct rounds {
    const struct auditor_parts *parts;
    struct auditor_status *counted;
    struct snapshot *on_its_way, *current;
    struct mono began;
};

struct rounds *rounds_new(const struct auditor_parts *parts, struct auditor_status *counted)
{
    struct rounds *rounds = alloc_zeroed(1, sizeof *rounds);
    rounds->parts = parts;
    rounds->counted = counted;
    return rounds;
}

void rounds_free(struct rounds *rounds)
{
    snapshot_free(rounds->on_its_way);
    snapshot_free(rounds->current);
    free(rounds);
}

bool rounds_busy(const struct rounds *rounds)
{
    return rounds->on_its_way != NULL;
}

bool rounds_passing(const struct rounds *rounds)
{
    return rounds->on_its_way != NULL && rounds->on_its_way->passing;
}

const struct snapshot *rounds_current(const struct rounds *rounds)
{
    return rounds->current;
}

static int load_memory(void *aux, struct store *store, struct err *err)
{
    struct snapshot *snapshot = ((struct rounds *)aux)->on_its_way;
    const struct round *round = &snapshot->round;
    struct store_memory_query query = {.now = snapshot_instant(snapshot),
                                       .horizon =
                                           judging_horizon(&snapshot->options, round_ageing(round)),
                                       .tables = (const struct forward_table *const *)round->tables,
                                       .table_count = round->table_count};
    return store_load_memory(store, &query, snapshot->arena, &snapshot->memory, err);
}

static void judge(void *aux)
{
    snapshot_judge(((struct rounds *)aux)->on_its_way);
}

static int remember(void *aux, struct store *store, struct err *err)
{
    struct snapshot *snapshot = ((struct rounds *)aux)->on_its_way;
    return judging_remember(&snapshot->judging, &snapshot->round, snapshot->world, snapshot->base,
                            store, snapshot->generation->config->retention, snapshot->arena, err);
}

/* The snapshot takes the place of the one before. */
static void publish(struct rounds *rounds, bool stored)
{
    struct snapshot *snapshot = rounds->on_its_way, *before = rounds->current;
    rounds->counted->judging = mono_since(clock_mono(), rounds->began);
    rounds->current = snapshot;
    rounds->on_its_way = NULL;
    rounds->parts->listener.published(rounds->parts->listener.context, snapshot, stored);
    snapshot_free(before);
}

static void remembered(void *aux, int status, const struct err *err)
{
    struct rounds *rounds = aux;
    const struct snapshot *snapshot = rounds->on_its_way;
    struct auditor_status *counted = rounds->counted;
    if (status != 0) {
        counted->not_stored++;
        counted->not_stored_at = clock_wall();
        log_say(rounds->parts->log, LOG_LEVEL_ERROR, "store",
                "%s; this round was judged and not kept", err->text);
    }
    counted->storing = status == 0;
    counted->rounds++;
    counted->last_judged = snapshot_instant(snapshot);
    counted->discrepancies = snapshot->judging.count;
    counted->not_observable = snapshot->judging.not_observable_count;
    publish(rounds, status == 0);
}

static int note(void *aux, struct store *store, struct err *err)
{
    struct snapshot *snapshot = ((struct rounds *)aux)->on_its_way;
    return judging_note(&snapshot->judging, snapshot->base, store, snapshot->arena, err);
}

static void noted(void *aux, int status, const struct err *err)
{
    struct rounds *rounds = aux;
    if (status != 0)
        log_say(rounds->parts->log, LOG_LEVEL_ERROR, "store",
                "%s; what the records read again have proved is not kept", err->text);
    publish(rounds, status == 0);
}

static void judged(void *aux)
{
    struct rounds *rounds = aux;
    if (rounds->on_its_way->passing)
        keeper_do(rounds->parts->keeper, note, noted, rounds);
    else
        keeper_do(rounds->parts->keeper, remember, remembered, rounds);
}

static void memory_loaded(void *aux, int status, const struct err *err)
{
    struct rounds *rounds = aux;
    if (status != 0) {
        rounds->on_its_way->memory = (struct memory){0};
        log_say(rounds->parts->log, LOG_LEVEL_ERROR, "store",
                "%s; this round is judged without what earlier ones saw", err->text);
    }
    worker_do(rounds->parts->judge, judge, judged, rounds);
}

void rounds_begin(struct rounds *rounds, struct snapshot *snapshot)
{
    rounds->on_its_way = snapshot;
    rounds->began = clock_mono();
    keeper_do(rounds->parts->keeper, load_memory, memory_loaded, rounds);
}
