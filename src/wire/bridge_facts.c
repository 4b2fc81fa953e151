/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bridge_facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "wire/bridge_reader.h"
#include "wire/bridge_rows.h"

enum { VLAN_LOWEST = 1, VLAN_HIGHEST = 4094 };

void facts_builder_init(struct facts_builder *builder)
{
    *builder = (struct facts_builder){
        .facts = alloc_zeroed(1, sizeof *builder->facts),
        .neighbours = neighbour_table_new(),
    };
    builder->facts->names = names_new();
}

void facts_builder_done(struct facts_builder *builder)
{
    bridge_facts_free(builder->facts);
    neighbour_table_free(builder->neighbours);
    map_done(&builder->by_if_index);
    map_done(&builder->base_seen);
    map_done(&builder->vlan_seen);
    map_done(&builder->component_seen);
    free(builder->component_vlans);
    map_done(&builder->tag_fdb);
    free(builder->tags);
}

/* Returns the interface of that number, adding it; NULL when there are too many. */
static struct bridge_interface *interface_of(struct facts_builder *builder, uint32_t if_index)
{
    struct bridge_facts *facts = builder->facts;
    uint32_t at = map_find(&builder->by_if_index, if_index);
    if (at != MAP_NO_VALUE)
        return &facts->interfaces[at];
    if (facts->interface_count == BRIDGE_MAP_ROWS_MAX)
        return NULL;
    map_put(&builder->by_if_index, if_index, (uint32_t)facts->interface_count);
    facts->interfaces = alloc_grow(facts->interfaces, facts->interface_count,
                                   &facts->interface_capacity, sizeof *facts->interfaces);
    struct bridge_interface *added = &facts->interfaces[facts->interface_count++];
    *added = (struct bridge_interface){
        .if_index = if_index,
        .name = NAME_NONE,
        .descr = NAME_NONE,
        .alias = NAME_NONE,
        .address = MAC_NONE,
    };
    return added;
}

bool facts_add_interface(struct facts_builder *builder, enum interface_column column,
                         uint32_t if_index, const struct snmp_value *value)
{
    struct bridge_interface *interface = interface_of(builder, if_index);
    if (interface == NULL)
        return false;
    int64_t number;
    if (column == INTERFACE_TYPE) {
        if (bridge_value_number(value, &number) && number > 0 && number < INT32_MAX)
            interface->type = (uint32_t)number;
        return true;
    }
    if (value->type != SNMP_OCTETS)
        return true;
    if (column == INTERFACE_ADDRESS) {
        interface->address = bridge_value_mac(value);
        if (mac_is_zero(interface->address))
            interface->address = MAC_NONE;
        return !mac_known(interface->address) || facts_add_own_mac(builder, interface->address);
    }
    uint32_t text = neighbour_text(builder->facts->names, value->bytes, value->length);
    *(column == INTERFACE_NAME    ? &interface->name
      : column == INTERFACE_DESCR ? &interface->descr
                                  : &interface->alias) = text;
    return true;
}

bool facts_add_base_port(struct facts_builder *builder, uint32_t context, uint32_t port,
                         const struct snmp_value *value)
{
    struct bridge_facts *facts = builder->facts;
    int64_t if_index;
    if (!bridge_value_number(value, &if_index) || if_index < 0 || if_index >= UINT32_MAX)
        return true;
    if (facts->base_port_count == BRIDGE_MAP_ROWS_MAX ||
        map_find(&builder->base_seen, (uint64_t)context << 32 | port) != MAP_NO_VALUE)
        return false;
    map_put(&builder->base_seen, (uint64_t)context << 32 | port, 1);
    facts->base_ports = alloc_grow(facts->base_ports, facts->base_port_count,
                                   &facts->base_port_capacity, sizeof *facts->base_ports);
    facts->base_ports[facts->base_port_count++] =
        (struct bridge_base_port){context, port, (uint32_t)if_index};
    return true;
}

static void add_pair(struct bridge_vlan **pairs, size_t *count, size_t *capacity, uint32_t fdb_id,
                     uint32_t vlan)
{
    *pairs = alloc_grow(*pairs, *count, capacity, sizeof **pairs);
    (*pairs)[(*count)++] = (struct bridge_vlan){fdb_id, vlan};
}

bool facts_add_vlan(struct facts_builder *builder, const uint32_t *index, size_t count,
                    const struct snmp_value *value)
{
    struct bridge_facts *facts = builder->facts;
    int64_t fdb_id;
    if (count == 0 || count > 3 || !bridge_value_number(value, &fdb_id) || fdb_id < 0 ||
        fdb_id > UINT32_MAX)
        return true;
    uint32_t vlan = index[count - 1];
    if (facts->vlan_count + builder->component_count >= BRIDGE_MAP_ROWS_MAX)
        return false;
    bool component = count == 3;
    uint64_t key = (uint64_t)(component ? index[1] : 0) << 32 | vlan;
    struct map *seen = component ? &builder->component_seen : &builder->vlan_seen;
    if (map_find(seen, key) != MAP_NO_VALUE)
        return false;
    map_put(seen, key, 1);
    if (component)
        add_pair(&builder->component_vlans, &builder->component_count, &builder->component_capacity,
                 (uint32_t)fdb_id, vlan);
    else
        add_pair(&facts->vlans, &facts->vlan_count, &facts->vlan_capacity, (uint32_t)fdb_id, vlan);
    return true;
}

void facts_forget_vlans(struct facts_builder *builder, size_t count)
{
    bool component = count == 3;
    map_done(component ? &builder->component_seen : &builder->vlan_seen);
    *(component ? &builder->component_count : &builder->facts->vlan_count) = 0;
}

bool facts_add_own_mac(struct facts_builder *builder, struct mac mac)
{
    struct bridge_facts *facts = builder->facts;
    if (facts->own_mac_count == BRIDGE_MAP_ROWS_MAX)
        return false;
    facts->own_macs = alloc_grow(facts->own_macs, facts->own_mac_count, &facts->own_mac_capacity,
                                 sizeof *facts->own_macs);
    facts->own_macs[facts->own_mac_count++] = mac;
    return true;
}

bool facts_add_tag(struct facts_builder *builder, uint32_t index, const struct snmp_value *value)
{
    int64_t vlan;
    if (!bridge_value_number(value, &vlan) || vlan < VLAN_LOWEST || vlan > VLAN_HIGHEST)
        return true;
    if (builder->tag_count == BRIDGE_MAP_ROWS_MAX)
        return false;
    add_pair(&builder->tags, &builder->tag_count, &builder->tag_capacity, index, (uint32_t)vlan);
    return true;
}

bool facts_add_tag_fdb(struct facts_builder *builder, uint32_t index,
                       const struct snmp_value *value)
{
    int64_t fdb_id;
    if (!bridge_value_number(value, &fdb_id) || fdb_id < 0 || fdb_id > UINT32_MAX)
        return true;
    if (builder->tag_fdb.count == BRIDGE_MAP_ROWS_MAX)
        return false;
    map_put(&builder->tag_fdb, index, (uint32_t)fdb_id);
    return true;
}

/* --- ending --- */

static int compare_interfaces(const void *a, const void *b)
{
    const struct bridge_interface *x = a, *y = b;
    return (x->if_index > y->if_index) - (x->if_index < y->if_index);
}

static int compare_base_ports(const void *a, const void *b)
{
    const struct bridge_base_port *x = a, *y = b;
    if (x->context != y->context)
        return x->context < y->context ? -1 : 1;
    return (x->port > y->port) - (x->port < y->port);
}

static int compare_pairs(const void *a, const void *b)
{
    const struct bridge_vlan *x = a, *y = b;
    if (x->fdb_id != y->fdb_id)
        return x->fdb_id < y->fdb_id ? -1 : 1;
    return (x->vlan > y->vlan) - (x->vlan < y->vlan);
}

static void sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    if (count > 1)
        qsort(items, count, size, compare);
}

static int compare_by_port(const void *a, const void *b)
{
    const struct bridge_base_port *x = a, *y = b;
    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    return (x->context > y->context) - (x->context < y->context);
}

/* Makes what the port rules ask of the base-port tables as a whole, so that a
 * port costs the same however large they are. */
static void index_base_ports(struct bridge_facts *facts)
{
    size_t count = facts->base_port_count, capacity = 0;
    sort(facts->base_ports, count, sizeof *facts->base_ports, compare_base_ports);
    if (count == 0)
        return;
    facts->by_port = alloc_array(count, sizeof *facts->by_port);
    memcpy(facts->by_port, facts->base_ports, count * sizeof *facts->by_port);
    sort(facts->by_port, count, sizeof *facts->by_port, compare_by_port);
    for (size_t i = 0; i < count; i++) {
        const struct bridge_base_port *at = &facts->base_ports[i];
        if (i == 0 || facts->base_ports[i - 1].context != at->context) {
            facts->base_contexts = alloc_grow(facts->base_contexts, facts->base_context_count,
                                              &capacity, sizeof *facts->base_contexts);
            facts->base_contexts[facts->base_context_count++] =
                (struct bridge_base_context){.context = at->context, .identity = true};
        }
        struct bridge_base_context *context = &facts->base_contexts[facts->base_context_count - 1];
        context->highest = at->port;
        context->identity = context->identity && at->port == at->if_index;
    }
}

/* Sorts and drops what both VLAN tables say. Returns how many are left. */
static size_t sort_pairs(struct bridge_vlan *pairs, size_t count)
{
    sort(pairs, count, sizeof *pairs, compare_pairs);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_pairs(&pairs[kept - 1], &pairs[i]) != 0)
            pairs[kept++] = pairs[i];
    return kept;
}

static uint32_t copy_name(struct names *to, const struct names *from, uint32_t number)
{
    if (number == NAME_NONE)
        return NAME_NONE;
    const char *text = names_get(from, number);
    return names_add(to, text, strlen(text));
}

/* --- what an earlier read had --- */

static void merge_interfaces(struct facts_builder *builder, const struct bridge_facts *before)
{
    struct bridge_facts *facts = builder->facts;
    for (size_t i = 0; i < before->interface_count; i++) {
        const struct bridge_interface *old = &before->interfaces[i];
        struct bridge_interface *now = interface_of(builder, old->if_index);
        if (now == NULL)
            break;
        if (now->name == NAME_NONE)
            now->name = copy_name(facts->names, before->names, old->name);
        if (now->descr == NAME_NONE)
            now->descr = copy_name(facts->names, before->names, old->descr);
        if (now->alias == NAME_NONE)
            now->alias = copy_name(facts->names, before->names, old->alias);
        if (now->type == 0)
            now->type = old->type;
        if (!mac_known(now->address))
            now->address = old->address;
    }
}

/* The pairs of `before` take the place of those that a broken walk got. */
static void replace_pairs(struct bridge_vlan **pairs, size_t *count, size_t *capacity,
                          const struct bridge_vlan *before, size_t before_count)
{
    *count = 0;
    for (size_t i = 0; i < before_count; i++)
        add_pair(pairs, count, capacity, before[i].fdb_id, before[i].vlan);
}

/* Members of which no walk has told anything now stay where they were. */
static void merge_lags(struct bridge_facts *facts, const struct bridge_facts *before)
{
    struct map told = MAP_EMPTY;
    for (size_t i = 0; i < facts->lag_count; i++)
        map_put(&told, facts->lags[i].if_index, 1);
    for (size_t i = 0; i < before->lag_count; i++) {
        const struct lag_member *old = &before->lags[i];
        if (map_find(&told, old->if_index) == MAP_NO_VALUE)
            lag_table_add(facts, old->if_index, old->aggregate, old->source);
    }
    map_done(&told);
}

static void replace_neighbours(struct bridge_facts *facts, const struct bridge_facts *before)
{
    facts->neighbour_count = 0;
    for (size_t i = 0; i < before->neighbour_count; i++) {
        struct wire_neighbour copy = before->neighbours[i];
        uint32_t *const names[] = {&copy.chassis,  &copy.port,       &copy.port_descr,
                                   &copy.system,   &copy.address,    &copy.description,
                                   &copy.local_id, &copy.local_descr};
        for (size_t n = 0; n < ARRAY_COUNT(names); n++)
            *names[n] = copy_name(facts->names, before->names, *names[n]);
        facts->neighbours = alloc_grow(facts->neighbours, facts->neighbour_count,
                                       &facts->neighbour_capacity, sizeof *facts->neighbours);
        facts->neighbours[facts->neighbour_count++] = copy;
    }
}

static int compare_macs(const void *a, const void *b)
{
    const struct mac *x = a, *y = b;
    return (x->bits > y->bits) - (x->bits < y->bits);
}

static void merge_own_macs(struct facts_builder *builder, const struct bridge_facts *before)
{
    struct bridge_facts *facts = builder->facts;
    size_t kept = 0;
    for (size_t i = 0; i < before->own_mac_count; i++)
        (void)facts_add_own_mac(builder, before->own_macs[i]);
    sort(facts->own_macs, facts->own_mac_count, sizeof *facts->own_macs, compare_macs);
    for (size_t i = 0; i < facts->own_mac_count; i++)
        if (kept == 0 || !mac_equal(facts->own_macs[kept - 1], facts->own_macs[i]))
            facts->own_macs[kept++] = facts->own_macs[i];
    facts->own_mac_count = kept;
}

/* Takes what the read before had and this one lacks, before anything is sorted. */
static void merge_before(struct facts_builder *builder, const struct bridge_facts *before,
                         uint32_t older)
{
    struct bridge_facts *facts = builder->facts;
    for (size_t i = 0; i < before->base_port_count; i++) {
        const struct bridge_base_port *old = &before->base_ports[i];
        struct snmp_value value = {.type = SNMP_INTEGER, .number = old->if_index};
        (void)facts_add_base_port(builder, old->context, old->port, &value);
    }
    merge_interfaces(builder, before);
    if (facts->vlan_count == 0 || (older & FACTS_BIT(FACTS_VLANS)) != 0)
        replace_pairs(&facts->vlans, &facts->vlan_count, &facts->vlan_capacity, before->vlans,
                      before->vlan_count);
    if ((older & FACTS_BIT(FACTS_TAGS)) != 0)
        replace_pairs(&facts->tags, &facts->tag_count, &facts->tag_capacity, before->tags,
                      before->tag_count);
    if ((older & (FACTS_BIT(FACTS_LAGS) | FACTS_BIT(FACTS_STACKS))) != 0)
        merge_lags(facts, before);
    if ((older & FACTS_BIT(FACTS_ADDRESSES)) != 0)
        merge_own_macs(builder, before);
}

/* Makes the vendor's map: FDB id -> VLAN tag. */
static void join_tags(struct facts_builder *builder, const struct quirk *quirk)
{
    struct bridge_facts *facts = builder->facts;
    for (size_t i = 0; i < builder->tag_count; i++) {
        uint32_t index = builder->tags[i].fdb_id;
        uint32_t fdb_id = map_find(&builder->tag_fdb, index);
        if (fdb_id == MAP_NO_VALUE) {
            if (index > UINT32_MAX >> quirk->tag_shift)
                continue;
            fdb_id = index << quirk->tag_shift;
        }
        add_pair(&facts->tags, &facts->tag_count, &facts->tag_capacity, fdb_id,
                 builder->tags[i].vlan);
    }
}

struct bridge_facts *facts_builder_take(struct facts_builder *builder, const struct quirk *quirk,
                                        const struct bridge_facts *before, uint32_t older)
{
    struct bridge_facts *facts = builder->facts;
    for (size_t i = 0; i < builder->component_count; i++)
        add_pair(&facts->vlans, &facts->vlan_count, &facts->vlan_capacity,
                 builder->component_vlans[i].fdb_id, builder->component_vlans[i].vlan);
    join_tags(builder, quirk);
    if (before != NULL)
        merge_before(builder, before, older);
    sort(facts->interfaces, facts->interface_count, sizeof *facts->interfaces, compare_interfaces);
    index_base_ports(facts);
    facts->vlan_count = sort_pairs(facts->vlans, facts->vlan_count);
    facts->tag_count = sort_pairs(facts->tags, facts->tag_count);
    lag_table_finish(facts);
    neighbour_table_finish(builder->neighbours, facts);
    if (before != NULL && (older & FACTS_BIT(FACTS_NEIGHBOURS)) != 0)
        replace_neighbours(facts, before);
    builder->facts = NULL;
    return facts;
}

const char *facts_part_word(enum facts_part part)
{
    switch (part) {
    case FACTS_BASE_PORTS:
        return "the map of bridge ports";
    case FACTS_INTERFACES:
        return "the table of interfaces";
    case FACTS_VLANS:
    case FACTS_TAGS:
        return "the map from FDB ids to VLANs";
    case FACTS_LAGS:
    case FACTS_STACKS:
        return "the link aggregates";
    case FACTS_ADDRESSES:
        return "the device's own addresses";
    case FACTS_NEIGHBOURS:
        return "the neighbours";
    case FACTS_PART_COUNT:
        break;
    }
    UNREACHABLE();
}

bool bridge_facts_placed(const struct bridge_facts *facts)
{
    return (facts->unread &
            (FACTS_BIT(FACTS_BASE_PORTS) | FACTS_BIT(FACTS_INTERFACES) | FACTS_BIT(FACTS_VLANS) |
             FACTS_BIT(FACTS_TAGS) | FACTS_BIT(FACTS_LAGS))) == 0;
}

/* --- VLANs of the groups --- */

/* Returns the first pair of `fdb_id` and sets *ret_count. */
static const struct bridge_vlan *pairs_of(const struct bridge_vlan *pairs, size_t count,
                                          uint32_t fdb_id, uint32_t *ret_count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pairs[middle].fdb_id < fdb_id)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < count && pairs[end].fdb_id == fdb_id)
        end++;
    *ret_count = (uint32_t)(end - low);
    return *ret_count == 0 ? NULL : pairs + low;
}

static void set_pairs(struct bridge_group *group, const struct bridge_vlan *pairs, uint32_t count)
{
    if (count > LIMIT_VLANS_PER_SET)
        count = LIMIT_VLANS_PER_SET;
    group->vlans = alloc_array(count, sizeof *group->vlans);
    group->vlan_count = count;
    for (uint32_t i = 0; i < count; i++)
        group->vlans[i] = pairs[i].vlan;
}

static void set_one(struct bridge_group *group, uint32_t vlan)
{
    if (vlan < VLAN_LOWEST || vlan > VLAN_HIGHEST)
        return;
    struct bridge_vlan pair = {0, vlan};
    set_pairs(group, &pair, 1);
}

/* What the VLAN table says about FDB ids as such. */
struct vlan_table {
    bool identity;    /* every FDB id is its VLAN */
    struct map vlans; /* VLANs that it has */
};

static void set_standard(const struct bridge_facts *facts, const struct vlan_table *known,
                         struct bridge_group *group)
{
    uint32_t count;
    const struct bridge_vlan *pairs =
        pairs_of(facts->vlans, facts->vlan_count, group->fdb_id, &count);
    if (count > 0) {
        set_pairs(group, pairs, count);
        return;
    }
    group->notes |=
        facts->vlan_count == 0 ? BRIDGE_NOTE_NO_VLAN_TABLE : BRIDGE_NOTE_FDB_NOT_IN_TABLE;
    if (known->identity || map_find(&known->vlans, group->fdb_id) != MAP_NO_VALUE)
        set_one(group, group->fdb_id);
}

static void set_vlans(const struct bridge_facts *facts, const struct quirk *quirk,
                      const struct vlan_table *known, uint32_t default_vlan,
                      struct bridge_group *group)
{
    if (group->context != 0) {
        set_one(group, group->context);
        return;
    }
    if (group->fdb_is_vlan) {
        set_one(group, group->fdb_id);
        return;
    }
    if (!group->fdb_known) {
        if (group->family == BRIDGE_DOT1D)
            set_one(group, default_vlan);
        return;
    }
    uint32_t count = 0;
    const struct bridge_vlan *tags = pairs_of(facts->tags, facts->tag_count, group->fdb_id, &count);
    bool tags_apply = quirk->fdb.column.length == 0 || group->family == BRIDGE_VENDOR;
    if (quirk->vlan == QUIRK_VLAN_TAGS && facts->tag_count > 0 && tags_apply) {
        group->notes |= facts->vlan_count == 0 ? BRIDGE_NOTE_NO_VLAN_TABLE : 0;
        if (count > 0) {
            set_pairs(group, tags, count);
            group->notes |= BRIDGE_NOTE_BY_QUIRK;
        }
        return;
    }
    if (quirk->vlan == QUIRK_VLAN_FDB && group->fdb_id >= VLAN_LOWEST &&
        group->fdb_id <= VLAN_HIGHEST) {
        set_one(group, group->fdb_id);
        group->notes |= facts->vlan_count == 0 ? BRIDGE_NOTE_NO_VLAN_TABLE : BRIDGE_NOTE_BY_QUIRK;
        return;
    }
    set_standard(facts, known, group);
}

void bridge_facts_set_vlans(struct bridge_table *table, const struct quirk *quirk,
                            uint32_t default_vlan)
{
    const struct bridge_facts *facts = table->facts;
    struct vlan_table known = {.identity = true};
    for (size_t i = 0; i < facts->vlan_count; i++) {
        known.identity = known.identity && facts->vlans[i].fdb_id == facts->vlans[i].vlan;
        map_put(&known.vlans, facts->vlans[i].vlan, 1);
    }
    for (size_t i = 0; i < table->group_count; i++)
        set_vlans(facts, quirk, &known, default_vlan, &table->groups[i]);
    map_done(&known.vlans);
}
