/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/mib.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void mib_view_add(struct mib_view *view, const struct mib_column *column)
{
    if (column->rows == 0)
        return;
    CHECK(view->count < MIB_COLUMNS_MAX);
    view->columns[view->count++] = *column;
}

static int column_compare(const void *a, const void *b)
{
    const struct mib_column *x = a, *y = b;
    return oid_compare(&x->prefix, &y->prefix);
}

void mib_view_finish(struct mib_view *view)
{
    qsort(view->columns, view->count, sizeof(view->columns[0]), column_compare);
}

void mib_view_oid(const struct mib_view *view, struct mib_cursor cursor, struct oid *ret)
{
    const struct mib_column *column = &view->columns[cursor.column];
    memcpy(ret->ids, column->prefix.ids, column->prefix.length * sizeof(ret->ids[0]));
    ret->length = column->prefix.length;
    column->index(column->table, column->first + cursor.row, ret);
}

/* The first row of `column` whose OID is not before `oid`. */
static uint64_t lower_row(const struct mib_view *view, size_t column, const struct oid *oid)
{
    uint64_t low = 0, high = view->columns[column].rows;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct oid at;
        mib_view_oid(view, (struct mib_cursor){column, middle}, &at);
        if (oid_compare(&at, oid) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The last column whose prefix is not after `oid`, or 0. */
static size_t last_column(const struct mib_view *view, const struct oid *oid)
{
    size_t low = 0, high = view->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (oid_compare(&view->columns[middle].prefix, oid) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : 0;
}

/* The first instance that is not before `oid`. */
static bool lower_bound(const struct mib_view *view, const struct oid *oid, struct mib_cursor *ret)
{
    for (size_t column = last_column(view, oid); column < view->count; column++) {
        uint64_t row = lower_row(view, column, oid);
        if (row < view->columns[column].rows) {
            *ret = (struct mib_cursor){column, row};
            return true;
        }
    }
    return false;
}

bool mib_view_find(const struct mib_view *view, const struct oid *oid, struct mib_cursor *ret,
                   bool *ret_object)
{
    struct mib_cursor found;
    struct oid at;
    *ret_object = false;
    if (view->count > 0)
        *ret_object = oid_has_prefix(oid, &view->columns[last_column(view, oid)].prefix);
    if (!lower_bound(view, oid, &found))
        return false;
    mib_view_oid(view, found, &at);
    if (oid_compare(&at, oid) != 0)
        return false;
    *ret = found;
    return true;
}

bool mib_view_after(const struct mib_view *view, const struct oid *oid, struct mib_cursor *ret)
{
    struct mib_cursor found;
    struct oid at;
    if (!lower_bound(view, oid, &found))
        return false;
    mib_view_oid(view, found, &at);
    if (oid_compare(&at, oid) == 0 && !mib_view_step(view, &found))
        return false;
    *ret = found;
    return true;
}

bool mib_view_step(const struct mib_view *view, struct mib_cursor *cursor)
{
    if (cursor->row + 1 < view->columns[cursor->column].rows) {
        cursor->row++;
        return true;
    }
    if (cursor->column + 1 >= view->count)
        return false;
    *cursor = (struct mib_cursor){cursor->column + 1, 0};
    return true;
}

void mib_view_value(const struct mib_view *view, struct mib_cursor cursor, struct mib_cell *ret)
{
    const struct mib_column *column = &view->columns[cursor.column];
    uint32_t length = column->prefix.length;
    uint32_t last = length > 0 ? column->prefix.ids[length - 1] : 0;
    column->value(column->table, last, column->first + cursor.row, ret);
}

void mib_cell_number(struct mib_cell *cell, enum snmp_type type, int64_t number)
{
    cell->value = (struct snmp_value){.type = type, .number = number};
}

void mib_cell_text(struct mib_cell *cell, const char *text)
{
    cell->value = (struct snmp_value){
        .type = SNMP_OCTETS, .bytes = (const uint8_t *)text, .length = strlen(text)};
}

void mib_cell_octets(struct mib_cell *cell, const uint8_t *octets, size_t length)
{
    CHECK(length <= MIB_SCRATCH_SIZE);
    memcpy(cell->scratch, octets, length);
    cell->value =
        (struct snmp_value){.type = SNMP_OCTETS, .bytes = cell->scratch, .length = length};
}

void mib_cell_oid(struct mib_cell *cell, const struct oid *oid)
{
    uint8_t content[OID_BER_SIZE];
    size_t length = oid_encode(oid, content);
    CHECK(length <= MIB_SCRATCH_SIZE);
    memcpy(cell->scratch, content, length);
    cell->value = (struct snmp_value){.type = SNMP_OID, .bytes = cell->scratch, .length = length};
}
