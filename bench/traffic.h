/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BENCH_TRAFFIC_H
#define MUSTER_BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>

#include <stdint.h>

/* Frames of a data centre's mirror port, the same sequence for the same seed, for files
 * and for sending: TCP and UDP over IPv4 and IPv6 in sizes from 60 to 1,500 octets, 40
 * per cent with a VLAN tag, two with two; three per cent of IPv6 with extension headers;
 * decoys, whose payload has the octets of Mobile IPv6 and is none; and one in a thousand
 * that is Mobile IPv6: Binding Updates behind the Home Address option, behind hop-by-hop
 * options too, bare, in an IPv6 tunnel, behind two tags, as the drafts' option; their
 * acknowledgements and the tests of routes. What was made is counted, so that every
 * reader can be held against it. */

enum { TRAFFIC_FRAME_MAX = 1514 };

struct traffic {
    uint64_t state; /* of the generator */
    uint64_t frames, octets;
    uint64_t messages; /* with a Mobility Header */
    uint64_t updates;  /* of these, Binding Updates */
    uint64_t drafts;   /* Binding Updates as destination option */
    uint64_t decoys;
};

/* Begins the sequence of `seed`. */
void traffic_begin(struct traffic *traffic, uint64_t seed);

/* Writes the next frame to `ret` and counts it; returns its length. */
size_t traffic_next(struct traffic *traffic, uint8_t ret[static TRAFFIC_FRAME_MAX]);

#endif
