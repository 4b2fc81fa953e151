/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_check.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "daemon/yaml_tree.h"
#include "io/file.h"

/* Where the lines go, and how many there were. */
struct look {
    const struct config *config;
    struct text *to;
    unsigned *count;
};

enum { ENTRY_BYTES = 16 * 1024 /* one entry of the user or group database */ };

static void say(const struct look *look, const struct yaml_node *key, const char *what,
                const char *why, const char *follows)
{
    text_printf(look->to, "%s:%u: %s: %s%s%s; %s\n", look->config->file, key->line, key->text, what,
                *what != '\0' ? ": " : "", why, follows);
    (*look->count)++;
}

static const char *error_words(int number)
{
    return number == ENOENT ? "no such file or folder" : strerror(number);
}

/* Returns the errno of using what is at `path`, 0 when it can be used. */
static int try_path(const char *path, bool directory)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return errno;
    if (directory != S_ISDIR(about.st_mode))
        return directory ? ENOTDIR : EISDIR;
    if (faccessat(AT_FDCWD, path, directory ? X_OK : R_OK, AT_EACCESS) != 0)
        return errno;
    return 0;
}

static void look_at_path(const struct look *look, const struct yaml_node *key, const char *path,
                         bool directory, const char *follows)
{
    int problem = try_path(path, directory);
    if (problem != 0)
        say(look, key, path, error_words(problem), follows);
}

/* The folder of a file that will be written must be there. */
static void look_at_folder_of(const struct look *look, const struct yaml_node *key,
                              const char *path, const char *follows)
{
    AUTO_FREE char *directory = file_directory(path);
    look_at_path(look, key, directory, true, follows);
}

static bool in_search_path(const char *program)
{
    const char *path = getenv("PATH");
    AUTO_FREE char *rest = alloc_text(path != NULL ? path : "/usr/local/bin:/usr/bin:/bin");
    char *next = rest;
    for (char *directory; (directory = strsep(&next, ":")) != NULL;) {
        AUTO_FREE char *file = file_join(*directory != '\0' ? directory : ".", program);
        if (access(file, X_OK) == 0)
            return true;
    }
    return false;
}

static void look_at_program(const struct look *look, const struct yaml_node *key,
                            const char *program, const char *follows)
{
    if (strchr(program, '/') == NULL) {
        if (!in_search_path(program))
            say(look, key, program, "there is no such program in PATH", follows);
    } else if (access(program, X_OK) != 0) {
        say(look, key, program, error_words(errno), follows);
    }
}

/* --- sources --- */

static const char *what_follows(const struct config_source *source)
{
    if (source->recorded != NULL)
        return "while that is so, the last good copy of this source is used; where there is "
               "none, nothing of what it records is known";
    if (source->observed != NULL)
        return "while that is so, this switch counts as not read";
    return "while that is so, nothing is heard of this source";
}

static void look_at_option(const struct look *look, const struct config_option *option,
                           const struct yaml_node *key, const struct config_source *source)
{
    const void *field = (const char *)source->options + option->offset;
    const char *follows = what_follows(source);
    switch (option->type) {
    case OPTION_PATH:
    case OPTION_DIRECTORY:
        look_at_path(look, key, *(char *const *)field, option->type == OPTION_DIRECTORY, follows);
        return;
    case OPTION_STATE_PATH:
        look_at_folder_of(look, key, *(char *const *)field, "nothing can be kept there");
        return;
    case OPTION_COMMAND:
        look_at_program(look, key, ((const struct option_list *)field)->items[0], follows);
        return;
    case OPTION_TEXT:
    case OPTION_SECRET_FILE: /* was read with the configuration */
    case OPTION_INTEGER:
    case OPTION_SPAN:
    case OPTION_INSTANT:
    case OPTION_BOOL:
    case OPTION_CHOICE:
    case OPTION_TEXT_LIST:
        return;
    }
}

static void look_at_source(const struct look *look, const struct config_source *source)
{
    const struct yaml_node *node = source->node;
    for (size_t i = 0; i < node->count; i++) {
        const struct config_option *option =
            options_find(config_source_plug(source)->options, node->keys[i]->text);
        if (option != NULL)
            look_at_option(look, option, node->keys[i], source);
    }
}

/* --- Muster's own keys --- */

/* Returns the node of the key called `name` in the map `node`, NULL when it is not there. */
static const struct yaml_node *key_of(const struct yaml_node *node, const char *name)
{
    for (size_t i = 0; node != NULL && node->kind == YAML_MAP && i < node->count; i++) {
        if (strcmp(node->keys[i]->text, name) == 0)
            return node->keys[i];
    }
    return NULL;
}

/* Reentrant, since a worker may ask while the loop asks, too. An entry that is too long to be
 * read is one. */
static bool user_exists(const char *name)
{
    AUTO_FREE char *buffer = alloc_zeroed(1, ENTRY_BYTES);
    struct passwd entry, *found = NULL;
    return getpwnam_r(name, &entry, buffer, ENTRY_BYTES, &found) == ERANGE || found != NULL;
}

static bool group_exists(const char *name)
{
    AUTO_FREE char *buffer = alloc_zeroed(1, ENTRY_BYTES);
    struct group entry, *found = NULL;
    return getgrnam_r(name, &entry, buffer, ENTRY_BYTES, &found) == ERANGE || found != NULL;
}

static void look_at_rest(const struct look *look)
{
    const struct config *config = look->config;
    const struct yaml_node *section = yaml_find(config->root, "daemon");
    const struct yaml_node *key;
    if ((key = key_of(config->root, "store")) != NULL)
        look_at_folder_of(look, key, config->store, "the store cannot be written");
    if ((key = key_of(section, "socket")) != NULL)
        look_at_folder_of(look, key, config->daemon.socket, "musterd would not start");
    if ((key = key_of(section, "user")) != NULL && !user_exists(config->daemon.user))
        say(look, key, config->daemon.user, "there is no such user",
            "musterd would not start as root");
    if ((key = key_of(section, "group")) != NULL && !group_exists(config->daemon.group))
        say(look, key, config->daemon.group, "there is no such group", "musterd would not start");
}

/* With `env`, each source is tried before. */
static void look_at_all(const struct look *look, struct env *env, struct config_report *report)
{
    const struct config *config = look->config;
    const struct config_source *lists[] = {config->recorded, config->observed, config->events};
    const size_t counts[] = {config->recorded_count, config->observed_count, config->event_count};
    for (size_t kind = 0; kind < ARRAY_COUNT(lists); kind++) {
        for (size_t i = 0; i < counts[kind]; i++) {
            unsigned before = report->error_count;
            if (env != NULL)
                config_try_source(config, &lists[kind][i], env, report);
            if (report->error_count == before)
                look_at_source(look, &lists[kind][i]);
        }
    }
    look_at_rest(look);
}

void config_check(const struct config *config, struct env *env, struct config_report *report)
{
    look_at_all(&(struct look){config, &report->errors, &report->error_count}, env, report);
}

void config_warn_missing(const struct config *config, struct config_report *report)
{
    look_at_all(&(struct look){config, &report->warnings, &report->warning_count}, NULL, report);
}
