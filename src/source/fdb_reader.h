/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_FDB_READER_H
#define MUSTER_SOURCE_FDB_READER_H

#include <stdbool.h>

#include "contract/plugin.h"

/* An observed source used by an event source: the whole table of a bridge is read by the
 * same code whether it is polled for a round or followed for events, so that both say the
 * same of the same bridge (DOMAIN F22).
 *
 * It stands in the core's place towards that source: it fills in the options, makes
 * the jobs and takes the tables. One read at a time; a source that failed several times
 * in a row is given up, and the core starts the event source again later. */

enum { FDB_READER_FAILURES = 3 };

struct fdb_reader;

/* A table, yours to free, or NULL with `err` set. May start the next read. */
typedef void fdb_reader_fn(void *aux, struct forward_table *table, const struct err *err);

/* One option of the observed source: a value, or the values of a list. */
struct fdb_reader_option {
    const char *key;
    const char *value;              /* NULL: see `list` */
    const struct option_list *list; /* NULL or empty: not set */
};

/* Constructs the observed source with these options, ended by one whose key is NULL.
 * Returns 0 with *ret yours to free, or the error of the option or of the source. */
int fdb_reader_new(struct env *env, const struct observed_source_class *class,
                   const struct fdb_reader_option *options, fdb_reader_fn *done, void *aux,
                   struct fdb_reader **ret, struct err *err) MUST_USE;

/* Ends a read under way without a callback; NULL is allowed. Not from within `done`. */
void fdb_reader_free(struct fdb_reader *reader);

/* Starts to read; nothing when a read is under way. A read that cannot even be started
 * ends by `done` like any other, from within this call. */
void fdb_reader_read(struct fdb_reader *reader);

/* Whether a read is under way. */
bool fdb_reader_busy(const struct fdb_reader *reader);

/* Whether the last FDB_READER_FAILURES reads failed. */
bool fdb_reader_lost(const struct fdb_reader *reader);

#endif
