/* SPDX-License-Identifier: Apache-2.0 */
/* Limit probe: how cheap a request and its answer can be at all on this machine.
 *
 * `udp_echo serve ADDRESS PORT BYTES` answers each datagram with BYTES octets;
 * `udp_echo ask ADDRESS PORT COUNT WINDOW [BYTES]` keeps WINDOW requests of BYTES (80)
 * octets in flight, batched by sendmmsg and recvmmsg, until COUNT were answered. Nothing is
 * parsed, so no SNMP client can need less CPU for as many exchanges. */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "peer_report.h"

enum { BATCH = 64, REQUEST_BYTES = 80, DATAGRAM_MAX = 9000, SOCKET_BUFFER = 8 << 20 };

struct batch {
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    struct sockaddr_in peers[BATCH];
    char bytes[BATCH][DATAGRAM_MAX];
};

static void fail(const char *what)
{
    fprintf(stderr, "udp_echo: %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct batch *batch_new(size_t length, int with_peers)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        fail("memory");
    for (int i = 0; i < BATCH; i++) {
        batch->parts[i] = (struct iovec){batch->bytes[i], length};
        batch->messages[i].msg_hdr.msg_iov = &batch->parts[i];
        batch->messages[i].msg_hdr.msg_iovlen = 1;
        if (with_peers) {
            batch->messages[i].msg_hdr.msg_name = &batch->peers[i];
            batch->messages[i].msg_hdr.msg_namelen = sizeof(batch->peers[i]);
        }
    }
    return batch;
}

static int open_socket(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket");
    int size = SOCKET_BUFFER;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    return fd;
}

static void wait_readable(int fd)
{
    struct pollfd event = {.fd = fd, .events = POLLIN};
    poll(&event, 1, 1000);
}

static _Noreturn void serve(struct sockaddr_in at, size_t bytes)
{
    int fd = open_socket();
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
        fail("bind");
    struct batch *in = batch_new(DATAGRAM_MAX, 1);
    for (;;) {
        int count = recvmmsg(fd, in->messages, BATCH, MSG_DONTWAIT, NULL);
        if (count <= 0) {
            wait_readable(fd);
            continue;
        }
        for (int i = 0; i < count; i++)
            in->parts[i].iov_len = bytes;
        for (int sent = 0; sent < count;) {
            int n = sendmmsg(fd, in->messages + sent, (unsigned)(count - sent), 0);
            sent += n > 0 ? n : 1;
        }
        for (int i = 0; i < count; i++)
            in->parts[i].iov_len = DATAGRAM_MAX;
    }
}

static int ask(struct sockaddr_in at, uint64_t wanted, uint64_t window, size_t bytes)
{
    double started = peer_now();
    int fd = open_socket();
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
        fail("connect");
    struct batch *out = batch_new(bytes, 0), *in = batch_new(DATAGRAM_MAX, 0);
    uint64_t sent = 0, answered = 0;
    double last_answer = peer_now();
    while (answered < wanted) {
        while (sent < wanted && sent - answered < window) {
            uint64_t room = window - (sent - answered);
            uint64_t left = wanted - sent;
            unsigned count = (unsigned)(room < BATCH ? room : BATCH);
            if (count > left)
                count = (unsigned)left;
            int n = sendmmsg(fd, out->messages, count, 0);
            if (n <= 0)
                break;
            sent += (uint64_t)n;
        }
        int count = recvmmsg(fd, in->messages, BATCH, MSG_DONTWAIT, NULL);
        if (count > 0) {
            answered += (uint64_t)count;
            last_answer = peer_now();
            continue;
        }
        wait_readable(fd);
        if (peer_now() - last_answer > 5)
            break;
    }
    peer_report_walk(1, answered == wanted, answered, sent, started);
    return answered == wanted ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    if (argc >= 5 && inet_aton(argv[2], &at.sin_addr) != 0) {
        at.sin_port = htons((uint16_t)atoi(argv[3]));
        if (argc == 5 && strcmp(argv[1], "serve") == 0 && atoi(argv[4]) <= DATAGRAM_MAX)
            serve(at, (size_t)atoi(argv[4]));
        size_t bytes = argc == 7 ? (size_t)atoi(argv[6]) : REQUEST_BYTES;
        if ((argc == 6 || argc == 7) && strcmp(argv[1], "ask") == 0 && bytes <= DATAGRAM_MAX)
            return ask(at, strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10), bytes);
    }
    fprintf(stderr, "usage: udp_echo serve ADDRESS PORT BYTES | ask ADDRESS PORT COUNT WINDOW "
                    "[BYTES]\n");
    return 2;
}
