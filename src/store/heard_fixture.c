/* SPDX-License-Identifier: Apache-2.0 */
#include "store/heard_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/event_log.h"

int heard_place_setup(void **state)
{
    void *fixture = NULL;
    char folder[128];
    struct err err = {0};
    struct event_position position = {0};
    if (fixture_setup(&fixture) != 0)
        return -1;
    struct heard_place *place = calloc(1, sizeof *place);
    place->fixture = fixture;
    place->arena = arena_new();
    place->store = fixture_open(place->fixture, STORE_WRITE);
    snprintf(folder, sizeof folder, "%s.journal", place->fixture->path);
    if (store_events_position(place->store, &position, &err) != 0)
        fail_msg("%s", err.text);
    const struct journal_options options = {.identity = position.identity,
                                            .folded = position.folded,
                                            .segment_bytes = JOURNAL_SEGMENT_BYTES_MIN,
                                            .lanes = 1};
    if (journal_open(folder, &options, &place->journal, NULL, &err) != 0)
        fail_msg("%s", err.text);
    *state = place;
    return 0;
}

int heard_place_teardown(void **state)
{
    struct heard_place *place = *state;
    void *fixture = place->fixture;
    store_heard_done(&place->heard);
    journal_close(place->journal);
    store_close(place->store);
    arena_free(place->arena);
    free(place);
    return fixture_teardown(&fixture);
}

struct wall heard_second(int64_t number)
{
    return wall_add(fixture_minute(0), span_seconds(number));
}

static void ignore_settled(void *aux, uint64_t group, bool stored, const struct err *err)
{
    assert_true(stored);
}

void heard_tell(struct heard_place *place, const struct event *event)
{
    struct event_fold result;
    struct err err = {0};
    assert_int_equal(journal_add(place->journal, event, NULL), 0);
    journal_flush(place->journal);
    journal_wait(place->journal);
    journal_settle(place->journal, ignore_settled, NULL);
    if (store_events_fold(place->store, place->journal, 100, event->heard, STORE_RETENTION, &result,
                          &err) != 0)
        fail_msg("%s", err.text);
}
