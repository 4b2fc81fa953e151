/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/readings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* --- a switch --- */

static uint32_t name_of(struct forward_table *table, const char *text)
{
    return names_add(table->names, text, strlen(text));
}

/* Ports keep their numbers: the n-th port of the switch is the n-th of the table. */
static void add_ports(struct forward_table *table, const struct fabric_switch *s)
{
    for (uint32_t p = 0; p < s->port_count; p++) {
        const struct fabric_port *port = &s->ports[p];
        struct forward_port added = {
            .name = name_of(table, port->name),
            .descr = NAME_NONE,
            .alias = NAME_NONE,
            .if_index = port->if_index,
            .bridge_port = port->aggregate == FABRIC_NONE ? port->bridge_port : 0,
            .aggregate = port->aggregate == FABRIC_NONE ? p : port->aggregate,
        };
        forward_table_add_port(table, &added);
        forward_table_add_own_mac(table, (struct mac){s->mac.bits + p + 1});
    }
    forward_table_add_own_mac(table, s->mac);
}

static void add_rows(struct forward_table *table, const struct datacentre *dc,
                     uint32_t switch_index)
{
    size_t count;
    bool vlans = datacentre_fabric(dc)->switches[switch_index].dialect != FABRIC_BRIDGE;
    struct sim_forward_row *rows = datacentre_forward(dc, switch_index, &count);
    for (size_t i = 0; i < count; i++) {
        uint32_t vlan = rows[i].vlan;
        struct forward_row row = {
            .mac_status = forward_row_key(rows[i].mac, rows[i].status),
            .port = rows[i].port == FABRIC_NONE ? FORWARD_NO_PORT : rows[i].port,
            .vlan = vlans ? vlan_pool_add(table->vlans, &vlan, 1) : VLAN_SET_UNKNOWN,
            .age = FORWARD_AGE_UNKNOWN, /* SNMP does not tell it */
        };
        forward_table_add_row(table, row);
    }
    free(rows);
}

static void add_neighbours(struct forward_table *table, const struct datacentre *dc,
                           uint32_t switch_index)
{
    size_t count;
    struct sim_neighbour *found = datacentre_neighbours(dc, switch_index, &count);
    for (size_t i = 0; i < count; i++) {
        char chassis[MAC_TEXT_SIZE];
        struct neighbour neighbour = {
            .protocol = NEIGHBOUR_LLDP,
            .port = found[i].local_port,
            .chassis = found[i].chassis,
            .chassis_text = name_of(table, mac_format(found[i].chassis, chassis)),
            .remote_port = name_of(table, found[i].port),
            .remote_port_mac = MAC_NONE,
            .system = name_of(table, found[i].system),
            .description = name_of(table, found[i].description),
        };
        forward_table_add_neighbour(table, &neighbour);
    }
    free(found);
}

struct forward_table *sim_reading(const struct datacentre *dc, uint32_t switch_index)
{
    const struct fabric_switch *s = &datacentre_fabric(dc)->switches[switch_index];
    struct forward_table *table = forward_table_new(s->name, "default");
    struct wall now = datacentre_now(dc);
    struct receipt receipt;
    add_ports(table, s);
    add_rows(table, dc, switch_index);
    add_neighbours(table, dc, switch_index);
    receipt_init(&receipt);
    receipt_text(&receipt.source, "%s", s->name);
    receipt_text(&receipt.type, "snmp");
    receipt.asked = receipt.answered = 1;
    receipt.rows = table->row_count;
    receipt.whole = true;
    receipt.ageing = s->ageing;
    receipt.sys_uptime_cs = wall_since(now, datacentre_switch_booted(dc, switch_index)).us / 10000;
    receipt.started = receipt.ended = now;
    forward_table_add_receipt(table, &receipt);
    forward_table_finish(table);
    return table;
}

/* --- the records --- */

enum { VALUES_MAX = 8 };

/* A table being filled. */
struct filling {
    struct record_set *set;
    struct run_state_words *words;
    struct record_layout *layout;
    uint32_t line;
};

static size_t split(const char *text, struct record_value values[static VALUES_MAX])
{
    size_t count = 0;
    for (;;) {
        size_t length = strcspn(text, ",");
        CHECK(count < VALUES_MAX);
        values[count++] = (struct record_value){text, length};
        if (text[length] == 0)
            return count;
        text += length + 1;
    }
}

/* Our own rows are well-formed: an error is a bug. */
static void begin_table(struct filling *f, enum record_table table, const char *columns)
{
    struct record_value values[VALUES_MAX];
    size_t count = split(columns, values);
    int error = record_layout_new(table, values, count, &f->layout, NULL);
    CHECK(error == 0);
    f->set->present[table] = true;
    f->line = 1;
}

static void end_table(struct filling *f)
{
    record_layout_free(f->layout);
    f->layout = NULL;
}

static void add_line(struct filling *f, const char *format, ...) PRINTF_LIKE(2, 3);

static void add_line(struct filling *f, const char *format, ...)
{
    AUTO_TEXT struct text line = TEXT_EMPTY;
    struct record_value values[VALUES_MAX];
    size_t column;
    va_list args;
    va_start(args, format);
    text_vprintf(&line, format, args);
    va_end(args);
    size_t count = split(text_get(&line), values);
    int error =
        record_add_row(f->set, f->layout, f->words, values, count, ++f->line, &column, NULL);
    CHECK(error == 0);
}

static void fill_guests(struct filling *f, const struct datacentre *dc)
{
    size_t count;
    struct sim_recorded_nic *nics = datacentre_recorded_nics(dc, &count);
    begin_table(f, RECORD_GUESTS,
                "hypervisor,guest,mac,run_state,state_since,vlan,wire_expected,uuid");
    for (size_t i = 0; i < count; i++) {
        char mac[MAC_TEXT_SIZE], since[CLOCK_TEXT_SIZE];
        add_line(f, "%s,%s,%s,%s,%s,%u,%s,%s", nics[i].hypervisor, nics[i].guest,
                 mac_format(nics[i].mac, mac), run_state_word(nics[i].run_state),
                 wall_format(nics[i].state_since, since), nics[i].vlan,
                 nics[i].wire_expected ? "yes" : "no", nics[i].uuid);
    }
    end_table(f);
    free(nics);
}

static void fill_attachments(struct filling *f, const struct datacentre *dc)
{
    size_t count;
    struct sim_recorded_attachment *rows = datacentre_recorded_attachments(dc, &count);
    begin_table(f, RECORD_ATTACHMENTS, "hypervisor,nic_mac,switch,port");
    for (size_t i = 0; i < count; i++) {
        char mac[MAC_TEXT_SIZE];
        const struct fabric_switch *s =
            &datacentre_fabric(dc)->switches[rows[i].place.switch_index];
        add_line(f, "%s,%s,%s,%s", rows[i].hypervisor, mac_format(rows[i].nic_mac, mac), s->name,
                 s->ports[rows[i].place.port].name);
    }
    end_table(f);
    free(rows);
}

static void fill_switches(struct filling *f, const struct fabric *fabric)
{
    begin_table(f, RECORD_SWITCHES, "switch,chassis");
    for (uint32_t i = 0; i < fabric->switch_count; i++) {
        char mac[MAC_TEXT_SIZE];
        add_line(f, "%s,%s", fabric->switches[i].name, mac_format(fabric->switches[i].mac, mac));
    }
    end_table(f);
}

static void fill_links(struct filling *f, const struct fabric *fabric)
{
    begin_table(f, RECORD_LINKS, "switch_a,port_a,switch_b,port_b");
    for (uint32_t i = 0; i < fabric->switch_count; i++) {
        const struct fabric_switch *s = &fabric->switches[i];
        for (size_t p = 0; p < s->port_count; p++) {
            struct fabric_place far = s->ports[p].far;
            if (far.switch_index == FABRIC_NONE || far.switch_index < i)
                continue;
            const struct fabric_switch *other = &fabric->switches[far.switch_index];
            add_line(f, "%s,%s,%s,%s", s->name, s->ports[p].name, other->name,
                     other->ports[far.port].name);
        }
    }
    end_table(f);
}

static void fill_lags(struct filling *f, const struct fabric *fabric)
{
    begin_table(f, RECORD_LAGS, "switch,aggregate,member");
    for (uint32_t i = 0; i < fabric->switch_count; i++) {
        const struct fabric_switch *s = &fabric->switches[i];
        for (size_t p = 0; p < s->port_count; p++)
            if (s->ports[p].aggregate != FABRIC_NONE)
                add_line(f, "%s,%s,%s", s->name, s->ports[s->ports[p].aggregate].name,
                         s->ports[p].name);
    }
    end_table(f);
}

struct record_set *sim_recorded(const struct datacentre *dc)
{
    const struct fabric *fabric = datacentre_fabric(dc);
    struct filling f = {.set = record_set_new("simulated records", datacentre_now(dc)),
                        .words = run_state_words_new()};
    fill_guests(&f, dc);
    fill_attachments(&f, dc);
    fill_switches(&f, fabric);
    fill_links(&f, fabric);
    fill_lags(&f, fabric);
    run_state_words_free(f.words);
    record_set_finish(f.set);
    return f.set;
}

struct mlag_pair *sim_mlag_pairs(const struct datacentre *dc, size_t *ret_count)
{
    const struct fabric *fabric = datacentre_fabric(dc);
    struct mlag_pair *pairs = NULL;
    size_t count = 0, capacity = 0;
    for (uint32_t i = 0; i < fabric->switch_count; i++) {
        const struct fabric_switch *s = &fabric->switches[i];
        for (size_t p = 0; p < s->port_count; p++) {
            if (s->ports[p].mlag_port == FABRIC_NONE || s->partner < i)
                continue;
            const struct fabric_switch *other = &fabric->switches[s->partner];
            pairs = alloc_grow(pairs, count, &capacity, sizeof(pairs[0]));
            pairs[count++] = (struct mlag_pair){s->name, s->ports[p].name, other->name,
                                                other->ports[s->ports[p].mlag_port].name};
        }
    }
    *ret_count = count;
    return pairs;
}
