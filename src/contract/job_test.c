/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    int ends;
    size_t rows;
    uint64_t progress;
    enum err_code code;
};

static void take_records(void *aux, struct record_set *set, const struct receipt *receipt,
                         const struct err *err)
{
    struct seen *seen = aux;
    seen->ends++;
    seen->rows = receipt->rows;
    seen->code = err != NULL ? err->code : ERR_NONE;
    assert_int_equal(set == NULL, err != NULL);
    record_set_free(set);
}

static void test_a_job_hands_a_set_over(void **unused)
{
    struct seen seen = {0};
    struct last_good last = {.known = true, .rows = {5}};
    struct recorded_job *job = recorded_job_new("csv g.csv", &last, true, take_records, &seen);
    last.rows[0] = 9;
    assert_int_equal(recorded_job_last_good(job)->rows[0], 5);
    assert_true(recorded_job_accept_shrunk(job));
    assert_string_equal(recorded_job_source(job), "csv g.csv");
    struct record_set *set = record_set_new("csv g.csv", WALL_UNKNOWN);
    struct receipt receipt;
    receipt_init(&receipt);
    receipt.rows = 3;
    recorded_job_done(job, &set, &receipt, NULL);
    assert_null(set);
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.rows, 3);
}

static void test_a_failed_job_hands_over_why(void **unused)
{
    struct seen seen = {0};
    struct recorded_job *job = recorded_job_new("x", NULL, false, take_records, &seen);
    assert_false(recorded_job_last_good(job)->known);
    struct receipt receipt;
    struct err err;
    receipt_init(&receipt);
    err_set(&err, ERR_TIMEOUT, "nothing came");
    recorded_job_done(job, NULL, &receipt, &err);
    assert_int_equal(seen.code, ERR_TIMEOUT);
}

static void take_table(void *aux, struct forward_table *table, const struct err *err)
{
    struct seen *seen = aux;
    seen->ends++;
    seen->code = err != NULL ? err->code : ERR_NONE;
    forward_table_free(table);
}

static void take_progress(void *aux, uint64_t rows)
{
    ((struct seen *)aux)->progress = rows;
}

static void test_an_observed_job_may_be_partial(void **unused)
{
    struct seen seen = {0};
    struct observed_job *job = observed_job_new("sw1", take_table, take_progress, &seen);
    observed_job_progress(job, 77);
    assert_int_equal(seen.progress, 77);
    assert_string_equal(observed_job_source(job), "sw1");
    struct forward_table *table = forward_table_new("sw1", "default");
    struct err err;
    err_set(&err, ERR_TIMEOUT, "half of it");
    observed_job_done(job, &table, &err);
    assert_null(table);
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.code, ERR_TIMEOUT);
}

static struct record_set *set_of_guests(unsigned count)
{
    static const char *const columns[] = {"hypervisor", "guest", "mac", "run_state"};
    struct record_value header[4], row[4] = {{"h", 1}, {"g", 1}, {"", 0}, {"on", 2}};
    for (size_t i = 0; i < 4; i++)
        header[i] = (struct record_value){columns[i], strlen(columns[i])};
    struct record_set *set = record_set_new("s", WALL_UNKNOWN);
    struct run_state_words *words = run_state_words_new();
    struct record_layout *layout;
    struct err err;
    size_t column;
    assert_int_equal(record_layout_new(RECORD_GUESTS, header, 4, &layout, &err), 0);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(record_add_row(set, layout, words, row, 4, i, &column, &err), 0);
    record_layout_free(layout);
    run_state_words_free(words);
    return set;
}

static void test_shrinking_is_noticed(void **unused)
{
    struct record_set *ten = set_of_guests(10), *five = set_of_guests(5), *four = set_of_guests(4),
                      *none = set_of_guests(0);
    struct last_good last = {.known = true, .rows = {[RECORD_GUESTS] = 10}}, never = {0};
    struct err err;
    assert_int_equal(last_good_check(&last, ten, 50, &err), 0);
    assert_int_equal(last_good_check(&last, five, 50, &err), 0);
    assert_int_equal(last_good_check(&last, four, 50, &err), ERR_SHRUNK);
    assert_non_null(strstr(err.text, "guests shrank from 10 rows (1970-01-01T00:00:00Z) to 4, "
                                     "by 60 %; at most 50 %"));
    assert_int_equal(last_good_check(&last, none, 99, &err), ERR_SHRUNK);
    assert_int_equal(last_good_check(&last, none, 100, &err), 0);
    assert_int_equal(last_good_check(&never, none, 0, &err), 0);
    record_set_free(ten);
    record_set_free(five);
    record_set_free(four);
    record_set_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_job_hands_a_set_over),
        cmocka_unit_test(test_a_failed_job_hands_over_why),
        cmocka_unit_test(test_an_observed_job_may_be_partial),
        cmocka_unit_test(test_shrinking_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
