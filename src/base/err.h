/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_ERR_H
#define MUSTER_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/check.h"

/* What failed, while doing what.
 *
 * Functions that can fail return 0 or a negative `enum err_code` and, where
 * there is more than one reason, fill a `struct err` with one sentence for the
 * person who runs Muster: the thing, what was being done with it, what failed,
 * and, added by the layer that knows, what follows. Nothing below `source/`
 * prints; errors travel up and are said once. */

enum err_code {
    ERR_NONE = 0,
    ERR_SYNTAX = -1,      /* input does not follow its grammar */
    ERR_RANGE = -2,       /* a value outside what is allowed */
    ERR_LIMIT = -3,       /* a named limit was reached */
    ERR_NOT_FOUND = -4,   /* a file, table, column, switch or guest is missing */
    ERR_SYSTEM = -5,      /* the operating system said no; text has strerror */
    ERR_TIMEOUT = -6,     /* no answer in time */
    ERR_PROTOCOL = -7,    /* the peer broke its protocol */
    ERR_DENIED = -8,      /* credentials or permission */
    ERR_SHRUNK = -9,      /* a source lost more than its allowed share of rows */
    ERR_CORRUPT = -10,    /* a store or file is damaged */
    ERR_VERSION = -11,    /* made by a newer version */
    ERR_CANCELLED = -12,  /* stopped on request */
    ERR_UNSUPPORTED = -13 /* understood, but this build or device cannot */
};

enum { ERR_TEXT_SIZE = 512 };

struct err {
    enum err_code code;
    char text[ERR_TEXT_SIZE];
};

/* Fills `err` (may be NULL) with `code` and the formatted sentence, cut at
 * ERR_TEXT_SIZE; returns `code`, so that `return err_set(...)` reads well. */
int err_set(struct err *err, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* As err_set(), and appends ": " and strerror(`saved_errno`). */
int err_set_errno(struct err *err, int saved_errno, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts the formatted text and ": " before what `err` says: the layer above adds
 * what it was doing. Returns the code that `err` holds. */
int err_prefix(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Adds "; " and the formatted text after what `err` says: what follows from it.
 * Returns the code that `err` holds. */
int err_consequence(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Returns the word for `code` ("syntax", "timeout" ...); never NULL. */
const char *err_word(enum err_code code);

#endif
