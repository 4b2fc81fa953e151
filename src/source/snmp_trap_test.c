/* SPDX-License-Identifier: Apache-2.0 */
#include "source/snmp_trap.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "contract/feed_fake.h"
#include "io/loop.h"
#include "wire/oid.h"
#include "wire/trap_fixture.h"
#include "wire/usm.h"

#define LINK_DOWN "1.3.6.1.6.3.1.1.5.3"
#define GUEST     0x52, 0x54, 0x00, 0x11, 0x22, 0x33

enum { DATAGRAM_MAX = 65507, PATIENCE_TURNS = 2000, CLOCK_S = 1700000000 };

/* A source that listens on 127.0.0.1, its feed, and a switch at 127.0.0.1 that sends. */
struct bench {
    char folder[64], community[128], credentials[128], state_file[128], port[32];
    uint16_t port_number;
    struct env env;
    void *config, *state;
    struct event_feed *feed;
    int fd;
    struct trap_fixture fixture;
};

static const struct event_source_class *const class = &event_snmp_trap;

static struct wall fake_now(void *clock)
{
    return (struct wall){(int64_t)CLOCK_S * 1000000};
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod(path, 0600);
}

/* A connected client on 127.0.0.1; finds a free port for the source on the way. */
static void open_client(struct bench *bench)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int finder = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(finder, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(finder, (struct sockaddr *)&address, &size), 0);
    bench->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    bench->port_number = ntohs(address.sin_port);
    snprintf(bench->port, sizeof(bench->port), "127.0.0.1:%u", bench->port_number);
    assert_int_equal(connect(bench->fd, (struct sockaddr *)&address, size), 0);
    close(finder);
}

static int set_option(struct bench *bench, const char *key, const char *value, struct err *err)
{
    const struct config_option *option = options_find(class->plug.options, key);
    const struct option_source where = {0};
    bool exposed;
    assert_non_null(option);
    return option_parse(option, key, &value, 1, &where, bench->config, &exposed, err);
}

static void need_option(struct bench *bench, const char *key, const char *value)
{
    struct err err;
    if (set_option(bench, key, value, &err) != 0)
        fail_msg("%s", err.text);
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    strcpy(bench->folder, "/tmp/muster-trap-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    snprintf(bench->community, sizeof(bench->community), "%s/community", bench->folder);
    snprintf(bench->credentials, sizeof(bench->credentials), "%s/credentials", bench->folder);
    snprintf(bench->state_file, sizeof(bench->state_file), "%s/state", bench->folder);
    write_file(bench->community, "public\n");
    write_file(bench->credentials, "user traps sha256 authpass12345 aes privpass12345\n");
    open_client(bench);
    bench->env = (struct env){.loop = loop_new(), .now = fake_now};
    bench->config = calloc(1, class->plug.config_size);
    bench->state = calloc(1, class->plug.state_size);
    options_init_in(class->plug.options, bench->folder, bench->config);
    need_option(bench, "listen", bench->port);
    need_option(bench, "community_file", bench->community);
    need_option(bench, "credentials", bench->credentials);
    need_option(bench, "state_file", bench->state_file);
    bench->feed = feed_fake_new("traps", "snmp_trap");
    feed_fake_map(bench->feed, "127.0.0.1", "sw1");
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    class->stop(bench->state);
    class->plug.destruct(bench->state);
    options_done(class->plug.options, bench->config);
    loop_free(bench->env.loop);
    feed_fake_free(bench->feed);
    close(bench->fd);
    unlink(bench->community);
    unlink(bench->credentials);
    unlink(bench->state_file);
    rmdir(bench->folder);
    free(bench->config);
    free(bench->state);
    free(bench);
    return 0;
}

static void begin(struct bench *bench)
{
    struct err err;
    if (class->plug.construct(bench->state, bench->config, &bench->env, &err) != 0 ||
        class->start(bench->state, bench->feed, &err) != 0)
        fail_msg("%s", err.text);
}

static uint64_t counter(struct bench *bench, const char *name)
{
    struct source_status status;
    class->status(bench->state, &status);
    for (size_t i = 0; i < status.count; i++)
        if (strcmp(status.counters[i].name, name) == 0)
            return status.counters[i].value;
    fail_msg("no counter %s", name);
    return 0;
}

/* Sends and waits until the source has seen it. */
static void send_trap(struct bench *bench, struct snmp_octets datagram)
{
    uint64_t before = counter(bench, "received");
    assert_int_equal(send(bench->fd, datagram.bytes, datagram.length, 0), datagram.length);
    for (int i = 0; counter(bench, "received") == before && i < PATIENCE_TURNS; i++)
        loop_step(bench->env.loop);
    assert_int_equal(counter(bench, "received"), before + 1);
    assert_int_equal(feed_fake_unflushed(bench->feed), 0);
}

static size_t take_answer(struct bench *bench, uint8_t *buffer, struct snmp_message *ret)
{
    ssize_t length = recv(bench->fd, buffer, DATAGRAM_MAX, 0);
    if (length <= 0)
        return 0;
    assert_int_equal(snmp_message_decode(buffer, (size_t)length, ret), 0);
    return (size_t)length;
}

static const struct event *event_at(struct bench *bench, size_t i, enum event_kind kind,
                                    const char *port)
{
    const struct event *event = feed_fake_event(bench->feed, i);
    assert_string_equal(event_kind_word(event->kind), event_kind_word(kind));
    assert_string_equal(event->port != NULL ? event->port : "", port);
    assert_int_equal(event->proof, EVENT_PROOF_HINT);
    assert_int_equal(event->at.us, (int64_t)CLOCK_S * 1000000);
    return event;
}

static void send_link(struct bench *bench, enum snmp_pdu pdu)
{
    trap_fixture_begin_v2(&bench->fixture, LINK_DOWN);
    trap_fixture_number(&bench->fixture, "1.3.6.1.2.1.2.2.1.1.7", 7);
    send_trap(bench, trap_fixture_v2c(&bench->fixture, pdu));
}

static void send_cisco(struct bench *bench, const uint8_t *tuples, size_t length)
{
    trap_fixture_begin_v2(&bench->fixture, "1.3.6.1.4.1.9.9.215.2.0.1");
    trap_fixture_octets(&bench->fixture, "1.3.6.1.4.1.9.9.215.1.1.8.1.2.1", tuples, length);
    send_trap(bench, trap_fixture_v2c(&bench->fixture, SNMP_TRAP_V2));
}

static void link_down_is_a_hint(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    send_link(bench, SNMP_TRAP_V2);
    assert_int_equal(feed_fake_count(bench->feed), 1);
    const struct event *event = event_at(bench, 0, EVENT_HINT, "#7");
    assert_int_equal(event->hint, EVENT_HINT_LINK_DOWN);
    assert_string_equal(event->switch_name, "sw1");
    assert_int_equal(feed_fake_ticket(bench->feed, 0), EVENT_NO_TICKET);
}

static void restart_and_topology(void **state)
{
    static const struct {
        const char *oid;
        enum event_hint hint;
    } cases[] = {{"1.3.6.1.6.3.1.1.5.1", EVENT_HINT_RESTART},
                 {"1.3.6.1.2.1.17.0.2", EVENT_HINT_TOPOLOGY_CHANGE}};
    struct bench *bench = *state;
    begin(bench);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        trap_fixture_begin_v2(&bench->fixture, cases[i].oid);
        send_trap(bench, trap_fixture_v2c(&bench->fixture, SNMP_TRAP_V2));
        assert_int_equal(event_at(bench, i, EVENT_HINT, "")->hint, cases[i].hint);
    }
    trap_fixture_begin_v2(&bench->fixture, "1.3.6.1.6.3.1.1.5.5");
    send_trap(bench, trap_fixture_v2c(&bench->fixture, SNMP_TRAP_V2));
    assert_int_equal(feed_fake_count(bench->feed), 2);
    assert_int_equal(counter(bench, "other_notifications"), 1);
}

/* A base port is no port name; learnt and removed there are one session. */
static void learnt_and_removed(void **state)
{
    static const uint8_t tuples[] = {1, 0, 10, GUEST, 0, 5, 2, 0, 10, GUEST, 0, 5, 0, 0};
    struct bench *bench = *state;
    begin(bench);
    send_cisco(bench, tuples, sizeof(tuples));
    assert_int_equal(feed_fake_count(bench->feed), 2);
    const struct event *learnt = event_at(bench, 0, EVENT_START, "");
    const struct event *removed = event_at(bench, 1, EVENT_STOP, "");
    assert_int_equal(learnt->mac.bits, 0x525400112233);
    assert_int_equal(learnt->vlan, 10);
    assert_string_equal(learnt->nas, "sw1");
    assert_string_equal(learnt->session, "vlan 10 base port 5");
    assert_string_equal(removed->session, learnt->session);
    assert_string_equal(removed->cause, "removed");
}

/* A move: it is there before it is no longer here, and the two are not one session. */
static void moved(void **state)
{
    static const uint8_t mac[] = {GUEST};
    struct bench *bench = *state;
    begin(bench);
    trap_fixture_begin_v2(&bench->fixture, "1.3.6.1.4.1.25506.2.87.1.4.0.2");
    trap_fixture_octets(&bench->fixture, "1.3.6.1.4.1.25506.2.87.1.4.2.5.0", mac, sizeof(mac));
    trap_fixture_number(&bench->fixture, "1.3.6.1.4.1.25506.2.87.1.4.2.6.0", 10);
    trap_fixture_number(&bench->fixture, "1.3.6.1.4.1.25506.2.87.1.4.2.7.0", 3);
    trap_fixture_number(&bench->fixture, "1.3.6.1.4.1.25506.2.87.1.4.2.8.0", 4);
    send_trap(bench, trap_fixture_v2c(&bench->fixture, SNMP_TRAP_V2));
    assert_int_equal(feed_fake_count(bench->feed), 2);
    const struct event *there = event_at(bench, 0, EVENT_START, "#4");
    const struct event *here = event_at(bench, 1, EVENT_STOP, "#3");
    assert_string_equal(there->session, "vlan 10 #4");
    assert_string_equal(here->session, "vlan 10 #3");
    assert_string_equal(here->cause, "moved");
}

/* The agent's word comes before the source address. */
static void forwarded(void **state)
{
    struct bench *bench = *state;
    need_option(bench, "devices", "192.0.2.9=core1");
    begin(bench);
    trap_fixture_begin(&bench->fixture);
    trap_fixture_number(&bench->fixture, "1.3.6.1.2.1.2.2.1.1.7", 7);
    send_trap(bench, trap_fixture_v1(&bench->fixture, "1.3.6.1.4.1.9.1.1", 2, 0));
    assert_string_equal(event_at(bench, 0, EVENT_HINT, "#7")->switch_name, "core1");
}

/* Nobody's switch: its links are not looked at, its MACs are heard all the same. */
static void unknown_switch(void **state)
{
    static const uint8_t tuples[] = {1, 0, 10, GUEST, 0, 5};
    struct bench *bench = *state;
    feed_fake_free(bench->feed);
    bench->feed = feed_fake_new("traps", "snmp_trap");
    begin(bench);
    send_link(bench, SNMP_TRAP_V2);
    assert_int_equal(feed_fake_count(bench->feed), 0);
    send_cisco(bench, tuples, sizeof(tuples));
    const struct event *event = event_at(bench, 0, EVENT_START, "");
    assert_null(event->switch_name);
    assert_string_equal(event->nas, "127.0.0.1");
    assert_int_equal(counter(bench, "unknown_switch"), 2);
}

static void wrong_community(void **state)
{
    struct bench *bench = *state;
    write_file(bench->community, "other\n");
    need_option(bench, "community_file", bench->community);
    begin(bench);
    send_link(bench, SNMP_INFORM);
    assert_int_equal(feed_fake_count(bench->feed), 0);
    assert_int_equal(counter(bench, "unknown_communities"), 1);
    static uint8_t buffer[DATAGRAM_MAX];
    struct snmp_message message;
    assert_int_equal(take_answer(bench, buffer, &message), 0);
}

static uint64_t losses(struct bench *bench)
{
    struct source_status status;
    uint64_t sum = 0;
    class->status(bench->state, &status);
    for (size_t i = 0; i < status.count; i++)
        sum += status.counters[i].loss ? status.counters[i].value : 0;
    return sum;
}

/* Losses become an audit_gap: what anybody can send is none. */
static void strangers_open_no_case(void **state)
{
    enum { SENT = 20 };
    struct bench *bench = *state;
    static const uint8_t junk[] = {0x30, 0x82, 0xff, 0xff, 1, 2, 3};
    feed_fake_free(bench->feed);
    bench->feed = feed_fake_new("traps", "snmp_trap");
    write_file(bench->community, "other\n");
    need_option(bench, "community_file", bench->community);
    need_option(bench, "unknown_rate", "2");
    begin(bench);
    send_link(bench, SNMP_TRAP_V2);
    send_trap(bench, (struct snmp_octets){junk, sizeof(junk)});
    for (int i = 2; i < SENT; i++)
        send_link(bench, SNMP_TRAP_V2);
    assert_true(counter(bench, "unknown_communities") >= 1);
    assert_int_equal(counter(bench, "malformed"), 1);
    assert_in_range(counter(bench, "strangers_limited"), SENT - 6, SENT - 2);
    assert_int_equal(losses(bench), 0);
}

/* An inform that could not be taken is not answered; when it comes again it is. */
static void informs(void **state)
{
    static uint8_t buffer[DATAGRAM_MAX];
    struct bench *bench = *state;
    struct snmp_message message;
    begin(bench);
    feed_fake_refuse_after(bench->feed, 0);
    send_link(bench, SNMP_INFORM);
    assert_int_equal(take_answer(bench, buffer, &message), 0);
    assert_int_equal(counter(bench, "not_stored"), 1);
    feed_fake_refuse_after(bench->feed, SIZE_MAX);
    send_link(bench, SNMP_INFORM);
    assert_true(take_answer(bench, buffer, &message) > 0);
    assert_int_equal(message.pdu, SNMP_RESPONSE);
    send_link(bench, SNMP_INFORM);
    assert_true(take_answer(bench, buffer, &message) > 0);
    assert_int_equal(feed_fake_count(bench->feed), 1);
    assert_int_equal(counter(bench, "duplicates"), 1);
    assert_int_equal(counter(bench, "informs_answered"), 2);
}

static const uint8_t engine_id[] = {0x80, 0, 0x1f, 0x88, 1, 2, 3, 4};

/* A v3 trap at authPriv whose digest is broken where `forged`. */
static void send_sealed(struct bench *bench, bool forged)
{
    struct usm_crypto *crypto = usm_crypto_new();
    struct usm_user user;
    struct usm_keys keys;
    struct snmp_message message = {.version = SNMP_V3, .pdu = SNMP_TRAP_V2};
    assert_int_equal(usm_user_init(&user, crypto, "traps", USM_AUTH_SHA256,
                                   forged ? "wrongpass12345" : "authpass12345", USM_PRIV_AES128,
                                   "privpass12345", NULL),
                     0);
    message.v3.engine_id = (struct snmp_octets){engine_id, sizeof(engine_id)};
    message.v3.context_engine_id = message.v3.engine_id;
    message.v3.user = (struct snmp_octets){(const uint8_t *)"traps", 5};
    message.v3.engine_boots = 1;
    message.v3.engine_time = 100;
    usm_keys_init(&keys, crypto, &user, message.v3.engine_id);
    message.v3.flags = usm_keys_flags(&keys);
    trap_fixture_begin_v2(&bench->fixture, LINK_DOWN);
    trap_fixture_number(&bench->fixture, "1.3.6.1.2.1.2.2.1.1.7", 7);
    assert_int_equal(usm_seal(crypto, &keys, &message, &bench->fixture.writer), 0);
    send_trap(bench, (struct snmp_octets){snmp_writer_bytes(&bench->fixture.writer),
                                          snmp_writer_length(&bench->fixture.writer)});
    usm_crypto_free(crypto);
}

static void engines_name_switches(void **state)
{
    struct bench *bench = *state;
    need_option(bench, "engines", "0x80001f8801020304=core1");
    begin(bench);
    send_sealed(bench, true);
    assert_int_equal(feed_fake_count(bench->feed), 0);
    assert_int_equal(counter(bench, "wrong_digests"), 1);
    send_sealed(bench, false);
    assert_string_equal(event_at(bench, 0, EVENT_HINT, "#7")->switch_name, "core1");
}

/* What a device calls its port must not reach a terminal as it is. */
static void hostile_names(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    trap_fixture_begin_v2(&bench->fixture, LINK_DOWN);
    trap_fixture_octets(&bench->fixture, "1.3.6.1.2.1.31.1.1.1.1.0", "\x1b[2J", 4);
    send_trap(bench, trap_fixture_v2c(&bench->fixture, SNMP_TRAP_V2));
    event_at(bench, 0, EVENT_HINT, "");
}

static void storm(void **state)
{
    enum { BURST = 20, SENT = 200 };
    struct bench *bench = *state;
    need_option(bench, "rate", "1");
    need_option(bench, "burst", "20");
    begin(bench);
    for (int i = 0; i < SENT; i++)
        send_link(bench, SNMP_TRAP_V2);
    assert_in_range(feed_fake_count(bench->feed), BURST, BURST + 5);
    assert_in_range(counter(bench, "rate_limited"), SENT - BURST - 5, SENT - BURST);
}

/* One datagram full of changes uses up what its sender may say. */
static void stuffed_datagram(void **state)
{
    enum { TUPLES = 600, TUPLE = 11 };
    static uint8_t tuples[TUPLES * TUPLE];
    static const uint8_t one[TUPLE] = {1, 0, 10, GUEST, 0, 5};
    struct bench *bench = *state;
    need_option(bench, "burst", "500");
    begin(bench);
    for (size_t i = 0; i < TUPLES; i++)
        memcpy(tuples + i * TUPLE, one, TUPLE);
    send_cisco(bench, tuples, sizeof(tuples));
    assert_int_equal(feed_fake_count(bench->feed), TUPLES);
    send_link(bench, SNMP_TRAP_V2);
    assert_int_equal(feed_fake_count(bench->feed), TUPLES);
    assert_int_equal(counter(bench, "rate_limited"), 1);
}

static void garbage(void **state)
{
    static const uint8_t bytes[] = {0x30, 0x82, 0xff, 0xff, 1, 2, 3};
    struct bench *bench = *state;
    begin(bench);
    send_trap(bench, (struct snmp_octets){bytes, sizeof(bytes)});
    send_trap(bench, (struct snmp_octets){bytes, 0});
    trap_fixture_begin_v2(&bench->fixture, LINK_DOWN);
    ber_append(&bench->fixture.writer, "\x30\x20\x06", 3);
    send_trap(bench, trap_fixture_v2c(&bench->fixture, SNMP_TRAP_V2));
    assert_int_equal(counter(bench, "malformed"), 3);
    assert_int_equal(counter(bench, "taken"), 0);
    assert_int_equal(feed_fake_count(bench->feed), 0);
}

/* Stopped and started again it listens again, as one more boot. */
static void again(void **state)
{
    struct bench *bench = *state;
    begin(bench);
    class->stop(bench->state);
    assert_int_equal(class->start(bench->state, bench->feed, NULL), 0);
    send_link(bench, SNMP_TRAP_V2);
    assert_int_equal(feed_fake_count(bench->feed), 1);
    char text[200] = "";
    FILE *file = fopen(bench->state_file, "r");
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, "\nboots 2\n"));
}

static void taken_port(void **state)
{
    struct bench *bench = *state;
    struct err err;
    begin(bench);
    AUTO_FREE void *second = alloc_zeroed(1, class->plug.state_size);
    assert_int_equal(class->plug.construct(second, bench->config, &bench->env, &err), 0);
    assert_int_not_equal(class->start(second, bench->feed, &err), 0);
    assert_non_null(strstr(err.text, "127.0.0.1"));
    class->stop(second);
    class->plug.destruct(second);
}

static void bad_options(void **state)
{
    static const char *const bad[][3] = {
        {"devices", "192.0.2.9", "expected ADDRESS=SWITCH"},
        {"devices", "nowhere=sw1", "no IP address"},
        {"engines", "80001f88=sw1", "no engine id"},
        {"engines", "80001f8801", "expected ENGINEID=SWITCH"},
        {"listen", "somewhere", "listen"},
        {"auth_protocol", "rot13", "rot13"},
    };
    struct bench *bench = *state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct err err = {0};
        options_done(class->plug.options, bench->config);
        options_init(class->plug.options, bench->config);
        need_option(bench, "community_file", bench->community);
        need_option(bench, "user", "somebody");
        need_option(bench, bad[i][0], bad[i][1]);
        assert_int_not_equal(class->plug.construct(bench->state, bench->config, &bench->env, &err),
                             0);
        if (strstr(err.text, bad[i][2]) == NULL)
            fail_msg("%s: %s", bad[i][1], err.text);
    }
    options_done(class->plug.options, bench->config);
    options_init(class->plug.options, bench->config);
    struct err err;
    assert_int_not_equal(class->plug.construct(bench->state, bench->config, &bench->env, &err), 0);
    assert_non_null(strstr(err.text, "community_file"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(link_down_is_a_hint),
        TEST(restart_and_topology),
        TEST(learnt_and_removed),
        TEST(moved),
        TEST(forwarded),
        TEST(unknown_switch),
        TEST(wrong_community),
        TEST(strangers_open_no_case),
        TEST(informs),
        TEST(engines_name_switches),
        TEST(hostile_names),
        TEST(storm),
        TEST(stuffed_datagram),
        TEST(garbage),
        TEST(again),
        TEST(taken_port),
        TEST(bad_options),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
