/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/live_mobile.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"

/* Arrival (DOMAIN S1 to S4), and the way of every event to where it belongs.
 *
 * The test whether an arrival is plainly in order is the sweep's: the MAC's slot has its
 * owner, the port has the one hypervisor whose place it is. */

enum { LIVE_AT_ONCE = 32 };

static bool has_vlan(const struct vlan_pool *pool, vlan_set set, uint32_t vlan)
{
    size_t count;
    const uint32_t *ids = vlan_pool_get(pool, set, &count);
    for (size_t i = 0; i < count; i++)
        if (ids[i] == vlan)
            return true;
    return false;
}

bool live_is_in_order(struct live *live, struct mac mac, uint32_t place)
{
    struct live_base *base = live->base;
    const struct mac_slot *slot = mac_index_find(&base->world->index, mac.bits);
    if (slot == NULL) /* an address that is no guest's by any sign */
        return !sweep_is_suspect(base->world, mac.bits);
    uint32_t tag = (uint32_t)(slot->key >> 48);
    if (tag & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE))
        return true; /* a hypervisor's own: polling sees where it is */
    if ((tag & (MAC_TAG_SLOW | MAC_TAG_ALSO_NIC)) || live_stands(base, slot, mac.bits) ||
        live_wanders(base, mac.bits) ||
        (slot->owner < base->world->hypervisor_count &&
         (base->hypervisors[slot->owner] & (HYPERVISOR_SILENT | HYPERVISOR_MOVED))))
        return false;
    uint32_t port = live_port_of(live, place);
    if (port == base->view.nowhere)
        return true; /* it is there: where, the tables say */
    if (port >= base->fast_count || base->fast[port] != slot->owner)
        return false;
    uint32_t vlan = tag & MAC_TAG_VLAN, heard = live->origins[place]->vlan;
    return vlan == 0 || heard == 0 || has_vlan(base->view.vlans, (vlan_set)vlan, heard);
}

/* When the event was true: never in the future. */
static struct wall time_of(const struct event *event, struct wall now)
{
    return wall_known(event->at) && event->at.us < now.us ? event->at : now;
}

/* When the session's last word so far was true; WALL_UNKNOWN where it is not known. */
static struct wall last_word(const struct live *live, const struct presence_sign *sign)
{
    struct presence_row rows[LIVE_SESSIONS_MAX];
    unsigned count = presence_find(live->presence, sign->id, false, rows, LIVE_SESSIONS_MAX);
    for (unsigned i = 0; i < count && i < LIVE_SESSIONS_MAX; i++)
        if (rows[i].source == sign->source && rows[i].session == sign->session &&
            (mac_known(sign->id.mac) || rows[i].nas == sign->nas))
            return live_last_of(live, &rows[i]);
    return WALL_UNKNOWN;
}

/* Remembers that what was heard now is older than that. */
static void note_delay(struct live *live, const struct presence_row *row, struct wall at,
                       struct wall now)
{
    uint64_t key = (uint64_t)row->number << 32 | row->generation;
    if (live_row_last(at, now).us == now.us) {
        if (live->delayed_of.count > 0 && map_find(&live->delayed_of, key) != MAP_NO_VALUE)
            map_put(&live->delayed_of, key, MAP_NO_VALUE);
        return;
    }
    if (live->delayed_count == LIMIT_LIVE_DELAYED) {
        map_done(&live->delayed_of); /* the older half of a flood counts as heard when it came */
        live->delayed_count = 0;
    }
    if (live->delayed == NULL)
        live->delayed = alloc_array(LIMIT_LIVE_DELAYED, sizeof *live->delayed);
    live->delayed[live->delayed_count] = (struct delayed){row->heard, at};
    map_put(&live->delayed_of, key, (uint32_t)live->delayed_count++);
}

/* Whether an arrival that is in order by itself takes something back: it came late and was before
 * another session of its address began, or takes the place of a session that had a word against a
 * row: elsewhere, over by now, or begun by a frame. */
static bool is_changing(const struct live *live, const struct presence_sign *sign, bool replaces,
                        struct wall now)
{
    const struct mac_slot *slot =
        replaces ? mac_index_find(&live->base->world->index, sign->id.mac.bits) : NULL;
    if (slot != NULL && live_has_odd_rows(live->base, slot, sign->id.mac.bits))
        return true;
    return live_row_last(sign->at, now).us != now.us &&
           presence_find(live->presence, sign->id, false, NULL, 0) > 1;
}

/* What the world lacks to judge a frame by: where it came from. */
static void announce(struct live *live, const struct event *event, uint32_t place, struct wall now,
                     struct live_out *out)
{
    struct live_base *base = live->base;
    const struct mac_slot *slot = mac_index_find(&base->world->index, event->mac.bits);
    uint32_t port = live_port_of(live, place);
    if (slot == NULL) {
        if (judge_wants_unknown(base->world, event->mac))
            live_wish_everywhere(live, event->mac, "announcement", now, out);
        return;
    }
    uint32_t tag = (uint32_t)(slot->key >> 48);
    if (tag & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE))
        return;
    bool home = port != base->view.nowhere && world_is_place(&base->view, port, slot->owner) &&
                !(tag & MAC_TAG_SLOW);
    if (!home)
        live_window_open(live, event->mac, now, out);
    if (port == base->view.nowhere)
        live_wish_probe(live, event->mac, NULL, "announcement", now, out);
}

void live_note_recent(struct live *live, uint64_t mac)
{
    if (live->recent_count == LIMIT_LIVE_RECENT)
        return;
    live->recent =
        alloc_grow(live->recent, live->recent_count, &live->recent_capacity, sizeof *live->recent);
    live->recent[live->recent_count++] = mac;
}

static void arrive(struct live *live, const struct event *event, const struct presence_sign *sign,
                   struct wall now, struct live_out *out)
{
    struct presence_row row;
    bool known = event->kind == EVENT_UPDATE;
    struct presence_sign told = *sign;
    struct wall last = sign->at;                     /* of all its words */
    if (live_row_last(sign->at, now).us != now.us) { /* one that comes late can be behind others */
        struct wall before = last_word(live, sign);
        if (wall_known(before) && before.us > sign->at.us) {
            last = before;
            told.place = PRESENCE_NONE; /* it is elsewhere by now, or there */
        }
    }
    enum presence_outcome outcome = known ? presence_update(live->presence, &told, now, &row)
                                          : presence_start(live->presence, &told, now, &row);
    if (outcome == PRESENCE_LATE && !mac_known(sign->id.mac)) {
        live_mobile_ended(live, event, sign, row.heard);
        return;
    }
    if (outcome == PRESENCE_LATE || outcome == PRESENCE_REFUSED) {
        const struct mac_slot *slot =
            live->base != NULL && mac_known(sign->id.mac)
                ? mac_index_find(&live->base->world->index, sign->id.mac.bits)
                : NULL;
        if (slot != NULL && slot->nic < live->base->world->nic_count &&
            live_stands(live->base, slot, sign->id.mac.bits))
            live_judge(live, sign->id.mac, now, "arrival", out);
        return;
    }
    if (outcome == PRESENCE_ENDED) { /* its stop came before it */
        struct wall frame = row.implicit ? WALL_UNKNOWN : row.started;
        if (mac_known(sign->id.mac) && live->base != NULL)
            live_ended(live, event, &row, frame, now, out);
        if (!mac_known(sign->id.mac))
            live_mobile_ended(live, event, sign, row.heard);
        return;
    }
    note_delay(live, &row, last, now);
    if (!mac_known(sign->id.mac)) {
        live_mobile_arrive(live, event, sign, now, out);
        return;
    }
    if (live->base == NULL)
        return;
    if (live_port_of(live, row.place) == live->base->view.nowhere && event->switch_name != NULL &&
        event->switch_name[0] != '\0')
        live->counts.unmapped++;
    if (event->kind == EVENT_ANNOUNCE)
        announce(live, event, row.place, now, out);
    bool replaces = outcome == PRESENCE_MOVED || outcome == PRESENCE_BEGUN ||
                    outcome == PRESENCE_RESUMED || (outcome == PRESENCE_STARTED && row.implicit);
    replaces = live_departed_answer(live, &row) || replaces;
    if (live_is_in_order(live, event->mac, row.place) && !is_changing(live, sign, replaces, now)) {
        live->counts.in_order++;
        live_note_recent(live, event->mac.bits);
    } else {
        live_judge(live, event->mac, now,
                   event->kind == EVENT_ANNOUNCE ? "announcement" : "arrival", out);
    }
    if (live->base->watch_count > 0)
        live_watch_heard(live, event->mac.bits, now, out);
}

static struct heard_origin origin_of(const struct event *event)
{
    return (struct heard_origin){.source = event->source,
                                 .type = event->type,
                                 .nas = event->nas,
                                 .switch_name = event->switch_name,
                                 .port = event->port,
                                 .vlan = event->vlan};
}

static void reset(struct live *live, const struct event *event, struct wall now,
                  struct live_out *out)
{
    uint32_t nas = live_nas_of(live, event->type, event->nas);
    if (nas == PRESENCE_NONE)
        return;
    live->reset_next = 0;
    live->reset_since = true;
    bool whole = event->port == NULL || event->port[0] == '\0';
    const struct heard_origin origin = origin_of(event);
    uint32_t place =
        whole ? PRESENCE_NONE : live_origin_of(live, &origin, live_origin_key(&origin));
    if (whole || place != PRESENCE_NONE)
        presence_reset(live->presence, nas, place, now);
    if (live->base != NULL)
        live_reset_looks(live, now, out);
}

/* Whether the event is a word about a session: it has a sign. */
static bool tells_session(const struct event *event)
{
    return event->kind != EVENT_HINT && event->proof != EVENT_PROOF_HINT &&
           event->kind != EVENT_RESET && (mac_known(event->mac) || ip_known(&event->address));
}

/* Whether the identity is a home address; of other sources an address only labels its MAC. */
static bool is_mobile(const struct event *event)
{
    return ip_known(&event->address) &&
           (!mac_known(event->mac) || ip_known(&event->care_of) || ip_known(&event->agent));
}

/* `key` is that of the event's origin. */
static struct presence_sign sign_of(struct live *live, const struct event *event, uint64_t key,
                                    struct wall now)
{
    const struct heard_origin origin = origin_of(event);
    enum presence_source source = presence_source_parse(event->type != NULL ? event->type : "");
    uint32_t place = live_origin_of(live, &origin, key);
    struct presence_sign sign = {
        .id = is_mobile(event) ? presence_address(event->address) : presence_mac(event->mac),
        .source = source,
        .nas = live_origin_nas(live, &origin, place),
        .session = presence_session_hash(live->options.secret, source, event->nas, event->session),
        .place = place,
        .proof = event->proof,
        .at = time_of(event, now),
        .lifetime = event->lifetime};
    if (event->kind == EVENT_ANNOUNCE && event->lifetime.us <= 0) /* a frame, not a session */
        sign.lifetime =
            live->base != NULL ? live->base->world->options.heard_hold : span_seconds(300);
    return sign;
}

/* Takes one event; `sign` is its sign, where it has one. */
static void take(struct live *live, const struct event *event, const struct presence_sign *sign,
                 struct wall now, struct live_out *out)
{
    live->counts.events++;
    live->now = now;
    if (event->kind == EVENT_HINT || event->proof == EVENT_PROOF_HINT)
        live_hint(live, event, now, out);
    else if (event->kind == EVENT_RESET)
        reset(live, event, now, out);
    else if (tells_session(event) && event->kind == EVENT_STOP)
        live_stop(live, event, sign, now, out);
    else if (tells_session(event))
        arrive(live, event, sign, now, out);
}

void live_event(struct live *live, const struct event *event, struct wall now, struct live_out *out)
{
    live_events(live, event, 1, now, out);
}

/* Fetches what the records say of the events' addresses and places, which presence_expect() has
 * left time to come. */
static FETCHES_AHEAD void expect_records(const struct live *live, const struct event *events,
                                         const struct presence_sign *signs, size_t count)
{
    const struct live_base *base = live->base;
    const struct mac_index *index = &base->world->index;
    uint32_t guesses[LIVE_AT_ONCE];
    for (size_t i = 0; i < count; i++) {
        guesses[i] = mac_index_guess(index, events[i].mac.bits);
        if (signs[i].place < base->port_of_count)
            __builtin_prefetch(base->port_of + signs[i].place);
    }
    for (size_t i = 0; i < count; i++) {
        const uint32_t nic = guesses[i] != 0 ? index->slots[guesses[i] - 1].nic : UINT32_MAX;
        if (nic < base->world->nic_count)
            __builtin_prefetch(base->marked + nic / 64);
        if (events[i].kind == EVENT_STOP && guesses[i] != 0)
            __builtin_prefetch(base->links.heads + guesses[i] - 1);
        const uint32_t port =
            signs[i].place < base->port_of_count ? base->port_of[signs[i].place] : 0;
        if (port > 0 && port <= base->fast_count)
            __builtin_prefetch(base->fast + port - 1);
    }
}

/* At most LIVE_AT_ONCE events: all wait for memory together, a step at a time. */
static void take_some(struct live *live, const struct event *events, size_t count, struct wall now,
                      struct live_out *out)
{
    struct presence_sign signs[LIVE_AT_ONCE];
    uint64_t keys[LIVE_AT_ONCE];
    for (size_t i = 0; i < count; i++) {
        const struct heard_origin origin = origin_of(&events[i]);
        keys[i] = live_origin_key(&origin);
        map_prefetch(&live->origin_of, keys[i]);
        if (live->base != NULL)
            mac_index_prefetch(&live->base->world->index, events[i].mac.bits);
    }
    for (size_t i = 0; i < count; i++) {
        signs[i] = (struct presence_sign){.id = presence_mac(MAC_NONE), .place = PRESENCE_NONE};
        if (tells_session(&events[i]))
            signs[i] = sign_of(live, &events[i], keys[i], now);
    }
    presence_expect(live->presence, signs, count);
    if (live->base != NULL)
        expect_records(live, events, signs, count);
    for (size_t i = 0; i < count; i++)
        take(live, &events[i], &signs[i], now, out);
}

void live_events(struct live *live, const struct event *events, size_t count, struct wall now,
                 struct live_out *out)
{
    for (size_t first = 0; first < count; first += LIVE_AT_ONCE) {
        size_t some = count - first < LIVE_AT_ONCE ? count - first : LIVE_AT_ONCE;
        take_some(live, events + first, some, now, out);
    }
}
