/* SPDX-License-Identifier: Apache-2.0 */
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
#include "daemon/registry.h"
#include "io/file.h"
#include "io/loop.h"
#include "source/csv.h"
#include "source/exec.h"

/* The clauses of contract/plugin.h, each run against every recorded source. A new
 * source adds one line to `subjects`. */

enum { ROWS = 40000, TRIES = 3 };

struct setting {
    const char *key;
    const char *values[3];
};

/* A source with a good configuration, one whose data is bad, and one that goes on
 * for longer than the test waits. Paths are relative to the test's directory. */
static const struct subject {
    const struct recorded_source_class *class;
    struct setting good, bad, endless;
} subjects[] = {
    {&recorded_csv, {"guests", {"guests.csv"}}, {"guests", {"bad.csv"}}, {"guests", {"fifo"}}},
    {&recorded_exec,
     {"command", {"cat", "guests.jsonl"}},
     {"command", {"cat", "bad.csv"}},
     {"command", {"sleep", "60"}}},
};

struct bench {
    char directory[32];
    struct loop *loop;
    struct run_state_words *words;
    struct env env;
    const struct recorded_source_class *class;
    void *config, *state;
    /* of the last end */
    bool in_fetch;
    int ends;
    size_t rows;
    struct err err;
    struct receipt receipt;
    struct record_set *set;
    int64_t clock;
};

/* A clock that only the test moves. */
static struct wall fake_now(void *clock)
{
    return (struct wall){*(int64_t *)clock};
}

static void take_end(void *aux, struct record_set *set, const struct receipt *receipt,
                     const struct err *err)
{
    struct bench *bench = aux;
    assert_false(bench->in_fetch); /* never before fetch has returned */
    assert_true((set == NULL) != (err == NULL));
    bench->ends++;
    bench->rows = set != NULL ? set->nics.count : 0;
    bench->err = err != NULL ? *err : (struct err){0};
    receipt_done(&bench->receipt);
    receipt_copy(&bench->receipt, receipt);
    record_set_free(bench->set); /* the one before: freeing is not the source's time */
    bench->set = set;
}

static void put_rows(const struct bench *bench, const char *name, bool as_json)
{
    AUTO_FREE char *path = file_join(bench->directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    if (!as_json)
        fputs("hypervisor,guest,mac,run_state\n", file);
    for (unsigned i = 0; i < ROWS; i++) {
        char mac[MAC_TEXT_SIZE];
        mac_format((struct mac){UINT64_C(0x525400000000) + i}, mac);
        if (as_json)
            fprintf(file,
                    "{\"hypervisor\":\"hv%u\",\"guest\":\"guest%u\",\"mac\":\"%s\","
                    "\"run_state\":\"on\"}\n",
                    i / 20, i, mac);
        else
            fprintf(file, "hv%u,guest%u,%s,on\n", i / 20, i, mac);
    }
    fclose(file);
}

static int make_files(void **state)
{
    struct bench *bench = alloc_zeroed(1, sizeof *bench);
    struct err err;
    strcpy(bench->directory, "/tmp/muster-clause-XXXXXX");
    if (mkdtemp(bench->directory) == NULL || chdir(bench->directory) != 0)
        return -1;
    put_rows(bench, "guests.csv", false);
    put_rows(bench, "guests.jsonl", true);
    receipt_init(&bench->receipt);
    bench->clock = INT64_C(1795435200000000);
    *state = bench;
    return file_write("bad.csv", "no,table\n1,2\n", 13, 0600, &err) + mkfifo("fifo", 0600);
}

static int remove_files(void **state)
{
    struct bench *bench = *state;
    AUTO_TEXT struct text command = TEXT_EMPTY;
    text_printf(&command, "rm -r %s", bench->directory);
    int status = chdir("/") + system(text_get(&command));
    receipt_done(&bench->receipt);
    record_set_free(bench->set);
    free(bench);
    return status;
}

static void open_source(struct bench *bench, const struct subject *subject,
                        const struct setting *setting)
{
    const struct plug_class *plug = &subject->class->plug;
    const struct option_source source = {"muster.yaml", 1, bench->directory};
    const struct config_option *option = options_find(plug->options, setting->key);
    size_t count = 0;
    bool exposed;
    bench->class = subject->class;
    bench->loop = loop_new();
    bench->words = run_state_words_new();
    bench->env = (struct env){
        .loop = bench->loop, .run_states = bench->words, .now = fake_now, .clock = &bench->clock};
    bench->config = alloc_zeroed(1, plug->config_size);
    bench->state = alloc_zeroed(1, plug->state_size);
    options_init(plug->options, bench->config);
    while (count < ARRAY_COUNT(setting->values) && setting->values[count] != NULL)
        count++;
    assert_int_equal(option_parse(option, setting->key, setting->values, count, &source,
                                  bench->config, &exposed, &bench->err),
                     0);
    assert_int_equal(plug->construct(bench->state, bench->config, &bench->env, &bench->err), 0);
}

static void close_source(struct bench *bench)
{
    const struct plug_class *plug = &bench->class->plug;
    plug->destruct(bench->state);
    memset(bench->state, 0xa5, plug->state_size);
    free(bench->state);
    options_done(plug->options, bench->config);
    memset(bench->config, 0xa5, plug->config_size);
    free(bench->config);
    loop_free(bench->loop);
    run_state_words_free(bench->words);
}

static struct recorded_job *fetch(struct bench *bench)
{
    struct recorded_job *job = recorded_job_new("the source", NULL, false, take_end, bench);
    bench->ends = 0;
    bench->in_fetch = true;
    assert_int_equal(bench->class->fetch(bench->state, job, &bench->err), 0);
    bench->in_fetch = false;
    return job;
}

static void test_every_registered_source_is_here(void **state)
{
    size_t count;
    const struct recorded_source_class *const *registered = registry_recorded(&count);
    assert_int_equal(count, ARRAY_COUNT(subjects));
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(registered[i], subjects[i].class);
}

static void test_a_fetch_ends_once_with_a_whole_snapshot(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < ARRAY_COUNT(subjects); i++) {
        open_source(bench, &subjects[i], &subjects[i].good);
        for (int again = 0; again < 2; again++) {
            fetch(bench);
            loop_run(bench->loop);
            assert_int_equal(bench->ends, 1);
            assert_int_equal(bench->rows, ROWS);
        }
        close_source(bench);
    }
}

static void test_a_receipt_says_who_what_and_when(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < ARRAY_COUNT(subjects); i++) {
        open_source(bench, &subjects[i], &subjects[i].good);
        fetch(bench);
        bench->clock += 5000000;
        loop_run(bench->loop);
        const struct receipt *receipt = &bench->receipt;
        assert_string_equal(receipt->source, "the source");
        assert_string_equal(receipt->type, subjects[i].class->plug.type);
        assert_string_equal(receipt->why_not, "");
        assert_true(receipt->whole);
        assert_int_equal(receipt->rows, ROWS);
        assert_int_equal(receipt->asked, receipt->answered);
        assert_int_equal(receipt->started.us, bench->clock - 5000000);
        assert_int_equal(receipt->ended.us, bench->clock);
        close_source(bench);
    }
}

static void test_a_failure_is_one_end_and_the_next_fetch_works(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < ARRAY_COUNT(subjects); i++) {
        open_source(bench, &subjects[i], &subjects[i].bad);
        for (int again = 0; again < 2; again++) {
            fetch(bench);
            loop_run(bench->loop);
            assert_int_equal(bench->ends, 1);
            assert_int_not_equal(bench->err.code, ERR_NONE);
            assert_false(bench->receipt.whole);
            assert_string_equal(bench->receipt.why_not, bench->err.text);
        }
        close_source(bench);
    }
}

static void test_after_a_cancel_comes_nothing(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < ARRAY_COUNT(subjects); i++) {
        const struct setting *settings[] = {&subjects[i].good, &subjects[i].endless};
        for (size_t k = 0; k < ARRAY_COUNT(settings); k++) {
            open_source(bench, &subjects[i], settings[k]);
            struct recorded_job *job = fetch(bench);
            bench->class->cancel(bench->state, job);
            recorded_job_free(job);
            loop_run(bench->loop);
            assert_int_equal(bench->ends, 0);
            close_source(bench);
        }
    }
}

static void test_a_source_may_go_while_it_reads(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < ARRAY_COUNT(subjects); i++) {
        open_source(bench, &subjects[i], &subjects[i].endless);
        struct recorded_job *job = fetch(bench);
        close_source(bench);
        assert_int_equal(bench->ends, 0);
        recorded_job_free(job);
    }
}

/* Returns how long one good fetch held the loop. */
static struct span longest_hold(struct bench *bench, const struct subject *subject,
                                bool by_processor)
{
    open_source(bench, subject, &subject->good);
    if (by_processor)
        loop_hold_by_processor(bench->loop);
    record_set_free(bench->set);
    bench->set = NULL;
    fetch(bench);
    loop_run(bench->loop);
    struct span held = loop_longest_hold(bench->loop);
    close_source(bench);
    return held;
}

/* By the wall, the best of a few tries; where the machine is too busy for that, by
 * the processor. */
static void test_nothing_holds_the_loop(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#endif
    for (size_t i = 0; i < ARRAY_COUNT(subjects); i++) {
        struct span best = span_seconds(60);
        for (int tries = 0; tries < 2 * TRIES && best.us > 5000; tries++) {
            struct span held = longest_hold(*state, &subjects[i], tries >= TRIES);
            best = held.us < best.us ? held : best;
        }
        if (best.us > 5000)
            fail_msg("%s held the loop for %lld us", subjects[i].class->plug.type,
                     (long long)best.us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_registered_source_is_here),
        cmocka_unit_test(test_a_fetch_ends_once_with_a_whole_snapshot),
        cmocka_unit_test(test_a_receipt_says_who_what_and_when),
        cmocka_unit_test(test_a_failure_is_one_end_and_the_next_fetch_works),
        cmocka_unit_test(test_after_a_cancel_comes_nothing),
        cmocka_unit_test(test_a_source_may_go_while_it_reads),
        cmocka_unit_test(test_nothing_holds_the_loop),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
