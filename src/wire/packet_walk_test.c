/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/packet_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/frame_fixture.h"
#include "wire/tunnel.h"

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
    const struct packet_visitor visitor = {
        .frame = see_frame, .packet = see_packet, .aux = ret, .overlays = true};
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

/* --- overlays --- */

/* What stands before an inner frame or packet, as octets. */
struct wrapping {
    uint16_t type; /* EtherType; of IPv4 with UDP: 0 */
    uint16_t port;
    uint8_t length;
    uint8_t bytes[32];
    bool bare; /* an IPv6 packet is inside, without a frame around it */
};

static const struct wrapping wrappings[] = {
    {.type = 0x8847, .length = 8, .bytes = {0, 6, 0x40, 64, 0, 12, 0x81, 64}, .bare = true},
    {.type = 0x8848, .length = 4, .bytes = {0, 6, 0x41, 64}},
    {.type = 0x8847, .length = 8, .bytes = {0, 6, 0x41, 64, 0, 0, 0, 0}},
    {.type = 0x8864, .length = 8, .bytes = {0x11, 0, 0, 1, 0, 66, 0, 0x57}, .bare = true},
    {.type = 0x8864, .length = 7, .bytes = {0x11, 0, 0, 1, 0, 65, 0x57}, .bare = true},
    {.type = 0x88e7, .length = 4, .bytes = {0, 0, 0, 5}},
    {.type = 0x894f, .length = 8, .bytes = {0x0f, 0xc2, 2, 2, 0, 0, 0, 255}, .bare = true},
    {.type = 0x894f, .length = 8, .bytes = {0x0f, 0xc2, 2, 3, 0, 0, 0, 255}},
    {.port = 4789, .length = 8, .bytes = {8, 0, 0, 0, 0, 0, 5, 0}},
    {.port = 8472, .length = 8, .bytes = {8, 0, 0, 0, 0, 0, 5, 0}},
    {.port = 4790, .length = 8, .bytes = {12, 0, 0, 2, 0, 0, 5, 0}, .bare = true},
    {.port = 6081, .length = 12, .bytes = {1, 0, 0x65, 0x58, 0, 0, 5, 0, 1, 2, 0x80, 0}},
    {.port = 6081, .length = 8, .bytes = {0, 0, 0x86, 0xdd, 0, 0, 5, 0}, .bare = true},
    {.port = 4341, .length = 8, .bytes = {0}, .bare = true},
    {.port = 4191, .length = 0, .bytes = {0}, .bare = true},
    {.port = 3544, .length = 0, .bytes = {0}, .bare = true},
    {.port = 3544, .length = 21, .bytes = {0, 1, [13] = 0}, .bare = true},
    {.port = 2152, .length = 8, .bytes = {0x30, 255, 0, 64, 0, 0, 0, 1}, .bare = true},
    {.port = 2152,
     .length = 16,
     .bytes = {0x34, 255, 0, 72, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0},
     .bare = true},
    {.port = 1701, .length = 10, .bytes = {0, 2, 0, 1, 0, 1, 0xff, 3, 0, 0x57}, .bare = true},
    {.port = 1701,
     .length = 16,
     .bytes = {0x4a, 2, 0, 80, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x57},
     .bare = true},
    {.port = 37008, .length = 9, .bytes = {1, 0, 0, 1, 0, 10, 1, 200, 1}},
};

static void wrap(const struct wrapping *wrapping, struct frame *frame)
{
    size_t ip = 0, udp = 0;
    frame->length = 0;
    frame_ethernet(frame, wrapping->type != 0 ? wrapping->type : ETHER_IPV4);
    if (wrapping->type == 0) {
        ip = frame_ipv4(frame, IP_PROTOCOL_UDP);
        udp = frame->length;
        frame_u16(frame, 50000);
        frame_u16(frame, wrapping->port);
        frame_zeroes(frame, 4);
    }
    frame_add(frame, wrapping->bytes, wrapping->length);
    struct frame inner = {.length = 0};
    add_inner(&inner, false);
    size_t skip = wrapping->bare ? 14 : 0;
    frame_add(frame, inner.bytes + skip, inner.length - skip);
    if (wrapping->type == 0) {
        frame_close(frame, ip);
        size_t length = frame->length - udp;
        frame->bytes[udp + 4] = (uint8_t)(length >> 8);
        frame->bytes[udp + 5] = (uint8_t)length;
    }
}

static void overlays_are_unwrapped(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(wrappings); i++) {
        struct frame frame;
        struct seen seen;
        wrap(&wrappings[i], &frame);
        assert_int_equal(walk(&frame, &seen), WIRE_OK);
        assert_int_equal(seen.protocol, IP_PROTOCOL_MOBILITY);
        assert_int_equal(seen.frames, wrappings[i].bare ? 1 : 2);
    }
}

static void overlays_are_left_alone_unasked(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(wrappings); i++) {
        struct frame frame;
        struct seen seen = {.frames = 0};
        const struct packet_visitor visitor = {
            .frame = see_frame, .packet = see_packet, .aux = &seen};
        wrap(&wrappings[i], &frame);
        assert_int_equal(packet_walk(LINK_ETHERNET, frame.bytes, frame.length, &visitor), WIRE_OK);
        assert_int_equal(seen.frames, 1);
        assert_int_not_equal(seen.protocol, IP_PROTOCOL_MOBILITY);
    }
}

/* A port is no proof: other traffic on it is not a fault of the frame. */
static void other_traffic_on_their_ports_is_no_tunnel(void **state)
{
    (void)state;
    for (size_t i = 0; i < TUNNEL_PORTS; i++) {
        for (unsigned fill = 0; fill < 256; fill += 15) {
            struct frame frame = {.length = 0};
            struct seen seen;
            frame_ethernet(&frame, ETHER_IPV4);
            size_t ip = frame_ipv4(&frame, IP_PROTOCOL_UDP);
            frame_u16(&frame, tunnel_ports[i]);
            frame_u16(&frame, 40000);
            frame_u32(&frame, 13 << 16);
            for (int n = 0; n < 5; n++)
                frame_u8(&frame, fill == 60 || fill == 75 || fill == 90 || fill == 105 ? 0 : fill);
            frame_close(&frame, ip);
            for (size_t cut = 0; cut < 5; cut++, frame.length--) {
                (void)walk(&frame, &seen);
                assert_int_equal(seen.packets, 1);
            }
        }
    }
}

static void tags_without_a_vlan_are_passed_over(void **state)
{
    (void)state;
    static const struct wrapping tags[] = {
        {.type = 0x8909, .length = 8, .bytes = {1, 1, 0, 1, 0, 100, 0x86, 0xdd}},
        {.type = 0x892f, .length = 6, .bytes = {0, 70, 0, 1, 0x86, 0xdd}},
        {.type = 0xf1c1, .length = 6, .bytes = {0, 0, 0, 1, 0x86, 0xdd}},
        {.type = 0x8926, .length = 6, .bytes = {0x80, 0, 0, 1, 0x86, 0xdd}},
        {.type = 0x893f, .length = 8, .bytes = {0, 0, 0, 1, 0, 0, 0x86, 0xdd}},
        {.type = 0x88e5, .length = 8, .bytes = {0, 0, 0, 0, 0, 1, 0x86, 0xdd}},
        {.type = 0x88e5,
         .length = 16,
         .bytes = {0x20, 0, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 1, 0, 1, 0x86, 0xdd}}};
    for (size_t i = 0; i < ARRAY_COUNT(tags); i++) {
        struct frame frame = {.length = 0}, inner = {.length = 0};
        struct seen seen;
        frame_ethernet(&frame, tags[i].type);
        frame_add(&frame, tags[i].bytes, tags[i].length);
        add_inner(&inner, false);
        frame_add(&frame, inner.bytes + 14, inner.length - 14);
        assert_int_equal(walk(&frame, &seen), WIRE_OK);
        assert_int_equal(seen.protocol, IP_PROTOCOL_MOBILITY);
        assert_int_equal(seen.vlan, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(erspan_of_every_type_is_unwrapped),
        cmocka_unit_test(tunnels_are_followed_and_bounded),
        cmocka_unit_test(foreign_gre_is_left_alone),
        cmocka_unit_test(overlays_are_unwrapped),
        cmocka_unit_test(overlays_are_left_alone_unasked),
        cmocka_unit_test(other_traffic_on_their_ports_is_no_tunnel),
        cmocka_unit_test(tags_without_a_vlan_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
