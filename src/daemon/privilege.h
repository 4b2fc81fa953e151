/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_PRIVILEGE_H
#define MUSTER_DAEMON_PRIVILEGE_H

#include "base/check.h"
#include "base/err.h"

/* Giving up what only opening the sockets needed.
 *
 * Muster parses what strangers send: SNMP, RADIUS, raw frames. A capture socket and a port
 * below 1024 need privileges to be opened and none to be read from; so the event sources
 * are started first, then every capability is dropped for good (permitted, effective,
 * inheritable, ambient and bounding set), no_new_privs is set so that no program that is
 * started later gains any, and, where root started the daemon and the configuration names
 * a user, that user is taken with its groups. It is then tried whether root can be had
 * back; if so the daemon does not run.
 *
 * Capabilities are a thread's: this must happen before threads are started, and refuses to
 * when there are several. What a later reload wants to open needs what was given up here:
 * such a source fails with the system's error and says that a restart opens it. */

/* Drops every privilege; `user` (may be NULL) is taken when the process is root's. Returns
 * 0, or ERR_NOT_FOUND (no such user), ERR_SYSTEM: then the process must end. */
int privilege_drop(const char *user, struct err *err) MUST_USE;

#endif
