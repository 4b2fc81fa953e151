/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_AGENT_PDU_H
#define MUSTER_SIM_AGENT_PDU_H

#include "sim/agent.h"
#include "sim/mib.h"
#include "wire/snmp_message.h"

/* The part of a simulated agent that knows nothing of communities and users: a
 * request PDU and a view in, the list of answer varbinds out (RFC 3416 section
 * 4.2, RFC 1157 section 4.1). Faults of content are acted out where an instance
 * is looked up, so every PDU type shows them alike. The work is bounded by
 * `budget`, the octets that varbinds may take, and by AGENT_PDU_REPEATERS. */

enum { AGENT_PDU_REPEATERS = 128 };

struct agent_pdu {
    const struct snmp_message *request;
    const struct mib_view *view;
    const struct oid *forward; /* NULL: no faults of content */
    const struct sim_faults *faults;
    const struct sim_source *source;
    size_t budget;
    struct ber_writer *writer; /* initialised, empty */
};

/* Answers the request: fills the writer with varbinds and sets the error fields
 * of `reply`. Returns false when the agent stays silent. */
bool agent_pdu_answer(const struct agent_pdu *pdu, struct snmp_message *reply);

/* Answers with an error: its status, and the request's own varbinds. */
void agent_pdu_refuse(const struct agent_pdu *pdu, struct snmp_message *reply, int32_t status,
                      int32_t index);

#endif
