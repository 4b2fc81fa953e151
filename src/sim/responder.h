/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_RESPONDER_H
#define MUSTER_SIM_RESPONDER_H

#include <stdint.h>

#include "sim/records.h"
#include "sim/server.h"

/* Many devices with large forward tables that answer as fast as the kernel lets
 * them: what a poller is measured against.
 *
 * All devices show one table, of BRIDGE-MIB or of Q-BRIDGE with FDB id 10: learned
 * rows whose addresses spread over the prefixes of eight makers and whose ports
 * follow each other (switch_mib's made-up rows). The varbinds of the port column and
 * then of the status column stand encoded, back to back, in one template; a GETBULK
 * of one column is a binary search for the row and one copy, for v2c and v3 alike.
 * Everything else (GET, other tables, several columns at once) is answered by the
 * ordinary agent from the same rows. An answer ends with the table at the latest,
 * which RFC 3416 allows.
 *
 * A simulated round trip delays each answer, a share of answers may be lost;
 * both are made here because the kernel's netem may be missing. Limits: 16 million
 * rows; above RESPONDER_TEMPLATE_ROWS (about 55 octets a row) there is no template
 * and rows are computed one by one. */

enum { RESPONDER_TEMPLATE_ROWS = 1000000 };

struct sim_responder;

struct sim_responder_config {
    uint32_t devices;                          /* at consecutive addresses */
    uint32_t rows;                             /* of each forward table, 1 to 16 million */
    uint32_t first_address;                    /* host order; 0: 127.16.0.1 */
    uint16_t port;                             /* 0: 16100 */
    bool vlans;                                /* Q-BRIDGE, not BRIDGE-MIB */
    struct span rtt;                           /* delay of each answer */
    unsigned loss;                             /* of 1000 answers, how many are lost */
    size_t message_size;                       /* largest answer; 0: 1472 */
    const struct sim_credentials *credentials; /* NULL: sim_default_credentials */
};

/* Adds the devices to `server`, named "dev1" onwards. Returns 0 with *ret, yours
 * to free after the server, or ERR_RANGE / ERR_SYSTEM with the reason. */
int sim_responder_new(const struct sim_responder_config *config, struct sim_server *server,
                      struct wall now, struct sim_responder **ret, struct err *err) MUST_USE;
void sim_responder_free(struct sim_responder *responder); /* NULL is allowed */

#endif
