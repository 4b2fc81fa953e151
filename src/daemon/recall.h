/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_RECALL_H
#define MUSTER_DAEMON_RECALL_H

#include "daemon/auditor.h"
#include "daemon/keeper.h"
#include "daemon/ledger.h"
#include "daemon/reactor.h"

/* What a daemon knows when it starts: the records that were good last time, and who was on
 * the wire.
 *
 * Before the first round the keeper brings what the journal still has into the store, then
 * loads the last good snapshot of every recorded source, so that one that fails just now is
 * known as it was, and the sessions that were open. Without them the first round would miss
 * what had been heard, and clear the cases that rest on it.
 *
 * Put back are, too, the announcements that still hold, the migration windows that are open or
 * rest, the last flush of every switch (store/followed.h), and the ended sessions on which cases
 * rest: those that the last round was told of (store/told.h), as it was, and those that have ended
 * since, which settle anew; of no address that has a newer session. So what stood before a kill is
 * judged the same after it.
 *
 * A binding is its home address's, also where it tells a MAC. Its care-of address comes back with
 * its session; and of the open cases of addresses, which no round judges, each is judged again with
 * the first world: it goes on, or it is over.
 *
 * An announcement of the last seconds before the kill gets its migration window in any case: nobody
 * knows whether it had one.
 *
 * A session is put back when it had not expired by the time that the last event of any
 * source was heard, which is when somebody last listened; it then has its whole lifetime
 * again, since nobody could have heard its refresh (presence.h). One whose source tells no
 * lifetime and no interval is put back for RECALL_UNDATED. One that had expired, and of which the
 * daemon did not come to conclude so, is concluded now: it is kept as expired at its date, and
 * counts as ended then. Sessions go to the list in
 * slices, so that the loop is not held; events that arrive meanwhile are newer and win.
 * Memory while it lasts: 100 octets a session. */

#define RECALL_UNDATED span_seconds(24 * 3600)

struct recall_parts {
    struct loop *loop;
    struct log *log;
    struct keeper *keeper;
    struct ledger *ledger;
    struct auditor *auditor;
    struct reactor *reactor;
    struct generation *generation;
    /* All is back: the first round may begin. May free the recall. */
    void (*done)(void *context);
    void *context;
};

struct recall;

/* Begins; `done` is called once, later, unless the recall is freed before. */
struct recall *recall_new(const struct recall_parts *parts);

/* Frees it; its errand must have ended. NULL is allowed. */
void recall_free(struct recall *recall);

#endif
