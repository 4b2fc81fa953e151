/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_TESTS_STORY_LIVE_H
#define MUSTER_TESTS_STORY_LIVE_H

#include "audit/live.h"
#include "story.h"

/* The events of a story, between its rounds: one live judge over the world of the last round,
 * which is kept until the next. Each round is given what was heard (live_export_begin), and
 * what events have opened stands in the memory of the next round, as the store does it. */

struct story_live;

/* Adds a live judge to the story; freed by story_live_done(), before story_done(). */
void story_live_start(struct story *story);
void story_live_done(struct story *story);

/* For story.c. */
void story_live_memory(struct story *story);
void story_live_facts(struct story *story, double now);
void story_live_world(struct story *story, double now);
void story_live_keep(struct story *story);

/* Lets time pass to `now`, then hears `event`, which may be NULL. What came out is in the out
 * until story_live_clear(). */
void story_live_event(struct story *story, const struct event *event, double now);
void story_live_probe(struct story *story, const struct live_probe *probe, double now);
struct live_out *story_live_out(struct story *story);
void story_live_clear(struct story *story);
struct live *story_live(struct story *story);

/* As a restart of the daemon does: another live judge, with the sessions that go on and nothing
 * else of the one before; without a world until the next round. */
void story_live_restart(struct story *story, double now);

/* Says where what stands differs from what a sweep over the same facts says at `now`: one line
 * each in the returned text, which is yours to free; "" when they agree. */
char *story_live_compare(struct story *story, double now);

#endif
