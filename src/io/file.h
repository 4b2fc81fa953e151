/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_IO_FILE_H
#define MUSTER_IO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"

/* Small whole files: configuration, secrets, copies that must survive a crash.
 *
 * Reading is bounded by the caller's limit, whatever the file is (a fifo, a
 * device, a file that grows while it is read), so no path in a configuration can
 * fill the memory. Writing replaces: the new content is complete and on the disk
 * under another name before it takes the place of the old one, so that a crash
 * leaves either the old file or the new one. Secrets are the first line of a
 * file; one that other users may read is said to be so by the caller, which is
 * why their rights are returned and not judged here. */

/* Reads the whole of `path`, at most `limit` bytes. Returns 0 with *ret_bytes
 * (yours to free, with a terminator after the last byte) and *ret_length; or
 * ERR_SYSTEM, ERR_NOT_FOUND, ERR_LIMIT. The message names the path. */
int file_read(const char *path, size_t limit, char **ret_bytes, size_t *ret_length,
              struct err *err) MUST_USE;

/* Replaces the content of `path` with `length` `bytes`, the file having `mode`.
 * Returns 0 or ERR_SYSTEM; on failure the old file is untouched. */
int file_write(const char *path, const void *bytes, size_t length, mode_t mode,
               struct err *err) MUST_USE;

/* Reads a secret: the first line of `path` without its line end. Returns 0 with
 * *ret_secret (yours; give it to file_secret_free()) and whether users other
 * than the owner's group may read the file; ERR_SYNTAX when the line is empty;
 * else as file_read(). No message contains the secret. */
int file_read_secret(const char *path, char **ret_secret, bool *ret_exposed,
                     struct err *err) MUST_USE;

/* Wipes and frees a secret; NULL is allowed. */
void file_secret_free(char *secret);

/* Returns when `path` was last modified, WALL_UNKNOWN when that cannot be read. */
struct wall file_modified(const char *path);

/* Returns when `path` became what it is: when it was last modified, or put there under this name
 * or with these rights, whichever was later; WALL_UNKNOWN when that cannot be read. */
struct wall file_changed(const char *path);

/* Returns `path` itself when it is absolute, else joined to `directory`; yours to
 * free. */
char *file_join(const char *directory, const char *path);

/* Returns the directory part of `path` ("." when it has none); yours to free. */
char *file_directory(const char *path);

#endif
