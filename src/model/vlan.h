/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_MODEL_VLAN_H
#define MUSTER_MODEL_VLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/text.h"

/* Sets of VLANs, interned: a row or NIC carries a 16-bit number of a set.
 *
 * A forward entry belongs to an FDB, and one FDB may serve several VLANs (shared
 * VLAN learning, DOMAIN 2.1 point 2), so "the VLAN" of a row is a set. Set 0 is
 * "not known"; set 1 is "trunk" (every VLAN). A pool holds at most 65535 sets;
 * one more is reported by the caller as a limit and stands as "not known". */

typedef uint16_t vlan_set;

enum { VLAN_SET_UNKNOWN = 0, VLAN_SET_TRUNK = 1 };

struct vlan_pool;

/* Returns a pool with the two sets that are always there; yours to free. */
struct vlan_pool *vlan_pool_new(void);

/* Frees the pool and its sets; NULL is allowed. */
void vlan_pool_free(struct vlan_pool *pool);

/* Returns the number of the set of the `count` VLAN ids (any order, duplicates
 * allowed, each 0..16777215), VLAN_SET_UNKNOWN for an empty set or a full pool. */
vlan_set vlan_pool_add(struct vlan_pool *pool, const uint32_t *vlans, size_t count);

/* Returns how many sets the pool has: their numbers run from 0. */
size_t vlan_pool_count(const struct vlan_pool *pool);

/* Returns the sorted ids of `set` and sets *ret_count; none for 0 and 1. */
const uint32_t *vlan_pool_get(const struct vlan_pool *pool, vlan_set set, size_t *ret_count);

/* Whether the sets (of two pools, maybe the same) share a VLAN. Trunk shares
 * with every set; an unknown set shares with none: ask for it first. */
bool vlan_sets_share(const struct vlan_pool *pool_a, vlan_set a, const struct vlan_pool *pool_b,
                     vlan_set b);

/* Parses "10", "10|20", "trunk" and "" (unknown) into `pool`. Returns 0, or
 * ERR_SYNTAX / ERR_RANGE (not 0..4095) with *ret untouched. */
int vlan_set_parse(struct vlan_pool *pool, const char *text, size_t length, vlan_set *ret) MUST_USE;

/* Appends "10", "10|20", "trunk" or "" to `to`. */
void vlan_set_print(const struct vlan_pool *pool, vlan_set set, struct text *to);

#endif
