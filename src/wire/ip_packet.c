/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ip_packet.h"

#include "wire/bytes.h"

enum { IPV4_HEADER = 20, IPV6_HEADER = 40, UDP_HEADER = 8, FRAGMENT_OFFSET = 0x1fff };

enum gre_flags {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_VERSION = 0x0007
};

enum { GRE_HEADER = 4, ERSPAN2_HEADER = 8, ERSPAN3_HEADER = 12, ERSPAN3_SUBHEADER = 8 };

/* --- IP --- */

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
    ret->fragment = (bytes_u16(bytes + 6) & FRAGMENT_OFFSET) != 0;
    ret->payload = bytes + header;
    ret->wire_length = total - header;
    ret->length = (total < length ? total : length) - header;
    return WIRE_OK;
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

/* --- what is inside --- */

struct walk {
    const struct packet_visitor *visitor;
    unsigned depth;
};

static enum wire_fault walk_frame(struct walk *walk, const struct ethernet_frame *frame);
static enum wire_fault walk_packet(struct walk *walk, const struct ethernet_frame *frame,
                                   unsigned version, const uint8_t *bytes, size_t length);

/* A whole frame inside another; `vlan` is what its wrapping says of it, 0. */
static enum wire_fault walk_inner_frame(struct walk *walk, uint16_t vlan, const uint8_t *bytes,
                                        size_t length)
{
    struct ethernet_frame frame;
    enum wire_fault fault = ethernet_read(LINK_ETHERNET, bytes, length, &frame);
    if (fault != WIRE_OK)
        return fault;
    if (frame.vlan_count == 0 && vlan != 0)
        frame.vlans[frame.vlan_count++] = vlan;
    return walk_frame(walk, &frame);
}

static enum wire_fault walk_erspan(struct walk *walk, uint16_t type, bool sequence,
                                   const uint8_t *bytes, size_t length)
{
    if (type == ETHER_ERSPAN && !sequence)
        return walk_inner_frame(walk, 0, bytes, length);
    size_t header = type == ETHER_ERSPAN3 ? ERSPAN3_HEADER : ERSPAN2_HEADER;
    if (length < header)
        return WIRE_CUT;
    uint16_t vlan = bytes_u16(bytes) & 0x0fff;
    if (type == ETHER_ERSPAN3) {
        unsigned carried = bytes[10] >> 2 & 0x1f; /* 0: an Ethernet frame */
        header += (bytes[11] & 0x01) != 0 ? ERSPAN3_SUBHEADER : 0;
        if (carried != 0)
            return WIRE_OK;
    }
    if (length < header)
        return WIRE_CUT;
    return walk_inner_frame(walk, vlan, bytes + header, length - header);
}

static enum wire_fault walk_gre(struct walk *walk, const struct ethernet_frame *frame,
                                const struct ip_packet *packet)
{
    const uint8_t *bytes = packet->payload;
    size_t length = packet->length;
    if (length < GRE_HEADER)
        return WIRE_CUT;
    uint16_t flags = bytes_u16(bytes), type = bytes_u16(bytes + 2);
    if ((flags & (GRE_ROUTING | GRE_VERSION)) != 0)
        return WIRE_OK; /* RFC 2784 does away with the one, PPTP uses the other */
    size_t header = GRE_HEADER;
    header += (flags & GRE_CHECKSUM) != 0 ? 4 : 0;
    header += (flags & GRE_KEY) != 0 ? 4 : 0;
    header += (flags & GRE_SEQUENCE) != 0 ? 4 : 0;
    if (length < header)
        return WIRE_CUT;
    bytes += header;
    length -= header;
    if (type == ETHER_ERSPAN || type == ETHER_ERSPAN3)
        return walk_erspan(walk, type, (flags & GRE_SEQUENCE) != 0, bytes, length);
    if (type == ETHER_BRIDGING)
        return walk_inner_frame(walk, 0, bytes, length);
    if (type == ETHER_IPV4 || type == ETHER_IPV6)
        return walk_packet(walk, frame, type == ETHER_IPV4 ? 4 : 6, bytes, length);
    return WIRE_OK;
}

static enum wire_fault walk_inside(struct walk *walk, const struct ethernet_frame *frame,
                                   const struct ip_packet *packet)
{
    bool tunnel = packet->protocol == IP_PROTOCOL_GRE || packet->protocol == IP_PROTOCOL_IPV4 ||
                  packet->protocol == IP_PROTOCOL_IPV6;
    if (!tunnel || packet->fragment)
        return WIRE_OK;
    if (walk->depth == LIMIT_ENCAPSULATION)
        return WIRE_TOO_DEEP;
    walk->depth++;
    if (packet->protocol == IP_PROTOCOL_GRE)
        return walk_gre(walk, frame, packet);
    return walk_packet(walk, frame, packet->protocol == IP_PROTOCOL_IPV4 ? 4 : 6, packet->payload,
                       packet->length);
}

/* `version` is what the header around the packet announces. */
static enum wire_fault walk_packet(struct walk *walk, const struct ethernet_frame *frame,
                                   unsigned version, const uint8_t *bytes, size_t length)
{
    struct ip_packet packet;
    if (length > 0 && bytes[0] >> 4 != version)
        return WIRE_MALFORMED;
    enum wire_fault fault = ip_packet_read(bytes, length, walk->visitor->old_options, &packet);
    if (fault != WIRE_OK)
        return fault;
    if (walk->visitor->packet != NULL)
        walk->visitor->packet(walk->visitor->aux, frame, &packet);
    return walk_inside(walk, frame, &packet);
}

static enum wire_fault walk_frame(struct walk *walk, const struct ethernet_frame *frame)
{
    if (walk->visitor->frame != NULL)
        walk->visitor->frame(walk->visitor->aux, frame);
    if (frame->type == ETHER_IPV4 || frame->type == ETHER_IPV6)
        return walk_packet(walk, frame, frame->type == ETHER_IPV4 ? 4 : 6, frame->payload,
                           frame->length);
    return WIRE_OK;
}

enum wire_fault packet_walk(enum link_type link, const uint8_t *bytes, size_t length,
                            const struct packet_visitor *visitor)
{
    struct walk walk = {.visitor = visitor};
    struct ethernet_frame frame;
    enum wire_fault fault = ethernet_read(link, bytes, length, &frame);
    return fault == WIRE_OK ? walk_frame(&walk, &frame) : fault;
}
