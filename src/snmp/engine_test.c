/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/clock.h"
#include "snmp/agent_fake.h"

/* One engine, some fake agents, a clock that the test moves. */

static const struct oid fdb_port = OID(1, 3, 6, 1, 2, 1, 17, 4, 3, 1, 2);
static const struct oid fdb_status = OID(1, 3, 6, 1, 2, 1, 17, 4, 3, 1, 3);

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

static void take_rows(void *arg, const struct snmp_row *rows, size_t count)
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

static void take_value(void *arg, size_t position, const struct snmp_value *value)
{
    struct outcome *outcome = arg;
    assert_int_equal(position, outcome->value_count);
    assert_true(position < ARRAY_COUNT(outcome->values));
    outcome->values[outcome->value_count++] = *value;
}

static void take_end(void *arg, const struct snmp_result *result)
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

static void world_init(struct world *world, unsigned agents)
{
    struct err err;
    memset(world, 0, sizeof(*world));
    assert_int_equal(snmp_engine_new(NULL, &world->engine, &err), 0);
    world->now = clock_mono();
    world->count = agents;
    for (unsigned i = 0; i < agents; i++)
        agent_init(&world->agents[i]);
}

static void world_done(struct world *world)
{
    snmp_engine_free(world->engine);
    for (unsigned i = 0; i < world->count; i++)
        agent_done(&world->agents[i]);
}

static void add_device(struct world *world, unsigned i, enum snmp_version version,
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

/* MACs 52:54:00:00:xx:xx, `spread` apart, port = number % 48 + 1; then one row of the
 * next column. */
static void fill_fdb(struct agent *agent, unsigned rows, unsigned spread)
{
    for (unsigned i = 0; i < rows; i++) {
        struct oid oid = fdb_port;
        uint32_t number = i * spread;
        uint32_t octets[6] = {0x52,         0x54, 0, number >> 16 & 0xff, number >> 8 & 0xff,
                              number & 0xff};
        for (int k = 0; k < 6; k++)
            assert_int_equal(oid_append(&oid, octets[k]), 0);
        agent_add(agent, &oid, (struct snmp_value){SNMP_INTEGER, i % 48 + 1, NULL, 0});
    }
    struct oid oid = fdb_status;
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

/* One millisecond a turn, until the engine is idle or the time is over. */
static void run(struct world *world, int64_t milliseconds)
{
    for (int64_t i = 0; i < milliseconds && !snmp_engine_idle(world->engine); i++) {
        snmp_engine_step(world->engine, world->now);
        for (unsigned k = 0; k < world->count; k++)
            agent_serve(&world->agents[k]);
        world->now.us += 1000;
    }
}

static void start_walk(struct world *world, unsigned i, const struct snmp_walk_options *options,
                       struct outcome *outcome)
{
    memset(outcome, 0, sizeof(*outcome));
    outcome->increasing = true;
    assert_non_null(snmp_walk(world->devices[i], &fdb_port, options, take_rows, take_end, outcome));
}

static void assert_whole(const struct outcome *outcome, unsigned rows)
{
    assert_true(outcome->done);
    assert_string_equal(outcome->why, "");
    assert_int_equal(outcome->code, 0);
    assert_int_equal(outcome->rows, rows);
    assert_int_equal(outcome->result.rows, rows);
    assert_true(outcome->sum == fdb_sum(rows));
}

static void plain_walk(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    fill_fdb(&world.agents[0], 1000, 3);
    struct snmp_limits limits;
    snmp_limits_init(&limits);
    limits.repetitions_cap = 25;
    add_device(&world, 0, SNMP_V2C, NULL, &limits);
    start_walk(&world, 0, NULL, &outcome);
    run(&world, 1000);
    assert_whole(&outcome, 1000);
    assert_true(outcome.increasing);
    assert_int_equal(outcome.result.asked, 41); /* ceil(1000 / 25), and the end */
    assert_int_equal(outcome.result.answered, 41);
    assert_int_equal(outcome.result.resent, 0);
    world_done(&world);
}

static void repetitions_grow_to_a_frame(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    fill_fdb(&world.agents[0], 2000, 1);
    struct snmp_limits limits;
    snmp_limits_init(&limits);
    limits.repetitions_cap = 1000;
    add_device(&world, 0, SNMP_V2C, NULL, &limits);
    start_walk(&world, 0, NULL, &outcome);
    run(&world, 1000);
    assert_whole(&outcome, 2000);
    assert_in_range(world.agents[0].bulk_asked, 40, 65);
    assert_true(outcome.result.asked < 60);
    world_done(&world);
}

static void empty_and_absent_tables(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 2);
    fill_fdb(&world.agents[0], 0, 1);
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    add_device(&world, 1, SNMP_V2C, NULL, NULL); /* no row at all: endOfMibView */
    for (unsigned i = 0; i < 2; i++) {
        start_walk(&world, i, NULL, &outcome);
        run(&world, 100);
        assert_whole(&outcome, 0);
        assert_int_equal(outcome.result.asked, 1);
    }
    world_done(&world);
}

static void version_1_walks_by_getnext(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    fill_fdb(&world.agents[0], 30, 1);
    world.agents[0].count--; /* the table is the last: noSuchName ends it */
    add_device(&world, 0, SNMP_V1, NULL, NULL);
    start_walk(&world, 0, NULL, &outcome);
    run(&world, 1000);
    assert_whole(&outcome, 30);
    assert_int_equal(outcome.result.asked, 31);
    world_done(&world);
}

static bool drop_every_seventh(struct agent *agent, unsigned number)
{
    return number % 7 == 3;
}

static void losses_are_asked_again(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    fill_fdb(&world.agents[0], 1000, 1);
    world.agents[0].drop = drop_every_seventh;
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    start_walk(&world, 0, NULL, &outcome);
    int64_t begun = world.now.us;
    run(&world, 5000);
    assert_whole(&outcome, 1000);
    assert_true(outcome.result.resent >= 4);
    /* Each loss costs the floor of the time-out, not a second; the first request is
     * not lost here. */
    assert_true(world.now.us - begun < 600000);
    world_done(&world);
}

static void duplicates_are_dropped(void **state)
{
    struct world world;
    struct outcome outcome;
    struct snmp_engine_counters counters;
    world_init(&world, 1);
    fill_fdb(&world.agents[0], 500, 1);
    world.agents[0].twice = true;
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    start_walk(&world, 0, NULL, &outcome);
    run(&world, 1000);
    assert_whole(&outcome, 500);
    snmp_engine_step(world.engine, world.now);
    snmp_engine_count(world.engine, &counters);
    assert_int_equal(counters.late, outcome.result.asked);
    world_done(&world);
}

/* The agent answers only after the engine asked again: the late answer is taken, the
 * answer to the second try is dropped, no row comes twice. */
static void late_answers_are_taken_once(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    fill_fdb(&world.agents[0], 20, 1);
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    start_walk(&world, 0, NULL, &outcome);
    for (int i = 0; i < 1500; i++, world.now.us += 1000)
        snmp_engine_step(world.engine, world.now);
    assert_int_equal(agent_serve(&world.agents[0]), 2);
    run(&world, 100);
    assert_whole(&outcome, 20);
    assert_int_equal(outcome.result.resent, 1);
    world_done(&world);
}

static void silence_is_given_up(void **state)
{
    struct world world;
    struct outcome outcome, other;
    world_init(&world, 2);
    fill_fdb(&world.agents[1], 100, 1);
    world.agents[0].silent = true;
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    add_device(&world, 1, SNMP_V2C, NULL, NULL);
    start_walk(&world, 0, NULL, &outcome);
    start_walk(&world, 1, NULL, &other);
    run(&world, 50);
    assert_whole(&other, 100); /* not held up by the dead one */
    assert_false(outcome.done);
    run(&world, 4900);
    assert_false(outcome.done);
    run(&world, 200);
    assert_true(outcome.done);
    assert_int_equal(outcome.code, ERR_TIMEOUT);
    assert_non_null(strstr(outcome.why, "sw (127.0.0.1:"));
    assert_non_null(strstr(outcome.why, "no answer"));
    assert_int_equal(world.agents[0].received, 3); /* after 0, 1 and 3 s */
    world_done(&world);
}

/* A per-VLAN community that does not exist is silence: it gets a short patience. */
static void own_community_and_patience(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    fill_fdb(&world.agents[0], 10, 1);
    world.agents[0].community = "public@25";
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    struct snmp_walk_options options = {.scope = {.community = "public@25"}};
    start_walk(&world, 0, &options, &outcome);
    run(&world, 100);
    assert_whole(&outcome, 10);
    options.scope =
        (struct snmp_scope){.community = "public@99", .timeout = span_ms(400), .tries = 2};
    start_walk(&world, 0, &options, &outcome);
    int64_t begun = world.now.us;
    run(&world, 2000);
    assert_int_equal(outcome.code, ERR_TIMEOUT);
    assert_int_equal(outcome.result.resent, 1);
    assert_true(world.now.us - begun < 450000);
    world_done(&world);
}

static void too_big_and_gen_err_halve(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 2);
    fill_fdb(&world.agents[0], 200, 1);
    fill_fdb(&world.agents[1], 20, 1);
    world.agents[0].repetitions_most = 7;
    world.agents[1].gen_err_on_bulk = true;
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    add_device(&world, 1, SNMP_V2C, NULL, NULL);
    start_walk(&world, 0, NULL, &outcome);
    run(&world, 1000);
    assert_whole(&outcome, 200);
    assert_true(outcome.result.asked < 200 / 6 + 8);
    start_walk(&world, 1, NULL, &outcome); /* down to GETNEXT */
    run(&world, 1000);
    assert_whole(&outcome, 20);
    world_done(&world);
}

static void short_answers_are_legal(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    fill_fdb(&world.agents[0], 100, 1);
    world.agents[0].rows_most = 10;
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    start_walk(&world, 0, NULL, &outcome);
    run(&world, 1000);
    assert_whole(&outcome, 100);
    assert_int_equal(outcome.result.asked, 11);
    world_done(&world);
}

static void loops_end_with_an_error(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    fill_fdb(&world.agents[0], 40, 1);
    world.agents[0].count--;
    world.agents[0].loops = true;
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    start_walk(&world, 0, NULL, &outcome);
    run(&world, 1000);
    assert_int_equal(outcome.code, ERR_PROTOCOL);
    assert_int_equal(outcome.rows, 40);
    assert_non_null(strstr(outcome.why, "do not increase (1.3.6.1.2.1.17.4.3.1.2.82.84.0.0.0.0"));
    assert_non_null(strstr(outcome.why, "40 rows"));
    /* Allowed to be unordered, it still ends, by the repeated row. */
    struct snmp_walk_options options = {.allow_unordered = true};
    start_walk(&world, 0, &options, &outcome);
    run(&world, 1000);
    assert_int_equal(outcome.code, ERR_PROTOCOL);
    assert_int_equal(outcome.rows, 40);
    assert_non_null(strstr(outcome.why, "repeats rows"));
    world_done(&world);
}

static void unordered_tables_by_quirk(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    fill_fdb(&world.agents[0], 60, 1);
    struct agent_row swapped = world.agents[0].rows[10];
    world.agents[0].rows[10] = world.agents[0].rows[50];
    world.agents[0].rows[50] = swapped;
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    start_walk(&world, 0, NULL, &outcome);
    run(&world, 1000);
    assert_int_equal(outcome.code, ERR_PROTOCOL);
    struct snmp_walk_options options = {.allow_unordered = true};
    start_walk(&world, 0, &options, &outcome);
    run(&world, 1000);
    assert_whole(&outcome, 60);
    assert_false(outcome.increasing);
    world_done(&world);
}

static void rows_and_time_are_bounded(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    fill_fdb(&world.agents[0], 500, 1);
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    struct snmp_walk_options options = {.row_limit = 130};
    start_walk(&world, 0, &options, &outcome);
    run(&world, 1000);
    assert_int_equal(outcome.code, ERR_LIMIT);
    assert_int_equal(outcome.rows, 130);
    options = (struct snmp_walk_options){.time_limit = span_ms(5)};
    start_walk(&world, 0, &options, &outcome);
    run(&world, 1000);
    assert_int_equal(outcome.code, ERR_LIMIT);
    assert_non_null(strstr(outcome.why, "was not over after"));
    world_done(&world);
}

static void strangers_and_garbage(void **state)
{
    struct world world;
    struct outcome outcome;
    struct snmp_engine_counters counters;
    world_init(&world, 2);
    fill_fdb(&world.agents[0], 10, 1);
    world.agents[0].answer_fd = socket(AF_INET, SOCK_DGRAM, 0);
    world.agents[1].garbage = true;
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    add_device(&world, 1, SNMP_V2C, NULL, NULL);
    start_walk(&world, 0, NULL, &outcome);
    run(&world, 6000);
    assert_int_equal(outcome.code, ERR_TIMEOUT);
    assert_int_equal(outcome.rows, 0);
    assert_non_null(strstr(outcome.why, "answers came from 127.0.0.1:"));
    start_walk(&world, 1, NULL, &outcome);
    run(&world, 6000);
    assert_int_equal(outcome.code, ERR_PROTOCOL);
    assert_non_null(strstr(outcome.why, "not SNMP"));
    snmp_engine_count(world.engine, &counters);
    assert_int_equal(counters.strange, 3);
    assert_int_equal(counters.malformed, 3);
    world_done(&world);
}

static void cancelled_tasks_call_nobody(void **state)
{
    struct world world;
    struct outcome outcome, second;
    world_init(&world, 2);
    fill_fdb(&world.agents[0], 500, 1);
    fill_fdb(&world.agents[1], 500, 1);
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    add_device(&world, 1, SNMP_V2C, NULL, NULL);
    memset(&outcome, 0, sizeof(outcome));
    outcome.cancel_in_rows =
        snmp_walk(world.devices[0], &fdb_port, NULL, take_rows, take_end, &outcome);
    start_walk(&world, 1, NULL, &second);
    second.free_in_rows = world.devices[1];
    run(&world, 1000);
    assert_int_equal(outcome.rows, 25);
    assert_int_equal(second.rows, 25);
    assert_false(outcome.done);
    assert_false(second.done);
    assert_true(snmp_engine_idle(world.engine));
    struct snmp_task *task =
        snmp_walk(world.devices[0], &fdb_port, NULL, take_rows, take_end, &outcome);
    snmp_cancel(task);
    assert_true(snmp_engine_idle(world.engine));
    world_done(&world);
}

static void gets(struct world *world, size_t count, struct outcome *outcome)
{
    struct oid *oids = calloc(count, sizeof(*oids));
    for (size_t i = 0; i < count; i++) {
        oids[i] = fdb_port;
        uint32_t octets[6] = {0x52, 0x54, 0, 0, (uint32_t)i >> 8, i & 0xff};
        for (int k = 0; k < 6; k++)
            assert_int_equal(oid_append(&oids[i], octets[k]), 0);
    }
    memset(outcome, 0, sizeof(*outcome));
    assert_non_null(snmp_get(world->devices[0], oids, count, NULL, take_value, take_end, outcome));
    free(oids); /* they were copied */
    run(world, 1000);
    assert_true(outcome->done);
    assert_int_equal(outcome->code, 0);
    assert_int_equal(outcome->value_count, count);
}

/* Every second MAC exists: values and gaps in the order that was asked, in v1 too. */
static void exact_instances(void **state)
{
    for (int version = SNMP_V1; version <= SNMP_V2C; version++) {
        struct world world;
        struct outcome outcome;
        world_init(&world, 1);
        fill_fdb(&world.agents[0], 100, 2);
        add_device(&world, 0, (enum snmp_version)version, NULL, NULL);
        gets(&world, 150, &outcome);
        for (size_t i = 0; i < 150; i++) {
            if (i % 2 == 0) {
                assert_int_equal(outcome.values[i].type, SNMP_INTEGER);
                assert_int_equal(outcome.values[i].number, i / 2 % 48 + 1);
            } else {
                assert_int_equal(outcome.values[i].type,
                                 version == SNMP_V1 ? SNMP_NO_SUCH_OBJECT : SNMP_NO_SUCH_INSTANCE);
            }
        }
        if (version == SNMP_V2C)
            assert_int_equal(outcome.result.asked, 4);
        world_done(&world);
    }
}

static void assignments(void **state)
{
    struct world world;
    struct outcome outcome;
    struct err err;
    struct snmp_assignment set[2] = {
        {OID(1, 3, 6, 1, 2, 1, 1, 4, 0), {SNMP_OCTETS, 0, (const uint8_t *)"noc", 3}},
        {OID(1, 3, 6, 1, 2, 1, 2, 2, 1, 7, 5), {SNMP_INTEGER, 2, NULL, 0}}};
    world_init(&world, 1);
    add_device(&world, 0, SNMP_V2C, NULL, NULL);
    memset(&outcome, 0, sizeof(outcome));
    assert_non_null(snmp_set(world.devices[0], set, 2, NULL, take_end, &outcome, &err));
    run(&world, 100);
    assert_int_equal(outcome.code, 0);
    assert_int_equal(world.agents[0].set_count, 2);
    world.agents[0].set_error = SNMP_NOT_WRITABLE;
    memset(&outcome, 0, sizeof(outcome));
    assert_non_null(snmp_set(world.devices[0], set, 2, NULL, take_end, &outcome, &err));
    run(&world, 100);
    assert_int_equal(outcome.code, ERR_DENIED);
    assert_int_equal(outcome.result.error_status, SNMP_NOT_WRITABLE);
    assert_non_null(strstr(outcome.why, "notWritable"));
    char *long_text = calloc(1, 2000);
    set[0].value = (struct snmp_value){SNMP_OCTETS, 0, (const uint8_t *)long_text, 2000};
    assert_null(snmp_set(world.devices[0], set, 2, NULL, take_end, &outcome, &err));
    assert_int_equal(err.code, ERR_LIMIT);
    free(long_text);
    world_done(&world);
}

static void load_limits(void **state)
{
    struct world world;
    struct outcome outcomes[6];
    struct snmp_limits limits;
    world_init(&world, 1);
    fill_fdb(&world.agents[0], 50, 1);
    snmp_limits_init(&limits);
    limits.in_flight = 3;
    add_device(&world, 0, SNMP_V2C, NULL, &limits);
    for (int i = 0; i < 6; i++)
        start_walk(&world, 0, NULL, &outcomes[i]);
    snmp_engine_step(world.engine, world.now);
    assert_int_equal(agent_serve(&world.agents[0]), 3);
    run(&world, 100);
    for (int i = 0; i < 6; i++)
        assert_whole(&outcomes[i], 50);
    snmp_device_free(world.devices[0]);
    limits.min_interval = span_ms(20);
    add_device(&world, 0, SNMP_V2C, NULL, &limits);
    start_walk(&world, 0, NULL, &outcomes[0]);
    start_walk(&world, 0, NULL, &outcomes[1]);
    int64_t begun = world.now.us;
    run(&world, 1000);
    assert_whole(&outcomes[1], 50);
    uint64_t asked = outcomes[0].result.asked + outcomes[1].result.asked;
    assert_true(world.now.us - begun >= ((int64_t)asked - 1) * 20000);
    world_done(&world);
}

/* --- splitting --- */

static void split_walk(struct world *world, struct outcome *outcome)
{
    struct snmp_walk_options options = {.index = SNMP_INDEX_MAC, .segments = 4};
    start_walk(world, 0, &options, outcome);
    run(world, 10000);
}

static void split_walks_are_whole(void **state)
{
    static const struct {
        unsigned rows, spread;
    } cases[] = {{10000, 1}, {10000, 1000}, {2000, 7000}, {30, 5}, {1, 1}, {0, 1}, {101, 100000}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct world world;
        struct outcome outcome;
        struct snmp_limits limits;
        world_init(&world, 1);
        fill_fdb(&world.agents[0], cases[i].rows, cases[i].spread);
        snmp_limits_init(&limits);
        limits.in_flight = 4;
        limits.repetitions_cap = 25;
        add_device(&world, 0, SNMP_V2C, NULL, &limits);
        int64_t begun = world.now.us;
        split_walk(&world, &outcome);
        assert_whole(&outcome, cases[i].rows);
        if (cases[i].rows >= 2000) {
            /* A turn is a round trip: three times as fast as one by one, less where a
             * table is soon over. */
            int64_t turns = (world.now.us - begun) / 1000;
            assert_true(turns * (cases[i].rows >= 10000 ? 6 : 5) < 2 * cases[i].rows / 25);
            assert_true(outcome.result.asked < cases[i].rows / 25 + 40);
        }
        world_done(&world);
    }
}

/* Three vendors' prefixes far apart, of unequal sizes. */
static void split_over_clusters(void **state)
{
    static const uint32_t prefixes[3][3] = {
        {0x00, 0x16, 0x3e}, {0x52, 0x54, 0x00}, {0xfa, 0x16, 0x3e}};
    static const unsigned rows[3] = {1500, 6000, 2500};
    struct world world;
    struct outcome outcome;
    struct snmp_limits limits;
    uint64_t sum = 0;
    world_init(&world, 1);
    for (int c = 0; c < 3; c++) {
        for (unsigned i = 0; i < rows[c]; i++) {
            struct oid oid = fdb_port;
            uint32_t number = i * 2500 + i % 7;
            uint32_t octets[6] = {prefixes[c][0],     prefixes[c][1],    prefixes[c][2],
                                  number >> 16 & 255, number >> 8 & 255, number & 255};
            for (int k = 0; k < 6; k++)
                assert_int_equal(oid_append(&oid, octets[k]), 0);
            agent_add(&world.agents[0], &oid, (struct snmp_value){SNMP_INTEGER, i % 48, NULL, 0});
            sum += i % 48;
        }
    }
    snmp_limits_init(&limits);
    limits.in_flight = 4;
    limits.repetitions_cap = 25;
    add_device(&world, 0, SNMP_V2C, NULL, &limits);
    int64_t begun = world.now.us;
    split_walk(&world, &outcome);
    assert_int_equal(outcome.code, 0);
    assert_int_equal(outcome.rows, 10000);
    assert_true(outcome.sum == sum);
    assert_true((world.now.us - begun) / 1000 < 400 / 3);
    world_done(&world);
}

/* --- v3 --- */

static void make_user(struct world *world, enum usm_auth auth, enum usm_priv priv,
                      struct usm_user *user)
{
    struct err err;
    assert_int_equal(usm_user_init(user, snmp_engine_crypto(world->engine), "audit", auth,
                                   "authpass12345", priv, "privpass12345", &err),
                     0);
}

static void v3_world(struct world *world, enum usm_auth auth, enum usm_priv priv)
{
    struct usm_user user;
    world_init(world, 1);
    make_user(world, auth, priv, &user);
    agent_use_v3(&world->agents[0], snmp_engine_crypto(world->engine), &user);
    fill_fdb(&world->agents[0], 200, 1);
    add_device(world, 0, SNMP_V3, &user, NULL);
}

static void v3_walks(void **state)
{
    static const struct {
        enum usm_auth auth;
        enum usm_priv priv;
    } levels[] = {{USM_AUTH_NONE, USM_PRIV_NONE},
                  {USM_AUTH_SHA1, USM_PRIV_NONE},
                  {USM_AUTH_SHA256, USM_PRIV_AES128},
                  {USM_AUTH_MD5, USM_PRIV_DES}};
    for (size_t i = 0; i < ARRAY_COUNT(levels); i++) {
        struct world world;
        struct outcome outcome;
        v3_world(&world, levels[i].auth, levels[i].priv);
        start_walk(&world, 0, NULL, &outcome);
        run(&world, 1000);
        assert_whole(&outcome, 200);
        assert_int_equal(world.agents[0].received, outcome.result.asked + 1); /* and discovery */
        world_done(&world);
    }
}

/* The agent restarts in the middle: its Report resynchronises and the walk goes on. */
static void v3_restart(void **state)
{
    struct world world;
    struct outcome outcome;
    v3_world(&world, USM_AUTH_SHA1, USM_PRIV_AES128);
    start_walk(&world, 0, NULL, &outcome);
    run(&world, 4);
    assert_false(outcome.done);
    world.agents[0].boots++;
    world.agents[0].time = 1;
    run(&world, 1000);
    assert_whole(&outcome, 200);
    /* And once more with another identity: a replaced switch. */
    world.agents[0].engine_id[9] ^= 0xff;
    start_walk(&world, 0, NULL, &outcome);
    run(&world, 1000);
    assert_whole(&outcome, 200);
    world_done(&world);
}

static void v3_refusals(void **state)
{
    static const struct {
        const char *name, *auth, *priv, *context;
        int code;
        const char *expected;
    } cases[] = {
        {"nobody", "authpass12345", "privpass12345", NULL, ERR_DENIED, "does not know the user"},
        {"audit", "wrong-password", "privpass12345", NULL, ERR_DENIED, "digest wrong"},
        {"audit", "authpass12345", "wrong-password", NULL, ERR_DENIED, "cannot decrypt"},
        {"audit", "authpass12345", "privpass12345", "vlan-99", ERR_NOT_FOUND,
         "context \"vlan-99\""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct world world;
        struct outcome outcome;
        struct usm_user user;
        struct err err;
        v3_world(&world, USM_AUTH_SHA1, USM_PRIV_AES128);
        snmp_device_free(world.devices[0]);
        assert_int_equal(usm_user_init(&user, snmp_engine_crypto(world.engine), cases[i].name,
                                       USM_AUTH_SHA1, cases[i].auth, USM_PRIV_AES128, cases[i].priv,
                                       &err),
                         0);
        add_device(&world, 0, SNMP_V3, &user, NULL);
        struct snmp_walk_options options = {.scope = {.context = cases[i].context}};
        start_walk(&world, 0, &options, &outcome);
        run(&world, 6000);
        assert_int_equal(outcome.code, cases[i].code);
        assert_non_null(strstr(outcome.why, cases[i].expected));
        world_done(&world);
    }
}

static void v3_contexts(void **state)
{
    struct world world;
    struct outcome outcome;
    v3_world(&world, USM_AUTH_SHA1, USM_PRIV_AES128);
    world.agents[0].context = "vlan-25";
    struct snmp_walk_options options = {.scope = {.context = "vlan-25"}};
    start_walk(&world, 0, &options, &outcome);
    run(&world, 1000);
    assert_whole(&outcome, 200);
    world_done(&world);
}

static void v3_dead_agents_fail_every_task(void **state)
{
    struct world world;
    struct outcome outcomes[3];
    v3_world(&world, USM_AUTH_SHA1, USM_PRIV_AES128);
    world.agents[0].silent = true;
    for (int i = 0; i < 3; i++)
        start_walk(&world, 0, NULL, &outcomes[i]);
    run(&world, 6000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(outcomes[i].code, ERR_TIMEOUT);
        assert_non_null(strstr(outcomes[i].why, "engine discovery"));
    }
    assert_int_equal(world.agents[0].received, 3);
    world_done(&world);
}

/* A Report that nobody signed must not move the clock. */
static void v3_forged_time(void **state)
{
    struct world world;
    struct outcome outcome;
    v3_world(&world, USM_AUTH_SHA1, USM_PRIV_AES128);
    start_walk(&world, 0, NULL, &outcome);
    run(&world, 4);
    /* The request that waits now is answered by a forger first. */
    snmp_engine_step(world.engine, world.now);
    uint8_t bytes[2048], buffer[2048];
    struct snmp_address from;
    socklen_t size = sizeof(from);
    struct snmp_message message;
    ssize_t length = recvfrom(world.agents[0].fd, bytes, sizeof(bytes), 0, &from.any, &size);
    assert_true(length > 0);
    assert_int_equal(snmp_message_decode(bytes, (size_t)length, &message), 0);
    struct ber_writer writer;
    struct snmp_octets name = usm_report_oid(USM_REPORT_NOT_IN_TIME_WINDOW);
    struct snmp_value count = {.type = SNMP_COUNTER32, .number = 1};
    snmp_writer_init(&writer, buffer, sizeof(buffer));
    assert_true(snmp_writer_add(&writer, name.bytes, name.length, &count));
    message.pdu = SNMP_REPORT;
    message.v3.flags = 0;
    message.v3.engine_boots = 1000;
    message.v3.salt.length = message.v3.auth.length = 0;
    assert_int_equal(snmp_message_wrap(&message, &writer), 0);
    assert_true(sendto(world.agents[0].fd, snmp_writer_bytes(&writer), snmp_writer_length(&writer),
                       0, &from.any, size) > 0);
    run(&world, 1000);
    assert_whole(&outcome, 200);
    struct snmp_engine_counters counters;
    snmp_engine_count(world.engine, &counters);
    assert_int_equal(counters.refused, 1);
    world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_walk),
        cmocka_unit_test(repetitions_grow_to_a_frame),
        cmocka_unit_test(empty_and_absent_tables),
        cmocka_unit_test(version_1_walks_by_getnext),
        cmocka_unit_test(losses_are_asked_again),
        cmocka_unit_test(duplicates_are_dropped),
        cmocka_unit_test(late_answers_are_taken_once),
        cmocka_unit_test(silence_is_given_up),
        cmocka_unit_test(own_community_and_patience),
        cmocka_unit_test(too_big_and_gen_err_halve),
        cmocka_unit_test(short_answers_are_legal),
        cmocka_unit_test(loops_end_with_an_error),
        cmocka_unit_test(unordered_tables_by_quirk),
        cmocka_unit_test(rows_and_time_are_bounded),
        cmocka_unit_test(strangers_and_garbage),
        cmocka_unit_test(cancelled_tasks_call_nobody),
        cmocka_unit_test(exact_instances),
        cmocka_unit_test(assignments),
        cmocka_unit_test(load_limits),
        cmocka_unit_test(split_walks_are_whole),
        cmocka_unit_test(split_over_clusters),
        cmocka_unit_test(v3_walks),
        cmocka_unit_test(v3_restart),
        cmocka_unit_test(v3_refusals),
        cmocka_unit_test(v3_contexts),
        cmocka_unit_test(v3_dead_agents_fail_every_task),
        cmocka_unit_test(v3_forged_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
