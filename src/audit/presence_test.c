/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/presence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/presence_inside.h"

/* The expiry list: the lives of sessions as DOMAIN 1.7 and F9 tell them, shares, clocks,
 * resets, and a naive list that must agree after any sequence of calls. */

#define SECRET UINT64_C(42)

static struct wall at(double seconds)
{
    return (struct wall){INT64_C(1700000000000000) + (int64_t)(seconds * 1e6)};
}

static struct presence *new_list(void)
{
    struct presence_options options;
    presence_options_init(&options);
    return presence_new(&options, at(0));
}

static struct presence_sign session_of(uint64_t mac, uint32_t nas, const char *session,
                                       uint32_t place, double seconds)
{
    char nas_text[16];
    snprintf(nas_text, sizeof nas_text, "nas%u", nas);
    return (struct presence_sign){
        .id = presence_mac((struct mac){mac}),
        .source = PRESENCE_RADIUS,
        .nas = nas,
        .session = presence_session_hash(SECRET, PRESENCE_RADIUS, nas_text, session),
        .place = place,
        .proof = EVENT_PROOF_TOLD,
        .at = at(seconds)};
}

static struct presence_sign binding_of(uint8_t host, uint32_t agent, uint32_t care_of,
                                       double lifetime)
{
    struct presence_sign sign = {.source = PRESENCE_MOBILE_IP,
                                 .nas = agent,
                                 .place = care_of,
                                 .proof = EVENT_PROOF_HEARD,
                                 .at = WALL_UNKNOWN,
                                 .lifetime = span_us((int64_t)(lifetime * 1e6))};
    const uint8_t octets[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = host};
    sign.id = presence_address(ip_from_v6(octets));
    return sign;
}

/* Lets time pass; expects exactly one end and returns it. */
static struct presence_due expect_end(struct presence *list, double seconds)
{
    struct presence_due due[4];
    assert_int_equal(presence_expire(list, at(seconds), due, 4), 1);
    return due[0];
}

static void expect_nothing(struct presence *list, double seconds)
{
    struct presence_due due[4];
    assert_int_equal(presence_expire(list, at(seconds), due, 4), 0);
}

static void stop_at_the_old_port_after_start_at_the_new(void **state)
{
    (void)state;
    struct presence *list = new_list();
    struct presence_sign old = session_of(1, 1, "a", 10, 1), new = session_of(1, 1, "b", 11, 100);
    assert_int_equal(presence_start(list, &old, at(1), NULL), PRESENCE_STARTED);
    assert_int_equal(presence_start(list, &new, at(100), NULL), PRESENCE_STARTED);
    old.at = at(101);
    struct presence_row row;
    assert_int_equal(presence_stop(list, &old, at(101), &row), PRESENCE_ENDED);
    assert_int_equal(row.end, PRESENCE_STOPPED);
    expect_nothing(list, 130);
    struct presence_due due = expect_end(list, 132);
    assert_int_equal(due.row.end, PRESENCE_STOPPED);
    assert_int_equal(due.others, 1);
    assert_int_equal(due.row.place, 10);
    assert_int_equal(due.row.started.us, at(1).us);
    assert_int_equal(due.row.heard.us, at(101).us);
    expect_nothing(list, 500);
    assert_int_equal(presence_find(list, old.id, true, &row, 1), 1);
    assert_int_equal(row.place, 11);
    presence_free(list);
}

static void binding_expires_unless_refreshed(void **state)
{
    (void)state;
    struct presence *list = new_list();
    struct presence_sign sign = binding_of(7, 3, 20, 60);
    assert_int_equal(presence_start(list, &sign, at(0), NULL), PRESENCE_STARTED);
    assert_int_equal(presence_update(list, &sign, at(50), NULL), PRESENCE_REFRESHED);
    expect_nothing(list, 139);
    assert_int_equal(presence_touch(list, sign.id, at(139)), 1);
    expect_nothing(list, 228);
    struct presence_due due = expect_end(list, 231);
    assert_int_equal(due.row.end, PRESENCE_EXPIRED);
    assert_int_equal(due.others, 0);
    assert_true(ip_equal(&due.row.id.address, &sign.id.address));
    assert_int_equal(due.row.place, 20);
    assert_int_equal(presence_counts(list).live, 0);
    assert_false(wall_known(presence_deadline(list)));
    presence_free(list);
}

static struct presence_due expect_quiet(struct presence *list, int64_t seconds)
{
    struct presence_due due[2];
    assert_int_equal(presence_expire(list, at(seconds), due, 2), 1);
    assert_true(due[0].quiet);
    assert_int_equal(due[0].row.end, PRESENCE_LIVE);
    return due[0];
}

static void a_row_without_date_is_quiet_once(void **state)
{
    (void)state;
    struct presence_options options;
    presence_options_init(&options);
    options.hold = span_seconds(300);
    struct presence *list = presence_new(&options, at(0));
    struct presence_sign sign = session_of(1, 1, "a", 10, 1);
    struct presence_row row;
    (void)presence_start(list, &sign, at(1), &row);
    assert_int_equal(row.held.us, at(301).us);
    assert_false(wall_known(row.expires));
    sign.at = at(100);
    assert_int_equal(presence_start(list, &sign, at(100), NULL), PRESENCE_REFRESHED);
    sign.at = at(50); /* an older word takes nothing back, a late one counts since it was true */
    assert_int_equal(presence_start(list, &sign, at(110), &row), PRESENCE_REFRESHED);
    assert_int_equal(row.held.us, at(400).us);
    sign.at = at(150);
    (void)presence_start(list, &sign, at(200), &row);
    assert_int_equal(row.held.us, at(450).us);
    expect_nothing(list, 449);
    assert_int_equal(expect_quiet(list, 451).row.place, 10);
    expect_nothing(list, 5000);
    assert_int_equal(presence_counts(list).live, 1);
    sign.at = at(5001);
    assert_int_equal(presence_start(list, &sign, at(5001), NULL), PRESENCE_RESUMED);
    (void)expect_quiet(list, 5301);
    assert_int_equal(presence_reset(list, 1, PRESENCE_NONE, at(5400)), 1);
    assert_int_equal(presence_find(list, sign.id, true, &row, 1), 1);
    assert_true(row.quiet);
    assert_int_equal(row.end, PRESENCE_RESET);
    struct presence_due due = expect_end(list, 5431);
    assert_true(due.row.quiet);
    assert_false(due.quiet);
    presence_free(list);
}

static void stop_alone_settles_to_an_alarm(void **state)
{
    (void)state;
    struct presence *list = new_list();
    struct presence_sign sign = session_of(1, 1, "a", 10, 1);
    struct presence_row row;
    (void)presence_start(list, &sign, at(1), &row);
    sign.at = at(50);
    (void)presence_stop(list, &sign, at(50), NULL);
    struct presence_row stale;
    assert_false(presence_get(list, row.number, row.generation, &stale)); /* F10 */
    assert_int_equal(presence_find(list, sign.id, false, NULL, 0), 0);
    assert_int_equal(presence_find(list, sign.id, true, NULL, 0), 1);
    assert_int_equal(presence_touch(list, sign.id, at(60)), 0);
    struct presence_due due = expect_end(list, 80);
    assert_int_equal(due.others, 0);
    assert_true(due.row.seen_since);
    assert_true(due.row.settled);
    assert_int_equal(presence_counts(list).ended, 1); /* its grave stone */
    expect_nothing(list, 400);
    assert_int_equal(presence_counts(list).ended, 0);
    presence_free(list);
}

static void stop_may_come_before_its_start(void **state)
{
    (void)state;
    struct presence *list = new_list();
    struct presence_sign sign = session_of(1, 1, "a", PRESENCE_NONE, 10);
    struct presence_row row;
    assert_int_equal(presence_stop(list, &sign, at(10), &row), PRESENCE_ENDED);
    assert_true(row.unstarted);
    sign.at = at(4); /* Acct-Delay-Time: its start was lost and is sent again */
    sign.place = 10;
    assert_int_equal(presence_start(list, &sign, at(15), &row), PRESENCE_ENDED);
    assert_false(row.unstarted);
    assert_int_equal(row.place, 10);
    assert_int_equal(row.started.us, at(4).us);
    assert_int_equal(row.end, PRESENCE_STOPPED);
    assert_int_equal(presence_update(list, &sign, at(16), NULL), PRESENCE_LATE);
    assert_int_equal(presence_stop(list, &sign, at(17), NULL), PRESENCE_LATE);
    sign.at = at(30); /* the same id again, long after: a new life */
    assert_int_equal(presence_start(list, &sign, at(30), &row), PRESENCE_STARTED);
    assert_int_equal(row.end, PRESENCE_LIVE);
    expect_nothing(list, 100);
    sign.at = at(9); /* the old stop once more */
    assert_int_equal(presence_stop(list, &sign, at(101), NULL), PRESENCE_LATE);
    assert_int_equal(presence_find(list, sign.id, false, NULL, 0), 1);
    presence_free(list);
}

static void an_update_of_an_unknown_session_starts_it(void **state)
{
    (void)state;
    struct presence *list = new_list();
    const struct presence_sign sign = session_of(1, 1, "a", 10, 5);
    struct presence_row row;
    assert_int_equal(presence_update(list, &sign, at(5), &row), PRESENCE_STARTED);
    assert_true(row.implicit);
    assert_int_equal(row.proof, EVENT_PROOF_TOLD);
    assert_false(wall_known(row.expires));
    presence_free(list);
}

static void a_session_may_move_and_keeps_its_place_when_none_is_said(void **state)
{
    (void)state;
    struct presence *list = new_list();
    struct presence_sign sign = binding_of(1, 1, 5, 100);
    struct presence_row row;
    (void)presence_start(list, &sign, at(0), NULL);
    sign.place = 6;
    assert_int_equal(presence_update(list, &sign, at(1), &row), PRESENCE_MOVED);
    sign.place = PRESENCE_NONE;
    assert_int_equal(presence_update(list, &sign, at(2), &row), PRESENCE_REFRESHED);
    assert_int_equal(row.place, 6);
    assert_int_equal(presence_counts(list).places, 1);
    sign.nas = 2; /* another agent: another binding */
    assert_int_equal(presence_update(list, &sign, at(3), NULL), PRESENCE_STARTED);
    assert_int_equal(presence_find(list, sign.id, false, NULL, 0), 2);
    presence_free(list);
}

/* --- what a NAS does --- */

static void a_reset_ends_its_sessions_and_gives_them_time(void **state)
{
    (void)state;
    struct presence *list = new_list();
    struct presence_sign gone = session_of(1, 1, "a", 10, 0), back = session_of(2, 1, "b", 11, 0),
                         other = session_of(3, 2, "c", 10, 0);
    (void)presence_start(list, &gone, at(0), NULL);
    (void)presence_start(list, &back, at(0), NULL);
    (void)presence_start(list, &other, at(0), NULL);
    assert_int_equal(presence_reset(list, 1, PRESENCE_NONE, at(10)), 2);
    assert_int_equal(presence_reset(list, 99, PRESENCE_NONE, at(10)), 0);
    assert_int_equal(presence_find(list, gone.id, false, NULL, 0), 0);
    assert_int_equal(presence_find(list, other.id, false, NULL, 0), 1);
    back.at = at(12);
    assert_int_equal(presence_start(list, &back, at(12), NULL), PRESENCE_STARTED);
    expect_nothing(list, 39);
    struct presence_due due = expect_end(list, 41);
    assert_int_equal(due.row.end, PRESENCE_RESET);
    assert_true(mac_equal(due.row.id.mac, gone.id.mac));
    assert_int_equal(due.row.heard.us, at(10).us);
    expect_nothing(list, 1000);
    assert_int_equal(presence_counts(list).live, 2);
    presence_free(list);
}

static void a_reset_honours_the_narrowest_scope(void **state)
{
    (void)state;
    struct presence *list = new_list();
    struct presence_sign here = session_of(1, 1, "a", 10, 0), there = session_of(2, 1, "b", 11, 0);
    (void)presence_start(list, &here, at(0), NULL);
    (void)presence_start(list, &there, at(0), NULL);
    assert_int_equal(presence_reset(list, 1, 10, at(5)), 1);
    assert_int_equal(presence_reset(list, 1, 77, at(5)), 0);
    struct presence_due due = expect_end(list, 36);
    assert_true(mac_equal(due.row.id.mac, here.id.mac));
    assert_int_equal(presence_find(list, there.id, false, NULL, 0), 1);
    presence_free(list);
}

static void resets_may_be_counted_out(void **state)
{
    (void)state;
    struct presence *list = new_list();
    struct presence_sign a = session_of(1, 1, "a", 10, 0), b = session_of(2, 2, "b", 11, 0);
    (void)presence_start(list, &a, at(0), NULL);
    (void)presence_start(list, &b, at(0), NULL);
    (void)presence_reset(list, 1, PRESENCE_NONE, at(1));
    list->sequence = UINT32_MAX;
    (void)presence_reset(list, 3, PRESENCE_NONE, at(2));
    assert_int_equal(list->sequence, 0);
    assert_int_equal(presence_find(list, a.id, false, NULL, 0), 0);
    assert_int_equal(presence_find(list, b.id, false, NULL, 0), 1);
    assert_int_equal(presence_reset(list, 2, PRESENCE_NONE, at(3)), 1);
    assert_int_equal(presence_find(list, b.id, false, NULL, 0), 0);
    presence_free(list);
}

static void the_interval_of_a_nas_is_learnt(void **state)
{
    (void)state;
    struct presence *list = new_list();
    struct presence_row row;
    struct presence_sign sign = session_of(1, 1, "a", 10, 0), slow = session_of(2, 1, "b", 10, 0);
    (void)presence_start(list, &sign, at(0), &row);
    assert_false(wall_known(row.expires)); /* no interims seen: polling must find out */
    (void)presence_update(list, &sign, at(60), NULL);
    (void)presence_touch(list, sign.id, at(100)); /* a sighting is no interim */
    (void)presence_update(list, &sign, at(120), &row);
    assert_int_equal(presence_interval(list, 1).us, span_seconds(60).us);
    assert_int_equal(row.expires.us, at(120 + 180 + 30).us);
    (void)presence_update(list, &sign, at(121), NULL); /* a repetition teaches nothing */
    assert_int_equal(presence_interval(list, 1).us, span_seconds(60).us);
    (void)presence_update(list, &sign, at(240), NULL); /* one was lost */
    assert_int_equal(presence_interval(list, 1).us, span_seconds(120).us);
    (void)presence_update(list, &sign, at(300), NULL);
    assert_int_equal(presence_interval(list, 1).us, span_seconds(60).us);
    (void)presence_update(list, &slow, at(300), NULL);
    (void)presence_update(list, &sign, at(360), NULL);
    (void)presence_update(list, &slow, at(400), NULL); /* the slower one counts */
    assert_int_equal(presence_interval(list, 1).us, span_seconds(100).us);
    presence_interval_set(list, 7, span_seconds(300), at(400));
    assert_int_equal(presence_interval(list, 7).us, span_seconds(300).us);
    assert_int_equal(presence_interval(list, 8).us, 0);
    presence_free(list);
}

/* --- hostile input --- */

static struct presence *small_list(void)
{
    struct presence_options options;
    presence_options_init(&options);
    options.rows = 1000;
    options.source_rows = options.heard_rows = 800;
    options.nas_rows = 300;
    options.place_rows = 100;
    options.id_rows = 4;
    return presence_new(&options, at(0));
}

/* Whether a place is known at once or looked up makes no difference: numbers that take each
 * other's hint, and one number with two NAS. */
static void places_are_not_mixed_up(void **state)
{
    (void)state;
    enum { ROWS = 600, APART = 1024 };
    struct presence *list = small_list();
    struct presence_row row;
    for (unsigned turn = 0; turn < 3; turn++) {
        for (unsigned i = 0; i < ROWS; i++) {
            uint32_t place = i % 2 * APART + i / 4;
            const struct presence_sign sign = session_of(i, i / 2 % 2, "x", place, turn);
            struct presence_sign other = session_of(i, 9, "y", place + APART, turn);
            presence_expect(list, &sign, 1);
            presence_expect(list, &other, 1);
            assert_int_not_equal(presence_update(list, &sign, at(turn), &row), PRESENCE_REFUSED);
            assert_int_equal(row.place, place);
            assert_int_equal(row.nas, i / 2 % 2);
        }
    }
    assert_int_equal(presence_counts(list).places, ROWS);
    assert_int_equal(presence_reset(list, 0, APART, at(9)), 1);
    assert_int_equal(presence_reset(list, 1, APART, at(9)), 1);
    assert_int_equal(presence_reset(list, 2, APART, at(9)), 0);
    presence_free(list);
}

static void shares_hold(void **state)
{
    (void)state;
    struct presence *list = small_list();
    for (unsigned i = 0; i < 5000; i++) { /* one place, then one NAS */
        const struct presence_sign sign = session_of(i, 1, "x", i < 1000 ? 1 : i, 0);
        (void)presence_start(list, &sign, at(0), NULL);
    }
    struct presence_counts counts = presence_counts(list);
    assert_int_equal(counts.live, 300);
    assert_int_equal(counts.refused_place, 900);
    assert_int_equal(counts.refused_nas, 3800);
    assert_int_equal(counts.places, 201); /* what was refused left nothing behind */
    const struct presence_sign honest = session_of(0xbeef, 2, "x", 1, 0);
    assert_int_equal(presence_start(list, &honest, at(0), NULL), PRESENCE_STARTED);
    for (unsigned i = 0; i < 5000; i++) { /* forged bindings: every one another agent */
        struct presence_sign sign = binding_of((uint8_t)i, 1000 + i, 1000 + i, 3600);
        sign.id.address.octets[8] = (uint8_t)(i >> 8);
        (void)presence_start(list, &sign, at(0), NULL);
    }
    counts = presence_counts(list);
    assert_int_equal(counts.live, 1000);
    assert_int_equal(counts.refused_source, 0);
    assert_int_equal(counts.refused_full, 4301);
    assert_int_equal(presence_update(list, &honest, at(1), NULL), PRESENCE_REFRESHED);
    presence_free(list);
}

static void one_source_leaves_room(void **state)
{
    (void)state;
    struct presence *list = small_list();
    for (unsigned i = 0; i < 5000; i++) {
        const struct presence_sign sign = session_of(i, i, "x", i, 0);
        (void)presence_start(list, &sign, at(0), NULL);
    }
    assert_int_equal(presence_counts(list).live, 800);
    assert_int_equal(presence_counts(list).refused_source, 4200);
    assert_int_equal(presence_counts(list).nas_count, 800);
    const struct presence_sign sign = binding_of(1, 9, 9, 100);
    assert_int_equal(presence_start(list, &sign, at(0), NULL), PRESENCE_STARTED);
    presence_free(list);
}

static void what_is_overheard_has_a_small_share(void **state)
{
    (void)state;
    struct presence_options options;
    presence_options_init(&options);
    options.heard_rows = 50;
    struct presence *list = presence_new(&options, at(0));
    for (unsigned i = 0; i < 200; i++) { /* forged, each to live for days */
        const struct presence_sign sign = binding_of((uint8_t)i, i, i, 200000);
        (void)presence_start(list, &sign, at(0), NULL);
    }
    assert_int_equal(presence_counts(list).live, 50);
    assert_int_equal(presence_counts(list).refused_source, 150);
    struct presence_sign told = binding_of(200, 1, 1, 100);
    told.proof = EVENT_PROOF_TOLD;
    assert_int_equal(presence_start(list, &told, at(0), NULL), PRESENCE_STARTED);
    presence_free(list);
}

static void one_identity_has_few_sessions(void **state)
{
    (void)state;
    struct presence *list = small_list();
    for (unsigned i = 0; i < 100; i++) {
        char session[16];
        snprintf(session, sizeof session, "s%u", i);
        const struct presence_sign sign = session_of(1, 1, session, i, 0);
        enum presence_outcome wanted = i < 4 ? PRESENCE_STARTED : PRESENCE_REFUSED;
        assert_int_equal(presence_start(list, &sign, at(0), NULL), wanted);
        if (i >= 4)
            assert_int_equal(presence_stop(list, &sign, at(0), NULL), PRESENCE_REFUSED);
    }
    assert_int_equal(presence_counts(list).refused_id, 192);
    presence_free(list);
}

static void a_flood_leaves_no_memory_behind(void **state)
{
    (void)state;
    struct presence *list = small_list();
    struct presence_due due[64];
    size_t size = 0;
    for (unsigned i = 0; i < 200000; i++) {
        struct presence_sign sign = session_of(i, i % 500, "x", i, i);
        sign.lifetime = span_seconds(1);
        double now = i / 50.0;
        (void)presence_start(list, &sign, at(now), NULL);
        if (i % 3 == 0)
            (void)presence_stop(list, &sign, at(now), NULL);
        while (presence_expire(list, at(now), due, 64) == 64)
            continue;
        if (i == 50000)
            size = presence_size(list);
    }
    assert_true(presence_size(list) <= size);
    assert_true(size < 200 * 1024);
    presence_free(list);
}

static void clocks_may_be_wrong(void **state)
{
    (void)state;
    struct presence *list = new_list();
    struct presence_row row;
    struct presence_sign sign = binding_of(1, 1, 1, 60);
    (void)presence_start(list, &sign, at(1000), NULL);
    assert_int_equal(presence_update(list, &sign, at(500), &row), PRESENCE_REFRESHED);
    assert_int_equal(row.heard.us, at(1000).us); /* stands still */
    expect_nothing(list, 0);
    expect_nothing(list, 1089);
    const int64_t claims[] = {INT64_MIN, INT64_MIN + 1, 0, INT64_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(claims); i++) {
        sign.at = (struct wall){claims[i]};
        assert_int_equal(presence_update(list, &sign, at(1050), NULL), PRESENCE_REFRESHED);
        struct presence_sign fresh = session_of(i, 1, "a", 1, 0);
        fresh.at = (struct wall){claims[i]};
        assert_int_equal(presence_start(list, &fresh, at(1050), &row), PRESENCE_STARTED);
        assert_true(row.started.us <= row.heard.us);
        assert_int_not_equal(presence_stop(list, &fresh, at(1051), NULL), PRESENCE_REFUSED);
    }
    struct presence_due due[16];
    assert_int_equal(presence_expire(list, (struct wall){INT64_MAX}, due, 16), 5);
    assert_int_equal(presence_expire(list, (struct wall){INT64_MIN}, due, 16), 0);
    presence_free(list);
}

/* An hour that a clock was set by, or that the machine slept, is no hour of silence. */
static void a_clock_that_is_set_ends_nothing(void **state)
{
    (void)state;
    for (int hours = -1; hours <= 1; hours++) {
        struct presence *list = new_list();
        struct presence_sign held = binding_of(1, 1, 1, 60), old = session_of(2, 1, "a", 1, 0);
        struct presence_row row;
        const double set = 3600.0 * hours;
        assert_int_equal(presence_start(list, &held, at(0), NULL), PRESENCE_STARTED);
        assert_int_equal(presence_start(list, &old, at(0), NULL), PRESENCE_STARTED);
        assert_int_equal(presence_stop(list, &old, at(10), NULL), PRESENCE_ENDED);
        const struct span whole = span_seconds(3600 * hours);
        const struct span by = span_us(whole.us + (hours > 0 ? 30000 : 0)); /* no whole step */
        assert_int_equal(presence_clock_set(list, by).us, whole.us);
        expect_nothing(list, set + 20);
        assert_int_equal(presence_find(list, held.id, false, &row, 1), 1);
        assert_int_equal(row.heard.us, at(set).us);
        assert_int_equal(row.started.us, at(hours < 0 ? set : 0).us);
        assert_int_equal(expect_end(list, set + 42).row.end, PRESENCE_STOPPED);
        expect_nothing(list, set + 88);
        assert_int_equal(expect_end(list, set + 92).row.end, PRESENCE_EXPIRED);
        presence_free(list);
    }
}

static void absurd_lifetimes_saturate(void **state)
{
    (void)state;
    struct presence *list = new_list();
    struct presence_row row;
    struct presence_sign sign = binding_of(1, 1, 1, 0);
    sign.lifetime = span_us(INT64_MAX);
    (void)presence_start(list, &sign, at(0), &row);
    assert_true(row.lifetime.us > span_seconds(150 * 86400).us);
    assert_true(row.lifetime.us < span_seconds(160 * 86400).us);
    sign.lifetime = span_us(-5);
    (void)presence_update(list, &sign, at(1), &row);
    assert_false(wall_known(row.expires));
    expect_nothing(list, 1e7);
    sign.lifetime = span_us(1);
    (void)presence_update(list, &sign, at(1e7), &row);
    assert_int_equal(row.lifetime.us, span_seconds(30).us + 100000);
    for (uint64_t steps = 1; steps < UINT64_C(1) << 40; steps += steps / 5 + 1) {
        uint64_t kept = presence_lifetime_unpack(presence_lifetime_pack(steps));
        if (steps <= UINT64_C(0xfff) << 15)
            assert_true(kept >= steps && kept - steps <= steps / 2000);
        else
            assert_int_equal(kept, UINT64_C(0xfff) << 15);
    }
    presence_free(list);
}

/* --- many --- */

static void mass_expiry_comes_in_slices(void **state)
{
    (void)state;
    enum { ROWS = 60000, ROOM = 100 };
    struct presence *list = new_list();
    for (unsigned i = 0; i < ROWS; i++) {
        struct presence_sign sign = session_of(i, i % 7, "x", i / 40, 0);
        sign.lifetime = span_seconds(60);
        assert_int_equal(presence_start(list, &sign, at(0), NULL), PRESENCE_STARTED);
    }
    assert_true((double)presence_size(list) / ROWS < 64);
    static struct presence_due due[ROOM];
    uint8_t *seen = calloc(ROWS, 1);
    unsigned found = 0, calls = 0;
    while (wall_known(presence_deadline(list)) && presence_deadline(list).us <= at(90).us) {
        size_t count = presence_expire(list, at(90), due, ROOM);
        assert_true(count <= ROOM);
        for (size_t i = 0; i < count; i++)
            seen[due[i].row.id.mac.bits]++;
        found += (unsigned)count;
        calls++;
    }
    assert_int_equal(found, ROWS);
    assert_true(calls >= ROWS / ROOM);
    for (unsigned i = 0; i < ROWS; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(presence_counts(list).nas_count, 0);
    free(seen);
    presence_free(list);
}

static void memory_may_be_taken_before(void **state)
{
    (void)state;
    struct presence_options options;
    presence_options_init(&options);
    options.ready = 50000;
    struct presence *list = presence_new(&options, at(0));
    size_t size = presence_size(list);
    assert_true(size > 50000 * 50);
    for (unsigned i = 0; i < 50000; i++) {
        const struct presence_sign sign = session_of(i, 1, "x", 1, 0);
        assert_int_equal(presence_start(list, &sign, at(0), NULL), PRESENCE_STARTED);
    }
    assert_int_equal(presence_find(list, presence_mac((struct mac){49999}), false, NULL, 0), 1);
    assert_true(presence_size(list) < size + 16384);
    presence_free(list);
}

static void dates_come_in_order_and_in_time(void **state)
{
    (void)state;
    struct presence *list = new_list();
    for (unsigned i = 0; i < 500; i++) { /* up to three turns of the wheel */
        struct presence_sign sign = binding_of((uint8_t)i, i, i, (i * 7919) % 12000);
        sign.id.address.octets[14] = (uint8_t)(i >> 8);
        (void)presence_start(list, &sign, at(0), NULL);
    }
    struct presence_due due[4];
    int64_t last = 0;
    unsigned found = 0;
    for (struct wall next; wall_known(next = presence_deadline(list));) {
        size_t count = presence_expire(list, next, due, 4);
        for (size_t i = 0; i < count; i++) {
            int64_t date = due[i].row.expires.us;
            assert_true(date <= next.us && next.us - date <= 1100000 * 4);
            assert_true(date + 1000000 > last);
            last = date;
        }
        found += (unsigned)count;
        if (count == 0 && presence_deadline(list).us == next.us)
            (void)presence_expire(list, (struct wall){next.us + 1000000}, due, 1);
    }
    assert_int_equal(found, 499); /* one has lifetime 0: never */
    presence_free(list);
}

static void rows_survive_a_restart(void **state)
{
    (void)state;
    struct presence *list = new_list(), *next = new_list();
    struct presence_sign bound = binding_of(1, 1, 1, 60), talk = session_of(2, 2, "a", 3, 0),
                         over = session_of(3, 2, "b", 4, 0);
    (void)presence_start(list, &bound, at(0), NULL);
    (void)presence_update(list, &talk, at(0), NULL);
    (void)presence_start(list, &over, at(0), NULL);
    (void)presence_stop(list, &over, at(1), NULL);
    uint32_t cursor = 0;
    struct presence_row row, again;
    unsigned count = 0;
    for (; presence_next(list, &cursor, &row); count++) {
        enum presence_outcome wanted = row.end == PRESENCE_LIVE ? PRESENCE_STARTED : PRESENCE_ENDED;
        assert_int_equal(presence_load(next, &row, at(5000)), wanted);
        assert_int_equal(presence_load(next, &row, at(5000)), PRESENCE_REFRESHED);
    }
    assert_int_equal(count, 3);
    assert_int_equal(presence_find(next, bound.id, true, &again, 1), 1);
    assert_int_equal(again.heard.us, at(0).us);
    assert_true(again.expires.us >= at(5090).us); /* nobody listened meanwhile */
    assert_int_equal(presence_find(next, talk.id, true, &again, 1), 1);
    assert_true(again.implicit);
    assert_int_equal(again.place, 3);
    struct presence_due due = expect_end(next, 5031);
    assert_true(mac_equal(due.row.id.mac, over.id.mac));
    due = expect_end(next, 5100);
    assert_true(ip_equal(&due.row.id.address, &bound.id.address));
    presence_free(list);
    presence_free(next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop_at_the_old_port_after_start_at_the_new),
        cmocka_unit_test(binding_expires_unless_refreshed),
        cmocka_unit_test(a_row_without_date_is_quiet_once),
        cmocka_unit_test(stop_alone_settles_to_an_alarm),
        cmocka_unit_test(stop_may_come_before_its_start),
        cmocka_unit_test(an_update_of_an_unknown_session_starts_it),
        cmocka_unit_test(a_session_may_move_and_keeps_its_place_when_none_is_said),
        cmocka_unit_test(a_reset_ends_its_sessions_and_gives_them_time),
        cmocka_unit_test(a_reset_honours_the_narrowest_scope),
        cmocka_unit_test(resets_may_be_counted_out),
        cmocka_unit_test(the_interval_of_a_nas_is_learnt),
        cmocka_unit_test(places_are_not_mixed_up),
        cmocka_unit_test(shares_hold),
        cmocka_unit_test(one_source_leaves_room),
        cmocka_unit_test(what_is_overheard_has_a_small_share),
        cmocka_unit_test(one_identity_has_few_sessions),
        cmocka_unit_test(a_flood_leaves_no_memory_behind),
        cmocka_unit_test(clocks_may_be_wrong),
        cmocka_unit_test(a_clock_that_is_set_ends_nothing),
        cmocka_unit_test(absurd_lifetimes_saturate),
        cmocka_unit_test(mass_expiry_comes_in_slices),
        cmocka_unit_test(memory_may_be_taken_before),
        cmocka_unit_test(dates_come_in_order_and_in_time),
        cmocka_unit_test(rows_survive_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
