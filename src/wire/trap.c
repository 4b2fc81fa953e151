/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/trap.h"

#include <stdio.h>
#include <string.h>

#define SYS_UPTIME    "1.3.6.1.2.1.1.3.0"
#define TRAP_OID      "1.3.6.1.6.3.1.1.4.1.0"
#define TRAP_ADDRESS  "1.3.6.1.6.3.18.1.3.0"
#define GENERIC_TRAPS "1.3.6.1.6.3.1.1.5"
#define IF_ENTRY      "1.3.6.1.2.1.2.2.1"
#define IF_X_ENTRY    "1.3.6.1.2.1.31.1.1.1"
#define IF_INDEX      IF_ENTRY ".1"
#define IF_DESCR      IF_ENTRY ".2"
#define IF_NAME       IF_X_ENTRY ".1"

enum { GENERIC_ENTERPRISE = 6 };

struct trap_rule {
    const char *oid, *name;
    enum trap_kind kind;
};

static const struct trap_rule rules[] = {
    {GENERIC_TRAPS ".1", "coldStart", TRAP_RESTART},
    {GENERIC_TRAPS ".2", "warmStart", TRAP_RESTART},
    {GENERIC_TRAPS ".3", "linkDown", TRAP_LINK_DOWN},
    {GENERIC_TRAPS ".4", "linkUp", TRAP_LINK_UP},
    {GENERIC_TRAPS ".5", "authenticationFailure", TRAP_OTHER},
    {GENERIC_TRAPS ".6", "egpNeighborLoss", TRAP_OTHER},
    {"1.3.6.1.2.1.17.0.1", "newRoot", TRAP_TOPOLOGY_CHANGE},
    {"1.3.6.1.2.1.17.0.2", "topologyChange", TRAP_TOPOLOGY_CHANGE},
    {"1.3.111.2.802.1.1.3.0.1", "ieee8021SpanningTreeNewRoot", TRAP_TOPOLOGY_CHANGE},
    {"1.3.111.2.802.1.1.3.0.2", "ieee8021SpanningTreeTopologyChange", TRAP_TOPOLOGY_CHANGE},
    {"1.0.8802.1.1.2.0.0.1", "lldpRemTablesChange", TRAP_OTHER},
    {"1.0.8802.1.1.2.1.5.4795.0.1", "lldpXMedTopologyChangeDetected", TRAP_OTHER},
};

static const char *const kind_words[] = {
#define KIND(word, name) word,
    TRAP_KINDS(KIND)
#undef KIND
};

const char *trap_kind_word(enum trap_kind kind)
{
    CHECK(kind < TRAP_KIND_COUNT);
    return kind_words[kind];
}

/* --- which notification --- */

/* Finds what `oid` is; true when it is one that we know. */
static bool identify(struct trap *trap, const char *oid)
{
    trap->rule = trap_mac_find(oid);
    trap->name = trap->rule != NULL ? trap_mac_name(trap->rule) : NULL;
    for (size_t i = 0; trap->rule == NULL && i < ARRAY_COUNT(rules); i++) {
        if (strcmp(rules[i].oid, oid) != 0)
            continue;
        trap->name = rules[i].name;
        trap->kind = rules[i].kind;
        return true;
    }
    return trap->rule != NULL;
}

/* Joins an enterprise and a number; false when it is too long. */
static bool join(char to[static TRAP_OID_TEXT], const char *enterprise, const char *between,
                 uint32_t number)
{
    int length = snprintf(to, TRAP_OID_TEXT, "%s%s%u", enterprise, between, number);
    return length > 0 && length < TRAP_OID_TEXT;
}

/* RFC 3584 section 3.1. */
static void identify_v1(struct trap *trap, const struct snmp_trap_v1 *v1)
{
    char enterprise[TRAP_OID_TEXT], other[TRAP_OID_TEXT];
    uint32_t specific = v1->specific >= 0 ? (uint32_t)v1->specific : 0;
    if (v1->generic >= 0 && v1->generic < GENERIC_ENTERPRISE) {
        join(trap->oid, GENERIC_TRAPS, ".", (uint32_t)v1->generic + 1);
        identify(trap, trap->oid);
        return;
    }
    trap_oid_text(v1->enterprise.bytes, v1->enterprise.length, enterprise);
    if (enterprise[0] == '\0' || !join(trap->oid, enterprise, ".0.", specific)) {
        trap->oid[0] = '\0';
        return;
    }
    size_t length = strlen(enterprise);
    bool known = identify(trap, trap->oid);
    if (known || length < 2 || strcmp(enterprise + length - 2, ".0") != 0)
        return;
    if (join(other, enterprise, ".", specific) && identify(trap, other))
        memcpy(trap->oid, other, sizeof(other));
}

/* --- who sent it --- */

/* Takes an agent's own IPv4 address unless it names nobody. */
static void take_address(struct trap *trap, const uint8_t octets[static 4])
{
    bool nobody = octets[0] == 127 || octets[0] == 0;
    if (!nobody && !ip_known(&trap->agent))
        trap->agent = ip_from_v4(octets);
}

static void take_varbind(struct trap *trap, const char *oid, const struct snmp_value *value)
{
    if (value->type == SNMP_OID && trap->oid[0] == '\0' && strcmp(oid, TRAP_OID) == 0)
        trap_oid_text(value->bytes, value->length, trap->oid);
    else if (value->type == SNMP_IPADDRESS && strcmp(oid, TRAP_ADDRESS) == 0)
        take_address(trap, value->bytes);
    else if (value->type == SNMP_TIMETICKS && strcmp(oid, SYS_UPTIME) == 0)
        trap->uptime_cs = (uint32_t)value->number;
}

/* Goes through all varbinds once: what describes the notification itself may stand
 * anywhere, and what is malformed may stand last. */
static int read_envelope(struct trap *trap)
{
    struct ber_reader list = trap->varbinds;
    struct snmp_varbind varbind;
    int result;
    while ((result = snmp_varbind_next(&list, &varbind)) == 1) {
        char oid[TRAP_OID_TEXT];
        trap_oid_text(varbind.oid, varbind.oid_length, oid);
        take_varbind(trap, oid, &varbind.value);
    }
    return result;
}

int trap_begin(struct trap *ret, const struct snmp_message *message)
{
    *ret = (struct trap){.version = message->version,
                         .inform = message->pdu == SNMP_INFORM,
                         .sealed = message->pdu == SNMP_PDU_NONE,
                         .engine_id = message->v3.engine_id,
                         .user = message->v3.user,
                         .community = message->community,
                         .uptime_cs = TRAP_NO_UPTIME};
    bool v1 = message->pdu == SNMP_TRAP_V1;
    if (ret->sealed)
        return 0;
    if (!v1 && message->pdu != SNMP_TRAP_V2 && message->pdu != SNMP_INFORM)
        return ERR_UNSUPPORTED;
    ret->varbinds = snmp_message_varbinds(message);
    if (v1)
        identify_v1(ret, &message->trap);
    int result = read_envelope(ret);
    if (result != 0)
        return result;
    if (v1) {
        take_address(ret, message->trap.address);
        ret->uptime_cs = message->trap.timestamp;
    } else {
        identify(ret, ret->oid);
    }
    if (ret->rule != NULL)
        trap_mac_start(&ret->macs, ret->rule, ret->varbinds);
    return 0;
}

/* --- what it says --- */

static void take_interface(const char *oid, const struct snmp_value *value,
                           struct trap_event *event)
{
    const char *instance;
    uint32_t index = 0;
    bool named = value->type == SNMP_OCTETS && value->length > 0;
    if (trap_oid_under(oid, IF_INDEX, NULL) && value->type == SNMP_INTEGER && value->number > 0 &&
        value->number <= INT32_MAX)
        event->if_index = (uint32_t)value->number;
    if (trap_oid_under(oid, IF_NAME, NULL) && named)
        event->port_name = (struct snmp_octets){value->bytes, value->length};
    if (trap_oid_under(oid, IF_DESCR, NULL) && named && event->port_name.length == 0)
        event->port_name = (struct snmp_octets){value->bytes, value->length};
    if (event->if_index != 0)
        return;
    if (trap_oid_under(oid, IF_ENTRY, &instance) || trap_oid_under(oid, IF_X_ENTRY, &instance)) {
        const char *dot = strchr(instance, '.');
        index = dot != NULL ? trap_oid_number(dot + 1) : 0;
    }
    event->if_index = index;
}

/* The one event of a notification that is no MAC notification. */
static void read_plain(struct trap *trap, struct trap_event *ret)
{
    struct ber_reader list = trap->varbinds;
    struct snmp_varbind varbind;
    *ret = (struct trap_event){.kind = trap->kind, .mac = MAC_NONE};
    while (!trap->sealed && snmp_varbind_next(&list, &varbind) == 1) {
        char oid[TRAP_OID_TEXT];
        trap_oid_text(varbind.oid, varbind.oid_length, oid);
        take_interface(oid, &varbind.value, ret);
    }
}

bool trap_next(struct trap *trap, struct trap_event *ret)
{
    if (trap->done)
        return false;
    if (trap->rule != NULL && trap_mac_next(&trap->macs, ret)) {
        trap->told = true;
        return true;
    }
    trap->done = true;
    if (trap->told)
        return false;
    /* Also of a MAC notification in which nothing could be read. */
    read_plain(trap, ret);
    return true;
}
