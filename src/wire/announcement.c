/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/announcement.h"

#include <string.h>

#include "wire/bytes.h"

enum { ARP_BYTES = 28, ARP_HARDWARE_ETHERNET = 1, ARP_HARDWARE_802 = 6 };

enum arp_operation { ARP_REQUEST = 1, ARP_REPLY = 2, RARP_REQUEST = 3 };

enum {
    ND_ADVERTISEMENT = 136,
    ND_HEADER = 24,
    ND_HOP_LIMIT = 255,
    ND_SOLICITED = 0x40,
    ND_TARGET_LINK_LAYER = 2,
    ND_OPTION_UNIT = 8
};

const char *announcement_word(enum announcement_kind kind)
{
    static const char *const words[] = {"gratuitous_arp", "rarp", "unsolicited_nd"};
    return words[kind];
}

static bool is_announcer(struct mac mac)
{
    return mac_known(mac) && !mac_is_zero(mac) && !mac_is_multicast(mac);
}

bool announcement_read_arp(const struct ethernet_frame *frame, struct announcement *ret)
{
    const uint8_t *arp = frame->payload;
    bool reverse = frame->type == ETHER_RARP;
    if ((!reverse && frame->type != ETHER_ARP) || frame->length < ARP_BYTES)
        return false;
    uint16_t hardware = bytes_u16(arp); /* some stacks send the number of all of 802 */
    if ((hardware != ARP_HARDWARE_ETHERNET && hardware != ARP_HARDWARE_802) ||
        bytes_u16(arp + 2) != ETHER_IPV4 || arp[4] != 6 || arp[5] != 4)
        return false;
    uint16_t operation = bytes_u16(arp + 6);
    const uint8_t *sender = arp + 14, *target = arp + 24;
    static const uint8_t nobody[4];
    *ret = (struct announcement){.sender = frame->source, .vlan = ethernet_vlan(frame)};
    if (reverse) {
        ret->kind = ANNOUNCEMENT_RARP;
        ret->mac = mac_from_octets(arp + 18); /* the target is whom the request is for */
        return operation == RARP_REQUEST && is_announcer(ret->mac);
    }
    ret->kind = ANNOUNCEMENT_GRATUITOUS_ARP;
    ret->mac = mac_from_octets(arp + 8);
    ret->address = ip_from_v4(sender);
    return (operation == ARP_REQUEST || operation == ARP_REPLY) && memcmp(sender, target, 4) == 0 &&
           memcmp(sender, nobody, 4) != 0 && is_announcer(ret->mac);
}

/* Finds the target link-layer address among the options. Returns whether they are whole;
 * *ret stays as it was when there is none. */
static bool read_nd_options(const uint8_t *at, size_t length, struct mac *ret)
{
    while (length > 0) {
        if (length < ND_OPTION_UNIT)
            return false;
        size_t size = (size_t)at[1] * ND_OPTION_UNIT;
        if (size == 0 || size > length)
            return false;
        if (at[0] == ND_TARGET_LINK_LAYER && size == ND_OPTION_UNIT)
            *ret = mac_from_octets(at + 2);
        at += size;
        length -= size;
    }
    return true;
}

bool announcement_read_nd(const struct ethernet_frame *frame, const struct ip_packet *packet,
                          struct announcement *ret)
{
    const uint8_t *nd = packet->payload;
    bool pieces = packet->part.bytes != NULL || packet->again; /* which RFC 6980 forbids */
    if (packet->version != 6 || pieces || packet->fragment ||
        packet->protocol != IP_PROTOCOL_ICMPV6 || packet->hop_limit != ND_HOP_LIMIT ||
        packet->length < ND_HEADER || nd[0] != ND_ADVERTISEMENT || nd[1] != 0 ||
        (nd[4] & ND_SOLICITED) != 0 || nd[8] == 0xff)
        return false;
    *ret = (struct announcement){.kind = ANNOUNCEMENT_UNSOLICITED_ND,
                                 .mac = frame->source,
                                 .sender = frame->source,
                                 .vlan = ethernet_vlan(frame),
                                 .address = ip_from_v6(nd + 8)};
    return read_nd_options(nd + ND_HEADER, packet->length - ND_HEADER, &ret->mac) &&
           is_announcer(ret->mac);
}
