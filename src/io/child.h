/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_IO_CHILD_H
#define MUSTER_IO_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"

/* One child process with its output read by the loop.
 *
 * The child is a stranger: it may print without end, print one byte a second,
 * hang, ignore SIGTERM, leave grandchildren behind that hold the pipes. So its
 * output is counted against a limit, its whole life has one deadline that
 * progress does not extend (only time in which we do not read is not counted), and it leads its own
 * process group, which is killed as a whole: SIGTERM, then SIGKILL CHILD_GRACE later. No shell is
 * involved; the arguments reach the program as they are. Standard input is /dev/null, every
 * descriptor above 2 is closed in the child. Of stderr the last
 * LIMIT_STDERR_BYTES are kept to show, and only those. */

struct loop;
struct child;

#define CHILD_GRACE span_ms(500)

enum child_outcome {
    CHILD_EXITED,    /* code is the exit status */
    CHILD_SIGNALLED, /* code is the signal */
    CHILD_TIMED_OUT,
    CHILD_TOO_MUCH /* more than max_bytes of output */
};

struct child_end {
    enum child_outcome outcome;
    int code;
    uint64_t bytes;         /* of standard output, up to the limit */
    const char *error_text; /* the last of its stderr, terminated; valid in the callback */
    size_t error_length;
};

struct child_options {
    const char *const *argv; /* NULL-ended; argv[0] is looked up in PATH; copied */
    /* "NAME=value" to add to or replace in our own environment; NULL-ended or NULL */
    const char *const *environment;
    const char *directory; /* to run in; NULL: ours */
    struct span timeout;   /* of the whole life; 0: none */
    uint64_t max_bytes;    /* of standard output; 0: none */
    /* Output as it comes; may call child_kill(). */
    void (*output)(void *aux, const char *bytes, size_t length);
    /* The end: process gone and both pipes at their end. Exactly once, last. */
    void (*done)(void *aux, const struct child_end *end);
    void *aux;
};

/* Starts a child. Returns it, owned by itself until `done` has returned, or NULL
 * with `err` set: then no callback comes. */
struct child *child_start(struct loop *loop, const struct child_options *options,
                          struct err *err) MUST_USE;

/* Stops (`paused`) or goes on reading the child's standard output: a child that
 * prints faster than its reader can take then waits, and its deadline with it. */
void child_pause(struct child *child, bool paused);

/* Kills the child's process group at once and forgets it: no callback comes
 * afterwards. NULL is allowed. */
void child_kill(struct child *child);

#endif
