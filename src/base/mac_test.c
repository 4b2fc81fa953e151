/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static const struct mac sample = {UINT64_C(0x0010a42319c0)};

static void test_every_spelling_is_one_address(void **state)
{
    static const char *const spellings[] = {
        "00:10:a4:23:19:c0", "00-10-A4-23-19-C0", "00 10 a4 23 19 c0", "0:10:a4:23:19:c0",
        "0-10-A4-23-19-c0",  "0010.a423.19c0",    "0010.A423.19C0",    "0010a4-2319c0",
        "0010a42319c0",      "0010A42319C0",      "0010a4:2319c0",     "0010-a423-19c0",
    };
    for (size_t i = 0; i < ARRAY_COUNT(spellings); i++) {
        struct mac mac = MAC_NONE;
        if (mac_parse(spellings[i], strlen(spellings[i]), &mac) != 0)
            fail_msg("%s was refused", spellings[i]);
        assert_true(mac_equal(mac, sample));
    }
}

static void test_one_digit_octets(void **state)
{
    struct mac mac;
    assert_int_equal(mac_parse("0:1:2:3:4:f", 11, &mac), 0);
    assert_true(mac.bits == UINT64_C(0x00010203040f));
    assert_int_equal(mac_parse("52:54:0:1:2:3", 13, &mac), 0);
    assert_true(mac.bits == UINT64_C(0x525400010203));
}

static void test_what_is_no_address_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "00:10:a4:23:19",          /* five octets */
        "00:10:a4:23:19:c0:01",    /* seven */
        "00:10:a4:23:19:cg",       /* not hex */
        "00:10-a4:23:19:c0",       /* mixed separators */
        "00:10:a4:23:19:c0 ",      /* more behind it */
        " 00:10:a4:23:19:c0",      /* more before it */
        "00::a4:23:19:c0",         /* empty octet */
        ":10:a4:23:19:c0",         /* empty first octet */
        "00:10:a4:23:19:",         /* empty last octet */
        "000:10:a4:23:19:c",       /* three digits */
        "0010.a42.319c0",          /* uneven groups */
        "0010a423.19c0",           /* two groups that are not halves */
        "192.168.100.1",           /* an IPv4 address as Calling-Station-Id */
        "+49 89 1234567",          /* a telephone number */
        "2001:db8::1",             /* an IPv6 address */
        "00:10:a4:23:19:c0:guest", /* RFC 3580's Called-Station-Id form */
        "0010a42319c",             /* eleven digits */
        "0010a42319c00",           /* thirteen */
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct mac mac = sample;
        if (mac_parse(wrong[i], strlen(wrong[i]), &mac) != ERR_SYNTAX)
            fail_msg("%s was taken", wrong[i]);
        assert_true(mac_equal(mac, sample));
    }
    struct mac mac = sample;
    assert_int_equal(mac_parse("00:10:a4:23:19:c0\0", 18, &mac), ERR_SYNTAX);
    assert_int_equal(mac_parse("00:10:a4:23\0:19:c", 17, &mac), ERR_SYNTAX);
}

static void test_format_and_octets_are_inverse(void **state)
{
    char text[MAC_TEXT_SIZE];
    uint8_t octets[6];
    assert_string_equal(mac_format(sample, text), "00:10:a4:23:19:c0");
    assert_string_equal(mac_format(MAC_NONE, text), "none");
    mac_to_octets(sample, octets);
    assert_memory_equal(octets, "\x00\x10\xa4\x23\x19\xc0", 6);
    assert_true(mac_equal(mac_from_octets(octets), sample));
    assert_false(mac_known(MAC_NONE));
    assert_true(mac_known((struct mac){UINT64_C(0xffffffffffff)}));
}

static struct mac parsed(const char *text)
{
    struct mac mac = MAC_NONE;
    assert_int_equal(mac_parse(text, strlen(text), &mac), 0);
    return mac;
}

static void test_shared_addresses_are_no_stations(void **state)
{
    static const char *const shared[] = {
        "00:00:5e:00:01:0a", /* VRRP */
        "00:00:5e:00:02:ff", /* VRRP for IPv6 */
        "00:00:0c:07:ac:01", /* HSRP */
        "00:00:0c:9f:f1:23", /* HSRP version 2 */
        "00:05:73:a0:01:23", /* HSRP for IPv6 */
        "00:07:b4:00:01:02", /* GLBP */
        "02:bf:0a:00:00:01", /* NLB */
        "03:bf:0a:00:00:01",
    };
    for (size_t i = 0; i < ARRAY_COUNT(shared); i++) {
        assert_true(mac_is_virtual_router(parsed(shared[i])));
        assert_false(mac_is_station(parsed(shared[i])));
    }
    static const char *const beside[] = {"00:00:5e:00:03:0a", "00:00:0c:07:ad:01",
                                         "00:00:0c:9f:e1:23", "00:05:73:a0:10:23",
                                         "00:07:b5:00:01:02", "02:be:0a:00:00:01"};
    for (size_t i = 0; i < ARRAY_COUNT(beside); i++)
        assert_true(mac_is_station(parsed(beside[i])));
    assert_false(mac_is_station(parsed("01:00:5e:00:00:01")));
    assert_false(mac_is_station(parsed("ff:ff:ff:ff:ff:ff")));
    assert_false(mac_is_station(parsed("00:00:00:00:00:00")));
    assert_false(mac_is_station(MAC_NONE));
}

static void test_tap_addresses(void **state)
{
    assert_true(mac_is_tap(parsed("fe:54:00:11:22:33")));
    assert_true(mac_is_tap(parsed("fe:ff:ff:ff:ff:ff")));
    assert_false(mac_is_tap(parsed("52:54:00:11:22:33")));
    assert_false(mac_is_tap(MAC_NONE));
}

static void test_prefixes_match_whole_octets(void **state)
{
    static const char *const spellings[] = {"52:54:00", "52-54-00", "5254.00", "525400",
                                            "52:54:00:"};
    for (size_t i = 0; i < ARRAY_COUNT(spellings); i++) {
        struct mac_prefix prefix;
        assert_int_equal(mac_prefix_parse(spellings[i], strlen(spellings[i]), &prefix), 0);
        assert_true(mac_prefix_match(prefix, parsed("52:54:00:11:22:33")));
        assert_false(mac_prefix_match(prefix, parsed("52:54:01:11:22:33")));
        assert_false(mac_prefix_match(prefix, MAC_NONE));
    }
    struct mac_prefix whole;
    assert_int_equal(mac_prefix_parse("52:54:00:11:22:33", 17, &whole), 0);
    assert_true(mac_prefix_match(whole, parsed("52:54:00:11:22:33")));
    assert_false(mac_prefix_match(whole, parsed("52:54:00:11:22:34")));
    static const char *const wrong[] = {
        "", ":", "5", "52:5", "5:2:5:4", ":52", "52::54", "52:zz", "52:54:00:11:22:33:44"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        assert_int_equal(mac_prefix_parse(wrong[i], strlen(wrong[i]), &whole), ERR_SYNTAX);
}

static bool is_guest(const char *text)
{
    size_t count;
    const struct mac_prefix *prefixes = mac_guest_prefixes(&count);
    for (size_t i = 0; i < count; i++) {
        if (mac_prefix_match(prefixes[i], parsed(text)))
            return true;
    }
    return false;
}

static void test_guest_prefixes_as_delivered(void **state)
{
    static const char *const guests[] = {
        "52:54:00:00:00:01", "54:52:00:00:00:01", "00:50:56:80:00:01", "00:0c:29:00:00:01",
        "00:05:69:00:00:01", "00:1c:14:00:00:01", "bc:24:11:00:00:01", "fa:16:3e:00:00:01",
        "50:6b:8d:00:00:01", "58:9c:fc:00:00:01", "00:16:3e:00:00:01", "00:15:5d:00:00:01",
        "08:00:27:00:00:01", "0a:00:27:00:00:01", "00:1a:4a:00:00:01", "56:6f:00:00:00:01",
        "02:42:ac:11:00:02", "00:1c:42:00:00:01",
    };
    for (size_t i = 0; i < ARRAY_COUNT(guests); i++)
        assert_true(is_guest(guests[i]));
    assert_false(is_guest("00:10:a4:23:19:c0"));
    assert_false(is_guest("fe:54:00:11:22:33"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_spelling_is_one_address),
        cmocka_unit_test(test_one_digit_octets),
        cmocka_unit_test(test_what_is_no_address_is_refused),
        cmocka_unit_test(test_format_and_octets_are_inverse),
        cmocka_unit_test(test_shared_addresses_are_no_stations),
        cmocka_unit_test(test_tap_addresses),
        cmocka_unit_test(test_prefixes_match_whole_octets),
        cmocka_unit_test(test_guest_prefixes_as_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
