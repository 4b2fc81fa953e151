/* SPDX-License-Identifier: Apache-2.0 */

/* The clauses of contract/plugin.h on event sources, each run against every registered
 * one; what a source is tried with stands in event_subjects.c. Much of it is waiting, so
 * that one process for each of a few groups does it sooner: the first argument is the
 * beginning of the subjects' names that this one tries, the others are those that the
 * other processes try. Without arguments all are tried. */

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/text.h"
#include "contract/feed_fake.h"
#include "daemon/registry.h"
#include "event_subjects.h"
#include "io/clock.h"

enum {
    HOLD_US = 5000,   /* nothing holds the loop longer */
    PATIENCE_S = 10,  /* until what must come is missed */
    QUIET_TURNS = 30, /* in which what must not come would have */
    FEW = 6,
    TAKEN = 2, /* of FEW events the feed takes TAKEN */
    CROWD = 6000,
    TRIES = 6
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWED true
#else
#define SLOWED false
#endif

static bool has_network;
static const char *const *groups; /* what subjects' names begin with, the first ours; NULL: all */
static size_t group_count;

struct bench {
    const struct event_subject *subject;
    const struct event_source_class *class;
    struct stage stage;
    void *config, *state;
    struct event_feed *feed;
    struct source_status before; /* counters as last looked at */
    struct span longest;         /* call of the source */
};

/* --- options --- */

/* Returns `text` with its placeholders filled in; yours to free. */
static char *fill(const struct stage *stage, const char *text)
{
    struct text filled = TEXT_EMPTY;
    while (*text != '\0') {
        if (strncmp(text, "{dir}", 5) == 0) {
            text_add(&filled, stage->directory);
            text += 5;
        } else if (strncmp(text, "{port}", 6) == 0) {
            text_printf(&filled, "%u", stage->port);
            text += 6;
        } else {
            text_add_char(&filled, *text++);
        }
    }
    return text_take(&filled);
}

static int set(struct bench *bench, const struct subject_setting *setting, struct err *err)
{
    const struct config_option *option = options_find(bench->class->plug.options, setting->key);
    const struct option_source where = {"muster.yaml", 7, bench->stage.directory};
    char *values[ARRAY_COUNT(setting->values)];
    size_t count = 0;
    bool exposed;
    assert_non_null(option);
    for (; count < ARRAY_COUNT(values) && setting->values[count] != NULL; count++)
        values[count] = fill(&bench->stage, setting->values[count]);
    int code = option_parse(option, setting->key, (const char *const *)values, count, &where,
                            bench->config, &exposed, err);
    while (count > 0)
        free(values[--count]);
    return code;
}

static void set_all(struct bench *bench)
{
    struct err err;
    options_init_in(bench->class->plug.options, bench->stage.directory, bench->config);
    for (size_t i = 0; i < SUBJECT_SETTINGS && bench->subject->settings[i].key != NULL; i++) {
        if (set(bench, &bench->subject->settings[i], &err) != 0)
            fail_msg("%s: %s", bench->subject->name, err.text);
    }
}

/* --- calls of the source, each timed --- */

static int64_t processor_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static void note(struct bench *bench, int64_t since)
{
    struct span took = span_us(processor_us() - since);
    if (took.us > bench->longest.us)
        bench->longest = took;
}

static int construct(struct bench *bench, struct err *err)
{
    int64_t since = processor_us();
    bench->state = alloc_zeroed(1, bench->class->plug.state_size);
    int code = bench->class->plug.construct(bench->state, bench->config, &bench->stage.env, err);
    note(bench, since);
    return code;
}

static int start(struct bench *bench, struct err *err)
{
    int64_t since = processor_us();
    int code = bench->class->start(bench->state, bench->feed, err);
    note(bench, since);
    memset(&bench->before, 0, sizeof bench->before);
    return code;
}

static void stop(struct bench *bench)
{
    int64_t since = processor_us();
    bench->class->stop(bench->state);
    note(bench, since);
}

static void destruct(struct bench *bench)
{
    int64_t since = processor_us();
    bench->class->plug.destruct(bench->state);
    note(bench, since);
    memset(bench->state, 0xa5, bench->class->plug.state_size);
    free(bench->state);
    bench->state = NULL;
}

static void settle(struct bench *bench, const uint64_t *tickets, size_t count, bool stored)
{
    if (bench->class->settled != NULL)
        bench->class->settled(bench->state, tickets, count, stored);
}

static uint64_t losses(struct bench *bench)
{
    struct source_status status = {.count = 0};
    uint64_t sum = 0;
    bench->class->status(bench->state, &status);
    for (size_t i = 0; i < status.count; i++)
        sum += status.counters[i].loss ? status.counters[i].value : 0;
    return sum;
}

/* --- a bench --- */

static struct bench *bench_open(const struct event_subject *subject)
{
    struct bench *bench = alloc_zeroed(1, sizeof *bench);
    struct err err;
    bench->subject = subject;
    bench->class = subject->class;
    stage_open(&bench->stage);
    bench->config = alloc_zeroed(1, bench->class->plug.config_size);
    bench->feed = feed_fake_new(subject->name, bench->class->plug.type);
    feed_fake_map(bench->feed, "127.0.0.1", "sw1");
    set_all(bench);
    if (construct(bench, &err) != 0)
        fail_msg("%s: %s", subject->name, err.text);
    return bench;
}

static void bench_close(struct bench *bench)
{
    if (bench->state != NULL) {
        stop(bench);
        destruct(bench);
    }
    options_done(bench->class->plug.options, bench->config);
    memset(bench->config, 0xa5, bench->class->plug.config_size);
    free(bench->config);
    feed_fake_free(bench->feed);
    stage_close(&bench->stage);
    free(bench);
}

static size_t open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    size_t count = 0;
    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

/* The descriptors that are open once the stage has closed its own of a source that was
 * stopped. */
static size_t descriptors_at_rest(struct bench *bench)
{
    struct mono until = mono_add(loop_now(bench->stage.env.loop), span_seconds(PATIENCE_S));
    while (stage_is_serving(&bench->stage) && loop_now(bench->stage.env.loop).us < until.us)
        stage_turn(&bench->stage);
    return open_descriptors();
}

/* Nothing is left open: what is open for a moment only is the stage's. */
static void assert_none_left(struct bench *bench, size_t before)
{
    struct mono until = mono_add(loop_now(bench->stage.env.loop), span_seconds(PATIENCE_S));
    while (open_descriptors() > before && loop_now(bench->stage.env.loop).us < until.us)
        stage_turn(&bench->stage);
    assert_in_range(open_descriptors(), 0, before);
}

/* The loop has nothing left to wait for. */
static void assert_idle(struct bench *bench)
{
    const struct loop *loop = bench->stage.env.loop;
    struct mono until = mono_add(loop_now(loop), span_seconds(PATIENCE_S));
    loop_timer_start(bench->stage.tick, span_ms(1));
    while (loop_step(bench->stage.env.loop)) {
        if (loop_now(loop).us > until.us)
            fail_msg("%s: something was left on the loop", bench->subject->name);
        loop_timer_start(bench->stage.tick, span_ms(1));
    }
}

/* --- what it tells --- */

static bool is_level(const struct event_subject *subject, const char *name)
{
    for (size_t i = 0; i < SUBJECT_REST && subject->levels[i] != NULL; i++) {
        if (strcmp(subject->levels[i], name) == 0)
            return true;
    }
    return false;
}

/* Counters have names of their own and never go down while the source is started. */
static void check_counters(struct bench *bench)
{
    struct source_status now = {.count = 0};
    const struct source_status *before = &bench->before;
    bench->class->status(bench->state, &now);
    assert_true(now.count > 0 && now.count <= SOURCE_COUNTER_MAX);
    for (size_t i = 0; i < now.count; i++) {
        const struct source_counter *counter = &now.counters[i];
        assert_true(counter->name != NULL && counter->name[0] != '\0');
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(counter->name, now.counters[k].name);
        for (size_t k = 0; k < before->count; k++) {
            if (strcmp(counter->name, before->counters[k].name) == 0 &&
                !is_level(bench->subject, counter->name) &&
                counter->value < before->counters[k].value)
                fail_msg("%s: %s went down", bench->subject->name, counter->name);
        }
    }
    bench->before = now;
}

static void turn(struct bench *bench)
{
    stage_turn(&bench->stage);
    check_counters(bench);
}

/* Lets the loop turn until the feed has `count` events. */
static void await(struct bench *bench, size_t count)
{
    struct mono until =
        mono_add(loop_now(bench->stage.env.loop), span_seconds((SLOWED ? 6 : 1) * PATIENCE_S));
    while (feed_fake_count(bench->feed) < count) {
        if (loop_now(bench->stage.env.loop).us > until.us)
            fail_msg("%s: %zu of %zu events; %s", bench->subject->name,
                     feed_fake_count(bench->feed), count, feed_fake_failure(bench->feed));
        turn(bench);
    }
    for (int i = 0; feed_fake_unflushed(bench->feed) > 0; i++) {
        assert_true(i < QUIET_TURNS);
        turn(bench);
    }
}

static void prepare(struct bench *bench, unsigned count)
{
    if (bench->subject->prepare != NULL)
        bench->subject->prepare(&bench->stage, count);
}

/* Starts a source that then is made to tell of `count` things. */
static void play(struct bench *bench, unsigned count)
{
    struct err err;
    prepare(bench, count);
    if (start(bench, &err) != 0)
        fail_msg("%s: %s", bench->subject->name, err.text);
    if (bench->subject->prepare == NULL)
        bench->subject->provoke(&bench->stage, count);
}

static void check_events(struct bench *bench)
{
    for (size_t i = 0; i < feed_fake_count(bench->feed); i++) {
        const struct event *event = feed_fake_event(bench->feed, i);
        bool ticket = feed_fake_ticket(bench->feed, i) != EVENT_NO_TICKET;
        assert_true(event->kind < EVENT_KIND_COUNT && event->proof < EVENT_PROOF_COUNT);
        assert_true(!ticket || bench->class->settled != NULL);
        assert_true(mac_known(event->mac) || ip_known(&event->address) ||
                    event->switch_name != NULL);
    }
}

/* --- which are tried here --- */

static bool is_of(const struct event_subject *subject, const char *group)
{
    return strncmp(subject->name, group, strlen(group)) == 0;
}

static bool is_tried(const struct event_subject *subject)
{
    if (groups != NULL && !is_of(subject, groups[0]))
        return false;
    if (subject->wants_network && !has_network)
        print_message("%s: skipped, this process may have no network of its own\n", subject->name);
    return !subject->wants_network || has_network;
}

/* --- the clauses --- */

typedef void clause_fn(struct bench *bench);

/* Runs a clause with every source that this machine lets be tried. */
static void each(clause_fn *clause)
{
    for (size_t i = 0; i < event_subject_count; i++) {
        if (!is_tried(&event_subjects[i]))
            continue;
        struct bench *bench = bench_open(&event_subjects[i]);
        clause(bench);
        bench_close(bench);
    }
}

static void every_registered_source_is_here(void **state)
{
    (void)state;
    size_t count;
    const struct event_source_class *const *registered = registry_event(&count);
    for (size_t i = 0; i < count; i++) {
        size_t found = 0;
        for (size_t k = 0; k < event_subject_count; k++)
            found += event_subjects[k].class == registered[i];
        if (found == 0)
            fail_msg("no subject is a %s", registered[i]->plug.type);
    }
    for (size_t i = 0; i < event_subject_count && groups != NULL; i++) {
        size_t found = 0;
        for (size_t k = 0; k < group_count; k++)
            found += is_of(&event_subjects[i], groups[k]);
        if (found == 0)
            fail_msg("%s is of no group that is tried", event_subjects[i].name);
    }
}

static void clause_unstarted(struct bench *bench)
{
    struct err err;
    size_t descriptors = open_descriptors();
    for (int again = 0; again < 3; again++) {
        check_counters(bench);
        if (again == 1)
            stop(bench); /* nothing to stop */
        destruct(bench);
        assert_int_equal(open_descriptors(), descriptors);
        assert_int_equal(construct(bench, &err), 0);
        assert_int_equal(open_descriptors(), descriptors);
    }
    destruct(bench);
    assert_idle(bench);
}

static void made_and_not_started_it_leaves_nothing(void **state)
{
    (void)state;
    each(clause_unstarted);
}

static void try_bad(struct bench *bench, const struct subject_bad *bad)
{
    struct err err = {.code = ERR_NONE};
    destruct(bench);
    options_done(bench->class->plug.options, bench->config);
    set_all(bench);
    int code = set(bench, &bad->setting, &err);
    if (code == 0) {
        code = construct(bench, &err);
        free(bench->state); /* a source that was not made is not unmade */
    }
    if (code == 0 || strstr(err.text, bad->setting.key) == NULL ||
        strstr(err.text, bad->said) == NULL)
        fail_msg("%s with %s %s: %d \"%s\"", bench->subject->name, bad->setting.key,
                 bad->setting.values[0], code, err.text);
    options_done(bench->class->plug.options, bench->config);
    set_all(bench);
    assert_int_equal(construct(bench, &err), 0);
}

static void clause_bad(struct bench *bench)
{
    size_t descriptors = open_descriptors();
    for (size_t i = 0; i < SUBJECT_BAD && bench->subject->bad[i].said != NULL; i++)
        try_bad(bench, &bench->subject->bad[i]);
    assert_int_equal(open_descriptors(), descriptors);
}

static void a_bad_option_is_named_with_what_is_wrong(void **state)
{
    (void)state;
    each(clause_bad);
}

static void clause_again(struct bench *bench)
{
    size_t descriptors = 0;
    for (int again = 0; again < 3; again++) {
        struct err err;
        play(bench, FEW);
        await(bench, FEW);
        check_events(bench);
        stop(bench);
        feed_fake_clear(bench->feed);
        if (bench->subject->prepare == NULL)
            bench->subject->provoke(&bench->stage, FEW); /* nobody listens */
        for (int i = 0; i < QUIET_TURNS; i++)
            stage_turn(&bench->stage);
        assert_int_equal(feed_fake_count(bench->feed), 0);
        stop(bench);
        if (again == 1) {
            destruct(bench);
            assert_int_equal(construct(bench, &err), 0);
        }
        if (again == 0)
            descriptors = descriptors_at_rest(bench); /* the loop's own are open now */
        assert_none_left(bench, descriptors);
    }
    destruct(bench);
    assert_idle(bench);
}

static void it_starts_and_stops_as_often_as_asked(void **state)
{
    (void)state;
    each(clause_again);
}

static void clause_gone(struct bench *bench)
{
    struct err err;
    for (unsigned turns = 0; turns < 5; turns++) {
        play(bench, CROWD / 4);
        for (unsigned i = 0; i < turns; i++)
            stage_turn(&bench->stage);
        stop(bench);
        destruct(bench);
        assert_int_equal(construct(bench, &err), 0);
    }
    destruct(bench);
    assert_idle(bench);
}

static void it_may_go_in_the_middle(void **state)
{
    (void)state;
    each(clause_gone);
}

/* Returns what was said of a start that cannot work: at once or by the feed. */
static const char *failure(struct bench *bench, struct err *err)
{
    if (start(bench, err) != 0)
        return err->text;
    struct mono until = mono_add(loop_now(bench->stage.env.loop), span_seconds(PATIENCE_S));
    while (feed_fake_failure(bench->feed)[0] == '\0' &&
           loop_now(bench->stage.env.loop).us < until.us)
        turn(bench);
    stop(bench);
    return feed_fake_failure(bench->feed);
}

static void clause_obstructed(struct bench *bench)
{
    const struct event_subject *subject = bench->subject;
    struct err err;
    size_t descriptors = 0;
    prepare(bench, FEW);
    for (int again = 0; again < (subject->slow_to_fail ? 1 : 2); again++) {
        subject->obstruct(&bench->stage);
        for (int tries = 0; tries < (subject->slow_to_fail ? 1 : 2); tries++) {
            const char *said = failure(bench, &err);
            if (strstr(said, subject->cause) == NULL)
                fail_msg("%s: \"%s\" does not say %s", subject->name, said, subject->cause);
            feed_fake_clear(bench->feed);
        }
        if (subject->cure != NULL)
            subject->cure(&bench->stage);
        play(bench, FEW);
        await(bench, FEW);
        stop(bench);
        feed_fake_clear(bench->feed);
        descriptors = again == 0 ? descriptors_at_rest(bench) : descriptors;
        assert_none_left(bench, descriptors);
    }
    destruct(bench);
    assert_idle(bench);
}

static void a_start_that_fails_says_why_and_can_be_tried_again(void **state)
{
    (void)state;
    each(clause_obstructed);
}

/* What the feed has no room for is counted, and either offered again or not answered. */
static void clause_refused(struct bench *bench)
{
    const struct event_subject *subject = bench->subject;
    uint64_t before = losses(bench);
    feed_fake_refuse_after(bench->feed, TAKEN);
    play(bench, FEW);
    await(bench, TAKEN);
    struct mono until = mono_add(loop_now(bench->stage.env.loop), span_seconds(PATIENCE_S));
    uint64_t least = subject->comes_again ? 1 : FEW - TAKEN; /* they need not come all at once */
    while (losses(bench) - before < least && loop_now(bench->stage.env.loop).us < until.us)
        turn(bench);
    for (int i = 0; i < QUIET_TURNS; i++)
        turn(bench);
    assert_int_equal(feed_fake_count(bench->feed), TAKEN);
    uint64_t lost = losses(bench) - before;
    if (lost == 0 || (!subject->comes_again && lost != FEW - TAKEN))
        fail_msg("%s: %u losses counted", subject->name, (unsigned)lost);
    if (subject->answers && bench->class->settled == NULL)
        assert_int_equal(stage_answers(&bench->stage), TAKEN);
    else
        assert_int_equal(stage_answers(&bench->stage), 0);
    feed_fake_refuse_after(bench->feed, SIZE_MAX);
    if (subject->comes_again)
        await(bench, FEW);
}

static void what_the_feed_refuses_is_not_lost_silently(void **state)
{
    (void)state;
    each(clause_refused);
}

static size_t take_tickets(struct bench *bench, uint64_t tickets[static FEW])
{
    size_t count = 0;
    for (size_t i = 0; i < feed_fake_count(bench->feed) && count < FEW; i++) {
        if (feed_fake_ticket(bench->feed, i) != EVENT_NO_TICKET)
            tickets[count++] = feed_fake_ticket(bench->feed, i);
    }
    feed_fake_clear(bench->feed);
    return count;
}

static unsigned answers_after(struct bench *bench, const uint64_t *tickets, size_t count,
                              bool stored)
{
    settle(bench, tickets, count, stored);
    for (int i = 0; i < QUIET_TURNS; i++)
        turn(bench);
    return stage_answers(&bench->stage);
}

/* The journal may end its work after the source was stopped, or stopped and started. */
static void clause_tickets(struct bench *bench)
{
    uint64_t old[FEW], tickets[FEW];
    const unsigned answered = bench->subject->answers ? FEW - 1 : 0; /* else it asks itself again */
    if (bench->class->settled == NULL)
        return;
    play(bench, FEW);
    await(bench, FEW);
    size_t count = take_tickets(bench, old);
    if (count == 0)
        return; /* nobody waits on this way */
    assert_int_equal(count, FEW);
    assert_int_equal(answers_after(bench, old, 0, true), 0);
    stop(bench);
    settle(bench, old, FEW, true);
    play(bench, FEW);
    await(bench, FEW);
    assert_int_equal(take_tickets(bench, tickets), FEW);
    assert_int_equal(answers_after(bench, old, FEW, true), 0);
    assert_int_equal(answers_after(bench, tickets, 1, false), 0);
    assert_int_equal(answers_after(bench, tickets + 1, FEW - 1, true), answered);
    assert_int_equal(answers_after(bench, tickets, FEW, true), 0);
    stop(bench);
    settle(bench, tickets, FEW, false);
}

static void tickets_of_before_a_stop_answer_nobody(void **state)
{
    (void)state;
    each(clause_tickets);
}

/* Returns how long the loop was held for a crowd, by the processor's clock. */
static struct span hold_of(const struct event_subject *subject)
{
    struct bench *bench = bench_open(subject);
    loop_hold_by_processor(bench->stage.env.loop);
    play(bench, CROWD);
    struct mono until = mono_add(loop_now(bench->stage.env.loop), span_seconds(PATIENCE_S));
    while (feed_fake_count(bench->feed) < CROWD / 2 &&
           loop_now(bench->stage.env.loop).us < until.us)
        stage_turn(&bench->stage);
    assert_true(feed_fake_count(bench->feed) >= CROWD / 2); /* a socket may have had no room */
    struct span held = loop_longest_hold(bench->stage.env.loop);
    if (bench->longest.us > held.us)
        held = bench->longest;
    bench_close(bench);
    return held;
}

static void nothing_holds_the_loop(void **state)
{
    (void)state;
    if (SLOWED)
        skip();
    for (size_t i = 0; i < event_subject_count; i++) {
        struct span best = span_seconds(60);
        if (!is_tried(&event_subjects[i]))
            continue;
        /* on a machine with much else to do all is slower for a while: the best of some time */
        struct mono until = mono_add(clock_mono(), span_seconds(PATIENCE_S));
        for (int tries = 0; best.us > HOLD_US && (tries < TRIES || clock_mono().us < until.us);
             tries++) {
            struct span held = hold_of(&event_subjects[i]);
            best = held.us < best.us ? held : best;
        }
        print_message("%s held the loop for %lld us\n", event_subjects[i].name, (long long)best.us);
        if (best.us > HOLD_US)
            fail_msg("%s held the loop for %lld us", event_subjects[i].name, (long long)best.us);
    }
}

int main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_registered_source_is_here),
        cmocka_unit_test(made_and_not_started_it_leaves_nothing),
        cmocka_unit_test(a_bad_option_is_named_with_what_is_wrong),
        cmocka_unit_test(it_starts_and_stops_as_often_as_asked),
        cmocka_unit_test(it_may_go_in_the_middle),
        cmocka_unit_test(a_start_that_fails_says_why_and_can_be_tried_again),
        cmocka_unit_test(what_the_feed_refuses_is_not_lost_silently),
        cmocka_unit_test(tickets_of_before_a_stop_answer_nobody),
        cmocka_unit_test(nothing_holds_the_loop),
    };
    if (argc > 1) {
        groups = (const char *const *)argv + 1;
        group_count = (size_t)argc - 1;
    }
    has_network = stage_network();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
