/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_SHAPE_H
#define MUSTER_STORE_SHAPE_H

#include "store/store_internal.h"

/* The shape of a switch: what a reading tells beside its rows and receipts (ports,
 * neighbours, own addresses, names), as text that is stored only when it differs
 * from the reading before. One line each, values divided by tabs, readable with
 * the sqlite3 shell. Limits: those of the model; a shape that does not parse, or
 * names a port that is not there, is a damaged store and never a crash. */

/* Appends the shape of `table`. */
void shape_print(const struct forward_table *table, struct text *to);

/* Fills `table` (new, without ports) from `content`, which is changed. Returns 0,
 * or ERR_CORRUPT with a sentence. */
int shape_parse(const struct store *store, char *content, struct forward_table *table,
                struct err *err) MUST_USE;

#endif
