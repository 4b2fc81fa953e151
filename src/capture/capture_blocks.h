/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CAPTURE_CAPTURE_BLOCKS_H
#define MUSTER_CAPTURE_CAPTURE_BLOCKS_H

#include "capture/capture_file.h"
#include "capture/capture_stream.h"

/* The packets of a pcapng file (draft-ietf-opsawg-pcapng).
 *
 * Wireshark writes this format by default, and what it writes is more than libpcap
 * takes: one file can hold interfaces of different link types (a capture on several
 * interfaces at once), and sections of either byte order behind one another (files that
 * were put together). So each packet carries the link type of its own interface here.
 * Enhanced, simple and the obsolete packet blocks are packets; section headers and
 * interface descriptions are followed; every other block (names, statistics, secrets,
 * comments, custom blocks) is passed over by its length, however long it is.
 *
 * Times are counted in the unit that the interface's if_tsresol says, a power of ten or
 * two (microseconds without it), from the instant of its if_tsoffset. A time that does
 * not fit into the calendar, and that of a simple packet, which has none, is unknown.
 *
 * Attacks considered: lengths that contradict each other, blocks within which the file
 * ends, packets of interfaces that were not described, options that overrun their block,
 * endless interface descriptions (LIMIT_CAPTURE_INTERFACES). */

struct capture_blocks;

/* Begins at the section header that `stream`, kept, holds next. */
struct capture_blocks *capture_blocks_new(struct capture_stream *stream);

/* Frees it; NULL is allowed. */
void capture_blocks_free(struct capture_blocks *blocks);

/* As capture_file_next(), but for the packet's number. */
int capture_blocks_next(struct capture_blocks *blocks, struct capture_packet *ret,
                        struct err *err) MUST_USE;

#endif
