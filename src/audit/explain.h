/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_EXPLAIN_H
#define MUSTER_AUDIT_EXPLAIN_H

#include <stddef.h>

#include "audit/world.h"
#include "base/arena.h"
#include "model/discrepancy.h"

/* Why, for anyone who asks: `muster why MAC|GUEST`.
 *
 * The same judge that judged the round is asked about one subject, and everything
 * it looked at is put in words in the order in which a person would check it:
 * recorded rows with source and age, observed rows with read times and the class of
 * their port, receipts, the arithmetic with its figures, the rule, and the verdicts
 * or, for a clean or ageing guest, why there is none. A name that fits several
 * guests gives one explanation each. */

struct explanation {
    const char *title; /* "guest web1 on hvB", "52:54:00:..., in no record" */
    const struct evidence *chain;
    size_t chain_count;
    const struct discrepancy *verdicts; /* none: clean, ageing or not observable */
    size_t verdict_count;
    const char *conclusion; /* one sentence */
};

/* Explains the guest named `name` (name, uuid, or "site/name"), or the MAC that
 * `name` spells. Sets *ret to the explanations, in `arena`, and returns their
 * number; 0 when no record and no table has it. */
size_t explain_subject(const struct world *world, const char *name, struct wall now,
                       struct arena *arena, struct explanation **ret);

#endif
