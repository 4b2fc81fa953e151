/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "store/journal_fixture.h"

/* The journal: what was acknowledged comes back, once, in order, whatever happened to
 * the process or the files; and what cannot be stored is never acknowledged. */

enum { EVENTS_MAX = 20000 };

static void events_come_back_in_order(void **state)
{
    struct journal *journal = journal_open_in(*state, (struct journal_options){0}, NULL);
    uint64_t groups = 0;
    for (uint64_t i = 0; i < 5000; i += 25) {
        journal_add_events(journal, i, 25);
        assert_int_equal(journal_flush(journal), ++groups);
        assert_int_equal(journal_flush(journal), 0);
    }
    struct journal_outcome outcome = journal_settle_all(journal);
    assert_int_equal(outcome.stored, groups);
    assert_int_equal(outcome.failed, 0);
    assert_int_equal(journal_read_events(journal, 0), 5000);
    journal_read_commit(journal);
    journal_close(journal);
}

static void descriptor_tells(void **state)
{
    struct journal *journal = journal_open_in(*state, (struct journal_options){0}, NULL);
    struct pollfd poll_fd = {.fd = journal_descriptor(journal), .events = POLLIN};
    struct journal_outcome outcome = {0};
    assert_int_equal(poll(&poll_fd, 1, 0), 0);
    journal_add_events(journal, 0, 1);
    journal_flush(journal);
    assert_int_equal(poll(&poll_fd, 1, 10000), 1);
    assert_int_equal(journal_settle(journal, journal_outcome_add, &outcome), 1);
    assert_int_equal(outcome.last_group, 1);
    assert_int_equal(poll(&poll_fd, 1, 0), 0);
    journal_close(journal);
}

/* What is not committed comes again, after a rewind and after a restart. */
static void uncommitted_comes_again(void **state)
{
    struct journal *journal = journal_open_in(*state, (struct journal_options){0}, NULL);
    journal_add_events(journal, 0, 100);
    journal_flush(journal);
    journal_settle_all(journal);
    assert_int_equal(journal_read_events(journal, 0), 100);
    journal_read_rewind(journal);
    assert_int_equal(journal_read_events(journal, 0), 100);
    journal_read_commit(journal);
    journal_add_events(journal, 100, 100);
    journal_flush(journal);
    journal_settle_all(journal);
    assert_int_equal(journal_read_events(journal, 100), 100);
    journal_read_rewind(journal);
    assert_int_equal(journal_read_events(journal, 100), 100);
    uint64_t identity = journal_identity(journal);
    journal_close(journal);

    struct journal_recovery recovery;
    journal = journal_open_in(*state, (struct journal_options){.folded = 100, .identity = identity},
                              &recovery);
    assert_int_equal(recovery.records, 100);
    assert_int_equal(recovery.damaged_places, 0);
    journal_add_events(journal, 200, 50);
    journal_flush(journal);
    journal_settle_all(journal);
    assert_int_equal(journal_read_events(journal, 100), 150);
    journal_close(journal);
}

/* Segments are used again: a journal that is folded does not grow. */
static void folded_space_is_used_again(void **state)
{
    struct journal *journal = journal_open_in(*state, (struct journal_options){.lanes = 2}, NULL);
    struct journal_status status;
    uint64_t most = 0, read = 0;
    for (uint64_t i = 0; i < EVENTS_MAX; i += 500) {
        journal_add_events(journal, i, 500);
        journal_flush(journal);
        journal_settle_all(journal);
        read += journal_read_events(journal, read);
        journal_read_commit(journal);
        journal_status(journal, &status);
        most = status.segments > most ? status.segments : most;
    }
    assert_int_equal(read, EVENTS_MAX);
    assert_true(most <= 2 * 3 + JOURNAL_IDLE_MAX);
    assert_int_equal(status.stored, EVENTS_MAX);
    assert_int_equal(status.waiting, 0);
    journal_close(journal);
    journal = journal_open_in(*state, (struct journal_options){.folded = EVENTS_MAX}, NULL);
    assert_int_equal(journal_read_events(journal, 0), 0);
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
    struct journal *journal = journal_open_in(*state, (struct journal_options){0}, NULL);
    struct beside beside = {.journal = journal};
    struct journal_outcome outcome = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_beside, &beside), 0);
    uint64_t groups = 0;
    for (uint64_t i = 0, step = 1; i < EVENTS_MAX; i += step, groups++) {
        step = 1 + i % 37;
        if (i + step > EVENTS_MAX)
            step = EVENTS_MAX - i;
        journal_add_events(journal, i, step);
        journal_flush(journal);
        while (groups > outcome.stored + 100)
            journal_settle(journal, journal_outcome_add, &outcome);
    }
    journal_wait(journal);
    pthread_join(thread, NULL);
    assert_false(beside.gap);
    assert_int_equal(beside.read, EVENTS_MAX);
    journal_close(journal);
}

static void limit_fails_groups_and_ends(void **state)
{
    struct journal_options options = {.lanes = 2, .total_bytes = 4 * JOURNAL_SMALL};
    struct journal *journal = journal_open_in(*state, options, NULL);
    uint64_t added = 0;
    struct journal_outcome outcome = {0};
    while (outcome.failed == 0 && added < EVENTS_MAX) {
        journal_add_events(journal, added, 50);
        added += 50;
        journal_flush(journal);
        outcome = journal_settle_all(journal);
    }
    assert_int_equal(outcome.failed, 1);
    assert_int_equal(outcome.err.code, ERR_LIMIT);
    struct journal_status status;
    journal_status(journal, &status);
    assert_true(status.failing);
    assert_true(status.disk_bytes <= 4 * JOURNAL_SMALL);
    assert_int_equal(journal_read_events(journal, 0), added - 50);
    journal_read_commit(journal);
    journal_add_events(journal, added, 50);
    journal_flush(journal);
    assert_int_equal(journal_settle_all(journal).stored, 1);
    assert_int_equal(journal_read_events(journal, added), 50);
    journal_close(journal);
}

static void too_much_waiting_is_refused(void **state)
{
    struct journal_options options = {.pending_bytes = 16 * 1024};
    struct journal *journal = journal_open_in(*state, options, NULL);
    char session[32];
    struct event event = journal_event(1, session);
    int failed = 0;
    size_t taken = 0;
    for (; failed == 0 && taken < 1000; taken++)
        failed = journal_add(journal, &event, NULL);
    assert_int_equal(failed, ERR_LIMIT);
    assert_true(taken > 50);
    journal_flush(journal);
    journal_settle_all(journal);
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
        JOURNAL_TEST(events_come_back_in_order),
        JOURNAL_TEST(descriptor_tells),
        JOURNAL_TEST(uncommitted_comes_again),
        JOURNAL_TEST(folded_space_is_used_again),
        JOURNAL_TEST(reader_keeps_order_beside_the_lanes),
        JOURNAL_TEST(limit_fails_groups_and_ends),
        JOURNAL_TEST(too_much_waiting_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
