/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "model/record.h"
#include "source/csv_load.h"
#include "wire/csv.h"

/* Any bytes as a spreadsheet: the first octet picks the table and the size of the
 * pieces that the rest comes in. What is accepted must print and read back to
 * the same number of rows. */

/* Reads the same bytes in pieces; the rows must not depend on the pieces. */
static size_t count_rows(const uint8_t *data, size_t size, size_t step)
{
    struct csv_reader *reader = csv_new();
    struct csv_row row;
    struct csv_place place;
    struct err err;
    size_t rows = 0;
    for (bool ended = false; !ended;) {
        size_t room;
        char *space = csv_space(reader, &room);
        size_t part = size < step ? size : step;
        part = part < room ? part : room;
        if (part > 0)
            memcpy(space, data, part);
        csv_filled(reader, part);
        ended = part == 0;
        data += part;
        size -= part;
        while (csv_next(reader, &row, &place, &err) > 0) {
            CHECK(row.count > 0);
            rows += 1 + row.count * 1000;
        }
    }
    csv_free(reader);
    return rows;
}

static void read_again(const struct record_set *set, enum record_table table, uint64_t rows,
                       const struct run_state_words *words)
{
    struct record_set *copy = record_set_new("copy", WALL_UNKNOWN);
    AUTO_TEXT struct text text = TEXT_EMPTY;
    uint64_t again = 0;
    struct err err;
    struct csv_load load = {.label = "copy", .table = table, .words = words, .set = copy};
    record_set_print_csv(set, table, &text);
    int status = csv_load_bytes(&load, text_get(&text), text.length, &again, &err);
    /* Unknown columns are folded into one field, which may become too long. */
    CHECK(status == ERR_LIMIT || (status == 0 && again == rows));
    record_set_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum record_table table = (enum record_table)(data[0] % RECORD_TABLE_COUNT);
    size_t step = 1 + data[0] / RECORD_TABLE_COUNT;
    data++;
    size--;
    CHECK(count_rows(data, size, step) == count_rows(data, size, SIZE_MAX));
    struct run_state_words *words = run_state_words_new();
    struct record_set *set = record_set_new("fuzz", WALL_UNKNOWN);
    struct csv_load load = {.label = "fuzz", .table = table, .words = words, .set = set};
    struct err err;
    uint64_t rows = 0;
    if (csv_load_bytes(&load, (const char *)data, size, &rows, &err) == 0) {
        CHECK(record_set_rows(set, table) == rows);
        record_set_finish(set);
        read_again(set, table, rows, words);
    }
    record_set_free(set);
    run_state_words_free(words);
    return 0;
}
