/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_SNMP_H
#define MUSTER_SOURCE_SNMP_H

#include "contract/plugin.h"

/* Observed source "snmp": a managed switch read by Muster's polling engine.
 *
 * What to ask and what it means is wire/bridge_reader's; how to ask is snmp/'s;
 * between them stands snmp_read, and here what outlives one read: the device with
 * its measured times and keys, and the facts of its ports and VLANs, which change
 * seldom. They are read again after `facts_interval`, and at once when sysUpTime
 * shows that the device restarted since (ifIndex may have changed); a map that
 * cannot be read now is taken from the last read. A host name is resolved in a
 * worker, and again after a device did not answer.
 *
 * A probe asks exact instances of one MAC, in every FDB id and context that is
 * known, all at once; where FDB ids are not known yet, the VLAN map is read first.
 * The forward table is made in a worker: a million rows hold up nobody. */
extern const struct observed_source_class observed_snmp;

#endif
