/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/limits.h"
#include "model/forwarding.h"

static uint32_t name_of(struct forward_table *table, const char *text)
{
    return names_add(table->names, text, strlen(text));
}

static uint32_t add_port(struct forward_table *table, const char *name, const char *descr,
                         uint32_t if_index)
{
    struct forward_port port = {
        .name = name_of(table, name),
        .descr = descr == NULL ? NAME_NONE : name_of(table, descr),
        .alias = NAME_NONE,
        .if_index = if_index,
        .aggregate = (uint32_t)table->port_count,
    };
    return forward_table_add_port(table, &port);
}

static void ports_are_found_by_every_spelling(void **state)
{
    (void)state;
    struct forward_table *table = forward_table_new("sw1", "default");
    uint32_t gi1 = add_port(table, "Gi1/0/1", "GigabitEthernet1/0/1", 10101);
    uint32_t gi11 = add_port(table, "Gi1/0/11", "GigabitEthernet1/0/11", 10111);
    uint32_t trap = add_port(table, "port 3", "Gi1/0/1", 3); /* somebody's description */
    uint32_t juniper = add_port(table, "ge-0/0/5.0", NULL, 505);
    assert_int_equal(forward_table_find_port(table, "Gi1/0/1"), gi1);
    assert_int_equal(forward_table_find_port(table, "GigabitEthernet1/0/11"), gi11);
    assert_int_equal(forward_table_find_port(table, "gigabitethernet 1/0/1"), gi1);
    assert_int_equal(forward_table_find_port(table, "#10111"), gi11);
    assert_int_equal(forward_table_find_port(table, "port 3"), trap);
    assert_int_equal(forward_table_find_port(table, "ge-0/0/5"), juniper);
    assert_int_equal(forward_table_find_port(table, "Gi1/0/2"), FORWARD_NO_PORT);
    assert_int_equal(forward_table_find_port(table, "#99"), FORWARD_NO_PORT);
    assert_int_equal(forward_table_find_port(table, "#"), FORWARD_NO_PORT);
    assert_int_equal(forward_table_find_port(table, "#999999999999999999999"), FORWARD_NO_PORT);
    assert_int_equal(forward_table_find_port(table, ""), FORWARD_NO_PORT);
    char longest[LIMIT_NAME_BYTES + 2];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(forward_table_find_port(table, longest), FORWARD_NO_PORT);
    forward_table_free(table);
}

static void add_receipt(struct forward_table *table, bool whole, int64_t from, int64_t to,
                        int64_t ageing)
{
    struct receipt receipt;
    receipt_init(&receipt);
    receipt.whole = whole;
    receipt.started.us = from;
    receipt.ended.us = to;
    receipt.ageing = span_us(ageing);
    forward_table_add_receipt(table, &receipt);
    assert_string_equal(receipt.source, ""); /* left initialised */
    receipt_done(&receipt);
}

static void the_receipts_decide_what_the_table_proves(void **state)
{
    (void)state;
    struct forward_table *table = forward_table_new("sw1", "default");
    forward_table_finish(table);
    assert_false(table->whole); /* nothing was read */
    assert_false(wall_known(table->started));

    add_receipt(table, true, 2000, 3000, -1);
    add_receipt(table, true, 1000, 2500, 300000000);
    add_receipt(table, true, INT64_MIN, INT64_MIN, 600000000);
    forward_table_finish(table);
    assert_true(table->whole);
    assert_int_equal(table->started.us, 1000);
    assert_int_equal(table->ended.us, 3000);
    assert_int_equal(table->ageing.us, 600000000);

    add_receipt(table, false, 1, 2, -1);
    forward_table_finish(table);
    assert_false(table->whole);
    forward_table_free(table);
}

static void rows_and_own_addresses_are_kept(void **state)
{
    (void)state;
    struct forward_table *table = forward_table_new("sw1", "default");
    for (uint64_t i = 0; i < 100; i++) {
        struct forward_row row = {
            .mac_status = forward_row_key((struct mac){i}, FORWARD_LEARNED),
            .port = FORWARD_NO_PORT,
            .age = FORWARD_AGE_UNKNOWN,
        };
        assert_true(forward_table_add_row(table, row));
        forward_table_add_own_mac(table, (struct mac){50 - i / 2});
    }
    forward_table_finish(table);
    assert_int_equal(table->row_count, 100);
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(forward_row_mac(&table->rows[i]).bits, i);
        assert_int_equal(forward_row_status(&table->rows[i]), FORWARD_LEARNED);
    }
    assert_int_equal(table->own_mac_count, 50);
    assert_int_equal(table->own_macs[0].bits, 1);
    assert_int_equal(table->own_macs[49].bits, 50);
    forward_table_free(table);
}

static void a_table_that_was_cut_is_never_whole(void **state)
{
    (void)state;
    struct forward_table *table = forward_table_new("sw1", "default");
    add_receipt(table, true, 1, 2, -1);
    table->row_count = LIMIT_FORWARD_ROWS; /* as if that many had been added */
    assert_false(forward_table_add_row(table, (struct forward_row){0}));
    table->row_count = 0;
    forward_table_finish(table);
    assert_false(table->whole);
    forward_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_are_found_by_every_spelling),
        cmocka_unit_test(the_receipts_decide_what_the_table_proves),
        cmocka_unit_test(rows_and_own_addresses_are_kept),
        cmocka_unit_test(a_table_that_was_cut_is_never_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
