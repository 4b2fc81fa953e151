/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_MIB_H
#define MUSTER_SIM_MIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/oid.h"
#include "wire/snmp_value.h"

/* What an agent can be asked for, in the order of OIDs, without keeping it.
 *
 * A view is a sorted list of *columns*. A column is the OID that all its
 * instances begin with, a number of rows, and two functions: the index of a row
 * and the value of a row. Indices must rise with the row number; then GET and
 * GETNEXT are a binary search over columns and one over rows, and a GETBULK goes
 * on from row to row without searching. So a table of ten million rows costs no
 * memory, a forward table is served straight from its rows, and a recording is
 * one column with an empty OID. A view borrows its tables; whoever builds it
 * keeps them. Limit: MIB_COLUMNS_MAX columns a view. */

enum { MIB_COLUMNS_MAX = 96, MIB_SCRATCH_SIZE = 64 };

/* A value, and room for octets that exist nowhere else. */
struct mib_cell {
    struct snmp_value value;
    uint8_t scratch[MIB_SCRATCH_SIZE];
};

struct mib_column {
    struct oid prefix;
    const void *table; /* for the two functions */
    uint64_t first;    /* number of the first row, for slices of a table */
    uint64_t rows;
    /* Appends the index of `row` to `oid`, which holds the prefix (or replaces it by
     * an OID that is not before the prefix nor after the next column's). */
    void (*index)(const void *table, uint64_t row, struct oid *oid);
    /* Fills `cell` with the value of `row`; `column` is the prefix's last
     * sub-identifier (0 for an empty prefix). */
    void (*value)(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell);
};

struct mib_view {
    struct mib_column columns[MIB_COLUMNS_MAX];
    size_t count;
};

/* An instance of a view. */
struct mib_cursor {
    size_t column;
    uint64_t row; /* 0 to rows - 1 */
};

/* Adds a column; columns without rows are left out. */
void mib_view_add(struct mib_view *view, const struct mib_column *column);

/* Ends building: sorts the columns by OID. */
void mib_view_finish(struct mib_view *view);

/* Finds the instance `oid`. Returns false when there is none; *ret_object then
 * says whether the column exists at all (noSuchInstance, else noSuchObject). */
bool mib_view_find(const struct mib_view *view, const struct oid *oid, struct mib_cursor *ret,
                   bool *ret_object);

/* Finds the first instance after `oid`. Returns false at the end of the view. */
bool mib_view_after(const struct mib_view *view, const struct oid *oid, struct mib_cursor *ret);

/* Moves to the next instance. Returns false at the end of the view. */
bool mib_view_step(const struct mib_view *view, struct mib_cursor *cursor);

/* Writes the OID of the instance at `cursor`. */
void mib_view_oid(const struct mib_view *view, struct mib_cursor cursor, struct oid *ret);

/* Fills the value of the instance at `cursor`; valid while `ret` is. */
void mib_view_value(const struct mib_view *view, struct mib_cursor cursor, struct mib_cell *ret);

/* --- values --- */

/* Sets an INTEGER, counter, gauge or ticks. */
void mib_cell_number(struct mib_cell *cell, enum snmp_type type, int64_t number);

/* Sets an OCTET STRING that is borrowed. */
void mib_cell_text(struct mib_cell *cell, const char *text);

/* Sets an OCTET STRING of at most MIB_SCRATCH_SIZE octets, copied. */
void mib_cell_octets(struct mib_cell *cell, const uint8_t *octets, size_t length);

/* Sets an OBJECT IDENTIFIER of at most MIB_SCRATCH_SIZE octets of content. */
void mib_cell_oid(struct mib_cell *cell, const struct oid *oid);

#endif
