/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/radio_link.h"

#include "wire/bytes.h"

enum {
    TYPE_DATA = 2,
    KIND_EMPTY = 0x40, /* of the first octet, for data */
    KIND_QUALITY = 0x80,
    FLAG_TO_SYSTEM = 0x01, /* of the second */
    FLAG_FROM_SYSTEM = 0x02,
    FLAG_PROTECTED = 0x40,
    FLAG_ORDER = 0x80, /* with quality of service: four octets more */
    QUALITY_AGGREGATE = 0x80,
    QUALITY_MESH = 0x01 /* of its second octet */
};

enum {
    HEADER_BYTES = 24,
    ADDRESS_BYTES = 6,
    QUALITY_BYTES = 2,
    THROUGHPUT_BYTES = 4,
    VECTOR_BYTES = 8,
    MESH_BYTES = 6,
    PART_HEADER = 14
};

enum { RADIOTAP_HEADER = 8, RADIOTAP_TIME = 0x01, RADIOTAP_FLAGS = 0x02 };

/* What radiotap says of a frame: its header is filled up to four octets. */
enum { RADIOTAP_PADDED = 0x20 };

enum { PRISM_HEADER = 8 };

#define AVS_MAGIC UINT32_C(0x80211000)

enum wire_fault radio_link_read_part(const uint8_t *bytes, size_t length,
                                     struct ethernet_frame *ret)
{
    if (length < PART_HEADER)
        return WIRE_CUT;
    ret->destination = mac_from_octets(bytes);
    ret->source = mac_from_octets(bytes + ADDRESS_BYTES);
    size_t size = bytes_u16(bytes + 2 * ADDRESS_BYTES), here = length - PART_HEADER;
    size_t next = (PART_HEADER + size + 3) & ~(size_t)3;
    if (next + PART_HEADER <= length) {
        ret->rest = bytes + next;
        ret->rest_length = length - next;
    }
    return ethernet_read_llc(bytes + PART_HEADER, size < here ? size : here, ret);
}

/* Who talks with whom, by the bits of direction. */
static void read_addresses(const uint8_t *bytes, struct ethernet_frame *ret)
{
    const uint8_t *first = bytes + 4, *second = first + ADDRESS_BYTES;
    const uint8_t *third = second + ADDRESS_BYTES, *fourth = bytes + HEADER_BYTES;
    bool to = (bytes[1] & FLAG_TO_SYSTEM) != 0, from = (bytes[1] & FLAG_FROM_SYSTEM) != 0;
    ret->destination = mac_from_octets(to ? third : first);
    ret->source = mac_from_octets(to && from ? fourth : from ? third : second);
}

/* Where LLC begins in what follows the header: behind what a mesh adds, or the vector of a
 * protection that was undone; SIZE_MAX: nowhere. */
static size_t find_llc(const uint8_t *bytes, size_t length, bool mesh, bool protected)
{
    size_t control = length > 0 ? MESH_BYTES + (size_t)ADDRESS_BYTES * (bytes[0] & 3) : 0;
    if (ethernet_is_snap(bytes, length))
        return 0;
    if (mesh && length >= control && ethernet_is_snap(bytes + control, length - control))
        return control;
    if (protected && length >= VECTOR_BYTES &&
        ethernet_is_snap(bytes + VECTOR_BYTES, length - VECTOR_BYTES))
        return VECTOR_BYTES;
    return protected ? SIZE_MAX : 0;
}

static enum wire_fault read_data(const uint8_t *bytes, size_t length, bool padded,
                                 struct ethernet_frame *ret)
{
    size_t header = HEADER_BYTES;
    bool both =
        (bytes[1] & (FLAG_TO_SYSTEM | FLAG_FROM_SYSTEM)) == (FLAG_TO_SYSTEM | FLAG_FROM_SYSTEM);
    bool quality = (bytes[0] & KIND_QUALITY) != 0, protected = (bytes[1] & FLAG_PROTECTED) != 0;
    header += both ? ADDRESS_BYTES : 0;
    size_t service = header;
    if (quality)
        header += QUALITY_BYTES + ((bytes[1] & FLAG_ORDER) != 0 ? THROUGHPUT_BYTES : 0);
    if (length < header)
        return WIRE_CUT;
    read_addresses(bytes, ret);
    bool later = (bytes[22] & 0x0f) != 0; /* a fragment that is not the first */
    if ((bytes[0] & KIND_EMPTY) != 0 || later)
        return WIRE_OK;
    bool mesh = quality && (bytes[service + 1] & QUALITY_MESH) != 0;
    bool aggregate = quality && (bytes[service] & QUALITY_AGGREGATE) != 0 && !protected;
    if (padded)
        header = (header + 3) & ~(size_t)3;
    if (length < header)
        return WIRE_CUT;
    if (aggregate)
        return radio_link_read_part(bytes + header, length - header, ret);
    size_t at = find_llc(bytes + header, length - header, mesh, protected);
    ret->sealed = at == SIZE_MAX;
    if (ret->sealed)
        return WIRE_OK;
    return ethernet_read_llc(bytes + header + at, length - header - at, ret);
}

static enum wire_fault read_frame(const uint8_t *bytes, size_t length, bool padded,
                                  struct ethernet_frame *ret)
{
    if (length < 2)
        return WIRE_CUT;
    bool known = (bytes[0] & 3) == 0; /* the protocol's version */
    if (!known || (bytes[0] >> 2 & 3) != TYPE_DATA)
        return WIRE_OK;
    return read_data(bytes, length, padded, ret);
}

static uint32_t little_u32(const uint8_t *at)
{
    return __builtin_bswap32(bytes_u32(at));
}

/* Returns radiotap's flags of the frame, 0 where it says none. They are the second thing
 * that can be present, behind a time of eight octets. */
static uint8_t radiotap_flags(const uint8_t *bytes, size_t header)
{
    size_t at = 4;
    while (at + 8 <= header && (bytes[at + 3] & 0x80) != 0) /* another word follows */
        at += 4;
    at += 4;
    uint8_t present = bytes[4];
    if ((present & RADIOTAP_TIME) != 0)
        at = ((at + 7) & ~(size_t)7) + 8;
    return (present & RADIOTAP_FLAGS) != 0 && at < header ? bytes[at] : 0;
}

static enum wire_fault read_radiotap(const uint8_t *bytes, size_t length,
                                     struct ethernet_frame *ret)
{
    if (length < RADIOTAP_HEADER)
        return WIRE_CUT;
    size_t header = (size_t)(bytes[2] | bytes[3] << 8);
    if (bytes[0] != 0 || header < RADIOTAP_HEADER)
        return WIRE_MALFORMED;
    if (header > length)
        return WIRE_CUT;
    bool padded = (radiotap_flags(bytes, header) & RADIOTAP_PADDED) != 0;
    return read_frame(bytes + header, length - header, padded, ret);
}

/* Both orders of octets were written; only one makes a header that fits. */
static enum wire_fault read_prism(const uint8_t *bytes, size_t length, struct ethernet_frame *ret)
{
    if (length < PRISM_HEADER)
        return WIRE_CUT;
    bool avs = (bytes_u32(bytes) & 0xfffff000) == AVS_MAGIC;
    size_t header = avs ? bytes_u32(bytes + 4) : little_u32(bytes + 4);
    if (!avs && header > UINT16_MAX)
        header = bytes_u32(bytes + 4);
    if (header < PRISM_HEADER)
        return WIRE_MALFORMED;
    if (header > length)
        return header > UINT16_MAX ? WIRE_MALFORMED : WIRE_CUT;
    return read_frame(bytes + header, length - header, false, ret);
}

enum wire_fault radio_link_read(enum link_type link, const uint8_t *bytes, size_t length,
                                struct ethernet_frame *ret)
{
    switch (link) {
    case LINK_RADIOTAP:
        return read_radiotap(bytes, length, ret);
    case LINK_PRISM:
    case LINK_AVS:
        return read_prism(bytes, length, ret);
    default:
        return read_frame(bytes, length, false, ret);
    }
}
