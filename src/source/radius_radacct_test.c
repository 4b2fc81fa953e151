/* SPDX-License-Identifier: Apache-2.0 */

/* The RADIUS source reading radacct: a shell script stands for the database's program. */

#include "source/radius_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct event_source_class *const class = &event_radius;

static void run_radacct(struct radius_bench *bench, const char *script)
{
    const char *const command[] = {"/bin/sh", "-c", script};
    const struct option_source where = {0};
    const struct config_option *option = options_find(class->plug.options, "radacct");
    struct err err;
    bool exposed;
    options_done(class->plug.options, bench->config);
    options_init(class->plug.options, bench->config);
    radius_bench_set(bench, "radacct_interval", "15ms");
    assert_int_equal(
        option_parse(option, "radacct", command, 3, &where, bench->config, &exposed, &err), 0);
    assert_int_equal(class->plug.construct(bench->state, bench->config, &bench->env, &err), 0);
    assert_int_equal(class->start(bench->state, bench->feed, &err), 0);
}

static void wait_polls(struct radius_bench *bench, uint64_t polls)
{
    while (radius_bench_counter(bench, "radacct_polls") < polls)
        loop_step(bench->env.loop);
}

static void radacct_rows_are_told_once(void **state)
{
    struct radius_bench *bench = *state;
    run_radacct(
        bench,
        "echo acctuniqueid,AcctSessionId,nasipaddress,nasportid,callingstationid,acctstarttime,"
        "acctupdatetime,acctstoptime,acctterminatecause;"
        "echo u1,s1,192.0.2.1,Gi0/1,52-54-00-11-22-33,1699999200,2023-11-14 22:10:00,,;"
        "echo u2,s2,192.0.2.1,Gi0/2,525400112234,2023-11-14 22:00:00,NULL,2023-11-14 22:05:00,"
        "Lost-Carrier;"
        "echo u3,s3,192.0.2.1,Gi0/3,telephone,2023-11-14 22:00:00,,,");
    feed_fake_map(bench->feed, "192.0.2.1", "sw1");
    wait_polls(bench, 3);
    assert_int_equal(feed_fake_count(bench->feed), 4);
    assert_int_equal(feed_fake_unflushed(bench->feed), 0);
    const struct event *events[4];
    for (size_t i = 0; i < 4; i++) {
        events[i] = feed_fake_event(bench->feed, i);
        assert_string_equal(events[i]->switch_name, "sw1");
        assert_int_equal(events[i]->proof, EVENT_PROOF_TOLD);
    }
    assert_int_equal(events[0]->kind, EVENT_START);
    assert_string_equal(events[0]->port, "Gi0/1");
    assert_int_equal(events[0]->at.us, INT64_C(1699999200000000));
    assert_int_equal(events[1]->kind, EVENT_UPDATE);
    assert_string_equal(events[1]->session, "s1");
    assert_int_equal(events[2]->kind, EVENT_START);
    assert_int_equal(events[3]->kind, EVENT_STOP);
    assert_int_equal(events[3]->at.us, INT64_C(1699999500000000));
    assert_string_equal(events[3]->cause, "Lost-Carrier");
    assert_true(radius_bench_counter(bench, "radacct_bad_rows") >= 1);
    assert_string_equal(feed_fake_failure(bench->feed), "");
}

/* Asks from where the rows before ended, less the overlap; refused events come again. */
static void radacct_goes_on_where_it_was(void **state)
{
    struct radius_bench *bench = *state;
    run_radacct(bench,
                "echo callingstationid,acctstarttime,acctsessionid;"
                "[ '{since}' = '2023-11-13 22:13:20' ] && echo 525400112233,2023-11-14T22:00:00Z,a;"
                "[ '{since_epoch}' = 1699999080 ] && echo 525400112233,2023-11-14T22:00:00Z,b; :");
    feed_fake_refuse_after(bench->feed, 0);
    wait_polls(bench, 3);
    assert_int_equal(feed_fake_count(bench->feed), 0);
    feed_fake_refuse_after(bench->feed, SIZE_MAX);
    wait_polls(bench, 6);
    assert_int_equal(feed_fake_count(bench->feed), 2);
    assert_string_equal(feed_fake_event(bench->feed, 1)->session, "b");
}

static void radacct_failures_are_told(void **state)
{
    struct radius_bench *bench = *state;
    run_radacct(bench, "echo could not connect >&2; exit 3");
    wait_polls(bench, 2);
    assert_non_null(strstr(feed_fake_failure(bench->feed), "could not connect"));
    assert_true(radius_bench_counter(bench, "radacct_failures") >= 1);
}

static void radacct_nonsense_is_told(void **state)
{
    struct radius_bench *bench = *state;
    run_radacct(bench, "echo username,session; echo a,b");
    wait_polls(bench, 2);
    assert_non_null(strstr(feed_fake_failure(bench->feed), "callingstationid"));
}

#define ON_BENCH(test)                                                                             \
    cmocka_unit_test_setup_teardown(test, radius_bench_setup, radius_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(radacct_rows_are_told_once),
        ON_BENCH(radacct_goes_on_where_it_was),
        ON_BENCH(radacct_failures_are_told),
        ON_BENCH(radacct_nonsense_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
