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
