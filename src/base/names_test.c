/* SPDX-License-Identifier: Apache-2.0 */
#include "base/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

enum { MANY = 300000 };

static void test_equal_texts_have_one_number(void **state)
{
    struct names *names = names_new();
    uint32_t first = names_add(names, "Gi0/1", 5);
    uint32_t second = names_add(names, "Gi0/2", 5);
    assert_int_equal(first, 0);
    assert_int_equal(second, 1);
    assert_int_equal(names_add(names, "Gi0/1 and more", 5), first);
    assert_int_equal(names_count(names), 2);
    assert_string_equal(names_get(names, first), "Gi0/1");
    assert_int_equal(names_find(names, "Gi0/2", 5), second);
    assert_int_equal(names_find(names, "Gi0/", 4), NAME_NONE);
    assert_int_equal(names_find(names, "gi0/1", 5), NAME_NONE);
    assert_string_equal(names_get(names, NAME_NONE), "");
    names_free(names);
    names_free(NULL);
}

static void test_empty_binary_and_longest_texts(void **state)
{
    struct names *names = names_new();
    char longest[LIMIT_NAME_BYTES + 1];
    memset(longest, 'x', sizeof longest);
    uint32_t empty = names_add(names, NULL, 0);
    uint32_t binary = names_add(names, "a\0b", 3);
    uint32_t full = names_add(names, longest, LIMIT_NAME_BYTES);
    assert_int_equal(names_add(names, "", 0), empty);
    assert_string_equal(names_get(names, empty), "");
    assert_int_equal(names_find(names, "a\0b", 3), binary);
    assert_int_equal(names_find(names, "a\0c", 3), NAME_NONE);
    assert_int_equal(names_find(names, "a", 1), NAME_NONE);
    assert_int_equal(strlen(names_get(names, full)), LIMIT_NAME_BYTES);
    assert_int_equal(names_find(names, longest, LIMIT_NAME_BYTES + 1), NAME_NONE);
    names_free(names);
}

static void test_many_names_stay_where_they_are(void **state)
{
    struct names *names = names_new();
    char text[64];
    const char *early = names_get(names, names_add(names, "early", 5));
    for (int i = 0; i < MANY; i++) {
        int length = snprintf(text, sizeof text, "guest-%0*d", i % 40 + 1, i);
        assert_int_equal(names_add(names, text, (size_t)length), i + 1);
    }
    assert_int_equal(names_count(names), MANY + 1);
    for (int i = 0; i < MANY; i++) {
        int length = snprintf(text, sizeof text, "guest-%0*d", i % 40 + 1, i);
        if (names_find(names, text, (size_t)length) != (uint32_t)i + 1)
            fail_msg("%s was lost", text);
        assert_string_equal(names_get(names, (uint32_t)i + 1), text);
    }
    assert_ptr_equal(names_get(names, 0), early);
    names_free(names);
}

static void test_memory_is_near_the_texts_own(void **state)
{
    struct names *names = names_new();
    assert_true(names_size(names) < 4096);
    char text[64];
    size_t bytes = 0;
    for (int i = 0; i < MANY; i++) {
        int length = snprintf(text, sizeof text, "guest-%08d.example", i);
        names_add(names, text, (size_t)length);
        bytes += (size_t)length;
    }
    assert_true(names_size(names) < bytes + MANY * 32);
    names_free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_texts_have_one_number),
        cmocka_unit_test(test_empty_binary_and_longest_texts),
        cmocka_unit_test(test_many_names_stay_where_they_are),
        cmocka_unit_test(test_memory_is_near_the_texts_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
