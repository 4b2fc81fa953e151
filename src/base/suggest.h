/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_SUGGEST_H
#define MUSTER_BASE_SUGGEST_H

#include <stddef.h>

/* "Did you mean": the nearest of a few known words to what somebody wrote.
 *
 * Distance is the least number of inserted, dropped, changed or swapped
 * neighbouring characters, without regard to case. A word is near when the
 * distance is at most a third of the longer word, or when one begins with the
 * other ("macaddr" for "mac"). Words longer than SUGGEST_LENGTH are never near,
 * so the time is bounded whatever somebody wrote. */

enum { SUGGEST_LENGTH = 40 };

/* Returns the nearest of `count` `words` (NULL ends earlier) to `wrote`, the first
 * of equals, NULL when none is near. */
const char *suggest_nearest(const char *wrote, const char *const *words, size_t count);

#endif
