/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/auditor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "daemon/auditor_round.h"
#include "daemon/config.h"
#include "io/clock.h"
#include "io/loop.h"

/* A poller with its place in the interval. */
struct turn {
    struct auditor *auditor;
    struct poller *poller;
    struct loop_timer *timer;
    struct span phase;
    bool ended_once;        /* since the start */
    bool asked;             /* by auditor_poll(), not begun or not ended */
    struct holding *before; /* what there was when it was asked for */
    struct bucket asking;   /* how often it may be asked for */
    struct loop_timer *ask; /* until it may */
};

struct auditor {
    struct auditor_parts parts;
    struct generation *generation;
    struct turn **turns;     /* recorded sources first */
    struct poller **pollers; /* beside turns */
    size_t count;
    struct poller **switches; /* the observed ones, by the switch's name */
    size_t switch_count;
    struct mono origin;
    struct loop_timer *end; /* of the interval */
    struct loop_timer *filling_timer;
    struct snapshot *filling; /* what was heard is put into it */
    struct loop_timer *due;   /* a round that waits for a passing snapshot */
    struct loop_timer *refresh;
    enum { REFRESH_NONE, REFRESH_WAITING, REFRESH_READING } refreshing;
    bool refresh_again; /* asked for when the records were being read already */
    struct mono refreshed_at;
    struct wall round_began;
    bool started, stopping, first;
    struct rounds *rounds;
    struct auditor_status counted;
};

/* Recorded sources are read within this time before the end of the interval. */
static struct span record_lead(struct span interval)
{
    return interval.us / 3 < 20000000 ? span_us(interval.us / 3) : span_seconds(20);
}

static const struct daemon_options *options_of(const struct auditor *auditor)
{
    return &auditor->generation->config->daemon;
}

static struct span phase_of(const struct auditor *auditor, const struct poller *poller)
{
    struct span interval = options_of(auditor)->interval;
    if (!poller->is_recorded)
        return schedule_phase(poller->source->name, interval, options_of(auditor)->spread);
    struct span lead = record_lead(interval);
    return span_us(interval.us - lead.us + schedule_phase(poller->source->name, lead, 50).us);
}

/* --- snapshots --- */

/* Puts what was heard into the snapshot, a part a turn; the round ends where that ends. */
static void fill(void *aux)
{
    struct auditor *auditor = aux;
    struct snapshot *snapshot = auditor->filling;
    if (auditor->parts.listener.add_heard(auditor->parts.listener.context, snapshot)) {
        loop_timer_start(auditor->filling_timer, span_us(0));
        return;
    }
    auditor->filling = NULL;
    snapshot_close(snapshot, auditor->round_began, clock_wall());
    if (!snapshot->passing) {
        auditor->counted.last_started = auditor->round_began;
        auditor->round_began = snapshot_instant(snapshot);
    }
    rounds_begin(auditor->rounds, snapshot);
}

static struct snapshot *begin_snapshot(struct auditor *auditor)
{
    const struct config *config = auditor->generation->config;
    struct snapshot *snapshot = snapshot_new(
        auditor->generation, config->recorded_count + config->observed_count + config->event_count);
    for (size_t i = 0; !config->daemon.polling && i < config->observed_count; i++)
        snapshot_leave_out(snapshot, &config->observed[i]);
    return snapshot;
}

/* --- between two rounds --- */

/* At most a twentieth of the time, and not more often than once a second. */
static struct span refresh_gap(const struct auditor *auditor)
{
    int64_t gap = 20 * auditor->counted.judging.us;
    return gap > 1000000 ? span_us(gap) : span_seconds(1);
}

static void make_passing(struct auditor *auditor)
{
    struct snapshot *snapshot = begin_snapshot(auditor);
    auditor->refreshing = REFRESH_NONE;
    auditor->refreshed_at = clock_mono();
    auditor->counted.refreshes++;
    for (size_t i = 0; i < auditor->count; i++)
        snapshot_borrow(snapshot, auditor->pollers[i]);
    auditor->filling = snapshot;
    fill(auditor);
    if (auditor->refresh_again)
        auditor_refresh(auditor);
}

/* The records are read, or as good as they get: a source that is slow is not waited for when
 * its time has come again. */
static void refresh_read(struct auditor *auditor)
{
    if (auditor->refreshing != REFRESH_READING || auditor->stopping)
        return;
    for (size_t i = 0; i < auditor->count; i++) {
        if (auditor->pollers[i]->is_recorded && auditor->pollers[i]->polling)
            return;
    }
    if (rounds_busy(auditor->rounds) || auditor->filling != NULL)
        loop_timer_start(auditor->refresh, span_ms(50));
    else
        make_passing(auditor);
}

static void refresh_comes(void *aux)
{
    struct auditor *auditor = aux;
    if (auditor->stopping)
        return;
    if (auditor->refreshing == REFRESH_WAITING) {
        auditor->refreshing = REFRESH_READING;
        for (size_t i = 0; i < auditor->count; i++) {
            if (auditor->pollers[i]->is_recorded)
                poller_poll(auditor->pollers[i]);
        }
    }
    refresh_read(auditor);
}

void auditor_refresh(struct auditor *auditor)
{
    auditor->refresh_again = auditor->refreshing == REFRESH_READING;
    if (auditor->refreshing != REFRESH_NONE || auditor->first || auditor->stopping)
        return;
    struct span since = mono_since(clock_mono(), auditor->refreshed_at);
    struct span gap = refresh_gap(auditor);
    auditor->refreshing = REFRESH_WAITING;
    loop_timer_start(auditor->refresh,
                     since.us >= gap.us ? span_us(0) : span_us(gap.us - since.us));
}

/* --- the schedule --- */

static void start_end_timer(struct auditor *auditor)
{
    struct mono now = clock_mono();
    struct mono next =
        schedule_next(auditor->origin, options_of(auditor)->interval, span_us(0), now);
    loop_timer_start(auditor->end, mono_since(next, now));
}

static void turn_set(struct turn *turn)
{
    struct auditor *auditor = turn->auditor;
    struct mono now = clock_mono();
    struct mono next =
        schedule_next(auditor->origin, options_of(auditor)->interval, turn->phase, now);
    loop_timer_start(turn->timer, mono_since(next, now));
}

/* The intervals are counted from the end of the first round on, so that the second one has a
 * turn for every source. */
static void begin_schedule(struct auditor *auditor)
{
    auditor->first = false;
    auditor->origin = clock_mono();
    for (size_t i = 0; i < auditor->count; i++)
        turn_set(auditor->turns[i]);
    start_end_timer(auditor);
}

/* --- the end of a round --- */

static void end_round(void *aux)
{
    struct auditor *auditor = aux;
    if (rounds_passing(auditor->rounds) ||
        (auditor->filling != NULL && auditor->filling->passing)) {
        loop_timer_start(auditor->due, span_ms(10));
        return;
    }
    if (rounds_busy(auditor->rounds) || auditor->filling != NULL) {
        auditor->counted.left_out++;
        log_say(auditor->parts.log, LOG_LEVEL_WARNING, "audit",
                "judging the last round takes longer than the interval; this one is left out");
        return;
    }
    if (auditor->first)
        begin_schedule(auditor);
    struct snapshot *snapshot = begin_snapshot(auditor);
    for (size_t i = 0; i < auditor->count; i++)
        snapshot_take(snapshot, auditor->pollers[i]);
    auditor->parts.listener.add_deaf(auditor->parts.listener.context, snapshot);
    for (size_t i = 0; i < snapshot->round.failed_count; i++)
        log_say(auditor->parts.log,
                snapshot->round.failed[i].rounds == 1 ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG,
                "audit", "%s", snapshot->round.failed[i].why);
    auditor->filling = snapshot;
    fill(auditor);
}

static void interval_ended(void *aux)
{
    struct auditor *auditor = aux;
    if (auditor->stopping)
        return;
    if (!auditor->first)
        start_end_timer(auditor);
    end_round(auditor);
}

/* The first round ends as soon as every source has ended once. */
static void end_first_round(struct auditor *auditor)
{
    if (!auditor->first || !auditor->started || auditor->stopping)
        return;
    for (size_t i = 0; i < auditor->count; i++) {
        if (!auditor->turns[i]->ended_once)
            return;
    }
    end_round(auditor);
}

/* --- turns --- */

static void turn_comes(void *aux)
{
    struct turn *turn = aux;
    if (turn->auditor->stopping)
        return;
    if (!turn->auditor->first)
        turn_set(turn);
    if (!turn->poller->polling)
        poller_poll(turn->poller);
}

static void ask_comes(void *aux)
{
    struct turn *turn = aux;
    if (!turn->auditor->stopping)
        poller_poll(turn->poller);
}

static struct turn *turn_of(const struct auditor *auditor, const struct poller *poller)
{
    for (size_t i = 0; i < auditor->count; i++) {
        if (auditor->pollers[i] == poller)
            return auditor->turns[i];
    }
    UNREACHABLE();
}

static void poll_ended(void *context, struct poller *poller)
{
    struct turn *turn = context;
    struct auditor *auditor = turn->auditor;
    bool first = !turn->ended_once;
    turn->ended_once = true;
    if (poller->failed)
        log_say(auditor->parts.log, LOG_LEVEL_DEBUG, "poll", "%s", poller->err.text);
    if (turn->asked && !poller->wanted) {
        turn->asked = false;
        auditor->parts.listener.polled(auditor->parts.listener.context, poller, turn->before);
        holding_drop(turn->before);
        turn->before = NULL;
    }
    if (first)
        end_first_round(auditor);
    if (poller->is_recorded)
        refresh_read(auditor);
}

static void turn_free(struct turn *turn)
{
    loop_timer_free(turn->timer);
    loop_timer_free(turn->ask);
    holding_drop(turn->before);
    free(turn);
}

/* A retired poller has nobody to tell; its listener's context stays valid until then. */
static void turn_retire(struct turn *turn)
{
    poller_retire(turn->poller);
    turn_free(turn);
}

static struct turn *turn_new(struct auditor *auditor, const struct config_source *source)
{
    const struct daemon_options *options = options_of(auditor);
    struct turn *turn = alloc_zeroed(1, sizeof *turn);
    struct poller_limits limits = {.probe_gap = span_us(1000000 / options->probe_rate),
                                   .probe_burst = (unsigned)options->probe_rate};
    struct poller_listener listener = {poll_ended, turn};
    turn->auditor = auditor;
    turn->poller = poller_new(auditor->generation, source, &limits, &listener);
    uint32_t before = loop_name(auditor->parts.loop, source->name);
    turn->timer = loop_timer_new(auditor->parts.loop, turn_comes, turn);
    turn->ask = loop_timer_new(auditor->parts.loop, ask_comes, turn);
    loop_name_back(auditor->parts.loop, before);
    turn->asking = bucket_of(options->poll_gap, 1);
    return turn;
}

/* --- the list of pollers --- */

/* Where a source, whose name nobody else has, stood in the old list. */
struct stood {
    const char *name;
    size_t at;
};

static int compare_stood(const void *a, const void *b)
{
    return strcmp(((const struct stood *)a)->name, ((const struct stood *)b)->name);
}

static struct stood *index_turns(struct turn *const *turns, size_t count)
{
    struct stood *stood = alloc_array(count + 1, sizeof *stood);
    for (size_t i = 0; i < count; i++)
        stood[i] = (struct stood){turns[i]->poller->source->name, i};
    qsort(stood, count, sizeof *stood, compare_stood);
    return stood;
}

/* Takes the turn of an unchanged source out of the old list. */
static struct turn *take_same(struct turn **turns, size_t count, const struct stood *index,
                              struct generation *now, const struct config_source *source)
{
    const struct stood key = {.name = source->name};
    const struct stood *stood =
        count == 0 ? NULL : bsearch(&key, index, count, sizeof key, compare_stood);
    struct turn *turn = stood != NULL ? turns[stood->at] : NULL;
    if (turn == NULL ||
        !generation_same(turn->poller->generation, turn->poller->source, now, source))
        return NULL;
    turns[stood->at] = NULL;
    return turn;
}

static void add_turns(struct auditor *auditor, const struct config_source *sources, size_t count,
                      struct turn **old, size_t old_count, const struct stood *index)
{
    for (size_t i = 0; i < count; i++) {
        struct turn *turn = take_same(old, old_count, index, auditor->generation, &sources[i]);
        if (turn == NULL)
            turn = turn_new(auditor, &sources[i]);
        turn->phase = phase_of(auditor, turn->poller);
        auditor->turns[auditor->count] = turn;
        auditor->pollers[auditor->count++] = turn->poller;
    }
}

static int compare_switches(const void *a, const void *b)
{
    return strcmp(poller_switch(*(struct poller *const *)a),
                  poller_switch(*(struct poller *const *)b));
}

static void index_switches(struct auditor *auditor)
{
    auditor->switches =
        alloc_resize(auditor->switches, auditor->count + 1, sizeof *auditor->switches);
    auditor->switch_count = 0;
    for (size_t i = 0; i < auditor->count; i++) {
        if (!auditor->pollers[i]->is_recorded)
            auditor->switches[auditor->switch_count++] = auditor->pollers[i];
    }
    qsort(auditor->switches, auditor->switch_count, sizeof *auditor->switches, compare_switches);
}

static void make_turns(struct auditor *auditor, struct turn **old, size_t old_count)
{
    const struct config *config = auditor->generation->config;
    size_t most = config->recorded_count + config->observed_count;
    auditor->turns = alloc_zeroed(most + 1, sizeof *auditor->turns);
    auditor->pollers = alloc_zeroed(most + 1, sizeof *auditor->pollers);
    auditor->count = 0;
    AUTO_FREE struct stood *index = index_turns(old, old_count);
    add_turns(auditor, config->recorded, config->recorded_count, old, old_count, index);
    if (config->daemon.polling)
        add_turns(auditor, config->observed, config->observed_count, old, old_count, index);
    index_switches(auditor);
}

struct auditor *auditor_new(const struct auditor_parts *parts, struct generation *generation)
{
    struct auditor *auditor = alloc_zeroed(1, sizeof *auditor);
    auditor->parts = *parts;
    auditor->generation = generation_keep(generation);
    auditor->end = loop_timer_new(parts->loop, interval_ended, auditor);
    auditor->filling_timer = loop_timer_new(parts->loop, fill, auditor);
    auditor->refresh = loop_timer_new(parts->loop, refresh_comes, auditor);
    auditor->due = loop_timer_new(parts->loop, end_round, auditor);
    auditor->refreshed_at = clock_mono();
    auditor->counted.last_started = auditor->counted.last_judged = WALL_UNKNOWN;
    auditor->counted.not_stored_at = WALL_UNKNOWN;
    auditor->counted.storing = true;
    auditor->rounds = rounds_new(&auditor->parts, &auditor->counted);
    make_turns(auditor, NULL, 0);
    return auditor;
}

/* Sources begin a millisecond apart: making a plug-in may derive keys from passwords, which
 * takes as long as the loop may be held. */
void auditor_start(struct auditor *auditor)
{
    auditor->origin = clock_mono();
    auditor->round_began = clock_wall();
    auditor->started = auditor->first = true;
    for (size_t i = 0; i < auditor->count; i++)
        loop_timer_start(auditor->turns[i]->timer, span_ms((int64_t)i));
    start_end_timer(auditor);
    end_first_round(auditor);
}

void auditor_reload(struct auditor *auditor, struct generation *generation)
{
    struct turn **old = auditor->turns;
    struct poller **old_pollers = auditor->pollers;
    size_t old_count = auditor->count;
    generation_drop(auditor->generation);
    auditor->generation = generation_keep(generation);
    make_turns(auditor, old, old_count);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i] != NULL)
            turn_retire(old[i]);
    }
    free(old);
    free(old_pollers);
    if (!auditor->started || auditor->stopping)
        return;
    for (size_t i = 0; i < auditor->count; i++) {
        if (auditor->turns[i]->ended_once || auditor->turns[i]->poller->polling)
            turn_set(auditor->turns[i]);
        else
            loop_timer_start(auditor->turns[i]->timer, span_ms((int64_t)i));
    }
    start_end_timer(auditor);
}

void auditor_stop(struct auditor *auditor)
{
    auditor->stopping = true;
    loop_timer_stop(auditor->due);
}

void auditor_free(struct auditor *auditor)
{
    if (auditor == NULL)
        return;
    for (size_t i = 0; i < auditor->count; i++) {
        poller_free(auditor->turns[i]->poller);
        turn_free(auditor->turns[i]);
    }
    free(auditor->turns);
    free(auditor->pollers);
    free(auditor->switches);
    loop_timer_free(auditor->end);
    loop_timer_free(auditor->filling_timer);
    loop_timer_free(auditor->refresh);
    loop_timer_free(auditor->due);
    snapshot_free(auditor->filling);
    rounds_free(auditor->rounds);
    generation_drop(auditor->generation);
    free(auditor);
}

/* --- what others ask --- */

struct poller *const *auditor_pollers(const struct auditor *auditor, size_t *ret_count)
{
    *ret_count = auditor->count;
    return auditor->pollers;
}

static int find_switch(const void *key, const void *element)
{
    return strcmp(key, poller_switch(*(struct poller *const *)element));
}

struct poller *auditor_find(const struct auditor *auditor, const char *switch_name)
{
    struct poller *const *found = bsearch(switch_name, auditor->switches, auditor->switch_count,
                                          sizeof *auditor->switches, find_switch);
    return found != NULL ? *found : NULL;
}

void auditor_poll(struct auditor *auditor, struct poller *poller)
{
    struct turn *turn = turn_of(auditor, poller);
    if (auditor->stopping || turn->asked)
        return;
    turn->asked = true;
    turn->before = poller->latest != NULL ? holding_keep(poller->latest) : NULL;
    auditor->counted.targeted++;
    struct mono now = clock_mono();
    struct span wait = bucket_take(&turn->asking, now);
    if (wait.us == 0) {
        poller_poll(poller);
        return;
    }
    auditor->counted.targeted_late++;
    (void)bucket_take(&turn->asking, mono_add(now, wait));
    loop_timer_start(turn->ask, wait);
}

bool auditor_accept_shrunk(struct auditor *auditor, const char *name)
{
    for (size_t i = 0; i < auditor->count; i++) {
        struct poller *poller = auditor->pollers[i];
        if (!poller->is_recorded || strcmp(poller->source->name, name) != 0)
            continue;
        poller->accept_shrunk = true;
        poller_poll(poller);
        return true;
    }
    return false;
}

const struct snapshot *auditor_current(const struct auditor *auditor)
{
    return rounds_current(auditor->rounds);
}

void auditor_count(const struct auditor *auditor, struct auditor_status *ret)
{
    *ret = auditor->counted;
}

struct mono auditor_next_end(const struct auditor *auditor)
{
    return schedule_next(auditor->origin, options_of(auditor)->interval, span_us(0), clock_mono());
}
