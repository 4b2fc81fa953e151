/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CLI_COMMAND_H
#define MUSTER_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* A subcommand of `muster`: one file, one line in main.c's table. */

struct command {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *summary;   /* one line */
    /* Runs with its own argv (argv[0] = the subcommand's word) and returns the
     * process's exit status (enum audit_exit). */
    int (*run)(int argc, char **argv);
};

/* `muster audit`, muster(1). */
int command_audit(int argc, char **argv);
/* `muster where`, muster(1). */
int command_where(int argc, char **argv);
/* `muster history`, muster(1). */
int command_history(int argc, char **argv);
/* `muster why`, muster(1). */
int command_why(int argc, char **argv);
/* `muster as-of`, muster(1). */
int command_as_of(int argc, char **argv);
/* `muster case`, muster(1). */
int command_case(int argc, char **argv);
/* `muster learn`, muster(1). */
int command_learn(int argc, char **argv);
/* `muster check`, muster(1). */
int command_check(int argc, char **argv);
/* `muster forward`, muster(1). */
int command_forward(int argc, char **argv);
/* `muster probe`, muster(1). */
int command_probe(int argc, char **argv);
/* `muster decode`, muster(1). */
int command_decode(int argc, char **argv);
/* `muster sim`, muster(1). */
int command_sim(int argc, char **argv);
/* `muster demo`, muster(1). */
int command_demo(int argc, char **argv);

/* `muster watch`, muster(1). */
int command_watch(int argc, char **argv);
/* `muster status`, muster(1). */
int command_status(int argc, char **argv);
/* `muster reload`, muster(1). */
int command_reload(int argc, char **argv);
/* `muster log-level`, muster(1). */
int command_log_level(int argc, char **argv);

enum output_format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };

/* The options that most commands share. */
struct common_options {
    const char *config; /* -c, --config; "muster.yaml" */
    bool config_given;
    enum output_format format; /* -f, --format; table on a terminal and elsewhere */
    bool quiet;                /* -q: no progress, no summary */
};

/* What an option parser got from command_options(). */
enum { COMMAND_OPTIONS_END = -1, COMMAND_OPTIONS_ERROR = '?' };

struct option; /* getopt.h */

/* getopt_long() with the common options added to `own` (NULL-ended, may be
 * NULL): sets `common` itself and returns only the command's own options, whose
 * `val`s must be >= 256 or other letters than c, f, q and h. -h prints the
 * usage of `command` and ends the process with 0. COMMAND_OPTIONS_END at the
 * end, COMMAND_OPTIONS_ERROR after a message. */
int command_options(int argc, char **argv, const char *command, const struct option *own,
                    struct common_options *common);

/* Prints "muster WORD: MESSAGE" to stderr and returns `status`. */
int command_fail(const char *word, int status, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
