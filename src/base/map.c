/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"

static size_t slot_of(const struct map *map, uint64_t key)
{
    size_t slot = hash_u64(key, hash_seed()) & map->mask;
    while (map->keys[slot] != UINT64_MAX && map->keys[slot] != key)
        slot = (slot + 1) & map->mask;
    return slot;
}

static void resize(struct map *map, size_t slots)
{
    struct map grown = {alloc_array(slots, sizeof(uint64_t)), alloc_array(slots, sizeof(uint32_t)),
                        slots - 1, map->count};
    memset(grown.keys, 0xff, slots * sizeof(uint64_t));
    for (size_t i = 0; map->keys != NULL && i <= map->mask; i++) {
        if (map->keys[i] == UINT64_MAX)
            continue;
        size_t slot = slot_of(&grown, map->keys[i]);
        grown.keys[slot] = map->keys[i];
        grown.values[slot] = map->values[i];
    }
    free(map->keys);
    free(map->values);
    *map = grown;
}

void map_reserve(struct map *map, size_t count)
{
    size_t slots = map->keys != NULL ? map->mask + 1 : 16;
    while (slots < count * 2)
        slots *= 2;
    if (map->keys == NULL || slots > map->mask + 1)
        resize(map, slots);
}

uint32_t map_find(const struct map *map, uint64_t key)
{
    if (map->keys == NULL)
        return MAP_NO_VALUE;
    size_t slot = slot_of(map, key);
    return map->keys[slot] == key ? map->values[slot] : MAP_NO_VALUE;
}

void map_prefetch(const struct map *map, uint64_t key)
{
    if (map->keys == NULL)
        return;
    size_t slot = hash_u64(key, hash_seed()) & map->mask;
    __builtin_prefetch(map->keys + slot);
    __builtin_prefetch(map->values + slot);
}

void map_put(struct map *map, uint64_t key, uint32_t value)
{
    CHECK(key != UINT64_MAX);
    map_reserve(map, map->count + 1);
    size_t slot = slot_of(map, key);
    map->count += map->keys[slot] != key;
    map->keys[slot] = key;
    map->values[slot] = value;
}

uint32_t map_put_new(struct map *map, uint64_t key, uint32_t value)
{
    CHECK(key != UINT64_MAX);
    map_reserve(map, map->count + 1);
    size_t slot = slot_of(map, key);
    if (map->keys[slot] == key)
        return map->values[slot];
    map->keys[slot] = key;
    map->values[slot] = value;
    map->count++;
    return value;
}

void map_done(struct map *map)
{
    free(map->keys);
    free(map->values);
    *map = MAP_EMPTY;
}
