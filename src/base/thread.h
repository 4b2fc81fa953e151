/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_BASE_THREAD_H
#define MUSTER_BASE_THREAD_H

/* Which threads somebody waits for.
 *
 * The daemon's loop and the threads that bring events to the disk work for microseconds and then
 * wait; the store's, the judge's and the pool's work for as long as there is something to do.
 * Where both share a processor, Linux lets whoever runs finish its time slice, three or
 * four milliseconds, before one that has just woken up gets its turn: an answer that costs
 * fifty microseconds then takes those milliseconds. Since Linux 6.12 a thread may ask for shorter
 * slices, and one that did gets its turn at once from one that did not; it gets no more of the
 * processor by that. Older kernels decide by what each has had, and ignore the wish.
 *
 * Work that nobody waits for at all, as the judge's of a round and the reading of records, yields
 * besides: nice 10, so that a round on a machine with one free processor costs answers little, and
 * is itself later by what they take.
 *
 * A thread inherits the wish from the one that starts it. Limits: a wish; where it is
 * not allowed (a seccomp filter), nothing changes, and nobody is told. Attacks considered: none,
 * nothing comes from outside. */

/* Asks for short time slices for the calling thread: others wait for it. */
void thread_is_waited_for(void);

/* Asks for usual ones: it has much to do, and nobody waits for microseconds. */
void thread_has_time(void);

/* As thread_has_time(), and lets other threads go first: at least nice 10, which is not taken
 * back. */
void thread_yields(void);

#endif
