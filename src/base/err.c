/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* Formats beside it first: an argument may be the text that is being replaced. */
PRINTF_LIKE(3, 0)
static void fill(struct err *err, enum err_code code, const char *format, va_list args)
{
    char text[ERR_TEXT_SIZE];
    vsnprintf(text, sizeof text, format, args);
    err->code = code;
    memcpy(err->text, text, strlen(text) + 1);
}

static void append(struct err *err, const char *separator, const char *text)
{
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, "%s%s", separator, text);
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
    if (err == NULL)
        return code;
    va_list args;
    va_start(args, format);
    fill(err, code, format, args);
    va_end(args);
    return code;
}

int err_set_errno(struct err *err, int saved_errno, const char *format, ...)
{
    if (err == NULL)
        return ERR_SYSTEM;
    va_list args;
    va_start(args, format);
    fill(err, ERR_SYSTEM, format, args);
    va_end(args);
    append(err, ": ", strerror(saved_errno));
    return ERR_SYSTEM;
}

int err_prefix(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return ERR_SYSTEM;
    char old[ERR_TEXT_SIZE];
    memcpy(old, err->text, strlen(err->text) + 1);
    va_list args;
    va_start(args, format);
    fill(err, err->code, format, args);
    va_end(args);
    append(err, ": ", old);
    return err->code;
}

int err_consequence(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return ERR_SYSTEM;
    char text[ERR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    append(err, "; ", text);
    return err->code;
}

const char *err_word(enum err_code code)
{
    switch (code) {
    case ERR_NONE:
        return "none";
    case ERR_SYNTAX:
        return "syntax";
    case ERR_RANGE:
        return "range";
    case ERR_LIMIT:
        return "limit";
    case ERR_NOT_FOUND:
        return "not found";
    case ERR_SYSTEM:
        return "system";
    case ERR_TIMEOUT:
        return "timeout";
    case ERR_PROTOCOL:
        return "protocol";
    case ERR_DENIED:
        return "denied";
    case ERR_SHRUNK:
        return "shrunk";
    case ERR_CORRUPT:
        return "corrupt";
    case ERR_VERSION:
        return "version";
    case ERR_CANCELLED:
        return "cancelled";
    case ERR_UNSUPPORTED:
        return "unsupported";
    }
    return "unknown";
}
