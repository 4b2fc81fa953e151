/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_ARENA_H
#define MUSTER_BASE_ARENA_H

#include <stddef.h>

#include "base/check.h"

/* Many allocations, one free: a snapshot's memory lives and dies together. */

struct arena;

struct arena *arena_new(void);

/* Frees everything that came from `arena`; NULL is allowed. */
void arena_free(struct arena *arena);

/* Returns `size` zeroed bytes aligned for any type, freed with the arena. */
void *arena_alloc(struct arena *arena, size_t size);

/* Returns a terminated copy of `length` bytes of `text`, freed with the arena. */
char *arena_text(struct arena *arena, const char *text, size_t length);

/* Returns the formatted text, freed with the arena. */
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

/* Returns how many bytes the arena holds from the heap. */
size_t arena_size(const struct arena *arena);

#endif
