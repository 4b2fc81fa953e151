/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/schedule.h"

#include <string.h>

#define REST_LEAST span_ms(1)
#define REST_MOST  span_ms(20)
enum { RESTS_A_WORK = 4 };

/* FNV-1a with a final mix: the phase must be the same in every run, and names that differ
 * in their last digit must land far from each other. */
static uint64_t stable_hash(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    hash ^= hash >> 33;
    hash *= UINT64_C(0xff51afd7ed558ccd);
    return hash ^ hash >> 33;
}

/* Returns `most` times a fraction in [0, 1) that depends on the name only. */
static int64_t share(const char *name, int64_t most)
{
    return (int64_t)((double)(stable_hash(name) >> 11) / (double)(UINT64_C(1) << 53) *
                     (double)most);
}

struct span schedule_phase(const char *name, struct span interval, int64_t percent)
{
    return span_us(share(name, interval.us / 100 * percent));
}

struct mono schedule_next(struct mono origin, struct span interval, struct span phase,
                          struct mono now)
{
    int64_t first = origin.us + phase.us;
    if (now.us < first)
        return (struct mono){first};
    int64_t passed = (now.us - first) / interval.us + 1;
    return (struct mono){first + passed * interval.us};
}

struct span schedule_backoff(const char *name, struct span first, struct span most,
                             unsigned failures)
{
    int64_t rest = first.us, bound = most.us > first.us ? most.us : first.us;
    for (unsigned i = 1; i < failures && rest < bound; i++)
        rest *= 2;
    if (rest > bound)
        rest = bound;
    return span_us(rest - share(name, rest / 4));
}

void pace_rest(struct pace *pace, struct mono begun, struct mono now)
{
    int64_t worked = mono_since(now, begun).us;
    int64_t rest = worked < REST_MOST.us ? RESTS_A_WORK * worked : REST_MOST.us;
    if (rest < REST_LEAST.us)
        rest = REST_LEAST.us;
    pace->rests_until = mono_add(now, rest < REST_MOST.us ? span_us(rest) : REST_MOST);
}

struct span pace_wait(const struct pace *pace, struct span wait, struct mono now)
{
    struct span rest = mono_since(pace->rests_until, now);
    return wait.us > rest.us ? wait : rest;
}

struct bucket bucket_of(struct span gap, unsigned burst)
{
    return (struct bucket){.gap = gap, .burst = burst, .full_at = {INT64_MIN}};
}

struct span bucket_take(struct bucket *bucket, struct mono now)
{
    int64_t full = bucket->full_at.us > now.us ? bucket->full_at.us : now.us;
    int64_t after = full + bucket->gap.us;
    int64_t most = now.us + bucket->gap.us * bucket->burst;
    if (after > most)
        return span_us(after - most);
    bucket->full_at.us = after;
    return span_us(0);
}
