/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_RANDOM_H
#define MUSTER_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* Reproducible chance for generated data centres: splitmix64, whose whole state
 * is one number, so that a seed printed in a failing test rebuilds the same
 * world on every machine and with every compiler. It is not for secrets, and
 * nothing outside sim/ may use it: what Muster itself draws comes from the
 * kernel (base/hash.h). */

struct sim_random {
    uint64_t state;
};

/* Returns the generator that `seed` starts. */
static inline struct sim_random sim_random_start(uint64_t seed)
{
    return (struct sim_random){seed};
}

/* Returns the next 64 bits. */
static inline uint64_t sim_random_next(struct sim_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Returns a number from 0 to `count` - 1; 0 when `count` is 0. */
static inline uint32_t sim_random_below(struct sim_random *random, uint32_t count)
{
    return (uint32_t)((sim_random_next(random) >> 32) * count >> 32);
}

/* Returns true in `percent` of 100 calls. */
static inline bool sim_random_chance(struct sim_random *random, unsigned percent)
{
    return sim_random_below(random, 100) < percent;
}

#endif
