/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A file in the making, in either byte order. */
struct made {
    uint8_t bytes[4096];
    size_t length;
    bool big;
};

static char path[64];

static void put(struct made *made, uint64_t value, int octets)
{
    for (int i = 0; i < octets; i++)
        made->bytes[made->length++] = (uint8_t)(value >> 8 * (made->big ? octets - 1 - i : i));
}

/* Begins a block; the returned place is for end_block(). */
static size_t begin_block(struct made *made, uint32_t type)
{
    size_t at = made->length;
    put(made, type, 4);
    put(made, 0, 4);
    return at;
}

static void end_block(struct made *made, size_t at)
{
    while (made->length % 4 != 0)
        put(made, 0, 1);
    size_t end = made->length;
    made->length = at + 4;
    put(made, end - at + 4, 4);
    made->length = end;
    put(made, end - at + 4, 4);
}

static void add_section(struct made *made, bool big)
{
    made->big = big;
    size_t at = begin_block(made, 0x0a0d0d0a);
    put(made, 0x1a2b3c4d, 4);
    put(made, 1, 4); /* the version; its halves do not matter here */
    put(made, UINT64_MAX, 8);
    end_block(made, at);
}

/* `resolution` 0: no option; an offset of 0: no option. */
static void add_interface(struct made *made, unsigned link, unsigned resolution, int64_t offset)
{
    size_t at = begin_block(made, 1);
    put(made, link, 2);
    put(made, 0, 2);
    put(made, 20, 4);
    if (resolution != 0) {
        put(made, 9, 2);
        put(made, 1, 2);
        put(made, resolution, 1);
        put(made, 0, 3);
    }
    if (offset != 0) {
        put(made, 14, 2);
        put(made, 8, 2);
        put(made, (uint64_t)offset, 8);
    }
    end_block(made, at);
}

static void add_packet(struct made *made, unsigned interface, uint64_t time, unsigned fill)
{
    size_t at = begin_block(made, 6);
    put(made, interface, 4);
    put(made, time >> 32, 4);
    put(made, time & UINT32_MAX, 4);
    put(made, 5, 4);
    put(made, 60, 4);
    for (int i = 0; i < 5; i++)
        put(made, fill, 1);
    end_block(made, at);
}

static struct capture_file *open_made(const struct made *made)
{
    struct capture_file *file;
    struct err err;
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(made->bytes, 1, made->length, out), made->length);
    fclose(out);
    assert_int_equal(capture_file_open(path, &file, &err), 0);
    return file;
}

static struct capture_packet next(struct capture_file *file)
{
    struct capture_packet packet;
    struct err err;
    assert_int_equal(capture_file_next(file, &packet, &err), 1);
    return packet;
}

static void expect_end(struct capture_file *file, int code, const char *says)
{
    struct capture_packet packet;
    struct err err = {.text = ""};
    assert_int_equal(capture_file_next(file, &packet, &err), code);
    if (says != NULL)
        assert_non_null(strstr(err.text, says));
    capture_file_close(file);
}

static void each_packet_has_the_link_of_its_interface(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct made made = {.length = 0};
        add_section(&made, big != 0);
        add_interface(&made, 1, 0, 0);
        add_interface(&made, 276, 0, 0);
        add_packet(&made, 1, 7000000, 0xaa);
        add_packet(&made, 0, 8000000, 0xbb);
        struct capture_file *file = open_made(&made);
        struct capture_packet packet = next(file);
        assert_int_equal(packet.link, LINK_COOKED2);
        assert_int_equal(packet.at.us, 7000000);
        assert_int_equal(packet.bytes[4], 0xaa);
        assert_int_equal(packet.captured, 5);
        assert_int_equal(packet.sent, 60);
        packet = next(file);
        assert_int_equal(packet.link, LINK_ETHERNET);
        assert_int_equal(packet.number, 2);
        expect_end(file, 0, NULL);
    }
}

static void sections_of_both_orders_follow_each_other(void **state)
{
    (void)state;
    struct made made = {.length = 0};
    for (int i = 0; i < 4; i++) {
        add_section(&made, i % 2 != 0);
        add_interface(&made, i % 2 != 0 ? 12 : 1, 0, 0);
        add_packet(&made, 0, 1000000, (unsigned)i);
    }
    struct capture_file *file = open_made(&made);
    for (unsigned i = 0; i < 4; i++) {
        struct capture_packet packet = next(file);
        assert_int_equal(packet.link, i % 2 != 0 ? LINK_RAW_IP : LINK_ETHERNET);
        assert_int_equal(packet.bytes[0], i);
    }
    expect_end(file, 0, NULL);
}

static void times_follow_their_unit_and_offset(void **state)
{
    (void)state;
    static const struct {
        unsigned resolution;
        int64_t offset;
        uint64_t time;
        int64_t us;
    } cases[] = {{9, 0, UINT64_C(1500000000), 1500000},
                 {3, 0, 1500, 1500000},
                 {0x80 | 10, 0, 1536, 1500000},
                 {6, 100, 1500000, 101500000},
                 {6, -1, 1500000, 500000},
                 {6, -2, 1500000, INT64_MIN},
                 {19, 0, UINT64_C(15000000000000000000), 1500000},
                 {20, 0, 1, INT64_MIN},
                 {0x80 | 64, 0, 1, INT64_MIN},
                 {1, INT64_MAX, UINT64_MAX, INT64_MIN},
                 {1, 0, UINT64_MAX, INT64_MIN}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct made made = {.length = 0};
        add_section(&made, i % 2 != 0);
        add_interface(&made, 1, cases[i].resolution, cases[i].offset);
        add_packet(&made, 0, cases[i].time, 1);
        struct capture_file *file = open_made(&made);
        assert_int_equal(next(file).at.us, cases[i].us);
        expect_end(file, 0, NULL);
    }
}

static void simple_and_old_packets_are_packets(void **state)
{
    (void)state;
    struct made made = {.length = 0};
    add_section(&made, true);
    add_interface(&made, 1, 0, 0);
    size_t at = begin_block(&made, 3);
    put(&made, 1500, 4); /* sent; the interface's limit of 20 cut it */
    for (int i = 0; i < 20; i++)
        put(&made, 0x33, 1);
    end_block(&made, at);
    at = begin_block(&made, 2);
    put(&made, 0, 2);
    put(&made, 9, 2); /* drops */
    put(&made, 0, 4);
    put(&made, 250, 4);
    put(&made, 4, 4);
    put(&made, 8, 4);
    put(&made, 0x22222222, 4);
    end_block(&made, at);
    struct capture_file *file = open_made(&made);
    struct capture_packet packet = next(file);
    assert_int_equal(packet.captured, 20);
    assert_int_equal(packet.sent, 1500);
    assert_false(wall_known(packet.at));
    packet = next(file);
    assert_int_equal(packet.captured, 4);
    assert_int_equal(packet.sent, 8);
    assert_int_equal(packet.at.us, 250);
    expect_end(file, 0, NULL);
}

static void other_blocks_are_passed_over(void **state)
{
    (void)state;
    struct made made = {.length = 0};
    add_section(&made, false);
    for (uint32_t type = 4; type < 12; type++) {
        size_t at = begin_block(&made, type == 6 ? 0x80000bad : type);
        for (uint32_t i = 0; i < 8 * type; i++)
            put(&made, 0xff, 1);
        end_block(&made, at);
    }
    add_interface(&made, 1, 0, 0);
    add_packet(&made, 0, 1, 0x11);
    struct capture_file *file = open_made(&made);
    assert_int_equal(next(file).bytes[0], 0x11);
    expect_end(file, 0, NULL);
}

static void damage_is_named(void **state)
{
    (void)state;
    struct made whole = {.length = 0}, made;
    add_section(&whole, false);
    add_interface(&whole, 1, 6, 5);
    size_t packet = whole.length;
    add_packet(&whole, 0, 1, 1);
    for (size_t cut = 1; cut < whole.length - packet; cut++) {
        made = whole;
        made.length -= cut;
        expect_end(open_made(&made), ERR_CORRUPT, "ends within a block, after packet 0");
    }
    made = whole;
    made.bytes[packet + 8] = 1;
    expect_end(open_made(&made), ERR_CORRUPT, "not described");
    made = whole;
    made.bytes[packet + 20] = 60;
    expect_end(open_made(&made), ERR_CORRUPT, "more octets than its block");
    made = whole;
    made.bytes[packet + 4] = 8;
    expect_end(open_made(&made), ERR_CORRUPT, "shorter than its header");
    made = whole;
    memset(made.bytes + packet + 4, 0xff, 4);
    expect_end(open_made(&made), ERR_CORRUPT, "more than the limit");
    made = whole;
    made.bytes[28 + 16 + 2] = 200; /* the length of if_tsresol */
    expect_end(open_made(&made), ERR_CORRUPT, "overrun");
    made = whole;
    made.bytes[8] = 0;
    expect_end(open_made(&made), ERR_CORRUPT, "no byte order");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_packet_has_the_link_of_its_interface),
        cmocka_unit_test(sections_of_both_orders_follow_each_other),
        cmocka_unit_test(times_follow_their_unit_and_offset),
        cmocka_unit_test(simple_and_old_packets_are_packets),
        cmocka_unit_test(other_blocks_are_passed_over),
        cmocka_unit_test(damage_is_named),
    };
    snprintf(path, sizeof path, "/tmp/capture_blocks_test.%d", (int)getpid());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
