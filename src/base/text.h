/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_TEXT_H
#define MUSTER_BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>

#include "base/check.h"

/* A growing, always terminated text. Start from TEXT_EMPTY or text_init(); what
 * it holds is freed by text_done(). */

struct text {
    char *data; /* NULL while empty; read it with text_get() */
    size_t length;
    size_t capacity;
};

#define TEXT_EMPTY ((struct text){NULL, 0, 0})

/* Returns the text, "" while nothing was added; borrowed until the next change. */
const char *text_get(const struct text *t);

void text_add(struct text *t, const char *chars);
void text_add_bytes(struct text *t, const char *bytes, size_t length);
void text_add_char(struct text *t, char c);
void text_printf(struct text *t, const char *format, ...) PRINTF_LIKE(2, 3);
void text_vprintf(struct text *t, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Forgets the content and keeps the memory. */
void text_clear(struct text *t);

/* Frees what `t` holds and leaves it empty; NULL is allowed. */
void text_done(struct text *t);

/* Hands the characters over: returns them (yours to free(), never NULL) and
 * leaves `t` empty. */
char *text_take(struct text *t);

/* Appends `bytes` as a JSON string with its quotes (RFC 8259 section 7); octets
 * that are not UTF-8 become U+FFFD, so that the output is always valid. */
void text_add_json(struct text *t, const char *bytes, size_t length);

#define AUTO_TEXT __attribute__((cleanup(text_done)))

#endif
