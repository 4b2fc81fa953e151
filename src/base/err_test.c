/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_layers_add_what_they_know(void **state)
{
    struct err err;
    assert_int_equal(err_set(&err, ERR_TIMEOUT, "timeout after %d tries", 3), ERR_TIMEOUT);
    assert_int_equal(err_prefix(&err, "reading %s", "sw1"), ERR_TIMEOUT);
    assert_int_equal(err_consequence(&err, "keeping the table of %d s ago", 42), ERR_TIMEOUT);
    assert_string_equal(err.text,
                        "reading sw1: timeout after 3 tries; keeping the table of 42 s ago");
    assert_int_equal(err.code, ERR_TIMEOUT);
}

static void test_system_errors_name_their_cause(void **state)
{
    struct err err;
    assert_int_equal(err_set_errno(&err, ENOENT, "opening %s", "guests.csv"), ERR_SYSTEM);
    assert_string_equal(err.text, "opening guests.csv: No such file or directory");
}

static void test_an_argument_may_be_the_old_text(void **state)
{
    struct err err;
    err_set(&err, ERR_SYNTAX, "line 3");
    err_set(&err, ERR_SYNTAX, "guests.csv, %s", err.text);
    assert_string_equal(err.text, "guests.csv, line 3");
    err_prefix(&err, "again (%s)", err.text);
    assert_string_equal(err.text, "again (guests.csv, line 3): guests.csv, line 3");
    err_consequence(&err, "not %s", err.text);
    assert_non_null(strstr(err.text, "line 3; not again (guests.csv"));
}

static void test_long_texts_are_cut_and_terminated(void **state)
{
    struct err err;
    for (int round = 0; round < 4; round++) {
        if (round == 0)
            err_set(&err, ERR_LIMIT, "%0*d", ERR_TEXT_SIZE * 2, 1);
        else if (round == 1)
            err_prefix(&err, "%0*d", ERR_TEXT_SIZE, 2);
        else if (round == 2)
            err_consequence(&err, "%0*d", ERR_TEXT_SIZE, 3);
        else
            err_set_errno(&err, EACCES, "%0*d", ERR_TEXT_SIZE, 4);
        assert_int_equal(strnlen(err.text, sizeof err.text), ERR_TEXT_SIZE - 1);
    }
}

static void test_nobody_needs_to_listen(void **state)
{
    assert_int_equal(err_set(NULL, ERR_RANGE, "x"), ERR_RANGE);
    assert_int_equal(err_set_errno(NULL, EIO, "x"), ERR_SYSTEM);
    assert_int_equal(err_prefix(NULL, "x"), ERR_SYSTEM);
    assert_int_equal(err_consequence(NULL, "x"), ERR_SYSTEM);
}

static void test_every_code_has_a_word_of_its_own(void **state)
{
    for (int a = ERR_UNSUPPORTED; a <= ERR_NONE; a++) {
        assert_string_not_equal(err_word((enum err_code)a), "unknown");
        for (int b = ERR_UNSUPPORTED; b < a; b++)
            assert_string_not_equal(err_word((enum err_code)a), err_word((enum err_code)b));
    }
    assert_string_equal(err_word((enum err_code) - 99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_add_what_they_know),
        cmocka_unit_test(test_system_errors_name_their_cause),
        cmocka_unit_test(test_an_argument_may_be_the_old_text),
        cmocka_unit_test(test_long_texts_are_cut_and_terminated),
        cmocka_unit_test(test_nobody_needs_to_listen),
        cmocka_unit_test(test_every_code_has_a_word_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
