/* SPDX-License-Identifier: Apache-2.0 */
#include "source/radius_recent.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { WAYS = 4 };

struct entry {
    uint64_t key;
    uint32_t since; /* seconds; 0: free */
    bool done;
};

/* One cache line. */
struct line {
    struct entry entries[WAYS];
};

struct radius_recent {
    struct line *lines;
    size_t count;
    struct span keep;
};

struct radius_recent *radius_recent_new(uint32_t capacity, struct span keep)
{
    CHECK(capacity >= WAYS && (capacity & (capacity - 1)) == 0);
    struct radius_recent *recent = alloc_zeroed(1, sizeof(*recent));
    recent->count = capacity / WAYS;
    recent->lines = alloc_huge_lazy(recent->count * sizeof(*recent->lines));
    recent->keep = keep;
    return recent;
}

void radius_recent_free(struct radius_recent *recent)
{
    if (recent == NULL)
        return;
    alloc_huge_free(recent->lines, recent->count * sizeof(*recent->lines));
    free(recent);
}

/* Never 0, which marks a free entry. */
static uint32_t seconds_of(struct mono now)
{
    return (uint32_t)(now.us / 1000000) + 1;
}

static struct line *line_of(const struct radius_recent *recent, uint64_t key)
{
    return &recent->lines[key & (recent->count - 1)];
}

void radius_recent_expect(const struct radius_recent *recent, uint64_t key)
{
    __builtin_prefetch(line_of(recent, key), 1);
}

static struct entry *find(const struct radius_recent *recent, uint64_t key)
{
    struct line *line = line_of(recent, key);
    for (size_t i = 0; i < WAYS; i++) {
        if (line->entries[i].key == key && line->entries[i].since != 0)
            return &line->entries[i];
    }
    return NULL;
}

static bool is_old(const struct radius_recent *recent, const struct entry *entry, uint32_t now)
{
    return (int64_t)(now - entry->since) * 1000000 > recent->keep.us;
}

enum radius_repeat radius_recent_find(const struct radius_recent *recent, uint64_t key,
                                      struct mono now)
{
    const struct entry *entry = find(recent, key);
    if (entry == NULL || is_old(recent, entry, seconds_of(now)))
        return RADIUS_NEWS;
    return entry->done ? RADIUS_REPEATS_DONE : RADIUS_REPEATS_PENDING;
}

/* Whether `a` is the better one to give up. */
static bool gives_way(const struct radius_recent *recent, const struct entry *a,
                      const struct entry *b, uint32_t now)
{
    const bool a_free = a->since == 0 || is_old(recent, a, now);
    const bool b_free = b->since == 0 || is_old(recent, b, now);
    if (a_free != b_free)
        return a_free;
    if (a->done != b->done)
        return a->done;
    return a->since < b->since;
}

void radius_recent_put(struct radius_recent *recent, uint64_t key, struct mono now)
{
    const uint32_t since = seconds_of(now);
    struct entry *place = find(recent, key);
    if (place == NULL) {
        struct line *line = line_of(recent, key);
        place = &line->entries[0];
        for (size_t i = 1; i < WAYS; i++) {
            if (gives_way(recent, &line->entries[i], place, since))
                place = &line->entries[i];
        }
    }
    *place = (struct entry){.key = key, .since = since};
}

void radius_recent_done(struct radius_recent *recent, uint64_t key)
{
    struct entry *entry = find(recent, key);
    if (entry != NULL)
        entry->done = true;
}

void radius_recent_forget(struct radius_recent *recent, uint64_t key)
{
    struct entry *entry = find(recent, key);
    if (entry != NULL)
        *entry = (struct entry){0};
}
