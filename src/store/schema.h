/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_SCHEMA_H
#define MUSTER_STORE_SCHEMA_H

/* The tables of the store, and how a store of an earlier version becomes one of
 * this. Step n takes version n - 1 to n; a step is never edited after a release,
 * a change is a new step, so every store ever made can be opened. Times are
 * microseconds since 1970 (clock.h). A "seq" counts the readings of one source
 * from 1; "round" counts rounds. A row of sighting and recorded stands since
 * reading first_seq; when it ends it moves to the _past table with last_seq, the
 * last reading that showed it. Attacks and limits: store.h. */

/* The steps in order, NULL at the end. */
extern const char *const schema_steps[];

#endif
