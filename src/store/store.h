/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_STORE_H
#define MUSTER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/world.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "model/case_record.h"
#include "model/forwarding.h"
#include "model/memory.h"
#include "model/receipt.h"
#include "model/record.h"

/* The log of facts and the cases: what Muster knows between two rounds (DESIGN
 * sections 1 and 2).
 *
 * A round is one transaction. Everything that it read is written as the
 * difference from what the store holds: a forward table or a recorded table that
 * did not change costs its receipt and nothing else, one that changed costs its
 * changed rows. Rows are intervals: a row appears with a reading and ends with a
 * later one, nothing is overwritten, so the world of any earlier round can be
 * put together again (store/query.h) and judged by the same code to the same
 * verdicts. What was read in part ends no interval for good: it is marked as
 * ended without proof, and goes on when the row is back.
 *
 * Reports are made after store_round_commit() has returned 0: then a kill, a
 * crash or a power cut loses nothing that was reported. Until then the round
 * does not exist; a full disk or any other error takes it back as a whole and
 * damages nothing.
 *
 * One process writes: the writer holds a lock on "PATH.lock" from open to close,
 * so that a round's memory cannot change under it. Readers do not wait.
 *
 * The rules are written once over a small table of functions (store/database.h)
 * that SQLite fills in and PostgreSQL can. Limits: SQLite's own (2^63 rows, 281
 * TB); texts and counts inherit base/limits.h through the model. Attacks
 * considered: a damaged or prepared file never crashes the reader, every value
 * is checked when it is read, and is an ERR_CORRUPT with what to do; statements
 * are prepared, no text from outside ever becomes SQL; digests and hashes are
 * keyed by a secret of the store, so that addresses cannot be chosen to hide a
 * change. Not thread-safe: one thread owns the handle. */

struct store;

enum store_mode {
    STORE_WRITE, /* made when missing */
    STORE_READ,  /* must exist; needs no lock and no writable folder */
    STORE_LOG    /* beside the one that writes, in the same process: store_empty_log() only */
};

/* Facts are kept at least this long (DESIGN section 4). */
#define STORE_RETENTION span_seconds(35 * 24 * 3600)

/* Opens the store at `path` ("muster.db"). Returns 0 with *ret, to be closed; or,
 * with a sentence that says what follows:
 * - ERR_NOT_FOUND: STORE_READ, and there is none;
 * - ERR_VERSION: a newer Muster made it; nothing was touched;
 * - ERR_CORRUPT: not a store, or damaged; nothing was touched;
 * - ERR_DENIED: STORE_WRITE on a read-only file, folder or file system: the caller
 *   may go on with STORE_READ, and says that nothing will be remembered;
 * - ERR_TIMEOUT: another process (named) writes to it;
 * - ERR_SYSTEM: anything else of the operating system. */
int store_open(const char *path, enum store_mode mode, struct store **ret,
               struct err *err) MUST_USE;

/* Closes; a round that was not committed is taken back. NULL is allowed. */
void store_close(struct store *store);

/* --- the log of commits ---
 *
 * A commit goes to the end of a log (SQLite's write-ahead log), and its pages from there to their
 * places in the file later: thousands of pages all over the file and a sync, which takes tens of
 * milliseconds on a good disk. By itself the store does that within the commit that finds the log
 * long. A program that others wait for leaves it to another thread. */

enum {
    STORE_LOG_PAGES = 2048,      /* a log that is worth the work */
    STORE_LOG_PAGES_MOST = 32768 /* beyond which the store does it itself in any case */
};

/* From now on the log is left to store_empty_log(), up to STORE_LOG_PAGES_MOST. */
void store_leave_log(struct store *store);

/* Returns how many pages the log had after the last commit. */
size_t store_log_pages(const struct store *store);

/* Moves what the log has to its places, beside whatever the writing handle does meanwhile. Any
 * handle but STORE_READ, outside a round. Sets *ret_moved to how many pages of the log, counted
 * from its begin, are in their places now; more may have come meanwhile, and what a reader's view
 * would lose stays. When that is all, the log begins anew with the next commit. Returns 0, also
 * when another thread is at it; or the store's error. */
int store_empty_log(struct store *store, size_t *ret_moved, struct err *err) MUST_USE;

/* --- writing a round --- */

/* Begins the next round at `started`; sets *ret_round to its number. The calls
 * below until store_round_commit() or store_round_abort() belong to it. When one
 * of them fails the round is taken back at once, the error says so, and the
 * following ones fail until the next store_round_begin(). */
int store_round_begin(struct store *store, struct wall started, uint64_t *ret_round,
                      struct err *err) MUST_USE;

/* Says that this round is a daemon's: it is judged with what was heard, and `gap_rounds` failed
 * rounds in a row make an audit_gap. For a replay of it; nothing and 1 where this is not called. */
int store_round_gaps(struct store *store, unsigned gap_rounds, struct err *err) MUST_USE;

/* Stores one switch's table of this round, whole or in part, with its receipts. */
int store_round_table(struct store *store, const struct forward_table *table,
                      struct err *err) MUST_USE;

/* Stores one recorded source's snapshot of this round; it becomes its last good
 * one. `receipt` may be NULL. */
int store_round_records(struct store *store, const struct record_set *set,
                        const struct receipt *receipt, struct err *err) MUST_USE;

/* Says that this round's snapshot of the recorded source `source` is its last good
 * one. The snapshots of a round come back from store_world_load() in the order of
 * store_round_records(), store_round_kept() and, for sources that neither named,
 * store_round_failed(). */
int store_round_kept(struct store *store, const char *source, struct err *err) MUST_USE;

/* Stores that a source gave nothing usable; a recorded one keeps its last good
 * snapshot, which is then this round's too. `rounds` of `failed` is not read: the
 * store counts. `receipt` may be NULL. */
int store_round_failed(struct store *store, const struct failed_source *failed,
                       const struct receipt *receipt, struct err *err) MUST_USE;

/* Stores which guests are now recorded as not communicating: `identities`, each
 * once, any order (memory.h). A guest that is in none of `identities` and not in
 * `unknown` either has been read as communicating, or is gone: its clock ends. One
 * that is new has been off since the clock value given to store_round_commit(). */
int store_round_offs(struct store *store, const char *const *identities, size_t count,
                     const char *const *unknown, size_t unknown_count, struct err *err) MUST_USE;

/* Before store_round_cases(): the discrepancies that the round's collective ones
 * list. They have no case of their own, and stand all the same (open_since of
 * memory.h); only identity and addresses are read. */
int store_round_members(struct store *store, const struct discrepancy *members, size_t count,
                        struct err *err) MUST_USE;

/* Stores the cases as they are after this round, and their events. To be called
 * in every judged round, also with none: what is not among them has had a break. */
int store_round_cases(struct store *store, const struct case_change *changes, size_t count,
                      struct err *err) MUST_USE;

/* Makes the round permanent (on the disk, not only handed to the kernel).
 * `judged` is the clock value that was given to the judge: a replay uses it. */
int store_round_commit(struct store *store, struct wall judged, struct wall ended,
                       struct err *err) MUST_USE;

/* Takes the round back; allowed at any time. */
void store_round_abort(struct store *store);

/* --- what the next round needs --- */

struct store_memory_query {
    uint64_t round;         /* as it was after this round; 0: the latest */
    struct wall now;        /* the clock value of the judging */
    struct span horizon;    /* twice the largest ageing time, or more */
    const struct mac *macs; /* all intervals of these too: guests recorded off, MACs in doubt */
    size_t mac_count;
    const struct forward_table *const *tables; /* of the round to be judged */
    size_t table_count;
};

/* Loads what earlier rounds left for the judge: the intervals of every MAC that
 * - one of `tables` shows elsewhere than its switch's reading before, or no more;
 * - appeared (other than in a switch's first reading) or ended within the horizon;
 * - belongs to a discrepancy that stands, or is in `macs`;
 * and of one MAC more for each switch, so that the time of its latest reading is
 * told; and since when guests are off and discrepancies stand. Not the million
 * steady ones. Of the MACs chosen, intervals that ended before the horizon are
 * left out. Memory comes from `arena`. */
int store_load_memory(struct store *store, const struct store_memory_query *query,
                      struct arena *arena, struct memory *ret, struct err *err) MUST_USE;

/* Loads the last good snapshot of the recorded source `source`, yours to free,
 * and when it was read. Returns ERR_NOT_FOUND when there is none. */
int store_last_good(struct store *store, const char *source, struct record_set **ret,
                    struct wall *ret_read_at, struct err *err) MUST_USE;

/* As store_last_good(), but only how many rows each table of that snapshot has, without
 * loading a million of them. */
int store_last_good_rows(struct store *store, const char *source,
                         uint64_t ret_rows[static RECORD_TABLE_COUNT], struct wall *ret_read_at,
                         struct err *err) MUST_USE;

/* Sets *ret to how many rounds in a row the source (a configured name; for an
 * observed one the switch's) had failed up to the latest. */
int store_failed_rounds(struct store *store, const char *source, unsigned *ret,
                        struct err *err) MUST_USE;

/* Loads the cases that a round must know: open, cleared, and ended within
 * `grace` before `now`; and the number that the next new case gets. */
int store_load_cases(struct store *store, struct wall now, struct span grace, struct arena *arena,
                     const struct case_record **ret, size_t *ret_count, uint64_t *ret_next_number,
                     struct err *err) MUST_USE;

/* --- outside a round --- */

/* Stores what a person did to a case (workflow/case.h made the change), as a
 * transaction of its own. */
int store_case_change(struct store *store, const struct case_change *change,
                      struct err *err) MUST_USE;

/* Stores what events did to cases, new ones too (numbers from store_next_case() on), as one
 * transaction. Not within a round. What they found (`judged`) stands since then for the
 * judge of the next round (open_since of memory.h) and goes on under the same case when
 * that round finds it too; what they cleared has had a break. No round has judged it, so
 * no replay of an earlier one shows it. */
int store_case_changes(struct store *store, const struct case_change *changes, size_t count,
                       struct err *err) MUST_USE;

/* Sets *ret to the number that the next new case gets. */
int store_next_case(struct store *store, uint64_t *ret, struct err *err) MUST_USE;

/* Loads the latest case of the discrepancy `identity`, whatever its state; memory from
 * `arena`. Returns ERR_NOT_FOUND when it never had one. */
int store_find_case_of(struct store *store, const char *identity, struct arena *arena,
                       struct case_record *ret, struct err *err) MUST_USE;

/* Forgets facts that ended before `now` - `retention`: rows, receipts, rounds and
 * closed cases. What still stands is kept however old: current rows, open cases,
 * last good snapshots. Gives free space back to the file system. May be called
 * after every round: it does its work when a 48th of the retention has gone by. */
int store_trim(struct store *store, struct wall now, struct span retention,
               struct err *err) MUST_USE;

struct store_size {
    uint64_t file_bytes; /* without the write-ahead log */
    uint64_t rounds, receipts, sightings, past_sightings, recorded, past_recorded, cases;
    uint64_t events, sessions;
};

/* Counts what the store holds; takes time linear in it. */
int store_measure(struct store *store, struct store_size *ret, struct err *err) MUST_USE;

#endif
