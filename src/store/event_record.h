/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_EVENT_RECORD_H
#define MUSTER_STORE_EVENT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/limits.h"
#include "model/event.h"

/* An event as the journal keeps it: one record of a few dozen octets that stands for
 * itself.
 *
 *     0  checksum of all that follows, keyed by the segment (8)
 *     8  length of the whole record, a multiple of 8 (2)
 *    10  which optional fields follow (2)
 *    12  where in the file the write that it was part of began, in eights (3); mark (1)
 *    16  sequence number (8)    24  at (8)    32  heard (8)
 *    40  kind (1)    41  hint, proof (1)
 *    42  the optional fields in the order of enum field, then zeros
 *
 * Numbers are little-endian. A text is its length, its octets and a zero, so that a
 * record that was read can be used where it lies; an address is its length (4 or 16)
 * and its octets. What an event leaves open costs nothing.
 *
 * A record says by itself whether it is whole, whatever stands before it: a reader
 * that has lost its place tries every eighth octet. The key is random and known to
 * nobody who sends events, so no text in an event can pretend to be a record, and
 * what a file held before it was used again never passes for new. The place where its
 * write began tells a torn end from a damaged middle: what lies before the last write
 * was synced once. Limits: a text is
 * at most EVENT_TEXT_MAX octets; the checksum is that of base/hash.h, so a journal is
 * read on machines of one byte order. Attacks considered: every length is checked
 * against the record's end, every enumerator against its count, before it is used. */

enum {
    EVENT_TEXT_MAX = LIMIT_NAME_BYTES,
    EVENT_RECORD_ALIGN = 8,
    EVENT_RECORD_HEAD = 42,
    EVENT_RECORD_MAX = 2304 /* longest record: every field there, every text at its limit */
};

/* Writes `event` as a record without its checksum at `to`, which has room for
 * EVENT_RECORD_MAX. Returns its length, 0 when a text is too long. */
size_t event_record_write(uint8_t *to, uint64_t sequence, const struct event *event) MUST_USE;

/* Completes a record that event_record_write() made: it is part of a write that begins at
 * `start` (a multiple of 8, below 2^27) of a file whose checksums are made with `key`. Returns
 * its length. */
size_t event_record_seal(uint8_t *record, size_t start, uint64_t key);

/* Returns the length of the whole and true record that begins at `at`, of which
 * `room` octets are there; 0 when none does. */
size_t event_record_check(const uint8_t *at, size_t room, uint64_t key);

/* The sequence number of a checked record, and where its write began. */
uint64_t event_record_sequence(const uint8_t *record);
size_t event_record_start(const uint8_t *record);

/* Reads a checked record; its texts point into it, NULL where not said. Returns 0, or
 * ERR_CORRUPT when it says what no event can. */
int event_record_read(const uint8_t *record, struct event *ret) MUST_USE;

#endif
