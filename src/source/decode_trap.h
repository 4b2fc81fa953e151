/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_DECODE_TRAP_H
#define MUSTER_SOURCE_DECODE_TRAP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/ip.h"

/* `muster decode` of SNMP notifications: what Muster reads out of one datagram to port
 * 162, as JSON lines, so that a bug report with a capture shows at once what was
 * understood. A trap with several changes makes as many lines; one that says nothing
 * we use makes one line of event "other"; what is no notification at all makes none.
 *
 * {"type":"trap","frame":3,"event":…,"switch":…,"if_index":…,"bridge_port":…,
 *  "vlan":…,"mac":…,"from_port":…} and, besides: "port" and "from" (names, where the
 * trap has them), "time", "source" (address that the datagram came from), "version",
 * "inform", "oid", "name" (of the notification in its MIB). Numbers that are not said
 * are null. "switch" is what the agent calls itself (snmpTrapAddress, agent-addr),
 * else the source address; `muster decode` has no configuration that knows better.
 *
 * An encrypted v3 notification has a line with "sealed":true and no more: keys are the
 * daemon's. Octets in names that are not UTF-8 are replaced; hostile datagrams are the
 * business of wire/trap and its fuzz target. */

/* Where the datagram was found. */
struct decode_trap_place {
    uint64_t frame;   /* number in its file, from 1 */
    struct wall time; /* WALL_UNKNOWN: null is printed */
    struct ip source; /* IP_NONE: null is printed */
};

/* Prints the events of one UDP payload to `out`. Returns how many lines it made: 0 when
 * it is no SNMP notification, or a malformed one. */
size_t decode_trap(const uint8_t *payload, size_t length, const struct decode_trap_place *place,
                   FILE *out);

#endif
