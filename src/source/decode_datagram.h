/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_DECODE_DATAGRAM_H
#define MUSTER_SOURCE_DECODE_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/ip.h"
#include "base/text.h"

/* One UDP datagram of a capture, as `muster decode` hands it to the decoder of its
 * port. The capture's side knows frames, tunnels and ports and nothing of what they
 * carry; a protocol's side knows its payload and nothing of captures. A decoder is
 * one function and one line in the table of decode_capture.c.
 *
 * The payload is borrowed and hostile; `cut` says that the capture holds less of it
 * than was sent, so that a decoder can tell a short snap length from a lie. */

struct decode_datagram {
    uint64_t frame; /* its number in the capture */
    struct wall at;
    struct ip source, destination;
    uint16_t source_port, destination_port;
    const uint8_t *bytes; /* the payload */
    size_t length;
    bool cut;
};

struct decode_radius;

struct decode_secrets {
    struct decode_radius *radius; /* holds the secrets of RADIUS clients */
};

/* Appends to `lines` what `datagram` says, each as a JSON object with its line end;
 * nothing when it is right and says nothing. Returns 0, or -1 when it cannot be
 * read: then *ret_why is a constant half-sentence, "has a length below 20". */
typedef int decode_datagram_fn(const struct decode_datagram *datagram,
                               const struct decode_secrets *secrets, struct text *lines,
                               const char **ret_why);

#endif
