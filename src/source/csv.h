/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_CSV_H
#define MUSTER_SOURCE_CSV_H

#include "contract/plugin.h"

/* Recorded source `csv`: spreadsheets, one file a table (DESIGN section 4).
 *
 * All files of one source are read as one snapshot in a worker thread, so a
 * million rows do not hold the loop. The record is as old as the guests' file
 * (its modification time), not as young as the reading. A file that cannot be
 * read whole, has a single bad row, is changed meanwhile or shrank by more than
 * `max_shrink` per cent fails the whole source: half a record would raise an
 * alarm for every guest of the other half. The core then keeps the last good
 * snapshot. */

extern const struct recorded_source_class recorded_csv;

#endif
