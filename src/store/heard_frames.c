/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/live.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "store/event_log.h"
#include "store/heard.h"
#include "store/store_internal.h"

/* Announcements as facts: events without a session, of which the last one of an address tells
 * where it is. */

struct announced {
    struct wall now;
    struct span hold;
    struct arena *arena;
    struct heard_fact *facts;
    size_t count, capacity;
    struct map known; /* hash of who announced through whom -> number of `facts` */
};

static uint64_t add_hash(uint64_t hash, const char *text)
{
    return text != NULL ? hash_bytes(text, strlen(text), hash) : hash;
}

/* What makes a row of the expiry list: the address, its source's type, NAS and session. */
static uint64_t key_of(const struct event *event)
{
    uint64_t hash = hash_u64(event->mac.bits, hash_seed());
    hash = add_hash(hash, event->type);
    hash = hash_u64(add_hash(hash, event->nas), hash);
    return add_hash(hash, event->session) >> 1;
}

static int take(void *aux, const struct event_entry *entry)
{
    struct announced *announced = aux;
    const struct event *event = &entry->event;
    struct span hold = event->lifetime.us > 0 ? event->lifetime : announced->hold;
    struct wall expires = wall_add(event->heard, hold);
    uint64_t key = key_of(event);
    if (!mac_known(event->mac) || event->proof == EVENT_PROOF_HINT ||
        expires.us <= announced->now.us)
        return 0;
    uint32_t number = announced->known.count > 0 ? map_find(&announced->known, key) : MAP_NO_VALUE;
    if (number != MAP_NO_VALUE) { /* an earlier one */
        announced->facts[number].first = live_row_last(event->at, event->heard);
        return 0;
    }
    if (announced->count >= LIMIT_PRESENCE_HEARD)
        return 0;
    struct heard_origin *origin = arena_alloc(announced->arena, sizeof *origin);
    *origin = (struct heard_origin){.source = event->source,
                                    .type = event->type,
                                    .nas = event->nas,
                                    .switch_name = event->switch_name,
                                    .port = event->port,
                                    .vlan = event->vlan};
    struct wall last = live_row_last(event->at, event->heard);
    announced->facts = alloc_grow(announced->facts, announced->count, &announced->capacity,
                                  sizeof *announced->facts);
    announced->facts[announced->count] = (struct heard_fact){.mac = event->mac,
                                                             .origin = origin,
                                                             .first = last,
                                                             .last = last,
                                                             .frame = last,
                                                             .expires = expires,
                                                             .ended = WALL_UNKNOWN,
                                                             .proof = (uint8_t)event->proof,
                                                             .end = HEARD_OPEN,
                                                             .age = FORWARD_AGE_UNKNOWN};
    map_put(&announced->known, key, (uint32_t)announced->count++);
    return 0;
}

int store_load_announced(struct store *store, struct wall now, struct span hold,
                         struct arena *arena, struct heard_fact **ret, size_t *ret_count,
                         struct err *err)
{
    struct announced announced = {.now = now, .hold = hold, .arena = arena};
    int failed = store_each_announcement(store, wall_add(now, span_us(-hold.us)), now, arena, take,
                                         &announced, err);
    if (failed == 0) {
        *ret = arena_alloc(arena, (announced.count + 1) * sizeof **ret);
        if (announced.count > 0)
            memcpy(*ret, announced.facts, announced.count * sizeof **ret);
        *ret_count = announced.count;
    }
    map_done(&announced.known);
    free(announced.facts);
    return failed;
}

int store_was_announced(struct store *store, struct mac mac, struct wall after, struct wall until,
                        bool *ret, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer((int64_t)mac.bits)};
    int result = store_start(store, SQL_ANNOUNCED_BACK, key, 1, err);
    *ret = false;
    while (result == 0 || result == 1) {
        result = store_step(store, SQL_ANNOUNCED_BACK, row, err);
        if (result != 1)
            break;
        struct wall at = {row[0].integer}, heard = {row[1].integer};
        *ret = heard.us <= until.us && live_row_last(at, heard).us > after.us;
        if (*ret || heard.us <= after.us)
            break;
    }
    store_stop(store, SQL_ANNOUNCED_BACK);
    return result < 0 ? result : 0;
}
