/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "daemon/config_check.h"
#include "daemon/daemon_internal.h"
#include "io/clock.h"
#include "io/loop.h"

/* The daemon's configuration: the first one, and those that take its place.
 *
 * Making a plug-in on trial may derive keys from passwords, which takes as long as the loop
 * may be held; so a reload tries the sources that changed one a turn, and the new
 * configuration takes over when the last of them is right. */

/* A new configuration on trial. */
struct trial {
    struct daemon *daemon;
    struct generation *generation;
    struct config_report report;
    const char *file;
    struct config *config; /* until the generation has it */
    int status;
    bool loading;    /* a worker reads the file */
    bool again;      /* was asked for once more meanwhile */
    size_t next;     /* source: recorded, observed, event ones in a row */
    uint64_t client; /* who asked; 0: nobody waits */
    struct loop_timer *timer;
};

static void log_lines(struct log *log, enum log_level level, const char *lines)
{
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        log_say(log, level, "config", "%.*s", (int)length, lines);
        lines += length + (lines[length] == '\n');
    }
}

static void log_report(struct daemon *daemon, const struct config_report *report)
{
    log_lines(daemon->log, LOG_LEVEL_WARNING, text_get(&report->warnings));
    log_lines(daemon->log, LOG_LEVEL_ERROR, text_get(&report->errors));
}

static void learn_switches(struct daemon *daemon)
{
    const struct config *config = daemon->generation->config;
    switch_names_reset(daemon->switches);
    for (size_t i = 0; i < config->observed_count; i++) {
        const struct config_source *source = &config->observed[i];
        if (source->switch_name != NULL)
            switch_names_configure(daemon->switches, source->switch_name,
                                   config_source_text(source, "address"));
    }
    const struct snapshot *current =
        daemon->auditor != NULL ? auditor_current(daemon->auditor) : NULL;
    if (current != NULL)
        switch_names_learn(
            daemon->switches, (const struct record_set *const *)current->round.records,
            current->round.record_count, (const struct forward_table *const *)current->round.tables,
            current->round.table_count);
}

/* Takes `generation`, which is kept once for the daemon. */
static void take_generation(struct daemon *daemon, struct generation *generation)
{
    generation_drop(daemon->generation);
    daemon->generation = generation;
    daemon->config_read = clock_wall();
    if (!daemon->start.level_given)
        log_set_level(daemon->log, (enum log_level)generation->config->daemon.log_level);
    learn_switches(daemon);
}

int daemon_first_config(struct daemon *daemon)
{
    struct config_report report;
    struct config *config = NULL;
    if (config_load(daemon->start.config_file, &config, &report) == 0) {
        config_warn_missing(config, &report);
        struct generation *generation = generation_new(config, &daemon->env);
        config_try(config, &generation->env, &report);
        if (report.error_count == 0)
            take_generation(daemon, generation);
        else
            generation_drop(generation);
    }
    log_report(daemon, &report);
    config_report_done(&report);
    return daemon->generation != NULL ? 0 : ERR_SYNTAX;
}

/* --- reload --- */

static bool texts_differ(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

/* What a reload cannot change is said. */
static void say_unchanged(struct daemon *daemon, const struct config *now)
{
    const struct config *before = daemon->generation->config;
    const char *const what[] = {"store", "daemon: socket", "daemon: group", "daemon: user"};
    const bool differs[] = {texts_differ(before->store, now->store),
                            texts_differ(before->daemon.socket, now->daemon.socket),
                            texts_differ(before->daemon.group, now->daemon.group),
                            texts_differ(before->daemon.user, now->daemon.user)};
    for (size_t i = 0; i < ARRAY_COUNT(what); i++) {
        if (differs[i])
            log_say(daemon->log, LOG_LEVEL_WARNING, "config",
                    "%s was changed; that takes a restart, until then it stays as it was", what[i]);
    }
}

static void trial_free(struct trial *trial)
{
    generation_drop(trial->generation);
    config_report_done(&trial->report);
    free(trial);
}

void daemon_forget_reload(struct daemon *daemon)
{
    struct trial *trial = daemon->trial;
    if (trial == NULL)
        return;
    daemon->trial = NULL;
    loop_timer_free(trial->timer);
    trial->timer = NULL;
    if (trial->loading)
        trial->daemon = NULL; /* the worker's end frees it */
    else
        trial_free(trial);
}

static void answer(struct daemon *daemon, uint64_t client_number, int code, const char *message)
{
    struct control_client *client =
        client_number != 0 ? control_find(daemon->control, client_number) : NULL;
    if (client != NULL)
        control_end(client, code, message);
}

static void refuse(struct trial *trial)
{
    struct daemon *daemon = trial->daemon;
    daemon->reloads_refused++;
    daemon->refused_at = clock_wall();
    log_report(daemon, &trial->report);
    log_say(daemon->log, LOG_LEVEL_ERROR, "config",
            "%s: not taken; the configuration of before goes on", daemon->start.config_file);
    answer(daemon, trial->client, ERR_SYNTAX, text_get(&trial->report.errors));
}

static void take_over(struct trial *trial)
{
    struct daemon *daemon = trial->daemon;
    log_report(daemon, &trial->report);
    say_unchanged(daemon, trial->generation->config);
    take_generation(daemon, trial->generation);
    trial->generation = NULL;
    hearing_reload(daemon->hearing, daemon->generation);
    auditor_reload(daemon->auditor, daemon->generation);
    daemon->reloads++;
    daemon->refused_at = WALL_UNKNOWN;
    log_say(daemon->log, LOG_LEVEL_INFO, "config", "%s: read again, in force",
            daemon->start.config_file);
    AUTO_TEXT struct text message = TEXT_EMPTY;
    text_add(&message, "the configuration was read again and is in force");
    if (trial->report.warning_count > 0)
        text_printf(&message, "\n%s", text_get(&trial->report.warnings));
    answer(daemon, trial->client, 0, text_get(&message));
}

static void end_trial(struct trial *trial)
{
    struct daemon *daemon = trial->daemon;
    if (trial->report.error_count > 0)
        refuse(trial);
    else
        take_over(trial);
    bool again = trial->again;
    daemon_forget_reload(daemon);
    notify_send(daemon->notify, "READY=1\nSTATUS=running");
    if (again)
        daemon_reload(daemon, 0);
}

/* The `number`th source of all; NULL behind the last. */
static const struct config_source *source_at(const struct config *config, size_t number)
{
    if (number < config->recorded_count)
        return &config->recorded[number];
    number -= config->recorded_count;
    if (number < config->observed_count)
        return &config->observed[number];
    number -= config->observed_count;
    return number < config->event_count ? &config->events[number] : NULL;
}

/* Whether the configuration in force has the source, too: it need not be tried. */
static bool is_known(const struct trial *trial, const struct config_source *source)
{
    const struct generation *before = trial->daemon->generation;
    const struct config_source *other;
    /* As a rule it stands where it stood. */
    other = source_at(before->config, trial->next);
    if (other != NULL && strcmp(other->name, source->name) == 0)
        return generation_same(before, other, trial->generation, source);
    for (size_t i = 0; (other = source_at(before->config, i)) != NULL; i++) {
        if (strcmp(other->name, source->name) == 0)
            return generation_same(before, other, trial->generation, source);
    }
    return false;
}

/* Sources that are compared in one turn, and at most one that is tried. */
enum { COMPARED_A_TURN = 256 };

static void try_next(void *aux)
{
    struct trial *trial = aux;
    const struct config *config = trial->generation->config;
    for (int i = 0; i < COMPARED_A_TURN; i++) {
        const struct config_source *source = source_at(config, trial->next);
        if (source == NULL) {
            end_trial(trial);
            return;
        }
        bool known = is_known(trial, source);
        trial->next++;
        if (known)
            continue;
        config_try_source(config, source, &trial->generation->env, &trial->report);
        break;
    }
    loop_timer_start(trial->timer, span_us(0));
}

static void load(void *aux)
{
    struct trial *trial = aux;
    trial->status = config_load(trial->file, &trial->config, &trial->report);
    if (trial->status == 0)
        config_warn_missing(trial->config, &trial->report);
}

static void loaded(void *aux)
{
    struct trial *trial = aux;
    trial->loading = false;
    if (trial->daemon == NULL) {
        config_free(trial->config);
        trial_free(trial);
        return;
    }
    if (trial->status != 0) {
        end_trial(trial);
        return;
    }
    trial->generation = generation_new(trial->config, &trial->daemon->env);
    loop_timer_start(trial->timer, span_us(0));
}

void daemon_reload(struct daemon *daemon, uint64_t client)
{
    if (daemon->trial != NULL) {
        /* What is being read may be what the file was before it was changed again. */
        daemon->trial->again = true;
        answer(daemon, client, 0,
               "the configuration is being read already, and is read once more after that");
        return;
    }
    struct trial *trial = alloc_zeroed(1, sizeof *trial);
    trial->daemon = daemon;
    trial->client = client;
    uint32_t before = loop_name(daemon->loop, "the reload");
    trial->timer = loop_timer_new(daemon->loop, try_next, trial);
    daemon->trial = trial;
    trial->file = daemon->start.config_file;
    trial->loading = true;
    notify_reloading(daemon->notify);
    loop_work_start(daemon->loop, load, loaded, trial);
    loop_name_back(daemon->loop, before);
}
