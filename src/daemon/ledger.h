/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_LEDGER_H
#define MUSTER_DAEMON_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "daemon/keeper.h"
#include "io/log.h"
#include "store/journal.h"

/* The journal of events beside the store, and its way into the store.
 *
 * What event sources hear is first made durable in the journal, since a peer waits for its
 * answer and the store's thread may be busy with a round (store/journal.h). From there the
 * keeper brings it into the store's tables.
 *
 * A case waits for the keeper, too, and a case is what somebody looks at; events in the tables
 * are for questions about the past. So events go a slice an errand, as many as the keeper
 * lately managed in LEDGER_SLICE: a case, or a round, comes between two slices. A slice that is
 * not full waits LEDGER_PACE for company, since a transaction's cost is mostly not its events'.
 * Slices are not gathered either, since the disk would have all of it at once, and those who
 * wait for the journal's syncs would wait for that. No slice waits for the disk; a sync
 * follows now and then, and until then the journal keeps what was taken. A slice that the store
 * refuses (its disk is full) stays in the journal and is tried again after a while; no event
 * is lost by that.
 *
 * The journal is opened with the position that the store knows, so that after any crash each
 * event is in the store exactly once. */

#define LEDGER_PACE  span_ms(100)
#define LEDGER_SLICE span_us(1500)
/* While events come faster than such slices take them. */
#define LEDGER_SLICE_BEHIND span_ms(8)

struct ledger;

/* Opens the journal "STORE.journal" of the keeper's store, before the loop runs. Returns 0
 * with *ret, or an error of the journal or store. Not `durable`: the journal is not used,
 * which is said in the log; for benchmarks. */
int ledger_new(struct loop *loop, struct keeper *keeper, struct log *log, bool durable,
               struct ledger **ret, struct err *err) MUST_USE;

/* Returns the journal, which is the ledger's; its owner is the loop's thread. */
struct journal *ledger_journal(struct ledger *ledger);

/* `count` more events were heard and are on the disk, if it took them: brings them into the
 * store soon; those that are older than `retention` leave it. */
void ledger_fold(struct ledger *ledger, size_t count, struct span retention);

/* Tries nothing anew any more but a last slice: the daemon is about to end. What the store has
 * not taken by then it takes at the next start. */
void ledger_stop(struct ledger *ledger);

/* Closes the journal; the keeper must have ended its errands. NULL is allowed. */
void ledger_free(struct ledger *ledger);

#endif
