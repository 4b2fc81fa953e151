/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ip_packet.h"

#include "wire/bytes.h"

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    UDP_HEADER = 8,
    AUTHENTICATION_HEADER = 12,
    FRAGMENT_OFFSET = 0x1fff,
    MORE_FRAGMENTS = 0x2000
};

/* --- IP --- */

/* One that covers a whole packet; in a fragment its length is another's. */
static enum wire_fault pass_authentication(struct ip_packet *packet)
{
    for (unsigned headers = 0;
         packet->protocol == IP_PROTOCOL_AUTHENTICATION && packet->part.bytes == NULL; headers++) {
        if (headers == LIMIT_IPV6_HEADERS)
            return WIRE_TOO_DEEP;
        if (packet->length < AUTHENTICATION_HEADER)
            return WIRE_CUT;
        size_t size = ((size_t)packet->payload[1] + 2) * 4;
        if (size < AUTHENTICATION_HEADER)
            return WIRE_MALFORMED;
        if (size > packet->length)
            return WIRE_CUT;
        packet->protocol = packet->payload[0];
        packet->payload += size;
        packet->length -= size;
        packet->wire_length -= size;
        packet->chain.authenticated = true;
    }
    return WIRE_OK;
}

static enum wire_fault read_ipv4(const uint8_t *bytes, size_t length, struct ip_packet *ret)
{
    if (length < IPV4_HEADER)
        return WIRE_CUT;
    size_t header = (size_t)(bytes[0] & 0x0f) * 4, total = bytes_u16(bytes + 2);
    if (header < IPV4_HEADER)
        return WIRE_MALFORMED;
    if (header > length)
        return WIRE_CUT;
    /* Offload leaves the length empty in frames that were captured on their sender. */
    if (total == 0)
        total = length;
    if (total < header)
        return WIRE_MALFORMED;
    ret->source = ip_from_v4(bytes + 12);
    ret->destination = ip_from_v4(bytes + 16);
    ret->version = 4;
    ret->hop_limit = bytes[8];
    ret->protocol = bytes[9];
    uint16_t place = bytes_u16(bytes + 6);
    ret->fragment = (place & FRAGMENT_OFFSET) != 0;
    ret->payload = bytes + header;
    ret->wire_length = total - header;
    ret->length = (total < length ? total : length) - header;
    ret->again = ret->opened = ret->dual_stack = false;
    ret->told = 0;
    ret->part = (struct ip_part){.bytes = NULL};
    ret->chain = (struct ipv6_chain){.protocol = ret->protocol};
    if ((place & (FRAGMENT_OFFSET | MORE_FRAGMENTS)) != 0)
        ret->part = (struct ip_part){.bytes = ret->payload,
                                     .length = ret->length,
                                     .wire_length = ret->wire_length,
                                     .offset = (size_t)(place & FRAGMENT_OFFSET) * 8,
                                     .id = bytes_u16(bytes + 4),
                                     .more = (place & MORE_FRAGMENTS) != 0,
                                     .next = ret->protocol};
    return pass_authentication(ret);
}

static enum wire_fault read_ipv6(const uint8_t *bytes, size_t length, bool old_options,
                                 struct ip_packet *ret)
{
    if (length < IPV6_HEADER)
        return WIRE_CUT;
    size_t captured = length - IPV6_HEADER, sent = bytes_u16(bytes + 4);
    ret->source = ip_from_v6(bytes + 8);
    ret->destination = ip_from_v6(bytes + 24);
    ret->version = 6;
    ret->hop_limit = bytes[7];
    bool jumbo = sent == 0;
    if (jumbo || sent > captured)
        length = captured;
    else
        length = sent;
    enum wire_fault fault =
        ipv6_chain_read(bytes[6], bytes + IPV6_HEADER, length, old_options, &ret->chain);
    ret->protocol = ret->chain.protocol;
    ret->fragment = ret->chain.fragment;
    ret->payload = ret->chain.payload;
    ret->length = ret->chain.length;
    size_t headers = (size_t)(ret->payload - (bytes + IPV6_HEADER));
    ret->wire_length = jumbo ? 0 : sent - headers;
    ret->again = ret->opened = ret->dual_stack = false;
    ret->told = 0;
    ret->part = ret->chain.part;
    if (ret->part.bytes != NULL)
        ret->part.wire_length =
            jumbo ? ret->part.length : sent - (size_t)(ret->part.bytes - (bytes + IPV6_HEADER));
    /* A chain that overruns a packet which was captured whole is no cut. */
    return fault == WIRE_CUT && !jumbo && sent <= captured ? WIRE_MALFORMED : fault;
}

enum wire_fault ip_packet_read(const uint8_t *bytes, size_t length, bool old_options,
                               struct ip_packet *ret)
{
    if (length == 0)
        return WIRE_CUT;
    if (bytes[0] >> 4 == 4)
        return read_ipv4(bytes, length, ret);
    if (bytes[0] >> 4 == 6)
        return read_ipv6(bytes, length, old_options, ret);
    return WIRE_MALFORMED;
}

enum wire_fault ip_packet_join(const struct ip_packet *head, const uint8_t *bytes, size_t length,
                               bool old_options, struct ip_packet *ret)
{
    enum wire_fault fault = WIRE_OK;
    *ret = *head;
    ret->again = !head->fragment;
    ret->told = ret->again ? head->length : 0;
    ret->fragment = false;
    ret->part = (struct ip_part){.bytes = NULL};
    ret->payload = bytes;
    ret->length = ret->wire_length = length;
    if (head->version != 6)
        return pass_authentication(ret);
    fault = ipv6_chain_continue(head->part.next, bytes, length, old_options, &ret->chain);
    ret->protocol = ret->chain.protocol;
    ret->fragment = ret->chain.fragment;
    ret->payload = ret->chain.payload;
    ret->length = ret->wire_length = ret->chain.length;
    ret->part = ret->chain.part;
    ret->part.wire_length = ret->part.length;
    return fault == WIRE_CUT ? WIRE_MALFORMED : fault;
}

bool ip_packet_udp(const struct ip_packet *packet, struct udp_datagram *ret)
{
    if (packet->protocol != IP_PROTOCOL_UDP || packet->fragment || packet->length < UDP_HEADER)
        return false;
    size_t sent = bytes_u16(packet->payload + 4);
    if (sent < UDP_HEADER)
        return false;
    ret->source_port = bytes_u16(packet->payload);
    ret->destination_port = bytes_u16(packet->payload + 2);
    ret->payload = packet->payload + UDP_HEADER;
    ret->cut = sent > packet->length;
    ret->length = (ret->cut ? packet->length : sent) - UDP_HEADER;
    return true;
}

static uint32_t sum_words(const uint8_t *bytes, size_t length, uint32_t sum)
{
    for (; length >= 2; length -= 2, bytes += 2)
        sum += bytes_u16(bytes);
    return length == 1 ? sum + (uint32_t)(bytes[0] << 8) : sum;
}

uint16_t ip_packet_checksum(const struct ip_packet *packet, const struct ip *source,
                            const struct ip *destination)
{
    uint32_t sum = sum_words(source->octets, sizeof source->octets, 0);
    sum = sum_words(destination->octets, sizeof destination->octets, sum);
    sum += (uint32_t)packet->length + packet->protocol;
    sum = sum_words(packet->payload, packet->length, sum);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static struct ip or_else(struct ip first, struct ip second)
{
    return ip_known(&first) ? first : second;
}

bool ip_packet_is_sound(const struct ip_packet *packet)
{
    struct ip source = or_else(packet->chain.home_option, packet->source);
    struct ip destination = or_else(packet->chain.home_route, packet->destination);
    return ip_packet_checksum(packet, &source, &destination) == 0 ||
           ip_packet_checksum(packet, &packet->source, &packet->destination) == 0;
}
