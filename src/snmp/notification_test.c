/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/notification.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "wire/trap_fixture.h"

#define LINK_DOWN "1.3.6.1.6.3.1.1.5.3"

static const uint8_t own_id[] = {0x80, 0, 0x1f, 0x88, 4, 'm', 'u', 's', 't', 'e', 'r'};
static const uint8_t agent_id[] = {0x80, 0, 0x1f, 0x88, 1, 2, 3, 4};
static const char *const communities[] = {"public", "traps"};

enum { BOOTS = 7, UPTIME_S = 1000 };

/* A receiver with two users, and a sender of messages to it. */
struct bench {
    struct notification_receiver *receiver;
    struct usm_crypto *crypto;
    struct usm_user users[2]; /* authPriv, noAuth */
    struct ip from;
    struct mono now;
    struct trap_fixture fixture;
    uint8_t *bytes;
    size_t length;
    struct notification got;
    struct snmp_message reply; /* of the last report or answer, opened */
};

static const struct snmp_octets own = {own_id, sizeof(own_id)};
static const struct snmp_octets agent = {agent_id, sizeof(agent_id)};

static void make_user(struct bench *bench, const char *name, enum usm_auth auth,
                      const char *password, enum usm_priv priv, struct usm_user *ret)
{
    assert_int_equal(usm_user_init(ret, bench->crypto, name, auth, password, priv,
                                   priv != USM_PRIV_NONE ? "privpass12345" : NULL, NULL),
                     0);
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    const uint8_t octets[] = {192, 0, 2, 1};
    bench->crypto = usm_crypto_new();
    bench->from = ip_from_v4(octets);
    bench->now.us = (int64_t)UPTIME_S * 1000000;
    make_user(bench, "traps", USM_AUTH_SHA256, "authpass12345", USM_PRIV_AES128, &bench->users[0]);
    make_user(bench, "open", USM_AUTH_NONE, NULL, USM_PRIV_NONE, &bench->users[1]);
    const struct notification_settings settings = {.communities = communities,
                                                   .community_count = 2,
                                                   .users = bench->users,
                                                   .user_count = 2,
                                                   .engine_id = own,
                                                   .boots = BOOTS};
    bench->receiver = notification_receiver_new(&settings);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    notification_receiver_free(bench->receiver);
    usm_crypto_free(bench->crypto);
    free(bench);
    return 0;
}

static void begin(struct bench *bench)
{
    trap_fixture_begin_v2(&bench->fixture, LINK_DOWN);
    trap_fixture_number(&bench->fixture, "1.3.6.1.2.1.2.2.1.1.3", 3);
}

/* Keeps the built datagram; receiving may change it. */
static void keep(struct bench *bench, struct snmp_octets datagram)
{
    bench->bytes = bench->fixture.buffer + (datagram.bytes - bench->fixture.buffer);
    bench->length = datagram.length;
}

static enum notification_outcome receive(struct bench *bench)
{
    static uint8_t copy[TRAP_FIXTURE_SIZE];
    memcpy(copy, bench->bytes, bench->length);
    notification_receive(bench->receiver, copy, bench->length, &bench->from, 4711, bench->now,
                         &bench->got);
    return bench->got.outcome;
}

struct message {
    struct snmp_octets engine;
    const struct usm_user *user;
    enum snmp_pdu pdu;
    int32_t boots, time;
    bool reportable;
};

/* Builds a v3 message at the user's level. */
static void build(struct bench *bench, const struct message *from)
{
    struct usm_keys keys;
    struct snmp_message message = {.version = SNMP_V3, .pdu = from->pdu, .request_id = 99};
    usm_keys_init(&keys, bench->crypto, from->user, from->engine);
    message.v3 =
        (struct snmp_v3){.message_id = 5,
                         .max_size = 65507,
                         .engine_id = from->engine,
                         .context_engine_id = from->engine,
                         .engine_boots = from->boots,
                         .engine_time = from->time,
                         .user = {(const uint8_t *)from->user->name, from->user->name_length}};
    message.v3.flags =
        (uint8_t)(usm_keys_flags(&keys) | (from->reportable ? SNMP_FLAG_REPORTABLE : 0));
    begin(bench);
    assert_int_equal(usm_seal(bench->crypto, &keys, &message, &bench->fixture.writer), 0);
    keep(bench, (struct snmp_octets){snmp_writer_bytes(&bench->fixture.writer),
                                     snmp_writer_length(&bench->fixture.writer)});
}

static enum notification_outcome receive_built(struct bench *bench, const struct message *from)
{
    build(bench, from);
    return receive(bench);
}

/* Decodes what was sent back, with the keys of `user` at our engine. */
static void open_reply(struct bench *bench, struct snmp_octets bytes, const struct usm_user *user)
{
    static uint8_t copy[TRAP_FIXTURE_SIZE];
    assert_true(bytes.length > 0 && bytes.length <= sizeof(copy));
    memcpy(copy, bytes.bytes, bytes.length);
    assert_int_equal(snmp_message_decode(copy, bytes.length, &bench->reply), 0);
    if (user != NULL) {
        struct usm_keys keys;
        usm_keys_init(&keys, bench->crypto, user, own);
        assert_int_equal(usm_open(bench->crypto, &keys, &bench->reply, copy), USM_OK);
    }
}

static void check_report(struct bench *bench, enum usm_report which, const struct usm_user *user)
{
    struct snmp_varbind varbind;
    open_reply(bench, bench->got.report, user);
    assert_int_equal(bench->reply.pdu, SNMP_REPORT);
    struct ber_reader list = snmp_message_varbinds(&bench->reply);
    assert_int_equal(snmp_varbind_next(&list, &varbind), 1);
    assert_int_equal(usm_report_find(varbind.oid, varbind.oid_length), which);
    assert_int_equal(bench->reply.v3.engine_id.length, sizeof(own_id));
    assert_memory_equal(bench->reply.v3.engine_id.bytes, own_id, sizeof(own_id));
    assert_int_equal(bench->reply.v3.engine_boots, BOOTS);
    assert_int_equal(bench->reply.v3.engine_time, bench->now.us / 1000000);
    assert_int_equal(bench->reply.v3.message_id, 5);
}

static void communities_decide(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    keep(bench, trap_fixture_v2c(&bench->fixture, SNMP_TRAP_V2));
    assert_int_equal(receive(bench), NOTIFICATION_TAKEN);
    assert_false(bench->got.authentic);
    assert_int_equal(notification_answer(bench->receiver, &bench->got, bench->now).length, 0);
    memcpy(bench->bytes + 7, "pubLic", 6);
    assert_int_equal(receive(bench), NOTIFICATION_COMMUNITY);
    assert_int_equal(bench->got.report.length, 0);
}

static void not_notifications(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    keep(bench, trap_fixture_v2c(&bench->fixture, SNMP_GET));
    assert_int_equal(receive(bench), NOTIFICATION_NOT_ONE);
    bench->length = 9;
    assert_int_equal(receive(bench), NOTIFICATION_MALFORMED);
}

static void inform_v2c(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    keep(bench, trap_fixture_v2c(&bench->fixture, SNMP_INFORM));
    assert_int_equal(receive(bench), NOTIFICATION_TAKEN);
    open_reply(bench, notification_answer(bench->receiver, &bench->got, bench->now), NULL);
    assert_int_equal(bench->reply.pdu, SNMP_RESPONSE);
    assert_int_equal(bench->reply.request_id, bench->got.message.request_id);
    assert_int_equal(bench->reply.error_status, 0);
    assert_int_equal(bench->reply.varbinds.length, bench->got.message.varbinds.length);
    assert_memory_equal(bench->reply.varbinds.bytes, bench->got.message.varbinds.bytes,
                        bench->reply.varbinds.length);
    /* The answer was lost: it comes again and is answered again. */
    assert_int_equal(receive(bench), NOTIFICATION_DUPLICATE);
    assert_true(notification_answer(bench->receiver, &bench->got, bench->now).length > 0);
    /* Of another host it is another one. */
    bench->from.octets[15]++;
    assert_int_equal(receive(bench), NOTIFICATION_TAKEN);
}

/* What was not answered, because it could not be kept, is no duplicate. */
static void unanswered_inform(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    keep(bench, trap_fixture_v2c(&bench->fixture, SNMP_INFORM));
    assert_int_equal(receive(bench), NOTIFICATION_TAKEN);
    assert_int_equal(receive(bench), NOTIFICATION_TAKEN);
}

static void discovery(void **state)
{
    struct bench *bench = *state;
    const struct usm_user nobody = {.name = ""};
    struct message ask = {
        .engine = {agent_id, 0}, .user = &nobody, .pdu = SNMP_GET, .reportable = true};
    assert_int_equal(receive_built(bench, &ask), NOTIFICATION_DISCOVERY);
    check_report(bench, USM_REPORT_UNKNOWN_ENGINE, NULL);
    assert_int_equal(bench->reply.request_id, 99);
    ask.reportable = false;
    assert_int_equal(receive_built(bench, &ask), NOTIFICATION_DISCOVERY);
    assert_int_equal(bench->got.report.length, 0);
}

static void inform_v3(void **state)
{
    struct bench *bench = *state;
    struct message inform = {own, &bench->users[0], SNMP_INFORM, BOOTS, UPTIME_S, true};
    assert_int_equal(receive_built(bench, &inform), NOTIFICATION_TAKEN);
    assert_true(bench->got.authentic);
    open_reply(bench, notification_answer(bench->receiver, &bench->got, bench->now),
               &bench->users[0]);
    assert_int_equal(bench->reply.pdu, SNMP_RESPONSE);
    assert_int_equal(bench->reply.request_id, 99);
    assert_int_equal(bench->reply.v3.flags, SNMP_FLAG_AUTH | SNMP_FLAG_PRIV);
    assert_int_equal(receive_built(bench, &inform), NOTIFICATION_DUPLICATE);
}

static void inform_out_of_time(void **state)
{
    struct bench *bench = *state;
    const struct {
        int32_t boots, time;
    } wrong[] = {{0, 0}, {BOOTS, UPTIME_S - 151}, {BOOTS, UPTIME_S + 151}, {BOOTS - 1, UPTIME_S}};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct message inform = {own, &bench->users[0], SNMP_INFORM, wrong[i].boots, wrong[i].time,
                                 true};
        assert_int_equal(receive_built(bench, &inform), NOTIFICATION_WINDOW);
        check_report(bench, USM_REPORT_NOT_IN_TIME_WINDOW, &bench->users[0]);
        assert_int_equal(bench->reply.v3.flags, SNMP_FLAG_AUTH);
    }
}

static void refused_senders(void **state)
{
    struct bench *bench = *state;
    struct usm_user stranger, impostor, lax;
    make_user(bench, "who", USM_AUTH_SHA256, "authpass12345", USM_PRIV_AES128, &stranger);
    make_user(bench, "traps", USM_AUTH_SHA256, "wrongpass12345", USM_PRIV_AES128, &impostor);
    make_user(bench, "traps", USM_AUTH_NONE, NULL, USM_PRIV_NONE, &lax);
    struct message inform = {own, &stranger, SNMP_INFORM, BOOTS, UPTIME_S, true};
    assert_int_equal(receive_built(bench, &inform), NOTIFICATION_USER);
    check_report(bench, USM_REPORT_UNKNOWN_USER, NULL);
    inform.user = &impostor;
    assert_int_equal(receive_built(bench, &inform), NOTIFICATION_DIGEST);
    check_report(bench, USM_REPORT_WRONG_DIGEST, NULL);
    /* The digest left away. */
    inform.user = &lax;
    assert_int_equal(receive_built(bench, &inform), NOTIFICATION_LEVEL);
    check_report(bench, USM_REPORT_SECURITY_LEVEL, NULL);
    inform.user = &bench->users[0];
    inform.engine = agent;
    assert_int_equal(receive_built(bench, &inform), NOTIFICATION_ENGINE);
    check_report(bench, USM_REPORT_UNKNOWN_ENGINE, NULL);
}

static void trap_v3_and_replay(void **state)
{
    struct bench *bench = *state;
    struct message trap = {agent, &bench->users[0], SNMP_TRAP_V2, 3, 5000, false};
    assert_int_equal(receive_built(bench, &trap), NOTIFICATION_TAKEN);
    assert_true(bench->got.authentic);
    assert_int_equal(notification_answer(bench->receiver, &bench->got, bench->now).length, 0);
    /* An old one, another boot's, and then time that went on. */
    trap.time = 5000 - 151;
    assert_int_equal(receive_built(bench, &trap), NOTIFICATION_WINDOW);
    assert_int_equal(bench->got.report.length, 0);
    trap.time = 9000;
    trap.boots = 2;
    assert_int_equal(receive_built(bench, &trap), NOTIFICATION_WINDOW);
    trap.boots = 4;
    trap.time = 1;
    assert_int_equal(receive_built(bench, &trap), NOTIFICATION_TAKEN);
    build(bench, &trap);
    bench->now.us += INT64_C(200) * 1000000;
    assert_int_equal(receive(bench), NOTIFICATION_WINDOW);
}

/* An agent in its first boot counts it from nought. */
static void first_boot(void **state)
{
    struct bench *bench = *state;
    struct message trap = {agent, &bench->users[0], SNMP_TRAP_V2, 0, 0, false};
    assert_int_equal(receive_built(bench, &trap), NOTIFICATION_TAKEN);
}

static void without_security(void **state)
{
    struct bench *bench = *state;
    struct message trap = {agent, &bench->users[1], SNMP_TRAP_V2, 0, 0, false};
    assert_int_equal(receive_built(bench, &trap), NOTIFICATION_TAKEN);
    assert_false(bench->got.authentic);
}

/* An inform without the right to a Report, to another engine than ours: no trap. */
static void inform_to_sender_engine(void **state)
{
    struct bench *bench = *state;
    struct message inform = {agent, &bench->users[0], SNMP_INFORM, 1, 1, false};
    assert_int_equal(receive_built(bench, &inform), NOTIFICATION_NOT_ONE);
}

/* Invented engines are not authentic and push out nobody who was. */
static void engine_flood(void **state)
{
    struct bench *bench = *state;
    struct message trap = {agent, &bench->users[0], SNMP_TRAP_V2, 3, 5000, false};
    uint8_t id[sizeof(agent_id)];
    struct usm_user impostor;
    make_user(bench, "traps", USM_AUTH_SHA256, "wrongpass12345", USM_PRIV_AES128, &impostor);
    assert_int_equal(receive_built(bench, &trap), NOTIFICATION_TAKEN);
    struct message forged = {{id, sizeof(id)}, &impostor, SNMP_TRAP_V2, 1, 1, false};
    memcpy(id, agent_id, sizeof(id));
    for (unsigned i = 0; i < 3000; i++) {
        id[6] = (uint8_t)(i >> 8);
        id[7] = (uint8_t)i;
        assert_int_equal(receive_built(bench, &forged), NOTIFICATION_DIGEST);
    }
    trap.time = 4000; /* a replay, still known as one */
    assert_int_equal(receive_built(bench, &trap), NOTIFICATION_WINDOW);
}

static void damaged(void **state)
{
    struct bench *bench = *state;
    struct message inform = {own, &bench->users[0], SNMP_INFORM, BOOTS, UPTIME_S, true};
    build(bench, &inform);
    for (size_t i = 0; i < bench->length; i++) {
        bench->bytes[i] ^= 0x21;
        assert_int_not_equal(receive(bench), NOTIFICATION_TAKEN);
        bench->bytes[i] ^= 0x21;
    }
    assert_int_equal(receive(bench), NOTIFICATION_TAKEN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(communities_decide), TEST(not_notifications), TEST(inform_v2c),
        TEST(unanswered_inform),  TEST(discovery),         TEST(inform_v3),
        TEST(inform_out_of_time), TEST(refused_senders),   TEST(trap_v3_and_replay),
        TEST(first_boot),         TEST(without_security),  TEST(inform_to_sender_engine),
        TEST(engine_flood),       TEST(damaged),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
