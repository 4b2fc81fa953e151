/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_JSON_ROWS_H
#define MUSTER_WIRE_JSON_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

/* JSON lines: one object a line, as plug-in programs print them.
 *
 * Bytes are put in as they come out of a pipe; rows are taken out as keys with
 * texts, the same shape a spreadsheet's row has, so that one place knows the
 * columns: a string is its characters, a number its digits, true and false are
 * "yes" and "no", null is empty, a list of these is joined by '|' (vlan [10,20]
 * is "10|20"), and an object stays JSON text.
 *
 * What a program may do wrong ends in an error with bounded memory: a line
 * longer than LIMIT_LINE_BYTES, a value longer than LIMIT_FIELD_BYTES, more than
 * LIMIT_COLUMNS keys, the same key twice, octets that are not UTF-8, a line that
 * is not JSON or not an object, nesting without end (the parser's own bound), a
 * last line without its line break that is cut off. */

struct json_cell {
    const char *key; /* terminated */
    const char *text;
    size_t length;
};

struct json_row {
    const struct json_cell *cells; /* valid until the next call for this reader */
    size_t count;
    uint32_t line; /* from 1 */
};

struct json_rows;

/* Returns a reader; yours to free. */
struct json_rows *json_rows_new(void);

/* Frees the reader and the current row; NULL is allowed. */
void json_rows_free(struct json_rows *rows);

/* Puts `length` more bytes of input in. Call only after json_rows_next() has
 * returned 0. */
void json_rows_put(struct json_rows *rows, const char *bytes, size_t length);

/* Says that the input has ended: a last line without line break counts, too. */
void json_rows_end(struct json_rows *rows);

/* Takes the next row. Returns 1 with *ret_row; 0 when more input is needed or
 * none is left; ERR_SYNTAX or ERR_LIMIT with `err`, which begins with the line
 * number, and *ret_row.line set. After an error the reader stays at its end. */
int json_rows_next(struct json_rows *rows, struct json_row *ret_row, struct err *err) MUST_USE;

#endif
