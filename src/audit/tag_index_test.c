/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tag_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "audit/segments.h"
#include "base/hash.h"

/* The index against a table of what is in it, with a good hash and with ones that send all to
 * a few lines, or to the last line so that what does not fit goes round to the first. */

enum { ITEMS = 5000, CALLS = 60000 };

typedef uint64_t hash_function(const void *aux, uint32_t item);

static uint64_t good_hash(const void *aux, uint32_t item)
{
    (void)aux;
    return hash_u64(item, 3);
}

static uint64_t crowded_hash(const void *aux, uint32_t item)
{
    (void)aux;
    return hash_u64(item % 200, 3); /* 25 of each */
}

static uint64_t last_line_hash(const void *aux, uint32_t item)
{
    return good_hash(aux, item) | UINT64_C(0xfff00000) << 32;
}

static unsigned count_found(const struct tag_index *index, uint32_t item)
{
    unsigned found = 0;
    struct tag_probe probe = tag_probe_begin(index, index->hash_of(NULL, item));
    for (uint32_t one; (one = tag_probe_next(&probe)) != TAG_NONE;)
        found += one == item;
    return found;
}

static void agrees(hash_function *hash, unsigned items)
{
    struct tag_index index;
    tag_index_init(&index, hash, NULL);
    uint8_t in[ITEMS] = {0};
    assert_int_equal(count_found(&index, 1), 0);
    for (unsigned i = 0; i < CALLS; i++) {
        /* fills, thins out, fills again */
        uint64_t random = hash_u64(i, 99);
        uint32_t item = (uint32_t)(random % items);
        bool filling = i / (CALLS / 6) % 2 == 0;
        if (in[item] == 0 && (filling || random >> 32 & 1)) {
            tag_index_put(&index, hash(NULL, item), item);
            in[item] = 1;
        } else if (in[item] != 0 && (!filling || (random >> 32 & 3) == 0)) {
            tag_index_remove(&index, hash(NULL, item), item);
            in[item] = 0;
        }
        uint32_t other = (uint32_t)(random >> 40) % items;
        assert_int_equal(count_found(&index, other), in[other]);
    }
    for (uint32_t item = 0; item < items; item++)
        assert_int_equal(count_found(&index, item), in[item]);
    tag_index_done(&index);
}

static void a_good_hash(void **state)
{
    (void)state;
    agrees(good_hash, ITEMS);
    agrees(good_hash, 60); /* stays as small as it begins */
}

static void many_of_one_key(void **state)
{
    (void)state;
    agrees(crowded_hash, ITEMS);
}

static void round_the_end(void **state)
{
    (void)state;
    agrees(last_line_hash, 300);
}

static void eight_octets_an_item(void **state)
{
    (void)state;
    struct tag_index index;
    tag_index_init(&index, good_hash, NULL);
    for (uint32_t i = 0; i < 100000; i++)
        tag_index_put(&index, good_hash(NULL, i), i);
    assert_true(tag_index_size(&index) < 16 * 100000);
    tag_index_done(&index);
}

static void segments_do_not_move(void **state)
{
    (void)state;
    struct segments segments;
    segments_init(&segments, sizeof(uint64_t));
    segments_reach(&segments, 0);
    uint64_t *first = segments_at(&segments, 0, sizeof *first);
    for (uint32_t i = 0; i < 100000; i++) {
        segments_reach(&segments, i);
        uint64_t *one = segments_at(&segments, i, sizeof *one);
        assert_int_equal(*one, 0);
        *one = i + 1;
    }
    assert_ptr_equal(first, segments_at(&segments, 0, sizeof *first));
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(*(uint64_t *)segments_at(&segments, i, sizeof(uint64_t)), i + 1);
    assert_true(segments_size(&segments, 100000) >= 800000);
    assert_true(segments_size(&segments, 100000) < 900000);
    segments_done(&segments);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_hash),          cmocka_unit_test(many_of_one_key),
        cmocka_unit_test(round_the_end),        cmocka_unit_test(eight_octets_an_item),
        cmocka_unit_test(segments_do_not_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
