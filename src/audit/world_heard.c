/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "audit/edge_class.h"
#include "audit/presence.h"
#include "audit/world_view.h"
#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "model/port_name.h"

/* What was heard, tied to the ports of the world: see struct world_heard. */

/* --- places --- */

static uint64_t place_key(const char *switch_name, const char *port)
{
    uint64_t first = hash_bytes(switch_name, strlen(switch_name), hash_seed());
    return hash_bytes(port, strlen(port), first) >> 1;
}

/* Appends an entry without fact that is a logical port by itself. */
static uint32_t add_named(struct world *world, uint32_t switch_index, const char *name)
{
    uint32_t number = world_port_end(world);
    size_t capacity = world->heard_capacity;
    world->heard =
        alloc_grow(world->heard, world->heard_count, &world->heard_capacity, sizeof *world->heard);
    if (world->heard_capacity != capacity)
        world->ports = alloc_resize(world->ports, world->port_count + world->heard_capacity + 1,
                                    sizeof *world->ports);
    world->heard[world->heard_count++] =
        (struct world_heard){.port_name = name, .on = number, .next = WORLD_NONE};
    world->ports[number] = (struct world_port){.switch_index = switch_index,
                                               .root = number,
                                               .hypervisor = WORLD_NONE,
                                               .class = PORT_CLASS_EDGE,
                                               .confidence = EDGE_LIKELY,
                                               .reason = EDGE_REASON_SESSION,
                                               .other = WORLD_NONE,
                                               .place_of = WORLD_NONE};
    return number;
}

/* A port that no table has, by its canonical name on its switch; WORLD_NONE. */
static uint32_t find_named(const struct world *world, uint32_t switch_index, const char *port)
{
    char canonical[PORT_NAME_SIZE];
    if (strlen(port) >= PORT_NAME_SIZE)
        return WORLD_NONE;
    return map_find(&world->heard_places, place_key(world->switches[switch_index].name,
                                                    port_name_canonical(port, canonical)));
}

static uint32_t put_named(struct world *world, uint32_t switch_index, const char *port)
{
    char canonical[PORT_NAME_SIZE];
    uint32_t number = find_named(world, switch_index, port);
    if (number != MAP_NO_VALUE || strlen(port) >= PORT_NAME_SIZE ||
        world->heard_places.count >= LIMIT_HEARD_PLACES)
        return number;
    number = add_named(world, switch_index, arena_text(world->arena, port, strlen(port)));
    map_put(&world->heard_places,
            place_key(world->switches[switch_index].name, port_name_canonical(port, canonical)),
            number);
    return number;
}

static bool is_unread(const struct world *world, uint32_t switch_index)
{
    for (uint32_t s = switch_index; s != WORLD_NONE; s = world->switches[s].next_same)
        if (world->switches[s].table != NULL)
            return false;
    return true;
}

static void attach(struct world *world, uint32_t port, uint32_t attachment)
{
    struct world_port *p = &world->ports[port];
    uint32_t hypervisor = world->attachments[attachment].hypervisor;
    p->class = PORT_CLASS_HYPERVISOR;
    p->confidence = EDGE_CERTAIN;
    p->reason = EDGE_REASON_ATTACHMENT;
    p->other = attachment;
    if (p->place_of == WORLD_NONE || p->place_of == hypervisor) {
        p->place_of = p->hypervisor = hypervisor;
        return;
    }
    if (p->place_of != WORLD_SEVERAL)
        map_put(&world->places, (uint64_t)port << 32 | p->place_of, 1);
    p->place_of = p->hypervisor = WORLD_SEVERAL;
    map_put(&world->places, (uint64_t)port << 32 | hypervisor, 1);
}

static void name_attachments(struct world *world)
{
    for (uint32_t i = 0; i < world->attachment_count; i++) {
        const struct world_attachment *a = &world->attachments[i];
        if (a->switch_index == WORLD_NONE || a->port != WORLD_NONE ||
            !is_unread(world, a->switch_index))
            continue;
        uint32_t port = put_named(world, a->switch_index, a->port_name);
        if (port != MAP_NO_VALUE)
            attach(world, port, i);
    }
}

/* A LAG of a switch that was not read: its aggregate and its members are one port, once
 * one of them is an attachment. */
static void name_lag(struct world *world, const struct record_set *set,
                     const struct record_lag *lag)
{
    const char *aggregate = names_get(set->names, lag->aggregate);
    const char *member = names_get(set->names, lag->member);
    uint32_t index = world_find_switch(world, names_get(set->names, lag->switch_name));
    if (index == WORLD_NONE || !is_unread(world, index))
        return;
    uint32_t one = find_named(world, index, aggregate), other = find_named(world, index, member);
    if ((one == MAP_NO_VALUE) == (other == MAP_NO_VALUE))
        return;
    uint32_t known = one != MAP_NO_VALUE ? one : other;
    uint32_t new = put_named(world, index, one != MAP_NO_VALUE ? member : aggregate);
    if (new != MAP_NO_VALUE)
        world->ports[new] = world->ports[known];
}

/* Ports of switches that were not read, which lead to another switch. */
static void name_links(struct world *world, const struct record_set *set)
{
    for (size_t i = 0; i < set->link_count; i++) {
        const struct record_link *link = &set->links[i];
        const uint32_t names[2][2] = {{link->switch_a, link->port_a},
                                      {link->switch_b, link->port_b}};
        for (int k = 0; k < 2; k++) {
            uint32_t index = world_find_switch(world, names_get(set->names, names[k][0]));
            if (index == WORLD_NONE || !is_unread(world, index))
                continue;
            uint32_t port = put_named(world, index, names_get(set->names, names[k][1]));
            if (port == MAP_NO_VALUE || world->ports[port].class == PORT_CLASS_HYPERVISOR)
                continue;
            world->ports[port].class = PORT_CLASS_INTER_SWITCH;
            world->ports[port].reason = EDGE_REASON_LINK;
            world->ports[port].other =
                world_find_switch(world, names_get(set->names, names[1 - k][0]));
        }
    }
}

void world_heard_open(struct world *world)
{
    uint32_t index = world->switch_count; /* beyond all: nothing walks over it */
    world->switches =
        alloc_resize(world->switches, world->switch_count + 1, sizeof *world->switches);
    world->switches[index] = (struct world_switch){.name = "",
                                                   .hypervisor = WORLD_NONE,
                                                   .next_same = WORLD_NONE,
                                                   .ageing_us = FORWARD_DEFAULT_AGEING.us,
                                                   .ageing_assumed = true,
                                                   .started_us = WALL_UNKNOWN.us,
                                                   .ended_us = WALL_UNKNOWN.us,
                                                   .last_read_us = WALL_UNKNOWN.us};
    world->nowhere = add_named(world, index, "");
    world->ports[world->nowhere].class = PORT_CLASS_INTER_SWITCH;
    world->ports[world->nowhere].reason = EDGE_REASON_NOWHERE;
    name_attachments(world);
    for (size_t s = 0; s < world->in.record_count; s++) {
        const struct record_set *set = world->in.records[s];
        name_links(world, set);
        for (size_t i = 0; i < set->lag_count; i++)
            name_lag(world, set, &set->lags[i]);
    }
}

uint32_t world_heard_place(struct world *world, const char *switch_name, const char *port)
{
    if (switch_name == NULL || switch_name[0] == '\0' || port == NULL || port[0] == '\0')
        return world->nowhere;
    uint64_t key = place_key(switch_name, port);
    uint32_t known = map_find(&world->heard_places, key);
    if (known != MAP_NO_VALUE)
        return known;
    uint32_t index = world_find_switch(world, switch_name);
    uint32_t number = index != WORLD_NONE ? world_find_port(world, switch_name, port) : WORLD_NONE;
    if (number == WORLD_NONE && index != WORLD_NONE && is_unread(world, index))
        number = put_named(world, index, port);
    if (number == WORLD_NONE)
        number = world->nowhere;
    if (world->heard_places.count < LIMIT_HEARD_PLACES)
        map_put(&world->heard_places, key, number);
    return number;
}

/* --- facts --- */

static bool is_present(const struct world *world, const struct heard_fact *fact)
{
    if (fact->proof == EVENT_PROOF_HINT)
        return false;
    if (fact->end == HEARD_RESET) /* its keeper has restarted: that is no news of the guest yet */
        return wall_known(fact->expires) && fact->expires.us > world->in.now.us &&
               fact->last.us >= fact->ended.us;
    if (fact->end != HEARD_OPEN)
        return false;
    if (fact->polled)
        return true;
    if (wall_known(fact->expires))
        return fact->expires.us > world->in.now.us;
    return fact->last.us + world->options.heard_hold.us > world->in.now.us;
}

/* Whether whole tables of the session's site, all read later than ageing and skew after its last
 * frame, know better: what they show of the address speaks for itself, and what they do not show is
 * not there, however long a NAS keeps the session open. */
static bool is_outlasted(const struct world *world, const struct heard_fact *fact, uint32_t on)
{
    if (fact->polled || on == world->nowhere ||
        presence_source_parse(fact->origin->type) != PRESENCE_RADIUS)
        return false;
    int64_t read = world->site_read_us[world->switches[world->ports[on].switch_index].site], margin;
    int64_t frame = wall_known(fact->frame) ? fact->frame.us : fact->first.us;
    return read != WALL_UNKNOWN.us && read != INT64_MAX && frame != WALL_UNKNOWN.us &&
           !__builtin_sub_overflow(read, frame, &margin) && margin > 0;
}

bool world_heard_is_outlasted(const struct world *world, const struct world_heard *heard)
{
    return is_outlasted(world, heard->fact, heard->on);
}

uint32_t world_heard_add(struct world *world, const struct heard_fact *fact)
{
    uint32_t on = world_heard_place(world, fact->origin->switch_name, fact->origin->port);
    const char *name = on < world->port_count ? world_port_name(world, on)
                                              : world->heard[on - world->port_count].port_name;
    uint32_t number = add_named(world, world->ports[on].switch_index, name);
    struct world_heard *heard = &world->heard[number - world->port_count];
    world->ports[number] = world->ports[on];
    if (world->ports[number].class == PORT_CLASS_UNDECIDED && fact->proof == EVENT_PROOF_TOLD &&
        !fact->polled) {
        world->ports[number].class = PORT_CLASS_EDGE;
        world->ports[number].reason = EDGE_REASON_SESSION;
    }
    heard->fact = fact;
    heard->on = on;
    heard->open = is_present(world, fact);
    heard->present = heard->open && !is_outlasted(world, fact, on);
    heard->vlan = VLAN_SET_UNKNOWN;
    if (fact->origin->vlan != 0)
        heard->vlan = vlan_pool_add(world->vlans, &(uint32_t){fact->origin->vlan}, 1);
    if (fact->polled)
        heard->window_us = fact->age != FORWARD_AGE_UNKNOWN ? ((int64_t)fact->age + 1) * 1000000
                                                            : world_ageing(world, number);
    heard->next = map_find(&world->heard_of_mac, fact->mac.bits);
    map_put(&world->heard_of_mac, fact->mac.bits, number - world->port_count);
    return number;
}

void world_heard_cut(struct world *world, uint32_t count)
{
    uint32_t kept = count;
    for (uint32_t i = count; i < world->heard_count; i++)
        if (world->heard[i].fact == NULL)
            kept = i + 1; /* a port by name: what is before it stays in place */
    for (uint32_t i = count; i < kept; i++)
        world->heard[i].fact = NULL;
    world->heard_count = kept;
    map_done(&world->heard_of_mac);
}

const struct world_heard *world_heard_of(const struct world *world, uint64_t mac)
{
    uint32_t number =
        world->heard_of_mac.count > 0 ? map_find(&world->heard_of_mac, mac) : MAP_NO_VALUE;
    return number != MAP_NO_VALUE ? &world->heard[number] : NULL;
}

const struct world_heard *world_heard_next(const struct world *world,
                                           const struct world_heard *heard)
{
    return heard->next != WORLD_NONE ? &world->heard[heard->next] : NULL;
}

bool world_in_window(const struct world *world, uint64_t mac)
{
    uint32_t number = world->windows.count > 0 ? map_find(&world->windows, mac) : MAP_NO_VALUE;
    if (number == MAP_NO_VALUE)
        return false;
    const struct migration_window *window = &world->in.windows[number];
    return window->opened.us <= world->in.now.us && world->in.now.us < window->deadline.us;
}

int64_t world_flush_end(const struct world *world, const struct switch_flush *flush)
{
    uint32_t index = world_find_switch(world, flush->switch_name);
    int64_t ageing =
        index != WORLD_NONE ? world->switches[index].ageing_us : FORWARD_DEFAULT_AGEING.us;
    return flush->at.us + ageing;
}

void world_build_heard(struct world *world)
{
    for (size_t i = 0; i < world->in.window_count; i++)
        map_put(&world->windows, world->in.windows[i].mac.bits, (uint32_t)i);
    if (world->in.heard_count == 0)
        return;
    world_heard_open(world);
    map_reserve(&world->heard_of_mac, world->in.heard_count);
    for (size_t i = 0; i < world->in.heard_count; i++)
        if (world->in.heard[i].proof != EVENT_PROOF_HINT && mac_known(world->in.heard[i].mac))
            world_heard_add(world, &world->in.heard[i]);
}

void world_free_heard(struct world *world)
{
    free(world->heard);
    map_done(&world->heard_of_mac);
    map_done(&world->heard_places);
    map_done(&world->windows);
}
