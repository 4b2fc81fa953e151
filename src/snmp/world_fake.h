/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SNMP_WORLD_FAKE_H
#define MUSTER_SNMP_WORLD_FAKE_H

#include "snmp/agent_fake.h"
#include "snmp/engine.h"

/* What the engine's tests share: one engine, up to four fake agents on 127.0.0.1, a
 * clock that only the test moves, a forward table to walk and somewhere to put
 * what the callbacks bring. A turn of the world is a millisecond and a round trip:
 * the engine steps, then every agent answers what waits. Nothing sleeps. */

extern const struct oid world_fdb_port, world_fdb_status; /* the column walked, and the next */

struct world {
    struct snmp_engine *engine;
    struct agent agents[4];
    struct snmp_device *devices[4];
    unsigned count;
    struct mono now;
};

struct outcome {
    bool done;
    int code;
    char why[512];
    struct snmp_result result;
    uint64_t rows, sum; /* of the values */
    uint8_t last[64];
    size_t last_length;
    bool increasing;
    struct snmp_value values[200];
    size_t value_count;
    struct snmp_task *cancel_in_rows;
    struct snmp_device *free_in_rows;
};

/* Callbacks of a walk, a get, and their end; `arg` is a struct outcome. */
void outcome_rows(void *arg, const struct snmp_row *rows, size_t count);
void outcome_value(void *arg, size_t position, const struct snmp_value *value);
void outcome_end(void *arg, const struct snmp_result *result);

/* Opens an engine and `agents` agents without rows. */
void world_init(struct world *world, unsigned agents);
void world_done(struct world *world);

/* Adds the device of agent `i`; `limits` NULL: as delivered. */
void world_add_device(struct world *world, unsigned i, enum snmp_version version,
                      const struct usm_user *user, const struct snmp_limits *limits);

/* Gives an agent MACs from 52:54:00:00:00:00, `spread` apart, with port number % 48 + 1,
 * and one row of the next column. */
void world_fill_fdb(struct agent *agent, unsigned rows, unsigned spread);

/* Turns until the engine is idle or `milliseconds` are over. */
void world_run(struct world *world, int64_t milliseconds);

/* Starts a walk of the table on device `i` into a cleared outcome. */
void world_start_walk(struct world *world, unsigned i, const struct snmp_walk_options *options,
                      struct outcome *outcome);

/* Fails the test unless the walk brought `rows` rows of world_fill_fdb() and was whole. */
void world_assert_whole(const struct outcome *outcome, unsigned rows);

#endif
