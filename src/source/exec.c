/* SPDX-License-Identifier: Apache-2.0 */
#include "source/exec.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "contract/job.h"
#include "io/child.h"
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
    {"directory", OPTION_PATH, offsetof(struct exec_config, directory), false, NULL, 0, 0, NULL,
     "The directory to run the program in; where Muster runs, unless set."},
    {.name = NULL},
};

struct exec_state {
    const struct exec_config *config;
    struct env *env;
    /* of the fetch under way; job NULL between fetches */
    struct recorded_job *job;
    struct child *child;
    struct record_set *set;
    struct json_load *load;
    struct wall started;
    struct err err; /* what is wrong with the output; code ERR_NONE while nothing is */
};

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

static void forget(struct exec_state *exec)
{
    json_load_free(exec->load);
    record_set_free(exec->set);
    exec->load = NULL;
    exec->set = NULL;
    exec->child = NULL;
    exec->job = NULL;
}

static void fill_receipt(const struct exec_state *exec, struct receipt *receipt)
{
    receipt_init(receipt);
    receipt_text(&receipt->source, "%s", recorded_job_source(exec->job));
    receipt_text(&receipt->type, "exec");
    receipt->asked = 1;
    receipt->answered = exec->err.code == ERR_NONE;
    receipt->rows = json_load_rows(exec->load);
    receipt->whole = exec->err.code == ERR_NONE;
    receipt_text(&receipt->why_not, "%s", receipt->whole ? "" : exec->err.text);
    receipt->started = exec->started;
    receipt->ended = exec->env->now(exec->env->clock);
}

/* Ends the fetch with what is in `err` and `set`. The job is told last: from then
 * on the next fetch may begin. */
static void finish(struct exec_state *exec)
{
    struct recorded_job *job = exec->job;
    struct record_set *set = exec->set;
    struct err err = exec->err;
    struct receipt receipt;
    fill_receipt(exec, &receipt);
    exec->set = NULL;
    forget(exec);
    if (err.code == ERR_NONE) {
        record_set_finish(set);
        recorded_job_done(job, &set, &receipt, NULL);
        return;
    }
    record_set_free(set);
    recorded_job_done(job, NULL, &receipt, &err);
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
static void judge_end(struct exec_state *exec, const struct child_end *end)
{
    struct err *err = &exec->err;
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
                span_format(exec->config->timeout, span));
        break;
    case CHILD_TOO_MUCH:
        err_set(err, ERR_LIMIT, "it printed more than %" PRId64 " bytes (max_bytes) and was ended",
                exec->config->max_bytes);
        break;
    }
}

static void on_output(void *aux, const char *bytes, size_t length)
{
    struct exec_state *exec = aux;
    /* The first bad line decides; what follows is let run dry, so that the
     * program's own complaint on stderr can still come. */
    if (exec->err.code == ERR_NONE)
        (void)!json_load_put(exec->load, bytes, length, &exec->err);
}

static void on_end(void *aux, const struct child_end *end)
{
    struct exec_state *exec = aux;
    const struct exec_config *config = exec->config;
    exec->child = NULL;
    /* A program that failed says more about itself than its cut off output does. */
    bool ended_badly =
        end->outcome == CHILD_SIGNALLED || (end->outcome == CHILD_EXITED && end->code != 0);
    if (exec->err.code == ERR_NONE || ended_badly)
        judge_end(exec, end);
    if (exec->err.code == ERR_NONE)
        (void)!json_load_end(exec->load, &exec->err);
    bool program_failed = exec->err.code != ERR_NONE;
    if (!program_failed && !recorded_job_accept_shrunk(exec->job))
        (void)!last_good_check(recorded_job_last_good(exec->job), exec->set, config->max_shrink,
                               &exec->err);
    if (exec->err.code != ERR_NONE)
        err_prefix(&exec->err, "%s: %s", recorded_job_source(exec->job), config->command.items[0]);
    if (program_failed)
        add_stderr(&exec->err, end->error_text, end->error_length);
    finish(exec);
}

static int fetch(void *state, struct recorded_job *job, struct err *err)
{
    struct exec_state *exec = state;
    const struct exec_config *config = exec->config;
    CHECK(exec->job == NULL);
    struct child_options child = {.argv = (const char *const *)config->command.items,
                                  .environment = (const char *const *)config->environment.items,
                                  .directory = config->directory,
                                  .timeout = config->timeout,
                                  .max_bytes = (uint64_t)config->max_bytes,
                                  .output = on_output,
                                  .done = on_end,
                                  .aux = exec};
    exec->child = child_start(exec->env->loop, &child, err);
    if (exec->child == NULL)
        return err_prefix(err, "%s", recorded_job_source(job));
    exec->job = job;
    exec->err = (struct err){.code = ERR_NONE};
    exec->started = exec->env->now(exec->env->clock);
    exec->set = record_set_new(recorded_job_source(job), exec->started);
    exec->load = json_load_new(exec->set, (enum record_table)config->table, exec->env->run_states);
    return 0;
}

static void cancel(void *state, struct recorded_job *job)
{
    struct exec_state *exec = state;
    child_kill(exec->child);
    forget(exec);
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
