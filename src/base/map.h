/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_MAP_H
#define MUSTER_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A hash map from 64-bit keys (MACs, packed places) to 32-bit values (indices):
 * open addressing, linear probing, load at most 1/2, seeded hash. Not for the
 * sweep's hot path, which has its own index (audit/). Every key but UINT64_MAX
 * is allowed. */

struct map {
    uint64_t *keys; /* UINT64_MAX marks a free slot */
    uint32_t *values;
    size_t mask; /* slots - 1; 0 while empty */
    size_t count;
};

#define MAP_EMPTY    ((struct map){NULL, NULL, 0, 0})
#define MAP_NO_VALUE UINT32_MAX

/* Returns the value of `key`, MAP_NO_VALUE when it is absent. */
uint32_t map_find(const struct map *map, uint64_t key);

/* Sets `key` to `value`, whether it was there or not. */
void map_put(struct map *map, uint64_t key, uint32_t value);

/* Returns the value that `key` has, after giving it `value` if it had none. */
uint32_t map_put_new(struct map *map, uint64_t key, uint32_t value);

/* Fetches what map_find() will look at. */
void map_prefetch(const struct map *map, uint64_t key);

/* Makes room for `count` keys at once. */
void map_reserve(struct map *map, size_t count);

/* Frees the slots and leaves the map empty. */
void map_done(struct map *map);

#endif
