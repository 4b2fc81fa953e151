/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "cli/table.h"

static const struct table_column columns[] = {{"KIND", 0}, {"SUBJECT", 8}, {"WHERE", 6}};

/* Prints `table` into a text that the caller frees. */
static char *printed(const struct table *table, unsigned width)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&bytes, &size);
    table_print(table, memory, width, false);
    fclose(memory);
    return bytes;
}

static unsigned longest_line(const char *text)
{
    unsigned longest = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        unsigned width = terminal_text_width(text, length);
        longest = width > longest ? width : longest;
        text += length + (text[length] == '\n');
    }
    return longest;
}

static void wide_terminals_take_one_line_a_row(void **state)
{
    struct table *table = table_new(columns, 3);
    table_cell(table, "silent");
    table_cell(table, "a guest with a long name");
    table_cell(table, "sw1 Gi0/1");
    char *text = printed(table, 200);
    assert_string_equal(text, "KIND    SUBJECT                   WHERE\n"
                              "silent  a guest with a long name  sw1 Gi0/1\n");
    free(text);
    table_free(table);
}

static void narrow_terminals_wrap_and_lose_nothing(void **state)
{
    struct table *table = table_new(columns, 3);
    table_cell(table, "silent");
    table_cell(table, "a guest with a long name");
    table_cell(table, "switch-in-row-seven/0/0/17");
    table_note(table, "It was not seen on any port although all of them were read whole.");
    char *text = printed(table, 40);
    assert_true(longest_line(text) <= 40);
    static const char *const words[] = {"guest", "long", "name", "although", "whole."};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        assert_non_null(strstr(text, words[i]));
    size_t letters = 0;
    for (size_t i = 0; text[i] != '\0'; i++)
        letters += strchr("switch-n", text[i]) != NULL;
    assert_true(letters > 20);
    free(text);
    table_free(table);
}

static void long_listings_go_out_page_by_page(void **state)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&bytes, &size);
    struct table *table = table_new(columns, 3);
    for (size_t i = 0; i < TABLE_PAGE + 1; i++) {
        table_cell(table, "silent");
        table_cellf(table, "guest%zu", i);
        table_page(table, memory);
        table_cell(table, "sw1");
        table_page(table, memory);
    }
    assert_int_equal(table_rows(table), 1);
    fclose(memory);
    assert_non_null(strstr(bytes, "guest9999 "));
    assert_null(strstr(bytes, "guest10000"));
    free(bytes);
    table_free(table);
}

static void hostile_cells_cannot_steer_the_terminal(void **state)
{
    struct table *table = table_new(columns, 3);
    table_cell(table, "\033[2J\033]0;owned\a");
    table_cell(table, "line\nbreak\r\xff\xfe");
    table_cell(table, "right\xe2\x80\xaeleft");
    char *text = printed(table, 80);
    assert_null(strchr(text, '\033'));
    assert_null(strchr(text, '\a'));
    assert_null(strstr(text, "\xe2\x80\xae"));
    assert_non_null(strstr(text, "line?break"));
    free(text);
    table_free(table);
}

static void wide_characters_count_as_two_columns(void **state)
{
    assert_int_equal(terminal_text_width("caf\xc3\xa9", 5), 4);
    assert_int_equal(terminal_text_width("\xe6\x9d\xb1", 3), 2);
}

static char *csv_field(const char *text)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&bytes, &size);
    report_csv_field(memory, text);
    fclose(memory);
    return bytes;
}

static void csv_fields_are_quoted_and_no_formulas(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {{"plain", "plain"},
                 {"", ""},
                 {"a,b", "\"a,b\""},
                 {"say \"hi\"", "\"say \"\"hi\"\"\""},
                 {"=HYPERLINK(1)", "\" =HYPERLINK(1)\""}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char *field = csv_field(cases[i].text);
        assert_string_equal(field, cases[i].expected);
        free(field);
    }
}

int main(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_terminals_take_one_line_a_row),
        cmocka_unit_test(narrow_terminals_wrap_and_lose_nothing),
        cmocka_unit_test(long_listings_go_out_page_by_page),
        cmocka_unit_test(hostile_cells_cannot_steer_the_terminal),
        cmocka_unit_test(wide_characters_count_as_two_columns),
        cmocka_unit_test(csv_fields_are_quoted_and_no_formulas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
