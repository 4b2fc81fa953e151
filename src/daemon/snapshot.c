/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/snapshot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "io/loop.h"

struct snapshot *snapshot_new(struct generation *generation, size_t sources)
{
    struct snapshot *snapshot = alloc_zeroed(1, sizeof *snapshot);
    struct round *round = &snapshot->round;
    snapshot->generation = generation_keep(generation);
    snapshot->loop = generation->env.loop;
    snapshot->options = generation->config->audit;
    snapshot->options.gap_rounds = (unsigned)generation->config->daemon.gap_rounds;
    snapshot->round.gap_rounds = snapshot->options.gap_rounds;
    snapshot->arena = arena_new();
    snapshot->holdings = alloc_zeroed(sources, sizeof *snapshot->holdings);
    round->arena = snapshot->arena;
    round->records = alloc_zeroed(sources, sizeof *round->records);
    round->record_is_old = alloc_zeroed(sources, sizeof *round->record_is_old);
    round->record_receipts = alloc_zeroed(sources, sizeof *round->record_receipts);
    round->failed = alloc_zeroed(sources, sizeof *round->failed);
    round->failed_receipts = alloc_zeroed(sources, sizeof *round->failed_receipts);
    return snapshot;
}

static char *keep_text(struct snapshot *snapshot, const char *text)
{
    return text != NULL ? arena_text(snapshot->arena, text, strlen(text)) : NULL;
}

static void hold(struct snapshot *snapshot, struct holding *holding)
{
    snapshot->holdings[snapshot->holding_count++] = holding_keep(holding);
}

static void add_gap(struct snapshot *snapshot, const struct failed_source *gap)
{
    snapshot->gaps = alloc_grow(snapshot->gaps, snapshot->gap_count, &snapshot->gap_capacity,
                                sizeof *snapshot->gaps);
    snapshot->gaps[snapshot->gap_count++] = *gap;
}

static void add_failed(struct snapshot *snapshot, const struct failed_source *failed,
                       struct receipt *take_receipt)
{
    struct round *round = &snapshot->round;
    round->failed[round->failed_count] = *failed;
    round->failed_receipts[round->failed_count++] = *take_receipt;
    receipt_init(take_receipt);
    add_gap(snapshot, failed);
}

/* --- observed sources --- */

/* Why a table is in part, out of its receipts. */
static const char *why_in_part(const struct forward_table *table)
{
    for (size_t i = 0; i < table->receipt_count; i++) {
        if (!table->receipts[i].whole)
            return table->receipts[i].why_not;
    }
    return "its table was not read whole";
}

static void add_tables(struct snapshot *snapshot, const struct poller *poller, unsigned gap_rounds)
{
    struct round *round = &snapshot->round;
    hold(snapshot, poller->latest);
    for (size_t i = 0; i < poller->latest->table_count; i++) {
        struct forward_table *table = poller->latest->tables[i];
        struct failed_source gap = {.source = keep_text(snapshot, poller->source->name),
                                    .switch_name = table->switch_name,
                                    .site = table->site,
                                    .why = table->whole ? NULL : why_in_part(table),
                                    .rounds = gap_rounds};
        round->tables = alloc_grow(round->tables, round->table_count, &round->table_capacity,
                                   sizeof *round->tables);
        round->tables[round->table_count++] = table;
        if (!table->whole)
            add_gap(snapshot, &gap);
    }
}

static bool is_whole(const struct holding *holding)
{
    for (size_t i = 0; i < holding->table_count; i++) {
        if (!holding->tables[i]->whole)
            return false;
    }
    return true;
}

/* Says why the source gave nothing for this round. */
static const char *why_nothing(struct snapshot *snapshot, const struct poller *poller)
{
    char since[CLOCK_TEXT_SIZE];
    if (poller->failed)
        return keep_text(snapshot, poller->err.text);
    if (poller->polling)
        return arena_printf(snapshot->arena,
                            "%s: is still being read since %s, %" PRIu64 " rows so far",
                            poller->source->name, wall_format(poller->began, since), poller->rows);
    return arena_printf(snapshot->arena, "%s: its turn to be read did not come in this round",
                        poller->source->name);
}

static void add_unread(struct snapshot *snapshot, const struct poller *poller, unsigned gap_rounds)
{
    struct receipt none;
    receipt_init(&none);
    struct failed_source failed = {.source = keep_text(snapshot, poller->source->name),
                                   .switch_name = keep_text(snapshot, poller_switch(poller)),
                                   .site = keep_text(snapshot, poller->source->site),
                                   .why = why_nothing(snapshot, poller),
                                   .rounds = gap_rounds};
    add_failed(snapshot, &failed, &none);
}

static void take_observed(struct snapshot *snapshot, struct poller *poller)
{
    bool whole = poller->fresh && is_whole(poller->latest);
    bool due = poller->fresh || poller->failed || poller->polling || poller->latest == NULL;
    poller->gap_rounds = whole ? 0 : poller->gap_rounds + due; /* not when its turn is to come */
    if (poller->fresh)
        add_tables(snapshot, poller, poller->gap_rounds);
    else
        add_unread(snapshot, poller, poller->gap_rounds);
}

/* --- recorded sources --- */

static void add_record(struct snapshot *snapshot, const struct poller *poller, bool old)
{
    struct round *round = &snapshot->round;
    struct receipt *receipt = &round->record_receipts[round->record_count];
    hold(snapshot, poller->latest);
    round->records[round->record_count] = poller->latest->set;
    round->record_is_old[round->record_count++] = old;
    receipt_init(receipt);
    if (!old) {
        receipt_done(receipt);
        receipt_copy(receipt, &poller->latest->receipt);
    }
}

static void take_recorded(struct snapshot *snapshot, struct poller *poller)
{
    char at[CLOCK_TEXT_SIZE];
    if (poller->fresh) {
        poller->gap_rounds = 0;
        add_record(snapshot, poller, false);
        return;
    }
    const char *why = why_nothing(snapshot, poller);
    if (poller->latest != NULL) {
        why = arena_printf(snapshot->arena, "%s; the copy of %s is used instead", why,
                           wall_format(poller->latest_at, at));
        add_record(snapshot, poller, true);
    } else {
        why = arena_printf(snapshot->arena, "%s; nothing that it records is known", why);
    }
    struct failed_source failed = {.source = keep_text(snapshot, poller->source->name),
                                   .why = why,
                                   .rounds = ++poller->gap_rounds};
    add_failed(snapshot, &failed, &poller->failed_receipt);
}

/* What it records is not known: the judge is to hear of that between two rounds, too. */
static void add_unknown_records(struct snapshot *snapshot, const struct poller *poller)
{
    struct receipt none;
    receipt_init(&none);
    struct failed_source failed = {.source = keep_text(snapshot, poller->source->name),
                                   .why = arena_printf(snapshot->arena,
                                                       "%s; nothing that it records is known",
                                                       why_nothing(snapshot, poller)),
                                   .rounds = poller->gap_rounds};
    add_failed(snapshot, &failed, &none);
}

void snapshot_take(struct snapshot *snapshot, struct poller *poller)
{
    if (poller->is_recorded)
        take_recorded(snapshot, poller);
    else
        take_observed(snapshot, poller);
    poller->fresh = poller->failed = false;
}

void snapshot_borrow(struct snapshot *snapshot, const struct poller *poller)
{
    snapshot->passing = true;
    if (poller->latest != NULL && poller->is_recorded)
        add_record(snapshot, poller, !poller->fresh);
    else if (poller->latest != NULL)
        add_tables(snapshot, poller, poller->gap_rounds);
    else if (poller->is_recorded)
        add_unknown_records(snapshot, poller);
    else
        add_unread(snapshot, poller, poller->gap_rounds);
}

void snapshot_leave_out(struct snapshot *snapshot, const struct config_source *source)
{
    struct receipt none;
    const char *name = source->switch_name != NULL ? source->switch_name : source->name;
    receipt_init(&none);
    struct failed_source failed = {
        .source = keep_text(snapshot, source->name),
        .switch_name = keep_text(snapshot, name),
        .site = keep_text(snapshot, source->site),
        .why = arena_printf(snapshot->arena, "%s: polling is switched off", source->name),
        .rounds = 0};
    add_failed(snapshot, &failed, &none);
}

void snapshot_add_deaf(struct snapshot *snapshot, const char *source, const char *why,
                       unsigned rounds)
{
    struct failed_source gap = {.source = keep_text(snapshot, source),
                                .why = keep_text(snapshot, why),
                                .rounds = rounds,
                                .hears = true};
    struct receipt none;
    receipt_init(&none);
    add_failed(snapshot, &gap, &none);
}

void snapshot_close(struct snapshot *snapshot, struct wall started, struct wall ended)
{
    struct round *round = &snapshot->round;
    round->started = started;
    round->ended = ended;
    /* What was read in this round vouches for the instant that it is judged by. */
    for (size_t i = 0; i < round->record_count; i++) {
        if (!round->record_is_old[i])
            round->records[i]->read_at = ended;
    }
}

struct wall snapshot_instant(const struct snapshot *snapshot)
{
    return snapshot->round.ended;
}

void snapshot_judge(struct snapshot *snapshot)
{
    const struct config *config = snapshot->generation->config;
    const struct world_input input = {
        .records = (const struct record_set *const *)snapshot->round.records,
        .record_count = snapshot->round.record_count,
        .tables = (const struct forward_table *const *)snapshot->round.tables,
        .table_count = snapshot->round.table_count,
        .failed = snapshot->gaps,
        .failed_count = snapshot->gap_count,
        .mlags = config->mlags,
        .mlag_count = config->mlag_count,
        .memory = &snapshot->memory,
        .options = &snapshot->options,
        .heard = snapshot->facts.heard,
        .heard_count = snapshot->facts.heard_count,
        .windows = snapshot->facts.windows,
        .window_count = snapshot->facts.window_count,
        .flushes = snapshot->facts.flushes,
        .flush_count = snapshot->facts.flush_count,
        .now = snapshot_instant(snapshot)};
    snapshot->world = world_new(&input);
    judging_run(snapshot->world, snapshot_instant(snapshot), snapshot->arena, &snapshot->judging);
    judging_words(&snapshot->judging, LIMIT_MEMBERS, snapshot->arena);
    snapshot->base = live_base_new(snapshot->world, snapshot->judging.sweep);
    if (snapshot->exporting)
        live_base_leave(snapshot->base, &snapshot->facts);
    const struct told_mark mark = {snapshot->facts.began, snapshot->heard_next};
    if (snapshot->exporting && !snapshot->passing)
        judging_keep(&snapshot->judging, snapshot->base, snapshot->facts.heard,
                     snapshot->facts.heard_count, &mark, snapshot->arena);
}

/* --- the end --- */

static void free_parts(void *aux)
{
    struct snapshot *snapshot = aux;
    struct round *round = &snapshot->round;
    live_base_free(snapshot->base);
    if (snapshot->judging.sweep != NULL)
        judging_done(&snapshot->judging);
    world_free(snapshot->world);
    if (snapshot->exporting)
        live_facts_done(&snapshot->facts);
    for (size_t i = 0; i < round->record_count; i++)
        receipt_done(&round->record_receipts[i]);
    for (size_t i = 0; i < round->failed_count; i++)
        receipt_done(&round->failed_receipts[i]);
    free(round->records);
    free(round->record_is_old);
    free(round->record_receipts);
    free(round->tables);
    free(round->failed);
    free(round->failed_receipts);
    free(snapshot->gaps);
    arena_free(snapshot->arena);
}

static void drop_parts(void *aux)
{
    struct snapshot *snapshot = aux;
    for (size_t i = 0; i < snapshot->holding_count; i++)
        holding_drop(snapshot->holdings[i]);
    free(snapshot->holdings);
    generation_drop(snapshot->generation);
    free(snapshot);
}

void snapshot_free(struct snapshot *snapshot)
{
    if (snapshot != NULL)
        loop_work_start(snapshot->loop, free_parts, drop_parts, snapshot);
}
