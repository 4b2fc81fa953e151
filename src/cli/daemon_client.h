/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CLI_DAEMON_CLIENT_H
#define MUSTER_CLI_DAEMON_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/check.h"
#include "base/err.h"
#include "base/text.h"

/* The commands' side of the control socket (daemon/control_request.h): a line of JSON to
 * the running daemon, lines of JSON back.
 *
 * The socket is found by the configuration, as everything is; `--socket` names one where
 * the configuration cannot be read (it is being written, or is readable by the daemon
 * only). Answers are waited for: a command that talks to a daemon that hangs hangs with it,
 * and can be interrupted; it has changed nothing. */

struct daemon_client;

/* Connects to the daemon of the configuration `file`, or to the socket at `path` when that
 * is not NULL. Returns 0 with *ret, yours to close; ERR_NOT_FOUND: no daemon runs; another
 * error with its sentence. */
int daemon_client_open(const char *file, const char *path, struct daemon_client **ret,
                       struct err *err) MUST_USE;
void daemon_client_close(struct daemon_client *client); /* NULL is allowed */

/* Sends a request (taken). Returns 0 or ERR_SYSTEM. */
int daemon_client_ask(struct daemon_client *client, json_t *request, struct err *err) MUST_USE;

/* Waits for the next line. Returns its object, to be decref'ed, NULL with `err` set when
 * the daemon has closed or sent no object. */
json_t *daemon_client_read(struct daemon_client *client, struct err *err);

/* Returns the text of a member of `object`, "" when it has none. */
const char *daemon_client_text(const json_t *object, const char *key);

/* Waits for the end of an answer, "done" or "error", and adds its message, which can have
 * any number of lines, to `message`, without a line end. Returns 0, ERR_DENIED for "error", or
 * ERR_PROTOCOL with what is wrong as the message. */
int daemon_client_end(struct daemon_client *client, struct text *message) MUST_USE;

#endif
