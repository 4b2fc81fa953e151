/* SPDX-License-Identifier: Apache-2.0 */
#include "source/fdb_follow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "contract/feed_fake.h"

enum { REFRESH_S = 60, AGEING_S = 300 };

struct bench {
    struct event_feed *feed;
    struct fdb_follow *follow;
    int64_t now_s;
    struct forward_table *table; /* under construction */
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    bench->feed = feed_fake_new("br", "linux_bridge");
    bench->follow = fdb_follow_new(&(struct fdb_follow_settings){
        .feed = bench->feed, .switch_name = "hv1", .refresh = span_seconds(REFRESH_S)});
    bench->now_s = 100000;
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    fdb_follow_free(bench->follow);
    feed_fake_free(bench->feed);
    free(bench);
    return 0;
}

static struct wall seconds(int64_t s)
{
    return (struct wall){s * 1000000};
}

static struct mac guest(unsigned number)
{
    return (struct mac){UINT64_C(0x525400000000) + number};
}

static struct fdb_place at(unsigned number, const char *port)
{
    return (struct fdb_place){.mac = guest(number),
                              .vlan = 10,
                              .bridge = 1,
                              .port = port,
                              .uplink = strncmp(port, "eth", 3) == 0};
}

static void seen(struct bench *bench, unsigned number, const char *port)
{
    struct fdb_place place = at(number, port);
    fdb_follow_seen(bench->follow, &place, seconds(bench->now_s));
    fdb_follow_end(bench->follow, seconds(bench->now_s));
}

static void gone(struct bench *bench, unsigned number, const char *port, bool aged)
{
    struct fdb_place place = at(number, port);
    fdb_follow_gone(bench->follow, &place, aged, seconds(bench->now_s));
    fdb_follow_end(bench->follow, seconds(bench->now_s));
}

/* Compares the events so far with words like "start tap0, stop tap1 moved" and forgets
 * them. */
static void expect(struct bench *bench, const char *expected)
{
    AUTO_TEXT struct text found = TEXT_EMPTY;
    for (size_t i = 0; i < feed_fake_count(bench->feed); i++) {
        const struct event *event = feed_fake_event(bench->feed, i);
        text_printf(&found, "%s%s %s%s%s", i > 0 ? ", " : "", event_kind_word(event->kind),
                    event->kind == EVENT_HINT ? event_hint_word(event->hint) : event->port,
                    event->cause != NULL && event->kind == EVENT_STOP ? " " : "",
                    event->kind == EVENT_STOP ? event->cause : "");
    }
    assert_string_equal(text_get(&found), expected);
    assert_int_equal(feed_fake_unflushed(bench->feed), 0);
    feed_fake_clear(bench->feed);
}

/* --- change by change --- */

static void learnt(void **state)
{
    struct bench *bench = *state;
    seen(bench, 1, "tap0");
    const struct event *event = feed_fake_event(bench->feed, 0);
    assert_true(mac_equal(event->mac, guest(1)));
    assert_int_equal(event->vlan, 10);
    assert_string_equal(event->switch_name, "hv1");
    assert_string_equal(event->nas, "hv1");
    assert_string_equal(event->session, "vlan 10 tap0");
    assert_int_equal(event->proof, EVENT_PROOF_TOLD);
    assert_int_equal(event->at.us, bench->now_s * 1000000);
    assert_int_equal(event->lifetime.us / 1000000, AGEING_S + 2 * REFRESH_S + 10);
    expect(bench, "start tap0");
    seen(bench, 1, "tap0");
    expect(bench, "");
}

static void moves_are_start_then_stop(void **state)
{
    struct bench *bench = *state;
    seen(bench, 1, "tap0");
    seen(bench, 1, "tap1");
    expect(bench, "start tap0, start tap1, stop tap0 moved");
    /* The old port's own word comes late. */
    gone(bench, 1, "tap0", false);
    expect(bench, "");
}

static void uplinks_are_elsewhere(void **state)
{
    struct bench *bench = *state;
    seen(bench, 1, "eth0");
    expect(bench, "");
    seen(bench, 1, "tap0");
    expect(bench, "start tap0");
    seen(bench, 1, "eth0");
    expect(bench, "stop tap0 moved");
    gone(bench, 1, "eth0", false);
    expect(bench, "");
}

static void removed_and_aged(void **state)
{
    struct bench *bench = *state;
    seen(bench, 1, "tap0");
    seen(bench, 2, "tap1");
    gone(bench, 1, "tap0", false);
    gone(bench, 2, "tap1", true);
    gone(bench, 3, "tap2", false);
    expect(bench, "start tap0, start tap1, stop tap0 removed");
    seen(bench, 2, "tap1");
    expect(bench, "start tap1");
}

static void refreshed(void **state)
{
    struct bench *bench = *state;
    seen(bench, 1, "tap0");
    bench->now_s += REFRESH_S - 1;
    seen(bench, 1, "tap0");
    expect(bench, "start tap0");
    bench->now_s += 1;
    seen(bench, 1, "tap0");
    expect(bench, "update tap0");
    seen(bench, 1, "tap0");
    expect(bench, "");
}

static void bridges_apart(void **state)
{
    struct bench *bench = *state;
    struct fdb_place first = at(1, "tap0"), second = at(1, "tap1"), tagged = at(1, "tap2");
    second.bridge = 2;
    tagged.vlan = 20;
    fdb_follow_seen(bench->follow, &first, seconds(bench->now_s));
    fdb_follow_seen(bench->follow, &second, seconds(bench->now_s));
    fdb_follow_seen(bench->follow, &tagged, seconds(bench->now_s));
    fdb_follow_end(bench->follow, seconds(bench->now_s));
    expect(bench, "start tap0, start tap1, start tap2");
}

/* --- whole tables --- */

static void begin_table(struct bench *bench)
{
    bench->table = forward_table_new("hv1", "default");
}

static void add_row(struct bench *bench, unsigned number, const char *name, uint16_t age,
                    enum forward_status status)
{
    struct forward_table *table = bench->table;
    uint32_t vlan = 10, port = forward_table_find_port(table, name);
    struct forward_port new = {.name = names_add(table->names, name, strlen(name)),
                               .descr = NAME_NONE,
                               .alias = NAME_NONE,
                               .bridge = 1,
                               .aggregate = (uint32_t)table->port_count,
                               .uplink = strncmp(name, "eth", 3) == 0};
    if (port == FORWARD_NO_PORT)
        port = forward_table_add_port(table, &new);
    struct forward_row row = {.mac_status = forward_row_key(guest(number), status),
                              .port = port,
                              .vlan = vlan_pool_add(table->vlans, &vlan, 1),
                              .age = age};
    assert_true(forward_table_add_row(table, row));
}

static void end_table(struct bench *bench, bool whole)
{
    struct receipt receipt;
    receipt_init(&receipt);
    receipt.ageing = span_seconds(AGEING_S);
    receipt.whole = whole;
    forward_table_add_receipt(bench->table, &receipt);
    receipt_done(&receipt);
    forward_table_finish(bench->table);
    fdb_follow_table(bench->follow, bench->table, seconds(bench->now_s));
    forward_table_free(bench->table);
}

static void table_differences(void **state)
{
    struct bench *bench = *state;
    begin_table(bench);
    add_row(bench, 1, "tap0", 5, FORWARD_LEARNED);
    add_row(bench, 2, "tap1", 0, FORWARD_LEARNED);
    add_row(bench, 3, "eth0", 0, FORWARD_LEARNED);
    add_row(bench, 4, "tap0", 0, FORWARD_MGMT);
    add_row(bench, 5, "tap0", 0, FORWARD_INVALID);
    end_table(bench, true);
    assert_int_equal(feed_fake_event(bench->feed, 0)->at.us, (bench->now_s - 5) * 1000000);
    expect(bench, "start tap0, start tap1");
    bench->now_s += 1;
    begin_table(bench);
    add_row(bench, 1, "tap2", 0, FORWARD_LEARNED);
    end_table(bench, true);
    expect(bench, "start tap2, stop tap0 moved, stop tap1 removed");
}

/* Silent for the ageing time: not stopped. */
static void table_ageing(void **state)
{
    struct bench *bench = *state;
    begin_table(bench);
    add_row(bench, 1, "tap0", 290, FORWARD_LEARNED);
    add_row(bench, 2, "tap1", 10, FORWARD_LEARNED);
    end_table(bench, true);
    expect(bench, "start tap0, start tap1");
    bench->now_s += 10;
    begin_table(bench);
    end_table(bench, true);
    expect(bench, "stop tap1 removed");
}

static void table_refresh(void **state)
{
    struct bench *bench = *state;
    for (unsigned look = 0; look < 130; look++, bench->now_s++) {
        begin_table(bench);
        add_row(bench, 1, "tap0", 0, FORWARD_LEARNED);
        add_row(bench, 2, "tap1", (uint16_t)look, FORWARD_LEARNED);
        end_table(bench, true);
    }
    expect(bench, "start tap0, start tap1, update tap0, update tap0");
}

/* A table that is not whole takes nothing away. */
static void partial_table(void **state)
{
    struct bench *bench = *state;
    seen(bench, 1, "tap0");
    begin_table(bench);
    add_row(bench, 2, "tap1", 0, FORWARD_LEARNED);
    end_table(bench, false);
    expect(bench, "start tap0, start tap1");
}

static void flush_is_said(void **state)
{
    struct bench *bench = *state;
    begin_table(bench);
    for (unsigned i = 0; i < 40; i++)
        add_row(bench, i, "tap0", 0, FORWARD_LEARNED);
    end_table(bench, true);
    feed_fake_clear(bench->feed);
    begin_table(bench);
    for (unsigned i = 0; i < 20; i++)
        add_row(bench, i, "tap0", 0, FORWARD_LEARNED);
    end_table(bench, true);
    assert_int_equal(feed_fake_count(bench->feed), 21);
    assert_int_equal(feed_fake_event(bench->feed, 20)->hint, EVENT_HINT_TOPOLOGY_CHANGE);
    feed_fake_clear(bench->feed);
    /* Fifteen of twenty: too few to say anything. */
    bench->now_s += 1;
    begin_table(bench);
    for (unsigned i = 0; i < 5; i++)
        add_row(bench, i, "tap0", 0, FORWARD_LEARNED);
    end_table(bench, true);
    assert_int_equal(feed_fake_count(bench->feed), 15);
}

/* The kernel tells a flush one by one. */
static void flush_in_pieces(void **state)
{
    struct bench *bench = *state;
    for (unsigned i = 0; i < 40; i++)
        seen(bench, i, "tap0");
    bench->now_s += 5;
    feed_fake_clear(bench->feed);
    for (unsigned i = 0; i < 40; i++)
        gone(bench, i, "tap0", false);
    assert_int_equal(feed_fake_count(bench->feed), 41);
    assert_int_equal(feed_fake_event(bench->feed, 20)->hint, EVENT_HINT_TOPOLOGY_CHANGE);
    feed_fake_clear(bench->feed);
    /* Guest by guest over a minute is none. */
    for (unsigned i = 0; i < 40; i++)
        seen(bench, i, "tap0");
    for (unsigned i = 0; i < 40; i++, bench->now_s += 2)
        gone(bench, i, "tap0", false);
    assert_int_equal(feed_fake_count(bench->feed), 80);
}

/* --- bounds --- */

/* What the feed had no room for comes at the next look. */
static void refused_and_offered_again(void **state)
{
    struct bench *bench = *state;
    feed_fake_refuse_after(bench->feed, 1);
    begin_table(bench);
    add_row(bench, 1, "tap0", 0, FORWARD_LEARNED);
    add_row(bench, 2, "tap1", 0, FORWARD_LEARNED);
    end_table(bench, true);
    expect(bench, "start tap0");
    feed_fake_refuse_after(bench->feed, SIZE_MAX);
    begin_table(bench);
    add_row(bench, 1, "tap0", 0, FORWARD_LEARNED);
    add_row(bench, 2, "tap1", 0, FORWARD_LEARNED);
    end_table(bench, true);
    expect(bench, "start tap1");
    feed_fake_refuse_after(bench->feed, 0);
    gone(bench, 1, "tap0", false);
    expect(bench, "");
    feed_fake_refuse_after(bench->feed, SIZE_MAX);
    begin_table(bench);
    add_row(bench, 2, "tap1", 0, FORWARD_LEARNED);
    end_table(bench, true);
    expect(bench, "stop tap0 removed");
}

/* Back before its stop could be told: its session just goes on. */
static void back_before_told(void **state)
{
    struct bench *bench = *state;
    seen(bench, 1, "tap0");
    feed_fake_refuse_after(bench->feed, 0);
    gone(bench, 1, "tap0", false);
    feed_fake_refuse_after(bench->feed, SIZE_MAX);
    seen(bench, 1, "tap0");
    expect(bench, "start tap0");
    gone(bench, 1, "tap0", false);
    expect(bench, "stop tap0 removed");
}

static uint64_t counter(struct bench *bench, const char *name)
{
    struct source_status status = {.count = 0};
    fdb_follow_status(bench->follow, &status);
    for (size_t i = 0; i < status.count; i++)
        if (strcmp(status.counters[i].name, name) == 0)
            return status.counters[i].value;
    fail_msg("no counter %s", name);
    return 0;
}

static void address_flood(void **state)
{
    struct bench *bench = *state;
    feed_fake_refuse_after(bench->feed, 0);
    for (unsigned i = 0; i < LIMIT_FOLLOWED_ROWS + 1000; i++) {
        struct fdb_place place = at(i, "tap0");
        fdb_follow_seen(bench->follow, &place, seconds(bench->now_s));
    }
    assert_int_equal(counter(bench, "followed"), LIMIT_FOLLOWED_ROWS);
    assert_int_equal(counter(bench, "over_limit"), 1000);
    begin_table(bench);
    end_table(bench, true);
    assert_int_equal(counter(bench, "followed"), 0);
}

/* Random life against a plain array: whoever is there is told to be there. */
static void random_life(void **state)
{
    enum { GUESTS = 300, STEPS = 30000, PORTS = 4 };
    static const char *const names[PORTS] = {"", "tap0", "tap1", "tap2"};
    struct bench *bench = *state;
    unsigned truth[GUESTS] = {0}, told[GUESTS] = {0}, seed = 4711;
    for (int step = 0; step < STEPS; step++) {
        unsigned who = (unsigned)rand_r(&seed) % GUESTS, where = (unsigned)rand_r(&seed) % PORTS;
        if (where != 0)
            seen(bench, who, names[where]);
        else if (truth[who] != 0)
            gone(bench, who, names[truth[who]], false);
        truth[who] = where;
        for (size_t i = 0; i < feed_fake_count(bench->feed); i++) {
            const struct event *event = feed_fake_event(bench->feed, i);
            unsigned number = (unsigned)(event->mac.bits & 0xffff), port = 1;
            if (event->kind == EVENT_HINT)
                continue;
            while (strcmp(names[port], event->port) != 0)
                port++;
            if (event->kind == EVENT_START)
                told[number] = port;
            else if (told[number] == port)
                told[number] = 0;
        }
        feed_fake_clear(bench->feed);
    }
    assert_memory_equal(told, truth, sizeof(truth));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(learnt),
        TEST(moves_are_start_then_stop),
        TEST(refreshed),
        TEST(uplinks_are_elsewhere),
        TEST(bridges_apart),
        TEST(removed_and_aged),
        TEST(table_ageing),
        TEST(table_differences),
        TEST(table_refresh),
        TEST(partial_table),
        TEST(flush_in_pieces),
        TEST(flush_is_said),
        TEST(refused_and_offered_again),
        TEST(address_flood),
        TEST(back_before_told),
        TEST(random_life),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
