/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/mac_index.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"

enum { HUGE_PAGE = 2 * 1024 * 1024 };

void mac_index_init(struct mac_index *index, size_t count)
{
    /* load 2/3: probes stay short and 1M entries take 24 MB */
    size_t slots = count + count / 2 + 16;
    size_t bytes = slots * sizeof(struct mac_slot);
    *index = (struct mac_index){
        .slot_count = slots, .factor = hash_u64(1, hash_seed()) | 1, .bytes = bytes};
    if (bytes >= HUGE_PAGE) {
        index->slots = aligned_alloc(HUGE_PAGE, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
        CHECK(index->slots != NULL);
        madvise(index->slots, bytes, MADV_HUGEPAGE); /* advice: works as well without, slower */
    } else {
        index->slots = alloc_array(slots, sizeof(struct mac_slot));
    }
    memset(index->slots, 0xff, bytes);
}

void mac_index_done(struct mac_index *index)
{
    free(index->slots);
    *index = (struct mac_index){0};
}

struct mac_slot *mac_index_put(struct mac_index *index, uint64_t mac, bool *ret_new)
{
    struct mac_slot *slot = index->slots + mac_index_home(index, mac);
    struct mac_slot *end = index->slots + index->slot_count;
    while (slot->key != MAC_SLOT_FREE && (slot->key & MAC_SLOT_MASK) != mac)
        if (++slot == end)
            slot = index->slots;
    *ret_new = slot->key == MAC_SLOT_FREE;
    if (!*ret_new)
        return slot;
    CHECK(++index->count < index->slot_count);
    *slot = (struct mac_slot){mac, UINT32_MAX, UINT32_MAX};
    return slot;
}
