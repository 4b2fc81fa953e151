/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/table_moves.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"

static bool is_sighting(const struct forward_row *row)
{
    enum forward_status status = forward_row_status(row);
    return row->port != FORWARD_NO_PORT &&
           (status == FORWARD_UNREAD || status == FORWARD_LEARNED || status == FORWARD_OTHER);
}

static const char *port_name(const struct forward_table *table, uint32_t port)
{
    return names_get(table->names, table->ports[port].name);
}

static uint16_t first_vlan(const struct forward_table *table, vlan_set set)
{
    size_t count = 0;
    const uint32_t *vlans = vlan_pool_get(table->vlans, set, &count);
    return count > 0 && vlans[0] <= UINT16_MAX ? (uint16_t)vlans[0] : 0;
}

static struct live_probe_row make_row(const struct forward_table *table,
                                      const struct forward_row *row)
{
    return (struct live_probe_row){
        .port = port_name(table, row->port), .vlan = first_vlan(table, row->vlan), .age = row->age};
}

struct finding {
    struct table_move *items;
    size_t count, capacity, most;
};

static void add_move(struct finding *finding, struct mac mac, const struct forward_table *table)
{
    if (finding->count == finding->most ||
        (finding->count > 0 && finding->items[finding->count - 1].table == table &&
         mac_equal(finding->items[finding->count - 1].mac, mac)))
        return;
    finding->items =
        alloc_grow(finding->items, finding->count, &finding->capacity, sizeof *finding->items);
    finding->items[finding->count++] = (struct table_move){.mac = mac, .table = table};
}

/* For each port of `to` its number in `from`, FORWARD_NO_PORT where it has none. */
static uint32_t *match_ports(const struct forward_table *from, const struct forward_table *to)
{
    uint32_t *match = alloc_array(to->port_count + 1, sizeof *match);
    for (uint32_t i = 0; i < to->port_count; i++)
        match[i] = forward_table_find_port(from, port_name(to, i));
    return match;
}

/* An address may stand in several VLANs, behind one port as a rule: the first row's port
 * stands for it, and another port in another VLAN counts as a move each time, which costs a
 * question and says nothing wrong. */
static void index_rows(const struct forward_table *table, struct map *ret)
{
    map_reserve(ret, table->row_count);
    for (size_t i = 0; i < table->row_count; i++) {
        if (is_sighting(&table->rows[i]))
            (void)map_put_new(ret, forward_row_mac(&table->rows[i]).bits, table->rows[i].port);
    }
}

/* Gives the moves of `table` from number `first` on their rows. */
static void collect_rows(const struct forward_table *table, struct finding *finding, size_t first)
{
    struct map index = MAP_EMPTY;
    for (size_t i = first; i < finding->count; i++)
        (void)map_put_new(&index, finding->items[i].mac.bits, (uint32_t)i);
    for (size_t i = 0; index.count > 0 && i < table->row_count; i++) {
        const struct forward_row *row = &table->rows[i];
        uint32_t at = is_sighting(row) ? map_find(&index, forward_row_mac(row).bits) : MAP_NO_VALUE;
        if (at == MAP_NO_VALUE)
            continue;
        struct table_move *move = &finding->items[at];
        move->rows = alloc_resize(move->rows, move->count + 1, sizeof *move->rows);
        move->rows[move->count++] = make_row(table, row);
    }
    map_done(&index);
}

static void compare(const struct forward_table *from, const struct forward_table *to,
                    struct finding *finding)
{
    struct map before = MAP_EMPTY, after = MAP_EMPTY;
    size_t first = finding->count;
    AUTO_FREE uint32_t *match = match_ports(from, to);
    index_rows(from, &before);
    index_rows(to, &after);
    for (size_t i = 0; i < to->row_count && finding->count < finding->most; i++) {
        struct mac mac = forward_row_mac(&to->rows[i]);
        uint32_t port = map_find(&before, mac.bits);
        if (is_sighting(&to->rows[i]) && (port == MAP_NO_VALUE || port != match[to->rows[i].port]))
            add_move(finding, mac, to);
    }
    for (size_t i = 0; to->whole && i < from->row_count && finding->count < finding->most; i++) {
        struct mac mac = forward_row_mac(&from->rows[i]);
        if (is_sighting(&from->rows[i]) && map_find(&after, mac.bits) == MAP_NO_VALUE)
            add_move(finding, mac, to);
    }
    map_done(&before);
    map_done(&after);
    collect_rows(to, finding, first);
}

struct table_move *table_moves_find(const struct forward_table *const *before, size_t before_count,
                                    const struct forward_table *const *after, size_t after_count,
                                    size_t most, size_t *ret_count)
{
    struct finding finding = {.most = most};
    for (size_t a = 0; a < after_count; a++) {
        for (size_t b = 0; b < before_count; b++) {
            if (strcmp(after[a]->switch_name, before[b]->switch_name) == 0)
                compare(before[b], after[a], &finding);
        }
    }
    *ret_count = finding.count;
    return finding.items;
}

void table_moves_free(struct table_move *moves, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(moves[i].rows);
    free(moves);
}

size_t table_moves_rows(const struct forward_table *table, struct mac mac,
                        struct live_probe_row **ret)
{
    struct live_probe_row *rows = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < table->row_count; i++) {
        const struct forward_row *row = &table->rows[i];
        if (!mac_equal(forward_row_mac(row), mac) || !is_sighting(row))
            continue;
        rows = alloc_grow(rows, count, &capacity, sizeof *rows);
        rows[count++] = make_row(table, row);
    }
    *ret = rows;
    return count;
}
