/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/standard.h"
#include "cli/command.h"
#include "model/discrepancy.h"

static const struct command commands[] = {
    {"demo", "[--keep DIR]", "a simulated data centre on loopback: audited, judged, explained",
     command_demo},
    {"audit", "", "one polling round: every guest that is not where or not as recorded",
     command_audit},
    {"where", "MAC|GUEST | --all", "the switch port behind which an address is, and how sure",
     command_where},
    {"history", "MAC|GUEST", "where it was and what the records said of it, over time",
     command_history},
    {"why", "MAC|GUEST|CASE", "the chain of proof: rows, receipts, arithmetic, rule", command_why},
    {"as-of", "TIME [audit|where|why ...]", "the same questions at an earlier time", command_as_of},
    {"case", "list|show|ack|close ...", "discrepancies and their life", command_case},
    {"watch", "[--events]", "cases and events of the running daemon, as they happen",
     command_watch},
    {"status", "", "how the running daemon does, source by source", command_status},
    {"reload", "[--accept-shrunk SOURCE]", "have the daemon read its configuration again",
     command_reload},
    {"log-level", "error|warning|info|debug", "what the running daemon logs", command_log_level},
    {"learn", "[--accept FILE]", "hypervisor attachments from where their own NICs are seen",
     command_learn},
    {"check", "[FILE]", "check the configuration", command_check},
    {"forward", "SWITCH|FILE", "the forward table of a switch or a recording", command_forward},
    {"probe", "MAC", "ask every switch for this one address, now", command_probe},
    {"decode", "FILE...", "what Muster reads out of a file, as JSON lines", command_decode},
    {"sim", "", "serve recordings or a generated data centre as SNMP agents", command_sim},
};

static void print_usage(FILE *to)
{
    fprintf(to, "muster holds what the records say of every guest against what the network "
                "shows.\n\nusage: muster COMMAND [OPTIONS] [ARGUMENTS]\n\n");
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fprintf(to, "\nCommon options: -c FILE (configuration, default muster.yaml), "
                "-f table|json|csv, -q,\n-h. Manual: muster(1), muster.yaml(5), "
                "muster-schema(5).\n");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static bool set_format(struct common_options *common, const char *word)
{
    static const char *const words[] = {"table", "json", "csv"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strcmp(word, words[i]) == 0) {
            common->format = (enum output_format)i;
            return true;
        }
    }
    fprintf(stderr, "muster: --format %s: expected table, json or csv\n", word);
    return false;
}

enum { OWN_OPTIONS_MOST = 24 };

int command_options(int argc, char **argv, const char *command, const struct option *own,
                    struct common_options *common)
{
    struct option options[OWN_OPTIONS_MOST + 5] = {{"config", required_argument, NULL, 'c'},
                                                   {"format", required_argument, NULL, 'f'},
                                                   {"quiet", no_argument, NULL, 'q'},
                                                   {"help", no_argument, NULL, 'h'}};
    for (size_t i = 0; own != NULL && own[i].name != NULL; i++) {
        CHECK(i < OWN_OPTIONS_MOST);
        options[4 + i] = own[i];
    }
    for (;;) {
        int option = getopt_long(argc, argv, "c:f:qh", options, NULL);
        switch (option) {
        case 'c':
            common->config = optarg;
            common->config_given = true;
            break;
        case 'f':
            if (!set_format(common, optarg))
                return COMMAND_OPTIONS_ERROR;
            break;
        case 'q':
            common->quiet = true;
            break;
        case 'h': {
            const struct command *known = find_command(command);
            CHECK(known != NULL);
            printf("usage: muster %s %s\n%s\nSee muster(1).\n", command, known->arguments,
                   known->summary);
            exit(EXIT_CLEAN);
        }
        default:
            return option;
        }
    }
}

int command_fail(const char *word, int status, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "muster %s: ", word);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return status;
}

int main(int argc, char **argv)
{
    standard_open();
    setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("muster " MUSTER_VERSION);
        return EXIT_CLEAN;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return EXIT_CLEAN;
    }
    const struct command *command = find_command(argv[1]);
    if (command == NULL) {
        fprintf(stderr, "muster: there is no command \"%s\"; `muster help` lists them\n", argv[1]);
        return EXIT_USAGE;
    }
    int status = command->run(argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (!standard_reader_gone()) /* who piped it into `head` has seen enough */
            fprintf(stderr, "muster: the output could not be written whole\n");
        return status == EXIT_CLEAN ? EXIT_USAGE : status;
    }
    return status;
}
