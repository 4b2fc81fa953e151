/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_AUDIT_PROOF_H
#define MUSTER_AUDIT_PROOF_H

#include "audit/judge.h"
#include "audit/world_view.h"

/* The arithmetic of proof (DESIGN section 2).
 *
 * A row read at t proves that a frame was heard somewhere in [t - ageing, t], or in
 * [t - age - 1 s, t] where the device tells the entry's age. So each sighting has an
 * earliest instant at which its frame can have been sent: read start - clock skew -
 * ageing. Everything that one sighting can prove is a comparison with that instant:
 * a zombie's frame came after the guest went off; two edges overlap when the old
 * edge's frame came after the new edge was first seen; a difference lasts when its
 * frame came after the round that found it first. Margins are microseconds, positive
 * when proved. A table without read time proves nothing: PROOF_NONE. Ageing times
 * and clocks come from devices: sums saturate, so a device that claims absurd values
 * delays proof but never makes one.
 *
 * What was heard needs no such window: it proves its address at the time of its last
 * frame, minus the clocks' skew. That a NAS keeps a session open is no frame: of a RADIUS
 * session its start is the only one, and of one whose start was not heard there is none,
 * for a switch sends updates also for a guest that was killed. A row that a probe
 * read alone is a row like any other, with a read time of its own. */

#define PROOF_NONE INT64_MIN

/* Returns the earliest instant (wall microseconds) at which the frame behind
 * `sighting` can have been sent; PROOF_NONE without a read time. */
int64_t proof_frame(const struct world *world, const struct sighting *sighting);

/* Returns by how much the frame came after `instant`; PROOF_NONE when either is not
 * known. Positive: proved. */
int64_t proof_after(const struct world *world, const struct sighting *sighting, int64_t instant);

/* As proof_after(), but a session counts for as long as it was kept open: not for a verdict's
 * proof, only to ask whether anything at all speaks of a time after `instant`. */
int64_t proof_kept_after(const struct world *world, const struct sighting *sighting,
                         int64_t instant);

/* Returns whether one frame is all that the sighting can ever prove: a session of RADIUS.
 * Then a move there and back explains whatever was seen elsewhere before and after it. */
bool proof_is_single(const struct world *world, const struct sighting *sighting);

/* Sets when the row on `port` was read, or its last frame heard; WALL_UNKNOWN.us where that
 * is not known. */
void proof_read(const struct world *world, uint32_t port, int64_t *ret_started, int64_t *ret_ended);

/* Returns whether the row on `older` was read, wholly and beyond the clocks' skew,
 * before the one on `newer`: then a move between the reads explains both. */
bool proof_read_before(const struct world *world, uint32_t older, uint32_t newer);

#endif
