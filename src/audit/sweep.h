/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_SWEEP_H
#define MUSTER_AUDIT_SWEEP_H

#include <stddef.h>
#include <stdint.h>

#include "audit/judge.h"
#include "audit/world.h"
#include "base/arena.h"
#include "model/discrepancy.h"

/* The polling trigger: judges a whole round (DOMAIN 1.4).
 *
 * The first pass streams every forward row past the world's MAC index, one cache
 * line a row, with the slots prefetched: a row of a running guest on its own
 * hypervisor's port, or in transit, is done with a bit in the bitmap of seen NICs.
 * Only MACs of which something else was seen are collected, by a second stream
 * through a small filter, and go to the judge; then the bitmap's zeros are the
 * guests that were not seen. So the cost is that of the rows, not of the verdicts,
 * and memory beyond the columns is a bit a NIC. The order of the verdicts depends
 * on the input only. */

struct sweep;

/* Judges everything in `world` at clock value `now`. Yours to free; it borrows
 * the world. */
struct sweep *sweep_run(const struct world *world, struct wall now);
void sweep_free(struct sweep *sweep); /* NULL is allowed */

/* Returns the number of discrepancies to report. A collective one counts once;
 * those it lists are its members and not counted. */
size_t sweep_count(const struct sweep *sweep);

/* Returns the `number`th discrepancy as a verdict, cheap; by kind, then subject. */
const struct verdict *sweep_verdict(const struct sweep *sweep, size_t number);

/* Makes words of the `number`th discrepancy: everything by name, with evidence,
 * all of it in `arena`. `first`, `last` and `count` are the case's, not known here. */
void sweep_render(const struct sweep *sweep, size_t number, struct arena *arena,
                  struct discrepancy *ret);

/* As sweep_render() for the `member`th discrepancy (from 0) that the collective
 * `number`th one lists; returns false when there is no such member or the members
 * are plain names. */
bool sweep_render_member(const struct sweep *sweep, size_t number, size_t member,
                         struct arena *arena, struct discrepancy *ret);

/* The guests of which nothing can be said (DESIGN section 8 point 5). */
size_t sweep_unobserved_count(const struct sweep *sweep);
void sweep_unobserved(const struct sweep *sweep, size_t number, struct arena *arena,
                      struct not_observable *ret);

/* Returns what `muster audit` exits with: 1 found, 3 not all observed, 0 clean. */
enum audit_exit sweep_exit(const struct sweep *sweep);

/* Calls `visit` with the identity of every guest that the records have as one that
 * should not communicate: what memory's off_since is kept from. */
void sweep_off_guests(const struct world *world,
                      void (*visit)(void *aux, const char *guest_identity), void *aux);

/* As sweep_off_guests(), of the guests of which the records do not say whether they
 * should communicate: their clock neither starts nor ends. */
void sweep_unsure_guests(const struct world *world,
                         void (*visit)(void *aux, const char *guest_identity), void *aux);

#endif
