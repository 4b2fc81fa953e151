/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_HEARD_H
#define MUSTER_STORE_HEARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "model/heard.h"
#include "store/store.h"

/* What had been heard at an instant, out of the store: the heard facts (model/heard.h) that a
 * round of that instant was judged with, so that a question to the store sees the guests that
 * were known by their sessions alone, and a replay gives the verdicts that the daemon gave.
 *
 * The daemon takes its facts from the expiry list (audit/presence.h), which the store does not
 * have; but the list and the session rows are made of the same events. So each session of the
 * time becomes the row that the list had, and goes through the very rules of the list's export:
 * presence_hold() for how long a word holds, live_row_tells() for whether a row is told,
 * live_row_fact() for what fact it is. Told are
 *
 *   sessions that were open, whose time had not passed,
 *   sessions that had ended, by stop or reset, less than `settle` ago,
 *   of a MAC without open session the last one that ended or expired within `departed_for`.
 *
 * As of an instant. A session's row says how the session is now. One of which something came
 * after the instant is gone back along its chain of events to its last word before: it
 * says where the session was and when it was last heard. Only words that had come are
 * counted (`heard`), not what they claim to be about (`at`), since a late stop was no stop yet. A
 * few steps go back word by word; from there on over those that are no updates, and the
 * session counts as heard one interval before the instant at most. Single updates are
 * forgotten after STORE_UPDATE_RETENTION, which ends the chain in the same way.
 *
 * How. One statement over sessions that are open (its partial index) and those that ended since
 * the earliest end that counts (index on `ended`), ordered by number; one point query a step for
 * those that have to go back, that is for those heard of since, and one for each that ended. The
 * interval of a NAS is the longest of the first four open sessions of it that tell one. Switches,
 * ports and NAS are kept once. About three microseconds a session.
 *
 * Only the daemon judges with what was heard: who replays a round asks store_round.heard first.
 *
 * Limits: LIMIT_PRESENCE_ROWS sessions; what is beyond is counted and left out, as the list does
 * with what is last. Not known any more, and so without effect: sightings of other sources that
 * refreshed a session, restarts of the daemon, which give a session its whole lifetime again, and
 * what a share of the list refused. Times are those of the list, tenths of a second. Announcements
 * and hints are not sessions: they are not told here, so a migration window or the flush of a table
 * that a round knew is not known to its replay.
 *
 * Attacks considered: a chain of events goes strictly backwards, else the store is damaged; a
 * NAS that says something every second costs a bounded number of steps; texts are
 * bounded by LIMIT_NAME_BYTES and values only. */

struct store_heard_query {
    struct wall now;          /* the clock value of the round */
    struct span settle;       /* audit_options.settle */
    struct span departed_for; /* live_options.departed_for */
};

struct store_heard {
    struct heard_fact *facts; /* in the order of their sessions' beginnings; yours by _done() */
    size_t count;
    size_t left_out; /* sessions beyond the limit */
};

/* Loads what had been heard at query->now. Texts and origins of the facts are from `arena`; free
 * the rest with store_heard_done(), which is needed on success only. */
int store_load_heard(struct store *store, const struct store_heard_query *query,
                     struct arena *arena, struct store_heard *ret, struct err *err) MUST_USE;
void store_heard_done(struct store_heard *heard);

#endif
