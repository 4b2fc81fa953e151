/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MANY = 100000 };

static void test_an_empty_map_has_nothing(void **state)
{
    struct map map = MAP_EMPTY;
    assert_int_equal(map_find(&map, 0), MAP_NO_VALUE);
    map_done(&map);
    map_reserve(&map, 1000);
    assert_int_equal(map_find(&map, 0), MAP_NO_VALUE);
    assert_int_equal(map.count, 0);
    map_done(&map);
}

static void test_put_replaces_and_put_new_does_not(void **state)
{
    struct map map = MAP_EMPTY;
    map_put(&map, 7, 1);
    map_put(&map, 7, 2);
    assert_int_equal(map_find(&map, 7), 2);
    assert_int_equal(map_put_new(&map, 7, 3), 2);
    assert_int_equal(map_find(&map, 7), 2);
    assert_int_equal(map_put_new(&map, 8, 4), 4);
    assert_int_equal(map.count, 2);
    map_done(&map);
    assert_int_equal(map_find(&map, 7), MAP_NO_VALUE);
}

static void test_many_keys_with_low_bits_alike(void **state)
{
    struct map map = MAP_EMPTY;
    for (uint64_t i = 0; i < MANY; i++)
        map_put(&map, i << 40, (uint32_t)i);
    assert_int_equal(map.count, MANY);
    for (uint64_t i = 0; i < MANY; i++)
        assert_int_equal(map_find(&map, i << 40), i);
    assert_int_equal(map_find(&map, 1), MAP_NO_VALUE);
    map_put(&map, UINT64_MAX - 1, 5);
    assert_int_equal(map_find(&map, UINT64_MAX - 1), 5);
    map_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_map_has_nothing),
        cmocka_unit_test(test_put_replaces_and_put_new_does_not),
        cmocka_unit_test(test_many_keys_with_low_bits_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
