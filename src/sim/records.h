/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_RECORDS_H
#define MUSTER_SIM_RECORDS_H

#include <stdint.h>

#include "base/err.h"
#include "sim/datacentre.h"
#include "wire/usm.h"

/* The recorded side of a simulated data centre as files, just as an operator
 * would keep them: the spreadsheets of DESIGN section 4, a muster.yaml that reads
 * them and asks every simulated switch by SNMP, and the credentials beside it.
 *
 * Every third switch is asked by SNMPv3 (authPriv), the others by v2c, so that an
 * audit of the simulation exercises both. Files are written whole and renamed
 * into place: an audit that runs meanwhile never reads half a table. The files
 * with secrets are readable by their owner only. The simulation's secrets are
 * constants, known to everybody; they protect nothing. */

struct sim_credentials {
    const char *community;
    const char *user;
    enum usm_auth auth;
    const char *auth_password;
    enum usm_priv priv;
    const char *priv_password;
};

/* The simulation's own: community "public", user "muster", SHA-256 and AES-128. */
extern const struct sim_credentials sim_default_credentials;

/* What the files say that the data centre does not know. */
struct sim_records {
    const struct datacentre *dc;
    uint32_t first_address; /* of the agents, host order */
    uint16_t port;
    const struct sim_credentials *credentials;
    /* Times are written as real ones: real_start + (t - sim_start) / rate. */
    struct wall sim_start, real_start;
    double rate;
};

/* Writes muster.yaml, guests.csv, attachments.csv, switches.csv, links.csv,
 * lags.csv, community, v3-auth and v3-priv into `directory`, which must exist.
 * Returns 0, or ERR_SYSTEM naming the file. */
int sim_records_write(const struct sim_records *records, const char *directory,
                      struct err *err) MUST_USE;

/* Writes only what changes while the simulated clock runs: guests.csv and
 * attachments.csv. */
int sim_records_update(const struct sim_records *records, const char *directory,
                       struct err *err) MUST_USE;

#endif
