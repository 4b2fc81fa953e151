/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "audit/coverage.h"
#include "audit/judge.h"
#include "audit/judge_view.h"

/* Gaps: what the records and the receipts say by themselves. */

static void switch_gaps(struct judge *judge)
{
    const struct world *world = judge->world;
    for (uint32_t s = 0; s < world->switch_count; s++) {
        const struct world_switch *sw = &world->switches[s];
        uint32_t domain = domain_of(sw->site, VLAN_SET_UNKNOWN);
        if (!sw->configured) {
            judge_add(judge, DISCREPANCY_RECORDED_GAP, VERDICT_CONFIRMED, RULE_GAP_SWITCH,
                      SUBJECT_SWITCH, s, domain);
            continue;
        }
        enum coverage_reason reason;
        if (coverage_switch(world, s, &reason) || reason == COVERAGE_FULL_TABLE ||
            reason == COVERAGE_FLUSHED)
            continue;
        if (sw->next_same != WORLD_NONE && sw->table == NULL)
            continue; /* said of the table that was read */
        unsigned rounds = sw->failed != NULL ? sw->failed->rounds : 1;
        if (rounds < world->options.gap_rounds)
            continue;
        judge_add(judge, DISCREPANCY_AUDIT_GAP, VERDICT_CONFIRMED, RULE_PLAIN, SUBJECT_SWITCH, s,
                  domain)
            ->detail = reason;
    }
    for (uint32_t f = 0; f < world->in.failed_count; f++)
        if (world->in.failed[f].switch_name == NULL &&
            world->in.failed[f].rounds >= world->options.gap_rounds)
            judge_add(judge, DISCREPANCY_AUDIT_GAP, VERDICT_CONFIRMED, RULE_PLAIN, SUBJECT_SOURCE,
                      f, domain_of(0, VLAN_SET_UNKNOWN));
}

/* One gap a hypervisor: without any attachment, or with one whose port its switch
 * does not have. */
static void hypervisor_gaps(struct judge *judge)
{
    const struct world *world = judge->world;
    for (uint32_t h = 0; h < world->hypervisor_count; h++) {
        const struct world_hypervisor *hv = &world->hypervisors[h];
        uint32_t named = 0, missing = WORLD_NONE;
        for (uint32_t i = 0; i < hv->attachment_count; i++) {
            const struct world_attachment *a = &world->attachments[hv->first_attachment + i];
            if (a->switch_index == WORLD_NONE)
                continue;
            named++;
            if (a->port == WORLD_NONE && coverage_lacks_port(world, a) && missing == WORLD_NONE)
                missing = hv->first_attachment + i;
        }
        uint32_t domain = domain_of(hv->site, VLAN_SET_UNKNOWN);
        if (named == 0)
            judge_add(judge, DISCREPANCY_RECORDED_GAP, VERDICT_CONFIRMED, RULE_GAP_ATTACHMENT,
                      SUBJECT_HYPERVISOR, h, domain);
        else if (missing != WORLD_NONE)
            judge_add(judge, DISCREPANCY_RECORDED_GAP, VERDICT_CONFIRMED, RULE_GAP_PORT,
                      SUBJECT_HYPERVISOR, h, domain)
                ->detail = missing;
    }
}

static void guest_gaps(struct judge *judge)
{
    const struct world *world = judge->world;
    for (size_t s = 0; s < world->in.record_count; s++) {
        const struct world_set *set = &world->sets[s];
        const struct nic_columns *nics = &set->set->nics;
        uint32_t last = WORLD_NONE; /* one gap a guest */
        for (uint32_t i = 0; set->has_gaps && i < nics->count; i++) {
            bool no_mac = !world_is_station((struct mac){nics->mac[i]});
            bool no_hypervisor = nics->hypervisor[i] == NAME_NONE;
            if ((!no_mac && !no_hypervisor) || nics->guest[i] == last)
                continue;
            last = nics->guest[i];
            uint32_t nic = set->nic_base + i;
            uint32_t site = world_hypervisor_site(world, world_nic_hypervisor(world, nic));
            judge_add(judge, DISCREPANCY_RECORDED_GAP, VERDICT_CONFIRMED,
                      no_mac ? RULE_GAP_MAC : RULE_GAP_HYPERVISOR, SUBJECT_GUEST, nic,
                      domain_of(site, VLAN_SET_UNKNOWN));
        }
    }
}

void judge_flush(struct judge *judge, uint32_t switch_index, uint32_t flush)
{
    judge_add(judge, DISCREPANCY_SWITCH_FLUSH, VERDICT_CONFIRMED, RULE_PLAIN, SUBJECT_SWITCH,
              switch_index, domain_of(judge->world->switches[switch_index].site, VLAN_SET_UNKNOWN))
        ->detail = flush;
}

/* Stands for one ageing time: as long as it keeps absence from being observed. */
static void switch_flushes(struct judge *judge)
{
    const struct world *world = judge->world;
    for (uint32_t f = 0; f < world->in.flush_count; f++) {
        const struct switch_flush *flush = &world->in.flushes[f];
        uint32_t s = world_find_switch(world, flush->switch_name);
        bool later = false; /* one a switch: the last */
        for (uint32_t o = f + 1; o < world->in.flush_count; o++)
            later = later || strcmp(world->in.flushes[o].switch_name, flush->switch_name) == 0;
        if (s == WORLD_NONE || later || judge->now.us < flush->at.us ||
            judge->now.us >= world_flush_end(world, flush))
            continue;
        judge_flush(judge, s, f);
    }
}

void judge_records(struct judge *judge)
{
    switch_gaps(judge);
    switch_flushes(judge);
    if (judge->world->unread_records != NULL)
        return; /* what is lacking may stand there */
    hypervisor_gaps(judge);
    guest_gaps(judge);
}
