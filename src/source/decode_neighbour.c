/* SPDX-License-Identifier: Apache-2.0 */
#include "source/decode_neighbour.h"

#include <inttypes.h>

static void add_mac(struct text *line, const char *key, struct mac mac)
{
    char text[MAC_TEXT_SIZE];
    if (mac_known(mac))
        text_printf(line, ",\"%s\":\"%s\"", key, mac_format(mac, text));
    else
        text_printf(line, ",\"%s\":null", key);
}

static void add_octets(struct text *line, const char *key, struct frame_octets octets)
{
    const char *bytes = (const char *)octets.bytes;
    text_printf(line, ",\"%s\":", key);
    if (octets.bytes == NULL) {
        text_add(line, "null");
        return;
    }
    bool printable = text_is_utf8(bytes, octets.length);
    for (unsigned i = 0; i < octets.length; i++)
        printable = printable && (octets.bytes[i] >= ' ' || octets.bytes[i] == '\n' ||
                                  octets.bytes[i] == '\r' || octets.bytes[i] == '\t');
    if (printable) {
        text_add_json(line, bytes, octets.length);
        return;
    }
    text_add(line, "\"hex:");
    for (unsigned i = 0; i < octets.length; i++)
        text_printf(line, "%02x", octets.bytes[i]);
    text_add_char(line, '"');
}

/* An identifier of LLDP, by its subtype. */
static void add_id(struct text *line, const char *key, struct frame_octets id, bool is_mac,
                   bool is_address)
{
    char text[IP_TEXT_SIZE];
    if (is_mac && id.bytes != NULL && id.length == 6) {
        add_mac(line, key, mac_from_octets(id.bytes));
    } else if (is_address && id.bytes != NULL && id.length == 5 && id.bytes[0] == 1) {
        struct ip address = ip_from_v4(id.bytes + 1);
        text_printf(line, ",\"%s\":\"%s\"", key, ip_format(&address, text));
    } else {
        add_octets(line, key, id);
    }
}

static void add_side(struct text *line, const char *key, const struct lacp_side *side)
{
    char text[MAC_TEXT_SIZE];
    if (!side->said) {
        text_printf(line, ",\"%s\":null", key);
        return;
    }
    text_printf(line,
                ",\"%s\":{\"priority\":%u,\"system\":\"%s\",\"key\":%u,\"port\":%u,"
                "\"state\":%u}",
                key, side->priority, mac_format(side->system, text), side->key, side->port,
                side->state);
}

void decode_neighbour_print(const struct neighbour_frame *read, uint64_t number, struct mac sender,
                            struct text *lines)
{
    char address[IP_TEXT_SIZE];
    bool lldp = read->kind == NEIGHBOUR_LLDP;
    if (read->kind == NEIGHBOUR_LACP) {
        text_printf(lines, "{\"type\":\"lacp\",\"frame\":%" PRIu64, number);
        add_mac(lines, "sender", sender);
        add_side(lines, "actor", &read->actor);
        add_side(lines, "partner", &read->partner);
        text_add(lines, "}\n");
        return;
    }
    text_printf(lines,
                "{\"type\":\"neighbour\",\"frame\":%" PRIu64 ",\"switch\":null,\"protocol\":\"%s\","
                "\"local_port\":null,\"if_index\":null",
                number, lldp ? "lldp" : "cdp");
    add_mac(lines, "sender", sender);
    add_id(lines, "chassis", read->chassis, lldp && read->chassis_subtype == LLDP_CHASSIS_MAC,
           lldp && read->chassis_subtype == LLDP_CHASSIS_ADDRESS);
    add_id(lines, "port", read->port, lldp && read->port_subtype == LLDP_PORT_MAC,
           lldp && read->port_subtype == LLDP_PORT_ADDRESS);
    add_octets(lines, "port_description", read->port_description);
    add_octets(lines, "system", read->system);
    add_octets(lines, "description", read->description);
    if (ip_known(&read->address))
        text_printf(lines, ",\"address\":\"%s\"", ip_format(&read->address, address));
    else
        text_add(lines, ",\"address\":null");
    if (read->has_native_vlan)
        text_printf(lines, ",\"native_vlan\":%u}\n", read->native_vlan);
    else
        text_add(lines, ",\"native_vlan\":null}\n");
}
