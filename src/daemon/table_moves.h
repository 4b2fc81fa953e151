/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_TABLE_MOVES_H
#define MUSTER_DAEMON_TABLE_MOVES_H

#include <stddef.h>

#include "audit/live.h"
#include "model/forwarding.h"

/* What one read of a switch shows otherwise than the read before it: the addresses that came,
 * went or changed their port.
 *
 * A poll that an event set off must not wait for the end of the round to be judged, and the
 * judge of events takes addresses one by one; a table has a million of them, most of which
 * are where they were. So the two tables are compared by address and port name. Rows that
 * are no sighting (self, management, invalid, port 0) are passed over. That an address is
 * gone is only said of a table that was read whole. Linear in the rows of both; any thread. */

struct table_move {
    struct mac mac;
    const struct forward_table *table; /* the later one */
    struct live_probe_row *rows;       /* in which it shows `mac` */
    size_t count;
};

/* Finds at most `most` moves between the reads `before` and `after` of one source, whose
 * switches are matched by name; those of a switch that was not read before are none. Sets
 * *ret_count; returns the moves, yours to table_moves_free(). */
struct table_move *table_moves_find(const struct forward_table *const *before, size_t before_count,
                                    const struct forward_table *const *after, size_t after_count,
                                    size_t most, size_t *ret_count);

/* Frees what table_moves_find() returned; NULL is allowed. */
void table_moves_free(struct table_move *moves, size_t count);

/* Sets *ret, yours to free, to the rows in which `table` shows `mac`, as the judge of events
 * takes them; returns how many there are. Port names are the table's. */
size_t table_moves_rows(const struct forward_table *table, struct mac mac,
                        struct live_probe_row **ret);

#endif
