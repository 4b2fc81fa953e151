/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_DATABASE_H
#define MUSTER_STORE_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "store/store.h"

/* What a database must be able to do to hold the store: the small table of
 * functions that sqlite.c fills in, so that PostgreSQL can stand behind the same
 * rules with the same schema and the same meaning (DESIGN section 1 point 2).
 *
 * It knows tables and statements, no facts. Statements are prepared once from
 * constant SQL with numbered parameters ("?1"); every value travels as a cell,
 * so that no text from outside can become SQL. All functions return 0 or a
 * negative err_code with a sentence that names the file or server and says what
 * follows. Limits and attacks: see store.h; a database that returns a cell of
 * another type than its column has is damaged, which the caller finds by asking
 * each cell for the type it needs. */

enum cell_type { CELL_NULL, CELL_INTEGER, CELL_TEXT, CELL_BLOB };

/* One value. Texts are terminated too; bytes that come out of a row are valid
 * until the next step. */
struct cell {
    enum cell_type type;
    int64_t integer;
    const void *bytes;
    size_t length;
};

struct database_class {
    const char *name;
    const char *compact; /* script that gives free space back, outside a transaction */
    /* Opens, makes if it may, and brings the schema up to this version. */
    int (*open)(const char *target, enum store_mode mode, void **ret, struct err *err);
    void (*close)(void *database);
    /* Runs constant statements that return nothing: "BEGIN IMMEDIATE", "COMMIT". */
    int (*script)(void *database, const char *sql, struct err *err);
    int (*prepare)(void *database, const char *sql, void **ret_statement, struct err *err);
    /* Sets the parameters and begins anew; bytes must stay until the last step. */
    int (*start)(void *statement, const struct cell *parameters, size_t count, struct err *err);
    /* Returns 1 with the first `count` columns in `row`, 0 at the end. */
    int (*step)(void *statement, struct cell *row, size_t count, struct err *err);
    void (*stop)(void *statement);   /* ends a run early; allowed at any time */
    void (*finish)(void *statement); /* frees; NULL is allowed */
    /* `lazy`: commits from now on need not be on the disk when they return. After a crash of the
     * machine such a commit may be missing, with all that came after it; none is there in part. A
     * database that cannot do that commits as ever. Outside a transaction. */
    int (*relax)(void *database, bool lazy, struct err *err);
    /* Waits until every commit so far is on the disk. Outside a transaction. */
    int (*settle)(void *database, struct err *err);
    /* The log of commits, see store.h; one that has none has always 0 pages. */
    void (*log_leave)(void *database);
    size_t (*log_pages)(const void *database);
    int (*log_empty)(void *database, size_t *ret_moved, struct err *err);
};

extern const struct database_class database_sqlite;

/* The version of the schema that this Muster writes. */
enum { STORE_VERSION = 6 };

#endif
