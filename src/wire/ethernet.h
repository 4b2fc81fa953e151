/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_ETHERNET_H
#define MUSTER_WIRE_ETHERNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/mac.h"

/* Link layer headers: from a captured frame to its EtherType and payload.
 *
 * A mirror port gives Ethernet; what people send in for a bug report is often
 * captured on "any" (Linux cooked, both versions), on a tunnel or a loopback (bare
 * IP, BSD loopback, PPP, Cisco HDLC), in the air (radio_link.h) or where a system adds a
 * header of its own (other_link.h). All of them end in the same struct; where a
 * link has no addresses, they are MAC_NONE.
 *
 * VLAN tags 0x8100, 0x88a8, 0x9100 and 0x9200 are taken off in any order, at most
 * LIMIT_VLAN_TAGS of them (IEEE 802.1Q, 802.1ad and what came before it), and so are tags
 * that name no VLAN: security groups, redundancy, the ports of extended bridges (802.1Qbh,
 * 802.1BR), MACsec that signs without encrypting. A tag of
 * VLAN 0 carries a priority only and counts as no VLAN. An RSPAN frame is one whose
 * outer tag is the mirror's VLAN: nothing else tells it. 802.3 frames with LLC and
 * SNAP headers give the EtherType behind SNAP, others type 0. What a link has encrypted is
 * said to be sealed, and has no payload that anybody could read.
 *
 * Attacks considered: frames that end anywhere, towers of tags. Every read is
 * behind a length check, the loop over tags is bounded, and nothing is allocated. */

enum link_type {
    LINK_ETHERNET,
    LINK_COOKED,   /* LINUX_SLL */
    LINK_COOKED2,  /* LINUX_SLL2 */
    LINK_RAW_IP,   /* IPv4 or IPv6 without link header */
    LINK_LOOPBACK, /* BSD: address family of four octets in either order */
    LINK_PPP,
    LINK_CISCO_HDLC,
    LINK_RADIO,    /* IEEE 802.11 */
    LINK_RADIOTAP, /* the same behind what drivers say of its reception */
    LINK_PRISM,
    LINK_AVS,
    LINK_PPI,
    LINK_APPLE_TAP, /* macOS on several interfaces */
    LINK_NFLOG,     /* Linux's logging of packets */
    LINK_LLC,       /* RFC 2684, LLC */
    LINK_CLASSICAL_IP,
    LINK_FRAME_RELAY,
    LINK_PACKET_FILTER, /* OpenBSD's pflog */
    LINK_ENC,           /* OpenBSD's IPsec */
    LINK_IPNET,         /* Solaris */
    LINK_PPPOE,
    LINK_PPP_DIRECTED, /* behind an octet of direction, these three */
    LINK_HDLC_DIRECTED,
    LINK_RELAY_DIRECTED,
    LINK_LABELLED, /* MPLS */
    LINK_FIRE_WIRE,
    LINK_FIBRE_CHANNEL, /* RFC 2625 */
    LINK_INFINIBAND,
    LINK_ANALYZER,      /* Hilscher's netANALYZER */
    LINK_ANALYZER_BITS, /* the same with the preamble */
    LINK_PREAMBLE,      /* Ethernet's */
    LINK_JUNIPER,
    LINK_BROADCOM_TAG, /* ports of a switch chip, these four */
    LINK_BROADCOM_BEFORE,
    LINK_MARVELL_TAG,
    LINK_MARVELL_LONG_TAG,
    LINK_UNKNOWN
};

enum ether_type {
    ETHER_IPV4 = 0x0800,
    ETHER_ARP = 0x0806,
    ETHER_ERSPAN3 = 0x22eb,  /* ERSPAN type III, in GRE */
    ETHER_BRIDGING = 0x6558, /* transparent Ethernet bridging, in GRE */
    ETHER_RARP = 0x8035,
    ETHER_VLAN = 0x8100,
    ETHER_IPV6 = 0x86dd,
    ETHER_WCCP = 0x883e, /* in GRE */
    ETHER_MPLS = 0x8847,
    ETHER_MPLS_UPSTREAM = 0x8848,
    ETHER_PPPOE = 0x8864, /* a session's frames */
    ETHER_PROVIDER_VLAN = 0x88a8,
    ETHER_ERSPAN = 0x88be,   /* ERSPAN type I and II, in GRE */
    ETHER_BACKBONE = 0x88e7, /* provider backbone bridging */
    ETHER_SIGNED = 0x88e5,   /* MACsec, IEEE 802.1AE */
    ETHER_METADATA = 0x8909, /* Cisco's security group tag */
    ETHER_PORT = 0x8926,     /* VN-tag, 802.1Qbh */
    ETHER_SEAMLESS = 0x892f, /* HSR, IEC 62439-3 */
    ETHER_EXTENDER = 0x893f, /* E-tag, 802.1BR */
    ETHER_NSH = 0x894f,      /* network service header */
    ETHER_OLD_VLAN = 0x9100,
    ETHER_OLDER_VLAN = 0x9200,
    ETHER_REDUNDANCY = 0xf1c1 /* R-TAG, IEEE 802.1CB */
};

/* What reading a header came to. */
enum wire_fault {
    WIRE_OK,
    WIRE_CUT,         /* the header ends behind the captured octets */
    WIRE_MALFORMED,   /* a field contradicts its standard */
    WIRE_TOO_DEEP,    /* more tags, headers or tunnels than the limit */
    WIRE_CONTRADICTED /* its fragments overlap and differ */
};

struct ethernet_frame {
    struct mac source, destination;
    uint16_t vlans[LIMIT_VLAN_TAGS]; /* VLAN ids, the outer first */
    uint8_t vlan_count;
    uint16_t type;          /* EtherType; 0: an 802.3 frame without one */
    const uint8_t *payload; /* into the frame */
    size_t length;          /* captured octets of the payload, padding included */
    bool sealed;            /* the link has encrypted the payload; type 0 */
    const uint8_t *rest;    /* the other frames that were sent as one with it, or NULL */
    size_t rest_length;
};

/* Returns the link of the number that capture files use (tcpdump.org/linktypes),
 * LINK_UNKNOWN for those that are not read. */
enum link_type link_type_of(uint32_t number);

/* Reads the link header of `length` captured `bytes`; *ret is whole only after
 * WIRE_OK. The frame borrows `bytes`. */
enum wire_fault ethernet_read(enum link_type link, const uint8_t *bytes, size_t length,
                              struct ethernet_frame *ret) MUST_USE;

/* Reads the next of the frames that were sent as one, after one whose `rest` is not NULL, over
 * *frame. */
enum wire_fault ethernet_read_rest(struct ethernet_frame *frame) MUST_USE;

/* For the readers of links. Reads what follows the EtherType (or length) `type`: tags, LLC;
 * sets the tags, type and payload of *ret. */
enum wire_fault ethernet_read_type(uint16_t type, const uint8_t *bytes, size_t length,
                                   struct ethernet_frame *ret) MUST_USE;

/* The same for what begins with LLC. */
enum wire_fault ethernet_read_llc(const uint8_t *bytes, size_t length,
                                  struct ethernet_frame *ret) MUST_USE;

/* Whether LLC begins here that names an EtherType (RFC 1042, IEEE 802.1H). */
bool ethernet_is_snap(const uint8_t *bytes, size_t length);

/* Returns the VLAN that the frame's guest is in: the tag next to the payload, 0
 * without one. */
uint16_t ethernet_vlan(const struct ethernet_frame *frame);

/* Returns what is said of `fault` after the name of a frame: "is cut short" ... */
const char *wire_fault_text(enum wire_fault fault);

#endif
