/* SPDX-License-Identifier: Apache-2.0 */
#include "snmp/timer_wheel.h"

#include <string.h>

#include "base/check.h"

void timer_wheel_init(struct timer_wheel *wheel, struct mono now)
{
    memset(wheel, 0, sizeof(*wheel));
    for (int i = 0; i < TIMER_SLOTS; i++)
        wheel->slots[i].next = wheel->slots[i].previous = &wheel->slots[i];
    wheel->tick = now.us / TIMER_TICK_US;
}

static unsigned slot_of(int64_t tick)
{
    return (unsigned)((uint64_t)tick % TIMER_SLOTS);
}

void timer_clear(struct timer_wheel *wheel, struct timer *timer)
{
    if (timer->next == NULL)
        return;
    timer->previous->next = timer->next;
    timer->next->previous = timer->previous;
    if (timer->next == timer->previous && timer->next >= wheel->slots &&
        timer->next < wheel->slots + TIMER_SLOTS) {
        size_t slot = (size_t)(timer->next - wheel->slots);
        wheel->filled[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    }
    timer->next = timer->previous = NULL;
    wheel->count--;
}

void timer_set(struct timer_wheel *wheel, struct timer *timer, struct mono due)
{
    timer_clear(wheel, timer);
    /* The tick after the one that `due` is in: never early. */
    int64_t tick = due.us / TIMER_TICK_US + 1;
    if (tick < wheel->tick)
        tick = wheel->tick;
    unsigned slot = slot_of(tick);
    struct timer *head = &wheel->slots[slot];
    timer->due = due;
    timer->next = head;
    timer->previous = head->previous;
    head->previous->next = timer;
    head->previous = timer;
    wheel->filled[slot / 64] |= UINT64_C(1) << slot % 64;
    wheel->count++;
}

/* Returns the distance in ticks from the wheel's tick to the first filled slot. */
static int first_filled(const struct timer_wheel *wheel)
{
    unsigned start = slot_of(wheel->tick);
    for (int i = 0; i <= TIMER_SLOTS / 64; i++) {
        unsigned word = (start / 64 + (unsigned)i) % (TIMER_SLOTS / 64);
        uint64_t bits = wheel->filled[word];
        if (i == 0)
            bits &= UINT64_MAX << start % 64;
        if (bits != 0) {
            unsigned slot = word * 64 + (unsigned)__builtin_ctzll(bits);
            return (int)((slot + TIMER_SLOTS - start) % TIMER_SLOTS);
        }
    }
    return -1;
}

struct timer *timer_wheel_next(struct timer_wheel *wheel, struct mono now)
{
    int64_t last = now.us / TIMER_TICK_US;
    while (wheel->tick <= last) {
        int ahead = wheel->count == 0 ? -1 : first_filled(wheel);
        if (ahead < 0 || wheel->tick + ahead > last) {
            wheel->tick = last + 1;
            return NULL;
        }
        wheel->tick += ahead;
        struct timer *head = &wheel->slots[slot_of(wheel->tick)];
        for (struct timer *t = head->next; t != head; t = t->next) {
            if (t->due.us <= now.us) {
                timer_clear(wheel, t);
                return t;
            }
        }
        wheel->tick++;
    }
    return NULL;
}

struct mono timer_wheel_deadline(const struct timer_wheel *wheel)
{
    int ahead = wheel->count == 0 ? -1 : first_filled(wheel);
    if (ahead < 0)
        return (struct mono){INT64_MAX};
    return (struct mono){(wheel->tick + ahead) * TIMER_TICK_US};
}
