/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/check.h"
#include "model/port_name.h"

static void long_and_short_forms_are_one_port(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"GigabitEthernet1/0/1", "Gi1/0/1"},
        {"TenGigabitEthernet1/1/4", "Te1/1/4"},
        {"TenGigabitEthernet 0/1", "Te 0/1"},
        {"ge-0/0/1.0.0", "ge-0/0/1"},
        {"ge-0/0/1.0", "ge-0/0/1"},
        {"Port-channel5", "Po5"},
        {"Ethernet49/1", "Eth49/1"},
        {"Ten-GigabitEthernet1/0/3", "XGE1/0/3"},
        {"Bridge-Aggregation2", "BAGG2"},
        {"FastEthernet0/24", "fa0/24"},
        {"XGigabitEthernet0/0/1", "XGE0/0/1"},
        {"Twenty-FiveGigE1/0/1", "WGE1/0/1"},
        {"HundredGigE0/0/0/1", "Hu0/0/0/1"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(same); i++)
        if (!port_name_same(same[i][0], same[i][1]))
            fail_msg("%s and %s differ", same[i][0], same[i][1]);
}

static void different_ports_stay_different(void **state)
{
    (void)state;
    static const char *const different[][2] = {
        {"Gi1/0/1", "Gi1/0/11"},
        {"Gi1/0/1", "Te1/0/1"},
        {"ge-0/0/1.0", "ge-0/0/1.1"},
        {"1.0", "1"},
        {"", "Gi1"},
        {"etherlike1", "et1"},
        {"Po1", "port1"},
        {"xe-0/0/1", "et-0/0/1"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(different); i++)
        if (port_name_same(different[i][0], different[i][1]))
            fail_msg("%s and %s are the same", different[i][0], different[i][1]);
}

static void a_name_of_any_length_is_cut_not_overrun(void **state)
{
    (void)state;
    char name[2000], buffer[PORT_NAME_SIZE];
    memset(name, 'g', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(strlen(port_name_canonical(name, buffer)), PORT_NAME_SIZE - 1);
    assert_string_equal(port_name_canonical(" \t\xff", buffer), "\xff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_and_short_forms_are_one_port),
        cmocka_unit_test(different_ports_stay_different),
        cmocka_unit_test(a_name_of_any_length_is_cut_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
