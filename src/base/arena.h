/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_ARENA_H
#define MUSTER_BASE_ARENA_H

#include <stddef.h>

#include "base/check.h"

/* Many allocations, one free: a snapshot's memory lives and dies together.
 *
 * Blocks are cut from chunks of 64 KiB; a block larger than a quarter of that
 * gets a chunk of its own, so that the current chunk's rest is not wasted. Single
 * blocks are never freed, therefore nothing that grows with time belongs here:
 * an arena is for what is built once and then only read. Not thread-safe. */

struct arena;

/* Returns an empty arena; yours to arena_free(). */
struct arena *arena_new(void);

/* Frees everything that came from `arena`; NULL is allowed. */
void arena_free(struct arena *arena);

/* Frees everything that came from `arena` and keeps it for use: for what is built and
 * read again and again, such as one row of a report. */
void arena_clear(struct arena *arena);

/* Returns `size` zeroed bytes aligned for any type, freed with the arena. */
void *arena_alloc(struct arena *arena, size_t size);

/* Returns a terminated copy of `length` bytes of `text` (may be NULL when
 * `length` is 0), freed with the arena. */
char *arena_text(struct arena *arena, const char *text, size_t length);

/* Returns the formatted text, freed with the arena. */
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

/* Returns how many bytes the arena holds from the heap. */
size_t arena_size(const struct arena *arena);

#endif
