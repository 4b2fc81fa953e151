/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_BRIDGE_TABLE_H
#define MUSTER_WIRE_BRIDGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mac.h"
#include "base/names.h"
#include "wire/lag_table.h"
#include "wire/neighbour_table.h"

/* What one device said of its forward tables by SNMP, decoded but not yet
 * judged: the rows of every table with what their index, port and status columns
 * said, and beside them the maps that lead from a bridge port to an interface
 * and from an FDB id to VLANs. bridge_reader.h fills it, from a live device or a
 * recording; source/ makes the model's forward table of it.
 *
 * Rows are 16 bytes because a switch may have millions: the MAC, the number of
 * the row's group (context, table and FDB id, of which there are few), the port
 * and the status. What is rare (an index that is no MAC, columns that disagree)
 * stands in a side list, found by the row's number.
 *
 * The maps are kept apart (struct bridge_facts) since they change seldom: the
 * next read may go on with those of the last one, and a device that answers with
 * half a base-port table does not turn its ports to "unknown" (DOMAIN 2.1
 * point 6). A map that no read has got is noted as such: without it a number may
 * look like another place or VLAN than it is. Port numbers lead to interfaces as the MIBs say (RFC
 * 4188, 4363); where they do not, by the quirks of the device (quirks.h) and by two rules that need
 * no quirk: a port without base-port table is the interface of that number if there is one, and so
 * is a port above every base port. */

enum bridge_family { BRIDGE_DOT1D, BRIDGE_DOT1Q, BRIDGE_IEEE8021Q, BRIDGE_VENDOR };
enum { BRIDGE_FAMILY_COUNT = BRIDGE_VENDOR + 1 };

/* Returns "dot1d", "dot1q", "ieee8021q" or "vendor". */
const char *bridge_family_word(enum bridge_family family);

/* word in the output, bit; what a row's reading has to be said of */
#define BRIDGE_NOTES(NOTE)                                                                         \
    NOTE("lenIdx", LENGTH_IN_INDEX)    /* the index has a length octet before the MAC */           \
    NOTE("seqIdx", INDEX_IS_SEQUENCE)  /* the index is no MAC */                                   \
    NOTE("xtraSub", EXTRA_IN_INDEX)    /* a sub-identifier after the MAC */                        \
    NOTE("noFdb", NO_FDB_IN_INDEX)     /* the index lacks the FDB id */                            \
    NOTE("macCol1", MAC_FROM_COLUMN)   /* the MAC is from the address column */                    \
    NOTE("noMac", NO_MAC)              /* there is no MAC at all */                                \
    NOTE("addr!=", ADDRESS_DIFFERS)    /* address column differs; the index is trusted */          \
    NOTE("noPort", NO_PORT)            /* no row in the port column */                             \
    NOTE("tornS", TORN_STATUS)         /* others have a status, this row has none */               \
    NOTE("tornP", TORN_PORT)           /* status without port */                                   \
    NOTE("group", GROUP_ADDRESS)       /* multicast or broadcast */                                \
    NOTE("noVlanCur", NO_VLAN_TABLE)   /* no VLAN table: FDB id is taken as VLAN */                \
    NOTE("fdbMiss", FDB_NOT_IN_TABLE)  /* the VLAN table does not know this FDB id */              \
    NOTE("port0", PORT_ZERO)           /* not learned, or learned nowhere: never a place */        \
    NOTE("noBP", NO_BASE_PORTS)        /* the device has no base-port table */                     \
    NOTE("BPmiss", NOT_A_BASE_PORT)    /* the port is not in it */                                 \
    NOTE("=ifIndex", PORT_IS_IF_INDEX) /* the unmapped port is the number of an interface */       \
    NOTE("ifMiss", NO_SUCH_INTERFACE)  /* the interface is not in the interface table */           \
    NOTE("noIfTab", NO_INTERFACES)     /* no interface table */                                    \
    NOTE("quirk", BY_QUIRK)            /* port or VLAN found by a rule of the quirk table */       \
    NOTE("tunnel", TUNNEL)             /* a VTEP or other pseudo-port: what is behind is remote */

enum bridge_note_index {
#define NOTE(word, name) BRIDGE_NOTE_INDEX_##name,
    BRIDGE_NOTES(NOTE)
#undef NOTE
        BRIDGE_NOTE_COUNT
};
enum bridge_note {
#define NOTE(word, name) BRIDGE_NOTE_##name = 1 << BRIDGE_NOTE_INDEX_##name,
    BRIDGE_NOTES(NOTE)
#undef NOTE
};

/* Returns the word of note number `index` (a bit's position). */
const char *bridge_note_word(enum bridge_note_index index);

enum bridge_row_flag {
    BRIDGE_ROW_PORT = 1,   /* the port column had this row */
    BRIDGE_ROW_STATUS = 2, /* the status column had it */
    BRIDGE_ROW_ODD = 4,    /* its index is not of the MIB's form */
    BRIDGE_ROW_NOTED = 8,  /* there is more in the side list */
    BRIDGE_ROW_BELOW = 16  /* the port is a negative number */
};

struct bridge_row {
    uint64_t mac_group; /* MAC << 16 | number of the group */
    uint32_t port;      /* dot1dTpFdbPort as it came, negative ones as two's complement */
    uint8_t status;     /* dot1dTpFdbStatus 1..5, 0 not read */
    uint8_t flags;      /* enum bridge_row_flag */
    uint16_t unused;
};

static inline struct mac bridge_row_mac(const struct bridge_row *row)
{
    return (struct mac){row->mac_group >> 16};
}
static inline uint32_t bridge_row_group(const struct bridge_row *row)
{
    return (uint32_t)(row->mac_group & 0xffff);
}

/* What is rare about a row. */
struct bridge_odd {
    uint32_t row;
    uint32_t notes;     /* enum bridge_note, of the index and the columns */
    uint32_t number;    /* the sequence number or the extra sub-identifier */
    struct mac address; /* the address column where it differs, else MAC_NONE */
};

/* The rows of one FDB of one table in one context. */
struct bridge_group {
    enum bridge_family family;
    uint32_t context; /* VLAN whose context was asked, 0 the default one */
    uint32_t fdb_id;
    bool fdb_known;   /* BRIDGE-MIB has none */
    bool fdb_is_vlan; /* a vendor's index names the VLAN itself */
    uint32_t *vlans;  /* sorted; none: not known */
    uint32_t vlan_count;
    uint32_t notes;
};

struct bridge_interface {
    uint32_t if_index;
    uint32_t name, descr, alias; /* names of the facts, NAME_NONE */
    uint32_t type;               /* ifType, 0 not read */
    struct mac address;          /* ifPhysAddress; MAC_NONE */
};

struct bridge_base_port {
    uint32_t context, port, if_index;
};

/* What a context's base-port table is like as a whole. */
struct bridge_base_context {
    uint32_t context;
    uint32_t highest; /* base port */
    bool identity;    /* every base port is its ifIndex */
};

struct bridge_vlan {
    uint32_t fdb_id, vlan;
};

/* What changes seldom. */
struct bridge_facts {
    struct names *names;
    struct bridge_interface *interfaces; /* sorted by if_index */
    size_t interface_count, interface_capacity;
    struct bridge_base_port *base_ports; /* sorted by context, port */
    size_t base_port_count, base_port_capacity;
    struct bridge_base_port *by_port;          /* the same, sorted by port, context */
    struct bridge_base_context *base_contexts; /* sorted by context */
    size_t base_context_count;
    struct bridge_vlan *vlans; /* sorted by fdb_id, vlan */
    size_t vlan_count, vlan_capacity;
    struct bridge_vlan *tags; /* vendor's map from internal FDB id to VLAN, sorted */
    size_t tag_count, tag_capacity;
    struct lag_member *lags; /* sorted by if_index, one each */
    size_t lag_count, lag_capacity;
    struct wire_neighbour *neighbours;
    size_t neighbour_count, neighbour_capacity;
    struct mac *own_macs;
    size_t own_mac_count, own_mac_capacity;
    uint32_t unread;  /* FACTS_BIT of every part that no read has got */
    char *why_unread; /* the first cause; NULL when all are read or were not asked for */
    bool broken;      /* a walk got no answer in the latest read: ask again soon */
};

/* What a port is that the base-port table lacks, see etc/quirks.conf. */
enum bridge_port_rule {
    BRIDGE_PORT_UNKNOWN,
    BRIDGE_PORT_IF_INDEX,
    BRIDGE_PORT_OFFSET, /* ifIndex = port + offset */
    BRIDGE_PORT_SHIFT   /* base port = port + offset */
};

/* What one context was asked and answered, of what decides about wholeness. */
struct bridge_context {
    uint32_t vlan; /* 0 the default context */
    uint64_t rows;
    bool whole;
    char *why_not; /* "" */
};

struct bridge_table {
    char *sys_descr, *sys_object_id, *sys_name; /* "" not read */
    int64_t sys_uptime_cs;                      /* at the start, -1 not read */
    int64_t ageing_seconds;                     /* dot1dTpAgingTime, -1 */
    uint64_t learn_discards;                    /* rise during the read */
    struct bridge_facts *facts;
    struct bridge_group *groups;
    size_t group_count, group_capacity;
    struct bridge_row *rows;
    size_t row_count, row_capacity;
    struct bridge_odd *odds; /* sorted by row */
    size_t odd_count, odd_capacity;
    struct bridge_context *contexts;
    size_t context_count, context_capacity;
    uint64_t rejected;               /* rows whose index no rule explains */
    bool cut;                        /* a limit was reached: rows are missing */
    enum bridge_port_rule port_rule; /* of the device's quirks */
    int64_t port_offset;
};

/* Frees the table with its facts; NULL is allowed. */
void bridge_table_free(struct bridge_table *table);
/* NULL is allowed. */
void bridge_facts_free(struct bridge_facts *facts);

/* Returns the interface, NULL when the facts have none of that number. */
const struct bridge_interface *bridge_facts_interface(const struct bridge_facts *facts,
                                                      uint32_t if_index);
/* Returns ifName, else ifDescr, else "". */
const char *bridge_facts_name(const struct bridge_facts *facts, uint32_t if_index);

/* Returns the interface of a base port, UINT32_MAX when the context's table lacks
 * it. */
uint32_t bridge_facts_base_port(const struct bridge_facts *facts, uint32_t context, uint32_t port);

/* Returns whether the interface is a pseudo-port of an overlay (VXLAN, NVE, EVPN,
 * pseudo-wire, tunnel), by its type or its name: what is behind it is remote
 * (DOMAIN 2.3 point 6). */
bool bridge_facts_tunnel(const struct bridge_facts *facts, uint32_t if_index);

struct bridge_port {
    bool resolved;     /* if_index is known */
    uint32_t if_index; /* may be 0 where the device says so */
    uint32_t notes;    /* enum bridge_note: port rules only */
};

/* Returns where port number `port` of `group` is. Costs two binary searches:
 * callers with many rows keep the answers. */
struct bridge_port bridge_table_port(const struct bridge_table *table,
                                     const struct bridge_group *group, uint32_t port);

/* Returns where `row` is: as above, with what its flags say of the port. */
struct bridge_port bridge_row_port(const struct bridge_table *table, const struct bridge_row *row);

/* Returns the side list's entry of row number `row`, NULL when it has none. */
const struct bridge_odd *bridge_table_odd(const struct bridge_table *table, size_t row);

#endif
