/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "wire/bridge_facts.h"
#include "wire/bridge_reader.h"
#include "wire/recording.h"
#include "wire/recording_parser.h"

/* A device made of walk texts, one a context. `asked` notes each request. */
struct device {
    struct {
        uint32_t vlan;
        const char *text;
        const char *fails; /* a column whose walk breaks off after its rows, NULL */
    } contexts[4];
    const char *silent; /* a column that gets no answer behind its first row, NULL */
    unsigned silences;  /* how often */
    struct text asked;
};

static struct recording *recording_of(const char *text)
{
    struct recording *recording = recording_new();
    struct recording_parser *parser = recording_parser_new(recording_add, recording);
    struct recording_summary summary;
    assert_int_equal(recording_parser_feed(parser, text, strlen(text)), 0);
    assert_int_equal(recording_parser_finish(parser, &summary), 0);
    assert_int_equal(summary.bad_lines, 0);
    recording_parser_free(parser);
    recording_finish(recording);
    return recording;
}

static void answer_rows(struct bridge_reader *reader, const struct bridge_want *want,
                        const struct recording *recording, bool one_row)
{
    uint8_t column[OID_BER_SIZE];
    size_t length = oid_encode(&want->oids[0], column);
    for (size_t at = recording_seek(recording, &want->oids[0]); at < recording_count(recording);
         at++) {
        struct recording_varbind varbind;
        recording_get(recording, at, &varbind);
        if (varbind.oid_length <= length || memcmp(varbind.oid, column, length) != 0)
            return;
        if (bridge_reader_row(reader, want->id, 0, varbind.oid + length,
                              varbind.oid_length - length, &varbind.value) == BRIDGE_STOP ||
            one_row)
            return;
    }
}

static void answer(struct device *device, struct bridge_reader *reader,
                   const struct bridge_want *want)
{
    char name[OID_TEXT_SIZE];
    oid_format(&want->oids[0], name);
    text_printf(&device->asked, "%s@%u ", name, want->context);
    const char *why = NULL;
    char full[OID_TEXT_SIZE + 16];
    snprintf(full, sizeof full, "%s@%u", name, want->context);
    bool silent = device->silent != NULL && device->silences > 0 &&
                  (strcmp(device->silent, name) == 0 || strcmp(device->silent, full) == 0);
    for (size_t i = 0; i < ARRAY_COUNT(device->contexts); i++) {
        if (device->contexts[i].text == NULL || device->contexts[i].vlan != want->context)
            continue;
        struct recording *recording = recording_of(device->contexts[i].text);
        for (size_t k = 0; want->kind == BRIDGE_GET && k < want->oid_count; k++) {
            struct snmp_value value;
            if (recording_find(recording, &want->oids[k], &value))
                (void)bridge_reader_row(reader, want->id, k, NULL, 0, &value);
        }
        if (want->kind == BRIDGE_WALK)
            answer_rows(reader, want, recording, silent);
        recording_free(recording);
        if (device->contexts[i].fails != NULL && strcmp(device->contexts[i].fails, name) == 0)
            why = "time-out after 3 tries";
    }
    if (!silent) {
        bridge_reader_end(reader, want->id, why);
        return;
    }
    device->silences--;
    bridge_reader_silent(reader, want->id, "no answer in 5 s");
}

/* Reads the device with all possible requests under way at once, answered last
 * first. */
static struct bridge_table *read_device(struct device *device, struct bridge_reader_options options)
{
    struct quirk_table *quirks = quirk_table_new();
    struct err err;
    size_t length;
    const char *text = quirks_delivered(&length);
    assert_int_equal(quirk_table_add(quirks, "quirks", text, length, &err), 0);
    options.quirks = quirks;
    struct bridge_reader *reader = bridge_reader_new(&options);
    struct bridge_want wants[64];
    while (!bridge_reader_finished(reader)) {
        size_t count = 0;
        while (count < ARRAY_COUNT(wants) && bridge_reader_next(reader, &wants[count]))
            count++;
        assert_true(count > 0);
        while (count > 0)
            answer(device, reader, &wants[--count]);
    }
    struct bridge_table *table = bridge_reader_take(reader);
    bridge_reader_free(reader);
    quirk_table_free(quirks);
    return table;
}

static bool asked(const struct device *device, const char *what)
{
    return strstr(text_get(&device->asked), what) != NULL;
}

/* "mac vlans port>ifIndex/name status" of every row, for comparison by eye. */
static void print(const struct bridge_table *table, struct text *to)
{
    text_clear(to);
    for (size_t i = 0; i < table->row_count; i++) {
        const struct bridge_row *row = &table->rows[i];
        const struct bridge_group *group = &table->groups[bridge_row_group(row)];
        struct bridge_port port = bridge_table_port(table, group, row->port);
        text_printf(to, "%012llx ", (unsigned long long)bridge_row_mac(row).bits);
        for (uint32_t k = 0; k < group->vlan_count; k++)
            text_printf(to, k == 0 ? "%u" : "|%u", group->vlans[k]);
        text_printf(to, " %d>%u/%s %u\n", (int)row->port, port.if_index,
                    bridge_facts_name(table->facts, port.if_index), row->status);
    }
}

static void expect_rows(const struct bridge_table *table, const char *expected)
{
    AUTO_TEXT struct text rows = TEXT_EMPTY;
    print(table, &rows);
    assert_string_equal(text_get(&rows), expected);
}

#define MIB2       ".1.3.6.1.2.1."
#define SYSTEM(id) MIB2 "1.2.0 = OID: .1.3.6.1.4.1." id "\n" MIB2 "1.3.0 = Timeticks: (100) 0:01\n"
#define BASE_PORT  MIB2 "17.1.4.1.2."
#define IF_NAME    MIB2 "31.1.1.1.1."
#define D_PORT     MIB2 "17.4.3.1.2."
#define D_STATUS   MIB2 "17.4.3.1.3."
#define Q_PORT     MIB2 "17.7.1.2.2.1.2."
#define VLAN_FDB   MIB2 "17.7.1.4.2.1.3."
#define PORTS                                                                                      \
    BASE_PORT "1 = INTEGER: 101\n" BASE_PORT "2 = INTEGER: 102\n" IF_NAME                          \
              "101 = STRING: Gi1\n" IF_NAME "102 = STRING: Gi2\n"

static void a_live_read_stops_at_the_first_table_with_rows(void **state)
{
    (void)state;
    struct device device = {
        .contexts = {{0,
                      SYSTEM("99999.1") PORTS Q_PORT
                      "5.82.84.0.0.0.1 = INTEGER: 1\n" VLAN_FDB "0.10 = Gauge32: 5\n" VLAN_FDB
                      "0.20 = Gauge32: 5\n" D_PORT "82.84.0.0.0.9 = INTEGER: 2\n" MIB2
                      "17.4.2.0 = INTEGER: 300\n",
                      NULL}},
        .asked = TEXT_EMPTY};
    struct bridge_table *table = read_device(&device, (struct bridge_reader_options){0});
    expect_rows(table, "525400000001 10|20 1>101/Gi1 0\n");
    assert_int_equal(table->ageing_seconds, 300);
    assert_int_equal(table->context_count, 1);
    assert_true(table->contexts[0].whole);
    assert_false(asked(&device, "1.3.6.1.2.1.17.4.3.1.2@"));
    assert_false(asked(&device, "1.3.6.1.2.1.17.7.1.2.2.1.3@")); /* no status column */
    bridge_table_free(table);
    text_done(&device.asked);
}

static void everything_is_read_for_decoding(void **state)
{
    (void)state;
    struct device device = {
        .contexts = {{0,
                      SYSTEM("99999.1") PORTS Q_PORT "5.82.84.0.0.0.1 = INTEGER: 1\n" D_PORT
                                                     "82.84.0.0.0.9 = INTEGER: 2\n" D_STATUS
                                                     "82.84.0.0.0.9 = INTEGER: 3\n",
                      NULL}},
        .asked = TEXT_EMPTY};
    struct bridge_table *table =
        read_device(&device, (struct bridge_reader_options){.everything = true});
    AUTO_TEXT struct text rows = TEXT_EMPTY;
    print(table, &rows);
    assert_non_null(strstr(text_get(&rows), "525400000001 5 1>101/Gi1 0\n"));
    assert_non_null(strstr(text_get(&rows), "525400000009  2>102/Gi2 3\n"));
    bridge_table_free(table);
    text_done(&device.asked);
}

static const char cisco_default[] =
    SYSTEM("9.1.1208") PORTS MIB2 "1.5.0 = STRING: sw\n" D_PORT "82.84.0.0.0.1 = INTEGER: 1\n"
                                  ".1.3.6.1.4.1.9.9.46.1.3.1.1.2.1.1 = INTEGER: 1\n"
                                  ".1.3.6.1.4.1.9.9.46.1.3.1.1.2.1.10 = INTEGER: 1\n"
                                  ".1.3.6.1.4.1.9.9.46.1.3.1.1.2.1.20 = INTEGER: 2\n"
                                  ".1.3.6.1.4.1.9.9.46.1.3.1.1.2.1.1002 = INTEGER: 1\n";

static void vlans_with_tables_of_their_own_are_asked_one_by_one(void **state)
{
    (void)state;
    struct device device = {
        .contexts = {{0, cisco_default, NULL},
                     {10,
                      BASE_PORT "7 = INTEGER: 102\n" D_PORT "82.84.0.0.0.2 = INTEGER: 7\n" D_STATUS
                                "82.84.0.0.0.2 = INTEGER: 3\n",
                      NULL}},
        .asked = TEXT_EMPTY};
    struct bridge_table *table = read_device(&device, (struct bridge_reader_options){0});
    AUTO_TEXT struct text rows = TEXT_EMPTY;
    print(table, &rows);
    assert_non_null(strstr(text_get(&rows), "525400000001 1 1>101/Gi1 0\n"));
    assert_non_null(strstr(text_get(&rows), "525400000002 10 7>102/Gi2 0\n"));
    assert_int_equal(table->row_count, 2);
    assert_int_equal(table->context_count, 2);
    assert_true(asked(&device, "1.3.6.1.2.1.17.4.3.1.2@10 "));
    assert_false(asked(&device, "@20 "));
    assert_false(asked(&device, "@1002 "));
    bridge_table_free(table);
    text_done(&device.asked);
}

static void a_device_that_lists_static_rows_is_asked_for_their_status(void **state)
{
    (void)state;
    struct device device = {
        .contexts = {{0,
                      SYSTEM("14988.1") PORTS D_PORT "82.84.0.0.0.1 = INTEGER: 1\n" D_PORT
                                                     "82.84.0.0.0.2 = INTEGER: 2\n" D_STATUS
                                                     "82.84.0.0.0.2 = INTEGER: 4\n",
                      NULL}},
        .asked = TEXT_EMPTY};
    struct bridge_table *table = read_device(&device, (struct bridge_reader_options){0});
    expect_rows(table, "525400000001  1>101/Gi1 0\n525400000002  2>102/Gi2 4\n");
    bridge_table_free(table);
    text_done(&device.asked);
}

static void both_vlan_tables_are_one_set(void **state)
{
    (void)state;
    struct device device = {
        .contexts = {{0,
                      SYSTEM("47196.4.1") PORTS Q_PORT
                      "7.82.84.0.0.0.1 = INTEGER: 1\n" VLAN_FDB "0.10 = Gauge32: 7\n"
                      ".1.3.111.2.802.1.1.4.1.4.2.1.4.0.1.10 = Gauge32: 7\n"
                      ".1.3.111.2.802.1.1.4.1.4.2.1.4.0.1.11 = Gauge32: 7\n",
                      NULL}},
        .asked = TEXT_EMPTY};
    struct bridge_table *table = read_device(&device, (struct bridge_reader_options){0});
    expect_rows(table, "525400000001 10|11 1>101/Gi1 0\n");
    bridge_table_free(table);
    text_done(&device.asked);
}

static void a_walk_that_breaks_makes_its_context_partial(void **state)
{
    (void)state;
    struct device device = {
        .contexts = {{0, cisco_default, NULL},
                     {10, D_PORT "82.84.0.0.0.2 = INTEGER: 7\n", "1.3.6.1.2.1.17.4.3.1.2"}},
        .asked = TEXT_EMPTY};
    struct bridge_table *table = read_device(&device, (struct bridge_reader_options){0});
    assert_int_equal(table->row_count, 2);
    for (size_t i = 0; i < table->context_count; i++) {
        assert_int_equal(table->contexts[i].whole, table->contexts[i].vlan == 0);
        if (!table->contexts[i].whole)
            assert_string_equal(table->contexts[i].why_not, "time-out after 3 tries");
    }
    bridge_table_free(table);
    text_done(&device.asked);
}

static void fresh_facts_are_not_read_again(void **state)
{
    (void)state;
    struct device device = {
        .contexts = {{0, SYSTEM("99999.1") PORTS D_PORT "82.84.0.0.0.1 = INTEGER: 1\n", NULL}},
        .asked = TEXT_EMPTY};
    struct bridge_table *first = read_device(&device, (struct bridge_reader_options){0});
    struct bridge_facts *facts = first->facts;
    first->facts = NULL;
    bridge_table_free(first);
    text_clear(&device.asked);
    struct bridge_table *second = read_device(
        &device, (struct bridge_reader_options){.take_facts = &facts, .facts_fresh = true});
    assert_null(facts);
    expect_rows(second, "525400000001  1>101/Gi1 0\n");
    assert_false(asked(&device, "1.3.6.1.2.1.17.1.4.1.2@"));
    assert_false(asked(&device, "1.0.8802"));
    bridge_table_free(second);
    text_done(&device.asked);
}

static void half_a_base_port_table_keeps_the_rest_of_the_last_one(void **state)
{
    (void)state;
    struct device device = {
        .contexts = {{0, SYSTEM("99999.1") PORTS D_PORT "82.84.0.0.0.1 = INTEGER: 2\n", NULL}},
        .asked = TEXT_EMPTY};
    struct bridge_table *first = read_device(&device, (struct bridge_reader_options){0});
    struct bridge_facts *facts = first->facts;
    first->facts = NULL;
    bridge_table_free(first);
    device.contexts[0].text = SYSTEM("99999.1") BASE_PORT
        "1 = INTEGER: 101\n" IF_NAME "101 = STRING: Gi1\n" D_PORT "82.84.0.0.0.1 = INTEGER: 2\n";
    device.contexts[0].fails = "1.3.6.1.2.1.17.1.4.1.2";
    struct bridge_table *second =
        read_device(&device, (struct bridge_reader_options){.take_facts = &facts});
    expect_rows(second, "525400000001  2>102/Gi2 0\n");
    assert_true(second->contexts[0].whole);
    bridge_table_free(second);
    text_done(&device.asked);
}

/* Two VLANs whose FDB ids are not their numbers, ports in an aggregate, a neighbour. */
#define LAG_ATTACHED ".1.2.840.10006.300.43.1.2.1.1.13."
#define LLDP_REMOTE  ".1.0.8802.1.1.2.1.4.1.1."
#define LLDP_LOCAL   ".1.0.8802.1.1.2.1.3.7.1."
static const char mapped_text[] = SYSTEM("99999.1") PORTS IF_NAME
    "200 = STRING: Po1\n" LAG_ATTACHED "101 = INTEGER: 200\n" LAG_ATTACHED
    "102 = INTEGER: 200\n" LLDP_LOCAL "2.2 = INTEGER: 5\n" LLDP_LOCAL
    "3.2 = STRING: Gi2\n" LLDP_REMOTE "4.0.2.1 = INTEGER: 7\n" LLDP_REMOTE
    "5.0.2.1 = STRING: core1\n" LLDP_REMOTE "9.0.2.1 = STRING: core1\n" Q_PORT
    "7.82.84.0.0.0.1 = INTEGER: 1\n" Q_PORT "8.82.84.0.0.0.2 = INTEGER: 2\n" VLAN_FDB
    "0.10 = Gauge32: 7\n" VLAN_FDB "0.20 = Gauge32: 8\n";
static const char mapped_rows[] = "525400000001 10 1>101/Gi1 0\n525400000002 20 2>102/Gi2 0\n";

static const char *const map_columns[] = {
    "1.3.6.1.2.1.17.1.4.1.2", "1.3.6.1.2.1.31.1.1.1.1", "1.3.6.1.2.1.17.7.1.4.2.1.3",
    "1.2.840.10006.300.43.1.2.1.1.13", "1.0.8802.1.1.2.1.4.1.1.5"};

static void expect_maps(const struct bridge_table *table)
{
    expect_rows(table, mapped_rows);
    assert_int_equal(lag_table_find(table->facts, 101), 200);
    assert_int_equal(lag_table_find(table->facts, 102), 200);
    assert_int_equal(table->facts->neighbour_count, 1);
    assert_int_equal(table->facts->neighbours[0].if_index, 102);
    assert_string_equal(names_get(table->facts->names, table->facts->neighbours[0].chassis),
                        "core1");
    assert_int_equal(table->facts->unread, 0);
    assert_true(table->contexts[0].whole);
}

static void a_map_that_got_no_answer_is_walked_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(map_columns); i++) {
        struct device device = {.contexts = {{0, mapped_text, NULL}},
                                .silent = map_columns[i],
                                .silences = BRIDGE_FACT_TRIES - 1,
                                .asked = TEXT_EMPTY};
        struct bridge_table *table = read_device(&device, (struct bridge_reader_options){0});
        assert_int_equal(device.silences, 0);
        expect_maps(table);
        assert_false(table->facts->broken);
        bridge_table_free(table);
        text_done(&device.asked);
    }
}

/* Ports, aggregates and VLANs by their bare numbers would be others than they are. */
static void without_a_map_rows_are_not_placed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(map_columns); i++) {
        struct device device = {.contexts = {{0, mapped_text, NULL}},
                                .silent = map_columns[i],
                                .silences = UINT_MAX,
                                .asked = TEXT_EMPTY};
        struct bridge_table *table = read_device(&device, (struct bridge_reader_options){0});
        bool neighbours = i + 1 == ARRAY_COUNT(map_columns);
        assert_int_equal(bridge_facts_placed(table->facts), neighbours);
        assert_true(table->facts->broken);
        assert_false(table->contexts[0].whole);
        assert_non_null(strstr(table->contexts[0].why_not, "no answer in 5 s"));
        /* nor does a read that goes on with these facts know more */
        struct bridge_facts *facts = table->facts;
        table->facts = NULL;
        bridge_table_free(table);
        table = read_device(
            &device, (struct bridge_reader_options){.take_facts = &facts, .facts_fresh = true});
        assert_int_equal(bridge_facts_placed(table->facts), neighbours);
        assert_false(table->contexts[0].whole);
        facts = table->facts;
        table->facts = NULL;
        bridge_table_free(table);
        device.silent = NULL; /* it answers again */
        table = read_device(&device, (struct bridge_reader_options){.take_facts = &facts});
        expect_maps(table);
        assert_false(table->facts->broken);
        bridge_table_free(table);
        text_done(&device.asked);
    }
}

static void an_earlier_map_holds_where_a_walk_got_no_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(map_columns); i++) {
        struct device device = {.contexts = {{0, mapped_text, NULL}}, .asked = TEXT_EMPTY};
        struct bridge_table *table = read_device(&device, (struct bridge_reader_options){0});
        expect_maps(table);
        for (int again = 0; again < 3; again++) {
            struct bridge_facts *facts = table->facts;
            table->facts = NULL;
            bridge_table_free(table);
            device.silent = map_columns[i];
            device.silences = 1;
            table = read_device(&device, (struct bridge_reader_options){.take_facts = &facts});
            expect_maps(table);
            assert_true(table->facts->broken);
        }
        bridge_table_free(table);
        text_done(&device.asked);
    }
}

/* A VLAN whose context is silent altogether has no table, and hides nothing of the others. */
static void a_silent_context_hides_no_other(void **state)
{
    (void)state;
    static const char ports[] = "1.3.6.1.2.1.17.1.4.1.2@10";
    for (int rows = 0; rows < 2; rows++) {
        struct device device = {
            .contexts = {{0, cisco_default, NULL},
                         {10, rows ? D_PORT "82.84.0.0.0.2 = INTEGER: 7\n" : "", NULL}},
            .silent = ports,
            .silences = UINT_MAX,
            .asked = TEXT_EMPTY};
        struct bridge_table *table = read_device(&device, (struct bridge_reader_options){0});
        assert_int_equal(bridge_facts_placed(table->facts), !rows);
        assert_int_equal(UINT_MAX - device.silences, rows ? BRIDGE_FACT_TRIES : 1);
        bridge_table_free(table);
        text_done(&device.asked);
    }
}

static void a_time_filter_is_read_once(void **state)
{
    (void)state;
    struct device device = {
        .contexts = {{0,
                      SYSTEM("99999.1") PORTS Q_PORT
                      "7.82.84.0.0.0.1 = INTEGER: 1\n" VLAN_FDB "0.10 = Gauge32: 7\n" VLAN_FDB
                      "0.20 = Gauge32: 8\n" VLAN_FDB "1.10 = Gauge32: 9\n" VLAN_FDB
                      "1.20 = Gauge32: 7\n",
                      NULL}},
        .asked = TEXT_EMPTY};
    struct bridge_table *table = read_device(&device, (struct bridge_reader_options){0});
    expect_rows(table, "525400000001 10 1>101/Gi1 0\n");
    bridge_table_free(table);
    text_done(&device.asked);
}

static void fdb_ids_become_vlans_only_where_that_cannot_be_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *map, *rows;
    } cases[] = {
        {"", "525400000001 7 1>101/Gi1 0\n"},                            /* no table */
        {VLAN_FDB "0.3 = Gauge32: 3\n", "525400000001 7 1>101/Gi1 0\n"}, /* all ids are VLANs */
        {VLAN_FDB "0.3 = Gauge32: 9\n", "525400000001  1>101/Gi1 0\n"},
        {VLAN_FDB "0.7 = Gauge32: 9\n", "525400000001 7 1>101/Gi1 0\n"}, /* VLAN 7 exists */
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        AUTO_TEXT struct text walk = TEXT_EMPTY;
        text_printf(&walk, "%s%s%s", SYSTEM("99999.1") PORTS,
                    Q_PORT "7.82.84.0.0.0.1 = INTEGER: 1\n", cases[i].map);
        struct device device = {.contexts = {{0, text_get(&walk), NULL}}, .asked = TEXT_EMPTY};
        struct bridge_table *table = read_device(&device, (struct bridge_reader_options){0});
        expect_rows(table, cases[i].rows);
        bridge_table_free(table);
        text_done(&device.asked);
    }
}

static void ports_are_resolved_only_where_that_cannot_be_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *base, *rows;
    } cases[] = {
        {"", "525400000001  5>5/Gi5 0\n"},                               /* no base-port table */
        {BASE_PORT "9 = INTEGER: 101\n", "525400000001  5>0/ 0\n"},      /* a hole in it */
        {BASE_PORT "4 = INTEGER: 101\n", "525400000001  5>5/Gi5 0\n"},   /* above all of them */
        {BASE_PORT "101 = INTEGER: 101\n", "525400000001  5>5/Gi5 0\n"}, /* the same numbers */
        {BASE_PORT "5 = INTEGER: 0\n", "525400000001  5>0/ 0\n"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        AUTO_TEXT struct text walk = TEXT_EMPTY;
        text_printf(&walk, "%s%s%s", SYSTEM("99999.1") IF_NAME "5 = STRING: Gi5\n",
                    D_PORT "82.84.0.0.0.1 = INTEGER: 5\n", cases[i].base);
        struct device device = {.contexts = {{0, text_get(&walk), NULL}}, .asked = TEXT_EMPTY};
        struct bridge_table *table = read_device(&device, (struct bridge_reader_options){0});
        expect_rows(table, cases[i].rows);
        bridge_table_free(table);
        text_done(&device.asked);
    }
}

static void sequence_indices_get_their_macs_from_the_address_column(void **state)
{
    (void)state;
    struct device device = {.contexts = {{0,
                                          SYSTEM("12356.106.1") PORTS D_PORT
                                          "1 = INTEGER: 1\n" D_PORT "2 = INTEGER: 2\n" MIB2
                                          "17.4.3.1.1.1 = Hex-STRING: 52 54 00 00 00 07\n",
                                          NULL}},
                            .asked = TEXT_EMPTY};
    struct bridge_table *table = read_device(&device, (struct bridge_reader_options){0});
    expect_rows(table, "525400000007  1>101/Gi1 0\n000000000000  2>102/Gi2 0\n");
    assert_int_equal(table->odd_count, 2);
    assert_true((table->odds[1].notes & BRIDGE_NOTE_NO_MAC) != 0);
    bridge_table_free(table);
    text_done(&device.asked);
}

/* Feeds rows of the port column straight in, as a live engine does. */
static struct bridge_table *feed(const uint32_t (*indices)[7], size_t count, size_t *ret_taken)
{
    struct bridge_reader_options options = {0};
    struct bridge_reader *reader = bridge_reader_new(&options);
    struct bridge_want want;
    assert_true(bridge_reader_next(reader, &want));
    bridge_reader_end(reader, want.id, NULL);
    assert_true(bridge_reader_next(reader, &want));
    assert_int_equal(want.kind, BRIDGE_WALK);
    struct snmp_value value = {.type = SNMP_INTEGER, .number = 1};
    for (*ret_taken = 0; *ret_taken < count; (*ret_taken)++) {
        uint8_t octets[40];
        size_t length = oid_index_encode(indices[*ret_taken], 7, octets);
        if (bridge_reader_row(reader, want.id, 0, octets, length, &value) == BRIDGE_STOP)
            break;
    }
    struct bridge_table *table = bridge_reader_take(reader);
    bridge_reader_free(reader);
    return table;
}

static void a_walk_that_comes_round_is_stopped(void **state)
{
    (void)state;
    const uint32_t indices[][7] = {{1, 2, 0, 0, 0, 0, 3},
                                   {1, 2, 0, 0, 0, 0, 1},
                                   {1, 2, 0, 0, 0, 0, 2},
                                   {1, 2, 0, 0, 0, 0, 3},
                                   {1, 2, 0, 0, 0, 0, 1}};
    size_t taken;
    struct bridge_table *table = feed(indices, ARRAY_COUNT(indices), &taken);
    assert_int_equal(taken, 3);
    assert_int_equal(table->row_count, 3);
    assert_false(table->contexts[0].whole); /* it was given up */
    bridge_table_free(table);
}

static void one_mac_in_several_fdbs_is_several_rows(void **state)
{
    (void)state;
    const uint32_t indices[][7] = {
        {1, 2, 0, 0, 0, 0, 3}, {2, 2, 0, 0, 0, 0, 3}, {9, 2, 0, 0, 0, 0, 3}};
    size_t taken;
    struct bridge_table *table = feed(indices, ARRAY_COUNT(indices), &taken);
    assert_int_equal(table->row_count, 3);
    assert_int_equal(table->group_count, 3);
    bridge_table_free(table);
}

static void a_device_that_answers_nothing_is_not_asked_on(void **state)
{
    (void)state;
    struct bridge_reader_options options = {0};
    struct bridge_reader *reader = bridge_reader_new(&options);
    struct bridge_want want;
    assert_true(bridge_reader_next(reader, &want));
    bridge_reader_end(reader, want.id, "no answer from 192.0.2.1");
    assert_false(bridge_reader_next(reader, &want));
    assert_true(bridge_reader_finished(reader));
    struct bridge_table *table = bridge_reader_take(reader);
    assert_false(table->contexts[0].whole);
    assert_string_equal(table->contexts[0].why_not, "no answer from 192.0.2.1");
    bridge_table_free(table);
    bridge_reader_free(reader);
}

static void a_restart_during_the_read_is_noticed(void **state)
{
    (void)state;
    struct bridge_reader_options options = {0};
    struct bridge_reader *reader = bridge_reader_new(&options);
    struct bridge_want want;
    struct snmp_value ticks = {.type = SNMP_TIMETICKS, .number = 5000};
    while (bridge_reader_next(reader, &want)) {
        for (size_t i = 0; want.kind == BRIDGE_GET && i < want.oid_count; i++)
            if (want.oids[i].ids[7] == 3 && want.oids[i].ids[6] == 1 && want.oids[i].length == 9) {
                (void)bridge_reader_row(reader, want.id, i, NULL, 0, &ticks);
                ticks.number = 30;
            }
        bridge_reader_end(reader, want.id, NULL);
    }
    struct bridge_table *table = bridge_reader_take(reader);
    assert_false(table->contexts[0].whole);
    assert_non_null(strstr(table->contexts[0].why_not, "restarted"));
    bridge_table_free(table);
    bridge_reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_live_read_stops_at_the_first_table_with_rows),
        cmocka_unit_test(everything_is_read_for_decoding),
        cmocka_unit_test(vlans_with_tables_of_their_own_are_asked_one_by_one),
        cmocka_unit_test(a_device_that_lists_static_rows_is_asked_for_their_status),
        cmocka_unit_test(both_vlan_tables_are_one_set),
        cmocka_unit_test(a_walk_that_breaks_makes_its_context_partial),
        cmocka_unit_test(fresh_facts_are_not_read_again),
        cmocka_unit_test(half_a_base_port_table_keeps_the_rest_of_the_last_one),
        cmocka_unit_test(a_map_that_got_no_answer_is_walked_again),
        cmocka_unit_test(without_a_map_rows_are_not_placed),
        cmocka_unit_test(an_earlier_map_holds_where_a_walk_got_no_answer),
        cmocka_unit_test(a_silent_context_hides_no_other),
        cmocka_unit_test(a_time_filter_is_read_once),
        cmocka_unit_test(fdb_ids_become_vlans_only_where_that_cannot_be_wrong),
        cmocka_unit_test(ports_are_resolved_only_where_that_cannot_be_wrong),
        cmocka_unit_test(sequence_indices_get_their_macs_from_the_address_column),
        cmocka_unit_test(a_walk_that_comes_round_is_stopped),
        cmocka_unit_test(one_mac_in_several_fdbs_is_several_rows),
        cmocka_unit_test(a_device_that_answers_nothing_is_not_asked_on),
        cmocka_unit_test(a_restart_during_the_read_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
