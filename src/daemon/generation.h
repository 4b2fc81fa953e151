/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_GENERATION_H
#define MUSTER_DAEMON_GENERATION_H

#include <stdbool.h>

#include "contract/plugin.h"
#include "daemon/config.h"

/* One reading of the configuration, shared by all that was made from it.
 *
 * A plug-in's state borrows its options, its run-state words and its services for as long
 * as it lives, and a daemon re-reads its configuration while plug-ins have jobs under way.
 * So a reading of the file is never changed and never freed under anybody: whoever makes
 * something from it keeps it, and drops it afterwards; the last one frees it. A source
 * that the next reading configures in the very same way is not made anew: its poller or
 * listener goes on with the generation that it was made from, so that its sockets, its
 * sessions and what it has learnt survive a reload.
 *
 * "The same way" is: same class, same name, same options with the same secrets, same
 * run-state words and quirk table, and no file that an option of an event source names, or that
 * such a file names in its turn, was written or put there since. */

struct generation {
    struct config *config;
    struct env env; /* what its plug-ins are given */
    struct wall read_at;
    unsigned keepers;
};

/* Takes `config`; the services of `base` serve its plug-ins, but for what the
 * configuration itself says. Kept once, by the caller. */
struct generation *generation_new(struct config *config, const struct env *base);

/* Keeps the generation for one more; returns it. */
struct generation *generation_keep(struct generation *generation);

/* Gives it back; the last one frees it. NULL is allowed. */
void generation_drop(struct generation *generation);

/* Whether `new_source` of `now` is configured as `source` of `before` was, so that what
 * was made from that can stay. */
bool generation_same(const struct generation *before, const struct config_source *source,
                     const struct generation *now, const struct config_source *new_source);

#endif
