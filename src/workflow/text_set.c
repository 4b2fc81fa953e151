/* SPDX-License-Identifier: Apache-2.0 */
#include "workflow/text_set.h"

#include <string.h>

#include "base/check.h"
#include "base/hash.h"

struct text_set text_set_make(size_t limit, struct arena *arena)
{
    size_t slots = 4;
    while (slots < limit * 2)
        slots *= 2;
    return (struct text_set){.texts = arena_alloc(arena, slots * sizeof(char *)),
                             .numbers = arena_alloc(arena, slots * sizeof(uint32_t)),
                             .mask = slots - 1,
                             .limit = limit};
}

static size_t slot_of(const struct text_set *set, const char *text)
{
    size_t at = (size_t)hash_bytes(text, strlen(text), hash_seed()) & set->mask;
    while (set->texts[at] != NULL && strcmp(set->texts[at], text) != 0)
        at = (at + 1) & set->mask;
    return at;
}

uint32_t text_set_put(struct text_set *set, const char *text, uint32_t number, bool replace)
{
    if (text == NULL)
        return TEXT_SET_NONE;
    size_t at = slot_of(set, text);
    if (set->texts[at] != NULL) {
        uint32_t earlier = set->numbers[at];
        if (replace)
            set->numbers[at] = number;
        return earlier;
    }
    CHECK(set->count < set->limit);
    set->count++;
    set->texts[at] = text;
    set->numbers[at] = number;
    return TEXT_SET_NONE;
}

uint32_t text_set_find(const struct text_set *set, const char *text)
{
    if (text == NULL)
        return TEXT_SET_NONE;
    size_t at = slot_of(set, text);
    return set->texts[at] == NULL ? TEXT_SET_NONE : set->numbers[at];
}
