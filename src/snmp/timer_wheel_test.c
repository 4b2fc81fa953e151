/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/timer_wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "snmp/address.h"
#include "snmp/rto.h"

static struct mono at(int64_t ms)
{
    return (struct mono){INT64_C(77000000123) + ms * 1000};
}

static void fires_in_time(void **state)
{
    static struct timer_wheel wheel;
    static struct timer timers[2000];
    static int64_t due[2000];
    timer_wheel_init(&wheel, at(0));
    assert_true(timer_wheel_deadline(&wheel).us == INT64_MAX);
    srandom(3);
    for (size_t i = 0; i < ARRAY_COUNT(timers); i++) {
        due[i] = random() % 20000; /* several turns of the wheel */
        timer_set(&wheel, &timers[i], at(due[i]));
    }
    size_t fired = 0;
    for (int64_t now = 0; fired < ARRAY_COUNT(timers); now += 7) {
        assert_true(now < 20020);
        struct timer *timer;
        while ((timer = timer_wheel_next(&wheel, at(now))) != NULL) {
            int64_t late = now - due[timer - timers];
            assert_in_range(late, 0, 7 + TIMER_TICK_US / 1000 + 1);
            assert_false(timer_is_set(timer));
            fired++;
        }
    }
    assert_int_equal(wheel.count, 0);
    assert_true(timer_wheel_deadline(&wheel).us == INT64_MAX);
}

static void moves_and_clears(void **state)
{
    static struct timer_wheel wheel;
    struct timer a = {.kind = 1}, b = {.kind = 2};
    timer_wheel_init(&wheel, at(0));
    timer_set(&wheel, &a, at(10));
    timer_set(&wheel, &b, at(10));
    timer_set(&wheel, &a, at(500)); /* moved */
    timer_clear(&wheel, &b);
    timer_clear(&wheel, &b); /* and cleared twice */
    assert_null(timer_wheel_next(&wheel, at(100)));
    struct mono deadline = timer_wheel_deadline(&wheel);
    assert_true(deadline.us > at(499).us && deadline.us <= at(506).us);
    assert_null(timer_wheel_next(&wheel, at(499)));
    assert_ptr_equal(timer_wheel_next(&wheel, deadline), &a);
    /* Due in the past: fires with the next tick. */
    timer_set(&wheel, &b, at(1));
    assert_ptr_equal(timer_wheel_next(&wheel, at(520)), &b);
}

/* A wheel that slept for hours catches up without a turn for each tick. */
static void long_sleeps(void **state)
{
    static struct timer_wheel wheel;
    struct timer a = {.kind = 1};
    timer_wheel_init(&wheel, at(0));
    assert_null(timer_wheel_next(&wheel, at(INT64_C(3600) * 1000 * 24 * 365)));
    timer_set(&wheel, &a, at(INT64_C(3600) * 1000 * 24 * 365 + 50));
    assert_ptr_equal(timer_wheel_next(&wheel, at(INT64_C(3600) * 1000 * 24 * 365 + 60)), &a);
}

static void waits_follow_round_trips(void **state)
{
    struct rto rto = {0, 0, false};
    struct span first = span_seconds(1), floor = span_ms(30), cap = span_seconds(4);
    assert_int_equal(rto_wait(&rto, 1, first, floor, cap).us, 1000000);
    assert_int_equal(rto_wait(&rto, 2, first, floor, cap).us, 2000000);
    assert_int_equal(rto_wait(&rto, 10, first, floor, cap).us, 4000000);
    rto_sample(&rto, span_ms(100)); /* RFC 6298: SRTT R, RTTVAR R/2 */
    assert_int_equal(rto_wait(&rto, 1, first, floor, cap).us, 300000);
    for (int i = 0; i < 60; i++)
        rto_sample(&rto, span_ms(10));
    assert_in_range(rto_wait(&rto, 1, first, floor, cap).us, 30000, 31000);
    assert_in_range(rto_wait(&rto, 3, first, floor, cap).us, 120000, 124000);
    rto_sample(&rto, span_ms(400)); /* a slow spell shows at once */
    assert_true(rto_wait(&rto, 1, first, floor, cap).us > 400000);
    rto_sample(&rto, span_us(-5));
    rto_sample(&rto, span_seconds(1000000));
    assert_int_equal(rto_wait(&rto, 1, first, floor, cap).us, 4000000);
}

static void addresses(void **state)
{
    static const struct {
        const char *text, *expected;
    } good[] = {{"192.0.2.1", "192.0.2.1:161"},
                {"192.0.2.1:1161", "192.0.2.1:1161"},
                {"2001:db8::1", "[2001:db8::1]:161"},
                {"[2001:db8::1]", "[2001:db8::1]:161"},
                {"[::1]:65535", "[::1]:65535"}};
    static const char *const bad[] = {
        "",       "sw1",  "sw1:161",         "192.0.2.1:",  "192.0.2.1:x",     "[::1",
        "[::1]x", ":161", "192.0.2.1:70000", "192.0.2.1:0", "fe80::1%nosuch0", "1.2.3.4.5"};
    struct snmp_address address, other;
    struct err err;
    char text[SNMP_ADDRESS_TEXT_SIZE], host[64];
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_int_equal(snmp_address_parse(good[i].text, 161, &address, &err), 0);
        assert_string_equal(snmp_address_format(&address, text), good[i].expected);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        err.text[0] = '\0';
        assert_true(snmp_address_parse(bad[i], 161, &address, &err) < 0);
        assert_string_not_equal(err.text, "");
    }
    uint16_t port = 0;
    assert_int_equal(
        snmp_address_split("core-1.example:1161", 161, host, sizeof(host), &port, &err), 0);
    assert_string_equal(host, "core-1.example");
    assert_int_equal(port, 1161);
    assert_int_equal(snmp_address_parse("fe80::1%lo", 161, &address, &err), 0);
    assert_int_equal(snmp_address_parse("fe80::1", 161, &other, &err), 0);
    assert_true(snmp_address_equal(&address, &other));
    assert_int_equal(snmp_address_parse("fe80::2", 161, &other, &err), 0);
    assert_false(snmp_address_equal(&address, &other));
    assert_int_equal(snmp_address_parse("127.0.0.1", 161, &address, &err), 0);
    assert_int_equal(snmp_address_parse("127.0.0.1", 162, &other, &err), 0);
    assert_false(snmp_address_equal(&address, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_in_time), cmocka_unit_test(moves_and_clears),
        cmocka_unit_test(long_sleeps),   cmocka_unit_test(waits_follow_round_trips),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
