/* SPDX-License-Identifier: Apache-2.0 */
#include "io/udp.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/loop.h"

enum { RECEIVE_BUFFER = 8 * 1024 * 1024, STRIDE = UDP_DATAGRAM_MAX + 1 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint32_t))];
};

struct udp_listener {
    struct loop_watch *watch;
    udp_received_fn *received;
    void *aux;
    int fd;
    bool is_v4;
    uint16_t port;
    uint64_t drops;
    uint32_t drops_told; /* the kernel's counter, which wraps */
    uint8_t *buffers;    /* UDP_BATCH of STRIDE */
    union address from[UDP_BATCH];
    union control control[UDP_BATCH];
    struct iovec vectors[UDP_BATCH];
    struct mmsghdr messages[UDP_BATCH];
    struct udp_datagram datagrams[UDP_BATCH];
};

static socklen_t fill_address(union address *to, const struct ip *ip, uint16_t port)
{
    memset(to, 0, sizeof(*to));
    if (ip_is_v4(ip)) {
        to->v4.sin_family = AF_INET;
        to->v4.sin_port = htons(port);
        memcpy(&to->v4.sin_addr, ip->octets + 12, 4);
        return sizeof(to->v4);
    }
    to->v6.sin6_family = AF_INET6;
    to->v6.sin6_port = htons(port);
    memcpy(&to->v6.sin6_addr, ip->octets, sizeof(ip->octets));
    return sizeof(to->v6);
}

static void read_address(const union address *from, struct udp_datagram *to)
{
    if (from->any.sa_family == AF_INET) {
        to->from = ip_from_v4((const uint8_t *)&from->v4.sin_addr);
        to->from_port = ntohs(from->v4.sin_port);
    } else {
        to->from = ip_from_v6((const uint8_t *)&from->v6.sin6_addr);
        to->from_port = ntohs(from->v6.sin6_port);
    }
}

/* --- receiving --- */

static void prepare_slot(struct udp_listener *listener, size_t slot)
{
    listener->vectors[slot] = (struct iovec){listener->buffers + slot * STRIDE, UDP_DATAGRAM_MAX};
    listener->messages[slot].msg_hdr = (struct msghdr){
        .msg_name = &listener->from[slot],
        .msg_namelen = sizeof(listener->from[slot]),
        .msg_iov = &listener->vectors[slot],
        .msg_iovlen = 1,
        .msg_control = &listener->control[slot],
        .msg_controllen = sizeof(listener->control[slot]),
    };
}

static void take_drops(struct udp_listener *listener, struct msghdr *header)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL;
         part = CMSG_NXTHDR(header, part)) {
        uint32_t told;
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_RXQ_OVFL)
            continue;
        memcpy(&told, CMSG_DATA(part), sizeof(told));
        listener->drops += told - listener->drops_told;
        listener->drops_told = told;
    }
}

static void ready(void *aux, int fd, unsigned events)
{
    struct udp_listener *listener = aux;
    for (size_t i = 0; i < UDP_BATCH; i++)
        prepare_slot(listener, i);
    int count = recvmmsg(fd, listener->messages, UDP_BATCH, MSG_DONTWAIT, NULL);
    /* Errors of earlier replies (port unreachable) show up here; they end nothing. */
    if (count <= 0)
        return;
    for (int i = 0; i < count; i++) {
        struct udp_datagram *datagram = &listener->datagrams[i];
        *datagram = (struct udp_datagram){.bytes = listener->vectors[i].iov_base,
                                          .length = listener->messages[i].msg_len,
                                          .slot = (uint32_t)i};
        read_address(&listener->from[i], datagram);
        take_drops(listener, &listener->messages[i].msg_hdr);
    }
    listener->received(listener->aux, listener, listener->datagrams, (size_t)count);
}

/* --- replying --- */

/* Keeps of the received control data only where the datagram was sent to. */
static size_t reply_control(struct msghdr *received, union control *to, bool is_v4)
{
    struct msghdr sending = {.msg_control = to, .msg_controllen = sizeof(*to)};
    struct cmsghdr *part = CMSG_FIRSTHDR(&sending);
    memset(to, 0, sizeof(*to));
    for (struct cmsghdr *from = CMSG_FIRSTHDR(received); from != NULL;
         from = CMSG_NXTHDR(received, from)) {
        if (is_v4 && from->cmsg_level == IPPROTO_IP && from->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(from), sizeof(info));
            info.ipi_spec_dst = info.ipi_addr;
            info.ipi_ifindex = 0;
            *part = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
            memcpy(CMSG_DATA(part), &info, sizeof(info));
            return CMSG_SPACE(sizeof(info));
        }
        if (!is_v4 && from->cmsg_level == IPPROTO_IPV6 && from->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(from), sizeof(info));
            if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                info.ipi6_ifindex = 0;
            *part = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO};
            memcpy(CMSG_DATA(part), &info, sizeof(info));
            return CMSG_SPACE(sizeof(info));
        }
    }
    return 0;
}

bool udp_reply(struct udp_listener *listener, const struct udp_datagram *to, const uint8_t *bytes,
               size_t length)
{
    CHECK(to->slot < UDP_BATCH);
    struct msghdr *received = &listener->messages[to->slot].msg_hdr;
    union control control;
    struct iovec vector = {(void *)(uintptr_t)bytes, length};
    struct msghdr sending = {.msg_name = received->msg_name,
                             .msg_namelen = received->msg_namelen,
                             .msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control};
    sending.msg_controllen = reply_control(received, &control, listener->is_v4);
    if (sending.msg_controllen == 0)
        sending.msg_control = NULL;
    return sendmsg(listener->fd, &sending, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)length;
}

/* --- life --- */

static void set_options(int fd, bool is_v4)
{
    int on = 1, size = RECEIVE_BUFFER;
    /* Forcing needs a capability; without it the system's limit holds. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    (void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
    if (is_v4) {
        (void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
        return;
    }
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
}

static int open_bound(const struct ip *address, uint16_t port, struct err *err)
{
    union address bound;
    char text[IP_TEXT_SIZE];
    socklen_t size = fill_address(&bound, address, port);
    bool is_v4 = ip_is_v4(address);
    ip_format(address, text);
    int fd = socket(bound.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set_errno(err, errno, "opening an %s socket", is_v4 ? "IPv4" : "IPv6");
    set_options(fd, is_v4);
    if (bind(fd, &bound.any, size) != 0) {
        int saved = errno;
        close(fd);
        err_set_errno(err, saved, "listening on %s port %u", text, port);
        if (saved == EACCES && err != NULL)
            err->code = ERR_DENIED;
        return saved == EACCES ? ERR_DENIED : ERR_SYSTEM;
    }
    return fd;
}

static uint16_t bound_port(int fd)
{
    union address bound = {0};
    socklen_t size = sizeof(bound);
    if (getsockname(fd, &bound.any, &size) != 0)
        return 0;
    return ntohs(bound.any.sa_family == AF_INET ? bound.v4.sin_port : bound.v6.sin6_port);
}

int udp_listener_new(struct loop *loop, const struct ip *address, uint16_t port,
                     udp_received_fn *received, void *aux, struct udp_listener **ret,
                     struct err *err)
{
    int fd = open_bound(address, port, err);
    if (fd < 0)
        return fd;
    void *buffers = mmap(NULL, (size_t)UDP_BATCH * STRIDE, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffers == MAP_FAILED) {
        int saved = errno;
        close(fd);
        return err_set_errno(err, saved, "reserving receive buffers");
    }
    struct udp_listener *listener = alloc_zeroed(1, sizeof(*listener));
    listener->received = received;
    listener->aux = aux;
    listener->fd = fd;
    listener->is_v4 = ip_is_v4(address);
    listener->port = bound_port(fd);
    listener->buffers = buffers;
    listener->watch = loop_watch_new(loop, fd, LOOP_READ, ready, listener, err);
    if (listener->watch == NULL) {
        udp_listener_free(listener);
        return ERR_SYSTEM;
    }
    *ret = listener;
    return 0;
}

void udp_listener_hold(struct udp_listener *listener, bool held)
{
    loop_watch_set(listener->watch, held ? 0 : LOOP_READ);
}

void udp_listener_free(struct udp_listener *listener)
{
    if (listener == NULL)
        return;
    loop_watch_free(listener->watch);
    close(listener->fd);
    munmap(listener->buffers, (size_t)UDP_BATCH * STRIDE);
    free(listener);
}

uint16_t udp_listener_port(const struct udp_listener *listener)
{
    return listener->port;
}

uint32_t udp_socket_drops(int fd, uint32_t told)
{
    uint32_t info[SK_MEMINFO_VARS];
    socklen_t size = sizeof(info);
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &size) != 0 ||
        size < (SK_MEMINFO_DROPS + 1) * sizeof(info[0]))
        return 0;
    uint32_t more = info[SK_MEMINFO_DROPS] - told;
    return more <= INT32_MAX ? more : 0;
}

uint64_t udp_listener_drops(const struct udp_listener *listener)
{
    return listener->drops + udp_socket_drops(listener->fd, listener->drops_told);
}
