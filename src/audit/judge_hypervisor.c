/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "audit/judge.h"
#include "audit/judge_view.h"
#include "base/alloc.h"

/* A hypervisor's own NICs: where they are, and whether they are at all. */

static int64_t newest_record(const struct world *world, uint32_t hypervisor)
{
    const struct world_hypervisor *hv = &world->hypervisors[hypervisor];
    int64_t as_of = INT64_MAX;
    for (uint32_t i = 0; i < hv->attachment_count; i++) {
        uint32_t set = world->attachments[hv->first_attachment + i].set;
        if (record_set_vouched(world->in.records[set]).us < as_of)
            as_of = record_set_vouched(world->in.records[set]).us;
    }
    return as_of == INT64_MAX ? WALL_UNKNOWN.us : as_of;
}

static void add_moved(struct judge *judge, uint32_t hypervisor, const struct sighting *places,
                      size_t count)
{
    const struct world *world = judge->world;
    uint32_t site = world->switches[world->ports[places[0].port].switch_index].site;
    uint32_t domain = domain_of(site, VLAN_SET_UNKNOWN);
    int64_t since = judge_open_since(judge, DISCREPANCY_HYPERVISOR_MOVED, SUBJECT_HYPERVISOR,
                                     hypervisor, domain);
    int64_t margin = PROOF_NONE, as_of = newest_record(world, hypervisor);
    for (size_t i = 0; i < count; i++) {
        int64_t one = judge_lasting(judge, &places[i], since, as_of);
        margin = one > margin ? one : margin;
    }
    struct verdict *verdict = judge_add(
        judge, DISCREPANCY_HYPERVISOR_MOVED, margin > 0 ? VERDICT_CONFIRMED : VERDICT_SUSPECTED,
        margin > 0 ? RULE_LASTING : RULE_PLAIN, SUBJECT_HYPERVISOR, hypervisor, domain);
    verdict->margin_us = margin > 0 ? margin : 0;
    judge_add_sightings(judge, places, count);
    uint32_t number = (uint32_t)(judge->out->count - 1);
    map_put(&judge->hypervisor_verdict, hypervisor, number);
    for (size_t i = 0; i < count; i++)
        map_put(&judge->moved, (uint64_t)world->ports[places[i].port].root << 32 | hypervisor,
                number);
    judge->hypervisors[hypervisor] |= HYPERVISOR_MOVED;
}

/* The attachments alone say what is home: an LLDP neighbour on another port is evidence
 * of the move. A NIC that is on one of the hypervisor's own ports has failed over at most: what
 * other edges still show of it is older, or a copy of its address. */
void judge_hypervisor_place(struct judge *judge, uint32_t hypervisor)
{
    const struct world *world = judge->world;
    const struct world_hypervisor *hv = &world->hypervisors[hypervisor];
    struct sighting *elsewhere = NULL;
    size_t count = 0, capacity = 0;
    struct mac last = MAC_NONE;
    judge->trusts_heard = false;
    bool known = hv->located && world->unread_records == NULL;
    for (uint32_t i = 0; known && i < hv->attachment_count; i++) {
        struct mac mac = world->attachments[hv->first_attachment + i].nic_mac;
        if (!mac_known(mac) || mac_equal(mac, last))
            continue;
        last = mac;
        const struct sighting *sightings;
        size_t found = judge->source->find(judge->source->aux, mac, &sightings);
        judge_split(judge, hv->site, sightings, found);
        judge_supersede(judge, mac);
        bool at_home = false;
        for (size_t e = 0; e < judge->edge_count; e++)
            at_home = at_home || world_is_place(world, judge->edges[e].port, hypervisor);
        for (size_t e = 0; !at_home && e < judge->edge_count; e++) {
            bool said = false;
            for (size_t k = 0; k < count; k++)
                said = said || world->ports[elsewhere[k].port].root ==
                                   world->ports[judge->edges[e].port].root;
            if (said)
                continue;
            elsewhere = alloc_grow(elsewhere, count, &capacity, sizeof *elsewhere);
            elsewhere[count++] = judge->edges[e];
        }
    }
    if (count > 0)
        add_moved(judge, hypervisor, elsewhere, count);
    free(elsewhere);
}

static bool has_nics(const struct world *world, const struct world_hypervisor *hv)
{
    for (uint32_t i = 0; i < hv->attachment_count; i++)
        if (mac_known(world->attachments[hv->first_attachment + i].nic_mac))
            return true;
    return false;
}

void judge_hypervisor_silence(struct judge *judge, uint32_t hypervisor)
{
    const struct world_hypervisor *hv = &judge->world->hypervisors[hypervisor];
    uint8_t known = judge->hypervisors[hypervisor];
    if (!hv->observable || hv->attachment_count == 0 ||
        (known & (HYPERVISOR_SEEN | HYPERVISOR_MOVED)) ||
        (hv->expects == 0 && !has_nics(judge->world, hv)))
        return;
    judge->hypervisors[hypervisor] |= HYPERVISOR_SILENT;
    judge_add(judge, DISCREPANCY_HYPERVISOR_SILENT, VERDICT_SUSPECTED, RULE_PLAIN,
              SUBJECT_HYPERVISOR, hypervisor, domain_of(hv->site, VLAN_SET_UNKNOWN));
    map_put(&judge->hypervisor_verdict, hypervisor, (uint32_t)(judge->out->count - 1));
}

static int by_verdict(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    if (x[0] != y[0])
        return x[0] < y[0] ? -1 : 1;
    return x[1] < y[1] ? -1 : x[1] > y[1];
}

void judge_finish(struct judge *judge)
{
    size_t pairs = judge->collected_count / 2;
    if (pairs == 0)
        return;
    qsort(judge->collected, pairs, 2 * sizeof(uint32_t), by_verdict);
    struct verdict_list *out = judge->out;
    for (size_t i = 0; i < pairs; i++) {
        uint32_t verdict = judge->collected[2 * i], nic = judge->collected[2 * i + 1];
        if (i > 0 && verdict == judge->collected[2 * i - 2] && nic == judge->collected[2 * i - 1])
            continue;
        if (out->verdicts[verdict].nics == 0)
            out->verdicts[verdict].nic = (uint32_t)out->nic_count;
        out->nics = alloc_grow(out->nics, out->nic_count, &out->nic_capacity, sizeof *out->nics);
        out->nics[out->nic_count++] = nic;
        out->verdicts[verdict].nics++;
    }
    judge->collected_count = 0;
}
