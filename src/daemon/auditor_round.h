/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_AUDITOR_ROUND_H
#define MUSTER_DAEMON_AUDITOR_ROUND_H

#include "daemon/auditor.h"

/* The way of a snapshot through the threads, for auditor.c alone.
 *
 * One snapshot is on its way at a time: the store gives what it remembers, the judge's
 * thread makes the world and the verdicts, the store takes facts and cases, and then the
 * snapshot takes the place of the one before, which is freed. Before the very first round
 * the store is asked for the last good copies of the recorded sources, so that a source
 * that fails just then is known as it was. */

struct rounds;

/* `parts` and `counted` are the auditor's and outlive the rounds. */
struct rounds *rounds_new(const struct auditor_parts *parts, struct auditor_status *counted);
void rounds_free(struct rounds *rounds); /* no thread may have a snapshot any more */

/* Whether a snapshot is on its way. */
bool rounds_busy(const struct rounds *rounds);

/* Whether that is a passing one. */
bool rounds_passing(const struct rounds *rounds);

/* Sends `snapshot` (taken) on its way. */
void rounds_begin(struct rounds *rounds, struct snapshot *snapshot);

/* Returns the one that was published last; NULL before. */
const struct snapshot *rounds_current(const struct rounds *rounds);

#endif
