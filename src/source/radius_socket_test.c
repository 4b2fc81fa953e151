/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "source/radius_socket.h"

/* Batches of answers on real sockets of the loopback interface: whatever goes along with what,
 * each client gets each of its answers as a datagram of its own, in order, from the address
 * that it asked. */

enum { CLIENTS = 2, ANSWER_MOST = 600 };

struct net {
    struct radius_socket server;
    struct radius_batch *batch;
    int clients[CLIENTS];
    struct radius_peer peers[CLIENTS];
};

static socklen_t loopback(bool v6, uint16_t port, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (v6) {
        struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        at.sin6_addr = in6addr_loopback;
        memcpy(ret, &at, sizeof(at));
        return sizeof(at);
    }
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memcpy(ret, &at, sizeof(at));
    return sizeof(at);
}

static void wait_for(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 5000), 1);
}

/* Returns whether this machine has the family. */
static bool net_open(struct net *net, const struct ip *address, bool v6)
{
    struct err err;
    struct sockaddr_storage at;
    uint64_t lost = 0;
    *net = (struct net){.batch = radius_batch_new(), .clients = {-1, -1}};
    if (radius_socket_open(&net->server, address, v6, 0, &err) != 0)
        return false;
    const socklen_t length = loopback(v6, radius_socket_port(&net->server), &at);
    for (size_t i = 0; i < CLIENTS; i++) {
        struct radius_datagram datagram;
        net->clients[i] = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (connect(net->clients[i], (const struct sockaddr *)&at, length) != 0)
            return false;
        assert_int_equal(send(net->clients[i], "?", 1, 0), 1);
        wait_for(net->server.fd);
        assert_int_equal(radius_batch_receive(net->batch, &net->server, &lost), 1);
        radius_batch_datagram(net->batch, 0, &datagram);
        assert_int_equal(datagram.length, 1);
        net->peers[i] = datagram.peer;
    }
    return true;
}

static void net_close(struct net *net)
{
    for (size_t i = 0; i < CLIENTS; i++)
        close(net->clients[i]);
    radius_socket_close(&net->server);
    radius_batch_free(net->batch);
}

struct answer {
    unsigned client;
    size_t length;
};

static uint8_t octet_of(size_t answer, size_t at)
{
    return (uint8_t)(answer * 31 + at);
}

static void queue_answers(struct net *net, const struct answer *answers, size_t count)
{
    uint8_t bytes[ANSWER_MOST];
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < answers[i].length; at++)
            bytes[at] = octet_of(i, at);
        radius_batch_add(net->batch, &net->server, &net->peers[answers[i].client], bytes,
                         answers[i].length);
    }
}

static void expect_answers(const struct net *net, const struct answer *answers, size_t count)
{
    uint8_t bytes[RADIUS_PACKET_MAX];
    for (size_t i = 0; i < count; i++) {
        const int fd = net->clients[answers[i].client];
        wait_for(fd);
        assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), answers[i].length);
        for (size_t at = 0; at < answers[i].length; at++)
            assert_int_equal(bytes[at], octet_of(i, at));
    }
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(recv(net->clients[i], bytes, sizeof(bytes), MSG_DONTWAIT), -1);
}

static const struct answer mixture[] = {{0, 20}, {0, 20}, {0, 20},  {1, 20}, {1, 38},  {1, 38},
                                        {1, 20}, {1, 20}, {0, 20},  {0, 44}, {0, 600}, {0, 600},
                                        {1, 20}, {0, 20}, {1, 300}, {1, 300}};

static void all_arrive(struct net *net)
{
    queue_answers(net, mixture, ARRAY_COUNT(mixture));
    assert_int_equal(radius_batch_send(net->batch), 0);
    expect_answers(net, mixture, ARRAY_COUNT(mixture));
}

static void answers_arrive_each_by_itself(void **state)
{
    struct net net;
    struct ip loopback_address;
    assert_int_equal(ip_parse("127.0.0.1", 9, &loopback_address), 0);
    assert_true(net_open(&net, &loopback_address, false));
    all_arrive(&net);
    all_arrive(&net);
    net_close(&net);
}

static void wildcards_answer_from_where_they_were_asked(void **state)
{
    struct net net;
    assert_true(net_open(&net, &IP_NONE, false));
    assert_true(ip_known(&net.peers[0].local));
    all_arrive(&net); /* the clients are connected: from elsewhere nothing would come */
    net_close(&net);
    if (net_open(&net, &IP_NONE, true))
        all_arrive(&net);
    net_close(&net);
}

/* More than the queue holds, and more than goes in one piece. */
static void a_full_queue_is_sent(void **state)
{
    enum { MANY = 3 * RADIUS_BATCH + 5 };
    static struct answer answers[MANY];
    struct net net;
    for (size_t i = 0; i < MANY; i++)
        answers[i].length = 20;
    assert_true(net_open(&net, &IP_NONE, false));
    queue_answers(&net, answers, MANY);
    assert_int_equal(radius_batch_send(net.batch), 0);
    expect_answers(&net, answers, MANY);
    net_close(&net);
}

/* A socket without checksums may not have its answers cut by the kernel. */
static void where_the_kernel_refuses_they_go_singly(void **state)
{
    const int on = 1;
    struct net net;
    assert_true(net_open(&net, &IP_NONE, false));
    assert_int_equal(setsockopt(net.server.fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
    all_arrive(&net);
    assert_true(net.server.singly);
    all_arrive(&net);
    net_close(&net);
}

static void what_cannot_be_sent_is_counted(void **state)
{
    struct net net;
    assert_true(net_open(&net, &IP_NONE, false));
    close(net.server.fd);
    net.server.fd = -1;
    queue_answers(&net, mixture, ARRAY_COUNT(mixture));
    assert_int_equal(radius_batch_send(net.batch), ARRAY_COUNT(mixture));
    assert_int_equal(radius_batch_send(net.batch), 0);
    net_close(&net);
}

/* The end of a burst that finds no room is known, though no datagram tells of it. */
static void what_the_kernel_drops_last_is_known(void **state)
{
    enum { COUNT = 1200, LARGE = 60000 };
    static char large[LARGE];
    struct net net;
    const struct ip any = IP_NONE;
    uint64_t lost = 0, received = 0;
    (void)state;
    assert_true(net_open(&net, &any, false));
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(send(net.clients[0], large, LARGE, 0), LARGE);
    assert_in_range(radius_socket_untold(&net.server), 1, COUNT - 1);
    for (int count; (count = radius_batch_receive(net.batch, &net.server, &lost)) > 0;)
        received += (uint64_t)count;
    assert_int_equal(received + lost + radius_socket_untold(&net.server), COUNT);
    assert_int_equal(send(net.clients[0], "?", 1, 0), 1);
    wait_for(net.server.fd);
    assert_int_equal(radius_batch_receive(net.batch, &net.server, &lost), 1);
    assert_int_equal(received + lost, COUNT);
    assert_int_equal(radius_socket_untold(&net.server), 0);
    net_close(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_arrive_each_by_itself),
        cmocka_unit_test(wildcards_answer_from_where_they_were_asked),
        cmocka_unit_test(a_full_queue_is_sent),
        cmocka_unit_test(where_the_kernel_refuses_they_go_singly),
        cmocka_unit_test(what_cannot_be_sent_is_counted),
        cmocka_unit_test(what_the_kernel_drops_last_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
