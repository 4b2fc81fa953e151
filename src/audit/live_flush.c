/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/live_inside.h"
#include "base/alloc.h"
#include "base/limits.h"

/* Hints of devices, and the flushes among them: when one comes and when its hold is over. What
 * either changes is looked for among the ended sessions, a slice at a time: the switch may have
 * had all of them. */

size_t live_flush_put(struct live *live, const struct switch_flush *flush)
{
    size_t same = 0, first = SIZE_MAX;
    for (size_t i = live->flush_count; i-- > 0;) {
        if (strcmp(live->flushes[i].switch_name, flush->switch_name) != 0)
            continue;
        if (live->flushes[i].at.us == flush->at.us) { /* said twice */
            live->flushes[i] = *flush;
            return i;
        }
        first = i;
        same++;
    }
    if (same >= LIMIT_FLUSHES_A_SWITCH) { /* its oldest */
        memmove(&live->flushes[first], &live->flushes[first + 1],
                (live->flush_count - first - 1) * sizeof *live->flushes);
        live->flush_count--;
    }
    if (live->flush_count >= LIMIT_LIVE_FLUSHES) {
        live->counts.full++;
        return SIZE_MAX;
    }
    live->flushes =
        alloc_grow(live->flushes, live->flush_count, &live->flush_capacity, sizeof *live->flushes);
    live->flushes[live->flush_count] = *flush;
    return live->flush_count++;
}

/* --- which are due --- */

/* The times that a change of what flushes hold is looked for in. */
static bool is_due(const struct live *live, const struct switch_flush *flush)
{
    int64_t end = world_flush_end(&live->base->view, flush);
    return (flush->at.us >= live->flush_from.us && flush->at.us <= live->flush_to.us) ||
           (end >= live->flush_from.us && end <= live->flush_to.us);
}

/* Sets when the next hold after `from` is over. */
static void set_next(struct live *live, struct wall from)
{
    live->flush_next = WALL_UNKNOWN;
    for (size_t i = 0; i < live->flush_count; i++) {
        int64_t end = world_flush_end(&live->base->view, &live->flushes[i]);
        if (end > from.us && (!wall_known(live->flush_next) || end < live->flush_next.us))
            live->flush_next.us = end;
    }
}

/* Judges the switch by the last of its flushes. */
static void judge_switch(struct live *live, const char *name, struct wall now, struct live_out *out)
{
    struct world *view = &live->base->view;
    uint32_t index = world_find_switch(view, name);
    if (index == WORLD_NONE)
        return;
    size_t last = live->flush_count, first = out->list->count;
    while (last > 0 && strcmp(live->flushes[last - 1].switch_name, name) != 0)
        last--;
    view->in.flushes = live->flushes;
    view->in.flush_count = live->flush_count;
    view->in.now = now;
    if (last > 0 && now.us < world_flush_end(view, &live->flushes[last - 1])) {
        struct judge *judge = judge_new(view, now, NULL, out->list, live->base->hypervisors);
        judge_flush(judge, index, (uint32_t)last - 1);
        judge_free(judge);
    }
    live_compare(live, live_switch_key(index), first, true, now, out);
}

/* A table that was read within the hold proves no absence: only the next one does. */
static void wish_poll(const struct live *live, const struct switch_flush *flush,
                      struct live_out *out)
{
    const struct world *view = &live->base->view;
    uint32_t index = world_find_switch(view, flush->switch_name);
    if (index == WORLD_NONE || view->switches[index].table == NULL ||
        view->switches[index].started_us >= world_flush_end(view, flush))
        return;
    struct live_wish wish = {.kind = LIVE_WISH_POLL, .mac = MAC_NONE, .why = "flush"};
    live_wish_switch(&wish, flush->switch_name);
    live_wish(out, &wish);
}

/* --- looking --- */

/* Looks at all flushes that began or ended from `from` to `to`, and begins to look at the
 * sessions that ended in them. */
static void look_from(struct live *live, struct wall from, struct wall to)
{
    if (live->flush_left == 0 || from.us < live->flush_from.us)
        live->flush_from = from;
    live->flush_to = to;
    live->flush_left = live->departed_count;
}

/* Whether a flush that is due holds, or held, that the session's guest has gone. */
static bool is_concerned(const struct live *live, const struct heard_fact *fact)
{
    for (size_t i = 0; mac_known(fact->mac) && i < live->flush_count; i++)
        if (is_due(live, &live->flushes[i]) &&
            judge_flush_covers(&live->base->view, &live->flushes[i], fact))
            return true;
    return false;
}

static void look_some(struct live *live, struct wall now, struct live_out *out)
{
    enum { LOOKS_A_TICK = 4096, JUDGED_A_TICK = 64 };
    unsigned judged = 0;
    if (live->flush_left > live->departed_count) /* they were moved together */
        live->flush_left = live->departed_count;
    for (int i = 0; i < LOOKS_A_TICK && judged < JUDGED_A_TICK && live->flush_left > 0; i++) {
        if (live->flush_look >= live->departed_count)
            live->flush_look = 0;
        const struct heard_fact *departed = &live->departed[live->flush_look++];
        live->flush_left--;
        if (!is_concerned(live, departed))
            continue;
        live_depart_again(live, departed, now, out);
        judged++;
    }
}

void live_flushes_world(struct live *live, struct wall now, struct live_out *out)
{
    live->flush_left = 0;
    look_from(live, live->exported, now);
    for (size_t i = 0; i < live->flush_count; i++)
        if (is_due(live, &live->flushes[i]))
            judge_switch(live, live->flushes[i].switch_name, now, out);
    set_next(live, now);
}

void live_flushes_due(struct live *live, struct wall now, struct live_out *out)
{
    if (wall_known(live->flush_next) && live->flush_next.us <= now.us) {
        struct wall from = live->flush_next;
        for (size_t i = 0; i < live->flush_count; i++) {
            int64_t end = world_flush_end(&live->base->view, &live->flushes[i]);
            if (end < from.us || end > now.us)
                continue;
            judge_switch(live, live->flushes[i].switch_name, now, out);
            wish_poll(live, &live->flushes[i], out);
        }
        look_from(live, from, now);
        set_next(live, now);
    }
    look_some(live, now, out);
}

/* --- hints --- */

static void flush(struct live *live, const struct event *event, struct wall now,
                  struct live_out *out)
{
    const struct switch_flush flushed = {.switch_name = live_text(live, event->switch_name),
                                         .at = now,
                                         .hint = event->hint,
                                         .source = live_text(live, event->source)};
    if (live_flush_put(live, &flushed) == SIZE_MAX)
        return;
    live_note(out, &(struct live_note){.kind = LIVE_NOTE_FLUSH,
                                       .id = presence_mac(MAC_NONE),
                                       .at = now,
                                       .until = WALL_UNKNOWN,
                                       .switch_name = flushed.switch_name,
                                       .hint = flushed.hint,
                                       .source = flushed.source});
    if (live->base == NULL)
        return;
    judge_switch(live, flushed.switch_name, now, out);
    int64_t end = world_flush_end(&live->base->view, &flushed);
    if (!wall_known(live->flush_next) || end < live->flush_next.us)
        live->flush_next.us = end;
    look_from(live, now, now);
    look_some(live, now, out);
}

/* A restart proves nothing of a guest, but what its table lacks proves nothing either. */
void live_hint(struct live *live, const struct event *event, struct wall now, struct live_out *out)
{
    bool somewhere = event->switch_name != NULL && event->switch_name[0] != '\0';
    if (mac_known(event->mac)) {
        live_wish_probe(live, event->mac, event->switch_name, "trap", now, out);
        return;
    }
    if (!somewhere)
        return;
    if (event->hint == EVENT_HINT_RESTART || event->hint == EVENT_HINT_TOPOLOGY_CHANGE)
        flush(live, event, now, out);
    struct live_wish wish = {
        .kind = LIVE_WISH_POLL, .mac = MAC_NONE, .why = event_hint_word(event->hint)};
    live_wish_switch(&wish, live_text(live, event->switch_name));
    live_wish(out, &wish);
}
