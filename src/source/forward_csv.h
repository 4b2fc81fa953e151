/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_FORWARD_CSV_H
#define MUSTER_SOURCE_FORWARD_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/forwarding.h"

/* Forward tables (T1) as a spreadsheet: columns port and mac, and where they are
 * known switch, vlan, status, age (seconds) and read_at. What some collectors and
 * scripts export, and the way in for a network that nothing here can ask.
 *
 * One file may hold many switches, one row after the other: a table is made for
 * each, in order of first appearance, as a chain. Rows cost no allocation: the
 * reader's fields are views, and what repeats from row to row (switch, VLAN,
 * time) is recognised by its text. A bad row is an error with file, line and
 * column; nothing of the file is then used, for half a table must not pass for a
 * whole one. Limits: FORWARD_CSV_SWITCHES, and those of wire/csv.h and of a
 * forward table. */

enum { FORWARD_CSV_SWITCHES = 100000 };

struct forward_csv_options {
    const char *switch_name;   /* only this switch; also the name where there is no such column */
    const char *fallback_name; /* where there is neither: the file's stem */
    const char *site, *hypervisor;
    const char *source;  /* of the receipts: the configured name; NULL: the switch's */
    struct wall read_at; /* for rows that do not say; WALL_UNKNOWN: the file's time */
    struct span ageing;  /* -1 us: not known */
};

/* Returns whether `bytes`, the beginning of a file, are the header of such a table. */
bool forward_csv_is_one(const char *bytes, size_t length);

/* Reads the file. Returns 0 with *ret (a chain, yours to free; NULL when no row is
 * of the wanted switch), or ERR_NOT_FOUND, ERR_SYSTEM, ERR_SYNTAX, ERR_RANGE,
 * ERR_LIMIT. */
int forward_csv_read(const char *path, const struct forward_csv_options *options,
                     struct forward_table **ret, struct err *err) MUST_USE;

#endif
