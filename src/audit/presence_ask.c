/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/presence_inside.h"

/* What there is on the list. */

static bool is_used(const struct presence *list, uint32_t row)
{
    return (row_hot(list, row)->flags & (ROW_LIVE | ROW_ENDED)) != 0;
}

bool presence_get(const struct presence *list, uint32_t number, uint32_t generation,
                  struct presence_row *ret_row)
{
    if (number >= list->high || !is_used(list, number) ||
        row_cold(list, number)->generation != generation)
        return false;
    presence_row_copy(list, number, ret_row);
    return true;
}

bool presence_next(const struct presence *list, uint32_t *cursor, struct presence_row *ret_row)
{
    while (*cursor < list->high && !is_used(list, *cursor))
        ++*cursor;
    if (*cursor >= list->high)
        return false;
    presence_row_copy(list, (*cursor)++, ret_row);
    return true;
}

struct presence_counts presence_counts(const struct presence *list)
{
    struct presence_counts counts = list->counts;
    counts.nas_count = list->nas.count;
    counts.places = list->stands.count;
    return counts;
}

size_t presence_size(const struct presence *list)
{
    uint32_t rows = list->high > list->options.ready ? list->high : list->options.ready;
    return sizeof *list + segments_size(&list->hot, rows) + segments_size(&list->cold, rows) +
           tag_index_size(&list->index) + segments_size(&list->stands.records, list->stands.high) +
           tag_index_size(&list->stands.index) +
           segments_size(&list->stand_hints, list->hint_high) +
           segments_size(&list->nas.records, list->nas.high) + tag_index_size(&list->nas.index);
}
