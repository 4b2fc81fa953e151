/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_RADIUS_DETAIL_H
#define MUSTER_WIRE_RADIUS_DETAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "wire/radius.h"

/* Accounting records as text: FreeRADIUS's `detail` files, and the lists of attributes
 * that radclient and its kin read.
 *
 * Why: a detail file is what an operator has at hand when sessions look wrong, and
 * `muster decode` reads any file it understands. The text is turned back into the
 * attributes of a packet, so that there is one reader of records
 * (radius_accounting_read()) and not two that differ.
 *
 * The form. A record is a run of lines "Name = value"; it ends at an empty line, at a
 * line that begins in the first column and assigns nothing (a detail file's date, the
 * headings of radsniff), or at the end. Several assignments may share a line, separated
 * by commas. Values stand bare, in single or in double quotes; within double quotes a
 * backslash takes the next character as it is, or three octal digits. Names are compared
 * without regard to case; a leading "::" of a value's name is newer FreeRADIUS's
 * and means nothing. "#" begins a comment where a line begins; comparisons (==, !=) are
 * no assignments.
 *
 * What is read: the attributes of enum radius_attribute_type, times as seconds since 1970,
 * RFC 3339, or "Feb  1 2015 08:28:58 UTC". A local time zone's abbreviation names no
 * instant that can be known elsewhere: that attribute is passed over. `Timestamp`, which
 * detail adds, is when the server got the record. The date line is local time without a
 * zone and is not believed.
 *
 * Limits: a record has at most RADIUS_PACKET_MAX octets of attributes, the rest of it is
 * passed over; a value has at most RADIUS_VALUE_MAX; text is scanned once, nothing is
 * allocated, and no line can make it fail. There is no proof in a text: its records'
 * validity is unknown, never true. */

struct radius_detail {
    const char *text; /* borrowed */
    size_t length;
    size_t at; /* begins at 0 */
};

/* Whether `text` looks like such a file: it assigns Acct-Status-Type somewhere. */
bool radius_detail_is(const char *text, size_t length);

/* Takes the next record that holds a known attribute. Returns true with the packet
 * (code Accounting-Request, no authenticator) written to `bytes` (RADIUS_PACKET_MAX
 * octets), *ret_packet in it, and *ret_arrived, WALL_UNKNOWN where no Timestamp is. */
bool radius_detail_next(struct radius_detail *detail, uint8_t *bytes,
                        struct radius_packet *ret_packet, struct wall *ret_arrived);

#endif
