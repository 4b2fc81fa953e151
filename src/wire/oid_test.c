/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/oid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static int parse(const char *text, struct oid *ret)
{
    return oid_parse(text, strlen(text), ret);
}

static void text_forms(void **state)
{
    struct oid oid;
    char text[OID_TEXT_SIZE];
    assert_int_equal(parse("1.3.6.1.2.1.17.4.3.1.2", &oid), 0);
    assert_int_equal(oid.length, 11);
    assert_string_equal(oid_format(&oid, text), "1.3.6.1.2.1.17.4.3.1.2");
    assert_int_equal(parse(".1.3.4294967295", &oid), 0);
    assert_string_equal(oid_format(&oid, text), "1.3.4294967295");
    assert_int_equal(parse("iso.3.6", &oid), 0);
    assert_string_equal(oid_format(&oid, text), "1.3.6");
    assert_int_equal(parse("iso", &oid), 0);
    assert_int_equal(oid.length, 1);
}

static void text_errors(void **state)
{
    struct oid oid = OID(9);
    static const char *const bad[] = {"",   ".",    "1.",     "1..3", "1.x",  "a",
                                      "-1", "1.3 ", "iso3.6", "iso.", "..1.3"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_int_equal(parse(bad[i], &oid), ERR_SYNTAX);
    assert_int_equal(parse("1.4294967296", &oid), ERR_RANGE);
    char many[2 * (LIMIT_OID_LENGTH + 1)];
    for (size_t i = 0; i < sizeof(many); i++)
        many[i] = i % 2 == 0 ? '1' : '.';
    assert_int_equal(oid_parse(many, sizeof(many) - 1, &oid), ERR_LIMIT);
    assert_int_equal(oid_parse(many, sizeof(many) - 3, &oid), 0);
    assert_int_equal(oid.length, LIMIT_OID_LENGTH);
}

static void ber_forms(void **state)
{
    struct oid oid = OID(1, 3, 6, 1, 4, 1, 2636, 3, 40), back;
    uint8_t bytes[OID_BER_SIZE];
    static const uint8_t expected[] = {0x2b, 6, 1, 4, 1, 0x94, 0x4c, 3, 40};
    size_t length = oid_encode(&oid, bytes);
    assert_int_equal(length, sizeof(expected));
    assert_memory_equal(bytes, expected, length);
    assert_int_equal(oid_decode(bytes, length, &back), 0);
    assert_int_equal(oid_compare(&oid, &back), 0);

    struct oid joint = OID(2, 999, 4294967295u);
    length = oid_encode(&joint, bytes);
    assert_int_equal(length, 7);
    assert_int_equal(oid_decode(bytes, length, &back), 0);
    assert_int_equal(oid_compare(&joint, &back), 0);

    assert_int_equal(oid_decode(NULL, 0, &back), 0);
    struct oid null_oid = OID(0, 0);
    assert_int_equal(oid_compare(&null_oid, &back), 0);
}

static void ber_errors(void **state)
{
    struct oid oid;
    assert_int_equal(oid_decode((const uint8_t[]){0x2b, 0x86}, 2, &oid), ERR_SYNTAX);
    assert_int_equal(oid_decode((const uint8_t[]){0x2b, 0x90, 0x80, 0x80, 0x80, 0x00}, 6, &oid),
                     ERR_RANGE);
    uint8_t huge[LIMIT_OID_LENGTH];
    memset(huge, 1, sizeof(huge));
    assert_int_equal(oid_decode(huge, sizeof(huge), &oid), ERR_LIMIT);
    assert_int_equal(oid_decode(huge, sizeof(huge) - 1, &oid), 0);
    assert_int_equal(oid.length, LIMIT_OID_LENGTH);
    assert_int_equal(oid_append(&oid, 1), ERR_LIMIT);
}

static void index_tail(void **state)
{
    static const uint8_t tail[] = {10, 0x52, 0x54, 0, 0x81, 0x11, 0x81, 0x7f, 0x33};
    uint32_t ids[7];
    size_t count = 0;
    assert_int_equal(oid_index_decode(tail, sizeof(tail), ids, 7, &count), 0);
    assert_int_equal(count, 7);
    assert_int_equal(ids[0], 10);
    assert_int_equal(ids[4], 0x91);
    assert_int_equal(ids[5], 0xff);
    assert_int_equal(oid_index_decode(tail, sizeof(tail), ids, 6, &count), ERR_LIMIT);
    uint8_t again[35];
    assert_int_equal(oid_index_encode(ids, 7, again), sizeof(tail));
    assert_memory_equal(again, tail, sizeof(tail));
}

/* Comparing octets must order exactly as comparing decoded values does. */
static void index_order(void **state)
{
    srandom(7);
    static const uint32_t edges[] = {0, 1, 2, 127, 128, 129, 255, 16383, 16384, UINT32_MAX};
    for (int round = 0; round < 20000; round++) {
        struct oid a = OID(1, 3), b = OID(1, 3);
        a.length += (uint32_t)(random() % 4);
        b.length += (uint32_t)(random() % 4);
        for (int i = 2; i < 6; i++) {
            a.ids[i] = edges[(size_t)random() % ARRAY_COUNT(edges)];
            b.ids[i] = random() % 2 ? a.ids[i] : edges[(size_t)random() % ARRAY_COUNT(edges)];
        }
        uint8_t x[OID_BER_SIZE], y[OID_BER_SIZE];
        size_t x_length = oid_encode(&a, x), y_length = oid_encode(&b, y);
        assert_int_equal(oid_index_compare(x, x_length, y, y_length), oid_compare(&a, &b));
        size_t common = oid_common_octets(x, y, x_length < y_length ? x_length : y_length);
        assert_memory_equal(x, y, common);
        assert_true(common == x_length || common == y_length || x[common] != y[common]);
        assert_int_equal(oid_index_before(x, x_length, y, y_length, common),
                         oid_compare(&a, &b) < 0);
    }
    /* A padded sub-identifier is the same value. */
    assert_int_equal(oid_index_compare((const uint8_t[]){0x80, 5}, 2, (const uint8_t[]){5}, 1), 0);
    assert_true(oid_index_compare((const uint8_t[]){0x80, 5}, 2, (const uint8_t[]){6}, 1) < 0);
}

static void prefixes(void **state)
{
    struct oid table = OID(1, 3, 6, 1), row = OID(1, 3, 6, 1, 2), other = OID(1, 3, 6, 2);
    assert_true(oid_has_prefix(&row, &table));
    assert_true(oid_has_prefix(&table, &table));
    assert_false(oid_has_prefix(&table, &row));
    assert_false(oid_has_prefix(&other, &table));
    assert_true(oid_compare(&table, &row) < 0);
    assert_true(oid_compare(&other, &row) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_forms), cmocka_unit_test(text_errors), cmocka_unit_test(ber_forms),
        cmocka_unit_test(ber_errors), cmocka_unit_test(index_tail),  cmocka_unit_test(index_order),
        cmocka_unit_test(prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
