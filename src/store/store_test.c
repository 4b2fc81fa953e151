/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "store/paced_file.h"
#include "store/query.h"
#include "store/store_fixture.h"

enum { A = 0x525400000001, B = 0x525400000002, C = 0x525400000003, D = 0x525400000004 };

#define ROWS(...)                                                                                  \
    (const struct fixture_row[]){__VA_ARGS__},                                                     \
        ARRAY_COUNT(((const struct fixture_row[]){__VA_ARGS__}))

static struct store_size measure(struct store *store)
{
    struct store_size size;
    struct err err;
    assert_int_equal(store_measure(store, &size, &err), 0);
    return size;
}

/* What the judge gets at `minute` with a horizon of twenty minutes. */
static struct memory recall(struct store *store, int64_t minute, uint64_t mac, struct arena *arena)
{
    struct mac wanted = {mac};
    struct store_memory_query query = {.now = fixture_minute(minute),
                                       .horizon = span_seconds(20 * 60),
                                       .macs = &wanted,
                                       .mac_count = mac != 0};
    struct memory memory = {0};
    struct err err = {0};
    if (store_load_memory(store, &query, arena, &memory, &err) != 0)
        fail_msg("%s", err.text);
    return memory;
}

static void an_unchanged_table_costs_its_receipt(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    fixture_round(store, 0, fixture_table("sw1", 0, true, ROWS({A, "p1", "10"}, {B, "p2", "10"})),
                  NULL);
    struct store_size first = measure(store);
    assert_int_equal(first.sightings, 2);
    for (int i = 1; i <= 5; i++) /* in another order, too */
        fixture_round(store, i,
                      fixture_table("sw1", i, true, ROWS({B, "p2", "10"}, {A, "p1", "10"})), NULL);
    struct store_size last = measure(store);
    assert_int_equal(last.sightings, 2);
    assert_int_equal(last.past_sightings, 0);
    assert_int_equal(last.receipts, first.receipts + 5);
    struct arena *arena = arena_new();
    struct memory memory = recall(store, 6, A, arena);
    assert_int_equal(memory.interval_count, 1); /* asked for; B is steady and not */
    assert_int_equal(memory.intervals[0].reads, 6);
    assert_int_equal(memory.intervals[0].first.us, fixture_began(0).us);
    assert_int_equal(memory.intervals[0].last.us, fixture_minute(5).us);
    assert_string_equal(memory.intervals[0].port, "p1");
    assert_string_equal(memory.intervals[0].vlan, "10");
    assert_string_equal(memory.intervals[0].switch_name, "sw1");
    assert_string_equal(memory.intervals[0].site, "default");
    arena_free(arena);
    store_close(store);
}

static void a_move_is_two_intervals_side_by_side(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    fixture_round(store, 0, fixture_table("sw1", 0, true, ROWS({A, "p1", "10"}, {B, "p2", "10"})),
                  NULL);
    fixture_round(store, 1, fixture_table("sw1", 1, true, ROWS({A, "p3", "10"}, {B, "p2", "10"})),
                  NULL);
    store_close(store);
    store = fixture_open(*state, STORE_WRITE);
    struct arena *arena = arena_new();
    struct memory memory = recall(store, 2, 0, arena);
    assert_int_equal(memory.interval_count, 2);
    assert_string_equal(memory.intervals[0].port, "p1");
    assert_int_equal(memory.intervals[0].last.us, fixture_minute(0).us);
    assert_string_equal(memory.intervals[1].port, "p3");
    assert_int_equal(memory.intervals[1].first.us, fixture_began(1).us);
    assert_int_equal(memory.intervals[1].reads, 1);
    memory = recall(store, 40, 0, arena); /* beyond the horizon: the switch's witness */
    assert_int_equal(memory.interval_count, 1);
    assert_int_equal(memory.intervals[0].last.us, fixture_minute(1).us);
    arena_free(arena);
    store_close(store);
}

static void a_reading_in_part_ends_nothing_for_good(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    fixture_round(store, 0, fixture_table("sw1", 0, true, ROWS({A, "p1", ""}, {B, "p2", ""})),
                  NULL);
    fixture_round(store, 1, fixture_table("sw1", 1, true, ROWS({A, "p1", ""}, {B, "p2", ""})),
                  NULL);
    fixture_round(store, 2, fixture_table("sw1", 2, false, ROWS({B, "p2", ""})), NULL);
    fixture_round(store, 3, fixture_table("sw1", 3, false, NULL, 0), NULL); /* blind */
    struct arena *arena = arena_new();
    struct memory memory = recall(store, 4, 0, arena);
    assert_int_equal(memory.interval_count, 2); /* A, last seen in the second round */
    assert_int_equal(memory.intervals[0].mac.bits, A);
    assert_int_equal(memory.intervals[0].last.us, fixture_minute(1).us);
    assert_int_equal(memory.intervals[1].mac.bits, B); /* the third says when it was read */
    assert_int_equal(memory.intervals[1].last.us, fixture_minute(2).us);
    fixture_round(store, 4, fixture_table("sw1", 4, true, ROWS({A, "p1", ""}, {B, "p2", ""})),
                  NULL);
    memory = recall(store, 5, A, arena);
    assert_int_equal(memory.interval_count, 1); /* the same interval goes on */
    assert_int_equal(memory.intervals[0].first.us, fixture_began(0).us);
    assert_int_equal(memory.intervals[0].last.us, fixture_minute(4).us);
    assert_int_equal(memory.intervals[0].reads, 3);
    memory = recall(store, 5, B, arena);
    assert_int_equal(memory.interval_count, 2);
    assert_int_equal(memory.intervals[1].reads, 4); /* the blind reading is none */
    fixture_round(store, 5, fixture_table("sw1", 5, true, ROWS({B, "p2", ""})), NULL);
    fixture_round(store, 6, fixture_table("sw1", 6, true, ROWS({A, "p1", ""}, {B, "p2", ""})),
                  NULL);
    memory = recall(store, 7, A, arena);
    assert_int_equal(memory.interval_count, 2); /* gone by proof: a new interval */
    assert_int_equal(memory.intervals[1].first.us, fixture_began(6).us);
    arena_free(arena);
    store_close(store);
}

static void what_this_round_moves_is_remembered(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    fixture_round(
        store, 0,
        fixture_table("sw1", 0, true,
                      ROWS({A, "p1", "10"}, {B, "p2", "10"}, {C, "p1", "10"}, {D, "p2", "10"})),
        NULL);
    fixture_round(store, 90, NULL, NULL);
    store_close(store);
    store = fixture_open(*state, STORE_READ); /* an audit that may not write remembers, too */
    struct forward_table *table =
        fixture_table("sw1", 91, true, ROWS({A, "p1", "10"}, {B, "new", "20"}, {C, "p1", "10"}));
    const struct store_memory_query query = {.now = fixture_minute(91),
                                             .horizon = span_seconds(60),
                                             .tables = (const struct forward_table *const *)&table,
                                             .table_count = 1};
    struct arena *arena = arena_new();
    struct memory memory;
    struct err err = {0};
    if (store_load_memory(store, &query, arena, &memory, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(memory.interval_count, 3);
    assert_int_equal(memory.intervals[0].mac.bits, A); /* the switch's witness */
    assert_int_equal(memory.intervals[1].mac.bits, B); /* elsewhere now */
    assert_string_equal(memory.intervals[1].port, "p2");
    assert_int_equal(memory.intervals[2].mac.bits, D); /* no longer there */
    forward_table_free(table);
    arena_free(arena);
    store_close(store);
}

static void one_round_has_one_table_of_a_switch(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    uint64_t round;
    struct err err;
    struct forward_table *table = fixture_table("sw1", 0, true, ROWS({A, "p1", ""}));
    assert_int_equal(store_round_begin(store, fixture_minute(0), &round, &err), 0);
    assert_int_equal(store_round_table(store, table, &err), 0);
    assert_int_equal(store_round_table(store, table, &err), ERR_RANGE);
    assert_non_null(strstr(err.text, "switch sw1"));
    struct err again;
    assert_int_equal(store_round_commit(store, fixture_minute(0), fixture_minute(0), &again),
                     ERR_RANGE); /* the round is taken back, and says why */
    assert_string_equal(again.text, err.text);
    assert_int_equal(measure(store).sightings, 0);
    forward_table_free(table);
    fixture_round(store, 1, fixture_table("sw1", 1, true, ROWS({A, "p1", ""})), NULL);
    assert_int_equal(measure(store).sightings, 1);
    store_close(store);
}

static void an_aborted_round_leaves_nothing(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    uint64_t first = fixture_round(store, 0, NULL, NULL), round;
    struct err err;
    struct forward_table *table = fixture_table("sw1", 1, true, ROWS({A, "p1", "10"}));
    assert_int_equal(store_round_begin(store, fixture_minute(1), &round, &err), 0);
    assert_int_equal(store_round_table(store, table, &err), 0);
    store_round_abort(store);
    assert_int_equal(store_round_table(store, table, &err), ERR_DENIED);
    forward_table_free(table);
    assert_int_equal(measure(store).sightings, 0);
    assert_int_equal(
        fixture_round(store, 2, fixture_table("sw1", 2, true, ROWS({A, "p1", "10"})), NULL),
        first + 1);
    store_close(store);
}

/* --- records --- */

static const char *const two_guests[] = {"B,web1,52:54:00:00:00:01,on,first rack",
                                         "B,web2,52:54:00:00:00:02,off,"};

static void the_last_good_snapshot_comes_back_equal(void **state)
{
    static const char *const attachments[] = {"B,00:00:5e:00:01:09,sw1,p1", "B,,sw2,"};
    struct store *store = fixture_open(*state, STORE_WRITE);
    struct err err;
    struct record_set *set = NULL;
    struct wall read_at;
    assert_int_equal(store_last_good(store, "csv", &set, &read_at, &err), ERR_NOT_FOUND);
    struct record_set *given = fixture_guests("csv", 0, two_guests, 2);
    fixture_attachments(given, attachments, 2);
    AUTO_TEXT struct text before = TEXT_EMPTY;
    AUTO_TEXT struct text after = TEXT_EMPTY;
    for (int i = 0; i < RECORD_TABLE_COUNT; i++)
        record_set_print_csv(given, (enum record_table)i, &before);
    fixture_round(store, 0, NULL, given);
    assert_int_equal(store_last_good(store, "csv", &set, &read_at, &err), 0);
    for (int i = 0; i < RECORD_TABLE_COUNT; i++)
        record_set_print_csv(set, (enum record_table)i, &after);
    assert_string_equal(text_get(&before), text_get(&after));
    uint64_t rows[RECORD_TABLE_COUNT] = {[RECORD_LINKS] = 7};
    struct wall counted_at = WALL_UNKNOWN;
    assert_int_equal(store_last_good_rows(store, "csv", rows, &counted_at, &err), 0);
    assert_int_equal(counted_at.us, read_at.us);
    for (int i = 0; i < RECORD_TABLE_COUNT; i++)
        assert_int_equal(rows[i], record_set_rows(set, (enum record_table)i));
    assert_int_equal(store_last_good_rows(store, "other", rows, &counted_at, &err), ERR_NOT_FOUND);
    assert_string_equal(set->source, "csv");
    assert_int_equal(set->as_of.us, fixture_minute(0).us);
    assert_int_equal(set->attachments[1].line, 3);
    assert_string_equal(record_extra_find(set, RECORD_GUESTS, 0), "{\"note\":\"first rack\"}");
    assert_int_equal(read_at.us, fixture_minute(0).us);
    record_set_free(set);
    store_close(store);
}

static void changed_records_cost_their_rows(void **state)
{
    static const char *const changed[] = {"B,web1,52:54:00:00:00:01,off,first rack",
                                          "B,web2,52:54:00:00:00:02,off,",
                                          "B,web2,52:54:00:00:00:02,off,"};
    struct store *store = fixture_open(*state, STORE_WRITE);
    fixture_round(store, 0, NULL, fixture_guests("csv", 0, two_guests, 2));
    fixture_round(store, 1, NULL, fixture_guests("csv", 1, two_guests, 2));
    assert_int_equal(measure(store).recorded, 2);
    assert_int_equal(measure(store).past_recorded, 0);
    fixture_round(store, 2, NULL, fixture_guests("csv", 2, changed, 3)); /* one twice */
    assert_int_equal(measure(store).recorded, 3);
    assert_int_equal(measure(store).past_recorded, 1);
    fixture_round(store, 3, NULL, fixture_guests("csv", 3, changed, 2));
    assert_int_equal(measure(store).recorded, 2);
    fixture_round(store, 4, NULL, fixture_guests("csv", 4, NULL, 0));
    assert_int_equal(measure(store).recorded, 0);
    store_close(store);
}

static void failures_count_rounds_in_a_row(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    struct failed_source dead = {.source = "snmp sw2", .switch_name = "sw2", .why = "no answer"};
    struct err err;
    uint64_t round;
    unsigned rounds = 9;
    assert_int_equal(store_failed_rounds(store, "sw2", &rounds, &err), 0);
    assert_int_equal(rounds, 0);
    for (int i = 1; i <= 3; i++) {
        dead.why = i == 3 ? "refused" : "no answer";
        assert_int_equal(store_round_begin(store, fixture_minute(i), &round, &err), 0);
        assert_int_equal(store_round_failed(store, &dead, NULL, &err), 0);
        assert_int_equal(store_round_commit(store, fixture_minute(i), fixture_minute(i), &err), 0);
        assert_int_equal(store_failed_rounds(store, "snmp sw2", &rounds, &err), 0);
        assert_int_equal(rounds, i);
        assert_int_equal(store_failed_rounds(store, "sw2", &rounds, &err), 0);
        assert_int_equal(rounds, i);
    }
    fixture_round(store, 4, NULL, NULL); /* it answered */
    assert_int_equal(store_failed_rounds(store, "sw2", &rounds, &err), 0);
    assert_int_equal(rounds, 0);
    store_close(store);
}

/* What the daemon adds to a round: its gap_rounds, and event sources that heard nothing. */
static void a_round_of_the_daemon_is_replayed_as_it_was(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    struct failed_source deaf = {.source = "radius", .why = "the port is taken", .hears = true};
    struct store_world *world;
    uint64_t number;
    struct err err;
    const struct store_memory_query query = {.horizon = span_seconds(20 * 60)};
    fixture_round(store, 1, NULL, NULL);
    assert_int_equal(store_round_begin(store, fixture_minute(2), &number, &err), 0);
    assert_int_equal(store_round_gaps(store, 3, &err), 0);
    assert_int_equal(store_round_failed(store, &deaf, NULL, &err), 0);
    assert_int_equal(store_round_commit(store, fixture_minute(2), fixture_minute(2), &err), 0);
    for (unsigned round = 1; round <= 2; round++) {
        assert_int_equal(
            store_world_load(store, round, STORE_TABLES_OF_ROUND, &query, &world, &err), 0);
        assert_int_equal(world->round.gap_rounds, round == 1 ? 1 : 3);
        assert_int_equal(world->round.heard, round == 2);
        assert_int_equal(world->failed_count, round - 1);
        assert_true(round == 1 || (world->failed[0].hears && world->failed[0].rounds == 1));
        store_world_free(world);
    }
    store_close(store);
}

static void put_offs(struct store *store, int64_t minute, const char *const *off, size_t count,
                     const char *const *unknown, size_t unknown_count)
{
    struct err err;
    uint64_t round;
    assert_int_equal(store_round_begin(store, fixture_minute(minute), &round, &err), 0);
    assert_int_equal(store_round_offs(store, off, count, unknown, unknown_count, &err), 0);
    assert_int_equal(
        store_round_commit(store, fixture_minute(minute), fixture_minute(minute), &err), 0);
}

static void since_when_a_guest_is_off_is_kept(void **state)
{
    static const char *const both[] = {"default/web2", "default/web1", "default/web1"};
    static const char *const web2[] = {"default/web2"}, *const web1[] = {"default/web1"};
    struct store *store = fixture_open(*state, STORE_WRITE);
    put_offs(store, 1, both, 3, NULL, 0);
    put_offs(store, 2, web2, 1, web1, 1); /* unknown clears nothing */
    struct arena *arena = arena_new();
    struct memory memory = recall(store, 3, 0, arena);
    assert_int_equal(memory.off_count, 2);
    assert_int_equal(memory_off_first(&memory, "default/web1").us, fixture_minute(1).us);
    put_offs(store, 3, web2, 1, NULL, 0); /* web1 is read as running */
    put_offs(store, 4, both, 2, NULL, 0);
    memory = recall(store, 5, 0, arena);
    assert_int_equal(memory_off_first(&memory, "default/web1").us, fixture_minute(4).us);
    assert_int_equal(memory_off_first(&memory, "default/web2").us, fixture_minute(1).us);
    arena_free(arena);
    store_close(store);
}

static size_t empty_log(struct store *store)
{
    struct err err = {0};
    size_t moved = 0;
    if (store_empty_log(store, &moved, &err) != 0)
        fail_msg("%s", err.text);
    return moved;
}

/* So many guests that emptying the log is more than one piece (paced_file.h). */
static void put_many(struct store *store)
{
    enum { MANY = 5000, LINE = 64 };
    static char lines[MANY][LINE];
    static const char *pointers[MANY];
    for (int i = 0; i < MANY; i++) {
        snprintf(lines[i], LINE, "hv1,guest%d,52:54:00:01:%02x:%02x,on,x", i, i >> 8, i & 255);
        pointers[i] = lines[i];
    }
    fixture_round(store, 1, NULL, fixture_guests("cmdb", 1, pointers, MANY));
}

static void another_handle_empties_the_log(void **state)
{
    static const char *const lines[] = {"hv1,web1,52:54:00:00:00:01,on,a"};
    struct store *store = fixture_open(*state, STORE_WRITE);
    struct store *log = fixture_open(*state, STORE_LOG);
    store_leave_log(store);
    put_many(store);
    size_t pages = store_log_pages(store);
    assert_true(pages > 2 * PACED_BYTES / 4096);
    assert_int_equal(empty_log(log), pages);
    assert_int_equal(store_log_pages(store), pages); /* the next commit begins it anew */
    fixture_round(store, 2, NULL, fixture_guests("cmdb", 2, lines, 1));
    assert_true(store_log_pages(store) < pages);
    struct store *reader = fixture_open(*state, STORE_READ);
    size_t seen = store_log_pages(store);
    fixture_round(store, 3, NULL, fixture_guests("cmdb", 3, lines, 1));
    fixture_round(store, 4, NULL, fixture_guests("cmdb", 4, lines, 1));
    assert_true(empty_log(store) < store_log_pages(store)); /* the reader needs its view */
    assert_true(empty_log(log) >= seen);
    store_close(reader);
    assert_int_equal(empty_log(log), store_log_pages(store));
    store_close(log);
    store_close(store);
    store = fixture_open(*state, STORE_READ);
    assert_int_equal(measure(store).rounds, 4);
    store_close(store);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(another_handle_empties_the_log),
        TEST(an_unchanged_table_costs_its_receipt),
        TEST(a_move_is_two_intervals_side_by_side),
        TEST(a_reading_in_part_ends_nothing_for_good),
        TEST(what_this_round_moves_is_remembered),
        TEST(one_round_has_one_table_of_a_switch),
        TEST(an_aborted_round_leaves_nothing),
        TEST(the_last_good_snapshot_comes_back_equal),
        TEST(changed_records_cost_their_rows),
        TEST(failures_count_rounds_in_a_row),
        TEST(since_when_a_guest_is_off_is_kept),
        TEST(a_round_of_the_daemon_is_replayed_as_it_was),
        TEST(since_when_a_guest_is_off_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
