/* SPDX-License-Identifier: Apache-2.0 */
#include "store/session_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

/* How long a peer goes on sending one message. */
#define SENT_AGAIN span_seconds(3600)

enum { CHAIN_LOOKS = 64 /* events that are compared with one that may be repeated */ };

void session_batch_init(struct session_batch *batch, struct store *store, int64_t next_id)
{
    *batch = (struct session_batch){.store = store, .arena = arena_new(), .next_id = next_id};
}

void session_batch_done(struct session_batch *batch)
{
    arena_free(batch->arena);
    free(batch->rows);
    map_done(&batch->by_key);
}

static void forget_rows(struct session_batch *batch)
{
    arena_clear(batch->arena);
    batch->count = 0;
    map_done(&batch->by_key);
}

/* --- names of sessions --- */

static bool filled(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static size_t add_bytes(uint8_t *to, size_t at, const void *bytes, size_t length)
{
    memcpy(to + at, bytes, length);
    return at + length;
}

static size_t add_text(uint8_t *to, size_t at, const char *text)
{
    return text == NULL ? add_bytes(to, at, "", 1) : add_bytes(to, at, text, strlen(text) + 1);
}

/* The journal keeps texts within EVENT_TEXT_MAX. */
static uint64_t session_key(const struct store *store, int64_t source_id, const struct event *event)
{
    uint8_t name[2 * (EVENT_TEXT_MAX + 1) + 64];
    size_t length = add_bytes(name, 0, &source_id, sizeof source_id);
    length = add_text(name, length, event->nas);
    if (filled(event->session)) {
        length = add_text(name, length, event->session);
    } else {
        length = add_bytes(name, length, &event->mac.bits, sizeof event->mac.bits);
        length = add_bytes(name, length, event->address.octets, sizeof event->address.octets);
    }
    uint64_t key = hash_bytes(name, length, store->secret_a);
    return key == UINT64_MAX ? 0 : key; /* the one key that a map does not take */
}

/* --- loading --- */

struct ip session_cell_address(const struct cell *cell)
{
    struct ip ip = IP_NONE;
    if (cell->type == CELL_BLOB && cell->length == sizeof ip.octets)
        memcpy(ip.octets, cell->bytes, sizeof ip.octets);
    return ip;
}

static struct session_row *new_row(struct session_batch *batch, uint64_t key)
{
    batch->rows = alloc_grow(batch->rows, batch->count, &batch->capacity, sizeof *batch->rows);
    struct session_row *row = &batch->rows[batch->count];
    *row = (struct session_row){.key = key,
                                .switch_name = "",
                                .port = "",
                                .cause = "",
                                .ended = WALL_UNKNOWN,
                                .expired = WALL_UNKNOWN,
                                .updated = WALL_UNKNOWN};
    map_put(&batch->by_key, key, (uint32_t)batch->count++);
    return row;
}

static void fill_row(struct session_batch *batch, const struct cell *cells, struct session_row *row)
{
    row->id = cells[0].integer;
    row->switch_name = cell_to_text(&cells[1], batch->arena);
    row->port = cell_to_text(&cells[2], batch->arena);
    row->vlan = (uint16_t)cells[3].integer;
    row->care_of = session_cell_address(&cells[4]);
    row->started.us = cells[5].integer;
    row->last.us = cells[6].integer;
    row->heard.us = cells[7].integer;
    row->ended = cell_to_wall(&cells[8]);
    row->updated = cell_to_wall(&cells[9]);
    row->lifetime.us = cells[10].integer;
    row->interval.us = cells[11].integer;
    row->updates = (uint64_t)cells[12].integer;
    row->proof = event_proof_parse(cells[13].bytes);
    row->implicit = cells[14].integer != 0;
    row->last_event = cells[15].integer;
    row->kept_event = cells[16].integer;
    row->cause = cell_to_text(&cells[17], batch->arena);
    row->origin = (uint64_t)cells[18].integer;
    row->kept_origin = (uint64_t)cells[19].integer;
    row->expired = cell_to_wall(&cells[20]);
}

/* Sets *ret to the latest life of the session `key`, NULL when there is none. */
static int find_row(struct session_batch *batch, uint64_t key, struct session_row **ret,
                    struct err *err)
{
    uint32_t index = map_find(&batch->by_key, key);
    if (index != MAP_NO_VALUE) {
        *ret = &batch->rows[index];
        return 0;
    }
    struct cell cells[STORE_COLUMNS_MAX];
    const struct cell parameter[] = {cell_integer((int64_t)key)};
    int result = store_one(batch->store, SQL_SESSION_FIND, parameter, 1, cells, err);
    *ret = NULL;
    if (result == 1) {
        *ret = new_row(batch, key);
        fill_row(batch, cells, *ret);
    }
    store_stop(batch->store, SQL_SESSION_FIND);
    if (*ret != NULL && (*ret)->proof == EVENT_PROOF_COUNT)
        return store_damaged(batch->store, err, "session %lld", (long long)(*ret)->id);
    return result < 0 ? result : 0;
}

/* --- repeated events --- */

/* Whether the chain that ends at `number` has an event of this kind and time. */
static int is_in_chain(struct store *store, int64_t number, const struct event *event,
                       struct err *err)
{
    int64_t instead = 0; /* where to go on when `number` is deleted */
    for (int looks = 0; looks < CHAIN_LOOKS && number > 0; looks++) {
        struct cell row[STORE_COLUMNS_MAX];
        const struct cell key[] = {cell_integer(number)};
        int result = store_one(store, SQL_EVENT_STEP, key, 1, row, err);
        bool same = result == 1 && event_kind_parse(row[0].bytes) == event->kind &&
                    row[1].integer == session_event_time(event).us;
        int64_t previous = result == 1 ? row[2].integer : instead;
        instead = result == 1 ? row[3].integer : 0;
        store_stop(store, SQL_EVENT_STEP);
        if (result < 0 || same)
            return result < 0 ? result : 1;
        if (previous >= number)
            return store_damaged(store, err, "the chain of event %lld", (long long)number);
        number = previous;
    }
    return 0;
}

/* Whether the latest words of the session were said by this very message: a sender without
 * a clock says another time when it sends it again. One that restarted may say by
 * chance what it said of the session that the restart ended. */
static bool is_same_message(const struct session_row *row, const struct event *event)
{
    if (event->origin == 0 || (event->origin != row->origin && event->origin != row->kept_origin) ||
        (event->kind != EVENT_STOP && wall_known(row->ended)))
        return false;
    return event->heard.us - row->heard.us < SENT_AGAIN.us;
}

/* Only what is not later than everything known can be there already. */
static int is_repeated(struct session_batch *batch, const struct session_row *row,
                       const struct event *event, struct err *err)
{
    if (is_same_message(row, event))
        return 1;
    struct wall at = session_event_time(event);
    bool newer = at.us > row->last.us && (!wall_known(row->ended) || at.us > row->ended.us);
    if (newer)
        return 0;
    int found = is_in_chain(batch->store, row->last_event, event, err);
    if (found == 0 && row->kept_event != row->last_event)
        found = is_in_chain(batch->store, row->kept_event, event, err);
    return found;
}

/* --- following an event --- */

static const char *kept_text(struct session_batch *batch, const char *text)
{
    return filled(text) ? arena_text(batch->arena, text, strlen(text)) : "";
}

static bool same_place(const struct session_row *row, const struct event *event)
{
    if (filled(event->switch_name) && strcmp(event->switch_name, row->switch_name) != 0)
        return false;
    if (filled(event->port) && strcmp(event->port, row->port) != 0)
        return false;
    return !ip_known(&event->care_of) || ip_equal(&event->care_of, &row->care_of);
}

static void take_place(struct session_batch *batch, struct session_row *row,
                       const struct event *event)
{
    if (event->vlan != 0)
        row->vlan = event->vlan;
    if (same_place(row, event))
        return;
    if (filled(event->switch_name))
        row->switch_name = kept_text(batch, event->switch_name);
    if (filled(event->port))
        row->port = kept_text(batch, event->port);
    if (ip_known(&event->care_of))
        row->care_of = event->care_of;
}

static void end_row(struct session_row *row, struct wall at, const char *cause)
{
    row->ended = at;
    row->cause = cause;
    row->is_ended = row->dirty = true;
}

/* Begins a life; `before` is the number of the session's life before it in the batch. */
static struct session_row *begin_row(struct session_batch *batch, uint64_t key, int64_t source_id,
                                     const struct event *event, const struct session_row *before)
{
    int64_t last_event = before == NULL ? 0 : before->last_event;
    int64_t kept_event = before == NULL ? 0 : before->kept_event;
    struct session_row *row = new_row(batch, key);
    row->id = batch->next_id++;
    row->source_id = source_id;
    row->last_event = last_event;
    row->kept_event = kept_event;
    row->started = row->last = session_event_time(event);
    row->implicit = event->kind != EVENT_START;
    row->is_new = true;
    row->begun = (struct event){.mac = event->mac,
                                .address = event->address,
                                .nas = kept_text(batch, event->nas),
                                .session = kept_text(batch, event->session),
                                .node = kept_text(batch, event->node)};
    take_place(batch, row, event);
    return row;
}

/* An open session that its start, or another one, comes to. */
static bool start_open(struct session_row *row, struct wall at)
{
    if (row->implicit && at.us <= row->started.us) {
        row->started = at;
        row->implicit = false;
        return true;
    }
    if (at.us <= row->last.us)
        return true; /* late: nothing follows */
    end_row(row, at, "replaced");
    return false;
}

/* A session that is over; its start may have been slower than its stop. */
static bool start_ended(struct session_row *row, struct wall at)
{
    if (at.us > row->ended.us)
        return false;
    if (row->implicit && at.us <= row->started.us) {
        row->started = at;
        row->implicit = false;
    }
    return true;
}

static void update_open(struct session_batch *batch, struct session_row *row,
                        const struct event *event, struct wall at)
{
    if (wall_known(row->updated) && at.us > row->updated.us)
        row->interval = wall_since(at, row->updated);
    if (!wall_known(row->updated) || at.us > row->updated.us)
        row->updated = at;
    row->updates++;
    if (at.us >= row->last.us)
        take_place(batch, row, event);
}

static void stop_open(struct session_batch *batch, struct session_row *row,
                      const struct event *event, struct wall at)
{
    bool other_place = !filled(event->session) && !same_place(row, event);
    if (!other_place && at.us >= row->started.us)
        end_row(row, at, kept_text(batch, event->cause));
}

/* Whether the session had been concluded to be over when the event was heard. What is heard of it
 * then begins a new life, as on the expiry list; only its stop, which came late, still ends it. */
static bool has_expired(const struct session_row *row, const struct event *event)
{
    return wall_known(row->expired) && !wall_known(row->ended) && event->heard.us > row->expired.us;
}

/* Returns the session that the event belongs to after it: `row`, or a new life. */
static struct session_row *follow(struct session_batch *batch, struct session_row *row,
                                  int64_t source_id, uint64_t key, const struct event *event)
{
    struct wall at = session_event_time(event);
    bool over = row != NULL && has_expired(row, event);
    bool open = row != NULL && !wall_known(row->ended) && !over;
    bool goes_on = row != NULL && (!over || event->kind == EVENT_STOP);
    if (over)
        open = goes_on;
    else if (event->kind == EVENT_START && row != NULL)
        goes_on = open ? start_open(row, at) : start_ended(row, at);
    else if (event->kind == EVENT_UPDATE && row != NULL && !open)
        goes_on = at.us <= row->ended.us;
    if (!goes_on) {
        row = begin_row(batch, key, source_id, event, row);
        open = true;
    }
    if (event->kind == EVENT_START && open && at.us >= row->last.us)
        take_place(batch, row, event);
    if (event->kind == EVENT_UPDATE && open)
        update_open(batch, row, event, at);
    if (event->kind == EVENT_STOP && open)
        stop_open(batch, row, event, at);
    return row;
}

static void note_event(struct session_row *row, const struct event *event)
{
    struct wall at = session_event_time(event);
    if (at.us > row->last.us)
        row->last = at;
    row->heard = event->heard;
    row->origin = event->origin;
    if (event->kind != EVENT_UPDATE)
        row->kept_origin = event->origin;
    if (event->lifetime.us != 0)
        row->lifetime = event->lifetime;
    if (event->proof > row->proof)
        row->proof = event->proof;
    row->dirty = true;
}

int session_batch_take(struct session_batch *batch, int64_t source_id, const struct event *event,
                       struct session_row **ret_row, struct err *err)
{
    uint64_t key = session_key(batch->store, source_id, event);
    struct session_row *row = NULL;
    int result = find_row(batch, key, &row, err);
    if (result == 0 && row != NULL)
        result = is_repeated(batch, row, event, err);
    if (result != 0)
        return result < 0 ? result : SESSION_REPEATED;
    row = follow(batch, row, source_id, key, event);
    note_event(row, event);
    *ret_row = row;
    return SESSION_TAKEN;
}

/* --- writing --- */

static int add_row(struct store *store, const struct session_row *row, struct err *err)
{
    const struct event *begun = &row->begun;
    const struct cell cells[] = {
        cell_integer(row->id),
        cell_integer((int64_t)row->key),
        cell_integer(row->source_id),
        cell_text(begun->nas),
        cell_text(begun->session),
        mac_known(begun->mac) ? cell_integer((int64_t)begun->mac.bits) : cell_null(),
        session_address_cell(&begun->address),
        cell_text(begun->node),
        cell_text(row->switch_name),
        cell_text(row->port),
        cell_integer(row->vlan),
        session_address_cell(&row->care_of),
        cell_wall(row->started),
        cell_wall(row->last),
        cell_wall(row->heard),
        cell_known_wall(row->ended),
        cell_text(row->cause),
        cell_known_wall(row->updated),
        cell_integer(row->lifetime.us),
        cell_integer(row->interval.us),
        cell_integer((int64_t)row->updates),
        cell_text(event_proof_word(row->proof)),
        cell_integer(row->implicit),
        cell_integer(row->last_event),
        cell_integer(row->kept_event),
        cell_integer((int64_t)row->origin),
        cell_integer((int64_t)row->kept_origin),
    };
    return store_run(store, SQL_SESSION_ADD, cells, ARRAY_COUNT(cells), err);
}

static int set_row(struct store *store, const struct session_row *row, struct err *err)
{
    const struct cell cells[] = {
        cell_integer(row->id),
        cell_text(row->switch_name),
        cell_text(row->port),
        cell_integer(row->vlan),
        session_address_cell(&row->care_of),
        cell_wall(row->started),
        cell_wall(row->last),
        cell_wall(row->heard),
        cell_known_wall(row->updated),
        cell_integer(row->lifetime.us),
        cell_integer(row->interval.us),
        cell_integer((int64_t)row->updates),
        cell_text(event_proof_word(row->proof)),
        cell_integer(row->implicit),
        cell_integer(row->last_event),
        cell_integer(row->kept_event),
        cell_integer((int64_t)row->origin),
        cell_integer((int64_t)row->kept_origin),
    };
    int failed = store_run(store, SQL_SESSION_SET, cells, ARRAY_COUNT(cells), err);
    const struct cell end[] = {cell_integer(row->id), cell_known_wall(row->ended),
                               cell_text(row->cause)};
    if (failed == 0 && row->is_ended)
        failed = store_run(store, SQL_SESSION_END, end, ARRAY_COUNT(end), err);
    return failed;
}

static int compare_rows(const void *a, const void *b)
{
    const struct session_row *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* In the order of the table, so that rows of one page are written together. */
int session_batch_write(struct session_batch *batch, struct err *err)
{
    if (batch->count > 1)
        qsort(batch->rows, batch->count, sizeof *batch->rows, compare_rows);
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < batch->count; i++) {
        const struct session_row *row = &batch->rows[i];
        if (row->is_new)
            failed = add_row(batch->store, row, err);
        else if (row->dirty)
            failed = set_row(batch->store, row, err);
    }
    forget_rows(batch);
    return failed;
}

int session_batch_reset(struct session_batch *batch, int64_t source_id, const struct event *event,
                        struct err *err)
{
    int failed = session_batch_write(batch, err);
    if (failed != 0)
        return failed;
    const struct cell cells[] = {
        cell_integer(source_id),
        cell_text(event->nas),
        cell_wall(session_event_time(event)),
        cell_text(filled(event->cause) ? event->cause : "reset"),
        filled(event->port) ? cell_text(event->port) : cell_null(),
    };
    return store_run(batch->store, SQL_SESSION_RESET, cells, ARRAY_COUNT(cells), err);
}
