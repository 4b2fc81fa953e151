/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_TRAP_EVENT_H
#define MUSTER_WIRE_TRAP_EVENT_H

#include <stdint.h>

#include "base/mac.h"
#include "wire/snmp_message.h"

/* One thing that a notification says. A single trap may say dozens: switches buffer
 * what their forward tables learnt and send it in one datagram.
 *
 * Ports come in three numberings that must never be mixed: the bridge's own base port
 * (dot1dBasePort, in the context of its VLAN), the ifIndex of the interface MIB, and
 * names. An event holds each in its own field, and no field is filled by guessing
 * from another; mapping one to another needs the tables of that very switch
 * (DOMAIN 2.1 point 6). 0 and MAC_NONE are "not said". */

/* word, enumerator */
#define TRAP_KINDS(KIND)                                                                           \
    KIND("other", TRAP_OTHER)                                                                      \
    KIND("link_up", TRAP_LINK_UP)                                                                  \
    KIND("link_down", TRAP_LINK_DOWN)                                                              \
    KIND("mac_learned", TRAP_MAC_LEARNED)                                                          \
    KIND("mac_removed", TRAP_MAC_REMOVED) /* taken out or aged */                                  \
    KIND("mac_moved", TRAP_MAC_MOVED)                                                              \
    KIND("restart", TRAP_RESTART)                 /* coldStart, warmStart */                       \
    KIND("topology_change", TRAP_TOPOLOGY_CHANGE) /* spanning tree: the table is flushed */

enum trap_kind {
#define KIND(word, name) name,
    TRAP_KINDS(KIND)
#undef KIND
        TRAP_KIND_COUNT
};

struct trap_event {
    enum trap_kind kind;
    struct mac mac;
    uint32_t vlan;
    uint32_t if_index;
    uint32_t bridge_port;
    uint32_t from_port; /* of a move: where it was, in the numbering of the other port */
    struct snmp_octets port_name, from_name; /* in the message; length 0: not said */
};

#endif
