/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_OCTETS_H
#define MUSTER_STORE_OCTETS_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* Numbers in the journal's files: lowest octet first, at any address, on every host.
 *
 * Records and heads are packed, so a cast to a wider type would be an unaligned read; a copy
 * of fixed size is one instruction. Nothing is checked here: who reads a damaged file has
 * compared lengths and checksums before (event_record.h, segment.h). Captured packets are in
 * network order and have wire/bytes.h. */

static inline void octets_put_16(uint8_t *to, uint16_t value)
{
    value = htole16(value);
    memcpy(to, &value, sizeof value);
}

static inline void octets_put_32(uint8_t *to, uint32_t value)
{
    value = htole32(value);
    memcpy(to, &value, sizeof value);
}

static inline void octets_put_64(uint8_t *to, uint64_t value)
{
    value = htole64(value);
    memcpy(to, &value, sizeof value);
}

static inline uint16_t octets_get_16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return le16toh(value);
}

static inline uint32_t octets_get_32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

static inline uint64_t octets_get_64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

#endif
