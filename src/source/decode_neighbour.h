/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_DECODE_NEIGHBOUR_H
#define MUSTER_SOURCE_DECODE_NEIGHBOUR_H

#include <stdint.h>

#include "base/text.h"
#include "wire/neighbour_frame.h"

/* What LLDP, CDP and LACP frames of a capture say, as JSON lines of `muster decode`:
 *
 * neighbour: protocol (lldp, cdp), frame, sender, chassis, port, port_description,
 *   system, description, address, native_vlan; null where not said, and always for
 *   switch, local_port and if_index, which a capture does not tell. MACs as
 *   52:54:00:11:22:33, octets that are no text as hex:…
 * lacp: frame, sender, actor and partner (null: not said), each with priority, system,
 *   key, port, state (a number, the bits of IEEE 802.1AX).
 *
 * Everything printed is escaped: the octets are whatever a frame had in it. */

/* Appends the line of `read`, which came in frame `number` from `sender`. */
void decode_neighbour_print(const struct neighbour_frame *read, uint64_t number, struct mac sender,
                            struct text *lines);

#endif
