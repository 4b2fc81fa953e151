/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_CONFIG_H
#define MUSTER_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "audit/world.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "contract/plugin.h"
#include "daemon/config_daemon.h"

/* The configuration: muster.yaml, read whole, checked whole, then constant.
 *
 * Everything that can be wrong is said at once, each with file, line, key and
 * what was expected, so that a person mends a file in one go. The options of a
 * source come from its plug-in's own table (contract/option.h), those of Muster
 * itself from tables in config.c: what is not in a table is refused. Secrets
 * never stand in the file (contract/option.h). Paths are relative to the file. */

struct yaml_node;

struct config_source {
    char *name;                   /* unique: the key `name`, else the switch, else type and file */
    unsigned line;                /* in the file */
    const struct yaml_node *node; /* as it was written, in the configuration's arena */
    void *options;                /* the plug-in's own struct */
    /* one of the three */
    const struct recorded_source_class *recorded;
    const struct observed_source_class *observed;
    const struct event_source_class *event;
    const char *switch_name, *site; /* of an observed source, where it says so; else NULL */
};

struct config {
    char *file, *directory;
    char *store;  /* path of the store */
    char *quirks; /* the user's quirk table; NULL */
    struct span retention;
    struct config_source *recorded, *observed, *events;
    size_t recorded_count, observed_count, event_count;
    struct daemon_options daemon;
    struct mlag_pair *mlags;
    size_t mlag_count;
    struct audit_options audit;
    struct run_state_words *run_states;
    struct arena *arena;          /* texts of mlags, prefixes; what was written */
    const struct yaml_node *root; /* the same as a tree, daemon/yaml_tree.h */
};

/* What reading a configuration found: one line an error or warning. */
struct config_report {
    struct text errors, warnings;
    unsigned error_count, warning_count;
};

/* Reads the file at `path`. Returns 0 with *ret, yours to free, and maybe
 * warnings; or ERR_NOT_FOUND, ERR_SYSTEM, ERR_SYNTAX with at least one error in
 * `report` and *ret untouched. `report` is initialised here and freed with
 * config_report_done(). */
int config_load(const char *path, struct config **ret, struct config_report *report) MUST_USE;
/* As config_load() of a file with these bytes; `path` is its name in messages. */
int config_parse(const char *path, const char *bytes, size_t length, struct config **ret,
                 struct config_report *report) MUST_USE;
void config_free(struct config *config); /* NULL is allowed */
void config_report_done(struct config_report *report);

/* Returns what all plug-in classes have in common, of the source's class. */
const struct plug_class *config_source_plug(const struct config_source *source);

/* Returns the value of its text or path option `name`, NULL where it has none. */
const char *config_source_text(const struct config_source *source, const char *name);

/* Makes the plug-in of one source and takes it down again, as config_try() does. */
void config_try_source(const struct config *config, const struct config_source *source,
                       struct env *env, struct config_report *report);

/* Makes every plug-in once with its options and takes it down again: what a
 * plug-in itself finds wrong with them. Adds to `report`. */
void config_try(const struct config *config, struct env *env, struct config_report *report);

#endif
