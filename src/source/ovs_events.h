/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_OVS_EVENTS_H
#define MUSTER_SOURCE_OVS_EVENTS_H

#include "contract/plugin.h"

/* Event source "ovs": the Open vSwitch bridges of the host that Muster runs on, read at
 * a second's pace (DOMAIN 2.9 point 4). ovs-vswitchd tells nobody when it learns an
 * address, so its table is read again and again and compared with itself.
 *
 * Each look is one read by the observed source of the same name, in a worker thread where
 * it is large; the next begins `interval` after the last one began, and never before it
 * has ended: a switch that is slow to answer is asked less often. The age of every entry
 * is in the table, so when a frame last came is known to the second, and that an
 * entry aged out is told from that it was taken out.
 *
 * An Open vSwitch that does not answer three times is given up: the core starts this
 * source again later. Ageing, flushes and order are fdb_follow.h's. */
extern const struct event_source_class event_ovs;

#endif
