/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_RADIO_LINK_H
#define MUSTER_WIRE_RADIO_LINK_H

#include "wire/ethernet.h"

/* Frames of wireless networks (IEEE 802.11), as captures of mobile nodes have them: bare,
 * or behind what drivers say of their reception (radiotap, Prism, AVS).
 *
 * Only data frames are read, down to the EtherType behind LLC: with the addresses that their
 * two direction bits give a meaning to, of stations, access points and bridges between them
 * (four addresses), with or without quality of service, of meshes. Frames that were aggregated
 * (A-MSDU) come one by one: the first with the others as its `rest`. A frame whose network
 * protects it is said to be sealed, unless LLC shows that the capturing driver has decrypted
 * it and left the mark, or mark and initialization vector, as they were.
 *
 * A checksum at the end may stay there or not: what is in a frame knows its own length.
 *
 * Limits: fragments of 802.11 are not put together; a first one is read as far as it goes.
 * Management and control frames have type 0, as does LLC without an EtherType.
 *
 * Attacks considered: lengths of every header that overrun, chains of radiotap's words of
 * what is present, aggregates whose parts overrun: each part takes sixteen octets or more, so
 * the walk is linear. Nothing is allocated. */

/* Reads a frame of one of the links RADIO, RADIOTAP, PRISM and AVS. *ret has been emptied. */
enum wire_fault radio_link_read(enum link_type link, const uint8_t *bytes, size_t length,
                                struct ethernet_frame *ret) MUST_USE;

/* Reads one part of an aggregate, at `bytes`, with what follows as its `rest`. */
enum wire_fault radio_link_read_part(const uint8_t *bytes, size_t length,
                                     struct ethernet_frame *ret) MUST_USE;

#endif
