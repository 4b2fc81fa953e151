/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "store/journal_fixture.h"

int journal_folder_setup(void **state)
{
    struct journal_folder *folder = alloc_zeroed(1, sizeof *folder);
    snprintf(folder->path, sizeof folder->path, "%s/muster-journal-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(folder->path));
    *state = folder;
    return 0;
}

int journal_folder_teardown(void **state)
{
    struct journal_folder *folder = *state;
    DIR *list = opendir(folder->path);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;)
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(list), entry->d_name, 0);
    closedir(list);
    rmdir(folder->path);
    free(folder);
    return 0;
}

struct event journal_event(uint64_t number, char session[static 32])
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

void journal_outcome_add(void *aux, uint64_t group, bool stored, const struct err *err)
{
    struct journal_outcome *outcome = aux;
    assert_int_equal(stored, err == NULL);
    outcome->stored += stored;
    outcome->failed += !stored;
    if (group > outcome->last_group)
        outcome->last_group = group;
    if (err != NULL)
        outcome->err = *err;
}

struct journal *journal_open_in(const struct journal_folder *folder, struct journal_options options,
                                struct journal_recovery *recovery)
{
    struct journal *journal = NULL;
    struct err err = {0};
    if (options.segment_bytes == 0)
        options.segment_bytes = JOURNAL_SMALL;
    if (journal_open(folder->path, &options, &journal, recovery, &err) != 0)
        fail_msg("%s", err.text);
    return journal;
}

void journal_add_events(struct journal *journal, uint64_t from, uint64_t count)
{
    char session[32];
    for (uint64_t i = from; i < from + count; i++) {
        struct event event = journal_event(i, session);
        assert_int_equal(journal_add(journal, &event, NULL), 0);
    }
}

struct journal_outcome journal_settle_all(struct journal *journal)
{
    struct journal_outcome outcome = {0};
    journal_wait(journal);
    journal_settle(journal, journal_outcome_add, &outcome);
    return outcome;
}

void journal_assert_event(const struct event *event, uint64_t number)
{
    char session[32];
    struct event expected = journal_event(number, session);
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

uint64_t journal_read_events(struct journal *journal, uint64_t number)
{
    struct event event;
    struct err err = {0};
    uint64_t sequence = 0, before = 0, count = 0;
    int got;
    while ((got = journal_read(journal, &sequence, &event, &err)) == 1) {
        assert_true(sequence > before);
        before = sequence;
        journal_assert_event(&event, number + count);
        count++;
    }
    if (got != 0)
        fail_msg("%s", err.text);
    return count;
}
