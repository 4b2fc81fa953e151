/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_IO_CLOCK_H
#define MUSTER_IO_CLOCK_H

#include "base/clock.h"

/* The only place that reads the machine's clocks.
 *
 * Everything below io/ takes times as arguments, so that a scene under a fake
 * clock and a replay of the log judge exactly as the live program does. The wall
 * clock may jump (NTP, an operator): it dates facts and is never used to wait.
 * The monotonic clock never jumps and has no calendar meaning: deadlines use it.
 * Plug-ins get the wall clock through `struct env`, where a test puts its own. */

/* Returns the calendar time now. */
struct wall clock_wall(void);

/* Returns the monotonic time now; only differences mean something. */
struct mono clock_mono(void);

/* As clock_wall(), in the form that `struct env` wants; `unused` is ignored. */
struct wall clock_env_now(void *unused);

#endif
