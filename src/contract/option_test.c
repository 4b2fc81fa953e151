/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "io/file.h"

struct sample {
    char *label, *file, *secret;
    int64_t port;
    struct span timeout;
    struct wall read_at;
    bool active;
    int version;
    struct option_list command, program;
};

static const char *const versions[] = {"1", "2c", "3", NULL};

static const struct config_option options[] = {
    {"label", OPTION_TEXT, offsetof(struct sample, label), false, "none", 0, 0, NULL, "A label."},
    {"file", OPTION_PATH, offsetof(struct sample, file), true, NULL, 0, 0, NULL, "A file."},
    {"community_file", OPTION_SECRET_FILE, offsetof(struct sample, secret), false, NULL, 0, 0, NULL,
     "A secret."},
    {"port", OPTION_INTEGER, offsetof(struct sample, port), false, "161", 1, 65535, NULL, "Port."},
    {"timeout", OPTION_SPAN, offsetof(struct sample, timeout), false, "5s", 1000, 60000000, NULL,
     "How long."},
    {"read_at", OPTION_INSTANT, offsetof(struct sample, read_at), false, NULL, 0, 0, NULL, "When."},
    {"active", OPTION_BOOL, offsetof(struct sample, active), false, "yes", 0, 0, NULL, "Or not."},
    {"version", OPTION_CHOICE, offsetof(struct sample, version), false, "2c", 0, 0, versions,
     "Version."},
    {"command", OPTION_TEXT_LIST, offsetof(struct sample, command), false, NULL, 0, 0, NULL,
     "Program."},
    {"program", OPTION_COMMAND, offsetof(struct sample, program), false, NULL, 0, 0, NULL,
     "A program."},
    {.name = NULL},
};

static const struct option_source place = {"muster.yaml", 12, "/etc/muster"};

static int set(struct sample *sample, const char *key, const char *value, struct err *err)
{
    bool exposed = false;
    const struct config_option *option = options_find(options, key);
    assert_non_null(option);
    return option_parse(option, key, &value, 1, &place, sample, &exposed, err);
}

static void test_defaults_are_set(void **unused)
{
    struct sample sample = {0};
    options_init(options, &sample);
    assert_string_equal(sample.label, "none");
    assert_null(sample.file);
    assert_int_equal(sample.port, 161);
    assert_int_equal(sample.timeout.us, 5000000);
    assert_false(wall_known(sample.read_at));
    assert_true(sample.active);
    assert_int_equal(sample.version, 1);
    assert_int_equal(sample.command.count, 0);
    options_done(options, &sample);
    assert_null(sample.label);
}

static void test_default_paths_start_at_the_file(void **unused)
{
    static const struct config_option table[] = {{"store", OPTION_PATH,
                                                  offsetof(struct sample, file), false, "muster.db",
                                                  0, 0, NULL, "The store."},
                                                 {.name = NULL}};
    struct sample sample = {0};
    options_init_in(table, "/etc/muster", &sample);
    assert_string_equal(sample.file, "/etc/muster/muster.db");
    options_done(table, &sample);
}

static void test_values_reach_their_fields(void **unused)
{
    struct sample sample = {0};
    struct err err;
    const char *argv[] = {"ls", "-l"};
    bool exposed;
    options_init(options, &sample);
    assert_int_equal(set(&sample, "label", "x", &err), 0);
    assert_int_equal(set(&sample, "file", "a.csv", &err), 0);
    assert_int_equal(set(&sample, "port", "1161", &err), 0);
    assert_int_equal(set(&sample, "timeout", "2min", &err), ERR_RANGE);
    assert_int_equal(set(&sample, "timeout", "1min", &err), 0);
    assert_int_equal(set(&sample, "read_at", "@10", &err), 0);
    assert_int_equal(set(&sample, "active", "No", &err), 0);
    assert_int_equal(set(&sample, "version", "3", &err), 0);
    assert_int_equal(set(&sample, "command", "one", &err), 0);
    assert_int_equal(option_parse(options_find(options, "command"), "command", argv, 2, &place,
                                  &sample, &exposed, &err),
                     0);
    assert_string_equal(sample.label, "x");
    assert_string_equal(sample.file, "/etc/muster/a.csv");
    assert_int_equal(sample.port, 1161);
    assert_int_equal(sample.timeout.us, 60000000);
    assert_int_equal(sample.read_at.us, 10000000);
    assert_false(sample.active);
    assert_int_equal(sample.version, 2);
    assert_int_equal(sample.command.count, 2);
    assert_string_equal(sample.command.items[1], "-l");
    options_done(options, &sample);
}

static void test_a_program_with_a_slash_is_a_path(void **unused)
{
    static const char *const cases[][2] = {
        {"ls", "ls"}, {"./list", "/etc/muster/./list"}, {"/bin/ls", "/bin/ls"}};
    struct sample sample = {0};
    struct err err;
    bool exposed;
    const struct config_option *option = options_find(options, "program");
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *argv[] = {cases[i][0], "a/b"};
        assert_int_equal(option_parse(option, "program", argv, 2, &place, &sample, &exposed, &err),
                         0);
        assert_string_equal(sample.program.items[0], cases[i][1]);
        assert_string_equal(sample.program.items[1], "a/b");
    }
    assert_int_equal(set(&sample, "program", "", &err), ERR_SYNTAX);
    options_done(options, &sample);
}

static void test_messages_name_file_line_key_and_shape(void **unused)
{
    static const struct {
        const char *key, *value, *says;
        int code;
    } cases[] = {
        {"port", "http",
         "muster.yaml:12: port: found \"http\", expected a whole number from 1 to 65535",
         ERR_SYNTAX},
        {"port", "0", "from 1 to 65535", ERR_RANGE},
        {"port", "99999999999999999999", "65535", ERR_RANGE},
        {"timeout", "soon", "a time span such as 30s or 5min, from 1 ms to 1 min 0 s", ERR_SYNTAX},
        {"read_at", "noon", "RFC 3339", ERR_SYNTAX},
        {"active", "maybe", "yes or no", ERR_SYNTAX},
        {"version", "4", "one of 1, 2c, 3", ERR_SYNTAX},
        {"file", "", "expected a path", ERR_SYNTAX},
    };
    struct sample sample = {0};
    options_init(options, &sample);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct err err;
        assert_int_equal(set(&sample, cases[i].key, cases[i].value, &err), cases[i].code);
        if (strstr(err.text, cases[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].says);
    }
    assert_int_equal(sample.port, 161);
    options_done(options, &sample);
}

static void test_a_list_is_refused_where_one_value_belongs(void **unused)
{
    struct sample sample = {0};
    struct err err;
    const char *two[] = {"1", "2"};
    bool exposed;
    options_init(options, &sample);
    const struct config_option *port = options_find(options, "port");
    assert_int_equal(option_parse(port, "port", two, 2, &place, &sample, &exposed, &err),
                     ERR_SYNTAX);
    assert_int_equal(option_parse(port, "port", two, 0, &place, &sample, &exposed, &err),
                     ERR_SYNTAX);
    options_done(options, &sample);
}

static void test_secrets_come_from_files_or_the_environment(void **unused)
{
    char path[] = "/tmp/muster-secret-XXXXXX";
    struct sample sample = {0};
    struct err err;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "s3cret\n", 7), 7);
    close(fd);
    options_init(options, &sample);
    assert_int_equal(set(&sample, "community_file", path, &err), 0);
    assert_string_equal(sample.secret, "s3cret");
    assert_int_equal(set(&sample, "community", "hunter2", &err), ERR_DENIED);
    assert_null(strstr(err.text, "hunter2"));
    assert_non_null(strstr(err.text, "community_file"));
    setenv("MUSTER_TEST_SECRET", "fromenv", 1);
    unsetenv("MUSTER_TEST_ABSENT");
    assert_int_equal(set(&sample, "community", "${MUSTER_TEST_SECRET}", &err), 0);
    assert_string_equal(sample.secret, "fromenv");
    assert_int_equal(set(&sample, "community", "${MUSTER_TEST_ABSENT}", &err), ERR_NOT_FOUND);
    assert_int_equal(set(&sample, "community_file", "/nonexistent", &err), ERR_NOT_FOUND);
    options_done(options, &sample);
    assert_null(sample.secret);
    unlink(path);
}

static void test_unknown_keys_find_their_neighbours(void **unused)
{
    static const char *const common[] = {"type", "name", NULL};
    struct err err;
    assert_null(options_find(options, "prot"));
    assert_int_equal(option_unknown(options, common, "prot", &place, &err), ERR_NOT_FOUND);
    assert_string_equal(err.text, "muster.yaml:12: prot: unknown key; did you mean port?");
    option_unknown(options, common, "nmae", &place, &err);
    assert_non_null(strstr(err.text, "did you mean name?"));
    option_unknown(options, common, "auth_password", &place, &err);
    assert_non_null(strstr(err.text, "NAME_file"));
    option_unknown(options, common, "zzzzzzzz", &place, &err);
    assert_non_null(strstr(err.text, "known here: type, name, label, file"));
}

static void test_equal_values_are_equal_whatever_they_stand_in(void **unused)
{
    static const char *const changes[][2] = {{"label", "x"},
                                             {"file", "elsewhere"},
                                             {"port", "162"},
                                             {"timeout", "6s"},
                                             {"read_at", "2026-11-23T12:00:00Z"},
                                             {"active", "no"},
                                             {"version", "3"},
                                             {"command", "a"}};
    struct sample a = {0}, b = {0};
    struct err err;
    options_init(options, &a);
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        options_init(options, &b);
        assert_true(options_equal(options, &a, &b));
        assert_int_equal(set(&b, changes[i][0], changes[i][1], &err), 0);
        assert_false(options_equal(options, &a, &b));
        assert_int_equal(set(&a, changes[i][0], changes[i][1], &err), 0);
        assert_true(options_equal(options, &a, &b));
        options_done(options, &a);
        options_init(options, &a);
        options_done(options, &b);
    }
    options_done(options, &a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_set),
        cmocka_unit_test(test_default_paths_start_at_the_file),
        cmocka_unit_test(test_values_reach_their_fields),
        cmocka_unit_test(test_a_program_with_a_slash_is_a_path),
        cmocka_unit_test(test_messages_name_file_line_key_and_shape),
        cmocka_unit_test(test_a_list_is_refused_where_one_value_belongs),
        cmocka_unit_test(test_secrets_come_from_files_or_the_environment),
        cmocka_unit_test(test_equal_values_are_equal_whatever_they_stand_in),
        cmocka_unit_test(test_unknown_keys_find_their_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
