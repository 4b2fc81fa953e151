/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "store/query.h"
#include "store/store_fixture.h"

enum { A = 0x525400000001, B = 0x525400000002, C = 0x525400000003 };

#define ROWS(...)                                                                                  \
    (const struct fixture_row[]){__VA_ARGS__},                                                     \
        ARRAY_COUNT(((const struct fixture_row[]){__VA_ARGS__}))

static const struct store_memory_query twenty_minutes = {.horizon = {INT64_C(20) * 60 * 1000000}};

/* --- comparing snapshots by what they say --- */

static void print_row(const struct forward_table *table, const struct forward_row *row,
                      struct text *to)
{
    char mac[MAC_TEXT_SIZE];
    text_printf(
        to, "%s %s ", mac_format(forward_row_mac(row), mac),
        row->port == FORWARD_NO_PORT ? "-" : names_get(table->names, table->ports[row->port].name));
    vlan_set_print(table->vlans, row->vlan, to);
    text_printf(to, " %d %u\n", (int)forward_row_status(row), (unsigned)row->age);
}

static void print_table(const struct forward_table *table, struct text *to)
{
    text_printf(to, "%s %s %s %s %s %d %lld %lld %lld %llu\n", table->site, table->switch_name,
                table->hypervisor == NULL ? "-" : table->hypervisor, table->sys_name,
                table->sys_object_id, table->whole, (long long)table->started.us,
                (long long)table->ended.us, (long long)table->ageing.us,
                (unsigned long long)table->rejected_rows);
    for (size_t i = 0; i < table->port_count; i++) {
        const struct forward_port *port = &table->ports[i];
        text_printf(to, "%s %s %s %u %u %u %d %d\n", names_get(table->names, port->name),
                    names_get(table->names, port->descr), names_get(table->names, port->alias),
                    port->if_index, port->bridge_port, port->aggregate, port->tunnel, port->uplink);
    }
    for (size_t i = 0; i < table->neighbour_count; i++) {
        const struct neighbour *n = &table->neighbours[i];
        text_printf(to, "%d %u %llx %s %s %s\n", (int)n->protocol, n->port,
                    (unsigned long long)n->chassis.bits, names_get(table->names, n->system),
                    names_get(table->names, n->remote_port),
                    names_get(table->names, n->description));
    }
    for (size_t i = 0; i < table->own_mac_count; i++)
        text_printf(to, "%llx\n", (unsigned long long)table->own_macs[i].bits);
    for (size_t i = 0; i < table->receipt_count; i++) {
        const struct receipt *r = &table->receipts[i];
        text_printf(to, "%s %s %s %llu %llu %llu %d %s %lld %lld %llu %lld %lld\n", r->source,
                    r->type, r->context, (unsigned long long)r->asked,
                    (unsigned long long)r->answered, (unsigned long long)r->rows, r->whole,
                    r->why_not, (long long)r->ageing.us, (long long)r->sys_uptime_cs,
                    (unsigned long long)r->learn_discards, (long long)r->started.us,
                    (long long)r->ended.us);
    }
    for (size_t i = 0; i < table->row_count; i++)
        print_row(table, &table->rows[i], to);
}

static void print_memory(const struct memory *memory, struct text *to)
{
    for (size_t i = 0; i < memory->interval_count; i++) {
        const struct seen_interval *s = &memory->intervals[i];
        text_printf(to, "%llx %s/%s %s %s %lld %lld %u\n", (unsigned long long)s->mac.bits, s->site,
                    s->switch_name, s->port, s->vlan, (long long)s->first.us, (long long)s->last.us,
                    s->reads);
    }
    for (size_t i = 0; i < memory->off_count; i++)
        text_printf(to, "off %s %lld\n", memory->offs[i].guest_identity,
                    (long long)memory->offs[i].first_read.us);
    for (size_t i = 0; i < memory->open_count; i++)
        text_printf(to, "open %s %lld\n", memory->opens[i].identity,
                    (long long)memory->opens[i].first.us);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The rows of every table, sorted: guests stand in the order in which they first
 * appeared, whatever order the source has now. */
static void print_records(const struct record_set *set, struct text *to)
{
    AUTO_TEXT struct text all = TEXT_EMPTY;
    char *lines[32];
    size_t count = 0;
    for (int i = 0; i < RECORD_TABLE_COUNT; i++)
        record_set_print_csv(set, (enum record_table)i, &all);
    for (char *at = all.data; (at = strtok(at, "\n")) != NULL; at = NULL)
        lines[count++] = at;
    qsort(lines, count, sizeof *lines, compare_lines);
    text_printf(to, "%s %lld\n", set->source, (long long)set->as_of.us);
    for (size_t i = 0; i < count; i++)
        text_printf(to, "%s\n", lines[i]);
    for (size_t i = 0; i < set->attachment_count; i++)
        text_printf(to, "line %u\n", set->attachments[i].line);
}

/* --- random rounds, and every one of them again --- */

enum { ROUNDS = 24 };

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *seed >> 33;
}

static uint32_t name_of(struct forward_table *table, const char *text)
{
    return names_add(table->names, text, strlen(text));
}

static void decorate(struct forward_table *table, uint64_t *seed)
{
    if (draw(seed) % 3 == 0)
        forward_table_add_own_mac(table, (struct mac){0x020000000000 + draw(seed) % 2});
    if (table->port_count > 0 && draw(seed) % 2 == 0) {
        struct neighbour n = {.protocol = NEIGHBOUR_LLDP,
                              .port = 0,
                              .chassis = {0x001122334455},
                              .chassis_text = NAME_NONE,
                              .remote_port = name_of(table, "tab\there"),
                              .remote_port_mac = MAC_NONE,
                              .system = name_of(table, "sw\\9\nx"),
                              .description = NAME_NONE};
        forward_table_add_neighbour(table, &n);
    }
    if (draw(seed) % 2 == 0)
        for (size_t i = 0; i < table->row_count; i++)
            table->rows[i].age = (uint16_t)(draw(seed) % 300);
    table->rejected_rows = draw(seed) % 3;
}

/* Rows in order of address, as the store gives them back. */
static struct forward_table *random_table(const char *name, int64_t minute, uint64_t *seed)
{
    static const char *const ports[] = {"p1", "p2", "p3"}, *const vlans[] = {"", "10", "10|20"};
    struct fixture_row rows[12];
    size_t count = 0;
    for (uint64_t mac = 1; mac <= 12; mac++)
        if (draw(seed) % 4 != 0)
            rows[count++] = (struct fixture_row){0x525400000000 + mac, ports[draw(seed) % 3],
                                                 vlans[draw(seed) % 16 < 14 ? 1 : draw(seed) % 3]};
    if (draw(seed) % 6 == 0)
        count = 0;
    struct forward_table *table = fixture_table(name, minute, draw(seed) % 4 != 0, rows, count);
    decorate(table, seed);
    return table;
}

static struct record_set *random_records(int64_t minute, uint64_t *seed)
{
    static const char *const lines[] = {"B,web1,52:54:00:00:00:01,on,a",
                                        "B,web1,52:54:00:00:00:01,off,a",
                                        "D,web2,52:54:00:00:00:02,on,",
                                        "D,web3,52:54:00:00:00:03,suspended,b",
                                        "D,web4,,unknown,",
                                        "B,web5,52:54:00:00:00:05,on,x"};
    static const char *const attachments[] = {"B,,sw1,p1", "D,,sw1,p2", "D,,sw2,p1"};
    const char *chosen[6];
    size_t count = 0;
    for (size_t i = 0; i < 6; i++)
        if (draw(seed) % 8 != 0)
            chosen[count++] = lines[i];
    struct record_set *set = fixture_guests("csv", minute, chosen, count);
    size_t from = draw(seed) % 8 == 0;
    fixture_attachments(set, attachments + from, 3 - from);
    record_set_finish(set);
    return set;
}

struct live_round {
    struct text tables, records, memory;
};

static void store_random_round(struct store *store, int64_t minute, uint64_t *seed,
                               struct live_round *live)
{
    struct arena *arena = arena_new();
    struct err err = {0};
    struct memory memory;
    struct forward_table *tables[] = {random_table("sw1", minute, seed),
                                      random_table("sw2", minute, seed)};
    struct store_memory_query query = twenty_minutes;
    query.now = fixture_minute(minute);
    query.tables = (const struct forward_table *const *)tables;
    query.table_count = 2;
    assert_int_equal(store_load_memory(store, &query, arena, &memory, &err), 0);
    print_memory(&memory, &live->memory);
    uint64_t round;
    assert_int_equal(store_round_begin(store, fixture_minute(minute), &round, &err), 0);
    for (size_t i = 0; i < 2; i++) {
        if (store_round_table(store, tables[i], &err) != 0)
            fail_msg("%s", err.text);
        print_table(tables[i], &live->tables);
        forward_table_free(tables[i]);
    }
    struct record_set *set = random_records(minute, seed);
    if (store_round_records(store, set, NULL, &err) != 0)
        fail_msg("%s", err.text);
    print_records(set, &live->records);
    record_set_free(set);
    static const char *const offs[] = {"default/web1", "default/web3"};
    assert_int_equal(store_round_offs(store, offs, draw(seed) % 3, NULL, 0, &err), 0);
    struct mac mac = {A};
    struct discrepancy verdict = {.kind = DISCREPANCY_SILENT,
                                  .identity = "silent web1",
                                  .subject = {.guest = "web1", .mac = MAC_NONE},
                                  .macs = &mac,
                                  .mac_count = 1};
    struct case_change change = fixture_case(1, &verdict, minute, false);
    assert_int_equal(store_round_cases(store, &change, draw(seed) % 2, &err), 0);
    if (store_round_commit(store, fixture_minute(minute), fixture_minute(minute), &err) != 0)
        fail_msg("%s", err.text);
    arena_free(arena);
}

/* Whatever was stored since, a round's world comes back as it was judged. */
static void every_round_can_be_judged_again(void **state)
{
    static struct live_round live[ROUNDS];
    struct store *store = fixture_open(*state, STORE_WRITE);
    uint64_t seed = 11;
    for (int i = 0; i < ROUNDS; i++) {
        live[i] = (struct live_round){TEXT_EMPTY, TEXT_EMPTY, TEXT_EMPTY};
        store_random_round(store, 5 * i, &seed, &live[i]);
    }
    store_close(store);
    store = fixture_open(*state, STORE_READ);
    for (int i = 0; i < ROUNDS; i++) {
        struct store_world *world;
        struct err err = {0};
        if (store_world_load(store, (uint64_t)i + 1, STORE_TABLES_OF_ROUND, &twenty_minutes, &world,
                             &err) != 0)
            fail_msg("%s", err.text);
        AUTO_TEXT struct text tables = TEXT_EMPTY;
        AUTO_TEXT struct text records = TEXT_EMPTY;
        AUTO_TEXT struct text memory = TEXT_EMPTY;
        for (size_t t = 0; t < world->table_count; t++)
            print_table(world->tables[t], &tables);
        for (size_t r = 0; r < world->record_count; r++)
            print_records(world->records[r], &records);
        print_memory(&world->memory, &memory);
        assert_string_equal(text_get(&tables), text_get(&live[i].tables));
        assert_string_equal(text_get(&records), text_get(&live[i].records));
        assert_string_equal(text_get(&memory), text_get(&live[i].memory));
        assert_int_equal(world->round.judged.us, fixture_minute(5 * i).us);
        store_world_free(world);
        text_done(&live[i].tables);
        text_done(&live[i].records);
        text_done(&live[i].memory);
    }
    store_close(store);
}

static void a_round_is_found_by_time(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    struct store_round round;
    struct err err;
    assert_int_equal(store_find_round(store, WALL_UNKNOWN, &round, &err), ERR_NOT_FOUND);
    fixture_round(store, 10, NULL, NULL);
    fixture_round(store, 20, NULL, NULL);
    assert_int_equal(store_find_round(store, fixture_minute(9), &round, &err), ERR_NOT_FOUND);
    assert_int_equal(store_find_round(store, fixture_minute(19), &round, &err), 0);
    assert_int_equal(round.number, 1);
    assert_int_equal(store_find_round(store, WALL_UNKNOWN, &round, &err), 0);
    assert_int_equal(round.number, 2);
    assert_int_equal(round.judged.us, fixture_minute(20).us);
    store_close(store);
}

static void the_last_known_table_of_a_dead_switch_is_there(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    fixture_round(store, 1, fixture_table("sw1", 1, true, ROWS({A, "p1", "10"})), NULL);
    struct failed_source dead = {.source = "snmp sw1", .switch_name = "sw1", .why = "no answer"};
    uint64_t number;
    struct err err;
    for (int i = 2; i <= 3; i++) {
        struct forward_table *other = fixture_table("sw2", i, true, ROWS({B, "p1", "10"}));
        assert_int_equal(store_round_begin(store, fixture_minute(i), &number, &err), 0);
        assert_int_equal(store_round_failed(store, &dead, NULL, &err), 0);
        assert_int_equal(store_round_table(store, other, &err), 0);
        assert_int_equal(store_round_commit(store, fixture_minute(i), fixture_minute(i), &err), 0);
        forward_table_free(other);
    }
    struct store_world *world;
    assert_int_equal(
        store_world_load(store, 0, STORE_TABLES_OF_ROUND, &twenty_minutes, &world, &err), 0);
    assert_int_equal(world->table_count, 1);
    assert_int_equal(world->failed_count, 1);
    assert_string_equal(world->failed[0].why, "no answer");
    assert_int_equal(world->failed[0].rounds, 2);
    store_world_free(world);
    assert_int_equal(
        store_world_load(store, 0, STORE_TABLES_LAST_KNOWN, &twenty_minutes, &world, &err), 0);
    assert_int_equal(world->table_count, 2);
    assert_string_equal(world->tables[1]->switch_name, "sw1");
    assert_int_equal(world->tables[1]->row_count, 1);
    assert_int_equal(world->tables[1]->ended.us, fixture_minute(1).us);
    assert_int_equal(world->tables[1]->receipt_count, 1);
    store_world_free(world);
    store_close(store);
}

/* --- cases --- */

static const struct observed_place seen_at = {
    .place = {"sw1", "p\"1"}, .vlan = "10", .from = {5}, .to = WALL_UNKNOWN, .source = "snmp"};
static const struct evidence proof = {
    .what = "observed", .source = "sw1", .at = {7}, .text = "read at 12:00"};
static const struct named_place should_be = {"sw2", NULL};
static const char *const hypervisors[] = {"B"}, *const members[] = {"web1", "web2"};
static const struct mac nics[] = {{A}, {B}};

static const struct discrepancy moved = {.kind = DISCREPANCY_WRONG_LOCATION,
                                         .state = VERDICT_CONFIRMED,
                                         .severity = SEVERITY_HIGH,
                                         .domain = "default/10",
                                         .identity = "wrong_location web1 default/10",
                                         .subject = {.guest = "web1", .mac = {A}},
                                         .macs = nics,
                                         .mac_count = 2,
                                         .expected_hypervisors = hypervisors,
                                         .expected_hypervisor_count = 1,
                                         .expected = &should_be,
                                         .expected_count = 1,
                                         .observed = &seen_at,
                                         .observed_count = 1,
                                         .evidence = &proof,
                                         .evidence_count = 1,
                                         .why = "it is where it should not be",
                                         .would_prove = "",
                                         .members = members,
                                         .member_count = 2,
                                         .run_state = "on"};
static const struct discrepancy silent = {.kind = DISCREPANCY_SILENT,
                                          .identity = "silent web9",
                                          .subject = {.guest = "web9", .mac = MAC_NONE}};

static void put_cases(struct store *store, int64_t minute, const struct case_change *changes,
                      size_t count)
{
    uint64_t round;
    struct err err = {0};
    assert_int_equal(store_round_begin(store, fixture_minute(minute), &round, &err), 0);
    if (store_round_cases(store, changes, count, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(
        store_round_commit(store, fixture_minute(minute), fixture_minute(minute), &err), 0);
}

static void a_case_comes_back_word_for_word(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    struct case_change change = fixture_case(1, &moved, 1, true);
    put_cases(store, 1, &change, 1);
    struct arena *arena = arena_new();
    struct case_record record;
    struct err err;
    assert_int_equal(store_find_case(store, 2, arena, &record, &err), ERR_NOT_FOUND);
    assert_int_equal(store_find_case(store, 1, arena, &record, &err), 0);
    const struct discrepancy *d = record.discrepancy;
    assert_int_equal(record.first.us, fixture_minute(1).us);
    assert_false(wall_known(record.ended_at));
    assert_int_equal(d->kind, DISCREPANCY_WRONG_LOCATION);
    assert_int_equal(d->state, VERDICT_CONFIRMED);
    assert_int_equal(d->severity, SEVERITY_HIGH);
    assert_string_equal(d->subject.guest, "web1");
    assert_null(d->subject.uuid);
    assert_int_equal(d->mac_count, 2);
    assert_int_equal(d->macs[1].bits, B);
    assert_string_equal(d->expected_hypervisors[0], "B");
    assert_string_equal(d->expected[0].switch_name, "sw2");
    assert_null(d->expected[0].port);
    assert_string_equal(d->observed[0].place.port, "p\"1");
    assert_int_equal(d->observed[0].from.us, 5);
    assert_false(wall_known(d->observed[0].to));
    assert_string_equal(d->evidence[0].text, "read at 12:00");
    assert_string_equal(d->members[1], "web2");
    assert_string_equal(d->run_state, "on");
    arena_free(arena);
    store_close(store);
}

static size_t listed(struct store *store, struct case_filter filter)
{
    struct arena *arena = arena_new();
    const struct case_record *records;
    size_t count = 0;
    struct err err;
    assert_int_equal(store_list_cases(store, &filter, arena, &records, &count, &err), 0);
    arena_free(arena);
    return count;
}

static void cases_are_listed_by_filter(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    struct case_change changes[] = {fixture_case(1, &moved, 1, true),
                                    fixture_case(2, &silent, 1, true)};
    put_cases(store, 1, changes, 2);
    changes[0].record.state = CASE_CLOSED;
    changes[0].record.ended_at = fixture_minute(2);
    changes[0].judged = changes[1].judged = false;
    put_cases(store, 2, changes, 1);
    struct case_filter filter = CASE_FILTER_OPEN;
    assert_int_equal(listed(store, filter), 1);
    filter.all = true;
    assert_int_equal(listed(store, filter), 2);
    filter.subject = "52:54:00:00:00:02"; /* the second NIC of web1 */
    assert_int_equal(listed(store, filter), 1);
    filter.subject = "WEB1";
    assert_int_equal(listed(store, filter), 1);
    filter.subject = "web";
    assert_int_equal(listed(store, filter), 0);
    filter.subject = NULL;
    filter.kind = DISCREPANCY_SILENT;
    assert_int_equal(listed(store, filter), 1);
    filter.state = CASE_CLOSED;
    assert_int_equal(listed(store, filter), 0);

    struct arena *arena = arena_new();
    const struct case_record *records;
    size_t count = 0;
    uint64_t next = 0;
    struct err err;
    assert_int_equal(store_load_cases(store, fixture_minute(3), span_seconds(3600), arena, &records,
                                      &count, &next, &err),
                     0);
    assert_int_equal(count, 2); /* one open, one just ended */
    assert_int_equal(next, 3);
    assert_int_equal(store_load_cases(store, fixture_minute(63), span_seconds(3600), arena,
                                      &records, &count, &next, &err),
                     0);
    assert_int_equal(count, 1);
    arena_free(arena);
    store_close(store);
}

static void what_a_person_does_is_a_fact_too(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    struct case_change change = fixture_case(1, &moved, 1, true);
    put_cases(store, 1, &change, 1);
    struct arena *arena = arena_new();
    struct case_record record;
    struct err err;
    assert_int_equal(store_find_case(store, 1, arena, &record, &err), 0);
    change = (struct case_change){.record = record, .has_event = true};
    change.record.state = CASE_ACKNOWLEDGED;
    change.record.acknowledged_by = "ada";
    change.record.acknowledged_text = "known";
    change.record.acknowledged_at = fixture_minute(2);
    change.event = (struct case_event){.case_number = 1,
                                       .at = fixture_minute(2),
                                       .kind = CASE_EVENT_ACKNOWLEDGED,
                                       .from = CASE_SUSPECTED,
                                       .to = CASE_ACKNOWLEDGED,
                                       .who = "ada",
                                       .text = "known"};
    assert_int_equal(store_case_change(store, &change, &err), 0);
    store_close(store);
    store = fixture_open(*state, STORE_READ);
    assert_int_equal(store_case_change(store, &change, &err), ERR_DENIED);
    const struct case_event *events;
    size_t count = 0;
    assert_int_equal(store_load_events(store, 1, arena, &events, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_int_equal(events[0].kind, CASE_EVENT_OPENED);
    assert_int_equal(events[1].kind, CASE_EVENT_ACKNOWLEDGED);
    assert_string_equal(events[1].who, "ada");
    const struct case_record *records;
    assert_int_equal(store_last_verdicts(store, arena, &records, &count, &err), 0);
    assert_int_equal(count, 1); /* still what the last round judged */
    assert_string_equal(records[0].acknowledged_by, "ada");
    arena_free(arena);
    store_close(store);
}

static void a_break_in_what_stands_is_remembered(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    struct arena *arena = arena_new();
    struct memory memory;
    struct err err;
    static const bool judged[] = {true, true, false, true};
    static const int64_t first[] = {0, 0, -1, 3};
    for (int i = 0; i < 4; i++) {
        struct case_change change = fixture_case(1, &moved, i, false);
        put_cases(store, i, &change, judged[i]);
        struct store_memory_query query = twenty_minutes;
        query.now = fixture_minute(i + 1);
        assert_int_equal(store_load_memory(store, &query, arena, &memory, &err), 0);
        struct wall since = memory_open_first(&memory, moved.identity);
        if (first[i] < 0)
            assert_false(wall_known(since));
        else
            assert_int_equal(since.us, fixture_minute(first[i]).us);
    }
    arena_free(arena);
    store_close(store);
}

/* --- what events find between rounds --- */

static void change_by_event(struct store *store, int64_t minute, bool found, enum case_state state)
{
    struct case_change change = fixture_case(1, &moved, minute, true);
    struct err err = {0};
    change.judged = found;
    change.record.state = change.event.to = state;
    change.event.round = 0;
    if (store_case_changes(store, &change, 1, &err) != 0)
        fail_msg("%s", err.text);
}

static struct wall stands_since(struct store *store, int64_t minute)
{
    struct arena *arena = arena_new();
    struct memory memory;
    struct err err = {0};
    struct store_memory_query query = twenty_minutes;
    query.now = fixture_minute(minute);
    if (store_load_memory(store, &query, arena, &memory, &err) != 0)
        fail_msg("%s", err.text);
    struct wall since = memory_open_first(&memory, moved.identity);
    arena_free(arena);
    return since;
}

static size_t cases_then(struct store *store, int64_t minute, uint32_t *ret_count)
{
    struct arena *arena = arena_new();
    const struct case_then *cases = NULL;
    size_t found = 0;
    struct store_round round;
    struct err err = {0};
    assert_int_equal(store_find_round(store, fixture_minute(minute), &round, &err), 0);
    if (store_load_cases_then(store, &round, arena, &cases, &found, &err) != 0)
        fail_msg("%s", err.text);
    *ret_count = found > 0 ? cases[0].count : 0;
    arena_free(arena);
    return found;
}

/* Found by an event, then by the round after it: one case, standing since the event, and
 * no replay of the round before shows it. */
static void what_an_event_found_goes_on_in_the_next_round(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    put_cases(store, 10, NULL, 0);
    change_by_event(store, 13, true, CASE_SUSPECTED);
    change_by_event(store, 14, true, CASE_CONFIRMED);
    assert_int_equal(stands_since(store, 19).us, fixture_minute(13).us);
    struct arena *arena = arena_new();
    const struct case_record *records;
    const struct case_event *events;
    size_t count = 9, event_count = 0;
    uint64_t next = 0;
    struct err err;
    assert_int_equal(store_last_verdicts(store, arena, &records, &count, &err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_load_cases(store, fixture_minute(20), span_seconds(3600), arena,
                                      &records, &count, &next, &err),
                     0);
    assert_int_equal(count, 1);
    assert_int_equal(next, 2);
    assert_int_equal(records[0].state, CASE_CONFIRMED);
    struct case_change change = fixture_case(1, &moved, 20, false);
    change.record.count = 2;
    put_cases(store, 20, &change, 1);
    assert_int_equal(stands_since(store, 29).us, fixture_minute(13).us);
    uint32_t times = 0;
    assert_int_equal(cases_then(store, 10, &times), 0);
    assert_int_equal(cases_then(store, 20, &times), 1);
    assert_int_equal(times, 2);
    assert_int_equal(store_load_events(store, 1, arena, &events, &event_count, &err), 0);
    assert_int_equal(event_count, 2);
    put_cases(store, 30, NULL, 0);
    assert_false(wall_known(stands_since(store, 39)));
    assert_int_equal(cases_then(store, 20, &times), 1);
    arena_free(arena);
    store_close(store);
}

/* Found by rounds, seen gone by an event: a break, and the round that found it still
 * shows it when it is asked for. */
static void what_an_event_cleared_has_had_a_break(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    struct case_change change = fixture_case(1, &moved, 10, true);
    uint32_t times = 0;
    put_cases(store, 10, &change, 1);
    assert_int_equal(stands_since(store, 19).us, fixture_minute(10).us);
    change_by_event(store, 12, false, CASE_CLEARED);
    assert_false(wall_known(stands_since(store, 19)));
    assert_int_equal(cases_then(store, 10, &times), 1);
    change_by_event(store, 15, true, CASE_CONFIRMED);
    assert_true(wall_known(stands_since(store, 19)));
    assert_int_equal(cases_then(store, 10, &times), 1);
    change_by_event(store, 16, false, CASE_CLEARED);
    change = fixture_case(1, &moved, 20, false);
    put_cases(store, 20, &change, 1);
    assert_int_equal(stands_since(store, 29).us, fixture_minute(20).us);
    store_close(store);
}

/* Events alone, before any round. */
static void events_need_no_round(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    change_by_event(store, 3, true, CASE_SUSPECTED);
    struct case_change change = fixture_case(1, &moved, 10, false);
    uint32_t times = 0;
    change.record.count = 2;
    put_cases(store, 10, &change, 1);
    assert_int_equal(stands_since(store, 19).us, fixture_minute(3).us);
    assert_int_equal(cases_then(store, 10, &times), 1);
    assert_int_equal(times, 2);
    store_close(store);
}

static void a_case_is_told_as_it_was_then(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    static const bool judged[] = {true, true, false, true, true};
    uint32_t count = 0;
    for (int i = 0; i < 5; i++) {
        struct case_change change = fixture_case(7, &moved, i, i == 0);
        change.record.first = fixture_minute(0);
        change.record.count = count += judged[i];
        if (i == 4) {
            change.record.state = change.event.to = CASE_CONFIRMED;
            change.has_event = true;
        }
        put_cases(store, i, &change, judged[i]);
    }
    struct arena *arena = arena_new();
    static const uint32_t counts[] = {1, 2, 0, 3, 4};
    for (int i = 0; i < 5; i++) {
        const struct case_then *cases;
        size_t found = 9;
        struct store_round round;
        struct err err;
        assert_int_equal(store_find_round(store, fixture_minute(i), &round, &err), 0);
        assert_int_equal(store_load_cases_then(store, &round, arena, &cases, &found, &err), 0);
        assert_int_equal(found, judged[i]);
        if (!judged[i])
            continue;
        assert_string_equal(cases[0].identity, moved.identity);
        assert_int_equal(cases[0].number, 7);
        assert_int_equal(cases[0].count, counts[i]);
        assert_int_equal(cases[0].state, i == 4 ? CASE_CONFIRMED : CASE_SUSPECTED);
        assert_int_equal(cases[0].first.us, fixture_minute(0).us);
        assert_int_equal(cases[0].last.us, fixture_minute(i).us);
    }
    arena_free(arena);
    store_close(store);
}

/* --- history --- */

static void history_tells_all_three_kinds_in_order(void **state)
{
    static const char *const on[] = {"B,web1,52:54:00:00:00:01,on,x"};
    static const char *const off[] = {"B,web1,52:54:00:00:00:01,off,x"};
    struct store *store = fixture_open(*state, STORE_WRITE);
    fixture_round(store, 1, fixture_table("sw1", 1, true, ROWS({A, "p1", "10"}, {B, "p2", ""})),
                  fixture_guests("csv", 1, on, 1));
    fixture_round(store, 2, fixture_table("sw1", 2, true, ROWS({A, "p3", "10"}, {B, "p2", ""})),
                  fixture_guests("csv", 2, off, 1));
    struct case_change change = fixture_case(1, &moved, 3, true);
    put_cases(store, 3, &change, 1);
    struct arena *arena = arena_new();
    const struct mac *macs;
    size_t mac_count = 0, count = 0;
    struct err err;
    assert_int_equal(store_find_macs(store, "WEB1", arena, &macs, &mac_count, &err), 0);
    assert_int_equal(mac_count, 1);
    struct history_query query = {.macs = macs,
                                  .mac_count = mac_count,
                                  .guest = "web1",
                                  .from = WALL_UNKNOWN,
                                  .to = WALL_UNKNOWN};
    const struct history_entry *entries;
    assert_int_equal(store_load_history(store, &query, arena, &entries, &count, &err), 0);
    assert_int_equal(count, 5);
    assert_int_equal(entries[0].kind, HISTORY_SEEN);
    assert_string_equal(entries[0].port, "p1");
    assert_false(entries[0].current);
    assert_int_equal(entries[1].kind, HISTORY_RECORDED);
    assert_non_null(strstr(entries[1].text, "run_state=on"));
    assert_string_equal(entries[1].guest, "web1");
    assert_false(entries[1].current);
    assert_string_equal(entries[2].port, "p3");
    assert_true(entries[2].current);
    assert_non_null(strstr(entries[3].text, "run_state=off"));
    assert_int_equal(entries[4].kind, HISTORY_CASE);
    assert_int_equal(entries[4].event.case_number, 1);
    query.limit = 2;
    assert_int_equal(store_load_history(store, &query, arena, &entries, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_int_equal(entries[1].kind, HISTORY_CASE);
    query.limit = 0;
    query.to = fixture_minute(1);
    assert_int_equal(store_load_history(store, &query, arena, &entries, &count, &err), 0);
    assert_int_equal(count, 2);
    arena_free(arena);
    store_close(store);
}

/* --- trimming --- */

static void what_ended_goes_and_what_stands_stays(void **state)
{
    struct store *store = fixture_open(*state, STORE_WRITE);
    static const char *const on[] = {"B,web1,52:54:00:00:00:01,on,x"};
    static const char *const off[] = {"B,web1,52:54:00:00:00:01,off,x"};
    struct err err = {0};
    fixture_round(store, 0, fixture_table("dead", 0, true, ROWS({C, "p9", "30"})), NULL);
    for (int i = 1; i <= 40; i++)
        fixture_round(store, i,
                      fixture_table("sw1", i, true,
                                    ROWS({A, i % 2 == 0 ? "p1" : "p3", "10"}, {B, "p2", "20"})),
                      fixture_guests("csv", i, i % 2 == 0 ? on : off, 1));
    struct case_change changes[] = {fixture_case(1, &moved, 40, true),
                                    fixture_case(2, &silent, 40, true)};
    changes[1].record.state = CASE_CLOSED;
    put_cases(store, 40, changes, 2);
    struct store_size before, after;
    assert_int_equal(store_measure(store, &before, &err), 0);
    if (store_trim(store, fixture_minute(30), span_seconds(60), &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(store_measure(store, &after, &err), 0);
    assert_true(after.past_sightings > 0 && after.past_sightings < 13);
    assert_true(after.past_recorded > 0 && after.past_recorded < 13);
    assert_true(after.rounds < 15);
    assert_int_equal(after.sightings, 3);
    assert_int_equal(after.cases, 2); /* closed after the cut */
    if (store_trim(store, fixture_minute(10000), span_seconds(60), &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(store_measure(store, &after, &err), 0);
    assert_int_equal(after.past_sightings, 0);
    assert_int_equal(after.past_recorded, 0);
    assert_int_equal(after.sightings, 3);
    assert_int_equal(after.recorded, 1);
    assert_int_equal(after.rounds, 1);
    assert_int_equal(after.cases, 1);
    assert_true(after.file_bytes <= before.file_bytes);
    struct record_set *set;
    assert_int_equal(store_last_good(store, "csv", &set, NULL, &err), 0);
    record_set_free(set);
    struct store_world *world;
    if (store_world_load(store, 0, STORE_TABLES_LAST_KNOWN, &twenty_minutes, &world, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(world->table_count, 2); /* the dead switch's, too */
    store_world_free(world);
    fixture_round(store, 10001, fixture_table("sw1", 10001, true, ROWS({A, "p1", "10"})), NULL);
    store_close(store);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_round_can_be_judged_again),
        TEST(a_round_is_found_by_time),
        TEST(the_last_known_table_of_a_dead_switch_is_there),
        TEST(a_case_comes_back_word_for_word),
        TEST(cases_are_listed_by_filter),
        TEST(what_a_person_does_is_a_fact_too),
        TEST(a_break_in_what_stands_is_remembered),
        TEST(what_an_event_found_goes_on_in_the_next_round),
        TEST(what_an_event_cleared_has_had_a_break),
        TEST(events_need_no_round),
        TEST(a_case_is_told_as_it_was_then),
        TEST(history_tells_all_three_kinds_in_order),
        TEST(what_ended_goes_and_what_stands_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
