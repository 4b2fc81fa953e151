/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SOURCE_TRAP_RATE_H
#define MUSTER_SOURCE_TRAP_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/ip.h"

/* How many notifications each device may send: one device in a storm must not drown
 * what the others say, nor cost more than it is worth.
 *
 * A token bucket for each sender, in a table of fixed size. A sender's place is given
 * by a seeded hash of its address, so nobody chooses whose bucket it shares; a place is
 * taken over when its owner's bucket is full, that is, when it has been quiet, and is
 * shared otherwise. Senders that nobody configured share one bucket: inventing source
 * addresses gains nothing.
 *
 * What is lost is not silent: the first notification that passes after a loss says so,
 * at most once in ten seconds, and the device is then looked at as a whole. */

struct trap_rate;

enum trap_verdict {
    TRAP_PASS,
    TRAP_PASS_AFTER_LOSS, /* look at the device: some were lost since */
    TRAP_DROP
};

struct trap_rate_settings {
    uint32_t each, burst; /* of a device: a second, and at once after a pause */
    uint32_t strangers;   /* of all senders together that are not configured */
};

/* Returns one in which every bucket is full; yours to free. */
struct trap_rate *trap_rate_new(const struct trap_rate_settings *settings);

/* NULL is allowed. */
void trap_rate_free(struct trap_rate *rate);

/* Takes a token of the sender at `from`. */
enum trap_verdict trap_rate_take(struct trap_rate *rate, const struct ip *from, bool stranger,
                                 struct mono now);

/* Takes `count` tokens more, which the sender owes: a notification with many changes. */
void trap_rate_owe(struct trap_rate *rate, const struct ip *from, bool stranger, uint32_t count);

#endif
