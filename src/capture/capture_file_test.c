/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

static int begin_file(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/capture_file_test.%d", (int)getpid());
    return 0;
}

static int end_file(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void write_file(const void *bytes, size_t length)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    fclose(out);
}

static void put(uint8_t **at, uint32_t value, bool big)
{
    for (int i = 0; i < 4; i++)
        *(*at)++ = (uint8_t)(value >> (big ? 24 - 8 * i : 8 * i));
}

/* Writes a capture of `count` packets of `size` octets, the n-th of which are n. */
static size_t make(uint8_t *to, uint32_t magic, bool big, uint32_t link, unsigned count,
                   uint32_t size)
{
    uint8_t *at = to;
    put(&at, magic, big);
    put(&at, big ? 0x00020004 : 0x00040002, big);
    put(&at, 0, big);
    put(&at, 0, big);
    put(&at, 65535, big);
    put(&at, link, big);
    for (unsigned n = 1; n <= count; n++) {
        put(&at, 1000 + n, big);
        put(&at, 5000, big);
        put(&at, size, big);
        put(&at, size + 7, big);
        memset(at, (int)n, size);
        at += size;
    }
    return (size_t)(at - to);
}

static void packets_come_in_both_orders_and_resolutions(void **state)
{
    (void)state;
    static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d};
    uint8_t bytes[512];
    for (int i = 0; i < 4; i++) {
        bool big = (i & 1) != 0, nano = i >= 2;
        write_file(bytes, make(bytes, magics[nano], big, 113, 3, 60));
        assert_true(capture_file_is(path));
        struct capture_file *file;
        struct capture_packet packet;
        struct err err;
        assert_int_equal(capture_file_open(path, &file, &err), 0);
        for (unsigned n = 1; n <= 3; n++) {
            assert_int_equal(capture_file_next(file, &packet, &err), 1);
            assert_int_equal(packet.number, n);
            assert_int_equal(packet.link, LINK_COOKED);
            assert_int_equal(packet.captured, 60);
            assert_int_equal(packet.sent, 67);
            assert_int_equal(packet.at.us, (1000 + n) * 1000000 + (nano ? 5 : 5000));
            assert_int_equal(packet.bytes[59], n);
        }
        assert_int_equal(capture_file_next(file, &packet, &err), 0);
        assert_int_equal(capture_file_next(file, &packet, &err), 0);
        capture_file_close(file);
    }
}

static void packets_that_cross_chunks_stay_whole(void **state)
{
    (void)state;
    enum { COUNT = 60, SIZE = 99991 };
    uint8_t *bytes = malloc(24 + COUNT * (SIZE + 16));
    write_file(bytes, make(bytes, 0xa1b2c3d4, false, 1, COUNT, SIZE));
    free(bytes);
    struct capture_file *file;
    struct capture_packet packet;
    struct err err;
    assert_int_equal(capture_file_open(path, &file, &err), 0);
    for (unsigned n = 1; n <= COUNT; n++) {
        assert_int_equal(capture_file_next(file, &packet, &err), 1);
        assert_int_equal(packet.captured, SIZE);
        assert_int_equal(packet.bytes[0], n);
        assert_int_equal(packet.bytes[SIZE - 1], n);
    }
    assert_int_equal(capture_file_next(file, &packet, &err), 0);
    capture_file_close(file);
}

static void a_cut_file_gives_its_whole_packets_first(void **state)
{
    (void)state;
    uint8_t bytes[512];
    size_t length = make(bytes, 0xa1b2c3d4, false, 1, 2, 60);
    struct capture_file *file;
    struct capture_packet packet;
    struct err err;
    for (size_t cut = 1; cut < 76; cut++) {
        write_file(bytes, length - cut);
        assert_int_equal(capture_file_open(path, &file, &err), 0);
        assert_int_equal(capture_file_next(file, &packet, &err), 1);
        assert_int_equal(capture_file_next(file, &packet, &err), ERR_CORRUPT);
        assert_non_null(strstr(err.text, "packet 2"));
        err.text[0] = '\0';
        assert_int_equal(capture_file_next(file, &packet, &err), ERR_CORRUPT);
        assert_non_null(strstr(err.text, "packet 2"));
        capture_file_close(file);
    }
}

static void a_giant_packet_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[512];
    size_t length = make(bytes, 0xa1b2c3d4, false, 1, 1, 60);
    memset(bytes + 32, 0xff, 4);
    write_file(bytes, length);
    struct capture_file *file;
    struct capture_packet packet;
    struct err err;
    assert_int_equal(capture_file_open(path, &file, &err), 0);
    assert_int_equal(capture_file_next(file, &packet, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.text, "4294967295 octets"));
    capture_file_close(file);
}

static void what_is_no_capture_is_said_so(void **state)
{
    (void)state;
    struct capture_file *file;
    struct err err;
    uint8_t bytes[512];
    write_file("1.3.6.1|4|text\n", 15);
    assert_false(capture_file_is(path));
    assert_int_equal(capture_file_open(path, &file, &err), ERR_SYNTAX);
    write_file("", 0);
    assert_false(capture_file_is(path));
    assert_int_equal(capture_file_open(path, &file, &err), ERR_SYNTAX);
    size_t length = make(bytes, 0xa1b2c3d4, true, 1, 0, 0);
    write_file(bytes, length - 1);
    assert_int_equal(capture_file_open(path, &file, &err), ERR_SYNTAX);
    write_file(bytes, make(bytes, 0xa1b2c3d4, true, 187, 0, 0));
    assert_int_equal(capture_file_open(path, &file, &err), ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "187"));
    unlink(path);
    assert_false(capture_file_is(path));
    assert_int_not_equal(capture_file_open(path, &file, &err), 0);
}

/* A section header, one interface and one packet, little-endian. */
static void pcapng_is_read_too(void **state)
{
    (void)state;
    static const uint32_t words[] = {
        0x0a0d0d0a, 28,         0x1a2b3c4d, 1,          0xffffffff, 0xffffffff, 28, /* section */
        1,          20,         1,          65535,      20,                         /* Ethernet */
        6,          48,         0,          0x00038d7e, 0xa4c68000, 16,         16,
        0x01010101, 0x01010101, /* packet */
        0x01010101, 0x01010101, 48};
    write_file(words, sizeof words);
    assert_true(capture_file_is(path));
    struct capture_file *file;
    struct capture_packet packet;
    struct err err;
    assert_int_equal(capture_file_open(path, &file, &err), 0);
    assert_int_equal(capture_file_next(file, &packet, &err), 1);
    assert_int_equal(packet.captured, 16);
    assert_int_equal(packet.bytes[15], 1);
    assert_int_equal(packet.at.us, INT64_C(0x00038d7ea4c68000));
    assert_int_equal(capture_file_next(file, &packet, &err), 0);
    capture_file_close(file);
    write_file(words, sizeof words - 12);
    assert_int_equal(capture_file_open(path, &file, &err), 0);
    assert_int_equal(capture_file_next(file, &packet, &err), ERR_CORRUPT);
    capture_file_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(packets_come_in_both_orders_and_resolutions, begin_file,
                                        end_file),
        cmocka_unit_test_setup_teardown(packets_that_cross_chunks_stay_whole, begin_file, end_file),
        cmocka_unit_test_setup_teardown(a_cut_file_gives_its_whole_packets_first, begin_file,
                                        end_file),
        cmocka_unit_test_setup_teardown(a_giant_packet_is_refused, begin_file, end_file),
        cmocka_unit_test_setup_teardown(what_is_no_capture_is_said_so, begin_file, end_file),
        cmocka_unit_test_setup_teardown(pcapng_is_read_too, begin_file, end_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
