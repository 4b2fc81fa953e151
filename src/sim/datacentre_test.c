/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/datacentre.h"

static const struct wall noon = {INT64_C(1795435200) * 1000000};

static struct datacentre_shape shape_of(uint64_t seed)
{
    struct datacentre_shape shape;
    datacentre_shape_init(&shape);
    shape.seed = seed;
    shape.start = noon;
    return shape;
}

static uint64_t fold(uint64_t sum, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
    return sum;
}

/* One number for all that can be read of a world. */
static uint64_t digest(struct datacentre *dc)
{
    uint64_t sum = 1;
    for (uint32_t s = 0; s < datacentre_fabric(dc)->switch_count; s++) {
        size_t count;
        struct sim_forward_row *rows = datacentre_forward(dc, s, &count);
        for (size_t i = 0; i < count; i++) {
            sum = fold(sum, &rows[i].mac, sizeof(rows[i].mac));
            sum = fold(sum, &rows[i].port, sizeof(rows[i].port));
            sum = fold(sum, &rows[i].vlan, sizeof(rows[i].vlan));
        }
        free(rows);
    }
    size_t count;
    struct sim_recorded_nic *nics = datacentre_recorded_nics(dc, &count);
    for (size_t i = 0; i < count; i++) {
        sum = fold(sum, nics[i].guest, strlen(nics[i].guest));
        sum = fold(sum, nics[i].uuid, strlen(nics[i].uuid));
    }
    free(nics);
    return sum;
}

static void same_seed_same_world(void **state)
{
    struct datacentre_shape shape = shape_of(7), other = shape_of(8);
    struct datacentre *a = datacentre_new(&shape), *b = datacentre_new(&shape);
    struct datacentre *c = datacentre_new(&other);
    struct sim_event event = {.at = noon, .action = SIM_CLONE, .lag = SIM_NEVER};
    assert_int_equal(datacentre_schedule(a, &event, NULL), 0);
    assert_int_equal(datacentre_schedule(b, &event, NULL), 0);
    struct wall later = wall_add(noon, span_seconds(1000));
    datacentre_advance(a, later);
    datacentre_advance(b, later);
    assert_true(digest(a) == digest(b));
    assert_false(digest(a) == digest(c));
    datacentre_free(a);
    datacentre_free(b);
    datacentre_free(c);
}

/* How many edge ports of hypervisor `name` show `mac` in `vlan`, and how many
 * edge ports that lead to no switch show it at all. */
static unsigned edges_of(struct datacentre *dc, struct mac mac, uint16_t vlan, unsigned *ret_any)
{
    const struct fabric *f = datacentre_fabric(dc);
    unsigned found = 0, any = 0;
    struct fabric_place seen = {FABRIC_NONE, FABRIC_NONE};
    for (uint32_t s = 0; s < f->switch_count; s++) {
        size_t count;
        struct sim_forward_row *rows = datacentre_forward(dc, s, &count);
        for (size_t i = 0; i < count; i++) {
            if (!mac_equal(rows[i].mac, mac) || rows[i].port == FABRIC_NONE)
                continue;
            const struct fabric_port *port = &f->switches[s].ports[rows[i].port];
            if (port->hypervisor == FABRIC_NONE)
                continue;
            bool twin = seen.switch_index == f->switches[s].partner &&
                        seen.port == port->mlag_port && seen.port != FABRIC_NONE;
            any += !twin;
            found += !twin && rows[i].vlan == vlan;
            seen = (struct fabric_place){s, rows[i].port};
        }
        free(rows);
    }
    *ret_any = any;
    return found;
}

static bool attached_there(struct datacentre *dc, const char *hypervisor, struct mac mac)
{
    size_t count;
    bool found = false;
    struct sim_recorded_attachment *rows = datacentre_recorded_attachments(dc, &count);
    for (size_t i = 0; i < count && !found; i++) {
        if (strcmp(rows[i].hypervisor, hypervisor) != 0)
            continue;
        size_t row_count;
        struct sim_forward_row *table =
            datacentre_forward(dc, rows[i].place.switch_index, &row_count);
        for (size_t r = 0; r < row_count; r++)
            found |= mac_equal(table[r].mac, mac) && table[r].port == rows[i].place.port;
        free(table);
    }
    free(rows);
    return found;
}

static void every_guest_shows_at_its_recorded_edge_only(void **state)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct datacentre_shape shape = shape_of(seed);
        shape.switches = (unsigned)(1 + seed * 3);
        struct datacentre *dc = datacentre_new(&shape);
        size_t count;
        struct sim_recorded_nic *nics = datacentre_recorded_nics(dc, &count);
        assert_true(count >= shape.guests);
        for (size_t i = 0; i < count; i++) {
            unsigned any, found = edges_of(dc, nics[i].mac, nics[i].vlan, &any);
            bool speaks = nics[i].run_state == RUN_STATE_ON && nics[i].wire_expected;
            assert_int_equal(found, speaks ? 1 : 0);
            assert_int_equal(any, found);
            assert_int_equal(attached_there(dc, nics[i].hypervisor, nics[i].mac), speaks);
        }
        free(nics);
        datacentre_free(dc);
    }
}

static uint32_t port_of(struct datacentre *dc, uint32_t s, struct mac mac)
{
    size_t count;
    uint32_t port = FABRIC_NONE;
    struct sim_forward_row *rows = datacentre_forward(dc, s, &count);
    for (size_t i = 0; i < count; i++)
        if (mac_equal(rows[i].mac, mac))
            port = rows[i].port;
    free(rows);
    return port;
}

static struct mac mac_of(struct datacentre *dc, const char *guest)
{
    size_t count;
    struct mac mac = MAC_NONE;
    struct sim_recorded_nic *nics = datacentre_recorded_nics(dc, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(nics[i].guest, guest) == 0 && !mac_known(mac))
            mac = nics[i].mac;
    free(nics);
    return mac;
}

static void golden_example_is_as_described(void **state)
{
    struct datacentre *dc = datacentre_new_golden(noon);
    const struct fabric_switch *sw = &datacentre_fabric(dc)->switches[0];
    assert_string_equal(sw->name, "sw1");
    static const struct {
        const char *guest, *port;
    } expected[] = {{"A", "A"}, {"B", "A"}, {"C", NULL}, {"D", "A"}, {"E", NULL}};
    for (size_t i = 0; i < 5; i++) {
        uint32_t port = port_of(dc, 0, mac_of(dc, expected[i].guest));
        if (expected[i].port)
            assert_string_equal(sw->ports[port].name, expected[i].port);
        else
            assert_true(port == FABRIC_NONE);
    }
    size_t count, rows;
    free(datacentre_forward(dc, 0, &rows));
    assert_int_equal(rows, 5 + 2); /* two hosts, three guests; own and group address */
    const struct sim_truth *truths = datacentre_truth(dc, &count);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++)
        assert_true(truths[i].from.us <= noon.us);
    datacentre_free(dc);
}

static struct datacentre *world_with(enum sim_action action, const char *guest, const char *target,
                                     struct span lag)
{
    struct datacentre_shape shape = shape_of(3);
    shape.settled = true;
    struct datacentre *dc = datacentre_new(&shape);
    struct sim_event event = {wall_add(noon, span_seconds(100)), action, guest, target, lag};
    struct err err = {0};
    assert_int_equal(datacentre_schedule(dc, &event, &err), 0);
    return dc;
}

static void advance(struct datacentre *dc, int64_t seconds)
{
    datacentre_advance(dc, wall_add(noon, span_seconds(seconds)));
}

static void silent_move_leaves_a_row_that_ages_out(void **state)
{
    struct datacentre *dc = world_with(SIM_SILENT_MOVE, "web01", "hv02", SIM_NEVER);
    uint16_t vlan = 20;
    struct mac mac = mac_of(dc, "web01");
    unsigned any;
    assert_int_equal(edges_of(dc, mac, vlan, &any), 1);
    advance(dc, 101);
    assert_int_equal(edges_of(dc, mac, vlan, &any), 2);
    advance(dc, 100 + 301);
    assert_int_equal(edges_of(dc, mac, vlan, &any), 1);
    assert_false(attached_there(dc, "hv01", mac));
    assert_true(attached_there(dc, "hv02", mac));
    datacentre_free(dc);
}

static void clone_stays_on_two_edges(void **state)
{
    struct datacentre *dc = world_with(SIM_CLONE, "web01", "hv02", SIM_NEVER);
    struct mac mac = mac_of(dc, "web01");
    unsigned any;
    for (int64_t t = 101; t < 2000; t += 97) {
        advance(dc, t);
        assert_int_equal(edges_of(dc, mac, 20, &any), 2);
    }
    size_t count;
    const struct sim_truth *truths = datacentre_truth(dc, &count);
    assert_int_equal(count, 1);
    assert_int_equal(truths[0].kind, DISCREPANCY_DUPLICATE_GUEST);
    assert_string_equal(truths[0].subject, "web01");
    datacentre_free(dc);
}

static void records_follow_a_migration_after_their_lag(void **state)
{
    struct datacentre *dc = world_with(SIM_MIGRATE, "web01", "hv04", span_seconds(20));
    struct mac mac = mac_of(dc, "web01");
    advance(dc, 110);
    assert_true(attached_there(dc, "hv04", mac));
    size_t count;
    struct sim_recorded_nic *nics = datacentre_recorded_nics(dc, &count);
    assert_string_equal(nics[0].hypervisor, "hv01");
    free(nics);
    advance(dc, 121);
    nics = datacentre_recorded_nics(dc, &count);
    assert_string_equal(nics[0].hypervisor, "hv04");
    free(nics);
    datacentre_truth(dc, &count);
    assert_int_equal(count, 0);
    datacentre_free(dc);
}

static void restarted_switch_has_learnt_nothing(void **state)
{
    struct datacentre *dc = world_with(SIM_SWITCH_DIES, "acc1", NULL, SIM_NEVER);
    uint32_t sw = fabric_find(datacentre_fabric(dc), "acc1");
    struct err err;
    char line[] = "switch-returns acc1";
    struct sim_event event;
    assert_int_equal(sim_event_parse(line, wall_add(noon, span_seconds(200)), &event, &err), 0);
    assert_int_equal(datacentre_schedule(dc, &event, &err), 0);
    advance(dc, 150);
    assert_false(datacentre_switch_alive(dc, sw));
    advance(dc, 200);
    assert_true(datacentre_switch_alive(dc, sw));
    size_t early, late, count;
    free(datacentre_forward(dc, sw, &early));
    advance(dc, 400);
    free(datacentre_forward(dc, sw, &late));
    assert_true(early < late / 2);
    const struct sim_truth *truths = datacentre_truth(dc, &count);
    assert_int_equal(count, 1);
    assert_true(truths[0].to.us == noon.us + INT64_C(200000000));
    datacentre_free(dc);
}

static void bad_events_are_refused(void **state)
{
    struct datacentre_shape shape = shape_of(3);
    struct datacentre *dc = datacentre_new(&shape);
    static const struct {
        const char *line;
        enum err_code code;
    } cases[] = {{"", ERR_SYNTAX},
                 {"explode web01", ERR_SYNTAX},
                 {"migrate web01 hv02 hv03", ERR_SYNTAX},
                 {"migrate web01 lag=soon", ERR_SYNTAX},
                 {"migrate nobody", ERR_NOT_FOUND},
                 {"migrate web01 nowhere", ERR_NOT_FOUND},
                 {"access-port web01 nowhere", ERR_NOT_FOUND},
                 {"switch-dies hv01", ERR_NOT_FOUND}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[64];
        strcpy(line, cases[i].line);
        struct sim_event event;
        struct err err = {0};
        int error = sim_event_parse(line, noon, &event, &err);
        if (error == 0)
            error = datacentre_schedule(dc, &event, &err);
        assert_int_equal(error, cases[i].code);
        assert_true(err.text[0] != 0);
    }
    datacentre_free(dc);
}

static void every_action_happens_in_every_small_world(void **state)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct datacentre_shape shape = shape_of(seed);
        shape.switches = (unsigned)(1 + seed % 9);
        shape.hypervisors = (unsigned)(seed % 12);
        shape.guests = (unsigned)(seed % 5) * 7;
        struct datacentre *dc = datacentre_new(&shape);
        for (int a = 0; a < SIM_ACTION_COUNT; a++) {
            struct sim_event event = {wall_add(noon, span_seconds(a)), (enum sim_action)a, NULL,
                                      NULL, span_seconds(5)};
            struct err err;
            int error = datacentre_schedule(dc, &event, &err);
            assert_true(error == 0 || error == ERR_NOT_FOUND);
        }
        advance(dc, 1000);
        digest(dc);
        datacentre_free(dc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_world),
        cmocka_unit_test(every_guest_shows_at_its_recorded_edge_only),
        cmocka_unit_test(golden_example_is_as_described),
        cmocka_unit_test(silent_move_leaves_a_row_that_ages_out),
        cmocka_unit_test(clone_stays_on_two_edges),
        cmocka_unit_test(records_follow_a_migration_after_their_lag),
        cmocka_unit_test(restarted_switch_has_learnt_nothing),
        cmocka_unit_test(bad_events_are_refused),
        cmocka_unit_test(every_action_happens_in_every_small_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
