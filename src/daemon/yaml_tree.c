/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/yaml_tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/limits.h"

struct reader {
    yaml_parser_t parser;
    const char *file;
    struct arena *arena;
    size_t nodes;
    struct err *err;
};

/* Children of a node while it is being read. */
struct children {
    const struct yaml_node **items, **keys;
    size_t count, capacity, key_capacity;
};

static unsigned line_of(yaml_mark_t mark)
{
    return (unsigned)mark.line + 1;
}

static int next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return 0;
    return err_set(r->err, ERR_SYNTAX, "%s:%u: not YAML: %s", r->file,
                   line_of(r->parser.problem_mark),
                   r->parser.problem != NULL ? r->parser.problem : "cannot be read");
}

static int read_node(struct reader *r, const yaml_event_t *first, unsigned depth,
                     const struct yaml_node **ret);

static const struct yaml_node *const *keep(struct reader *r, const struct yaml_node **items,
                                           size_t count)
{
    const struct yaml_node **kept = arena_alloc(r->arena, (count + 1) * sizeof *kept);
    if (count > 0)
        memcpy(kept, items, count * sizeof *kept);
    return kept;
}

static bool has_key(const struct children *children, const char *key)
{
    for (size_t i = 0; i < children->count; i++) {
        if (strcmp(children->keys[i]->text, key) == 0)
            return true;
    }
    return false;
}

/* Reads "key: value" up to the value; the key event is `first`. */
static int read_pair(struct reader *r, const yaml_event_t *first, unsigned depth,
                     struct children *children)
{
    const struct yaml_node *key, *value;
    yaml_event_t event;
    int status = read_node(r, first, depth + 1, &key);
    if (status != 0)
        return status;
    if (key->kind != YAML_SCALAR)
        return err_set(r->err, ERR_SYNTAX, "%s:%u: a key must be a plain word, not %s", r->file,
                       key->line, yaml_kind_word(key->kind));
    if (children->count == YAML_KEYS_MOST)
        return err_set(r->err, ERR_LIMIT, "%s:%u: more than %d keys in one map", r->file, key->line,
                       YAML_KEYS_MOST);
    if (has_key(children, key->text))
        return err_set(r->err, ERR_SYNTAX, "%s:%u: the key \"%s\" stands here twice", r->file,
                       key->line, key->text);
    if ((status = next_event(r, &event)) != 0)
        return status;
    status = read_node(r, &event, depth + 1, &value);
    yaml_event_delete(&event);
    if (status != 0)
        return status;
    children->keys =
        alloc_grow(children->keys, children->count, &children->key_capacity, sizeof(void *));
    children->items =
        alloc_grow(children->items, children->count, &children->capacity, sizeof(void *));
    children->keys[children->count] = key;
    children->items[children->count++] = value;
    return 0;
}

static int read_item(struct reader *r, const yaml_event_t *first, unsigned depth,
                     struct children *children)
{
    const struct yaml_node *item;
    int status = read_node(r, first, depth + 1, &item);
    if (status != 0)
        return status;
    children->items =
        alloc_grow(children->items, children->count, &children->capacity, sizeof(void *));
    children->items[children->count++] = item;
    return 0;
}

static int read_children(struct reader *r, yaml_event_type_t end, unsigned depth,
                         struct children *children)
{
    for (;;) {
        yaml_event_t event;
        int status = next_event(r, &event);
        if (status != 0)
            return status;
        bool done = event.type == end;
        if (!done)
            status = end == YAML_MAPPING_END_EVENT ? read_pair(r, &event, depth, children)
                                                   : read_item(r, &event, depth, children);
        yaml_event_delete(&event);
        if (done || status != 0)
            return status;
    }
}

static int read_collection(struct reader *r, struct yaml_node *node, unsigned depth)
{
    struct children children = {0};
    yaml_event_type_t end =
        node->kind == YAML_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    int status = read_children(r, end, depth, &children);
    node->count = children.count;
    node->items = keep(r, children.items, children.count);
    if (node->kind == YAML_MAP)
        node->keys = keep(r, children.keys, children.count);
    free(children.items);
    free(children.keys);
    return status;
}

static int read_node(struct reader *r, const yaml_event_t *first, unsigned depth,
                     const struct yaml_node **ret)
{
    unsigned line = line_of(first->start_mark);
    if (depth > LIMIT_CONFIG_DEPTH)
        return err_set(r->err, ERR_LIMIT, "%s:%u: nested deeper than %d levels", r->file, line,
                       LIMIT_CONFIG_DEPTH);
    if (++r->nodes > YAML_NODES_MOST)
        return err_set(r->err, ERR_LIMIT, "%s:%u: more than %d values", r->file, line,
                       YAML_NODES_MOST);
    struct yaml_node *node = arena_alloc(r->arena, sizeof *node);
    node->line = line;
    *ret = node;
    switch (first->type) {
    case YAML_SCALAR_EVENT:
        node->kind = YAML_SCALAR;
        node->text =
            arena_text(r->arena, (const char *)first->data.scalar.value, first->data.scalar.length);
        if (strlen(node->text) != first->data.scalar.length)
            return err_set(r->err, ERR_SYNTAX, "%s:%u: a value holds a NUL character", r->file,
                           line);
        return 0;
    case YAML_SEQUENCE_START_EVENT:
        node->kind = YAML_LIST;
        return read_collection(r, node, depth);
    case YAML_MAPPING_START_EVENT:
        node->kind = YAML_MAP;
        return read_collection(r, node, depth);
    case YAML_ALIAS_EVENT:
        return err_set(r->err, ERR_SYNTAX, "%s:%u: aliases (*name) are not taken; write it out",
                       r->file, line);
    default:
        return err_set(r->err, ERR_SYNTAX, "%s:%u: expected a value", r->file, line);
    }
}

static int read_stream(struct reader *r, const struct yaml_node **ret)
{
    bool seen = false;
    for (;;) {
        yaml_event_t event;
        int status = next_event(r, &event);
        if (status != 0)
            return status;
        yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && seen)
            status = err_set(r->err, ERR_SYNTAX, "%s:%u: a second document; one a file is read",
                             r->file, line_of(event.start_mark));
        else if (type != YAML_STREAM_START_EVENT && type != YAML_STREAM_END_EVENT &&
                 type != YAML_DOCUMENT_START_EVENT && type != YAML_DOCUMENT_END_EVENT)
            status = read_node(r, &event, 0, ret);
        seen = seen || type == YAML_DOCUMENT_START_EVENT;
        yaml_event_delete(&event);
        if (status != 0 || type == YAML_STREAM_END_EVENT)
            return status;
    }
}

int yaml_tree_parse(const char *text, size_t length, const char *file, struct arena *arena,
                    const struct yaml_node **ret, struct err *err)
{
    struct reader reader = {.file = file, .arena = arena, .err = err};
    if (length > LIMIT_CONFIG_BYTES)
        return err_set(err, ERR_LIMIT, "%s: larger than %d bytes", file, LIMIT_CONFIG_BYTES);
    const struct yaml_node *root = NULL;
    CHECK(yaml_parser_initialize(&reader.parser));
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
    int status = read_stream(&reader, &root);
    yaml_parser_delete(&reader.parser);
    if (status == 0)
        *ret = root;
    return status;
}

const struct yaml_node *yaml_find(const struct yaml_node *node, const char *key)
{
    for (size_t i = 0; node != NULL && node->kind == YAML_MAP && i < node->count; i++) {
        if (strcmp(node->keys[i]->text, key) == 0)
            return node->items[i];
    }
    return NULL;
}

const char *yaml_kind_word(enum yaml_kind kind)
{
    switch (kind) {
    case YAML_SCALAR:
        return "a value";
    case YAML_LIST:
        return "a list";
    case YAML_MAP:
        return "a map";
    }
    UNREACHABLE();
}
