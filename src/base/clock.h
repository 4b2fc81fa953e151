/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_CLOCK_H
#define MUSTER_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Typed time: seconds cannot be added to microseconds by mistake.
 *
 * `struct wall` is a calendar instant (facts, evidence, people), `struct mono`
 * an instant of a clock that never jumps (deadlines), `struct span` a length.
 * All count microseconds. Nothing here reads a clock: that is io/ or the test's
 * fake one. An unknown instant is WALL_UNKNOWN, asked with wall_known(); it is
 * never compared or subtracted. */

struct wall {
    int64_t us; /* since 1970-01-01T00:00:00Z */
};
struct mono {
    int64_t us;
};
struct span {
    int64_t us;
};

#define WALL_UNKNOWN ((struct wall){INT64_MIN})

static inline bool wall_known(struct wall w)
{
    return w.us != INT64_MIN;
}
static inline struct span span_us(int64_t us)
{
    return (struct span){us};
}
static inline struct span span_ms(int64_t ms)
{
    return (struct span){ms * 1000};
}
static inline struct span span_seconds(int64_t s)
{
    return (struct span){s * 1000000};
}
static inline struct wall wall_add(struct wall w, struct span s)
{
    return (struct wall){w.us + s.us};
}
static inline struct span wall_since(struct wall later, struct wall earlier)
{
    return (struct span){later.us - earlier.us};
}
static inline struct mono mono_add(struct mono m, struct span s)
{
    return (struct mono){m.us + s.us};
}
static inline struct span mono_since(struct mono later, struct mono earlier)
{
    return (struct span){later.us - earlier.us};
}
static inline struct span span_add(struct span a, struct span b)
{
    return (struct span){a.us + b.us};
}
static inline double span_as_seconds(struct span s)
{
    return (double)s.us / 1e6;
}

/* Long enough for any text that the printers below make. */
enum { CLOCK_TEXT_SIZE = 40 };

/* Writes `w` as RFC 3339 in UTC with as many decimals as it needs (none, 3 or
 * 6), "unknown" when it is; returns `buffer`. */
char *wall_format(struct wall w, char buffer[static CLOCK_TEXT_SIZE]);

/* As wall_format(), cut to whole milliseconds or seconds: for people. */
char *wall_format_ms(struct wall w, char buffer[static CLOCK_TEXT_SIZE]);
char *wall_format_seconds(struct wall w, char buffer[static CLOCK_TEXT_SIZE]);

/* Writes `s` for people: "850 ms", "12.3 s", "4 min 10 s", "3 h 2 min", "5 d 1 h";
 * returns `buffer`. */
char *span_format(struct span s, char buffer[static CLOCK_TEXT_SIZE]);

/* Parses RFC 3339 date-times ("2026-11-23T12:00:01.25+01:00", also a blank for
 * the T, and a bare date as midnight UTC) and "@SECONDS" (since 1970). A time
 * without zone is UTC. Returns 0, or ERR_SYNTAX / ERR_RANGE with *ret untouched. */
int wall_parse(const char *text, size_t length, struct wall *ret) MUST_USE;

/* Parses "90", "90s", "500ms", "5min", "5m", "2h", "35d" (a bare number is
 * seconds). Returns 0, or ERR_SYNTAX / ERR_RANGE with *ret untouched. */
int span_parse(const char *text, struct span *ret) MUST_USE;

#endif
