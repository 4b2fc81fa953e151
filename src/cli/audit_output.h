/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CLI_AUDIT_OUTPUT_H
#define MUSTER_CLI_AUDIT_OUTPUT_H

#include "cli/command.h"
#include "cli/session.h"
#include "daemon/judging.h"

/* A judged round as it is printed.
 *
 * A table with a summary for people; one JSON object (muster-schema(5)) or CSV for
 * programs. JSON and CSV are written discrepancy by discrepancy, so that a round with
 * a million of them does not stand in memory. What stands on standard output is
 * the answer; the summary and what could not be observed go to standard error. */

struct audit_output {
    const struct judging *judging;
    const struct view *view;
    struct receipt *stored_receipts; /* of a replay; NULL */
    size_t stored_receipt_count;
};

/* Prints the round in `format` and returns its exit status. */
int audit_output_print(struct session *session, const struct audit_output *output,
                       enum output_format format);

#endif
