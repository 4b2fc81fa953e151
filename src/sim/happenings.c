/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "sim/datacentre_state.h"

/* A zombie or a silence is certain only when every frame from before has aged
 * out; the truth begins this much later (DESIGN section 2, poll error). */
enum { POLL_ERROR_US = 2000000 };

/* --- truths --- */

void sim_truth_add(struct datacentre *dc, enum discrepancy_kind kind, const char *subject,
                   struct mac mac, int64_t from)
{
    dc->truths =
        alloc_grow(dc->truths, dc->truth_count, &dc->truth_capacity, sizeof(dc->truths[0]));
    dc->truths[dc->truth_count++] = (struct sim_truth){
        .kind = kind, .subject = subject, .mac = mac, .from = {from}, .to = WALL_UNKNOWN};
}

/* Ends every open truth about `subject`, whose cause is gone. */
static void end_truths(struct datacentre *dc, const char *subject, int64_t at)
{
    for (size_t i = 0; i < dc->truth_count; i++)
        if (dc->truths[i].subject == subject && !wall_known(dc->truths[i].to))
            dc->truths[i].to.us = at;
}

static void guest_truth(struct datacentre *dc, const struct sim_guest *g,
                        enum discrepancy_kind kind, int64_t from)
{
    sim_truth_add(dc, kind, g->name, dc->stations[g->nics[0]].mac, from);
}

static int64_t after_ageing(const struct datacentre *dc, int64_t at)
{
    return at + dc->shape.ageing.us + POLL_ERROR_US;
}

/* --- stations --- */

static void end_stays(struct datacentre *dc, uint32_t station, int64_t at)
{
    struct sim_station *s = &dc->stations[station];
    for (size_t i = 0; i < s->stay_count; i++)
        if (s->stays[i].to > at)
            s->stays[i].to = at;
}

static void forget_old_stays(struct datacentre *dc, uint32_t station, int64_t at)
{
    struct sim_station *s = &dc->stations[station];
    size_t kept = 0;
    for (size_t i = 0; i < s->stay_count; i++)
        if (s->stays[i].to > at - dc->shape.ageing.us)
            s->stays[kept++] = s->stays[i];
    s->stay_count = kept;
}

static void move_station(struct datacentre *dc, uint32_t station, struct fabric_place place,
                         uint16_t vlan, bool directed, int64_t at)
{
    end_stays(dc, station, at);
    forget_old_stays(dc, station, at);
    sim_station_speak(dc, station, place, vlan, directed, at);
}

static void silence_guest(struct datacentre *dc, const struct sim_guest *g, int64_t at)
{
    for (unsigned n = 0; n < g->nic_count; n++)
        end_stays(dc, g->nics[n], at);
}

static void move_guest(struct datacentre *dc, uint32_t guest, uint32_t hypervisor, bool directed,
                       int64_t at)
{
    struct sim_guest *g = &dc->guests[guest];
    struct fabric_place place = sim_guest_place(dc, guest, hypervisor);
    for (unsigned n = 0; n < g->nic_count; n++)
        move_station(dc, g->nics[n], place, g->vlans[n], directed, at);
    g->hypervisor = hypervisor;
}

/* --- records --- */

static void follow_later(struct datacentre *dc, const struct sim_pending *event)
{
    if (event->lag < 0)
        return;
    struct sim_pending later = *event;
    later.at = event->at + event->lag;
    later.record_follows = true;
    later.lag = -1;
    sim_enqueue(dc, later);
}

static void record_follows(struct datacentre *dc, const struct sim_pending *event)
{
    struct sim_guest *g = &dc->guests[event->guest];
    g->home = g->hypervisor;
    dc->record_changes++;
    if (g->recorded_state != g->run_state) {
        g->recorded_state = g->run_state;
        g->recorded_since = g->state_since;
    }
    end_truths(dc, g->name, event->at);
}

/* --- guests --- */

static void happen_move(struct datacentre *dc, const struct sim_pending *event)
{
    struct sim_guest *g = &dc->guests[event->guest];
    move_guest(dc, event->guest, event->hypervisor, event->action == SIM_SILENT_MOVE, event->at);
    end_truths(dc, g->name, event->at);
    follow_later(dc, event);
    if (event->lag < 0 && g->hypervisor != g->home)
        guest_truth(dc, g, DISCREPANCY_WRONG_LOCATION, event->at);
}

/* The original and its copy speak to what lies towards the root only: flooded
 * frames of either would hide the other on its own edge switch. */
static void happen_clone(struct datacentre *dc, const struct sim_pending *event)
{
    struct sim_guest *g = &dc->guests[event->guest];
    struct fabric_place copy = sim_guest_place(dc, event->guest, event->hypervisor);
    struct fabric_place original = sim_guest_place(dc, event->guest, g->hypervisor);
    for (unsigned n = 0; n < g->nic_count; n++) {
        move_station(dc, g->nics[n], original, g->vlans[n], true, event->at);
        sim_station_speak(dc, g->nics[n], copy, g->vlans[n], true, event->at);
    }
    guest_truth(dc, g, DISCREPANCY_DUPLICATE_GUEST, after_ageing(dc, event->at));
}

static void happen_power(struct datacentre *dc, const struct sim_pending *event)
{
    struct sim_guest *g = &dc->guests[event->guest];
    bool on = event->action == SIM_POWER_ON;
    g->state_since = event->at;
    end_truths(dc, g->name, event->at);
    if (event->action == SIM_ZOMBIE) {
        g->recorded_state = RUN_STATE_OFF;
        g->recorded_since = event->at;
        dc->record_changes++;
        guest_truth(dc, g, DISCREPANCY_OFF_BUT_SEEN, after_ageing(dc, event->at));
        return;
    }
    g->run_state = on ? RUN_STATE_ON : RUN_STATE_OFF;
    if (on)
        move_guest(dc, event->guest, g->hypervisor, false, event->at);
    else
        silence_guest(dc, g, event->at);
    follow_later(dc, event);
    if (event->lag < 0 && on && g->recorded_state != RUN_STATE_ON)
        guest_truth(dc, g, DISCREPANCY_OFF_BUT_SEEN, event->at);
    if (event->lag < 0 && !on && g->recorded_state == RUN_STATE_ON)
        guest_truth(dc, g, DISCREPANCY_SILENT, after_ageing(dc, event->at));
}

static void happen_crash(struct datacentre *dc, const struct sim_pending *event)
{
    struct sim_guest *g = &dc->guests[event->guest];
    if (event->action == SIM_CRASH) {
        silence_guest(dc, g, event->at);
        guest_truth(dc, g, DISCREPANCY_SILENT, after_ageing(dc, event->at));
    } else {
        uint32_t last = g->nics[g->nic_count - 1];
        end_stays(dc, last, event->at);
        sim_truth_add(dc, DISCREPANCY_NIC_SILENT, g->name, dc->stations[last].mac,
                      after_ageing(dc, event->at));
    }
}

static void happen_wrong_vlan(struct datacentre *dc, const struct sim_pending *event)
{
    struct sim_guest *g = &dc->guests[event->guest];
    size_t at = 0;
    while (at < dc->vlan_count && dc->vlans[at] != g->vlans[0])
        at++;
    size_t guest_vlans = dc->vlan_count - 1;
    uint16_t other = dc->vlans[guest_vlans > 1 ? 1 + at % guest_vlans : 0];
    struct fabric_place place = sim_guest_place(dc, event->guest, g->hypervisor);
    move_station(dc, g->nics[0], place, other, false, event->at);
    guest_truth(dc, g, DISCREPANCY_WRONG_VLAN, after_ageing(dc, event->at));
}

/* The switch that is told, else the one where the guest's hypervisor is. */
static void happen_access_port(struct datacentre *dc, const struct sim_pending *event)
{
    struct sim_guest *g = &dc->guests[event->guest];
    struct fabric_place place = sim_guest_place(dc, event->guest, g->hypervisor);
    if (event->switch_index != FABRIC_NONE)
        place.switch_index = event->switch_index;
    place.port = sim_free_port(dc, place.switch_index);
    dc->fabric.switches[place.switch_index].ports[place.port].occupied = true;
    for (unsigned n = 0; n < g->nic_count; n++)
        move_station(dc, g->nics[n], place, g->vlans[n], false, event->at);
    guest_truth(dc, g, DISCREPANCY_NON_HYPERVISOR_PORT, event->at);
}

/* There and, the next time, back again. Three changes are a flap; that two might be
 * a guest which was moved and moved back, an audit cannot tell. */
static void happen_flap(struct datacentre *dc, const struct sim_pending *event)
{
    struct sim_guest *g = &dc->guests[event->guest];
    if (g->flaps_with == FABRIC_NONE)
        g->flaps_with = event->hypervisor;
    bool away = g->hypervisor != g->home;
    move_guest(dc, event->guest, away ? g->home : g->flaps_with, false, event->at);
    if (++g->flaps == 3)
        guest_truth(dc, g, DISCREPANCY_MAC_FLAP, event->at);
}

static void happen_unknown(struct datacentre *dc, const struct sim_pending *event)
{
    char name[FABRIC_NAME_SIZE];
    snprintf(name, sizeof(name), "unrecorded%zu", dc->guest_count);
    uint32_t guest = sim_add_guest(dc, name, event->hypervisor, 1, event->at);
    struct sim_guest *g = &dc->guests[guest];
    g->home = FABRIC_NONE;
    g->touched = true;
    sim_truth_add(dc, DISCREPANCY_UNKNOWN_GUEST, "", dc->stations[g->nics[0]].mac, event->at);
}

static void happen_record_only(struct datacentre *dc, const struct sim_pending *event)
{
    struct sim_guest *g = &dc->guests[event->guest];
    dc->record_changes++;
    if (event->action == SIM_CONFLICT) {
        g->second_home = event->hypervisor;
        guest_truth(dc, g, DISCREPANCY_INVENTORY_CONFLICT, event->at);
    } else {
        g->home = event->hypervisor;
        guest_truth(dc, g, DISCREPANCY_WRONG_LOCATION, event->at);
    }
}

/* --- hypervisors --- */

static void uncable(struct datacentre *dc, struct fabric_place place)
{
    struct fabric_switch *s = &dc->fabric.switches[place.switch_index];
    for (size_t p = 0; p < s->port_count; p++)
        if (p == place.port || s->ports[p].aggregate == place.port)
            s->ports[p].hypervisor = FABRIC_NONE;
}

static void happen_recable(struct datacentre *dc, const struct sim_pending *event)
{
    struct sim_hypervisor *h = &dc->hypervisors[event->hypervisor];
    struct fabric_place place = h->attachments[0].place;
    if (event->switch_index != FABRIC_NONE)
        place.switch_index = event->switch_index;
    place.port = sim_free_port(dc, place.switch_index);
    struct fabric_port *port = &dc->fabric.switches[place.switch_index].ports[place.port];
    port->occupied = true;
    port->hypervisor = event->hypervisor;
    for (unsigned i = 0; i < h->attachment_count; i++) {
        uncable(dc, h->attachments[i].place);
        move_station(dc, h->attachments[i].station, place, dc->vlans[0], false, event->at);
        h->attachments[i].place = place;
    }
    for (uint32_t i = 0; i < dc->guest_count; i++)
        if (dc->guests[i].hypervisor == event->hypervisor &&
            dc->guests[i].run_state == RUN_STATE_ON && dc->guests[i].wire_expected)
            move_guest(dc, i, event->hypervisor, false, event->at);
    sim_truth_add(dc, DISCREPANCY_HYPERVISOR_MOVED, h->name,
                  dc->stations[h->attachments[0].station].mac, event->at);
}

static void happen_die(struct datacentre *dc, const struct sim_pending *event)
{
    const struct sim_hypervisor *h = &dc->hypervisors[event->hypervisor];
    for (unsigned i = 0; i < h->attachment_count; i++)
        end_stays(dc, h->attachments[i].station, event->at);
    for (uint32_t i = 0; i < dc->guest_count; i++)
        if (dc->guests[i].hypervisor == event->hypervisor)
            silence_guest(dc, &dc->guests[i], event->at);
    sim_truth_add(dc, DISCREPANCY_HYPERVISOR_SILENT, h->name,
                  dc->stations[h->attachments[0].station].mac, after_ageing(dc, event->at));
}

static void happen_failover(struct datacentre *dc, const struct sim_pending *event)
{
    struct sim_hypervisor *h = &dc->hypervisors[event->hypervisor];
    h->active = (h->active + 1) % h->attachment_count;
    h->shares_load = false;
    for (uint32_t i = 0; i < dc->guest_count; i++)
        if (dc->guests[i].hypervisor == event->hypervisor &&
            dc->guests[i].run_state == RUN_STATE_ON && dc->guests[i].wire_expected)
            move_guest(dc, i, event->hypervisor, false, event->at);
}

static void happen_no_attachment(struct datacentre *dc, const struct sim_pending *event)
{
    const struct sim_hypervisor *h = &dc->hypervisors[event->hypervisor];
    size_t kept = 0;
    for (size_t i = 0; i < dc->attachment_count; i++)
        if (dc->attachments[i].hypervisor != h->name)
            dc->attachments[kept++] = dc->attachments[i];
    dc->attachment_count = kept;
    dc->record_changes++;
    sim_truth_add(dc, DISCREPANCY_RECORDED_GAP, h->name, MAC_NONE, event->at);
}

/* --- switches --- */

static void happen_switch(struct datacentre *dc, const struct sim_pending *event)
{
    struct sim_switch_state *state = &dc->switch_states[event->switch_index];
    const char *name = dc->fabric.switches[event->switch_index].name;
    if (event->action == SIM_SWITCH_DIES) {
        state->alive = false;
        sim_truth_add(dc, DISCREPANCY_AUDIT_GAP, name, MAC_NONE, event->at);
    } else {
        state->alive = true;
        state->booted = event->at;
        for (size_t i = 0; i < dc->truth_count; i++)
            if (dc->truths[i].kind == DISCREPANCY_AUDIT_GAP &&
                strcmp(dc->truths[i].subject, name) == 0 && !wall_known(dc->truths[i].to))
                dc->truths[i].to.us = event->at;
    }
}

void sim_happen(struct datacentre *dc, const struct sim_pending *event)
{
    static void (*const happen[SIM_ACTION_COUNT])(struct datacentre *,
                                                  const struct sim_pending *) = {
        [SIM_MIGRATE] = happen_move,
        [SIM_SILENT_MOVE] = happen_move,
        [SIM_CLONE] = happen_clone,
        [SIM_POWER_OFF] = happen_power,
        [SIM_ZOMBIE] = happen_power,
        [SIM_POWER_ON] = happen_power,
        [SIM_UNKNOWN] = happen_unknown,
        [SIM_CRASH] = happen_crash,
        [SIM_NIC_CRASH] = happen_crash,
        [SIM_RECABLE] = happen_recable,
        [SIM_DIE] = happen_die,
        [SIM_FAILOVER] = happen_failover,
        [SIM_WRONG_VLAN] = happen_wrong_vlan,
        [SIM_ACCESS_PORT] = happen_access_port,
        [SIM_FLAP] = happen_flap,
        [SIM_CONFLICT] = happen_record_only,
        [SIM_NO_ATTACHMENT] = happen_no_attachment,
        [SIM_SWITCH_DIES] = happen_switch,
        [SIM_SWITCH_RETURNS] = happen_switch,
        [SIM_INVENTORY] = happen_record_only,
    };
    CHECK(event->action < SIM_ACTION_COUNT);
    if (event->record_follows)
        record_follows(dc, event);
    else
        happen[event->action](dc, event);
}
