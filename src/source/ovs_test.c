/* SPDX-License-Identifier: Apache-2.0 */

/* The rules of ovs_table.h on made-up answers, and the whole source against a
 * scripted control socket in a thread of this test. */

#include "source/ovs.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "contract/job.h"
#include "io/loop.h"
#include "source/ovs_table.h"

static const struct option_list no_list = {NULL, 0};

#define HEADING " port  VLAN  MAC                Age\\n"

static const char ports_text[] = "netdev@ovs-netdev: hit:1 missed:2\\n"
                                 "  br0:\\n"
                                 "    br0 65534/1: (tap)\\n"
                                 "    vnet0 1/2: (system)\\n"
                                 "    eno1 2/3: (system)\\n"
                                 "    eno2 3/4: (system)\\n"
                                 "    pa 5/none: (patch: peer=pb)\\n"
                                 "    vx 6/7: (vxlan: remote_ip=192.0.2.9)\\n"
                                 "    vnet1 7/8: (system)\\n"
                                 "  br1:\\n"
                                 "    vnet2 1/9: (system)\\n";
static const char entries_text[] = HEADING "    1    10  52:54:00:00:00:01    3\\n"
                                           "    2     0  52:54:00:00:00:02  200\\n"
                                           "LOCAL     0  02:00:00:00:00:01    1\\n"
                                           "    7    20  52:54:00:00:00:03  static\\n"
                                           "    9    20  52:54:00:00:00:04    0\\n"
                                           "    1    10  01:00:5e:00:00:01    0\\n";
static const char bonds_text[] =
    "bond\\ttype\\trecircID\\tmembers\\nbond0\\tbalance-slb\\t0\\teno1, eno2\\n";
static const char statistics_text[] = "  Current/maximum MAC entries in the table: 5/8192\\n";
static const char database_reply[] =
    "{\"id\":1,\"result\":[{\"rows\":[{\"name\":\"br0\",\"other_config\":[\"map\","
    "[[\"mac-aging-time\",\"30\"]]]}]}],\"error\":null}";

static void reply(struct text *to, const char *escaped)
{
    text_printf(to, "{\"id\":1,\"result\":\"%s\",\"error\":null}", escaped);
}

static bool fake_hardware(const char *name)
{
    return strncmp(name, "eno", 3) == 0;
}

static struct ovs_reading sample(void)
{
    struct ovs_reading reading = {.asked = 6, .answered = 6};
    ovs_reading_add_bridge(&reading, "br0");
    reply(&reading.bridges[0].entries, entries_text);
    reply(&reading.bridges[0].statistics, statistics_text);
    reply(&reading.ports, ports_text);
    reply(&reading.bonds, bonds_text);
    text_add(&reading.database, database_reply);
    return reading;
}

static struct ovs_choice choose(void)
{
    return (struct ovs_choice){.switch_name = "hv1-ovs",
                               .site = "default",
                               .hypervisor = "hv1",
                               .uplinks = &no_list,
                               .ageing = span_us(-1),
                               .only = MAC_NONE,
                               .is_hardware = fake_hardware};
}

static struct forward_table *table_of(struct ovs_reading *reading, const struct ovs_choice *choice)
{
    struct forward_table *table = NULL;
    struct err err = {0};
    if (ovs_table_new(reading, choice, &table, &err) != 0)
        fail_msg("%s", err.text);
    ovs_reading_done(reading);
    return table;
}

static const struct forward_port *port_named(const struct forward_table *table, const char *name)
{
    for (size_t i = 0; i < table->port_count; i++) {
        if (strcmp(names_get(table->names, table->ports[i].name), name) == 0)
            return &table->ports[i];
    }
    fail_msg("no port %s", name);
    return &table->ports[0];
}

static const char *row_port(const struct forward_table *table, size_t row)
{
    return names_get(table->names, table->ports[table->rows[row].port].name);
}

static void test_rows_point_at_their_ports(void **state)
{
    struct ovs_reading reading = sample();
    struct ovs_choice choice = choose();
    struct forward_table *table = table_of(&reading, &choice);
    static const char *const expected[] = {"vnet0", "eno1", "br0", "vnet1", "port 9"};
    assert_int_equal(table->row_count, ARRAY_COUNT(expected));
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++)
        assert_string_equal(row_port(table, i), expected[i]);
    assert_int_equal(table->rows[0].age, 3);
    assert_int_equal(forward_row_status(&table->rows[0]), FORWARD_LEARNED);
    assert_int_equal(forward_row_status(&table->rows[3]), FORWARD_MGMT);
    size_t count;
    const uint32_t *vlans = vlan_pool_get(table->vlans, table->rows[0].vlan, &count);
    assert_int_equal(count, 1);
    assert_int_equal(vlans[0], 10);
    assert_int_equal(table->rows[1].vlan, VLAN_SET_UNKNOWN);
    assert_true(table->whole);
    assert_true(table->ageing.us == 30 * 1000000);
    assert_string_equal(table->hypervisor, "hv1");
    forward_table_free(table);
}

static void test_uplinks_by_kind_and_by_bond(void **state)
{
    struct ovs_reading reading = sample();
    struct ovs_choice choice = choose();
    struct forward_table *table = table_of(&reading, &choice);
    static const char *const outward[] = {"eno1", "eno2", "pa", "vx", "bond0"};
    static const char *const inward[] = {"vnet0", "vnet1", "br0"};
    for (size_t i = 0; i < ARRAY_COUNT(outward); i++)
        assert_true(port_named(table, outward[i])->uplink);
    for (size_t i = 0; i < ARRAY_COUNT(inward); i++)
        assert_false(port_named(table, inward[i])->uplink);
    assert_true(port_named(table, "vx")->tunnel);
    const struct forward_port *bond = port_named(table, "bond0");
    assert_int_equal(port_named(table, "eno1")->aggregate, bond - table->ports);
    assert_int_equal(port_named(table, "eno2")->aggregate, bond - table->ports);
    assert_int_equal(bond->aggregate, bond - table->ports);
    forward_table_free(table);
}

static void test_the_operators_uplinks_win(void **state)
{
    char *names[] = {(char[]){"vnet1"}};
    const struct option_list list = {names, 1};
    struct ovs_reading reading = sample();
    struct ovs_choice choice = choose();
    choice.uplinks = &list;
    struct forward_table *table = table_of(&reading, &choice);
    assert_true(port_named(table, "vnet1")->uplink);
    assert_false(port_named(table, "eno1")->uplink);
    forward_table_free(table);
    names[0] = (char[]){"eno9"};
    struct err err;
    reading = sample();
    assert_int_equal(ovs_table_new(&reading, &choice, &table, &err), ERR_NOT_FOUND);
    assert_string_equal(err.text, "uplink eno9 is no port of these bridges");
    ovs_reading_done(&reading);
}

static void test_a_full_or_unreadable_table_is_not_whole(void **state)
{
    struct ovs_reading reading = sample();
    struct ovs_choice choice = choose();
    text_clear(&reading.bridges[0].statistics);
    reply(&reading.bridges[0].statistics, "Current/maximum MAC entries in the table: 8192/8192\\n");
    struct forward_table *table = table_of(&reading, &choice);
    assert_false(table->whole);
    assert_non_null(strstr(table->receipts[0].why_not, "full (8192 entries)"));
    forward_table_free(table);

    reading = sample();
    text_clear(&reading.bridges[0].entries);
    reply(&reading.bridges[0].entries, HEADING "   what is this\\n");
    table = table_of(&reading, &choice);
    assert_false(table->whole);
    assert_int_equal(table->rejected_rows, 1);
    forward_table_free(table);
}

static void test_what_may_be_missing_and_what_not(void **state)
{
    struct ovs_reading reading = sample();
    struct ovs_choice choice = choose();
    text_clear(&reading.database);
    text_clear(&reading.bonds);
    text_clear(&reading.bridges[0].statistics);
    struct forward_table *table = table_of(&reading, &choice);
    assert_true(table->whole);
    assert_true(table->ageing.us == -1);
    forward_table_free(table);

    struct err err;
    reading = sample();
    text_clear(&reading.bridges[0].entries);
    text_add(&reading.bridges[0].entries, "{\"id\":1,\"error\":\"no such bridge\\n\"}");
    assert_int_equal(ovs_table_new(&reading, &choice, &table, &err), ERR_NOT_FOUND);
    assert_string_equal(err.text, "bridge br0: no such bridge");
    ovs_reading_done(&reading);
    reading = sample();
    text_clear(&reading.ports);
    assert_int_equal(ovs_table_new(&reading, &choice, &table, &err), ERR_PROTOCOL);
    ovs_reading_done(&reading);
}

static void test_a_probe_keeps_one_address(void **state)
{
    struct ovs_reading reading = sample();
    struct ovs_choice choice = choose();
    choice.only = (struct mac){UINT64_C(0x525400000001)};
    struct forward_table *table = table_of(&reading, &choice);
    assert_int_equal(table->row_count, 1);
    assert_string_equal(row_port(table, 0), "vnet0");
    forward_table_free(table);
}

/* --- the whole source --- */

/* Serves one connection: sends `replies` one for each question, then either hangs
 * up or, when `flood`, sends what nobody asked for. */
struct server {
    char directory[64], path[100];
    int listener;
    pthread_t thread;
    const char *const *replies;
    size_t count;
    size_t piece; /* bytes of one send */
    bool flood;
};

static void serve_reply(const struct server *server, int fd, const char *reply)
{
    for (size_t at = 0, length = strlen(reply); at < length;) {
        size_t piece = length - at < server->piece ? length - at : server->piece;
        if (send(fd, reply + at, piece, MSG_NOSIGNAL) < 0)
            return;
        at += piece;
    }
}

static void *serve(void *aux)
{
    const struct server *server = aux;
    char question[4096];
    int fd = accept(server->listener, NULL, NULL);
    for (size_t i = 0; i < server->count && recv(fd, question, sizeof question, 0) > 0; i++)
        serve_reply(server, fd, server->replies[i]);
    if (server->flood && recv(fd, question, sizeof question, 0) > 0)
        serve_reply(server, fd, "{}{}{}");
    close(fd);
    return NULL;
}

static void server_start(struct server *server, const char *const *replies, size_t count)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(server->directory, sizeof server->directory, "/tmp/muster-ovs-XXXXXX");
    assert_non_null(mkdtemp(server->directory));
    snprintf(server->path, sizeof server->path, "%s/ctl", server->directory);
    memcpy(address.sun_path, server->path, strlen(server->path) + 1);
    server->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->listener, 1), 0);
    server->replies = replies;
    server->count = count;
    if (server->piece == 0)
        server->piece = 100000;
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_stop(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
    unlink(server->path);
    rmdir(server->directory);
}

struct outcome {
    struct loop *loop;
    struct forward_table *table;
    struct err err;
    int done;
};

static void on_end(void *aux, struct forward_table *table, const struct err *err)
{
    struct outcome *outcome = aux;
    outcome->done++;
    outcome->table = table;
    if (err != NULL)
        outcome->err = *err;
    loop_stop(outcome->loop);
}

static struct wall fixed_time(void *clock)
{
    (void)clock;
    return (struct wall){INT64_C(1795435201000000)};
}

static void set_option(void *config, const char *key, const char *value)
{
    const struct option_source source = {0};
    const struct config_option *option = options_find(observed_ovs.plug.options, key);
    bool exposed;
    struct err err;
    assert_int_equal(option_parse(option, key, &value, 1, &source, config, &exposed, &err), 0);
}

struct rig {
    struct env env;
    struct outcome outcome;
    void *config, *state;
    struct observed_job *job;
};

static void rig_start(struct rig *rig, const char *path, const char *bridge)
{
    struct err err;
    *rig = (struct rig){.env = {.loop = loop_new(), .now = fixed_time}};
    rig->outcome.loop = rig->env.loop;
    rig->config = alloc_zeroed(1, observed_ovs.plug.config_size);
    rig->state = alloc_zeroed(1, observed_ovs.plug.state_size);
    options_init(observed_ovs.plug.options, rig->config);
    set_option(rig->config, "switch", "hv1-ovs");
    set_option(rig->config, "socket", path);
    set_option(rig->config, "bridge", bridge);
    set_option(rig->config, "database", "/nonexistent/db.sock");
    assert_int_equal(observed_ovs.plug.construct(rig->state, rig->config, &rig->env, &err), 0);
    rig->job = observed_job_new("hv1-ovs", on_end, NULL, &rig->outcome);
}

static void rig_done(struct rig *rig)
{
    forward_table_free(rig->outcome.table);
    observed_ovs.plug.destruct(rig->state);
    options_done(observed_ovs.plug.options, rig->config);
    free(rig->config);
    free(rig->state);
    loop_free(rig->env.loop);
}

enum { REPLIES = 5 };

/* The replies that a fetch of all bridges needs, yours to free. */
static void make_replies(char *replies[static REPLIES])
{
    static const char *const texts[REPLIES] = {"br0\\n", entries_text, statistics_text, ports_text,
                                               bonds_text};
    for (size_t i = 0; i < REPLIES; i++) {
        struct text text = TEXT_EMPTY;
        reply(&text, texts[i]);
        replies[i] = text_take(&text);
    }
}

static void test_a_switch_is_read_in_pieces_of_any_size(void **unused)
{
    char *replies[REPLIES];
    make_replies(replies);
    for (size_t piece = 1; piece < 3000; piece = piece * 7 + 1) {
        struct server server = {.piece = piece};
        struct rig rig;
        struct err err;
        server_start(&server, (const char *const *)replies, REPLIES);
        rig_start(&rig, server.path, "all");
        assert_int_equal(observed_ovs.fetch(rig.state, rig.job, &err), 0);
        assert_int_equal(rig.outcome.done, 0);
        loop_run(rig.env.loop);
        assert_int_equal(rig.outcome.done, 1);
        if (rig.outcome.table == NULL)
            fail_msg("%s", rig.outcome.err.text);
        assert_int_equal(rig.outcome.table->row_count, 5);
        assert_int_equal(rig.outcome.table->receipts[0].asked, 5);
        assert_true(rig.outcome.table->whole);
        rig_done(&rig);
        server_stop(&server);
    }
    for (size_t i = 0; i < REPLIES; i++)
        free(replies[i]);
}

static void test_bad_peers_end_in_an_error(void **unused)
{
    static const char *const hangs_up[] = {"{\"id\":1,\"res"};
    static const char *const other_id[] = {"{\"id\":9,\"result\":\"br0\\n\"}"};
    static const char *const junk[] = {"{[\"\\u0000]}"};
    static const struct {
        const char *const *replies;
        size_t count;
        bool flood;
        const char *why;
    } cases[] = {
        {hangs_up, 1, false, "hung up"},
        {other_id, 1, false, "no JSON-RPC reply"},
        {junk, 1, false, "hung up"},
        {NULL, 0, false, "hung up"},
        {NULL, 0, true, "more than it was asked"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct server server = {.flood = cases[i].flood};
        struct rig rig;
        struct err err;
        server_start(&server, cases[i].replies, cases[i].count);
        rig_start(&rig, server.path, "all");
        assert_int_equal(observed_ovs.fetch(rig.state, rig.job, &err), 0);
        loop_run(rig.env.loop);
        assert_int_equal(rig.outcome.done, 1);
        assert_null(rig.outcome.table);
        if (strstr(rig.outcome.err.text, cases[i].why) == NULL)
            fail_msg("case %zu: %s", i, rig.outcome.err.text);
        rig_done(&rig);
        server_stop(&server);
    }
}

static void test_nobody_listens(void **unused)
{
    struct rig rig;
    struct err err;
    rig_start(&rig, "/nonexistent/muster.ctl", "all");
    assert_int_equal(observed_ovs.fetch(rig.state, rig.job, &err), ERR_NOT_FOUND);
    assert_string_equal(err.text, "reading Open vSwitch for hv1-ovs: connecting to "
                                  "/nonexistent/muster.ctl: No such file or directory");
    observed_job_free(rig.job);
    rig_done(&rig);
}

static void test_cancelling_is_silent(void **unused)
{
    char *replies[REPLIES];
    make_replies(replies);
    for (int steps = 0; steps < 30; steps++) {
        struct server server = {0};
        struct rig rig;
        struct err err;
        server_start(&server, (const char *const *)replies, REPLIES);
        rig_start(&rig, server.path, "all");
        assert_int_equal(observed_ovs.fetch(rig.state, rig.job, &err), 0);
        for (int i = 0; i < steps && rig.outcome.done == 0; i++)
            loop_step(rig.env.loop);
        int done = rig.outcome.done;
        if (done == 0) {
            observed_ovs.cancel(rig.state, rig.job);
            observed_job_free(rig.job);
        }
        rig_done(&rig);
        assert_int_equal(rig.outcome.done, done);
        server_stop(&server);
    }
    for (size_t i = 0; i < REPLIES; i++)
        free(replies[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_point_at_their_ports),
        cmocka_unit_test(test_uplinks_by_kind_and_by_bond),
        cmocka_unit_test(test_the_operators_uplinks_win),
        cmocka_unit_test(test_a_full_or_unreadable_table_is_not_whole),
        cmocka_unit_test(test_what_may_be_missing_and_what_not),
        cmocka_unit_test(test_a_probe_keeps_one_address),
        cmocka_unit_test(test_a_switch_is_read_in_pieces_of_any_size),
        cmocka_unit_test(test_bad_peers_end_in_an_error),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_cancelling_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
