/* SPDX-License-Identifier: Apache-2.0 */
#include "model/vlan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"

enum { SET_NONE = 0, SETS_MAX = UINT16_MAX, VLAN_NUMBER_MAX = 0xffffff };

struct set_entry {
    uint32_t *ids; /* in the arena, so that what vlan_pool_get() lent stays valid */
    uint32_t count;
    uint32_t next; /* another set with the same hash, SET_NONE ends */
};

struct vlan_pool {
    struct arena *arena;
    struct set_entry *sets;
    size_t count, capacity;
    struct map by_hash;
    uint64_t seed;
};

struct vlan_pool *vlan_pool_new(void)
{
    struct vlan_pool *pool = alloc_zeroed(1, sizeof *pool);
    pool->arena = arena_new();
    pool->seed = hash_seed();
    pool->capacity = 4;
    pool->sets = alloc_zeroed(pool->capacity, sizeof *pool->sets);
    pool->count = 2; /* unknown and trunk */
    return pool;
}

void vlan_pool_free(struct vlan_pool *pool)
{
    if (pool == NULL)
        return;
    arena_free(pool->arena);
    map_done(&pool->by_hash);
    free(pool->sets);
    free(pool);
}

size_t vlan_pool_count(const struct vlan_pool *pool)
{
    return pool->count;
}

static int compare_ids(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Sorts `ids` and drops duplicates; returns how many are left. */
static size_t sort_unique(uint32_t *ids, size_t count)
{
    qsort(ids, count, sizeof *ids, compare_ids);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    return kept;
}

/* Adds a set whose ids are sorted and distinct. */
static vlan_set add_sorted(struct vlan_pool *pool, const uint32_t *ids, size_t count)
{
    uint64_t key = hash_bytes(ids, count * sizeof *ids, pool->seed) >> 1;
    uint32_t first = map_find(&pool->by_hash, key);
    for (uint32_t at = first == MAP_NO_VALUE ? SET_NONE : first; at != SET_NONE;
         at = pool->sets[at].next) {
        const struct set_entry *known = &pool->sets[at];
        if (known->count == count && memcmp(known->ids, ids, count * sizeof *ids) == 0)
            return (vlan_set)at;
    }
    if (pool->count > SETS_MAX)
        return VLAN_SET_UNKNOWN;
    pool->sets = alloc_grow(pool->sets, pool->count, &pool->capacity, sizeof *pool->sets);
    struct set_entry *added = &pool->sets[pool->count];
    *added = (struct set_entry){
        .ids = arena_alloc(pool->arena, count * sizeof *ids),
        .count = (uint32_t)count,
        .next = first == MAP_NO_VALUE ? SET_NONE : first,
    };
    memcpy(added->ids, ids, count * sizeof *ids);
    map_put(&pool->by_hash, key, (uint32_t)pool->count);
    return (vlan_set)pool->count++;
}

vlan_set vlan_pool_add(struct vlan_pool *pool, const uint32_t *vlans, size_t count)
{
    if (count == 0 || count > LIMIT_VLANS_PER_SET)
        return VLAN_SET_UNKNOWN;
    for (size_t i = 0; i < count; i++)
        if (vlans[i] > VLAN_NUMBER_MAX)
            return VLAN_SET_UNKNOWN;
    if (count == 1)
        return add_sorted(pool, vlans, 1);
    AUTO_FREE uint32_t *ids = alloc_array(count, sizeof *ids);
    memcpy(ids, vlans, count * sizeof *ids);
    return add_sorted(pool, ids, sort_unique(ids, count));
}

const uint32_t *vlan_pool_get(const struct vlan_pool *pool, vlan_set set, size_t *ret_count)
{
    CHECK(set < pool->count);
    *ret_count = pool->sets[set].count;
    return pool->sets[set].ids;
}

bool vlan_sets_share(const struct vlan_pool *pool_a, vlan_set a, const struct vlan_pool *pool_b,
                     vlan_set b)
{
    if (a == VLAN_SET_UNKNOWN || b == VLAN_SET_UNKNOWN)
        return false;
    if (a == VLAN_SET_TRUNK || b == VLAN_SET_TRUNK)
        return true;
    size_t count_a, count_b;
    const uint32_t *ids_a = vlan_pool_get(pool_a, a, &count_a);
    const uint32_t *ids_b = vlan_pool_get(pool_b, b, &count_b);
    for (size_t i = 0, j = 0; i < count_a && j < count_b;) {
        if (ids_a[i] == ids_b[j])
            return true;
        if (ids_a[i] < ids_b[j])
            i++;
        else
            j++;
    }
    return false;
}

/* Reads one VLAN id with blanks around it from [*at, end), up to '|' or the end. */
static int parse_id(const char **at, const char *end, uint32_t *ret)
{
    const char *p = *at;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    if (p == end || *p < '0' || *p > '9')
        return ERR_SYNTAX;
    uint32_t id = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        id = id * 10 + (uint32_t)(*p - '0');
        if (id > 4095)
            return ERR_RANGE;
    }
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    if (p < end && *p != '|')
        return ERR_SYNTAX;
    *at = p;
    *ret = id;
    return 0;
}

int vlan_set_parse(struct vlan_pool *pool, const char *text, size_t length, vlan_set *ret)
{
    const char *end = text + length;
    while (text < end && (*text == ' ' || *text == '\t'))
        text++;
    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (text == end) {
        *ret = VLAN_SET_UNKNOWN;
        return 0;
    }
    if (end - text == 5 && strncasecmp(text, "trunk", 5) == 0) {
        *ret = VLAN_SET_TRUNK;
        return 0;
    }
    uint32_t few[64];
    AUTO_FREE uint32_t *many = NULL;
    uint32_t *ids = few;
    size_t count = 0, capacity = ARRAY_COUNT(few);
    for (;; text++) {
        uint32_t id;
        int code = parse_id(&text, end, &id);
        if (code != 0)
            return code;
        if (count == LIMIT_VLANS_PER_SET)
            return ERR_RANGE;
        if (count == capacity) {
            many = alloc_resize(many, LIMIT_VLANS_PER_SET, sizeof *many);
            memcpy(many, few, sizeof few);
            ids = many;
            capacity = LIMIT_VLANS_PER_SET;
        }
        ids[count++] = id;
        if (text == end)
            break;
    }
    *ret = vlan_pool_add(pool, ids, count);
    return 0;
}

void vlan_set_print(const struct vlan_pool *pool, vlan_set set, struct text *to)
{
    if (set == VLAN_SET_TRUNK)
        text_add(to, "trunk");
    size_t count;
    const uint32_t *ids = vlan_pool_get(pool, set, &count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_add_char(to, '|');
        text_add_number(to, ids[i]);
    }
}
