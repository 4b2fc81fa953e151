/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_RECORDINGS_H
#define MUSTER_SIM_RECORDINGS_H

#include <stdint.h>

#include "sim/records.h"
#include "sim/server.h"

/* Recorded devices as agents: one a switch, on consecutive addresses, answering
 * exactly what was recorded (`.snmprec`, snmpwalk text, OpenNMS walks; see
 * source/recording_file.h). Files of per-VLAN contexts, by their names, become
 * community@N and the v3 contexts N, vlan-N and vlan_N.
 *
 * Only sysUpTime moves: it is the recorded one plus the time since the agent
 * started, so a client that checks for restarts is content. Faults (faults.h) act
 * on the larger of the recording's forward tables (BRIDGE-MIB, Q-BRIDGE,
 * IEEE8021-Q-BRIDGE). The recordings are untrusted input, read with the limits of
 * their parser; a bad file is an error that names it. */

struct sim_recordings;

struct sim_recordings_config {
    uint32_t first_address;                    /* host order; 0: 127.16.0.1 */
    uint16_t port;                             /* 0: 16100 */
    const struct sim_credentials *credentials; /* NULL: sim_default_credentials */
};

/* Adds the recordings at `paths` to `server`: files, or directories of which every
 * file that can be read as a recording is taken, in the order of their names; what
 * is named after the switch (the file's stem) is one agent. Files of a directory
 * that are no recordings are passed over. Returns 0 with *ret (yours to free, after
 * the server), or ERR_NOT_FOUND when there is no recording, ERR_SYNTAX, ERR_LIMIT,
 * ERR_SYSTEM or the error of sim_server_add(). */
int sim_recordings_new(const char *const *paths, size_t path_count,
                       const struct sim_recordings_config *config, struct sim_server *server,
                       struct wall now, struct sim_recordings **ret, struct err *err) MUST_USE;
void sim_recordings_free(struct sim_recordings *recordings); /* NULL is allowed */

/* Returns how many agents there are; the i-th is at first_address + i. */
size_t sim_recordings_count(const struct sim_recordings *recordings);

/* Returns the name of the i-th agent; borrowed. */
const char *sim_recordings_name(const struct sim_recordings *recordings, size_t index);

#endif
