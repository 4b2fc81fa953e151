/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_DAEMON_INTERNAL_H
#define MUSTER_DAEMON_DAEMON_INTERNAL_H

#include "daemon/auditor.h"
#include "daemon/control.h"
#include "daemon/daemon.h"
#include "daemon/hearing.h"
#include "daemon/keeper.h"
#include "daemon/ledger.h"
#include "daemon/notify.h"
#include "daemon/reactor.h"
#include "daemon/recall.h"
#include "daemon/switch_names.h"

/* The parts of the daemon, for the files that it is written in: daemon.c (life, reload),
 * daemon_control.c (what clients ask), status.c (what `muster status` prints). All of it is
 * the loop's thread's: the keeper's and the judge's threads are given what they work on
 * and know nothing of the daemon. */

struct daemon {
    struct daemon_start start;
    struct loop *loop;
    struct env env; /* the services; each generation has its own copy */
    struct generation *generation;
    struct log *log;
    struct switch_names *switches;
    struct keeper *keeper;
    struct ledger *ledger;
    struct worker *judge;
    struct auditor *auditor;
    struct hearing *hearing;
    struct reactor *reactor;
    struct recall *recall;
    struct control *control;
    struct notify *notify;
    struct loop_timer *watchdog;
    struct loop_signal *hangup, *terminate, *interrupt;
    struct wall started, config_read;
    struct trial *trial; /* a configuration that may take over; NULL */
    uint64_t reloads, reloads_refused;
    struct wall refused_at; /* the latest reload, when that was refused; WALL_UNKNOWN */
    bool ending;
};

/* Reads the configuration for the first time. Returns 0, or ERR_SYNTAX after every message
 * was logged. */
int daemon_first_config(struct daemon *daemon) MUST_USE;

/* Reads the configuration again, and takes it when it and all its new sources are right;
 * otherwise every message is logged and the old one goes on. The client with number `client`
 * (0: none) is answered when that is decided. */
void daemon_reload(struct daemon *daemon, uint64_t client);

/* Forgets a reload that is not decided yet. */
void daemon_forget_reload(struct daemon *daemon);

/* Tells the watchers what a round did to cases. */
void daemon_tell_cases(struct daemon *daemon, const struct case_change *changes, size_t count);

/* Tells the watchers of events. */
void daemon_tell_events(struct daemon *daemon, const struct event *events, size_t count);

/* A request of a client; the listener of the control socket. */
void daemon_asked(void *context, struct control_client *client, const char *who,
                  const struct control_request *request);

/* Appends the whole state as one JSON object. */
void status_print(struct daemon *daemon, struct text *to);

#endif
