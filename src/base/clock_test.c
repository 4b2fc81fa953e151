/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int64_t parsed(const char *text)
{
    struct wall wall = WALL_UNKNOWN;
    if (wall_parse(text, strlen(text), &wall) != 0)
        fail_msg("%s was refused", text);
    return wall.us;
}

static void test_instants_that_people_and_programs_write(void **state)
{
    const int64_t noon = INT64_C(1795435201) * 1000000; /* 2026-11-23T12:00:01Z */
    assert_true(parsed("2026-11-23T12:00:01Z") == noon);
    assert_true(parsed("2026-11-23t12:00:01z") == noon);
    assert_true(parsed("2026-11-23 12:00:01") == noon);
    assert_true(parsed("2026-11-23T13:00:01+01:00") == noon);
    assert_true(parsed("2026-11-23T13:00:01+0100") == noon);
    assert_true(parsed("2026-11-23 13:00:01+01") == noon);
    assert_true(parsed("2026-11-23T06:30:01-05:30") == noon);
    assert_true(parsed("2026-11-23T12:00:01.25Z") == noon + 250000);
    assert_true(parsed("2026-11-23T12:00:01,250000999Z") == noon + 250000);
    assert_true(parsed("2026-11-23T12:00") == noon - 1000000);
    assert_true(parsed("2026-11-23") == noon - 43201 * INT64_C(1000000));
    assert_true(parsed("@1795435201") == noon);
    assert_true(parsed("@1795435201.000001") == noon + 1);
    assert_true(parsed("1970-01-01") == 0);
    assert_true(parsed("1969-12-31T23:59:59Z") == -1000000);
    assert_true(parsed("2000-02-29") == INT64_C(951782400) * 1000000);
    assert_true(parsed("2016-12-31T23:59:60Z") == parsed("2017-01-01T00:00:00Z"));
}

static void test_wrong_instants_are_refused(void **state)
{
    static const struct {
        const char *text;
        int code;
    } wrong[] = {
        {"", ERR_SYNTAX},
        {"yesterday", ERR_SYNTAX},
        {"2026", ERR_SYNTAX},
        {"2026-1-1", ERR_SYNTAX},
        {"26-11-23", ERR_SYNTAX},
        {"23.11.2026", ERR_SYNTAX},
        {"2026-11-23T", ERR_SYNTAX},
        {"2026-11-23T12", ERR_SYNTAX},
        {"2026-11-23T12:00:", ERR_SYNTAX},
        {"2026-11-23T12:00:01.", ERR_SYNTAX},
        {"2026-11-23T12:00.5", ERR_SYNTAX},
        {"2026-11-23T12:00:01X", ERR_SYNTAX},
        {"2026-11-23T12:00:01+1", ERR_SYNTAX},
        {"2026-11-23T12:00:01+01:", ERR_SYNTAX},
        {"2026-11-23T12:00:01+013", ERR_SYNTAX},
        {"2026-11-23T12:00:01+25:00", ERR_SYNTAX},
        {"2026-11-23T12:00:01Z ", ERR_SYNTAX},
        {"@", ERR_SYNTAX},
        {"@12x", ERR_SYNTAX},
        {"@12.", ERR_SYNTAX},
        {"@-5", ERR_SYNTAX},
        {"@1234567890123", ERR_SYNTAX},
        {"2026-13-01", ERR_RANGE},
        {"2026-00-01", ERR_RANGE},
        {"2026-02-29", ERR_RANGE},
        {"2100-02-29", ERR_RANGE},
        {"2026-04-31", ERR_RANGE},
        {"2026-11-23T24:00:00", ERR_RANGE},
        {"2026-11-23T12:60:00", ERR_RANGE},
        {"2026-11-23T12:00:61", ERR_RANGE},
    };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct wall wall = {42};
        if (wall_parse(wrong[i].text, strlen(wrong[i].text), &wall) != wrong[i].code)
            fail_msg("%s: other result", wrong[i].text);
        assert_true(wall.us == 42);
    }
    struct wall wall = {42};
    assert_int_equal(wall_parse("2026-11-23\0T12:00", 16, &wall), ERR_SYNTAX);
}

static void test_parsing_stops_at_the_given_length(void **state)
{
    struct wall wall;
    assert_int_equal(wall_parse("2026-11-23T99", 10, &wall), 0);
    assert_true(wall.us == parsed("2026-11-23"));
}

static void test_instants_survive_printing(void **state)
{
    static const int64_t samples[] = {0,
                                      -1,
                                      1,
                                      999999,
                                      -1000000,
                                      INT64_C(1795435201250000),
                                      INT64_C(1795435201250001),
                                      INT64_C(951782400000000),
                                      INT64_C(253402300799999999),
                                      INT64_C(-62167219200000000)};
    char text[CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_COUNT(samples); i++) {
        wall_format((struct wall){samples[i]}, text);
        if (parsed(text) != samples[i])
            fail_msg("%s is another instant", text);
    }
    assert_string_equal(wall_format((struct wall){INT64_C(1795435201250000)}, text),
                        "2026-11-23T12:00:01.250Z");
    assert_string_equal(wall_format((struct wall){INT64_C(1795435201000000)}, text),
                        "2026-11-23T12:00:01Z");
    assert_string_equal(wall_format((struct wall){-1}, text), "1969-12-31T23:59:59.999999Z");
    assert_string_equal(wall_format(WALL_UNKNOWN, text), "unknown");
    assert_string_equal(wall_format_ms((struct wall){INT64_C(1795435201250999)}, text),
                        "2026-11-23T12:00:01.250Z");
    assert_string_equal(wall_format_seconds((struct wall){INT64_C(1795435201999999)}, text),
                        "2026-11-23T12:00:01Z");
    assert_string_equal(wall_format_seconds((struct wall){-1}, text), "1969-12-31T23:59:59Z");
    assert_string_equal(wall_format_ms(WALL_UNKNOWN, text), "unknown");
    assert_true(strlen(wall_format((struct wall){INT64_MAX}, text)) < CLOCK_TEXT_SIZE);
    assert_true(strlen(wall_format((struct wall){INT64_MIN + 1}, text)) < CLOCK_TEXT_SIZE);
}

static void test_spans_for_people(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } spans[] = {
        {0, "0 ms"},
        {850000, "850 ms"},
        {999999, "999 ms"},
        {1000000, "1 s"},
        {1040000, "1 s"},
        {12300000, "12.3 s"},
        {59990000, "59.9 s"},
        {60000000, "1 min 0 s"},
        {250000000, "4 min 10 s"},
        {INT64_C(10920000000), "3 h 2 min"},
        {INT64_C(435600000000), "5 d 1 h"},
        {-2500000, "-2.5 s"},
    };
    char text[CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_COUNT(spans); i++)
        assert_string_equal(span_format(span_us(spans[i].us), text), spans[i].text);
    assert_true(strlen(span_format(span_us(INT64_MIN), text)) < CLOCK_TEXT_SIZE);
}

static void test_span_parse(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } spans[] = {
        {"90", 90000000},
        {"90s", 90000000},
        {"500ms", 500000},
        {"5min", 300000000},
        {"5m", 300000000},
        {"2h", INT64_C(7200000000)},
        {"35 d", INT64_C(35) * 86400 * 1000000},
        {"0", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(spans); i++) {
        struct span span = {-1};
        assert_int_equal(span_parse(spans[i].text, &span), 0);
        assert_true(span.us == spans[i].us);
    }
    static const char *const wrong[] = {"", "s", "-5s", "5x", "5 s s", "1.5h", "0x10", "5S"};
    struct span span = {42};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
        assert_int_equal(span_parse(wrong[i], &span), ERR_SYNTAX);
    assert_int_equal(span_parse("99999999999999999999d", &span), ERR_RANGE);
    assert_true(span.us == 42);
}

static void test_arithmetic(void **state)
{
    struct wall start = {1000};
    struct wall end = wall_add(start, span_seconds(2));
    assert_true(wall_since(end, start).us == 2000000);
    assert_true(mono_since(mono_add((struct mono){5}, span_ms(7)), (struct mono){5}).us == 7000);
    assert_true(span_add(span_seconds(1), span_ms(1)).us == 1001000);
    assert_true(wall_known(start));
    assert_false(wall_known(WALL_UNKNOWN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instants_that_people_and_programs_write),
        cmocka_unit_test(test_wrong_instants_are_refused),
        cmocka_unit_test(test_parsing_stops_at_the_given_length),
        cmocka_unit_test(test_instants_survive_printing),
        cmocka_unit_test(test_spans_for_people),
        cmocka_unit_test(test_span_parse),
        cmocka_unit_test(test_arithmetic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
