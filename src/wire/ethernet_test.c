/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ethernet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/frame_fixture.h"

static struct ethernet_frame read_as(enum link_type link, const struct frame *frame)
{
    struct ethernet_frame ret;
    assert_int_equal(ethernet_read(link, frame->bytes, frame->length, &ret), WIRE_OK);
    return ret;
}

static void a_plain_frame_has_its_addresses(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    frame_ethernet(&frame, ETHER_IPV4);
    frame_u8(&frame, 0x45);
    struct ethernet_frame got = read_as(LINK_ETHERNET, &frame);
    assert_int_equal(got.source.bits, 0x525400000001);
    assert_int_equal(got.destination.bits, 0x525400000002);
    assert_int_equal(got.type, ETHER_IPV4);
    assert_int_equal(got.length, 1);
    assert_int_equal(got.payload[0], 0x45);
    assert_int_equal(ethernet_vlan(&got), 0);
}

static void tags_of_every_kind_are_taken_off(void **state)
{
    (void)state;
    static const uint16_t kinds[] = {0x8100, 0x88a8, 0x9100, 0x9200};
    for (int i = 0; i < 4; i++) {
        struct frame frame = {.length = 0};
        frame_ethernet(&frame, kinds[i]);
        frame_u16(&frame, 0xe000 | 100);
        frame_u16(&frame, 0x8100);
        frame_u16(&frame, 0x6000); /* a priority, no VLAN */
        frame_u16(&frame, 0x8100);
        frame_u16(&frame, 10);
        frame_u16(&frame, ETHER_IPV6);
        struct ethernet_frame got = read_as(LINK_ETHERNET, &frame);
        assert_int_equal(got.type, ETHER_IPV6);
        assert_int_equal(got.vlan_count, 2);
        assert_int_equal(got.vlans[0], 100);
        assert_int_equal(ethernet_vlan(&got), 10);
        assert_int_equal(got.length, 0);
    }
}

static void a_tower_of_tags_is_refused(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct ethernet_frame got;
    frame_ethernet(&frame, ETHER_VLAN);
    for (int i = 0; i < LIMIT_VLAN_TAGS; i++)
        frame_u32(&frame, 0x000a8100);
    assert_int_equal(ethernet_read(LINK_ETHERNET, frame.bytes, frame.length, &got), WIRE_TOO_DEEP);
}

static void frames_that_end_in_a_header_are_cut(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct ethernet_frame got;
    frame_ethernet(&frame, ETHER_VLAN);
    frame_u32(&frame, 0x000a0800);
    for (size_t length = 0; length < frame.length; length++)
        assert_int_equal(ethernet_read(LINK_ETHERNET, frame.bytes, length, &got), WIRE_CUT);
    assert_int_equal(ethernet_read(LINK_COOKED, frame.bytes, 15, &got), WIRE_CUT);
    assert_int_equal(ethernet_read(LINK_COOKED2, frame.bytes, 18, &got), WIRE_CUT);
    assert_int_equal(ethernet_read(LINK_RAW_IP, frame.bytes, 0, &got), WIRE_CUT);
    assert_int_equal(ethernet_read(LINK_LOOPBACK, frame.bytes, 4, &got), WIRE_CUT);
    assert_int_equal(ethernet_read(LINK_PPP, frame.bytes, 1, &got), WIRE_CUT);
    assert_int_equal(ethernet_read(LINK_CISCO_HDLC, frame.bytes, 3, &got), WIRE_CUT);
}

static void lengths_of_802_3_are_no_types(void **state)
{
    (void)state;
    struct frame llc = {.length = 0}, snap = {.length = 0};
    frame_ethernet(&llc, 3);
    frame_u32(&llc, 0x42420300);
    struct ethernet_frame got = read_as(LINK_ETHERNET, &llc);
    assert_int_equal(got.type, 0);
    assert_int_equal(got.length, 3);
    frame_ethernet(&snap, 28);
    frame_u32(&snap, 0xaaaa0300);
    frame_u32(&snap, 0x00000800);
    frame_u8(&snap, 0x45);
    got = read_as(LINK_ETHERNET, &snap);
    assert_int_equal(got.type, ETHER_IPV4);
    assert_int_equal(got.length, 1);
}

static void other_links_end_in_the_same_struct(void **state)
{
    (void)state;
    struct frame cooked = {.length = 0}, cooked2 = {.length = 0}, raw = {.length = 0};
    struct frame loopback = {.length = 0}, ppp = {.length = 0}, hdlc = {.length = 0};
    frame_u32(&cooked, 0x00000001);
    frame_u16(&cooked, 6);
    frame_mac(&cooked, 9);
    frame_u16(&cooked, 0);
    frame_u16(&cooked, ETHER_VLAN);
    frame_u32(&cooked, 0x000a86dd);
    frame_u8(&cooked, 0x60);
    struct ethernet_frame got = read_as(LINK_COOKED, &cooked);
    assert_int_equal(got.source.bits, 0x525400000009);
    assert_false(mac_known(got.destination));
    assert_int_equal(got.type, ETHER_IPV6);
    assert_int_equal(ethernet_vlan(&got), 10);
    frame_u32(&cooked2, 0x86dd0000);
    frame_u32(&cooked2, 1);
    frame_u32(&cooked2, 0x00010006);
    frame_mac(&cooked2, 9);
    frame_u16(&cooked2, 0);
    frame_u8(&cooked2, 0x60);
    got = read_as(LINK_COOKED2, &cooked2);
    assert_int_equal(got.source.bits, 0x525400000009);
    assert_int_equal(got.type, ETHER_IPV6);
    frame_u8(&raw, 0x60);
    assert_int_equal(read_as(LINK_RAW_IP, &raw).type, ETHER_IPV6);
    frame_u32(&loopback, 0x18000000);
    frame_u8(&loopback, 0x60);
    assert_int_equal(read_as(LINK_LOOPBACK, &loopback).type, ETHER_IPV6);
    frame_u32(&ppp, 0xff030057);
    assert_int_equal(read_as(LINK_PPP, &ppp).type, ETHER_IPV6);
    frame_u32(&hdlc, 0x0f000800);
    assert_int_equal(read_as(LINK_CISCO_HDLC, &hdlc).type, ETHER_IPV4);
    assert_int_equal(link_type_of(1), LINK_ETHERNET);
    assert_int_equal(link_type_of(276), LINK_COOKED2);
    assert_int_equal(link_type_of(147), LINK_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_frame_has_its_addresses),
        cmocka_unit_test(tags_of_every_kind_are_taken_off),
        cmocka_unit_test(a_tower_of_tags_is_refused),
        cmocka_unit_test(frames_that_end_in_a_header_are_cut),
        cmocka_unit_test(lengths_of_802_3_are_no_types),
        cmocka_unit_test(other_links_end_in_the_same_struct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
