/* SPDX-License-Identifier: Apache-2.0 */
#include "model/receipt.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"

/* What an unset text points at: a receipt that was initialised, or whose content
 * was taken, owns nothing. Never written, never freed. */
static char nothing[1];

static void release(char *text)
{
    if (text != nothing)
        free(text);
}

void receipt_init(struct receipt *receipt)
{
    *receipt = (struct receipt){
        .source = nothing,
        .type = nothing,
        .context = nothing,
        .why_not = nothing,
        .ageing = span_us(-1),
        .sys_uptime_cs = -1,
        .started = WALL_UNKNOWN,
        .ended = WALL_UNKNOWN,
    };
}

void receipt_done(struct receipt *receipt)
{
    release(receipt->source);
    release(receipt->type);
    release(receipt->context);
    release(receipt->why_not);
    receipt->source = receipt->type = receipt->context = receipt->why_not = NULL;
}

void receipt_text(char **field, const char *format, ...)
{
    struct text made = TEXT_EMPTY;
    va_list args;
    va_start(args, format);
    text_vprintf(&made, format, args);
    va_end(args);
    release(*field);
    *field = text_take(&made);
}

void receipt_copy(struct receipt *to, const struct receipt *from)
{
    *to = *from;
    to->source = alloc_text(from->source);
    to->type = alloc_text(from->type);
    to->context = alloc_text(from->context);
    to->why_not = alloc_text(from->why_not);
}
