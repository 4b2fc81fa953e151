/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/segments.h"

#include "base/alloc.h"
#include "base/check.h"

void segments_init(struct segments *segments, uint32_t item_size)
{
    *segments = (struct segments){.item_size = item_size};
}

static size_t part_size(const struct segments *segments, unsigned part)
{
    return ((size_t)1 << (SEGMENTS_FIRST_BITS + part)) * segments->item_size;
}

void segments_done(struct segments *segments)
{
    for (unsigned i = 0; i < SEGMENTS_COUNT; i++)
        alloc_huge_free(segments->parts[i], part_size(segments, i));
    *segments = (struct segments){.item_size = segments->item_size};
}

void segments_reach(struct segments *segments, uint32_t number)
{
    for (unsigned i = 0; number >= segments->capacity; i++) {
        CHECK(i < SEGMENTS_COUNT);
        if (segments->parts[i] != NULL)
            continue;
        segments->parts[i] = alloc_huge_lazy(part_size(segments, i));
        segments->capacity += 1U << (SEGMENTS_FIRST_BITS + i);
    }
}

void segments_ready(struct segments *segments, uint32_t count)
{
    if (count > 0)
        segments_reach(segments, count - 1);
    for (unsigned i = 0; i < SEGMENTS_COUNT && count > 0; i++) {
        uint32_t here = 1U << (SEGMENTS_FIRST_BITS + i), used = count < here ? count : here;
        alloc_huge_touch(segments->parts[i], (size_t)used * segments->item_size);
        count -= used;
    }
}

size_t segments_size(const struct segments *segments, uint32_t count)
{
    const size_t page = 4096, huge = 2 * 1024 * 1024;
    size_t bytes = 0;
    for (unsigned i = 0; i < SEGMENTS_COUNT && count > 0; i++) {
        uint32_t here = 1U << (SEGMENTS_FIRST_BITS + i);
        uint32_t used = count < here ? count : here;
        size_t whole = part_size(segments, i), grain = whole >= huge ? huge : page;
        size_t touched = ((size_t)used * segments->item_size + grain - 1) / grain * grain;
        bytes += touched < whole ? touched : whole;
        count -= used;
    }
    return bytes;
}
