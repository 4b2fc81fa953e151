/* SPDX-License-Identifier: Apache-2.0 */
#include "source/ovs_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"
#include "wire/ovs_fdb.h"

/* --- the reading --- */

void ovs_reading_add_bridge(struct ovs_reading *reading, const char *name)
{
    reading->bridges = alloc_grow(reading->bridges, reading->bridge_count,
                                  &reading->bridge_capacity, sizeof *reading->bridges);
    reading->bridges[reading->bridge_count++] =
        (struct ovs_bridge_reading){alloc_text(name), TEXT_EMPTY, TEXT_EMPTY};
}

void ovs_reading_done(struct ovs_reading *reading)
{
    for (size_t i = 0; i < reading->bridge_count; i++) {
        free(reading->bridges[i].name);
        text_done(&reading->bridges[i].entries);
        text_done(&reading->bridges[i].statistics);
    }
    free(reading->bridges);
    text_done(&reading->ports);
    text_done(&reading->bonds);
    text_done(&reading->database);
    *reading = (struct ovs_reading){0};
}

/* --- building --- */

struct build {
    const struct ovs_reading *reading;
    const struct ovs_choice *choice;
    struct forward_table *table;
    struct map ports; /* bridge << 32 | OpenFlow port -> index in the table */
    struct map names; /* number of a name -> index in the table, for bonds */
    uint64_t rejected;
};

static uint64_t port_key(size_t bridge, uint32_t number)
{
    return (uint64_t)bridge << 32 | number;
}

static size_t find_bridge(const struct build *build, const char *name)
{
    size_t at = 0;
    while (at < build->reading->bridge_count && strcmp(build->reading->bridges[at].name, name) != 0)
        at++;
    return at;
}

static bool is_word(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

static bool is_tunnel(const char *type)
{
    static const char *const types[] = {"vxlan", "geneve", "gre",     "ip6gre", "erspan",
                                        "stt",   "lisp",   "bareudp", "gtpu",   "srv6"};
    return is_word(type, types, ARRAY_COUNT(types));
}

static bool is_uplink(const struct build *build, const struct ovs_port *port)
{
    static const char *const types[] = {"patch", "dpdk", "afxdp", "afxdp-nonpmd"};
    const struct option_list *uplinks = build->choice->uplinks;
    for (size_t i = 0; i < uplinks->count; i++) {
        if (strcmp(uplinks->items[i], port->name) == 0)
            return true;
    }
    if (uplinks->count > 0 || port->number == OVS_PORT_LOCAL)
        return false;
    if (is_tunnel(port->type) || is_word(port->type, types, ARRAY_COUNT(types)))
        return true;
    return strcmp(port->type, "system") == 0 && build->choice->is_hardware(port->name);
}

static uint32_t add_port(struct build *build, size_t bridge, uint32_t number, const char *name)
{
    struct forward_table *table = build->table;
    struct forward_port port = {.name = names_add(table->names, name, strlen(name)),
                                .descr = NAME_NONE,
                                .alias = NAME_NONE,
                                .bridge_port = number,
                                .bridge = (uint32_t)bridge,
                                .aggregate = (uint32_t)table->port_count};
    uint32_t index = forward_table_add_port(table, &port);
    map_put_new(&build->names, port.name, index);
    if (number != OVS_PORT_UNKNOWN)
        map_put(&build->ports, port_key(bridge, number), index);
    return index;
}

static int add_ports(struct build *build, struct err *err)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    struct ovs_lines lines;
    struct ovs_port port;
    int code = ovs_reply_parse(text_get(&build->reading->ports), build->reading->ports.length,
                               OVS_REQUEST_ID, &text, err);
    if (code != 0)
        return code;
    ovs_lines_start(&lines, text_get(&text), text.length);
    while (ovs_next_port(&lines, &port)) {
        size_t bridge = find_bridge(build, port.bridge);
        if (bridge == build->reading->bridge_count)
            continue;
        if (build->table->port_count == LIMIT_SWITCH_PORTS)
            return err_set(err, ERR_LIMIT, "more than %d ports", LIMIT_SWITCH_PORTS);
        uint32_t index = add_port(build, bridge, port.number, port.name);
        build->table->ports[index].tunnel = is_tunnel(port.type);
        build->table->ports[index].uplink = is_uplink(build, &port);
    }
    build->rejected += lines.rejected;
    return 0;
}

/* Returns the port that is called `name`, FORWARD_NO_PORT when there is none. */
static uint32_t named_port(const struct build *build, const char *name)
{
    uint32_t number = names_find(build->table->names, name, strlen(name));
    uint32_t index = number != NAME_NONE ? map_find(&build->names, number) : MAP_NO_VALUE;
    return index != MAP_NO_VALUE ? index : FORWARD_NO_PORT;
}

/* Bonds are a refinement: a switch that does not know the command has none. */
static void add_bonds(struct build *build)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    struct ovs_lines lines;
    struct ovs_bond_member bond;
    if (ovs_reply_parse(text_get(&build->reading->bonds), build->reading->bonds.length,
                        OVS_REQUEST_ID, &text, NULL) != 0)
        return;
    ovs_lines_start(&lines, text_get(&text), text.length);
    while (ovs_next_bond_member(&lines, &bond)) {
        uint32_t member = named_port(build, bond.member);
        if (member == FORWARD_NO_PORT)
            continue; /* of a bridge that was not asked for */
        uint32_t aggregate = named_port(build, bond.bond);
        if (aggregate == FORWARD_NO_PORT)
            aggregate = add_port(build, 0, OVS_PORT_UNKNOWN, bond.bond);
        bool leads_out = build->choice->uplinks->count == 0;
        build->table->ports[aggregate].uplink |= leads_out;
        build->table->ports[member].uplink |= leads_out;
        build->table->ports[member].aggregate = aggregate;
    }
}

static uint32_t row_port(struct build *build, size_t bridge, uint32_t number)
{
    uint32_t index = map_find(&build->ports, port_key(bridge, number));
    if (index != MAP_NO_VALUE)
        return index;
    if (build->table->port_count == LIMIT_SWITCH_PORTS)
        return FORWARD_NO_PORT;
    char name[32];
    snprintf(name, sizeof name, "port %" PRIu32, number);
    return add_port(build, bridge, number, name);
}

static uint16_t row_age(const struct ovs_entry *entry)
{
    if (entry->is_static)
        return FORWARD_AGE_UNKNOWN;
    return entry->age < FORWARD_AGE_UNKNOWN ? (uint16_t)entry->age : FORWARD_AGE_UNKNOWN - 1;
}

static uint64_t add_rows(struct build *build, size_t bridge, const struct text *text)
{
    struct ovs_lines lines;
    struct ovs_entry entry;
    uint64_t rows = 0;
    ovs_lines_start(&lines, text_get(text), text->length);
    while (ovs_next_entry(&lines, &entry)) {
        if (mac_is_multicast(entry.mac) ||
            (mac_known(build->choice->only) && !mac_equal(entry.mac, build->choice->only)))
            continue;
        struct forward_row row = {
            .mac_status =
                forward_row_key(entry.mac, entry.is_static ? FORWARD_MGMT : FORWARD_LEARNED),
            .port = row_port(build, bridge, entry.port),
            .vlan = entry.vlan != 0 ? vlan_pool_add(build->table->vlans, &entry.vlan, 1)
                                    : VLAN_SET_UNKNOWN,
            .age = row_age(&entry)};
        rows += forward_table_add_row(build->table, row);
    }
    build->table->rejected_rows += lines.rejected;
    build->rejected += lines.rejected;
    return rows;
}

/* Writes why the receipt is not whole; nothing when it is. */
static void judge_whole(const struct build *build, const struct ovs_bridge_reading *bridge,
                        struct receipt *receipt)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    uint64_t current, maximum;
    if (build->rejected > 0)
        receipt_text(&receipt->why_not, "%" PRIu64 " lines of the answers were not understood",
                     build->rejected);
    else if (ovs_reply_parse(text_get(&bridge->statistics), bridge->statistics.length,
                             OVS_REQUEST_ID, &text, NULL) == 0 &&
             ovs_stats_parse(text_get(&text), text.length, &current, &maximum) == 0 &&
             current >= maximum)
        receipt_text(&receipt->why_not,
                     "the table of %s is full (%" PRIu64 " entries), so it forgets early",
                     bridge->name, maximum);
    else
        receipt->whole = true;
}

static int add_bridge(struct build *build, size_t index, struct err *err)
{
    const struct ovs_bridge_reading *bridge = &build->reading->bridges[index];
    AUTO_TEXT struct text entries = TEXT_EMPTY;
    int code = ovs_reply_parse(text_get(&bridge->entries), bridge->entries.length, OVS_REQUEST_ID,
                               &entries, err);
    if (code != 0)
        return err_prefix(err, "bridge %s", bridge->name);
    struct receipt receipt;
    receipt_init(&receipt);
    receipt_text(&receipt.source, "%s", build->choice->switch_name);
    receipt_text(&receipt.type, "ovs");
    receipt_text(&receipt.context, "%s", bridge->name);
    receipt.asked = build->reading->asked;
    receipt.answered = build->reading->answered;
    receipt.started = build->reading->started;
    receipt.ended = build->reading->ended;
    receipt.rows = add_rows(build, index, &entries);
    receipt.ageing = build->choice->ageing;
    if (receipt.ageing.us < 0 &&
        ovs_ageing_parse(text_get(&build->reading->database), build->reading->database.length,
                         OVS_REQUEST_ID, bridge->name, &receipt.ageing) != 0)
        receipt.ageing = span_us(-1);
    judge_whole(build, bridge, &receipt);
    forward_table_add_receipt(build->table, &receipt);
    receipt_done(&receipt);
    return 0;
}

static int build_table(struct build *build, struct err *err)
{
    const struct option_list *uplinks = build->choice->uplinks;
    int code = add_ports(build, err);
    if (code != 0)
        return code;
    add_bonds(build);
    for (size_t i = 0; i < build->reading->bridge_count; i++) {
        if ((code = add_bridge(build, i, err)) != 0)
            return code;
    }
    if (build->reading->bridge_count == 0)
        return err_set(err, ERR_NOT_FOUND, "Open vSwitch has no bridge");
    for (size_t i = 0; i < uplinks->count; i++) {
        if (named_port(build, uplinks->items[i]) == FORWARD_NO_PORT)
            return err_set(err, ERR_NOT_FOUND, "uplink %s is no port of these bridges",
                           uplinks->items[i]);
    }
    return 0;
}

int ovs_table_new(const struct ovs_reading *reading, const struct ovs_choice *choice,
                  struct forward_table **ret, struct err *err)
{
    struct build build = {.reading = reading,
                          .choice = choice,
                          .table = forward_table_new(choice->switch_name, choice->site),
                          .ports = MAP_EMPTY,
                          .names = MAP_EMPTY};
    if (choice->hypervisor != NULL)
        build.table->hypervisor = alloc_text(choice->hypervisor);
    int code = build_table(&build, err);
    map_done(&build.ports);
    map_done(&build.names);
    if (code != 0) {
        forward_table_free(build.table);
        return code;
    }
    forward_table_finish(build.table);
    *ret = build.table;
    return 0;
}
