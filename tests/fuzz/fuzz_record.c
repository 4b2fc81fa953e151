/* SPDX-License-Identifier: Apache-2.0 */

/* Rows of every recorded table: the first octet chooses the table, the first line
 * is its header, the others are rows; fields end at commas. A row that is refused
 * must leave the set as it was. */

#include <stdlib.h>
#include <string.h>

#include "model/port_name.h"
#include "model/record.h"

enum { MAX_FIELDS = 64 };

static size_t split(const char *line, size_t length, struct record_value *fields)
{
    size_t count = 0;
    const char *end = line + length;
    for (const char *at = line; count < MAX_FIELDS;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end;
        fields[count++] = (struct record_value){at, (size_t)(stop - at)};
        if (comma == NULL)
            break;
        at = comma + 1;
    }
    return count;
}

static size_t all_rows(const struct record_set *set)
{
    return set->nics.count + set->attachment_count + set->switch_count + set->port_count +
           set->link_count + set->lag_count + set->planned_work_count + set->item_count +
           set->allocation_count + set->capacity_count;
}

static void read_rows(struct record_set *set, const struct record_layout *layout,
                      const struct run_state_words *words, const char *at, const char *end)
{
    struct record_value fields[MAX_FIELDS];
    struct err err;
    size_t column;
    for (uint32_t line = 2; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        size_t count = split(at, (size_t)(stop - at), fields);
        size_t before = all_rows(set);
        if (record_add_row(set, layout, words, fields, count, line, &column, &err) != 0)
            CHECK(all_rows(set) == before && err.text[0] != '\0');
        at = stop < end ? stop + 1 : end;
    }
}

static void check_port_name(const char *bytes, size_t length)
{
    char name[PORT_NAME_SIZE], once[PORT_NAME_SIZE], twice[PORT_NAME_SIZE];
    if (length >= sizeof name)
        return;
    memcpy(name, bytes, length);
    name[length] = '\0';
    port_name_canonical(name, once);
    port_name_canonical(once, twice);
    CHECK(port_name_same(name, once) && port_name_same(once, twice));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_value fields[MAX_FIELDS];
    struct record_layout *layout;
    struct err err;
    if (size == 0)
        return 0;
    const char *at = (const char *)data + 1, *end = (const char *)data + size;
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    stop = stop != NULL ? stop : end;
    check_port_name(at, (size_t)(stop - at));
    size_t count = split(at, (size_t)(stop - at), fields);
    if (record_layout_new(data[0] % RECORD_TABLE_COUNT, fields, count, &layout, &err) != 0)
        return 0;
    struct run_state_words *words = run_state_words_new();
    struct record_set *set = record_set_new("fuzz", (struct wall){0});
    read_rows(set, layout, words, stop < end ? stop + 1 : end, end);
    CHECK(record_set_size(set) < 64 * 1024 * 1024);
    record_set_free(set);
    run_state_words_free(words);
    record_layout_free(layout);
    return 0;
}
