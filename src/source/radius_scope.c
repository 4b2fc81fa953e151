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
    uint32_t next; /* of the same scope; MAP_NO_VALUE: the last */
};

struct radius_scopes {
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
    free(scopes);
}

uint64_t radius_scope_key(const char *nas, const char *called)
{
    uint64_t hash = hash_bytes(called, strlen(called), hash_bytes(nas, strlen(nas), hash_seed()));
    return hash == UINT64_MAX ? 0 : hash; /* that one is the map's own */
}

int radius_scopes_learn(struct radius_scopes *scopes, uint64_t key, const char *port)
{
    size_t ports = 0;
    const uint32_t first = map_find(&scopes->firsts, key);
    for (uint32_t i = first; i != MAP_NO_VALUE; i = scopes->pairs[i].next, ports++) {
        if (strcmp(scopes->pairs[i].port, port) == 0)
            return 0;
    }
    if (ports >= RADIUS_SCOPE_PORTS || scopes->count >= LIMIT_RADIUS_SCOPES)
        return ERR_LIMIT;
    scopes->pairs =
        alloc_grow(scopes->pairs, scopes->count, &scopes->capacity, sizeof(*scopes->pairs));
    scopes->pairs[scopes->count] = (struct pair){alloc_text(port), first};
    map_put(&scopes->firsts, key, (uint32_t)scopes->count++);
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
