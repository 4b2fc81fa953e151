/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
    CHUNK_BYTES = 512 * 1024,
    FILE_HEADER = 24,
    PACKET_HEADER = 16,
    /* The first chunk's bytes and the rest of a packet that it cut. */
    BUFFER_BYTES = CHUNK_BYTES + LIMIT_CAPTURE_PACKET + PACKET_HEADER
};

enum magic {
    MAGIC_MICROSECONDS = 0xa1b2c3d4,
    MAGIC_NANOSECONDS = 0xa1b23c4d,
    MAGIC_PATCHED = 0xa1b2cd34, /* longer packet headers: libpcap knows them */
    MAGIC_NEXT_GENERATION = 0x0a0d0d0a
};

enum { LINK_NUMBER_MASK = 0x03ffffff }; /* what is above says how long a trailing FCS is */

struct capture_file {
    char *path;
    int fd;
    pcap_t *pcap; /* NULL: read here */
    enum link_type link;
    bool swapped, nanoseconds, ended;
    uint8_t *buffer;
    size_t begin, end; /* what is unread in `buffer` */
    uint64_t offset;   /* of `begin` in the file */
    uint64_t packets;
    struct err *failed; /* what every call says after an error */
};

static uint32_t load(const uint8_t *at, bool swapped)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return swapped ? __builtin_bswap32(value) : value;
}

/* Reads until `wanted` octets are in the buffer or the file ends. */
static int fill(struct capture_file *file, size_t wanted, struct err *err)
{
    if (file->begin > 0) {
        memmove(file->buffer, file->buffer + file->begin, file->end - file->begin);
        file->end -= file->begin;
        file->begin = 0;
    }
    while (file->end < wanted && !file->ended) {
        size_t room = BUFFER_BYTES - file->end;
        ssize_t got =
            read(file->fd, file->buffer + file->end, room < CHUNK_BYTES ? room : CHUNK_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set_errno(err, errno, "cannot read %s", file->path);
        file->ended = got == 0;
        file->end += (size_t)got;
    }
    return 0;
}

static bool is_magic(uint32_t magic)
{
    return magic == MAGIC_MICROSECONDS || magic == MAGIC_NANOSECONDS || magic == MAGIC_PATCHED ||
           magic == MAGIC_NEXT_GENERATION;
}

bool capture_file_is(const char *path)
{
    uint8_t bytes[4];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool whole = pread(fd, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes;
    close(fd);
    return whole && (is_magic(load(bytes, false)) || is_magic(load(bytes, true)));
}

/* --- by libpcap --- */

static int open_with_library(struct capture_file *file, struct err *err)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    file->pcap =
        pcap_open_offline_with_tstamp_precision(file->path, PCAP_TSTAMP_PRECISION_MICRO, why);
    if (file->pcap == NULL)
        return err_set(err, ERR_SYNTAX, "%s is no capture that can be read: %s", file->path, why);
    file->link = link_type_of((uint32_t)pcap_datalink(file->pcap));
    if (file->link == LINK_UNKNOWN)
        return err_set(err, ERR_UNSUPPORTED, "%s: link type %s is not read", file->path,
                       pcap_datalink_val_to_name(pcap_datalink(file->pcap)));
    return 0;
}

static int next_of_library(struct capture_file *file, struct capture_packet *ret, struct err *err)
{
    struct pcap_pkthdr *header;
    const u_char *bytes;
    int got = pcap_next_ex(file->pcap, &header, &bytes);
    if (got == PCAP_ERROR_BREAK)
        return 0;
    if (got != 1)
        return err_set(err, ERR_CORRUPT, "%s: after packet %" PRIu64 ": %s", file->path,
                       file->packets, pcap_geterr(file->pcap));
    *ret =
        (struct capture_packet){.bytes = bytes,
                                .captured = header->caplen,
                                .sent = header->len,
                                .at = {(int64_t)header->ts.tv_sec * 1000000 + header->ts.tv_usec},
                                .number = ++file->packets};
    return 1;
}

/* --- the classic format --- */

static int read_file_header(struct capture_file *file, struct err *err)
{
    int status = fill(file, FILE_HEADER, err);
    if (status != 0)
        return status;
    if (file->end < 4)
        return err_set(err, ERR_SYNTAX, "%s is no capture: it has %zu octets", file->path,
                       file->end);
    uint32_t magic = load(file->buffer, false);
    file->swapped = !is_magic(magic);
    magic = load(file->buffer, file->swapped);
    if (!is_magic(magic))
        return err_set(err, ERR_SYNTAX, "%s is no capture: it begins with %08x", file->path, magic);
    if (magic == MAGIC_PATCHED || magic == MAGIC_NEXT_GENERATION)
        return open_with_library(file, err);
    if (file->end < FILE_HEADER)
        return err_set(err, ERR_SYNTAX, "%s ends within its header", file->path);
    file->nanoseconds = magic == MAGIC_NANOSECONDS;
    uint32_t number = load(file->buffer + 20, file->swapped) & LINK_NUMBER_MASK;
    file->link = link_type_of(number);
    if (file->link == LINK_UNKNOWN)
        return err_set(err, ERR_UNSUPPORTED, "%s: link type %u is not read", file->path, number);
    file->begin = file->offset = FILE_HEADER;
    return 0;
}

int capture_file_open(const char *path, struct capture_file **ret, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "cannot open %s", path);
    struct capture_file *file = alloc_zeroed(1, sizeof *file);
    file->fd = fd;
    file->path = alloc_text(path);
    file->buffer = alloc_array(BUFFER_BYTES, 1);
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
    if (file->pcap != NULL)
        pcap_close(file->pcap);
    close(file->fd);
    free(file->path);
    free(file->buffer);
    free(file->failed);
    free(file);
}

enum link_type capture_file_link(const struct capture_file *file)
{
    return file->link;
}

/* The slow way: the next packet is not wholly in the buffer, or is not right. Returns 1
 * when it is there now, 0 at the end. */
static int fetch(struct capture_file *file, struct err *err)
{
    int status = fill(file, PACKET_HEADER, err);
    if (status != 0)
        return status;
    if (file->end == 0)
        return 0;
    uint64_t number = file->packets + 1;
    if (file->end < PACKET_HEADER)
        return err_set(err, ERR_CORRUPT, "%s ends within the header of packet %" PRIu64, file->path,
                       number);
    uint32_t captured = load(file->buffer + 8, file->swapped);
    if (captured > LIMIT_CAPTURE_PACKET)
        return err_set(err, ERR_CORRUPT,
                       "%s: packet %" PRIu64 " at octet %" PRIu64
                       " claims %u octets, more than the limit of %d",
                       file->path, number, file->offset, captured, LIMIT_CAPTURE_PACKET);
    status = fill(file, PACKET_HEADER + captured, err);
    if (status != 0)
        return status;
    if (file->end < PACKET_HEADER + captured)
        return err_set(err, ERR_CORRUPT, "%s ends within packet %" PRIu64, file->path, number);
    return 1;
}

static int next_classic(struct capture_file *file, struct capture_packet *ret, struct err *err)
{
    size_t have = file->end - file->begin;
    const uint8_t *at = file->buffer + file->begin;
    uint32_t captured = have < PACKET_HEADER ? 0 : load(at + 8, file->swapped);
    if (have < PACKET_HEADER || captured > LIMIT_CAPTURE_PACKET ||
        have - PACKET_HEADER < captured) {
        int got = fetch(file, err);
        if (got != 1)
            return got;
        at = file->buffer + file->begin;
        captured = load(at + 8, file->swapped);
    }
    uint32_t fraction = load(at + 4, file->swapped);
    ret->bytes = at + PACKET_HEADER;
    ret->captured = captured;
    ret->sent = load(at + 12, file->swapped);
    ret->at.us = (int64_t)load(at, file->swapped) * 1000000 +
                 (file->nanoseconds ? fraction / 1000 : fraction);
    ret->number = ++file->packets;
    file->begin += PACKET_HEADER + captured;
    file->offset += PACKET_HEADER + captured;
    return 1;
}

int capture_file_next(struct capture_file *file, struct capture_packet *ret, struct err *err)
{
    if (file->failed != NULL) {
        *err = *file->failed;
        return err->code;
    }
    int got = file->pcap != NULL ? next_of_library(file, ret, err) : next_classic(file, ret, err);
    if (got < 0) {
        file->failed = alloc_zeroed(1, sizeof *file->failed);
        *file->failed = *err;
    }
    return got;
}
