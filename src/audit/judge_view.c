/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/judge_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static bool guest_has_uuid(const struct world *world, uint32_t guest)
{
    uint32_t local;
    const struct world_set *set = world_guest_set(world, guest, &local);
    char uuid[RECORD_UUID_SIZE];
    return record_guest_uuid(set->set, local, uuid)[0] != '\0';
}

/* A NIC row's claim joins the one that its source already made for the hypervisor. */
static void add_claim(struct guest_view *view, const struct claim *claim)
{
    for (size_t i = 0; i < view->claim_count; i++) {
        struct claim *known = &view->claims[i];
        if (known->hypervisor != claim->hypervisor)
            continue;
        if (claim->as_of_us > known->as_of_us)
            *known = *claim;
        else if (claim->as_of_us == known->as_of_us && known->communicates != YES &&
                 claim->communicates != known->communicates && claim->communicates != NO)
            *known = *claim; /* NICs of one guest that disagree: the less certain absence */
        return;
    }
    view->claims =
        alloc_grow(view->claims, view->claim_count, &view->claim_capacity, sizeof *view->claims);
    view->claims[view->claim_count++] = *claim;
}

static void add_nic(struct guest_view *view, const struct view_nic *nic)
{
    for (size_t i = 0; mac_known(nic->mac) && i < view->nic_count; i++) {
        struct view_nic *known = &view->nics[i];
        if (!mac_equal(known->mac, nic->mac))
            continue;
        if (known->wire != YES)
            known->wire = nic->wire;
        if (known->vlan == VLAN_SET_UNKNOWN)
            known->vlan = nic->vlan;
        return;
    }
    view->nics = alloc_grow(view->nics, view->nic_count, &view->nic_capacity, sizeof *view->nics);
    view->nics[view->nic_count++] = *nic;
}

static void read_rows(const struct world *world, struct guest_view *view, const uint32_t *nics,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t local;
        const struct world_set *set = world_nic_set(world, nics[i], &local);
        uint32_t hypervisor = world_nic_hypervisor(world, nics[i]);
        if (!view->has_uuid && world_hypervisor_site(world, hypervisor) != view->site)
            continue;
        if (nics[i] < view->first_nic)
            view->first_nic = nics[i];
        enum run_state state = world_nic_state(world, nics[i]);
        struct claim claim = {.hypervisor = hypervisor,
                              .nic = nics[i],
                              .as_of_us = record_set_vouched(set->set).us,
                              .since_us = set->set->nics.state_since[local],
                              .communicates = (uint8_t)run_state_communicates(state),
                              .run_state = (uint8_t)state};
        add_claim(view, &claim);
        struct view_nic nic = {.nic = nics[i],
                               .mac = world_nic_mac(world, nics[i]),
                               .vlan = world_nic_vlan(world, nics[i]),
                               .wire = set->set->nics.wire[local]};
        add_nic(view, &nic);
    }
}

static void expect(struct guest_view *view, uint32_t hypervisor)
{
    if (hypervisor == WORLD_NONE || view->expected_count == VIEW_EXPECTED_MAX)
        return;
    for (size_t i = 0; i < view->expected_count; i++)
        if (view->expected[i] == hypervisor)
            return;
    view->expected[view->expected_count++] = hypervisor;
}

static const struct world_plan *find_plan(const struct world *world, uint32_t guest, size_t *ret)
{
    size_t low = 0, high = world->plan_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (world->plans[middle].guest < guest)
            low = middle + 1;
        else
            high = middle;
    }
    *ret = 0;
    while (low + *ret < world->plan_count && world->plans[low + *ret].guest == guest)
        ++*ret;
    return *ret > 0 ? world->plans + low : NULL;
}

/* A plan conflicts when it puts a running guest where no T3 row has it, and does not
 * itself say that it is off. */
static void read_plans(const struct world *world, struct guest_view *view)
{
    size_t count;
    const struct world_plan *plans = find_plan(world, view->guest, &count);
    for (size_t i = 0; view->communicates == YES && i < count; i++) {
        bool recorded = run_state_communicates((enum run_state)plans[i].run_state) == NO;
        for (size_t c = 0; c < view->claim_count; c++)
            recorded = recorded || view->claims[c].hypervisor == plans[i].hypervisor;
        if (recorded)
            continue;
        view->plan = &plans[i];
        expect(view, plans[i].hypervisor);
    }
}

static void decide(const struct world *world, struct guest_view *view)
{
    view->communicates = NO;
    for (size_t i = 0; i < view->claim_count; i++) {
        uint8_t claim = view->claims[i].communicates;
        if (claim == YES || (claim == UNKNOWN && view->communicates == NO))
            view->communicates = claim;
        view->migrating = view->migrating || view->claims[i].run_state == RUN_STATE_MIGRATING;
    }
    size_t deciding = 0;
    view->since_us = WALL_UNKNOWN.us;
    view->as_of_us = INT64_MAX;
    bool since_known = true;
    for (size_t i = 0; i < view->claim_count; i++) {
        const struct claim *claim = &view->claims[i];
        if (claim->communicates != view->communicates)
            continue;
        if (deciding++ == 0)
            view->run_state = claim->run_state;
        expect(view, claim->hypervisor);
        since_known = since_known && claim->since_us != WALL_UNKNOWN.us;
        if (claim->since_us > view->since_us)
            view->since_us = claim->since_us;
        if (claim->as_of_us < view->as_of_us)
            view->as_of_us = claim->as_of_us;
    }
    if (!since_known)
        view->since_us = WALL_UNKNOWN.us;
    size_t running = 0;
    for (size_t i = 0; i < view->claim_count; i++)
        running += view->claims[i].communicates == YES && view->claims[i].hypervisor != WORLD_NONE;
    view->conflict = running >= 2;
    read_plans(world, view);
    for (size_t i = 0; i < view->expected_count; i++)
        view->located = view->located || world->hypervisors[view->expected[i]].located;
}

void view_build(const struct world *world, uint32_t nic, struct guest_view *view,
                uint32_t **scratch, size_t *scratch_capacity)
{
    struct view_nic *nics = view->nics;
    struct claim *claims = view->claims;
    size_t nic_capacity = view->nic_capacity, claim_capacity = view->claim_capacity;
    *view = (struct guest_view){.nics = nics,
                                .claims = claims,
                                .nic_capacity = nic_capacity,
                                .claim_capacity = claim_capacity,
                                .first_nic = nic};
    view->guest = world_nic_guest(world, nic);
    if (world->canonical != NULL)
        view->guest = world->canonical[view->guest];
    view->site = world_hypervisor_site(world, world_nic_hypervisor(world, nic));
    size_t count = world_guest_nics(world, view->guest, scratch, scratch_capacity);
    for (size_t i = 0; count > 1 && i < count && !view->has_uuid; i++)
        view->has_uuid = guest_has_uuid(world, world_nic_guest(world, (*scratch)[i]));
    if (count == 1)
        view->has_uuid = true; /* one row: nothing to keep apart */
    read_rows(world, view, *scratch, count);
    decide(world, view);
    for (size_t i = 0; i < view->nic_count && view->vlan == VLAN_SET_UNKNOWN; i++)
        if (view->nics[i].vlan != VLAN_SET_TRUNK)
            view->vlan = view->nics[i].vlan;
}

void view_done(struct guest_view *view)
{
    free(view->nics);
    free(view->claims);
}

void view_identity(const struct world *world, uint32_t first_nic, struct text *to)
{
    uint32_t local, guest = world_nic_guest(world, first_nic);
    const struct world_set *set = world_guest_set(world, guest, &local);
    char uuid[RECORD_UUID_SIZE];
    if (record_guest_uuid(set->set, local, uuid)[0] != '\0') {
        text_add(to, uuid);
        return;
    }
    uint32_t site = world_hypervisor_site(world, world_nic_hypervisor(world, first_nic));
    text_printf(to, "%s/%s", world_site_name(world, site),
                names_get(set->set->names, set->set->guests[local].name));
}
