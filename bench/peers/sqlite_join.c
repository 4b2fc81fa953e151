/* SPDX-License-Identifier: Apache-2.0 */
/* Peer: SQLite in memory. Loads the world's numbers, indexes what a database
 * would keep indexed (the inventory by MAC as its primary key, the attachments by
 * place), then measures what each round costs: the index on the fresh forward
 * table's MACs and the bare join of join.sql. Prints one JSON line.
 * Usage: sqlite_join WORLD_DIRECTORY JOIN_SQL. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "peer_report.h"

enum { STATEMENT_MAX = 16 * 1024 };

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "sqlite_join: %s: %s\n", what, why);
    exit(1);
}

static void run(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail(sql, message ? message : "?");
}

/* Inserts the '|'-separated numbers of a file through a statement of `columns`
 * parameters; returns how many lines. */
static uint64_t load(sqlite3 *db, const char *directory, const char *file, const char *insert,
                     int columns)
{
    char path[PATH_MAX], line[256];
    snprintf(path, sizeof(path), "%s/%s", directory, file);
    FILE *input = fopen(path, "r");
    if (!input)
        fail(path, strerror(errno));
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, insert, -1, &statement, NULL) != SQLITE_OK)
        fail(insert, sqlite3_errmsg(db));
    uint64_t count = 0;
    run(db, "BEGIN");
    while (fgets(line, sizeof(line), input)) {
        char *at = line;
        for (int i = 0; i < columns; i++) {
            sqlite3_bind_int64(statement, i + 1, strtoll(at, &at, 10));
            at++; /* the separator */
        }
        if (sqlite3_step(statement) != SQLITE_DONE)
            fail(file, sqlite3_errmsg(db));
        sqlite3_reset(statement);
        count++;
    }
    run(db, "COMMIT");
    sqlite3_finalize(statement);
    fclose(input);
    return count;
}

static void read_text(const char *path, char *text, size_t size)
{
    FILE *input = fopen(path, "r");
    if (!input)
        fail(path, strerror(errno));
    size_t length = fread(text, 1, size - 1, input);
    text[length] = '\0';
    fclose(input);
}

static void print_counts(sqlite3 *db)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, "SELECT kind, count(*) FROM discrepancy GROUP BY kind", -1,
                           &statement, NULL) != SQLITE_OK)
        fail("counting", sqlite3_errmsg(db));
    const char *separator = "";
    while (sqlite3_step(statement) == SQLITE_ROW) {
        printf("%s\"%s\":%lld", separator, (const char *)sqlite3_column_text(statement, 0),
               (long long)sqlite3_column_int64(statement, 1));
        separator = ",";
    }
    sqlite3_finalize(statement);
}

int main(int argc, char **argv)
{
    sqlite3 *db;
    static char join[STATEMENT_MAX];
    if (argc != 3) {
        fprintf(stderr, "usage: sqlite_join WORLD_DIRECTORY JOIN_SQL\n");
        return 2;
    }
    read_text(argv[2], join, sizeof(join));
    if (sqlite3_open(":memory:", &db) != SQLITE_OK)
        fail("opening", "no memory");
    run(db, "CREATE TABLE guest (mac INTEGER PRIMARY KEY, guest INTEGER, hypervisor INTEGER,"
            " running INTEGER);"
            "CREATE TABLE attachment (hypervisor INTEGER, nic_mac INTEGER, switch INTEGER,"
            " port INTEGER, PRIMARY KEY (hypervisor, switch, port)) WITHOUT ROWID;"
            "CREATE TABLE forward (switch INTEGER, port INTEGER, mac INTEGER)");
    load(db, argv[1], "guest.num", "INSERT INTO guest VALUES (?, ?, ?, ?)", 4);
    load(db, argv[1], "attachment.num", "INSERT INTO attachment VALUES (?, ?, ?, ?)", 4);
    uint64_t rows = load(db, argv[1], "forward.num", "INSERT INTO forward VALUES (?, ?, ?)", 3);
    run(db, "ANALYZE guest; ANALYZE attachment");

    double cpu = peer_cpu(), started = peer_now();
    run(db, "CREATE INDEX forward_mac ON forward (mac)");
    run(db, join);
    double wall = peer_now() - started, used = peer_cpu() - cpu;

    printf("{\"version\":\"%s\",\"rows\":%" PRIu64 ",\"counts\":{", sqlite3_libversion(), rows);
    print_counts(db);
    printf("},\"wall\":%.6f,\"cpu\":%.6f,\"memory\":%" PRIu64 "}\n", wall, used, peer_memory());
    sqlite3_close(db);
    return 0;
}
