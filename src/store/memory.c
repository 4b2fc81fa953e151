/* SPDX-License-Identifier: Apache-2.0 */
#include "store/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/sighting.h"

/* What is gathered on the way. */
struct recall {
    struct store *store;
    struct arena *arena;
    struct seen_sources sources;
    struct wall since; /* the horizon's beginning */
    struct wall now;   /* what events found later does not stand yet */
    struct map chosen; /* addresses whose intervals are wanted */
    uint64_t *macs;
    size_t mac_count, mac_capacity;
    struct seen_row *rows;
    size_t row_count, row_capacity;
};

static void choose(struct recall *recall, uint64_t mac)
{
    if (mac >= MAC_NONE.bits || map_find(&recall->chosen, mac) != MAP_NO_VALUE)
        return;
    recall->macs =
        alloc_grow(recall->macs, recall->mac_count, &recall->mac_capacity, sizeof *recall->macs);
    map_put(&recall->chosen, mac, (uint32_t)recall->mac_count);
    recall->macs[recall->mac_count++] = mac;
}

/* Addresses that came within the horizon, other than with a switch's first
 * reading, which says nothing of when they came. */
static int choose_begun(struct recall *recall, struct err *err)
{
    struct store *store = recall->store;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_wall(recall->since)};
    int result = store_start(store, SQL_MACS_BEGUN, key, 1, err);
    if (result == 0)
        result = store_step(store, SQL_MACS_BEGUN, row, err);
    while (result == 1) {
        const struct seen_source *source;
        int failed = seen_sources_find(&recall->sources, row[0].integer, &source, err);
        if (failed != 0) {
            store_stop(store, SQL_MACS_BEGUN);
            return failed;
        }
        if (row[2].integer <= source->seq)
            choose(recall, (uint64_t)row[1].integer);
        result = store_step(store, SQL_MACS_BEGUN, row, err);
    }
    return result;
}

/* Addresses that left within the horizon; and of a replay those that came within
 * it and have left since. */
static int choose_ended(struct recall *recall, struct err *err)
{
    struct store *store = recall->store;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_wall(recall->since)};
    int result = store_start(store, SQL_MACS_ENDED, key, 1, err);
    if (result == 0)
        result = store_step(store, SQL_MACS_ENDED, row, err);
    while (result == 1) {
        const struct seen_source *source;
        int failed = seen_sources_find(&recall->sources, row[0].integer, &source, err);
        if (failed != 0) {
            store_stop(store, SQL_MACS_ENDED);
            return failed;
        }
        int64_t first_seq = row[2].integer, last_seq = row[4].integer;
        bool ended = last_seq < source->seq;
        bool begun = first_seq > 1 && row[3].integer >= recall->since.us;
        if (first_seq <= source->seq && (ended || begun))
            choose(recall, (uint64_t)row[1].integer);
        result = store_step(store, SQL_MACS_ENDED, row, err);
    }
    return result;
}

/* Addresses that this round's table of a switch shows where its reading before
 * did not, or no longer shows there. */
static int choose_moved(struct recall *recall, const struct forward_table *table, struct err *err)
{
    struct source_row source;
    int found = store_source(recall->store, STORE_KIND_OBSERVED, table->site, table->switch_name,
                             false, &source, err);
    const struct seen_source *seen;
    int failed = found == 1 ? seen_sources_find(&recall->sources, source.id, &seen, err) : found;
    if (found != 1 || failed != 0 || seen->seq == 0)
        return failed;
    struct sighting_keys now = {0}, before = {0};
    int64_t id = source.id, seq = seen->seq;
    failed = sighting_keys_make(recall->store, table, false, &now, err);
    bool same = failed == 0 && seq == source.seq && now.digest_a == source.digest_a &&
                now.digest_b == source.digest_b;
    if (failed == 0 && !same)
        failed = sighting_keys_load(recall->store, id, seq, &before, err);
    if (failed == 0 && !same) {
        sighting_keys_sort(&now);
        for (size_t i = 0, j = 0; i < now.count || j < before.count;) {
            int order = i == now.count ? 1 : j == before.count ? -1 : 0;
            if (order == 0)
                order = sighting_compare(&now.items[i], &before.items[j]);
            if (order != 0)
                choose(recall, order < 0 ? now.items[i].mac : before.items[j].mac);
            i += order <= 0;
            j += order >= 0;
        }
    }
    sighting_keys_done(&now);
    sighting_keys_done(&before);
    return failed;
}

static int choose_first(struct recall *recall, enum statement statement, int64_t id, int64_t seq,
                        uint64_t *lowest, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer(id), cell_integer(seq)};
    int result = store_one(recall->store, statement, key, 2, row, err);
    if (result == 1 && row[0].type == CELL_INTEGER && (uint64_t)row[0].integer < *lowest)
        *lowest = (uint64_t)row[0].integer;
    store_stop(recall->store, statement);
    return result < 0 ? result : 0;
}

/* One address of each switch's latest reading, so that the memory tells when that
 * was although it does not hold the rows that did not change. */
static int choose_witnesses(struct recall *recall, struct err *err)
{
    struct store *store = recall->store;
    int64_t *ids = NULL;
    size_t count = 0;
    int failed = seen_switches(store, &ids, &count, err);
    for (size_t i = 0; failed == 0 && i < count; i++) {
        const struct seen_source *source;
        uint64_t lowest = MAC_NONE.bits;
        failed = seen_sources_find(&recall->sources, ids[i], &source, err);
        if (failed != 0 || source->seq == 0)
            continue;
        int64_t seq = source->seq;
        failed = choose_first(recall, SQL_WITNESS, ids[i], seq, &lowest, err);
        if (failed == 0)
            failed = choose_first(recall, SQL_WITNESS_PAST, ids[i], seq, &lowest, err);
        choose(recall, lowest);
    }
    free(ids);
    return failed;
}

static uint64_t read_mac(const uint8_t *octets)
{
    uint64_t mac = 0;
    for (int i = 7; i >= 0; i--)
        mac = mac << 8 | octets[i];
    return mac;
}

/* Discrepancies that stand, and their addresses. */
static int load_opens(struct recall *recall, struct memory *memory, struct err *err)
{
    struct store *store = recall->store;
    struct open_since *opens = NULL;
    size_t count = 0, capacity = 0;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer((int64_t)recall->sources.round),
                               cell_wall(recall->now)};
    int result = store_start(store, SQL_STANDING_AT, key, 2, err);
    if (result == 0)
        result = store_step(store, SQL_STANDING_AT, row, err);
    while (result == 1) {
        opens = alloc_grow(opens, count, &capacity, sizeof *opens);
        opens[count++] = (struct open_since){.identity = cell_to_text(&row[0], recall->arena),
                                             .first = {row[1].integer}};
        for (size_t at = 0; at + 8 <= row[2].length; at += 8)
            choose(recall, read_mac((const uint8_t *)row[2].bytes + at));
        result = store_step(store, SQL_STANDING_AT, row, err);
    }
    if (count > 0) {
        struct open_since *kept = arena_alloc(recall->arena, count * sizeof *kept);
        memcpy(kept, opens, count * sizeof *kept);
        memory->opens = kept;
        memory->open_count = count;
    }
    free(opens);
    return result;
}

static int load_offs(struct recall *recall, struct memory *memory, struct err *err)
{
    struct store *store = recall->store;
    struct off_since *offs = NULL;
    size_t count = 0, capacity = 0;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer((int64_t)recall->sources.round)};
    int result = store_start(store, SQL_OFF_AT, key, 1, err);
    if (result == 0)
        result = store_step(store, SQL_OFF_AT, row, err);
    while (result == 1) {
        offs = alloc_grow(offs, count, &capacity, sizeof *offs);
        offs[count++] = (struct off_since){.guest_identity = cell_to_text(&row[0], recall->arena),
                                           .first_read = {row[1].integer}};
        result = store_step(store, SQL_OFF_AT, row, err);
    }
    if (count > 0) {
        struct off_since *kept = arena_alloc(recall->arena, count * sizeof *kept);
        memcpy(kept, offs, count * sizeof *kept);
        memory->offs = kept;
        memory->off_count = count;
    }
    free(offs);
    return result;
}

/* Rows that say where a station is: not the switch's own, not without a port. */
static bool is_place(const struct seen_row *row)
{
    return row->port != 0 && row->status != FORWARD_INVALID && row->status != FORWARD_SELF &&
           row->status != FORWARD_MGMT;
}

static int compare_intervals(const void *a, const void *b)
{
    const struct seen_interval *x = a, *y = b;
    if (x->mac.bits != y->mac.bits)
        return x->mac.bits < y->mac.bits ? -1 : 1;
    if (x->first.us != y->first.us)
        return x->first.us < y->first.us ? -1 : 1;
    int order = strcmp(x->site, y->site);
    if (order == 0)
        order = strcmp(x->switch_name, y->switch_name);
    if (order == 0)
        order = strcmp(x->port, y->port);
    if (order == 0)
        order = strcmp(x->vlan, y->vlan);
    return order != 0 ? order : (x->last.us > y->last.us) - (x->last.us < y->last.us);
}

static int make_interval(struct recall *recall, const struct seen_row *row,
                         struct seen_interval *ret, struct err *err)
{
    const struct seen_source *source;
    const char *port, *vlan;
    int failed = seen_sources_find(&recall->sources, row->source_id, &source, err);
    if (failed == 0)
        failed = store_name_text(recall->store, row->port, &port, err);
    if (failed == 0)
        failed = store_name_text(recall->store, row->vlan, &vlan, err);
    if (failed != 0)
        return failed;
    *ret = (struct seen_interval){
        .mac = {row->mac},
        .site = source->site,
        .switch_name = source->name,
        .port = arena_text(recall->arena, port, strlen(port)),
        .vlan = arena_text(recall->arena, vlan, strlen(vlan)),
        .first = row->begun,
        .last = row->last,
        .reads = seen_row_reads(row),
    };
    return 0;
}

static int compare_macs(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int load_intervals(struct recall *recall, struct memory *memory, struct err *err)
{
    int failed = 0;
    if (recall->mac_count > 0) /* in the order of the store's index: its pages are read once */
        qsort(recall->macs, recall->mac_count, sizeof *recall->macs, compare_macs);
    for (size_t i = 0; failed == 0 && i < recall->mac_count; i++)
        failed = seen_rows_of_mac(&recall->sources, recall->macs[i], recall->since, &recall->rows,
                                  &recall->row_count, &recall->row_capacity, err);
    if (failed != 0)
        return failed;
    struct seen_interval *intervals =
        arena_alloc(recall->arena, (recall->row_count + 1) * sizeof *intervals);
    size_t count = 0;
    for (size_t i = 0; i < recall->row_count; i++) {
        if (!is_place(&recall->rows[i]))
            continue;
        failed = make_interval(recall, &recall->rows[i], &intervals[count], err);
        if (failed != 0)
            return failed;
        count++;
    }
    qsort(intervals, count, sizeof *intervals, compare_intervals);
    memory->intervals = intervals;
    memory->interval_count = count;
    return 0;
}

int memory_load(struct store *store, uint64_t round, const struct store_memory_query *query,
                struct arena *arena, struct memory *ret, struct err *err)
{
    struct memory memory = {0};
    if (round == 0) {
        *ret = memory;
        return 0;
    }
    struct wall since = WALL_UNKNOWN; /* everything */
    if (wall_known(query->now) && query->now.us > INT64_MIN / 2 && query->horizon.us >= 0)
        since = wall_add(query->now, span_us(-query->horizon.us));
    struct recall recall = {.store = store,
                            .arena = arena,
                            .since = since,
                            .now = wall_known(query->now) ? query->now : (struct wall){INT64_MAX},
                            .chosen = MAP_EMPTY};
    seen_sources_init(&recall.sources, store, round, arena);
    for (size_t i = 0; i < query->mac_count; i++)
        choose(&recall, query->macs[i].bits);
    int failed = choose_witnesses(&recall, err);
    for (size_t i = 0; failed == 0 && i < query->table_count; i++)
        failed = choose_moved(&recall, query->tables[i], err);
    if (failed == 0)
        failed = choose_begun(&recall, err);
    if (failed == 0)
        failed = choose_ended(&recall, err);
    if (failed == 0)
        failed = load_opens(&recall, &memory, err);
    if (failed == 0)
        failed = load_offs(&recall, &memory, err);
    if (failed == 0)
        failed = load_intervals(&recall, &memory, err);
    seen_sources_done(&recall.sources);
    map_done(&recall.chosen);
    free(recall.macs);
    free(recall.rows);
    if (failed == 0)
        *ret = memory;
    return failed;
}

/* The last round that was committed, 0 when there is none. */
static int find_last_round(struct store *store, uint64_t *ret, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, SQL_ROUND_LAST, NULL, 0, row, err);
    *ret = result == 1 ? (uint64_t)row[0].integer : 0;
    store_stop(store, SQL_ROUND_LAST);
    return result < 0 ? result : 0;
}

int store_load_memory(struct store *store, const struct store_memory_query *query,
                      struct arena *arena, struct memory *ret, struct err *err)
{
    uint64_t round = query->round;
    int failed = store_read_begin(store, err);
    if (failed != 0)
        return failed;
    if (round == 0)
        failed = find_last_round(store, &round, err);
    if (failed == 0)
        failed = memory_load(store, round, query, arena, ret, err);
    return store_read_end(store, failed, err);
}
