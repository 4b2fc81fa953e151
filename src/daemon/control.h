/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_CONTROL_H
#define MUSTER_DAEMON_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "daemon/control_request.h"
#include "io/log.h"
#include "io/loop.h"

/* The control socket: how the commands talk to the running daemon.
 *
 * A UNIX stream socket; requests and answers are JSON lines (control_request.h). Who may
 * use it is a matter of the file's mode (0600; 0660 with a group) and is checked once more
 * by the peer's credentials, which also say who acknowledged a case: a client cannot claim
 * to be somebody else.
 *
 * Nothing here waits. A client that does not read has its answers queued up to
 * CONTROL_BACKLOG; a watcher that falls behind further is sent one last line that says so
 * and is dropped; what it has missed is in the store. One that asks without reading answers
 * is dropped as well, as is one whose line has no end within CONTROL_REQUEST_BYTES, and one
 * that is silent for CONTROL_SILENCE without watching. Clients beyond the limit are told so
 * and closed. A socket file left by a daemon that was killed is taken over; one that
 * answers is another daemon's, and is an error. */

enum { CONTROL_BACKLOG = 4 * 1024 * 1024 };
#define CONTROL_SILENCE span_seconds(60)

struct control;
struct control_client;

struct control_listener {
    /* A request came from a client whose user is called `who`. Answer with control_answer()
     * now or, by the client's number, later. */
    void (*asked)(void *context, struct control_client *client, const char *who,
                  const struct control_request *request);
    void *context;
};

struct control_options {
    const char *path;
    const char *group; /* NULL: none */
    size_t clients;    /* at most */
};

struct control_status {
    size_t clients, watchers;
    uint64_t requests, refused, dropped;
};

/* Binds the socket and listens. Returns 0 with *ret, yours to free before the loop, or
 * ERR_SYSTEM, ERR_DENIED (another daemon listens there), ERR_NOT_FOUND (no such group),
 * ERR_RANGE (path too long). `listener` is copied. */
int control_new(struct loop *loop, const struct control_options *options, struct log *log,
                const struct control_listener *listener, struct control **ret,
                struct err *err) MUST_USE;

/* Tells the clients that the daemon ends, closes and removes the socket. NULL is allowed. */
void control_free(struct control *control);

/* Returns the number that stands for the client as long as it is connected. */
uint64_t control_number(const struct control_client *client);

/* Returns the client with that number, NULL when it has gone. */
struct control_client *control_find(const struct control *control, uint64_t number);

/* Queues `line` (without line end) for the client. */
void control_answer(struct control_client *client, const char *line);

/* Answers with {"type":"done","message":...} or, with `code` other than 0,
 * {"type":"error","code":...,"message":...}: the last line of an answer. */
void control_end(struct control_client *client, int code, const char *message);

/* Makes the client a watcher of cases and, with `events`, of events. */
void control_watch(struct control_client *client, bool events);

/* Whether anybody watches cases or, with `events`, events. */
bool control_watched(const struct control *control, bool events);

/* Queues `line` for every watcher of cases or, with `event`, of events. */
void control_tell(struct control *control, bool event, const char *line);

/* Sets *ret to what is and has happened. */
void control_count(const struct control *control, struct control_status *ret);

#endif
