/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/store_internal.h"

/* A round a second for longer than any disk lives; more is damage. */
static const int64_t LIMIT_ROUNDS = INT64_C(1) << 40;

static const struct {
    const char *sql, *columns;
} statement_texts[STATEMENT_COUNT] = {
#define S(name, sql, columns) [SQL_##name] = {sql, columns},
    STATEMENTS(S)
#undef S
};

/* --- cells --- */

struct cell cell_text(const char *text)
{
    return text == NULL ? cell_bytes("", 0) : cell_bytes(text, strlen(text));
}

struct cell cell_optional(const char *text)
{
    return text == NULL ? cell_null() : cell_bytes(text, strlen(text));
}

struct cell cell_known_wall(struct wall wall)
{
    return wall_known(wall) ? cell_wall(wall) : cell_null();
}

struct wall cell_to_wall(const struct cell *cell)
{
    return cell->type == CELL_INTEGER ? (struct wall){cell->integer} : WALL_UNKNOWN;
}

char *cell_to_text(const struct cell *cell, struct arena *arena)
{
    return cell->type == CELL_TEXT ? arena_text(arena, cell->bytes, cell->length) : NULL;
}

/* --- statements --- */

int store_damaged(const struct store *store, struct err *err, const char *format, ...)
{
    AUTO_TEXT struct text what = TEXT_EMPTY;
    va_list args;
    va_start(args, format);
    text_vprintf(&what, format, args);
    va_end(args);
    return err_set(err, ERR_CORRUPT,
                   "%s is damaged (%s): move it away to begin with an empty memory, or restore a "
                   "copy",
                   store->path, text_get(&what));
}

int store_start(struct store *store, enum statement statement, const struct cell *parameters,
                size_t count, struct err *err)
{
    void **prepared = &store->statements[statement];
    int failed = 0;
    if (*prepared == NULL)
        failed =
            store->class->prepare(store->database, statement_texts[statement].sql, prepared, err);
    return failed != 0 ? failed : store->class->start(*prepared, parameters, count, err);
}

static bool fits(char type, const struct cell *cell)
{
    switch (type) {
    case 'i':
        return cell->type == CELL_INTEGER;
    case 'I':
        return cell->type == CELL_INTEGER || cell->type == CELL_NULL;
    case 't':
        return cell->type == CELL_TEXT;
    case 'T':
        return cell->type == CELL_TEXT || cell->type == CELL_NULL;
    case 'b':
        return cell->type == CELL_BLOB;
    case 'B':
        return cell->type == CELL_BLOB || cell->type == CELL_NULL;
    }
    UNREACHABLE();
}

int store_step(struct store *store, enum statement statement, struct cell row[STORE_COLUMNS_MAX],
               struct err *err)
{
    const char *columns = statement_texts[statement].columns;
    size_t count = strlen(columns);
    int result = store->class->step(store->statements[statement], row, count, err);
    if (result != 1)
        return result;
    for (size_t i = 0; i < count; i++) {
        if (!fits(columns[i], &row[i])) {
            store_stop(store, statement);
            return store_damaged(store, err, "a value has the wrong type");
        }
    }
    return 1;
}

void store_stop(struct store *store, enum statement statement)
{
    if (store->statements[statement] != NULL)
        store->class->stop(store->statements[statement]);
}

int store_one(struct store *store, enum statement statement, const struct cell *parameters,
              size_t count, struct cell row[STORE_COLUMNS_MAX], struct err *err)
{
    int failed = store_start(store, statement, parameters, count, err);
    return failed != 0 ? failed : store_step(store, statement, row, err);
}

int store_run(struct store *store, enum statement statement, const struct cell *parameters,
              size_t count, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_start(store, statement, parameters, count, err);
    if (result == 0)
        result = 1;
    while (result == 1)
        result = store->class->step(store->statements[statement], row, 0, err);
    return result;
}

/* --- opening --- */

static int read_secret(struct store *store, const char *key, uint64_t *ret, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_META_GET, (struct cell[]){cell_text(key)}, 1, row, err);
    if (result == 1)
        *ret = (uint64_t)row[0].integer;
    store_stop(store, SQL_META_GET);
    if (result == 0)
        return store_damaged(store, err, "%s is missing", key);
    return result < 0 ? result : 0;
}

int store_open(const char *path, enum store_mode mode, struct store **ret, struct err *err)
{
    struct store *store = alloc_zeroed(1, sizeof *store);
    store->class = &database_sqlite;
    store->path = alloc_text(path);
    store->mode = mode;
    store->dictionary.texts = names_new();
    int failed = store->class->open(path, mode, &store->database, err);
    if (failed == 0)
        failed = read_secret(store, "secret_a", &store->secret_a, err);
    if (failed == 0)
        failed = read_secret(store, "secret_b", &store->secret_b, err);
    if (failed != 0) {
        store_close(store);
        return failed;
    }
    *ret = store;
    return 0;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    if (store->in_round)
        store_round_abort(store);
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        store->class->finish(store->statements[i]);
    if (store->database != NULL)
        store->class->close(store->database);
    names_free(store->dictionary.texts);
    free(store->dictionary.ids);
    map_done(&store->dictionary.by_id);
    free(store->path);
    free(store);
}

/* --- the log --- */

void store_leave_log(struct store *store)
{
    store->class->log_leave(store->database);
}

size_t store_log_pages(const struct store *store)
{
    return store->class->log_pages(store->database);
}

int store_empty_log(struct store *store, size_t *ret_moved, struct err *err)
{
    return store->class->log_empty(store->database, ret_moved, err);
}

/* --- the round --- */

static void drop_pending(struct store *store)
{
    struct pending *pending = store->pending;
    if (pending == NULL)
        return;
    arena_free(pending->arena);
    free(pending->offs);
    free(pending->members);
    free(pending);
    store->pending = NULL;
}

static void take_back(struct store *store)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        store_stop(store, (enum statement)i);
    /* SQLite may have rolled back by itself; then there is nothing to do. */
    struct err ignored;
    if (store->class->script(store->database, "ROLLBACK", &ignored) != 0)
        ignored.code = ERR_NONE;
    store_names_forget(store);
    drop_pending(store);
}

int store_begin(struct store *store, struct err *err)
{
    if (store->mode != STORE_WRITE)
        return err_set(err, ERR_DENIED, "%s is open for reading only: nothing is remembered",
                       store->path);
    return store->class->script(store->database, "BEGIN IMMEDIATE", err);
}

int store_end(struct store *store, int failed, struct err *err)
{
    if (failed == 0)
        failed = store->class->script(store->database, "COMMIT", err);
    if (failed != 0)
        take_back(store);
    return failed;
}

/* A store for reading is one transaction from the time when it was opened. */
static bool is_in_transaction(const struct store *store)
{
    return store->mode != STORE_WRITE || store->in_round;
}

int store_read_begin(struct store *store, struct err *err)
{
    return is_in_transaction(store) ? 0 : store->class->script(store->database, "BEGIN", err);
}

int store_read_end(struct store *store, int failed, struct err *err)
{
    return is_in_transaction(store) ? failed : store_end(store, failed, err);
}

int store_round_begin(struct store *store, struct wall started, uint64_t *ret_round,
                      struct err *err)
{
    if (store->in_round)
        store_round_abort(store);
    int failed = store_begin(store, err);
    if (failed != 0)
        return failed;
    store->in_round = true;
    store->round_broken = false;
    store->pending = alloc_zeroed(1, sizeof *store->pending);
    store->pending->arena = arena_new();
    struct cell row[STORE_COLUMNS_MAX];
    failed = store_one(store, SQL_ROUND_NEXT, NULL, 0, row, err);
    if (failed != 1)
        return store_round_result(store, failed == 0 ? ERR_CORRUPT : failed, err);
    store_stop(store, SQL_ROUND_NEXT);
    if (row[0].integer < 1 || row[0].integer > LIMIT_ROUNDS)
        return store_round_result(store, store_damaged(store, err, "a round's number"), err);
    store->round = (uint64_t)row[0].integer;
    store->round_started = started;
    store->receipt_ordinal = store->reading_ordinal = store->record_ordinal = 0;
    failed =
        store_run(store, SQL_ROUND_ADD,
                  (struct cell[]){cell_integer((int64_t)store->round), cell_wall(started)}, 2, err);
    if (failed == 0)
        *ret_round = store->round;
    return store_round_result(store, failed, err);
}

int store_in_round(struct store *store, struct err *err)
{
    if (store->in_round)
        return 0;
    if (store->round_broken) {
        if (err != NULL)
            *err = store->round_error;
        return store->round_error.code;
    }
    return err_set(err, ERR_DENIED, "%s: no round was begun", store->path);
}

int store_round_result(struct store *store, int failed, const struct err *err)
{
    if (failed == 0)
        return 0;
    if (store->in_round) {
        take_back(store);
        store->in_round = false;
        store->round_broken = true;
        if (err != NULL)
            store->round_error = *err;
        else
            err_set(&store->round_error, (enum err_code)failed, "%s: the round failed",
                    store->path);
    }
    return failed;
}

int store_round_gaps(struct store *store, unsigned gap_rounds, struct err *err)
{
    int failed = store_in_round(store, err);
    const struct cell cells[] = {cell_integer((int64_t)store->round), cell_integer(gap_rounds)};
    if (failed == 0)
        failed = store_run(store, SQL_ROUND_GAPS, cells, 2, err);
    return store_round_result(store, failed, err);
}

int store_round_commit(struct store *store, struct wall judged, struct wall ended, struct err *err)
{
    int failed = store_in_round(store, err);
    if (failed != 0)
        return failed;
    const struct cell cells[] = {cell_integer((int64_t)store->round), cell_wall(judged),
                                 cell_wall(ended)};
    failed = store_put_offs(store, judged, err);
    if (failed == 0)
        failed = store_run(store, SQL_ROUND_END, cells, 3, err);
    if (failed == 0)
        failed = store->class->script(store->database, "COMMIT", err);
    if (failed != 0)
        return store_round_result(store, failed, err);
    store->in_round = false;
    drop_pending(store);
    return 0;
}

void store_round_abort(struct store *store)
{
    if (store->in_round)
        take_back(store);
    store->in_round = false;
    store->round_broken = false;
}

/* --- sources --- */

int store_source(struct store *store, int kind, const char *site, const char *name, bool add,
                 struct source_row *ret, struct err *err)
{
    const struct cell key[] = {cell_integer(kind), cell_text(site), cell_text(name)};
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_SOURCE_FIND, key, 3, row, err);
    if (result == 1)
        *ret = (struct source_row){.id = row[0].integer,
                                   .seq = row[1].integer,
                                   .ended = {row[2].integer},
                                   .whole_seq = row[3].integer,
                                   .digest_a = (uint64_t)row[4].integer,
                                   .digest_b = (uint64_t)row[5].integer};
    store_stop(store, SQL_SOURCE_FIND);
    if (result == 1 && (ret->seq < 0 || ret->seq > LIMIT_ROUNDS || ret->whole_seq > ret->seq))
        return store_damaged(store, err, "the source %s", name);
    if (result != 0 || !add)
        return result;
    result = store_one(store, SQL_SOURCE_ADD, key, 3, row, err);
    if (result == 1)
        *ret = (struct source_row){.id = row[0].integer};
    store_stop(store, SQL_SOURCE_ADD);
    return result == 0 ? store_damaged(store, err, "a source cannot be added") : result;
}

int store_source_put(struct store *store, const struct source_row *source, struct err *err)
{
    const struct cell cells[] = {
        cell_integer(source->id),
        cell_integer(source->seq),
        cell_wall(source->ended),
        cell_integer(source->whole_seq),
        cell_integer((int64_t)source->digest_a),
        cell_integer((int64_t)source->digest_b),
    };
    return store_run(store, SQL_SOURCE_SET, cells, ARRAY_COUNT(cells), err);
}
