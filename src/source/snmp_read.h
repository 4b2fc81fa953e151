/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_SNMP_READ_H
#define MUSTER_SOURCE_SNMP_READ_H

#include <stdint.h>

#include "base/err.h"
#include "base/mac.h"
#include "snmp/engine.h"
#include "wire/bridge_reader.h"

/* One read of one bridge: the requests that a bridge_reader wants, sent by the
 * polling engine.
 *
 * The forward table goes first and alone as long as it can use what the device
 * allows, so that its rows are as near in time as can be; maps that change slowly
 * come behind it. A VLAN's own context or community gets a short patience, since
 * switches answer nothing where it does not exist. A table is split among parallel
 * requests where the device allows three or more.
 *
 * With a MAC, a forward column is not walked but asked for that MAC's instance in
 * each FDB id that is known, by an earlier read or by the VLAN map of this one;
 * where none is known, and for vendors' own tables, the column is walked and all
 * other rows are dropped. */

struct snmp_read_options {
    struct snmp_device *device;
    enum snmp_version version;
    const char *community;      /* v1, v2c */
    const char *context_prefix; /* v3; NULL: as the quirks say, else "vlan-" */
    struct span timeout;
    unsigned in_flight;
    struct bridge_reader_options reader;
    struct mac probe;        /* MAC_NONE: read everything */
    const uint32_t *fdb_ids; /* known from earlier, for a probe; sorted */
    size_t fdb_count;
};

struct snmp_read;

/* The end: `table` is yours, and may be partial (its contexts say why). With `err`
 * the device answered nothing at all, and the table has but the facts of before.
 * The read is no more. */
typedef void snmp_read_end_fn(void *aux, struct bridge_table *table, uint64_t asked,
                              uint64_t answered, const struct err *err);

/* Called now and then with the rows so far. */
typedef void snmp_read_progress_fn(void *aux, uint64_t rows);

/* Starts a read; what `options` points to is copied or taken, but for quirks, which
 * must outlive the read. `end` comes later, never from within. */
struct snmp_read *snmp_read_start(const struct snmp_read_options *options, snmp_read_end_fn *end,
                                  snmp_read_progress_fn *progress, void *aux);

/* Ends a read without calling `end`; NULL is allowed. */
void snmp_read_cancel(struct snmp_read *read);

#endif
