/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "workflow/case.h"
#include "workflow/text_set.h"

/* A whole round of cases (the second half of case.h): pairs this round's
 * verdicts with the cases of before by identity, and decides for each case that
 * was not found again whether that proves anything. */

/* The coverage, indexed once so that a round of many cases stays linear. */
struct sight {
    const struct case_coverage *coverage;
    struct text_set guests, hypervisors;     /* not observable */
    struct text_set whole_names, whole_keys; /* "sw1", "default/sw1" */
    struct text_set missing_names, missing_sites;
    struct text_set records_failed;
    struct arena *arena;
};

static bool filled(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool in_set(const struct text_set *set, const char *text)
{
    return filled(text) && text_set_find(set, text) != TEXT_SET_NONE;
}

static struct sight sight_make(const struct case_coverage *coverage, struct arena *arena)
{
    struct sight sight = {.coverage = coverage,
                          .guests = text_set_make(coverage->not_observable_count, arena),
                          .hypervisors = text_set_make(coverage->not_observable_count, arena),
                          .whole_names = text_set_make(coverage->whole_count, arena),
                          .whole_keys = text_set_make(coverage->whole_count, arena),
                          .missing_names = text_set_make(coverage->missing_count, arena),
                          .missing_sites = text_set_make(coverage->missing_count, arena),
                          .records_failed = text_set_make(coverage->records_failed_count, arena),
                          .arena = arena};
    for (size_t i = 0; i < coverage->not_observable_count; i++) {
        const struct not_observable *row = &coverage->not_observable[i];
        if (filled(row->guest))
            text_set_put(&sight.guests, row->guest, 0, false);
        else
            text_set_put(&sight.hypervisors, row->hypervisor, 0, false);
    }
    for (size_t i = 0; i < coverage->whole_count; i++) {
        const struct named_switch *row = &coverage->whole[i];
        text_set_put(&sight.whole_names, row->name, 0, false);
        text_set_put(&sight.whole_keys, arena_printf(arena, "%s/%s", row->site, row->name), 0,
                     false);
    }
    for (size_t i = 0; i < coverage->missing_count; i++) {
        text_set_put(&sight.missing_names, coverage->missing[i].name, 0, false);
        text_set_put(&sight.missing_sites, coverage->missing[i].site, 0, false);
    }
    for (size_t i = 0; i < coverage->records_failed_count; i++)
        text_set_put(&sight.records_failed, coverage->records_failed[i], 0, false);
    return sight;
}

/* The site is what stands before the slash of a domain ("default/10"); NULL when
 * the domain does not say. */
static const char *site_of(const struct sight *sight, const char *domain)
{
    if (!filled(domain))
        return NULL;
    return arena_text(sight->arena, domain, strcspn(domain, "/"));
}

static bool switch_whole(const struct sight *sight, const char *site, const char *name)
{
    if (site == NULL)
        return in_set(&sight->whole_names, name);
    return in_set(&sight->whole_keys, arena_printf(sight->arena, "%s/%s", site, name));
}

static bool gap_is_over(const struct sight *sight, const struct subject *subject)
{
    if (filled(subject->switch_name))
        return in_set(&sight->whole_names, subject->switch_name) &&
               !in_set(&sight->missing_names, subject->switch_name);
    return !in_set(&sight->records_failed, subject->source);
}

static bool address_seen(const struct sight *sight, const struct discrepancy *discrepancy)
{
    const struct case_coverage *coverage = sight->coverage;
    if (coverage->seen == NULL)
        return false;
    if (mac_known(discrepancy->subject.mac) &&
        coverage->seen(coverage->context, discrepancy->subject.mac))
        return true;
    for (size_t i = 0; i < discrepancy->mac_count; i++)
        if (coverage->seen(coverage->context, discrepancy->macs[i]))
            return true;
    return false;
}

/* What was seen on switches is gone when those very switches were read whole and
 * it cannot have gone to one that was not, or is known to have gone elsewhere. */
static bool places_read(const struct sight *sight, const struct discrepancy *discrepancy)
{
    const char *site = site_of(sight, discrepancy->domain);
    for (size_t i = 0; i < discrepancy->observed_count; i++) {
        const char *name = discrepancy->observed[i].place.switch_name;
        if (filled(name) && !switch_whole(sight, site, name))
            return false;
    }
    bool missing =
        site == NULL ? sight->coverage->missing_count > 0 : in_set(&sight->missing_sites, site);
    return !missing || address_seen(sight, discrepancy);
}

/* Whether the absence of `discrepancy` from this round's verdicts proves that it
 * is gone. */
static bool observable(const struct sight *sight, const struct discrepancy *discrepancy)
{
    const struct subject *subject = &discrepancy->subject;
    if (ip_known(&subject->address))
        return false; /* a mobile node or its agent: rounds see nothing of it */
    if (in_set(&sight->guests, subject->guest) || in_set(&sight->hypervisors, subject->hypervisor))
        return false;
    if (sight->coverage->records_unread && discrepancy->kind != DISCREPANCY_AUDIT_GAP &&
        discrepancy->kind != DISCREPANCY_SWITCH_FLUSH)
        return false;
    switch (discrepancy->kind) {
    case DISCREPANCY_RECORDED_GAP:
    case DISCREPANCY_INVENTORY_CONFLICT:
        return sight->coverage->records_failed_count == 0;
    case DISCREPANCY_AUDIT_GAP:
        return gap_is_over(sight, subject);
    case DISCREPANCY_SILENT:
    case DISCREPANCY_NIC_SILENT:
    case DISCREPANCY_HYPERVISOR_SILENT:
    case DISCREPANCY_SWITCH_FLUSH:
    case DISCREPANCY_WRONG_SUBNET:
    case DISCREPANCY_UNKNOWN_MOBILE:
    case DISCREPANCY_UNKNOWN_AGENT:
        return true;
    case DISCREPANCY_UNKNOWN_GUEST:
    case DISCREPANCY_WRONG_LOCATION:
    case DISCREPANCY_DUPLICATE_GUEST:
    case DISCREPANCY_OFF_BUT_SEEN:
    case DISCREPANCY_HYPERVISOR_MOVED:
    case DISCREPANCY_WRONG_VLAN:
    case DISCREPANCY_NON_HYPERVISOR_PORT:
    case DISCREPANCY_MAC_FLAP:
    case DISCREPANCY_UNEXPECTED_STOP:
    case DISCREPANCY_SESSION_EXPIRED:
        return places_read(sight, discrepancy);
    case DISCREPANCY_KIND_COUNT:
        break;
    }
    UNREACHABLE();
}

/* Of several cases with one identity the one that began last stands: the others
 * were over before it was opened. */
static struct text_set index_previous(const struct case_round *round, struct arena *arena)
{
    struct text_set set = text_set_make(round->previous_count, arena);
    for (size_t i = 0; i < round->previous_count; i++) {
        const char *identity = round->previous[i].discrepancy->identity;
        uint32_t other = text_set_put(&set, identity, (uint32_t)i, false);
        if (other != TEXT_SET_NONE && round->previous[other].number < round->previous[i].number)
            text_set_put(&set, identity, (uint32_t)i, true);
    }
    return set;
}

static bool unchanged(const struct case_record *a, const struct case_record *b)
{
    return a->state == b->state && a->count == b->count;
}

struct case_changes case_merge_round(const struct case_round *round, struct arena *arena)
{
    struct text_set before = index_previous(round, arena);
    struct text_set judged = text_set_make(round->verdict_count, arena);
    bool *found = arena_alloc(arena, round->previous_count + 1);
    size_t limit = round->verdict_count + round->previous_count;
    struct case_changes changes = {.items = arena_alloc(arena, (limit + 1) * sizeof *changes.items),
                                   .next_number = round->next_number};
    for (size_t i = 0; i < round->verdict_count; i++) {
        const struct discrepancy *verdict = &round->verdicts[i];
        uint32_t twin = text_set_put(&judged, verdict->identity, (uint32_t)i, false);
        struct case_change *change = &changes.items[changes.count++];
        if (twin != TEXT_SET_NONE) {
            *change = changes.items[twin];
            change->has_event = false;
            continue;
        }
        uint32_t at = text_set_find(&before, verdict->identity);
        *change = case_advance(at == TEXT_SET_NONE ? NULL : &round->previous[at], verdict, true,
                               changes.next_number, round->round, round->now);
        if (change->record.number == changes.next_number)
            changes.next_number++;
        else
            found[at] = true; /* a case whose grace is over goes on to its end below */
    }
    struct sight sight = sight_make(round->coverage, arena);
    for (size_t i = 0; i < round->previous_count; i++) {
        const struct case_record *previous = &round->previous[i];
        if (found[i])
            continue;
        struct case_change change = case_advance(
            previous, NULL, observable(&sight, previous->discrepancy), 0, round->round, round->now);
        if (!unchanged(previous, &change.record))
            changes.items[changes.count++] = change;
    }
    return changes;
}
