/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SNMP_ENGINE_H
#define MUSTER_SNMP_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "snmp/address.h"
#include "wire/oid.h"
#include "wire/snmp_message.h"
#include "wire/usm.h"

/* The polling engine: table walks, GET and SET to thousands of agents from one
 * thread, none of which can hold up another.
 *
 * Model. A *device* is an agent's address with credentials and load limits; a
 * *task* is one walk, get or set on it. A task asks by jobs (a walk may have
 * several, one a segment), each with one request in flight. Devices with work
 * wait in two queues, those under way before those not begun, so that a table is
 * read in one go and about a window of devices is active at a time. The window
 * counts only requests that were sent lately: one that has waited for 100 ms
 * gives its place away, so dead devices cost nobody anything.
 *
 * Answers are matched by request id (v3: message id) and source address. Each try
 * has an id of its own, masked by a secret; an answer to any try of the present
 * request is taken, later ones are dropped. The time-out follows the measured
 * round trip (rto.h); max-repetitions grows while answers fit and is halved by
 * tooBig, genErr and repeated silence. The hot path neither decodes nor encodes
 * OIDs: rows are handed out as index octets and the next request begins at the
 * last row's name as it was received.
 *
 * v3: engine discovery and time are handled here by address (clones of one engine
 * id exist); a Report ends the task with the cause, or resynchronises and asks
 * again. Unauthentic times are used, never believed.
 *
 * Bounds: rows and time of a walk, names that must increase, sizes by limits.h,
 * and no memory that grows with a table, but for devices whose tables are
 * unordered (one number a row).
 *
 * Everything is called on one thread. Callbacks come out of snmp_engine_step()
 * and nowhere else, and may start and cancel tasks and free devices. */

struct snmp_engine;
struct snmp_device;
struct snmp_task;
struct loop;

struct snmp_engine_options {
    unsigned window; /* requests sent lately over all devices; 0: 512 */
    /* Called when work was added from outside a step: a step is due now. NULL: the
     * caller knows. */
    void (*wake)(void *arg);
    void *arg;
};

/* Returns 0 with *ret yours to free, or ERR_SYSTEM. `options` may be NULL. */
int snmp_engine_new(const struct snmp_engine_options *options, struct snmp_engine **ret,
                    struct err *err) MUST_USE;

/* Frees the engine, its devices and tasks without further callbacks; NULL is
 * allowed. Not from within a callback. */
void snmp_engine_free(struct snmp_engine *engine);

/* Returns a descriptor that polls readable when a step is due for answers. */
int snmp_engine_fd(const struct snmp_engine *engine);

/* Returns when a step is due even without answers; INT64_MAX us for never. */
struct mono snmp_engine_deadline(const struct snmp_engine *engine);

/* Receives, fires what is due at `now`, sends, calls back. Returns within about
 * a millisecond; more may be waiting on the descriptor. */
void snmp_engine_step(struct snmp_engine *engine, struct mono now);

/* Whether no task is left. */
bool snmp_engine_idle(const struct snmp_engine *engine);

/* Steps until no task is left, waiting on the descriptor. Returns 0 or ERR_SYSTEM. */
int snmp_engine_run(struct snmp_engine *engine, struct err *err) MUST_USE;

/* As snmp_engine_new(), driven by `loop` until it is freed. */
int snmp_engine_new_on_loop(struct loop *loop, struct snmp_engine **ret, struct err *err) MUST_USE;

/* Returns the crypto contexts, for usm_user_init(). */
struct usm_crypto *snmp_engine_crypto(struct snmp_engine *engine);

struct snmp_engine_counters {
    uint64_t sent, resent;
    uint64_t received;  /* datagrams */
    uint64_t late;      /* answers to nothing that is asked any more, duplicates */
    uint64_t strange;   /* right id, wrong address or version */
    uint64_t malformed; /* no SNMP message */
    uint64_t refused;   /* v3: wrong digest, level, or time window */
};

/* Sets *ret to what was counted since the engine was made. */
void snmp_engine_count(const struct snmp_engine *engine, struct snmp_engine_counters *ret);

/* --- devices --- */

struct snmp_limits {
    struct span timeout;      /* patience with one request, all tries together */
    unsigned tries;           /* sends of one request at most, 1 to 10 */
    struct span first_wait;   /* before the second try, while nothing was measured: at most */
    struct span wait_floor;   /* the least wait before another try, for a device that was late */
    unsigned repetitions;     /* rows asked for in a walk's first requests; 1 to 1000 */
    unsigned repetitions_cap; /* rows asked for at most */
    unsigned in_flight;       /* requests at once to this device, 1 to 16 */
    struct span min_interval; /* between two requests to this device */
};

/* Sets the limits as delivered: 5 s, 8 tries, 500 ms, 25 ms, 25 rows, 50 rows, 2, 0. */
void snmp_limits_init(struct snmp_limits *limits);

struct snmp_target {
    const char *name; /* for messages; copied */
    struct snmp_address address;
    enum snmp_version version;
    const char *community;       /* v1, v2c; copied */
    const struct usm_user *user; /* v3; copied */
    struct snmp_limits limits;
};

/* Adds a device. Sends nothing. Returns 0 with *ret, or ERR_RANGE (community too
 * long), ERR_SYSTEM (no socket). */
int snmp_device_new(struct snmp_engine *engine, const struct snmp_target *target,
                    struct snmp_device **ret, struct err *err) MUST_USE;

/* Removes a device and cancels its tasks without callbacks; wipes its keys. NULL
 * is allowed. */
void snmp_device_free(struct snmp_device *device);

/* Returns "sw1 (192.0.2.1:161)". */
const char *snmp_device_label(const struct snmp_device *device);

/* Returns the smoothed round trip, -1 us while nothing was measured. */
struct span snmp_device_round_trip(const struct snmp_device *device);

/* --- tasks --- */

/* What a task may set for itself; zeroed: as the device has it. */
struct snmp_scope {
    const char *community; /* v1, v2c: "public@25" */
    const char *context;   /* v3: "vlan-25" */
    struct span timeout;
    unsigned tries;
};

struct snmp_result {
    int code;             /* 0: whole; else a negative enum err_code */
    const char *why;      /* "" or one sentence with device, cause and what was read */
    int32_t error_status; /* the agent's, when that is the cause; else 0 */
    int32_t error_index;
    uint64_t asked;    /* requests, each counted once */
    uint64_t answered; /* of them */
    uint64_t resent;   /* further tries */
    uint64_t rows;
    struct mono started, ended;
};

/* The end of a task; `result` is valid during the call, the task is no more. */
typedef void snmp_done_fn(void *arg, const struct snmp_result *result);

/* One row of a walk: what follows the prefix in its name, as octets. */
struct snmp_row {
    const uint8_t *index;
    size_t index_length;
    struct snmp_value value;
};

/* Rows of one answer, valid during the call. In increasing order, unless the walk
 * is split or its device unordered. */
typedef void snmp_rows_fn(void *arg, const struct snmp_row *rows, size_t count);

/* How an index is read where a walk is to be split; others are not split. */
enum snmp_index {
    SNMP_INDEX_OTHER,
    SNMP_INDEX_MAC,    /* dot1dTpFdb: six octets */
    SNMP_INDEX_FDB_MAC /* dot1qTpFdb: FDB id and six octets */
};

struct snmp_walk_options {
    struct snmp_scope scope;
    enum snmp_index index;
    unsigned segments;         /* parallel parts at most; 0 or 1: one. Needs in_flight as many */
    bool allow_unordered;      /* names need not increase; a repeated one ends the walk */
    unsigned repetitions_most; /* 0: the device's; a bound for this walk */
    uint64_t row_limit;        /* 0: LIMIT_FORWARD_ROWS */
    struct span time_limit;    /* 0: 10 min */
};

/* Walks everything below `prefix`: `rows` for each answer that has some, `done`
 * once at the end. The walk is whole when the end of the subtree was seen.
 * `options` may be NULL. Returns the task, for snmp_cancel() until `done`. */
struct snmp_task *snmp_walk(struct snmp_device *device, const struct oid *prefix,
                            const struct snmp_walk_options *options, snmp_rows_fn *rows,
                            snmp_done_fn *done, void *arg);

/* The value of the `position`-th OID of a get; a missing one has type
 * SNMP_NO_SUCH_OBJECT or SNMP_NO_SUCH_INSTANCE, with v1 too. */
typedef void snmp_value_fn(void *arg, size_t position, const struct snmp_value *value);

/* Asks for `count` (at least 1) exact instances, as many in a request as fit;
 * `value` once for each in order, then `done` (whole: all were answered). `scope`
 * may be NULL. */
struct snmp_task *snmp_get(struct snmp_device *device, const struct oid *oids, size_t count,
                           const struct snmp_scope *scope, snmp_value_fn *value, snmp_done_fn *done,
                           void *arg);

struct snmp_assignment {
    struct oid oid;
    struct snmp_value value;
};

/* Sets `count` variables in one request, all or none. Returns NULL with ERR_LIMIT
 * in `err` when they do not fit into one. A SET is repeated like any request when
 * no answer comes: an agent may see it twice. */
struct snmp_task *snmp_set(struct snmp_device *device, const struct snmp_assignment *assignments,
                           size_t count, const struct snmp_scope *scope, snmp_done_fn *done,
                           void *arg, struct err *err);

/* Returns what a task has done so far; borrowed until it is over or cancelled, and
 * from within its own callback until that returns. */
const struct snmp_result *snmp_task_result(const struct snmp_task *task);

/* Ends a task; no callback comes afterwards. NULL is allowed. */
void snmp_cancel(struct snmp_task *task);

#endif
