/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_DECODE_CAPTURE_H
#define MUSTER_SOURCE_DECODE_CAPTURE_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "source/decode_datagram.h"

/* What Muster reads out of a capture, as JSON lines (DESIGN section 6), in the order
 * of the frames. Tunnels and mirror headers are taken off first.
 *
 * binding: a message of Mobile IPv6, or evidence of a binding (wire/binding.h).
 *   frame          number of the frame in the capture, from 1; of the fragment that made it
 *                  whole, where its first fragment did not say it all
 *   time           when it was captured, null where the capture does not say
 *   event          update, ack, error, refresh_request, home_test_init, home_test,
 *                  care_of_test_init, care_of_test, names of other messages;
 *                  protected_update, protected_ack (before ESP); data
 *   home_address, care_of, home_agent, correspondent
 *                  null where the message does not say
 *   sequence, lifetime_seconds, status
 *                  null where the message has none; lifetime in seconds
 *   flags          letters, [] for none
 *   home_prefix, mn_id, link_layer, mac
 *                  of Proxy Mobile IPv6, else null
 *   ipv4_home_address
 *                  the other home address of a dual stack node, null
 *   behind         esp_null: read behind ESP that signs without encrypting; ah: behind an
 *                  authentication header; null
 *   deregistration true for an update that ends its binding
 *   draft          true for the destination options of the drafts
 *   checksum       right, wrong, none (zero or not captured whole)
 *   whole          false for a message that ends early or has a malformed option: what was
 *                  read before that, which no source of events would believe
 * announcement: gratuitous_arp, rarp or unsolicited_nd with mac, vlan (null: untagged),
 *   address (null for RARP), sender.
 * neighbour, lacp: see decode_neighbour.h.
 * session, trap: see the decoders of RADIUS and SNMP.
 *
 * A frame that cannot be read, or whose other fragments are missing, is a note on stderr with its
 * number and what is wrong, at most DECODE_CAPTURE_NOTES a file and then their count. The first
 * frame that its link has encrypted (IEEE 802.11, MACsec) is a note, and their count. */

enum { DECODE_CAPTURE_NOTES = 20 };

struct decode_capture_counts {
    uint64_t frames, bindings, announcements, faults;
};

/* Decodes the capture at `path` to `out` and writes notes to `notes`. Adds to
 * *counts. Returns 0, or an error that names path and packet; what was printed
 * before it stays. */
int decode_capture(const char *path, const struct decode_secrets *secrets, FILE *out, FILE *notes,
                   struct decode_capture_counts *counts, struct err *err) MUST_USE;

#endif
