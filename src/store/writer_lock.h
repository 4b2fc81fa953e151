/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_WRITER_LOCK_H
#define MUSTER_STORE_WRITER_LOCK_H

#include "base/check.h"
#include "base/err.h"

/* One writer at a time, for as long as it has the store open.
 *
 * SQLite locks for one transaction; a round is more than that: what was loaded
 * before the judging must still be true when the verdicts are stored. So a
 * writer holds flock(2) on "PATH.lock", which holds the number and name of its
 * process for the message to the next one. The kernel drops the lock when the
 * process ends, however it ends; a file that is left behind means nothing.
 * Limits: on a file system without flock() the store cannot be written. Attack
 * considered: a symbolic link in the place of the lock file is refused. */

/* Takes the lock beside `path`. Returns 0 with a descriptor in *ret; ERR_TIMEOUT
 * naming the process that has it; ERR_DENIED when the folder cannot be written;
 * ERR_SYSTEM. */
int writer_lock_open(const char *path, int *ret, struct err *err) MUST_USE;

/* Gives it back; -1 is allowed. */
void writer_lock_close(int lock);

#endif
