/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CAPTURE_CAPTURE_STREAM_H
#define MUSTER_CAPTURE_CAPTURE_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/limits.h"

/* The octets of a capture file, a chunk at a time, for the readers of its two formats.
 *
 * The readers look at `begin` and `end` themselves, since a call for each header of a
 * small packet costs more than the header; they call for more octets only when those
 * at hand do not hold the next packet. One chunk and the largest packet are held,
 * whatever the file's size, and nothing is sought, so a pipe is read like a file.
 *
 * Numbers are in the order of the machine that wrote the file: `swapped` says that it
 * is not ours. A length that a file claims is never asked for here before the reader
 * has compared it with its limit. */

enum {
    CAPTURE_CHUNK_BYTES = 512 * 1024,
    /* The chunk's octets and the rest of a block that it cut: one packet and what
     * stands around it. */
    CAPTURE_BUFFER_BYTES = CAPTURE_CHUNK_BYTES + LIMIT_CAPTURE_PACKET + 4096
};

struct capture_stream {
    const char *path; /* for messages; borrowed */
    int fd;
    bool swapped, ended;
    uint8_t *buffer;   /* CAPTURE_BUFFER_BYTES */
    size_t begin, end; /* what is unread in `buffer` */
    uint64_t offset;   /* of `begin` in the file */
};

/* Returns the 16 or 32 bits at `at` in the file's order. */
static inline uint16_t capture_stream_u16(const struct capture_stream *stream, const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return stream->swapped ? __builtin_bswap16(value) : value;
}
static inline uint32_t capture_stream_u32(const struct capture_stream *stream, const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return stream->swapped ? __builtin_bswap32(value) : value;
}

/* Returns how many octets are at `buffer + begin`. */
static inline size_t capture_stream_held(const struct capture_stream *stream)
{
    return stream->end - stream->begin;
}

/* Reads until `wanted` (at most LIMIT_CAPTURE_PACKET + 4096) octets are held or the file
 * ends; what was held moves. Returns 0 or ERR_SYSTEM. */
int capture_stream_fill(struct capture_stream *stream, size_t wanted, struct err *err) MUST_USE;

/* Goes past `count` octets, which may be more than are held. Returns 0, ERR_SYSTEM, or
 * ERR_CORRUPT (without a text) when the file ends before. */
int capture_stream_skip(struct capture_stream *stream, uint64_t count, struct err *err) MUST_USE;

#endif
