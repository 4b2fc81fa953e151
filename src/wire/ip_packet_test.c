/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ip_packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/frame_fixture.h"

static struct ip address(unsigned n)
{
    struct frame frame = {.length = 0};
    frame_address(&frame, n);
    return ip_from_v6(frame.bytes);
}

static void assert_address(struct ip got, unsigned n)
{
    struct ip wanted = address(n);
    assert_memory_equal(got.octets, wanted.octets, 16);
}

/* --- the chain --- */

static void a_chain_of_every_header_is_walked(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct ip_packet packet;
    size_t ip = frame_ipv6(&frame, 0);
    frame_u32(&frame, 0x3c000502); /* hop-by-hop: router alert, PadN */
    frame_u32(&frame, 0x00000100);
    frame_home_option(&frame, 43, 9);
    frame_home_route(&frame, 51, 8);
    frame_u32(&frame, 0x2c040000); /* authentication header of 24 octets */
    frame_zeroes(&frame, 20);
    frame_u32(&frame, 0x11000001); /* first fragment */
    frame_u32(&frame, 1);
    frame_u32(&frame, 0x07150716); /* UDP */
    frame_u32(&frame, 0x000a0000);
    frame_u16(&frame, 0xbeef);
    frame_close(&frame, ip);
    frame_zeroes(&frame, 4); /* padding of the link */
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, false, &packet), WIRE_OK);
    assert_address(packet.source, 1);
    assert_address(packet.destination, 2);
    assert_address(packet.chain.home_option, 9);
    assert_address(packet.chain.home_route, 8);
    assert_int_equal(packet.protocol, IP_PROTOCOL_UDP);
    assert_int_equal(packet.length, 10);
    assert_int_equal(packet.wire_length, 10);
    struct udp_datagram udp;
    assert_true(ip_packet_udp(&packet, &udp));
    assert_int_equal(udp.source_port, 1813);
    assert_int_equal(udp.destination_port, 1814);
    assert_int_equal(udp.length, 2);
    assert_false(udp.cut);
}

static void every_cut_of_a_chain_is_a_fault(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct ip_packet packet;
    size_t ip = frame_ipv6(&frame, 60);
    frame_home_option(&frame, 43, 9);
    frame_home_route(&frame, 59, 8);
    frame_close(&frame, ip);
    for (size_t length = 0; length < frame.length; length++)
        assert_int_equal(ip_packet_read(frame.bytes, length, false, &packet), WIRE_CUT);
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, false, &packet), WIRE_OK);
    frame.bytes[5] -= 8; /* the packet itself says that it ends earlier */
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, false, &packet), WIRE_MALFORMED);
}

static void the_middle_of_something_is_not_read(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct ip_packet packet;
    size_t ip = frame_ipv6(&frame, 44);
    frame_u32(&frame, 0x3c000008); /* offset 8 octets */
    frame_u32(&frame, 1);
    frame_home_option(&frame, 59, 9);
    frame_close(&frame, ip);
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, false, &packet), WIRE_OK);
    assert_true(packet.fragment);
    assert_false(ip_known(&packet.chain.home_option));
    struct frame v4 = {.length = 0};
    struct udp_datagram udp;
    ip = frame_ipv4(&v4, 17);
    v4.bytes[ip + 7] = 1;
    frame_u32(&v4, 0x07150715);
    frame_u32(&v4, 0x00080000);
    frame_close(&v4, ip);
    assert_int_equal(ip_packet_read(v4.bytes, v4.length, false, &packet), WIRE_OK);
    assert_true(packet.fragment);
    assert_false(ip_packet_udp(&packet, &udp));
}

static void chains_without_end_are_refused(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct ip_packet packet;
    size_t ip = frame_ipv6(&frame, 60);
    for (int i = 0; i <= LIMIT_IPV6_HEADERS; i++) {
        frame_u32(&frame, 0x3c000104);
        frame_u32(&frame, 0);
    }
    frame_close(&frame, ip);
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, false, &packet), WIRE_TOO_DEEP);
}

static void decoys_are_no_home_address(void **state)
{
    (void)state;
    struct frame hop = {.length = 0}, payload = {.length = 0}, routing = {.length = 0};
    struct ip_packet packet;
    size_t ip = frame_ipv6(&hop, 0);
    frame_home_option(&hop, 59, 9); /* the option in a hop-by-hop header */
    frame_close(&hop, ip);
    assert_int_equal(ip_packet_read(hop.bytes, hop.length, false, &packet), WIRE_MALFORMED);
    ip = frame_ipv6(&payload, 17);
    frame_home_option(&payload, 135, 9);
    frame_close(&payload, ip);
    assert_int_equal(ip_packet_read(payload.bytes, payload.length, false, &packet), WIRE_OK);
    assert_int_equal(packet.protocol, IP_PROTOCOL_UDP);
    assert_false(ip_known(&packet.chain.home_option));
    ip = frame_ipv6(&routing, 43);
    frame_home_route(&routing, 59, 9);
    routing.bytes[ip + 42] = 0; /* type 0 */
    frame_close(&routing, ip);
    assert_int_equal(ip_packet_read(routing.bytes, routing.length, false, &packet), WIRE_OK);
    assert_false(ip_known(&packet.chain.home_route));
}

/* What should name the mobile node and does not would make its sender one. */
static void a_home_address_of_another_length_is_a_fault(void **state)
{
    (void)state;
    for (unsigned length = 0; length < 16; length += 5) {
        struct frame frame = {.length = 0};
        struct ip_packet packet;
        size_t ip = frame_ipv6(&frame, IP_PROTOCOL_DESTINATION);
        frame_u32(&frame, 59 << 24 | 2 << 16 | 201 << 8 | length);
        frame_zeroes(&frame, 20);
        frame_close(&frame, ip);
        for (int old = 0; old < 2; old++)
            assert_int_equal(ip_packet_read(frame.bytes, frame.length, old != 0, &packet),
                             WIRE_MALFORMED);
    }
    struct frame route = {.length = 0};
    struct ip_packet packet;
    size_t ip = frame_ipv6(&route, IP_PROTOCOL_ROUTING);
    frame_home_route(&route, 59, 9);
    frame_close(&route, ip);
    assert_int_equal(ip_packet_read(route.bytes, route.length, false, &packet), WIRE_OK);
    route.bytes[ip + 43] = 2; /* addresses to come */
    assert_int_equal(ip_packet_read(route.bytes, route.length, false, &packet), WIRE_MALFORMED);
}

static void options_of_the_drafts_are_seen_on_request(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct ip_packet packet;
    size_t ip = frame_ipv6(&frame, 60);
    frame_u32(&frame, 0x3b01c608);
    frame_u32(&frame, 0xc0000000);
    frame_u32(&frame, 0x00000258);
    frame_u32(&frame, 0x01020000);
    frame_close(&frame, ip);
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, true, &packet), WIRE_OK);
    assert_ptr_equal(packet.chain.old_update.bytes, frame.bytes + 44);
    assert_int_equal(packet.chain.old_update.length, 8);
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, false, &packet), WIRE_OK);
    assert_null(packet.chain.old_update.bytes);
    frame.bytes[43] = 200; /* overruns its header */
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, true, &packet), WIRE_MALFORMED);
}

static void contradictions_of_ipv4_are_refused(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct ip_packet packet;
    size_t ip = frame_ipv4(&frame, 17);
    frame_close(&frame, ip);
    frame.bytes[0] = 0x44;
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, false, &packet), WIRE_MALFORMED);
    frame.bytes[0] = 0x4f;
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, false, &packet), WIRE_CUT);
    frame.bytes[0] = 0x45;
    frame.bytes[3] = 19;
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, false, &packet), WIRE_MALFORMED);
    frame.bytes[0] = 0x55;
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, false, &packet), WIRE_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_of_every_header_is_walked),
        cmocka_unit_test(every_cut_of_a_chain_is_a_fault),
        cmocka_unit_test(the_middle_of_something_is_not_read),
        cmocka_unit_test(chains_without_end_are_refused),
        cmocka_unit_test(decoys_are_no_home_address),
        cmocka_unit_test(a_home_address_of_another_length_is_a_fault),
        cmocka_unit_test(options_of_the_drafts_are_seen_on_request),
        cmocka_unit_test(contradictions_of_ipv4_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
