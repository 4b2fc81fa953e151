/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_LINUX_BRIDGE_TABLE_H
#define MUSTER_SOURCE_LINUX_BRIDGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mac.h"
#include "contract/option.h"
#include "model/forwarding.h"
#include "wire/rtnl_fdb.h"

/* What the kernel's two dumps say about a bridge, made into a forward table;
 * pure, so that every rule below is tested without a kernel (DOMAIN 2.9).
 *
 * Which rows: learnt ones, with the age of their last frame; expired ones that
 * the kernel has not yet collected, as "invalid"; an administrator's static ones,
 * as "mgmt". Not: the bridge's and the ports' own addresses (a tap's host side
 * carries the guest's address with first octet fe, DOMAIN 2.4 point 1),
 * multicast, a device's own filter, and what a control plane put there, which
 * is somewhere else.
 *
 * Which port is an uplink: the operator's list where there is one. Else, by the
 * kind of device: hardware, bonds, VLAN devices and tunnels lead out; taps and
 * Xen's vif lead to guests; a veth leads to a container, unless its other end is
 * in another bridge of this host, as in the firewall bridges of some managers.
 *
 * Absence can be proved only where addresses are learnt: an ageing time of zero
 * or a guest's port that does not learn makes the receipt not whole. */

struct linux_bridge_reading {
    struct rtnl_link *links;
    size_t link_count, link_capacity;
    struct rtnl_entry *entries;
    size_t entry_count, entry_capacity;
    uint64_t asked, answered; /* dumps */
    bool torn;                /* it changed under every attempt */
    struct wall started, ended;
};

struct linux_bridge_choice {
    const char *switch_name, *site, *hypervisor; /* hypervisor may be NULL */
    const char *bridge;                          /* "all" or one name */
    const struct option_list *uplinks;           /* empty: by the kind of device */
    struct mac only;                             /* rows of this address; MAC_NONE: all */
};

/* Adds what one message says. Returns 0, or ERR_LIMIT when the host has more
 * devices or entries than limits.h allows. */
int linux_bridge_reading_add(struct linux_bridge_reading *reading,
                             const struct rtnl_message *message) MUST_USE;

/* Forgets what was read, for another attempt; keeps the counters. */
void linux_bridge_reading_clear(struct linux_bridge_reading *reading);

/* Frees what the reading holds. */
void linux_bridge_reading_done(struct linux_bridge_reading *reading);

/* Makes the forward table of the chosen bridges, with one receipt a bridge.
 * Returns 0 with *ret, yours to free; ERR_NOT_FOUND when no such bridge exists
 * or a named uplink is none of its ports. */
int linux_bridge_table_new(const struct linux_bridge_reading *reading,
                           const struct linux_bridge_choice *choice, struct forward_table **ret,
                           struct err *err) MUST_USE;

#endif
