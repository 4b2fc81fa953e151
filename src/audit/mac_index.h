/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_MAC_INDEX_H
#define MUSTER_AUDIT_MAC_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/check.h"

/* MAC -> what the sweep must know of it (PERFORMANCE P2).
 *
 * Two parts. The slots, 16 octets a MAC, lie one behind the other in the order in which
 * MACs were put: that of the records, in which the guests of one hypervisor mostly stand
 * together, so that the slots which one switch's rows ask for are near each other and
 * stay in the cache. The lines say where a MAC's slot is, and only they are asked all
 * over: open addressing over huge pages by cache lines of eight cells, each the low 32
 * bits of a MAC and the number of its slot, so that at a load of 3/4 they are 11 octets
 * a MAC. A line is looked at as a whole without a branch a cell, and 97 of 100 MACs are
 * in their first. The line is the high half of a seeded multiplicative hash times the
 * number of lines. The seed is the process's: whoever chooses MACs cannot choose their
 * lines, and MACs that agree in their low 32 bits are told apart by their slots.
 *
 * Where the records are in no order both parts are asked all over. Then the cost is
 * two misses a row instead of one, but they can overlap: mac_index_guess() some rows
 * ahead, mac_index_confirm() at the row. Keys are never removed. */

struct mac_slot {
    uint64_t key;   /* tag << 48 | MAC */
    uint32_t nic;   /* guest NIC, or hypervisor NIC where the tag says so */
    uint32_t owner; /* hypervisor */
};

#define MAC_SLOT_MASK ((UINT64_C(1) << 48) - 1)

/* The tag: VLAN set in the lowest 11 bits (0: no check needed). */
enum {
    MAC_TAG_VLAN = 0x07ff,
    MAC_TAG_SLOW = 0x0800,           /* never done by the fast path: off, shared, irregular ... */
    MAC_TAG_HYPERVISOR = 0x1000,     /* a hypervisor's NIC and no guest's */
    MAC_TAG_INFRASTRUCTURE = 0x2000, /* a managed switch's own */
    MAC_TAG_ALSO_NIC = 0x4000        /* a guest's and also a hypervisor's NIC */
};

enum { MAC_LINE_CELLS = 8 };

struct mac_line {
    uint32_t low[MAC_LINE_CELLS];
    uint32_t entry[MAC_LINE_CELLS]; /* number of the slot and 1; 0: free, as are those behind */
};

struct mac_index {
    struct mac_line *lines;
    struct mac_slot *slots;
    uint64_t line_count, factor;
    size_t count, capacity; /* of slots */
    size_t bytes;           /* of both */
};

/* Makes room for `count` MACs: all there will be. */
void mac_index_init(struct mac_index *index, size_t count);
void mac_index_done(struct mac_index *index);

/* Returns the line that is filled first with such MACs. */
static inline struct mac_line *mac_index_home(const struct mac_index *index, uint64_t mac)
{
    return index->lines +
           (uint64_t)((unsigned __int128)(mac * index->factor) * index->line_count >> 64);
}

/* Returns a bit for each of the eight numbers at `cells` that is `wanted`. */
static inline unsigned mac_line_match(const uint32_t *cells, uint32_t wanted)
{
#ifdef __SSE2__
    __m128i all = _mm_set1_epi32((int)wanted);
    const __m128i *at = (const void *)cells;
    __m128i low = _mm_cmpeq_epi32(_mm_loadu_si128(at), all);
    __m128i high = _mm_cmpeq_epi32(_mm_loadu_si128(at + 1), all);
    return (unsigned)_mm_movemask_ps(_mm_castsi128_ps(low)) |
           (unsigned)_mm_movemask_ps(_mm_castsi128_ps(high)) << 4;
#else
    unsigned match = 0;
    for (unsigned i = 0; i < MAC_LINE_CELLS; i++)
        match |= (unsigned)(cells[i] == wanted) << i;
    return match;
#endif
}

/* Fetches the line that mac_index_find(), _guess() and _put() will look at first. */
static FETCHES_AHEAD void mac_index_prefetch(const struct mac_index *index, uint64_t mac)
{
    __builtin_prefetch(mac_index_home(index, mac), 1);
}

/* Returns the slot of `mac` (48 bits), NULL when it is not there. */
static inline struct mac_slot *mac_index_find(const struct mac_index *index, uint64_t mac)
{
    const struct mac_line *line = mac_index_home(index, mac);
    for (;;) {
        unsigned match = mac_line_match(line->low, (uint32_t)mac);
        for (; match != 0; match &= match - 1) {
            uint32_t entry = line->entry[__builtin_ctz(match)];
            if (entry != 0 && (index->slots[entry - 1].key & MAC_SLOT_MASK) == mac)
                return &index->slots[entry - 1];
        }
        if (line->entry[MAC_LINE_CELLS - 1] == 0)
            return NULL;
        if (++line == index->lines + index->line_count)
            line = index->lines;
    }
}

/* Returns what is probably the entry of `mac`, 0 when its first line has none, and
 * fetches its slot. */
static inline uint32_t mac_index_guess(const struct mac_index *index, uint64_t mac)
{
    const struct mac_line *line = mac_index_home(index, mac);
    unsigned match = mac_line_match(line->low, (uint32_t)mac);
    uint32_t entry = match != 0 ? line->entry[__builtin_ctz(match)] : 0;
    __builtin_prefetch(index->slots + (entry != 0 ? entry - 1 : 0));
    return entry;
}

/* As mac_index_find(), quick where `guess` is the entry. */
static inline struct mac_slot *mac_index_confirm(const struct mac_index *index, uint64_t mac,
                                                 uint32_t guess)
{
    if (guess != 0 && (index->slots[guess - 1].key & MAC_SLOT_MASK) == mac)
        return &index->slots[guess - 1];
    return mac_index_find(index, mac);
}

/* Returns the slot of `mac`, new (nic, owner UINT32_MAX, tag 0) or old; sets
 * *ret_new. Aborts when there are more MACs than the index was made for. */
static inline struct mac_slot *mac_index_put(struct mac_index *index, uint64_t mac, bool *ret_new)
{
    struct mac_line *line = mac_index_home(index, mac);
    unsigned unused;
    for (;;) {
        unsigned match = mac_line_match(line->low, (uint32_t)mac);
        for (; match != 0; match &= match - 1) {
            uint32_t entry = line->entry[__builtin_ctz(match)];
            *ret_new = false;
            if (entry != 0 && (index->slots[entry - 1].key & MAC_SLOT_MASK) == mac)
                return &index->slots[entry - 1];
        }
        unused = mac_line_match(line->entry, 0);
        if (unused != 0)
            break;
        if (++line == index->lines + index->line_count)
            line = index->lines;
    }
    CHECK(index->count < index->capacity);
    *ret_new = true;
    struct mac_slot *slot = &index->slots[index->count++];
    *slot = (struct mac_slot){mac, UINT32_MAX, UINT32_MAX};
    unsigned cell = (unsigned)__builtin_ctz(unused);
    line->low[cell] = (uint32_t)mac;
    line->entry[cell] = (uint32_t)index->count;
    return slot;
}

#endif
