/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/live_mobile.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"

/* Departure and expiry (DOMAIN E1, E2, X1, X2), and the passing of time. */

bool live_row_tells(const struct presence_row *row)
{
    return mac_known(row->id.mac) && !row->settled && !row->unstarted &&
           row->proof != EVENT_PROOF_HINT;
}

struct wall live_row_last(struct wall at, struct wall heard)
{
    enum { DELAY_US = 2000000 };
    return wall_known(at) && heard.us - at.us >= DELAY_US ? at : heard;
}

/* An update of a RADIUS session says that its NAS keeps it, not that its guest talks; of a session
 * whose start was not heard that is all. Who heard frames or bindings says so by each word. */
static struct wall last_frame(const struct presence_row *row, const struct heard_fact *fact)
{
    if (presence_source_parse(fact->origin->type) != PRESENCE_RADIUS)
        return fact->last;
    return row->implicit ? WALL_UNKNOWN : fact->first;
}

struct heard_fact live_row_fact(const struct presence_row *row, const struct heard_origin *origin,
                                struct wall last)
{
    static const struct heard_origin nothing = {.source = "", .type = "", .nas = ""};
    struct heard_fact fact = {.mac = row->id.mac,
                              .origin = origin != NULL ? origin : &nothing,
                              .first = row->started,
                              .last = last,
                              .expires = row->expires,
                              .ended = WALL_UNKNOWN,
                              .proof = (uint8_t)row->proof,
                              .end = HEARD_OPEN,
                              .age = FORWARD_AGE_UNKNOWN};
    if (fact.first.us > fact.last.us)
        fact.first = fact.last;
    fact.frame = last_frame(row, &fact);
    switch (row->end) {
    case PRESENCE_LIVE:
        return fact;
    case PRESENCE_STOPPED:
        fact.end = HEARD_STOPPED;
        break;
    case PRESENCE_RESET:
        fact.end = HEARD_RESET;
        break;
    case PRESENCE_EXPIRED:
        fact.end = HEARD_EXPIRED;
        fact.ended = row->expires;
        return fact;
    }
    fact.ended = fact.last;
    fact.expires = WALL_UNKNOWN;
    return fact;
}

struct heard_fact live_fact_of(const struct live *live, const struct presence_row *row)
{
    uint32_t late = live->delayed_of.count > 0
                        ? map_find(&live->delayed_of, (uint64_t)row->number << 32 | row->generation)
                        : MAP_NO_VALUE;
    bool delayed = late != MAP_NO_VALUE && live->delayed[late].heard.us == row->heard.us;
    return live_row_fact(row, live_origin(live, row->place),
                         delayed ? live->delayed[late].at : row->heard);
}

/* --- sessions that ended and are remembered --- */

static struct map *shard_of(struct live *live, uint64_t mac)
{
    return &live->departed_of[hash_u64(mac, hash_seed()) % DEPARTED_SHARDS];
}

const struct heard_fact *live_departed_find(const struct live *live, uint64_t mac)
{
    const struct map *shard = &live->departed_of[hash_u64(mac, hash_seed()) % DEPARTED_SHARDS];
    uint32_t number = live->departed_live > 0 ? map_find(shard, mac) : MAP_NO_VALUE;
    return number != MAP_NO_VALUE ? &live->departed[number] : NULL;
}

void live_departed_forget(struct live *live, uint64_t mac)
{
    uint32_t number = map_find(shard_of(live, mac), mac);
    if (number == MAP_NO_VALUE)
        return;
    live->departed[number].mac = MAC_NONE;
    map_put(shard_of(live, mac), mac, MAP_NO_VALUE);
    live->departed_live--;
}

/* Takes the places of those that were forgotten. */
static void compact_departed(struct live *live, struct wall now)
{
    size_t kept = 0;
    for (int i = 0; i < DEPARTED_SHARDS; i++)
        map_done(&live->departed_of[i]);
    for (size_t i = 0; i < live->departed_count; i++) {
        const struct heard_fact *fact = &live->departed[i];
        if (!mac_known(fact->mac) || now.us - fact->ended.us > live->options.departed_for.us)
            continue;
        live->departed[kept] = *fact;
        map_put(shard_of(live, fact->mac.bits), fact->mac.bits, (uint32_t)kept++);
    }
    live->departed_count = live->departed_live = kept;
}

void live_departed_add(struct live *live, const struct heard_fact *fact, struct wall now)
{
    uint32_t number = map_find(shard_of(live, fact->mac.bits), fact->mac.bits);
    if (number != MAP_NO_VALUE) {
        if (live->departed[number].ended.us <= fact->ended.us)
            live->departed[number] = *fact;
        return;
    }
    if (live->departed_count > 1024 && live->departed_live * 2 < live->departed_count)
        compact_departed(live, now);
    if (live->departed_live >= LIMIT_LIVE_DEPARTED) {
        live->counts.full++;
        return;
    }
    live->departed = alloc_grow(live->departed, live->departed_count, &live->departed_capacity,
                                sizeof *live->departed);
    live->departed[live->departed_count] = *fact;
    map_put(shard_of(live, fact->mac.bits), fact->mac.bits, (uint32_t)live->departed_count++);
    live->departed_live++;
}

/* --- stop --- */

static const struct mac_slot *guest_slot(const struct live *live, struct mac mac)
{
    const struct mac_slot *slot = mac_index_find(&live->base->world->index, mac.bits);
    if (slot == NULL || (slot->key >> 48 & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE)))
        return NULL; /* F21: nobody's */
    return slot;
}

/* Whether it is a guest that the sweep judges wherever it is seen: one that is off, say. */
static bool is_slow(const struct mac_slot *slot)
{
    return slot != NULL && (slot->key >> 48 & MAC_TAG_SLOW);
}

bool live_has_odd_rows(const struct live_base *base, const struct mac_slot *slot, uint64_t mac)
{
    struct first_pass pass = {.world = base->world, .fast = base->fast};
    if (live_wanders(base, mac))
        return true;
    uint32_t number = row_links_find(&base->links, mac);
    uint32_t n = number == WORLD_NONE ? WORLD_NONE : base->links.heads[number].first;
    for (; n != WORLD_NONE && pass.odd_rows == 0; n = base->links.nodes[n].next) {
        const struct sighting *row = &base->links.nodes[n].sighting;
        if (slot == NULL)
            return true;
        sweep_pass(&pass, slot, row->port, row->vlan);
    }
    return pass.odd_rows > 0;
}

/* The last frame that proves where a session that goes on has its guest; WALL_UNKNOWN. */
static struct wall frame_of_session(const struct live *live, const struct presence_sign *sign)
{
    struct presence_row rows[LIVE_SESSIONS_MAX];
    unsigned count = presence_find(live->presence, sign->id, false, rows, LIVE_SESSIONS_MAX);
    for (unsigned i = 0; i < count && i < LIVE_SESSIONS_MAX; i++)
        if (rows[i].source == sign->source && rows[i].session == sign->session)
            return live_fact_of(live, &rows[i]).frame;
    return WALL_UNKNOWN;
}

void live_ended(struct live *live, const struct event *event, const struct presence_row *row,
                struct wall frame, struct wall now, struct live_out *out)
{
    const struct mac_slot *slot = guest_slot(live, event->mac);
    bool stood = live_stands(live->base, slot, event->mac.bits);
    bool slow = is_slow(slot);
    if (slow) {
        struct heard_fact *fact = arena_alloc(out->arena, sizeof *fact);
        *fact = live_fact_of(live, row);
        fact->frame = frame;
        fact->cause = event->cause != NULL ? arena_printf(out->arena, "%s", event->cause) : NULL;
        live_judge_past(live, slot->nic, fact, now, out);
    }
    struct presence_row other;
    bool others = presence_find(live->presence, row->id, false, &other, 1) > 0;
    if (stood || slow || others || live_has_odd_rows(live->base, slot, event->mac.bits))
        live_judge(live, event->mac, now, "departure", out);
    else
        live->counts.in_order++;
}

void live_stop(struct live *live, const struct event *event, const struct presence_sign *sign,
               struct wall now, struct live_out *out)
{
    struct presence_row row;
    struct wall frame = WALL_UNKNOWN;
    if (live->base != NULL && mac_known(sign->id.mac) && is_slow(guest_slot(live, sign->id.mac)))
        frame = frame_of_session(live, sign); /* its end is none, and all that is kept of it */
    enum presence_outcome outcome = presence_stop(live->presence, sign, now, &row);
    if (outcome != PRESENCE_ENDED || row.unstarted || live->base == NULL)
        return;
    if (mac_known(sign->id.mac))
        live_ended(live, event, &row, frame, now, out);
    else
        live_mobile_stop(live, event, out);
}

/* --- time --- */

/* Whether judging would tell nothing: of one guest among very many whose sessions end at once,
 * which a table still shows, or which a collective verdict stands for. The round to come
 * knows of each. */
static bool is_plain(struct live *live, const struct mac_slot *slot, const struct presence_row *row,
                     struct wall now)
{
    struct live_base *base = live->base;
    if ((slot->key >> 48 & (MAC_TAG_SLOW | MAC_TAG_ALSO_NIC)) ||
        live_stands(base, slot, row->id.mac.bits))
        return false;
    uint32_t number = row_links_find(&base->links, row->id.mac.bits);
    if (row->end == PRESENCE_EXPIRED && number != WORLD_NONE &&
        base->links.heads[number].first != WORLD_NONE)
        return true;
    return live_storming(live,
                         row->end == PRESENCE_EXPIRED ? DISCREPANCY_SESSION_EXPIRED
                                                      : DISCREPANCY_UNEXPECTED_STOP,
                         live_port_of(live, row->place), now);
}

/* A session is over: has the guest gone that should be there? */
static void settle(struct live *live, const struct presence_due *due, struct wall now,
                   struct live_out *out)
{
    const struct presence_row *row = &due->row;
    if (row->end == PRESENCE_EXPIRED)
        live_note_expired(live, row, out);
    if (!mac_known(row->id.mac) && !row->unstarted)
        live_mobile_due(live, due, now, out);
    if (!mac_known(row->id.mac) || row->unstarted || live->base == NULL || due->others > 0)
        return;
    const struct mac_slot *slot = guest_slot(live, row->id.mac);
    if (slot == NULL) {
        if (live_stands(live->base, NULL, row->id.mac.bits))
            live_judge(live, row->id.mac, now, "departure", out);
        return;
    }
    struct heard_fact fact = live_fact_of(live, row);
    live_departed_add(live, &fact, now);
    if (is_plain(live, slot, row, now))
        return;
    live_judge(live, row->id.mac, now, "departure", out);
    uint32_t number = row_links_find(&live->base->links, row->id.mac.bits);
    bool shown = number != WORLD_NONE && live->base->links.heads[number].first != WORLD_NONE;
    if (!shown && !live_stands(live->base, slot, row->id.mac.bits))
        live_departed_forget(live, row->id.mac.bits); /* off, say: nothing follows from it */
}

void live_tick(struct live *live, struct wall now, struct live_out *out)
{
    enum { DUE_A_TICK = 64 };
    struct presence_due due[DUE_A_TICK];
    live->now = now;
    size_t count = presence_expire(live->presence, now, due, DUE_A_TICK);
    for (size_t i = 0; i < count; i++)
        settle(live, &due[i], now, out);
    live_windows_due(live, now, out);
    if (live->base != NULL)
        live_again(live, now, out);
}

struct wall live_next(const struct live *live)
{
    struct wall next = presence_deadline(live->presence);
    if (live->base != NULL &&
        (live->again_next < live->again_count || live->mobile_next < live->mobile_count))
        return live->now; /* at once */
    struct wall window = live_window_deadline(live);
    if (!wall_known(next) || (wall_known(window) && window.us < next.us))
        next = window;
    return next;
}
