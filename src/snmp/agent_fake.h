/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SNMP_AGENT_FAKE_H
#define MUSTER_SNMP_AGENT_FAKE_H

#include "snmp/engine.h"

/* An agent for tests: a socket on 127.0.0.1, a table of rows, and faults on
 * demand. It runs in the test's thread, answers what waits when it is told to, and
 * knows no time but its own `time` field, so tests need no sleep and are exact.
 * It shares the codec with the engine; the lab holds both against net-snmp. */

struct agent_row {
    uint8_t oid[64];
    size_t length;
    struct snmp_value value;
};

struct agent {
    int fd;
    struct snmp_address address;
    struct agent_row *rows; /* sorted by name, unless a test says otherwise */
    size_t count, capacity;
    const char *community;
    /* v3: who may ask, and the agent's identity. */
    struct usm_crypto *crypto;
    struct usm_user user;
    uint8_t engine_id[12];
    int32_t boots, time;
    const char *context;                                /* the one besides "" that exists */
    bool (*drop)(struct agent *agent, unsigned number); /* loses the n-th request */
    unsigned repetitions_most;                          /* 0: any; more are tooBig */
    unsigned rows_most; /* 0: any; answers are cut short after so many */
    bool loops;         /* after its last row begins anew */
    bool gen_err_on_bulk, silent, garbage, twice;
    struct oid mute; /* requests that begin with a name below it get no answer, */
    unsigned mutes;  /* so many of them; 0: none */
    int answer_fd;   /* -1: fd; else answers leave from another port */
    unsigned received, answered;
    unsigned bulk_asked;  /* repetitions of the latest GETBULK */
    unsigned set_count;   /* varbinds of the latest SET */
    int32_t set_error;    /* what SETs are answered with */
    unsigned error_index; /* of the latest error sent */
};

/* Opens the socket and fills in a `struct agent` without rows or faults. */
void agent_init(struct agent *agent);
void agent_done(struct agent *agent);

/* Adds a row; the value's octets must outlive the agent. */
void agent_add(struct agent *agent, const struct oid *oid, struct snmp_value value);

/* Makes it a v3 agent for `user`, whose keys are copied. */
void agent_use_v3(struct agent *agent, struct usm_crypto *crypto, const struct usm_user *user);

/* Answers every request that waits. Returns how many there were. */
unsigned agent_serve(struct agent *agent);

#endif
