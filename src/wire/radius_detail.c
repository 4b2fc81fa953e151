/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/radius_detail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/ip.h"
#include "base/mac.h"
#include "wire/radius_accounting.h"

enum value_kind { VALUE_TEXT, VALUE_NUMBER, VALUE_V4, VALUE_V6, VALUE_TIME };

struct named_attribute {
    const char *name;
    enum value_kind kind;
    uint8_t type;
};

static const struct named_attribute names[] = {
    {"User-Name", VALUE_TEXT, RADIUS_USER_NAME},
    {"NAS-IP-Address", VALUE_V4, RADIUS_NAS_IP_ADDRESS},
    {"NAS-Port", VALUE_NUMBER, RADIUS_NAS_PORT},
    {"Framed-IP-Address", VALUE_V4, RADIUS_FRAMED_IP_ADDRESS},
    {"Called-Station-Id", VALUE_TEXT, RADIUS_CALLED_STATION_ID},
    {"Calling-Station-Id", VALUE_TEXT, RADIUS_CALLING_STATION_ID},
    {"NAS-Identifier", VALUE_TEXT, RADIUS_NAS_IDENTIFIER},
    {"Acct-Status-Type", VALUE_NUMBER, RADIUS_ACCT_STATUS_TYPE},
    {"Acct-Delay-Time", VALUE_NUMBER, RADIUS_ACCT_DELAY_TIME},
    {"Acct-Session-Id", VALUE_TEXT, RADIUS_ACCT_SESSION_ID},
    {"Acct-Terminate-Cause", VALUE_NUMBER, RADIUS_ACCT_TERMINATE_CAUSE},
    {"Acct-Multi-Session-Id", VALUE_TEXT, RADIUS_ACCT_MULTI_SESSION_ID},
    {"Event-Timestamp", VALUE_TIME, RADIUS_EVENT_TIMESTAMP},
    {"NAS-Port-Type", VALUE_NUMBER, RADIUS_NAS_PORT_TYPE},
    {"Acct-Interim-Interval", VALUE_NUMBER, RADIUS_ACCT_INTERIM_INTERVAL},
    {"NAS-Port-Id", VALUE_TEXT, RADIUS_NAS_PORT_ID},
    {"NAS-IPv6-Address", VALUE_V6, RADIUS_NAS_IPV6_ADDRESS},
    {"Framed-IPv6-Address", VALUE_V6, RADIUS_FRAMED_IPV6_ADDRESS},
};

/* Values that FreeRADIUS prints by name; terminate causes have their own table. */
static const struct {
    uint8_t type;
    const char *word;
    uint32_t number;
} words[] = {
    {RADIUS_ACCT_STATUS_TYPE, "Start", 1},
    {RADIUS_ACCT_STATUS_TYPE, "Stop", 2},
    {RADIUS_ACCT_STATUS_TYPE, "Interim-Update", 3},
    {RADIUS_ACCT_STATUS_TYPE, "Alive", 3},
    {RADIUS_ACCT_STATUS_TYPE, "Accounting-On", 7},
    {RADIUS_ACCT_STATUS_TYPE, "Accounting-Off", 8},
    {RADIUS_ACCT_STATUS_TYPE, "Failed", 15},
    {RADIUS_NAS_PORT_TYPE, "Async", 0},
    {RADIUS_NAS_PORT_TYPE, "Sync", 1},
    {RADIUS_NAS_PORT_TYPE, "ISDN", 2},
    {RADIUS_NAS_PORT_TYPE, "Virtual", 5},
    {RADIUS_NAS_PORT_TYPE, "Ethernet", RADIUS_PORT_TYPE_ETHERNET},
    {RADIUS_NAS_PORT_TYPE, "Wireless-802.11", 19},
};

/* One "Name = value" of the text. */
struct assignment {
    const char *name;
    size_t name_length;
    char value[RADIUS_VALUE_MAX + 1]; /* terminated; a NUL inside ends it for numbers */
    size_t value_length;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/';
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* One character of a quoted value, escapes resolved; moves `at` behind it. */
static char take_char(const char **at, const char *end, char quote)
{
    const char *p = *at;
    if (quote != '"' || p[0] != '\\' || end - p < 2) {
        *at = p + 1;
        return p[0];
    }
    if (end - p >= 4 && is_octal(p[1]) && is_octal(p[2]) && is_octal(p[3])) {
        *at = p + 4;
        return (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
    }
    *at = p + 2;
    return p[1] == 'n' ? '\n' : p[1] == 't' ? '\t' : p[1];
}

/* Reads the value at `at`; returns where what follows it stands. */
static const char *take_value(const char *at, const char *end, struct assignment *ret)
{
    char quote = at < end && (*at == '"' || *at == '\'') ? *at++ : '\0';
    ret->value_length = 0;
    while (at < end && (quote != '\0' ? *at != quote : *at != ',' && !is_blank(*at))) {
        char c = take_char(&at, end, quote);
        if (ret->value_length < RADIUS_VALUE_MAX)
            ret->value[ret->value_length++] = c;
    }
    ret->value[ret->value_length] = '\0';
    return quote != '\0' && at < end ? at + 1 : at;
}

/* Takes the next assignment of a line; *at moves. Returns false at the line's end or
 * where it has another form. */
static bool take_assignment(const char **at, const char *end, struct assignment *ret)
{
    const char *p = *at;
    while (p < end && (is_blank(*p) || *p == ','))
        p++;
    ret->name = p;
    while (p < end && is_name_char(*p))
        p++;
    ret->name_length = (size_t)(p - ret->name);
    while (p < end && is_blank(*p))
        p++;
    if (p < end && (*p == ':' || *p == '+')) /* := and += assign too */
        p++;
    if (ret->name_length == 0 || p == end || *p != '=' || (end - p > 1 && p[1] == '='))
        return false;
    p++;
    while (p < end && is_blank(*p))
        p++;
    *at = take_value(p, end, ret);
    return true;
}

/* --- values --- */

static bool find_number(uint8_t type, const char *value, uint32_t *ret)
{
    if (strncmp(value, "::", 2) == 0)
        value += 2;
    char *end;
    unsigned long long number = strtoull(value, &end, 10);
    if (value[0] >= '0' && value[0] <= '9' && *end == '\0' && number <= UINT32_MAX) {
        *ret = (uint32_t)number;
        return true;
    }
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (words[i].type == type && strcasecmp(words[i].word, value) == 0) {
            *ret = words[i].number;
            return true;
        }
    }
    const char *word;
    for (uint32_t i = 1; type == RADIUS_ACCT_TERMINATE_CAUSE && i <= UINT8_MAX; i++) {
        word = radius_cause_word(i);
        if (word != NULL && strcasecmp(word, value) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* "Feb  1 2015 08:28:58 UTC" as RFC 3339. */
static bool month_form(const char *value, char buffer[static CLOCK_TEXT_SIZE])
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char month[4], zone[8] = "";
    unsigned day, year, hour, minute, second;
    if (sscanf(value, "%3s %2u %4u %2u:%2u:%2u %7s", month, &day, &year, &hour, &minute, &second,
               zone) != 7)
        return false;
    const char *found = strlen(month) == 3 ? strstr(months, month) : NULL;
    if (found == NULL || (found - months) % 3 != 0 ||
        (strcmp(zone, "UTC") != 0 && strcmp(zone, "GMT") != 0))
        return false;
    snprintf(buffer, CLOCK_TEXT_SIZE, "%04u-%02d-%02uT%02u:%02u:%02uZ", year,
             (int)(found - months) / 3 + 1, day, hour, minute, second);
    return true;
}

static bool find_time(const char *value, uint32_t *ret)
{
    char buffer[CLOCK_TEXT_SIZE];
    struct wall wall;
    if (find_number(RADIUS_EVENT_TIMESTAMP, value, ret))
        return true;
    const char *text = month_form(value, buffer) ? buffer : value;
    if (wall_parse(text, strlen(text), &wall) != 0 || wall.us < 0 || wall.us / 1000000 > UINT32_MAX)
        return false;
    *ret = (uint32_t)(wall.us / 1000000);
    return true;
}

static void add_address(struct radius_writer *writer, const struct named_attribute *attribute,
                        const struct assignment *assignment)
{
    struct ip ip;
    if (ip_parse(assignment->value, assignment->value_length, &ip) != 0 ||
        ip_is_v4(&ip) != (attribute->kind == VALUE_V4))
        return;
    if (attribute->kind == VALUE_V4)
        radius_writer_add(writer, attribute->type, ip.octets + 12, 4);
    else
        radius_writer_add(writer, attribute->type, ip.octets, 16);
}

static void add_value(struct radius_writer *writer, const struct named_attribute *attribute,
                      const struct assignment *assignment)
{
    uint32_t number;
    switch (attribute->kind) {
    case VALUE_TEXT:
        radius_writer_add(writer, attribute->type, assignment->value, assignment->value_length);
        break;
    case VALUE_V4:
    case VALUE_V6:
        add_address(writer, attribute, assignment);
        break;
    case VALUE_NUMBER:
        if (find_number(attribute->type, assignment->value, &number))
            radius_writer_add_integer(writer, attribute->type, number);
        break;
    case VALUE_TIME:
        if (find_time(assignment->value, &number))
            radius_writer_add_integer(writer, attribute->type, number);
        break;
    }
}

/* --- records --- */

static bool is_named(const struct assignment *assignment, const char *name)
{
    return assignment->name_length == strlen(name) &&
           strncasecmp(assignment->name, name, assignment->name_length) == 0;
}

static void take_line(const char *line, const char *end, struct radius_writer *writer,
                      struct wall *arrived)
{
    struct assignment assignment;
    uint32_t seconds;
    while (take_assignment(&line, end, &assignment)) {
        if (is_named(&assignment, "Timestamp") && find_time(assignment.value, &seconds))
            *arrived = (struct wall){(int64_t)seconds * 1000000};
        for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
            /* What does not fit is passed over, not the whole record. */
            if (is_named(&assignment, names[i].name) &&
                RADIUS_PACKET_MAX - writer->length >= 2 + RADIUS_VALUE_MAX)
                add_value(writer, &names[i], &assignment);
        }
    }
}

static const char *find_line_end(const struct radius_detail *detail, size_t at)
{
    const char *from = detail->text + at;
    const char *end = memchr(from, '\n', detail->length - at);
    return end != NULL ? end : detail->text + detail->length;
}

/* Whether the record before this line is over. */
static bool ends_record(const char *line, const char *end)
{
    struct assignment assignment;
    const char *at = line;
    while (at < end && is_blank(*at))
        at++;
    if (at == end)
        return true;
    if (at > line || *line == '#')
        return false;
    return !take_assignment(&at, end, &assignment) &&
           memchr(line, '=', (size_t)(end - line)) == NULL;
}

bool radius_detail_next(struct radius_detail *detail, uint8_t *bytes,
                        struct radius_packet *ret_packet, struct wall *ret_arrived)
{
    struct radius_writer writer;
    struct wall arrived = WALL_UNKNOWN;
    radius_writer_init(&writer, bytes, RADIUS_ACCOUNTING_REQUEST, 0);
    while (detail->at < detail->length) {
        const char *line = detail->text + detail->at;
        const char *end = find_line_end(detail, detail->at);
        bool ended = ends_record(line, end);
        if (ended && writer.length > RADIUS_HEADER)
            break;
        detail->at = (size_t)(end - detail->text) + (end < detail->text + detail->length);
        if (ended)
            arrived = WALL_UNKNOWN;
        else if (*line != '#')
            take_line(line, end, &writer, &arrived);
    }
    if (writer.length <= RADIUS_HEADER)
        return false;
    bytes[2] = (uint8_t)(writer.length >> 8);
    bytes[3] = (uint8_t)writer.length;
    CHECK(radius_packet_parse(bytes, writer.length, ret_packet) == RADIUS_SOUND);
    *ret_arrived = arrived;
    return true;
}

bool radius_detail_is(const char *text, size_t length)
{
    const struct radius_detail detail = {text, length, 0};
    for (size_t at = 0; at < length;) {
        const char *line = text + at, *end = find_line_end(&detail, at);
        struct assignment assignment;
        at = (size_t)(end - text) + 1;
        const bool comment = line < end && *line == '#';
        while (!comment && take_assignment(&line, end, &assignment)) {
            if (is_named(&assignment, "Acct-Status-Type"))
                return true;
        }
    }
    return false;
}
