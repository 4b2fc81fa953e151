/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_SWEEP_STATE_H
#define MUSTER_AUDIT_SWEEP_STATE_H

#include "audit/sweep.h"

/* Re-audit after few changes: k changed rows cost O(k), not another stream over all rows
 * (PERFORMANCE P2, what no peer does).
 *
 * The state links the rows of each MAC (row_links.h), counts for each hypervisor the rows
 * that show it at home, knows of each MAC whether it is an odd one, and keeps the verdicts
 * of each subject. A changed row makes its MAC dirty. Where all rows of a dirty MAC are in
 * order and its guest has no other NIC, a full sweep would ask nothing either, and the old
 * verdicts are dropped; else the MAC's owners are judged again, by the same judge, and
 * their old verdicts give way to the new ones. What touches more than its own subject, a
 * hypervisor that moved, fell silent or came back, judges everything of which something
 * odd is known again, still without a look at the clean rows.
 *
 * Memory: 12 octets a row and 8 a slot of the index more than the sweep needs. Dropped
 * verdicts go when they are most of the list, so that endless changes cost no endless
 * memory. Rows that were never there cannot go: such a change is ignored. */

struct sweep_state;

/* One forward row that went or came; `row.port` and `row.vlan` count in the world's
 * table of that number. A move is a row gone and a row come. */
struct row_change {
    uint32_t table; /* number in world_input.tables */
    bool gone;
    struct forward_row row;
};

/* Judges everything, and links the rows. Yours to free; borrows the world. */
struct sweep_state *sweep_state_new(const struct world *world, struct wall now);
void sweep_state_free(struct sweep_state *state); /* NULL is allowed */

/* Applies `changes` and judges again what they concern. Afterwards the state's verdicts
 * are those of sweep_run() over tables with these changes made, read at the same
 * times. */
void sweep_state_apply(struct sweep_state *state, const struct row_change *changes, size_t count,
                       struct wall now);

/* Returns the verdicts as they stand, storms collapsed and in order: costs as much as
 * there are verdicts; valid until the next apply. */
const struct sweep *sweep_state_verdicts(struct sweep_state *state);

#endif
