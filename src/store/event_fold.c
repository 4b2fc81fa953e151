/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/event_log.h"
#include "store/session_log.h"

/* What one event may make deleted: more than one, so that what is too old goes faster
 * than new comes. */
enum { DROPS_PER_EVENT = 2, DROPS_LEAST = 1024 };

struct fold_source {
    char *name, *type;
    int64_t id, events, repeated, last_event;
    struct wall last, last_heard;
};

/* One call of store_events_fold(). */
struct fold {
    struct store *store;
    struct fold_source *sources;
    size_t source_count, source_capacity;
    struct session_batch sessions;
    struct event_fold *result;
};

/* --- numbers beside the tables --- */

static int get_meta(struct store *store, const char *key, int64_t *ret, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_META_GET, (struct cell[]){cell_text(key)}, 1, row, err);
    if (result == 1)
        *ret = row[0].integer;
    store_stop(store, SQL_META_GET);
    if (result == 1 && *ret < 0)
        return store_damaged(store, err, "%s is negative", key);
    if (result == 0)
        return store_damaged(store, err, "%s is missing", key);
    return result < 0 ? result : 0;
}

static int set_meta(struct store *store, const char *key, int64_t value, struct err *err)
{
    const struct cell cells[] = {cell_text(key), cell_integer(value)};
    return store_run(store, SQL_META_SET, cells, 2, err);
}

int store_events_position(struct store *store, struct event_position *ret, struct err *err)
{
    int64_t identity = 0, folded = 0;
    int failed = get_meta(store, "journal", &identity, err);
    if (failed == 0)
        failed = get_meta(store, "folded", &folded, err);
    if (failed == 0)
        *ret = (struct event_position){(uint64_t)identity, (uint64_t)folded};
    return failed;
}

/* --- sources --- */

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static int load_source(struct store *store, struct fold_source *source, struct err *err)
{
    const struct cell key[] = {cell_text(source->name), cell_text(source->type)};
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_EVENT_SOURCE_FIND, key, 2, row, err);
    if (result == 1) {
        source->id = row[0].integer;
        source->events = row[1].integer;
        source->repeated = row[2].integer;
        source->last_event = row[3].integer;
        source->last.us = row[4].integer;
        source->last_heard.us = row[5].integer;
    }
    store_stop(store, SQL_EVENT_SOURCE_FIND);
    if (result != 0)
        return result < 0 ? result : 0;
    result = store_one(store, SQL_EVENT_SOURCE_ADD, key, 2, row, err);
    if (result == 1)
        source->id = row[0].integer;
    store_stop(store, SQL_EVENT_SOURCE_ADD);
    if (result == 0)
        return store_damaged(store, err, "an event source cannot be added");
    return result < 0 ? result : 0;
}

/* Few sources, and mostly the one of the event before. */
static int find_source(struct fold *fold, const struct event *event, struct fold_source **ret,
                       struct err *err)
{
    const char *name = or_empty(event->source), *type = or_empty(event->type);
    for (size_t i = 0; i < fold->source_count; i++) {
        struct fold_source *source = &fold->sources[i];
        if (strcmp(source->name, name) == 0 && strcmp(source->type, type) == 0) {
            *ret = source;
            return 0;
        }
    }
    fold->sources = alloc_grow(fold->sources, fold->source_count, &fold->source_capacity,
                               sizeof *fold->sources);
    struct fold_source *source = &fold->sources[fold->source_count++];
    *source = (struct fold_source){.name = alloc_text(name), .type = alloc_text(type)};
    *ret = source;
    return load_source(fold->store, source, err);
}

static int write_sources(struct fold *fold, struct err *err)
{
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < fold->source_count; i++) {
        const struct fold_source *source = &fold->sources[i];
        const struct cell cells[] = {
            cell_integer(source->id),       cell_integer(source->events),
            cell_integer(source->repeated), cell_integer(source->last_event),
            cell_wall(source->last),        cell_wall(source->last_heard)};
        failed = store_run(fold->store, SQL_EVENT_SOURCE_SET, cells, ARRAY_COUNT(cells), err);
    }
    return failed;
}

/* --- events --- */

static struct cell said_text(const char *text)
{
    return text == NULL || text[0] == '\0' ? cell_null() : cell_text(text);
}

/* Adds the row; `session` may be NULL. */
static int add_event(struct fold *fold, uint64_t sequence, const struct event *event,
                     int64_t source_id, const struct session_row *session, struct err *err)
{
    const struct cell cells[] = {
        cell_integer((int64_t)sequence),
        cell_integer(source_id),
        cell_text(event_kind_word(event->kind)),
        cell_text(event_hint_word(event->hint)),
        cell_text(event_proof_word(event->proof)),
        session == NULL ? cell_null() : cell_integer(session->id),
        cell_integer(session == NULL ? 0 : session->last_event),
        cell_integer(session == NULL ? 0 : session->kept_event),
        mac_known(event->mac) ? cell_integer((int64_t)event->mac.bits) : cell_null(),
        session_address_cell(&event->address),
        said_text(event->switch_name),
        said_text(event->port),
        cell_integer(event->vlan),
        session_address_cell(&event->care_of),
        session_address_cell(&event->agent),
        session_address_cell(&event->correspondent),
        said_text(event->node),
        said_text(event->nas),
        said_text(event->session),
        said_text(event->cause),
        cell_wall(session_event_time(event)),
        cell_wall(event->heard),
        cell_integer(event->lifetime.us),
    };
    return store_run(fold->store, SQL_EVENT_ADD, cells, ARRAY_COUNT(cells), err);
}

static int fold_session(struct fold *fold, uint64_t sequence, const struct event *event,
                        struct fold_source *source, struct err *err)
{
    struct session_row *session = NULL;
    int result = session_batch_take(&fold->sessions, source->id, event, &session, err);
    if (result == SESSION_REPEATED) {
        source->repeated++;
        fold->result->repeated++;
    }
    if (result != SESSION_TAKEN)
        return result < 0 ? result : 0;
    int failed = add_event(fold, sequence, event, source->id, session, err);
    session->last_event = (int64_t)sequence;
    if (event->kind != EVENT_UPDATE)
        session->kept_event = (int64_t)sequence;
    return failed;
}

static int fold_event(struct fold *fold, uint64_t sequence, const struct event *event,
                      struct err *err)
{
    struct fold_source *source = NULL;
    int failed = find_source(fold, event, &source, err);
    if (failed != 0)
        return failed;
    source->events++;
    source->last_event = (int64_t)sequence;
    source->last = session_event_time(event);
    source->last_heard = event->heard;
    if (event->kind == EVENT_START || event->kind == EVENT_UPDATE || event->kind == EVENT_STOP)
        return fold_session(fold, sequence, event, source, err);
    if (event->kind == EVENT_RESET)
        failed = session_batch_reset(&fold->sessions, source->id, event, err);
    return failed != 0 ? failed : add_event(fold, sequence, event, source->id, NULL, err);
}

/* Events up to `folded` were taken before, and are read again after an error. */
static int fold_events(struct fold *fold, struct journal *journal, size_t limit, uint64_t folded,
                       struct err *err)
{
    int result = 1;
    while (result == 1 && fold->result->events < limit) {
        struct event event;
        uint64_t sequence;
        result = journal_read(journal, &sequence, &event, err);
        if (result != 1)
            break;
        if (sequence <= folded)
            continue;
        fold->result->events++;
        fold->result->sequence = sequence;
        int failed = fold_event(fold, sequence, &event, err);
        if (failed != 0)
            return failed;
    }
    fold->result->more = result == 1;
    return result < 0 ? result : 0;
}

/* --- what is too old --- */

/* Deletes events heard before `before` with numbers from `floor` on, looking at no more
 * than `most` numbers up to `end`. Sets *ret_floor to where the next call goes on. */
static int drop_from(struct store *store, enum statement drop, int64_t floor, int64_t end,
                     int64_t most, struct wall before, int64_t *ret_floor, struct err *err)
{
    if (end - floor > most)
        end = floor + most;
    const struct cell range[] = {cell_integer(floor), cell_integer(end), cell_wall(before)};
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_EVENT_YOUNGER, range, 3, row, err);
    if (result == 1)
        end = row[0].integer;
    store_stop(store, SQL_EVENT_YOUNGER);
    *ret_floor = end > floor ? end : floor;
    if (result < 0 || end <= floor)
        return result < 0 ? result : 0;
    const struct cell dropped[] = {cell_integer(floor), cell_integer(end)};
    return store_run(store, drop, dropped, 2, err);
}

static int drop_old(struct fold *fold, struct wall now, struct span retention, struct err *err)
{
    struct store *store = fold->store;
    int64_t most = (int64_t)fold->result->events * DROPS_PER_EVENT;
    int64_t end = (int64_t)fold->result->sequence + 1;
    int64_t floor = 0, updates_floor = 0;
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_EVENT_FIRST, NULL, 0, row, err);
    if (result == 1)
        floor = row[0].integer;
    store_stop(store, SQL_EVENT_FIRST);
    if (result < 0)
        return result;
    if (most < DROPS_LEAST)
        most = DROPS_LEAST;
    struct wall before = wall_add(now, span_us(-retention.us));
    int failed = drop_from(store, SQL_EVENT_DROP, floor, end, most, before, &floor, err);
    const struct cell sessions[] = {cell_wall(before), cell_integer(floor), cell_integer(most)};
    if (failed == 0)
        failed = store_run(store, SQL_SESSION_DROP, sessions, ARRAY_COUNT(sessions), err);
    if (failed == 0)
        failed = store_run(store, SQL_SESSION_DROP_EXPIRED, sessions, ARRAY_COUNT(sessions), err);
    if (failed == 0)
        failed = get_meta(store, "updates_floor", &updates_floor, err);
    if (updates_floor < floor)
        updates_floor = floor;
    before = wall_add(now, span_us(-STORE_UPDATE_RETENTION.us));
    if (failed == 0 && retention.us > STORE_UPDATE_RETENTION.us)
        failed = drop_from(store, SQL_EVENT_DROP_UPDATES, updates_floor, end, most, before,
                           &updates_floor, err);
    return failed != 0 ? failed : set_meta(store, "updates_floor", updates_floor, err);
}

/* --- together --- */

static int fold_batch(struct fold *fold, struct journal *journal, size_t limit, struct wall now,
                      struct span retention, struct err *err)
{
    struct store *store = fold->store;
    int64_t folded = 0;
    int failed = get_meta(store, "folded", &folded, err);
    if (failed == 0)
        failed = fold_events(fold, journal, limit, (uint64_t)folded, err);
    if (failed != 0 || fold->result->events == 0)
        return failed;
    failed = session_batch_write(&fold->sessions, err);
    if (failed == 0)
        failed = write_sources(fold, err);
    if (failed == 0)
        failed = set_meta(store, "next_session", fold->sessions.next_id, err);
    if (failed == 0)
        failed = set_meta(store, "journal", (int64_t)journal_identity(journal), err);
    if (failed == 0)
        failed = set_meta(store, "folded", (int64_t)fold->result->sequence, err);
    return failed != 0 ? failed : drop_old(fold, now, retention, err);
}

static void fold_done(struct fold *fold)
{
    session_batch_done(&fold->sessions);
    for (size_t i = 0; i < fold->source_count; i++) {
        free(fold->sources[i].name);
        free(fold->sources[i].type);
    }
    free(fold->sources);
}

/* One transaction, on the disk or not. */
static int take_events(struct store *store, struct journal *journal, size_t limit, struct wall now,
                       struct span retention, struct event_fold *ret, struct err *err)
{
    *ret = (struct event_fold){0};
    if (store->in_round)
        return err_set(err, ERR_DENIED, "%s: events cannot be stored within a round", store->path);
    int failed = store_begin(store, err);
    if (failed != 0)
        return failed;
    struct fold fold = {.store = store, .result = ret};
    int64_t next_session = 0;
    failed = get_meta(store, "next_session", &next_session, err);
    session_batch_init(&fold.sessions, store, next_session);
    if (limit > STORE_FOLD_MAX)
        limit = STORE_FOLD_MAX;
    if (failed == 0)
        failed = fold_batch(&fold, journal, limit, now, retention, err);
    failed = store_end(store, failed, err);
    fold_done(&fold);
    if (failed != 0)
        journal_read_rewind(journal);
    return failed;
}

int store_events_fold(struct store *store, struct journal *journal, size_t limit, struct wall now,
                      struct span retention, struct event_fold *ret, struct err *err)
{
    int failed = take_events(store, journal, limit, now, retention, ret, err);
    if (failed == 0 && ret->events > 0)
        journal_read_commit(journal);
    return failed;
}

int store_events_take(struct store *store, struct journal *journal, size_t limit, struct wall now,
                      struct span retention, struct event_fold *ret, struct err *err)
{
    struct err ignored; /* of the way back: then every commit waits, or none can be made */
    int failed = store->in_round ? 0 : store->class->relax(store->database, true, err);
    if (failed == 0)
        failed = take_events(store, journal, limit, now, retention, ret, err);
    if (!store->in_round && store->class->relax(store->database, false, &ignored) != 0)
        return failed != 0 ? failed : err_set(err, ignored.code, "%s", ignored.text);
    return failed;
}

int store_events_settle(struct store *store, struct journal *journal, struct err *err)
{
    int failed = store->class->settle(store->database, err);
    if (failed == 0)
        journal_read_commit(journal);
    return failed;
}
