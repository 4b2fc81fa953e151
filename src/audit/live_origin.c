/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "audit/live_inside.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"

/* Numbers for what events name: the expiry list keeps numbers only. Names are kept for the
 * life of the list, up to a limit; they come from authenticated peers and devices. */

static uint64_t hash_text(const char *text, uint64_t seed)
{
    if (text == NULL || text[0] == '\0')
        return hash_u64(1, seed);
    return hash_bytes(text, strlen(text), seed);
}

uint64_t live_origin_key(const struct heard_origin *origin)
{
    uint64_t hash = hash_text(origin->source, hash_seed());
    hash = hash_text(origin->nas, hash);
    hash = hash_text(origin->switch_name, hash);
    hash = hash_text(origin->port, hash);
    return hash_u64((uint64_t)presence_source_parse(origin->type) << 32 | origin->vlan, hash) >> 1;
}

const char *live_text(struct live *live, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return "";
    size_t length = strlen(text);
    uint64_t key = hash_bytes(text, length, hash_seed()) >> 1;
    uint32_t known = map_find(&live->text_numbers, key);
    if (known != MAP_NO_VALUE && strcmp(live->texts[known], text) == 0)
        return live->texts[known];
    const char *kept =
        arena_text(live->arena, text, length < LIMIT_NAME_BYTES ? length : LIMIT_NAME_BYTES);
    live->texts =
        alloc_grow(live->texts, live->text_count, &live->text_capacity, sizeof *live->texts);
    live->texts[live->text_count] = kept;
    map_put(&live->text_numbers, key, (uint32_t)live->text_count++);
    return kept;
}

uint32_t live_origin_of(struct live *live, const struct heard_origin *origin, uint64_t key)
{
    uint32_t number = map_find(&live->origin_of, key);
    if (number != MAP_NO_VALUE)
        return number;
    if (live->origin_count >= LIMIT_LIVE_ORIGINS) {
        live->counts.full++;
        return PRESENCE_NONE;
    }
    struct heard_origin *kept = arena_alloc(live->arena, sizeof *kept);
    *kept = (struct heard_origin){.source = live_text(live, origin->source),
                                  .type = live_text(live, origin->type),
                                  .nas = live_text(live, origin->nas),
                                  .switch_name = live_text(live, origin->switch_name),
                                  .port = live_text(live, origin->port),
                                  .vlan = origin->vlan};
    live->origins = alloc_grow(live->origins, live->origin_count, &live->origin_capacity,
                               sizeof *live->origins);
    live->origin_nas = alloc_grow(live->origin_nas, live->origin_count, &live->origin_nas_capacity,
                                  sizeof *live->origin_nas);
    number = (uint32_t)live->origin_count++;
    live->origins[number] = kept;
    live->origin_nas[number] = live_nas_of(live, origin->type, origin->nas);
    map_put(&live->origin_of, key, number);
    return number;
}

uint32_t live_nas_of(struct live *live, const char *type, const char *nas)
{
    if (nas == NULL || nas[0] == '\0')
        return PRESENCE_NONE;
    uint64_t key = hash_text(nas, hash_text(type, hash_seed())) >> 1;
    uint32_t number = map_find(&live->nas_of, key);
    if (number != MAP_NO_VALUE)
        return number;
    if (live->nas_count >= LIMIT_LIVE_ORIGINS) {
        live->counts.full++;
        return PRESENCE_NONE;
    }
    map_put(&live->nas_of, key, live->nas_count);
    return live->nas_count++;
}

uint32_t live_origin_nas(struct live *live, const struct heard_origin *origin, uint32_t place)
{
    return place < live->origin_count ? live->origin_nas[place]
                                      : live_nas_of(live, origin->type, origin->nas);
}

uint32_t live_port_of(struct live *live, uint32_t place)
{
    struct live_base *base = live->base;
    if (place >= live->origin_count)
        return base->view.nowhere;
    if (place >= base->port_of_count) {
        size_t count = base->port_of_count * 2 > place + 1 ? base->port_of_count * 2 : place + 64;
        base->port_of = alloc_resize(base->port_of, count, sizeof *base->port_of);
        memset(base->port_of + base->port_of_count, 0,
               (count - base->port_of_count) * sizeof *base->port_of);
        base->port_of_count = count;
    }
    if (base->port_of[place] == 0) {
        const struct heard_origin *origin = live->origins[place];
        base->port_of[place] =
            world_heard_place(&base->view, origin->switch_name, origin->port) + 1;
    }
    return base->port_of[place] - 1;
}

const struct heard_origin *live_origin(const struct live *live, uint32_t place)
{
    return place < live->origin_count ? live->origins[place] : NULL;
}
