/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_SNMP_MESSAGE_H
#define MUSTER_WIRE_SNMP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "wire/ber.h"
#include "wire/oid.h"
#include "wire/snmp_value.h"

/* SNMP messages, both ways and both sides: v1 (RFC 1157), v2c (RFC 1901, 3416)
 * and v3 (RFC 3412) with the security parameters of USM (RFC 3414) as plain
 * fields. Keys, digests and ciphers are wire/usm's.
 *
 * Decoding gives views into the datagram; nothing is allocated. Varbinds are
 * read one by one from `varbinds` by snmp_varbind_next(), so a message has no
 * limit on their number but its size. An encrypted scoped PDU is left for
 * usm_open(). Trailing octets after the outer SEQUENCE are ignored; they are
 * outside what a digest covers and are never looked at.
 *
 * Encoding: snmp_writer_init(), snmp_writer_add() for each varbind, then
 * snmp_message_wrap() (or usm_seal()) puts the headers in front; the message is
 * snmp_writer_bytes().
 *
 *     uint8_t buffer[2048];
 *     struct ber_writer writer;
 *     snmp_writer_init(&writer, buffer, sizeof(buffer));
 *     snmp_writer_add(&writer, oid, oid_length, &value);
 *     struct snmp_message reply = request;      // community or v3 fields
 *     reply.pdu = SNMP_RESPONSE;
 *     if (snmp_message_wrap(&reply, &writer) == 0)
 *         send(snmp_writer_bytes(&writer), snmp_writer_length(&writer));      */

enum snmp_version { SNMP_V1 = 0, SNMP_V2C = 1, SNMP_V3 = 3 };

enum snmp_pdu {
    SNMP_PDU_NONE = 0, /* encrypted and not yet opened */
    SNMP_GET = 0xa0,
    SNMP_GETNEXT = 0xa1,
    SNMP_RESPONSE = 0xa2,
    SNMP_SET = 0xa3,
    SNMP_TRAP_V1 = 0xa4,
    SNMP_GETBULK = 0xa5,
    SNMP_INFORM = 0xa6,
    SNMP_TRAP_V2 = 0xa7,
    SNMP_REPORT = 0xa8
};

/* RFC 3416 section 3, with the words that manuals use. */
#define SNMP_ERRORS(ERROR)                                                                         \
    ERROR(SNMP_NO_ERROR, 0, "noError")                                                             \
    ERROR(SNMP_TOO_BIG, 1, "tooBig")                                                               \
    ERROR(SNMP_NO_SUCH_NAME, 2, "noSuchName")                                                      \
    ERROR(SNMP_BAD_VALUE, 3, "badValue")                                                           \
    ERROR(SNMP_READ_ONLY, 4, "readOnly")                                                           \
    ERROR(SNMP_GEN_ERR, 5, "genErr")                                                               \
    ERROR(SNMP_NO_ACCESS, 6, "noAccess")                                                           \
    ERROR(SNMP_WRONG_TYPE, 7, "wrongType")                                                         \
    ERROR(SNMP_WRONG_LENGTH, 8, "wrongLength")                                                     \
    ERROR(SNMP_WRONG_ENCODING, 9, "wrongEncoding")                                                 \
    ERROR(SNMP_WRONG_VALUE, 10, "wrongValue")                                                      \
    ERROR(SNMP_NO_CREATION, 11, "noCreation")                                                      \
    ERROR(SNMP_INCONSISTENT_VALUE, 12, "inconsistentValue")                                        \
    ERROR(SNMP_RESOURCE_UNAVAILABLE, 13, "resourceUnavailable")                                    \
    ERROR(SNMP_COMMIT_FAILED, 14, "commitFailed")                                                  \
    ERROR(SNMP_UNDO_FAILED, 15, "undoFailed")                                                      \
    ERROR(SNMP_AUTHORIZATION_ERROR, 16, "authorizationError")                                      \
    ERROR(SNMP_NOT_WRITABLE, 17, "notWritable")                                                    \
    ERROR(SNMP_INCONSISTENT_NAME, 18, "inconsistentName")

enum snmp_error {
#define ERROR(name, number, word) name = (number),
    SNMP_ERRORS(ERROR)
#undef ERROR
};

/* Returns the word of an error-status, "unknown error" for others. */
const char *snmp_error_word(int32_t status);

/* msgFlags, RFC 3412 section 6.4. */
enum { SNMP_FLAG_AUTH = 1, SNMP_FLAG_PRIV = 2, SNMP_FLAG_REPORTABLE = 4 };

enum {
    SNMP_SECURITY_USM = 3,
    SNMP_ENGINE_ID_SIZE = 32,  /* RFC 3411 section 5 */
    SNMP_USER_SIZE = 32,       /* RFC 3414 section 2.4 */
    SNMP_CONTEXT_SIZE = 255,   /* more than RFC 3411's 32: agents exist */
    SNMP_COMMUNITY_SIZE = 255, /* octets of a community */
    SNMP_SALT_SIZE = 8,
    SNMP_PARAMETER_SIZE = 255, /* of a received digest or salt, before it is judged */
    SNMP_HEADROOM = 768,       /* all headers in front of the varbinds, at their largest */
    SNMP_TAILROOM = 16,        /* padding of a cipher */
    SNMP_MESSAGE_MIN = 484,    /* what every agent must take, RFC 3412 section 6.2 */
    SNMP_PORT = 161,
    SNMP_TRAP_PORT = 162
};

struct snmp_octets {
    const uint8_t *bytes;
    size_t length;
};

/* The v3 header and USM's msgSecurityParameters. */
struct snmp_v3 {
    int32_t message_id;
    int32_t max_size; /* that the sender can take */
    uint8_t flags;
    int32_t security_model;
    struct snmp_octets engine_id; /* authoritative engine */
    int32_t engine_boots, engine_time;
    struct snmp_octets user;
    struct snmp_octets auth;      /* msgAuthenticationParameters, in the datagram */
    struct snmp_octets salt;      /* msgPrivacyParameters */
    struct snmp_octets encrypted; /* the encrypted scoped PDU; none when in clear */
    struct snmp_octets context_engine_id, context;
};

struct snmp_trap_v1 {
    struct snmp_octets enterprise; /* OID content */
    uint8_t address[4];
    int32_t generic, specific;
    uint32_t timestamp; /* centiseconds */
};

struct snmp_message {
    enum snmp_version version;
    struct snmp_octets community; /* v1, v2c */
    struct snmp_v3 v3;
    enum snmp_pdu pdu;
    int32_t request_id;
    int32_t error_status;        /* GETBULK: non-repeaters */
    int32_t error_index;         /* GETBULK: max-repetitions */
    struct snmp_trap_v1 trap;    /* SNMP_TRAP_V1 only */
    struct snmp_octets varbinds; /* content of the list; not used by encoding */
    size_t length;               /* octets of the datagram that the message takes */
};

struct snmp_varbind {
    const uint8_t *oid; /* content octets */
    size_t oid_length;
    struct snmp_value value;
};

/* Decodes `length` octets. Returns 0, ERR_SYNTAX when they are malformed,
 * ERR_VERSION for a version that is not 0, 1 or 3, ERR_UNSUPPORTED for a v3
 * security model that is not USM (the header fields are then set). An encrypted
 * message is left with pdu SNMP_PDU_NONE and v3.encrypted set. */
int snmp_message_decode(const uint8_t *bytes, size_t length, struct snmp_message *ret) MUST_USE;

/* Decodes a scoped PDU in clear (after decryption) into the context and PDU
 * fields of `message`; octets after it are padding. Returns 0 or ERR_SYNTAX. */
int snmp_message_decode_scoped(const uint8_t *bytes, size_t length,
                               struct snmp_message *message) MUST_USE;

/* Decodes a value from its element. An unknown tag gives SNMP_OPAQUE. Returns
 * false when the content does not fit the type. */
bool snmp_value_decode_any(const struct ber_item *item, struct snmp_value *ret);

/* As above; the small numbers of a forward table take the short way. */
static inline bool snmp_value_decode(const struct ber_item *item, struct snmp_value *ret)
{
    if (item->tag != SNMP_INTEGER || item->length != 1)
        return snmp_value_decode_any(item, ret);
    *ret = (struct snmp_value){SNMP_INTEGER, (int8_t)item->bytes[0], item->bytes, 1};
    return true;
}

/* Reads the next varbind of a list. Returns 1, 0 at the end of the list, or
 * ERR_SYNTAX. */
static inline int snmp_varbind_next(struct ber_reader *list, struct snmp_varbind *ret)
{
    struct ber_reader pair;
    struct ber_item name, value;
    if (list->at == list->end)
        return 0;
    if (!ber_enter(list, BER_SEQUENCE, &pair) || !ber_read_tag(&pair, BER_OID, &name) ||
        !ber_read(&pair, &value) || !snmp_value_decode(&value, &ret->value))
        return ERR_SYNTAX;
    ret->oid = name.bytes;
    ret->oid_length = name.length;
    return 1;
}

/* Returns a reader over the varbinds of `message`. */
static inline struct ber_reader snmp_message_varbinds(const struct snmp_message *message)
{
    return (struct ber_reader){message->varbinds.bytes,
                               message->varbinds.bytes + message->varbinds.length};
}

/* Starts a list of varbinds in `buffer` with room for headers in front and for
 * padding behind. */
static inline void snmp_writer_init(struct ber_writer *writer, uint8_t *buffer, size_t size)
{
    ber_writer_init(writer, buffer, size > SNMP_TAILROOM ? size - SNMP_TAILROOM : 0, SNMP_HEADROOM);
}

/* Appends one varbind; `value` NULL stands for NULL. Returns true, or false with
 * the list unchanged when it does not fit. */
bool snmp_writer_add(struct ber_writer *writer, const uint8_t *oid, size_t oid_length,
                     const struct snmp_value *value);

/* Puts the headers of `message` in front of the varbinds in `writer`: v1, v2c, or
 * v3 without authentication. Returns 0, ERR_LIMIT when something did not fit, or
 * ERR_UNSUPPORTED for v3 with authentication (usm_seal() does that). */
int snmp_message_wrap(const struct snmp_message *message, struct ber_writer *writer) MUST_USE;

static inline const uint8_t *snmp_writer_bytes(const struct ber_writer *writer)
{
    return writer->buffer + writer->begin;
}
static inline size_t snmp_writer_length(const struct ber_writer *writer)
{
    return writer->end - writer->begin;
}

/* --- for wire/usm: the two halves of wrapping a v3 message --- */

/* Puts the PDU header, context and scope in front of the varbinds. */
void snmp_message_push_scoped(const struct snmp_message *message, struct ber_writer *writer);

/* Puts everything before the scoped PDU in front (an OCTET STRING around it when
 * `encrypted`), with `auth_length` zero octets for the digest, whose offset in
 * the buffer is set in *ret_auth. */
void snmp_message_push_v3(const struct snmp_message *message, struct ber_writer *writer,
                          bool encrypted, size_t auth_length, size_t *ret_auth);

#endif
