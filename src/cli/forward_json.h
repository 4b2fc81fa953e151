/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CLI_FORWARD_JSON_H
#define MUSTER_CLI_FORWARD_JSON_H

#include <stdio.h>

#include "model/forwarding.h"

/* The rows of a forward table as the forward_entry objects of muster-schema(5), for
 * the commands that show a switch's table and for the decoding of spreadsheets. What
 * a table in the model does not keep (bridge port, FDB id, which MIB it came from) is
 * what `muster decode` of a recording adds. */

/* Returns the name of port number `port`, "" for FORWARD_NO_PORT. */
const char *forward_json_port(const struct forward_table *table, uint32_t port);

/* Returns the name of the aggregate that the port belongs to, "" when it is alone. */
const char *forward_json_aggregate(const struct forward_table *table, uint32_t port);

/* Returns the word of the row's status, "" when it was not read. */
const char *forward_json_status(const struct forward_row *row);

/* Prints every row as one JSON line. */
void forward_json_print(const struct forward_table *table, FILE *to);

#endif
