/* SPDX-License-Identifier: Apache-2.0 */

/* MAC addresses and prefixes as inventories and devices spell them: whatever
 * parses must survive printing and parsing again. */

#include "base/mac.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mac mac, again;
    struct mac_prefix prefix;
    char text[MAC_TEXT_SIZE];
    if (mac_parse((const char *)data, size, &mac) == 0) {
        CHECK(mac_known(mac));
        mac_format(mac, text);
        CHECK(mac_parse(text, strlen(text), &again) == 0 && mac_equal(mac, again));
    }
    if (mac_prefix_parse((const char *)data, size, &prefix) == 0)
        CHECK((prefix.value & ~prefix.mask) == 0);
    return 0;
}
