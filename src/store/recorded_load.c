/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "store/recorded.h"

/* Reads one CSV value at `at` in place: quotes go, doubled ones become one.
 * Returns what follows it: the comma, or the end. */
static char *take_value(char *at, struct record_value *ret)
{
    if (*at != '"') {
        char *end = at + strcspn(at, ",");
        *ret = (struct record_value){at, (size_t)(end - at)};
        return end;
    }
    char *to = at, *from = at + 1;
    for (; *from != '\0'; from++) {
        if (*from == '"' && from[1] != '"')
            break;
        if (*from == '"')
            from++;
        *to++ = *from;
    }
    *ret = (struct record_value){at, (size_t)(to - at)};
    if (*from == '"')
        from++;
    return from + strcspn(from, ",");
}

size_t recorded_split(char *content, struct record_value values[RECORDED_VALUES_MAX])
{
    size_t count = 0;
    for (char *at = content; count < RECORDED_VALUES_MAX;) {
        char *end = take_value(at, &values[count++]);
        if (*end == '\0')
            break;
        at = end + 1;
    }
    return count;
}

/* --- a snapshot --- */

struct stored_row {
    enum record_table table;
    int64_t ordinal, first_seq;
    char *content, *extra; /* extra: NULL where there is none */
};

struct assembly {
    struct store *store;
    struct record_set *set;
    struct arena *arena;
    struct stored_row *rows;
    size_t count, capacity;
    struct run_state_words *words;
    struct record_layout *layouts[RECORD_TABLE_COUNT];
};

static int gather(struct assembly *assembly, enum statement statement, int64_t source_id,
                  int64_t seq, struct err *err)
{
    struct store *store = assembly->store;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer(source_id), cell_integer(seq)};
    int result = store_start(store, statement, key, 2, err);
    if (result == 0)
        result = store_step(store, statement, row, err);
    while (result == 1) {
        if (row[0].integer < 0 || row[0].integer >= RECORD_TABLE_COUNT || row[1].integer < 0 ||
            row[1].integer > UINT32_MAX) {
            store_stop(store, statement);
            return store_damaged(store, err, "a recorded row");
        }
        assembly->rows = alloc_grow(assembly->rows, assembly->count, &assembly->capacity,
                                    sizeof *assembly->rows);
        assembly->rows[assembly->count] =
            (struct stored_row){.table = (enum record_table)row[0].integer,
                                .ordinal = row[1].integer,
                                .first_seq = row[2].integer,
                                .content = cell_to_text(&row[3], assembly->arena),
                                .extra = cell_to_text(&row[4], assembly->arena)};
        assembly->count++;
        result = store_step(store, statement, row, err);
    }
    return result;
}

static int compare_rows(const void *a, const void *b)
{
    const struct stored_row *x = a, *y = b;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    if (x->ordinal != y->ordinal)
        return x->ordinal < y->ordinal ? -1 : 1;
    if (x->first_seq != y->first_seq)
        return x->first_seq < y->first_seq ? -1 : 1;
    return strcmp(x->content, y->content);
}

/* The layout of the known columns, and of `extra`'s members behind them. */
static int make_layout(struct assembly *assembly, enum record_table table, json_t *extra,
                       struct record_layout **ret, struct err *err)
{
    struct record_value columns[LIMIT_COLUMNS + RECORDED_VALUES_MAX];
    size_t count = 0;
    for (const char *name; (name = record_column_name(table, count)) != NULL;)
        columns[count++] = (struct record_value){name, strlen(name)};
    const char *key;
    json_t *value;
    json_object_foreach(extra, key, value)
    {
        if (count == LIMIT_COLUMNS)
            return store_damaged(assembly->store, err, "a recorded row has too many columns");
        columns[count++] = (struct record_value){key, strlen(key)};
    }
    return record_layout_new(table, columns, count, ret, err);
}

static int add_with_extra(struct assembly *assembly, const struct stored_row *row,
                          const struct record_value *known, size_t known_count, struct err *err)
{
    json_t *extra = json_loads(row->extra, 0, NULL);
    struct record_layout *layout = NULL;
    struct record_value values[LIMIT_COLUMNS + RECORDED_VALUES_MAX];
    size_t count = 0, column = 0;
    int failed = json_is_object(extra)
                     ? make_layout(assembly, row->table, extra, &layout, err)
                     : store_damaged(assembly->store, err, "the unknown columns of a row");
    if (failed == 0) {
        while (record_column_name(row->table, count) != NULL) {
            values[count] = count < known_count ? known[count] : (struct record_value){"", 0};
            count++;
        }
        const char *key;
        json_t *value;
        json_object_foreach(extra, key, value)
        {
            const char *text = json_string_value(value);
            values[count++] = (struct record_value){text == NULL ? "" : text,
                                                    text == NULL ? 0 : json_string_length(value)};
        }
        failed = record_add_row(assembly->set, layout, assembly->words, values, count,
                                (uint32_t)row->ordinal, &column, err);
    }
    record_layout_free(layout);
    json_decref(extra);
    return failed;
}

static int add_row(struct assembly *assembly, const struct stored_row *row, struct err *err)
{
    struct record_value values[RECORDED_VALUES_MAX];
    size_t count = recorded_split(row->content, values), column = 0;
    if (row->extra != NULL)
        return add_with_extra(assembly, row, values, count, err);
    struct record_layout **layout = &assembly->layouts[row->table];
    int failed = *layout == NULL ? make_layout(assembly, row->table, NULL, layout, err) : 0;
    if (failed != 0)
        return failed;
    return record_add_row(assembly->set, *layout, assembly->words, values, count,
                          (uint32_t)row->ordinal, &column, err);
}

static int add_rows(struct assembly *assembly, struct err *err)
{
    qsort(assembly->rows, assembly->count, sizeof *assembly->rows, compare_rows);
    assembly->words = run_state_words_new();
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < assembly->count; i++)
        failed = add_row(assembly, &assembly->rows[i], err);
    for (int table = 0; table < RECORD_TABLE_COUNT; table++)
        record_layout_free(assembly->layouts[table]);
    run_state_words_free(assembly->words);
    if (failed == 0)
        return 0;
    struct err cause = err != NULL ? *err : (struct err){0};
    return store_damaged(assembly->store, err, "a recorded row: %s", cause.text);
}

static int find_reading(struct store *store, int64_t source_id, int64_t seq, struct wall *ret_read,
                        struct wall *ret_as_of, int64_t *ret_present, char **ret_name,
                        struct arena *arena, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer(source_id), cell_integer(seq)};
    int result = store_one(store, SQL_RECORD_READING_GET, key, 2, row, err);
    if (result == 1) {
        *ret_read = (struct wall){row[1].integer};
        *ret_as_of = (struct wall){row[2].integer};
        *ret_present = row[3].integer;
    }
    store_stop(store, SQL_RECORD_READING_GET);
    if (result == 1) {
        result = store_one(store, SQL_SOURCE_GET, key, 1, row, err);
        if (result == 1)
            *ret_name = cell_to_text(&row[2], arena);
        store_stop(store, SQL_SOURCE_GET);
    }
    if (result == 0)
        return store_damaged(store, err, "reading %lld of source %lld is missing", (long long)seq,
                             (long long)source_id);
    return result < 0 ? result : 0;
}

int recorded_load(struct store *store, int64_t source_id, int64_t seq, struct record_set **ret,
                  struct wall *ret_read_at, struct err *err)
{
    struct assembly assembly = {.store = store, .arena = arena_new()};
    struct wall read_at = WALL_UNKNOWN, as_of = WALL_UNKNOWN;
    int64_t present = 0;
    char *name = NULL;
    int failed =
        find_reading(store, source_id, seq, &read_at, &as_of, &present, &name, assembly.arena, err);
    if (failed == 0) {
        assembly.set = record_set_new(name, as_of);
        failed = gather(&assembly, SQL_RECORDED_AT, source_id, seq, err);
    }
    if (failed == 0)
        failed = gather(&assembly, SQL_RECORDED_PAST_AT, source_id, seq, err);
    if (failed == 0)
        failed = add_rows(&assembly, err);
    free(assembly.rows);
    arena_free(assembly.arena);
    if (failed != 0) {
        record_set_free(assembly.set);
        return failed;
    }
    for (int table = 0; table < RECORD_TABLE_COUNT; table++)
        assembly.set->present[table] = (present >> table & 1) != 0;
    record_set_finish(assembly.set);
    *ret = assembly.set;
    if (ret_read_at != NULL)
        *ret_read_at = read_at;
    return 0;
}

static int find_last_good(struct store *store, const char *source, struct source_row *ret,
                          struct err *err)
{
    int found = store_source(store, STORE_KIND_RECORDED, "", source, false, ret, err);
    if (found < 0)
        return found;
    if (found == 0 || ret->seq == 0)
        return err_set(err, ERR_NOT_FOUND, "%s holds nothing of %s yet", store->path, source);
    return 0;
}

int store_last_good(struct store *store, const char *source, struct record_set **ret,
                    struct wall *ret_read_at, struct err *err)
{
    struct source_row row;
    int failed = find_last_good(store, source, &row, err);
    return failed != 0 ? failed : recorded_load(store, row.id, row.seq, ret, ret_read_at, err);
}

int store_last_good_rows(struct store *store, const char *source,
                         uint64_t ret_rows[static RECORD_TABLE_COUNT], struct wall *ret_read_at,
                         struct err *err)
{
    struct source_row source_row;
    struct cell row[STORE_COLUMNS_MAX];
    int result = find_last_good(store, source, &source_row, err);
    if (result != 0)
        return result;
    const struct cell key[] = {cell_integer(source_row.id), cell_integer(source_row.seq)};
    result = store_one(store, SQL_RECORD_READING_GET, key, 2, row, err);
    if (result == 1)
        *ret_read_at = (struct wall){row[1].integer};
    store_stop(store, SQL_RECORD_READING_GET);
    if (result != 1)
        return result < 0 ? result : store_damaged(store, err, "the last reading of %s", source);
    memset(ret_rows, 0, RECORD_TABLE_COUNT * sizeof *ret_rows);
    result = store_start(store, SQL_RECORDED_COUNTS, key, 1, err);
    if (result == 0)
        result = store_step(store, SQL_RECORDED_COUNTS, row, err);
    while (result == 1) {
        if (row[0].integer < 0 || row[0].integer >= RECORD_TABLE_COUNT) {
            store_stop(store, SQL_RECORDED_COUNTS);
            return store_damaged(store, err, "a recorded row");
        }
        ret_rows[row[0].integer] = (uint64_t)row[1].integer;
        result = store_step(store, SQL_RECORDED_COUNTS, row, err);
    }
    return result;
}
