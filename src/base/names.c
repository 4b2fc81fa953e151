/* SPDX-License-Identifier: Apache-2.0 */
#include "base/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/limits.h"

/* A chunked byte store, so that texts never move; `at` holds each text's chunk
 * and offset packed. Texts start at multiples of four, which lets 32 bits reach
 * 16 GiB. Chunks grow from 1 KiB to 1 MiB: thousands of switches have a pool
 * each. Slots hold number + 1 and 32 bits of the hash beside it, so that a probe
 * seldom touches the text. */
enum {
    ALIGNMENT_BITS = 2,
    OFFSET_BITS = 18,
    FIRST_CHUNK_SIZE = 1 << 10,
    MAX_CHUNK_SIZE = 1 << (OFFSET_BITS + ALIGNMENT_BITS)
};

struct slot {
    uint32_t tag;
    uint32_t number_plus_one;
};

struct names {
    char **chunks;
    size_t chunk_count, chunk_capacity;
    size_t chunk_used, chunk_size; /* of the last one */
    size_t chunk_bytes;            /* of all */
    uint32_t *at;                  /* chunk << 18 | offset / 4 */
    size_t count, capacity;
    struct slot *slots;
    size_t mask;
};

struct names *names_new(void)
{
    struct names *names = alloc_zeroed(1, sizeof *names);
    names->mask = 63;
    names->slots = alloc_zeroed(names->mask + 1, sizeof *names->slots);
    return names;
}

void names_free(struct names *names)
{
    if (names == NULL)
        return;
    for (size_t i = 0; i < names->chunk_count; i++)
        free(names->chunks[i]);
    free(names->chunks);
    free(names->at);
    free(names->slots);
    free(names);
}

static const char *entry(const struct names *names, uint32_t number)
{
    uint32_t at = names->at[number];
    uint32_t offset = (at & ((1u << OFFSET_BITS) - 1)) << ALIGNMENT_BITS;
    return names->chunks[at >> OFFSET_BITS] + offset;
}

static size_t slot_of(const struct names *names, const char *text, size_t length, uint64_t hash)
{
    size_t slot = hash & names->mask;
    uint32_t tag = (uint32_t)(hash >> 32);
    for (;; slot = (slot + 1) & names->mask) {
        const struct slot *s = &names->slots[slot];
        if (s->number_plus_one == 0)
            return slot;
        if (s->tag != tag)
            continue;
        const char *known = entry(names, s->number_plus_one - 1);
        if ((uint8_t)known[0] == length && (length == 0 || memcmp(known + 1, text, length) == 0))
            return slot;
    }
}

static void grow_slots(struct names *names)
{
    struct slot *old = names->slots;
    size_t old_mask = names->mask;
    names->mask = old_mask * 2 + 1;
    names->slots = alloc_zeroed(names->mask + 1, sizeof *names->slots);
    for (size_t i = 0; i <= old_mask; i++) {
        if (old[i].number_plus_one == 0)
            continue;
        const char *known = entry(names, old[i].number_plus_one - 1);
        size_t length = (uint8_t)known[0];
        uint64_t hash = hash_bytes(known + 1, length, hash_seed());
        names->slots[slot_of(names, known + 1, length, hash)] = old[i];
    }
    free(old);
}

static void add_chunk(struct names *names)
{
    CHECK(names->chunk_count < UINT32_MAX >> OFFSET_BITS);
    size_t size = names->chunk_size == 0 ? FIRST_CHUNK_SIZE : names->chunk_size * 2;
    names->chunk_size = size < MAX_CHUNK_SIZE ? size : MAX_CHUNK_SIZE;
    names->chunks = alloc_grow(names->chunks, names->chunk_count, &names->chunk_capacity,
                               sizeof *names->chunks);
    names->chunks[names->chunk_count++] = alloc_array(names->chunk_size, 1);
    names->chunk_used = 0;
    names->chunk_bytes += names->chunk_size;
}

static uint32_t store(struct names *names, const char *text, size_t length)
{
    const size_t alignment = 1u << ALIGNMENT_BITS;
    size_t needed = (length + 2 + alignment - 1) & ~(alignment - 1);
    if (names->chunk_size - names->chunk_used < needed)
        add_chunk(names);
    char *to = names->chunks[names->chunk_count - 1] + names->chunk_used;
    to[0] = (char)(uint8_t)length;
    if (length > 0) /* an empty text may have no address */
        memcpy(to + 1, text, length);
    to[length + 1] = '\0';
    names->at = alloc_grow(names->at, names->count, &names->capacity, sizeof *names->at);
    names->at[names->count] =
        (uint32_t)((names->chunk_count - 1) << OFFSET_BITS | names->chunk_used >> ALIGNMENT_BITS);
    names->chunk_used += needed;
    return (uint32_t)names->count++;
}

uint32_t names_add(struct names *names, const char *text, size_t length)
{
    CHECK(length <= LIMIT_NAME_BYTES);
    uint64_t hash = hash_bytes(text, length, hash_seed());
    size_t slot = slot_of(names, text, length, hash);
    if (names->slots[slot].number_plus_one != 0)
        return names->slots[slot].number_plus_one - 1;
    if (names->count * 3 >= names->mask * 2) {
        grow_slots(names);
        slot = slot_of(names, text, length, hash);
    }
    uint32_t number = store(names, text, length);
    names->slots[slot] = (struct slot){(uint32_t)(hash >> 32), number + 1};
    return number;
}

uint32_t names_find(const struct names *names, const char *text, size_t length)
{
    if (length > LIMIT_NAME_BYTES)
        return NAME_NONE;
    size_t slot = slot_of(names, text, length, hash_bytes(text, length, hash_seed()));
    return names->slots[slot].number_plus_one - 1;
}

const char *names_get(const struct names *names, uint32_t number)
{
    if (number == NAME_NONE)
        return "";
    CHECK(number < names->count);
    return entry(names, number) + 1;
}

uint32_t names_count(const struct names *names)
{
    return (uint32_t)names->count;
}

size_t names_size(const struct names *names)
{
    return names->chunk_bytes + names->capacity * sizeof *names->at +
           (names->mask + 1) * sizeof *names->slots;
}
