/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_OID_H
#define MUSTER_WIRE_OID_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"

/* Object identifiers in their three forms: sub-identifiers (struct oid), text
 * ("1.3.6.1.2.1.17"), and BER content octets as they stand in a message (X.690
 * section 8.19: base 128, the first two sub-identifiers in one).
 *
 * Hot paths never decode: a table's rows are told by their BER octets after the
 * prefix ("index tail"), which compare, copy and hash as bytes. A MAC in an index
 * takes 6 to 12 octets, since sub-identifiers above 127 take two.
 *
 * Hostile input: sub-identifiers beyond 32 bits, a truncated last one, more than
 * LIMIT_OID_LENGTH of them are errors. Non-minimal encodings (leading 0x80) are
 * accepted and compare by value, since agents exist that send them. */

struct oid {
    uint32_t ids[LIMIT_OID_LENGTH];
    uint32_t length; /* sub-identifiers in use */
};

/* A constant: OID(1, 3, 6, 1, 2, 1, 17). */
#define OID(...)                                                                                   \
    ((struct oid){.ids = {__VA_ARGS__},                                                            \
                  .length = sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)})

enum {
    OID_BER_SIZE = LIMIT_OID_LENGTH * 5,      /* most octets that one encodes to */
    OID_TEXT_SIZE = LIMIT_OID_LENGTH * 11 + 1 /* most characters that one prints to */
};

/* Parses "1.3.6.1", ".1.3.6.1" or "iso.3.6.1"; the whole of `text` must be the
 * OID, at least one sub-identifier. Returns 0, or ERR_SYNTAX / ERR_RANGE (a
 * sub-identifier above 32 bits) / ERR_LIMIT with *ret untouched. */
int oid_parse(const char *text, size_t length, struct oid *ret) MUST_USE;

/* Writes "1.3.6.1" ("" for no sub-identifier); returns `buffer`. */
char *oid_format(const struct oid *oid, char buffer[static OID_TEXT_SIZE]);

/* Lexicographic order: negative, 0 or positive as `a` is before, equal to or
 * after `b`. A prefix is before what it begins. */
int oid_compare(const struct oid *a, const struct oid *b);

/* Whether `oid` begins with all of `prefix` (equal counts). */
bool oid_has_prefix(const struct oid *oid, const struct oid *prefix);

/* Appends `id`. Returns 0, or ERR_LIMIT with `oid` unchanged. */
int oid_append(struct oid *oid, uint32_t id) MUST_USE;

/* Decodes the content octets of an OBJECT IDENTIFIER (no tag, no length); none
 * gives 0.0. Returns 0, or ERR_SYNTAX (truncated) / ERR_RANGE / ERR_LIMIT with
 * *ret untouched. */
int oid_decode(const uint8_t *bytes, size_t length, struct oid *ret) MUST_USE;

/* Writes the content octets of `oid` and returns their number, at most
 * OID_BER_SIZE. Fewer than two sub-identifiers are filled up with 0. */
size_t oid_encode(const struct oid *oid, uint8_t bytes[static OID_BER_SIZE]);

/* Decodes an index tail, the octets of an OID after some prefix of two or more
 * sub-identifiers, into at most `capacity` ids and sets *ret_count. Returns 0,
 * or ERR_SYNTAX / ERR_RANGE / ERR_LIMIT; `ids` may then be partly written. */
int oid_index_decode(const uint8_t *bytes, size_t length, uint32_t *ids, size_t capacity,
                     size_t *ret_count) MUST_USE;

/* Writes `count` (at most LIMIT_OID_LENGTH) sub-identifiers as an index tail and
 * returns the number of octets, at most 5 * `count`. */
size_t oid_index_encode(const uint32_t *ids, size_t count, uint8_t *bytes);

/* Compares two index tails, or two contents of OIDs, by value as oid_compare()
 * does; any octets are allowed (what is truncated counts as it stands). */
int oid_index_compare(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length);

/* Returns how many octets `a` and `b` have in common at their beginnings, at most
 * `length`. */
static inline size_t oid_common_octets(const uint8_t *a, const uint8_t *b, size_t length)
{
    size_t same = 0;
    for (; length - same >= sizeof(uint64_t); same += sizeof(uint64_t)) {
        uint64_t x, y;
        memcpy(&x, a + same, sizeof(x));
        memcpy(&y, b + same, sizeof(y));
        if (x != y)
            return same + (size_t)__builtin_ctzll(le64toh(x) ^ le64toh(y)) / 8;
    }
    while (same < length && a[same] == b[same])
        same++;
    return same;
}

/* As oid_index_compare() < 0, when the first `same` octets are known to be equal
 * (and no more): decides by the next octets where sub-identifiers below 16384
 * differ, which in tables is nearly always. */
static inline bool oid_index_before(const uint8_t *a, size_t a_length, const uint8_t *b,
                                    size_t b_length, size_t same)
{
    if (same < a_length && same < b_length && a[same] < 0x80 && b[same] < 0x80)
        return a[same] < b[same];
    if (same + 1 < a_length && same + 1 < b_length && a[same] > 0x80 && b[same] > 0x80 &&
        a[same + 1] < 0x80 && b[same + 1] < 0x80)
        return a[same] < b[same];
    return oid_index_compare(a, a_length, b, b_length) < 0;
}

#endif
