/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/record_fixture.h"

#include <string.h>

#include "base/check.h"

enum { COLUMNS = 16 };

/* Splits one line; returns what stands behind it. */
static const char *split(const char *line, struct record_value values[static COLUMNS],
                         size_t *ret_count)
{
    for (*ret_count = 0;; line++) {
        size_t length = strcspn(line, ",\n");
        CHECK(*ret_count < COLUMNS);
        values[(*ret_count)++] = (struct record_value){line, length};
        line += length;
        if (*line != ',')
            return *line == '\n' ? line + 1 : line;
    }
}

void record_fixture_add(struct record_set *set, enum record_table table, const char *csv)
{
    struct record_value values[COLUMNS];
    struct record_layout *layout;
    struct run_state_words *words = run_state_words_new();
    struct err err;
    size_t count, column;
    csv = split(csv, values, &count);
    CHECK(record_layout_new(table, values, count, &layout, &err) == 0);
    for (uint32_t line = 2; *csv != '\0'; line++) {
        csv = split(csv, values, &count);
        CHECK(record_add_row(set, layout, words, values, count, line, &column, &err) == 0);
    }
    record_layout_free(layout);
    run_state_words_free(words);
}
