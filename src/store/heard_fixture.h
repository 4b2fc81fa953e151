/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_HEARD_FIXTURE_H
#define MUSTER_STORE_HEARD_FIXTURE_H

#include "base/arena.h"
#include "model/event.h"
#include "store/heard.h"
#include "store/journal.h"
#include "store/store_fixture.h"

/* What the tests of what was heard need: a store with its journal, in a folder that goes away
 * with them, into which an event is told as the daemon does it: through the journal, then
 * folded. Times count seconds from the fixture's noon; what is told is heard when its event
 * says. Not part of the product; limits and attacks: none, its callers are the tests. */

struct heard_place {
    struct fixture *fixture;
    struct store *store;
    struct journal *journal;
    struct arena *arena;
    struct store_heard heard; /* of the test's own loading; freed at the end */
};

/* Makes the place; removes it; 0, for cmocka. A test may close the store before, and set it NULL.
 */
int heard_place_setup(void **state);
int heard_place_teardown(void **state);

/* Returns second `number` after the fixture's noon. */
struct wall heard_second(int64_t number);

/* Has the place hear `event`, and fails the test when it is not stored. */
void heard_tell(struct heard_place *place, const struct event *event);

#endif
