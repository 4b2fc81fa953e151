/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sighting.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/shape.h"

/* One table on its way into the store. */
struct intake {
    struct store *store;
    const struct forward_table *table;
    struct source_row source;
    struct sighting_keys keys;
    struct wall at;    /* when the reading ended, or the round began */
    struct wall begun; /* when it began: no row of it was seen later than it says */
};

/* --- the difference --- */

/* A row of the store that this reading does not show. */
struct gone_row {
    struct sighting_key key;
    int64_t first_seq;
    struct wall first, begun;
    int64_t before;
};

struct difference {
    struct gone_row *gone;
    size_t gone_count, gone_capacity;
    uint32_t *learnt; /* numbers in intake->keys */
    size_t learnt_count, learnt_capacity;
};

static void add_gone(struct difference *difference, const struct sighting_key *key,
                     const struct cell *row)
{
    difference->gone = alloc_grow(difference->gone, difference->gone_count,
                                  &difference->gone_capacity, sizeof *difference->gone);
    difference->gone[difference->gone_count++] = (struct gone_row){.key = *key,
                                                                   .first_seq = row[4].integer,
                                                                   .first = {row[5].integer},
                                                                   .begun = {row[6].integer},
                                                                   .before = row[7].integer};
}

static void add_learnt(struct difference *difference, size_t number)
{
    difference->learnt = alloc_grow(difference->learnt, difference->learnt_count,
                                    &difference->learnt_capacity, sizeof *difference->learnt);
    difference->learnt[difference->learnt_count++] = (uint32_t)number;
}

/* Walks the store's rows of the switch and this reading's side by side. */
static int compare_rows(struct intake *intake, struct difference *difference, struct err *err)
{
    struct store *store = intake->store;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer(intake->source.id)};
    size_t at = 0;
    int result = store_start(store, SQL_SEEN_OF_SOURCE, key, 1, err);
    if (result == 0)
        result = store_step(store, SQL_SEEN_OF_SOURCE, row, err);
    while (result == 1) {
        struct sighting_key stored = {.mac = (uint64_t)row[0].integer,
                                      .port = (uint32_t)row[1].integer,
                                      .vlan = (uint32_t)row[2].integer,
                                      .status = (uint32_t)row[3].integer};
        while (at < intake->keys.count && sighting_compare(&intake->keys.items[at], &stored) < 0)
            add_learnt(difference, at++);
        if (at < intake->keys.count && sighting_compare(&intake->keys.items[at], &stored) == 0)
            at++;
        else
            add_gone(difference, &stored, row);
        result = store_step(store, SQL_SEEN_OF_SOURCE, row, err);
    }
    while (result == 0 && at < intake->keys.count)
        add_learnt(difference, at++);
    return result;
}

static int write_gone(struct intake *intake, const struct gone_row *gone, struct err *err)
{
    const struct sighting_key *key = &gone->key;
    const struct cell cells[] = {
        cell_integer(intake->source.id), cell_integer((int64_t)key->mac),
        cell_integer(key->port),         cell_integer(key->vlan),
        cell_integer(key->status),       cell_integer(gone->first_seq),
        cell_wall(gone->first),          cell_wall(gone->begun),
        cell_integer(gone->before),      cell_integer(intake->source.seq),
        cell_wall(intake->source.ended), cell_integer(intake->table->whole),
    };
    int failed = store_run(intake->store, SQL_PAST_ADD, cells, ARRAY_COUNT(cells), err);
    return failed != 0 ? failed : store_run(intake->store, SQL_SEEN_DROP, cells, 5, err);
}

/* When readings in part lie between, a row that is back goes on as the interval
 * that it was: sets its true beginning and how many readings showed it. */
static int find_piece(struct intake *intake, const struct sighting_key *key, struct wall *begun,
                      int64_t *before, struct err *err)
{
    if (intake->source.seq == 0 || intake->source.whole_seq >= intake->source.seq)
        return 0;
    const struct cell cells[] = {cell_integer(intake->source.id), cell_integer((int64_t)key->mac),
                                 cell_integer(key->port), cell_integer(key->vlan),
                                 cell_integer(key->status),
                                 /* a whole reading since then would have shown it */
                                 cell_integer(intake->source.whole_seq)};
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(intake->store, SQL_PAST_PIECE, cells, ARRAY_COUNT(cells), row, err);
    if (result == 1) {
        *begun = (struct wall){row[0].integer};
        *before = (int64_t)((uint64_t)row[1].integer + (uint64_t)row[3].integer -
                            (uint64_t)row[2].integer + 1);
    }
    store_stop(intake->store, SQL_PAST_PIECE);
    return result < 0 ? result : 0;
}

static int write_learnt(struct intake *intake, const struct sighting_key *key, struct err *err)
{
    struct wall begun = intake->begun;
    int64_t before = 0;
    int failed = find_piece(intake, key, &begun, &before, err);
    if (failed != 0)
        return failed;
    const struct cell cells[] = {
        cell_integer(intake->source.id),
        cell_integer((int64_t)key->mac),
        cell_integer(key->port),
        cell_integer(key->vlan),
        cell_integer(key->status),
        cell_integer(intake->source.seq + 1),
        cell_wall(intake->at),
        cell_wall(begun),
        cell_integer(before),
    };
    return store_run(intake->store, SQL_SEEN_ADD, cells, ARRAY_COUNT(cells), err);
}

static int write_difference(struct intake *intake, struct err *err)
{
    struct difference difference = {0};
    int failed = compare_rows(intake, &difference, err);
    for (size_t i = 0; failed == 0 && i < difference.gone_count; i++)
        failed = write_gone(intake, &difference.gone[i], err);
    for (size_t i = 0; failed == 0 && i < difference.learnt_count; i++)
        failed = write_learnt(intake, &intake->keys.items[difference.learnt[i]], err);
    free(difference.gone);
    free(difference.learnt);
    return failed;
}

/* --- the reading --- */

static int find_shape(struct intake *intake, int64_t *ret, struct err *err)
{
    AUTO_TEXT struct text shape = TEXT_EMPTY;
    shape_print(intake->table, &shape);
    struct store *store = intake->store;
    const struct cell cells[] = {cell_integer(intake->source.id),
                                 cell_bytes(text_get(&shape), shape.length)};
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_SHAPE_LAST, cells, 1, row, err);
    bool same = result == 1 && row[1].length == shape.length &&
                memcmp(row[1].bytes, text_get(&shape), shape.length) == 0;
    if (same)
        *ret = row[0].integer;
    store_stop(store, SQL_SHAPE_LAST);
    if (result < 0 || same)
        return result < 0 ? result : 0;
    result = store_one(store, SQL_SHAPE_ADD, cells, 2, row, err);
    if (result == 1)
        *ret = row[0].integer;
    store_stop(store, SQL_SHAPE_ADD);
    return result == 1 ? 0 : result == 0 ? ERR_CORRUPT : result;
}

static uint8_t *pack_ages(const struct intake *intake, size_t *ret_length)
{
    uint8_t *ages = alloc_array(intake->keys.count * 2 + 1, 1);
    for (size_t i = 0; i < intake->keys.count; i++) {
        ages[2 * i] = (uint8_t)(intake->keys.items[i].age & 0xff);
        ages[2 * i + 1] = (uint8_t)(intake->keys.items[i].age >> 8);
    }
    *ret_length = intake->keys.count * 2;
    return ages;
}

static int write_reading(struct intake *intake, bool blind, struct err *err)
{
    const struct forward_table *table = intake->table;
    struct store *store = intake->store;
    int64_t shape = 0;
    int failed = find_shape(intake, &shape, err);
    if (failed != 0)
        return failed;
    size_t length = 0;
    AUTO_FREE uint8_t *ages = intake->keys.has_ages ? pack_ages(intake, &length) : NULL;
    const struct cell cells[] = {
        cell_integer(intake->source.id),
        cell_integer((int64_t)store->round),
        cell_integer(store->reading_ordinal++),
        cell_integer(intake->source.seq),
        cell_wall(intake->at),
        cell_wall(table->started),
        cell_wall(table->ended),
        cell_integer(table->whole),
        cell_integer(blind),
        cell_integer(table->ageing.us),
        cell_integer((int64_t)table->rejected_rows),
        cell_integer(shape),
        ages == NULL ? cell_null()
                     : (struct cell){.type = CELL_BLOB, .bytes = ages, .length = length},
    };
    failed = store_run(store, SQL_READING_ADD, cells, ARRAY_COUNT(cells), err);
    for (size_t i = 0; failed == 0 && i < table->receipt_count; i++)
        failed = store_add_receipt(store, &table->receipts[i], intake->source.id, err);
    return failed;
}

static int write_rows(struct intake *intake, struct err *err)
{
    int failed = sighting_keys_make(intake->store, intake->table, true, &intake->keys, err);
    if (failed != 0)
        return failed;
    bool same = intake->source.seq > 0 && intake->keys.digest_a == intake->source.digest_a &&
                intake->keys.digest_b == intake->source.digest_b;
    if (!same || intake->keys.has_ages)
        sighting_keys_sort(&intake->keys);
    if (!same)
        failed = write_difference(intake, err);
    if (failed != 0)
        return failed;
    struct source_row *source = &intake->source;
    source->seq++;
    source->ended = intake->at;
    if (intake->table->whole)
        source->whole_seq = source->seq;
    source->digest_a = intake->keys.digest_a;
    source->digest_b = intake->keys.digest_b;
    return store_source_put(intake->store, source, err);
}

static int already_read(struct intake *intake, struct err *err)
{
    struct store *store = intake->store;
    const struct cell cells[] = {cell_integer(intake->source.id),
                                 cell_integer((int64_t)store->round)};
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_READING_THERE, cells, 2, row, err);
    store_stop(store, SQL_READING_THERE);
    if (result != 1)
        return result;
    return err_set(err, ERR_RANGE,
                   "%s: two sources of this round gave a table of switch %s of site %s; give one "
                   "of them another name",
                   store->path, intake->table->switch_name, intake->table->site);
}

int store_round_table(struct store *store, const struct forward_table *table, struct err *err)
{
    int failed = store_in_round(store, err);
    if (failed != 0)
        return failed;
    struct intake intake = {.store = store, .table = table};
    intake.at = wall_known(table->ended) ? table->ended : store->round_started;
    intake.begun = wall_known(table->started) ? table->started : intake.at;
    failed = store_source(store, STORE_KIND_OBSERVED, table->site, table->switch_name, true,
                          &intake.source, err);
    failed = failed < 0 ? failed : already_read(&intake, err);
    bool blind = !table->whole && table->row_count == 0;
    if (failed == 0 && !blind)
        failed = write_rows(&intake, err);
    if (failed == 0)
        failed = write_reading(&intake, blind, err);
    sighting_keys_done(&intake.keys);
    return store_round_result(store, failed, err);
}
