/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recording_parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/text.h"
#include "wire/mib_name.h"
#include "wire/recording_value.h"

struct recording_parser {
    recording_fn *each;
    void *aux;
    struct recording_summary summary;
    struct text line; /* the part of a line that was fed so far */
    bool line_too_long;
    struct oid oid;        /* of the varbind that is being read */
    struct text value;     /* its value so far, maybe of several lines */
    uint64_t value_line;   /* where it began */
    bool open, open_known; /* there is one; its name is known */
};

static const char expect_any[] =
    "OID|tag|value (snmpsim) or .1.3.6... = TYPE: value (snmpwalk -On)";
static const char expect_snmprec[] = "OID|tag|value";
static const char expect_walk[] = ".1.3.6... = TYPE: value";
static const char expect_short[] = "a shorter value";

struct recording_parser *recording_parser_new(recording_fn *each, void *aux)
{
    struct recording_parser *parser = alloc_zeroed(1, sizeof *parser);
    parser->each = each;
    parser->aux = aux;
    return parser;
}

void recording_parser_free(struct recording_parser *parser)
{
    if (parser == NULL)
        return;
    text_done(&parser->line);
    text_done(&parser->value);
    free(parser);
}

static int bad_line(struct recording_parser *parser, uint64_t line, const char *expected)
{
    if (parser->summary.bad_lines++ == 0) {
        parser->summary.first_bad = line;
        parser->summary.expected = expected;
    }
    return 0;
}

static int hand_over(struct recording_parser *parser, const struct oid *oid,
                     const struct snmp_value *value)
{
    parser->summary.varbinds++;
    return parser->each(parser->aux, oid, value);
}

/* Somebody blanked it or a tool misprinted it: what reads this column decides
 * whether that matters. */
static int bad_value(struct recording_parser *parser, const struct oid *oid)
{
    const struct snmp_value none = {.type = SNMP_NULL};
    parser->summary.bad_values++;
    return hand_over(parser, oid, &none);
}

/* --- snmprec --- */

/* Splits "OID|tag|value"; returns false when the line is none. */
static bool split_snmprec(char *line, size_t length, size_t *ret_oid, char **ret_tag,
                          size_t *ret_tag_length, char **ret_value)
{
    char *first = memchr(line, '|', length);
    if (first == NULL)
        return false;
    char *tag = first + 1;
    char *second = memchr(tag, '|', length - (size_t)(tag - line));
    if (second == NULL)
        return false;
    *ret_oid = (size_t)(first - line);
    *ret_tag = tag;
    *ret_tag_length = (size_t)(second - tag);
    *ret_value = second + 1;
    return true;
}

static int take_snmprec(struct recording_parser *parser, char *line, size_t length)
{
    size_t oid_length, tag_length;
    char *tag, *value;
    struct oid oid;
    uint64_t number = parser->summary.lines;
    if (!split_snmprec(line, length, &oid_length, &tag, &tag_length, &value) ||
        oid_parse(line, oid_length, &oid) != 0)
        return bad_line(parser, number, expect_snmprec);
    uint32_t type = 0;
    size_t at = 0;
    for (; at < tag_length && at < 3 && tag[at] >= '0' && tag[at] <= '9'; at++)
        type = type * 10 + (uint32_t)(tag[at] - '0');
    /* "67:numeric" is snmpsim's way to make values up: there is none to read. */
    if (at > 0 && at < tag_length && tag[at] == ':')
        return 0;
    bool hexadecimal = at + 1 == tag_length && tag[at] == 'x';
    if (at == 0 || (at != tag_length && !hexadecimal))
        return bad_line(parser, number, expect_snmprec);
    struct recording_value read;
    length -= (size_t)(value - line);
    if (recording_value_snmprec(type, hexadecimal, value, length, &read) != 0)
        return bad_value(parser, &oid);
    return hand_over(parser, &oid, &read.value);
}

/* --- walks --- */

/* Whether `text` begins like the name of a varbind and not like a value that
 * goes on: an OID, or a name with its module or root. */
static bool begins_name(const char *text, size_t length)
{
    if (length > 2 && text[0] == '.' && text[1] >= '0' && text[1] <= '2' && text[2] == '.')
        return true;
    if (length > 4 && memcmp(text, "iso.", 4) == 0)
        return true;
    if (length > 5 && memcmp(text, ".iso.", 5) == 0)
        return true;
    if (length > 4 && (memcmp(text, "1.3.", 4) == 0 || memcmp(text, "1.0.", 4) == 0 ||
                       memcmp(text, "1.2.", 4) == 0))
        return true;
    const char *colons = memmem(text, length, "::", 2);
    const char *blank = memchr(text, ' ', length);
    if (colons != NULL && (blank == NULL || colons < blank))
        return true;
    struct oid oid;
    size_t name = blank == NULL ? length : (size_t)(blank - text);
    return name > 2 && memchr(text, '.', name) != NULL && mib_name_parse(text, name, &oid) == 0;
}

/* Finds the end of the name and the beginning of the value: " = ", or a blank
 * (-Oq). Blanks inside [...] belong to the name. */
static bool split_walk(const char *line, size_t length, size_t *ret_name, size_t *ret_value)
{
    size_t name = 0;
    bool bracket = false;
    for (; name < length; name++) {
        if (line[name] == '[')
            bracket = true;
        else if (line[name] == ']')
            bracket = false;
        else if ((line[name] == ' ' || line[name] == '=') && !bracket)
            break;
    }
    size_t at = name;
    while (at < length && line[at] == ' ')
        at++;
    if (at < length && line[at] == '=')
        at++;
    else if (at == name)
        return false;
    *ret_name = name;
    *ret_value = at;
    return name > 0;
}

static int flush_walk(struct recording_parser *parser)
{
    if (!parser->open)
        return 0;
    parser->open = false;
    if (!parser->open_known) {
        parser->summary.unknown_names++;
        return 0;
    }
    char none[1] = "";
    char *text = parser->value.data == NULL ? none : parser->value.data;
    struct recording_value read;
    if (recording_value_walk(text, parser->value.length, &read) != 0)
        return bad_value(parser, &parser->oid);
    return hand_over(parser, &parser->oid, &read.value);
}

/* Remembers what the walk said of its end. Returns whether `line` is that. */
static bool take_ending(struct recording_parser *parser, const char *line, size_t length)
{
    static const char *const endings[] = {
        "Timeout: ", "Error: OID not increasing", "Error in packet", "snmpwalk: ", "snmpbulkwalk: ",
        "snmpget: ",
    };
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        if (length < strlen(endings[i]) || memcmp(line, endings[i], strlen(endings[i])) != 0)
            continue;
        if (parser->summary.ended_by[0] == '\0')
            snprintf(parser->summary.ended_by, sizeof parser->summary.ended_by, "%.*s",
                     length > 120 ? 120 : (int)length, line);
        return true;
    }
    return false;
}

static int take_walk(struct recording_parser *parser, const char *line, size_t length)
{
    size_t name, value;
    if (begins_name(line, length) && split_walk(line, length, &name, &value)) {
        int code = flush_walk(parser);
        if (code != 0)
            return code;
        int known = mib_name_parse(line, name, &parser->oid);
        if (known != 0 && known != ERR_NOT_FOUND)
            return bad_line(parser, parser->summary.lines, expect_walk);
        parser->open = true;
        parser->open_known = known == 0;
        parser->value_line = parser->summary.lines;
        text_clear(&parser->value);
        text_add_bytes(&parser->value, line + value, length - value);
        return 0;
    }
    if (take_ending(parser, line, length))
        return flush_walk(parser);
    if (!parser->open) {
        bool blank = length == 0 || line[0] == '#' || line[0] == '$';
        return blank ? 0 : bad_line(parser, parser->summary.lines, expect_walk);
    }
    if (parser->value.length + length >= LIMIT_LINE_BYTES) {
        parser->open = false;
        return bad_line(parser, parser->value_line, expect_short);
    }
    text_add_char(&parser->value, '\n');
    text_add_bytes(&parser->value, line, length);
    return 0;
}

/* --- lines --- */

static enum recording_form form_of(const char *line, size_t length)
{
    size_t at = 0;
    while (at < length && (line[at] == '.' || (line[at] >= '0' && line[at] <= '9')))
        at++;
    if (at > 2 && at < length && line[at] == '|')
        return RECORDING_SNMPREC;
    size_t name, value;
    if (begins_name(line, length) && split_walk(line, length, &name, &value))
        return RECORDING_WALK;
    return RECORDING_NONE;
}

static int take_line(struct recording_parser *parser, char *line, size_t length)
{
    struct recording_summary *summary = &parser->summary;
    summary->lines++;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    static const char bom[] = "\xef\xbb\xbf";
    if (summary->lines == 1 && length >= 3 && memcmp(line, bom, 3) == 0) {
        line += 3;
        length -= 3;
    }
    if (summary->form == RECORDING_NONE)
        summary->form = form_of(line, length);
    switch (summary->form) {
    case RECORDING_SNMPREC:
        return length == 0 || line[0] == '#' ? 0 : take_snmprec(parser, line, length);
    case RECORDING_WALK:
        return take_walk(parser, line, length);
    case RECORDING_NONE:
        break;
    }
    if (length == 0 || line[0] == '#' || take_ending(parser, line, length))
        return 0;
    return bad_line(parser, summary->lines, expect_any);
}

static int end_line(struct recording_parser *parser)
{
    if (parser->line_too_long) {
        parser->line_too_long = false;
        parser->summary.lines++;
        return bad_line(parser, parser->summary.lines, expect_short);
    }
    char none[1] = "";
    int code = take_line(parser, parser->line.data == NULL ? none : parser->line.data,
                         parser->line.length);
    text_clear(&parser->line);
    return code;
}

int recording_parser_feed(struct recording_parser *parser, const char *bytes, size_t length)
{
    while (length > 0) {
        const char *end = memchr(bytes, '\n', length);
        size_t part = end == NULL ? length : (size_t)(end - bytes);
        if (parser->line.length + part > LIMIT_LINE_BYTES) {
            parser->line_too_long = true;
            text_clear(&parser->line);
        }
        if (!parser->line_too_long)
            text_add_bytes(&parser->line, bytes, part);
        if (end == NULL)
            return 0;
        int code = end_line(parser);
        if (code != 0)
            return code;
        bytes += part + 1;
        length -= part + 1;
    }
    return 0;
}

int recording_parser_finish(struct recording_parser *parser, struct recording_summary *ret)
{
    int code = 0;
    if (parser->line.length > 0 || parser->line_too_long)
        code = end_line(parser);
    if (code == 0)
        code = flush_walk(parser);
    *ret = parser->summary;
    return code;
}
