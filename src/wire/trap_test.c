/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/trap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/trap_fixture.h"
#include "wire/usm.h"

#define LINK_DOWN "1.3.6.1.6.3.1.1.5.3"
#define IF_INDEX  "1.3.6.1.2.1.2.2.1.1"
#define IF_DESCR  "1.3.6.1.2.1.2.2.1.2"
#define IF_NAME   "1.3.6.1.2.1.31.1.1.1.1"

struct result {
    struct trap_fixture fixture;
    struct trap trap;
    struct trap_event event; /* the first */
    size_t count;
};

static int try_read(struct result *result, struct snmp_octets datagram)
{
    struct snmp_message message;
    struct trap_event event;
    int code = snmp_message_decode(datagram.bytes, datagram.length, &message);
    if (code == 0)
        code = trap_begin(&result->trap, &message);
    result->count = 0;
    while (code == 0 && trap_next(&result->trap, &event)) {
        if (result->count++ == 0)
            result->event = event;
    }
    return code;
}

static void read_one(struct result *result, struct snmp_octets datagram)
{
    assert_int_equal(try_read(result, datagram), 0);
    assert_int_equal(result->count, 1);
}

static void check_agent(const struct result *result, const char *expected)
{
    char text[IP_TEXT_SIZE];
    assert_string_equal(
        ip_known(&result->trap.agent) ? ip_format(&result->trap.agent, text) : "none", expected);
}

static void link_down_v2c(void **state)
{
    struct result result;
    trap_fixture_begin_v2(&result.fixture, LINK_DOWN);
    trap_fixture_number(&result.fixture, IF_INDEX ".10101", 10101);
    trap_fixture_octets(&result.fixture, IF_DESCR ".10101", "GigabitEthernet0/1", 18);
    trap_fixture_octets(&result.fixture, IF_NAME ".10101", "Gi0/1", 5);
    read_one(&result, trap_fixture_v2c(&result.fixture, SNMP_INFORM));
    assert_int_equal(result.event.kind, TRAP_LINK_DOWN);
    assert_int_equal(result.event.if_index, 10101);
    assert_int_equal(result.event.port_name.length, 5);
    assert_memory_equal(result.event.port_name.bytes, "Gi0/1", 5);
    assert_true(result.trap.inform);
    assert_string_equal(result.trap.oid, LINK_DOWN);
    assert_string_equal(result.trap.name, "linkDown");
    assert_int_equal(result.trap.uptime_cs, 360000);
    check_agent(&result, "none");
}

/* Where ifIndex itself is missing, the other columns' instance tells it. */
static void index_from_instance(void **state)
{
    struct result result;
    trap_fixture_begin_v2(&result.fixture, LINK_DOWN);
    trap_fixture_octets(&result.fixture, IF_DESCR ".7", "eth7", 4);
    read_one(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    assert_int_equal(result.event.if_index, 7);
}

static void generic_v1(void **state)
{
    static const enum trap_kind kinds[] = {TRAP_RESTART, TRAP_RESTART, TRAP_LINK_DOWN,
                                           TRAP_LINK_UP, TRAP_OTHER,   TRAP_OTHER};
    for (int32_t generic = 0; generic < 6; generic++) {
        struct result result;
        trap_fixture_begin(&result.fixture);
        trap_fixture_number(&result.fixture, IF_INDEX ".3", 3);
        read_one(&result, trap_fixture_v1(&result.fixture, "1.3.6.1.4.1.9.1.1", generic, 0));
        assert_int_equal(result.event.kind, kinds[generic]);
        assert_int_equal(result.event.if_index, 3);
        assert_non_null(result.trap.name);
        check_agent(&result, "192.0.2.9");
    }
}

/* Enterprise, zero, specific; and enterprises that have the zero already. */
static void enterprise_v1(void **state)
{
    static const uint8_t tuple[] = {1, 0, 10, 0x52, 0x54, 0, 0x11, 0x22, 0x33, 0, 4};
    static const char *const enterprises[] = {"1.3.6.1.4.1.9.9.215.2", "1.3.6.1.4.1.9.9.215.2.0"};
    for (size_t i = 0; i < ARRAY_COUNT(enterprises); i++) {
        struct result result;
        trap_fixture_begin(&result.fixture);
        trap_fixture_octets(&result.fixture, "1.3.6.1.4.1.9.9.215.1.1.8.1.2.1", tuple,
                            sizeof(tuple));
        read_one(&result, trap_fixture_v1(&result.fixture, enterprises[i], 6, 1));
        assert_int_equal(result.event.kind, TRAP_MAC_LEARNED);
        assert_string_equal(result.trap.oid, "1.3.6.1.4.1.9.9.215.2.0.1");
    }
}

/* An LLDP trap really has two zeroes. */
static void zero_twice(void **state)
{
    struct result result;
    trap_fixture_begin(&result.fixture);
    read_one(&result, trap_fixture_v1(&result.fixture, "1.0.8802.1.1.2.0", 6, 1));
    assert_string_equal(result.trap.name, "lldpRemTablesChange");
    assert_int_equal(result.event.kind, TRAP_OTHER);
}

static void topology_change(void **state)
{
    static const char *const oids[] = {"1.3.6.1.2.1.17.0.1", "1.3.6.1.2.1.17.0.2"};
    for (size_t i = 0; i < ARRAY_COUNT(oids); i++) {
        struct result result;
        trap_fixture_begin_v2(&result.fixture, oids[i]);
        read_one(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
        assert_int_equal(result.event.kind, TRAP_TOPOLOGY_CHANGE);
    }
}

static void add_address(struct trap_fixture *fixture, uint8_t first)
{
    const uint8_t octets[] = {first, 0, 2, 77};
    trap_fixture_value(
        fixture, "1.3.6.1.6.3.18.1.3.0",
        &(struct snmp_value){.type = SNMP_IPADDRESS, .bytes = octets, .length = sizeof(octets)});
}

/* A forwarder's note of the agent comes before the agent-addr, unless it is nobody's. */
static void agent_address(void **state)
{
    struct result result;
    trap_fixture_begin(&result.fixture);
    add_address(&result.fixture, 198);
    read_one(&result, trap_fixture_v1(&result.fixture, "1.3.6.1.4.1.9", 3, 0));
    check_agent(&result, "198.0.2.77");
    trap_fixture_begin(&result.fixture);
    add_address(&result.fixture, 127);
    read_one(&result, trap_fixture_v1(&result.fixture, "1.3.6.1.4.1.9", 3, 0));
    check_agent(&result, "192.0.2.9");
    trap_fixture_begin_v2(&result.fixture, LINK_DOWN);
    add_address(&result.fixture, 0);
    read_one(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    check_agent(&result, "none");
}

static void not_a_notification(void **state)
{
    struct result result;
    trap_fixture_begin(&result.fixture);
    assert_int_equal(try_read(&result, trap_fixture_v2c(&result.fixture, SNMP_GET)),
                     ERR_UNSUPPORTED);
}

static void without_oid(void **state)
{
    struct result result;
    trap_fixture_begin(&result.fixture);
    read_one(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    assert_int_equal(result.event.kind, TRAP_OTHER);
    assert_string_equal(result.trap.oid, "");
    assert_null(result.trap.name);
}

/* A list that breaks off is refused as a whole, though its beginning reads well. */
static void malformed_list(void **state)
{
    struct result result;
    trap_fixture_begin_v2(&result.fixture, LINK_DOWN);
    trap_fixture_number(&result.fixture, IF_INDEX ".3", 3);
    ber_append(&result.fixture.writer, "\x30\x20\x06", 3);
    assert_int_equal(try_read(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2)),
                     ERR_SYNTAX);
}

/* OIDs longer than any we know, and enterprises that fill the room. */
static void long_oids(void **state)
{
    struct result result;
    char oid[TRAP_OID_TEXT * 2] = "1.3";
    while (strlen(oid) < TRAP_OID_TEXT + 20)
        strcat(oid, ".4294967295");
    trap_fixture_begin_v2(&result.fixture, oid);
    trap_fixture_octets(&result.fixture, oid, "x", 1);
    read_one(&result, trap_fixture_v2c(&result.fixture, SNMP_TRAP_V2));
    assert_string_equal(result.trap.oid, "");
    oid[TRAP_OID_TEXT - 4] = '\0';
    trap_fixture_begin(&result.fixture);
    read_one(&result, trap_fixture_v1(&result.fixture, oid, 6, INT32_MAX));
    assert_string_equal(result.trap.oid, "");
}

struct sealed {
    struct usm_crypto *crypto;
    struct usm_keys keys;
    struct trap_fixture fixture;
    uint8_t *bytes;
    size_t length;
};

static void seal(struct sealed *sealed, enum usm_auth auth, enum usm_priv priv)
{
    static const uint8_t engine[] = {0x80, 0, 0x1f, 0x88, 1, 2, 3, 4};
    struct usm_user user;
    sealed->crypto = usm_crypto_new();
    assert_int_equal(usm_user_init(&user, sealed->crypto, "traps", auth, "authpass12345", priv,
                                   "privpass12345", NULL),
                     0);
    struct snmp_message message = {.version = SNMP_V3, .pdu = SNMP_TRAP_V2};
    message.v3.engine_id = (struct snmp_octets){engine, sizeof(engine)};
    message.v3.context_engine_id = message.v3.engine_id;
    message.v3.user = (struct snmp_octets){(const uint8_t *)"traps", 5};
    usm_keys_init(&sealed->keys, sealed->crypto, &user, message.v3.engine_id);
    message.v3.flags = usm_keys_flags(&sealed->keys);
    trap_fixture_begin_v2(&sealed->fixture, LINK_DOWN);
    trap_fixture_number(&sealed->fixture, IF_INDEX ".3", 3);
    assert_int_equal(usm_seal(sealed->crypto, &sealed->keys, &message, &sealed->fixture.writer), 0);
    sealed->bytes = sealed->fixture.buffer + sealed->fixture.writer.begin;
    sealed->length = snmp_writer_length(&sealed->fixture.writer);
    usm_user_done(&user);
}

static void encrypted_v3(void **state)
{
    struct sealed sealed;
    struct result result;
    struct snmp_message message;
    seal(&sealed, USM_AUTH_SHA256, USM_PRIV_AES128);
    read_one(&result, (struct snmp_octets){sealed.bytes, sealed.length});
    assert_true(result.trap.sealed);
    assert_int_equal(result.event.kind, TRAP_OTHER);
    assert_int_equal(result.trap.engine_id.length, 8);
    assert_int_equal(snmp_message_decode(sealed.bytes, sealed.length, &message), 0);
    assert_int_equal(usm_open(sealed.crypto, &sealed.keys, &message, sealed.bytes), USM_OK);
    assert_int_equal(trap_begin(&result.trap, &message), 0);
    assert_false(result.trap.sealed);
    assert_true(trap_next(&result.trap, &result.event));
    assert_int_equal(result.event.kind, TRAP_LINK_DOWN);
    usm_crypto_free(sealed.crypto);
}

static void signed_v3(void **state)
{
    struct sealed sealed;
    struct result result;
    seal(&sealed, USM_AUTH_SHA1, USM_PRIV_NONE);
    read_one(&result, (struct snmp_octets){sealed.bytes, sealed.length});
    assert_int_equal(result.event.kind, TRAP_LINK_DOWN);
    assert_memory_equal(result.trap.user.bytes, "traps", 5);
    usm_crypto_free(sealed.crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(link_down_v2c), cmocka_unit_test(index_from_instance),
        cmocka_unit_test(generic_v1),    cmocka_unit_test(enterprise_v1),
        cmocka_unit_test(zero_twice),    cmocka_unit_test(topology_change),
        cmocka_unit_test(agent_address), cmocka_unit_test(not_a_notification),
        cmocka_unit_test(without_oid),   cmocka_unit_test(malformed_list),
        cmocka_unit_test(long_oids),     cmocka_unit_test(encrypted_v3),
        cmocka_unit_test(signed_v3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
