/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "snmp/world_fake.h"

static void split_walk(struct world *world, struct outcome *outcome)
{
    struct snmp_walk_options options = {.index = SNMP_INDEX_MAC, .segments = 4};
    world_start_walk(world, 0, &options, outcome);
    world_run(world, 10000);
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
        world_fill_fdb(&world.agents[0], cases[i].rows, cases[i].spread);
        snmp_limits_init(&limits);
        limits.in_flight = 4;
        limits.repetitions_cap = 25;
        world_add_device(&world, 0, SNMP_V2C, NULL, &limits);
        int64_t begun = world.now.us;
        split_walk(&world, &outcome);
        world_assert_whole(&outcome, cases[i].rows);
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
            struct oid oid = world_fdb_port;
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
    world_add_device(&world, 0, SNMP_V2C, NULL, &limits);
    int64_t begun = world.now.us;
    split_walk(&world, &outcome);
    assert_int_equal(outcome.code, 0);
    assert_int_equal(outcome.rows, 10000);
    assert_true(outcome.sum == sum);
    assert_true((world.now.us - begun) / 1000 < 400 / 3);
    world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_walks_are_whole),
        cmocka_unit_test(split_over_clusters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
