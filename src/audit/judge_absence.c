/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/judge.h"

#include "audit/judge_view.h"
#include "base/alloc.h"

/* Absence: guests and NICs that no table shows (DOMAIN P11 to P13). */

bool judge_may_conclude_absence(const struct judge *judge)
{
    for (size_t i = 0; i < judge->view.expected_count; i++)
        if (!judge->world->hypervisors[judge->view.expected[i]].observable)
            return false;
    return judge->view.expected_count > 0;
}

/* Silence is proved when every switch of the site proves absence and the guest has
 * been on, or the case open, for longer than any row lives. */
static int64_t silence_margin(const struct judge *judge, enum discrepancy_kind kind,
                              uint32_t domain)
{
    const struct world *world = judge->world;
    if (!world->site_whole[judge->view.site])
        return PROOF_NONE;
    int64_t since = judge->view.since_us, best = PROOF_NONE;
    int64_t open = judge_open_since(judge, kind, SUBJECT_GUEST, judge->view.first_nic, domain);
    if (open != WALL_UNKNOWN.us && (since == WALL_UNKNOWN.us || open < since))
        since = open;
    for (size_t i = 0; since != WALL_UNKNOWN.us && i < judge->view.expected_count; i++) {
        const struct world_hypervisor *hv = &world->hypervisors[judge->view.expected[i]];
        for (uint32_t a = 0; a < hv->attachment_count; a++) {
            const struct world_attachment *at = &world->attachments[hv->first_attachment + a];
            if (at->port == WORLD_NONE)
                continue;
            struct sighting absent = {at->port, VLAN_SET_UNKNOWN, FORWARD_AGE_UNKNOWN};
            int64_t margin = proof_after(world, &absent, since);
            if (margin == PROOF_NONE)
                return PROOF_NONE;
            if (best == PROOF_NONE || margin < best)
                best = margin;
        }
    }
    return best;
}

static void report_silence(struct judge *judge, enum discrepancy_kind kind)
{
    uint32_t domain = domain_of(judge->view.site, judge->view.vlan);
    int64_t margin = silence_margin(judge, kind, domain);
    struct verdict *verdict = judge_add(
        judge, kind, margin > 0 ? VERDICT_CONFIRMED : VERDICT_SUSPECTED,
        margin > 0 ? RULE_MARGIN : RULE_PLAIN, SUBJECT_GUEST, judge->view.first_nic, domain);
    verdict->margin_us = margin > 0 ? margin : 0;
    for (size_t i = 0; i < judge->view.nic_count; i++)
        if (!judge->view.nics[i].seen && judge->view.nics[i].wire == YES &&
            mac_known(judge->view.nics[i].mac))
            judge_add_nics(judge, &judge->view.nics[i].nic, 1);
}

static bool misses_nics(const struct judge *judge)
{
    for (size_t i = 0; i < judge->view.nic_count; i++)
        if (!judge->view.nics[i].seen && judge->view.nics[i].wire == YES &&
            mac_known(judge->view.nics[i].mac))
            return true;
    return false;
}

/* Whether it was heard only lately that the session is over, whenever that was: where the guest
 * has gone may be heard next (DOMAIN F9). */
static bool is_settling(const struct world *world, const struct world_heard *heard)
{
    const struct heard_fact *fact = heard->fact;
    return fact->end == HEARD_STOPPED && wall_known(fact->expires) &&
           fact->expires.us > world->in.now.us && !world_heard_is_outlasted(world, heard);
}

/* Whether the NIC was heard later than the tables of its places were read: then that they lack
 * it says nothing yet. */
static bool heard_since(const struct judge *judge, struct mac mac)
{
    const struct world *world = judge->world;
    const struct world_heard *heard = world_heard_of(world, mac.bits);
    int64_t last = WALL_UNKNOWN.us;
    for (; heard != NULL; heard = world_heard_next(world, heard)) {
        if (is_settling(world, heard))
            return true;
        if (!heard->fact->polled && (heard->present || !heard->open) && heard->fact->last.us > last)
            last = heard->fact->last.us;
    }
    for (size_t i = 0; last != WALL_UNKNOWN.us && i < judge->view.expected_count; i++) {
        const struct world_hypervisor *hv = &world->hypervisors[judge->view.expected[i]];
        for (uint32_t a = 0; a < hv->attachment_count; a++) {
            uint32_t port = world->attachments[hv->first_attachment + a].port;
            int64_t started, ended;
            if (port == WORLD_NONE)
                continue;
            proof_read(world, port, &started, &ended);
            if (started != WALL_UNKNOWN.us && started < last)
                return true;
        }
    }
    return false;
}

static void excuse_heard(struct judge *judge)
{
    for (size_t i = 0; judge->world->heard_count > 0 && i < judge->view.nic_count; i++)
        if (!judge->view.nics[i].seen && mac_known(judge->view.nics[i].mac))
            judge->view.nics[i].seen = heard_since(judge, judge->view.nics[i].mac);
}

void judge_missing_nics(struct judge *judge)
{
    excuse_heard(judge);
    if (judge->view.communicates == YES && misses_nics(judge) && judge_may_conclude_absence(judge))
        report_silence(judge, DISCREPANCY_NIC_SILENT);
}

/* Returns the first NIC of the view that misses; WORLD_NONE when none does. */
static uint32_t first_missing(const struct judge *judge)
{
    for (size_t i = 0; i < judge->view.nic_count; i++)
        if (!judge->view.nics[i].seen && judge->view.nics[i].wire == YES &&
            mac_known(judge->view.nics[i].mac))
            return judge->view.nics[i].nic;
    return WORLD_NONE;
}

void judge_absent_guest(struct judge *judge, uint32_t nic, bool unseen)
{
    view_build(judge->world, nic, &judge->view, &judge->scratch_nics, &judge->scratch_capacity);
    struct guest_view *view = &judge->view;
    bool seen = false;
    for (size_t i = 0; !unseen && i < view->nic_count; i++) {
        view->nics[i].seen = mac_known(view->nics[i].mac) &&
                             judge->source->is_seen(judge->source->aux, view->nics[i].mac);
        seen = seen || view->nics[i].seen;
    }
    excuse_heard(judge);
    for (size_t i = 0; judge->world->heard_count > 0 && i < view->nic_count; i++)
        seen = seen || view->nics[i].seen;
    if (view->communicates != YES || first_missing(judge) == WORLD_NONE ||
        (!unseen && first_missing(judge) != nic))
        return;
    if (seen) {
        judge_missing_nics(judge);
        return;
    }
    if (!judge_may_conclude_absence(judge)) {
        struct verdict_list *out = judge->out;
        out->unobserved = alloc_grow(out->unobserved, out->unobserved_count,
                                     &out->unobserved_capacity, sizeof *out->unobserved);
        uint32_t hypervisor = WORLD_NONE;
        for (size_t i = 0; i < view->expected_count && hypervisor == WORLD_NONE; i++)
            if (!judge->world->hypervisors[view->expected[i]].observable)
                hypervisor = view->expected[i];
        out->unobserved[out->unobserved_count++] = (struct unobserved){view->first_nic, hypervisor};
        return;
    }
    for (size_t i = 0; i < view->expected_count; i++)
        if (judge->hypervisors[view->expected[i]] & HYPERVISOR_SILENT) {
            judge_collect(judge, view->expected[i], view->first_nic);
            return;
        }
    report_silence(judge, DISCREPANCY_SILENT);
}
