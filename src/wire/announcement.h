/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_ANNOUNCEMENT_H
#define MUSTER_WIRE_ANNOUNCEMENT_H

#include <stdbool.h>

#include "base/ip.h"
#include "base/mac.h"
#include "wire/ethernet.h"
#include "wire/ip_packet.h"

/* Frames by which a station says, unasked, where it is: gratuitous ARP (RFC 5227,
 * section 3), RARP (RFC 903) and unsolicited Neighbor Advertisements (RFC 4861,
 * section 7.2.6).
 *
 * A hypervisor sends them for a guest the moment a live migration has switched over
 * (QEMU: RARP; others: gratuitous ARP; guests themselves: both protocols), so that
 * switches move the address to the new port. They are the earliest sign of a
 * migration: inventories follow seconds to minutes later (DOMAIN 2.10 point 7).
 *
 * Gratuitous ARP is a request or reply whose sender and target protocol addresses
 * are the same and known; an ARP probe (sender 0.0.0.0) announces nothing. RARP is
 * its request. A Neighbor Advertisement counts when the solicited flag is off, the
 * hop limit is 255 (it did not come through a router) and its options are whole.
 *
 * Attacks considered: anyone on the segment can send one in another's name, so an
 * announcement is a hint and never a proof; group and zero addresses are refused;
 * a sender that differs from the frame's source is told apart (`mac` is whom it
 * speaks for, `sender` who spoke). */

enum announcement_kind {
    ANNOUNCEMENT_GRATUITOUS_ARP,
    ANNOUNCEMENT_RARP,
    ANNOUNCEMENT_UNSOLICITED_ND
};

struct announcement {
    enum announcement_kind kind;
    struct mac mac;    /* whom it speaks for */
    struct mac sender; /* source of the frame; MAC_NONE on links without addresses */
    uint16_t vlan;     /* 0: untagged */
    struct ip address; /* what it binds to `mac`; IP_NONE for RARP */
};

/* Reads an ARP or RARP frame. Returns whether it is an announcement. */
bool announcement_read_arp(const struct ethernet_frame *frame, struct announcement *ret) MUST_USE;

/* Reads an IPv6 packet that came in `frame`. Returns whether it is an announcement. */
bool announcement_read_nd(const struct ethernet_frame *frame, const struct ip_packet *packet,
                          struct announcement *ret) MUST_USE;

/* Returns "gratuitous_arp", "rarp" or "unsolicited_nd". */
const char *announcement_word(enum announcement_kind kind);

#endif
