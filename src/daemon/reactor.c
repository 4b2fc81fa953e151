/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reactor.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "daemon/reactor_internal.h"
#include "daemon/schedule.h"
#include "io/clock.h"
#include "io/loop.h"

/* Sessions that are copied in one turn, and how far the clocks may come to differ. */
enum { EXPORT_STEP = 512 };
#define CLOCK_SLACK span_seconds(1)

/* A tick is never further away than this: timers are not for days. */
#define TICK_MOST span_seconds(60)

struct wall reactor_now(const struct reactor *reactor)
{
    return wall_add(reactor->wall_base, mono_since(clock_mono(), reactor->mono_base));
}

static void set_clock(struct reactor *reactor)
{
    reactor->wall_base = clock_wall();
    reactor->mono_base = clock_mono();
}

static void check_clock(struct reactor *reactor)
{
    int64_t off = wall_since(clock_wall(), reactor_now(reactor)).us;
    char text[CLOCK_TEXT_SIZE];
    if (off < CLOCK_SLACK.us && off > -CLOCK_SLACK.us)
        return;
    log_say(reactor->parts.log, LOG_LEVEL_WARNING, "events",
            "the machine's clock was set %s by %s; sessions are dated anew",
            off > 0 ? "forward" : "back", span_format(span_us(off > 0 ? off : -off), text));
    live_clock_set(reactor->live, span_us(off));
    set_clock(reactor);
}

static void set_tick(struct reactor *reactor)
{
    struct wall next = live_next(reactor->live);
    if (!wall_known(next) || reactor->ending) {
        loop_timer_stop(reactor->tick);
        return;
    }
    struct span wait = wall_since(next, reactor_now(reactor));
    wait = pace_wait(&reactor->pace, wait, clock_mono());
    loop_timer_start(reactor->tick, wait.us < TICK_MOST.us ? wait : TICK_MOST);
}

static void carry_out(struct reactor *reactor)
{
    if (reactor->out.change_count > 0)
        reactor_keep_cases(reactor);
    if (reactor->out.note_count > 0)
        reactor_keep_notes(reactor);
    if (reactor->out.wish_count > 0)
        reactor_grant_wishes(reactor);
    live_out_clear(&reactor->out);
}

void reactor_carry_out(struct reactor *reactor)
{
    carry_out(reactor);
    set_tick(reactor);
}

static bool tick_is_due(const struct reactor *reactor)
{
    struct wall next = live_next(reactor->live);
    return wall_known(next) && next.us <= reactor_now(reactor).us;
}

static void tick(void *aux)
{
    struct reactor *reactor = aux;
    struct mono begun = clock_mono();
    do {
        live_tick(reactor->live, reactor_now(reactor), &reactor->out);
    } while (tick_is_due(reactor) && mono_since(clock_mono(), begun).us < PACE_WORK.us);
    carry_out(reactor);
    pace_rest(&reactor->pace, begun, clock_mono());
    set_tick(reactor);
}

struct reactor *reactor_new(const struct reactor_parts *parts, const struct config *config)
{
    struct reactor *reactor = alloc_zeroed(1, sizeof *reactor);
    struct live_options options;
    reactor->parts = *parts;
    set_clock(reactor);
    live_options_init(&options);
    options.presence.settle = config->audit.settle;
    CHECK(getrandom(&options.secret, sizeof options.secret, 0) == sizeof options.secret);
    reactor->secret = options.secret;
    reactor->live = live_new(&options, reactor->wall_base);
    live_out_init(&reactor->out, reactor->live);
    reactor->tick = loop_timer_new(parts->loop, tick, reactor);
    return reactor;
}

void reactor_stop(struct reactor *reactor)
{
    reactor->ending = true;
    reactor_finish_notes(reactor);
    set_tick(reactor);
}

void reactor_free(struct reactor *reactor)
{
    if (reactor == NULL)
        return;
    reactor_forget_cases(reactor);
    reactor_forget_notes(reactor);
    reactor_forget_moves(reactor);
    loop_timer_free(reactor->tick);
    loop_timer_free(reactor->tell_moves);
    live_out_done(&reactor->out);
    live_free(reactor->live);
    free(reactor);
}

uint64_t reactor_secret(const struct reactor *reactor)
{
    return reactor->secret;
}

void reactor_restore(struct reactor *reactor, const struct presence_row *row,
                     const struct heard_origin *origin)
{
    live_restore(reactor->live, row, origin, reactor_now(reactor));
    set_tick(reactor);
}

void reactor_restore_departed(struct reactor *reactor, const struct heard_fact *fact)
{
    live_restore_departed(reactor->live, fact, reactor_now(reactor));
}

void reactor_restore_window(struct reactor *reactor, const struct migration_window *window)
{
    live_restore_window(reactor->live, window, reactor_now(reactor));
    set_tick(reactor);
}

void reactor_restore_binding(struct reactor *reactor, const struct live_binding *binding,
                             const struct heard_origin *origin)
{
    live_restore_binding(reactor->live, binding, origin);
}

void reactor_restore_stood(struct reactor *reactor, enum discrepancy_kind kind,
                           const struct ip *address, bool confirmed)
{
    live_restore_stood(reactor->live, kind, address, confirmed);
}

void reactor_restore_flush(struct reactor *reactor, const struct switch_flush *flush)
{
    live_restore_flush(reactor->live, flush);
}

void reactor_heard(struct reactor *reactor, const struct event *events, size_t count)
{
    reactor->heard += count;
    live_events(reactor->live, events, count, reactor_now(reactor), &reactor->out);
    reactor_carry_out(reactor);
}

/* --- rounds --- */

bool reactor_export(struct reactor *reactor, struct snapshot *snapshot)
{
    if (!snapshot->exporting) {
        live_export_begin(reactor->live, reactor_now(reactor), &snapshot->facts);
        snapshot->exporting = true;
        snapshot->heard_next = reactor->parts.next_event > 0
                                   ? reactor->parts.next_event + reactor->heard
                                   : 0; /* they come in the order of their numbers */
    }
    return live_export_step(reactor->live, &snapshot->facts, EXPORT_STEP);
}

void reactor_publish(struct reactor *reactor, struct snapshot *snapshot)
{
    struct live_base *base = snapshot->base;
    /* the one before goes with this snapshot, which is freed in a worker thread */
    snapshot->base = live_set_world(reactor->live, base, reactor_now(reactor), &reactor->out);
    reactor_carry_out(reactor);
    check_clock(reactor);
}

void reactor_count(const struct reactor *reactor, struct reactor_status *ret)
{
    *ret = reactor->counted;
    live_count(reactor->live, &ret->live);
    const struct presence *list = live_presence(reactor->live);
    ret->sessions = presence_counts(list).live;
    ret->list_bytes = presence_size(list);
}
