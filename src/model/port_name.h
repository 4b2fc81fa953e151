/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_MODEL_PORT_NAME_H
#define MUSTER_MODEL_PORT_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* One port, many spellings: ifName Gi1/0/1, ifDescr GigabitEthernet1/0/1,
 * Juniper's logical unit ge-0/0/1.0. Spreadsheets, topology databases and LLDP
 * neighbours each use the one they like; without a common form every recorded
 * port would look like a gap in the record. */

enum { PORT_NAME_SIZE = 256 };

/* Writes the canonical form of `name` (lower case, blanks removed, the word for
 * the medium shortened, a trailing ".0" unit dropped) and returns `buffer`. Two
 * spellings of one port have one canonical form. */
char *port_name_canonical(const char *name, char buffer[static PORT_NAME_SIZE]);

/* Whether `a` and `b` name the same port. */
bool port_name_same(const char *a, const char *b);

#endif
