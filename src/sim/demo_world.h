/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_DEMO_WORLD_H
#define MUSTER_SIM_DEMO_WORLD_H

#include <stdint.h>

#include "sim/datacentre.h"

/* The world that `muster demo` audits: six switches in a tree with an MLAG pair,
 * ten hypervisors, sixty guests, and every kind of discrepancy that polling can
 * see, in four rounds of real time.
 *
 * Its switches forget after ten seconds (the least that the BRIDGE-MIB allows), so
 * that what needs an ageing time to be proved is proved within the demonstration:
 * the clone is on both edges in all rounds, the flapping guest is home, elsewhere,
 * home and elsewhere again, the zombie was recorded off an hour ago. A guest that has just
 * been switched off, one whose records follow its migration, a hypervisor that
 * changed to its other uplink and one silent move are there as well, and must not
 * end as confirmed cases. Most faults happen a minute before the start; what
 * happens between the rounds happens in the midst of the pauses, so a round that
 * is up to two seconds early or late sees the same. */

enum {
    SIM_DEMO_ROUNDS = 4,
    SIM_DEMO_ROUND_SECONDS = 5, /* from the start of one round to that of the next */
    SIM_DEMO_AGEING_SECONDS = 10
};

/* Builds the demonstration's world, whose first round is at `start`; yours to
 * free. Any seed gives a world with every kind. */
struct datacentre *sim_demo_world(uint64_t seed, struct wall start);

#endif
