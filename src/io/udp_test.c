/* SPDX-License-Identifier: Apache-2.0 */
#include "io/udp.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/loop.h"

struct heard {
    struct udp_listener *listener;
    size_t count, bytes, batches;
    struct ip from;
    uint16_t from_port;
    bool answer;
};

static void received(void *aux, struct udp_listener *listener, struct udp_datagram *datagrams,
                     size_t count)
{
    struct heard *heard = aux;
    heard->batches++;
    for (size_t i = 0; i < count; i++) {
        heard->count++;
        heard->bytes += datagrams[i].length;
        heard->from = datagrams[i].from;
        heard->from_port = datagrams[i].from_port;
        if (heard->answer)
            assert_true(
                udp_reply(listener, &datagrams[i], datagrams[i].bytes, datagrams[i].length));
    }
}

static struct ip address_of(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, strlen(text), &ip), 0);
    return ip;
}

/* A client's socket on 127.0.0.1, connected to `to` when it is given. */
static int open_client(const char *to, uint16_t port, uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    inet_pton(AF_INET, to, &address.sin_addr);
    address.sin_port = htons(port);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static struct loop *listen_on(const char *address, struct heard *heard)
{
    struct loop *loop = loop_new();
    struct ip ip = address_of(address);
    assert_int_equal(udp_listener_new(loop, &ip, 0, received, heard, &heard->listener, NULL), 0);
    assert_true(udp_listener_port(heard->listener) > 0);
    return loop;
}

/* The answer comes from where the question went, though all addresses are bound: the
 * connected client takes no other. */
static void reply_from_asked_address(void **state)
{
    struct heard heard = {.answer = true};
    struct loop *loop = listen_on("0.0.0.0", &heard);
    uint16_t port;
    char buffer[16];
    int fd = open_client("127.0.0.77", udp_listener_port(heard.listener), &port);
    assert_int_equal(send(fd, "hello", 5, 0), 5);
    while (heard.count == 0)
        loop_step(loop);
    assert_int_equal(recv(fd, buffer, sizeof(buffer), 0), 5);
    assert_memory_equal(buffer, "hello", 5);
    struct ip local = address_of("127.0.0.1");
    assert_true(ip_equal(&heard.from, &local));
    assert_int_equal(heard.from_port, port);
    close(fd);
    udp_listener_free(heard.listener);
    loop_free(loop);
}

static void batches_and_sizes(void **state)
{
    enum { COUNT = 80, LARGE = 60000 };
    struct heard heard = {0};
    struct loop *loop = listen_on("127.0.0.1", &heard);
    uint16_t port;
    static char large[LARGE];
    int fd = open_client("127.0.0.1", udp_listener_port(heard.listener), &port);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(send(fd, "x", 1, 0), 1);
    assert_int_equal(send(fd, large, LARGE, 0), LARGE);
    while (heard.count <= COUNT)
        loop_step(loop);
    assert_int_equal(heard.bytes, COUNT + LARGE);
    assert_true(heard.batches >= 3);
    assert_int_equal(udp_listener_drops(heard.listener), 0);
    close(fd);
    udp_listener_free(heard.listener);
    loop_free(loop);
}

/* What found the buffer full is counted at once, though no datagram comes after it. */
static void the_end_of_a_burst_is_counted(void **state)
{
    enum { COUNT = 1200, LARGE = 60000 };
    struct heard heard = {0};
    struct loop *loop = listen_on("127.0.0.1", &heard);
    uint16_t port;
    static char large[LARGE];
    int fd = open_client("127.0.0.1", udp_listener_port(heard.listener), &port);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(send(fd, large, LARGE, 0), LARGE);
    uint64_t drops = udp_listener_drops(heard.listener);
    assert_in_range(drops, 1, COUNT - 1);
    while (heard.count + drops < COUNT)
        loop_step(loop);
    assert_int_equal(udp_listener_drops(heard.listener), drops);
    assert_int_equal(send(fd, "x", 1, 0), 1); /* tells the same once more */
    while (heard.count + drops <= COUNT)
        loop_step(loop);
    assert_int_equal(udp_listener_drops(heard.listener), drops);
    close(fd);
    udp_listener_free(heard.listener);
    loop_free(loop);
}

static void two_families_one_port(void **state)
{
    struct heard heard = {0}, other = {0};
    struct loop *loop = listen_on("0.0.0.0", &heard);
    struct ip any = IP_NONE;
    struct err err;
    int code = udp_listener_new(loop, &any, udp_listener_port(heard.listener), received, &other,
                                &other.listener, &err);
    udp_listener_free(heard.listener);
    if (code == 0)
        udp_listener_free(other.listener);
    loop_free(loop);
    if (code != 0)
        print_message("skipped, no IPv6 here: %s\n", err.text);
}

static void taken_port(void **state)
{
    struct heard heard = {0};
    struct loop *loop = listen_on("127.0.0.1", &heard);
    struct ip ip = address_of("127.0.0.1");
    struct udp_listener *second = NULL;
    struct err err;
    assert_int_equal(udp_listener_new(loop, &ip, udp_listener_port(heard.listener), received,
                                      &heard, &second, &err),
                     ERR_SYSTEM);
    assert_null(second);
    assert_non_null(strstr(err.text, "127.0.0.1"));
    udp_listener_free(heard.listener);
    udp_listener_free(NULL);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reply_from_asked_address),
        cmocka_unit_test(batches_and_sizes),
        cmocka_unit_test(the_end_of_a_burst_is_counted),
        cmocka_unit_test(two_families_one_port),
        cmocka_unit_test(taken_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
