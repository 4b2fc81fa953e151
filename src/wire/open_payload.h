/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_OPEN_PAYLOAD_H
#define MUSTER_WIRE_OPEN_PAYLOAD_H

#include "base/check.h"
#include "wire/ip_packet.h"

/* Messages that stand in clear where one does not expect them: behind ESP that signs and
 * does not encrypt, and in the UDP port of Proxy Mobile IPv6.
 *
 * Registrations are protected by ESP, which may do without encryption (RFC 3776 section 3.1,
 * RFC 5213 section 4). Nothing in the packet says so, and how long the signature at its end
 * is, only its ends know. So every usual length is tried (RFC 5879): there must be a trailer
 * whose padding counts 1, 2, 3 ..., whose next header is one of a few, and what is before it
 * must fill the space exactly and have a checksum that is right: a Mobility Header, UDP, or
 * an IP packet (tunnel mode) with either of them, TCP or ICMPv6 in it. Together that is more
 * than forty bits, which what is really encrypted does not have by chance; a message
 * whose checksum its sender left zero is not read. UDP's port of ESP (4500, RFC 3948) is read
 * alike.
 *
 * Access gateways that reach their anchor over IPv4 may send their messages in UDP's port
 * 5436 (RFC 5844): one that fills its datagram exactly is read.
 *
 * Attacks considered: a sender who wants to be read can always write so, and says no more
 * than in clear; packets that are made to be tried at every length cost six looks at their
 * end and as many checksums. Nothing is allocated. */

enum { PORT_ESP = 4500, PORT_PROXY_CONTROL = 5436, OPEN_PAYLOAD_ICVS = 6 };

/* How long the signature at the end of ESP may be. */
extern const uint8_t open_payload_icvs[OPEN_PAYLOAD_ICVS];

/* Makes `packet` what it carries in clear, as the essay says: its protocol and payload, with
 * `opened` set for ESP. Nothing is changed when there is nothing of that kind, when it
 * is a fragment or was not captured whole. */
void open_payload(struct ip_packet *packet);

/* Whether the ESP at the end of `bytes` could be opened to a message of Mobile IPv6 or a tunnel,
 * by the octets where its next header can stand: for filters, which so take one packet of
 * twenty in vain. */
bool open_payload_may(const uint8_t *bytes, size_t length);

#endif
