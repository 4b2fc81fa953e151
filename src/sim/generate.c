/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "sim/datacentre_state.h"

enum {
    SPARE_PORTS = 4, /* free access ports of every switch */
    FIRST_VLAN = 10, /* of the infrastructure; guests' follow in steps of 10 */
    VLAN_STEP = 10,
    MAC_SCRAMBLE = 0x9e3779 /* odd: multiplying by it permutes 24 bits */
};

static const int64_t day_us = INT64_C(24) * 3600 * 1000000;

/* Addresses of equipment: prefixes that no hypervisor gives to guests. */
static const uint64_t switch_mac_base = UINT64_C(0x001c73000000);
static const uint64_t hypervisor_mac_base = UINT64_C(0x3cecef000000);
static const uint64_t station_mac_base = UINT64_C(0x001ec9000000);
static const uint64_t vrrp_mac_base = UINT64_C(0x00005e000100);

void datacentre_shape_init(struct datacentre_shape *shape)
{
    *shape = (struct datacentre_shape){
        .seed = 1,
        .switches = 6,
        .hypervisors = 8,
        .guests = 48,
        .vlans = 4,
        .stations = 6,
        .mlag = true,
        .dialects = true,
        .ageing = span_seconds(300),
    };
}

uint32_t sim_add_station(struct datacentre *dc, struct mac mac)
{
    dc->stations =
        alloc_grow(dc->stations, dc->station_count, &dc->station_capacity, sizeof(dc->stations[0]));
    /* between a fifth and two fifths of the ageing time: nobody ages out by chance */
    int64_t fifth = dc->shape.ageing.us / 5;
    int64_t period = fifth + sim_random_below(&dc->random, (uint32_t)(fifth / 1000 + 1)) * 1000;
    dc->stations[dc->station_count] = (struct sim_station){.mac = mac, .period = period};
    return (uint32_t)dc->station_count++;
}

void sim_station_speak(struct datacentre *dc, uint32_t station, struct fabric_place place,
                       uint16_t vlan, bool directed, int64_t from)
{
    struct sim_station *s = &dc->stations[station];
    s->stays = alloc_grow(s->stays, s->stay_count, &s->stay_capacity, sizeof(s->stays[0]));
    s->stays[s->stay_count++] = (struct sim_stay){.place = place,
                                                  .from = from,
                                                  .to = FOREVER,
                                                  .period = s->period,
                                                  .first = from,
                                                  .vlan = vlan,
                                                  .directed = directed};
}

struct mac sim_next_guest_mac(struct datacentre *dc)
{
    static const uint64_t prefixes[] = {UINT64_C(0x525400000000), UINT64_C(0x525400000000),
                                        UINT64_C(0x525400000000), UINT64_C(0x00163e000000),
                                        UINT64_C(0xbc2411000000), UINT64_C(0x005056000000)};
    uint32_t number = dc->next_mac++;
    uint64_t low = ((uint64_t)number * MAC_SCRAMBLE + dc->shape.seed) & 0xffffff;
    return (struct mac){prefixes[number % ARRAY_COUNT(prefixes)] | low};
}

static void make_uuid(struct datacentre *dc, char uuid[static SIM_UUID_SIZE])
{
    uint64_t a = sim_random_next(&dc->random), b = sim_random_next(&dc->random);
    snprintf(uuid, SIM_UUID_SIZE, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
             (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
             (unsigned)(0x8000 | (b >> 48 & 0x3fff)),
             (unsigned long long)(b & UINT64_C(0xffffffffffff)));
}

/* A first frame between one and two days before the clock starts. */
static int64_t long_ago(struct datacentre *dc)
{
    int64_t seconds = sim_random_below(&dc->random, 86400);
    return dc->shape.start.us - day_us - seconds * 1000000;
}

uint32_t sim_free_port(struct datacentre *dc, uint32_t switch_index)
{
    const struct fabric_switch *s = &dc->fabric.switches[switch_index];
    for (uint32_t p = 0; p < s->port_count; p++)
        if (!s->ports[p].occupied)
            return p;
    return fabric_add_port(&dc->fabric, switch_index, NULL);
}

/* --- switches --- */

static uint32_t add_switch(struct datacentre *dc, const char *name, uint32_t node)
{
    struct mac mac = {switch_mac_base + (dc->fabric.switch_count + 1) * 0x1000};
    uint32_t index = fabric_add_switch(&dc->fabric, name, mac, node);
    struct fabric_switch *s = &dc->fabric.switches[index];
    s->ageing = dc->shape.ageing;
    s->dialect = dc->shape.dialect;
    if (dc->shape.dialects) {
        static const enum fabric_dialect dialects[] = {FABRIC_Q_BRIDGE, FABRIC_Q_BRIDGE_FDB,
                                                       FABRIC_Q_BRIDGE, FABRIC_BRIDGE_CONTEXT};
        s->dialect = dialects[index % ARRAY_COUNT(dialects)];
    }
    return index;
}

static uint32_t add_node_switch(struct datacentre *dc, const char *word, unsigned number,
                                const char *suffix, uint32_t parent)
{
    char name[FABRIC_NAME_SIZE];
    snprintf(name, sizeof(name), "%s%u%s", word, number, suffix);
    uint32_t node = fabric_add_node(&dc->fabric, parent);
    add_switch(dc, name, node);
    return node;
}

static void link_redundant(struct datacentre *dc, uint32_t first_access_node, uint32_t pair_node)
{
    /* one redundant cable that spanning tree holds back */
    const struct fabric *f = &dc->fabric;
    uint32_t access = f->nodes[first_access_node].switches[0];
    for (uint32_t node = 0; node < f->node_count; node++) {
        if (node == first_access_node || node == f->nodes[first_access_node].parent ||
            node == pair_node)
            continue;
        fabric_link_blocked(&dc->fabric, access, f->nodes[node].switches[0]);
        return;
    }
}

static void build_switches(struct datacentre *dc)
{
    unsigned left = dc->shape.switches - 1;
    uint32_t root = add_node_switch(dc, left ? "core" : "sw", 1, "", FABRIC_NONE);
    uint32_t pair = FABRIC_NONE, first_access = FABRIC_NONE;
    uint32_t above[1 + 4096] = {root};
    unsigned above_count = 0;
    if (dc->shape.mlag && left >= 3) {
        pair = add_node_switch(dc, "dist", 1, "a", root);
        add_switch(dc, "dist1b", pair);
        fabric_link_pair(&dc->fabric, pair);
        fabric_link_parent(&dc->fabric, pair, true);
        above[above_count++] = pair;
        left -= 2;
    }
    for (unsigned wanted = left / 6, i = 0; i < wanted && i < 4096; i++, left--) {
        above[above_count] = add_node_switch(dc, "dist", 2 + i, "", root);
        fabric_link_parent(&dc->fabric, above[above_count++], true);
    }
    if (above_count == 0)
        above_count = 1;
    for (unsigned i = 0; i < left; i++) {
        uint32_t node = add_node_switch(dc, "acc", 1 + i, "", above[i % above_count]);
        fabric_link_parent(&dc->fabric, node, i % 2 == 0);
        if (i == 0)
            first_access = node;
    }
    if (first_access != FABRIC_NONE)
        link_redundant(dc, first_access, pair);
    for (uint32_t i = 0; i < dc->fabric.switch_count; i++)
        for (unsigned p = 0; p < SPARE_PORTS; p++)
            fabric_add_port(&dc->fabric, i, NULL);
    dc->switch_states = alloc_zeroed(dc->fabric.switch_count, sizeof(dc->switch_states[0]));
    for (uint32_t i = 0; i < dc->fabric.switch_count; i++)
        dc->switch_states[i] = (struct sim_switch_state){true, long_ago(dc) - 30 * day_us};
}

static void build_vlans(struct datacentre *dc)
{
    dc->vlan_count = dc->shape.vlans + 1;
    dc->vlans = alloc_array(dc->vlan_count, sizeof(dc->vlans[0]));
    for (size_t i = 0; i < dc->vlan_count; i++)
        dc->vlans[i] = (uint16_t)(FIRST_VLAN + i * VLAN_STEP);
}

/* --- hypervisors --- */

uint32_t sim_add_hypervisor(struct datacentre *dc, const char *name)
{
    dc->hypervisors = alloc_grow(dc->hypervisors, dc->hypervisor_count, &dc->hypervisor_capacity,
                                 sizeof(dc->hypervisors[0]));
    dc->hypervisors[dc->hypervisor_count] = (struct sim_hypervisor){.name = alloc_text(name)};
    return (uint32_t)dc->hypervisor_count++;
}

static void record_attachment(struct datacentre *dc, uint32_t hypervisor, uint32_t station,
                              struct fabric_place place)
{
    dc->attachments = alloc_grow(dc->attachments, dc->attachment_count, &dc->attachment_capacity,
                                 sizeof(dc->attachments[0]));
    dc->attachments[dc->attachment_count++] = (struct sim_recorded_attachment){
        .hypervisor = dc->hypervisors[hypervisor].name,
        .nic_mac = dc->stations[station].mac,
        .place = place,
    };
}

uint32_t sim_attach(struct datacentre *dc, uint32_t hypervisor, struct fabric_place place,
                    uint32_t station, int64_t from)
{
    struct sim_hypervisor *h = &dc->hypervisors[hypervisor];
    CHECK(h->attachment_count < SIM_ATTACHMENTS_MAX);
    struct fabric_switch *s = &dc->fabric.switches[place.switch_index];
    s->ports[place.port].hypervisor = hypervisor;
    s->ports[place.port].occupied = true;
    for (size_t p = 0; p < s->port_count; p++)
        if (s->ports[p].aggregate == place.port)
            s->ports[p].hypervisor = hypervisor;
    if (station == FABRIC_NONE) {
        uint64_t number = hypervisor * 0x10 + h->attachment_count;
        station = sim_add_station(dc, (struct mac){hypervisor_mac_base + number});
        sim_station_speak(dc, station, place, dc->vlans[0], false, from);
    }
    h->attachments[h->attachment_count++] = (struct sim_attachment){place, station};
    record_attachment(dc, hypervisor, station, place);
    return station;
}

/* The switches that hypervisors and stations are cabled to: those without other
 * switches below them, and, when there are none, the root. */
static uint32_t edge_switch(const struct datacentre *dc, unsigned number)
{
    const struct fabric *f = &dc->fabric;
    uint32_t edges = 0;
    for (int pass = 0; pass < 2; pass++) {
        uint32_t wanted = pass ? number % (edges ? edges : 1) : 0, found = 0;
        for (uint32_t i = 0; i < f->switch_count; i++) {
            if (strncmp(f->switches[i].name, "acc", 3) != 0)
                continue;
            if (pass && found == wanted)
                return i;
            found++;
        }
        edges = found;
    }
    return f->nodes[0].switches[0];
}

static uint32_t find_pair(const struct datacentre *dc)
{
    for (uint32_t i = 0; i < dc->fabric.switch_count; i++)
        if (dc->fabric.switches[i].partner != FABRIC_NONE)
            return i;
    return FABRIC_NONE;
}

static void attach_single(struct datacentre *dc, uint32_t hypervisor, uint32_t switch_index)
{
    struct fabric_place place = {switch_index, fabric_add_port(&dc->fabric, switch_index, NULL)};
    sim_attach(dc, hypervisor, place, FABRIC_NONE, long_ago(dc));
}

static void attach_lag(struct datacentre *dc, uint32_t hypervisor, uint32_t switch_index)
{
    struct fabric_place place = {switch_index, fabric_add_lag(&dc->fabric, switch_index, 2)};
    sim_attach(dc, hypervisor, place, FABRIC_NONE, long_ago(dc));
}

/* One bond over both switches of the pair: one address, two recorded rows. */
static void attach_mlag(struct datacentre *dc, uint32_t hypervisor, uint32_t pair)
{
    uint32_t partner = dc->fabric.switches[pair].partner;
    struct fabric_place a = {pair, fabric_add_port(&dc->fabric, pair, NULL)};
    struct fabric_place b = {partner, fabric_add_port(&dc->fabric, partner, NULL)};
    fabric_join_mlag(&dc->fabric, a, b);
    uint32_t station = sim_attach(dc, hypervisor, a, FABRIC_NONE, long_ago(dc));
    sim_attach(dc, hypervisor, b, station, 0);
}

static void build_hypervisors(struct datacentre *dc)
{
    uint32_t pair = find_pair(dc);
    for (unsigned i = 0; i < dc->shape.hypervisors; i++) {
        char name[FABRIC_NAME_SIZE];
        snprintf(name, sizeof(name), "hv%02u", i + 1);
        uint32_t h = sim_add_hypervisor(dc, name);
        dc->hypervisors[h].speaks_lldp = i % 2 == 0;
        uint32_t first = edge_switch(dc, i), second = edge_switch(dc, i + 1);
        if (i % 4 == 1) {
            attach_lag(dc, h, first);
        } else if (i % 4 == 2 && pair != FABRIC_NONE) {
            attach_mlag(dc, h, pair);
        } else {
            attach_single(dc, h, first);
            if (i % 4 == 3 && second != first) {
                attach_single(dc, h, second);
                dc->hypervisors[h].shares_load = i % 8 == 3;
            }
        }
    }
}

/* --- guests --- */

struct fabric_place sim_guest_place(const struct datacentre *dc, uint32_t guest,
                                    uint32_t hypervisor)
{
    const struct sim_hypervisor *h = &dc->hypervisors[hypervisor];
    CHECK(h->attachment_count > 0);
    unsigned number = h->active + (h->shares_load ? guest % 2 : 0);
    return h->attachments[number % h->attachment_count].place;
}

uint32_t sim_add_guest(struct datacentre *dc, const char *name, uint32_t hypervisor,
                       unsigned nic_count, int64_t from)
{
    CHECK(nic_count <= SIM_NICS_MAX);
    dc->guests =
        alloc_grow(dc->guests, dc->guest_count, &dc->guest_capacity, sizeof(dc->guests[0]));
    uint32_t index = (uint32_t)dc->guest_count++;
    struct sim_guest *g = &dc->guests[index];
    *g = (struct sim_guest){.name = alloc_text(name),
                            .hypervisor = hypervisor,
                            .home = hypervisor,
                            .second_home = FABRIC_NONE,
                            .flaps_with = FABRIC_NONE,
                            .run_state = RUN_STATE_ON,
                            .recorded_state = RUN_STATE_ON,
                            .state_since = from,
                            .recorded_since = from,
                            .nic_count = nic_count,
                            .wire_expected = true};
    make_uuid(dc, g->uuid);
    for (unsigned i = 0; i < nic_count; i++) {
        uint32_t guest_vlans = (uint32_t)dc->vlan_count - 1;
        g->vlans[i] = dc->vlans[guest_vlans ? 1 + (index + i) % guest_vlans : 0];
        g->nics[i] = sim_add_station(dc, sim_next_guest_mac(dc));
        sim_station_speak(dc, g->nics[i], sim_guest_place(dc, index, hypervisor), g->vlans[i],
                          false, from);
    }
    return index;
}

static void silence(struct datacentre *dc, struct sim_guest *g, int64_t since)
{
    for (unsigned n = 0; n < g->nic_count; n++) {
        struct sim_station *s = &dc->stations[g->nics[n]];
        s->stays[s->stay_count - 1].to = since;
    }
}

/* A few guests are rightly quiet: off, paused, or without a cable to the world. */
static void rest_guest(struct datacentre *dc, struct sim_guest *g)
{
    unsigned lot = sim_random_below(&dc->random, 20);
    if (lot > 2)
        return;
    int64_t since = dc->shape.start.us - day_us / 2;
    silence(dc, g, since);
    g->touched = true;
    if (lot == 2) {
        g->wire_expected = false;
        return;
    }
    g->run_state = g->recorded_state = lot == 0 ? RUN_STATE_OFF : RUN_STATE_PAUSED;
    g->state_since = g->recorded_since = since;
}

static void build_guests(struct datacentre *dc)
{
    static const char *const roles[] = {"web", "app", "db", "mail", "cache", "build", "auth"};
    if (dc->hypervisor_count == 0)
        return;
    for (unsigned i = 0; i < dc->shape.guests; i++) {
        char name[FABRIC_NAME_SIZE];
        snprintf(name, sizeof(name), "%s%02u", roles[i % ARRAY_COUNT(roles)],
                 i / (unsigned)ARRAY_COUNT(roles) + 1);
        unsigned nics = sim_random_chance(&dc->random, 25) ? 2 : 1;
        uint32_t g =
            sim_add_guest(dc, name, i % (uint32_t)dc->hypervisor_count, nics, long_ago(dc));
        if (!dc->shape.settled)
            rest_guest(dc, &dc->guests[g]);
    }
}

/* --- everything else that speaks --- */

static struct fabric_place occupy(struct datacentre *dc, uint32_t switch_index)
{
    uint32_t port = fabric_add_port(&dc->fabric, switch_index, NULL);
    dc->fabric.switches[switch_index].ports[port].occupied = true;
    return (struct fabric_place){switch_index, port};
}

/* Two routers that share a virtual address in every VLAN, both using it. */
static void build_routers(struct datacentre *dc)
{
    struct fabric_place places[2] = {occupy(dc, dc->fabric.nodes[0].switches[0]),
                                     occupy(dc, edge_switch(dc, 0))};
    for (unsigned r = 0; r < 2; r++) {
        uint32_t own = sim_add_station(dc, (struct mac){station_mac_base + 1 + r});
        sim_station_speak(dc, own, places[r], dc->vlans[0], false, long_ago(dc));
    }
    for (size_t v = 0; v < dc->vlan_count; v++) {
        uint32_t shared = sim_add_station(dc, (struct mac){vrrp_mac_base + v + 1});
        for (unsigned r = 0; r < 2; r++)
            sim_station_speak(dc, shared, places[r], dc->vlans[v], true, long_ago(dc));
    }
}

static void build_stations(struct datacentre *dc)
{
    for (unsigned i = 0; i < dc->shape.stations; i++) {
        struct fabric_place place = occupy(dc, edge_switch(dc, i));
        uint32_t station = sim_add_station(dc, (struct mac){station_mac_base + 0x100 + i});
        sim_station_speak(dc, station, place, dc->vlans[i % dc->vlan_count], false, long_ago(dc));
    }
}

/* Each switch's management address speaks through its uplink, so others learn it. */
static void build_management(struct datacentre *dc)
{
    for (uint32_t i = 0; i < dc->fabric.switch_count; i++) {
        const struct fabric_switch *s = &dc->fabric.switches[i];
        const struct fabric_node *n = &dc->fabric.nodes[s->node];
        if (n->parent == FABRIC_NONE)
            continue;
        uint32_t station = sim_add_station(dc, s->mac);
        struct fabric_place place = {i, FABRIC_NONE};
        sim_station_speak(dc, station, place, dc->vlans[0], false, long_ago(dc));
    }
}

static struct datacentre *start(const struct datacentre_shape *shape)
{
    struct datacentre *dc = alloc_zeroed(1, sizeof(*dc));
    dc->shape = *shape;
    dc->random = sim_random_start(shape->seed);
    dc->now = shape->start.us;
    return dc;
}

struct datacentre *datacentre_new(const struct datacentre_shape *shape)
{
    CHECK(shape->switches >= 1 && shape->switches <= 16384);
    CHECK(shape->vlans >= 1 && shape->vlans <= 64 && shape->ageing.us >= 1000000);
    struct datacentre *dc = start(shape);
    build_vlans(dc);
    build_switches(dc);
    build_hypervisors(dc);
    build_guests(dc);
    if (shape->stations > 0)
        build_routers(dc);
    build_stations(dc);
    build_management(dc);
    return dc;
}

/* --- the golden example --- */

static uint32_t golden_host(struct datacentre *dc, const char *name, const char *port)
{
    uint32_t h = sim_add_hypervisor(dc, name);
    struct fabric_place place = {0, fabric_add_port(&dc->fabric, 0, port)};
    sim_attach(dc, h, place, FABRIC_NONE, dc->now - day_us);
    return h;
}

struct datacentre *datacentre_new_golden(struct wall at)
{
    struct datacentre_shape shape = {
        .seed = 30, .switches = 1, .vlans = 1, .ageing = span_seconds(300), .start = at};
    struct datacentre *dc = start(&shape);
    build_vlans(dc);
    add_switch(dc, "sw1", fabric_add_node(&dc->fabric, FABRIC_NONE));
    dc->switch_states = alloc_zeroed(1, sizeof(dc->switch_states[0]));
    dc->switch_states[0] = (struct sim_switch_state){true, at.us - 30 * day_us};
    uint32_t host_a = golden_host(dc, "hostA", "A"), host_b = golden_host(dc, "hostB", "B");
    int64_t long_before = at.us - day_us, before = at.us - day_us / 24;
    static const char *const names[] = {"A", "B", "C", "D", "E"};
    for (unsigned i = 0; i < ARRAY_COUNT(names); i++)
        sim_add_guest(dc, names[i], i < 3 ? host_a : host_b, 1, long_before);
    static const struct {
        uint32_t guest;
        enum sim_action action;
    } happenings[] = {{1, SIM_ZOMBIE}, {2, SIM_CRASH}, {3, SIM_MIGRATE}, {4, SIM_POWER_OFF}};
    for (unsigned i = 0; i < ARRAY_COUNT(happenings); i++) {
        bool follows = happenings[i].action == SIM_POWER_OFF;
        sim_enqueue(dc, (struct sim_pending){.at = before,
                                             .action = happenings[i].action,
                                             .guest = happenings[i].guest,
                                             .hypervisor = host_a,
                                             .switch_index = FABRIC_NONE,
                                             .lag = follows ? 0 : -1});
    }
    datacentre_advance(dc, at);
    return dc;
}
