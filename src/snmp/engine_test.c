/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "snmp/world_fake.h"

static void plain_walk(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    world_fill_fdb(&world.agents[0], 1000, 3);
    struct snmp_limits limits;
    snmp_limits_init(&limits);
    limits.repetitions_cap = 25;
    world_add_device(&world, 0, SNMP_V2C, NULL, &limits);
    world_start_walk(&world, 0, NULL, &outcome);
    world_run(&world, 1000);
    world_assert_whole(&outcome, 1000);
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
    world_fill_fdb(&world.agents[0], 2000, 1);
    struct snmp_limits limits;
    snmp_limits_init(&limits);
    limits.repetitions_cap = 1000;
    world_add_device(&world, 0, SNMP_V2C, NULL, &limits);
    world_start_walk(&world, 0, NULL, &outcome);
    world_run(&world, 1000);
    world_assert_whole(&outcome, 2000);
    assert_in_range(world.agents[0].bulk_asked, 40, 65);
    assert_true(outcome.result.asked < 60);
    world_done(&world);
}

static void empty_and_absent_tables(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 2);
    world_fill_fdb(&world.agents[0], 0, 1);
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    world_add_device(&world, 1, SNMP_V2C, NULL, NULL); /* no row at all: endOfMibView */
    for (unsigned i = 0; i < 2; i++) {
        world_start_walk(&world, i, NULL, &outcome);
        world_run(&world, 100);
        world_assert_whole(&outcome, 0);
        assert_int_equal(outcome.result.asked, 1);
    }
    world_done(&world);
}

static void version_1_walks_by_getnext(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    world_fill_fdb(&world.agents[0], 30, 1);
    world.agents[0].count--; /* the table is the last: noSuchName ends it */
    world_add_device(&world, 0, SNMP_V1, NULL, NULL);
    world_start_walk(&world, 0, NULL, &outcome);
    world_run(&world, 1000);
    world_assert_whole(&outcome, 30);
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
    world_fill_fdb(&world.agents[0], 1000, 1);
    world.agents[0].drop = drop_every_seventh;
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    world_start_walk(&world, 0, NULL, &outcome);
    int64_t begun = world.now.us;
    world_run(&world, 5000);
    world_assert_whole(&outcome, 1000);
    assert_true(outcome.result.resent >= 4);
    /* Each loss costs the floor of the time-out, not a second; the first request is
     * not lost here. */
    assert_true(world.now.us - begun < 600000);
    world_done(&world);
}

/* A device that pauses now and then is asked again too early once; then it is known. */
static void pauses_are_learnt(void **state)
{
    enum { USUAL_MS = 1, PAUSE_MS = 15, PAUSE_EACH = 12 };
    struct world world;
    struct outcome outcome;
    struct snmp_limits limits;
    snmp_limits_init(&limits);
    limits.repetitions_cap = 25;
    world_init(&world, 1);
    world_fill_fdb(&world.agents[0], 1000, 1);
    world_add_device(&world, 0, SNMP_V2C, NULL, &limits);
    world_start_walk(&world, 0, NULL, &outcome);
    unsigned pauses = 0;
    for (unsigned served = 0, wait = 0, i = 0; i < 1000 && !outcome.done; i++) {
        snmp_engine_step(world.engine, world.now);
        if (wait > 0 && --wait > 0) {
            world.now.us += 1000;
            continue;
        }
        if (agent_serve(&world.agents[0]) > 0 && ++served % PAUSE_EACH == 0) {
            wait = PAUSE_MS;
            pauses++;
        }
        world.now.us += 1000 * USUAL_MS;
    }
    world_assert_whole(&outcome, 1000);
    assert_true(pauses >= 3);
    assert_int_equal(outcome.result.resent, 1);
    world_done(&world);
}

static void duplicates_are_dropped(void **state)
{
    struct world world;
    struct outcome outcome;
    struct snmp_engine_counters counters;
    world_init(&world, 1);
    world_fill_fdb(&world.agents[0], 500, 1);
    world.agents[0].twice = true;
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    world_start_walk(&world, 0, NULL, &outcome);
    world_run(&world, 1000);
    world_assert_whole(&outcome, 500);
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
    world_fill_fdb(&world.agents[0], 20, 1);
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    world_start_walk(&world, 0, NULL, &outcome);
    for (int i = 0; i < 1500; i++, world.now.us += 1000)
        snmp_engine_step(world.engine, world.now);
    assert_int_equal(agent_serve(&world.agents[0]), 2);
    world_run(&world, 100);
    world_assert_whole(&outcome, 20);
    assert_int_equal(outcome.result.resent, 1);
    world_done(&world);
}

static void silence_is_given_up(void **state)
{
    struct world world;
    struct outcome outcome, other;
    world_init(&world, 2);
    world_fill_fdb(&world.agents[1], 100, 1);
    world.agents[0].silent = true;
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    world_add_device(&world, 1, SNMP_V2C, NULL, NULL);
    world_start_walk(&world, 0, NULL, &outcome);
    world_start_walk(&world, 1, NULL, &other);
    world_run(&world, 50);
    world_assert_whole(&other, 100); /* not held up by the dead one */
    assert_false(outcome.done);
    world_run(&world, 4900);
    assert_false(outcome.done);
    world_run(&world, 200);
    assert_true(outcome.done);
    assert_int_equal(outcome.code, ERR_TIMEOUT);
    assert_non_null(strstr(outcome.why, "sw (127.0.0.1:"));
    assert_non_null(strstr(outcome.why, "no answer"));
    /* The other device answers at once, so waits begin at 100 ms and double. */
    assert_int_equal(world.agents[0].received, 6);
    world_done(&world);
}

/* A per-VLAN community that does not exist is silence: it gets a short patience. */
static void own_community_and_patience(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    world_fill_fdb(&world.agents[0], 10, 1);
    world.agents[0].community = "public@25";
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    struct snmp_walk_options options = {.scope = {.community = "public@25"}};
    world_start_walk(&world, 0, &options, &outcome);
    world_run(&world, 100);
    world_assert_whole(&outcome, 10);
    options.scope =
        (struct snmp_scope){.community = "public@99", .timeout = span_ms(400), .tries = 2};
    world_start_walk(&world, 0, &options, &outcome);
    int64_t begun = world.now.us;
    world_run(&world, 2000);
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
    world_fill_fdb(&world.agents[0], 200, 1);
    world_fill_fdb(&world.agents[1], 20, 1);
    world.agents[0].repetitions_most = 7;
    world.agents[1].gen_err_on_bulk = true;
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    world_add_device(&world, 1, SNMP_V2C, NULL, NULL);
    world_start_walk(&world, 0, NULL, &outcome);
    world_run(&world, 1000);
    world_assert_whole(&outcome, 200);
    assert_true(outcome.result.asked < 200 / 6 + 8);
    world_start_walk(&world, 1, NULL, &outcome); /* down to GETNEXT */
    world_run(&world, 1000);
    world_assert_whole(&outcome, 20);
    world_done(&world);
}

static void short_answers_are_legal(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    world_fill_fdb(&world.agents[0], 100, 1);
    world.agents[0].rows_most = 10;
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    world_start_walk(&world, 0, NULL, &outcome);
    world_run(&world, 1000);
    world_assert_whole(&outcome, 100);
    assert_int_equal(outcome.result.asked, 11);
    world_done(&world);
}

static void loops_end_with_an_error(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    world_fill_fdb(&world.agents[0], 40, 1);
    world.agents[0].count--;
    world.agents[0].loops = true;
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    world_start_walk(&world, 0, NULL, &outcome);
    world_run(&world, 1000);
    assert_int_equal(outcome.code, ERR_PROTOCOL);
    assert_int_equal(outcome.rows, 40);
    assert_non_null(strstr(outcome.why, "do not increase (1.3.6.1.2.1.17.4.3.1.2.82.84.0.0.0.0"));
    assert_non_null(strstr(outcome.why, "40 rows"));
    /* Allowed to be unordered, it still ends, by the repeated row. */
    struct snmp_walk_options options = {.allow_unordered = true};
    world_start_walk(&world, 0, &options, &outcome);
    world_run(&world, 1000);
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
    world_fill_fdb(&world.agents[0], 60, 1);
    struct agent_row swapped = world.agents[0].rows[10];
    world.agents[0].rows[10] = world.agents[0].rows[50];
    world.agents[0].rows[50] = swapped;
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    world_start_walk(&world, 0, NULL, &outcome);
    world_run(&world, 1000);
    assert_int_equal(outcome.code, ERR_PROTOCOL);
    struct snmp_walk_options options = {.allow_unordered = true};
    world_start_walk(&world, 0, &options, &outcome);
    world_run(&world, 1000);
    world_assert_whole(&outcome, 60);
    assert_false(outcome.increasing);
    world_done(&world);
}

static void rows_and_time_are_bounded(void **state)
{
    struct world world;
    struct outcome outcome;
    world_init(&world, 1);
    world_fill_fdb(&world.agents[0], 500, 1);
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    struct snmp_walk_options options = {.row_limit = 130};
    world_start_walk(&world, 0, &options, &outcome);
    world_run(&world, 1000);
    assert_int_equal(outcome.code, ERR_LIMIT);
    assert_int_equal(outcome.rows, 130);
    options = (struct snmp_walk_options){.time_limit = span_ms(5)};
    world_start_walk(&world, 0, &options, &outcome);
    world_run(&world, 1000);
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
    world_fill_fdb(&world.agents[0], 10, 1);
    world.agents[0].answer_fd = socket(AF_INET, SOCK_DGRAM, 0);
    world.agents[1].garbage = true;
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    world_add_device(&world, 1, SNMP_V2C, NULL, NULL);
    world_start_walk(&world, 0, NULL, &outcome);
    world_run(&world, 6000);
    assert_int_equal(outcome.code, ERR_TIMEOUT);
    assert_int_equal(outcome.rows, 0);
    assert_non_null(strstr(outcome.why, "answers came from 127.0.0.1:"));
    world_start_walk(&world, 1, NULL, &outcome);
    world_run(&world, 6000);
    assert_int_equal(outcome.code, ERR_PROTOCOL);
    assert_non_null(strstr(outcome.why, "not SNMP"));
    snmp_engine_count(world.engine, &counters);
    assert_int_equal(counters.strange, 4); /* after 0, 0.5, 1.5 and 3.5 s */
    assert_int_equal(counters.malformed, 4);
    world_done(&world);
}

static void cancelled_tasks_call_nobody(void **state)
{
    struct world world;
    struct outcome outcome, second;
    world_init(&world, 2);
    world_fill_fdb(&world.agents[0], 500, 1);
    world_fill_fdb(&world.agents[1], 500, 1);
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    world_add_device(&world, 1, SNMP_V2C, NULL, NULL);
    memset(&outcome, 0, sizeof(outcome));
    outcome.cancel_in_rows =
        snmp_walk(world.devices[0], &world_fdb_port, NULL, outcome_rows, outcome_end, &outcome);
    world_start_walk(&world, 1, NULL, &second);
    second.free_in_rows = world.devices[1];
    world_run(&world, 1000);
    assert_int_equal(outcome.rows, 25);
    assert_int_equal(second.rows, 25);
    assert_false(outcome.done);
    assert_false(second.done);
    assert_true(snmp_engine_idle(world.engine));
    struct snmp_task *task =
        snmp_walk(world.devices[0], &world_fdb_port, NULL, outcome_rows, outcome_end, &outcome);
    snmp_cancel(task);
    assert_true(snmp_engine_idle(world.engine));
    world_done(&world);
}

static void gets(struct world *world, size_t count, struct outcome *outcome)
{
    struct oid *oids = calloc(count, sizeof(*oids));
    for (size_t i = 0; i < count; i++) {
        oids[i] = world_fdb_port;
        uint32_t octets[6] = {0x52, 0x54, 0, 0, (uint32_t)i >> 8, i & 0xff};
        for (int k = 0; k < 6; k++)
            assert_int_equal(oid_append(&oids[i], octets[k]), 0);
    }
    memset(outcome, 0, sizeof(*outcome));
    assert_non_null(
        snmp_get(world->devices[0], oids, count, NULL, outcome_value, outcome_end, outcome));
    free(oids); /* they were copied */
    world_run(world, 1000);
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
        world_fill_fdb(&world.agents[0], 100, 2);
        world_add_device(&world, 0, (enum snmp_version)version, NULL, NULL);
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
    world_add_device(&world, 0, SNMP_V2C, NULL, NULL);
    memset(&outcome, 0, sizeof(outcome));
    assert_non_null(snmp_set(world.devices[0], set, 2, NULL, outcome_end, &outcome, &err));
    world_run(&world, 100);
    assert_int_equal(outcome.code, 0);
    assert_int_equal(world.agents[0].set_count, 2);
    world.agents[0].set_error = SNMP_NOT_WRITABLE;
    memset(&outcome, 0, sizeof(outcome));
    assert_non_null(snmp_set(world.devices[0], set, 2, NULL, outcome_end, &outcome, &err));
    world_run(&world, 100);
    assert_int_equal(outcome.code, ERR_DENIED);
    assert_int_equal(outcome.result.error_status, SNMP_NOT_WRITABLE);
    assert_non_null(strstr(outcome.why, "notWritable"));
    char *long_text = calloc(1, 2000);
    set[0].value = (struct snmp_value){SNMP_OCTETS, 0, (const uint8_t *)long_text, 2000};
    assert_null(snmp_set(world.devices[0], set, 2, NULL, outcome_end, &outcome, &err));
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
    world_fill_fdb(&world.agents[0], 50, 1);
    snmp_limits_init(&limits);
    limits.in_flight = 3;
    world_add_device(&world, 0, SNMP_V2C, NULL, &limits);
    for (int i = 0; i < 6; i++)
        world_start_walk(&world, 0, NULL, &outcomes[i]);
    snmp_engine_step(world.engine, world.now);
    assert_int_equal(agent_serve(&world.agents[0]), 3);
    world_run(&world, 100);
    for (int i = 0; i < 6; i++)
        world_assert_whole(&outcomes[i], 50);
    snmp_device_free(world.devices[0]);
    limits.min_interval = span_ms(20);
    world_add_device(&world, 0, SNMP_V2C, NULL, &limits);
    world_start_walk(&world, 0, NULL, &outcomes[0]);
    world_start_walk(&world, 0, NULL, &outcomes[1]);
    int64_t begun = world.now.us;
    world_run(&world, 1000);
    world_assert_whole(&outcomes[1], 50);
    uint64_t asked = outcomes[0].result.asked + outcomes[1].result.asked;
    assert_true(world.now.us - begun >= ((int64_t)asked - 1) * 20000);
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
        cmocka_unit_test(pauses_are_learnt),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
