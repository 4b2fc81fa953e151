/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CAPTURE_CAPTURE_FILE_H
#define MUSTER_CAPTURE_CAPTURE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "wire/ethernet.h"

/* Capture files, packet by packet: classic .pcap in both byte orders, with micro- or
 * nanoseconds and with the longer packet headers of old Linux patches, and pcapng
 * (capture_blocks.h).
 *
 * Files are read in chunks of half a megabyte (capture_stream.h): the copy into a block
 * that stays in the processor's cache makes the headers' first touch cheap, which
 * beats both mapping the file and libpcap's loop (bench/run capture). The path "-" is
 * standard input, and a fifo or a device is read as it comes: a capture can be piped.
 *
 * What a user may hand over by mistake is named: a compressed file, a folder, an empty
 * file, a link type that is not read. In a classic file that ends the reading; in a pcapng
 * file other interfaces may be readable, so its packets are handed out with
 * LINK_UNKNOWN and their number, for the caller to count.
 *
 * Limits and attacks: a packet that claims more than LIMIT_CAPTURE_PACKET octets
 * ends the reading with an error that says where, so no length in a file makes
 * memory grow; neither does the file's size: one chunk is held, whatever is read.
 * A file that ends within a packet is an error after its last whole
 * packet was handed out, since what a cut capture shows is still true. */

struct capture_packet {
    const uint8_t *bytes; /* valid until the next call for this reader */
    uint32_t captured;    /* octets at `bytes` */
    uint32_t sent;        /* octets it had on the wire */
    uint32_t link_number; /* as the file has it */
    enum link_type link;
    struct wall at;  /* unknown where the file does not say */
    uint64_t number; /* from 1, as Wireshark counts */
};

struct capture_file;

/* Whether `path` is a file that begins like a capture, compressed ones too, or is read as one
 * because it can be read only once: "-", a fifo, a device. */
bool capture_file_is(const char *path);

/* Returns the name of the link type of this number for people, "no known one" for a number
 * without a name. */
const char *capture_link_name(uint32_t number);

/* Opens the capture at `path`, "-" for standard input. Returns 0 with *ret, yours to close;
 * else ERR_NOT_FOUND, ERR_SYSTEM, ERR_SYNTAX (no capture) or ERR_UNSUPPORTED (compressed, or a
 * link type that is not read); the message names the path. */
int capture_file_open(const char *path, struct capture_file **ret, struct err *err) MUST_USE;

/* Closes it; NULL is allowed. */
void capture_file_close(struct capture_file *file);

/* Whether packets come as somebody captures them: from a pipe or a device. */
bool capture_file_is_piped(const struct capture_file *file);

/* Takes the next packet. Returns 1 with *ret, 0 at the end, or an error that names
 * the path, the packet and what is wrong with it; after an error only errors. */
int capture_file_next(struct capture_file *file, struct capture_packet *ret,
                      struct err *err) MUST_USE;

#endif
