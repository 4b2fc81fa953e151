/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_LINUX_BRIDGE_H
#define MUSTER_SOURCE_LINUX_BRIDGE_H

#include "contract/plugin.h"

/* Observed source "linux_bridge": the bridges of the host that Muster runs on,
 * read by rtnetlink (DOMAIN 2.9 points 1 to 3). A hypervisor's own bridge tells
 * what no switch can: which port of the hypervisor a guest is behind, and how
 * long ago each address was last heard, which proves a zombie sooner than any
 * ageing time.
 *
 * One fetch is two dumps over one non-blocking socket: the devices, then the
 * entries, filtered by bridge where the kernel can. A dump that the kernel marks
 * as interrupted, or that overflowed the socket, is read again from the start, at
 * most three times; then what was read is handed over as not whole. A few
 * messages are taken each time the socket is ready, so that a large table does
 * not hold the loop. No privilege is needed.
 *
 * Not seen here: guests whose interfaces bypass the bridge (macvtap, SR-IOV,
 * vhost-user), and the bridges of other network namespaces. */
extern const struct observed_source_class observed_linux_bridge;

#endif
