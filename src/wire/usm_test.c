/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/usm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OCTETS(text) ((struct snmp_octets){(const uint8_t *)(text), strlen(text)})

static const uint8_t rfc_engine[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
static const uint8_t name[] = {0x2b, 6, 1, 2, 1, 1, 5, 0};

static void hex(const char *text, uint8_t *bytes)
{
    for (size_t i = 0; text[2 * i] != '\0'; i++) {
        unsigned octet;
        assert_int_equal(sscanf(text + 2 * i, "%2x", &octet), 1);
        bytes[i] = (uint8_t)octet;
    }
}

static struct usm_crypto *crypto;

static int setup(void **state)
{
    crypto = usm_crypto_new();
    return 0;
}

static int teardown(void **state)
{
    usm_crypto_free(crypto);
    return 0;
}

static void make_keys(enum usm_auth auth, enum usm_priv priv, struct usm_user *user,
                      struct usm_keys *keys)
{
    struct err err;
    assert_int_equal(
        usm_user_init(user, crypto, "audit", auth, "maplesyrup", priv, "maplesyrup", &err), 0);
    usm_keys_init(keys, crypto, user, (struct snmp_octets){rfc_engine, sizeof(rfc_engine)});
}

/* RFC 3414 A.3.1 and A.3.2; the extended keys are those of Reeder's draft. */
static void vectors(void **state)
{
    static const struct {
        enum usm_auth auth;
        enum usm_priv priv;
        const char *ku, *kul;
        size_t length;
    } cases[] = {{USM_AUTH_MD5, USM_PRIV_AES256_CISCO, "9faf3283884e92834ebc9847d8edd963",
                  "526f5eed9fcce26f8964c2930787d82b79eff44a90650ee0a3a40abfac5acc12", 32},
                 {USM_AUTH_SHA1, USM_PRIV_AES256_CISCO, "9fb5cc0381497b3793528939ff788d5d79145211",
                  "6695febc9288e36282235fc7151f128497b38f3f9b8b6d78936ba6e7d19dfd9c", 32}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct usm_user user;
        struct usm_keys keys;
        uint8_t expected[USM_KEY_SIZE];
        make_keys(cases[i].auth, cases[i].priv, &user, &keys);
        size_t digest = strlen(cases[i].ku) / 2;
        hex(cases[i].ku, expected);
        assert_memory_equal(user.auth_key, expected, digest);
        hex(cases[i].kul, expected);
        assert_memory_equal(keys.auth_key, expected, digest);
        assert_memory_equal(keys.priv_key, expected, cases[i].length);
    }
}

struct sealed {
    uint8_t buffer[2048];
    uint8_t *bytes;
    size_t length;
};

static void seal(const struct usm_keys *keys, struct sealed *sealed)
{
    struct ber_writer writer;
    struct snmp_message message = {.version = SNMP_V3, .pdu = SNMP_GET, .request_id = 99};
    message.v3 = (struct snmp_v3){.message_id = 5,
                                  .max_size = 65507,
                                  .flags = usm_keys_flags(keys) | SNMP_FLAG_REPORTABLE,
                                  .engine_id = {rfc_engine, sizeof(rfc_engine)},
                                  .engine_boots = 7,
                                  .engine_time = 70000,
                                  .user = OCTETS("audit"),
                                  .context_engine_id = {rfc_engine, sizeof(rfc_engine)},
                                  .context = OCTETS("vlan-10")};
    snmp_writer_init(&writer, sealed->buffer, sizeof(sealed->buffer));
    assert_true(snmp_writer_add(&writer, name, sizeof(name), NULL));
    assert_int_equal(usm_seal(crypto, keys, &message, &writer), 0);
    sealed->bytes = sealed->buffer + writer.begin;
    sealed->length = snmp_writer_length(&writer);
}

static enum usm_status open_copy(const struct usm_keys *keys, const struct sealed *sealed,
                                 struct snmp_message *ret)
{
    static uint8_t copy[2048];
    memcpy(copy, sealed->bytes, sealed->length);
    assert_int_equal(snmp_message_decode(copy, sealed->length, ret), 0);
    return usm_open(crypto, keys, ret, copy);
}

static void every_pair(void **state)
{
    for (int auth = 0; auth < USM_AUTH_COUNT; auth++) {
        for (int priv = 0; priv < USM_PRIV_COUNT; priv++) {
            if (auth == USM_AUTH_NONE && priv != USM_PRIV_NONE)
                continue;
            struct usm_user user;
            struct usm_keys keys;
            struct sealed sealed;
            struct snmp_message back;
            make_keys((enum usm_auth)auth, (enum usm_priv)priv, &user, &keys);
            seal(&keys, &sealed);
            assert_int_equal(open_copy(&keys, &sealed, &back), USM_OK);
            assert_int_equal(back.request_id, 99);
            assert_int_equal(back.pdu, SNMP_GET);
            assert_memory_equal(back.v3.context.bytes, "vlan-10", 7);
            bool hidden = memmem(sealed.bytes, sealed.length, name, sizeof(name)) == NULL;
            assert_int_equal(hidden, priv != USM_PRIV_NONE);
            usm_keys_done(&keys);
            usm_user_done(&user);
        }
    }
}

/* Any bit changed in a signed message makes it malformed or wrong. */
static void tampered(void **state)
{
    struct usm_user user;
    struct usm_keys keys;
    struct sealed sealed;
    make_keys(USM_AUTH_SHA256, USM_PRIV_AES128, &user, &keys);
    seal(&keys, &sealed);
    for (size_t bit = 0; bit < 8 * sealed.length; bit++) {
        struct snmp_message back;
        sealed.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        uint8_t copy[2048];
        memcpy(copy, sealed.bytes, sealed.length);
        if (snmp_message_decode(copy, sealed.length, &back) == 0 && back.version == SNMP_V3 &&
            (back.v3.flags & SNMP_FLAG_AUTH) != 0)
            assert_int_not_equal(usm_open(crypto, &keys, &back, copy), USM_OK);
        sealed.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void wrong_keys(void **state)
{
    struct usm_user user, other_user;
    struct usm_keys keys, other;
    struct sealed sealed;
    struct snmp_message back;
    make_keys(USM_AUTH_SHA1, USM_PRIV_DES, &user, &keys);
    seal(&keys, &sealed);
    make_keys(USM_AUTH_SHA512, USM_PRIV_DES, &other_user, &other);
    assert_int_equal(open_copy(&other, &sealed, &back), USM_WRONG_DIGEST);
    assert_int_equal(open_copy(NULL, &sealed, &back), USM_UNSUPPORTED_LEVEL);
    other = keys;
    other.priv_key[0] ^= 0x80;
    assert_int_equal(open_copy(&other, &sealed, &back), USM_DECRYPTION_ERROR);
    assert_int_equal(back.pdu, SNMP_PDU_NONE);
    other = keys;
    other.auth_key[0] ^= 1;
    assert_int_equal(open_copy(&other, &sealed, &back), USM_WRONG_DIGEST);
}

static void refused_users(void **state)
{
    struct usm_user user;
    struct err err;
    assert_int_equal(
        usm_user_init(&user, crypto, "u", USM_AUTH_MD5, "short", USM_PRIV_NONE, NULL, &err),
        ERR_RANGE);
    assert_non_null(strstr(err.text, "shorter than 8"));
    assert_int_equal(
        usm_user_init(&user, crypto, "u", USM_AUTH_NONE, NULL, USM_PRIV_DES, "password", &err),
        ERR_RANGE);
    assert_int_equal(
        usm_user_init(&user, crypto, "", USM_AUTH_NONE, NULL, USM_PRIV_NONE, NULL, &err),
        ERR_RANGE);
    assert_int_equal(usm_user_init(&user, crypto, "123456789012345678901234567890123",
                                   USM_AUTH_NONE, NULL, USM_PRIV_NONE, NULL, &err),
                     ERR_RANGE);
    assert_int_equal(
        usm_user_init(&user, crypto, "u", USM_AUTH_SHA1, "password", USM_PRIV_AES128, NULL, &err),
        ERR_RANGE);
    assert_non_null(strstr(err.text, "privacy password is missing"));
}

/* Passwords longer than the chunk that is repeated hash like any other. */
static void long_passwords(void **state)
{
    char *password = malloc(9001);
    memset(password, 'x', 9000);
    password[9000] = '\0';
    struct usm_user user, other;
    struct err err;
    assert_int_equal(
        usm_user_init(&user, crypto, "u", USM_AUTH_SHA1, password, USM_PRIV_NONE, NULL, &err), 0);
    /* The repeated text is the same for every password of x alone. */
    assert_int_equal(
        usm_user_init(&other, crypto, "u", USM_AUTH_SHA1, "xxxxxxxxxxx", USM_PRIV_NONE, NULL, &err),
        0);
    assert_memory_equal(user.auth_key, other.auth_key, 20);
    free(password);
}

/* Kept keys are those that would be made anew, for every protocol and password. */
static void shared_passwords(void **state)
{
    struct usm_crypto *fresh = usm_crypto_new();
    struct usm_user user, other;
    struct err err;
    for (int i = 0; i < 40; i++) {
        char password[16];
        snprintf(password, sizeof(password), "password%d", i % 11);
        enum usm_auth auth = (enum usm_auth)(1 + i % 2);
        assert_int_equal(
            usm_user_init(&user, crypto, "u", auth, password, USM_PRIV_NONE, NULL, &err), 0);
        usm_crypto_free(fresh);
        fresh = usm_crypto_new();
        assert_int_equal(
            usm_user_init(&other, fresh, "u", auth, password, USM_PRIV_NONE, NULL, &err), 0);
        assert_memory_equal(user.auth_key, other.auth_key, 20);
    }
    usm_crypto_free(fresh);
}

static void protocol_words(void **state)
{
    static const char *const auth_words[] = {"MD5",     "SHA",          "SHA-224",
                                             "sha_256", "HMAC-SHA-384", "sha512"};
    for (size_t i = 0; i < ARRAY_COUNT(auth_words); i++) {
        enum usm_auth auth = USM_AUTH_NONE;
        assert_int_equal(usm_auth_parse(auth_words[i], &auth), 0);
        assert_int_equal(auth, USM_AUTH_MD5 + i);
    }
    enum usm_auth auth = USM_AUTH_MD5;
    enum usm_priv priv = USM_PRIV_NONE;
    assert_int_equal(usm_auth_parse("sha3", &auth), ERR_NOT_FOUND);
    assert_int_equal(auth, USM_AUTH_MD5);
    assert_int_equal(usm_priv_parse("AES-256-C", &priv), 0);
    assert_int_equal(priv, USM_PRIV_AES256_CISCO);
    for (int i = 0; i < USM_PRIV_COUNT; i++) {
        assert_int_equal(usm_priv_parse(usm_priv_word((enum usm_priv)i), &priv), 0);
        assert_int_equal(priv, i);
    }
    for (int i = 0; i < USM_AUTH_COUNT; i++) {
        assert_int_equal(usm_auth_parse(usm_auth_word((enum usm_auth)i), &auth), 0);
        assert_int_equal(auth, i);
    }
}

static void clocks(void **state)
{
    struct usm_clock clock = {0, 0, 0};
    assert_true(usm_clock_update(&clock, 3, 1000, 0));
    assert_int_equal(usm_clock_time(&clock, 10500000), 1010);
    assert_true(usm_clock_update(&clock, 3, 900, 10000000));   /* late, within 150 s of 1010 */
    assert_int_equal(clock.time, 1000);                        /* and takes nothing back */
    assert_false(usm_clock_update(&clock, 3, 800, 10000000));  /* too old */
    assert_false(usm_clock_update(&clock, 2, 5000, 10000000)); /* before a restart */
    assert_true(usm_clock_update(&clock, 4, 0, 10000000));     /* after a restart */
    assert_true(usm_time_accepted(4, 100, 4, 250));
    assert_false(usm_time_accepted(4, 100, 4, 251));
    assert_true(usm_time_accepted(4, 300, 4, 150));
    assert_false(usm_time_accepted(4, 301, 4, 150));
    assert_false(usm_time_accepted(4, 100, 3, 100));
    assert_false(usm_time_accepted(USM_BOOTS_MAX, 100, USM_BOOTS_MAX, 100));
}

static void reports(void **state)
{
    struct oid oid;
    char text[OID_TEXT_SIZE];
    struct snmp_octets bytes = usm_report_oid(USM_REPORT_NOT_IN_TIME_WINDOW);
    assert_int_equal(oid_decode(bytes.bytes, bytes.length, &oid), 0);
    assert_string_equal(oid_format(&oid, text), "1.3.6.1.6.3.15.1.1.2.0");
    bytes = usm_report_oid(USM_REPORT_UNKNOWN_CONTEXT);
    assert_int_equal(oid_decode(bytes.bytes, bytes.length, &oid), 0);
    assert_string_equal(oid_format(&oid, text), "1.3.6.1.6.3.12.1.5.0");
    for (int i = 0; i < USM_REPORT_OTHER; i++) {
        bytes = usm_report_oid((enum usm_report)i);
        assert_int_equal(usm_report_find(bytes.bytes, bytes.length), i);
    }
    assert_int_equal(usm_report_find(name, sizeof(name)), USM_REPORT_OTHER);
    assert_string_equal(usm_report_word(USM_REPORT_WRONG_DIGEST), "usmStatsWrongDigests");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),          cmocka_unit_test(every_pair),
        cmocka_unit_test(tampered),         cmocka_unit_test(wrong_keys),
        cmocka_unit_test(refused_users),    cmocka_unit_test(long_passwords),
        cmocka_unit_test(shared_passwords), cmocka_unit_test(protocol_words),
        cmocka_unit_test(clocks),           cmocka_unit_test(reports),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
