/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/presence.h"

#include <stdlib.h>
#include <string.h>

#include "audit/presence_inside.h"
#include "base/alloc.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/limits.h"

_Static_assert(sizeof(struct presence_hot) == 32, "half a cache line");
_Static_assert(sizeof(struct presence_cold) == 16, "a quarter of a cache line");
_Static_assert((int)PRESENCE_SOURCE_COUNT <= (int)ROW_SOURCE, "fits its bits");
_Static_assert((int)EVENT_PROOF_COUNT <= 1 << (16 - ROW_PROOF_SHIFT), "fits its bits");

#define STEP_US      ((int64_t)PRESENCE_STEP_US)
#define YEARS_BEFORE (4 * INT64_C(31557600) * 1000000)
/* Twelve bits of value, four of exponent. */
enum { LIFETIME_VALUES = 0xfff, LIFETIME_MOST = 0xffff };
#define LIFETIME_RANGE ((uint64_t)LIFETIME_VALUES << 15)

static const char *const source_words[] = {
#define SOURCE(word, name) word,
    PRESENCE_SOURCES(SOURCE)
#undef SOURCE
};

const char *presence_source_word(enum presence_source source)
{
    CHECK((unsigned)source < PRESENCE_SOURCE_COUNT);
    return source_words[source];
}

enum presence_source presence_source_parse(const char *type)
{
    for (unsigned i = 0; type != NULL && i < PRESENCE_SOURCE_COUNT; i++)
        if (strcmp(type, source_words[i]) == 0)
            return (enum presence_source)i;
    return PRESENCE_OTHER;
}

uint64_t presence_session_hash(uint64_t secret, enum presence_source source, const char *nas,
                               const char *session)
{
    const char *a = nas != NULL ? nas : "", *b = session != NULL ? session : "";
    uint64_t first = hash_bytes(a, strlen(a), secret + source + 1);
    return hash_bytes(b, strlen(b), hash_u64(first, secret));
}

void presence_options_init(struct presence_options *options)
{
    *options = (struct presence_options){.rows = LIMIT_PRESENCE_ROWS,
                                         .nas_rows = LIMIT_PRESENCE_NAS,
                                         .place_rows = LIMIT_PRESENCE_PLACE,
                                         .id_rows = LIMIT_PRESENCE_ID,
                                         .source_rows = LIMIT_PRESENCE_ROWS / 4 * 3,
                                         .heard_rows = LIMIT_PRESENCE_HEARD,
                                         .interims = 3,
                                         .grace = span_seconds(30),
                                         .settle = span_seconds(30),
                                         .remember = span_seconds(300),
                                         .reorder = span_seconds(5)};
}

void presence_row_round(struct presence_row *row)
{
    uint16_t lifetime = presence_lifetime_pack(presence_steps(row->lifetime));
    row->started.us -= row->started.us % STEP_US;
    row->heard.us -= row->heard.us % STEP_US;
    row->lifetime = span_us((int64_t)presence_lifetime_unpack(lifetime) * STEP_US);
    row->expires = lifetime != 0 ? wall_add(row->heard, row->lifetime) : WALL_UNKNOWN;
}

struct span presence_hold(const struct presence_options *options, struct span told,
                          struct span interval)
{
    if (told.us > 0)
        return span_add(told, options->grace);
    if (interval.us > 0)
        return span_add(span_us(options->interims * interval.us), options->grace);
    return options->lifetime;
}

/* --- time --- */

uint32_t presence_step(const struct presence *list, struct wall at)
{
    if (!wall_known(at) || at.us <= list->base)
        return 0;
    uint64_t step = ((uint64_t)at.us - (uint64_t)list->base) / (uint64_t)STEP_US;
    return step < UINT32_MAX ? (uint32_t)step : UINT32_MAX;
}

struct wall presence_wall(const struct presence *list, uint64_t step)
{
    return (struct wall){list->base + (int64_t)step * STEP_US};
}

uint64_t presence_steps(struct span span)
{
    if (span.us <= 0)
        return 0;
    return ((uint64_t)span.us + (uint64_t)STEP_US - 1) / (uint64_t)STEP_US;
}

void presence_clock(struct presence *list, struct wall now)
{
    uint32_t step = presence_step(list, now);
    if (step > list->now)
        list->now = step;
}

uint16_t presence_lifetime_pack(uint64_t steps)
{
    if (steps <= LIFETIME_VALUES)
        return (uint16_t)steps;
    if (steps > LIFETIME_RANGE)
        return LIFETIME_MOST;
    unsigned exponent = 52U - (unsigned)__builtin_clzll(steps); /* twelve bits are left */
    uint64_t value = (steps + (UINT64_C(1) << exponent) - 1) >> exponent;
    if (value > LIFETIME_VALUES) { /* rounded up to a thirteenth */
        value >>= 1;
        exponent++;
    }
    return (uint16_t)(exponent << 12 | value);
}

/* Returns the step of `at`, not later than now, which stands for one not known. */
static uint32_t claimed_step(const struct presence *list, struct wall at)
{
    uint32_t step = presence_step(list, at);
    return wall_known(at) && step < list->now ? step : list->now;
}

/* --- identities --- */

struct row_key {
    uint64_t key, extra, hash; /* extra: the low half of an address, else the session */
    bool is_address;
};

static uint64_t half(const uint8_t *octets)
{
    uint64_t value;
    memcpy(&value, octets, sizeof value);
    return value;
}

static uint64_t hash_id(const struct presence *list, uint64_t key, uint64_t extra, bool is_address)
{
    uint64_t hash = hash_u64(key, list->seed);
    return is_address ? hash_u64(hash ^ extra, ~list->seed) : hash;
}

static struct row_key key_of(const struct presence *list, const struct presence_id *id,
                             uint64_t session)
{
    struct row_key key = {.is_address = !mac_known(id->mac)};
    key.key = key.is_address ? half(id->address.octets) : id->mac.bits;
    key.extra = key.is_address ? half(id->address.octets + 8) : session;
    key.hash = hash_id(list, key.key, key.extra, key.is_address);
    return key;
}

uint64_t presence_id_hash(const struct presence *list, const struct presence_id *id)
{
    return key_of(list, id, 0).hash;
}

uint64_t presence_row_hash(const struct presence *list, const struct presence_hot *hot)
{
    return hash_id(list, hot->key, hot->extra, (hot->flags & ROW_ADDRESS) != 0);
}

static uint64_t row_hash_of(const void *aux, uint32_t row)
{
    return presence_row_hash(aux, row_hot(aux, row));
}

static bool is_of(const struct presence_hot *hot, const struct row_key *key)
{
    bool is_address = (hot->flags & ROW_ADDRESS) != 0;
    return hot->key == key->key && is_address == key->is_address &&
           (!is_address || hot->extra == key->extra);
}

/* Returns the row of one session, PRESENCE_NONE when there is none. */
static uint32_t find_session(const struct presence *list, const struct row_key *key,
                             const struct presence_sign *sign)
{
    struct tag_probe probe = tag_probe_begin(&list->index, key->hash);
    for (uint32_t row; (row = tag_probe_next(&probe)) != TAG_NONE;) {
        const struct presence_hot *hot = row_hot(list, row);
        if (hot->key != key->key || hot->extra != key->extra || !is_of(hot, key) ||
            (hot->flags & ROW_SOURCE) != (unsigned)sign->source)
            continue;
        if (!key->is_address || stand_at(list, hot->stand)->nas_number == sign->nas)
            return row;
    }
    return PRESENCE_NONE;
}

unsigned presence_row_others(const struct presence *list, uint32_t row)
{
    const struct presence_hot *self = row_hot(list, row);
    struct row_key key = {self->key, self->extra, presence_row_hash(list, self),
                          (self->flags & ROW_ADDRESS) != 0};
    unsigned others = 0;
    struct tag_probe probe = tag_probe_begin(&list->index, key.hash);
    for (uint32_t other; (other = tag_probe_next(&probe)) != TAG_NONE;) {
        const struct presence_hot *hot = row_hot(list, other);
        others += other != row && is_of(hot, &key) && row_is_live(list, hot);
    }
    return others;
}

static unsigned count_rows(const struct presence *list, const struct row_key *key)
{
    unsigned count = 0;
    struct tag_probe probe = tag_probe_begin(&list->index, key->hash);
    for (uint32_t row; (row = tag_probe_next(&probe)) != TAG_NONE;)
        count += is_of(row_hot(list, row), key);
    return count;
}

/* --- rows --- */

struct presence *presence_new(const struct presence_options *options, struct wall now)
{
    struct presence *list = alloc_zeroed(1, sizeof *list);
    list->options = *options;
    if (list->options.rows > LIMIT_PRESENCE_ROWS)
        list->options.rows = LIMIT_PRESENCE_ROWS;
    list->grace = presence_steps(options->grace);
    list->lifetime = presence_steps(options->lifetime);
    list->hold = presence_steps(options->hold);
    list->settle = presence_steps(options->settle);
    list->remember = presence_steps(options->remember);
    list->reorder = presence_steps(options->reorder);
    list->seed = hash_seed();
    /* a whole step, so that presence_row_round() knows how every list rounds */
    list->base = wall_known(now) && now.us > 0 && now.us < INT64_MAX / 2
                     ? now.us - now.us % STEP_US - YEARS_BEFORE
                     : 0;
    presence_clock(list, now);
    segments_init(&list->hot, sizeof(struct presence_hot));
    segments_init(&list->cold, sizeof(struct presence_cold));
    tag_index_init(&list->index, row_hash_of, list);
    list->free_first = list->free_last = PRESENCE_NONE;
    presence_places_init(list);
    presence_wheel_init(list);
    if (list->options.ready > list->options.rows)
        list->options.ready = list->options.rows;
    if (list->options.ready > 0) {
        segments_ready(&list->hot, list->options.ready);
        segments_ready(&list->cold, list->options.ready);
        tag_index_ready(&list->index, list->options.ready);
    }
    return list;
}

void presence_free(struct presence *list)
{
    if (list == NULL)
        return;
    segments_done(&list->hot);
    segments_done(&list->cold);
    tag_index_done(&list->index);
    presence_places_done(list);
    free(list);
}

/* The oldest free row comes first, so that its number means something else as late as
 * possible. */
static uint32_t take_row(struct presence *list)
{
    uint32_t row = list->free_first;
    if (row == PRESENCE_NONE) {
        segments_reach(&list->hot, list->high);
        segments_reach(&list->cold, list->high);
        return list->high++;
    }
    list->free_first = row_cold(list, row)->next;
    if (list->free_first == PRESENCE_NONE)
        list->free_last = PRESENCE_NONE;
    return row;
}

static void give_row(struct presence *list, uint32_t row)
{
    row_cold(list, row)->next = PRESENCE_NONE;
    if (list->free_last == PRESENCE_NONE)
        list->free_first = row;
    else
        row_cold(list, list->free_last)->next = row;
    list->free_last = row;
}

static void set_state(struct presence *list, struct presence_hot *hot, unsigned state)
{
    list->counts.live -= (hot->flags & ROW_LIVE) != 0;
    list->counts.ended -= (hot->flags & ROW_ENDED) != 0;
    list->counts.live += state == ROW_LIVE;
    list->counts.ended += state == ROW_ENDED;
    hot->flags = (uint16_t)((hot->flags & ~(ROW_LIVE | ROW_ENDED)) | state);
}

void presence_row_remove(struct presence *list, uint32_t row)
{
    struct presence_hot *hot = row_hot(list, row);
    presence_wheel_unhang(list, row);
    tag_index_remove(&list->index, presence_row_hash(list, hot), row);
    list->source_rows[hot->flags & ROW_SOURCE]--;
    presence_stand_leave(list, hot->stand);
    set_state(list, hot, 0);
    hot->flags = 0;
    row_cold(list, row)->generation++;
    list->count--;
    give_row(list, row);
}

/* Whether the shares have room for one more row; counts what they refuse. */
static bool has_room(struct presence *list, const struct row_key *key,
                     const struct presence_sign *sign, uint32_t stand)
{
    const struct presence_options *options = &list->options;
    uint64_t *refused = NULL;
    if (list->count >= options->rows)
        refused = &list->counts.refused_full;
    else if (list->source_rows[sign->source] >=
             (sign->proof == EVENT_PROOF_TOLD ? options->source_rows : options->heard_rows))
        refused = &list->counts.refused_source;
    else if (nas_at(list, stand_at(list, stand)->nas)->rows >= options->nas_rows)
        refused = &list->counts.refused_nas;
    else if (stand_at(list, stand)->rows >= options->place_rows)
        refused = &list->counts.refused_place;
    else if (count_rows(list, key) >= options->id_rows)
        refused = &list->counts.refused_id;
    if (refused != NULL)
        ++*refused;
    return refused == NULL;
}

/* Makes a row without state. Returns PRESENCE_NONE when refused. */
static uint32_t add_row(struct presence *list, const struct row_key *key,
                        const struct presence_sign *sign)
{
    uint32_t stand = presence_stand_take(list, sign->nas, sign->place);
    if (!has_room(list, key, sign, stand)) {
        presence_stand_release(list, stand);
        return PRESENCE_NONE;
    }
    uint32_t row = take_row(list);
    struct presence_hot *hot = row_hot(list, row);
    *hot = (struct presence_hot){.key = key->key, .extra = key->extra, .stand = stand};
    hot->flags = (uint16_t)(sign->source | (key->is_address ? ROW_ADDRESS : 0));
    presence_stand_enter(list, stand);
    list->source_rows[sign->source]++;
    list->count++;
    tag_index_put(&list->index, key->hash, row);
    return row;
}

/* --- the life of a row --- */

/* Returns how long from now on a session without a date counts as heard: since its word was true,
 * or by an earlier word that holds longer. */
static uint16_t hold_of(const struct presence *list, uint32_t row, const struct presence_sign *sign)
{
    enum { DELAY = 2 * STEPS_A_SECOND }; /* live_row_last() */
    const struct presence_hot *hot = row_hot(list, row);
    uint32_t at = claimed_step(list, sign->at);
    uint64_t until = list->hold + list->now;
    if (list->now - at >= DELAY)
        until =
            list->hold + (at > row_cold(list, row)->started ? at : row_cold(list, row)->started);
    if (row_is_held(hot) && row_due(hot) > until)
        until = row_due(hot);
    return presence_lifetime_pack(until > list->now ? until - list->now : 0);
}

/* Gives a row the lifetime that a sign has, or the hold where it has none; heard now. */
static void set_lifetime(struct presence *list, uint32_t row, struct presence_hot *hot,
                         const struct presence_sign *sign)
{
    const struct presence_nas *nas = nas_at(list, stand_at(list, hot->stand)->nas);
    uint64_t steps = list->lifetime;
    bool held = false;
    if (sign->lifetime.us > 0)
        steps = presence_steps(sign->lifetime) + list->grace;
    else if (nas->interval > 0)
        steps = (uint64_t)nas->interval * list->options.interims + list->grace;
    else
        held = steps == 0 && list->hold > 0 && (hot->flags & ROW_ADDRESS) == 0;
    uint16_t lifetime = held ? hold_of(list, row, sign) : presence_lifetime_pack(steps);
    hot->flags = (uint16_t)((hot->flags & ~ROW_HELD) | (held ? ROW_HELD : 0));
    hot->heard = list->now;
    hot->lifetime = lifetime;
}

/* Heard now: the date moves. Only an earlier one, or a first one, moves the row. */
static void refresh(struct presence *list, uint32_t row, struct presence_hot *hot,
                    const struct presence_sign *sign)
{
    uint64_t before = row_due(hot);
    set_lifetime(list, row, hot, sign);
    if (hot->lifetime == 0)
        presence_wheel_unhang(list, row);
    else if ((hot->flags & ROW_LINKED) == 0 || row_due(hot) < before)
        presence_wheel_hang(list, row);
}

static void note_proof(struct presence_hot *hot, enum event_proof proof)
{
    if ((unsigned)proof > (unsigned)hot->flags >> ROW_PROOF_SHIFT && proof < EVENT_PROOF_COUNT)
        hot->flags = (uint16_t)((hot->flags & ((1 << ROW_PROOF_SHIFT) - 1)) |
                                (unsigned)proof << ROW_PROOF_SHIFT);
}

/* Puts the row at the sign's place. Returns whether it was at another one. */
static bool move_row(struct presence *list, struct presence_hot *hot,
                     const struct presence_sign *sign)
{
    const struct presence_stand *stand = stand_at(list, hot->stand);
    uint32_t place = sign->place != PRESENCE_NONE ? sign->place : stand->place;
    if (stand->place == place && stand->nas_number == sign->nas)
        return false;
    bool moved = stand->place != place && stand->place != PRESENCE_NONE;
    uint32_t to = presence_stand_take(list, sign->nas, place);
    presence_stand_enter(list, to);
    presence_stand_leave(list, hot->stand);
    hot->stand = to;
    return moved;
}

static void begin_life(struct presence *list, uint32_t row, const struct presence_sign *sign,
                       bool implicit)
{
    struct presence_hot *hot = row_hot(list, row);
    struct presence_cold *cold = row_cold(list, row);
    set_state(list, hot, ROW_LIVE);
    hot->flags &= ROW_SOURCE | ROW_LIVE | ROW_ADDRESS | ROW_LINKED;
    if (implicit)
        hot->flags |= ROW_IMPLICIT;
    note_proof(hot, sign->proof);
    hot->sequence = list->sequence;
    cold->started = claimed_step(list, sign->at);
    cold->generation++;
    set_lifetime(list, row, hot, sign);
    presence_wheel_hang(list, row);
    list->counts.started++;
}

static void end_life(struct presence *list, uint32_t row, uint32_t at, unsigned how)
{
    struct presence_hot *hot = row_hot(list, row);
    set_state(list, hot, ROW_ENDED);
    hot->flags =
        (uint16_t)((hot->flags & ~(ROW_SETTLED | ROW_SEEN_SINCE | ROW_RESET | ROW_QUIET)) | how);
    hot->heard = at;
    row_cold(list, row)->generation++;
}

static void settle(struct presence *list, uint32_t row, uint32_t from)
{
    struct presence_hot *hot = row_hot(list, row);
    uint64_t steps = from - hot->heard + list->settle;
    hot->lifetime = presence_lifetime_pack(steps > 0 ? steps : 1);
    presence_wheel_hang(list, row);
}

void presence_row_bury(struct presence *list, uint32_t row)
{
    const struct presence_stand *stand = stand_at(list, row_hot(list, row)->stand);
    uint32_t at = nas_at(list, stand->nas)->reset_at;
    end_life(list, row, at, ROW_RESET | (row_was_quiet(row_hot(list, row), at) ? ROW_QUIET : 0));
    settle(list, row, at);
    list->counts.reset++;
}

void presence_renumber(struct presence *list)
{
    for (uint32_t row = 0; row < list->high; row++) {
        struct presence_hot *hot = row_hot(list, row);
        if ((hot->flags & ROW_LIVE) != 0 && row_is_reset(list, hot))
            presence_row_bury(list, row);
        hot->sequence = 0;
    }
    for (uint32_t i = 0; i < list->stands.high; i++)
        stand_at(list, i)->reset = 0;
    for (uint32_t i = 0; i < list->nas.high; i++)
        nas_at(list, i)->reset = 0;
    list->sequence = 0;
    list->pass_left = 0;
}

/* --- what sources say --- */

/* Whether a sign about a session that ended belongs before its end. After a reset session ids
 * begin again, so nothing does; a binding has none, and may begin again at once. */
static bool is_late(const struct presence *list, const struct presence_hot *hot,
                    const struct presence_sign *sign)
{
    uint32_t reorder = (hot->flags & ROW_ADDRESS) == 0 ? list->reorder : 0;
    return (hot->flags & ROW_RESET) == 0 && claimed_step(list, sign->at) <= hot->heard + reorder;
}

static enum presence_outcome refuse_late(struct presence *list, uint32_t row,
                                         const struct presence_sign *sign, bool is_update)
{
    struct presence_hot *hot = row_hot(list, row);
    list->counts.late++;
    if ((hot->flags & ROW_UNSTARTED) == 0)
        return PRESENCE_LATE;
    /* now it has a beginning, and a place */
    uint32_t at = claimed_step(list, sign->at);
    row_cold(list, row)->started = at < hot->heard ? at : hot->heard;
    hot->flags = (uint16_t)((hot->flags & ~ROW_UNSTARTED) | (is_update ? ROW_IMPLICIT : 0));
    note_proof(hot, sign->proof);
    (void)move_row(list, hot, sign);
    if ((hot->flags & ROW_SETTLED) != 0) { /* handed out without: once more, as what it is */
        hot->flags = (uint16_t)(hot->flags & ~ROW_SETTLED);
        settle(list, row, list->now);
    }
    return PRESENCE_ENDED;
}

/* A start that came behind an update of its session: now that has a beginning. */
static bool begin_late(struct presence *list, uint32_t row, const struct presence_sign *sign)
{
    struct presence_hot *hot = row_hot(list, row);
    if ((hot->flags & ROW_IMPLICIT) == 0)
        return false;
    hot->flags = (uint16_t)(hot->flags & ~ROW_IMPLICIT);
    row_cold(list, row)->started = claimed_step(list, sign->at);
    return true;
}

static enum presence_outcome refresh_session(struct presence *list, uint32_t row,
                                             const struct presence_sign *sign, bool is_update)
{
    struct presence_hot *hot = row_hot(list, row);
    bool moved = move_row(list, hot, sign), resumed = row_is_quiet(hot);
    if (is_update && sign->lifetime.us <= 0)
        presence_nas_learn(list, stand_at(list, hot->stand)->nas, hot->extra);
    refresh(list, row, hot, sign);
    hot->sequence = list->sequence;
    note_proof(hot, sign->proof);
    bool begun = !is_update && begin_late(list, row, sign);
    *(moved ? &list->counts.moved : &list->counts.refreshed) += 1;
    row_cold(list, row)->generation += moved;
    return moved     ? PRESENCE_MOVED
           : begun   ? PRESENCE_BEGUN
           : resumed ? PRESENCE_RESUMED
                     : PRESENCE_REFRESHED;
}

static enum presence_outcome hear(struct presence *list, const struct presence_sign *sign,
                                  struct wall now, bool is_update, struct presence_row *ret_row)
{
    presence_clock(list, now);
    CHECK((unsigned)sign->source < PRESENCE_SOURCE_COUNT);
    struct row_key key = key_of(list, &sign->id, sign->session);
    uint32_t row = find_session(list, &key, sign);
    struct presence_hot *hot = row != PRESENCE_NONE ? row_hot(list, row) : NULL;
    enum presence_outcome outcome = PRESENCE_STARTED;
    if (hot != NULL && row_is_live(list, hot)) {
        outcome = refresh_session(list, row, sign, is_update);
    } else if (hot != NULL && (hot->flags & ROW_ENDED) != 0 && is_late(list, hot, sign)) {
        outcome = refuse_late(list, row, sign, is_update);
    } else {
        if (hot == NULL)
            row = add_row(list, &key, sign);
        else
            (void)move_row(list, hot, sign);
        if (row == PRESENCE_NONE)
            return PRESENCE_REFUSED;
        if (is_update && sign->lifetime.us <= 0)
            presence_nas_learn(list, stand_at(list, row_hot(list, row)->stand)->nas, key.extra);
        begin_life(list, row, sign, is_update);
    }
    if (ret_row != NULL)
        presence_row_copy(list, row, ret_row);
    return outcome;
}

enum presence_outcome presence_start(struct presence *list, const struct presence_sign *sign,
                                     struct wall now, struct presence_row *ret_row)
{
    return hear(list, sign, now, false, ret_row);
}

enum presence_outcome presence_update(struct presence *list, const struct presence_sign *sign,
                                      struct wall now, struct presence_row *ret_row)
{
    return hear(list, sign, now, true, ret_row);
}

/* Whether the session has ended already, or the stop is one of an earlier life. */
static bool stop_is_late(struct presence *list, uint32_t row, const struct presence_sign *sign)
{
    const struct presence_hot *hot = row_hot(list, row);
    if ((hot->flags & ROW_LIVE) != 0 && row_is_reset(list, hot))
        presence_row_bury(list, row);
    return (hot->flags & ROW_ENDED) != 0 ||
           claimed_step(list, sign->at) + list->reorder < row_cold(list, row)->started;
}

/* Whether a binding that ended was made anew in between, unheard so far. */
static bool ends_again(const struct presence *list, uint32_t row, uint32_t at)
{
    const struct presence_hot *hot = row_hot(list, row);
    return (hot->flags & (ROW_ADDRESS | ROW_ENDED | ROW_RESET)) == (ROW_ADDRESS | ROW_ENDED) &&
           at > hot->heard;
}

enum presence_outcome presence_stop(struct presence *list, const struct presence_sign *sign,
                                    struct wall now, struct presence_row *ret_row)
{
    presence_clock(list, now);
    CHECK((unsigned)sign->source < PRESENCE_SOURCE_COUNT);
    struct row_key key = key_of(list, &sign->id, sign->session);
    uint32_t row = find_session(list, &key, sign), at = claimed_step(list, sign->at);
    enum presence_outcome outcome = PRESENCE_ENDED;
    if (row == PRESENCE_NONE) {
        row = add_row(list, &key, sign);
        if (row == PRESENCE_NONE)
            return PRESENCE_REFUSED;
        row_cold(list, row)->started = at;
        end_life(list, row, at, ROW_UNSTARTED);
    } else if (ends_again(list, row, at)) {
        end_life(list, row, at, row_hot(list, row)->flags & ROW_UNSTARTED);
    } else if (stop_is_late(list, row, sign)) {
        list->counts.late++;
        outcome = PRESENCE_LATE;
    } else {
        end_life(list, row, at, 0);
    }
    if (outcome == PRESENCE_ENDED) {
        note_proof(row_hot(list, row), sign->proof);
        settle(list, row, list->now);
        list->counts.stopped++;
    }
    if (ret_row != NULL)
        presence_row_copy(list, row, ret_row);
    return outcome;
}

unsigned presence_touch(struct presence *list, struct presence_id id, struct wall now)
{
    presence_clock(list, now);
    struct row_key key = key_of(list, &id, 0);
    struct tag_probe probe = tag_probe_begin(&list->index, key.hash);
    unsigned live = 0;
    for (uint32_t row; (row = tag_probe_next(&probe)) != TAG_NONE;) {
        struct presence_hot *hot = row_hot(list, row);
        if (!is_of(hot, &key))
            continue;
        if ((hot->flags & ROW_LIVE) != 0 && row_is_reset(list, hot))
            presence_row_bury(list, row);
        if ((hot->flags & ROW_ENDED) != 0) {
            hot->flags |= ROW_SEEN_SINCE;
        } else {
            hot->heard = list->now; /* the date moves with it, never to an earlier one */
            if (row_is_quiet(hot))
                presence_wheel_hang(list, row);
            live++;
        }
    }
    list->counts.touched += live;
    return live;
}

/* --- asking --- */

void presence_row_copy(const struct presence *list, uint32_t row, struct presence_row *ret)
{
    const struct presence_hot *hot = row_hot(list, row);
    const struct presence_cold *cold = row_cold(list, row);
    const struct presence_stand *stand = stand_at(list, hot->stand);
    bool is_address = (hot->flags & ROW_ADDRESS) != 0;
    *ret = (struct presence_row){.id = {MAC_NONE, IP_NONE},
                                 .source = (enum presence_source)(hot->flags & ROW_SOURCE),
                                 .nas = stand->nas_number,
                                 .place = stand->place,
                                 .session = is_address ? 0 : hot->extra,
                                 .started = presence_wall(list, cold->started),
                                 .heard = presence_wall(list, hot->heard),
                                 .expires = WALL_UNKNOWN,
                                 .held = WALL_UNKNOWN,
                                 .end = PRESENCE_LIVE,
                                 .proof = (enum event_proof)(hot->flags >> ROW_PROOF_SHIFT),
                                 .implicit = (hot->flags & ROW_IMPLICIT) != 0,
                                 .unstarted = (hot->flags & ROW_UNSTARTED) != 0,
                                 .settled = (hot->flags & ROW_SETTLED) != 0,
                                 .seen_since = (hot->flags & ROW_SEEN_SINCE) != 0,
                                 .quiet = (hot->flags & ROW_QUIET) != 0,
                                 .number = row,
                                 .generation = cold->generation};
    if (is_address) {
        memcpy(ret->id.address.octets, &hot->key, sizeof hot->key);
        memcpy(ret->id.address.octets + sizeof hot->key, &hot->extra, sizeof hot->extra);
    } else {
        ret->id.mac.bits = hot->key;
    }
    if ((hot->flags & ROW_ENDED) != 0) {
        ret->end = (hot->flags & ROW_RESET) != 0 ? PRESENCE_RESET : PRESENCE_STOPPED;
    } else if ((hot->flags & ROW_LIVE) != 0 && row_is_reset(list, hot)) {
        uint32_t at = nas_at(list, stand->nas)->reset_at; /* not buried yet */
        ret->end = PRESENCE_RESET;
        ret->quiet = row_was_quiet(hot, at);
        ret->heard = presence_wall(list, at);
        ret->expires = presence_wall(list, (uint64_t)at + list->settle);
        ret->lifetime = span_us((int64_t)list->settle * STEP_US);
        return;
    }
    if (row_is_held(hot))
        ret->held = presence_wall(list, row_due(hot));
    if (hot->lifetime == 0 || row_is_held(hot))
        return;
    ret->lifetime = span_us((int64_t)presence_lifetime_unpack(hot->lifetime) * STEP_US);
    ret->expires = presence_wall(list, row_due(hot));
}

unsigned presence_find(const struct presence *list, struct presence_id id, bool with_ended,
                       struct presence_row *rows, unsigned room)
{
    uint32_t numbers[LIMIT_PRESENCE_ID];
    unsigned count = 0;
    struct row_key key = key_of(list, &id, 0);
    struct tag_probe probe = tag_probe_begin(&list->index, key.hash);
    for (uint32_t row; (row = tag_probe_next(&probe)) != TAG_NONE;) {
        const struct presence_hot *hot = row_hot(list, row);
        if (!is_of(hot, &key) || (!with_ended && !row_is_live(list, hot)) ||
            count == LIMIT_PRESENCE_ID)
            continue;
        unsigned at = count++; /* in order of number: the index has the order of its seed */
        for (; at > 0 && numbers[at - 1] > row; at--)
            numbers[at] = numbers[at - 1];
        numbers[at] = row;
    }
    for (unsigned i = 0; i < count && i < room; i++)
        presence_row_copy(list, numbers[i], &rows[i]);
    return count;
}

void presence_hold_set(struct presence *list, struct span hold)
{
    list->hold = presence_steps(hold);
}

enum presence_outcome presence_load(struct presence *list, const struct presence_row *row,
                                    struct wall now)
{
    presence_clock(list, now);
    const struct presence_sign sign = {
        .id = row->id,
        .source = (unsigned)row->source < PRESENCE_SOURCE_COUNT ? row->source : PRESENCE_OTHER,
        .nas = row->nas,
        .session = row->session,
        .place = row->place,
        .proof = row->proof,
        .at = row->started};
    struct row_key key = key_of(list, &sign.id, sign.session);
    if (find_session(list, &key, &sign) != PRESENCE_NONE)
        return PRESENCE_REFRESHED;
    uint32_t number = add_row(list, &key, &sign);
    if (number == PRESENCE_NONE)
        return PRESENCE_REFUSED;
    struct presence_hot *hot = row_hot(list, number);
    uint32_t heard = claimed_step(list, row->heard);
    begin_life(list, number, &sign, row->implicit);
    list->counts.started--; /* not in this run */
    if (row->end == PRESENCE_LIVE) {
        uint64_t steps = presence_steps(row->lifetime);
        bool held = steps == 0 && list->hold > 0 && mac_known(row->id.mac);
        hot->heard = heard;
        hot->lifetime = presence_lifetime_pack(steps > 0 ? list->now - heard + steps
                                               : held    ? list->hold
                                                         : 0);
        hot->flags = (uint16_t)((hot->flags & ~ROW_HELD) | (held ? ROW_HELD : 0));
        presence_wheel_hang(list, number);
        return PRESENCE_STARTED;
    }
    unsigned how = (row->end == PRESENCE_RESET ? ROW_RESET : 0) |
                   (row->unstarted ? ROW_UNSTARTED : 0) | (row->seen_since ? ROW_SEEN_SINCE : 0);
    end_life(list, number, heard, how);
    settle(list, number, list->now);
    if (row->settled)
        hot->flags |= ROW_SETTLED;
    return PRESENCE_ENDED;
}
