/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_WORLD_H
#define MUSTER_AUDIT_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/mac.h"
#include "model/discrepancy.h"
#include "model/forwarding.h"
#include "model/heard.h"
#include "model/memory.h"
#include "model/record.h"

/* The world: what was recorded and what was observed, tied together for one
 * judging. Built from immutable snapshots that it borrows; it must not outlive
 * them. No I/O, no clock, no globals: the same input gives the same world, byte
 * for byte, whoever asks and whenever. */

struct audit_options {
    bool prefix_mode;                  /* DOMAIN P3; on as delivered */
    const struct mac_prefix *prefixes; /* NULL: mac_guest_prefixes() */
    size_t prefix_count;
    bool port_mode;            /* DOMAIN F5; off as delivered */
    struct span clock_skew;    /* of poll error, DESIGN section 2; 2 s as delivered */
    struct span inventory_lag; /* T_inv: a record younger than this may still follow */
    unsigned storm_count;      /* DESIGN section 8 point 12; 10 as delivered */
    unsigned gap_rounds;       /* failed rounds that make an audit_gap: 1 in `muster audit` */
    unsigned flap_moves;       /* changes of edge within flap_window that make a mac_flap; 3 */
    struct span flap_window;   /* 60 s as delivered */
    /* How long ago an earlier edge may be to count in A, B, A; 1 h as delivered. */
    struct span interleave_window;
    /* Of events: how long a stop waits for another session or sighting (DOMAIN F9), and how
     * long a session without known lifetime counts as present after it was last heard. */
    struct span settle;     /* 30 s as delivered */
    struct span heard_hold; /* 300 s as delivered */
    /* How long an announcement makes two places expected; 90 s as delivered. */
    struct span migration_window;
};

/* Sets the values as delivered. */
void audit_options_init(struct audit_options *options);

/* `topology: {mlag: [["swA:port", "swB:port"]]}`: ports that are one logical port. */
struct mlag_pair {
    const char *switch_a, *port_a, *switch_b, *port_b;
};

/* A source that gave nothing usable this round. */
struct failed_source {
    const char *source;      /* configured name */
    const char *switch_name; /* the switch whose table is missing, NULL for a recorded source */
    const char *why;         /* one sentence */
    unsigned rounds;         /* failed in a row, this one included */
    const char *site;        /* of the switch; NULL: as the record says, else "default" */
    bool hears;              /* an event source: it neither records nor reads a switch */
};

struct world_input {
    const struct record_set *const *records;
    size_t record_count;
    const struct forward_table *const *tables; /* of this round, whole or not */
    size_t table_count;
    const struct failed_source *failed;
    size_t failed_count;
    const struct mlag_pair *mlags;
    size_t mlag_count;
    const struct memory *memory; /* NULL: first round */
    const struct audit_options *options;
    /* What events say; all may be empty. */
    const struct heard_fact *heard;
    size_t heard_count;
    const struct migration_window *windows;
    size_t window_count;
    const struct switch_flush *flushes;
    size_t flush_count;
    struct wall now; /* which of the heard facts still stand: needed where there are any */
};

struct world;

/* Builds the index over `input`; yours to free. */
struct world *world_new(const struct world_input *input);
void world_free(struct world *world); /* NULL is allowed */

/* Returns the bytes that the world holds beyond its snapshots. */
size_t world_size(const struct world *world);

#endif
