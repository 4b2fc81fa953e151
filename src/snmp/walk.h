/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SNMP_WALK_H
#define MUSTER_SNMP_WALK_H

#include "base/map.h"
#include "snmp/internal.h"

/* A walk's own state, shared by walk.c (reading a segment row by row) and
 * walk_split.c (dividing what is left among more segments). A segment reads the
 * names after `name` up to, not including, `end`; segments do not overlap, so no
 * row is delivered twice. An unsplit walk has one segment without end. */

enum { SEGMENTS_MAX = 16, NAME_INLINE = 56 };

struct segment {
    struct job job;
    uint8_t *name; /* last name seen: the prefix and a tail; `room` or heap */
    uint32_t length, capacity;
    uint8_t end[16];     /* tail where the next segment begins */
    uint32_t end_length; /* 0: open */
    bool done;
    uint64_t rows; /* delivered by this segment */
    /* When the walk may be split: its first row as a number, and one beyond which it
     * has no rows. */
    bool keyed;
    uint64_t first_key, bound_key;
    uint8_t room[NAME_INLINE];
};

struct splitter;

struct walk {
    struct snmp_task task;
    snmp_rows_fn *rows;
    uint64_t row_limit;
    unsigned repetitions_most; /* 0: as the device has it */
    uint32_t prefix_length;
    bool unordered;
    struct map seen; /* unordered: hashes of the tails so far */
    struct segment first;
    struct splitter *splitter; /* NULL: never split */
};

/* Initialises a segment that begins after prefix + tail, and adds its job. */
void segment_init(struct walk *walk, struct segment *segment, const uint8_t *prefix,
                  const uint8_t *tail, size_t tail_length);

/* Says that `segment` saw its end; ends the walk when it was the last. */
void segment_end(struct walk *walk, struct segment *segment);

/* --- walk_split.c --- */

/* Prepares a walk for at most `segments` parts. */
void splitter_new(struct walk *walk, enum snmp_index index, unsigned segments);
void splitter_free(struct splitter *splitter);
/* Notes the first row of a segment. */
void splitter_first_row(const struct walk *walk, struct segment *segment, const uint8_t *name,
                        size_t length);
/* Called after each answer that leaves something to read, and when a segment
 * ends: begins to look for a split if one is worth while. Returns whether any
 * segment still reads. */
bool splitter_consider(struct walk *walk);

#endif
