/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bridge_columns.h"

#include "base/check.h"

static const struct bridge_neighbour_column neighbour_columns[] = {
    {WIRE_LLDP, NEIGHBOUR_CHASSIS_SUBTYPE, OID_LLDP(4, 1, 1, 4)},
    {WIRE_LLDP, NEIGHBOUR_CHASSIS, OID_LLDP(4, 1, 1, 5)},
    {WIRE_LLDP, NEIGHBOUR_PORT_SUBTYPE, OID_LLDP(4, 1, 1, 6)},
    {WIRE_LLDP, NEIGHBOUR_PORT, OID_LLDP(4, 1, 1, 7)},
    {WIRE_LLDP, NEIGHBOUR_PORT_DESCR, OID_LLDP(4, 1, 1, 8)},
    {WIRE_LLDP, NEIGHBOUR_SYSTEM, OID_LLDP(4, 1, 1, 9)},
    {WIRE_LLDP, NEIGHBOUR_DESCRIPTION, OID_LLDP(4, 1, 1, 10)},
    {WIRE_LLDP, NEIGHBOUR_LOCAL_SUBTYPE, OID_LLDP(3, 7, 1, 2)},
    {WIRE_LLDP, NEIGHBOUR_LOCAL_ID, OID_LLDP(3, 7, 1, 3)},
    {WIRE_LLDP, NEIGHBOUR_LOCAL_DESCR, OID_LLDP(3, 7, 1, 4)},
    {WIRE_CDP, NEIGHBOUR_ADDRESS, OID_CDP(4)},
    {WIRE_CDP, NEIGHBOUR_CHASSIS, OID_CDP(6)},
    {WIRE_CDP, NEIGHBOUR_PORT, OID_CDP(7)},
    {WIRE_CDP, NEIGHBOUR_DESCRIPTION, OID_CDP(8)},
};

/* LLDP-V2-MIB. */
static const struct bridge_neighbour_column second_columns[] = {
    {WIRE_LLDP, NEIGHBOUR_CHASSIS_SUBTYPE, OID_IEEE8021(13, 1, 4, 1, 1, 5)},
    {WIRE_LLDP, NEIGHBOUR_CHASSIS, OID_IEEE8021(13, 1, 4, 1, 1, 6)},
    {WIRE_LLDP, NEIGHBOUR_PORT_SUBTYPE, OID_IEEE8021(13, 1, 4, 1, 1, 7)},
    {WIRE_LLDP, NEIGHBOUR_PORT, OID_IEEE8021(13, 1, 4, 1, 1, 8)},
    {WIRE_LLDP, NEIGHBOUR_PORT_DESCR, OID_IEEE8021(13, 1, 4, 1, 1, 9)},
    {WIRE_LLDP, NEIGHBOUR_SYSTEM, OID_IEEE8021(13, 1, 4, 1, 1, 10)},
};

const struct bridge_neighbour_column *bridge_columns_neighbours(size_t *ret_count)
{
    *ret_count = ARRAY_COUNT(neighbour_columns);
    return neighbour_columns;
}

const struct bridge_neighbour_column *bridge_columns_second(size_t *ret_count)
{
    *ret_count = ARRAY_COUNT(second_columns);
    return second_columns;
}

struct oid bridge_column_forward(const struct quirk *quirk, enum bridge_family family,
                                 enum bridge_column column)
{
    uint32_t last = column == COLUMN_PORT ? 2 : column == COLUMN_STATUS ? 3 : 1;
    switch (family) {
    case BRIDGE_DOT1D:
        return OID_BRIDGE(4, 3, 1, last);
    case BRIDGE_DOT1Q:
        return OID_BRIDGE(7, 1, 2, 2, 1, last);
    case BRIDGE_IEEE8021Q:
        return OID_IEEE8021(4, 1, 2, 2, 1, last);
    case BRIDGE_VENDOR:
        return quirk->fdb.column;
    }
    UNREACHABLE();
}

enum facts_part bridge_column_part(enum bridge_column column)
{
    switch (column) {
    case COLUMN_BASE_PORT:
    case COLUMN_IEEE_BASE_PORT:
        return FACTS_BASE_PORTS;
    case COLUMN_IF_NAME:
    case COLUMN_IF_DESCR:
    case COLUMN_IF_TYPE:
        return FACTS_INTERFACES;
    case COLUMN_VLAN_FDB:
    case COLUMN_IEEE_VLAN_FDB:
        return FACTS_VLANS;
    case COLUMN_TAG:
    case COLUMN_TAG_FDB:
        return FACTS_TAGS;
    case COLUMN_LAG_SELECTED:
    case COLUMN_LAG_ATTACHED:
        return FACTS_LAGS;
    case COLUMN_LAG_PAGP:
    case COLUMN_IF_STACK:
        return FACTS_STACKS;
    case COLUMN_IF_ALIAS:
    case COLUMN_IF_ADDRESS:
    case COLUMN_LLDP_OWN:
        return FACTS_ADDRESSES;
    case COLUMN_NEIGHBOUR:
        return FACTS_NEIGHBOURS;
    case COLUMN_SYSTEM:
    case COLUMN_CLOSING:
    case COLUMN_PORT:
    case COLUMN_STATUS:
    case COLUMN_ADDRESS:
    case COLUMN_VTP_STATE:
        break;
    }
    return FACTS_PART_COUNT;
}
