/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/proof.h"

#include "audit/presence.h"

static int64_t minus(int64_t a, int64_t b)
{
    int64_t difference;
    return __builtin_sub_overflow(a, b, &difference) ? PROOF_NONE : difference;
}

void proof_read(const struct world *world, uint32_t port, int64_t *ret_started, int64_t *ret_ended)
{
    const struct world_heard *heard = world_heard_at(world, port);
    if (heard == NULL) {
        const struct world_switch *sw = &world->switches[world->ports[port].switch_index];
        *ret_started = sw->started_us;
        *ret_ended = sw->ended_us;
        return;
    }
    *ret_started = *ret_ended = WALL_UNKNOWN.us;
    if (heard->fact == NULL)
        return;
    *ret_ended = heard->fact->polled ? heard->fact->last.us : heard->fact->frame.us;
    *ret_started = heard->fact->polled ? heard->fact->first.us : heard->fact->frame.us;
}

static int64_t heard_frame(const struct world *world, const struct world_heard *heard, int64_t at)
{
    if (at == WALL_UNKNOWN.us)
        return PROOF_NONE;
    at = minus(at, world->options.clock_skew.us);
    return at == PROOF_NONE ? PROOF_NONE : minus(at, heard->window_us);
}

int64_t proof_frame(const struct world *world, const struct sighting *sighting)
{
    const struct world_heard *heard = world_heard_at(world, sighting->port);
    if (heard != NULL && heard->fact == NULL)
        return PROOF_NONE;
    if (heard != NULL)
        return heard_frame(world, heard,
                           heard->fact->polled ? heard->fact->first.us : heard->fact->frame.us);
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

int64_t proof_kept_after(const struct world *world, const struct sighting *sighting,
                         int64_t instant)
{
    const struct world_heard *heard = world_heard_at(world, sighting->port);
    if (heard == NULL || heard->fact == NULL || heard->fact->polled)
        return proof_after(world, sighting, instant);
    const struct heard_fact *fact = heard->fact; /* that it was reset is no word that it was kept */
    int64_t kept =
        heard_frame(world, heard, fact->end == HEARD_RESET ? fact->first.us : fact->last.us);
    return kept == PROOF_NONE || instant == WALL_UNKNOWN.us ? PROOF_NONE : minus(kept, instant);
}

bool proof_is_single(const struct world *world, const struct sighting *sighting)
{
    const struct world_heard *heard = world_heard_at(world, sighting->port);
    return heard != NULL && heard->fact != NULL && !heard->fact->polled &&
           presence_source_parse(heard->fact->origin->type) == PRESENCE_RADIUS;
}

bool proof_read_before(const struct world *world, uint32_t older, uint32_t newer)
{
    int64_t older_started, older_ended, newer_started, newer_ended;
    proof_read(world, older, &older_started, &older_ended);
    proof_read(world, newer, &newer_started, &newer_ended);
    if (older_ended == WALL_UNKNOWN.us || newer_started == WALL_UNKNOWN.us)
        return false;
    int64_t gap = minus(newer_started, older_ended);
    return gap != PROOF_NONE && gap > world->options.clock_skew.us;
}
