/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_RECORDED_H
#define MUSTER_STORE_RECORDED_H

#include "store/store_internal.h"

/* Recorded rows in the store. A row is its text: the known columns as CSV, and
 * beside it the unknown ones as JSON. A row of a table with line numbers is another row when its
 * line changes, so that evidence names the right line; guests, which come by the million, have
 * none. A row is found by a keyed hash of its text, copies of one text are counted, and the digest
 * of a whole source is the sum over its rows as for sightings: an unchanged inventory costs its
 * receipt. A row is read back through record_add_row(), the grammar of every source. Limits and
 * attacks: store.h. */

enum { RECORDED_VALUES_MAX = 32 };

/* Splits the known columns of a stored row (terminated), in place, into at most
 * RECORDED_VALUES_MAX values. Returns their number. */
size_t recorded_split(char *content, struct record_value values[RECORDED_VALUES_MAX]);

/* Puts a source's snapshot of reading `seq` together; yours to free. */
int recorded_load(struct store *store, int64_t source_id, int64_t seq, struct record_set **ret,
                  struct wall *ret_read_at, struct err *err) MUST_USE;

#endif
