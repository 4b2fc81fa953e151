/* SPDX-License-Identifier: Apache-2.0 */
#include "source/radius_radacct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/text.h"
#include "io/child.h"
#include "io/loop.h"
#include "source/radius_port.h"
#include "source/radius_recent.h"
#include "wire/csv.h"

#define KEEP_EVENTS span_seconds(7 * 86400)
#define OVERLAP     span_seconds(120)

/* column of radacct, enumerator */
#define RADACCT_COLUMNS(COLUMN)                                                                    \
    COLUMN("callingstationid", COLUMN_CALLING)                                                     \
    COLUMN("acctstarttime", COLUMN_START)                                                          \
    COLUMN("acctupdatetime", COLUMN_UPDATE)                                                        \
    COLUMN("acctstoptime", COLUMN_STOP)                                                            \
    COLUMN("acctuniqueid", COLUMN_UNIQUE)                                                          \
    COLUMN("acctsessionid", COLUMN_SESSION)                                                        \
    COLUMN("nasidentifier", COLUMN_IDENTIFIER)                                                     \
    COLUMN("nasipaddress", COLUMN_NAS)                                                             \
    COLUMN("nasportid", COLUMN_PORT)                                                               \
    COLUMN("username", COLUMN_USER)                                                                \
    COLUMN("acctterminatecause", COLUMN_CAUSE)                                                     \
    COLUMN("framedipaddress", COLUMN_ADDRESS)                                                      \
    COLUMN("framedipv6address", COLUMN_ADDRESS6)

enum column {
#define COLUMN(name, enumerator) enumerator,
    RADACCT_COLUMNS(COLUMN)
#undef COLUMN
        COLUMN_COUNT
};

/* Without these two a row says nothing. */
enum { NEEDED_COLUMNS = COLUMN_START + 1 };

struct radius_radacct {
    struct env *env;
    struct radius_radacct_options options;
    struct radius_port_rule *rule;
    struct radius_recent *told;
    struct event_feed *feed;
    struct loop_timer *timer;
    struct child *child;       /* NULL between runs */
    struct csv_reader *reader; /* of the run */
    size_t columns[COLUMN_COUNT];
    bool headed, refused, fed;
    struct err output_err; /* what is wrong with this run's output */
    struct wall since;     /* WALL_UNKNOWN: no run has ended well */
    struct wall latest;    /* of the rows of this run */
    uint64_t polls, failures, rows, events, bad_rows, put_off;
};

/* One row with what is common to its events. */
struct row {
    char texts[COLUMN_COUNT][RADIUS_TEXT_SIZE];
    char port[RADIUS_TEXT_SIZE];
    struct event event;
};

struct radius_radacct *
radius_radacct_new(struct env *env, const struct radius_radacct_options *options, struct err *err)
{
    struct radius_port_rule *rule = radius_port_rule_new(options->ports, err);
    if (rule == NULL)
        return NULL;
    struct radius_radacct *radacct = alloc_zeroed(1, sizeof(*radacct));
    radacct->env = env;
    radacct->options = *options;
    radacct->rule = rule;
    radacct->since = WALL_UNKNOWN;
    radacct->told = radius_recent_new(LIMIT_RADIUS_RECENT, KEEP_EVENTS);
    return radacct;
}

void radius_radacct_free(struct radius_radacct *radacct)
{
    if (radacct == NULL)
        return;
    radius_radacct_stop(radacct);
    radius_port_rule_free(radacct->rule);
    radius_recent_free(radacct->told);
    free(radacct);
}

/* --- a row --- */

/* Takes a database's time, which FreeRADIUS's schema for SQLite keeps as seconds since
 * 1970; what is empty, NULL or MySQL's 0000-00-00 is not said. */
static struct wall read_time(const char *text)
{
    struct wall at;
    char epoch[RADIUS_TEXT_SIZE + 1];
    if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0') {
        snprintf(epoch, sizeof(epoch), "@%s", text);
        text = epoch;
    }
    if (strncmp(text, "0000", 4) == 0 || wall_parse(text, strlen(text), &at) != 0)
        return WALL_UNKNOWN;
    return at;
}

static const char *find_switch(const struct radius_radacct *radacct, const struct row *row)
{
    const char *identifier = row->texts[COLUMN_IDENTIFIER], *address = row->texts[COLUMN_NAS];
    const char *found = NULL;
    struct ip ip;
    if (identifier[0] != '\0')
        found = event_feed_switch(radacct->feed, NULL, identifier);
    if (found == NULL && ip_parse(address, strlen(address), &ip) == 0)
        found = event_feed_switch(radacct->feed, &ip, NULL);
    return found != NULL ? found : identifier[0] != '\0' ? identifier : address;
}

/* Hands one event over unless it was before. */
static void tell(struct radius_radacct *radacct, struct row *row, enum event_kind kind,
                 struct wall at)
{
    struct event *event = &row->event;
    const char *unique =
        row->texts[row->texts[COLUMN_UNIQUE][0] != '\0' ? COLUMN_UNIQUE : COLUMN_SESSION];
    const uint64_t seed = hash_u64((uint64_t)at.us, hash_seed() + (uint64_t)kind);
    const uint64_t key = hash_bytes(unique, strlen(unique), hash_u64(event->mac.bits, seed));
    const struct mono now = loop_now(radacct->env->loop);
    if (radius_recent_find(radacct->told, key, now) != RADIUS_NEWS)
        return;
    event->kind = kind;
    event->at = at;
    event->cause = kind == EVENT_STOP ? row->texts[COLUMN_CAUSE] : NULL;
    if (event_feed_add(radacct->feed, event, EVENT_NO_TICKET) != 0) {
        radacct->refused = true; /* so that the next run asks for it again */
        radacct->put_off++;
        return;
    }
    radius_recent_put(radacct->told, key, now);
    radacct->fed = true;
    radacct->events++;
}

static void make_event(struct radius_radacct *radacct, struct row *row, struct mac mac)
{
    const struct radius_accounting record = {
        .port_id = {row->texts[COLUMN_PORT], strlen(row->texts[COLUMN_PORT])}};
    const char *address =
        row->texts[row->texts[COLUMN_ADDRESS6][0] != '\0' ? COLUMN_ADDRESS6 : COLUMN_ADDRESS];
    struct event *event = &row->event;
    *event = event_of(EVENT_START);
    event->proof = EVENT_PROOF_TOLD;
    event->mac = mac;
    event->switch_name = event->nas = find_switch(radacct, row);
    event->port = radius_port_apply(radacct->rule, &record, row->port);
    event->node = row->texts[COLUMN_USER];
    event->session = row->texts[COLUMN_SESSION];
    if (ip_parse(address, strlen(address), &event->address) != 0)
        event->address = IP_NONE;
}

static void take_row(struct radius_radacct *radacct, const struct csv_row *fields)
{
    struct row row;
    struct mac mac;
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        const size_t at = radacct->columns[c];
        struct radius_text text = {NULL, 0};
        if (at < fields->count)
            text = (struct radius_text){fields->fields[at].text, fields->fields[at].length};
        radius_text_copy(text, row.texts[c]);
        if (strcmp(row.texts[c], "NULL") == 0)
            row.texts[c][0] = '\0';
    }
    radacct->rows++;
    const char *calling = row.texts[COLUMN_CALLING];
    const struct wall start = read_time(row.texts[COLUMN_START]),
                      update = read_time(row.texts[COLUMN_UPDATE]),
                      stop = read_time(row.texts[COLUMN_STOP]);
    if (radius_station_parse(calling, strlen(calling), RADIUS_PORT_TYPE_UNKNOWN, &mac) !=
            RADIUS_STATION_MAC ||
        !wall_known(start)) {
        radacct->bad_rows++;
        return;
    }
    make_event(radacct, &row, mac);
    tell(radacct, &row, EVENT_START, start);
    if (wall_known(update) && update.us > start.us && !wall_known(stop))
        tell(radacct, &row, EVENT_UPDATE, update);
    if (wall_known(stop))
        tell(radacct, &row, EVENT_STOP, stop);
    const struct wall times[] = {start, update, stop};
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        if (wall_known(times[i]) && times[i].us > radacct->latest.us)
            radacct->latest = times[i];
    }
}

/* --- a run --- */

static int take_header(struct radius_radacct *radacct, const struct csv_row *row, struct err *err)
{
    static const char *const names[COLUMN_COUNT] = {
#define COLUMN(name, enumerator) name,
        RADACCT_COLUMNS(COLUMN)
#undef COLUMN
    };
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        radacct->columns[c] = SIZE_MAX;
        for (size_t i = 0; i < row->count; i++) {
            if (row->fields[i].length == strlen(names[c]) &&
                strncasecmp(row->fields[i].text, names[c], row->fields[i].length) == 0)
                radacct->columns[c] = i;
        }
        if (c < NEEDED_COLUMNS && radacct->columns[c] == SIZE_MAX)
            return err_set(err, ERR_SYNTAX, "its first row has no column %s", names[c]);
    }
    radacct->headed = true;
    return 0;
}

static void take_rows(struct radius_radacct *radacct)
{
    struct csv_row row;
    struct csv_place place;
    struct err *err = &radacct->output_err;
    int status;
    while ((status = csv_next(radacct->reader, &row, &place, err)) > 0) {
        if (!radacct->headed && take_header(radacct, &row, err) != 0)
            return;
        if (row.line > 1)
            take_row(radacct, &row);
    }
    if (status < 0)
        err_prefix(err, "line %u of its output", place.line);
}

static void take_output(void *aux, const char *bytes, size_t length)
{
    struct radius_radacct *radacct = aux;
    for (size_t at = 0; at < length && radacct->output_err.code == ERR_NONE;) {
        size_t room;
        char *space = csv_space(radacct->reader, &room);
        if (room > length - at)
            room = length - at;
        memcpy(space, bytes + at, room);
        csv_filled(radacct->reader, room);
        take_rows(radacct);
        at += room;
    }
    if (radacct->fed)
        event_feed_flush(radacct->feed);
    radacct->fed = false;
}

/* The last row may lack its line end. */
static void take_end(struct radius_radacct *radacct)
{
    size_t room;
    if (radacct->output_err.code != ERR_NONE)
        return;
    csv_space(radacct->reader, &room);
    csv_filled(radacct->reader, 0);
    take_rows(radacct);
    take_output(radacct, "", 0);
}

static int judge_end(const struct child_end *end, const char *program, struct err *err)
{
    const int length = (int)(end->error_length > 200 ? 200 : end->error_length);
    const char *tail = end->error_text + (end->error_length - (size_t)length);
    switch (end->outcome) {
    case CHILD_EXITED:
        if (end->code == 0)
            return 0;
        return err_set(err, ERR_PROTOCOL, "radacct: %s ended with %d: %.*s", program, end->code,
                       length, tail);
    case CHILD_SIGNALLED:
        return err_set(err, ERR_PROTOCOL, "radacct: %s was ended by signal %d", program, end->code);
    case CHILD_TIMED_OUT:
        return err_set(err, ERR_TIMEOUT, "radacct: %s took too long", program);
    case CHILD_TOO_MUCH:
        return err_set(err, ERR_LIMIT, "radacct: %s printed more than %d MiB", program,
                       LIMIT_RADACCT_MIB);
    }
    UNREACHABLE();
}

static void fail(struct radius_radacct *radacct, const struct err *err)
{
    radacct->failures++;
    if (radacct->options.alone)
        event_feed_failed(radacct->feed, err);
}

static void run_ended(void *aux, const struct child_end *end)
{
    struct radius_radacct *radacct = aux;
    const char *program = radacct->options.command->items[0];
    struct err err;
    radacct->child = NULL;
    take_end(radacct);
    csv_free(radacct->reader);
    radacct->reader = NULL;
    loop_timer_start(radacct->timer, radacct->options.interval);
    if (judge_end(end, program, &err) != 0) {
        fail(radacct, &err);
    } else if (radacct->output_err.code != ERR_NONE) {
        err = radacct->output_err;
        err_prefix(&err, "radacct: %s", program);
        fail(radacct, &err);
    } else if (!radacct->refused && radacct->latest.us > radacct->since.us) {
        radacct->since = radacct->latest;
    }
}

/* Copies `argument` with its placeholders replaced; yours to free. */
static char *fill_argument(const char *argument, struct wall since)
{
    struct text text = TEXT_EMPTY;
    char when[CLOCK_TEXT_SIZE];
    const struct wall whole = {since.us - since.us % 1000000};
    wall_format(whole, when); /* 2026-11-23T10:00:00Z */
    when[10] = ' ';
    when[19] = '\0';
    while (*argument != '\0') {
        if (strncmp(argument, "{since}", 7) == 0) {
            text_add(&text, when);
            argument += 7;
        } else if (strncmp(argument, "{since_epoch}", 13) == 0) {
            text_printf(&text, "%lld", (long long)(whole.us / 1000000));
            argument += 13;
        } else {
            text_add_char(&text, *argument++);
        }
    }
    return text_take(&text);
}

static int start_run(struct radius_radacct *radacct, struct err *err)
{
    const struct option_list *command = radacct->options.command;
    const struct wall now = radacct->env->now(radacct->env->clock);
    const struct wall since = wall_known(radacct->since)
                                  ? (struct wall){radacct->since.us - OVERLAP.us}
                                  : (struct wall){now.us - radacct->options.lookback.us};
    char **argv = alloc_zeroed(command->count + 1, sizeof(*argv));
    for (size_t i = 0; i < command->count; i++)
        argv[i] = fill_argument(command->items[i], since);
    const struct child_options options = {.argv = (const char *const *)argv,
                                          .timeout = radacct->options.timeout,
                                          .max_bytes = (uint64_t)LIMIT_RADACCT_MIB << 20,
                                          .output = take_output,
                                          .done = run_ended,
                                          .aux = radacct};
    radacct->child = child_start(radacct->env->loop, &options, err);
    for (size_t i = 0; i < command->count; i++)
        free(argv[i]);
    free(argv);
    return radacct->child == NULL ? (int)err->code : 0;
}

static void ask(void *aux)
{
    struct radius_radacct *radacct = aux;
    struct err err;
    radacct->polls++;
    radacct->headed = radacct->refused = radacct->fed = false;
    radacct->output_err = (struct err){.code = ERR_NONE};
    radacct->latest = radacct->since;
    if (start_run(radacct, &err) == 0) {
        radacct->reader = csv_new();
        return;
    }
    loop_timer_start(radacct->timer, radacct->options.interval);
    fail(radacct, &err);
}

void radius_radacct_start(struct radius_radacct *radacct, struct event_feed *feed)
{
    radacct->feed = feed;
    radacct->timer = loop_timer_new(radacct->env->loop, ask, radacct);
    loop_timer_start(radacct->timer, span_us(0));
}

void radius_radacct_stop(struct radius_radacct *radacct)
{
    child_kill(radacct->child);
    radacct->child = NULL;
    csv_free(radacct->reader);
    radacct->reader = NULL;
    loop_timer_free(radacct->timer);
    radacct->timer = NULL;
}

void radius_radacct_status(const struct radius_radacct *radacct, struct source_status *ret)
{
    const struct source_counter counters[] = {{"radacct_polls", radacct->polls, false},
                                              {"radacct_rows", radacct->rows, false},
                                              {"radacct_events", radacct->events, false},
                                              {"radacct_bad_rows", radacct->bad_rows, false},
                                              {"radacct_failures", radacct->failures, true},
                                              {"radacct_not_taken", radacct->put_off, true}};
    CHECK(ret->count + ARRAY_COUNT(counters) <= SOURCE_COUNTER_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(counters); i++)
        ret->counters[ret->count++] = counters[i];
}
