/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_QUERY_H
#define MUSTER_STORE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mac.h"
#include "model/case_record.h"
#include "model/event.h"
#include "model/forwarding.h"
#include "model/memory.h"
#include "model/receipt.h"
#include "model/record.h"
#include "store/store.h"

/* Questions to the store that change nothing: the world of an earlier round, the
 * history of an address or guest, the cases.
 *
 * `muster why`, `where`, `history` and `as-of` are replays: store_world_load()
 * puts the recorded and observed snapshots of a round together again as the very
 * structs that the round judged, with the memory that it had, so the same judge
 * gives the same verdicts. Row order within a table is by address, and recorded
 * guests stand in the order of their first appearance; verdicts do not depend on
 * either. Cost: linear in the rows of that round and what changed since. Limits:
 * a round older than the retention cannot be asked for. */

/* --- rounds --- */

struct store_round {
    uint64_t number;
    struct wall started, judged, ended;
    uint64_t told_next;  /* the first event that was not in it; 0: not known */
    unsigned gap_rounds; /* that it was judged with (audit_options) */
    bool heard;          /* it was judged with what had been heard (store/heard.h) */
    struct wall told; /* when that was collected, and kept (store/told.h); WALL_UNKNOWN: not kept */
};

/* The latest round, or the last one that was judged at or before `at`
 * (WALL_UNKNOWN: the latest). Returns ERR_NOT_FOUND when there is none. */
int store_find_round(struct store *store, struct wall at, struct store_round *ret,
                     struct err *err) MUST_USE;

/* The receipts of a round, in the order they were stored. Free each with
 * receipt_done(), then the array: store_receipts_free(). */
int store_load_receipts(struct store *store, uint64_t round, struct receipt **ret,
                        size_t *ret_count, struct err *err) MUST_USE;
void store_receipts_free(struct receipt *receipts, size_t count);

/* --- the world of a round --- */

struct store_world {
    struct store_round round;
    struct record_set **records; /* last good of every recorded source of the round */
    size_t record_count;
    struct forward_table **tables; /* of the round, in the order they were stored */
    size_t table_count;
    const struct failed_source *failed; /* with their rounds in a row */
    size_t failed_count;
    struct memory memory; /* what the round had before it */
    struct arena *arena;  /* owns what `failed` and `memory` point to */
};

enum store_world_tables {
    STORE_TABLES_OF_ROUND,   /* what the round read: for a replay */
    STORE_TABLES_LAST_KNOWN, /* and of switches it did not read, the reading before */
    STORE_TABLES_NONE        /* records only: the tables are not needed */
};

/* Puts the world of `round` (0: the latest) together; free with
 * store_world_free(). `horizon` and `macs` as the round gave them to
 * store_load_memory(); a `horizon` that is not positive is twice the largest
 * ageing time of the tables loaded, and of FORWARD_DEFAULT_AGEING. `query`.round
 * and .now are ignored. */
int store_world_load(struct store *store, uint64_t round, enum store_world_tables tables,
                     const struct store_memory_query *query, struct store_world **ret,
                     struct err *err) MUST_USE;
void store_world_free(struct store_world *world); /* NULL is allowed */

/* --- history --- */

enum history_kind { HISTORY_SEEN, HISTORY_RECORDED, HISTORY_EVENT, HISTORY_CASE };

struct history_entry {
    enum history_kind kind;
    struct wall at;                   /* SEEN, RECORDED: from; EVENT, CASE: when */
    struct wall until;                /* SEEN, RECORDED: to; EVENT, CASE: same as at */
    bool current;                     /* SEEN, RECORDED: still so in the latest reading */
    struct mac mac;                   /* MAC_NONE where none */
    const char *guest;                /* RECORDED, CASE; NULL */
    const char *source;               /* the switch, the recorded or event source; CASE: NULL */
    const char *site;                 /* SEEN */
    const char *port, *vlan, *status; /* SEEN; "" where not known */
    uint32_t reads;                   /* SEEN: readings that showed it */
    const char *text;          /* RECORDED: the row as "column=value …"; CASE: its event's text */
    struct case_event event;   /* CASE */
    const struct event *heard; /* EVENT */
};

struct history_query {
    const struct mac *macs; /* any of these */
    size_t mac_count;
    const char *guest;    /* and this guest by name or uuid; NULL */
    struct wall from, to; /* WALL_UNKNOWN: no bound */
    size_t limit;         /* newest first are kept; 0: all */
};

/* Loads the history, sorted by `at`: where the addresses were seen, what was heard of
 * them, what records said of them and of the guest, what happened to their cases. */
int store_load_history(struct store *store, const struct history_query *query, struct arena *arena,
                       const struct history_entry **ret, size_t *ret_count,
                       struct err *err) MUST_USE;

/* The addresses that the latest records give the guest (name or uuid). */
int store_find_macs(struct store *store, const char *guest, struct arena *arena,
                    const struct mac **ret, size_t *ret_count, struct err *err) MUST_USE;

/* --- cases --- */

struct case_filter {
    bool all;                   /* also cleared and closed ones */
    enum case_state state;      /* CASE_STATE_COUNT: any */
    enum discrepancy_kind kind; /* DISCREPANCY_KIND_COUNT: any */
    const char *subject;        /* text of MAC, guest, hypervisor, switch or source; NULL: any */
};

#define CASE_FILTER_OPEN                                                                           \
    ((struct case_filter){.state = CASE_STATE_COUNT, .kind = DISCREPANCY_KIND_COUNT})

/* Loads the cases that `filter` lets through, by number. Memory from `arena`. */
int store_list_cases(struct store *store, const struct case_filter *filter, struct arena *arena,
                     const struct case_record **ret, size_t *ret_count, struct err *err) MUST_USE;

/* Loads one case. Returns ERR_NOT_FOUND with a sentence when there is none. */
int store_find_case(struct store *store, uint64_t number, struct arena *arena,
                    struct case_record *ret, struct err *err) MUST_USE;

/* Loads the events of a case, oldest first. */
int store_load_events(struct store *store, uint64_t number, struct arena *arena,
                      const struct case_event **ret, size_t *ret_count, struct err *err) MUST_USE;

/* A case as it was after an earlier round. */
struct case_then {
    const char *identity; /* of its discrepancy */
    uint64_t number;
    enum case_state state;
    struct wall first, last;
    uint32_t count;
};

/* Loads the cases of the discrepancies that `round` judged, by identity: what a
 * replay, which judges anew, shows beside its verdicts. */
int store_load_cases_then(struct store *store, const struct store_round *round, struct arena *arena,
                          const struct case_then **ret, size_t *ret_count,
                          struct err *err) MUST_USE;

/* Loads the cases that the latest round judged, as it judged them: the verdicts
 * of the last round without judging anew, by number. */
int store_last_verdicts(struct store *store, struct arena *arena, const struct case_record **ret,
                        size_t *ret_count, struct err *err) MUST_USE;

#endif
