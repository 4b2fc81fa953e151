/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/open_payload.h"

#include "wire/bytes.h"

enum {
    ESP_HEADER = 8,
    ESP_TRAILER = 2,
    VECTOR_BYTES = 8, /* of signatures that are made by AES-GMAC (RFC 4543) */
    MOBILITY_HEADER = 8,
    UDP_HEADER = 8,
    IPV4_HEADER = 20,
    IPV6_HEADER = 40
};

const uint8_t open_payload_icvs[OPEN_PAYLOAD_ICVS] = {12, 16, 8, 24, 32, 0};

/* A payload that ESP may carry, as a packet from and to the same. */
static struct ip_packet payload_of(const struct ip_packet *packet, uint8_t protocol,
                                   const uint8_t *bytes, size_t length)
{
    struct ip_packet inner = *packet;
    inner.protocol = protocol;
    inner.payload = bytes;
    inner.length = inner.wire_length = length;
    inner.again = false;
    inner.told = 0;
    inner.part = (struct ip_part){.bytes = NULL};
    return inner;
}

static bool fills_as_mobility(const uint8_t *bytes, size_t length)
{
    return length >= MOBILITY_HEADER && bytes[0] == IP_PROTOCOL_NONE &&
           ((size_t)bytes[1] + 1) * 8 == length;
}

static bool is_mobility(const struct ip_packet *packet)
{
    return fills_as_mobility(packet->payload, packet->length) &&
           bytes_u16(packet->payload + 4) != 0 && ip_packet_is_sound(packet);
}

static bool is_udp(const struct ip_packet *packet)
{
    return packet->length >= UDP_HEADER && bytes_u16(packet->payload + 4) == packet->length &&
           bytes_u16(packet->payload + 6) != 0 && ip_packet_is_sound(packet);
}

/* The checksum of IPv4's own header. */
static bool is_ipv4(const uint8_t *bytes, size_t length)
{
    if (length < IPV4_HEADER || bytes[0] >> 4 != 4 || bytes_u16(bytes + 2) != length)
        return false;
    size_t header = (size_t)(bytes[0] & 0x0f) * 4;
    if (header < IPV4_HEADER || header > length)
        return false;
    uint32_t sum = 0;
    for (size_t i = 0; i < header; i += 2)
        sum += bytes_u16(bytes + i);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

/* A packet of IPv6 has no checksum of its own: what it carries must have one. */
static bool is_ipv6(const uint8_t *bytes, size_t length)
{
    struct ip_packet inner;
    if (length < IPV6_HEADER || bytes[0] >> 4 != 6 ||
        (size_t)bytes_u16(bytes + 4) + IPV6_HEADER != length ||
        ip_packet_read(bytes, length, false, &inner) != WIRE_OK || inner.part.bytes != NULL)
        return false;
    switch (inner.protocol) {
    case IP_PROTOCOL_MOBILITY:
        return is_mobility(&inner);
    case IP_PROTOCOL_UDP:
        return is_udp(&inner);
    case IP_PROTOCOL_TCP:
    case IP_PROTOCOL_ICMPV6:
        return ip_packet_is_sound(&inner);
    default:
        return false;
    }
}

static bool is_right(const struct ip_packet *inner)
{
    switch (inner->protocol) {
    case IP_PROTOCOL_MOBILITY:
        return is_mobility(inner);
    case IP_PROTOCOL_UDP:
        return is_udp(inner);
    case IP_PROTOCOL_IPV4:
        return is_ipv4(inner->payload, inner->length);
    case IP_PROTOCOL_IPV6:
        return is_ipv6(inner->payload, inner->length);
    default:
        return false;
    }
}

/* Tries a signature of `icv` octets and a vector of `vector` at the beginning. */
static bool open_esp_of(const uint8_t *bytes, size_t length, size_t vector, size_t icv,
                        const struct ip_packet *packet, struct ip_packet *ret)
{
    size_t header = ESP_HEADER + vector;
    if (length < header + ESP_TRAILER + icv)
        return false;
    size_t end = length - icv, padding = bytes[end - 2];
    size_t held = end - header - ESP_TRAILER;
    if (padding > held || (end - header) % 4 != 0)
        return false;
    for (size_t i = 0; i < padding; i++) {
        if (bytes[end - ESP_TRAILER - padding + i] != i + 1)
            return false;
    }
    *ret = payload_of(packet, bytes[end - 1], bytes + header, held - padding);
    return is_right(ret);
}

static bool open_esp(const uint8_t *bytes, size_t length, struct ip_packet *packet)
{
    struct ip_packet inner;
    if (length < ESP_HEADER || bytes_u32(bytes) == 0)
        return false;
    for (unsigned i = 0; i < 2 * OPEN_PAYLOAD_ICVS; i++) {
        size_t icv = open_payload_icvs[i % OPEN_PAYLOAD_ICVS];
        size_t vector = i < OPEN_PAYLOAD_ICVS ? 0 : VECTOR_BYTES;
        if (!open_esp_of(bytes, length, vector, icv, packet, &inner))
            continue;
        *packet = inner;
        packet->opened = true;
        return true;
    }
    return false;
}

static void open_datagram(struct ip_packet *packet)
{
    struct udp_datagram udp;
    if (!ip_packet_udp(packet, &udp) || udp.cut)
        return;
    if (udp.source_port == PORT_ESP || udp.destination_port == PORT_ESP) {
        open_esp(udp.payload, udp.length, packet);
        return;
    }
    bool control =
        udp.source_port == PORT_PROXY_CONTROL || udp.destination_port == PORT_PROXY_CONTROL;
    if (control && fills_as_mobility(udp.payload, udp.length))
        *packet = payload_of(packet, IP_PROTOCOL_MOBILITY, udp.payload, udp.length);
}

void open_payload(struct ip_packet *packet)
{
    bool whole =
        !packet->fragment && packet->part.bytes == NULL && packet->length == packet->wire_length;
    if (!whole)
        return;
    if (packet->protocol == IP_PROTOCOL_ESP)
        open_esp(packet->payload, packet->length, packet);
    else if (packet->protocol == IP_PROTOCOL_UDP)
        open_datagram(packet);
}

bool open_payload_may(const uint8_t *bytes, size_t length)
{
    for (unsigned i = 0; i < OPEN_PAYLOAD_ICVS; i++) {
        if (length <= open_payload_icvs[i])
            continue;
        uint8_t next = bytes[length - open_payload_icvs[i] - 1];
        if (next == IP_PROTOCOL_MOBILITY || next == IP_PROTOCOL_IPV6)
            return true;
    }
    return false;
}
