/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"

static uint64_t hash(const char *text, uint64_t seed)
{
    return hash_bytes(text, strlen(text), seed);
}

/* A product is the same with its factors exchanged: the hash may not be. */
static void exchanged_halves_differ(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"12121", "21212"},
                                           {"abab", "baba"},
                                           {"left....right...", "right...left...."},
                                           {"AAAAAAAABBBBBBBBC", "BBBBBBBBAAAAAAAAC"}};
    for (uint64_t seed = 1; seed < 100; seed++) {
        for (size_t i = 0; i < ARRAY_COUNT(pairs); i++)
            assert_true(hash(pairs[i][0], seed) != hash(pairs[i][1], seed));
    }
}

/* The same, prepared by who knows the constants and not the seed. */
static void prepared_pairs_differ(void **state)
{
    (void)state;
    const uint64_t difference = UINT64_C(0xa0761d6478bd642f) ^ UINT64_C(0xe7037ed1a0b428db);
    const uint64_t x = UINT64_C(0x0123456789abcdef), y = UINT64_C(0xfedcba9876543210);
    const uint64_t one[] = {x, y, 7}, other[] = {y ^ difference, x ^ difference, 7};
    for (uint64_t seed = 1; seed < 100; seed++) {
        assert_true(hash_bytes(one, 16, seed) != hash_bytes(other, 16, seed));
        assert_true(hash_bytes(one, 24, seed) != hash_bytes(other, 24, seed));
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void counted_names_do_not_collide(void **state)
{
    (void)state;
    enum { NAMES = 200000 };
    uint64_t *hashes = calloc(NAMES, sizeof(*hashes));
    char name[16];
    assert_non_null(hashes);
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof(name), "%d", i);
        hashes[i] = hash(name, 42);
    }
    qsort(hashes, NAMES, sizeof(*hashes), compare);
    for (int i = 1; i < NAMES; i++)
        assert_true(hashes[i - 1] != hashes[i]);
    free(hashes);
}

static void seed_and_length_matter(void **state)
{
    (void)state;
    const char zeros[40] = {0};
    for (size_t length = 0; length < sizeof(zeros); length++)
        assert_true(hash_bytes(zeros, length, 3) != hash_bytes(zeros, length + 1, 3));
    assert_true(hash("", 1) != hash("", 2));
    assert_true(hash_seed() != 0 && hash_seed() == hash_seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanged_halves_differ),
        cmocka_unit_test(prepared_pairs_differ),
        cmocka_unit_test(counted_names_do_not_collide),
        cmocka_unit_test(seed_and_length_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
