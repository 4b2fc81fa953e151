/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recording_value.h"

#include <string.h>

#include "base/err.h"
#include "wire/mib_name.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Turns pairs of hexadecimal digits with blanks between them into octets, in
 * place. Returns how many, -1 when something else stands there. */
static int64_t read_hex(char *text, size_t length)
{
    size_t count = 0, at = 0;
    while (at < length) {
        if (is_blank(text[at])) {
            at++;
            continue;
        }
        int high = hex_digit(text[at]);
        int low = at + 1 < length ? hex_digit(text[at + 1]) : -1;
        if (high < 0 || low < 0)
            return -1;
        text[count++] = (char)(high << 4 | low);
        at += 2;
    }
    return (int64_t)count;
}

static void set_octets(struct recording_value *ret, enum snmp_type type, const char *text,
                       size_t length)
{
    ret->value = (struct snmp_value){
        .type = type,
        .bytes = (const uint8_t *)text,
        .length = length,
    };
}

static int set_number(struct recording_value *ret, enum snmp_type type, const char *text,
                      size_t length)
{
    bool minus = length > 0 && text[0] == '-';
    uint64_t number = 0;
    size_t at = minus ? 1 : 0;
    if (at == length || text[at] < '0' || text[at] > '9')
        return ERR_SYNTAX;
    for (; at < length && text[at] >= '0' && text[at] <= '9'; at++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text[at] - '0'), &number))
            return ERR_SYNTAX;
    ret->value = (struct snmp_value){
        .type = type,
        .number = (int64_t)(minus ? -number : number),
    };
    return 0;
}

/* A number, "word(3)" or "(123) 0:00:01.23". */
static int set_labelled(struct recording_value *ret, enum snmp_type type, const char *text,
                        size_t length)
{
    const char *open = memchr(text, '(', length);
    if (open != NULL && set_number(ret, type, open + 1, length - (size_t)(open + 1 - text)) == 0)
        return 0;
    return set_number(ret, type, text, length);
}

static int set_oid(struct recording_value *ret, const char *text, size_t length)
{
    struct oid oid;
    while (length > 0 && is_blank(text[length - 1]))
        length--;
    if (mib_name_parse(text, length, &oid) != 0)
        return ERR_SYNTAX;
    size_t used = oid_encode(&oid, ret->oid);
    ret->value = (struct snmp_value){.type = SNMP_OID, .bytes = ret->oid, .length = used};
    return 0;
}

/* Four numbers joined by dots, written over the text. */
static int set_address(struct recording_value *ret, char *text, size_t length)
{
    size_t count = 0, at = 0;
    while (count < 4) {
        unsigned number = 0;
        size_t start = at;
        for (; at < length && text[at] >= '0' && text[at] <= '9' && number < 256; at++)
            number = number * 10 + (unsigned)(text[at] - '0');
        if (at == start || number > 255)
            return ERR_SYNTAX;
        text[count++] = (char)number;
        if (count < 4 && (at == length || text[at++] != '.'))
            return ERR_SYNTAX;
    }
    set_octets(ret, SNMP_IPADDRESS, text, 4);
    return 0;
}

int recording_value_snmprec(uint32_t tag, bool hexadecimal, char *text, size_t length,
                            struct recording_value *ret)
{
    if (hexadecimal) {
        int64_t count = read_hex(text, length);
        if (count < 0)
            return ERR_SYNTAX;
        length = (size_t)count;
    }
    switch (tag) {
    case SNMP_OCTETS:
    case SNMP_OPAQUE:
        set_octets(ret, (enum snmp_type)tag, text, length);
        return 0;
    case SNMP_IPADDRESS:
        if (!hexadecimal)
            return set_address(ret, text, length);
        set_octets(ret, SNMP_IPADDRESS, text, length);
        return 0;
    case SNMP_INTEGER:
    case SNMP_COUNTER32:
    case SNMP_GAUGE32:
    case SNMP_TIMETICKS:
    case SNMP_COUNTER64:
        return set_number(ret, (enum snmp_type)tag, text, length);
    case SNMP_OID:
        return set_oid(ret, text, length);
    case SNMP_NULL:
    case SNMP_NO_SUCH_OBJECT:
    case SNMP_NO_SUCH_INSTANCE:
    case SNMP_END_OF_MIB_VIEW:
        ret->value = (struct snmp_value){.type = (enum snmp_type)tag};
        return 0;
    default:
        return ERR_UNSUPPORTED;
    }
}

/* A string between quotes or not, its escapes undone in place. */
static void set_string(struct recording_value *ret, char *text, size_t length)
{
    while (length > 0 && (text[length - 1] == '\r' || text[length - 1] == '\n'))
        length--;
    bool quoted = length >= 1 && text[0] == '"';
    if (!quoted) {
        set_octets(ret, SNMP_OCTETS, text, length);
        return;
    }
    size_t count = 0;
    for (size_t at = 1; at < length; at++) {
        if (text[at] == '"' && at + 1 == length)
            break;
        if (text[at] == '\\' && at + 1 < length && (text[at + 1] == '"' || text[at + 1] == '\\'))
            at++;
        text[count++] = text[at];
    }
    set_octets(ret, SNMP_OCTETS, text, count);
}

/* Turns octets of one or two digits joined by colons into octets, in place, as
 * display hints print MACs. Returns how many, -1 when something else is there. */
static int64_t read_colons(char *text, size_t length)
{
    size_t count = 0, at = 0;
    while (at < length && !is_blank(text[at])) {
        int octet = hex_digit(text[at++]);
        if (octet >= 0 && at < length && hex_digit(text[at]) >= 0)
            octet = octet << 4 | hex_digit(text[at++]);
        bool joined = at == length || text[at] == ':' || is_blank(text[at]);
        if (octet < 0 || !joined)
            return -1;
        text[count++] = (char)octet;
        at += at < length && text[at] == ':';
    }
    return (int64_t)count;
}

/* Hexadecimal octets, with blanks or colons between them. */
static int set_hex(struct recording_value *ret, char *text, size_t length)
{
    int64_t count =
        memchr(text, ':', length) != NULL ? read_colons(text, length) : read_hex(text, length);
    if (count < 0)
        return ERR_SYNTAX;
    set_octets(ret, SNMP_OCTETS, text, (size_t)count);
    return 0;
}

static int set_bits(struct recording_value *ret, char *text, size_t length)
{
    size_t end = 0;
    while (end + 1 < length && hex_digit(text[end]) >= 0 && hex_digit(text[end + 1]) >= 0) {
        end += 2;
        while (end < length && is_blank(text[end]))
            end++;
    }
    return set_hex(ret, text, end);
}

enum form { FORM_NUMBER, FORM_STRING, FORM_HEX, FORM_OID, FORM_ADDRESS, FORM_BITS };

static const struct {
    const char *word;
    enum form form;
    enum snmp_type type;
} types[] = {
    {"INTEGER: ", FORM_NUMBER, SNMP_INTEGER},
    {"Integer32: ", FORM_NUMBER, SNMP_INTEGER},
    {"INTEGER32: ", FORM_NUMBER, SNMP_INTEGER},
    {"STRING: ", FORM_STRING, SNMP_OCTETS},
    {"Hex-STRING: ", FORM_HEX, SNMP_OCTETS},
    {"OCTET STRING: ", FORM_STRING, SNMP_OCTETS},
    {"Gauge32: ", FORM_NUMBER, SNMP_GAUGE32},
    {"Gauge: ", FORM_NUMBER, SNMP_GAUGE32},
    {"Unsigned32: ", FORM_NUMBER, SNMP_GAUGE32},
    {"UInteger32: ", FORM_NUMBER, SNMP_GAUGE32},
    {"Counter32: ", FORM_NUMBER, SNMP_COUNTER32},
    {"Counter: ", FORM_NUMBER, SNMP_COUNTER32},
    {"Counter64: ", FORM_NUMBER, SNMP_COUNTER64},
    {"Timeticks: ", FORM_NUMBER, SNMP_TIMETICKS},
    {"OID: ", FORM_OID, SNMP_OID},
    {"OBJECT IDENTIFIER: ", FORM_OID, SNMP_OID},
    {"IpAddress: ", FORM_ADDRESS, SNMP_IPADDRESS},
    {"Network Address: ", FORM_STRING, SNMP_OCTETS},
    {"BITS: ", FORM_BITS, SNMP_OCTETS},
    {"Opaque: ", FORM_STRING, SNMP_OPAQUE},
};

static bool starts(const char *text, size_t length, const char *word)
{
    size_t size = strlen(word);
    return length >= size && memcmp(text, word, size) == 0;
}

static int read_form(enum form form, enum snmp_type type, char *text, size_t length,
                     struct recording_value *ret)
{
    switch (form) {
    case FORM_NUMBER:
        return set_labelled(ret, type, text, length);
    case FORM_STRING:
        set_string(ret, text, length);
        return 0;
    case FORM_HEX:
        return set_hex(ret, text, length);
    case FORM_OID:
        return set_oid(ret, text, length);
    case FORM_ADDRESS:
        return set_address(ret, text, length);
    case FORM_BITS:
        return set_bits(ret, text, length);
    }
    UNREACHABLE();
}

/* Whether quoted text is -Oq's form of octets: pairs of digits with blanks,
 * the last one before the closing quote. */
static bool quoted_hex(const char *text, size_t length)
{
    if (length < 5 || text[0] != '"' || text[length - 1] != '"' || text[length - 2] != ' ')
        return false;
    for (size_t at = 1; at + 1 < length; at += 3)
        if (at + 2 >= length || hex_digit(text[at]) < 0 || hex_digit(text[at + 1]) < 0 ||
            text[at + 2] != ' ')
            return false;
    return true;
}

static int read_untyped(char *text, size_t length, struct recording_value *ret)
{
    while (length > 0 && is_blank(text[length - 1]))
        length--;
    if (quoted_hex(text, length))
        return set_hex(ret, text + 1, length - 2);
    if (length > 1 && (text[0] == '.' || starts(text, length, "iso.")) &&
        set_oid(ret, text, length) == 0)
        return 0;
    size_t digits = length > 1 && text[0] == '-' ? 1 : 0;
    while (digits < length && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    if (digits > 0 && digits == length)
        return set_number(ret, SNMP_INTEGER, text, length);
    if (length > 2 && text[length - 1] == ')' && text[0] >= 'a' && text[0] <= 'z' &&
        set_labelled(ret, SNMP_INTEGER, text, length) == 0)
        return 0;
    set_string(ret, text, length);
    return 0;
}

int recording_value_walk(char *text, size_t length, struct recording_value *ret)
{
    while (length > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        length--;
    }
    if (starts(text, length, "Wrong Type (should be ")) {
        const char *end = memmem(text, length, "): ", 3);
        if (end == NULL)
            return ERR_SYNTAX;
        length -= (size_t)(end + 3 - text);
        text += end + 3 - text;
    }
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
        size_t size = strlen(types[i].word);
        /* The blank is missing where the value is empty. */
        if (starts(text, length, types[i].word))
            return read_form(types[i].form, types[i].type, text + size, length - size, ret);
        if (length >= size - 1 && memcmp(text, types[i].word, size - 1) == 0 &&
            (length == size - 1 || is_blank(text[size - 1])))
            return read_form(types[i].form, types[i].type, text + size - 1, length - (size - 1),
                             ret);
    }
    if (starts(text, length, "No Such Object") || starts(text, length, "No Such Instance") ||
        starts(text, length, "No more variables")) {
        ret->value = (struct snmp_value){.type = SNMP_NO_SUCH_OBJECT};
        return 0;
    }
    if (starts(text, length, "NULL")) {
        ret->value = (struct snmp_value){.type = SNMP_NULL};
        return 0;
    }
    return read_untyped(text, length, ret);
}
