/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/world_view.h"

#include <stdlib.h>
#include <string.h>

#include "audit/coverage.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/limits.h"

enum { NEAR_NAMES = 64 }; /* names of switches whose numbers are at hand */

void audit_options_init(struct audit_options *options)
{
    *options = (struct audit_options){
        .prefix_mode = true,
        .clock_skew = span_seconds(2),
        .inventory_lag = span_seconds(60),
        .storm_count = 10,
        .gap_rounds = 1,
        .flap_moves = 3,
        .flap_window = span_seconds(60),
        .interleave_window = span_seconds(3600),
        .settle = span_seconds(30),
        .heard_hold = span_seconds(300),
        .migration_window = span_seconds(90),
    };
}

static uint32_t intern(struct world *world, const char *text)
{
    size_t length = strlen(text);
    return names_add(world->names, text, length <= LIMIT_NAME_BYTES ? length : LIMIT_NAME_BYTES);
}

static uint32_t find_name(const struct world *world, const char *text)
{
    size_t length = strlen(text);
    return length <= LIMIT_NAME_BYTES ? names_find(world->names, text, length) : NAME_NONE;
}

static uint32_t add_site(struct world *world, const char *name)
{
    uint32_t number = intern(world, name != NULL && name[0] != '\0' ? name : "default");
    for (uint32_t i = 0; i < world->site_count; i++)
        if (world->sites[i] == number)
            return i;
    world->sites = alloc_resize(world->sites, world->site_count + 1, sizeof *world->sites);
    world->sites[world->site_count] = number;
    return world->site_count++;
}

static uint32_t add_hypervisor(struct world *world, const char *name, size_t *capacity)
{
    uint32_t number = intern(world, name);
    uint32_t known = map_put_new(&world->hypervisor_of_name, number, world->hypervisor_count);
    if (known != world->hypervisor_count)
        return known;
    world->hypervisors = alloc_grow(world->hypervisors, world->hypervisor_count, capacity,
                                    sizeof *world->hypervisors);
    world->hypervisors[world->hypervisor_count] =
        (struct world_hypervisor){.name = names_get(world->names, number)};
    return world->hypervisor_count++;
}

static uint32_t add_switch(struct world *world, const char *name, size_t *capacity)
{
    uint32_t number = intern(world, name);
    world->switches =
        alloc_grow(world->switches, world->switch_count, capacity, sizeof *world->switches);
    world->switches[world->switch_count] =
        (struct world_switch){.name = names_get(world->names, number),
                              .hypervisor = WORLD_NONE,
                              .next_same = WORLD_NONE,
                              .last_read_us = WALL_UNKNOWN.us,
                              .ageing_us = FORWARD_DEFAULT_AGEING.us,
                              .ageing_assumed = true};
    uint32_t first = map_put_new(&world->switch_of_name, number, world->switch_count);
    if (first != world->switch_count) {
        world->switches[world->switch_count].next_same = world->switches[first].next_same;
        world->switches[first].next_same = world->switch_count;
    }
    return world->switch_count++;
}

/* The table's VLAN sets as the world's. */
static uint16_t *map_vlans(struct world *world, const struct vlan_pool *pool)
{
    size_t sets = pool != NULL ? vlan_pool_count(pool) : 0;
    uint16_t *vlans = alloc_zeroed(sets + VLAN_SET_TRUNK + 1, sizeof *vlans);
    vlans[VLAN_SET_TRUNK] = VLAN_SET_TRUNK;
    for (uint32_t set = VLAN_SET_TRUNK + 1; set < sets; set++) {
        size_t count;
        const uint32_t *ids = vlan_pool_get(pool, (vlan_set)set, &count);
        vlans[set] = vlan_pool_add(world->vlans, ids, count);
    }
    return vlans;
}

static void add_table(struct world *world, uint32_t number, size_t *switches, size_t *hypervisors)
{
    const struct forward_table *table = world->in.tables[number];
    uint32_t index = add_switch(world, table->switch_name, switches);
    world->table_switch[number] = index;
    struct world_switch *sw = &world->switches[index];
    sw->table = table;
    sw->table_number = number;
    sw->configured = true;
    sw->site = add_site(world, table->site);
    sw->first_port = world->port_count;
    sw->port_count = (uint32_t)table->port_count;
    world->port_count += sw->port_count;
    sw->started_us = table->started.us;
    sw->ended_us = table->ended.us;
    sw->poll_error_us = world->options.clock_skew.us;
    if (wall_known(table->started) && wall_known(table->ended))
        sw->poll_error_us += table->ended.us - table->started.us;
    if (table->ageing.us >= 0) {
        sw->ageing_us = table->ageing.us;
        sw->ageing_assumed = false;
    }
    sw->vlans = map_vlans(world, table->vlans);
    if (table->hypervisor != NULL)
        sw->hypervisor = add_hypervisor(world, table->hypervisor, hypervisors);
}

/* Whether a snapshot of `source`, this round's or a last good one, is there. */
static bool has_records_of(const struct world *world, const char *source)
{
    for (size_t i = 0; i < world->in.record_count; i++) {
        if (strcmp(world->in.records[i]->source, source) == 0)
            return true;
    }
    return false;
}

static void add_failed(struct world *world, const struct failed_source *failed, size_t *capacity)
{
    if (failed->hears)
        return;
    if (failed->switch_name == NULL) {
        if (!has_records_of(world, failed->source))
            world->unread_records = failed;
        return;
    }
    uint32_t index = world_find_switch(world, failed->switch_name);
    if (index == WORLD_NONE) {
        index = add_switch(world, failed->switch_name, capacity);
        world->switches[index].site = add_site(world, failed->site);
    }
    world->switches[index].configured = true;
    world->switches[index].failed = failed;
}

/* A switch that a record names: known, or new and not configured. */
static uint32_t record_switch_name(struct world *world, const struct record_set *set, uint32_t name,
                                   const char *table, uint32_t line, size_t *capacity)
{
    const char *text = names_get(set->names, name);
    if (text[0] == '\0')
        return WORLD_NONE;
    uint32_t index = world_find_switch(world, text);
    if (index != WORLD_NONE)
        return index;
    index = add_switch(world, text, capacity);
    world->switches[index].site = add_site(world, NULL);
    world->switches[index].recorded_as =
        arena_printf(world->arena, "%s, table %s, line %u", set->source, table, line);
    return index;
}

static void add_recorded_switches(struct world *world, const struct record_set *set,
                                  size_t *capacity)
{
    for (size_t i = 0; i < set->switch_count; i++) {
        const struct record_switch *row = &set->switches[i];
        uint32_t index = record_switch_name(world, set, row->name, "switches", row->line, capacity);
        if (index != WORLD_NONE && row->site != NAME_NONE &&
            (world->switches[index].table == NULL ||
             strcmp(world->switches[index].table->site, "default") == 0))
            world->switches[index].site = add_site(world, names_get(set->names, row->site));
    }
    uint32_t known[NEAR_NAMES]; /* attachments name the same few switches again and again */
    memset(known, 0xff, sizeof known);
    for (size_t i = 0; i < set->attachment_count; i++) {
        uint32_t name = set->attachments[i].switch_name;
        if (known[name % NEAR_NAMES] == name)
            continue;
        known[name % NEAR_NAMES] = name;
        record_switch_name(world, set, name, "attachments", set->attachments[i].line, capacity);
    }
    for (size_t i = 0; i < set->port_count; i++)
        record_switch_name(world, set, set->ports[i].switch_name, "ports", set->ports[i].line,
                           capacity);
    for (size_t i = 0; i < set->link_count; i++) {
        record_switch_name(world, set, set->links[i].switch_a, "links", set->links[i].line,
                           capacity);
        record_switch_name(world, set, set->links[i].switch_b, "links", set->links[i].line,
                           capacity);
    }
    for (size_t i = 0; i < set->lag_count; i++)
        record_switch_name(world, set, set->lags[i].switch_name, "lags", set->lags[i].line,
                           capacity);
}

static void build_switches(struct world *world, size_t *hypervisors)
{
    size_t capacity = 0;
    world->table_switch = alloc_array(world->in.table_count + 1, sizeof *world->table_switch);
    add_site(world, NULL);
    for (uint32_t i = 0; i < world->in.table_count; i++)
        add_table(world, i, &capacity, hypervisors);
    for (size_t i = 0; i < world->in.failed_count; i++)
        add_failed(world, &world->in.failed[i], &capacity);
    for (size_t i = 0; i < world->in.record_count; i++)
        add_recorded_switches(world, world->in.records[i], &capacity);
    world->ports = alloc_zeroed(world->port_count + 1, sizeof *world->ports);
    for (uint32_t s = 0; s < world->switch_count; s++)
        for (uint32_t p = 0; p < world->switches[s].port_count; p++) {
            uint32_t port = world->switches[s].first_port + p;
            world->ports[port] = (struct world_port){.switch_index = s,
                                                     .root = port,
                                                     .hypervisor = WORLD_NONE,
                                                     .other = WORLD_NONE,
                                                     .place_of = WORLD_NONE};
        }
}

/* The world's number of a hypervisor by its name in one set. */
static uint32_t set_hypervisor(struct world *world, struct world_set *set, uint32_t name,
                               size_t *capacity)
{
    uint32_t *number = &set->hypervisor_numbers[name];
    if (*number != WORLD_NONE)
        return *number;
    *number = add_hypervisor(world, names_get(set->set->names, name), capacity);
    map_put(&set->hypervisors, name, *number);
    return *number;
}

/* Guests of one hypervisor mostly stand together, so a name is fetched when its first
 * guest comes near. */
static void name_set_hypervisors(struct world *world, struct world_set *set, size_t *capacity)
{
    enum { NAMES_AHEAD = 128 };
    const struct nic_columns *nics = &set->set->nics;
    uint32_t last = NAME_NONE, fetched = NAME_NONE;
    for (size_t i = 0; i < nics->count; i++) {
        uint32_t ahead =
            i + NAMES_AHEAD < nics->count ? nics->hypervisor[i + NAMES_AHEAD] : fetched;
        if (ahead != fetched) {
            fetched = ahead;
            __builtin_prefetch(names_get(set->set->names, ahead));
        }
        uint32_t name = nics->hypervisor[i];
        if (name == last)
            continue;
        last = name;
        if (name != NAME_NONE && set->hypervisor_numbers[name] == WORLD_NONE)
            set_hypervisor(world, set, name, capacity);
    }
}

static void name_guest_hypervisors(struct world *world, size_t *capacity)
{
    world->sets = alloc_zeroed(world->in.record_count + 1, sizeof *world->sets);
    for (size_t s = 0; s < world->in.record_count; s++) {
        const struct record_set *set = world->in.records[s];
        struct world_set *to = &world->sets[s];
        to->set = set;
        to->nic_base = world->nic_count;
        to->guest_base = world->guest_count;
        to->vlans = map_vlans(world, set->vlans);
        world->nic_count += (uint32_t)set->nics.count;
        world->guest_count += (uint32_t)set->guest_count;
        size_t names = names_count(set->names);
        to->hypervisor_numbers = alloc_huge((names + 1) * sizeof(uint32_t));
        memset(to->hypervisor_numbers, 0xff, (names + 1) * sizeof(uint32_t));
        map_reserve(&to->hypervisors, set->attachment_count / 2);
        map_reserve(&world->hypervisor_of_name, set->attachment_count / 2);
        name_set_hypervisors(world, to, capacity);
    }
}

static uint32_t find_port_on(const struct world *world, uint32_t switch_index, const char *port)
{
    for (uint32_t s = switch_index; s != WORLD_NONE; s = world->switches[s].next_same) {
        if (world->switches[s].table == NULL)
            continue;
        uint32_t local = forward_table_find_port(world->switches[s].table, port);
        if (local != FORWARD_NO_PORT)
            return world->switches[s].first_port + local;
    }
    return WORLD_NONE;
}

/* --- attachments --- */

static int by_hypervisor(const void *a, const void *b)
{
    const struct world_attachment *one = a, *other = b;
    if (one->hypervisor != other->hypervisor)
        return one->hypervisor < other->hypervisor ? -1 : 1;
    if (one->set != other->set)
        return one->set < other->set ? -1 : 1;
    return one->line < other->line ? -1 : one->line > other->line;
}

static void read_attachments(struct world *world, size_t *hypervisors)
{
    size_t total = 0;
    for (size_t i = 0; i < world->in.record_count; i++)
        total += world->in.records[i]->attachment_count;
    world->attachments = alloc_zeroed(total + 1, sizeof *world->attachments);
    for (uint32_t s = 0; s < world->in.record_count; s++) {
        const struct record_set *set = world->in.records[s];
        uint32_t near_names[NEAR_NAMES], near_switches[NEAR_NAMES];
        memset(near_names, 0xff, sizeof near_names);
        for (size_t i = 0; i < set->attachment_count; i++) {
            const struct record_attachment *row = &set->attachments[i];
            if (row->hypervisor == NAME_NONE)
                continue;
            struct world_attachment *to = &world->attachments[world->attachment_count++];
            *to = (struct world_attachment){
                .hypervisor = set_hypervisor(world, &world->sets[s], row->hypervisor, hypervisors),
                .nic_mac = mac_is_station(row->nic_mac) ? row->nic_mac : MAC_NONE,
                .switch_index = WORLD_NONE,
                .port = WORLD_NONE,
                .switch_name = names_get(set->names, row->switch_name),
                .port_name = names_get(set->names, row->port),
                .set = s,
                .line = row->line};
            if (to->switch_name[0] == '\0' || to->port_name[0] == '\0')
                continue;
            uint32_t near = row->switch_name % NEAR_NAMES; /* mostly one of the last few */
            if (near_names[near] != row->switch_name) {
                near_names[near] = row->switch_name;
                near_switches[near] = world_find_switch(world, to->switch_name);
            }
            to->switch_index = near_switches[near];
            to->port = find_port_on(world, to->switch_index, to->port_name);
        }
    }
    bool sorted = true;
    for (uint32_t i = 1; i < world->attachment_count && sorted; i++)
        sorted = by_hypervisor(&world->attachments[i - 1], &world->attachments[i]) <= 0;
    if (!sorted)
        qsort(world->attachments, world->attachment_count, sizeof *world->attachments,
              by_hypervisor);
}

static int by_mac(const void *a, const void *b)
{
    const struct world_hypervisor_nic *one = a, *other = b;
    if (one->mac.bits != other->mac.bits)
        return one->mac.bits < other->mac.bits ? -1 : 1;
    return one->hypervisor < other->hypervisor ? -1 : one->hypervisor > other->hypervisor;
}

static void build_hypervisor_nics(struct world *world)
{
    world->hypervisor_nics =
        alloc_zeroed(world->attachment_count + 1, sizeof *world->hypervisor_nics);
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->attachment_count; i++)
        if (mac_known(world->attachments[i].nic_mac))
            world->hypervisor_nics[count++] = (struct world_hypervisor_nic){
                world->attachments[i].hypervisor, world->attachments[i].nic_mac};
    qsort(world->hypervisor_nics, count, sizeof *world->hypervisor_nics, by_mac);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || by_mac(&world->hypervisor_nics[kept - 1], &world->hypervisor_nics[i]) != 0)
            world->hypervisor_nics[kept++] = world->hypervisor_nics[i];
    world->hypervisor_nic_count = kept;
}

/* Nearly every port is the place of one hypervisor: only the others need the map. */
static void add_place(struct world *world, uint32_t port, uint32_t hypervisor)
{
    uint32_t number = world->ports[port].root;
    struct world_port *root = &world->ports[number];
    if (root->place_of == WORLD_NONE || root->place_of == hypervisor) {
        root->place_of = hypervisor;
        return;
    }
    if (root->place_of != WORLD_SEVERAL)
        map_put(&world->places, (uint64_t)number << 32 | root->place_of, 1);
    root->place_of = WORLD_SEVERAL;
    map_put(&world->places, (uint64_t)number << 32 | hypervisor, 1);
}

/* Gives each hypervisor its attachments, its site and its places. */
static void build_places(struct world *world)
{
    for (uint32_t i = 0; i < world->attachment_count; i++) {
        const struct world_attachment *a = &world->attachments[i];
        struct world_hypervisor *hv = &world->hypervisors[a->hypervisor];
        if (hv->attachment_count++ == 0)
            hv->first_attachment = i;
        if (a->switch_index != WORLD_NONE && !hv->located && hv->site == 0)
            hv->site = world->switches[a->switch_index].site;
        if (a->port != WORLD_NONE)
            add_place(world, a->port, a->hypervisor);
        bool may_be_there =
            a->switch_index != WORLD_NONE && world->switches[a->switch_index].table == NULL;
        hv->located = hv->located || a->port != WORLD_NONE || may_be_there;
    }
    for (uint32_t s = 0; s < world->switch_count; s++) {
        const struct world_switch *sw = &world->switches[s];
        if (sw->hypervisor == WORLD_NONE)
            continue;
        if (world->hypervisors[sw->hypervisor].attachment_count == 0)
            world->hypervisors[sw->hypervisor].site = sw->site;
        for (uint32_t p = 0; p < sw->port_count; p++)
            if (!sw->table->ports[p].uplink && !sw->table->ports[p].tunnel)
                add_place(world, sw->first_port + p, sw->hypervisor);
    }
}

/* When each switch was last read before this round, as far as memory tells. */
static void find_last_reads(struct world *world)
{
    const struct memory *memory = world->memory;
    const char *name = NULL; /* neighbours mostly share the text */
    uint32_t index = WORLD_NONE;
    for (size_t i = 0; i < memory->interval_count; i++) {
        if (memory->intervals[i].switch_name != name) {
            name = memory->intervals[i].switch_name;
            index = world_find_switch(world, name);
        }
        for (uint32_t s = index; s != WORLD_NONE; s = world->switches[s].next_same)
            if (memory->intervals[i].last.us > world->switches[s].last_read_us &&
                (world->switches[s].started_us == WALL_UNKNOWN.us ||
                 memory->intervals[i].last.us < world->switches[s].started_us))
                world->switches[s].last_read_us = memory->intervals[i].last.us;
    }
}

/* The VLANs by which discrepancies stand, so that they can keep their names. */
static void intern_domains(struct world *world)
{
    for (size_t i = 0; i < world->memory->open_count; i++) {
        const char *domain = strrchr(world->memory->opens[i].identity, ' ');
        const char *vlans = domain != NULL ? strrchr(domain, '/') : NULL;
        vlan_set set;
        if (vlans != NULL && vlans[1] >= '0' && vlans[1] <= '9' &&
            vlan_set_parse(world->vlans, vlans + 1, strlen(vlans + 1), &set) != 0)
            continue; /* a site's name with a slash in it */
    }
}

struct world *world_new(const struct world_input *input)
{
    struct world *world = alloc_zeroed(1, sizeof *world);
    world->in = *input;
    if (input->options != NULL)
        world->options = *input->options;
    else
        audit_options_init(&world->options);
    if (world->options.prefixes == NULL)
        world->options.prefixes = mac_guest_prefixes(&world->options.prefix_count);
    world->memory = input->memory != NULL ? input->memory : &world->no_memory;
    world->names = names_new();
    world->arena = arena_new();
    world->vlans = vlan_pool_new();
    size_t hypervisors = 0;
    build_switches(world, &hypervisors);
    world_build_links(world);
    name_guest_hypervisors(world, &hypervisors);
    read_attachments(world, &hypervisors);
    build_hypervisor_nics(world);
    build_places(world);
    edge_build(world);
    world_build_nics(world);
    for (size_t s = 0; s < world->in.record_count; s++) {
        alloc_huge_free(world->sets[s].hypervisor_numbers,
                        (names_count(world->in.records[s]->names) + 1) * sizeof(uint32_t));
        world->sets[s].hypervisor_numbers = NULL;
    }
    coverage_build(world);
    find_last_reads(world);
    world->nowhere = WORLD_NONE;
    world_build_heard(world);
    intern_domains(world);
    return world;
}

void world_free(struct world *world)
{
    if (world == NULL)
        return;
    world_free_nics(world);
    world_free_heard(world);
    for (uint32_t i = 0; i < world->switch_count; i++)
        free(world->switches[i].vlans);
    map_done(&world->switch_of_name);
    map_done(&world->places);
    map_done(&world->unread_peers);
    map_done(&world->hypervisor_of_name);
    free(world->sites);
    free(world->site_whole);
    free(world->site_read_us);
    free(world->switches);
    free(world->table_switch);
    free(world->ports);
    free(world->hypervisors);
    free(world->attachments);
    free(world->hypervisor_nics);
    names_free(world->names);
    arena_free(world->arena);
    vlan_pool_free(world->vlans);
    free(world);
}

size_t world_size(const struct world *world)
{
    size_t size = world->index.bytes + arena_size(world->arena) + names_size(world->names);
    size += world->port_count * sizeof *world->ports;
    size += world->switch_count * sizeof *world->switches;
    size += world->hypervisor_count * sizeof *world->hypervisors;
    size += world->attachment_count * (sizeof *world->attachments + sizeof *world->hypervisor_nics);
    size += world->shared_count * sizeof *world->shared;
    size += world->heard_capacity * (sizeof *world->heard + sizeof *world->ports);
    for (size_t s = 0; s < world->in.record_count; s++)
        if (!world->sets[s].guests_in_order)
            size += (world->sets[s].set->nics.count + world->sets[s].set->guest_count + 1) *
                    sizeof(uint32_t);
    if (world->canonical != NULL)
        size += 2 * world->guest_count * sizeof(uint32_t);
    return size;
}

/* --- reading --- */

uint32_t world_find_switch(const struct world *world, const char *name)
{
    uint32_t number = find_name(world, name);
    uint32_t found = number != NAME_NONE ? map_find(&world->switch_of_name, number) : MAP_NO_VALUE;
    return found;
}

uint32_t world_find_port(const struct world *world, const char *switch_name, const char *port)
{
    return find_port_on(world, world_find_switch(world, switch_name), port);
}

uint32_t world_find_hypervisor(const struct world *world, const char *name)
{
    uint32_t number = find_name(world, name);
    return number != NAME_NONE ? map_find(&world->hypervisor_of_name, number) : WORLD_NONE;
}

const char *world_port_name(const struct world *world, uint32_t port)
{
    if (port >= world->port_count)
        return world->heard[port - world->port_count].port_name;
    const struct world_switch *sw = &world->switches[world->ports[port].switch_index];
    return names_get(sw->table->names, sw->table->ports[port - sw->first_port].name);
}

const char *world_site_name(const struct world *world, uint32_t site)
{
    return names_get(world->names, world->sites[site]);
}

uint32_t world_find_hypervisor_nic(const struct world *world, uint64_t mac)
{
    uint32_t low = 0, high = world->hypervisor_nic_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (world->hypervisor_nics[middle].mac.bits < mac)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < world->hypervisor_nic_count && world->hypervisor_nics[low].mac.bits == mac;
    return found ? low : WORLD_NONE;
}

uint32_t world_hypervisor_site(const struct world *world, uint32_t hypervisor)
{
    if (hypervisor == WORLD_NONE || world->site_count == 1)
        return 0;
    return world->hypervisors[hypervisor].site;
}

bool world_is_place(const struct world *world, uint32_t port, uint32_t hypervisor)
{
    if (hypervisor == WORLD_NONE)
        return false;
    const struct world_port *p = &world->ports[port];
    if (p->hypervisor != hypervisor && p->hypervisor != WORLD_SEVERAL)
        return false;
    uint32_t only = world->ports[p->root].place_of;
    return only == WORLD_SEVERAL
               ? map_find(&world->places, (uint64_t)p->root << 32 | hypervisor) != MAP_NO_VALUE
               : only == hypervisor;
}

bool world_vlans_overlap(const struct world *world, uint16_t a, uint16_t b)
{
    return a == b || a == VLAN_SET_UNKNOWN || b == VLAN_SET_UNKNOWN ||
           vlan_sets_share(world->vlans, a, world->vlans, b);
}
