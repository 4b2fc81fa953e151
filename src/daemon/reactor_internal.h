/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_REACTOR_INTERNAL_H
#define MUSTER_DAEMON_REACTOR_INTERNAL_H

#include "daemon/reactor.h"
#include "daemon/schedule.h"

/* The reactor's parts, for the files that it is written in: reactor.c (events, time,
 * worlds), reactor_wish.c (probes and polls, and what they found), reactor_case.c (verdicts
 * into cases), reactor_note.c (what else followed, into the store). Each ends what it does with
 * reactor_carry_out(), which empties `out`, so that no call finds another's changes in it. */

struct case_batch;
struct note_batch;

struct reactor {
    struct reactor_parts parts;
    struct live *live;
    uint64_t secret; /* of its session hashes */
    uint64_t heard;  /* events that were handed over */
    struct live_out out;
    struct loop_timer *tick;
    struct pace pace;      /* of ticks */
    struct wall wall_base; /* of the judge's clock */
    struct mono mono_base;
    struct case_batch *filling; /* NULL: nothing waits */
    bool writing;               /* an errand has another batch */
    struct note_batch *noting;  /* NULL: nothing waits */
    struct note_batch *pausing; /* between two errands */
    struct loop_timer *note_pause;
    bool noted;              /* an errand has another batch */
    struct moves *comparing; /* with a worker; a list */
    struct moves *moves;     /* those that are told slice by slice; a list */
    struct loop_timer *tell_moves;
    struct reactor_status counted;
    bool ending;
};

/* Carries out what the judge's last calls brought, and sets the clock for the next tick. */
void reactor_carry_out(struct reactor *reactor);

/* Puts the changes in `out` into the batch that waits, and sends it when none is on its way. */
void reactor_keep_cases(struct reactor *reactor);
/* Frees the batch that waits. */
void reactor_forget_cases(struct reactor *reactor);

/* Puts the notes in `out`, and what a probe of `mac` on `table`'s switch has shown, into the batch
 * that waits, and sends it when none is on its way. reactor_forget_notes() frees what waits;
 * reactor_finish_notes() sends it without a rest: the daemon ends. */
void reactor_keep_notes(struct reactor *reactor);
void reactor_keep_probe(struct reactor *reactor, struct mac mac, const struct forward_table *table,
                        const struct live_probe_row *rows, size_t count);
void reactor_forget_notes(struct reactor *reactor);
void reactor_finish_notes(struct reactor *reactor);

/* Carries out the wishes in `out`. */
void reactor_grant_wishes(struct reactor *reactor);
/* Frees the moves that were not told yet. */
void reactor_forget_moves(struct reactor *reactor);

#endif
