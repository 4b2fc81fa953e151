/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_HASH_H
#define MUSTER_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Seeded hashing: MAC addresses and names come from the network, so whoever
 * sends them must not be able to choose a bucket. The seed is drawn once per
 * process from the kernel; output never depends on it (tables are iterated in
 * insertion order, never in hash order). */

/* Returns the process's seed. */
uint64_t hash_seed(void);

/* Mixes a 64-bit key (finaliser of splitmix64). */
static inline uint64_t hash_u64(uint64_t key, uint64_t seed)
{
    uint64_t z = key ^ seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Hashes `length` bytes. Stores and journals keep its values on the disk: whoever changes
 * it raises STORE_VERSION and SEGMENT_VERSION. */
uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed);

#endif
