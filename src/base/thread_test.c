/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

/* As <linux/sched/types.h>, which cannot be included beside <sched.h>. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static uint64_t slice_ns(void)
{
    struct attributes attributes = {0};
    assert_int_equal(syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0), 0);
    assert_int_equal(attributes.policy, SCHED_OTHER);
    return attributes.runtime;
}

static void test_a_thread_that_is_waited_for_has_short_slices(void **unused)
{
    struct utsname kernel;
    int major = 0, minor = 0;
    assert_int_equal(uname(&kernel), 0);
    assert_int_equal(sscanf(kernel.release, "%d.%d", &major, &minor), 2);
    if (major < 6 || (major == 6 && minor < 12)) {
        print_message("skipped: Linux before 6.12 has no such wish\n");
        skip();
    }
    uint64_t usual = slice_ns();
    thread_is_waited_for();
    assert_true(slice_ns() < usual);
    thread_has_time();
    assert_int_equal(slice_ns(), usual);
}

static void test_nothing_else_about_the_thread_changes(void **unused)
{
    assert_int_equal(setpriority(PRIO_PROCESS, 0, 3), 0);
    thread_is_waited_for();
    assert_int_equal(getpriority(PRIO_PROCESS, 0), 3);
    assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
    thread_has_time();
    assert_int_equal(getpriority(PRIO_PROCESS, 0), 3);
    assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

static void *yield(void *aux)
{
    thread_yields();
    assert_int_equal(getpriority(PRIO_PROCESS, 0), 10);
    assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
    assert_int_equal(setpriority(PRIO_PROCESS, 0, 15), 0);
    thread_yields();
    assert_int_equal(getpriority(PRIO_PROCESS, 0), 15);
    return NULL;
}

/* In a thread of its own: without privilege nobody comes back from it. */
static void test_a_thread_that_yields_is_nicer_than_others(void **unused)
{
    pthread_t thread;
    int before = getpriority(PRIO_PROCESS, 0);
    assert_int_equal(pthread_create(&thread, NULL, yield, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thread_that_is_waited_for_has_short_slices),
        cmocka_unit_test(test_nothing_else_about_the_thread_changes),
        cmocka_unit_test(test_a_thread_that_yields_is_nicer_than_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
