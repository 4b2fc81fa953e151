/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/mac_index.h"

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"

void mac_index_init(struct mac_index *index, size_t count)
{
    /* load 2/3: probes stay short and 1M entries take 24 MB */
    size_t lines = (count + count / 2 + 16) / MAC_LINE_SLOTS;
    size_t bytes = lines * MAC_LINE_BYTES;
    *index = (struct mac_index){
        .line_count = lines, .factor = hash_u64(1, hash_seed()) | 1, .bytes = bytes};
    index->slots = alloc_huge(bytes);
}

void mac_index_done(struct mac_index *index)
{
    alloc_huge_free(index->slots, index->bytes);
    *index = (struct mac_index){0};
}

struct mac_slot *mac_index_put(struct mac_index *index, uint64_t mac, bool *ret_new)
{
    struct mac_slot *line = mac_index_home(index, mac);
    struct mac_slot *end = index->slots + index->line_count * MAC_LINE_SLOTS;
    unsigned match;
    while ((match = mac_index_match(line, mac)) == 0 &&
           line[MAC_LINE_SLOTS - 1].key != MAC_SLOT_FREE) {
        line += MAC_LINE_SLOTS;
        if (line == end)
            line = index->slots;
    }
    *ret_new = match == 0;
    if (!*ret_new)
        return line + __builtin_ctz(match);
    CHECK(++index->count < index->line_count * MAC_LINE_SLOTS);
    size_t used = 0;
    for (size_t i = 0; i < MAC_LINE_SLOTS - 1; i++)
        used += line[i].key != MAC_SLOT_FREE;
    line[used] = (struct mac_slot){mac, UINT32_MAX, UINT32_MAX};
    return line + used;
}
