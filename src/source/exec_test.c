/* SPDX-License-Identifier: Apache-2.0 */
#include "source/exec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "contract/job.h"
#include "io/clock.h"
#include "io/loop.h"

struct bench {
    struct loop *loop;
    struct run_state_words *words;
    struct env env;
    void *config, *state;
    struct record_set *set;
    struct receipt receipt;
    struct err err;
    int ends;
};

static void take_end(void *aux, struct record_set *set, const struct receipt *receipt,
                     const struct err *err)
{
    struct bench *bench = aux;
    record_set_free(bench->set);
    receipt_done(&bench->receipt);
    bench->set = set;
    receipt_copy(&bench->receipt, receipt);
    bench->err = err != NULL ? *err : (struct err){0};
    bench->ends++;
}

static int set_list(struct bench *bench, const char *key, const char *const *values, size_t count)
{
    const struct option_source source = {"muster.yaml", 1, "/tmp"};
    const struct config_option *option = options_find(recorded_exec.plug.options, key);
    bool exposed;
    assert_non_null(option);
    return option_parse(option, key, values, count, &source, bench->config, &exposed, &bench->err);
}

static void set_script(struct bench *bench, const char *script)
{
    const char *const argv[] = {"sh", "-c", script};
    assert_int_equal(set_list(bench, "command", argv, 3), 0);
}

static int open_bench(void **state)
{
    struct bench *bench = alloc_zeroed(1, sizeof *bench);
    bench->loop = loop_new();
    bench->words = run_state_words_new();
    bench->env =
        (struct env){.loop = bench->loop, .run_states = bench->words, .now = clock_env_now};
    bench->config = alloc_zeroed(1, recorded_exec.plug.config_size);
    bench->state = alloc_zeroed(1, recorded_exec.plug.state_size);
    options_init(recorded_exec.plug.options, bench->config);
    receipt_init(&bench->receipt);
    set_script(bench, "exit 0");
    *state = bench;
    return recorded_exec.plug.construct(bench->state, bench->config, &bench->env, &bench->err);
}

static int close_bench(void **state)
{
    struct bench *bench = *state;
    recorded_exec.plug.destruct(bench->state);
    loop_free(bench->loop);
    options_done(recorded_exec.plug.options, bench->config);
    free(bench->config);
    free(bench->state);
    record_set_free(bench->set);
    receipt_done(&bench->receipt);
    run_state_words_free(bench->words);
    free(bench);
    return 0;
}

static void fetch(struct bench *bench, const struct last_good *last)
{
    struct recorded_job *job = recorded_job_new("exec test", last, false, take_end, bench);
    bench->ends = 0;
    assert_int_equal(recorded_exec.fetch(bench->state, job, &bench->err), 0);
    assert_int_equal(bench->ends, 0);
    loop_run(bench->loop);
    assert_int_equal(bench->ends, 1);
}

static void expect_error(const struct bench *bench, enum err_code code, const char *says)
{
    assert_null(bench->set);
    assert_false(bench->receipt.whole);
    if (bench->err.code != code || strstr(bench->err.text, says) == NULL)
        fail_msg("got %s: %s", err_word(bench->err.code), bench->err.text);
}

static const char *name(const struct bench *bench, uint32_t number)
{
    return names_get(bench->set->names, number);
}

static void test_lines_become_rows(void **state)
{
    struct bench *bench = *state;
    set_script(bench, "echo '{\"type\":\"guest_nic\",\"hypervisor\":\"hv1\",\"guest\":\"web1\","
                      "\"mac\":\"52:54:00:00:00:01\",\"run_state\":\"running\",\"vlan\":[10,20],"
                      "\"wire_expected\":false,\"interface_type\":\"bridge\"}';"
                      "echo '{\"run_state\":\"shut off\",\"mac\":null,\"guest\":\"web2\","
                      "\"hypervisor\":\"hv1\"}';"
                      "echo '{\"table\":\"attachments\",\"hypervisor\":\"hv1\",\"switch\":\"sw1\","
                      "\"port\":\"Gi0/1\"}';"
                      "printf '{\"type\":\"as_of\",\"time\":\"2026-11-23T12:00:00Z\"}'");
    fetch(bench, NULL);
    if (bench->set == NULL)
        fail_msg("%s", bench->err.text);
    assert_int_equal(bench->set->nics.count, 2);
    assert_int_equal(bench->set->nics.run_state[1], RUN_STATE_OFF);
    assert_int_equal(bench->set->nics.wire[0], NO);
    assert_int_equal(bench->set->nics.wire[1], YES);
    assert_false(mac_known((struct mac){bench->set->nics.mac[1]}));
    assert_string_equal(record_extra_find(bench->set, RECORD_GUESTS, 0),
                        "{\"interface_type\":\"bridge\"}");
    assert_string_equal(name(bench, bench->set->attachments[0].port), "Gi0/1");
    assert_int_equal(bench->set->as_of.us, INT64_C(1795435200000000));
    assert_true(bench->receipt.whole);
    assert_int_equal(bench->receipt.rows, 3);
}

static void test_nothing_printed_is_an_empty_table(void **state)
{
    struct bench *bench = *state;
    fetch(bench, NULL);
    assert_non_null(bench->set);
    assert_true(bench->set->present[RECORD_GUESTS]);
    assert_int_equal(bench->set->nics.count, 0);
}

static void test_bad_lines_are_named(void **state)
{
    struct bench *bench = *state;
    static const char *const cases[][2] = {
        {"echo '{\"hypervisor\":\"h\",\"guest\":\"g\",\"mac\":null,\"run_state\":\"on\"}';"
         "echo 'Traceback: no'",
         "exec test: sh: line 2: not JSON at column"},
        {"echo '{\"guest\":\"g\",\"mac\":null,\"run_state\":\"on\"}'",
         "line 1: guests: column \"hypervisor\" is missing"},
        {"echo '{\"hypervisor\":\"h\",\"guest\":\"g\",\"mac\":\"x\",\"run_state\":\"on\"}'",
         "line 1: key \"mac\": found \"x\", expected a MAC address"},
        {"echo '{\"type\":\"guests_nic\"}'",
         "line 1: key \"type\": found \"guests_nic\", expected guest_nic"},
        {"echo '{\"type\":\"as_of\",\"time\":\"noon\"}'", "line 1: key \"time\": expected a time"},
        {"printf '{\"hypervisor\":'", "line 1: not JSON"},
        {"echo '[]'; echo oops >&2",
         "not an object, expected {\"column\": value, ...}; it wrote: oops"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        set_script(bench, cases[i][0]);
        fetch(bench, NULL);
        expect_error(bench, ERR_SYNTAX, cases[i][1]);
    }
}

static void test_a_failed_program_shows_its_stderr(void **state)
{
    struct bench *bench = *state;
    set_script(bench, "echo 'cannot reach\ncontroller' >&2; exit 3");
    fetch(bench, NULL);
    expect_error(bench, ERR_PROTOCOL,
                 "exec test: sh: it ended with exit status 3; it wrote: cannot reach|controller");
    assert_string_equal(bench->receipt.why_not, bench->err.text);
    set_script(bench, "yes x | head -c 100000 >&2; printf '\\033[2Jend' >&2; exit 1");
    fetch(bench, NULL);
    expect_error(bench, ERR_PROTOCOL, "it wrote: ...");
    assert_null(strchr(bench->err.text, '\033'));
    assert_non_null(strstr(bench->err.text, "[2Jend"));
    set_script(bench, "kill -SEGV $$");
    fetch(bench, NULL);
    expect_error(bench, ERR_PROTOCOL, "it was ended by signal 11");
}

static void test_one_byte_at_a_time_is_ended(void **state)
{
    struct bench *bench = *state;
    const char *timeout = "100ms";
    assert_int_equal(set_list(bench, "timeout", &timeout, 1), 0);
    set_script(bench, "while :; do printf x; sleep 0.02; done");
    fetch(bench, NULL);
    expect_error(bench, ERR_TIMEOUT, "it was still running after 100 ms (timeout) and was ended");
}

static void test_too_much_output_is_ended(void **state)
{
    struct bench *bench = *state;
    const char *limit = "100000";
    assert_int_equal(set_list(bench, "max_bytes", &limit, 1), 0);
    set_script(bench, "yes ''");
    fetch(bench, NULL);
    expect_error(bench, ERR_LIMIT, "it printed more than 100000 bytes (max_bytes)");
}

static void test_a_line_without_end_is_an_error(void **state)
{
    struct bench *bench = *state;
    set_script(bench, "head -c 3000000 /dev/zero | tr '\\0' ' '");
    fetch(bench, NULL);
    expect_error(bench, ERR_LIMIT, "line 1: the line is longer than 1048576 bytes");
}

static void test_shrinking_is_refused(void **state)
{
    struct bench *bench = *state;
    struct last_good last = {.known = true, .rows = {[RECORD_GUESTS] = 10}};
    fetch(bench, &last);
    expect_error(bench, ERR_SHRUNK, "guests shrank from 10 rows");
}

static void test_the_environment_is_handed_on(void **state)
{
    struct bench *bench = *state;
    const char *const environment[] = {"MUSTER_X=hv9"};
    assert_int_equal(set_list(bench, "environment", environment, 1), 0);
    set_script(bench, "echo \"{\\\"hypervisor\\\":\\\"$MUSTER_X\\\",\\\"guest\\\":\\\"g\\\","
                      "\\\"mac\\\":null,\\\"run_state\\\":\\\"on\\\"}\"");
    fetch(bench, NULL);
    assert_string_equal(name(bench, bench->set->nics.hypervisor[0]), "hv9");
    const char *const bad[] = {"MUSTER_X"};
    assert_int_equal(set_list(bench, "environment", bad, 1), 0);
    assert_int_equal(
        recorded_exec.plug.construct(bench->state, bench->config, &bench->env, &bench->err),
        ERR_SYNTAX);
}

static void test_a_missing_program_promises_nothing(void **state)
{
    struct bench *bench = *state;
    const char *const argv[] = {"./nowhere"};
    assert_int_equal(set_list(bench, "command", argv, 1), 0);
    struct recorded_job *job = recorded_job_new("exec test", NULL, false, take_end, bench);
    assert_int_equal(recorded_exec.fetch(bench->state, job, &bench->err), ERR_SYSTEM);
    assert_non_null(strstr(bench->err.text, "exec test: starting /tmp/./nowhere: no such file"));
    loop_run(bench->loop);
    assert_int_equal(bench->ends, 0);
    recorded_job_free(job);
}

static void test_after_cancel_comes_nothing(void **state)
{
    struct bench *bench = *state;
    set_script(bench, "sleep 30");
    struct recorded_job *job = recorded_job_new("exec test", NULL, false, take_end, bench);
    assert_int_equal(recorded_exec.fetch(bench->state, job, &bench->err), 0);
    recorded_exec.cancel(bench->state, job);
    recorded_job_free(job);
    loop_run(bench->loop);
    assert_int_equal(bench->ends, 0);
    set_script(bench, "exit 0");
    fetch(bench, NULL);
}

static void test_many_different_keys_are_survived(void **state)
{
    struct bench *bench = *state;
    set_script(bench,
               "i=0; while [ $i -lt 500 ]; do i=$((i+1)); echo \"{\\\"hypervisor\\\":\\\"h\\\","
               "\\\"guest\\\":\\\"g$i\\\",\\\"mac\\\":null,\\\"run_state\\\":\\\"on\\\","
               "\\\"k$i\\\":1}\"; done");
    fetch(bench, NULL);
    assert_non_null(bench->set);
    assert_int_equal(bench->set->guest_count, 500);
    assert_string_equal(record_extra_find(bench->set, RECORD_GUESTS, 499), "{\"k500\":\"1\"}");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines_become_rows),
        TEST(test_nothing_printed_is_an_empty_table),
        TEST(test_bad_lines_are_named),
        TEST(test_a_failed_program_shows_its_stderr),
        TEST(test_one_byte_at_a_time_is_ended),
        TEST(test_too_much_output_is_ended),
        TEST(test_a_line_without_end_is_an_error),
        TEST(test_shrinking_is_refused),
        TEST(test_the_environment_is_handed_on),
        TEST(test_a_missing_program_promises_nothing),
        TEST(test_after_cancel_comes_nothing),
        TEST(test_many_different_keys_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
