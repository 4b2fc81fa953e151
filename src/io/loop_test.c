/* SPDX-License-Identifier: Apache-2.0 */
#include "io/loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { SLICES_MOST = 200 };

struct probe {
    unsigned slices;
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_watch *watch;
    struct loop_signal *signal;
    struct mono started, fired;
    int calls, worked, finished;
    unsigned events;
};

static void note_fire(void *aux)
{
    struct probe *probe = aux;
    probe->fired = loop_now(probe->loop);
    probe->calls++;
}

static void test_a_timer_fires_once_and_never_early(void **unused)
{
    struct probe probe = {.loop = loop_new()};
    probe.timer = loop_timer_new(probe.loop, note_fire, &probe);
    probe.started = loop_now(probe.loop);
    loop_timer_start(probe.timer, span_ms(5));
    loop_run(probe.loop);
    assert_int_equal(probe.calls, 1);
    assert_true(mono_since(probe.fired, probe.started).us >= 5000);
    loop_timer_start(probe.timer, span_ms(1));
    loop_timer_stop(probe.timer);
    loop_run(probe.loop);
    assert_int_equal(probe.calls, 1);
    loop_timer_free(probe.timer);
    loop_free(probe.loop);
}

static void free_own_timer(void *aux)
{
    struct probe *probe = aux;
    loop_timer_free(probe->timer);
    probe->calls++;
}

static void test_a_callback_may_free_its_own_timer(void **unused)
{
    struct probe probe = {.loop = loop_new()};
    probe.timer = loop_timer_new(probe.loop, free_own_timer, &probe);
    loop_timer_start(probe.timer, span_us(0));
    loop_run(probe.loop);
    assert_int_equal(probe.calls, 1);
    loop_free(probe.loop);
}

/* Works in slices until what is readable was read, or for too long. */
static void work_on(void *aux)
{
    struct probe *probe = aux;
    if (++probe->slices < SLICES_MOST && probe->calls == 0)
        loop_timer_start(probe->timer, span_us(0));
}

static void note_events(void *aux, int fd, unsigned events)
{
    struct probe *probe = aux;
    char byte;
    probe->calls++;
    probe->events = events;
    if (events & LOOP_READ && read(fd, &byte, 1) == 1)
        loop_watch_free(probe->watch);
}

static void test_work_in_slices_keeps_no_socket_waiting(void **unused)
{
    struct probe probe = {.loop = loop_new()};
    struct err err;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    probe.watch = loop_watch_new(probe.loop, ends[0], LOOP_READ, note_events, &probe, &err);
    assert_non_null(probe.watch);
    probe.timer = loop_timer_new(probe.loop, work_on, &probe);
    loop_timer_start(probe.timer, span_us(0));
    loop_run(probe.loop);
    assert_true(probe.calls == 1 && probe.slices < SLICES_MOST);
    loop_timer_free(probe.timer);
    close(ends[0]);
    close(ends[1]);
    loop_free(probe.loop);
}

enum { RESTARTS = 2000 };

/* Asks again and again for what is due in the next turn. */
static void ask_again(void *aux)
{
    struct probe *probe = aux;
    if (++probe->slices < RESTARTS)
        loop_timer_start(probe->timer, span_us(0));
}

static void test_slices_do_not_wait_for_the_clock(void **unused)
{
    struct probe probe = {.loop = loop_new()};
    probe.timer = loop_timer_new(probe.loop, ask_again, &probe);
    loop_timer_start(probe.timer, span_us(0));
    probe.started = loop_now(probe.loop);
    loop_run(probe.loop);
    assert_int_equal(probe.slices, RESTARTS);
    /* A millisecond each would be two seconds. */
    assert_true(mono_since(loop_now(probe.loop), probe.started).us < RESTARTS * 1000 / 2);
    loop_timer_free(probe.timer);
    loop_free(probe.loop);
}

static void note_slice(void *aux)
{
    ((struct probe *)aux)->slices++;
}

/* A turn's first callback asks for the second one before it could come. */
struct pusher {
    struct probe *probe;
    struct loop_timer *timer;
    unsigned pushes;
};

static void push(void *aux)
{
    struct pusher *pusher = aux;
    loop_timer_start(pusher->probe->timer, span_us(0));
    if (++pusher->pushes < SLICES_MOST)
        loop_timer_start(pusher->timer, span_us(0));
}

static void test_asking_for_the_next_turn_again_does_not_put_it_off(void **unused)
{
    struct probe probe = {.loop = loop_new()};
    struct pusher pusher = {.probe = &probe};
    probe.timer = loop_timer_new(probe.loop, note_slice, &probe);
    pusher.timer = loop_timer_new(probe.loop, push, &pusher);
    loop_timer_start(pusher.timer, span_us(0));
    loop_run(probe.loop);
    assert_int_equal(probe.slices, SLICES_MOST);
    loop_timer_free(pusher.timer);
    loop_timer_free(probe.timer);
    loop_free(probe.loop);
}

static void stop_the_other(void *aux)
{
    struct pusher *pusher = aux;
    loop_timer_stop(pusher->probe->timer);
}

static void test_what_is_due_can_be_stopped_moved_and_freed(void **unused)
{
    struct probe probe = {.loop = loop_new()};
    struct pusher pusher = {.probe = &probe};
    probe.timer = loop_timer_new(probe.loop, note_fire, &probe);
    pusher.timer = loop_timer_new(probe.loop, stop_the_other, &pusher);
    loop_timer_start(pusher.timer, span_us(0));
    loop_timer_start(probe.timer, span_us(0));
    loop_run(probe.loop);
    assert_int_equal(probe.calls, 0);
    loop_timer_start(probe.timer, span_us(0));
    loop_timer_start(probe.timer, span_ms(3)); /* later after all */
    probe.started = loop_now(probe.loop);
    loop_run(probe.loop);
    assert_int_equal(probe.calls, 1);
    assert_true(mono_since(probe.fired, probe.started).us >= 3000);
    loop_timer_start(probe.timer, span_us(0));
    loop_timer_start(pusher.timer, span_us(0));
    loop_timer_free(probe.timer);
    loop_free(probe.loop);
    assert_int_equal(probe.calls, 1);
}

static void test_a_watch_tells_what_is_possible(void **unused)
{
    struct probe probe = {.loop = loop_new()};
    struct err err;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    probe.watch = loop_watch_new(probe.loop, ends[0], LOOP_READ, note_events, &probe, &err);
    assert_non_null(probe.watch);
    loop_watch_set(probe.watch, 0);
    assert_false(loop_step(probe.loop));
    assert_int_equal(probe.calls, 0);
    loop_watch_set(probe.watch, LOOP_READ);
    loop_run(probe.loop);
    assert_int_equal(probe.calls, 1);
    assert_int_equal(probe.events, LOOP_READ);
    close(ends[0]);
    close(ends[1]);
    loop_free(probe.loop);
}

static void test_a_bad_descriptor_is_an_error(void **unused)
{
    struct loop *loop = loop_new();
    struct err err;
    assert_null(loop_watch_new(loop, 987, LOOP_READ, note_events, NULL, &err));
    assert_int_equal(err.code, ERR_SYSTEM);
    loop_free(loop);
}

static void do_work(void *aux)
{
    ((struct probe *)aux)->worked++;
}

static void note_done(void *aux)
{
    struct probe *probe = aux;
    assert_int_equal(probe->worked, 1);
    probe->finished++;
}

static void test_work_ends_with_done_on_the_loop(void **unused)
{
    struct probe probe = {.loop = loop_new()};
    loop_work_start(probe.loop, do_work, note_done, &probe);
    assert_int_equal(probe.finished, 0);
    loop_run(probe.loop);
    assert_int_equal(probe.finished, 1);
    loop_free(probe.loop);
}

static void test_freeing_waits_for_work(void **unused)
{
    struct probe probe = {.loop = loop_new()};
    loop_work_start(probe.loop, do_work, note_done, &probe);
    loop_free(probe.loop);
    assert_int_equal(probe.finished, 1);
}

static void note_signal(void *aux, int signal_number)
{
    struct probe *probe = aux;
    probe->calls = signal_number;
    loop_timer_free(probe->timer);
}

static void never(void *aux)
{
    fail();
}

static void test_a_signal_reaches_the_loop(void **unused)
{
    struct probe probe = {.loop = loop_new()};
    struct err err;
    probe.signal = loop_signal_new(probe.loop, SIGUSR1, note_signal, &probe, &err);
    assert_non_null(probe.signal);
    probe.timer = loop_timer_new(probe.loop, never, NULL);
    loop_timer_start(probe.timer, span_seconds(60));
    raise(SIGUSR1);
    loop_run(probe.loop);
    assert_int_equal(probe.calls, SIGUSR1);
    loop_signal_free(probe.signal);
    loop_free(probe.loop);
}

static void hold(void *aux)
{
    struct probe *probe = aux;
    struct mono start = loop_now(probe->loop);
    while (mono_since(loop_now(probe->loop), start).us < 3000)
        ;
}

static void test_the_longest_hold_is_measured(void **unused)
{
    struct probe probe = {.loop = loop_new()};
    probe.timer = loop_timer_new(probe.loop, hold, &probe);
    loop_timer_start(probe.timer, span_us(0));
    loop_run(probe.loop);
    /* Both clocks cut to whole microseconds. */
    assert_true(loop_longest_hold(probe.loop).us >= 2999);
    assert_string_equal(loop_longest_name(probe.loop), "");
    loop_hold_by_processor(probe.loop);
    assert_int_equal(loop_longest_hold(probe.loop).us, 0);
    loop_free(probe.loop); /* frees the timer, too */
}

static void hold_by_another(void *aux)
{
    struct probe *probe = aux;
    probe->timer = loop_timer_new(probe->loop, hold, probe);
    loop_timer_start(probe->timer, span_us(0));
}

/* A handle has the name of what made it, also when that was a callback. */
static void test_the_longest_hold_has_a_name(void **unused)
{
    struct probe probe = {.loop = loop_new()}, other = {.loop = probe.loop};
    char name[] = "sw1";
    uint32_t before = loop_name(probe.loop, name);
    struct loop_timer *maker = loop_timer_new(probe.loop, hold_by_another, &probe);
    loop_name_back(probe.loop, before);
    name[0] = 'x'; /* the name was copied */
    other.timer = loop_timer_new(probe.loop, note_fire, &other);
    loop_timer_start(maker, span_us(0));
    loop_timer_start(other.timer, span_us(0));
    loop_run(probe.loop);
    assert_string_equal(loop_longest_name(probe.loop), "sw1");
    loop_free(probe.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_timer_fires_once_and_never_early),
        cmocka_unit_test(test_a_callback_may_free_its_own_timer),
        cmocka_unit_test(test_work_in_slices_keeps_no_socket_waiting),
        cmocka_unit_test(test_slices_do_not_wait_for_the_clock),
        cmocka_unit_test(test_asking_for_the_next_turn_again_does_not_put_it_off),
        cmocka_unit_test(test_what_is_due_can_be_stopped_moved_and_freed),
        cmocka_unit_test(test_a_watch_tells_what_is_possible),
        cmocka_unit_test(test_a_bad_descriptor_is_an_error),
        cmocka_unit_test(test_work_ends_with_done_on_the_loop),
        cmocka_unit_test(test_freeing_waits_for_work),
        cmocka_unit_test(test_a_signal_reaches_the_loop),
        cmocka_unit_test(test_the_longest_hold_is_measured),
        cmocka_unit_test(test_the_longest_hold_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
