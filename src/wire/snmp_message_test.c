/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/snmp_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OCTETS(text) ((struct snmp_octets){(const uint8_t *)(text), strlen(text)})

static const uint8_t sys_descr[] = {0x2b, 6, 1, 2, 1, 1, 1, 0};

struct built {
    uint8_t buffer[4096];
    struct ber_writer writer;
};

static void begin(struct built *built)
{
    snmp_writer_init(&built->writer, built->buffer, sizeof(built->buffer));
}

/* A v2c GET of sysDescr.0, octet by octet as RFC 3416 and X.690 have it. */
static void known_octets(void **state)
{
    static const uint8_t expected[] = {
        0x30, 0x29, 0x02, 0x01, 0x01, 0x04, 0x06, 'p',  'u',  'b',  'l',  'i',  'c',  0xa0, 0x1c,
        0x02, 0x04, 0x12, 0x34, 0x56, 0x78, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x30, 0x0e, 0x30,
        0x0c, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x02, 0x01, 0x01, 0x01, 0x00, 0x05, 0x00};
    struct built built;
    begin(&built);
    struct snmp_message message = {.version = SNMP_V2C,
                                   .community = OCTETS("public"),
                                   .pdu = SNMP_GET,
                                   .request_id = 0x12345678};
    assert_true(snmp_writer_add(&built.writer, sys_descr, sizeof(sys_descr), NULL));
    assert_int_equal(snmp_message_wrap(&message, &built.writer), 0);
    assert_int_equal(snmp_writer_length(&built.writer), sizeof(expected));
    assert_memory_equal(snmp_writer_bytes(&built.writer), expected, sizeof(expected));
}

static void check_value(struct ber_reader *list, const struct snmp_value *expected)
{
    struct snmp_varbind varbind;
    assert_int_equal(snmp_varbind_next(list, &varbind), 1);
    assert_int_equal(varbind.oid_length, sizeof(sys_descr));
    assert_memory_equal(varbind.oid, sys_descr, sizeof(sys_descr));
    assert_int_equal(varbind.value.type, expected->type);
    if (expected->bytes != NULL) {
        assert_int_equal(varbind.value.length, expected->length);
        assert_memory_equal(varbind.value.bytes, expected->bytes, expected->length);
    } else {
        assert_true(varbind.value.number == expected->number);
    }
}

static void every_value(void **state)
{
    static const struct snmp_value values[] = {
        {SNMP_INTEGER, -5, NULL, 0},
        {SNMP_OCTETS, 0, (const uint8_t *)"switch", 6},
        {SNMP_NULL, 0, NULL, 0},
        {SNMP_OID, 0, sys_descr, sizeof(sys_descr)},
        {SNMP_IPADDRESS, 0, (const uint8_t *)"\xc0\0\2\1", 4},
        {SNMP_COUNTER32, UINT32_MAX, NULL, 0},
        {SNMP_GAUGE32, 128, NULL, 0},
        {SNMP_TIMETICKS, 4000000000, NULL, 0},
        {SNMP_OPAQUE, 0, (const uint8_t *)"\x9f\x78\4\0\0\0\0", 7},
        {SNMP_COUNTER64, -1 /* all bits */, NULL, 0},
        {SNMP_NO_SUCH_OBJECT, 0, NULL, 0},
        {SNMP_NO_SUCH_INSTANCE, 0, NULL, 0},
        {SNMP_END_OF_MIB_VIEW, 0, NULL, 0}};
    struct built built;
    begin(&built);
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        assert_true(snmp_writer_add(&built.writer, sys_descr, sizeof(sys_descr), &values[i]));
    struct snmp_message message = {.version = SNMP_V1,
                                   .community = OCTETS("c"),
                                   .pdu = SNMP_RESPONSE,
                                   .request_id = -7,
                                   .error_status = SNMP_GEN_ERR,
                                   .error_index = 3};
    struct snmp_message back;
    assert_int_equal(snmp_message_wrap(&message, &built.writer), 0);
    assert_int_equal(snmp_message_decode(snmp_writer_bytes(&built.writer),
                                         snmp_writer_length(&built.writer), &back),
                     0);
    assert_int_equal(back.version, SNMP_V1);
    assert_int_equal(back.pdu, SNMP_RESPONSE);
    assert_int_equal(back.request_id, -7);
    assert_int_equal(back.error_status, SNMP_GEN_ERR);
    assert_int_equal(back.error_index, 3);
    struct ber_reader list = snmp_message_varbinds(&back);
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        check_value(&list, &values[i]);
    struct snmp_varbind varbind;
    assert_int_equal(snmp_varbind_next(&list, &varbind), 0);
}

static void version_3_in_clear(void **state)
{
    struct built built;
    begin(&built);
    struct snmp_message message = {.version = SNMP_V3, .pdu = SNMP_GETBULK, .error_index = 25};
    message.v3 = (struct snmp_v3){.message_id = 77,
                                  .max_size = 65507,
                                  .flags = SNMP_FLAG_REPORTABLE,
                                  .engine_id = OCTETS("engine-identity"),
                                  .engine_boots = 3,
                                  .engine_time = 1000000,
                                  .user = OCTETS("audit"),
                                  .context_engine_id = OCTETS("engine-identity"),
                                  .context = OCTETS("vlan-10")};
    struct snmp_message back;
    assert_true(snmp_writer_add(&built.writer, sys_descr, sizeof(sys_descr), NULL));
    assert_int_equal(snmp_message_wrap(&message, &built.writer), 0);
    assert_int_equal(snmp_message_decode(snmp_writer_bytes(&built.writer),
                                         snmp_writer_length(&built.writer), &back),
                     0);
    assert_int_equal(back.v3.message_id, 77);
    assert_int_equal(back.v3.flags, SNMP_FLAG_REPORTABLE);
    assert_int_equal(back.v3.engine_boots, 3);
    assert_int_equal(back.v3.engine_time, 1000000);
    assert_int_equal(back.v3.context.length, 7);
    assert_memory_equal(back.v3.context.bytes, "vlan-10", 7);
    assert_memory_equal(back.v3.user.bytes, "audit", 5);
    assert_int_equal(back.pdu, SNMP_GETBULK);
    assert_int_equal(back.error_index, 25);
}

static void trap_of_version_1(void **state)
{
    struct built built;
    begin(&built);
    struct snmp_message message = {
        .version = SNMP_V1, .community = OCTETS("c"), .pdu = SNMP_TRAP_V1};
    message.trap = (struct snmp_trap_v1){.enterprise = {sys_descr, sizeof(sys_descr)},
                                         .address = {192, 0, 2, 1},
                                         .generic = 6,
                                         .specific = 42,
                                         .timestamp = 3000000000u};
    struct snmp_message back;
    assert_int_equal(snmp_message_wrap(&message, &built.writer), 0);
    assert_int_equal(snmp_message_decode(snmp_writer_bytes(&built.writer),
                                         snmp_writer_length(&built.writer), &back),
                     0);
    assert_int_equal(back.pdu, SNMP_TRAP_V1);
    assert_int_equal(back.trap.generic, 6);
    assert_int_equal(back.trap.specific, 42);
    assert_int_equal(back.trap.timestamp, 3000000000u);
    assert_memory_equal(back.trap.address, message.trap.address, 4);
    assert_int_equal(back.trap.enterprise.length, sizeof(sys_descr));
}

/* Every cut of a good message is refused; every single octet changed is either
 * refused or decodes to views inside the message. */
static void cut_and_bent(void **state)
{
    struct built built;
    begin(&built);
    struct snmp_value value = {SNMP_OCTETS, 0, (const uint8_t *)"text", 4};
    struct snmp_message message = {.version = SNMP_V3, .pdu = SNMP_RESPONSE};
    message.v3.user = OCTETS("user");
    assert_true(snmp_writer_add(&built.writer, sys_descr, sizeof(sys_descr), &value));
    assert_int_equal(snmp_message_wrap(&message, &built.writer), 0);
    size_t length = snmp_writer_length(&built.writer);
    struct snmp_message back;
    for (size_t cut = 0; cut < length; cut++)
        assert_int_not_equal(snmp_message_decode(snmp_writer_bytes(&built.writer), cut, &back), 0);
    for (size_t at = 0; at < length; at++) {
        for (unsigned flip = 1; flip < 256; flip++) {
            uint8_t *bent = malloc(length);
            memcpy(bent, snmp_writer_bytes(&built.writer), length);
            bent[at] ^= (uint8_t)flip;
            if (snmp_message_decode(bent, length, &back) == 0 && back.pdu != SNMP_PDU_NONE) {
                struct ber_reader list = snmp_message_varbinds(&back);
                struct snmp_varbind varbind;
                assert_true(list.at >= bent && list.end <= bent + length);
                while (snmp_varbind_next(&list, &varbind) == 1)
                    assert_true(varbind.oid >= bent &&
                                varbind.oid + varbind.oid_length <= bent + length);
            }
            free(bent);
        }
    }
}

static void hostile(void **state)
{
    struct snmp_message back;
    static const uint8_t indefinite[] = {0x30, 0x80, 0x02, 0x01, 0x01, 0x04, 0x00, 0xa0, 0x00};
    assert_int_equal(snmp_message_decode(indefinite, sizeof(indefinite), &back), ERR_SYNTAX);
    static const uint8_t version[] = {0x30, 0x05, 0x02, 0x01, 0x02, 0x04, 0x00};
    assert_int_equal(snmp_message_decode(version, sizeof(version), &back), ERR_VERSION);
    static const uint8_t no_pdu[] = {0x30, 0x09, 0x02, 0x01, 0x01, 0x04,
                                     0x00, 0x30, 0x02, 0x05, 0x00};
    assert_int_equal(snmp_message_decode(no_pdu, sizeof(no_pdu), &back), ERR_SYNTAX);
    /* A varbind whose value goes beyond its pair, and one whose name is no OID. */
    static const uint8_t beyond[] = {0x30, 0x06, 0x06, 0x01, 0x2b, 0x04, 0x05, 'x'};
    static const uint8_t unnamed[] = {0x30, 0x04, 0x04, 0x00, 0x05, 0x00};
    struct snmp_varbind varbind;
    struct ber_reader list = {beyond, beyond + sizeof(beyond)};
    assert_int_equal(snmp_varbind_next(&list, &varbind), ERR_SYNTAX);
    list = (struct ber_reader){unnamed, unnamed + sizeof(unnamed)};
    assert_int_equal(snmp_varbind_next(&list, &varbind), ERR_SYNTAX);
}

static void does_not_fit(void **state)
{
    uint8_t buffer[SNMP_HEADROOM + SNMP_TAILROOM + 20];
    struct ber_writer writer;
    snmp_writer_init(&writer, buffer, sizeof(buffer));
    assert_true(snmp_writer_add(&writer, sys_descr, sizeof(sys_descr), NULL));
    size_t end = writer.end;
    assert_false(snmp_writer_add(&writer, sys_descr, sizeof(sys_descr), NULL));
    assert_int_equal(writer.end, end);
    assert_false(writer.full);
    uint8_t community[SNMP_HEADROOM];
    memset(community, 'c', sizeof(community));
    struct snmp_message message = {.version = SNMP_V2C, .pdu = SNMP_GET};
    message.community = (struct snmp_octets){community, sizeof(community)};
    assert_int_equal(snmp_message_wrap(&message, &writer), ERR_LIMIT);
    message.version = SNMP_V3;
    message.v3.flags = SNMP_FLAG_AUTH;
    assert_int_equal(snmp_message_wrap(&message, &writer), ERR_UNSUPPORTED);
}

static void words(void **state)
{
    assert_string_equal(snmp_error_word(SNMP_TOO_BIG), "tooBig");
    assert_string_equal(snmp_error_word(SNMP_AUTHORIZATION_ERROR), "authorizationError");
    assert_string_equal(snmp_error_word(19), "unknown error");
    assert_string_equal(snmp_error_word(-1), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_octets),       cmocka_unit_test(every_value),
        cmocka_unit_test(version_3_in_clear), cmocka_unit_test(trap_of_version_1),
        cmocka_unit_test(cut_and_bent),       cmocka_unit_test(hostile),
        cmocka_unit_test(does_not_fit),       cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
