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
    assert_int_equal(ip_packet_read(hop.bytes, hop.length, false, &packet), WIRE_OK);
    assert_false(ip_known(&packet.chain.home_option));
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

/* --- what is inside --- */

struct seen {
    unsigned frames, packets;
    uint16_t vlan; /* of the last */
    struct ip source;
    uint8_t protocol;
};

static void see_frame(void *aux, const struct ethernet_frame *frame)
{
    struct seen *seen = aux;
    seen->frames++;
    seen->vlan = ethernet_vlan(frame);
}

static void see_packet(void *aux, const struct ethernet_frame *frame,
                       const struct ip_packet *packet)
{
    struct seen *seen = aux;
    (void)frame;
    seen->packets++;
    seen->source = packet->source;
    seen->protocol = packet->protocol;
}

static enum wire_fault walk(const struct frame *frame, struct seen *ret)
{
    *ret = (struct seen){0};
    const struct packet_visitor visitor = {see_frame, see_packet, ret, false};
    return packet_walk(LINK_ETHERNET, frame->bytes, frame->length, &visitor);
}

/* A tagged or bare inner frame with an IPv6 packet that ends in a Mobility Header. */
static void add_inner(struct frame *frame, bool tagged)
{
    frame_ethernet(frame, tagged ? ETHER_VLAN : ETHER_IPV6);
    if (tagged)
        frame_u32(frame, 0x001486dd);
    size_t ip = frame_ipv6(frame, 135);
    frame_update(frame, 0x8000, 10, 0);
    frame_close(frame, ip);
}

static void erspan_of_every_type_is_unwrapped(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        bool tagged = i % 2 == 1;
        int type = i / 2 + 1;
        struct frame frame = {.length = 0};
        struct seen seen;
        frame_ethernet(&frame, ETHER_IPV4);
        size_t ip = frame_ipv4(&frame, IP_PROTOCOL_GRE);
        frame_u16(&frame, type == 1 ? 0 : 0x1000);
        frame_u16(&frame, type == 3 ? ETHER_ERSPAN3 : ETHER_ERSPAN);
        if (type != 1)
            frame_u32(&frame, 77);
        if (type == 2) {
            frame_u32(&frame, 0x101e0001);
            frame_u32(&frame, 0);
        } else if (type == 3) {
            frame_u32(&frame, 0x201e0001);
            frame_u32(&frame, 0);
            frame_u32(&frame, 0x00000001); /* a platform subheader follows */
            frame_zeroes(&frame, 8);
        }
        add_inner(&frame, tagged);
        frame_close(&frame, ip);
        assert_int_equal(walk(&frame, &seen), WIRE_OK);
        assert_int_equal(seen.frames, 2);
        assert_int_equal(seen.packets, 2);
        assert_int_equal(seen.protocol, IP_PROTOCOL_MOBILITY);
        assert_int_equal(seen.vlan, tagged ? 20 : type == 1 ? 0 : 30);
        for (size_t length = 0; length < frame.length - 16; length++) {
            struct frame cut = frame;
            cut.length = length;
            assert_int_not_equal(walk(&cut, &seen), WIRE_OK);
        }
    }
}

static void tunnels_are_followed_and_bounded(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct seen seen;
    frame_ethernet(&frame, ETHER_IPV6);
    size_t outer = frame_ipv6(&frame, IP_PROTOCOL_IPV6);
    size_t inner = frame_ipv6(&frame, IP_PROTOCOL_GRE);
    frame_u16(&frame, 0xb000); /* checksum, key and sequence */
    frame_u16(&frame, ETHER_BRIDGING);
    frame_zeroes(&frame, 12);
    add_inner(&frame, false);
    frame_close(&frame, outer);
    frame_close(&frame, inner);
    assert_int_equal(walk(&frame, &seen), WIRE_OK);
    assert_int_equal(seen.frames, 2);
    assert_int_equal(seen.packets, 3);
    assert_int_equal(seen.protocol, IP_PROTOCOL_MOBILITY);
    struct frame deep = {.length = 0};
    frame_ethernet(&deep, ETHER_IPV6);
    for (int i = 0; i < 20; i++)
        frame_ipv6(&deep, IP_PROTOCOL_IPV6);
    for (int i = 0; i < 20; i++) /* all lengths zero: as much as there is */
        deep.bytes[14 + 40 * i + 4] = 0;
    assert_int_equal(walk(&deep, &seen), WIRE_TOO_DEEP);
    assert_int_equal(seen.packets, LIMIT_ENCAPSULATION + 1);
}

static void foreign_gre_is_left_alone(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct seen seen;
    frame_ethernet(&frame, ETHER_IPV4);
    size_t ip = frame_ipv4(&frame, IP_PROTOCOL_GRE);
    frame_u32(&frame, 0x0001880b); /* PPTP */
    frame_u32(&frame, 0);
    frame_close(&frame, ip);
    assert_int_equal(walk(&frame, &seen), WIRE_OK);
    assert_int_equal(seen.packets, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_of_every_header_is_walked),
        cmocka_unit_test(every_cut_of_a_chain_is_a_fault),
        cmocka_unit_test(the_middle_of_something_is_not_read),
        cmocka_unit_test(chains_without_end_are_refused),
        cmocka_unit_test(decoys_are_no_home_address),
        cmocka_unit_test(options_of_the_drafts_are_seen_on_request),
        cmocka_unit_test(contradictions_of_ipv4_are_refused),
        cmocka_unit_test(erspan_of_every_type_is_unwrapped),
        cmocka_unit_test(tunnels_are_followed_and_bounded),
        cmocka_unit_test(foreign_gre_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
