/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_STORE_INTERNAL_H
#define MUSTER_STORE_STORE_INTERNAL_H

#include "base/map.h"
#include "base/names.h"
#include "base/text.h"
#include "store/database.h"
#include "store/statements.h"
#include "store/store.h"

/* What the parts of the store share: the handle, the statements by number, the
 * dictionary of names, and the state of the round that is being written. A
 * statement is prepared at its first use and kept; a row is copied out before
 * the same statement runs again. Limits and attacks: store.h. */

enum statement {
#define S(name, sql, columns) SQL_##name,
    STATEMENTS(S)
#undef S
        STATEMENT_COUNT
};

enum {
    STORE_COLUMNS_MAX = 32,
    STORE_KIND_RECORDED = 0,
    STORE_KIND_OBSERVED = 1,
    STORE_KIND_EVENT = 2
};

/* Numbers for texts: the store's own numbers, remembered so that a table's ports
 * are looked up once. Cleared when a round is taken back. */
struct dictionary {
    struct names *texts;
    uint32_t *ids; /* by number in `texts` */
    size_t capacity;
    struct map by_id; /* the store's number -> number in `texts` */
};

/* What can only be written when the round is judged. */
struct pending {
    struct arena *arena;
    const char **offs; /* identities of guests that are off since this round */
    size_t off_count, off_capacity;
    const struct discrepancy **members; /* that stand within collective ones */
    size_t member_count, member_capacity;
};

struct store {
    const struct database_class *class;
    void *database;
    char *path;
    enum store_mode mode;
    void *statements[STATEMENT_COUNT];
    struct dictionary dictionary;
    uint64_t secret_a, secret_b; /* of this store, for digests */
    bool in_round, round_broken;
    uint64_t round;
    struct wall round_started;
    int64_t receipt_ordinal, reading_ordinal, record_ordinal;
    struct pending *pending; /* what the round writes last, NULL outside a round */
    /* Taken back at the end of a round that failed, told by whoever asks next. */
    struct err round_error;
};

/* --- cells --- */

static inline struct cell cell_null(void)
{
    return (struct cell){.type = CELL_NULL};
}
static inline struct cell cell_integer(int64_t integer)
{
    return (struct cell){.type = CELL_INTEGER, .integer = integer};
}
static inline struct cell cell_wall(struct wall wall)
{
    return cell_integer(wall.us);
}
static inline struct cell cell_bytes(const char *bytes, size_t length)
{
    return (struct cell){.type = CELL_TEXT, .bytes = bytes, .length = length};
}
struct cell cell_text(const char *text);                          /* NULL and "" are "" */
struct cell cell_optional(const char *text);                      /* NULL is NULL */
struct cell cell_known_wall(struct wall wall);                    /* WALL_UNKNOWN is NULL */
struct wall cell_to_wall(const struct cell *cell);                /* NULL is WALL_UNKNOWN */
char *cell_to_text(const struct cell *cell, struct arena *arena); /* NULL is NULL */

/* --- statements --- */

/* Runs a statement to its end, ignoring rows. */
int store_run(struct store *store, enum statement statement, const struct cell *parameters,
              size_t count, struct err *err) MUST_USE;

/* Begins a statement; its rows follow by store_step(). */
int store_start(struct store *store, enum statement statement, const struct cell *parameters,
                size_t count, struct err *err) MUST_USE;

/* Returns 1 with the next row in `row`, whose types are as STATEMENTS says; 0 at
 * the end; ERR_CORRUPT when a value is of another type. */
int store_step(struct store *store, enum statement statement, struct cell row[STORE_COLUMNS_MAX],
               struct err *err) MUST_USE;

/* Ends a statement early; its row's bytes are gone. */
void store_stop(struct store *store, enum statement statement);

/* Runs a statement for its only row: 1 or 0 as store_step(). The row's bytes are
 * valid until the statement runs again or is stopped. */
int store_one(struct store *store, enum statement statement, const struct cell *parameters,
              size_t count, struct cell row[STORE_COLUMNS_MAX], struct err *err) MUST_USE;

/* An ERR_CORRUPT that says what is wrong with the store's content. */
int store_damaged(const struct store *store, struct err *err, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* --- names --- */

/* Sets *ret to the store's number of `text`, adding it when it is new. */
int store_name_number(struct store *store, const char *text, uint32_t *ret,
                      struct err *err) MUST_USE;

/* Returns 1 with the store's number of `text`, 0 when it has none, or an error. */
int store_name_find(struct store *store, const char *text, uint32_t *ret, struct err *err) MUST_USE;

/* Sets *ret to the text of number `id`; 0 is "". Valid while the store is open
 * and no round is taken back. */
int store_name_text(struct store *store, int64_t id, const char **ret, struct err *err) MUST_USE;

/* Forgets the remembered numbers: after names were taken back or deleted. */
void store_names_forget(struct store *store);

/* --- transactions --- */

/* Begins one that is not a round. */
int store_begin(struct store *store, struct err *err) MUST_USE;

/* Ends it: commits when `failed` is 0, takes everything back otherwise. Returns
 * `failed`, or why the commit failed. */
int store_end(struct store *store, int failed, struct err *err);

/* Begins and ends what only reads, often: all of it is one instant's, and the file is locked
 * once. Within a round, and where the store is open for reading, nothing is to be done.
 * store_read_end() is as store_end(). */
int store_read_begin(struct store *store, struct err *err) MUST_USE;
int store_read_end(struct store *store, int failed, struct err *err) MUST_USE;

/* --- the round --- */

/* Whether facts may be written now; the reason otherwise. */
int store_in_round(struct store *store, struct err *err) MUST_USE;

/* Ends a call of the round: takes the round back when `failed`; returns `failed`. */
int store_round_result(struct store *store, int failed, const struct err *err);

struct source_row {
    int64_t id, seq;
    struct wall ended;
    int64_t whole_seq;
    uint64_t digest_a, digest_b;
};

/* Finds a source, or with `add` makes it. Returns 1 found, 0 not, negative. */
int store_source(struct store *store, int kind, const char *site, const char *name, bool add,
                 struct source_row *ret, struct err *err) MUST_USE;
/* Stores what changed about a source. */
int store_source_put(struct store *store, const struct source_row *source,
                     struct err *err) MUST_USE;

/* Stores a receipt of the round; `source_id` 0: of no known source. */
int store_add_receipt(struct store *store, const struct receipt *receipt, int64_t source_id,
                      struct err *err) MUST_USE;

/* Writes the beginnings of being off, at the clock value `judged`. */
int store_put_offs(struct store *store, struct wall judged, struct err *err) MUST_USE;

/* Stores that recorded source `source_id` was judged in this round by `seq`,
 * unless that is stored already. */
int store_use_records(struct store *store, int64_t source_id, int64_t seq,
                      struct err *err) MUST_USE;

/* --- texts with tabs (shape.c) --- */

/* Appends a value of a tabbed line: tab, line end and backslash escaped, NULL
 * as "\N"; a tab goes before it unless it is the first of a line, which must not
 * be empty. */
void tabbed_add(struct text *to, const char *value);

/* Splits one line in place into at most `limit` values, unescaped; "\N" is NULL.
 * Returns their number, or `limit` + 1 when there are more. */
size_t tabbed_split(char *line, char **values, size_t limit);

#endif
