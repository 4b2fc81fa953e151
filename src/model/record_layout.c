/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of every table, and how an incoming header maps to them.
 *
 * The tables below are what "the same columns" means for spreadsheets, programs
 * and whatever comes later: names, kinds, which must be there, which may not be
 * empty, and the order in which they are printed again. A header is read once;
 * from then on a row's values are found by number. A column that is missing is
 * said together with what was found instead and the likeliest misspelling, since
 * a misspelt "mac" would otherwise pass for guests without addresses. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/suggest.h"
#include "model/record_internal.h"

#define FIELD(type, field) offsetof(struct record_##type, field)

static const struct record_column guest_columns[] = {
    {"hypervisor", COLUMN_NAME, false, NIC_HYPERVISOR},
    {"guest", COLUMN_NAME, true, NIC_GUEST},
    {"mac", COLUMN_MAC, false, NIC_MAC},
    {"run_state", COLUMN_STATE, false, NIC_RUN_STATE},
    {"state_since", COLUMN_WALL, false, NIC_STATE_SINCE},
    {"vlan", COLUMN_VLAN, false, NIC_VLAN},
    {"wire_expected", COLUMN_WIRE, false, NIC_WIRE_EXPECTED},
    {"uuid", COLUMN_NAME, false, NIC_UUID},
    {"ip", COLUMN_NAME, false, NIC_IP},
    {"tags", COLUMN_NAME, false, NIC_TAGS},
    {NULL, COLUMN_NAME, false, 0},
};
static const struct record_column attachment_columns[] = {
    {"hypervisor", COLUMN_NAME, true, FIELD(attachment, hypervisor)},
    {"nic_mac", COLUMN_MAC, false, FIELD(attachment, nic_mac)},
    {"switch", COLUMN_NAME, false, FIELD(attachment, switch_name)},
    {"port", COLUMN_NAME, false, FIELD(attachment, port)},
    {NULL, COLUMN_NAME, false, 0},
};
static const struct record_column switch_columns[] = {
    {"switch", COLUMN_NAME, true, FIELD(switch, name)},
    {"address", COLUMN_NAME, false, FIELD(switch, address)},
    {"site", COLUMN_NAME, false, FIELD(switch, site)},
    {"chassis", COLUMN_NAME, false, FIELD(switch, chassis)},
    {NULL, COLUMN_NAME, false, 0},
};
static const struct record_column port_columns[] = {
    {"switch", COLUMN_NAME, true, FIELD(port, switch_name)},
    {"port", COLUMN_NAME, true, FIELD(port, port)},
    {"role", COLUMN_ROLE, false, FIELD(port, role)},
    {NULL, COLUMN_NAME, false, 0},
};
static const struct record_column link_columns[] = {
    {"switch_a", COLUMN_NAME, true, FIELD(link, switch_a)},
    {"port_a", COLUMN_NAME, true, FIELD(link, port_a)},
    {"switch_b", COLUMN_NAME, true, FIELD(link, switch_b)},
    {"port_b", COLUMN_NAME, true, FIELD(link, port_b)},
    {"kind", COLUMN_NAME, false, FIELD(link, kind)},
    {NULL, COLUMN_NAME, false, 0},
};
static const struct record_column lag_columns[] = {
    {"switch", COLUMN_NAME, true, FIELD(lag, switch_name)},
    {"aggregate", COLUMN_NAME, true, FIELD(lag, aggregate)},
    {"member", COLUMN_NAME, true, FIELD(lag, member)},
    {"mlag", COLUMN_NAME, false, FIELD(lag, mlag)},
    {NULL, COLUMN_NAME, false, 0},
};
static const struct record_column planned_work_columns[] = {
    {"scope", COLUMN_NAME, true, FIELD(planned_work, scope)},
    {"from", COLUMN_WALL, true, FIELD(planned_work, from)},
    {"to", COLUMN_WALL, true, FIELD(planned_work, to)},
    {"repeat", COLUMN_NAME, false, FIELD(planned_work, repeat)},
    {"owner", COLUMN_NAME, false, FIELD(planned_work, owner)},
    {"text", COLUMN_TEXT, false, FIELD(planned_work, text)},
    {NULL, COLUMN_NAME, false, 0},
};
static const struct record_column cmdb_columns[] = {
    {"guest", COLUMN_NAME, false, FIELD(item, guest)},
    {"address", COLUMN_NAME, false, FIELD(item, address)},
    {"subnet", COLUMN_NAME, false, FIELD(item, subnet)},
    {"hypervisor", COLUMN_NAME, false, FIELD(item, hypervisor)},
    {"owner", COLUMN_NAME, false, FIELD(item, owner)},
    {"run_state", COLUMN_STATE, false, FIELD(item, run_state)},
    {NULL, COLUMN_NAME, false, 0},
};
static const struct record_column dcm_columns[] = {
    {"hypervisor", COLUMN_NAME, false, FIELD(allocation, hypervisor)},
    {"guest", COLUMN_NAME, true, FIELD(allocation, guest)},
    {"cpu", COLUMN_NUMBER, false, FIELD(allocation, cpu)},
    {"memory", COLUMN_NUMBER, false, FIELD(allocation, memory)},
    {"storage", COLUMN_NUMBER, false, FIELD(allocation, storage)},
    {"bandwidth", COLUMN_NUMBER, false, FIELD(allocation, bandwidth)},
    {"address", COLUMN_NAME, false, FIELD(allocation, address)},
    {"subnet", COLUMN_NAME, false, FIELD(allocation, subnet)},
    {"run_state", COLUMN_STATE, false, FIELD(allocation, run_state)},
    {NULL, COLUMN_NAME, false, 0},
};
static const struct record_column capacity_columns[] = {
    {"hypervisor", COLUMN_NAME, true, FIELD(allocation, hypervisor)},
    {"cpu", COLUMN_NUMBER, false, FIELD(allocation, cpu)},
    {"memory", COLUMN_NUMBER, false, FIELD(allocation, memory)},
    {"storage", COLUMN_NUMBER, false, FIELD(allocation, storage)},
    {"bandwidth", COLUMN_NUMBER, false, FIELD(allocation, bandwidth)},
    {NULL, COLUMN_NAME, false, 0},
};

/* `needed`: so many of the first columns must be in every header. */
static const struct table_shape {
    const struct record_column *columns;
    size_t count, needed;
    const char *json_word; /* "type" of a JSON row */
} shapes[RECORD_TABLE_COUNT] = {
#define SHAPE(columns, needed, json_word)                                                          \
    {                                                                                              \
        columns, ARRAY_COUNT(columns) - 1, needed, json_word                                       \
    }
    [RECORD_GUESTS] = SHAPE(guest_columns, 4, "guest_nic"),
    [RECORD_ATTACHMENTS] = SHAPE(attachment_columns, 1, "attachment"),
    [RECORD_SWITCHES] = SHAPE(switch_columns, 1, "switch"),
    [RECORD_PORTS] = SHAPE(port_columns, 3, "switch_port"),
    [RECORD_LINKS] = SHAPE(link_columns, 4, "link"),
    [RECORD_LAGS] = SHAPE(lag_columns, 3, "lag"),
    [RECORD_PLANNED_WORK] = SHAPE(planned_work_columns, 3, "planned_work"),
    [RECORD_CMDB] = SHAPE(cmdb_columns, 1, "configuration_item"),
    [RECORD_DCM] = SHAPE(dcm_columns, 2, "allocation"),
    [RECORD_CAPACITY] = SHAPE(capacity_columns, 1, "capacity"),
#undef SHAPE
};

const struct record_column *record_columns(enum record_table table, size_t *ret_count)
{
    *ret_count = shapes[table].count;
    return shapes[table].columns;
}

const char *record_column_name(enum record_table table, size_t number)
{
    return number < shapes[table].count ? shapes[table].columns[number].name : NULL;
}

const char *record_table_word(enum record_table table)
{
    static const char *const words[] = {
#define TABLE(word, name) [name] = word,
        RECORD_TABLES(TABLE)
#undef TABLE
    };
    CHECK(table < RECORD_TABLE_COUNT);
    return words[table];
}

static bool same_text(const char *text, size_t length, const char *known)
{
    return strlen(known) == length && memcmp(text, known, length) == 0;
}

int record_table_parse(const char *word, size_t length, enum record_table *ret)
{
    for (int i = 0; i < RECORD_TABLE_COUNT; i++) {
        if (same_text(word, length, record_table_word((enum record_table)i)) ||
            same_text(word, length, shapes[i].json_word)) {
            *ret = (enum record_table)i;
            return 0;
        }
    }
    return ERR_NOT_FOUND;
}

/* Returns the known column that an incoming one names, -1 when none. */
static int known_column(enum record_table table, const char *name)
{
    for (size_t i = 0; i < shapes[table].count; i++) {
        if (strcasecmp(shapes[table].columns[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

static char *copy_name(struct record_value value)
{
    const char *text = value.text;
    size_t length = value.length;
    while (length > 0 && (*text == ' ' || *text == '\t'))
        text++, length--;
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    char *name = alloc_array(length + 1, 1);
    memcpy(name, text, length);
    name[length] = '\0';
    return name;
}

static int missing_column(const struct record_layout *layout, const char *name, struct err *err)
{
    const char *like = suggest_nearest(name, (const char *const *)layout->names, layout->count);
    struct text list = TEXT_EMPTY;
    for (size_t i = 0; i < layout->count && i < 12; i++)
        text_printf(&list, "%s%.40s", i > 0 ? ", " : "", layout->names[i]);
    err_set(err, ERR_SYNTAX, "%s: column \"%s\" is missing; found: %s%s%.40s%s",
            record_table_word(layout->table), name, text_get(&list),
            like != NULL ? "; is it spelt \"" : "", like != NULL ? like : "",
            like != NULL ? "\"?" : "");
    text_done(&list);
    return ERR_SYNTAX;
}

/* An attachment must say where: by the NIC's MAC, or by switch and port. */
static int check_needed(const struct record_layout *layout, struct err *err)
{
    const struct table_shape *shape = &shapes[layout->table];
    for (size_t i = 0; i < shape->needed; i++) {
        if (layout->at[i] < 0)
            return missing_column(layout, shape->columns[i].name, err);
    }
    if (layout->table == RECORD_ATTACHMENTS && layout->at[1] < 0) {
        for (size_t i = 2; i < 4; i++) {
            if (layout->at[i] < 0)
                return missing_column(layout, shape->columns[i].name, err);
        }
    }
    return 0;
}

static int map_columns(struct record_layout *layout, struct err *err)
{
    for (size_t i = 0; i < layout->count; i++) {
        int known = known_column(layout->table, layout->names[i]);
        if (known < 0) {
            /* An unnamed column at the end of each row is a spreadsheet's habit. */
            layout->unknown[layout->unknown_count++] = (uint16_t)i;
            continue;
        }
        if (layout->at[known] >= 0)
            return err_set(err, ERR_SYNTAX, "%s: column \"%s\" is there twice",
                           record_table_word(layout->table), layout->names[i]);
        layout->at[known] = (int16_t)i;
    }
    for (size_t i = 0; i < shapes[layout->table].count; i++) {
        if (layout->at[i] >= 0)
            layout->known[layout->known_count++] = (uint8_t)i;
    }
    return check_needed(layout, err);
}

int record_layout_new(enum record_table table, const struct record_value *columns, size_t count,
                      struct record_layout **ret, struct err *err)
{
    if (count > LIMIT_COLUMNS)
        return err_set(err, ERR_LIMIT, "%s: %zu columns, at most %d are read",
                       record_table_word(table), count, LIMIT_COLUMNS);
    struct record_layout *layout = alloc_zeroed(1, sizeof *layout);
    layout->table = table;
    layout->names = alloc_zeroed(count + 1, sizeof *layout->names);
    layout->unknown = alloc_zeroed(count + 1, sizeof *layout->unknown);
    for (size_t i = 0; i < ARRAY_COUNT(layout->at); i++)
        layout->at[i] = -1;
    for (size_t i = 0; i < count; i++)
        layout->names[layout->count++] = copy_name(columns[i]);
    int status = map_columns(layout, err);
    if (status != 0) {
        record_layout_free(layout);
        return status;
    }
    *ret = layout;
    return 0;
}

void record_layout_free(struct record_layout *layout)
{
    if (layout == NULL)
        return;
    for (size_t i = 0; i < layout->count; i++)
        free(layout->names[i]);
    free(layout->names);
    free(layout->unknown);
    free(layout);
}

const char *record_layout_column(const struct record_layout *layout, size_t number)
{
    return number < layout->count ? layout->names[number] : "";
}
