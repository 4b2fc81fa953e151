/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/text.h"

/* Reads `bytes`, `step` at a time, and writes rows as "LINE[a][b]\n", an error as
 * "!LINE:COLUMN message". */
static char *read_csv(const char *bytes, size_t length, size_t step)
{
    struct csv_reader *reader = csv_new();
    struct text out = TEXT_EMPTY;
    struct csv_row row;
    struct csv_place place;
    struct err err;
    bool ended = false;
    int status = 0;
    while (!ended && status >= 0) {
        size_t room;
        char *space = csv_space(reader, &room);
        size_t part = length < step ? length : step;
        part = part < room ? part : room;
        memcpy(space, bytes, part);
        csv_filled(reader, part);
        ended = part == 0;
        bytes += part;
        length -= part;
        while ((status = csv_next(reader, &row, &place, &err)) > 0) {
            text_printf(&out, "%u", row.line);
            for (size_t i = 0; i < row.count; i++)
                text_printf(&out, "[%.*s]", (int)row.fields[i].length, row.fields[i].text);
            text_add_char(&out, '\n');
        }
    }
    if (status < 0)
        text_printf(&out, "!%u:%zu %s", place.line, place.column, err.text);
    csv_free(reader);
    return text_take(&out);
}

static void expect(const char *bytes, size_t length, const char *expected)
{
    static const size_t steps[] = {1, 2, 3, 7, 31, 32, 33, 100000};
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        char *got = read_csv(bytes, length, steps[i]);
        if (strcmp(got, expected) != 0)
            fail_msg("%zu at a time: got\n%s\nexpected\n%s", steps[i], got, expected);
        free(got);
    }
}

#define EXPECT(bytes, expected) expect(bytes, sizeof(bytes) - 1, expected)

static void test_line_ends_and_separators(void **unused)
{
    EXPECT("a,b\n1,2\n", "1[a][b]\n2[1][2]\n");
    EXPECT("a,b\r\n1,2", "1[a][b]\n2[1][2]\n");
    EXPECT("a,b\r1,2\r", "1[a][b]\n2[1][2]\n");
    EXPECT("a;b,c;d\n1;2;3\n", "1[a][b,c][d]\n2[1][2][3]\n");
    EXPECT("a\tb c\n1\t\n", "1[a][b c]\n2[1][]\n");
    EXPECT("only\nx\n", "1[only]\n2[x]\n");
    EXPECT("a,b\n\n,\n1,2\n\n", "1[a][b]\n4[1][2]\n");
    EXPECT("", "");
    EXPECT("\n\n", "");
}

static void test_marks_at_the_beginning(void **unused)
{
    EXPECT("\xef\xbb\xbf"
           "a,b\n1,2\n",
           "1[a][b]\n2[1][2]\n");
    EXPECT("sep=;\r\na,b;c\r\n", "2[a,b][c]\n");
    EXPECT("\xef\xbb\xbfsep=|\na|b\n", "2[a][b]\n");
    EXPECT("\xef\xbb\xbf", "");
    EXPECT("\xef\xbb\xbf\xef\xbb\xbf"
           "sep=|\na|b\n",
           "1[\xef\xbb\xbfsep=|]\n2[a|b]\n");
}

static void test_quotes(void **unused)
{
    EXPECT("a,b\n\"x,1\",\"y \"\"z\"\"\"\n", "1[a][b]\n2[x,1][y \"z\"]\n");
    EXPECT("a,b\n\"two\r\nlines\",2\n3,4\n", "1[a][b]\n2[two\r\nlines][2]\n4[3][4]\n");
    EXPECT("a,b\n\"\",\"\"\"\"\n", "1[a][b]\n2[][\"]\n");
    EXPECT("a,b\n5\" disk,x\"y\"z\n", "1[a][b]\n2[5\" disk][x\"y\"z]\n");
    EXPECT("\"a;b\",c\n\"1\",\"2\"", "1[a;b][c]\n2[1][2]\n");
}

static void test_utf8(void **unused)
{
    EXPECT("a,b\n\xc3\xa4,\xe2\x82\xac\n", "1[a][b]\n2[\xc3\xa4][\xe2\x82\xac]\n");
    EXPECT("a,b\n1,\xe4\n", "1[a][b]\n!2:2 found octets that are not UTF-8, expected UTF-8 (save "
                            "the file as \"CSV UTF-8\")");
}

static void test_errors_name_line_and_column(void **unused)
{
    EXPECT("a,b\n1,\"2\"3\n",
           "1[a][b]\n!2:2 text follows a closing quote, expected the separator ',' or the end of "
           "the line (a quote inside a field is written twice)");
    EXPECT("a,b\n\"x\ny\",2\n1,\"never\n",
           "1[a][b]\n2[x\ny][2]\n!4:2 a quote is opened and never closed, expected \" before the "
           "end");
    EXPECT("a,b\n1,x\0y\n", "1[a][b]\n!2:2 found a NUL octet, expected text");
    EXPECT("\xff\xfe"
           "a\0,\0b\0\n\0",
           "!1:1 found a NUL octet, expected text (UTF-16? save the file as UTF-8)");
}

static void test_limits(void **unused)
{
    struct text big = TEXT_EMPTY;
    text_add(&big, "a,b\n1,");
    for (int i = 0; i <= LIMIT_FIELD_BYTES; i++)
        text_add_char(&big, 'x');
    text_add(&big, "\n");
    char *got = read_csv(text_get(&big), big.length, 5000);
    assert_non_null(strstr(got, "!2:2 the field has 65537 bytes, at most 65536 are read"));
    free(got);
    text_clear(&big);
    for (int i = 0; i <= LIMIT_COLUMNS; i++)
        text_add(&big, "a,");
    got = read_csv(text_get(&big), big.length, 5000);
    assert_non_null(strstr(got, "!1:257 the row has more than 256 columns"));
    free(got);
    text_done(&big);
}

/* Feeds one octet for ever; returns how many bytes it took until the error. */
static size_t feed_without_end(const char *before, char octet)
{
    struct csv_reader *reader = csv_new();
    struct csv_row row;
    struct csv_place place;
    struct err err;
    size_t fed = 0, room, largest = 0;
    int status = 0;
    for (; status >= 0 && fed < 64 * 1024 * 1024; fed += room) {
        char *space = csv_space(reader, &room);
        largest = room > largest ? room : largest;
        memset(space, octet, room);
        if (fed == 0)
            memcpy(space, before, strlen(before));
        csv_filled(reader, room);
        while ((status = csv_next(reader, &row, &place, &err)) > 0)
            ;
    }
    assert_int_equal(status, ERR_LIMIT);
    assert_true(largest <= LIMIT_LINE_BYTES + 512 * 1024);
    assert_int_equal(csv_next(reader, &row, &place, &err), 0);
    csv_free(reader);
    return fed;
}

static void test_garbage_without_end_is_refused_soon(void **unused)
{
    assert_true(feed_without_end("", 'x') < 2 * LIMIT_LINE_BYTES);
    assert_true(feed_without_end("a,b\n\"", 'x') < 3 * LIMIT_LINE_BYTES);
    assert_true(feed_without_end("a,b\n\"", '"') < 3 * LIMIT_LINE_BYTES);
    assert_true(feed_without_end("a,b\n", ',') < 3 * LIMIT_LINE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_ends_and_separators),
        cmocka_unit_test(test_marks_at_the_beginning),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_errors_name_line_and_column),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_garbage_without_end_is_refused_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
