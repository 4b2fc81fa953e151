/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CLI_SESSION_H
#define MUSTER_CLI_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "audit/world.h"
#include "base/arena.h"
#include "cli/command.h"
#include "contract/plugin.h"
#include "daemon/round.h"
#include "store/heard.h"
#include "store/query.h"
#include "store/store.h"

/* What a command works with: the configuration, the services for plug-ins, the
 * store, and the world it asks questions of.
 *
 * A question is asked of a view: a round that was just polled, or an earlier one put
 * together again out of the store and judged by the same code. So `as-of` is a
 * replay, and every question has one implementation. Everything of a command lives
 * until session_close(). */

struct config;

enum session_store {
    SESSION_STORE_NONE, /* the command needs none */
    SESSION_STORE_READ, /* opened if it exists */
    SESSION_STORE_WRITE /* made if missing; read-only media are said and survived */
};

struct session {
    const char *command; /* the subcommand's word, for messages */
    bool quiet;
    struct config *config;
    struct env env;
    struct store *store; /* NULL: none */
    bool store_writable;
    struct arena *arena; /* what lives as long as the command */
    struct round_last_good last_good;
    struct mono progress_at;
    bool progress_shown;
};

/* Reads the configuration, makes the services, opens the store. Returns
 * EXIT_CLEAN, or EXIT_USAGE after having said what is wrong. session_close() is
 * needed in both cases. */
int session_open(struct session *session, const char *command, const struct common_options *common,
                 enum session_store mode);
/* Frees all that the session holds; nothing of it may be used afterwards. */
void session_close(struct session *session);

/* Prints "muster COMMAND: ..." to stderr, unless quiet. */
void session_note(const struct session *session, const char *format, ...) PRINTF_LIKE(2, 3);

/* --- the world a question is asked of --- */

struct view {
    struct world *world;
    struct wall now;                           /* clock value to judge by */
    struct wall started, read_at;              /* when the round was read */
    struct wall until;                         /* asked as of; WALL_UNKNOWN: now */
    struct round *round;                       /* set when it was polled for this command */
    struct store_world *stored;                /* set when it is a replay */
    const struct forward_table *const *tables; /* of either */
    size_t table_count;
    const struct record_set *const *records;
    size_t record_count;
    const struct failed_source *failed;
    size_t failed_count;
    struct memory memory;
    struct audit_options options; /* of a replay: as they were */
    struct store_heard heard;     /* what had been heard at `now` */
};

/* Polls a round for this question alone; nothing is stored. Returns EXIT_CLEAN or
 * EXIT_USAGE after a message; view_close() is needed in both cases. */
int view_poll(struct session *session, const struct round_options *options, struct view *ret);

/* Puts the last round at or before `at` (WALL_UNKNOWN: the latest) together again
 * out of the store. Returns EXIT_CLEAN or EXIT_USAGE after a message. */
int view_replay(struct session *session, struct wall at, struct view *ret);

/* As view_replay() of the latest round where a store has one and `poll` is not
 * asked for, otherwise view_poll(), with what a running daemon has heard up to now. Says on
 * stderr how old the answer is. */
int view_open(struct session *session, bool poll, struct view *ret);

/* Frees what `view` holds and leaves it empty. */
void view_close(struct view *view);

/* The options of a round for a person who waits: progress on a terminal, last good
 * copies out of the store. `ret` borrows the session. */
void session_round_options(struct session *session, struct round_options *ret);

/* Ends the progress line, if one was shown. */
void session_progress_end(struct session *session);

/* Loads what the store remembers for judging `round`; empty without a store. Returns
 * 0 or a store's error. */
int session_memory(struct session *session, const struct round *round, struct memory *ret,
                   struct err *err) MUST_USE;

/* The judge's input of a round and memory, with the configuration's topology and
 * options; borrows all of them. */
struct world_input session_world_input(const struct session *session, const struct round *round,
                                       const struct memory *memory);

#endif
