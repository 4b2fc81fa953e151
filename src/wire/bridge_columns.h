/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_BRIDGE_COLUMNS_H
#define MUSTER_WIRE_BRIDGE_COLUMNS_H

#include <stddef.h>

#include "wire/bridge_facts.h"
#include "wire/oid.h"
#include "wire/quirks.h"

/* The columns of the MIBs that a bridge is read by (RFC 4188, 4363, 2863, IEEE8023-LAG-MIB,
 * LLDP-MIB and its second edition, CISCO-CDP-MIB, IEEE8021-Q-BRIDGE-MIB): their names for
 * the reader, their OIDs, and which part of a bridge's facts each is for. A table of names
 * without any state: what is asked when, and what an answer means, is the reader's
 * business (bridge_reader.h). The OIDs were checked against the MIB modules; vendors' own
 * tables stand in etc/quirks.conf. */

#define OID_SYSTEM(n)     OID(1, 3, 6, 1, 2, 1, 1, n, 0)
#define OID_BRIDGE(...)   OID(1, 3, 6, 1, 2, 1, 17, __VA_ARGS__)
#define OID_IF_ENTRY(n)   OID(1, 3, 6, 1, 2, 1, 2, 2, 1, n)
#define OID_IF_X(n)       OID(1, 3, 6, 1, 2, 1, 31, 1, 1, 1, n)
#define OID_LAG_PORT(n)   OID(1, 2, 840, 10006, 300, 43, 1, 2, 1, 1, n)
#define OID_LLDP(...)     OID(1, 0, 8802, 1, 1, 2, 1, __VA_ARGS__)
#define OID_CDP(n)        OID(1, 3, 6, 1, 4, 1, 9, 9, 23, 1, 2, 1, 1, n)
#define OID_IEEE8021(...) OID(1, 3, 111, 2, 802, 1, 1, __VA_ARGS__)

/* What a request is for. Those from COLUMN_BASE_PORT on belong to the facts. */
enum bridge_column {
    COLUMN_SYSTEM,  /* GET */
    COLUMN_CLOSING, /* GET at the end: did it restart, did its table overflow */
    COLUMN_PORT,
    COLUMN_STATUS,
    COLUMN_ADDRESS,
    COLUMN_VTP_STATE,
    COLUMN_BASE_PORT,
    COLUMN_IEEE_BASE_PORT,
    COLUMN_IF_NAME, /* these five in the order of enum interface_column */
    COLUMN_IF_DESCR,
    COLUMN_IF_ALIAS,
    COLUMN_IF_TYPE,
    COLUMN_IF_ADDRESS,
    COLUMN_VLAN_FDB,
    COLUMN_IEEE_VLAN_FDB,
    COLUMN_TAG,
    COLUMN_TAG_FDB,
    COLUMN_LAG_SELECTED,
    COLUMN_LAG_ATTACHED,
    COLUMN_LAG_PAGP,
    COLUMN_IF_STACK,
    COLUMN_LLDP_OWN, /* lldpLocChassisId, a scalar read as a column */
    COLUMN_NEIGHBOUR
};

/* A column that holds one cell a neighbour. */
struct bridge_neighbour_column {
    enum wire_neighbour_protocol protocol;
    enum neighbour_column column;
    struct oid oid;
};

/* Returns the columns of LLDP-MIB and CDP and sets *ret_count. */
const struct bridge_neighbour_column *bridge_columns_neighbours(size_t *ret_count);
/* Returns those to be asked where LLDP-MIB has nothing, and sets *ret_count. */
const struct bridge_neighbour_column *bridge_columns_second(size_t *ret_count);

/* Returns COLUMN_PORT, COLUMN_STATUS or COLUMN_ADDRESS of a family's forward table; without
 * elements where a vendor's own has none. */
struct oid bridge_column_forward(const struct quirk *quirk, enum bridge_family family,
                                 enum bridge_column column);

/* Returns the part of the facts that a column is for, FACTS_PART_COUNT when for none. */
enum facts_part bridge_column_part(enum bridge_column column);

#endif
