/* SPDX-License-Identifier: Apache-2.0 */
#include "model/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "model/record_internal.h"

struct record_set *record_set_new(const char *source, struct wall as_of)
{
    struct record_set *set = alloc_zeroed(1, sizeof *set);
    set->source = alloc_text(source);
    set->as_of = as_of;
    set->read_at = WALL_UNKNOWN;
    set->names = names_new();
    set->vlans = vlan_pool_new();
    set->arena = arena_new();
    set->build = alloc_zeroed(1, sizeof *set->build);
    return set;
}

static void build_free(struct record_build *build)
{
    if (build == NULL)
        return;
    free(build->latest);
    map_done(&build->same_name);
    free(build);
}

struct wall record_set_vouched(const struct record_set *set)
{
    return wall_known(set->read_at) ? set->read_at : set->as_of;
}

void record_set_free(struct record_set *set)
{
    if (set == NULL)
        return;
    build_free(set->build);
    for (int table = 1; table < RECORD_TABLE_COUNT; table++)
        free(*record_rows(set, (enum record_table)table).array);
    free(set->nics.mac);
    free(set->nics.guest);
    free(set->nics.hypervisor);
    free(set->nics.state_since);
    free(set->nics.vlan);
    free(set->nics.run_state);
    free(set->nics.wire);
    free(set->guests);
    free(set->details);
    free(set->uuids);
    for (int table = 0; table < RECORD_TABLE_COUNT; table++)
        free(set->extras[table].items);
    names_free(set->names);
    vlan_pool_free(set->vlans);
    arena_free(set->arena);
    free(set->source);
    free(set);
}

struct record_rows record_rows(struct record_set *set, enum record_table table)
{
    switch (table) {
#define ROWS(array, count) ((struct record_rows){(void **)&set->array, &set->count})
    case RECORD_ATTACHMENTS:
        return ROWS(attachments, attachment_count);
    case RECORD_SWITCHES:
        return ROWS(switches, switch_count);
    case RECORD_PORTS:
        return ROWS(ports, port_count);
    case RECORD_LINKS:
        return ROWS(links, link_count);
    case RECORD_LAGS:
        return ROWS(lags, lag_count);
    case RECORD_PLANNED_WORK:
        return ROWS(planned_work, planned_work_count);
    case RECORD_CMDB:
        return ROWS(items, item_count);
    case RECORD_DCM:
        return ROWS(allocations, allocation_count);
    case RECORD_CAPACITY:
        return ROWS(capacities, capacity_count);
#undef ROWS
    case RECORD_GUESTS:
    case RECORD_TABLE_COUNT:
        break;
    }
    UNREACHABLE();
}

size_t record_row_size(enum record_table table)
{
    static const size_t sizes[RECORD_TABLE_COUNT] = {
        [RECORD_ATTACHMENTS] = sizeof(struct record_attachment),
        [RECORD_SWITCHES] = sizeof(struct record_switch),
        [RECORD_PORTS] = sizeof(struct record_port),
        [RECORD_LINKS] = sizeof(struct record_link),
        [RECORD_LAGS] = sizeof(struct record_lag),
        [RECORD_PLANNED_WORK] = sizeof(struct record_planned_work),
        [RECORD_CMDB] = sizeof(struct record_item),
        [RECORD_DCM] = sizeof(struct record_allocation),
        [RECORD_CAPACITY] = sizeof(struct record_allocation),
    };
    return sizes[table];
}

static void *trim(void *array, size_t count, size_t size)
{
    return array == NULL ? NULL : alloc_resize(array, count, size);
}

void record_set_finish(struct record_set *set)
{
    struct nic_columns *nics = &set->nics;
    build_free(set->build);
    set->build = NULL;
    nics->mac = trim(nics->mac, nics->count, sizeof *nics->mac);
    nics->guest = trim(nics->guest, nics->count, sizeof *nics->guest);
    nics->hypervisor = trim(nics->hypervisor, nics->count, sizeof *nics->hypervisor);
    nics->state_since = trim(nics->state_since, nics->count, sizeof *nics->state_since);
    nics->vlan = trim(nics->vlan, nics->count, sizeof *nics->vlan);
    nics->run_state = trim(nics->run_state, nics->count, sizeof *nics->run_state);
    nics->wire = trim(nics->wire, nics->count, sizeof *nics->wire);
    nics->capacity = nics->count;
    set->guests = trim(set->guests, set->guest_count, sizeof *set->guests);
    set->details = trim(set->details, set->detail_count, sizeof *set->details);
    set->uuids = trim(set->uuids, set->uuid_count, sizeof *set->uuids);
    for (int table = 0; table < RECORD_TABLE_COUNT; table++) {
        struct record_extras *extras = &set->extras[table];
        extras->items = trim(extras->items, extras->count, sizeof *extras->items);
    }
    for (int table = 1; table < RECORD_TABLE_COUNT; table++) {
        struct record_rows rows = record_rows(set, (enum record_table)table);
        *rows.array = trim(*rows.array, *rows.count, record_row_size((enum record_table)table));
    }
}

size_t record_set_size(const struct record_set *set)
{
    const struct nic_columns *nics = &set->nics;
    size_t nic = sizeof *nics->mac + sizeof *nics->guest + sizeof *nics->hypervisor +
                 sizeof *nics->state_since + sizeof *nics->vlan + sizeof *nics->run_state +
                 sizeof *nics->wire;
    size_t size = sizeof *set + names_size(set->names) + arena_size(set->arena) +
                  nics->capacity * nic + set->guest_count * sizeof *set->guests +
                  set->detail_count * sizeof *set->details + set->uuid_count * sizeof *set->uuids;
    for (int table = 0; table < RECORD_TABLE_COUNT; table++) {
        size += set->extras[table].count * sizeof(struct record_extra);
        if (table != RECORD_GUESTS)
            size += record_set_rows(set, (enum record_table)table) *
                    record_row_size((enum record_table)table);
    }
    return size;
}

size_t record_set_rows(const struct record_set *set, enum record_table table)
{
    switch (table) {
    case RECORD_GUESTS:
        return set->nics.count;
    case RECORD_ATTACHMENTS:
        return set->attachment_count;
    case RECORD_SWITCHES:
        return set->switch_count;
    case RECORD_PORTS:
        return set->port_count;
    case RECORD_LINKS:
        return set->link_count;
    case RECORD_LAGS:
        return set->lag_count;
    case RECORD_PLANNED_WORK:
        return set->planned_work_count;
    case RECORD_CMDB:
        return set->item_count;
    case RECORD_DCM:
        return set->allocation_count;
    case RECORD_CAPACITY:
        return set->capacity_count;
    case RECORD_TABLE_COUNT:
        break;
    }
    UNREACHABLE();
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool record_uuid_parse(const char *text, size_t length, uint8_t octets[static 16])
{
    size_t digits = 0;
    if (length < 32 || length > 38)
        return false;
    for (size_t i = 0; i < length; i++) {
        int value = hex_value(text[i]);
        bool edge = i == 0 || i + 1 == length;
        if (value < 0 && (text[i] == '-' || (edge && (text[i] == '{' || text[i] == '}'))))
            continue;
        if (value < 0 || digits == 32)
            return false;
        octets[digits / 2] = (uint8_t)(digits % 2 == 0 ? value << 4 : octets[digits / 2] | value);
        digits++;
    }
    return digits == 32;
}

char *record_guest_uuid(const struct record_set *set, size_t guest,
                        char buffer[static RECORD_UUID_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    CHECK(guest < set->guest_count);
    uint32_t uuid = set->guests[guest].uuid;
    if (uuid == NAME_NONE || (uuid & RECORD_UUID_BINARY) == 0) {
        const char *name = names_get(set->names, uuid);
        memcpy(buffer, name, strlen(name) + 1);
        return buffer;
    }
    const uint8_t *octets = set->uuids[uuid & ~RECORD_UUID_BINARY];
    char *at = buffer;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = hex[octets[i] >> 4];
        *at++ = hex[octets[i] & 15];
    }
    *at = '\0';
    return buffer;
}

struct record_details record_guest_details(const struct record_set *set, size_t guest)
{
    CHECK(guest < set->guest_count);
    uint32_t at = set->guests[guest].details;
    return at == NAME_NONE ? (struct record_details){NAME_NONE, NAME_NONE} : set->details[at];
}

const char *record_extra_find(const struct record_set *set, enum record_table table, size_t row)
{
    const struct record_extras *extras = &set->extras[table];
    size_t low = 0, high = extras->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (extras->items[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low < extras->count && extras->items[low].row == row ? extras->items[low].json : NULL;
}

const char *record_role_word(enum port_role role)
{
    switch (role) {
    case PORT_ROLE_UNKNOWN:
        return "unknown";
    case PORT_ROLE_EDGE:
        return "edge";
    case PORT_ROLE_INTER_SWITCH:
        return "inter_switch";
    case PORT_ROLE_HYPERVISOR:
        return "hypervisor";
    }
    UNREACHABLE();
}
