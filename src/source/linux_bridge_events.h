/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_LINUX_BRIDGE_EVENTS_H
#define MUSTER_SOURCE_LINUX_BRIDGE_EVENTS_H

#include "contract/plugin.h"

/* Event source "linux_bridge": the bridges of the host that Muster runs on, told by the
 * kernel as they change (DOMAIN 2.9 points 1 to 3). What polling sees in the next round,
 * this sees within a millisecond: the first frame of a guest at a tap, and its tap going
 * away.
 *
 * Two sockets. One hears the multicast group RTNLGRP_NEIGH from before the first look;
 * the other, that of the observed source of the same name, reads the whole table: at the
 * start, each `refresh` (the kernel does not tell that an entry was refreshed, its age
 * does), at once when the first socket overflowed (ENOBUFS: something was not heard), and
 * when an entry names a port that is not known yet. Whole reads are at least a
 * second apart. While one is under way what is heard waits in its socket, and is
 * worked off after it: it is newer, or it is known already. After an overflow what waits
 * has gaps and would contradict the look: then the socket is replaced by an empty one first.
 *
 * The kernel tells a move by the new port alone, ageing and removal by RTM_DELNEIGH, told
 * apart by the entry's state. What all this means is fdb_follow.h's.
 *
 * Limits: some hundred messages are taken a turn of the loop. A flood of
 * addresses overflows the socket, which costs one whole read a second. The socket's
 * peer is the kernel; no privilege is needed. Not seen: what bypasses the bridge (macvtap,
 * SR-IOV, vhost-user), and bridges of other network namespaces. */
extern const struct event_source_class event_linux_bridge;

#endif
