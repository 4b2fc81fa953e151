/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bridge_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/check.h"

enum { IF_TYPE_TUNNEL = 131, IF_TYPE_PSEUDO_WIRE = 246 };

const char *bridge_family_word(enum bridge_family family)
{
    static const char *const words[] = {"dot1d", "dot1q", "ieee8021q", "vendor"};
    CHECK((size_t)family < ARRAY_COUNT(words));
    return words[family];
}

const char *bridge_note_word(enum bridge_note_index index)
{
    static const char *const words[] = {
#define NOTE(word, name) word,
        BRIDGE_NOTES(NOTE)
#undef NOTE
    };
    CHECK((size_t)index < ARRAY_COUNT(words));
    return words[index];
}

void bridge_facts_free(struct bridge_facts *facts)
{
    if (facts == NULL)
        return;
    names_free(facts->names);
    free(facts->interfaces);
    free(facts->base_ports);
    free(facts->by_port);
    free(facts->base_contexts);
    free(facts->vlans);
    free(facts->tags);
    free(facts->lags);
    free(facts->neighbours);
    free(facts->own_macs);
    free(facts->why_unread);
    free(facts);
}

void bridge_table_free(struct bridge_table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->group_count; i++)
        free(table->groups[i].vlans);
    for (size_t i = 0; i < table->context_count; i++)
        free(table->contexts[i].why_not);
    bridge_facts_free(table->facts);
    free(table->groups);
    free(table->rows);
    free(table->odds);
    free(table->contexts);
    free(table->sys_descr);
    free(table->sys_object_id);
    free(table->sys_name);
    free(table);
}

const struct bridge_interface *bridge_facts_interface(const struct bridge_facts *facts,
                                                      uint32_t if_index)
{
    size_t low = 0, high = facts->interface_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct bridge_interface *at = &facts->interfaces[middle];
        if (at->if_index == if_index)
            return at;
        if (at->if_index < if_index)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const char *bridge_facts_name(const struct bridge_facts *facts, uint32_t if_index)
{
    const struct bridge_interface *found = bridge_facts_interface(facts, if_index);
    if (found == NULL)
        return "";
    const char *name = names_get(facts->names, found->name);
    return name[0] != '\0' ? name : names_get(facts->names, found->descr);
}

bool bridge_facts_tunnel(const struct bridge_facts *facts, uint32_t if_index)
{
    static const char *const words[] = {"nve",       "vxlan",      "vtep", "evpn",
                                        "tunnel-te", "pseudowire", "vpls", "vx-"};
    const struct bridge_interface *interface = bridge_facts_interface(facts, if_index);
    if (interface == NULL)
        return false;
    const char *name = bridge_facts_name(facts, if_index);
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        if (strncasecmp(name, words[i], strlen(words[i])) == 0)
            return true;
    return interface->type == IF_TYPE_TUNNEL || interface->type == IF_TYPE_PSEUDO_WIRE;
}

/* Returns the position of the first element that is not before (context, port). */
static size_t base_port_seek(const struct bridge_facts *facts, uint32_t context, uint32_t port)
{
    size_t low = 0, high = facts->base_port_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct bridge_base_port *at = &facts->base_ports[middle];
        if (at->context < context || (at->context == context && at->port < port))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t bridge_facts_base_port(const struct bridge_facts *facts, uint32_t context, uint32_t port)
{
    size_t at = base_port_seek(facts, context, port);
    if (at == facts->base_port_count || facts->base_ports[at].context != context ||
        facts->base_ports[at].port != port)
        return UINT32_MAX;
    return facts->base_ports[at].if_index;
}

static const struct bridge_base_context *base_context(const struct bridge_facts *facts,
                                                      uint32_t context)
{
    size_t low = 0, high = facts->base_context_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (facts->base_contexts[middle].context == context)
            return &facts->base_contexts[middle];
        if (facts->base_contexts[middle].context < context)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Looks the port up in every context: a bridge port number means one interface
 * on most devices, so an answer that all contexts share is taken. Returns
 * UINT32_MAX when there is none. */
static uint32_t base_port_anywhere(const struct bridge_facts *facts, uint32_t port)
{
    size_t low = 0, high = facts->base_port_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (facts->by_port[middle].port < port)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t found = UINT32_MAX;
    for (; low < facts->base_port_count && facts->by_port[low].port == port; low++) {
        if (found != UINT32_MAX && found != facts->by_port[low].if_index)
            return UINT32_MAX;
        found = facts->by_port[low].if_index;
    }
    return found;
}

/* Whether an unmapped port number may be taken as an ifIndex: there is no
 * base-port table, or base ports are ifIndexes themselves, or the number is above
 * every base port (aggregates, of which base-port tables often know nothing). */
static bool port_may_be_if_index(const struct bridge_base_context *known, uint32_t port)
{
    return known == NULL || known->identity || port > known->highest;
}

static void check_interface(const struct bridge_facts *facts, struct bridge_port *port)
{
    if (facts->interface_count == 0)
        port->notes |= BRIDGE_NOTE_NO_INTERFACES;
    else if (bridge_facts_interface(facts, port->if_index) == NULL)
        port->notes |= BRIDGE_NOTE_NO_SUCH_INTERFACE;
}

static struct bridge_port resolved(const struct bridge_facts *facts, uint32_t if_index,
                                   uint32_t notes)
{
    struct bridge_port port = {.resolved = true, .if_index = if_index, .notes = notes};
    check_interface(facts, &port);
    return port;
}

/* Returns the interface that the device's quirk finds for a port, 0 none. */
static uint32_t port_by_rule(const struct bridge_table *table, uint32_t context, uint32_t port)
{
    int64_t moved = (int64_t)port + table->port_offset;
    uint32_t base;
    switch (table->port_rule) {
    case BRIDGE_PORT_UNKNOWN:
        return 0;
    case BRIDGE_PORT_IF_INDEX:
        return bridge_facts_interface(table->facts, port) == NULL ? 0 : port;
    case BRIDGE_PORT_OFFSET:
        if (moved <= 0 || moved > INT32_MAX ||
            bridge_facts_interface(table->facts, (uint32_t)moved) == NULL)
            return 0;
        return (uint32_t)moved;
    case BRIDGE_PORT_SHIFT:
        if (moved <= 0 || moved > INT32_MAX)
            return 0;
        base = bridge_facts_base_port(table->facts, context, (uint32_t)moved);
        return base == UINT32_MAX ? 0 : base;
    }
    UNREACHABLE();
}

/* A port that the base-port table does not have. */
static struct bridge_port unmapped_port(const struct bridge_table *table, uint32_t context,
                                        uint32_t port)
{
    const struct bridge_facts *facts = table->facts;
    const struct bridge_base_context *known = base_context(facts, context);
    struct bridge_port answer = {.notes = known != NULL ? BRIDGE_NOTE_NOT_A_BASE_PORT
                                                        : BRIDGE_NOTE_NO_BASE_PORTS};
    if (bridge_facts_interface(facts, port) != NULL)
        answer.notes |= BRIDGE_NOTE_PORT_IS_IF_INDEX;
    uint32_t other = context == 0 ? UINT32_MAX : base_port_anywhere(facts, port);
    if (other != UINT32_MAX)
        return resolved(facts, other, answer.notes);
    uint32_t by_rule = port_by_rule(table, context, port);
    if (by_rule != 0)
        return resolved(facts, by_rule, answer.notes | BRIDGE_NOTE_BY_QUIRK);
    if ((answer.notes & BRIDGE_NOTE_PORT_IS_IF_INDEX) != 0 && port_may_be_if_index(known, port))
        return resolved(facts, port, answer.notes);
    return answer;
}

struct bridge_port bridge_table_port(const struct bridge_table *table,
                                     const struct bridge_group *group, uint32_t port)
{
    const struct bridge_facts *facts = table->facts;
    if (port == 0)
        return (struct bridge_port){.notes = BRIDGE_NOTE_PORT_ZERO};
    if (group->family == BRIDGE_VENDOR)
        return resolved(facts, port, 0);
    uint32_t mapped = bridge_facts_base_port(facts, group->context, port);
    if (mapped != UINT32_MAX)
        return resolved(facts, mapped, 0);
    return unmapped_port(table, group->context, port);
}

struct bridge_port bridge_row_port(const struct bridge_table *table, const struct bridge_row *row)
{
    if ((row->flags & BRIDGE_ROW_PORT) == 0)
        return (struct bridge_port){.notes = BRIDGE_NOTE_NO_PORT | BRIDGE_NOTE_TORN_PORT};
    if ((row->flags & BRIDGE_ROW_BELOW) != 0)
        return (struct bridge_port){.notes = BRIDGE_NOTE_NOT_A_BASE_PORT};
    return bridge_table_port(table, &table->groups[bridge_row_group(row)], row->port);
}

const struct bridge_odd *bridge_table_odd(const struct bridge_table *table, size_t row)
{
    if ((table->rows[row].flags & BRIDGE_ROW_NOTED) == 0)
        return NULL;
    size_t low = 0, high = table->odd_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->odds[middle].row == row)
            return &table->odds[middle];
        if (table->odds[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
