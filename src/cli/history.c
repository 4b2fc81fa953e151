/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"
#include "model/json_out.h"

/* `muster history`: where an address or guest was, what records said of it, what
 * happened to its cases, as intervals. */

static const char *kind_word(enum history_kind kind)
{
    switch (kind) {
    case HISTORY_SEEN:
        return "seen";
    case HISTORY_RECORDED:
        return "recorded";
    case HISTORY_EVENT:
        return "event";
    case HISTORY_CASE:
        return "case";
    }
    UNREACHABLE();
}

static void add_part(struct text *to, const char *before, const char *text)
{
    if (text != NULL && *text != '\0')
        text_printf(to, "%s%s", before, text);
}

static void describe_event(struct text *to, const struct event *event)
{
    char care_of[IP_TEXT_SIZE];
    text_printf(to, "%s: %s", event->source, event_kind_word(event->kind));
    add_part(to, " ", event_hint_word(event->hint));
    add_part(to, " on ", event->switch_name);
    add_part(to, " port ", event->port);
    if (event->vlan != 0)
        text_printf(to, " vlan %u", event->vlan);
    if (ip_known(&event->care_of))
        add_part(to, " at ", ip_format(&event->care_of, care_of));
    add_part(to, ", session ", event->session);
    add_part(to, " of ", event->nas);
    add_part(to, ", ", event->cause);
}

static void describe(struct text *to, const struct history_entry *e)
{
    char mac[MAC_TEXT_SIZE], id[CASE_ID_SIZE];
    switch (e->kind) {
    case HISTORY_SEEN:
        text_printf(to, "%s on %s port %s", mac_format(e->mac, mac), e->source, e->port);
        if (*e->vlan != '\0')
            text_printf(to, " vlan %s", e->vlan);
        text_printf(to, ", in %u reading%s", e->reads, e->reads == 1 ? "" : "s");
        break;
    case HISTORY_RECORDED:
        text_printf(to, "%s: %s", e->source, e->text);
        break;
    case HISTORY_EVENT:
        describe_event(to, e->heard);
        break;
    case HISTORY_CASE:
        text_printf(to, "%s %s", case_id_format(e->event.case_number, id),
                    case_event_word(e->event.kind));
        if (e->text != NULL && *e->text != '\0')
            text_printf(to, ": %s", e->text);
        break;
    }
}

/* The end of an interval: without its date where that is the beginning's. */
static const char *end_of(struct wall until, const char *from, char buffer[static CLOCK_TEXT_SIZE])
{
    enum { DATE_LENGTH = 11 }; /* "2026-11-23T" */
    wall_format_seconds(until, buffer);
    bool same_day = strncmp(from, buffer, DATE_LENGTH) == 0;
    return same_day ? buffer + DATE_LENGTH : buffer;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool is_update(const struct history_entry *e)
{
    return e->kind == HISTORY_EVENT && e->heard->kind == EVENT_UPDATE;
}

/* A session that goes on says so every few minutes: one line has them all, up to the next word of
 * its source that is another. Marks them in `told`; returns how many there are, and the last. */
static size_t count_updates(const struct history_entry *entries, size_t count, size_t first,
                            bool *told, size_t *ret_last)
{
    const struct event *event = entries[first].heard;
    size_t found = 1;
    *ret_last = first;
    for (size_t i = first + 1; i < count; i++) {
        const struct event *other = entries[i].heard;
        if (entries[i].kind != HISTORY_EVENT || !same_text(event->source, other->source) ||
            !mac_equal(entries[first].mac, entries[i].mac))
            continue;
        if (!is_update(&entries[i]) || !same_text(event->session, other->session) ||
            !same_text(event->nas, other->nas) || !same_text(event->port, other->port) ||
            !same_text(event->switch_name, other->switch_name) || event->vlan != other->vlan ||
            !ip_equal(&event->care_of, &other->care_of) || event->hint != other->hint)
            break;
        told[i] = true;
        *ret_last = i;
        found++;
    }
    return found;
}

static void print_table(const struct history_entry *entries, size_t count)
{
    static const struct table_column columns[] = {
        {"FROM", 0}, {"TO", 0}, {"WHAT", 0}, {"SAYS", 20}};
    struct table *table = table_new(columns, ARRAY_COUNT(columns));
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
    AUTO_TEXT struct text says = TEXT_EMPTY;
    AUTO_FREE bool *told = alloc_zeroed(count + 1, sizeof *told);
    for (size_t i = 0; i < count; i++) {
        size_t last = i, updates = 1;
        if (told[i])
            continue;
        if (is_update(&entries[i]))
            updates = count_updates(entries, count, i, told, &last);
        table_cell(table, wall_format_seconds(entries[i].at, from));
        bool instant = entries[i].kind == HISTORY_CASE || entries[i].kind == HISTORY_EVENT;
        struct wall until = instant ? entries[last].at : entries[i].until;
        table_cell(table, instant && updates == 1 ? ""
                          : entries[i].current    ? "now"
                                                  : end_of(until, from, to));
        table_cell(table, kind_word(entries[i].kind));
        text_clear(&says);
        describe(&says, &entries[i]);
        if (updates > 1)
            text_printf(&says, ", %zu times", updates);
        table_cell(table, text_get(&says));
    }
    table_print(table, stdout, terminal_width(stdout), terminal_colours(stdout));
    table_free(table);
}

static void print_json(const struct history_entry *e)
{
    char id[CASE_ID_SIZE];
    AUTO_TEXT struct text out = TEXT_EMPTY;
    text_add_char(&out, '{');
    json_key(&out, "type");
    json_text(&out, kind_word(e->kind));
    json_key(&out, "from");
    json_wall(&out, e->at);
    json_key(&out, "to");
    json_wall(&out, e->current ? WALL_UNKNOWN : e->until);
    json_key(&out, "current");
    text_add(&out, e->current ? "true" : "false");
    json_key(&out, "mac");
    json_mac(&out, e->mac);
    json_key(&out, "guest");
    json_text(&out, e->guest);
    json_key(&out, "source");
    json_text(&out, e->source);
    if (e->kind == HISTORY_SEEN) {
        json_key(&out, "port");
        json_text_or_null(&out, e->port);
        json_key(&out, "vlan");
        json_vlan(&out, e->vlan);
        json_key(&out, "status");
        json_text_or_null(&out, e->status);
        json_key(&out, "reads");
        text_printf(&out, "%u", e->reads);
    }
    if (e->kind == HISTORY_EVENT) {
        json_key(&out, "heard");
        text_add_char(&out, '{');
        json_event(&out, e->heard);
        text_add_char(&out, '}');
    }
    if (e->kind == HISTORY_CASE) {
        json_key(&out, "case");
        json_text(&out, case_id_format(e->event.case_number, id));
        json_key(&out, "event");
        json_text(&out, case_event_word(e->event.kind));
    }
    json_key(&out, "text");
    json_text(&out, e->text);
    text_add_char(&out, '}');
    puts(text_get(&out));
}

static void print_csv(const struct history_entry *entries, size_t count)
{
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
    AUTO_TEXT struct text says = TEXT_EMPTY;
    fputs("from,to,what,says\r\n", stdout);
    for (size_t i = 0; i < count; i++) {
        printf("%s,%s,%s,", wall_format(entries[i].at, from),
               entries[i].current ? "" : wall_format(entries[i].until, to),
               kind_word(entries[i].kind));
        text_clear(&says);
        describe(&says, &entries[i]);
        report_csv_field(stdout, text_get(&says));
        fputs("\r\n", stdout);
    }
}

static int print_history(struct session *session, const char *name, enum output_format format)
{
    struct err err;
    struct mac spelled;
    const struct mac *macs = &spelled;
    size_t mac_count = 1, count = 0;
    const struct history_entry *entries = NULL;
    bool is_mac = mac_parse(name, strlen(name), &spelled) == 0;
    int status = 0;
    if (!is_mac)
        status = store_find_macs(session->store, name, session->arena, &macs, &mac_count, &err);
    if (status == ERR_NOT_FOUND)
        mac_count = 0;
    else if (status != 0)
        return command_fail("history", EXIT_USAGE, "%s", err.text);
    struct history_query query = {.macs = macs,
                                  .mac_count = mac_count,
                                  .guest = is_mac ? NULL : name,
                                  .from = WALL_UNKNOWN,
                                  .to = WALL_UNKNOWN};
    if (store_load_history(session->store, &query, session->arena, &entries, &count, &err) != 0)
        return command_fail("history", EXIT_USAGE, "%s", err.text);
    if (count == 0)
        return command_fail("history", EXIT_FOUND, "the store knows nothing of %s", name);
    if (format == FORMAT_TABLE)
        print_table(entries, count);
    else if (format == FORMAT_CSV)
        print_csv(entries, count);
    for (size_t i = 0; format == FORMAT_JSON && i < count; i++)
        print_json(&entries[i]);
    return EXIT_CLEAN;
}

int command_history(int argc, char **argv)
{
    struct common_options common = {.config = "muster.yaml"};
    if (command_options(argc, argv, "history", NULL, &common) != COMMAND_OPTIONS_END)
        return EXIT_USAGE;
    if (argc - optind != 1)
        return command_fail("history", EXIT_USAGE, "expected one MAC or guest");
    struct session session;
    int status = session_open(&session, "history", &common, SESSION_STORE_READ);
    if (status == EXIT_CLEAN && session.store == NULL)
        status =
            command_fail("history", EXIT_USAGE, "there is no store yet: `muster audit` makes one");
    else if (status == EXIT_CLEAN)
        status = print_history(&session, argv[optind], common.format);
    session_close(&session);
    return status;
}
