/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"
#include "base/limits.h"
#include "model/vlan.h"

static struct vlan_pool *pool;

static int set_up(void **state)
{
    (void)state;
    pool = vlan_pool_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vlan_pool_free(pool);
    return 0;
}

static void expect_parse(const char *text, const char *printed)
{
    vlan_set set;
    AUTO_TEXT struct text out = TEXT_EMPTY;
    assert_int_equal(vlan_set_parse(pool, text, strlen(text), &set), 0);
    vlan_set_print(pool, set, &out);
    assert_string_equal(text_get(&out), printed);
}

static void sets_are_sorted_and_distinct(void **state)
{
    (void)state;
    expect_parse("10", "10");
    expect_parse("20|10|20", "10|20");
    expect_parse(" 7 | 8 ", "7|8");
    expect_parse("Trunk", "trunk");
    expect_parse("", "");
    expect_parse("0", "0");
    expect_parse("4095", "4095");
}

static void the_same_set_has_one_number(void **state)
{
    (void)state;
    const uint32_t forward[] = {1, 2, 3}, backward[] = {3, 3, 2, 1};
    vlan_set a = vlan_pool_add(pool, forward, 3);
    assert_int_equal(vlan_pool_add(pool, backward, 4), a);
    assert_int_not_equal(vlan_pool_add(pool, forward, 2), a);
    assert_int_equal(vlan_pool_add(pool, forward, 0), VLAN_SET_UNKNOWN);
}

static void bad_texts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"x", ERR_SYNTAX},
        {"10|", ERR_SYNTAX},
        {"|10", ERR_SYNTAX},
        {"10 20", ERR_SYNTAX},
        {"-1", ERR_SYNTAX},
        {"4096", ERR_RANGE},
        {"1|99999999999", ERR_RANGE},
        {"trunks", ERR_SYNTAX},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        vlan_set set = 77;
        assert_int_equal(vlan_set_parse(pool, cases[i].text, strlen(cases[i].text), &set),
                         cases[i].code);
        assert_int_equal(set, 77);
    }
}

static void a_list_longer_than_a_set_is_refused(void **state)
{
    (void)state;
    AUTO_TEXT struct text list = TEXT_EMPTY;
    for (int i = 0; i < LIMIT_VLANS_PER_SET; i++)
        text_printf(&list, i == 0 ? "%d" : "|%d", i % 4096);
    vlan_set set;
    assert_int_equal(vlan_set_parse(pool, text_get(&list), list.length, &set), 0);
    text_add(&list, "|1");
    assert_int_equal(vlan_set_parse(pool, text_get(&list), list.length, &set), ERR_RANGE);
}

static void sharing_knows_trunk_and_unknown(void **state)
{
    (void)state;
    struct vlan_pool *other = vlan_pool_new();
    const uint32_t some[] = {10, 20}, more[] = {20, 30}, none[] = {40};
    vlan_set a = vlan_pool_add(pool, some, 2), b = vlan_pool_add(other, more, 2);
    vlan_set c = vlan_pool_add(other, none, 1);
    assert_true(vlan_sets_share(pool, a, other, b));
    assert_false(vlan_sets_share(pool, a, other, c));
    assert_true(vlan_sets_share(pool, a, other, VLAN_SET_TRUNK));
    assert_false(vlan_sets_share(pool, VLAN_SET_UNKNOWN, other, VLAN_SET_TRUNK));
    vlan_pool_free(other);
}

static void a_full_pool_says_unknown_and_keeps_what_it_has(void **state)
{
    (void)state;
    const uint32_t first_id = 5;
    vlan_set first = vlan_pool_add(pool, &first_id, 1);
    size_t count;
    const uint32_t *ids = vlan_pool_get(pool, first, &count);
    for (uint32_t i = 0; i < 70000; i++) {
        uint32_t id = 1000 + i;
        vlan_set set = vlan_pool_add(pool, &id, 1);
        assert_int_equal(set == VLAN_SET_UNKNOWN, i >= 65536 - 3);
    }
    assert_int_equal(vlan_pool_add(pool, &first_id, 1), first);
    assert_int_equal(ids[0], 5); /* lent before the pool grew */
    uint32_t too_big = 0x1000000;
    assert_int_equal(vlan_pool_add(pool, &too_big, 1), VLAN_SET_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sets_are_sorted_and_distinct, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_set_has_one_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_texts_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_list_longer_than_a_set_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sharing_knows_trunk_and_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_pool_says_unknown_and_keeps_what_it_has, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
