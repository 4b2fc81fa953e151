/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/proof.h"

static int64_t minus(int64_t a, int64_t b)
{
    int64_t difference;
    return __builtin_sub_overflow(a, b, &difference) ? PROOF_NONE : difference;
}

int64_t proof_frame(const struct world *world, const struct sighting *sighting)
{
    const struct world_switch *sw = &world->switches[world->ports[sighting->port].switch_index];
    if (sw->started_us == WALL_UNKNOWN.us)
        return PROOF_NONE;
    int64_t window = sw->ageing_us;
    if (sighting->age != FORWARD_AGE_UNKNOWN)
        window = ((int64_t)sighting->age + 1) * 1000000;
    int64_t read = minus(sw->started_us, world->options.clock_skew.us);
    return read == PROOF_NONE ? PROOF_NONE : minus(read, window);
}

int64_t proof_after(const struct world *world, const struct sighting *sighting, int64_t instant)
{
    int64_t frame = proof_frame(world, sighting);
    if (frame == PROOF_NONE || instant == WALL_UNKNOWN.us)
        return PROOF_NONE;
    return minus(frame, instant);
}

bool proof_read_before(const struct world *world, uint32_t older, uint32_t newer)
{
    const struct world_switch *a = &world->switches[world->ports[older].switch_index];
    const struct world_switch *b = &world->switches[world->ports[newer].switch_index];
    if (a->ended_us == WALL_UNKNOWN.us || b->started_us == WALL_UNKNOWN.us)
        return false;
    int64_t gap = minus(b->started_us, a->ended_us);
    return gap != PROOF_NONE && gap > world->options.clock_skew.us;
}
