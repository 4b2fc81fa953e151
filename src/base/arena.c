/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { CHUNK_SIZE = 64 * 1024, USUAL_TEXT = 512 };

struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) uint8_t bytes[];
};

struct arena {
    struct chunk *head;
    size_t total;
};

struct arena *arena_new(void)
{
    return alloc_zeroed(1, sizeof(struct arena));
}

static void free_chunks(struct chunk *chunk)
{
    while (chunk != NULL) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    free_chunks(arena->head);
    free(arena);
}

void arena_clear(struct arena *arena)
{
    struct chunk *kept = arena->head;
    if (kept == NULL)
        return;
    free_chunks(kept->next);
    kept->next = NULL;
    kept->used = 0;
    arena->total = sizeof *kept + kept->size;
}

static struct chunk *chunk_new(struct arena *arena, size_t size)
{
    struct chunk *chunk = alloc_array(1, sizeof *chunk + size);
    chunk->used = 0;
    chunk->size = size;
    arena->total += sizeof *chunk + size;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    CHECK(size < SIZE_MAX / 2);
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct chunk *chunk = arena->head;
    if (chunk == NULL || chunk->size - chunk->used < rounded) {
        bool large = rounded > CHUNK_SIZE / 4;
        chunk = chunk_new(arena, large ? rounded : CHUNK_SIZE);
        if (large && arena->head != NULL) {
            chunk->next = arena->head->next;
            arena->head->next = chunk;
        } else {
            chunk->next = arena->head;
            arena->head = chunk;
        }
    }
    void *result = chunk->bytes + chunk->used;
    chunk->used += rounded;
    return memset(result, 0, size);
}

char *arena_text(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (length > 0) /* nothing may have no address */
        memcpy(copy, text, length);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    char usual[USUAL_TEXT]; /* formatting twice, once to measure, costs twice */
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(usual, sizeof usual, format, args);
    va_end(args);
    CHECK(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    if ((size_t)length < sizeof usual)
        memcpy(text, usual, (size_t)length);
    else
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

size_t arena_size(const struct arena *arena)
{
    return arena->total;
}
