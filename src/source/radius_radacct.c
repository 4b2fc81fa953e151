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

#define KEEP_EVENTS   span_seconds(7 * 86400)
#define EARLIEST_TIME ((struct wall){INT64_C(946684800000000)}) /* 2000-01-01 */

/* The server's tickets never have the highest bit. */
#define TICKETS_OURS (UINT64_C(1) << 63)

enum { EPOCHS = 1 << 30 };

#define GO_ON_AFTER span_ms(10)

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
    bool held;        /* rows wait in `reader`, output in `rest`, and the program pauses */
    struct text rest; /* output; from `rest_at` on the reader was not given it yet */
    size_t rest_at;
    struct err output_err; /* what is wrong with this run's output */
    struct wall since;     /* WALL_UNKNOWN: no run has ended well */
    struct wall before;    /* `since` when everything of earlier runs was on the disk */
    struct wall latest;    /* of the rows of this run */
    uint32_t epoch;        /* of the tickets: those of before a stop mean nothing */
    uint32_t unsettled;    /* events that may still not be stored */
    bool lost;             /* some were not */
    uint64_t polls, failures, rows, events, bad_rows, wrong_times, put_off;
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
    radacct->since = radacct->before = WALL_UNKNOWN;
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
 * 1970, and which UNIX_TIMESTAMP() makes so, perhaps with a fraction; what is empty, NULL or
 * MySQL's 0000-00-00 is not said. */
static struct wall read_time(const char *text)
{
    struct wall at;
    char epoch[RADIUS_TEXT_SIZE + 1];
    if (text[0] != '\0' && text[strspn(text, "0123456789.")] == '\0') {
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

/* When it happened: not later than now, nor by a clock that was never set. */
static struct wall sane_time(const struct radius_radacct *radacct, struct wall at)
{
    const struct wall now = radacct->env->now(radacct->env->clock);
    return at.us < EARLIEST_TIME.us || at.us > now.us ? now : at;
}

static uint64_t ticket_of(const struct radius_radacct *radacct)
{
    return TICKETS_OURS | radacct->epoch;
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
    event->at = sane_time(radacct, at);
    event->cause = kind == EVENT_STOP ? row->texts[COLUMN_CAUSE] : NULL;
    if (event_feed_add(radacct->feed, event, ticket_of(radacct)) != 0) {
        radacct->refused = true; /* so that the next run asks for it again */
        radacct->put_off++;
        return;
    }
    radacct->unsettled++;
    radius_recent_put(radacct->told, key, now);
    radacct->fed = true;
    radacct->events++;
}

/* The column holds NAS-Port-Id, and where a switch has none NAS-Port: a plain number is taken for
 * that, as it came over the wire. */
static struct radius_accounting port_record(const char *port)
{
    enum { DIGITS_MOST = 10 };
    const size_t length = strlen(port), digits = strspn(port, "0123456789");
    const uint64_t number =
        digits == length && length <= DIGITS_MOST ? strtoull(port, NULL, 10) : UINT64_MAX;
    struct radius_accounting record = {.port_id = {port, length}};
    if (length > 0 && number <= UINT32_MAX) {
        record.port_id = (struct radius_text){NULL, 0};
        record.has_port = true;
        record.port = (uint32_t)number;
    }
    return record;
}

static void make_event(struct radius_radacct *radacct, struct row *row, struct mac mac)
{
    const struct radius_accounting record = port_record(row->texts[COLUMN_PORT]);
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

/* Notes from where the next run is to ask. The times are the switches': one whose clock is ahead
 * must not make what all others say invisible. */
static void note_times(struct radius_radacct *radacct, struct wall start, struct wall update,
                       struct wall stop)
{
    const struct wall times[] = {start, update, stop};
    bool wrong = false;
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        if (!wall_known(times[i]))
            continue;
        const struct wall at = sane_time(radacct, times[i]);
        wrong = wrong || at.us != times[i].us;
        if (at.us > radacct->latest.us)
            radacct->latest = at;
    }
    radacct->wrong_times += wrong;
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
    note_times(radacct, start, update, stop);
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
        radacct->held = event_feed_waiting(radacct->feed) > EVENT_FEED_MANY;
        if (radacct->held)
            return;
    }
    if (status < 0)
        err_prefix(err, "line %u of its output", place.line);
}

static void flush(struct radius_radacct *radacct)
{
    if (radacct->fed)
        event_feed_flush(radacct->feed);
    radacct->fed = false;
}

/* Gives the reader what it can take. Returns how much that was. */
static size_t read_output(struct radius_radacct *radacct, const char *bytes, size_t length)
{
    size_t at = 0;
    while (at < length && !radacct->held && radacct->output_err.code == ERR_NONE) {
        size_t room;
        char *space = csv_space(radacct->reader, &room);
        if (room > length - at)
            room = length - at;
        memcpy(space, bytes + at, room);
        csv_filled(radacct->reader, room);
        take_rows(radacct);
        at += room;
    }
    flush(radacct);
    return at;
}

static void take_output(void *aux, const char *bytes, size_t length)
{
    struct radius_radacct *radacct = aux;
    const size_t taken = read_output(radacct, bytes, length);
    if (!radacct->held)
        return;
    text_add_bytes(&radacct->rest, bytes + taken, length - taken);
    child_pause(radacct->child, true);
    loop_timer_start(radacct->timer, GO_ON_AFTER);
}

static void forget_rest(struct radius_radacct *radacct)
{
    text_clear(&radacct->rest);
    radacct->rest_at = 0;
    radacct->held = false;
}

/* Takes up what was held back while too many events waited. */
static void go_on(struct radius_radacct *radacct)
{
    radacct->held = false;
    take_rows(radacct);
    const char *rest = text_get(&radacct->rest) + radacct->rest_at;
    radacct->rest_at += read_output(radacct, rest, radacct->rest.length - radacct->rest_at);
    if (radacct->held) {
        loop_timer_start(radacct->timer, GO_ON_AFTER);
        return;
    }
    forget_rest(radacct);
    child_pause(radacct->child, false);
}

/* The last row may lack its line end. */
static void take_end(struct radius_radacct *radacct)
{
    size_t room;
    if (radacct->output_err.code != ERR_NONE || radacct->held)
        return;
    csv_space(radacct->reader, &room);
    csv_filled(radacct->reader, 0);
    take_rows(radacct);
    flush(radacct);
}

/* What the disk did not take is asked for again, from where all before it was taken. */
void radius_radacct_settled(struct radius_radacct *radacct, const uint64_t *tickets, size_t count,
                            bool stored)
{
    for (size_t i = 0; i < count; i++) {
        if (radacct->unsettled == 0 || tickets[i] != ticket_of(radacct))
            continue;
        radacct->unsettled--;
        if (stored)
            continue;
        radacct->lost = radacct->refused = true;
        radacct->since = radacct->before;
        radacct->put_off++;
    }
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
    forget_rest(radacct);
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
                                  ? (struct wall){radacct->since.us - radacct->options.overlap.us}
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

/* Which ones are not stored nobody knows: those that are will be known by the store. */
static void forget_told(struct radius_radacct *radacct)
{
    radius_recent_free(radacct->told);
    radacct->told = radius_recent_new(LIMIT_RADIUS_RECENT, KEEP_EVENTS);
    radacct->lost = false;
}

static void ask(struct radius_radacct *radacct)
{
    struct err err;
    radacct->polls++;
    radacct->headed = radacct->refused = radacct->fed = false;
    radacct->output_err = (struct err){.code = ERR_NONE};
    radacct->latest = radacct->since;
    if (radacct->unsettled == 0)
        radacct->before = radacct->since;
    if (radacct->lost)
        forget_told(radacct);
    if (start_run(radacct, &err) == 0) {
        radacct->reader = csv_new();
        csv_take_any_octets(radacct->reader); /* user names are what people typed */
        return;
    }
    loop_timer_start(radacct->timer, radacct->options.interval);
    fail(radacct, &err);
}

static void on_timer(void *aux)
{
    struct radius_radacct *radacct = aux;
    if (radacct->child != NULL)
        go_on(radacct);
    else
        ask(radacct);
}

void radius_radacct_start(struct radius_radacct *radacct, struct event_feed *feed)
{
    radacct->feed = feed;
    radacct->timer = loop_timer_new(radacct->env->loop, on_timer, radacct);
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
    text_done(&radacct->rest);
    forget_rest(radacct);
    if (radacct->unsettled > 0) { /* nobody will say what became of them */
        radacct->lost = true;
        radacct->since = radacct->before;
    }
    radacct->unsettled = 0;
    radacct->epoch = (radacct->epoch + 1) % EPOCHS;
}

void radius_radacct_status(const struct radius_radacct *radacct, struct source_status *ret)
{
    const struct source_counter counters[] = {{"radacct_polls", radacct->polls, false},
                                              {"radacct_rows", radacct->rows, false},
                                              {"radacct_events", radacct->events, false},
                                              {"radacct_bad_rows", radacct->bad_rows, false},
                                              {"radacct_wrong_times", radacct->wrong_times, false},
                                              {"radacct_failures", radacct->failures, true},
                                              {"radacct_not_taken", radacct->put_off, true}};
    CHECK(ret->count + ARRAY_COUNT(counters) <= SOURCE_COUNTER_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(counters); i++)
        ret->counters[ret->count++] = counters[i];
}
