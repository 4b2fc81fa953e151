/* SPDX-License-Identifier: Apache-2.0 */
#include "source/forward_csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/map.h"
#include "io/file.h"
#include "wire/csv.h"

enum { VLAN_NUMBERS = 4096, SHOWN = 60 };

enum column { SWITCH, PORT, VLAN, MAC, STATUS, AGE, READ_AT, COLUMN_COUNT };

static const char *const words[] = {"switch", "port", "vlan", "mac", "status", "age", "read_at"};

/* A table that is being filled. Its names are its ports', so a name's number is
 * the port's index. */
struct open_table {
    struct forward_table *table;
    struct wall first, last; /* read_at of its rows */
    uint32_t vlan_number;    /* of the last row, and its set */
    vlan_set vlan;
};

struct reading {
    const char *path;
    const struct forward_csv_options *options;
    size_t at[COLUMN_COUNT]; /* position of each column, SIZE_MAX absent */
    struct names *switches;  /* number = index into tables */
    struct open_table **tables;
    size_t count, capacity;
    struct open_table *current; /* of the last row's switch */
    char current_name[LIMIT_NAME_BYTES + 1];
    size_t current_length;
    char time_text[64]; /* the last row's read_at */
    size_t time_length;
    struct wall time;
};

/* --- header --- */

static void find_columns(const struct csv_row *row, size_t at[COLUMN_COUNT])
{
    for (int column = 0; column < COLUMN_COUNT; column++) {
        at[column] = SIZE_MAX;
        for (size_t i = 0; i < row->count; i++) {
            const struct csv_field *field = &row->fields[i];
            if (field->length == strlen(words[column]) &&
                strncasecmp(field->text, words[column], field->length) == 0)
                at[column] = i;
        }
    }
}

bool forward_csv_is_one(const char *bytes, size_t length)
{
    const char *end = memchr(bytes, '\n', length);
    size_t line = end == NULL ? length : (size_t)(end - bytes) + 1;
    struct csv_reader *reader = csv_new();
    struct csv_row row;
    struct csv_place place;
    struct err err;
    size_t room, at[COLUMN_COUNT];
    char *space = csv_space(reader, &room);
    line = line < room ? line : room;
    memcpy(space, bytes, line);
    csv_filled(reader, line);
    bool is_one = false;
    int got = csv_next(reader, &row, &place, &err);
    if (got == 0) {
        (void)csv_space(reader, &room);
        csv_filled(reader, 0);
        got = csv_next(reader, &row, &place, &err);
    }
    if (got == 1) {
        find_columns(&row, at);
        is_one = at[PORT] != SIZE_MAX && at[MAC] != SIZE_MAX;
    }
    csv_free(reader);
    return is_one;
}

static int read_header(struct reading *reading, const struct csv_row *row, struct err *err)
{
    find_columns(row, reading->at);
    for (int column = PORT; column <= MAC; column++)
        if (column != VLAN && reading->at[column] == SIZE_MAX)
            return err_set(err, ERR_SYNTAX,
                           "%s:%u: no column \"%s\": expected switch, port, vlan, mac and perhaps "
                           "status, age, read_at",
                           reading->path, row->line, words[column]);
    return 0;
}

/* --- rows --- */

static struct csv_field field_of(const struct reading *reading, const struct csv_row *row,
                                 enum column column)
{
    size_t at = reading->at[column];
    return at < row->count ? row->fields[at] : (struct csv_field){"", 0};
}

static int bad_field(const struct reading *reading, const struct csv_row *row, enum column column,
                     int code, const char *expected, struct err *err)
{
    struct csv_field field = field_of(reading, row, column);
    return err_set(err, (enum err_code)code, "%s:%u: column %zu (%s) is \"%.*s\": expected %s",
                   reading->path, row->line, reading->at[column] + 1, words[column],
                   field.length > SHOWN ? SHOWN : (int)field.length, field.text, expected);
}

static struct open_table *open_table_new(const struct reading *reading, const char *name)
{
    struct open_table *open = alloc_zeroed(1, sizeof *open);
    open->table = forward_table_new(name, reading->options->site);
    open->first = open->last = WALL_UNKNOWN;
    if (reading->options->hypervisor != NULL)
        open->table->hypervisor = alloc_text(reading->options->hypervisor);
    return open;
}

/* Sets reading->current to the row's switch, NULL when that one is not wanted. */
static int choose_table(struct reading *reading, const struct csv_row *row, struct err *err)
{
    struct csv_field name = field_of(reading, row, SWITCH);
    if (reading->count > 0 && name.length == reading->current_length &&
        memcmp(name.text, reading->current_name, name.length) == 0)
        return 0;
    if (name.length > LIMIT_NAME_BYTES)
        return bad_field(reading, row, SWITCH, ERR_LIMIT, "a name of at most 255 characters", err);
    uint32_t number = names_add(reading->switches, name.text, name.length);
    if (number == FORWARD_CSV_SWITCHES)
        return bad_field(reading, row, SWITCH, ERR_LIMIT, "at most 100000 switches", err);
    memcpy(reading->current_name, name.text, name.length);
    reading->current_name[name.length] = '\0';
    reading->current_length = name.length;
    if (number == reading->count) {
        const char *wanted = reading->options->switch_name;
        bool skip = wanted != NULL && name.length > 0 && strcmp(wanted, reading->current_name) != 0;
        const char *called = name.length > 0  ? reading->current_name
                             : wanted != NULL ? wanted
                                              : reading->options->fallback_name;
        reading->tables = alloc_grow(reading->tables, reading->count, &reading->capacity,
                                     sizeof(struct open_table *));
        reading->tables[reading->count++] = skip ? NULL : open_table_new(reading, called);
    }
    reading->current = reading->tables[number];
    return 0;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The usual spelling without the parser of all others. */
static bool read_mac(struct csv_field field, struct mac *ret)
{
    if (field.length != 17)
        return mac_parse(field.text, field.length, ret) == 0;
    uint64_t bits = 0;
    for (size_t i = 0; i < 17; i += 3) {
        int high = hex_value(field.text[i]), low = hex_value(field.text[i + 1]);
        if (high < 0 || low < 0 || (i < 15 && field.text[i + 2] != ':'))
            return mac_parse(field.text, field.length, ret) == 0;
        bits = bits << 8 | (uint64_t)(high << 4 | low);
    }
    ret->bits = bits;
    return true;
}

static int read_vlan(struct open_table *open, struct csv_field field, vlan_set *ret)
{
    uint32_t number = 0;
    size_t i = 0;
    for (; i < field.length && i < 4 && field.text[i] >= '0' && field.text[i] <= '9'; i++)
        number = number * 10 + (uint32_t)(field.text[i] - '0');
    if (i == 0 || i != field.length || number >= VLAN_NUMBERS)
        return vlan_set_parse(open->table->vlans, field.text, field.length, ret);
    if (open->vlan == VLAN_SET_UNKNOWN || open->vlan_number != number) {
        open->vlan_number = number;
        open->vlan = vlan_pool_add(open->table->vlans, &number, 1);
    }
    *ret = open->vlan;
    return 0;
}

static bool read_status(struct csv_field field, enum forward_status *ret)
{
    static const char *const statuses[] = {"", "other", "invalid", "learned", "self", "mgmt"};
    if (field.length == 7 && memcmp(field.text, "learned", 7) == 0) {
        *ret = FORWARD_LEARNED;
        return true;
    }
    for (size_t i = 0; i < ARRAY_COUNT(statuses); i++)
        if (field.length == strlen(statuses[i]) &&
            strncasecmp(field.text, statuses[i], field.length) == 0) {
            *ret = (enum forward_status)i;
            return true;
        }
    return false;
}

static bool read_age(struct csv_field field, uint16_t *ret)
{
    uint32_t age = 0;
    *ret = FORWARD_AGE_UNKNOWN;
    for (size_t i = 0; i < field.length; i++) {
        if (field.text[i] < '0' || field.text[i] > '9' || i > 8)
            return false;
        age = age * 10 + (uint32_t)(field.text[i] - '0');
    }
    if (field.length > 0)
        *ret = (uint16_t)(age >= FORWARD_AGE_UNKNOWN ? FORWARD_AGE_UNKNOWN - 1 : age);
    return true;
}

static int read_time(struct reading *reading, const struct csv_row *row, struct err *err)
{
    struct csv_field field = field_of(reading, row, READ_AT);
    struct open_table *open = reading->current;
    if (field.length == 0)
        return 0;
    if (field.length != reading->time_length ||
        memcmp(field.text, reading->time_text, field.length) != 0) {
        if (field.length >= sizeof reading->time_text ||
            wall_parse(field.text, field.length, &reading->time) != 0)
            return bad_field(reading, row, READ_AT, ERR_SYNTAX,
                             "a time in RFC 3339 such as 2026-11-23T12:00:00Z", err);
        memcpy(reading->time_text, field.text, field.length);
        reading->time_length = field.length;
    }
    if (!wall_known(open->first) || reading->time.us < open->first.us)
        open->first = reading->time;
    if (!wall_known(open->last) || reading->time.us > open->last.us)
        open->last = reading->time;
    return 0;
}

static uint32_t port_of(struct open_table *open, struct csv_field field)
{
    if (field.length == 0)
        return FORWARD_NO_PORT;
    struct forward_table *table = open->table;
    uint32_t number = names_add(table->names, field.text, field.length);
    if (number == table->port_count && number < LIMIT_SWITCH_PORTS) {
        struct forward_port port = {.name = number, .descr = NAME_NONE, .alias = NAME_NONE};
        port.aggregate = number;
        (void)forward_table_add_port(table, &port);
    }
    return number < table->port_count ? number : FORWARD_NO_PORT;
}

static int read_row(struct reading *reading, const struct csv_row *row, struct err *err)
{
    int code = choose_table(reading, row, err);
    if (code != 0 || reading->current == NULL)
        return code;
    struct open_table *open = reading->current;
    struct mac mac = MAC_NONE;
    enum forward_status status = FORWARD_UNREAD;
    struct forward_row added;
    if (!read_mac(field_of(reading, row, MAC), &mac))
        return bad_field(reading, row, MAC, ERR_SYNTAX, "a MAC such as 52:54:00:11:22:33", err);
    if (!read_status(field_of(reading, row, STATUS), &status))
        return bad_field(reading, row, STATUS, ERR_SYNTAX,
                         "learned, self, mgmt, invalid, other or nothing", err);
    if (!read_age(field_of(reading, row, AGE), &added.age))
        return bad_field(reading, row, AGE, ERR_SYNTAX, "seconds, or nothing", err);
    code = read_vlan(open, field_of(reading, row, VLAN), &added.vlan);
    if (code != 0)
        return bad_field(reading, row, VLAN, code, "10, 10|20, trunk or nothing", err);
    if (field_of(reading, row, PORT).length > LIMIT_NAME_BYTES)
        return bad_field(reading, row, PORT, ERR_LIMIT, "a name of at most 255 characters", err);
    code = read_time(reading, row, err);
    if (code != 0)
        return code;
    added.port = port_of(open, field_of(reading, row, PORT));
    added.mac_status = forward_row_key(mac, status);
    (void)forward_table_add_row(open->table, added);
    return 0;
}

/* --- the file --- */

static int read_rows(struct reading *reading, int descriptor, struct err *err)
{
    struct csv_reader *reader = csv_new();
    struct csv_row row;
    struct csv_place place;
    bool header = false, ended = false;
    int code = 0;
    while (code == 0) {
        int got = csv_next(reader, &row, &place, err);
        if (got == 1) {
            code = header ? read_row(reading, &row, err) : read_header(reading, &row, err);
            header = true;
        } else if (got < 0) {
            code = got;
            err_prefix(err, "%s:%u", reading->path, place.line);
        } else if (ended) {
            break;
        } else {
            size_t room;
            char *space = csv_space(reader, &room);
            ssize_t length = read(descriptor, space, room);
            if (length < 0 && errno == EINTR)
                continue;
            if (length < 0)
                code = err_set_errno(err, errno, "%s: reading", reading->path);
            else
                csv_filled(reader, (size_t)length);
            ended = length == 0;
        }
    }
    csv_free(reader);
    return code;
}

static void finish_table(const struct reading *reading, struct open_table *open,
                         struct wall file_time)
{
    struct receipt receipt;
    const struct forward_csv_options *options = reading->options;
    receipt_init(&receipt);
    receipt_text(&receipt.source, "%s",
                 options->source != NULL ? options->source : open->table->switch_name);
    receipt_text(&receipt.type, "recording");
    receipt.asked = receipt.answered = 1;
    receipt.rows = open->table->row_count;
    receipt.whole = true;
    receipt.ageing = options->ageing;
    struct wall otherwise = wall_known(options->read_at) ? options->read_at : file_time;
    receipt.started = wall_known(open->first) ? open->first : otherwise;
    receipt.ended = wall_known(open->last) ? open->last : otherwise;
    forward_table_add_receipt(open->table, &receipt);
    receipt_done(&receipt);
    forward_table_finish(open->table);
}

int forward_csv_read(const char *path, const struct forward_csv_options *options,
                     struct forward_table **ret, struct err *err)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return err_set_errno(err, errno, "%s: opening", path);
    struct reading reading = {.path = path, .options = options, .switches = names_new()};
    int code = read_rows(&reading, descriptor, err);
    close(descriptor);
    struct forward_table *chain = NULL;
    for (size_t i = reading.count; i > 0; i--) {
        struct open_table *open = reading.tables[i - 1];
        if (open == NULL)
            continue;
        finish_table(&reading, open, file_modified(path));
        open->table->next = chain;
        chain = open->table;
        free(open);
    }
    free(reading.tables);
    names_free(reading.switches);
    if (code != 0)
        forward_table_free(chain);
    else
        *ret = chain;
    return code;
}
