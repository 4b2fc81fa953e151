/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_CONFIG_DAEMON_H
#define MUSTER_DAEMON_CONFIG_DAEMON_H

#include <stdbool.h>

#include "contract/option.h"
#include "io/log.h"

/* What musterd(8) alone needs to be told: the mapping `daemon:` of muster.yaml(5).
 *
 * All of it has a default, so that a configuration that `muster audit` understands
 * also runs as a daemon. Polling and hearing are switched off one by one (DESIGN
 * section 8 point 13): what cannot be seen then is not observable, and is said to be.
 * The table is the manual's table, as every plug-in's is; ranges keep a slip of the
 * pen from polling a network to death. */

struct daemon_options {
    bool polling, hearing;
    bool durable;         /* events are on the disk before they are answered */
    struct span interval; /* between two rounds */
    int64_t spread;       /* per cent of the interval over which polls are spread out */
    int64_t gap_rounds;   /* failed rounds in a row that make an audit_gap */
    struct span poll_gap; /* least time between two polls of one switch that events set off */
    int64_t probe_rate;   /* probes of one switch in a second at most */
    struct span retry;    /* before an event source that failed is tried again, at first */
    char *socket;         /* of control; NULL: "musterd.sock" beside the store */
    char *group;          /* whose members may use it, too; NULL: none */
    char *user;           /* to run as, when started by root; NULL: stay */
    int64_t clients;      /* at once on the control socket */
    int log_level;        /* enum log_level */
};

/* The option table, ended by a NULL name. */
const struct config_option *config_daemon_table(void);

#endif
