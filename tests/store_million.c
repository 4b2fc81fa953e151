/* SPDX-License-Identifier: Apache-2.0 */

/* usage: store_million [ROWS [FOLDER]]
 *
 * What remembering costs: a switch's table and an inventory of ROWS rows each are
 * stored, stored again unchanged, with a thousandth changed, and loaded back.
 * Prints seconds and bytes; fails when an unchanged round costs more than its
 * receipts, which is what "delta-coded" promises. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/query.h"

enum { PORTS = 48, UNCHANGED_BYTES = 64 * 1024 };

static const struct wall noon = {INT64_C(1764000000000000)};

static void give_up(const char *what, const char *detail)
{
    fprintf(stderr, "store_million: %s: %s\n", what, detail);
    exit(1);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Addresses in no order, as a hash table in a switch gives them. */
static uint64_t address(uint64_t row, uint64_t changed)
{
    uint64_t mixed = (row * UINT64_C(0x9e3779b97f4a7c15)) >> 24;
    return UINT64_C(0x520000000000) | ((mixed ^ (row < changed ? 0xabcdef : 0)) & 0xffffffffff);
}

static struct forward_table *make_table(uint64_t rows, uint64_t changed)
{
    struct forward_table *table = forward_table_new("sw1", "default");
    for (uint32_t i = 0; i < PORTS; i++) {
        char name[16];
        int length = snprintf(name, sizeof name, "Gi1/0/%u", i);
        struct forward_port port = {.name = names_add(table->names, name, (size_t)length),
                                    .descr = NAME_NONE,
                                    .alias = NAME_NONE,
                                    .aggregate = i};
        forward_table_add_port(table, &port);
    }
    const uint32_t vlan = 10;
    vlan_set ten = vlan_pool_add(table->vlans, &vlan, 1);
    for (uint64_t i = 0; i < rows; i++)
        forward_table_add_row(
            table, (struct forward_row){.mac_status = forward_row_key(
                                            (struct mac){address(i, changed)}, FORWARD_LEARNED),
                                        .port = (uint32_t)(i % PORTS),
                                        .vlan = ten,
                                        .age = FORWARD_AGE_UNKNOWN});
    struct receipt receipt;
    receipt_init(&receipt);
    receipt_text(&receipt.source, "sw1");
    receipt_text(&receipt.type, "snmp");
    receipt.whole = true;
    receipt.started = receipt.ended = noon;
    forward_table_add_receipt(table, &receipt);
    receipt_done(&receipt);
    forward_table_finish(table);
    return table;
}

static struct record_set *make_records(uint64_t rows, uint64_t changed)
{
    static const char *const columns[] = {"hypervisor", "guest", "mac", "run_state"};
    struct record_value header[4];
    for (size_t i = 0; i < 4; i++)
        header[i] = (struct record_value){columns[i], strlen(columns[i])};
    struct record_set *set = record_set_new("csv guests.csv", noon);
    struct record_layout *layout;
    struct run_state_words *words = run_state_words_new();
    struct err err = {0};
    if (record_layout_new(RECORD_GUESTS, header, 4, &layout, &err) != 0)
        give_up("layout", err.text);
    for (uint64_t i = 0; i < rows; i++) {
        char texts[4][32];
        snprintf(texts[0], 32, "hv%llu", (unsigned long long)(i / 40));
        snprintf(texts[1], 32, "guest%llu", (unsigned long long)i);
        mac_format((struct mac){address(i, 0)}, texts[2]);
        snprintf(texts[3], 32, "%s", i < changed ? "off" : "on");
        struct record_value values[4];
        for (size_t v = 0; v < 4; v++)
            values[v] = (struct record_value){texts[v], strlen(texts[v])};
        size_t column;
        if (record_add_row(set, layout, words, values, 4, (uint32_t)i, &column, &err) != 0)
            give_up("row", err.text);
    }
    set->present[RECORD_GUESTS] = true;
    record_set_finish(set);
    record_layout_free(layout);
    run_state_words_free(words);
    return set;
}

/* One round; returns by how many bytes the file grew. */
static int64_t store_round_of(struct store *store, const char *what, int minute,
                              const struct forward_table *table, const struct record_set *set)
{
    struct store_size before, after;
    struct err err = {0};
    uint64_t round;
    if (store_measure(store, &before, &err) != 0)
        give_up(what, err.text);
    double begun = seconds();
    if (store_round_begin(store, wall_add(noon, span_seconds(minute * 60)), &round, &err) != 0 ||
        store_round_table(store, table, &err) != 0)
        give_up(what, err.text);
    double stored = seconds();
    if (store_round_records(store, set, NULL, &err) != 0)
        give_up(what, err.text);
    double recorded = seconds();
    if (store_round_commit(store, noon, noon, &err) != 0)
        give_up(what, err.text);
    double committed = seconds();
    if (store_measure(store, &after, &err) != 0)
        give_up(what, err.text);
    int64_t grown = (int64_t)(after.file_bytes - before.file_bytes);
    printf("%-22s table %6.3f s  records %6.3f s  commit %6.3f s  %+11lld bytes\n", what,
           stored - begun, recorded - stored, committed - recorded, (long long)grown);
    return grown;
}

static void load_back(struct store *store, uint64_t rows)
{
    struct store_world *world = NULL;
    struct arena *arena = arena_new();
    struct memory memory;
    struct err err = {0};
    struct store_memory_query query = {.now = wall_add(noon, span_seconds(600)),
                                       .horizon = span_seconds(600)};
    double begun = seconds();
    if (store_load_memory(store, &query, arena, &memory, &err) != 0)
        give_up("memory", err.text);
    double remembered = seconds();
    if (store_world_load(store, 0, STORE_TABLES_OF_ROUND, &query, &world, &err) != 0)
        give_up("world", err.text);
    double loaded = seconds();
    const struct mac mac = {address(rows / 2, 0)};
    const struct history_query question = {
        .macs = &mac, .mac_count = 1, .guest = "guest7", .from = WALL_UNKNOWN, .to = WALL_UNKNOWN};
    const struct history_entry *entries;
    size_t count = 0;
    if (store_load_history(store, &question, arena, &entries, &count, &err) != 0)
        give_up("history", err.text);
    printf("memory %.3f s (%zu intervals)  world %.3f s (%zu + %zu rows)  history %.3f s (%zu)\n",
           remembered - begun, memory.interval_count, loaded - remembered,
           world->tables[0]->row_count, world->records[0]->nics.count, seconds() - loaded, count);
    if (world->tables[0]->row_count != rows || world->records[0]->nics.count != rows)
        give_up("world", "rows are missing");
    store_world_free(world);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    AUTO_TEXT struct text folder = TEXT_EMPTY;
    text_printf(&folder, "%s/muster-million-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (mkdtemp(folder.data) == NULL)
        give_up(text_get(&folder), strerror(errno));
    AUTO_TEXT struct text path = TEXT_EMPTY;
    text_printf(&path, "%s/muster.db", text_get(&folder));
    struct store *store = NULL;
    struct err err = {0};
    if (store_open(text_get(&path), STORE_WRITE, &store, &err) != 0)
        give_up("opening", err.text);
    struct forward_table *table = make_table(rows, 0), *moved = make_table(rows, rows / 1000);
    struct record_set *set = make_records(rows, 0), *changed = make_records(rows, rows / 1000);
    store_round_of(store, "first", 0, table, set);
    int64_t unchanged = 0;
    for (int i = 1; i <= 3; i++)
        unchanged += store_round_of(store, "unchanged", i, table, set);
    store_round_of(store, "a thousandth changed", 4, moved, changed);
    load_back(store, rows);
    forward_table_free(table);
    forward_table_free(moved);
    record_set_free(set);
    record_set_free(changed);
    store_close(store);
    static const char *const ends[] = {"", ".lock"};
    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        AUTO_TEXT struct text file = TEXT_EMPTY;
        text_printf(&file, "%s%s", text_get(&path), ends[i]);
        unlink(text_get(&file));
    }
    rmdir(text_get(&folder));
    return unchanged <= UNCHANGED_BYTES ? 0 : 1;
}
