/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "wire/bridge_index.h"
#include "wire/oid.h"

/* xorshift64*: the same numbers in each run. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static struct bridge_index slow(enum bridge_family family, const uint32_t *ids, size_t count,
                                int expected)
{
    uint8_t octets[LIMIT_OID_LENGTH * 5];
    struct bridge_index index = {0};
    size_t length = oid_index_encode(ids, count, octets);
    assert_int_equal(bridge_index_slow(family, NULL, octets, length, &index), expected);
    return index;
}

static void the_forms_of_the_mibs_are_read(void **state)
{
    (void)state;
    const uint32_t ids[] = {1, 1001, 82, 84, 0, 17, 200, 255};
    uint8_t octets[64];
    uint32_t fdb;
    uint64_t mac;
    size_t length = oid_index_encode(ids + 1, 7, octets);
    assert_true(bridge_index_fast(BRIDGE_DOT1Q, octets, length, &fdb, &mac));
    assert_int_equal(fdb, 1001);
    assert_int_equal(mac, UINT64_C(0x52540011c8ff));
    length = oid_index_encode(ids, 8, octets);
    assert_true(bridge_index_fast(BRIDGE_IEEE8021Q, octets, length, &fdb, &mac));
    assert_int_equal(fdb, 1001);
    length = oid_index_encode(ids + 2, 6, octets);
    assert_true(bridge_index_fast(BRIDGE_DOT1D, octets, length, &fdb, &mac));
    assert_int_equal(mac, UINT64_C(0x52540011c8ff));
    assert_false(bridge_index_fast(BRIDGE_DOT1D, octets, length - 1, &fdb, &mac));
    assert_false(bridge_index_fast(BRIDGE_DOT1D, octets, 0, &fdb, &mac));
}

static void a_length_octet_and_an_extra_number_are_understood(void **state)
{
    (void)state;
    const uint32_t with_length[] = {7, 6, 82, 84, 0, 17, 34, 51};
    struct bridge_index index = slow(BRIDGE_DOT1Q, with_length, 8, 0);
    assert_int_equal(index.notes, BRIDGE_NOTE_LENGTH_IN_INDEX);
    assert_int_equal(index.mac.bits, UINT64_C(0x525400112233));
    assert_int_equal(index.fdb_id, 7);
    index = slow(BRIDGE_DOT1D, with_length + 1, 7, 0);
    assert_int_equal(index.notes, BRIDGE_NOTE_LENGTH_IN_INDEX);
    assert_false(index.fdb_known);
    const uint32_t extra[] = {1, 24, 231, 40, 146, 40, 105, 2};
    index = slow(BRIDGE_DOT1Q, extra, 8, 0);
    assert_int_equal(index.notes, BRIDGE_NOTE_EXTRA_IN_INDEX);
    assert_int_equal(index.number, 2);
    assert_int_equal(index.mac.bits, UINT64_C(0x18e728922869));
}

static void sequences_and_missing_fdb_ids_are_understood(void **state)
{
    (void)state;
    const uint32_t ids[] = {9, 82, 84, 0, 17, 34, 51};
    struct bridge_index index = slow(BRIDGE_DOT1D, ids, 1, 0);
    assert_int_equal(index.notes, BRIDGE_NOTE_INDEX_IS_SEQUENCE);
    assert_int_equal(index.number, 9);
    assert_false(mac_known(index.mac));
    index = slow(BRIDGE_DOT1Q, ids + 1, 6, 0);
    assert_int_equal(index.notes, BRIDGE_NOTE_NO_FDB_IN_INDEX);
    assert_false(index.fdb_known);
    assert_int_equal(index.mac.bits, UINT64_C(0x525400112233));
}

static void what_no_rule_explains_is_rejected(void **state)
{
    (void)state;
    const uint32_t ids[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    const uint32_t large[] = {256, 1, 1, 1, 1, 1};
    (void)slow(BRIDGE_DOT1D, ids, 0, ERR_SYNTAX);
    (void)slow(BRIDGE_DOT1D, ids, 5, ERR_SYNTAX);
    (void)slow(BRIDGE_DOT1Q, ids, 10, ERR_SYNTAX);
    (void)slow(BRIDGE_DOT1D, large, 6, ERR_SYNTAX);
    const uint8_t truncated[] = {1, 2, 3, 4, 5, 0x81};
    struct bridge_index index;
    assert_int_equal(bridge_index_slow(BRIDGE_DOT1D, NULL, truncated, sizeof truncated, &index),
                     ERR_SYNTAX);
}

static void a_vendors_index_is_read_by_its_form(void **state)
{
    (void)state;
    const struct quirk_fdb fdb = {
        .index = {QUIRK_INDEX_MAC, QUIRK_INDEX_VLAN, QUIRK_INDEX_REST, QUIRK_INDEX_END}};
    const uint32_t ids[] = {0, 12, 7, 172, 0, 1, 410, 1, 48};
    uint8_t octets[64];
    struct bridge_index index;
    size_t length = oid_index_encode(ids, 9, octets);
    assert_int_equal(bridge_index_slow(BRIDGE_VENDOR, &fdb, octets, length, &index), 0);
    assert_int_equal(index.fdb_id, 410);
    assert_true(index.fdb_is_vlan);
    assert_int_equal(index.mac.bits, UINT64_C(0x000c07ac0001));
    length = oid_index_encode(ids, 6, octets);
    assert_int_equal(bridge_index_slow(BRIDGE_VENDOR, &fdb, octets, length, &index), ERR_SYNTAX);
}

/* Wherever the fast path answers, the slow one says the same; and an index that
 * the slow one finds to be of the MIB's form, in its shortest encoding, is not
 * missed by the fast one. */
static void both_paths_agree(void **state)
{
    (void)state;
    uint64_t seed = 42;
    unsigned fast_answers = 0;
    for (int round = 0; round < 200000; round++) {
        uint32_t ids[12];
        size_t count = 5 + next_random(&seed) % 5;
        uint64_t limit = next_random(&seed) % 8 == 0 ? 300 : 256;
        for (size_t i = 0; i < count; i++)
            ids[i] = (uint32_t)(next_random(&seed) % limit);
        if (next_random(&seed) % 2 == 0)
            ids[0] = (uint32_t)next_random(&seed);
        uint8_t octets[64];
        size_t length = oid_index_encode(ids, count, octets);
        if (next_random(&seed) % 8 == 0)
            octets[next_random(&seed) % length] = (uint8_t)next_random(&seed);
        enum bridge_family family = (enum bridge_family)(next_random(&seed) % 3);
        uint32_t fdb;
        uint64_t mac;
        struct bridge_index index;
        int code = bridge_index_slow(family, NULL, octets, length, &index);
        if (bridge_index_fast(family, octets, length, &fdb, &mac)) {
            fast_answers++;
            assert_int_equal(code, 0);
            assert_int_equal(index.mac.bits, mac);
            assert_int_equal(index.fdb_id, fdb);
            assert_int_equal(index.notes, 0);
        } else if (code == 0 && index.notes == 0) {
            uint8_t again[64];
            uint32_t decoded[16];
            size_t n;
            assert_int_equal(oid_index_decode(octets, length, decoded, 16, &n), 0);
            assert_int_not_equal(oid_index_encode(decoded, n, again), length);
        }
    }
    assert_true(fast_answers > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_forms_of_the_mibs_are_read),
        cmocka_unit_test(a_length_octet_and_an_extra_number_are_understood),
        cmocka_unit_test(sequences_and_missing_fdb_ids_are_understood),
        cmocka_unit_test(what_no_rule_explains_is_rejected),
        cmocka_unit_test(a_vendors_index_is_read_by_its_form),
        cmocka_unit_test(both_paths_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
