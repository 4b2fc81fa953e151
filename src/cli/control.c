/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/daemon_client.h"
#include "model/discrepancy.h"

/* `muster reload` and `muster log-level`: one request to the daemon, one answer. */

enum { OPTION_SOCKET = 256, OPTION_ACCEPT_SHRUNK };

struct asked {
    struct common_options common;
    const char *socket, *accept_shrunk;
};

static bool parse(int argc, char **argv, const char *command, const struct option *options,
                  struct asked *ret)
{
    for (int option;
         (option = command_options(argc, argv, command, options, &ret->common)) != -1;) {
        if (option == OPTION_SOCKET)
            ret->socket = optarg;
        else if (option == OPTION_ACCEPT_SHRUNK)
            ret->accept_shrunk = optarg;
        else
            return false;
    }
    return true;
}

static int ask(const char *command, const struct asked *asked, json_t *request)
{
    AUTO_TEXT struct text message = TEXT_EMPTY;
    struct daemon_client *client = NULL;
    struct err err = {0};
    int status = daemon_client_open(asked->common.config, asked->socket, &client, &err);
    if (status == 0)
        status = daemon_client_ask(client, request, &err);
    else
        json_decref(request);
    if (status == 0)
        status = daemon_client_end(client, &message);
    else
        text_add(&message, err.text);
    daemon_client_close(client);
    if (status != 0)
        return command_fail(command, EXIT_USAGE, "%s", text_get(&message));
    if (!asked->common.quiet)
        fprintf(stderr, "muster %s: %s\n", command, text_get(&message));
    return EXIT_CLEAN;
}

int command_reload(int argc, char **argv)
{
    static const struct option options[] = {
        {"socket", required_argument, NULL, OPTION_SOCKET},
        {"accept-shrunk", required_argument, NULL, OPTION_ACCEPT_SHRUNK},
        {NULL, 0, NULL, 0}};
    struct asked asked = {.common = {.config = "muster.yaml"}};
    if (!parse(argc, argv, "reload", options, &asked))
        return EXIT_USAGE;
    if (optind != argc)
        return command_fail("reload", EXIT_USAGE, "unexpected \"%s\"", argv[optind]);
    if (asked.accept_shrunk != NULL)
        return ask(
            "reload", &asked,
            json_pack("{s:s,s:s}", "request", "accept_shrunk", "source", asked.accept_shrunk));
    return ask("reload", &asked, json_pack("{s:s}", "request", "reload"));
}

int command_log_level(int argc, char **argv)
{
    static const struct option options[] = {{"socket", required_argument, NULL, OPTION_SOCKET},
                                            {NULL, 0, NULL, 0}};
    struct asked asked = {.common = {.config = "muster.yaml"}};
    if (!parse(argc, argv, "log-level", options, &asked))
        return EXIT_USAGE;
    if (argc - optind != 1)
        return command_fail("log-level", EXIT_USAGE, "expected error, warning, info or debug");
    return ask("log-level", &asked,
               json_pack("{s:s,s:s}", "request", "log_level", "level", argv[optind]));
}
