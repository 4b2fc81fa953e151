/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_EVENT_QUEUE_H
#define MUSTER_DAEMON_EVENT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "io/loop.h"
#include "model/event.h"
#include "store/journal.h"

/* Events on their way to the disk, and what they are owed there.
 *
 * What a source adds goes into the open group of the journal (store/journal.h), which is
 * written with one sync. The queue keeps a copy of each event until its group is on the
 * disk, and then does two things: it tells those
 * who wait for the event's storing at once, group by group as the disk finishes them; and it
 * hands the events over to the judge in the order in which they were heard, so that a stop
 * never overtakes its start because another group's sync was quicker. Events whose group
 * could not be stored are handed over, too: a full disk must not make the daemon deaf; but
 * whoever waits for them is told that they are not stored.
 *
 * Bounded: EVENT_QUEUE_MOST events wait at a time, then none is taken. Group memory is used
 * again; at rest the queue holds one empty group. */

enum { EVENT_QUEUE_MOST = 65536 };

struct event_queue;

struct event_queue_listener {
    /* Those of a group that have a ticket, in the order of adding; `owner` is theirs all. */
    void (*settled)(void *context, void *owner, const uint64_t *tickets, size_t count, bool stored);
    /* Events in the order of adding; texts are borrowed for the call. */
    void (*heard)(void *context, const struct event *events, size_t count);
    /* An event of `owner` is not kept any more. */
    void (*forgotten)(void *context, void *owner, size_t count);
    /* The disk does not take events (`err` says why), or does again (NULL). */
    void (*failing)(void *context, const struct err *err);
    void *context;
};

struct event_queue_status {
    uint64_t added, stored, not_stored, refused;
    struct wall not_stored_at; /* when that was last found out; WALL_UNKNOWN: never */
    bool storing;              /* the latest events that were settled are on the disk */
    size_t waiting;            /* for the disk */
};

/* Returns a queue; yours to free. `listener` is copied. Nothing may be added before
 * event_queue_keep_in(). */
struct event_queue *event_queue_new(struct loop *loop, const struct event_queue_listener *listener);

/* Gives the queue its journal, which outlives it. NULL, for benchmarks: nothing is stored, and
 * whoever waits for that is told at once that it was. Returns 0 or ERR_SYSTEM. */
int event_queue_keep_in(struct event_queue *queue, struct journal *journal,
                        struct err *err) MUST_USE;

/* Waits until all that was added is on the disk or will never be, and tells. */
void event_queue_finish(struct event_queue *queue);

/* Frees the queue; events that still wait are told to nobody. NULL is allowed. */
void event_queue_free(struct event_queue *queue);

/* Adds a copy of `event`, which is `owner`'s. Returns 0 or ERR_LIMIT. */
int event_queue_add(struct event_queue *queue, const struct event *event, uint64_t ticket,
                    void *owner) MUST_USE;

/* Sends what was added on its way. */
void event_queue_flush(struct event_queue *queue);

/* Sets *ret to what has happened so far. */
void event_queue_count(const struct event_queue *queue, struct event_queue_status *ret);

#endif
