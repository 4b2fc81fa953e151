/* SPDX-License-Identifier: Apache-2.0 */
/* The polling engine against net-snmp's agent: v1 and v2c GET, SET and walks, and
 * v3 with every pair of protocols that the agent knows, right and wrong
 * credentials, contexts, a restart. The agent runs on 127.0.0.1 with a folder and
 * a port of its own and ends with the test. Skipped (77) without snmpd. */

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/clock.h"
#include "snmp/engine.h"

enum { SKIPPED = 77, VALUE_SIZE = 128 };

static const struct oid system_group = OID(1, 3, 6, 1, 2, 1, 1);
static const struct oid sys_descr = OID(1, 3, 6, 1, 2, 1, 1, 1, 0);
static const struct oid sys_contact = OID(1, 3, 6, 1, 2, 1, 1, 4, 0);

/* The agent's words for what usm.h names. */
static const char *const auth_words[USM_AUTH_COUNT] = {NULL,      "MD5",     "SHA",    "SHA-224",
                                                       "SHA-256", "SHA-384", "SHA-512"};
static const char *const priv_words[USM_PRIV_COUNT] = {
    NULL, "DES", "AES", "AES-192", "AES-256", "AES-192-C", "AES-256-C"};

struct lab {
    char folder[64];
    uint16_t port;
    pid_t agent;
    struct snmp_engine *engine;
};

static struct lab lab;

struct outcome {
    bool done;
    int code;
    char why[512];
    uint64_t rows, asked;
    char text[VALUE_SIZE];
    enum snmp_type type;
};

static void take_rows(void *arg, const struct snmp_row *rows, size_t count)
{
    ((struct outcome *)arg)->rows += count;
}

static void take_value(void *arg, size_t position, const struct snmp_value *value)
{
    struct outcome *outcome = arg;
    outcome->type = value->type;
    if (value->type == SNMP_OCTETS)
        snprintf(outcome->text, sizeof(outcome->text), "%.*s", (int)value->length,
                 (const char *)value->bytes);
}

static void take_end(void *arg, const struct snmp_result *result)
{
    struct outcome *outcome = arg;
    outcome->done = true;
    outcome->code = result->code;
    outcome->asked = result->asked;
    snprintf(outcome->why, sizeof(outcome->why), "%s", result->why);
}

static void run(void)
{
    struct err err;
    assert_int_equal(snmp_engine_run(lab.engine, &err), 0);
}

/* --- the agent --- */

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
                getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void write_config(void)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/agent.conf", lab.folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "agentaddress udp:127.0.0.1:%u\nrwcommunity public\nsysDescr interop agent\n"
            "exactEngineID 0x80001f8801020304\ncreateUser plain\nrwuser plain noauth\n",
            lab.port);
    for (int auth = USM_AUTH_MD5; auth < USM_AUTH_COUNT; auth++) {
        for (int priv = USM_PRIV_NONE; priv < USM_PRIV_COUNT; priv++) {
            fprintf(file, "createUser u%d%d %s authpass12345", auth, priv, auth_words[auth]);
            if (priv != USM_PRIV_NONE)
                fprintf(file, " %s privpass12345", priv_words[priv]);
            fprintf(file, "\nrwuser u%d%d %s\n", auth, priv, priv == 0 ? "auth" : "priv");
        }
    }
    fclose(file);
}

static void start_agent(void)
{
    char config[128], log[128];
    snprintf(config, sizeof(config), "%s/agent.conf", lab.folder);
    snprintf(log, sizeof(log), "%s/log", lab.folder);
    lab.agent = fork();
    assert_true(lab.agent >= 0);
    if (lab.agent == 0) {
        setenv("MIBS", "", 1);
        setenv("SNMP_PERSISTENT_DIR", lab.folder, 1);
        execlp("snmpd", "snmpd", "-f", "-C", "-c", config, "-I", "-smux", "-Lf", log, NULL);
        _exit(SKIPPED);
    }
}

static void stop_agent(void)
{
    kill(lab.agent, SIGTERM);
    waitpid(lab.agent, NULL, 0);
}

static struct snmp_device *new_device(enum snmp_version version, const struct usm_user *user)
{
    struct snmp_device *device;
    struct err err;
    struct snmp_target target = {
        .name = "snmpd", .version = version, .community = "public", .user = user};
    char address[40];
    snprintf(address, sizeof(address), "127.0.0.1:%u", lab.port);
    assert_int_equal(snmp_address_parse(address, SNMP_PORT, &target.address, &err), 0);
    snmp_limits_init(&target.limits);
    assert_int_equal(snmp_device_new(lab.engine, &target, &device, &err), 0);
    return device;
}

static void get(struct snmp_device *device, const struct oid *oid, const struct snmp_scope *scope,
                struct outcome *outcome)
{
    memset(outcome, 0, sizeof(*outcome));
    snmp_get(device, oid, 1, scope, take_value, take_end, outcome);
    run();
    assert_true(outcome->done);
}

static void walk(struct snmp_device *device, const struct snmp_walk_options *options,
                 struct outcome *outcome)
{
    memset(outcome, 0, sizeof(*outcome));
    snmp_walk(device, &system_group, options, take_rows, take_end, outcome);
    run();
    assert_true(outcome->done);
}

static int setup(void **state)
{
    struct err err;
    snprintf(lab.folder, sizeof(lab.folder), "/tmp/muster-interop-XXXXXX");
    assert_non_null(mkdtemp(lab.folder));
    lab.port = free_port();
    write_config();
    assert_int_equal(snmp_engine_new(NULL, &lab.engine, &err), 0);
    start_agent();
    struct snmp_device *device = new_device(SNMP_V2C, NULL);
    struct snmp_scope patient = {.timeout = span_seconds(20), .tries = 10};
    struct outcome outcome;
    get(device, &sys_descr, &patient, &outcome);
    snmp_device_free(device);
    return outcome.code;
}

static int teardown(void **state)
{
    char command[128];
    stop_agent();
    snmp_engine_free(lab.engine);
    snprintf(command, sizeof(command), "rm -r '%s'", lab.folder);
    return system(command);
}

/* --- the tests --- */

static void communities(void **state)
{
    uint64_t rows = 0;
    for (int version = SNMP_V1; version <= SNMP_V2C; version++) {
        struct snmp_device *device = new_device((enum snmp_version)version, NULL);
        struct outcome outcome;
        get(device, &sys_descr, NULL, &outcome);
        assert_int_equal(outcome.code, 0);
        assert_string_equal(outcome.text, "interop agent");
        walk(device, NULL, &outcome);
        assert_int_equal(outcome.code, 0);
        assert_true(outcome.rows > 20);
        assert_true(rows == 0 || rows == outcome.rows); /* both ways of walking agree */
        rows = outcome.rows;
        struct oid missing = OID(1, 3, 6, 1, 2, 1, 1, 99, 0);
        get(device, &missing, NULL, &outcome);
        assert_int_equal(outcome.code, 0);
        assert_true(outcome.type == SNMP_NO_SUCH_OBJECT || outcome.type == SNMP_NO_SUCH_INSTANCE);
        snmp_device_free(device);
    }
}

static void assignment(void **state)
{
    struct snmp_device *device = new_device(SNMP_V2C, NULL);
    struct outcome outcome = {0};
    struct err err;
    struct snmp_assignment set = {sys_contact,
                                  {SNMP_OCTETS, 0, (const uint8_t *)"the lab", strlen("the lab")}};
    assert_non_null(snmp_set(device, &set, 1, NULL, take_end, &outcome, &err));
    run();
    assert_int_equal(outcome.code, 0);
    get(device, &sys_contact, NULL, &outcome);
    assert_string_equal(outcome.text, "the lab");
    set.oid = sys_descr;
    assert_non_null(snmp_set(device, &set, 1, NULL, take_end, &outcome, &err));
    run();
    assert_int_equal(outcome.code, ERR_DENIED);
    snmp_device_free(device);
}

static void unknown_community(void **state)
{
    struct snmp_device *device = new_device(SNMP_V2C, NULL);
    struct snmp_walk_options options = {
        .scope = {.community = "public@99", .timeout = span_ms(300), .tries = 2}};
    struct outcome outcome;
    walk(device, &options, &outcome);
    assert_int_equal(outcome.code, ERR_TIMEOUT);
    snmp_device_free(device);
}

static void make_user(const char *name, enum usm_auth auth, enum usm_priv priv,
                      const char *auth_password, const char *priv_password, struct usm_user *ret)
{
    struct err err;
    assert_int_equal(usm_user_init(ret, snmp_engine_crypto(lab.engine), name, auth, auth_password,
                                   priv, priv_password, &err),
                     0);
}

static void check_user(const struct usm_user *user)
{
    struct snmp_device *device = new_device(SNMP_V3, user);
    struct outcome outcome;
    walk(device, NULL, &outcome);
    if (outcome.code != 0)
        print_message("%s: %s\n", user->name, outcome.why);
    assert_int_equal(outcome.code, 0);
    assert_true(outcome.rows > 20);
    get(device, &sys_descr, NULL, &outcome);
    assert_string_equal(outcome.text, "interop agent");
    snmp_device_free(device);
}

static void every_pair(void **state)
{
    struct usm_user user;
    make_user("plain", USM_AUTH_NONE, USM_PRIV_NONE, NULL, NULL, &user);
    check_user(&user);
    unsigned pairs = 0;
    for (int auth = USM_AUTH_MD5; auth < USM_AUTH_COUNT; auth++) {
        for (int priv = USM_PRIV_NONE; priv < USM_PRIV_COUNT; priv++) {
            char name[8];
            snprintf(name, sizeof(name), "u%d%d", auth, priv);
            make_user(name, (enum usm_auth)auth, (enum usm_priv)priv, "authpass12345",
                      "privpass12345", &user);
            check_user(&user);
            pairs++;
        }
    }
    print_message("%u pairs of protocols and a user without any\n", pairs);
}

static void wrong_credentials(void **state)
{
    static const struct {
        const char *name, *auth, *priv;
        const char *expected;
    } cases[] = {{"nobody", "authpass12345", "privpass12345", "does not know the user"},
                 {"u42", "wrong-password", "privpass12345", "digest wrong"},
                 {"u42", "authpass12345", "wrong-password", "privacy password"},
                 {"plain", "authpass12345", "privpass12345", "security level"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct usm_user user;
        struct outcome outcome;
        make_user(cases[i].name, USM_AUTH_SHA256, USM_PRIV_AES128, cases[i].auth, cases[i].priv,
                  &user);
        struct snmp_device *device = new_device(SNMP_V3, &user);
        struct snmp_walk_options options = {.scope = {.timeout = span_seconds(1)}};
        walk(device, &options, &outcome);
        print_message("%s\n", outcome.why);
        /* net-snmp answers nothing to what decrypts to no PDU; DES shows by itself. */
        assert_int_equal(outcome.code, i == 2 ? ERR_TIMEOUT : ERR_DENIED);
        assert_non_null(strstr(outcome.why, cases[i].expected));
        snmp_device_free(device);
    }
}

static void unknown_context(void **state)
{
    struct usm_user user;
    struct outcome outcome;
    make_user("u42", USM_AUTH_SHA256, USM_PRIV_AES128, "authpass12345", "privpass12345", &user);
    struct snmp_device *device = new_device(SNMP_V3, &user);
    struct snmp_walk_options options = {
        .scope = {.context = "vlan-25", .timeout = span_seconds(1)}};
    walk(device, &options, &outcome);
    /* net-snmp 5.9 answers nothing, to its own tools neither; others report it. */
    assert_true(outcome.code == ERR_NOT_FOUND || outcome.code == ERR_TIMEOUT);
    assert_non_null(strstr(outcome.why, "context \"vlan-25\""));
    snmp_device_free(device);
}

/* The agent restarts: its boots grow and the engine follows without a new device. */
static void restart(void **state)
{
    struct usm_user user;
    struct outcome outcome;
    make_user("u31", USM_AUTH_SHA224, USM_PRIV_DES, "authpass12345", "privpass12345", &user);
    struct snmp_device *device = new_device(SNMP_V3, &user);
    walk(device, NULL, &outcome);
    assert_int_equal(outcome.code, 0);
    stop_agent();
    start_agent();
    struct snmp_walk_options options = {.scope = {.timeout = span_seconds(20), .tries = 10}};
    walk(device, &options, &outcome);
    assert_string_equal(outcome.why, "");
    assert_true(outcome.rows > 20);
    snmp_device_free(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(communities),       cmocka_unit_test(assignment),
        cmocka_unit_test(unknown_community), cmocka_unit_test(every_pair),
        cmocka_unit_test(wrong_credentials), cmocka_unit_test(unknown_context),
        cmocka_unit_test(restart),
    };
    const char *path = getenv("PATH");
    char longer[4096];
    snprintf(longer, sizeof(longer), "%s:/usr/sbin:/sbin", path != NULL ? path : "/usr/bin:/bin");
    setenv("PATH", longer, 1);
    if (system("command -v snmpd >/dev/null") != 0) {
        printf("skipped: program snmpd is not installed\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
