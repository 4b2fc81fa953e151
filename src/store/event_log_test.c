/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "store/event_log.h"
#include "store/query.h"
#include "store/store_fixture.h"

/* Events from the journal into the store: each once, sessions as DOMAIN 2.7 and F9 want
 * them, the same after a restart. Times count seconds from the fixture's noon. */

struct sessions {
    struct session_record items[16];
    char texts[16][3][16]; /* that their texts are copied to */
    size_t count;
};

struct place {
    struct fixture *fixture;
    struct store *store;
    struct journal *journal;
    char folder[128];
    struct sessions sessions; /* listed last */
};

static void open_place(struct place *place)
{
    struct err err = {0};
    struct event_position position = {0};
    place->store = fixture_open(place->fixture, STORE_WRITE);
    if (store_events_position(place->store, &position, &err) != 0)
        fail_msg("%s", err.text);
    const struct journal_options options = {.identity = position.identity,
                                            .folded = position.folded,
                                            .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                                            .lanes = 2};
    if (journal_open(place->folder, &options, &place->journal, NULL, &err) != 0)
        fail_msg("%s", err.text);
}

static void close_place(struct place *place)
{
    journal_close(place->journal);
    store_close(place->store);
}

static int place_setup(void **state)
{
    void *fixture = NULL;
    if (fixture_setup(&fixture) != 0)
        return -1;
    struct place *place = calloc(1, sizeof *place);
    place->fixture = fixture;
    snprintf(place->folder, sizeof place->folder, "%s.journal", place->fixture->path);
    open_place(place);
    *state = place;
    return 0;
}

static int place_teardown(void **state)
{
    struct place *place = *state;
    close_place(place);
    void *fixture = place->fixture;
    free(place);
    return fixture_teardown(&fixture);
}

static struct wall second(int64_t number)
{
    return wall_add(fixture_minute(0), span_seconds(number));
}

/* A word of RADIUS about address `mac` in `session`. */
static struct event radius(enum event_kind kind, uint64_t mac, const char *session, int64_t at)
{
    struct event event = event_of(kind);
    event.proof = EVENT_PROOF_TOLD;
    event.source = "radius";
    event.type = "radius";
    event.mac.bits = mac;
    event.nas = "sw1";
    event.session = session;
    event.switch_name = "sw1";
    event.port = "Gi0/1";
    event.at = second(at);
    event.heard = second(at + 1);
    return event;
}

static void ignore_settled(void *aux, uint64_t group, bool stored, const struct err *err)
{
    assert_true(stored);
}

static struct event_fold fold(struct place *place, size_t limit, struct wall now)
{
    struct event_fold result = {0};
    struct err err = {0};
    if (store_events_fold(place->store, place->journal, limit, now, STORE_RETENTION, &result,
                          &err) != 0)
        fail_msg("%s", err.text);
    return result;
}

/* Adds, makes durable and folds one event. */
static struct event_fold tell(struct place *place, const struct event *event)
{
    assert_int_equal(journal_add(place->journal, event, NULL), 0);
    journal_flush(place->journal);
    journal_wait(place->journal);
    journal_settle(place->journal, ignore_settled, NULL);
    return fold(place, 100, event->heard);
}

static void tell_radius(struct place *place, enum event_kind kind, const char *session, int64_t at)
{
    struct event event = radius(kind, 0x525400000001, session, at);
    tell(place, &event);
}

static const char *copy_text(char to[static 16], const char *text)
{
    snprintf(to, 16, "%s", text);
    return to;
}

static int keep_session(void *aux, const struct session_record *session)
{
    struct sessions *sessions = aux;
    assert_true(sessions->count < ARRAY_COUNT(sessions->items));
    struct session_record *kept = &sessions->items[sessions->count];
    *kept = *session;
    kept->nas = copy_text(sessions->texts[sessions->count][0], session->nas);
    kept->switch_name = copy_text(sessions->texts[sessions->count][1], session->switch_name);
    kept->port = copy_text(sessions->texts[sessions->count][2], session->port);
    sessions->count++;
    return 0;
}

/* Valid until the next call. */
static const struct sessions *list_sessions(struct place *place, struct wall from, struct wall to)
{
    const struct session_query query = {.from = from, .to = to};
    struct err err = {0};
    place->sessions.count = 0;
    if (store_each_session(place->store, &query, keep_session, &place->sessions, &err) != 0)
        fail_msg("%s", err.text);
    return &place->sessions;
}

static size_t count_events(struct place *place, uint64_t mac)
{
    struct mac macs[] = {{mac}};
    const struct event_query query = {
        .macs = macs, .mac_count = 1, .from = WALL_UNKNOWN, .to = WALL_UNKNOWN};
    const struct event_entry *entries = NULL;
    size_t count = 0;
    struct err err = {0};
    struct arena *arena = arena_new();
    if (store_list_events(place->store, &query, arena, &entries, &count, &err) != 0)
        fail_msg("%s", err.text);
    arena_free(arena);
    return count;
}

/* Begins the list anew, as a restart does. */
static void restart(struct place *place)
{
    close_place(place);
    open_place(place);
}

static void session_from_start_to_stop(void **state)
{
    struct place *place = *state;
    tell_radius(place, EVENT_START, "A1", 0);
    tell_radius(place, EVENT_UPDATE, "A1", 600);
    tell_radius(place, EVENT_UPDATE, "A1", 1200);
    const struct sessions *open = list_sessions(place, second(1300), second(1300));
    assert_int_equal(open->count, 1);
    assert_false(wall_known(open->items[0].ended));
    assert_int_equal(open->items[0].updates, 2);
    assert_int_equal(open->items[0].interval.us, span_seconds(600).us);
    assert_int_equal(open->items[0].started.us, second(0).us);
    assert_int_equal(open->items[0].last.us, second(1200).us);
    assert_int_equal(open->items[0].mac.bits, 0x525400000001);
    assert_false(open->items[0].implicit);
    struct event stop = radius(EVENT_STOP, 0x525400000001, "A1", 1500);
    stop.cause = "Port-Error";
    tell(place, &stop);
    assert_int_equal(list_sessions(place, second(1600), second(1600))->count, 0);
    assert_int_equal(list_sessions(place, second(1400), second(1400))->count, 1);
    const struct sessions *ended = list_sessions(place, WALL_UNKNOWN, WALL_UNKNOWN);
    assert_int_equal(ended->count, 1);
    assert_int_equal(ended->items[0].ended.us, second(1500).us);
    assert_int_equal(count_events(place, 0x525400000001), 4);
}

/* What a peer sends again since it saw no answer is there once, before and after a
 * restart, however late. */
static void repeated_events_are_there_once(void **state)
{
    struct place *place = *state;
    for (int round = 0; round < 3; round++) {
        tell_radius(place, EVENT_START, "A1", 0);
        tell_radius(place, EVENT_UPDATE, "A1", 600);
        tell_radius(place, EVENT_STOP, "A1", 900);
        tell_radius(place, EVENT_START, "A1", 1000); /* the number is used again */
        tell_radius(place, EVENT_STOP, "A1", 1100);
        if (round == 1)
            restart(place);
    }
    assert_int_equal(count_events(place, 0x525400000001), 5);
    assert_int_equal(list_sessions(place, WALL_UNKNOWN, WALL_UNKNOWN)->count, 2);
    struct event stop = radius(EVENT_STOP, 0x525400000001, "A1", 900);
    assert_int_equal(tell(place, &stop).repeated, 1);
}

/* The same packet of a switch that sends no time: heard at another time, and the same. */
static void same_message_is_there_once(void **state)
{
    struct place *place = *state;
    for (int round = 0; round < 3; round++) {
        struct event start = radius(EVENT_START, 0x525400000001, "A1", 10 * round);
        struct event update = radius(EVENT_UPDATE, 0x525400000001, "A1", 600 + 10 * round);
        start.origin = 77;
        update.origin = UINT64_MAX;
        assert_int_equal(tell(place, &start).repeated, round > 0);
        assert_int_equal(tell(place, &update).repeated, round > 0);
        if (round == 1)
            restart(place);
    }
    assert_int_equal(count_events(place, 0x525400000001), 2);
    struct event other = radius(EVENT_UPDATE, 0x525400000001, "A1", 700);
    other.origin = 79;
    assert_int_equal(tell(place, &other).repeated, 0);
    struct event much_later = radius(EVENT_UPDATE, 0x525400000001, "A1", 90000);
    much_later.origin = 79;
    assert_int_equal(tell(place, &much_later).repeated, 0);
}

static void stop_before_its_start(void **state)
{
    struct place *place = *state;
    tell_radius(place, EVENT_STOP, "A1", 900);
    tell_radius(place, EVENT_START, "A1", 0);
    tell_radius(place, EVENT_UPDATE, "A1", 600);
    const struct sessions *all = list_sessions(place, WALL_UNKNOWN, WALL_UNKNOWN);
    assert_int_equal(all->count, 1);
    assert_int_equal(all->items[0].started.us, second(0).us);
    assert_int_equal(all->items[0].ended.us, second(900).us);
    assert_int_equal(count_events(place, 0x525400000001), 3);
}

/* F9: a stop ends its own session. */
static void stop_at_the_old_port_leaves_the_new(void **state)
{
    struct place *place = *state;
    tell_radius(place, EVENT_START, "A1", 0);
    struct event moved = radius(EVENT_START, 0x525400000001, "B7", 50);
    moved.nas = moved.switch_name = "sw2";
    tell(place, &moved);
    tell_radius(place, EVENT_STOP, "A1", 60);
    const struct sessions *open = list_sessions(place, second(70), second(70));
    assert_int_equal(open->count, 1);
    assert_string_equal(open->items[0].switch_name, "sw2");
}

/* The same for a source without session ids: the place decides. */
static void stop_without_session_ends_its_place_only(void **state)
{
    struct place *place = *state;
    struct event start = radius(EVENT_START, 0x525400000001, NULL, 0);
    start.nas = NULL;
    start.source = start.type = "linux_bridge";
    tell(place, &start);
    struct event other = start;
    other.port = "Gi0/2";
    other.at = second(10);
    tell(place, &other);
    struct event stop = start;
    stop.kind = EVENT_STOP;
    stop.at = second(11);
    tell(place, &stop);
    const struct sessions *open = list_sessions(place, second(20), second(20));
    assert_int_equal(open->count, 1);
    assert_string_equal(open->items[0].port, "Gi0/2");
    other.kind = EVENT_STOP;
    other.at = second(12);
    tell(place, &other);
    assert_int_equal(list_sessions(place, second(20), second(20))->count, 0);
}

static void reset_ends_the_sessions_of_its_nas(void **state)
{
    struct place *place = *state;
    struct event other = radius(EVENT_START, 0x525400000002, "A2", 0);
    other.port = "Gi0/2";
    struct event elsewhere = radius(EVENT_START, 0x525400000003, "A3", 0);
    elsewhere.nas = "sw2";
    tell_radius(place, EVENT_START, "A1", 0);
    tell(place, &other);
    tell(place, &elsewhere);
    struct event reset = radius(EVENT_RESET, MAC_NONE.bits, NULL, 100);
    tell(place, &reset);
    assert_int_equal(list_sessions(place, second(200), second(200))->count, 2);
    reset.port = NULL;
    reset.at = second(110);
    tell(place, &reset);
    const struct sessions *open = list_sessions(place, second(200), second(200));
    assert_int_equal(open->count, 1);
    assert_string_equal(open->items[0].nas, "sw2");
    tell_radius(place, EVENT_START, "A1", 120);
    assert_int_equal(list_sessions(place, second(200), second(200))->count, 2);
}

/* Many in one batch, of few sessions: the store is the same as one by one. */
static void batch_is_as_one_by_one(void **state)
{
    struct place *place = *state;
    for (int64_t i = 0; i < 300; i++) {
        char session[16];
        snprintf(session, sizeof session, "S%d", (int)(i % 7));
        enum event_kind kind = i % 50 < 7 ? EVENT_START : i % 50 > 42 ? EVENT_STOP : EVENT_UPDATE;
        struct event event = radius(kind, 0x525400000100 + (uint64_t)(i % 7), session, i);
        if (i < 150)
            tell(place, &event);
        else
            assert_int_equal(journal_add(place->journal, &event, NULL), 0);
    }
    size_t before = list_sessions(place, second(149), second(149))->count;
    journal_flush(place->journal);
    journal_wait(place->journal);
    assert_int_equal(fold(place, 1000, second(400)).events, 150);
    assert_int_equal(list_sessions(place, second(299), second(299))->count, before);
    size_t events = 0;
    for (uint64_t i = 0; i < 7; i++)
        events += count_events(place, 0x525400000100 + i);
    assert_int_equal(events, 300);
}

static void events_of_a_time_and_without_session(void **state)
{
    struct place *place = *state;
    struct event announce = event_of(EVENT_ANNOUNCE);
    announce.source = announce.type = "announce";
    announce.mac.bits = 0x525400000001;
    announce.address.octets[15] = 9;
    announce.at = announce.heard = second(5);
    tell_radius(place, EVENT_START, "A1", 0);
    tell(place, &announce);
    tell_radius(place, EVENT_UPDATE, "A1", 600);
    struct mac macs[] = {{0x525400000001}};
    const struct event_query query = {.macs = macs,
                                      .mac_count = 1,
                                      .addresses = &announce.address,
                                      .address_count = 1,
                                      .from = second(5),
                                      .to = second(600)};
    struct arena *arena = arena_new();
    const struct event_entry *entries = NULL;
    size_t count = 0;
    struct err err = {0};
    assert_int_equal(store_list_events(place->store, &query, arena, &entries, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_int_equal(entries[0].event.kind, EVENT_ANNOUNCE);
    assert_int_equal(entries[0].session, 0);
    assert_int_equal(entries[1].event.kind, EVENT_UPDATE);
    assert_string_equal(entries[1].event.nas, "sw1");
    const struct event_source_record *sources = NULL;
    assert_int_equal(store_list_event_sources(place->store, arena, &sources, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_string_equal(sources[1].name, "radius");
    assert_int_equal(sources[1].events, 2);
    assert_int_equal(sources[1].last.us, second(600).us);
    arena_free(arena);
}

static void history_tells_what_was_heard(void **state)
{
    struct place *place = *state;
    tell_radius(place, EVENT_START, "A1", 0);
    tell_radius(place, EVENT_STOP, "A1", 900);
    struct mac macs[] = {{0x525400000001}};
    const struct history_query query = {
        .macs = macs, .mac_count = 1, .from = second(10), .to = WALL_UNKNOWN};
    struct arena *arena = arena_new();
    const struct history_entry *entries = NULL;
    size_t count = 0;
    struct err err = {0};
    assert_int_equal(store_load_history(place->store, &query, arena, &entries, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_int_equal(entries[0].kind, HISTORY_EVENT);
    assert_int_equal(entries[0].at.us, second(900).us);
    assert_int_equal(entries[0].heard->kind, EVENT_STOP);
    assert_string_equal(entries[0].heard->port, "Gi0/1");
    arena_free(arena);
}

/* Old events go, updates sooner; what is open stays with its history past them. */
static void old_events_are_deleted(void **state)
{
    struct place *place = *state;
    const int64_t day = 24 * 3600;
    tell_radius(place, EVENT_START, "A1", 0);
    for (int64_t i = 1; i <= 20; i++)
        tell_radius(place, EVENT_UPDATE, "A1", i * 600);
    struct event gone = radius(EVENT_START, 0x525400000002, "A2", 0);
    tell(place, &gone);
    gone.kind = EVENT_STOP;
    gone.at = second(10);
    tell(place, &gone);
    struct event now = radius(EVENT_UPDATE, 0x525400000001, "A1", 3 * day);
    tell(place, &now);
    assert_int_equal(count_events(place, 0x525400000001), 2);
    assert_int_equal(count_events(place, 0x525400000002), 2);
    now = radius(EVENT_UPDATE, 0x525400000001, "A1", 40 * day);
    tell(place, &now);
    assert_int_equal(count_events(place, 0x525400000001), 1);
    const struct sessions *all = list_sessions(place, WALL_UNKNOWN, WALL_UNKNOWN);
    assert_int_equal(all->count, 1);
    assert_int_equal(all->items[0].updates, 22);
    struct store_size size = {0};
    struct err err = {0};
    assert_int_equal(store_measure(place->store, &size, &err), 0);
    assert_int_equal(size.events, 1);
    assert_int_equal(size.sessions, 1);
}

static void failed_fold_loses_nothing(void **state)
{
    struct place *place = *state;
    struct event event = radius(EVENT_START, 0x525400000001, "A1", 0);
    assert_int_equal(journal_add(place->journal, &event, NULL), 0);
    journal_flush(place->journal);
    journal_wait(place->journal);
    uint64_t round = 0;
    struct err err = {0};
    struct event_fold result;
    assert_int_equal(store_round_begin(place->store, second(0), &round, &err), 0);
    assert_int_equal(store_events_fold(place->store, place->journal, 10, second(0), STORE_RETENTION,
                                       &result, &err),
                     ERR_DENIED);
    store_round_abort(place->store);
    restart(place);
    assert_int_equal(fold(place, 10, second(0)).events, 1);
    assert_int_equal(fold(place, 10, second(0)).events, 0);
    assert_int_equal(count_events(place, 0x525400000001), 1);
}

/* As tell(), but it need not be on the disk. */
static struct event_fold take(struct place *place, const struct event *event)
{
    struct event_fold result = {0};
    struct err err = {0};
    assert_int_equal(journal_add(place->journal, event, NULL), 0);
    journal_flush(place->journal);
    journal_wait(place->journal);
    journal_settle(place->journal, ignore_settled, NULL);
    if (store_events_take(place->store, place->journal, 100, event->heard, STORE_RETENTION, &result,
                          &err) != 0)
        fail_msg("%s", err.text);
    return result;
}

static uint64_t kept_in_journal(struct place *place)
{
    struct journal_status status;
    journal_status(place->journal, &status);
    return status.waiting;
}

static void journal_keeps_what_is_not_settled(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    struct event event = radius(EVENT_START, 0x525400000001, "A1", 0);
    assert_int_equal(take(place, &event).events, 1);
    event = radius(EVENT_UPDATE, 0x525400000001, "A1", 600);
    assert_int_equal(take(place, &event).events, 1);
    assert_int_equal(count_events(place, 0x525400000001), 2);
    assert_int_equal(kept_in_journal(place), 2);
    assert_int_equal(store_events_settle(place->store, place->journal, &err), 0);
    assert_int_equal(kept_in_journal(place), 0);
    event = radius(EVENT_UPDATE, 0x525400000001, "A1", 1200);
    assert_int_equal(take(place, &event).events, 1);
    restart(place); /* a crash of the daemon: the tables have it, and the journal */
    assert_int_equal(fold(place, 10, second(1200)).events, 0);
    assert_int_equal(count_events(place, 0x525400000001), 3);
}

/* What was taken and is read again, since a later slice was refused, is taken once. */
static void refused_slice_repeats_nothing(void **state)
{
    struct place *place = *state;
    struct err err = {0};
    uint64_t round = 0;
    struct event_fold result;
    struct event event = radius(EVENT_START, 0x525400000001, "A1", 0);
    assert_int_equal(take(place, &event).events, 1);
    journal_read_rewind(place->journal);
    assert_int_equal(store_round_begin(place->store, second(0), &round, &err), 0);
    assert_int_equal(store_events_take(place->store, place->journal, 10, second(0), STORE_RETENTION,
                                       &result, &err),
                     ERR_DENIED);
    store_round_abort(place->store);
    event = radius(EVENT_UPDATE, 0x525400000001, "A1", 600);
    result = take(place, &event);
    assert_int_equal(result.events, 1);
    assert_int_equal(result.repeated, 0);
    assert_int_equal(store_events_settle(place->store, place->journal, &err), 0);
    assert_int_equal(kept_in_journal(place), 0);
    assert_int_equal(count_events(place, 0x525400000001), 2);
}

#define PLACE_TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(session_from_start_to_stop),
        PLACE_TEST(repeated_events_are_there_once),
        PLACE_TEST(same_message_is_there_once),
        PLACE_TEST(stop_before_its_start),
        PLACE_TEST(stop_at_the_old_port_leaves_the_new),
        PLACE_TEST(stop_without_session_ends_its_place_only),
        PLACE_TEST(reset_ends_the_sessions_of_its_nas),
        PLACE_TEST(batch_is_as_one_by_one),
        PLACE_TEST(events_of_a_time_and_without_session),
        PLACE_TEST(history_tells_what_was_heard),
        PLACE_TEST(old_events_are_deleted),
        PLACE_TEST(failed_fold_loses_nothing),
        PLACE_TEST(journal_keeps_what_is_not_settled),
        PLACE_TEST(refused_slice_repeats_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
