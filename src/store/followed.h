/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_FOLLOWED_H
#define MUSTER_STORE_FOLLOWED_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/mac.h"
#include "model/heard.h"
#include "store/store.h"

/* What followed from hearing: conclusions and looks that are no events, and without which a round
 * could not be judged again, nor a restart go on where the daemon stopped.
 *
 *   a migration window   opened by an announcement, with its deadline. The announcement is an
 *                        event; that it was away from its recorded place was known only then
 *   a switch flush       a switch said that it restarted or changed its topology: for one ageing
 *                        time its table proves no absence
 *   a probe              what one exact-instance read of an address on one switch showed: for
 *                        who asks why (`muster why`); a round judges by whole tables
 *   an expiry            a session was concluded to be over. Not an event, since nobody said so,
 *                        and kept in the session's row: from that instant on it is not open
 *
 * They are rows in the order in which they followed, written once, never changed, and forgotten
 * with the retention. Cost: some ten microseconds each. Limits: a text within
 * FOLLOWED_TEXT_MAX. Attacks considered: texts from outside are values; an expiry touches only a
 * session of which nothing was heard since, found by the hash that names it on the expiry list,
 * so a forged one cannot be told from here. */

enum { FOLLOWED_TEXT_MAX = 2048 };

/* Numbers are in the store. */
enum followed_kind { FOLLOWED_WINDOW = 1, FOLLOWED_FLUSH = 2, FOLLOWED_PROBE = 3, FOLLOWED_EXPIRY };

/* Texts borrowed; NULL is "". */
struct followed {
    enum followed_kind kind;
    struct mac mac;          /* of whom; MAC_NONE: of a switch, or of an address */
    struct ip address;       /* EXPIRY: of a session of an address */
    const char *switch_name; /* FLUSH, PROBE: of whom it was heard, which was read */
    struct wall at;          /* opened, heard, begun to read, expired */
    struct wall until;       /* WINDOW: its deadline; PROBE: read */
    enum event_hint hint;    /* FLUSH */
    const char *text;        /* FLUSH: source that said so; PROBE: its rows in words, "": none */
    const char *type, *nas;  /* EXPIRY: of its session: type word of the source */
    uint64_t session; /* EXPIRY: its presence_session_hash() by store_add_followed()'s secret */
};

/* Stores them in their order, as one transaction that is on the disk on return; not within a
 * round. An expiry whose session the store does not have, or of which something was heard since, is
 * passed over. */
int store_add_followed(struct store *store, const struct followed *items, size_t count,
                       uint64_t secret, struct err *err) MUST_USE;

/* Stores that the sessions of these numbers (event_log.h) expired at `at`, in the same way. */
int store_expire_sessions(struct store *store, const uint64_t *numbers, const struct wall *at,
                          size_t count, struct err *err) MUST_USE;

/* Loads the migration windows that had opened by `at`, and whose deadline was after `since`, in
 * the order of deadlines: those open at an instant are had with both at it. */
int store_load_windows(struct store *store, struct wall since, struct wall at, struct arena *arena,
                       struct migration_window **ret, size_t *ret_count, struct err *err) MUST_USE;

/* Loads the last flushes by `at` of every switch (LIMIT_FLUSHES_A_SWITCH), in the order of their
 * times: a table that was read between two of them was forgotten by the earlier one. */
int store_load_flushes(struct store *store, struct wall at, struct arena *arena,
                       struct switch_flush **ret, size_t *ret_count, struct err *err) MUST_USE;

/* Loads what followed for an address up to `at` (WALL_UNKNOWN: all), windows and probes, the newest
 * first and no more than `limit`; sets *ret_more to how many more there are. */
int store_list_followed(struct store *store, struct mac mac, struct wall at, size_t limit,
                        struct arena *arena, struct followed **ret, size_t *ret_count,
                        size_t *ret_more, struct err *err) MUST_USE;

#endif
