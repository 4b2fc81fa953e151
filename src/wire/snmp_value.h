/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_SNMP_VALUE_H
#define MUSTER_WIRE_SNMP_VALUE_H

#include <stddef.h>
#include <stdint.h>

/* One SNMP value as it stands in a varbind (RFC 3416 section 3): a view into the
 * message or recording, valid only while that is. Live messages, recordings and
 * the simulated agents all speak in these, so that one decoder serves them all. */

enum snmp_type { /* BER tags */
                 SNMP_INTEGER = 0x02,
                 SNMP_OCTETS = 0x04,
                 SNMP_NULL = 0x05,
                 SNMP_OID = 0x06,
                 SNMP_IPADDRESS = 0x40,
                 SNMP_COUNTER32 = 0x41,
                 SNMP_GAUGE32 = 0x42,
                 SNMP_TIMETICKS = 0x43,
                 SNMP_OPAQUE = 0x44,
                 SNMP_COUNTER64 = 0x46,
                 SNMP_NO_SUCH_OBJECT = 0x80,
                 SNMP_NO_SUCH_INSTANCE = 0x81,
                 SNMP_END_OF_MIB_VIEW = 0x82
};

struct snmp_value {
    enum snmp_type type;
    int64_t number;       /* INTEGER, counters, gauges, ticks; Counter64 as its bits */
    const uint8_t *bytes; /* OCTETS, IPADDRESS, OPAQUE; an OID's BER content */
    size_t length;
};

#endif
