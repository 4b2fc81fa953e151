/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "audit/world_view.h"
#include "base/alloc.h"

static bool table_proves_absence(const struct forward_table *table,
                                 enum coverage_reason *ret_reason)
{
    *ret_reason = COVERAGE_WHOLE;
    if (table->row_count == 0)
        *ret_reason = COVERAGE_EMPTY;
    else if (!table->whole)
        *ret_reason = COVERAGE_PARTIAL;
    for (size_t i = 0; *ret_reason == COVERAGE_WHOLE && i < table->receipt_count; i++)
        if (table->receipts[i].learn_discards > 0)
            *ret_reason = COVERAGE_FULL_TABLE;
    return *ret_reason == COVERAGE_WHOLE;
}

/* A table that was emptied shows a guest again only when the guest has something to say. */
static bool is_flushed(const struct world *world, const struct world_switch *sw)
{
    for (size_t i = 0; i < world->in.flush_count; i++) {
        const struct switch_flush *flush = &world->in.flushes[i];
        if (strcmp(flush->switch_name, sw->name) == 0 && sw->ended_us >= flush->at.us &&
            sw->started_us < flush->at.us + sw->ageing_us)
            return true;
    }
    return false;
}

bool coverage_switch(const struct world *world, uint32_t index, enum coverage_reason *ret_reason)
{
    const struct world_switch *sw = &world->switches[index];
    *ret_reason = COVERAGE_WHOLE;
    if (!sw->configured)
        *ret_reason = COVERAGE_NOT_CONFIGURED;
    else if (sw->table == NULL)
        *ret_reason = COVERAGE_FAILED;
    else if (table_proves_absence(sw->table, ret_reason) && sw->failed != NULL)
        *ret_reason = COVERAGE_PARTIAL;
    /* a hypervisor's own bridge may well be without guests */
    if (*ret_reason == COVERAGE_EMPTY && sw->hypervisor != WORLD_NONE && sw->table->whole)
        *ret_reason = COVERAGE_WHOLE;
    if (*ret_reason == COVERAGE_WHOLE && world->in.flush_count > 0 && is_flushed(world, sw))
        *ret_reason = COVERAGE_FLUSHED;
    return *ret_reason == COVERAGE_WHOLE;
}

bool coverage_lacks_port(const struct world *world, const struct world_attachment *attachment)
{
    enum coverage_reason reason;
    if (attachment->port != WORLD_NONE || attachment->switch_index == WORLD_NONE)
        return false;
    for (uint32_t s = attachment->switch_index; s != WORLD_NONE; s = world->switches[s].next_same)
        if (!coverage_switch(world, s, &reason) && reason != COVERAGE_FULL_TABLE &&
            reason != COVERAGE_FLUSHED)
            return false; /* what was not read whole may have it */
    return true;
}

/* Every switch that has a port of the attachment's logical port must prove absence. */
static enum coverage_reason attachment_reason(const struct world *world,
                                              const struct world_attachment *a,
                                              const uint32_t *first, const uint32_t *next)
{
    enum coverage_reason reason = COVERAGE_WHOLE;
    if (a->switch_index == WORLD_NONE)
        return COVERAGE_WHOLE; /* no place said: another attachment counts */
    if (!coverage_switch(world, a->switch_index, &reason))
        return reason;
    if (a->port == WORLD_NONE)
        return COVERAGE_NO_SUCH_PORT;
    uint32_t peer = map_find(&world->unread_peers, world->ports[a->port].root);
    if (peer != MAP_NO_VALUE && !coverage_switch(world, peer, &reason))
        return COVERAGE_PARTIAL; /* of the pair */
    uint32_t port = first[world->ports[a->port].root];
    for (; port != WORLD_NONE; port = next[port])
        if (!coverage_switch(world, world->ports[port].switch_index, &reason))
            return reason;
    return COVERAGE_WHOLE;
}

static void cover_hypervisor(struct world *world, struct world_hypervisor *hv,
                             const uint32_t *first, const uint32_t *next)
{
    bool named = false;
    hv->reason = COVERAGE_WHOLE;
    for (uint32_t i = 0; i < hv->attachment_count && hv->reason == COVERAGE_WHOLE; i++) {
        const struct world_attachment *a = &world->attachments[hv->first_attachment + i];
        named = named || a->switch_index != WORLD_NONE;
        hv->reason = (uint8_t)attachment_reason(world, a, first, next);
        hv->reason_attachment = hv->first_attachment + i;
    }
    if (!named)
        hv->reason = COVERAGE_NO_ATTACHMENT;
    if (world->unread_records != NULL)
        hv->reason = COVERAGE_NO_RECORDS;
    hv->observable = hv->reason == COVERAGE_WHOLE;
}

/* Chains the ports of each logical port that spans several, and all others singly. */
static uint32_t *chain_ports(const struct world *world, uint32_t *first)
{
    uint32_t *next = alloc_array(world->port_count + 1, sizeof *next);
    memset(first, 0xff, world->port_count * sizeof *first);
    for (uint32_t port = world->port_count; port-- > 0;) {
        next[port] = WORLD_NONE;
        if (world->ports[port].hypervisor == WORLD_NONE)
            continue;
        uint32_t root = world->ports[port].root;
        next[port] = first[root];
        first[root] = port;
    }
    return next;
}

/* Sets until when absence is proved by all tables of each site. */
static void set_site_reads(struct world *world)
{
    world->site_read_us = alloc_array(world->site_count + 1, sizeof *world->site_read_us);
    for (uint32_t i = 0; i <= world->site_count; i++)
        world->site_read_us[i] =
            i < world->site_count && world->site_whole[i] ? INT64_MAX : WALL_UNKNOWN.us;
    for (uint32_t s = 0; s < world->switch_count; s++) {
        const struct world_switch *sw = &world->switches[s];
        int64_t read, *of_site = &world->site_read_us[sw->site];
        if (sw->started_us == WALL_UNKNOWN.us ||
            __builtin_sub_overflow(sw->started_us, sw->ageing_us, &read) ||
            __builtin_sub_overflow(read, world->options.clock_skew.us, &read))
            read = WALL_UNKNOWN.us; /* the least: it stays */
        *of_site = read < *of_site ? read : *of_site;
    }
}

void coverage_build(struct world *world)
{
    world->site_whole = alloc_zeroed(world->site_count + 1, sizeof *world->site_whole);
    for (uint32_t i = 0; i < world->site_count; i++)
        world->site_whole[i] = true;
    for (uint32_t s = 0; s < world->switch_count; s++) {
        enum coverage_reason reason;
        world->switches[s].proves_absence = coverage_switch(world, s, &reason);
        if (!world->switches[s].proves_absence)
            world->site_whole[world->switches[s].site] = false;
    }
    set_site_reads(world);
    uint32_t *first = alloc_array(world->port_count + 1, sizeof *first);
    uint32_t *next = chain_ports(world, first);
    for (uint32_t h = 0; h < world->hypervisor_count; h++)
        cover_hypervisor(world, &world->hypervisors[h], first, next);
    free(first);
    free(next);
}

static const char *switch_why(const struct world *world, const struct world_attachment *a,
                              enum coverage_reason reason, struct arena *arena)
{
    const struct world_switch *sw = &world->switches[a->switch_index];
    switch (reason) {
    case COVERAGE_NOT_CONFIGURED:
        return arena_printf(arena, "switch %s is recorded but not configured, so nobody reads it",
                            a->switch_name);
    case COVERAGE_FAILED:
        return arena_printf(arena, "switch %s gave no table this round%s%s", a->switch_name,
                            sw->failed != NULL ? ": " : "",
                            sw->failed != NULL ? sw->failed->why : "");
    case COVERAGE_PARTIAL:
        return arena_printf(arena,
                            "the table of switch %s, or of its MLAG peer, was not read whole",
                            a->switch_name);
    case COVERAGE_EMPTY:
        return arena_printf(arena, "switch %s answered with an empty table", a->switch_name);
    case COVERAGE_FULL_TABLE:
        return arena_printf(arena, "switch %s had no room to learn all addresses", a->switch_name);
    case COVERAGE_FLUSHED:
        return arena_printf(arena,
                            "switch %s forgot its table less than one ageing time before it was "
                            "read",
                            a->switch_name);
    case COVERAGE_NO_SUCH_PORT:
        return arena_printf(arena, "switch %s has no port %s", a->switch_name, a->port_name);
    case COVERAGE_WHOLE:
    case COVERAGE_NO_ATTACHMENT:
    case COVERAGE_NO_HYPERVISOR:
    case COVERAGE_NO_RECORDS:
        break;
    }
    return "";
}

const char *coverage_why(const struct world *world, uint32_t hypervisor, struct arena *arena)
{
    if (world->unread_records != NULL)
        return arena_printf(arena,
                            "the recorded source %s gave nothing, and may name further ports",
                            world->unread_records->source);
    if (hypervisor == WORLD_NONE)
        return "the record names no hypervisor for it";
    const struct world_hypervisor *hv = &world->hypervisors[hypervisor];
    if (hv->observable)
        return "";
    if (hv->reason == COVERAGE_NO_ATTACHMENT)
        return arena_printf(arena, "no attachment of hypervisor %s is recorded", hv->name);
    const char *why = switch_why(world, &world->attachments[hv->reason_attachment],
                                 (enum coverage_reason)hv->reason, arena);
    return arena_printf(arena, "%s, where hypervisor %s is attached", why, hv->name);
}
