/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "model/record.h"
#include "source/json_load.h"

/* Any bytes as the output of a plug-in program: the first octet picks the default
 * table and the size of the pieces. Rows must not depend on the pieces. */

/* Reads `size` bytes, `step` at a time. Returns the rows, or the error's code. */
static int64_t load_rows(const uint8_t *data, size_t size, size_t step, enum record_table table,
                         const struct run_state_words *words)
{
    struct record_set *set = record_set_new("fuzz", WALL_UNKNOWN);
    struct json_load *load = json_load_new(set, table, words);
    struct err err;
    int status = 0;
    for (size_t at = 0; at < size && status == 0; at += step)
        status =
            json_load_put(load, (const char *)data + at, size - at < step ? size - at : step, &err);
    if (status == 0)
        status = json_load_end(load, &err);
    uint64_t rows = json_load_rows(load), held = 0;
    for (int i = 0; i < RECORD_TABLE_COUNT; i++)
        held += record_set_rows(set, (enum record_table)i);
    CHECK(held == rows);
    CHECK(status != 0 || set->present[table]);
    json_load_free(load);
    record_set_free(set);
    return status != 0 ? status : (int64_t)rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum record_table table = (enum record_table)(data[0] % RECORD_TABLE_COUNT);
    size_t step = 1 + data[0] / RECORD_TABLE_COUNT;
    struct run_state_words *words = run_state_words_new();
    int64_t rows = load_rows(data + 1, size - 1, step, table, words);
    CHECK(rows == load_rows(data + 1, size - 1, 1 << 20, table, words));
    run_state_words_free(words);
    return 0;
}
