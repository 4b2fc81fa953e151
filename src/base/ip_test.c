/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

static struct ip parsed(const char *text)
{
    struct ip ip = IP_NONE;
    assert_int_equal(ip_parse(text, strlen(text), &ip), 0);
    return ip;
}

static struct ip_prefix prefix_of(const char *text)
{
    struct ip_prefix prefix = {IP_NONE, 0};
    assert_int_equal(ip_prefix_parse(text, strlen(text), &prefix), 0);
    return prefix;
}

static void addresses_are_read_and_written(void **state)
{
    (void)state;
    char text[IP_TEXT_SIZE];
    struct ip v4 = parsed("192.0.2.1"), v6 = parsed("2001:DB8:0:0:0:0:0:1");
    assert_true(ip_is_v4(&v4));
    assert_false(ip_is_v4(&v6));
    assert_string_equal(ip_format(&v4, text), "192.0.2.1");
    assert_string_equal(ip_format(&v6, text), "2001:db8::1");
    struct ip mapped = parsed("::ffff:192.0.2.1");
    assert_true(ip_equal(&v4, &mapped));
    assert_true(ip_compare(&v4, &v6) < 0);
    assert_false(ip_known(&IP_NONE));
    assert_true(ip_known(&v6));
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "1.2.3", "1.2.3.4.5", "::1%lo", "2001:db8::/64", "192.0.2.1 ", "1::2::3", "hostname"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ip ip = IP_NONE;
        assert_int_equal(ip_parse(texts[i], strlen(texts[i]), &ip), ERR_SYNTAX);
        assert_false(ip_known(&ip));
    }
    struct ip ip;
    assert_int_equal(ip_parse("1.2.3.4\0", 8, &ip), ERR_SYNTAX);
}

static void prefixes_match_what_lies_in_them(void **state)
{
    (void)state;
    struct ip_prefix v4 = prefix_of("192.0.2.77/25"), v6 = prefix_of("2001:db8:1::9/61");
    char text[IP_PREFIX_TEXT_SIZE];
    assert_string_equal(ip_prefix_format(&v4, text), "192.0.2.0/25");
    assert_string_equal(ip_prefix_format(&v6, text), "2001:db8:1::/61");
    struct ip in = parsed("192.0.2.127"), out = parsed("192.0.2.128");
    assert_true(ip_prefix_match(&v4, &in));
    assert_false(ip_prefix_match(&v4, &out));
    in = parsed("2001:db8:1:7::1");
    out = parsed("2001:db8:1:8::1");
    assert_true(ip_prefix_match(&v6, &in));
    assert_false(ip_prefix_match(&v6, &out));
    struct ip_prefix all = prefix_of("::/0"), one = prefix_of("2001:db8::1");
    assert_true(ip_prefix_match(&all, &out));
    assert_int_equal(one.bits, 128);
    assert_string_equal(ip_prefix_format(&all, text), "::/0");
}

static void bad_prefixes_are_refused(void **state)
{
    (void)state;
    struct ip_prefix prefix;
    assert_int_equal(ip_prefix_parse("192.0.2.0/33", 12, &prefix), ERR_RANGE);
    assert_int_equal(ip_prefix_parse("2001:db8::/129", 14, &prefix), ERR_RANGE);
    assert_int_equal(ip_prefix_parse("192.0.2.0/", 10, &prefix), ERR_SYNTAX);
    assert_int_equal(ip_prefix_parse("192.0.2.0/-1", 12, &prefix), ERR_SYNTAX);
    assert_int_equal(ip_prefix_parse("/24", 3, &prefix), ERR_SYNTAX);
    assert_int_equal(ip_prefix_parse("", 0, &prefix), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(prefixes_match_what_lies_in_them),
        cmocka_unit_test(bad_prefixes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
