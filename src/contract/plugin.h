/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CONTRACT_PLUGIN_H
#define MUSTER_CONTRACT_PLUGIN_H

#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/ip.h"
#include "contract/option.h"
#include "model/event.h"
#include "model/forwarding.h"
#include "model/record.h"

/* What a plug-in fills in (DESIGN section 3, `contract`).
 *
 * A plug-in is one file or folder under source/, report/ or action/ and one line
 * in daemon/registry.c. The core allocates `state_size` zeroed bytes, parses the
 * options into `config_size` bytes and calls `construct`; later `destruct`, which
 * also must do when a job failed. All calls come on the loop's thread and return
 * within 5 ms; what takes longer goes on by loop callbacks or child processes.
 *
 * A `fetch` that returns 0 promises exactly one *_job_done() later, never before
 * it has returned; one that returns an error promises none. After `cancel`: none.
 * A job hands over one whole immutable snapshot; on failure the core keeps the
 * last good one, which ages. Retries across rounds belong to the core. */

struct loop;
struct snmp_engine;
struct capture_hub;
struct run_state_words;

/* Services handed to plug-ins; nothing else in the process is theirs to touch. */
struct env {
    struct loop *loop;
    struct snmp_engine *snmp;    /* one engine for every SNMP source */
    struct capture_hub *capture; /* one reader an interface for all who sniff; NULL: each its own */
    const struct run_state_words *run_states;
    const char *quirks_file; /* user's additions to the quirk table, NULL */
    /* Wall clock; a test's is fake. */
    struct wall (*now)(void *clock);
    void *clock;
};

struct plug_class {
    const char *type;    /* the word of the configuration: "snmp" */
    const char *summary; /* one line for listings and the manual */
    const struct config_option *options;
    size_t state_size, config_size;
    int (*construct)(void *state, const void *config, struct env *env, struct err *err);
    void (*destruct)(void *state);
};

/* --- recorded sources: what should be true --- */

struct recorded_job; /* the core's */

struct recorded_source_class {
    struct plug_class plug;
    int (*fetch)(void *state, struct recorded_job *job, struct err *err);
    void (*cancel)(void *state, struct recorded_job *job);
};

/* Ends `job`. With `err` NULL: takes *set and what *receipt holds. With `err`:
 * the source failed; *receipt still says what was asked. */
void recorded_job_done(struct recorded_job *job, struct record_set **take, struct receipt *receipt,
                       const struct err *err);

/* --- observed sources: what the network shows, by polling --- */

struct observed_job; /* the core's */

struct observed_source_class {
    struct plug_class plug;
    bool offline; /* reads what was recorded earlier, not a live device */
    int (*fetch)(void *state, struct observed_job *job, struct err *err);
    void (*cancel)(void *state, struct observed_job *job);
    /* Exact-instance probe: where is `mac` on this device now? Ends by
     * observed_job_done() with a table that holds only the rows of that MAC
     * (none when it is not there); NULL where the source cannot. */
    int (*probe)(void *state, struct mac mac, struct observed_job *job, struct err *err);
};

/* Ends `job`. Takes *table, which may be partial: then its receipts say why. A
 * device that gave nothing has `take` NULL or *take NULL and `err` set. */
void observed_job_done(struct observed_job *job, struct forward_table **take,
                       const struct err *err);

/* Tells the operator how far a long read is; `rows` so far. */
void observed_job_progress(struct observed_job *job, uint64_t rows);

/* --- event sources: what is heard as it happens --- */

struct event_feed; /* the core's */

/* One figure of a source's own, for `muster status`. */
struct source_counter {
    const char *name; /* "bad_authenticator"; lives as long as the program */
    uint64_t value;   /* but for levels ("pending") never less while the source is started */
    bool loss;        /* what was lost or refused: worth a second look when it grows */
};

enum { SOURCE_COUNTER_MAX = 48 };

struct source_status {
    struct source_counter counters[SOURCE_COUNTER_MAX];
    size_t count;
};

/* The ticket of an event whose storing nobody waits for. */
#define EVENT_NO_TICKET UINT64_MAX

struct event_source_class {
    struct plug_class plug;
    /* Opens what needs privileges (sockets, capture) and begins to listen; events go to
     * `feed` until `stop`. Called before privileges are dropped, never while it is started.
     * Returns 0, or an error that says what cannot be heard, and then has left nothing open:
     * the core tries again from time to time. */
    int (*start)(void *state, struct event_feed *feed, struct err *err);
    /* Closes all that start opened; does nothing to a source that is not started. Comes
     * before `destruct`. */
    void (*stop)(void *state);
    /* Tells the outcome of events that were added with a ticket: they are on the disk
     * (`stored`), or will never be. In the order of adding; never from within
     * event_feed_add() or event_feed_flush(). May come after `stop`, and after the next
     * `start`: such tickets mean nothing any more. NULL: the source never uses tickets. */
    void (*settled)(void *state, const uint64_t *tickets, size_t count, bool stored);
    /* Fills in the counters; NULL: it has none. */
    void (*status)(void *state, struct source_status *ret);
    /* Whether a file that the options lead to (secrets that a list of clients names) was changed
     * after `then`; the files that options name are looked at by the core. NULL: there are none. */
    bool (*changed)(const void *options, struct wall then);
};

/* Hands one event over; texts are copied, `source`, `type` and, where unknown,
 * `heard` are set. Returns 0, or ERR_LIMIT when too many events wait to be stored:
 * this one is not taken, a counter of the source with `loss` says so, and a peer that waits
 * for an answer gets none. */
int event_feed_add(struct event_feed *feed, const struct event *event, uint64_t ticket) MUST_USE;

/* Says that no more events come in this turn: what was added is stored as a group
 * with one write. A source calls it once for each batch that it read. */
void event_feed_flush(struct event_feed *feed);

/* Returns how many events, of all sources together, wait for the disk or for the judge. Who reads
 * from what can wait (a file, a table) adds no more while they are more than EVENT_FEED_MANY. */
enum { EVENT_FEED_MANY = 8192 };
size_t event_feed_waiting(const struct event_feed *feed);

/* Returns the configured switch that answers at `address` or calls itself `name`
 * (either may be NULL), NULL when none does; lives until the next reload. */
const char *event_feed_switch(const struct event_feed *feed, const struct ip *address,
                              const char *name);

/* The source has found out that it hears nothing any more (its interface or socket is
 * gone): the core says so, stops it and starts it again later. Not from within
 * `start`. */
void event_feed_failed(struct event_feed *feed, const struct err *err);

#endif
