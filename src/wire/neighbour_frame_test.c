/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/neighbour_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/frame_fixture.h"

static bool read_frame(const struct frame *frame, struct neighbour_frame *ret)
{
    struct ethernet_frame ethernet;
    assert_int_equal(ethernet_read(LINK_ETHERNET, frame->bytes, frame->length, &ethernet), WIRE_OK);
    return neighbour_frame_read(&ethernet, ret);
}

static void add_tlv(struct frame *frame, unsigned type, const void *data, unsigned length)
{
    frame_u16(frame, type << 9 | length);
    frame_add(frame, data, length);
}

static struct frame lldp_frame(void)
{
    struct frame frame = {.length = 0};
    frame_ethernet(&frame, 0x88cc);
    add_tlv(&frame, 1, "\x04\x52\x54\x00\x00\x00\x01", 7);
    add_tlv(&frame, 2, "\x05g1", 3);
    add_tlv(&frame, 3, "\x00\x78", 2);
    add_tlv(&frame, 5, "sw1", 3);
    add_tlv(&frame, 8, "\x05\x01\xc0\x00\x02\x07\x02\x00\x00\x00\x01\x00", 12);
    add_tlv(&frame, 0, "", 0);
    return frame;
}

static void assert_octets(struct frame_octets got, const char *text)
{
    assert_int_equal(got.length, strlen(text));
    assert_memory_equal(got.bytes, text, got.length);
}

static void lldp_says_who_and_where(void **state)
{
    (void)state;
    struct frame frame = lldp_frame();
    struct neighbour_frame got;
    char text[IP_TEXT_SIZE];
    assert_true(read_frame(&frame, &got));
    assert_int_equal(got.kind, NEIGHBOUR_LLDP);
    assert_int_equal(got.chassis_subtype, LLDP_CHASSIS_MAC);
    assert_int_equal(got.chassis.length, 6);
    assert_octets(got.port, "g1");
    assert_octets(got.system, "sw1");
    assert_string_equal(ip_format(&got.address, text), "192.0.2.7");
    assert_false(got.broken);
}

static void broken_tlvs_keep_what_was_before(void **state)
{
    (void)state;
    struct frame frame = lldp_frame();
    struct neighbour_frame got;
    frame.length -= 4;
    assert_true(read_frame(&frame, &got));
    assert_octets(got.system, "sw1");
    assert_true(got.broken);
    frame.length = 14 + 1;
    assert_false(read_frame(&frame, &got));
}

static void cdp_is_behind_snap(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct neighbour_frame got;
    frame_ethernet(&frame, 43);
    frame_add(&frame, "\xaa\xaa\x03\x00\x00\x0c\x20\x00", 8);
    frame_u32(&frame, 0x02b40000);
    frame_add(&frame, "\x00\x01\x00\x06S2", 6);
    frame_add(&frame, "\x00\x03\x00\x09Gi0/1", 9);
    frame_add(&frame, "\x00\x0a\x00\x06\x00\x0a", 6);
    frame_add(&frame, "\x00\x06\x00\x0aplatfo", 10);
    assert_true(read_frame(&frame, &got));
    assert_int_equal(got.kind, NEIGHBOUR_CDP);
    assert_octets(got.system, "S2");
    assert_octets(got.port, "Gi0/1");
    assert_octets(got.description, "platfo");
    assert_true(got.has_native_vlan);
    assert_int_equal(got.native_vlan, 10);
    frame.bytes[14 + 12 + 6 + 3] = 0; /* a TLV of length zero */
    assert_true(read_frame(&frame, &got));
    assert_true(got.broken);
    assert_null(got.port.bytes);
}

static void lacp_has_two_sides(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct neighbour_frame got;
    frame_ethernet(&frame, 0x8809);
    frame_u16(&frame, 0x0101);
    for (unsigned side = 1; side <= 2; side++) {
        frame_u16(&frame, side << 8 | 20);
        frame_u16(&frame, 32768);
        frame_mac(&frame, side);
        frame_u16(&frame, 13);
        frame_u16(&frame, 0);
        frame_u16(&frame, 20 + side);
        frame_u32(&frame, 0x85000000);
    }
    frame_zeroes(&frame, 60);
    assert_true(read_frame(&frame, &got));
    assert_int_equal(got.kind, NEIGHBOUR_LACP);
    assert_int_equal(got.actor.system.bits, 0x525400000001);
    assert_int_equal(got.partner.port, 22);
    assert_int_equal(got.actor.key, 13);
    assert_int_equal(got.actor.state, 0x85);
    frame.bytes[14] = 10; /* another slow protocol */
    assert_false(read_frame(&frame, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lldp_says_who_and_where),
        cmocka_unit_test(broken_tlvs_keep_what_was_before),
        cmocka_unit_test(cdp_is_behind_snap),
        cmocka_unit_test(lacp_has_two_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
