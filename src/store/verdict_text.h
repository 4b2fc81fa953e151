/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_VERDICT_TEXT_H
#define MUSTER_STORE_VERDICT_TEXT_H

#include "store/store_internal.h"

/* A discrepancy as the store keeps it: one JSON object with every field of the
 * struct, so that what was reported can be shown again word for word without
 * judging anew. It is the store's own form, not the output of DESIGN section 6:
 * times are microseconds, addresses are text.
 *
 * A round reads the verdicts of all standing cases, tens of thousands in a bad hour,
 * so they are parsed straight into the struct, in one pass and without a tree. A
 * member that is missing or of another type makes the whole a damaged store; unknown
 * members are skipped, nested at most VERDICT_DEPTH deep. */

enum { VERDICT_DEPTH = 16 };

/* Appends `discrepancy`. Octets that are not UTF-8 become U+FFFD. */
void verdict_text_print(const struct discrepancy *discrepancy, struct text *to);

/* Returns 0 with *ret, whose memory comes from `arena`, or ERR_CORRUPT. */
int verdict_text_parse(const char *text, size_t length, struct arena *arena,
                       struct discrepancy *ret) MUST_USE;

#endif
