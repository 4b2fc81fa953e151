/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_OTHER_LINK_H
#define MUSTER_WIRE_OTHER_LINK_H

#include "wire/ethernet.h"

/* Links that are neither Ethernet nor radio, each of which a system or a device puts a
 * header of its own before: loggers of packets (Linux's NFLOG, OpenBSD's pflog and enc,
 * Solaris's IPNET), macOS's and PPI's descriptions of a packet of yet another link, switch
 * chips' tags before or behind the addresses, Juniper's routers, netANALYZER, and wide area
 * links (Frame Relay, ATM, PPPoE, MPLS) or cables other than Ethernet's (FireWire, Fibre
 * Channel, InfiniBand).
 *
 * What is known of a packet beside its EtherType (a source address, a VLAN) is kept. A link
 * in a link is followed once. Octets in the order of the machine that captured, as NFLOG
 * and macOS write them, are read in the order that makes sense.
 *
 * Attacks considered: lengths that overrun, lists of records without end (each is four
 * octets or more), links that name themselves. Nothing is allocated. */

/* Reads a packet of `link`; *ret has been emptied. WIRE_OK with type 0 for what carries
 * nothing that is read, and for LINK_UNKNOWN. */
enum wire_fault other_link_read(enum link_type link, const uint8_t *bytes, size_t length,
                                struct ethernet_frame *ret) MUST_USE;

#endif
