/* SPDX-License-Identifier: Apache-2.0 */

/* A quirk file of any octets: refused with a message, or understood and then
 * applied to a device. */

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "wire/quirks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quirk_table *table = quirk_table_new();
    struct err err = {0};
    int code = quirk_table_add(table, "q", (const char *)data, size, &err);
    CHECK(code == 0 || err.text[0] != '\0');
    struct oid device = OID(1, 3, 6, 1, 4, 1, 99, 1);
    struct quirk quirk;
    (void)quirk_table_find(table, &device, &quirk);
    CHECK(quirk.order_count <= BRIDGE_FAMILY_COUNT);
    quirk_table_free(table);
    return 0;
}
