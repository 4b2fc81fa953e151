/* SPDX-License-Identifier: Apache-2.0 */
#include "source/trap_rate.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"

enum { TOKEN = 1000000, NOTICE_US = 10 * 1000 * 1000, DEBT_BURSTS = 4 };

struct bucket {
    struct ip owner;
    int64_t tokens; /* millionths; below zero: owed */
    int64_t at_us;
    int64_t noticed_us;
    bool used, lost;
};

struct trap_rate {
    struct trap_rate_settings settings;
    uint64_t seed;
    struct bucket strangers;
    struct bucket buckets[LIMIT_TRAP_DEVICES];
};

struct trap_rate *trap_rate_new(const struct trap_rate_settings *settings)
{
    struct trap_rate *rate = alloc_zeroed(1, sizeof(*rate));
    rate->settings = *settings;
    rate->seed = hash_seed();
    return rate;
}

void trap_rate_free(struct trap_rate *rate)
{
    free(rate);
}

/* A stranger's second of tokens is also its burst. */
static int64_t full(const struct trap_rate *rate, bool stranger)
{
    return (int64_t)TOKEN * (stranger ? rate->settings.strangers : rate->settings.burst);
}

static struct bucket *bucket_of(struct trap_rate *rate, const struct ip *from, bool stranger)
{
    if (stranger)
        return &rate->strangers;
    uint64_t hash = hash_bytes(from->octets, sizeof(from->octets), rate->seed);
    return &rate->buckets[hash % LIMIT_TRAP_DEVICES];
}

static void refill(const struct trap_rate *rate, struct bucket *bucket, bool stranger,
                   struct mono now)
{
    int64_t most = full(rate, stranger);
    uint32_t each = stranger ? rate->settings.strangers : rate->settings.each;
    int64_t passed = now.us - bucket->at_us;
    if (!bucket->used || passed > INT64_C(3600) * 1000000)
        bucket->tokens = most;
    else if (passed > 0)
        bucket->tokens += passed * each;
    if (bucket->tokens > most)
        bucket->tokens = most;
    bucket->at_us = now.us;
    bucket->used = true;
}

enum trap_verdict trap_rate_take(struct trap_rate *rate, const struct ip *from, bool stranger,
                                 struct mono now)
{
    struct bucket *bucket = bucket_of(rate, from, stranger);
    refill(rate, bucket, stranger, now);
    if (!ip_equal(&bucket->owner, from) && bucket->tokens == full(rate, stranger)) {
        bucket->owner = *from;
        bucket->lost = false;
    }
    if (bucket->tokens < TOKEN) {
        bucket->lost = true;
        return TRAP_DROP;
    }
    bucket->tokens -= TOKEN;
    if (!bucket->lost || (bucket->noticed_us != 0 && now.us - bucket->noticed_us < NOTICE_US))
        return TRAP_PASS;
    bucket->lost = false;
    bucket->noticed_us = now.us;
    return TRAP_PASS_AFTER_LOSS;
}

void trap_rate_owe(struct trap_rate *rate, const struct ip *from, bool stranger, uint32_t count)
{
    struct bucket *bucket = bucket_of(rate, from, stranger);
    int64_t least = -DEBT_BURSTS * full(rate, stranger);
    bucket->tokens -= (int64_t)count * TOKEN;
    if (bucket->tokens < least)
        bucket->tokens = least;
}
