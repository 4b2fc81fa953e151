/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_TRAP_FIXTURE_H
#define MUSTER_WIRE_TRAP_FIXTURE_H

#include "wire/snmp_message.h"

/* Builds notifications for tests the way agents do, varbind by varbind:
 *
 *     struct trap_fixture fixture;
 *     trap_fixture_begin(&fixture);
 *     trap_fixture_oid(&fixture, "1.3.6.1.6.3.1.1.4.1.0", "1.3.6.1.6.3.1.1.5.3");
 *     trap_fixture_number(&fixture, "1.3.6.1.2.1.2.2.1.1.7", 7);
 *     struct snmp_octets datagram = trap_fixture_v2c(&fixture, SNMP_TRAP_V2);
 *
 * Misuse fails a CHECK; nothing here sees input. */

enum { TRAP_FIXTURE_SIZE = 8192 };

struct trap_fixture {
    uint8_t buffer[TRAP_FIXTURE_SIZE];
    struct ber_writer writer;
};

/* Starts an empty list of varbinds. */
void trap_fixture_begin(struct trap_fixture *fixture);

/* Starts the list of a v2 notification: sysUpTime.0 and snmpTrapOID.0. */
void trap_fixture_begin_v2(struct trap_fixture *fixture, const char *notification);

/* Append a varbind with the dotted `oid`. */
void trap_fixture_value(struct trap_fixture *fixture, const char *oid,
                        const struct snmp_value *value);
void trap_fixture_number(struct trap_fixture *fixture, const char *oid, int64_t number);
void trap_fixture_octets(struct trap_fixture *fixture, const char *oid, const void *bytes,
                         size_t length);
void trap_fixture_oid(struct trap_fixture *fixture, const char *oid, const char *value);

/* Puts the headers of a v2c message with community "public" in front; returns the
 * datagram, which lives in the fixture. */
struct snmp_octets trap_fixture_v2c(struct trap_fixture *fixture, enum snmp_pdu pdu);

/* As a v1 trap of `enterprise` from agent-addr 192.0.2.9. */
struct snmp_octets trap_fixture_v1(struct trap_fixture *fixture, const char *enterprise,
                                   int32_t generic, int32_t specific);

#endif
