/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_IO_LOG_H
#define MUSTER_IO_LOG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"

/* Messages for the people who run Muster.
 *
 * A log is a value that is handed to whoever may speak: the daemon and the
 * commands. Libraries and plug-ins do not log, they return errors, and the layer
 * that decides says each once. One line a message: time, level, module, text;
 * control characters are written as \xNN, so that a device's name cannot forge a
 * line or steer a terminal. A flood from one place in the code is held back
 * after LOG_BURST messages within LOG_WINDOW, and how many were held back is
 * said with the next one that passes. */

#define LOG_LEVELS(LEVEL)                                                                          \
    LEVEL("error", LOG_LEVEL_ERROR)                                                                \
    LEVEL("warning", LOG_LEVEL_WARNING)                                                            \
    LEVEL("info", LOG_LEVEL_INFO)                                                                  \
    LEVEL("debug", LOG_LEVEL_DEBUG)

enum log_level {
#define LEVEL(word, name) name,
    LOG_LEVELS(LEVEL)
#undef LEVEL
};

enum { LOG_BURST = 20 };
#define LOG_WINDOW span_seconds(10)

struct log;

/* Returns a log that writes messages of `most` and graver to `to` (borrowed); with
 * `stamped` each line begins with its time (not needed under journald or on a
 * terminal). Yours to free. */
struct log *log_new(FILE *to, enum log_level most, bool stamped);

/* Frees the log, not what it writes to; NULL is allowed. */
void log_free(struct log *log);

/* Changes which levels pass. */
void log_set_level(struct log *log, enum log_level most);

/* Says one message of `module`. */
void log_say(struct log *log, enum log_level level, const char *module, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Parses a level's word. Returns 0, or ERR_NOT_FOUND with *ret untouched. */
int log_level_parse(const char *word, enum log_level *ret) MUST_USE;

#endif
