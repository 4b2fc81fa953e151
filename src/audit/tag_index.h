/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_TAG_INDEX_H
#define MUSTER_AUDIT_TAG_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Finds numbered records by a 64-bit hash of their key, several of one key too, in
 * about eight bytes a record, and grows and shrinks while in use without a pause.
 *
 * A line is one cache line: twelve one-octet tags, twelve record numbers, and how many
 * records have gone past it to later lines because it was full when they came. A
 * lookup compares twelve tags at once and looks at records whose tag agrees, so it costs
 * one cache line here and one at the record; it goes on to the next line only where the
 * count of those that went past is not zero. Removing lowers the counts again, so there
 * are no grave marks and no cleaning up.
 *
 * Growing: a table half as large again is put in front, lookups ask both, and each
 * insertion carries one line over from the old one, from the lowest hashes to the highest.
 * What hashes beyond that still goes into the old one: so the new one is written from its
 * beginning on, and its pages come one by one instead of all within the first few
 * insertions. No call does more than one line's work.
 *
 * The records stay the caller's: the index asks for their hash (only to move them) and
 * the caller compares keys. The hash must be seeded: whoever chooses keys could
 * otherwise fill one line; and how many records may share one key must be bounded,
 * because they lie on neighbouring lines. */

enum { TAG_LINE_ITEMS = 12 };
#define TAG_NONE UINT32_MAX

struct tag_line {
    uint8_t tags[TAG_LINE_ITEMS]; /* 0: free */
    uint32_t past;                /* records that live on later lines for want of room here */
    uint32_t items[TAG_LINE_ITEMS];
};

struct tag_table {
    struct tag_line *lines;
    uint32_t line_count;
    uint32_t count; /* items */
};

struct tag_index {
    struct tag_table now, old; /* old.lines is NULL except while it is carried over */
    uint32_t carried;          /* lines of `old` that were carried over */
    uint32_t lines_expected;   /* how many the next table has at least */
    uint64_t (*hash_of)(const void *aux, uint32_t item);
    const void *aux;
};

/* Starts an empty index; `hash_of` returns the hash under which `item` was put. */
void tag_index_init(struct tag_index *index, uint64_t (*hash_of)(const void *aux, uint32_t item),
                    const void *aux);
void tag_index_done(struct tag_index *index);

/* Takes the memory for `count` items now, so that no growing is needed until then. The index must
 * be empty. */
void tag_index_ready(struct tag_index *index, uint32_t count);

/* Says how many items there may come to be: growing goes to that size at once. Takes no memory
 * before the index grows. */
void tag_index_reserve(struct tag_index *index, uint32_t count);

/* Adds `item` under `hash`; it must not be there. */
void tag_index_put(struct tag_index *index, uint64_t hash, uint32_t item);

/* Removes `item`, which must be there under `hash`. */
void tag_index_remove(struct tag_index *index, uint64_t hash, uint32_t item);

/* Returns the bytes that the index holds. */
size_t tag_index_size(const struct tag_index *index);

static inline uint8_t tag_of(uint64_t hash)
{
    uint8_t tag = (uint8_t)hash;
    return tag == 0 ? 1 : tag;
}

static inline uint32_t tag_home(const struct tag_table *table, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * table->line_count >> 32);
}

/* Returns a bit for each place of the line whose tag is `tag`; tag_match_place() of the
 * lowest says which. Exact: no octet is taken for another. */
static inline uint64_t tag_match(const struct tag_line *line, uint8_t tag)
{
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t pattern = UINT64_C(0x0101010101010101) * tag, a;
    uint32_t b;
    memcpy(&a, line->tags, sizeof a);
    memcpy(&b, line->tags + sizeof a, sizeof b);
    a ^= pattern;
    uint64_t c = b ^ (pattern & UINT32_MAX);
    uint64_t first = ~(((a & low) + low) | a | low);
    uint64_t second = ~(((c & low) + low) | c | low) & UINT32_MAX;
    return first >> 7 | second >> 6;
}

static inline unsigned tag_match_place(uint64_t match)
{
    unsigned bit = (unsigned)__builtin_ctzll(match);
    return (bit >> 3) + ((bit & 1) != 0 ? 8 : 0);
}

/* Walks over the items whose tag agrees with `hash`. The index must not change meanwhile. */
struct tag_probe {
    const struct tag_index *index;
    const struct tag_table *table;
    uint64_t hash, match;
    uint32_t line, left; /* lines of `table` not looked at: ends the walk in any case */
};

static inline struct tag_probe tag_probe_begin(const struct tag_index *index, uint64_t hash)
{
    struct tag_probe probe = {.index = index, .table = &index->now, .hash = hash};
    if (index->now.line_count == 0)
        return (struct tag_probe){.index = index};
    probe.line = tag_home(probe.table, hash);
    probe.left = probe.table->line_count;
    probe.match = tag_match(&probe.table->lines[probe.line], tag_of(hash));
    return probe;
}

/* Returns the next item, TAG_NONE after the last. */
static inline uint32_t tag_probe_next(struct tag_probe *probe)
{
    if (probe->table == NULL)
        return TAG_NONE;
    for (;;) {
        const struct tag_line *line = &probe->table->lines[probe->line];
        if (__builtin_expect(probe->match != 0, 1)) {
            unsigned place = tag_match_place(probe->match);
            probe->match &= probe->match - 1;
            return line->items[place];
        }
        if (line->past > 0 && --probe->left > 0) {
            probe->line = probe->line + 1 == probe->table->line_count ? 0 : probe->line + 1;
        } else if (probe->table == &probe->index->now && probe->index->old.lines != NULL) {
            probe->table = &probe->index->old;
            probe->line = tag_home(probe->table, probe->hash);
            probe->left = probe->table->line_count;
        } else {
            probe->table = NULL;
            return TAG_NONE;
        }
        probe->match = tag_match(&probe->table->lines[probe->line], tag_of(probe->hash));
    }
}

/* Fetches the line that a lookup of `hash` will read. */
static inline void tag_index_expect(const struct tag_index *index, uint64_t hash)
{
    if (index->now.line_count > 0)
        __builtin_prefetch(&index->now.lines[tag_home(&index->now, hash)], 1);
    if (index->old.lines != NULL)
        __builtin_prefetch(&index->old.lines[tag_home(&index->old, hash)], 1);
}

#endif
