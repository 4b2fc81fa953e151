/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct span minute = {60 * INT64_C(1000000)};

static void test_phases_are_stable_and_spread_out(void **unused)
{
    enum { SWITCHES = 1000, TENTHS = 10 };
    unsigned in_tenth[TENTHS] = {0};
    for (int i = 0; i < SWITCHES; i++) {
        char name[16];
        snprintf(name, sizeof name, "sw%d", i);
        struct span phase = schedule_phase(name, minute, 75);
        assert_int_equal(phase.us, schedule_phase(name, minute, 75).us);
        assert_in_range(phase.us, 0, 45 * 1000000 - 1);
        in_tenth[phase.us / (4500 * 1000)]++;
    }
    for (int i = 0; i < TENTHS; i++)
        assert_in_range(in_tenth[i], 60, 140);
    assert_int_equal(schedule_phase("sw1", minute, 0).us, 0);
    /* The phase survives a restart on another day with another version. */
    assert_int_equal(schedule_phase("sw1", minute, 75).us, 2701767);
}

static void test_the_next_instant_is_on_the_grid(void **unused)
{
    struct mono origin = {1000};
    struct span phase = span_seconds(5);
    assert_int_equal(schedule_next(origin, minute, phase, origin).us, 5001000);
    assert_int_equal(schedule_next(origin, minute, phase, (struct mono){5001000}).us, 65001000);
    assert_int_equal(schedule_next(origin, minute, phase, (struct mono){5000999}).us, 5001000);
    /* Ten missed ones are left out. */
    assert_int_equal(schedule_next(origin, minute, phase, (struct mono){615001000}).us,
                     1000 + 5000000 + 11 * minute.us);
    assert_int_equal(schedule_next(origin, minute, phase, (struct mono){0}).us, 5001000);
}

static void test_the_rest_after_a_failure_doubles_and_is_bounded(void **unused)
{
    int64_t before = 0;
    for (unsigned failures = 1; failures <= 5; failures++) {
        int64_t rest = schedule_backoff("radius", span_seconds(5), span_seconds(300), failures).us;
        assert_true(rest > before);
        assert_in_range(rest, (INT64_C(5000000) << (failures - 1)) * 3 / 4,
                        INT64_C(5000000) << (failures - 1));
        before = rest;
    }
    int64_t most = schedule_backoff("radius", span_seconds(5), span_seconds(300), 4000000000u).us;
    assert_in_range(most, 225000000, 300000000);
    assert_in_range(schedule_backoff("x", span_seconds(3600), span_seconds(300), 9).us, 2700000000,
                    3600000000);
}

static void test_a_bucket_lets_a_burst_through_and_then_a_rate(void **unused)
{
    struct bucket bucket = bucket_of(span_seconds(1), 3);
    struct mono now = {50000000};
    for (int i = 0; i < 3; i++)
        assert_int_equal(bucket_take(&bucket, now).us, 0);
    assert_int_equal(bucket_take(&bucket, now).us, 1000000);
    now.us += 400000;
    assert_int_equal(bucket_take(&bucket, now).us, 600000);
    now.us += 600000;
    assert_int_equal(bucket_take(&bucket, now).us, 0);
    assert_int_equal(bucket_take(&bucket, now).us, 1000000);
    now.us += 3600 * INT64_C(1000000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(bucket_take(&bucket, now).us, 0);
    assert_true(bucket_take(&bucket, now).us > 0);
}

static void test_a_rest_ends_at_its_instant_whoever_asks(void **unused)
{
    struct pace pace = {0};
    struct mono begun = {70000000}, now = {70000100};
    assert_int_equal(pace_wait(&pace, span_us(0), begun).us, 0);
    pace_rest(&pace, begun, now);
    for (int64_t passed = 0; passed < 1000; passed += 200) {
        struct mono asked = {now.us + passed};
        assert_int_equal(pace_wait(&pace, span_us(0), asked).us, 1000 - passed);
        assert_int_equal(pace_wait(&pace, span_us(-500), asked).us, 1000 - passed);
        assert_int_equal(pace_wait(&pace, span_seconds(3), asked).us, 3000000);
    }
    assert_true(pace_wait(&pace, span_us(0), (struct mono){now.us + 1000}).us <= 0);
}

static void test_a_slice_that_took_long_rests_longer_and_not_for_ever(void **unused)
{
    struct pace pace = {0};
    struct mono begun = {70000000}, now = {70002500};
    pace_rest(&pace, begun, now);
    assert_int_equal(pace_wait(&pace, span_us(0), now).us, 10000);
    now.us = begun.us + 3600 * INT64_C(1000000); /* it was stopped */
    pace_rest(&pace, begun, now);
    assert_int_equal(pace_wait(&pace, span_us(0), now).us, 20000);
    pace_rest(&pace, begun, (struct mono){INT64_MAX / 4});
    assert_int_equal(pace_wait(&pace, span_us(0), (struct mono){INT64_MAX / 4}).us, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phases_are_stable_and_spread_out),
        cmocka_unit_test(test_the_next_instant_is_on_the_grid),
        cmocka_unit_test(test_the_rest_after_a_failure_doubles_and_is_bounded),
        cmocka_unit_test(test_a_rest_ends_at_its_instant_whoever_asks),
        cmocka_unit_test(test_a_slice_that_took_long_rests_longer_and_not_for_ever),
        cmocka_unit_test(test_a_bucket_lets_a_burst_through_and_then_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
