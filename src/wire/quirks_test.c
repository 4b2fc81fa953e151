/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/text.h"
#include "wire/quirks.h"

static struct quirk_table *table;

static int set_up(void **state)
{
    (void)state;
    table = quirk_table_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    quirk_table_free(table);
    return 0;
}

static void add(const char *text)
{
    struct err err = {0};
    if (quirk_table_add(table, "q.conf", text, strlen(text), &err) != 0)
        fail_msg("%s", err.text);
}

static struct quirk find(const char *object_id)
{
    struct oid oid;
    struct quirk quirk;
    assert_int_equal(oid_parse(object_id, strlen(object_id), &oid), 0);
    (void)quirk_table_find(table, &oid, &quirk);
    return quirk;
}

static void the_delivered_table_is_good(void **state)
{
    (void)state;
    size_t length;
    const char *text = quirks_delivered(&length);
    struct err err = {0};
    if (quirk_table_add(table, "etc/quirks.conf", text, length, &err) != 0)
        fail_msg("%s", err.text);
    struct quirk cisco = find("1.3.6.1.4.1.9.1.1208"), small = find("1.3.6.1.4.1.9.6.1.80");
    assert_true(cisco.contexts);
    assert_false(small.contexts);
    assert_int_equal(find("1.3.6.1.4.1.11863.5.72").offset, 49152);
    assert_int_equal(find("1.3.6.1.4.1.2636.1.1.1.2.31").tag_fdb.length, 0);
    assert_int_not_equal(find("1.3.6.1.4.1.2636.1.1.1.4.63.9").tag_fdb.length, 0);
}

static void a_longer_prefix_changes_what_it_says_only(void **state)
{
    (void)state;
    add("1.3.6.1.4.1.99.5 status=no\n"
        "1.3.6.1.4.1.99 status=yes order=ieee8021q,dot1q max_repetitions=7 # vendor\n"
        "\n# comment\n");
    struct quirk vendor = find("1.3.6.1.4.1.99.4"), model = find("1.3.6.1.4.1.99.5.1");
    assert_true(vendor.status);
    assert_false(model.status);
    assert_int_equal(model.max_repetitions, 7);
    assert_int_equal(model.order_count, 2);
    assert_int_equal(model.order[0], BRIDGE_IEEE8021Q);
    struct quirk other = find("1.3.6.1.4.1.999");
    assert_false(other.status);
    assert_int_equal(other.order_count, 3);
    assert_string_equal(other.context_prefix, "vlan-");
}

static void a_users_line_overrides_key_by_key(void **state)
{
    (void)state;
    add("1.3.6.1.4.1.99 vlan=fdb port=offset offset=-3\n");
    add("1.3.6.1.4.1.99 vlan=standard fdb=1.3.6.1.4.1.99.1.2 index=vlan,mac,rest\n");
    struct quirk quirk = find("1.3.6.1.4.1.99");
    assert_int_equal(quirk.vlan, QUIRK_VLAN_STANDARD);
    assert_int_equal(quirk.offset, -3);
    assert_int_equal(quirk.fdb.index[0], QUIRK_INDEX_VLAN);
    assert_int_equal(quirk.fdb.index[3], QUIRK_INDEX_END);
}

static void errors_name_file_line_and_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"\n1.3.6.x a=b\n", "q.conf:2: \"1.3.6.x\": expected the beginning of a sysObjectID"},
        {"1.3 colour=red", "q.conf:1: \"colour=red\": expected one of the keys"},
        {"1.3 status", "expected status=yes or no"},
        {"1.3 order=dot1q,foo", "expected order=names of tables"},
        {"1.3 order=", "expected order=names of tables"},
        {"1.3 max_repetitions=0", "a number from 1 to 65535"},
        {"1.3 max_repetitions=99999999999999999999", "a number from 1 to 65535"},
        {"1.3 offset=-", "a number of 32 bits"},
        {"1.3 index=mac,mac,mac,mac,mac,mac,mac,mac,mac,mac,mac", "elements joined by commas"},
        {"1.3 context_prefix=0123456789012345678901234567890123456789", "less than 32"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct err err = {0};
        assert_true(quirk_table_add(table, "q.conf", cases[i].text, strlen(cases[i].text), &err) <
                    0);
        if (strstr(err.text, cases[i].said) == NULL)
            fail_msg("said \"%s\", not \"%s\"", err.text, cases[i].said);
    }
    struct err err = {0};
    assert_int_equal(quirk_table_add(table, "q.conf", "1.3 \0 x", 7, &err), ERR_SYNTAX);
}

static void the_number_of_rules_is_bounded(void **state)
{
    (void)state;
    AUTO_TEXT struct text many = TEXT_EMPTY;
    for (int i = 0; i <= QUIRKS_MAX; i++)
        text_printf(&many, "1.3.%d status=yes\n", i);
    struct err err = {0};
    assert_int_equal(quirk_table_add(table, "q.conf", text_get(&many), many.length, &err),
                     ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_delivered_table_is_good, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_longer_prefix_changes_what_it_says_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_users_line_overrides_key_by_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_name_file_line_and_what_was_expected, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_number_of_rules_is_bounded, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
