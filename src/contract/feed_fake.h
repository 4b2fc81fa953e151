/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CONTRACT_FEED_FAKE_H
#define MUSTER_CONTRACT_FEED_FAKE_H

#include "contract/plugin.h"

/* A feed for tests of event sources: it implements the core's side of the contract
 * (event_feed_add() and its kin) by remembering what it was given, in order, as deep
 * copies, so that a test sees exactly what a source said and when it flushed.
 *
 *     struct event_feed *feed = feed_fake_new("trap1", "snmp_trap");
 *     feed_fake_map(feed, "192.0.2.1", "sw1");
 *     class->start(state, feed, &err);
 *     ... feed_fake_count(feed), feed_fake_event(feed, 0)->mac ...
 *
 * It can be told to refuse, as the core does when too many events wait, and it keeps
 * the tickets of what it took, which the test settles when it likes. Linked instead of
 * the core, never beside it. Misuse fails a CHECK. */

/* Returns an empty feed of a source with this name and type; yours to free. */
struct event_feed *feed_fake_new(const char *source, const char *type);
void feed_fake_free(struct event_feed *feed);

/* Makes event_feed_switch() return `switch_name` for a numeric `address`, or for
 * `switch_name` itself. */
void feed_fake_map(struct event_feed *feed, const char *address, const char *switch_name);

/* Refuses every event after the next `count` ones; SIZE_MAX, as at first: none. */
void feed_fake_refuse_after(struct event_feed *feed, size_t count);

/* Sets what event_feed_waiting() says; at first 0. */
void feed_fake_wait(struct event_feed *feed, size_t waiting);

/* Calls `told` with each event that is added, after it was copied; NULL: nobody. */
typedef void feed_fake_told_fn(void *aux, const struct event *event);
void feed_fake_listen(struct event_feed *feed, feed_fake_told_fn *told, void *aux);

/* Returns how many events were taken, and the `i`-th; borrowed until the feed is freed
 * or cleared. */
size_t feed_fake_count(const struct event_feed *feed);
const struct event *feed_fake_event(const struct event_feed *feed, size_t i);

/* Returns the ticket of the `i`-th event. */
uint64_t feed_fake_ticket(const struct event_feed *feed, size_t i);

/* Returns how often the source flushed, and how many events it has added since. */
size_t feed_fake_flushes(const struct event_feed *feed);
size_t feed_fake_unflushed(const struct event_feed *feed);

/* Returns what the source reported by event_feed_failed(), "" while it did not. */
const char *feed_fake_failure(const struct event_feed *feed);

/* Forgets the events, flushes and the failure; keeps what was mapped. */
void feed_fake_clear(struct event_feed *feed);

#endif
