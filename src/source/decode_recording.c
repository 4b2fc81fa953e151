/* SPDX-License-Identifier: Apache-2.0 */
#include "source/decode_recording.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "source/recording_file.h"

static const char *const status_words[] = {NULL, "other", "invalid", "learned", "self", "mgmt"};

static void add_text(struct text *line, const char *key, const char *value)
{
    text_printf(line, ",\"%s\":", key);
    if (value == NULL || value[0] == '\0')
        text_add(line, "null");
    else
        text_add_json(line, value, strlen(value));
}

static void add_number(struct text *line, const char *key, bool known, int64_t value)
{
    if (known)
        text_printf(line, ",\"%s\":%" PRId64, key, value);
    else
        text_printf(line, ",\"%s\":null", key);
}

static void begin(struct text *line, const char *type, const char *switch_name)
{
    text_clear(line);
    text_printf(line, "{\"type\":\"%s\"", type);
    add_text(line, "switch", switch_name);
}

static void end(struct text *line, FILE *out)
{
    text_add(line, "}\n");
    fwrite(line->data, 1, line->length, out);
}

/* --- entries --- */

static void add_vlans(struct text *line, const struct bridge_group *group)
{
    text_add(line, ",\"vlan\":");
    if (group->vlan_count == 0) {
        text_add(line, "null");
        return;
    }
    for (uint32_t i = 0; i < group->vlan_count; i++)
        text_printf(line, "%c%u", i == 0 ? '[' : ',', group->vlans[i]);
    text_add_char(line, ']');
}

static void add_note(struct text *line, const char *word, const struct bridge_odd *odd)
{
    char mac[MAC_TEXT_SIZE];
    text_printf(line, "\"%s", word);
    if (odd != NULL && (strcmp(word, "seqIdx") == 0 || strcmp(word, "xtraSub") == 0))
        text_printf(line, ":%u", odd->number);
    else if (odd != NULL && strcmp(word, "addr!=") == 0)
        text_printf(line, ":%s", mac_format(odd->address, mac));
    text_add_char(line, '"');
}

static void add_notes(struct text *line, uint32_t notes, const struct bridge_odd *odd)
{
    bool first = true;
    text_add(line, ",\"notes\":[");
    for (int i = 0; i < BRIDGE_NOTE_COUNT; i++) {
        if ((notes >> i & 1) == 0)
            continue;
        if (!first)
            text_add_char(line, ',');
        add_note(line, bridge_note_word((enum bridge_note_index)i), odd);
        first = false;
    }
    text_add_char(line, ']');
}

static void print_entry(const struct bridge_table *table, size_t number, const char *switch_name,
                        struct text *line)
{
    const struct bridge_row *row = &table->rows[number];
    const struct bridge_group *group = &table->groups[bridge_row_group(row)];
    const struct bridge_odd *odd = bridge_table_odd(table, number);
    bool has_port = (row->flags & BRIDGE_ROW_PORT) != 0;
    struct bridge_port port = bridge_row_port(table, row);
    uint32_t notes = group->notes | (odd == NULL ? 0 : odd->notes) | port.notes;
    if (port.resolved && bridge_facts_tunnel(table->facts, port.if_index))
        notes |= BRIDGE_NOTE_TUNNEL;
    char mac[MAC_TEXT_SIZE] = "";
    if ((notes & BRIDGE_NOTE_NO_MAC) == 0) {
        mac_format(bridge_row_mac(row), mac);
        notes |= mac_is_multicast(bridge_row_mac(row)) ? BRIDGE_NOTE_GROUP_ADDRESS : 0;
    }
    text_clear(line);
    text_printf(line, "{\"type\":\"forward_entry\",\"table\":\"%s\"",
                bridge_family_word(group->family));
    add_text(line, "switch", switch_name);
    if (group->context == 0)
        text_add(line, ",\"context\":\"\"");
    else
        text_printf(line, ",\"context\":\"%u\"", group->context);
    add_vlans(line, group);
    add_number(line, "fdb_id", group->fdb_known, group->fdb_id);
    add_text(line, "mac", mac);
    add_number(line, "bridge_port", has_port && group->family != BRIDGE_VENDOR,
               (row->flags & BRIDGE_ROW_BELOW) != 0 ? (int64_t)(int32_t)row->port
                                                    : (int64_t)row->port);
    add_number(line, "if_index", port.resolved, port.if_index);
    add_text(line, "if_name",
             port.resolved ? bridge_facts_name(table->facts, port.if_index) : NULL);
    add_text(line, "status", status_words[row->status]);
    add_notes(line, notes, odd);
}

/* --- neighbours and aggregates --- */

static void print_neighbour(const struct bridge_facts *facts, const struct wire_neighbour *from,
                            const char *switch_name, struct text *line)
{
    char number[16];
    const char *name = from->if_index == 0 ? "" : bridge_facts_name(facts, from->if_index);
    if (name[0] == '\0')
        name = names_get(facts->names, from->local_id);
    if (name[0] == '\0') {
        snprintf(number, sizeof number, "%u", from->local_number);
        name = number;
    }
    begin(line, "neighbour", switch_name);
    add_text(line, "protocol", from->protocol == WIRE_LLDP ? "lldp" : "cdp");
    add_text(line, "local_port", name);
    add_number(line, "if_index", from->if_index != 0, from->if_index);
    add_number(line, "local_number", true, from->local_number);
    add_text(line, "chassis", names_get(facts->names, from->chassis));
    add_text(line, "port", names_get(facts->names, from->port));
    add_text(line, "port_description", names_get(facts->names, from->port_descr));
    add_text(line, "system", names_get(facts->names, from->system));
    add_text(line, "description", names_get(facts->names, from->description));
    add_text(line, "address", names_get(facts->names, from->address));
}

static void print_member(const struct bridge_facts *facts, const struct lag_member *member,
                         const char *switch_name, struct text *line)
{
    begin(line, "lag_member", switch_name);
    add_number(line, "if_index", true, member->if_index);
    add_text(line, "if_name", bridge_facts_name(facts, member->if_index));
    add_number(line, "aggregate", true, member->aggregate);
    add_text(line, "aggregate_name", bridge_facts_name(facts, member->aggregate));
    add_text(line, "source", lag_source_word(member->source));
}

void decode_bridge_print(const struct bridge_table *table, const char *switch_name,
                         const char *stem, FILE *out, struct decode_counts *counts)
{
    const struct bridge_facts *facts = table->facts;
    AUTO_TEXT struct text line = TEXT_EMPTY;
    const char *name = switch_name != NULL          ? switch_name
                       : table->sys_name[0] != '\0' ? table->sys_name
                                                    : stem;
    for (size_t i = 0; i < table->row_count; i++) {
        print_entry(table, i, name, &line);
        end(&line, out);
    }
    for (size_t i = 0; i < facts->neighbour_count; i++) {
        print_neighbour(facts, &facts->neighbours[i], name, &line);
        end(&line, out);
    }
    for (size_t i = 0; i < facts->lag_count; i++) {
        print_member(facts, &facts->lags[i], name, &line);
        end(&line, out);
    }
    counts->entries += table->row_count;
    counts->neighbours += facts->neighbour_count;
    counts->lag_members += facts->lag_count;
}

int decode_recording(const char *const *paths, size_t count, const struct quirk_table *quirks,
                     FILE *out, struct decode_counts *counts, struct err *err)
{
    struct recording_file *file = NULL;
    uint32_t vlan = 0;
    int code = 0;
    if (count > 0)
        free(recording_file_stem(paths[0], &vlan));
    if (count == 1 && vlan == 0) {
        code = recording_file_open(paths[0], &file, err);
    } else {
        file = recording_file_new();
        for (size_t i = 0; i < count && code == 0; i++)
            code = recording_file_add(file, paths[i], err);
    }
    if (code == 0) {
        struct bridge_table *table = recording_file_read(file, quirks);
        decode_bridge_print(table, NULL, file->stem, out, counts);
        bridge_table_free(table);
        counts->files += file->count;
    }
    recording_file_free(file);
    return code;
}
