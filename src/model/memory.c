/* SPDX-License-Identifier: Apache-2.0 */
#include "model/memory.h"

#include <string.h>

struct wall memory_off_first(const struct memory *memory, const char *guest_identity)
{
    size_t low = 0, high = memory != NULL ? memory->off_count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(memory->offs[middle].guest_identity, guest_identity);
        if (order == 0)
            return memory->offs[middle].first_read;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return WALL_UNKNOWN;
}

struct wall memory_open_first(const struct memory *memory, const char *identity)
{
    size_t low = 0, high = memory != NULL ? memory->open_count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(memory->opens[middle].identity, identity);
        if (order == 0)
            return memory->opens[middle].first;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return WALL_UNKNOWN;
}

const struct open_since *memory_opens(const struct memory *memory, const char *prefix,
                                      size_t *ret_count)
{
    size_t low = 0, count = memory != NULL ? memory->open_count : 0, high = count;
    size_t length = strlen(prefix);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strncmp(memory->opens[middle].identity, prefix, length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < count && strncmp(memory->opens[end].identity, prefix, length) == 0)
        end++;
    *ret_count = end - low;
    return end > low ? memory->opens + low : NULL;
}

const struct seen_interval *memory_intervals(const struct memory *memory, struct mac mac,
                                             size_t *ret_count)
{
    size_t low = 0, count = memory != NULL ? memory->interval_count : 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memory->intervals[middle].mac.bits < mac.bits)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < count && memory->intervals[end].mac.bits == mac.bits)
        end++;
    *ret_count = end - low;
    return end > low ? memory->intervals + low : NULL;
}
