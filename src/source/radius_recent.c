/* SPDX-License-Identifier: Apache-2.0 */
#include "source/radius_recent.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { NONE = 0 }; /* chains hold an entry's number plus one */

struct entry {
    uint64_t key;
    uint32_t since; /* seconds; 0: free */
    uint32_t next : 31;
    uint32_t done : 1;
};

struct radius_recent {
    struct entry *entries;
    uint32_t *heads;
    uint32_t mask, at; /* `at`: the oldest, which is overwritten next */
    struct span keep;
};

struct radius_recent *radius_recent_new(uint32_t capacity, struct span keep)
{
    CHECK(capacity > 0 && capacity < (UINT32_C(1) << 31) && (capacity & (capacity - 1)) == 0);
    struct radius_recent *recent = alloc_zeroed(1, sizeof(*recent));
    *recent = (struct radius_recent){
        .entries = alloc_zeroed(capacity, sizeof(*recent->entries)),
        .heads = alloc_zeroed(capacity, sizeof(*recent->heads)),
        .mask = capacity - 1,
        .keep = keep,
    };
    return recent;
}

void radius_recent_free(struct radius_recent *recent)
{
    if (recent == NULL)
        return;
    free(recent->entries);
    free(recent->heads);
    free(recent);
}

/* Never 0, which marks a free entry. */
static uint32_t seconds_of(struct mono now)
{
    return (uint32_t)(now.us / 1000000) + 1;
}

static struct entry *find(const struct radius_recent *recent, uint64_t key)
{
    for (uint32_t i = recent->heads[key & recent->mask]; i != NONE;
         i = recent->entries[i - 1].next) {
        if (recent->entries[i - 1].key == key)
            return &recent->entries[i - 1];
    }
    return NULL;
}

enum radius_repeat radius_recent_find(const struct radius_recent *recent, uint64_t key,
                                      struct mono now)
{
    const struct entry *entry = find(recent, key);
    if (entry == NULL)
        return RADIUS_NEWS;
    if ((int64_t)(seconds_of(now) - entry->since) * 1000000 > recent->keep.us)
        return RADIUS_NEWS;
    return entry->done ? RADIUS_REPEATS_DONE : RADIUS_REPEATS_PENDING;
}

static void unlink_entry(struct radius_recent *recent, struct entry *entry)
{
    const uint32_t number = (uint32_t)(entry - recent->entries) + 1;
    const uint32_t head = (uint32_t)(entry->key & recent->mask);
    if (recent->heads[head] == number) {
        recent->heads[head] = entry->next;
    } else {
        uint32_t i = recent->heads[head];
        while (recent->entries[i - 1].next != number)
            i = recent->entries[i - 1].next;
        recent->entries[i - 1].next = entry->next;
    }
    *entry = (struct entry){0};
}

void radius_recent_put(struct radius_recent *recent, uint64_t key, struct mono now)
{
    struct entry *old = find(recent, key);
    if (old != NULL)
        unlink_entry(recent, old); /* it had become too old */
    struct entry *entry = &recent->entries[recent->at];
    if (entry->since != 0)
        unlink_entry(recent, entry);
    const uint32_t head = (uint32_t)(key & recent->mask);
    *entry = (struct entry){
        .key = key, .since = seconds_of(now), .next = recent->heads[head] & 0x7fffffff};
    recent->heads[head] = recent->at + 1;
    recent->at = (recent->at + 1) & recent->mask;
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
        unlink_entry(recent, entry);
}
