/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/trap_mac.h"

#include <string.h>

/* --- the table --- */

/* Offsets within one packed tuple; NO: it has none. All numbers are big-endian. */
enum { NO = 255, LAYOUT_MAX = 4, OBJECT_MAX = 6, ACTION_MAX = 5 };

struct layout {
    uint8_t size;
    uint8_t operation, vlan, mac, port;
    uint8_t port_size;
    uint8_t unit, unit_size; /* number in the stack, before the port */
    uint8_t zero;            /* separator that ends each tuple */
    bool port_is_if_index;
};

/* What a varbind of its own says. */
enum meaning {
    MEANS_NOTHING, /* ends the list */
    MEANS_TUPLES,
    MEANS_ACTION,
    MEANS_MAC,
    MEANS_VLAN,
    MEANS_PORT,      /* base port: where it is */
    MEANS_FROM_PORT, /* base port: where it was */
    MEANS_IF_INDEX,
    MEANS_FROM_IF_INDEX,
    MEANS_NAMES,      /* name of the port: once where it was, then where it is */
    MEANS_FDB_PORT,   /* base port; the instance is FDB id (the VLAN) and MAC */
    MEANS_MAC_AT_PORT /* MAC; the instance is the ifIndex */
};

struct object {
    enum meaning meaning;
    const char *oid;
};

struct trap_mac_rule {
    const char *name, *oid;
    bool below; /* any OID below `oid` counts, not only it */
    enum trap_kind kind;
    const uint8_t *actions; /* by the value of MEANS_ACTION; NULL: `kind` it is */
    struct object objects[OBJECT_MAX];
    struct layout layouts[LAYOUT_MAX]; /* tried in turn */
};

static const uint8_t operations[] = {TRAP_OTHER, TRAP_MAC_LEARNED, TRAP_MAC_REMOVED,
                                     TRAP_MAC_MOVED};

/* ProCurve and Aruba CX number alike, but for "aged". */
static const uint8_t hp_actions[ACTION_MAX] = {TRAP_MAC_REMOVED, TRAP_MAC_LEARNED, TRAP_MAC_MOVED,
                                               TRAP_MAC_REMOVED, TRAP_MAC_REMOVED};

/* clang-format off */
#define LAYOUT_CISCO      {.size = 11, .operation = 0, .vlan = 1, .mac = 3, .port = 9, .port_size = 2, .unit = NO, .zero = NO}
#define LAYOUT_JUNIPER_EX {.size = 13, .operation = 0, .vlan = 1, .mac = 3, .port = 9, .port_size = 4, .unit = NO, .zero = NO}
/* The octets at 1 are an internal index of the VLAN; its tag comes last. */
#define LAYOUT_JUNIPER_ELS {.size = 13, .operation = 0, .vlan = 11, .mac = 3, .port = 9, .port_size = 2, .unit = NO, .zero = NO}
/* The octet at 9 is how the address was learnt. */
#define LAYOUT_H3C        {.size = 12, .operation = 0, .vlan = 1, .mac = 3, .port = 10, .port_size = 2, .unit = NO, .zero = NO, .port_is_if_index = true}
#define LAYOUT_H3C_EXT    {.size = 14, .operation = 0, .vlan = 1, .mac = 3, .port = 10, .port_size = 4, .unit = NO, .zero = NO, .port_is_if_index = true}
#define LAYOUT_DLINK_10   {.size = 10, .operation = 0, .vlan = NO, .mac = 1, .port = 8, .port_size = 1, .unit = 7, .unit_size = 1, .zero = 9}
#define LAYOUT_DLINK_11   {.size = 11, .operation = 0, .vlan = NO, .mac = 1, .port = 8, .port_size = 2, .unit = 7, .unit_size = 1, .zero = 10}
#define LAYOUT_DLINK_12   {.size = 12, .operation = 0, .vlan = NO, .mac = 1, .port = 9, .port_size = 2, .unit = 7, .unit_size = 2, .zero = 11}
#define LAYOUT_DLINK_VID  {.size = 13, .operation = 0, .vlan = 1, .mac = 3, .port = 10, .port_size = 2, .unit = 9, .unit_size = 1, .zero = 12}

/* One MIB under the roots of 3Com, H3C, Huawei-3Com and HPE. */
#define H3C_RULES(root) \
    {.name = "hh3cMACInformationChangedTrap", .oid = root ".1.3.0.1", .objects = {{MEANS_TUPLES, root ".1.3.2.3"}}, .layouts = {LAYOUT_H3C}}, \
    {.name = "hh3cMACInformationChangedTrapExt", .oid = root ".1.4.0.1", .objects = {{MEANS_TUPLES, root ".1.4.2.4"}}, .layouts = {LAYOUT_H3C_EXT}}, \
    {.name = "hh3cMACInformationMovedTrap", .oid = root ".1.4.0.2", .kind = TRAP_MAC_MOVED, \
     .objects = {{MEANS_MAC, root ".1.4.2.5"}, {MEANS_VLAN, root ".1.4.2.6"}, {MEANS_FROM_IF_INDEX, root ".1.4.2.7"}, {MEANS_IF_INDEX, root ".1.4.2.8"}}}

#define CISCO   "1.3.6.1.4.1.9.9.215"
#define JUNIPER "1.3.6.1.4.1.2636.3"
#define HP      "1.3.6.1.4.1.11.2.14.11.5.1.66"
#define CX      "1.3.6.1.4.1.47196.4.1.1.3.19"
#define EXTREME "1.3.6.1.4.1.1916.1.16.6"
#define DLINK   "1.3.6.1.4.1.171"
#define HUAWEI  "1.3.6.1.4.1.2011.5.25.42"
#define ARISTA  "1.3.6.1.4.1.30065.3.2.0"
#define FDB_PORT "1.3.6.1.2.1.17.7.1.2.2.1.2"

static const struct trap_mac_rule rules[] = {
    {.name = "cmnMacChangedNotification", .oid = CISCO ".2.0.1", .objects = {{MEANS_TUPLES, CISCO ".1.1.8.1.2"}}, .layouts = {LAYOUT_CISCO}},
    {.name = "cmnMacMoveNotification", .oid = CISCO ".2.0.2", .kind = TRAP_MAC_MOVED,
     .objects = {{MEANS_MAC, CISCO ".1.3.3"}, {MEANS_VLAN, CISCO ".1.3.4"}, {MEANS_FROM_PORT, CISCO ".1.3.5"}, {MEANS_PORT, CISCO ".1.3.6"}}},
    {.name = "jnxMacChangedNotification", .oid = JUNIPER ".40.1.7.2.0.1", .objects = {{MEANS_TUPLES, JUNIPER ".40.1.7.1.1.1.8.1.2"}}, .layouts = {LAYOUT_JUNIPER_EX}},
    {.name = "jnxL2aldMacChangedNotification", .oid = JUNIPER ".48.1.0.5", .objects = {{MEANS_TUPLES, JUNIPER ".48.1.2.1.8.1.2"}}, .layouts = {LAYOUT_JUNIPER_ELS}},
    H3C_RULES("1.3.6.1.4.1.25506.2.87"),
    H3C_RULES("1.3.6.1.4.1.11.2.14.11.15.2.87"),
    H3C_RULES("1.3.6.1.4.1.2011.10.2.87"),
    H3C_RULES("1.3.6.1.4.1.43.45.1.10.2.87"),
    {.name = "hpicfMacNotifyMacAddressTableChange", .oid = HP ".0.1", .actions = hp_actions,
     .objects = {{MEANS_ACTION, HP ".1.6"}, {MEANS_MAC, HP ".1.7"}, {MEANS_FROM_PORT, HP ".1.8"}, {MEANS_PORT, HP ".1.9"}, {MEANS_VLAN, HP ".1.10"}}},
    {.name = "arubaWiredMacNotifyMacAddressTableChange", .oid = CX ".0.1", .actions = hp_actions,
     .objects = {{MEANS_ACTION, CX ".3.1.1.1"}, {MEANS_MAC, CX ".3.1.1.2"}, {MEANS_FROM_PORT, CX ".3.1.1.3"}, {MEANS_PORT, CX ".3.1.1.4"}, {MEANS_VLAN, CX ".3.1.1.5"}}},
    {.name = "extremeMACTrackingAdd", .oid = EXTREME ".0.1", .kind = TRAP_MAC_LEARNED, .objects = {{MEANS_MAC, EXTREME ".1"}, {MEANS_IF_INDEX, EXTREME ".2"}}},
    {.name = "extremeMACTrackingDel", .oid = EXTREME ".0.2", .kind = TRAP_MAC_REMOVED, .objects = {{MEANS_MAC, EXTREME ".1"}, {MEANS_IF_INDEX, EXTREME ".2"}}},
    {.name = "extremeMACTrackingMove", .oid = EXTREME ".0.3", .kind = TRAP_MAC_MOVED,
     .objects = {{MEANS_MAC, EXTREME ".1"}, {MEANS_IF_INDEX, EXTREME ".2"}, {MEANS_FROM_IF_INDEX, EXTREME ".3"}}},
    {.name = "dL2FdbMacNotification", .oid = DLINK ".14.3.0.1", .objects = {{MEANS_TUPLES, DLINK ".14.3.1.6.1"}}, .layouts = {LAYOUT_DLINK_11, LAYOUT_DLINK_10, LAYOUT_DLINK_12}},
    {.name = "dL2FdbMacNotificationWithVID", .oid = DLINK ".14.3.0.2", .objects = {{MEANS_TUPLES, DLINK ".14.3.1.6"}}, .layouts = {LAYOUT_DLINK_VID}},
    {.name = "hwMacFlappingAlarm", .oid = HUAWEI ".2.1.7.12", .kind = TRAP_MAC_MOVED,
     .objects = {{MEANS_MAC, HUAWEI ".2.1.24.1"}, {MEANS_VLAN, HUAWEI ".2.1.24.2"}, {MEANS_NAMES, HUAWEI ".1.1.1.3.1.19"}}},
    {.name = "aristaMacMove", .oid = ARISTA ".1", .kind = TRAP_MAC_MOVED, .objects = {{MEANS_FDB_PORT, FDB_PORT}}},
    {.name = "aristaMacLearn", .oid = ARISTA ".2", .kind = TRAP_MAC_LEARNED, .objects = {{MEANS_FDB_PORT, FDB_PORT}}},
    {.name = "aristaMacAge", .oid = ARISTA ".3", .kind = TRAP_MAC_REMOVED, .objects = {{MEANS_FDB_PORT, FDB_PORT}}},
    /* Not learnt but refused at the port: "other", with MAC and interface. */
    {.name = "cpsSecureMacAddrViolation", .oid = "1.3.6.1.4.1.9.9.315.0.0.1", .objects = {{MEANS_MAC_AT_PORT, "1.3.6.1.4.1.9.9.315.1.2.1.1.10"}}},
    {.name = "s5EtrSbsMacAccessViolation", .oid = "1.3.6.1.4.1.45.1.6.2.1.0.5",
     .objects = {{MEANS_PORT, "1.3.6.1.4.1.45.1.6.5.3.12.1.2"}, {MEANS_MAC, "1.3.6.1.4.1.45.1.6.5.3.12.1.3"}}},
    /* D-Link's older models have each their own branch and agree on the layouts. */
    {.name = "swL2macNotification", .oid = DLINK ".11", .below = true, .objects = {{MEANS_TUPLES, DLINK ".11"}}, .layouts = {LAYOUT_DLINK_10, LAYOUT_DLINK_12, LAYOUT_DLINK_VID}},
};
/* clang-format on */

/* --- OIDs as text --- */

bool trap_oid_under(const char *oid, const char *prefix, const char **ret_instance)
{
    size_t length = strlen(prefix);
    if (strncmp(oid, prefix, length) != 0 || (oid[length] != '\0' && oid[length] != '.'))
        return false;
    if (ret_instance != NULL)
        *ret_instance = oid[length] == '.' ? oid + length + 1 : "";
    return true;
}

/* Reads one sub-identifier and moves behind its dot. */
static bool take_number(const char **at, uint32_t *ret)
{
    uint64_t value = 0;
    const char *digit = *at;
    for (; *digit >= '0' && *digit <= '9' && value <= UINT32_MAX; digit++)
        value = value * 10 + (uint64_t)(*digit - '0');
    if (digit == *at || value > UINT32_MAX || (*digit != '.' && *digit != '\0'))
        return false;
    *at = *digit == '.' ? digit + 1 : digit;
    *ret = (uint32_t)value;
    return true;
}

uint32_t trap_oid_number(const char *instance)
{
    uint32_t number;
    return take_number(&instance, &number) ? number : 0;
}

void trap_oid_text(const uint8_t *bytes, size_t length, char buffer[static TRAP_OID_TEXT])
{
    struct oid oid;
    char text[OID_TEXT_SIZE];
    buffer[0] = '\0';
    if (oid_decode(bytes, length, &oid) != 0)
        return;
    oid_format(&oid, text);
    size_t size = strlen(text) + 1;
    if (size <= TRAP_OID_TEXT)
        memcpy(buffer, text, size);
}

const struct trap_mac_rule *trap_mac_find(const char *oid)
{
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        const char *instance;
        if (trap_oid_under(oid, rules[i].oid, &instance) && (rules[i].below || *instance == '\0'))
            return &rules[i];
    }
    return NULL;
}

const char *trap_mac_name(const struct trap_mac_rule *rule)
{
    return rule->below ? NULL : rule->name;
}

/* --- packed tuples --- */

static uint32_t number_at(const uint8_t *tuple, uint8_t offset, uint8_t size)
{
    uint32_t value = 0;
    for (uint8_t i = 0; i < size; i++)
        value = value << 8 | tuple[offset + i];
    return value;
}

/* Whether every whole tuple has its separating zero and an operation that exists. */
static bool layout_fits(const struct layout *layout, const struct ber_reader *tuples)
{
    size_t length = (size_t)(tuples->end - tuples->at);
    if (length < layout->size || length % layout->size != 0)
        return false;
    for (size_t at = 0; at < length; at += layout->size) {
        uint8_t operation = tuples->at[at + layout->operation];
        if (tuples->at[at + layout->zero] != 0 || operation == 0 ||
            operation >= ARRAY_COUNT(operations))
            return false;
    }
    return true;
}

/* A layout without separator is known by the OID alone and always the only one. */
static const struct layout *choose_layout(const struct trap_mac_rule *rule,
                                          const struct ber_reader *tuples)
{
    if (rule->layouts[0].zero == NO)
        return &rule->layouts[0];
    for (size_t i = 0; i < LAYOUT_MAX && rule->layouts[i].size != 0; i++)
        if (layout_fits(&rule->layouts[i], tuples))
            return &rule->layouts[i];
    return NULL;
}

static bool read_tuple(const struct layout *layout, const uint8_t *tuple, struct trap_event *ret)
{
    uint8_t operation = tuple[layout->operation];
    *ret = (struct trap_event){.mac = mac_from_octets(tuple + layout->mac)};
    if (operation >= ARRAY_COUNT(operations) || mac_is_zero(ret->mac) || mac_is_multicast(ret->mac))
        return false;
    ret->kind = (enum trap_kind)operations[operation];
    if (layout->vlan != NO)
        ret->vlan = number_at(tuple, layout->vlan, 2);
    uint32_t port = number_at(tuple, layout->port, layout->port_size);
    /* The port of a further unit of a stack is numbered within that unit. */
    if (layout->unit != NO && number_at(tuple, layout->unit, layout->unit_size) > 1)
        return true;
    if (layout->port_is_if_index)
        ret->if_index = port;
    else
        ret->bridge_port = port;
    return true;
}

/* Reads the next tuple of the present octet string; false when it is used up. */
static bool next_tuple(struct trap_mac_reader *reader, struct trap_event *ret)
{
    const struct layout *layout = reader->layout;
    while (reader->tuples.at != reader->tuples.end) {
        size_t left = (size_t)(reader->tuples.end - reader->tuples.at);
        const uint8_t *tuple = reader->tuples.at;
        if (tuple[0] == 0) {
            reader->tuples.at = reader->tuples.end;
            break;
        }
        if (left < layout->size) {
            reader->trailing += (uint32_t)left;
            reader->tuples.at = reader->tuples.end;
            break;
        }
        reader->tuples.at += layout->size;
        if (read_tuple(layout, tuple, ret))
            return true;
        reader->rejected++;
    }
    return false;
}

/* --- separate varbinds --- */

static enum meaning meaning_of(const struct trap_mac_rule *rule, const char *oid,
                               const char **ret_instance)
{
    for (size_t i = 0; i < OBJECT_MAX && rule->objects[i].meaning != MEANS_NOTHING; i++)
        if (trap_oid_under(oid, rule->objects[i].oid, ret_instance))
            return rule->objects[i].meaning;
    return MEANS_NOTHING;
}

static uint32_t number_of(const struct snmp_value *value)
{
    bool number =
        value->type == SNMP_INTEGER || value->type == SNMP_GAUGE32 || value->type == SNMP_COUNTER32;
    return number && value->number > 0 && value->number <= UINT32_MAX ? (uint32_t)value->number : 0;
}

/* A MAC is six octets, or text of any spelling. */
static struct mac mac_of(const struct snmp_value *value)
{
    struct mac mac = MAC_NONE;
    if (value->type != SNMP_OCTETS)
        return mac;
    if (value->length == 6)
        return mac_from_octets(value->bytes);
    return value->length > 0 && mac_parse((const char *)value->bytes, value->length, &mac) == 0
               ? mac
               : MAC_NONE;
}

static void take_name(const struct snmp_value *value, struct trap_event *event)
{
    if (value->type != SNMP_OCTETS)
        return;
    struct snmp_octets name = {value->bytes, value->length};
    if (event->port_name.length > 0)
        event->from_name = event->port_name;
    event->port_name = name;
}

/* FDB id and MAC as an instance: "10.82.84.0.17.34.51". */
static void take_instance(const char *instance, struct trap_event *event)
{
    uint32_t vlan, octet;
    uint64_t bits = 0;
    if (!take_number(&instance, &vlan))
        return;
    for (int i = 0; i < 6; i++) {
        if (!take_number(&instance, &octet) || octet > 255)
            return;
        bits = bits << 8 | octet;
    }
    if (*instance == '\0') {
        event->vlan = vlan;
        event->mac = (struct mac){bits};
    }
}

struct change {
    struct trap_event event;
    uint32_t port, from; /* base ports or interfaces */
    bool port_is_if_index;
    bool action_known;
};

static void take_value(const struct trap_mac_rule *rule, enum meaning meaning, const char *instance,
                       const struct snmp_value *value, struct change *change)
{
    struct trap_event *event = &change->event;
    switch (meaning) {
    case MEANS_ACTION:
        if (value->type == SNMP_INTEGER && value->number >= 0 && value->number < ACTION_MAX) {
            event->kind = (enum trap_kind)rule->actions[value->number];
            change->action_known = true;
        }
        break;
    case MEANS_MAC:
        event->mac = mac_of(value);
        break;
    case MEANS_VLAN:
        event->vlan = number_of(value);
        break;
    case MEANS_IF_INDEX:
        change->port_is_if_index = true;
        change->port = number_of(value);
        break;
    case MEANS_PORT:
        change->port = number_of(value);
        break;
    case MEANS_FROM_IF_INDEX:
    case MEANS_FROM_PORT:
        change->from = number_of(value);
        break;
    case MEANS_NAMES:
        take_name(value, event);
        break;
    case MEANS_FDB_PORT:
        take_instance(instance, event);
        change->port = number_of(value);
        break;
    case MEANS_MAC_AT_PORT:
        event->mac = mac_of(value);
        change->port_is_if_index = true;
        change->port = trap_oid_number(instance);
        break;
    case MEANS_TUPLES:
    case MEANS_NOTHING:
        break;
    }
}

/* Puts the ports where they belong: what was removed was where it is "from". */
static void settle_ports(struct change *change)
{
    struct trap_event *event = &change->event;
    uint32_t port = change->port;
    if (port == 0 && event->kind == TRAP_MAC_REMOVED)
        port = change->from;
    else if (event->kind == TRAP_MAC_MOVED)
        event->from_port = change->from;
    if (change->port_is_if_index)
        event->if_index = port;
    else
        event->bridge_port = port;
}

/* Reads the one change that separate varbinds make together. */
static bool read_change(struct trap_mac_reader *reader, struct trap_event *ret)
{
    const struct trap_mac_rule *rule = reader->rule;
    struct change change = {.event = {.kind = rule->kind, .mac = MAC_NONE}};
    struct snmp_varbind varbind;
    while (snmp_varbind_next(&reader->varbinds, &varbind) == 1) {
        char oid[TRAP_OID_TEXT];
        const char *instance;
        trap_oid_text(varbind.oid, varbind.oid_length, oid);
        enum meaning meaning = meaning_of(rule, oid, &instance);
        if (meaning != MEANS_NOTHING)
            take_value(rule, meaning, instance, &varbind.value, &change);
    }
    const struct mac mac = change.event.mac;
    if (!mac_known(mac) || mac_is_zero(mac) || mac_is_multicast(mac) ||
        (rule->actions != NULL && !change.action_known)) {
        reader->rejected++;
        return false;
    }
    settle_ports(&change);
    *ret = change.event;
    return true;
}

/* --- both --- */

void trap_mac_start(struct trap_mac_reader *reader, const struct trap_mac_rule *rule,
                    struct ber_reader varbinds)
{
    *reader = (struct trap_mac_reader){.rule = rule, .varbinds = varbinds};
}

/* Goes to the next octet string of tuples. */
static bool next_string(struct trap_mac_reader *reader)
{
    struct snmp_varbind varbind;
    while (snmp_varbind_next(&reader->varbinds, &varbind) == 1) {
        char oid[TRAP_OID_TEXT];
        const char *instance;
        if (varbind.value.type != SNMP_OCTETS)
            continue;
        trap_oid_text(varbind.oid, varbind.oid_length, oid);
        if (meaning_of(reader->rule, oid, &instance) != MEANS_TUPLES)
            continue;
        reader->tuples =
            (struct ber_reader){varbind.value.bytes, varbind.value.bytes + varbind.value.length};
        reader->layout = choose_layout(reader->rule, &reader->tuples);
        if (reader->layout != NULL)
            return true;
        reader->rejected++;
    }
    return false;
}

bool trap_mac_next(struct trap_mac_reader *reader, struct trap_event *ret)
{
    if (reader->rule->objects[0].meaning != MEANS_TUPLES) {
        bool first = !reader->done;
        reader->done = true;
        return first && read_change(reader, ret);
    }
    for (;;) {
        if (reader->layout != NULL && next_tuple(reader, ret))
            return true;
        reader->layout = NULL;
        if (!next_string(reader))
            return false;
    }
}
