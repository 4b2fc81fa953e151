/* SPDX-License-Identifier: Apache-2.0 */
#include "source/binding_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"

enum { SET = 8, SETS = LIMIT_BINDINGS / SET };
enum { STATUS_SEQUENCE = 135, ERROR_UNKNOWN_BINDING = 1, REREGISTRATION_US = 1000000 };

enum role { ROLE_UNKNOWN, ROLE_AGENT, ROLE_CORRESPONDENT };

struct entry {
    struct ip who, peer; /* `peer` unknown: the entry is free */
    struct ip care_of, before, accepted;
    struct wall told, heard, changed; /* `changed`: when `care_of` or `live` last did */
    struct mac mac;
    uint32_t lifetime_seconds; /* 0: not known */
    uint16_t sequence;
    bool live, sequenced, was_accepted;
    uint8_t role;
};

struct binding_cache {
    struct entry *entries;
    struct span refresh;
    struct ip agents[LIMIT_HOME_AGENTS];
    size_t agent_count;
    struct entry next;   /* what the entry becomes when the event was told */
    struct entry *place; /* of `next`; NULL: nothing is waiting */
    struct binding_counters counters;
    char peer[IP_TEXT_SIZE], node[UINT8_MAX + 1];
};

struct binding_cache *binding_cache_new(struct span refresh)
{
    struct binding_cache *cache = alloc_zeroed(1, sizeof *cache);
    cache->entries = alloc_zeroed(LIMIT_BINDINGS, sizeof *cache->entries);
    cache->refresh = refresh;
    return cache;
}

void binding_cache_free(struct binding_cache *cache)
{
    if (cache == NULL)
        return;
    free(cache->entries);
    free(cache);
}

const struct binding_counters *binding_cache_counters(const struct binding_cache *cache)
{
    return &cache->counters;
}

/* --- roles --- */

static bool is_agent(const struct binding_cache *cache, const struct ip *peer)
{
    for (size_t i = 0; i < cache->agent_count; i++) {
        if (ip_equal(&cache->agents[i], peer))
            return true;
    }
    return false;
}

bool binding_cache_agent(struct binding_cache *cache, const struct ip *agent)
{
    if (!ip_known(agent) || is_agent(cache, agent))
        return true;
    if (cache->agent_count == LIMIT_HOME_AGENTS)
        return false;
    cache->agents[cache->agent_count++] = *agent;
    return true;
}

static uint8_t role_of(const struct binding_cache *cache, const struct binding *binding,
                       const struct entry *entry)
{
    if (is_agent(cache, &binding->peer))
        return ROLE_AGENT;
    /* Only the message itself says it for sure: ESP may also protect user data. */
    if (binding->kind == BINDING_MESSAGE && ip_known(&binding->home_agent))
        return ROLE_AGENT;
    if (entry->role != ROLE_UNKNOWN)
        return entry->role;
    if (ip_known(&binding->home_agent))
        return cache->agent_count == 0 ? ROLE_AGENT : ROLE_CORRESPONDENT;
    return ip_known(&binding->correspondent) ? ROLE_CORRESPONDENT : ROLE_UNKNOWN;
}

/* --- entries --- */

/* A proxied node of which only the MAC is known has a link-local key, which no home
 * address can be. */
static struct ip mac_key(struct mac mac)
{
    struct ip key = {{0xfe, 0x80}};
    mac_to_octets(mac, key.octets + 10);
    return key;
}

static bool is_mac_key(const struct ip *who)
{
    return who->octets[0] == 0xfe && (who->octets[1] & 0xc0) == 0x80;
}

static struct entry *set_of(struct binding_cache *cache, const struct ip *who,
                            const struct ip *peer)
{
    struct ip key[2] = {*who, *peer};
    uint64_t hash = hash_bytes(key, sizeof key, hash_seed());
    return cache->entries + (size_t)(hash % SETS) * SET;
}

/* Returns the entry, or the one that it would take the place of with *ret_new. */
static struct entry *find(struct binding_cache *cache, const struct ip *who, const struct ip *peer,
                          bool *ret_new)
{
    struct entry *set = set_of(cache, who, peer), *worst = set;
    *ret_new = false;
    for (int i = 0; i < SET; i++) {
        struct entry *at = set + i;
        if (!ip_known(&at->peer)) {
            *ret_new = true;
            return at;
        }
        if (ip_equal(&at->who, who) && ip_equal(&at->peer, peer))
            return at;
        if (at->live < worst->live || (at->live == worst->live && at->heard.us < worst->heard.us))
            worst = at;
    }
    *ret_new = true;
    return worst;
}

static void put(struct binding_cache *cache, struct entry *place, const struct entry *entry)
{
    bool same = ip_equal(&place->who, &entry->who) && ip_equal(&place->peer, &entry->peer);
    cache->counters.evicted += place->live && !same;
    cache->counters.live += (uint64_t)entry->live - (uint64_t)place->live;
    *place = *entry;
}

void binding_cache_told(struct binding_cache *cache)
{
    if (cache->place != NULL)
        put(cache, cache->place, &cache->next);
    cache->place = NULL;
}

/* --- judging --- */

/* One message or piece of evidence on its way through the rules. */
struct hearing {
    struct binding_cache *cache;
    const struct binding *binding;
    struct wall at;
    struct entry *place, next;
    bool known; /* `place` holds the binding */
    struct event *event;
};

static bool within(struct wall at, struct wall since, struct span span)
{
    return at.us >= since.us && at.us - since.us < span.us;
}

/* Remembers without telling. */
static bool remember(struct hearing *h)
{
    put(h->cache, h->place, &h->next);
    return false;
}

/* Makes the event of what `next` has become. */
static bool tell(struct hearing *h, enum event_kind kind, const char *cause)
{
    struct binding_cache *cache = h->cache;
    const struct mobility_message *message = &h->binding->message;
    *h->event = event_of(kind);
    h->event->proof = EVENT_PROOF_HEARD;
    h->event->mac = h->next.mac;
    h->event->address = is_mac_key(&h->next.who) ? IP_NONE : h->next.who;
    h->event->care_of = h->next.care_of;
    if (h->next.role == ROLE_AGENT)
        h->event->agent = h->next.peer;
    if (h->next.role == ROLE_CORRESPONDENT)
        h->event->correspondent = h->next.peer;
    h->event->nas = ip_format(&h->next.peer, cache->peer);
    h->event->cause = cause;
    h->event->at = h->at;
    h->event->lifetime = span_seconds(kind == EVENT_STOP ? 0 : h->next.lifetime_seconds);
    if (message->node_id != NULL) {
        memcpy(cache->node, message->node_id, message->node_id_length);
        cache->node[message->node_id_length] = '\0';
        h->event->node = cache->node;
    }
    h->next.told = h->at;
    cache->place = h->place;
    cache->next = h->next;
    return true;
}

static bool start(struct hearing *h, struct ip care_of)
{
    if (h->known && h->next.live)
        h->next.before = h->next.care_of;
    h->next.care_of = care_of;
    h->next.live = true;
    h->next.changed = h->at;
    return tell(h, EVENT_START, NULL);
}

static bool stop(struct hearing *h, const char *cause)
{
    h->next.live = h->next.was_accepted = false;
    h->next.changed = h->at;
    return tell(h, EVENT_STOP, cause);
}

/* The binding is as it was: said again only after a while, yet in time for a lifetime that
 * is short, and soon when its keeper was asked to begin the lifetime anew. */
static bool refresh(struct hearing *h)
{
    int64_t pause = h->cache->refresh.us, life = (int64_t)h->next.lifetime_seconds * 1000000;
    if (h->binding->kind == BINDING_MESSAGE && pause > REREGISTRATION_US)
        pause = REREGISTRATION_US;
    if (life > 0 && pause > life / 2)
        pause = life / 2;
    if (within(h->at, h->next.told, span_us(pause))) {
        h->cache->counters.suppressed++;
        return remember(h);
    }
    return tell(h, EVENT_UPDATE, NULL);
}

/* Whether the update is older than the one known, or the same with another meaning. */
static bool is_stale(const struct hearing *h, bool moved)
{
    const struct mobility_message *message = &h->binding->message;
    bool proxy = (message->flags & MOBILITY_FLAG_PROXY) != 0;
    bool fresh = h->place->live || within(h->at, h->place->changed, span_ms(BINDING_SETTLE_MS));
    if (!h->known || proxy || !h->place->sequenced || !fresh)
        return false;
    int ahead = (int16_t)(message->sequence - h->place->sequence);
    if (message->old) /* eight bits of it count */
        ahead = (int8_t)(message->sequence - h->place->sequence);
    return ahead < 0 || (ahead == 0 && moved);
}

static bool hear_update(struct hearing *h)
{
    const struct mobility_message *message = &h->binding->message;
    bool ends = h->binding->deregistration;
    bool moved = !h->place->live || !ip_equal(&h->place->care_of, &h->binding->care_of);
    bool repeated = h->known && h->place->sequenced && h->place->sequence == message->sequence;
    if (ends && repeated && !h->place->live)
        return false;
    if (is_stale(h, !ends && moved)) {
        h->cache->counters.stale++;
        return false;
    }
    h->next.sequenced = true;
    h->next.sequence = (uint16_t)message->sequence;
    h->next.lifetime_seconds = message->lifetime_seconds;
    if (ends) {
        h->next.care_of = h->binding->care_of;
        return stop(h, "deregistered");
    }
    if (!h->known || moved)
        return start(h, h->binding->care_of);
    /* A lifetime that was granted holds until another one is. */
    if (repeated || h->place->was_accepted)
        h->next.lifetime_seconds = h->place->lifetime_seconds;
    return refresh(h);
}

static bool hear_refusal(struct hearing *h)
{
    const struct mobility_message *message = &h->binding->message;
    bool answers = message->sequence == h->place->sequence || message->status == STATUS_SEQUENCE;
    if (!h->known || !h->place->live || !answers)
        return false;
    if (!h->place->was_accepted)
        return stop(h, "refused");
    if (ip_equal(&h->place->care_of, &h->place->accepted))
        return false;
    return start(h, h->place->accepted);
}

static bool hear_ack(struct hearing *h)
{
    const struct mobility_message *message = &h->binding->message;
    if (message->status >= MOBILITY_STATUS_REFUSED)
        return hear_refusal(h);
    if (h->known && h->place->sequenced && message->sequence != h->place->sequence) {
        h->cache->counters.stale++;
        return false;
    }
    if (message->lifetime_seconds == 0)
        return h->known && h->place->live && stop(h, "deregistered");
    if (!h->known && !ip_known(&h->binding->care_of))
        return false; /* of a dual stack node: its update says where it is */
    if (h->known && !h->place->live)
        return false; /* of an update before the one that ended the binding */
    /* The first one for a care-of address is news whatever it grants: now both ends say so. */
    bool told = h->known && h->place->was_accepted &&
                ip_equal(&h->place->accepted, &h->place->care_of) &&
                h->next.lifetime_seconds == message->lifetime_seconds;
    h->next.sequenced = h->next.was_accepted = true;
    h->next.sequence = (uint16_t)message->sequence;
    h->next.lifetime_seconds = message->lifetime_seconds;
    h->next.accepted = h->known ? h->next.care_of : h->binding->care_of;
    if (!h->known)
        return start(h, h->binding->care_of);
    return told ? remember(h) : tell(h, EVENT_UPDATE, NULL);
}

static bool hear_evidence(struct hearing *h)
{
    const struct ip *care_of = &h->binding->care_of;
    bool settling = h->known && within(h->at, h->place->changed, span_ms(BINDING_SETTLE_MS));
    if (h->known && h->place->live) {
        if (ip_equal(&h->place->care_of, care_of))
            return refresh(h);
        /* Whoever keeps the binding drops user data that does not match it. */
        bool late = settling && ip_equal(&h->place->before, care_of);
        if (late || h->binding->kind == BINDING_DATA) {
            h->cache->counters.stale++;
            return false;
        }
        return start(h, *care_of);
    }
    if (settling) {
        h->cache->counters.stale++;
        return false;
    }
    return start(h, *care_of);
}

static bool hear_message(struct hearing *h)
{
    struct binding_counters *counters = &h->cache->counters;
    switch (h->binding->message.type) {
    case MOBILITY_UPDATE:
        counters->updates++;
        return hear_update(h);
    case MOBILITY_ACK:
        counters->acks++;
        return hear_ack(h);
    case MOBILITY_ERROR:
        counters->errors++;
        return h->known && h->place->live && h->binding->message.status == ERROR_UNKNOWN_BINDING &&
               stop(h, "no_binding");
    case MOBILITY_HOME_TEST_INIT:
    case MOBILITY_HOME_TEST:
    case MOBILITY_CARE_OF_TEST_INIT:
    case MOBILITY_CARE_OF_TEST:
        counters->route_tests++;
        return false;
    default:
        counters->others++;
        return false;
    }
}

bool binding_cache_hear(struct binding_cache *cache, const struct binding *binding, struct wall at,
                        struct event *ret)
{
    const struct mobility_message *message = &binding->message;
    struct hearing h = {.cache = cache, .binding = binding, .at = at, .event = ret};
    struct ip who = binding->home_address;
    cache->place = NULL;
    if (!ip_known(&who) && message->home_prefix.bits > 0)
        who = message->home_prefix.address;
    if (!ip_known(&who) && mac_known(message->mac))
        who = mac_key(message->mac);
    if (!ip_known(&who))
        who = message->ipv4_home;
    bool registers = binding->kind != BINDING_MESSAGE || message->type == MOBILITY_UPDATE ||
                     message->type == MOBILITY_ACK;
    if (registers && (!ip_known(&who) || !ip_known(&binding->peer))) {
        cache->counters.unidentified++;
        return false;
    }
    bool is_new;
    h.place = find(cache, &who, &binding->peer, &is_new);
    h.known = !is_new;
    h.next = is_new ? (struct entry){.who = who, .peer = binding->peer, .mac = MAC_NONE} : *h.place;
    h.next.heard = at;
    h.next.role = role_of(cache, binding, &h.next);
    if (mac_known(message->mac))
        h.next.mac = message->mac;
    if (binding->kind == BINDING_MESSAGE)
        return hear_message(&h);
    cache->counters.protected += binding->kind != BINDING_DATA;
    cache->counters.data += binding->kind == BINDING_DATA;
    return hear_evidence(&h);
}
