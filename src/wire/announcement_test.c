/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/announcement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/frame_fixture.h"

static bool read_arp(const struct frame *frame, struct announcement *ret)
{
    struct ethernet_frame ethernet;
    assert_int_equal(ethernet_read(LINK_ETHERNET, frame->bytes, frame->length, &ethernet), WIRE_OK);
    return announcement_read_arp(&ethernet, ret);
}

/* `sender` and `target` are the last octets of the MACs and IPv4 addresses; 0: all zero. */
static struct frame arp(unsigned type, unsigned operation, unsigned sender, unsigned sender_ip,
                        unsigned target, unsigned target_ip)
{
    struct frame frame = {.length = 0};
    frame_ethernet(&frame, ETHER_VLAN);
    frame_u16(&frame, 10);
    frame_u16(&frame, type);
    frame_u32(&frame, 0x00010800);
    frame_u32(&frame, 0x06040000 | operation);
    frame_mac(&frame, sender);
    frame_u32(&frame, sender_ip == 0 ? 0 : 0xc0000200 | sender_ip);
    if (target == 0)
        frame_zeroes(&frame, 6);
    else
        frame_mac(&frame, target);
    frame_u32(&frame, target_ip == 0 ? 0 : 0xc0000200 | target_ip);
    return frame;
}

static void gratuitous_arp_announces(void **state)
{
    (void)state;
    struct announcement got;
    char text[IP_TEXT_SIZE];
    for (unsigned operation = 1; operation <= 2; operation++) {
        struct frame frame = arp(ETHER_ARP, operation, 5, 77, 0, 77);
        assert_true(read_arp(&frame, &got));
        assert_string_equal(announcement_word(got.kind), "gratuitous_arp");
        assert_int_equal(got.mac.bits, 0x525400000005);
        assert_int_equal(got.sender.bits, 0x525400000001);
        assert_int_equal(got.vlan, 10);
        assert_string_equal(ip_format(&got.address, text), "192.0.2.77");
    }
}

static void questions_and_probes_do_not(void **state)
{
    (void)state;
    struct announcement got;
    struct frame question = arp(ETHER_ARP, 1, 5, 77, 0, 78);
    struct frame probe = arp(ETHER_ARP, 1, 5, 0, 0, 77);
    struct frame empty = arp(ETHER_ARP, 1, 5, 0, 0, 0);
    struct frame other = arp(ETHER_ARP, 8, 5, 77, 0, 77);
    struct frame group = arp(ETHER_ARP, 1, 5, 77, 0, 77);
    group.bytes[26] = 0x01; /* a group address as sender */
    assert_false(read_arp(&question, &got));
    assert_false(read_arp(&probe, &got));
    assert_false(read_arp(&empty, &got));
    assert_false(read_arp(&other, &got));
    assert_false(read_arp(&group, &got));
    struct frame whole = arp(ETHER_ARP, 1, 5, 77, 0, 77);
    for (size_t length = 18; length < whole.length; length++) {
        struct frame cut = whole;
        cut.length = length;
        assert_false(read_arp(&cut, &got));
    }
}

static void rarp_speaks_for_its_target(void **state)
{
    (void)state;
    struct announcement got;
    struct frame frame = arp(ETHER_RARP, 3, 5, 0, 6, 0), reply = arp(ETHER_RARP, 4, 5, 0, 6, 0);
    assert_true(read_arp(&frame, &got));
    assert_int_equal(got.kind, ANNOUNCEMENT_RARP);
    assert_int_equal(got.mac.bits, 0x525400000006);
    assert_false(ip_known(&got.address));
    assert_false(read_arp(&reply, &got));
}

/* --- Neighbor Discovery --- */

static struct frame advertisement(unsigned flags)
{
    struct frame frame = {.length = 0};
    frame_ethernet(&frame, ETHER_IPV6);
    frame_ipv6(&frame, IP_PROTOCOL_ICMPV6);
    frame_u32(&frame, 0x88000000);
    frame_u32(&frame, flags);
    frame_address(&frame, 9);
    frame_u16(&frame, 0x0201); /* target link-layer address */
    frame_mac(&frame, 5);
    frame_close(&frame, 14);
    return frame;
}

static bool read_nd(const struct frame *frame, struct announcement *ret)
{
    struct ethernet_frame ethernet;
    struct ip_packet packet;
    assert_int_equal(ethernet_read(LINK_ETHERNET, frame->bytes, frame->length, &ethernet), WIRE_OK);
    return ip_packet_read(ethernet.payload, ethernet.length, false, &packet) == WIRE_OK &&
           announcement_read_nd(&ethernet, &packet, ret);
}

static void unsolicited_advertisements_announce(void **state)
{
    (void)state;
    struct announcement got;
    char text[IP_TEXT_SIZE];
    struct frame frame = advertisement(0x20000000);
    assert_true(read_nd(&frame, &got));
    assert_string_equal(announcement_word(got.kind), "unsolicited_nd");
    assert_int_equal(got.mac.bits, 0x525400000005);
    assert_string_equal(ip_format(&got.address, text), "2001:db8::9");
    frame.length -= 8; /* without the option: the frame's source */
    frame_close(&frame, 14);
    assert_true(read_nd(&frame, &got));
    assert_int_equal(got.mac.bits, 0x525400000001);
}

static void answers_and_forgeries_do_not(void **state)
{
    (void)state;
    struct announcement got;
    struct frame solicited = advertisement(0x60000000), routed = advertisement(0x20000000);
    struct frame endless = advertisement(0x20000000), group = advertisement(0x20000000);
    assert_false(read_nd(&solicited, &got));
    routed.bytes[14 + 7] = 254;
    assert_false(read_nd(&routed, &got));
    endless.bytes[14 + 40 + 25] = 0; /* an option of length zero */
    assert_false(read_nd(&endless, &got));
    endless.bytes[14 + 40 + 25] = 2; /* one that overruns the packet */
    assert_false(read_nd(&endless, &got));
    group.bytes[14 + 40 + 26] = 0x33;
    assert_false(read_nd(&group, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gratuitous_arp_announces),
        cmocka_unit_test(questions_and_probes_do_not),
        cmocka_unit_test(rarp_speaks_for_its_target),
        cmocka_unit_test(unsolicited_advertisements_announce),
        cmocka_unit_test(answers_and_forgeries_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
