/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/store_fixture.h"

int fixture_setup(void **state)
{
    struct fixture *fixture = alloc_zeroed(1, sizeof *fixture);
    /* in memory where that is, for hundreds of commits would wait for a disk */
    snprintf(fixture->folder, sizeof fixture->folder, "%s/muster-store-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(fixture->folder) == NULL)
        return -1;
    snprintf(fixture->path, sizeof fixture->path, "%s/muster.db", fixture->folder);
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    chmod(fixture->folder, 0700);
    DIR *folder = opendir(fixture->folder);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", fixture->folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    if (folder != NULL)
        closedir(folder);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

struct wall fixture_minute(int64_t minute)
{
    return wall_add((struct wall){INT64_C(1764000000000000)}, span_seconds(minute * 60));
}

struct wall fixture_began(int64_t minute)
{
    return wall_add(fixture_minute(minute), span_ms(-250));
}

static uint32_t name_of(struct names *names, const char *text)
{
    return names_add(names, text, strlen(text));
}

static uint32_t port_of(struct forward_table *table, const char *name)
{
    uint32_t port = forward_table_find_port(table, name);
    if (port != FORWARD_NO_PORT)
        return port;
    struct forward_port made = {.name = name_of(table->names, name),
                                .descr = NAME_NONE,
                                .alias = NAME_NONE,
                                .if_index = 100 + (uint32_t)table->port_count,
                                .aggregate = (uint32_t)table->port_count};
    return forward_table_add_port(table, &made);
}

struct forward_table *fixture_table(const char *name, int64_t minute, bool whole,
                                    const struct fixture_row *rows, size_t count)
{
    struct forward_table *table = forward_table_new(name, "default");
    for (size_t i = 0; i < count; i++) {
        struct forward_row row = {
            .mac_status = forward_row_key((struct mac){rows[i].mac}, FORWARD_LEARNED),
            .port = rows[i].port == NULL ? FORWARD_NO_PORT : port_of(table, rows[i].port),
            .age = FORWARD_AGE_UNKNOWN};
        assert_int_equal(
            vlan_set_parse(table->vlans, rows[i].vlan, strlen(rows[i].vlan), &row.vlan), 0);
        assert_true(forward_table_add_row(table, row));
    }
    struct receipt receipt;
    receipt_init(&receipt);
    receipt_text(&receipt.source, "%s", name);
    receipt_text(&receipt.type, "snmp");
    receipt.asked = receipt.answered = 9;
    receipt.rows = count;
    receipt.whole = whole;
    if (!whole)
        receipt_text(&receipt.why_not, "no answer after 12 rows");
    receipt.ageing = span_seconds(300);
    receipt.started = fixture_began(minute);
    receipt.ended = fixture_minute(minute);
    forward_table_add_receipt(table, &receipt);
    receipt_done(&receipt);
    forward_table_finish(table);
    return table;
}

static void add_line(struct record_set *set, const struct record_layout *layout,
                     const struct run_state_words *words, const char *line, uint32_t number)
{
    struct record_value values[8];
    size_t count = 0, column;
    for (const char *at = line; at != NULL && count < ARRAY_COUNT(values);) {
        const char *comma = strchr(at, ',');
        values[count++] =
            (struct record_value){at, comma == NULL ? strlen(at) : (size_t)(comma - at)};
        at = comma == NULL ? NULL : comma + 1;
    }
    struct err err;
    if (record_add_row(set, layout, words, values, count, number, &column, &err) != 0)
        fail_msg("%s: %s", line, err.text);
}

static void add_lines(struct record_set *set, enum record_table table, const char *const *columns,
                      size_t column_count, const char *const *lines, size_t count)
{
    struct record_value header[8];
    for (size_t i = 0; i < column_count; i++)
        header[i] = (struct record_value){columns[i], strlen(columns[i])};
    struct record_layout *layout;
    struct err err;
    if (record_layout_new(table, header, column_count, &layout, &err) != 0)
        fail_msg("%s", err.text);
    struct run_state_words *words = run_state_words_new();
    for (size_t i = 0; i < count; i++)
        add_line(set, layout, words, lines[i], (uint32_t)i + 2);
    run_state_words_free(words);
    record_layout_free(layout);
    set->present[table] = true;
}

struct record_set *fixture_guests(const char *source, int64_t minute, const char *const *lines,
                                  size_t count)
{
    static const char *const columns[] = {"hypervisor", "guest", "mac", "run_state", "note"};
    struct record_set *set = record_set_new(source, fixture_minute(minute));
    add_lines(set, RECORD_GUESTS, columns, ARRAY_COUNT(columns), lines, count);
    return set;
}

void fixture_attachments(struct record_set *set, const char *const *lines, size_t count)
{
    static const char *const columns[] = {"hypervisor", "nic_mac", "switch", "port"};
    add_lines(set, RECORD_ATTACHMENTS, columns, ARRAY_COUNT(columns), lines, count);
}

uint64_t fixture_round(struct store *store, int64_t minute, struct forward_table *table,
                       struct record_set *set)
{
    struct err err = {0};
    uint64_t round = 0;
    if (store_round_begin(store, fixture_minute(minute), &round, &err) != 0 ||
        (table != NULL && store_round_table(store, table, &err) != 0) ||
        (set != NULL && store_round_records(store, set, NULL, &err) != 0) ||
        store_round_commit(store, fixture_minute(minute), fixture_minute(minute), &err) != 0)
        fail_msg("%s", err.text);
    forward_table_free(table);
    record_set_free(set);
    return round;
}

struct case_change fixture_case(uint64_t number, const struct discrepancy *discrepancy,
                                int64_t minute, bool opened)
{
    struct wall now = fixture_minute(minute);
    struct case_change change = {.record = {.number = number,
                                            .state = CASE_SUSPECTED,
                                            .state_at = now,
                                            .before = CASE_SUSPECTED,
                                            .ended_at = WALL_UNKNOWN,
                                            .discrepancy = discrepancy,
                                            .first = now,
                                            .last = now,
                                            .count = 1,
                                            .reported_at = WALL_UNKNOWN,
                                            .acknowledged_at = WALL_UNKNOWN},
                                 .judged = true,
                                 .has_event = opened,
                                 .event = {.case_number = number,
                                           .at = now,
                                           .kind = CASE_EVENT_OPENED,
                                           .from = CASE_CLOSED,
                                           .to = CASE_SUSPECTED,
                                           .who = "",
                                           .text = "because"}};
    return change;
}

struct store *fixture_open(const struct fixture *fixture, enum store_mode mode)
{
    struct store *store = NULL;
    struct err err = {0};
    if (store_open(fixture->path, mode, &store, &err) != 0)
        fail_msg("%s", err.text);
    return store;
}
