/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "store/event_log.h"
#include "store/heard_fixture.h"

/* What had been heard at an instant, whatever has been heard since. Times count seconds from
 * the fixture's noon; each word comes a second after what it tells. */

enum { GUEST = 0x5400, OTHER };

/* Changes the closed store behind its back. */
static void with_sqlite(struct heard_place *place, const char *sql)
{
    sqlite3 *database;
    assert_int_equal(sqlite3_open(place->fixture->path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void close_store(struct heard_place *place)
{
    store_close(place->store);
    place->store = NULL;
}

static struct event word_of(enum event_kind kind, uint64_t mac, const char *session,
                            const char *port, int64_t at)
{
    struct event event = event_of(kind);
    event.proof = EVENT_PROOF_TOLD;
    event.source = event.type = "radius";
    event.mac.bits = mac;
    event.nas = event.switch_name = "sw1";
    event.session = session;
    event.port = port;
    event.at = heard_second(at);
    event.heard = heard_second(at + 1);
    return event;
}

static void tell(struct heard_place *place, enum event_kind kind, uint64_t mac, const char *session,
                 const char *port, int64_t at)
{
    struct event event = word_of(kind, mac, session, port, at);
    heard_tell(place, &event);
}

/* Loads what had been heard at second `at`; returns how many facts that is. */
static size_t load(struct heard_place *place, int64_t at)
{
    const struct store_heard_query query = {
        .now = heard_second(at), .settle = span_seconds(30), .departed_for = span_seconds(3600)};
    struct err err = {0};
    store_heard_done(&place->heard);
    if (store_load_heard(place->store, &query, place->arena, &place->heard, &err) != 0)
        fail_msg("%s", err.text);
    return place->heard.count;
}

/* The only fact of second `at`. */
static const struct heard_fact *only(struct heard_place *place, int64_t at)
{
    assert_int_equal(load(place, at), 1);
    return &place->heard.facts[0];
}

static void assert_second(struct wall wall, int64_t number)
{
    assert_int_equal(wall.us, heard_second(number).us);
}

static void open_session_is_a_fact_with_all_that_was_told(void **state)
{
    struct heard_place *place = *state;
    tell(place, EVENT_START, GUEST, "A1", "Gi0/1", 0);
    assert_int_equal(load(place, 0), 0); /* it had not come yet */
    const struct heard_fact *fact = only(place, 100);
    assert_int_equal(fact->mac.bits, GUEST);
    assert_string_equal(fact->origin->source, "radius");
    assert_string_equal(fact->origin->type, "radius");
    assert_string_equal(fact->origin->nas, "sw1");
    assert_string_equal(fact->origin->switch_name, "sw1");
    assert_string_equal(fact->origin->port, "Gi0/1");
    assert_string_equal(fact->session, "A1");
    assert_int_equal(fact->proof, EVENT_PROOF_TOLD);
    assert_int_equal(fact->end, HEARD_OPEN);
    assert_second(fact->first, 0);
    assert_second(fact->last, 1);
    assert_false(wall_known(fact->expires)); /* nobody said how long it holds */
}

/* An earlier instant, of a session that went on, moved and ended since. */
static void session_is_as_it_was_then(void **state)
{
    struct heard_place *place = *state;
    tell(place, EVENT_START, GUEST, "A1", "Gi0/1", 0);
    tell(place, EVENT_UPDATE, GUEST, "A1", "Gi0/1", 60);
    tell(place, EVENT_UPDATE, GUEST, "A1", "Gi0/2", 120);
    tell(place, EVENT_STOP, GUEST, "A1", "Gi0/2", 180);
    const struct heard_fact *fact = only(place, 70);
    assert_string_equal(fact->origin->port, "Gi0/1");
    assert_second(fact->last, 61);
    assert_int_equal(fact->end, HEARD_OPEN);
    assert_false(wall_known(fact->expires)); /* one update tells no interval */
    fact = only(place, 130);
    assert_string_equal(fact->origin->port, "Gi0/2");
    assert_second(fact->last, 121);
    assert_int_equal(fact->end, HEARD_OPEN);
    assert_second(fact->expires, 121 + 3 * 60 + 30);
    fact = only(place, 180); /* the stop was under way */
    assert_int_equal(fact->end, HEARD_OPEN);
    fact = only(place, 190);
    assert_int_equal(fact->end, HEARD_STOPPED);
    assert_second(fact->ended, 181);
    assert_int_equal(load(place, 180 + 3600 + 60), 0); /* forgotten */
}

/* Of very many words the last ones are not gone through one by one. */
static void long_chain_is_not_walked_to_its_end(void **state)
{
    struct heard_place *place = *state;
    tell(place, EVENT_START, GUEST, "A1", "Gi0/1", 0);
    for (int i = 1; i <= 200; i++)
        tell(place, EVENT_UPDATE, GUEST, "A1", "Gi0/1", 10 * i);
    const struct heard_fact *fact = only(place, 105);
    assert_string_equal(fact->origin->port, "Gi0/1");
    assert_int_equal(fact->end, HEARD_OPEN);
    assert_second(fact->first, 0);
    assert_second(fact->last, 95); /* an interval ago, at most */
    fact = only(place, 1905);
    assert_second(fact->last, 1901);
}

static void expired_session_is_told_as_expired(void **state)
{
    struct heard_place *place = *state;
    struct event event = word_of(EVENT_START, GUEST, "A1", "Gi0/1", 0);
    event.lifetime = span_seconds(100);
    heard_tell(place, &event);
    assert_int_equal(only(place, 130)->end, HEARD_OPEN);
    const struct heard_fact *fact = only(place, 131); /* grace of 30 s */
    assert_int_equal(fact->end, HEARD_EXPIRED);
    assert_second(fact->ended, 131);
    tell(place, EVENT_START, GUEST, "A2", "Gi0/1", 200);
    assert_int_equal(only(place, 300)->end, HEARD_OPEN); /* the new one is what counts */
    assert_string_equal(place->heard.facts[0].session, "A2");
}

/* Stop after start elsewhere (F9): the old end is told while it settles, and then not. */
static void ended_session_beside_an_open_one_is_forgotten_when_settled(void **state)
{
    struct heard_place *place = *state;
    tell(place, EVENT_START, GUEST, "A1", "Gi0/1", 0);
    tell(place, EVENT_START, GUEST, "B1", "Gi0/2", 50);
    tell(place, EVENT_STOP, GUEST, "A1", "Gi0/1", 55);
    assert_int_equal(load(place, 60), 2);
    assert_string_equal(only(place, 100)->session, "B1");
}

static void reset_ends_what_it_ended(void **state)
{
    struct heard_place *place = *state;
    struct event reset = word_of(EVENT_RESET, 0, NULL, NULL, 100);
    reset.mac = MAC_NONE;
    tell(place, EVENT_START, GUEST, "A1", "Gi0/1", 0);
    tell(place, EVENT_START, OTHER, "A2", "Gi0/2", 1);
    heard_tell(place, &reset);
    tell(place, EVENT_START, OTHER, "A2", "Gi0/2", 110);
    assert_int_equal(load(place, 90), 2);
    assert_int_equal(place->heard.facts[0].end, HEARD_OPEN);
    assert_int_equal(load(place, 200), 2);
    assert_int_equal(place->heard.facts[0].end, HEARD_RESET);
    assert_second(place->heard.facts[0].ended, 100);
    assert_int_equal(place->heard.facts[1].end, HEARD_OPEN);
    assert_second(place->heard.facts[1].first, 110);
}

/* A word that says neither switch nor port is at the place of the one before it. */
static void word_without_place_is_where_the_one_before_was(void **state)
{
    struct heard_place *place = *state;
    tell(place, EVENT_START, GUEST, "A1", "Gi0/1", 0);
    struct event event = word_of(EVENT_UPDATE, GUEST, "A1", NULL, 60);
    event.switch_name = NULL;
    heard_tell(place, &event);
    tell(place, EVENT_UPDATE, GUEST, "A1", "Gi0/2", 120);
    const struct heard_fact *fact = only(place, 70);
    assert_string_equal(fact->origin->switch_name, "sw1");
    assert_string_equal(fact->origin->port, "Gi0/1");
    assert_second(fact->last, 61);
}

/* A word that came late tells of its own time, and nothing of the time before it came. */
static void late_word_counts_from_when_it_came(void **state)
{
    struct heard_place *place = *state;
    struct event event = word_of(EVENT_START, GUEST, "A1", "Gi0/1", 0);
    event.heard = heard_second(100);
    heard_tell(place, &event);
    assert_int_equal(load(place, 50), 0);
    assert_second(only(place, 110)->last, 0);
}

/* A frame that was overheard after a session's end says that its guest is there; one of before does
 * not, whenever it came. */
static void frame_after_an_end_answers_it(void **state)
{
    struct heard_place *place = *state;
    tell(place, EVENT_START, GUEST, "A1", "Gi0/1", 0);
    tell(place, EVENT_STOP, GUEST, "A1", "Gi0/1", 100);
    struct event event = word_of(EVENT_ANNOUNCE, GUEST, NULL, NULL, 90);
    event.source = event.type = "announce";
    event.nas = event.switch_name = NULL;
    event.proof = EVENT_PROOF_HEARD;
    event.heard = heard_second(150);
    heard_tell(place, &event);
    assert_int_equal(only(place, 200)->end, HEARD_STOPPED);
    event.at = event.heard = heard_second(300);
    heard_tell(place, &event);
    assert_int_equal(only(place, 299)->end, HEARD_STOPPED);
    assert_int_equal(load(place, 301), 0);
    assert_int_equal(load(place, 1000), 0); /* and stays so */
    tell(place, EVENT_START, GUEST, "A2", "Gi0/1", 1100);
    tell(place, EVENT_STOP, GUEST, "A2", "Gi0/1", 1200);
    assert_int_equal(only(place, 1300)->end, HEARD_STOPPED);
}

/* A chain of events that is a circle. */
static void damaged_chain_is_said(void **state)
{
    struct heard_place *place = *state;
    const struct store_heard_query query = {.now = heard_second(5)};
    struct store_heard heard;
    struct err err = {0};
    tell(place, EVENT_START, GUEST, "A1", "Gi0/1", 0);
    tell(place, EVENT_UPDATE, GUEST, "A1", "Gi0/1", 60);
    close_store(place);
    with_sqlite(place, "UPDATE event SET previous = seq, earlier = seq WHERE kind = 'update'");
    place->store = fixture_open(place->fixture, STORE_READ);
    assert_int_equal(store_load_heard(place->store, &query, place->arena, &heard, &err),
                     ERR_CORRUPT);
    assert_non_null(strstr(err.text, "the chain of event"));
}

/* What had come and waited for the disk was not in what a round was told: the number of the first
 * such event says so, where the time does not. */
static void events_that_waited_had_not_been_heard(void **state)
{
    struct heard_place *place = *state;
    struct store_heard heard;
    struct err err = {0};
    struct store_heard_query query = {.now = heard_second(100),
                                      .next = 3,
                                      .settle = span_seconds(30),
                                      .departed_for = span_seconds(3600),
                                      .concluded = true};
    tell(place, EVENT_START, GUEST, "A1", "Gi0/1", 0);  /* event 1 */
    tell(place, EVENT_START, OTHER, "B1", "Gi0/2", 1);  /* event 2 */
    tell(place, EVENT_START, GUEST, "A1", "Gi0/3", 50); /* event 3 replaces the first */
    tell(place, EVENT_STOP, OTHER, "B1", "Gi0/2", 51);
    assert_int_equal(store_load_heard(place->store, &query, place->arena, &heard, &err), 0);
    assert_int_equal(heard.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(heard.facts[i].end, HEARD_OPEN);
    assert_string_equal(heard.facts[0].origin->port, "Gi0/1");
    store_heard_done(&heard);
    query.next = 4;
    assert_int_equal(store_load_heard(place->store, &query, place->arena, &heard, &err), 0);
    assert_int_equal(heard.count, 2);
    assert_string_equal(heard.facts[0].origin->port, "Gi0/2"); /* B1, still open */
    assert_int_equal(heard.facts[0].end, HEARD_OPEN);
    assert_string_equal(heard.facts[1].origin->port, "Gi0/3");
    store_heard_done(&heard);
}

/* The origin of sessions at one place is one. */
static void origins_are_shared(void **state)
{
    struct heard_place *place = *state;
    for (uint64_t i = 0; i < 10; i++) {
        char session[16];
        snprintf(session, sizeof session, "S%d", (int)i);
        tell(place, EVENT_START, GUEST + i, session, "Gi0/1", (int64_t)i);
    }
    assert_int_equal(load(place, 20), 10);
    for (size_t i = 1; i < 10; i++)
        assert_ptr_equal(place->heard.facts[i].origin, place->heard.facts[0].origin);
}

#define PLACE_TEST(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, heard_place_setup, heard_place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(open_session_is_a_fact_with_all_that_was_told),
        PLACE_TEST(session_is_as_it_was_then),
        PLACE_TEST(long_chain_is_not_walked_to_its_end),
        PLACE_TEST(expired_session_is_told_as_expired),
        PLACE_TEST(ended_session_beside_an_open_one_is_forgotten_when_settled),
        PLACE_TEST(reset_ends_what_it_ended),
        PLACE_TEST(word_without_place_is_where_the_one_before_was),
        PLACE_TEST(late_word_counts_from_when_it_came),
        PLACE_TEST(frame_after_an_end_answers_it),
        PLACE_TEST(damaged_chain_is_said),
        PLACE_TEST(events_that_waited_had_not_been_heard),
        PLACE_TEST(origins_are_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
