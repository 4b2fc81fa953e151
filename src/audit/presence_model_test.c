/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/presence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/presence_inside.h"

/* The expiry list against a naive one: an array of rows that is searched from its beginning,
 * without wheel, hash, stamps or stands. Both get the same random calls; after each, what they
 * say of the identity must agree, and each end must be handed out by both, once. */

enum {
    MODEL_ROWS = 512,
    IDS = 12,
    NAS_COUNT = 3,
    SESSIONS = 3,
    PLACES = 4,
    CALLS = 20000,
    MODEL_ROWS_OF_ONE = 32
};

enum { SETTLE = 30, REMEMBER = 300, REORDER = 5, GRACE = 30 };

struct model_row {
    bool used;
    unsigned id, nas, session;
    uint32_t place;
    int64_t started, heard, lifetime; /* tenths of a second */
    enum presence_end end;
    bool implicit, unstarted, settled, seen_since;
};

struct model {
    struct model_row rows[MODEL_ROWS];
    int64_t now; /* tenths */
};

struct call {
    unsigned id, nas, session;
    uint32_t place;
    int64_t at, lifetime; /* tenths */
};

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = (*state ^ (*state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static unsigned pick(uint64_t *random, unsigned count)
{
    return (unsigned)(next_random(random) % count);
}

static struct wall wall_of(int64_t tenths)
{
    return (struct wall){INT64_C(1700000000000000) + tenths * 100000};
}

/* --- the naive list --- */

static bool is_address(unsigned id)
{
    return id >= IDS / 2;
}

static struct model_row *model_find(struct model *model, const struct call *call)
{
    for (unsigned i = 0; i < MODEL_ROWS; i++) {
        struct model_row *row = &model->rows[i];
        if (row->used && row->id == call->id && row->nas == call->nas &&
            (is_address(call->id) || row->session == call->session))
            return row;
    }
    return NULL;
}

static struct model_row *model_add(struct model *model, const struct call *call)
{
    unsigned i = 0;
    while (model->rows[i].used)
        assert_true(++i < MODEL_ROWS);
    model->rows[i] = (struct model_row){.used = true,
                                        .id = call->id,
                                        .nas = call->nas,
                                        .session = call->session,
                                        .place = call->place};
    return &model->rows[i];
}

static int64_t packed(int64_t tenths)
{
    return (int64_t)presence_lifetime_unpack(presence_lifetime_pack((uint64_t)tenths));
}

static int64_t lifetime_of(const struct call *call, int64_t interval)
{
    if (call->lifetime > 0)
        return packed(call->lifetime + GRACE * 10);
    return interval > 0 ? packed(interval * 3 + GRACE * 10) : 0;
}

static enum presence_outcome model_hear(struct model *model, const struct call *call,
                                        bool is_update, int64_t interval)
{
    struct model_row *row = model_find(model, call);
    if (row != NULL && row->end == PRESENCE_LIVE) {
        bool moved = call->place != PRESENCE_NONE && call->place != row->place &&
                     row->place != PRESENCE_NONE;
        if (call->place != PRESENCE_NONE)
            row->place = call->place;
        row->heard = model->now;
        row->lifetime = lifetime_of(call, interval);
        bool begun = !is_update && row->implicit;
        if (begun) {
            row->started = call->at;
            row->implicit = false;
        }
        return moved ? PRESENCE_MOVED : begun ? PRESENCE_BEGUN : PRESENCE_REFRESHED;
    }
    int64_t reorder = is_address(call->id) ? 0 : REORDER * 10;
    if (row != NULL && row->end == PRESENCE_STOPPED && call->at <= row->heard + reorder) {
        if (!row->unstarted)
            return PRESENCE_LATE;
        row->started = call->at < row->heard ? call->at : row->heard;
        row->place = call->place != PRESENCE_NONE ? call->place : row->place;
        row->unstarted = false;
        row->implicit = is_update;
        if (row->settled)
            row->lifetime = packed(model->now + SETTLE * 10 - row->heard);
        row->settled = false;
        return PRESENCE_ENDED;
    }
    uint32_t place = row != NULL && call->place == PRESENCE_NONE ? row->place : call->place;
    if (row == NULL)
        row = model_add(model, call);
    *row = (struct model_row){.used = true,
                              .id = call->id,
                              .nas = call->nas,
                              .session = call->session,
                              .place = place,
                              .started = call->at,
                              .heard = model->now,
                              .lifetime = lifetime_of(call, interval),
                              .implicit = is_update};
    return PRESENCE_STARTED;
}

static enum presence_outcome model_stop(struct model *model, const struct call *call)
{
    struct model_row *row = model_find(model, call);
    if (row == NULL) {
        row = model_add(model, call);
        row->started = call->at;
        row->unstarted = true;
    } else if (is_address(call->id) && row->end == PRESENCE_STOPPED && call->at > row->heard) {
        row->settled = row->seen_since = false; /* once more: made anew in between */
    } else if (row->end != PRESENCE_LIVE || call->at + REORDER * 10 < row->started) {
        return PRESENCE_LATE;
    }
    row->end = PRESENCE_STOPPED;
    row->heard = call->at;
    row->lifetime = packed(model->now + SETTLE * 10 - call->at);
    return PRESENCE_ENDED;
}

static void model_reset(struct model *model, unsigned nas, uint32_t place)
{
    for (unsigned i = 0; i < MODEL_ROWS; i++) {
        struct model_row *row = &model->rows[i];
        if (!row->used || row->end != PRESENCE_LIVE || row->nas != nas ||
            (place != PRESENCE_NONE && row->place != place))
            continue;
        row->end = PRESENCE_RESET;
        row->heard = model->now;
        row->lifetime = SETTLE * 10;
    }
}

static unsigned model_touch(struct model *model, unsigned id)
{
    unsigned live = 0;
    for (unsigned i = 0; i < MODEL_ROWS; i++) {
        struct model_row *row = &model->rows[i];
        if (!row->used || row->id != id)
            continue;
        if (row->end == PRESENCE_LIVE) {
            row->heard = model->now;
            live++;
        } else {
            row->seen_since = true;
        }
    }
    return live;
}

static unsigned model_live(const struct model *model, unsigned id)
{
    unsigned live = 0;
    for (unsigned i = 0; i < MODEL_ROWS; i++)
        live +=
            model->rows[i].used && model->rows[i].id == id && model->rows[i].end == PRESENCE_LIVE;
    return live;
}

/* --- both --- */

struct both {
    struct model model;
    struct presence *list;
    uint64_t random;
};

static struct presence_id id_of(unsigned id)
{
    const uint8_t octets[16] = {0x20, 0x01, [14] = (uint8_t)(id % 2), [15] = (uint8_t)id};
    return is_address(id) ? presence_address(ip_from_v6(octets))
                          : presence_mac((struct mac){0x525400000000 + id});
}

static unsigned id_number(const struct presence_id *id)
{
    return mac_known(id->mac) ? (unsigned)(id->mac.bits & 0xff) : id->address.octets[15];
}

static struct presence_sign sign_of(const struct call *call)
{
    return (struct presence_sign){.id = id_of(call->id),
                                  .source = PRESENCE_RADIUS,
                                  .nas = call->nas,
                                  .session = call->nas * 100 + call->session,
                                  .place = call->place,
                                  .proof = EVENT_PROOF_TOLD,
                                  .at = wall_of(call->at),
                                  .lifetime = span_us(call->lifetime * 100000)};
}

static struct call random_call(struct both *both)
{
    uint64_t *random = &both->random;
    struct call call = {.id = pick(random, IDS),
                        .nas = pick(random, NAS_COUNT),
                        .session = pick(random, SESSIONS),
                        .place = pick(random, PLACES + 1),
                        .at = both->model.now,
                        .lifetime = pick(random, 3) == 0 ? 0 : 10 * (1 + pick(random, 900))};
    if (call.place == PLACES)
        call.place = PRESENCE_NONE;
    if (pick(random, 3) == 0) /* delivered late, or by a clock that is behind */
        call.at -= pick(random, 200);
    return call;
}

static int64_t interval_of(const struct both *both, unsigned nas)
{
    return presence_interval(both->list, nas).us / 100000;
}

static void same_row(const struct model_row *row, const struct presence_row *found)
{
    assert_int_equal(found->end, row->end);
    assert_int_equal(found->place, row->place);
    assert_int_equal(found->started.us, wall_of(row->started).us);
    assert_int_equal(found->implicit, row->implicit);
    assert_int_equal(found->unstarted, row->unstarted);
    if (found->end == PRESENCE_RESET && !found->seen_since && !found->settled)
        return; /* dead, and perhaps not buried yet: the list has its old dates */
    assert_int_equal(found->settled, row->settled);
    assert_int_equal(found->seen_since, row->seen_since);
    assert_int_equal(found->heard.us, wall_of(row->heard).us);
    assert_int_equal(found->lifetime.us, row->lifetime * 100000);
}

static void same_identity(struct both *both, unsigned id)
{
    struct presence_row rows[MODEL_ROWS_OF_ONE];
    unsigned count = presence_find(both->list, id_of(id), true, rows, MODEL_ROWS_OF_ONE);
    unsigned wanted = 0;
    for (unsigned i = 0; i < MODEL_ROWS; i++)
        wanted += both->model.rows[i].used && both->model.rows[i].id == id;
    assert_int_equal(count, wanted);
    for (unsigned i = 0; i < count; i++) {
        const struct call key = {
            .id = id, .nas = rows[i].nas, .session = (unsigned)(rows[i].session % 100)};
        struct model_row *row = model_find(&both->model, &key);
        assert_non_null(row);
        same_row(row, &rows[i]);
    }
    assert_int_equal(presence_find(both->list, id_of(id), false, NULL, 0),
                     model_live(&both->model, id));
}

/* The end that the list hands out must be one that the naive list has due. */
static void same_end(struct both *both, const struct presence_due *due, unsigned live_before)
{
    const struct call key = {.id = id_number(&due->row.id),
                             .nas = due->row.nas,
                             .session = (unsigned)(due->row.session % 100)};
    struct model_row *row = model_find(&both->model, &key);
    assert_non_null(row);
    assert_false(row->settled);
    assert_true(row->lifetime > 0 && row->heard + row->lifetime <= both->model.now);
    assert_int_equal(due->row.end, row->end == PRESENCE_LIVE ? PRESENCE_EXPIRED : row->end);
    assert_int_equal(due->row.heard.us, wall_of(row->heard).us);
    assert_int_equal(due->row.place, row->place);
    assert_true(due->others <= live_before);
    if (row->end == PRESENCE_LIVE) {
        row->used = false;
    } else {
        row->settled = true;
        row->lifetime = packed(both->model.now - row->heard + REMEMBER * 10);
    }
    assert_int_equal(due->others, model_live(&both->model, key.id));
}

/* Nothing that is due may be left, but grave stones, which go silently. */
static void nothing_is_left(struct both *both)
{
    for (unsigned i = 0; i < MODEL_ROWS; i++) {
        struct model_row *row = &both->model.rows[i];
        if (!row->used || row->lifetime == 0 || row->heard + row->lifetime > both->model.now)
            continue;
        assert_true(row->settled);
        row->used = false;
    }
}

static void pass_time(struct both *both)
{
    unsigned kind = pick(&both->random, 100);
    int64_t seconds = kind == 0 ? 5000 : kind < 10 ? 60 : kind < 60 ? 1 : 0;
    both->model.now += seconds * 10;
    struct presence_due due[3];
    for (;;) {
        size_t count =
            presence_expire(both->list, wall_of(both->model.now), due, 1 + pick(&both->random, 3));
        for (size_t i = 0; i < count; i++)
            same_end(both, &due[i], IDS * NAS_COUNT * SESSIONS);
        struct wall next = presence_deadline(both->list);
        if (!wall_known(next) || next.us > wall_of(both->model.now).us ||
            (count == 0 && next.us == wall_of(both->model.now).us))
            break;
    }
    nothing_is_left(both);
}

static void make_call(struct both *both)
{
    struct call call = random_call(both);
    const struct presence_sign sign = sign_of(&call);
    struct wall now = wall_of(both->model.now);
    unsigned kind = pick(&both->random, 20);
    if (kind < 5) {
        enum presence_outcome outcome = presence_start(both->list, &sign, now, NULL);
        assert_int_equal(outcome,
                         model_hear(&both->model, &call, false, interval_of(both, call.nas)));
    } else if (kind < 12) {
        enum presence_outcome outcome = presence_update(both->list, &sign, now, NULL);
        assert_int_equal(outcome,
                         model_hear(&both->model, &call, true, interval_of(both, call.nas)));
    } else if (kind < 16) {
        assert_int_equal(presence_stop(both->list, &sign, now, NULL),
                         model_stop(&both->model, &call));
    } else if (kind < 19) {
        assert_int_equal(presence_touch(both->list, sign.id, now),
                         model_touch(&both->model, call.id));
    } else if (pick(&both->random, 4) == 0) {
        (void)presence_reset(both->list, call.nas, call.place, now);
        model_reset(&both->model, call.nas, call.place);
    }
    same_identity(both, call.id);
}

static void any_calls_agree(void **state)
{
    (void)state;
    struct both *both = calloc(1, sizeof *both);
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct presence_options options;
        presence_options_init(&options);
        memset(both, 0, sizeof *both);
        both->random = seed;
        both->list = presence_new(&options, wall_of(0));
        for (unsigned i = 0; i < CALLS; i++) {
            make_call(both);
            pass_time(both);
        }
        struct presence_counts counts = presence_counts(both->list);
        assert_true(counts.expired > 100 && counts.settled > 100 && counts.reset > 10);
        presence_free(both->list);
    }
    free(both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_calls_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
