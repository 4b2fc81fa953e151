/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json_rows.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/text.h"

struct json_rows {
    struct text input;
    size_t start; /* of what is not taken yet */
    bool ended, failed;
    uint32_t line;
    json_t *object;   /* of the current row: strings are borrowed from it */
    struct text made; /* texts of the current row that are not strings of the object */
    struct json_cell cells[LIMIT_COLUMNS];
    size_t made_at[LIMIT_COLUMNS]; /* offset in `made`, BORROWED for the object's own */
    size_t count;
};

#define BORROWED SIZE_MAX

struct json_rows *json_rows_new(void)
{
    return alloc_zeroed(1, sizeof(struct json_rows));
}

void json_rows_free(struct json_rows *rows)
{
    if (rows == NULL)
        return;
    json_decref(rows->object);
    text_done(&rows->input);
    text_done(&rows->made);
    free(rows);
}

void json_rows_put(struct json_rows *rows, const char *bytes, size_t length)
{
    if (rows->failed)
        return;
    if (rows->start > 0) {
        rows->input.length -= rows->start;
        memmove(rows->input.data, rows->input.data + rows->start, rows->input.length);
        rows->start = 0;
    }
    text_add_bytes(&rows->input, bytes, length);
}

void json_rows_end(struct json_rows *rows)
{
    rows->ended = true;
}

static int fail(struct json_rows *rows, struct json_row *ret_row, struct err *err)
{
    rows->failed = true;
    ret_row->line = rows->line;
    return err_prefix(err, "line %u", rows->line);
}

/* Appends a scalar's text. Returns false for an array or object. */
static bool add_scalar(struct text *to, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        text_add_bytes(to, json_string_value(value), json_string_length(value));
        return true;
    case JSON_INTEGER:
        text_printf(to, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return true;
    case JSON_REAL:
        text_printf(to, "%.17g", json_real_value(value));
        return true;
    case JSON_TRUE:
        text_add(to, "yes");
        return true;
    case JSON_FALSE:
        text_add(to, "no");
        return true;
    case JSON_NULL:
        return true;
    case JSON_OBJECT:
    case JSON_ARRAY:
        return false;
    }
    UNREACHABLE();
}

static void add_json(struct text *to, const json_t *value)
{
    char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (dumped != NULL)
        text_add(to, dumped);
    free(dumped);
}

/* Appends a value as text: scalars of a list are joined by '|'. */
static void add_value(struct text *to, const json_t *value)
{
    size_t before = to->length;
    if (add_scalar(to, value))
        return;
    if (json_is_object(value)) {
        add_json(to, value);
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (i > 0)
            text_add_char(to, '|');
        if (!add_scalar(to, json_array_get(value, i))) {
            to->length = before;
            add_json(to, value);
            return;
        }
    }
}

static void add_cell(struct json_rows *rows, const char *key, const json_t *value)
{
    struct json_cell *cell = &rows->cells[rows->count];
    cell->key = key;
    if (json_is_string(value)) {
        cell->text = json_string_value(value);
        cell->length = json_string_length(value);
        rows->made_at[rows->count++] = BORROWED;
        return;
    }
    size_t at = rows->made.length;
    add_value(&rows->made, value);
    cell->length = rows->made.length - at;
    rows->made_at[rows->count++] = at;
}

static int take_cells(struct json_rows *rows, struct err *err)
{
    const char *key;
    json_t *value;
    rows->count = 0;
    text_clear(&rows->made);
    if (json_object_size(rows->object) > LIMIT_COLUMNS)
        return err_set(err, ERR_LIMIT, "the object has %zu keys, at most %d are read",
                       json_object_size(rows->object), LIMIT_COLUMNS);
    json_object_foreach(rows->object, key, value)
    {
        add_cell(rows, key, value);
        if (rows->cells[rows->count - 1].length > LIMIT_FIELD_BYTES)
            return err_set(err, ERR_LIMIT,
                           "key \"%.40s\": the value has %zu bytes, at most %d are "
                           "read",
                           key, rows->cells[rows->count - 1].length, LIMIT_FIELD_BYTES);
    }
    /* `made` may have moved while it grew. */
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->made_at[i] != BORROWED)
            rows->cells[i].text = text_get(&rows->made) + rows->made_at[i];
    }
    return 0;
}

static int parse_line(struct json_rows *rows, const char *line, size_t length, struct err *err)
{
    json_error_t where;
    json_decref(rows->object);
    rows->object = json_loadb(line, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    for (char *c = where.text; rows->object == NULL && *c != '\0'; c++)
        *c = (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c; /* it quotes the input */
    if (rows->object == NULL)
        return err_set(err, ERR_SYNTAX, "not JSON at column %d: %s; expected one object a line",
                       where.column, where.text);
    if (!json_is_object(rows->object))
        return err_set(err, ERR_SYNTAX,
                       "found JSON that is not an object, expected {\"column\": value, ...}");
    return take_cells(rows, err);
}

/* Finds the next line and sets its length without the line end. Returns whether
 * there is a whole one, and skips it in the input. */
static bool take_line(struct json_rows *rows, const char **ret_line, size_t *ret_length)
{
    const char *line = text_get(&rows->input) + rows->start;
    size_t left = rows->input.length - rows->start;
    const char *end = left > 0 ? memchr(line, '\n', left) : NULL;
    if (end == NULL && (!rows->ended || left == 0))
        return false;
    size_t length = end != NULL ? (size_t)(end - line) : left;
    rows->start += end != NULL ? length + 1 : length;
    rows->line++;
    *ret_line = line;
    *ret_length = length;
    return true;
}

static bool is_blank(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    }
    return true;
}

int json_rows_next(struct json_rows *rows, struct json_row *ret_row, struct err *err)
{
    const char *line;
    size_t length;
    while (!rows->failed && take_line(rows, &line, &length)) {
        if (rows->line == 1 && length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
            line += 3;
            length -= 3;
        }
        if (is_blank(line, length))
            continue;
        int status = length > LIMIT_LINE_BYTES
                         ? err_set(err, ERR_LIMIT, "the line has %zu bytes, at most %d are read",
                                   length, LIMIT_LINE_BYTES)
                         : parse_line(rows, line, length, err);
        if (status != 0)
            return fail(rows, ret_row, err);
        *ret_row = (struct json_row){rows->cells, rows->count, rows->line};
        return 1;
    }
    if (!rows->failed && rows->input.length - rows->start > LIMIT_LINE_BYTES) {
        rows->line++;
        err_set(err, ERR_LIMIT, "the line is longer than %d bytes, expected one object a line",
                LIMIT_LINE_BYTES);
        return fail(rows, ret_row, err);
    }
    return 0;
}
