/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "model/receipt.h"

static void a_fresh_receipt_knows_nothing(void **state)
{
    (void)state;
    struct receipt receipt;
    receipt_init(&receipt);
    assert_string_equal(receipt.source, "");
    assert_string_equal(receipt.why_not, "");
    assert_false(receipt.whole);
    assert_false(wall_known(receipt.started));
    assert_int_equal(receipt.ageing.us, -1);
    assert_int_equal(receipt.sys_uptime_cs, -1);
    receipt_done(&receipt);
}

static void a_copy_owns_its_texts(void **state)
{
    (void)state;
    struct receipt original, copy;
    receipt_init(&original);
    receipt_text(&original.source, "sw%d", 1);
    receipt_text(&original.why_not, "no answer to %s", original.source);
    receipt_text(&original.source, "x%s", original.source); /* from its own text */
    original.rows = 42;
    receipt_copy(&copy, &original);
    receipt_done(&original);
    assert_string_equal(copy.source, "xsw1");
    assert_string_equal(copy.why_not, "no answer to sw1");
    assert_int_equal(copy.rows, 42);
    receipt_done(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_receipt_knows_nothing),
        cmocka_unit_test(a_copy_owns_its_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
