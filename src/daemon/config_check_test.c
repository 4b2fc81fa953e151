/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/clock.h"
#include "io/file.h"
#include "io/loop.h"

/* A folder with one file `there` and one folder `folder`, and the configuration in it. */
struct stage {
    char folder[64];
    struct config *config;
    struct config_report report;
};

static void put(const struct stage *stage, const char *name, const char *bytes)
{
    char path[128];
    struct err err;
    snprintf(path, sizeof path, "%s/%s", stage->folder, name);
    assert_int_equal(file_write(path, bytes, strlen(bytes), 0600, &err), 0);
}

static void remove_entry(const struct stage *stage, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", stage->folder, name);
    assert_int_equal(remove(path), 0);
}

static int set_up(void **state)
{
    static struct stage stage;
    char path[128];
    stage = (struct stage){.folder = "/tmp/config-check-XXXXXX"};
    assert_non_null(mkdtemp(stage.folder));
    put(&stage, "there", "secret\n");
    snprintf(path, sizeof path, "%s/folder", stage.folder);
    assert_int_equal(mkdir(path, 0700), 0);
    *state = &stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    config_report_done(&stage->report);
    config_free(stage->config);
    remove_entry(stage, "there");
    remove_entry(stage, "folder");
    remove_entry(stage, "muster.yaml");
    assert_int_equal(rmdir(stage->folder), 0);
    return 0;
}

static void load(struct stage *stage, const char *text)
{
    char path[128];
    put(stage, "muster.yaml", text);
    snprintf(path, sizeof path, "%s/muster.yaml", stage->folder);
    assert_int_equal(config_load(path, &stage->config, &stage->report), 0);
    assert_int_equal(stage->report.error_count, 0); /* what is missing is no error of the text */
}

static void check(struct stage *stage)
{
    struct env env = {
        .loop = loop_new(), .run_states = stage->config->run_states, .now = clock_env_now};
    config_check(stage->config, &env, &stage->report);
    loop_free(env.loop);
}

static void says(const struct text *lines, const char *what)
{
    if (strstr(text_get(lines), what) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text_get(lines), what);
}

static void what_is_there_is_no_error(void **state)
{
    struct stage *stage = *state;
    load(stage, "store: folder/muster.db\n"
                "recorded:\n"
                "  - {type: csv, guests: there}\n"
                "  - {type: exec, command: [sh, -c, true], directory: folder}\n"
                "events:\n"
                "  - {type: announce, file: there}\n"
                "daemon: {user: root, group: root, socket: folder/s}\n");
    check(stage);
    assert_string_equal(text_get(&stage->report.errors), "");
}

/* A default names nothing: nobody wrote it. */
static void what_nobody_wrote_is_not_looked_for(void **state)
{
    struct stage *stage = *state;
    load(stage, "observed:\n  - {type: ovs, switch: o1}\n");
    check(stage);
    assert_string_equal(text_get(&stage->report.errors), "");
}

static void each_line_names_place_reason_and_what_follows(void **state)
{
    struct stage *stage = *state;
    load(stage, "store: nowhere/muster.db\n"
                "recorded:\n"
                "  - {type: csv, guests: no.csv,\n"
                "     attachments: folder}\n"
                "  - {type: exec, command: [no-such-program, -v], directory: there}\n"
                "  - {type: exec, name: e2, command: [./no]}\n"
                "observed:\n"
                "  - {type: recording, switch: r1, file: r1.snmprec}\n"
                "events:\n"
                "  - {type: announce, file: no.pcap}\n"
                "daemon: {user: no-such-user, group: no-such-group}\n");
    check(stage);
    const struct text *errors = &stage->report.errors;
    assert_int_equal(stage->report.error_count, 10);
    says(errors, "muster.yaml:1: store: ");
    says(errors, "/nowhere: no such file or folder; the store cannot be written\n");
    says(errors, "muster.yaml:3: guests: ");
    says(errors, "/no.csv: no such file or folder; while that is so, the last good copy");
    says(errors, "muster.yaml:4: attachments: ");
    says(errors, "/folder: Is a directory; ");
    says(errors, "muster.yaml:5: command: no-such-program: there is no such program in PATH; ");
    says(errors, "muster.yaml:5: directory: ");
    says(errors, "/there: Not a directory; ");
    says(errors, "muster.yaml:6: command: ");
    says(errors, "/r1.snmprec: no such file or folder; while that is so, this switch counts as not "
                 "read\n");
    says(errors, "/no.pcap: no such file or folder; while that is so, nothing is heard of this");
    says(errors, "muster.yaml:11: user: no-such-user: there is no such user; musterd would not ");
    says(errors, "muster.yaml:11: group: no-such-group: there is no such group; musterd would");
}

/* What a plug-in refuses is said once, by the plug-in. */
static void nothing_is_said_twice(void **state)
{
    struct stage *stage = *state;
    load(stage, "events:\n"
                "  - {type: radius, client: 127.0.0.1, secret_file: there, clients: no.csv}\n");
    check(stage);
    assert_int_equal(stage->report.error_count, 1);
    says(&stage->report.errors, "muster.yaml:2: radius: ");
}

static void the_daemon_is_only_warned(void **state)
{
    struct stage *stage = *state;
    load(stage, "recorded:\n  - {type: csv, guests: no.csv}\n");
    config_warn_missing(stage->config, &stage->report);
    assert_int_equal(stage->report.error_count, 0);
    assert_int_equal(stage->report.warning_count, 1);
    says(&stage->report.warnings, "muster.yaml:2: guests: ");
}

int main(void)
{
#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ON_STAGE(what_is_there_is_no_error),
        ON_STAGE(what_nobody_wrote_is_not_looked_for),
        ON_STAGE(each_line_names_place_reason_and_what_follows),
        ON_STAGE(nothing_is_said_twice),
        ON_STAGE(the_daemon_is_only_warned),
    };
#undef ON_STAGE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
