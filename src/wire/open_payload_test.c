/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/open_payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/binding.h"
#include "wire/frame_fixture.h"

enum { HOME = 9, CARE_OF = 1, AGENT = 2 };

/* The Internet checksum of a message between the addresses `from` and `to`. */
static void set_checksum(struct frame *frame, size_t begin, size_t at, unsigned protocol,
                         unsigned from, unsigned to)
{
    struct frame pseudo = {.length = 0};
    uint32_t sum = 0;
    frame_address(&pseudo, from);
    frame_address(&pseudo, to);
    frame_u32(&pseudo, (uint32_t)(frame->length - begin));
    frame_u32(&pseudo, protocol);
    frame->bytes[at] = frame->bytes[at + 1] = 0;
    frame_add(&pseudo, frame->bytes + begin, frame->length - begin);
    for (size_t i = 0; i + 1 < pseudo.length; i += 2)
        sum += (uint32_t)(pseudo.bytes[i] << 8 | pseudo.bytes[i + 1]);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    frame->bytes[at] = (uint8_t)(~sum >> 8);
    frame->bytes[at + 1] = (uint8_t)~sum;
}

/* ESP's header before, its trailer and a signature after what `add` writes. */
static void begin_esp(struct frame *frame, size_t vector)
{
    frame_u32(frame, 0x1234);
    frame_u32(frame, 7);
    for (size_t i = 0; i < vector; i++)
        frame_u8(frame, 0xa0 + (unsigned)i);
}

static void end_esp(struct frame *frame, size_t begin, unsigned next, unsigned more, size_t icv)
{
    unsigned padding = 0;
    while ((frame->length + padding + 2 - begin) % 4 != 0)
        padding++;
    padding += 4 * more;
    for (unsigned i = 1; i <= padding; i++)
        frame_u8(frame, i);
    frame_u8(frame, padding);
    frame_u8(frame, next);
    for (size_t i = 0; i < icv; i++)
        frame_u8(frame, 0xe0 + (unsigned)i * 3);
}

/* A registration of a node that is away, protected in transport mode. */
static void make_update(struct frame *frame, size_t icv, size_t vector, unsigned more)
{
    frame->length = 0;
    frame_ipv6(frame, 60);
    frame_home_option(frame, IP_PROTOCOL_ESP, HOME);
    size_t esp = frame->length;
    begin_esp(frame, vector);
    size_t message = frame->length;
    frame_update(frame, MOBILITY_FLAG_ACKNOWLEDGE | MOBILITY_FLAG_HOME, 10, 0);
    set_checksum(frame, message, message + 4, IP_PROTOCOL_MOBILITY, HOME, AGENT);
    end_esp(frame, esp, IP_PROTOCOL_MOBILITY, more, icv);
    frame_close(frame, 0);
}

static struct ip_packet opened(const struct frame *frame)
{
    struct ip_packet packet;
    assert_int_equal(ip_packet_read(frame->bytes, frame->length, false, &packet), WIRE_OK);
    open_payload(&packet);
    return packet;
}

static void registrations_that_are_only_signed_are_read(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4 * OPEN_PAYLOAD_ICVS; i++) {
        struct frame frame;
        struct binding binding;
        enum wire_fault fault;
        make_update(&frame, open_payload_icvs[i / 4], i % 2 != 0 ? 8 : 0, i % 4 / 2);
        struct ip_packet packet = opened(&frame);
        assert_true(packet.opened);
        assert_int_equal(packet.protocol, IP_PROTOCOL_MOBILITY);
        assert_int_equal(binding_read(&packet, &binding, &fault), 1);
        assert_string_equal(binding_word(&binding), "update");
        assert_true(binding.opened);
        assert_int_equal(binding.checksum, BINDING_CHECKSUM_RIGHT);
        assert_int_equal(binding.message.lifetime_seconds, 40);
        assert_true(open_payload_may(frame.bytes, frame.length));
    }
}

/* Each octet of the message and of its trailer counts. */
static void what_is_not_quite_right_stays_closed(void **state)
{
    (void)state;
    struct frame frame;
    make_update(&frame, 12, 0, 1);
    for (size_t at = 40 + 24 + 8; at < frame.length - 12; at++) {
        struct frame changed = frame;
        changed.bytes[at] ^= 0x11;
        assert_int_equal(opened(&changed).protocol, IP_PROTOCOL_ESP);
        assert_false(opened(&changed).opened);
    }
    for (size_t length = 64; length < frame.length; length++) {
        struct frame cut = frame;
        cut.length = length;
        assert_int_equal(opened(&cut).protocol, IP_PROTOCOL_ESP);
    }
    struct frame unsummed;
    make_update(&unsummed, 12, 0, 0);
    unsummed.bytes[40 + 24 + 8 + 4] = unsummed.bytes[40 + 24 + 8 + 5] = 0;
    assert_int_equal(opened(&unsummed).protocol, IP_PROTOCOL_ESP);
}

static void encrypted_packets_are_never_taken_for_messages(void **state)
{
    (void)state;
    srand(11);
    for (int round = 0; round < 300000; round++) {
        struct frame frame = {.length = 0};
        frame_ipv6(&frame, IP_PROTOCOL_ESP);
        for (int i = 0; i < 12 + round % 8; i++)
            frame_u32(&frame, (uint32_t)rand() << 8 ^ (uint32_t)rand());
        frame.bytes[frame.length - 13] = IP_PROTOCOL_MOBILITY; /* a good start */
        frame.bytes[frame.length - 14] = 0;
        frame_close(&frame, 0);
        assert_false(opened(&frame).opened);
    }
}

static void tunnels_that_are_only_signed_are_read(void **state)
{
    (void)state;
    for (unsigned version = 4; version <= 6; version += 2) {
        struct frame frame = {.length = 0};
        size_t outer = version == 6 ? frame_ipv6(&frame, IP_PROTOCOL_ESP)
                                    : frame_ipv4(&frame, IP_PROTOCOL_UDP);
        if (version == 4) {
            frame_u16(&frame, 40000);
            frame_u16(&frame, PORT_ESP);
            frame_u32(&frame, 0);
        }
        size_t esp = frame.length;
        begin_esp(&frame, 0);
        size_t inner = frame_ipv6(&frame, IP_PROTOCOL_MOBILITY);
        size_t message = frame.length;
        frame_update(&frame, 0, 10, 0);
        set_checksum(&frame, message, message + 4, IP_PROTOCOL_MOBILITY, CARE_OF, AGENT);
        frame_close(&frame, inner);
        end_esp(&frame, esp, IP_PROTOCOL_IPV6, 0, 16);
        if (version == 4) {
            frame.bytes[24] = (uint8_t)((frame.length - 20) >> 8);
            frame.bytes[25] = (uint8_t)(frame.length - 20);
        }
        frame_close(&frame, outer);
        struct ip_packet packet = opened(&frame);
        assert_true(packet.opened);
        assert_int_equal(packet.protocol, IP_PROTOCOL_IPV6);
        assert_ptr_equal(packet.payload, frame.bytes + inner);
        frame.bytes[message + 9] ^= 1; /* what is inside must be right too */
        assert_false(opened(&frame).opened);
    }
}

static void gateways_over_ipv4_have_a_port(void **state)
{
    (void)state;
    struct frame frame = {.length = 0};
    struct binding binding;
    enum wire_fault fault;
    frame_ipv4(&frame, IP_PROTOCOL_UDP);
    frame_u16(&frame, 5000);
    frame_u16(&frame, PORT_PROXY_CONTROL);
    frame_u32(&frame, 24 << 16);
    frame_update(&frame, MOBILITY_FLAG_PROXY, 10, 0);
    frame_close(&frame, 0);
    struct ip_packet packet = opened(&frame);
    assert_int_equal(packet.protocol, IP_PROTOCOL_MOBILITY);
    assert_false(packet.opened);
    assert_int_equal(binding_read(&packet, &binding, &fault), 1);
    assert_false(ip_known(&binding.home_address));
    assert_memory_equal(binding.care_of.octets + 12, "\xc0\x00\x02\x01", 4);
    frame.bytes[29] = 0; /* a message shorter than its datagram is something else */
    assert_int_equal(opened(&frame).protocol, IP_PROTOCOL_UDP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registrations_that_are_only_signed_are_read),
        cmocka_unit_test(what_is_not_quite_right_stays_closed),
        cmocka_unit_test(encrypted_packets_are_never_taken_for_messages),
        cmocka_unit_test(tunnels_that_are_only_signed_are_read),
        cmocka_unit_test(gateways_over_ipv4_have_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
