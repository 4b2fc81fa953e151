/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/neighbour_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "wire/bridge_rows.h"
#include "wire/bridge_table.h"

enum {
    RAW_MAX = 126, /* octets of an id that are kept; kept as text of their hex digits */
    SUBTYPE_CHASSIS_MAC = 4,
    SUBTYPE_CHASSIS_ADDRESS = 5,
    SUBTYPE_PORT_MAC = 3,
    SUBTYPE_PORT_ADDRESS = 4,
    ADDRESS_IPV4 = 1,
    ADDRESS_IPV6 = 2
};

/* Values come before their subtypes are known, so they are kept raw. */
struct cell {
    struct wire_neighbour known;
    uint32_t chassis, port, port_descr, system, description, address; /* raw */
};

struct local_port {
    uint32_t number;
    uint8_t subtype;
    uint32_t id, descr; /* raw */
};

struct neighbour_table {
    struct names *raw;
    struct cell *cells;
    size_t count, capacity;
    struct local_port *locals;
    size_t local_count, local_capacity;
    struct map by_index, by_local;
    uint64_t seed;
};

struct neighbour_table *neighbour_table_new(void)
{
    struct neighbour_table *table = alloc_zeroed(1, sizeof *table);
    table->raw = names_new();
    table->seed = hash_seed();
    return table;
}

void neighbour_table_free(struct neighbour_table *table)
{
    if (table == NULL)
        return;
    names_free(table->raw);
    free(table->cells);
    free(table->locals);
    map_done(&table->by_index);
    map_done(&table->by_local);
    free(table);
}

static uint32_t raw_add(struct names *raw, const uint8_t *octets, size_t length)
{
    char digits[2 * RAW_MAX + 1];
    length = length > RAW_MAX ? RAW_MAX : length;
    for (size_t i = 0; i < length; i++)
        snprintf(digits + 2 * i, 3, "%02x", octets[i]);
    return names_add(raw, digits, 2 * length);
}

static uint8_t digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Writes the octets of raw value `number` and returns their count. */
static size_t raw_get(const struct names *raw, uint32_t number, uint8_t octets[static RAW_MAX])
{
    const char *digits = names_get(raw, number);
    size_t length = strlen(digits) / 2;
    for (size_t i = 0; i < length; i++)
        octets[i] = (uint8_t)(digit(digits[2 * i]) << 4 | digit(digits[2 * i + 1]));
    return length;
}

static struct cell *cell_of(struct neighbour_table *table, enum wire_neighbour_protocol protocol,
                            uint32_t mark, uint32_t port, uint32_t index)
{
    const uint32_t parts[] = {protocol, mark, port, index};
    uint64_t key = hash_bytes(parts, sizeof parts, table->seed) >> 1;
    uint32_t at = map_find(&table->by_index, key);
    if (at != MAP_NO_VALUE)
        return &table->cells[at];
    if (table->count == NEIGHBOURS_MAX)
        return NULL;
    map_put(&table->by_index, key, (uint32_t)table->count);
    table->cells = alloc_grow(table->cells, table->count, &table->capacity, sizeof *table->cells);
    struct cell *cell = &table->cells[table->count++];
    *cell = (struct cell){
        .known = {.protocol = protocol, .mark = mark, .local_number = port, .index = index},
        .chassis = NAME_NONE,
        .port = NAME_NONE,
        .port_descr = NAME_NONE,
        .system = NAME_NONE,
        .description = NAME_NONE,
        .address = NAME_NONE,
    };
    return cell;
}

static struct local_port *local_of(struct neighbour_table *table, uint32_t number)
{
    uint32_t at = map_find(&table->by_local, number);
    if (at != MAP_NO_VALUE)
        return &table->locals[at];
    if (table->local_count == NEIGHBOURS_MAX)
        return NULL;
    map_put(&table->by_local, number, (uint32_t)table->local_count);
    table->locals = alloc_grow(table->locals, table->local_count, &table->local_capacity,
                               sizeof *table->locals);
    struct local_port *local = &table->locals[table->local_count++];
    *local = (struct local_port){.number = number, .id = NAME_NONE, .descr = NAME_NONE};
    return local;
}

static bool add_local(struct neighbour_table *table, enum neighbour_column column, uint32_t number,
                      const struct snmp_value *value)
{
    struct local_port *local = local_of(table, number);
    int64_t subtype;
    if (local == NULL)
        return false;
    if (column == NEIGHBOUR_LOCAL_SUBTYPE) {
        if (bridge_value_number(value, &subtype))
            local->subtype = (uint8_t)subtype;
    } else if (value->type == SNMP_OCTETS) {
        uint32_t raw = raw_add(table->raw, value->bytes, value->length);
        *(column == NEIGHBOUR_LOCAL_ID ? &local->id : &local->descr) = raw;
    }
    return true;
}

bool neighbour_table_add(struct neighbour_table *table, enum wire_neighbour_protocol protocol,
                         enum neighbour_column column, const uint32_t *index, size_t count,
                         const struct snmp_value *value)
{
    if (column >= NEIGHBOUR_LOCAL_SUBTYPE)
        return count == 1 && add_local(table, column, index[0], value);
    /* LLDP: the time mark may be missing; four elements are LLDP-V2-MIB's. */
    bool second = protocol == WIRE_LLDP && count == 4;
    if (count != 2 && !(protocol == WIRE_LLDP && (count == 3 || second)))
        return false;
    uint32_t mark = count == 2 ? 0 : index[0], port = count == 2 ? index[0] : index[1];
    struct cell *cell = cell_of(table, protocol, mark, port, index[count - 1]);
    if (cell == NULL)
        return false;
    cell->known.local_is_if_index = second || protocol == WIRE_CDP;
    int64_t number = 0;
    if (column == NEIGHBOUR_CHASSIS_SUBTYPE || column == NEIGHBOUR_PORT_SUBTYPE) {
        if (bridge_value_number(value, &number))
            *(column == NEIGHBOUR_PORT_SUBTYPE ? &cell->known.port_subtype
                                               : &cell->known.chassis_subtype) = (uint8_t)number;
        return true;
    }
    if (value->type != SNMP_OCTETS && value->type != SNMP_IPADDRESS)
        return true;
    uint32_t *const fields[] = {
        [NEIGHBOUR_CHASSIS] = &cell->chassis,         [NEIGHBOUR_PORT] = &cell->port,
        [NEIGHBOUR_PORT_DESCR] = &cell->port_descr,   [NEIGHBOUR_SYSTEM] = &cell->system,
        [NEIGHBOUR_DESCRIPTION] = &cell->description, [NEIGHBOUR_ADDRESS] = &cell->address,
    };
    *fields[column] = raw_add(table->raw, value->bytes, value->length);
    return true;
}

/* --- texts --- */

/* Returns how many octets the UTF-8 sequence at `p` has, 0 when it is none or a
 * control character. */
static size_t character(const uint8_t *p, size_t left)
{
    size_t length = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
    if (length == 0 || length > left || p[0] < 0x20 || p[0] == 0x7f || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static bool is_text(const uint8_t *octets, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t step = character(octets + at, length - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

uint32_t neighbour_text(struct names *names, const uint8_t *octets, size_t length)
{
    while (length > 0 && (octets[length - 1] == '\0' || octets[length - 1] == ' '))
        length--;
    if (length == 0)
        return NAME_NONE;
    if (length > LIMIT_NAME_BYTES)
        length = LIMIT_NAME_BYTES;
    if (is_text(octets, length))
        return names_add(names, (const char *)octets, length);
    char digits[4 + 2 * RAW_MAX + 1] = "hex:";
    length = length > RAW_MAX - 2 ? RAW_MAX - 2 : length;
    for (size_t i = 0; i < length; i++)
        snprintf(digits + 4 + 2 * i, 3, "%02x", octets[i]);
    return names_add(names, digits, 4 + 2 * length);
}

/* A sentence for people: each run of line ends, tabs and blanks is one blank. */
static uint32_t description_text(struct names *names, uint8_t *octets, size_t length)
{
    size_t kept = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t octet = octets[i];
        bool blank = octet == ' ' || octet == '\r' || octet == '\n' || octet == '\t';
        if (!blank)
            octets[kept++] = octet;
        else if (kept == 0 || octets[kept - 1] != ' ')
            octets[kept++] = ' ';
    }
    return neighbour_text(names, octets, kept);
}

static uint32_t format_mac(struct names *names, struct mac mac)
{
    char text[MAC_TEXT_SIZE];
    mac_format(mac, text);
    return names_add(names, text, strlen(text));
}

/* An address behind its family octet (LLDP) or bare (CDP). */
static uint32_t format_address(struct names *names, const uint8_t *octets, size_t length)
{
    char text[64];
    int used;
    if (length == 4)
        used =
            snprintf(text, sizeof text, "%u.%u.%u.%u", octets[0], octets[1], octets[2], octets[3]);
    else
        used = snprintf(text, sizeof text,
                        "%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x",
                        octets[0], octets[1], octets[2], octets[3], octets[4], octets[5], octets[6],
                        octets[7], octets[8], octets[9], octets[10], octets[11], octets[12],
                        octets[13], octets[14], octets[15]);
    return names_add(names, text, (size_t)used);
}

/* Whether six octets are rather a MAC than a word of six letters. */
static bool looks_binary(const uint8_t *octets, size_t length)
{
    return length == 6 && !is_text(octets, length);
}

struct id {
    uint32_t text;
    struct mac mac;
};

static struct id read_id(struct names *names, const struct names *raw, uint32_t number,
                         bool mac_subtype, bool address_subtype)
{
    uint8_t octets[RAW_MAX];
    struct id id = {.text = NAME_NONE, .mac = MAC_NONE};
    if (number == NAME_NONE)
        return id;
    size_t length = raw_get(raw, number, octets);
    struct snmp_value value = {.type = SNMP_OCTETS, .bytes = octets, .length = length};
    if ((mac_subtype && length >= 6) || looks_binary(octets, length))
        id.mac = bridge_value_mac(&value);
    if (mac_known(id.mac))
        id.text = format_mac(names, id.mac);
    else if (address_subtype && ((length == 5 && octets[0] == ADDRESS_IPV4) ||
                                 (length == 17 && octets[0] == ADDRESS_IPV6)))
        id.text = format_address(names, octets + 1, length - 1);
    else
        id.text = neighbour_text(names, octets, length);
    /* A MAC written as text under another subtype is one for comparisons too. */
    if (!mac_known(id.mac) && length >= 12)
        id.mac = bridge_value_mac(&value);
    return id;
}

static uint32_t read_text(struct names *names, const struct names *raw, uint32_t number)
{
    uint8_t octets[RAW_MAX];
    if (number == NAME_NONE)
        return NAME_NONE;
    size_t length = raw_get(raw, number, octets);
    return description_text(names, octets, length);
}

/* --- local ports --- */

enum lookup { LOOKUP_NAME, LOOKUP_DESCR, LOOKUP_ALIAS, LOOKUP_COUNT };

struct interfaces {
    const struct bridge_facts *facts;
    struct map by_text[LOOKUP_COUNT]; /* name's number -> ifIndex, the first that has it */
    struct map by_address;
};

static void interfaces_init(struct interfaces *interfaces, const struct bridge_facts *facts)
{
    *interfaces = (struct interfaces){.facts = facts};
    for (size_t i = 0; i < facts->interface_count; i++) {
        const struct bridge_interface *at = &facts->interfaces[i];
        const uint32_t texts[] = {at->name, at->descr, at->alias};
        for (int k = 0; k < LOOKUP_COUNT; k++)
            if (texts[k] != NAME_NONE)
                map_put_new(&interfaces->by_text[k], texts[k], at->if_index);
        if (mac_known(at->address))
            map_put_new(&interfaces->by_address, at->address.bits, at->if_index);
    }
}

static void interfaces_done(struct interfaces *interfaces)
{
    for (int k = 0; k < LOOKUP_COUNT; k++)
        map_done(&interfaces->by_text[k]);
    map_done(&interfaces->by_address);
}

static uint32_t find_text(const struct interfaces *interfaces, uint32_t text)
{
    if (text == NAME_NONE)
        return 0;
    for (int k = 0; k < LOOKUP_COUNT; k++) {
        uint32_t found = map_find(&interfaces->by_text[k], text);
        if (found != MAP_NO_VALUE)
            return found;
    }
    return 0;
}

/* Returns the interface whose number `text` is, 0 when it is none. */
static uint32_t find_number(const struct interfaces *interfaces, const char *text)
{
    uint64_t number = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || number > INT32_MAX)
            return 0;
        number = number * 10 + (uint64_t)(*p - '0');
    }
    if (number == 0 || number > INT32_MAX)
        return 0;
    return bridge_facts_interface(interfaces->facts, (uint32_t)number) == NULL ? 0
                                                                               : (uint32_t)number;
}

static uint32_t resolve_local(const struct neighbour_table *table,
                              const struct interfaces *interfaces, struct names *names,
                              struct wire_neighbour *neighbour)
{
    uint32_t at = map_find(&table->by_local, neighbour->local_number);
    if (at != MAP_NO_VALUE) {
        const struct local_port *local = &table->locals[at];
        struct id id = read_id(names, table->raw, local->id, local->subtype == SUBTYPE_PORT_MAC,
                               local->subtype == SUBTYPE_PORT_ADDRESS);
        neighbour->local_id = id.text;
        neighbour->local_descr = read_text(names, table->raw, local->descr);
        uint32_t found = find_text(interfaces, id.text);
        if (found == 0 && mac_known(id.mac)) {
            uint32_t by_address = map_find(&interfaces->by_address, id.mac.bits);
            found = by_address == MAP_NO_VALUE ? 0 : by_address;
        }
        if (found == 0 && id.text != NAME_NONE)
            found = find_number(interfaces, names_get(names, id.text));
        if (found == 0)
            found = find_text(interfaces, neighbour->local_descr);
        if (found != 0)
            return found;
    }
    uint32_t mapped = bridge_facts_base_port(interfaces->facts, 0, neighbour->local_number);
    if (mapped != UINT32_MAX && mapped != 0)
        return mapped;
    return bridge_facts_interface(interfaces->facts, neighbour->local_number) == NULL
               ? 0
               : neighbour->local_number;
}

static void finish_cell(const struct neighbour_table *table, const struct interfaces *interfaces,
                        struct names *names, const struct cell *cell, struct wire_neighbour *ret)
{
    bool lldp = cell->known.protocol == WIRE_LLDP;
    *ret = cell->known;
    struct id chassis = read_id(names, table->raw, cell->chassis,
                                lldp && ret->chassis_subtype == SUBTYPE_CHASSIS_MAC,
                                lldp && ret->chassis_subtype == SUBTYPE_CHASSIS_ADDRESS);
    struct id port =
        read_id(names, table->raw, cell->port, lldp && ret->port_subtype == SUBTYPE_PORT_MAC,
                lldp && ret->port_subtype == SUBTYPE_PORT_ADDRESS);
    ret->chassis = chassis.text;
    ret->chassis_mac = chassis.mac;
    ret->port = port.text;
    ret->port_mac = port.mac;
    ret->port_descr = read_text(names, table->raw, cell->port_descr);
    ret->system = lldp ? read_text(names, table->raw, cell->system) : chassis.text;
    ret->description = read_text(names, table->raw, cell->description);
    uint8_t octets[RAW_MAX];
    size_t length = cell->address == NAME_NONE ? 0 : raw_get(table->raw, cell->address, octets);
    ret->address = length == 4 || length == 16 ? format_address(names, octets, length) : NAME_NONE;
    ret->local_id = ret->local_descr = NAME_NONE;
    ret->if_index =
        ret->local_is_if_index ? ret->local_number : resolve_local(table, interfaces, names, ret);
}

void neighbour_table_finish(struct neighbour_table *table, struct bridge_facts *facts)
{
    struct interfaces interfaces;
    interfaces_init(&interfaces, facts);
    free(facts->neighbours);
    facts->neighbours =
        table->count == 0 ? NULL : alloc_zeroed(table->count, sizeof *facts->neighbours);
    facts->neighbour_count = facts->neighbour_capacity = table->count;
    for (size_t i = 0; i < table->count; i++)
        finish_cell(table, &interfaces, facts->names, &table->cells[i], &facts->neighbours[i]);
    interfaces_done(&interfaces);
}
