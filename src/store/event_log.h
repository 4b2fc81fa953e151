/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_EVENT_LOG_H
#define MUSTER_STORE_EVENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "model/event.h"
#include "store/journal.h"
#include "store/store.h"

/* Events in the store: what was heard, as rows, and the sessions that follow from it.
 *
 * Events are acknowledged when the journal has them (journal.h); store_events_fold()
 * brings them from there into tables, in batches, whenever the store's thread has
 * time. The batch and the number of its last event are one transaction, so after any crash
 * each acknowledged event is there exactly once. An event that a peer sent again
 * since it never saw the answer (same session, kind and time: DOMAIN 2.7 point 5) is
 * counted and not stored a second time, also across a restart.
 *
 * Table `event` only grows at its end. Events of one session are chained backwards from the
 * session's row (`previous`, and `earlier` past the updates), so that the history of a
 * guest is found without an index that each event would pay for. Table `session` has
 * one row for each life of a session: from its start, or the first word of it, to its
 * stop, a reset of its NAS (F9, DOMAIN 2.7 point 2), or its replacement by a new
 * life. A session is named by its source, NAS and session id; where the source has no ids,
 * by source, NAS and identity, and then a stop ends it only at the place where it is. A
 * late event (its stop came first) moves no later one.
 *
 * That a session has expired is a conclusion and no event: nobody said so. It is kept beside the
 * session (`expired`, store/followed.h) and not among the events. From then on the session is not
 * open; a word that comes later begins a new life, as it does on the expiry list, and a stop
 * that comes later still ends the life that it is of.
 *
 * Refreshes are many and say little: rows of kind "update" are kept for
 * STORE_UPDATE_RETENTION, their count and times stay with the session. Each fold also
 * deletes some of what is too old, twice what it added at most, so that no transaction is long.
 *
 * Cost: a few microseconds an event. Limits: those of the journal and the store. Attacks
 * considered: session keys are hashed with the store's secret; texts from outside are values,
 * never SQL; times that a NAS claims order its own sessions only. */

/* How long single updates are kept. */
#define STORE_UPDATE_RETENTION span_seconds(48 * 3600)

/* Most events that one call of store_events_fold() takes. */
enum { STORE_FOLD_MAX = 64 * 1024 };

/* What a journal must be opened with (journal_options): its identity, 0 while the store had
 * none, and the last sequence number that is in the store. */
struct event_position {
    uint64_t identity, folded;
};
int store_events_position(struct store *store, struct event_position *ret,
                          struct err *err) MUST_USE;

struct event_fold {
    size_t events;     /* taken from the journal */
    size_t repeated;   /* of them: were in the store already */
    uint64_t sequence; /* of the last one */
    bool more;         /* there may be more */
};

/* Brings up to `limit` (at most STORE_FOLD_MAX) durable events from the journal into the
 * store, in one transaction that is on the disk on return, and deletes events that are
 * older than `retention` at `now`. Not within a round. On an error nothing was taken, and
 * the next call begins with the same events. */
int store_events_fold(struct store *store, struct journal *journal, size_t limit, struct wall now,
                      struct span retention, struct event_fold *ret, struct err *err) MUST_USE;

/* As store_events_fold(), without the wait for the disk: for whoever takes few events a call,
 * since others want the store. What was taken is in the tables for every reader, and since it
 * might not survive a crash of the machine, the journal keeps it, too, until
 * store_events_settle() or a fold. */
int store_events_take(struct store *store, struct journal *journal, size_t limit, struct wall now,
                      struct span retention, struct event_fold *ret, struct err *err) MUST_USE;

/* Waits until all that was taken is on the disk, and lets the journal use its room again. On an
 * error the journal keeps it. Not within a round. */
int store_events_settle(struct store *store, struct journal *journal, struct err *err) MUST_USE;

/* --- questions --- */

/* An event as stored; texts from the arena, NULL where not said. */
struct event_entry {
    uint64_t sequence;
    uint64_t session; /* number of its session_record, 0: none */
    struct event event;
};

struct event_query {
    const struct mac *macs; /* any of these, */
    size_t mac_count;
    const struct ip *addresses; /* or any of these */
    size_t address_count;
    struct wall from, to; /* of `at`; WALL_UNKNOWN: no bound */
    size_t limit;         /* the latest are kept; 0: all */
};

/* Loads the events of addresses, in the order of `at`. */
int store_list_events(struct store *store, const struct event_query *query, struct arena *arena,
                      const struct event_entry **ret, size_t *ret_count, struct err *err) MUST_USE;

/* As store_list_events(), but only those that made no session (announcements, hints), of each
 * address the newest query->limit; sets *ret_more to how many more there are, which are not
 * loaded. */
int store_list_loose_events(struct store *store, const struct event_query *query,
                            struct arena *arena, const struct event_entry **ret, size_t *ret_count,
                            size_t *ret_more, struct err *err) MUST_USE;

typedef int store_event_fn(void *aux, const struct event_entry *event);

/* Calls `each` for the announcements that were heard from `from` to `to`, newest first, in
 * `arena`. Goes through all events since `from`. Ends early when `each` returns something else
 * than 0, and returns that. */
int store_each_announcement(struct store *store, struct wall from, struct wall to,
                            struct arena *arena, store_event_fn *each, void *aux,
                            struct err *err) MUST_USE;

/* One life of a session. */
struct session_record {
    uint64_t number;
    const char *source, *type, *nas, *session, *node; /* "" where not said */
    struct mac mac;
    struct ip address, care_of;
    const char *switch_name, *port; /* where it was last; "" */
    uint16_t vlan;
    struct wall started;  /* as its source says */
    struct wall last;     /* the latest word of it, as its source says */
    struct wall heard;    /* and when that came */
    struct wall ended;    /* as somebody said; WALL_UNKNOWN: nobody did */
    struct wall expired;  /* since when it was concluded to be over; WALL_UNKNOWN: not */
    const char *cause;    /* why it ended; "" */
    struct span lifetime; /* as last told; 0: not known */
    struct span interval; /* between its last two updates; 0: not known */
    uint64_t updates;
    enum event_proof proof; /* the best of its events */
    bool implicit;          /* its start was not heard */
    uint64_t last_event;    /* sequence numbers: of its latest event, */
    uint64_t kept_event;    /* and of the latest that is no update; 0: none */
};

/* Which sessions: those that were open at some time from `from` to `to`. */
struct session_query {
    struct wall from, to;   /* WALL_UNKNOWN: no bound */
    const struct mac *macs; /* of these only; NULL with a count of 0: all */
    size_t mac_count;
    const struct ip *addresses;
    size_t address_count;
};

typedef int store_session_fn(void *aux, const struct session_record *session);

/* Calls `each` for every session that `query` lets through, ordered by number; texts
 * live until it returns. Ends early when it returns something else than 0, and returns
 * that. With both bounds at an instant: the sessions of that instant. From some minutes
 * ago: what the expiry list needs after a restart. */
int store_each_session(struct store *store, const struct session_query *query,
                       store_session_fn *each, void *aux, struct err *err) MUST_USE;

/* What is known of an event source. */
struct event_source_record {
    const char *name, *type;
    uint64_t events, repeated;
    uint64_t sequence;            /* of its last event */
    struct wall last, last_heard; /* of its last event: `at` and `heard` */
};

/* Loads all event sources that were ever heard, by name. */
int store_list_event_sources(struct store *store, struct arena *arena,
                             const struct event_source_record **ret, size_t *ret_count,
                             struct err *err) MUST_USE;

#endif
