/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/presence_inside.h"

enum { EXPECT_BATCH = 64 };

/* In steps, each of which reads what the one before has fetched. A row that is there leads to its
 * stand; one that is to come needs the stand of its place, and its NAS. */
static void expect_batch(const struct presence *list, const struct presence_sign *signs,
                         size_t count)
{
    uint64_t hashes[EXPECT_BATCH];
    uint32_t rows[EXPECT_BATCH], stands[EXPECT_BATCH];
    for (size_t i = 0; i < count; i++) {
        hashes[i] = presence_id_hash(list, &signs[i].id);
        tag_index_expect(&list->index, hashes[i]);
        presence_stand_expect(list, signs[i].place);
    }
    size_t found = 0, taken = 0;
    for (size_t i = 0; i < count; i++) {
        struct tag_probe probe = tag_probe_begin(&list->index, hashes[i]);
        rows[found] = tag_probe_next(&probe);
        if (rows[found] != TAG_NONE) {
            __builtin_prefetch(row_hot(list, rows[found++]), 1);
            continue;
        }
        stands[taken] = presence_stand_guess(list, signs[i].place);
        if (stands[taken] != PRESENCE_NONE)
            __builtin_prefetch(stand_at(list, stands[taken++]), 1);
    }
    for (size_t i = 0; i < found; i++)
        __builtin_prefetch(stand_at(list, row_hot(list, rows[i])->stand));
    for (size_t i = 0; i < taken; i++)
        __builtin_prefetch(nas_at(list, stand_at(list, stands[i])->nas), 1);
}

void presence_expect(const struct presence *list, const struct presence_sign *signs, size_t count)
{
    for (size_t i = 0; i < count; i += EXPECT_BATCH)
        expect_batch(list, signs + i, count - i < EXPECT_BATCH ? count - i : EXPECT_BATCH);
}

void presence_reserve(struct presence *list, uint32_t rows)
{
    tag_index_reserve(&list->index, rows < list->options.rows ? rows : list->options.rows);
}
