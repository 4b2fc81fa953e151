/* SPDX-License-Identifier: Apache-2.0 */
/* A set back into CSV: the form in which the last good copy of a source is kept.
 *
 * What is printed must read back to an equal set, through the same reader as a
 * person's spreadsheet: each known column in the order of its table, states and
 * roles in Muster's own words, times in RFC 3339, numbers with all their digits,
 * unknown values empty. Values are quoted where a separator of any dialect, a
 * quote or a line break stands in them. */

#include <math.h>
#include <string.h>

#include "model/record_internal.h"

/* Appends one CSV value, quoted where it must be (RFC 4180 section 2). A value
 * with a blank at an end is quoted, too, for readers' eyes. */
static void add_value(struct text *to, const char *value)
{
    if (value[0] == '\0' || (strpbrk(value, ",;\t\"\r\n") == NULL && value[0] != ' ')) {
        text_add(to, value);
        return;
    }
    text_add_char(to, '"');
    for (; *value != '\0'; value++) {
        if (*value == '"')
            text_add_char(to, '"');
        text_add_char(to, *value);
    }
    text_add_char(to, '"');
}

static void add_wall(struct text *to, struct wall wall)
{
    char buffer[CLOCK_TEXT_SIZE];
    if (wall_known(wall))
        text_add(to, wall_format(wall, buffer));
}

static void add_mac(struct text *to, struct mac mac)
{
    char buffer[MAC_TEXT_SIZE];
    if (mac_known(mac))
        text_add(to, mac_format(mac, buffer));
}

static void add_number(struct text *to, double number)
{
    if (!isnan(number))
        text_printf(to, "%.17g", number);
}

static void add_nic_value(const struct record_set *set, size_t row, enum nic_column column,
                          struct text *to)
{
    const struct nic_columns *nics = &set->nics;
    uint32_t guest = nics->guest[row];
    char uuid[RECORD_UUID_SIZE];
    switch (column) {
    case NIC_HYPERVISOR:
        add_value(to, names_get(set->names, nics->hypervisor[row]));
        return;
    case NIC_GUEST:
        add_value(to, names_get(set->names, set->guests[guest].name));
        return;
    case NIC_MAC:
        add_mac(to, (struct mac){nics->mac[row]});
        return;
    case NIC_RUN_STATE:
        text_add(to, run_state_word((enum run_state)nics->run_state[row]));
        return;
    case NIC_STATE_SINCE:
        add_wall(to, (struct wall){nics->state_since[row]});
        return;
    case NIC_VLAN:
        vlan_set_print(set->vlans, nics->vlan[row], to);
        return;
    case NIC_WIRE_EXPECTED:
        text_add(to, tristate_word((enum tristate)nics->wire[row]));
        return;
    case NIC_UUID:
        add_value(to, record_guest_uuid(set, guest, uuid));
        return;
    case NIC_IP:
        add_value(to, names_get(set->names, record_guest_details(set, guest).ip));
        return;
    case NIC_TAGS:
        add_value(to, names_get(set->names, record_guest_details(set, guest).tags));
        return;
    case NIC_COLUMN_COUNT:
        break;
    }
    UNREACHABLE();
}

static void add_field(const struct record_set *set, const struct record_column *column,
                      const char *fields, struct text *to)
{
    const void *field = fields + column->offset;
    switch (column->kind) {
    case COLUMN_NAME:
    case COLUMN_TEXT:
        add_value(to, names_get(set->names, *(const uint32_t *)field));
        return;
    case COLUMN_MAC:
        add_mac(to, *(const struct mac *)field);
        return;
    case COLUMN_STATE:
        text_add(to, run_state_word(*(const enum run_state *)field));
        return;
    case COLUMN_ROLE:
        text_add(to, record_role_word(*(const enum port_role *)field));
        return;
    case COLUMN_WALL:
        add_wall(to, *(const struct wall *)field);
        return;
    case COLUMN_NUMBER:
        add_number(to, *(const double *)field);
        return;
    case COLUMN_VLAN:
    case COLUMN_WIRE:
        break;
    }
    UNREACHABLE();
}

static const char *plain_row(const struct record_set *set, enum record_table table, size_t row)
{
    switch (table) {
    case RECORD_ATTACHMENTS:
        return (const char *)&set->attachments[row];
    case RECORD_SWITCHES:
        return (const char *)&set->switches[row];
    case RECORD_PORTS:
        return (const char *)&set->ports[row];
    case RECORD_LINKS:
        return (const char *)&set->links[row];
    case RECORD_LAGS:
        return (const char *)&set->lags[row];
    case RECORD_PLANNED_WORK:
        return (const char *)&set->planned_work[row];
    case RECORD_CMDB:
        return (const char *)&set->items[row];
    case RECORD_DCM:
        return (const char *)&set->allocations[row];
    case RECORD_CAPACITY:
        return (const char *)&set->capacities[row];
    case RECORD_GUESTS:
    case RECORD_TABLE_COUNT:
        break;
    }
    UNREACHABLE();
}

void record_row_print(const struct record_set *set, enum record_table table, size_t row,
                      struct text *to)
{
    size_t count;
    const struct record_column *columns = record_columns(table, &count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_add_char(to, ',');
        if (table == RECORD_GUESTS)
            add_nic_value(set, row, (enum nic_column)i, to);
        else
            add_field(set, &columns[i], plain_row(set, table, row), to);
    }
}

void record_set_print_csv(const struct record_set *set, enum record_table table, struct text *to)
{
    size_t count, extra = 0;
    if (!set->present[table])
        return;
    const struct record_column *columns = record_columns(table, &count);
    const struct record_extras *extras = &set->extras[table];
    for (size_t i = 0; i < count; i++)
        text_printf(to, "%s%s", i > 0 ? "," : "", columns[i].name);
    text_add(to, extras->count > 0 ? ",extra\n" : "\n");
    for (size_t row = 0; row < record_set_rows(set, table); row++) {
        record_row_print(set, table, row, to);
        if (extras->count > 0)
            text_add_char(to, ',');
        if (extra < extras->count && extras->items[extra].row == row)
            add_value(to, extras->items[extra++].json);
        text_add_char(to, '\n');
    }
}
