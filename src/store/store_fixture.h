/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_STORE_FIXTURE_H
#define MUSTER_STORE_STORE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/case_record.h"
#include "model/forwarding.h"
#include "model/record.h"
#include "store/store.h"

/* What the tests of the store need: a folder of their own that goes away with
 * them, and small snapshots written in a line. Times count minutes from one
 * fixed noon, since no test reads a clock. Not part of the product; limits and
 * attacks: none, its callers are the tests. */

struct fixture {
    char folder[64];
    char path[96]; /* of the store in it */
};

/* Makes the folder, removes it with what is in it; 0, for cmocka. */
int fixture_setup(void **state);
/* Removes what fixture_setup() made; 0. */
int fixture_teardown(void **state);

/* Returns that instant, and when a reading began that ended then. */
struct wall fixture_minute(int64_t minute);
struct wall fixture_began(int64_t minute);

/* One row of a table; `vlan` "" unknown. */
struct fixture_row {
    uint64_t mac;
    const char *port, *vlan;
};

/* Returns a finished table of switch `name` read at `minute`. */
struct forward_table *fixture_table(const char *name, int64_t minute, bool whole,
                                    const struct fixture_row *rows, size_t count);

/* Returns a finished set; `lines` are CSV rows without quotes of "hypervisor,guest,
 * mac,run_state,note" (note is a column that Muster does not know). */
struct record_set *fixture_guests(const char *source, int64_t minute, const char *const *lines,
                                  size_t count);

/* Adds attachments "hypervisor,nic_mac,switch,port" to a set that is not finished;
 * line numbers run from 2. */
void fixture_attachments(struct record_set *set, const char *const *lines, size_t count);

/* Begins a round at `minute`, stores the table (may be NULL) and the set (may be
 * NULL), frees both, commits. Returns the round's number. */
uint64_t fixture_round(struct store *store, int64_t minute, struct forward_table *table,
                       struct record_set *set);

/* A case that was judged at `minute`, and opened then when `opened`. */
struct case_change fixture_case(uint64_t number, const struct discrepancy *discrepancy,
                                int64_t minute, bool opened);

/* Opens the fixture's store and fails the test when that fails. */
struct store *fixture_open(const struct fixture *fixture, enum store_mode mode);

#endif
