/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "store/memory.h"
#include "store/query.h"
#include "store/receipt_log.h"
#include "store/recorded.h"
#include "store/shape.h"
#include "store/sighting.h"

/* --- one switch's table --- */

/* A reading of a switch as stored. */
struct stored_reading {
    int64_t source_id, seq, round, shape_id;
    struct wall started, ended;
    bool whole, blind;
    struct span ageing;
    uint64_t rejected;
    uint8_t *ages;
    size_t age_count;
};

static struct stored_reading take_reading(const struct cell *row, int64_t round,
                                          struct arena *arena)
{
    struct stored_reading reading = {.source_id = row[0].integer,
                                     .seq = row[1].integer,
                                     .round = round,
                                     .started = {row[2].integer},
                                     .ended = {row[3].integer},
                                     .whole = row[4].integer != 0,
                                     .blind = row[5].integer != 0,
                                     .ageing = span_us(row[6].integer),
                                     .rejected = (uint64_t)row[7].integer,
                                     .shape_id = row[8].integer};
    if (row[9].type == CELL_BLOB && row[9].length > 0) {
        reading.ages = arena_alloc(arena, row[9].length);
        memcpy(reading.ages, row[9].bytes, row[9].length);
        reading.age_count = row[9].length / 2;
    }
    return reading;
}

/* A table on its way out of the store. */
struct outtake {
    struct store *store;
    const struct stored_reading *reading;
    struct forward_table *table;
    struct sighting_keys keys;
    struct map ports, vlans; /* the store's numbers -> those of the table */
};

static int find_port(struct outtake *outtake, uint32_t id, uint32_t *ret, struct err *err)
{
    *ret = FORWARD_NO_PORT;
    if (id == 0)
        return 0;
    uint32_t known = map_find(&outtake->ports, id);
    if (known != MAP_NO_VALUE) {
        *ret = known;
        return 0;
    }
    const char *text;
    int failed = store_name_text(outtake->store, id, &text, err);
    if (failed != 0)
        return failed;
    const struct forward_table *table = outtake->table;
    uint32_t name = names_find(table->names, text, strlen(text)), port = 0;
    while (port < table->port_count && table->ports[port].name != name)
        port++;
    if (port == table->port_count)
        return store_damaged(outtake->store, err, "switch %s has no port %s", table->switch_name,
                             text);
    map_put(&outtake->ports, id, port);
    *ret = port;
    return 0;
}

/* Reads "10|20" or "trunk"; numbers may be larger than a VLAN id (VXLAN). */
static bool parse_vlans(struct vlan_pool *pool, const char *text, vlan_set *ret)
{
    if (vlan_set_parse(pool, text, strlen(text), ret) == 0)
        return true;
    uint32_t vlans[LIMIT_VLANS_PER_SET];
    size_t count = 0;
    for (const char *at = text; count < LIMIT_VLANS_PER_SET;) {
        char *end;
        unsigned long vlan = strtoul(at, &end, 10);
        if (end == at || vlan > 0xffffff || (*end != '|' && *end != '\0'))
            return false;
        vlans[count++] = (uint32_t)vlan;
        if (*end == '\0') {
            *ret = vlan_pool_add(pool, vlans, count);
            return true;
        }
        at = end + 1;
    }
    return false;
}

static int find_vlan(struct outtake *outtake, uint32_t id, vlan_set *ret, struct err *err)
{
    *ret = VLAN_SET_UNKNOWN;
    if (id == 0)
        return 0;
    uint32_t known = map_find(&outtake->vlans, id);
    if (known != MAP_NO_VALUE) {
        *ret = (vlan_set)known;
        return 0;
    }
    const char *text;
    int failed = store_name_text(outtake->store, id, &text, err);
    if (failed != 0)
        return failed;
    if (!parse_vlans(outtake->table->vlans, text, ret))
        return store_damaged(outtake->store, err, "a VLAN of switch %s",
                             outtake->table->switch_name);
    map_put(&outtake->vlans, id, *ret);
    return 0;
}

static int add_row(struct outtake *outtake, const struct sighting_key *key, struct err *err)
{
    if (key->mac > UINT64_C(0xffffffffffff) || key->status > FORWARD_MGMT)
        return store_damaged(outtake->store, err, "a row of switch %s",
                             outtake->table->switch_name);
    struct forward_row row = {
        .mac_status = forward_row_key((struct mac){key->mac}, (enum forward_status)key->status),
        .age = (uint16_t)key->age};
    int failed = find_port(outtake, key->port, &row.port, err);
    if (failed == 0)
        failed = find_vlan(outtake, key->vlan, &row.vlan, err);
    if (failed == 0)
        forward_table_add_row(outtake->table, row);
    return failed;
}

static int fill_rows(struct outtake *outtake, struct err *err)
{
    const struct stored_reading *reading = outtake->reading;
    if (reading->blind)
        return 0;
    int failed =
        sighting_keys_load(outtake->store, reading->source_id, reading->seq, &outtake->keys, err);
    struct sighting_keys *keys = &outtake->keys;
    bool aged = reading->age_count == keys->count;
    for (size_t i = 0; failed == 0 && i < keys->count; i++) {
        if (aged)
            keys->items[i].age = (uint32_t)reading->ages[2 * i] | (uint32_t)reading->ages[2 * i + 1]
                                                                      << 8;
        failed = add_row(outtake, &keys->items[i], err);
    }
    return failed;
}

static int fill_shape(struct outtake *outtake, struct err *err)
{
    struct store *store = outtake->store;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer(outtake->reading->shape_id)};
    int result = store_one(store, SQL_SHAPE_GET, key, 1, row, err);
    char *content = result == 1 ? alloc_text(row[0].bytes) : NULL;
    store_stop(store, SQL_SHAPE_GET);
    if (result == 1)
        result = shape_parse(store, content, outtake->table, err);
    else if (result == 0)
        result =
            store_damaged(store, err, "the ports of %s are missing", outtake->table->switch_name);
    free(content);
    return result;
}

static int fill_receipts(struct outtake *outtake, struct err *err)
{
    struct receipt *receipts = NULL;
    size_t count = 0;
    const struct stored_reading *reading = outtake->reading;
    int failed = receipt_log_load(outtake->store, (uint64_t)reading->round, reading->source_id,
                                  &receipts, &count, err);
    if (failed != 0)
        return failed;
    for (size_t i = 0; i < count; i++)
        forward_table_add_receipt(outtake->table, &receipts[i]);
    store_receipts_free(receipts, count);
    return 0;
}

static int build_table(struct store *store, const struct stored_reading *reading,
                       struct forward_table **ret, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer(reading->source_id)};
    int result = store_one(store, SQL_SOURCE_GET, key, 1, row, err);
    struct outtake outtake = {.store = store, .reading = reading};
    if (result == 1)
        outtake.table = forward_table_new(row[2].bytes, row[1].bytes);
    store_stop(store, SQL_SOURCE_GET);
    if (result != 1)
        return result < 0 ? result : store_damaged(store, err, "a switch is missing");
    int failed = fill_shape(&outtake, err);
    if (failed == 0)
        failed = fill_rows(&outtake, err);
    if (failed == 0)
        failed = fill_receipts(&outtake, err);
    sighting_keys_done(&outtake.keys);
    map_done(&outtake.ports);
    map_done(&outtake.vlans);
    if (failed != 0) {
        forward_table_free(outtake.table);
        return failed;
    }
    forward_table_finish(outtake.table);
    outtake.table->whole = reading->whole;
    outtake.table->started = reading->started;
    outtake.table->ended = reading->ended;
    outtake.table->ageing = reading->ageing;
    outtake.table->rejected_rows = reading->rejected;
    *ret = outtake.table;
    return 0;
}

/* --- the world --- */

struct gathering {
    struct store *store;
    struct store_world *world;
    struct stored_reading *readings;
    size_t reading_count, reading_capacity;
};

static int find_readings(struct gathering *gathering, struct err *err)
{
    struct store *store = gathering->store;
    int64_t round = (int64_t)gathering->world->round.number;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer(round)};
    int result = store_start(store, SQL_READINGS_OF_ROUND, key, 1, err);
    if (result == 0)
        result = store_step(store, SQL_READINGS_OF_ROUND, row, err);
    while (result == 1) {
        gathering->readings = alloc_grow(gathering->readings, gathering->reading_count,
                                         &gathering->reading_capacity, sizeof *gathering->readings);
        gathering->readings[gathering->reading_count++] =
            take_reading(row, round, gathering->world->arena);
        result = store_step(store, SQL_READINGS_OF_ROUND, row, err);
    }
    return result;
}

static bool was_read(const struct gathering *gathering, int64_t source_id)
{
    for (size_t i = 0; i < gathering->reading_count; i++)
        if (gathering->readings[i].source_id == source_id && !gathering->readings[i].blind)
            return true;
    return false;
}

static void drop_blind(struct gathering *gathering, int64_t source_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < gathering->reading_count; i++)
        if (gathering->readings[i].source_id != source_id)
            gathering->readings[kept++] = gathering->readings[i];
    gathering->reading_count = kept;
}

/* Of each switch that the round did not read, the latest reading before. */
static int add_last_known(struct gathering *gathering, struct err *err)
{
    struct store *store = gathering->store;
    int64_t *ids = NULL;
    size_t count = 0;
    int result = seen_switches(store, &ids, &count, err);
    for (size_t i = 0; result == 0 && i < count; i++) {
        if (was_read(gathering, ids[i]))
            continue;
        struct cell row[STORE_COLUMNS_MAX];
        const struct cell key[] = {cell_integer(ids[i]),
                                   cell_integer((int64_t)gathering->world->round.number)};
        result = store_one(store, SQL_READING_LATEST, key, 2, row, err);
        if (result == 1) {
            drop_blind(gathering, ids[i]);
            gathering->readings =
                alloc_grow(gathering->readings, gathering->reading_count,
                           &gathering->reading_capacity, sizeof *gathering->readings);
            gathering->readings[gathering->reading_count++] =
                take_reading(row, row[10].integer, gathering->world->arena);
            result = 0;
        }
        store_stop(store, SQL_READING_LATEST);
    }
    free(ids);
    return result;
}

static int load_tables(struct gathering *gathering, enum store_world_tables tables, struct err *err)
{
    if (tables == STORE_TABLES_NONE)
        return 0;
    int failed = find_readings(gathering, err);
    if (failed == 0 && tables == STORE_TABLES_LAST_KNOWN)
        failed = add_last_known(gathering, err);
    if (failed != 0)
        return failed;
    struct store_world *world = gathering->world;
    world->tables = alloc_zeroed(gathering->reading_count + 1, sizeof *world->tables);
    for (size_t i = 0; failed == 0 && i < gathering->reading_count; i++) {
        failed = build_table(gathering->store, &gathering->readings[i],
                             &world->tables[world->table_count], err);
        world->table_count += failed == 0;
    }
    return failed;
}

static int load_records(struct gathering *gathering, struct err *err)
{
    struct store *store = gathering->store;
    struct store_world *world = gathering->world;
    int64_t(*uses)[2] = NULL;
    size_t count = 0, capacity = 0;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer((int64_t)world->round.number)};
    int result = store_start(store, SQL_RECORD_USES, key, 1, err);
    if (result == 0)
        result = store_step(store, SQL_RECORD_USES, row, err);
    while (result == 1) {
        uses = alloc_grow(uses, count, &capacity, sizeof *uses);
        uses[count][0] = row[0].integer;
        uses[count++][1] = row[1].integer;
        result = store_step(store, SQL_RECORD_USES, row, err);
    }
    world->records = alloc_zeroed(count + 1, sizeof *world->records);
    for (size_t i = 0; result == 0 && i < count; i++) {
        result = recorded_load(store, uses[i][0], uses[i][1], &world->records[i], NULL, err);
        world->record_count += result == 0;
    }
    free(uses);
    return result;
}

static int load_failures(struct gathering *gathering, struct err *err)
{
    struct store *store = gathering->store;
    struct store_world *world = gathering->world;
    struct failed_source *failures = NULL;
    size_t count = 0, capacity = 0;
    int64_t round = (int64_t)world->round.number;
    struct cell row[STORE_COLUMNS_MAX];
    const struct cell key[] = {cell_integer(round)};
    int result = store_start(store, SQL_FAILURES, key, 1, err);
    if (result == 0)
        result = store_step(store, SQL_FAILURES, row, err);
    while (result == 1) {
        int64_t since = row[3].integer >= 1 && row[3].integer <= round ? row[3].integer : round;
        failures = alloc_grow(failures, count, &capacity, sizeof *failures);
        failures[count++] =
            (struct failed_source){.source = cell_to_text(&row[1], world->arena),
                                   .switch_name = cell_to_text(&row[2], world->arena),
                                   .site = cell_to_text(&row[5], world->arena),
                                   .why = cell_to_text(&row[4], world->arena),
                                   .rounds = (unsigned)(round - since + 1),
                                   .hears = row[0].integer == STORE_KIND_EVENT};
        result = store_step(store, SQL_FAILURES, row, err);
    }
    if (count > 0) {
        struct failed_source *kept = arena_alloc(world->arena, count * sizeof *kept);
        memcpy(kept, failures, count * sizeof *kept);
        world->failed = kept;
        world->failed_count = count;
    }
    free(failures);
    return result;
}

static int find_round(struct store *store, enum statement statement, const struct cell *key,
                      struct store_round *ret, struct err *err)
{
    struct cell row[STORE_COLUMNS_MAX];
    int result = store_one(store, statement, key, key == NULL ? 0 : 1, row, err);
    if (result == 1)
        *ret = (struct store_round){
            .number = (uint64_t)row[0].integer,
            .started = {row[1].integer},
            .judged = {row[2].integer},
            .ended = {row[3].integer},
            .gap_rounds =
                row[4].integer >= 1 && row[4].integer < UINT32_MAX ? (unsigned)row[4].integer : 1,
            .heard = row[5].integer != 0,
            .told = cell_to_wall(&row[6]),
            .told_next =
                row[7].type == CELL_INTEGER && row[7].integer > 0 ? (uint64_t)row[7].integer : 0};
    store_stop(store, statement);
    if (result == 0)
        return err_set(err, ERR_NOT_FOUND, "%s: %s", store->path,
                       key == NULL ? "no round is stored yet" : "no round of that time is stored");
    return result < 0 ? result : 0;
}

int store_find_round(struct store *store, struct wall at, struct store_round *ret, struct err *err)
{
    const struct cell key = cell_wall(at);
    if (!wall_known(at))
        return find_round(store, SQL_ROUND_LAST, NULL, ret, err);
    return find_round(store, SQL_ROUND_AT, &key, ret, err);
}

static struct span ageing_horizon(const struct store_world *world)
{
    int64_t largest = FORWARD_DEFAULT_AGEING.us;
    for (size_t i = 0; i < world->table_count; i++)
        if (world->tables[i]->ageing.us > largest)
            largest = world->tables[i]->ageing.us;
    return span_us(largest > INT64_MAX / 4 ? largest : 2 * largest);
}

static int load_world(struct gathering *gathering, uint64_t round, enum store_world_tables tables,
                      const struct store_memory_query *query, struct err *err)
{
    struct store *store = gathering->store;
    struct store_world *world = gathering->world;
    const struct cell key = cell_integer((int64_t)round);
    int failed = find_round(store, round == 0 ? SQL_ROUND_LAST : SQL_ROUND_GET,
                            round == 0 ? NULL : &key, &world->round, err);
    if (failed == 0)
        failed = load_records(gathering, err);
    if (failed == 0)
        failed = load_tables(gathering, tables, err);
    if (failed == 0)
        failed = load_failures(gathering, err);
    if (failed != 0)
        return failed;
    struct store_memory_query before = *query;
    before.now = world->round.judged;
    if (before.horizon.us <= 0)
        before.horizon = ageing_horizon(world);
    before.tables = (const struct forward_table *const *)world->tables;
    before.table_count = world->table_count;
    return memory_load(store, world->round.number - 1, &before, world->arena, &world->memory, err);
}

int store_world_load(struct store *store, uint64_t round, enum store_world_tables tables,
                     const struct store_memory_query *query, struct store_world **ret,
                     struct err *err)
{
    struct gathering gathering = {.store = store,
                                  .world = alloc_zeroed(1, sizeof(struct store_world))};
    gathering.world->arena = arena_new();
    int failed = load_world(&gathering, round, tables, query, err);
    free(gathering.readings);
    if (failed != 0) {
        store_world_free(gathering.world);
        return failed;
    }
    *ret = gathering.world;
    return 0;
}

void store_world_free(struct store_world *world)
{
    if (world == NULL)
        return;
    for (size_t i = 0; i < world->record_count; i++)
        record_set_free(world->records[i]);
    free(world->records);
    for (size_t i = 0; i < world->table_count; i++)
        forward_table_free(world->tables[i]);
    free(world->tables);
    arena_free(world->arena);
    free(world);
}
