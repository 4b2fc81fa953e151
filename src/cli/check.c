/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>

#include "cli/command.h"
#include "daemon/config_check.h"
#include "io/clock.h"
#include "io/loop.h"
#include "model/discrepancy.h"
#include "snmp/engine.h"

/* `muster check`: everything that is wrong with a configuration, at once. */

static int try_sources(const struct config *config, struct config_report *report)
{
    struct env env = {.loop = loop_new(),
                      .run_states = config->run_states,
                      .quirks_file = config->quirks,
                      .now = clock_env_now};
    struct err err;
    int status = snmp_engine_new_on_loop(env.loop, &env.snmp, &err);
    if (status == 0)
        config_check(config, &env, report);
    else
        command_fail("check", EXIT_USAGE, "%s", err.text);
    snmp_engine_free(env.snmp);
    loop_free(env.loop);
    return status;
}

static void print_counts(const char *path, const struct config *config)
{
    printf("%s: %zu recorded and %zu observed sources", path, config->recorded_count,
           config->observed_count);
    if (config->event_count > 0)
        printf(", %zu event source%s", config->event_count, config->event_count == 1 ? "" : "s");
    puts(", no error");
}

int command_check(int argc, char **argv)
{
    struct common_options common = {.config = "muster.yaml"};
    if (command_options(argc, argv, "check", NULL, &common) != COMMAND_OPTIONS_END)
        return EXIT_USAGE;
    if (argc - optind > 1)
        return command_fail("check", EXIT_USAGE, "expected one file");
    const char *path = optind < argc ? argv[optind] : common.config;
    struct config *config = NULL;
    struct config_report report;
    int status = config_load(path, &config, &report);
    if (status == 0)
        status = try_sources(config, &report);
    fputs(text_get(&report.warnings), stderr);
    fputs(text_get(&report.errors), stderr);
    if (status == 0 && report.error_count == 0 && !common.quiet)
        print_counts(path, config);
    else if (report.error_count > 0)
        fprintf(stderr, "%s: %u error%s; it would not be used\n", path, report.error_count,
                report.error_count == 1 ? "" : "s");
    int result = status == 0 && report.error_count == 0 ? EXIT_CLEAN : EXIT_USAGE;
    config_report_done(&report);
    config_free(config);
    return result;
}
