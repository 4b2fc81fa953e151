/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "random_world.h"

/* Judges random worlds by the sweep and by the naive oracle (oracle.sql), and says where
 * they differ. Usage: oracle_test ORACLE.SQL [WORLDS [FIRST-SEED]]; the environment's
 * MUSTER_SOAK_WORLDS goes before WORLDS. */

static void fatal(sqlite3 *db, const char *what)
{
    fprintf(stderr, "oracle_test: %s: %s\n", what, sqlite3_errmsg(db));
    exit(2);
}

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fatal(db, "running SQL");
}

/* Inserts one row; `format` has a letter a value: t text, i integer, d number, n null. */
static void insert(sqlite3 *db, const char *table, const char *format, ...)
{
    AUTO_TEXT struct text sql = TEXT_EMPTY;
    sqlite3_stmt *statement;
    text_printf(&sql, "INSERT INTO %s VALUES (", table);
    for (size_t i = 0; format[i] != '\0'; i++)
        text_add(&sql, i == 0 ? "?" : ",?");
    text_add(&sql, ")");
    if (sqlite3_prepare_v2(db, text_get(&sql), -1, &statement, NULL) != SQLITE_OK)
        fatal(db, table);
    va_list values;
    va_start(values, format);
    for (int i = 0; format[i] != '\0'; i++) {
        if (format[i] == 't')
            sqlite3_bind_text(statement, i + 1, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
        else if (format[i] == 'i')
            sqlite3_bind_int(statement, i + 1, va_arg(values, int));
        else if (format[i] == 'd')
            sqlite3_bind_double(statement, i + 1, va_arg(values, double));
    }
    va_end(values);
    if (sqlite3_step(statement) != SQLITE_DONE)
        fatal(db, table);
    sqlite3_finalize(statement);
}

static const char schema[] =
    "CREATE TABLE guest_nic(hypervisor, guest, mac, state, comm, since, vlan, wire);"
    "CREATE TABLE attachment(hypervisor, mac, switch, port);"
    "CREATE TABLE switch(name, site, configured, read, whole, rows, room, ageing, started, ended,"
    " own);"
    "CREATE TABLE port(switch, port); CREATE TABLE link(a, port_a, b, port_b);"
    "CREATE TABLE lag(switch, aggregate, member); CREATE TABLE mlag(a, port_a, b, port_b);"
    "CREATE TABLE fdb(switch, port, mac, vlan, status, age); CREATE TABLE vlan_id(vlan, id);"
    "CREATE TABLE memory_seen(mac, switch, port, vlan, first, last);"
    "CREATE TABLE memory_off(guest, first); CREATE TABLE memory_open(kind, subject, first, vlan);"
    "CREATE TABLE parameter(now, as_of, skew, lag, prefix); CREATE TABLE prefix(value);";

static double seconds(struct wall wall)
{
    return (double)(wall.us - story_time(0).us) / 1e6;
}

static void give_records(sqlite3 *db, const struct story *story)
{
    static const char *const yes[] = {"on"};
    static const char *const no[] = {"off", "suspended", "paused", "hibernated", "crashed"};
    for (size_t i = 0; i < story->guest_count; i++) {
        const struct story_guest *g = &story->guests[i];
        const char *comm = "unknown";
        for (size_t k = 0; k < ARRAY_COUNT(yes); k++)
            comm = strcmp(g->state, yes[k]) == 0 ? "yes" : comm;
        for (size_t k = 0; k < ARRAY_COUNT(no); k++)
            comm = strcmp(g->state, no[k]) == 0 ? "no" : comm;
        const char *wire = g->wire[0] == '\0' ? "yes" : g->wire;
        struct wall since;
        if (g->since[0] != '\0' && wall_parse(g->since, strlen(g->since), &since) == 0)
            insert(db, "guest_nic", "tttttdtt", g->hypervisor, g->name, g->mac, g->state, comm,
                   seconds(since), g->vlan, wire);
        else
            insert(db, "guest_nic", "tttttntt", g->hypervisor, g->name, g->mac, g->state, comm,
                   g->vlan, wire);
    }
    for (size_t i = 0; i < story->attachment_count; i++)
        insert(db, "attachment", "tttt", story->attachments[i].hypervisor,
               story->attachments[i].mac, story->attachments[i].sw, story->attachments[i].port);
    for (size_t i = 0; i < story->line_count; i++) {
        const struct story_line *l = &story->lines[i];
        if (l->table == RECORD_LINKS)
            insert(db, "link", "tttt", l->values[0], l->values[1], l->values[2], l->values[3]);
        if (l->table == RECORD_LAGS)
            insert(db, "lag", "ttt", l->values[0], l->values[1], l->values[2]);
    }
    for (size_t i = 0; i < story->mlag_count; i++)
        insert(db, "mlag", "tttt", story->mlags[i].a, story->mlags[i].port_a, story->mlags[i].b,
               story->mlags[i].port_b);
}

static void give_switches(sqlite3 *db, const struct story *story)
{
    static const char *const statuses[] = {"unread", "other", "invalid", "learned", "self", "mgmt"};
    bool ghost = false;
    for (size_t i = 0; i < story->switch_count; i++) {
        const struct story_switch *s = &story->switches[i];
        insert(db, "switch", "ttiiiiiiddt", s->name, s->site, 1, !s->dead, !s->partial,
               (int)s->row_count, !s->full, s->ageing < 0 ? 300 : s->ageing, s->started, s->ended,
               s->dead ? "" : s->own);
        for (size_t p = 0; !s->dead && p < s->port_count; p++)
            insert(db, "port", "tt", s->name, s->ports[p].name);
        for (size_t r = 0; !s->dead && r < s->row_count; r++) {
            const struct story_row *row = &s->rows[r];
            if (row->age >= 0)
                insert(db, "fdb", "ttttti", s->name, row->port, row->mac, row->vlan,
                       statuses[row->status], row->age);
            else
                insert(db, "fdb", "tttttn", s->name, row->port, row->mac, row->vlan,
                       statuses[row->status]);
        }
    }
    for (size_t i = 0; i < story->attachment_count; i++)
        ghost = ghost || strcmp(story->attachments[i].sw, "ghost") == 0;
    if (ghost)
        insert(db, "switch", "ttiiiiinnnt", "ghost", "default", 0, 0, 0, 0, 0, "");
}

static void give_memory(sqlite3 *db, const struct story *story)
{
    char mac[MAC_TEXT_SIZE];
    for (size_t i = 0; i < story->memory.interval_count; i++) {
        const struct seen_interval *s = &story->memory.intervals[i];
        insert(db, "memory_seen", "ttttdd", mac_format(s->mac, mac), s->switch_name, s->port,
               s->vlan, seconds(s->first), seconds(s->last));
    }
    for (size_t i = 0; i < story->memory.off_count; i++)
        insert(db, "memory_off", "td", strchr(story->memory.offs[i].guest_identity, '/') + 1,
               seconds(story->memory.offs[i].first_read));
    for (size_t i = 0; i < story->memory.open_count; i++) {
        char kind[32], subject[64], domain[64];
        if (sscanf(story->memory.opens[i].identity, "%31s %63s %63s", kind, subject, domain) != 3)
            continue;
        const char *vlan = strchr(domain, '/');
        const char *name = strchr(subject, ':') + 1;
        if (strncmp(subject, "guest:", 6) == 0 && strchr(name, '/') != NULL)
            name = strchr(name, '/') + 1;
        insert(db, "memory_open", "ttdt", kind, name, seconds(story->memory.opens[i].first),
               vlan != NULL ? vlan + 1 : "");
    }
}

static void give_constants(sqlite3 *db, const struct story *story, double now)
{
    static const char *const vlans[][2] = {{"", ""},        {"10", "10"},    {"20", "20"},
                                           {"30", "30"},    {"10|20", "10"}, {"10|20", "20"},
                                           {"trunk", "10"}, {"trunk", "20"}, {"trunk", "30"}};
    for (size_t i = 0; i < ARRAY_COUNT(vlans); i++)
        insert(db, "vlan_id", "tt", vlans[i][0], vlans[i][1]);
    insert(db, "prefix", "t", "52:54:00");
    insert(db, "parameter", "dddii", now, story->as_of >= 0 ? story->as_of : now - 1, 2.0, 60, 1);
}

/* --- comparing --- */

struct set {
    char (*items)[128];
    size_t count, capacity;
};

static void set_add(struct set *set, const char *item)
{
    set->items = alloc_grow(set->items, set->count, &set->capacity, sizeof *set->items);
    snprintf(set->items[set->count++], sizeof *set->items, "%s", item);
}

static bool set_has(const struct set *set, const char *item)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i], item) == 0)
            return true;
    return false;
}

static int add_oracle_row(void *aux, int columns, char **values, char **names)
{
    char item[128];
    snprintf(item, sizeof item, "%s %s %s", values[0], values[1], values[2]);
    set_add(aux, item);
    return 0;
}

static void product_verdicts(const struct story *story, struct set *set)
{
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sweep_count(story->sweep); i++) {
        struct discrepancy d;
        char item[128], subject[64];
        sweep_render(story->sweep, i, arena, &d);
        snprintf(item, sizeof item, "%s %s %s", discrepancy_word(d.kind),
                 verdict_state_word(d.state), story_subject(&d, subject, sizeof subject));
        set_add(set, item);
    }
    for (size_t i = 0; i < sweep_unobserved_count(story->sweep); i++) {
        struct not_observable one;
        char item[128];
        sweep_unobserved(story->sweep, i, arena, &one);
        snprintf(item, sizeof item, "unobserved - %s", one.guest);
        set_add(set, item);
    }
    arena_free(arena);
}

static unsigned compare(const struct set *product, const struct set *oracle, uint64_t seed,
                        unsigned round)
{
    unsigned differences = 0;
    for (size_t i = 0; i < product->count; i++)
        if (!set_has(oracle, product->items[i])) {
            printf("seed %" PRIu64 " round %u: only the sweep says: %s\n", seed, round,
                   product->items[i]);
            differences++;
        }
    for (size_t i = 0; i < oracle->count; i++)
        if (!set_has(product, oracle->items[i])) {
            printf("seed %" PRIu64 " round %u: only the oracle says: %s\n", seed, round,
                   oracle->items[i]);
            differences++;
        }
    return differences;
}

static unsigned judge_round(const struct story *story, const char *sql, double now, uint64_t seed,
                            unsigned round, size_t *verdicts)
{
    sqlite3 *db;
    struct set product = {0}, oracle = {0};
    char file[64] = ":memory:";
    if (getenv("ORACLE_KEEP") != NULL)
        snprintf(file, sizeof file, "oracle-%" PRIu64 "-%u.db", seed, round);
    if (sqlite3_open(file, &db) != SQLITE_OK)
        fatal(db, "opening");
    run(db, "BEGIN");
    run(db, schema);
    give_records(db, story);
    give_switches(db, story);
    give_memory(db, story);
    give_constants(db, story, now);
    run(db, sql);
    if (sqlite3_exec(db,
                     "SELECT DISTINCT kind, state, subject FROM verdict UNION ALL "
                     "SELECT 'unobserved', '-', guest FROM unobserved",
                     add_oracle_row, &oracle, NULL) != SQLITE_OK)
        fatal(db, "reading verdicts");
    run(db, "COMMIT");
    sqlite3_close(db);
    product_verdicts(story, &product);
    *verdicts += product.count;
    unsigned differences = compare(&product, &oracle, seed, round);
    free(product.items);
    free(oracle.items);
    return differences;
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    AUTO_TEXT struct text text = TEXT_EMPTY;
    char buffer[4096];
    size_t count;
    if (file == NULL) {
        fprintf(stderr, "oracle_test: %s cannot be read\n", path);
        exit(2);
    }
    while ((count = fread(buffer, 1, sizeof buffer, file)) > 0)
        text_add_bytes(&text, buffer, count);
    fclose(file);
    return text_take(&text);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: oracle_test ORACLE.SQL [WORLDS [FIRST-SEED]]\n");
        return 2;
    }
    const char *worlds_text = getenv("MUSTER_SOAK_WORLDS") != NULL && argc > 3
                                  ? getenv("MUSTER_SOAK_WORLDS")
                              : argc > 2 ? argv[2]
                                         : "200";
    uint64_t worlds = strtoull(worlds_text, NULL, 10);
    uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    AUTO_FREE char *sql = read_text(argv[1]);
    unsigned bad = 0, rounds = 0;
    size_t verdicts = 0;
    for (uint64_t seed = first; seed < first + worlds && bad < 20; seed++) {
        struct story story;
        story_init(&story);
        struct random_world *world = random_world_new(seed, &story);
        unsigned differences = 0;
        for (unsigned r = 0; r < random_world_rounds(world); r++, rounds++) {
            double now = random_world_time(world, r);
            random_world_step(world, r);
            story_round(&story, now);
            differences += judge_round(&story, sql, now, seed, r, &verdicts);
            story_round_end(&story, now);
        }
        bad += differences > 0;
        random_world_free(world);
        story_done(&story);
    }
    printf("%" PRIu64 " worlds from seed %" PRIu64 ", %u rounds, %zu verdicts, %u worlds differ\n",
           worlds, first, rounds, verdicts, bad);
    return bad == 0 ? 0 : 1;
}
