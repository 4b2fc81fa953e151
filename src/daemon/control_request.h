/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_CONTROL_REQUEST_H
#define MUSTER_DAEMON_CONTROL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "io/log.h"

/* What a client may ask of the running daemon: one JSON object a line.
 *
 *   {"request":"status"}
 *   {"request":"watch","events":true}
 *   {"request":"reload"}
 *   {"request":"log_level","level":"debug"}
 *   {"request":"case","verb":"ack|close","case":"C12","text":"...","without_proof":true}
 *   {"request":"accept_shrunk","source":"csv guests.csv"}
 *
 * Parsing is apart from sockets so that it can be tested and fuzzed alone. A line is at
 * most CONTROL_REQUEST_BYTES; whatever is not exactly one of the above, with no key twice
 * and no key that is not known, is refused with a sentence that says what was expected: a
 * misspelt "without_proof" must not close a case in another way than was meant. Answers are
 * lines, too; the last of an answer has "type":"done" or "type":"error". */

enum { CONTROL_REQUEST_BYTES = 4096, CONTROL_TEXT_BYTES = 1024 };

enum control_kind {
    CONTROL_STATUS,
    CONTROL_WATCH,
    CONTROL_RELOAD,
    CONTROL_LOG_LEVEL,
    CONTROL_CASE,
    CONTROL_ACCEPT_SHRUNK
};

enum control_verb { CONTROL_ACKNOWLEDGE, CONTROL_CLOSE };

struct control_request {
    enum control_kind kind;
    bool events;          /* WATCH */
    enum log_level level; /* LOG_LEVEL */
    enum control_verb verb;
    uint64_t case_number; /* CASE */
    bool without_proof;
    char text[CONTROL_TEXT_BYTES]; /* CASE: "" none; ACCEPT_SHRUNK: the source */
};

/* Parses one line without its line end. Returns 0, or ERR_SYNTAX, ERR_LIMIT with a sentence
 * for the client and *ret unspecified. */
int control_request_parse(const char *line, size_t length, struct control_request *ret,
                          struct err *err) MUST_USE;

#endif
