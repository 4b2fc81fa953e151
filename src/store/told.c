/* SPDX-License-Identifier: Apache-2.0 */
#include "store/told.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/map.h"
#include "store/store_internal.h"

/* Columns of a row's text. */
enum {
    KEEP,
    RANK,
    SOURCE,
    TYPE,
    NAS,
    SWITCH,
    PORT,
    VLAN,
    CAUSE,
    FIRST,
    LAST,
    FRAME,
    EXPIRES,
    ENDED,
    PROOF,
    END,
    COLUMNS
};

/* --- writing --- */

static void add_number(struct text *to, int64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, number);
    tabbed_add(to, digits);
}

static void add_time(struct text *to, struct wall time)
{
    if (wall_known(time))
        add_number(to, time.us);
    else
        tabbed_add(to, NULL);
}

void told_fact_print(const struct told_fact *told, size_t rank, struct text *to)
{
    const struct heard_fact *fact = &told->fact;
    bool steady = told->keep == HEARD_KEEP_STEADY;
    text_clear(to);
    add_number(to, told->keep);
    if (told->keep == HEARD_KEEP_NOTHING)
        return;
    add_number(to, (int64_t)rank);
    tabbed_add(to, fact->origin->source);
    tabbed_add(to, fact->origin->type);
    tabbed_add(to, fact->origin->nas);
    tabbed_add(to, fact->origin->switch_name);
    tabbed_add(to, fact->origin->port);
    add_number(to, fact->origin->vlan);
    tabbed_add(to, fact->cause);
    add_time(to, fact->first);
    add_time(to, steady ? WALL_UNKNOWN : fact->last);
    add_time(to, steady ? WALL_UNKNOWN : fact->frame);
    add_time(to, steady ? WALL_UNKNOWN : fact->expires);
    add_time(to, fact->ended);
    add_number(to, fact->proof);
    add_number(to, fact->end);
}

/* The rows that hold, by what they say. */
struct standing {
    int64_t *ids;
    bool *told;
    size_t count, id_capacity, told_capacity;
    struct map by_text; /* hash of MAC and text -> number */
    uint64_t seed;
};

static uint64_t key_of(const struct standing *standing, int64_t mac, const char *text,
                       size_t length)
{
    return hash_bytes(text, length, hash_u64((uint64_t)mac, standing->seed)) >> 1;
}

static int load_standing(struct store *store, struct standing *ret, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_start(store, SQL_TOLD_CURRENT, NULL, 0, err);
    if (result == 0)
        result = store_step(store, SQL_TOLD_CURRENT, row, err);
    while (result == 1) {
        ret->ids = alloc_grow(ret->ids, ret->count, &ret->id_capacity, sizeof *ret->ids);
        ret->told = alloc_grow(ret->told, ret->count, &ret->told_capacity, sizeof *ret->told);
        ret->ids[ret->count] = row[0].integer;
        ret->told[ret->count] = false;
        map_put(&ret->by_text, key_of(ret, row[1].integer, row[2].bytes, row[2].length),
                (uint32_t)ret->count++);
        result = store_step(store, SQL_TOLD_CURRENT, row, err);
    }
    return result;
}

static int put_fact(struct store *store, struct standing *standing, const struct told_fact *fact,
                    const struct text *text, struct err *err)
{
    int64_t mac = (int64_t)fact->fact.mac.bits;
    uint32_t number = map_find(&standing->by_text, key_of(standing, mac, text->data, text->length));
    if (number != MAP_NO_VALUE) {
        standing->told[number] = true;
        return 0;
    }
    const struct cell cells[] = {cell_integer(mac), cell_integer((int64_t)store->round),
                                 cell_bytes(text->data, text->length)};
    return store_run(store, SQL_TOLD_ADD, cells, ARRAY_COUNT(cells), err);
}

static int end_others(struct store *store, const struct standing *standing, struct err *err)
{
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < standing->count; i++) {
        const struct cell cells[] = {cell_integer(standing->ids[i]),
                                     cell_integer((int64_t)store->round - 1)};
        if (!standing->told[i])
            failed = store_run(store, SQL_TOLD_END, cells, ARRAY_COUNT(cells), err);
    }
    return failed;
}

int store_round_told(struct store *store, const struct told_mark *mark,
                     const struct told_fact *facts, size_t count, struct err *err)
{
    struct standing standing = {.seed = store->secret_a};
    struct map ranks = MAP_EMPTY; /* MAC -> facts of it so far */
    AUTO_TEXT struct text text = TEXT_EMPTY;
    const struct cell cells[] = {cell_integer((int64_t)store->round), cell_wall(mark->at),
                                 mark->next > 0 ? cell_integer((int64_t)mark->next) : cell_null()};
    int failed = store_in_round(store, err);
    if (failed == 0)
        failed = store_run(store, SQL_ROUND_TOLD, cells, ARRAY_COUNT(cells), err);
    if (failed == 0)
        failed = load_standing(store, &standing, err);
    for (size_t i = 0; failed == 0 && i < count; i++) {
        uint32_t before = map_find(&ranks, facts[i].fact.mac.bits);
        uint32_t rank = before == MAP_NO_VALUE ? 0 : before;
        map_put(&ranks, facts[i].fact.mac.bits, rank + 1);
        told_fact_print(&facts[i], rank, &text);
        failed = put_fact(store, &standing, &facts[i], &text, err);
    }
    if (failed == 0)
        failed = end_others(store, &standing, err);
    map_done(&standing.by_text);
    map_done(&ranks);
    free(standing.ids);
    free(standing.told);
    return store_round_result(store, failed, err);
}

/* --- reading --- */

struct reading {
    struct store *store;
    struct arena *arena;
    struct told_fact *facts;
    uint32_t *ranks; /* beside them */
    size_t count, capacity, rank_capacity;
};

/* Numbers of a line; `ok` becomes false at the first that is none or not between the bounds. */
static int64_t number_of(const char *value, int64_t least, int64_t most, bool *ok)
{
    char *end;
    if (value == NULL || *value == '\0') {
        *ok = false;
        return least;
    }
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (errno != 0 || *end != '\0' || number < least || number > most) {
        *ok = false;
        return least;
    }
    return number;
}

static struct wall time_of(const char *value, bool *ok)
{
    return value == NULL ? WALL_UNKNOWN
                         : (struct wall){number_of(value, INT64_MIN + 1, INT64_MAX, ok)};
}

bool told_fact_read(char *line, struct mac mac, struct arena *arena, uint32_t *ret_rank,
                    struct told_fact *ret)
{
    char *values[COLUMNS];
    bool ok = true;
    size_t count = tabbed_split(line, values, COLUMNS);
    *ret_rank = 0;
    *ret = (struct told_fact){.fact = {.mac = mac, .age = FORWARD_AGE_UNKNOWN}};
    ret->keep = (uint8_t)number_of(count > 0 ? values[KEEP] : NULL, HEARD_KEEP_STEADY,
                                   HEARD_KEEP_NOTHING, &ok);
    if (!ok || ret->keep == HEARD_KEEP_NOTHING)
        return ok;
    if (count != COLUMNS)
        return false;
    struct heard_origin *origin = arena_alloc(arena, sizeof *origin);
    *origin = (struct heard_origin){.source = values[SOURCE],
                                    .type = values[TYPE],
                                    .nas = values[NAS],
                                    .switch_name = values[SWITCH],
                                    .port = values[PORT],
                                    .vlan = (uint16_t)number_of(values[VLAN], 0, UINT16_MAX, &ok)};
    *ret_rank = (uint32_t)number_of(values[RANK], 0, UINT32_MAX, &ok);
    ret->fact.origin = origin;
    ret->fact.cause = values[CAUSE];
    ret->fact.first = time_of(values[FIRST], &ok);
    ret->fact.last = time_of(values[LAST], &ok);
    ret->fact.frame = time_of(values[FRAME], &ok);
    ret->fact.expires = time_of(values[EXPIRES], &ok);
    ret->fact.ended = time_of(values[ENDED], &ok);
    ret->fact.proof = (uint8_t)number_of(values[PROOF], 0, EVENT_PROOF_COUNT - 1, &ok);
    ret->fact.end = (uint8_t)number_of(values[END], HEARD_OPEN, HEARD_EXPIRED, &ok);
    return ok && origin->type != NULL && origin->source != NULL;
}

static int read_all(struct reading *reading, uint64_t round, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer((int64_t)round)};
    int result = store_start(reading->store, SQL_TOLD_AT, key, 1, err);
    if (result == 0)
        result = store_step(reading->store, SQL_TOLD_AT, row, err);
    while (result == 1) {
        reading->facts =
            alloc_grow(reading->facts, reading->count, &reading->capacity, sizeof *reading->facts);
        reading->ranks = alloc_grow(reading->ranks, reading->count, &reading->rank_capacity,
                                    sizeof *reading->ranks);
        struct mac mac = {(uint64_t)row[0].integer};
        if (!told_fact_read(cell_to_text(&row[1], reading->arena), mac, reading->arena,
                            &reading->ranks[reading->count], &reading->facts[reading->count])) {
            store_stop(reading->store, SQL_TOLD_AT);
            return store_damaged(reading->store, err, "what round %llu was told",
                                 (unsigned long long)round);
        }
        reading->count++;
        result = store_step(reading->store, SQL_TOLD_AT, row, err);
    }
    return result;
}

/* Dates a frame of which only the place was kept. */
static int date_steady(struct reading *reading, struct heard_fact *fact, struct wall judged,
                       struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer((int64_t)fact->mac.bits), cell_wall(judged)};
    int result = store_one(reading->store, SQL_ANNOUNCED_LAST, key, 2, row, err);
    fact->last = result == 1 ? (struct wall){row[0].integer} : judged;
    store_stop(reading->store, SQL_ANNOUNCED_LAST);
    if (fact->last.us < fact->first.us)
        fact->last = fact->first;
    fact->frame = fact->last;
    fact->expires = wall_add(judged, span_seconds(1)); /* it had not passed */
    return result < 0 ? result : 0;
}

/* Facts of one MAC, which lie side by side, in the order of their ranks. */
static void order_facts(const struct reading *reading, struct told_fact *to)
{
    for (size_t first = 0, end; first < reading->count; first = end) {
        for (end = first; end < reading->count &&
                          mac_equal(reading->facts[end].fact.mac, reading->facts[first].fact.mac);)
            end++;
        for (size_t i = first; i < end; i++) {
            size_t before = 0;
            for (size_t k = first; k < end; k++)
                before += reading->ranks[k] < reading->ranks[i] ||
                          (reading->ranks[k] == reading->ranks[i] && k < i);
            to[first + before] = reading->facts[i];
        }
    }
}

int store_load_told(struct store *store, uint64_t round, struct wall judged, struct arena *arena,
                    struct told_fact **ret, size_t *ret_count, struct err *err)
{
    struct reading reading = {.store = store, .arena = arena};
    int failed = read_all(&reading, round, err);
    for (size_t i = 0; failed == 0 && i < reading.count; i++)
        if (reading.facts[i].keep == HEARD_KEEP_STEADY)
            failed = date_steady(&reading, &reading.facts[i].fact, judged, err);
    if (failed == 0) {
        *ret = arena_alloc(arena, (reading.count + 1) * sizeof **ret);
        *ret_count = reading.count;
        order_facts(&reading, *ret);
    }
    free(reading.facts);
    free(reading.ranks);
    return failed;
}
