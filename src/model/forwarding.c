/* SPDX-License-Identifier: Apache-2.0 */
#include "model/forwarding.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/limits.h"
#include "model/port_name.h"

enum { FIRST_CAPACITY = 16 };

struct forward_table *forward_table_new(const char *switch_name, const char *site)
{
    struct forward_table *table = alloc_zeroed(1, sizeof *table);
    table->switch_name = alloc_text(switch_name);
    table->site = alloc_text(site);
    table->sys_name = alloc_text("");
    table->sys_object_id = alloc_text("");
    table->names = names_new();
    table->vlans = vlan_pool_new();
    table->started = table->ended = WALL_UNKNOWN;
    table->ageing = span_us(-1);
    return table;
}

static void free_one(struct forward_table *table)
{
    for (size_t i = 0; i < table->receipt_count; i++)
        receipt_done(&table->receipts[i]);
    free(table->receipts);
    free(table->own_macs);
    free(table->neighbours);
    free(table->rows);
    free(table->ports);
    vlan_pool_free(table->vlans);
    names_free(table->names);
    free(table->sys_object_id);
    free(table->sys_name);
    free(table->hypervisor);
    free(table->site);
    free(table->switch_name);
    free(table);
}

void forward_table_free(struct forward_table *table)
{
    while (table != NULL) {
        struct forward_table *next = table->next;
        free_one(table);
        table = next;
    }
}

/* Makes room for one more element behind `count`: the capacity is the power of
 * two that holds `count`, so it need not be kept. */
static void *grow(void *block, size_t count, size_t size)
{
    if (count == 0)
        return alloc_resize(block, FIRST_CAPACITY, size);
    if (count >= FIRST_CAPACITY && (count & (count - 1)) == 0)
        return alloc_resize(block, count * 2, size);
    return block;
}

uint32_t forward_table_add_port(struct forward_table *table, const struct forward_port *port)
{
    CHECK(table->port_count < FORWARD_NO_PORT);
    table->ports = grow(table->ports, table->port_count, sizeof *table->ports);
    table->ports[table->port_count] = *port;
    return (uint32_t)table->port_count++;
}

bool forward_table_add_row(struct forward_table *table, struct forward_row row)
{
    if (table->row_count == LIMIT_FORWARD_ROWS) {
        table->cut = true;
        return false;
    }
    table->rows = grow(table->rows, table->row_count, sizeof *table->rows);
    table->rows[table->row_count++] = row;
    return true;
}

void forward_table_add_neighbour(struct forward_table *table, const struct neighbour *neighbour)
{
    table->neighbours = grow(table->neighbours, table->neighbour_count, sizeof *table->neighbours);
    table->neighbours[table->neighbour_count++] = *neighbour;
}

void forward_table_add_own_mac(struct forward_table *table, struct mac mac)
{
    table->own_macs = grow(table->own_macs, table->own_mac_count, sizeof *table->own_macs);
    table->own_macs[table->own_mac_count++] = mac;
}

void forward_table_add_receipt(struct forward_table *table, struct receipt *take)
{
    table->receipts = grow(table->receipts, table->receipt_count, sizeof *table->receipts);
    table->receipts[table->receipt_count++] = *take;
    receipt_init(take);
}

static int compare_macs(const void *a, const void *b)
{
    struct mac x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x.bits > y.bits) - (x.bits < y.bits);
}

static void sort_own_macs(struct forward_table *table)
{
    if (table->own_mac_count == 0)
        return;
    qsort(table->own_macs, table->own_mac_count, sizeof *table->own_macs, compare_macs);
    size_t kept = 1;
    for (size_t i = 1; i < table->own_mac_count; i++)
        if (!mac_equal(table->own_macs[i], table->own_macs[kept - 1]))
            table->own_macs[kept++] = table->own_macs[i];
    table->own_mac_count = kept;
}

/* The longest ageing of several contexts is taken: it can only make a proof of
 * life later, never too early. */
static void derive_from_receipts(struct forward_table *table)
{
    table->whole = table->receipt_count > 0 && !table->cut;
    for (size_t i = 0; i < table->receipt_count; i++) {
        const struct receipt *receipt = &table->receipts[i];
        table->whole = table->whole && receipt->whole;
        if (wall_known(receipt->started) &&
            (!wall_known(table->started) || receipt->started.us < table->started.us))
            table->started = receipt->started;
        if (wall_known(receipt->ended) &&
            (!wall_known(table->ended) || receipt->ended.us > table->ended.us))
            table->ended = receipt->ended;
        if (receipt->ageing.us > table->ageing.us)
            table->ageing = receipt->ageing;
    }
}

static void *trim(void *block, size_t count, size_t size)
{
    return count == 0 ? block : alloc_resize(block, count, size);
}

void forward_table_finish(struct forward_table *table)
{
    sort_own_macs(table);
    derive_from_receipts(table);
    table->rows = trim(table->rows, table->row_count, sizeof *table->rows);
    table->ports = trim(table->ports, table->port_count, sizeof *table->ports);
    table->neighbours = trim(table->neighbours, table->neighbour_count, sizeof *table->neighbours);
    table->own_macs = trim(table->own_macs, table->own_mac_count, sizeof *table->own_macs);
}

/* Returns the ifIndex that "#n" stands for, 0 when `name` is none. */
static uint32_t parse_if_index(const char *name)
{
    if (name[0] != '#' || name[1] == '\0')
        return 0;
    uint64_t number = 0;
    for (const char *p = name + 1; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return 0;
        number = number * 10 + (uint64_t)(*p - '0');
        if (number > INT32_MAX)
            return 0;
    }
    return (uint32_t)number;
}

static uint32_t find_exact(const struct forward_table *table, const char *name)
{
    uint32_t number = names_find(table->names, name, strlen(name));
    if (number == NAME_NONE)
        return FORWARD_NO_PORT;
    for (size_t i = 0; i < table->port_count; i++)
        if (table->ports[i].name == number)
            return (uint32_t)i;
    for (size_t i = 0; i < table->port_count; i++)
        if (table->ports[i].descr == number)
            return (uint32_t)i;
    return FORWARD_NO_PORT;
}

/* Whether `number` names the port whose canonical form is `canonical`. */
static bool matches(const struct forward_table *table, uint32_t number, const char *canonical)
{
    char buffer[PORT_NAME_SIZE];
    return number != NAME_NONE &&
           strcmp(port_name_canonical(names_get(table->names, number), buffer), canonical) == 0;
}

uint32_t forward_table_find_port(const struct forward_table *table, const char *name)
{
    if (name[0] == '\0' || strlen(name) > LIMIT_NAME_BYTES)
        return FORWARD_NO_PORT;
    uint32_t found = find_exact(table, name);
    if (found != FORWARD_NO_PORT)
        return found;
    uint32_t if_index = parse_if_index(name);
    for (size_t i = 0; if_index != 0 && i < table->port_count; i++)
        if (table->ports[i].if_index == if_index)
            return (uint32_t)i;
    char canonical[PORT_NAME_SIZE];
    port_name_canonical(name, canonical);
    for (size_t i = 0; i < table->port_count; i++)
        if (matches(table, table->ports[i].name, canonical) ||
            matches(table, table->ports[i].descr, canonical))
            return (uint32_t)i;
    return FORWARD_NO_PORT;
}
