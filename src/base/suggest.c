/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Optimal string alignment over three rolling rows. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][SUGGEST_LENGTH + 1];
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + !same);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = least(row[j], two_above[j - 2] + 1, row[j]);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *suggest_nearest(const char *wrote, const char *const *words, size_t count)
{
    const char *best = NULL;
    unsigned best_distance = SUGGEST_LENGTH;
    size_t length = strlen(wrote);
    if (length == 0 || length > SUGGEST_LENGTH)
        return NULL;
    for (size_t i = 0; i < count && words[i] != NULL; i++) {
        size_t known = strlen(words[i]);
        if (known == 0 || known > SUGGEST_LENGTH)
            continue;
        size_t longer = known > length ? known : length, shorter = known + length - longer;
        unsigned away = distance(wrote, length, words[i], known);
        bool begins = shorter >= 3 && strncasecmp(wrote, words[i], shorter) == 0;
        if (away < best_distance && (away * 3 <= longer || begins)) {
            best = words[i];
            best_distance = away;
        }
    }
    return best;
}
