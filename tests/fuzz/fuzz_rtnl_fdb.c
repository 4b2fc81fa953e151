/* SPDX-License-Identifier: Apache-2.0 */

/* A stream of rtnetlink messages. */

#include "wire/rtnl_fdb.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *at = data;
    size_t left = size;
    struct rtnl_message message;
    while (rtnl_next(&at, &left, &message)) {
        CHECK(left <= size);
        if (message.what == RTNL_LINK)
            CHECK(strlen(message.link.name) < RTNL_NAME_SIZE &&
                  strlen(message.link.kind) < RTNL_KIND_SIZE);
        if (message.what == RTNL_ENTRY || message.what == RTNL_GONE)
            CHECK(mac_known(message.entry.mac));
    }
    return 0;
}
