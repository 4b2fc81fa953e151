/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CLI_REPORT_H
#define MUSTER_CLI_REPORT_H

#include <stdio.h>

#include "base/text.h"
#include "cli/command.h"
#include "model/discrepancy.h"

/* How discrepancies, evidence and places look on a terminal and in CSV.
 *
 * The table has one row a discrepancy, the gravest first, and its sentence below it,
 * so that it can be read at 80 columns. In CSV a field that a spreadsheet would run
 * as a formula is disarmed: what a device calls itself is not to be executed. */

/* Prints a table: kind, state, subject, expected and observed places, and below
 * each row the sentence that says why; the gravest first. `ids` (may be NULL)
 * are the cases' names, beside `items`. */
void report_table(FILE *to, const struct discrepancy *const *items, const char *const *ids,
                  size_t count);

/* Appends the header line of CSV (RFC 4180), and one row; `id` (may be NULL) is the
 * case's name. */
void report_csv_header(struct text *to);
void report_csv_row(struct text *to, const struct discrepancy *d, const char *id);

/* Returns the colour in which a discrepancy of `severity` is shown. */
enum colour report_severity_colour(enum severity severity);

/* Appends who it is about: "web1 52:54:00:11:22:33", "hypervisor hv1" ... */
void report_subject(struct text *to, const struct discrepancy *d);

/* Prints the chain of proof, one numbered step a line. */
void report_evidence(FILE *to, const struct evidence *evidence, size_t count);

/* Prints `text` (may be NULL) as one CSV field, quoted where RFC 4180 asks for it. */
void report_csv_field(FILE *to, const char *text);

#endif
