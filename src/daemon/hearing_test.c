/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/hearing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "io/clock.h"
#include "io/loop.h"

/* An event source that hears what the test says, and notes what it is told. */

struct fake_config {
    char *label;
};

struct fake {
    struct event_feed *feed;
    const struct fake_config *config;
};

/* Events of one test, at most. */
enum { MOST = 1024 };

/* What the class's functions see of the running test. */
static struct {
    struct fake *last;
    unsigned constructed, destructed, started, stopped, settled, stored, failing_starts;
    uint64_t tickets[MOST], dropped;
    unsigned heard;
    char sessions[MOST][16];
    struct loop *loop;
    unsigned stop_after; /* settled tickets that end the loop */
} seen;

static int fake_construct(void *state, const void *config, struct env *env, struct err *err)
{
    ((struct fake *)state)->config = config;
    seen.constructed++;
    return 0;
}

static void fake_destruct(void *state)
{
    seen.destructed++;
}

static int fake_start(void *state, struct event_feed *feed, struct err *err)
{
    struct fake *fake = state;
    if (seen.failing_starts > 0) {
        seen.failing_starts--;
        return err_set(err, ERR_SYSTEM, "the port is taken");
    }
    fake->feed = feed;
    seen.last = fake;
    seen.started++;
    return 0;
}

static void fake_stop(void *state)
{
    seen.stopped++;
}

static void fake_settled(void *state, const uint64_t *tickets, size_t count, bool stored)
{
    for (size_t i = 0; i < count && seen.settled < ARRAY_COUNT(seen.tickets); i++)
        seen.tickets[seen.settled++] = tickets[i];
    seen.stored += stored ? (unsigned)count : 0;
    if (seen.stop_after > 0 && seen.settled >= seen.stop_after)
        loop_stop(seen.loop);
}

static void fake_status(void *state, struct source_status *ret)
{
    ret->counters[0] = (struct source_counter){"datagrams", 7, false};
    ret->counters[1] = (struct source_counter){"dropped", seen.dropped, true};
    ret->count = 2;
}

static const struct config_option fake_options[] = {
    {.name = "label", .type = OPTION_TEXT, .offset = offsetof(struct fake_config, label)},
    {.name = NULL}};

static const struct event_source_class fake_class = {
    .plug = {.type = "fake",
             .summary = "Tests.",
             .options = fake_options,
             .state_size = sizeof(struct fake),
             .config_size = sizeof(struct fake_config),
             .construct = fake_construct,
             .destruct = fake_destruct},
    .start = fake_start,
    .stop = fake_stop,
    .settled = fake_settled,
    .status = fake_status};

struct stage {
    char folder[64];
    struct loop *loop;
    struct log *log;
    FILE *log_file;
    struct env env;
    struct switch_names *switches;
    struct journal *journal;
    struct generation *generation;
    struct hearing *hearing;
};

/* A configuration with one source, fake, that says `label`. */
static struct config *make_config(const char *label)
{
    struct config *config = NULL;
    struct config_report report;
    static const char text[] = "recorded: [{type: csv, guests: g.csv}]\ndaemon: {retry: 100ms}\n";
    assert_int_equal(config_parse("/x/muster.yaml", text, sizeof text - 1, &config, &report), 0);
    config_report_done(&report);
    config->events = alloc_zeroed(1, sizeof *config->events);
    struct fake_config *options = alloc_zeroed(1, sizeof *options);
    options->label = alloc_text(label);
    config->events[0] =
        (struct config_source){.name = alloc_text("ear"), .options = options, .event = &fake_class};
    config->event_count = 1;
    return config;
}

static void heard(void *context, const struct event *events, size_t count)
{
    for (size_t i = 0; i < count && seen.heard < ARRAY_COUNT(seen.sessions); i++) {
        assert_string_equal(events[i].source, "ear");
        assert_string_equal(events[i].type, "fake");
        assert_true(wall_known(events[i].heard));
        snprintf(seen.sessions[seen.heard++], sizeof seen.sessions[0], "%s", events[i].session);
    }
}

static void stage_open(struct stage *stage)
{
    struct err err;
    memset(&seen, 0, sizeof seen);
    *stage = (struct stage){.folder = "/tmp/muster-hearing-XXXXXX"};
    assert_non_null(mkdtemp(stage->folder));
    strcat(stage->folder, "/j");
    stage->loop = seen.loop = loop_new();
    stage->log_file = fopen("/dev/null", "w");
    stage->log = log_new(stage->log_file, LOG_LEVEL_DEBUG, false);
    stage->env = (struct env){.loop = stage->loop, .now = clock_env_now};
    stage->switches = switch_names_new();
    stage->generation = generation_new(make_config("a"), &stage->env);
    const struct hearing_parts parts = {
        .loop = stage->loop, .log = stage->log, .switches = stage->switches, .heard = heard};
    const struct journal_options options = {.segment_bytes = JOURNAL_SEGMENT_BYTES_MIN};
    stage->hearing = hearing_new(&parts, stage->generation);
    assert_int_equal(journal_open(stage->folder, &options, &stage->journal, NULL, &err), 0);
    assert_int_equal(hearing_keep_in(stage->hearing, stage->journal, &err), 0);
}

static void stage_close(struct stage *stage)
{
    char command[128];
    hearing_free(stage->hearing);
    generation_drop(stage->generation);
    journal_close(stage->journal);
    switch_names_free(stage->switches);
    loop_free(stage->loop);
    log_free(stage->log);
    fclose(stage->log_file);
    assert_int_equal(seen.constructed, seen.destructed);
    assert_int_equal(seen.started, seen.stopped);
    *strrchr(stage->folder, '/') = '\0';
    snprintf(command, sizeof command, "rm -r %s", stage->folder);
    assert_int_equal(system(command), 0);
}

static void say(unsigned number, uint64_t ticket)
{
    char session[16];
    struct event event = event_of(EVENT_START);
    snprintf(session, sizeof session, "s%u", number);
    event.session = session;
    assert_int_equal(event_feed_add(seen.last->feed, &event, ticket), 0);
    memset(session, 'x', sizeof session - 1); /* texts are copied */
}

static void test_events_are_stored_then_answered_and_handed_over_in_order(void **unused)
{
    struct stage stage;
    stage_open(&stage);
    assert_int_equal(hearing_start(stage.hearing), 0);
    for (unsigned i = 0; i < 40; i++) {
        say(i, i % 2 == 0 ? i : EVENT_NO_TICKET);
        if (i % 7 == 6)
            event_feed_flush(seen.last->feed);
    }
    event_feed_flush(seen.last->feed);
    assert_int_equal(seen.settled, 0);
    seen.stop_after = 20;
    loop_run(stage.loop);
    assert_int_equal(seen.stored, 20);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(seen.tickets[i] % 2, 0);
    hearing_stop(stage.hearing);
    assert_int_equal(seen.heard, 40);
    for (unsigned i = 0; i < 40; i++) {
        char session[16];
        snprintf(session, sizeof session, "s%u", i);
        assert_string_equal(seen.sessions[i], session);
    }
    struct event_queue_status status;
    hearing_count(stage.hearing, &status);
    assert_int_equal(status.added, 40);
    assert_int_equal(status.stored, 40);
    assert_int_equal(status.waiting, 0);
    stage_close(&stage);
}

static void stop_loop(void *aux)
{
    loop_stop(aux);
}

static void run_for(struct stage *stage, struct span time)
{
    struct loop_timer *timer = loop_timer_new(stage->loop, stop_loop, stage->loop);
    loop_timer_start(timer, time);
    loop_run(stage->loop);
    loop_timer_free(timer);
}

/* One sync may settle more than a turn of the loop may tell, and nothing else may come. */
static void test_one_large_group_is_settled_whole(void **unused)
{
    struct stage stage;
    struct event_queue_status status;
    stage_open(&stage);
    assert_int_equal(hearing_start(stage.hearing), 0);
    for (unsigned count = 1; count <= 385; count += 128) {
        seen.settled = seen.heard = 0;
        for (unsigned i = 0; i < count; i++)
            say(i, i);
        event_feed_flush(seen.last->feed);
        for (unsigned turns = 0; seen.heard < count && turns < 100; turns++)
            run_for(&stage, span_ms(20));
        hearing_count(stage.hearing, &status);
        assert_int_equal(status.waiting, 0);
        assert_int_equal(seen.settled, count);
        assert_int_equal(seen.heard, count);
    }
    stage_close(&stage);
}

static void test_a_source_that_fails_is_started_again(void **unused)
{
    struct stage stage;
    size_t count;
    struct err err;
    stage_open(&stage);
    seen.failing_starts = 1;
    assert_int_equal(hearing_start(stage.hearing), 1);
    struct ear *const *ears = hearing_ears(stage.hearing, &count);
    assert_int_equal(count, 1);
    assert_false(ears[0]->listening);
    assert_non_null(strstr(ears[0]->err.text, "the port is taken"));
    run_for(&stage, span_ms(150));
    assert_true(ears[0]->listening);
    assert_int_equal(seen.started, 1);
    /* It finds out later that its socket is gone. */
    err_set(&err, ERR_SYSTEM, "the interface is gone");
    event_feed_failed(ears[0]->feed, &err);
    event_feed_failed(ears[0]->feed, &err);
    assert_true(ears[0]->listening);
    run_for(&stage, span_ms(20));
    assert_false(ears[0]->listening);
    assert_int_equal(seen.stopped, 1);
    run_for(&stage, span_ms(200));
    assert_true(ears[0]->listening);
    assert_int_equal(seen.constructed, 1);
    stage_close(&stage);
}

/* One that starts and finds out later, each time, that nobody answers: it rests longer and longer,
 * and is a gap until it has listened for a while, or hears something. */
static void test_a_source_that_fails_after_each_start_rests_longer(void **unused)
{
    struct stage stage;
    size_t count;
    struct err err;
    stage_open(&stage);
    hearing_start(stage.hearing);
    struct ear *const *ears = hearing_ears(stage.hearing, &count);
    err_set(&err, ERR_SYSTEM, "nobody answers");
    for (unsigned failures = 1; failures <= 2; failures++) {
        event_feed_failed(ears[0]->feed, &err);
        run_for(&stage, span_ms(100 << (failures - 1)) /* its rest */);
        assert_int_equal(ears[0]->failures, failures);
        assert_true(ears[0]->listening);
        struct snapshot *snapshot = snapshot_new(stage.generation, 2);
        hearing_add_deaf(stage.hearing, snapshot);
        assert_int_equal(snapshot->gap_count, 1);
        assert_int_equal(snapshot->gaps[0].rounds, failures);
        assert_non_null(strstr(snapshot->gaps[0].why, "nobody answers"));
        snapshot_free(snapshot);
    }
    assert_int_equal(seen.started, 3);
    say(1, 11);
    assert_int_equal(ears[0]->failures, 0);
    event_feed_failed(ears[0]->feed, &err);
    run_for(&stage, span_ms(100));
    assert_int_equal(ears[0]->failures, 1);
    run_for(&stage, span_ms(320));
    assert_int_equal(ears[0]->failures, 0);
    stage_close(&stage);
}

static void test_a_reload_leaves_what_did_not_change(void **unused)
{
    struct stage stage;
    stage_open(&stage);
    hearing_start(stage.hearing);
    struct fake *before = seen.last;
    say(1, 11);
    struct generation *same = generation_new(make_config("a"), &stage.env);
    hearing_reload(stage.hearing, same);
    generation_drop(same);
    assert_int_equal(seen.started, 1);
    assert_int_equal(seen.stopped, 0);
    assert_string_equal(before->config->label, "a"); /* its configuration is still there */
    struct generation *other = generation_new(make_config("b"), &stage.env);
    event_feed_flush(seen.last->feed);
    hearing_reload(stage.hearing, other);
    generation_drop(other);
    assert_int_equal(seen.started, 2);
    assert_int_equal(seen.stopped, 1);
    assert_string_equal(seen.last->config->label, "b");
    /* What the old one heard is handed over; it itself is not there to be told. */
    hearing_stop(stage.hearing);
    assert_int_equal(seen.heard, 1);
    assert_int_equal(seen.settled, 0);
    stage_close(&stage);
}

static void test_the_deaf_and_the_losing_become_gaps(void **unused)
{
    struct stage stage;
    stage_open(&stage);
    hearing_start(stage.hearing);
    for (unsigned round = 1; round <= 4; round++) {
        struct snapshot *snapshot = snapshot_new(stage.generation, 2);
        seen.dropped += round < 4 ? 5 : 0;
        hearing_add_deaf(stage.hearing, snapshot);
        assert_int_equal(snapshot->gap_count, round < 4 ? 1 : 0);
        if (round < 4) {
            assert_true(snapshot->gaps[0].hears);
            assert_int_equal(snapshot->gaps[0].rounds, round);
            assert_non_null(strstr(snapshot->gaps[0].why, "lost or refused 5 in this round"));
        }
        snapshot_free(snapshot);
    }
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_are_stored_then_answered_and_handed_over_in_order),
        cmocka_unit_test(test_one_large_group_is_settled_whole),
        cmocka_unit_test(test_a_source_that_fails_is_started_again),
        cmocka_unit_test(test_a_source_that_fails_after_each_start_rests_longer),
        cmocka_unit_test(test_a_reload_leaves_what_did_not_change),
        cmocka_unit_test(test_the_deaf_and_the_losing_become_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
