/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_SEGMENTS_H
#define MUSTER_AUDIT_SEGMENTS_H

#include <stddef.h>
#include <stdint.h>

/* Records known by number, in room that grows without moving them.
 *
 * An array that doubles copies itself, and while it copies ten million records nobody
 * is answered. Here the first segment holds 4096 records and each next one twice as
 * many as the one before, so a number is a segment (its highest bit) and an offset,
 * three instructions away. Growing is one mapping whose pages appear as they are first
 * written, huge ones where the kernel has them. New records are zero. Nothing is given
 * back before the end: who uses this keeps a list of free numbers, and a bound. */

enum { SEGMENTS_FIRST_BITS = 12, SEGMENTS_COUNT = 19 };

struct segments {
    char *parts[SEGMENTS_COUNT];
    uint32_t item_size; /* bytes of one record */
    uint32_t capacity;  /* records that there is room for */
};

/* Starts empty, for records of `item_size` bytes. */
void segments_init(struct segments *segments, uint32_t item_size);
void segments_done(struct segments *segments);

/* Makes room for record `number`; aborts beyond 2^31 - 4096. */
void segments_reach(struct segments *segments, uint32_t number);

/* Takes the memory for records 0 to `count` - 1 now. */
void segments_ready(struct segments *segments, uint32_t count);

/* Returns the bytes that the records below `count` lie on: what was written at most. */
size_t segments_size(const struct segments *segments, uint32_t count);

/* Returns record `number`, which must have been reached; `item_size` as at the
 * beginning, given again so that the compiler knows it. */
static inline void *segments_at(const struct segments *segments, uint32_t number, size_t item_size)
{
    uint32_t place = number + (1U << SEGMENTS_FIRST_BITS);
    unsigned bit = 31U - (unsigned)__builtin_clz(place);
    return segments->parts[bit - SEGMENTS_FIRST_BITS] + (size_t)(place - (1U << bit)) * item_size;
}

#endif
