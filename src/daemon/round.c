/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/round.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "contract/job.h"
#include "daemon/config.h"
#include "io/loop.h"

/* One source of the round: its plug-in's state, its job, and what came of it. */
struct task {
    struct runner *runner;
    const struct config_source *source;
    void *state;
    bool constructed, running;
    struct recorded_job *recorded_job;
    struct observed_job *observed_job;
    struct record_set *set;      /* result of a recorded source */
    struct receipt receipt;      /* of a recorded source */
    struct forward_table *table; /* result of an observed source */
    bool failed;
    struct err err;
    uint64_t rows;
};

struct runner {
    const struct config *config;
    struct env *env;
    const struct round_options *options;
    struct round *round;
    struct task *tasks;
    size_t count, done;
    bool probing;
    struct mac mac;
};

static const struct plug_class *plug_of(const struct task *task)
{
    return config_source_plug(task->source);
}

static void show_progress(const struct runner *runner)
{
    if (runner->options->progress == NULL)
        return;
    struct round_progress progress = {runner->count, runner->done, 0};
    for (size_t i = 0; i < runner->count; i++)
        progress.rows += runner->tasks[i].rows;
    runner->options->progress(runner->options->progress_context, &progress);
}

static void task_ended(struct task *task, const struct err *err)
{
    task->running = false;
    if (err != NULL) {
        task->failed = true;
        task->err = *err;
    }
    task->runner->done++;
    show_progress(task->runner);
    if (task->runner->done == task->runner->count)
        loop_stop(task->runner->env->loop);
}

static void recorded_ended(void *aux, struct record_set *set, const struct receipt *receipt,
                           const struct err *err)
{
    struct task *task = aux;
    task->recorded_job = NULL;
    task->set = set;
    if (receipt != NULL) {
        receipt_done(&task->receipt);
        receipt_copy(&task->receipt, receipt);
    }
    task->rows = set != NULL ? set->nics.count : 0;
    task_ended(task, set == NULL ? err : NULL);
}

static void observed_ended(void *aux, struct forward_table *table, const struct err *err)
{
    struct task *task = aux;
    task->observed_job = NULL;
    task->table = table;
    task->rows = 0;
    for (const struct forward_table *each = table; each != NULL; each = each->next)
        task->rows += each->row_count;
    task_ended(task, table == NULL ? err : NULL);
}

static void observed_progress(void *aux, uint64_t rows)
{
    struct task *task = aux;
    task->rows = rows;
    show_progress(task->runner);
}

/* What is known of the source's last good reading, for its shrink test. */
static void count_last_good(const struct runner *runner, const struct task *task,
                            struct last_good *ret)
{
    const struct round_last_good *known = runner->options->last_good;
    struct err err;
    *ret = (struct last_good){.known = false};
    ret->known = known != NULL &&
                 known->count(known->context, task->source->name, ret->rows, &ret->when, &err) == 0;
}

static bool shrinking_accepted(const struct round_options *options, const char *source)
{
    for (size_t i = 0; i < options->accept_shrunk_count; i++) {
        if (strcmp(options->accept_shrunk[i], source) == 0)
            return true;
    }
    return false;
}

static int start_recorded(struct runner *runner, struct task *task, struct err *err)
{
    struct last_good last;
    count_last_good(runner, task, &last);
    task->recorded_job = recorded_job_new(task->source->name, &last,
                                          shrinking_accepted(runner->options, task->source->name),
                                          recorded_ended, task);
    int status = task->source->recorded->fetch(task->state, task->recorded_job, err);
    if (status != 0) {
        recorded_job_free(task->recorded_job);
        task->recorded_job = NULL;
    }
    return status;
}

static int start_observed(struct runner *runner, struct task *task, struct err *err)
{
    const struct observed_source_class *class = task->source->observed;
    if (runner->probing && class->probe == NULL)
        return err_set(err, ERR_UNSUPPORTED,
                       "%s: a source of type %s cannot be asked for one "
                       "address; it was not asked",
                       task->source->name, class->plug.type);
    task->observed_job =
        observed_job_new(task->source->name, observed_ended, observed_progress, task);
    int status = runner->probing ? class->probe(task->state, runner->mac, task->observed_job, err)
                                 : class->fetch(task->state, task->observed_job, err);
    if (status != 0) {
        observed_job_free(task->observed_job);
        task->observed_job = NULL;
    }
    return status;
}

static void start_task(struct runner *runner, struct task *task)
{
    const struct plug_class *plug = plug_of(task);
    struct err err = {0};
    task->state = alloc_zeroed(1, plug->state_size);
    task->running = true;
    int status = plug->construct(task->state, task->source->options, runner->env, &err);
    task->constructed = status == 0;
    if (status == 0)
        status = task->source->recorded != NULL ? start_recorded(runner, task, &err)
                                                : start_observed(runner, task, &err);
    if (status != 0)
        task_ended(task, &err);
}

static void finish_task(struct task *task)
{
    if (task->constructed)
        plug_of(task)->destruct(task->state);
    free(task->state);
}

/* --- collecting what came --- */

static void add_failed(struct round *round, struct task *task, const char *switch_name)
{
    struct failed_source *failed = &round->failed[round->failed_count];
    failed->source = arena_printf(round->arena, "%s", task->source->name);
    failed->switch_name =
        switch_name != NULL ? arena_printf(round->arena, "%s", switch_name) : NULL;
    failed->site =
        task->source->site != NULL ? arena_printf(round->arena, "%s", task->source->site) : NULL;
    failed->why = arena_printf(round->arena, "%s", task->err.text);
    failed->rounds = 1;
    round->failed_receipts[round->failed_count++] = task->receipt;
    receipt_init(&task->receipt);
}

static void add_record(struct round *round, struct record_set *set, bool old,
                       struct receipt *take_receipt)
{
    round->records[round->record_count] = set;
    round->record_is_old[round->record_count] = old;
    round->record_receipts[round->record_count++] = *take_receipt;
    receipt_init(take_receipt);
}

static void collect_recorded(struct runner *runner, struct task *task)
{
    struct round *round = runner->round;
    const struct round_last_good *known = runner->options->last_good;
    struct record_set *old = NULL;
    struct wall when;
    struct err err;
    if (!task->failed) {
        add_record(round, task->set, false, &task->receipt);
        return;
    }
    if (known != NULL && known->load(known->context, task->source->name, &old, &when, &err) == 0) {
        char at[CLOCK_TEXT_SIZE];
        struct receipt none;
        receipt_init(&none);
        err_consequence(&task->err, "the copy of %s is used instead", wall_format(when, at));
        old->read_at = when;
        add_record(round, old, true, &none);
    } else {
        err_consequence(&task->err, "nothing that it records is known");
    }
    add_failed(round, task, NULL);
}

/* Takes a chain of tables apart: a source may have seen several switches. */
static void add_tables(struct round *round, struct forward_table *chain)
{
    while (chain != NULL) {
        struct forward_table *table = chain;
        chain = table->next;
        table->next = NULL;
        round->tables = alloc_grow(round->tables, round->table_count, &round->table_capacity,
                                   sizeof *round->tables);
        round->tables[round->table_count++] = table;
    }
}

static void collect_observed(struct runner *runner, struct task *task)
{
    struct round *round = runner->round;
    const char *name =
        task->source->switch_name != NULL ? task->source->switch_name : task->source->name;
    if (task->table != NULL)
        add_tables(round, task->table);
    else
        add_failed(round, task, name);
}

static struct round *round_new(size_t sources)
{
    struct round *round = alloc_zeroed(1, sizeof *round);
    round->arena = arena_new();
    round->records = alloc_zeroed(sources, sizeof *round->records);
    round->record_is_old = alloc_zeroed(sources, sizeof *round->record_is_old);
    round->record_receipts = alloc_zeroed(sources, sizeof *round->record_receipts);
    round->failed = alloc_zeroed(sources, sizeof *round->failed);
    round->failed_receipts = alloc_zeroed(sources, sizeof *round->failed_receipts);
    return round;
}

void round_free(struct round *round)
{
    if (round == NULL)
        return;
    for (size_t i = 0; i < round->record_count; i++) {
        record_set_free(round->records[i]);
        receipt_done(&round->record_receipts[i]);
    }
    for (size_t i = 0; i < round->table_count; i++)
        forward_table_free(round->tables[i]);
    for (size_t i = 0; i < round->failed_count; i++)
        receipt_done(&round->failed_receipts[i]);
    free(round->records);
    free(round->record_is_old);
    free(round->record_receipts);
    free(round->tables);
    free(round->failed);
    free(round->failed_receipts);
    arena_free(round->arena);
    free(round);
}

static bool wanted(const struct config_source *source, const struct round_options *options,
                   bool probing)
{
    if (source->recorded != NULL)
        return !options->observed_only && !probing;
    if (options->recorded_only)
        return false;
    return options->only_switch == NULL || strcmp(options->only_switch, source->name) == 0 ||
           (source->switch_name != NULL && strcmp(options->only_switch, source->switch_name) == 0);
}

static void add_tasks(struct runner *runner, const struct config_source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!wanted(&sources[i], runner->options, runner->probing))
            continue;
        struct task *task = &runner->tasks[runner->count++];
        task->runner = runner;
        task->source = &sources[i];
        receipt_init(&task->receipt);
    }
}

static bool is_offline(const struct runner *runner)
{
    bool some = false;
    for (size_t i = 0; i < runner->count; i++) {
        const struct observed_source_class *class = runner->tasks[i].source->observed;
        if (class != NULL && !class->offline)
            return false;
        some = some || class != NULL;
    }
    return some;
}

static void run(struct runner *runner)
{
    struct round *round = runner->round;
    round->started = runner->env->now(runner->env->clock);
    show_progress(runner);
    for (size_t i = 0; i < runner->count; i++)
        start_task(runner, &runner->tasks[i]);
    while (runner->done < runner->count)
        loop_run(runner->env->loop);
    round->ended = runner->env->now(runner->env->clock);
    round->offline = is_offline(runner);
    for (size_t i = 0; i < runner->count; i++) {
        struct task *task = &runner->tasks[i];
        finish_task(task);
        if (task->source->recorded != NULL)
            collect_recorded(runner, task);
        else
            collect_observed(runner, task);
        receipt_done(&task->receipt);
    }
}

/* What was read in this round vouches for the instant that the round is judged by. */
static void date_records(struct round *round)
{
    for (size_t i = 0; i < round->record_count; i++) {
        if (!round->record_is_old[i])
            round->records[i]->read_at = round_instant(round);
    }
}

static struct round *round_run(struct runner *runner)
{
    const struct config *config = runner->config;
    size_t most = config->recorded_count + config->observed_count;
    runner->tasks = alloc_zeroed(most, sizeof *runner->tasks);
    runner->round = round_new(most);
    add_tasks(runner, config->recorded, config->recorded_count);
    add_tasks(runner, config->observed, config->observed_count);
    if (runner->count > 0)
        run(runner);
    date_records(runner->round);
    free(runner->tasks);
    return runner->round;
}

struct round *round_poll(const struct config *config, struct env *env,
                         const struct round_options *options)
{
    struct runner runner = {.config = config, .env = env, .options = options};
    return round_run(&runner);
}

struct round *round_probe(const struct config *config, struct env *env, struct mac mac,
                          const struct round_options *options)
{
    struct runner runner = {
        .config = config, .env = env, .options = options, .probing = true, .mac = mac};
    return round_run(&runner);
}

struct wall round_instant(const struct round *round)
{
    struct wall latest = WALL_UNKNOWN;
    for (size_t i = 0; round->offline && i < round->table_count; i++) {
        struct wall ended = round->tables[i]->ended;
        if (wall_known(ended) && (!wall_known(latest) || ended.us > latest.us))
            latest = ended;
    }
    return wall_known(latest) ? latest : round->ended;
}

struct span round_ageing(const struct round *round)
{
    struct span largest = FORWARD_DEFAULT_AGEING;
    for (size_t i = 0; i < round->table_count; i++) {
        if (round->tables[i]->ageing.us > largest.us)
            largest = round->tables[i]->ageing;
    }
    return largest;
}
