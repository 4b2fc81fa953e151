/* SPDX-License-Identifier: Apache-2.0 */
#include "source/sniffer.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "io/loop.h"

enum { CLOCK_EVERY = 256, RETRY_MS = 20 };

struct sniffer {
    struct env *env;
    struct event_feed *feed;
    sniffer_packet_fn *packet;
    void *aux;
    unsigned wants;
    struct capture_hub *own_hub; /* NULL: the environment's */
    struct capture_tap *tap;     /* of an interface */
    struct capture_stats stats;  /* as last read */
    struct capture_file *file;
    struct loop_timer *timer; /* the next slice of the file */
    struct capture_packet held;
    struct wall last; /* when the file's last packet was captured */
    bool holding;     /* `held` was refused and comes again */
    bool ended;
    uint64_t packets;
};

int sniffer_check(const struct sniffer_place *from, struct err *err)
{
    if ((from->interface != NULL) != (from->file != NULL))
        return 0;
    return err_set(err, ERR_SYNTAX, "expected one of the keys interface and file%s",
                   from->interface != NULL ? ", found both" : "");
}

/* --- an interface --- */

static void on_packet(void *aux, enum link_type link, const struct capture_packet *packet,
                      unsigned matched)
{
    struct sniffer *sniffer = aux;
    sniffer->packets++;
    sniffer->packet(sniffer->aux, link, packet, matched);
}

static void on_pause(void *aux)
{
    event_feed_flush(((struct sniffer *)aux)->feed);
}

static void on_failed(void *aux, const struct err *err)
{
    event_feed_failed(((struct sniffer *)aux)->feed, err);
}

static int open_interface(struct sniffer *sniffer, const char *name, struct err *err)
{
    const struct capture_listener listener = {
        .packet = on_packet, .pause = on_pause, .failed = on_failed, .aux = sniffer};
    struct capture_hub *hub = sniffer->env->capture;
    if (hub == NULL)
        hub = sniffer->own_hub = capture_hub_new(sniffer->env->loop);
    return capture_tap_open(hub, name, sniffer->wants, &listener, &sniffer->tap, err);
}

/* --- a file --- */

/* A packet without a time was captured when the one before it was, as far as is known. */
static void set_time(struct sniffer *sniffer)
{
    if (!wall_known(sniffer->held.at))
        sniffer->held.at =
            wall_known(sniffer->last) ? sniffer->last : sniffer->env->now(sniffer->env->clock);
    sniffer->last = sniffer->held.at;
}

/* Takes packets until the file's end, a refusal, or the end of the slice. Returns whether
 * there is more to do at once. */
static bool take_slice(struct sniffer *sniffer, bool *ret_refused, struct err *err)
{
    struct mono until = mono_add(loop_now(sniffer->env->loop), span_us(CAPTURE_TURN_US));
    for (unsigned count = 1;; count++) {
        if (!sniffer->holding) {
            int got = capture_file_next(sniffer->file, &sniffer->held, err);
            if (got != 1)
                return false;
            sniffer->packets++;
            set_time(sniffer);
        }
        sniffer->holding = false;
        const struct capture_packet *packet = &sniffer->held;
        unsigned matched = capture_filter_match(packet->link, packet->bytes, packet->captured);
        matched |= CAPTURE_CENSUS;
        if ((matched & sniffer->wants) != 0 &&
            !sniffer->packet(sniffer->aux, packet->link, packet, matched)) {
            sniffer->holding = *ret_refused = true;
            return true;
        }
        if (count % CLOCK_EVERY == 0 && loop_now(sniffer->env->loop).us >= until.us)
            return true;
    }
}

static void on_slice(void *aux)
{
    struct sniffer *sniffer = aux;
    struct err err = {.code = ERR_NONE};
    bool refused = false;
    if (event_feed_waiting(sniffer->feed) > EVENT_FEED_MANY) {
        loop_timer_start(sniffer->timer, span_ms(RETRY_MS));
        return;
    }
    bool more = take_slice(sniffer, &refused, &err);
    event_feed_flush(sniffer->feed);
    if (more)
        loop_timer_start(sniffer->timer, span_ms(refused ? RETRY_MS : 0));
    else
        sniffer->ended = true;
    if (err.code != ERR_NONE)
        event_feed_failed(sniffer->feed, &err); /* may close the sniffer */
}

static int open_file(struct sniffer *sniffer, const char *path, struct err *err)
{
    int status = capture_file_open(path, &sniffer->file, err);
    if (status != 0)
        return status;
    sniffer->timer = loop_timer_new(sniffer->env->loop, on_slice, sniffer);
    loop_timer_start(sniffer->timer, span_us(0));
    return 0;
}

/* --- both --- */

int sniffer_open(struct env *env, struct event_feed *feed, const struct sniffer_place *from,
                 unsigned wants, sniffer_packet_fn *packet, void *aux, struct sniffer **ret,
                 struct err *err)
{
    struct sniffer *sniffer = alloc_zeroed(1, sizeof *sniffer);
    sniffer->env = env;
    sniffer->feed = feed;
    sniffer->packet = packet;
    sniffer->aux = aux;
    sniffer->wants = wants;
    sniffer->last = WALL_UNKNOWN;
    int status = from->interface != NULL ? open_interface(sniffer, from->interface, err)
                                         : open_file(sniffer, from->file, err);
    if (status != 0) {
        sniffer_close(sniffer);
        return status;
    }
    *ret = sniffer;
    return 0;
}

void sniffer_close(struct sniffer *sniffer)
{
    if (sniffer == NULL)
        return;
    capture_tap_close(sniffer->tap);
    capture_hub_free(sniffer->own_hub);
    loop_timer_free(sniffer->timer);
    capture_file_close(sniffer->file);
    free(sniffer);
}

void sniffer_add_counter(struct source_status *to, const char *name, uint64_t value, bool loss)
{
    CHECK(to->count < SOURCE_COUNTER_MAX);
    to->counters[to->count++] = (struct source_counter){name, value, loss};
}

void sniffer_status(struct sniffer *sniffer, struct source_status *to)
{
    if (sniffer == NULL)
        return;
    if (sniffer->tap == NULL) {
        sniffer_add_counter(to, "file_packets", sniffer->packets, false);
        sniffer_add_counter(to, "file_ended", sniffer->ended, false);
        return;
    }
    capture_tap_stats(sniffer->tap, &sniffer->stats);
    sniffer_add_counter(to, "frames", sniffer->packets, false);
    sniffer_add_counter(to, "kernel_drops", sniffer->stats.dropped, true);
    sniffer_add_counter(to, "interface_drops", sniffer->stats.missed, true);
}
