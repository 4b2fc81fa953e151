/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/option.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/suggest.h"
#include "io/file.h"

/* One value on its way into one field. */
struct parse {
    const struct config_option *option;
    const char *key;
    const struct option_source *source;
    void *field;
    struct err *err;
};

static void *field_of(const struct config_option *option, void *config)
{
    return (char *)config + option->offset;
}

static int prefix_place(const struct option_source *source, const char *key, struct err *err)
{
    if (source->file != NULL && source->line > 0)
        return err_prefix(err, "%s:%u: %s", source->file, source->line, key);
    if (source->file != NULL)
        return err_prefix(err, "%s: %s", source->file, key);
    return err_prefix(err, "%s", key);
}

/* --- what a value looks like --- */

static void shape_range(const struct config_option *option, char buffer[static OPTION_SHAPE_SIZE])
{
    char low[CLOCK_TEXT_SIZE], high[CLOCK_TEXT_SIZE];
    if (option->type == OPTION_INTEGER)
        snprintf(buffer, OPTION_SHAPE_SIZE, "a whole number from %" PRId64 " to %" PRId64,
                 option->low, option->high);
    else
        snprintf(buffer, OPTION_SHAPE_SIZE, "a time span such as 30s or 5min, from %s to %s",
                 span_format(span_us(option->low), low), span_format(span_us(option->high), high));
}

static void shape_choices(const struct config_option *option, char buffer[static OPTION_SHAPE_SIZE])
{
    size_t used = (size_t)snprintf(buffer, OPTION_SHAPE_SIZE, "one of ");
    for (size_t i = 0; option->choices[i] != NULL && used < OPTION_SHAPE_SIZE; i++)
        used += (size_t)snprintf(buffer + used, OPTION_SHAPE_SIZE - used, "%s%s", i > 0 ? ", " : "",
                                 option->choices[i]);
}

char *option_shape(const struct config_option *option, char buffer[static OPTION_SHAPE_SIZE])
{
    static const char *const words[] = {
        [OPTION_TEXT] = "a text",
        [OPTION_PATH] = "a path",
        [OPTION_DIRECTORY] = "a path",
        [OPTION_STATE_PATH] = "a path",
        [OPTION_SECRET_FILE] = "the path of a file whose first line is the secret",
        [OPTION_INTEGER] = "a whole number",
        [OPTION_SPAN] = "a time span such as 30s or 5min",
        [OPTION_INSTANT] = "a time in RFC 3339 such as 2026-11-23T12:00:00Z",
        [OPTION_BOOL] = "yes or no",
        [OPTION_CHOICE] = "",
        [OPTION_TEXT_LIST] = "a list of texts",
        [OPTION_COMMAND] = "a program and its arguments as a list"};
    if (option->type == OPTION_CHOICE)
        shape_choices(option, buffer);
    else if ((option->type == OPTION_INTEGER || option->type == OPTION_SPAN) &&
             option->low != option->high)
        shape_range(option, buffer);
    else
        snprintf(buffer, OPTION_SHAPE_SIZE, "%s", words[option->type]);
    return buffer;
}

static int refuse(const struct parse *p, enum err_code code, const char *value)
{
    char shape[OPTION_SHAPE_SIZE];
    err_set(p->err, code, "found \"%.60s\", expected %s", value, option_shape(p->option, shape));
    prefix_place(p->source, p->key, p->err);
    return code;
}

/* --- one kind of value each --- */

static void put_text(void *field, char *text)
{
    char *old;
    memcpy(&old, field, sizeof old);
    free(old);
    memcpy(field, &text, sizeof text);
}

static int parse_text(const struct parse *p, const char *value)
{
    if (strlen(value) > LIMIT_FIELD_BYTES)
        return refuse(p, ERR_LIMIT, value);
    put_text(p->field, alloc_text(value));
    return 0;
}

static int parse_path(const struct parse *p, const char *value)
{
    if (value[0] == '\0')
        return refuse(p, ERR_SYNTAX, value);
    put_text(p->field, p->source->directory != NULL ? file_join(p->source->directory, value)
                                                    : alloc_text(value));
    return 0;
}

static int parse_integer(const struct parse *p, const char *value)
{
    char *end;
    errno = 0;
    int64_t number = strtoll(value, &end, 10);
    if (end == value || *end != '\0')
        return refuse(p, ERR_SYNTAX, value);
    bool ranged = p->option->low != p->option->high;
    if (errno != 0 || (ranged && (number < p->option->low || number > p->option->high)))
        return refuse(p, ERR_RANGE, value);
    memcpy(p->field, &number, sizeof number);
    return 0;
}

static int parse_span(const struct parse *p, const char *value)
{
    struct span span;
    int status = span_parse(value, &span);
    if (status != 0)
        return refuse(p, (enum err_code)status, value);
    bool ranged = p->option->low != p->option->high;
    if (ranged && (span.us < p->option->low || span.us > p->option->high))
        return refuse(p, ERR_RANGE, value);
    memcpy(p->field, &span, sizeof span);
    return 0;
}

static int parse_instant(const struct parse *p, const char *value)
{
    struct wall wall;
    int status = wall_parse(value, strlen(value), &wall);
    if (status != 0)
        return refuse(p, (enum err_code)status, value);
    memcpy(p->field, &wall, sizeof wall);
    return 0;
}

static int parse_bool(const struct parse *p, const char *value)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strcasecmp(value, words[i]) == 0) {
            *(bool *)p->field = i % 2 == 1;
            return 0;
        }
    }
    return refuse(p, ERR_SYNTAX, value);
}

static int parse_choice(const struct parse *p, const char *value)
{
    for (int i = 0; p->option->choices[i] != NULL; i++) {
        if (strcasecmp(value, p->option->choices[i]) == 0) {
            *(int *)p->field = i;
            return 0;
        }
    }
    return refuse(p, ERR_SYNTAX, value);
}

/* --- secrets --- */

static bool is_bare_secret(const struct config_option *option, const char *key)
{
    size_t length = strlen(key);
    return option->type == OPTION_SECRET_FILE && strncmp(option->name, key, length) == 0 &&
           strcmp(option->name + length, "_file") == 0;
}

/* "${NAME}" under the bare key. The value itself is never repeated. */
static int parse_secret_variable(const struct parse *p, const char *value)
{
    char name[128];
    size_t length = strlen(value);
    if (length < 4 || length - 3 >= sizeof name || strncmp(value, "${", 2) != 0 ||
        value[length - 1] != '}') {
        err_set(p->err, ERR_DENIED,
                "a secret does not belong in this file: put it into a file and name that with "
                "%s, or write ${VARIABLE} to take it from the environment",
                p->option->name);
        return prefix_place(p->source, p->key, p->err);
    }
    memcpy(name, value + 2, length - 3);
    name[length - 3] = '\0';
    const char *secret = getenv(name);
    if (secret == NULL || secret[0] == '\0') {
        err_set(p->err, ERR_NOT_FOUND, "the environment variable %s is not set", name);
        return prefix_place(p->source, p->key, p->err);
    }
    put_text(p->field, alloc_text(secret));
    return 0;
}

static int parse_secret_file(const struct parse *p, const char *value, bool *ret_exposed)
{
    char *secret;
    AUTO_FREE char *path =
        p->source->directory != NULL ? file_join(p->source->directory, value) : alloc_text(value);
    int status = file_read_secret(path, &secret, ret_exposed, p->err);
    if (status != 0)
        return prefix_place(p->source, p->key, p->err);
    put_text(p->field, secret);
    return 0;
}

/* --- lists --- */

static void list_done(struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct option_list){NULL, 0};
}

static void parse_list(const struct parse *p, const char *const *values, size_t count)
{
    struct option_list *list = p->field;
    list_done(list);
    list->items = alloc_zeroed(count + 1, sizeof *list->items);
    for (size_t i = 0; i < count; i++)
        list->items[list->count++] = alloc_text(values[i]);
}

static int parse_command(const struct parse *p, const char *const *values, size_t count)
{
    struct option_list *list = p->field;
    if (count == 0 || values[0][0] == '\0')
        return refuse(p, ERR_SYNTAX, "");
    parse_list(p, values, count);
    if (p->source->directory == NULL || strchr(values[0], '/') == NULL)
        return 0;
    free(list->items[0]);
    list->items[0] = file_join(p->source->directory, values[0]);
    return 0;
}

static int parse_one(const struct parse *p, const char *value, bool *ret_exposed)
{
    switch (p->option->type) {
    case OPTION_TEXT:
        return parse_text(p, value);
    case OPTION_PATH:
    case OPTION_DIRECTORY:
    case OPTION_STATE_PATH:
        return parse_path(p, value);
    case OPTION_SECRET_FILE:
        return is_bare_secret(p->option, p->key) ? parse_secret_variable(p, value)
                                                 : parse_secret_file(p, value, ret_exposed);
    case OPTION_INTEGER:
        return parse_integer(p, value);
    case OPTION_SPAN:
        return parse_span(p, value);
    case OPTION_INSTANT:
        return parse_instant(p, value);
    case OPTION_BOOL:
        return parse_bool(p, value);
    case OPTION_CHOICE:
        return parse_choice(p, value);
    case OPTION_TEXT_LIST:
        parse_list(p, &value, 1);
        return 0;
    case OPTION_COMMAND:
        return parse_command(p, &value, 1);
    }
    UNREACHABLE();
}

int option_parse(const struct config_option *option, const char *key, const char *const *values,
                 size_t count, const struct option_source *source, void *config, bool *ret_exposed,
                 struct err *err)
{
    const struct parse p = {option, key, source, field_of(option, config), err};
    if (option->type == OPTION_TEXT_LIST) {
        parse_list(&p, values, count);
        return 0;
    }
    if (option->type == OPTION_COMMAND)
        return parse_command(&p, values, count);
    if (count != 1)
        return refuse(&p, ERR_SYNTAX, count == 0 ? "" : "a list");
    return parse_one(&p, values[0], ret_exposed);
}

void options_init(const struct config_option *options, void *config)
{
    options_init_in(options, NULL, config);
}

void options_init_in(const struct config_option *options, const char *directory, void *config)
{
    const struct option_source delivered = {"option table", 0, directory};
    for (const struct config_option *option = options; option->name != NULL; option++) {
        struct err err;
        bool exposed;
        if (option->type == OPTION_INSTANT)
            *(struct wall *)field_of(option, config) = WALL_UNKNOWN;
        if (option->default_text == NULL)
            continue;
        CHECK(option->type != OPTION_SECRET_FILE);
        CHECK(option_parse(option, option->name, &option->default_text, 1, &delivered, config,
                           &exposed, &err) == 0);
    }
}

void options_done(const struct config_option *options, void *config)
{
    for (const struct config_option *option = options; option->name != NULL; option++) {
        void *field = field_of(option, config);
        switch (option->type) {
        case OPTION_SECRET_FILE:
            file_secret_free(*(char **)field);
            *(char **)field = NULL;
            break;
        case OPTION_TEXT:
        case OPTION_PATH:
        case OPTION_DIRECTORY:
        case OPTION_STATE_PATH:
            put_text(field, NULL);
            break;
        case OPTION_TEXT_LIST:
        case OPTION_COMMAND:
            list_done(field);
            break;
        case OPTION_INTEGER:
        case OPTION_SPAN:
        case OPTION_INSTANT:
        case OPTION_BOOL:
        case OPTION_CHOICE:
            break;
        }
    }
}

const struct config_option *options_find(const struct config_option *options, const char *key)
{
    for (const struct config_option *option = options; option->name != NULL; option++) {
        if (strcmp(option->name, key) == 0 || is_bare_secret(option, key))
            return option;
    }
    return NULL;
}

static bool looks_secret(const char *key)
{
    static const char *const words[] = {"community", "password", "passphrase", "secret", "token"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strstr(key, words[i]) != NULL)
            return true;
    }
    return false;
}

int option_unknown(const struct config_option *options, const char *const *common, const char *key,
                   const struct option_source *source, struct err *err)
{
    const char *known[128];
    size_t count = 0;
    for (size_t i = 0; common != NULL && common[i] != NULL && count < ARRAY_COUNT(known); i++)
        known[count++] = common[i];
    for (; options != NULL && options->name != NULL && count < ARRAY_COUNT(known); options++)
        known[count++] = options->name;
    const char *like = suggest_nearest(key, known, count);
    err_set(err, ERR_NOT_FOUND, "unknown key");
    if (like != NULL)
        err_consequence(err, "did you mean %s?", like);
    if (looks_secret(key))
        err_consequence(err, "secrets are given by a NAME_file option, never in this file");
    if (like == NULL && count > 0) {
        err_consequence(err, "known here:");
        for (size_t i = 0; i < count; i++) {
            size_t used = strlen(err->text);
            snprintf(err->text + used, sizeof err->text - used, "%s %s", i > 0 ? "," : "",
                     known[i]);
        }
    }
    char place[64];
    snprintf(place, sizeof place, "%.50s", key);
    return prefix_place(source, place, err);
}

/* --- comparing --- */

static bool texts_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool lists_equal(const struct option_list *a, const struct option_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    }
    return true;
}

static bool field_equal(enum option_type type, const void *a, const void *b)
{
    switch (type) {
    case OPTION_TEXT:
    case OPTION_PATH:
    case OPTION_DIRECTORY:
    case OPTION_STATE_PATH:
    case OPTION_SECRET_FILE:
        return texts_equal(*(char *const *)a, *(char *const *)b);
    case OPTION_INTEGER:
        return *(const int64_t *)a == *(const int64_t *)b;
    case OPTION_SPAN:
        return ((const struct span *)a)->us == ((const struct span *)b)->us;
    case OPTION_INSTANT:
        return ((const struct wall *)a)->us == ((const struct wall *)b)->us;
    case OPTION_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case OPTION_CHOICE:
        return *(const int *)a == *(const int *)b;
    case OPTION_TEXT_LIST:
    case OPTION_COMMAND:
        return lists_equal(a, b);
    }
    UNREACHABLE();
}

bool options_equal(const struct config_option *options, const void *a, const void *b)
{
    for (; options->name != NULL; options++) {
        if (!field_equal(options->type, (const char *)a + options->offset,
                         (const char *)b + options->offset))
            return false;
    }
    return true;
}
