/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "audit/presence.h"
#include "base/alloc.h"
#include "store/event_log.h"
#include "store/followed.h"
#include "store/heard_fixture.h"
#include "store/heard_of.h"
#include "store/query.h"
#include "store/told.h"

/* What followed from hearing, and what rounds were told of it. Times count seconds from the
 * fixture's noon; each word comes a second after what it tells. */

enum { GUEST = 0x5400, OTHER, SECRET = 77 };

static void assert_second(struct wall wall, int64_t number)
{
    assert_int_equal(wall.us, heard_second(number).us);
}

static void tell(struct heard_place *place, enum event_kind kind, const char *session, int64_t at)
{
    struct event event = event_of(kind);
    event.proof = EVENT_PROOF_TOLD;
    event.source = event.type = "radius";
    event.mac.bits = GUEST;
    event.nas = event.switch_name = "sw1";
    event.session = session;
    event.port = "Gi0/1";
    event.at = heard_second(at);
    event.heard = heard_second(at + 1);
    heard_tell(place, &event);
}

/* --- expiries --- */

static void follow(struct heard_place *place, const struct followed *item)
{
    struct err err = {0};
    if (store_add_followed(place->store, item, 1, SECRET, &err) != 0)
        fail_msg("%s", err.text);
}

static void expire(struct heard_place *place, const char *session, int64_t at)
{
    follow(place, &(struct followed){
                      .kind = FOLLOWED_EXPIRY,
                      .mac = {GUEST},
                      .at = heard_second(at),
                      .type = "radius",
                      .nas = "sw1",
                      .session = presence_session_hash(SECRET, PRESENCE_RADIUS, "sw1", session)});
}

struct counted {
    size_t count;
    struct session_record last;
};

static int count_session(void *aux, const struct session_record *session)
{
    struct counted *counted = aux;
    counted->count++;
    counted->last = *session;
    return 0;
}

/* How many sessions are open at second `at`, by their rows. */
static size_t open_at(struct heard_place *place, int64_t at)
{
    const struct session_query query = {.from = heard_second(at), .to = heard_second(at)};
    struct counted counted = {0};
    struct err err = {0};
    assert_int_equal(store_each_session(place->store, &query, count_session, &counted, &err), 0);
    return counted.count;
}

/* The only fact that was heard by second `at`. */
static struct heard_fact heard_at(struct heard_place *place, int64_t at)
{
    const struct store_heard_query query = {.now = heard_second(at),
                                            .settle = span_seconds(30),
                                            .departed_for = span_seconds(3600),
                                            .concluded = true};
    struct store_heard heard;
    struct err err = {0};
    if (store_load_heard(place->store, &query, place->arena, &heard, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(heard.count, 1);
    struct heard_fact fact = heard.facts[0];
    store_heard_done(&heard);
    return fact;
}

static void an_expired_session_is_open_before_and_not_after(void **state)
{
    struct heard_place *place = *state;
    tell(place, EVENT_START, "A1", 0);
    tell(place, EVENT_START, "A2", 1);
    tell(place, EVENT_STOP, "A2", 2);
    expire(place, "A1", 200);
    assert_int_equal(open_at(place, 199), 1);
    assert_int_equal(open_at(place, 201), 0);
    assert_int_equal(heard_at(place, 199).end, HEARD_OPEN);
    struct heard_fact fact = heard_at(place, 250);
    assert_int_equal(fact.end, HEARD_EXPIRED);
    assert_second(fact.ended, 200);
    assert_second(fact.last, 1);
}

/* A word after it begins a new life; what was concluded of the first stays. */
static void what_is_heard_after_an_expiry_is_a_new_life(void **state)
{
    struct heard_place *place = *state;
    tell(place, EVENT_START, "A1", 0);
    expire(place, "A1", 200);
    tell(place, EVENT_UPDATE, "A1", 300);
    assert_int_equal(open_at(place, 250), 0);
    assert_int_equal(open_at(place, 350), 1);
    assert_int_equal(heard_at(place, 250).end, HEARD_EXPIRED);
    struct heard_fact fact = heard_at(place, 350);
    assert_int_equal(fact.end, HEARD_OPEN);
    assert_second(fact.first, 300);
}

/* A stop that comes after the expiry ends the life that it is of, and makes no new one. */
static void a_late_stop_ends_the_expired_session(void **state)
{
    struct heard_place *place = *state;
    tell(place, EVENT_START, "A1", 0);
    expire(place, "A1", 200);
    tell(place, EVENT_STOP, "A1", 400);
    const struct session_query all = {.from = WALL_UNKNOWN, .to = WALL_UNKNOWN};
    struct counted counted = {0};
    struct err err = {0};
    assert_int_equal(store_each_session(place->store, &all, count_session, &counted, &err), 0);
    assert_int_equal(counted.count, 1);
    assert_second(counted.last.ended, 400);
    assert_second(counted.last.expired, 200);
    assert_int_equal(heard_at(place, 300).end, HEARD_EXPIRED);
    assert_int_equal(heard_at(place, 500).end, HEARD_EXPIRED);
}

static void an_expiry_spares_other_sessions(void **state)
{
    struct heard_place *place = *state;
    tell(place, EVENT_START, "A1", 0);
    tell(place, EVENT_START, "A2", 1);
    expire(place, "A3", 200);
    assert_int_equal(open_at(place, 300), 2);
    tell(place, EVENT_UPDATE, "A1", 250); /* heard of since */
    expire(place, "A1", 200);
    assert_int_equal(open_at(place, 300), 2);
    expire(place, "A2", 260);
    assert_int_equal(open_at(place, 300), 1);
}

/* The restart finds out by itself; and a reset that comes later does not end it again. */
static void a_session_expires_by_number(void **state)
{
    struct heard_place *place = *state;
    struct event reset = event_of(EVENT_RESET);
    struct err err = {0};
    const uint64_t number = 1;
    const struct wall at = heard_second(100);
    reset.source = reset.type = "radius";
    reset.nas = "sw1";
    reset.at = reset.heard = heard_second(300);
    tell(place, EVENT_START, "A1", 0);
    assert_int_equal(store_expire_sessions(place->store, &number, &at, 1, &err), 0);
    heard_tell(place, &reset);
    assert_int_equal(open_at(place, 99), 1);
    assert_int_equal(open_at(place, 200), 0);
}

/* --- windows, flushes, probes --- */

static void open_window(struct heard_place *place, uint64_t mac, int64_t from, int64_t to)
{
    follow(place, &(struct followed){.kind = FOLLOWED_WINDOW,
                                     .mac = {mac},
                                     .at = heard_second(from),
                                     .until = heard_second(to)});
}

static size_t windows_at(struct heard_place *place, int64_t at, struct migration_window **ret)
{
    size_t count;
    struct err err = {0};
    assert_int_equal(store_load_windows(place->store, heard_second(at), heard_second(at),
                                        place->arena, ret, &count, &err),
                     0);
    return count;
}

static void windows_are_those_open_at_an_instant(void **state)
{
    struct heard_place *place = *state;
    struct migration_window *windows;
    open_window(place, GUEST, 10, 70);
    open_window(place, OTHER, 20, 80);
    assert_int_equal(windows_at(place, 9, &windows), 0);
    assert_int_equal(windows_at(place, 15, &windows), 1);
    assert_int_equal(windows[0].mac.bits, GUEST);
    assert_second(windows[0].opened, 10);
    assert_second(windows[0].deadline, 70);
    assert_int_equal(windows_at(place, 69, &windows), 2);
    assert_int_equal(windows_at(place, 70, &windows), 1); /* a deadline is no part of it */
    assert_int_equal(windows[0].mac.bits, OTHER);
}

static void flush(struct heard_place *place, const char *name, int64_t at, enum event_hint hint)
{
    follow(place, &(struct followed){.kind = FOLLOWED_FLUSH,
                                     .switch_name = name,
                                     .at = heard_second(at),
                                     .until = WALL_UNKNOWN,
                                     .hint = hint,
                                     .text = "traps\tof all"});
}

static void flushes_are_the_last_of_each_switch(void **state)
{
    struct heard_place *place = *state;
    struct switch_flush *flushes;
    size_t count;
    struct err err = {0};
    flush(place, "sw1", 10, EVENT_HINT_RESTART);
    flush(place, "sw2", 20, EVENT_HINT_TOPOLOGY_CHANGE);
    flush(place, "sw1", 30, EVENT_HINT_TOPOLOGY_CHANGE);
    assert_int_equal(
        store_load_flushes(place->store, heard_second(25), place->arena, &flushes, &count, &err),
        0);
    assert_int_equal(count, 2);
    assert_string_equal(flushes[0].switch_name, "sw1");
    assert_int_equal(flushes[0].hint, EVENT_HINT_RESTART);
    assert_string_equal(flushes[0].source, "traps\tof all");
    assert_int_equal(
        store_load_flushes(place->store, heard_second(35), place->arena, &flushes, &count, &err),
        0);
    assert_int_equal(count, 3);
    assert_string_equal(flushes[2].switch_name, "sw1");
    assert_second(flushes[2].at, 30);
    flush(place, "sw1", 30, EVENT_HINT_RESTART); /* said twice */
    for (int i = 0; i < LIMIT_FLUSHES_A_SWITCH - 1; i++)
        flush(place, "sw1", 40 + i, EVENT_HINT_RESTART);
    assert_int_equal(
        store_load_flushes(place->store, heard_second(90), place->arena, &flushes, &count, &err),
        0);
    assert_int_equal(count, 1 + LIMIT_FLUSHES_A_SWITCH);
    assert_string_equal(flushes[0].switch_name, "sw2");
    assert_second(flushes[1].at, 30);
    assert_int_equal(flushes[1].hint, EVENT_HINT_RESTART);
}

static void what_followed_is_listed_newest_first_and_bounded(void **state)
{
    struct heard_place *place = *state;
    struct followed *items;
    size_t count, more;
    struct err err = {0};
    open_window(place, GUEST, 10, 70);
    open_window(place, OTHER, 11, 71);
    for (int i = 0; i < 5; i++)
        follow(place, &(struct followed){.kind = FOLLOWED_PROBE,
                                         .mac = {GUEST},
                                         .switch_name = "sw1",
                                         .at = heard_second(20 + i),
                                         .until = heard_second(21 + i),
                                         .text = "port Gi0/1 vlan 10"});
    assert_int_equal(store_list_followed(place->store, (struct mac){GUEST}, WALL_UNKNOWN, 3,
                                         place->arena, &items, &count, &more, &err),
                     0);
    assert_int_equal(count, 3);
    assert_int_equal(more, 3);
    assert_int_equal(items[0].kind, FOLLOWED_PROBE);
    assert_string_equal(items[0].text, "port Gi0/1 vlan 10");
    assert_second(items[0].at, 24);
    assert_int_equal(store_list_followed(place->store, (struct mac){GUEST}, heard_second(15), 3,
                                         place->arena, &items, &count, &more, &err),
                     0);
    assert_int_equal(count, 1);
    assert_int_equal(items[0].kind, FOLLOWED_WINDOW);
    assert_second(items[0].until, 70);
}

/* The newest lines of all sorts, the rest counted. */
static void what_was_heard_of_an_address_is_bounded(void **state)
{
    struct heard_place *place = *state;
    const struct mac mac = {GUEST};
    struct heard_of_query query = {.macs = &mac, .mac_count = 1, .to = WALL_UNKNOWN, .limit = 4};
    struct heard_line *lines;
    size_t count, more;
    struct err err = {0};
    tell(place, EVENT_START, "A1", 0);
    expire(place, "A1", 100);
    tell(place, EVENT_START, "A2", 110);
    for (int i = 0; i < 20; i++) {
        struct event event = event_of(EVENT_ANNOUNCE);
        event.proof = EVENT_PROOF_HEARD;
        event.source = event.type = "announce";
        event.mac = mac;
        event.at = event.heard = heard_second(20 + i);
        heard_tell(place, &event);
    }
    open_window(place, GUEST, 120, 210);
    assert_int_equal(
        store_list_heard_of(place->store, &query, place->arena, &lines, &count, &more, &err), 0);
    assert_int_equal(count, 4);
    assert_int_equal(more, 3 + 20 + 1 - 4);
    assert_int_equal(lines[0].kind, HEARD_LINE_EVENT);
    assert_second(lines[0].at, 39);
    assert_int_equal(lines[1].kind, HEARD_LINE_EXPIRED);
    assert_int_equal(lines[2].kind, HEARD_LINE_BEGAN);
    assert_string_equal(lines[2].session.session, "A2");
    assert_int_equal(lines[3].kind, HEARD_LINE_FOLLOWED);
    query.to = heard_second(10);
    assert_int_equal(
        store_list_heard_of(place->store, &query, place->arena, &lines, &count, &more, &err), 0);
    assert_int_equal(count, 1);
    assert_int_equal(more, 0);
}

/* Frames hold for a while; of each place the last counts. */
static void announcements_are_facts_while_they_hold(void **state)
{
    struct heard_place *place = *state;
    struct heard_fact *facts;
    size_t count;
    struct err err = {0};
    for (int i = 0; i < 3; i++) {
        struct event event = event_of(EVENT_ANNOUNCE);
        event.proof = EVENT_PROOF_HEARD;
        event.source = event.type = "announce";
        event.mac.bits = GUEST;
        event.switch_name = "sw1";
        event.port = i < 2 ? "Gi0/1" : "Gi0/2";
        event.at = event.heard = heard_second(10 * i);
        heard_tell(place, &event);
    }
    assert_int_equal(store_load_announced(place->store, heard_second(30), span_seconds(300),
                                          place->arena, &facts, &count, &err),
                     0);
    assert_int_equal(count, 1);
    assert_string_equal(facts[0].origin->port, "Gi0/2");
    assert_second(facts[0].first, 0);
    assert_second(facts[0].last, 20);
    assert_second(facts[0].expires, 320);
    assert_int_equal(facts[0].end, HEARD_OPEN);
    assert_int_equal(store_load_announced(place->store, heard_second(400), span_seconds(300),
                                          place->arena, &facts, &count, &err),
                     0);
    assert_int_equal(count, 0);
}

static void nothing_follows_within_a_round(void **state)
{
    struct heard_place *place = *state;
    uint64_t round;
    struct err err = {0};
    const struct followed item = {.kind = FOLLOWED_WINDOW, .mac = {GUEST}};
    assert_int_equal(store_round_begin(place->store, heard_second(0), &round, &err), 0);
    assert_int_equal(store_add_followed(place->store, &item, 1, SECRET, &err), ERR_DENIED);
    store_round_abort(place->store);
}

/* --- what rounds were told --- */

static const struct heard_origin at_port = {.source = "acct",
                                            .type = "radius",
                                            .nas = "sw1",
                                            .switch_name = "sw1",
                                            .port = "Gi0/1",
                                            .vlan = 10};

static struct told_fact stopped(uint64_t mac, int64_t at)
{
    return (struct told_fact){.fact = {.mac = {mac},
                                       .origin = &at_port,
                                       .cause = "User\tRequest",
                                       .first = heard_second(0),
                                       .last = heard_second(at),
                                       .frame = WALL_UNKNOWN,
                                       .expires = WALL_UNKNOWN,
                                       .ended = heard_second(at),
                                       .proof = EVENT_PROOF_TOLD,
                                       .end = HEARD_STOPPED},
                              .keep = HEARD_KEEP_WHOLE};
}

static uint64_t told_round(struct heard_place *place, int64_t at, const struct told_fact *facts,
                           size_t count)
{
    uint64_t round;
    struct err err = {0};
    const struct told_mark mark = {heard_second(at), 0};
    assert_int_equal(store_round_begin(place->store, heard_second(at), &round, &err), 0);
    assert_int_equal(store_round_told(place->store, &mark, facts, count, &err), 0);
    assert_int_equal(store_round_commit(place->store, heard_second(at), heard_second(at), &err), 0);
    return round;
}

static size_t load_told(struct heard_place *place, uint64_t round, struct told_fact **ret)
{
    size_t count = 0;
    struct err err = {0};
    if (store_load_told(place->store, round, heard_second(1000), place->arena, ret, &count, &err) !=
        0)
        fail_msg("%s", err.text);
    return count;
}

static int64_t rows_of(struct heard_place *place, const char *sql)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(place->fixture->path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return count;
}

static void a_round_comes_back_as_it_was_told(void **state)
{
    struct heard_place *place = *state;
    struct told_fact *facts;
    const struct told_fact two[] = {stopped(GUEST, 90), stopped(GUEST, 20)}; /* in this order */
    const struct told_fact none = {.fact = {.mac = {OTHER}}, .keep = HEARD_KEEP_NOTHING};
    uint64_t first = told_round(place, 100, two, 2);
    uint64_t second_round = told_round(place, 200, &none, 1);
    assert_int_equal(load_told(place, first, &facts), 2);
    const struct heard_fact *fact = &facts[0].fact;
    assert_int_equal(facts[0].keep, HEARD_KEEP_WHOLE);
    assert_second(fact->ended, 90);
    assert_second(fact->last, 90);
    assert_false(wall_known(fact->frame));
    assert_false(wall_known(fact->expires));
    assert_int_equal(fact->end, HEARD_STOPPED);
    assert_int_equal(fact->proof, EVENT_PROOF_TOLD);
    assert_string_equal(fact->cause, "User\tRequest");
    assert_string_equal(fact->origin->source, "acct");
    assert_string_equal(fact->origin->port, "Gi0/1");
    assert_int_equal(fact->origin->vlan, 10);
    assert_second(facts[1].fact.ended, 20);
    assert_int_equal(load_told(place, second_round, &facts), 1);
    assert_int_equal(facts[0].keep, HEARD_KEEP_NOTHING);
    assert_int_equal(facts[0].fact.mac.bits, OTHER);
}

static void what_is_told_again_costs_nothing(void **state)
{
    struct heard_place *place = *state;
    struct told_fact *facts;
    struct told_fact two[] = {stopped(GUEST, 90), stopped(OTHER, 20)};
    uint64_t round = 0;
    for (int i = 0; i < 10; i++)
        round = told_round(place, 100 + i, two, 2);
    assert_int_equal(rows_of(place, "SELECT count(*) FROM told"), 2);
    told_round(place, 120, two, 1);
    told_round(place, 130, two, 2);
    assert_int_equal(rows_of(place, "SELECT count(*) FROM told"), 3);
    assert_int_equal(load_told(place, round, &facts), 2);
    assert_int_equal(load_told(place, round + 1, &facts), 1);
    assert_int_equal(load_told(place, round + 2, &facts), 2);
    assert_int_equal(load_told(place, round + 3, &facts), 2); /* still so */
}

/* Of a frame that is heard again and again where it belongs, the place is kept. */
static void a_steady_frame_is_one_row(void **state)
{
    struct heard_place *place = *state;
    struct told_fact *facts;
    struct event event = event_of(EVENT_ANNOUNCE);
    event.proof = EVENT_PROOF_HEARD;
    event.source = event.type = "announce";
    event.mac.bits = GUEST;
    for (int i = 0; i < 5; i++) {
        event.at = event.heard = heard_second(100 + 10 * i);
        heard_tell(place, &event);
        struct told_fact fact = stopped(GUEST, 0);
        fact.keep = HEARD_KEEP_STEADY;
        fact.fact.end = HEARD_OPEN;
        fact.fact.ended = WALL_UNKNOWN;
        fact.fact.last = fact.fact.frame = event.heard;
        fact.fact.expires = wall_add(event.heard, span_seconds(300));
        told_round(place, 105 + 10 * i, &fact, 1);
    }
    assert_int_equal(rows_of(place, "SELECT count(*) FROM told"), 1);
    struct err err = {0};
    size_t count;
    assert_int_equal(
        store_load_told(place->store, 3, heard_second(125), place->arena, &facts, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_second(facts[0].fact.last, 120); /* by the announcement itself */
    assert_true(facts[0].fact.expires.us > heard_second(125).us);
}

static void what_does_not_read_back_is_damage(void **state)
{
    static const char *const contents[] = {"", "9", "2\tx", "2\t0\ta\tb\tc\td\te\t99999999\t\\N",
                                           "1"};
    struct heard_place *place = *state;
    const struct told_fact fact = stopped(GUEST, 90);
    uint64_t round = told_round(place, 100, &fact, 1);
    for (size_t i = 0; i < ARRAY_COUNT(contents); i++) {
        sqlite3 *database;
        char sql[256];
        struct told_fact *facts;
        size_t count;
        struct err err = {0};
        snprintf(sql, sizeof sql, "UPDATE told SET content = '%s'", contents[i]);
        assert_int_equal(sqlite3_open(place->fixture->path, &database), SQLITE_OK);
        assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(database);
        assert_int_equal(store_load_told(place->store, round, heard_second(100), place->arena,
                                         &facts, &count, &err),
                         ERR_CORRUPT);
        assert_non_null(strstr(err.text, "what round 1 was told"));
    }
}

/* Rows go with their rounds; what is told now stays, however old. */
static void old_rows_are_trimmed(void **state)
{
    struct heard_place *place = *state;
    const struct told_fact two[] = {stopped(GUEST, 90), stopped(OTHER, 20)};
    struct err err = {0};
    open_window(place, GUEST, 10, 70);
    told_round(place, 100, two, 2);
    told_round(place, 200, two, 1);
    told_round(place, 90000, two, 1);
    assert_int_equal(store_trim(place->store, heard_second(90000), span_seconds(3600), &err), 0);
    assert_int_equal(rows_of(place, "SELECT count(*) FROM told"), 1);
    assert_int_equal(rows_of(place, "SELECT count(*) FROM followed"), 0);
}

#define PLACE_TEST(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, heard_place_setup, heard_place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(an_expired_session_is_open_before_and_not_after),
        PLACE_TEST(what_is_heard_after_an_expiry_is_a_new_life),
        PLACE_TEST(a_late_stop_ends_the_expired_session),
        PLACE_TEST(an_expiry_spares_other_sessions),
        PLACE_TEST(a_session_expires_by_number),
        PLACE_TEST(windows_are_those_open_at_an_instant),
        PLACE_TEST(flushes_are_the_last_of_each_switch),
        PLACE_TEST(what_followed_is_listed_newest_first_and_bounded),
        PLACE_TEST(what_was_heard_of_an_address_is_bounded),
        PLACE_TEST(announcements_are_facts_while_they_hold),
        PLACE_TEST(nothing_follows_within_a_round),
        PLACE_TEST(a_round_comes_back_as_it_was_told),
        PLACE_TEST(what_is_told_again_costs_nothing),
        PLACE_TEST(a_steady_frame_is_one_row),
        PLACE_TEST(what_does_not_read_back_is_damage),
        PLACE_TEST(old_rows_are_trimmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
