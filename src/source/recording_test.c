/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "contract/job.h"
#include "contract/option.h"
#include "io/loop.h"
#include "source/decode_recording.h"
#include "source/forward_csv.h"
#include "source/recording.h"
#include "source/recording_file.h"

static char directory[] = "/tmp/muster-recording-XXXXXX";
static struct quirk_table *quirks;

static int set_up(void **state)
{
    (void)state;
    struct err err;
    assert_non_null(mkdtemp(directory));
    return recording_quirks(NULL, &quirks, &err);
}

static int tear_down(void **state)
{
    (void)state;
    quirk_table_free(quirks);
    return rmdir(directory);
}

static char *path_of(const char *name)
{
    struct text path = TEXT_EMPTY;
    text_printf(&path, "%s/%s", directory, name);
    return text_take(&path);
}

static void write_file(const char *name, const char *text)
{
    AUTO_FREE char *path = path_of(name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    assert_int_equal(fclose(out), 0);
}

static void remove_file(const char *name)
{
    AUTO_FREE char *path = path_of(name);
    assert_int_equal(unlink(path), 0);
}

#define WALK                                                                                       \
    ".1.3.6.1.2.1.1.2.0 = OID: .1.3.6.1.4.1.99999.1\n"                                             \
    ".1.3.6.1.2.1.1.5.0 = STRING: core1\n"                                                         \
    ".1.3.6.1.2.1.17.1.4.1.2.1 = INTEGER: 101\n"                                                   \
    ".1.3.6.1.2.1.31.1.1.1.1.101 = STRING: ge-0/0/1.0\n"                                           \
    ".1.3.6.1.2.1.31.1.1.1.1.50 = STRING: ge-0/0/1\n"                                              \
    ".1.3.6.1.2.1.31.1.1.1.1.60 = STRING: ae0\n"                                                   \
    ".1.3.6.1.2.1.31.1.1.1.1.61 = STRING: ae0.0\n"                                                 \
    ".1.3.6.1.2.1.31.1.1.1.1.70 = STRING: nve1\n"                                                  \
    ".1.3.6.1.2.1.31.1.2.1.3.61.101 = INTEGER: 1\n"                                                \
    ".1.3.6.1.2.1.17.4.2.0 = INTEGER: 300\n"                                                       \
    ".1.3.6.1.2.1.17.1.1.0 = Hex-STRING: 02 00 00 00 00 01\n"                                      \
    ".1.3.6.1.2.1.17.4.3.1.2.82.84.0.0.0.1 = INTEGER: 1\n"                                         \
    ".1.3.6.1.2.1.17.4.3.1.2.82.84.0.0.0.2 = INTEGER: 1\n"                                         \
    ".1.3.6.1.2.1.17.7.1.2.2.1.2.10.82.84.0.0.0.1 = INTEGER: 1\n"                                  \
    ".1.3.6.1.2.1.17.7.1.2.2.1.3.10.82.84.0.0.0.1 = INTEGER: 3\n"                                  \
    ".1.3.6.1.2.1.17.7.1.2.2.1.2.10.82.84.0.0.0.3 = INTEGER: 0\n"

static struct forward_table *read_table(const char *name, const char *switch_name)
{
    AUTO_FREE char *path = path_of(name);
    const struct recording_options options = {
        .switch_name = switch_name,
        .path = path,
        .site = "default",
        .read_at = WALL_UNKNOWN,
        .quirks = quirks,
    };
    struct forward_table *table = NULL;
    struct err err = {0};
    if (recording_read(&options, &table, &err) != 0)
        fail_msg("%s", err.text);
    return table;
}

static void expect_error(const char *name, const char *said)
{
    AUTO_FREE char *path = path_of(name);
    const struct recording_options options = {
        .path = path, .site = "default", .read_at = WALL_UNKNOWN, .quirks = quirks};
    struct forward_table *table = NULL;
    struct err err = {0};
    assert_true(recording_read(&options, &table, &err) < 0);
    assert_null(table);
    if (strstr(err.text, said) == NULL)
        fail_msg("said \"%s\", not \"%s\"", err.text, said);
}

static void a_walk_becomes_a_forward_table(void **state)
{
    (void)state;
    write_file("sw.txt", WALK);
    struct forward_table *table = read_table("sw.txt", NULL);
    remove_file("sw.txt");
    assert_string_equal(table->switch_name, "core1");
    assert_true(table->whole);
    assert_int_equal(table->ageing.us, 300000000);
    assert_true(wall_known(table->started));
    assert_int_equal(table->own_mac_count, 1);
    /* dot1d's row of the MAC that Q-BRIDGE places is not kept, the other is. */
    assert_int_equal(table->row_count, 3);
    uint32_t unit = forward_table_find_port(table, "#101"),
             port = forward_table_find_port(table, "#50");
    uint32_t aggregate = forward_table_find_port(table, "ae0");
    for (size_t i = 0; i < table->row_count; i++) {
        const struct forward_row *row = &table->rows[i];
        uint64_t mac = forward_row_mac(row).bits & 0xff;
        size_t vlans;
        (void)vlan_pool_get(table->vlans, row->vlan, &vlans);
        assert_int_equal(row->port, mac == 3 ? FORWARD_NO_PORT : unit);
        assert_int_equal(vlans, mac == 2 ? 0 : 1);
        assert_int_equal(forward_row_status(row), mac == 1 ? FORWARD_LEARNED : FORWARD_UNREAD);
    }
    /* The unit, its port, the aggregate's unit and the aggregate are one place. */
    assert_int_equal(table->ports[unit].aggregate, table->ports[port].aggregate);
    assert_int_equal(table->ports[unit].aggregate, table->ports[aggregate].aggregate);
    assert_true(table->ports[forward_table_find_port(table, "nve1")].tunnel);
    assert_false(table->ports[port].tunnel);
    forward_table_free(table);
}

static void contexts_beside_the_file_belong_to_it(void **state)
{
    (void)state;
    write_file("sw.txt", ".1.3.6.1.2.1.17.4.3.1.2.2.0.0.0.0.9 = INTEGER: 5\n");
    write_file("sw.vlan10.txt", ".1.3.6.1.2.1.17.4.3.1.2.2.0.0.0.0.1 = INTEGER: 5\n"
                                ".1.3.6.1.2.1.17.1.4.1.2.5 = INTEGER: 501\n");
    write_file("sw@20.snmprec", "1.3.6.1.2.1.17.4.3.1.2.2.0.0.0.0.1|2|5\n");
    write_file("sw2.vlan30.txt", ".1.3.6.1.2.1.17.4.3.1.2.2.0.0.0.0.1 = INTEGER: 5\n");
    struct forward_table *table = read_table("sw.txt", "x");
    assert_string_equal(table->switch_name, "x");
    assert_int_equal(table->row_count, 3);
    assert_int_equal(table->receipt_count, 3);
    forward_table_free(table);
    table = read_table("sw2.txt", NULL); /* only its context exists */
    assert_string_equal(table->switch_name, "sw2");
    assert_int_equal(table->row_count, 1);
    forward_table_free(table);
    remove_file("sw.txt");
    remove_file("sw.vlan10.txt");
    remove_file("sw@20.snmprec");
    remove_file("sw2.vlan30.txt");
}

static void names_tell_the_contexts(void **state)
{
    (void)state;
    static const struct {
        const char *path, *stem;
        uint32_t vlan;
    } cases[] = {
        {"/a/sw1.snmprec", "sw1", 0},
        {"/a.b/192.0.2.1-walk.txt", "192.0.2.1-walk", 0},
        {"sw1.vlan10.txt", "sw1", 10},
        {"sw1.VLAN10", "sw1", 10},
        {"sw1@4094.snmprec", "sw1", 4094},
        {"sw1@4095.snmprec", "sw1@4095", 0},
        {"sw1.vlanx.txt", "sw1.vlanx", 0},
        {"NMM-R1.snmpwalk.txt", "NMM-R1", 0},
        {".vlan7.txt", ".vlan7", 0},
        {"sw1.example.net", "sw1.example.net", 0},
        {"", "", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint32_t vlan;
        AUTO_FREE char *stem = recording_file_stem(cases[i].path, &vlan);
        assert_string_equal(stem, cases[i].stem);
        assert_int_equal(vlan, cases[i].vlan);
    }
}

static void what_is_no_forward_table_is_said(void **state)
{
    (void)state;
    expect_error("missing.txt", "missing.txt: opening the recording: No such file");
    write_file("bad", "");
    expect_error("bad", "the recording is empty");
    write_file("bad", "Timeout: No Response from 192.0.2.1\n");
    expect_error("bad", "No Response from 192.0.2.1");
    write_file("bad", "{\"json\": true}\n");
    expect_error("bad", "bad:1: not a recording: expected OID|tag|value");
    write_file("bad", "BRIDGE-MIB::dot1dTpFdbPort.'..n.E.' = INTEGER: 3\n");
    expect_error("bad", "snmpwalk -On");
    write_file("bad", ".1.3.6.1.2.1.1.5.0 = STRING: sw1\n");
    expect_error("bad", "no forward table");
    remove_file("bad");
}

static void a_damaged_recording_is_not_whole(void **state)
{
    (void)state;
    write_file("sw.txt", WALK "Timeout: No Response from 192.0.2.1\n");
    struct forward_table *table = read_table("sw.txt", NULL);
    assert_false(table->whole);
    assert_non_null(strstr(table->receipts[0].why_not, "ended early: Timeout"));
    forward_table_free(table);
    remove_file("sw.txt");
}

static void csv_of_a_site_gives_a_chain(void **state)
{
    (void)state;
    write_file("t1.csv", "switch,port,vlan,mac,status,age,read_at\n"
                         "sw1,Gi1,10,52:54:00:00:00:01,learned,12,2026-01-02T00:00:00Z\n"
                         "sw2,Gi1,10|20,5254.0000.0002,,,2026-01-02T00:00:05Z\n"
                         "sw1,Gi2,,52-54-00-00-00-03,self,,2026-01-02T00:00:09Z\n"
                         "sw1,,trunk,52:54:00:00:00:04,,99999,\n");
    struct forward_table *table = read_table("t1.csv", NULL);
    assert_string_equal(table->switch_name, "sw1");
    assert_int_equal(table->row_count, 3);
    assert_int_equal(table->port_count, 2);
    assert_int_equal(table->rows[0].age, 12);
    assert_int_equal(table->rows[1].age, FORWARD_AGE_UNKNOWN);
    assert_int_equal(forward_row_status(&table->rows[1]), FORWARD_SELF);
    assert_int_equal(table->rows[1].vlan, VLAN_SET_UNKNOWN);
    assert_int_equal(table->rows[2].vlan, VLAN_SET_TRUNK);
    assert_int_equal(table->rows[2].port, FORWARD_NO_PORT);
    assert_int_equal(table->ended.us - table->started.us, 9000000);
    assert_true(table->whole);
    struct forward_table *second = table->next;
    assert_non_null(second);
    assert_string_equal(second->switch_name, "sw2");
    assert_int_equal(forward_row_mac(&second->rows[0]).bits, UINT64_C(0x525400000002));
    assert_null(second->next);
    forward_table_free(table);
    table = read_table("t1.csv", "sw2");
    assert_string_equal(table->switch_name, "sw2");
    assert_null(table->next);
    forward_table_free(table);
    remove_file("t1.csv");
}

static void csv_errors_name_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"port,mac\n1,zz\n", "t1.csv:2: column 2 (mac) is \"zz\": expected a MAC"},
        {"port,mac,vlan\n1,52:54:00:00:00:01,5000\n", "column 3 (vlan) is \"5000\""},
        {"port,mac,status\n1,52:54:00:00:00:01,x\n", "expected learned, self"},
        {"port,mac,age\n1,52:54:00:00:00:01,x\n", "expected seconds"},
        {"port,mac,read_at\n1,52:54:00:00:00:01,noon\n", "expected a time in RFC 3339"},
        {"port,mac\n", "no forward entry"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        write_file("t1.csv", cases[i].text);
        expect_error("t1.csv", cases[i].said);
    }
    remove_file("t1.csv");
}

static void decoding_prints_every_row_of_every_table(void **state)
{
    (void)state;
    write_file("sw.txt", WALK);
    AUTO_FREE char *path = path_of("sw.txt");
    const char *paths[] = {path};
    char *printed = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&printed, &length);
    struct decode_counts counts = {0};
    struct err err;
    assert_int_equal(decode_recording(paths, 1, quirks, out, &counts, &err), 0);
    assert_int_equal(fclose(out), 0);
    remove_file("sw.txt");
    assert_int_equal(counts.entries, 4);
    assert_int_equal(counts.lag_members, 1);
    assert_non_null(strstr(
        printed, "{\"type\":\"forward_entry\",\"table\":\"dot1q\",\"switch\":\"core1\","
                 "\"context\":\"\",\"vlan\":[10],\"fdb_id\":10,\"mac\":\"52:54:00:00:00:01\","
                 "\"bridge_port\":1,\"if_index\":101,\"if_name\":\"ge-0/0/1.0\","
                 "\"status\":\"learned\",\"notes\":[\"noVlanCur\"]}\n"));
    assert_non_null(strstr(printed,
                           "\"bridge_port\":0,\"if_index\":null,\"if_name\":null,"
                           "\"status\":null,\"notes\":[\"tornS\",\"noVlanCur\",\"port0\"]"));
    free(printed);
}

/* --- the source --- */

struct outcome {
    struct forward_table *table;
    struct err err;
    int ends;
};

static void on_end(void *aux, struct forward_table *table, const struct err *err)
{
    struct outcome *outcome = aux;
    outcome->table = table;
    outcome->ends++;
    if (err != NULL)
        outcome->err = *err;
}

static struct wall fake_now(void *clock)
{
    (void)clock;
    return (struct wall){1};
}

static void the_source_ends_each_job_once(void **state)
{
    (void)state;
    const struct observed_source_class *class = &observed_recording;
    struct loop *loop = loop_new();
    struct env env = {.loop = loop, .now = fake_now};
    struct err err;
    AUTO_FREE void *config = alloc_zeroed(1, class->plug.config_size);
    AUTO_FREE void *source = alloc_zeroed(1, class->plug.state_size);
    options_init(class->plug.options, config);
    char *path = path_of("sw.txt"); /* the configuration's from here on */
    for (const struct config_option *option = class->plug.options; option->name != NULL; option++)
        if (strcmp(option->name, "file") == 0)
            memcpy((char *)config + option->offset, &path, sizeof path);
    assert_int_equal(class->plug.construct(source, config, &env, &err), 0);

    write_file("sw.txt", WALK);
    struct outcome outcome = {0};
    struct observed_job *job = observed_job_new("sw", on_end, NULL, &outcome);
    assert_int_equal(class->fetch(source, job, &err), 0);
    assert_int_equal(outcome.ends, 0); /* never before fetch has returned */
    loop_run(loop);
    assert_int_equal(outcome.ends, 1);
    assert_non_null(outcome.table);
    forward_table_free(outcome.table);

    remove_file("sw.txt");
    outcome = (struct outcome){0};
    job = observed_job_new("sw", on_end, NULL, &outcome);
    assert_int_equal(class->fetch(source, job, &err), 0);
    loop_run(loop);
    assert_int_equal(outcome.ends, 1);
    assert_null(outcome.table);
    assert_non_null(strstr(outcome.err.text, "No such file"));

    outcome = (struct outcome){0};
    job = observed_job_new("sw", on_end, NULL, &outcome);
    assert_int_equal(class->fetch(source, job, &err), 0);
    class->cancel(source, job);
    observed_job_free(job);
    class->plug.destruct(source);
    loop_run(loop);
    assert_int_equal(outcome.ends, 0);
    loop_free(loop);
    options_done(class->plug.options, config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_becomes_a_forward_table),
        cmocka_unit_test(contexts_beside_the_file_belong_to_it),
        cmocka_unit_test(names_tell_the_contexts),
        cmocka_unit_test(what_is_no_forward_table_is_said),
        cmocka_unit_test(a_damaged_recording_is_not_whole),
        cmocka_unit_test(csv_of_a_site_gives_a_chain),
        cmocka_unit_test(csv_errors_name_line_and_column),
        cmocka_unit_test(decoding_prints_every_row_of_every_table),
        cmocka_unit_test(the_source_ends_each_job_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
