/* SPDX-License-Identifier: Apache-2.0 */

/* In a child, since the descriptors are the test's own. */

#include "base/standard.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int run(int (*part)(void))
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(part());
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int closed(void)
{
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    standard_open();
    int next = open("/dev/null", O_RDONLY);
    return next > STDERR_FILENO && write(STDOUT_FILENO, "x", 1) < 0 ? 0 : 1;
}

static void what_was_closed_is_taken_and_cannot_be_written(void **state)
{
    (void)state;
    assert_int_equal(run(closed), 0);
}

static int all_open(void)
{
    int before = dup(STDERR_FILENO);
    close(before);
    standard_open();
    int after = dup(STDERR_FILENO);
    return before == after && !standard_reader_gone() ? 0 : 1;
}

static void what_is_open_stays(void **state)
{
    (void)state;
    assert_int_equal(run(all_open), 0);
}

static int reader_gone(void)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    if (pipe(ends) != 0 || dup2(ends[1], STDOUT_FILENO) < 0 || standard_reader_gone())
        return 1;
    close(ends[0]);
    return standard_reader_gone() ? 0 : 1;
}

static void a_reader_that_went_is_known(void **state)
{
    (void)state;
    assert_int_equal(run(reader_gone), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_closed_is_taken_and_cannot_be_written),
        cmocka_unit_test(what_is_open_stays),
        cmocka_unit_test(a_reader_that_went_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
