/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/packet_walk.h"

#include <stdlib.h>

#include "wire/open_payload.h"
#include "wire/tunnel.h"

struct walk {
    const struct packet_visitor *visitor;
    unsigned depth;
    bool opened;     /* what is around it was ESP, see open_payload.h */
    bool dual_stack; /* the next packet is of Dual Stack Mobile IPv6 */
};

static enum wire_fault walk_inside(struct walk *walk, const struct ethernet_frame *frame,
                                   const struct tunnel_inside *inside);

static enum wire_fault show(struct walk *walk, const struct ethernet_frame *frame,
                            const struct ip_packet *packet)
{
    struct tunnel_inside inside;
    const struct packet_visitor *visitor = walk->visitor;
    if (visitor->packet != NULL)
        visitor->packet(visitor->aux, frame, packet);
    bool waits = packet->part.bytes != NULL && visitor->reassembly != NULL;
    if (packet->fragment || waits)
        return WIRE_OK;
    enum wire_fault fault = tunnel_read_packet(packet, visitor->overlays, &inside);
    if (fault != WIRE_OK)
        return fault;
    bool opened = walk->opened;
    walk->opened |= packet->opened;
    walk->dual_stack = inside.dual_stack;
    fault = walk_inside(walk, frame, &inside);
    walk->opened = opened;
    walk->dual_stack = false;
    return fault;
}

/* Shows what `packet` is behind what hides nothing. */
static enum wire_fault open_and_show(struct walk *walk, const struct ethernet_frame *frame,
                                     struct ip_packet *packet)
{
    if (walk->visitor->overlays)
        open_payload(packet);
    return show(walk, frame, packet);
}

/* Whether anybody reads what the packet carries. */
static bool is_collected(const struct packet_visitor *visitor, const struct ip_packet *packet)
{
    if (visitor->reassembly == NULL || packet->part.bytes == NULL)
        return false;
    switch (packet->part.next) {
    case IP_PROTOCOL_TCP:
    case IP_PROTOCOL_ICMP:
    case IP_PROTOCOL_ICMPV6:
        return false;
    case IP_PROTOCOL_UDP:
        return visitor->datagrams;
    default:
        return true;
    }
}

static enum wire_fault collect(struct walk *walk, const struct ethernet_frame *frame,
                               const struct ip_packet *part)
{
    const struct packet_visitor *visitor = walk->visitor;
    struct ip_packet whole;
    uint8_t *bytes;
    if (walk->depth == LIMIT_ENCAPSULATION)
        return WIRE_TOO_DEEP;
    walk->depth++;
    enum wire_fault fault = reassembly_add(visitor->reassembly, part, visitor->old_options,
                                           visitor->number, visitor->at, &whole, &bytes);
    if (fault == WIRE_OK && bytes != NULL)
        fault = open_and_show(walk, frame, &whole);
    if (fault == WIRE_OK && bytes != NULL && is_collected(visitor, &whole))
        fault = collect(walk, frame, &whole);
    free(bytes);
    return fault;
}

/* `version` is what the header around the packet announces. */
static enum wire_fault walk_packet(struct walk *walk, const struct ethernet_frame *frame,
                                   unsigned version, const uint8_t *bytes, size_t length)
{
    struct ip_packet packet;
    if (length > 0 && bytes[0] >> 4 != version)
        return WIRE_MALFORMED;
    enum wire_fault fault = ip_packet_read(bytes, length, walk->visitor->old_options, &packet);
    packet.opened = walk->opened;
    packet.dual_stack = walk->dual_stack;
    walk->dual_stack = false;
    if (fault == WIRE_OK)
        fault = open_and_show(walk, frame, &packet);
    if (fault == WIRE_OK && is_collected(walk->visitor, &packet))
        fault = collect(walk, frame, &packet);
    return fault;
}

static enum wire_fault walk_type(struct walk *walk, const struct ethernet_frame *frame,
                                 uint16_t type, const uint8_t *bytes, size_t length)
{
    struct tunnel_inside inside;
    if (type == ETHER_IPV4 || type == ETHER_IPV6)
        return walk_packet(walk, frame, type == ETHER_IPV4 ? 4 : 6, bytes, length);
    if (!walk->visitor->overlays)
        return WIRE_OK;
    enum wire_fault fault = tunnel_read_type(type, bytes, length, &inside);
    return fault == WIRE_OK ? walk_inside(walk, frame, &inside) : fault;
}

static enum wire_fault walk_frame(struct walk *walk, const struct ethernet_frame *frame)
{
    if (walk->visitor->frame != NULL)
        walk->visitor->frame(walk->visitor->aux, frame);
    return walk_type(walk, frame, frame->type, frame->payload, frame->length);
}

/* A frame and those that were sent as one with it. */
static enum wire_fault walk_frames(struct walk *walk, struct ethernet_frame *frame)
{
    unsigned depth = walk->depth;
    enum wire_fault fault = walk_frame(walk, frame);
    while (fault == WIRE_OK && frame->rest != NULL) {
        walk->depth = depth;
        fault = ethernet_read_rest(frame);
        if (fault == WIRE_OK)
            fault = walk_frame(walk, frame);
    }
    return fault;
}

static enum wire_fault walk_inside(struct walk *walk, const struct ethernet_frame *frame,
                                   const struct tunnel_inside *inside)
{
    struct ethernet_frame inner;
    if (inside->kind == TUNNEL_NOTHING)
        return WIRE_OK;
    if (walk->depth == LIMIT_ENCAPSULATION)
        return WIRE_TOO_DEEP;
    walk->depth++;
    if (inside->kind == TUNNEL_TYPED)
        return walk_type(walk, frame, inside->type, inside->bytes, inside->length);
    enum wire_fault fault = ethernet_read(inside->link, inside->bytes, inside->length, &inner);
    if (fault != WIRE_OK)
        return fault;
    if (inner.vlan_count == 0 && inside->vlan != 0)
        inner.vlans[inner.vlan_count++] = inside->vlan;
    return walk_frames(walk, &inner);
}

enum wire_fault packet_walk(enum link_type link, const uint8_t *bytes, size_t length,
                            const struct packet_visitor *visitor)
{
    struct walk walk = {.visitor = visitor};
    struct ethernet_frame frame;
    enum wire_fault fault = ethernet_read(link, bytes, length, &frame);
    return fault == WIRE_OK ? walk_frames(&walk, &frame) : fault;
}
