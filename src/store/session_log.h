/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_SESSION_LOG_H
#define MUSTER_STORE_SESSION_LOG_H

#include "base/map.h"
#include "store/event_log.h"
#include "store/event_record.h"
#include "store/store_internal.h"

/* The sessions of one fold: each is loaded when the first event of it comes, follows the
 * events in memory, and is written once at the end (event_log.h has the rules). So
 * a session that is heard ten times in a batch costs one row. Not thread-safe; limits
 * and attacks: event_log.h. */

/* What a session's row says and events may change. */
struct session_row {
    int64_t id;
    uint64_t key;
    int64_t source_id;
    struct event begun; /* of a new one: the event that made it, texts from the arena */
    const char *switch_name, *port, *cause; /* "" */
    struct ip care_of;
    uint16_t vlan;
    struct wall started, last, heard, ended;
    struct wall expired; /* WALL_UNKNOWN: not */
    struct wall updated; /* `at` of its last update */
    struct span lifetime, interval;
    uint64_t updates;
    enum event_proof proof;
    bool implicit;
    int64_t last_event, kept_event; /* sequence numbers: any, and no update; 0 none */
    uint64_t origin, kept_origin;   /* of these two; 0: not known */
    bool is_new, is_ended, dirty;   /* what must be written */
};

struct session_batch {
    struct store *store;
    struct arena *arena;
    struct session_row *rows;
    size_t count, capacity;
    struct map by_key; /* index of the latest life of a session */
    int64_t next_id;
};

/* Makes an empty batch, whose first new session gets the number `next_id`; frees it. */
void session_batch_init(struct session_batch *batch, struct store *store, int64_t next_id);
void session_batch_done(struct session_batch *batch);

/* What became of an event. */
enum session_result {
    SESSION_TAKEN,   /* *ret_row is its session, as it is now; the event is to be stored */
    SESSION_REPEATED /* it is in the store already */
};

/* Lets the session of a start, update or stop follow it. Returns a session_result, or a
 * negative error. *ret_row is valid until the next call. */
int session_batch_take(struct session_batch *batch, int64_t source_id, const struct event *event,
                       struct session_row **ret_row, struct err *err) MUST_USE;

/* Ends the sessions that a reset ends; writes what was not written first. */
int session_batch_reset(struct session_batch *batch, int64_t source_id, const struct event *event,
                        struct err *err) MUST_USE;

/* Writes every session that changed and forgets them. */
int session_batch_write(struct session_batch *batch, struct err *err) MUST_USE;

/* The instant of an event: `at`, or when it was heard where that is not known. */
static inline struct wall session_event_time(const struct event *event)
{
    return wall_known(event->at) ? event->at : event->heard;
}

/* An address as a cell: NULL where there is none. */
static inline struct cell session_address_cell(const struct ip *ip)
{
    if (!ip_known(ip))
        return cell_null();
    return (struct cell){.type = CELL_BLOB, .bytes = ip->octets, .length = sizeof ip->octets};
}

/* An address from a cell that is a blob or NULL. */
struct ip session_cell_address(const struct cell *cell);

#endif
