/* SPDX-License-Identifier: Apache-2.0 */

/* Index octets by both paths, which must agree; then as the rows of walks of all
 * three columns of a table, in the order that the input gives. */

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/check.h"
#include "wire/bridge_index.h"
#include "wire/bridge_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct quirk_fdb vendor = {.index = {QUIRK_INDEX_SKIP, QUIRK_INDEX_VLAN,
                                                  QUIRK_INDEX_MAC, QUIRK_INDEX_PORT,
                                                  QUIRK_INDEX_END}};

static void compare(const uint8_t *octets, size_t length)
{
    for (int family = BRIDGE_DOT1D; family <= BRIDGE_IEEE8021Q; family++) {
        struct bridge_index index;
        uint32_t fdb;
        uint64_t mac;
        if (!bridge_index_fast((enum bridge_family)family, octets, length, &fdb, &mac))
            continue;
        CHECK(bridge_index_slow((enum bridge_family)family, NULL, octets, length, &index) == 0);
        CHECK(index.mac.bits == mac && index.fdb_id == fdb && index.notes == 0);
    }
}

/* Each record: a control octet (column, family), a length octet, the index. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bridge_table *table = alloc_zeroed(1, sizeof *table);
    struct bridge_walk walks[3][BRIDGE_FAMILY_COUNT] = {0};
    struct bridge_rows rows;
    bridge_rows_init(&rows, table);
    while (size >= 2) {
        uint8_t control = data[0];
        size_t length = data[1] < size - 2 ? data[1] : size - 2;
        enum bridge_family family = (enum bridge_family)(control & 3);
        unsigned column = (control >> 2) % 3;
        struct bridge_walk *walk = &walks[column][family];
        walk->family = family;
        walk->fdb = family == BRIDGE_VENDOR ? &vendor : NULL;
        struct snmp_value value = {.type = SNMP_INTEGER, .number = control >> 4};
        struct snmp_value address = {.type = SNMP_OCTETS, .bytes = data, .length = 6};
        compare(data + 2, length);
        if (column == 0)
            (void)bridge_rows_port(&rows, walk, data + 2, length, &value);
        else if (column == 1)
            (void)bridge_rows_status(&rows, walk, data + 2, length, &value);
        else if (size >= 6)
            (void)bridge_rows_address(&rows, walk, data + 2, length, &address);
        data += 2 + length;
        size -= 2 + length;
    }
    bridge_rows_finish(&rows);
    for (size_t i = 0; i < table->row_count; i++) {
        CHECK(bridge_row_group(&table->rows[i]) < table->group_count);
        (void)bridge_table_odd(table, i);
    }
    bridge_rows_done(&rows);
    bridge_table_free(table);
    return 0;
}
