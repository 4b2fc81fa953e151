/* SPDX-License-Identifier: Apache-2.0 */
#include "source/exec.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "contract/job.h"
#include "io/child.h"
#include "io/loop.h"
#include "source/json_load.h"

struct exec_config {
    struct option_list command, environment;
    char *directory;
    struct span timeout;
    int64_t max_bytes, max_shrink;
    int table; /* enum record_table */
};

static const char *const tables[] = {
#define TABLE(word, name) word,
    RECORD_TABLES(TABLE)
#undef TABLE
        NULL};

static const struct config_option options[] = {
    {"command", OPTION_COMMAND, offsetof(struct exec_config, command), true, NULL, 0, 0, NULL,
     "The program and its arguments as a list; no shell is involved."},
    {"timeout", OPTION_SPAN, offsetof(struct exec_config, timeout), false, "60s", 100000,
     INT64_C(86400000000), NULL, "How long the program may run, whatever it prints meanwhile."},
    {"max_bytes", OPTION_INTEGER, offsetof(struct exec_config, max_bytes), false, "268435456", 1,
     INT64_C(1) << 40, NULL, "How many bytes the program may print."},
    {"table", OPTION_CHOICE, offsetof(struct exec_config, table), false, "guests", 0, 0, tables,
     "The table of lines that have neither the key type nor table."},
    {"max_shrink", OPTION_INTEGER, offsetof(struct exec_config, max_shrink), false, "50", 0, 100,
     NULL,
     "By how many per cent a table may shrink between two runs; what lost more is refused and the "
     "last good record kept."},
    {"environment", OPTION_TEXT_LIST, offsetof(struct exec_config, environment), false, NULL, 0, 0,
     NULL, "NAME=value texts to add to the program's environment."},
    {"directory", OPTION_DIRECTORY, offsetof(struct exec_config, directory), false, NULL, 0, 0,
     NULL, "The directory to run the program in; where Muster runs, unless set."},
    {.name = NULL},
};

/* How much output may wait for the worker before the program has to. */
enum { PENDING_BYTES = 1024 * 1024 };

struct exec_state {
    const struct exec_config *config;
    struct env *env;
    struct run *run; /* NULL between fetches */
};

/* One fetch. Output is parsed in a worker thread, a piece at a time, while the
 * next piece comes in: rows by the million must not hold the loop. While `busy`,
 * `piece`, `load`, `set` and `output_err` are the worker's, which reads `last` and
 * `err` of the last piece; the rest is the loop's. A cancel while the worker is busy leaves the run
 * to itself. */
struct run {
    struct exec_state *state; /* NULL after a cancel */
    struct recorded_job *job;
    struct child *child; /* NULL when it has ended */
    struct record_set *set;
    struct json_load *load;
    struct text pending, piece;
    bool busy, last; /* last: the piece is the end of the output */
    struct wall started;
    struct err output_err; /* what is wrong with the output */
    struct err err;        /* what is wrong at all */
    struct text complaint; /* the end of the program's stderr */
};

static void run_free(struct run *run)
{
    json_load_free(run->load);
    record_set_free(run->set);
    text_done(&run->pending);
    text_done(&run->piece);
    text_done(&run->complaint);
    free(run);
}

static int construct(void *state, const void *config, struct env *env, struct err *err)
{
    struct exec_state *exec = state;
    exec->config = config;
    exec->env = env;
    if (exec->config->command.count == 0)
        return err_set(err, ERR_NOT_FOUND, "command: expected a program");
    for (size_t i = 0; i < exec->config->environment.count; i++) {
        const char *item = exec->config->environment.items[i];
        if (strchr(item, '=') == NULL || item[0] == '=')
            return err_set(err, ERR_SYNTAX, "environment: found \"%.60s\", expected NAME=value",
                           item);
    }
    return 0;
}

static void fill_receipt(const struct run *run, struct receipt *receipt)
{
    const struct env *env = run->state->env;
    receipt_init(receipt);
    receipt_text(&receipt->source, "%s", recorded_job_source(run->job));
    receipt_text(&receipt->type, "exec");
    receipt->asked = 1;
    receipt->answered = run->err.code == ERR_NONE;
    receipt->rows = json_load_rows(run->load);
    receipt->whole = run->err.code == ERR_NONE;
    receipt_text(&receipt->why_not, "%s", receipt->whole ? "" : run->err.text);
    receipt->started = run->started;
    receipt->ended = env->now(env->clock);
}

/* Appends the last lines of what the program wrote to stderr, on one line. */
static void add_stderr(struct err *err, const char *text, size_t length)
{
    char shown[241];
    while (length > 0 && (unsigned char)text[length - 1] <= ' ')
        length--;
    size_t from = length > sizeof shown - 1 ? length - (sizeof shown - 1) : 0;
    while (from > 0 && from < length && ((unsigned char)text[from] & 0xc0) == 0x80)
        from++;
    size_t used = 0;
    for (size_t i = from; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        shown[used++] = c < 0x20 || c == 0x7f ? (c == '\n' ? '|' : ' ') : (char)c;
    }
    shown[used] = '\0';
    if (used > 0)
        err_consequence(err, "it wrote: %s%s", from > 0 ? "..." : "", shown);
}

/* Says what is wrong with how the program ended, if anything. */
static void judge_end(const struct exec_config *config, const struct child_end *end,
                      struct err *err)
{
    char span[CLOCK_TEXT_SIZE];
    switch (end->outcome) {
    case CHILD_EXITED:
        if (end->code != 0)
            err_set(err, ERR_PROTOCOL, "it ended with exit status %d", end->code);
        break;
    case CHILD_SIGNALLED:
        err_set(err, ERR_PROTOCOL, "it was ended by signal %d (%s)", end->code,
                strsignal(end->code));
        break;
    case CHILD_TIMED_OUT:
        err_set(err, ERR_TIMEOUT, "it was still running after %s (timeout) and was ended",
                span_format(config->timeout, span));
        break;
    case CHILD_TOO_MUCH:
        err_set(err, ERR_LIMIT, "it printed more than %" PRId64 " bytes (max_bytes) and was ended",
                config->max_bytes);
        break;
    }
}

/* Puts together what the program's end and its output say. A program that failed
 * says more about itself than its cut off output does; one that was ended for
 * what it printed does not. */
static void judge(struct run *run)
{
    const struct exec_config *config = run->state->config;
    bool output_first =
        run->err.code == ERR_NONE || run->err.code == ERR_TIMEOUT || run->err.code == ERR_LIMIT;
    if (run->output_err.code != ERR_NONE && output_first)
        run->err = run->output_err;
    bool program_failed = run->err.code != ERR_NONE;
    if (!program_failed && !recorded_job_accept_shrunk(run->job))
        (void)!last_good_check(recorded_job_last_good(run->job), run->set, config->max_shrink,
                               &run->err);
    if (run->err.code != ERR_NONE)
        err_prefix(&run->err, "%s: %s", recorded_job_source(run->job), config->command.items[0]);
    if (program_failed)
        add_stderr(&run->err, text_get(&run->complaint), run->complaint.length);
}

/* Ends the fetch. The source is free for the next one before the job is told. */
static void finish(struct run *run)
{
    struct receipt receipt;
    judge(run);
    fill_receipt(run, &receipt);
    run->state->run = NULL;
    if (run->err.code != ERR_NONE)
        recorded_job_done(run->job, NULL, &receipt, &run->err);
    else
        recorded_job_done(run->job, &run->set, &receipt, NULL);
    run_free(run);
}

/* In the worker thread. The first bad line decides; what follows is let run dry,
 * so that the program's own complaint on stderr can still come. */
static void parse_piece(void *aux)
{
    struct run *run = aux;
    if (run->output_err.code == ERR_NONE)
        (void)!json_load_put(run->load, text_get(&run->piece), run->piece.length, &run->output_err);
    if (!run->last)
        return;
    /* A line that was cut off because the program failed is not the program's fault. */
    if (run->output_err.code == ERR_NONE && run->err.code == ERR_NONE)
        (void)!json_load_end(run->load, &run->output_err);
    record_set_finish(run->set);
}

static void go_on(struct run *run);

/* Back on the loop. */
static void on_parsed(void *aux)
{
    struct run *run = aux;
    run->busy = false;
    if (run->state == NULL)
        run_free(run);
    else if (run->last)
        finish(run);
    else
        go_on(run);
}

/* Gives the worker what is there, if it has nothing to do. */
static void go_on(struct run *run)
{
    if (run->busy || (run->pending.length == 0 && run->child != NULL))
        return;
    struct text empty = run->piece;
    text_clear(&empty);
    run->piece = run->pending;
    run->pending = empty;
    run->last = run->child == NULL;
    run->busy = true;
    if (run->child != NULL)
        child_pause(run->child, false);
    loop_work_start(run->state->env->loop, parse_piece, on_parsed, run);
}

static void on_output(void *aux, const char *bytes, size_t length)
{
    struct run *run = aux;
    text_add_bytes(&run->pending, bytes, length);
    if (run->pending.length >= PENDING_BYTES)
        child_pause(run->child, true);
    go_on(run);
}

static void on_end(void *aux, const struct child_end *end)
{
    struct run *run = aux;
    run->child = NULL;
    text_add_bytes(&run->complaint, end->error_text, end->error_length);
    judge_end(run->state->config, end, &run->err);
    go_on(run);
}

static int fetch(void *state, struct recorded_job *job, struct err *err)
{
    struct exec_state *exec = state;
    const struct exec_config *config = exec->config;
    CHECK(exec->run == NULL);
    struct run *run = alloc_zeroed(1, sizeof *run);
    struct child_options child = {.argv = (const char *const *)config->command.items,
                                  .environment = (const char *const *)config->environment.items,
                                  .directory = config->directory,
                                  .timeout = config->timeout,
                                  .max_bytes = (uint64_t)config->max_bytes,
                                  .output = on_output,
                                  .done = on_end,
                                  .aux = run};
    run->child = child_start(exec->env->loop, &child, err);
    if (run->child == NULL) {
        run_free(run);
        return err_prefix(err, "%s", recorded_job_source(job));
    }
    run->state = exec;
    run->job = job;
    run->started = exec->env->now(exec->env->clock);
    run->set = record_set_new(recorded_job_source(job), run->started);
    run->load = json_load_new(run->set, (enum record_table)config->table, exec->env->run_states);
    exec->run = run;
    return 0;
}

static void cancel(void *state, struct recorded_job *job)
{
    struct exec_state *exec = state;
    struct run *run = exec->run;
    exec->run = NULL;
    if (run == NULL)
        return;
    child_kill(run->child);
    run->child = NULL;
    run->state = NULL;
    if (!run->busy)
        run_free(run);
}

static void destruct(void *state)
{
    cancel(state, NULL);
}

const struct recorded_source_class recorded_exec = {
    .plug = {.type = "exec",
             .summary = "any program that prints rows as JSON lines",
             .options = options,
             .state_size = sizeof(struct exec_state),
             .config_size = sizeof(struct exec_config),
             .construct = construct,
             .destruct = destruct},
    .fetch = fetch,
    .cancel = cancel,
};
