/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { WIDTH_DEFAULT = 80, WIDTH_LEAST = 40, WIDTH_MOST = 1000 };

unsigned terminal_width(FILE *stream)
{
    struct winsize size;
    unsigned width = 0;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    const char *columns = getenv("COLUMNS");
    if (width == 0 && columns != NULL)
        width = (unsigned)strtoul(columns, NULL, 10);
    if (width == 0)
        width = WIDTH_DEFAULT;
    if (width > WIDTH_MOST)
        width = WIDTH_MOST;
    return width < WIDTH_LEAST ? WIDTH_LEAST : width;
}

bool terminal_colours(FILE *stream)
{
    const char *refused = getenv("NO_COLOR"), *term = getenv("TERM");
    if (refused != NULL && *refused != '\0')
        return false;
    return isatty(fileno(stream)) && term != NULL && strcmp(term, "dumb") != 0;
}

const char *terminal_colour_start(enum colour colour)
{
    switch (colour) {
    case COLOUR_PLAIN:
        return "";
    case COLOUR_BOLD:
        return "\033[1m";
    case COLOUR_DIM:
        return "\033[2m";
    case COLOUR_RED:
        return "\033[31m";
    case COLOUR_YELLOW:
        return "\033[33m";
    case COLOUR_GREEN:
        return "\033[32m";
    }
    return "";
}

const char *terminal_colour_end(void)
{
    return "\033[0m";
}

/* Decodes one character of valid UTF-8; returns its bytes, 0 for none. */
static size_t decode(const char *bytes, size_t left, wchar_t *ret)
{
    const uint8_t *at = (const uint8_t *)bytes;
    static const uint8_t lead_mask[] = {0x7f, 0x1f, 0x0f, 0x07};
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    size_t length = at[0] < 0x80           ? 1
                    : (at[0] >> 5) == 0x06 ? 2
                    : (at[0] >> 4) == 0x0e ? 3
                    : (at[0] >> 3) == 0x1e ? 4
                                           : 0;
    if (length == 0 || length > left)
        return 0;
    uint32_t value = at[0] & lead_mask[length - 1];
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (at[i] & 0x3f);
    }
    if (value < least[length - 1] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    *ret = (wchar_t)value;
    return length;
}

static bool printable(wchar_t c)
{
    bool direction = (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
                     (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
    return c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && !direction;
}

void terminal_clean(struct text *to, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length;) {
        wchar_t c = 0;
        size_t size = decode(bytes + i, length - i, &c);
        if (size == 0 || !printable(c))
            text_add_char(to, '?');
        else
            text_add_bytes(to, bytes + i, size);
        i += size == 0 ? 1 : size;
    }
}

unsigned terminal_text_width(const char *bytes, size_t length)
{
    unsigned width = 0;
    for (size_t i = 0; i < length;) {
        wchar_t c = 0;
        size_t size = decode(bytes + i, length - i, &c);
        int columns = size == 0 ? 1 : wcwidth(c);
        width += columns < 0 ? 1 : (unsigned)columns;
        i += size == 0 ? 1 : size;
    }
    return width;
}
