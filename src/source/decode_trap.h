/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_DECODE_TRAP_H
#define MUSTER_SOURCE_DECODE_TRAP_H

#include "source/decode_datagram.h"

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

/* As decode_datagram_fn. At port 162 what is no well-formed SNMP message is an error; at
 * other ports only what is a notification beyond doubt is taken. */
int decode_trap_datagram(const struct decode_datagram *datagram,
                         const struct decode_secrets *secrets, struct text *lines,
                         const char **ret_why);

#endif
