/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mac_census.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"

enum { RATE = 500 };

static struct mac_census *census;

static int set_up(void **state)
{
    (void)state;
    census = mac_census_new(span_seconds(60), RATE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mac_census_free(census);
    return 0;
}

static enum census_verdict hear(uint64_t mac, uint16_t vlan, double seconds)
{
    struct wall at = {(int64_t)((1700000000.0 + seconds) * 1e6)};
    enum census_verdict verdict = mac_census_hear(census, (struct mac){mac}, vlan, at);
    if (verdict == CENSUS_NEW || verdict == CENSUS_AGAIN)
        mac_census_told(census);
    return verdict;
}

static void an_address_is_news_once_and_then_now_and_then(void **state)
{
    (void)state;
    assert_int_equal(hear(5, 10, 0), CENSUS_NEW);
    assert_int_equal(hear(5, 10, 0), CENSUS_KNOWN);
    assert_int_equal(hear(5, 10, 59), CENSUS_KNOWN);
    assert_int_equal(hear(5, 10, 61), CENSUS_AGAIN);
    assert_int_equal(hear(5, 10, 62), CENSUS_KNOWN);
    assert_int_equal(hear(5, 11, 62), CENSUS_NEW);   /* another VLAN */
    assert_int_equal(hear(5, 10, 30), CENSUS_KNOWN); /* a clock that went back */
    assert_int_equal(mac_census_counters(census)->known, 2);
}

static void what_was_not_told_is_news_again(void **state)
{
    (void)state;
    struct wall at = {INT64_C(1700000000000000)};
    for (int i = 0; i < 3; i++)
        assert_int_equal(mac_census_hear(census, (struct mac){7}, 0, at), CENSUS_NEW);
    mac_census_told(census);
    assert_int_equal(mac_census_hear(census, (struct mac){7}, 0, at), CENSUS_KNOWN);
}

/* Invented addresses by the million: neither those who talk nor other VLANs lose. */
static void a_flood_is_counted_and_displaces_nobody(void **state)
{
    (void)state;
    enum { GUESTS = 2000, SECONDS = 400, FLOOD = 2000 };
    for (unsigned second = 0; second < 10; second++) {
        for (uint64_t guest = 1; guest <= GUESTS; guest++)
            hear(0x525400000000 + guest, (uint16_t)(1 + guest % 10), second);
    }
    uint64_t told = 0;
    for (unsigned second = 10; second < SECONDS; second++) {
        for (uint64_t n = 0; n < FLOOD; n++)
            told += hear(0x020000000000 + second * FLOOD + n, 77, second) == CENSUS_NEW;
        if (second % 50 == 0)
            assert_int_equal(hear(0x525400010000 + second, 3, second), CENSUS_NEW);
    }
    const struct census_counters *counters = mac_census_counters(census);
    assert_int_equal(told, (uint64_t)(SECONDS - 10) * RATE);
    assert_int_equal(counters->silenced, (uint64_t)(SECONDS - 10) * (FLOOD - RATE));
    assert_true(counters->known <= LIMIT_CENSUS_MACS);
    for (uint64_t guest = 1; guest <= GUESTS; guest++)
        assert_int_equal(hear(0x525400000000 + guest, (uint16_t)(1 + guest % 10), SECONDS),
                         CENSUS_AGAIN);
    assert_int_equal(counters->evicted, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_address_is_news_once_and_then_now_and_then),
        TEST(what_was_not_told_is_news_again),
        TEST(a_flood_is_counted_and_displaces_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
