/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/table_moves.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A table of ports p0 to p3, or in the other order where `turned`. */
static struct forward_table *table_of(const char *name, bool whole, bool turned)
{
    struct forward_table *table = forward_table_new(name, "default");
    struct receipt receipt;
    for (unsigned i = 0; i < 4; i++) {
        char port[8];
        snprintf(port, sizeof port, "p%u", turned ? 3 - i : i);
        forward_table_add_port(
            table, &(struct forward_port){.name = names_add(table->names, port, strlen(port)),
                                          .descr = NAME_NONE,
                                          .alias = NAME_NONE,
                                          .aggregate = i});
    }
    receipt_init(&receipt);
    receipt.whole = whole;
    forward_table_add_receipt(table, &receipt);
    return table;
}

static void see(struct forward_table *table, uint64_t mac, unsigned port, uint32_t vlan,
                enum forward_status status)
{
    struct forward_row row = {.mac_status = forward_row_key((struct mac){mac}, status),
                              .port = port,
                              .vlan = vlan_pool_add(table->vlans, &vlan, 1),
                              .age = 7};
    assert_true(forward_table_add_row(table, row));
}

static struct table_move *compare(struct forward_table *before, struct forward_table *after,
                                  size_t most, size_t *ret_count)
{
    const struct forward_table *const a = before, *const b = after;
    forward_table_finish(before);
    forward_table_finish(after);
    return table_moves_find(&a, 1, &b, 1, most, ret_count);
}

static const struct table_move *find(const struct table_move *moves, size_t count, uint64_t mac)
{
    size_t i = 0;
    while (i < count && moves[i].mac.bits != mac)
        i++;
    assert_true(i < count);
    return &moves[i];
}

static void test_what_came_went_and_moved_is_found_whatever_the_order_of_ports(void **unused)
{
    struct forward_table *before = table_of("sw1", true, false);
    struct forward_table *after = table_of("sw1", true, true);
    size_t count;
    see(before, 1, 0, 10, FORWARD_LEARNED); /* stays */
    see(after, 1, 3, 10, FORWARD_LEARNED);  /* p0 */
    see(before, 2, 1, 10, FORWARD_LEARNED); /* moves */
    see(after, 2, 3, 10, FORWARD_LEARNED);
    see(before, 3, 2, 10, FORWARD_LEARNED); /* goes */
    see(after, 4, 1, 10, FORWARD_LEARNED);  /* comes */
    see(after, 4, 1, 20, FORWARD_LEARNED);
    see(after, 5, 0, 10, FORWARD_SELF); /* is no sighting */
    see(before, 6, 0, 10, FORWARD_MGMT);
    struct table_move *moves = compare(before, after, 100, &count);
    assert_int_equal(count, 3);
    assert_int_equal(find(moves, count, 2)->count, 1);
    assert_string_equal(find(moves, count, 2)->rows[0].port, "p0");
    assert_int_equal(find(moves, count, 3)->count, 0);
    const struct table_move *came = find(moves, count, 4);
    assert_int_equal(came->count, 2);
    assert_string_equal(came->rows[0].port, "p2");
    assert_int_equal(came->rows[0].vlan, 10);
    assert_int_equal(came->rows[1].vlan, 20);
    assert_int_equal(came->rows[0].age, 7);
    table_moves_free(moves, count);
    forward_table_free(before);
    forward_table_free(after);
}

static void test_a_table_in_part_proves_no_departure(void **unused)
{
    struct forward_table *before = table_of("sw1", true, false);
    struct forward_table *after = table_of("sw1", false, false);
    size_t count;
    see(before, 1, 0, 10, FORWARD_LEARNED);
    see(before, 2, 1, 10, FORWARD_LEARNED);
    see(after, 2, 2, 10, FORWARD_LEARNED);
    struct table_move *moves = compare(before, after, 100, &count);
    assert_int_equal(count, 1);
    assert_int_equal(moves[0].mac.bits, 2);
    table_moves_free(moves, count);
    forward_table_free(before);
    forward_table_free(after);
}

static void test_another_switch_and_too_many_are_left_to_the_round(void **unused)
{
    struct forward_table *before = table_of("sw1", true, false);
    struct forward_table *other = table_of("sw2", true, false);
    struct forward_table *after = table_of("sw1", true, false);
    size_t count;
    for (uint64_t mac = 1; mac <= 50; mac++) {
        see(other, mac, 0, 10, FORWARD_LEARNED);
        see(after, mac, 1, 10, FORWARD_LEARNED);
    }
    struct table_move *moves = compare(before, other, 100, &count);
    assert_int_equal(count, 0);
    table_moves_free(moves, count);
    moves = compare(before, after, 20, &count);
    assert_int_equal(count, 20);
    table_moves_free(moves, count);
    forward_table_free(before);
    forward_table_free(other);
    forward_table_free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_came_went_and_moved_is_found_whatever_the_order_of_ports),
        cmocka_unit_test(test_a_table_in_part_proves_no_departure),
        cmocka_unit_test(test_another_switch_and_too_many_are_left_to_the_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
