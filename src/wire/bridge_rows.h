/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_BRIDGE_ROWS_H
#define MUSTER_WIRE_BRIDGE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "wire/bridge_table.h"
#include "wire/quirks.h"
#include "wire/snmp_value.h"

/* Building the rows of a bridge_table out of walked columns.
 *
 * The port column makes the rows. Status and address columns are walked after
 * it, in the same order, so that a cursor finds each row at the next place; only
 * where it does not (a table that moved meanwhile, a disordered agent) an index
 * over all rows is built. The same index finds repeated rows, and is built only
 * once a walk has gone backwards: an ordered walk costs no look-up at all.
 *
 * Limits: LIMIT_FORWARD_ROWS rows and BRIDGE_GROUPS_MAX groups; beyond, the
 * table says that it was cut. */

struct bridge_rows {
    struct bridge_table *table; /* borrowed */
    struct map groups;          /* family, context, FDB id -> group */
    struct map by_key;          /* mac_group -> row; complete while `indexed` */
    struct map by_octets;       /* hash of the octets of an index that is not the MIB's -> row */
    struct map odd_rows;        /* row -> its place in the side list */
    bool indexed;
    uint64_t seed;
};

/* One walk of one column: where it is, and whether it goes forward. */
struct bridge_walk {
    enum bridge_family family;
    uint32_t context;
    const struct quirk_fdb *fdb; /* a vendor's table, else NULL */
    uint32_t group, group_fdb;   /* of the last row */
    bool group_found, group_fdb_known;
    bool started, backwards;
    uint32_t last_fdb;
    uint64_t last_mac;
    size_t cursor; /* the row that a joined column expects next */
    uint64_t rows;
    uint64_t sequences; /* rows whose index is no MAC */
};

/* Begins to fill `table`, which must outlive the builder. */
void bridge_rows_init(struct bridge_rows *rows, struct bridge_table *table);
/* Frees the indices; the table stays. */
void bridge_rows_done(struct bridge_rows *rows);

/* Adds a row of the port column. Returns false when this row was there before
 * or a limit is reached: the walk should be stopped. */
bool bridge_rows_port(struct bridge_rows *rows, struct bridge_walk *walk, const uint8_t *index,
                      size_t length, const struct snmp_value *value);

/* Joins a row of the status column; a row without port is added. Returns as
 * bridge_rows_port(). */
bool bridge_rows_status(struct bridge_rows *rows, struct bridge_walk *walk, const uint8_t *index,
                        size_t length, const struct snmp_value *value);

/* Joins a row of the address column. Returns as bridge_rows_port(). */
bool bridge_rows_address(struct bridge_rows *rows, struct bridge_walk *walk, const uint8_t *index,
                         size_t length, const struct snmp_value *value);

/* Ends building: decides what could only be decided over the whole table (length
 * octet or extra sub-identifier, torn columns) and sorts the side list. */
void bridge_rows_finish(struct bridge_rows *rows);

/* Reads a value as a MAC: six octets, or the text of one. MAC_NONE when it is
 * neither. */
struct mac bridge_value_mac(const struct snmp_value *value);

/* Reads a value as a number: INTEGER, counters, gauges and ticks, and octets
 * that are decimal digits. Returns false when it is none. */
bool bridge_value_number(const struct snmp_value *value, int64_t *ret);

#endif
