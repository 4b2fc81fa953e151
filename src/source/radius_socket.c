/* SPDX-License-Identifier: Apache-2.0 */
#include "source/radius_socket.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/udp.h"

enum {
    RECEIVE_BUFFER = 8 * 1024 * 1024, /* a second of a busy data centre's accounting */
    SLOT = RADIUS_PACKET_MAX + 320,   /* not a power of two: packets would share the cache's sets */
    CONTROL = 96,      /* pktinfo of either family, and the overflow count or a length */
    TRAIN_MOST = 64,   /* answers in one send: the kernel's own limit */
    TRAIN_LENGTH = 512 /* octets of each at most: no route's packets are smaller */
};

#ifndef UDP_SEGMENT
enum { UDP_SEGMENT = 103 };
#endif

union control {
    char bytes[CONTROL];
    struct cmsghdr align;
};

struct lane {
    struct mmsghdr messages[RADIUS_BATCH];
    struct iovec vectors[RADIUS_BATCH];
    union control controls[RADIUS_BATCH];
    struct radius_peer peers[RADIUS_BATCH];
    uint8_t bytes[RADIUS_BATCH][SLOT];
};

/* Answers that lie one behind the other and go to one peer by one send. */
struct train {
    uint16_t each, last; /* octets of an answer; of the last one, which may be shorter */
    uint16_t count;
};

struct radius_batch {
    struct lane in, out;               /* of `out` the octets are in a row */
    struct train trains[RADIUS_BATCH]; /* beside out.messages */
    size_t queued, answers;
    size_t filled; /* octets */
    struct radius_socket *out_socket;
    uint64_t unsent;
};

/* --- sockets --- */

static void fill_address(struct radius_peer *peer, const struct ip *address, bool v6, uint16_t port,
                         socklen_t *ret_length)
{
    memset(&peer->from, 0, sizeof(peer->from));
    if (v6) {
        peer->from.v6.sin6_family = AF_INET6;
        peer->from.v6.sin6_port = htons(port);
        memcpy(&peer->from.v6.sin6_addr, address->octets, 16);
        *ret_length = sizeof(peer->from.v6);
    } else {
        peer->from.v4.sin_family = AF_INET;
        peer->from.v4.sin_port = htons(port);
        memcpy(&peer->from.v4.sin_addr, address->octets + 12, 4);
        *ret_length = sizeof(peer->from.v4);
    }
}

static void set_options(const struct radius_socket *sock)
{
    const int on = 1, size = RECEIVE_BUFFER;
    /* Beyond the administrator's limit where privileges allow, else up to it. */
    if (setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
        setsockopt(sock->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    setsockopt(sock->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
    if (sock->v6)
        setsockopt(sock->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (sock->wildcard && sock->v6)
        setsockopt(sock->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
    else if (sock->wildcard)
        setsockopt(sock->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
}

int radius_socket_open(struct radius_socket *ret, const struct ip *address, bool v6, uint16_t port,
                       struct err *err)
{
    struct radius_peer here;
    socklen_t length;
    char text[IP_TEXT_SIZE];
    *ret = (struct radius_socket){.fd = -1, .v6 = v6, .wildcard = !ip_known(address)};
    const char *name = ret->wildcard ? (v6 ? "::" : "0.0.0.0") : ip_format(address, text);
    ret->fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (ret->fd >= 0) {
        set_options(ret);
        fill_address(&here, address, v6, port, &length);
        if (bind(ret->fd, &here.from.any, length) == 0)
            return 0;
    }
    int saved = errno;
    radius_socket_close(ret);
    err_set_errno(err, saved, "listening for RADIUS accounting at %s port %u", name, port);
    if (saved == EAFNOSUPPORT || (saved == EADDRNOTAVAIL && ret->wildcard))
        return err->code = ERR_UNSUPPORTED; /* this machine has no such family */
    return err->code = saved == EACCES ? ERR_DENIED : err->code;
}

void radius_socket_close(struct radius_socket *sock)
{
    if (sock->fd >= 0)
        close(sock->fd);
    sock->fd = -1;
}

uint16_t radius_socket_port(const struct radius_socket *sock)
{
    struct radius_peer here;
    socklen_t length = sizeof(here.from);
    if (getsockname(sock->fd, &here.from.any, &length) != 0)
        return 0;
    return ntohs(sock->v6 ? here.from.v6.sin6_port : here.from.v4.sin_port);
}

/* --- batches --- */

struct radius_batch *radius_batch_new(void)
{
    struct radius_batch *batch = alloc_zeroed(1, sizeof(*batch));
    struct lane *const lanes[] = {&batch->in, &batch->out};
    for (size_t l = 0; l < ARRAY_COUNT(lanes); l++) {
        for (size_t i = 0; i < RADIUS_BATCH; i++) {
            struct msghdr *header = &lanes[l]->messages[i].msg_hdr;
            lanes[l]->vectors[i] = (struct iovec){lanes[l]->bytes[i], SLOT};
            header->msg_iov = &lanes[l]->vectors[i];
            header->msg_iovlen = 1;
            header->msg_name = &lanes[l]->peers[i].from;
        }
    }
    return batch;
}

void radius_batch_free(struct radius_batch *batch)
{
    free(batch);
}

/* Takes what the kernel tells beside a datagram. */
static void read_control(struct radius_socket *sock, struct msghdr *header,
                         struct radius_peer *peer, uint64_t *lost)
{
    peer->local = IP_NONE;
    peer->local_index = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            uint32_t count;
            memcpy(&count, CMSG_DATA(c), sizeof(count));
            *lost += count - sock->overflowed; /* the kernel's count wraps as this does */
            sock->overflowed = count;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            peer->local = ip_from_v4((const uint8_t *)&info.ipi_spec_dst);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            peer->local = ip_from_v6((const uint8_t *)&info.ipi6_addr);
            /* Elsewhere the routes decide, which need not be those of the request. */
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                peer->local_index = info.ipi6_ifindex;
        }
    }
}

static void read_peer(const struct radius_socket *sock, struct radius_peer *peer)
{
    if (sock->v6) {
        peer->from_ip = ip_from_v6((const uint8_t *)&peer->from.v6.sin6_addr);
        peer->from_port = ntohs(peer->from.v6.sin6_port);
    } else {
        peer->from_ip = ip_from_v4((const uint8_t *)&peer->from.v4.sin_addr);
        peer->from_port = ntohs(peer->from.v4.sin_port);
    }
}

uint64_t radius_socket_untold(const struct radius_socket *sock)
{
    return udp_socket_drops(sock->fd, sock->overflowed);
}

int radius_batch_receive(struct radius_batch *batch, struct radius_socket *sock, uint64_t *lost)
{
    struct lane *in = &batch->in;
    for (size_t i = 0; i < RADIUS_BATCH; i++) {
        struct msghdr *header = &in->messages[i].msg_hdr;
        header->msg_namelen = sizeof(in->peers[i].from);
        header->msg_control = in->controls[i].bytes;
        header->msg_controllen = CONTROL;
    }
    int count = recvmmsg(sock->fd, in->messages, RADIUS_BATCH, MSG_DONTWAIT, NULL);
    if (count < 0) {
        bool passing = errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED ||
                       errno == EHOSTUNREACH || errno == ENETUNREACH || errno == ENOBUFS ||
                       errno == ENOMEM || errno == ENETDOWN;
        return passing ? 0 : -errno;
    }
    for (int i = 0; i < count; i++) {
        read_control(sock, &in->messages[i].msg_hdr, &in->peers[i], lost);
        read_peer(sock, &in->peers[i]);
    }
    return count;
}

void radius_batch_datagram(const struct radius_batch *batch, size_t number,
                           struct radius_datagram *ret)
{
    const struct mmsghdr *message = &batch->in.messages[number];
    ret->bytes = batch->in.bytes[number];
    ret->length = message->msg_len;
    ret->cut = (message->msg_hdr.msg_flags & MSG_TRUNC) != 0;
    ret->peer = batch->in.peers[number];
}

/* --- answers --- */

static bool same_peer(const struct radius_socket *sock, const struct radius_peer *a,
                      const struct radius_peer *b)
{
    return a->from_port == b->from_port && ip_equal(&a->from_ip, &b->from_ip) &&
           (!sock->v6 || a->from.v6.sin6_scope_id == b->from.v6.sin6_scope_id) &&
           ip_equal(&a->local, &b->local) && a->local_index == b->local_index;
}

static struct cmsghdr *add_control(struct msghdr *header, union control *control, int level,
                                   int type, size_t size)
{
    struct cmsghdr *c = (struct cmsghdr *)(control->bytes + header->msg_controllen);
    memset(c, 0, CMSG_SPACE(size));
    header->msg_control = control->bytes;
    header->msg_controllen += CMSG_SPACE(size);
    c->cmsg_len = CMSG_LEN(size);
    c->cmsg_level = level;
    c->cmsg_type = type;
    return c;
}

/* Makes the answer leave by the address that was asked. */
static void write_control(struct msghdr *header, union control *control,
                          const struct radius_socket *sock, const struct radius_peer *peer)
{
    header->msg_control = NULL;
    header->msg_controllen = 0;
    if (!sock->wildcard || !ip_known(&peer->local))
        return;
    if (sock->v6) {
        struct in6_pktinfo info = {.ipi6_ifindex = peer->local_index};
        memcpy(&info.ipi6_addr, peer->local.octets, 16);
        memcpy(CMSG_DATA(add_control(header, control, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(info))),
               &info, sizeof(info));
    } else {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, peer->local.octets + 12, 4);
        memcpy(CMSG_DATA(add_control(header, control, IPPROTO_IP, IP_PKTINFO, sizeof(info))), &info,
               sizeof(info));
    }
}

/* Has the kernel cut what `header` sends into datagrams of `each` octets. */
static void write_segment(struct msghdr *header, union control *control, uint16_t each)
{
    memcpy(CMSG_DATA(add_control(header, control, IPPROTO_UDP, UDP_SEGMENT, sizeof(each))), &each,
           sizeof(each));
}

/* Sends the answers of train `number` one by one: its network cannot do it at once. */
static void send_singly(struct radius_batch *batch, size_t number)
{
    const struct train *train = &batch->trains[number];
    struct msghdr *header = &batch->out.messages[number].msg_hdr;
    uint8_t *at = batch->out.vectors[number].iov_base;
    header->msg_controllen -= CMSG_SPACE(sizeof(train->each));
    if (header->msg_controllen == 0)
        header->msg_control = NULL;
    for (size_t i = 0; i < train->count; i++) {
        const size_t length = i + 1 < train->count ? train->each : train->last;
        batch->out.vectors[number] = (struct iovec){at, length};
        batch->unsent += sendmsg(batch->out_socket->fd, header, MSG_DONTWAIT) < 0;
        at += length;
    }
}

/* Deals with message `number`, which the kernel did not take. */
static void give_up(struct radius_batch *batch, size_t number, int why)
{
    const struct train *train = &batch->trains[number];
    if (train->count > 1 &&
        (why == EIO || why == EINVAL || why == EMSGSIZE || why == ENOPROTOOPT)) {
        batch->out_socket->singly = true;
        send_singly(batch, number);
    } else {
        batch->unsent += train->count; /* others may go elsewhere */
    }
}

static void send_queued(struct radius_batch *batch)
{
    for (size_t i = 0; i < batch->queued; i++) {
        if (batch->trains[i].count > 1)
            write_segment(&batch->out.messages[i].msg_hdr, &batch->out.controls[i],
                          batch->trains[i].each);
    }
    size_t sent = 0;
    while (sent < batch->queued) {
        int count = sendmmsg(batch->out_socket->fd, batch->out.messages + sent,
                             (unsigned)(batch->queued - sent), MSG_DONTWAIT);
        if (count > 0) {
            sent += (size_t)count;
            continue;
        }
        if (count < 0 && errno == EINTR)
            continue;
        give_up(batch, sent++, count < 0 ? errno : 0);
    }
    batch->queued = batch->answers = batch->filled = 0;
}

/* Whether an answer of `length` octets to `peer` may go with the latest one. */
static bool goes_along(const struct radius_batch *batch, const struct radius_peer *peer,
                       size_t length)
{
    if (batch->queued == 0 || batch->out_socket->singly)
        return false;
    const struct train *train = &batch->trains[batch->queued - 1];
    return train->last == train->each && length <= train->each && train->each <= TRAIN_LENGTH &&
           train->count < TRAIN_MOST &&
           same_peer(batch->out_socket, &batch->out.peers[batch->queued - 1], peer);
}

void radius_batch_add(struct radius_batch *batch, struct radius_socket *sock,
                      const struct radius_peer *peer, const uint8_t *bytes, size_t length)
{
    CHECK(length > 0 && length <= RADIUS_PACKET_MAX);
    if (batch->answers == RADIUS_BATCH || (batch->queued > 0 && batch->out_socket != sock))
        send_queued(batch);
    uint8_t *to = &batch->out.bytes[0][0] + batch->filled;
    memcpy(to, bytes, length);
    batch->filled += length;
    batch->answers++;
    batch->out_socket = sock;
    if (goes_along(batch, peer, length)) {
        struct train *train = &batch->trains[batch->queued - 1];
        batch->out.vectors[batch->queued - 1].iov_len += length;
        train->last = (uint16_t)length;
        train->count++;
        return;
    }
    const size_t at = batch->queued++;
    batch->trains[at] = (struct train){(uint16_t)length, (uint16_t)length, 1};
    batch->out.peers[at] = *peer;
    batch->out.vectors[at] = (struct iovec){to, length};
    struct msghdr *header = &batch->out.messages[at].msg_hdr;
    header->msg_namelen = sock->v6 ? sizeof(peer->from.v6) : sizeof(peer->from.v4);
    write_control(header, &batch->out.controls[at], sock, &batch->out.peers[at]);
}

uint64_t radius_batch_send(struct radius_batch *batch)
{
    if (batch->queued > 0)
        send_queued(batch);
    const uint64_t unsent = batch->unsent;
    batch->unsent = 0;
    return unsent;
}
