/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_NEIGHBOUR_FRAME_H
#define MUSTER_WIRE_NEIGHBOUR_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/mac.h"
#include "wire/ethernet.h"

/* What switches and hosts say of themselves on a link: LLDP (IEEE 802.1AB), CDP versions 1
 * and 2, and LACP (IEEE 802.1AX), read out of captured frames for `muster decode`: what
 * somebody sends in when a neighbour is not recognised. Live neighbours come by SNMP
 * (neighbour_table.h), so nothing of this reaches the judge.
 *
 * Texts and identifiers are borrowed octets of the frame, in any encoding. Chassis and
 * port identifiers keep their subtype, since only it tells a MAC from a text of six
 * characters.
 *
 * Attacks considered: TLVs of length zero, TLVs that overrun the frame, repeated ones
 * (the first counts). Each step takes at least a TLV's header, so the walk ends. What
 * stood before a broken TLV is kept, and `broken` says that there was one. */

enum neighbour_frame_kind { NEIGHBOUR_LLDP, NEIGHBOUR_CDP, NEIGHBOUR_LACP };

/* Borrowed octets; `bytes` NULL: not said. */
struct frame_octets {
    const uint8_t *bytes;
    uint16_t length;
};

struct lacp_side {
    bool said;
    uint16_t priority, key, port;
    uint8_t state; /* the bits of IEEE 802.1AX 6.4.2.3 */
    struct mac system;
};

struct neighbour_frame {
    enum neighbour_frame_kind kind;
    bool broken;
    struct frame_octets chassis, port, port_description, system, description;
    uint8_t chassis_subtype, port_subtype; /* of LLDP */
    struct ip address;                     /* management address; IP_NONE */
    bool has_native_vlan;
    uint16_t native_vlan; /* of CDP */
    struct lacp_side actor, partner;
};

enum lldp_chassis_subtype { LLDP_CHASSIS_MAC = 4, LLDP_CHASSIS_ADDRESS = 5 };
enum lldp_port_subtype { LLDP_PORT_MAC = 3, LLDP_PORT_ADDRESS = 4 };

/* Reads `frame`. Returns whether it is one of the three and says at least who sends it. */
bool neighbour_frame_read(const struct ethernet_frame *frame, struct neighbour_frame *ret) MUST_USE;

#endif
