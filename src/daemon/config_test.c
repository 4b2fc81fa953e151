/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/loop.h"

static const char smallest[] = "recorded:\n"
                               "  - {type: csv, guests: guests.csv, attachments: a.csv}\n"
                               "observed:\n"
                               "  - {type: recording, switch: sw2, file: sw2.snmprec}\n";

/* Parses a configuration that must be right. */
static struct config *parse(const char *text)
{
    struct config *config = NULL;
    struct config_report report;
    if (config_parse("/etc/muster/muster.yaml", text, strlen(text), &config, &report) != 0)
        fail_msg("%s", text_get(&report.errors));
    assert_int_equal(report.warning_count, 0);
    config_report_done(&report);
    return config;
}

/* Parses a configuration that must be wrong, and expects `says` among the errors. */
static void refuse_bytes(const char *text, size_t length, unsigned errors, const char *says)
{
    struct config *config = NULL;
    struct config_report report;
    assert_int_not_equal(config_parse("muster.yaml", text, length, &config, &report), 0);
    assert_null(config);
    if (strstr(text_get(&report.errors), says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text_get(&report.errors), says);
    if (errors != 0)
        assert_int_equal(report.error_count, errors);
    config_report_done(&report);
}

static void refuse(const char *text, const char *says)
{
    refuse_bytes(text, strlen(text), 1, says);
}

static void test_the_smallest_configuration(void **unused)
{
    struct config *config = parse(smallest);
    assert_int_equal(config->recorded_count, 1);
    assert_int_equal(config->observed_count, 1);
    assert_string_equal(config->recorded[0].name, "csv guests.csv");
    assert_string_equal(config->observed[0].name, "sw2");
    assert_string_equal(config->observed[0].switch_name, "sw2");
    assert_int_equal(config->observed[0].line, 4);
    assert_string_equal(config->store, "/etc/muster/muster.db");
    assert_int_equal(config->retention.us, 35 * INT64_C(86400000000));
    assert_true(config->audit.prefix_mode);
    assert_false(config->audit.port_mode);
    assert_int_equal(config->audit.storm_count, 10);
    assert_int_equal(config->audit.clock_skew.us, 2000000);
    assert_null(config->quirks);
    config_free(config);
}

static void test_every_section(void **unused)
{
    struct config *config = parse("store: /var/lib/muster/x.db\n"
                                  "retention: 90d\n"
                                  "quirks: more.conf\n"
                                  "run_states: {läuft: on, on: off}\n"
                                  "audit: {prefix_mode: no, prefixes: ['52:54:00', 0242],\n"
                                  "        port_mode: true, clock_skew: 5s, inventory_lag: 1min}\n"
                                  "storm: {count: 3}\n"
                                  "topology: {mlag: [['a:Po1', 'b:Eth1:1'], [c:1, d:1]]}\n"
                                  "recorded:\n"
                                  "- {type: exec, name: kvm, command: [./list, -v]}\n");
    enum run_state state;
    assert_string_equal(config->store, "/var/lib/muster/x.db");
    assert_string_equal(config->quirks, "/etc/muster/more.conf");
    assert_int_equal(run_state_words_find(config->run_states, "LÄUFT", 6, &state), ERR_NOT_FOUND);
    assert_int_equal(run_state_words_find(config->run_states, "läuft", 6, &state), 0);
    assert_int_equal(state, RUN_STATE_ON);
    assert_false(config->audit.prefix_mode);
    assert_true(config->audit.port_mode);
    assert_int_equal(config->audit.prefix_count, 2);
    assert_int_equal(config->audit.storm_count, 3);
    assert_int_equal(config->mlag_count, 2);
    assert_string_equal(config->mlags[0].switch_b, "b");
    assert_string_equal(config->mlags[0].port_b, "Eth1:1");
    assert_string_equal(config->recorded[0].name, "kvm");
    config_free(config);
}

static void test_each_error_names_line_key_and_what_is_expected(void **unused)
{
    static const char *const cases[][2] = {
        {"recorded: [{type: csv, guets: g}]\n", "muster.yaml:1: guets: unknown key; did you mean"},
        {"recorded: [{type: cvs}]\n", "no recorded source \"cvs\"; expected one of csv, exec"},
        {"recorded: [{guests: g.csv}]\n", "a source needs \"type\""},
        {"recorded: {type: csv}\n", "muster.yaml:1: recorded: expected a list of sources"},
        {"recorded: [csv]\n", "a source needs \"type\""},
        {"recorded: [{type: exec}]\n", "exec: the key \"command\" is missing"},
        {"recorded: [{type: csv, guests: [a, b]}]\n", "guests: found \"a list\", expected a path"},
        {"recorded: [{type: csv, guests: {a: b}}]\n", "guests: expected a path, not a map"},
        {"recorded: [{type: csv, guests: g, max_shrink: 101}]\n", "a whole number from 0 to 100"},
        {"store: x\n", "names no source"},
        {"", "names no source"},
        {"- a\n", "expected a map of options, not a list"},
        {"surprise: 1\n", "muster.yaml:1: surprise: unknown key"},
        {"retention: 1d\n", "retention: found \"1d\", expected a time span"},
        {"topology: {mlag: [[a, 'b:1']]}\n", "expected \"switch:port\", found \"a\""},
        {"topology: {mlag: [['a:1']]}\n", "expected a pair"},
        {"topology: {lag: []}\n", "there is no key \"lag\"; expected mlag"},
        {"run_states: {x: dancing}\n", "\"dancing\" is no run state; expected on, off"},
        {"audit: {prefixes: [52:5]}\n", "\"52:5\" is no address prefix"},
        {"audit: {gap_rounds: 0}\n", "a whole number from 1 to"},
        {"storm: 5\n", "storm: expected a map of options, not a value"},
        {"store: a\nstore: b\n", "muster.yaml:2: the key \"store\" stands here twice"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        refuse(cases[i][0], cases[i][1]);
}

static void test_all_errors_are_said_at_once(void **unused)
{
    static const char text[] = "recorded:\n"
                               "- {type: csv, guets: g, timeout: soon}\n"
                               "- {type: cvs}\n"
                               "storm: {count: many}\n";
    refuse_bytes(text, sizeof text - 1, 4, "muster.yaml:4: count: found \"many\"");
}

static void test_names_are_unique(void **unused)
{
    refuse("recorded:\n- {type: csv, name: a, guests: g}\n- {type: csv, name: a, guests: h}\n",
           "muster.yaml:3: \"a\" is the name of another source already");
    struct config *config =
        parse("recorded:\n- {type: csv, guests: x/g}\n- {type: csv, guests: y/g}\n");
    assert_string_equal(config->recorded[0].name, "csv g");
    assert_string_equal(config->recorded[1].name, "csv g #2");
    config_free(config);
}

static void test_what_is_not_yaml_is_refused(void **unused)
{
    refuse("recorded: [\n", "not YAML");
    refuse("\trecorded: 1\n", "not YAML");
    refuse("a: &x [1]\nb: *x\n", "muster.yaml:2: aliases (*name) are not taken");
    refuse("a: 1\n---\nb: 2\n", "a second document");
    refuse("? [a]\n: b\n", "a key must be a plain word");
    refuse("store: \"a\\0b\"\n", "a value holds a NUL character");
    refuse("store: \xff\xfe\n", "not YAML");
    refuse_bytes("store: a\0b\n", 11, 1, "not YAML");
}

static void test_hostile_sizes_are_bounded(void **unused)
{
    struct text text = TEXT_EMPTY;
    for (int i = 0; i < 5000; i++)
        text_add_char(&text, '[');
    refuse_bytes(text.data, text.length, 1, "nested deeper than 32 levels");
    text_clear(&text);
    for (int i = 0; i < 300000; i++)
        text_printf(&text, "k%d: 1\n", i);
    refuse_bytes(text.data, text.length, 1, "more than 4096 keys in one map");
    text_clear(&text);
    for (int i = 0; i < 1500000; i++)
        text_add(&text, "-\n");
    refuse_bytes(text.data, text.length, 1, "more than 1000000 values");
    for (int i = 0; i < 1500000; i++)
        text_add(&text, "-\n");
    refuse_bytes(text.data, text.length, 1, "larger than 4194304 bytes");
    text_done(&text);
}

static void test_a_missing_file_is_said(void **unused)
{
    struct config *config = NULL;
    struct config_report report;
    assert_int_equal(config_load("/nonexistent/muster.yaml", &config, &report), ERR_NOT_FOUND);
    assert_non_null(strstr(text_get(&report.errors), "/nonexistent/muster.yaml: no such file"));
    config_report_done(&report);
}

static void test_plug_ins_are_tried(void **unused)
{
    struct config *config = parse("recorded:\n- {type: csv, max_shrink: 5}\n");
    struct config_report report = {TEXT_EMPTY, TEXT_EMPTY, 0, 0};
    struct env env = {.loop = loop_new(), .run_states = config->run_states, .now = clock_env_now};
    config_try(config, &env, &report);
    assert_int_equal(report.error_count, 1);
    assert_non_null(strstr(text_get(&report.errors), ":2: csv: no file is named; expected"));
    config_report_done(&report);
    loop_free(env.loop);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_smallest_configuration),
        cmocka_unit_test(test_every_section),
        cmocka_unit_test(test_each_error_names_line_key_and_what_is_expected),
        cmocka_unit_test(test_all_errors_are_said_at_once),
        cmocka_unit_test(test_names_are_unique),
        cmocka_unit_test(test_what_is_not_yaml_is_refused),
        cmocka_unit_test(test_hostile_sizes_are_bounded),
        cmocka_unit_test(test_a_missing_file_is_said),
        cmocka_unit_test(test_plug_ins_are_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
