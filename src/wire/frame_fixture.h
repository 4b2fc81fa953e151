/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_FRAME_FIXTURE_H
#define MUSTER_WIRE_FRAME_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

/* Frames for tests, built octet by octet from the standards' figures and not with the
 * code under test. A frame grows at its end; lengths of headers that contain what
 * comes later are set by frame_close(), which the headers' beginnings are given to.
 * Addresses of tests: 2001:db8::N for the number N, MACs 52:54:00:00:00:N. */

enum { FRAME_ROOM = 4096 };

struct frame {
    uint8_t bytes[FRAME_ROOM];
    size_t length;
};

/* Append octets, a number of one, two or four octets, zeroes. */
void frame_add(struct frame *to, const void *bytes, size_t length);
void frame_u8(struct frame *to, unsigned value);
void frame_u16(struct frame *to, unsigned value);
void frame_u32(struct frame *to, uint32_t value);
void frame_zeroes(struct frame *to, size_t count);

/* Append the address 2001:db8::N, the MAC 52:54:00:00:00:N. */
void frame_address(struct frame *to, unsigned n);
void frame_mac(struct frame *to, unsigned n);

/* Appends an Ethernet header from MAC 1 to MAC 2 with this EtherType. */
void frame_ethernet(struct frame *to, unsigned type);

/* Appends an IPv6 header from address 1 to address 2, hop limit 255; returns where it
 * begins. */
size_t frame_ipv6(struct frame *to, unsigned next);

/* Appends an IPv4 header from 192.0.2.1 to 192.0.2.2; returns where it begins. */
size_t frame_ipv4(struct frame *to, unsigned protocol);

/* Sets the payload length of the IPv6 or IPv4 header at `begin` to what follows it. */
void frame_close(struct frame *to, size_t begin);

/* Appends a destination options header (or hop-by-hop) with one Home Address option of
 * address `home`: 24 octets. */
void frame_home_option(struct frame *to, unsigned next, unsigned home);

/* Appends a type 2 routing header to address `home`. */
void frame_home_route(struct frame *to, unsigned next, unsigned home);

/* Appends a Binding Update with flags `flags`, sequence 7 and `units` of lifetime, and
 * where `care_of` is not 0 the Alternate Care-of Address option. */
void frame_update(struct frame *to, unsigned flags, unsigned units, unsigned care_of);

#endif
