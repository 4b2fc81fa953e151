/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_BRIDGE_INDEX_H
#define MUSTER_WIRE_BRIDGE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mac.h"
#include "wire/bridge_table.h"
#include "wire/quirks.h"

/* The index of a forward table's row: which FDB, which MAC.
 *
 * The MIBs' forms are MAC (BRIDGE-MIB), FDB id and MAC (Q-BRIDGE-MIB), component,
 * FDB id and MAC (IEEE8021-Q-BRIDGE-MIB), a MAC being six sub-identifiers. The
 * fast path reads exactly these from the octets. The slow path also takes what
 * devices make of it (DOMAIN 2.1 points 3 and 5): a length octet 6 before the
 * MAC, one sub-identifier more behind it, no FDB id, and a sequence number in the
 * place of the MAC; all else is rejected. A vendor's table has the form that the
 * quirk table gives. Both paths agree wherever the fast one answers: a
 * differential test and a fuzz target hold that. */

struct bridge_index {
    struct mac mac; /* MAC_NONE: the index has none */
    uint32_t fdb_id;
    bool fdb_known;
    bool fdb_is_vlan; /* a vendor's index names the VLAN itself */
    uint32_t notes;   /* enum bridge_note of the index */
    uint32_t number;  /* sequence number or extra sub-identifier */
    uint32_t port;    /* from a vendor's index */
    bool port_known;
};

/* Reads sub-identifiers of a MAC, one or two octets each, and moves *at behind
 * them. Returns false when they are no MAC in shortest form. */
static inline bool bridge_index_mac(const uint8_t **at, const uint8_t *end, uint64_t *ret)
{
    const uint8_t *p = *at;
    uint64_t bits = 0;
    for (int i = 0; i < 6; i++) {
        if (p == end)
            return false;
        uint8_t octet = *p++;
        if (octet >= 0x80) {
            if (octet != 0x81 || p == end || *p >= 0x80)
                return false;
            octet = (uint8_t)(0x80 | *p++);
        }
        bits = bits << 8 | octet;
    }
    *at = p;
    *ret = bits;
    return true;
}

/* Reads one sub-identifier in shortest form, as above. */
static inline bool bridge_index_number(const uint8_t **at, const uint8_t *end, uint32_t *ret)
{
    const uint8_t *p = *at;
    uint64_t number = 0;
    if (p == end || *p == 0x80)
        return false;
    do {
        if (p == end || number > UINT32_MAX >> 7)
            return false;
        number = number << 7 | (*p & 0x7f);
    } while (*p++ & 0x80);
    *at = p;
    *ret = (uint32_t)number;
    return true;
}

/* Reads an index of exactly the MIB's form. Returns false for every other:
 * bridge_index_slow() then has the answer. */
static inline bool bridge_index_fast(enum bridge_family family, const uint8_t *bytes, size_t length,
                                     uint32_t *ret_fdb, uint64_t *ret_mac)
{
    const uint8_t *end = bytes + length;
    uint32_t component;
    *ret_fdb = 0;
    if (family == BRIDGE_IEEE8021Q && !bridge_index_number(&bytes, end, &component))
        return false;
    if (family != BRIDGE_DOT1D && !bridge_index_number(&bytes, end, ret_fdb))
        return false;
    return bridge_index_mac(&bytes, end, ret_mac) && bytes == end;
}

/* Reads any index that a rule explains. Returns 0, or ERR_SYNTAX with *ret
 * untouched. `fdb` describes a vendor's table, else it is not used. */
int bridge_index_slow(enum bridge_family family, const struct quirk_fdb *fdb, const uint8_t *bytes,
                      size_t length, struct bridge_index *ret) MUST_USE;

#endif
