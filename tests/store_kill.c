/* SPDX-License-Identifier: Apache-2.0 */

/* usage: store_kill [KILLS [FOLDER]]
 *
 * A child stores rounds and says the number of each one that was committed; the
 * parent kills it with SIGKILL at a random moment, again and again on the same
 * store. What was said must be there, once, and the store must be sound: DESIGN's
 * "kill -9 at any moment loses nothing that was reported". Prints its seed. */

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/query.h"

enum { ROWS = 400, LONGEST_MS = 60 };

static const struct wall noon = {INT64_C(1764000000000000)};

static struct wall time_of(uint64_t round)
{
    return wall_add(noon, span_seconds((int64_t)round * 60));
}

static void give_up(const char *what, const char *detail)
{
    fprintf(stderr, "store_kill: %s: %s\n", what, detail);
    exit(1);
}

/* The address in row `row` of round `round`: a tenth of them change every round. */
static uint64_t address(uint64_t round, uint64_t row)
{
    return row % 10 == round % 10 ? (round << 16 | row) : row + 1;
}

static struct forward_table *table_of(uint64_t round)
{
    struct forward_table *table = forward_table_new("sw1", "default");
    struct forward_port port = {
        .name = names_add(table->names, "p1", 2), .descr = NAME_NONE, .alias = NAME_NONE};
    uint32_t number = forward_table_add_port(table, &port);
    for (uint64_t i = 0; i < ROWS; i++)
        forward_table_add_row(
            table, (struct forward_row){.mac_status = forward_row_key(
                                            (struct mac){address(round, i)}, FORWARD_LEARNED),
                                        .port = number,
                                        .age = FORWARD_AGE_UNKNOWN});
    struct receipt receipt;
    receipt_init(&receipt);
    receipt_text(&receipt.source, "sw1");
    receipt.whole = true;
    receipt.started = receipt.ended = time_of(round);
    forward_table_add_receipt(table, &receipt);
    receipt_done(&receipt);
    forward_table_finish(table);
    return table;
}

static int store_cases_of(struct store *store, uint64_t round, struct err *err)
{
    char identity[40];
    snprintf(identity, sizeof identity, "silent guest%llu", (unsigned long long)round);
    struct discrepancy verdict = {
        .kind = DISCREPANCY_SILENT, .identity = identity, .subject = {.mac = MAC_NONE}};
    struct case_change change = {.record = {.number = round,
                                            .state_at = time_of(round),
                                            .ended_at = WALL_UNKNOWN,
                                            .discrepancy = &verdict,
                                            .first = time_of(round),
                                            .last = time_of(round),
                                            .count = 1,
                                            .reported_at = WALL_UNKNOWN,
                                            .acknowledged_at = WALL_UNKNOWN},
                                 .judged = true,
                                 .has_event = true,
                                 .event = {.case_number = round,
                                           .round = round,
                                           .at = time_of(round),
                                           .from = CASE_CLOSED,
                                           .who = "",
                                           .text = ""}};
    return store_round_cases(store, &change, 1, err);
}

/* Commits rounds until it is killed, and says each number afterwards. */
static void work(const char *path, int said)
{
    struct store *store = NULL;
    struct err err = {0};
    if (store_open(path, STORE_WRITE, &store, &err) != 0)
        give_up("opening", err.text);
    for (;;) {
        uint64_t round = 0;
        if (store_round_begin(store, noon, &round, &err) != 0)
            give_up("beginning", err.text);
        struct forward_table *table = table_of(round);
        if (store_round_table(store, table, &err) != 0 || store_cases_of(store, round, &err) != 0 ||
            store_round_commit(store, time_of(round), time_of(round), &err) != 0)
            give_up("a round", err.text);
        forward_table_free(table);
        if (write(said, &round, sizeof round) != sizeof round)
            give_up("saying", strerror(errno));
        if (round % 16 == 0 && store_trim(store, time_of(round), span_seconds(3600), &err) != 0)
            give_up("trimming", err.text);
    }
}

static void check_soundness(const char *path)
{
    sqlite3 *handle = NULL;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_open(path, &handle) != SQLITE_OK ||
        sqlite3_prepare_v2(handle, "PRAGMA integrity_check", -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        give_up("integrity_check", sqlite3_errmsg(handle));
    const char *answer = (const char *)sqlite3_column_text(statement, 0);
    if (strcmp(answer, "ok") != 0)
        give_up("integrity_check", answer);
    sqlite3_finalize(statement);
    sqlite3_close(handle);
}

static void check_last_table(struct store *store, uint64_t last)
{
    struct store_world *world = NULL;
    struct err err = {0};
    const struct store_memory_query query = {.horizon = span_seconds(600)};
    if (store_world_load(store, 0, STORE_TABLES_OF_ROUND, &query, &world, &err) != 0)
        give_up("the last round's world", err.text);
    if (world->round.number != last || world->table_count != 1 ||
        world->tables[0]->row_count != ROWS)
        give_up("the last round's world", "not all of it is there");
    uint64_t sum = 0;
    for (uint64_t i = 0; i < ROWS; i++)
        sum += address(last, i) - forward_row_mac(&world->tables[0]->rows[i]).bits;
    if (sum != 0)
        give_up("the last round's world", "rows of another round are in it");
    store_world_free(world);
}

/* Every case from 1 to `last` stands with one event. */
static void check_cases(struct store *store, uint64_t last)
{
    struct arena *arena = arena_new();
    const struct case_filter all = {
        .all = true, .state = CASE_STATE_COUNT, .kind = DISCREPANCY_KIND_COUNT};
    const struct case_record *records;
    const struct case_event *events;
    size_t count = 0, event_count = 0;
    struct err err = {0};
    if (store_list_cases(store, &all, arena, &records, &count, &err) != 0)
        give_up("cases", err.text);
    if (count != last)
        give_up("cases", "one is missing, or there twice");
    for (size_t i = 0; i < count; i++) {
        if (store_load_events(store, i + 1, arena, &events, &event_count, &err) != 0)
            give_up("events", err.text);
        if (records[i].number != i + 1 || event_count != 1)
            give_up("events", "one is missing, or there twice");
    }
    arena_free(arena);
}

/* Returns the last committed round, after checking all that must hold. */
static uint64_t check(const char *path, uint64_t said)
{
    struct store *store = NULL;
    struct err err = {0};
    struct store_round round = {0};
    if (store_open(path, STORE_WRITE, &store, &err) != 0)
        give_up("opening after the kill", err.text);
    int found = store_find_round(store, WALL_UNKNOWN, &round, &err);
    if (found != 0 && found != ERR_NOT_FOUND)
        give_up("the last round", err.text);
    if (round.number < said)
        give_up("a round that was said", "is not there");
    if (round.number > 0) {
        check_last_table(store, round.number);
        check_cases(store, round.number);
    }
    store_close(store);
    check_soundness(path);
    return round.number;
}

static uint64_t kill_once(const char *path, uint64_t said)
{
    int ends[2];
    if (pipe(ends) != 0)
        give_up("pipe", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        work(path, ends[1]);
    }
    close(ends[1]);
    struct timespec pause = {.tv_nsec = (long)(rand() % LONGEST_MS) * 1000000 + rand() % 1000000};
    nanosleep(&pause, NULL);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status))
        give_up("the child", "ended by itself");
    for (uint64_t round; read(ends[0], &round, sizeof round) == sizeof round;)
        said = round;
    close(ends[0]);
    return said;
}

int main(int argc, char **argv)
{
    int kills = argc > 1 ? atoi(argv[1]) : 8;
    unsigned seed = (unsigned)getpid();
    const char *given = getenv("MUSTER_SEED");
    if (given != NULL)
        seed = (unsigned)strtoul(given, NULL, 10);
    srand(seed);
    AUTO_TEXT struct text folder = TEXT_EMPTY;
    text_printf(&folder, "%s/muster-kill-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (mkdtemp(folder.data) == NULL)
        give_up(text_get(&folder), strerror(errno));
    AUTO_TEXT struct text path = TEXT_EMPTY;
    text_printf(&path, "%s/muster.db", text_get(&folder));
    uint64_t said = 0, stored = 0, unsaid = 0;
    for (int i = 0; i < kills; i++) {
        said = kill_once(text_get(&path), said);
        stored = check(text_get(&path), said);
        unsaid += stored > said;
        said = stored;
    }
    printf("%d kills, %llu rounds stored, %llu of them killed between commit and word; seed %u\n",
           kills, (unsigned long long)stored, (unsigned long long)unsaid, seed);
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        AUTO_TEXT struct text file = TEXT_EMPTY;
        text_printf(&file, "%s%s", text_get(&path), ends[i]);
        unlink(text_get(&file));
    }
    rmdir(text_get(&folder));
    return stored > 0 || kills < 4 ? 0 : 1;
}
