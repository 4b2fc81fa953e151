/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/mac_index.h"

#include "base/alloc.h"
#include "base/hash.h"

void mac_index_init(struct mac_index *index, size_t count)
{
    /* load 3/4: nearly all MACs are in their first line, and 1M take 11 MB of lines */
    size_t lines = (count + count / 3) / MAC_LINE_CELLS + 2;
    CHECK(count < UINT32_MAX);
    *index = (struct mac_index){.line_count = lines,
                                .factor = hash_u64(1, hash_seed()) | 1,
                                .capacity = count,
                                .bytes = lines * sizeof(struct mac_line) +
                                         (count + 1) * sizeof(struct mac_slot)};
    index->lines = alloc_huge(lines * sizeof *index->lines);
    index->slots = alloc_huge((count + 1) * sizeof *index->slots);
}

void mac_index_done(struct mac_index *index)
{
    alloc_huge_free(index->lines, index->line_count * sizeof *index->lines);
    alloc_huge_free(index->slots, (index->capacity + 1) * sizeof *index->slots);
    *index = (struct mac_index){0};
}
