/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_RADIUS_STATION_H
#define MUSTER_WIRE_RADIUS_STATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/mac.h"

/* The station that a RADIUS record is about: Calling-Station-Id (RFC 2865 section
 * 5.31, RFC 3580 section 3.21) holds whatever the device that asks for access calls
 * the one who comes: a MAC in any spelling, and, where it serves dial-in or VPN
 * clients as well, a telephone number or an IP address.
 *
 * Spellings seen (DOMAIN 2.7 point 4): 00-10-A4-23-19-C0 (RFC 3580), 00:10:a4:23:19:c0,
 * 0010.a423.19c0, 0010a4-2319c0 and 0010a42319c0, octets of one digit where they are
 * joined, padding with blanks or NUL, quotes around it, and, from some access points, the
 * network's name behind it, as Called-Station-Id has it: 02:00:5e:10:00:01:SSID-name.
 *
 * What is rejected, and as what, because a guest that cannot be named must be counted
 * and not guessed:
 *
 * - an IPv4 or IPv6 address;
 * - a telephone number: digits, led by '+' or grouped by blanks, dots and so on. Twelve
 *   decimal digits are both a number and a MAC; they are a MAC (Muster's networks are
 *   Ethernet) unless NAS-Port-Type says that a telephone line was used;
 * - an EUI-64 or a longer hardware address, which begins like a MAC and is none: a
 *   suffix behind a MAC is taken for a name only when it is not more octets;
 * - zero, multicast and virtual routers' addresses: never a guest's.
 *
 * Nothing here is authenticated beyond the client's secret: a switch that lies about a
 * MAC is believed by its secret, and the judge then compares with the forward tables.
 * Cost: one pass for the spelling that nearly every switch sends, no allocation. */

/* word, enumerator */
#define RADIUS_STATIONS(STATION)                                                                   \
    STATION("mac", RADIUS_STATION_MAC)                                                             \
    STATION("absent", RADIUS_STATION_ABSENT)                                                       \
    STATION("ip_address", RADIUS_STATION_IP)                                                       \
    STATION("telephone", RADIUS_STATION_TELEPHONE)                                                 \
    STATION("no_station", RADIUS_STATION_GROUP) /* zero, multicast, virtual router */              \
    STATION("other", RADIUS_STATION_OTHER)

enum radius_station {
#define STATION(word, name) name,
    RADIUS_STATIONS(STATION)
#undef STATION
        RADIUS_STATION_COUNT
};

/* Returns the word of a form. */
const char *radius_station_word(enum radius_station station);

/* NAS-Port-Type where it is not given. */
enum { RADIUS_PORT_TYPE_ETHERNET = 15, RADIUS_PORT_TYPE_UNKNOWN = INT32_MAX };

/* Reads a Calling-Station-Id of a record whose NAS-Port-Type is `port_type`
 * (RADIUS_PORT_TYPE_UNKNOWN: not said). Returns RADIUS_STATION_MAC with *ret, else what
 * it is instead, with *ret untouched. */
enum radius_station radius_station_parse(const char *text, size_t length, uint32_t port_type,
                                         struct mac *ret) MUST_USE;

#endif
