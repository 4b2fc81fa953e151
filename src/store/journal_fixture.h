/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_JOURNAL_FIXTURE_H
#define MUSTER_STORE_JOURNAL_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "store/event_record.h"
#include "store/journal.h"
#include "store/segment.h"

/* What the tests of the journal need: a folder of its own that goes away with them, events
 * that follow from their number, so that any of them can be checked wherever it
 * comes back, and a journal with the smallest segments, so that a few thousand events
 * fill many. Not part of the product; limits and attacks: none, its callers are the tests. */

enum { JOURNAL_SMALL = JOURNAL_SEGMENT_BYTES_MIN };

struct journal_folder {
    char path[64];
};

/* Makes the folder; removes it with what is in it; 0, for cmocka. */
int journal_folder_setup(void **state);
int journal_folder_teardown(void **state);

#define JOURNAL_TEST(name)                                                                         \
    cmocka_unit_test_setup_teardown(name, journal_folder_setup, journal_folder_teardown)

/* Returns event `number`, whose session is written to `session`. */
struct event journal_event(uint64_t number, char session[static 32]);

/* Fails the test unless `event` is event `number`. */
void journal_assert_event(const struct event *event, uint64_t number);

/* What was settled, in groups. */
struct journal_outcome {
    uint64_t stored, failed, last_group;
    struct err err; /* of the last that failed */
};

/* Counts a group; for journal_settle(), `aux` being a journal_outcome. */
void journal_outcome_add(void *aux, uint64_t group, bool stored, const struct err *err);

/* Opens the journal, with small segments where `options` say nothing, and fails the test when
 * that fails. */
struct journal *journal_open_in(const struct journal_folder *folder, struct journal_options options,
                                struct journal_recovery *recovery);

/* Adds events `from` to `from` + `count` - 1 to the open group. */
void journal_add_events(struct journal *journal, uint64_t from, uint64_t count);

/* Waits for what was flushed and settles it. */
struct journal_outcome journal_settle_all(struct journal *journal);

/* Reads all that there is, from event `number` on, without a gap; returns how many. */
uint64_t journal_read_events(struct journal *journal, uint64_t number);

#endif
