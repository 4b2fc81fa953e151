/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_IO_LOOP_INTERNAL_H
#define MUSTER_IO_LOOP_INTERNAL_H

#include <uv.h>

#include "io/loop.h"

/* What io/'s own modules share about the loop: the library's handle, for those
 * that need more of libuv than loop.h shows (child processes), and the timing of
 * callbacks, which every module that is called by libuv directly brackets its
 * callback with. Nothing outside io/ includes this header, so that libuv's types
 * stay in one folder. */

struct loop {
    uv_loop_t uv;
    uv_idle_t *turn;                         /* runs while timers are due in the next turn: */
    struct loop_timer *first_due, *last_due; /* in the order of their starts */
    uint64_t turns;                          /* in which timers were due */
    uint64_t longest_ns, longest_work_ns;
    struct names *names;   /* that handles have */
    uint32_t name;         /* of handles that are made now */
    uint32_t entered_name; /* of the callback at hand */
    uint32_t longest_name;
    uint64_t entered_work_ns; /* processor time at the start of the callback at hand */
    bool measures_work;
    bool pool_yields;  /* loop_pool_yields() */
    bool by_processor; /* loop_longest_hold() counts the thread's processor time */
};

/* First member of a struct that owns several of libuv's handles; each handle's
 * `data` points to it. Handles of loop.c have `data` NULL and are freed alone. */
struct loop_compound {
    void (*forget)(struct loop_compound *self); /* closes its handles, calls nobody */
};

/* Returns the start of a callback's time; pass it to loop_leave() at its end. `name` is the
 * handle's: loop->name as it was when the handle was made. */
uint64_t loop_enter(struct loop *loop, uint32_t name);

/* Notes how long the callback that began at `entered` held `loop`. */
void loop_leave(struct loop *loop, uint64_t entered);

#endif
