/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_SEGMENT_H
#define MUSTER_STORE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

/* One file of the journal (journal.h): a head, then records (event_record.h) one
 * after another up to whatever the file held before.
 *
 * A new file is filled with zeros and synced under the name NAME.new and renamed
 * when it is whole, so that a file with a segment's name always has a head. The head
 * holds the key that its records are checked with, so it stands in the file twice,
 * each copy a block of its own with a checksum: either copy is enough. To use a file
 * again both are replaced one after the other, under a new number and a new key;
 * a crash in between leaves the newer or the older head, and either is right, since
 * every record under the old one is in the store and none is under the new one.
 *
 * Limits: JOURNAL_SEGMENT_BYTES_MAX. Attacks considered: files are opened without
 * following links and only when they are regular; a head's numbers are checked
 * before they are used; what does not look like a segment is refused, not changed. */

enum { SEGMENT_VERSION = 1, SEGMENT_BLOCK = 4096, SEGMENT_HEAD = 2 * SEGMENT_BLOCK };

struct segment_head {
    uint64_t number;   /* grows with every use of any file of the journal */
    uint64_t key;      /* of its records' checksums */
    uint64_t identity; /* the journal's */
    uint64_t base;     /* its records' sequence numbers are higher */
    uint32_t lane;     /* that writes it */
};

struct segment {
    struct segment *next;
    char *name; /* in the journal's folder */
    int fd;     /* while it is written; -1 */
    size_t size;
    struct segment_head head;
    size_t end;              /* of its last record that is on the disk */
    uint64_t last;           /* that record's sequence number, 0: none */
    uint64_t damaged_places; /* that had been synced: not the torn end of the last write */
    bool sealed;             /* nothing will be added */
};

/* Makes the file `name` of `size` octets in `folder` with a head. Returns 0 with
 * *ret, or ERR_SYSTEM with nothing left behind. */
int segment_create(int folder, const char *name, size_t size, const struct segment_head *head,
                   struct segment **ret, struct err *err) MUST_USE;

/* Opens the existing file `name` and reads its head. Returns 0 with *ret, sealed and
 * not scanned; ERR_CORRUPT, ERR_VERSION, ERR_SYSTEM with a sentence that names it. */
int segment_open(int folder, const char *name, struct segment **ret, struct err *err) MUST_USE;

/* Closes the file; what is known of it stays. */
void segment_close(struct segment *segment);

/* Opens the closed file of a segment whose records are all in the store, and gives it a new
 * head; it is empty then. On failure it is closed. */
int segment_renew(struct segment *segment, int folder, const struct segment_head *head,
                  struct err *err) MUST_USE;

/* Reads all of an open segment; sets end, last and damaged_places, and *ret_unfolded to
 * how many records have a sequence number above `folded`. */
int segment_scan(struct segment *segment, uint64_t folded, uint64_t *ret_unfolded,
                 struct err *err) MUST_USE;

/* Finds the next record in `bytes` at or behind *at and before `end`, stepping over what is
 * none; `last` is the sequence number that it must exceed. Returns its length with *at its
 * place; 0 when there is none. */
size_t segment_next(const struct segment *segment, const uint8_t *bytes, size_t end, uint64_t last,
                    size_t *at);

/* Forgets the segment, whose file stays; NULL is allowed. */
void segment_free(struct segment *segment);

#endif
