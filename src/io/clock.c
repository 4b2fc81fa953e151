/* SPDX-License-Identifier: Apache-2.0 */
#include "io/clock.h"

#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    CHECK(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct wall clock_wall(void)
{
    return (struct wall){read_us(CLOCK_REALTIME)};
}

struct mono clock_mono(void)
{
    return (struct mono){read_us(CLOCK_MONOTONIC)};
}

struct wall clock_env_now(void *unused)
{
    return clock_wall();
}
