/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "wire/announcement.h"
#include "wire/binding.h"
#include "wire/frame_fixture.h"
#include "wire/open_payload.h"
#include "wire/packet_walk.h"
#include "wire/tunnel.h"

enum { SNAP = 512, ALL = CAPTURE_MOBILE | CAPTURE_ANNOUNCEMENT };

/* Runs the kernel's program in this process. */
static unsigned run_kernel(unsigned wants, const struct frame *frame)
{
    struct bpf_insn program[FILTER_ROOM];
    size_t count = capture_filter_program(wants, SNAP, program);
    assert_true(bpf_validate(program, (int)count));
    return bpf_filter(program, frame->bytes, (u_int)frame->length, (u_int)frame->length);
}

static void assert_both(const struct frame *frame, unsigned wants)
{
    assert_int_equal(run_kernel(CAPTURE_MOBILE, frame), (wants & CAPTURE_MOBILE) != 0 ? SNAP : 0);
    assert_int_equal(run_kernel(CAPTURE_ANNOUNCEMENT, frame),
                     (wants & CAPTURE_ANNOUNCEMENT) != 0 ? SNAP : 0);
    unsigned matched = capture_filter_match(LINK_ETHERNET, frame->bytes, frame->length);
    assert_int_equal(matched & wants, wants);
}

static void add_chain(struct frame *frame, unsigned depth, unsigned last)
{
    size_t ip = frame_ipv6(frame, depth == 0 ? last : 0);
    for (unsigned i = 0; i < depth; i++) {
        frame_u32(frame, (i + 1 == depth ? last : 0) << 24 | 0x010c);
        frame_zeroes(frame, 4);
        frame_zeroes(frame, 8);
        frame->bytes[frame->length - 15] = 1; /* two units */
    }
    frame_zeroes(frame, 24);
    frame_close(frame, ip);
}

static void add_tags(struct frame *frame, unsigned tags, unsigned type)
{
    static const uint16_t kinds[] = {0x88a8, 0x8100};
    frame_ethernet(frame, tags == 0 ? type : kinds[tags == 1]);
    for (unsigned i = 1; i <= tags; i++) {
        frame_u16(frame, 10 * i);
        frame_u16(frame, i == tags ? type : 0x8100);
    }
}

static void a_header_is_found_behind_tags_and_headers(void **state)
{
    (void)state;
    for (unsigned tags = 0; tags <= 2; tags++) {
        for (unsigned depth = 0; depth <= 6; depth++) {
            struct frame mobile = {.length = 0}, tcp = {.length = 0}, options = {.length = 0};
            add_tags(&mobile, tags, ETHER_IPV6);
            add_chain(&mobile, depth, IP_PROTOCOL_MOBILITY);
            assert_int_equal(run_kernel(CAPTURE_MOBILE, &mobile), SNAP);
            assert_true(capture_filter_match(LINK_ETHERNET, mobile.bytes, mobile.length) &
                        CAPTURE_MOBILE);
            add_tags(&tcp, tags, ETHER_IPV6);
            add_chain(&tcp, depth, IP_PROTOCOL_TCP);
            assert_int_equal(run_kernel(ALL, &tcp), depth <= FILTER_CHAIN_DEPTH ? 0 : SNAP);
            add_tags(&options, tags, ETHER_IPV6);
            add_chain(&options, depth, IP_PROTOCOL_DESTINATION);
            assert_both(&options, ALL);
        }
    }
}

static void ordinary_traffic_is_refused(void **state)
{
    (void)state;
    struct frame v4 = {.length = 0}, v6 = {.length = 0}, question = {.length = 0};
    struct frame fragment = {.length = 0};
    frame_ethernet(&v4, ETHER_IPV4);
    frame_ipv4(&v4, 6);
    frame_zeroes(&v4, 40);
    assert_both(&v4, 0);
    frame_ethernet(&v6, ETHER_IPV6);
    frame_ipv6(&v6, 17);
    frame_home_option(&v6, 135, 9); /* a decoy */
    assert_both(&v6, 0);
    frame_ethernet(&question, ETHER_ARP);
    frame_u32(&question, 0x00010800);
    frame_u32(&question, 0x06040001);
    frame_mac(&question, 1);
    frame_u32(&question, 0xc0000201);
    frame_zeroes(&question, 6);
    frame_u32(&question, 0xc0000202);
    assert_int_equal(run_kernel(ALL, &question), 0);
    frame_ethernet(&fragment, ETHER_IPV6);
    frame_ipv6(&fragment, 44);
    frame_u32(&fragment, 0x11000008); /* of a UDP datagram */
    frame_zeroes(&fragment, 40);
    assert_int_equal(run_kernel(ALL, &fragment), 0);
    fragment.bytes[14 + 40] = 135; /* of a Mobility Header */
    assert_both(&fragment, CAPTURE_MOBILE);
}

static void tunnels_matter_to_mobile_nodes_only(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4 * (TUNNEL_PORTS + 1); i++) {
        bool known = i / 4 < TUNNEL_PORTS, from = i % 4 >= 2, v6 = i % 2 != 0;
        unsigned port = known ? tunnel_ports[i / 4] : 1813;
        struct frame frame = {.length = 0};
        add_tags(&frame, i % 3, v6 ? ETHER_IPV6 : ETHER_IPV4);
        if (v6)
            frame_ipv6(&frame, 17);
        else
            frame_ipv4(&frame, 17);
        frame_u16(&frame, from ? port : 40000);
        frame_u16(&frame, from ? 40000 : port);
        frame_zeroes(&frame, 20);
        bool wanted = known && (!from || i / 4 < TUNNEL_PORTS_ANSWERED);
        assert_both(&frame, wanted ? CAPTURE_MOBILE : 0);
    }
    struct frame snap = {.length = 0}, other = {.length = 0};
    add_tags(&snap, 1, 60);
    frame_u32(&snap, 0xaaaa0300);
    frame_zeroes(&snap, 50);
    assert_both(&snap, CAPTURE_MOBILE | CAPTURE_ANNOUNCEMENT);
    add_tags(&other, 0, 60);
    frame_u32(&other, 0x42420300); /* a bridge's */
    frame_zeroes(&other, 50);
    assert_both(&other, 0);
    static const uint16_t carriers[] = {ETHER_MPLS, ETHER_PPPOE, ETHER_BACKBONE, ETHER_NSH};
    for (unsigned i = 0; i < ARRAY_COUNT(carriers); i++) {
        struct frame frame = {.length = 0};
        add_tags(&frame, i % 3, carriers[i]);
        frame_zeroes(&frame, 40);
        assert_both(&frame, CAPTURE_MOBILE);
    }
}

/* Of ESP only what ends like something that can be read, at any length of its signature. */
static void esp_is_accepted_by_its_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4 * OPEN_PAYLOAD_ICVS; i++) {
        struct frame frame = {.length = 0};
        bool v6 = i % 2 != 0, datagram = i % 4 >= 2;
        unsigned carried = datagram ? IP_PROTOCOL_UDP : IP_PROTOCOL_ESP;
        add_tags(&frame, i % 3, v6 ? ETHER_IPV6 : ETHER_IPV4);
        if (v6)
            frame_ipv6(&frame, carried);
        else
            frame_ipv4(&frame, carried);
        if (datagram) {
            frame_u32(&frame, 40000U << 16 | PORT_ESP);
            frame_u32(&frame, 0);
        }
        for (int n = 0; n < 60; n++)
            frame_u8(&frame, 0xff);
        assert_both(&frame, 0);
        uint8_t *next = frame.bytes + frame.length - 1 - open_payload_icvs[i / 4];
        *next = v6 ? IP_PROTOCOL_MOBILITY : IP_PROTOCOL_IPV6;
        assert_both(&frame, CAPTURE_MOBILE);
        *next = IP_PROTOCOL_TCP;
        assert_both(&frame, 0);
    }
}

static void what_each_source_wants_is_accepted(void **state)
{
    (void)state;
    struct frame garp = {.length = 0}, rarp = {.length = 0}, route = {.length = 0};
    struct frame gre = {.length = 0}, advertisement = {.length = 0}, tunnel = {.length = 0};
    frame_ethernet(&garp, ETHER_ARP);
    frame_u32(&garp, 0x00010800);
    frame_u32(&garp, 0x06040001);
    frame_mac(&garp, 1);
    frame_u32(&garp, 0xc0000201);
    frame_zeroes(&garp, 6);
    frame_u32(&garp, 0xc0000201);
    assert_both(&garp, CAPTURE_ANNOUNCEMENT);
    frame_ethernet(&rarp, ETHER_RARP);
    frame_zeroes(&rarp, 28);
    assert_both(&rarp, CAPTURE_ANNOUNCEMENT);
    frame_ethernet(&route, ETHER_IPV6);
    frame_ipv6(&route, 43);
    frame_home_route(&route, 17, 9);
    frame_zeroes(&route, 8);
    assert_both(&route, CAPTURE_MOBILE);
    frame_ethernet(&gre, ETHER_IPV4);
    frame_ipv4(&gre, 47);
    frame_zeroes(&gre, 8);
    assert_both(&gre, ALL);
    frame_ethernet(&tunnel, ETHER_IPV6);
    frame_ipv6(&tunnel, 41);
    frame_zeroes(&tunnel, 40);
    assert_both(&tunnel, ALL);
    frame_ethernet(&advertisement, ETHER_IPV6);
    frame_ipv6(&advertisement, 58);
    frame_u32(&advertisement, 0x88000000);
    frame_u32(&advertisement, 0x20000000);
    assert_both(&advertisement, CAPTURE_ANNOUNCEMENT);
    advertisement.bytes[58] = 0x60; /* an answer */
    assert_int_equal(run_kernel(ALL, &advertisement), 0);
    advertisement.bytes[54] = 146; /* mobile prefix solicitation */
    assert_both(&advertisement, CAPTURE_MOBILE);
    advertisement.bytes[54] = 134; /* a router's, with the flag of a home agent */
    advertisement.bytes[59] = 0x20;
    assert_both(&advertisement, CAPTURE_MOBILE);
    advertisement.bytes[59] = 0x80;
    assert_int_equal(run_kernel(ALL, &advertisement), 0);
}

static void a_census_takes_the_beginning_of_every_frame(void **state)
{
    (void)state;
    struct frame tcp = {.length = 0};
    frame_ethernet(&tcp, ETHER_IPV4);
    frame_ipv4(&tcp, 6);
    assert_int_equal(run_kernel(CAPTURE_CENSUS, &tcp), FILTER_CENSUS_OCTETS);
    assert_int_equal(run_kernel(CAPTURE_CENSUS | ALL, &tcp), FILTER_CENSUS_OCTETS);
}

struct found {
    unsigned wants;
};

static void see_frame(void *aux, const struct ethernet_frame *frame)
{
    struct announcement announcement;
    if (announcement_read_arp(frame, &announcement))
        ((struct found *)aux)->wants |= CAPTURE_ANNOUNCEMENT;
}

static void see_packet(void *aux, const struct ethernet_frame *frame,
                       const struct ip_packet *packet)
{
    struct found *found = aux;
    struct announcement announcement;
    struct binding binding;
    enum wire_fault fault;
    if (binding_read(packet, &binding, &fault) > 0)
        found->wants |= CAPTURE_MOBILE;
    if (announcement_read_nd(frame, packet, &announcement))
        found->wants |= CAPTURE_ANNOUNCEMENT;
}

/* One frame of a random mixture in which chains, tags and announcements are common. */
static void make_random(struct frame *frame)
{
    static const uint16_t types[] = {0x86dd, 0x86dd, 0x86dd, 0x0806, 0x8035, 0x0800};
    static const uint8_t protocols[] = {0, 43, 44, 51, 60, 135, 62, 58, 41, 6, 17, 50, 59};
    frame->length = 0;
    unsigned type = types[rand() % 6];
    add_tags(frame, (unsigned)rand() % 3, type);
    if (type == 0x86dd) {
        frame_ipv6(frame, protocols[rand() % 13]);
        for (int depth = rand() % 6; depth > 0; depth--) {
            frame_u8(frame, protocols[rand() % 13]);
            frame_u8(frame, (unsigned)rand() % 3);
            for (int i = 0; i < 6 + 8 * (rand() % 4); i++)
                frame_u8(frame, rand() % 4 == 0 ? (unsigned)rand() : 0);
        }
    }
    for (int i = 0; i < 60; i++)
        frame_u8(frame, rand() % 3 == 0 ? (unsigned)rand() : 0);
}

/* Nothing that exact parsing would report may be filtered away by either version. */
static void the_filters_lose_nothing(void **state)
{
    (void)state;
    struct bpf_insn program[FILTER_ROOM];
    size_t count = capture_filter_program(ALL, SNAP, program);
    assert_true(count <= 400);
    assert_true(bpf_validate(program, (int)count));
    unsigned reported = 0;
    srand(7);
    for (int round = 0; round < 200000; round++) {
        struct frame frame;
        struct found found = {0};
        const struct packet_visitor visitor = {
            .frame = see_frame, .packet = see_packet, .aux = &found, .old_options = true};
        make_random(&frame);
        packet_walk(LINK_ETHERNET, frame.bytes, frame.length, &visitor);
        if (found.wants == 0)
            continue;
        reported++;
        assert_int_equal(bpf_filter(program, frame.bytes, (u_int)frame.length, (u_int)frame.length),
                         SNAP);
        assert_int_equal(capture_filter_match(LINK_ETHERNET, frame.bytes, frame.length) &
                             found.wants,
                         found.wants);
    }
    assert_true(reported > 1000);
}

/* The kernel has rules of its own for what it attaches. */
static void the_kernel_takes_the_program(void **state)
{
    (void)state;
    struct bpf_insn program[FILTER_ROOM];
    struct {
        unsigned short length;
        struct bpf_insn *program;
    } filter = {(unsigned short)capture_filter_program(ALL | CAPTURE_CENSUS, SNAP, program),
                program};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter), 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_found_behind_tags_and_headers),
        cmocka_unit_test(ordinary_traffic_is_refused),
        cmocka_unit_test(tunnels_matter_to_mobile_nodes_only),
        cmocka_unit_test(esp_is_accepted_by_its_end),
        cmocka_unit_test(what_each_source_wants_is_accepted),
        cmocka_unit_test(a_census_takes_the_beginning_of_every_frame),
        cmocka_unit_test(the_filters_lose_nothing),
        cmocka_unit_test(the_kernel_takes_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
