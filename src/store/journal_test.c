/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
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
#include "base/text.h"
#include "store/event_record.h"
#include "store/journal.h"
#include "store/segment.h"

/* The journal: what was acknowledged comes back, once, in order, whatever happened to
 * the process or the files; and what cannot be stored is never acknowledged. */

enum { SMALL = JOURNAL_SEGMENT_BYTES_MIN, EVENTS_MAX = 20000 };

struct folder {
    char path[64];
};

static int folder_setup(void **state)
{
    struct folder *folder = alloc_zeroed(1, sizeof *folder);
    snprintf(folder->path, sizeof folder->path, "/tmp/muster-journal-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    *state = folder;
    return 0;
}

static int folder_teardown(void **state)
{
    struct folder *folder = *state;
    DIR *list = opendir(folder->path);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(list), entry->d_name, 0);
    closedir(list);
    rmdir(folder->path);
    free(folder);
    return 0;
}

/* Event `number`: everything in it follows from the number. */
static struct event event_numbered(uint64_t number, char session[static 32])
{
    struct event event = event_of((enum event_kind)(number % EVENT_RESET));
    snprintf(session, 32, "session-%llu", (unsigned long long)number);
    event.proof = EVENT_PROOF_TOLD;
    event.source = "radius";
    event.type = "radius";
    event.mac.bits = 0x525400000000 + number;
    event.session = session;
    event.nas = "sw1";
    event.switch_name = "sw1";
    event.port = number % 3 == 0 ? NULL : "Gi0/1";
    event.at.us = (int64_t)number * 1000;
    event.heard.us = (int64_t)number * 1000 + 7;
    return event;
}

/* What was settled, by group. */
struct outcome {
    uint64_t stored, failed, last_group;
    struct err err;
};

static void on_settled(void *aux, uint64_t group, bool stored, const struct err *err)
{
    struct outcome *outcome = aux;
    assert_int_equal(stored, err == NULL);
    outcome->stored += stored;
    outcome->failed += !stored;
    if (group > outcome->last_group)
        outcome->last_group = group;
    if (err != NULL)
        outcome->err = *err;
}

static struct journal *open_journal(const struct folder *folder, struct journal_options options,
                                    struct journal_recovery *recovery)
{
    struct journal *journal = NULL;
    struct err err = {0};
    if (options.segment_bytes == 0)
        options.segment_bytes = SMALL;
    if (journal_open(folder->path, &options, &journal, recovery, &err) != 0)
        fail_msg("%s", err.text);
    return journal;
}

static void add_events(struct journal *journal, uint64_t from, uint64_t count)
{
    char session[32];
    for (uint64_t i = from; i < from + count; i++) {
        struct event event = event_numbered(i, session);
        assert_int_equal(journal_add(journal, &event, NULL), 0);
    }
}

static struct outcome settle_all(struct journal *journal)
{
    struct outcome outcome = {0};
    journal_wait(journal);
    journal_settle(journal, on_settled, &outcome);
    return outcome;
}

static void assert_event_numbered(const struct event *event, uint64_t number)
{
    char session[32];
    struct event expected = event_numbered(number, session);
    assert_int_equal(event->mac.bits, expected.mac.bits);
    assert_int_equal(event->kind, expected.kind);
    assert_int_equal(event->proof, expected.proof);
    assert_string_equal(event->session, expected.session);
    assert_string_equal(event->nas, "sw1");
    assert_int_equal(event->at.us, expected.at.us);
    assert_int_equal(event->heard.us, expected.heard.us);
    if (expected.port == NULL)
        assert_null(event->port);
    else
        assert_string_equal(event->port, expected.port);
}

/* Reads all that there is, from event `number` on, without a gap; returns how many. */
static uint64_t read_events(struct journal *journal, uint64_t number)
{
    struct event event;
    struct err err = {0};
    uint64_t sequence = 0, before = 0, count = 0;
    int got;
    while ((got = journal_read(journal, &sequence, &event, &err)) == 1) {
        assert_true(sequence > before);
        before = sequence;
        assert_event_numbered(&event, number + count);
        count++;
    }
    if (got != 0)
        fail_msg("%s", err.text);
    return count;
}

static void events_come_back_in_order(void **state)
{
    struct journal *journal = open_journal(*state, (struct journal_options){0}, NULL);
    uint64_t groups = 0;
    for (uint64_t i = 0; i < 5000; i += 25) {
        add_events(journal, i, 25);
        assert_int_equal(journal_flush(journal), ++groups);
        assert_int_equal(journal_flush(journal), 0);
    }
    struct outcome outcome = settle_all(journal);
    assert_int_equal(outcome.stored, groups);
    assert_int_equal(outcome.failed, 0);
    assert_int_equal(read_events(journal, 0), 5000);
    journal_read_commit(journal);
    journal_close(journal);
}

static void descriptor_tells(void **state)
{
    struct journal *journal = open_journal(*state, (struct journal_options){0}, NULL);
    struct pollfd poll_fd = {.fd = journal_descriptor(journal), .events = POLLIN};
    struct outcome outcome = {0};
    assert_int_equal(poll(&poll_fd, 1, 0), 0);
    add_events(journal, 0, 1);
    journal_flush(journal);
    assert_int_equal(poll(&poll_fd, 1, 10000), 1);
    assert_int_equal(journal_settle(journal, on_settled, &outcome), 1);
    assert_int_equal(outcome.last_group, 1);
    assert_int_equal(poll(&poll_fd, 1, 0), 0);
    journal_close(journal);
}

/* What is not committed comes again, after a rewind and after a restart. */
static void uncommitted_comes_again(void **state)
{
    struct journal *journal = open_journal(*state, (struct journal_options){0}, NULL);
    add_events(journal, 0, 100);
    journal_flush(journal);
    settle_all(journal);
    assert_int_equal(read_events(journal, 0), 100);
    journal_read_rewind(journal);
    assert_int_equal(read_events(journal, 0), 100);
    journal_read_commit(journal);
    add_events(journal, 100, 100);
    journal_flush(journal);
    settle_all(journal);
    assert_int_equal(read_events(journal, 100), 100);
    journal_read_rewind(journal);
    assert_int_equal(read_events(journal, 100), 100);
    uint64_t identity = journal_identity(journal);
    journal_close(journal);

    struct journal_recovery recovery;
    journal = open_journal(*state, (struct journal_options){.folded = 100, .identity = identity},
                           &recovery);
    assert_int_equal(recovery.records, 100);
    assert_int_equal(recovery.damaged_places, 0);
    add_events(journal, 200, 50);
    journal_flush(journal);
    settle_all(journal);
    assert_int_equal(read_events(journal, 100), 150);
    journal_close(journal);
}

/* Segments are used again: a journal that is folded does not grow. */
static void folded_space_is_used_again(void **state)
{
    struct journal *journal = open_journal(*state, (struct journal_options){.lanes = 2}, NULL);
    struct journal_status status;
    uint64_t most = 0, read = 0;
    for (uint64_t i = 0; i < EVENTS_MAX; i += 500) {
        add_events(journal, i, 500);
        journal_flush(journal);
        settle_all(journal);
        read += read_events(journal, read);
        journal_read_commit(journal);
        journal_status(journal, &status);
        most = status.segments > most ? status.segments : most;
    }
    assert_int_equal(read, EVENTS_MAX);
    assert_true(most <= 2 * 3 + JOURNAL_IDLE_MAX);
    assert_int_equal(status.stored, EVENTS_MAX);
    assert_int_equal(status.waiting, 0);
    journal_close(journal);
    journal = open_journal(*state, (struct journal_options){.folded = EVENTS_MAX}, NULL);
    assert_int_equal(read_events(journal, 0), 0);
    journal_close(journal);
}

/* --- a reader beside the lanes --- */

struct beside {
    struct journal *journal;
    uint64_t read;
    bool gap;
};

static void *read_beside(void *aux)
{
    struct beside *beside = aux;
    struct event event;
    struct err err;
    uint64_t sequence = 0, seed = 7, since = 0, begun = 0;
    while (beside->read < EVENTS_MAX && !beside->gap) {
        int got = journal_read(beside->journal, &sequence, &event, &err);
        if (got == 1) {
            beside->gap = event.mac.bits != UINT64_C(0x525400000000) + beside->read;
            beside->read++;
            since++;
        }
        for (uint64_t pause = got == 1 ? 0 : seed >> 58; pause > 0; pause--)
            sched_yield();
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        if (got < 0) {
            beside->gap = true;
        } else if (since > (seed >> 33) % 700) {
            if (seed >> 60 == 0) {
                journal_read_rewind(beside->journal);
                beside->read = begun;
            } else {
                journal_read_commit(beside->journal);
                begun = beside->read;
            }
            since = 0;
        }
    }
    journal_read_commit(beside->journal);
    return NULL;
}

static void reader_keeps_order_beside_the_lanes(void **state)
{
    struct journal *journal = open_journal(*state, (struct journal_options){0}, NULL);
    struct beside beside = {.journal = journal};
    struct outcome outcome = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_beside, &beside), 0);
    uint64_t groups = 0;
    for (uint64_t i = 0, step = 1; i < EVENTS_MAX; i += step, groups++) {
        step = 1 + i % 37;
        if (i + step > EVENTS_MAX)
            step = EVENTS_MAX - i;
        add_events(journal, i, step);
        journal_flush(journal);
        while (groups > outcome.stored + 100)
            journal_settle(journal, on_settled, &outcome);
    }
    journal_wait(journal);
    pthread_join(thread, NULL);
    assert_false(beside.gap);
    assert_int_equal(beside.read, EVENTS_MAX);
    journal_close(journal);
}

static void limit_fails_groups_and_ends(void **state)
{
    struct journal_options options = {.lanes = 2, .total_bytes = 4 * SMALL};
    struct journal *journal = open_journal(*state, options, NULL);
    uint64_t added = 0;
    struct outcome outcome = {0};
    while (outcome.failed == 0 && added < EVENTS_MAX) {
        add_events(journal, added, 50);
        added += 50;
        journal_flush(journal);
        outcome = settle_all(journal);
    }
    assert_int_equal(outcome.failed, 1);
    assert_int_equal(outcome.err.code, ERR_LIMIT);
    struct journal_status status;
    journal_status(journal, &status);
    assert_true(status.failing);
    assert_true(status.disk_bytes <= 4 * SMALL);
    assert_int_equal(read_events(journal, 0), added - 50);
    journal_read_commit(journal);
    add_events(journal, added, 50);
    journal_flush(journal);
    assert_int_equal(settle_all(journal).stored, 1);
    assert_int_equal(read_events(journal, added), 50);
    journal_close(journal);
}

static void too_much_waiting_is_refused(void **state)
{
    struct journal_options options = {.pending_bytes = 16 * 1024};
    struct journal *journal = open_journal(*state, options, NULL);
    char session[32];
    struct event event = event_numbered(1, session);
    int failed = 0;
    size_t taken = 0;
    for (; failed == 0 && taken < 1000; taken++)
        failed = journal_add(journal, &event, NULL);
    assert_int_equal(failed, ERR_LIMIT);
    assert_true(taken > 50);
    journal_flush(journal);
    settle_all(journal);
    assert_int_equal(journal_add(journal, &event, NULL), 0);
    char text[EVENT_TEXT_MAX + 2];
    memset(text, 'x', sizeof text);
    text[EVENT_TEXT_MAX + 1] = '\0';
    event.node = text;
    assert_int_equal(journal_add(journal, &event, NULL), ERR_LIMIT);
    text[EVENT_TEXT_MAX] = '\0';
    assert_int_equal(journal_add(journal, &event, NULL), 0);
    journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_come_back_in_order, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(descriptor_tells, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(uncommitted_comes_again, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(folded_space_is_used_again, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(reader_keeps_order_beside_the_lanes, folder_setup,
                                        folder_teardown),
        cmocka_unit_test_setup_teardown(limit_fails_groups_and_ends, folder_setup, folder_teardown),
        cmocka_unit_test_setup_teardown(too_much_waiting_is_refused, folder_setup, folder_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
