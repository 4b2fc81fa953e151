/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/trap_fixture.h"

#include <string.h>

#include "base/check.h"
#include "wire/oid.h"

enum { REQUEST_ID = 4711, UPTIME = 360000 };

static size_t encode(const char *text, uint8_t bytes[static OID_BER_SIZE])
{
    struct oid oid;
    CHECK(oid_parse(text, strlen(text), &oid) == 0);
    return oid_encode(&oid, bytes);
}

void trap_fixture_begin(struct trap_fixture *fixture)
{
    snmp_writer_init(&fixture->writer, fixture->buffer, sizeof(fixture->buffer));
}

void trap_fixture_value(struct trap_fixture *fixture, const char *oid,
                        const struct snmp_value *value)
{
    uint8_t bytes[OID_BER_SIZE];
    size_t length = encode(oid, bytes);
    CHECK(snmp_writer_add(&fixture->writer, bytes, length, value));
}

void trap_fixture_number(struct trap_fixture *fixture, const char *oid, int64_t number)
{
    trap_fixture_value(fixture, oid, &(struct snmp_value){.type = SNMP_INTEGER, .number = number});
}

void trap_fixture_octets(struct trap_fixture *fixture, const char *oid, const void *bytes,
                         size_t length)
{
    trap_fixture_value(fixture, oid,
                       &(struct snmp_value){.type = SNMP_OCTETS, .bytes = bytes, .length = length});
}

void trap_fixture_oid(struct trap_fixture *fixture, const char *oid, const char *value)
{
    uint8_t bytes[OID_BER_SIZE];
    size_t length = encode(value, bytes);
    trap_fixture_value(fixture, oid,
                       &(struct snmp_value){.type = SNMP_OID, .bytes = bytes, .length = length});
}

void trap_fixture_begin_v2(struct trap_fixture *fixture, const char *notification)
{
    trap_fixture_begin(fixture);
    trap_fixture_value(fixture, "1.3.6.1.2.1.1.3.0",
                       &(struct snmp_value){.type = SNMP_TIMETICKS, .number = UPTIME});
    trap_fixture_oid(fixture, "1.3.6.1.6.3.1.1.4.1.0", notification);
}

static struct snmp_octets wrap(struct trap_fixture *fixture, const struct snmp_message *message)
{
    CHECK(snmp_message_wrap(message, &fixture->writer) == 0);
    return (struct snmp_octets){snmp_writer_bytes(&fixture->writer),
                                snmp_writer_length(&fixture->writer)};
}

struct snmp_octets trap_fixture_v2c(struct trap_fixture *fixture, enum snmp_pdu pdu)
{
    return wrap(fixture, &(struct snmp_message){.version = SNMP_V2C,
                                                .community = {(const uint8_t *)"public", 6},
                                                .pdu = pdu,
                                                .request_id = REQUEST_ID});
}

struct snmp_octets trap_fixture_v1(struct trap_fixture *fixture, const char *enterprise,
                                   int32_t generic, int32_t specific)
{
    uint8_t bytes[OID_BER_SIZE];
    size_t length = encode(enterprise, bytes);
    return wrap(fixture, &(struct snmp_message){.version = SNMP_V1,
                                                .community = {(const uint8_t *)"public", 6},
                                                .pdu = SNMP_TRAP_V1,
                                                .trap = {.enterprise = {bytes, length},
                                                         .address = {192, 0, 2, 9},
                                                         .generic = generic,
                                                         .specific = specific,
                                                         .timestamp = UPTIME}});
}
