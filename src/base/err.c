/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
    if (err == NULL)
        return code;
    va_list args;
    va_start(args, format);
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return code;
}

int err_set_errno(struct err *err, int saved_errno, const char *format, ...)
{
    if (err == NULL)
        return ERR_SYSTEM;
    va_list args;
    va_start(args, format);
    err->code = ERR_SYSTEM;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", strerror(saved_errno));
    return ERR_SYSTEM;
}

int err_prefix(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return ERR_SYSTEM;
    char old[ERR_TEXT_SIZE];
    memcpy(old, err->text, sizeof old);
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", old);
    return err->code;
}

int err_consequence(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return ERR_SYSTEM;
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, "; ");
    used = strlen(err->text);
    va_list args;
    va_start(args, format);
    vsnprintf(err->text + used, sizeof err->text - used, format, args);
    va_end(args);
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
