/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"

/* Two threads may ask first at the same time; both must end with one seed, so
 * the first draw that arrives stays. */
uint64_t hash_seed(void)
{
    static _Atomic uint64_t seed;
    uint64_t known = atomic_load_explicit(&seed, memory_order_relaxed);
    while (__builtin_expect(known == 0, 0)) {
        uint64_t drawn;
        if (getrandom(&drawn, sizeof drawn, 0) != sizeof drawn)
            CHECK(errno == EINTR);
        else if (drawn != 0 && atomic_compare_exchange_strong(&seed, &known, drawn))
            known = drawn;
    }
    return known;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load(const uint8_t *at, size_t count)
{
    uint64_t value = 0;
    memcpy(&value, at, count);
    return value;
}

/* Sixteen bytes a step through a 64x64->128 multiplication; the secret seed
 * enters every step, so collisions cannot be prepared. The two factors are masked
 * by values whose difference depends on the seed too: a product does not tell which
 * factor was which, so inputs with exchanged halves would otherwise be one. The last
 * step reads its bytes by two loads of fixed size that may overlap. */
uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed)
{
    const uint64_t k1 = UINT64_C(0xa0761d6478bd642f), k2 = UINT64_C(0xe7037ed1a0b428db);
    const uint8_t *at = bytes;
    uint64_t state = fold(seed ^ k1, k2), a = 0, b = 0;
    size_t left = length;
    for (; left > 16; left -= 16, at += 16)
        state = fold(load(at, 8) ^ k2 ^ seed, load(at + 8, 8) ^ state);
    if (left >= 8) {
        a = load(at, 8);
        b = load(at + left - 8, 8);
    } else if (left >= 4) {
        a = load(at, 4);
        b = load(at + left - 4, 4);
    } else if (left > 0) {
        a = (uint64_t)at[0] << 16 | (uint64_t)at[left / 2] << 8 | at[left - 1];
    }
    return fold(k2 ^ (uint64_t)length, fold(a ^ k1 ^ seed, b ^ state));
}
