/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/event_log.h"
#include "store/query.h"
#include "store/store_fixture.h"

/* Files that are damaged, foreign, newer, read-only or on a full disk: a clear
 * error, and not a byte of what was there is changed. */

enum { A = 0x525400000001, FLIPS = 120, NOBODY = 65534 };

static const struct fixture_row one_row[] = {{A, "p1", "10"}};
static const char *const one_guest[] = {"B,web1,52:54:00:00:00:01,on,x"};
static const struct store_memory_query no_horizon = {.horizon = {0}};

/* Runs SQL on the fixture's file with a handle of its own. */
static void with_sqlite(const struct fixture *fixture, const char *sql)
{
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(handle);
}

static char *read_file(const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *bytes = alloc_array(8 << 20, 1);
    *ret_length = fread(bytes, 1, 8 << 20, file);
    fclose(file);
    return bytes;
}

static void write_file(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static void make_store(const struct fixture *fixture)
{
    struct store *store = fixture_open(fixture, STORE_WRITE);
    for (int i = 1; i <= 3; i++)
        fixture_round(store, i, fixture_table("sw1", i, true, one_row, 1),
                      fixture_guests("csv", i, one_guest, 1));
    store_close(store);
}

/* Opens in `mode`, expects `code` and a sentence with `part`, and that the file
 * is as it was. */
static void expect_refusal(const struct fixture *fixture, enum store_mode mode, enum err_code code,
                           const char *part)
{
    size_t before_length, after_length;
    AUTO_FREE char *before = read_file(fixture->path, &before_length);
    struct store *store = NULL;
    struct err err = {0};
    int result = store_open(fixture->path, mode, &store, &err);
    if (result != (int)code || strstr(err.text, part) == NULL)
        fail_msg("%d: %s", result, err.text);
    assert_null(store);
    AUTO_FREE char *after = read_file(fixture->path, &after_length);
    assert_int_equal(before_length, after_length);
    assert_memory_equal(before, after, before_length);
}

static void a_newer_store_is_refused(void **state)
{
    make_store(*state);
    with_sqlite(*state, "PRAGMA user_version = 7");
    expect_refusal(*state, STORE_WRITE, ERR_VERSION, "store version 7, this one knows 6");
    expect_refusal(*state, STORE_READ, ERR_VERSION, "store version 7, this one knows 6");
}

/* A store of the first version, which had no events, keeps what it has. */
static void an_older_store_is_brought_up_to_date(void **state)
{
    make_store(*state);
    with_sqlite(*state, "DROP TABLE event; DROP TABLE session; DROP TABLE event_source;"
                        "DELETE FROM meta WHERE key IN ('journal', 'folded', 'next_session',"
                        " 'updates_floor'); ALTER TABLE standing DROP COLUMN broken;"
                        "ALTER TABLE standing DROP COLUMN broken_at;"
                        "ALTER TABLE round DROP COLUMN gap_rounds;"
                        "ALTER TABLE round DROP COLUMN heard;"
                        "ALTER TABLE round DROP COLUMN told;"
                        "ALTER TABLE round DROP COLUMN told_next;"
                        "DROP TABLE told; DROP TABLE followed;"
                        "PRAGMA user_version = 1");
    expect_refusal(*state, STORE_READ, ERR_VERSION, "written by an older Muster");
    struct store *store = fixture_open(*state, STORE_WRITE);
    struct event_position position = {1, 1};
    struct store_round round = {0};
    struct err err = {0};
    assert_int_equal(store_events_position(store, &position, &err), 0);
    assert_int_equal(position.identity, 0);
    assert_int_equal(position.folded, 0);
    assert_int_equal(store_find_round(store, WALL_UNKNOWN, &round, &err), 0);
    assert_int_equal(round.number, 3);
    store_close(store);
}

static void other_files_are_refused(void **state)
{
    struct fixture *fixture = *state;
    with_sqlite(fixture, "CREATE TABLE recipe(name TEXT)");
    expect_refusal(fixture, STORE_WRITE, ERR_CORRUPT, "a database of another program");
    expect_refusal(fixture, STORE_READ, ERR_CORRUPT, "a database of another program");
    char text[5000];
    memset(text, 'x', sizeof text);
    write_file(fixture->path, text, sizeof text);
    expect_refusal(fixture, STORE_WRITE, ERR_CORRUPT, "is damaged");
    expect_refusal(fixture, STORE_READ, ERR_CORRUPT, "is damaged");
}

static void a_missing_or_empty_store_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = NULL;
    struct err err;
    assert_int_equal(store_open(fixture->path, STORE_READ, &store, &err), ERR_NOT_FOUND);
    write_file(fixture->path, "", 0);
    assert_int_equal(store_open(fixture->path, STORE_READ, &store, &err), ERR_NOT_FOUND);
    store = fixture_open(fixture, STORE_WRITE); /* an empty file becomes a store */
    store_close(store);
    AUTO_FREE char *odd = alloc_text("/nonexistent/folder/muster.db");
    assert_int_not_equal(store_open(odd, STORE_WRITE, &store, &err), 0);
}

static void a_second_writer_is_told_who_writes(void **state)
{
    struct fixture *fixture = *state;
    struct store *writer = fixture_open(fixture, STORE_WRITE), *second = NULL;
    fixture_round(writer, 1, fixture_table("sw1", 1, true, one_row, 1), NULL);
    struct err err;
    assert_int_equal(store_open(fixture->path, STORE_WRITE, &second, &err), ERR_TIMEOUT);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(err.text, pid));
    struct store *reader = fixture_open(fixture, STORE_READ); /* readers do not wait */
    struct store_size size;
    assert_int_equal(store_measure(reader, &size, &err), 0);
    fixture_round(writer, 2, NULL, NULL);
    struct store_size later;
    assert_int_equal(store_measure(reader, &later, &err), 0);
    assert_int_equal(later.rounds, size.rounds); /* one view as long as it is open */
    store_close(reader);
    store_close(writer);
    store_close(fixture_open(fixture, STORE_WRITE));
}

/* --- damage --- */

/* Asks everything and writes a round; only the absence of a crash counts. */
static void use_all(struct store *store)
{
    struct err err;
    struct arena *arena = arena_new();
    const struct mac mac = {A};
    const struct history_query query = {
        .macs = &mac, .mac_count = 1, .guest = "web1", .from = WALL_UNKNOWN, .to = WALL_UNKNOWN};
    const struct history_entry *entries;
    const struct case_record *records;
    size_t count;
    uint64_t number;
    for (uint64_t round = 0; round <= 3; round++) {
        struct store_world *world = NULL;
        if (store_world_load(store, round, STORE_TABLES_LAST_KNOWN, &no_horizon, &world, &err) == 0)
            store_world_free(world);
    }
    const struct case_filter all = {
        .all = true, .state = CASE_STATE_COUNT, .kind = DISCREPANCY_KIND_COUNT};
    int failures = store_load_history(store, &query, arena, &entries, &count, &err) != 0;
    failures += store_list_cases(store, &all, arena, &records, &count, &err) != 0;
    failures += store_load_cases(store, fixture_minute(9), span_seconds(1), arena, &records, &count,
                                 &number, &err) != 0;
    struct forward_table *table = fixture_table("sw1", 9, true, one_row, 1);
    struct record_set *set = fixture_guests("csv", 9, NULL, 0);
    if (store_round_begin(store, fixture_minute(9), &number, &err) == 0) {
        failures += store_round_table(store, table, &err) != 0;
        failures += store_round_records(store, set, NULL, &err) != 0;
        failures += store_round_commit(store, fixture_minute(9), fixture_minute(9), &err) != 0;
        failures += store_trim(store, fixture_minute(99999), span_seconds(60), &err) != 0;
    }
    assert_true(failures >= 0);
    forward_table_free(table);
    record_set_free(set);
    arena_free(arena);
}

static void drop_side_files(const struct fixture *fixture)
{
    static const char *const ends[] = {"-wal", "-shm", "-journal"};
    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        char path[120];
        snprintf(path, sizeof path, "%s%s", fixture->path, ends[i]);
        unlink(path);
    }
}

static void add_case(const struct fixture *fixture)
{
    static const struct discrepancy verdict = {.kind = DISCREPANCY_SILENT,
                                               .identity = "silent web1",
                                               .subject = {.guest = "web1", .mac = {A}}};
    struct store *store = fixture_open(fixture, STORE_WRITE);
    struct case_change change = fixture_case(1, &verdict, 4, true);
    struct err err;
    uint64_t round;
    assert_int_equal(store_round_begin(store, fixture_minute(4), &round, &err), 0);
    assert_int_equal(store_round_cases(store, &change, 1, &err), 0);
    assert_int_equal(store_round_commit(store, fixture_minute(4), fixture_minute(4), &err), 0);
    store_close(store);
}

static void flipped_bytes_never_crash(void **state)
{
    struct fixture *fixture = *state;
    make_store(fixture);
    add_case(fixture);
    size_t length;
    AUTO_FREE char *sound = read_file(fixture->path, &length);
    AUTO_FREE char *damaged = alloc_array(length, 1);
    unsigned refused = 0;
    srand(7);
    for (int i = 0; i < FLIPS; i++) {
        memcpy(damaged, sound, length);
        int flips = 1 + rand() % 40;
        for (int f = 0; f < flips; f++)
            damaged[(size_t)rand() % length] ^= (char)(1 + rand() % 255);
        drop_side_files(fixture);
        write_file(fixture->path, damaged, i % 5 == 4 ? (size_t)rand() % length : length);
        struct store *store = NULL;
        struct err err = {0};
        if (store_open(fixture->path, i % 2 == 0 ? STORE_READ : STORE_WRITE, &store, &err) == 0)
            use_all(store);
        else
            refused++;
        store_close(store);
    }
    assert_true(refused > 0 && refused < FLIPS);
}

/* Rows of the right type with values that make no sense. */
static void absurd_values_never_crash(void **state)
{
    static const char *const damages[] = {
        "UPDATE sighting SET port = 999",
        "UPDATE sighting SET port = -1",
        "UPDATE sighting SET first_seq = -9223372036854775807",
        "UPDATE sighting SET before = 9223372036854775807",
        "UPDATE sighting SET mac = -1",
        "UPDATE sighting SET status = 77",
        "UPDATE source SET seq = 9223372036854775807",
        "UPDATE source SET seq = -5",
        "UPDATE reading SET ages = x'0102'",
        "UPDATE reading SET shape_id = 99",
        "UPDATE shape SET content = 'port' || char(9) || 'x'",
        "UPDATE shape SET content = 'port' || char(10)",
        "UPDATE shape SET content = ''",
        "UPDATE name SET text = 'nonsense'||id",
        "DELETE FROM name",
        "DELETE FROM reading",
        "UPDATE recorded SET content = 'a'",
        "UPDATE recorded SET extra = '{'",
        "UPDATE recorded SET tab = 99",
        "UPDATE recorded SET ordinal = -1",
        "UPDATE case_record SET content = '{}'",
        "UPDATE case_record SET state = 'odd'",
        "UPDATE case_event SET kind = 'odd'",
        "UPDATE meta SET value = -1",
        "DELETE FROM meta",
        "UPDATE round SET number = 9223372036854775807 WHERE number = 4",
        "UPDATE standing SET macs = x'01'",
        "DROP TABLE recorded_past",
    };
    struct fixture *fixture = *state;
    make_store(fixture);
    add_case(fixture);
    size_t length;
    AUTO_FREE char *sound = read_file(fixture->path, &length);
    for (size_t i = 0; i < ARRAY_COUNT(damages); i++) {
        drop_side_files(fixture);
        write_file(fixture->path, sound, length);
        with_sqlite(fixture, damages[i]);
        struct store *store = NULL;
        struct err err;
        if (store_open(fixture->path, STORE_WRITE, &store, &err) == 0)
            use_all(store);
        store_close(store);
    }
}

/* --- no permission, no space --- */

/* Runs `body` in a child; returns its exit status, 77 for "cannot be tried here". */
static int in_child(int (*body)(const struct fixture *fixture), const struct fixture *fixture)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(body(fixture));
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int read_as_nobody(const struct fixture *fixture)
{
    if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        return 77;
    struct store *store = NULL;
    struct err err = {0};
    if (store_open(fixture->path, STORE_WRITE, &store, &err) != ERR_DENIED ||
        strstr(err.text, "cannot be written") == NULL)
        return 1;
    if (store_open(fixture->path, STORE_READ, &store, &err) != 0)
        return 2;
    struct store_world *world = NULL;
    if (store_world_load(store, 0, STORE_TABLES_OF_ROUND, &no_horizon, &world, &err) != 0 ||
        world->table_count != 1)
        return 3;
    store_world_free(world);
    uint64_t round;
    if (store_round_begin(store, fixture_minute(9), &round, &err) != ERR_DENIED)
        return 4;
    store_close(store);
    return 0;
}

static void a_read_only_folder_can_be_read(void **state)
{
    struct fixture *fixture = *state;
    make_store(fixture);
    char lock[120];
    snprintf(lock, sizeof lock, "%s.lock", fixture->path);
    unlink(lock);
    assert_int_equal(chmod(fixture->path, 0444), 0);
    assert_int_equal(chmod(fixture->folder, 0555), 0);
    int status = in_child(read_as_nobody, fixture);
    if (status == 77)
        skip();
    assert_int_equal(status, 0);
}

/* Stores rounds of new rows until one fails; 0 when that was said well and what
 * was committed before is all there. */
static int fill_up(const char *path)
{
    struct store *store = NULL;
    struct err err = {0};
    if (store_open(path, STORE_WRITE, &store, &err) != 0)
        return 1;
    static struct fixture_row rows[2000];
    int committed = 0, failed = 0;
    for (int i = 1; failed == 0 && i < 200; i++) {
        for (size_t r = 0; r < ARRAY_COUNT(rows); r++)
            rows[r] = (struct fixture_row){(uint64_t)i << 20 | r, "p1", "10"};
        struct forward_table *table = fixture_table("sw1", i, true, rows, ARRAY_COUNT(rows));
        uint64_t round;
        failed = store_round_begin(store, fixture_minute(i), &round, &err);
        if (failed == 0)
            failed = store_round_table(store, table, &err);
        if (failed == 0)
            failed = store_round_commit(store, fixture_minute(i), fixture_minute(i), &err);
        forward_table_free(table);
        committed += failed == 0;
    }
    if (failed != ERR_SYSTEM || strstr(err.text, "what was stored before is whole") == NULL)
        return 2;
    struct store_size size;
    if (store_measure(store, &size, &err) != 0 || (int)size.rounds != committed)
        return 3;
    store_close(store);
    if (store_open(path, STORE_READ, &store, &err) != 0)
        return 4;
    if (store_measure(store, &size, &err) != 0 || (int)size.rounds != committed || committed == 0)
        return 5;
    store_close(store);
    return 0;
}

static int fill_limited_file(const struct fixture *fixture)
{
    struct rlimit limit = {2 << 20, 2 << 20};
    signal(SIGXFSZ, SIG_IGN);
    return setrlimit(RLIMIT_FSIZE, &limit) != 0 ? 77 : fill_up(fixture->path);
}

static int fill_small_disk(const struct fixture *fixture)
{
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return 77;
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", fixture->folder, "tmpfs", 0, "size=3m") != 0)
        return 77;
    return fill_up(fixture->path);
}

static void a_file_that_may_not_grow_loses_nothing(void **state)
{
    assert_int_equal(in_child(fill_limited_file, *state), 0);
}

static void a_full_disk_loses_nothing(void **state)
{
    int status = in_child(fill_small_disk, *state);
    if (status == 77)
        skip();
    assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_newer_store_is_refused),
        TEST(an_older_store_is_brought_up_to_date),
        TEST(other_files_are_refused),
        TEST(a_missing_or_empty_store_is_told),
        TEST(a_second_writer_is_told_who_writes),
        TEST(flipped_bytes_never_crash),
        TEST(absurd_values_never_crash),
        TEST(a_read_only_folder_can_be_read),
        TEST(a_file_that_may_not_grow_loses_nothing),
        TEST(a_full_disk_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
