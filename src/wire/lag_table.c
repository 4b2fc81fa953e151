/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/lag_table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "wire/bridge_reader.h"
#include "wire/bridge_table.h"

enum { IF_TYPE_PROP_VIRTUAL = 53, IF_TYPE_PROP_MULTIPLEXOR = 54, IF_TYPE_LAG = 161 };

const char *lag_source_word(enum lag_source source)
{
    switch (source) {
    case LAG_ATTACHED:
    case LAG_SELECTED:
        return "dot3ad";
    case LAG_PAGP:
        return "pagp";
    case LAG_STACK:
        return "ifStack";
    }
    UNREACHABLE();
}

void lag_table_add(struct bridge_facts *facts, uint32_t if_index, uint32_t aggregate,
                   enum lag_source source)
{
    if (aggregate == 0 || if_index == 0 || aggregate == if_index || aggregate > INT32_MAX)
        return;
    if (facts->lag_count == BRIDGE_MAP_ROWS_MAX)
        return;
    facts->lags =
        alloc_grow(facts->lags, facts->lag_count, &facts->lag_capacity, sizeof *facts->lags);
    facts->lags[facts->lag_count++] = (struct lag_member){if_index, aggregate, source};
}

bool lag_name(const char *name)
{
    static const char *const words[] = {
        "ae",           "agg",
        "aggregate",    "bagg",
        "bond",         "bridge-aggregation",
        "bundle-ether", "be",
        "eth-trunk",    "lag",
        "linkagg",      "mlt",
        "po",           "port-channel",
        "portchannel",  "ragg",
        "reth",         "route-aggregation",
        "team",         "trk",
        "trunk",        "channel-group",
        "port channel", "aggregator",
    };
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        size_t length = strlen(words[i]);
        if (strncasecmp(name, words[i], length) != 0)
            continue;
        const char *rest = name + length;
        while (*rest == ' ' || *rest == '-')
            rest++;
        if (isdigit((unsigned char)*rest))
            return true;
    }
    return false;
}

/* Whether a stacking on `higher` is link aggregation. */
static bool is_aggregate(const struct bridge_facts *facts, uint32_t higher)
{
    const struct bridge_interface *interface = bridge_facts_interface(facts, higher);
    if (interface == NULL)
        return false;
    if (interface->type == IF_TYPE_LAG)
        return true;
    if (interface->type != 0 && interface->type != IF_TYPE_PROP_VIRTUAL &&
        interface->type != IF_TYPE_PROP_MULTIPLEXOR)
        return false;
    return lag_name(names_get(facts->names, interface->name)) ||
           lag_name(names_get(facts->names, interface->descr));
}

static int compare_members(const void *a, const void *b)
{
    const struct lag_member *x = a, *y = b;
    if (x->if_index != y->if_index)
        return x->if_index < y->if_index ? -1 : 1;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    return (x->aggregate > y->aggregate) - (x->aggregate < y->aggregate);
}

void lag_table_finish(struct bridge_facts *facts)
{
    if (facts->lag_count == 0)
        return;
    qsort(facts->lags, facts->lag_count, sizeof *facts->lags, compare_members);
    size_t kept = 0;
    for (size_t i = 0; i < facts->lag_count; i++) {
        struct lag_member member = facts->lags[i];
        if (kept > 0 && facts->lags[kept - 1].if_index == member.if_index)
            continue;
        if (member.source == LAG_STACK && !is_aggregate(facts, member.aggregate))
            continue;
        facts->lags[kept++] = member;
    }
    facts->lag_count = kept;
}

static uint32_t find_once(const struct bridge_facts *facts, uint32_t if_index)
{
    size_t low = 0, high = facts->lag_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (facts->lags[middle].if_index == if_index)
            return facts->lags[middle].aggregate;
        if (facts->lags[middle].if_index < if_index)
            low = middle + 1;
        else
            high = middle;
    }
    return if_index;
}

uint32_t lag_table_find(const struct bridge_facts *facts, uint32_t if_index)
{
    uint32_t at = if_index;
    for (int step = 0; step < LAG_DEPTH; step++) {
        uint32_t next = find_once(facts, at);
        if (next == at)
            return at;
        at = next;
    }
    return if_index; /* a loop: no aggregate can be named */
}
