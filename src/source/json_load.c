/* SPDX-License-Identifier: Apache-2.0 */
#include "source/json_load.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "wire/json_rows.h"

enum { LAYOUTS = 32 };

/* The columns of one set of keys of one table. */
struct known_layout {
    struct record_layout *layout; /* NULL: free */
    enum record_table table;
    struct text keys; /* each followed by a NUL octet, which the reader refuses in keys */
};

struct json_load {
    struct record_set *set;
    enum record_table default_table;
    const struct run_state_words *words;
    struct json_rows *reader;
    uint64_t rows;
    bool failed;
    struct known_layout layouts[LAYOUTS];
    size_t latest, next_victim;
    struct text keys; /* of the current row */
    struct record_value columns[LIMIT_COLUMNS], values[LIMIT_COLUMNS];
    size_t count;
};

struct json_load *json_load_new(struct record_set *set, enum record_table default_table,
                                const struct run_state_words *words)
{
    struct json_load *load = alloc_zeroed(1, sizeof *load);
    load->set = set;
    load->default_table = default_table;
    load->words = words;
    load->reader = json_rows_new();
    return load;
}

void json_load_free(struct json_load *load)
{
    if (load == NULL)
        return;
    for (size_t i = 0; i < LAYOUTS; i++) {
        record_layout_free(load->layouts[i].layout);
        text_done(&load->layouts[i].keys);
    }
    text_done(&load->keys);
    json_rows_free(load->reader);
    free(load);
}

uint64_t json_load_rows(const struct json_load *load)
{
    return load->rows;
}

/* Returns the cell that says the table or kind of the row, NULL when none does. */
static const struct json_cell *find_kind(const struct json_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        if (strcmp(row->cells[i].key, "type") == 0 || strcmp(row->cells[i].key, "table") == 0)
            return &row->cells[i];
    }
    return NULL;
}

static bool is_text(const struct json_cell *cell, const char *text)
{
    return cell->length == strlen(text) && memcmp(cell->text, text, cell->length) == 0;
}

static int take_as_of(struct json_load *load, const struct json_row *row, struct err *err)
{
    for (size_t i = 0; i < row->count; i++) {
        const struct json_cell *cell = &row->cells[i];
        if (strcmp(cell->key, "time") != 0)
            continue;
        if (wall_parse(cell->text, cell->length, &load->set->as_of) == 0)
            return 0;
        return err_set(err, ERR_SYNTAX,
                       "key \"time\": expected a time in RFC 3339 such as 2026-11-23T12:00:00Z");
    }
    return err_set(err, ERR_SYNTAX, "a row of type as_of needs the key \"time\"");
}

/* Splits a row into columns and values without the cell that says its kind. */
static void split(struct json_load *load, const struct json_row *row, const struct json_cell *kind)
{
    load->count = 0;
    text_clear(&load->keys);
    for (size_t i = 0; i < row->count; i++) {
        const struct json_cell *cell = &row->cells[i];
        if (cell == kind)
            continue;
        size_t length = strlen(cell->key);
        load->columns[load->count] = (struct record_value){cell->key, length};
        load->values[load->count++] = (struct record_value){cell->text, cell->length};
        text_add_bytes(&load->keys, cell->key, length);
        text_add_char(&load->keys, '\0');
    }
}

static bool matches(const struct known_layout *known, enum record_table table,
                    const struct text *keys)
{
    return known->layout != NULL && known->table == table && known->keys.length == keys->length &&
           (keys->length == 0 || memcmp(known->keys.data, keys->data, keys->length) == 0);
}

/* Finds or makes the layout of the current row's keys. */
static int find_layout(struct json_load *load, enum record_table table,
                       const struct record_layout **ret, struct err *err)
{
    for (size_t i = 0; i < LAYOUTS; i++) {
        size_t at = (load->latest + i) % LAYOUTS;
        if (!matches(&load->layouts[at], table, &load->keys))
            continue;
        load->latest = at;
        *ret = load->layouts[at].layout;
        return 0;
    }
    struct record_layout *made;
    int status = record_layout_new(table, load->columns, load->count, &made, err);
    if (status != 0)
        return status;
    struct known_layout *known = &load->layouts[load->next_victim];
    load->latest = load->next_victim;
    load->next_victim = (load->next_victim + 1) % LAYOUTS;
    record_layout_free(known->layout);
    known->layout = made;
    known->table = table;
    text_clear(&known->keys);
    text_add_bytes(&known->keys, text_get(&load->keys), load->keys.length);
    *ret = made;
    return 0;
}

static int find_table(const struct json_load *load, const struct json_cell *kind,
                      enum record_table *ret, struct err *err)
{
    *ret = load->default_table;
    if (kind == NULL || record_table_parse(kind->text, kind->length, ret) == 0)
        return 0;
    return err_set(err, ERR_SYNTAX,
                   "key \"%s\": found \"%.40s\", expected guest_nic, attachment, switch, "
                   "switch_port, link, lag, planned_work, configuration_item, allocation, "
                   "capacity or as_of",
                   kind->key, kind->length > 0 ? kind->text : "");
}

static int take_row(struct json_load *load, const struct json_row *row, struct err *err)
{
    const struct json_cell *kind = find_kind(row);
    const struct record_layout *layout;
    enum record_table table;
    size_t column = 0;
    if (kind != NULL && is_text(kind, "as_of"))
        return take_as_of(load, row, err);
    int status = find_table(load, kind, &table, err);
    if (status != 0)
        return status;
    split(load, row, kind);
    status = find_layout(load, table, &layout, err);
    if (status != 0)
        return status;
    status = record_add_row(load->set, layout, load->words, load->values, load->count, row->line,
                            &column, err);
    if (status != 0)
        return err_prefix(err, "key \"%.60s\"", record_layout_column(layout, column));
    load->rows++;
    return 0;
}

static int take_rows(struct json_load *load, struct err *err)
{
    struct json_row row;
    while (!load->failed) {
        int status = json_rows_next(load->reader, &row, err);
        if (status == 0)
            return 0;
        if (status > 0) {
            status = take_row(load, &row, err);
            if (status == 0)
                continue;
            err_prefix(err, "line %u", row.line);
        }
        load->failed = true;
        return status;
    }
    return 0;
}

int json_load_put(struct json_load *load, const char *bytes, size_t length, struct err *err)
{
    json_rows_put(load->reader, bytes, length);
    return take_rows(load, err);
}

int json_load_end(struct json_load *load, struct err *err)
{
    json_rows_end(load->reader);
    int status = take_rows(load, err);
    if (status == 0)
        load->set->present[load->default_table] = true;
    return status;
}
