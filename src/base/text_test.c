/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_text_grows_and_stays_terminated(void **state)
{
    AUTO_TEXT struct text text = TEXT_EMPTY;
    assert_string_equal(text_get(&text), "");
    for (int i = 0; i < 1000; i++) {
        text_add(&text, "ab");
        text_add_char(&text, 'c');
        assert_int_equal(strlen(text_get(&text)), text.length);
    }
    assert_int_equal(text.length, 3000);
    text_add_bytes(&text, NULL, 0);
    assert_int_equal(text.length, 3000);
    text_clear(&text);
    assert_string_equal(text_get(&text), "");
    text_printf(&text, "%d %s", 5, "x");
    assert_string_equal(text_get(&text), "5 x");
}

static void test_printing_more_than_the_room_left(void **state)
{
    for (int width = 1; width < 300; width++) {
        AUTO_TEXT struct text text = TEXT_EMPTY;
        text_add(&text, "head");
        text_printf(&text, "%0*d", width, 1);
        assert_int_equal(text.length, 4 + width);
        assert_int_equal(strlen(text_get(&text)), text.length);
        assert_int_equal(text_get(&text)[text.length - 1], '1');
    }
}

static void test_taking_leaves_an_empty_text(void **state)
{
    struct text text = TEXT_EMPTY;
    char *taken = text_take(&text);
    assert_string_equal(taken, "");
    free(taken);
    text_add(&text, "abc");
    taken = text_take(&text);
    assert_string_equal(taken, "abc");
    assert_string_equal(text_get(&text), "");
    free(taken);
    text_done(&text);
    text_done(NULL);
}

static void test_json_strings(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *json;
    } cases[] = {
        {"plain", 5, "\"plain\""},
        {"", 0, "\"\""},
        {"a\"b\\c", 5, "\"a\\\"b\\\\c\""},
        {"\n\r\t", 3, "\"\\n\\r\\t\""},
        {"\0\x1f\x7f", 3, "\"\\u0000\\u001f\\u007f\""},
        {"caf\xc3\xa9", 5, "\"caf\xc3\xa9\""},
        {"\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\""},
        {"\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""}, /* cut short */
        {"\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""}, /* overlong */
        {"\xf4\x90\x80\x80", 1, "\"\xef\xbf\xbd\""},     /* beyond U+10FFFF */
        {"\xff"
         "a",
         2,
         "\"\xef\xbf\xbd"
         "a\""},                                                         /* not UTF-8 at all */
        {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate */
        {"\xc3(", 2, "\"\xef\xbf\xbd(\""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        AUTO_TEXT struct text text = TEXT_EMPTY;
        text_add_json(&text, cases[i].bytes, cases[i].length);
        assert_string_equal(text_get(&text), cases[i].json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_grows_and_stays_terminated),
        cmocka_unit_test(test_printing_more_than_the_room_left),
        cmocka_unit_test(test_taking_leaves_an_empty_text),
        cmocka_unit_test(test_json_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
