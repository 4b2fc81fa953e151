/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_JUDGING_H
#define MUSTER_DAEMON_JUDGING_H

#include <stddef.h>
#include <stdint.h>

#include "audit/world.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "daemon/round.h"
#include "model/case_record.h"
#include "model/discrepancy.h"
#include "store/query.h"
#include "store/store.h"
#include "store/told.h"

struct sweep;

/* A round judged, in words, and taken into the store.
 *
 * The command and the daemon do the same: sweep the world, make words of the
 * verdicts, write facts, clocks and cases as one transaction that is on the disk
 * before anybody is told (DESIGN section 2: what was reported is never lost), and
 * only then report. */

struct live_base; /* audit/live.h */

struct judging {
    uint64_t round;                    /* the store's number; 0: not stored */
    struct wall now;                   /* the clock value it was judged by */
    struct sweep *sweep;               /* the verdicts, until judging_done() */
    struct discrepancy *discrepancies; /* in words; NULL before judging_words() */
    size_t count;
    struct discrepancy *members; /* that collective ones list; they stand, too */
    size_t member_count;
    struct case_record *cases;         /* beside discrepancies; NULL: not stored */
    const struct case_change *changes; /* what the round did to cases; none: not stored */
    size_t change_count;
    struct not_observable *not_observable;
    size_t not_observable_count;
    enum audit_exit exit;
    /* What had been heard, as far as it is kept, and when that was collected; WALL_UNKNOWN:
     * nobody listens. judging_keep() */
    struct told_fact *told;
    size_t told_count;
    struct told_mark collected;
};

/* Returns how far back the judge looks: twice the ageing, and each of its windows. */
struct span judging_horizon(const struct audit_options *options, struct span ageing);

/* Judges `world` at `now`; memory from `arena`. It borrows the world; end it with
 * judging_done(). Words are made when they are asked for: a report of many thousand
 * discrepancies is printed one after the other and need not stand in memory. */
void judging_run(const struct world *world, struct wall now, struct arena *arena,
                 struct judging *ret);
void judging_done(struct judging *judging);

/* Makes words of all discrepancies, in `arena`: for the store, and for who wants them in
 * another order. Of what collective ones list the first `member_limit` are put in words
 * one by one, for the store: LIMIT_MEMBERS, or 0 where nothing is stored. */
void judging_words(struct judging *judging, size_t member_limit, struct arena *arena);

/* Finds out what must be kept of what had been heard when it was collected, so that
 * the round can be judged again (store/told.h); after judging_words(). `base` is over the world
 * that was judged and `heard` its input. In `arena`; origins and texts of the facts are borrowed.
 */
void judging_keep(struct judging *judging, const struct live_base *base,
                  const struct heard_fact *heard, size_t count, const struct told_mark *mark,
                  struct arena *arena);

/* Returns discrepancy `number` in words: one of judging_words(), else made in *space
 * and `scratch`, for as long as neither is changed. */
const struct discrepancy *judging_word(const struct judging *judging, size_t number,
                                       struct discrepancy *space, struct arena *scratch);

/* Stores `round` and what was judged of it (in words), and gives `judging` its number and cases;
 * facts older than `retention` are forgotten. No case of an address that `base` (may be NULL)
 * leaves to the events is opened or ended: its probe is newer than the tables of this round.
 * Returns 0, or the store's error: then nothing of the round was kept. */
int judging_remember(struct judging *judging, const struct round *round, const struct world *world,
                     const struct live_base *base, struct store *store, struct span retention,
                     struct arena *arena, struct err *err) MUST_USE;

/* Of a snapshot made between two rounds: stores what is new in its verdicts (in words), cases
 * that open and suspected ones that are proved, and nothing else: what it does not find may
 * be told by the next round only, and what it says of addresses that `base` leaves to the events is
 * theirs to tell. `judging` has the changes then. Returns 0 or the store's error. */
int judging_note(struct judging *judging, const struct live_base *base, struct store *store,
                 struct arena *arena, struct err *err) MUST_USE;

/* Gives a stored round that was judged again its number and, where every verdict had
 * a case then, the cases as they were. Returns 0 or the store's error. */
int judging_recall(struct judging *judging, struct store *store, const struct store_round *round,
                   struct arena *arena, struct err *err) MUST_USE;

#endif
