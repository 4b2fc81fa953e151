/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_WIRE_BYTES_H
#define MUSTER_WIRE_BYTES_H

#include <stdint.h>

/* Numbers in network order, read octet by octet.
 *
 * Captured headers stand at any address, so a cast to a wider type would be an
 * unaligned read, and hosts differ in their order. Compilers turn these functions
 * into one load and one swap. They check nothing: the caller has compared the
 * length of what it holds before it reads. */

/* Returns the 16-bit number whose higher octet is at `at`. */
static inline uint16_t bytes_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* Returns the 32-bit number whose highest octet is at `at`. */
static inline uint32_t bytes_u32(const uint8_t *at)
{
    return (uint32_t)bytes_u16(at) << 16 | bytes_u16(at + 2);
}

#endif
