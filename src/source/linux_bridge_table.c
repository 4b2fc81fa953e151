/* SPDX-License-Identifier: Apache-2.0 */
#include "source/linux_bridge_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"

/* --- the reading --- */

int linux_bridge_reading_add(struct linux_bridge_reading *reading,
                             const struct rtnl_message *message)
{
    if (message->what == RTNL_LINK) {
        if (reading->link_count == LIMIT_SWITCH_PORTS)
            return ERR_LIMIT;
        reading->links = alloc_grow(reading->links, reading->link_count, &reading->link_capacity,
                                    sizeof *reading->links);
        reading->links[reading->link_count++] = message->link;
    } else if (message->what == RTNL_ENTRY) {
        if (reading->entry_count == LIMIT_FORWARD_ROWS)
            return ERR_LIMIT;
        reading->entries = alloc_grow(reading->entries, reading->entry_count,
                                      &reading->entry_capacity, sizeof *reading->entries);
        reading->entries[reading->entry_count++] = message->entry;
    }
    return 0;
}

void linux_bridge_reading_clear(struct linux_bridge_reading *reading)
{
    reading->link_count = reading->entry_count = 0;
}

void linux_bridge_reading_done(struct linux_bridge_reading *reading)
{
    free(reading->links);
    free(reading->entries);
    *reading = (struct linux_bridge_reading){0};
}

/* --- building --- */

struct build {
    const struct linux_bridge_reading *reading;
    const struct linux_bridge_choice *choice;
    struct forward_table *table;
    struct map links; /* if_index -> index of the link */
    struct map ports; /* if_index -> index of the port in the table */
};

static bool is_chosen(const struct build *build, const struct rtnl_link *link)
{
    return strcmp(link->kind, "bridge") == 0 && (strcmp(build->choice->bridge, "all") == 0 ||
                                                 strcmp(build->choice->bridge, link->name) == 0);
}

/* Returns the chosen bridge with this if_index, NULL when it is none. */
static const struct rtnl_link *find_bridge(const struct build *build, uint32_t if_index)
{
    uint32_t at = map_find(&build->links, if_index);
    if (at == MAP_NO_VALUE || !is_chosen(build, &build->reading->links[at]))
        return NULL;
    return &build->reading->links[at];
}

static bool is_listed(const struct option_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], name) == 0)
            return true;
    }
    return false;
}

static bool is_kind(const struct rtnl_link *link, const char *const *kinds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(link->kind, kinds[i]) == 0)
            return true;
    }
    return false;
}

static bool is_tunnel(const struct rtnl_link *link)
{
    static const char *const kinds[] = {"vxlan",     "geneve",  "gretap",  "ip6gretap", "erspan",
                                        "ip6erspan", "bareudp", "l2tpeth", "vti"};
    return is_kind(link, kinds, ARRAY_COUNT(kinds));
}

/* The other end of a veth that is a port of another bridge of this host. */
static bool leads_to_own_bridge(const struct build *build, const struct rtnl_link *link)
{
    uint32_t peer = link->peer != 0 ? map_find(&build->links, link->peer) : MAP_NO_VALUE;
    if (peer == MAP_NO_VALUE)
        return false;
    const struct rtnl_link *other = &build->reading->links[peer];
    return strcmp(other->slave_kind, "bridge") == 0 && other->master != link->master;
}

static bool is_uplink(const struct build *build, const struct rtnl_link *link)
{
    static const char *const guests[] = {"tun", "macvtap", "ipvtap"};
    if (build->choice->uplinks->count > 0)
        return is_listed(build->choice->uplinks, link->name);
    if (is_kind(link, guests, ARRAY_COUNT(guests)))
        return false;
    if (strcmp(link->kind, "veth") == 0)
        return leads_to_own_bridge(build, link);
    /* Xen's back ends show as hardware; everything else that is no guest's leads out. */
    return !(link->kind[0] == '\0' && strncmp(link->name, "vif", 3) == 0);
}

static void index_links(struct build *build)
{
    for (size_t i = 0; i < build->reading->link_count; i++)
        map_put(&build->links, build->reading->links[i].if_index, (uint32_t)i);
}

static void add_ports(struct build *build)
{
    struct forward_table *table = build->table;
    for (size_t i = 0; i < build->reading->link_count; i++) {
        const struct rtnl_link *link = &build->reading->links[i];
        if (is_chosen(build, link) && mac_known(link->address))
            forward_table_add_own_mac(table, link->address);
        if (link->master == 0 || find_bridge(build, link->master) == NULL)
            continue;
        struct forward_port port = {.name = names_add(table->names, link->name, strlen(link->name)),
                                    .descr = NAME_NONE,
                                    .alias = NAME_NONE,
                                    .if_index = link->if_index,
                                    .bridge_port = link->port_number,
                                    .bridge = link->master,
                                    .aggregate = (uint32_t)table->port_count,
                                    .tunnel = is_tunnel(link),
                                    .uplink = is_uplink(build, link)};
        map_put(&build->ports, link->if_index, forward_table_add_port(table, &port));
        /* A tap's own address may be its guest's; those of hardware are the host's. */
        if (strcmp(link->kind, "tun") != 0 && mac_known(link->address))
            forward_table_add_own_mac(table, link->address);
    }
}

/* FORWARD_UNREAD for what is no row. */
static enum forward_status row_status(const struct rtnl_entry *entry)
{
    switch (entry->state) {
    case RTNL_LEARNED:
        return FORWARD_LEARNED;
    case RTNL_EXPIRED:
        return FORWARD_INVALID;
    case RTNL_STATIC:
        return FORWARD_MGMT;
    case RTNL_LOCAL:
    case RTNL_EXTERNAL:
    case RTNL_SELF:
        break;
    }
    return FORWARD_UNREAD;
}

static uint16_t row_age(uint32_t age_cs)
{
    if (age_cs == RTNL_NO_TIME)
        return FORWARD_AGE_UNKNOWN;
    uint32_t seconds = age_cs / 100;
    return seconds < FORWARD_AGE_UNKNOWN ? (uint16_t)seconds : FORWARD_AGE_UNKNOWN - 1;
}

/* Adds the rows of one bridge; returns how many. */
static uint64_t add_rows(struct build *build, const struct rtnl_link *bridge)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < build->reading->entry_count; i++) {
        const struct rtnl_entry *entry = &build->reading->entries[i];
        enum forward_status status = row_status(entry);
        if (entry->master != bridge->if_index || status == FORWARD_UNREAD ||
            mac_is_multicast(entry->mac) ||
            (mac_known(build->choice->only) && !mac_equal(entry->mac, build->choice->only)))
            continue;
        uint32_t port = map_find(&build->ports, entry->if_index);
        struct forward_row row = {.mac_status = forward_row_key(entry->mac, status),
                                  .port = port != MAP_NO_VALUE ? port : FORWARD_NO_PORT,
                                  .vlan = entry->vlan != 0
                                              ? vlan_pool_add(build->table->vlans, &entry->vlan, 1)
                                              : VLAN_SET_UNKNOWN,
                                  .age = row_age(entry->age_cs)};
        rows += forward_table_add_row(build->table, row);
    }
    return rows;
}

/* Returns a guest's port of `bridge` that does not learn, NULL when all do. */
static const char *deaf_port(const struct build *build, const struct rtnl_link *bridge)
{
    for (size_t i = 0; i < build->reading->link_count; i++) {
        const struct rtnl_link *link = &build->reading->links[i];
        if (link->master == bridge->if_index && !link->learning && !is_uplink(build, link))
            return link->name;
    }
    return NULL;
}

static void add_receipt(struct build *build, const struct rtnl_link *bridge, uint64_t rows)
{
    const struct linux_bridge_reading *reading = build->reading;
    const char *deaf = deaf_port(build, bridge);
    struct receipt receipt;
    receipt_init(&receipt);
    receipt_text(&receipt.source, "%s", build->choice->switch_name);
    receipt_text(&receipt.type, "linux_bridge");
    receipt_text(&receipt.context, "%s", bridge->name);
    receipt.asked = reading->asked;
    receipt.answered = reading->answered;
    receipt.rows = rows;
    receipt.started = reading->started;
    receipt.ended = reading->ended;
    if (bridge->ageing_cs != RTNL_NO_TIME)
        receipt.ageing = span_ms((int64_t)bridge->ageing_cs * 10);
    if (reading->torn)
        receipt_text(&receipt.why_not, "the kernel's table changed under every reading");
    else if (bridge->ageing_cs == 0)
        receipt_text(&receipt.why_not, "bridge %s learns nothing: its ageing time is 0",
                     bridge->name);
    else if (deaf != NULL)
        receipt_text(&receipt.why_not, "port %s of bridge %s does not learn addresses", deaf,
                     bridge->name);
    else
        receipt.whole = true;
    forward_table_add_receipt(build->table, &receipt);
    receipt_done(&receipt);
}

static int check_uplinks(const struct build *build, struct err *err)
{
    const struct option_list *uplinks = build->choice->uplinks;
    for (size_t i = 0; i < uplinks->count; i++) {
        size_t length = strlen(uplinks->items[i]);
        if (names_find(build->table->names, uplinks->items[i], length) == NAME_NONE)
            return err_set(err, ERR_NOT_FOUND, "uplink %s is no port of bridge %s",
                           uplinks->items[i], build->choice->bridge);
    }
    return 0;
}

static int build_table(struct build *build, struct err *err)
{
    size_t bridges = 0;
    index_links(build);
    add_ports(build);
    for (size_t i = 0; i < build->reading->link_count; i++) {
        const struct rtnl_link *bridge = &build->reading->links[i];
        if (!is_chosen(build, bridge))
            continue;
        add_receipt(build, bridge, add_rows(build, bridge));
        bridges++;
    }
    if (bridges == 0 && strcmp(build->choice->bridge, "all") == 0)
        return err_set(err, ERR_NOT_FOUND, "this host has no Linux bridge");
    if (bridges == 0)
        return err_set(err, ERR_NOT_FOUND, "this host has no Linux bridge called %s",
                       build->choice->bridge);
    return check_uplinks(build, err);
}

int linux_bridge_table_new(const struct linux_bridge_reading *reading,
                           const struct linux_bridge_choice *choice, struct forward_table **ret,
                           struct err *err)
{
    struct build build = {.reading = reading,
                          .choice = choice,
                          .table = forward_table_new(choice->switch_name, choice->site),
                          .links = MAP_EMPTY,
                          .ports = MAP_EMPTY};
    if (choice->hypervisor != NULL)
        build.table->hypervisor = alloc_text(choice->hypervisor);
    int code = build_table(&build, err);
    map_done(&build.links);
    map_done(&build.ports);
    if (code != 0) {
        forward_table_free(build.table);
        return code;
    }
    forward_table_finish(build.table);
    *ret = build.table;
    return 0;
}
