/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_HEARD_H
#define MUSTER_STORE_HEARD_H

#include <stdbool.h>
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
 *   of a MAC without open session the last one that ended or expired within `departed_for`, unless
 *     a frame of it was overheard after that.
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
 * those that have to go back, that is for those heard of since, and two for each that ended. The
 * interval of a NAS is the longest of the first four open sessions of it that tell one. Switches,
 * ports and NAS are kept once. About three microseconds a session.
 *
 * A round of the daemon is put together exactly. It kept what it was told of every address of which
 * something follows (store/told.h), and the daemon keeps which sessions it concluded to have
 * expired (store/followed.h); so for such a round (`round`) the sessions say no more than that the
 * steady ones were open, and nothing is reckoned that was known. Its migration windows and the
 * flushes of its switches are rows, too. Only the daemon judges with what was heard: who replays a
 * round asks store_round.heard first.
 *
 * Limits: LIMIT_PRESENCE_ROWS sessions; what is beyond is counted and left out, as the list does
 * with what is last. Of rounds that were not kept so (store_round.told is not known) the times
 * that sessions hold are reckoned, and sightings of other sources that refreshed a session,
 * restarts of the daemon, which give a session its whole lifetime again, and what a share of the
 * list refused are not known any more; neither are announcements, which are no sessions. Times are
 * those of the list, tenths of a second.
 *
 * Attacks considered: a chain of events goes strictly backwards, else the store is damaged; a
 * NAS that says something every second costs a bounded number of steps; texts are
 * bounded by LIMIT_NAME_BYTES and values only. */

struct store_heard_query {
    struct wall now; /* the clock value of the round */
    /* That round, if it kept what it was told, and when that was collected: store_round.told; 0 and
     * WALL_UNKNOWN: put it together of the sessions. */
    uint64_t round;
    struct wall told;
    uint64_t next; /* store_round.told_next: only events before it; 0: by the time only */
    /* A daemon kept the expiries of that time: a session that it did not conclude to be over was
     * not. So with every round that kept what it was told. */
    bool concluded;
    struct span settle;       /* audit_options.settle */
    struct span departed_for; /* live_options.departed_for */
    struct span clock_skew;   /* audit_options.clock_skew */
    const struct mac *macs;   /* of these only; a count of 0: of all */
    size_t mac_count;
    /* audit_options.heard_hold: with announcements of so long ago; 0: without. A round that kept
     * what it was told has them anyway. */
    struct span hold;
};

struct store_heard {
    struct heard_fact *facts; /* those of one MAC in the round's order; yours by _done() */
    size_t count;
    struct migration_window *windows; /* the arena's */
    size_t window_count;
    struct switch_flush *flushes; /* the arena's */
    size_t flush_count;
    size_t left_out; /* sessions beyond the limit */
};

/* Loads what had been heard at query->now. Texts and origins of the facts are from `arena`; free
 * the rest with store_heard_done(), which is needed on success only. */
int store_load_heard(struct store *store, const struct store_heard_query *query,
                     struct arena *arena, struct store_heard *ret, struct err *err) MUST_USE;
void store_heard_done(struct store_heard *heard);

/* Loads the announcements whose time had not passed at `now`: of each address, source and place its
 * last, as the fact that the list has of it. They hold for `hold`. In `arena`;
 * LIMIT_PRESENCE_HEARD. Goes back through all events of that time, about a microsecond each. */
int store_load_announced(struct store *store, struct wall now, struct span hold,
                         struct arena *arena, struct heard_fact **ret, size_t *ret_count,
                         struct err *err) MUST_USE;

/* Sets *ret to whether `mac` announced itself after `after`, in words that had come by `until`.
 * Goes back through its announcements, to the first that does or that came before. */
int store_was_announced(struct store *store, struct mac mac, struct wall after, struct wall until,
                        bool *ret, struct err *err) MUST_USE;

#endif
