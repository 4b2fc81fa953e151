/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_OVS_H
#define MUSTER_SOURCE_OVS_H

#include "contract/plugin.h"

/* Observed source "ovs": the Open vSwitch bridges of the host that Muster runs
 * on, with VLANs and the age of each entry (DOMAIN 2.9 point 4).
 *
 * The forward table lives in ovs-vswitchd alone, which shows it on its control
 * socket; the database, asked second, knows how long each bridge remembers. One
 * fetch asks, one question after the other: the bridges, each one's entries and
 * statistics, then the ports and bonds (after the entries, so that a port which
 * appeared meanwhile is known), then the ageing times. The answers are read in a
 * worker thread, because a table may be large.
 *
 * The control socket belongs to root and to the group of Open vSwitch: without
 * permission the error says so. The socket is as trusted as the daemon. Where the
 * database does not answer, the ageing time is "not read" and the table is still
 * used. */
extern const struct observed_source_class observed_ovs;

#endif
