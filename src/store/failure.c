/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/store_internal.h"

/* What is counted over rounds rather than seen in one: sources that fail, and
 * guests that are recorded as off. Both are intervals of rounds. */

static int last_failure(struct store *store, const struct cell *key, int64_t *ret_since,
                        int64_t *ret_first, bool *ret_same_why, const char *why, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_FAILURE_LAST, key, 2, row, err);
    if (result == 1 && row[2].integer != (int64_t)store->round - 1)
        result = 0; /* it answered since */
    if (result == 1) {
        *ret_since = row[0].integer;
        *ret_first = row[1].integer;
        *ret_same_why =
            row[3].length == strlen(why) && memcmp(row[3].bytes, why, row[3].length) == 0;
    }
    store_stop(store, SQL_FAILURE_LAST);
    return result;
}

static int add_failure(struct store *store, const struct failed_source *failed, struct err *err)
{
    int kind = failed->hears                 ? STORE_KIND_EVENT
               : failed->switch_name != NULL ? STORE_KIND_OBSERVED
                                             : STORE_KIND_RECORDED;
    const struct cell key[] = {cell_text(failed->source), cell_integer(kind)};
    const char *why = failed->why == NULL ? "" : failed->why;
    int64_t round = (int64_t)store->round, since = round, first = round;
    bool same_why = false;
    int result = last_failure(store, key, &since, &first, &same_why, why, err);
    if (result < 0)
        return result;
    if (result == 1 && same_why) {
        const struct cell grown[] = {key[0], key[1], cell_integer(first), cell_integer(round)};
        return store_run(store, SQL_FAILURE_GROW, grown, 4, err);
    }
    const struct cell cells[] = {key[1],
                                 key[0],
                                 cell_optional(failed->switch_name),
                                 cell_optional(failed->site),
                                 cell_integer(since),
                                 cell_integer(round),
                                 cell_text(why)};
    return store_run(store, SQL_FAILURE_ADD, cells, ARRAY_COUNT(cells), err);
}

/* The last good snapshot of a recorded source, where there is one, is the round's. */
static int use_last_good(struct store *store, const char *name, struct err *err)
{
    struct source_row source;
    int result = store_source(store, STORE_KIND_RECORDED, "", name, false, &source, err);
    if (result == 1 && source.seq > 0)
        return store_use_records(store, source.id, source.seq, err);
    return result < 0 ? result : 0;
}

int store_round_kept(struct store *store, const char *source, struct err *err)
{
    int failed = store_in_round(store, err);
    if (failed == 0)
        failed = use_last_good(store, source, err);
    return store_round_result(store, failed, err);
}

int store_round_failed(struct store *store, const struct failed_source *failed,
                       const struct receipt *receipt, struct err *err)
{
    int result = store_in_round(store, err);
    if (result == 0)
        result = add_failure(store, failed, err);
    if (result == 0 && receipt != NULL)
        result = store_add_receipt(store, receipt, 0, err);
    if (result == 0 && failed->switch_name == NULL && !failed->hears)
        result = use_last_good(store, failed->source, err);
    return store_round_result(store, result, err);
}

int store_failed_rounds(struct store *store, const char *source, unsigned *ret, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_ROUND_LAST, NULL, 0, row, err);
    int64_t round = result == 1 ? row[0].integer : 0;
    store_stop(store, SQL_ROUND_LAST);
    if (result < 0)
        return result;
    const struct cell key[] = {cell_text(source), cell_integer(round)};
    result = store_one(store, SQL_FAILURE_ANY, key, 2, row, err);
    unsigned rounds = 0;
    if (result == 1 && row[0].integer >= 1 && row[0].integer <= round)
        rounds = (unsigned)(round - row[0].integer + 1);
    store_stop(store, SQL_FAILURE_ANY);
    if (result >= 0)
        *ret = rounds;
    return result < 0 ? result : 0;
}

/* --- since when guests are off --- */

/* The open intervals, loaded before anything is written. */
struct open_row {
    char *identity;
    int64_t first_round;
};
struct open_rows {
    struct arena *arena;
    struct open_row *items;
    size_t count, capacity;
};

static int load_open(struct store *store, struct open_rows *rows, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_start(store, SQL_OFF_CURRENT, NULL, 0, err);
    if (result == 0)
        result = store_step(store, SQL_OFF_CURRENT, row, err);
    while (result == 1) {
        rows->items = alloc_grow(rows->items, rows->count, &rows->capacity, sizeof *rows->items);
        rows->items[rows->count++] = (struct open_row){
            .identity = cell_to_text(&row[0], rows->arena), .first_round = row[1].integer};
        result = store_step(store, SQL_OFF_CURRENT, row, err);
    }
    return result;
}

static int compare_texts(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static const char **sorted(const char *const *texts, size_t count)
{
    const char **copy = alloc_array(count + 1, sizeof *copy);
    if (count > 0)
        memcpy(copy, texts, count * sizeof *copy);
    qsort(copy, count, sizeof *copy, compare_texts);
    return copy;
}

static int end_off(struct store *store, const struct open_row *row, struct err *err)
{
    const struct cell cells[] = {cell_text(row->identity), cell_integer(row->first_round),
                                 cell_integer((int64_t)store->round - 1)};
    return store_run(store, SQL_OFF_END, cells, 3, err);
}

/* It is off since the judging of this round, which is told at the commit. */
static void begin_off(struct store *store, const char *identity)
{
    struct pending *pending = store->pending;
    pending->offs = alloc_grow(pending->offs, pending->off_count, &pending->off_capacity,
                               sizeof *pending->offs);
    pending->offs[pending->off_count++] = arena_text(pending->arena, identity, strlen(identity));
}

int store_put_offs(struct store *store, struct wall judged, struct err *err)
{
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < store->pending->off_count; i++) {
        const struct cell cells[] = {cell_text(store->pending->offs[i]),
                                     cell_integer((int64_t)store->round), cell_wall(judged)};
        failed = store_run(store, SQL_OFF_ADD, cells, 3, err);
    }
    return failed;
}

/* Both lists sorted: what is only in `rows` ended unless it is unknown now, what
 * is only in `off` begins. */
static int merge_offs(struct store *store, const struct open_rows *rows, const char **off,
                      size_t count, const char **unknown, size_t unknown_count, struct err *err)
{
    size_t i = 0, j = 0;
    while (i < rows->count || j < count) {
        int order = i == rows->count ? 1
                    : j == count     ? -1
                                     : strcmp(rows->items[i].identity, off[j]);
        int failed = 0;
        if (order < 0) {
            const char *identity = rows->items[i].identity;
            bool kept = unknown_count > 0 && bsearch(&identity, unknown, unknown_count,
                                                     sizeof *unknown, compare_texts) != NULL;
            if (!kept)
                failed = end_off(store, &rows->items[i], err);
            i++;
        } else if (order > 0) {
            if (j == 0 || strcmp(off[j], off[j - 1]) != 0)
                begin_off(store, off[j]);
            j++;
        } else {
            i++;
            for (j++; j < count && strcmp(off[j], off[j - 1]) == 0;)
                j++;
        }
        if (failed != 0)
            return failed;
    }
    return 0;
}

int store_round_offs(struct store *store, const char *const *identities, size_t count,
                     const char *const *unknown, size_t unknown_count, struct err *err)
{
    int failed = store_in_round(store, err);
    if (failed != 0)
        return failed;
    struct open_rows rows = {.arena = arena_new()};
    AUTO_FREE const char **off = sorted(identities, count);
    AUTO_FREE const char **not_known = sorted(unknown, unknown_count);
    failed = load_open(store, &rows, err);
    if (failed == 0)
        failed = merge_offs(store, &rows, off, count, not_known, unknown_count, err);
    free(rows.items);
    arena_free(rows.arena);
    return store_round_result(store, failed, err);
}
