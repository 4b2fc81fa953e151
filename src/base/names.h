/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_NAMES_H
#define MUSTER_BASE_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Interned names: each distinct text is stored once and known by a dense
 * number, in order of first appearance. Numbers and texts stay valid until the
 * pool is freed. Texts are kept back to back (one length octet, the characters,
 * a terminator), so a million guest names cost about their own length. Not
 * thread-safe. */

struct names;

#define NAME_NONE UINT32_MAX

/* Returns an empty pool; yours to names_free(). */
struct names *names_new(void);

/* Frees the pool and every text in it; NULL is allowed. */
void names_free(struct names *names);

/* Returns the number of `text`, adding it if it is new. `length` must not
 * exceed LIMIT_NAME_BYTES: callers check what comes from outside. */
uint32_t names_add(struct names *names, const char *text, size_t length);

/* Says that `text` will be added or looked up soon: fetches its slot into the
 * cache. Only speed depends on it. */
void names_expect(const struct names *names, const char *text, size_t length);

/* Returns the number of `text`, NAME_NONE when it is not in the pool. */
uint32_t names_find(const struct names *names, const char *text, size_t length);

/* Returns the terminated text of `number`, "" for NAME_NONE. */
const char *names_get(const struct names *names, uint32_t number);

/* Returns how many distinct texts the pool holds; numbers run from 0. */
uint32_t names_count(const struct names *names);

/* Returns the bytes that the pool holds from the heap. */
size_t names_size(const struct names *names);

#endif
