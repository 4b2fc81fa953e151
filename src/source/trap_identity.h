/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_TRAP_IDENTITY_H
#define MUSTER_SOURCE_TRAP_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "contract/option.h"
#include "wire/usm.h"

/* Who the trap source is and whom it believes: its own SNMP engine, and the
 * communities and users that may tell it something.
 *
 * The engine. A v3 receiver of informs is an engine like any agent: its id must never
 * change and its boots must count up at every start, or senders would take old messages
 * for new ones (RFC 3414 section 2.2). Both are kept in a small file; a file that is
 * damaged, or boots that are used up, lead to a new id, which is always safe: senders
 * discover it. An id that is configured is kept, since agents may have been told it.
 *
 * The users. The options of the source name one user and one community, as those of
 * the `snmp` source do. Further ones stand in a file of their own, one a line:
 *     community SECRET
 *     user NAME [AUTH PASSWORD [PRIV PASSWORD]]
 * with '#' before comments. Secrets may not contain blanks there. A file that every
 * user of the host may read is refused.
 *
 * Keys are made one at a time, each in a turn of the loop: those of 64 users take a fifth
 * of a second together. Until all are there the sockets are open, and what comes waits in them.
 *
 * Limits: IDENTITY_USERS and IDENTITY_COMMUNITIES; a file of 64 KiB. */

enum {
    IDENTITY_USERS = 64,
    IDENTITY_COMMUNITIES = 64,
    IDENTITY_ENGINE_MIN = 5 /* octets, RFC 3411 section 5 */
};

struct trap_engine {
    uint8_t id[SNMP_ENGINE_ID_SIZE];
    size_t id_length;
    int32_t boots;
};

/* Reads what the configuration says of the engine's id, NULL for nothing, which leaves a
 * length of 0 in *ret. Returns 0, or ERR_SYNTAX with a sentence about the option. */
int trap_engine_check(const char *engine_id, struct trap_engine *ret, struct err *err) MUST_USE;

/* Sets *ret to this engine's identity for one more boot and writes it to `path`; with
 * `path` NULL it is a new one that is forgotten. `engine_id` is what the configuration
 * says in hexadecimal, NULL for nothing. Returns 0, ERR_SYNTAX for a bad `engine_id`, or
 * ERR_SYSTEM when the file cannot be written. */
int trap_engine_boot(const char *path, const char *engine_id, struct trap_engine *ret,
                     struct err *err) MUST_USE;

/* Parses an engine id: 5 to 32 octets in hexadecimal, with or without "0x", colons
 * allowed. Returns 0, or ERR_SYNTAX with nothing written. */
int trap_engine_parse(const char *text, size_t length, uint8_t ret[static SNMP_ENGINE_ID_SIZE],
                      size_t *ret_length) MUST_USE;

/* The passwords of a user whose keys are not made yet. */
struct trap_passwords {
    char *auth, *priv; /* NULL: none */
};

struct trap_credentials {
    char *communities[IDENTITY_COMMUNITIES];
    size_t community_count;
    struct usm_user users[IDENTITY_USERS]; /* with keys: the first `derived` */
    struct trap_passwords passwords[IDENTITY_USERS];
    size_t user_count, derived;
    bool has_first; /* of the next user's two keys */
};

/* What the options say of one user; any may be NULL. */
struct trap_user_options {
    const char *name, *auth_protocol, *auth_password, *priv_protocol, *priv_password;
};

/* Adds a community. Returns 0, or ERR_LIMIT / ERR_RANGE (empty or too long). */
int trap_credentials_add_community(struct trap_credentials *to, const char *community,
                                   struct err *err) MUST_USE;

/* Adds a user, whose keys trap_credentials_derive() makes. Returns 0, or ERR_SYNTAX / ERR_RANGE /
 * ERR_UNSUPPORTED / ERR_LIMIT, also for a name that is there already. */
int trap_credentials_add_user(struct trap_credentials *to, const struct usm_crypto *crypto,
                              const struct trap_user_options *user, struct err *err) MUST_USE;

/* Adds what the file says. Returns 0, or an error that names file and line. */
int trap_credentials_add_file(struct trap_credentials *to, const struct usm_crypto *crypto,
                              const char *path, struct err *err) MUST_USE;

/* Makes the next key that is missing, which takes a millisecond or two (a MiB is hashed for
 * each password); a user's passwords are wiped with its last one. Returns whether others are
 * left. `crypto` is the same in all calls. */
bool trap_credentials_derive(struct trap_credentials *credentials, struct usm_crypto *crypto);

/* Wipes and frees what it holds. */
void trap_credentials_done(struct trap_credentials *credentials);

#endif
