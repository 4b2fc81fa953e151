/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/capture_blocks.h"
#include "capture/capture_stream.h"

enum { FILE_HEADER = 24, PACKET_HEADER = 16, LONG_PACKET_HEADER = 24, MAGIC_BYTES = 6 };

enum magic {
    MAGIC_MICROSECONDS = 0xa1b2c3d4,
    MAGIC_NANOSECONDS = 0xa1b23c4d,
    MAGIC_PATCHED = 0xa1b2cd34, /* longer packet headers */
    MAGIC_NEXT_GENERATION = 0x0a0d0d0a
};

enum { LINK_NUMBER_MASK = 0x03ffffff }; /* what is above says how long a trailing FCS is */

struct capture_file {
    char *path;
    struct capture_stream stream;
    struct capture_blocks *blocks; /* NULL: of the classic format, with what follows here */
    uint32_t link_number;
    enum link_type link;
    bool nanoseconds, piped;
    size_t packet_header; /* octets of it */
    uint64_t packets;
    struct err *failed; /* what every call says after an error */
};

static bool is_magic(uint32_t magic)
{
    return magic == MAGIC_MICROSECONDS || magic == MAGIC_NANOSECONDS || magic == MAGIC_PATCHED ||
           magic == MAGIC_NEXT_GENERATION;
}

/* Returns the program that unpacks what begins so, NULL for what is not compressed. */
static const char *unpacker_of(const uint8_t *bytes, size_t length)
{
    static const struct {
        const char *begins, *program;
        size_t length;
    } kinds[] = {{"\x1f\x8b", "gunzip", 2},
                 {"\xfd"
                  "7zXZ",
                  "unxz", 5},
                 {"\x28\xb5\x2f\xfd", "unzstd", 4},
                 {"\x04\x22\x4d\x18", "unlz4", 4},
                 {"BZh", "bunzip2", 3},
                 {"PK\x03\x04", "unzip", 4}};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (length >= kinds[i].length && memcmp(bytes, kinds[i].begins, kinds[i].length) == 0)
            return kinds[i].program;
    }
    return NULL;
}

static bool is_standard_input(const char *path)
{
    return strcmp(path, "-") == 0;
}

bool capture_file_is(const char *path)
{
    uint8_t bytes[MAGIC_BYTES];
    uint32_t magic;
    struct stat status;
    if (is_standard_input(path))
        return true;
    if (stat(path, &status) != 0 || S_ISDIR(status.st_mode))
        return false;
    if (!S_ISREG(status.st_mode))
        return true;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = pread(fd, bytes, sizeof bytes, 0);
    close(fd);
    if (got < (ssize_t)sizeof magic)
        return false;
    memcpy(&magic, bytes, sizeof magic);
    return is_magic(magic) || is_magic(__builtin_bswap32(magic)) ||
           unpacker_of(bytes, (size_t)got) != NULL;
}

const char *capture_link_name(uint32_t number)
{
    const char *name = pcap_datalink_val_to_description((int)number);
    return name != NULL ? name : "no known one";
}

/* --- opening --- */

static int refuse(const struct capture_file *file, struct err *err)
{
    const struct capture_stream *stream = &file->stream;
    const char *unpacker = unpacker_of(stream->buffer, stream->end);
    if (unpacker != NULL)
        return err_set(err, ERR_UNSUPPORTED, "%s is compressed: unpack it first (%s)", file->path,
                       unpacker);
    if (stream->end == 0)
        return err_set(err, ERR_SYNTAX, "%s is empty", file->path);
    if (stream->end < 4)
        return err_set(err, ERR_SYNTAX, "%s is no capture: it has %zu octets", file->path,
                       stream->end);
    return err_set(err, ERR_SYNTAX,
                   "%s is no capture (pcap, pcapng): it begins with %02x%02x%02x%02x", file->path,
                   stream->buffer[0], stream->buffer[1], stream->buffer[2], stream->buffer[3]);
}

static int read_file_header(struct capture_file *file, struct err *err)
{
    struct capture_stream *stream = &file->stream;
    int status = capture_stream_fill(stream, FILE_HEADER, err);
    if (status != 0)
        return status;
    if (stream->end < 4)
        return refuse(file, err);
    stream->swapped = !is_magic(capture_stream_u32(stream, stream->buffer));
    uint32_t magic = capture_stream_u32(stream, stream->buffer);
    if (!is_magic(magic))
        return refuse(file, err);
    if (magic == MAGIC_NEXT_GENERATION) {
        file->blocks = capture_blocks_new(stream);
        return 0;
    }
    if (stream->end < FILE_HEADER)
        return err_set(err, ERR_SYNTAX, "%s ends within its header", file->path);
    file->nanoseconds = magic == MAGIC_NANOSECONDS;
    file->packet_header = magic == MAGIC_PATCHED ? LONG_PACKET_HEADER : PACKET_HEADER;
    file->link_number = capture_stream_u32(stream, stream->buffer + 20) & LINK_NUMBER_MASK;
    file->link = link_type_of(file->link_number);
    if (file->link == LINK_UNKNOWN)
        return err_set(err, ERR_UNSUPPORTED, "%s: link type %u (%s) is not read", file->path,
                       file->link_number, capture_link_name(file->link_number));
    stream->begin = stream->offset = FILE_HEADER;
    return 0;
}

int capture_file_open(const char *path, struct capture_file **ret, struct err *err)
{
    bool input = is_standard_input(path);
    int fd = input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "cannot open %s", input ? "standard input" : path);
    struct capture_file *file = alloc_zeroed(1, sizeof *file);
    struct stat kind;
    file->piped = fstat(fd, &kind) == 0 && !S_ISREG(kind.st_mode);
    file->path = alloc_text(input ? "standard input" : path);
    file->stream.path = file->path;
    file->stream.fd = fd;
    file->stream.buffer = alloc_array(CAPTURE_BUFFER_BYTES, 1);
    int status = read_file_header(file, err);
    if (status != 0) {
        capture_file_close(file);
        return status;
    }
    *ret = file;
    return 0;
}

void capture_file_close(struct capture_file *file)
{
    if (file == NULL)
        return;
    capture_blocks_free(file->blocks);
    close(file->stream.fd);
    free(file->path);
    free(file->stream.buffer);
    free(file->failed);
    free(file);
}

bool capture_file_is_piped(const struct capture_file *file)
{
    return file->piped;
}

/* --- the classic format --- */

/* The slow way: the next packet is not wholly in the buffer, or is not right. Returns 1
 * when it is there now, 0 at the end. */
static int fetch(struct capture_file *file, struct err *err)
{
    struct capture_stream *stream = &file->stream;
    int status = capture_stream_fill(stream, file->packet_header, err);
    if (status != 0)
        return status;
    if (stream->end == 0)
        return 0;
    uint64_t number = file->packets + 1;
    if (stream->end < file->packet_header)
        return err_set(err, ERR_CORRUPT, "%s ends within the header of packet %" PRIu64, file->path,
                       number);
    uint32_t captured = capture_stream_u32(stream, stream->buffer + 8);
    if (captured > LIMIT_CAPTURE_PACKET)
        return err_set(err, ERR_CORRUPT,
                       "%s: packet %" PRIu64 " at octet %" PRIu64
                       " claims %u octets, more than the limit of %d",
                       file->path, number, stream->offset, captured, LIMIT_CAPTURE_PACKET);
    status = capture_stream_fill(stream, file->packet_header + captured, err);
    if (status != 0)
        return status;
    if (stream->end < file->packet_header + captured)
        return err_set(err, ERR_CORRUPT, "%s ends within packet %" PRIu64, file->path, number);
    return 1;
}

static int next_classic(struct capture_file *file, struct capture_packet *ret, struct err *err)
{
    struct capture_stream *stream = &file->stream;
    size_t have = capture_stream_held(stream), header = file->packet_header;
    const uint8_t *at = stream->buffer + stream->begin;
    uint32_t captured = have < header ? 0 : capture_stream_u32(stream, at + 8);
    if (have < header || captured > LIMIT_CAPTURE_PACKET || have - header < captured) {
        int got = fetch(file, err);
        if (got != 1)
            return got;
        at = stream->buffer + stream->begin;
        captured = capture_stream_u32(stream, at + 8);
    }
    uint32_t fraction = capture_stream_u32(stream, at + 4);
    ret->bytes = at + header;
    ret->captured = captured;
    ret->sent = capture_stream_u32(stream, at + 12);
    ret->link = file->link;
    ret->link_number = file->link_number;
    ret->at.us = (int64_t)capture_stream_u32(stream, at) * 1000000 +
                 (file->nanoseconds ? fraction / 1000 : fraction);
    stream->begin += header + captured;
    stream->offset += header + captured;
    return 1;
}

int capture_file_next(struct capture_file *file, struct capture_packet *ret, struct err *err)
{
    if (file->failed != NULL) {
        *err = *file->failed;
        return err->code;
    }
    int got = file->blocks != NULL ? capture_blocks_next(file->blocks, ret, err)
                                   : next_classic(file, ret, err);
    if (got == 1)
        ret->number = ++file->packets;
    if (got < 0) {
        file->failed = alloc_zeroed(1, sizeof *file->failed);
        *file->failed = *err;
    }
    return got;
}
