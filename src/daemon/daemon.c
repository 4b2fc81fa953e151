/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "capture/capture_hub.h"
#include "daemon/daemon_internal.h"
#include "daemon/privilege.h"
#include "io/clock.h"
#include "io/loop.h"
#include "snmp/engine.h"

/* --- what the parts tell --- */

static void round_published(void *context, struct snapshot *snapshot, bool stored)
{
    struct daemon *daemon = context;
    switch_names_learn(daemon->switches, (const struct record_set *const *)snapshot->round.records,
                       snapshot->round.record_count,
                       (const struct forward_table *const *)snapshot->round.tables,
                       snapshot->round.table_count);
    const struct round *round = &snapshot->round;
    size_t in_part = 0;
    for (size_t i = 0; i < round->table_count; i++)
        in_part += !round->tables[i]->whole;
    log_say(daemon->log, snapshot->passing ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "audit",
            "round %llu: %zu switches read, %zu in part, %zu sources not, %zu discrepancies",
            (unsigned long long)snapshot->judging.round, round->table_count - in_part, in_part,
            round->failed_count, snapshot->judging.count);
    if (stored)
        daemon_tell_cases(daemon, snapshot->judging.changes, snapshot->judging.change_count);
    reactor_publish(daemon->reactor, snapshot);
}

static void switch_polled(void *context, const struct poller *poller, struct holding *before)
{
    reactor_polled(((struct daemon *)context)->reactor, poller, before);
}

static bool add_heard(void *context, struct snapshot *snapshot)
{
    return reactor_export(((struct daemon *)context)->reactor, snapshot);
}

static void cases_changed(void *context, const struct case_change *changes, size_t count)
{
    daemon_tell_cases(context, changes, count);
}

static void add_deaf(void *context, struct snapshot *snapshot)
{
    hearing_add_deaf(((struct daemon *)context)->hearing, snapshot);
}

static void events_heard(void *context, const struct event *events, size_t count)
{
    struct daemon *daemon = context;
    daemon_tell_events(daemon, events, count);
    reactor_heard(daemon->reactor, events, count);
    ledger_fold(daemon->ledger, count, daemon->generation->config->retention);
}

/* --- signals and the service manager --- */

static void on_hangup(void *aux, int signal_number)
{
    daemon_reload(aux, 0);
}

static void on_end(void *aux, int signal_number)
{
    struct daemon *daemon = aux;
    log_say(daemon->log, LOG_LEVEL_INFO, "daemon", "%s: ending",
            signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
    daemon->ending = true;
    loop_stop(daemon->loop);
}

static void on_watchdog(void *aux)
{
    struct daemon *daemon = aux;
    notify_send(daemon->notify, "WATCHDOG=1");
    loop_timer_start(daemon->watchdog, notify_watchdog(daemon->notify));
}

static int catch_signals(struct daemon *daemon, struct err *err)
{
    daemon->hangup = loop_signal_new(daemon->loop, SIGHUP, on_hangup, daemon, err);
    if (daemon->hangup != NULL)
        daemon->terminate = loop_signal_new(daemon->loop, SIGTERM, on_end, daemon, err);
    if (daemon->terminate != NULL)
        daemon->interrupt = loop_signal_new(daemon->loop, SIGINT, on_end, daemon, err);
    return daemon->interrupt != NULL ? 0 : ERR_SYSTEM;
}

/* --- the start --- */

static int open_sources(struct daemon *daemon)
{
    const struct hearing_parts parts = {.loop = daemon->loop,
                                        .log = daemon->log,
                                        .switches = daemon->switches,
                                        .heard = events_heard,
                                        .context = daemon};
    const struct config *config = daemon->generation->config;
    uint32_t before = loop_name(daemon->loop, "the events");
    daemon->hearing = hearing_new(&parts, daemon->generation);
    loop_name_back(daemon->loop, before);
    hearing_start(daemon->hearing);
    if (!config->daemon.hearing && config->event_count > 0)
        log_say(daemon->log, LOG_LEVEL_WARNING, "daemon",
                "hearing is switched off: nothing is heard between two rounds");
    if (!config->daemon.polling && config->observed_count > 0)
        log_say(daemon->log, LOG_LEVEL_WARNING, "daemon",
                "polling is switched off: silence, and guests without events, are not observable");
    return 0;
}

static void make_judging(struct daemon *daemon)
{
    const struct auditor_parts parts = {.loop = daemon->loop,
                                        .keeper = daemon->keeper,
                                        .judge = daemon->judge,
                                        .log = daemon->log,
                                        .listener = {.published = round_published,
                                                     .polled = switch_polled,
                                                     .add_deaf = add_deaf,
                                                     .add_heard = add_heard,
                                                     .context = daemon}};
    uint32_t before = loop_name(daemon->loop, "rounds");
    daemon->auditor = auditor_new(&parts, daemon->generation);
    const struct reactor_parts reactor = {.loop = daemon->loop,
                                          .log = daemon->log,
                                          .keeper = daemon->keeper,
                                          .auditor = daemon->auditor,
                                          .next_event =
                                              daemon->generation->config->daemon.durable
                                                  ? journal_next(ledger_journal(daemon->ledger))
                                                  : 0,
                                          .cases = cases_changed,
                                          .context = daemon};
    loop_name(daemon->loop, "the events");
    daemon->reactor = reactor_new(&reactor, daemon->generation->config);
    loop_name_back(daemon->loop, before);
}

static int open_rest(struct daemon *daemon, struct err *err)
{
    const struct config *config = daemon->generation->config;
    const struct control_listener listener = {daemon_asked, daemon};
    const struct control_options control = {.path = config->daemon.socket,
                                            .group = config->daemon.group,
                                            .clients = (size_t)config->daemon.clients};
    int status = privilege_drop(config->daemon.user, err);
    uint32_t before = loop_name(daemon->loop, "the keeper");
    if (status == 0)
        status = keeper_new(daemon->loop, config->store, &daemon->keeper, err);
    loop_name(daemon->loop, "the judge");
    if (status == 0)
        status = worker_new(daemon->loop, "muster-judge", WORKER_YIELDS, &daemon->judge, err);
    loop_name(daemon->loop, "the journal");
    if (status == 0)
        status = ledger_new(daemon->loop, daemon->keeper, daemon->log, config->daemon.durable,
                            &daemon->ledger, err);
    if (status == 0)
        status = hearing_keep_in(
            daemon->hearing, config->daemon.durable ? ledger_journal(daemon->ledger) : NULL, err);
    loop_name(daemon->loop, "the control socket");
    if (status == 0)
        status = control_new(daemon->loop, &control, daemon->log, &listener, &daemon->control, err);
    loop_name_back(daemon->loop, before);
    if (status != 0)
        return status;
    make_judging(daemon);
    before = loop_name(daemon->loop, "a signal");
    status = catch_signals(daemon, err);
    loop_name_back(daemon->loop, before);
    return status;
}

int daemon_new(const struct daemon_start *start, struct daemon **ret)
{
    struct daemon *daemon = alloc_zeroed(1, sizeof *daemon);
    struct err err = {0};
    daemon->start = *start;
    daemon->log = start->log;
    daemon->started = clock_wall();
    daemon->refused_at = WALL_UNKNOWN;
    daemon->notify = notify_new();
    daemon->switches = switch_names_new();
    thread_is_waited_for();
    daemon->loop = loop_new();
    loop_measure_work(daemon->loop);
    loop_pool_yields(daemon->loop);
    daemon->env = (struct env){
        .loop = daemon->loop, .capture = capture_hub_new(daemon->loop), .now = clock_env_now};
    uint32_t before = loop_name(daemon->loop, "SNMP");
    int status = snmp_engine_new_on_loop(daemon->loop, &daemon->env.snmp, &err);
    loop_name_back(daemon->loop, before);
    if (status == 0)
        status = daemon_first_config(daemon);
    if (status == 0)
        status = open_sources(daemon);
    if (status == 0)
        status = open_rest(daemon, &err);
    if (status != 0) {
        if (err.code != 0)
            log_say(daemon->log, LOG_LEVEL_ERROR, "daemon", "%s", err.text);
        daemon_free(daemon);
        return status;
    }
    *ret = daemon;
    return 0;
}

/* Recalled: the first round may begin. */
static void recalled(void *context)
{
    struct daemon *daemon = context;
    recall_free(daemon->recall);
    daemon->recall = NULL;
    if (!daemon->ending)
        auditor_start(daemon->auditor);
}

static void recall(struct daemon *daemon)
{
    const struct recall_parts parts = {.loop = daemon->loop,
                                       .log = daemon->log,
                                       .keeper = daemon->keeper,
                                       .ledger = daemon->ledger,
                                       .auditor = daemon->auditor,
                                       .reactor = daemon->reactor,
                                       .generation = daemon->generation,
                                       .done = recalled,
                                       .context = daemon};
    uint32_t before = loop_name(daemon->loop, "the recall");
    daemon->recall = recall_new(&parts);
    loop_name_back(daemon->loop, before);
}

void daemon_run(struct daemon *daemon)
{
    recall(daemon);
    notify_send(daemon->notify, "READY=1\nSTATUS=running");
    log_say(daemon->log, LOG_LEVEL_INFO, "daemon", "running; control socket %s",
            daemon->generation->config->daemon.socket);
    if (notify_watchdog(daemon->notify).us > 0) {
        uint32_t before = loop_name(daemon->loop, "the watchdog");
        daemon->watchdog = loop_timer_new(daemon->loop, on_watchdog, daemon);
        loop_name_back(daemon->loop, before);
        on_watchdog(daemon);
    }
    while (!daemon->ending)
        loop_run(daemon->loop);
    notify_send(daemon->notify, "STOPPING=1\nSTATUS=ending");
}

/* A round that is on its way goes from thread to thread by the loop's hand: both workers
 * are drained until neither has anything. */
static void drain(struct daemon *daemon)
{
    if (daemon->keeper == NULL || daemon->judge == NULL)
        return;
    struct keeper_status status;
    for (keeper_count(daemon->keeper, &status);
         status.waiting > 0 || worker_waiting(daemon->judge) > 0;
         keeper_count(daemon->keeper, &status))
        loop_step(daemon->loop);
}

void daemon_free(struct daemon *daemon)
{
    if (daemon == NULL)
        return;
    daemon->ending = true;
    daemon_forget_reload(daemon);
    if (daemon->auditor != NULL)
        auditor_stop(daemon->auditor);
    if (daemon->hearing != NULL)
        hearing_stop(daemon->hearing);
    if (daemon->reactor != NULL)
        reactor_stop(daemon->reactor);
    if (daemon->ledger != NULL)
        ledger_stop(daemon->ledger);
    drain(daemon);
    control_free(daemon->control);
    hearing_free(daemon->hearing);
    recall_free(daemon->recall);
    reactor_free(daemon->reactor);
    auditor_free(daemon->auditor);
    worker_free(daemon->judge);
    ledger_free(daemon->ledger);
    keeper_free(daemon->keeper);
    loop_timer_free(daemon->watchdog);
    loop_signal_free(daemon->hangup);
    loop_signal_free(daemon->terminate);
    loop_signal_free(daemon->interrupt);
    snmp_engine_free(daemon->env.snmp);
    generation_drop(daemon->generation);
    capture_hub_free(daemon->env.capture);
    loop_free(daemon->loop);
    switch_names_free(daemon->switches);
    notify_free(daemon->notify);
    free(daemon);
}
