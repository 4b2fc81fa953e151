/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "store/store_internal.h"

enum { TRIM_PARTS = 48 }; /* of the retention between two times of trimming */

/* What ended before the retention goes, in one transaction; what still stands
 * stays however old. The order matters: rows that others refer to go last. */

/* The last round that ended before `before` and is not the latest of all; 0 none. */
static int find_floor(struct store *store, struct wall before, int64_t *ret, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell time[] = {cell_wall(before)};
    int result = store_one(store, SQL_TRIM_FLOOR, time, 1, row, err);
    if (result == 1)
        *ret = row[0].integer;
    store_stop(store, SQL_TRIM_FLOOR);
    return result < 0 ? result : 0;
}

static int trim_rounds(struct store *store, int64_t number, struct err *err)
{
    const struct cell floor[] = {cell_integer(number)};
    static const enum statement of_rounds[] = {
        SQL_TRIM_READING,        SQL_TRIM_RECEIPT, SQL_TRIM_RECORD_USE,
        SQL_TRIM_RECORD_READING, SQL_TRIM_FAILURE, SQL_TRIM_OFF,
        SQL_TRIM_STANDING,       SQL_TRIM_TOLD,    SQL_TRIM_ROUND};
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < ARRAY_COUNT(of_rounds); i++)
        failed = store_run(store, of_rounds[i], floor, 1, err);
    return failed;
}

static int trim(struct store *store, struct wall before, int64_t floor, struct wall now,
                struct err *err)
{
    const struct cell time[] = {cell_wall(before)};
    static const enum statement of_time[] = {SQL_TRIM_PAST, SQL_TRIM_RECORDED, SQL_TRIM_EVENT,
                                             SQL_TRIM_CASE, SQL_TRIM_FOLLOWED};
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < ARRAY_COUNT(of_time); i++)
        failed = store_run(store, of_time[i], time, 1, err);
    if (failed == 0)
        failed = trim_rounds(store, floor, err);
    if (failed == 0)
        failed = store_run(store, SQL_TRIM_SHAPE, NULL, 0, err);
    if (failed == 0)
        failed = store_run(store, SQL_TRIM_NAME, NULL, 0, err);
    if (failed == 0)
        failed = store_run(store, SQL_META_SET,
                           (struct cell[]){cell_text("trimmed"), cell_wall(now)}, 2, err);
    return failed;
}

/* Trimming reads the whole store, so it is done when a good part of the retention
 * has gone by since the last time; a clock that was set back does not stop it. */
static int is_due(struct store *store, struct wall now, struct span retention, bool *ret,
                  struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_text("trimmed")};
    int result = store_one(store, SQL_META_GET, key, 1, row, err);
    int64_t last = result == 1 ? row[0].integer : 0;
    store_stop(store, SQL_META_GET);
    *ret = now.us < last ||
           now.us / TRIM_PARTS - last / TRIM_PARTS >= retention.us / TRIM_PARTS / TRIM_PARTS;
    return result < 0 ? result : 0;
}

int store_trim(struct store *store, struct wall now, struct span retention, struct err *err)
{
    if (store->in_round)
        store_round_abort(store);
    struct wall before = wall_add(now, span_us(-retention.us));
    bool due = false;
    int64_t floor = 0;
    int failed = is_due(store, now, retention, &due, err);
    if (failed == 0 && due)
        failed = find_floor(store, before, &floor, err);
    if (failed != 0 || floor == 0)
        return failed;
    failed = store_begin(store, err);
    if (failed != 0)
        return failed;
    failed = store_end(store, trim(store, before, floor, now, err), err);
    store_names_forget(store);
    return failed != 0 ? failed : store->class->script(store->database, store->class->compact, err);
}

int store_measure(struct store *store, struct store_size *ret, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_MEASURE, NULL, 0, row, err);
    struct store_size size = {0};
    if (result == 1)
        size = (struct store_size){.rounds = (uint64_t)row[0].integer,
                                   .receipts = (uint64_t)row[1].integer,
                                   .sightings = (uint64_t)row[2].integer,
                                   .past_sightings = (uint64_t)row[3].integer,
                                   .recorded = (uint64_t)row[4].integer,
                                   .past_recorded = (uint64_t)row[5].integer,
                                   .cases = (uint64_t)row[6].integer,
                                   .events = (uint64_t)row[7].integer,
                                   .sessions = (uint64_t)row[8].integer};
    store_stop(store, SQL_MEASURE);
    if (result >= 0)
        result = store_one(store, SQL_MEASURE_FILE, NULL, 0, row, err);
    if (result == 1)
        size.file_bytes = (uint64_t)row[0].integer;
    store_stop(store, SQL_MEASURE_FILE);
    if (result == 1)
        *ret = size;
    return result < 0 ? result : 0;
}
