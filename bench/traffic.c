/* SPDX-License-Identifier: Apache-2.0 */
#include "traffic.h"

#include <string.h>

enum next_header {
    HOP_BY_HOP = 0,
    TCP = 6,
    UDP = 17,
    IPV6 = 41,
    ROUTING = 43,
    FRAGMENT = 44,
    NONE = 59,
    DESTINATION = 60,
    MOBILITY = 135
};

enum message { HOME_TEST_INIT = 1, CARE_OF_TEST_INIT = 2, UPDATE = 5, ACK = 6 };

/* One frame as it grows. */
struct draft {
    uint8_t *bytes;
    size_t length;
    size_t inner; /* where the packet that matters begins */
};

static uint64_t draw(struct traffic *traffic)
{
    traffic->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = traffic->state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void put(struct draft *draft, const void *bytes, size_t length)
{
    memcpy(draft->bytes + draft->length, bytes, length);
    draft->length += length;
}

static void put_u8(struct draft *draft, unsigned value)
{
    draft->bytes[draft->length++] = (uint8_t)value;
}

static void put_u16(struct draft *draft, unsigned value)
{
    put_u8(draft, value >> 8);
    put_u8(draft, value & 0xff);
}

static void put_zeroes(struct draft *draft, size_t count)
{
    memset(draft->bytes + draft->length, 0, count);
    draft->length += count;
}

static void put_address(struct draft *draft, unsigned kind, uint32_t number)
{
    const uint8_t address[16] = {0x20,
                                 0x01,
                                 0x0d,
                                 0xb8,
                                 (uint8_t)kind,
                                 [12] = (uint8_t)(number >> 24),
                                 (uint8_t)(number >> 16),
                                 (uint8_t)(number >> 8),
                                 (uint8_t)number};
    put(draft, address, sizeof address);
}

static void put_ethernet(struct draft *draft, uint64_t random, unsigned tags, unsigned type)
{
    const uint8_t macs[12] = {0x52, 0x54, 0, 0, (uint8_t)(random >> 8),  (uint8_t)random,
                              0x52, 0x54, 0, 1, (uint8_t)(random >> 24), (uint8_t)(random >> 16)};
    put(draft, macs, sizeof macs);
    for (unsigned tag = 0; tag < tags; tag++) {
        put_u16(draft, tag + 1 < tags ? 0x88a8 : 0x8100);
        put_u16(draft, 1 + (random >> 32) % 4000);
    }
    put_u16(draft, type);
}

/* An IPv6 header whose length end_ipv6() sets. */
static size_t put_ipv6(struct draft *draft, unsigned next, uint32_t from, uint32_t to)
{
    size_t begin = draft->length;
    put_u16(draft, 0x6000);
    put_zeroes(draft, 4);
    put_u8(draft, next);
    put_u8(draft, 64);
    put_address(draft, 2, from);
    put_address(draft, 1, to);
    return begin;
}

static void end_ipv6(struct draft *draft, size_t begin)
{
    size_t length = draft->length - begin - 40;
    draft->bytes[begin + 4] = (uint8_t)(length >> 8);
    draft->bytes[begin + 5] = (uint8_t)length;
}

static void put_home_option(struct draft *draft, unsigned next, uint32_t home)
{
    put_u8(draft, next);
    put_u8(draft, 2);
    put(draft, (const uint8_t[]){1, 2, 0, 0, 201, 16}, 6);
    put_address(draft, 3, home);
}

static void put_hop_by_hop(struct draft *draft, unsigned next)
{
    put_u8(draft, next);
    put_u8(draft, 0);
    put(draft, (const uint8_t[]){5, 2, 0, 0, 1, 0}, 6);
}

static void put_message(struct traffic *traffic, struct draft *draft, unsigned type, uint32_t home)
{
    static const uint8_t lengths[] = {
        [HOME_TEST_INIT] = 1, [CARE_OF_TEST_INIT] = 1, [UPDATE] = 1, [ACK] = 1};
    put_u8(draft, NONE);
    put_u8(draft, lengths[type]);
    put_u8(draft, type);
    put_zeroes(draft, 3);
    if (type == UPDATE || type == ACK) {
        put_u16(draft, type == UPDATE ? home : 0); /* sequence; status */
        put_u16(draft, type == UPDATE ? 0xc000 : home);
        put_u16(draft, 900);
        put(draft, (const uint8_t[]){1, 2, 0, 0}, 4);
    } else {
        put_zeroes(draft, 10);
    }
    traffic->messages++;
    traffic->updates += type == UPDATE;
}

static void put_draft_update(struct traffic *traffic, struct draft *draft, uint32_t home)
{
    put_u8(draft, NONE);
    put_u8(draft, 4);
    put(draft, (const uint8_t[]){201, 16}, 2);
    put_address(draft, 3, home);
    put(draft, (const uint8_t[]){198, 8, 0xc0, 0, 0, (uint8_t)home, 0, 0, 14, 16, 1, 8}, 12);
    put_zeroes(draft, 8);
    traffic->drafts++;
}

/* One packet of Mobile IPv6; nine of ten are Binding Updates. */
static void put_mobile(struct traffic *traffic, struct draft *draft, uint64_t random)
{
    uint32_t home = (uint32_t)(random >> 40), peer = (uint32_t)(random >> 20) % 50;
    unsigned shape = random % 20;
    put_ethernet(draft, random, shape == 0 ? 2 : random >> 8 & 1, 0x86dd);
    size_t outer = 0, begin;
    if (shape == 1 || shape == 2) {
        outer = put_ipv6(draft, IPV6, home ^ 1, peer);
        begin = put_ipv6(draft, DESTINATION, home, peer);
    } else {
        static const uint8_t firsts[] = {[3] = HOP_BY_HOP, [4] = HOP_BY_HOP, [5] = MOBILITY,
                                         [6] = ROUTING,    [7] = MOBILITY,   [8] = MOBILITY};
        begin = put_ipv6(draft, shape >= 3 && shape <= 8 ? firsts[shape] : DESTINATION, home, peer);
    }
    switch (shape) {
    case 3:
    case 4:
        put_hop_by_hop(draft, DESTINATION);
        put_home_option(draft, MOBILITY, home);
        put_message(traffic, draft, UPDATE, home);
        break;
    case 5:
        put_message(traffic, draft, UPDATE, home);
        break;
    case 6:
        put(draft, (const uint8_t[]){MOBILITY, 2, 2, 1, 0, 0, 0, 0}, 8);
        put_address(draft, 3, home);
        put_message(traffic, draft, ACK, home);
        break;
    case 7:
    case 8:
        put_message(traffic, draft, shape == 7 ? HOME_TEST_INIT : CARE_OF_TEST_INIT, home);
        break;
    case 9:
        put_draft_update(traffic, draft, home);
        break;
    default:
        put_home_option(draft, MOBILITY, home);
        put_message(traffic, draft, UPDATE, home);
        break;
    }
    end_ipv6(draft, begin);
    if (outer != 0)
        end_ipv6(draft, outer);
}

/* The octets of a registration, where nothing is one. */
static void put_decoy(struct traffic *traffic, struct draft *draft)
{
    size_t room = draft->length;
    put_home_option(draft, MOBILITY, 7);
    put(draft, (const uint8_t[]){NONE, 1, UPDATE, 0, 0, 0, 0, 9, 0xc0, 0, 0, 9, 1, 2, 0, 0}, 16);
    draft->length = room;
    traffic->decoys++;
}

static size_t payload_size(uint64_t random)
{
    unsigned kind = random % 100;
    if (kind < 45)
        return random >> 8 & 63;
    if (kind < 75)
        return 100 + (random >> 8) % 600;
    return kind < 80 ? 1000 : 1200 + (random >> 8) % 200;
}

static void put_payload(struct traffic *traffic, struct draft *draft, uint64_t random, size_t size)
{
    static const uint8_t text[1500] = {135, 60, 201, 43, 135, 0, 5, 135, 60, 2};
    put(draft, text, size);
    if (size >= 64 && random >> 56 == 0) {
        draft->length -= size;
        put_decoy(traffic, draft);
        draft->length += size;
    }
}

static void put_ordinary(struct traffic *traffic, struct draft *draft, uint64_t random)
{
    size_t size = payload_size(draw(traffic));
    unsigned tags = random % 100 < 40 ? 1 : random % 100 < 42 ? 2 : 0;
    unsigned protocol = (random >> 16) % 10 < 8 ? TCP : UDP;
    if ((random >> 24) % 100 >= 40) {
        put_ethernet(draft, random, tags, 0x0800);
        put_u16(draft, 0x4500);
        put_u16(draft, (unsigned)(40 + size));
        put_zeroes(draft, 4);
        put_u8(draft, 64);
        put_u8(draft, protocol);
        put_zeroes(draft, 2);
        put(draft, &random, 8);
    } else {
        put_ethernet(draft, random, tags, 0x86dd);
        bool extended = (random >> 32) % 100 < 3;
        size_t begin = put_ipv6(draft, extended ? HOP_BY_HOP : protocol, (uint32_t)random,
                                (uint32_t)(random >> 30));
        if (extended)
            put_hop_by_hop(draft, protocol);
        draft->inner = begin;
    }
    put_zeroes(draft, 4);
    put_u16(draft, (unsigned)(20 + size));
    put_zeroes(draft, 14);
    put_payload(traffic, draft, random, size);
    if (draft->inner != 0)
        end_ipv6(draft, draft->inner);
}

void traffic_begin(struct traffic *traffic, uint64_t seed)
{
    *traffic = (struct traffic){.state = seed};
}

size_t traffic_next(struct traffic *traffic, uint8_t ret[static TRAFFIC_FRAME_MAX])
{
    struct draft draft = {.bytes = ret};
    uint64_t random = draw(traffic);
    if (draw(traffic) % 1000 == 0)
        put_mobile(traffic, &draft, random);
    else
        put_ordinary(traffic, &draft, random);
    if (draft.length < 60)
        put_zeroes(&draft, 60 - draft.length);
    traffic->frames++;
    traffic->octets += draft.length;
    return draft.length;
}
