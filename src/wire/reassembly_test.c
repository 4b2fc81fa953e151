/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/reassembly.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/binding.h"
#include "wire/frame_fixture.h"

struct world {
    struct reassembly *reassembly;
    unsigned lost;
    uint64_t lost_number;
};

static void on_lost(void *aux, const struct ip_packet *packet, uint64_t number)
{
    struct world *world = aux;
    assert_true(packet->length == 0 || packet->length == 8);
    world->lost++;
    world->lost_number = number;
}

static void begin(struct world *world)
{
    *world = (struct world){.lost = 0};
    world->reassembly = reassembly_new(on_lost, world);
}

/* The fragmentable part of a registration: Home Address option and Binding Update. */
static size_t make_registration(uint8_t ret[static 256])
{
    struct frame frame = {.length = 0};
    frame_home_option(&frame, 135, 9);
    frame_update(&frame, 0xc000, 900, 5);
    memcpy(ret, frame.bytes, frame.length);
    return frame.length;
}

/* A fragment of `bytes`, `length` octets from `offset` on, as a frame. */
static void make_part(struct frame *frame, const uint8_t *bytes, size_t offset, size_t length,
                      bool more, uint32_t id)
{
    frame->length = 0;
    size_t ip = frame_ipv6(frame, IP_PROTOCOL_FRAGMENT);
    frame_u8(frame, IP_PROTOCOL_DESTINATION);
    frame_u8(frame, 0);
    frame_u16(frame, (unsigned)(offset | more));
    frame_u32(frame, id);
    frame_add(frame, bytes + offset, length);
    frame_close(frame, ip);
}

static enum wire_fault hear(struct world *world, const struct frame *frame, uint64_t number,
                            int64_t second, struct ip_packet *ret, uint8_t **ret_bytes)
{
    struct ip_packet part;
    assert_int_equal(ip_packet_read(frame->bytes, frame->length, false, &part), WIRE_OK);
    assert_non_null(part.part.bytes);
    return reassembly_add(world->reassembly, &part, false, number, (struct wall){second * 1000000},
                          ret, ret_bytes);
}

/* How many parts of eight octets `length` is cut into; their order is shuffled by `seed`. */
static unsigned hear_shuffled(struct world *world, const uint8_t *bytes, size_t length,
                              unsigned seed, struct binding *ret)
{
    size_t order[32], count = length / 8;
    unsigned whole = 0;
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    srand(seed);
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)rand() % i, swap = order[i - 1];
        order[i - 1] = order[other];
        order[other] = swap;
    }
    for (size_t i = 0; i < count; i++) {
        struct frame frame;
        struct ip_packet packet;
        uint8_t *joined;
        enum wire_fault fault;
        make_part(&frame, bytes, order[i] * 8, 8, order[i] + 1 < count, 7);
        assert_int_equal(hear(world, &frame, i, 100, &packet, &joined), WIRE_OK);
        if (joined == NULL)
            continue;
        whole++;
        assert_int_equal(i, count - 1);
        assert_int_equal(binding_read(&packet, ret, &fault), 1);
        free(joined);
    }
    return whole;
}

static void parts_in_any_order_become_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t length = make_registration(bytes);
    for (unsigned seed = 0; seed < 50; seed++) {
        struct world world;
        struct binding binding;
        begin(&world);
        assert_int_equal(hear_shuffled(&world, bytes, length, seed, &binding), 1);
        assert_int_equal(binding.message.sequence, 7);
        assert_int_equal(binding.message.lifetime_seconds, 3600);
        assert_int_equal(binding.checksum == BINDING_CHECKSUM_WRONG, 0);
        assert_true(ip_known(&binding.home_address));
        reassembly_end(world.reassembly);
        assert_int_equal(world.lost, 0);
        reassembly_free(world.reassembly);
    }
}

static void a_first_part_that_said_it_all_is_told_once(void **state)
{
    (void)state;
    uint8_t bytes[256] = {0};
    size_t length = make_registration(bytes);
    struct world world;
    struct frame frame;
    struct ip_packet part, packet;
    struct binding binding;
    enum wire_fault fault;
    uint8_t *joined;
    begin(&world);
    make_part(&frame, bytes, 0, length, true, 7); /* then eight octets of something */
    assert_int_equal(ip_packet_read(frame.bytes, frame.length, false, &part), WIRE_OK);
    assert_int_equal(binding_read(&part, &binding, &fault), 1);
    assert_int_equal(hear(&world, &frame, 1, 100, &packet, &joined), WIRE_OK);
    assert_null(joined);
    make_part(&frame, bytes, length, 8, false, 7);
    assert_int_equal(hear(&world, &frame, 2, 100, &packet, &joined), WIRE_OK);
    assert_non_null(joined);
    assert_int_equal(binding_read(&packet, &binding, &fault), 0);
    free(joined);
    reassembly_free(world.reassembly);
}

static void repetitions_give_nothing(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t length = make_registration(bytes);
    struct world world;
    struct frame frame;
    struct ip_packet packet;
    uint8_t *joined;
    unsigned whole = 0;
    begin(&world);
    for (int copy = 0; copy < 6; copy++) {
        bool last = copy % 2 == 1;
        make_part(&frame, bytes, last ? 16 : 0, last ? length - 16 : 16, !last, 7);
        for (int twice = 0; twice < 2; twice++) {
            assert_int_equal(hear(&world, &frame, 1, 100, &packet, &joined), WIRE_OK);
            whole += joined != NULL;
            free(joined);
        }
    }
    assert_int_equal(whole, 1);
    bytes[length - 1] ^= 1; /* the same identification for something else */
    make_part(&frame, bytes, 16, length - 16, false, 7);
    assert_int_equal(hear(&world, &frame, 9, 100, &packet, &joined), WIRE_OK);
    reassembly_end(world.reassembly);
    assert_int_equal(world.lost, 1);
    assert_int_equal(world.lost_number, 9);
    reassembly_free(world.reassembly);
}

static void what_was_taken_back_comes_again(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t length = make_registration(bytes);
    struct world world;
    struct frame frame;
    struct ip_packet packet;
    uint8_t *joined;
    begin(&world);
    make_part(&frame, bytes, 0, 16, true, 7);
    assert_int_equal(hear(&world, &frame, 1, 100, &packet, &joined), WIRE_OK);
    make_part(&frame, bytes, 16, length - 16, false, 7);
    for (int tries = 0; tries < 3; tries++) {
        assert_int_equal(hear(&world, &frame, 2, 100, &packet, &joined), WIRE_OK);
        assert_non_null(joined);
        free(joined);
        reassembly_take_back(world.reassembly, 1);
        reassembly_take_back(world.reassembly, 2);
    }
    reassembly_free(world.reassembly);
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[256], other[256];
    size_t length = make_registration(bytes);
    memcpy(other, bytes, sizeof other);
    other[20] ^= 1;
    struct world world;
    struct frame frame;
    struct ip_packet packet;
    uint8_t *joined;
    begin(&world);
    make_part(&frame, bytes, 0, 24, true, 7);
    assert_int_equal(hear(&world, &frame, 1, 100, &packet, &joined), WIRE_OK);
    make_part(&frame, other, 16, 16, true, 7);
    assert_int_equal(hear(&world, &frame, 2, 100, &packet, &joined), WIRE_CONTRADICTED);
    make_part(&frame, bytes, 24, length - 24, false, 7);
    assert_int_equal(hear(&world, &frame, 3, 100, &packet, &joined), WIRE_OK);
    assert_null(joined);
    /* Two ends. */
    make_part(&frame, bytes, 32, 8, false, 8);
    assert_int_equal(hear(&world, &frame, 4, 100, &packet, &joined), WIRE_OK);
    make_part(&frame, bytes, 40, 8, true, 8);
    assert_int_equal(hear(&world, &frame, 5, 100, &packet, &joined), WIRE_CONTRADICTED);
    /* A part that is not the last must be of whole units. */
    make_part(&frame, bytes, 0, 9, true, 9);
    assert_int_equal(hear(&world, &frame, 6, 100, &packet, &joined), WIRE_MALFORMED);
    make_part(&frame, bytes, 0, 0, true, 10);
    assert_int_equal(hear(&world, &frame, 7, 100, &packet, &joined), WIRE_MALFORMED);
    reassembly_free(world.reassembly);
}

static void late_parts_and_floods_push_out_and_are_counted(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t length = make_registration(bytes);
    struct world world;
    struct frame frame;
    struct ip_packet packet;
    uint8_t *joined;
    begin(&world);
    make_part(&frame, bytes, 0, 16, true, 7);
    assert_int_equal(hear(&world, &frame, 1, 100, &packet, &joined), WIRE_OK);
    make_part(&frame, bytes, 16, length - 16, false, 7);
    assert_int_equal(hear(&world, &frame, 2, 101 + REASSEMBLY_SECONDS, &packet, &joined), WIRE_OK);
    assert_null(joined);
    assert_int_equal(world.lost_number, 1);
    for (uint32_t id = 0; id < 1000; id++) {
        make_part(&frame, bytes, 0, 16, true, 1000 + id);
        assert_int_equal(hear(&world, &frame, 100 + id, 200, &packet, &joined), WIRE_OK);
    }
    assert_int_equal(world.lost, 2 + 1000 - LIMIT_REASSEMBLIES);
    reassembly_end(world.reassembly);
    assert_int_equal(world.lost, 1002);
    assert_int_equal(world.lost_number, 1099);
    reassembly_free(world.reassembly);
}

static void parts_of_ipv4_are_joined_too(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    for (unsigned i = 0; i < 3; i++) {
        struct frame frame = {.length = 0};
        struct ip_packet packet;
        struct udp_datagram udp;
        uint8_t *joined;
        size_t ip = frame_ipv4(&frame, IP_PROTOCOL_UDP);
        if (i == 0)
            frame_add(&frame, "\x9c\x40\x07\x15\x00\x14\x00\x00", 8);
        else
            frame_add(&frame, "abcdefgh", i == 1 ? 8 : 4);
        frame_close(&frame, ip);
        frame.bytes[4] = 0x12;
        frame.bytes[6] = i < 2 ? 0x20 : 0;
        frame.bytes[7] = (uint8_t)i;
        assert_int_equal(hear(&world, &frame, i, 5, &packet, &joined), WIRE_OK);
        assert_int_equal(joined != NULL, i == 2);
        if (joined == NULL)
            continue;
        assert_true(ip_packet_udp(&packet, &udp));
        assert_int_equal(udp.destination_port, 1813);
        assert_int_equal(udp.length, 12);
        assert_memory_equal(udp.payload, "abcdefghabcd", 12);
        free(joined);
    }
    reassembly_free(world.reassembly);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_in_any_order_become_the_whole),
        cmocka_unit_test(a_first_part_that_said_it_all_is_told_once),
        cmocka_unit_test(repetitions_give_nothing),
        cmocka_unit_test(what_was_taken_back_comes_again),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(late_parts_and_floods_push_out_and_are_counted),
        cmocka_unit_test(parts_of_ipv4_are_joined_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
