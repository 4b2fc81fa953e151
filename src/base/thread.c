/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SHORT_SLICE_NS = 100 * 1000, USUAL_SLICE = 0 };

/* A tenth of the share of a thread beside it, where both want all of one processor. */
enum { YIELDING_NICE = 10 };

/* What the kernel calls struct sched_attr, in its first version; glibc has none before 2.41. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static void ask(uint64_t slice_ns, int32_t nice_least)
{
    struct attributes attributes = {.size = sizeof attributes};
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 ||
        attributes.policy != SCHED_OTHER)
        return;
    attributes.runtime = slice_ns;
    if (attributes.nice < nice_least)
        attributes.nice = nice_least;
    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void thread_is_waited_for(void)
{
    ask(SHORT_SLICE_NS, INT32_MIN);
}

void thread_has_time(void)
{
    ask(USUAL_SLICE, INT32_MIN);
}

void thread_yields(void)
{
    ask(USUAL_SLICE, YIELDING_NICE);
}
