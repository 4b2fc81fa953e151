/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CAPTURE_CAPTURE_FILTER_H
#define MUSTER_CAPTURE_CAPTURE_FILTER_H

#include <pcap/pcap.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "wire/ethernet.h"

/* Which frames are worth a look: one rule, twice. The kernel runs it as classic BPF on
 * a live mirror, so that millions of frames a second never reach the program; readers
 * of files run it as C before they parse anything.
 *
 * A Mobility Header can stand behind other headers, and libpcap's "protochain" is a
 * loop, which the kernel refuses to attach. So the program that is made here walks the
 * chain with the X register, unrolled FILTER_CHAIN_DEPTH times and behind up to two
 * VLAN tags (the kernel has taken the outermost off before). It accepts what can
 * matter: a Mobility Header, destination options (Home Address, and the drafts'
 * messages), a type 2 routing header, ESP behind one, tunnels and GRE (mirror
 * headers), unsolicited Neighbor Advertisements, RARP, gratuitous ARP; and whatever is
 * deeper than it looks. For Mobile IPv6 it also accepts overlays (MPLS, VXLAN ..., see
 * tunnel.h), ESP that may be open (open_payload.h) and later fragments. What it accepts is parsed
 * exactly by wire/, so a decoy costs time and nothing else. TCP is refused after one look, UDP
 * after one at its ports.
 *
 * Limits: an overlay or ESP behind IPv6 extension headers other than those is not seen by the
 * kernel's version, one over UDP that is in fragments by neither. Ethernet only; on other links
 * everything is accepted. For a census of sources every frame is accepted, with its first
 * FILTER_CENSUS_OCTETS octets. Neither version reads past what was captured. */

enum capture_want {
    CAPTURE_MOBILE = 1,       /* Mobile IPv6 */
    CAPTURE_ANNOUNCEMENT = 2, /* ARP, RARP and Neighbor Discovery that announce */
    CAPTURE_CENSUS = 4        /* every frame's source */
};

enum {
    FILTER_CHAIN_DEPTH = 4,    /* headers after IPv6 that the kernel walks */
    FILTER_CENSUS_OCTETS = 64, /* of a frame that only its source is wanted of */
    FILTER_ROOM = 512
};

/* Writes the program that accepts what `wants` (enum capture_want, at least one) needs,
 * with at most `snap` octets of each frame, to `ret`. Returns its number of
 * instructions. */
size_t capture_filter_program(unsigned wants, uint32_t snap,
                              struct bpf_insn ret[static FILTER_ROOM]) MUST_USE;

/* Returns which of MOBILE and ANNOUNCEMENT the frame may matter to; all on links other
 * than Ethernet. */
unsigned capture_filter_match(enum link_type link, const uint8_t *bytes, size_t length);

#endif
