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
 * nanoseconds, and pcapng.
 *
 * The classic format is read here in chunks of half a megabyte: the copy into a block
 * that stays in the processor's cache makes the headers' first touch cheap, which
 * beats both mapping the file and libpcap's loop (bench/run capture). pcapng, rare
 * and intricate, is left to libpcap, as are old variants of the classic format.
 *
 * Limits and attacks: a packet that claims more than LIMIT_CAPTURE_PACKET octets
 * ends the reading with an error that says where, so no length in a file makes
 * memory grow; neither does the file's size: one chunk is held, whatever is read
 * (a fifo too). A file that ends within a packet is an error after its last whole
 * packet was handed out, since what a cut capture shows is still true. */

struct capture_packet {
    const uint8_t *bytes; /* valid until the next call for this reader */
    uint32_t captured;    /* octets at `bytes` */
    uint32_t sent;        /* octets it had on the wire */
    struct wall at;
    uint64_t number; /* from 1, as Wireshark counts */
};

struct capture_file;

/* Whether `path` is a file that begins like a capture. */
bool capture_file_is(const char *path);

/* Opens the capture at `path`. Returns 0 with *ret, yours to close; else ERR_NOT_FOUND,
 * ERR_SYSTEM, ERR_SYNTAX (no capture) or ERR_UNSUPPORTED (a link type that is not
 * read); the message names the path. */
int capture_file_open(const char *path, struct capture_file **ret, struct err *err) MUST_USE;

/* Closes it; NULL is allowed. */
void capture_file_close(struct capture_file *file);

/* Returns the link type of its packets. */
enum link_type capture_file_link(const struct capture_file *file);

/* Takes the next packet. Returns 1 with *ret, 0 at the end, or an error that names
 * the path, the packet and what is wrong with it; after an error only errors. */
int capture_file_next(struct capture_file *file, struct capture_packet *ret,
                      struct err *err) MUST_USE;

#endif
