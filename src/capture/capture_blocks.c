/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_blocks.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"

enum block_type {
    BLOCK_INTERFACE = 1,
    BLOCK_OLD_PACKET = 2,
    BLOCK_SIMPLE_PACKET = 3,
    BLOCK_PACKET = 6,
    BLOCK_SECTION = 0x0a0d0d0a
};

enum { BYTE_ORDER_MAGIC = 0x1a2b3c4d };

enum {
    BLOCK_HEADER = 8,    /* type and length */
    BLOCK_OVERHEAD = 12, /* and the length again, at the end */
    SECTION_BYTES = 16,  /* of its body */
    INTERFACE_BYTES = 8,
    SIMPLE_BYTES = 4,
    PACKET_BYTES = 20,
    OPTION_HEADER = 4,
    /* A packet, its padding, and options as long as anyone writes them. */
    PACKET_BLOCK_MAX = LIMIT_CAPTURE_PACKET + 2048
};

enum interface_option { OPTION_END = 0, OPTION_RESOLUTION = 9, OPTION_OFFSET = 14 };

enum { RESOLUTION_BINARY = 0x80, RESOLUTION_DEFAULT = 6, DECIMAL_MAX = 19, BINARY_MAX = 63 };

#define SECONDS_MAX INT64_C(253402300799) /* the last second of the year 9999 */

struct interface {
    uint32_t link_number;
    uint32_t snap;  /* 0: no limit */
    uint64_t units; /* of time in a second; 0: too fine to be counted */
    int64_t offset_seconds;
};

struct capture_blocks {
    struct capture_stream *stream;
    struct interface *interfaces; /* of this section */
    size_t count, capacity;
    uint64_t packets;
};

struct capture_blocks *capture_blocks_new(struct capture_stream *stream)
{
    struct capture_blocks *blocks = alloc_zeroed(1, sizeof *blocks);
    blocks->stream = stream;
    return blocks;
}

void capture_blocks_free(struct capture_blocks *blocks)
{
    if (blocks == NULL)
        return;
    free(blocks->interfaces);
    free(blocks);
}

static int corrupt(const struct capture_blocks *blocks, struct err *err, const char *what)
{
    return err_set(err, ERR_CORRUPT,
                   "%s: after packet %" PRIu64 ", at octet %" PRIu64
                   ": %s; what follows is not read",
                   blocks->stream->path, blocks->packets, blocks->stream->offset, what);
}

static int ends_within(const struct capture_blocks *blocks, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "%s ends within a block, after packet %" PRIu64,
                   blocks->stream->path, blocks->packets);
}

/* --- interfaces --- */

static uint64_t units_of(uint8_t resolution)
{
    unsigned exponent = resolution & (RESOLUTION_BINARY - 1);
    if ((resolution & RESOLUTION_BINARY) != 0)
        return exponent <= BINARY_MAX ? UINT64_C(1) << exponent : 0;
    if (exponent > DECIMAL_MAX)
        return 0;
    uint64_t units = 1;
    while (exponent-- > 0)
        units *= 10;
    return units;
}

static int64_t seconds_at(const struct capture_stream *stream, const uint8_t *at)
{
    uint64_t first = capture_stream_u32(stream, at), second = capture_stream_u32(stream, at + 4);
    return (int64_t)(stream->swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
                         ? first << 32 | second
                         : second << 32 | first);
}

static bool read_interface_options(const struct capture_stream *stream, const uint8_t *at,
                                   size_t length, struct interface *ret)
{
    while (length >= OPTION_HEADER) {
        uint16_t code = capture_stream_u16(stream, at);
        size_t size = capture_stream_u16(stream, at + 2), padded = (size + 3) & ~(size_t)3;
        if (code == OPTION_END)
            return true;
        at += OPTION_HEADER;
        length -= OPTION_HEADER;
        if (padded > length)
            return false;
        if (code == OPTION_RESOLUTION && size == 1)
            ret->units = units_of(at[0]);
        else if (code == OPTION_OFFSET && size == 8)
            ret->offset_seconds = seconds_at(stream, at);
        at += padded;
        length -= padded;
    }
    return length == 0;
}

static int add_interface(struct capture_blocks *blocks, const uint8_t *body, size_t length,
                         struct err *err)
{
    const struct capture_stream *stream = blocks->stream;
    if (length < INTERFACE_BYTES)
        return corrupt(blocks, err, "an interface description is too short");
    if (blocks->count == LIMIT_CAPTURE_INTERFACES)
        return err_set(err, ERR_LIMIT, "%s describes more interfaces than the limit of %d",
                       stream->path, LIMIT_CAPTURE_INTERFACES);
    struct interface interface = {.link_number = capture_stream_u16(stream, body),
                                  .snap = capture_stream_u32(stream, body + 4),
                                  .units = units_of(RESOLUTION_DEFAULT)};
    if (!read_interface_options(stream, body + INTERFACE_BYTES, length - INTERFACE_BYTES,
                                &interface))
        return corrupt(blocks, err, "an interface's options overrun their block");
    blocks->interfaces = alloc_grow(blocks->interfaces, blocks->count, &blocks->capacity,
                                    sizeof *blocks->interfaces);
    blocks->interfaces[blocks->count++] = interface;
    return 0;
}

static struct wall wall_of(const struct interface *interface, uint32_t high, uint32_t low)
{
    uint64_t count = (uint64_t)high << 32 | low;
    if (interface->units == 0)
        return WALL_UNKNOWN;
    uint64_t whole = count / interface->units, rest = count % interface->units;
    if (whole > (uint64_t)SECONDS_MAX || interface->offset_seconds > SECONDS_MAX ||
        interface->offset_seconds < -SECONDS_MAX)
        return WALL_UNKNOWN;
    int64_t seconds = (int64_t)whole + interface->offset_seconds;
    if (seconds < 0 || seconds > SECONDS_MAX)
        return WALL_UNKNOWN;
    uint64_t micros = (uint64_t)((unsigned __int128)rest * 1000000 / interface->units);
    return (struct wall){seconds * 1000000 + (int64_t)micros};
}

/* --- packets --- */

/* Hands out `captured` octets at `bytes`, of which `room` are there. */
static int give(struct capture_blocks *blocks, uint32_t interface, const uint8_t *bytes,
                size_t room, struct capture_packet *ret, struct err *err)
{
    if (interface >= blocks->count)
        return corrupt(blocks, err, "a packet is of an interface that was not described");
    if (ret->captured > LIMIT_CAPTURE_PACKET || ret->captured > room)
        return corrupt(blocks, err, "a packet claims more octets than its block has");
    ret->bytes = bytes;
    ret->link_number = blocks->interfaces[interface].link_number;
    ret->link = link_type_of(ret->link_number);
    blocks->packets++;
    return 1;
}

static int take_packet(struct capture_blocks *blocks, bool old, const uint8_t *body, size_t length,
                       struct capture_packet *ret, struct err *err)
{
    const struct capture_stream *stream = blocks->stream;
    if (length < PACKET_BYTES)
        return corrupt(blocks, err, "a packet's block is too short");
    uint32_t interface = old ? capture_stream_u16(stream, body) : capture_stream_u32(stream, body);
    ret->captured = capture_stream_u32(stream, body + 12);
    ret->sent = capture_stream_u32(stream, body + 16);
    int got = give(blocks, interface, body + PACKET_BYTES, length - PACKET_BYTES, ret, err);
    if (got == 1)
        ret->at = wall_of(&blocks->interfaces[interface], capture_stream_u32(stream, body + 4),
                          capture_stream_u32(stream, body + 8));
    return got;
}

/* It has no length of its own but the sent one, no time, and is of the first interface. */
static int take_simple(struct capture_blocks *blocks, const uint8_t *body, size_t length,
                       struct capture_packet *ret, struct err *err)
{
    if (length < SIMPLE_BYTES)
        return corrupt(blocks, err, "a packet's block is too short");
    ret->sent = ret->captured = capture_stream_u32(blocks->stream, body);
    ret->at = WALL_UNKNOWN;
    uint32_t snap = blocks->count > 0 ? blocks->interfaces[0].snap : 0;
    if (snap != 0 && snap < ret->captured)
        ret->captured = snap;
    return give(blocks, 0, body + SIMPLE_BYTES, length - SIMPLE_BYTES, ret, err);
}

/* --- blocks --- */

/* Finds the byte order of the section that begins. The header's 16 octets are held. */
static int begin_section(struct capture_blocks *blocks, const uint8_t *at, struct err *err)
{
    struct capture_stream *stream = blocks->stream;
    stream->swapped = false;
    if (capture_stream_u32(stream, at + BLOCK_HEADER) == BYTE_ORDER_MAGIC) {
        blocks->count = 0;
        return 0;
    }
    stream->swapped = true;
    if (capture_stream_u32(stream, at + BLOCK_HEADER) != BYTE_ORDER_MAGIC)
        return corrupt(blocks, err, "a section header has no byte order");
    blocks->count = 0;
    return 0;
}

static bool is_read(uint32_t type)
{
    return type == BLOCK_INTERFACE || type == BLOCK_OLD_PACKET || type == BLOCK_SIMPLE_PACKET ||
           type == BLOCK_PACKET;
}

static int pass_over(struct capture_blocks *blocks, uint64_t size, struct err *err)
{
    int status = capture_stream_skip(blocks->stream, size, err);
    return status == ERR_CORRUPT ? ends_within(blocks, err) : status;
}

/* Reads the block whose `size` octets are wholly held. Returns 1 for a packet, 0 for
 * another block, or an error. */
static int take_block(struct capture_blocks *blocks, uint32_t type, size_t size,
                      struct capture_packet *ret, struct err *err)
{
    const uint8_t *body = blocks->stream->buffer + blocks->stream->begin + BLOCK_HEADER;
    size_t length = size - BLOCK_OVERHEAD;
    int got;
    if (type == BLOCK_INTERFACE)
        got = add_interface(blocks, body, length, err);
    else if (type == BLOCK_SIMPLE_PACKET)
        got = take_simple(blocks, body, length, ret, err);
    else
        got = take_packet(blocks, type == BLOCK_OLD_PACKET, body, length, ret, err);
    if (got < 0)
        return got;
    /* The packet stays where it is until the next call. */
    blocks->stream->begin += size;
    blocks->stream->offset += size;
    return got;
}

/* Returns as take_block(), or 2 at the end of the file. */
static int next_block(struct capture_blocks *blocks, struct capture_packet *ret, struct err *err)
{
    struct capture_stream *stream = blocks->stream;
    int status = 0;
    if (capture_stream_held(stream) < BLOCK_HEADER + SECTION_BYTES)
        status = capture_stream_fill(stream, BLOCK_HEADER + SECTION_BYTES, err);
    if (status != 0)
        return status;
    size_t held = capture_stream_held(stream);
    if (held == 0)
        return 2;
    const uint8_t *at = stream->buffer + stream->begin;
    if (held < BLOCK_OVERHEAD)
        return ends_within(blocks, err);
    uint32_t type = capture_stream_u32(stream, at); /* a section's is the same in both orders */
    if (type == BLOCK_SECTION && (status = begin_section(blocks, at, err)) != 0)
        return status;
    uint64_t size = ((uint64_t)capture_stream_u32(stream, at + 4) + 3) & ~UINT64_C(3);
    if (size < BLOCK_OVERHEAD)
        return corrupt(blocks, err, "a block claims to be shorter than its header");
    if (!is_read(type))
        return pass_over(blocks, size, err);
    if (size > PACKET_BLOCK_MAX)
        return err_set(err, ERR_CORRUPT,
                       "%s: packet %" PRIu64 " at octet %" PRIu64 " is in a block of %" PRIu64
                       " octets, more than the limit of %d",
                       stream->path, blocks->packets + 1, stream->offset, size, PACKET_BLOCK_MAX);
    if (held < size) {
        status = capture_stream_fill(stream, (size_t)size, err);
        if (status != 0)
            return status;
        if (capture_stream_held(stream) < size)
            return ends_within(blocks, err);
    }
    return take_block(blocks, type, (size_t)size, ret, err);
}

int capture_blocks_next(struct capture_blocks *blocks, struct capture_packet *ret, struct err *err)
{
    int got;
    do
        got = next_block(blocks, ret, err);
    while (got == 0);
    return got == 2 ? 0 : got;
}
