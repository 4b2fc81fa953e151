/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/radius.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { LENGTH_AT = 2, AUTHENTICATOR_AT = 4, ATTRIBUTE_HEADER = 2, HMAC_BLOCK = 64 };

/* Where a digest's secret goes when the packet already fills all that a packet may. */
enum { SCRATCH_SIZE = RADIUS_PACKET_MAX + LIMIT_RADIUS_SECRET };

struct radius_crypto {
    EVP_MD *md5;
    EVP_MD_CTX *context;
    uint8_t scratch[SCRATCH_SIZE];
};

static const uint8_t zeroes[RADIUS_AUTHENTICATOR];

const char *radius_code_word(uint8_t code)
{
    switch (code) {
#define CODE(number, name, word)                                                                   \
    case number:                                                                                   \
        return word;
        RADIUS_CODES(CODE)
#undef CODE
    default:
        return NULL;
    }
}

const char *radius_fault_words(enum radius_fault fault)
{
    static const char *const words[RADIUS_FAULT_COUNT] = {
#define FAULT(name, words) words,
        RADIUS_FAULTS(FAULT)
#undef FAULT
    };
    CHECK((size_t)fault < RADIUS_FAULT_COUNT);
    return words[fault];
}

/* --- reading --- */

/* Walks the attributes up to the first that is not sound. */
static enum radius_fault walk_attributes(struct radius_packet *packet)
{
    size_t at = RADIUS_HEADER;
    for (; at < packet->length; packet->attributes_end = at) {
        if (packet->length - at < ATTRIBUTE_HEADER)
            return RADIUS_ATTRIBUTE_CUT;
        uint8_t type = packet->bytes[at], length = packet->bytes[at + 1];
        if (length < ATTRIBUTE_HEADER)
            return RADIUS_ATTRIBUTE_LENGTH;
        if (length > packet->length - at)
            return RADIUS_ATTRIBUTE_CUT;
        if (type == 0)
            return RADIUS_ATTRIBUTE_ZERO;
        if (type == RADIUS_MESSAGE_AUTHENTICATOR) {
            if (length != ATTRIBUTE_HEADER + RADIUS_AUTHENTICATOR)
                return RADIUS_MESSAGE_AUTHENTICATOR_LENGTH;
            if (packet->message_authenticator != 0)
                return RADIUS_MESSAGE_AUTHENTICATOR_TWICE;
            packet->message_authenticator = at + ATTRIBUTE_HEADER;
        }
        packet->has_proxy_state |= type == RADIUS_PROXY_STATE;
        at += length;
    }
    return RADIUS_SOUND;
}

enum radius_fault radius_packet_parse(const uint8_t *bytes, size_t length,
                                      struct radius_packet *ret)
{
    if (length < RADIUS_HEADER)
        return RADIUS_TOO_SHORT;
    size_t said = (size_t)bytes[LENGTH_AT] << 8 | bytes[LENGTH_AT + 1];
    if (said < RADIUS_HEADER || said > RADIUS_PACKET_MAX)
        return RADIUS_BAD_LENGTH;
    if (said > length)
        return RADIUS_CUT;
    *ret = (struct radius_packet){.bytes = bytes,
                                  .length = said,
                                  .code = bytes[0],
                                  .identifier = bytes[1],
                                  .authenticator = bytes + AUTHENTICATOR_AT,
                                  .attributes_end = RADIUS_HEADER};
    return walk_attributes(ret);
}

bool radius_attribute_next(const struct radius_packet *packet, size_t *offset,
                           struct radius_attribute *ret)
{
    size_t at = *offset == 0 ? RADIUS_HEADER : *offset;
    if (at >= packet->attributes_end)
        return false;
    ret->type = packet->bytes[at];
    ret->length = (uint8_t)(packet->bytes[at + 1] - ATTRIBUTE_HEADER);
    ret->value = packet->bytes + at + ATTRIBUTE_HEADER;
    *offset = at + packet->bytes[at + 1];
    return true;
}

/* --- digests --- */

struct radius_crypto *radius_crypto_new(void)
{
    EVP_MD *md5 = EVP_MD_fetch(NULL, "MD5", "-fips");
    if (md5 == NULL)
        return NULL;
    struct radius_crypto *crypto = alloc_zeroed(1, sizeof(*crypto));
    crypto->md5 = md5;
    crypto->context = EVP_MD_CTX_new();
    CHECK(crypto->context != NULL);
    return crypto;
}

void radius_crypto_free(struct radius_crypto *crypto)
{
    if (crypto == NULL)
        return;
    EVP_MD_CTX_free(crypto->context);
    EVP_MD_free(crypto->md5);
    OPENSSL_cleanse(crypto->scratch, sizeof(crypto->scratch));
    free(crypto);
}

struct part {
    const uint8_t *bytes;
    size_t length;
};

/* MD5 of the parts in a row. libcrypto fails here only when its memory is exhausted. */
static void digest(struct radius_crypto *crypto, const struct part *parts, size_t count,
                   uint8_t ret[static RADIUS_AUTHENTICATOR])
{
    CHECK(EVP_DigestInit_ex2(crypto->context, crypto->md5, NULL) == 1);
    for (size_t i = 0; i < count; i++)
        CHECK(EVP_DigestUpdate(crypto->context, parts[i].bytes, parts[i].length) == 1);
    CHECK(EVP_DigestFinal_ex(crypto->context, ret, NULL) == 1);
}

/* MD5 over `length` octets of a packet with `authenticator` in its header, and the
 * secret behind: in one piece, because each piece costs as much as a third of a block. */
static void packet_digest(struct radius_crypto *crypto, const uint8_t *bytes, size_t length,
                          const uint8_t authenticator[static RADIUS_AUTHENTICATOR],
                          struct radius_secret secret, uint8_t ret[static RADIUS_AUTHENTICATOR])
{
    CHECK(length >= RADIUS_HEADER && length <= RADIUS_PACKET_MAX);
    CHECK(secret.length <= LIMIT_RADIUS_SECRET);
    memcpy(crypto->scratch, bytes, length);
    memcpy(crypto->scratch + AUTHENTICATOR_AT, authenticator, RADIUS_AUTHENTICATOR);
    memcpy(crypto->scratch + length, secret.bytes, secret.length);
    const struct part whole = {crypto->scratch, length + secret.length};
    digest(crypto, &whole, 1, ret);
}

/* HMAC-MD5 (RFC 2104) over a packet with `authenticator` in its header and zeroes in
 * its Message-Authenticator, whose value stands at `at`. */
static void packet_hmac(struct radius_crypto *crypto, const uint8_t *bytes, size_t length,
                        size_t at, const uint8_t authenticator[static RADIUS_AUTHENTICATOR],
                        struct radius_secret secret, uint8_t ret[static RADIUS_AUTHENTICATOR])
{
    CHECK(length <= RADIUS_PACKET_MAX && at + RADIUS_AUTHENTICATOR <= length);
    uint8_t key[HMAC_BLOCK] = {0}, inner[RADIUS_AUTHENTICATOR];
    if (secret.length > sizeof(key))
        digest(crypto, &(struct part){secret.bytes, secret.length}, 1, key);
    else
        memcpy(key, secret.bytes, secret.length);
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] ^= 0x36;
    const struct part inside[] = {
        {key, sizeof(key)},
        {bytes, AUTHENTICATOR_AT},
        {authenticator, RADIUS_AUTHENTICATOR},
        {bytes + RADIUS_HEADER, at - RADIUS_HEADER},
        {zeroes, RADIUS_AUTHENTICATOR},
        {bytes + at + RADIUS_AUTHENTICATOR, length - at - RADIUS_AUTHENTICATOR},
    };
    digest(crypto, inside, ARRAY_COUNT(inside), inner);
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] ^= 0x36 ^ 0x5c;
    const struct part outside[] = {{key, sizeof(key)}, {inner, sizeof(inner)}};
    digest(crypto, outside, ARRAY_COUNT(outside), ret);
    OPENSSL_cleanse(key, sizeof(key));
}

/* --- verifying --- */

static bool keyed_request(uint8_t code)
{
    return code == RADIUS_ACCOUNTING_REQUEST || code == RADIUS_COA_REQUEST ||
           code == RADIUS_DISCONNECT_REQUEST;
}

static bool is_response(uint8_t code)
{
    return code == RADIUS_ACCESS_ACCEPT || code == RADIUS_ACCESS_REJECT ||
           code == RADIUS_ACCESS_CHALLENGE || code == RADIUS_ACCOUNTING_RESPONSE ||
           code == RADIUS_DISCONNECT_ACK || code == RADIUS_DISCONNECT_NAK ||
           code == RADIUS_COA_ACK || code == RADIUS_COA_NAK;
}

static bool message_authenticator_right(struct radius_crypto *crypto,
                                        const struct radius_packet *packet,
                                        const uint8_t *authenticator, struct radius_secret secret)
{
    uint8_t expected[RADIUS_AUTHENTICATOR];
    packet_hmac(crypto, packet->bytes, packet->length, packet->message_authenticator, authenticator,
                secret, expected);
    return CRYPTO_memcmp(expected, packet->bytes + packet->message_authenticator,
                         sizeof(expected)) == 0;
}

enum radius_proof radius_request_verify(struct radius_crypto *crypto,
                                        const struct radius_packet *packet,
                                        struct radius_secret secret, bool demand)
{
    CHECK(packet->attributes_end == packet->length);
    bool keyed = keyed_request(packet->code);
    if (!keyed && packet->code != RADIUS_STATUS_SERVER && packet->code != RADIUS_ACCESS_REQUEST)
        return RADIUS_NO_PROOF;
    bool has = packet->message_authenticator != 0;
    if (!has && (demand || packet->code == RADIUS_STATUS_SERVER))
        return RADIUS_NO_MESSAGE_AUTHENTICATOR;
    if (!has && !keyed)
        return RADIUS_NO_PROOF;
    if (keyed) {
        uint8_t expected[RADIUS_AUTHENTICATOR];
        packet_digest(crypto, packet->bytes, packet->length, zeroes, secret, expected);
        if (CRYPTO_memcmp(expected, packet->authenticator, sizeof(expected)) != 0)
            return RADIUS_WRONG_AUTHENTICATOR;
    }
    if (has && !message_authenticator_right(crypto, packet, keyed ? zeroes : packet->authenticator,
                                            secret))
        return RADIUS_WRONG_MESSAGE_AUTHENTICATOR;
    return RADIUS_GENUINE;
}

/* What stands in the header while a response's Message-Authenticator is computed. */
static const uint8_t *response_header(const struct radius_packet *request, uint8_t code)
{
    bool zeroed = code == RADIUS_ACCOUNTING_RESPONSE && request->code == RADIUS_ACCOUNTING_REQUEST;
    return zeroed ? zeroes : request->authenticator;
}

enum radius_proof radius_response_verify(struct radius_crypto *crypto,
                                         const struct radius_packet *response,
                                         const struct radius_packet *request,
                                         struct radius_secret secret)
{
    CHECK(response->attributes_end == response->length);
    if (!is_response(response->code))
        return RADIUS_NO_PROOF;
    uint8_t expected[RADIUS_AUTHENTICATOR];
    packet_digest(crypto, response->bytes, response->length, request->authenticator, secret,
                  expected);
    if (response->identifier != request->identifier ||
        CRYPTO_memcmp(expected, response->authenticator, sizeof(expected)) != 0)
        return RADIUS_WRONG_AUTHENTICATOR;
    if (response->message_authenticator != 0 &&
        !message_authenticator_right(crypto, response, response_header(request, response->code),
                                     secret))
        return RADIUS_WRONG_MESSAGE_AUTHENTICATOR;
    return RADIUS_GENUINE;
}

/* --- making packets --- */

void radius_writer_init(struct radius_writer *writer, uint8_t *bytes, uint8_t code,
                        uint8_t identifier)
{
    memset(bytes, 0, RADIUS_HEADER);
    bytes[0] = code;
    bytes[1] = identifier;
    *writer = (struct radius_writer){.bytes = bytes, .length = RADIUS_HEADER};
}

void radius_writer_add(struct radius_writer *writer, uint8_t type, const void *value, size_t length)
{
    CHECK(length <= RADIUS_VALUE_MAX);
    if (writer->length == 0 || RADIUS_PACKET_MAX - writer->length < ATTRIBUTE_HEADER + length) {
        writer->length = 0;
        return;
    }
    uint8_t *at = writer->bytes + writer->length;
    at[0] = type;
    at[1] = (uint8_t)(ATTRIBUTE_HEADER + length);
    if (length > 0)
        memcpy(at + ATTRIBUTE_HEADER, value, length);
    writer->length += ATTRIBUTE_HEADER + length;
}

void radius_writer_add_integer(struct radius_writer *writer, uint8_t type, uint32_t value)
{
    const uint8_t octets[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
                               (uint8_t)(value >> 8), (uint8_t)value};
    radius_writer_add(writer, type, octets, sizeof(octets));
}

void radius_writer_add_message_authenticator(struct radius_writer *writer)
{
    CHECK(writer->message_authenticator == 0);
    radius_writer_add(writer, RADIUS_MESSAGE_AUTHENTICATOR, zeroes, sizeof(zeroes));
    if (writer->length != 0)
        writer->message_authenticator = writer->length - RADIUS_AUTHENTICATOR;
}

static void write_length(struct radius_writer *writer)
{
    writer->bytes[LENGTH_AT] = (uint8_t)(writer->length >> 8);
    writer->bytes[LENGTH_AT + 1] = (uint8_t)writer->length;
}

static void fill_message_authenticator(struct radius_crypto *crypto, struct radius_writer *writer,
                                       const uint8_t *header, struct radius_secret secret)
{
    if (writer->message_authenticator == 0)
        return;
    uint8_t value[RADIUS_AUTHENTICATOR];
    packet_hmac(crypto, writer->bytes, writer->length, writer->message_authenticator, header,
                secret, value);
    memcpy(writer->bytes + writer->message_authenticator, value, sizeof(value));
}

size_t radius_request_seal(struct radius_crypto *crypto, struct radius_writer *writer,
                           struct radius_secret secret)
{
    if (writer->length == 0)
        return 0;
    write_length(writer);
    uint8_t *authenticator = writer->bytes + AUTHENTICATOR_AT;
    bool keyed = keyed_request(writer->bytes[0]);
    if (keyed)
        memset(authenticator, 0, RADIUS_AUTHENTICATOR);
    fill_message_authenticator(crypto, writer, authenticator, secret);
    if (keyed)
        packet_digest(crypto, writer->bytes, writer->length, zeroes, secret, authenticator);
    return writer->length;
}

size_t radius_response_write(struct radius_crypto *crypto, const struct radius_packet *request,
                             struct radius_secret secret, uint8_t *bytes)
{
    struct radius_writer writer;
    radius_writer_init(&writer, bytes, RADIUS_ACCOUNTING_RESPONSE, request->identifier);
    if (request->message_authenticator != 0)
        radius_writer_add_message_authenticator(&writer);
    struct radius_attribute attribute;
    for (size_t at = 0;
         request->has_proxy_state && radius_attribute_next(request, &at, &attribute);) {
        if (attribute.type == RADIUS_PROXY_STATE)
            radius_writer_add(&writer, attribute.type, attribute.value, attribute.length);
    }
    if (writer.length == 0)
        return 0;
    write_length(&writer);
    fill_message_authenticator(crypto, &writer, response_header(request, bytes[0]), secret);
    packet_digest(crypto, bytes, writer.length, request->authenticator, secret,
                  bytes + AUTHENTICATOR_AT);
    return writer.length;
}
