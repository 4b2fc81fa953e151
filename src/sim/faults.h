/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_FAULTS_H
#define MUSTER_SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

/* What can be wrong with an agent: the ways in which real devices disappoint a
 * poller (DOMAIN 2.5), each switched on by a word, at start or while running, on
 * one agent or on all. Faults of the path (dead, slow, lossy, duplicate) are the
 * server's to act out, faults of content the agent's; both read this one struct.
 * Row numbers count within each column of the forward table, from the first. Any
 * set of faults may be on at once; "clear" takes all away. */

struct sim_faults {
    bool dead;               /* takes requests, answers none */
    struct span delay;       /* before each answer */
    unsigned loss;           /* of 1000 answers, how many are lost */
    uint64_t stop_at;        /* no answer once a forward row of this number is reached */
    uint64_t cut_at;         /* the forward table seems to end before this row */
    unsigned too_big_above;  /* more repetitions than this: tooBig, without varbinds */
    uint64_t loop_at;        /* the forward table starts over after this many rows */
    bool unordered;          /* forward rows come in swapped pairs */
    unsigned one_row;        /* at most this many varbinds an answer */
    bool duplicate;          /* every answer is sent twice */
    bool wrong_id;           /* answers carry another request id */
    uint64_t generated_rows; /* the forward table has this many made-up rows */
    unsigned reboots;        /* restarts asked for so far: sysUpTime goes back */
};

/* Switches on the fault that `word` spells: dead, slow=SPAN, lossy=PERCENT,
 * partial=ROW, tail=ROW, toobig=REPETITIONS, looping=ROWS, unordered,
 * last-moment=SPAN, duplicate, wrong-id, reboot, rows=COUNT, clear. Returns 0,
 * or ERR_SYNTAX / ERR_RANGE with a sentence and `faults` unchanged. */
int sim_faults_apply(struct sim_faults *faults, const char *word, struct err *err) MUST_USE;

/* Appends the words of the faults that are on, separated by blanks; "none". */
void sim_faults_print(const struct sim_faults *faults, struct text *to);

/* Appends one line for each word and what it does, for help texts. */
void sim_faults_help(struct text *to);

#endif
