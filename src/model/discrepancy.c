/* SPDX-License-Identifier: Apache-2.0 */
#include "model/discrepancy.h"

#include <string.h>

static const struct {
    const char *word;
    enum severity severity;
    enum audit_exit exit;
} kinds[] = {
#define KIND(word, name, severity, exit) [name] = {word, severity, exit},
    DISCREPANCY_KINDS(KIND)
#undef KIND
};

const char *discrepancy_word(enum discrepancy_kind kind)
{
    CHECK(kind < DISCREPANCY_KIND_COUNT);
    return kinds[kind].word;
}

enum discrepancy_kind discrepancy_parse(const char *word)
{
    for (int i = 0; i < DISCREPANCY_KIND_COUNT; i++)
        if (strcmp(kinds[i].word, word) == 0)
            return (enum discrepancy_kind)i;
    return DISCREPANCY_KIND_COUNT;
}

bool discrepancy_polled(enum discrepancy_kind kind)
{
    return kind <= DISCREPANCY_AUDIT_GAP;
}

enum severity discrepancy_severity(enum discrepancy_kind kind)
{
    CHECK(kind < DISCREPANCY_KIND_COUNT);
    return kinds[kind].severity;
}

enum audit_exit discrepancy_exit(enum discrepancy_kind kind)
{
    CHECK(kind < DISCREPANCY_KIND_COUNT);
    return kinds[kind].exit;
}

const char *severity_word(enum severity severity)
{
    switch (severity) {
    case SEVERITY_INFO:
        return "info";
    case SEVERITY_LOW:
        return "low";
    case SEVERITY_MEDIUM:
        return "medium";
    case SEVERITY_HIGH:
        return "high";
    case SEVERITY_CRITICAL:
        return "critical";
    }
    UNREACHABLE();
}

const char *verdict_state_word(enum verdict_state state)
{
    return state == VERDICT_CONFIRMED ? "confirmed" : "suspected";
}

/* --- copying --- */

static const char *copy_text(const char *text, struct arena *arena)
{
    return text != NULL ? arena_text(arena, text, strlen(text)) : NULL;
}

static struct named_place copy_place(struct named_place place, struct arena *arena)
{
    return (struct named_place){copy_text(place.switch_name, arena), copy_text(place.port, arena)};
}

static const char *const *copy_texts(const char *const *texts, size_t count, struct arena *arena)
{
    const char **copy = arena_alloc(arena, (count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = copy_text(texts[i], arena);
    return copy;
}

static struct subject copy_subject(struct subject subject, struct arena *arena)
{
    subject.guest = copy_text(subject.guest, arena);
    subject.uuid = copy_text(subject.uuid, arena);
    subject.hypervisor = copy_text(subject.hypervisor, arena);
    subject.switch_name = copy_text(subject.switch_name, arena);
    subject.source = copy_text(subject.source, arena);
    subject.port = copy_text(subject.port, arena);
    return subject;
}

static const struct named_place *copy_expected(const struct discrepancy *from, struct arena *arena)
{
    struct named_place *copy = arena_alloc(arena, (from->expected_count + 1) * sizeof *copy);
    for (size_t i = 0; i < from->expected_count; i++)
        copy[i] = copy_place(from->expected[i], arena);
    return copy;
}

static const struct observed_place *copy_observed(const struct discrepancy *from,
                                                  struct arena *arena)
{
    struct observed_place *copy = arena_alloc(arena, (from->observed_count + 1) * sizeof *copy);
    for (size_t i = 0; i < from->observed_count; i++) {
        copy[i] = from->observed[i];
        copy[i].place = copy_place(copy[i].place, arena);
        copy[i].vlan = copy_text(copy[i].vlan, arena);
        copy[i].source = copy_text(copy[i].source, arena);
    }
    return copy;
}

static const struct evidence *copy_evidence(const struct discrepancy *from, struct arena *arena)
{
    struct evidence *copy = arena_alloc(arena, (from->evidence_count + 1) * sizeof *copy);
    for (size_t i = 0; i < from->evidence_count; i++) {
        copy[i] = from->evidence[i];
        copy[i].what = copy_text(copy[i].what, arena);
        copy[i].source = copy_text(copy[i].source, arena);
        copy[i].text = copy_text(copy[i].text, arena);
    }
    return copy;
}

void discrepancy_copy(const struct discrepancy *from, struct arena *arena, struct discrepancy *ret)
{
    struct discrepancy copy = *from;
    struct mac *macs = arena_alloc(arena, (from->mac_count + 1) * sizeof *macs);
    if (from->mac_count > 0)
        memcpy(macs, from->macs, from->mac_count * sizeof *macs);
    copy.macs = macs;
    copy.domain = copy_text(from->domain, arena);
    copy.identity = copy_text(from->identity, arena);
    copy.subject = copy_subject(from->subject, arena);
    copy.expected_hypervisors =
        copy_texts(from->expected_hypervisors, from->expected_hypervisor_count, arena);
    copy.expected = copy_expected(from, arena);
    copy.observed = copy_observed(from, arena);
    copy.evidence = copy_evidence(from, arena);
    copy.why = copy_text(from->why, arena);
    copy.would_prove = copy_text(from->would_prove, arena);
    copy.members = copy_texts(from->members, from->member_count, arena);
    copy.run_state = copy_text(from->run_state, arena);
    *ret = copy;
}
