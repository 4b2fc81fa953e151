/* SPDX-License-Identifier: Apache-2.0 */
#include "store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/text.h"
#include "store/event_record.h"
#include "store/journal.h"
#include "store/octets.h"

/* The head: mark, version, lane, number, key, identity, base, checksum. */
enum {
    AT_VERSION = 8,
    AT_LANE = 12,
    AT_NUMBER = 16,
    AT_KEY = 24,
    AT_IDENTITY = 32,
    AT_BASE = 40,
    AT_CHECK = 48,
    HEAD_SIZE = 56,
    ZEROS = 256 * 1024
};

static const char mark[AT_VERSION] = {'M', 's', 't', 'r', 'E', 'v', 'J', '\n'};
static const uint64_t head_seed = UINT64_C(0x6a6f75726e616c31);

/* --- the head --- */

static void print_head(const struct segment_head *head, uint8_t to[static HEAD_SIZE])
{
    memcpy(to, mark, sizeof mark);
    octets_put_32(to + AT_VERSION, SEGMENT_VERSION);
    octets_put_32(to + AT_LANE, head->lane);
    octets_put_64(to + AT_NUMBER, head->number);
    octets_put_64(to + AT_KEY, head->key);
    octets_put_64(to + AT_IDENTITY, head->identity);
    octets_put_64(to + AT_BASE, head->base);
    octets_put_64(to + AT_CHECK, hash_bytes(to, AT_CHECK, head_seed));
}

/* Returns 0; ERR_VERSION when a newer Muster wrote it; ERR_CORRUPT. */
static int parse_head(const uint8_t from[static HEAD_SIZE], struct segment_head *ret)
{
    if (memcmp(from, mark, sizeof mark) != 0 ||
        octets_get_64(from + AT_CHECK) != hash_bytes(from, AT_CHECK, head_seed))
        return ERR_CORRUPT;
    if (octets_get_32(from + AT_VERSION) != SEGMENT_VERSION)
        return ERR_VERSION;
    *ret = (struct segment_head){.lane = octets_get_32(from + AT_LANE),
                                 .number = octets_get_64(from + AT_NUMBER),
                                 .key = octets_get_64(from + AT_KEY),
                                 .identity = octets_get_64(from + AT_IDENTITY),
                                 .base = octets_get_64(from + AT_BASE)};
    return ret->lane < JOURNAL_LANES_MAX ? 0 : ERR_CORRUPT;
}

static int write_head(const struct segment *segment, const struct segment_head *head,
                      struct err *err)
{
    uint8_t bytes[HEAD_SIZE];
    print_head(head, bytes);
    for (off_t at = 0; at < SEGMENT_HEAD; at += SEGMENT_BLOCK) {
        if (pwrite(segment->fd, bytes, HEAD_SIZE, at) != HEAD_SIZE)
            return err_set_errno(err, errno, "the journal's %s: writing its head", segment->name);
        if (fdatasync(segment->fd) != 0)
            return err_set_errno(err, errno, "the journal's %s: syncing its head", segment->name);
    }
    return 0;
}

static int read_head(struct segment *segment, struct err *err)
{
    struct segment_head heads[2];
    int result[2];
    for (int i = 0; i < 2; i++) {
        uint8_t bytes[HEAD_SIZE] = {0};
        if (pread(segment->fd, bytes, HEAD_SIZE, (off_t)i * SEGMENT_BLOCK) < 0)
            return err_set_errno(err, errno, "the journal's %s: reading its head", segment->name);
        result[i] = parse_head(bytes, &heads[i]);
    }
    if (result[0] == ERR_VERSION || result[1] == ERR_VERSION)
        return err_set(err, ERR_VERSION,
                       "the journal's %s was written by a newer Muster; nothing was changed: use "
                       "the newer Muster",
                       segment->name);
    if (result[0] != 0 && result[1] != 0)
        return err_set(err, ERR_CORRUPT,
                       "the journal's %s is not a segment, or its head is damaged; nothing was "
                       "changed: move it away to go on without the events in it",
                       segment->name);
    bool second = result[0] != 0 || (result[1] == 0 && heads[1].number > heads[0].number);
    segment->head = heads[second];
    return 0;
}

/* --- files --- */

static struct segment *segment_new(const char *name, int fd, size_t size)
{
    struct segment *segment = alloc_zeroed(1, sizeof *segment);
    segment->name = alloc_text(name);
    segment->fd = fd;
    segment->size = size;
    segment->end = SEGMENT_HEAD;
    return segment;
}

void segment_close(struct segment *segment)
{
    if (segment->fd >= 0)
        close(segment->fd);
    segment->fd = -1;
}

void segment_free(struct segment *segment)
{
    if (segment == NULL)
        return;
    segment_close(segment);
    free(segment->name);
    free(segment);
}

/* Blocks are really written: only then does a later sync of them change no metadata. */
static int fill(int fd, size_t size)
{
    int failed = posix_fallocate(fd, 0, (off_t)size);
    if (failed != 0) {
        errno = failed;
        return -1;
    }
    AUTO_FREE uint8_t *zeros = alloc_zeroed(1, ZEROS);
    for (size_t at = 0; at < size;) {
        size_t part = size - at < ZEROS ? size - at : ZEROS;
        ssize_t written = pwrite(fd, zeros, part, (off_t)at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return -1;
        at += (size_t)written;
    }
    return fsync(fd);
}

static int create_under(int folder, const char *temporary, struct segment *segment,
                        const struct segment_head *head, struct err *err)
{
    if (fill(segment->fd, segment->size) != 0)
        return err_set_errno(err, errno, "the journal's %s: making room on the disk",
                             segment->name);
    int failed = write_head(segment, head, err);
    if (failed != 0)
        return failed;
    if (renameat(folder, temporary, folder, segment->name) != 0 || fsync(folder) != 0)
        return err_set_errno(err, errno, "the journal's %s: naming it", segment->name);
    segment->head = *head;
    return 0;
}

int segment_create(int folder, const char *name, size_t size, const struct segment_head *head,
                   struct segment **ret, struct err *err)
{
    AUTO_TEXT struct text temporary = TEXT_EMPTY;
    text_printf(&temporary, "%s.new", name);
    int fd = openat(folder, text_get(&temporary),
                    O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(err, errno, "the journal's %s: making it", name);
    struct segment *segment = segment_new(name, fd, size);
    int failed = create_under(folder, text_get(&temporary), segment, head, err);
    if (failed != 0) {
        unlinkat(folder, text_get(&temporary), 0);
        segment_free(segment);
        return failed;
    }
    *ret = segment;
    return 0;
}

int segment_open(int folder, const char *name, struct segment **ret, struct err *err)
{
    int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        int failed = err_set_errno(err, errno, "the journal's %s: opening it", name);
        if (fd >= 0)
            close(fd);
        return failed;
    }
    struct segment *segment = segment_new(name, fd, (size_t)status.st_size);
    segment->sealed = true;
    int failed = 0;
    if (!S_ISREG(status.st_mode) || status.st_size < SEGMENT_HEAD ||
        status.st_size > JOURNAL_SEGMENT_BYTES_MAX)
        failed =
            err_set(err, ERR_CORRUPT,
                    "the journal's %s is not a segment; nothing was changed: move it away", name);
    if (failed == 0)
        failed = read_head(segment, err);
    if (failed != 0) {
        segment_free(segment);
        return failed;
    }
    *ret = segment;
    return 0;
}

int segment_renew(struct segment *segment, int folder, const struct segment_head *head,
                  struct err *err)
{
    segment->fd = openat(folder, segment->name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (segment->fd < 0)
        return err_set_errno(err, errno, "the journal's %s: opening it", segment->name);
    int failed = write_head(segment, head, err);
    if (failed != 0) {
        segment_close(segment);
        return failed;
    }
    segment->head = *head;
    segment->end = SEGMENT_HEAD;
    segment->last = 0;
    segment->damaged_places = 0;
    segment->sealed = false;
    return 0;
}

/* --- records --- */

size_t segment_next(const struct segment *segment, const uint8_t *bytes, size_t end, uint64_t last,
                    size_t *at)
{
    for (size_t place = *at; place + EVENT_RECORD_HEAD <= end; place += EVENT_RECORD_ALIGN) {
        size_t length = event_record_check(bytes + place, end - place, segment->head.key);
        if (length == 0)
            continue;
        uint64_t sequence = event_record_sequence(bytes + place);
        if (sequence <= last || sequence <= segment->head.base)
            continue;
        *at = place;
        return length;
    }
    return 0;
}

static int read_whole(const struct segment *segment, uint8_t *bytes, struct err *err)
{
    for (size_t at = 0; at < segment->size;) {
        ssize_t got = pread(segment->fd, bytes + at, segment->size - at, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set_errno(err, got < 0 ? errno : EIO, "the journal's %s: reading it",
                                 segment->name);
        at += (size_t)got;
    }
    return 0;
}

/* Counts places without a record: for certain those before a write's beginning and
 * within a write that another one followed, the others when that turns out. */
struct gaps {
    size_t start; /* of the last write seen */
    uint64_t certain, within_last;
};

static void count_gap(struct gaps *gaps, size_t from, size_t record_at, size_t start)
{
    if (start > gaps->start) {
        gaps->certain += gaps->within_last;
        gaps->within_last = 0;
        gaps->start = start;
    }
    if (from == record_at)
        return;
    if (from < start)
        gaps->certain++;
    else
        gaps->within_last++;
}

int segment_scan(struct segment *segment, uint64_t folded, uint64_t *ret_unfolded, struct err *err)
{
    AUTO_FREE uint8_t *bytes = alloc_array(segment->size, 1);
    int failed = read_whole(segment, bytes, err);
    if (failed != 0)
        return failed;
    struct gaps gaps = {.start = SEGMENT_HEAD};
    *ret_unfolded = 0;
    segment->end = SEGMENT_HEAD;
    size_t at = SEGMENT_HEAD;
    for (size_t length;
         (length = segment_next(segment, bytes, segment->size, segment->last, &at)) != 0;) {
        count_gap(&gaps, segment->end, at, event_record_start(bytes + at));
        segment->last = event_record_sequence(bytes + at);
        *ret_unfolded += segment->last > folded;
        at += length;
        segment->end = at;
    }
    segment->damaged_places = gaps.certain;
    return 0;
}
