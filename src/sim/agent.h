/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_AGENT_H
#define MUSTER_SIM_AGENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "sim/faults.h"
#include "sim/mib.h"
#include "wire/usm.h"

/* One simulated SNMP agent: octets of a request in, octets of the answer out.
 *
 * No sockets and no clock, so a test drives it directly. Versions 1, 2c and 3 at
 * once; GET, GETNEXT, GETBULK (RFC 3416 section 4.2), SET refused. Communities are
 * the agent's own or COMMUNITY@CONTEXT; a v3 context may be spelt "vlan-10" or
 * "10". As on real devices an unknown community or v2c context is answered by
 * nothing, an unknown v3 context by a Report. The v3 side is an authoritative
 * engine (RFC 3414 section 3.2): discovery, time window, digests, privacy, one
 * engine id an agent; each user must come at exactly its own level, a lower one
 * is refused by authorizationError.
 *
 * Answers keep within the agent's message size and, for v3, the client's; a
 * GETBULK is cut short, anything else becomes tooBig. Requests are hostile input:
 * malformed ones are dropped, and work per request is bounded by the answer's
 * size. Content faults (faults.h) are acted out here, those of the path by the
 * server. Where the values come from is the source's business. */

struct sim_agent;

/* Where an agent's values come from. */
struct sim_source {
    void *state;
    /* Returns the view of a context ("" the default one), NULL when there is none;
     * valid until the next call. `now` is the wall clock, `faults` the agent's,
     * `uptime_cs` its sysUpTime. */
    const struct mib_view *(*view)(void *state, const char *context, struct wall now,
                                   const struct sim_faults *faults, int64_t uptime_cs);
    /* Returns the OID below which the forward table's columns are, NULL when faults
     * of content cannot happen. */
    const struct oid *(*forward)(void *state);
    /* Answers a GETBULK faster than the view can: appends varbinds of at most
     * `budget` octets in all and returns true, or returns false with the writer
     * unchanged to leave it to the view. Not asked while a fault of content is on.
     * NULL: there is no faster way. */
    bool (*bulk)(void *state, const struct snmp_message *request, size_t budget,
                 struct ber_writer *writer);
    /* Whether the device answers at all now; NULL: always. */
    bool (*alive)(void *state, struct wall now);
    void (*free)(void *state); /* NULL: nothing to free */
};

struct sim_agent_config {
    const char *name;             /* copied */
    const char *community;        /* copied; NULL: "public" */
    const struct usm_user *users; /* borrowed; may be none */
    size_t user_count;
    uint32_t number;     /* makes the engine id unlike other agents' */
    size_t message_size; /* largest answer; 0: 1472 */
    struct wall booted;  /* sysUpTime and engine time count from here */
};

enum { SIM_AGENT_MESSAGE_SIZE = 1472 };

/* Returns a new agent that takes `source` over; yours to free. */
struct sim_agent *sim_agent_new(const struct sim_agent_config *config,
                                const struct sim_source *source);
void sim_agent_free(struct sim_agent *agent); /* NULL is allowed */

/* Returns the agent's name; borrowed. */
const char *sim_agent_name(const struct sim_agent *agent);

/* Returns the agent's faults, to read or to change. */
struct sim_faults *sim_agent_faults(struct sim_agent *agent);

/* Answers one datagram. `request` is written to (decryption is in place). Returns
 * the length of the answer in `reply`, 0 when there is none. `crypto` serves all
 * agents of a thread. */
size_t sim_agent_answer(struct sim_agent *agent, struct usm_crypto *crypto, uint8_t *request,
                        size_t length, struct wall now, uint8_t *reply, size_t reply_size);

#endif
