/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_DECODE_RECORDING_H
#define MUSTER_SOURCE_DECODE_RECORDING_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "wire/bridge_table.h"
#include "wire/quirks.h"

/* What Muster reads out of a recording, as JSON lines (DESIGN section 6): the
 * first tool for a bug report, and what the decoding tests compare. Every row of
 * every table is printed, also what the audit would not use.
 *
 * forward_entry: one row of one table.
 *   table        dot1d, dot1q, ieee8021q or vendor
 *   switch       the configured name, else sysName, else the file's stem
 *   context      the VLAN of the context that was asked, "" the default one
 *   vlan         list of the VLANs that the row's FDB serves; null: not known
 *   fdb_id       as in the index; null where the table has none
 *   mac          null where neither index nor address column has one
 *   bridge_port  as in the port column (-1 is printed so); null: no such row.
 *                Vendor tables name the interface itself: null
 *   if_index     where the port leads to; null: not resolved
 *   if_name      ifName, else ifDescr of that interface; null: not known
 *   status       other, invalid, learned, self or mgmt; null: not read
 *   notes        what the reading has to be said of, the words of bridge_table.h;
 *                seqIdx, xtraSub and addr!= have their number or address behind a
 *                colon
 * neighbour: one LLDP or CDP neighbour.
 *   protocol     lldp or cdp
 *   local_port   the interface's name, else the local port id, else its number
 *   if_index     of that interface; null: not resolved
 *   local_number lldpRemLocalPortNum, or CDP's ifIndex
 *   chassis, port, port_description, system, description, address
 *                as printed, null where not given; MACs as 52:54:00:11:22:33,
 *                octets that are no text as hex:…
 * lag_member: one member of a link aggregate.
 *   if_index, if_name, aggregate (its ifIndex), aggregate_name, source (dot3ad,
 *   pagp or ifStack) */

struct decode_counts {
    uint64_t files, entries, neighbours, lag_members;
};

/* Prints what `table` holds to `out`. `switch_name` NULL: sysName, else `stem`. */
void decode_bridge_print(const struct bridge_table *table, const char *switch_name,
                         const char *stem, FILE *out, struct decode_counts *counts);

/* Decodes the recordings `paths` of one switch: one file with the contexts beside
 * it when it is given alone and names no context, else exactly the files given
 * (contexts told by their names). Adds to *counts. Returns 0, or an error that
 * names file and line; what was printed before it stays. */
int decode_recording(const char *const *paths, size_t count, const struct quirk_table *quirks,
                     FILE *out, struct decode_counts *counts, struct err *err) MUST_USE;

#endif
