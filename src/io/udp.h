/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_IO_UDP_H
#define MUSTER_IO_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "base/ip.h"

/* A bound UDP socket for those who are talked to: traps and informs arrive here.
 *
 * Datagrams are taken in batches with one system call, each in a buffer of its own
 * that is large enough for any datagram, so nothing is cut. One batch is handed over a
 * turn of the loop: a flood cannot starve what else the loop does, it fills the
 * kernel's buffer, whose overflows are counted. The buffers are reserved, not touched:
 * memory is used as large datagrams come.
 *
 * Replies leave from the address that the datagram was sent to. On a host with several
 * addresses the kernel would choose by route, and a peer that checks who answers, as
 * SNMP managers and RADIUS clients do, would drop the answer.
 *
 * A socket is of one family: an IPv6 socket does not take IPv4 traffic, so that both
 * can be bound to one port. Ports below 1024 need a privilege while binding only. */

struct loop;
struct udp_listener;

enum { UDP_BATCH = 32, UDP_DATAGRAM_MAX = 65535 };

struct udp_datagram {
    uint8_t *bytes; /* may be changed in place */
    size_t length;
    struct ip from;
    uint16_t from_port;
    uint32_t slot; /* the listener's: where the reply's addresses are */
};

/* Hands over a batch; the datagrams are valid during the call. May reply; must not free
 * the listener. */
typedef void udp_received_fn(void *aux, struct udp_listener *listener,
                             struct udp_datagram *datagrams, size_t count);

/* Binds `address` (0.0.0.0 or :: for all) and `port` (0: any free one) and begins to
 * listen on `loop`. Returns 0 with *ret yours to free, ERR_DENIED when the port needs a
 * privilege that is not there, or ERR_SYSTEM; the message names address and port. */
int udp_listener_new(struct loop *loop, const struct ip *address, uint16_t port,
                     udp_received_fn *received, void *aux, struct udp_listener **ret,
                     struct err *err) MUST_USE;

/* Leaves datagrams in the kernel's buffer while `held`, and takes them afterwards. */
void udp_listener_hold(struct udp_listener *listener, bool held);

/* Closes it; NULL is allowed. */
void udp_listener_free(struct udp_listener *listener);

/* Returns the port that it is bound to. */
uint16_t udp_listener_port(const struct udp_listener *listener);

/* Returns how many datagrams the kernel dropped until now because its buffer was full. */
uint64_t udp_listener_drops(const struct udp_listener *listener);

/* Returns how many datagrams the kernel has dropped at the socket `fd` beyond `told`, the
 * latest of its counts (which wraps) that came beside a datagram (SO_RXQ_OVFL): the end of a
 * burst may be dropped and no datagram follow that would tell. 0 where it cannot be asked. */
uint32_t udp_socket_drops(int fd, uint32_t told);

/* Sends `bytes` to where a datagram of the present batch came from. Returns whether
 * the kernel took it; a reply that it does not take is lost, as any may be. */
bool udp_reply(struct udp_listener *listener, const struct udp_datagram *to, const uint8_t *bytes,
               size_t length);

#endif
