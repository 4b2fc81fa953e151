/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WORKFLOW_CASE_H
#define MUSTER_WORKFLOW_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "model/case_record.h"
#include "model/discrepancy.h"

/* The life of one discrepancy, pure: no store, no clock, no I/O.
 *
 * Without memory an audit raises the same alarm every round (DOMAIN F14). A case
 * is that memory: suspected -> confirmed -> reported -> (acknowledged |
 * suppressed) -> cleared -> closed. One table, state by input, decides every
 * step; case_advance() reads it, and nothing else changes a state.
 *
 * Rules that the table holds (DOMAIN 3.1, DESIGN section 2):
 * - proof is not forgotten: a confirmed case whose evidence is weaker this round
 *   stays confirmed until it is observed to be gone;
 * - clearing needs observation: a discrepancy that is not in this round's
 *   verdicts clears its case only when its subject could be observed, otherwise
 *   nothing changes and the case says since when it was last seen;
 * - an acknowledged case stays quiet, also when it comes back within the time of
 *   grace; a reported one that comes back is news again;
 * - a case that was cleared or closed less than CASE_GRACE ago is continued: same
 *   number, same first, count going on. Later it is a new case.
 *
 * case_merge_round() does this for a whole round. Its cost is linear in cases
 * and verdicts. A verdict list with one identity twice (a bug of the judge) uses
 * the first. Limits: none of its own; lists come from the judge and the store. */

/* A case that comes back within this time goes on; a cleared one is closed after. */
#define CASE_GRACE span_seconds(24 * 3600)

enum case_input {
    CASE_SEEN_SUSPECTED, /* judged so this round, not proved */
    CASE_SEEN_CONFIRMED, /* judged so this round, proved */
    CASE_GONE,           /* not judged so, and its subject was observable */
    CASE_UNOBSERVED,     /* not judged so, but its subject was not observable */
    CASE_REPORT,         /* a report about it was handed over */
    CASE_ACKNOWLEDGE,    /* a person knows */
    CASE_SUPPRESS,       /* planned work or a hold explains it */
    CASE_RELEASE,        /* that explanation ended, or the acknowledgement was taken back */
    CASE_CLOSE,          /* a person ends it, or it was cleared CASE_GRACE ago */
    CASE_INPUT_COUNT
};

/* Returns the state that follows from `state` on `input`. A first sighting
 * starts from CASE_CLOSED. */
enum case_state case_next(enum case_state state, enum case_input input);

/* Takes `previous` one round further. `verdict` is this round's discrepancy of
 * the same identity or NULL; `observable` says whether its absence would have
 * been seen; `now` is the round's clock value. `previous` NULL starts a case
 * with `number` (verdict must be there then). Texts and the discrepancy are
 * borrowed from the arguments. `round` goes into the event. */
struct case_change case_advance(const struct case_record *previous,
                                const struct discrepancy *verdict, bool observable, uint64_t number,
                                uint64_t round, struct wall now);

/* Whether `record`, cleared or closed, is to be continued when its discrepancy
 * is judged again at `now`. Open cases always are. */
bool case_continues(const struct case_record *record, struct wall now);

/* --- what people and channels do --- */

/* Marks that a report of the case was handed over at `now`. */
struct case_change case_report(const struct case_record *previous, uint64_t round, struct wall now);

/* `who` knows of it and says `text`; the case is quiet from now on. Returns 0,
 * or ERR_DENIED with a sentence for a case that is cleared or closed. */
int case_acknowledge(const struct case_record *previous, const char *who, const char *text,
                     struct wall now, struct case_change *ret, struct err *err) MUST_USE;

/* Takes an acknowledgement or suppression back: the case may be reported again.
 * Returns 0, or ERR_DENIED when the case is neither. */
int case_release(const struct case_record *previous, const char *who, const char *text,
                 struct wall now, struct case_change *ret, struct err *err) MUST_USE;

/* Planned work or a hold explains it, as `text` says. Returns 0, or ERR_DENIED
 * when the case is not open. */
int case_suppress(const struct case_record *previous, const char *who, const char *text,
                  struct wall now, struct case_change *ret, struct err *err) MUST_USE;

/* Ends a cleared case. A case that still stands is ended only with
 * `without_proof` (its switch was taken out of service and will never be read
 * again); the event says so, and the case comes back if the discrepancy is
 * judged again. Returns 0, or ERR_DENIED with what to do instead. */
int case_close(const struct case_record *previous, const char *who, const char *text,
               bool without_proof, struct wall now, struct case_change *ret,
               struct err *err) MUST_USE;

/* --- a whole round --- */

struct named_switch {
    const char *site, *name;
};

/* What this round could see: decides whether a discrepancy that is not among its
 * verdicts is gone. All borrowed. It is
 * - never, for a guest or hypervisor that the judge lists as not observable;
 * - recorded_gap, inventory_conflict: when every recorded source was read;
 * - audit_gap: when the switch or source that it names was read whole;
 * - never, for all else but switch_flush, while a recorded source gave nothing and no copy of
 *   it is there: of what it records nothing is judged;
 * - silence: when the judge does not list it (to be seen anywhere is enough);
 * - whatever was seen on switches: when those very switches were read whole, and
 *   either all of their site were, or the address was seen elsewhere. */
struct case_coverage {
    const struct not_observable *not_observable; /* the judge's list */
    size_t not_observable_count;
    const struct named_switch *whole; /* switches read whole this round */
    size_t whole_count;
    const struct named_switch *missing; /* switches that failed or were read in part */
    size_t missing_count;
    const char *const *records_failed; /* recorded sources on their last good snapshot */
    size_t records_failed_count;
    bool records_unread; /* one of these has no such snapshot */
    /* Whether `mac` was seen on any switch this round; NULL: not told. */
    bool (*seen)(void *context, struct mac mac);
    void *context;
};

struct case_round {
    const struct case_record *previous; /* open, cleared, and closed within CASE_GRACE */
    size_t previous_count;
    const struct discrepancy *verdicts;
    size_t verdict_count;
    const struct case_coverage *coverage;
    uint64_t next_number; /* for new cases: this one and those after */
    uint64_t round;
    struct wall now;
};

struct case_changes {
    struct case_change *items; /* in the order of `verdicts`, then of `previous` */
    size_t count;
    uint64_t next_number;
};

/* Takes every case one round further and opens those that are new. Cases that
 * did not change at all are not listed. Memory comes from `arena`; records
 * borrow from the input. The first `verdict_count` items belong to the verdicts
 * one by one (a repeated identity gets the same case once more, without event). */
struct case_changes case_merge_round(const struct case_round *round, struct arena *arena);

#endif
