/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SNMP_TRANSPORT_H
#define MUSTER_SNMP_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "snmp/address.h"

/* The sockets of the polling engine: a few for all devices, datagrams moved 64 at
 * a call.
 *
 * One request at a time costs 13 times the CPU of a batched window (a wake-up a
 * packet), so the engine fills a batch while it handles a batch. The number of
 * sockets follows from the receive buffer that the kernel grants: the answers to
 * a whole window must fit into the buffers, or a burst would drop them. Devices
 * are spread over the sockets, each with its own source port. Sockets of a family
 * are opened when its first device is added. Received datagrams lie in buffers of
 * their own, so that answers are read where they were received. */

enum {
    TRANSPORT_BATCH = 64,
    TRANSPORT_SOCKETS = 8,       /* of one family at most */
    TRANSPORT_SEND_SIZE = 2304,  /* of one request's buffer, headroom included */
    TRANSPORT_ANSWER_COST = 4608 /* kernel memory that one waiting answer takes */
};

struct transport;

struct datagram {
    uint8_t *bytes;
    size_t length;
    const struct snmp_address *from;
};

/* Called for a request that could not be sent for good (no route, refused by a
 * filter); `tag` as given to transport_send(). */
typedef void transport_failed_fn(void *arg, uint32_t tag, int saved_errno);

/* Opens no socket yet. `window` is how many answers may come at once. Returns 0
 * with *ret yours to free, or ERR_SYSTEM. */
int transport_new(unsigned window, transport_failed_fn *failed, void *arg, struct transport **ret,
                  struct err *err) MUST_USE;
void transport_free(struct transport *transport); /* NULL is allowed */

/* Returns a descriptor that polls readable when datagrams wait. */
int transport_fd(const struct transport *transport);

/* Returns the number of a socket for one more device of `family`, or a negative
 * ERR_SYSTEM when no socket can be opened. */
int transport_assign(struct transport *transport, sa_family_t family, struct err *err) MUST_USE;

/* Returns the buffer of TRANSPORT_SEND_SIZE octets for the next request on
 * `socket`; flushes that socket's batch first when it is full. */
uint8_t *transport_buffer(struct transport *transport, int socket);

/* Queues the message [bytes, bytes + length), which lies in transport_buffer(). */
void transport_send(struct transport *transport, int socket, const struct snmp_address *to,
                    const uint8_t *bytes, size_t length, uint32_t tag);

/* Sends what is queued on every socket. */
void transport_flush(struct transport *transport);

/* Receives at most TRANSPORT_BATCH datagrams from one socket, going round the
 * sockets, and returns how many; 0 when all sockets are empty. They stay valid
 * until the next call. */
size_t transport_receive(struct transport *transport, struct datagram ret[static TRANSPORT_BATCH]);

#endif
