/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CLI_DECODE_CSV_H
#define MUSTER_CLI_DECODE_CSV_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

/* `muster decode` of a guests' spreadsheet: each row as the guest_nic object of
 * muster-schema(5), with MACs, states and times as Muster understands them.
 *
 * It goes through the same reader and columns as the source `csv`, so a message
 * here is the message that an audit would give, with file, line and column. */

/* Whether `path` is named like a spreadsheet (.csv, .tsv). */
bool decode_csv_is(const char *path);

/* Prints the rows of the guests' spreadsheet at `path` to `out`. Returns 0, or an
 * error with file, line, column and what was expected; what was printed before it
 * stays. */
int decode_csv_print(const char *path, FILE *out, struct err *err) MUST_USE;

#endif
