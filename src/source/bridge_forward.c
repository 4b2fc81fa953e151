/* SPDX-License-Identifier: Apache-2.0 */
#include "source/bridge_forward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"

_Static_assert(sizeof(struct bridge_row) == sizeof(struct forward_row),
               "rows are converted where they stand");

struct builder {
    struct bridge_table *bridge;
    struct forward_table *table;
    struct map by_if_index; /* ifIndex -> port */
    struct map by_place;    /* vendor, context, bridge port -> port */
    vlan_set *vlans;        /* of each group */
    bool *believed;         /* of each group: a table that knows VLANs */
    bool merge;             /* tables of both kinds, or several that know VLANs, have rows */
    struct map placed;      /* MACs of believed tables: whether they place them */
    struct map seen;        /* MAC, VLAN, port of rows that are kept */
    uint64_t seed;
};

static uint32_t add_name(struct builder *builder, const char *text)
{
    size_t length = strlen(text);
    if (length == 0)
        return NAME_NONE;
    return names_add(builder->table->names, text,
                     length > LIMIT_NAME_BYTES ? LIMIT_NAME_BYTES : length);
}

static uint32_t copy_name(struct builder *builder, uint32_t number)
{
    return add_name(builder, names_get(builder->bridge->facts->names, number));
}

/* --- ports --- */

static uint32_t add_port(struct builder *builder, const struct forward_port *port)
{
    if (builder->table->port_count == LIMIT_SWITCH_PORTS)
        return FORWARD_NO_PORT;
    struct forward_port added = *port;
    added.aggregate = (uint32_t)builder->table->port_count;
    return forward_table_add_port(builder->table, &added);
}

static void add_interface(struct builder *builder, const struct bridge_interface *interface)
{
    char number[16];
    const char *name = bridge_facts_name(builder->bridge->facts, interface->if_index);
    snprintf(number, sizeof number, "#%u", interface->if_index);
    struct forward_port port = {
        .name = add_name(builder, name[0] != '\0' ? name : number),
        .descr = copy_name(builder, interface->descr),
        .alias = copy_name(builder, interface->alias),
        .if_index = interface->if_index,
        .tunnel = bridge_facts_tunnel(builder->bridge->facts, interface->if_index),
    };
    uint32_t at = add_port(builder, &port);
    if (at != FORWARD_NO_PORT)
        map_put_new(&builder->by_if_index, interface->if_index, at);
}

/* Returns the port of an interface, adding it when the interface table lacks it. */
static uint32_t port_of_interface(struct builder *builder, uint32_t if_index)
{
    uint32_t known = map_find(&builder->by_if_index, if_index);
    if (known != MAP_NO_VALUE)
        return known;
    char number[16];
    snprintf(number, sizeof number, "#%u", if_index);
    struct forward_port port = {
        .name = add_name(builder, number),
        .descr = NAME_NONE,
        .alias = NAME_NONE,
        .if_index = if_index,
    };
    uint32_t at = add_port(builder, &port);
    if (at != FORWARD_NO_PORT)
        map_put(&builder->by_if_index, if_index, at);
    return at;
}

/* A bridge port that leads to no interface is still a place of its own. */
static uint32_t unresolved_port(struct builder *builder, uint32_t context, uint32_t bridge_port)
{
    char number[48];
    if (context == 0)
        snprintf(number, sizeof number, "port %u", bridge_port);
    else
        snprintf(number, sizeof number, "port %u of VLAN %u", bridge_port, context);
    struct forward_port port = {
        .name = add_name(builder, number),
        .descr = NAME_NONE,
        .alias = NAME_NONE,
        .bridge_port = bridge_port,
    };
    return add_port(builder, &port);
}

static uint32_t port_of_row(struct builder *builder, const struct bridge_row *row,
                            const struct bridge_group *group)
{
    if ((row->flags & BRIDGE_ROW_PORT) == 0 || (row->flags & BRIDGE_ROW_BELOW) != 0 ||
        row->port == 0)
        return FORWARD_NO_PORT;
    uint64_t place = (uint64_t)(group->family == BRIDGE_VENDOR) << 63 |
                     (uint64_t)group->context << 32 | row->port;
    uint32_t known = map_find(&builder->by_place, place);
    if (known != MAP_NO_VALUE)
        return known;
    struct bridge_port found = bridge_table_port(builder->bridge, group, row->port);
    uint32_t port = found.resolved && found.if_index != 0
                        ? port_of_interface(builder, found.if_index)
                        : unresolved_port(builder, group->context, row->port);
    if (port != FORWARD_NO_PORT) {
        map_put(&builder->by_place, place, port);
        if (group->family != BRIDGE_VENDOR && group->context == 0)
            builder->table->ports[port].bridge_port = row->port;
    }
    return port;
}

/* --- aggregates --- */

/* Returns the port that logical unit `port` stands on, FORWARD_NO_PORT when its
 * name is no unit's. */
static uint32_t unit_base(const struct builder *builder, const struct map *by_name, uint32_t port)
{
    const struct forward_table *table = builder->table;
    const char *name = names_get(table->names, table->ports[port].name);
    const char *dot = strrchr(name, '.');
    if (dot == NULL || dot == name || dot[1] == '\0' ||
        strspn(dot + 1, "0123456789") != strlen(dot + 1))
        return FORWARD_NO_PORT;
    uint32_t base = names_find(table->names, name, (size_t)(dot - name));
    uint32_t found = base == NAME_NONE ? MAP_NO_VALUE : map_find(by_name, base);
    return found == MAP_NO_VALUE || found == port ? FORWARD_NO_PORT : found;
}

static uint32_t lag_parent(struct builder *builder, uint32_t port)
{
    uint32_t if_index = builder->table->ports[port].if_index;
    if (if_index == 0)
        return port;
    uint32_t aggregate = lag_table_find(builder->bridge->facts, if_index);
    if (aggregate == if_index)
        return port;
    uint32_t found = port_of_interface(builder, aggregate);
    return found == FORWARD_NO_PORT ? port : found;
}

/* Sets each port's aggregate: LAG members first, then units and their ports, then
 * chains (unit -> aggregate's unit -> aggregate) are followed to their end. */
static void set_aggregates(struct builder *builder)
{
    struct forward_table *table = builder->table;
    struct map by_name = MAP_EMPTY;
    for (uint32_t i = 0; i < table->port_count; i++) {
        uint32_t parent = lag_parent(builder, i);
        table->ports[i].aggregate = parent;
    }
    for (uint32_t i = 0; i < table->port_count; i++)
        map_put_new(&by_name, table->ports[i].name, i);
    for (uint32_t i = 0; i < table->port_count; i++) {
        uint32_t base = unit_base(builder, &by_name, i);
        if (base == FORWARD_NO_PORT)
            continue;
        if (table->ports[i].aggregate == i)
            table->ports[i].aggregate = base;
        else if (table->ports[base].aggregate == base)
            table->ports[base].aggregate = table->ports[i].aggregate;
    }
    for (uint32_t i = 0; i < table->port_count; i++) {
        uint32_t at = i;
        for (int step = 0; step < 2 * LAG_DEPTH && table->ports[at].aggregate != at; step++)
            at = table->ports[at].aggregate;
        if (table->ports[at].aggregate == at)
            table->ports[i].aggregate = at;
    }
    map_done(&by_name);
}

/* --- rows --- */

static void prepare_groups(struct builder *builder)
{
    const struct bridge_table *bridge = builder->bridge;
    builder->vlans = alloc_zeroed(bridge->group_count + 1, sizeof *builder->vlans);
    builder->believed = alloc_zeroed(bridge->group_count + 1, sizeof *builder->believed);
    unsigned kinds = 0;
    for (size_t i = 0; i < bridge->group_count; i++) {
        const struct bridge_group *group = &bridge->groups[i];
        builder->vlans[i] = vlan_pool_add(builder->table->vlans, group->vlans, group->vlan_count);
        builder->believed[i] = group->family != BRIDGE_DOT1D || group->context != 0;
        kinds |= 1u << (group->family != BRIDGE_DOT1D ? (unsigned)group->family
                        : group->context != 0         ? BRIDGE_FAMILY_COUNT
                                                      : (unsigned)BRIDGE_DOT1D);
    }
    builder->merge = (kinds & (kinds - 1)) != 0;
}

static bool has_no_mac(const struct bridge_table *bridge, size_t row)
{
    const struct bridge_odd *odd = bridge_table_odd(bridge, row);
    return odd != NULL && (odd->notes & BRIDGE_NOTE_NO_MAC) != 0;
}

/* Collects the MACs that tables with VLANs have, and whether with a port. */
static void collect_placed(struct builder *builder)
{
    const struct bridge_table *bridge = builder->bridge;
    for (size_t i = 0; builder->merge && i < bridge->row_count; i++) {
        const struct bridge_row *row = &bridge->rows[i];
        bool placed = (row->flags & BRIDGE_ROW_PORT) != 0 && row->port != 0;
        if (!builder->believed[bridge_row_group(row)])
            continue;
        if (placed)
            map_put(&builder->placed, bridge_row_mac(row).bits, true);
        else
            map_put_new(&builder->placed, bridge_row_mac(row).bits, false);
    }
}

/* Whether a row of BRIDGE-MIB adds nothing to what tables with VLANs say: they
 * place the MAC; or they have it without a port, and this row's port leads to no
 * interface either. */
static bool is_outdone(const struct builder *builder, const struct forward_row *row)
{
    uint32_t placed = map_find(&builder->placed, forward_row_mac(row).bits);
    if (placed == MAP_NO_VALUE || row->vlan != VLAN_SET_UNKNOWN)
        return false;
    return placed || row->port == FORWARD_NO_PORT || builder->table->ports[row->port].if_index == 0;
}

/* Whether a row says nothing that another table has not said better. */
static bool is_covered(struct builder *builder, uint32_t group, const struct forward_row *row)
{
    if (!builder->merge)
        return false;
    if (!builder->believed[group] && is_outdone(builder, row))
        return true;
    const uint64_t parts[] = {forward_row_mac(row).bits, (uint64_t)row->vlan << 32 | row->port};
    uint64_t key = hash_bytes(parts, sizeof parts, builder->seed) >> 1;
    size_t before = builder->seen.count;
    map_put(&builder->seen, key, 1);
    return builder->seen.count == before;
}

static void convert_rows(struct builder *builder)
{
    struct bridge_table *bridge = builder->bridge;
    struct forward_table *table = builder->table;
    size_t kept = 0;
    for (size_t i = 0; i < bridge->row_count; i++) {
        struct bridge_row row = bridge->rows[i];
        if (has_no_mac(bridge, i)) {
            table->rejected_rows++;
            continue;
        }
        uint32_t group = bridge_row_group(&row);
        struct forward_row converted = {
            .mac_status = forward_row_key(bridge_row_mac(&row), (enum forward_status)row.status),
            .port = port_of_row(builder, &row, &bridge->groups[group]),
            .vlan = builder->vlans[group],
            .age = FORWARD_AGE_UNKNOWN,
        };
        if (is_covered(builder, group, &converted))
            continue;
        memcpy(&bridge->rows[kept++], &converted, sizeof converted);
    }
    table->rows = (struct forward_row *)(void *)bridge->rows;
    table->row_count = kept;
    bridge->rows = NULL;
    bridge->row_count = bridge->row_capacity = 0;
}

/* --- the rest --- */

static void convert_neighbours(struct builder *builder)
{
    const struct bridge_facts *facts = builder->bridge->facts;
    for (size_t i = 0; i < facts->neighbour_count; i++) {
        const struct wire_neighbour *from = &facts->neighbours[i];
        struct neighbour to = {
            .protocol = from->protocol == WIRE_LLDP ? NEIGHBOUR_LLDP : NEIGHBOUR_CDP,
            .port = FORWARD_NO_PORT,
            .chassis = from->chassis_mac,
            .chassis_text = copy_name(builder, from->chassis),
            .remote_port = copy_name(builder, from->port),
            .remote_port_mac = from->port_mac,
            .system = copy_name(builder, from->system),
            .description = copy_name(builder, from->description),
        };
        if (from->if_index != 0)
            to.port = port_of_interface(builder, from->if_index);
        forward_table_add_neighbour(builder->table, &to);
    }
}

static void add_receipts(struct builder *builder, const struct bridge_forward_options *options)
{
    const struct bridge_table *bridge = builder->bridge;
    for (size_t i = 0; i < bridge->context_count; i++) {
        const struct bridge_context *context = &bridge->contexts[i];
        struct receipt receipt;
        receipt_init(&receipt);
        receipt_text(&receipt.source, "%s",
                     options->source != NULL ? options->source : builder->table->switch_name);
        receipt_text(&receipt.type, "%s", options->type);
        if (context->vlan != 0)
            receipt_text(&receipt.context, "%u", context->vlan);
        receipt.asked = i == 0 ? options->asked : 0;
        receipt.answered = i == 0 ? options->answered : 0;
        receipt.rows = context->rows;
        receipt.whole = context->whole;
        receipt_text(&receipt.why_not, "%s", context->why_not);
        if (options->ageing.us >= 0)
            receipt.ageing = options->ageing;
        else if (bridge->ageing_seconds >= 0)
            receipt.ageing = span_seconds(bridge->ageing_seconds);
        receipt.sys_uptime_cs = bridge->sys_uptime_cs;
        receipt.learn_discards = bridge->learn_discards;
        receipt.started = options->started;
        receipt.ended = options->ended;
        forward_table_add_receipt(builder->table, &receipt);
        receipt_done(&receipt);
    }
}

static const char *choose_name(const struct bridge_table *bridge,
                               const struct bridge_forward_options *options)
{
    if (options->switch_name != NULL)
        return options->switch_name;
    if (bridge->sys_name[0] != '\0')
        return bridge->sys_name;
    return options->fallback_name;
}

static void replace(char **field, const char *text)
{
    free(*field);
    *field = alloc_text(text);
}

struct forward_table *bridge_forward(struct bridge_table *bridge,
                                     const struct bridge_forward_options *options)
{
    struct builder builder = {
        .bridge = bridge,
        .table = forward_table_new(choose_name(bridge, options), options->site),
        .seed = hash_seed(),
    };
    struct forward_table *table = builder.table;
    if (options->hypervisor != NULL)
        table->hypervisor = alloc_text(options->hypervisor);
    replace(&table->sys_name, bridge->sys_name);
    replace(&table->sys_object_id, bridge->sys_object_id);
    table->rejected_rows = bridge->rejected;
    table->cut = bridge->cut;
    for (size_t i = 0; i < bridge->facts->interface_count; i++)
        add_interface(&builder, &bridge->facts->interfaces[i]);
    prepare_groups(&builder);
    collect_placed(&builder);
    convert_rows(&builder);
    convert_neighbours(&builder);
    set_aggregates(&builder);
    for (size_t i = 0; i < bridge->facts->own_mac_count; i++)
        if (mac_is_station(bridge->facts->own_macs[i]))
            forward_table_add_own_mac(table, bridge->facts->own_macs[i]);
    add_receipts(&builder, options);
    forward_table_finish(table);
    map_done(&builder.by_if_index);
    map_done(&builder.by_place);
    map_done(&builder.placed);
    map_done(&builder.seen);
    free(builder.vlans);
    free(builder.believed);
    return table;
}
