/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_NEIGHBOUR_TABLE_H
#define MUSTER_WIRE_NEIGHBOUR_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mac.h"
#include "base/names.h"
#include "wire/snmp_value.h"

struct bridge_facts;

/* Neighbours that LLDP (IEEE 802.1AB, LLDP-MIB) and CDP (CISCO-CDP-MIB) have
 * heard, and on which interface.
 *
 * lldpRemTable is indexed by (time mark, local port number, neighbour), in
 * LLDP-V2-MIB by (time mark, ifIndex, destination, neighbour); the local port number is not always
 * an ifIndex, so it is resolved through lldpLocPortTable: by the port id as interface name, alias,
 * MAC or number, then by the description, and only then taken as base port or ifIndex. Chassis and
 * port ids come in every subtype, as octets or as text, padded; a MAC is recognised in both. CDP's
 * index begins with the ifIndex. Neighbours that LLDP heard are copied into the CDP table by some
 * devices: the copy is kept, the judge merges.
 *
 * Hostile input: texts are cut at LIMIT_NAME_BYTES, rows at NEIGHBOURS_MAX. */

enum { NEIGHBOURS_MAX = 65536 };

enum wire_neighbour_protocol { WIRE_LLDP, WIRE_CDP };

/* The columns that are read. */
enum neighbour_column {
    NEIGHBOUR_CHASSIS_SUBTYPE,
    NEIGHBOUR_CHASSIS,
    NEIGHBOUR_PORT_SUBTYPE,
    NEIGHBOUR_PORT,
    NEIGHBOUR_PORT_DESCR,
    NEIGHBOUR_SYSTEM,
    NEIGHBOUR_DESCRIPTION,
    NEIGHBOUR_ADDRESS,
    NEIGHBOUR_LOCAL_SUBTYPE,
    NEIGHBOUR_LOCAL_ID,
    NEIGHBOUR_LOCAL_DESCR
};

struct wire_neighbour {
    enum wire_neighbour_protocol protocol;
    uint32_t local_number;  /* lldpRemLocalPortNum or cdpCacheIfIndex */
    uint32_t index;         /* the neighbour's number on that port */
    uint32_t mark;          /* LLDP's time mark */
    bool local_is_if_index; /* by LLDP-V2-MIB and CDP: no more to resolve */
    uint32_t if_index;      /* 0: not resolved */
    uint8_t chassis_subtype, port_subtype;
    struct mac chassis_mac, port_mac;         /* MAC_NONE where the id is none */
    uint32_t chassis, port;                   /* as printed; NAME_NONE */
    uint32_t port_descr, system, description; /* NAME_NONE */
    uint32_t address;                         /* CDP's, as printed; NAME_NONE */
    uint32_t local_id, local_descr;           /* from lldpLocPortTable; NAME_NONE */
};

struct neighbour_table;

/* Adds an octet string to `names` as people read it: trailing NULs and blanks
 * dropped; text as it is, what is no text as "hex:" and its octets. Returns its
 * number, NAME_NONE when nothing is left. */
uint32_t neighbour_text(struct names *names, const uint8_t *octets, size_t length);

/* Returns an empty table; yours to free. */
struct neighbour_table *neighbour_table_new(void);
/* NULL is allowed. */
void neighbour_table_free(struct neighbour_table *table);

/* Adds one cell: `index` are the sub-identifiers after the column. Returns false
 * for an index that is not this table's, or when NEIGHBOURS_MAX is reached. */
bool neighbour_table_add(struct neighbour_table *table, enum wire_neighbour_protocol protocol,
                         enum neighbour_column column, const uint32_t *index, size_t count,
                         const struct snmp_value *value);

/* Ends adding (once): resolves local ports by `facts` and moves the neighbours there. */
void neighbour_table_finish(struct neighbour_table *table, struct bridge_facts *facts);

#endif
