/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_SNMP_TRAP_H
#define MUSTER_SOURCE_SNMP_TRAP_H

#include "contract/plugin.h"

/* Event source "snmp_trap": what switches tell by themselves, as SNMP traps and informs
 * of every version (DOMAIN 2.5 point 5, 2.6).
 *
 * A trap is a hint. It is lost under load, may be forged (v1 and v2c show their
 * password to everyone), is buffered by the switch for up to a minute, and names ports
 * by numbers of its own. So nothing is concluded from one: link changes, restarts and
 * topology changes ask for a poll of that switch, and what a forward table learnt, lost
 * or moved becomes a start or stop of that MAC whose worth is "hint", which asks for an
 * exact-instance probe. Every other notification is counted.
 *
 * Which switch. The agent's own word (snmpTrapAddress, agent-addr) comes before the
 * source address, since traps are forwarded and translated; an authentic engine id that
 * the configuration maps comes before both. Addresses are looked up in the source's
 * `devices` and then among the addresses of the configured switches. What nobody knows
 * is still heard, without a switch.
 *
 * Which port. `#n` where the notification has an ifIndex, a name where it has only that;
 * a base port is known to the switch alone and is told in the event's session text, not
 * as a port. That text also keeps the stop at an old port apart from the start at a new
 * one: a move is a start there, then a stop here.
 *
 * Informs are answered once the events were taken; if they could not be, the answer
 * is left out and the sender comes again. Repeated informs are answered and not told
 * twice.
 *
 * Limits and attacks: datagrams are judged by rate before they are decoded (trap_rate.h);
 * what a v3 user did not sign, or signed for another time, is refused (notification.h);
 * a notification with thousands of changes uses up its sender's rate. All of it
 * is counted, and a device that lost some to its limit is looked at as a whole. */
extern const struct event_source_class event_snmp_trap;

#endif
