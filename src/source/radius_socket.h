/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_RADIUS_SOCKET_H
#define MUSTER_SOURCE_RADIUS_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"
#include "wire/radius.h"

/* The server's UDP sockets: datagrams by the batch in, answers by the batch out.
 *
 * At the rates that matter a system call a packet costs more than all that is done with
 * it, so up to RADIUS_BATCH datagrams are received by one recvmmsg() and as many answers
 * sent by one sendmmsg(). The buffers belong to the batch, not to the socket: one thread
 * serves all sockets in turn.
 *
 * An answer leaves by the address that the request came to: a host with several may
 * otherwise answer from another, and the switch would not know it. Sockets bound to the
 * unspecified address therefore ask for each datagram's destination (IP_PKTINFO,
 * RFC 3542) and give it back. The kernel's count of datagrams that found the receive
 * buffer full (SO_RXQ_OVFL) is kept, since nothing else would show that loss.
 *
 * Answers of one length that go to one client in a row (a switch that reports all its
 * sessions, a FreeRADIUS that passes on what it hears) are given to the kernel as one piece
 * with the length of each (UDP_SEGMENT): route, address and filters are then asked once and not
 * for each, and sending, which is the dearest part of a request, costs half. The client sees the
 * datagrams that it would have seen. Where a network or kernel cannot do it they go singly.
 *
 * A datagram longer than the longest packet is cut by the kernel and told as such. An
 * answer that cannot be sent at once is dropped and counted; who waits for it asks
 * again. Errors that ICMP brings back (a switch that went away) are ignored: they belong
 * to another datagram. */

enum { RADIUS_BATCH = 64, RADIUS_SOCKETS_MAX = 16 };

/* Who sent a datagram and where it came to. */
struct radius_peer {
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr any;
    } from;
    struct ip from_ip;
    uint16_t from_port;
    struct ip local;      /* IP_NONE: the socket's own */
    unsigned local_index; /* interface, for link-local addresses */
};

struct radius_socket {
    int fd;
    bool v6, wildcard;
    bool singly;         /* answers cannot go several at once */
    uint32_t overflowed; /* the kernel's count when last told */
};

struct radius_datagram {
    const uint8_t *bytes;
    size_t length;
    bool cut;
    struct radius_peer peer;
};

struct radius_batch;

/* Opens and binds a socket at `address` (IP_NONE with `v6` says "::", else 0.0.0.0).
 * Returns 0, or ERR_UNSUPPORTED (no such family here), ERR_DENIED or ERR_SYSTEM saying
 * which address. */
int radius_socket_open(struct radius_socket *ret, const struct ip *address, bool v6, uint16_t port,
                       struct err *err) MUST_USE;
void radius_socket_close(struct radius_socket *socket); /* fd -1 is allowed */

/* Returns the port that the socket is bound to. */
uint16_t radius_socket_port(const struct radius_socket *socket);

/* Returns the batch's buffers, yours to free. */
struct radius_batch *radius_batch_new(void);
void radius_batch_free(struct radius_batch *batch); /* NULL is allowed */

/* Receives what waits, at most RADIUS_BATCH datagrams. Adds datagrams that the kernel had
 * to drop to *lost. Returns how many were received; a negative errno when the socket is
 * broken. */
int radius_batch_receive(struct radius_batch *batch, struct radius_socket *socket, uint64_t *lost);

/* Returns how many datagrams the kernel has had to drop since the latest that was received:
 * those that no reception has added to its loss yet. */
uint64_t radius_socket_untold(const struct radius_socket *socket);

/* Returns datagram `number` of the last reception; lives until the next. */
void radius_batch_datagram(const struct radius_batch *batch, size_t number,
                           struct radius_datagram *ret);

/* Queues an answer; `bytes` are copied. What is queued is sent when the queue is full, the
 * socket changes, or radius_batch_send() says so. */
void radius_batch_add(struct radius_batch *batch, struct radius_socket *socket,
                      const struct radius_peer *peer, const uint8_t *bytes, size_t length);

/* Sends what is queued. Returns how many answers could not be sent since the last call. */
uint64_t radius_batch_send(struct radius_batch *batch);

#endif
