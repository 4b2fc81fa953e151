/* SPDX-License-Identifier: Apache-2.0 */
/* One row into the set: texts become names, addresses, states and times.
 *
 * A guest row is the hot path of reading an inventory (a million of them in a
 * fraction of a second), so short values are looked up in small caches, the usual
 * spelling of a time is worked out without a general parser, and a guest is found
 * by an array over its name's number. Nothing is added before the whole row is
 * known to be right. The rows of the other tables are filled field by field from
 * their table of columns. Every refusal says what was found, cut and without
 * control characters, and what was expected. */

#include <math.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/limits.h"
#include "model/record_internal.h"

enum { SHOWN_SIZE = 44 };

/* One row on its way in. */
struct row {
    struct record_set *set;
    const struct record_layout *layout;
    const struct run_state_words *words;
    const struct record_value *values;
    size_t count;
    uint32_t line;
    struct err *err;
};

static struct record_value trimmed(struct record_value value)
{
    while (value.length > 0 && (value.text[0] == ' ' || value.text[0] == '\t'))
        value.text++, value.length--;
    while (value.length > 0 &&
           (value.text[value.length - 1] == ' ' || value.text[value.length - 1] == '\t'))
        value.length--;
    return value;
}

/* Returns the value of known column `known`, empty when the row has none. */
static inline struct record_value value_of(const struct row *row, size_t known)
{
    int at = row->layout->at[known];
    if (at < 0 || (size_t)at >= row->count)
        return (struct record_value){"", 0};
    struct record_value value = row->values[at];
    if (value.length > 0 &&
        ((unsigned char)value.text[0] <= ' ' || (unsigned char)value.text[value.length - 1] <= ' '))
        return trimmed(value);
    return value;
}

/* Writes a value for a message: cut, and without control characters. */
static char *shown(struct record_value value, char buffer[static SHOWN_SIZE])
{
    size_t length = value.length < SHOWN_SIZE - 4 ? value.length : SHOWN_SIZE - 4;
    while (length < value.length && length > 0 &&
           ((unsigned char)value.text[length] & 0xc0) == 0x80)
        length--;
    for (size_t i = 0; i < length; i++)
        buffer[i] =
            (unsigned char)value.text[i] < 0x20 || value.text[i] == 0x7f ? '?' : value.text[i];
    memcpy(buffer + length, length < value.length ? "..." : "", length < value.length ? 4 : 1);
    return buffer;
}

static int refuse(const struct row *row, enum err_code code, struct record_value found,
                  const char *expected)
{
    char buffer[SHOWN_SIZE];
    if (found.length == 0)
        return err_set(row->err, code, "it is empty, expected %s", expected);
    return err_set(row->err, code, "found \"%s\", expected %s", shown(found, buffer), expected);
}

/* Whether one of eight octets is below 0x20 or is 0x7f (or above: a false hit costs
 * only a closer look). */
static inline bool may_have_control(const char *text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t eight;
    memcpy(&eight, text, sizeof eight);
    return (((eight - ones * 0x20) | (eight + ones)) & ones * 0x80) != 0;
}

/* Whether `text` has a control character, line breaks excepted if allowed. */
static bool has_control(const char *text, size_t length, bool breaks_allowed)
{
    if (length >= 8 && length <= 16 && !may_have_control(text) &&
        !may_have_control(text + length - 8))
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f) {
            if (c == '\0' || !breaks_allowed || (c != '\n' && c != '\r' && c != '\t'))
                return true;
        }
    }
    return false;
}

/* Interns a name that may be empty. A name that is known already needs no check. */
static int intern(const struct row *row, struct record_value value, bool breaks_allowed,
                  uint32_t *ret)
{
    if (value.length == 0) {
        *ret = NAME_NONE;
        return 0;
    }
    if (value.length > LIMIT_NAME_BYTES)
        return refuse(row, ERR_LIMIT, value, "at most 255 bytes");
    uint32_t known = names_count(row->set->names);
    uint32_t number = names_add(row->set->names, value.text, value.length);
    if (number == known && has_control(value.text, value.length, breaks_allowed))
        return refuse(row, ERR_SYNTAX, value, "text without control characters");
    *ret = number;
    return 0;
}

/* Returns a short text's octets as a number; with the length it is unique. */
static inline uint64_t short_key(struct record_value value)
{
    const unsigned char *text = (const unsigned char *)value.text;
    uint32_t low, high;
    if (value.length < 4)
        return text[0] | (uint64_t)text[value.length / 2] << 8 |
               (uint64_t)text[value.length - 1] << 16;
    memcpy(&low, text, sizeof low);
    memcpy(&high, text + value.length - sizeof high, sizeof high);
    return low | (uint64_t)high << 32;
}

static inline size_t short_slot(uint64_t key)
{
    return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SHORT_CACHE_BITS));
}

static inline bool cache_find(const struct short_cache *cache, struct record_value value,
                              uint32_t *ret)
{
    if (value.length - 1 >= SHORT_CACHE_LENGTH)
        return false;
    uint64_t key = short_key(value);
    size_t slot = short_slot(key);
    *ret = cache->entries[slot].value;
    return cache->entries[slot].key == key && cache->entries[slot].length == value.length;
}

static void cache_fill(struct short_cache *cache, struct record_value value, uint32_t parsed)
{
    if (value.length - 1 >= SHORT_CACHE_LENGTH)
        return;
    uint64_t key = short_key(value);
    size_t slot = short_slot(key);
    cache->entries[slot].key = key;
    cache->entries[slot].value = parsed;
    cache->entries[slot].length = (uint32_t)value.length;
}

static bool says_nothing(struct record_value value)
{
    static const char *const words[] = {"-", "none", "null", "n/a", "N/A", "None", "NULL"};
    if (value.length == 0)
        return true;
    for (size_t i = 0; value.length <= 4 && i < ARRAY_COUNT(words); i++) {
        if (strlen(words[i]) == value.length && memcmp(words[i], value.text, value.length) == 0)
            return true;
    }
    return false;
}

/* Hypervisors without a MAC for a NIC often write zeros. */
static int parse_mac(const struct row *row, struct record_value value, struct mac *ret)
{
    struct mac mac = MAC_NONE;
    if (mac_parse(value.text, value.length, &mac) != 0 && !says_nothing(value))
        return refuse(row, ERR_SYNTAX, value,
                      "a MAC address such as 52:54:00:11:22:33, or nothing");
    *ret = mac_is_zero(mac) ? MAC_NONE : mac;
    return 0;
}

static int parse_state(const struct row *row, struct record_value value, enum run_state *ret)
{
    if (run_state_words_find(row->words, value.text, value.length, ret) != 0)
        return refuse(row, ERR_SYNTAX, value,
                      "a run state: on, off, suspended, paused, hibernated, crashed, starting, "
                      "stopping, migrating, unknown, or a word of run_states");
    return 0;
}

static int parse_wall(const struct row *row, struct record_value value, struct wall *ret)
{
    *ret = WALL_UNKNOWN;
    if (says_nothing(value))
        return 0;
    int status = wall_parse(value.text, value.length, ret);
    if (status != 0)
        return refuse(row, (enum err_code)status, value,
                      "a time in RFC 3339 such as 2026-11-23T12:00:00Z");
    return 0;
}

static int parse_vlan(const struct row *row, struct record_value value, vlan_set *ret)
{
    int status = vlan_set_parse(row->set->vlans, value.text, value.length, ret);
    if (status != 0)
        return refuse(row, (enum err_code)status, value,
                      "VLANs from 0 to 4095 such as 10 or 10|20, or trunk");
    if (*ret == VLAN_SET_UNKNOWN && value.length > 0)
        return refuse(row, ERR_LIMIT, value, "at most 65533 different sets of VLANs in a source");
    return 0;
}

static int parse_role(const struct row *row, struct record_value value, enum port_role *ret)
{
    static const struct {
        const char *word;
        enum port_role role;
    } words[] = {{"", PORT_ROLE_UNKNOWN},
                 {"unknown", PORT_ROLE_UNKNOWN},
                 {"edge", PORT_ROLE_EDGE},
                 {"access", PORT_ROLE_EDGE},
                 {"inter_switch", PORT_ROLE_INTER_SWITCH},
                 {"inter-switch", PORT_ROLE_INTER_SWITCH},
                 {"uplink", PORT_ROLE_INTER_SWITCH},
                 {"hypervisor", PORT_ROLE_HYPERVISOR}};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strlen(words[i].word) == value.length &&
            strncasecmp(words[i].word, value.text, value.length) == 0) {
            *ret = words[i].role;
            return 0;
        }
    }
    return refuse(row, ERR_SYNTAX, value, "a role: edge, inter_switch, hypervisor or unknown");
}

static int parse_number(const struct row *row, struct record_value value, double *ret)
{
    char text[64], *end;
    *ret = NAN;
    if (says_nothing(value))
        return 0;
    if (value.length >= sizeof text)
        return refuse(row, ERR_RANGE, value, "a number such as 2 or 1.5");
    memcpy(text, value.text, value.length);
    text[value.length] = '\0';
    double number = strtod(text, &end);
    if (end != text + value.length || strspn(text, "0123456789.eE+-") != value.length)
        return refuse(row, ERR_SYNTAX, value, "a number such as 2 or 1.5");
    if (!isfinite(number) || number < 0)
        return refuse(row, ERR_RANGE, value, "a number that is not negative");
    *ret = number;
    return 0;
}

/* --- guests --- */

/* Two digits as a number, or a negative one. */
static inline int two_digits(const char *text)
{
    int high = text[0] - '0', low = text[1] - '0';
    return high < 0 || high > 9 || low < 0 || low > 9 ? -1 : high * 10 + low;
}

/* A state's time in the form that machines write, "2026-11-23T12:00:00Z", whose
 * date is most often one of a few; any other form goes the general way. */
static int parse_since(const struct row *row, struct record_value value, struct wall *ret)
{
    const int64_t day_us = INT64_C(86400000000), start_us = INT64_C(946684800000000); /* 2000 */
    struct short_cache *cache = &row->set->build->date;
    const char *text = value.text;
    if (value.length != 20 || text[0] != '2' || text[1] != '0' || text[10] != 'T' ||
        text[13] != ':' || text[16] != ':' || text[19] != 'Z')
        return parse_wall(row, value, ret);
    int hour = two_digits(text + 11), minute = two_digits(text + 14),
        second = two_digits(text + 17);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return parse_wall(row, value, ret);
    struct record_value date = {text + 2, 8};
    uint32_t days;
    if (!cache_find(cache, date, &days)) {
        struct wall midnight;
        if (wall_parse(text, 10, &midnight) != 0)
            return parse_wall(row, value, ret);
        days = (uint32_t)((midnight.us - start_us) / day_us);
        cache_fill(cache, date, days);
    }
    ret->us = start_us + days * day_us + (hour * 3600 + minute * 60 + second) * INT64_C(1000000);
    return 0;
}

/* A guest NIC, parsed; nothing of it is in the set's columns yet. */
struct nic {
    struct mac mac;
    uint32_t hypervisor, guest_name, uuid, ip, tags;
    bool has_octets;
    uint8_t octets[16]; /* the uuid where it has the usual form */
    struct wall state_since;
    vlan_set vlan;
    enum run_state state;
    enum tristate wire;
};

static int parse_uuid(const struct row *row, struct record_value value, struct nic *nic)
{
    char lower[LIMIT_NAME_BYTES];
    nic->uuid = NAME_NONE;
    nic->has_octets = false;
    if (says_nothing(value))
        return 0;
    nic->has_octets = record_uuid_parse(value.text, value.length, nic->octets);
    if (nic->has_octets)
        return 0;
    if (value.length > sizeof lower)
        return refuse(row, ERR_LIMIT, value, "at most 255 bytes");
    for (size_t i = 0; i < value.length; i++)
        lower[i] = (char)(value.text[i] >= 'A' && value.text[i] <= 'Z' ? value.text[i] | 0x20
                                                                       : value.text[i]);
    return intern(row, (struct record_value){lower, value.length}, false, &nic->uuid);
}

static int parse_cached_state(const struct row *row, struct record_value value, struct nic *nic)
{
    struct short_cache *cache = &row->set->build->state;
    uint32_t known;
    if (cache_find(cache, value, &known)) {
        nic->state = (enum run_state)known;
        return 0;
    }
    int status = parse_state(row, value, &nic->state);
    if (status == 0)
        cache_fill(cache, value, nic->state);
    return status;
}

static int parse_cached_vlan(const struct row *row, struct record_value value, struct nic *nic)
{
    struct short_cache *cache = &row->set->build->vlan;
    uint32_t known;
    if (cache_find(cache, value, &known)) {
        nic->vlan = (vlan_set)known;
        return 0;
    }
    int status = parse_vlan(row, value, &nic->vlan);
    if (status == 0)
        cache_fill(cache, value, nic->vlan);
    return status;
}

static int parse_cached_hypervisor(const struct row *row, struct record_value value,
                                   struct nic *nic)
{
    struct short_cache *cache = &row->set->build->hypervisor;
    if (cache_find(cache, value, &nic->hypervisor))
        return 0;
    int status = intern(row, value, false, &nic->hypervisor);
    if (status == 0)
        cache_fill(cache, value, nic->hypervisor);
    return status;
}

static int parse_wire(const struct row *row, struct record_value value, enum tristate *ret)
{
    *ret = YES; /* where a source says nothing, a guest is expected on the wire */
    if (value.length > 0 && tristate_parse(value.text, value.length, ret) != 0)
        return refuse(row, ERR_SYNTAX, value, "yes, no or unknown");
    return 0;
}

/* Parses one known column. */
static int parse_nic_column(const struct row *row, enum nic_column column,
                            struct record_value value, struct nic *nic)
{
    switch (column) {
    case NIC_HYPERVISOR:
        return parse_cached_hypervisor(row, value, nic);
    case NIC_GUEST:
        if (value.length == 0)
            return refuse(row, ERR_SYNTAX, value, "the guest's name");
        return intern(row, value, false, &nic->guest_name);
    case NIC_MAC:
        return parse_mac(row, value, &nic->mac);
    case NIC_RUN_STATE:
        return parse_cached_state(row, value, nic);
    case NIC_STATE_SINCE:
        return parse_since(row, value, &nic->state_since);
    case NIC_VLAN:
        return parse_cached_vlan(row, value, nic);
    case NIC_WIRE_EXPECTED:
        return parse_wire(row, value, &nic->wire);
    case NIC_UUID:
        return parse_uuid(row, value, nic);
    case NIC_IP:
        return intern(row, value, false, &nic->ip);
    case NIC_TAGS:
        return intern(row, value, false, &nic->tags);
    case NIC_COLUMN_COUNT:
        break;
    }
    UNREACHABLE();
}

static bool same_uuid(const struct record_set *set, uint32_t uuid, const struct nic *nic)
{
    if (uuid == NAME_NONE)
        return !nic->has_octets && nic->uuid == NAME_NONE;
    if ((uuid & RECORD_UUID_BINARY) == 0)
        return !nic->has_octets && nic->uuid == uuid;
    return nic->has_octets && memcmp(set->uuids[uuid & ~RECORD_UUID_BINARY], nic->octets, 16) == 0;
}

static uint32_t store_uuid(struct record_set *set, const struct nic *nic)
{
    if (!nic->has_octets)
        return nic->uuid;
    set->uuids =
        alloc_grow(set->uuids, set->uuid_count, &set->build->uuid_capacity, sizeof *set->uuids);
    memcpy(set->uuids[set->uuid_count], nic->octets, 16);
    return (uint32_t)set->uuid_count++ | RECORD_UUID_BINARY;
}

/* Hashes (name, uuid) of a guest, for names that several guests have. */
static uint64_t identity_key(const struct record_set *set, uint32_t name, uint32_t uuid)
{
    uint8_t bytes[24] = {0};
    memcpy(bytes, &name, sizeof name);
    if (uuid != NAME_NONE && (uuid & RECORD_UUID_BINARY) != 0)
        memcpy(bytes + 4, set->uuids[uuid & ~RECORD_UUID_BINARY], 16);
    else
        memcpy(bytes + 20, &uuid, sizeof uuid);
    return hash_bytes(bytes, sizeof bytes, hash_seed()) >> 1;
}

static uint32_t add_guest(struct record_set *set, uint32_t name, uint32_t uuid)
{
    set->guests =
        alloc_grow(set->guests, set->guest_count, &set->build->guest_capacity, sizeof *set->guests);
    set->guests[set->guest_count] = (struct record_guest){name, uuid, NAME_NONE};
    return (uint32_t)set->guest_count++;
}

/* A second guest of a name: found, or added, by name and uuid. */
static uint32_t find_namesake(struct record_set *set, uint32_t latest, const struct nic *nic)
{
    struct map *map = &set->build->same_name;
    uint32_t name = set->guests[latest].name;
    map_put_new(map, identity_key(set, name, set->guests[latest].uuid), latest);
    uint32_t uuid = store_uuid(set, nic);
    uint64_t key = identity_key(set, name, uuid);
    uint32_t known = map_find(map, key);
    if (known != MAP_NO_VALUE && same_uuid(set, set->guests[known].uuid, nic)) {
        set->uuid_count -= nic->has_octets; /* the copy just stored is not needed */
        return known;
    }
    uint32_t added = add_guest(set, name, uuid);
    map_put(map, key, added);
    return added;
}

/* Returns the guest of a NIC. A row without uuid belongs to the latest guest of
 * its name, whose uuid another row may have told or may still tell. */
static uint32_t find_guest(struct record_set *set, const struct nic *nic)
{
    struct record_build *build = set->build;
    uint32_t name = nic->guest_name;
    bool says_uuid = nic->has_octets || nic->uuid != NAME_NONE;
    if (name >= build->latest_count) {
        size_t grown = build->latest_count == 0 ? 1024 : build->latest_count * 2;
        while (grown <= name)
            grown *= 2;
        build->latest = alloc_resize(build->latest, grown, sizeof *build->latest);
        memset(build->latest + build->latest_count, 0xff,
               (grown - build->latest_count) * sizeof *build->latest);
        build->latest_count = grown;
    }
    uint32_t latest = build->latest[name];
    if (latest == NAME_NONE)
        return build->latest[name] = add_guest(set, name, store_uuid(set, nic));
    struct record_guest *guest = &set->guests[latest];
    if (!says_uuid || same_uuid(set, guest->uuid, nic))
        return latest;
    if (guest->uuid == NAME_NONE) {
        guest->uuid = store_uuid(set, nic);
        return latest;
    }
    return build->latest[name] = find_namesake(set, latest, nic);
}

static void keep_details(struct record_set *set, uint32_t guest, const struct nic *nic)
{
    struct record_guest *owner = &set->guests[guest];
    if (nic->ip == NAME_NONE && nic->tags == NAME_NONE)
        return;
    if (owner->details == NAME_NONE) {
        set->details = alloc_grow(set->details, set->detail_count, &set->build->detail_capacity,
                                  sizeof *set->details);
        owner->details = (uint32_t)set->detail_count++;
        set->details[owner->details] = (struct record_details){NAME_NONE, NAME_NONE};
    }
    struct record_details *details = &set->details[owner->details];
    if (nic->ip != NAME_NONE)
        details->ip = nic->ip;
    if (nic->tags != NAME_NONE)
        details->tags = nic->tags;
}

static void grow_nics(struct nic_columns *nics)
{
    if (nics->count < nics->capacity)
        return;
    size_t capacity = nics->capacity == 0 ? 16 : nics->capacity * 2;
    nics->mac = alloc_resize(nics->mac, capacity, sizeof *nics->mac);
    nics->guest = alloc_resize(nics->guest, capacity, sizeof *nics->guest);
    nics->hypervisor = alloc_resize(nics->hypervisor, capacity, sizeof *nics->hypervisor);
    nics->state_since = alloc_resize(nics->state_since, capacity, sizeof *nics->state_since);
    nics->vlan = alloc_resize(nics->vlan, capacity, sizeof *nics->vlan);
    nics->run_state = alloc_resize(nics->run_state, capacity, sizeof *nics->run_state);
    nics->wire = alloc_resize(nics->wire, capacity, sizeof *nics->wire);
    nics->capacity = capacity;
}

static void add_nic(struct record_set *set, const struct nic *nic)
{
    struct nic_columns *nics = &set->nics;
    uint32_t guest = find_guest(set, nic);
    keep_details(set, guest, nic);
    grow_nics(nics);
    size_t at = nics->count++;
    nics->mac[at] = nic->mac.bits;
    nics->guest[at] = guest;
    nics->hypervisor[at] = nic->hypervisor;
    nics->state_since[at] = nic->state_since.us;
    nics->vlan[at] = nic->vlan;
    nics->run_state[at] = (uint8_t)nic->state;
    nics->wire[at] = (uint8_t)nic->wire;
}

static int parse_nic(const struct row *row, size_t *ret_column)
{
    struct nic nic = {.mac = MAC_NONE,
                      .hypervisor = NAME_NONE,
                      .uuid = NAME_NONE,
                      .ip = NAME_NONE,
                      .tags = NAME_NONE,
                      .state_since = WALL_UNKNOWN,
                      .wire = YES};
    for (size_t i = 0; i < row->layout->known_count; i++) {
        enum nic_column column = (enum nic_column)row->layout->known[i];
        int status = parse_nic_column(row, column, value_of(row, column), &nic);
        if (status != 0) {
            *ret_column = (size_t)row->layout->at[column];
            return status;
        }
    }
    add_nic(row->set, &nic);
    return 0;
}

/* --- the other tables --- */

static int parse_field(const struct row *row, const struct record_column *column,
                       struct record_value value, char *fields)
{
    void *field = fields + column->offset;
    switch (column->kind) {
    case COLUMN_NAME:
        return intern(row, value, false, field);
    case COLUMN_TEXT:
        return intern(row, value, true, field);
    case COLUMN_MAC:
        return parse_mac(row, value, field);
    case COLUMN_STATE:
        return parse_state(row, value, field);
    case COLUMN_ROLE:
        return parse_role(row, value, field);
    case COLUMN_WALL:
        return parse_wall(row, value, field);
    case COLUMN_NUMBER:
        return parse_number(row, value, field);
    case COLUMN_VLAN:
    case COLUMN_WIRE:
        break;
    }
    UNREACHABLE();
}

/* Each row struct has a `line`; where it lies is known per table only. */
static void set_line(enum record_table table, char *fields, uint32_t line)
{
    static const size_t offsets[RECORD_TABLE_COUNT] = {
        [RECORD_ATTACHMENTS] = offsetof(struct record_attachment, line),
        [RECORD_SWITCHES] = offsetof(struct record_switch, line),
        [RECORD_PORTS] = offsetof(struct record_port, line),
        [RECORD_LINKS] = offsetof(struct record_link, line),
        [RECORD_LAGS] = offsetof(struct record_lag, line),
        [RECORD_PLANNED_WORK] = offsetof(struct record_planned_work, line),
        [RECORD_CMDB] = offsetof(struct record_item, line),
        [RECORD_DCM] = offsetof(struct record_allocation, line),
        [RECORD_CAPACITY] = offsetof(struct record_allocation, line),
    };
    memcpy(fields + offsets[table], &line, sizeof line);
}

static int parse_plain(const struct row *row, size_t *ret_column)
{
    alignas(max_align_t) char fields[128] = {0};
    size_t count;
    enum record_table table = row->layout->table;
    const struct record_column *columns = record_columns(table, &count);
    if (table == RECORD_CAPACITY) {
        struct record_allocation *capacity = (struct record_allocation *)fields;
        capacity->guest = capacity->address = capacity->subnet = NAME_NONE;
    }
    for (size_t i = 0; i < count; i++) {
        struct record_value value = value_of(row, i);
        int status = value.length == 0 && columns[i].filled
                         ? refuse(row, ERR_SYNTAX, value, "a value")
                         : parse_field(row, &columns[i], value, fields);
        if (status != 0) {
            *ret_column = row->layout->at[i] < 0 ? 0 : (size_t)row->layout->at[i];
            return status;
        }
    }
    set_line(table, fields, row->line);
    struct record_rows rows = record_rows(row->set, table);
    size_t size = record_row_size(table);
    CHECK(size <= sizeof fields);
    *rows.array = alloc_grow(*rows.array, *rows.count, &row->set->build->capacity[table], size);
    memcpy((char *)*rows.array + *rows.count * size, fields, size);
    (*rows.count)++;
    return 0;
}

/* --- unknown columns and bounds --- */

static void keep_extra(const struct row *row, size_t row_number)
{
    struct record_set *set = row->set;
    const struct record_layout *layout = row->layout;
    AUTO_TEXT struct text json = TEXT_EMPTY;
    for (size_t i = 0; i < layout->unknown_count; i++) {
        size_t at = layout->unknown[i];
        if (at >= row->count || row->values[at].length == 0)
            continue;
        text_add_char(&json, json.length == 0 ? '{' : ',');
        text_add_json(&json, layout->names[at], strlen(layout->names[at]));
        text_add_char(&json, ':');
        text_add_json(&json, row->values[at].text, row->values[at].length);
    }
    if (json.length == 0)
        return;
    text_add_char(&json, '}');
    struct record_extras *extras = &set->extras[layout->table];
    extras->items = alloc_grow(extras->items, extras->count,
                               &set->build->extra_capacity[layout->table], sizeof *extras->items);
    extras->items[extras->count++] =
        (struct record_extra){(uint32_t)row_number, arena_text(set->arena, json.data, json.length)};
}

enum { BOUNDS_EVERY = 1024 }; /* rows: what they can add is far below the bounds */

static int check_bounds(const struct record_set *set, struct err *err)
{
    if (set->build->total_rows % BOUNDS_EVERY != 0)
        return 0;
    if (set->build->total_rows >= LIMIT_RECORD_ROWS)
        return err_set(err, ERR_LIMIT, "more than %d rows in one source", LIMIT_RECORD_ROWS);
    if (names_size(set->names) >> 20 >= LIMIT_NAMES_MIB)
        return err_set(err, ERR_LIMIT, "more than %d MiB of names in one source", LIMIT_NAMES_MIB);
    if (arena_size(set->arena) >> 20 >= LIMIT_EXTRA_MIB)
        return err_set(err, ERR_LIMIT, "more than %d MiB of columns that Muster does not know",
                       LIMIT_EXTRA_MIB);
    return 0;
}

int record_add_row(struct record_set *set, const struct record_layout *layout,
                   const struct run_state_words *words, const struct record_value *values,
                   size_t count, uint32_t line, size_t *ret_column, struct err *err)
{
    CHECK(set->build != NULL);
    const struct row row = {set, layout, words, values, count, line, err};
    int status = check_bounds(set, err);
    if (status == 0)
        status = layout->table == RECORD_GUESTS ? parse_nic(&row, ret_column)
                                                : parse_plain(&row, ret_column);
    else
        *ret_column = 0;
    if (status != 0)
        return status;
    set->present[layout->table] = true;
    set->build->total_rows++;
    if (layout->unknown_count > 0)
        keep_extra(&row, record_set_rows(set, layout->table) - 1);
    return 0;
}

void record_expect_row(const struct record_set *set, const struct record_layout *layout,
                       const struct record_value *values, size_t count)
{
    static const enum nic_column columns[] = {NIC_HYPERVISOR, NIC_GUEST};
    for (size_t i = 0; layout->table == RECORD_GUESTS && i < ARRAY_COUNT(columns); i++) {
        int at = layout->at[columns[i]];
        if (at >= 0 && (size_t)at < count && values[at].length > 0)
            names_expect(set->names, values[at].text, values[at].length);
    }
}
