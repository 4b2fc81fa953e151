/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/alloc.h"
#include "store/query.h"
#include "store/receipt_log.h"

int store_add_receipt(struct store *store, const struct receipt *receipt, int64_t source_id,
                      struct err *err)
{
    uint32_t source = 0, type = 0, context = 0;
    int failed = store_name_number(store, receipt->source, &source, err);
    if (failed == 0)
        failed = store_name_number(store, receipt->type, &type, err);
    if (failed == 0)
        failed = store_name_number(store, receipt->context, &context, err);
    if (failed != 0)
        return failed;
    const struct cell cells[] = {
        cell_integer((int64_t)store->round),
        cell_integer(store->receipt_ordinal++),
        source_id == 0 ? cell_null() : cell_integer(source_id),
        cell_integer(source),
        cell_integer(type),
        cell_integer(context),
        cell_integer((int64_t)receipt->asked),
        cell_integer((int64_t)receipt->answered),
        cell_integer((int64_t)receipt->rows),
        cell_integer(receipt->whole),
        receipt->why_not[0] == '\0' ? cell_null() : cell_text(receipt->why_not),
        cell_integer(receipt->ageing.us),
        cell_integer(receipt->sys_uptime_cs),
        cell_integer((int64_t)receipt->learn_discards),
        cell_wall(receipt->started),
        cell_wall(receipt->ended),
    };
    return store_run(store, SQL_RECEIPT_ADD, cells, ARRAY_COUNT(cells), err);
}

static void fill(struct receipt *receipt, const struct cell *row)
{
    receipt_init(receipt);
    receipt_text(&receipt->source, "%s", (const char *)row[0].bytes);
    receipt_text(&receipt->type, "%s", (const char *)row[1].bytes);
    receipt_text(&receipt->context, "%s", (const char *)row[2].bytes);
    receipt->asked = (uint64_t)row[3].integer;
    receipt->answered = (uint64_t)row[4].integer;
    receipt->rows = (uint64_t)row[5].integer;
    receipt->whole = row[6].integer != 0;
    if (row[7].type == CELL_TEXT)
        receipt_text(&receipt->why_not, "%s", (const char *)row[7].bytes);
    receipt->ageing = span_us(row[8].integer);
    receipt->sys_uptime_cs = row[9].integer;
    receipt->learn_discards = (uint64_t)row[10].integer;
    receipt->started = (struct wall){row[11].integer};
    receipt->ended = (struct wall){row[12].integer};
}

int receipt_log_load(struct store *store, uint64_t round, int64_t source_id, struct receipt **ret,
                     size_t *ret_count, struct err *err)
{
    struct receipt *receipts = NULL;
    size_t count = 0, capacity = 0;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer((int64_t)round), cell_integer(source_id)};
    int result = store_start(store, SQL_RECEIPTS, key, 2, err);
    if (result == 0)
        result = store_step(store, SQL_RECEIPTS, row, err);
    while (result == 1) {
        receipts = alloc_grow(receipts, count, &capacity, sizeof *receipts);
        fill(&receipts[count++], row);
        result = store_step(store, SQL_RECEIPTS, row, err);
    }
    if (result != 0) {
        store_receipts_free(receipts, count);
        return result;
    }
    *ret = receipts;
    *ret_count = count;
    return 0;
}

int store_load_receipts(struct store *store, uint64_t round, struct receipt **ret,
                        size_t *ret_count, struct err *err)
{
    return receipt_log_load(store, round, 0, ret, ret_count, err);
}

void store_receipts_free(struct receipt *receipts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        receipt_done(&receipts[i]);
    free(receipts);
}
