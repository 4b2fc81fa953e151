/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Days since 1970-01-01 of a proleptic Gregorian date: eras of 400 years, years
 * that start in March so that the leap day is the last one. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* Writes the last `count` decimal digits of `value`; returns what follows them. */
static char *put_digits(char *at, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + count;
}

/* By hand: records and evidence print a time for each row, and snprintf() was most
 * of the cost. */
char *wall_format(struct wall w, char buffer[static CLOCK_TEXT_SIZE])
{
    if (!wall_known(w))
        return strcpy(buffer, "unknown");
    int64_t seconds = floor_divide(w.us, 1000000);
    int64_t fraction = (w.us % 1000000 + 1000000) % 1000000;
    int64_t days = floor_divide(seconds, 86400);
    int64_t in_day = seconds - days * 86400;
    int64_t year;
    int month, day;
    civil_from_days(days, &year, &month, &day);
    char *at = buffer;
    if (year >= 0 && year <= 9999)
        at = put_digits(at, year, 4);
    else
        at += snprintf(at, CLOCK_TEXT_SIZE, "%04" PRId64, year);
    const int64_t rest[] = {month, day, in_day / 3600, in_day / 60 % 60, in_day % 60};
    for (size_t i = 0; i < ARRAY_COUNT(rest); i++) {
        *at++ = "--T::"[i];
        at = put_digits(at, rest[i], 2);
    }
    if (fraction != 0) {
        *at++ = '.';
        at =
            fraction % 1000 == 0 ? put_digits(at, fraction / 1000, 3) : put_digits(at, fraction, 6);
    }
    strcpy(at, "Z");
    return buffer;
}

static struct wall cut(struct wall w, int64_t grain)
{
    return wall_known(w) ? (struct wall){floor_divide(w.us, grain) * grain} : w;
}

char *wall_format_ms(struct wall w, char buffer[static CLOCK_TEXT_SIZE])
{
    return wall_format(cut(w, 1000), buffer);
}

char *wall_format_seconds(struct wall w, char buffer[static CLOCK_TEXT_SIZE])
{
    return wall_format(cut(w, 1000000), buffer);
}

char *span_format(struct span s, char buffer[static CLOCK_TEXT_SIZE])
{
    const char *sign = s.us < 0 ? "-" : "";
    int64_t us = s.us == INT64_MIN ? INT64_MAX : s.us < 0 ? -s.us : s.us;
    int64_t seconds = us / 1000000;
    /* Cut, not rounded: 59.97 s is not "60.0 s", which the next unit would print. */
    if (us < 1000000)
        snprintf(buffer, CLOCK_TEXT_SIZE, "%s%" PRId64 " ms", sign, us / 1000);
    else if (seconds < 60 && us % 1000000 >= 100000)
        snprintf(buffer, CLOCK_TEXT_SIZE, "%s%" PRId64 ".%" PRId64 " s", sign, seconds,
                 us / 100000 % 10);
    else if (seconds < 60)
        snprintf(buffer, CLOCK_TEXT_SIZE, "%s%" PRId64 " s", sign, seconds);
    else if (seconds < 3600)
        snprintf(buffer, CLOCK_TEXT_SIZE, "%s%" PRId64 " min %" PRId64 " s", sign, seconds / 60,
                 seconds % 60);
    else if (seconds < 86400)
        snprintf(buffer, CLOCK_TEXT_SIZE, "%s%" PRId64 " h %" PRId64 " min", sign, seconds / 3600,
                 seconds / 60 % 60);
    else
        snprintf(buffer, CLOCK_TEXT_SIZE, "%s%" PRId64 " d %" PRId64 " h", sign, seconds / 86400,
                 seconds / 3600 % 24);
    return buffer;
}

/* A reader over text that is not terminated; every step fails softly. */
struct scan {
    const char *at, *end;
};

static bool scan_digits(struct scan *s, int count, int *ret)
{
    int value = 0;
    if (s->end - s->at < count)
        return false;
    for (int i = 0; i < count; i++) {
        char c = s->at[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    s->at += count;
    *ret = value;
    return true;
}

static bool scan_char(struct scan *s, const char *accepted)
{
    if (s->at == s->end || *s->at == '\0' || strchr(accepted, *s->at) == NULL)
        return false;
    s->at++;
    return true;
}

/* Digits beyond the microsecond are read and dropped; at least one is needed. */
static bool scan_fraction(struct scan *s, int64_t *ret_us)
{
    int64_t us = 0, weight = 100000;
    const char *start = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
        us += (*s->at++ - '0') * weight;
        weight /= 10;
    }
    *ret_us = us;
    return s->at > start;
}

static bool scan_zone(struct scan *s, int64_t *ret_offset_seconds)
{
    int hours, minutes;
    *ret_offset_seconds = 0;
    if (s->at == s->end || scan_char(s, "Zz"))
        return true;
    bool negative = *s->at == '-';
    if (!scan_char(s, "+-") || !scan_digits(s, 2, &hours))
        return false;
    minutes = 0; /* PostgreSQL writes whole hours alone */
    if (scan_char(s, ":") || s->at != s->end) {
        if (!scan_digits(s, 2, &minutes))
            return false;
    }
    if (hours > 23 || minutes > 59)
        return false;
    *ret_offset_seconds = (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
    return true;
}

static int parse_epoch(struct scan s, struct wall *ret)
{
    int64_t seconds = 0, fraction = 0;
    const char *start = s.at;
    while (s.at < s.end && *s.at >= '0' && *s.at <= '9' && s.at - start < 12)
        seconds = seconds * 10 + (*s.at++ - '0');
    if (s.at == start)
        return ERR_SYNTAX;
    if (scan_char(&s, ".") && !scan_fraction(&s, &fraction))
        return ERR_SYNTAX;
    if (s.at != s.end)
        return ERR_SYNTAX;
    ret->us = seconds * 1000000 + fraction;
    return 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

int wall_parse(const char *text, size_t length, struct wall *ret)
{
    struct scan s = {text, text + length};
    int year, month, day, hour = 0, minute = 0, second = 0;
    int64_t fraction = 0, offset = 0;
    if (scan_char(&s, "@"))
        return parse_epoch(s, ret);
    if (!scan_digits(&s, 4, &year) || !scan_char(&s, "-") || !scan_digits(&s, 2, &month) ||
        !scan_char(&s, "-") || !scan_digits(&s, 2, &day))
        return ERR_SYNTAX;
    if (scan_char(&s, "Tt ")) {
        if (!scan_digits(&s, 2, &hour) || !scan_char(&s, ":") || !scan_digits(&s, 2, &minute))
            return ERR_SYNTAX;
        if (scan_char(&s, ":") && (!scan_digits(&s, 2, &second) ||
                                   (scan_char(&s, ".,") && !scan_fraction(&s, &fraction))))
            return ERR_SYNTAX;
        if (!scan_zone(&s, &offset))
            return ERR_SYNTAX;
    }
    if (s.at != s.end)
        return ERR_SYNTAX;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 60)
        return ERR_RANGE;
    int64_t seconds =
        days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    ret->us = seconds * 1000000 + fraction;
    return 0;
}

int span_parse(const char *text, struct span *ret)
{
    static const struct {
        const char *suffix;
        int64_t us;
    } units[] = {{"", 1000000},   {"s", 1000000},    {"ms", 1000},      {"min", 60000000},
                 {"m", 60000000}, {"h", 3600000000}, {"d", 86400000000}};
    int64_t value = 0;
    const char *at = text;
    while (*at >= '0' && *at <= '9') {
        if (value > INT64_MAX / 86400000000 / 10 - 1)
            return ERR_RANGE;
        value = value * 10 + (*at++ - '0');
    }
    if (at == text)
        return ERR_SYNTAX;
    while (*at == ' ')
        at++;
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (strcmp(at, units[i].suffix) == 0) {
            ret->us = value * units[i].us;
            return 0;
        }
    }
    return ERR_SYNTAX;
}
