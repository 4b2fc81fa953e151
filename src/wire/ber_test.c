/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ber.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"

static bool read_all(const uint8_t *bytes, size_t length, struct ber_item *ret)
{
    struct ber_reader reader = {bytes, bytes + length};
    return ber_read(&reader, ret);
}
#define READ(item, ...)                                                                            \
    read_all((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), item)

static void headers(void **state)
{
    struct ber_item item;
    assert_true(READ(&item, 0x04, 0x02, 'h', 'i'));
    assert_int_equal(item.tag, BER_OCTETS);
    assert_int_equal(item.length, 2);
    assert_true(READ(&item, 0x04, 0x83, 0, 0, 1, 'x'));
    assert_int_equal(item.length, 1);
    assert_true(READ(&item, 0x05, 0x00));
    assert_int_equal(item.length, 0);
}

static void malformed_headers(void **state)
{
    struct ber_item item;
    struct ber_reader empty = {(const uint8_t *)"", (const uint8_t *)""};
    assert_false(ber_read(&empty, &item));
    assert_false(READ(&item, 0x04));
    assert_false(READ(&item, 0x04, 0x03, 'h', 'i'));
    assert_false(READ(&item, 0x04, 0x80, 0, 0));               /* indefinite */
    assert_false(READ(&item, 0x04, 0x82, 1));                  /* length cut off */
    assert_false(READ(&item, 0x04, 0x85, 0, 0, 0, 0, 1, 'x')); /* more than four octets */
    assert_false(READ(&item, 0x04, 0x84, 0xff, 0xff, 0xff, 0xff, 'x'));
    assert_false(READ(&item, 0x1f, 0x81, 0x01, 0x00)); /* tag of several octets */
    assert_false(READ(&item, 0x04, 0xff, 1, 1));
}

static void numbers(void **state)
{
    static const struct {
        int64_t value;
        size_t length;
    } cases[] = {{0, 1},         {127, 1},       {128, 2},    {-1, 1},        {-128, 1},
                 {-129, 2},      {32767, 2},     {32768, 3},  {INT32_MAX, 4}, {INT32_MIN, 4},
                 {INT64_MAX, 8}, {INT64_MIN, 8}, {-32768, 2}, {-32769, 3},    {UINT32_MAX, 5}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint8_t bytes[BER_NUMBER_SIZE];
        struct ber_item item = {BER_INTEGER, bytes, ber_signed_content(cases[i].value, bytes)};
        int64_t back;
        assert_int_equal(item.length, cases[i].length);
        assert_true(ber_signed(&item, &back));
        assert_true(back == cases[i].value);
    }
    uint8_t bytes[BER_NUMBER_SIZE];
    struct ber_item item = {0x46, bytes, ber_unsigned_content(UINT64_MAX, bytes)};
    uint64_t back;
    assert_int_equal(item.length, 9);
    assert_true(ber_unsigned(&item, 8, &back));
    assert_true(back == UINT64_MAX);
    assert_false(ber_unsigned(&item, 4, &back));
}

static void tolerated_numbers(void **state)
{
    uint64_t value;
    int64_t signed_value;
    /* A gauge above 2^31 without its leading zero, as agents send it. */
    assert_true(
        ber_unsigned(&(struct ber_item){0x42, (const uint8_t *)"\xff\xff\xff\xfe", 4}, 4, &value));
    assert_int_equal(value, 4294967294u);
    assert_true(
        ber_signed(&(struct ber_item){2, (const uint8_t *)"\0\0\0\0\0\5", 6}, &signed_value));
    assert_int_equal(signed_value, 5);
    assert_false(ber_signed(&(struct ber_item){2, (const uint8_t *)"", 0}, &signed_value));
    assert_false(ber_signed(&(struct ber_item){2, (const uint8_t *)"123456789", 9}, &signed_value));
    struct ber_reader reader = {(const uint8_t *)"\2\5\0\x80\0\0\0", (const uint8_t *)"" + 0};
    reader.end = reader.at + 7;
    int32_t small;
    assert_false(ber_read_int32(&reader, &small)); /* 2^31 is no Integer32 */
}

static void pushing(void **state)
{
    uint8_t buffer[600];
    struct ber_writer writer;
    static const uint8_t filler[300];
    ber_writer_init(&writer, buffer, sizeof(buffer), 64);
    ber_append_header(&writer, BER_OCTETS, sizeof(filler));
    ber_append(&writer, filler, sizeof(filler));
    ber_push_signed(&writer, BER_INTEGER, -129);
    ber_push_around(&writer, BER_SEQUENCE, 0);
    assert_false(writer.full);
    struct ber_reader reader = {buffer + writer.begin, buffer + writer.end};
    struct ber_reader inner = {NULL, NULL};
    int32_t number;
    struct ber_item item;
    assert_true(ber_enter(&reader, BER_SEQUENCE, &inner));
    assert_true(reader.at == reader.end);
    assert_true(ber_read_int32(&inner, &number));
    assert_int_equal(number, -129);
    assert_true(ber_read_tag(&inner, BER_OCTETS, &item));
    assert_int_equal(item.length, sizeof(filler));
}

static void full_is_sticky(void **state)
{
    uint8_t buffer[16];
    struct ber_writer writer;
    ber_writer_init(&writer, buffer, sizeof(buffer), 8);
    ber_append(&writer, "123456789", 9);
    assert_true(writer.full);
    ber_append(&writer, "1", 1);
    assert_int_equal(writer.end, 8);
    ber_writer_init(&writer, buffer, sizeof(buffer), 8);
    ber_push(&writer, "123456789", 9);
    assert_true(writer.full);
    ber_writer_init(&writer, buffer, 4, 8);
    assert_true(writer.full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers), cmocka_unit_test(malformed_headers),
        cmocka_unit_test(numbers), cmocka_unit_test(tolerated_numbers),
        cmocka_unit_test(pushing), cmocka_unit_test(full_is_sticky),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
