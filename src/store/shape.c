/* SPDX-License-Identifier: Apache-2.0 */
#include "store/shape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

enum { SHAPE_VALUES = 10 };

void tabbed_add(struct text *to, const char *value)
{
    if (to->length > 0 && to->data[to->length - 1] != '\n')
        text_add_char(to, '\t');
    if (value == NULL) {
        text_add(to, "\\N");
        return;
    }
    for (; *value != '\0'; value++) {
        if (*value == '\t')
            text_add(to, "\\t");
        else if (*value == '\n')
            text_add(to, "\\n");
        else if (*value == '\\')
            text_add(to, "\\\\");
        else
            text_add_char(to, *value);
    }
}

static char *unescape(char *value)
{
    if (strcmp(value, "\\N") == 0)
        return NULL;
    char *to = value;
    for (const char *from = value; *from != '\0'; from++) {
        if (*from == '\\' && from[1] != '\0') {
            from++;
            *to++ = *from == 't' ? '\t' : *from == 'n' ? '\n' : *from;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return value;
}

size_t tabbed_split(char *line, char **values, size_t limit)
{
    size_t count = 0;
    for (char *at = line; at != NULL;) {
        char *tab = strchr(at, '\t');
        if (tab != NULL)
            *tab = '\0';
        if (count == limit)
            return limit + 1;
        values[count++] = unescape(at);
        at = tab == NULL ? NULL : tab + 1;
    }
    return count;
}

/* --- printing --- */

static void add_number(struct text *to, uint64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, number);
    tabbed_add(to, digits);
}

static void add_name(struct text *to, const struct forward_table *table, uint32_t name)
{
    tabbed_add(to, name == NAME_NONE ? NULL : names_get(table->names, name));
}

static void print_port(const struct forward_table *table, size_t number, struct text *to)
{
    const struct forward_port *port = &table->ports[number];
    size_t aggregate = port->aggregate < table->port_count ? port->aggregate : number;
    tabbed_add(to, "port");
    add_name(to, table, port->name);
    add_name(to, table, port->descr);
    add_name(to, table, port->alias);
    add_number(to, port->if_index);
    add_number(to, port->bridge_port);
    add_number(to, aggregate);
    add_number(to, (port->tunnel ? 1u : 0u) | (port->uplink ? 2u : 0u));
    text_add_char(to, '\n');
}

static void print_neighbour(const struct forward_table *table, const struct neighbour *neighbour,
                            struct text *to)
{
    tabbed_add(to, "neighbour");
    add_number(to, neighbour->protocol);
    add_number(to, neighbour->port);
    add_number(to, neighbour->chassis.bits);
    add_name(to, table, neighbour->chassis_text);
    add_name(to, table, neighbour->remote_port);
    add_number(to, neighbour->remote_port_mac.bits);
    add_name(to, table, neighbour->system);
    add_name(to, table, neighbour->description);
    text_add_char(to, '\n');
}

void shape_print(const struct forward_table *table, struct text *to)
{
    tabbed_add(to, "switch");
    tabbed_add(to, table->sys_name);
    tabbed_add(to, table->sys_object_id);
    tabbed_add(to, table->hypervisor);
    text_add_char(to, '\n');
    for (size_t i = 0; i < table->port_count; i++)
        print_port(table, i, to);
    for (size_t i = 0; i < table->neighbour_count; i++)
        print_neighbour(table, &table->neighbours[i], to);
    for (size_t i = 0; i < table->own_mac_count; i++) {
        tabbed_add(to, "own");
        add_number(to, table->own_macs[i].bits);
        text_add_char(to, '\n');
    }
}

/* --- parsing --- */

/* Takes values off a line; the first that does not fit makes the line bad. */
struct line {
    char **values;
    size_t count, at;
    bool bad;
};

static const char *take_text(struct line *line)
{
    if (line->at >= line->count) {
        line->bad = true;
        return NULL;
    }
    return line->values[line->at++];
}

static uint64_t take_number(struct line *line, uint64_t high)
{
    const char *text = take_text(line);
    if (text == NULL || text[0] < '0' || text[0] > '9') {
        line->bad = true;
        return 0;
    }
    char *end = NULL;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || number > high)
        line->bad = true;
    return number;
}

static uint32_t take_name(struct line *line, struct forward_table *table)
{
    const char *text = take_text(line);
    if (text == NULL)
        return NAME_NONE;
    size_t length = strlen(text);
    if (length > LIMIT_NAME_BYTES) {
        line->bad = true;
        return NAME_NONE;
    }
    return names_add(table->names, text, length);
}

static void replace(char **field, const char *text)
{
    free(*field);
    *field = text == NULL ? NULL : alloc_text(text);
}

static void parse_switch(struct line *line, struct forward_table *table)
{
    const char *sys_name = take_text(line);
    const char *object_id = take_text(line);
    replace(&table->sys_name, sys_name == NULL ? "" : sys_name);
    replace(&table->sys_object_id, object_id == NULL ? "" : object_id);
    replace(&table->hypervisor, take_text(line));
}

static void parse_port(struct line *line, struct forward_table *table)
{
    struct forward_port port = {0};
    port.name = take_name(line, table);
    port.descr = take_name(line, table);
    port.alias = take_name(line, table);
    port.if_index = (uint32_t)take_number(line, UINT32_MAX);
    port.bridge_port = (uint32_t)take_number(line, UINT32_MAX);
    port.aggregate = (uint32_t)take_number(line, UINT32_MAX);
    uint64_t flags = take_number(line, 3);
    port.tunnel = (flags & 1) != 0;
    port.uplink = (flags & 2) != 0;
    if (port.name == NAME_NONE)
        line->bad = true;
    if (!line->bad)
        forward_table_add_port(table, &port);
}

static void parse_neighbour(struct line *line, struct forward_table *table)
{
    struct neighbour neighbour = {0};
    neighbour.protocol = (enum neighbour_protocol)take_number(line, NEIGHBOUR_CDP);
    neighbour.port = (uint32_t)take_number(line, UINT32_MAX);
    neighbour.chassis.bits = take_number(line, MAC_NONE.bits);
    neighbour.chassis_text = take_name(line, table);
    neighbour.remote_port = take_name(line, table);
    neighbour.remote_port_mac.bits = take_number(line, MAC_NONE.bits);
    neighbour.system = take_name(line, table);
    neighbour.description = take_name(line, table);
    if (!line->bad)
        forward_table_add_neighbour(table, &neighbour);
}

static void parse_line(struct line *line, struct forward_table *table)
{
    const char *word = take_text(line);
    if (word == NULL)
        line->bad = true;
    else if (strcmp(word, "switch") == 0)
        parse_switch(line, table);
    else if (strcmp(word, "port") == 0)
        parse_port(line, table);
    else if (strcmp(word, "neighbour") == 0)
        parse_neighbour(line, table);
    else if (strcmp(word, "own") == 0)
        forward_table_add_own_mac(table, (struct mac){take_number(line, MAC_NONE.bits)});
    else
        line->bad = true;
    if (line->at != line->count)
        line->bad = true;
}

static bool ports_exist(const struct forward_table *table)
{
    for (size_t i = 0; i < table->port_count; i++)
        if (table->ports[i].aggregate >= table->port_count)
            return false;
    for (size_t i = 0; i < table->neighbour_count; i++)
        if (table->neighbours[i].port != FORWARD_NO_PORT &&
            table->neighbours[i].port >= table->port_count)
            return false;
    return true;
}

int shape_parse(const struct store *store, char *content, struct forward_table *table,
                struct err *err)
{
    for (char *at = content; *at != '\0';) {
        char *end = strchr(at, '\n');
        if (end == NULL)
            return store_damaged(store, err, "the ports of %s are cut", table->switch_name);
        *end = '\0';
        char *values[SHAPE_VALUES];
        struct line line = {.values = values, .count = tabbed_split(at, values, SHAPE_VALUES)};
        if (line.count > SHAPE_VALUES)
            line.bad = true;
        else
            parse_line(&line, table);
        if (line.bad)
            return store_damaged(store, err, "the ports of %s", table->switch_name);
        at = end + 1;
    }
    if (!ports_exist(table))
        return store_damaged(store, err, "the ports of %s", table->switch_name);
    return 0;
}
