/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_OVS_TABLE_H
#define MUSTER_SOURCE_OVS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mac.h"
#include "base/text.h"
#include "contract/option.h"
#include "model/forwarding.h"

/* What Open vSwitch answered, made into a forward table; pure, so that it can run
 * in a worker thread and be tested without a switch (DOMAIN 2.9 point 4).
 *
 * Ports are those of "dpif/show", entries point at them by OpenFlow number.
 * Which port is an uplink: the operator's list where there is one; else members
 * of a bond, patch ports (they lead to another bridge), tunnels, DPDK cards and
 * those "system" devices that the caller found to be hardware. A bond is the
 * aggregate of its members, as "fdb/show" names any one of them. The bridge's
 * own port (LOCAL) is the host itself and neither.
 *
 * A receipt is whole when the table was not full (a full one forgets its oldest
 * entries) and every line was understood. An entry on a port that is gone again
 * keeps its number as the port's name. */

/* The raw replies about one bridge, still JSON. */
struct ovs_bridge_reading {
    char *name;
    struct text entries;    /* fdb/show */
    struct text statistics; /* fdb/stats-show */
};

struct ovs_reading {
    struct ovs_bridge_reading *bridges;
    size_t bridge_count, bridge_capacity;
    struct text ports;    /* dpif/show */
    struct text bonds;    /* bond/list */
    struct text database; /* the bridges' rows; empty: the database was not reachable */
    uint64_t asked, answered;
    struct wall started, ended;
};

struct ovs_choice {
    const char *switch_name, *site, *hypervisor; /* hypervisor may be NULL */
    const struct option_list *uplinks;           /* empty: by the kind of device */
    struct span ageing;                          /* as configured; -1 us: as the database says */
    struct mac only;                             /* rows of this address; MAC_NONE: all */
    bool (*is_hardware)(const char *name);       /* whether this network device is a card */
};

/* Number of every request, so that replies can be matched. */
enum { OVS_REQUEST_ID = 1 };

/* Adds a bridge to be read. */
void ovs_reading_add_bridge(struct ovs_reading *reading, const char *name);

/* Frees what the reading holds. */
void ovs_reading_done(struct ovs_reading *reading);

/* Makes the forward table of every bridge read, with one receipt each. Returns 0
 * with *ret, yours to free; ERR_NOT_FOUND when a bridge or a named uplink does not
 * exist, ERR_PROTOCOL when a reply cannot be read. */
int ovs_table_new(const struct ovs_reading *reading, const struct ovs_choice *choice,
                  struct forward_table **ret, struct err *err) MUST_USE;

#endif
