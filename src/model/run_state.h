/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_MODEL_RUN_STATE_H
#define MUSTER_MODEL_RUN_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

/* What a record says a guest is doing, and whether it should therefore be heard
 * on the wire (DOMAIN F11). "Unknown" is a value: it never raises and never
 * clears a discrepancy. Every hypervisor and every spreadsheet has its own words;
 * they are brought to these ten, and a word that is not known is an error of that
 * row and never a guess. */

enum tristate { NO, YES, UNKNOWN };

/* word in files and output, enumerator, should it communicate? */
#define RUN_STATES(STATE)                                                                          \
    STATE("unknown", RUN_STATE_UNKNOWN, UNKNOWN)                                                   \
    STATE("on", RUN_STATE_ON, YES)                                                                 \
    STATE("off", RUN_STATE_OFF, NO)                                                                \
    STATE("suspended", RUN_STATE_SUSPENDED, NO)                                                    \
    STATE("paused", RUN_STATE_PAUSED, NO)                                                          \
    STATE("hibernated", RUN_STATE_HIBERNATED, NO)                                                  \
    STATE("crashed", RUN_STATE_CRASHED, NO)                                                        \
    STATE("starting", RUN_STATE_STARTING, UNKNOWN)                                                 \
    STATE("stopping", RUN_STATE_STOPPING, UNKNOWN)                                                 \
    STATE("migrating", RUN_STATE_MIGRATING, UNKNOWN)

enum run_state {
#define STATE(word, name, communicates) name,
    RUN_STATES(STATE)
#undef STATE
};

/* Returns the word for `state`, as DESIGN section 4 spells it. */
const char *run_state_word(enum run_state state);

/* Returns whether a guest in `state` should communicate. */
enum tristate run_state_communicates(enum run_state state);

/* Returns "yes", "no" or "unknown". */
const char *tristate_word(enum tristate value);

/* Parses yes/no/unknown and their usual synonyms (true, false, 1, 0, empty =
 * unknown). Returns 0 or ERR_SYNTAX with *ret untouched. */
int tristate_parse(const char *text, size_t length, enum tristate *ret) MUST_USE;

/* The table of synonyms: hypervisors' and people's words for the states
 * ("poweredOn", "running", "shut off", "in shutdown", "pmsuspended" ...). Case,
 * blanks, '-' and '_' do not matter. A user's configuration can add to it. */
struct run_state_words;

/* Returns the table as delivered; yours to free. */
struct run_state_words *run_state_words_new(void);

/* Frees the table; NULL is allowed. */
void run_state_words_free(struct run_state_words *words);

/* Whether both tables know the same words for the same states. */
bool run_state_words_equal(const struct run_state_words *a, const struct run_state_words *b);

/* Adds or redefines a synonym. Returns 0, or ERR_LIMIT when the table is full
 * or `word` is longer than LIMIT_NAME_BYTES. */
int run_state_words_add(struct run_state_words *words, const char *word,
                        enum run_state state) MUST_USE;

/* Returns 0 with the state that `text` names, or ERR_NOT_FOUND with *ret
 * untouched when no entry matches. */
int run_state_words_find(const struct run_state_words *words, const char *text, size_t length,
                         enum run_state *ret) MUST_USE;

#endif
