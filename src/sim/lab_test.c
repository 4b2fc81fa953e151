/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/recordings.h"
#include "sim/site.h"

/* The simulator asked by net-snmp's own tools: a second implementation of the
 * protocol decides whether ours is right. Skipped where they are not installed. */

enum { SKIPPED = 77, PORTS = 20000 };

#define FDB_Q      "1.3.6.1.2.1.17.7.1.2.2.1.2"
#define FDB_BRIDGE "1.3.6.1.2.1.17.4.3.1.2"
#define SYS_NAME   "1.3.6.1.2.1.1.5.0"
#define V3                                                                                         \
    "-v3 -u muster -l authPriv -a SHA-256 -A simulated-authentication -x AES -X "                  \
    "simulated-privacy"

static struct wall now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (struct wall){(int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000};
}

/* Runs a tool and returns how many lines it printed; the text is in `output`. */
static char output[1 << 20];

static unsigned run(const char *tool, const char *options, unsigned address, uint16_t port,
                    const char *oids)
{
    char command[512];
    snprintf(command, sizeof(command), "%s -m '' -t 1 -r 1 %s -On -Oq 127.18.0.%u:%u %s 2>&1", tool,
             options, address, port, oids);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t length = fread(output, 1, sizeof(output) - 1, pipe);
    output[length] = 0;
    pclose(pipe);
    unsigned lines = 0;
    for (const char *at = output; *at; at++)
        lines += *at == '\n';
    return lines;
}

static uint16_t own_port(void)
{
    return (uint16_t)(PORTS + getpid() % PORTS);
}

struct lab {
    struct sim_site *site;
    struct sim_child child;
    char control[64], directory[64];
};

static void set_up_site(struct lab *lab)
{
    struct datacentre_shape shape;
    datacentre_shape_init(&shape);
    shape.start = now();
    struct sim_site_config config = {.first_address = 0x7f120001, .port = own_port()};
    struct sim_server *server = sim_server_new();
    struct err err = {0};
    snprintf(lab->control, sizeof(lab->control), "/tmp/muster-sim-lab-%d", getpid());
    assert_int_equal(
        sim_site_new(datacentre_new(&shape), &config, server, shape.start, &lab->site, &err), 0);
    assert_int_equal(sim_server_control(server, lab->control, &err), 0);
    strcpy(lab->directory, "/tmp/muster-sim-lab-XXXXXX");
    assert_non_null(mkdtemp(lab->directory));
    sim_site_keep_records(lab->site, server, lab->directory);
    assert_int_equal(sim_child_start(server, &lab->child, &err), 0);
    sim_server_free(server);
}

static void tear_down_site(struct lab *lab)
{
    sim_child_stop(&lab->child);
    assert_int_not_equal(access(lab->control, F_OK), 0);
    sim_site_free(lab->site);
    char path[128];
    snprintf(path, sizeof(path), "rm -r %s", lab->directory);
    assert_int_equal(system(path), 0);
}

static void command(struct lab *lab, const char *line)
{
    AUTO_TEXT struct text reply = TEXT_EMPTY;
    struct err err = {0};
    int error = sim_control_send(lab->control, line, span_seconds(5), &reply, &err);
    if (error)
        print_error("%s: %s\n", line, err.text);
    assert_int_equal(error, 0);
}

static size_t learned_rows(struct lab *lab, uint32_t switch_index)
{
    size_t rows;
    free(datacentre_forward(sim_site_datacentre(lab->site, now()), switch_index, &rows));
    return rows;
}

static void every_version_walks_the_same_table(void **state)
{
    struct lab lab = {0};
    set_up_site(&lab);
    uint16_t port = own_port();
    for (uint32_t i = 0; i < 3; i++) {
        size_t rows = learned_rows(&lab, i);
        assert_true(rows > 40);
        assert_int_equal(run("snmpwalk", "-v1 -c public", i + 1, port, FDB_Q), rows);
        assert_int_equal(run("snmpbulkwalk", "-v2c -c public -Cr7", i + 1, port, FDB_Q), rows);
        assert_int_equal(run("snmpbulkwalk", "-v2c -c public -Cr200", i + 1, port, FDB_Q), rows);
        assert_int_equal(run("snmpbulkwalk", V3, i + 1, port, FDB_Q), rows);
    }
    assert_int_equal(run("snmpget", V3, 1, port, SYS_NAME), 1);
    assert_non_null(strstr(output, "core1"));
    tear_down_site(&lab);
}

static void contexts_hold_one_vlan_each(void **state)
{
    struct lab lab = {0};
    set_up_site(&lab);
    uint16_t port = own_port();
    size_t all = learned_rows(&lab, 3), sum = 0;
    for (unsigned vlan = 10; vlan <= 50; vlan += 10) {
        char options[200];
        snprintf(options, sizeof(options), "-v2c -c public@%u", vlan);
        unsigned rows = run("snmpbulkwalk", options, 4, port, FDB_BRIDGE);
        sum += rows;
        snprintf(options, sizeof(options), "%s -n vlan-%u", V3, vlan);
        assert_int_equal(run("snmpbulkwalk", options, 4, port, FDB_BRIDGE), rows);
    }
    assert_int_equal(sum, all);
    run("snmpbulkwalk", V3 " -n vlan-77", 4, port, FDB_BRIDGE);
    assert_non_null(strstr(output, "Bad context"));
    tear_down_site(&lab);
}

static void wrong_credentials_are_told_as_real_agents_do(void **state)
{
    struct lab lab = {0};
    set_up_site(&lab);
    uint16_t port = own_port();
    static const struct {
        const char *options, *says;
    } cases[] = {
        {"-v2c -c private -t 0.1 -r 0", "Timeout"},
        {"-v3 -u nobody -l noAuthNoPriv", "Unknown user name"},
        {"-v3 -u muster -l noAuthNoPriv", "authorizationError"},
        {"-v3 -u muster -l authPriv -a SHA-256 -A wrong-password -x AES -X simulated-privacy",
         "Authentication failure"},
        {"-v3 -u muster -l authPriv -a SHA-256 -A simulated-authentication -x AES -X "
         "wrong-password",
         "Decryption error"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        run("snmpget", cases[i].options, 1, port, SYS_NAME);
        assert_non_null(strstr(output, cases[i].says));
    }
    run("snmpset", "-v2c -c public", 1, port, SYS_NAME " s changed");
    assert_non_null(strstr(output, "notWritable"));
    tear_down_site(&lab);
}

static void faults_show_to_real_clients(void **state)
{
    struct lab lab = {0};
    set_up_site(&lab);
    uint16_t port = own_port();
    const char *v2 = "-v2c -c public -t 0.2 -r 0";
    command(&lab, "fault core1 dead");
    run("snmpget", v2, 1, port, SYS_NAME);
    assert_non_null(strstr(output, "Timeout"));
    command(&lab, "fault core1 clear slow=100ms duplicate");
    assert_int_equal(run("snmpget", v2, 1, port, SYS_NAME), 1);
    assert_non_null(strstr(output, "core1"));
    command(&lab, "fault core1 slow=400ms");
    run("snmpget", v2, 1, port, SYS_NAME);
    assert_non_null(strstr(output, "Timeout"));
    command(&lab, "fault core1 clear looping=20");
    run("snmpbulkwalk", v2, 1, port, FDB_Q);
    assert_non_null(strstr(output, "OID not increasing"));
    command(&lab, "fault core1 clear wrong-id");
    run("snmpget", v2, 1, port, SYS_NAME);
    assert_non_null(strstr(output, "Timeout"));
    command(&lab, "fault core1 clear lossy=100");
    run("snmpget", v2, 1, port, SYS_NAME);
    assert_non_null(strstr(output, "Timeout"));
    command(&lab, "fault core1 clear rows=3000");
    assert_int_equal(run("snmpbulkwalk", "-v2c -c public -Cr50", 1, port, FDB_Q), 3000);
    command(&lab, "fault * clear");
    command(&lab, "event switch-dies core1");
    run("snmpget", v2, 1, port, SYS_NAME);
    assert_non_null(strstr(output, "Timeout"));
    tear_down_site(&lab);
}

static void commands_change_what_is_seen(void **state)
{
    struct lab lab = {0};
    set_up_site(&lab);
    uint16_t port = own_port();
    unsigned before = run("snmpbulkwalk", "-v2c -c public", 1, port, FDB_Q);
    command(&lab, "event unknown hv01");
    assert_int_equal(run("snmpbulkwalk", "-v2c -c public", 1, port, FDB_Q), before + 1);
    command(&lab, "event die hv02");
    command(&lab, "advance 400s");
    assert_true(run("snmpbulkwalk", "-v2c -c public", 1, port, FDB_Q) < before);
    AUTO_TEXT struct text reply = TEXT_EMPTY;
    struct err err = {0};
    assert_int_equal(sim_control_send(lab.control, "truth", span_seconds(5), &reply, &err), 0);
    assert_non_null(strstr(text_get(&reply), "hypervisor_silent hv02"));
    assert_non_null(strstr(text_get(&reply), "unknown_guest - "));
    assert_int_equal(sim_control_send(lab.control, "explode", span_seconds(5), &reply, &err),
                     ERR_PROTOCOL);
    assert_non_null(strstr(err.text, "explode"));
    tear_down_site(&lab);
}

static void records_follow_what_happens(void **state)
{
    struct lab lab = {0};
    set_up_site(&lab);
    char path[128], content[1 << 15];
    snprintf(path, sizeof(path), "%s/guests.csv", lab.directory);
    command(&lab, "event conflict web01 hv02");
    FILE *file = NULL;
    for (int tries = 0; !file && tries < 100; tries++) {
        struct timespec pause = {0, 10000000};
        nanosleep(&pause, NULL);
        file = fopen(path, "r");
    }
    assert_non_null(file);
    content[fread(content, 1, sizeof(content) - 1, file)] = 0;
    fclose(file);
    assert_non_null(strstr(content, "\nhv01,web01,"));
    assert_non_null(strstr(content, "\nhv02,web01,"));
    tear_down_site(&lab);
}

static void recordings_answer_what_was_recorded(void **state)
{
    char path[64], vlan_path[64];
    snprintf(path, sizeof(path), "/tmp/muster-lab-%d.snmprec", getpid());
    snprintf(vlan_path, sizeof(vlan_path), "/tmp/muster-lab-%d@20.snmprec", getpid());
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "1.3.6.1.2.1.1.3.0|67|1000\n1.3.6.1.2.1.1.5.0|4|old-switch\n");
    for (int i = 0; i < 5; i++)
        fprintf(file, "1.3.6.1.2.1.17.4.3.1.2.82.84.0.0.0.%d|2|%d\n", i, i + 1);
    fprintf(file, "1.3.6.1.2.1.31.1.1.1.1.1|4|p1\n");
    fclose(file);
    file = fopen(vlan_path, "w");
    assert_non_null(file);
    fprintf(file, "1.3.6.1.2.1.17.4.3.1.2.82.84.0.0.1.1|2|9\n1.3.6.1.2.1.31.1.1.1.1.1|4|p1\n");
    fclose(file);
    struct sim_server *server = sim_server_new();
    struct sim_recordings *recordings;
    struct sim_recordings_config config = {.first_address = 0x7f120001, .port = own_port()};
    struct sim_child child;
    struct err err = {0};
    const char *paths[] = {path};
    assert_int_equal(sim_recordings_new(paths, 1, &config, server, now(), &recordings, &err), 0);
    assert_int_equal(sim_recordings_count(recordings), 1);
    assert_int_equal(sim_child_start(server, &child, &err), 0);
    assert_int_equal(run("snmpbulkwalk", "-v2c -c public", 1, own_port(), "1"), 8 + 1);
    assert_int_equal(run("snmpbulkwalk", "-v2c -c public", 1, own_port(), FDB_BRIDGE), 5);
    assert_int_equal(run("snmpbulkwalk", "-v2c -c public@20", 1, own_port(), FDB_BRIDGE), 1);
    assert_int_equal(run("snmpwalk", V3 " -n vlan-20", 1, own_port(), FDB_BRIDGE), 1);
    assert_int_equal(run("snmpget", "-v1 -c public", 1, own_port(), SYS_NAME), 1);
    assert_non_null(strstr(output, "old-switch"));
    sim_child_stop(&child);
    sim_server_free(server);
    sim_recordings_free(recordings);
    unlink(path);
    unlink(vlan_path);
}

int main(void)
{
    if (system("command -v snmpbulkwalk >/dev/null && command -v snmpset >/dev/null") != 0) {
        puts("skipped: net-snmp's tools (package snmp) are not installed");
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_walks_the_same_table),
        cmocka_unit_test(contexts_hold_one_vlan_each),
        cmocka_unit_test(wrong_credentials_are_told_as_real_agents_do),
        cmocka_unit_test(faults_show_to_real_clients),
        cmocka_unit_test(commands_change_what_is_seen),
        cmocka_unit_test(records_follow_what_happens),
        cmocka_unit_test(recordings_answer_what_was_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
