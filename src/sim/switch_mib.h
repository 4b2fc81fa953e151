/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_SWITCH_MIB_H
#define MUSTER_SIM_SWITCH_MIB_H

#include <stdint.h>

#include "sim/datacentre.h"
#include "sim/mib.h"

/* The MIBs of one simulated switch: system, ifTable and ifXTable, ifStack,
 * BRIDGE, Q-BRIDGE, dot3ad link aggregation and LLDP (DOMAIN 2.1), shown in the
 * switch's dialect (fabric.h). It is a snapshot of the data centre at an instant;
 * its owner makes a new one when the clock has moved on, and a walk under way
 * then sees rows come and go as it would on a real switch.
 *
 * What is deliberately unlike its neighbours, so that clients which guess are
 * found out: ifIndex, bridge port number and LLDP's local port number differ;
 * members of a LAG have no bridge port; FDB ids are no VLANs in one dialect; in
 * the per-VLAN dialect the default context shows an empty table; the switch's own
 * address is a row with status self and port 0, a group address one with status
 * mgmt. Without contexts in the dialect every context is refused. */

struct switch_mib;

/* What does not come from the data centre. */
struct switch_mib_extra {
    uint64_t generated_rows; /* replaces the forward table by this many rows */
    double rate;             /* of the simulated clock: ageing is told in the client's time */
};

/* Takes a snapshot of a switch at the data centre's present instant; yours to
 * free. It borrows `dc`, whose fabric must not change while it is in use. */
struct switch_mib *switch_mib_new(const struct datacentre *dc, uint32_t switch_index,
                                  const struct switch_mib_extra *extra);
void switch_mib_free(struct switch_mib *mib); /* NULL is allowed */

/* Sets what sysUpTime says, in hundredths of a second. */
void switch_mib_set_uptime(struct switch_mib *mib, int64_t uptime_cs);

/* Returns how many forward rows the snapshot holds in memory. */
size_t switch_mib_rows(const struct switch_mib *mib);

/* Returns the view of a context: "" or a VLAN in digits; NULL when this switch
 * has no such context. Borrowed. */
const struct mib_view *switch_mib_view(struct switch_mib *mib, const char *context);

/* Returns the OID that the columns of the forward table begin with
 * (dot1dTpFdbEntry or dot1qTpFdbEntry), where faults happen; borrowed. */
const struct oid *switch_mib_forward_oid(const struct switch_mib *mib);

#endif
