/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/poller.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "contract/job.h"
#include "daemon/poller_internal.h"
#include "io/loop.h"

/* --- holdings --- */

/* Rows from which on freeing is a worker's: giving back that much memory takes longer than
 * the loop may be held. */
enum { FREED_ELSEWHERE = 20000 };

struct holding *holding_keep(struct holding *holding)
{
    holding->keepers++;
    return holding;
}

static void holding_free(void *aux)
{
    struct holding *holding = aux;
    record_set_free(holding->set);
    for (size_t i = 0; i < holding->table_count; i++)
        forward_table_free(holding->tables[i]);
    free(holding->tables);
    receipt_done(&holding->receipt);
}

static void free_last(void *aux)
{
    free(aux);
}

void holding_drop(struct holding *holding)
{
    if (holding == NULL || --holding->keepers > 0)
        return;
    size_t rows = holding->set != NULL ? holding->set->nics.count : 0;
    for (size_t i = 0; i < holding->table_count; i++)
        rows += holding->tables[i]->row_count;
    if (rows >= FREED_ELSEWHERE) {
        loop_work_start(holding->loop, holding_free, free_last, holding);
        return;
    }
    holding_free(holding);
    free(holding);
}

static struct holding *holding_new(struct loop *loop)
{
    struct holding *holding = alloc_zeroed(1, sizeof *holding);
    holding->keepers = 1;
    holding->loop = loop;
    receipt_init(&holding->receipt);
    return holding;
}

struct holding *holding_of_records(struct record_set *set, struct loop *loop)
{
    struct holding *holding = holding_new(loop);
    holding->set = set;
    return holding;
}

/* Takes a chain of tables apart: a source may have seen several switches. */
static struct holding *holding_of_tables(struct forward_table *chain, struct loop *loop)
{
    struct holding *holding = holding_new(loop);
    size_t capacity = 0;
    while (chain != NULL) {
        struct forward_table *table = chain;
        chain = table->next;
        table->next = NULL;
        holding->tables =
            alloc_grow(holding->tables, holding->table_count, &capacity, sizeof *holding->tables);
        holding->tables[holding->table_count++] = table;
    }
    return holding;
}

/* --- life --- */

struct poller *poller_new(struct generation *generation, const struct config_source *source,
                          const struct poller_limits *limits,
                          const struct poller_listener *listener)
{
    struct poller *poller = alloc_zeroed(1, sizeof *poller);
    poller->generation = generation_keep(generation);
    poller->source = source;
    poller->listener = *listener;
    poller->is_recorded = source->recorded != NULL;
    poller->began = poller->latest_at = WALL_UNKNOWN;
    receipt_init(&poller->failed_receipt);
    poller->probing = probing_new(poller, limits);
    return poller;
}

int poller_construct(struct poller *poller, struct err *err)
{
    const struct plug_class *plug = config_source_plug(poller->source);
    if (poller->constructed)
        return 0;
    poller->state = alloc_zeroed(1, plug->state_size);
    int status =
        plug->construct(poller->state, poller->source->options, &poller->generation->env, err);
    poller->constructed = status == 0;
    if (status != 0) {
        free(poller->state);
        poller->state = NULL;
    }
    return status;
}

static void cancel_poll(struct poller *poller)
{
    if (poller->recorded_job != NULL) {
        poller->source->recorded->cancel(poller->state, poller->recorded_job);
        recorded_job_free(poller->recorded_job);
    }
    if (poller->observed_job != NULL) {
        poller->source->observed->cancel(poller->state, poller->observed_job);
        observed_job_free(poller->observed_job);
    }
}

void poller_free(struct poller *poller)
{
    if (poller == NULL)
        return;
    probing_free(poller->probing);
    cancel_poll(poller);
    if (poller->constructed)
        config_source_plug(poller->source)->destruct(poller->state);
    free(poller->state);
    holding_drop(poller->latest);
    receipt_done(&poller->failed_receipt);
    generation_drop(poller->generation);
    free(poller);
}

static bool idle(const struct poller *poller)
{
    return !poller->polling && !probing_busy(poller->probing);
}

void poller_retire(struct poller *poller)
{
    poller->retired = true;
    poller->wanted = false;
    probing_retire(poller->probing);
    if (idle(poller))
        poller_free(poller);
}

const char *poller_switch(const struct poller *poller)
{
    return poller->source->switch_name != NULL ? poller->source->switch_name : poller->source->name;
}

/* --- polls --- */

static void poll_ended(struct poller *poller, const struct err *err)
{
    poller->polling = false;
    if (poller->retired) {
        if (idle(poller))
            poller_free(poller);
        return;
    }
    if (err != NULL) {
        poller->failed = true;
        poller->failures++;
        poller->err = *err;
    }
    poller->listener.ended(poller->listener.context, poller);
    if (poller->wanted)
        poller_poll(poller);
    else
        probing_go_on(poller->probing);
}

static void take_holding(struct poller *poller, struct holding *take)
{
    const struct env *env = &poller->generation->env;
    holding_drop(poller->latest);
    poller->latest = take;
    poller->latest_at = env->now(env->clock);
    poller->took = wall_since(poller->latest_at, poller->began);
    poller->fresh = true;
    poller->failed = false;
}

static void recorded_ended(void *aux, struct record_set *set, const struct receipt *receipt,
                           const struct err *err)
{
    struct poller *poller = aux;
    poller->recorded_job = NULL;
    if (set != NULL) {
        take_holding(poller, holding_of_records(set, poller->generation->env.loop));
        if (receipt != NULL)
            receipt_copy(&poller->latest->receipt, receipt);
        poller->rows = set->nics.count;
    } else if (receipt != NULL) {
        receipt_done(&poller->failed_receipt);
        receipt_copy(&poller->failed_receipt, receipt);
    }
    poll_ended(poller, set == NULL ? err : NULL);
}

static void observed_ended(void *aux, struct forward_table *table, const struct err *err)
{
    struct poller *poller = aux;
    poller->observed_job = NULL;
    if (table != NULL) {
        take_holding(poller, holding_of_tables(table, poller->generation->env.loop));
        poller->rows = 0;
        for (size_t i = 0; i < poller->latest->table_count; i++)
            poller->rows += poller->latest->tables[i]->row_count;
    }
    poll_ended(poller, table == NULL ? err : NULL);
}

static void observed_progress(void *aux, uint64_t rows)
{
    ((struct poller *)aux)->rows = rows;
}

static int start_recorded(struct poller *poller, struct err *err)
{
    const struct holding *latest = poller->latest;
    struct last_good last = {.known = latest != NULL, .when = poller->latest_at};
    for (int table = 0; last.known && table < RECORD_TABLE_COUNT; table++)
        last.rows[table] = record_set_rows(latest->set, (enum record_table)table);
    poller->recorded_job = recorded_job_new(poller->source->name, &last, poller->accept_shrunk,
                                            recorded_ended, poller);
    poller->accept_shrunk = false;
    int status = poller->source->recorded->fetch(poller->state, poller->recorded_job, err);
    if (status == 0)
        return 0;
    recorded_job_free(poller->recorded_job);
    poller->recorded_job = NULL;
    return status;
}

static int start_observed(struct poller *poller, struct err *err)
{
    poller->observed_job =
        observed_job_new(poller->source->name, observed_ended, observed_progress, poller);
    int status = poller->source->observed->fetch(poller->state, poller->observed_job, err);
    if (status == 0)
        return 0;
    observed_job_free(poller->observed_job);
    poller->observed_job = NULL;
    return status;
}

void poller_poll(struct poller *poller)
{
    const struct env *env = &poller->generation->env;
    struct err err = {0};
    if (poller->polling || probing_uses_state(poller->probing)) {
        poller->wanted = true;
        return;
    }
    poller->wanted = false;
    poller->polling = true;
    poller->polls++;
    poller->rows = 0;
    poller->began = env->now(env->clock);
    int status = poller_construct(poller, &err);
    if (status == 0)
        status = poller->is_recorded ? start_recorded(poller, &err) : start_observed(poller, &err);
    if (status != 0)
        poll_ended(poller, &err);
}

bool poller_state_free(struct poller *poller)
{
    if (poller->retired) {
        if (!idle(poller))
            return false;
        poller_free(poller);
        return true;
    }
    if (poller->wanted)
        poller_poll(poller);
    return false;
}
