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

/* Orders by mac, port, vlan, status, as the table `sighting` does; for qsort(). */
int sighting_compare(const void *a, const void *b);

#endif
