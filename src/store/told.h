/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_STORE_TOLD_H
#define MUSTER_STORE_TOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "model/heard.h"
#include "store/store.h"

/* What a round was told of what had been heard, so that it can be judged again word for word.
 *
 * The steady ones, open sessions in order, are known by their rows (store/heard.h puts them
 * together as of any instant) and nothing follows from their times; keeping a million
 * of them a round would be a million rows a minute. What a verdict rests on is kept as it was
 * (HEARD_KEEP_WHOLE): sessions that ended or are where no record expects them, frames heard,
 * all that was heard of an address of which something is said. A frame heard in order has no
 * session's row; of it the place is kept and not the time (HEARD_KEEP_STEADY), since it says the
 * same until it moves. Of an address of which something is said and nothing was heard, that is
 * kept, too (HEARD_KEEP_NOTHING).
 *
 * How. Intervals, as everywhere in the store: a row holds from the first round that was told so to
 * the last, and an unchanged one costs nothing. A round compares what it was told
 * with the rows that hold, by the text of the row: a hash table and a pass, about a microsecond
 * each. Facts of one address keep their order by a rank in the text.
 *
 * Limits: the fact's text is bounded by its names (LIMIT_NAME_BYTES each). Rows go with the last
 * round that they were told to. Attacks considered: names from outside are values of a tabbed
 * line, escaped; a row that does not read back is damage, said and not guessed. */

struct told_fact {
    struct heard_fact fact; /* HEARD_KEEP_NOTHING: its mac alone */
    uint8_t keep;           /* enum heard_keep, not HEARD_KEEP_NOT */
};

/* When it was collected, and the sequence number of the first event that was not in it then; 0:
 * not known. Events that had come and waited for the disk were not. */
struct told_mark {
    struct wall at;
    uint64_t next;
};

/* Keeps what the round at hand was told when it was collected: all of it, once, between
 * store_round_begin() and store_round_commit(). Facts of one MAC in their order. */
int store_round_told(struct store *store, const struct told_mark *mark,
                     const struct told_fact *facts, size_t count, struct err *err) MUST_USE;

/* Loads what `round` was told, by MAC; memory and texts from `arena`. The time of a steady one is
 * that of its last announcement before `judged`, else `judged`. */
int store_load_told(struct store *store, uint64_t round, struct wall judged, struct arena *arena,
                    struct told_fact **ret, size_t *ret_count, struct err *err) MUST_USE;

/* Writes the text of a row, the `rank`th of its address; and reads one: `line` is changed and its
 * values then belong to *ret, whose origin is from `arena`. Returns whether it is one. */
void told_fact_print(const struct told_fact *told, size_t rank, struct text *to);
bool told_fact_read(char *line, struct mac mac, struct arena *arena, uint32_t *ret_rank,
                    struct told_fact *ret) MUST_USE;

#endif
