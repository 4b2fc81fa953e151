/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_REASSEMBLY_H
#define MUSTER_WIRE_REASSEMBLY_H

#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"
#include "wire/ip_packet.h"

/* Packets put together again from their fragments (RFC 791, RFC 8200 section 4.5).
 *
 * A Binding Update with many options, a RADIUS packet of 4,096 octets or a mirrored
 * frame in GRE does not fit into one packet. Fragments are collected by addresses,
 * identification (and protocol, of IPv4) in any order; one bit for each eight octets says
 * what is there. The first fragment's headers are kept for the whole. What is complete
 * is handed out once; the same fragments heard again (a mirror that shows both
 * directions) are told from new ones by their content and give nothing.
 *
 * Fragments that overlap may only repeat each other. Where they contradict, receivers
 * differ in which they believe (RFC 5722 has IPv6 believe none): so the packet is refused,
 * with a fault, for the listener must not believe what the receiver does not.
 *
 * Limits and attacks: LIMIT_REASSEMBLIES packets of at most 64 KiB at a time, the oldest
 * gives way; a packet has REASSEMBLY_SECONDS from its first fragment, by the time of the
 * capture. A flood of fragments thus costs a bounded memory and can push unfinished
 * packets out, which `lost` counts. */

enum { REASSEMBLY_SECONDS = 60 };

struct reassembly;

/* Is told of each packet of which a fragment came and that will not be whole: the frame
 * `number` of the first that came, and the headers of one; of a first fragment also the
 * payload's beginning, if that is here whole (else its length is 0). */
typedef void reassembly_lost_fn(void *aux, const struct ip_packet *packet, uint64_t number);

/* Makes an empty one; `lost` may be NULL. */
struct reassembly *reassembly_new(reassembly_lost_fn *lost, void *aux);

/* Gives up what is unfinished, without telling `lost`, and frees all; NULL is allowed. */
void reassembly_free(struct reassembly *reassembly);

/* Gives up what is unfinished and tells `lost` of each, the oldest first. */
void reassembly_end(struct reassembly *reassembly);

/* Takes `packet`, which has a part (ip_packet.h), captured at `at` in the frame `number`.
 * Returns WIRE_OK, with the octets of the whole packet in *ret_bytes (yours to free()) and
 * the packet in *ret, borrowing them, when this was the last part that was missing; else
 * *ret_bytes is NULL. A fault means that its parts cannot be one packet. */
enum wire_fault reassembly_add(struct reassembly *reassembly, const struct ip_packet *packet,
                               bool old_options, uint64_t number, struct wall at,
                               struct ip_packet *ret, uint8_t **ret_bytes) MUST_USE;

/* What the frame `number` made whole it makes whole again when it is taken once more: for
 * a caller who could not use it and will be shown the frame again. */
void reassembly_take_back(struct reassembly *reassembly, uint64_t number);

#endif
