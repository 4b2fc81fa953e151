/* SPDX-License-Identifier: Apache-2.0 */
#include "model/receipt.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"

void receipt_init(struct receipt *receipt)
{
    *receipt = (struct receipt){
        .source = alloc_text(""),
        .type = alloc_text(""),
        .context = alloc_text(""),
        .why_not = alloc_text(""),
        .ageing = span_us(-1),
        .sys_uptime_cs = -1,
        .started = WALL_UNKNOWN,
        .ended = WALL_UNKNOWN,
    };
}

void receipt_done(struct receipt *receipt)
{
    free(receipt->source);
    free(receipt->type);
    free(receipt->context);
    free(receipt->why_not);
    receipt->source = receipt->type = receipt->context = receipt->why_not = NULL;
}

void receipt_text(char **field, const char *format, ...)
{
    struct text made = TEXT_EMPTY;
    va_list args;
    va_start(args, format);
    text_vprintf(&made, format, args);
    va_end(args);
    free(*field);
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
