/* SPDX-License-Identifier: Apache-2.0 */
/* What an event costs the judge on one thread: a data centre of the roster's guests is recorded
 * and polled, then the same guests are heard of. Measured, each by itself: events that are in
 * order, starts at a wrong port (judged as a whole), taking over a new world while events come,
 * and the expiry of every session at once. Prints one JSON line. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit/live.h"
#include "base/alloc.h"
#include "base/limits.h"

enum { GUESTS_PER_HYPERVISOR = 50, PORTS_PER_SWITCH = 40, COLUMNS = 4, BATCH = 64 };

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* other processes do not count */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct wall at(double second)
{
    return (struct wall){INT64_C(1767312000) * 1000000 + (int64_t)(second * 1e6)};
}

static uint64_t mac_of(uint32_t guest)
{
    return UINT64_C(0x525400000000) | ((guest * UINT32_C(2654435761)) & 0xffffff);
}

struct place {
    char hypervisor[16], switch_name[16], port[16];
};

static struct place place_of(uint32_t hypervisor)
{
    struct place place;
    snprintf(place.hypervisor, sizeof place.hypervisor, "h%u", hypervisor);
    snprintf(place.switch_name, sizeof place.switch_name, "s%u", hypervisor / PORTS_PER_SWITCH);
    snprintf(place.port, sizeof place.port, "Gi1/0/%u", hypervisor % PORTS_PER_SWITCH + 1);
    return place;
}

static void add_row(struct record_set *set, struct record_layout *layout,
                    struct run_state_words *words, const char *const *texts, uint32_t line)
{
    struct record_value values[COLUMNS];
    struct err err;
    size_t column;
    for (size_t i = 0; i < COLUMNS; i++)
        values[i] = (struct record_value){texts[i], strlen(texts[i])};
    if (record_add_row(set, layout, words, values, COLUMNS, line, &column, &err) != 0)
        abort();
}

static struct record_layout *layout_of(enum record_table table, const char *const *columns)
{
    struct record_value names[COLUMNS];
    struct record_layout *layout;
    struct err err;
    for (size_t i = 0; i < COLUMNS; i++)
        names[i] = (struct record_value){columns[i], strlen(columns[i])};
    if (record_layout_new(table, names, COLUMNS, &layout, &err) != 0)
        abort();
    return layout;
}

static struct record_set *records_of(uint32_t guests)
{
    static const char *const guest_columns[] = {"hypervisor", "guest", "mac", "run_state"};
    static const char *const port_columns[] = {"hypervisor", "nic_mac", "switch", "port"};
    struct record_set *set = record_set_new("bench", at(-1));
    struct run_state_words *words = run_state_words_new();
    struct record_layout *layout = layout_of(RECORD_GUESTS, guest_columns);
    char name[16], mac[MAC_TEXT_SIZE];
    for (uint32_t i = 0; i < guests; i++) {
        struct place place = place_of(i / GUESTS_PER_HYPERVISOR);
        snprintf(name, sizeof name, "g%u", i);
        const char *texts[] = {place.hypervisor, name, mac_format((struct mac){mac_of(i)}, mac),
                               "on"};
        add_row(set, layout, words, texts, i + 2);
    }
    record_layout_free(layout);
    layout = layout_of(RECORD_ATTACHMENTS, port_columns);
    for (uint32_t h = 0; h <= guests / GUESTS_PER_HYPERVISOR; h++) {
        struct place place = place_of(h);
        const char *texts[] = {place.hypervisor,
                               mac_format((struct mac){UINT64_C(0x02aa00000000) + h}, mac),
                               place.switch_name, place.port};
        add_row(set, layout, words, texts, h + 2);
    }
    record_layout_free(layout);
    run_state_words_free(words);
    record_set_finish(set);
    return set;
}

static struct forward_table *table_of(uint32_t number, uint32_t guests)
{
    char name[16];
    snprintf(name, sizeof name, "s%u", number);
    struct forward_table *table = forward_table_new(name, "default");
    for (uint32_t p = 0; p < PORTS_PER_SWITCH; p++) {
        struct place place = place_of(number * PORTS_PER_SWITCH + p);
        forward_table_add_port(
            table,
            &(struct forward_port){.name = names_add(table->names, place.port, strlen(place.port)),
                                   .descr = NAME_NONE,
                                   .alias = NAME_NONE,
                                   .if_index = p + 1,
                                   .bridge_port = p + 1,
                                   .aggregate = p});
    }
    uint32_t first = number * PORTS_PER_SWITCH * GUESTS_PER_HYPERVISOR;
    for (uint32_t i = first; i < guests && i < first + PORTS_PER_SWITCH * GUESTS_PER_HYPERVISOR;
         i++)
        (void)forward_table_add_row(
            table, (struct forward_row){
                       .mac_status = forward_row_key((struct mac){mac_of(i)}, FORWARD_LEARNED),
                       .port = (i - first) / GUESTS_PER_HYPERVISOR,
                       .age = FORWARD_AGE_UNKNOWN});
    struct receipt receipt;
    receipt_init(&receipt);
    receipt_text(&receipt.source, "%s", name);
    receipt_text(&receipt.type, "snmp");
    receipt.whole = true;
    receipt.rows = table->row_count;
    receipt.ageing = span_seconds(300);
    receipt.started = receipt.ended = at(0);
    forward_table_add_receipt(table, &receipt);
    forward_table_finish(table);
    return table;
}

/* Texts of one event. */
struct heard {
    struct place place;
    char session[16];
};

/* A start of guest `i` at the place of hypervisor `h`. */
static struct event event_at(uint32_t i, uint32_t h, enum event_kind kind, double now,
                             struct heard *texts)
{
    struct event event = event_of(kind);
    texts->place = place_of(h);
    snprintf(texts->session, sizeof texts->session, "%u", i);
    event.proof = EVENT_PROOF_TOLD;
    event.source = event.type = "radius";
    event.mac = (struct mac){mac_of(i)};
    event.switch_name = event.nas = texts->place.switch_name;
    event.port = texts->place.port;
    event.session = texts->session;
    event.lifetime = span_seconds(600);
    event.at = event.heard = at(now);
    return event;
}

static void hear(struct live *live, uint32_t i, uint32_t h, enum event_kind kind, double now,
                 struct live_out *out)
{
    struct heard texts;
    struct event event = event_at(i, h, kind, now, &texts);
    live_event(live, &event, at(now), out);
}

/* As the daemon does it: what a socket had, at once. */
static void hear_batch(struct live *live, const uint32_t *guests, double now, struct live_out *out)
{
    struct heard texts[BATCH];
    struct event events[BATCH];
    for (int i = 0; i < BATCH; i++)
        events[i] =
            event_at(guests[i], guests[i] / GUESTS_PER_HYPERVISOR, EVENT_UPDATE, now, &texts[i]);
    live_events(live, events, BATCH, at(now), out);
}

struct centre {
    uint32_t guests, switches;
    struct record_set *set;
    struct forward_table **tables;
    struct world *world;
    struct sweep *sweep;
};

static void centre_make(struct centre *centre, uint32_t guests)
{
    centre->guests = guests;
    centre->switches = guests / (PORTS_PER_SWITCH * GUESTS_PER_HYPERVISOR) + 1;
    centre->set = records_of(guests);
    centre->tables = alloc_array(centre->switches, sizeof *centre->tables);
    for (uint32_t s = 0; s < centre->switches; s++)
        centre->tables[s] = table_of(s, guests);
    struct world_input input = {.records = (const struct record_set *const *)&centre->set,
                                .record_count = 1,
                                .tables = (const struct forward_table *const *)centre->tables,
                                .table_count = centre->switches,
                                .now = at(0)};
    centre->world = world_new(&input);
}

static void centre_free(struct centre *centre)
{
    sweep_free(centre->sweep);
    world_free(centre->world);
    for (uint32_t s = 0; s < centre->switches; s++)
        forward_table_free(centre->tables[s]);
    free(centre->tables);
    record_set_free(centre->set);
}

/* Calls that follow from one another, and the longest of them. */
static void work_off(struct live *live, double now, struct live_out *out, double *ret_all,
                     double *ret_longest)
{
    *ret_all = *ret_longest = 0;
    while (wall_known(live_next(live)) && live_next(live).us <= at(now).us) {
        double began = seconds();
        live_tick(live, at(now), out);
        live_out_clear(out);
        double one = seconds() - began;
        *ret_all += one;
        *ret_longest = one > *ret_longest ? one : *ret_longest;
    }
}

static double time_in_order(struct live *live, uint32_t guests, struct live_out *out)
{
    double began = seconds();
    for (uint32_t i = 0; i + BATCH <= guests; i += BATCH) {
        uint32_t some[BATCH];
        for (uint32_t k = 0; k < BATCH; k++)
            some[k] = (uint32_t)((i + k) * UINT64_C(7919) % guests);
        hear_batch(live, some, 2, out);
    }
    return (seconds() - began) / guests;
}

/* What of it is the making of the events. */
static double time_making(uint32_t guests)
{
    double began = seconds();
    volatile uint32_t sum = 0;
    for (uint32_t i = 0; i < guests; i++) {
        struct heard texts;
        struct event event = event_at(i, i / GUESTS_PER_HYPERVISOR, EVENT_UPDATE, 2, &texts);
        sum += (uint32_t)event.session[0];
    }
    return (seconds() - began) / guests;
}

static double time_judged(struct live *live, uint32_t guests, struct live_out *out)
{
    double began = seconds();
    for (uint32_t i = 0; i < guests; i += 100) {
        hear(live, i, i / GUESTS_PER_HYPERVISOR + 1, EVENT_START, 3, out);
        live_out_clear(out);
    }
    return (seconds() - began) / (guests / 100.0);
}

int main(int argc, char **argv)
{
    struct centre centre = {0};
    centre_make(&centre, argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000);
    uint32_t guests = centre.guests;
    double began = seconds();
    centre.sweep = sweep_run(centre.world, at(0));
    double swept = seconds() - began;
    began = seconds();
    struct live_base *base = live_base_new(centre.world, centre.sweep);
    double prepared = seconds() - began;
    struct live_options options;
    live_options_init(&options);
    struct live *live = live_new(&options, at(0));
    struct live_out out;
    live_out_init(&out, live);
    live_base_free(live_set_world(live, base, at(0), &out));
    for (uint32_t i = 0; i < guests; i++)
        hear(live, i, i / GUESTS_PER_HYPERVISOR, EVENT_START, 1, &out);
    double in_order = time_in_order(live, guests, &out), making = time_making(guests);
    double judged = time_judged(live, guests, &out);
    struct live_facts facts;
    began = seconds();
    live_export_begin(live, at(3), &facts);
    while (live_export_step(live, &facts, 65536))
        ;
    double exported = seconds() - began, again, longest, expired, longest_expiry;
    for (uint32_t i = 0; i < guests / 10; i++)
        hear(live, i, i / GUESTS_PER_HYPERVISOR, EVENT_UPDATE, 4, &out);
    base = live_base_new(centre.world, centre.sweep);
    began = seconds();
    struct live_base *before = live_set_world(live, base, at(5), &out);
    double taken = seconds() - began;
    live_base_free(before);
    work_off(live, 5, &out, &again, &longest);
    work_off(live, 700, &out, &expired, &longest_expiry);
    struct live_counts counts;
    live_count(live, &counts);
    printf("{\"guests\":%u,\"sweep_ms\":%.1f,\"prepare_ms\":%.1f,\"in_order_ns\":%.0f,"
           "\"making_ns\":%.0f,\"judged_us\":%.2f,\"export_ms\":%.1f,\"set_world_ms\":%.3f,"
           "\"again_ms\":%.1f,\"longest_tick_ms\":%.3f,\"expiry_s\":%.2f,"
           "\"longest_expiry_tick_ms\":%.3f,\"in_order\":%" PRIu64 ",\"judged\":%" PRIu64
           ",\"departed\":%u,\"bytes_an_entry\":%.1f}\n",
           guests, swept * 1e3, prepared * 1e3, in_order * 1e9, making * 1e9, judged * 1e6,
           exported * 1e3, taken * 1e3, again * 1e3, longest * 1e3, expired, longest_expiry * 1e3,
           counts.in_order, counts.judged, counts.departed,
           (double)presence_size(live_presence(live)) / guests);
    live_facts_done(&facts);
    live_out_done(&out);
    live_free(live);
    centre_free(&centre);
    return 0;
}
