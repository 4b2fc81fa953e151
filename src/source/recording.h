/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_RECORDING_H
#define MUSTER_SOURCE_RECORDING_H

#include "contract/plugin.h"
#include "wire/quirks.h"

/* Observed source "recording": forward tables out of a file instead of a device,
 * so that walks which a network team mailed can be audited, and every recording
 * is a test. Read are .snmprec files, what snmpwalk prints, with the contexts of
 * other VLANs beside the file (`NAME.vlanN.*`, `NAME@N.*`), all decoded as a live
 * device is; and forward tables as CSV (forward_csv.h), which may hold several
 * switches and then give a chain of tables.
 *
 * The file is read again at each fetch, in a worker thread. When it was read is
 * its `read_at`, else its modification time: a recording proves what was then. A
 * file that is missing, empty or without forward table is a failed reading (an
 * audit_gap of that switch), never a usage error (DESIGN section 8 point 6). */
extern const struct observed_source_class observed_recording;

/* Reads one recording of any form, at once: what a fetch does, for the commands
 * that read files without a configuration. Texts are borrowed; NULL where not
 * given. Returns 0 with *ret (a chain for CSV; yours to free), or an error as
 * above. */
struct recording_options {
    const char *switch_name, *path, *site, *hypervisor, *source;
    struct wall read_at; /* WALL_UNKNOWN: the file's time */
    struct span ageing;  /* zero or less: what the recording says */
    const struct quirk_table *quirks;
};
int recording_read(const struct recording_options *options, struct forward_table **ret,
                   struct err *err) MUST_USE;

/* Returns the quirk table as delivered with the lines of `user_file` (may be NULL)
 * added; yours to free. On error *ret is untouched and the message names file and
 * line. */
int recording_quirks(const char *user_file, struct quirk_table **ret, struct err *err) MUST_USE;

#endif
