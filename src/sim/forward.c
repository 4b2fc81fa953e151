/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "sim/datacentre_state.h"

int64_t sim_stay_last_frame(const struct sim_stay *stay, int64_t at)
{
    int64_t limit = at < stay->to ? at : stay->to - 1;
    if (limit < stay->from || limit < stay->first)
        return INT64_MIN;
    int64_t last = stay->first + (limit - stay->first) / stay->period * stay->period;
    return last >= stay->from ? last : INT64_MIN;
}

/* The last frame of `stay` that this switch still remembers. */
static int64_t remembered(const struct datacentre *dc, uint32_t switch_index,
                          const struct sim_stay *stay)
{
    int64_t last = sim_stay_last_frame(stay, dc->now);
    if (last < dc->now - dc->fabric.switches[switch_index].ageing.us ||
        last < dc->switch_states[switch_index].booted)
        return INT64_MIN;
    if (stay->place.switch_index == switch_index && stay->place.port == FABRIC_NONE)
        return INT64_MIN; /* the switch's own management address */
    if (stay->directed && !fabric_on_path_to_root(&dc->fabric, switch_index, stay->place))
        return INT64_MIN;
    return last;
}

/* Whether no other stay in the same VLAN was heard later. */
static bool latest(const struct datacentre *dc, uint32_t switch_index, const struct sim_station *s,
                   size_t stay, int64_t last)
{
    for (size_t i = 0; i < s->stay_count; i++) {
        if (i == stay || s->stays[i].vlan != s->stays[stay].vlan)
            continue;
        int64_t other = remembered(dc, switch_index, &s->stays[i]);
        if (other > last || (other == last && i > stay))
            return false;
    }
    return true;
}

struct row_list {
    struct sim_forward_row *rows;
    size_t count, capacity;
};

static void add_row(struct row_list *list, struct sim_forward_row row)
{
    list->rows = alloc_grow(list->rows, list->count, &list->capacity, sizeof(list->rows[0]));
    list->rows[list->count++] = row;
}

static void add_station(const struct datacentre *dc, uint32_t switch_index,
                        const struct sim_station *s, struct row_list *list)
{
    for (size_t i = 0; i < s->stay_count; i++) {
        int64_t last = remembered(dc, switch_index, &s->stays[i]);
        if (last == INT64_MIN || !latest(dc, switch_index, s, i, last))
            continue;
        add_row(list, (struct sim_forward_row){
                          .mac = s->mac,
                          .port = fabric_port_towards(&dc->fabric, switch_index, s->stays[i].place),
                          .vlan = s->stays[i].vlan,
                          .age = (uint16_t)((dc->now - last) / 1000000),
                          .status = FORWARD_LEARNED});
    }
}

static int row_compare(const void *a, const void *b)
{
    const struct sim_forward_row *x = a, *y = b;
    if (x->vlan != y->vlan)
        return x->vlan < y->vlan ? -1 : 1;
    return x->mac.bits < y->mac.bits ? -1 : x->mac.bits > y->mac.bits;
}

struct sim_forward_row *datacentre_forward(const struct datacentre *dc, uint32_t switch_index,
                                           size_t *ret_count)
{
    struct row_list list = {0};
    struct mac own = dc->fabric.switches[switch_index].mac;
    add_row(&list, (struct sim_forward_row){own, FABRIC_NONE, dc->vlans[0], 0, FORWARD_SELF});
    struct mac group = {UINT64_C(0x01005e000012)};
    add_row(&list, (struct sim_forward_row){group, FABRIC_NONE, dc->vlans[0], 0, FORWARD_MGMT});
    for (size_t i = 0; i < dc->station_count; i++)
        add_station(dc, switch_index, &dc->stations[i], &list);
    qsort(list.rows, list.count, sizeof(list.rows[0]), row_compare);
    *ret_count = list.count;
    return list.rows;
}

struct sim_neighbour *datacentre_neighbours(const struct datacentre *dc, uint32_t switch_index,
                                            size_t *ret_count)
{
    const struct fabric_switch *s = &dc->fabric.switches[switch_index];
    struct sim_neighbour *found = alloc_zeroed(s->port_count + 1, sizeof(*found));
    size_t count = 0;
    for (uint32_t p = 0; p < s->port_count; p++) {
        const struct fabric_port *port = &s->ports[p];
        if (port->is_aggregate)
            continue;
        if (port->far.switch_index != FABRIC_NONE) {
            const struct fabric_switch *far = &dc->fabric.switches[port->far.switch_index];
            found[count++] = (struct sim_neighbour){
                p, far->mac, far->name, far->ports[port->far.port].name, "Muster simulated switch"};
        } else if (port->hypervisor != FABRIC_NONE) {
            const struct sim_hypervisor *h = &dc->hypervisors[port->hypervisor];
            struct mac nic = dc->stations[h->attachments[0].station].mac;
            if (h->speaks_lldp)
                found[count++] = (struct sim_neighbour){p, nic, h->name, "eno1",
                                                        "Debian GNU/Linux 12 (bookworm)"};
        }
    }
    *ret_count = count;
    return found;
}

/* --- what is recorded --- */

static void record_guest(const struct datacentre *dc, const struct sim_guest *g, uint32_t home,
                         struct sim_recorded_nic *nics, size_t *count)
{
    for (unsigned n = 0; n < g->nic_count; n++)
        nics[(*count)++] = (struct sim_recorded_nic){
            .hypervisor = dc->hypervisors[home].name,
            .guest = g->name,
            .uuid = g->uuid,
            .mac = dc->stations[g->nics[n]].mac,
            .run_state = g->recorded_state,
            .state_since = {g->recorded_since},
            .vlan = g->vlans[n],
            .wire_expected = g->wire_expected,
        };
}

struct sim_recorded_nic *datacentre_recorded_nics(const struct datacentre *dc, size_t *ret_count)
{
    struct sim_recorded_nic *nics =
        alloc_array(dc->guest_count * SIM_NICS_MAX * 2 + 1, sizeof(*nics));
    size_t count = 0;
    for (size_t i = 0; i < dc->guest_count; i++) {
        const struct sim_guest *g = &dc->guests[i];
        if (g->home != FABRIC_NONE)
            record_guest(dc, g, g->home, nics, &count);
        if (g->second_home != FABRIC_NONE)
            record_guest(dc, g, g->second_home, nics, &count);
    }
    *ret_count = count;
    return nics;
}

struct sim_recorded_attachment *datacentre_recorded_attachments(const struct datacentre *dc,
                                                                size_t *ret_count)
{
    struct sim_recorded_attachment *rows = alloc_array(dc->attachment_count + 1, sizeof(*rows));
    if (dc->attachment_count > 0)
        memcpy(rows, dc->attachments, dc->attachment_count * sizeof(*rows));
    *ret_count = dc->attachment_count;
    return rows;
}
