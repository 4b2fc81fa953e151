/* SPDX-License-Identifier: Apache-2.0 */
#include "io/child.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/text.h"
#include "io/loop.h"

struct run {
    struct loop *loop;
    struct child *child;
    struct text out, error;
    struct child_end end;
    int ends;
    bool kill_on_output;
    struct loop_timer *resume;
};

static void take_output(void *aux, const char *bytes, size_t length)
{
    struct run *run = aux;
    text_add_bytes(&run->out, bytes, length);
    if (run->kill_on_output)
        child_kill(run->child);
}

static void take_end(void *aux, const struct child_end *end)
{
    struct run *run = aux;
    run->end = *end;
    text_add_bytes(&run->error, end->error_text, end->error_length);
    run->ends++;
}

static void run_shell(struct run *run, const char *script, struct child_options options)
{
    const char *argv[] = {"sh", "-c", script, "sh", "a b", NULL};
    struct err err;
    options.argv = argv;
    options.output = take_output;
    options.done = take_end;
    options.aux = run;
    run->loop = loop_new();
    run->child = child_start(run->loop, &options, &err);
    assert_non_null(run->child);
    loop_run(run->loop);
    loop_free(run->loop);
}

static void run_done(struct run *run)
{
    text_done(&run->out);
    text_done(&run->error);
}

static void test_output_and_exit_code_arrive(void **unused)
{
    struct run run = {0};
    const char *environment[] = {"MUSTER_TRIED=yes", NULL};
    run_shell(&run, "printf '%s %s' \"$1\" \"$MUSTER_TRIED\"; pwd; echo bad >&2; exit 3",
              (struct child_options){.environment = environment, .directory = "/"});
    assert_int_equal(run.ends, 1);
    assert_int_equal(run.end.outcome, CHILD_EXITED);
    assert_int_equal(run.end.code, 3);
    assert_string_equal(text_get(&run.out), "a b yes/\n");
    assert_string_equal(text_get(&run.error), "bad\n");
    run_done(&run);
}

static void test_a_signal_is_told_apart(void **unused)
{
    struct run run = {0};
    run_shell(&run, "kill -SEGV $$", (struct child_options){0});
    assert_int_equal(run.end.outcome, CHILD_SIGNALLED);
    assert_int_equal(run.end.code, SIGSEGV);
    run_done(&run);
}

static void test_a_drip_is_ended_by_the_time_out(void **unused)
{
    struct run run = {0};
    run_shell(&run, "while :; do printf x; sleep 0.02; done",
              (struct child_options){.timeout = span_ms(80)});
    assert_int_equal(run.ends, 1);
    assert_int_equal(run.end.outcome, CHILD_TIMED_OUT);
    assert_true(run.out.length < 10);
    run_done(&run);
}

static void test_grandchildren_die_with_the_group(void **unused)
{
    struct run run = {0};
    run_shell(&run, "trap '' TERM; (trap '' TERM; sleep 30) & echo $!; sleep 30",
              (struct child_options){.timeout = span_ms(50)});
    assert_int_equal(run.end.outcome, CHILD_TIMED_OUT);
    long grandchild = strtol(text_get(&run.out), NULL, 10);
    assert_true(grandchild > 1);
    /* Gone, or a zombie that waits for init. */
    char path[64], state[256] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", grandchild);
    for (int tries = 0; tries < 100; tries++) {
        int fd = open(path, O_RDONLY);
        ssize_t got = fd >= 0 ? read(fd, state, sizeof state - 1) : -1;
        if (fd >= 0)
            close(fd);
        if (got <= 0 || strstr(state, ") Z") != NULL) {
            run_done(&run);
            return;
        }
        usleep(2000);
    }
    fail_msg("grandchild %ld is still there: %s", grandchild, state);
}

static void test_endless_output_is_cut(void **unused)
{
    struct run run = {0};
    run_shell(&run, "yes", (struct child_options){.max_bytes = 100000});
    assert_int_equal(run.end.outcome, CHILD_TOO_MUCH);
    assert_int_equal(run.out.length, 100000);
    run_done(&run);
}

static void test_the_end_of_a_long_stderr_is_kept(void **unused)
{
    struct run run = {0};
    run_shell(&run, "yes 1234567 | head -c 200000 >&2; echo last >&2", (struct child_options){0});
    assert_int_equal(run.error.length, LIMIT_STDERR_BYTES);
    assert_string_equal(text_get(&run.error) + run.error.length - 5, "last\n");
    run_done(&run);
}

static void pause_once(void *aux, const char *bytes, size_t length)
{
    struct run *run = aux;
    if (run->out.length == 0)
        loop_timer_start(run->resume, span_ms(20));
    text_add_bytes(&run->out, bytes, length);
    child_pause(run->child, run->out.length == length);
}

static void resume(void *aux)
{
    struct run *run = aux;
    text_add(&run->out, "|");
    child_pause(run->child, false);
}

static void test_a_paused_child_waits(void **unused)
{
    struct run run = {0};
    const char *argv[] = {"sh", "-c", "echo one; sleep 0.005; echo two", NULL};
    struct child_options options = {
        .argv = argv, .output = pause_once, .done = take_end, .aux = &run};
    struct err err;
    run.loop = loop_new();
    run.resume = loop_timer_new(run.loop, resume, &run);
    run.child = child_start(run.loop, &options, &err);
    loop_run(run.loop);
    assert_string_equal(text_get(&run.out), "one\n|two\n");
    assert_int_equal(run.ends, 1);
    loop_timer_free(run.resume);
    loop_free(run.loop);
    run_done(&run);
}

/* Its deadline waits with it: that we do not read is not its fault. */
static void test_a_paused_child_is_not_too_slow(void **unused)
{
    struct run run = {0};
    const char *argv[] = {"sh", "-c", "echo one; echo two", NULL};
    struct child_options options = {
        .argv = argv, .output = pause_once, .done = take_end, .aux = &run, .timeout = span_ms(200)};
    struct err err;
    run.loop = loop_new();
    run.resume = loop_timer_new(run.loop, resume, &run);
    run.child = child_start(run.loop, &options, &err);
    loop_timer_start(run.resume, span_ms(260));
    child_pause(run.child, true);
    loop_run(run.loop);
    assert_string_equal(text_get(&run.out), "|one\ntwo\n");
    assert_int_equal(run.end.outcome, CHILD_EXITED);
    loop_timer_free(run.resume);
    loop_free(run.loop);
    run_done(&run);
}

static void test_after_a_kill_comes_nothing(void **unused)
{
    struct run run = {.kill_on_output = true};
    run_shell(&run, "echo one; sleep 30", (struct child_options){0});
    assert_string_equal(text_get(&run.out), "one\n");
    assert_int_equal(run.ends, 0);
    run_done(&run);
}

static void test_freeing_the_loop_kills(void **unused)
{
    struct run run = {0};
    const char *argv[] = {"sleep", "30", NULL};
    struct child_options options = {
        .argv = argv, .output = take_output, .done = take_end, .aux = &run};
    struct err err;
    run.loop = loop_new();
    assert_non_null(child_start(run.loop, &options, &err));
    loop_free(run.loop);
    assert_int_equal(run.ends, 0);
}

static void test_a_missing_program_is_an_error(void **unused)
{
    const char *argv[] = {"/nonexistent/program", NULL};
    struct child_options options = {.argv = argv, .output = take_output, .done = take_end};
    struct loop *loop = loop_new();
    struct err err;
    assert_null(child_start(loop, &options, &err));
    assert_non_null(strstr(err.text, "starting /nonexistent/program: no such file"));
    loop_free(loop);
}

static void test_descriptors_stay_here(void **unused)
{
    struct run run = {0};
    int fd = open("/dev/null", O_RDONLY);
    int high = fcntl(fd, F_DUPFD, 50);
    assert_true(high >= 50);
    run_shell(&run, "ls /proc/self/fd | tr '\\n' ' '; read x || echo eof",
              (struct child_options){0});
    assert_string_equal(text_get(&run.out), "0 1 2 3 eof\n"); /* 3 is ls's own */
    close(fd);
    close(high);
    run_done(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_and_exit_code_arrive),
        cmocka_unit_test(test_a_signal_is_told_apart),
        cmocka_unit_test(test_a_drip_is_ended_by_the_time_out),
        cmocka_unit_test(test_grandchildren_die_with_the_group),
        cmocka_unit_test(test_endless_output_is_cut),
        cmocka_unit_test(test_the_end_of_a_long_stderr_is_kept),
        cmocka_unit_test(test_a_paused_child_waits),
        cmocka_unit_test(test_a_paused_child_is_not_too_slow),
        cmocka_unit_test(test_after_a_kill_comes_nothing),
        cmocka_unit_test(test_freeing_the_loop_kills),
        cmocka_unit_test(test_a_missing_program_is_an_error),
        cmocka_unit_test(test_descriptors_stay_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
