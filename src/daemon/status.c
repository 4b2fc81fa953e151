/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon/config.h"
#include "daemon/daemon_internal.h"
#include "io/clock.h"
#include "io/loop.h"
#include "model/json_out.h"

/* What `muster status` prints, as muster-schema(5) has it: field names only ever grow. */

static void add_number(struct text *to, const char *name, uint64_t number)
{
    json_key(to, name);
    text_printf(to, "%" PRIu64, number);
}

static void add_seconds(struct text *to, const char *name, struct span span)
{
    json_key(to, name);
    text_printf(to, "%.3f", span_as_seconds(span));
}

static void add_words(struct text *to, const char *name, const char *text)
{
    json_key(to, name);
    json_text_or_null(to, text);
}

static void add_time(struct text *to, const char *name, struct wall time)
{
    json_key(to, name);
    json_wall(to, time);
}

static void add_bool(struct text *to, const char *name, bool value)
{
    json_key(to, name);
    text_add(to, value ? "true" : "false");
}

static void open_object(struct text *to, const char *name)
{
    json_key(to, name);
    text_add_char(to, '{');
}

/* How old what is known of the source is; null when nothing is. */
static void add_lag(struct text *to, struct wall since, struct wall now)
{
    if (wall_known(since)) {
        add_seconds(to, "lag_seconds", wall_since(now, since));
    } else {
        json_key(to, "lag_seconds");
        text_add(to, "null");
    }
}

/* --- sources --- */

static const char *poller_state(const struct poller *poller)
{
    if (poller->err.code != 0 && poller->gap_rounds > 0)
        return "failed";
    if (poller->latest == NULL)
        return poller->polling ? "reading" : "waiting";
    return "read";
}

static void add_receipts(struct text *to, const struct poller *poller)
{
    json_key(to, "receipts");
    text_add_char(to, '[');
    const struct holding *latest = poller->latest;
    bool first = true;
    if (latest != NULL && latest->set != NULL) {
        json_receipt(to, &latest->receipt, NULL);
        first = false;
    }
    for (size_t t = 0; latest != NULL && t < latest->table_count; t++) {
        for (size_t i = 0; i < latest->tables[t]->receipt_count; i++) {
            if (!first)
                text_add_char(to, ',');
            json_receipt(to, &latest->tables[t]->receipts[i], latest->tables[t]->switch_name);
            first = false;
        }
    }
    text_add_char(to, ']');
}

static void add_poller(struct text *to, const struct poller *poller, struct wall now)
{
    text_add_char(to, '{');
    add_words(to, "name", poller->source->name);
    add_words(to, "kind", poller->is_recorded ? "recorded" : "observed");
    add_words(to, "source_type", config_source_plug(poller->source)->type);
    add_words(to, "state", poller_state(poller));
    add_time(to, "last_success", poller->latest_at);
    add_lag(to, poller->latest_at, now);
    add_bool(to, "reading", poller->polling);
    if (poller->polling)
        add_time(to, "reading_since", poller->began);
    add_number(to, "rows", poller->rows);
    add_seconds(to, "took_seconds", poller->took);
    add_number(to, "polls", poller->polls);
    add_number(to, "failures", poller->failures);
    add_number(to, "rounds_without", poller->gap_rounds);
    add_words(to, "error", poller->gap_rounds > 0 ? poller->err.text : NULL);
    if (!poller->is_recorded) {
        add_number(to, "probes", poller->probes);
        add_number(to, "probe_failures", poller->probe_failures);
        add_number(to, "probes_refused", poller->probes_refused);
        add_number(to, "probes_waiting", poller_probes_waiting(poller));
    }
    add_receipts(to, poller);
    text_add_char(to, '}');
}

static void add_ear(struct text *to, const struct ear *ear, struct wall now)
{
    struct source_status status;
    hearing_status(ear, &status);
    text_add_char(to, '{');
    add_words(to, "name", ear->source->name);
    add_words(to, "kind", "event");
    add_words(to, "source_type", config_source_plug(ear->source)->type);
    const char *state = ear->on_trial ? "retrying" : ear->listening ? "listening" : "failed";
    add_words(to, "state", state);
    add_time(to, "state_since", ear->since);
    add_time(to, "last_success", ear->heard);
    add_lag(to, ear->heard, now);
    add_number(to, "events", ear->events);
    add_number(to, "not_taken", ear->refused);
    add_number(to, "starts", ear->starts);
    add_number(to, "rounds_without", ear->gap_rounds);
    add_words(to, "error", ear->listening && !ear->on_trial ? NULL : ear->err.text);
    open_object(to, "counters");
    for (size_t i = 0; i < status.count; i++)
        add_number(to, status.counters[i].name, status.counters[i].value);
    text_add(to, "}");
    json_key(to, "losses");
    text_add_char(to, '[');
    for (size_t i = 0, listed = 0; i < status.count; i++) {
        if (!status.counters[i].loss)
            continue;
        text_add(to, listed++ > 0 ? "," : "");
        json_text(to, status.counters[i].name);
    }
    text_add(to, "]}");
}

/* What the configuration has and the daemon does not run: a half that is switched off. */
static void add_off(struct text *to, const struct config_source *source, const char *kind)
{
    text_add_char(to, '{');
    add_words(to, "name", source->name);
    add_words(to, "kind", kind);
    add_words(to, "source_type", config_source_plug(source)->type);
    add_words(to, "state", "off");
    text_add_char(to, '}');
}

static void next(struct text *to)
{
    if (to->data[to->length - 1] != '[')
        text_add_char(to, ',');
}

static void add_sources(struct daemon *daemon, struct text *to, struct wall now)
{
    const struct config *config = daemon->generation->config;
    size_t count;
    struct poller *const *pollers = auditor_pollers(daemon->auditor, &count);
    json_key(to, "sources");
    text_add_char(to, '[');
    for (size_t i = 0; i < count; i++) {
        next(to);
        add_poller(to, pollers[i], now);
    }
    for (size_t i = 0; !config->daemon.polling && i < config->observed_count; i++) {
        next(to);
        add_off(to, &config->observed[i], "observed");
    }
    struct ear *const *ears = hearing_ears(daemon->hearing, &count);
    for (size_t i = 0; i < count; i++) {
        next(to);
        add_ear(to, ears[i], now);
    }
    for (size_t i = 0; !config->daemon.hearing && i < config->event_count; i++) {
        next(to);
        add_off(to, &config->events[i], "event");
    }
    text_add_char(to, ']');
}

/* --- the rest --- */

static void add_round(struct daemon *daemon, struct text *to)
{
    struct auditor_status status;
    auditor_count(daemon->auditor, &status);
    open_object(to, "round");
    add_number(to, "rounds", status.rounds);
    add_number(to, "left_out", status.left_out);
    add_number(to, "not_stored", status.not_stored);
    add_time(to, "not_stored_at", status.not_stored_at);
    add_bool(to, "storing", status.storing);
    add_time(to, "last_started", status.last_started);
    add_time(to, "last_judged", status.last_judged);
    add_seconds(to, "judging_seconds", status.judging);
    add_number(to, "discrepancies", status.discrepancies);
    add_number(to, "not_observable", status.not_observable);
    add_number(to, "targeted_polls", status.targeted);
    add_number(to, "refreshes", status.refreshes);
    add_seconds(to, "next_in_seconds", mono_since(auditor_next_end(daemon->auditor), clock_mono()));
    text_add_char(to, '}');
}

static void add_store(struct daemon *daemon, struct text *to)
{
    struct keeper_status status;
    struct stat about;
    keeper_count(daemon->keeper, &status);
    open_object(to, "store");
    add_words(to, "path", keeper_path(daemon->keeper));
    add_number(to, "file_bytes",
               stat(keeper_path(daemon->keeper), &about) == 0 ? (uint64_t)about.st_size : 0);
    add_number(to, "errands", status.errands);
    add_number(to, "waiting", status.waiting);
    add_seconds(to, "longest_seconds", status.longest);
    add_number(to, "failures", status.failures);
    add_time(to, "failed_at", status.failed_at);
    add_words(to, "error", status.failures > 0 ? status.latest.text : NULL);
    text_add_char(to, '}');
}

static void add_events(struct daemon *daemon, struct text *to)
{
    struct event_queue_status status;
    hearing_count(daemon->hearing, &status);
    open_object(to, "events");
    add_number(to, "heard", status.added);
    add_number(to, "stored", status.stored);
    add_number(to, "not_stored", status.not_stored);
    add_time(to, "not_stored_at", status.not_stored_at);
    add_bool(to, "storing", status.storing);
    add_number(to, "not_taken", status.refused);
    add_number(to, "waiting", status.waiting);
    text_add_char(to, '}');
}

static void add_journal(struct daemon *daemon, struct text *to)
{
    struct journal_status status;
    journal_status(ledger_journal(daemon->ledger), &status);
    open_object(to, "journal");
    add_number(to, "added", status.added);
    add_number(to, "stored", status.stored);
    add_number(to, "failed", status.failed);
    add_number(to, "syncs", status.syncs);
    add_seconds(to, "sync_longest_seconds", status.sync_longest);
    add_seconds(to, "sync_mean_seconds",
                span_us(status.syncs > 0 ? status.sync_total.us / (int64_t)status.syncs : 0));
    add_number(to, "not_in_store_yet", status.waiting);
    add_number(to, "pending_bytes", status.pending_bytes);
    add_number(to, "disk_bytes", status.disk_bytes);
    add_bool(to, "failing", status.failing);
    add_words(to, "error", status.failing ? status.cause.text : NULL);
    text_add_char(to, '}');
}

static void add_live(struct daemon *daemon, struct text *to)
{
    struct reactor_status status;
    reactor_count(daemon->reactor, &status);
    open_object(to, "live");
    add_number(to, "events", status.live.events);
    add_number(to, "in_order", status.live.in_order);
    add_number(to, "judged", status.live.judged);
    add_number(to, "unmapped", status.live.unmapped);
    add_number(to, "unborne", status.live.unborne);
    add_number(to, "storms", status.live.storms);
    add_number(to, "full", status.live.full);
    add_number(to, "standing", status.live.standing);
    add_number(to, "open_windows", status.live.open_windows);
    add_number(to, "probes", status.probes);
    add_number(to, "probes_refused", status.probes_refused);
    add_number(to, "probes_held_back", status.live.probes_held_back);
    add_number(to, "polls", status.polls);
    add_number(to, "case_changes", status.case_changes);
    add_number(to, "cases_waiting", status.cases_waiting);
    add_number(to, "cases_not_kept", status.cases_not_kept);
    add_number(to, "notes", status.notes);
    add_number(to, "notes_not_kept", status.notes_not_kept);
    text_add_char(to, '}');
    open_object(to, "expiry_list");
    add_number(to, "sessions", status.sessions);
    add_number(to, "bytes", status.list_bytes);
    text_add_char(to, '}');
}

static void add_control(struct daemon *daemon, struct text *to)
{
    struct control_status status;
    control_count(daemon->control, &status);
    open_object(to, "control");
    add_number(to, "clients", status.clients);
    add_number(to, "watchers", status.watchers);
    add_number(to, "requests", status.requests);
    add_number(to, "refused", status.refused);
    add_number(to, "dropped", status.dropped);
    text_add_char(to, '}');
}

/* Returns the resident memory in bytes, 0 when it cannot be read. */
static uint64_t resident_bytes(void)
{
    unsigned long long size, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu %llu", &size, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void status_print(struct daemon *daemon, struct text *to)
{
    const struct daemon_options *options = &daemon->generation->config->daemon;
    struct wall now = clock_wall();
    text_add(to, "{\"type\":\"status\"");
    add_words(to, "version", MUSTER_VERSION);
    add_number(to, "pid", (uint64_t)getpid());
    add_time(to, "started", daemon->started);
    add_time(to, "now", now);
    add_words(to, "config", daemon->start.config_file);
    add_time(to, "config_read", daemon->config_read);
    add_number(to, "reloads", daemon->reloads);
    add_number(to, "reloads_refused", daemon->reloads_refused);
    add_time(to, "refused_at", daemon->refused_at);
    add_bool(to, "polling", options->polling);
    add_bool(to, "hearing", options->hearing);
    add_seconds(to, "interval_seconds", options->interval);
    add_round(daemon, to);
    add_events(daemon, to);
    add_store(daemon, to);
    add_journal(daemon, to);
    add_live(daemon, to);
    add_control(daemon, to);
    open_object(to, "loop");
    json_key(to, "longest_hold_seconds");
    text_printf(to, "%.6f", span_as_seconds(loop_longest_hold(daemon->loop)));
    add_words(to, "longest_hold_by", loop_longest_name(daemon->loop));
    json_key(to, "longest_work_seconds");
    text_printf(to, "%.6f", span_as_seconds(loop_longest_work(daemon->loop)));
    text_add_char(to, '}');
    add_number(to, "resident_bytes", resident_bytes());
    add_sources(daemon, to, now);
    text_add_char(to, '}');
}
