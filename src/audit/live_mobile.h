/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_LIVE_MOBILE_H
#define MUSTER_AUDIT_LIVE_MOBILE_H

#include "audit/live_inside.h"

/* The events of mobile nodes, whose identity is a home address (DOMAIN 1.7, 1.8): where
 * live.h meets mobile.h, which judges. What stands of a node are bits, one a kind; its place is
 * a care-of address and no port, so polling never says anything of it: a round neither opens nor
 * clears such a verdict, only the node's own signs and the records do.
 *
 * A guest that is heard by its address is on the wire with its NIC too (F20): a place-less
 * sign of its MAC goes to the expiry list. One packet alone makes no verdict, since anyone can
 * forge it; the acknowledgement, a refresh or user data that follow make it. The same packet heard
 * twice is one. Words that overtake each other count by their own times. An unknown agent
 * is one case however many nodes have it, and stands for as long as any has. */

/* Takes an arrival or a refresh that is on the list already. */
void live_mobile_arrive(struct live *live, const struct event *event,
                        const struct presence_sign *sign, struct wall now, struct live_out *out);

/* Takes a word of a binding whose end, at `ended`, came before it. */
void live_mobile_ended(struct live *live, const struct event *event,
                       const struct presence_sign *sign, struct wall ended);

/* Whether a stop is of a binding that was made anew since, as its keeper said: it came late. */
bool live_mobile_is_late(const struct live *live, const struct event *event,
                         const struct presence_sign *sign);

/* Takes a stop: what was wrong with its place is over, unless it is bound elsewhere. */
void live_mobile_stop(struct live *live, const struct event *event,
                      const struct presence_sign *sign, struct live_out *out);

/* Judges a binding that ended and settled, or expired. */
void live_mobile_due(struct live *live, const struct presence_due *due, struct wall now,
                     struct live_out *out);

/* Judges again some of what stands, since the records were read anew. */
void live_mobile_world(struct live *live, struct wall now, struct live_out *out);

/* Makes words of what was said. */
void live_mobile_render(const struct live *live, const struct mobile_said *said,
                        struct arena *arena, struct discrepancy *ret);

#endif
