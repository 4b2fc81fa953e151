/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_CONTRACT_OPTION_H
#define MUSTER_CONTRACT_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The option table of a plug-in: the parser, `muster check`, the manual's table
 * and the schema all come from it, so an option cannot be undocumented. Values
 * are written at `offset` of the plug-in's own configuration struct, which the core
 * allocates and, after the plug-in has gone, frees. */

enum option_type {
    OPTION_TEXT,        /* char *; NULL when absent and without default */
    OPTION_PATH,        /* char *; relative to the configuration file, made absolute */
    OPTION_SECRET_FILE, /* char *; path of a file whose first line is the secret; the field
                           receives the secret itself, wiped when freed. "NAME_file" options */
    OPTION_INTEGER,     /* int64_t */
    OPTION_SPAN,        /* struct span; "30s", "5min", bare seconds */
    OPTION_INSTANT,     /* struct wall; RFC 3339 */
    OPTION_BOOL,        /* bool */
    OPTION_CHOICE,      /* int: index into `choices` */
    OPTION_TEXT_LIST    /* struct option_list: a YAML sequence, or one scalar */
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

#endif
