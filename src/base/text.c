/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

const char *text_get(const struct text *t)
{
    return t->data != NULL ? t->data : "";
}

/* Makes room for `extra` more characters and the terminator. */
static void reserve(struct text *t, size_t extra)
{
    if (t->data != NULL && t->capacity - t->length > extra)
        return;
    size_t wanted = t->length + extra + 1;
    size_t capacity = t->capacity < 64 ? 64 : t->capacity;
    while (capacity < wanted)
        capacity *= 2;
    t->data = alloc_resize(t->data, capacity, 1);
    t->capacity = capacity;
}

void text_add_bytes(struct text *t, const char *bytes, size_t length)
{
    if (t->capacity - t->length <= length)
        reserve(t, length);
    if (length > 0) /* nothing may have no address */
        memcpy(t->data + t->length, bytes, length);
    t->length += length;
    t->data[t->length] = '\0';
}

void text_add(struct text *t, const char *chars)
{
    text_add_bytes(t, chars, strlen(chars));
}

void text_add_char(struct text *t, char c)
{
    if (t->capacity - t->length <= 1)
        reserve(t, 1);
    t->data[t->length++] = c;
    t->data[t->length] = '\0';
}

void text_add_number(struct text *t, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    text_add_bytes(t, digits + at, sizeof digits - at);
}

void text_vprintf(struct text *t, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    reserve(t, 64);
    size_t room = t->capacity - t->length;
    int needed = vsnprintf(t->data + t->length, room, format, args);
    CHECK(needed >= 0);
    if ((size_t)needed >= room) {
        reserve(t, (size_t)needed);
        vsnprintf(t->data + t->length, t->capacity - t->length, format, again);
    }
    t->length += (size_t)needed;
    va_end(again);
}

void text_printf(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_vprintf(t, format, args);
    va_end(args);
}

void text_clear(struct text *t)
{
    t->length = 0;
    if (t->data != NULL)
        t->data[0] = '\0';
}

void text_done(struct text *t)
{
    if (t == NULL)
        return;
    free(t->data);
    *t = TEXT_EMPTY;
}

char *text_take(struct text *t)
{
    reserve(t, 0);
    char *data = t->data;
    data[t->length] = '\0';
    *t = TEXT_EMPTY;
    return data;
}

/* Length of the valid UTF-8 sequence at `at` (RFC 3629), 0 when there is none. */
static size_t utf8_sequence(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t first_low, first_high, second_low, second_high, length;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        if (at[0] < forms[i].first_low || at[0] > forms[i].first_high || left < forms[i].length)
            continue;
        if (at[1] < forms[i].second_low || at[1] > forms[i].second_high)
            return 0;
        for (size_t k = 2; k < forms[i].length; k++) {
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        }
        return forms[i].length;
    }
    return 0;
}

static void add_json_ascii(struct text *t, char c)
{
    switch (c) {
    case '"':
        text_add(t, "\\\"");
        break;
    case '\\':
        text_add(t, "\\\\");
        break;
    case '\n':
        text_add(t, "\\n");
        break;
    case '\r':
        text_add(t, "\\r");
        break;
    case '\t':
        text_add(t, "\\t");
        break;
    default:
        if ((uint8_t)c < 0x20 || c == 0x7f)
            text_printf(t, "\\u%04x", (unsigned)(uint8_t)c);
        else
            text_add_char(t, c);
    }
}

/* Whether the octet stands for itself within a JSON string. */
static bool is_plain_json(uint8_t octet)
{
    return octet >= 0x20 && octet < 0x7f && octet != '"' && octet != '\\';
}

void text_add_json(struct text *t, const char *bytes, size_t length)
{
    const uint8_t *raw = (const uint8_t *)bytes;
    text_add_char(t, '"');
    for (size_t i = 0; i < length;) {
        size_t plain = i;
        while (plain < length && is_plain_json(raw[plain]))
            plain++;
        text_add_bytes(t, bytes + i, plain - i);
        i = plain;
        if (i == length)
            break;
        if (raw[i] < 0x80) {
            add_json_ascii(t, bytes[i++]);
            continue;
        }
        size_t sequence = utf8_sequence(raw + i, length - i);
        if (sequence == 0) {
            text_add(t, "\xef\xbf\xbd");
            i++;
        } else {
            text_add_bytes(t, bytes + i, sequence);
            i += sequence;
        }
    }
    text_add_char(t, '"');
}

bool text_is_utf8(const char *bytes, size_t length)
{
    const uint8_t *raw = (const uint8_t *)bytes;
    for (size_t i = 0; i < length;) {
        if (raw[i] < 0x80) {
            i++;
            continue;
        }
        size_t sequence = utf8_sequence(raw + i, length - i);
        if (sequence == 0)
            return false;
        i += sequence;
    }
    return true;
}
