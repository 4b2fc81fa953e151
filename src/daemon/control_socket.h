/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_CONTROL_SOCKET_H
#define MUSTER_DAEMON_CONTROL_SOCKET_H

#include "base/check.h"
#include "base/err.h"

/* The control socket's file: made by the daemon, found by the commands.
 *
 * The file is made with no rights for others from its first instant (the process's mask,
 * not a later chmod, decides), then given to its group. A file that is there already is
 * asked first: where somebody accepts, another daemon runs and this one must not take its
 * socket away; where nobody does, the daemon that made it was killed. Anything that is not
 * a socket is left alone. */

/* Makes the socket at `path`, mode 0600, or 0660 with `group` (may be NULL), and listens.
 * Returns 0 with *ret_fd (non-blocking, yours); ERR_RANGE: the path is longer than a
 * socket's may be; ERR_DENIED: somebody listens there; ERR_NOT_FOUND: no such group;
 * ERR_SYSTEM. */
int control_socket_listen(const char *path, const char *group, int *ret_fd,
                          struct err *err) MUST_USE;

/* Connects to the socket at `path`. Returns 0 with *ret_fd (blocking, yours);
 * ERR_NOT_FOUND: no daemon listens there; ERR_DENIED: you may not; ERR_RANGE; ERR_SYSTEM. */
int control_socket_connect(const char *path, int *ret_fd, struct err *err) MUST_USE;

#endif
