/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/privilege.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What is given up cannot be had back: each trial is a process of its own, whose exit status
 * is the number of what is wrong. */

static int run(int (*trial)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(trial());
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Whether a line of /proc/self/status says that a set of capabilities is empty. */
static int has_capabilities(const char *set)
{
    char line[256];
    int found = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, set, strlen(set)) == 0)
            found = strtoull(line + strlen(set), NULL, 16) != 0;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static int drop_and_look(const char *user)
{
    struct err err;
    if (privilege_drop(user, &err) != 0)
        return 1;
    if (has_capabilities("CapEff:") != 0 || has_capabilities("CapPrm:") != 0 ||
        has_capabilities("CapInh:") != 0 || has_capabilities("CapAmb:") != 0)
        return 2;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 3;
    return 0;
}

static int drop(void)
{
    int wrong = drop_and_look(NULL);
    if (wrong != 0)
        return wrong;
    return geteuid() == 0 && has_capabilities("CapBnd:") != 0 ? 4 : 0;
}

static int drop_to_nobody(void)
{
    int wrong = drop_and_look("nobody");
    if (wrong != 0)
        return wrong;
    if (geteuid() == 0 || getuid() == 0 || setuid(0) == 0 || seteuid(0) == 0)
        return 5;
    return setgid(0) == 0 || access("/root", R_OK) == 0 ? 6 : 0;
}

static int drop_to_nobody_there(void)
{
    struct err err;
    int status = privilege_drop("no-such-user-here", &err);
    return status == ERR_NOT_FOUND && strstr(err.text, "no-such-user-here") != NULL ? 0 : 7;
}

static void *wait_for_end(void *unused)
{
    pause();
    return NULL;
}

static int drop_with_threads(void)
{
    pthread_t thread;
    struct err err;
    if (pthread_create(&thread, NULL, wait_for_end, NULL) != 0)
        return 8;
    return privilege_drop(NULL, &err) == ERR_SYSTEM ? 0 : 9;
}

static void test_every_capability_is_gone(void **unused)
{
    assert_int_equal(run(drop), 0);
}

static void test_root_becomes_the_user_for_good(void **unused)
{
    if (geteuid() != 0)
        skip();
    assert_int_equal(run(drop_to_nobody), 0);
    assert_int_equal(run(drop_to_nobody_there), 0);
}

static void test_threads_forbid_it(void **unused)
{
    assert_int_equal(run(drop_with_threads), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_capability_is_gone),
        cmocka_unit_test(test_root_becomes_the_user_for_good),
        cmocka_unit_test(test_threads_forbid_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
