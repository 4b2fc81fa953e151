/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_ROUND_H
#define MUSTER_DAEMON_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/world.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "contract/plugin.h"
#include "model/forwarding.h"
#include "model/receipt.h"
#include "model/record.h"

/* One polling round: every recorded source and every observed source of the
 * configuration is asked at once, and what they answered is put together for the
 * judge (DOMAIN 1.4, point 42).
 *
 * Sources run side by side on one loop; a dead one costs its own time-outs and
 * holds nobody up. A recorded source that fails, or that shrank beyond its share,
 * is replaced by its last good copy, with its age, and listed as failed; a switch
 * that fails is listed as failed; one that was read in part stays, and its
 * receipts say so. Nothing is judged here and nothing stored. */

struct config;

/* What the core knew of a recorded source before this round. */
struct round_last_good {
    /* Returns 0 with *ret (the round's from then on) and when it was read, or
     * ERR_NOT_FOUND. */
    int (*load)(void *context, const char *source, struct record_set **ret,
                struct wall *ret_read_at, struct err *err);
    /* As load(), but only how many rows each table of the copy has. */
    int (*count)(void *context, const char *source, uint64_t ret_rows[static RECORD_TABLE_COUNT],
                 struct wall *ret_read_at, struct err *err);
    void *context;
};

struct round_progress {
    size_t sources, sources_done; /* recorded and observed ones together */
    uint64_t rows;                /* read so far */
};

struct round_options {
    const struct round_last_good *last_good; /* NULL: none is known */
    const char *const *accept_shrunk;        /* names of sources whose shrinking is accepted */
    size_t accept_shrunk_count;
    bool observed_only;      /* do not read the recorded sources */
    bool recorded_only;      /* do not read the observed ones */
    const char *only_switch; /* NULL: all; else only the observed source of this switch */
    void (*progress)(void *context, const struct round_progress *progress);
    void *progress_context;
};

struct round {
    struct wall started, ended;
    struct record_set **records;     /* usable ones, also last good copies */
    bool *record_is_old;             /* beside records: a last good copy */
    struct receipt *record_receipts; /* beside records: of this round's attempt */
    size_t record_count;
    struct forward_table **tables; /* each alone, whatever chain its source gave */
    size_t table_count, table_capacity;
    struct failed_source *failed;    /* texts in arena; rounds = 1 */
    struct receipt *failed_receipts; /* beside failed */
    size_t failed_count;
    unsigned gap_rounds; /* failed ones in a row that make an audit_gap; 0: as configured */
    bool offline;        /* every observed source is a recording: no live network was read */
    struct arena *arena;
};

/* Reads everything once. Returns the round, yours to free, also when sources
 * failed: that is what it says then. */
struct round *round_poll(const struct config *config, struct env *env,
                         const struct round_options *options) MUST_USE;

/* Asks every observed source that can for exactly `mac`: the tables hold only its
 * rows. Sources that cannot are listed as failed, with the reason. */
struct round *round_probe(const struct config *config, struct env *env, struct mac mac,
                          const struct round_options *options) MUST_USE;

void round_free(struct round *round); /* NULL is allowed */

/* Returns the clock value to judge `round` by: its end; for a round made of
 * recordings only, the latest reading among them, so that a set of walks is judged
 * as of when it was recorded and gives the same verdicts tomorrow. */
struct wall round_instant(const struct round *round);

/* Returns the largest ageing time among the round's tables, at least the default. */
struct span round_ageing(const struct round *round);

#endif
