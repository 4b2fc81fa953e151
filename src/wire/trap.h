/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_TRAP_H
#define MUSTER_WIRE_TRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/ip.h"
#include "wire/snmp_message.h"
#include "wire/trap_event.h"
#include "wire/trap_mac.h"

/* SNMP notifications of every version, as one: the v1 Trap-PDU (RFC 1157 section
 * 4.1.6) and v2 Trap and Inform PDUs (RFC 3416 section 4.2.6), the latter within v2c
 * or v3 messages, decoded to who sent it, which notification it is, and the events
 * that it stands for.
 *
 * A v1 trap has no notification OID; RFC 3584 section 3.1 makes one: the six generic
 * traps are the standard ones, any other is the enterprise, a zero and the specific
 * number. Agents that already wrote the zero into the enterprise are understood too.
 *
 * Who sent it. The source address is that of the last hop that touched the datagram: a
 * loopback interface, a translator, a forwarding trap receiver. So the agent's own
 * word comes first: snmpTrapAddress.0 (RFC 3584 section 3.1, put in by forwarders),
 * then the v1 agent-addr; addresses that name nobody (0.0.0.0, 127/8) are passed over.
 * Agents without IPv4 address write 0.0.0.0 there, and v3 has the engine id.
 *
 * Which port. Link traps carry ifIndex as a value and as the instance of every column
 * that they add; ifName, or else ifDescr, gives the name. Notifications that are not
 * ours come out as one event of kind "other", with a MAC and an interface where they
 * plainly name them, so that nothing is dropped in silence.
 *
 * Attacks: a message whose varbind list is malformed anywhere is refused as a whole;
 * sizes are bounded by the datagram; no allocation; each step consumes input. A trap
 * that is well-formed may still be forged: v1 and v2c prove nothing about the sender.
 *
 *     struct trap trap;
 *     struct trap_event event;
 *     if (trap_begin(&trap, &message) == 0)
 *         while (trap_next(&trap, &event))
 *             use(&trap, &event);                                                    */

struct trap {
    enum snmp_version version;
    bool inform;
    bool sealed;                        /* v3 and still encrypted: nothing below is known */
    char oid[TRAP_OID_TEXT];            /* of the notification, dotted; "" not told */
    const char *name;                   /* in its MIB, NULL: not one that we know */
    enum trap_kind kind;                /* MAC notifications: TRAP_OTHER, their events say more */
    struct ip agent;                    /* as the agent says itself; IP_NONE: it does not */
    struct snmp_octets engine_id, user; /* v3 */
    struct snmp_octets community;       /* v1, v2c */
    uint32_t uptime_cs;                 /* sysUpTime or the v1 timestamp; TRAP_NO_UPTIME */
    /* reading */
    const struct trap_mac_rule *rule; /* NULL: no MAC notification */
    struct ber_reader varbinds;
    struct trap_mac_reader macs;
    bool told, done; /* at least one event was given; there is none left */
};

#define TRAP_NO_UPTIME UINT32_MAX

/* Looks at a decoded message (of v3, after usm_open() where it was encrypted) and
 * prepares reading its events; what `message` points to must live as long. Returns 0,
 * ERR_UNSUPPORTED when it is no notification, or ERR_SYNTAX when the varbinds are
 * malformed. An encrypted message that was not opened is `sealed` and has one event
 * of kind "other". */
int trap_begin(struct trap *ret, const struct snmp_message *message) MUST_USE;

/* Reads the next event; a notification has at least one. Returns false at the end. */
bool trap_next(struct trap *trap, struct trap_event *ret) MUST_USE;

/* Returns the word of a kind ("link_up"). */
const char *trap_kind_word(enum trap_kind kind);

#endif
