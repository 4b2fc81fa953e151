/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "wire/bridge_facts.h"
#include "wire/bridge_table.h"

static struct facts_builder builder;
static struct quirk quirk;

static int set_up(void **state)
{
    (void)state;
    facts_builder_init(&builder);
    (void)quirk_table_find(NULL, NULL, &quirk);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    facts_builder_done(&builder);
    return 0;
}

static struct snmp_value octets(const void *bytes, size_t length)
{
    return (struct snmp_value){.type = SNMP_OCTETS, .bytes = bytes, .length = length};
}

static struct snmp_value number(int64_t n)
{
    return (struct snmp_value){.type = SNMP_INTEGER, .number = n};
}

static void add_interface(uint32_t if_index, const char *name, const char *descr, int64_t type)
{
    struct snmp_value value = octets(name, strlen(name));
    assert_true(facts_add_interface(&builder, INTERFACE_NAME, if_index, &value));
    value = octets(descr, strlen(descr));
    assert_true(facts_add_interface(&builder, INTERFACE_DESCR, if_index, &value));
    value = number(type);
    assert_true(facts_add_interface(&builder, INTERFACE_TYPE, if_index, &value));
}

static void lldp(enum neighbour_column column, uint32_t port, const void *bytes, size_t length)
{
    const uint32_t index[] = {0, port, 1};
    struct snmp_value value = octets(bytes, length);
    assert_true(neighbour_table_add(builder.neighbours, WIRE_LLDP, column, index, 3, &value));
}

static void lldp_subtype(enum neighbour_column column, uint32_t port, int64_t subtype)
{
    const uint32_t index[] = {0, port, 1};
    struct snmp_value value = number(subtype);
    assert_true(neighbour_table_add(builder.neighbours, WIRE_LLDP, column, index, 3, &value));
}

static void local(uint32_t port, int64_t subtype, const void *id, size_t length, const char *descr)
{
    struct snmp_value value = number(subtype);
    assert_true(neighbour_table_add(builder.neighbours, WIRE_LLDP, NEIGHBOUR_LOCAL_SUBTYPE, &port,
                                    1, &value));
    value = octets(id, length);
    assert_true(
        neighbour_table_add(builder.neighbours, WIRE_LLDP, NEIGHBOUR_LOCAL_ID, &port, 1, &value));
    value = octets(descr, strlen(descr));
    assert_true(neighbour_table_add(builder.neighbours, WIRE_LLDP, NEIGHBOUR_LOCAL_DESCR, &port, 1,
                                    &value));
}

static void a_local_port_number_is_not_taken_for_an_interface(void **state)
{
    (void)state;
    static const uint8_t address[] = {2, 0, 0, 0, 0, 5};
    add_interface(1, "Gi1", "GigabitEthernet1", 6);
    add_interface(2, "Gi2", "GigabitEthernet2", 6);
    add_interface(3, "Gi3", "GigabitEthernet3", 6);
    add_interface(4, "Gi4", "GigabitEthernet4", 6);
    add_interface(1025, "1/25", "", 6);
    struct snmp_value value = octets(address, 6);
    assert_true(facts_add_interface(&builder, INTERFACE_ADDRESS, 4, &value));
    static const uint8_t chassis[] = {2, 0, 0, 0, 0, 9};
    for (uint32_t port = 1; port <= 25; port += port == 5 ? 20 : 1)
        lldp(NEIGHBOUR_CHASSIS, port, chassis, 6);
    local(1, 5, "Gi2", 3, "");                    /* the name of another interface */
    local(2, 3, address, 6, "");                  /* its MAC */
    local(3, 7, "local3", 6, "GigabitEthernet1"); /* only the description tells */
    local(25, 7, "1025", 4, "");                  /* the number as text */
    struct bridge_facts *facts = facts_builder_take(&builder, &quirk, NULL, 0);
    assert_int_equal(facts->neighbour_count, 6);
    static const uint32_t expected[] = {2, 4, 1, 4, 0, 1025}; /* 4 and 5: no local entry */
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(facts->neighbours[i].if_index, expected[i]);
    bridge_facts_free(facts);
}

static void ids_of_every_subtype_are_printed(void **state)
{
    (void)state;
    static const uint8_t mac[] = {0x52, 0x54, 0, 1, 2, 3}, ip[] = {1, 192, 0, 2, 7};
    lldp(NEIGHBOUR_CHASSIS, 1, mac, 6);
    lldp_subtype(NEIGHBOUR_CHASSIS_SUBTYPE, 1, 4);
    lldp(NEIGHBOUR_CHASSIS, 2, "B8:69:F4:7F:41:70", 17);
    lldp_subtype(NEIGHBOUR_CHASSIS_SUBTYPE, 2, 4);
    lldp(NEIGHBOUR_CHASSIS, 3, ip, 5);
    lldp_subtype(NEIGHBOUR_CHASSIS_SUBTYPE, 3, 5);
    lldp(NEIGHBOUR_CHASSIS, 4, "vmnic3\0\0", 8);
    lldp_subtype(NEIGHBOUR_CHASSIS_SUBTYPE, 4, 6);
    lldp(NEIGHBOUR_CHASSIS, 5, "\xcf", 1);
    lldp(NEIGHBOUR_PORT, 5, "\xd7\xd3", 2);
    lldp(NEIGHBOUR_CHASSIS, 6, "", 0);
    struct bridge_facts *facts = facts_builder_take(&builder, &quirk, NULL, 0);
    static const char *const expected[] = {
        "52:54:00:01:02:03", "b8:69:f4:7f:41:70", "192.0.2.7", "vmnic3", "hex:cf", ""};
    assert_int_equal(facts->neighbour_count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(names_get(facts->names, facts->neighbours[i].chassis), expected[i]);
    assert_true(mac_known(facts->neighbours[1].chassis_mac));
    assert_false(mac_known(facts->neighbours[3].chassis_mac));
    assert_string_equal(names_get(facts->names, facts->neighbours[4].port), "hex:d7d3");
    bridge_facts_free(facts);
}

static void neighbour_rows_with_other_indices_are_refused(void **state)
{
    (void)state;
    const uint32_t index[] = {1, 2, 3, 4};
    struct snmp_value value = octets("x", 1);
    assert_false(
        neighbour_table_add(builder.neighbours, WIRE_LLDP, NEIGHBOUR_PORT, index, 1, &value));
    assert_false(
        neighbour_table_add(builder.neighbours, WIRE_CDP, NEIGHBOUR_PORT, index, 3, &value));
    assert_true(
        neighbour_table_add(builder.neighbours, WIRE_CDP, NEIGHBOUR_PORT, index, 2, &value));
    bool refused = false;
    for (uint32_t i = 0; i <= NEIGHBOURS_MAX && !refused; i++) {
        const uint32_t many[] = {0, i, 1};
        refused =
            !neighbour_table_add(builder.neighbours, WIRE_LLDP, NEIGHBOUR_PORT, many, 3, &value);
    }
    assert_true(refused);
}

static void the_second_lldp_mib_names_the_interface_itself(void **state)
{
    (void)state;
    const uint32_t index[] = {77, 9, 1, 3};
    struct snmp_value value = octets("sw2", 3);
    add_interface(9, "Gi9", "", 6);
    const uint32_t port = 9;
    struct snmp_value base = number(5); /* as a base port it would be another interface */
    assert_true(facts_add_base_port(&builder, 0, port, &base));
    assert_true(
        neighbour_table_add(builder.neighbours, WIRE_LLDP, NEIGHBOUR_SYSTEM, index, 4, &value));
    struct bridge_facts *facts = facts_builder_take(&builder, &quirk, NULL, 0);
    assert_int_equal(facts->neighbours[0].if_index, 9);
    bridge_facts_free(facts);
}

static void members_are_folded_by_the_best_source(void **state)
{
    (void)state;
    add_interface(1, "Gi1", "", 6);
    add_interface(2, "Gi2", "", 6);
    add_interface(3, "Gi3", "", 6);
    add_interface(10, "Po1", "", 53);
    add_interface(11, "Po2", "", 161);
    add_interface(20, "Vlan20", "", 53);
    lag_table_add(builder.facts, 1, 10, LAG_STACK);
    lag_table_add(builder.facts, 1, 11, LAG_ATTACHED);
    lag_table_add(builder.facts, 2, 2, LAG_ATTACHED); /* itself: not aggregated */
    lag_table_add(builder.facts, 2, 20, LAG_STACK);   /* a VLAN on it, no aggregate */
    lag_table_add(builder.facts, 3, 10, LAG_STACK);
    lag_table_add(builder.facts, 3, 0, LAG_SELECTED);
    struct bridge_facts *facts = facts_builder_take(&builder, &quirk, NULL, 0);
    assert_int_equal(lag_table_find(facts, 1), 11);
    assert_int_equal(lag_table_find(facts, 2), 2);
    assert_int_equal(lag_table_find(facts, 3), 10);
    assert_int_equal(lag_table_find(facts, 99), 99);
    bridge_facts_free(facts);
}

static void a_loop_of_members_ends(void **state)
{
    (void)state;
    lag_table_add(builder.facts, 1, 2, LAG_ATTACHED);
    lag_table_add(builder.facts, 2, 1, LAG_ATTACHED);
    struct bridge_facts *facts = facts_builder_take(&builder, &quirk, NULL, 0);
    assert_int_equal(lag_table_find(facts, 1), 1);
    assert_int_equal(lag_table_find(facts, 2), 2);
    bridge_facts_free(facts);
}

static void aggregates_are_known_by_their_names(void **state)
{
    (void)state;
    static const char *const yes[] = {"ae0",   "Port-channel 5",      "Po1",   "lag53",
                                      "BAGG1", "Bridge-Aggregation2", "bond0", "Eth-Trunk7"};
    static const char *const no[] = {"Gi1", "Vlan10", "aerial", "pos1/0", "portal", "", "lagoon"};
    for (size_t i = 0; i < ARRAY_COUNT(yes); i++)
        if (!lag_name(yes[i]))
            fail_msg("%s", yes[i]);
    for (size_t i = 0; i < ARRAY_COUNT(no); i++)
        if (lag_name(no[i]))
            fail_msg("%s", no[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_local_port_number_is_not_taken_for_an_interface, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ids_of_every_subtype_are_printed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(neighbour_rows_with_other_indices_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_second_lldp_mib_names_the_interface_itself, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(members_are_folded_by_the_best_source, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_loop_of_members_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(aggregates_are_known_by_their_names, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
