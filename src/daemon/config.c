/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "daemon/registry.h"
#include "daemon/yaml_tree.h"
#include "io/file.h"

/* The keys of Muster itself, in the same form as a plug-in's. */

struct root_options {
    char *store, *quirks;
    struct span retention;
};

static const struct config_option root_table[] = {
    {.name = "store",
     .type = OPTION_PATH,
     .offset = offsetof(struct root_options, store),
     .default_text = "muster.db",
     .help = "The store: log of facts, cases, history."},
    {.name = "retention",
     .type = OPTION_SPAN,
     .offset = offsetof(struct root_options, retention),
     .default_text = "35d",
     .low = 35 * INT64_C(86400000000),
     .high = 36500 * INT64_C(86400000000),
     .help = "How long facts that ended are kept."},
    {.name = "quirks",
     .type = OPTION_PATH,
     .offset = offsetof(struct root_options, quirks),
     .help = "Additions to the table of device quirks."},
    {.name = NULL}};

struct audit_table_options {
    bool prefix_mode, port_mode;
    struct option_list prefixes;
    struct span clock_skew, inventory_lag, settle, heard_hold, migration_window;
    int64_t gap_rounds;
};

static const struct config_option audit_table[] = {
    {.name = "prefix_mode",
     .type = OPTION_BOOL,
     .offset = offsetof(struct audit_table_options, prefix_mode),
     .default_text = "yes",
     .help = "Report addresses with a guest's prefix that no record has."},
    {.name = "prefixes",
     .type = OPTION_TEXT_LIST,
     .offset = offsetof(struct audit_table_options, prefixes),
     .help = "The prefixes of guests' addresses, instead of the table as delivered."},
    {.name = "port_mode",
     .type = OPTION_BOOL,
     .offset = offsetof(struct audit_table_options, port_mode),
     .default_text = "no",
     .help = "Report any address on a hypervisor's port that no record has."},
    {.name = "clock_skew",
     .type = OPTION_SPAN,
     .offset = offsetof(struct audit_table_options, clock_skew),
     .default_text = "2s",
     .low = 0,
     .high = 3600000000,
     .help = "How far clocks may differ; part of the poll error."},
    {.name = "inventory_lag",
     .type = OPTION_SPAN,
     .offset = offsetof(struct audit_table_options, inventory_lag),
     .default_text = "60s",
     .low = 0,
     .high = 86400000000,
     .help = "How long a record may take to follow a change."},
    {.name = "settle",
     .type = OPTION_SPAN,
     .offset = offsetof(struct audit_table_options, settle),
     .default_text = "30s",
     .low = 0,
     .high = 3600000000,
     .help = "How long the end of a session waits for another session or a sighting."},
    {.name = "heard_hold",
     .type = OPTION_SPAN,
     .offset = offsetof(struct audit_table_options, heard_hold),
     .default_text = "5min",
     .low = 1000000,
     .high = 86400000000,
     .help = "How long an address that was heard, and says not for how long, counts as there."},
    {.name = "migration_window",
     .type = OPTION_SPAN,
     .offset = offsetof(struct audit_table_options, migration_window),
     .default_text = "90s",
     .low = 0,
     .high = 3600000000,
     .help = "How long an announcement elsewhere makes two places expected."},
    {.name = "gap_rounds",
     .type = OPTION_INTEGER,
     .offset = offsetof(struct audit_table_options, gap_rounds),
     .default_text = "1",
     .low = 1,
     .high = 1000,
     .help = "Failed rounds in a row that make an audit_gap."},
    {.name = NULL}};

struct storm_options {
    int64_t count;
};

static const struct config_option storm_table[] = {
    {.name = "count",
     .type = OPTION_INTEGER,
     .offset = offsetof(struct storm_options, count),
     .default_text = "10",
     .low = 1,
     .high = 1000000,
     .help = "More than this many of one kind at one place become one collective case."},
    {.name = NULL}};

/* The keys of the root that are not in root_table. */
static const char *const root_sections[] = {
    "recorded", "observed", "topology", "audit", "run_states", "storm", "events", "daemon", NULL};
/* The keys of every source that are not in its plug-in's table. */
static const char *const source_keys[] = {"type", "name", NULL};

struct loader {
    struct config *config;
    struct config_report *report;
};

static void add_error(struct loader *l, const char *format, ...) PRINTF_LIKE(2, 3);
static void add_warning(struct loader *l, const char *format, ...) PRINTF_LIKE(2, 3);

static void add_error(struct loader *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_vprintf(&l->report->errors, format, args);
    va_end(args);
    text_add_char(&l->report->errors, '\n');
    l->report->error_count++;
}

static void add_warning(struct loader *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_vprintf(&l->report->warnings, format, args);
    va_end(args);
    text_add_char(&l->report->warnings, '\n');
    l->report->warning_count++;
}

static bool listed(const char *const *words, const char *word)
{
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0)
            return true;
    }
    return false;
}

/* The scalars of a value or list, in `ret_values` of `count` elements. */
static bool scalar_values(const struct yaml_node *node, struct arena *arena,
                          const char *const **ret_values, size_t *ret_count)
{
    size_t count = node->kind == YAML_LIST ? node->count : 1;
    const char **values = arena_alloc(arena, (count + 1) * sizeof *values);
    if (node->kind == YAML_MAP)
        return false;
    if (node->kind == YAML_SCALAR)
        values[0] = node->text;
    for (size_t i = 0; node->kind == YAML_LIST && i < count; i++) {
        if (node->items[i]->kind != YAML_SCALAR)
            return false;
        values[i] = node->items[i]->text;
    }
    *ret_values = values;
    *ret_count = count;
    return true;
}

static void read_option(struct loader *l, const struct config_option *option,
                        const struct yaml_node *key, const struct yaml_node *value, void *into)
{
    struct option_source source = {l->config->file, key->line, l->config->directory};
    const char *const *values;
    size_t count;
    bool exposed = false;
    struct err err;
    if (!scalar_values(value, l->config->arena, &values, &count)) {
        char shape[OPTION_SHAPE_SIZE];
        add_error(l, "%s:%u: %s: expected %s, not %s", l->config->file, value->line, key->text,
                  option_shape(option, shape), yaml_kind_word(value->kind));
        return;
    }
    if (option_parse(option, key->text, values, count, &source, into, &exposed, &err) != 0)
        add_error(l, "%s", err.text);
    else if (exposed)
        add_warning(l, "%s:%u: %s: every user of this machine can read that file", l->config->file,
                    key->line, key->text);
}

static bool option_given(const struct config_option *option, const struct config_option *table,
                         const struct yaml_node *map)
{
    for (size_t i = 0; map != NULL && map->kind == YAML_MAP && i < map->count; i++) {
        if (options_find(table, map->keys[i]->text) == option)
            return true;
    }
    return false;
}

/* Fills `into` from the map `node` (NULL: defaults). `common` are keys that
 * somebody else reads. */
static void read_options(struct loader *l, const struct config_option *table,
                         const char *const *common, const struct yaml_node *node, const char *where,
                         void *into)
{
    options_init_in(table, l->config->directory, into);
    if (node != NULL && node->kind != YAML_MAP) {
        add_error(l, "%s:%u: %s: expected a map of options, not %s", l->config->file, node->line,
                  where, yaml_kind_word(node->kind));
        return;
    }
    for (size_t i = 0; node != NULL && i < node->count; i++) {
        const struct yaml_node *key = node->keys[i];
        const struct config_option *option = options_find(table, key->text);
        struct option_source source = {l->config->file, key->line, l->config->directory};
        struct err err;
        if (option != NULL)
            read_option(l, option, key, node->items[i], into);
        else if (!listed(common, key->text)) {
            option_unknown(table, common, key->text, &source, &err);
            add_error(l, "%s", err.text);
        }
    }
    for (const struct config_option *option = table; option->name != NULL; option++) {
        if (option->required && !option_given(option, table, node))
            add_error(l, "%s:%u: %s: the key \"%s\" is missing: %s", l->config->file,
                      node != NULL ? node->line : 1, where, option->name, option->help);
    }
}

/* --- sources --- */

/* Whether it names what a source reads. */
static bool is_path(const struct config_option *option)
{
    return option->type == OPTION_PATH || option->type == OPTION_DIRECTORY;
}

static const char *option_text(const struct config_option *table, const void *options,
                               const char *name)
{
    const struct config_option *option = options_find(table, name);
    if (option == NULL || (option->type != OPTION_TEXT && !is_path(option)))
        return NULL;
    return *(char *const *)((const char *)options + option->offset);
}

/* The first path that a source reads, for its name. */
static const char *first_path(const struct config_option *table, const void *options)
{
    for (; table->name != NULL; table++) {
        const char *path = is_path(table) ? option_text(table, options, table->name) : NULL;
        if (path != NULL)
            return strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    }
    return NULL;
}

static bool name_among(const struct config_source *sources, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(sources[i].name, name) == 0)
            return true;
    }
    return false;
}

static bool name_taken(const struct config *config, const char *name)
{
    return name_among(config->recorded, config->recorded_count, name) ||
           name_among(config->observed, config->observed_count, name) ||
           name_among(config->events, config->event_count, name);
}

static char *source_name(struct loader *l, const struct config_source *source,
                         const struct plug_class *plug, const struct yaml_node *node)
{
    const struct yaml_node *given = yaml_find(node, "name");
    AUTO_TEXT struct text name = TEXT_EMPTY;
    const char *path = first_path(plug->options, source->options);
    if (given != NULL && given->kind == YAML_SCALAR && *given->text != '\0')
        text_add(&name, given->text);
    else if (source->switch_name != NULL)
        text_add(&name, source->switch_name);
    else if (source->event != NULL)
        text_add(&name, plug->type);
    else
        text_printf(&name, "%s%s%s", plug->type, path != NULL ? " " : "", path != NULL ? path : "");
    if (name.length > LIMIT_NAME_BYTES)
        add_error(l, "%s:%u: name: longer than %d bytes", l->config->file, source->line,
                  LIMIT_NAME_BYTES);
    if (name_taken(l->config, text_get(&name)) && (given != NULL || source->switch_name != NULL))
        add_error(l, "%s:%u: \"%s\" is the name of another source already", l->config->file,
                  source->line, text_get(&name));
    for (unsigned number = 2; name_taken(l->config, text_get(&name)); number++) {
        char *base = text_take(&name);
        text_printf(&name, "%s #%u", base, number);
        free(base);
    }
    return text_take(&name);
}

enum source_kind { SOURCE_RECORDED, SOURCE_OBSERVED, SOURCE_EVENT };

static const char *const source_lists[] = {"recorded", "observed", "events"};
static const char *const source_words[] = {"recorded", "observed", "event"};

const struct plug_class *config_source_plug(const struct config_source *source)
{
    return source->recorded != NULL   ? &source->recorded->plug
           : source->observed != NULL ? &source->observed->plug
                                      : &source->event->plug;
}

/* Finds the class that `type` names; false when there is none. */
static bool find_class(const char *type, enum source_kind kind, struct config_source *source)
{
    switch (kind) {
    case SOURCE_RECORDED:
        source->recorded = registry_find_recorded(type);
        return source->recorded != NULL;
    case SOURCE_OBSERVED:
        source->observed = registry_find_observed(type);
        return source->observed != NULL;
    case SOURCE_EVENT:
        source->event = registry_find_event(type);
        return source->event != NULL;
    }
    UNREACHABLE();
}

static void add_types(enum source_kind kind, struct text *to)
{
    switch (kind) {
    case SOURCE_RECORDED:
        registry_recorded_types(to);
        return;
    case SOURCE_OBSERVED:
        registry_observed_types(to);
        return;
    case SOURCE_EVENT:
        registry_event_types(to);
        return;
    }
}

static void read_source(struct loader *l, const struct yaml_node *node, enum source_kind kind,
                        struct config_source *source)
{
    AUTO_TEXT struct text types = TEXT_EMPTY;
    const struct yaml_node *type = yaml_find(node, "type");
    *source = (struct config_source){.line = node->line, .node = node};
    add_types(kind, &types);
    if (type == NULL || type->kind != YAML_SCALAR) {
        add_error(l, "%s:%u: a source needs \"type\": expected one of %s", l->config->file,
                  node->line, text_get(&types));
        return;
    }
    if (!find_class(type->text, kind, source)) {
        add_error(l, "%s:%u: type: there is no %s source \"%s\"; expected one of %s",
                  l->config->file, type->line, source_words[kind], type->text, text_get(&types));
        return;
    }
    const struct plug_class *plug = config_source_plug(source);
    source->options = alloc_zeroed(1, plug->config_size);
    read_options(l, plug->options, source_keys, node, type->text, source->options);
    if (kind == SOURCE_OBSERVED) {
        source->switch_name = option_text(plug->options, source->options, "switch");
        source->site = option_text(plug->options, source->options, "site");
    }
    source->name = source_name(l, source, plug, node);
}

static void source_done(struct config_source *source)
{
    if (source->options != NULL)
        options_done(config_source_plug(source)->options, source->options);
    free(source->options);
    free(source->name);
}

static void read_sources(struct loader *l, const struct yaml_node *root, enum source_kind kind,
                         struct config_source **ret, size_t *ret_count)
{
    const struct yaml_node *node = yaml_find(root, source_lists[kind]);
    if (node == NULL)
        return;
    if (node->kind != YAML_LIST) {
        add_error(l, "%s:%u: %s: expected a list of sources (lines that begin with \"- \"), not %s",
                  l->config->file, node->line, source_lists[kind], yaml_kind_word(node->kind));
        return;
    }
    *ret = alloc_zeroed(node->count, sizeof **ret);
    for (size_t i = 0; i < node->count; i++) {
        struct config_source source;
        read_source(l, node->items[i], kind, &source);
        if (source.name != NULL)
            (*ret)[(*ret_count)++] = source;
        else
            source_done(&source);
    }
}

/* --- sections --- */

/* Splits "switch:port" at the first colon (DESIGN section 8 point 1). */
static bool split_place(struct loader *l, const struct yaml_node *node, const char **ret_switch,
                        const char **ret_port)
{
    const char *colon = node->kind == YAML_SCALAR ? strchr(node->text, ':') : NULL;
    if (colon == NULL || colon == node->text || colon[1] == '\0') {
        add_error(l, "%s:%u: topology.mlag: expected \"switch:port\", found \"%s\"",
                  l->config->file, node->line,
                  node->kind == YAML_SCALAR ? node->text : yaml_kind_word(node->kind));
        return false;
    }
    *ret_switch = arena_text(l->config->arena, node->text, (size_t)(colon - node->text));
    *ret_port = arena_text(l->config->arena, colon + 1, strlen(colon + 1));
    return true;
}

static void read_mlags(struct loader *l, const struct yaml_node *node)
{
    if (node->kind != YAML_LIST) {
        add_error(l, "%s:%u: topology.mlag: expected a list of pairs, not %s", l->config->file,
                  node->line, yaml_kind_word(node->kind));
        return;
    }
    l->config->mlags = alloc_zeroed(node->count, sizeof *l->config->mlags);
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *pair = node->items[i];
        struct mlag_pair *to = &l->config->mlags[l->config->mlag_count];
        if (pair->kind != YAML_LIST || pair->count != 2) {
            add_error(l,
                      "%s:%u: topology.mlag: expected a pair [\"switchA:port\", \"switchB:port\"]",
                      l->config->file, pair->line);
            continue;
        }
        if (split_place(l, pair->items[0], &to->switch_a, &to->port_a) &&
            split_place(l, pair->items[1], &to->switch_b, &to->port_b))
            l->config->mlag_count++;
    }
}

static void read_topology(struct loader *l, const struct yaml_node *node)
{
    if (node == NULL)
        return;
    if (node->kind != YAML_MAP) {
        add_error(l, "%s:%u: topology: expected a map, not %s", l->config->file, node->line,
                  yaml_kind_word(node->kind));
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (strcmp(node->keys[i]->text, "mlag") == 0)
            read_mlags(l, node->items[i]);
        else
            add_error(l, "%s:%u: topology: there is no key \"%s\"; expected mlag", l->config->file,
                      node->keys[i]->line, node->keys[i]->text);
    }
}

static void read_run_states(struct loader *l, const struct yaml_node *node)
{
    struct run_state_words *words = l->config->run_states;
    if (node == NULL)
        return;
    if (node->kind != YAML_MAP) {
        add_error(l, "%s:%u: run_states: expected a map of \"word: state\", not %s",
                  l->config->file, node->line, yaml_kind_word(node->kind));
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *key = node->keys[i], *value = node->items[i];
        enum run_state state;
        if (value->kind != YAML_SCALAR ||
            run_state_words_find(words, value->text, strlen(value->text), &state) != 0)
            add_error(l,
                      "%s:%u: run_states: \"%s\" is no run state; expected on, off, suspended, "
                      "paused, hibernated, crashed, starting, stopping, migrating or unknown",
                      l->config->file, value->line, value->kind == YAML_SCALAR ? value->text : "");
        else if (run_state_words_add(words, key->text, state) != 0)
            add_error(l, "%s:%u: run_states: \"%s\" cannot be added: too long, or too many words",
                      l->config->file, key->line, key->text);
    }
}

static void read_prefixes(struct loader *l, const struct option_list *texts)
{
    struct mac_prefix *prefixes =
        arena_alloc(l->config->arena, (texts->count + 1) * sizeof *prefixes);
    for (size_t i = 0; i < texts->count; i++) {
        if (mac_prefix_parse(texts->items[i], strlen(texts->items[i]), &prefixes[i]) != 0)
            add_error(l,
                      "%s: audit.prefixes: \"%s\" is no address prefix; expected whole octets "
                      "such as 52:54:00",
                      l->config->file, texts->items[i]);
    }
    l->config->audit.prefixes = prefixes;
    l->config->audit.prefix_count = texts->count;
}

static void read_audit(struct loader *l, const struct yaml_node *node)
{
    struct audit_table_options options = {0};
    struct audit_options *audit = &l->config->audit;
    read_options(l, audit_table, NULL, node, "audit", &options);
    audit->prefix_mode = options.prefix_mode;
    audit->port_mode = options.port_mode;
    audit->clock_skew = options.clock_skew;
    audit->inventory_lag = options.inventory_lag;
    audit->settle = options.settle;
    audit->heard_hold = options.heard_hold;
    audit->migration_window = options.migration_window;
    audit->gap_rounds = (unsigned)options.gap_rounds;
    if (options.prefixes.count > 0)
        read_prefixes(l, &options.prefixes);
    options_done(audit_table, &options);
}

static void read_storm(struct loader *l, const struct yaml_node *node)
{
    struct storm_options options = {0};
    read_options(l, storm_table, NULL, node, "storm", &options);
    l->config->audit.storm_count = (unsigned)options.count;
    options_done(storm_table, &options);
}

/* The control socket is beside the store unless said otherwise. */
static void read_daemon(struct loader *l, const struct yaml_node *node)
{
    struct daemon_options *options = &l->config->daemon;
    read_options(l, config_daemon_table(), NULL, node, "daemon", options);
    if (options->socket == NULL) {
        AUTO_FREE char *beside = file_directory(l->config->store);
        options->socket = file_join(beside, "musterd.sock");
    }
}

static void read_root(struct loader *l, const struct yaml_node *root)
{
    struct root_options options = {0};
    struct config *config = l->config;
    read_options(l, root_table, root_sections, root, "the configuration", &options);
    config->retention = options.retention;
    config->store = options.store;
    config->quirks = options.quirks;
    options.store = options.quirks = NULL;
    options_done(root_table, &options);
    read_run_states(l, yaml_find(root, "run_states"));
    read_sources(l, root, SOURCE_RECORDED, &config->recorded, &config->recorded_count);
    read_sources(l, root, SOURCE_OBSERVED, &config->observed, &config->observed_count);
    read_sources(l, root, SOURCE_EVENT, &config->events, &config->event_count);
    read_daemon(l, yaml_find(root, "daemon"));
    read_topology(l, yaml_find(root, "topology"));
    read_audit(l, yaml_find(root, "audit"));
    read_storm(l, yaml_find(root, "storm"));
    if (config->recorded_count + config->observed_count + config->event_count == 0 &&
        l->report->error_count == 0)
        add_error(l,
                  "%s: names no source: expected \"recorded:\", \"observed:\" and \"events:\" "
                  "lists",
                  config->file);
}

static struct config *config_new(const char *path)
{
    struct config *config = alloc_zeroed(1, sizeof *config);
    config->file = alloc_text(path);
    config->directory = file_directory(path);
    config->arena = arena_new();
    config->run_states = run_state_words_new();
    audit_options_init(&config->audit);
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->recorded_count; i++)
        source_done(&config->recorded[i]);
    for (size_t i = 0; i < config->observed_count; i++)
        source_done(&config->observed[i]);
    for (size_t i = 0; i < config->event_count; i++)
        source_done(&config->events[i]);
    options_done(config_daemon_table(), &config->daemon);
    free(config->recorded);
    free(config->observed);
    free(config->events);
    free(config->mlags);
    free(config->store);
    free(config->quirks);
    free(config->file);
    free(config->directory);
    run_state_words_free(config->run_states);
    arena_free(config->arena);
    free(config);
}

void config_report_done(struct config_report *report)
{
    text_done(&report->errors);
    text_done(&report->warnings);
}

int config_parse(const char *path, const char *bytes, size_t length, struct config **ret,
                 struct config_report *report)
{
    *report = (struct config_report){TEXT_EMPTY, TEXT_EMPTY, 0, 0};
    struct loader loader = {config_new(path), report};
    const struct yaml_node *root = NULL;
    struct err err;
    if (yaml_tree_parse(bytes, length, path, loader.config->arena, &root, &err) != 0)
        add_error(&loader, "%s", err.text);
    else
        read_root(&loader, root);
    loader.config->root = root;
    if (report->error_count > 0) {
        config_free(loader.config);
        return ERR_SYNTAX;
    }
    *ret = loader.config;
    return 0;
}

int config_load(const char *path, struct config **ret, struct config_report *report)
{
    AUTO_FREE char *bytes = NULL;
    size_t length;
    struct err err;
    int status = file_read(path, LIMIT_CONFIG_BYTES, &bytes, &length, &err);
    if (status == 0)
        return config_parse(path, bytes, length, ret, report);
    *report = (struct config_report){TEXT_EMPTY, TEXT_EMPTY, 0, 0};
    add_error(&(struct loader){NULL, report}, "%s", err.text);
    return status;
}

void config_try_source(const struct config *config, const struct config_source *source,
                       struct env *env, struct config_report *report)
{
    const struct plug_class *plug = config_source_plug(source);
    AUTO_FREE void *state = alloc_zeroed(1, plug->state_size);
    struct err err;
    if (plug->construct(state, source->options, env, &err) == 0)
        plug->destruct(state);
    else
        add_error(&(struct loader){NULL, report}, "%s:%u: %s: %s", config->file, source->line,
                  source->name, err.text);
}

static void try_plugs(const struct config *config, const struct config_source *sources,
                      size_t count, struct env *env, struct config_report *report)
{
    for (size_t i = 0; i < count; i++)
        config_try_source(config, &sources[i], env, report);
}

const char *config_source_text(const struct config_source *source, const char *name)
{
    return option_text(config_source_plug(source)->options, source->options, name);
}

void config_try(const struct config *config, struct env *env, struct config_report *report)
{
    try_plugs(config, config->recorded, config->recorded_count, env, report);
    try_plugs(config, config->observed, config->observed_count, env, report);
    try_plugs(config, config->events, config->event_count, env, report);
}
