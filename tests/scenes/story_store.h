/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_TESTS_STORY_STORE_H
#define MUSTER_TESTS_STORY_STORE_H

#include "story.h"

/* A story whose memory between rounds is a real store. Every round is judged by
 * what the store loads, then stored; at the end every round is put together again
 * from the store and judged once more: the verdicts must be the same word for word
 * (DESIGN section 1 point 7: same log, same configuration, same verdicts). */

/* Gives `story` a store in a folder of its own. */
void story_store_attach(struct story *story);

/* Judges all rounds again, says which differ and returns how many; removes the
 * store. */
int story_store_detach(struct story *story);

#endif
