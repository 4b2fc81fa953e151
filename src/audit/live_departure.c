/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

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
        return row->end == PRESENCE_RESET ? fact->first : fact->last;
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
    if (fact.first.us > fact.last.us && row->end == PRESENCE_STOPPED)
        fact.first = fact.last;
    if (fact.first.us > fact.last.us) /* a word that was older than the first */
        fact.last = fact.first;
    fact.frame = last_frame(row, &fact);
    switch (row->end) {
    case PRESENCE_LIVE:
        return fact;
    case PRESENCE_STOPPED:
        fact.end = HEARD_STOPPED;
        break;
    case PRESENCE_RESET:
        fact.end = HEARD_RESET;
        if (row->quiet) { /* it was no sighting any more */
            fact.ended = fact.last;
            fact.last.us--;
        }
        break;
    case PRESENCE_EXPIRED:
        fact.end = HEARD_EXPIRED;
        fact.ended = row->expires;
        return fact;
    }
    if (!wall_known(fact.ended))
        fact.ended = fact.last;
    if (row->settled)
        fact.expires = WALL_UNKNOWN;
    return fact;
}

struct wall live_last_of(const struct live *live, const struct presence_row *row)
{
    if (wall_known(row->held) && row->held.us > row->heard.us) { /* and no later than its word */
        int64_t last = row->held.us - live->hold.us;
        return (struct wall){last < row->heard.us ? last : row->heard.us};
    }
    uint32_t late = live->delayed_of.count > 0
                        ? map_find(&live->delayed_of, (uint64_t)row->number << 32 | row->generation)
                        : MAP_NO_VALUE;
    bool delayed = late != MAP_NO_VALUE && live->delayed[late].heard.us == row->heard.us;
    return delayed ? live->delayed[late].at : row->heard;
}

struct heard_fact live_fact_of(const struct live *live, const struct presence_row *row)
{
    return live_row_fact(row, live_origin(live, row->place), live_last_of(live, row));
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

static const char *said(const char *text)
{
    return text != NULL ? text : "";
}

/* Whether the frame says that the guest was there when the session had ended. */
static bool answers(const struct live *live, const struct heard_fact *frame,
                    const struct heard_fact *ended)
{
    int64_t skew = live->base != NULL ? live->base->world->options.clock_skew.us : 0;
    return wall_known(frame->frame) && frame->frame.us - skew > ended->ended.us;
}

/* Of two that ended at once the one that began later, and of twins always the same. That frames
 * are not overheard any more is no end of a session, unless they came after it. */
static bool ends_later(const struct live *live, const struct heard_fact *fact,
                       const struct heard_fact *other)
{
    const struct heard_origin *at = fact->origin, *other_at = other->origin;
    bool session = heard_is_session(at);
    if (session != heard_is_session(other_at))
        return session ? !answers(live, other, fact) : answers(live, fact, other);
    if (fact->ended.us != other->ended.us)
        return fact->ended.us > other->ended.us;
    if (fact->first.us != other->first.us)
        return fact->first.us > other->first.us;
    int order = strcmp(said(at->switch_name), said(other_at->switch_name));
    return order != 0 ? order > 0 : strcmp(said(at->port), said(other_at->port)) >= 0;
}

void live_departed_add(struct live *live, const struct heard_fact *fact, struct wall now)
{
    uint32_t number = map_find(shard_of(live, fact->mac.bits), fact->mac.bits);
    if (number != MAP_NO_VALUE) {
        if (ends_later(live, fact, &live->departed[number]))
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

bool live_departed_answer(struct live *live, const struct presence_row *row)
{
    const struct heard_fact *departed =
        live->departed_live > 0 ? live_departed_find(live, row->id.mac.bits) : NULL;
    if (departed == NULL)
        return false;
    struct heard_fact fact = live_fact_of(live, row);
    if (heard_is_session(fact.origin) || answers(live, &fact, departed))
        live_departed_forget(live, row->id.mac.bits);
    return true;
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

/* Whether a table shows the address. */
static bool is_shown(const struct live_base *base, uint64_t mac)
{
    uint32_t number = row_links_find(&base->links, mac);
    return number != WORLD_NONE && base->links.heads[number].first != WORLD_NONE;
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

/* Whether any session of the address is a sighting: one that goes on, or that was reset and has
 * not settled. */
static bool speaks(const struct live *live, struct presence_id id)
{
    struct presence_row rows[LIVE_SESSIONS_MAX];
    bool found = false;
    unsigned count = presence_find(live->presence, id, true, rows, LIVE_SESSIONS_MAX);
    for (unsigned i = 0; i < count && i < LIVE_SESSIONS_MAX; i++)
        found = found || rows[i].end == PRESENCE_LIVE ||
                (rows[i].end == PRESENCE_RESET && !rows[i].settled);
    return found;
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
    bool silent = slot != NULL && slot->owner < live->base->world->hypervisor_count &&
                  (live->base->hypervisors[slot->owner] & HYPERVISOR_SILENT);
    if (stood || slow || silent || speaks(live, row->id) ||
        live_has_odd_rows(live->base, slot, event->mac.bits))
        live_judge(live, event->mac, now, "departure", out);
    else
        live->counts.in_order++;
    live_watch_heard(live, event->mac.bits, now, out);
}

void live_stop(struct live *live, const struct event *event, const struct presence_sign *sign,
               struct wall now, struct live_out *out)
{
    struct presence_row row;
    struct wall frame = WALL_UNKNOWN;
    if (live->base != NULL && mac_known(sign->id.mac) && is_slow(guest_slot(live, sign->id.mac)))
        frame = frame_of_session(live, sign); /* its end is none, and all that is kept of it */
    if (!mac_known(sign->id.mac) && live_mobile_is_late(live, event, sign))
        return;
    enum presence_outcome outcome = presence_stop(live->presence, sign, now, &row);
    if (outcome != PRESENCE_ENDED || row.unstarted || live->base == NULL)
        return;
    if (mac_known(sign->id.mac))
        live_ended(live, event, &row, frame, now, out);
    else
        live_mobile_stop(live, event, sign, out);
}

/* --- time --- */

/* Whether judging would tell nothing: of one guest among very many whose sessions end at once,
 * which a table still shows, or which a collective verdict stands for. The round to come
 * knows of each. */
static bool is_plain(struct live *live, const struct mac_slot *slot, const struct heard_fact *fact,
                     struct wall now)
{
    struct live_base *base = live->base;
    if ((slot->key >> 48 & (MAC_TAG_SLOW | MAC_TAG_ALSO_NIC)) ||
        live_stands(base, slot, fact->mac.bits))
        return false;
    if (fact->end == HEARD_EXPIRED && is_shown(base, fact->mac.bits))
        return !live_has_odd_rows(base, slot, fact->mac.bits);
    if (live->storm_count == 0)
        return false;
    uint32_t port = world_heard_place(&base->view, fact->origin->switch_name, fact->origin->port);
    return live_storming(live,
                         fact->end == HEARD_EXPIRED ? DISCREPANCY_SESSION_EXPIRED
                                                    : DISCREPANCY_UNEXPECTED_STOP,
                         port, now);
}

/* Whether some record says that the guest should communicate. */
static bool should_communicate(const struct world *world, const struct mac_slot *slot,
                               struct mac mac)
{
    const struct world_shared_mac *shared;
    size_t count = world_shared(world, mac, &shared);
    bool should = count == 0 && run_state_communicates(world_nic_state(world, slot->nic)) == YES;
    for (size_t i = 0; i < count; i++)
        should = should || run_state_communicates(world_nic_state(world, shared[i].nic)) == YES;
    return should;
}

bool live_is_settled_plainly(struct live *live, const struct mac_slot *slot, struct mac mac)
{
    struct presence_row rows[LIVE_SESSIONS_MAX];
    if (live_stands(live->base, slot, mac.bits) || live_departed_find(live, mac.bits) != NULL)
        return false;
    if (slot == NULL) /* nobody's, of which nothing is said while any of it is heard */
        return true;
    unsigned count =
        presence_find(live->presence, presence_mac(mac), false, rows, LIVE_SESSIONS_MAX);
    for (unsigned i = 0; i < count && i < LIVE_SESSIONS_MAX; i++)
        if (!live_is_in_order(live, mac, rows[i].place))
            return false;
    /* A session that goes on may be outlasted by tables that do not show it: then its last word
     * was this one's end. */
    return is_shown(live->base, mac.bits) && !live_has_odd_rows(live->base, slot, mac.bits);
}

/* Takes that a session is over, or not heard of any more, while others may go on. */
static void look_settled(struct live *live, struct mac mac, struct wall now, struct live_out *out)
{
    if (live_is_settled_plainly(live, guest_slot(live, mac), mac))
        live_note_recent(live, mac.bits | RECENT_ENDED);
    else
        live_judge(live, mac, now, "departure", out);
}

/* Whether others say more of the address than the row that is over: a session that goes on; a frame
 * that was overheard after the end, or besides other frames. */
static bool is_outlived(const struct live *live, const struct presence_due *due,
                        const struct heard_fact *ended)
{
    struct presence_row rows[LIVE_SESSIONS_MAX];
    if (due->others == 0)
        return false;
    bool outlived = !heard_is_session(ended->origin);
    unsigned count = presence_find(live->presence, due->row.id, false, rows, LIVE_SESSIONS_MAX);
    for (unsigned i = 0; i < count && i < LIVE_SESSIONS_MAX && !outlived; i++) {
        struct heard_fact fact = live_fact_of(live, &rows[i]);
        outlived = heard_is_session(fact.origin) || answers(live, &fact, ended);
    }
    return outlived;
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
    if (!mac_known(row->id.mac) || row->unstarted || live->base == NULL)
        return;
    const struct mac_slot *slot = guest_slot(live, row->id.mac);
    struct heard_fact fact = live_fact_of(live, row);
    if (slot == NULL || due->quiet || is_outlived(live, due, &fact)) {
        look_settled(live, row->id.mac, now, out);
        return;
    }
    live_departed_add(live, &fact, now);
    const struct heard_fact *departed = live_departed_find(live, row->id.mac.bits);
    live_depart_again(live, departed != NULL ? departed : &fact, now, out);
}

void live_depart_again(struct live *live, const struct heard_fact *departed, struct wall now,
                       struct live_out *out)
{
    struct mac mac = departed->mac;
    const struct mac_slot *slot = guest_slot(live, mac);
    if (slot == NULL)
        return;
    if (is_plain(live, slot, departed, now)) {
        live_note_recent(live, mac.bits | RECENT_ENDED);
        return;
    }
    live_judge(live, mac, now, "departure", out);
    if (!is_shown(live->base, mac.bits) && !live_stands(live->base, slot, mac.bits) &&
        !should_communicate(live->base->world, slot, mac))
        live_departed_forget(live, mac.bits); /* off, say: nothing follows from it */
}

/* Whether a session of the address was ended by a reset that has not settled. */
static bool is_reset(const struct live *live, struct mac mac)
{
    struct presence_row rows[LIVE_SESSIONS_MAX];
    bool found = false;
    unsigned count =
        presence_find(live->presence, presence_mac(mac), true, rows, LIVE_SESSIONS_MAX);
    for (unsigned i = 0; i < count && i < LIVE_SESSIONS_MAX; i++)
        found = found || (rows[i].end == PRESENCE_RESET && !rows[i].settled);
    return found;
}

/* Of the subject of a standing verdict the first address that was reset, MAC_NONE. */
static struct mac reset_mac(const struct live *live, const struct standing *one)
{
    const struct world *world = live->base->world;
    struct mac found = MAC_NONE;
    if (one->subject_type == SUBJECT_MAC)
        return is_reset(live, (struct mac){one->mac}) ? (struct mac){one->mac} : MAC_NONE;
    if (one->subject_type != SUBJECT_GUEST)
        return MAC_NONE;
    uint32_t *nics = NULL;
    size_t capacity = 0;
    size_t count = world_guest_nics(world, world_nic_guest(world, one->subject), &nics, &capacity);
    for (size_t i = 0; i < count && !mac_known(found); i++) {
        struct mac mac = world_nic_mac(world, nics[i]);
        if (mac_known(mac) && is_reset(live, mac))
            found = mac;
    }
    free(nics);
    return found;
}

void live_reset_looks(struct live *live, struct wall now, struct live_out *out)
{
    enum { LOOKS_A_TICK = 1024, JUDGED_A_TICK = 16 };
    unsigned judged = 0;
    for (int i = 0; i < LOOKS_A_TICK && judged < JUDGED_A_TICK; i++) {
        if (live->reset_next >= live->base->standing_count) {
            live->reset_next = SIZE_MAX;
            return;
        }
        const struct standing *one = &live->base->standing[live->reset_next++];
        struct mac mac = one->key_high != 0 ? reset_mac(live, one) : MAC_NONE;
        if (!mac_known(mac))
            continue;
        live_judge(live, mac, now, NULL, out);
        judged++;
    }
}

void live_tick(struct live *live, struct wall now, struct live_out *out)
{
    enum { DUE_A_TICK = 32 };
    struct presence_due due[DUE_A_TICK];
    live->now = now;
    size_t count = presence_expire(live->presence, now, due, DUE_A_TICK);
    for (size_t i = 0; i < count; i++) {
        if (live->base != NULL && mac_known(due[i].row.id.mac))
            live_watch_heard(live, due[i].row.id.mac.bits, now, out);
        settle(live, &due[i], now, out);
    }
    live_windows_due(live, now, out);
    if (live->base != NULL)
        live_flushes_due(live, now, out);
    if (live->base != NULL)
        live_again(live, now, out);
    if (live->base != NULL && live->reset_next != SIZE_MAX)
        live_reset_looks(live, now, out);
    if (live->base != NULL)
        live_watch_some(live, now, out);
}

struct wall live_next(const struct live *live)
{
    struct wall next = presence_deadline(live->presence);
    if (live->base != NULL &&
        (live->again_next < live->again_count || live->mobile_next < live->mobile_count ||
         live->reset_next != SIZE_MAX || live->flush_left > 0 || live->base->watch_busy))
        return live->now; /* at once */
    const struct wall others[] = {live_window_deadline(live), live->flush_next};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        if (!wall_known(next) || (wall_known(others[i]) && others[i].us < next.us))
            next = others[i];
    return next;
}
