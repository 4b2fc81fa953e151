/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bridge_index.h"

#include "base/err.h"
#include "wire/oid.h"

enum { MAC_IDS = 6 };

/* Reads six sub-identifiers as a MAC; MAC_NONE when one is above 255. */
static struct mac read_mac(const uint32_t *ids)
{
    uint64_t bits = 0;
    for (int i = 0; i < MAC_IDS; i++) {
        if (ids[i] > 255)
            return MAC_NONE;
        bits = bits << 8 | ids[i];
    }
    return (struct mac){bits};
}

/* What follows the leading elements: a MAC with a length octet before it or a
 * sub-identifier behind it. */
static int read_long(const uint32_t *ids, struct bridge_index *index)
{
    struct mac behind_length = read_mac(ids + 1), before_extra = read_mac(ids);
    if (ids[0] == MAC_IDS && mac_known(behind_length)) {
        index->mac = behind_length;
        index->notes |= BRIDGE_NOTE_LENGTH_IN_INDEX;
        return 0;
    }
    if (!mac_known(before_extra))
        return ERR_SYNTAX;
    index->mac = before_extra;
    index->number = ids[MAC_IDS];
    index->notes |= BRIDGE_NOTE_EXTRA_IN_INDEX;
    return 0;
}

static int read_tail(const uint32_t *ids, size_t count, struct bridge_index *index)
{
    if (count == 1) {
        index->number = ids[0];
        index->notes |= BRIDGE_NOTE_INDEX_IS_SEQUENCE;
        return 0;
    }
    if (count == MAC_IDS + 1)
        return read_long(ids, index);
    if (count != MAC_IDS)
        return ERR_SYNTAX;
    index->mac = read_mac(ids);
    return mac_known(index->mac) ? 0 : ERR_SYNTAX;
}

static int read_standard(enum bridge_family family, const uint32_t *ids, size_t count,
                         struct bridge_index *index)
{
    size_t lead = family == BRIDGE_DOT1D ? 0 : family == BRIDGE_DOT1Q ? 1 : 2;
    if (lead > 0 && (count == MAC_IDS || count == 1)) {
        index->notes |= BRIDGE_NOTE_NO_FDB_IN_INDEX;
        return read_tail(ids, count, index);
    }
    if (count <= lead)
        return ERR_SYNTAX;
    if (lead > 0) {
        index->fdb_id = ids[lead - 1];
        index->fdb_known = true;
    }
    return read_tail(ids + lead, count - lead, index);
}

static int read_vendor(const struct quirk_fdb *fdb, const uint32_t *ids, size_t count,
                       struct bridge_index *index)
{
    size_t at = 0;
    for (const enum quirk_index *element = fdb->index; *element != QUIRK_INDEX_END; element++) {
        size_t size = *element == QUIRK_INDEX_MAC    ? MAC_IDS
                      : *element == QUIRK_INDEX_REST ? count - at
                                                     : 1;
        if (size > count - at)
            return ERR_SYNTAX;
        if (*element == QUIRK_INDEX_MAC) {
            index->mac = read_mac(ids + at);
            if (!mac_known(index->mac))
                return ERR_SYNTAX;
        } else if (*element == QUIRK_INDEX_VLAN || *element == QUIRK_INDEX_FDB) {
            index->fdb_id = ids[at];
            index->fdb_known = true;
            index->fdb_is_vlan = *element == QUIRK_INDEX_VLAN;
        } else if (*element == QUIRK_INDEX_PORT) {
            index->port = ids[at];
            index->port_known = true;
        }
        at += size;
    }
    return at == count && mac_known(index->mac) ? 0 : ERR_SYNTAX;
}

int bridge_index_slow(enum bridge_family family, const struct quirk_fdb *fdb, const uint8_t *bytes,
                      size_t length, struct bridge_index *ret)
{
    uint32_t ids[LIMIT_OID_LENGTH];
    size_t count = 0;
    int code = oid_index_decode(bytes, length, ids, LIMIT_OID_LENGTH, &count);
    if (code != 0)
        return ERR_SYNTAX;
    struct bridge_index index = {.mac = MAC_NONE};
    if (family == BRIDGE_VENDOR)
        code = read_vendor(fdb, ids, count, &index);
    else
        code = read_standard(family, ids, count, &index);
    if (code == 0)
        *ret = index;
    return code;
}
