/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_TEXT_H
#define MUSTER_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

/* A growing, always terminated text. Start from TEXT_EMPTY; what it holds is
 * freed by text_done(), or at the end of its scope with AUTO_TEXT.
 *
 * The room doubles as it grows, so adding n characters one by one costs O(n).
 * Texts that end up in JSON go through text_add_json(), which makes valid output
 * of any bytes: names of switches, ports and guests come from outside. */

struct text {
    char *data; /* NULL while empty; read it with text_get() */
    size_t length;
    size_t capacity;
};

#define TEXT_EMPTY ((struct text){NULL, 0, 0})

/* Returns the text, "" while nothing was added; borrowed until the next change. */
const char *text_get(const struct text *t);

/* Appends the terminated `chars`, which may not be a part of `t`. */
void text_add(struct text *t, const char *chars);

/* Appends `length` bytes (which may be NULL when there are none). */
void text_add_bytes(struct text *t, const char *bytes, size_t length);

/* Appends one character. */
void text_add_char(struct text *t, char c);

/* Appends the formatted text; no argument may point into `t`. */
void text_printf(struct text *t, const char *format, ...) PRINTF_LIKE(2, 3);

/* As text_printf(); `args` is consumed. */
void text_vprintf(struct text *t, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Forgets the content and keeps the memory. */
void text_clear(struct text *t);

/* Frees what `t` holds and leaves it empty; NULL is allowed. */
void text_done(struct text *t);

/* Hands the characters over: returns them (yours to free(), never NULL) and
 * leaves `t` empty. */
char *text_take(struct text *t);

/* Appends `number` in decimal, for where text_printf() would be much of the cost. */
void text_add_number(struct text *t, uint64_t number);

/* Appends `bytes` as a JSON string with its quotes (RFC 8259 section 7); octets
 * that are not UTF-8 become U+FFFD, so that the output is always valid. */
void text_add_json(struct text *t, const char *bytes, size_t length);

/* Whether `bytes` are UTF-8 (RFC 3629) throughout: no overlong form, no surrogate. */
bool text_is_utf8(const char *bytes, size_t length);

#define AUTO_TEXT __attribute__((cleanup(text_done), unused))

#endif
