/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/neighbour_frame.h"

#include <string.h>

#include "wire/bytes.h"

enum { ETHER_LLDP = 0x88cc, ETHER_SLOW = 0x8809, SLOW_LACP = 1, CDP_HEADER = 12, CDP_TLV = 4 };

enum lldp_tlv {
    LLDP_END = 0,
    LLDP_CHASSIS = 1,
    LLDP_PORT = 2,
    LLDP_PORT_DESCRIPTION = 4,
    LLDP_SYSTEM = 5,
    LLDP_DESCRIPTION = 6,
    LLDP_ADDRESS = 8
};

enum cdp_tlv { CDP_DEVICE = 1, CDP_PORT = 3, CDP_PLATFORM = 6, CDP_NATIVE_VLAN = 10 };

enum { LACP_ACTOR = 1, LACP_PARTNER = 2, LACP_SIDE_BYTES = 20 };

/* The first one counts. */
static void keep(struct frame_octets *to, const uint8_t *bytes, size_t length)
{
    if (to->bytes == NULL)
        *to = (struct frame_octets){bytes, (uint16_t)length};
}

/* An identifier with its subtype before it. */
static void keep_id(struct frame_octets *to, uint8_t *subtype, const uint8_t *data, size_t length,
                    bool *broken)
{
    if (length < 2) {
        *broken = true;
        return;
    }
    if (to->bytes == NULL)
        *subtype = data[0];
    keep(to, data + 1, length - 1);
}

static void take_address(const uint8_t *data, size_t length, struct neighbour_frame *ret)
{
    if (ip_known(&ret->address) || length < 2 || (size_t)data[0] + 1 > length)
        return;
    if (data[0] == 5 && data[1] == 1)
        ret->address = ip_from_v4(data + 2);
    else if (data[0] == 17 && data[1] == 2)
        ret->address = ip_from_v6(data + 2);
}

static bool read_lldp(const uint8_t *at, size_t length, struct neighbour_frame *ret)
{
    ret->kind = NEIGHBOUR_LLDP;
    while (length >= 2) {
        unsigned type = at[0] >> 1;
        size_t size = bytes_u16(at) & 0x1ff;
        const uint8_t *data = at + 2;
        if (type == LLDP_END)
            break;
        if (size > length - 2) {
            ret->broken = true;
            break;
        }
        if (type == LLDP_CHASSIS)
            keep_id(&ret->chassis, &ret->chassis_subtype, data, size, &ret->broken);
        else if (type == LLDP_PORT)
            keep_id(&ret->port, &ret->port_subtype, data, size, &ret->broken);
        else if (type == LLDP_PORT_DESCRIPTION)
            keep(&ret->port_description, data, size);
        else if (type == LLDP_SYSTEM)
            keep(&ret->system, data, size);
        else if (type == LLDP_DESCRIPTION)
            keep(&ret->description, data, size);
        else if (type == LLDP_ADDRESS)
            take_address(data, size, ret);
        at += size + 2;
        length -= size + 2;
    }
    return ret->chassis.bytes != NULL || ret->port.bytes != NULL;
}

static bool read_cdp(const uint8_t *at, size_t length, struct neighbour_frame *ret)
{
    ret->kind = NEIGHBOUR_CDP;
    while (length >= CDP_TLV) {
        size_t size = bytes_u16(at + 2);
        if (size < CDP_TLV || size > length) {
            ret->broken = true;
            break;
        }
        const uint8_t *data = at + CDP_TLV;
        size_t data_length = size - CDP_TLV;
        switch (bytes_u16(at)) {
        case CDP_DEVICE:
            keep(&ret->system, data, data_length);
            break;
        case CDP_PORT:
            keep(&ret->port, data, data_length);
            break;
        case CDP_PLATFORM:
            keep(&ret->description, data, data_length);
            break;
        case CDP_NATIVE_VLAN:
            if (data_length >= 2) {
                ret->has_native_vlan = true;
                ret->native_vlan = bytes_u16(data);
            }
            break;
        default:
            break;
        }
        at += size;
        length -= size;
    }
    return ret->system.bytes != NULL || ret->port.bytes != NULL;
}

static bool read_lacp(const uint8_t *at, size_t length, struct neighbour_frame *ret)
{
    ret->kind = NEIGHBOUR_LACP;
    while (length >= 2 && at[0] != 0) {
        size_t size = at[1];
        if (size < 2 || size > length) {
            ret->broken = true;
            break;
        }
        if ((at[0] == LACP_ACTOR || at[0] == LACP_PARTNER) && size == LACP_SIDE_BYTES) {
            struct lacp_side *side = at[0] == LACP_ACTOR ? &ret->actor : &ret->partner;
            *side = (struct lacp_side){.said = true,
                                       .priority = bytes_u16(at + 2),
                                       .system = mac_from_octets(at + 4),
                                       .key = bytes_u16(at + 10),
                                       .port = bytes_u16(at + 14),
                                       .state = at[16]};
        }
        at += size;
        length -= size;
    }
    return ret->actor.said;
}

bool neighbour_frame_read(const struct ethernet_frame *frame, struct neighbour_frame *ret)
{
    static const uint8_t cdp[] = {0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c, 0x20, 0x00};
    const uint8_t *bytes = frame->payload;
    size_t length = frame->length;
    *ret = (struct neighbour_frame){.actor = {.system = MAC_NONE}, .partner = {.system = MAC_NONE}};
    if (frame->type == ETHER_LLDP)
        return read_lldp(bytes, length, ret);
    if (frame->type == ETHER_SLOW)
        return length > 2 && bytes[0] == SLOW_LACP && read_lacp(bytes + 2, length - 2, ret);
    return frame->type == 0 && length > CDP_HEADER && memcmp(bytes, cdp, sizeof cdp) == 0 &&
           read_cdp(bytes + CDP_HEADER, length - CDP_HEADER, ret);
}
