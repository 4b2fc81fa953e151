/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/edge_class.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

void edge_class_set(struct world *world, uint32_t port, enum port_class class,
                    enum edge_confidence confidence, enum edge_reason reason, uint32_t other)
{
    struct world_port *root = &world->ports[world->ports[port].root];
    if (root->reason != EDGE_REASON_NONE)
        return;
    root->class = (uint8_t) class;
    root->confidence = (uint8_t)confidence;
    root->reason = (uint8_t)reason;
    root->other = other;
}

static void add_hypervisor(struct world *world, uint32_t port, uint32_t hypervisor)
{
    struct world_port *root = &world->ports[world->ports[port].root];
    if (root->hypervisor == WORLD_NONE)
        root->hypervisor = hypervisor;
    else if (root->hypervisor != hypervisor)
        root->hypervisor = WORLD_SEVERAL;
}

static void class_attachments(struct world *world)
{
    for (uint32_t i = 0; i < world->attachment_count; i++) {
        const struct world_attachment *a = &world->attachments[i];
        if (a->port == WORLD_NONE)
            continue;
        edge_class_set(world, a->port, PORT_CLASS_HYPERVISOR, EDGE_CERTAIN, EDGE_REASON_ATTACHMENT,
                       i);
        add_hypervisor(world, a->port, a->hypervisor);
    }
}

static void class_own_bridges(struct world *world)
{
    for (uint32_t s = 0; s < world->switch_count; s++) {
        const struct world_switch *sw = &world->switches[s];
        for (uint32_t p = 0; sw->hypervisor != WORLD_NONE && p < sw->port_count; p++) {
            uint32_t port = sw->first_port + p;
            if (sw->table->ports[p].uplink || sw->table->ports[p].tunnel) {
                edge_class_set(world, port, PORT_CLASS_INTER_SWITCH, EDGE_CERTAIN,
                               sw->table->ports[p].uplink ? EDGE_REASON_UPLINK : EDGE_REASON_TUNNEL,
                               s);
                continue;
            }
            edge_class_set(world, port, PORT_CLASS_HYPERVISOR, EDGE_CERTAIN, EDGE_REASON_OWN_BRIDGE,
                           sw->hypervisor);
            add_hypervisor(world, port, sw->hypervisor);
        }
    }
}

/* --- neighbours (DESIGN section 8 point 8) --- */

/* The same system by name: without case, and with or without the domain. */
static bool same_system(const char *one, const char *other)
{
    if (one[0] == '\0' || other[0] == '\0')
        return false;
    if (strcasecmp(one, other) == 0)
        return true;
    size_t short_one = strcspn(one, "."), short_other = strcspn(other, ".");
    if (short_one == 0 || short_one != short_other || strncasecmp(one, other, short_one) != 0)
        return false;
    return one[short_one] == '\0' || other[short_other] == '\0';
}

static uint32_t neighbour_hypervisor(const struct world *world, const struct neighbour *n,
                                     const char *system)
{
    for (uint32_t h = 0; h < world->hypervisor_count; h++)
        if (same_system(system, world->hypervisors[h].name))
            return h;
    for (int i = 0; i < 2; i++) {
        struct mac mac = i == 0 ? n->chassis : n->remote_port_mac;
        uint32_t nic = mac_known(mac) ? world_find_hypervisor_nic(world, mac.bits) : WORLD_NONE;
        if (nic != WORLD_NONE)
            return world->hypervisor_nics[nic].hypervisor;
    }
    return WORLD_NONE;
}

static uint32_t neighbour_switch(const struct world *world, const struct neighbour *n,
                                 const char *system, uint32_t self, const struct map *own)
{
    uint32_t by_mac = mac_known(n->chassis) ? map_find(own, n->chassis.bits) : MAP_NO_VALUE;
    if (by_mac != MAP_NO_VALUE && by_mac != self)
        return by_mac;
    for (uint32_t s = 0; s < world->switch_count; s++) {
        const struct world_switch *sw = &world->switches[s];
        if (s == self || !sw->configured || sw->hypervisor != WORLD_NONE)
            continue;
        if (same_system(system, sw->name) ||
            (sw->table != NULL && same_system(system, sw->table->sys_name)))
            return s;
    }
    return WORLD_NONE;
}

static void class_neighbours(struct world *world, const struct map *own, bool hypervisors)
{
    for (uint32_t s = 0; s < world->switch_count; s++) {
        const struct forward_table *table = world->switches[s].table;
        for (size_t i = 0; table != NULL && i < table->neighbour_count; i++) {
            const struct neighbour *n = &table->neighbours[i];
            if (n->port >= table->port_count)
                continue;
            const char *system = names_get(table->names, n->system);
            uint32_t port = world->switches[s].first_port + n->port;
            if (hypervisors) {
                uint32_t hv = neighbour_hypervisor(world, n, system);
                if (hv == WORLD_NONE || world->ports[world->ports[port].root].reason != 0)
                    continue;
                edge_class_set(world, port, PORT_CLASS_HYPERVISOR, EDGE_CERTAIN,
                               EDGE_REASON_NEIGHBOUR_HYPERVISOR, hv);
                add_hypervisor(world, port, hv);
                continue;
            }
            uint32_t other = neighbour_switch(world, n, system, s, own);
            if (other != WORLD_NONE)
                edge_class_set(world, port, PORT_CLASS_INTER_SWITCH, EDGE_CERTAIN,
                               EDGE_REASON_NEIGHBOUR_SWITCH, other);
        }
    }
}

/* --- what the topology tables say --- */

static void class_recorded(struct world *world, const struct record_set *set)
{
    for (size_t i = 0; i < set->port_count; i++) {
        const struct record_port *row = &set->ports[i];
        uint32_t port = world_find_port(world, names_get(set->names, row->switch_name),
                                        names_get(set->names, row->port));
        if (port == WORLD_NONE || row->role == PORT_ROLE_UNKNOWN)
            continue;
        enum port_class class = row->role == PORT_ROLE_INTER_SWITCH ? PORT_CLASS_INTER_SWITCH
                                : row->role == PORT_ROLE_HYPERVISOR ? PORT_CLASS_HYPERVISOR
                                                                    : PORT_CLASS_EDGE;
        edge_class_set(world, port, class, EDGE_CERTAIN, EDGE_REASON_ROLE, row->line);
    }
    for (size_t i = 0; i < set->link_count; i++) {
        const struct record_link *row = &set->links[i];
        const char *a = names_get(set->names, row->switch_a);
        const char *b = names_get(set->names, row->switch_b);
        uint32_t port_a = world_find_port(world, a, names_get(set->names, row->port_a));
        uint32_t port_b = world_find_port(world, b, names_get(set->names, row->port_b));
        if (port_a != WORLD_NONE)
            edge_class_set(world, port_a, PORT_CLASS_INTER_SWITCH, EDGE_CERTAIN, EDGE_REASON_LINK,
                           world_find_switch(world, b));
        if (port_b != WORLD_NONE)
            edge_class_set(world, port_b, PORT_CLASS_INTER_SWITCH, EDGE_CERTAIN, EDGE_REASON_LINK,
                           world_find_switch(world, a));
    }
}

static void class_tunnels(struct world *world)
{
    for (uint32_t s = 0; s < world->switch_count; s++)
        for (uint32_t p = 0; p < world->switches[s].port_count; p++)
            if (world->switches[s].table->ports[p].tunnel)
                edge_class_set(world, world->switches[s].first_port + p, PORT_CLASS_INTER_SWITCH,
                               EDGE_CERTAIN, EDGE_REASON_TUNNEL, WORLD_NONE);
}

/* --- other managed switches' own addresses --- */

static void collect_own_macs(const struct world *world, struct map *own)
{
    for (uint32_t s = 0; s < world->switch_count; s++) {
        const struct world_switch *sw = &world->switches[s];
        for (size_t i = 0;
             sw->table != NULL && sw->hypervisor == WORLD_NONE && i < sw->table->own_mac_count; i++)
            if (mac_is_station(sw->table->own_macs[i]) &&
                world_find_hypervisor_nic(world, sw->table->own_macs[i].bits) == MAP_NO_VALUE)
                map_put_new(own, sw->table->own_macs[i].bits, s);
    }
}

/* Streams the rows on ports that nothing was said of yet. */
static void class_own_macs(struct world *world, const struct map *own)
{
    for (uint32_t s = 0; own->count > 0 && s < world->switch_count; s++) {
        const struct world_switch *sw = &world->switches[s];
        bool *open = alloc_zeroed(sw->port_count + 1, sizeof *open), any = false;
        for (uint32_t p = 0; p < sw->port_count; p++) {
            open[p] = world->ports[world->ports[sw->first_port + p].root].reason == 0;
            any = any || open[p];
        }
        for (size_t i = 0; any && i < sw->table->row_count; i++) {
            const struct forward_row *row = &sw->table->rows[i];
            if (row->port >= sw->port_count || !open[row->port] || !world_row_counts(row))
                continue;
            uint32_t other = map_find(own, forward_row_mac(row).bits);
            if (other != MAP_NO_VALUE && other != s &&
                strcmp(world->switches[other].name, sw->name) != 0)
                edge_class_set(world, sw->first_port + row->port, PORT_CLASS_INTER_SWITCH,
                               EDGE_CERTAIN, EDGE_REASON_OWN_MAC, other);
        }
        free(open);
    }
}

static void find_known_topology(struct world *world)
{
    uint32_t *switches_of_site = alloc_zeroed(world->site_count, sizeof *switches_of_site);
    for (uint32_t s = 0; s < world->switch_count; s++)
        switches_of_site[world->switches[s].site] +=
            world->switches[s].configured && world->switches[s].hypervisor == WORLD_NONE;
    for (uint32_t s = 0; s < world->switch_count; s++) {
        struct world_switch *sw = &world->switches[s];
        bool known = sw->hypervisor != WORLD_NONE;
        for (uint32_t p = 0; p < sw->port_count && !known; p++) {
            const struct world_port *root = &world->ports[world->ports[sw->first_port + p].root];
            known = root->class == PORT_CLASS_INTER_SWITCH ||
                    (root->reason == EDGE_REASON_ROLE && root->class == PORT_CLASS_EDGE);
        }
        sw->edges_assumed = !known && switches_of_site[sw->site] == 1;
        sw->topology_known = known || sw->edges_assumed;
    }
    free(switches_of_site);
}

static void class_rest(struct world *world)
{
    for (uint32_t port = 0; port < world->port_count; port++) {
        const struct world_switch *sw = &world->switches[world->ports[port].switch_index];
        if (sw->topology_known)
            edge_class_set(world, port, PORT_CLASS_EDGE,
                           sw->topology_told ? EDGE_CERTAIN : EDGE_LIKELY, EDGE_REASON_NO_LINK,
                           WORLD_NONE);
        else
            edge_class_set(world, port, PORT_CLASS_UNDECIDED, EDGE_LIKELY, EDGE_REASON_NO_TOPOLOGY,
                           WORLD_NONE);
    }
    for (uint32_t port = 0; port < world->port_count; port++) {
        const struct world_port *root = &world->ports[world->ports[port].root];
        struct world_port *to = &world->ports[port];
        to->class = root->class;
        to->confidence = root->confidence;
        to->reason = root->reason;
        to->other = root->other;
        to->hypervisor = root->hypervisor;
    }
}

void edge_build(struct world *world)
{
    for (uint32_t port = 0; port < world->port_count; port++)
        world->ports[port].class = PORT_CLASS_UNDECIDED;
    struct map own = MAP_EMPTY;
    collect_own_macs(world, &own);
    class_attachments(world);
    class_own_bridges(world);
    class_neighbours(world, &own, true);
    class_neighbours(world, &own, false);
    for (size_t i = 0; i < world->in.record_count; i++)
        class_recorded(world, world->in.records[i]);
    class_tunnels(world);
    class_own_macs(world, &own);
    find_known_topology(world);
    for (uint32_t s = 0; s < world->switch_count; s++)
        world->switches[s].topology_told = world->switches[s].topology_known;
    edge_infer(world);
    find_known_topology(world);
    class_rest(world);
    map_done(&own);
}

static const char *switch_name(const struct world *world, uint32_t index)
{
    return index < world->switch_count ? world->switches[index].name : "another switch";
}

const char *edge_class_why(const struct world *world, uint32_t port, struct arena *arena)
{
    const struct world_port *p = &world->ports[port];
    switch ((enum edge_reason)p->reason) {
    case EDGE_REASON_ATTACHMENT:
        return arena_printf(arena, "the attachments name it as a port of %s",
                            p->hypervisor == WORLD_SEVERAL
                                ? "several hypervisors"
                                : world->hypervisors[world->attachments[p->other].hypervisor].name);
    case EDGE_REASON_OWN_BRIDGE:
        return arena_printf(arena, "it is a port of the bridge inside %s",
                            world->hypervisors[p->other].name);
    case EDGE_REASON_UPLINK:
        return "it leads out of the hypervisor";
    case EDGE_REASON_NEIGHBOUR_HYPERVISOR:
        return arena_printf(arena, "its LLDP or CDP neighbour is the hypervisor %s",
                            world->hypervisors[p->other].name);
    case EDGE_REASON_NEIGHBOUR_SWITCH:
        return arena_printf(arena, "its LLDP or CDP neighbour is the managed switch %s",
                            switch_name(world, p->other));
    case EDGE_REASON_ROLE:
        return "the table of ports gives it this role";
    case EDGE_REASON_LINK:
        return arena_printf(arena, "a recorded link leads from it to %s",
                            switch_name(world, p->other));
    case EDGE_REASON_TUNNEL:
        return "it is a tunnel: what is behind it is attached elsewhere";
    case EDGE_REASON_OWN_MAC:
        return arena_printf(arena, "an address of %s itself was learnt on it",
                            switch_name(world, p->other));
    case EDGE_REASON_INFERRED:
        return arena_printf(arena,
                            "the forward tables show that it leads to %s: what %s has on several "
                            "ports is all behind this one",
                            switch_name(world, p->other), switch_name(world, p->other));
    case EDGE_REASON_NO_LINK:
        return "nothing says that it leads to another switch";
    case EDGE_REASON_SESSION:
        return "sessions are kept there, as a switch does at an edge";
    case EDGE_REASON_NOWHERE:
        return "where it came from is not known";
    case EDGE_REASON_NONE:
    case EDGE_REASON_NO_TOPOLOGY:
        break;
    }
    return "no link of its switch is known, so it may lead to another one";
}
