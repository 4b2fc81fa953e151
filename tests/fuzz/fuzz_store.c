/* SPDX-License-Identifier: Apache-2.0 */

/* The texts that the store keeps inside its rows, as a damaged or prepared file
 * could hold them: the shape of a switch ('s'), a verdict ('v'), a recorded row
 * ('r'), what a round was told of an address ('t'). Nothing may crash; what parses must print to a
 * text that parses to the same. Damaged files as a whole are src/store/hostile_test.c's. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/recorded.h"
#include "store/shape.h"
#include "store/told.h"
#include "store/verdict_text.h"

static char path[] = "fuzz.db";

static struct forward_table *parse_shape(const char *content, size_t length)
{
    const struct store store = {.path = path};
    struct err err;
    char *copy = alloc_array(length + 1, 1);
    memcpy(copy, content, length);
    copy[length] = '\0';
    struct forward_table *table = forward_table_new("sw1", "default");
    int failed = shape_parse(&store, copy, table, &err);
    free(copy);
    if (failed == 0)
        return table;
    forward_table_free(table);
    return NULL;
}

static void try_shape(const char *content, size_t length)
{
    struct forward_table *table = parse_shape(content, length);
    if (table == NULL)
        return;
    AUTO_TEXT struct text once = TEXT_EMPTY;
    AUTO_TEXT struct text twice = TEXT_EMPTY;
    shape_print(table, &once);
    struct forward_table *again = parse_shape(text_get(&once), once.length);
    CHECK(again != NULL);
    shape_print(again, &twice);
    CHECK(strcmp(text_get(&once), text_get(&twice)) == 0);
    forward_table_free(table);
    forward_table_free(again);
}

static void try_verdict(const char *content, size_t length)
{
    struct arena *arena = arena_new();
    struct discrepancy verdict, again;
    if (verdict_text_parse(content, length, arena, &verdict) == 0) {
        AUTO_TEXT struct text once = TEXT_EMPTY;
        AUTO_TEXT struct text twice = TEXT_EMPTY;
        verdict_text_print(&verdict, &once);
        CHECK(verdict_text_parse(text_get(&once), once.length, arena, &again) == 0);
        verdict_text_print(&again, &twice);
        CHECK(strcmp(text_get(&once), text_get(&twice)) == 0);
    }
    arena_free(arena);
}

static void try_recorded(const char *content, size_t length)
{
    AUTO_FREE char *copy = alloc_array(length + 1, 1);
    memcpy(copy, content, length);
    copy[length] = '\0';
    struct record_value values[RECORDED_VALUES_MAX];
    size_t count = recorded_split(copy, values);
    CHECK(count >= 1 && count <= RECORDED_VALUES_MAX);
    for (size_t i = 0; i < count; i++)
        CHECK(values[i].text >= copy && values[i].text + values[i].length <= copy + length);
}

static void try_told(const char *content, size_t length)
{
    struct arena *arena = arena_new();
    struct told_fact fact, again;
    uint32_t rank, rank_again;
    const struct mac mac = {0x525400000001};
    if (told_fact_read(arena_text(arena, content, length), mac, arena, &rank, &fact)) {
        AUTO_TEXT struct text once = TEXT_EMPTY;
        AUTO_TEXT struct text twice = TEXT_EMPTY;
        told_fact_print(&fact, rank, &once);
        char *line = arena_text(arena, text_get(&once), once.length);
        CHECK(told_fact_read(line, mac, arena, &rank_again, &again));
        told_fact_print(&again, rank_again, &twice);
        CHECK(strcmp(text_get(&once), text_get(&twice)) == 0);
    }
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *content = (const char *)data + 1;
    if (data[0] == 's')
        try_shape(content, size - 1);
    else if (data[0] == 'v')
        try_verdict(content, size - 1);
    else if (data[0] == 't')
        try_told(content, size - 1);
    else
        try_recorded(content, size - 1);
    return 0;
}
