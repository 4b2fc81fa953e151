/* SPDX-License-Identifier: Apache-2.0 */
#include "store/recorded.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

static uint32_t line_of(const struct record_set *set, enum record_table table, size_t row)
{
    switch (table) {
    case RECORD_GUESTS:
        return 0;
    case RECORD_ATTACHMENTS:
        return set->attachments[row].line;
    case RECORD_SWITCHES:
        return set->switches[row].line;
    case RECORD_PORTS:
        return set->ports[row].line;
    case RECORD_LINKS:
        return set->links[row].line;
    case RECORD_LAGS:
        return set->lags[row].line;
    case RECORD_PLANNED_WORK:
        return set->planned_work[row].line;
    case RECORD_CMDB:
        return set->items[row].line;
    case RECORD_DCM:
        return set->allocations[row].line;
    case RECORD_CAPACITY:
        return set->capacities[row].line;
    case RECORD_TABLE_COUNT:
        break;
    }
    UNREACHABLE();
}

/* --- the difference --- */

struct hashed_row {
    int64_t hash;
    uint32_t row;
};

struct snapshot {
    struct store *store;
    const struct record_set *set;
    struct source_row source;
    struct wall read_at;
    struct hashed_row *rows[RECORD_TABLE_COUNT];
    size_t counts[RECORD_TABLE_COUNT];
    uint64_t digest_a, digest_b;
};

static void hash_table(struct snapshot *snapshot, enum record_table table)
{
    const struct record_set *set = snapshot->set;
    size_t count = set->present[table] ? record_set_rows(set, table) : 0;
    AUTO_TEXT struct text text = TEXT_EMPTY;
    struct hashed_row *rows = alloc_array(count + 1, sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        text_clear(&text);
        record_row_print(set, table, i, &text);
        const char *extra = record_extra_find(set, table, i);
        if (extra != NULL) {
            text_add_char(&text, '\0'); /* no value has one */
            text_add(&text, extra);
        }
        uint64_t where = (uint64_t)line_of(set, table, i) << 8 | (uint64_t)table;
        uint64_t a = hash_bytes(text.data, text.length, snapshot->store->secret_a + where);
        uint64_t b = hash_bytes(text.data, text.length, snapshot->store->secret_b + where);
        rows[i] = (struct hashed_row){(int64_t)a, (uint32_t)i};
        snapshot->digest_a += hash_u64(a, snapshot->store->secret_b);
        snapshot->digest_b += b;
    }
    snapshot->rows[table] = rows;
    snapshot->counts[table] = count;
}

static int compare_hashes(const void *a, const void *b)
{
    const struct hashed_row *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

struct retired_row {
    int64_t hash, copy;
};

struct record_difference {
    struct retired_row *retired;
    size_t retired_count, retired_capacity;
    struct added_row {
        uint32_t row;
        int64_t hash, copy;
    } * added;
    size_t added_count, added_capacity;
};

static void add_added(struct record_difference *difference, const struct hashed_row *row,
                      int64_t copy)
{
    difference->added = alloc_grow(difference->added, difference->added_count,
                                   &difference->added_capacity, sizeof *difference->added);
    difference->added[difference->added_count++] =
        (struct added_row){.row = row->row, .hash = row->hash, .copy = copy};
}

static void add_retired(struct record_difference *difference, int64_t hash, int64_t copy)
{
    difference->retired = alloc_grow(difference->retired, difference->retired_count,
                                     &difference->retired_capacity, sizeof *difference->retired);
    difference->retired[difference->retired_count++] = (struct retired_row){hash, copy};
}

/* Which copy of its text the row at `at` is. */
static int64_t copy_number(const struct hashed_row *rows, size_t at, int64_t before)
{
    return at > 0 && rows[at - 1].hash == rows[at].hash ? before + 1 : 0;
}

static int compare_table(struct snapshot *snapshot, enum record_table table,
                         struct record_difference *difference, struct err *err)
{
    struct store *store = snapshot->store;
    const struct hashed_row *rows = snapshot->rows[table];
    size_t count = snapshot->counts[table], at = 0;
    int64_t copy = 0;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer(snapshot->source.id), cell_integer(table)};
    int result = store_start(store, SQL_RECORDED_OF_SOURCE, key, 2, err);
    if (result == 0)
        result = store_step(store, SQL_RECORDED_OF_SOURCE, row, err);
    while (result == 1) {
        int64_t hash = row[0].integer, stored_copy = row[1].integer;
        while (at < count &&
               (copy = copy_number(rows, at, copy),
                rows[at].hash < hash || (rows[at].hash == hash && copy < stored_copy)))
            add_added(difference, &rows[at++], copy);
        if (at < count && rows[at].hash == hash && copy == stored_copy)
            at++;
        else
            add_retired(difference, hash, stored_copy);
        result = store_step(store, SQL_RECORDED_OF_SOURCE, row, err);
    }
    for (; result == 0 && at < count; at++) {
        copy = copy_number(rows, at, copy);
        add_added(difference, &rows[at], copy);
    }
    return result;
}

static int write_added(struct snapshot *snapshot, enum record_table table,
                       const struct added_row *added, struct text *text, struct err *err)
{
    const struct record_set *set = snapshot->set;
    text_clear(text);
    record_row_print(set, table, added->row, text);
    uint32_t line = line_of(set, table, added->row);
    struct mac mac = MAC_NONE;
    if (table == RECORD_GUESTS)
        mac.bits = set->nics.mac[added->row];
    else if (table == RECORD_ATTACHMENTS)
        mac = set->attachments[added->row].nic_mac;
    const struct cell cells[] = {
        cell_integer(snapshot->source.id),
        cell_integer(table),
        cell_integer(added->hash),
        cell_integer(added->copy),
        cell_integer(table == RECORD_GUESTS ? added->row : line),
        cell_integer(snapshot->source.seq + 1),
        cell_wall(snapshot->read_at),
        mac_known(mac) ? cell_integer((int64_t)mac.bits) : cell_null(),
        cell_bytes(text_get(text), text->length),
        cell_optional(record_extra_find(set, table, added->row)),
    };
    return store_run(snapshot->store, SQL_RECORDED_ADD, cells, ARRAY_COUNT(cells), err);
}

static int write_retired(struct snapshot *snapshot, enum record_table table,
                         const struct retired_row *retired, struct err *err)
{
    const struct cell cells[] = {
        cell_integer(snapshot->source.id),  cell_integer(table),
        cell_integer(retired->hash),        cell_integer(retired->copy),
        cell_integer(snapshot->source.seq), cell_wall(snapshot->source.ended),
    };
    int failed = store_run(snapshot->store, SQL_RECORDED_RETIRE, cells, 6, err);
    return failed != 0 ? failed : store_run(snapshot->store, SQL_RECORDED_DROP, cells, 4, err);
}

static int write_table(struct snapshot *snapshot, enum record_table table, struct err *err)
{
    struct record_difference difference = {0};
    AUTO_TEXT struct text text = TEXT_EMPTY;
    qsort(snapshot->rows[table], snapshot->counts[table], sizeof(struct hashed_row),
          compare_hashes);
    int failed = compare_table(snapshot, table, &difference, err);
    for (size_t i = 0; failed == 0 && i < difference.retired_count; i++)
        failed = write_retired(snapshot, table, &difference.retired[i], err);
    for (size_t i = 0; failed == 0 && i < difference.added_count; i++)
        failed = write_added(snapshot, table, &difference.added[i], &text, err);
    free(difference.retired);
    free(difference.added);
    return failed;
}

/* --- the reading --- */

static int write_reading(struct snapshot *snapshot, struct err *err)
{
    struct source_row *source = &snapshot->source;
    int64_t present = 0;
    for (int table = 0; table < RECORD_TABLE_COUNT; table++)
        present |= (int64_t)snapshot->set->present[table] << table;
    source->seq++;
    source->ended = snapshot->read_at;
    source->whole_seq = source->seq;
    source->digest_a = snapshot->digest_a;
    source->digest_b = snapshot->digest_b;
    const struct cell cells[] = {
        cell_integer(source->id),
        cell_integer(source->seq),
        cell_integer((int64_t)snapshot->store->round),
        cell_wall(snapshot->read_at),
        cell_wall(snapshot->set->as_of),
        cell_integer(present),
    };
    int failed = store_run(snapshot->store, SQL_RECORD_READING_ADD, cells, ARRAY_COUNT(cells), err);
    if (failed == 0)
        failed = store_use_records(snapshot->store, source->id, source->seq, err);
    return failed != 0 ? failed : store_source_put(snapshot->store, source, err);
}

static int write_snapshot(struct snapshot *snapshot, struct err *err)
{
    for (int table = 0; table < RECORD_TABLE_COUNT; table++)
        hash_table(snapshot, (enum record_table)table);
    const struct source_row *source = &snapshot->source;
    bool same = source->seq > 0 && source->digest_a == snapshot->digest_a &&
                source->digest_b == snapshot->digest_b;
    int failed = 0;
    for (int table = 0; !same && failed == 0 && table < RECORD_TABLE_COUNT; table++)
        failed = write_table(snapshot, (enum record_table)table, err);
    for (int table = 0; table < RECORD_TABLE_COUNT; table++)
        free(snapshot->rows[table]);
    return failed != 0 ? failed : write_reading(snapshot, err);
}

int store_round_records(struct store *store, const struct record_set *set,
                        const struct receipt *receipt, struct err *err)
{
    int failed = store_in_round(store, err);
    if (failed != 0)
        return failed;
    struct snapshot snapshot = {.store = store, .set = set, .read_at = store->round_started};
    if (receipt != NULL && wall_known(receipt->ended))
        snapshot.read_at = receipt->ended;
    int found =
        store_source(store, STORE_KIND_RECORDED, "", set->source, true, &snapshot.source, err);
    failed = found < 0 ? found : write_snapshot(&snapshot, err);
    if (failed == 0 && receipt != NULL)
        failed = store_add_receipt(store, receipt, snapshot.source.id, err);
    return store_round_result(store, failed, err);
}

int store_use_records(struct store *store, int64_t source_id, int64_t seq, struct err *err)
{
    const struct cell key[] = {cell_integer(source_id), cell_integer(seq),
                               cell_integer((int64_t)store->round)};
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_RECORD_USE_THERE, key, 3, row, err);
    store_stop(store, SQL_RECORD_USE_THERE);
    if (result != 0)
        return result < 0 ? result : 0;
    const struct cell cells[] = {key[2], cell_integer(store->record_ordinal++), key[0], key[1]};
    return store_run(store, SQL_RECORD_USE_ADD, cells, ARRAY_COUNT(cells), err);
}
