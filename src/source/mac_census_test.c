/* SPDX-License-Identifier: Apache-2.0 */
#include "source/mac_census.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "source/fair_rate.h"

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

enum { VLANS = 4094, OF_A_VLAN = 8, MINUTE = 60 };

/* Returns how many of OF_A_VLAN invented addresses in each VLAN but `spared` were told. */
static uint64_t flood_vlans(unsigned second, unsigned spared)
{
    static uint64_t invented = 0x020000000000;
    uint64_t told = 0;
    for (unsigned n = 0; n < OF_A_VLAN; n++) {
        for (uint16_t vlan = 1; vlan <= VLANS; vlan++)
            told += vlan % FAIR_LANES != spared && hear(invented++, vlan, second) == CENSUS_NEW;
    }
    return told;
}

/* VLANs are invented as easily as addresses: together they stay below the limit, and a
 * VLAN whose lane they leave alone, or that shares it with them, is heard. */
static void invented_vlans_have_a_limit_together(void **state)
{
    (void)state;
    enum { SPARED = 5, SHARED = 6 };
    uint64_t told = 0, shared = 0;
    for (unsigned second = 1; second <= MINUTE; second++) {
        shared += hear(0x525400020000 + second, SHARED, second) == CENSUS_NEW;
        uint64_t now = flood_vlans(second, SPARED);
        assert_true(now >= LIMIT_CENSUS_NEWS / 2 - OF_A_VLAN);
        told += now;
        for (uint64_t guest = 1; guest <= second; guest++)
            assert_int_equal(hear(0x525400010000 + guest, SPARED, second),
                             guest < second ? CENSUS_KNOWN : CENSUS_NEW);
    }
    const struct census_counters *counters = mac_census_counters(census);
    assert_int_equal(shared, MINUTE);
    assert_true(told + MINUTE * 2 <= LIMIT_CENSUS_BURST + MINUTE * LIMIT_CENSUS_NEWS);
    assert_true(counters->over_all > 0);
    assert_int_equal(told + counters->over_all + counters->silenced,
                     (uint64_t)MINUTE * OF_A_VLAN * (VLANS - 16));
    assert_int_equal(counters->evicted, 0);
}

/* One flooding VLAN may have its rate and no more, so others find the store filled. */
static void one_vlan_does_not_use_up_the_common_store(void **state)
{
    (void)state;
    enum { GUESTS = 400 };
    for (unsigned second = 1; second <= MINUTE; second++) {
        for (uint64_t n = 0; n < 10 * RATE; n++)
            hear(0x020000000000 + second * 10 * RATE + n, 77, second);
    }
    for (uint64_t guest = 0; guest < GUESTS; guest++)
        assert_int_equal(hear(0x525400000000 + guest, 78, MINUTE), CENSUS_NEW);
    assert_int_equal(mac_census_counters(census)->over_all, 0);
}

/* Invented addresses that keep talking are not told again without end either. */
static void what_is_told_again_has_a_limit_too(void **state)
{
    (void)state;
    mac_census_free(census);
    census = mac_census_new(span_seconds(1), UINT32_MAX);
    enum { ADDRESSES = 16000 };
    uint64_t news = 0, again = 0, known = 0;
    for (unsigned second = 1; second <= MINUTE; second++) {
        for (uint64_t n = 0; n < ADDRESSES; n++) {
            enum census_verdict verdict = hear(0x020000000000 + n, (uint16_t)(n % VLANS), second);
            news += verdict == CENSUS_NEW; /* where too many met in one set, more than once */
            again += verdict == CENSUS_AGAIN;
            known += verdict == CENSUS_KNOWN;
        }
    }
    const struct census_counters *counters = mac_census_counters(census);
    assert_true(again <= LIMIT_CENSUS_BURST + MINUTE * LIMIT_CENSUS_AGAIN);
    assert_true(again >= (MINUTE - 1) * LIMIT_CENSUS_AGAIN / 2);
    assert_int_equal(news + again + known + counters->put_off, (uint64_t)MINUTE * ADDRESSES);
}

/* A clock that jumps fills up no more than the store holds, one that is set back nothing. */
static void a_clock_that_jumps_gives_nothing_away(void **state)
{
    (void)state;
    const unsigned seconds[] = {10, 2000000000, 20, 20};
    uint64_t told = 0;
    for (size_t i = 0; i < 4; i++)
        told += flood_vlans(seconds[i], FAIR_LANES);
    assert_true(told <= 2 * LIMIT_CENSUS_BURST + 4 * LIMIT_CENSUS_NEWS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_address_is_news_once_and_then_now_and_then),
        TEST(what_was_not_told_is_news_again),
        TEST(a_flood_is_counted_and_displaces_nobody),
        TEST(invented_vlans_have_a_limit_together),
        TEST(one_vlan_does_not_use_up_the_common_store),
        TEST(what_is_told_again_has_a_limit_too),
        TEST(a_clock_that_jumps_gives_nothing_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
