/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/daemon_client.h"
#include "cli/report.h"
#include "cli/table.h"
#include "model/discrepancy.h"

/* `muster status`: how the running daemon does, source by source. */

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static double real(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static struct span seconds(const json_t *object, const char *key)
{
    return span_us((int64_t)(real(object, key) * 1e6));
}

static bool is_null(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value == NULL || json_is_null(value);
}

/* "12.3 MiB". */
static void add_bytes(struct text *to, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < ARRAY_COUNT(units)) {
        bytes /= 1024;
        unit++;
    }
    text_printf(to, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

/* --- the paragraphs --- */

static void paragraph(const char *head, const struct text *text)
{
    AUTO_TEXT struct text prefix = TEXT_EMPTY;
    text_printf(&prefix, "%-9s", head);
    table_paragraph(stdout, text_get(&prefix), text_get(text), terminal_width(stdout));
}

static void print_daemon(const json_t *status)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    const json_t *loop = json_object_get(status, "loop");
    text_printf(&text, "musterd %s, pid %" PRId64 ", since %s; memory ",
                daemon_client_text(status, "version"), number(status, "pid"),
                daemon_client_text(status, "started"));
    add_bytes(&text, real(status, "resident_bytes"));
    const char *by = daemon_client_text(loop, "longest_hold_by");
    text_printf(&text, "; longest hold of the loop %.1f ms%s%s, most work in one hold %.1f ms",
                1e3 * real(loop, "longest_hold_seconds"), *by != '\0' ? " by " : "", by,
                1e3 * real(loop, "longest_work_seconds"));
    paragraph("daemon", &text);
    text_clear(&text);
    text_printf(&text, "%s, read %s", daemon_client_text(status, "config"),
                daemon_client_text(status, "config_read"));
    if (!is_null(status, "refused_at"))
        text_printf(&text, "; the reload at %s was REFUSED: muster check says why",
                    daemon_client_text(status, "refused_at"));
    paragraph("config", &text);
}

/* What was not stored: loud while it is so, a remark when the store does its work again. */
static void add_not_stored(struct text *to, const json_t *object, const char *loud,
                           const char *remark)
{
    int64_t count = number(object, "not_stored");
    if (count == 0)
        return;
    if (json_is_true(json_object_get(object, "storing")))
        text_printf(to, "; %" PRId64 " %s, the last at %s", count, remark,
                    daemon_client_text(object, "not_stored_at"));
    else
        text_printf(to, "; %" PRId64 " %s", count, loud);
}

static void print_polling(const json_t *status)
{
    const json_t *round = json_object_get(status, "round");
    AUTO_TEXT struct text text = TEXT_EMPTY;
    char interval[CLOCK_TEXT_SIZE], took[CLOCK_TEXT_SIZE], in[CLOCK_TEXT_SIZE];
    if (!json_is_true(json_object_get(status, "polling")))
        text_add(&text, "OFF: silence, and guests without events, are not observable; ");
    text_printf(&text, "a round every %s",
                span_format(seconds(status, "interval_seconds"), interval));
    if (is_null(round, "last_judged"))
        text_add(&text, "; none is judged yet");
    else
        text_printf(&text,
                    "; %" PRId64 " judged, the last at %s in %s: %" PRId64
                    " discrepancies, %" PRId64 " guests not observable",
                    number(round, "rounds"), daemon_client_text(round, "last_judged"),
                    span_format(seconds(round, "judging_seconds"), took),
                    number(round, "discrepancies"), number(round, "not_observable"));
    text_printf(&text, "; the next ends in %s", span_format(seconds(round, "next_in_seconds"), in));
    if (number(round, "left_out") > 0)
        text_printf(&text, "; %" PRId64 " rounds left out", number(round, "left_out"));
    add_not_stored(&text, round, "ROUNDS NOT STORED", "rounds were not stored");
    paragraph("polling", &text);
}

static void print_hearing(const json_t *status)
{
    const json_t *events = json_object_get(status, "events");
    AUTO_TEXT struct text text = TEXT_EMPTY;
    if (!json_is_true(json_object_get(status, "hearing")))
        text_add(&text, "OFF: nothing is heard between two rounds; ");
    text_printf(&text, "%" PRId64 " events, %" PRId64 " stored", number(events, "heard"),
                number(events, "stored"));
    if (number(events, "not_taken") > 0)
        text_printf(&text, ", %" PRId64 " NOT TAKEN", number(events, "not_taken"));
    if (number(events, "waiting") > 0)
        text_printf(&text, ", %" PRId64 " waiting for the disk", number(events, "waiting"));
    const json_t *live = json_object_get(status, "live");
    text_printf(&text,
                "; %" PRId64 " in order, %" PRId64 " judged, %" PRId64 " probes and %" PRId64
                " polls set off; %" PRId64 " sessions on the expiry list",
                number(live, "in_order"), number(live, "judged"), number(live, "probes"),
                number(live, "polls"), number(json_object_get(status, "expiry_list"), "sessions"));
    add_not_stored(&text, events, "EVENTS NOT STORED", "events were not stored");
    paragraph("hearing", &text);
}

static void print_journal(const json_t *status)
{
    const json_t *journal = json_object_get(status, "journal");
    AUTO_TEXT struct text text = TEXT_EMPTY;
    text_printf(&text, "%" PRId64 " events not in the store yet, ",
                number(journal, "not_in_store_yet"));
    add_bytes(&text, real(journal, "disk_bytes"));
    text_printf(&text, "; %" PRId64 " syncs, %.1f ms each, the longest %.1f ms",
                number(journal, "syncs"), 1e3 * real(journal, "sync_mean_seconds"),
                1e3 * real(journal, "sync_longest_seconds"));
    if (json_is_true(json_object_get(journal, "failing")))
        text_printf(&text, "; FAILING: %s", daemon_client_text(journal, "error"));
    paragraph("journal", &text);
}

static void print_store(const json_t *status)
{
    const json_t *store = json_object_get(status, "store");
    AUTO_TEXT struct text text = TEXT_EMPTY;
    char longest[CLOCK_TEXT_SIZE];
    text_printf(&text, "%s, ", daemon_client_text(store, "path"));
    add_bytes(&text, real(store, "file_bytes"));
    text_printf(&text, "; longest write %s",
                span_format(seconds(store, "longest_seconds"), longest));
    if (number(store, "failures") > 0)
        text_printf(&text, "; %" PRId64 " failures, the last at %s: %s", number(store, "failures"),
                    daemon_client_text(store, "failed_at"), daemon_client_text(store, "error"));
    paragraph("store", &text);
}

/* --- the sources --- */

static bool is_loss(const json_t *source, const char *counter)
{
    size_t index;
    const json_t *name;
    json_array_foreach(json_object_get(source, "losses"), index, name)
    {
        if (strcmp(json_string_value(name) != NULL ? json_string_value(name) : "", counter) == 0)
            return true;
    }
    return false;
}

/* Counters that are not zero; what was lost is marked. */
static void add_counters(struct text *to, const json_t *source)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(source, "counters"), name, value)
    {
        if (json_integer_value(value) == 0)
            continue;
        text_printf(to, "%s%s %" JSON_INTEGER_FORMAT "%s", to->length > 0 ? ", " : "", name,
                    json_integer_value(value), is_loss(source, name) ? "!" : "");
    }
}

/* Why receipts are not whole. */
static void add_gaps(struct text *to, const json_t *source)
{
    size_t index;
    const json_t *receipt;
    json_array_foreach(json_object_get(source, "receipts"), index, receipt)
    {
        if (!json_is_true(json_object_get(receipt, "whole")))
            text_printf(to, "%snot whole: %s", to->length > 0 ? "; " : "",
                        daemon_client_text(receipt, "why_not"));
    }
}

static void add_source(struct table *table, const json_t *source)
{
    AUTO_TEXT struct text note = TEXT_EMPTY;
    char lag[CLOCK_TEXT_SIZE];
    bool event = strcmp(daemon_client_text(source, "kind"), "event") == 0;
    const char *state = daemon_client_text(source, "state");
    table_cell(table, daemon_client_text(source, "name"));
    table_cell(table, daemon_client_text(source, "source_type"));
    table_cell(table, state);
    if (is_null(source, "lag_seconds"))
        table_cell(table, "-");
    else
        table_cellf(table, "%s ago", span_format(seconds(source, "lag_seconds"), lag));
    if (strcmp(state, "off") == 0) {
        table_cell(table, "-");
        table_cell(table, "-");
        return;
    }
    table_cellf(table, "%" PRId64 " %s", number(source, event ? "events" : "rows"),
                event ? "events" : "rows");
    table_cellf(table, "%" PRId64, number(source, event ? "not_taken" : "failures"));
    if (strcmp(state, "failed") == 0 || strcmp(state, "retrying") == 0)
        table_row_colour(table, COLOUR_RED);
    if (!is_null(source, "error"))
        text_add(&note, daemon_client_text(source, "error"));
    add_gaps(&note, source);
    if (event)
        add_counters(&note, source);
    if (note.length > 0)
        table_note(table, text_get(&note));
}

static void print_sources(const json_t *status)
{
    static const struct table_column columns[] = {{"SOURCE", 8}, {"TYPE", 6}, {"STATE", 0},
                                                  {"LAST", 0},   {"GAVE", 0}, {"FAILED", 0}};
    struct table *table = table_new(columns, ARRAY_COUNT(columns));
    size_t index;
    const json_t *source;
    json_array_foreach(json_object_get(status, "sources"), index, source) add_source(table, source);
    table_print(table, stdout, terminal_width(stdout), terminal_colours(stdout));
    table_free(table);
}

static void print_status(const json_t *status)
{
    print_daemon(status);
    print_polling(status);
    print_hearing(status);
    print_store(status);
    print_journal(status);
    putchar('\n');
    print_sources(status);
}

static void print_csv(const json_t *status)
{
    static const char *const keys[] = {"name",  "kind",         "source_type",
                                       "state", "last_success", "error"};
    size_t index;
    const json_t *source;
    fputs("name,kind,source_type,state,last_success,error\r\n", stdout);
    json_array_foreach(json_object_get(status, "sources"), index, source)
    {
        for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
            if (i > 0)
                putchar(',');
            report_csv_field(stdout, daemon_client_text(source, keys[i]));
        }
        fputs("\r\n", stdout);
    }
}

enum { OPTION_SOCKET = 256 };

int command_status(int argc, char **argv)
{
    static const struct option options[] = {{"socket", required_argument, NULL, OPTION_SOCKET},
                                            {NULL, 0, NULL, 0}};
    struct common_options common = {.config = "muster.yaml"};
    const char *socket = NULL;
    for (int option; (option = command_options(argc, argv, "status", options, &common)) != -1;) {
        if (option != OPTION_SOCKET)
            return EXIT_USAGE;
        socket = optarg;
    }
    if (optind != argc)
        return command_fail("status", EXIT_USAGE, "unexpected \"%s\"", argv[optind]);
    struct daemon_client *client = NULL;
    struct err err;
    json_t *status = NULL;
    int failed = daemon_client_open(common.config, socket, &client, &err);
    if (failed == 0)
        failed = daemon_client_ask(client, json_pack("{s:s}", "request", "status"), &err);
    if (failed == 0 && (status = daemon_client_read(client, &err)) == NULL)
        failed = err.code;
    if (failed == 0 && common.format == FORMAT_JSON)
        json_dumpf(status, stdout, JSON_COMPACT), putchar('\n');
    else if (failed == 0 && common.format == FORMAT_CSV)
        print_csv(status);
    else if (failed == 0)
        print_status(status);
    json_decref(status);
    daemon_client_close(client);
    return failed == 0 ? EXIT_CLEAN : command_fail("status", EXIT_USAGE, "%s", err.text);
}
