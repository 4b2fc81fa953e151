/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "snmp/world_fake.h"

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
    world_fill_fdb(&world->agents[0], 200, 1);
    world_add_device(world, 0, SNMP_V3, &user, NULL);
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
        world_start_walk(&world, 0, NULL, &outcome);
        world_run(&world, 1000);
        world_assert_whole(&outcome, 200);
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
    world_start_walk(&world, 0, NULL, &outcome);
    world_run(&world, 4);
    assert_false(outcome.done);
    world.agents[0].boots++;
    world.agents[0].time = 1;
    world_run(&world, 1000);
    world_assert_whole(&outcome, 200);
    /* And once more with another identity: a replaced switch. */
    world.agents[0].engine_id[9] ^= 0xff;
    world_start_walk(&world, 0, NULL, &outcome);
    world_run(&world, 1000);
    world_assert_whole(&outcome, 200);
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
        world_add_device(&world, 0, SNMP_V3, &user, NULL);
        struct snmp_walk_options options = {.scope = {.context = cases[i].context}};
        world_start_walk(&world, 0, &options, &outcome);
        world_run(&world, 6000);
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
    world_start_walk(&world, 0, &options, &outcome);
    world_run(&world, 1000);
    world_assert_whole(&outcome, 200);
    world_done(&world);
}

static void v3_dead_agents_fail_every_task(void **state)
{
    struct world world;
    struct outcome outcomes[3];
    v3_world(&world, USM_AUTH_SHA1, USM_PRIV_AES128);
    world.agents[0].silent = true;
    for (int i = 0; i < 3; i++)
        world_start_walk(&world, 0, NULL, &outcomes[i]);
    world_run(&world, 6000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(outcomes[i].code, ERR_TIMEOUT);
        assert_non_null(strstr(outcomes[i].why, "engine discovery"));
    }
    assert_int_equal(world.agents[0].received, 4); /* one discovery for all, four tries */
    world_done(&world);
}

/* A Report that nobody signed must not move the clock. */
static void v3_forged_time(void **state)
{
    struct world world;
    struct outcome outcome;
    v3_world(&world, USM_AUTH_SHA1, USM_PRIV_AES128);
    world_start_walk(&world, 0, NULL, &outcome);
    world_run(&world, 4);
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
    world_run(&world, 1000);
    world_assert_whole(&outcome, 200);
    struct snmp_engine_counters counters;
    snmp_engine_count(world.engine, &counters);
    assert_int_equal(counters.refused, 1);
    world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v3_walks),
        cmocka_unit_test(v3_restart),
        cmocka_unit_test(v3_refusals),
        cmocka_unit_test(v3_contexts),
        cmocka_unit_test(v3_dead_agents_fail_every_task),
        cmocka_unit_test(v3_forged_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
