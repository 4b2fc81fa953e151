/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUSTER_DAEMON_YAML_TREE_H
#define MUSTER_DAEMON_YAML_TREE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/err.h"

/* A YAML document as a tree that remembers lines.
 *
 * libyaml's events become nodes in one arena, so that every message about the
 * configuration can name the line it is about. Depth and node count are bounded
 * before anything is built, and aliases are refused: a configuration needs none,
 * and nested ones can make a small file huge. One document a file; a second one
 * is an error, not ignored. */

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    unsigned line;                        /* 1-based */
    const char *text;                     /* SCALAR; "" for an empty value */
    const struct yaml_node *const *items; /* LIST and MAP: values */
    const struct yaml_node *const *keys;  /* MAP: scalars, beside items */
    size_t count;
};

enum { YAML_NODES_MOST = 1000000, YAML_KEYS_MOST = 4096 /* of one map */ };

/* Parses `length` bytes of `text`; `file` is for messages. Returns 0 with *ret in
 * `arena` (NULL for an empty document), or ERR_SYNTAX / ERR_LIMIT with file and
 * line. */
int yaml_tree_parse(const char *text, size_t length, const char *file, struct arena *arena,
                    const struct yaml_node **ret, struct err *err) MUST_USE;

/* Returns the value of `key` in the map `node`, NULL when it has none. */
const struct yaml_node *yaml_find(const struct yaml_node *node, const char *key);

/* Returns "a value", "a list" or "a map". */
const char *yaml_kind_word(enum yaml_kind kind);

#endif
