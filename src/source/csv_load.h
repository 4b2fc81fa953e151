/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_CSV_LOAD_H
#define MUSTER_SOURCE_CSV_LOAD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/record.h"

/* CSV into a record set: the reader of wire/ and the columns of model/ joined.
 *
 * Used by the spreadsheet source in a worker thread, by `muster decode`, and to
 * read a stored copy again; hence two doors, a file and a text in memory, over
 * the same steps. Every error says FILE:LINE, the column by number and name, what
 * was found and what was expected. A file that is changed while it is read is an
 * error too: half of an export that is being written must not pass for the whole.
 * Pipes and devices are read as well as files; one that stays silent is given up
 * after a time, and a worker looks at `stop` at least every CSV_LOAD_LOOK. */

#define CSV_LOAD_LOOK span_ms(100)

struct csv_load {
    const char *label; /* the file's name for messages */
    enum record_table table;
    const struct run_state_words *words;
    struct span silence;     /* longest wait for the next bytes; 0: for ever */
    const atomic_bool *stop; /* NULL: never */
    struct record_set *set;  /* rows are added here */
};

/* Reads the file `path` to its end. Returns 0 with the number of rows in *ret_rows;
 * or ERR_NOT_FOUND, ERR_SYSTEM, ERR_SYNTAX, ERR_RANGE, ERR_LIMIT, ERR_TIMEOUT,
 * ERR_CANCELLED with `err`. The set holds what came before the error. */
int csv_load_file(const struct csv_load *load, const char *path, uint64_t *ret_rows,
                  struct err *err) MUST_USE;

/* Reads `length` `bytes`; results as csv_load_file(). */
int csv_load_bytes(const struct csv_load *load, const char *bytes, size_t length,
                   uint64_t *ret_rows, struct err *err) MUST_USE;

#endif
