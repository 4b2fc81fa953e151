/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ovs_fdb.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* --- JSON-RPC --- */

size_t ovs_frame_read(struct ovs_frame *frame, const char *bytes, size_t length, bool *ret_complete)
{
    for (size_t i = 0; i < length; i++) {
        char c = bytes[i];
        if (frame->in_string) {
            frame->in_string = frame->escaped || c != '"';
            frame->escaped = !frame->escaped && c == '\\';
        } else if (c == '"') {
            frame->in_string = true;
        } else if (c == '{' || c == '[') {
            frame->depth++;
        } else if (c == '}' || c == ']') {
            frame->depth -= frame->depth > 0;
            *ret_complete = frame->depth == 0;
            if (*ret_complete)
                return i + 1;
        }
    }
    *ret_complete = false;
    return length;
}

void ovs_request(struct text *to, unsigned id, const char *method, const char *const *parameters,
                 size_t count)
{
    text_printf(to, "{\"id\":%u,\"method\":", id);
    text_add_json(to, method, strlen(method));
    text_add(to, ",\"params\":[");
    for (size_t i = 0; i < count; i++) {
        text_add(to, i > 0 ? "," : "");
        text_add_json(to, parameters[i], strlen(parameters[i]));
    }
    text_add(to, "]}");
}

void ovs_request_bridges(struct text *to, unsigned id)
{
    text_printf(
        to,
        "{\"id\":%u,\"method\":\"transact\",\"params\":[\"Open_vSwitch\",{\"op\":\"select\","
        "\"table\":\"Bridge\",\"where\":[],\"columns\":[\"name\",\"other_config\"]}]}",
        id);
}

/* Returns the reply as an object (yours to json_decref) when it answers `id`, else NULL. */
static json_t *load_reply(const char *bytes, size_t length, unsigned id)
{
    json_t *reply = json_loadb(bytes, length, JSON_ALLOW_NUL, NULL);
    const json_t *number = json_object_get(reply, "id");
    if (json_is_integer(number) && json_integer_value(number) == (json_int_t)id)
        return reply;
    json_decref(reply);
    return NULL;
}

static void trim_end(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
        text[--length] = '\0';
}

int ovs_reply_parse(const char *bytes, size_t length, unsigned id, struct text *ret,
                    struct err *err)
{
    json_t *reply = load_reply(bytes, length, id);
    if (reply == NULL)
        return err_set(err, ERR_PROTOCOL, "the answer is no JSON-RPC reply to the request");
    const json_t *result = json_object_get(reply, "result");
    const json_t *error = json_object_get(reply, "error");
    int code = 0;
    if (json_is_string(error)) {
        code = err_set(err, ERR_NOT_FOUND, "%.200s", json_string_value(error));
        if (err != NULL)
            trim_end(err->text);
    } else if (json_is_string(result)) {
        text_add_bytes(ret, json_string_value(result), json_string_length(result));
    } else {
        code = err_set(err, ERR_PROTOCOL, "the reply holds no text");
    }
    json_decref(reply);
    return code;
}

/* other_config is ["map", [[key, value] ...]]. */
static const char *map_find_text(const json_t *map, const char *key)
{
    const json_t *pairs = json_array_get(map, 1);
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        const char *name = json_string_value(json_array_get(pair, 0));
        if (name != NULL && strcmp(name, key) == 0)
            return json_string_value(json_array_get(pair, 1));
    }
    return NULL;
}

int ovs_ageing_parse(const char *bytes, size_t length, unsigned id, const char *bridge,
                     struct span *ret)
{
    enum { DEFAULT_SECONDS = 300, LOWEST_SECONDS = 15, HIGHEST_SECONDS = 3600 };
    json_t *reply = load_reply(bytes, length, id);
    const json_t *rows =
        json_object_get(json_array_get(json_object_get(reply, "result"), 0), "rows");
    int code = json_is_array(rows) ? ERR_NOT_FOUND : ERR_PROTOCOL;
    for (size_t i = 0; i < json_array_size(rows) && code != 0; i++) {
        const json_t *row = json_array_get(rows, i);
        const char *name = json_string_value(json_object_get(row, "name"));
        if (name == NULL || strcmp(name, bridge) != 0)
            continue;
        const char *text = map_find_text(json_object_get(row, "other_config"), "mac-aging-time");
        long seconds = text != NULL ? strtol(text, NULL, 10) : 0;
        /* What the switch does with the setting: 0 is its default, the rest is clamped. */
        if (seconds <= 0)
            seconds = DEFAULT_SECONDS;
        seconds = seconds < LOWEST_SECONDS ? LOWEST_SECONDS : seconds;
        *ret = span_seconds(seconds > HIGHEST_SECONDS ? HIGHEST_SECONDS : seconds);
        code = 0;
    }
    json_decref(reply);
    return code;
}

/* --- lines --- */

/* A view of one line or word. */
struct piece {
    const char *at;
    size_t length;
};

void ovs_lines_start(struct ovs_lines *lines, const char *text, size_t length)
{
    *lines = (struct ovs_lines){.at = text, .end = text + length};
}

static bool next_line(struct ovs_lines *lines, struct piece *ret)
{
    if (lines->at == lines->end)
        return false;
    size_t left = (size_t)(lines->end - lines->at);
    const char *stop = memchr(lines->at, '\n', left);
    ret->at = lines->at;
    ret->length = stop != NULL ? (size_t)(stop - lines->at) : left;
    lines->at = stop != NULL ? stop + 1 : lines->end;
    return true;
}

/* Cuts the first word off `line`; words are parted by blanks. False when none is left. */
static bool next_word(struct piece *line, struct piece *ret)
{
    while (line->length > 0 && (*line->at == ' ' || *line->at == '\t')) {
        line->at++;
        line->length--;
    }
    *ret = (struct piece){line->at, 0};
    while (line->length > 0 && *line->at != ' ' && *line->at != '\t') {
        line->at++;
        line->length--;
        ret->length++;
    }
    return ret->length > 0;
}

static bool piece_is(struct piece piece, const char *text)
{
    return piece.length == strlen(text) && memcmp(piece.at, text, piece.length) == 0;
}

static bool piece_number(struct piece piece, uint32_t highest, uint32_t *ret)
{
    uint64_t value = 0;
    if (piece.length == 0 || piece.length > 10)
        return false;
    for (size_t i = 0; i < piece.length; i++) {
        if (piece.at[i] < '0' || piece.at[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(piece.at[i] - '0');
    }
    if (value > highest)
        return false;
    *ret = (uint32_t)value;
    return true;
}

static bool piece_copy(struct piece piece, char to[static OVS_NAME_SIZE])
{
    if (piece.length == 0 || piece.length >= OVS_NAME_SIZE ||
        memchr(piece.at, '\0', piece.length) != NULL)
        return false;
    memcpy(to, piece.at, piece.length);
    to[piece.length] = '\0';
    return true;
}

static bool port_number(struct piece piece, uint32_t *ret)
{
    if (piece_is(piece, "LOCAL")) {
        *ret = OVS_PORT_LOCAL;
        return true;
    }
    return piece_number(piece, UINT32_MAX - 1, ret);
}

/* " port  VLAN  MAC                Age", then "    1    10  52:54:00:11:22:33    3". */
static bool entry_line(struct piece line, struct ovs_entry *ret)
{
    struct piece port, vlan, mac, age, rest;
    if (!next_word(&line, &port) || !next_word(&line, &vlan) || !next_word(&line, &mac) ||
        !next_word(&line, &age) || next_word(&line, &rest))
        return false;
    *ret = (struct ovs_entry){.is_static = piece_is(age, "static")};
    return port_number(port, &ret->port) && piece_number(vlan, 4095, &ret->vlan) &&
           mac_parse(mac.at, mac.length, &ret->mac) == 0 &&
           (ret->is_static || piece_number(age, UINT32_MAX, &ret->age));
}

static bool is_heading(struct piece line, const char *first_word)
{
    struct piece word;
    return next_word(&line, &word) && piece_is(word, first_word);
}

bool ovs_next_entry(struct ovs_lines *lines, struct ovs_entry *ret)
{
    struct piece line;
    while (next_line(lines, &line)) {
        if (entry_line(line, ret))
            return true;
        lines->rejected += line.length > 0 && !is_heading(line, "port");
    }
    return false;
}

/* "    p1 1/2: (system)": name, OpenFlow port or "none", slash, datapath port, type. */
static bool port_line(struct piece line, struct ovs_port *ret)
{
    struct piece name, numbers;
    if (!next_word(&line, &name) || !next_word(&line, &numbers) || !piece_copy(name, ret->name))
        return false;
    const char *slash = memchr(numbers.at, '/', numbers.length);
    if (slash == NULL)
        return false;
    struct piece number = {numbers.at, (size_t)(slash - numbers.at)};
    ret->number = OVS_PORT_UNKNOWN;
    if (!piece_is(number, "none") && !piece_number(number, UINT32_MAX - 1, &ret->number))
        return false;
    const char *open = memchr(line.at, '(', line.length);
    if (open == NULL)
        return false;
    struct piece type = {open + 1, 0};
    const char *end = line.at + line.length;
    while (type.at + type.length < end && strchr(":) ", type.at[type.length]) == NULL)
        type.length++;
    return piece_copy(type, ret->type);
}

bool ovs_next_port(struct ovs_lines *lines, struct ovs_port *ret)
{
    struct piece line;
    while (next_line(lines, &line)) {
        size_t indent = 0;
        while (indent < line.length && line.at[indent] == ' ')
            indent++;
        if (indent == 0)
            continue; /* the datapath and its counters */
        if (indent < 4 && line.at[line.length - 1] == ':') {
            struct piece name = {line.at + indent, line.length - indent - 1};
            if (!piece_copy(name, lines->bridge)) {
                lines->bridge[0] = '\0';
                lines->rejected++;
            }
            continue;
        }
        memcpy(ret->bridge, lines->bridge, sizeof ret->bridge);
        if (lines->bridge[0] != '\0' && port_line(line, ret))
            return true;
        lines->rejected++;
    }
    return false;
}

/* "bond0<tab>active-backup<tab>0<tab>p3, p4" */
static bool bond_line(struct ovs_lines *lines, struct piece line)
{
    struct piece word;
    if (!next_word(&line, &word) || !piece_copy(word, lines->bond) || !next_word(&line, &word) ||
        !next_word(&line, &word))
        return false;
    lines->members = line.at;
    lines->members_end = line.at + line.length;
    return true;
}

bool ovs_next_bond_member(struct ovs_lines *lines, struct ovs_bond_member *ret)
{
    for (;;) {
        struct piece members = {lines->members, (size_t)(lines->members_end - lines->members)};
        struct piece word, line;
        while (lines->members != NULL && next_word(&members, &word)) {
            lines->members = members.at;
            word.length -= word.at[word.length - 1] == ',';
            if (!piece_copy(word, ret->member)) {
                lines->rejected++;
                continue;
            }
            memcpy(ret->bond, lines->bond, sizeof ret->bond);
            return true;
        }
        lines->members = lines->members_end = NULL;
        if (!next_line(lines, &line))
            return false;
        if (line.length > 0 && !is_heading(line, "bond") && !bond_line(lines, line))
            lines->rejected++;
    }
}

bool ovs_next_bridge(struct ovs_lines *lines, char ret[static OVS_NAME_SIZE])
{
    struct piece line, word;
    while (next_line(lines, &line)) {
        if (next_word(&line, &word) && piece_copy(word, ret))
            return true;
        lines->rejected += word.length > 0;
    }
    return false;
}

int ovs_stats_parse(const char *text, size_t length, uint64_t *ret_current, uint64_t *ret_maximum)
{
    static const char key[] = "Current/maximum MAC entries";
    struct ovs_lines lines;
    struct piece line;
    ovs_lines_start(&lines, text, length);
    while (next_line(&lines, &line)) {
        const char *found = memmem(line.at, line.length, key, sizeof key - 1);
        const char *colon = found != NULL ? memchr(line.at, ':', line.length) : NULL;
        if (colon == NULL)
            continue;
        struct piece rest = {colon + 1, (size_t)(line.at + line.length - colon - 1)}, word;
        if (!next_word(&rest, &word))
            continue;
        const char *slash = memchr(word.at, '/', word.length);
        uint32_t current, maximum;
        if (slash == NULL ||
            !piece_number((struct piece){word.at, (size_t)(slash - word.at)}, UINT32_MAX,
                          &current) ||
            !piece_number((struct piece){slash + 1, (size_t)(word.at + word.length - slash - 1)},
                          UINT32_MAX, &maximum))
            continue;
        *ret_current = current;
        *ret_maximum = maximum;
        return 0;
    }
    return ERR_SYNTAX;
}
