/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"

enum {
    RECEIVE_BUFFER = 8 * 1024 * 1024, /* asked for; the kernel may grant less */
    /* An odd number of lines apart, so that the buffers do not share cache sets. */
    RECEIVE_STRIDE = 65536 + 1024 + 64,
    FAMILIES = 2
};

struct send_entry {
    struct snmp_address to;
    uint32_t tag;
    uint8_t buffer[TRANSPORT_SEND_SIZE];
};

struct socket_state {
    int fd;
    unsigned queued;
    struct send_entry entries[TRANSPORT_BATCH];
    struct iovec vectors[TRANSPORT_BATCH];
    struct mmsghdr messages[TRANSPORT_BATCH];
};

struct transport {
    transport_failed_fn *failed;
    void *arg;
    int epoll;
    unsigned window;
    struct socket_state *sockets[FAMILIES * TRANSPORT_SOCKETS];
    int socket_count;
    int per_family[FAMILIES][TRANSPORT_SOCKETS];
    int family_count[FAMILIES];
    unsigned assigned[FAMILIES];
    int turn;         /* socket that is received from next */
    uint8_t *receive; /* TRANSPORT_BATCH buffers */
    struct snmp_address from[TRANSPORT_BATCH];
    struct iovec vectors[TRANSPORT_BATCH];
    struct mmsghdr messages[TRANSPORT_BATCH];
};

int transport_new(unsigned window, transport_failed_fn *failed, void *arg, struct transport **ret,
                  struct err *err)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        return err_set_errno(err, errno, "SNMP: opening an event descriptor");
    void *receive = mmap(NULL, (size_t)TRANSPORT_BATCH * RECEIVE_STRIDE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (receive == MAP_FAILED) {
        close(epoll);
        return err_set_errno(err, errno, "SNMP: reserving receive buffers");
    }
    struct transport *transport = alloc_zeroed(1, sizeof(*transport));
    transport->failed = failed;
    transport->arg = arg;
    transport->epoll = epoll;
    transport->window = window;
    transport->receive = receive;
    for (size_t i = 0; i < TRANSPORT_BATCH; i++) {
        transport->vectors[i] =
            (struct iovec){transport->receive + i * RECEIVE_STRIDE, LIMIT_SNMP_MESSAGE};
        transport->messages[i].msg_hdr.msg_iov = &transport->vectors[i];
        transport->messages[i].msg_hdr.msg_iovlen = 1;
        transport->messages[i].msg_hdr.msg_name = &transport->from[i];
    }
    *ret = transport;
    return 0;
}

void transport_free(struct transport *transport)
{
    if (transport == NULL)
        return;
    for (int i = 0; i < transport->socket_count; i++) {
        close(transport->sockets[i]->fd);
        free(transport->sockets[i]);
    }
    close(transport->epoll);
    munmap(transport->receive, (size_t)TRANSPORT_BATCH * RECEIVE_STRIDE);
    free(transport);
}

int transport_fd(const struct transport *transport)
{
    return transport->epoll;
}

/* Opens one socket and returns its number; sets *ret_granted to its buffer. */
static int open_socket(struct transport *transport, sa_family_t family, unsigned *ret_granted,
                       struct err *err)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set_errno(err, errno, "SNMP: opening an %s socket",
                             family == AF_INET ? "IPv4" : "IPv6");
    int wanted = RECEIVE_BUFFER, granted = 0;
    socklen_t size = sizeof(granted);
    /* Forcing needs a capability; without it the system's limit holds. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted));
    /* Requests are far below any path's MTU; undivided packets need no number that
     * the kernel would draw from a counter shared by all senders. */
    int undivided = IP_PMTUDISC_PROBE;
    if (family == AF_INET)
        (void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &undivided, sizeof(undivided));
    (void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &size);
    int number = transport->socket_count;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)number};
    if (epoll_ctl(transport->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        int saved = errno;
        close(fd);
        return err_set_errno(err, saved, "SNMP: watching a socket");
    }
    struct socket_state *state = alloc_zeroed(1, sizeof(*state));
    state->fd = fd;
    for (size_t i = 0; i < TRANSPORT_BATCH; i++) {
        state->messages[i].msg_hdr.msg_iov = &state->vectors[i];
        state->messages[i].msg_hdr.msg_iovlen = 1;
        state->messages[i].msg_hdr.msg_name = &state->entries[i].to;
    }
    transport->sockets[number] = state;
    transport->socket_count++;
    *ret_granted = granted > 0 ? (unsigned)granted : 1;
    return number;
}

int transport_assign(struct transport *transport, sa_family_t family, struct err *err)
{
    int f = family == AF_INET ? 0 : 1;
    unsigned granted = 0;
    if (transport->family_count[f] == 0) {
        int first = open_socket(transport, family, &granted, err);
        if (first < 0)
            return first;
        transport->per_family[f][transport->family_count[f]++] = first;
        unsigned wanted =
            (transport->window * (unsigned)TRANSPORT_ANSWER_COST + granted - 1) / granted;
        while (transport->family_count[f] < TRANSPORT_SOCKETS &&
               (unsigned)transport->family_count[f] < wanted) {
            int more = open_socket(transport, family, &granted, NULL);
            if (more < 0)
                break;
            transport->per_family[f][transport->family_count[f]++] = more;
        }
    }
    unsigned turn = transport->assigned[f]++ % (unsigned)transport->family_count[f];
    return transport->per_family[f][turn];
}

static void flush_socket(struct transport *transport, struct socket_state *state)
{
    unsigned queued = state->queued, sent = 0;
    state->queued = 0;
    while (sent < queued) {
        int count = sendmmsg(state->fd, state->messages + sent, queued - sent, 0);
        if (count > 0) {
            sent += (unsigned)count;
            continue;
        }
        if (errno == EINTR)
            continue;
        /* A full queue is a loss like any other: the request's timer resends. */
        if (errno == EAGAIN || errno == ENOBUFS)
            return;
        transport->failed(transport->arg, state->entries[sent].tag, errno);
        sent++;
    }
}

uint8_t *transport_buffer(struct transport *transport, int socket)
{
    struct socket_state *state = transport->sockets[socket];
    if (state->queued == TRANSPORT_BATCH)
        flush_socket(transport, state);
    return state->entries[state->queued].buffer;
}

void transport_send(struct transport *transport, int socket, const struct snmp_address *to,
                    const uint8_t *bytes, size_t length, uint32_t tag)
{
    struct socket_state *state = transport->sockets[socket];
    struct send_entry *entry = &state->entries[state->queued];
    entry->to = *to;
    entry->tag = tag;
    state->vectors[state->queued] = (struct iovec){entry->buffer + (bytes - entry->buffer), length};
    state->messages[state->queued].msg_hdr.msg_namelen = snmp_address_size(to);
    state->queued++;
}

void transport_flush(struct transport *transport)
{
    for (int i = 0; i < transport->socket_count; i++)
        if (transport->sockets[i]->queued > 0)
            flush_socket(transport, transport->sockets[i]);
}

size_t transport_receive(struct transport *transport, struct datagram ret[static TRANSPORT_BATCH])
{
    for (int tried = 0; tried < transport->socket_count; tried++) {
        struct socket_state *state = transport->sockets[transport->turn];
        transport->turn = (transport->turn + 1) % transport->socket_count;
        for (size_t i = 0; i < TRANSPORT_BATCH; i++)
            transport->messages[i].msg_hdr.msg_namelen = sizeof(struct snmp_address);
        int count;
        do {
            count = recvmmsg(state->fd, transport->messages, TRANSPORT_BATCH, MSG_DONTWAIT, NULL);
        } while (count < 0 && errno == EINTR);
        if (count <= 0)
            continue;
        for (int i = 0; i < count; i++)
            ret[i] = (struct datagram){transport->vectors[i].iov_base,
                                       transport->messages[i].msg_len, &transport->from[i]};
        return (size_t)count;
    }
    return 0;
}
