/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_HEARING_H
#define MUSTER_DAEMON_HEARING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/plugin.h"
#include "daemon/event_queue.h"
#include "daemon/generation.h"
#include "daemon/snapshot.h"
#include "daemon/switch_names.h"
#include "io/log.h"

/* The half of the daemon that hears: the event sources, and the feed that each of them is
 * given (contract/plugin.h, DOMAIN 1.7).
 *
 * A source is started before privileges are dropped, since it opens capture sockets and low
 * ports. One that cannot start, or that reports that it hears nothing any more, is stopped
 * and tried again, after a rest that doubles with each failure, also of one that fails some time
 * after each start; it has recovered when it hears something, or for three rests; what it lacks is
 * said once and kept for `muster status`, and after as many rounds as make a gap it is an
 * audit_gap. So is one that has lost or refused something in as many rounds in a row: what a mirror
 * port dropped was not heard, whatever was read. An empty socket is no gap: silence cannot
 * be told from peace.
 *
 * What a source adds becomes durable in the event queue, which then has the source answer
 * its peers, and hands the events over to the judge. A source that a reload takes away is
 * stopped at once; its events go their way without it. */

struct hearing;

struct ear {
    struct hearing *hearing;
    const struct config_source *source;
    struct generation *generation;
    bool listening;
    bool on_trial;            /* listens since a failure, and may fail again at once */
    struct err err;           /* why it does not, or did not */
    struct wall since;        /* listening or not, since when */
    struct wall heard;        /* the latest event; WALL_UNKNOWN */
    unsigned failures;        /* in a row */
    uint64_t events, refused; /* taken from it; not taken, since too many waited */
    uint64_t starts;
    unsigned gap_rounds;  /* rounds in a row that it was deaf, or lost something */
    uint64_t loss_before; /* sum of its losses at the end of the last round */
    /* inside */
    void *state;
    bool constructed, gone, failing;
    size_t kept; /* events in the queue */
    struct loop_timer *retry;
    struct event_feed *feed;
};

struct hearing_parts {
    struct loop *loop;
    struct log *log;
    struct switch_names *switches;
    void (*heard)(void *context, const struct event *events, size_t count);
    void *context;
};

/* Makes the event sources of `generation`; starts none. */
struct hearing *hearing_new(const struct hearing_parts *parts, struct generation *generation);

/* Gives the event queue its journal, which outlives the hearing; before the loop runs.
 * Returns 0 or ERR_SYSTEM. */
int hearing_keep_in(struct hearing *hearing, struct journal *journal, struct err *err) MUST_USE;

/* Starts every source. Returns how many could not be started: the log says why. */
size_t hearing_start(struct hearing *hearing);

/* Goes on by another configuration: sources that did not change go on listening. */
void hearing_reload(struct hearing *hearing, struct generation *generation);

/* Stops every source, and waits until what was heard is on the disk. */
void hearing_stop(struct hearing *hearing);

/* Frees; NULL is allowed. */
void hearing_free(struct hearing *hearing);

/* Returns the sources, and sets *ret_count; until the next reload. */
struct ear *const *hearing_ears(const struct hearing *hearing, size_t *ret_count);

/* Sets *ret to the source's own counters; none while it does not listen. */
void hearing_status(const struct ear *ear, struct source_status *ret);

/* Sets *ret to what the event queue has seen. */
void hearing_count(const struct hearing *hearing, struct event_queue_status *ret);

/* At the end of a round: adds the sources that were deaf or lost something to `snapshot`. */
void hearing_add_deaf(struct hearing *hearing, struct snapshot *snapshot);

#endif
