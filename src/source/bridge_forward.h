/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_BRIDGE_FORWARD_H
#define MUSTER_SOURCE_BRIDGE_FORWARD_H

#include <stdint.h>

#include "base/clock.h"
#include "model/forwarding.h"
#include "wire/bridge_table.h"

/* A device's tables as decoded (wire/bridge_table.h) become the model's forward
 * table: one row a sighting, every port once.
 *
 * Where several tables have rows, Q-BRIDGE and its kin are believed: they know
 * the VLAN. A BRIDGE-MIB row stays only for a MAC that no other table places
 * (devices exist that list some addresses in the one and some in the other); the
 * same MAC, VLAN and port of two tables is one row. Rows whose index held no MAC
 * are counted as rejected.
 *
 * Ports are all interfaces of the device, so that a recorded port can be found
 * though nothing was learnt on it, and what rows name beside them. A LAG's member
 * points to its aggregate, a logical unit ("ge-0/0/1.0", "eth0.100") to its port
 * and with it to that port's aggregate: these are one place. Pseudo-ports of
 * overlays (VXLAN, NVE, pseudo-wires) are marked as tunnels.
 *
 * Rows are converted in the memory they stand in: a million rows take 16 MB
 * before and after, not twice that. */

struct bridge_forward_options {
    const char *switch_name;   /* configured; NULL: sysName, else `fallback_name` */
    const char *fallback_name; /* the recording's stem, the address */
    const char *site;          /* "default" */
    const char *hypervisor;    /* NULL */
    const char *source;        /* of the receipts: the configured name; NULL: switch's */
    const char *type;          /* of the receipts: "snmp", "recording" */
    struct wall started, ended;
    struct span ageing;       /* configured; -1 us: what the device says */
    uint64_t asked, answered; /* requests in all; they are put on the first receipt */
};

/* Returns the forward table, finished; yours to free. Takes the rows of `bridge`,
 * whose facts and contexts stay. */
struct forward_table *bridge_forward(struct bridge_table *bridge,
                                     const struct bridge_forward_options *options);

#endif
