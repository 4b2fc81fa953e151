/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_MEMORY_H
#define MUSTER_STORE_MEMORY_H

#include "store/store_internal.h"

/* The memory that a judging gets, as it was after a given round: the same code
 * loads it for a live round and for a replay, so both see the same. A row that
 * ended later than the round is shown as still current then. Limits, attacks:
 * store.h. */

/* One row of sighting or sighting_past as it was after a round. */
struct seen_row {
    int64_t source_id;
    uint64_t mac;
    int64_t port, vlan, status;
    int64_t first_seq, last_seq; /* last_seq: the latest that showed it until then */
    struct wall begun, last;
    int64_t before;
    bool current, proved;
};

/* How many readings showed it until then. */
static inline uint32_t seen_row_reads(const struct seen_row *row)
{
    return (uint32_t)((uint64_t)row->before + (uint64_t)row->last_seq - (uint64_t)row->first_seq +
                      1);
}

/* The rounds' readings of each source up to one round, asked for once. */
struct seen_sources {
    struct store *store;
    uint64_t round;
    struct map found; /* source id -> number in items */
    struct seen_source {
        int64_t id, seq; /* seq 0: not read until then */
        struct wall at;
        const char *site, *name;
    } * items;
    size_t count, capacity;
    struct arena *arena;
};

/* Begins asking for the sources as they were after `round`; texts come from
 * `arena`. */
void seen_sources_init(struct seen_sources *sources, struct store *store, uint64_t round,
                       struct arena *arena);
/* Frees what `sources` holds; the texts stay with the arena. */
void seen_sources_done(struct seen_sources *sources);

/* Sets *ret to what is known of source `id`; borrowed until the next call. */
int seen_sources_find(struct seen_sources *sources, int64_t id, const struct seen_source **ret,
                      struct err *err) MUST_USE;

/* The rows of one address that were there after the round and did not end before
 * `since`; those of an interval that went on later are left out. Appends to
 * *rows (grown with alloc_grow()). */
int seen_rows_of_mac(struct seen_sources *sources, uint64_t mac, struct wall since,
                     struct seen_row **rows, size_t *count, size_t *capacity,
                     struct err *err) MUST_USE;

/* Lists the observed sources; *ret is yours to free(), also after an error. */
int seen_switches(struct store *store, int64_t **ret, size_t *ret_count, struct err *err) MUST_USE;

/* Loads the memory after `round`; 0 is before the first. `query->round` is not read. */
int memory_load(struct store *store, uint64_t round, const struct store_memory_query *query,
                struct arena *arena, struct memory *ret, struct err *err) MUST_USE;

#endif
