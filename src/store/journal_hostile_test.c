/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/text.h"
#include "store/journal_fixture.h"

/* Journals that are torn, damaged, foreign, newer, locked or without room: a clear
 * error, nothing changed that was refused, and every whole record back. */

enum { EVENTS = 120, MATRIX_STEP = 97 };

/* --- files --- */

/* Writes the path of the only segment with records, or of the first; "" none. */
static void find_segment(const struct journal_folder *folder, char path[static 128])
{
    DIR *list = opendir(folder->path);
    char first[64] = "";
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        bool earlier = first[0] == '\0' || strcmp(entry->d_name, first) < 0;
        if (strstr(entry->d_name, ".segment") != NULL && earlier)
            snprintf(first, sizeof first, "%.60s", entry->d_name);
    }
    closedir(list);
    snprintf(path, 128, "%s/%s", folder->path, first);
}

static uint8_t *read_segment(const char *path)
{
    uint8_t *bytes = alloc_array(JOURNAL_SMALL, 1);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, bytes, JOURNAL_SMALL), JOURNAL_SMALL);
    close(fd);
    return bytes;
}

static void write_segment(const char *path, const uint8_t *bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, JOURNAL_SMALL), JOURNAL_SMALL);
    close(fd);
}

static const struct journal_options one_lane = {.lanes = 1};

/* Leaves a journal of one lane with EVENTS events in groups of four; `path` is the file
 * that they are in. Returns what it holds. */
static uint8_t *make_journal(const struct journal_folder *folder, char path[static 128])
{
    struct journal *journal = journal_open_in(folder, one_lane, NULL);
    for (uint64_t i = 0; i < EVENTS; i += 4) {
        journal_add_events(journal, i, 4);
        journal_flush(journal);
        journal_wait(journal);
    }
    journal_close(journal);
    find_segment(folder, path);
    return read_segment(path);
}

/* Where the records end. */
static size_t end_of(const struct journal_folder *folder, const char *path)
{
    int at = open(folder->path, O_RDONLY | O_DIRECTORY);
    struct segment *segment = NULL;
    struct err err;
    uint64_t count = 0;
    assert_int_equal(segment_open(at, strrchr(path, '/') + 1, &segment, &err), 0);
    assert_int_equal(segment_scan(segment, 0, &count, &err), 0);
    assert_int_equal(count, EVENTS);
    size_t end = segment->end;
    segment_free(segment);
    close(at);
    return end;
}

/* What comes back: each event at most once, in order, unchanged. */
static uint64_t count_whole(struct journal *journal)
{
    struct event event;
    struct err err = {0};
    uint64_t sequence = 0, before = 0, count = 0;
    int got;
    while ((got = journal_read(journal, &sequence, &event, &err)) == 1) {
        assert_true(sequence > before && sequence <= EVENTS);
        journal_assert_event(&event, sequence - 1);
        before = sequence;
        count++;
    }
    assert_int_equal(got, 0);
    return count;
}

static void expect_refusal(const struct journal_folder *folder, struct journal_options options,
                           enum err_code code, const char *part)
{
    struct journal *journal = NULL;
    struct err err = {0};
    options.segment_bytes = JOURNAL_SMALL;
    int result = journal_open(folder->path, &options, &journal, NULL, &err);
    if (result != (int)code || strstr(err.text, part) == NULL)
        fail_msg("%d: %s", result, err.text);
    assert_null(journal);
}

/* --- damage --- */

/* Cut off anywhere: every record before the cut is there, and no damage is told. */
static void torn_anywhere(void **state)
{
    char path[128];
    AUTO_FREE uint8_t *bytes = make_journal(*state, path);
    size_t end = end_of(*state, path);
    uint64_t before = 0;
    for (size_t cut = SEGMENT_HEAD; cut <= end; cut += MATRIX_STEP) {
        AUTO_FREE uint8_t *copy = alloc_zeroed(JOURNAL_SMALL, 1);
        memcpy(copy, bytes, cut);
        write_segment(path, copy);
        struct journal_recovery recovery;
        struct journal *journal = journal_open_in(*state, one_lane, &recovery);
        assert_int_equal(recovery.damaged_places, 0);
        assert_int_equal(count_whole(journal), recovery.records);
        assert_true(recovery.records >= before);
        before = recovery.records;
        journal_close(journal);
    }
    assert_true(before >= EVENTS - 1);
}

/* One octet changed anywhere: one record at most is lost, all others are there, and what
 * had been synced and is not the last write is told. */
static void changed_anywhere(void **state)
{
    char path[128];
    AUTO_FREE uint8_t *bytes = make_journal(*state, path);
    size_t end = end_of(*state, path), last_write = end;
    for (size_t at = SEGMENT_HEAD; at < end; at += EVENT_RECORD_ALIGN)
        if (bytes[at + 15] == 0xe5 && event_record_sequence(bytes + at) == EVENTS)
            last_write = event_record_start(bytes + at);
    assert_true(last_write < end);
    for (size_t at = SEGMENT_HEAD; at < end; at += MATRIX_STEP) {
        AUTO_FREE uint8_t *copy = alloc_array(JOURNAL_SMALL, 1);
        memcpy(copy, bytes, JOURNAL_SMALL);
        copy[at] ^= (uint8_t)(1 << at % 8);
        write_segment(path, copy);
        struct journal_recovery recovery;
        struct journal *journal = journal_open_in(*state, one_lane, &recovery);
        assert_int_equal(recovery.records, EVENTS - 1);
        assert_int_equal(recovery.damaged_places, at < last_write);
        assert_int_equal(count_whole(journal), EVENTS - 1);
        journal_close(journal);
    }
}

static bool has_file(const struct journal_folder *folder, const char *ending)
{
    DIR *list = opendir(folder->path);
    bool found = false;
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        size_t length = strlen(entry->d_name);
        found = found || (length >= strlen(ending) &&
                          strcmp(entry->d_name + length - strlen(ending), ending) == 0);
    }
    closedir(list);
    return found;
}

/* A damaged file is kept under another name when its good records are in the store. */
static void damaged_file_is_kept(void **state)
{
    char path[128];
    AUTO_FREE uint8_t *bytes = make_journal(*state, path);
    memset(bytes + SEGMENT_HEAD + 200, 0x55, 300);
    write_segment(path, bytes);
    struct journal_recovery recovery;
    struct journal *journal = journal_open_in(*state, one_lane, &recovery);
    assert_int_equal(recovery.damaged_places, 1);
    assert_string_equal(recovery.damaged_file, strrchr(path, '/') + 1);
    assert_true(count_whole(journal) > EVENTS - 8);
    journal_read_commit(journal);
    journal_close(journal);
    assert_true(has_file(*state, ".segment.damaged"));
    assert_int_not_equal(access(path, F_OK), 0);
    journal =
        journal_open_in(*state, (struct journal_options){.lanes = 1, .folded = EVENTS}, &recovery);
    assert_int_equal(recovery.damaged_places, 0);
    journal_close(journal);
}

/* Either copy of the head is enough; without both the file is refused and untouched. */
static void head_is_there_twice(void **state)
{
    char path[128];
    AUTO_FREE uint8_t *bytes = make_journal(*state, path);
    for (size_t block = 0; block < SEGMENT_HEAD; block += SEGMENT_BLOCK) {
        AUTO_FREE uint8_t *copy = alloc_array(JOURNAL_SMALL, 1);
        memcpy(copy, bytes, JOURNAL_SMALL);
        memset(copy + block, 0, SEGMENT_BLOCK);
        write_segment(path, copy);
        struct journal_recovery recovery;
        struct journal *journal = journal_open_in(*state, one_lane, &recovery);
        assert_int_equal(recovery.records, EVENTS);
        journal_close(journal);
    }
    memset(bytes, 0xff, SEGMENT_HEAD);
    write_segment(path, bytes);
    expect_refusal(*state, one_lane, ERR_CORRUPT, "nothing was changed");
    AUTO_FREE uint8_t *after = read_segment(path);
    assert_memory_equal(bytes, after, JOURNAL_SMALL);
}

/* A file that was used before holds whole records of then: they are not new. */
static void former_records_stay_former(void **state)
{
    struct journal *journal = journal_open_in(*state, one_lane, NULL);
    uint64_t identity = journal_identity(journal);
    for (int use = 0; use < 4; use++) {
        journal_add_events(journal, 0, 500);
        journal_flush(journal);
        journal_wait(journal);
        assert_int_equal(journal_read_events(journal, 0), 500);
        journal_read_commit(journal);
    }
    journal_close(journal);
    struct journal_recovery recovery;
    const struct journal_options options = {.lanes = 1, .identity = identity, .folded = 2000};
    journal = journal_open_in(*state, options, &recovery);
    assert_int_equal(recovery.records, 0);
    assert_int_equal(recovery.damaged_places, 0);
    journal_close(journal);
}

/* --- what is not ours --- */

static void others_are_refused(void **state)
{
    const struct journal_folder *folder = *state;
    char path[128];
    AUTO_FREE uint8_t *bytes = make_journal(folder, path);
    struct journal *journal = journal_open_in(folder, one_lane, NULL);
    expect_refusal(folder, one_lane, ERR_TIMEOUT, "in use by another process");
    uint64_t identity = journal_identity(journal);
    journal_close(journal);
    expect_refusal(folder, (struct journal_options){.identity = identity + 1}, ERR_CORRUPT,
                   "belongs to another store");
    bytes[8] = 2;
    uint64_t check = htole64(hash_bytes(bytes, 48, UINT64_C(0x6a6f75726e616c31)));
    memcpy(bytes + 48, &check, sizeof check);
    write_segment(path, bytes);
    expect_refusal(folder, one_lane, ERR_VERSION, "newer Muster");
    memset(bytes, 'x', JOURNAL_SMALL);
    write_segment(path, bytes);
    expect_refusal(folder, one_lane, ERR_CORRUPT, "not a segment");
    assert_int_equal(truncate(path, 5), 0);
    expect_refusal(folder, one_lane, ERR_CORRUPT, "not a segment");
    unlink(path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    expect_refusal(folder, one_lane, ERR_SYSTEM, "opening it");
}

/* Names that are no segment's are left alone; a file that was being made goes. */
static void other_names_are_left_alone(void **state)
{
    const struct journal_folder *folder = *state;
    static const char *const names[] = {"README", "1.segment", "000001.segment.damaged",
                                        "000009.segment.new"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char path[160];
        snprintf(path, sizeof path, "%s/%s", folder->path, names[i]);
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        assert_int_equal(write(fd, "text", 4), 4);
        close(fd);
    }
    struct journal *journal = journal_open_in(folder, one_lane, NULL);
    journal_add_events(journal, 0, 10);
    journal_flush(journal);
    assert_int_equal(journal_settle_all(journal).stored, 1);
    journal_close(journal);
    assert_true(has_file(folder, "EADME"));
    assert_true(has_file(folder, "000001.segment.damaged"));
    assert_false(has_file(folder, ".new"));
}

static void options_that_cannot_be(void **state)
{
    expect_refusal(*state, (struct journal_options){.lanes = JOURNAL_LANES_MAX + 1}, ERR_RANGE,
                   "lanes");
    const struct journal_folder nowhere = {"/nonexistent/journal"};
    expect_refusal(&nowhere, one_lane, ERR_SYSTEM, "making the folder");
}

/* --- no room --- */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* While no file can be made, groups fail with the reason; when one can, they do not, and
 * everything that was acknowledged is there. */
static void no_room_is_told_and_survived(void **state)
{
    signal(SIGXFSZ, SIG_IGN);
    struct journal *journal = journal_open_in(*state, (struct journal_options){.lanes = 2}, NULL);
    struct journal_outcome outcome = {0};
    uint64_t taken = 0;
    limit_files(SEGMENT_HEAD);
    while (outcome.failed == 0 && taken < 10000) {
        journal_add_events(journal, taken, 100);
        journal_flush(journal);
        outcome = journal_settle_all(journal);
        taken += outcome.stored * 100;
    }
    assert_int_equal(outcome.failed, 1);
    assert_int_equal(outcome.err.code, ERR_SYSTEM);
    assert_non_null(strstr(outcome.err.text, ".segment"));
    limit_files(RLIM_INFINITY);
    for (int i = 0; i < 20; i++, taken += 100) {
        journal_add_events(journal, taken, 100);
        journal_flush(journal);
        assert_int_equal(journal_settle_all(journal).stored, 1);
    }
    struct journal_status status;
    journal_status(journal, &status);
    assert_false(status.failing);
    assert_int_equal(status.stored, taken);
    assert_int_equal(journal_read_events(journal, 0), taken);
    journal_close(journal);
}

/* A journal that begins without room opens, and works when there is some. */
static void opens_without_room(void **state)
{
    signal(SIGXFSZ, SIG_IGN);
    limit_files(SEGMENT_HEAD);
    struct journal *journal = journal_open_in(*state, one_lane, NULL);
    journal_add_events(journal, 0, 1);
    journal_flush(journal);
    assert_int_equal(journal_settle_all(journal).failed, 1);
    limit_files(RLIM_INFINITY);
    journal_add_events(journal, 0, 1);
    journal_flush(journal);
    assert_int_equal(journal_settle_all(journal).stored, 1);
    journal_close(journal);
}

/* --- one record --- */

/* Every field at its limit comes back; one octet less room, and it is no record. */
static void longest_record(void **state)
{
    char text[EVENT_TEXT_MAX + 1];
    memset(text, 'y', EVENT_TEXT_MAX);
    text[EVENT_TEXT_MAX] = '\0';
    struct event event = event_of(EVENT_HINT);
    event.hint = EVENT_HINT_TOPOLOGY_CHANGE;
    event.mac.bits = UINT64_C(0xffffffffffff);
    event.vlan = 4094;
    event.lifetime.us = INT64_MAX;
    memset(event.address.octets, 0xfe, 16);
    event.care_of = event.agent = event.correspondent = event.address;
    event.source = event.type = event.switch_name = event.port = text;
    event.node = event.nas = event.session = event.cause = text;
    uint8_t bytes[EVENT_RECORD_MAX];
    size_t length = event_record_write(bytes, 77, &event);
    assert_true(length > 0 && length <= EVENT_RECORD_MAX);
    assert_int_equal(event_record_seal(bytes, 4096, 5), length);
    assert_int_equal(event_record_check(bytes, length, 5), length);
    assert_int_equal(event_record_check(bytes, length - 1, 5), 0);
    assert_int_equal(event_record_check(bytes, length, 6), 0);
    assert_int_equal(event_record_start(bytes), 4096);
    struct event back;
    assert_int_equal(event_record_read(bytes, &back), 0);
    assert_int_equal(back.hint, event.hint);
    assert_int_equal(back.lifetime.us, INT64_MAX);
    assert_int_equal(back.vlan, 4094);
    assert_false(wall_known(back.at));
    assert_string_equal(back.cause, text);
    assert_true(ip_equal(&back.correspondent, &event.correspondent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(torn_anywhere),
        JOURNAL_TEST(changed_anywhere),
        JOURNAL_TEST(damaged_file_is_kept),
        JOURNAL_TEST(head_is_there_twice),
        JOURNAL_TEST(former_records_stay_former),
        JOURNAL_TEST(others_are_refused),
        JOURNAL_TEST(other_names_are_left_alone),
        JOURNAL_TEST(options_that_cannot_be),
        JOURNAL_TEST(no_room_is_told_and_survived),
        JOURNAL_TEST(opens_without_room),
        cmocka_unit_test(longest_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
