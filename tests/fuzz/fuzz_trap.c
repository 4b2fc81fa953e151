/* SPDX-License-Identifier: Apache-2.0 */

/* A datagram as the trap listener gets it. */

#include "wire/trap.h"

#include <string.h>

static void check_event(const struct trap_event *event, const uint8_t *data, size_t size)
{
    const struct snmp_octets names[] = {event->port_name, event->from_name};
    CHECK(event->kind < TRAP_KIND_COUNT);
    CHECK(!mac_known(event->mac) || !mac_is_multicast(event->mac));
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (names[i].length > 0)
            CHECK(names[i].bytes >= data && names[i].bytes + names[i].length <= data + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct snmp_message message;
    struct trap trap;
    struct trap_event event;
    size_t events = 0;
    if (snmp_message_decode(data, size, &message) != 0 || trap_begin(&trap, &message) != 0)
        return 0;
    CHECK(strlen(trap.oid) < TRAP_OID_TEXT);
    while (trap_next(&trap, &event)) {
        check_event(&event, data, size);
        events++;
    }
    CHECK(events > 0 && events <= size);
    CHECK(trap.macs.trailing <= size && trap.macs.rejected <= size);
    return 0;
}
