/* SPDX-License-Identifier: Apache-2.0 */

/* The RADIUS source reading radacct: a shell script stands for the database's program; and what
 * configurations of it are refused. */

#include "source/radius_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct event_source_class *const class = &event_radius;

static void run_radacct_with(struct radius_bench *bench, const char *script, const char *ports)
{
    const char *const command[] = {"/bin/sh", "-c", script};
    const struct option_source where = {0};
    const struct config_option *option = options_find(class->plug.options, "radacct");
    struct err err;
    bool exposed;
    options_done(class->plug.options, bench->config);
    options_init(class->plug.options, bench->config);
    radius_bench_set(bench, "radacct_interval", "15ms");
    radius_bench_set(bench, "ports", ports);
    assert_int_equal(
        option_parse(option, "radacct", command, 3, &where, bench->config, &exposed, &err), 0);
    assert_int_equal(class->plug.construct(bench->state, bench->config, &bench->env, &err), 0);
    assert_int_equal(class->start(bench->state, bench->feed, &err), 0);
}

static void run_radacct(struct radius_bench *bench, const char *script)
{
    run_radacct_with(bench, script, "auto");
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
                "[ '{since_epoch}' = 1699998900 ] && echo 525400112233,2023-11-14T22:00:00Z,b; :");
    feed_fake_refuse_after(bench->feed, 0);
    wait_polls(bench, 3);
    assert_int_equal(feed_fake_count(bench->feed), 0);
    feed_fake_refuse_after(bench->feed, SIZE_MAX);
    wait_polls(bench, 6);
    assert_int_equal(feed_fake_count(bench->feed), 2);
    assert_string_equal(feed_fake_event(bench->feed, 1)->session, "b");
}

/* FreeRADIUS writes the switches' own times: one whose clock is ahead must not hide what all others
 * say from then on. */
static void a_clock_that_is_ahead_hides_nobody(void **state)
{
    struct radius_bench *bench = *state;
    run_radacct(bench, "echo callingstationid,acctstarttime,acctsessionid;"
                       "echo 525400112233,2036-01-01T00:00:00Z,ahead;"
                       "echo 525400112234,1970-01-01T00:05:00Z,never set;"
                       "[ '{since_epoch}' = 1699999700 ] && "
                       "echo 525400112235,2023-11-14T22:13:00Z,right; :");
    while (feed_fake_count(bench->feed) < 3)
        loop_step(bench->env.loop);
    assert_string_equal(feed_fake_event(bench->feed, 0)->session, "ahead");
    assert_int_equal(feed_fake_event(bench->feed, 0)->at.us, RADIUS_BENCH_SECONDS * 1000000);
    assert_int_equal(feed_fake_event(bench->feed, 1)->at.us, RADIUS_BENCH_SECONDS * 1000000);
    assert_string_equal(feed_fake_event(bench->feed, 2)->session, "right");
    assert_true(radius_bench_counter(bench, "radacct_wrong_times") >= 2);
    wait_polls(bench, radius_bench_counter(bench, "radacct_polls") + 2);
    assert_int_equal(feed_fake_count(bench->feed), 3);
}

/* Times and names as databases and people write them. */
static void radacct_is_read_as_it_is_printed(void **state)
{
    struct radius_bench *bench = *state;
    run_radacct(bench, "echo CallingStationId,AcctStartTime,username;"
                       "echo 525400112233,2023-11-14 22:00:00+00,a;"
                       "echo 525400112234,2023-11-15 03:30:00.5+05:30,b;"
                       "echo 525400112235,1699999200.500000,c;"
                       "printf '525400112236,1699999200,Zo\\353 \\303\\266\\n';"
                       "printf '525400112237,1699999200,\\303\\266'");
    wait_polls(bench, 2);
    assert_string_equal(feed_fake_failure(bench->feed), "");
    assert_int_equal(feed_fake_count(bench->feed), 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(feed_fake_event(bench->feed, i)->at.us / 1000000, 1699999200);
    assert_string_equal(feed_fake_event(bench->feed, 3)->node, "Zo? ??");
    assert_string_equal(feed_fake_event(bench->feed, 4)->node, "\303\266");
}

/* A port is the same on every way: the column has NAS-Port where there is no NAS-Port-Id. */
static void radacct_numbers_are_nas_ports(void **state)
{
    struct radius_bench *bench = *state;
    const char *const rows = "echo callingstationid,acctstarttime,acctsessionid,nasportid;"
                             "echo 525400112233,1699999200,a,50112;"
                             "echo 525400112233,1699999200,b,Gi0/7;"
                             "echo 525400112233,1699999200,c,0;"
                             "echo 525400112233,1699999200,d,99999999999";
    run_radacct(bench, rows);
    wait_polls(bench, 2);
    assert_string_equal(feed_fake_event(bench->feed, 0)->port, "#50112");
    assert_string_equal(feed_fake_event(bench->feed, 1)->port, "Gi0/7");
    assert_string_equal(feed_fake_event(bench->feed, 2)->port, "");
    assert_string_equal(feed_fake_event(bench->feed, 3)->port, "99999999999");
    class->stop(bench->state);
    class->plug.destruct(bench->state);
    memset(bench->state, 0, class->plug.state_size);
    feed_fake_clear(bench->feed);
    run_radacct_with(bench, rows, "Gi{n/100%10}/0/{n%100}");
    wait_polls(bench, 2);
    assert_string_equal(feed_fake_event(bench->feed, 0)->port, "Gi1/0/12");
}

/* A table of a million rows must not drive out those who cannot wait. */
static void a_large_table_waits_for_the_judge(void **state)
{
    struct radius_bench *bench = *state;
    enum { ROWS = 20000 };
    run_radacct(bench, "echo callingstationid,acctstarttime,acctsessionid;"
                       "seq -f 525400112233,1699999200,%.0f 20000; sleep 0.05");
    feed_fake_wait(bench->feed, 1000000);
    while (feed_fake_count(bench->feed) == 0)
        loop_step(bench->env.loop);
    for (int i = 0; i < 20; i++)
        loop_step(bench->env.loop);
    assert_true(feed_fake_count(bench->feed) < 50);
    feed_fake_wait(bench->feed, 0);
    while (feed_fake_count(bench->feed) < ROWS)
        loop_step(bench->env.loop);
    assert_int_equal(feed_fake_unflushed(bench->feed), 0);
    wait_polls(bench, 2);
    assert_int_equal(feed_fake_count(bench->feed), ROWS);
    assert_int_equal(radius_bench_counter(bench, "radacct_failures"), 0);
    assert_int_equal(radius_bench_counter(bench, "radacct_not_taken"), 0);
}

/* What never came to the disk is asked for again, from where everything was there. */
static void what_is_not_stored_is_asked_for_again(void **state)
{
    struct radius_bench *bench = *state;
    run_radacct(bench,
                "echo callingstationid,acctstarttime,acctsessionid;"
                "[ '{since}' = '2023-11-13 22:13:20' ] && echo 525400112233,1699999200,a; :");
    wait_polls(bench, 3);
    assert_int_equal(feed_fake_count(bench->feed), 1);
    const uint64_t ticket = feed_fake_ticket(bench->feed, 0), strange = 7;
    assert_true(ticket != EVENT_NO_TICKET);
    class->settled(bench->state, &strange, 1, false);
    class->settled(bench->state, &ticket, 1, false);
    while (feed_fake_count(bench->feed) < 2)
        loop_step(bench->env.loop);
    assert_string_equal(feed_fake_event(bench->feed, 1)->session, "a");
    class->settled(bench->state, &ticket, 1, true);
    wait_polls(bench, radius_bench_counter(bench, "radacct_polls") + 3);
    assert_int_equal(feed_fake_count(bench->feed), 2);
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

static void wrong_configurations_are_refused(void **state)
{
    struct radius_bench *bench = *state;
    struct err err;
    static const char *const wrong[][3] = {{"listen", "localhost", "listen"},
                                           {"client", "example", "client"},
                                           {"ports", "Gi{x}", "ports: "}};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        options_done(class->plug.options, bench->config);
        options_init(class->plug.options, bench->config);
        radius_bench_set(bench, "client", "127.0.0.1");
        radius_bench_set(bench, "secret_file", bench->secret_file);
        radius_bench_set(bench, wrong[i][0], wrong[i][1]);
        memset(bench->state, 0, class->plug.state_size);
        assert_true(class->plug.construct(bench->state, bench->config, &bench->env, &err) < 0);
        assert_non_null(strstr(err.text, wrong[i][2]));
    }
    options_done(class->plug.options, bench->config);
    options_init(class->plug.options, bench->config);
    memset(bench->state, 0, class->plug.state_size);
    assert_true(class->plug.construct(bench->state, bench->config, &bench->env, &err) < 0);
    assert_non_null(strstr(err.text, "radacct"));
    /* For the end of the bench. */
    radius_bench_set(bench, "client", "127.0.0.1");
    radius_bench_set(bench, "secret_file", bench->secret_file);
    memset(bench->state, 0, class->plug.state_size);
    assert_int_equal(class->plug.construct(bench->state, bench->config, &bench->env, &err), 0);
}

#define ON_BENCH(test)                                                                             \
    cmocka_unit_test_setup_teardown(test, radius_bench_setup, radius_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(radacct_rows_are_told_once),
        ON_BENCH(radacct_goes_on_where_it_was),
        ON_BENCH(a_clock_that_is_ahead_hides_nobody),
        ON_BENCH(radacct_is_read_as_it_is_printed),
        ON_BENCH(radacct_numbers_are_nas_ports),
        ON_BENCH(a_large_table_waits_for_the_judge),
        ON_BENCH(what_is_not_stored_is_asked_for_again),
        ON_BENCH(radacct_failures_are_told),
        ON_BENCH(radacct_nonsense_is_told),
        ON_BENCH(wrong_configurations_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
