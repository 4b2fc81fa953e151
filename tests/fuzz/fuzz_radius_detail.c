/* SPDX-License-Identifier: Apache-2.0 */

/* Accounting records as text: whatever stands there, each record is a sound packet, and the
 * reader comes to the end. */

#include "base/check.h"
#include "wire/radius_accounting.h"
#include "wire/radius_detail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct radius_detail detail = {.text = (const char *)data, .length = size};
    struct radius_packet packet;
    struct wall arrived;
    uint8_t bytes[RADIUS_PACKET_MAX];
    size_t before = 0;
    (void)radius_detail_is(detail.text, size);
    while (radius_detail_next(&detail, bytes, &packet, &arrived)) {
        struct radius_accounting record;
        CHECK(detail.at > before && detail.at <= size);
        before = detail.at;
        CHECK(packet.attributes_end == packet.length && packet.length > RADIUS_HEADER);
        radius_accounting_read(&packet, &record);
        radius_accounting_time(&record, arrived);
    }
    return 0;
}
