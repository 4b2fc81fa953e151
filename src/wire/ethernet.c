/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ethernet.h"

#include <string.h>

#include "wire/bytes.h"
#include "wire/other_link.h"
#include "wire/radio_link.h"

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
    COOKED_LLC = 4, /* what Linux calls frames of 802.2 */
    LOOPBACK_HEADER = 4,
    HDLC_HEADER = 4,
    HDLC_UNICAST = 0x0f,
    HDLC_MULTICAST = 0x8f
};

/* MACsec: flags of its first octet, octets of its parts. */
enum {
    SIGNED_CHANNEL = 0x20,
    SIGNED_ENCRYPTED = 0x08,
    SIGNED_CHANGED = 0x04,
    SIGNED_BYTES = 8,
    CHANNEL_BYTES = 8,
    SIGNATURE_BYTES = 16
};

/* Linux's kinds of devices (ARPHRD_...). */
enum device { DEVICE_RADIO = 801, DEVICE_PRISM = 802, DEVICE_RADIOTAP = 803 };

enum ppp_protocol { PPP_IPV4 = 0x0021, PPP_IPV6 = 0x0057, PPP_MPLS = 0x0281 };

enum link_type link_type_of(uint32_t number)
{
    static const struct {
        uint16_t number;
        uint8_t link;
    } known[] = {{0, LINK_LOOPBACK},
                 {1, LINK_ETHERNET},
                 {8, LINK_RAW_IP}, /* SLIP */
                 {9, LINK_PPP},
                 {11, LINK_LLC},
                 {12, LINK_RAW_IP},
                 {14, LINK_RAW_IP},
                 {19, LINK_CLASSICAL_IP},
                 {50, LINK_PPP},
                 {51, LINK_PPPOE},
                 {100, LINK_LLC},
                 {101, LINK_RAW_IP},
                 {104, LINK_CISCO_HDLC},
                 {105, LINK_RADIO},
                 {106, LINK_CLASSICAL_IP},
                 {107, LINK_FRAME_RELAY},
                 {108, LINK_LOOPBACK},
                 {109, LINK_ENC},
                 {113, LINK_COOKED},
                 {117, LINK_PACKET_FILTER},
                 {119, LINK_PRISM},
                 {122, LINK_FIBRE_CHANNEL},
                 {127, LINK_RADIOTAP},
                 {138, LINK_FIRE_WIRE},
                 {149, LINK_APPLE_TAP}, /* as macOS has long written it */
                 {163, LINK_AVS},
                 {166, LINK_PPP_DIRECTED},
                 {178, LINK_JUNIPER},
                 {192, LINK_PPI},
                 {204, LINK_PPP_DIRECTED},
                 {205, LINK_HDLC_DIRECTED},
                 {206, LINK_RELAY_DIRECTED},
                 {219, LINK_LABELLED},
                 {226, LINK_IPNET},
                 {228, LINK_RAW_IP},
                 {229, LINK_RAW_IP},
                 {239, LINK_NFLOG},
                 {240, LINK_ANALYZER},
                 {241, LINK_ANALYZER_BITS},
                 {242, LINK_INFINIBAND},
                 {258, LINK_APPLE_TAP},
                 {274, LINK_PREAMBLE},
                 {276, LINK_COOKED2},
                 {281, LINK_BROADCOM_TAG},
                 {282, LINK_BROADCOM_BEFORE},
                 {284, LINK_MARVELL_TAG},
                 {285, LINK_MARVELL_LONG_TAG}};
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        if (known[i].number == number)
            return (enum link_type)known[i].link;
    }
    return LINK_UNKNOWN;
}

/* Returns the octets of the tag that `type` announces, 0 for no tag. The last two are the
 * type of what follows. */
static size_t tag_size(uint16_t type, const uint8_t *bytes, size_t length)
{
    switch (type) {
    case ETHER_VLAN:
    case ETHER_PROVIDER_VLAN:
    case ETHER_OLD_VLAN:
    case ETHER_OLDER_VLAN:
        return TAG_BYTES;
    case ETHER_SEAMLESS:
    case ETHER_REDUNDANCY:
    case ETHER_PORT:
        return LONG_TAG_BYTES;
    case ETHER_METADATA:
    case ETHER_EXTENDER:
        return METADATA_BYTES;
    case ETHER_SIGNED:
        return SIGNED_BYTES + (length > 0 && (bytes[0] & SIGNED_CHANNEL) != 0 ? CHANNEL_BYTES : 0);
    default:
        return 0;
    }
}

static bool is_vlan(uint16_t type)
{
    return type == ETHER_VLAN || type == ETHER_PROVIDER_VLAN || type == ETHER_OLD_VLAN ||
           type == ETHER_OLDER_VLAN;
}

bool ethernet_is_snap(const uint8_t *bytes, size_t length)
{
    static const uint8_t direct[] = {0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00};
    static const uint8_t bridged[] = {0xaa, 0xaa, 0x03, 0x00, 0x00, 0xf8};
    return length >= SNAP_HEADER && (memcmp(bytes, direct, sizeof direct) == 0 ||
                                     memcmp(bytes, bridged, sizeof bridged) == 0);
}

static enum wire_fault set_payload(uint16_t type, const uint8_t *bytes, size_t length,
                                   struct ethernet_frame *ret)
{
    ret->type = type;
    ret->payload = bytes;
    ret->length = length;
    return WIRE_OK;
}

static enum wire_fault seal(const uint8_t *bytes, struct ethernet_frame *ret)
{
    ret->sealed = true;
    return set_payload(0, bytes, 0, ret);
}

/* Takes tags off, and SNAP once: `type` is what precedes `bytes`. */
static enum wire_fault read_tags(uint16_t type, bool snapped, const uint8_t *bytes, size_t length,
                                 struct ethernet_frame *ret)
{
    size_t size;
    for (unsigned tags = 0; (size = tag_size(type, bytes, length)) != 0; tags++) {
        if (tags == LIMIT_VLAN_TAGS)
            return WIRE_TOO_DEEP;
        if (length < size)
            return WIRE_CUT;
        uint16_t vlan = is_vlan(type) ? bytes_u16(bytes) & VLAN_ID_MASK : 0;
        if (vlan != 0)
            ret->vlans[ret->vlan_count++] = vlan;
        if (type == ETHER_SIGNED && (bytes[0] & (SIGNED_ENCRYPTED | SIGNED_CHANGED)) != 0)
            return seal(bytes, ret);
        if (type == ETHER_SIGNED)
            length -= length - size < SIGNATURE_BYTES ? 0 : SIGNATURE_BYTES;
        type = bytes_u16(bytes + size - 2);
        bytes += size;
        length -= size;
        if (type < LENGTHS_BELOW && !snapped) {
            if (type < length)
                length = type;
            snapped = true;
            if (!ethernet_is_snap(bytes, length))
                break;
            type = bytes_u16(bytes + 6);
            bytes += SNAP_HEADER;
            length -= SNAP_HEADER;
        }
    }
    return set_payload(type < LENGTHS_BELOW ? 0 : type, bytes, length, ret);
}

enum wire_fault ethernet_read_llc(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    if (!ethernet_is_snap(bytes, length))
        return set_payload(0, bytes, length, ret);
    return read_tags(bytes_u16(bytes + 6), true, bytes + SNAP_HEADER, length - SNAP_HEADER, ret);
}

enum wire_fault ethernet_read_type(uint16_t type, const uint8_t *bytes, size_t length,
                                   struct ethernet_frame *ret)
{
    if (type < LENGTHS_BELOW)
        return ethernet_read_llc(bytes, type < length ? type : length, ret);
    return read_tags(type, false, bytes, length, ret);
}

static enum wire_fault read_ethernet(const uint8_t *bytes, size_t length,
                                     struct ethernet_frame *ret)
{
    if (length < ETHERNET_HEADER)
        return WIRE_CUT;
    ret->destination = mac_from_octets(bytes);
    ret->source = mac_from_octets(bytes + 6);
    return ethernet_read_type(bytes_u16(bytes + 12), bytes + ETHERNET_HEADER,
                              length - ETHERNET_HEADER, ret);
}

/* What a cooked header calls its protocol is an EtherType, or a kind of frames without one.
 * Devices of some kinds keep their own header behind it. */
static enum wire_fault read_cooked_type(uint16_t device, uint16_t type, const uint8_t *bytes,
                                        size_t length, struct ethernet_frame *ret)
{
    switch (device) {
    case DEVICE_RADIO:
        return radio_link_read(LINK_RADIO, bytes, length, ret);
    case DEVICE_PRISM:
        return radio_link_read(LINK_PRISM, bytes, length, ret);
    case DEVICE_RADIOTAP:
        return radio_link_read(LINK_RADIOTAP, bytes, length, ret);
    default:
        break;
    }
    if (type == COOKED_LLC)
        return ethernet_read_llc(bytes, length, ret);
    if (type < LENGTHS_BELOW)
        return set_payload(0, bytes, length, ret);
    return ethernet_read_type(type, bytes, length, ret);
}

static enum wire_fault read_cooked(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    if (length < COOKED_HEADER)
        return WIRE_CUT;
    if (bytes_u16(bytes + 4) == 6)
        ret->source = mac_from_octets(bytes + 6);
    return read_cooked_type(bytes_u16(bytes + 2), bytes_u16(bytes + 14), bytes + COOKED_HEADER,
                            length - COOKED_HEADER, ret);
}

static enum wire_fault read_cooked2(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    if (length < COOKED2_HEADER)
        return WIRE_CUT;
    if (bytes[11] == 6)
        ret->source = mac_from_octets(bytes + 12);
    return read_cooked_type(bytes_u16(bytes + 8), bytes_u16(bytes), bytes + COOKED2_HEADER,
                            length - COOKED2_HEADER, ret);
}

/* A link that carries IP only: its version is told by the first nibble. */
static enum wire_fault read_raw(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    if (length == 0)
        return WIRE_CUT;
    unsigned version = bytes[0] >> 4;
    return set_payload(version == 4   ? ETHER_IPV4
                       : version == 6 ? ETHER_IPV6
                                      : 0,
                       bytes, length, ret);
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

static enum wire_fault read_hdlc(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    return length < HDLC_HEADER ? WIRE_CUT
                                : ethernet_read_type(bytes_u16(bytes + 2), bytes + HDLC_HEADER,
                                                     length - HDLC_HEADER, ret);
}

static enum wire_fault read_ppp(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    /* Captures of this number may be of Cisco's framing, which begins with its own address. */
    if (length >= HDLC_HEADER && (bytes[0] == HDLC_UNICAST || bytes[0] == HDLC_MULTICAST) &&
        bytes[1] == 0)
        return read_hdlc(bytes, length, ret);
    if (length >= 2 && bytes[0] == 0xff && bytes[1] == 0x03) {
        bytes += 2;
        length -= 2;
    }
    if (length < 2)
        return WIRE_CUT;
    /* Sides may agree to send one octet of a number below 256 (RFC 1661 6.5): odd ones end. */
    size_t size = (bytes[0] & 1) != 0 ? 1 : 2;
    uint16_t protocol = size == 1 ? bytes[0] : bytes_u16(bytes);
    uint16_t type = protocol == PPP_IPV4   ? ETHER_IPV4
                    : protocol == PPP_IPV6 ? ETHER_IPV6
                    : protocol == PPP_MPLS ? ETHER_MPLS
                                           : 0;
    return set_payload(type, bytes + size, length - size, ret);
}

enum wire_fault ethernet_read(enum link_type link, const uint8_t *bytes, size_t length,
                              struct ethernet_frame *ret)
{
    ret->source = ret->destination = MAC_NONE;
    ret->vlan_count = 0;
    ret->sealed = false;
    ret->rest = NULL;
    ret->rest_length = 0;
    set_payload(0, bytes, 0, ret);
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
        return read_hdlc(bytes, length, ret);
    case LINK_RADIO:
    case LINK_RADIOTAP:
    case LINK_PRISM:
    case LINK_AVS:
        return radio_link_read(link, bytes, length, ret);
    default:
        return other_link_read(link, bytes, length, ret);
    }
}

enum wire_fault ethernet_read_rest(struct ethernet_frame *frame)
{
    const uint8_t *bytes = frame->rest;
    size_t length = frame->rest_length;
    frame->rest = NULL;
    frame->vlan_count = 0;
    return radio_link_read_part(bytes, length, frame);
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
