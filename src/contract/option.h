/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CONTRACT_OPTION_H
#define MUSTER_CONTRACT_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"

/* The option table of a plug-in: the parser, `muster check`, the manual's table
 * and the schema all come from it, so an option cannot be undocumented. Values
 * are written at `offset` of the plug-in's own configuration struct, which the core
 * allocates and, after the plug-in has gone, frees. */

enum option_type {
    OPTION_TEXT,        /* char *; NULL when absent and without default */
    OPTION_PATH,        /* char *; relative to the configuration file, made absolute */
    OPTION_DIRECTORY,   /* the same, of a folder */
    OPTION_STATE_PATH,  /* the same, of a file that the plug-in itself writes */
    OPTION_SECRET_FILE, /* char *; path of a file whose first line is the secret; the field
                           receives the secret itself, wiped when freed. "NAME_file" options */
    OPTION_INTEGER,     /* int64_t */
    OPTION_SPAN,        /* struct span; "30s", "5min", bare seconds */
    OPTION_INSTANT,     /* struct wall; RFC 3339 */
    OPTION_BOOL,        /* bool */
    OPTION_CHOICE,      /* int: index into `choices` */
    OPTION_TEXT_LIST,   /* struct option_list: a YAML sequence, or one scalar */
    OPTION_COMMAND      /* struct option_list: a program and its arguments; a program with a
                           slash is a path relative to the configuration file */
};

struct option_list {
    char **items;
    size_t count;
};

struct config_option {
    const char *name;
    enum option_type type;
    size_t offset;
    bool required;
    const char *default_text;   /* as a user would write it; NULL: zero / NULL / unknown */
    int64_t low, high;          /* INTEGER range, SPAN range in microseconds; equal: none */
    const char *const *choices; /* NULL-ended */
    const char *help;           /* one sentence for the manual */
};

/* A table ends with {.name = NULL}. */

/* --- filling a plug-in's configuration struct from what somebody wrote --- */

/* Where a value was written, and what it may refer to. */
struct option_source {
    const char *file;      /* for messages: "muster.yaml"; NULL: none is said */
    unsigned line;         /* 1-based; 0: none is said */
    const char *directory; /* relative paths start here; NULL: the current one */
};

/* Sets every field of `config` that has a default and empties the others. */
void options_init(const struct config_option *options, void *config);

/* As options_init(); paths that are defaults start at `directory` (NULL: the
 * current one). */
void options_init_in(const struct config_option *options, const char *directory, void *config);

/* Frees what the fields hold, wipes secrets and zeroes the pointers. Works on a
 * struct that options_init() began, however far its filling went. */
void options_done(const struct config_option *options, void *config);

/* Whether two structs that were filled from the table `options` hold the same values,
 * secrets included. */
bool options_equal(const struct config_option *options, const void *a, const void *b);

/* Returns the option that a user's `key` sets, NULL when none does. A secret's
 * option answers to "NAME_file" and, for a value from the environment, to "NAME". */
const struct config_option *options_find(const struct config_option *options, const char *key);

/* Parses `values` (one, but for TEXT_LIST) into the field of `option`; replaces
 * what was there. `key` is what the user wrote: a secret under its bare name must
 * be "${VARIABLE}", a literal one is refused. Sets *ret_exposed when a secret's
 * file is readable by every user. Returns 0, or an error whose message says file,
 * line, key, what was found and what was expected; it never shows a secret. */
int option_parse(const struct config_option *option, const char *key, const char *const *values,
                 size_t count, const struct option_source *source, void *config, bool *ret_exposed,
                 struct err *err) MUST_USE;

/* Says that no option is called `key`: fills `err` with file, line, the nearest
 * option's name and, for a key that looks like a secret, how to give one.
 * `common` are further keys that are allowed there (NULL-ended). Returns ERR_NOT_FOUND. */
int option_unknown(const struct config_option *options, const char *const *common, const char *key,
                   const struct option_source *source, struct err *err);

enum { OPTION_SHAPE_SIZE = 256 };

/* Writes what a value of `option` looks like, for messages and the manual: "a whole
 * number from 1 to 65535"; returns `buffer`. */
char *option_shape(const struct config_option *option, char buffer[static OPTION_SHAPE_SIZE]);

#endif
