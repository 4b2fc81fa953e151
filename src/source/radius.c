/* SPDX-License-Identifier: Apache-2.0 */
#include "source/radius.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "source/radius_radacct.h"
#include "source/radius_server.h"
#include "source/radius_socket.h"

enum { ACCOUNTING_PORT = 1813 };

struct radius_config {
    struct option_list listen, client, radacct;
    char *secret, *clients, *ports, *switch_name;
    int64_t port;
    bool demand;
    struct span radacct_interval, radacct_lookback, radacct_overlap, radacct_timeout;
};

static const struct config_option options[] = {
    {"listen", OPTION_TEXT_LIST, offsetof(struct radius_config, listen), false, NULL, 0, 0, NULL,
     "The addresses to listen at; without it, every address of IPv4 and IPv6."},
    {"port", OPTION_INTEGER, offsetof(struct radius_config, port), false, "1813", 0, 65535, NULL,
     "The UDP port to listen at."},
    {"client", OPTION_TEXT_LIST, offsetof(struct radius_config, client), false, NULL, 0, 0, NULL,
     "Addresses or prefixes that may send accounting with the secret of secret_file."},
    {"secret_file", OPTION_SECRET_FILE, offsetof(struct radius_config, secret), false, NULL, 0, 0,
     NULL, "The file whose first line is the shared secret of client."},
    {"switch", OPTION_TEXT, offsetof(struct radius_config, switch_name), false, NULL, 0, 0, NULL,
     "The switch that client is, whatever its records say."},
    {"ports", OPTION_TEXT, offsetof(struct radius_config, ports), false, "auto", 0, 0, NULL,
     "How NAS-Port-Id and NAS-Port become a port: auto, id, number, a template with {n}, or "
     "REGEX=>TEMPLATE."},
    {"clients", OPTION_PATH, offsetof(struct radius_config, clients), false, NULL, 0, 0, NULL,
     "A CSV file of clients with the columns address, secret_file, switch, ports, "
     "require_message_authenticator, name."},
    {"require_message_authenticator", OPTION_BOOL, offsetof(struct radius_config, demand), false,
     "no", 0, 0, NULL, "Drops requests without Message-Authenticator."},
    {"radacct", OPTION_COMMAND, offsetof(struct radius_config, radacct), false, NULL, 0, 0, NULL,
     "A program and its arguments that print rows of FreeRADIUS's table radacct as CSV; {since} "
     "and {since_epoch} are replaced by the time from which they are wanted."},
    {"radacct_interval", OPTION_SPAN, offsetof(struct radius_config, radacct_interval), false,
     "10s", 10000, INT64_C(3600000000), NULL, "How long after a run of radacct the next begins."},
    {"radacct_lookback", OPTION_SPAN, offsetof(struct radius_config, radacct_lookback), false, "1d",
     0, INT64_C(35) * 86400 * 1000000, NULL, "How far back the first run of radacct asks."},
    {"radacct_overlap", OPTION_SPAN, offsetof(struct radius_config, radacct_overlap), false, "5m",
     0, INT64_C(86400) * 1000000, NULL,
     "How far behind the latest row each further run of radacct asks: as much as the clock of a "
     "switch may be slow."},
    {"radacct_timeout", OPTION_SPAN, offsetof(struct radius_config, radacct_timeout), false, "30s",
     100000, INT64_C(3600000000), NULL, "How long one run of radacct may take."},
    {.name = NULL},
};

struct radius_state {
    const struct radius_config *config;
    struct radius_server *server;   /* NULL: there are no clients */
    struct radius_radacct *radacct; /* NULL: not configured */
    struct radius_listen listens[RADIUS_SOCKETS_MAX];
    size_t listen_count;
    bool everywhere; /* no address was configured */
};

/* --- making it --- */

static int read_listens(struct radius_state *radius, struct err *err)
{
    const struct option_list *list = &radius->config->listen;
    const uint16_t port = (uint16_t)radius->config->port;
    radius->everywhere = list->count == 0;
    if (radius->everywhere) {
        radius->listens[0] = (struct radius_listen){IP_NONE, false, port};
        radius->listens[1] = (struct radius_listen){IP_NONE, true, port};
        radius->listen_count = 2;
        return 0;
    }
    if (list->count > RADIUS_SOCKETS_MAX)
        return err_set(err, ERR_LIMIT, "listen: more than %d addresses", RADIUS_SOCKETS_MAX);
    for (size_t i = 0; i < list->count; i++) {
        struct ip ip;
        const char *text = list->items[i];
        if (ip_parse(text, strlen(text), &ip) != 0)
            return err_set(err, ERR_SYNTAX, "listen: found \"%.60s\", expected an address", text);
        bool v6 = !ip_is_v4(&ip);
        if (!v6 && ip.octets[12] == 0) /* 0.0.0.0 */
            ip = IP_NONE;
        radius->listens[radius->listen_count++] = (struct radius_listen){ip, v6, port};
    }
    return 0;
}

static int add_own_clients(const struct radius_config *config, struct radius_clients *clients,
                           struct err *err)
{
    const struct option_list *list = &config->client;
    if (list->count > 0 && config->secret == NULL)
        return err_set(err, ERR_NOT_FOUND, "client needs secret_file");
    for (size_t i = 0; i < list->count; i++) {
        struct radius_client_spec spec = {.secret = config->secret,
                                          .switch_name = config->switch_name,
                                          .ports = config->ports,
                                          .demand = config->demand};
        if (ip_prefix_parse(list->items[i], strlen(list->items[i]), &spec.prefix) != 0)
            return err_set(err, ERR_SYNTAX,
                           "client: found \"%.60s\", expected 192.0.2.7 or 192.0.2.0/24",
                           list->items[i]);
        if (radius_clients_add(clients, &spec, err) != 0)
            return err->code;
    }
    return 0;
}

static int read_clients(const struct radius_config *config, struct radius_clients *clients,
                        struct err *err)
{
    if (add_own_clients(config, clients, err) != 0)
        return err->code;
    if (config->clients != NULL &&
        radius_clients_load(clients, config->clients, config->demand, err) != 0)
        return err->code;
    return radius_clients_sort(clients, err);
}

static int make_server(struct radius_state *radius, struct env *env, struct err *err)
{
    struct radius_clients clients = {0};
    int status = read_clients(radius->config, &clients, err);
    if (status == 0 && clients.count > 0) {
        radius->server = radius_server_new(env, &clients, err);
        status = radius->server == NULL ? (int)err->code : 0;
    }
    radius_clients_done(&clients);
    return status != 0 ? status : read_listens(radius, err);
}

static void destruct(void *state)
{
    struct radius_state *radius = state;
    radius_server_free(radius->server);
    radius_radacct_free(radius->radacct);
}

static int make_parts(struct radius_state *radius, struct env *env, struct err *err)
{
    const struct radius_config *config = radius->config;
    if (make_server(radius, env, err) != 0)
        return err->code;
    if (config->radacct.count > 0) {
        const struct radius_radacct_options radacct = {.command = &config->radacct,
                                                       .interval = config->radacct_interval,
                                                       .lookback = config->radacct_lookback,
                                                       .overlap = config->radacct_overlap,
                                                       .timeout = config->radacct_timeout,
                                                       .ports = config->ports,
                                                       .alone = radius->server == NULL};
        radius->radacct = radius_radacct_new(env, &radacct, err);
        if (radius->radacct == NULL)
            return err->code;
    }
    if (radius->server == NULL && radius->radacct == NULL)
        return err_set(err, ERR_NOT_FOUND,
                       "expected client and secret_file, clients, or radacct: nobody could send");
    return 0;
}

static int construct(void *state, const void *config, struct env *env, struct err *err)
{
    struct radius_state *radius = state;
    radius->config = config;
    int status = make_parts(radius, env, err);
    if (status != 0)
        destruct(radius);
    return status;
}

/* --- running it --- */

static int start(void *state, struct event_feed *feed, struct err *err)
{
    struct radius_state *radius = state;
    if (radius->server != NULL &&
        radius_server_start(radius->server, radius->listens, radius->listen_count,
                            radius->everywhere, feed, err) != 0)
        return err->code;
    if (radius->radacct != NULL)
        radius_radacct_start(radius->radacct, feed);
    return 0;
}

static void stop(void *state)
{
    struct radius_state *radius = state;
    if (radius->server != NULL)
        radius_server_stop(radius->server);
    if (radius->radacct != NULL)
        radius_radacct_stop(radius->radacct);
}

static void settled(void *state, const uint64_t *tickets, size_t count, bool stored)
{
    struct radius_state *radius = state;
    if (radius->server != NULL)
        radius_server_settled(radius->server, tickets, count, stored);
    if (radius->radacct != NULL)
        radius_radacct_settled(radius->radacct, tickets, count, stored);
}

static void status(void *state, struct source_status *ret)
{
    const struct radius_state *radius = state;
    ret->count = 0;
    if (radius->server != NULL)
        radius_server_status(radius->server, ret);
    if (radius->radacct != NULL)
        radius_radacct_status(radius->radacct, ret);
}

static bool changed(const void *filled, struct wall then)
{
    const struct radius_config *config = filled;
    return config->clients != NULL && radius_clients_changed(config->clients, then);
}

const struct event_source_class event_radius = {
    .plug = {.type = "radius",
             .summary = "RADIUS accounting from switches, or from FreeRADIUS.",
             .options = options,
             .state_size = sizeof(struct radius_state),
             .config_size = sizeof(struct radius_config),
             .construct = construct,
             .destruct = destruct},
    .start = start,
    .stop = stop,
    .settled = settled,
    .status = status,
    .changed = changed,
};

uint16_t event_radius_port(const void *state)
{
    const struct radius_state *radius = state;
    return radius->server != NULL ? radius_server_port(radius->server, 0) : 0;
}
