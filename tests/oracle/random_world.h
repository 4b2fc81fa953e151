/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_TESTS_RANDOM_WORLD_H
#define MUSTER_TESTS_RANDOM_WORLD_H

#include "story.h"

/* Random data centres with faults, from a seed: switch trees with LAGs, MLAG pairs and
 * redundant uplinks, one or two sites, VLAN-less, VLAN-aware and shared-learning switches,
 * guests in every state with one or two NICs, faults of every kind, several rounds. */
struct random_world;

/* Makes the world of `seed` and puts its network and options into `story`, which it
 * borrows. Yours to free. */
struct random_world *random_world_new(uint64_t seed, struct story *story);
void random_world_free(struct random_world *world); /* NULL is allowed */

/* How many rounds it has, and the seconds of the day of round `number`. */
unsigned random_world_rounds(const struct random_world *world);
double random_world_time(const struct random_world *world, unsigned number);

/* Sets the story's records and rows to what they are in round `number`. */
void random_world_step(struct random_world *world, unsigned number);

#endif
