/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_SNMP_TIMER_WHEEL_H
#define MUSTER_SNMP_TIMER_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* Deadlines of thousands of requests: set and cleared with every exchange, fired
 * hardly ever. A wheel of lists makes setting and clearing a few pointer writes;
 * a bitmap finds the next list that is not empty. A tick is 4 ms and one turn 4 s;
 * a timer due later than a turn is looked at once a turn and left where it is.
 * Timers fire never early and at most a tick late. Nodes live in the caller's
 * structs; the wheel owns nothing. */

enum { TIMER_TICK_US = 4096, TIMER_SLOTS = 1024 };

struct timer {
    struct timer *next, *previous; /* NULL while not set */
    struct mono due;
    int kind; /* the caller's, to tell its nodes apart */
};

struct timer_wheel {
    struct timer slots[TIMER_SLOTS]; /* heads of circular lists */
    uint64_t filled[TIMER_SLOTS / 64];
    int64_t tick; /* first tick that is not done */
    uint32_t count;
};

/* Starts an empty wheel at `now`. */
void timer_wheel_init(struct timer_wheel *wheel, struct mono now);

/* Sets `timer` to fire at `due`, whether it was set or not. */
void timer_set(struct timer_wheel *wheel, struct timer *timer, struct mono due);

/* Clears `timer`; nothing happens when it is not set. */
void timer_clear(struct timer_wheel *wheel, struct timer *timer);

static inline bool timer_is_set(const struct timer *timer)
{
    return timer->next != NULL;
}

/* Takes the next timer that is due at `now` off the wheel and returns it; NULL
 * when there is none. Call it until then: timers set meanwhile are seen too. */
struct timer *timer_wheel_next(struct timer_wheel *wheel, struct mono now);

/* Returns an instant by which timer_wheel_next() should be called again: not
 * later than the first due timer's tick; INT64_MAX us when no timer is set. */
struct mono timer_wheel_deadline(const struct timer_wheel *wheel);

#endif
