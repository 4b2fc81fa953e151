/* SPDX-License-Identifier: Apache-2.0 */
#include "source/trap_rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ip address_of(uint32_t number)
{
    const uint8_t octets[] = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    return ip_from_v4(octets);
}

static struct mono seconds(double s)
{
    return (struct mono){(int64_t)(s * 1e6)};
}

/* Returns how many of `count` at once pass. */
static unsigned pass(struct trap_rate *rate, uint32_t from, bool stranger, unsigned count,
                     struct mono now)
{
    struct ip ip = address_of(from);
    unsigned passed = 0;
    for (unsigned i = 0; i < count; i++)
        passed += trap_rate_take(rate, &ip, stranger, now) != TRAP_DROP;
    return passed;
}

static const struct trap_rate_settings settings = {.each = 10, .burst = 50, .strangers = 100};

static void burst_then_rate(void **state)
{
    struct trap_rate *rate = trap_rate_new(&settings);
    assert_int_equal(pass(rate, 1, false, 1000, seconds(1)), 50);
    assert_int_equal(pass(rate, 1, false, 1000, seconds(2)), 10);
    assert_int_equal(pass(rate, 1, false, 1000, seconds(2.5)), 5);
    assert_int_equal(pass(rate, 1, false, 1000, seconds(10000)), 50);
    trap_rate_free(rate);
}

static void one_storm_others_speak(void **state)
{
    struct trap_rate *rate = trap_rate_new(&settings);
    assert_int_equal(pass(rate, 1, false, 100000, seconds(1)), 50);
    /* Another place, but for the one in 4096 that is shared. */
    unsigned heard = 0;
    for (uint32_t i = 2; i < 102; i++)
        heard += pass(rate, i, false, 1, seconds(1));
    assert_true(heard >= 95);
    trap_rate_free(rate);
}

static void strangers_together(void **state)
{
    struct trap_rate *rate = trap_rate_new(&settings);
    unsigned passed = 0;
    for (uint32_t i = 0; i < 100000; i++)
        passed += pass(rate, i, true, 1, seconds(1));
    assert_int_equal(passed, 100);
    assert_int_equal(pass(rate, 1, false, 1, seconds(1)), 1);
    trap_rate_free(rate);
}

/* What was lost is told once, by the next that passes. */
static void loss_is_told(void **state)
{
    struct trap_rate *rate = trap_rate_new(&settings);
    struct ip ip = address_of(1);
    pass(rate, 1, false, 51, seconds(1));
    assert_int_equal(trap_rate_take(rate, &ip, false, seconds(2)), TRAP_PASS_AFTER_LOSS);
    assert_int_equal(trap_rate_take(rate, &ip, false, seconds(2)), TRAP_PASS);
    pass(rate, 1, false, 1000, seconds(2));
    assert_int_equal(trap_rate_take(rate, &ip, false, seconds(3)), TRAP_PASS);
    assert_int_equal(trap_rate_take(rate, &ip, false, seconds(12.5)), TRAP_PASS_AFTER_LOSS);
    trap_rate_free(rate);
}

static void many_changes_cost(void **state)
{
    struct trap_rate *rate = trap_rate_new(&settings);
    struct ip ip = address_of(1);
    assert_int_equal(pass(rate, 1, false, 1, seconds(1)), 1);
    trap_rate_owe(rate, &ip, false, UINT32_MAX);
    assert_int_equal(pass(rate, 1, false, 1, seconds(20)), 0);
    /* The debt has an end: four bursts. */
    assert_int_equal(pass(rate, 1, false, 1, seconds(21.2)), 1);
    trap_rate_free(rate);
}

static void clock_stands_still(void **state)
{
    struct trap_rate *rate = trap_rate_new(&settings);
    assert_int_equal(pass(rate, 1, false, 50, seconds(5)), 50);
    assert_int_equal(pass(rate, 1, false, 50, seconds(4)), 0);
    trap_rate_free(rate);
    trap_rate_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst_then_rate),    cmocka_unit_test(one_storm_others_speak),
        cmocka_unit_test(strangers_together), cmocka_unit_test(loss_is_told),
        cmocka_unit_test(many_changes_cost),  cmocka_unit_test(clock_stands_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
