/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_DAEMON_H
#define MUSTER_DAEMON_DAEMON_H

#include "base/check.h"
#include "base/err.h"
#include "daemon/config.h"
#include "io/log.h"

/* musterd(8), put together: the auditor that polls, the event sources that hear, the keeper
 * that stores, the control socket, signals, and the service manager.
 *
 * Order matters at the start. What needs privileges is opened first (event sources), then
 * they are dropped, then come the store, the threads and the control socket, so that files
 * belong to the user that the daemon runs as. READY is told when all of that stands; a
 * source that cannot be heard or read does not keep the daemon from running, the store and
 * the control socket do.
 *
 * SIGHUP and `muster reload` read the configuration again: a wrong one is refused with all
 * its messages and the old one goes on; a right one takes over, with unchanged sources left
 * as they are. The store, the control socket and the user stay those of the start, and a
 * change of them is said to need a restart. SIGTERM and SIGINT end the daemon: what was
 * heard goes to the disk, a round that is being judged is stored, then sockets and store
 * are closed. */

struct daemon;

struct daemon_start {
    const char *config_file;
    enum log_level level; /* where `level_given` */
    bool level_given;     /* on the command line: stands before the configuration's */
    struct log *log;
};

/* Reads the configuration and makes the daemon ready to run. Returns 0 with *ret; or an
 * error that was logged, and *ret untouched. */
int daemon_new(const struct daemon_start *start, struct daemon **ret) MUST_USE;

/* Runs until a signal ends it. */
void daemon_run(struct daemon *daemon);

/* Ends everything in order and frees the daemon; NULL is allowed. */
void daemon_free(struct daemon *daemon);

#endif
