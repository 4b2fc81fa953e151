/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_DECODE_RADIUS_H
#define MUSTER_SOURCE_DECODE_RADIUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "source/decode_datagram.h"

/* What Muster reads out of RADIUS in a capture or a detail file, as JSON lines (DESIGN
 * section 6).
 *
 * session: one Accounting-Request.
 *   frame        number of the frame in the capture, of the record in a text file
 *   event        start, stop, interim, on, off; failed and other, which lead to nothing;
 *                null: no status type
 *   valid        true: its authenticators agree with one of the secrets given; false: they
 *                do not, or the packet is malformed: the server would drop it; null: no
 *                secret was given, or the file has no authenticators
 *   mac          of the station; null where Calling-Station-Id is none
 *   nas          NAS-Identifier, else its address, else where the packet came from
 *   port         NAS-Port-Id, else NAS-Port
 *   session      Acct-Session-Id
 *   time         when it happened: Event-Timestamp, else arrival less Acct-Delay-Time
 *   station      Calling-Station-Id as sent; station_is: mac, absent, ip_address, telephone,
 *                no_station (zero, multicast, a virtual router's) or other
 *   called, user, multi_session, vlan, address, source, destination, cause, delay_seconds,
 *   interim_seconds, port_number, port_type: as sent, null where absent
 *   notes        what is wrong with the packet, in words
 * radius: any other packet of the protocol (Access-Request, Status-Server, answers ...), for
 * people: frame, code, identifier, valid (null where alone nothing can be verified), source,
 * destination, user, mac, nas, notes. Nothing in Muster is made of them.
 *
 * What is taken for RADIUS: a datagram to or from one of the protocol's ports (1812, 1813,
 * 1645, 1646, 1700, 3799) with a header that holds and at least one sound attribute or none
 * at all; on any port one whose authenticator a secret proves, and an Accounting-Request
 * that is sound, has a status type and a session id: no other protocol looks like that.
 *
 * Each secret is tried on each packet, so several clients' secrets may be given at once; a
 * bad one costs a digest. Nothing is kept between packets. Hostile input ends in
 * "valid":false or in no line. */

struct decode_radius;

/* Returns a decoder, yours to free; `secrets` (may be NULL when `count` is 0) are copied.
 * NULL with `err`: a secret is empty or longer than LIMIT_RADIUS_SECRET, or libcrypto has no
 * MD5. */
struct decode_radius *decode_radius_new(const char *const *secrets, size_t count,
                                        struct err *err) MUST_USE;

/* Wipes the secrets and frees the decoder; NULL is allowed. */
void decode_radius_free(struct decode_radius *decoder);

/* Whether `port` is one of the protocol's. */
bool decode_radius_is_port(uint16_t port);

/* Appends the line of one datagram to `lines`; a decode_datagram_fn. Nothing is said of
 * what is no RADIUS, except on the protocol's own ports. */
int decode_radius_datagram(const struct decode_datagram *datagram,
                           const struct decode_secrets *secrets, struct text *lines,
                           const char **ret_why);

/* Prints the records of a text (a FreeRADIUS detail file, a list of attributes for
 * radclient) to `out`. Returns how many there were. */
uint64_t decode_radius_text(const char *text, size_t length, FILE *out);

/* Whether `path` is such a text, by its first 64 KiB; false for what cannot be read. */
bool decode_radius_is_file(const char *path);

/* Prints the records of such a file, of at most LIMIT_DETAIL_MIB MiB. Returns 0, or an error
 * that names it. */
int decode_radius_file(const char *path, FILE *out, struct err *err) MUST_USE;

#endif
