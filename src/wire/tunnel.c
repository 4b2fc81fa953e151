/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tunnel.h"

#include "wire/bytes.h"
#include "wire/open_payload.h"

enum udp_port {
    PORT_L2TP = 1701,
    PORT_GTP = 2152,
    PORT_TEREDO = 3544,
    PORT_DUAL_STACK = 4191,
    PORT_LISP = 4341,
    PORT_VXLAN = 4789,
    PORT_VXLAN_GPE = 4790,
    PORT_GENEVE = 6081,
    PORT_VXLAN_LINUX = 8472, /* what Linux used before the number was assigned */
    PORT_TZSP = 37008
};

const uint16_t tunnel_ports[TUNNEL_PORTS] = {
    PORT_DUAL_STACK, PORT_TEREDO, PORT_PROXY_CONTROL, PORT_VXLAN, PORT_GENEVE, PORT_VXLAN_LINUX,
    PORT_VXLAN_GPE,  PORT_GTP,    PORT_LISP,          PORT_L2TP,  PORT_TZSP};

enum gre_flags {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_VERSION = 0x0007
};

enum {
    GRE_HEADER = 4,
    WCCP_HEADER = 4,
    ERSPAN2_HEADER = 8,
    ERSPAN3_HEADER = 12,
    ERSPAN3_SUBHEADER = 8,
    MPLS_LABEL = 4,
    MPLS_LABELS_MAX = 16,
    CONTROL_WORD = 4,
    PPPOE_HEADER = 6,
    BACKBONE_HEADER = 4,
    NSH_HEADER = 8,
    ETHERIP_HEADER = 2,
    ETHERNET_HEADER = 14,
    UDP_TUNNEL_HEADER = 8, /* of VXLAN, Geneve, LISP and GTP-U alike */
    TEREDO_ORIGIN = 8,
    TEREDO_AUTHENTICATION = 13,
    TZSP_HEADER = 4,
    SESSION_BYTES = 4, /* of L2TPv3 */
    SESSION_FLAGS = 4  /* before it, over UDP */
};

/* What NSH, VXLAN-GPE say of their payload. */
enum next_protocol { NEXT_IPV4 = 1, NEXT_IPV6 = 2, NEXT_ETHERNET = 3, NEXT_NSH = 4, NEXT_MPLS = 5 };

static enum wire_fault give_frame(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
    *ret = (struct tunnel_inside){.kind = TUNNEL_FRAME, .bytes = bytes, .length = length};
    return WIRE_OK;
}

static enum wire_fault give_typed(uint16_t type, const uint8_t *bytes, size_t length,
                                  struct tunnel_inside *ret)
{
    if (type == ETHER_BRIDGING)
        return give_frame(bytes, length, ret);
    *ret = (struct tunnel_inside){.kind = TUNNEL_TYPED,
                                  .type = type,
                                  .dual_stack = ret->dual_stack,
                                  .bytes = bytes,
                                  .length = length};
    return WIRE_OK;
}

/* An IP packet whose version its first nibble says; nothing when that says neither. */
static enum wire_fault give_ip(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
    unsigned version = length > 0 ? bytes[0] >> 4 : 0;
    if (version != 4 && version != 6)
        return WIRE_OK;
    return give_typed(version == 4 ? ETHER_IPV4 : ETHER_IPV6, bytes, length, ret);
}

static enum wire_fault give_next(unsigned next, const uint8_t *bytes, size_t length,
                                 struct tunnel_inside *ret)
{
    static const uint16_t types[] = {[NEXT_IPV4] = ETHER_IPV4,
                                     [NEXT_IPV6] = ETHER_IPV6,
                                     [NEXT_ETHERNET] = ETHER_BRIDGING,
                                     [NEXT_NSH] = ETHER_NSH,
                                     [NEXT_MPLS] = ETHER_MPLS};
    uint16_t type = next < ARRAY_COUNT(types) ? types[next] : 0;
    return type != 0 ? give_typed(type, bytes, length, ret) : WIRE_OK;
}

static enum wire_fault give_ppp(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
    struct ethernet_frame frame;
    enum wire_fault fault = ethernet_read(LINK_PPP, bytes, length, &frame);
    if (fault != WIRE_OK || frame.type == 0)
        return fault;
    return give_typed(frame.type, frame.payload, frame.length, ret);
}

/* --- by EtherType --- */

/* Whether a frame could begin here: what follows a label does not say what it is. */
static bool looks_like_frame(const uint8_t *bytes, size_t length)
{
    if (length < ETHERNET_HEADER || (bytes[6] & 1) != 0) /* a group never sends */
        return false;
    uint16_t type = bytes_u16(bytes + 12);
    return type == ETHER_IPV4 || type == ETHER_IPV6 || type == ETHER_ARP || type == ETHER_RARP ||
           type == ETHER_VLAN || type == ETHER_PROVIDER_VLAN || tunnel_is_type(type);
}

static enum wire_fault read_mpls(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
    bool bottom = false;
    for (unsigned labels = 0; !bottom; labels++) {
        if (labels == MPLS_LABELS_MAX)
            return WIRE_TOO_DEEP;
        if (length < MPLS_LABEL)
            return WIRE_CUT;
        bottom = (bytes[2] & 1) != 0;
        bytes += MPLS_LABEL;
        length -= MPLS_LABEL;
    }
    if (looks_like_frame(bytes, length))
        return give_frame(bytes, length, ret);
    if (length > CONTROL_WORD && bytes[0] >> 4 == 0 &&
        looks_like_frame(bytes + CONTROL_WORD, length - CONTROL_WORD))
        return give_frame(bytes + CONTROL_WORD, length - CONTROL_WORD, ret);
    return give_ip(bytes, length, ret);
}

static enum wire_fault read_pppoe(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
    if (length < PPPOE_HEADER)
        return WIRE_CUT;
    if (bytes[0] != 0x11 || bytes[1] != 0)
        return WIRE_OK;
    size_t sent = bytes_u16(bytes + 4);
    length -= PPPOE_HEADER;
    return give_ppp(bytes + PPPOE_HEADER, sent < length ? sent : length, ret);
}

static enum wire_fault read_nsh(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
    if (length < NSH_HEADER)
        return WIRE_CUT;
    size_t header = (size_t)(bytes[1] & 0x3f) * 4;
    if (header < NSH_HEADER)
        return WIRE_MALFORMED;
    if (header > length)
        return WIRE_CUT;
    return give_next(bytes[3], bytes + header, length - header, ret);
}

bool tunnel_is_type(uint16_t type)
{
    return type == ETHER_MPLS || type == ETHER_MPLS_UPSTREAM || type == ETHER_PPPOE ||
           type == ETHER_BACKBONE || type == ETHER_NSH;
}

enum wire_fault tunnel_read_type(uint16_t type, const uint8_t *bytes, size_t length,
                                 struct tunnel_inside *ret)
{
    *ret = (struct tunnel_inside){.kind = TUNNEL_NOTHING};
    switch (type) {
    case ETHER_MPLS:
    case ETHER_MPLS_UPSTREAM:
        return read_mpls(bytes, length, ret);
    case ETHER_PPPOE:
        return read_pppoe(bytes, length, ret);
    case ETHER_BACKBONE:
        if (length < BACKBONE_HEADER)
            return WIRE_CUT;
        return give_frame(bytes + BACKBONE_HEADER, length - BACKBONE_HEADER, ret);
    case ETHER_NSH:
        return read_nsh(bytes, length, ret);
    default:
        return WIRE_OK;
    }
}

/* --- by IP protocol --- */

static enum wire_fault read_erspan(uint16_t type, bool sequence, const uint8_t *bytes,
                                   size_t length, struct tunnel_inside *ret)
{
    if (type == ETHER_ERSPAN && !sequence)
        return give_frame(bytes, length, ret);
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
    give_frame(bytes + header, length - header, ret);
    ret->vlan = vlan;
    return WIRE_OK;
}

static enum wire_fault read_gre(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
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
        return read_erspan(type, (flags & GRE_SEQUENCE) != 0, bytes, length, ret);
    if (type == ETHER_WCCP) /* version 2 puts a header of its own before the packet */
        return length > WCCP_HEADER && bytes[0] >> 4 != 4
                   ? give_ip(bytes + WCCP_HEADER, length - WCCP_HEADER, ret)
                   : give_ip(bytes, length, ret);
    return give_typed(type, bytes, length, ret);
}

static enum wire_fault read_etherip(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
    if (length < ETHERIP_HEADER)
        return WIRE_CUT;
    if (bytes[0] != 0x30 || bytes[1] != 0)
        return WIRE_OK;
    return give_frame(bytes + ETHERIP_HEADER, length - ETHERIP_HEADER, ret);
}

/* An L2TPv3 session: a cookie of no, four or eight octets, then perhaps four that number the
 * frames. Session 0 is the control channel. */
static enum wire_fault read_session(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
    if (length < SESSION_BYTES || bytes_u32(bytes) == 0)
        return WIRE_OK;
    for (size_t at = SESSION_BYTES; at <= SESSION_BYTES + 12 && at < length; at += 4) {
        if (looks_like_frame(bytes + at, length - at))
            return give_frame(bytes + at, length - at, ret);
    }
    return WIRE_OK;
}

/* --- by UDP port --- */

static enum wire_fault read_vxlan(const uint8_t *bytes, size_t length, bool generic,
                                  struct tunnel_inside *ret)
{
    enum { INSTANCE = 0x08, PROTOCOL = 0x04 };
    if (length < UDP_TUNNEL_HEADER || (bytes[0] & INSTANCE) == 0)
        return WIRE_OK;
    const uint8_t *inner = bytes + UDP_TUNNEL_HEADER;
    if (generic && (bytes[0] & PROTOCOL) != 0)
        return give_next(bytes[3], inner, length - UDP_TUNNEL_HEADER, ret);
    return give_frame(inner, length - UDP_TUNNEL_HEADER, ret);
}

static enum wire_fault read_geneve(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
    if (length < UDP_TUNNEL_HEADER || bytes[0] >> 6 != 0)
        return WIRE_OK;
    size_t header = UDP_TUNNEL_HEADER + (size_t)(bytes[0] & 0x3f) * 4;
    if (header > length)
        return WIRE_OK;
    return give_typed(bytes_u16(bytes + 2), bytes + header, length - header, ret);
}

static enum wire_fault read_gtp(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
    enum { VERSION_1 = 0x30, VERSION_MASK = 0xf0, USER_DATA = 0xff, OPTIONAL = 0x07 };
    enum { EXTENSION = 0x04 };
    if (length < UDP_TUNNEL_HEADER || (bytes[0] & VERSION_MASK) != VERSION_1 ||
        bytes[1] != USER_DATA)
        return WIRE_OK;
    size_t header = UDP_TUNNEL_HEADER + ((bytes[0] & OPTIONAL) != 0 ? 4 : 0);
    bool extended = (bytes[0] & EXTENSION) != 0;
    while (extended && header < length && bytes[header - 1] != 0) {
        if (bytes[header] == 0)
            return WIRE_OK;
        header += (size_t)bytes[header] * 4;
    }
    return header < length ? give_ip(bytes + header, length - header, ret) : WIRE_OK;
}

static enum wire_fault read_teredo(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
    if (length > TEREDO_AUTHENTICATION && bytes_u16(bytes) == 1) {
        size_t header = TEREDO_AUTHENTICATION + (size_t)bytes[2] + bytes[3];
        if (header > length)
            return WIRE_OK;
        bytes += header;
        length -= header;
    }
    if (length > TEREDO_ORIGIN && bytes_u16(bytes) == 0) {
        bytes += TEREDO_ORIGIN;
        length -= TEREDO_ORIGIN;
    }
    return give_ip(bytes, length, ret);
}

static enum wire_fault read_l2tp(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
    enum { CONTROL = 0x8000, LENGTH = 0x4000, SEQUENCE = 0x0800, OFFSET = 0x0200, VERSION = 0xf };
    if (length < 6)
        return WIRE_OK;
    uint16_t flags = bytes_u16(bytes);
    if ((flags & CONTROL) == 0 && (flags & VERSION) == 3)
        return read_session(bytes + SESSION_FLAGS, length - SESSION_FLAGS, ret);
    if ((flags & CONTROL) != 0 || (flags & VERSION) != 2)
        return WIRE_OK;
    size_t header = 6;
    header += (flags & LENGTH) != 0 ? 2 : 0;
    header += (flags & SEQUENCE) != 0 ? 4 : 0;
    if ((flags & OFFSET) != 0)
        header += header + 2 <= length ? 2 + (size_t)bytes_u16(bytes + header) : length;
    return header < length ? give_ppp(bytes + header, length - header, ret) : WIRE_OK;
}

static enum wire_fault read_tzsp(const uint8_t *bytes, size_t length, struct tunnel_inside *ret)
{
    enum { TAG_PADDING = 0, TAG_END = 1, ETHERNET = 1, RADIO = 18, PRISM = 119, AVS = 127 };
    if (length < TZSP_HEADER || bytes[0] != 1 || bytes[1] > 1)
        return WIRE_OK;
    unsigned kind = bytes_u16(bytes + 2);
    if (kind != ETHERNET && kind != RADIO && kind != PRISM && kind != AVS)
        return WIRE_OK;
    size_t at = TZSP_HEADER;
    while (at < length && bytes[at] != TAG_END)
        at += bytes[at] == TAG_PADDING || at + 1 == length ? 1 : 2 + (size_t)bytes[at + 1];
    if (at >= length)
        return WIRE_OK;
    give_frame(bytes + at + 1, length - at - 1, ret);
    ret->link = kind == ETHERNET ? LINK_ETHERNET : kind == RADIO ? LINK_RADIO : LINK_PRISM;
    return WIRE_OK;
}

static enum wire_fault read_port(uint16_t port, const uint8_t *bytes, size_t length,
                                 struct tunnel_inside *ret)
{
    switch (port) {
    case PORT_VXLAN:
    case PORT_VXLAN_LINUX:
        return read_vxlan(bytes, length, false, ret);
    case PORT_VXLAN_GPE:
        return read_vxlan(bytes, length, true, ret);
    case PORT_GENEVE:
        return read_geneve(bytes, length, ret);
    case PORT_GTP:
        return read_gtp(bytes, length, ret);
    case PORT_TEREDO:
        return read_teredo(bytes, length, ret);
    case PORT_L2TP:
        return read_l2tp(bytes, length, ret);
    case PORT_TZSP:
        return read_tzsp(bytes, length, ret);
    case PORT_DUAL_STACK:
        ret->dual_stack = true;
        return give_ip(bytes, length, ret);
    case PORT_LISP:
        return length > UDP_TUNNEL_HEADER
                   ? give_ip(bytes + UDP_TUNNEL_HEADER, length - UDP_TUNNEL_HEADER, ret)
                   : WIRE_OK;
    default:
        return WIRE_OK;
    }
}

static enum wire_fault read_udp(const struct ip_packet *packet, struct tunnel_inside *ret)
{
    struct udp_datagram udp;
    if (!ip_packet_udp(packet, &udp))
        return WIRE_OK;
    enum wire_fault fault = read_port(udp.destination_port, udp.payload, udp.length, ret);
    if (fault == WIRE_OK && ret->kind == TUNNEL_NOTHING)
        fault = read_port(udp.source_port, udp.payload, udp.length, ret);
    return fault;
}

enum wire_fault tunnel_read_packet(const struct ip_packet *packet, bool overlays,
                                   struct tunnel_inside *ret)
{
    const uint8_t *bytes = packet->payload;
    size_t length = packet->length;
    *ret = (struct tunnel_inside){.kind = TUNNEL_NOTHING};
    switch (packet->protocol) {
    case IP_PROTOCOL_GRE:
        return read_gre(bytes, length, ret);
    case IP_PROTOCOL_IPV4:
        return give_typed(ETHER_IPV4, bytes, length, ret);
    case IP_PROTOCOL_IPV6:
        return give_typed(ETHER_IPV6, bytes, length, ret);
    case IP_PROTOCOL_ETHERIP:
        return read_etherip(bytes, length, ret);
    case IP_PROTOCOL_L2TP:
        return overlays ? read_session(bytes, length, ret) : WIRE_OK;
    case IP_PROTOCOL_MPLS:
        return give_typed(ETHER_MPLS, bytes, length, ret);
    case IP_PROTOCOL_UDP:
        return overlays ? read_udp(packet, ret) : WIRE_OK;
    default:
        return WIRE_OK;
    }
}
