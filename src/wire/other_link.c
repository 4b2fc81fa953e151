/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/other_link.h"

#include <string.h>

#include "wire/bytes.h"

enum { MAC_BYTES = 6, ADDRESSES_BYTES = 12 };

static uint16_t little_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t little_u32(const uint8_t *at)
{
    return __builtin_bswap32(bytes_u32(at));
}

/* --- headers of a fixed length --- */

struct prefix {
    uint8_t link, octets, inner;
};

static const struct prefix prefixes[] = {
    {LINK_ENC, 12, LINK_RAW_IP},
    {LINK_IPNET, 24, LINK_RAW_IP},
    {LINK_PPP_DIRECTED, 1, LINK_PPP},
    {LINK_HDLC_DIRECTED, 1, LINK_CISCO_HDLC},
    {LINK_RELAY_DIRECTED, 1, LINK_FRAME_RELAY},
    {LINK_ANALYZER, 4, LINK_ETHERNET},
    {LINK_ANALYZER_BITS, 12, LINK_ETHERNET},
    {LINK_PREAMBLE, 8, LINK_ETHERNET},
    {LINK_BROADCOM_BEFORE, 4, LINK_ETHERNET},
};

/* An EtherType at a fixed place. */
static enum wire_fault read_type_at(size_t at, size_t payload, const uint8_t *bytes, size_t length,
                                    struct ethernet_frame *ret)
{
    if (length < payload)
        return WIRE_CUT;
    return ethernet_read_type(bytes_u16(bytes + at), bytes + payload, length - payload, ret);
}

/* All of it is what `type` names. */
static enum wire_fault give(uint16_t type, const uint8_t *bytes, size_t length,
                            struct ethernet_frame *ret)
{
    ret->type = type;
    ret->payload = bytes;
    ret->length = length;
    return WIRE_OK;
}

/* --- wide area links --- */

/* RFC 2684: LLC of routed packets, or of whole frames. */
static enum wire_fault read_llc(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    static const uint8_t bridged[] = {0xaa, 0xaa, 0x03, 0x00, 0x80, 0xc2, 0x00};
    enum { HEADER = 10, WITH_CHECKSUM = 1, WITHOUT = 7 };
    if (length >= HEADER && memcmp(bytes, bridged, sizeof bridged) == 0 &&
        (bytes[7] == WITH_CHECKSUM || bytes[7] == WITHOUT))
        return ethernet_read(LINK_ETHERNET, bytes + HEADER, length - HEADER, ret);
    return ethernet_read_llc(bytes, length, ret);
}

static enum wire_fault read_classical(const uint8_t *bytes, size_t length,
                                      struct ethernet_frame *ret)
{
    if (length > 0 && bytes[0] == 0xaa)
        return ethernet_read_llc(bytes, length, ret);
    return ethernet_read(LINK_RAW_IP, bytes, length, ret);
}

/* RFC 2427, and Cisco's way, which has an EtherType behind the address. */
static enum wire_fault read_relay(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    enum { LAST = 0x01, UNNUMBERED = 0x03, ID_PAD = 0x00, ID_SNAP = 0x80, ID_IPV6 = 0x8e };
    enum { ID_IPV4 = 0xcc, SNAP_BYTES = 5 };
    size_t at = 0;
    while (at < length && at < 4 && (bytes[at] & LAST) == 0)
        at++;
    at++;
    if (at + 2 > length)
        return WIRE_CUT;
    if (bytes[at] != UNNUMBERED)
        return ethernet_read_type(bytes_u16(bytes + at), bytes + at + 2, length - at - 2, ret);
    at++;
    at += bytes[at] == ID_PAD && at + 1 < length ? 1 : 0;
    uint8_t id = bytes[at++];
    if (id == ID_IPV4 || id == ID_IPV6)
        return give(id == ID_IPV4 ? ETHER_IPV4 : ETHER_IPV6, bytes + at, length - at, ret);
    if (id != ID_SNAP || length - at < SNAP_BYTES || bytes[at] != 0 ||
        bytes_u16(bytes + at + 1) != 0)
        return WIRE_OK;
    return ethernet_read_type(bytes_u16(bytes + at + 3), bytes + at + SNAP_BYTES,
                              length - at - SNAP_BYTES, ret);
}

static enum wire_fault read_fibre_channel(const uint8_t *bytes, size_t length,
                                          struct ethernet_frame *ret)
{
    enum { HEADER = 16 };
    if (length < HEADER)
        return WIRE_CUT;
    ret->destination = mac_from_octets(bytes + 2);
    ret->source = mac_from_octets(bytes + 10);
    return ethernet_read_llc(bytes + HEADER, length - HEADER, ret);
}

/* --- loggers of packets --- */

/* The header says how long it is, without its padding. */
static enum wire_fault read_packet_filter(const uint8_t *bytes, size_t length,
                                          struct ethernet_frame *ret)
{
    size_t header = length > 0 ? ((size_t)bytes[0] + 3) & ~(size_t)3 : 4;
    if (header < 4)
        return WIRE_MALFORMED;
    if (header > length)
        return WIRE_CUT;
    return ethernet_read(LINK_RAW_IP, bytes + header, length - header, ret);
}

enum nflog_record { NFLOG_PACKET = 1, NFLOG_SOURCE = 8, NFLOG_PAYLOAD = 9 };

enum { NFLOG_HEADER = 4, NFLOG_RECORD = 4 };

struct nflog {
    const uint8_t *payload; /* NULL: there was none */
    size_t length;
    uint16_t type; /* 0: not said */
};

static void take_record(unsigned kind, const uint8_t *data, size_t length, struct nflog *log,
                        struct ethernet_frame *ret)
{
    if (kind == NFLOG_PACKET && length >= 2)
        log->type = bytes_u16(data);
    if (kind == NFLOG_SOURCE && length >= 4 + MAC_BYTES && bytes_u16(data) == MAC_BYTES)
        ret->source = mac_from_octets(data + 4);
    if (kind == NFLOG_PAYLOAD) {
        log->payload = data;
        log->length = length;
    }
}

/* Reads the records in one of the orders; returns whether they fit. What was cut ends in the
 * payload, which is the last. */
static bool read_records(const uint8_t *bytes, size_t length, bool little, struct nflog *log,
                         struct ethernet_frame *ret)
{
    while (length >= NFLOG_RECORD) {
        size_t size = little ? little_u16(bytes) : bytes_u16(bytes);
        unsigned kind = (little ? little_u16(bytes + 2) : bytes_u16(bytes + 2)) & 0x7fff;
        if (size < NFLOG_RECORD || (size > length && kind != NFLOG_PAYLOAD))
            return false;
        size_t here = size < length ? size : length, next = (size + 3) & ~(size_t)3;
        take_record(kind, bytes + NFLOG_RECORD, here - NFLOG_RECORD, log, ret);
        if (next >= length)
            return true;
        bytes += next;
        length -= next;
    }
    return length == 0 || log->payload != NULL;
}

static enum wire_fault read_nflog(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    struct nflog log = {.payload = NULL};
    if (length < NFLOG_HEADER)
        return WIRE_CUT;
    bytes += NFLOG_HEADER;
    length -= NFLOG_HEADER;
    if (!read_records(bytes, length, true, &log, ret)) {
        log = (struct nflog){.payload = NULL};
        ret->source = MAC_NONE;
        if (!read_records(bytes, length, false, &log, ret))
            return WIRE_MALFORMED;
    }
    if (log.payload == NULL)
        return WIRE_OK;
    if (log.type == ETHER_ARP)
        return give(ETHER_ARP, log.payload, log.length, ret);
    struct mac source = ret->source;
    enum wire_fault fault = ethernet_read(LINK_RAW_IP, log.payload, log.length, ret);
    ret->source = source;
    return fault;
}

/* --- a link in a link --- */

static enum wire_fault read_inner(uint32_t number, const uint8_t *bytes, size_t length,
                                  struct ethernet_frame *ret)
{
    enum link_type link = link_type_of(number);
    if (link == LINK_PPI || link == LINK_APPLE_TAP)
        return WIRE_MALFORMED;
    return ethernet_read(link, bytes, length, ret);
}

static enum wire_fault read_ppi(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    enum { HEADER = 8 };
    if (length < HEADER)
        return WIRE_CUT;
    size_t header = little_u16(bytes + 2);
    uint32_t number = little_u32(bytes + 4);
    if (bytes[0] != 0 || header < HEADER)
        return WIRE_MALFORMED;
    if (header > length)
        return WIRE_CUT;
    return read_inner(number, bytes + header, length - header, ret);
}

static enum wire_fault read_apple_tap(const uint8_t *bytes, size_t length,
                                      struct ethernet_frame *ret)
{
    enum { HEADER = 12, KIND = 4, KIND_PACKET = 1 };
    if (length < HEADER)
        return WIRE_CUT;
    size_t header = little_u32(bytes);
    if (header < HEADER)
        return WIRE_MALFORMED;
    if (header > length)
        return WIRE_CUT;
    if (little_u32(bytes + KIND) != KIND_PACKET)
        return WIRE_OK;
    return read_inner(little_u32(bytes + 8), bytes + header, length - header, ret);
}

static enum wire_fault read_juniper(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    enum { HEADER = 4, EXTENDED = 0x80, WITHOUT_LINK = 0x02, PROTOCOL_BYTES = 4 };
    static const uint8_t magic[] = {'M', 'G', 'C'};
    if (length < HEADER)
        return WIRE_CUT;
    if (memcmp(bytes, magic, sizeof magic) != 0)
        return WIRE_MALFORMED;
    size_t header = HEADER;
    if ((bytes[3] & EXTENDED) != 0) {
        if (length < HEADER + 2)
            return WIRE_CUT;
        header += 2 + (size_t)bytes_u16(bytes + HEADER);
    }
    bool bare = (bytes[3] & WITHOUT_LINK) != 0;
    header += bare ? PROTOCOL_BYTES : 0;
    if (header > length)
        return WIRE_CUT;
    return ethernet_read(bare ? LINK_RAW_IP : LINK_ETHERNET, bytes + header, length - header, ret);
}

/* --- tags of switch chips --- */

/* `size` octets stand between the addresses and the EtherType. Marvell's replace a VLAN's
 * tag where the frame had one. */
static enum wire_fault read_chip(const uint8_t *bytes, size_t length, size_t size, bool marvell,
                                 struct ethernet_frame *ret)
{
    enum { TAGGED = 0x20, VLAN_ID_MASK = 0x0fff };
    size_t header = ADDRESSES_BYTES + size + 2;
    if (length < header)
        return WIRE_CUT;
    ret->destination = mac_from_octets(bytes);
    ret->source = mac_from_octets(bytes + MAC_BYTES);
    const uint8_t *tag = bytes + ADDRESSES_BYTES + size - 4;
    uint16_t vlan = bytes_u16(tag + 2) & VLAN_ID_MASK;
    enum wire_fault fault =
        ethernet_read_type(bytes_u16(bytes + header - 2), bytes + header, length - header, ret);
    if (marvell && (tag[0] & TAGGED) != 0 && vlan != 0 && ret->vlan_count < LIMIT_VLAN_TAGS) {
        memmove(ret->vlans + 1, ret->vlans, ret->vlan_count * sizeof ret->vlans[0]);
        ret->vlans[0] = vlan;
        ret->vlan_count++;
    }
    return fault;
}

enum wire_fault other_link_read(enum link_type link, const uint8_t *bytes, size_t length,
                                struct ethernet_frame *ret)
{
    for (size_t i = 0; i < ARRAY_COUNT(prefixes); i++) {
        const struct prefix *prefix = &prefixes[i];
        if (prefix->link == link)
            return length < prefix->octets
                       ? WIRE_CUT
                       : ethernet_read((enum link_type)prefix->inner, bytes + prefix->octets,
                                       length - prefix->octets, ret);
    }
    switch (link) {
    case LINK_NFLOG:
        return read_nflog(bytes, length, ret);
    case LINK_PACKET_FILTER:
        return read_packet_filter(bytes, length, ret);
    case LINK_PPI:
        return read_ppi(bytes, length, ret);
    case LINK_APPLE_TAP:
        return read_apple_tap(bytes, length, ret);
    case LINK_JUNIPER:
        return read_juniper(bytes, length, ret);
    case LINK_LLC:
        return read_llc(bytes, length, ret);
    case LINK_CLASSICAL_IP:
        return read_classical(bytes, length, ret);
    case LINK_FRAME_RELAY:
        return read_relay(bytes, length, ret);
    case LINK_FIBRE_CHANNEL:
        return read_fibre_channel(bytes, length, ret);
    case LINK_PPPOE:
        return give(ETHER_PPPOE, bytes, length, ret);
    case LINK_LABELLED:
        return give(ETHER_MPLS, bytes, length, ret);
    case LINK_FIRE_WIRE:
        return read_type_at(16, 18, bytes, length, ret);
    case LINK_INFINIBAND: /* an address of forty octets, then RFC 4391 */
        return read_type_at(40, 44, bytes, length, ret);
    case LINK_BROADCOM_TAG:
        return read_chip(bytes, length, 4, false, ret);
    case LINK_MARVELL_TAG:
        return read_chip(bytes, length, 4, true, ret);
    case LINK_MARVELL_LONG_TAG:
        return read_chip(bytes, length, 8, true, ret);
    default:
        return WIRE_OK;
    }
}
