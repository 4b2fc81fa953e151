/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "store/database.h"
#include "store/paced_file.h"
#include "store/schema.h"
#include "store/writer_lock.h"

/* SQLite behind the small table of database.h: one file, write-ahead log where
 * the file system allows it (a rollback journal otherwise), every commit synced.
 * The file is opened defensively: SQL in its schema is not trusted, cell sizes
 * are checked, nothing in it can call a function. */

#if SQLITE_VERSION_NUMBER < 3037000
#error "STRICT tables need SQLite 3.37"
#endif

enum {
    APPLICATION_ID = 0x4d737472, /* "Mstr" */
    BUSY_MS = 5000,
    CACHE_KIB = 64 * 1024,
    /* The write-ahead log is cut back to this; cutting takes long, so what is usual stays. */
    LOG_LIMIT_BYTES = 64 * 1024 * 1024,
    LOG_PAGES_ALONE = 1000 /* when nobody else empties it */
};

struct sqlite {
    sqlite3 *handle;
    char *path;
    int lock;      /* file descriptor, -1 for a reader */
    bool has_log;  /* commits go to a write-ahead log first */
    int log_pages; /* after the last commit */
    int log_most;  /* beyond which the commit empties it */
    int log_file;  /* a descriptor of it, -1 while none was needed */
};

struct sqlite_statement {
    struct sqlite *owner;
    sqlite3_stmt *handle;
    bool running;
};

static int fail_damaged(const struct sqlite *db, const char *detail, struct err *err)
{
    return err_set(err, ERR_CORRUPT,
                   "%s is damaged (%s); nothing was changed in it: move it away to begin with an "
                   "empty memory, or recover it with sqlite3's .recover",
                   db->path, detail);
}

/* Turns SQLite's result into one of ours with a sentence. */
static int fail(const struct sqlite *db, int result, struct err *err)
{
    const char *detail = db->handle == NULL ? sqlite3_errstr(result) : sqlite3_errmsg(db->handle);
    switch (result & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT: /* our statements break none on a sound file */
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR: /* a table or column is not what it should be */
        return fail_damaged(db, detail, err);
    case SQLITE_FULL:
        return err_set(err, ERR_SYSTEM,
                       "%s: no space left on the device; what was stored before is whole, this "
                       "round is not stored",
                       db->path);
    case SQLITE_IOERR:
        return err_set(err, ERR_SYSTEM,
                       "%s: %s (%s); what was stored before is whole, this round is not stored",
                       db->path, detail, strerror(sqlite3_system_errno(db->handle)));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
        return err_set(err, ERR_DENIED, "%s cannot be written: %s", db->path, detail);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, ERR_TIMEOUT, "%s is in use by another program: %s", db->path, detail);
    default:
        return err_set(err, ERR_SYSTEM, "%s: %s", db->path, detail);
    }
}

static int sqlite_script(void *database, const char *sql, struct err *err)
{
    struct sqlite *db = database;
    int result = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : fail(db, result, err);
}

/* Runs a query of one integer. */
static int ask(struct sqlite *db, const char *sql, int64_t *ret, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *ret = sqlite3_column_int64(statement, 0);
    int failed = result == SQLITE_ROW ? 0 : fail(db, result, err);
    sqlite3_finalize(statement);
    return failed;
}

static void sqlite_close(void *database)
{
    struct sqlite *db = database;
    if (db == NULL)
        return;
    sqlite3_close_v2(db->handle);
    writer_lock_close(db->lock);
    if (db->log_file >= 0)
        close(db->log_file);
    free(db->path);
    free(db);
}

/* A name for sqlite3_open_v2() that says: read it as it is, without side files. */
static char *immutable_uri(const char *path)
{
    struct text uri = TEXT_EMPTY;
    text_add(&uri, "file:");
    for (const char *at = path; *at != '\0'; at++) {
        if (strchr("?#%", *at) != NULL)
            text_printf(&uri, "%%%02X", (unsigned)(unsigned char)*at);
        else
            text_add_char(&uri, *at);
    }
    text_add(&uri, "?immutable=1");
    return text_take(&uri);
}

static int connect_file(struct sqlite *db, enum store_mode mode, bool immutable, struct err *err)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= mode == STORE_READ    ? SQLITE_OPEN_READONLY
             : mode == STORE_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                   : SQLITE_OPEN_READWRITE;
    AUTO_FREE char *uri = immutable ? immutable_uri(db->path) : NULL;
    int result = sqlite3_open_v2(immutable ? uri : db->path, &db->handle,
                                 immutable ? flags | SQLITE_OPEN_URI : flags,
                                 mode == STORE_LOG ? paced_file_system() : NULL);
    if (result != SQLITE_OK)
        return fail(db, result, err);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    AUTO_TEXT struct text settings = TEXT_EMPTY;
    text_printf(&settings,
                "PRAGMA cell_size_check = ON; PRAGMA cache_size = -%d; PRAGMA temp_store = MEMORY;"
                "PRAGMA foreign_keys = ON;",
                CACHE_KIB);
    return sqlite_script(db, text_get(&settings), err);
}

/* Finds out what the file is without changing it: *ret_version is -1 for a file
 * without any table. */
static int identify(struct sqlite *db, int64_t *ret_version, struct err *err)
{
    int64_t tables = 0, application = 0, version = 0;
    int failed = ask(db, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (failed != 0)
        return failed;
    if (tables == 0) {
        *ret_version = -1;
        return 0;
    }
    failed = ask(db, "PRAGMA application_id", &application, err);
    if (failed == 0)
        failed = ask(db, "PRAGMA user_version", &version, err);
    if (failed != 0)
        return failed;
    if (application != APPLICATION_ID)
        return err_set(err, ERR_CORRUPT,
                       "%s is a database of another program; nothing was changed in it: give "
                       "Muster's store another name",
                       db->path);
    if (version > STORE_VERSION)
        return err_set(err, ERR_VERSION,
                       "%s was written by a newer Muster (store version %lld, this one knows %d); "
                       "nothing was changed in it: use the newer Muster",
                       db->path, (long long)version, STORE_VERSION);
    if (version < 1)
        return fail_damaged(db, "its version is missing", err);
    *ret_version = version;
    return 0;
}

static int sqlite_migrate(void *database, const char *const *steps, int64_t version,
                          struct err *err)
{
    struct sqlite *db = database;
    for (int64_t at = version; steps[at] != NULL; at++) {
        AUTO_TEXT struct text mark = TEXT_EMPTY;
        text_printf(&mark, "PRAGMA application_id = %d; PRAGMA user_version = %lld;",
                    APPLICATION_ID, (long long)at + 1);
        int failed = sqlite_script(db, "BEGIN IMMEDIATE", err);
        if (failed == 0)
            failed = sqlite_script(db, steps[at], err);
        if (failed == 0)
            failed = sqlite_script(db, text_get(&mark), err);
        if (failed == 0)
            failed = sqlite_script(db, "COMMIT", err);
        if (failed != 0) {
            sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
            return failed;
        }
    }
    return 0;
}

/* Whether the file system allows a write-ahead log. */
static int find_log(struct sqlite *db, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode", -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        db->has_log = strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    int failed = result == SQLITE_ROW ? 0 : fail(db, result, err);
    sqlite3_finalize(statement);
    return failed;
}

static int on_commit(void *aux, sqlite3 *handle, const char *name, int pages)
{
    struct sqlite *db = aux;
    db->log_pages = pages;
    /* A failure is no failure of the commit; the next one tries again. */
    if (pages >= db->log_most)
        sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return SQLITE_OK;
}

static int open_to_empty_log(struct sqlite *db, struct err *err)
{
    int failed = connect_file(db, STORE_LOG, false, err);
    if (failed == 0)
        sqlite3_wal_autocheckpoint(db->handle, 0);
    return failed != 0 ? failed : find_log(db, err);
}

static int open_to_write(struct sqlite *db, struct err *err)
{
    int64_t version = 0;
    int failed = writer_lock_open(db->path, &db->lock, err);
    if (failed == 0)
        failed = connect_file(db, STORE_WRITE, false, err);
    if (failed != 0)
        return failed;
    if (sqlite3_db_readonly(db->handle, "main") == 1)
        return err_set(err, ERR_DENIED, "%s cannot be written: it is read-only", db->path);
    failed = identify(db, &version, err);
    if (failed == 0 && version < 0) {
        version = 0; /* both must be said before the first table */
        failed = sqlite_script(db, "PRAGMA auto_vacuum = INCREMENTAL", err);
    }
    AUTO_TEXT struct text settings = TEXT_EMPTY;
    text_printf(&settings,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                "PRAGMA journal_size_limit = %d;",
                LOG_LIMIT_BYTES);
    if (failed == 0)
        failed = sqlite_script(db, text_get(&settings), err);
    if (failed == 0)
        failed = find_log(db, err);
    db->log_most = LOG_PAGES_ALONE;
    sqlite3_wal_hook(db->handle, on_commit, db);
    return failed != 0 ? failed : sqlite_migrate(db, schema_steps, version, err);
}

/* A write-ahead log cannot be read beside a file in a folder that cannot be
 * written; without a log the file alone is the whole truth. */
static bool has_log(const char *path)
{
    AUTO_TEXT struct text log = TEXT_EMPTY;
    text_printf(&log, "%s-wal", path);
    struct stat status;
    return stat(text_get(&log), &status) == 0 && status.st_size > 0;
}

static int open_to_read(struct sqlite *db, struct err *err)
{
    if (access(db->path, F_OK) != 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "%s: there is no store yet", db->path);
    if (access(db->path, R_OK) != 0)
        return err_set_errno(err, errno, "reading %s", db->path);
    int64_t version = 0;
    int failed = connect_file(db, STORE_READ, false, err);
    if (failed == 0)
        failed = identify(db, &version, err);
    if ((failed == ERR_DENIED || failed == ERR_SYSTEM) && !has_log(db->path)) {
        sqlite3_close_v2(db->handle);
        db->handle = NULL;
        failed = connect_file(db, STORE_READ, true, err);
        if (failed == 0)
            failed = identify(db, &version, err);
    }
    if (failed != 0)
        return failed;
    if (version < 0)
        return err_set(err, ERR_NOT_FOUND, "%s: the store is empty", db->path);
    if (version < STORE_VERSION)
        return err_set(err, ERR_VERSION,
                       "%s was written by an older Muster (store version %lld, this one needs %d); "
                       "it is brought up to date when it is next opened for writing",
                       db->path, (long long)version, STORE_VERSION);
    /* One view for everything that is asked, whatever is written meanwhile. */
    return sqlite_script(db, "BEGIN", err);
}

static int sqlite_open(const char *target, enum store_mode mode, void **ret, struct err *err)
{
    struct sqlite *db = alloc_zeroed(1, sizeof *db);
    db->path = alloc_text(target);
    db->lock = db->log_file = -1;
    int failed = mode == STORE_WRITE  ? open_to_write(db, err)
                 : mode == STORE_READ ? open_to_read(db, err)
                                      : open_to_empty_log(db, err);
    if (failed != 0) {
        sqlite_close(db);
        return failed;
    }
    *ret = db;
    return 0;
}

static int sqlite_prepare(void *database, const char *sql, void **ret, struct err *err)
{
    struct sqlite *db = database;
    sqlite3_stmt *handle = NULL;
    int result = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL);
    if (result != SQLITE_OK)
        return fail(db, result, err);
    struct sqlite_statement *statement = alloc_zeroed(1, sizeof *statement);
    statement->owner = db;
    statement->handle = handle;
    *ret = statement;
    return 0;
}

static void sqlite_stop(void *opaque)
{
    struct sqlite_statement *statement = opaque;
    if (statement->running)
        sqlite3_reset(statement->handle);
    statement->running = false;
}

static int bind(sqlite3_stmt *statement, int number, const struct cell *cell)
{
    switch (cell->type) {
    case CELL_NULL:
        return sqlite3_bind_null(statement, number);
    case CELL_INTEGER:
        return sqlite3_bind_int64(statement, number, cell->integer);
    case CELL_TEXT:
        return sqlite3_bind_text64(statement, number, cell->bytes, cell->length, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case CELL_BLOB:
        return sqlite3_bind_blob64(statement, number, cell->bytes, cell->length, SQLITE_STATIC);
    }
    UNREACHABLE();
}

static int sqlite_start(void *opaque, const struct cell *parameters, size_t count, struct err *err)
{
    struct sqlite_statement *statement = opaque;
    sqlite_stop(statement);
    for (size_t i = 0; i < count; i++) {
        int result = bind(statement->handle, (int)i + 1, &parameters[i]);
        if (result != SQLITE_OK)
            return fail(statement->owner, result, err);
    }
    return 0;
}

static void read_cell(sqlite3_stmt *statement, int column, struct cell *cell)
{
    *cell = (struct cell){.type = CELL_NULL};
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        cell->type = CELL_INTEGER;
        cell->integer = sqlite3_column_int64(statement, column);
        break;
    case SQLITE_TEXT:
        cell->type = CELL_TEXT;
        cell->bytes = sqlite3_column_text(statement, column);
        cell->length = (size_t)sqlite3_column_bytes(statement, column);
        break;
    case SQLITE_BLOB:
        cell->type = CELL_BLOB;
        cell->bytes = sqlite3_column_blob(statement, column);
        cell->length = (size_t)sqlite3_column_bytes(statement, column);
        break;
    default: /* NULL, or a real number where no column has one */
        break;
    }
}

static int sqlite_step(void *opaque, struct cell *row, size_t count, struct err *err)
{
    struct sqlite_statement *statement = opaque;
    statement->running = true;
    int result = sqlite3_step(statement->handle);
    if (result == SQLITE_ROW) {
        CHECK((int)count <= sqlite3_column_count(statement->handle));
        for (size_t i = 0; i < count; i++)
            read_cell(statement->handle, (int)i, &row[i]);
        return 1;
    }
    int failed = result == SQLITE_DONE ? 0 : fail(statement->owner, result, err);
    sqlite_stop(statement);
    return failed;
}

static void sqlite_finish(void *opaque)
{
    struct sqlite_statement *statement = opaque;
    if (statement == NULL)
        return;
    sqlite3_finalize(statement->handle);
    free(statement);
}

/* Has the kernel begin to write what the commits have left with it, so that the next sync finds
 * little: others' syncs wait for that one. Only a hint. The descriptor is our own: SQLite keeps
 * no locks on the log. */
static void begin_to_write(struct sqlite *db)
{
    AUTO_TEXT struct text path = TEXT_EMPTY;
    if (db->log_file < 0) {
        text_printf(&path, "%s-wal", db->path);
        db->log_file = open(text_get(&path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (db->log_file >= 0)
        (void)sync_file_range(db->log_file, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static int sqlite_relax(void *database, bool lazy, struct err *err)
{
    struct sqlite *db = database;
    if (!db->has_log) /* without one, an unsynced commit could damage the file */
        return 0;
    if (!lazy)
        begin_to_write(db);
    return sqlite_script(db, lazy ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL",
                         err);
}

static int sqlite_settle(void *database, struct err *err)
{
    struct sqlite *db = database;
    sqlite3_file *log = NULL;
    if (!db->has_log)
        return 0;
    int result = sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (result == SQLITE_OK && log != NULL && log->pMethods != NULL)
        result = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
    return result == SQLITE_OK ? 0 : fail(db, result, err);
}

static void sqlite_log_leave(void *database)
{
    ((struct sqlite *)database)->log_most = STORE_LOG_PAGES_MOST;
}

static size_t sqlite_log_pages(const void *database)
{
    return (size_t)((const struct sqlite *)database)->log_pages;
}

static int sqlite_log_empty(void *database, size_t *ret_moved, struct err *err)
{
    struct sqlite *db = database;
    int moved = 0;
    *ret_moved = 0;
    if (!db->has_log)
        return 0;
    int result =
        sqlite3_wal_checkpoint_v2(db->handle, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, &moved);
    if ((result & 0xff) != SQLITE_OK && (result & 0xff) != SQLITE_BUSY)
        return fail(db, result, err);
    *ret_moved = moved > 0 ? (size_t)moved : 0;
    return 0;
}

const struct database_class database_sqlite = {
    .name = "sqlite",
    .compact = "PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)",
    .open = sqlite_open,
    .close = sqlite_close,
    .script = sqlite_script,
    .prepare = sqlite_prepare,
    .start = sqlite_start,
    .step = sqlite_step,
    .stop = sqlite_stop,
    .finish = sqlite_finish,
    .relax = sqlite_relax,
    .settle = sqlite_settle,
    .log_leave = sqlite_log_leave,
    .log_pages = sqlite_log_pages,
    .log_empty = sqlite_log_empty,
};
