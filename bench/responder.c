/* SPDX-License-Identifier: Apache-2.0 */
/* The agents that the collection benchmark asks: many devices with one forward
 * table of dot1dTpFdbPort rows each, at consecutive loopback addresses, v1, v2c
 * (community "public") and v3 (SHA-1, AES-128). Serves until it is terminated. */

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim/responder.h"

struct options {
    struct sim_responder_config responder;
    struct sim_credentials credentials;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "responder: %s\n", what);
    exit(2);
}

static uint32_t parse_address(const char *text)
{
    struct in_addr address;
    if (inet_pton(AF_INET, text, &address) != 1)
        fail("--address: an IPv4 address was expected");
    return ntohl(address.s_addr);
}

static double parse_number(const char *text, double high)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != 0 || !(number >= 0) || number > high)
        fail("a number in range was expected");
    return number;
}

static void parse_option(struct options *o, int option, const char *value)
{
    struct sim_responder_config *r = &o->responder;
    if (option == 'a')
        r->first_address = parse_address(value);
    else if (option == 'p')
        r->port = (uint16_t)parse_number(value, 65535);
    else if (option == 'n')
        r->devices = (uint32_t)parse_number(value, 1e6);
    else if (option == 'r')
        r->rows = (uint32_t)parse_number(value, 1e6);
    else if (option == 'd')
        r->rtt = span_us((int64_t)(parse_number(value, 1e5) * 1000));
    else if (option == 'l')
        r->loss = (unsigned)(parse_number(value, 100) * 10);
    else if (option == 'u')
        o->credentials.user = value;
    else if (option == 'A')
        o->credentials.auth_password = value;
    else if (option == 'X')
        o->credentials.priv_password = value;
    else
        fail("usage: responder --address A --port P --agents N --rows M [--delay-ms D] "
             "[--loss-percent L] [--user U --auth PASS --priv PASS]");
}

static void parse(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        {"address", required_argument, NULL, 'a'},  {"port", required_argument, NULL, 'p'},
        {"agents", required_argument, NULL, 'n'},   {"rows", required_argument, NULL, 'r'},
        {"delay-ms", required_argument, NULL, 'd'}, {"loss-percent", required_argument, NULL, 'l'},
        {"user", required_argument, NULL, 'u'},     {"auth", required_argument, NULL, 'A'},
        {"priv", required_argument, NULL, 'X'},     {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
        parse_option(o, option, optarg);
}

int main(int argc, char **argv)
{
    struct options o = {.responder = {.devices = 1, .rows = 1000},
                        .credentials = sim_default_credentials};
    o.credentials.auth = USM_AUTH_SHA1;
    o.responder.credentials = &o.credentials;
    parse(argc, argv, &o);
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    struct wall now = {(int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000};
    struct sim_server *server = sim_server_new();
    struct sim_responder *responder = NULL;
    struct err err = {0};
    if (sim_responder_new(&o.responder, server, now, &responder, &err) != 0 ||
        sim_server_run(server, -1, &err) != 0)
        fail(err.text);
    sim_server_free(server);
    sim_responder_free(responder);
    return 0;
}
