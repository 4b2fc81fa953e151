/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/sweep.h"
#include "base/alloc.h"
#include "sim/demo_world.h"
#include "sim/readings.h"

/* The judge's verdicts on simulated worlds, against what was made true in them. */

static const struct wall noon = {INT64_C(1795435200) * 1000000};

enum { TABLES = 16 };

/* What a round leaves to the next: every place of every MAC. */
struct remembered {
    struct seen_interval *seen;
    size_t count, capacity;
};

struct round {
    struct record_set *records;
    const struct record_set *borrowed;
    struct world_input input; /* the world borrows it */
    struct forward_table *tables[TABLES];
    size_t table_count;
    struct failed_source failed[TABLES];
    size_t failed_count;
    struct mlag_pair *mlags;
    struct world *world;
    struct sweep *sweep;
    struct audit_options options;
    struct memory memory;
};

static int by_mac_and_time(const void *a, const void *b)
{
    const struct seen_interval *x = a, *y = b;
    if (x->mac.bits != y->mac.bits)
        return x->mac.bits < y->mac.bits ? -1 : 1;
    return x->first.us < y->first.us ? -1 : x->first.us > y->first.us;
}

static void remember_row(struct remembered *memory, const struct datacentre *dc, uint32_t s,
                         const struct sim_forward_row *row, struct wall previous)
{
    const struct fabric_switch *sw = &datacentre_fabric(dc)->switches[s];
    const char *port = sw->ports[row->port].name;
    for (size_t i = 0; i < memory->count; i++) {
        struct seen_interval *seen = &memory->seen[i];
        if (mac_equal(seen->mac, row->mac) && seen->last.us == previous.us &&
            strcmp(seen->switch_name, sw->name) == 0 && strcmp(seen->port, port) == 0) {
            seen->last = datacentre_now(dc);
            seen->reads++;
            return;
        }
    }
    memory->seen =
        alloc_grow(memory->seen, memory->count, &memory->capacity, sizeof(memory->seen[0]));
    memory->seen[memory->count++] = (struct seen_interval){
        row->mac,       "default",          alloc_text(sw->name), alloc_text(port),
        alloc_text(""), datacentre_now(dc), datacentre_now(dc),   1};
}

static void remember(struct remembered *memory, const struct datacentre *dc, struct wall previous)
{
    for (uint32_t s = 0; s < datacentre_fabric(dc)->switch_count; s++) {
        if (!datacentre_switch_alive(dc, s))
            continue;
        size_t count;
        struct sim_forward_row *rows = datacentre_forward(dc, s, &count);
        for (size_t i = 0; i < count; i++)
            if (rows[i].port != FABRIC_NONE)
                remember_row(memory, dc, s, &rows[i], previous);
        free(rows);
    }
    qsort(memory->seen, memory->count, sizeof(memory->seen[0]), by_mac_and_time);
}

static void forget(struct remembered *memory)
{
    for (size_t i = 0; i < memory->count; i++) {
        free((void *)(uintptr_t)memory->seen[i].switch_name);
        free((void *)(uintptr_t)memory->seen[i].port);
        free((void *)(uintptr_t)memory->seen[i].vlan);
    }
    free(memory->seen);
}

static void judge(struct round *r, const struct datacentre *dc, const struct remembered *memory)
{
    size_t mlag_count;
    *r = (struct round){.records = sim_recorded(dc)};
    for (uint32_t s = 0; s < datacentre_fabric(dc)->switch_count; s++) {
        const char *name = datacentre_fabric(dc)->switches[s].name;
        if (datacentre_switch_alive(dc, s))
            r->tables[r->table_count++] = sim_reading(dc, s);
        else
            r->failed[r->failed_count++] = (struct failed_source){
                .source = name, .switch_name = name, .why = "no answer", .rounds = 1};
    }
    r->mlags = sim_mlag_pairs(dc, &mlag_count);
    audit_options_init(&r->options);
    r->memory = (struct memory){.intervals = memory->seen, .interval_count = memory->count};
    r->borrowed = r->records;
    r->input = (struct world_input){
        .records = &r->borrowed,
        .record_count = 1,
        .tables = (const struct forward_table *const *)r->tables,
        .table_count = r->table_count,
        .failed = r->failed,
        .failed_count = r->failed_count,
        .mlags = r->mlags,
        .mlag_count = mlag_count,
        .memory = &r->memory,
        .options = &r->options,
    };
    r->world = world_new(&r->input);
    r->sweep = sweep_run(r->world, datacentre_now(dc));
}

static void done(struct round *r)
{
    sweep_free(r->sweep);
    world_free(r->world);
    for (size_t i = 0; i < r->table_count; i++)
        forward_table_free(r->tables[i]);
    record_set_free(r->records);
    free(r->mlags);
}

static const char *subject_of(const struct discrepancy *d)
{
    const struct subject *s = &d->subject;
    if (s->guest)
        return s->guest;
    if (s->hypervisor)
        return s->hypervisor;
    return s->switch_name ? s->switch_name : "";
}

static bool about(const struct discrepancy *d, const struct sim_truth *t)
{
    if (d->kind != t->kind)
        return false;
    if (d->kind == DISCREPANCY_UNKNOWN_GUEST || d->kind == DISCREPANCY_NON_HYPERVISOR_PORT)
        return mac_equal(d->subject.mac, t->mac);
    return strcmp(subject_of(d), t->subject) == 0;
}

/* Whether some verdict says the truth, and in which state. */
static bool found(const struct round *r, const struct sim_truth *t, enum verdict_state *ret)
{
    struct arena *arena = arena_new();
    bool any = false;
    for (size_t i = 0; i < sweep_count(r->sweep) && !any; i++) {
        struct discrepancy d;
        sweep_render(r->sweep, i, arena, &d);
        any = about(&d, t);
        *ret = d.state;
    }
    arena_free(arena);
    return any;
}

/* How many verdicts are confirmed and not true. */
static unsigned false_alarms(const struct round *r, const struct datacentre *dc)
{
    size_t count;
    unsigned alarms = 0;
    struct arena *arena = arena_new();
    const struct sim_truth *truths = datacentre_truth(dc, &count);
    for (size_t i = 0; i < sweep_count(r->sweep); i++) {
        struct discrepancy d;
        bool is_true = false;
        sweep_render(r->sweep, i, arena, &d);
        for (size_t t = 0; t < count; t++)
            is_true |= about(&d, &truths[t]);
        if (is_true || d.state != VERDICT_CONFIRMED)
            continue;
        print_error("false alarm: %s %s (%s)\n", discrepancy_word(d.kind), subject_of(&d), d.why);
        alarms++;
    }
    arena_free(arena);
    return alarms;
}

/* How many open truths no verdict says; counts the confirmed ones. */
static unsigned missed(const struct round *r, const struct datacentre *dc, unsigned *ret_confirmed)
{
    size_t count;
    unsigned misses = 0;
    const struct sim_truth *truths = datacentre_truth(dc, &count);
    *ret_confirmed = 0;
    for (size_t i = 0; i < count; i++) {
        enum verdict_state verdict;
        if (truths[i].from.us > datacentre_now(dc).us || wall_known(truths[i].to))
            continue;
        if (!found(r, &truths[i], &verdict)) {
            print_error("missed: %s %s\n", discrepancy_word(truths[i].kind), truths[i].subject);
            misses++;
        } else {
            *ret_confirmed += verdict == VERDICT_CONFIRMED;
        }
    }
    return misses;
}

static void every_kind_of_the_demonstration_is_found(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct datacentre *dc = sim_demo_world(seed, noon);
        struct remembered memory = {0};
        struct wall previous = WALL_UNKNOWN;
        unsigned misses = 0, confirmed = 0;
        for (int number = 0; number < SIM_DEMO_ROUNDS; number++) {
            struct round r;
            datacentre_advance(dc, wall_add(noon, span_seconds(number * SIM_DEMO_ROUND_SECONDS)));
            remember(&memory, dc, previous);
            previous = datacentre_now(dc);
            judge(&r, dc, &memory);
            assert_int_equal(false_alarms(&r, dc), 0);
            misses = missed(&r, dc, &confirmed);
            done(&r);
        }
        assert_int_equal(misses, 0);
        assert_true(confirmed >= 5); /* gaps, the zombie, the clone, the flap */
        forget(&memory);
        datacentre_free(dc);
    }
}

static void golden_example_gives_its_three(void **state)
{
    struct datacentre *dc = datacentre_new_golden(noon);
    struct remembered memory = {0};
    struct round r;
    unsigned confirmed;
    judge(&r, dc, &memory);
    assert_int_equal(sweep_count(r.sweep), 3);
    assert_int_equal(missed(&r, dc, &confirmed), 0);
    done(&r);
    datacentre_free(dc);
}

static void one_fault_in_a_random_world_is_found(void **state)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct datacentre_shape shape;
        datacentre_shape_init(&shape);
        shape.seed = seed;
        shape.start = noon;
        shape.switches = (unsigned)(1 + seed % 12);
        shape.hypervisors = (unsigned)(2 + seed % 15);
        shape.guests = shape.hypervisors * 3;
        struct datacentre *dc = datacentre_new(&shape);
        struct sim_event event = {.at = wall_add(noon, span_seconds(100)),
                                  .action = (enum sim_action)(seed % SIM_ACTION_COUNT),
                                  .lag = SIM_NEVER};
        struct remembered memory = {0};
        struct round r;
        unsigned confirmed;
        if (datacentre_schedule(dc, &event, NULL) != 0) {
            datacentre_free(dc);
            continue;
        }
        datacentre_advance(dc, wall_add(noon, span_seconds(1000)));
        judge(&r, dc, &memory);
        unsigned misses = missed(&r, dc, &confirmed), alarms = false_alarms(&r, dc);
        if (misses + alarms > 0)
            print_error("seed %llu, %s %s\n", (unsigned long long)seed,
                        sim_action_word(event.action), datacentre_last_scheduled(dc));
        assert_int_equal(misses + alarms, 0);
        done(&r);
        datacentre_free(dc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_the_demonstration_is_found),
        cmocka_unit_test(golden_example_gives_its_three),
        cmocka_unit_test(one_fault_in_a_random_world_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
