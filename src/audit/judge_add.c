/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/judge.h"

#include "audit/judge_view.h"
#include "base/alloc.h"

/* Adding verdicts to the list, with the sightings and NICs that they are about. */

struct verdict *judge_add(struct judge *judge, enum discrepancy_kind kind, enum verdict_state state,
                          enum verdict_rule rule, enum verdict_subject type, uint32_t subject,
                          uint32_t domain)
{
    struct verdict_list *out = judge->out;
    domain = judge_standing_domain(judge, kind, type, subject, domain);
    out->verdicts = alloc_grow(out->verdicts, out->count, &out->capacity, sizeof *out->verdicts);
    struct verdict *verdict = &out->verdicts[out->count++];
    *verdict = (struct verdict){.kind = (uint8_t)kind,
                                .state = (uint8_t)state,
                                .subject_type = (uint8_t)type,
                                .rule = (uint8_t)rule,
                                .subject = subject,
                                .domain = domain,
                                .sighting = (uint32_t)out->sighting_count,
                                .nic = (uint32_t)out->nic_count,
                                .collective = WORLD_NONE,
                                .detail = WORLD_NONE};
    return verdict;
}

void judge_add_sightings(struct judge *judge, const struct sighting *sightings, size_t count)
{
    struct verdict_list *out = judge->out;
    for (size_t i = 0; i < count; i++) {
        out->sightings = alloc_grow(out->sightings, out->sighting_count, &out->sighting_capacity,
                                    sizeof *out->sightings);
        out->sightings[out->sighting_count++] = sightings[i];
    }
    out->verdicts[out->count - 1].sightings += (uint32_t)count;
}

void judge_add_nics(struct judge *judge, const uint32_t *nics, size_t count)
{
    struct verdict_list *out = judge->out;
    for (size_t i = 0; i < count; i++) {
        out->nics = alloc_grow(out->nics, out->nic_count, &out->nic_capacity, sizeof *out->nics);
        out->nics[out->nic_count++] = nics[i];
    }
    out->verdicts[out->count - 1].nics += (uint32_t)count;
}

void judge_collect(struct judge *judge, uint32_t hypervisor, uint32_t nic)
{
    uint32_t verdict = map_find(&judge->hypervisor_verdict, hypervisor);
    if (verdict == MAP_NO_VALUE)
        return;
    judge->collected = alloc_grow(judge->collected, judge->collected_count + 1,
                                  &judge->collected_capacity, sizeof *judge->collected);
    judge->collected[judge->collected_count++] = verdict;
    judge->collected[judge->collected_count++] = nic;
}
