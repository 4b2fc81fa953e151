/* SPDX-License-Identifier: Apache-2.0 */

/* The rules of linux_bridge_table.h on made-up readings, and the source itself
 * against the kernel that the test runs on, whatever bridges that has. */

#include "source/linux_bridge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "contract/job.h"
#include "io/loop.h"
#include "source/linux_bridge_table.h"

static const struct option_list no_list = {NULL, 0};

static void add_link(struct linux_bridge_reading *reading, uint32_t if_index, uint32_t master,
                     const char *name, const char *kind)
{
    struct rtnl_message message = {.what = RTNL_LINK};
    struct rtnl_link *link = &message.link;
    link->if_index = if_index;
    link->master = master;
    link->address = (struct mac){UINT64_C(0x020000000000) + if_index};
    link->learning = true;
    link->ageing_cs = strcmp(kind, "bridge") == 0 ? 30000 : RTNL_NO_TIME;
    link->port_number = if_index % 10;
    strcpy(link->name, name);
    strcpy(link->kind, kind);
    if (master != 0)
        strcpy(link->slave_kind, "bridge");
    assert_int_equal(linux_bridge_reading_add(reading, &message), 0);
}

static void add_entry(struct linux_bridge_reading *reading, uint64_t mac, uint32_t if_index,
                      uint32_t master, enum rtnl_entry_state state)
{
    struct rtnl_message message = {.what = RTNL_ENTRY};
    message.entry = (struct rtnl_entry){
        .mac = {mac}, .state = state, .if_index = if_index, .master = master, .age_cs = 250};
    assert_int_equal(linux_bridge_reading_add(reading, &message), 0);
}

/* br0 with a network card, a tap and a veth; br1 with a tap. */
static struct linux_bridge_reading sample(void)
{
    struct linux_bridge_reading reading = {.asked = 2, .answered = 2};
    reading.started = (struct wall){1000000};
    reading.ended = (struct wall){2000000};
    add_link(&reading, 1, 0, "lo", "");
    add_link(&reading, 2, 10, "eno1", "");
    add_link(&reading, 3, 10, "vnet0", "tun");
    add_link(&reading, 4, 10, "veth0", "veth");
    add_link(&reading, 5, 11, "vnet1", "tun");
    add_link(&reading, 10, 0, "br0", "bridge");
    add_link(&reading, 11, 0, "br1", "bridge");
    add_entry(&reading, UINT64_C(0x525400000001), 3, 10, RTNL_LEARNED);
    add_entry(&reading, UINT64_C(0x525400000002), 5, 11, RTNL_LEARNED);
    add_entry(&reading, UINT64_C(0x525400000003), 2, 10, RTNL_EXPIRED);
    add_entry(&reading, UINT64_C(0x525400000004), 3, 10, RTNL_STATIC);
    add_entry(&reading, UINT64_C(0xfe5400000001), 3, 10, RTNL_LOCAL);
    add_entry(&reading, UINT64_C(0x525400000005), 2, 10, RTNL_EXTERNAL);
    add_entry(&reading, UINT64_C(0x333300000001), 2, 0, RTNL_SELF);
    add_entry(&reading, UINT64_C(0x01005e000001), 2, 10, RTNL_STATIC);
    return reading;
}

static struct linux_bridge_choice choose(const char *bridge)
{
    return (struct linux_bridge_choice){.switch_name = "hv1-br",
                                        .site = "default",
                                        .hypervisor = "hv1",
                                        .bridge = bridge,
                                        .uplinks = &no_list,
                                        .only = MAC_NONE};
}

static struct forward_table *table_of(struct linux_bridge_reading *reading,
                                      const struct linux_bridge_choice *choice)
{
    struct forward_table *table = NULL;
    struct err err = {0};
    if (linux_bridge_table_new(reading, choice, &table, &err) != 0)
        fail_msg("%s", err.text);
    linux_bridge_reading_done(reading);
    return table;
}

static const struct forward_port *port_named(const struct forward_table *table, const char *name)
{
    for (size_t i = 0; i < table->port_count; i++) {
        if (strcmp(names_get(table->names, table->ports[i].name), name) == 0)
            return &table->ports[i];
    }
    fail_msg("no port %s", name);
    return &table->ports[0];
}

static const struct forward_row *row_of(const struct forward_table *table, uint64_t mac)
{
    for (size_t i = 0; i < table->row_count; i++) {
        if (forward_row_mac(&table->rows[i]).bits == mac)
            return &table->rows[i];
    }
    fail_msg("no row");
    return &table->rows[0];
}

static void test_rows_are_what_was_learnt(void **state)
{
    struct linux_bridge_reading reading = sample();
    struct linux_bridge_choice choice = choose("br0");
    struct forward_table *table = table_of(&reading, &choice);
    assert_string_equal(table->hypervisor, "hv1");
    assert_int_equal(table->row_count, 3);
    const struct forward_row *row = row_of(table, UINT64_C(0x525400000001));
    assert_int_equal(forward_row_status(row), FORWARD_LEARNED);
    assert_int_equal(row->age, 2);
    assert_int_equal(row->vlan, VLAN_SET_UNKNOWN);
    assert_string_equal(names_get(table->names, table->ports[row->port].name), "vnet0");
    assert_int_equal(forward_row_status(row_of(table, UINT64_C(0x525400000003))), FORWARD_INVALID);
    assert_int_equal(forward_row_status(row_of(table, UINT64_C(0x525400000004))), FORWARD_MGMT);
    assert_true(table->whole);
    assert_true(table->ageing.us == 300 * 1000000);
    assert_int_equal(table->receipt_count, 1);
    assert_int_equal(table->receipts[0].rows, 3);
    assert_string_equal(table->receipts[0].context, "br0");
    forward_table_free(table);
}

static void test_all_bridges_are_one_table_with_a_receipt_each(void **state)
{
    struct linux_bridge_reading reading = sample();
    struct linux_bridge_choice choice = choose("all");
    struct forward_table *table = table_of(&reading, &choice);
    assert_int_equal(table->row_count, 4);
    assert_int_equal(table->port_count, 4);
    assert_int_equal(table->receipt_count, 2);
    forward_table_free(table);
}

static void test_vlans_of_a_bridge_that_filters(void **state)
{
    struct linux_bridge_reading reading = sample();
    reading.entries[0].vlan = 10;
    struct linux_bridge_choice choice = choose("br0");
    struct forward_table *table = table_of(&reading, &choice);
    size_t count;
    const uint32_t *vlans =
        vlan_pool_get(table->vlans, row_of(table, UINT64_C(0x525400000001))->vlan, &count);
    assert_int_equal(count, 1);
    assert_int_equal(vlans[0], 10);
    forward_table_free(table);
}

static void test_uplinks_by_kind(void **state)
{
    static const struct {
        const char *name, *kind;
        bool uplink, tunnel;
    } cases[] = {
        {"eno2", "", true, false},        {"bond0", "bond", true, false},
        {"eno1.10", "vlan", true, false}, {"vxlan7", "vxlan", true, true},
        {"vif3.0", "", false, false},     {"tap0", "tun", false, false},
        {"veth9", "veth", false, false},  {"macvtap0", "macvtap", false, false},
    };
    struct linux_bridge_reading reading = sample();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        add_link(&reading, 20 + (uint32_t)i, 10, cases[i].name, cases[i].kind);
    struct linux_bridge_choice choice = choose("br0");
    struct forward_table *table = table_of(&reading, &choice);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct forward_port *port = port_named(table, cases[i].name);
        if (port->uplink != cases[i].uplink || port->tunnel != cases[i].tunnel)
            fail_msg("%s was taken for something else", cases[i].name);
    }
    forward_table_free(table);
}

static void test_a_veth_to_another_bridge_of_the_host_is_an_uplink(void **state)
{
    struct linux_bridge_reading reading = sample();
    add_link(&reading, 30, 10, "fwpr1p0", "veth");
    add_link(&reading, 31, 11, "fwln1i0", "veth");
    reading.links[reading.link_count - 2].peer = 31;
    reading.links[reading.link_count - 1].peer = 30;
    struct linux_bridge_choice choice = choose("all");
    struct forward_table *table = table_of(&reading, &choice);
    assert_true(port_named(table, "fwpr1p0")->uplink);
    assert_true(port_named(table, "fwln1i0")->uplink);
    assert_false(port_named(table, "veth0")->uplink);
    forward_table_free(table);
}

static void test_the_operators_uplinks_win(void **state)
{
    char *names[] = {(char[]){"veth0"}};
    const struct option_list list = {names, 1};
    struct linux_bridge_reading reading = sample();
    struct linux_bridge_choice choice = choose("br0");
    choice.uplinks = &list;
    struct forward_table *table = table_of(&reading, &choice);
    assert_true(port_named(table, "veth0")->uplink);
    assert_false(port_named(table, "eno1")->uplink);
    forward_table_free(table);

    char *wrong[] = {(char[]){"eno9"}};
    const struct option_list wrong_list = {wrong, 1};
    struct err err;
    reading = sample();
    choice.uplinks = &wrong_list;
    assert_int_equal(linux_bridge_table_new(&reading, &choice, &table, &err), ERR_NOT_FOUND);
    assert_string_equal(err.text, "uplink eno9 is no port of bridge br0");
    linux_bridge_reading_done(&reading);
}

static void test_own_addresses_are_not_the_taps(void **state)
{
    struct linux_bridge_reading reading = sample();
    struct linux_bridge_choice choice = choose("br0");
    struct forward_table *table = table_of(&reading, &choice);
    assert_int_equal(table->own_mac_count, 3); /* br0, eno1, veth0 */
    for (size_t i = 0; i < table->own_mac_count; i++)
        assert_true(table->own_macs[i].bits != UINT64_C(0x020000000003));
    forward_table_free(table);
}

static void test_absence_needs_learning(void **state)
{
    for (int round = 0; round < 4; round++) {
        struct linux_bridge_reading reading = sample();
        if (round == 0)
            reading.links[5].ageing_cs = 0;
        else if (round == 1)
            reading.links[2].learning = false; /* a guest's port */
        else if (round == 2)
            reading.torn = true;
        else
            reading.links[1].learning = false; /* an uplink: no guest is missed there */
        struct linux_bridge_choice choice = choose("br0");
        struct forward_table *table = table_of(&reading, &choice);
        assert_int_equal(table->whole, round == 3);
        assert_int_equal(table->receipts[0].why_not[0] == '\0', round == 3);
        forward_table_free(table);
    }
}

static void test_a_missing_bridge_is_an_error(void **state)
{
    struct linux_bridge_reading reading = sample();
    struct linux_bridge_choice choice = choose("br7");
    struct forward_table *table = NULL;
    struct err err;
    assert_int_equal(linux_bridge_table_new(&reading, &choice, &table, &err), ERR_NOT_FOUND);
    assert_string_equal(err.text, "this host has no Linux bridge called br7");
    linux_bridge_reading_done(&reading);
    choice = choose("all");
    assert_int_equal(linux_bridge_table_new(&reading, &choice, &table, &err), ERR_NOT_FOUND);
    assert_null(table);
}

static void test_more_devices_than_the_limit_are_refused(void **state)
{
    struct linux_bridge_reading reading = {0};
    struct rtnl_message message = {.what = RTNL_LINK};
    for (int i = 0; i < LIMIT_SWITCH_PORTS; i++)
        assert_int_equal(linux_bridge_reading_add(&reading, &message), 0);
    assert_int_equal(linux_bridge_reading_add(&reading, &message), ERR_LIMIT);
    linux_bridge_reading_done(&reading);
}

/* --- the source against this kernel --- */

struct outcome {
    struct loop *loop;
    struct forward_table *table;
    struct err err;
    int done;
};

static void on_end(void *aux, struct forward_table *table, const struct err *err)
{
    struct outcome *outcome = aux;
    outcome->done++;
    outcome->table = table;
    if (err != NULL)
        outcome->err = *err;
    loop_stop(outcome->loop);
}

static struct wall fixed_time(void *clock)
{
    (void)clock;
    return (struct wall){INT64_C(1795435201000000)};
}

static void set_option(void *config, const char *key, const char *value)
{
    const struct option_source source = {0};
    const struct config_option *option = options_find(observed_linux_bridge.plug.options, key);
    bool exposed;
    struct err err;
    assert_int_equal(option_parse(option, key, &value, 1, &source, config, &exposed, &err), 0);
}

static void test_the_kernel_answers(void **unused)
{
    const struct plug_class *plug = &observed_linux_bridge.plug;
    AUTO_FREE void *config = alloc_zeroed(1, plug->config_size);
    AUTO_FREE void *state = alloc_zeroed(1, plug->state_size);
    struct env env = {.loop = loop_new(), .now = fixed_time};
    struct outcome outcome = {.loop = env.loop};
    struct err err;
    options_init(plug->options, config);
    set_option(config, "switch", "hv1-br");
    set_option(config, "bridge", "no-such-bridge");
    assert_int_equal(plug->construct(state, config, &env, &err), 0);
    for (int round = 1; round <= 2; round++) {
        struct observed_job *job = observed_job_new("hv1-br", on_end, NULL, &outcome);
        assert_int_equal(observed_linux_bridge.fetch(state, job, &err), 0);
        assert_int_equal(outcome.done, round - 1); /* never before it returned */
        loop_run(env.loop);
        assert_int_equal(outcome.done, round);
        assert_null(outcome.table);
        assert_int_equal(outcome.err.code, ERR_NOT_FOUND);
        assert_string_equal(outcome.err.text, "reading the bridges of this host for hv1-br: this "
                                              "host has no Linux bridge called no-such-bridge");
    }
    /* A cancelled job never ends, nor does one whose source goes away. */
    struct observed_job *job = observed_job_new("hv1-br", on_end, NULL, &outcome);
    assert_int_equal(observed_linux_bridge.probe(state, (struct mac){1}, job, &err), 0);
    observed_linux_bridge.cancel(state, job);
    loop_run(env.loop);
    assert_int_equal(observed_linux_bridge.fetch(state, job, &err), 0);
    plug->destruct(state);
    loop_run(env.loop);
    assert_int_equal(outcome.done, 2);
    observed_job_free(job);
    options_done(plug->options, config);
    loop_free(env.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_what_was_learnt),
        cmocka_unit_test(test_all_bridges_are_one_table_with_a_receipt_each),
        cmocka_unit_test(test_vlans_of_a_bridge_that_filters),
        cmocka_unit_test(test_uplinks_by_kind),
        cmocka_unit_test(test_a_veth_to_another_bridge_of_the_host_is_an_uplink),
        cmocka_unit_test(test_the_operators_uplinks_win),
        cmocka_unit_test(test_own_addresses_are_not_the_taps),
        cmocka_unit_test(test_absence_needs_learning),
        cmocka_unit_test(test_a_missing_bridge_is_an_error),
        cmocka_unit_test(test_more_devices_than_the_limit_are_refused),
        cmocka_unit_test(test_the_kernel_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
