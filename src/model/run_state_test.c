/* SPDX-License-Identifier: Apache-2.0 */
#include "model/run_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/limits.h"

static enum run_state find(const struct run_state_words *words, const char *text)
{
    enum run_state state = RUN_STATE_ON;
    if (run_state_words_find(words, text, strlen(text), &state) != 0)
        fail_msg("\"%s\" is not known", text);
    return state;
}

static void test_every_state_is_its_own_word(void **unused)
{
    struct run_state_words *words = run_state_words_new();
    for (int i = RUN_STATE_UNKNOWN; i <= RUN_STATE_MIGRATING; i++)
        assert_int_equal(find(words, run_state_word((enum run_state)i)), i);
    run_state_words_free(words);
}

static void test_hypervisors_words_are_known(void **unused)
{
    static const struct {
        const char *word;
        enum run_state state;
    } cases[] = {
        {"running", RUN_STATE_ON},
        {"poweredOn", RUN_STATE_ON},
        {"POWERED_OFF", RUN_STATE_OFF},
        {"shut off", RUN_STATE_OFF},
        {"in shutdown", RUN_STATE_STOPPING},
        {"pmsuspended", RUN_STATE_SUSPENDED},
        {"idle", RUN_STATE_ON},
        {"no state", RUN_STATE_UNKNOWN},
        {"", RUN_STATE_UNKNOWN},
        {"Powered-Off", RUN_STATE_OFF},
        {"saved", RUN_STATE_HIBERNATED},
        {"SHUTOFF", RUN_STATE_OFF},
    };
    struct run_state_words *words = run_state_words_new();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(find(words, cases[i].word), cases[i].state);
    run_state_words_free(words);
}

static void test_a_user_adds_and_redefines(void **unused)
{
    struct run_state_words *words = run_state_words_new();
    enum run_state state = RUN_STATE_CRASHED;
    assert_int_equal(run_state_words_find(words, "läuft", 6, &state), ERR_NOT_FOUND);
    assert_int_equal(state, RUN_STATE_CRASHED);
    assert_int_equal(run_state_words_add(words, "läuft", RUN_STATE_ON), 0);
    assert_int_equal(run_state_words_add(words, "idle", RUN_STATE_OFF), 0);
    assert_int_equal(find(words, "läuft"), RUN_STATE_ON);
    assert_int_equal(find(words, "IDLE"), RUN_STATE_OFF);
    run_state_words_free(words);
}

static void test_the_table_has_an_end(void **unused)
{
    struct run_state_words *words = run_state_words_new();
    char word[LIMIT_NAME_BYTES + 2];
    int status = 0;
    for (int i = 0; status == 0 && i <= LIMIT_RUN_STATE_WORDS; i++) {
        snprintf(word, sizeof word, "word%d", i);
        status = run_state_words_add(words, word, RUN_STATE_ON);
    }
    assert_int_equal(status, ERR_LIMIT);
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    enum run_state state;
    assert_int_equal(run_state_words_add(words, word, RUN_STATE_ON), ERR_LIMIT);
    assert_int_equal(run_state_words_find(words, word, sizeof word - 1, &state), ERR_NOT_FOUND);
    run_state_words_free(words);
}

static void test_who_should_communicate(void **unused)
{
    assert_int_equal(run_state_communicates(RUN_STATE_ON), YES);
    assert_int_equal(run_state_communicates(RUN_STATE_HIBERNATED), NO);
    assert_int_equal(run_state_communicates(RUN_STATE_MIGRATING), UNKNOWN);
}

static void test_tristates(void **unused)
{
    enum tristate value = NO;
    assert_int_equal(tristate_parse("Yes", 3, &value), 0);
    assert_int_equal(value, YES);
    assert_int_equal(tristate_parse("", 0, &value), 0);
    assert_int_equal(value, UNKNOWN);
    assert_int_equal(tristate_parse("false", 5, &value), 0);
    assert_int_equal(value, NO);
    assert_int_equal(tristate_parse("maybe", 5, &value), ERR_SYNTAX);
    assert_int_equal(value, NO);
    assert_string_equal(tristate_word(UNKNOWN), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_state_is_its_own_word),
        cmocka_unit_test(test_hypervisors_words_are_known),
        cmocka_unit_test(test_a_user_adds_and_redefines),
        cmocka_unit_test(test_the_table_has_an_end),
        cmocka_unit_test(test_who_should_communicate),
        cmocka_unit_test(test_tristates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
