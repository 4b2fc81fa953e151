/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CONTRACT_JOB_H
#define MUSTER_CONTRACT_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/plugin.h"

/* One fetch, seen from both sides.
 *
 * The core makes a job, gives it to a plug-in's fetch and hears of its end by one
 * callback. The job enforces the contract of plugin.h with CHECK: it ends once
 * and only once, whatever is handed over has exactly one owner at every moment,
 * and what it tells the plug-in (the last good read's size, the operator's
 * permission to shrink) is a copy that cannot change under a long read. When
 * fetch returns an error, or after cancel, the core frees the job itself; when it
 * ends, the job frees itself after the callback has returned.
 *
 * A source that suddenly says much less is more often a broken export than a
 * data centre that lost half its guests, and believing it would raise an alarm
 * for every guest it no longer names. last_good_check() is the one place that
 * decides so, for every kind of source. */

/* How much the source said when it was last believed. The core keeps it between
 * rounds, the store between runs. */
struct last_good {
    bool known; /* false: never read before */
    struct wall when;
    uint64_t rows[RECORD_TABLE_COUNT];
};

/* Returns 0 when `set` lost at most `max_shrink_percent` of each table's rows since
 * `last`, else ERR_SHRUNK with a sentence that has both counts and the share. A
 * table that the source no longer has counts as shrunk to nothing. */
int last_good_check(const struct last_good *last, const struct record_set *set,
                    int64_t max_shrink_percent, struct err *err) MUST_USE;

/* --- recorded jobs --- */

/* The end: `set` is yours, or NULL with `err` set; `receipt` is borrowed. */
typedef void recorded_end_fn(void *aux, struct record_set *set, const struct receipt *receipt,
                             const struct err *err);

/* Returns a job for the source that is configured as `source`. `last` (may be NULL)
 * is copied. */
struct recorded_job *recorded_job_new(const char *source, const struct last_good *last,
                                      bool accept_shrunk, recorded_end_fn *end, void *aux);

/* Frees a job that has not ended and never will; NULL is allowed. */
void recorded_job_free(struct recorded_job *job);

/* Returns the configured name of the source; lives as long as the job. */
const char *recorded_job_source(const struct recorded_job *job);

/* Returns what the source said when it was last believed. */
const struct last_good *recorded_job_last_good(const struct recorded_job *job);

/* Returns whether the operator allows this read to be smaller (--accept-shrunk). */
bool recorded_job_accept_shrunk(const struct recorded_job *job);

/* --- observed jobs --- */

/* The end: `table` is yours and may be partial, or NULL with `err` set; `err` may
 * also say why a table is partial. */
typedef void observed_end_fn(void *aux, struct forward_table *table, const struct err *err);
typedef void observed_progress_fn(void *aux, uint64_t rows);

/* Returns a job for the source that is configured as `source`; `progress` may be
 * NULL. */
struct observed_job *observed_job_new(const char *source, observed_end_fn *end,
                                      observed_progress_fn *progress, void *aux);

/* Frees a job that has not ended and never will; NULL is allowed. */
void observed_job_free(struct observed_job *job);

/* Returns the configured name of the source; lives as long as the job. */
const char *observed_job_source(const struct observed_job *job);

#endif
