/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/world_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/clock.h"

const struct oid world_fdb_port = OID(1, 3, 6, 1, 2, 1, 17, 4, 3, 1, 2);
const struct oid world_fdb_status = OID(1, 3, 6, 1, 2, 1, 17, 4, 3, 1, 3);

void outcome_rows(void *arg, const struct snmp_row *rows, size_t count)
{
    struct outcome *outcome = arg;
    assert_false(outcome->done);
    for (size_t i = 0; i < count; i++) {
        if (oid_index_compare(outcome->last, outcome->last_length, rows[i].index,
                              rows[i].index_length) >= 0)
            outcome->increasing = false;
        assert_true(rows[i].index_length <= sizeof(outcome->last));
        memcpy(outcome->last, rows[i].index, rows[i].index_length);
        outcome->last_length = rows[i].index_length;
        outcome->sum += (uint64_t)rows[i].value.number;
        outcome->rows++;
    }
    snmp_cancel(outcome->cancel_in_rows);
    snmp_device_free(outcome->free_in_rows);
}

void outcome_value(void *arg, size_t position, const struct snmp_value *value)
{
    struct outcome *outcome = arg;
    assert_int_equal(position, outcome->value_count);
    assert_true(position < ARRAY_COUNT(outcome->values));
    outcome->values[outcome->value_count++] = *value;
}

void outcome_end(void *arg, const struct snmp_result *result)
{
    struct outcome *outcome = arg;
    assert_false(outcome->done);
    outcome->done = true;
    outcome->code = result->code;
    outcome->result = *result;
    outcome->result.why = "";
    snprintf(outcome->why, sizeof(outcome->why), "%s", result->why);
    if (result->code == 0)
        assert_string_equal(result->why, "");
    else
        assert_true(strlen(result->why) > 10);
}

void world_init(struct world *world, unsigned agents)
{
    struct err err;
    memset(world, 0, sizeof(*world));
    assert_int_equal(snmp_engine_new(NULL, &world->engine, &err), 0);
    world->now = clock_mono();
    world->count = agents;
    for (unsigned i = 0; i < agents; i++)
        agent_init(&world->agents[i]);
}

void world_done(struct world *world)
{
    snmp_engine_free(world->engine);
    for (unsigned i = 0; i < world->count; i++)
        agent_done(&world->agents[i]);
}

void world_add_device(struct world *world, unsigned i, enum snmp_version version,
                      const struct usm_user *user, const struct snmp_limits *limits)
{
    struct err err;
    struct snmp_target target = {.name = "sw",
                                 .address = world->agents[i].address,
                                 .version = version,
                                 .community = "public",
                                 .user = user};
    snmp_limits_init(&target.limits);
    if (limits != NULL)
        target.limits = *limits;
    assert_int_equal(snmp_device_new(world->engine, &target, &world->devices[i], &err), 0);
}

void world_fill_fdb(struct agent *agent, unsigned rows, unsigned spread)
{
    for (unsigned i = 0; i < rows; i++) {
        struct oid oid = world_fdb_port;
        uint32_t number = i * spread;
        uint32_t octets[6] = {0x52,         0x54, 0, number >> 16 & 0xff, number >> 8 & 0xff,
                              number & 0xff};
        for (int k = 0; k < 6; k++)
            assert_int_equal(oid_append(&oid, octets[k]), 0);
        agent_add(agent, &oid, (struct snmp_value){SNMP_INTEGER, i % 48 + 1, NULL, 0});
    }
    struct oid oid = world_fdb_status;
    assert_int_equal(oid_append(&oid, 1), 0);
    agent_add(agent, &oid, (struct snmp_value){SNMP_INTEGER, 3, NULL, 0});
}

static uint64_t fdb_sum(unsigned rows)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < rows; i++)
        sum += i % 48 + 1;
    return sum;
}

void world_run(struct world *world, int64_t milliseconds)
{
    for (int64_t i = 0; i < milliseconds && !snmp_engine_idle(world->engine); i++) {
        snmp_engine_step(world->engine, world->now);
        for (unsigned k = 0; k < world->count; k++)
            agent_serve(&world->agents[k]);
        world->now.us += 1000;
    }
}

void world_start_walk(struct world *world, unsigned i, const struct snmp_walk_options *options,
                      struct outcome *outcome)
{
    memset(outcome, 0, sizeof(*outcome));
    outcome->increasing = true;
    assert_non_null(
        snmp_walk(world->devices[i], &world_fdb_port, options, outcome_rows, outcome_end, outcome));
}

void world_assert_whole(const struct outcome *outcome, unsigned rows)
{
    assert_true(outcome->done);
    assert_string_equal(outcome->why, "");
    assert_int_equal(outcome->code, 0);
    assert_int_equal(outcome->rows, rows);
    assert_int_equal(outcome->result.rows, rows);
    assert_true(outcome->sum == fdb_sum(rows));
}
