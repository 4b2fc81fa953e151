/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/standard.h"
#include "daemon/daemon.h"
#include "io/log.h"

/* `musterd`: its arguments, and the log; musterd(8). */

enum { OPTION_LOG_LEVEL = 256, OPTION_VERSION, OPTION_HELP };

static int print_usage(FILE *to, int status)
{
    fputs("musterd polls what the configuration names, hears what happens, and keeps the cases.\n\n"
          "usage: musterd [-c FILE] [-f] [--log-level LEVEL]\n\n"
          "  -c, --config FILE    configuration, default muster.yaml\n"
          "  -f, --foreground     each line of the log begins with its time\n"
          "  --log-level LEVEL    error, warning, info or debug; stands before the "
          "configuration's\n"
          "  --version, --help\n\n"
          "It stays in the foreground and writes its log to stderr. Manual: musterd(8).\n",
          to);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"foreground", no_argument, NULL, 'f'},
        {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    struct daemon_start start = {.config_file = "muster.yaml", .level = LOG_LEVEL_INFO};
    standard_open();
    bool stamped = isatty(STDERR_FILENO);
    for (int option; (option = getopt_long(argc, argv, "c:fh", options, NULL)) != -1;) {
        if (option == 'c') {
            start.config_file = optarg;
        } else if (option == 'f') {
            stamped = true;
        } else if (option == OPTION_LOG_LEVEL && log_level_parse(optarg, &start.level) == 0) {
            start.level_given = true;
        } else if (option == OPTION_VERSION) {
            puts("musterd " MUSTER_VERSION);
            return EXIT_SUCCESS;
        } else if (option == 'h') {
            return print_usage(stdout, EXIT_SUCCESS);
        } else {
            if (option == OPTION_LOG_LEVEL)
                fprintf(stderr,
                        "musterd: --log-level: found \"%s\", expected error, warning, info or "
                        "debug\n",
                        optarg);
            return print_usage(stderr, EXIT_FAILURE);
        }
    }
    if (optind != argc) {
        fprintf(stderr, "musterd: unexpected \"%s\"\n", argv[optind]);
        return print_usage(stderr, EXIT_FAILURE);
    }
    signal(SIGPIPE, SIG_IGN);
    struct daemon *daemon = NULL;
    start.log = log_new(stderr, start.level, stamped);
    int status = daemon_new(&start, &daemon);
    if (status == 0) {
        daemon_run(daemon);
        daemon_free(daemon);
        log_say(start.log, LOG_LEVEL_INFO, "daemon", "ended");
    } else {
        log_say(start.log, LOG_LEVEL_ERROR, "daemon",
                "not started: nothing is read, heard or stored");
    }
    log_free(start.log);
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
