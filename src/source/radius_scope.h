/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_RADIUS_SCOPE_H
#define MUSTER_SOURCE_RADIUS_SCOPE_H

#include <stddef.h>
#include <stdint.h>

/* Which ports stand behind a Called-Station-Id (DOMAIN 2.7 point 2).
 *
 * Accounting-On and -Off end every session of a NAS; but some NAS mean less by it: one
 * access point of a controller, one authenticator of a hostapd that has several. They
 * say which by Called-Station-Id where they have no NAS-Port to say. An event ends the
 * sessions of a NAS, or of one port of it, so the ports that sessions with the same
 * Called-Station-Id were at are remembered, and a scoped On or Off ends those.
 *
 * A scope that nobody was heard of at (Muster restarted since) ends nothing: sessions that
 * really ended then go by their expiry, while ending the whole NAS would make guests
 * look gone that are not.
 *
 * Limits: LIMIT_RADIUS_SCOPES pairs of scope and port, RADIUS_SCOPE_PORTS ports of one
 * scope; beyond, new pairs are not learnt, and are counted by the caller. Keys are seeded
 * hashes. A NAS can only name scopes of its own. */

enum { RADIUS_SCOPE_PORTS = 512 };

struct radius_scopes;

/* Returns an empty memory, yours to free. */
struct radius_scopes *radius_scopes_new(void);
void radius_scopes_free(struct radius_scopes *scopes); /* NULL is allowed */

/* Returns the key of the scope `called` of `nas`. */
uint64_t radius_scope_key(const char *nas, const char *called);

/* Remembers that a session of scope `key` was at `port`. Returns 0, or ERR_LIMIT: not
 * learnt. */
int radius_scopes_learn(struct radius_scopes *scopes, uint64_t key, const char *port);

/* Fetches what radius_scopes_learn() of the same will look at. */
void radius_scopes_expect(const struct radius_scopes *scopes, uint64_t key, const char *port);

/* Calls `see` for every port of the scope; returns how many there are. */
size_t radius_scopes_each(const struct radius_scopes *scopes, uint64_t key,
                          void (*see)(void *aux, const char *port), void *aux);

#endif
