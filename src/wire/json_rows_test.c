/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/text.h"

/* Reads `bytes`, `step` at a time, and writes rows as "LINE key=text;", an error
 * as "!message". */
static char *read_rows(const char *bytes, size_t length, size_t step)
{
    struct json_rows *rows = json_rows_new();
    struct text out = TEXT_EMPTY;
    struct json_row row;
    struct err err;
    int status = 0;
    for (bool ended = false; !ended && status >= 0;) {
        size_t part = length < step ? length : step;
        json_rows_put(rows, bytes, part);
        bytes += part;
        length -= part;
        ended = part == 0;
        if (ended)
            json_rows_end(rows);
        while ((status = json_rows_next(rows, &row, &err)) > 0) {
            text_printf(&out, "%u", row.line);
            for (size_t i = 0; i < row.count; i++)
                text_printf(&out, " %s=%.*s;", row.cells[i].key, (int)row.cells[i].length,
                            row.cells[i].text);
            text_add_char(&out, '\n');
        }
    }
    if (status < 0)
        text_printf(&out, "!%s", err.text);
    json_rows_free(rows);
    return text_take(&out);
}

static void expect(const char *bytes, size_t length, const char *expected)
{
    static const size_t steps[] = {1, 5, 100000};
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        char *got = read_rows(bytes, length, steps[i]);
        if (strstr(got, expected) == NULL)
            fail_msg("%zu at a time: got\n%s\nexpected\n%s", steps[i], got, expected);
        free(got);
    }
}

#define EXPECT(bytes, expected) expect(bytes, sizeof(bytes) - 1, expected)

static void test_values_become_texts(void **unused)
{
    EXPECT("{\"a\":\"x y\",\"b\":10,\"c\":1.5,\"d\":true,\"e\":false,\"f\":null}\n",
           "1 a=x y; b=10; c=1.5; d=yes; e=no; f=;\n");
    EXPECT("{\"vlan\":[10,\"20\"],\"none\":[],\"o\":{\"k\":[1]},\"n\":[[1],2]}\n",
           "1 vlan=10|20; none=; o={\"k\":[1]}; n=[[1],2];\n");
}

static void test_lines_end_in_every_way(void **unused)
{
    EXPECT("\xef\xbb\xbf{\"a\":1}\r\n\n  \n{\"a\":2}", "1 a=1;\n4 a=2;\n");
    EXPECT("", "");
}

static void test_what_is_not_an_object_is_refused(void **unused)
{
    EXPECT("{\"a\":1}\nhello\n", "1 a=1;\n!line 2: not JSON at column");
    EXPECT("[1]\n", "!line 1: found JSON that is not an object");
    EXPECT("{\"a\":1,\"a\":2}\n", "!line 1: not JSON");
    EXPECT("{\"a\":\"\xe4\"}\n", "!line 1: not JSON");
    EXPECT("{\"a\":1} {\"a\":2}\n", "!line 1: not JSON");
    EXPECT("{\"a\":\n1}\n", "!line 1: not JSON");
    EXPECT("{\"a\":\"\\u0000\"}\n", "!line 1: not JSON");
    EXPECT("{\"a\":1}\n{\"a\":", "1 a=1;\n!line 2: not JSON");
}

static void test_limits(void **unused)
{
    struct text big = TEXT_EMPTY;
    text_add(&big, "{\"a\":\"");
    for (int i = 0; i <= LIMIT_FIELD_BYTES; i++)
        text_add_char(&big, 'x');
    text_add(&big, "\"}\n");
    char *got = read_rows(text_get(&big), big.length, 60000);
    assert_non_null(strstr(got, "!line 1: key \"a\": the value has 65537 bytes"));
    free(got);
    text_clear(&big);
    text_add(&big, "{");
    for (int i = 0; i <= LIMIT_COLUMNS; i++)
        text_printf(&big, "%s\"k%d\":1", i > 0 ? "," : "", i);
    text_add(&big, "}\n");
    got = read_rows(text_get(&big), big.length, 60000);
    assert_non_null(strstr(got, "!line 1: the object has 257 keys"));
    free(got);
    text_clear(&big);
    for (int i = 0; i < 100000; i++)
        text_add_char(&big, '[');
    got = read_rows(text_get(&big), big.length, 60000);
    assert_non_null(strstr(got, "!line 1: not JSON"));
    free(got);
    text_done(&big);
}

static void test_a_line_without_end_is_refused_soon(void **unused)
{
    char chunk[64 * 1024];
    struct json_rows *rows = json_rows_new();
    struct json_row row;
    struct err err;
    int status = 0;
    size_t fed = 0;
    memset(chunk, ' ', sizeof chunk);
    for (; status == 0 && fed < 64 * LIMIT_LINE_BYTES; fed += sizeof chunk) {
        json_rows_put(rows, chunk, sizeof chunk);
        status = json_rows_next(rows, &row, &err);
    }
    assert_int_equal(status, ERR_LIMIT);
    assert_true(fed < 2 * LIMIT_LINE_BYTES);
    json_rows_put(rows, "{}\n", 3);
    assert_int_equal(json_rows_next(rows, &row, &err), 0);
    json_rows_free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_become_texts),
        cmocka_unit_test(test_lines_end_in_every_way),
        cmocka_unit_test(test_what_is_not_an_object_is_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_a_line_without_end_is_refused_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
