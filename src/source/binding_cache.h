/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_BINDING_CACHE_H
#define MUSTER_SOURCE_BINDING_CACHE_H

#include "model/event.h"
#include "wire/binding.h"

/* What a listener makes of Mobile IPv6 messages over time: when a node became mobile,
 * moved, is still there, came home (DOMAIN 1.7 point 51, 2.8). Pure: no I/O, no clock.
 *
 * One entry a binding: a home address (of a proxied node its home prefix) with whoever
 * keeps the binding, its home agent or a correspondent. An update that is new or names
 * another care-of address is a start; one that ends its binding a stop; anything else
 * that proves the binding (a refresh, user data, protected packets) an update, told at
 * most once in `refresh`. An acknowledgement tells the lifetime that was granted; one
 * that refuses takes the start back, to the care-of address that had been accepted
 * before or to a stop.
 *
 * Sequence numbers (RFC 6275 9.5.1) keep out what is late: an update that is older than
 * the one known, repeated or replayed, moves nothing. So do user data from a care-of
 * address that is not the binding's, and protected packets from the one that it was
 * moved from a moment ago. Gateways of Proxy Mobile IPv6 count each for itself, so
 * theirs are not compared. After a node deregistered, late data does not bring it back
 * for BINDING_SETTLE_MS.
 *
 * Roles: who is sent a home registration is a home agent, who answers discovery is one,
 * and who the configuration lists; whoever else keeps a binding is a correspondent.
 *
 * Limits and attacks: LIMIT_BINDINGS entries in sets of eight, placed by a seeded hash;
 * a set that is full loses its ended, then its longest unheard entry, which is counted,
 * and only costs a repeated start. Forged messages do what real ones do: what is told
 * has the proof "heard", never more. */

enum { BINDING_SETTLE_MS = 5000 };

struct binding_cache;

struct binding_counters {
    uint64_t updates, acks, errors, route_tests, others; /* messages */
    uint64_t protected, data;                            /* evidence */
    uint64_t suppressed;   /* proved a binding again within `refresh` */
    uint64_t stale;        /* sequence or care-of address was out of date */
    uint64_t unidentified; /* no home address, prefix or MAC: nobody to tell of */
    uint64_t evicted;      /* live entries that had to go */
    uint64_t live;         /* entries now */
};

/* Returns a cache, yours to free. */
struct binding_cache *binding_cache_new(struct span refresh);
void binding_cache_free(struct binding_cache *cache); /* NULL is allowed */

/* Says that `agent` is a home agent. Returns whether there was room to remember it. */
bool binding_cache_agent(struct binding_cache *cache, const struct ip *agent);

/* Judges what was heard at `at`. Returns whether *ret must be told; its texts live until
 * the next call. After it was told, binding_cache_told() must be called: otherwise the
 * next proof tells it again. */
bool binding_cache_hear(struct binding_cache *cache, const struct binding *binding, struct wall at,
                        struct event *ret) MUST_USE;
void binding_cache_told(struct binding_cache *cache);

/* Returns the counters; borrowed. */
const struct binding_counters *binding_cache_counters(const struct binding_cache *cache);

#endif
