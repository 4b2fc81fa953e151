/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_MAC_INDEX_H
#define MUSTER_AUDIT_MAC_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

/* MAC -> what the sweep must know of it, in one 16-byte slot (PERFORMANCE P2).
 *
 * Open addressing over huge pages, by cache lines of four slots: a line is filled
 * from its first slot and looked at as a whole without a branch a slot, and nine of
 * ten MACs are in their first line. The line is the high half of a seeded
 * multiplicative hash times the number of lines, so the table need not be a power
 * of two and its load can stay at 2/3: 24 bytes an entry. The
 * seed is the process's: whoever chooses MACs cannot choose their slots. A slot's key
 * has the 48 bits of the MAC below and a 16-bit tag above, so that one compare finds
 * it and one cache line answers. Keys are never removed. */

struct mac_slot {
    uint64_t key;   /* tag << 48 | MAC; MAC_SLOT_FREE */
    uint32_t nic;   /* guest NIC, or hypervisor NIC where the tag says so */
    uint32_t owner; /* hypervisor */
};

#define MAC_SLOT_FREE UINT64_C(0) /* 00:00:00:00:00:00 is nobody's: new memory is free */
#define MAC_SLOT_MASK ((UINT64_C(1) << 48) - 1)

/* The tag: VLAN set in the lowest 11 bits (0: no check needed). */
enum {
    MAC_TAG_VLAN = 0x07ff,
    MAC_TAG_SLOW = 0x0800,           /* never done by the fast path: off, shared, irregular ... */
    MAC_TAG_HYPERVISOR = 0x1000,     /* a hypervisor's NIC and no guest's */
    MAC_TAG_INFRASTRUCTURE = 0x2000, /* a managed switch's own */
    MAC_TAG_ALSO_NIC = 0x4000        /* a guest's and also a hypervisor's NIC */
};

struct mac_index {
    struct mac_slot *slots; /* lines of MAC_LINE_SLOTS, aligned */
    uint64_t line_count, count, factor;
    size_t bytes;
};

enum { MAC_LINE_SLOTS = 4, MAC_LINE_BYTES = 64 };

/* Makes room for `count` MACs: all there will be. */
void mac_index_init(struct mac_index *index, size_t count);
void mac_index_done(struct mac_index *index);

/* Returns the line that is filled first with such MACs. */
static inline struct mac_slot *mac_index_home(const struct mac_index *index, uint64_t mac)
{
    uint64_t line = (uint64_t)((unsigned __int128)(mac * index->factor) * index->line_count >> 64);
    return index->slots + line * MAC_LINE_SLOTS;
}

/* Returns a bit for each slot of the line whose 48 bits are those of `mac`. */
static inline unsigned mac_index_match(const struct mac_slot *line, uint64_t mac)
{
    uint64_t wanted = mac << 16;
    return (unsigned)(line[0].key << 16 == wanted) | (unsigned)(line[1].key << 16 == wanted) << 1 |
           (unsigned)(line[2].key << 16 == wanted) << 2 |
           (unsigned)(line[3].key << 16 == wanted) << 3;
}

/* Fetches what mac_index_find() and mac_index_put() will look at. */
static FETCHES_AHEAD void mac_index_prefetch(const struct mac_index *index, uint64_t mac)
{
    __builtin_prefetch(mac_index_home(index, mac), 1);
}

/* Returns the slot of `mac` (48 bits), NULL when it is not there. */
static inline struct mac_slot *mac_index_find(const struct mac_index *index, uint64_t mac)
{
    struct mac_slot *line = mac_index_home(index, mac);
    struct mac_slot *end = index->slots + index->line_count * MAC_LINE_SLOTS;
    for (;;) {
        unsigned match = mac_index_match(line, mac);
        if (__builtin_expect(match != 0, 1)) {
            struct mac_slot *slot = line + __builtin_ctz(match);
            return slot->key != MAC_SLOT_FREE ? slot : NULL; /* 0 looks like free ones */
        }
        if (line[MAC_LINE_SLOTS - 1].key == MAC_SLOT_FREE)
            return NULL;
        line += MAC_LINE_SLOTS;
        if (line == end)
            line = index->slots;
    }
}

/* Returns the slot of `mac`, new (nic, owner UINT32_MAX, tag 0) or old; sets
 * *ret_new. Aborts when there are more MACs than the index was made for. */
struct mac_slot *mac_index_put(struct mac_index *index, uint64_t mac, bool *ret_new);

#endif
