/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/radio_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/frame_fixture.h"

enum {
    KIND_DATA = 0x08,
    KIND_QUALITY_DATA = 0x88,
    KIND_BEACON = 0x80,
    KIND_QUALITY_NULL = 0xc8,
    TO_SYSTEM = 1,
    FROM_SYSTEM = 2,
    PROTECTED = 0x40,
    ORDER = 0x80
};

/* The header of a frame with the addresses 1, 2, 3 and, between access points, 4. */
static void add_header(struct frame *to, unsigned kind, unsigned flags)
{
    frame_u8(to, kind);
    frame_u8(to, flags);
    frame_u16(to, 0);
    frame_mac(to, 1);
    frame_mac(to, 2);
    frame_mac(to, 3);
    frame_u16(to, 0x1000);
    if ((flags & 3) == 3)
        frame_mac(to, 4);
}

static void add_llc(struct frame *to, unsigned type)
{
    frame_u32(to, 0xaaaa0300);
    frame_u16(to, 0);
    frame_u16(to, type);
}

static struct ethernet_frame read_as(enum link_type link, const struct frame *frame)
{
    struct ethernet_frame ret;
    assert_int_equal(ethernet_read(link, frame->bytes, frame->length, &ret), WIRE_OK);
    return ret;
}

static void assert_carries(const struct ethernet_frame *got, unsigned type, unsigned first)
{
    assert_int_equal(got->type, type);
    assert_true(got->length > 0);
    assert_int_equal(got->payload[0], first);
}

static void direction_tells_the_addresses(void **state)
{
    (void)state;
    static const struct {
        unsigned flags, source, destination;
    } ways[] = {{0, 2, 1}, {TO_SYSTEM, 2, 3}, {FROM_SYSTEM, 3, 1}, {TO_SYSTEM | FROM_SYSTEM, 4, 3}};
    for (size_t i = 0; i < ARRAY_COUNT(ways); i++) {
        for (int quality = 0; quality < 3; quality++) {
            struct frame frame = {.length = 0};
            add_header(&frame, quality > 0 ? KIND_QUALITY_DATA : KIND_DATA,
                       ways[i].flags | (quality == 2 ? ORDER : 0));
            frame_zeroes(&frame, quality == 0 ? 0 : quality == 1 ? 2 : 6);
            size_t header = frame.length;
            add_llc(&frame, ETHER_IPV6);
            frame_u8(&frame, 0x60);
            struct ethernet_frame got = read_as(LINK_RADIO, &frame);
            assert_carries(&got, ETHER_IPV6, 0x60);
            assert_int_equal(got.source.bits, 0x525400000000 + ways[i].source);
            assert_int_equal(got.destination.bits, 0x525400000000 + ways[i].destination);
            for (size_t length = 0; length < header; length++)
                assert_int_equal(ethernet_read(LINK_RADIO, frame.bytes, length, &got), WIRE_CUT);
        }
    }
}

static void what_carries_nothing_is_no_fault(void **state)
{
    (void)state;
    static const uint8_t kinds[] = {KIND_BEACON, KIND_QUALITY_NULL, 0xd4 /* acknowledged */,
                                    KIND_DATA | 1 /* another version */};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct frame frame = {.length = 0};
        add_header(&frame, kinds[i], 0);
        frame_zeroes(&frame, 2);
        add_llc(&frame, ETHER_IPV6);
        assert_int_equal(read_as(LINK_RADIO, &frame).type, 0);
    }
    struct frame later = {.length = 0}, acknowledged = {.length = 0};
    add_header(&later, KIND_DATA, 0);
    later.bytes[22] = 0x01; /* its second fragment */
    add_llc(&later, ETHER_IPV6);
    assert_int_equal(read_as(LINK_RADIO, &later).type, 0);
    frame_u16(&acknowledged, 0xd400);
    frame_zeroes(&acknowledged, 8);
    assert_int_equal(read_as(LINK_RADIO, &acknowledged).type, 0);
}

static void protected_frames_are_sealed(void **state)
{
    (void)state;
    struct frame sealed = {.length = 0}, marked = {.length = 0}, vector = {.length = 0};
    add_header(&sealed, KIND_DATA, TO_SYSTEM | PROTECTED);
    frame_u32(&sealed, 0x01020020); /* the vector, then what nobody can read */
    frame_u32(&sealed, 0x00000000);
    for (unsigned i = 0; i < 40; i++)
        frame_u8(&sealed, i * 37);
    struct ethernet_frame got = read_as(LINK_RADIO, &sealed);
    assert_true(got.sealed);
    assert_int_equal(got.type, 0);
    assert_int_equal(got.source.bits, 0x525400000002);
    /* Drivers decrypt and leave the mark, and some the vector. */
    add_header(&marked, KIND_DATA, TO_SYSTEM | PROTECTED);
    add_llc(&marked, ETHER_IPV4);
    frame_u8(&marked, 0x45);
    got = read_as(LINK_RADIO, &marked);
    assert_false(got.sealed);
    assert_carries(&got, ETHER_IPV4, 0x45);
    add_header(&vector, KIND_DATA, TO_SYSTEM | PROTECTED);
    frame_u32(&vector, 0x01020020);
    frame_u32(&vector, 0);
    add_llc(&vector, ETHER_IPV4);
    frame_u8(&vector, 0x46);
    got = read_as(LINK_RADIO, &vector);
    assert_carries(&got, ETHER_IPV4, 0x46);
}

static void aggregated_frames_come_one_by_one(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    add_header(&frame, KIND_QUALITY_DATA, TO_SYSTEM);
    frame_u16(&frame, 0x8000);
    for (unsigned i = 0; i < 3; i++) {
        frame_zeroes(&frame, (4 - (frame.length - 26) % 4) % 4);
        frame_mac(&frame, 20 + i);
        frame_mac(&frame, 10 + i);
        frame_u16(&frame, 9 + i);
        add_llc(&frame, ETHER_IPV6);
        for (unsigned n = 0; n <= i; n++)
            frame_u8(&frame, 0x60 + i);
    }
    frame_u32(&frame, 0xdeadbeef); /* a checksum */
    struct ethernet_frame got = read_as(LINK_RADIO, &frame);
    for (unsigned i = 0; i < 3; i++) {
        assert_carries(&got, ETHER_IPV6, 0x60 + i);
        assert_int_equal(got.length, i + 1);
        assert_int_equal(got.source.bits, 0x52540000000a + i);
        assert_int_equal(got.destination.bits, 0x525400000014 + i);
        assert_int_equal(got.rest != NULL, i < 2);
        if (got.rest != NULL)
            assert_int_equal(ethernet_read_rest(&got), WIRE_OK);
    }
}

static void a_mesh_has_a_header_of_its_own(void **state)
{
    (void)state;
    for (unsigned extended = 0; extended < 3; extended++) {
        struct frame frame = {.length = 0};
        add_header(&frame, KIND_QUALITY_DATA, TO_SYSTEM | FROM_SYSTEM);
        frame_u16(&frame, 0x0001);
        frame_u8(&frame, extended);
        frame_zeroes(&frame, 5 + 6 * extended);
        add_llc(&frame, ETHER_IPV6);
        frame_u8(&frame, 0x60);
        struct ethernet_frame got = read_as(LINK_RADIO, &frame);
        assert_carries(&got, ETHER_IPV6, 0x60);
    }
}

static void drivers_headers_are_passed_over(void **state)
{
    (void)state;
    /* Radiotap with a time, two words of what is present, and a header that is filled up. */
    static const uint8_t tap[] = {0, 0, 25, 0, 0x03, 0, 0, 0xa0, 0, 0, 0, 0,   0,
                                  0, 0, 0,  1, 2,    3, 4, 5,    6, 7, 8, 0x20};
    struct frame frame = {.length = 0}, prism = {.length = 0}, avs = {.length = 0};
    frame_add(&frame, tap, sizeof tap);
    add_header(&frame, KIND_QUALITY_DATA, TO_SYSTEM);
    frame_u16(&frame, 0);
    frame_u16(&frame, 0); /* filled up */
    add_llc(&frame, ETHER_IPV6);
    frame_u8(&frame, 0x61);
    struct ethernet_frame got = read_as(LINK_RADIOTAP, &frame);
    assert_carries(&got, ETHER_IPV6, 0x61);
    for (size_t length = 0; length < sizeof tap + 26; length++)
        assert_int_equal(ethernet_read(LINK_RADIOTAP, frame.bytes, length, &got), WIRE_CUT);
    frame.bytes[2] = 7; /* shorter than its fixed part */
    assert_int_equal(ethernet_read(LINK_RADIOTAP, frame.bytes, frame.length, &got), WIRE_MALFORMED);
    frame_u32(&prism, 0x44000000);
    frame_u32(&prism, 0x10000000);
    frame_zeroes(&prism, 8);
    add_header(&prism, KIND_DATA, 0);
    add_llc(&prism, ETHER_IPV4);
    frame_u8(&prism, 0x45);
    got = read_as(LINK_PRISM, &prism);
    assert_carries(&got, ETHER_IPV4, 0x45);
    prism.bytes[4] = 0xff;
    prism.bytes[5] = 0xff; /* as long as nothing captured is */
    assert_int_equal(ethernet_read(LINK_PRISM, prism.bytes, prism.length, &got), WIRE_CUT);
    frame_u32(&avs, 0x80211002);
    frame_u32(&avs, 16);
    frame_zeroes(&avs, 8);
    add_header(&avs, KIND_DATA, 0);
    add_llc(&avs, ETHER_IPV4);
    frame_u8(&avs, 0x45);
    got = read_as(LINK_AVS, &avs);
    assert_carries(&got, ETHER_IPV4, 0x45);
    got = read_as(LINK_PRISM, &avs); /* it is found under that number too */
    assert_carries(&got, ETHER_IPV4, 0x45);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(direction_tells_the_addresses),
        cmocka_unit_test(what_carries_nothing_is_no_fault),
        cmocka_unit_test(protected_frames_are_sealed),
        cmocka_unit_test(aggregated_frames_come_one_by_one),
        cmocka_unit_test(a_mesh_has_a_header_of_its_own),
        cmocka_unit_test(drivers_headers_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
