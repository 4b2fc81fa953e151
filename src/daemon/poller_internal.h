/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_POLLER_INTERNAL_H
#define MUSTER_DAEMON_POLLER_INTERNAL_H

#include "daemon/poller.h"

/* What poller.c (polls) and probing.c (probes) know of each other, and nobody else.
 *
 * The one plug-in state that both use may have one job at a time. poller.c owns it and
 * asks probing_uses_state() before a poll; probing.c takes it only while no poll is under
 * way or due, and says when it gives it back. Both must be idle before a retired poller can
 * free itself. */

/* Makes the state if there is none yet. Returns 0 or the plug-in's error. */
int poller_construct(struct poller *poller, struct err *err) MUST_USE;

/* A probe gave the state back: a poll that waited for it begins; a retired poller ends,
 * and is no more when this returns true. */
bool poller_state_free(struct poller *poller);

/* Returns the probes of `poller`, none yet; yours to free. */
struct probing *probing_new(struct poller *poller, const struct poller_limits *limits);
/* Forgets every probe without callbacks and cancels those under way. */
void probing_free(struct probing *probing);
/* Whether a probe has the poller's own state. */
bool probing_uses_state(const struct probing *probing);
/* Whether any probe is under way. */
bool probing_busy(const struct probing *probing);
/* A poll ended: probes that waited go on. */
void probing_go_on(struct probing *probing);
/* Forgets those that wait; those under way end unheard. */
void probing_retire(struct probing *probing);

#endif
