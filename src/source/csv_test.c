/* SPDX-License-Identifier: Apache-2.0 */
#include "source/csv.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "contract/job.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/loop.h"
#include "source/csv_load.h"

static const char guests[] = "hypervisor,guest,mac,run_state\n"
                             "hv1,web1,52:54:00:00:00:01,on\n"
                             "hv1,web2,52:54:00:00:00:02,off\n"
                             "hv2,db1,,running\n";

/* One source over files in a directory of its own. */
struct bench {
    char directory[32];
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

static void put_file(struct bench *bench, const char *name, const char *content)
{
    struct err err;
    AUTO_FREE char *path = file_join(bench->directory, name);
    assert_int_equal(file_write(path, content, strlen(content), 0600, &err), 0);
}

static int set_option(struct bench *bench, const char *key, const char *value)
{
    const struct option_source source = {"muster.yaml", 1, bench->directory};
    const struct config_option *option = options_find(recorded_csv.plug.options, key);
    bool exposed;
    assert_non_null(option);
    return option_parse(option, key, &value, 1, &source, bench->config, &exposed, &bench->err);
}

static int open_bench(void **state)
{
    struct bench *bench = alloc_zeroed(1, sizeof *bench);
    strcpy(bench->directory, "/tmp/muster-csv-XXXXXX");
    if (mkdtemp(bench->directory) == NULL)
        return -1;
    bench->loop = loop_new();
    bench->words = run_state_words_new();
    bench->env =
        (struct env){.loop = bench->loop, .run_states = bench->words, .now = clock_env_now};
    bench->config = alloc_zeroed(1, recorded_csv.plug.config_size);
    bench->state = alloc_zeroed(1, recorded_csv.plug.state_size);
    options_init(recorded_csv.plug.options, bench->config);
    receipt_init(&bench->receipt);
    put_file(bench, "guests.csv", guests);
    set_option(bench, "guests", "guests.csv");
    *state = bench;
    return recorded_csv.plug.construct(bench->state, bench->config, &bench->env, &bench->err);
}

static int close_bench(void **state)
{
    struct bench *bench = *state;
    AUTO_TEXT struct text command = TEXT_EMPTY;
    if (bench->state != NULL)
        recorded_csv.plug.destruct(bench->state);
    loop_free(bench->loop);
    options_done(recorded_csv.plug.options, bench->config);
    free(bench->config);
    free(bench->state);
    record_set_free(bench->set);
    receipt_done(&bench->receipt);
    run_state_words_free(bench->words);
    text_printf(&command, "rm -r %s", bench->directory);
    int status = system(text_get(&command));
    free(bench);
    return status;
}

static void fetch(struct bench *bench, const struct last_good *last, bool accept_shrunk)
{
    int ends = bench->ends;
    struct recorded_job *job =
        recorded_job_new("csv guests.csv", last, accept_shrunk, take_end, bench);
    assert_int_equal(recorded_csv.fetch(bench->state, job, &bench->err), 0);
    assert_int_equal(bench->ends, ends);
    loop_run(bench->loop);
    assert_int_equal(bench->ends, ends + 1);
}

static void expect_error(const struct bench *bench, enum err_code code, const char *says)
{
    assert_null(bench->set);
    assert_false(bench->receipt.whole);
    if (bench->err.code != code || strstr(bench->err.text, says) == NULL)
        fail_msg("got %s: %s", err_word(bench->err.code), bench->err.text);
    assert_string_equal(bench->receipt.why_not, bench->err.text);
}

static void test_files_become_one_snapshot(void **state)
{
    struct bench *bench = *state;
    put_file(bench, "attachments.csv", "switch;port;hypervisor;nic_mac\nsw1;Gi0/1;hv1;\n");
    set_option(bench, "attachments", "attachments.csv");
    fetch(bench, NULL, false);
    assert_non_null(bench->set);
    assert_int_equal(bench->set->nics.count, 3);
    assert_int_equal(bench->set->attachment_count, 1);
    assert_string_equal(bench->set->source, "csv guests.csv");
    assert_true(bench->receipt.whole);
    assert_int_equal(bench->receipt.rows, 4);
    assert_int_equal(bench->receipt.asked, 2);
    assert_int_equal(bench->receipt.answered, 2);
    assert_string_equal(bench->receipt.type, "csv");
}

static void test_the_record_is_as_old_as_its_file(void **state)
{
    struct bench *bench = *state;
    AUTO_FREE char *path = file_join(bench->directory, "guests.csv");
    struct timespec times[2] = {{1000000000, 0}, {1000000000, 5000}};
    utimensat(AT_FDCWD, path, times, 0);
    fetch(bench, NULL, false);
    assert_int_equal(bench->set->as_of.us, INT64_C(1000000000000005));
}

static void test_errors_name_file_line_and_column(void **state)
{
    struct bench *bench = *state;
    put_file(bench, "guests.csv", "hypervisor,guest,mac,run_state\nhv1,a,,on\nhv1,b,52:54,on\n");
    fetch(bench, NULL, false);
    expect_error(bench, ERR_SYNTAX,
                 "guests.csv:3: column 3 \"mac\": found \"52:54\", expected a MAC address");
    put_file(bench, "guests.csv", "hypervisor,guest,run_state\n");
    fetch(bench, NULL, false);
    expect_error(bench, ERR_SYNTAX, "guests.csv:1: guests: column \"mac\" is missing");
    put_file(bench, "guests.csv", "hypervisor,guest,mac,run_state\nhv1,a,,on,x\n");
    fetch(bench, NULL, false);
    expect_error(bench, ERR_SYNTAX,
                 "guests.csv:2: column 5: found a value, but the header has only 4 columns");
    put_file(bench, "guests.csv", "");
    fetch(bench, NULL, false);
    expect_error(bench, ERR_SYNTAX, "the file is empty, expected a header");
}

static void test_a_missing_file_is_an_error(void **state)
{
    struct bench *bench = *state;
    set_option(bench, "links", "nowhere.csv");
    fetch(bench, NULL, false);
    expect_error(bench, ERR_NOT_FOUND, "nowhere.csv: no such file");
    assert_int_equal(bench->receipt.asked, 2);
    assert_int_equal(bench->receipt.answered, 1);
    set_option(bench, "links", "/");
    fetch(bench, NULL, false);
    expect_error(bench, ERR_SYSTEM, "directory");
}

static void test_a_shrunk_file_is_refused_unless_allowed(void **state)
{
    struct bench *bench = *state;
    struct last_good last = {.known = true, .rows = {[RECORD_GUESTS] = 7}};
    fetch(bench, &last, false);
    expect_error(bench, ERR_SHRUNK, "csv guests.csv: guests shrank from 7 rows");
    fetch(bench, &last, true);
    assert_int_equal(bench->set->nics.count, 3);
    set_option(bench, "max_shrink", "60");
    fetch(bench, &last, false);
    assert_int_equal(bench->set->nics.count, 3);
}

static void test_after_cancel_comes_nothing(void **state)
{
    struct bench *bench = *state;
    struct recorded_job *job = recorded_job_new("s", NULL, false, take_end, bench);
    assert_int_equal(recorded_csv.fetch(bench->state, job, &bench->err), 0);
    recorded_csv.cancel(bench->state, job);
    recorded_job_free(job);
    loop_run(bench->loop);
    assert_int_equal(bench->ends, 0);
    fetch(bench, NULL, false);
}

static void test_destruct_while_a_silent_pipe_is_read(void **state)
{
    struct bench *bench = *state;
    AUTO_FREE char *path = file_join(bench->directory, "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    set_option(bench, "guests", "fifo");
    struct recorded_job *job = recorded_job_new("s", NULL, false, take_end, bench);
    assert_int_equal(recorded_csv.fetch(bench->state, job, &bench->err), 0);
    recorded_csv.plug.destruct(bench->state);
    free(bench->state);
    bench->state = NULL;
    recorded_job_free(job);
    loop_run(bench->loop);
    assert_int_equal(bench->ends, 0);
}

static void test_a_silent_pipe_is_given_up(void **state)
{
    struct bench *bench = *state;
    AUTO_FREE char *path = file_join(bench->directory, "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    set_option(bench, "guests", "fifo");
    set_option(bench, "timeout", "100ms");
    fetch(bench, NULL, false);
    expect_error(bench, ERR_TIMEOUT, "nothing came");
}

static void test_a_source_without_files_is_refused(void **state)
{
    struct bench *bench = *state;
    AUTO_FREE void *config = alloc_zeroed(1, recorded_csv.plug.config_size);
    AUTO_FREE void *other = alloc_zeroed(1, recorded_csv.plug.state_size);
    assert_int_equal(recorded_csv.plug.construct(other, config, &bench->env, &bench->err),
                     ERR_NOT_FOUND);
}

/* What is printed reads back to the same print. */
static void test_a_printed_set_is_read_again(void **state)
{
    static const char text[] =
        "hypervisor,guest,mac,run_state,state_since,vlan,wire_expected,uuid,ip,tags\n"
        "hv1,\"a,b\",52:54:00:00:00:01,on,2026-11-23T12:00:00.5Z,10|20,no,"
        "5e3884eb-0caa-194b-cd17-3d9ca1b20c3b,10.0.0.1,gold\n"
        ",c,,unknown,,trunk,unknown,,,\n"
        "hv1,\"a,b\",52:54:00:00:00:03,on,,,yes,5e3884eb-0caa-194b-cd17-3d9ca1b20c3b,,\n";
    struct bench *bench = *state;
    struct text printed[2] = {TEXT_EMPTY, TEXT_EMPTY};
    text_add(&printed[0], text);
    for (int round = 0; round < 3; round++) {
        struct text *from = &printed[round % 2], *to = &printed[(round + 1) % 2];
        struct record_set *set = record_set_new("copy", WALL_UNKNOWN);
        struct csv_load load = {
            .label = "copy", .table = RECORD_GUESTS, .words = bench->words, .set = set};
        uint64_t rows = 0;
        assert_int_equal(csv_load_bytes(&load, text_get(from), from->length, &rows, &bench->err),
                         0);
        assert_int_equal(rows, 3);
        assert_int_equal(set->guest_count, 2);
        text_clear(to);
        record_set_print_csv(set, RECORD_GUESTS, to);
        record_set_free(set);
    }
    assert_string_equal(text_get(&printed[0]), text_get(&printed[1]));
    assert_non_null(strstr(text_get(&printed[0]), "2026-11-23T12:00:00.500Z,10|20,no"));
    text_done(&printed[0]);
    text_done(&printed[1]);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_files_become_one_snapshot),
        TEST(test_the_record_is_as_old_as_its_file),
        TEST(test_errors_name_file_line_and_column),
        TEST(test_a_missing_file_is_an_error),
        TEST(test_a_shrunk_file_is_refused_unless_allowed),
        TEST(test_after_cancel_comes_nothing),
        TEST(test_destruct_while_a_silent_pipe_is_read),
        TEST(test_a_silent_pipe_is_given_up),
        TEST(test_a_source_without_files_is_refused),
        TEST(test_a_printed_set_is_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
