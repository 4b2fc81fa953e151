/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SIM_DELAY_QUEUE_H
#define MUSTER_SIM_DELAY_QUEUE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Datagrams that leave later, as a binary heap by due time; equal times leave in
 * the order in which they came, so that a simulated round trip never reorders by
 * itself. The queue copies what it is given and has a fixed capacity: whoever
 * fills it sees datagrams refused, not memory growing, because the requests that
 * fill it come from outside. Instants are monotonic microseconds. */

struct delayed {
    int64_t due;
    uint64_t order;
    struct sockaddr_in to;
    struct in_addr from;
    int fd;
    uint8_t *bytes;
    size_t length;
};

struct delay_queue {
    struct delayed *heap;
    size_t count, capacity, limit;
    uint64_t next_order;
};

/* Starts an empty queue of at most `limit` datagrams. */
void delay_queue_init(struct delay_queue *queue, size_t limit);
void delay_queue_done(struct delay_queue *queue);

/* Puts a copy of `item` (its bytes too) into the queue; `order` is set here.
 * Returns false when the queue is full. */
bool delay_queue_put(struct delay_queue *queue, const struct delayed *item);

/* Returns when the first datagram is due, INT64_MAX when there is none. */
int64_t delay_queue_due(const struct delay_queue *queue);

/* Takes the first datagram out; its bytes are yours to free. The queue must not
 * be empty. */
struct delayed delay_queue_take(struct delay_queue *queue);

#endif
