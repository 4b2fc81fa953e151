/* SPDX-License-Identifier: Apache-2.0 */
#include "source/decode_trap.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "wire/trap.h"

static void add_text(struct text *line, const char *key, const char *value)
{
    text_printf(line, ",\"%s\":", key);
    if (value == NULL || *value == '\0')
        text_add(line, "null");
    else
        text_add_json(line, value, strlen(value));
}

static void add_octets(struct text *line, const char *key, struct snmp_octets value)
{
    text_printf(line, ",\"%s\":", key);
    if (value.length == 0)
        text_add(line, "null");
    else
        text_add_json(line, (const char *)value.bytes, value.length);
}

static void add_number(struct text *line, const char *key, uint32_t value)
{
    if (value != 0)
        text_printf(line, ",\"%s\":%" PRIu32, key, value);
    else
        text_printf(line, ",\"%s\":null", key);
}

static void add_address(struct text *line, const char *key, const struct ip *address)
{
    char text[IP_TEXT_SIZE];
    add_text(line, key, ip_known(address) ? ip_format(address, text) : NULL);
}

static const char *version_word(enum snmp_version version)
{
    return version == SNMP_V1 ? "1" : version == SNMP_V2C ? "2c" : "3";
}

/* A spanning tree's change is no event of the schema's; its name is printed beside. */
static const char *event_word(enum trap_kind kind)
{
    return trap_kind_word(kind == TRAP_TOPOLOGY_CHANGE ? TRAP_OTHER : kind);
}

static void print_event(const struct trap *trap, const struct trap_event *event,
                        const struct decode_datagram *datagram, struct text *line)
{
    char mac[MAC_TEXT_SIZE], time[CLOCK_TEXT_SIZE];
    text_printf(line, "{\"type\":\"trap\",\"frame\":%" PRIu64 ",\"event\":\"%s\"", datagram->frame,
                event_word(event->kind));
    add_address(line, "switch", ip_known(&trap->agent) ? &trap->agent : &datagram->source);
    add_number(line, "if_index", event->if_index);
    add_number(line, "bridge_port", event->bridge_port);
    add_number(line, "vlan", event->vlan);
    add_text(line, "mac", mac_known(event->mac) ? mac_format(event->mac, mac) : NULL);
    add_number(line, "from_port", event->from_port);
    add_octets(line, "port", event->port_name);
    add_octets(line, "from", event->from_name);
    add_text(line, "time", wall_known(datagram->at) ? wall_format(datagram->at, time) : NULL);
    add_address(line, "source", &datagram->source);
    add_text(line, "version", version_word(trap->version));
    text_printf(line, ",\"inform\":%s", trap->inform ? "true" : "false");
    if (trap->sealed)
        text_add(line, ",\"sealed\":true");
    add_text(line, "oid", trap->oid);
    add_text(line, "name", trap->name);
    text_add(line, "}\n");
}

int decode_trap_datagram(const struct decode_datagram *datagram,
                         const struct decode_secrets *secrets, struct text *lines,
                         const char **ret_why)
{
    struct snmp_message message;
    struct trap trap;
    struct trap_event event;
    bool expected =
        datagram->destination_port == SNMP_TRAP_PORT || datagram->source_port == SNMP_TRAP_PORT;
    *ret_why = datagram->cut ? "is cut short by the capture" : "is no well-formed SNMP message";
    int code = snmp_message_decode(datagram->bytes, datagram->length, &message);
    if (code == ERR_UNSUPPORTED)
        *ret_why = "is of an SNMPv3 security model that is not read";
    else if (code == 0 && (code = trap_begin(&trap, &message)) == ERR_UNSUPPORTED)
        return 0; /* a question or an answer */
    if (code != 0 || (trap.sealed && !expected))
        return expected ? -1 : 0;
    while (trap_next(&trap, &event))
        print_event(&trap, &event, datagram, lines);
    return 0;
}
