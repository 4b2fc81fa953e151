/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_POLLER_H
#define MUSTER_DAEMON_POLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/mac.h"
#include "contract/plugin.h"
#include "daemon/generation.h"
#include "daemon/schedule.h"

/* One recorded or observed source in the life of the daemon: its plug-in's state, what it
 * gave last, what went wrong, and the probes that wait for it.
 *
 * A one-shot round (daemon/round.h) makes a plug-in, asks once and takes it down. A daemon
 * keeps it, so that what it has learnt of its device (port names, SNMP engines) serves the
 * next poll. At most one poll is under way at a time. What it gives is a holding: immutable,
 * shared by the poller, the round that judges it and the world of the event judge, and
 * freed by the last.
 *
 * A probe (one MAC, exact instances) is asked of the same state when that is idle, and of
 * a second state, made when first needed, while a long walk is under way: a live re-check
 * does not wait for a walk. Probes are bounded: PROBES_WAITING in the queue, a rate a
 * source. A poll that is due goes before probes that wait.
 *
 * A source that the configuration does not name any more is retired: what is under way
 * ends by itself, nobody hears of it, and then the poller frees itself; jobs have threads
 * that still read what they were given. */

enum { PROBES_WAITING = 64 };

/* What one read gave; never changed. The loop's thread counts its keepers. */
struct holding {
    unsigned keepers;
    struct record_set *set; /* of a recorded source, and its receipt */
    struct receipt receipt;
    struct forward_table **tables; /* of an observed one, each alone */
    size_t table_count;
    struct loop *loop; /* a large one is freed in a worker thread */
};

/* Keeps the holding for one more, and returns it; gives it back. */
struct holding *holding_keep(struct holding *holding);
void holding_drop(struct holding *holding); /* NULL is allowed */

/* Returns a holding of `set` (taken), kept once. */
struct holding *holding_of_records(struct record_set *set, struct loop *loop);

struct poller;

struct poller_listener {
    /* A poll ended, well (poller->fresh) or not (poller->failed). */
    void (*ended)(void *context, struct poller *poller);
    void *context;
};

struct poller_limits {
    struct span probe_gap; /* between two probes of one source, in the long run */
    unsigned probe_burst;
};

struct poller {
    const struct config_source *source;
    struct generation *generation;
    struct poller_listener listener;
    bool is_recorded;

    /* the poll under way */
    bool polling, wanted; /* wanted: another one as soon as it can be */
    bool accept_shrunk;   /* for the next read of a recorded source */
    struct wall began;
    uint64_t rows; /* read so far */

    /* what came of the polls */
    struct holding *latest; /* NULL: nothing yet */
    struct wall latest_at;  /* when that was read */
    bool fresh, failed;     /* since it was last taken into a round */
    struct err err;         /* of the last failure */
    struct receipt failed_receipt;
    unsigned gap_rounds; /* rounds in a row without it */
    uint64_t polls, failures;
    struct span took; /* by the last good poll */

    /* probes */
    uint64_t probes, probe_failures, probes_refused;

    void *state; /* the plug-in's */
    bool constructed, retired;
    struct recorded_job *recorded_job;
    struct observed_job *observed_job;
    struct probing *probing;
};

/* Makes a poller; the plug-in's state is made with the first poll. `listener` is copied. */
struct poller *poller_new(struct generation *generation, const struct config_source *source,
                          const struct poller_limits *limits,
                          const struct poller_listener *listener);

/* Cancels what is under way without callbacks and frees the poller; NULL is allowed. */
void poller_free(struct poller *poller);

/* Frees the poller as soon as what is under way has ended; no callbacks come any more. */
void poller_retire(struct poller *poller);

/* Begins a poll, or has one follow when something is under way that it must wait for.
 * `accept_shrunk` of the poller is used up. The end comes by the listener, maybe, where the
 * plug-in refuses at once, before this returns. */
void poller_poll(struct poller *poller);

/* Returns the switch's name that a failure of it is told by. */
const char *poller_switch(const struct poller *poller);

/* --- probes --- */

/* What a probe found: `tables` hold only rows of `mac`; borrowed during the call. `err` is
 * set when the source could not be asked (then `count` is 0). */
struct probe_result {
    const struct poller *poller;
    struct mac mac;
    const struct forward_table *const *tables;
    size_t count;
    const struct err *err;
};

typedef void probe_fn(void *aux, const struct probe_result *result);

/* Asks for `mac` as soon as the rate allows. Returns 0: `done` is called once, later, unless
 * the poller is freed first; or ERR_UNSUPPORTED (its class cannot), ERR_LIMIT (too many
 * wait). */
int poller_probe(struct poller *poller, struct mac mac, probe_fn *done, void *aux,
                 struct err *err) MUST_USE;

/* Returns how many probes wait or are under way. */
size_t poller_probes_waiting(const struct poller *poller);

#endif
