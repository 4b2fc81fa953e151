/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_SUBNET_H
#define MUSTER_AUDIT_SUBNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "model/record.h"

/* Addresses and subnets of the records, by address: which guest has this address, and
 * in which recorded subnet does it lie (DOMAIN 1.8, column IPv6; F18, F20).
 *
 * What goes in: columns `address` and `subnet` of the CMDB and of the data-centre model,
 * `ip` of the guests, `address` of the switches. A cell may hold several values, separated by
 * '|', ',', ';' or blanks. An address written with a length ("192.0.2.5/24") is an
 * address and also says a subnet. A subnet written without length has 64 bits where it
 * is IPv6 and is marked assumed; the same goes for the subnet of an address that lies in
 * no recorded one, because a care-of address is announced without its length (F18). A row
 * without guest (a network, a home agent) counts as well: it tells lengths. What does not
 * parse is counted and the first such rows are kept for a recorded_gap.
 *
 * Guests of several tables and sources are one guest when they have the same name, as
 * people who fill in a CMDB mean it. Of the published inventory only guests with an `ip`,
 * or whose name another table gives an address or a subnet, are in the index: it stays
 * small beside ten million guests.
 *
 * Names alone join them, across sites too: where two guests of one name live in two sites, the
 * subnets of both are right for either, so that a double name silences and never accuses.
 *
 * How: both lists are sorted arrays. A lookup of an address is a binary search; the longest
 * match is one too, over prefixes that each know the next shorter one around them, and
 * a walk outwards, at most 128 steps and nearly always none. Built once for a set of
 * records, O(n log n), about a second for a million rows, so not on a thread that must answer;
 * never changed; borrows the record sets, which must outlive it. Equal records give equal answers
 * in equal order, whatever the process's seed.
 *
 * Limits: what the record sets hold (limits.h), and SUBNET_CELL_VALUES values of a cell; further
 * ones count as unreadable. */

enum { SUBNET_CELL_VALUES = 64, SUBNET_BAD_KEPT = 16, SUBNET_ASSUMED_BITS = 64 };

#define SUBNET_NONE UINT32_MAX

/* A row of a record set; of RECORD_GUESTS `row` counts record_set.guests. */
struct record_ref {
    uint32_t row;
    uint16_t set;  /* of those that the index was built from */
    uint8_t table; /* enum record_table */
};

/* A recorded prefix, once for each guest that has it (guest SUBNET_NONE: no guest's). */
struct subnet_prefix {
    struct ip_prefix prefix;
    bool assumed; /* its length was not written */
    uint32_t guest;
    struct record_ref ref; /* the first row that says so */
};

/* A recorded address. */
struct subnet_address {
    struct ip address;
    uint32_t guest; /* SUBNET_NONE: a row without guest */
    struct record_ref ref;
};

/* A guest of the index. */
struct subnet_guest {
    const char *name;
    const struct record_ref *rows; /* every row about it, in order of set, table and row */
    size_t row_count;
    const struct subnet_prefix *prefixes; /* recorded for it, in order */
    size_t prefix_count;
};

struct subnet_index;

/* Builds the index; `sets` are borrowed, the array itself is copied. Yours to free. */
struct subnet_index *subnet_index_new(const struct record_set *const *sets, size_t count);
void subnet_index_free(struct subnet_index *index); /* NULL is allowed */

/* Returns one of the recorded prefixes that are the longest around `ip`: the first in order
 * of guest, and sets *ret_count, which may be NULL, to how many follow it with the same prefix.
 * NULL and 0 when none is recorded around it. */
const struct subnet_prefix *subnet_find(const struct subnet_index *index, const struct ip *ip,
                                        size_t *ret_count);

/* Returns the subnet that `ip` lies in: the longest recorded one, else 64 bits of an IPv6
 * and all bits of an IPv4 address. Sets *ret_assumed to whether its length is a guess. */
struct ip_prefix subnet_of(const struct subnet_index *index, const struct ip *ip,
                           bool *ret_assumed);

/* Returns the recorded addresses that lie in `prefix`, in order of address, then as
 * recorded; sets *ret_count. NULL and 0 when there is none. */
const struct subnet_address *subnet_addresses(const struct subnet_index *index,
                                              const struct ip_prefix *prefix, size_t *ret_count);

/* Returns the number of the guest of that name, SUBNET_NONE when the index has none. */
uint32_t subnet_guest_find(const struct subnet_index *index, const char *name);

/* Returns guest `number`, which must be below subnet_guest_count(). */
struct subnet_guest subnet_guest(const struct subnet_index *index, uint32_t number);
uint32_t subnet_guest_count(const struct subnet_index *index);

/* Returns the record set that a reference is into. */
const struct record_set *subnet_set(const struct subnet_index *index, struct record_ref ref);

/* Whether any source has a CMDB, a data-centre model or an address of a guest or
 * switch: without, that an address is not recorded says nothing. */
bool subnet_has_records(const struct subnet_index *index);

/* Returns how many values could not be read, and in *ret_first (may be NULL) up to
 * SUBNET_BAD_KEPT rows that have some. */
size_t subnet_bad(const struct subnet_index *index, const struct record_ref **ret_first);

/* Returns the bytes that the index holds. */
size_t subnet_index_size(const struct subnet_index *index);

#endif
