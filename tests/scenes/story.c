/* SPDX-License-Identifier: Apache-2.0 */
#include "story.h"
#include "story_live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/run_state.h"

static const int64_t DAY_US = INT64_C(1767225600) * 1000000; /* 2026-01-01T00:00:00Z */

struct wall story_time(double second)
{
    return (struct wall){DAY_US + (int64_t)(second * 1e6)};
}

void story_init(struct story *story)
{
    *story = (struct story){.as_of = -1};
    audit_options_init(&story->options);
    story->arena = arena_new();
}

void story_done(struct story *story)
{
    for (size_t i = 0; i < story->switch_count; i++) {
        free(story->switches[i].ports);
        free(story->switches[i].rows);
    }
    free(story->guests);
    free(story->attachments);
    free(story->switches);
    free(story->lines);
    free(story->mlags);
    free(story->intervals);
    free(story->offs);
    free(story->opens);
    arena_free(story->arena);
}

struct story_switch *story_switch(struct story *story, const char *name)
{
    for (size_t i = 0; i < story->switch_count; i++)
        if (strcmp(story->switches[i].name, name) == 0)
            return &story->switches[i];
    story->switches = alloc_grow(story->switches, story->switch_count, &story->switch_capacity,
                                 sizeof *story->switches);
    struct story_switch *sw = &story->switches[story->switch_count++];
    *sw = (struct story_switch){.site = "default", .started = -1, .ended = -1, .ageing = 300};
    snprintf(sw->name, sizeof sw->name, "%s", name);
    return sw;
}

struct story_port *story_port(struct story_switch *sw, const char *name)
{
    for (size_t i = 0; i < sw->port_count; i++)
        if (strcmp(sw->ports[i].name, name) == 0)
            return &sw->ports[i];
    sw->ports = alloc_grow(sw->ports, sw->port_count, &sw->port_capacity, sizeof *sw->ports);
    struct story_port *port = &sw->ports[sw->port_count++];
    *port = (struct story_port){.name = ""};
    snprintf(port->name, sizeof port->name, "%s", name);
    return port;
}

void story_row(struct story_switch *sw, const char *port, const char *mac, const char *vlan,
               int status, int age)
{
    if (strcmp(port, "0") != 0)
        story_port(sw, port);
    sw->rows = alloc_grow(sw->rows, sw->row_count, &sw->row_capacity, sizeof *sw->rows);
    struct story_row *row = &sw->rows[sw->row_count++];
    *row = (struct story_row){.status = status, .age = age};
    snprintf(row->port, sizeof row->port, "%s", port);
    snprintf(row->mac, sizeof row->mac, "%s", mac);
    snprintf(row->vlan, sizeof row->vlan, "%s", vlan);
}

struct story_guest *story_guest(struct story *story, const char *hypervisor, const char *name,
                                const char *mac)
{
    for (size_t i = 0; i < story->guest_count; i++) {
        struct story_guest *guest = &story->guests[i];
        if (strcmp(guest->hypervisor, hypervisor) == 0 && strcmp(guest->name, name) == 0 &&
            strcmp(guest->mac, mac) == 0)
            return guest;
    }
    story->guests = alloc_grow(story->guests, story->guest_count, &story->guest_capacity,
                               sizeof *story->guests);
    struct story_guest *guest = &story->guests[story->guest_count++];
    *guest = (struct story_guest){.state = "on"};
    snprintf(guest->hypervisor, sizeof guest->hypervisor, "%s", hypervisor);
    snprintf(guest->name, sizeof guest->name, "%s", name);
    snprintf(guest->mac, sizeof guest->mac, "%s", mac);
    return guest;
}

/* --- records --- */

static void add_row(struct record_set *set, enum record_table table, const char *const *columns,
                    const char *const *texts, size_t count, uint32_t line)
{
    struct record_value names[8], values[8];
    for (size_t i = 0; i < count; i++) {
        names[i] = (struct record_value){columns[i], strlen(columns[i])};
        values[i] = (struct record_value){texts[i], strlen(texts[i])};
    }
    struct record_layout *layout;
    struct run_state_words *words = run_state_words_new();
    struct err err;
    size_t column;
    if (record_layout_new(table, names, count, &layout, &err) != 0 ||
        record_add_row(set, layout, words, values, count, line, &column, &err) != 0) {
        fprintf(stderr, "story: %s\n", err.text);
        abort();
    }
    record_layout_free(layout);
    run_state_words_free(words);
}

static struct record_set *build_record(const struct story *story, double now)
{
    static const char *const guest_columns[] = {
        "hypervisor", "guest", "mac", "run_state", "state_since", "vlan", "wire_expected", "uuid"};
    static const char *const attachment_columns[] = {"hypervisor", "nic_mac", "switch", "port"};
    static const char *const columns[RECORD_TABLE_COUNT][6] = {
        [RECORD_SWITCHES] = {"switch", "site"},
        [RECORD_PORTS] = {"switch", "port", "role"},
        [RECORD_LINKS] = {"switch_a", "port_a", "switch_b", "port_b"},
        [RECORD_LAGS] = {"switch", "aggregate", "member", "mlag"},
        [RECORD_CMDB] = {"guest", "hypervisor", "run_state", "address", "subnet"},
        [RECORD_DCM] = {"hypervisor", "guest", "run_state"}};
    struct record_set *set =
        record_set_new("record", story_time(story->as_of >= 0 ? story->as_of : now - 1));
    for (size_t i = 0; i < story->guest_count; i++) {
        const struct story_guest *g = &story->guests[i];
        const char *texts[] = {g->hypervisor, g->name, g->mac,  g->state,
                               g->since,      g->vlan, g->wire, g->uuid};
        add_row(set, RECORD_GUESTS, guest_columns, texts, 8, (uint32_t)i + 2);
    }
    for (size_t i = 0; i < story->attachment_count; i++) {
        const struct story_attachment *a = &story->attachments[i];
        const char *texts[] = {a->hypervisor, a->mac, a->sw, a->port};
        add_row(set, RECORD_ATTACHMENTS, attachment_columns, texts, 4, (uint32_t)i + 2);
    }
    for (size_t i = 0; i < story->line_count; i++) {
        const struct story_line *line = &story->lines[i];
        const char *texts[5];
        size_t count = 0;
        for (; columns[line->table][count] != NULL; count++)
            texts[count] = line->values[count];
        add_row(set, line->table, columns[line->table], texts, count, (uint32_t)i + 2);
    }
    record_set_finish(set);
    return set;
}

/* --- forward tables --- */

static uint32_t port_index(const struct story_switch *sw, const char *name)
{
    for (size_t i = 0; i < sw->port_count; i++)
        if (strcmp(sw->ports[i].name, name) == 0)
            return (uint32_t)i;
    return FORWARD_NO_PORT;
}

static struct mac parse_mac(const char *text)
{
    struct mac mac = MAC_NONE;
    if (text[0] != '\0' && mac_parse(text, strlen(text), &mac) != 0)
        abort();
    return mac;
}

static struct forward_table *build_table(const struct story_switch *sw, double now)
{
    struct forward_table *table = forward_table_new(sw->name, sw->site);
    table->sys_name = sw->sys_name[0] != '\0' ? (free(table->sys_name), alloc_text(sw->sys_name))
                                              : table->sys_name;
    if (sw->hypervisor[0] != '\0')
        table->hypervisor = alloc_text(sw->hypervisor);
    for (uint32_t i = 0; i < sw->port_count; i++) {
        const struct story_port *port = &sw->ports[i];
        uint32_t aggregate =
            port->aggregate[0] != '\0' ? port_index(sw, port->aggregate) : FORWARD_NO_PORT;
        forward_table_add_port(
            table,
            &(struct forward_port){.name = names_add(table->names, port->name, strlen(port->name)),
                                   .descr = NAME_NONE,
                                   .alias = NAME_NONE,
                                   .if_index = i + 1,
                                   .bridge_port = i + 1,
                                   .aggregate = aggregate == FORWARD_NO_PORT ? i : aggregate,
                                   .uplink = port->uplink,
                                   .tunnel = port->tunnel});
    }
    for (size_t i = 0; i < sw->row_count; i++) {
        const struct story_row *row = &sw->rows[i];
        vlan_set vlan = VLAN_SET_UNKNOWN;
        if (vlan_set_parse(table->vlans, row->vlan, strlen(row->vlan), &vlan) != 0)
            abort();
        forward_table_add_row(
            table,
            (struct forward_row){.mac_status = forward_row_key(parse_mac(row->mac),
                                                               (enum forward_status)row->status),
                                 .port = port_index(sw, row->port),
                                 .vlan = vlan,
                                 .age = row->age < 0 ? FORWARD_AGE_UNKNOWN : (uint16_t)row->age});
    }
    for (size_t i = 0; i < sw->neighbour_count; i++)
        forward_table_add_neighbour(
            table, &(struct neighbour){.protocol = NEIGHBOUR_LLDP,
                                       .port = port_index(sw, sw->neighbours[i].port),
                                       .chassis = parse_mac(sw->neighbours[i].chassis),
                                       .chassis_text = NAME_NONE,
                                       .remote_port = NAME_NONE,
                                       .remote_port_mac = MAC_NONE,
                                       .system = names_add(table->names, sw->neighbours[i].system,
                                                           strlen(sw->neighbours[i].system)),
                                       .description = NAME_NONE});
    if (sw->own[0] != '\0')
        forward_table_add_own_mac(table, parse_mac(sw->own));
    struct receipt receipt;
    receipt_init(&receipt);
    receipt_text(&receipt.source, "%s", sw->name);
    receipt_text(&receipt.type, "snmp");
    receipt.whole = !sw->partial;
    if (sw->partial)
        receipt_text(&receipt.why_not, "the walk broke off");
    receipt.rows = sw->row_count;
    receipt.ageing = sw->ageing < 0 ? span_us(-1) : span_seconds(sw->ageing);
    receipt.learn_discards = sw->full ? 7 : 0;
    receipt.started = story_time(sw->started >= 0 ? sw->started : now);
    receipt.ended = story_time(sw->ended >= 0 ? sw->ended : now);
    forward_table_add_receipt(table, &receipt);
    forward_table_finish(table);
    return table;
}

static void build_tables(struct story *story, double now)
{
    story->tables = alloc_zeroed(story->switch_count + 1, sizeof *story->tables);
    story->failed = alloc_zeroed(story->switch_count + 1, sizeof *story->failed);
    story->table_count = story->failed_count = 0;
    for (size_t i = 0; i < story->switch_count; i++) {
        struct story_switch *sw = &story->switches[i];
        if (!sw->dead) {
            sw->failed_rounds = 0;
            story->tables[story->table_count++] = build_table(sw, now);
            continue;
        }
        sw->failed_rounds++;
        story->failed[story->failed_count++] =
            (struct failed_source){.source = sw->name,
                                   .switch_name = sw->name,
                                   .why = sw->why[0] != '\0' ? sw->why : "no answer",
                                   .rounds = sw->failed_rounds,
                                   .site = sw->site};
    }
}

void story_round(struct story *story, double now)
{
    story->record = build_record(story, now);
    build_tables(story, now);
    story->pairs = alloc_zeroed(story->mlag_count + 1, sizeof *story->pairs);
    for (size_t i = 0; i < story->mlag_count; i++)
        story->pairs[i] = (struct mlag_pair){story->mlags[i].a, story->mlags[i].port_a,
                                             story->mlags[i].b, story->mlags[i].port_b};
    story->memory = (struct memory){story->intervals, story->interval_count, story->offs,
                                    story->off_count, story->opens,          story->open_count};
    if (story->live != NULL) {
        story_live_event(story, NULL, now); /* what time alone brings is known before */
        story_live_memory(story);
    }
    if (story->recall != NULL)
        story->recall(story, now);
    story->input =
        (struct world_input){.records = (const struct record_set *const *)&story->record,
                             .record_count = 1,
                             .tables = (const struct forward_table *const *)story->tables,
                             .table_count = story->table_count,
                             .failed = story->failed,
                             .failed_count = story->failed_count,
                             .mlags = story->pairs,
                             .mlag_count = story->mlag_count,
                             .memory = &story->memory,
                             .options = &story->options};
    if (story->live != NULL)
        story_live_facts(story, now);
    story->world = world_new(&story->input);
    story->sweep = sweep_run(story->world, story_time(now));
    if (story->live != NULL)
        story_live_world(story, now);
}

/* --- memory, as the store keeps it --- */

static const char *keep(struct story *story, const char *text)
{
    return arena_text(story->arena, text, strlen(text));
}

static bool row_is_sighting(const struct story_row *row)
{
    return strcmp(row->port, "0") != 0 && row->status != FORWARD_SELF &&
           row->status != FORWARD_MGMT && row->status != FORWARD_INVALID;
}

static void remember_row(struct story *story, const struct story_switch *sw,
                         const struct story_row *row, struct wall started, struct wall ended,
                         struct wall previous)
{
    struct mac mac = parse_mac(row->mac);
    for (size_t i = 0; i < story->interval_count; i++) {
        struct seen_interval *known = &story->intervals[i];
        if (mac_equal(known->mac, mac) && strcmp(known->switch_name, sw->name) == 0 &&
            strcmp(known->port, row->port) == 0 && strcmp(known->vlan, row->vlan) == 0 &&
            known->last.us >= previous.us) {
            known->last = ended;
            known->reads++;
            return;
        }
    }
    story->intervals = alloc_grow(story->intervals, story->interval_count,
                                  &story->interval_capacity, sizeof *story->intervals);
    story->intervals[story->interval_count++] = (struct seen_interval){mac,
                                                                       keep(story, sw->site),
                                                                       keep(story, sw->name),
                                                                       keep(story, row->port),
                                                                       keep(story, row->vlan),
                                                                       started,
                                                                       ended,
                                                                       1};
}

static int by_mac_and_first(const void *a, const void *b)
{
    const struct seen_interval *x = a, *y = b;
    if (x->mac.bits != y->mac.bits)
        return x->mac.bits < y->mac.bits ? -1 : 1;
    return x->first.us < y->first.us ? -1 : x->first.us > y->first.us;
}

static void remember_tables(struct story *story, double now)
{
    for (size_t s = 0; s < story->switch_count; s++) {
        const struct story_switch *sw = &story->switches[s];
        struct wall started = story_time(sw->started >= 0 ? sw->started : now);
        struct wall ended = story_time(sw->ended >= 0 ? sw->ended : now), previous = started;
        previous.us = INT64_MIN; /* the end of this switch's previous read */
        for (size_t i = 0; i < story->interval_count; i++)
            if (strcmp(story->intervals[i].switch_name, sw->name) == 0 &&
                story->intervals[i].last.us > previous.us)
                previous = story->intervals[i].last;
        for (size_t r = 0; !sw->dead && r < sw->row_count; r++)
            if (row_is_sighting(&sw->rows[r]))
                remember_row(story, sw, &sw->rows[r], started, ended, previous);
    }
    if (story->interval_count > 0)
        qsort(story->intervals, story->interval_count, sizeof *story->intervals, by_mac_and_first);
}

struct remembering {
    struct story *story;
    struct off_since *offs;
    size_t count, capacity;
    struct wall at;
};

static void remember_off(void *aux, const char *identity)
{
    struct remembering *r = aux;
    struct wall first = memory_off_first(&r->story->memory, identity);
    r->offs = alloc_grow(r->offs, r->count, &r->capacity, sizeof *r->offs);
    r->offs[r->count++] =
        (struct off_since){keep(r->story, identity), wall_known(first) ? first : r->at};
}

static int by_identity(const void *a, const void *b)
{
    return strcmp(((const struct off_since *)a)->guest_identity,
                  ((const struct off_since *)b)->guest_identity);
}

static int by_open_identity(const void *a, const void *b)
{
    return strcmp(((const struct open_since *)a)->identity,
                  ((const struct open_since *)b)->identity);
}

static void remember_open(struct story *story, struct open_since **opens, size_t *count,
                          size_t *capacity, const struct discrepancy *d, double now)
{
    struct wall first = memory_open_first(&story->memory, d->identity);
    *opens = alloc_grow(*opens, *count, capacity, sizeof **opens);
    (*opens)[(*count)++] =
        (struct open_since){keep(story, d->identity), wall_known(first) ? first : story_time(now)};
}

void story_round_end(struct story *story, double now)
{
    if (story->remember != NULL)
        story->remember(story, now);
    struct remembering offs = {.story = story, .at = story_time(now)};
    sweep_off_guests(story->world, remember_off, &offs);
    struct open_since *opens = NULL;
    size_t open_count = 0, open_capacity = 0;
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sweep_count(story->sweep); i++) {
        struct discrepancy d;
        sweep_render(story->sweep, i, arena, &d);
        remember_open(story, &opens, &open_count, &open_capacity, &d, now);
        for (size_t m = 0; sweep_render_member(story->sweep, i, m, arena, &d); m++)
            remember_open(story, &opens, &open_count, &open_capacity, &d, now);
    }
    arena_free(arena);
    remember_tables(story, now);
    free(story->offs);
    free(story->opens);
    story->offs = offs.offs;
    story->off_count = offs.count;
    story->opens = opens;
    story->open_count = open_count;
    if (story->off_count > 0)
        qsort(story->offs, story->off_count, sizeof *story->offs, by_identity);
    if (story->open_count > 0)
        qsort(story->opens, story->open_count, sizeof *story->opens, by_open_identity);
    if (story->live != NULL) {
        story_live_keep(story);
        return;
    }
    sweep_free(story->sweep);
    world_free(story->world);
    record_set_free(story->record);
    for (size_t i = 0; i < story->table_count; i++)
        forward_table_free(story->tables[i]);
    free(story->tables);
    free(story->failed);
    free(story->pairs);
}

const char *story_subject(const struct discrepancy *d, char *buffer, size_t size)
{
    char mac[MAC_TEXT_SIZE];
    char address[IP_TEXT_SIZE];
    if (ip_known(&d->subject.address))
        snprintf(buffer, size, "%s", ip_format(&d->subject.address, address));
    else if (d->kind == DISCREPANCY_NON_HYPERVISOR_PORT && d->member_count == 0)
        snprintf(buffer, size, "%s", mac_format(d->subject.mac, mac));
    else if (d->subject.port != NULL)
        snprintf(buffer, size, "%s:%s", d->subject.switch_name, d->subject.port);
    else if (d->subject.guest != NULL)
        snprintf(buffer, size, "%s", d->subject.guest);
    else if (d->subject.hypervisor != NULL)
        snprintf(buffer, size, "%s", d->subject.hypervisor);
    else if (d->subject.switch_name != NULL)
        snprintf(buffer, size, "%s", d->subject.switch_name);
    else if (d->subject.source != NULL)
        snprintf(buffer, size, "%s", d->subject.source);
    else
        snprintf(buffer, size, "%s", mac_format(d->subject.mac, mac));
    return buffer;
}
