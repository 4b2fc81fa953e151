/* SPDX-License-Identifier: Apache-2.0 */
#include "source/radius_scope.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"

struct pair {
    char *port;
    uint32_t next;  /* of the same scope; MAP_NO_VALUE: the last */
    uint32_t ports; /* how many the scope has from here on */
};

struct radius_scopes {
    struct map known;  /* key of a scope and a port: so that what is known costs one lookup */
    struct map firsts; /* key of a scope to its first pair */
    struct pair *pairs;
    size_t count, capacity;
};

struct radius_scopes *radius_scopes_new(void)
{
    return alloc_zeroed(1, sizeof(struct radius_scopes));
}

void radius_scopes_free(struct radius_scopes *scopes)
{
    if (scopes == NULL)
        return;
    for (size_t i = 0; i < scopes->count; i++)
        free(scopes->pairs[i].port);
    free(scopes->pairs);
    map_done(&scopes->firsts);
    map_done(&scopes->known);
    free(scopes);
}

/* One value is the map's own. */
static uint64_t map_key(uint64_t hash)
{
    return hash == UINT64_MAX ? 0 : hash;
}

uint64_t radius_scope_key(const char *nas, const char *called)
{
    const uint64_t hash = hash_bytes(nas, strlen(nas), hash_seed());
    return map_key(hash_bytes(called, strlen(called), hash));
}

static uint64_t key_of_pair(uint64_t key, const char *port)
{
    return map_key(hash_bytes(port, strlen(port), key));
}

void radius_scopes_expect(const struct radius_scopes *scopes, uint64_t key, const char *port)
{
    map_prefetch(&scopes->known, key_of_pair(key, port));
}

int radius_scopes_learn(struct radius_scopes *scopes, uint64_t key, const char *port)
{
    const uint64_t pair_key = key_of_pair(key, port);
    if (map_find(&scopes->known, pair_key) != MAP_NO_VALUE)
        return 0;
    const uint32_t first = map_find(&scopes->firsts, key);
    const uint32_t ports = first != MAP_NO_VALUE ? scopes->pairs[first].ports : 0;
    if (ports >= RADIUS_SCOPE_PORTS || scopes->count >= LIMIT_RADIUS_SCOPES)
        return ERR_LIMIT;
    scopes->pairs =
        alloc_grow(scopes->pairs, scopes->count, &scopes->capacity, sizeof(*scopes->pairs));
    scopes->pairs[scopes->count] = (struct pair){alloc_text(port), first, ports + 1};
    map_put(&scopes->firsts, key, (uint32_t)scopes->count);
    map_put(&scopes->known, pair_key, (uint32_t)scopes->count++);
    return 0;
}

size_t radius_scopes_each(const struct radius_scopes *scopes, uint64_t key,
                          void (*see)(void *aux, const char *port), void *aux)
{
    size_t ports = 0;
    for (uint32_t i = map_find(&scopes->firsts, key); i != MAP_NO_VALUE;
         i = scopes->pairs[i].next, ports++)
        see(aux, scopes->pairs[i].port);
    return ports;
}
