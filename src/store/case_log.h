/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_CASE_LOG_H
#define MUSTER_STORE_CASE_LOG_H

#include "store/store_internal.h"

/* Cases and their events in the store. A case is one row that follows its
 * discrepancy, so its size does not grow while it stands; every event keeps the
 * discrepancy as it was then. How long each has been found without a break is
 * kept as intervals of rounds, which a replay can ask for any round. Limits and
 * attacks: store.h. */

/* Which cases pass; NULL fields let all through. */
struct case_sieve {
    const char *state, *kind; /* words */
    bool open_only;
    const char *const *subjects; /* any of these texts, as print_subject() has them */
    size_t subject_count;        /* 0: all */
};

/* Loads the cases that `statement` (with CASE_COLUMNS) yields and pass `sieve`. */
int case_log_load(struct store *store, enum statement statement, const struct cell *parameters,
                  size_t count, const struct case_sieve *sieve, struct arena *arena,
                  const struct case_record **ret, size_t *ret_count, struct err *err) MUST_USE;

#endif
