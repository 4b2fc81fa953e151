/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ethernet.h"

#include "wire/bytes.h"

enum {
    ETHERNET_HEADER = 14,
    TAG_BYTES = 4,
    LONG_TAG_BYTES = 6,
    METADATA_BYTES = 8,
    VLAN_ID_MASK = 0x0fff,
    LENGTHS_BELOW = 0x0600, /* smaller "types" are lengths of 802.3 frames */
    SNAP_HEADER = 8,
    COOKED_HEADER = 16,
    COOKED2_HEADER = 20,
    LOOPBACK_HEADER = 4
};

enum ppp_protocol { PPP_IPV4 = 0x0021, PPP_IPV6 = 0x0057 };

enum link_type link_type_of(uint32_t number)
{
    static const struct {
        uint16_t number;
        uint8_t link;
    } known[] = {{0, LINK_LOOPBACK}, {1, LINK_ETHERNET},     {9, LINK_PPP},
                 {12, LINK_RAW_IP},  {14, LINK_RAW_IP},      {50, LINK_PPP},
                 {101, LINK_RAW_IP}, {104, LINK_CISCO_HDLC}, {108, LINK_LOOPBACK},
                 {113, LINK_COOKED}, {228, LINK_RAW_IP},     {229, LINK_RAW_IP},
                 {276, LINK_COOKED2}};
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (known[i].number == number)
            return (enum link_type)known[i].link;
    }
    return LINK_UNKNOWN;
}

/* Returns the octets of the tag that `type` announces, 0 for no tag. The last two are the
 * type of what follows. */
static size_t tag_size(uint16_t type)
{
    switch (type) {
    case ETHER_VLAN:
    case ETHER_PROVIDER_VLAN:
    case ETHER_OLD_VLAN:
    case ETHER_OLDER_VLAN:
        return TAG_BYTES;
    case ETHER_SEAMLESS:
    case ETHER_REDUNDANCY:
        return LONG_TAG_BYTES;
    case ETHER_METADATA:
        return METADATA_BYTES;
    default:
        return 0;
    }
}

/* Takes tags and a SNAP header off: `type` is what precedes `bytes`. */
static enum wire_fault read_tags(uint16_t type, const uint8_t *bytes, size_t length,
                                 struct ethernet_frame *ret)
{
    size_t size;
    for (unsigned tags = 0; (size = tag_size(type)) != 0; tags++) {
        if (tags == LIMIT_VLAN_TAGS)
            return WIRE_TOO_DEEP;
        if (length < size)
            return WIRE_CUT;
        uint16_t vlan = size == TAG_BYTES ? bytes_u16(bytes) & VLAN_ID_MASK : 0;
        if (vlan != 0)
            ret->vlans[ret->vlan_count++] = vlan;
        type = bytes_u16(bytes + size - 2);
        bytes += size;
        length -= size;
    }
    if (type < LENGTHS_BELOW) {
        if (type < length)
            length = type;
        bool snap = length >= SNAP_HEADER && bytes[0] == 0xaa && bytes[1] == 0xaa &&
                    bytes[2] == 0x03 && bytes_u16(bytes + 3) == 0 && bytes[5] == 0;
        type = snap ? bytes_u16(bytes + 6) : 0;
        bytes += snap ? SNAP_HEADER : 0;
        length -= snap ? SNAP_HEADER : 0;
    }
    ret->type = type;
    ret->payload = bytes;
    ret->length = length;
    return WIRE_OK;
}

static enum wire_fault read_ethernet(const uint8_t *bytes, size_t length,
                                     struct ethernet_frame *ret)
{
    if (length < ETHERNET_HEADER)
        return WIRE_CUT;
    ret->destination = mac_from_octets(bytes);
    ret->source = mac_from_octets(bytes + 6);
    return read_tags(bytes_u16(bytes + 12), bytes + ETHERNET_HEADER, length - ETHERNET_HEADER, ret);
}

static enum wire_fault read_cooked(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    if (length < COOKED_HEADER)
        return WIRE_CUT;
    if (bytes_u16(bytes + 4) == 6)
        ret->source = mac_from_octets(bytes + 6);
    return read_tags(bytes_u16(bytes + 14), bytes + COOKED_HEADER, length - COOKED_HEADER, ret);
}

static enum wire_fault read_cooked2(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    if (length < COOKED2_HEADER)
        return WIRE_CUT;
    if (bytes[11] == 6)
        ret->source = mac_from_octets(bytes + 12);
    return read_tags(bytes_u16(bytes), bytes + COOKED2_HEADER, length - COOKED2_HEADER, ret);
}

/* A link that carries IP only: its version is told by the first nibble. */
static enum wire_fault read_raw(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    if (length == 0)
        return WIRE_CUT;
    unsigned version = bytes[0] >> 4;
    ret->type = version == 4 ? ETHER_IPV4 : version == 6 ? ETHER_IPV6 : 0;
    ret->payload = bytes;
    ret->length = length;
    return WIRE_OK;
}

/* The family's octets stand in the order of the machine that captured, and its number
 * for IPv6 differs from system to system: the packet itself tells the version. */
static enum wire_fault read_loopback(const uint8_t *bytes, size_t length,
                                     struct ethernet_frame *ret)
{
    if (length < LOOPBACK_HEADER)
        return WIRE_CUT;
    return read_raw(bytes + LOOPBACK_HEADER, length - LOOPBACK_HEADER, ret);
}

static enum wire_fault read_ppp(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    if (length >= 2 && bytes[0] == 0xff && bytes[1] == 0x03) {
        bytes += 2;
        length -= 2;
    }
    if (length < 2)
        return WIRE_CUT;
    /* Sides may agree to send one octet of a number below 256 (RFC 1661 6.5): odd ones end. */
    size_t size = (bytes[0] & 1) != 0 ? 1 : 2;
    uint16_t protocol = size == 1 ? bytes[0] : bytes_u16(bytes);
    ret->type = protocol == PPP_IPV4 ? ETHER_IPV4 : protocol == PPP_IPV6 ? ETHER_IPV6 : 0;
    ret->payload = bytes + size;
    ret->length = length - size;
    return WIRE_OK;
}

enum wire_fault ethernet_read(enum link_type link, const uint8_t *bytes, size_t length,
                              struct ethernet_frame *ret)
{
    ret->source = ret->destination = MAC_NONE;
    ret->vlan_count = 0;
    ret->type = 0;
    ret->payload = bytes;
    ret->length = 0;
    switch (link) {
    case LINK_ETHERNET:
        return read_ethernet(bytes, length, ret);
    case LINK_COOKED:
        return read_cooked(bytes, length, ret);
    case LINK_COOKED2:
        return read_cooked2(bytes, length, ret);
    case LINK_RAW_IP:
        return read_raw(bytes, length, ret);
    case LINK_LOOPBACK:
        return read_loopback(bytes, length, ret);
    case LINK_PPP:
        return read_ppp(bytes, length, ret);
    case LINK_CISCO_HDLC:
        return length < 4 ? WIRE_CUT : read_tags(bytes_u16(bytes + 2), bytes + 4, length - 4, ret);
    case LINK_UNKNOWN:
        break;
    }
    return WIRE_OK;
}

uint16_t ethernet_vlan(const struct ethernet_frame *frame)
{
    return frame->vlan_count > 0 ? frame->vlans[frame->vlan_count - 1] : 0;
}

const char *wire_fault_text(enum wire_fault fault)
{
    switch (fault) {
    case WIRE_OK:
        return "is in order";
    case WIRE_CUT:
        return "is cut short within a header";
    case WIRE_MALFORMED:
        return "has a malformed header";
    case WIRE_TOO_DEEP:
        return "has more tags, headers or tunnels than the limit";
    case WIRE_CONTRADICTED:
        return "overlaps another fragment of its packet and differs from it";
    }
    UNREACHABLE();
}
