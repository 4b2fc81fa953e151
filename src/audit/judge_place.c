/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/edge_class.h"
#include "audit/judge_view.h"
#include "base/alloc.h"

/* Where a guest is: which ports are places of it, which are one place, and which of its
 * sightings tell a place at all, name its bridge domain, or are another guest's. */

bool judge_has_moved_to(const struct judge *judge, uint32_t port, uint32_t hypervisor)
{
    return judge->moved.count > 0 &&
           map_find(&judge->moved, (uint64_t)judge->world->ports[port].root << 32 | hypervisor) !=
               MAP_NO_VALUE;
}

static bool belongs_to(const struct judge *judge, uint32_t port, uint32_t hypervisor)
{
    return judge->world->ports[port].hypervisor == hypervisor ||
           world_is_place(judge->world, port, hypervisor) ||
           judge_has_moved_to(judge, port, hypervisor);
}

bool judge_is_expected(const struct judge *judge, const struct guest_view *view, uint32_t port)
{
    for (size_t i = 0; i < view->expected_count; i++)
        if (belongs_to(judge, port, view->expected[i]))
            return true;
    return false;
}

bool judge_same_place(const struct judge *judge, uint32_t a, uint32_t b)
{
    const struct world *world = judge->world;
    const struct world_port *x = &world->ports[a], *y = &world->ports[b];
    if (x->root == y->root)
        return true;
    if (x->hypervisor == WORLD_NONE && y->hypervisor == WORLD_NONE)
        return false;
    if (x->hypervisor < WORLD_SEVERAL && belongs_to(judge, b, x->hypervisor))
        return true;
    if (y->hypervisor < WORLD_SEVERAL && belongs_to(judge, a, y->hypervisor))
        return true;
    for (uint32_t h = 0; x->hypervisor == WORLD_SEVERAL && y->hypervisor == WORLD_SEVERAL &&
                         h < world->hypervisor_count;
         h++)
        if (world_is_place(world, a, h) && world_is_place(world, b, h))
            return true;
    return false;
}

static void push(struct sighting **list, size_t *count, size_t *capacity, struct sighting sighting)
{
    *list = alloc_grow(*list, *count, capacity, sizeof **list);
    (*list)[(*count)++] = sighting;
}

static bool is_edge(enum port_class class)
{
    return class == PORT_CLASS_HYPERVISOR || class == PORT_CLASS_EDGE;
}

/* A frame that Muster only overheard could be forged: it counts once a session, or a table
 * read since, bears it out. */
static bool is_borne_out(const struct judge *judge, const struct sighting *sightings, size_t count,
                         size_t at)
{
    const struct world *world = judge->world;
    const struct world_heard *heard = world_heard_at(world, sightings[at].port);
    if (heard == NULL || heard->fact == NULL || heard->fact->proof != EVENT_PROOF_HEARD ||
        judge->trusts_heard)
        return true;
    for (size_t i = 0; i < count; i++) {
        const struct world_heard *other = world_heard_at(world, sightings[i].port);
        int64_t started, ended;
        if (other != NULL && other->fact != NULL && other->fact->proof == EVENT_PROOF_TOLD)
            return true;
        proof_read(world, sightings[i].port, &started, &ended);
        if (other == NULL && ended != WALL_UNKNOWN.us && ended >= heard->fact->first.us)
            return true;
    }
    return false;
}

void judge_split(struct judge *judge, uint32_t site, const struct sighting *sightings, size_t count)
{
    const struct world *world = judge->world;
    judge->edge_count = judge->transit_count = 0;
    judge->heard_only = false;
    size_t undecided = 0;
    uint32_t undecided_root = WORLD_NONE;
    bool one_undecided = true;
    for (size_t i = 0; i < count; i++) {
        const struct world_port *port = &world->ports[sightings[i].port];
        if (site != WORLD_NONE && world->switches[port->switch_index].site != site)
            continue;
        if (sightings[i].port >= world->port_count && !is_borne_out(judge, sightings, count, i)) {
            judge->heard_only = true;
            continue;
        }
        if (is_edge((enum port_class)port->class)) {
            push(&judge->edges, &judge->edge_count, &judge->edge_capacity, sightings[i]);
            continue;
        }
        push(&judge->transit, &judge->transit_count, &judge->transit_capacity, sightings[i]);
        /* with a switch of the site unread, it may be the path to there */
        if (port->class != PORT_CLASS_UNDECIDED ||
            !world->site_whole[world->switches[port->switch_index].site])
            continue;
        undecided++;
        one_undecided =
            one_undecided && (undecided_root == WORLD_NONE || undecided_root == port->root);
        undecided_root = port->root;
    }
    if (judge->edge_count > 0 || undecided == 0 || !one_undecided)
        return;
    /* no better place, and only one that may be it */
    for (size_t i = 0; i < judge->transit_count;) {
        if (world->ports[judge->transit[i].port].class != PORT_CLASS_UNDECIDED) {
            i++;
            continue;
        }
        push(&judge->edges, &judge->edge_count, &judge->edge_capacity, judge->transit[i]);
        judge->transit[i] = judge->transit[--judge->transit_count];
    }
}

/* The number of VLANs in a set; beyond all for the unknown and for a trunk. */
static size_t vlan_width(const struct world *world, uint16_t vlan, uint32_t *ret_lowest)
{
    size_t count = 0;
    const uint32_t *ids = vlan_pool_get(world->vlans, vlan, &count);
    *ret_lowest = count > 0 ? ids[0] : UINT32_MAX;
    return count > 0 ? count : SIZE_MAX;
}

uint16_t judge_domain_vlan(const struct judge *judge, const struct sighting *sighting)
{
    uint16_t best = sighting->vlan;
    uint32_t best_lowest, lowest;
    size_t best_width = vlan_width(judge->world, best, &best_lowest);
    for (size_t i = 0; i < judge->edge_count + judge->transit_count; i++) {
        const struct sighting *other =
            i < judge->edge_count ? &judge->edges[i] : &judge->transit[i - judge->edge_count];
        size_t width = vlan_width(judge->world, other->vlan, &lowest);
        if (!judge_one_domain(judge, sighting, other) || width > best_width ||
            (width == best_width && lowest >= best_lowest))
            continue;
        best = other->vlan;
        best_width = width;
        best_lowest = lowest;
    }
    return best == VLAN_SET_TRUNK ? VLAN_SET_UNKNOWN : best;
}

bool judge_one_domain(const struct judge *judge, const struct sighting *a, const struct sighting *b)
{
    return judge_site_of(judge, a) == judge_site_of(judge, b) &&
           world_vlans_overlap(judge->world, a->vlan, b->vlan);
}

bool judge_no_hypervisor(const struct judge *judge, uint32_t port)
{
    const struct world_port *p = &judge->world->ports[port];
    return p->hypervisor == WORLD_NONE && p->class != PORT_CLASS_HYPERVISOR;
}

bool judge_in_place(const struct judge *judge, const struct sighting *edge)
{
    return !judge->view.located || judge_is_expected(judge, &judge->view, edge->port);
}

/* --- addresses that several guests have --- */

bool judge_is_anothers(struct judge *judge, const struct view_nic *nic, uint32_t port,
                       uint16_t vlan)
{
    const struct world_shared_mac *shared;
    size_t count = world_shared(judge->world, nic->mac, &shared);
    for (size_t i = 0; i < count; i++) {
        uint32_t guest = world_nic_guest(judge->world, shared[i].nic);
        if (judge->world->canonical != NULL)
            guest = judge->world->canonical[guest];
        uint32_t hypervisor = world_nic_hypervisor(judge->world, shared[i].nic);
        uint16_t other_vlan = world_nic_vlan(judge->world, shared[i].nic);
        if (guest == judge->view.guest || hypervisor == WORLD_NONE ||
            run_state_communicates(world_nic_state(judge->world, shared[i].nic)) == NO ||
            world_vlans_apart(judge->world, other_vlan, vlan))
            continue;
        if (belongs_to(judge, port, hypervisor))
            return true;
    }
    return false;
}

/* Whether the sighting is another guest's that has the same MAC (DOMAIN F15): in that
 * guest's site, or in its VLAN and not in this one's. In one bridge domain the places
 * of both are expected for both (DESIGN section 8 point 4). */
static bool is_foreign(const struct judge *judge, const struct view_nic *nic,
                       const struct world_shared_mac *shared, size_t count,
                       const struct sighting *sighting)
{
    const struct world *world = judge->world;
    if (judge_is_expected(judge, &judge->view, sighting->port))
        return false;
    uint32_t site = judge_site_of(judge, sighting);
    for (size_t i = 0; i < count; i++) {
        uint32_t other = world_hypervisor_site(world, world_nic_hypervisor(world, shared[i].nic));
        uint16_t vlan = world_nic_vlan(world, shared[i].nic);
        if (other != site)
            continue;
        if (site != judge->view.site)
            return true;
        if (vlan != VLAN_SET_UNKNOWN && sighting->vlan != VLAN_SET_UNKNOWN &&
            world_vlans_overlap(world, vlan, sighting->vlan) &&
            world_vlans_apart(world, nic->vlan, sighting->vlan))
            return true;
    }
    return false;
}

static size_t keep_own(struct judge *judge, const struct view_nic *nic,
                       const struct world_shared_mac *shared, size_t shared_count,
                       struct sighting *list, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_foreign(judge, nic, shared, shared_count, &list[i]))
            list[kept++] = list[i];
    return kept;
}

bool judge_owns_sightings(struct judge *judge, const struct view_nic *nic)
{
    const struct world_shared_mac *shared;
    size_t count = world_shared(judge->world, nic->mac, &shared);
    if (count == 0)
        return true;
    size_t edges = judge->edge_count;
    judge->edge_count = keep_own(judge, nic, shared, count, judge->edges, edges);
    judge->transit_count =
        keep_own(judge, nic, shared, count, judge->transit, judge->transit_count);
    if (edges > 0 && judge->edge_count == 0)
        judge->transit_count = 0; /* the path to the other guest */
    return judge->edge_count + judge->transit_count > 0;
}
