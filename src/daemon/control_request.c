/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/control_request.h"

#include <jansson.h>
#include <string.h>

#include "model/case_record.h"

struct reader {
    json_t *object;
    struct err *err;
    size_t used; /* keys that were asked for and there */
};

static const char *const words[] = {
    [CONTROL_STATUS] = "status", [CONTROL_WATCH] = "watch",
    [CONTROL_RELOAD] = "reload", [CONTROL_LOG_LEVEL] = "log_level",
    [CONTROL_CASE] = "case",     [CONTROL_ACCEPT_SHRUNK] = "accept_shrunk"};

/* Returns the text of `key`, NULL with the error set when it is not there or no text. */
static const char *read_text(struct reader *reader, const char *key)
{
    json_t *value = json_object_get(reader->object, key);
    const char *text = json_string_value(value);
    if (text == NULL) {
        err_set(reader->err, ERR_SYNTAX, "the request lacks the text \"%s\"", key);
        return NULL;
    }
    reader->used++;
    if (strlen(text) != json_string_length(value) ||
        json_string_length(value) >= CONTROL_TEXT_BYTES) {
        err_set(reader->err, ERR_LIMIT, "\"%s\" is too long, or holds a NUL", key);
        return NULL;
    }
    return text;
}

static int read_optional_text(struct reader *reader, const char *key, char *to)
{
    if (json_object_get(reader->object, key) == NULL)
        return 0;
    const char *text = read_text(reader, key);
    if (text == NULL)
        return ERR_SYNTAX;
    strcpy(to, text); /* read_text() has checked the length */
    return 0;
}

static int read_bool(struct reader *reader, const char *key, bool *ret)
{
    json_t *value = json_object_get(reader->object, key);
    *ret = json_is_true(value);
    if (value == NULL)
        return 0;
    reader->used++;
    if (!json_is_boolean(value))
        return err_set(reader->err, ERR_SYNTAX, "\"%s\" is neither true nor false", key);
    return 0;
}

static int read_kind(struct reader *reader, enum control_kind *ret)
{
    const char *word = read_text(reader, "request");
    if (word == NULL)
        return ERR_SYNTAX;
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strcmp(words[i], word) == 0) {
            *ret = (enum control_kind)i;
            return 0;
        }
    }
    return err_set(reader->err, ERR_SYNTAX,
                   "there is no request \"%.40s\"; expected status, watch, reload, log_level, "
                   "case or accept_shrunk",
                   word);
}

static int read_case(struct reader *reader, struct control_request *ret)
{
    const char *verb = read_text(reader, "verb");
    if (verb == NULL)
        return ERR_SYNTAX;
    if (strcmp(verb, "ack") != 0 && strcmp(verb, "close") != 0)
        return err_set(reader->err, ERR_SYNTAX, "there is no verb \"%.40s\"; expected ack or close",
                       verb);
    ret->verb = strcmp(verb, "ack") == 0 ? CONTROL_ACKNOWLEDGE : CONTROL_CLOSE;
    const char *name = read_text(reader, "case");
    if (name == NULL)
        return ERR_SYNTAX;
    if (case_id_parse(name, &ret->case_number) != 0)
        return err_set(reader->err, ERR_SYNTAX, "\"%.40s\" is no case; they are called C12", name);
    if (read_optional_text(reader, "text", ret->text) != 0)
        return ERR_SYNTAX;
    return read_bool(reader, "without_proof", &ret->without_proof);
}

static int read_level(struct reader *reader, struct control_request *ret)
{
    const char *word = read_text(reader, "level");
    if (word == NULL)
        return ERR_SYNTAX;
    if (log_level_parse(word, &ret->level) != 0)
        return err_set(reader->err, ERR_SYNTAX,
                       "there is no level \"%.40s\"; expected error, warning, info or debug", word);
    return 0;
}

static int read_source(struct reader *reader, struct control_request *ret)
{
    const char *source = read_text(reader, "source");
    if (source == NULL)
        return ERR_SYNTAX;
    strcpy(ret->text, source); /* read_text() has checked the length */
    return 0;
}

static int read_rest(struct reader *reader, struct control_request *ret)
{
    switch (ret->kind) {
    case CONTROL_STATUS:
    case CONTROL_RELOAD:
        return 0;
    case CONTROL_WATCH:
        return read_bool(reader, "events", &ret->events);
    case CONTROL_LOG_LEVEL:
        return read_level(reader, ret);
    case CONTROL_CASE:
        return read_case(reader, ret);
    case CONTROL_ACCEPT_SHRUNK:
        return read_source(reader, ret);
    }
    UNREACHABLE();
}

static int read_object(struct reader *reader, struct control_request *ret)
{
    int status = read_kind(reader, &ret->kind);
    if (status == 0)
        status = read_rest(reader, ret);
    if (status == 0 && reader->used != json_object_size(reader->object))
        return err_set(reader->err, ERR_SYNTAX, "\"%s\" has a key that it does not know",
                       words[ret->kind]);
    return status;
}

int control_request_parse(const char *line, size_t length, struct control_request *ret,
                          struct err *err)
{
    json_error_t problem;
    *ret = (struct control_request){0};
    if (length > CONTROL_REQUEST_BYTES)
        return err_set(err, ERR_LIMIT, "a request is at most %d bytes", CONTROL_REQUEST_BYTES);
    struct reader reader = {.err = err};
    reader.object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(reader.object)) {
        json_decref(reader.object);
        return err_set(err, ERR_SYNTAX, "a request is one JSON object a line");
    }
    int status = read_object(&reader, ret);
    json_decref(reader.object);
    return status;
}
