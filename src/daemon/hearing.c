/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/hearing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "daemon/config.h"
#include "daemon/schedule.h"
#include "io/clock.h"
#include "io/loop.h"

struct event_feed {
    struct ear *ear;
};

struct hearing {
    struct hearing_parts parts;
    struct generation *generation;
    struct ear **ears;
    size_t count;
    struct event_queue *queue;
    bool started;
};

#define RETRY_MOST span_seconds(300)

/* How many rests (`retry`) a source must listen after a failure to have recovered. */
enum { TRIAL_RETRIES = 3 };

static const struct event_source_class *class_of(const struct ear *ear)
{
    return ear->source->event;
}

/* --- an ear's life --- */

static void ear_free(struct ear *ear)
{
    loop_timer_free(ear->retry);
    generation_drop(ear->generation);
    free(ear->feed);
    free(ear->state);
    free(ear);
}

static void ear_silence(struct ear *ear)
{
    if (ear->listening)
        class_of(ear)->stop(ear->state);
    ear->listening = ear->on_trial = false;
    ear->since = clock_wall();
}

static void ear_take_down(struct ear *ear)
{
    ear_silence(ear);
    if (ear->constructed)
        class_of(ear)->plug.destruct(ear->state);
    ear->constructed = false;
    loop_timer_stop(ear->retry);
}

/* What is still in the queue is this ear's until it is forgotten. */
static void ear_leave(struct ear *ear)
{
    ear_take_down(ear);
    ear->gone = true;
    if (ear->kept == 0)
        ear_free(ear);
}

static int ear_open(struct ear *ear, struct err *err)
{
    const struct plug_class *plug = &class_of(ear)->plug;
    int status = 0;
    if (!ear->constructed) {
        memset(ear->state, 0, plug->state_size);
        status = plug->construct(ear->state, ear->source->options, &ear->generation->env, err);
    }
    ear->constructed = status == 0;
    return status == 0 ? class_of(ear)->start(ear->state, ear->feed, err) : status;
}

static void rest(struct ear *ear)
{
    const struct daemon_options *options = &ear->hearing->generation->config->daemon;
    struct span wait =
        schedule_backoff(ear->source->name, options->retry, RETRY_MOST, ear->failures);
    char text[CLOCK_TEXT_SIZE];
    log_say(ear->hearing->parts.log, ear->failures == 1 ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG,
            "events", "%s: %s; nothing is heard from it, tried again in %s", ear->source->name,
            ear->err.text, span_format(wait, text));
    loop_timer_start(ear->retry, wait);
}

/* It listens and has not failed at once: what was wrong is over. */
static void recover(struct ear *ear)
{
    ear->on_trial = false;
    ear->failures = 0;
    loop_timer_stop(ear->retry);
    log_say(ear->hearing->parts.log, LOG_LEVEL_INFO, "events", "%s: is heard again",
            ear->source->name);
}

/* Some find out only by and by that nobody answers. */
static void put_on_trial(struct ear *ear)
{
    ear->on_trial = true;
    loop_timer_start(ear->retry,
                     span_us(TRIAL_RETRIES * ear->hearing->generation->config->daemon.retry.us));
}

static void ear_start(struct ear *ear)
{
    struct err err = {0};
    struct loop *loop = ear->hearing->parts.loop;
    ear->starts++;
    uint32_t before = loop_name(loop, ear->source->name);
    int status = ear_open(ear, &err);
    loop_name_back(loop, before);
    ear->since = clock_wall();
    if (status == 0) {
        ear->listening = true;
        if (ear->failures > 0)
            put_on_trial(ear);
        return;
    }
    ear->failures++;
    ear->err = err;
    rest(ear);
}

/* A source that failed while it listened is stopped in a turn of its own. */
static void retry(void *aux)
{
    struct ear *ear = aux;
    if (ear->failing) {
        ear->failing = false;
        ear_silence(ear);
        ear->failures++;
        rest(ear);
        return;
    }
    if (ear->on_trial)
        recover(ear);
    else
        ear_start(ear);
}

static struct ear *ear_new(struct hearing *hearing, const struct config_source *source)
{
    struct ear *ear = alloc_zeroed(1, sizeof *ear);
    ear->hearing = hearing;
    ear->source = source;
    ear->generation = generation_keep(hearing->generation);
    ear->since = clock_wall();
    ear->heard = WALL_UNKNOWN;
    ear->state = alloc_zeroed(1, source->event->plug.state_size);
    uint32_t before = loop_name(hearing->parts.loop, source->name);
    ear->retry = loop_timer_new(hearing->parts.loop, retry, ear);
    loop_name_back(hearing->parts.loop, before);
    ear->feed = alloc_zeroed(1, sizeof *ear->feed);
    ear->feed->ear = ear;
    return ear;
}

/* --- the feed: contract/plugin.h --- */

int event_feed_add(struct event_feed *feed, const struct event *event, uint64_t ticket)
{
    struct ear *ear = feed->ear;
    struct event whole = *event;
    whole.source = ear->source->name;
    whole.type = class_of(ear)->plug.type;
    if (!wall_known(whole.heard))
        whole.heard = clock_wall();
    if (!wall_known(whole.at))
        whole.at = whole.heard;
    if (event_queue_add(ear->hearing->queue, &whole, ticket, ear) != 0) {
        ear->refused++;
        return ERR_LIMIT;
    }
    ear->kept++;
    ear->events++;
    ear->heard = whole.heard;
    if (ear->on_trial && !ear->failing)
        recover(ear);
    return 0;
}

void event_feed_flush(struct event_feed *feed)
{
    event_queue_flush(feed->ear->hearing->queue);
}

size_t event_feed_waiting(const struct event_feed *feed)
{
    struct event_queue_status counted;
    event_queue_count(feed->ear->hearing->queue, &counted);
    return counted.waiting;
}

const char *event_feed_switch(const struct event_feed *feed, const struct ip *address,
                              const char *name)
{
    return switch_names_find(feed->ear->hearing->parts.switches, address, name);
}

void event_feed_failed(struct event_feed *feed, const struct err *err)
{
    struct ear *ear = feed->ear;
    if (!ear->listening || ear->failing)
        return;
    ear->err = *err;
    ear->failing = true;
    loop_timer_start(ear->retry, span_us(0));
}

/* --- what the queue tells --- */

static void settled(void *context, void *owner, const uint64_t *tickets, size_t count, bool stored)
{
    struct ear *ear = owner;
    if (!ear->gone && ear->constructed && class_of(ear)->settled != NULL)
        class_of(ear)->settled(ear->state, tickets, count, stored);
}

static void heard(void *context, const struct event *events, size_t count)
{
    struct hearing *hearing = context;
    hearing->parts.heard(hearing->parts.context, events, count);
}

static void forgotten(void *context, void *owner, size_t count)
{
    struct ear *ear = owner;
    ear->kept -= count;
    if (ear->gone && ear->kept == 0)
        ear_free(ear);
}

static void queue_failing(void *context, const struct err *err)
{
    struct hearing *hearing = context;
    if (err != NULL)
        log_say(hearing->parts.log, LOG_LEVEL_ERROR, "events",
                "%s; events are judged and not kept, and who waits for an answer gets none",
                err->text);
    else
        log_say(hearing->parts.log, LOG_LEVEL_INFO, "events", "events are kept again");
}

/* --- the list --- */

static struct ear *take_same(struct ear **ears, size_t count, struct generation *now,
                             const struct config_source *source)
{
    for (size_t i = 0; i < count; i++) {
        struct ear *ear = ears[i];
        if (ear == NULL || !generation_same(ear->generation, ear->source, now, source))
            continue;
        ears[i] = NULL;
        return ear;
    }
    return NULL;
}

static void make_ears(struct hearing *hearing, struct ear **old, size_t old_count)
{
    const struct config *config = hearing->generation->config;
    size_t most = config->daemon.hearing ? config->event_count : 0;
    hearing->ears = alloc_zeroed(most + 1, sizeof *hearing->ears);
    hearing->count = 0;
    for (size_t i = 0; i < most; i++) {
        struct ear *ear = take_same(old, old_count, hearing->generation, &config->events[i]);
        hearing->ears[hearing->count++] = ear != NULL ? ear : ear_new(hearing, &config->events[i]);
    }
}

struct hearing *hearing_new(const struct hearing_parts *parts, struct generation *generation)
{
    struct hearing *hearing = alloc_zeroed(1, sizeof *hearing);
    const struct event_queue_listener listener = {settled, heard, forgotten, queue_failing,
                                                  hearing};
    hearing->parts = *parts;
    hearing->generation = generation_keep(generation);
    hearing->queue = event_queue_new(parts->loop, &listener);
    make_ears(hearing, NULL, 0);
    return hearing;
}

int hearing_keep_in(struct hearing *hearing, struct journal *journal, struct err *err)
{
    return event_queue_keep_in(hearing->queue, journal, err);
}

size_t hearing_start(struct hearing *hearing)
{
    size_t failed = 0;
    hearing->started = true;
    for (size_t i = 0; i < hearing->count; i++) {
        if (!hearing->ears[i]->listening)
            ear_start(hearing->ears[i]);
        failed += !hearing->ears[i]->listening;
    }
    return failed;
}

/* Sources that go make room first: a new one may want the port of an old one. */
void hearing_reload(struct hearing *hearing, struct generation *generation)
{
    struct ear **old = hearing->ears;
    size_t old_count = hearing->count;
    generation_drop(hearing->generation);
    hearing->generation = generation_keep(generation);
    make_ears(hearing, old, old_count);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i] != NULL)
            ear_leave(old[i]);
    }
    free(old);
    for (size_t i = 0; hearing->started && i < hearing->count; i++) {
        if (hearing->ears[i]->starts == 0)
            ear_start(hearing->ears[i]);
    }
}

void hearing_stop(struct hearing *hearing)
{
    hearing->started = false;
    for (size_t i = 0; i < hearing->count; i++)
        ear_take_down(hearing->ears[i]);
    event_queue_finish(hearing->queue);
}

void hearing_free(struct hearing *hearing)
{
    if (hearing == NULL)
        return;
    hearing_stop(hearing);
    for (size_t i = 0; i < hearing->count; i++)
        ear_leave(hearing->ears[i]);
    event_queue_free(hearing->queue);
    free(hearing->ears);
    generation_drop(hearing->generation);
    free(hearing);
}

struct ear *const *hearing_ears(const struct hearing *hearing, size_t *ret_count)
{
    *ret_count = hearing->count;
    return hearing->ears;
}

void hearing_status(const struct ear *ear, struct source_status *ret)
{
    ret->count = 0;
    if (ear->constructed && class_of(ear)->status != NULL)
        class_of(ear)->status(ear->state, ret);
}

void hearing_count(const struct hearing *hearing, struct event_queue_status *ret)
{
    event_queue_count(hearing->queue, ret);
}

/* --- gaps --- */

/* Names what the source has lost since the last round; returns how much it was. */
static uint64_t loss_since(struct ear *ear, struct text *why)
{
    struct source_status status;
    uint64_t sum = ear->refused, before = ear->loss_before;
    hearing_status(ear, &status);
    for (size_t i = 0; i < status.count; i++) {
        if (!status.counters[i].loss || status.counters[i].value == 0)
            continue;
        sum += status.counters[i].value;
        text_printf(why, "%s%s %" PRIu64, why->length > 0 ? ", " : "", status.counters[i].name,
                    status.counters[i].value);
    }
    if (ear->refused > 0)
        text_printf(why, "%snot taken %" PRIu64, why->length > 0 ? ", " : "", ear->refused);
    ear->loss_before = sum;
    return sum > before ? sum - before : 0; /* a source that began anew counts from 0 */
}

static void add_deaf(struct ear *ear, struct snapshot *snapshot)
{
    AUTO_TEXT struct text why = TEXT_EMPTY, counters = TEXT_EMPTY;
    uint64_t lost = loss_since(ear, &counters);
    bool deaf = !ear->listening || ear->on_trial;
    if (!deaf && lost == 0) {
        ear->gap_rounds = 0;
        return;
    }
    ear->gap_rounds++;
    if (deaf)
        text_printf(&why, "%s: %s", ear->source->name, ear->err.text);
    else
        text_printf(&why, "%s: lost or refused %" PRIu64 " in this round (since its start: %s)",
                    ear->source->name, lost, text_get(&counters));
    snapshot_add_deaf(snapshot, ear->source->name, text_get(&why), ear->gap_rounds);
}

void hearing_add_deaf(struct hearing *hearing, struct snapshot *snapshot)
{
    for (size_t i = 0; i < hearing->count; i++)
        add_deaf(hearing->ears[i], snapshot);
}
