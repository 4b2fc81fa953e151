/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_CONFIG_CHECK_H
#define MUSTER_DAEMON_CONFIG_CHECK_H

#include "daemon/config.h"

/* What a right configuration names and this machine does not have: files, folders,
 * programs, the user and the group of the daemon.
 *
 * A spreadsheet that is not there is no error of the configuration: it may come with the
 * next export, and a daemon that refused to run without it would stop hearing everything
 * else. So config_load() says nothing of it. But whoever asks whether a configuration is right
 * (`muster check`) wants to know, and so does whoever has the daemon take a new one: each is
 * one line with file, line, key, what is wrong, and what follows while it is. Only what
 * was written is looked at, never a default: nobody has named that. What a plug-in reads when
 * it is made, and would refuse, is found by config_try().
 *
 * The answer holds for the moment and for who asks: `muster check` of root does not see what
 * the daemon's own user may not read. Nothing is opened, so that a pipe is not drained. */

/* As config_try(); what is named and not there is an error, too. */
void config_check(const struct config *config, struct env *env, struct config_report *report);

/* Adds a warning for all that is named and not there. Touches the disk. */
void config_warn_missing(const struct config *config, struct config_report *report);

#endif
