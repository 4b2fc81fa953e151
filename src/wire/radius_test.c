/* SPDX-License-Identifier: Apache-2.0 */

/* The codec against vectors that another implementation of MD5 and HMAC made from the
 * RFCs' words, and against damage. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/radius.h"

static const struct radius_secret secret = {(const uint8_t *)"xyzzy5461", 9};
static const struct radius_secret other_secret = {(const uint8_t *)"xyzzy5462", 9};

static const uint8_t plain_request[] = {
    0x04, 0x07, 0x00, 0x3f, 0x77, 0x7e, 0x9f, 0x99, 0xd0, 0x6c, 0xda, 0x7b, 0x50, 0x18, 0xe3, 0x86,
    0x73, 0x6b, 0xe0, 0xa0, 0x28, 0x06, 0x00, 0x00, 0x00, 0x01, 0x2c, 0x06, 0x30, 0x30, 0x30, 0x31,
    0x1f, 0x13, 0x30, 0x30, 0x2d, 0x31, 0x30, 0x2d, 0x41, 0x34, 0x2d, 0x32, 0x33, 0x2d, 0x31, 0x39,
    0x2d, 0x43, 0x30, 0x21, 0x04, 0x70, 0x31, 0x21, 0x08, 0x73, 0x65, 0x63, 0x6f, 0x6e, 0x64,
};
static const uint8_t plain_response[] = {
    0x05, 0x07, 0x00, 0x20, 0xe7, 0xd4, 0xab, 0x72, 0x8e, 0x42, 0x15, 0x05, 0x6f, 0xfd, 0x06, 0x85,
    0x39, 0xf4, 0x8a, 0x67, 0x21, 0x04, 0x70, 0x31, 0x21, 0x08, 0x73, 0x65, 0x63, 0x6f, 0x6e, 0x64,
};
static const uint8_t signed_request[] = {
    0x04, 0x08, 0x00, 0x45, 0x80, 0x12, 0xca, 0xf5, 0xe5, 0xe4, 0x1d, 0xb8, 0xe9, 0xfc,
    0x97, 0x92, 0x44, 0xba, 0x69, 0xdf, 0x50, 0x12, 0xf5, 0x63, 0xee, 0xb3, 0xcc, 0x6b,
    0xac, 0xd7, 0xe7, 0x9b, 0x48, 0x79, 0x8a, 0x66, 0x8b, 0x50, 0x28, 0x06, 0x00, 0x00,
    0x00, 0x01, 0x2c, 0x06, 0x30, 0x30, 0x30, 0x31, 0x1f, 0x13, 0x30, 0x30, 0x2d, 0x31,
    0x30, 0x2d, 0x41, 0x34, 0x2d, 0x32, 0x33, 0x2d, 0x31, 0x39, 0x2d, 0x43, 0x30,
};
static const uint8_t signed_response[] = {
    0x05, 0x08, 0x00, 0x26, 0x57, 0xd0, 0x45, 0x07, 0xa2, 0x88, 0x65, 0xd7, 0xda,
    0x34, 0x91, 0x3a, 0x6c, 0x16, 0xc3, 0xe5, 0x50, 0x12, 0x92, 0xf3, 0x77, 0x4c,
    0x81, 0xba, 0x8c, 0x6b, 0x4d, 0x30, 0x08, 0x5e, 0xc3, 0x8d, 0xf4, 0x69,
};
static const uint8_t status_request[] = {
    0x0c, 0x09, 0x00, 0x26, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
    0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x50, 0x12, 0x68, 0x48, 0x25, 0x8a,
    0x84, 0x20, 0xe8, 0x87, 0x63, 0x56, 0xf8, 0x58, 0x29, 0xdf, 0x41, 0xab,
};
static const uint8_t status_response[] = {
    0x05, 0x09, 0x00, 0x26, 0x30, 0x37, 0x95, 0x91, 0xde, 0x09, 0xad, 0xfd, 0xe6,
    0x44, 0xfd, 0xa5, 0xcb, 0x6a, 0xc7, 0x96, 0x50, 0x12, 0x6f, 0x44, 0xeb, 0x83,
    0xcc, 0xa6, 0xca, 0x57, 0x44, 0x5b, 0x51, 0x4b, 0x84, 0x81, 0xb2, 0x28,
};

static struct radius_packet parse(const uint8_t *bytes, size_t length)
{
    struct radius_packet packet;
    assert_int_equal(radius_packet_parse(bytes, length, &packet), RADIUS_SOUND);
    return packet;
}

#define PARSE(array) parse(array, sizeof(array))

static void requests_of_the_vectors_are_genuine(void **state)
{
    struct radius_crypto *crypto = *state;
    struct radius_packet plain = PARSE(plain_request), sealed = PARSE(signed_request),
                         status = PARSE(status_request);
    assert_int_equal(radius_request_verify(crypto, &plain, secret, false), RADIUS_GENUINE);
    assert_int_equal(radius_request_verify(crypto, &sealed, secret, true), RADIUS_GENUINE);
    assert_int_equal(radius_request_verify(crypto, &status, secret, false), RADIUS_GENUINE);
    assert_true(plain.has_proxy_state);
    assert_false(sealed.has_proxy_state);
}

static void another_secret_is_refused(void **state)
{
    struct radius_crypto *crypto = *state;
    struct radius_packet plain = PARSE(plain_request), sealed = PARSE(signed_request),
                         status = PARSE(status_request);
    assert_int_equal(radius_request_verify(crypto, &plain, other_secret, false),
                     RADIUS_WRONG_AUTHENTICATOR);
    assert_int_equal(radius_request_verify(crypto, &sealed, other_secret, false),
                     RADIUS_WRONG_AUTHENTICATOR);
    assert_int_equal(radius_request_verify(crypto, &status, other_secret, false),
                     RADIUS_WRONG_MESSAGE_AUTHENTICATOR);
}

static void every_changed_bit_is_noticed(void **state)
{
    struct radius_crypto *crypto = *state;
    uint8_t copy[sizeof(signed_request)];
    for (size_t bit = 0; bit < 8 * sizeof(copy); bit++) {
        memcpy(copy, signed_request, sizeof(copy));
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct radius_packet packet;
        if (radius_packet_parse(copy, sizeof(copy), &packet) == RADIUS_SOUND)
            assert_int_not_equal(radius_request_verify(crypto, &packet, secret, false),
                                 RADIUS_GENUINE);
    }
}

static void message_authenticator_can_be_demanded(void **state)
{
    struct radius_packet plain = PARSE(plain_request);
    assert_int_equal(radius_request_verify(*state, &plain, secret, true),
                     RADIUS_NO_MESSAGE_AUTHENTICATOR);
}

static void status_server_without_message_authenticator_is_refused(void **state)
{
    const uint8_t bare[RADIUS_HEADER] = {RADIUS_STATUS_SERVER, 1, 0, RADIUS_HEADER};
    struct radius_packet packet = PARSE(bare);
    assert_int_equal(radius_request_verify(*state, &packet, secret, false),
                     RADIUS_NO_MESSAGE_AUTHENTICATOR);
}

/* A wrong Message-Authenticator under a right Request Authenticator: who knows the
 * secret made it, and still it is refused (DOMAIN 2.7 point 8). */
static void wrong_message_authenticator_is_refused(void **state)
{
    uint8_t bytes[RADIUS_PACKET_MAX];
    struct radius_writer writer;
    radius_writer_init(&writer, bytes, RADIUS_ACCOUNTING_REQUEST, 3);
    radius_writer_add(&writer, RADIUS_MESSAGE_AUTHENTICATOR, "0123456789abcdef", 16);
    size_t length = radius_request_seal(*state, &writer, secret);
    struct radius_packet packet = parse(bytes, length);
    assert_int_equal(radius_request_verify(*state, &packet, secret, false),
                     RADIUS_WRONG_MESSAGE_AUTHENTICATOR);
}

static void check_response(struct radius_crypto *crypto, struct radius_packet request,
                           const uint8_t *expected, size_t expected_length)
{
    uint8_t bytes[RADIUS_PACKET_MAX];
    size_t length = radius_response_write(crypto, &request, secret, bytes);
    assert_int_equal(length, expected_length);
    assert_memory_equal(bytes, expected, length);
    struct radius_packet response = parse(bytes, length);
    assert_int_equal(radius_response_verify(crypto, &response, &request, secret), RADIUS_GENUINE);
    assert_int_equal(radius_response_verify(crypto, &response, &request, other_secret),
                     RADIUS_WRONG_AUTHENTICATOR);
}

static void responses_are_those_of_the_vectors(void **state)
{
    check_response(*state, PARSE(plain_request), plain_response, sizeof(plain_response));
    check_response(*state, PARSE(signed_request), signed_response, sizeof(signed_response));
    check_response(*state, PARSE(status_request), status_response, sizeof(status_response));
}

static void sealed_requests_verify(void **state)
{
    const uint8_t codes[] = {RADIUS_ACCOUNTING_REQUEST, RADIUS_COA_REQUEST,
                             RADIUS_DISCONNECT_REQUEST, RADIUS_STATUS_SERVER};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        uint8_t bytes[RADIUS_PACKET_MAX];
        struct radius_writer writer;
        radius_writer_init(&writer, bytes, codes[i], (uint8_t)i);
        memset(bytes + 4, 0xab, RADIUS_AUTHENTICATOR);
        radius_writer_add(&writer, RADIUS_ACCT_SESSION_ID, "s1", 2);
        radius_writer_add_message_authenticator(&writer);
        radius_writer_add_integer(&writer, RADIUS_ACCT_DELAY_TIME, 70000);
        size_t length = radius_request_seal(*state, &writer, secret);
        struct radius_packet packet = parse(bytes, length);
        assert_int_equal(radius_request_verify(*state, &packet, secret, true), RADIUS_GENUINE);
    }
}

/* Secrets longer than a block are hashed first (RFC 2104). */
static void longest_secret_works(void **state)
{
    uint8_t octets[LIMIT_RADIUS_SECRET], bytes[RADIUS_PACKET_MAX];
    memset(octets, 'k', sizeof(octets));
    const struct radius_secret longest = {octets, sizeof(octets)};
    struct radius_writer writer;
    radius_writer_init(&writer, bytes, RADIUS_ACCOUNTING_REQUEST, 1);
    radius_writer_add_message_authenticator(&writer);
    for (int i = 0; i < 15; i++)
        radius_writer_add(&writer, RADIUS_PROXY_STATE, octets, RADIUS_VALUE_MAX);
    size_t length = radius_request_seal(*state, &writer, longest);
    struct radius_packet packet = parse(bytes, length);
    assert_int_equal(radius_request_verify(*state, &packet, longest, false), RADIUS_GENUINE);
}

static void full_packet_has_full_answer(void **state)
{
    uint8_t bytes[RADIUS_PACKET_MAX], answer[RADIUS_PACKET_MAX], filler[RADIUS_VALUE_MAX] = {0};
    struct radius_writer writer;
    radius_writer_init(&writer, bytes, RADIUS_ACCOUNTING_REQUEST, 1);
    for (int i = 0; i < 15; i++)
        radius_writer_add(&writer, RADIUS_PROXY_STATE, filler, RADIUS_VALUE_MAX);
    radius_writer_add(&writer, RADIUS_PROXY_STATE, filler, 249);
    assert_int_equal(radius_request_seal(*state, &writer, secret), RADIUS_PACKET_MAX);
    struct radius_packet packet = PARSE(bytes);
    assert_int_equal(radius_response_write(*state, &packet, secret, answer), RADIUS_PACKET_MAX);
    radius_writer_add(&writer, RADIUS_PROXY_STATE, "", 0);
    assert_int_equal(radius_request_seal(*state, &writer, secret), 0);
}

static void faults_are_named(void **state)
{
    (void)state;
    static const struct {
        enum radius_fault fault;
        size_t length;
        uint8_t octets[48];
    } cases[] = {
        {RADIUS_TOO_SHORT, 19, {4, 0, 0, 19}},
        {RADIUS_TOO_SHORT, 0, {0}},
        {RADIUS_BAD_LENGTH, 20, {4, 0, 0, 19}},
        {RADIUS_BAD_LENGTH, 20, {4, 0, 0x10, 1}},
        {RADIUS_CUT, 20, {4, 0, 0, 100}},
        {RADIUS_ATTRIBUTE_CUT, 21, {4, 0, 0, 21, [20] = 1}},
        {RADIUS_ATTRIBUTE_CUT, 22, {4, 0, 0, 22, [20] = 1, 10}},
        {RADIUS_ATTRIBUTE_LENGTH, 22, {4, 0, 0, 22, [20] = 1, 0}},
        {RADIUS_ATTRIBUTE_LENGTH, 22, {4, 0, 0, 22, [20] = 1, 1}},
        {RADIUS_ATTRIBUTE_ZERO, 22, {4, 0, 0, 22, [20] = 0, 2}},
        {RADIUS_MESSAGE_AUTHENTICATOR_LENGTH, 25, {4, 0, 0, 25, [20] = 80, 5}},
        {RADIUS_SOUND, 30, {4, 0, 0, 22, [20] = 1, 2, 0xff, 0xff}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct radius_packet packet;
        assert_int_equal(radius_packet_parse(cases[i].octets, cases[i].length, &packet),
                         cases[i].fault);
        assert_true((*radius_fault_words(cases[i].fault) == '\0') ==
                    (cases[i].fault == RADIUS_SOUND));
    }
    uint8_t twice[RADIUS_HEADER + 36] = {4, 0, 0, sizeof(twice), [20] = 80, 18, [38] = 80, 18};
    struct radius_packet packet;
    assert_int_equal(radius_packet_parse(twice, sizeof(twice), &packet),
                     RADIUS_MESSAGE_AUTHENTICATOR_TWICE);
    assert_int_equal(packet.attributes_end, 38);
}

static void vendor_and_extended_attributes_are_passed_over(void **state)
{
    (void)state;
    const uint8_t bytes[] = {
        4,    1,  0,    47,  0,    0,    0,    0,   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* header */
        26,   12, 0,    0,   0x2c, 0x50, 1,    200, 9, 9, 9, 9, /* bad inside */
        0xf1, 7,  0xf1, 0,   0,    0x1a, 0x99,                  /* extended */
        31,   8,  'a',  'b', 'c',  'd',  'e',  'f'};
    struct radius_packet packet = PARSE(bytes);
    struct radius_attribute attribute;
    size_t at = 0;
    assert_true(radius_attribute_next(&packet, &at, &attribute));
    assert_int_equal(attribute.type, 26);
    assert_true(radius_attribute_next(&packet, &at, &attribute));
    assert_int_equal(attribute.type, 241);
    assert_true(radius_attribute_next(&packet, &at, &attribute));
    assert_int_equal(attribute.type, RADIUS_CALLING_STATION_ID);
    assert_memory_equal(attribute.value, "abcdef", attribute.length);
    assert_false(radius_attribute_next(&packet, &at, &attribute));
}

static void responses_are_no_requests(void **state)
{
    struct radius_packet response = PARSE(plain_response), request = PARSE(plain_request);
    assert_int_equal(radius_request_verify(*state, &response, secret, false), RADIUS_NO_PROOF);
    assert_int_equal(radius_response_verify(*state, &request, &request, secret), RADIUS_NO_PROOF);
    assert_string_equal(radius_code_word(4), "Accounting-Request");
    assert_null(radius_code_word(0));
    assert_null(radius_code_word(255));
}

static int begin(void **state)
{
    *state = radius_crypto_new();
    return *state == NULL ? -1 : 0;
}

static int end(void **state)
{
    radius_crypto_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_the_vectors_are_genuine),
        cmocka_unit_test(another_secret_is_refused),
        cmocka_unit_test(every_changed_bit_is_noticed),
        cmocka_unit_test(message_authenticator_can_be_demanded),
        cmocka_unit_test(status_server_without_message_authenticator_is_refused),
        cmocka_unit_test(wrong_message_authenticator_is_refused),
        cmocka_unit_test(responses_are_those_of_the_vectors),
        cmocka_unit_test(sealed_requests_verify),
        cmocka_unit_test(longest_secret_works),
        cmocka_unit_test(full_packet_has_full_answer),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(vendor_and_extended_attributes_are_passed_over),
        cmocka_unit_test(responses_are_no_requests),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
