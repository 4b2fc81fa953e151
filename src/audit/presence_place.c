/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/presence_inside.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/limits.h"

/* A gap shorter than this is a repetition, one longer than a day an interruption. */
enum { GAP_LEAST = 10 * STEPS_A_SECOND, GAP_MOST = 86400 * STEPS_A_SECOND };

/* A sample that was heard once only is given up after an hour. */
enum { SAMPLE_PATIENCE = 3600 * STEPS_A_SECOND };

static uint64_t nas_hash(const struct presence *list, uint32_t number)
{
    return hash_u64(number, list->seed);
}

static uint64_t stand_hash(const struct presence *list, uint32_t nas, uint32_t place)
{
    return hash_u64((uint64_t)nas << 32 | place, list->seed);
}

static uint64_t nas_hash_of(const void *aux, uint32_t nas)
{
    return nas_hash(aux, nas_at(aux, nas)->number);
}

static uint64_t stand_hash_of(const void *aux, uint32_t number)
{
    const struct presence_stand *stand = stand_at(aux, number);
    return stand_hash(aux, stand->nas, stand->place);
}

static void pool_init(struct presence_pool *pool, uint32_t size,
                      uint64_t (*hash_of)(const void *, uint32_t), const struct presence *list)
{
    segments_init(&pool->records, size);
    tag_index_init(&pool->index, hash_of, list);
    pool->free = PRESENCE_NONE;
}

static void pool_done(struct presence_pool *pool)
{
    segments_done(&pool->records);
    tag_index_done(&pool->index);
}

/* Returns the number of a record; the first field of a free one links to the next. */
static uint32_t pool_take(struct presence_pool *pool, size_t size)
{
    pool->count++;
    if (pool->free == PRESENCE_NONE) {
        segments_reach(&pool->records, pool->high);
        return pool->high++;
    }
    uint32_t number = pool->free;
    pool->free = *(const uint32_t *)segments_at(&pool->records, number, size);
    return number;
}

static void pool_give(struct presence_pool *pool, uint32_t number, size_t size)
{
    *(uint32_t *)segments_at(&pool->records, number, size) = pool->free;
    pool->free = number;
    pool->count--;
}

void presence_places_init(struct presence *list)
{
    pool_init(&list->stands, sizeof(struct presence_stand), stand_hash_of, list);
    pool_init(&list->nas, sizeof(struct presence_nas), nas_hash_of, list);
    segments_init(&list->stand_hints, sizeof(uint32_t));
    while (list->hint_mask + 1 < STAND_HINTS_MOST && list->hint_mask < list->options.rows)
        list->hint_mask = list->hint_mask * 2 + 1;
}

void presence_places_done(struct presence *list)
{
    pool_done(&list->stands);
    pool_done(&list->nas);
    segments_done(&list->stand_hints);
}

uint32_t presence_nas_find(const struct presence *list, uint32_t number)
{
    struct tag_probe probe = tag_probe_begin(&list->nas.index, nas_hash(list, number));
    for (uint32_t nas; (nas = tag_probe_next(&probe)) != TAG_NONE;)
        if (nas_at(list, nas)->number == number)
            return nas;
    return PRESENCE_NONE;
}

static uint32_t nas_take(struct presence *list, uint32_t number)
{
    uint32_t nas = presence_nas_find(list, number);
    if (nas != PRESENCE_NONE)
        return nas;
    nas = pool_take(&list->nas, sizeof(struct presence_nas));
    *nas_at(list, nas) = (struct presence_nas){.number = number};
    tag_index_put(&list->nas.index, nas_hash(list, number), nas);
    list->nas_idle++;
    return nas;
}

/* Forgets a NAS without rows, unless its interval is worth remembering. */
static void nas_release(struct presence *list, uint32_t nas)
{
    const struct presence_nas *record = nas_at(list, nas);
    if (record->rows > 0 || (record->interval > 0 && list->nas_idle <= LIMIT_NAS_INTERVALS))
        return;
    tag_index_remove(&list->nas.index, nas_hash(list, record->number), nas);
    pool_give(&list->nas, nas, sizeof(struct presence_nas));
    list->nas_idle--;
}

static uint32_t stand_find(const struct presence *list, uint32_t nas, uint32_t place)
{
    struct tag_probe probe = tag_probe_begin(&list->stands.index, stand_hash(list, nas, place));
    for (uint32_t number; (number = tag_probe_next(&probe)) != TAG_NONE;) {
        const struct presence_stand *stand = stand_at(list, number);
        if (stand->nas == nas && stand->place == place)
            return number;
    }
    return PRESENCE_NONE;
}

static uint32_t *hint_of(const struct presence *list, uint32_t place)
{
    const uint32_t number = place & list->hint_mask;
    return number < list->stand_hints.capacity
               ? segments_at(&list->stand_hints, number, sizeof(uint32_t))
               : NULL;
}

void presence_stand_expect(const struct presence *list, uint32_t place)
{
    const uint32_t *hint = hint_of(list, place);
    if (hint != NULL)
        __builtin_prefetch(hint);
}

uint32_t presence_stand_guess(const struct presence *list, uint32_t place)
{
    const uint32_t *hint = hint_of(list, place);
    return hint != NULL && *hint != 0 ? *hint - 1 : PRESENCE_NONE;
}

static void note_stand(struct presence *list, uint32_t place, uint32_t stand)
{
    const uint32_t number = place & list->hint_mask;
    if (number >= list->hint_high)
        list->hint_high = number + 1;
    segments_reach(&list->stand_hints, number);
    *(uint32_t *)segments_at(&list->stand_hints, number, sizeof stand) = stand + 1;
}

static void forget_stand(struct presence *list, uint32_t place, uint32_t stand)
{
    uint32_t *hint = hint_of(list, place);
    if (hint != NULL && *hint == stand + 1)
        *hint = 0;
}

uint32_t presence_stand_take(struct presence *list, uint32_t nas_number, uint32_t place)
{
    uint32_t guess = presence_stand_guess(list, place);
    if (guess != PRESENCE_NONE && stand_at(list, guess)->place == place &&
        stand_at(list, guess)->nas_number == nas_number)
        return guess;
    uint32_t nas = nas_take(list, nas_number);
    uint32_t stand = stand_find(list, nas, place);
    if (stand != PRESENCE_NONE) {
        note_stand(list, place, stand);
        return stand;
    }
    stand = pool_take(&list->stands, sizeof(struct presence_stand));
    *stand_at(list, stand) =
        (struct presence_stand){.nas = nas, .nas_number = nas_number, .place = place};
    tag_index_put(&list->stands.index, stand_hash(list, nas, place), stand);
    note_stand(list, place, stand);
    return stand;
}

void presence_stand_enter(struct presence *list, uint32_t stand)
{
    struct presence_nas *nas = nas_at(list, stand_at(list, stand)->nas);
    if (nas->rows == 0)
        list->nas_idle--;
    nas->rows++;
    stand_at(list, stand)->rows++;
}

void presence_stand_release(struct presence *list, uint32_t number)
{
    struct presence_stand *stand = stand_at(list, number);
    if (stand->rows > 0)
        return;
    uint32_t nas = stand->nas;
    forget_stand(list, stand->place, number);
    tag_index_remove(&list->stands.index, stand_hash(list, nas, stand->place), number);
    pool_give(&list->stands, number, sizeof *stand);
    nas_release(list, nas);
}

void presence_stand_leave(struct presence *list, uint32_t number)
{
    struct presence_stand *stand = stand_at(list, number);
    struct presence_nas *nas = nas_at(list, stand->nas);
    stand->rows--;
    nas->rows--;
    if (nas->rows == 0)
        list->nas_idle++;
    presence_stand_release(list, number);
}

uint32_t presence_reset(struct presence *list, uint32_t number, uint32_t place, struct wall now)
{
    presence_clock(list, now);
    if (list->sequence == UINT32_MAX)
        presence_renumber(list);
    uint32_t nas = presence_nas_find(list, number);
    if (nas == PRESENCE_NONE)
        return 0;
    struct presence_nas *record = nas_at(list, nas);
    uint32_t concerned = record->rows;
    if (place != PRESENCE_NONE) {
        uint32_t stand = stand_find(list, nas, place);
        if (stand == PRESENCE_NONE)
            return 0;
        concerned = stand_at(list, stand)->rows;
        stand_at(list, stand)->reset = ++list->sequence;
    } else {
        record->reset = ++list->sequence;
    }
    record->reset_at = list->now;
    list->pass_left = list->high;
    return concerned;
}

/* --- the interval between the updates of a NAS --- */

static bool sample_is_stale(const struct presence_sample *sample, uint32_t now)
{
    uint32_t patience = sample->gap > 0 ? 2 * sample->gap + GAP_LEAST : SAMPLE_PATIENCE;
    return sample->last == 0 || now - sample->last > patience;
}

static void measure(struct presence_nas *nas, uint32_t now)
{
    uint32_t longest = 0;
    for (unsigned i = 0; i < NAS_SAMPLES; i++) {
        const struct presence_sample *sample = &nas->samples[i];
        if (!sample_is_stale(sample, now) && sample->gap > longest)
            longest = sample->gap;
    }
    if (longest > 0)
        nas->interval = longest;
}

void presence_nas_learn(struct presence *list, uint32_t number, uint64_t session)
{
    struct presence_nas *nas = nas_at(list, number);
    struct presence_sample *spare = NULL;
    for (unsigned i = 0; i < NAS_SAMPLES; i++) {
        struct presence_sample *sample = &nas->samples[i];
        if (sample->session != session || sample->last == 0) {
            if (spare == NULL && sample_is_stale(sample, list->now))
                spare = sample;
            continue;
        }
        uint32_t gap = list->now - sample->last;
        if (gap < GAP_LEAST)
            return;
        sample->last = list->now;
        sample->gap = gap <= GAP_MOST ? gap : 0;
        measure(nas, list->now);
        return;
    }
    if (spare != NULL)
        *spare = (struct presence_sample){session, list->now, 0};
}

struct span presence_interval(const struct presence *list, uint32_t number)
{
    uint32_t nas = presence_nas_find(list, number);
    if (nas == PRESENCE_NONE)
        return span_us(0);
    return span_us((int64_t)nas_at(list, nas)->interval * (1000000 / STEPS_A_SECOND));
}

void presence_interval_set(struct presence *list, uint32_t number, struct span interval,
                           struct wall now)
{
    presence_clock(list, now);
    uint64_t steps = presence_steps(interval);
    uint32_t nas = nas_take(list, number);
    nas_at(list, nas)->interval = steps < GAP_MOST ? (uint32_t)steps : GAP_MOST;
    nas_release(list, nas);
}
