/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "store/memory.h"

void seen_sources_init(struct seen_sources *sources, struct store *store, uint64_t round,
                       struct arena *arena)
{
    *sources =
        (struct seen_sources){.store = store, .round = round, .found = MAP_EMPTY, .arena = arena};
}

void seen_sources_done(struct seen_sources *sources)
{
    map_done(&sources->found);
    free(sources->items);
    sources->items = NULL;
}

static int load_source(struct seen_sources *sources, int64_t id, struct seen_source *ret,
                       struct err *err)
{
    struct store *store = sources->store;
    const struct cell key[] = {cell_integer(id), cell_integer((int64_t)sources->round)};
    struct cell row[STORE_COLUMNS_MAX];
    *ret = (struct seen_source){.id = id, .at = WALL_UNKNOWN};
    int result = store_one(store, SQL_READING_BEFORE, key, 2, row, err);
    if (result == 1) {
        ret->seq = row[0].integer;
        ret->at = (struct wall){row[1].integer};
    }
    store_stop(store, SQL_READING_BEFORE);
    if (result < 0)
        return result;
    result = store_one(store, SQL_SOURCE_GET, key, 1, row, err);
    if (result == 1) {
        ret->site = cell_to_text(&row[1], sources->arena);
        ret->name = cell_to_text(&row[2], sources->arena);
    }
    store_stop(store, SQL_SOURCE_GET);
    if (result == 0)
        return store_damaged(store, err, "source %lld is missing", (long long)id);
    return result < 0 ? result : 0;
}

int seen_sources_find(struct seen_sources *sources, int64_t id, const struct seen_source **ret,
                      struct err *err)
{
    if (id < 1)
        return store_damaged(sources->store, err, "a row is of source %lld", (long long)id);
    uint32_t number = map_find(&sources->found, (uint64_t)id);
    if (number == MAP_NO_VALUE) {
        struct seen_source source;
        int failed = load_source(sources, id, &source, err);
        if (failed != 0)
            return failed;
        sources->items =
            alloc_grow(sources->items, sources->count, &sources->capacity, sizeof *sources->items);
        number = (uint32_t)sources->count++;
        sources->items[number] = source;
        map_put(&sources->found, (uint64_t)id, number);
    }
    *ret = &sources->items[number];
    return 0;
}

/* Takes a row as it was after the round; false when it was not there yet. */
static int take_row(struct seen_sources *sources, const struct cell *cells, bool past,
                    struct seen_row *ret, bool *ret_there, struct err *err)
{
    const struct seen_source *source;
    int failed = seen_sources_find(sources, cells[0].integer, &source, err);
    if (failed != 0)
        return failed;
    struct seen_row row = {.source_id = cells[0].integer,
                           .mac = (uint64_t)cells[1].integer,
                           .port = cells[2].integer,
                           .vlan = cells[3].integer,
                           .status = cells[4].integer,
                           .first_seq = cells[5].integer,
                           .begun = {cells[7].integer},
                           .before = cells[8].integer,
                           .last_seq = source->seq,
                           .last = source->at,
                           .current = true};
    if (past && cells[9].integer < source->seq) {
        row.last_seq = cells[9].integer;
        row.last = (struct wall){cells[10].integer};
        row.proved = cells[11].integer != 0;
        row.current = false;
    }
    if (row.first_seq < 1 || row.before < 0 || row.before > UINT32_MAX ||
        (row.last_seq < row.first_seq && !row.current))
        return store_damaged(sources->store, err, "a sighting of source %lld",
                             (long long)row.source_id);
    *ret_there = row.first_seq <= source->seq && source->seq > 0;
    *ret = row;
    return 0;
}

static int add_rows(struct seen_sources *sources, enum statement statement, bool past, uint64_t mac,
                    struct wall since, struct seen_row **rows, size_t *count, size_t *capacity,
                    struct err *err)
{
    struct store *store = sources->store;
    struct cell cells[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer((int64_t)mac), cell_wall(since)};
    int result = store_start(store, statement, key, past ? 2 : 1, err);
    if (result == 0)
        result = store_step(store, statement, cells, err);
    while (result == 1) {
        struct seen_row row;
        bool there = false;
        int failed = take_row(sources, cells, past, &row, &there, err);
        if (failed != 0) {
            store_stop(store, statement);
            return failed;
        }
        if (there) {
            *rows = alloc_grow(*rows, *count, capacity, sizeof **rows);
            (*rows)[(*count)++] = row;
        }
        result = store_step(store, statement, cells, err);
    }
    return result;
}

/* A piece that ended without proof and whose interval went on is part of that. */
static bool went_on(const struct seen_row *piece, const struct seen_row *rows, size_t count)
{
    if (piece->current || piece->proved)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct seen_row *row = &rows[i];
        if (row->source_id == piece->source_id && row->port == piece->port &&
            row->vlan == piece->vlan && row->status == piece->status && row->before > 0 &&
            row->begun.us == piece->begun.us && row->first_seq > piece->last_seq)
            return true;
    }
    return false;
}

int seen_rows_of_mac(struct seen_sources *sources, uint64_t mac, struct wall since,
                     struct seen_row **rows, size_t *count, size_t *capacity, struct err *err)
{
    size_t from = *count;
    int failed = add_rows(sources, SQL_SEEN_OF_MAC, false, mac, since, rows, count, capacity, err);
    if (failed == 0)
        failed = add_rows(sources, SQL_PAST_OF_MAC, true, mac, since, rows, count, capacity, err);
    if (failed != 0)
        return failed;
    size_t kept = from;
    for (size_t i = from; i < *count; i++)
        if (!went_on(&(*rows)[i], *rows + from, *count - from))
            kept++;
    if (kept == *count)
        return 0;
    struct seen_row *all = alloc_array(*count - from, sizeof *all);
    size_t total = *count - from, to = from;
    for (size_t i = 0; i < total; i++)
        all[i] = (*rows)[from + i];
    for (size_t i = 0; i < total; i++)
        if (!went_on(&all[i], all, total))
            (*rows)[to++] = all[i];
    free(all);
    *count = to;
    return 0;
}

int seen_switches(struct store *store, int64_t **ret, size_t *ret_count, struct err *err)
{
    int64_t *ids = NULL;
    size_t count = 0, capacity = 0;
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_start(store, SQL_SWITCHES, NULL, 0, err);
    if (result == 0)
        result = store_step(store, SQL_SWITCHES, row, err);
    while (result == 1) {
        ids = alloc_grow(ids, count, &capacity, sizeof *ids);
        ids[count++] = row[0].integer;
        result = store_step(store, SQL_SWITCHES, row, err);
    }
    *ret = ids;
    *ret_count = count;
    return result;
}
