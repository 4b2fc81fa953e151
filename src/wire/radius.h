/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_RADIUS_H
#define MUSTER_WIRE_RADIUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/limits.h"

/* RADIUS packets (RFC 2865, 2866, 2869, 5080, 5176, 5997): bounds, attributes,
 * authenticators, answers. Pure: bytes in, structs out; no socket, no clock.
 *
 * Why it is written here: libfreeradius cannot be built against (its headers are not
 * whole and drag in a server's globals), the client libraries do not serve.
 *
 * A packet is code(1) identifier(1) length(2) authenticator(16) and attributes
 * type(1) length(1) value(length - 2). Octets behind `length` are padding and are
 * ignored, a datagram shorter than `length` is no packet (RFC 2865 section 3).
 * radius_packet_parse() walks every attribute once and refuses a packet in which one
 * overruns; from then on radius_attribute_next() needs no more checks than its own.
 * Vendor-Specific (26) and the extended types 241 to 246 are ordinary attributes to
 * the walk: their length covers what is inside, which nobody here opens.
 *
 * Who may speak. RADIUS authenticates with MD5 over the packet and a shared secret:
 *
 * - Accounting-, CoA- and Disconnect-Request: the Request Authenticator is MD5(code +
 *   id + length + sixteen zero octets + attributes + secret). A Message-Authenticator
 *   (HMAC-MD5 keyed with the secret, its own value zeroed) is optional in them and is
 *   computed before, so over a zeroed Request Authenticator.
 * - Status-Server and Access-Request: the Request Authenticator is random, proves
 *   nothing, and the Message-Authenticator over the packet as sent is the only proof;
 *   RFC 5997 makes it mandatory in Status-Server.
 * - Responses: MD5(code + id + length + Request Authenticator + attributes + secret).
 *   The Message-Authenticator of a response covers the Request Authenticator in the
 *   header; that of an Accounting-Response to an Accounting-Request covers zeroes
 *   there, which no RFC states and FreeRADIUS, radclient and pyrad check. It is put
 *   first, as the advice against forged responses (CVE-2024-3596) wants.
 *
 * The attack on MD5 named there forges responses to requests whose authenticator is
 * random; the keyed authenticator of accounting is not open to it. A
 * Message-Authenticator that is present is verified all the same, and a client may be
 * configured to need one: that also settles what Proxy-State octets could be abused
 * for, since nothing in such a packet is believed without the HMAC.
 *
 * Cost. The digest is fetched once (with "-fips": hosts in FIPS mode have MD5 for this
 * and nothing else) and one context is reused; a request of 200 octets costs one
 * digest of four blocks, an answer one of one block, no allocation. Comparisons take
 * the same time wherever the difference is.
 *
 * Limits: 20 to RADIUS_PACKET_MAX octets, a secret of at most LIMIT_RADIUS_SECRET.
 * RadSec (RFC 6614) is not here. Replays are not the codec's to see: the source keeps
 * the duplicate cache. See DOMAIN 2.7. */

enum {
    RADIUS_HEADER = 20,
    RADIUS_PACKET_MAX = 4096,
    RADIUS_AUTHENTICATOR = 16,
    RADIUS_VALUE_MAX = 253
};

/* number, enumerator, word */
#define RADIUS_CODES(CODE)                                                                         \
    CODE(1, RADIUS_ACCESS_REQUEST, "Access-Request")                                               \
    CODE(2, RADIUS_ACCESS_ACCEPT, "Access-Accept")                                                 \
    CODE(3, RADIUS_ACCESS_REJECT, "Access-Reject")                                                 \
    CODE(4, RADIUS_ACCOUNTING_REQUEST, "Accounting-Request")                                       \
    CODE(5, RADIUS_ACCOUNTING_RESPONSE, "Accounting-Response")                                     \
    CODE(11, RADIUS_ACCESS_CHALLENGE, "Access-Challenge")                                          \
    CODE(12, RADIUS_STATUS_SERVER, "Status-Server")                                                \
    CODE(13, RADIUS_STATUS_CLIENT, "Status-Client")                                                \
    CODE(40, RADIUS_DISCONNECT_REQUEST, "Disconnect-Request")                                      \
    CODE(41, RADIUS_DISCONNECT_ACK, "Disconnect-ACK")                                              \
    CODE(42, RADIUS_DISCONNECT_NAK, "Disconnect-NAK")                                              \
    CODE(43, RADIUS_COA_REQUEST, "CoA-Request")                                                    \
    CODE(44, RADIUS_COA_ACK, "CoA-ACK")                                                            \
    CODE(45, RADIUS_COA_NAK, "CoA-NAK")

enum radius_code {
#define CODE(number, name, word) name = number,
    RADIUS_CODES(CODE)
#undef CODE
};

/* Returns the name of a code, NULL for one that is not known. */
const char *radius_code_word(uint8_t code);

/* The attributes that Muster reads. */
enum radius_attribute_type {
    RADIUS_USER_NAME = 1,
    RADIUS_NAS_IP_ADDRESS = 4,
    RADIUS_NAS_PORT = 5,
    RADIUS_FRAMED_IP_ADDRESS = 8,
    RADIUS_CALLED_STATION_ID = 30,
    RADIUS_CALLING_STATION_ID = 31,
    RADIUS_NAS_IDENTIFIER = 32,
    RADIUS_PROXY_STATE = 33,
    RADIUS_ACCT_STATUS_TYPE = 40,
    RADIUS_ACCT_DELAY_TIME = 41,
    RADIUS_ACCT_SESSION_ID = 44,
    RADIUS_ACCT_TERMINATE_CAUSE = 49,
    RADIUS_ACCT_MULTI_SESSION_ID = 50,
    RADIUS_EVENT_TIMESTAMP = 55,
    RADIUS_NAS_PORT_TYPE = 61,
    RADIUS_MESSAGE_AUTHENTICATOR = 80,
    RADIUS_TUNNEL_PRIVATE_GROUP_ID = 81,
    RADIUS_ACCT_INTERIM_INTERVAL = 85,
    RADIUS_NAS_PORT_ID = 87,
    RADIUS_NAS_IPV6_ADDRESS = 95,
    RADIUS_FRAMED_IPV6_ADDRESS = 168
};

/* Why octets are no packet. enumerator, words for people */
#define RADIUS_FAULTS(FAULT)                                                                       \
    FAULT(RADIUS_SOUND, "")                                                                        \
    FAULT(RADIUS_TOO_SHORT, "is shorter than a header of 20 octets")                               \
    FAULT(RADIUS_BAD_LENGTH, "has a length field below 20 or above 4096")                          \
    FAULT(RADIUS_CUT, "is shorter than its length field says")                                     \
    FAULT(RADIUS_ATTRIBUTE_CUT, "has an attribute that reaches past the end")                      \
    FAULT(RADIUS_ATTRIBUTE_LENGTH, "has an attribute shorter than its own header")                 \
    FAULT(RADIUS_ATTRIBUTE_ZERO, "has an attribute of type 0")                                     \
    FAULT(RADIUS_MESSAGE_AUTHENTICATOR_LENGTH,                                                     \
          "has a Message-Authenticator that is not of 16 octets")                                  \
    FAULT(RADIUS_MESSAGE_AUTHENTICATOR_TWICE, "has two Message-Authenticators")

enum radius_fault {
#define FAULT(name, words) name,
    RADIUS_FAULTS(FAULT)
#undef FAULT
        RADIUS_FAULT_COUNT
};

/* Returns what is wrong, as what follows "the packet"; "" for RADIUS_SOUND. */
const char *radius_fault_words(enum radius_fault fault);

/* A packet within somebody else's octets. */
struct radius_packet {
    const uint8_t *bytes; /* borrowed */
    size_t length;        /* of the packet, as its length field says */
    uint8_t code, identifier;
    const uint8_t *authenticator; /* sixteen octets within `bytes` */
    size_t attributes_end;        /* attributes are sound up to here, from RADIUS_HEADER */
    size_t message_authenticator; /* offset of its value; 0: the packet has none */
    bool has_proxy_state;
};

/* Finds the packet in a datagram. Returns RADIUS_SOUND, or what is wrong. From
 * RADIUS_ATTRIBUTE_CUT on, *ret holds header and attributes up to the fault, for
 * display only; before that it is untouched. */
enum radius_fault radius_packet_parse(const uint8_t *bytes, size_t length,
                                      struct radius_packet *ret);

struct radius_attribute {
    uint8_t type;
    uint8_t length;       /* of the value */
    const uint8_t *value; /* within the packet */
};

/* Takes the next attribute; *offset starts at 0. Returns false at the end. */
bool radius_attribute_next(const struct radius_packet *packet, size_t *offset,
                           struct radius_attribute *ret);

/* The shared secret of a client: borrowed octets. */
struct radius_secret {
    const uint8_t *bytes;
    size_t length; /* at most LIMIT_RADIUS_SECRET */
};

/* The fetched digest and its context; for one thread. */
struct radius_crypto;

/* Returns a new one, yours to free; NULL when libcrypto has no MD5 at all. */
struct radius_crypto *radius_crypto_new(void);
void radius_crypto_free(struct radius_crypto *crypto); /* NULL is allowed */

/* What a request's authenticators say. */
enum radius_proof {
    RADIUS_GENUINE,
    RADIUS_WRONG_AUTHENTICATOR,
    RADIUS_WRONG_MESSAGE_AUTHENTICATOR,
    RADIUS_NO_MESSAGE_AUTHENTICATOR, /* and it would need one, by RFC or by configuration */
    RADIUS_NO_PROOF                  /* a code of which nothing can be verified alone */
};

/* Verifies a request with `secret`. `demand` makes a Message-Authenticator mandatory.
 * Responses give RADIUS_NO_PROOF. */
enum radius_proof radius_request_verify(struct radius_crypto *crypto,
                                        const struct radius_packet *packet,
                                        struct radius_secret secret, bool demand);

/* Verifies a response to `request`: both authenticators, and that identifiers agree.
 * A Message-Authenticator is verified where there is one. */
enum radius_proof radius_response_verify(struct radius_crypto *crypto,
                                         const struct radius_packet *response,
                                         const struct radius_packet *request,
                                         struct radius_secret secret);

/* --- making packets --- */

/* A packet being written; sticky: once something did not fit, `length` is 0. */
struct radius_writer {
    uint8_t *bytes; /* RADIUS_PACKET_MAX of the caller */
    size_t length;
    size_t message_authenticator; /* offset of its value, 0: none */
};

/* Begins a packet with a zeroed authenticator. `bytes` has RADIUS_PACKET_MAX octets. */
void radius_writer_init(struct radius_writer *writer, uint8_t *bytes, uint8_t code,
                        uint8_t identifier);

/* Appends an attribute; `length` at most RADIUS_VALUE_MAX. */
void radius_writer_add(struct radius_writer *writer, uint8_t type, const void *value,
                       size_t length);

/* Appends an attribute of four octets, highest first. */
void radius_writer_add_integer(struct radius_writer *writer, uint8_t type, uint32_t value);

/* Appends a Message-Authenticator, which sealing fills in. */
void radius_writer_add_message_authenticator(struct radius_writer *writer);

/* Fills in length and authenticators of a request. For codes with a random Request
 * Authenticator the octets in the header are the caller's to set before. Returns the
 * packet's length, 0 when it did not fit. */
size_t radius_request_seal(struct radius_crypto *crypto, struct radius_writer *writer,
                           struct radius_secret secret);

/* Writes the Accounting-Response to a verified Accounting-Request or Status-Server to
 * `bytes` (RADIUS_PACKET_MAX octets): Message-Authenticator first where the request had
 * one, then every Proxy-State in order. Returns its length, 0 when it does not fit. */
size_t radius_response_write(struct radius_crypto *crypto, const struct radius_packet *request,
                             struct radius_secret secret, uint8_t *bytes);

#endif
