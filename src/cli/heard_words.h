/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CLI_HEARD_WORDS_H
#define MUSTER_CLI_HEARD_WORDS_H

#include <stdio.h>

#include "audit/world.h"
#include "base/text.h"
#include "store/heard_of.h"

/* What was heard of an address, in words: one line each for when a session began and how it
 * ended, for an announcement or a trap, with what followed from it (a migration window, what a
 * probe of the switch showed). What followed within HEARD_FOLLOWS of something heard stands with
 * it; what followed from a round or a question has a line of its own.
 *
 * Limits and attacks: texts from outside are cleaned by who prints them (table.h, json_out.h); no
 * more lines than the query gave (store/heard_of.h). */

#define HEARD_FOLLOWS span_seconds(30)

struct heard_said {
    struct wall at;
    const char *source; /* who said so; "musterd" where it is a conclusion */
    const char *text;
};

/* Makes words of `count` lines, which are in the order of time, in `arena`; sets *ret and returns
 * how many there are: no more than lines. `world` (may be NULL) is asked whether a place is known.
 */
size_t heard_words(const struct heard_line *lines, size_t count, const struct world *world,
                   struct arena *arena, struct heard_said **ret);

/* Prints them as a table below a headline; `more`: how many earlier ones are not among them. */
void heard_words_print(const struct heard_said *said, size_t count, size_t more, FILE *to);

/* Adds the keys "heard" and "heard_before" of a JSON object. */
void heard_words_json(const struct heard_said *said, size_t count, size_t more, struct text *to);

#endif
