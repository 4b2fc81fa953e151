/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_CSV_H
#define MUSTER_WIRE_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

/* CSV as spreadsheets and databases write it (RFC 4180), read as a stream.
 *
 * The caller puts bytes in as they come (file, pipe, worker) and takes rows out.
 * What RFC 4180 leaves open is decided by looking: a UTF-8 byte order mark is
 * skipped; the separator is whichever of comma, semicolon and tab stands most
 * often outside quotes in the first line, or what a spreadsheet's "sep=;" line
 * says; lines end with LF, CRLF or CR; empty lines are skipped. Quoted fields
 * may hold separators, doubled quotes and line breaks.
 *
 * Fields are views into the reader's own buffer, quotes resolved in place, so a
 * row costs no allocation. Sixteen octets are looked at a step for the few that
 * mean something; only rows with an octet above 127 are checked to be UTF-8.
 *
 * Hostile input ends in an error, with bounded memory: a row longer than
 * LIMIT_LINE_BYTES (four gigabytes without a line break, a quote that is never
 * closed), a field longer than LIMIT_FIELD_BYTES, more than LIMIT_COLUMNS
 * columns, NUL octets, octets that are not UTF-8, text behind a closing quote.
 * After an error the reader stays at its end. */

struct csv_field {
    const char *text; /* not terminated */
    size_t length;
};

struct csv_row {
    const struct csv_field *fields; /* until the next csv_next(); their texts until csv_space() */
    size_t count;
    uint32_t line; /* of the row's first character, from 1 */
};

/* Where an error is; column 0: the row as a whole. */
struct csv_place {
    uint32_t line;
    size_t column; /* from 1 */
};

struct csv_reader;

/* Returns a reader; yours to free. */
struct csv_reader *csv_new(void);

/* Has fields that are not UTF-8 taken as they are, by a caller that cleans them itself: what people
 * type into a network's log-in must not end the reading of a table. */
void csv_take_any_octets(struct csv_reader *reader);

/* Frees the reader and its buffer; NULL is allowed. */
void csv_free(struct csv_reader *reader);

/* Returns where to put the next bytes of input and sets *ret_room to how many
 * fit (never 0). Call only after csv_next() has returned 0. */
char *csv_space(struct csv_reader *reader, size_t *ret_room);

/* Says that `length` bytes were put there; 0 is the end of the input. */
void csv_filled(struct csv_reader *reader, size_t length);

/* Takes the next row. Returns 1 with *ret_row; 0 when more input is needed or,
 * after the end, when there is none left; ERR_SYNTAX or ERR_LIMIT with *ret_place
 * and `err` (what was found and what was expected). */
int csv_next(struct csv_reader *reader, struct csv_row *ret_row, struct csv_place *ret_place,
             struct err *err) MUST_USE;

/* Returns the separator in use, '\0' before the first row. */
char csv_separator(const struct csv_reader *reader);

#endif
