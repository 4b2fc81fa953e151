/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/forward_json.h"

#include "base/text.h"
#include "model/json_out.h"

const char *forward_json_port(const struct forward_table *table, uint32_t port)
{
    return port == FORWARD_NO_PORT ? "" : names_get(table->names, table->ports[port].name);
}

const char *forward_json_aggregate(const struct forward_table *table, uint32_t port)
{
    if (port == FORWARD_NO_PORT || table->ports[port].aggregate == port)
        return "";
    return forward_json_port(table, table->ports[port].aggregate);
}

const char *forward_json_status(const struct forward_row *row)
{
    static const char *const words[] = {"", "other", "invalid", "learned", "self", "mgmt"};
    return words[forward_row_status(row)];
}

static void print_row(const struct forward_table *table, const struct forward_row *row,
                      struct text *out, FILE *to)
{
    AUTO_TEXT struct text vlan = TEXT_EMPTY;
    vlan_set_print(table->vlans, row->vlan, &vlan);
    text_clear(out);
    text_add_char(out, '{');
    json_key(out, "type");
    json_text(out, "forward_entry");
    json_key(out, "switch");
    json_text(out, table->switch_name);
    json_key(out, "vlan");
    json_vlan(out, text_get(&vlan));
    json_key(out, "mac");
    json_mac(out, forward_row_mac(row));
    json_key(out, "if_name");
    json_text_or_null(out, forward_json_port(table, row->port));
    json_key(out, "aggregate");
    json_text_or_null(out, forward_json_aggregate(table, row->port));
    json_key(out, "if_index");
    if (row->port != FORWARD_NO_PORT && table->ports[row->port].if_index != 0)
        text_printf(out, "%u", table->ports[row->port].if_index);
    else
        text_add(out, "null");
    json_key(out, "status");
    json_text_or_null(out, forward_json_status(row));
    json_key(out, "age");
    if (row->age != FORWARD_AGE_UNKNOWN)
        text_printf(out, "%u", row->age);
    else
        text_add(out, "null");
    text_add(out, "}\n");
    fwrite(out->data, 1, out->length, to);
}

void forward_json_print(const struct forward_table *table, FILE *to)
{
    AUTO_TEXT struct text line = TEXT_EMPTY;
    for (size_t i = 0; i < table->row_count; i++)
        print_row(table, &table->rows[i], &line, to);
}
