/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_JSON_LOAD_H
#define MUSTER_SOURCE_JSON_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/record.h"

/* JSON lines into a record set: the public plug-in protocol's reading side
 * (docs/plugin-protocol.md).
 *
 * Each line is an object whose keys are a table's columns. Its key `type` (or
 * `table`) says which table, else the default one; {"type":"as_of","time":...}
 * says when all of it was true. Rows of one table may name their keys in
 * different orders and leave different ones out; how a set of keys maps to
 * columns is worked out once and kept for the LAYOUTS most recent sets, so a
 * program that invents new keys on every line only makes itself slow. */

struct json_load;

/* Returns a reader that adds to `set`; `words` is borrowed. Yours to free. */
struct json_load *json_load_new(struct record_set *set, enum record_table default_table,
                                const struct run_state_words *words);

/* Frees the reader, not the set; NULL is allowed. */
void json_load_free(struct json_load *load);

/* Reads `length` more `bytes`. Returns 0; or ERR_SYNTAX, ERR_RANGE, ERR_LIMIT with
 * `err`, which begins with "line N". After an error nothing more is read. */
int json_load_put(struct json_load *load, const char *bytes, size_t length,
                  struct err *err) MUST_USE;

/* Ends the input: reads a last line without line break; then the default table is
 * there even if it has no row. Results as json_load_put(). */
int json_load_end(struct json_load *load, struct err *err) MUST_USE;

/* Returns how many rows were read. */
uint64_t json_load_rows(const struct json_load *load);

#endif
