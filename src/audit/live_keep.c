/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/live_inside.h"
#include "base/alloc.h"
#include "base/limits.h"

/* What is kept for judging a round again, and what a restart puts back. */

/* --- notes --- */

void live_note(struct live_out *out, const struct live_note *note)
{
    out->notes = alloc_grow(out->notes, out->note_count, &out->note_capacity, sizeof *out->notes);
    out->notes[out->note_count++] = *note;
}

void live_note_expired(const struct live *live, const struct presence_row *row,
                       struct live_out *out)
{
    const struct heard_origin *origin = live_origin(live, row->place);
    if (origin == NULL)
        return; /* nobody knows whose word it was: its row in the store stays as it is */
    live_note(out, &(struct live_note){.kind = LIVE_NOTE_EXPIRED,
                                       .id = row->id,
                                       .at = row->expires,
                                       .until = WALL_UNKNOWN,
                                       .source = origin->source,
                                       .type = origin->type,
                                       .nas = origin->nas,
                                       .session = row->session});
}

/* --- for judging again --- */

static bool has_vlan(const struct world *world, uint32_t expected, vlan_set heard)
{
    return expected == 0 || heard == VLAN_SET_UNKNOWN ||
           world_vlans_overlap(world, (uint16_t)expected, heard);
}

/* Whether nothing is said of the address, and nothing would be but for the fact's being there:
 * by the same tests as the sweep's and the arrival's. */
static bool is_steady(const struct live_base *base, const struct world_heard *heard)
{
    const struct world *world = base->world;
    uint64_t mac = heard->fact->mac.bits;
    const struct mac_slot *slot = mac_index_find(&world->index, mac);
    uint32_t tag = slot != NULL ? (uint32_t)(slot->key >> 48) : 0;
    if (heard->fact->end != HEARD_OPEN || !heard->present || heard->fact->polled)
        return false;
    if (slot == NULL)
        return !sweep_is_suspect(world, mac) && !live_stands(base, NULL, mac);
    if (tag & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE))
        return true;
    if ((tag & (MAC_TAG_SLOW | MAC_TAG_ALSO_NIC)) || live_stands(base, slot, mac) ||
        live_has_odd_rows(base, slot, mac))
        return false;
    if (heard->on == world->nowhere)
        return true;
    return heard->on < base->fast_count && base->fast[heard->on] == slot->owner &&
           has_vlan(world, tag & MAC_TAG_VLAN, heard->vlan);
}

/* Whether the store has it as a session of its address: a frame that was overheard is none, and
 * neither is that a guest is bound, which is its home address's. */
static bool is_session(const struct heard_fact *fact)
{
    return heard_is_session(fact->origin) &&
           presence_source_parse(fact->origin->type) != PRESENCE_MOBILE_IP;
}

void live_base_keep(const struct live_base *base, uint8_t *ret_keep)
{
    const struct world *world = base->world;
    struct map odd = MAP_EMPTY;
    memset(ret_keep, HEARD_KEEP_NOT, world->in.heard_count);
    for (uint32_t i = 0; i < world->heard_count; i++)
        if (world->heard[i].fact != NULL && !is_steady(base, &world->heard[i]))
            map_put(&odd, world->heard[i].fact->mac.bits, 1);
    for (uint32_t i = 0; i < world->heard_count; i++) {
        const struct heard_fact *fact = world->heard[i].fact;
        if (fact == NULL)
            continue;
        bool whole = odd.count > 0 && map_find(&odd, fact->mac.bits) != MAP_NO_VALUE;
        ret_keep[fact - world->in.heard] = whole              ? HEARD_KEEP_WHOLE
                                           : is_session(fact) ? HEARD_KEEP_NOT
                                                              : HEARD_KEEP_STEADY;
    }
    map_done(&odd);
}

/* --- for a restart --- */

void live_restore_departed(struct live *live, const struct heard_fact *fact, struct wall now)
{
    uint32_t place = live_origin_of(live, fact->origin, live_origin_key(fact->origin));
    if (place == PRESENCE_NONE || live_departed_find(live, fact->mac.bits) != NULL)
        return;
    struct heard_fact mine = *fact;
    mine.origin = live_origin(live, place);
    mine.cause = fact->cause != NULL ? live_text(live, fact->cause) : NULL;
    mine.session = NULL;
    live_departed_add(live, &mine, now);
}

void live_restore_window(struct live *live, const struct migration_window *window, struct wall now)
{
    bool over = window->deadline.us <= now.us;
    if (live->window_total >= LIMIT_LIVE_WINDOWS || (over && live->window_count > 0)) {
        live->counts.full++;
        return;
    }
    live->windows = alloc_grow(live->windows, live->window_total, &live->window_capacity,
                               sizeof *live->windows);
    live->windows[live->window_total] =
        (struct window_state){.window = *window,
                              .rest_until = {window->deadline.us + live->options.window_rest.us},
                              .judged = over}; /* by the first round */
    map_put(&live->window_of, window->mac.bits, (uint32_t)live->window_total++);
    if (over)
        live->window_first = live->window_total;
    else
        live->window_count++;
}

void live_restore_flush(struct live *live, const struct switch_flush *flush)
{
    const struct switch_flush mine = {.switch_name = live_text(live, flush->switch_name),
                                      .at = flush->at,
                                      .hint = flush->hint,
                                      .source = live_text(live, flush->source)};
    (void)live_flush_put(live, &mine);
}
