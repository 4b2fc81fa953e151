/* SPDX-License-Identifier: Apache-2.0 */
/* Peer: net-snmp's asynchronous C API used as well as it can be.
 *
 * Walks dot1dTpFdbPort of many agents by GETBULK with `--window` sessions open at
 * once, each on its own socket (the library's single-session interface, so that
 * no list of sessions is searched), one epoll set instead of select(), no MIB
 * files, no persistent state. Every row is stored in 16 bytes (MAC taken from the
 * index, port) and must come in rising order; an agent is whole when its column
 * ended after exactly `--rows` rows. Version 3 sessions (SHA-1, AES-128) turn the
 * pass phrases into keys once and let the library discover each engine. */

#include <arpa/inet.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/library/large_fd_set.h>

#include "peer_report.h"

enum { COLUMN_LENGTH = 11, INDEX_LENGTH = 6, EVENTS = 64, TIMER_SECONDS_DIV = 50 };

static const oid column[COLUMN_LENGTH] = {1, 3, 6, 1, 2, 1, 17, 4, 3, 1, 2};

struct row {
    uint64_t mac;
    uint32_t agent, port;
};

struct options {
    uint32_t agents, rows, repetitions, window, port;
    struct in_addr base;
    const char *community, *user, *auth_pass, *priv_pass;
};

struct collection; /* all walks of one run */

struct walk {
    struct collection *all;
    void *session;
    uint32_t agent, rows;
    uint64_t last_mac;
    bool busy, ended, whole;
};

struct collection {
    struct options options;
    netsnmp_session template;
    struct row *rows;
    uint64_t row_count, row_capacity, requests;
    uint32_t started, finished, whole;
    int epoll;
};

static void fail(const char *what)
{
    fprintf(stderr, "netsnmp_walk: %s\n", what);
    exit(1);
}

static void keep_row(struct collection *all, uint64_t mac, uint32_t agent, uint32_t port)
{
    if (all->row_count == all->row_capacity) {
        all->row_capacity = all->row_capacity ? all->row_capacity * 2 : 1 << 16;
        all->rows = realloc(all->rows, all->row_capacity * sizeof(*all->rows));
        if (!all->rows)
            fail("no memory");
    }
    all->rows[all->row_count++] = (struct row){mac, agent, port};
}

/* Takes one varbind; false when the column has ended. */
static bool take_row(struct walk *walk, const netsnmp_variable_list *var)
{
    if (var->type != ASN_INTEGER || var->name_length != COLUMN_LENGTH + INDEX_LENGTH ||
        memcmp(var->name, column, sizeof(column)) != 0)
        return false;
    uint64_t mac = 0;
    for (int i = 0; i < INDEX_LENGTH; i++)
        mac = mac << 8 | (var->name[COLUMN_LENGTH + i] & 0xff);
    if (walk->rows > 0 && mac <= walk->last_mac)
        fail("an agent's rows do not rise");
    walk->last_mac = mac;
    walk->rows++;
    keep_row(walk->all, mac, walk->agent, (uint32_t)*var->val.integer);
    return true;
}

static int on_answer(int operation, netsnmp_session *session, int id, netsnmp_pdu *pdu,
                     void *magic);

static void ask(struct walk *walk, const oid *from, size_t length)
{
    netsnmp_pdu *pdu = snmp_pdu_create(SNMP_MSG_GETBULK);
    pdu->non_repeaters = 0;
    pdu->max_repetitions = walk->all->options.repetitions;
    snmp_add_null_var(pdu, from, length);
    walk->all->requests++;
    if (!snmp_sess_async_send(walk->session, pdu, on_answer, walk)) {
        snmp_free_pdu(pdu);
        walk->ended = true;
    }
}

static int on_answer(int operation, netsnmp_session *session, int id, netsnmp_pdu *pdu, void *magic)
{
    struct walk *walk = magic;
    if (operation == NETSNMP_CALLBACK_OP_RESEND || operation == NETSNMP_CALLBACK_OP_CONNECT)
        return 1;
    if (operation != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE || pdu->command != SNMP_MSG_RESPONSE ||
        pdu->errstat != SNMP_ERR_NOERROR) {
        walk->ended = true;
        return 1;
    }
    netsnmp_variable_list *last = NULL;
    for (netsnmp_variable_list *var = pdu->variables; var; var = var->next_variable) {
        if (!take_row(walk, var)) {
            walk->ended = true;
            walk->whole = walk->rows == walk->all->options.rows;
            return 1;
        }
        last = var;
    }
    if (last)
        ask(walk, last->name, last->name_length);
    else
        walk->ended = true;
    return 1;
}

static void begin_next(struct walk *walk)
{
    struct collection *all = walk->all;
    if (all->started == all->options.agents)
        return;
    uint32_t agent = all->started++;
    char peer[64];
    struct in_addr address = {htonl(ntohl(all->options.base.s_addr) + agent)};
    snprintf(peer, sizeof(peer), "udp:%s:%u", inet_ntoa(address), all->options.port);
    all->template.peername = peer;
    *walk = (struct walk){.all = all, .agent = agent, .busy = true};
    walk->session = snmp_sess_open(&all->template);
    if (!walk->session)
        fail("cannot open a session");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = walk};
    epoll_ctl(all->epoll, EPOLL_CTL_ADD, snmp_sess_transport(walk->session)->sock, &event);
    ask(walk, column, COLUMN_LENGTH);
}

/* Closes a walk that has ended and starts the next agent in its place. */
static void settle(struct walk *walk)
{
    if (!walk->busy || !walk->ended)
        return;
    walk->all->finished++;
    walk->all->whole += walk->whole;
    snmp_sess_close(walk->session);
    walk->busy = false;
    begin_next(walk);
}

static void run_timers(struct collection *all, struct walk *walks)
{
    for (uint32_t i = 0; i < all->options.window; i++)
        if (walks[i].busy) {
            snmp_sess_timeout(walks[i].session);
            settle(&walks[i]);
        }
}

static void collect(struct collection *all, struct walk *walks)
{
    double next_timers = peer_now() + 1.0 / TIMER_SECONDS_DIV;
    netsnmp_large_fd_set set;
    netsnmp_large_fd_set_init(&set, 4096);
    while (all->finished < all->options.agents) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(all->epoll, events, EVENTS, 1000 / TIMER_SECONDS_DIV);
        for (int i = 0; i < count; i++) {
            struct walk *walk = events[i].data.ptr;
            int fd = snmp_sess_transport(walk->session)->sock;
            netsnmp_large_fd_setfd(fd, &set);
            snmp_sess_read2(walk->session, &set);
            netsnmp_large_fd_clr(fd, &set);
            settle(walk);
        }
        if (peer_now() >= next_timers) {
            run_timers(all, walks);
            next_timers = peer_now() + 1.0 / TIMER_SECONDS_DIV;
        }
    }
    netsnmp_large_fd_set_cleanup(&set);
}

static void use_version3(netsnmp_session *session, const struct options *options)
{
    session->version = SNMP_VERSION_3;
    session->securityModel = SNMP_SEC_MODEL_USM;
    session->securityLevel = SNMP_SEC_LEVEL_AUTHPRIV;
    session->securityName = strdup(options->user);
    session->securityNameLen = strlen(options->user);
    session->securityAuthProto = usmHMACSHA1AuthProtocol;
    session->securityAuthProtoLen = USM_AUTH_PROTO_SHA_LEN;
    session->securityPrivProto = usmAESPrivProtocol;
    session->securityPrivProtoLen = USM_PRIV_PROTO_AES_LEN;
    session->securityAuthKeyLen = USM_AUTH_KU_LEN;
    session->securityPrivKeyLen = USM_PRIV_KU_LEN;
    if (generate_Ku(usmHMACSHA1AuthProtocol, USM_AUTH_PROTO_SHA_LEN,
                    (const u_char *)options->auth_pass, strlen(options->auth_pass),
                    session->securityAuthKey, &session->securityAuthKeyLen) != SNMPERR_SUCCESS ||
        generate_Ku(usmHMACSHA1AuthProtocol, USM_AUTH_PROTO_SHA_LEN,
                    (const u_char *)options->priv_pass, strlen(options->priv_pass),
                    session->securityPrivKey, &session->securityPrivKeyLen) != SNMPERR_SUCCESS)
        fail("cannot make the keys");
}

static void prepare_library(struct collection *all)
{
    setenv("MIBS", "", 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
    snmp_disable_stderrlog();
    init_snmp("netsnmp_walk");
    snmp_sess_init(&all->template);
    all->template.timeout = 1000000; /* the library's own default: 1 s, 5 retries */
    all->template.retries = 5;
    if (all->options.user) {
        use_version3(&all->template, &all->options);
    } else {
        all->template.version = SNMP_VERSION_2c;
        all->template.community = (u_char *)strdup(all->options.community);
        all->template.community_len = strlen(all->options.community);
    }
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"agents", 1, NULL, 'a'},    {"rows", 1, NULL, 'm'}, {"repetitions", 1, NULL, 'r'},
        {"window", 1, NULL, 'w'},    {"port", 1, NULL, 'p'}, {"base", 1, NULL, 'b'},
        {"community", 1, NULL, 'c'}, {"user", 1, NULL, 'u'}, {"auth", 1, NULL, 'A'},
        {"priv", 1, NULL, 'X'},      {NULL, 0, NULL, 0},
    };
    *options = (struct options){.repetitions = 25, .window = 256, .community = "public"};
    int choice;
    while ((choice = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (choice) {
        case 'a':
            options->agents = (uint32_t)atoi(optarg);
            break;
        case 'm':
            options->rows = (uint32_t)atoi(optarg);
            break;
        case 'r':
            options->repetitions = (uint32_t)atoi(optarg);
            break;
        case 'w':
            options->window = (uint32_t)atoi(optarg);
            break;
        case 'p':
            options->port = (uint32_t)atoi(optarg);
            break;
        case 'b':
            if (inet_aton(optarg, &options->base) == 0)
                return false;
            break;
        case 'c':
            options->community = optarg;
            break;
        case 'u':
            options->user = optarg;
            break;
        case 'A':
            options->auth_pass = optarg;
            break;
        case 'X':
            options->priv_pass = optarg;
            break;
        default:
            return false;
        }
    }
    return options->agents && options->rows && options->repetitions && options->window &&
           options->port && options->base.s_addr &&
           (!options->user || (options->auth_pass && options->priv_pass));
}

int main(int argc, char **argv)
{
    double started = peer_now();
    struct collection all = {0};
    if (!parse_options(argc, argv, &all.options)) {
        fprintf(stderr, "usage: netsnmp_walk --base ADDRESS --port N --agents N --rows N\n"
                        "  [--repetitions N] [--window N] [--community C | --user U --auth PASS "
                        "--priv PASS]\n");
        return 2;
    }
    prepare_library(&all);
    all.epoll = epoll_create1(EPOLL_CLOEXEC);
    struct walk *walks = calloc(all.options.window, sizeof(*walks));
    for (uint32_t i = 0; i < all.options.window; i++) {
        walks[i].all = &all;
        begin_next(&walks[i]);
    }
    collect(&all, walks);
    peer_report_walk(all.options.agents, all.whole, all.row_count, all.requests, started);
    free(walks);
    free(all.rows);
    return all.whole == all.options.agents ? 0 : 1;
}
