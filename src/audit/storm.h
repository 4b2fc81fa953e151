/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_STORM_H
#define MUSTER_AUDIT_STORM_H

#include "audit/judge.h"
#include "audit/world_view.h"

/* Storm collapse (DESIGN section 8 point 12, DOMAIN 3.1 point 5).
 *
 * More than `storm_count` verdicts of one kind on one port, one hypervisor or one
 * switch become one collective verdict that lists them: first by port, which is the
 * narrowest thing that can explain them; what is left by hypervisor; then by switch.
 * Members stay in the list, marked with their collective, so that nothing is lost and
 * each keeps its identity. A network that is flooded with forged addresses therefore
 * yields one record and not a million. Linear in the verdicts. */

/* Adds collective verdicts to `list` and marks their members. */
void storm_collapse(const struct world *world, struct verdict_list *list);

#endif
