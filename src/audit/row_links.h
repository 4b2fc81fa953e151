/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_ROW_LINKS_H
#define MUSTER_AUDIT_ROW_LINKS_H

#include "audit/sweep_inside.h"

/* The rows of each MAC, linked: what lets a re-audit look at the rows of the MACs that
 * changed and at no others.
 *
 * Every MAC has a number: that of its slot in the world's index, and for MACs that no
 * record has the numbers behind the index's. So no second hash table is asked for the head of a
 * MAC's list, and the heads of guests that stand together in the records are together. Strangers
 * that could never make a verdict (no guest prefix, no port mode) are not linked at all: ten
 * million unknown rows cost nothing here. What is known of a MAC as a whole is a mark beside its
 * head: whether some row of it is odd, and whether memory has a reason to look at it whatever its
 * rows are.
 *
 * Memory: 12 octets a row and 8 a slot of the index. Rows that went
 * leave their place to the next that comes; strangers that went stay known by name until
 * the state ends, so a state must not outlive its world, which nobody lets it. */

struct link_node {
    struct sighting sighting;
    uint32_t next; /* of the same MAC; of the free ones; WORLD_NONE */
};

struct link_head {
    uint32_t first; /* node; WORLD_NONE: the MAC has no row */
    uint32_t marks; /* the user's own; 0 at first */
};

struct row_links {
    const struct world *world;
    struct link_node *nodes;
    size_t node_count, node_capacity;
    uint32_t free_node;
    struct link_head *heads; /* by number: of the slots, then of the strangers */
    size_t head_capacity, slot_count;
    struct mac_list strangers;
};

/* Starts with no row linked; everything is freed by row_links_done(). */
void row_links_init(struct row_links *links, const struct world *world);
void row_links_done(struct row_links *links);

/* Returns the number of `mac`, WORLD_NONE when it has none; row_links_number() gives a
 * stranger one if it could make a verdict. */
uint32_t row_links_find(const struct row_links *links, uint64_t mac);
uint32_t row_links_number(struct row_links *links, uint64_t mac);

/* Returns the MAC of a number, and its slot in the world's index: NULL for strangers. */
uint64_t row_links_mac(const struct row_links *links, uint32_t number);
const struct mac_slot *row_links_slot(const struct row_links *links, uint32_t number);

/* Returns how many numbers there are: of those with a slot, and of the strangers. */
static inline uint32_t row_links_count(const struct row_links *links)
{
    return (uint32_t)(links->slot_count + links->strangers.count);
}

/* Adds a row of the MAC, or takes one away; returns false when there is no such row. */
void row_links_add(struct row_links *links, uint32_t number, struct sighting sighting);
bool row_links_remove(struct row_links *links, uint32_t number, struct sighting sighting);

/* Fetches, in two steps, what row_links_find() will look at, and where it leads to. */
static FETCHES_AHEAD void row_links_prefetch(const struct row_links *links, uint64_t mac)
{
    mac_index_prefetch(&links->world->index, mac);
}

static FETCHES_AHEAD void row_links_prefetch_head(const struct row_links *links, uint64_t mac)
{
    uint32_t guess = mac_index_guess(&links->world->index, mac);
    __builtin_prefetch(links->heads + (guess > 0 ? guess - 1 : 0), 1);
}

static FETCHES_AHEAD void row_links_prefetch_first(const struct row_links *links, uint32_t number)
{
    if (number != WORLD_NONE && links->heads[number].first != WORLD_NONE)
        __builtin_prefetch(links->nodes + links->heads[number].first, 1);
}

#endif
