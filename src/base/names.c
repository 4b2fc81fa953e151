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
 * each. The slots are two arrays: one octet of the hash each (0: free), small
 * enough to stay in a near cache, so that finding out that a name is new seldom
 * touches anything else; and the names' numbers. */
enum {
    ALIGNMENT_BITS = 2,
    OFFSET_BITS = 18,
    FIRST_CHUNK_SIZE = 1 << 10,
    MAX_CHUNK_SIZE = 1 << (OFFSET_BITS + ALIGNMENT_BITS)
};

struct names {
    char **chunks;
    size_t chunk_count, chunk_capacity;
    size_t chunk_used, chunk_size; /* of the last one */
    size_t chunk_bytes;            /* of all */
    uint32_t *at;                  /* chunk << 18 | offset / 4 */
    size_t count, capacity;
    uint8_t *tags;
    uint32_t *numbers;
    size_t mask; /* slots - 1 */
    uint64_t seed;
};

static void make_slots(struct names *names, size_t slots)
{
    names->mask = slots - 1;
    names->tags = alloc_zeroed(slots, sizeof *names->tags);
    names->numbers = alloc_array(slots, sizeof *names->numbers);
}

struct names *names_new(void)
{
    struct names *names = alloc_zeroed(1, sizeof *names);
    names->seed = hash_seed();
    make_slots(names, 64);
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
    free(names->tags);
    free(names->numbers);
    free(names);
}

static const char *entry(const struct names *names, uint32_t number)
{
    uint32_t at = names->at[number];
    uint32_t offset = (at & ((1u << OFFSET_BITS) - 1)) << ALIGNMENT_BITS;
    return names->chunks[at >> OFFSET_BITS] + offset;
}

static uint8_t tag_of(uint64_t hash)
{
    return (uint8_t)(hash >> 56 | 1);
}

static size_t slot_of(const struct names *names, const char *text, size_t length, uint64_t hash)
{
    size_t slot = hash & names->mask;
    uint8_t tag = tag_of(hash);
    for (;; slot = (slot + 1) & names->mask) {
        if (names->tags[slot] == 0)
            return slot;
        if (names->tags[slot] != tag)
            continue;
        const char *known = entry(names, names->numbers[slot]);
        if ((uint8_t)known[0] == length && (length == 0 || memcmp(known + 1, text, length) == 0))
            return slot;
    }
}

/* All names are distinct, so the first free slot is the right one. */
static void grow_slots(struct names *names)
{
    free(names->tags);
    free(names->numbers);
    make_slots(names, (names->mask + 1) * 2);
    for (size_t i = 0; i < names->count; i++) {
        const char *known = entry(names, (uint32_t)i);
        uint64_t hash = hash_bytes(known + 1, (uint8_t)known[0], names->seed);
        size_t slot = hash & names->mask;
        while (names->tags[slot] != 0)
            slot = (slot + 1) & names->mask;
        names->tags[slot] = tag_of(hash);
        names->numbers[slot] = (uint32_t)i;
    }
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
    uint64_t hash = hash_bytes(text, length, names->seed);
    size_t slot = slot_of(names, text, length, hash);
    if (names->tags[slot] != 0)
        return names->numbers[slot];
    if (names->count * 3 >= names->mask * 2) {
        grow_slots(names);
        slot = slot_of(names, text, length, hash);
    }
    uint32_t number = store(names, text, length);
    names->tags[slot] = tag_of(hash);
    names->numbers[slot] = number;
    return number;
}

void names_expect(const struct names *names, const char *text, size_t length)
{
    size_t slot = hash_bytes(text, length, names->seed) & names->mask;
    __builtin_prefetch(&names->tags[slot]);
    __builtin_prefetch(&names->numbers[slot]);
}

uint32_t names_find(const struct names *names, const char *text, size_t length)
{
    if (length > LIMIT_NAME_BYTES)
        return NAME_NONE;
    size_t slot = slot_of(names, text, length, hash_bytes(text, length, names->seed));
    return names->tags[slot] != 0 ? names->numbers[slot] : NAME_NONE;
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
           (names->mask + 1) * (sizeof *names->tags + sizeof *names->numbers);
}
