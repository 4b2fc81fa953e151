/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/judge.h"

#include "audit/judge_view.h"
#include "base/alloc.h"

/* A MAC that no record has (DOMAIN P5, prefix and port mode). */

static void report_unknown(struct judge *judge, struct mac mac, const struct sighting *sightings,
                           size_t count, enum verdict_rule rule, uint32_t site)
{
    struct verdict_list *out = judge->out;
    uint32_t subject = (uint32_t)out->mac_count;
    out->macs = alloc_grow(out->macs, out->mac_count, &out->mac_capacity, sizeof *out->macs);
    out->macs[out->mac_count++] = mac.bits;
    uint32_t domain = domain_of(site, judge_domain_vlan(judge, &sightings[0]));
    int64_t since =
        judge_open_since(judge, DISCREPANCY_UNKNOWN_GUEST, SUBJECT_MAC, subject, domain);
    int64_t as_of = INT64_MAX, margin = PROOF_NONE;
    for (size_t s = 0; s < judge->world->in.record_count; s++)
        if (judge->world->in.records[s]->guest_count > 0 &&
            record_set_vouched(judge->world->in.records[s]).us < as_of)
            as_of = record_set_vouched(judge->world->in.records[s]).us;
    for (size_t i = 0; rule != RULE_TRANSIT && i < count; i++) {
        int64_t one = judge_lasting(judge, &sightings[i], since, as_of);
        margin = one > margin ? one : margin;
    }
    if (margin > 0) {
        rule = RULE_LASTING;
    } else if (judge->world->heard_count > 0 && rule != RULE_TRANSIT) {
        margin = judge_twice(judge, sightings, count, as_of);
        rule = margin > 0 ? RULE_TWICE : rule;
    }
    struct verdict *verdict = judge_add(judge, DISCREPANCY_UNKNOWN_GUEST,
                                        margin > 0 ? VERDICT_CONFIRMED : VERDICT_SUSPECTED, rule,
                                        SUBJECT_MAC, subject, domain);
    verdict->margin_us = margin > 0 ? margin : 0;
    judge_add_sightings(judge, sightings, count);
}

/* Moves the sightings that can be in one domain with the first to the front. */
static size_t one_domain(const struct judge *judge, struct sighting *list, size_t count)
{
    size_t front = 1;
    for (size_t i = 1; i < count; i++) {
        if (!judge_one_domain(judge, &list[0], &list[i]))
            continue;
        struct sighting moved = list[i];
        list[i] = list[front];
        list[front++] = moved;
    }
    return front;
}

static bool has_guest_prefix(const struct world *world, struct mac mac)
{
    for (size_t i = 0; world->options.prefix_mode && i < world->options.prefix_count; i++)
        if (mac_prefix_match(world->options.prefixes[i], mac))
            return true;
    return false;
}

static void judge_unknown_edges(struct judge *judge, struct mac mac, uint32_t site, bool prefix)
{
    struct sighting *list = judge->edges;
    size_t count = judge->edge_count;
    while (count > 0) {
        size_t same = one_domain(judge, list, count);
        size_t with_hypervisor = 0; /* those first */
        for (size_t i = 0; i < same; i++)
            if (!judge_no_hypervisor(judge, list[i].port)) {
                struct sighting moved = list[i];
                list[i] = list[with_hypervisor];
                list[with_hypervisor++] = moved;
            }
        if (with_hypervisor > 0)
            report_unknown(judge, mac, list, prefix ? same : with_hypervisor, RULE_PLAIN, site);
        else if (prefix)
            judge_access_port(judge, mac, WORLD_NONE, &list[0], site, INT64_MAX);
        list += same;
        count -= same;
    }
}

bool judge_wants_unknown(const struct world *world, struct mac mac)
{
    return mac_is_station(mac) && !mac_is_tap(mac) &&
           (world->options.port_mode || has_guest_prefix(world, mac));
}

void judge_unknown_mac(struct judge *judge, struct mac mac)
{
    if (!judge_wants_unknown(judge->world, mac) || judge->world->unread_records != NULL)
        return;
    judge->trusts_heard = false;
    bool prefix = has_guest_prefix(judge->world, mac);
    for (uint32_t site = 0; site < judge->world->site_count; site++) {
        const struct sighting *sightings;
        size_t count = judge->source->find(judge->source->aux, mac, &sightings);
        judge_split(judge, site, sightings, count);
        if (judge->edge_count == 0 && judge->transit_count > 0 && prefix) {
            struct sighting *list = judge->transit;
            while (judge->transit_count > 0) {
                size_t same = one_domain(judge, list, judge->transit_count);
                report_unknown(judge, mac, list, same, RULE_TRANSIT, site);
                list += same;
                judge->transit_count -= same;
            }
            continue;
        }
        judge_unknown_edges(judge, mac, site, prefix);
    }
}
