/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_ALLOC_H
#define MUSTER_BASE_ALLOC_H

#include <stddef.h>

/* Allocation that cannot fail visibly.
 *
 * Recovery code for a failed malloc is code that no test reaches; a supervised
 * restart is safer. The price is that every size which comes from outside
 * (a packet, a file, a plug-in) is compared with a named limit of limits.h
 * before it gets here. */

/* Returns `count` * `size` zeroed bytes, yours to free(); aborts on overflow or
 * when memory is exhausted. */
void *alloc_zeroed(size_t count, size_t size);

/* Returns `count` * `size` bytes, uninitialised, yours to free(). */
void *alloc_array(size_t count, size_t size);

/* Resizes `block` (may be NULL) to `count` * `size` bytes and returns it; new
 * bytes are uninitialised. */
void *alloc_resize(void *block, size_t count, size_t size);

/* Returns `size` zeroed bytes that begin on a page, on huge pages where they fill some and
 * the kernel has them; for tables that are read at random. Give them back to
 * alloc_huge_free() with the same size. Aborts as above. */
void *alloc_huge(size_t size);

/* As alloc_huge(), but memory is taken page by page as it is first written: for room that
 * grows while somebody waits. Give it back in the same way. */
void *alloc_huge_lazy(size_t size);

/* Takes the memory of the first `size` bytes of such a block now. */
void alloc_huge_touch(void *block, size_t size);

/* Gives back what alloc_huge() or alloc_huge_lazy() returned; NULL is allowed. */
void alloc_huge_free(void *block, size_t size);

/* Returns a copy of `text`, yours to free(). */
char *alloc_text(const char *text);

/* Makes room for one more element in a growing array: returns `block` itself
 * while `count` < `*capacity`, otherwise a block of twice the capacity. */
void *alloc_grow(void *block, size_t count, size_t *capacity, size_t size);

/* Frees the heap pointer that a variable holds when its scope ends:
 *     AUTO_FREE char *path = alloc_text(...);                              */
#define AUTO_FREE __attribute__((cleanup(alloc_cleanup), unused))

/* Frees the pointer that stands at `pointer_address`; for AUTO_FREE only. */
void alloc_cleanup(void *pointer_address);

#endif
