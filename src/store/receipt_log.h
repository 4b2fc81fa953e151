/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_RECEIPT_LOG_H
#define MUSTER_STORE_RECEIPT_LOG_H

#include "store/store_internal.h"

/* Receipts of rounds, the proof of what was read, for the parts of the store:
 * the public questions about them stand in query.h. They are the only rows that
 * an unchanged round adds, so their texts are numbers of the dictionary and a
 * sentence is stored only where something was not whole. Limits and attacks:
 * store.h. */

/* Loads the receipts of `round` that belong to source `source_id` (0: all), in
 * the order they were stored; free with store_receipts_free(). */
int receipt_log_load(struct store *store, uint64_t round, int64_t source_id, struct receipt **ret,
                     size_t *ret_count, struct err *err) MUST_USE;

#endif
