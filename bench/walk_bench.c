/* SPDX-License-Identifier: Apache-2.0 */
/* Muster's side of the collection benchmark: walks dot1dTpFdbPort of many agents
 * through the polling engine as the SNMP source does, and does what the peers do
 * with the rows: stores each in 16 bytes, requires that they rise (or, where one
 * table is walked in several segments, that none comes twice) and that every agent
 * gave exactly the rows it has. Prints the peers' line; start-up, discovery and
 * key making are part of the CPU seconds. */

#include <arpa/inet.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "peers/peer_report.h"
#include "snmp/engine.h"
#include "wire/bridge_index.h"

struct row {
    uint64_t mac;
    uint32_t agent, port;
};

struct options {
    uint32_t agents, rows, repetitions, window, per_agent;
    uint16_t port;
    struct in_addr base;
    const char *community, *user, *auth_pass, *priv_pass;
};

struct walk {
    struct collection *all;
    uint64_t last_mac;
    uint32_t agent, rows;
};

struct collection {
    struct options options;
    struct snmp_engine *engine;
    struct usm_user user;
    struct walk *walks;
    struct row *rows;
    size_t row_count, row_capacity;
    uint64_t whole, asked, resent;
};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "walk_bench: %s: %s\n", what, why);
    exit(1);
}

/* Reads the index as the SNMP source does. */
static uint64_t mac_of(const struct snmp_row *row)
{
    uint32_t fdb;
    uint64_t mac;
    if (!bridge_index_fast(BRIDGE_DOT1D, row->index, row->index_length, &fdb, &mac))
        fail("row", "the index is no MAC");
    return mac;
}

static void on_rows(void *arg, const struct snmp_row *rows, size_t count)
{
    struct walk *walk = arg;
    struct collection *all = walk->all;
    bool ordered = all->options.per_agent == 1;
    for (size_t i = 0; i < count; i++) {
        uint64_t mac = mac_of(&rows[i]);
        if (ordered && walk->rows > 0 && mac <= walk->last_mac)
            fail("agent", "its rows do not rise");
        walk->last_mac = mac;
        walk->rows++;
        all->rows = alloc_grow(all->rows, all->row_count, &all->row_capacity, sizeof(*all->rows));
        all->rows[all->row_count++] =
            (struct row){mac, walk->agent, (uint32_t)rows[i].value.number};
    }
}

static void on_done(void *arg, const struct snmp_result *result)
{
    struct walk *walk = arg;
    struct collection *all = walk->all;
    all->asked += result->asked;
    all->resent += result->resent;
    if (result->code == 0 && walk->rows == all->options.rows)
        all->whole++;
    else if (result->code != 0)
        fprintf(stderr, "walk_bench: %s\n", result->why);
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *left = a, *right = b;
    if (left->agent != right->agent)
        return left->agent < right->agent ? -1 : 1;
    return left->mac < right->mac ? -1 : left->mac > right->mac;
}

/* Rows of a table that was walked in segments come in any order; none may come twice. */
static void require_distinct(struct collection *all)
{
    qsort(all->rows, all->row_count, sizeof(*all->rows), compare_rows);
    for (size_t i = 1; i < all->row_count; i++)
        if (compare_rows(&all->rows[i - 1], &all->rows[i]) == 0)
            fail("agent", "a row came twice");
}

static void begin_walk(struct collection *all, uint32_t agent)
{
    static const struct oid column = {.ids = {1, 3, 6, 1, 2, 1, 17, 4, 3, 1, 2}, .length = 11};
    const struct options *options = &all->options;
    struct err err;
    struct snmp_target target = {
        .name = "agent",
        .version = options->user ? SNMP_V3 : SNMP_V2C,
        .community = options->community,
        .user = options->user ? &all->user : NULL,
    };
    target.address.v4 = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(options->port),
        .sin_addr.s_addr = htonl(ntohl(options->base.s_addr) + agent),
    };
    snmp_limits_init(&target.limits);
    target.limits.repetitions = options->repetitions;
    target.limits.repetitions_cap = options->repetitions;
    target.limits.in_flight = options->per_agent;
    struct snmp_device *device;
    if (snmp_device_new(all->engine, &target, &device, &err) != 0)
        fail("device", err.text);
    all->walks[agent] = (struct walk){.all = all, .agent = agent};
    struct snmp_walk_options walk = {.index = SNMP_INDEX_MAC, .segments = options->per_agent};
    snmp_walk(device, &column, &walk, on_rows, on_done, &all->walks[agent]);
}

static bool parse_number(const char *text, uint32_t *ret)
{
    *ret = (uint32_t)strtoul(text, NULL, 10);
    return *ret > 0;
}

static bool parse_option(int choice, struct options *options)
{
    uint32_t port;
    switch (choice) {
    case 'a':
        return parse_number(optarg, &options->agents);
    case 'm':
        return parse_number(optarg, &options->rows);
    case 'r':
        return parse_number(optarg, &options->repetitions);
    case 'w':
        return parse_number(optarg, &options->window);
    case 'n':
        return parse_number(optarg, &options->per_agent);
    case 'p':
        if (!parse_number(optarg, &port) || port > UINT16_MAX)
            return false;
        options->port = (uint16_t)port;
        return true;
    case 'b':
        return inet_aton(optarg, &options->base) != 0;
    case 'c':
        options->community = optarg;
        return true;
    case 'u':
        options->user = optarg;
        return true;
    case 'A':
        options->auth_pass = optarg;
        return true;
    case 'X':
        options->priv_pass = optarg;
        return true;
    default:
        return false;
    }
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"agents", 1, NULL, 'a'}, {"rows", 1, NULL, 'm'},      {"repetitions", 1, NULL, 'r'},
        {"window", 1, NULL, 'w'}, {"per-agent", 1, NULL, 'n'}, {"port", 1, NULL, 'p'},
        {"base", 1, NULL, 'b'},   {"community", 1, NULL, 'c'}, {"user", 1, NULL, 'u'},
        {"auth", 1, NULL, 'A'},   {"priv", 1, NULL, 'X'},      {NULL, 0, NULL, 0},
    };
    *options =
        (struct options){.repetitions = 25, .window = 256, .per_agent = 1, .community = "public"};
    int choice;
    while ((choice = getopt_long(argc, argv, "", names, NULL)) != -1)
        if (!parse_option(choice, options))
            return false;
    return options->agents && options->rows && options->port && options->base.s_addr &&
           (!options->user || (options->auth_pass && options->priv_pass));
}

int main(int argc, char **argv)
{
    double started = peer_now();
    struct collection all = {0};
    struct err err;
    if (!parse_options(argc, argv, &all.options)) {
        fprintf(stderr, "usage: walk_bench --base ADDRESS --port N --agents N --rows N\n"
                        "  [--repetitions N] [--window N] [--per-agent N]\n"
                        "  [--community C | --user U --auth PASS --priv PASS]\n");
        return 2;
    }
    struct snmp_engine_options engine_options = {.window = all.options.window};
    if (snmp_engine_new(&engine_options, &all.engine, &err) != 0)
        fail("engine", err.text);
    if (all.options.user &&
        usm_user_init(&all.user, snmp_engine_crypto(all.engine), all.options.user, USM_AUTH_SHA1,
                      all.options.auth_pass, USM_PRIV_AES128, all.options.priv_pass, &err) != 0)
        fail("user", err.text);
    all.walks = alloc_array(all.options.agents, sizeof(*all.walks));
    for (uint32_t agent = 0; agent < all.options.agents; agent++)
        begin_walk(&all, agent);
    if (snmp_engine_run(all.engine, &err) != 0)
        fail("engine", err.text);
    if (all.options.per_agent > 1)
        require_distinct(&all);
    peer_report_walk(all.options.agents, all.whole, all.row_count, all.asked + all.resent, started);
    snmp_engine_free(all.engine);
    free(all.rows);
    free(all.walks);
    return all.whole == all.options.agents ? 0 : 1;
}
