/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/live.h"

#include <stdlib.h>
#include <string.h>

#include "audit/live_mobile.h"
#include "base/alloc.h"

/* Beginning and end, the world beneath, and what a round is given. */

void live_options_init(struct live_options *options)
{
    *options = (struct live_options){.window_rest = span_seconds(600),
                                     .storm_window = span_seconds(60),
                                     .departed_for = span_seconds(24 * 3600),
                                     .probes_a_second = 200};
    presence_options_init(&options->presence);
    options->presence.hold = span_seconds(300);
}

struct live *live_new(const struct live_options *options, struct wall now)
{
    struct live *live = alloc_zeroed(1, sizeof *live);
    live->options = *options;
    live->presence = presence_new(&options->presence, now);
    live->hold = options->presence.hold;
    live->arena = arena_new();
    live->probe_second = live->flush_next = live->exported = WALL_UNKNOWN;
    live->probed_free = live->mobile_free = WORLD_NONE;
    live->reset_next = SIZE_MAX;
    return live;
}

void live_free(struct live *live)
{
    if (live == NULL)
        return;
    live_base_free(live->base);
    presence_free(live->presence);
    for (size_t i = 0; i < live->probed_count; i++)
        free(live->probed[i].facts);
    arena_free(live->arena);
    map_done(&live->text_numbers);
    map_done(&live->origin_of);
    map_done(&live->nas_of);
    mac_list_done(&live->touched);
    for (int i = 0; i < DEPARTED_SHARDS; i++)
        map_done(&live->departed_of[i]);
    map_done(&live->probed_of);
    map_done(&live->window_of);
    map_done(&live->delayed_of);
    map_done(&live->storm_of);
    free(live->texts);
    free(live->origins);
    free(live->origin_nas);
    free(live->departed);
    free(live->probed);
    free(live->windows);
    free(live->flushes);
    free(live->delayed);
    free(live->storms);
    free(live->found);
    free(live->mobiles);
    free(live->recent);
    free(live->again);
    free(live->agents);
    map_done(&live->mobile_of);
    map_done(&live->agent_users);
    free(live->left_agents);
    map_done(&live->left_of);
    free(live);
}

/* --- the out --- */

void live_out_init(struct live_out *out, struct live *live)
{
    *out = (struct live_out){.live = live};
    out->list = alloc_zeroed(1, sizeof *out->list);
    out->arena = arena_new();
}

void live_out_clear(struct live_out *out)
{
    out->note_count = 0;
    if (out->change_count + out->wish_count + out->list->count == 0 && out->live->base != NULL &&
        out->live->base->view.heard_count == out->live->base->heard_base)
        return;
    struct verdict_list *list = out->list;
    list->count = list->sighting_count = list->nic_count = list->mac_count = 0;
    list->member_count = list->unobserved_count = 0;
    out->change_count = out->wish_count = out->said_count = 0;
    arena_free(out->arena);
    out->arena = arena_new();
    if (out->live->base != NULL) {
        world_heard_cut(&out->live->base->view, out->live->base->heard_base);
        out->live->base->heard_base = out->live->base->view.heard_count;
    }
}

void live_out_done(struct live_out *out)
{
    live_out_clear(out);
    verdict_list_done(out->list);
    free(out->list);
    arena_free(out->arena);
    free(out->changes);
    free(out->wishes);
    free(out->notes);
    free(out->said);
    *out = (struct live_out){0};
}

/* --- the world beneath --- */

static void link_rows(struct live_base *base, const struct world_switch *sw)
{
    enum { AHEAD = 32 };
    for (size_t i = 0; i < sw->table->row_count; i++) {
        const struct forward_row *row = &sw->table->rows[i];
        if (i + AHEAD < sw->table->row_count)
            row_links_prefetch(&base->links, row[AHEAD].mac_status >> 16);
        if (row->port >= sw->port_count || !world_row_counts(row))
            continue;
        uint32_t number = row_links_number(&base->links, row->mac_status >> 16);
        if (number == WORLD_NONE)
            continue;
        row_links_add(
            &base->links, number,
            (struct sighting){sw->first_port + row->port, sw->vlans[row->vlan], row->age});
    }
}

static void *copy_of(const void *from, size_t count, size_t more, size_t size)
{
    void *copy = alloc_array(count + more, size);
    memcpy(copy, from, count * size);
    return copy;
}

static struct map copy_map(const struct map *from)
{
    struct map copy = MAP_EMPTY;
    map_reserve(&copy, from->count);
    for (size_t i = 0; from->mask > 0 && i <= from->mask; i++)
        if (from->keys[i] != UINT64_MAX)
            map_put(&copy, from->keys[i], from->values[i]);
    return copy;
}

struct live_base *live_base_new(const struct world *world, const struct sweep *sweep)
{
    struct live_base *base = alloc_zeroed(1, sizeof *base);
    base->world = world;
    base->standing_free = WORLD_NONE;
    struct world *view = &base->view;
    *view = *world;
    view->ports = copy_of(world->ports, world->port_count, 1, sizeof *view->ports);
    view->switches = copy_of(world->switches, world->switch_count, 1, sizeof *view->switches);
    view->places = copy_map(&world->places);
    view->heard = NULL;
    view->heard_count = 0;
    view->heard_capacity = 0;
    view->heard_of_mac = view->heard_places = view->windows = MAP_EMPTY;
    view->in.heard_count = view->in.window_count = view->in.flush_count = 0;
    view->arena = arena_new(); /* names of ports, also when the world's is in use */
    world_heard_open(view);
    base->heard_base = view->heard_count;
    base->fast = sweep_fast_ports(view);
    base->fast_count = world_port_end(view);
    row_links_init(&base->links, world);
    for (uint32_t s = 0; s < world->switch_count; s++)
        if (world->switches[s].table != NULL)
            link_rows(base, &world->switches[s]);
    base->marked = alloc_zeroed(world->nic_count / 64 + 1, sizeof *base->marked);
    base->hypervisors =
        copy_of(sweep->hypervisors, world->hypervisor_count, 1, sizeof *base->hypervisors);
    base->moved = alloc_array(world->hypervisor_count + 1, sizeof *base->moved);
    for (uint32_t h = 0; h < world->hypervisor_count; h++)
        if (base->hypervisors[h] & HYPERVISOR_MOVED)
            base->moved[base->moved_count++] = h;
    live_watch_base(base);
    live_stand_sweep(base, sweep);
    sweep_add_standing(world, WALL_UNKNOWN, &base->wandering);
    base->subnets = subnet_index_new(world->in.records, world->in.record_count);
    base->records_us = INT64_MAX;
    for (size_t i = 0; i < world->in.record_count; i++)
        if (record_set_vouched(world->in.records[i]).us < base->records_us)
            base->records_us = record_set_vouched(world->in.records[i]).us;
    return base;
}

void live_base_free(struct live_base *base)
{
    if (base == NULL)
        return;
    world_free_heard(&base->view);
    map_done(&base->view.places);
    free(base->view.ports);
    free(base->view.switches);
    arena_free(base->view.arena);
    row_links_done(&base->links);
    map_done(&base->standing_of);
    mac_list_done(&base->wandering);
    free(base->fast);
    free(base->standing);
    free(base->marked);
    subnet_index_free(base->subnets);
    free(base->hypervisors);
    free(base->moved);
    free(base->watches);
    free(base->watch_macs);
    map_done(&base->watch_of);
    free(base->port_of);
    free(base->left);
    free(base);
}

static void look_again(struct live *live, uint64_t mac)
{
    live->again =
        alloc_grow(live->again, live->again_count, &live->again_capacity, sizeof *live->again);
    live->again[live->again_count++] = mac;
}

/* What was heard or judged since the export of `base` began is not in its world: it is looked
 * at again, bit by bit, where something stands that the events may have changed. Neither is what
 * probes read since its tables were, which counts on when only the records are newer. */
static void queue_again(struct live *live)
{
    live->again_count = live->again_next = 0;
    for (size_t i = 0; i < live->touched.count; i++)
        look_again(live, live->touched.macs[i]);
    live->again_touched = live->again_count;
    for (size_t i = 0; i < live->probed_count; i++)
        if (live->probed[i].switch_name != NULL)
            look_again(live, live->probed[i].mac);
    for (size_t i = 0; i < live->base->left_count; i++) {
        live_untell(live, live->base->left[i]);
        look_again(live, live->base->left[i]);
    }
    live->again_judged = live->again_count;
    for (size_t i = 0; i < live->recent_count; i++)
        look_again(live, live->recent[i]);
    live->mobile_next = 0;
}

void live_again(struct live *live, struct wall now, struct live_out *out)
{
    enum { LOOKS_A_TICK = 1024, JUDGED_A_TICK = 16 };
    unsigned judged = 0;
    for (int i = 0; i < LOOKS_A_TICK && judged < JUDGED_A_TICK; i++) {
        if (live->again_next == live->again_count)
            break;
        size_t at = live->again_next++;
        uint64_t mac = live->again[at];
        bool ended = mac & RECENT_ENDED;
        mac &= ~RECENT_ENDED;
        const struct mac_slot *slot = mac_index_find(&live->base->world->index, mac);
        if (slot != NULL && (slot->key >> 48 & (MAC_TAG_HYPERVISOR | MAC_TAG_INFRASTRUCTURE)))
            continue;
        if (at >= live->again_judged &&
            (ended ? live_is_settled_plainly(live, slot, (struct mac){mac})
                   : !live_stands(live->base, slot, mac)))
            continue;
        bool probed = at >= live->again_touched && at < live->again_judged;
        live_judge(live, (struct mac){mac}, now, probed ? NULL : "round", out);
        judged++;
    }
    live_mobile_world(live, now, out);
}

struct live_base *live_set_world(struct live *live, struct live_base *base, struct wall now,
                                 struct live_out *out)
{
    live_out_clear(out);
    struct live_base *before = live->base;
    live->base = base;
    live->now = now;
    live->again_count = live->again_next = 0;
    live->mobile_next = live->mobile_count;
    live->reset_next = live->reset_since ? 0 : SIZE_MAX;
    live->flush_left = 0;
    live->flush_next = WALL_UNKNOWN;
    if (base == NULL)
        return before;
    presence_reserve(live->presence, base->world->nic_count);
    live->hold = base->world->options.heard_hold;
    presence_hold_set(live->presence, live->hold);
    live_probed_drop(live, base->world);
    queue_again(live);
    live_flushes_world(live, now, out);
    live_again(live, now, out);
    return before;
}

/* --- export --- */

void live_export_begin(struct live *live, struct wall now, struct live_facts *ret)
{
    *ret = (struct live_facts){.began = now};
    live->exported = now;
    /* Room for all: an array that grows is copied, tens of megabytes in one call. */
    struct presence_counts rows = presence_counts(live->presence);
    ret->heard_capacity = (size_t)rows.live + rows.ended + live->departed_count + 1;
    ret->heard = alloc_array(ret->heard_capacity, sizeof *ret->heard);
    mac_list_done(&live->touched);
    live->touched = (struct mac_list){0};
    live->recent_count = 0;
    live->reset_since = false;
    ret->windows = alloc_zeroed(live->window_count + 1, sizeof *ret->windows);
    for (size_t i = live->window_first; i < live->window_first + live->window_count; i++)
        if (live->windows[i].window.deadline.us > now.us)
            ret->windows[ret->window_count++] = live->windows[i].window;
    ret->flushes = copy_of(live->flushes != NULL ? (const void *)live->flushes : "",
                           live->flush_count, 1, sizeof *ret->flushes);
    ret->flush_count = live->flush_count;
    ret->probed = live_probed_list(live, &ret->probed_count);
}

bool live_export_step(const struct live *live, struct live_facts *facts, size_t most)
{
    struct presence_row row;
    bool more = true;
    for (size_t i = 0; i < most && more; i++) {
        struct heard_fact fact = {.mac = MAC_NONE};
        if (presence_next(live->presence, &facts->cursor, &row)) {
            if (!live_row_tells(&row))
                continue;
            fact = live_fact_of(live, &row);
        } else if (facts->departed < live->departed_count) {
            fact = live->departed[facts->departed++];
        } else {
            more = false;
        }
        if (!mac_known(fact.mac))
            continue;
        facts->heard = alloc_grow(facts->heard, facts->heard_count, &facts->heard_capacity,
                                  sizeof *facts->heard);
        facts->heard[facts->heard_count++] = fact;
    }
    return more;
}

void live_facts_done(struct live_facts *facts)
{
    free(facts->heard);
    free(facts->windows);
    free(facts->flushes);
    free(facts->probed);
    *facts = (struct live_facts){0};
}

/* --- looking --- */

void live_count(const struct live *live, struct live_counts *ret)
{
    *ret = live->counts;
    ret->departed = (uint32_t)live->departed_live;
    ret->open_windows = (uint32_t)live->window_count;
    ret->probed = (uint32_t)live->probed_live;
    ret->places = (uint32_t)live->origin_count;
    ret->standing = live->base != NULL ? (uint32_t)live->base->standing_live : 0;
}

struct presence *live_presence(const struct live *live)
{
    return live->presence;
}

void live_clock_set(struct live *live, struct span by)
{
    const struct span moved = presence_clock_set(live->presence, by);
    for (size_t i = 0; i < live->delayed_count; i++) /* they are known by that instant */
        live->delayed[i].heard = wall_add(live->delayed[i].heard, moved);
    live->now = wall_add(live->now, by);
}

void live_restore(struct live *live, const struct presence_row *row,
                  const struct heard_origin *origin, struct wall now)
{
    struct presence_row mine = *row;
    mine.place = live_origin_of(live, origin, live_origin_key(origin));
    mine.nas = live_nas_of(live, origin->type, origin->nas);
    (void)presence_load(live->presence, &mine, now);
}
