/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/event_log.h"
#include "store/session_log.h"

/* --- sessions --- */

/* Where the chain of a session's events begins, and which number its rows have. */
struct chain_start {
    int64_t session, last, kept;
};

static void read_session(const struct cell *row, struct session_record *ret)
{
    *ret = (struct session_record){
        .number = (uint64_t)row[0].integer,
        .source = row[1].bytes,
        .type = row[2].bytes,
        .nas = row[3].bytes,
        .session = row[4].bytes,
        .node = row[5].bytes,
        .mac = MAC_NONE,
        .address = session_cell_address(&row[7]),
        .care_of = session_cell_address(&row[8]),
        .switch_name = row[9].bytes,
        .port = row[10].bytes,
        .vlan = (uint16_t)row[11].integer,
        .started = {row[12].integer},
        .last = {row[13].integer},
        .heard = {row[14].integer},
        .ended = cell_to_wall(&row[15]),
        .cause = row[16].bytes,
        .lifetime = {row[17].integer},
        .interval = {row[18].integer},
        .updates = (uint64_t)row[19].integer,
        .proof = event_proof_parse(row[20].bytes),
        .implicit = row[21].integer != 0,
        .last_event = (uint64_t)row[22].integer,
        .kept_event = (uint64_t)row[23].integer,
        .expired = cell_to_wall(&row[24]),
    };
    if (row[6].type == CELL_INTEGER)
        ret->mac.bits = (uint64_t)row[6].integer;
}

struct session_walk {
    struct store *store;
    const struct session_query *query;
    int (*each)(void *aux, const struct session_record *session, const struct chain_start *chain);
    void *aux;
};

static int walk(const struct session_walk *walk, enum statement statement, const struct cell *who,
                struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell cells[] = {cell_known_wall(walk->query->to),
                                 cell_known_wall(walk->query->from),
                                 who == NULL ? cell_null() : *who};
    int result = store_start(walk->store, statement, cells, who == NULL ? 2 : 3, err);
    if (result == 0)
        result = store_step(walk->store, statement, row, err);
    while (result == 1) {
        struct session_record session;
        read_session(row, &session);
        if (session.proof == EVENT_PROOF_COUNT) {
            store_stop(walk->store, statement);
            return store_damaged(walk->store, err, "session %lld", (long long)row[0].integer);
        }
        const struct chain_start chain = {row[0].integer, row[22].integer, row[23].integer};
        int stopped = walk->each(walk->aux, &session, &chain);
        if (stopped != 0) {
            store_stop(walk->store, statement);
            return stopped;
        }
        result = store_step(walk->store, statement, row, err);
    }
    return result;
}

/* All that the query lets through; a session of a MAC and an address that are both asked
 * for comes twice. */
static int walk_sessions(const struct session_walk *sessions, struct err *err)
{
    const struct session_query *query = sessions->query;
    if (query->mac_count == 0 && query->address_count == 0)
        return walk(sessions, wall_known(query->from) ? SQL_SESSIONS_LATE : SQL_SESSIONS, NULL,
                    err);
    int result = 0;
    for (size_t i = 0; result == 0 && i < query->mac_count; i++) {
        const struct cell who = cell_integer((int64_t)query->macs[i].bits);
        result = walk(sessions, SQL_SESSIONS_OF_MAC, &who, err);
    }
    for (size_t i = 0; result == 0 && i < query->address_count; i++) {
        const struct cell who = session_address_cell(&query->addresses[i]);
        result = walk(sessions, SQL_SESSIONS_OF_ADDRESS, &who, err);
    }
    return result;
}

struct outer {
    store_session_fn *each;
    void *aux;
};

static int tell_session(void *aux, const struct session_record *session,
                        const struct chain_start *chain)
{
    const struct outer *outer = aux;
    return outer->each(outer->aux, session);
}

int store_each_session(struct store *store, const struct session_query *query,
                       store_session_fn *each, void *aux, struct err *err)
{
    struct outer outer = {each, aux};
    const struct session_walk sessions = {
        .store = store, .query = query, .each = tell_session, .aux = &outer};
    return walk_sessions(&sessions, err);
}

/* --- events --- */

struct listing {
    struct store *store;
    const struct event_query *query;
    struct arena *arena;
    struct event_entry *entries;
    size_t count, capacity;
    bool bounded; /* of events without session the newest of each address, others counted */
    size_t more;
    struct chain_start *chains;
    size_t chain_count, chain_capacity;
};

static void read_event(const struct cell *row, struct arena *arena, struct event_entry *ret)
{
    struct event event = {
        .kind = event_kind_parse(row[3].bytes),
        .hint = event_hint_parse(row[4].bytes),
        .proof = event_proof_parse(row[5].bytes),
        .source = cell_to_text(&row[1], arena),
        .type = cell_to_text(&row[2], arena),
        .mac = MAC_NONE,
        .address = session_cell_address(&row[10]),
        .switch_name = cell_to_text(&row[11], arena),
        .port = cell_to_text(&row[12], arena),
        .vlan = (uint16_t)row[13].integer,
        .care_of = session_cell_address(&row[14]),
        .agent = session_cell_address(&row[15]),
        .correspondent = session_cell_address(&row[16]),
        .node = cell_to_text(&row[17], arena),
        .nas = cell_to_text(&row[18], arena),
        .session = cell_to_text(&row[19], arena),
        .cause = cell_to_text(&row[20], arena),
        .at = {row[21].integer},
        .heard = {row[22].integer},
        .lifetime = {row[23].integer},
    };
    if (row[9].type == CELL_INTEGER)
        event.mac.bits = (uint64_t)row[9].integer;
    *ret =
        (struct event_entry){.sequence = (uint64_t)row[0].integer,
                             .session = row[6].type == CELL_INTEGER ? (uint64_t)row[6].integer : 0,
                             .event = event};
}

static int take_event(struct listing *listing, const struct cell *row, struct err *err)
{
    const struct event_query *query = listing->query;
    struct event_entry entry;
    int64_t at = row[21].integer;
    if ((wall_known(query->from) && at < query->from.us) ||
        (wall_known(query->to) && at > query->to.us))
        return 0;
    read_event(row, listing->arena, &entry);
    if (entry.event.kind == EVENT_KIND_COUNT || entry.event.hint == EVENT_HINT_COUNT ||
        entry.event.proof == EVENT_PROOF_COUNT)
        return store_damaged(listing->store, err, "event %lld", (long long)row[0].integer);
    listing->entries =
        alloc_grow(listing->entries, listing->count, &listing->capacity, sizeof *listing->entries);
    listing->entries[listing->count++] = entry;
    return 0;
}

/* Takes the event `number` if it is there and of session `chain`, and goes one step back.
 * `ret_next` is the event before it, 0 at the end of the session's life. */
static int step_back(struct listing *listing, const struct chain_start *chain, int64_t number,
                     int64_t *ret_next, int64_t *ret_instead, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer(number)};
    int result = store_one(listing->store, SQL_EVENT_GET, key, 1, row, err);
    int64_t next = 0, instead = 0;
    int failed = result < 0 ? result : 0;
    if (result == 1 && row[6].type == CELL_INTEGER && row[6].integer == chain->session) {
        failed = take_event(listing, row, err);
        next = row[7].integer;
        instead = row[8].integer;
    } else if (result == 0) {
        next = *ret_instead;
    }
    store_stop(listing->store, SQL_EVENT_GET);
    if (failed == 0 && next >= number)
        return store_damaged(listing->store, err, "the chain of event %lld", (long long)number);
    *ret_next = next;
    *ret_instead = instead;
    return failed;
}

static int list_chain(struct listing *listing, const struct chain_start *chain, struct err *err)
{
    int64_t number = chain->last, instead = chain->kept < number ? chain->kept : 0;
    int failed = 0;
    while (failed == 0 && number > 0)
        failed = step_back(listing, chain, number, &number, &instead, err);
    return failed;
}

static int note_chain(void *aux, const struct session_record *session,
                      const struct chain_start *chain)
{
    struct listing *listing = aux;
    listing->chains = alloc_grow(listing->chains, listing->chain_count, &listing->chain_capacity,
                                 sizeof *listing->chains);
    listing->chains[listing->chain_count++] = *chain;
    return 0;
}

static int list_of_sessions(struct listing *listing, struct err *err)
{
    const struct event_query *query = listing->query;
    const struct session_query of = {.from = query->from,
                                     .to = query->to,
                                     .macs = query->macs,
                                     .mac_count = query->mac_count,
                                     .addresses = query->addresses,
                                     .address_count = query->address_count};
    const struct session_walk sessions = {
        .store = listing->store, .query = &of, .each = note_chain, .aux = listing};
    int failed = walk_sessions(&sessions, err);
    for (size_t i = 0; failed == 0 && i < listing->chain_count; i++)
        failed = list_chain(listing, &listing->chains[i], err);
    return failed;
}

/* Events without a session: announcements and hints. */
static int list_loose(struct listing *listing, enum statement statement, const struct cell *who,
                      struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_start(listing->store, statement, who, 1, err);
    size_t first = listing->count;
    if (result == 0)
        result = store_step(listing->store, statement, row, err);
    while (result == 1) {
        bool full = listing->bounded && listing->count - first >= listing->query->limit;
        listing->more += full;
        int failed = full ? 0 : take_event(listing, row, err);
        if (failed != 0) {
            store_stop(listing->store, statement);
            return failed;
        }
        result = store_step(listing->store, statement, row, err);
    }
    return result;
}

static int list_all_loose(struct listing *listing, struct err *err)
{
    const struct event_query *query = listing->query;
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < query->mac_count; i++) {
        const struct cell who = cell_integer((int64_t)query->macs[i].bits);
        failed = list_loose(listing, SQL_EVENTS_OF_MAC, &who, err);
    }
    for (size_t i = 0; failed == 0 && i < query->address_count; i++) {
        const struct cell who = session_address_cell(&query->addresses[i]);
        failed = list_loose(listing, SQL_EVENTS_OF_ADDRESS, &who, err);
    }
    return failed;
}

static int list_all(struct listing *listing, struct err *err)
{
    const struct event_query *query = listing->query;
    if (query->mac_count == 0 && query->address_count == 0)
        return 0;
    int failed = list_of_sessions(listing, err);
    return failed == 0 ? list_all_loose(listing, err) : failed;
}

static int compare_entries(const void *a, const void *b)
{
    const struct event_entry *x = a, *y = b;
    if (x->event.at.us != y->event.at.us)
        return x->event.at.us < y->event.at.us ? -1 : 1;
    return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

/* Sorts, and leaves one of each: a MAC and an address may lead to the same. */
static void sort_entries(struct listing *listing)
{
    if (listing->count == 0)
        return;
    qsort(listing->entries, listing->count, sizeof *listing->entries, compare_entries);
    size_t kept = 1;
    for (size_t i = 1; i < listing->count; i++)
        if (listing->entries[i].sequence != listing->entries[kept - 1].sequence)
            listing->entries[kept++] = listing->entries[i];
    listing->count = kept;
}

/* The newest of what was listed, or all, in the listing's arena. */
static void keep_entries(struct listing *listing, size_t limit, const struct event_entry **ret,
                         size_t *ret_count)
{
    sort_entries(listing);
    size_t skipped = limit > 0 && listing->count > limit ? listing->count - limit : 0;
    size_t count = listing->count - skipped;
    struct event_entry *kept = arena_alloc(listing->arena, (count + 1) * sizeof *kept);
    if (count > 0)
        memcpy(kept, listing->entries + skipped, count * sizeof *kept);
    *ret = kept;
    *ret_count = count;
}

int store_list_events(struct store *store, const struct event_query *query, struct arena *arena,
                      const struct event_entry **ret, size_t *ret_count, struct err *err)
{
    struct listing listing = {.store = store, .query = query, .arena = arena};
    int failed = list_all(&listing, err);
    if (failed == 0)
        keep_entries(&listing, query->limit, ret, ret_count);
    free(listing.entries);
    free(listing.chains);
    return failed;
}

int store_list_loose_events(struct store *store, const struct event_query *query,
                            struct arena *arena, const struct event_entry **ret, size_t *ret_count,
                            size_t *ret_more, struct err *err)
{
    struct listing listing = {.store = store, .query = query, .arena = arena, .bounded = true};
    int failed = list_all_loose(&listing, err);
    if (failed == 0)
        keep_entries(&listing, 0, ret, ret_count);
    *ret_more = listing.more;
    free(listing.entries);
    return failed;
}

int store_each_announcement(struct store *store, struct wall from, struct wall to,
                            struct arena *arena, store_event_fn *each, void *aux, struct err *err)
{
    enum { BEFORE_US = 5000000 }; /* events are in the order of the journal's lanes, nearly */
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_start(store, SQL_EVENTS_BACK, NULL, 0, err);
    if (result == 0)
        result = store_step(store, SQL_EVENTS_BACK, row, err);
    for (; result == 1; result = store_step(store, SQL_EVENTS_BACK, row, err)) {
        int64_t heard = row[22].integer;
        if (heard < from.us - BEFORE_US)
            break;
        if (heard < from.us || heard > to.us || event_kind_parse(row[3].bytes) != EVENT_ANNOUNCE)
            continue;
        struct event_entry entry;
        read_event(row, arena, &entry);
        int stopped = entry.event.proof == EVENT_PROOF_COUNT
                          ? store_damaged(store, err, "event %lld", (long long)row[0].integer)
                          : each(aux, &entry);
        if (stopped != 0) {
            store_stop(store, SQL_EVENTS_BACK);
            return stopped;
        }
    }
    store_stop(store, SQL_EVENTS_BACK);
    return result < 0 ? result : 0;
}

/* --- sources --- */

int store_list_event_sources(struct store *store, struct arena *arena,
                             const struct event_source_record **ret, size_t *ret_count,
                             struct err *err)
{
    struct event_source_record *list = NULL;
    size_t count = 0, capacity = 0;
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_start(store, SQL_EVENT_SOURCES, NULL, 0, err);
    if (result == 0)
        result = store_step(store, SQL_EVENT_SOURCES, row, err);
    while (result == 1) {
        list = alloc_grow(list, count, &capacity, sizeof *list);
        list[count++] = (struct event_source_record){.name = cell_to_text(&row[0], arena),
                                                     .type = cell_to_text(&row[1], arena),
                                                     .events = (uint64_t)row[2].integer,
                                                     .repeated = (uint64_t)row[3].integer,
                                                     .sequence = (uint64_t)row[4].integer,
                                                     .last = {row[5].integer},
                                                     .last_heard = {row[6].integer}};
        result = store_step(store, SQL_EVENT_SOURCES, row, err);
    }
    struct event_source_record *kept = arena_alloc(arena, (count + 1) * sizeof *kept);
    if (count > 0)
        memcpy(kept, list, count * sizeof *kept);
    free(list);
    *ret = kept;
    *ret_count = count;
    return result;
}
