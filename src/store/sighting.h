/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_SIGHTING_H
#define MUSTER_STORE_SIGHTING_H

#include "store/store_internal.h"

/* Forward tables as rows of the store. A row is known by address, port, VLAN set
 * and status, the texts as numbers of the dictionary; two rows that agree in all
 * four are one. The digest of a table is the sum of a keyed hash over its rows,
 * twice with two secrets of the store: equal digests mean the same rows in any
 * order, so an unchanged table of a million rows is neither sorted nor compared
 * with the database. Otherwise both are walked in the order of the key, and what
 * differs is written. Limits and attacks: store.h. */

struct sighting_key {
    uint64_t mac;
    uint32_t port, vlan; /* numbers of names; 0: none */
    uint32_t status;
    uint32_t age; /* not part of the key */
};

struct sighting_keys {
    struct sighting_key *items;
    size_t count, capacity;
    uint64_t digest_a, digest_b; /* of a table's rows */
    bool has_ages;
};

/* Orders by mac, port, vlan, status, as the table `sighting` does; for qsort(). */
int sighting_compare(const void *a, const void *b);

/* Makes the keys of `table`, in its order, with their digest. Names that the store
 * does not have are added, or, without `add_names`, stand as a number that none
 * has. Free with sighting_keys_done(), also after an error. */
int sighting_keys_make(struct store *store, const struct forward_table *table, bool add_names,
                       struct sighting_keys *ret, struct err *err) MUST_USE;

/* Loads the keys that reading `seq` of a source showed, sorted; ages unknown. Free
 * with sighting_keys_done(), also after an error. */
int sighting_keys_load(struct store *store, int64_t source_id, int64_t seq,
                       struct sighting_keys *ret, struct err *err) MUST_USE;

/* Sorts, and makes one of keys that agree; the first one's age stands. */
void sighting_keys_sort(struct sighting_keys *keys);

/* Frees what `keys` holds. */
void sighting_keys_done(struct sighting_keys *keys);

#endif
