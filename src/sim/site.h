/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_SITE_H
#define MUSTER_SIM_SITE_H

#include <stdint.h>

#include "sim/datacentre.h"
#include "sim/records.h"
#include "sim/server.h"

/* A generated data centre as agents: one a switch, on consecutive addresses, all
 * at one port, and the clock that ties the simulated time to the real one.
 *
 * Simulated time is the data centre's start at first, and runs at `rate` times
 * the real clock from then on; "advance" makes it jump. Ageing times are told
 * divided by the rate, so that what a client measures with its own clock agrees
 * with what it reads. A switch's tables are computed when it is asked and kept
 * for a second of real time (longer where all that are asked for have millions of
 * rows), or until something is commanded; a switch that nobody asks costs nothing,
 * one that is asked 24 octets a row.
 *
 * The site answers these commands of the control socket (server.h):
 *
 *     event ACTION SUBJECT [TARGET] [lag=SPAN]   datacentre.h; happens at once
 *     advance SPAN                               the simulated clock jumps
 *     time                                       the simulated instant, RFC 3339
 *     truth                                      what an audit should find now        */

struct sim_site;

struct sim_site_config {
    double rate;                               /* 0: 1 */
    uint32_t first_address;                    /* of the first switch, host order; 0: 127.16.0.1 */
    uint16_t port;                             /* 0: SIM_SITE_PORT */
    const struct sim_credentials *credentials; /* NULL: sim_default_credentials */
};

enum { SIM_SITE_ADDRESS = 0x7f100001, SIM_SITE_PORT = 16100 };

/* Takes `dc` over, adds one agent a switch to `server` and answers its commands.
 * `now` is the real instant at which the simulated clock starts to run. Returns 0
 * with *ret (yours to free, after the server), or the error of sim_server_add() or
 * of credentials that libcrypto refuses. `server` may be NULL: nothing is served,
 * and the site is only a clock and a source of records. */
int sim_site_new(struct datacentre *take, const struct sim_site_config *config,
                 struct sim_server *server, struct wall now, struct sim_site **ret,
                 struct err *err) MUST_USE;
void sim_site_free(struct sim_site *site); /* NULL is allowed */

/* Returns the data centre, advanced to the simulated instant of `now`; borrowed. */
struct datacentre *sim_site_datacentre(struct sim_site *site, struct wall now);

/* Returns the simulated instant of the real instant `now`. */
struct wall sim_site_time(const struct sim_site *site, struct wall now);

/* Fills what is needed to write the site's records (records.h); borrows the site. */
void sim_site_records(struct sim_site *site, struct sim_records *ret);

/* Has `server` keep guests.csv and attachments.csv in `directory` (copied) as the
 * records stand: they are written again, whole, within a second of a change, so an
 * audit sees the records follow what happens. A write that fails is said on
 * standard error and tried again at the next change. */
void sim_site_keep_records(struct sim_site *site, struct sim_server *server, const char *directory);

#endif
