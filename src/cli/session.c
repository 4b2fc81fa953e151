/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/live.h"
#include "cli/table.h"
#include "daemon/config.h"
#include "daemon/judging.h"
#include "io/clock.h"
#include "io/loop.h"
#include "model/discrepancy.h"
#include "snmp/engine.h"

/* A log that is not a terminal keeps one line a message. */
enum { UNWRAPPED = 1 << 20 };

void session_note(const struct session *session, const char *format, ...)
{
    if (session->quiet)
        return;
    va_list args;
    AUTO_TEXT struct text text = TEXT_EMPTY, prefix = TEXT_EMPTY;
    va_start(args, format);
    text_vprintf(&text, format, args);
    va_end(args);
    text_printf(&prefix, "muster %s: ", session->command);
    table_paragraph(stderr, text_get(&prefix), text_get(&text),
                    isatty(STDERR_FILENO) ? terminal_width(stderr) : UNWRAPPED);
}

static int read_config(struct session *session, const struct common_options *common)
{
    struct config_report report;
    int status = config_load(common->config, &session->config, &report);
    if (report.warning_count > 0 && !session->quiet)
        fprintf(stderr, "%s", text_get(&report.warnings));
    if (report.error_count > 0)
        fprintf(stderr, "%s", text_get(&report.errors));
    if (status == ERR_NOT_FOUND && !common->config_given)
        fprintf(stderr,
                "muster %s: without muster.yaml here, name one with -c FILE; muster.yaml(5) "
                "has a smallest one\n",
                session->command);
    config_report_done(&report);
    return status == 0 ? EXIT_CLEAN : EXIT_USAGE;
}

static int open_store(struct session *session, enum session_store mode)
{
    struct err err;
    const char *path = session->config->store;
    if (mode == SESSION_STORE_NONE)
        return EXIT_CLEAN;
    bool writing = mode == SESSION_STORE_WRITE;
    int status = store_open(path, writing ? STORE_WRITE : STORE_READ, &session->store, &err);
    session->store_writable = status == 0 && writing;
    if (status == ERR_NOT_FOUND && !writing)
        return EXIT_CLEAN;
    if (status == ERR_TIMEOUT)
        err_consequence(&err, "`muster case list`, `muster watch` and `muster status` say what a "
                              "running daemon finds, `muster audit --no-store` judges a round "
                              "beside it");
    if (status == ERR_DENIED && writing) {
        session_note(session, "%s; nothing of this round will be remembered", err.text);
        status = store_open(path, STORE_READ, &session->store, &err);
        return status == 0 || status == ERR_NOT_FOUND || status == ERR_DENIED
                   ? EXIT_CLEAN
                   : command_fail(session->command, EXIT_USAGE, "%s", err.text);
    }
    return status == 0 ? EXIT_CLEAN : command_fail(session->command, EXIT_USAGE, "%s", err.text);
}

static int make_services(struct session *session)
{
    struct err err;
    session->env.loop = loop_new();
    session->env.run_states = session->config->run_states;
    session->env.quirks_file = session->config->quirks;
    session->env.now = clock_env_now;
    if (snmp_engine_new_on_loop(session->env.loop, &session->env.snmp, &err) != 0)
        return command_fail(session->command, EXIT_USAGE, "%s", err.text);
    return EXIT_CLEAN;
}

int session_open(struct session *session, const char *command, const struct common_options *common,
                 enum session_store mode)
{
    *session = (struct session){.command = command, .quiet = common->quiet};
    session->arena = arena_new();
    int status = read_config(session, common);
    if (status == EXIT_CLEAN)
        status = make_services(session);
    if (status == EXIT_CLEAN)
        status = open_store(session, mode);
    return status;
}

void session_close(struct session *session)
{
    store_close(session->store);
    snmp_engine_free(session->env.snmp);
    loop_free(session->env.loop);
    config_free(session->config);
    arena_free(session->arena);
    *session = (struct session){0};
}

/* --- rounds --- */

static void show_progress(void *context, const struct round_progress *progress)
{
    struct session *session = context;
    struct mono now = clock_mono();
    bool last = progress->sources_done == progress->sources;
    if (!last && mono_since(now, session->progress_at).us < span_ms(100).us)
        return;
    session->progress_at = now;
    session->progress_shown = true;
    fprintf(stderr, "\rmuster %s: %zu of %zu sources read, %" PRIu64 " rows \033[K",
            session->command, progress->sources_done, progress->sources, progress->rows);
}

void session_progress_end(struct session *session)
{
    if (session->progress_shown)
        fputs("\r\033[K", stderr);
    session->progress_shown = false;
}

static int load_last_good(void *context, const char *source, struct record_set **ret,
                          struct wall *ret_read_at, struct err *err)
{
    struct session *session = context;
    if (session->store == NULL)
        return err_set(err, ERR_NOT_FOUND, "there is no store");
    return store_last_good(session->store, source, ret, ret_read_at, err);
}

static int count_last_good(void *context, const char *source,
                           uint64_t ret_rows[static RECORD_TABLE_COUNT], struct wall *ret_read_at,
                           struct err *err)
{
    struct session *session = context;
    if (session->store == NULL)
        return err_set(err, ERR_NOT_FOUND, "there is no store");
    return store_last_good_rows(session->store, source, ret_rows, ret_read_at, err);
}

void session_round_options(struct session *session, struct round_options *ret)
{
    session->last_good = (struct round_last_good){load_last_good, count_last_good, session};
    *ret = (struct round_options){.last_good = &session->last_good};
    if (!session->quiet && isatty(STDERR_FILENO)) {
        ret->progress = show_progress;
        ret->progress_context = session;
    }
}

struct world_input session_world_input(const struct session *session, const struct round *round,
                                       const struct memory *memory)
{
    const struct config *config = session->config;
    return (struct world_input){
        .records = (const struct record_set *const *)round->records,
        .record_count = round->record_count,
        .tables = (const struct forward_table *const *)round->tables,
        .table_count = round->table_count,
        .failed = round->failed,
        .failed_count = round->failed_count,
        .mlags = config->mlags,
        .mlag_count = config->mlag_count,
        .memory = memory,
        .options = &config->audit,
    };
}

int session_memory(struct session *session, const struct round *round, struct memory *ret,
                   struct err *err)
{
    *ret = (struct memory){0};
    if (session->store == NULL)
        return 0;
    struct store_memory_query query = {
        .now = round_instant(round),
        .horizon = judging_horizon(&session->config->audit, round_ageing(round)),
        .tables = (const struct forward_table *const *)round->tables,
        .table_count = round->table_count};
    return store_load_memory(session->store, &query, session->arena, ret, err);
}

/* --- views --- */

/* What had been heard by `now`, which is the instant of `round`, if that is not NULL; else a daemon
 * listens. */
static int load_heard(struct session *session, struct wall now, const struct store_round *round,
                      struct store_heard *ret, struct err *err)
{
    struct live_options live;
    live_options_init(&live);
    bool told = round != NULL && wall_known(round->told);
    const struct store_heard_query query = {.now = now,
                                            .round = told ? round->number : 0,
                                            .told = told ? round->told : WALL_UNKNOWN,
                                            .next = told ? round->told_next : 0,
                                            .concluded = told,
                                            .settle = session->config->audit.settle,
                                            .departed_for = live.departed_for,
                                            .clock_skew = session->config->audit.clock_skew,
                                            .hold = session->config->audit.heard_hold};
    int status = store_load_heard(session->store, &query, session->arena, ret, err);
    if (status == 0 && ret->left_out > 0)
        session_note(session, "%zu sessions are more than are looked at, and left out",
                     ret->left_out);
    return status;
}

/* As load_heard(), if a daemon listens: its last round is not long ago. Without one, that nothing
 * was heard would say nothing. */
static int load_heard_now(struct session *session, struct wall now, struct store_heard *ret,
                          struct err *err)
{
    enum { ROUNDS_MISSED = 3 };
    struct store_round last;
    if (session->store == NULL || store_find_round(session->store, WALL_UNKNOWN, &last, err) != 0 ||
        !last.heard)
        return 0;
    int64_t age_us = wall_since(now, last.ended).us; /* one may have ended meanwhile */
    int64_t interval_us = session->config->daemon.interval.us;
    if (age_us < -interval_us || age_us > ROUNDS_MISSED * interval_us)
        return 0;
    return load_heard(session, now, NULL, ret, err);
}

/* `heard`: with what has been heard, too. */
static int poll_view(struct session *session, const struct round_options *options, bool heard,
                     struct view *ret)
{
    struct err err;
    ret->round = round_poll(session->config, &session->env, options);
    session_progress_end(session);
    if (session_memory(session, ret->round, &ret->memory, &err) != 0)
        return command_fail(session->command, EXIT_USAGE, "%s", err.text);
    struct world_input input = session_world_input(session, ret->round, &ret->memory);
    ret->now = input.now = round_instant(ret->round);
    if (heard && load_heard_now(session, ret->now, &ret->heard, &err) != 0)
        return command_fail(session->command, EXIT_USAGE, "%s", err.text);
    input.heard = ret->heard.facts;
    input.heard_count = ret->heard.count;
    input.windows = ret->heard.windows;
    input.window_count = ret->heard.window_count;
    input.flushes = ret->heard.flushes;
    input.flush_count = ret->heard.flush_count;
    ret->world = world_new(&input);
    ret->until = WALL_UNKNOWN;
    ret->started = ret->round->started;
    ret->read_at = ret->round->ended;
    ret->failed = input.failed;
    ret->failed_count = input.failed_count;
    ret->tables = input.tables;
    ret->table_count = input.table_count;
    ret->records = input.records;
    ret->record_count = input.record_count;
    return EXIT_CLEAN;
}

int view_poll(struct session *session, const struct round_options *options, struct view *ret)
{
    return poll_view(session, options, false, ret);
}

/* The horizon that the round itself used, out of what its tables say. */
static struct span stored_horizon(const struct session *session, const struct store_world *stored)
{
    struct span largest = FORWARD_DEFAULT_AGEING;
    for (size_t i = 0; i < stored->table_count; i++) {
        if (stored->tables[i]->ageing.us > largest.us)
            largest = stored->tables[i]->ageing;
    }
    return judging_horizon(&session->config->audit, largest);
}

static int load_world(struct session *session, uint64_t round, struct store_world **ret,
                      struct err *err)
{
    struct store_memory_query query = {.horizon = span_seconds(3600)};
    int status = store_world_load(session->store, round, STORE_TABLES_OF_ROUND, &query, ret, err);
    if (status != 0)
        return status;
    struct span horizon = stored_horizon(session, *ret);
    if (horizon.us == query.horizon.us)
        return 0;
    store_world_free(*ret);
    *ret = NULL;
    query.horizon = horizon;
    return store_world_load(session->store, round, STORE_TABLES_OF_ROUND, &query, ret, err);
}

/* As the round did: what it read vouches for its instant, a last good copy does not. */
static void date_stored_records(const struct store_world *stored)
{
    for (size_t i = 0; i < stored->record_count; i++) {
        bool failed = false;
        for (size_t f = 0; f < stored->failed_count; f++)
            failed = failed || strcmp(stored->failed[f].source, stored->records[i]->source) == 0;
        if (!failed)
            stored->records[i]->read_at = stored->round.judged;
    }
}

int view_replay(struct session *session, struct wall at, struct view *ret)
{
    struct err err;
    struct store_round round;
    if (session->store == NULL)
        return command_fail(session->command, EXIT_USAGE,
                            "there is no store yet: `muster audit` makes one");
    if (store_find_round(session->store, at, &round, &err) != 0 ||
        load_world(session, round.number, &ret->stored, &err) != 0)
        return command_fail(session->command, EXIT_USAGE, "%s", err.text);
    const struct store_world *stored = ret->stored;
    if (stored->round.heard &&
        load_heard(session, stored->round.judged, &stored->round, &ret->heard, &err) != 0)
        return command_fail(session->command, EXIT_USAGE, "%s", err.text);
    date_stored_records(stored);
    ret->records = (const struct record_set *const *)stored->records;
    ret->record_count = stored->record_count;
    ret->tables = (const struct forward_table *const *)stored->tables;
    ret->table_count = stored->table_count;
    struct world_input input = {.records = ret->records,
                                .record_count = ret->record_count,
                                .tables = ret->tables,
                                .table_count = ret->table_count,
                                .failed = stored->failed,
                                .failed_count = stored->failed_count,
                                .mlags = session->config->mlags,
                                .mlag_count = session->config->mlag_count,
                                .memory = &stored->memory,
                                .options = &ret->options,
                                .heard = ret->heard.facts,
                                .heard_count = ret->heard.count,
                                .windows = ret->heard.windows,
                                .window_count = ret->heard.window_count,
                                .flushes = ret->heard.flushes,
                                .flush_count = ret->heard.flush_count,
                                .now = stored->round.judged};
    ret->options = session->config->audit;
    ret->options.gap_rounds = stored->round.gap_rounds;
    ret->world = world_new(&input);
    ret->now = stored->round.judged;
    ret->until = at;
    ret->started = stored->round.started;
    ret->read_at = stored->round.ended;
    ret->failed = stored->failed;
    ret->failed_count = stored->failed_count;
    return EXIT_CLEAN;
}

static void say_age(const struct session *session, const struct view *view)
{
    char at[CLOCK_TEXT_SIZE], age[CLOCK_TEXT_SIZE];
    session_note(session, "as of the round of %s, %s ago; --now reads anew",
                 wall_format_ms(view->read_at, at),
                 span_format(wall_since(clock_wall(), view->read_at), age));
}

int view_open(struct session *session, bool poll, struct view *ret)
{
    struct err err;
    struct store_round round;
    if (!poll && session->store != NULL &&
        store_find_round(session->store, WALL_UNKNOWN, &round, &err) == 0) {
        int status = view_replay(session, WALL_UNKNOWN, ret);
        if (status == EXIT_CLEAN)
            say_age(session, ret);
        return status;
    }
    struct round_options options;
    session_round_options(session, &options);
    int status = poll_view(session, &options, true, ret);
    for (size_t i = 0; ret->round != NULL && i < ret->round->failed_count; i++)
        session_note(session, "%s", ret->round->failed[i].why);
    return status;
}

void view_close(struct view *view)
{
    world_free(view->world);
    round_free(view->round);
    store_world_free(view->stored);
    store_heard_done(&view->heard);
    *view = (struct view){0};
}
