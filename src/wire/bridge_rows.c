/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bridge_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/limits.h"
#include "wire/bridge_index.h"
#include "wire/bridge_reader.h"

enum { NO_ROW = MAP_NO_VALUE };

void bridge_rows_init(struct bridge_rows *rows, struct bridge_table *table)
{
    *rows = (struct bridge_rows){.table = table, .seed = hash_seed()};
}

void bridge_rows_done(struct bridge_rows *rows)
{
    map_done(&rows->groups);
    map_done(&rows->by_key);
    map_done(&rows->by_octets);
    map_done(&rows->odd_rows);
}

struct mac bridge_value_mac(const struct snmp_value *value)
{
    struct mac mac = MAC_NONE;
    if (value->type != SNMP_OCTETS)
        return mac;
    if (value->length == 6)
        return mac_from_octets(value->bytes);
    size_t length = value->length;
    while (length > 0 && (value->bytes[length - 1] == '\0' || value->bytes[length - 1] == ' '))
        length--;
    if (length > 6 && mac_parse((const char *)value->bytes, length, &mac) != 0)
        return MAC_NONE;
    return mac;
}

bool bridge_value_number(const struct snmp_value *value, int64_t *ret)
{
    switch (value->type) {
    case SNMP_INTEGER:
    case SNMP_COUNTER32:
    case SNMP_GAUGE32:
    case SNMP_TIMETICKS:
    case SNMP_COUNTER64:
        *ret = value->number;
        return true;
    case SNMP_OCTETS:
        break;
    case SNMP_NULL:
    case SNMP_OID:
    case SNMP_IPADDRESS:
    case SNMP_OPAQUE:
    case SNMP_NO_SUCH_OBJECT:
    case SNMP_NO_SUCH_INSTANCE:
    case SNMP_END_OF_MIB_VIEW:
        return false;
    }
    int64_t number = 0;
    if (value->length == 0 || value->length > 10)
        return false;
    for (size_t i = 0; i < value->length; i++) {
        if (value->bytes[i] < '0' || value->bytes[i] > '9')
            return false;
        number = number * 10 + (value->bytes[i] - '0');
    }
    *ret = number;
    return true;
}

/* --- groups --- */

static uint32_t group_add(struct bridge_rows *rows, const struct bridge_group *group)
{
    struct bridge_table *table = rows->table;
    if (table->group_count == BRIDGE_GROUPS_MAX) {
        table->cut = true;
        return NO_ROW;
    }
    table->groups = alloc_grow(table->groups, table->group_count, &table->group_capacity,
                               sizeof *table->groups);
    table->groups[table->group_count] = *group;
    return (uint32_t)table->group_count++;
}

/* Returns the group's number, NO_ROW when there are too many. */
static uint32_t group_of(struct bridge_rows *rows, struct bridge_walk *walk, uint32_t fdb_id,
                         bool fdb_known, bool fdb_is_vlan)
{
    if (walk->group_found && walk->group_fdb == fdb_id && walk->group_fdb_known == fdb_known)
        return walk->group;
    uint64_t key = (uint64_t)walk->family << 60 | (uint64_t)fdb_known << 59 |
                   (uint64_t)(walk->context & 0xffff) << 32 | fdb_id;
    uint32_t group = map_find(&rows->groups, key);
    if (group == MAP_NO_VALUE) {
        struct bridge_group added = {
            .family = walk->family,
            .context = walk->context,
            .fdb_id = fdb_id,
            .fdb_known = fdb_known,
            .fdb_is_vlan = fdb_is_vlan,
        };
        group = group_add(rows, &added);
        if (group == NO_ROW)
            return NO_ROW;
        map_put(&rows->groups, key, group);
    }
    walk->group = group;
    walk->group_fdb = fdb_id;
    walk->group_fdb_known = fdb_known;
    walk->group_found = true;
    return group;
}

/* --- rows --- */

/* Where a row stands: its key, and the octets' hash when the index is not of the
 * MIB's form. Rows found by octets are not in by_key. */
struct place {
    bool plain;
    uint64_t key;
    uint64_t octets;
    struct bridge_index index;
};

static void index_rows(struct bridge_rows *rows)
{
    if (rows->indexed)
        return;
    rows->indexed = true;
    const struct bridge_table *table = rows->table;
    map_reserve(&rows->by_key, table->row_count);
    for (size_t i = 0; i < table->row_count; i++)
        if ((table->rows[i].flags & BRIDGE_ROW_ODD) == 0)
            map_put_new(&rows->by_key, table->rows[i].mac_group, (uint32_t)i);
}

static struct bridge_odd *odd_of(struct bridge_rows *rows, uint32_t row)
{
    struct bridge_table *table = rows->table;
    uint32_t known = map_find(&rows->odd_rows, row);
    if (known != MAP_NO_VALUE)
        return &table->odds[known];
    table->odds =
        alloc_grow(table->odds, table->odd_count, &table->odd_capacity, sizeof *table->odds);
    struct bridge_odd *odd = &table->odds[table->odd_count];
    *odd = (struct bridge_odd){.row = row, .address = MAC_NONE};
    map_put(&rows->odd_rows, row, (uint32_t)table->odd_count++);
    table->rows[row].flags |= BRIDGE_ROW_NOTED;
    return odd;
}

static uint32_t row_add(struct bridge_rows *rows, struct bridge_walk *walk,
                        const struct place *place)
{
    struct bridge_table *table = rows->table;
    if (table->row_count == LIMIT_FORWARD_ROWS) {
        table->cut = true;
        return NO_ROW;
    }
    uint32_t row = (uint32_t)table->row_count;
    table->rows =
        alloc_grow(table->rows, table->row_count, &table->row_capacity, sizeof *table->rows);
    table->rows[table->row_count++] = (struct bridge_row){.mac_group = place->key};
    walk->rows++;
    if (place->plain) {
        if (rows->indexed)
            map_put_new(&rows->by_key, place->key, row);
        return row;
    }
    table->rows[row].flags = BRIDGE_ROW_ODD;
    map_put_new(&rows->by_octets, place->octets, row);
    if (place->index.notes != 0) {
        struct bridge_odd *odd = odd_of(rows, row);
        odd->notes = place->index.notes;
        odd->number = place->index.number;
    }
    return row;
}

/* Sets *ret to where the row of this index stands. Returns false when no rule
 * explains the index or there are too many groups. */
static bool locate(struct bridge_rows *rows, struct bridge_walk *walk, const uint8_t *octets,
                   size_t length, struct place *ret)
{
    uint32_t fdb_id;
    uint64_t mac;
    ret->plain = walk->family != BRIDGE_VENDOR &&
                 bridge_index_fast(walk->family, octets, length, &fdb_id, &mac);
    if (ret->plain) {
        bool forward = !walk->started || fdb_id > walk->last_fdb ||
                       (fdb_id == walk->last_fdb && mac > walk->last_mac);
        walk->started = true;
        walk->backwards |= !forward;
        walk->last_fdb = fdb_id;
        walk->last_mac = mac;
        uint32_t group = group_of(rows, walk, fdb_id, walk->family != BRIDGE_DOT1D, false);
        ret->key = mac << 16 | group;
        return group != NO_ROW;
    }
    struct bridge_index *index = &ret->index;
    if (bridge_index_slow(walk->family, walk->fdb, octets, length, index) != 0) {
        rows->table->rejected++;
        return false;
    }
    uint32_t group = group_of(rows, walk, index->fdb_id, index->fdb_known, index->fdb_is_vlan);
    if (group == NO_ROW)
        return false;
    walk->sequences += !mac_known(index->mac);
    ret->key = (mac_known(index->mac) ? index->mac.bits << 16 : 0) | group;
    uint64_t salt = rows->seed ^ ((uint64_t)walk->family << 32 | walk->context);
    ret->octets = hash_bytes(octets, length, salt) >> 1;
    return true;
}

static uint32_t find_row(struct bridge_rows *rows, const struct place *place)
{
    if (!place->plain)
        return map_find(&rows->by_octets, place->octets);
    index_rows(rows);
    return map_find(&rows->by_key, place->key);
}

bool bridge_rows_port(struct bridge_rows *rows, struct bridge_walk *walk, const uint8_t *index,
                      size_t length, const struct snmp_value *value)
{
    struct place place;
    int64_t port = 0;
    if (!bridge_value_number(value, &port) || port > UINT32_MAX || port < INT32_MIN) {
        rows->table->rejected += value->type < SNMP_NO_SUCH_OBJECT;
        return true;
    }
    if (!locate(rows, walk, index, length, &place))
        return !rows->table->cut;
    if ((walk->backwards || !place.plain) && find_row(rows, &place) != NO_ROW)
        return false;
    uint32_t row = row_add(rows, walk, &place);
    if (row == NO_ROW)
        return false;
    struct bridge_row *added = &rows->table->rows[row];
    added->port =
        !place.plain && place.index.port_known ? place.index.port : (uint32_t)(uint64_t)port;
    added->flags |= port < 0 ? BRIDGE_ROW_PORT | BRIDGE_ROW_BELOW : BRIDGE_ROW_PORT;
    return true;
}

/* Returns the row that a joined column's row belongs to, adding it when the port
 * column had none; NO_ROW when it cannot be. */
static uint32_t join(struct bridge_rows *rows, struct bridge_walk *walk, const uint8_t *index,
                     size_t length, struct place *place)
{
    if (!locate(rows, walk, index, length, place))
        return NO_ROW;
    const struct bridge_table *table = rows->table;
    uint32_t row = NO_ROW;
    if (place->plain && walk->cursor < table->row_count &&
        table->rows[walk->cursor].mac_group == place->key &&
        (table->rows[walk->cursor].flags & BRIDGE_ROW_ODD) == 0)
        row = (uint32_t)walk->cursor;
    else
        row = find_row(rows, place);
    if (row == NO_ROW)
        return row_add(rows, walk, place);
    walk->cursor = (size_t)row + 1;
    return row;
}

bool bridge_rows_status(struct bridge_rows *rows, struct bridge_walk *walk, const uint8_t *index,
                        size_t length, const struct snmp_value *value)
{
    struct place place;
    int64_t status;
    if (!bridge_value_number(value, &status))
        return true;
    uint32_t row = join(rows, walk, index, length, &place);
    if (row == NO_ROW)
        return !rows->table->cut;
    struct bridge_row *found = &rows->table->rows[row];
    if ((found->flags & BRIDGE_ROW_STATUS) != 0)
        return false;
    found->flags |= BRIDGE_ROW_STATUS;
    found->status = status >= 1 && status <= 5 ? (uint8_t)status : 1;
    return true;
}

bool bridge_rows_address(struct bridge_rows *rows, struct bridge_walk *walk, const uint8_t *index,
                         size_t length, const struct snmp_value *value)
{
    struct place place;
    struct mac mac = bridge_value_mac(value);
    if (!mac_known(mac))
        return true;
    uint32_t row = join(rows, walk, index, length, &place);
    if (row == NO_ROW)
        return !rows->table->cut;
    struct bridge_row *found = &rows->table->rows[row];
    if (!place.plain && !mac_known(place.index.mac)) {
        found->mac_group = mac.bits << 16 | bridge_row_group(found);
        odd_of(rows, row)->notes |= BRIDGE_NOTE_MAC_FROM_COLUMN;
    } else if (!mac_equal(bridge_row_mac(found), mac)) {
        struct bridge_odd *odd = odd_of(rows, row);
        odd->notes |= BRIDGE_NOTE_ADDRESS_DIFFERS;
        odd->address = mac;
    }
    return true;
}

/* --- ending --- */

static enum bridge_family family_of(const struct bridge_table *table, const struct bridge_row *row)
{
    return table->groups[bridge_row_group(row)].family;
}

/* A device that puts something behind the MAC may have a MAC that begins with
 * 06: what looked like a length octet is then part of the address. */
static void settle_long_indices(struct bridge_table *table)
{
    bool extra[BRIDGE_FAMILY_COUNT] = {false};
    for (size_t i = 0; i < table->odd_count; i++)
        if ((table->odds[i].notes & BRIDGE_NOTE_EXTRA_IN_INDEX) != 0)
            extra[family_of(table, &table->rows[table->odds[i].row])] = true;
    for (size_t i = 0; i < table->odd_count; i++) {
        struct bridge_odd *odd = &table->odds[i];
        struct bridge_row *row = &table->rows[odd->row];
        if ((odd->notes & BRIDGE_NOTE_LENGTH_IN_INDEX) == 0 || !extra[family_of(table, row)])
            continue;
        uint64_t mac = bridge_row_mac(row).bits;
        row->mac_group = (UINT64_C(6) << 40 | mac >> 8) << 16 | bridge_row_group(row);
        odd->number = (uint32_t)(mac & 0xff);
        odd->notes ^= BRIDGE_NOTE_LENGTH_IN_INDEX | BRIDGE_NOTE_EXTRA_IN_INDEX;
    }
}

static uint64_t table_key(const struct bridge_table *table, const struct bridge_row *row)
{
    const struct bridge_group *group = &table->groups[bridge_row_group(row)];
    return (uint64_t)group->family << 32 | group->context;
}

/* Notes rows without status in a table whose status column was read. */
static void note_torn_rows(struct bridge_rows *rows)
{
    struct bridge_table *table = rows->table;
    struct map with_status = MAP_EMPTY;
    size_t count = 0;
    for (size_t i = 0; i < table->row_count; i++)
        if ((table->rows[i].flags & BRIDGE_ROW_STATUS) != 0) {
            count++;
            map_put(&with_status, table_key(table, &table->rows[i]), 1);
        }
    for (size_t i = 0; count > 0 && count < table->row_count && i < table->row_count; i++)
        if ((table->rows[i].flags & BRIDGE_ROW_STATUS) == 0 &&
            map_find(&with_status, table_key(table, &table->rows[i])) != MAP_NO_VALUE)
            odd_of(rows, (uint32_t)i)->notes |= BRIDGE_NOTE_TORN_STATUS;
    map_done(&with_status);
}

static int compare_odds(const void *a, const void *b)
{
    const struct bridge_odd *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

void bridge_rows_finish(struct bridge_rows *rows)
{
    struct bridge_table *table = rows->table;
    settle_long_indices(table);
    note_torn_rows(rows);
    for (size_t i = 0; i < table->odd_count; i++) {
        struct bridge_odd *odd = &table->odds[i];
        if ((odd->notes & BRIDGE_NOTE_INDEX_IS_SEQUENCE) != 0 &&
            (odd->notes & BRIDGE_NOTE_MAC_FROM_COLUMN) == 0)
            odd->notes |= BRIDGE_NOTE_NO_MAC;
    }
    if (table->odd_count > 0)
        qsort(table->odds, table->odd_count, sizeof *table->odds, compare_odds);
}
