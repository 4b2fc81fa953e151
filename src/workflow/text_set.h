/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WORKFLOW_TEXT_SET_H
#define MUSTER_WORKFLOW_TEXT_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* A fixed set of borrowed texts with a number each, for lists that are matched
 * against lists once a round. Unlike names.h it keeps no copies and takes texts
 * of any length (a case's identity holds three names), so it is filled once and
 * dropped with its arena. Open addressing at a load of at most one half, seeded
 * hash: names come from the network, and whoever sends them must not be able to
 * make a round slow. Limit: the number of texts is given at the start. */

struct text_set {
    const char **texts; /* NULL marks a free slot */
    uint32_t *numbers;
    size_t mask, count, limit;
};

#define TEXT_SET_NONE UINT32_MAX

/* Returns an empty set for at most `limit` texts; memory from `arena`. */
struct text_set text_set_make(size_t limit, struct arena *arena);

/* Gives `text` (borrowed) the number if it is not in the set, or `replace` is
 * true. NULL is ignored. Returns the number that it had before, TEXT_SET_NONE. */
uint32_t text_set_put(struct text_set *set, const char *text, uint32_t number, bool replace);

/* Returns the number of `text`, TEXT_SET_NONE when it is absent or NULL. */
uint32_t text_set_find(const struct text_set *set, const char *text);

#endif
