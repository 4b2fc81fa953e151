/* SPDX-License-Identifier: Apache-2.0 */

/* The RADIUS source as the daemon has it: real sockets on the loopback, a real loop, and a
 * feed that remembers. */

#include "source/radius_bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "io/loop.h"
#include "wire/radius_accounting.h"

#define GUEST "52-54-00-11-22-33"

enum { PATIENCE_TURNS = 200, QUIET_TURNS = 3 };

static const struct event_source_class *const class = &event_radius;
static const struct radius_secret secret = {(const uint8_t *)"testing123", 10};

/* --- the bench --- */

static void connect_switch(struct radius_bench *bench, const char *from)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    struct sockaddr_in there = {.sin_family = AF_INET,
                                .sin_port = htons(event_radius_port(bench->state))};
    if (bench->fd >= 0)
        close(bench->fd);
    bench->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    inet_pton(AF_INET, from, &here.sin_addr);
    inet_pton(AF_INET, "127.0.0.1", &there.sin_addr);
    assert_int_equal(bind(bench->fd, (struct sockaddr *)&here, sizeof(here)), 0);
    assert_int_equal(connect(bench->fd, (struct sockaddr *)&there, sizeof(there)), 0);
}

static void start_bench(struct radius_bench *bench)
{
    struct err err;
    assert_int_equal(class->plug.construct(bench->state, bench->config, &bench->env, &err), 0);
    assert_int_equal(class->start(bench->state, bench->feed, &err), 0);
    connect_switch(bench, "127.0.0.1");
}

/* --- the switch --- */

static void begin(struct radius_bench *bench, uint8_t identifier, uint32_t status)
{
    radius_writer_init(&bench->writer, bench->request, RADIUS_ACCOUNTING_REQUEST, identifier);
    radius_writer_add_integer(&bench->writer, RADIUS_ACCT_STATUS_TYPE, status);
}

static void add(struct radius_bench *bench, uint8_t type, const char *text)
{
    radius_writer_add(&bench->writer, type, text, strlen(text));
}

static void add_number(struct radius_bench *bench, uint8_t type, uint32_t value)
{
    radius_writer_add_integer(&bench->writer, type, value);
}

static void send_sealed(struct radius_bench *bench, struct radius_secret by)
{
    bench->request_length = radius_request_seal(bench->crypto, &bench->writer, by);
    assert_int_not_equal(bench->request_length, 0);
    assert_int_equal(send(bench->fd, bench->request, bench->request_length, 0),
                     bench->request_length);
}

static void send_start(struct radius_bench *bench, uint8_t identifier, const char *session)
{
    begin(bench, identifier, 1);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    add(bench, RADIUS_NAS_PORT_ID, "Gi0/3");
    add(bench, RADIUS_ACCT_SESSION_ID, session);
    send_sealed(bench, secret);
}

/* Lets the loop turn; a timer keeps it from waiting. */
static void turn(struct radius_bench *bench)
{
    loop_timer_start(bench->tick, span_ms(1));
    loop_step(bench->env.loop);
}

/* Turns until the source has received `total` datagrams. */
static void wait_received(struct radius_bench *bench, uint64_t total)
{
    for (int i = 0; i < PATIENCE_TURNS && radius_bench_counter(bench, "received") < total; i++)
        turn(bench);
    assert_int_equal(radius_bench_counter(bench, "received"), total);
}

static bool take_response(struct radius_bench *bench)
{
    ssize_t length = recv(bench->fd, bench->response, sizeof(bench->response), 0);
    bench->response_length = length > 0 ? (size_t)length : 0;
    return length > 0;
}

/* The switch's view: the answer is there and is by who knows the secret. */
static void assert_answered(struct radius_bench *bench)
{
    struct radius_packet request, response;
    assert_true(take_response(bench));
    assert_int_equal(radius_packet_parse(bench->request, bench->request_length, &request),
                     RADIUS_SOUND);
    assert_int_equal(radius_packet_parse(bench->response, bench->response_length, &response),
                     RADIUS_SOUND);
    assert_int_equal(response.code, RADIUS_ACCOUNTING_RESPONSE);
    assert_int_equal(radius_response_verify(bench->crypto, &response, &request, secret),
                     RADIUS_GENUINE);
    uint8_t more;
    assert_true(recv(bench->fd, &more, sizeof(more), 0) < 0);
}

static void assert_silent(struct radius_bench *bench)
{
    for (int i = 0; i < QUIET_TURNS; i++)
        turn(bench);
    assert_false(take_response(bench));
}

/* The core: says that events from `first` on are stored, or never will be. */
static void settle(struct radius_bench *bench, size_t first, bool stored)
{
    for (size_t i = first; i < feed_fake_count(bench->feed); i++) {
        const uint64_t ticket = feed_fake_ticket(bench->feed, i);
        if (ticket != EVENT_NO_TICKET)
            class->settled(bench->state, &ticket, 1, stored);
    }
}

/* --- durability --- */

static void start_is_answered_when_it_is_stored(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    begin(bench, 7, 1);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    add(bench, RADIUS_NAS_IDENTIFIER, "sw9");
    add(bench, RADIUS_NAS_PORT_ID, "Gi0/3");
    add(bench, RADIUS_ACCT_SESSION_ID, "0001");
    add(bench, RADIUS_USER_NAME, "host/a");
    add(bench, RADIUS_TUNNEL_PRIVATE_GROUP_ID, "120");
    add_number(bench, RADIUS_ACCT_DELAY_TIME, 5);
    add_number(bench, RADIUS_ACCT_INTERIM_INTERVAL, 600);
    send_sealed(bench, secret);
    wait_received(bench, 1);
    assert_silent(bench);
    assert_int_equal(feed_fake_count(bench->feed), 1);
    assert_int_equal(feed_fake_flushes(bench->feed), 1);
    const struct event *event = feed_fake_event(bench->feed, 0);
    assert_int_equal(event->kind, EVENT_START);
    assert_int_equal(event->proof, EVENT_PROOF_TOLD);
    assert_int_equal(event->mac.bits, 0x525400112233);
    assert_string_equal(event->switch_name, "sw9");
    assert_string_equal(event->nas, "sw9");
    assert_string_equal(event->port, "Gi0/3");
    assert_string_equal(event->session, "0001");
    assert_string_equal(event->node, "host/a");
    assert_int_equal(event->vlan, 120);
    assert_int_equal(event->at.us, (RADIUS_BENCH_SECONDS - 5) * 1000000);
    assert_int_equal(event->heard.us, RADIUS_BENCH_SECONDS * 1000000);
    assert_int_equal(event->lifetime.us, 1800 * 1000000);
    settle(bench, 0, true);
    assert_answered(bench);
    assert_int_equal(radius_bench_counter(bench, "answered"), 1);
    assert_int_equal(radius_bench_counter(bench, "pending"), 0);
}

static void what_is_not_stored_is_not_answered(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    send_start(bench, 1, "0001");
    wait_received(bench, 1);
    settle(bench, 0, false);
    assert_silent(bench);
    assert_int_equal(radius_bench_counter(bench, "not_stored"), 1);
    /* The switch sends again: news. */
    assert_int_equal(send(bench->fd, bench->request, bench->request_length, 0),
                     bench->request_length);
    wait_received(bench, 2);
    assert_int_equal(feed_fake_count(bench->feed), 2);
    settle(bench, 1, true);
    assert_answered(bench);
}

static void what_the_feed_refuses_is_not_answered(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    feed_fake_refuse_after(bench->feed, 1);
    send_start(bench, 1, "0001");
    send_start(bench, 2, "0002");
    wait_received(bench, 2);
    assert_int_equal(feed_fake_count(bench->feed), 1);
    assert_int_equal(radius_bench_counter(bench, "refused"), 1);
    feed_fake_refuse_after(bench->feed, SIZE_MAX);
    send_start(bench, 2, "0002");
    wait_received(bench, 3);
    assert_int_equal(feed_fake_count(bench->feed), 2);
}

/* More than may wait: bounded, counted, and all right again afterwards. */
static void waiting_requests_are_bounded(void **state)
{
    struct radius_bench *bench = *state;
    enum { TOO_MANY = LIMIT_RADIUS_PENDING + 100, AT_ONCE = 60 };
    char session[16];
    start_bench(bench);
    for (int i = 0; i < TOO_MANY; i++) {
        snprintf(session, sizeof(session), "%d", i);
        send_start(bench, (uint8_t)i, session);
        if (i % AT_ONCE == 0)
            wait_received(bench, (uint64_t)i + 1);
    }
    wait_received(bench, TOO_MANY);
    assert_int_equal(radius_bench_counter(bench, "pending"), LIMIT_RADIUS_PENDING);
    assert_int_equal(radius_bench_counter(bench, "refused"), 100);
    assert_int_equal(feed_fake_count(bench->feed), LIMIT_RADIUS_PENDING);
    settle(bench, 0, true);
    assert_int_equal(radius_bench_counter(bench, "pending"), 0);
    assert_int_equal(radius_bench_counter(bench, "answered") +
                         radius_bench_counter(bench, "send_failed"),
                     LIMIT_RADIUS_PENDING + radius_bench_counter(bench, "send_failed"));
}

static void tickets_of_before_a_stop_mean_nothing(void **state)
{
    struct radius_bench *bench = *state;
    struct err err;
    start_bench(bench);
    send_start(bench, 1, "0001");
    wait_received(bench, 1);
    class->stop(bench->state);
    assert_int_equal(class->start(bench->state, bench->feed, &err), 0);
    connect_switch(bench, "127.0.0.1");
    send_start(bench, 1, "0002");
    wait_received(bench, 2);
    const uint64_t old = feed_fake_ticket(bench->feed, 0), odd = 12345678901;
    class->settled(bench->state, &old, 1, true);
    class->settled(bench->state, &odd, 1, true);
    assert_silent(bench);
    settle(bench, 1, true);
    assert_answered(bench);
}

/* --- repetitions --- */

static void same_octets_are_one_request(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    send_start(bench, 1, "0001");
    send(bench->fd, bench->request, bench->request_length, 0);
    wait_received(bench, 2);
    assert_int_equal(feed_fake_count(bench->feed), 1);
    assert_silent(bench); /* an answer would promise what is not stored yet */
    settle(bench, 0, true);
    assert_answered(bench);
    send(bench->fd, bench->request, bench->request_length, 0);
    wait_received(bench, 3);
    assert_answered(bench);
    assert_int_equal(feed_fake_count(bench->feed), 1);
    assert_int_equal(radius_bench_counter(bench, "duplicate"), 2);
}

/* Acct-Delay-Time counts up: new id, new authenticator, the same record. */
static void same_record_is_one_event(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    for (uint32_t i = 0; i < 4; i++) {
        begin(bench, (uint8_t)i, 2);
        add(bench, RADIUS_CALLING_STATION_ID, GUEST);
        add(bench, RADIUS_ACCT_SESSION_ID, "0001");
        add_number(bench, RADIUS_ACCT_DELAY_TIME, 5 * i);
        send_sealed(bench, secret);
        wait_received(bench, i + 1);
        settle(bench, 0, true);
        assert_answered(bench);
        bench->clock.us += 5400000; /* not a whole second more than the delay says */
        if (i % 2 == 1)
            bench->clock.us -= 800000;
    }
    assert_int_equal(feed_fake_count(bench->feed), 1);
    assert_int_equal(radius_bench_counter(bench, "repeated"), 3);
    /* Another session of the same second is another record. */
    begin(bench, 9, 2);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    add(bench, RADIUS_ACCT_SESSION_ID, "0002");
    send_sealed(bench, secret);
    wait_received(bench, 5);
    assert_int_equal(feed_fake_count(bench->feed), 2);
    assert_true(feed_fake_event(bench->feed, 0)->origin != 0);
    assert_true(feed_fake_event(bench->feed, 0)->origin != feed_fake_event(bench->feed, 1)->origin);
}

/* Interims of one second are several, unless one says that it is late. */
static void quick_interims_are_all_told(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    for (uint8_t i = 0; i < 4; i++) {
        begin(bench, i, 3);
        add(bench, RADIUS_CALLING_STATION_ID, GUEST);
        add(bench, RADIUS_ACCT_SESSION_ID, "0001");
        add_number(bench, RADIUS_ACCT_DELAY_TIME, i == 3 ? 1 : 0);
        send_sealed(bench, secret);
    }
    wait_received(bench, 4);
    assert_int_equal(feed_fake_count(bench->feed), 3);
    assert_int_equal(radius_bench_counter(bench, "repeated"), 1);
}

/* --- who may speak --- */

static void forged_packets_say_nothing(void **state)
{
    struct radius_bench *bench = *state;
    const struct radius_secret wrong = {(const uint8_t *)"guessed", 7};
    start_bench(bench);
    begin(bench, 1, 2);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    send_sealed(bench, wrong);
    send_start(bench, 2, "0001");
    bench->request[bench->request_length - 1] ^= 1; /* on its way */
    send(bench->fd, bench->request, bench->request_length, 0);
    send(bench->fd, bench->request, 19, 0);
    send(bench->fd, "", 0, 0);
    bench->request[0] = RADIUS_ACCESS_REQUEST;
    send(bench->fd, bench->request, bench->request_length, 0);
    wait_received(bench, 6);
    assert_silent(bench);
    assert_int_equal(feed_fake_count(bench->feed), 1); /* the one before it was changed */
    assert_int_equal(radius_bench_counter(bench, "bad_authenticator"), 2);
    assert_int_equal(radius_bench_counter(bench, "malformed"), 2);
    assert_int_equal(radius_bench_counter(bench, "unexpected_code"), 1);
}

static void strangers_are_not_answered(void **state)
{
    struct radius_bench *bench = *state;
    radius_bench_set(bench, "client", "127.0.0.2");
    start_bench(bench);
    send_start(bench, 1, "0001");
    wait_received(bench, 1);
    assert_silent(bench);
    assert_int_equal(radius_bench_counter(bench, "unknown_client"), 1);
    connect_switch(bench, "127.0.0.2");
    send_start(bench, 1, "0001");
    wait_received(bench, 2);
    assert_int_equal(feed_fake_count(bench->feed), 1);
}

static void message_authenticator_is_demanded(void **state)
{
    struct radius_bench *bench = *state;
    radius_bench_set(bench, "require_message_authenticator", "yes");
    start_bench(bench);
    send_start(bench, 1, "0001");
    wait_received(bench, 1);
    assert_silent(bench);
    assert_int_equal(radius_bench_counter(bench, "no_message_authenticator"), 1);
    begin(bench, 2, 1);
    radius_writer_add_message_authenticator(&bench->writer);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    send_sealed(bench, secret);
    wait_received(bench, 2);
    settle(bench, 0, true);
    assert_answered(bench);
    assert_int_equal(bench->response[RADIUS_HEADER], RADIUS_MESSAGE_AUTHENTICATOR);
}

static void status_server_is_answered(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    radius_writer_init(&bench->writer, bench->request, RADIUS_STATUS_SERVER, 1);
    memset(bench->request + 4, 0x5a, RADIUS_AUTHENTICATOR);
    radius_writer_add_message_authenticator(&bench->writer);
    send_sealed(bench, secret);
    wait_received(bench, 1);
    assert_answered(bench);
    assert_int_equal(feed_fake_count(bench->feed), 0);
    assert_int_equal(radius_bench_counter(bench, "status_server"), 1);
}

/* A proxy's states come back in order, however long. */
static void proxy_states_come_back(void **state)
{
    struct radius_bench *bench = *state;
    uint8_t longest[RADIUS_VALUE_MAX];
    start_bench(bench);
    memset(longest, 'p', sizeof(longest));
    begin(bench, 1, 1);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    radius_writer_add(&bench->writer, RADIUS_PROXY_STATE, longest, sizeof(longest));
    add(bench, RADIUS_PROXY_STATE, "2");
    send_sealed(bench, secret);
    wait_received(bench, 1);
    settle(bench, 0, true);
    assert_answered(bench);
    assert_int_equal(bench->response_length, RADIUS_HEADER + 255 + 3);
    assert_memory_equal(bench->response + RADIUS_HEADER + 2, longest, sizeof(longest));
    assert_int_equal(bench->response[bench->response_length - 1], '2');
}

/* --- what records mean --- */

static void other_records_are_acknowledged_only(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    begin(bench, 1, 15);
    send_sealed(bench, secret);
    wait_received(bench, 1);
    assert_answered(bench);
    begin(bench, 2, 1);
    add(bench, RADIUS_CALLING_STATION_ID, "192.0.2.1");
    send_sealed(bench, secret);
    wait_received(bench, 2);
    assert_answered(bench);
    radius_writer_init(&bench->writer, bench->request, RADIUS_ACCOUNTING_REQUEST, 3);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    send_sealed(bench, secret);
    wait_received(bench, 3);
    assert_silent(bench);
    assert_int_equal(feed_fake_count(bench->feed), 0);
    assert_int_equal(radius_bench_counter(bench, "other_status"), 1);
    assert_int_equal(radius_bench_counter(bench, "no_station"), 1);
    assert_int_equal(radius_bench_counter(bench, "no_status_type"), 1);
}

static void interim_and_stop_are_told(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    begin(bench, 1, 3);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    add_number(bench, RADIUS_NAS_PORT, 10103);
    add_number(bench, RADIUS_EVENT_TIMESTAMP, RADIUS_BENCH_SECONDS - 100);
    send_sealed(bench, secret);
    begin(bench, 2, 2);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    add_number(bench, RADIUS_ACCT_TERMINATE_CAUSE, 2);
    send_sealed(bench, secret);
    wait_received(bench, 2);
    const struct event *interim = feed_fake_event(bench->feed, 0),
                       *stop = feed_fake_event(bench->feed, 1);
    assert_int_equal(interim->kind, EVENT_UPDATE);
    assert_string_equal(interim->port, "#10103");
    assert_string_equal(interim->nas, "127.0.0.1");
    assert_int_equal(interim->at.us, (RADIUS_BENCH_SECONDS - 100) * 1000000);
    assert_int_equal(interim->lifetime.us, 0);
    assert_int_equal(stop->kind, EVENT_STOP);
    assert_string_equal(stop->cause, "Lost-Carrier");
    assert_int_equal(radius_bench_counter(bench, "no_switch"), 2);
    assert_int_equal(radius_bench_counter(bench, "no_port"), 1);
}

static void clocks_that_were_never_set_are_not_believed(void **state)
{
    struct radius_bench *bench = *state;
    static const struct {
        uint8_t type;
        uint32_t value;
    } wrong[] = {{RADIUS_EVENT_TIMESTAMP, 86400},
                 {RADIUS_EVENT_TIMESTAMP, RADIUS_BENCH_SECONDS + 86400},
                 {RADIUS_ACCT_DELAY_TIME, UINT32_MAX}};
    start_bench(bench);
    for (uint8_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        begin(bench, i, 1);
        add(bench, RADIUS_CALLING_STATION_ID, GUEST);
        add(bench, RADIUS_ACCT_SESSION_ID, (const char[]){(char)('a' + i), '\0'});
        add_number(bench, wrong[i].type, wrong[i].value);
        send_sealed(bench, secret);
        wait_received(bench, i + 1U);
        assert_int_equal(feed_fake_event(bench->feed, i)->at.us, RADIUS_BENCH_SECONDS * 1000000);
    }
    assert_int_equal(radius_bench_counter(bench, "wrong_time"), ARRAY_COUNT(wrong));
}

/* What is heard at an instant has not happened after it: a fast clock must not put the start of a
 * session behind a power-off that it was before. The same record stays one. */
static void a_fast_clock_is_held_to_ours(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    for (uint8_t i = 0; i < 2; i++) {
        begin(bench, i, 1);
        add(bench, RADIUS_CALLING_STATION_ID, GUEST);
        add_number(bench, RADIUS_EVENT_TIMESTAMP, RADIUS_BENCH_SECONDS + 200);
        send_sealed(bench, secret);
        wait_received(bench, i + 1U);
        bench->clock.us += 3000000;
    }
    assert_int_equal(feed_fake_count(bench->feed), 1);
    assert_int_equal(feed_fake_event(bench->feed, 0)->at.us, RADIUS_BENCH_SECONDS * 1000000);
    assert_int_equal(radius_bench_counter(bench, "wrong_time"), 0);
    assert_int_equal(radius_bench_counter(bench, "repeated"), 1);
}

/* By its own word of the delay; what was stored on its way, and says so, is right. */
static void a_slow_clock_is_counted(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    for (uint8_t i = 0; i < 2; i++) {
        begin(bench, i, 1);
        add(bench, RADIUS_CALLING_STATION_ID, GUEST);
        add(bench, RADIUS_ACCT_SESSION_ID, i == 0 ? "late" : "slow");
        add_number(bench, RADIUS_EVENT_TIMESTAMP, RADIUS_BENCH_SECONDS - 3600);
        add_number(bench, RADIUS_ACCT_DELAY_TIME, i == 0 ? 3595 : 0);
        send_sealed(bench, secret);
        wait_received(bench, i + 1U);
        assert_int_equal(feed_fake_event(bench->feed, i)->at.us,
                         (RADIUS_BENCH_SECONDS - 3600) * 1000000);
        assert_int_equal(radius_bench_counter(bench, "wrong_time"), i);
    }
}

/* On and Off end what they name: the port, what is behind a Called-Station-Id, all. */
static void resets_have_their_scope(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    for (uint8_t i = 0; i < 3; i++) {
        begin(bench, i, 1);
        add(bench, RADIUS_CALLING_STATION_ID, GUEST);
        add(bench, RADIUS_ACCT_SESSION_ID, (const char[]){(char)('a' + i), '\0'});
        add(bench, RADIUS_CALLED_STATION_ID, i < 2 ? "02-00-00-00-00-01:" : "other");
        add(bench, RADIUS_NAS_PORT_ID, (const char[]){(char)('1' + i), '\0'});
        send_sealed(bench, secret);
    }
    wait_received(bench, 3);
    settle(bench, 0, true);
    while (take_response(bench))
        ;
    feed_fake_clear(bench->feed);
    begin(bench, 10, 7);
    add(bench, RADIUS_CALLED_STATION_ID, "02-00-00-00-00-01:");
    send_sealed(bench, secret);
    wait_received(bench, 4);
    assert_int_equal(feed_fake_count(bench->feed), 2);
    assert_int_equal(feed_fake_event(bench->feed, 0)->kind, EVENT_RESET);
    assert_string_equal(feed_fake_event(bench->feed, 0)->port, "2");
    assert_string_equal(feed_fake_event(bench->feed, 1)->port, "1");
    assert_string_equal(feed_fake_event(bench->feed, 1)->cause, "Accounting-On");
    assert_silent(bench);
    settle(bench, 0, true);
    assert_answered(bench);
    feed_fake_clear(bench->feed);
    begin(bench, 11, 8);
    add_number(bench, RADIUS_NAS_PORT, 7);
    add(bench, RADIUS_CALLED_STATION_ID, "02-00-00-00-00-01:");
    send_sealed(bench, secret);
    begin(bench, 12, 8);
    send_sealed(bench, secret);
    begin(bench, 13, 8);
    add(bench, RADIUS_CALLED_STATION_ID, "nobody was there");
    send_sealed(bench, secret);
    wait_received(bench, 7);
    assert_int_equal(feed_fake_count(bench->feed), 2);
    assert_string_equal(feed_fake_event(bench->feed, 0)->port, "#7");
    assert_string_equal(feed_fake_event(bench->feed, 1)->port, "");
    assert_string_equal(feed_fake_event(bench->feed, 1)->cause, "Accounting-Off");
    assert_int_equal(radius_bench_counter(bench, "unknown_scope"), 1);
    assert_answered(bench); /* of the last one: nothing had to be stored */
}

/* What a batch tells of scopes holds for the rest of it: a start and the reset behind it may come
 * at once. */
static void a_reset_right_behind_its_start_has_its_scope(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    begin(bench, 1, 1);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    add(bench, RADIUS_ACCT_SESSION_ID, "a");
    add(bench, RADIUS_CALLED_STATION_ID, "here");
    add(bench, RADIUS_NAS_PORT_ID, "5");
    send_sealed(bench, secret);
    begin(bench, 2, 8);
    add(bench, RADIUS_CALLED_STATION_ID, "here");
    send_sealed(bench, secret);
    wait_received(bench, 2);
    assert_int_equal(feed_fake_count(bench->feed), 2);
    assert_int_equal(feed_fake_event(bench->feed, 0)->kind, EVENT_START);
    assert_int_equal(feed_fake_event(bench->feed, 1)->kind, EVENT_RESET);
    assert_string_equal(feed_fake_event(bench->feed, 1)->port, "5");
    assert_int_equal(radius_bench_counter(bench, "unknown_scope"), 0);
}

/* A port that the rule cannot name is no reason to end everybody's sessions; NAS-Port 0 is none. */
static void a_reset_of_an_unknown_port_ends_nothing(void **state)
{
    struct radius_bench *bench = *state;
    radius_bench_set(bench, "ports", "^port ([0-9]+)$=>ether\\1");
    start_bench(bench);
    begin(bench, 1, 8);
    add(bench, RADIUS_NAS_PORT_ID, "stack 1 port 7");
    send_sealed(bench, secret);
    begin(bench, 2, 8);
    add_number(bench, RADIUS_NAS_PORT, 7);
    send_sealed(bench, secret);
    wait_received(bench, 2);
    assert_int_equal(feed_fake_count(bench->feed), 0);
    assert_int_equal(radius_bench_counter(bench, "unknown_scope"), 2);
    assert_true(take_response(bench));
    assert_true(take_response(bench));
    begin(bench, 3, 7);
    add_number(bench, RADIUS_NAS_PORT, 0);
    send_sealed(bench, secret);
    wait_received(bench, 3);
    assert_int_equal(feed_fake_count(bench->feed), 1); /* all of the switch */
    assert_string_equal(feed_fake_event(bench->feed, 0)->port, "");
}

static const char *const addresses[] = {"127.0.0.2", "127.0.0.3"};

/* Switches that were never named, and that all start in the second when the power is back. */
static void switches_of_one_name_are_told_apart(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    feed_fake_map(bench->feed, "127.0.0.2", "sw2");
    feed_fake_map(bench->feed, "127.0.0.3", "sw3");
    for (uint8_t i = 0; i < 2; i++) {
        connect_switch(bench, addresses[i]);
        begin(bench, i, 7);
        add(bench, RADIUS_NAS_IDENTIFIER, "switch");
        add_number(bench, RADIUS_EVENT_TIMESTAMP, RADIUS_BENCH_SECONDS);
        send_sealed(bench, secret);
        wait_received(bench, i + 1U);
    }
    assert_int_equal(feed_fake_count(bench->feed), 2);
    assert_string_equal(feed_fake_event(bench->feed, 0)->nas, "sw2");
    assert_string_equal(feed_fake_event(bench->feed, 1)->nas, "sw3");
}

/* What devices send that were never told their address names nobody. */
static void addresses_of_nobody_name_no_switch(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    for (uint8_t i = 0; i < 2; i++) {
        connect_switch(bench, addresses[i]);
        begin(bench, i, 1);
        add(bench, RADIUS_CALLING_STATION_ID, GUEST);
        radius_writer_add(&bench->writer, RADIUS_NAS_IP_ADDRESS, i == 0 ? "\0\0\0\0" : "\x7f\0\0\1",
                          4);
        send_sealed(bench, secret);
        wait_received(bench, i + 1U);
        assert_string_equal(feed_fake_event(bench->feed, i)->nas, addresses[i]);
    }
}

static void switches_are_found(void **state)
{
    struct radius_bench *bench = *state;
    start_bench(bench);
    feed_fake_map(bench->feed, "192.0.2.1", "sw1");
    feed_fake_map(bench->feed, "127.0.0.3", "sw3");
    begin(bench, 1, 1);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    radius_writer_add(&bench->writer, RADIUS_NAS_IP_ADDRESS, "\xc0\0\2\1", 4);
    send_sealed(bench, secret);
    wait_received(bench, 1);
    begin(bench, 2, 1);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    add(bench, RADIUS_NAS_IDENTIFIER, "sw3");
    send_sealed(bench, secret);
    wait_received(bench, 2);
    connect_switch(bench, "127.0.0.3"); /* what comes from a switch is of that switch */
    begin(bench, 3, 1);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    add(bench, RADIUS_NAS_IDENTIFIER, "sw1");
    add(bench, RADIUS_ACCT_SESSION_ID, "other");
    send_sealed(bench, secret);
    wait_received(bench, 3);
    assert_string_equal(feed_fake_event(bench->feed, 0)->switch_name, "sw1");
    assert_string_equal(feed_fake_event(bench->feed, 1)->switch_name, "sw3");
    assert_string_equal(feed_fake_event(bench->feed, 2)->switch_name, "sw3");
    assert_int_equal(radius_bench_counter(bench, "no_switch"), 0);
}

static void client_is_bound_to_its_switch(void **state)
{
    struct radius_bench *bench = *state;
    radius_bench_set(bench, "switch", "leaf1");
    radius_bench_set(bench, "ports", "swp{n%100}");
    start_bench(bench);
    begin(bench, 1, 1);
    add(bench, RADIUS_CALLING_STATION_ID, GUEST);
    add(bench, RADIUS_NAS_IDENTIFIER, "somebody else");
    add_number(bench, RADIUS_NAS_PORT, 50112);
    send_sealed(bench, secret);
    wait_received(bench, 1);
    assert_string_equal(feed_fake_event(bench->feed, 0)->switch_name, "leaf1");
    assert_string_equal(feed_fake_event(bench->feed, 0)->nas, "leaf1");
    assert_string_equal(feed_fake_event(bench->feed, 0)->port, "swp12");
}

/* --- sockets --- */

static void both_families_are_served(void **state)
{
    struct radius_bench *bench = *state;
    struct sockaddr_in6 there = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const char *const clients[] = {"127.0.0.0/8", "::1"};
    struct err err;
    bool exposed;
    const struct option_source where = {0};
    const struct config_option *option = options_find(class->plug.options, "client");
    radius_bench_set(bench, "listen", "::");
    assert_int_equal(
        option_parse(option, "client", clients, 2, &where, bench->config, &exposed, &err), 0);
    assert_int_equal(class->plug.construct(bench->state, bench->config, &bench->env, &err), 0);
    if (class->start(bench->state, bench->feed, &err) != 0) {
        assert_int_equal(err.code, ERR_UNSUPPORTED);
        print_message("skipped: no IPv6 here\n");
        skip();
    }
    bench->fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    there.sin6_port = htons(event_radius_port(bench->state));
    if (connect(bench->fd, (struct sockaddr *)&there, sizeof(there)) != 0) {
        print_message("skipped: no ::1 here\n");
        skip();
    }
    send_start(bench, 1, "0001");
    wait_received(bench, 1);
    assert_string_equal(feed_fake_event(bench->feed, 0)->nas, "::1");
    settle(bench, 0, true);
    assert_answered(bench);
}

#define ON_BENCH(test)                                                                             \
    cmocka_unit_test_setup_teardown(test, radius_bench_setup, radius_bench_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(start_is_answered_when_it_is_stored),
        ON_BENCH(what_is_not_stored_is_not_answered),
        ON_BENCH(what_the_feed_refuses_is_not_answered),
        ON_BENCH(waiting_requests_are_bounded),
        ON_BENCH(tickets_of_before_a_stop_mean_nothing),
        ON_BENCH(same_octets_are_one_request),
        ON_BENCH(same_record_is_one_event),
        ON_BENCH(quick_interims_are_all_told),
        ON_BENCH(forged_packets_say_nothing),
        ON_BENCH(strangers_are_not_answered),
        ON_BENCH(message_authenticator_is_demanded),
        ON_BENCH(status_server_is_answered),
        ON_BENCH(proxy_states_come_back),
        ON_BENCH(other_records_are_acknowledged_only),
        ON_BENCH(interim_and_stop_are_told),
        ON_BENCH(clocks_that_were_never_set_are_not_believed),
        ON_BENCH(a_fast_clock_is_held_to_ours),
        ON_BENCH(a_slow_clock_is_counted),
        ON_BENCH(resets_have_their_scope),
        ON_BENCH(a_reset_of_an_unknown_port_ends_nothing),
        ON_BENCH(switches_of_one_name_are_told_apart),
        ON_BENCH(addresses_of_nobody_name_no_switch),
        ON_BENCH(a_reset_right_behind_its_start_has_its_scope),
        ON_BENCH(switches_are_found),
        ON_BENCH(client_is_bound_to_its_switch),
        ON_BENCH(both_families_are_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
