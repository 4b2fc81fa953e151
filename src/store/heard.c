/* SPDX-License-Identifier: Apache-2.0 */
#include "store/heard.h"

#include <stdlib.h>
#include <string.h>

#include "audit/live.h"
#include "audit/presence.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/names.h"
#include "store/event_log.h"
#include "store/followed.h"
#include "store/heard_word.h"
#include "store/told.h"

/* Open sessions of a NAS that are asked for its interval, as the expiry list asks. */
enum { NAS_SAMPLES = 4 };

/* A NAS's clock may be so far ahead of the events that it sends. */
#define CLAIMS_AHEAD span_seconds(3600)

/* Where a session was, by numbers of `names`; no padding, since it is hashed. */
struct origin_key {
    uint32_t source, type, nas, switch_name, port, vlan;
};

/* A session, on its way from its row to a fact. */
struct remembered {
    struct presence_row row;
    struct wall last;
    struct span told, interval;
    const char *session;
    struct heard_chain chain;
    struct origin_key at;
    struct wall ended, expired;
    uint64_t updates;
    bool replaced; /* its key began another life, perhaps after the instant */
    bool dropped;
};

struct nas_sample {
    int64_t interval_us;
    int count;
};

struct loading {
    struct store *store;
    const struct store_heard_query *query;
    struct arena *arena;
    struct names *names;
    const char **texts; /* by number of a name, in the arena; NULL: not copied yet */
    size_t text_count;
    struct remembered *items;
    size_t count, capacity, left_out;
    struct map origin_of; /* hash of a key -> number of `origins` */
    const struct heard_origin **origins;
    struct origin_key *keys;
    size_t origin_count, origin_capacity, key_capacity;
    struct map sample_of; /* source and NAS -> number of `samples` */
    struct nas_sample *samples;
    size_t sample_count, sample_capacity;
};

static uint32_t name_of(struct loading *loading, const char *text)
{
    size_t length = text != NULL ? strlen(text) : 0;
    if (length == 0 || length > LIMIT_NAME_BYTES)
        return NAME_NONE;
    return names_add(loading->names, text, length);
}

/* --- sessions as rows say they are --- */

static int take_session(void *aux, const struct session_record *record)
{
    struct loading *loading = aux;
    bool replaced = wall_known(record->ended) && strcmp(record->cause, "replaced") == 0;
    if (!mac_known(record->mac) || ip_known(&record->care_of) ||
        (replaced && loading->query->next == 0 && record->ended.us <= loading->query->now.us))
        return 0; /* of an address; its key began another life, which is the list's row */
    if (loading->count >= LIMIT_PRESENCE_ROWS) {
        loading->left_out++;
        return 0;
    }
    loading->items =
        alloc_grow(loading->items, loading->count, &loading->capacity, sizeof *loading->items);
    loading->items[loading->count++] = (struct remembered){
        .row = {.id = presence_mac(record->mac),
                .started = record->started,
                .heard = record->heard,
                .proof = record->proof,
                .implicit = record->implicit},
        .last = live_row_last(record->last, record->heard),
        .told = record->lifetime,
        .interval = record->interval,
        .updates = record->updates,
        .replaced = replaced,
        .ended = record->ended,
        .expired = record->expired,
        .session = record->session[0] != '\0'
                       ? arena_text(loading->arena, record->session, strlen(record->session))
                       : NULL,
        .chain = {.session = (int64_t)record->number,
                  .last_event = (int64_t)record->last_event,
                  .kept_event = (int64_t)record->kept_event,
                  .started = record->started,
                  .heard = record->heard,
                  .interval = record->interval,
                  .ended = wall_known(record->ended) && record->ended.us <= loading->query->now.us},
        .at = {name_of(loading, record->source), name_of(loading, record->type),
               name_of(loading, record->nas), name_of(loading, record->switch_name),
               name_of(loading, record->port), record->vlan}};
    return 0;
}

/* --- as they were --- */

static void use_word(struct loading *loading, struct remembered *item,
                     const struct heard_word *word)
{
    item->row.heard = word->heard;
    item->last = live_row_last(word->at, word->heard);
    if (word->lifetime.us > 0)
        item->told = word->lifetime;
    if (word->switch_name[0] != '\0')
        item->at.switch_name = name_of(loading, word->switch_name);
    if (word->port[0] != '\0')
        item->at.port = name_of(loading, word->port);
    if (word->vlan != 0)
        item->at.vlan = word->vlan;
    item->updates = item->updates > word->later ? item->updates - word->later : 0;
}

/* Sets how the session was at the instant: open, or ended in which way and when. */
static int set_as_of(struct loading *loading, struct remembered *item, struct err *err)
{
    struct heard_word word = {0};
    const struct heard_instant instant = {loading->query->now, loading->query->next};
    if (heard_word_later(&item->chain, &instant) || item->chain.ended) {
        int failed = heard_word_find(loading->store, &item->chain, &instant, &word, err);
        if (failed != 0)
            return failed;
        item->dropped = !word.known;
    }
    if (word.gone_back)
        use_word(loading, item, &word);
    if (wall_known(item->expired) && item->expired.us <= loading->query->now.us) {
        item->row.end = PRESENCE_EXPIRED; /* a stop that came later changed nothing */
    } else if (word.stopped) {
        item->row.end = PRESENCE_STOPPED;
    } else if (item->chain.ended && !word.stop_later && !item->replaced) {
        item->row.end = PRESENCE_RESET; /* which says nothing to its sessions */
        item->row.heard = item->last = item->ended;
    }
    return 0;
}

static uint64_t key_of(const struct remembered *item)
{
    const char *session = item->session != NULL ? item->session : "";
    uint64_t who = hash_u64(item->row.id.mac.bits, hash_seed());
    who = hash_u64((uint64_t)item->at.source << 32 | item->at.nas, who);
    return hash_bytes(session, strlen(session), who) >> 1;
}

/* A life that another one of its key has replaced by the instant: that is the list's row. */
static void drop_replaced(struct loading *loading)
{
    struct map later = MAP_EMPTY;
    for (size_t i = loading->count; i-- > 0;) {
        struct remembered *item = &loading->items[i];
        if (item->dropped)
            continue;
        item->dropped =
            item->replaced && later.count > 0 && map_find(&later, key_of(item)) != MAP_NO_VALUE;
        map_put(&later, key_of(item), 1);
    }
    map_done(&later);
}

static int set_all_as_of(struct loading *loading, struct err *err)
{
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < loading->count; i++)
        failed = set_as_of(loading, &loading->items[i], err);
    if (failed == 0 && loading->query->next > 0)
        drop_replaced(loading);
    return failed;
}

/* --- how long a word holds --- */

static struct nas_sample *sample_of(struct loading *loading, const struct remembered *item)
{
    uint64_t key = hash_u64((uint64_t)item->at.type << 32 | item->at.nas, hash_seed()) >> 1;
    uint32_t number = map_find(&loading->sample_of, key);
    if (number == MAP_NO_VALUE) {
        loading->samples = alloc_grow(loading->samples, loading->sample_count,
                                      &loading->sample_capacity, sizeof *loading->samples);
        number = (uint32_t)loading->sample_count++;
        loading->samples[number] = (struct nas_sample){0};
        map_put(&loading->sample_of, key, number);
    }
    return &loading->samples[number];
}

/* A session's interval is that between its last two updates. */
static void learn_intervals(struct loading *loading)
{
    for (size_t i = 0; i < loading->count; i++) {
        const struct remembered *item = &loading->items[i];
        if (item->dropped || item->row.end != PRESENCE_LIVE || item->interval.us <= 0 ||
            item->updates < 2 || item->told.us > 0)
            continue;
        struct nas_sample *sample = sample_of(loading, item);
        if (sample->count++ < NAS_SAMPLES && item->interval.us > sample->interval_us)
            sample->interval_us = item->interval.us;
    }
}

/* The date of a session has passed, as far as can be reckoned. */
static void pass_date(const struct loading *loading, struct presence_row *row)
{
    if (loading->query->concluded) {
        row->expires = wall_add(loading->query->now, span_seconds(1)); /* refreshed otherwise */
        return;
    }
    row->end = PRESENCE_EXPIRED;
    row->settled = true;
}

static void set_dates(struct loading *loading)
{
    struct presence_options options;
    presence_options_init(&options);
    for (size_t i = 0; i < loading->count; i++) {
        struct remembered *item = &loading->items[i];
        struct presence_row *row = &item->row;
        row->expires = WALL_UNKNOWN;
        if (item->dropped)
            continue;
        bool late = item->last.us != row->heard.us;
        bool live = row->end == PRESENCE_LIVE;
        if (live)
            row->lifetime =
                presence_hold(&options, item->told, span_us(sample_of(loading, item)->interval_us));
        presence_row_round(row);
        if (!late)
            item->last = row->heard;
        if (!live) {
            struct wall settles = wall_add(row->heard, loading->query->settle);
            row->settled = settles.us <= loading->query->now.us;
            row->expires = row->settled ? WALL_UNKNOWN : settles;
        }
        if (row->end == PRESENCE_EXPIRED) {
            row->expires = item->expired;
            row->settled = true;
        }
        if (live && wall_known(row->expires) && row->expires.us <= loading->query->now.us)
            pass_date(loading, row);
    }
}

/* --- facts --- */

static const char *text_of(struct loading *loading, uint32_t number)
{
    if (number == NAME_NONE)
        return "";
    if (loading->texts[number] == NULL) {
        const char *text = names_get(loading->names, number);
        loading->texts[number] = arena_text(loading->arena, text, strlen(text));
    }
    return loading->texts[number];
}

static const struct heard_origin *origin_of(struct loading *loading, const struct origin_key *key)
{
    uint64_t hash = hash_bytes(key, sizeof *key, hash_seed()) >> 1;
    uint32_t number = map_find(&loading->origin_of, hash);
    if (number != MAP_NO_VALUE && memcmp(&loading->keys[number], key, sizeof *key) == 0)
        return loading->origins[number];
    struct heard_origin *origin = arena_alloc(loading->arena, sizeof *origin);
    *origin = (struct heard_origin){.source = text_of(loading, key->source),
                                    .type = text_of(loading, key->type),
                                    .nas = text_of(loading, key->nas),
                                    .switch_name = text_of(loading, key->switch_name),
                                    .port = text_of(loading, key->port),
                                    .vlan = (uint16_t)key->vlan};
    loading->origins = alloc_grow(loading->origins, loading->origin_count,
                                  &loading->origin_capacity, sizeof *loading->origins);
    loading->keys = alloc_grow(loading->keys, loading->origin_count, &loading->key_capacity,
                               sizeof *loading->keys);
    loading->origins[loading->origin_count] = origin;
    loading->keys[loading->origin_count] = *key;
    map_put(&loading->origin_of, hash, (uint32_t)loading->origin_count++);
    return origin;
}

static int64_t end_of(const struct remembered *item)
{
    return item->row.end == PRESENCE_EXPIRED ? item->row.expires.us : item->last.us;
}

/* Of two that ended at once the one that began later. */
static bool ends_later(const struct remembered *item, const struct remembered *other)
{
    int64_t end = end_of(item), other_end = end_of(other);
    return end > other_end || (end == other_end && item->row.started.us >= other->row.started.us);
}

/* Of each MAC the session that matters when it has settled: an open one, else the last one to
 * end that is not forgotten. */
static void find_last_ends(const struct loading *loading, struct map *ret)
{
    for (size_t i = 0; i < loading->count; i++) {
        const struct remembered *item = &loading->items[i];
        uint64_t mac = item->row.id.mac.bits;
        if (item->dropped || !mac_known(item->row.id.mac))
            continue;
        uint32_t other = map_find(ret, mac);
        bool open = item->row.end == PRESENCE_LIVE;
        bool other_open = other != MAP_NO_VALUE && loading->items[other].row.end == PRESENCE_LIVE;
        if (other == MAP_NO_VALUE || (open && !other_open) ||
            (!open && !other_open && ends_later(item, &loading->items[other])))
            map_put(ret, mac, (uint32_t)i);
    }
}

/* Sets *ret to whether the item is told. */
static int is_told(const struct loading *loading, const struct map *last_ends, uint32_t number,
                   bool *ret, struct err *err)
{
    const struct store_heard_query *query = loading->query;
    const struct remembered *item = &loading->items[number];
    int64_t since = query->now.us - query->departed_for.us;
    *ret = !item->dropped && live_row_tells(&item->row);
    if (item->dropped || *ret || !item->row.settled || item->row.proof == EVENT_PROOF_HINT ||
        end_of(item) < since || map_find(last_ends, item->row.id.mac.bits) != number)
        return 0;
    *ret = true;
    if (query->round != 0 || item->row.end == PRESENCE_LIVE)
        return 0; /* of ends it is asked what the round kept */
    bool answered;
    int failed = store_was_announced(loading->store, item->row.id.mac,
                                     (struct wall){end_of(item) + query->clock_skew.us}, query->now,
                                     &answered, err);
    *ret = failed == 0 && !answered;
    return failed;
}

static uint64_t session_of(const struct heard_fact *fact)
{
    const char *nas = fact->origin->nas != NULL ? fact->origin->nas : "";
    uint64_t who = hash_u64(fact->mac.bits, hash_bytes(nas, strlen(nas), hash_seed()));
    return hash_u64((uint64_t)fact->first.us, who) >> 1;
}

/* The number of a session, which the list does not have, for people. */
static void number_sessions(const struct store_heard *heard, struct told_fact *told, size_t count)
{
    struct map numbers = MAP_EMPTY;
    for (size_t i = 0; i < heard->count; i++)
        map_put(&numbers, session_of(&heard->facts[i]), (uint32_t)i);
    for (size_t i = 0; i < count && numbers.count > 0; i++) {
        uint32_t number = told[i].keep == HEARD_KEEP_WHOLE
                              ? map_find(&numbers, session_of(&told[i].fact))
                              : MAP_NO_VALUE;
        if (number != MAP_NO_VALUE && mac_equal(heard->facts[number].mac, told[i].fact.mac))
            told[i].fact.session = heard->facts[number].session;
    }
    map_done(&numbers);
}

/* What the round kept; and of the sessions only the open ones of other addresses. */
static int use_told(struct loading *loading, struct store_heard *ret, struct err *err)
{
    const struct store_heard_query *query = loading->query;
    struct told_fact *told = NULL;
    struct map kept = MAP_EMPTY;
    size_t told_count = 0, count = 0;
    int failed = store_load_told(loading->store, query->round, query->now, loading->arena, &told,
                                 &told_count, err);
    if (failed != 0)
        return failed;
    number_sessions(ret, told, told_count);
    for (size_t i = 0; i < told_count; i++)
        map_put(&kept, told[i].fact.mac.bits, 1);
    for (size_t i = 0; i < ret->count; i++)
        if (ret->facts[i].end == HEARD_OPEN &&
            (kept.count == 0 || map_find(&kept, ret->facts[i].mac.bits) == MAP_NO_VALUE))
            ret->facts[count++] = ret->facts[i];
    ret->facts = alloc_resize(ret->facts, count + told_count + 1, sizeof *ret->facts);
    for (size_t i = 0; i < told_count; i++)
        if (told[i].keep != HEARD_KEEP_NOTHING)
            ret->facts[count++] = told[i].fact;
    ret->count = count;
    map_done(&kept);
    return 0;
}

static int add_announced(struct loading *loading, struct store_heard *ret, struct err *err)
{
    const struct store_heard_query *query = loading->query;
    struct heard_fact *facts = NULL;
    size_t count = 0;
    int failed = store_load_announced(loading->store, query->now, query->hold, loading->arena,
                                      &facts, &count, err);
    if (failed != 0 || count == 0)
        return failed;
    ret->facts = alloc_resize(ret->facts, ret->count + count + 1, sizeof *ret->facts);
    memcpy(ret->facts + ret->count, facts, count * sizeof *facts);
    ret->count += count;
    return 0;
}

static int load_rest(struct loading *loading, struct store_heard *ret, struct err *err)
{
    const struct store_heard_query *query = loading->query;
    struct wall told = wall_known(query->told) ? query->told : query->now;
    int failed = store_load_windows(loading->store, query->now, query->now, loading->arena,
                                    &ret->windows, &ret->window_count, err);
    if (failed == 0)
        failed = store_load_flushes(loading->store, told, loading->arena, &ret->flushes,
                                    &ret->flush_count, err);
    if (failed == 0 && query->round != 0)
        return use_told(loading, ret, err);
    return failed == 0 && query->hold.us > 0 ? add_announced(loading, ret, err) : failed;
}

static int make_facts(struct loading *loading, struct store_heard *ret, struct err *err)
{
    struct map last_ends = MAP_EMPTY;
    int failed = 0;
    map_reserve(&last_ends, loading->count);
    loading->text_count = names_count(loading->names);
    loading->texts = alloc_zeroed(loading->text_count + 1, sizeof *loading->texts);
    find_last_ends(loading, &last_ends);
    ret->facts = alloc_array(loading->count + 1, sizeof *ret->facts);
    for (uint32_t i = 0; i < loading->count && failed == 0; i++) {
        const struct remembered *item = &loading->items[i];
        bool told;
        failed = is_told(loading, &last_ends, i, &told, err);
        if (failed != 0 || !told)
            continue;
        struct heard_fact fact =
            live_row_fact(&item->row, origin_of(loading, &item->at), item->last);
        fact.session = item->session;
        ret->facts[ret->count++] = fact;
    }
    ret->left_out = loading->left_out;
    map_done(&last_ends);
    return failed;
}

static int load_sessions(struct loading *loading, struct err *err)
{
    const struct store_heard_query *query = loading->query;
    const struct session_query sessions = {
        .from = wall_add(query->now, span_us(-query->departed_for.us)),
        .to = wall_add(query->now, CLAIMS_AHEAD),
        .macs = query->macs,
        .mac_count = query->mac_count};
    int failed = store_each_session(loading->store, &sessions, take_session, loading, err);
    return failed == 0 ? set_all_as_of(loading, err) : failed;
}

int store_load_heard(struct store *store, const struct store_heard_query *query,
                     struct arena *arena, struct store_heard *ret, struct err *err)
{
    struct loading loading = {.store = store, .query = query, .arena = arena, .names = names_new()};
    *ret = (struct store_heard){0};
    int failed = store_read_begin(store, err);
    if (failed == 0) {
        failed = load_sessions(&loading, err);
        if (failed == 0) {
            learn_intervals(&loading);
            set_dates(&loading);
            failed = make_facts(&loading, ret, err);
        }
        if (failed == 0)
            failed = load_rest(&loading, ret, err);
        failed = store_read_end(store, failed, err);
    }
    if (failed != 0)
        store_heard_done(ret);
    names_free(loading.names);
    map_done(&loading.origin_of);
    map_done(&loading.sample_of);
    free(loading.texts);
    free(loading.items);
    free(loading.origins);
    free(loading.keys);
    free(loading.samples);
    return failed;
}

void store_heard_done(struct store_heard *heard)
{
    free(heard->facts);
    *heard = (struct store_heard){0};
}
