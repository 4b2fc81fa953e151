/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_CHECK_H
#define MUSTER_BASE_CHECK_H

/* Assertions that stay in release builds.
 *
 * CHECK() states what must hold if the program is right; it aborts with the
 * place when it does not, because going on with a broken invariant could end
 * in a wrong verdict, and a wrong verdict can power a guest off. It is never
 * used on input: malformed bytes, files or rows are errors (err.h), and the
 * fuzz targets prove that no input reaches a CHECK. */

#define CHECK(condition)                                                                           \
    (__builtin_expect(!!(condition), 1) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

/* A value of one of our own enumerations that no enumerator covers. */
#define UNREACHABLE() check_failed("unreachable", __FILE__, __LINE__)

#define MUST_USE __attribute__((warn_unused_result))
/* For functions that only fetch memory ahead: the compiler sees no effect in them and drops
 * calls of those that it has not merged with their caller. */
#define FETCHES_AHEAD         __attribute__((always_inline)) inline
#define PRINTF_LIKE(fmt, arg) __attribute__((format(printf, fmt, arg)))
#define ARRAY_COUNT(array)    (sizeof(array) / sizeof((array)[0]))

/* Prints the failed condition and its place to stderr, then aborts. */
_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
