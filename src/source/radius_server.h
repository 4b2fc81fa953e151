/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_RADIUS_SERVER_H
#define MUSTER_SOURCE_RADIUS_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "contract/plugin.h"
#include "source/radius_client.h"

/* The RADIUS accounting server (RFC 2866, DOMAIN 2.7): from datagram to event to answer.
 *
 * One batch of datagrams at a time: look up the client by address, parse, verify, see
 * whether it is a repetition, read the record, make an event of it, hand it to the feed;
 * then the batch is flushed to be stored as a group. The answer waits until the feed says
 * that the event is on the disk, and is never sent when it is not: to the switch that
 * looks like a lost packet, and it sends again (RFC 2866 section 2). What leads to no
 * event (a Status-Server, a repetition of something stored, a record about no MAC) is
 * answered with the batch.
 *
 * What becomes of a record:
 *
 *     Start            EVENT_START      Accounting-On, -Off    EVENT_RESET of the NAS,
 *     Interim-Update   EVENT_UPDATE                            of the port where one is given,
 *     Stop             EVENT_STOP                              else of the ports behind its
 *     others           answered, counted                       Called-Station-Id
 *
 * An update for a session that nobody knows begins it, a start behind its own stop does
 * not bring it back, and the interval between updates is learnt: all that is the expiry
 * list's business, which hears of every session from every source. Acct-Interim-Interval,
 * where a record has it, is passed on as the lifetime.
 *
 * Where: the switch that the client is bound to; else the configured switch at the sender's
 * address; else the one that NAS-Identifier, NAS-IP-Address or NAS-IPv6-Address name (for
 * servers that forward); else that name itself, of addresses only one that can be its own
 * (0.0.0.0 and loopbacks are what devices send that were never told theirs). The session belongs
 * to the switch so found, so a client that is bound to a switch cannot speak of another's
 * sessions, nor have them taken for repetitions of its own. Port: radius_port.h. An On or Off of
 * a port that the rule cannot name ends nothing.
 *
 * When: as radius_accounting_time() says, but not later than it was heard: a clock that is ahead
 * must not have a session begin after a power-off that it was before. Unless that is impossible: a
 * time more than five minutes ahead of ours, before the year 2000, or delayed by more than thirty
 * days is a clock that was never set; then arrival counts, and a counter says so.
 *
 * Attacks considered. Nothing is believed before its authenticator is verified, so a
 * packet without the secret can raise counters and no more; senders in no client's prefix
 * cost a lookup. Who knows a secret can replay: the same octets are answered and not
 * processed for a minute, the same record for five; later a replayed record is an event with its
 * old time, or, where a switch sends no Event-Timestamp, with the time of its arrival: for that
 * the manual asks for Event-Timestamp, and for a network that is kept apart. A flood is bounded by
 * LIMIT_RADIUS_PENDING, and by the feed, which refuses what it cannot store; what is refused
 * is not answered. A hostile client can invent sessions at its own switch, and the expiry
 * list's shares bound those. Texts are made printable before they go on.
 *
 * Cost: no allocation a request; two digests, about six lookups in memory that a batch
 * touches together. Nothing holds the loop for more than RADIUS_TURN batches. */

struct radius_server;

/* An address to listen at. */
struct radius_listen {
    struct ip address; /* IP_NONE: every one of the family */
    bool v6;
    uint16_t port;
};

/* Returns a server with the clients of *take, which it takes over; yours to free. NULL with
 * `err` when libcrypto has no MD5 (the clients then stay yours). */
struct radius_server *radius_server_new(struct env *env, struct radius_clients *take,
                                        struct err *err) MUST_USE;
void radius_server_free(struct radius_server *server); /* NULL is allowed */

/* Listens at every address and feeds `feed`. With `family_may_lack`, an address whose family
 * this machine does not have is passed over. Returns 0, or an error that names the address
 * that failed; then nothing is open. */
int radius_server_start(struct radius_server *server, const struct radius_listen *listens,
                        size_t count, bool family_may_lack, struct event_feed *feed,
                        struct err *err) MUST_USE;

/* Closes the sockets and forgets what waits for an answer. */
void radius_server_stop(struct radius_server *server);

/* As in struct event_source_class. */
void radius_server_settled(struct radius_server *server, const uint64_t *tickets, size_t count,
                           bool stored);

/* Adds the counters to *ret. */
void radius_server_status(const struct radius_server *server, struct source_status *ret);

/* Returns the port of socket `number`, 0 where there is none; for tests that bind port 0. */
uint16_t radius_server_port(const struct radius_server *server, size_t number);

#endif
