/* SPDX-License-Identifier: Apache-2.0 */
#include "source/snmp.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "contract/job.h"
#include "io/loop.h"
#include "snmp/agent_fake.h"

/* The source on a real loop against a fake agent; the wall clock is the test's. */

enum { UPTIME_ROW_SECONDS = 100000 };

struct lab {
    struct loop *loop;
    struct env env;
    struct agent agent;
    struct loop_watch *watch;
    void *config, *state;
    struct wall now;
    struct forward_table *table;
    struct err err;
    int code;
    unsigned ends;
};

static struct wall lab_now(void *clock)
{
    return ((struct lab *)clock)->now;
}

static void agent_readable(void *aux, int fd, unsigned events)
{
    agent_serve(aux);
}

static void lab_init(struct lab *lab)
{
    memset(lab, 0, sizeof(*lab));
    agent_init(&lab->agent);
    lab->loop = loop_new();
    lab->now = (struct wall){INT64_C(1795000000) * 1000000};
    lab->env = (struct env){.loop = lab->loop, .now = lab_now, .clock = lab};
    assert_int_equal(snmp_engine_new_on_loop(lab->loop, &lab->env.snmp, &lab->err), 0);
    lab->watch =
        loop_watch_new(lab->loop, lab->agent.fd, LOOP_READ, agent_readable, &lab->agent, &lab->err);
    assert_non_null(lab->watch);
}

static void drop_source(struct lab *lab)
{
    const struct plug_class *plug = &observed_snmp.plug;
    if (lab->state != NULL)
        plug->destruct(lab->state);
    if (lab->config != NULL)
        options_done(plug->options, lab->config);
    free(lab->state);
    free(lab->config);
    lab->state = lab->config = NULL;
}

static void lab_done(struct lab *lab)
{
    drop_source(lab);
    forward_table_free(lab->table);
    snmp_engine_free(lab->env.snmp);
    loop_watch_free(lab->watch);
    loop_free(lab->loop);
    agent_done(&lab->agent);
}

static void set(struct lab *lab, const char *key, const char *value)
{
    const struct config_option *option = options_find(observed_snmp.plug.options, key);
    bool exposed = false;
    assert_non_null(option);
    setenv("SNMP_TEST_SECRET", value, 1);
    const char *secret = "${SNMP_TEST_SECRET}";
    assert_int_equal(option_parse(option, key,
                                  option->type == OPTION_SECRET_FILE ? &secret : &value, 1, NULL,
                                  lab->config, &exposed, &lab->err),
                     0);
}

static void configure(struct lab *lab)
{
    char address[SNMP_ADDRESS_TEXT_SIZE];
    lab->config = alloc_zeroed(1, observed_snmp.plug.config_size);
    options_init(observed_snmp.plug.options, lab->config);
    set(lab, "switch", "sw1");
    set(lab, "address", snmp_address_format(&lab->agent.address, address));
    set(lab, "timeout", "150ms");
}

static int construct(struct lab *lab)
{
    lab->state = alloc_zeroed(1, observed_snmp.plug.state_size);
    int code = observed_snmp.plug.construct(lab->state, lab->config, &lab->env, &lab->err);
    if (code != 0) {
        free(lab->state);
        lab->state = NULL;
    }
    return code;
}

static void make_source(struct lab *lab)
{
    configure(lab);
    set(lab, "community", "public");
    assert_int_equal(construct(lab), 0);
}

/* With the least patience that can be configured. */
static void make_brief_source(struct lab *lab)
{
    configure(lab);
    set(lab, "community", "public");
    set(lab, "timeout", "100ms");
    assert_int_equal(construct(lab), 0);
}

static void on_end(void *aux, struct forward_table *table, const struct err *err)
{
    struct lab *lab = aux;
    forward_table_free(lab->table);
    lab->table = table;
    lab->ends++;
    lab->code = err != NULL ? (int)err->code : 0;
    if (err != NULL)
        lab->err = *err;
    loop_stop(lab->loop);
}

static void fetch(struct lab *lab, struct mac probe)
{
    struct observed_job *job = observed_job_new("sw1", on_end, NULL, lab);
    int code = mac_known(probe) ? observed_snmp.probe(lab->state, probe, job, &lab->err)
                                : observed_snmp.fetch(lab->state, job, &lab->err);
    assert_int_equal(code, 0);
    loop_run(lab->loop);
    assert_true(lab->code != 0 || lab->table != NULL);
}

/* --- the switch --- */

static int compare_rows(const void *a, const void *b)
{
    const struct agent_row *x = a, *y = b;
    return oid_index_compare(x->oid, x->length, y->oid, y->length);
}

static void add_number(struct agent *agent, const char *text, enum snmp_type type, int64_t number)
{
    struct oid oid;
    assert_int_equal(oid_parse(text, strlen(text), &oid), 0);
    agent_add(agent, &oid, (struct snmp_value){type, number, NULL, 0});
}

static void add_text(struct agent *agent, const char *text, const char *value)
{
    struct oid oid;
    assert_int_equal(oid_parse(text, strlen(text), &oid), 0);
    agent_add(agent, &oid,
              (struct snmp_value){SNMP_OCTETS, 0, (const uint8_t *)value, strlen(value)});
}

/* Two VLANs, two ports, `macs` addresses in each VLAN. */
static void fill_switch(struct agent *agent, unsigned macs)
{
    static const uint8_t object_id[] = {0x2b, 6, 1, 4, 1, 0x83, 0xff, 0x7f, 1};
    struct oid oid = OID(1, 3, 6, 1, 2, 1, 1, 2, 0);
    char text[160];
    add_text(agent, "1.3.6.1.2.1.1.1.0", "a switch");
    agent_add(agent, &oid, (struct snmp_value){SNMP_OID, 0, object_id, sizeof(object_id)});
    add_number(agent, "1.3.6.1.2.1.1.3.0", SNMP_TIMETICKS, UPTIME_ROW_SECONDS * 100);
    add_text(agent, "1.3.6.1.2.1.1.5.0", "sw1.example");
    add_number(agent, "1.3.6.1.2.1.17.4.2.0", SNMP_INTEGER, 300);
    add_number(agent, "1.3.6.1.2.1.17.4.1.0", SNMP_COUNTER32, 0);
    for (int port = 1; port <= 2; port++) {
        snprintf(text, sizeof(text), "1.3.6.1.2.1.17.1.4.1.2.%d", port);
        add_number(agent, text, SNMP_INTEGER, 100 + port);
        snprintf(text, sizeof(text), "1.3.6.1.2.1.31.1.1.1.1.%d", 100 + port);
        add_text(agent, text, port == 1 ? "Gi0/1" : "Gi0/2");
    }
    for (int fdb = 1; fdb <= 2; fdb++) {
        snprintf(text, sizeof(text), "1.3.6.1.2.1.17.7.1.4.2.1.3.0.%d", fdb * 10);
        add_number(agent, text, SNMP_GAUGE32, fdb);
        for (unsigned i = 0; i < macs; i++) {
            snprintf(text, sizeof(text), "1.3.6.1.2.1.17.7.1.2.2.1.2.%d.82.84.0.%d.%u.%u", fdb, fdb,
                     i / 256, i % 256);
            add_number(agent, text, SNMP_INTEGER, i % 2 + 1);
        }
    }
    qsort(agent->rows, agent->count, sizeof(*agent->rows), compare_rows);
}

static void set_uptime(struct lab *lab, int64_t seconds)
{
    static const uint8_t uptime[] = {0x2b, 6, 1, 2, 1, 1, 3, 0};
    for (size_t i = 0; i < lab->agent.count; i++)
        if (lab->agent.rows[i].length == sizeof(uptime) &&
            memcmp(lab->agent.rows[i].oid, uptime, sizeof(uptime)) == 0)
            lab->agent.rows[i].value.number = seconds * 100;
}

/* --- tests --- */

static void whole_tables(void **state)
{
    struct lab lab;
    lab_init(&lab);
    fill_switch(&lab.agent, 300);
    make_source(&lab);
    fetch(&lab, MAC_NONE);
    assert_int_equal(lab.code, 0);
    assert_true(lab.table->whole);
    assert_int_equal(lab.table->row_count, 600);
    assert_int_equal(lab.table->receipt_count, 1);
    assert_string_equal(lab.table->receipts[0].type, "snmp");
    assert_true(lab.table->receipts[0].asked >= 600 / 50);
    assert_int_equal(lab.table->receipts[0].asked, lab.table->receipts[0].answered);
    assert_int_equal(lab.table->ageing.us, 300 * INT64_C(1000000));
    assert_string_equal(lab.table->sys_name, "sw1.example");
    uint32_t port = forward_table_find_port(lab.table, "Gi0/2");
    assert_int_not_equal(port, FORWARD_NO_PORT);
    size_t there = 0;
    for (size_t i = 0; i < lab.table->row_count; i++) {
        size_t count;
        const uint32_t *vlans = vlan_pool_get(lab.table->vlans, lab.table->rows[i].vlan, &count);
        uint8_t octets[6];
        mac_to_octets(forward_row_mac(&lab.table->rows[i]), octets);
        assert_int_equal(count, 1);
        assert_int_equal(vlans[0], octets[3] * 10); /* FDB 1 is VLAN 10 */
        there += lab.table->rows[i].port == port;
    }
    assert_int_equal(there, 300);
    lab_done(&lab);
}

static struct mac mac_of(const char *text)
{
    struct mac mac = MAC_NONE;
    assert_int_equal(mac_parse(text, strlen(text), &mac), 0);
    return mac;
}

static void probes(void **state)
{
    struct lab lab;
    lab_init(&lab);
    fill_switch(&lab.agent, 2000);
    make_source(&lab);
    fetch(&lab, mac_of("52:54:00:02:00:05")); /* nothing is known of the switch yet */
    assert_int_equal(lab.code, 0);
    assert_int_equal(lab.table->row_count, 1);
    assert_string_equal(names_get(lab.table->names, lab.table->ports[lab.table->rows[0].port].name),
                        "Gi0/2");
    assert_true(lab.agent.received < 60);
    fetch(&lab, MAC_NONE);
    assert_int_equal(lab.table->row_count, 4000);
    unsigned before = lab.agent.received;
    fetch(&lab, mac_of("52:54:00:01:01:04"));
    assert_int_equal(lab.table->row_count, 1);
    assert_true(lab.agent.received - before <= 4); /* scalars, the instances, the end */
    fetch(&lab, mac_of("52:54:00:09:09:09"));
    assert_int_equal(lab.code, 0);
    assert_int_equal(lab.table->row_count, 0);
    lab_done(&lab);
}

static void facts_hold_until_old_or_restarted(void **state)
{
    struct lab lab;
    lab_init(&lab);
    fill_switch(&lab.agent, 10);
    make_source(&lab);
    fetch(&lab, MAC_NONE);
    unsigned full = lab.agent.received;
    lab.now = wall_add(lab.now, span_seconds(60));
    set_uptime(&lab, UPTIME_ROW_SECONDS + 60);
    fetch(&lab, MAC_NONE);
    unsigned brief = lab.agent.received - full;
    assert_true(brief < full / 3);
    assert_int_not_equal(forward_table_find_port(lab.table, "Gi0/1"), FORWARD_NO_PORT);
    assert_int_equal(lab.table->row_count, 20);
    /* It restarted 20 s ago: what was known of its ports is read again. */
    lab.now = wall_add(lab.now, span_seconds(60));
    set_uptime(&lab, 20);
    unsigned before = lab.agent.received;
    fetch(&lab, MAC_NONE);
    assert_true(lab.agent.received - before >= full);
    assert_true(lab.table->whole);
    lab.now = wall_add(lab.now, span_seconds(3600));
    set_uptime(&lab, 3620);
    before = lab.agent.received;
    fetch(&lab, MAC_NONE);
    assert_int_equal(lab.agent.received - before, full);
    lab_done(&lab);
}

static void failures_say_why(void **state)
{
    struct lab lab;
    lab_init(&lab);
    make_source(&lab);
    fetch(&lab, MAC_NONE); /* an agent without any object */
    assert_int_equal(lab.code, ERR_NOT_FOUND);
    assert_non_null(strstr(lab.err.text, "no forward table"));
    lab.agent.silent = true;
    fetch(&lab, MAC_NONE);
    assert_int_equal(lab.code, ERR_TIMEOUT);
    assert_null(lab.table);
    assert_non_null(strstr(lab.err.text, "sw1 (127.0.0.1:"));
    lab.agent.silent = false;
    fill_switch(&lab.agent, 10);
    fetch(&lab, MAC_NONE);
    assert_int_equal(lab.code, 0);
    assert_int_equal(lab.table->row_count, 20);
    lab_done(&lab);
}

/* The agent keeps silent about the map from VLANs to FDB ids: FDB 1 and 2 are no VLANs. */
static void rows_without_their_maps_are_no_table(void **state)
{
    struct lab lab;
    lab_init(&lab);
    fill_switch(&lab.agent, 10);
    make_brief_source(&lab);
    lab.agent.mute = OID(1, 3, 6, 1, 2, 1, 17, 7, 1, 4, 2, 1, 3);
    lab.agent.mutes = UINT_MAX;
    fetch(&lab, MAC_NONE);
    assert_int_equal(lab.code, ERR_TIMEOUT);
    assert_null(lab.table);
    assert_non_null(strstr(lab.err.text, "the map from FDB ids to VLANs cannot be read"));
    fetch(&lab, mac_of("52:54:00:02:00:05"));
    assert_int_equal(lab.code, ERR_TIMEOUT); /* nor does a probe go on without */
    lab.agent.mutes = 0;
    lab.now = wall_add(lab.now, span_seconds(1));
    fetch(&lab, MAC_NONE);
    assert_int_equal(lab.code, 0);
    assert_true(lab.table->whole);
    size_t count;
    const uint32_t *vlans = vlan_pool_get(lab.table->vlans, lab.table->rows[0].vlan, &count);
    assert_int_equal(count, 1);
    assert_true(vlans[0] == 10 || vlans[0] == 20);
    lab_done(&lab);
}

/* What an earlier read knew holds, and what got no answer is asked for soon again. */
static void maps_without_answer_are_asked_for_again(void **state)
{
    struct lab lab;
    lab_init(&lab);
    fill_switch(&lab.agent, 10);
    make_brief_source(&lab);
    fetch(&lab, MAC_NONE);
    unsigned full = lab.agent.received;
    lab.now = wall_add(lab.now, span_seconds(3600));
    set_uptime(&lab, UPTIME_ROW_SECONDS + 3600);
    lab.agent.mute = OID(1, 3, 6, 1, 2, 1, 17, 1, 4, 1, 2);
    lab.agent.mutes = UINT_MAX;
    fetch(&lab, MAC_NONE);
    assert_int_equal(lab.code, 0);
    assert_true(lab.table->whole);
    assert_int_not_equal(forward_table_find_port(lab.table, "Gi0/2"), FORWARD_NO_PORT);
    lab.agent.mutes = 0;
    for (int i = 0; i < 2; i++) { /* at once; then they hold */
        lab.now = wall_add(lab.now, span_seconds(60));
        set_uptime(&lab, UPTIME_ROW_SECONDS + 3600 + 60 * (i + 1));
        unsigned before = lab.agent.received;
        fetch(&lab, MAC_NONE);
        if (i == 0)
            assert_true(lab.agent.received - before >= full);
        else
            assert_true(lab.agent.received - before < full / 3);
    }
    lab_done(&lab);
}

/* A probe reads no neighbours: the read after it does. */
static void facts_of_a_probe_are_not_all(void **state)
{
    struct lab lab;
    lab_init(&lab);
    fill_switch(&lab.agent, 10);
    make_source(&lab);
    fetch(&lab, mac_of("52:54:00:02:00:05"));
    unsigned first = lab.agent.received;
    fetch(&lab, mac_of("52:54:00:02:00:05"));
    assert_true(lab.agent.received - first < 5);
    unsigned before = lab.agent.received;
    fetch(&lab, MAC_NONE);
    unsigned full = lab.agent.received - before;
    assert_true(full > first);
    fetch(&lab, MAC_NONE);
    assert_true(lab.agent.received - before - full < full / 3);
    lab_done(&lab);
}

/* A table that goes round gives its rows, and is not whole. */
static void half_tables_are_not_whole(void **state)
{
    struct lab lab;
    lab_init(&lab);
    fill_switch(&lab.agent, 100);
    struct agent_row *rows = lab.agent.rows;
    size_t last = lab.agent.count;
    while (
        memcmp(rows[last - 1].oid, (const uint8_t[]){0x2b, 6, 1, 2, 1, 17, 7, 1, 2, 2, 1, 2}, 12))
        last--;
    struct agent_row again = rows[last - 2];
    rows[last - 2] = rows[last - 1];
    rows[last - 1] = again;
    make_source(&lab);
    fetch(&lab, MAC_NONE);
    assert_int_equal(lab.code, 0);
    assert_false(lab.table->whole);
    assert_in_range(lab.table->row_count, 198, 200);
    assert_non_null(strstr(lab.table->receipts[0].why_not, "do not increase"));
    lab_done(&lab);
}

static void cancelled_jobs_hear_nothing(void **state)
{
    struct lab lab;
    lab_init(&lab);
    fill_switch(&lab.agent, 500);
    make_source(&lab);
    struct observed_job *job = observed_job_new("sw1", on_end, NULL, &lab);
    assert_int_equal(observed_snmp.fetch(lab.state, job, &lab.err), 0);
    for (int i = 0; i < 5; i++)
        loop_step(lab.loop);
    observed_snmp.cancel(lab.state, job);
    observed_job_free(job);
    assert_int_equal(lab.ends, 0);
    fetch(&lab, MAC_NONE);
    assert_int_equal(lab.ends, 1);
    assert_int_equal(lab.table->row_count, 1000);
    job = observed_job_new("sw1", on_end, NULL, &lab);
    assert_int_equal(observed_snmp.fetch(lab.state, job, &lab.err), 0);
    loop_step(lab.loop);
    drop_source(&lab); /* with a read under way */
    observed_job_free(job);
    lab_done(&lab);
}

static void credentials_of_version_3(void **state)
{
    struct lab lab;
    struct usm_user user;
    lab_init(&lab);
    fill_switch(&lab.agent, 50);
    assert_int_equal(usm_user_init(&user, snmp_engine_crypto(lab.env.snmp), "audit",
                                   USM_AUTH_SHA256, "authpass12345", USM_PRIV_AES128,
                                   "privpass12345", &lab.err),
                     0);
    agent_use_v3(&lab.agent, snmp_engine_crypto(lab.env.snmp), &user);
    configure(&lab);
    set(&lab, "version", "3");
    set(&lab, "user", "audit");
    set(&lab, "auth_protocol", "SHA-256");
    set(&lab, "auth_password", "authpass12345");
    set(&lab, "priv_protocol", "aes");
    set(&lab, "priv_password", "privpass12345");
    assert_int_equal(construct(&lab), 0);
    fetch(&lab, MAC_NONE);
    assert_int_equal(lab.code, 0);
    assert_int_equal(lab.table->row_count, 100);
    drop_source(&lab);
    configure(&lab);
    set(&lab, "version", "3");
    set(&lab, "user", "audit");
    set(&lab, "auth_protocol", "sha256");
    set(&lab, "auth_password", "another-password");
    assert_int_equal(construct(&lab), 0);
    fetch(&lab, MAC_NONE);
    assert_int_equal(lab.code, ERR_DENIED);
    lab_done(&lab);
}

static void refused_configurations(void **state)
{
    static const struct {
        const char *key[3], *value[3], *expected;
    } cases[] = {
        {{NULL}, {NULL}, "needs \"community_file\""},
        {{"version"}, {"3"}, "needs \"user\""},
        {{"version", "user", "auth_protocol"}, {"3", "u", "sha3"}, "auth_protocol \"sha3\""},
        {{"version", "user", "priv_protocol"}, {"3", "u", "rc4"}, "priv_protocol \"rc4\""},
        {{"version", "user", "auth_protocol"}, {"3", "u", "sha"}, "password is missing"},
        {{"community", "address"}, {"public", "192.0.2.1:99999"}, "port 99999"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct lab lab;
        lab_init(&lab);
        configure(&lab);
        for (int k = 0; k < 3 && cases[i].key[k] != NULL; k++)
            set(&lab, cases[i].key[k], cases[i].value[k]);
        assert_true(construct(&lab) < 0);
        assert_non_null(strstr(lab.err.text, cases[i].expected));
        lab_done(&lab);
    }
}

static void host_names(void **state)
{
    struct lab lab;
    char address[64];
    lab_init(&lab);
    fill_switch(&lab.agent, 5);
    configure(&lab);
    set(&lab, "community", "public");
    snprintf(address, sizeof(address), "localhost:%u", ntohs(lab.agent.address.v4.sin_port));
    set(&lab, "address", address);
    assert_int_equal(construct(&lab), 0);
    fetch(&lab, MAC_NONE);
    /* Where localhost is ::1 first, nobody answers there. */
    assert_true(lab.code == 0 || lab.code == ERR_TIMEOUT);
    drop_source(&lab);
    configure(&lab);
    set(&lab, "community", "public");
    set(&lab, "address", "no-such-host.invalid");
    assert_int_equal(construct(&lab), 0);
    fetch(&lab, MAC_NONE);
    assert_int_equal(lab.code, ERR_NOT_FOUND);
    assert_non_null(strstr(lab.err.text, "resolving no-such-host.invalid"));
    lab_done(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_tables),
        cmocka_unit_test(probes),
        cmocka_unit_test(facts_hold_until_old_or_restarted),
        cmocka_unit_test(failures_say_why),
        cmocka_unit_test(rows_without_their_maps_are_no_table),
        cmocka_unit_test(maps_without_answer_are_asked_for_again),
        cmocka_unit_test(facts_of_a_probe_are_not_all),
        cmocka_unit_test(half_tables_are_not_whole),
        cmocka_unit_test(cancelled_jobs_hear_nothing),
        cmocka_unit_test(credentials_of_version_3),
        cmocka_unit_test(refused_configurations),
        cmocka_unit_test(host_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
