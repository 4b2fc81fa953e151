/* SPDX-License-Identifier: Apache-2.0 */
#include "io/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct capture {
    char *text;
    size_t length;
    FILE *file;
};

static void capture_open(struct capture *capture)
{
    capture->file = open_memstream(&capture->text, &capture->length);
    assert_non_null(capture->file);
}

static void test_levels_pass_or_not(void **unused)
{
    struct capture capture;
    capture_open(&capture);
    struct log *log = log_new(capture.file, LOG_LEVEL_WARNING, false);
    log_say(log, LOG_LEVEL_INFO, "poll", "hidden");
    log_say(log, LOG_LEVEL_ERROR, "poll", "switch %s", "sw1");
    log_set_level(log, LOG_LEVEL_DEBUG);
    log_say(log, LOG_LEVEL_DEBUG, "poll", "seen");
    log_free(log);
    fclose(capture.file);
    assert_string_equal(capture.text, "error poll: switch sw1\ndebug poll: seen\n");
    free(capture.text);
}

static void test_control_characters_cannot_forge_lines(void **unused)
{
    struct capture capture;
    capture_open(&capture);
    struct log *log = log_new(capture.file, LOG_LEVEL_INFO, true);
    log_say(log, LOG_LEVEL_INFO, "m", "a\nerror m: b\x1b[2J");
    log_free(log);
    fclose(capture.file);
    assert_non_null(strstr(capture.text, "Z info m: a\\x0aerror m: b\\x1b[2J\n"));
    free(capture.text);
}

static void test_a_flood_is_held_back(void **unused)
{
    struct capture capture;
    capture_open(&capture);
    struct log *log = log_new(capture.file, LOG_LEVEL_INFO, false);
    for (int i = 0; i < 1000; i++)
        log_say(log, LOG_LEVEL_INFO, "m", "again %d", i);
    log_say(log, LOG_LEVEL_INFO, "m", "another place");
    log_free(log);
    fclose(capture.file);
    size_t lines = 0;
    for (const char *at = capture.text; *at != '\0'; at++)
        lines += *at == '\n';
    assert_int_equal(lines, LOG_BURST + 1);
    assert_non_null(strstr(capture.text, "another place"));
    free(capture.text);
}

static void test_level_words(void **unused)
{
    enum log_level level = LOG_LEVEL_ERROR;
    assert_int_equal(log_level_parse("debug", &level), 0);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_parse("loud", &level), ERR_NOT_FOUND);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels_pass_or_not),
        cmocka_unit_test(test_control_characters_cannot_forge_lines),
        cmocka_unit_test(test_a_flood_is_held_back),
        cmocka_unit_test(test_level_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
