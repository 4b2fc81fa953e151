/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/row_links.h"

#include <string.h>

#include "base/alloc.h"

/* As alloc_grow(), on huge pages: every access is to a place of its own. */
static void *grow_huge(void *block, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return block;
    size_t grown = *capacity * 2;
    void *larger = alloc_huge(grown * size);
    memcpy(larger, block, count * size);
    alloc_huge_free(block, *capacity * size);
    *capacity = grown;
    return larger;
}

void row_links_init(struct row_links *links, const struct world *world)
{
    size_t slots = world->index.count + 1, rows = 16;
    CHECK(slots < WORLD_SEVERAL);
    for (uint32_t s = 0; s < world->switch_count; s++)
        rows += world->switches[s].table != NULL ? world->switches[s].table->row_count : 0;
    *links = (struct row_links){.world = world,
                                .nodes = alloc_huge(rows * sizeof *links->nodes),
                                .node_capacity = rows,
                                .free_node = WORLD_NONE,
                                .heads = alloc_huge(slots * sizeof *links->heads),
                                .head_capacity = slots,
                                .slot_count = world->index.count};
    for (size_t i = 0; i < slots; i++)
        links->heads[i].first = WORLD_NONE;
}

void row_links_done(struct row_links *links)
{
    alloc_huge_free(links->nodes, links->node_capacity * sizeof *links->nodes);
    alloc_huge_free(links->heads, links->head_capacity * sizeof *links->heads);
    mac_list_done(&links->strangers);
}

uint32_t row_links_find(const struct row_links *links, uint64_t mac)
{
    const struct mac_slot *slot = mac_index_find(&links->world->index, mac);
    if (slot != NULL)
        return (uint32_t)(slot - links->world->index.slots);
    uint32_t stranger = map_find(&links->strangers.numbers, mac);
    return stranger == MAP_NO_VALUE ? WORLD_NONE : (uint32_t)links->slot_count + stranger;
}

uint32_t row_links_number(struct row_links *links, uint64_t mac)
{
    uint32_t number = row_links_find(links, mac);
    if (number != WORLD_NONE || !sweep_is_suspect(links->world, mac))
        return number;
    number = (uint32_t)links->slot_count + mac_list_add(&links->strangers, mac);
    CHECK(number < WORLD_SEVERAL);
    links->heads = grow_huge(links->heads, number, &links->head_capacity, sizeof *links->heads);
    links->heads[number] = (struct link_head){WORLD_NONE, 0};
    return number;
}

uint64_t row_links_mac(const struct row_links *links, uint32_t number)
{
    if (number < links->slot_count)
        return links->world->index.slots[number].key & MAC_SLOT_MASK;
    return links->strangers.macs[number - links->slot_count];
}

const struct mac_slot *row_links_slot(const struct row_links *links, uint32_t number)
{
    return number < links->slot_count ? &links->world->index.slots[number] : NULL;
}

void row_links_add(struct row_links *links, uint32_t number, struct sighting sighting)
{
    uint32_t node = links->free_node;
    if (node != WORLD_NONE) {
        links->free_node = links->nodes[node].next;
    } else {
        links->nodes =
            grow_huge(links->nodes, links->node_count, &links->node_capacity, sizeof *links->nodes);
        node = (uint32_t)links->node_count++;
    }
    links->nodes[node] = (struct link_node){sighting, links->heads[number].first};
    links->heads[number].first = node;
}

static bool same_sighting(struct sighting a, struct sighting b)
{
    return a.port == b.port && a.vlan == b.vlan && a.age == b.age;
}

bool row_links_remove(struct row_links *links, uint32_t number, struct sighting sighting)
{
    uint32_t *at = &links->heads[number].first;
    while (*at != WORLD_NONE && !same_sighting(links->nodes[*at].sighting, sighting))
        at = &links->nodes[*at].next;
    uint32_t node = *at;
    if (node == WORLD_NONE)
        return false;
    *at = links->nodes[node].next;
    links->nodes[node].next = links->free_node;
    links->free_node = node;
    return true;
}
