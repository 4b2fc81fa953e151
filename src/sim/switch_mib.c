/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/switch_mib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"

enum { CONTEXTS_MAX = 70, GENERATED_FDB = 10, FDB_ID_BASE = 4096 };

struct context {
    uint16_t vlan; /* 0: the default one */
    struct mib_view view;
};

struct switch_mib {
    const struct fabric_switch *sw;
    struct switch_mib_extra extra;
    int64_t uptime_cs;
    uint32_t *ports; /* every port by rising ifIndex, then: */
    size_t port_count, base_port_count, physical_count, member_count;
    uint32_t *base_ports; /* by rising bridge port number */
    uint32_t *physical;   /* no aggregates */
    uint32_t *members;    /* members of LAGs by rising ifIndex */
    uint32_t *stack;      /* members by their aggregate's ifIndex, then their own */
    struct sim_forward_row *rows;
    size_t row_count;
    struct sim_neighbour *neighbours;
    size_t neighbour_count;
    const uint16_t *vlans;
    size_t vlan_count;
    struct context *contexts[CONTEXTS_MAX];
    size_t context_count;
};

static const struct oid forward_q_bridge = {{1, 3, 6, 1, 2, 1, 17, 7, 1, 2, 2, 1}, 12};
static const struct oid forward_bridge = {{1, 3, 6, 1, 2, 1, 17, 4, 3, 1}, 10};

static void add_ids(struct oid *oid, const uint32_t *ids, size_t count)
{
    CHECK(oid->length + count <= LIMIT_OID_LENGTH);
    memcpy(oid->ids + oid->length, ids, count * sizeof(ids[0]));
    oid->length += (uint32_t)count;
}

static void add_mac(struct oid *oid, struct mac mac)
{
    uint8_t octets[6];
    mac_to_octets(mac, octets);
    CHECK(oid->length + 6 <= LIMIT_OID_LENGTH);
    for (int i = 0; i < 6; i++)
        oid->ids[oid->length++] = octets[i];
}

static void set_mac(struct mib_cell *cell, struct mac mac)
{
    uint8_t octets[6];
    mac_to_octets(mac, octets);
    mib_cell_octets(cell, octets, sizeof(octets));
}

/* --- scalars: system, dot1dBase, dot1dTp, dot1qBase, LLDP's own --- */

static void scalar_index(const void *table, uint64_t row, struct oid *oid)
{
    add_ids(oid, (const uint32_t[]){0}, 1);
}

static void system_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    bool cisco = mib->sw->dialect == FABRIC_BRIDGE_CONTEXT;
    switch (column) {
    case 1:
        mib_cell_text(cell, "Muster simulated switch");
        break;
    case 2: /* per-VLAN contexts are known by the vendor; else RFC 5612's example number */
        mib_cell_oid(cell, cisco ? &OID(1, 3, 6, 1, 4, 1, 9, 1, 1208)
                                 : &OID(1, 3, 6, 1, 4, 1, 32473, 1, 1));
        break;
    case 3:
        mib_cell_number(cell, SNMP_TIMETICKS, mib->uptime_cs & 0xffffffff);
        break;
    case 5:
        mib_cell_text(cell, mib->sw->name);
        break;
    case 7:
        mib_cell_number(cell, SNMP_INTEGER, 2);
        break;
    default:
        mib_cell_text(cell, "");
    }
}

static void base_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    if (column == 1)
        set_mac(cell, mib->sw->mac);
    else
        mib_cell_number(cell, SNMP_INTEGER, column == 2 ? (int64_t)mib->base_port_count : 2);
}

static void transparent_value(const void *table, uint32_t column, uint64_t row,
                              struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    if (column == 1) {
        mib_cell_number(cell, SNMP_COUNTER32, 0);
        return;
    }
    double seconds = span_as_seconds(mib->sw->ageing) / mib->extra.rate;
    mib_cell_number(cell, SNMP_INTEGER, seconds < 1 ? 1 : (int64_t)(seconds + 0.5));
}

static void vlan_base_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    if (column == 4)
        mib_cell_number(cell, SNMP_GAUGE32, (int64_t)mib->vlan_count);
    else
        mib_cell_number(cell, column == 3 ? SNMP_GAUGE32 : SNMP_INTEGER, column == 1 ? 1 : 4094);
}

static void lldp_own_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    if (column == 1)
        mib_cell_number(cell, SNMP_INTEGER, 4); /* the chassis id is a MAC */
    else if (column == 2)
        set_mac(cell, mib->sw->mac);
    else
        mib_cell_text(cell, column == 3 ? mib->sw->name : "Muster simulated switch");
}

/* --- interfaces --- */

static const struct fabric_port *port_of(const struct switch_mib *mib, uint32_t port)
{
    return &mib->sw->ports[port];
}

static void interface_index(const void *table, uint64_t row, struct oid *oid)
{
    const struct switch_mib *mib = table;
    add_ids(oid, &port_of(mib, mib->ports[row])->if_index, 1);
}

static void interface_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    const struct fabric_port *port = port_of(mib, mib->ports[row]);
    switch (column) {
    case 2:
        mib_cell_text(cell, port->name);
        break;
    case 3: /* ethernetCsmacd, ieee8023adLag */
        mib_cell_number(cell, SNMP_INTEGER, port->is_aggregate ? 161 : 6);
        break;
    case 5:
        mib_cell_number(cell, SNMP_GAUGE32, 1000000000);
        break;
    case 6:
        set_mac(cell, (struct mac){mib->sw->mac.bits + mib->ports[row] + 1});
        break;
    case 7:
        mib_cell_number(cell, SNMP_INTEGER, 1);
        break;
    case 8:
        mib_cell_number(cell, SNMP_INTEGER, port->occupied ? 1 : 2);
        break;
    default:
        mib_cell_number(cell, SNMP_INTEGER, column == 1 ? port->if_index : 1500);
    }
}

static void interface_more_value(const void *table, uint32_t column, uint64_t row,
                                 struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    if (column == 1)
        mib_cell_text(cell, port_of(mib, mib->ports[row])->name);
    else if (column == 15)
        mib_cell_number(cell, SNMP_GAUGE32, 1000);
    else
        mib_cell_text(cell, "");
}

static void stack_index(const void *table, uint64_t row, struct oid *oid)
{
    const struct switch_mib *mib = table;
    const struct fabric_port *member = port_of(mib, mib->stack[row]);
    uint32_t ids[2] = {port_of(mib, member->aggregate)->if_index, member->if_index};
    add_ids(oid, ids, 2);
}

static void one_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    mib_cell_number(cell, SNMP_INTEGER, 1);
}

static void member_index(const void *table, uint64_t row, struct oid *oid)
{
    const struct switch_mib *mib = table;
    add_ids(oid, &port_of(mib, mib->members[row])->if_index, 1);
}

static void member_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    const struct fabric_port *member = port_of(mib, mib->members[row]);
    mib_cell_number(cell, SNMP_INTEGER, port_of(mib, member->aggregate)->if_index);
}

/* --- bridge --- */

static void base_port_index(const void *table, uint64_t row, struct oid *oid)
{
    const struct switch_mib *mib = table;
    add_ids(oid, &port_of(mib, mib->base_ports[row])->bridge_port, 1);
}

static void base_port_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    const struct fabric_port *port = port_of(mib, mib->base_ports[row]);
    mib_cell_number(cell, SNMP_INTEGER, column == 1 ? port->bridge_port : port->if_index);
}

static void pvid_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    mib_cell_number(cell, SNMP_GAUGE32, mib->vlans[0]);
}

/* In one dialect FDB ids are the device's own; they rise with the VLAN. */
static uint32_t fdb_id(const struct switch_mib *mib, uint16_t vlan)
{
    if (mib->sw->dialect != FABRIC_Q_BRIDGE_FDB)
        return vlan;
    for (uint32_t i = 0; i < mib->vlan_count; i++)
        if (mib->vlans[i] == vlan)
            return FDB_ID_BASE + 1 + i;
    return vlan;
}

static void vlan_forward_index(const void *table, uint64_t row, struct oid *oid)
{
    const struct switch_mib *mib = table;
    uint32_t id = fdb_id(mib, mib->rows[row].vlan);
    add_ids(oid, &id, 1);
    add_mac(oid, mib->rows[row].mac);
}

static void forward_index(const void *table, uint64_t row, struct oid *oid)
{
    const struct switch_mib *mib = table;
    add_mac(oid, mib->rows[row].mac);
}

/* Column 1 (the address; BRIDGE-MIB only), 2 port, 3 status. */
static void forward_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    const struct sim_forward_row *r = &mib->rows[row];
    if (column == 1)
        set_mac(cell, r->mac);
    else if (column == 3)
        mib_cell_number(cell, SNMP_INTEGER, r->status);
    else
        mib_cell_number(cell, SNMP_INTEGER,
                        r->port == FABRIC_NONE ? 0 : port_of(mib, r->port)->bridge_port);
}

/* Made-up rows spread over the prefixes of eight makers, as in a real table: each
 * an eighth of the rows, counting up. */
static struct mac generated_mac(const struct switch_mib *mib, uint64_t row)
{
    static const uint64_t prefixes[] = {UINT64_C(0x000c29000000), UINT64_C(0x00155d000000),
                                        UINT64_C(0x00163e000000), UINT64_C(0x005056000000),
                                        UINT64_C(0x080027000000), UINT64_C(0x525400000000),
                                        UINT64_C(0xbc2411000000), UINT64_C(0xfa163e000000)};
    const uint64_t blocks = ARRAY_COUNT(prefixes), rows = mib->extra.generated_rows;
    uint64_t block = row * blocks / rows;
    uint64_t first = (block * rows + blocks - 1) / blocks;
    return (struct mac){prefixes[block] + row - first};
}

static void generated_index(const void *table, uint64_t row, struct oid *oid)
{
    const struct switch_mib *mib = table;
    uint32_t id = GENERATED_FDB;
    if (mib->sw->dialect == FABRIC_Q_BRIDGE || mib->sw->dialect == FABRIC_Q_BRIDGE_FDB)
        add_ids(oid, &id, 1);
    add_mac(oid, generated_mac(mib, row));
}

static void generated_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    if (column == 1)
        set_mac(cell, generated_mac(mib, row));
    else if (column == 3)
        mib_cell_number(cell, SNMP_INTEGER, FORWARD_LEARNED);
    else
        mib_cell_number(cell, SNMP_INTEGER,
                        port_of(mib, mib->base_ports[row % mib->base_port_count])->bridge_port);
}

static void vlan_index(const void *table, uint64_t row, struct oid *oid)
{
    const struct switch_mib *mib = table;
    uint32_t id = mib->vlans[row];
    add_ids(oid, &id, 1);
}

static void vlan_current_index(const void *table, uint64_t row, struct oid *oid)
{
    const struct switch_mib *mib = table;
    uint32_t ids[2] = {0, mib->vlans[row]}; /* TimeMark 0 */
    add_ids(oid, ids, 2);
}

static void vlan_current_value(const void *table, uint32_t column, uint64_t row,
                               struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    if (column == 3)
        mib_cell_number(cell, SNMP_GAUGE32, fdb_id(mib, mib->vlans[row]));
    else
        mib_cell_number(cell, SNMP_INTEGER, 2); /* permanent */
}

static void vlan_name_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    char name[FABRIC_NAME_SIZE];
    int length = snprintf(name, sizeof(name), "vlan%u", mib->vlans[row]);
    mib_cell_octets(cell, (const uint8_t *)name, (size_t)length);
}

/* Cisco's list of VLANs: management domain 1, the VLANs, and the four reserved
 * ones that every device has and nobody can walk. */
static void vtp_index(const void *table, uint64_t row, struct oid *oid)
{
    const struct switch_mib *mib = table;
    uint32_t ids[2] = {1, 1};
    if (row > 0 && row <= mib->vlan_count)
        ids[1] = mib->vlans[row - 1];
    else if (row > 0)
        ids[1] = (uint32_t)(1002 + row - 1 - mib->vlan_count);
    add_ids(oid, ids, 2);
}

/* --- LLDP --- */

static void local_port_index(const void *table, uint64_t row, struct oid *oid)
{
    const struct switch_mib *mib = table;
    add_ids(oid, &port_of(mib, mib->physical[row])->bridge_port, 1);
}

static void local_port_value(const void *table, uint32_t column, uint64_t row,
                             struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    if (column == 2)
        mib_cell_number(cell, SNMP_INTEGER, 5); /* interfaceName */
    else
        mib_cell_text(cell, port_of(mib, mib->physical[row])->name);
}

static void remote_index(const void *table, uint64_t row, struct oid *oid)
{
    const struct switch_mib *mib = table;
    uint32_t port = port_of(mib, mib->neighbours[row].local_port)->bridge_port;
    uint32_t ids[3] = {0, port, (uint32_t)row + 1};
    add_ids(oid, ids, 3);
}

static void remote_value(const void *table, uint32_t column, uint64_t row, struct mib_cell *cell)
{
    const struct switch_mib *mib = table;
    const struct sim_neighbour *n = &mib->neighbours[row];
    switch (column) {
    case 4:
        mib_cell_number(cell, SNMP_INTEGER, 4); /* macAddress */
        break;
    case 5:
        set_mac(cell, n->chassis);
        break;
    case 6:
        mib_cell_number(cell, SNMP_INTEGER, 5); /* interfaceName */
        break;
    case 9:
        mib_cell_text(cell, n->system);
        break;
    case 10:
        mib_cell_text(cell, n->description);
        break;
    default: /* port id and port description */
        mib_cell_text(cell, n->port);
    }
}

/* --- building views --- */

typedef void index_fn(const void *, uint64_t, struct oid *);
typedef void value_fn(const void *, uint32_t, uint64_t, struct mib_cell *);

/* Adds one column a number of `columns` (0-ended) below `entry`. */
static void add_table(const struct switch_mib *mib, struct mib_view *view, const struct oid *entry,
                      const uint32_t *columns, uint64_t first, uint64_t rows, index_fn *index,
                      value_fn *value)
{
    for (; *columns != 0; columns++) {
        struct mib_column column = {.prefix = *entry,
                                    .table = mib,
                                    .first = first,
                                    .rows = rows,
                                    .index = index,
                                    .value = value};
        add_ids(&column.prefix, columns, 1);
        mib_view_add(view, &column);
    }
}

#define COLUMNS(...) ((const uint32_t[]){__VA_ARGS__, 0})

static void add_scalars(const struct switch_mib *mib, struct mib_view *view)
{
    add_table(mib, view, &OID(1, 3, 6, 1, 2, 1, 1), COLUMNS(1, 2, 3, 4, 5, 6, 7), 0, 1,
              scalar_index, system_value);
    add_table(mib, view, &OID(1, 3, 6, 1, 2, 1, 17, 1), COLUMNS(1, 2, 3), 0, 1, scalar_index,
              base_value);
    add_table(mib, view, &OID(1, 3, 6, 1, 2, 1, 17, 4), COLUMNS(1, 2), 0, 1, scalar_index,
              transparent_value);
}

static void add_ports(const struct switch_mib *mib, struct mib_view *view)
{
    add_table(mib, view, &OID(1, 3, 6, 1, 2, 1, 2, 2, 1), COLUMNS(1, 2, 3, 4, 5, 6, 7, 8), 0,
              mib->port_count, interface_index, interface_value);
    add_table(mib, view, &OID(1, 3, 6, 1, 2, 1, 31, 1, 1, 1), COLUMNS(1, 15, 18), 0,
              mib->port_count, interface_index, interface_more_value);
    add_table(mib, view, &OID(1, 3, 6, 1, 2, 1, 31, 1, 2, 1), COLUMNS(3), 0, mib->member_count,
              stack_index, one_value);
    add_table(mib, view, &OID(1, 2, 840, 10006, 300, 43, 1, 2, 1, 1), COLUMNS(12, 13), 0,
              mib->member_count, member_index, member_value);
    add_table(mib, view, &OID(1, 3, 6, 1, 2, 1, 17, 1, 4, 1), COLUMNS(1, 2), 0,
              mib->base_port_count, base_port_index, base_port_value);
}

static void add_lldp(const struct switch_mib *mib, struct mib_view *view)
{
    add_table(mib, view, &OID(1, 0, 8802, 1, 1, 2, 1, 3), COLUMNS(1, 2, 3, 4), 0, 1, scalar_index,
              lldp_own_value);
    add_table(mib, view, &OID(1, 0, 8802, 1, 1, 2, 1, 3, 7, 1), COLUMNS(2, 3, 4), 0,
              mib->physical_count, local_port_index, local_port_value);
    add_table(mib, view, &OID(1, 0, 8802, 1, 1, 2, 1, 4, 1, 1), COLUMNS(4, 5, 6, 7, 8, 9, 10), 0,
              mib->neighbour_count, remote_index, remote_value);
}

static bool has_vlans(const struct switch_mib *mib)
{
    return mib->sw->dialect == FABRIC_Q_BRIDGE || mib->sw->dialect == FABRIC_Q_BRIDGE_FDB;
}

static void add_vlans(const struct switch_mib *mib, struct mib_view *view)
{
    if (mib->sw->dialect == FABRIC_BRIDGE_CONTEXT)
        add_table(mib, view, &OID(1, 3, 6, 1, 4, 1, 9, 9, 46, 1, 3, 1, 1), COLUMNS(2), 0,
                  mib->vlan_count + 5, vtp_index, one_value);
    if (!has_vlans(mib))
        return;
    add_table(mib, view, &OID(1, 3, 6, 1, 2, 1, 17, 7, 1, 1), COLUMNS(1, 2, 3, 4), 0, 1,
              scalar_index, vlan_base_value);
    add_table(mib, view, &OID(1, 3, 6, 1, 2, 1, 17, 7, 1, 4, 2, 1), COLUMNS(3, 6), 0,
              mib->vlan_count, vlan_current_index, vlan_current_value);
    add_table(mib, view, &OID(1, 3, 6, 1, 2, 1, 17, 7, 1, 4, 3, 1), COLUMNS(1), 0, mib->vlan_count,
              vlan_index, vlan_name_value);
    add_table(mib, view, &OID(1, 3, 6, 1, 2, 1, 17, 7, 1, 4, 5, 1), COLUMNS(1), 0,
              mib->base_port_count, base_port_index, pvid_value);
}

static void add_forward(const struct switch_mib *mib, struct mib_view *view, uint64_t first,
                        uint64_t rows)
{
    const struct oid *entry = switch_mib_forward_oid(mib);
    const uint32_t *columns = has_vlans(mib) ? COLUMNS(2, 3) : COLUMNS(1, 2, 3);
    if (mib->extra.generated_rows > 0)
        add_table(mib, view, entry, columns, 0, mib->extra.generated_rows, generated_index,
                  generated_value);
    else
        add_table(mib, view, entry, columns, first, rows,
                  has_vlans(mib) ? vlan_forward_index : forward_index, forward_value);
}

static void add_context(struct switch_mib *mib, uint16_t vlan)
{
    CHECK(mib->context_count < CONTEXTS_MAX);
    struct context *context = alloc_zeroed(1, sizeof(*context));
    context->vlan = vlan;
    uint64_t first = 0, rows = mib->row_count;
    if (mib->sw->dialect == FABRIC_BRIDGE_CONTEXT) {
        while (first < mib->row_count && mib->rows[first].vlan < vlan)
            first++;
        rows = 0;
        while (first + rows < mib->row_count && mib->rows[first + rows].vlan == vlan)
            rows++;
    }
    add_scalars(mib, &context->view);
    add_ports(mib, &context->view);
    add_forward(mib, &context->view, first, rows);
    if (vlan == 0) {
        add_lldp(mib, &context->view);
        add_vlans(mib, &context->view);
    }
    mib_view_finish(&context->view);
    mib->contexts[mib->context_count++] = context;
}

/* --- building the snapshot --- */

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Sorts by the aggregate's ifIndex (`by_lag`), then the port's own; ifIndex is
 * below 2^20 and there are fewer than 65,000 ports (fabric.c). */
static void sort_ports(const struct switch_mib *mib, uint32_t *ports, size_t count, bool by_lag)
{
    uint64_t *keys = alloc_array(count * 2 + 1, sizeof(*keys));
    for (size_t i = 0; i < count; i++) {
        const struct fabric_port *port = port_of(mib, ports[i]);
        uint64_t lag = by_lag ? port_of(mib, port->aggregate)->if_index : 0;
        keys[i] = (lag << 20 | port->if_index) << 16 | ports[i];
    }
    qsort(keys, count, sizeof(*keys), by_number);
    for (size_t i = 0; i < count; i++)
        ports[i] = (uint32_t)(keys[i] & 0xffff);
    free(keys);
}

/* Bridge port numbers rise with ifIndex (fabric.c), so one order serves all. */
static void collect_ports(struct switch_mib *mib)
{
    size_t all = mib->sw->port_count;
    mib->ports = alloc_array(all + 1, sizeof(uint32_t));
    mib->base_ports = alloc_array(all + 1, sizeof(uint32_t));
    mib->physical = alloc_array(all + 1, sizeof(uint32_t));
    mib->members = alloc_array(all + 1, sizeof(uint32_t));
    mib->stack = alloc_array(all + 1, sizeof(uint32_t));
    for (uint32_t p = 0; p < all; p++) {
        const struct fabric_port *port = port_of(mib, p);
        mib->ports[mib->port_count++] = p;
        if (port->aggregate == FABRIC_NONE)
            mib->base_ports[mib->base_port_count++] = p;
        else
            mib->members[mib->member_count++] = p;
        if (!port->is_aggregate)
            mib->physical[mib->physical_count++] = p;
    }
    memcpy(mib->stack, mib->members, mib->member_count * sizeof(uint32_t));
    sort_ports(mib, mib->ports, mib->port_count, false);
    sort_ports(mib, mib->base_ports, mib->base_port_count, false);
    sort_ports(mib, mib->physical, mib->physical_count, false);
    sort_ports(mib, mib->members, mib->member_count, false);
    sort_ports(mib, mib->stack, mib->member_count, true);
}

static int by_mac(const void *a, const void *b)
{
    const struct sim_forward_row *x = a, *y = b;
    if (x->mac.bits != y->mac.bits)
        return x->mac.bits < y->mac.bits ? -1 : 1;
    return x->age < y->age ? -1 : x->age > y->age;
}

/* Without VLANs a MAC has one row: where it was heard last. */
static void merge_vlans(struct switch_mib *mib)
{
    if (mib->row_count == 0)
        return;
    qsort(mib->rows, mib->row_count, sizeof(mib->rows[0]), by_mac);
    size_t kept = 0;
    for (size_t i = 0; i < mib->row_count; i++)
        if (kept == 0 || !mac_equal(mib->rows[kept - 1].mac, mib->rows[i].mac))
            mib->rows[kept++] = mib->rows[i];
    mib->row_count = kept;
}

struct switch_mib *switch_mib_new(const struct datacentre *dc, uint32_t switch_index,
                                  const struct switch_mib_extra *extra)
{
    struct switch_mib *mib = alloc_zeroed(1, sizeof(*mib));
    mib->sw = &datacentre_fabric(dc)->switches[switch_index];
    mib->extra = *extra;
    mib->vlans = datacentre_vlans(dc, &mib->vlan_count);
    mib->neighbours = datacentre_neighbours(dc, switch_index, &mib->neighbour_count);
    collect_ports(mib);
    if (extra->generated_rows == 0)
        mib->rows = datacentre_forward(dc, switch_index, &mib->row_count);
    if (mib->sw->dialect == FABRIC_BRIDGE)
        merge_vlans(mib);
    add_context(mib, 0);
    if (mib->sw->dialect == FABRIC_BRIDGE_CONTEXT)
        for (size_t i = 0; i < mib->vlan_count; i++)
            add_context(mib, mib->vlans[i]);
    return mib;
}

void switch_mib_free(struct switch_mib *mib)
{
    if (!mib)
        return;
    for (size_t i = 0; i < mib->context_count; i++)
        free(mib->contexts[i]);
    free(mib->ports);
    free(mib->base_ports);
    free(mib->physical);
    free(mib->members);
    free(mib->stack);
    free(mib->rows);
    free(mib->neighbours);
    free(mib);
}

void switch_mib_set_uptime(struct switch_mib *mib, int64_t uptime_cs)
{
    mib->uptime_cs = uptime_cs;
}

size_t switch_mib_rows(const struct switch_mib *mib)
{
    return mib->row_count;
}

const struct mib_view *switch_mib_view(struct switch_mib *mib, const char *context)
{
    if (context[0] == 0)
        return &mib->contexts[0]->view;
    char *end;
    unsigned long vlan = strtoul(context, &end, 10);
    for (size_t i = 1; i < mib->context_count && *end == 0; i++)
        if (mib->contexts[i]->vlan == vlan)
            return &mib->contexts[i]->view;
    return NULL;
}

const struct oid *switch_mib_forward_oid(const struct switch_mib *mib)
{
    return has_vlans(mib) ? &forward_q_bridge : &forward_bridge;
}
