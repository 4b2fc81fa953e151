/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_NOTIFY_H
#define MUSTER_DAEMON_NOTIFY_H

#include "base/clock.h"

/* Telling the service manager how the daemon does (sd_notify(3), Type=notify).
 *
 * The protocol is a datagram of "NAME=value" lines to the socket that the environment names
 * in NOTIFY_SOCKET, a path or, with "@", an abstract address; with no such variable there is
 * no manager and nothing is done. A datagram that cannot be sent is lost: the daemon must
 * not depend on its manager. The watchdog's time stands in WATCHDOG_USEC, and is this
 * process's own when WATCHDOG_PID says so or is missing; the daemon tells it is alive from
 * its event loop at half that time, so that a loop that is held is noticed. */

struct notify;

/* Reads the environment and removes the variables from it, so that children do not speak in
 * our name. Never NULL; yours to free. */
struct notify *notify_new(void);
void notify_free(struct notify *notify); /* NULL is allowed */

/* Sends `lines` ("READY=1\nSTATUS=..."). */
void notify_send(const struct notify *notify, const char *lines);

/* Tells that the configuration is being read again, since now (systemd wants the clock with
 * Type=notify-reload); READY=1 ends it. */
void notify_reloading(const struct notify *notify);

/* Returns how often to send WATCHDOG=1; 0: never. */
struct span notify_watchdog(const struct notify *notify);

#endif
