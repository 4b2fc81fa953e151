/* SPDX-License-Identifier: Apache-2.0 */
/* Muster's side of the sweep benchmark: builds the generated data centre (roster.h)
 * as the sources would hand it over, one record set and one forward table a switch,
 * and measures what a round costs on one thread: the world's index, the judged sweep,
 * and, told apart, making words of every discrepancy. With --changes it also measures
 * what judging again costs after so many rows moved to another port and back. Prints
 * one JSON line with the counts of each kind, which must be the true ones. */

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/sweep.h"
#include "audit/sweep_state.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "peers/peer_report.h"
#include "roster.h"

enum { CHANGES_MAX = 8, COLUMN_COUNT = 7, UUID_SIZE = 37 };

struct options {
    uint32_t guests;
    uint64_t seed;
    uint32_t changes[CHANGES_MAX];
    unsigned change_count;
};

struct centre {
    struct roster roster;
    struct record_set *set;
    struct forward_table **tables;
    const struct record_set *sets[1];
};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "sweep_bench: %s: %s\n", what, why);
    exit(1);
}

static struct wall at_second(int64_t second)
{
    return (struct wall){second * 1000000};
}

/* --- the records --- */

static struct record_layout *layout_new(enum record_table table, const char *const *columns,
                                        size_t count)
{
    struct record_value names[COLUMN_COUNT];
    struct record_layout *layout;
    struct err err;
    for (size_t i = 0; i < count; i++)
        names[i] = (struct record_value){columns[i], strlen(columns[i])};
    if (record_layout_new(table, names, count, &layout, &err) != 0)
        fail("header", err.text);
    return layout;
}

static void add_row(struct centre *centre, const struct record_layout *layout,
                    const struct run_state_words *words, const char *const *fields, size_t count,
                    uint32_t line)
{
    struct record_value values[COLUMN_COUNT];
    struct err err;
    size_t column;
    for (size_t i = 0; i < count; i++)
        values[i] = (struct record_value){fields[i], strlen(fields[i])};
    if (record_add_row(centre->set, layout, words, values, count, line, &column, &err) != 0)
        fail("row", err.text);
}

static void add_guests(struct centre *centre, const struct run_state_words *words)
{
    static const char *const columns[] = {"hypervisor",  "guest", "mac", "run_state",
                                          "state_since", "vlan",  "uuid"};
    struct record_layout *layout = layout_new(RECORD_GUESTS, columns, ARRAY_COUNT(columns));
    for (uint32_t i = 0; i < centre->roster.guests; i++) {
        struct roster_guest guest = roster_guest(&centre->roster, i);
        char hypervisor[ROSTER_TEXT_SIZE], name[ROSTER_TEXT_SIZE], mac[MAC_TEXT_SIZE], vlan[8],
            uuid[UUID_SIZE];
        snprintf(vlan, sizeof(vlan), "%u", (unsigned)guest.vlan);
        snprintf(uuid, sizeof(uuid), "%08" PRIx32 "-0000-4000-8000-%012" PRIx64, i, guest.mac);
        const char *fields[] = {roster_hypervisor_name(guest.hypervisor, hypervisor),
                                roster_guest_name(i, name),
                                mac_format((struct mac){guest.mac}, mac),
                                guest.on ? "on" : "off",
                                "2026-01-01T00:00:00Z",
                                vlan,
                                uuid};
        add_row(centre, layout, words, fields, ARRAY_COUNT(fields), i + 2);
    }
    record_layout_free(layout);
}

static void add_attachments(struct centre *centre, const struct run_state_words *words)
{
    static const char *const columns[] = {"hypervisor", "nic_mac", "switch", "port"};
    struct record_layout *layout = layout_new(RECORD_ATTACHMENTS, columns, ARRAY_COUNT(columns));
    for (uint32_t i = 0; i < centre->roster.hypervisors * 2; i++) {
        struct roster_attachment at = roster_attachment(&centre->roster, i / 2, i % 2);
        char hypervisor[ROSTER_TEXT_SIZE], mac[MAC_TEXT_SIZE], switch_name[ROSTER_TEXT_SIZE],
            port[ROSTER_TEXT_SIZE];
        const char *fields[] = {roster_hypervisor_name(at.hypervisor, hypervisor),
                                mac_format((struct mac){at.nic_mac}, mac),
                                roster_switch_name(at.switch_number, switch_name),
                                roster_port_name(at.port, port)};
        add_row(centre, layout, words, fields, ARRAY_COUNT(fields), i + 2);
    }
    record_layout_free(layout);
}

/* --- the forward tables --- */

static struct forward_table *table_new(const char *name)
{
    struct forward_table *table = forward_table_new(name, "default");
    for (uint16_t port = 1; port <= ROSTER_HYPERVISORS_PER_PAIR; port++) {
        char text[ROSTER_TEXT_SIZE];
        roster_port_name(port, text);
        forward_table_add_port(table, &(struct forward_port){
                                          .name = names_add(table->names, text, strlen(text)),
                                          .descr = NAME_NONE,
                                          .alias = NAME_NONE,
                                          .if_index = port,
                                          .bridge_port = port,
                                          .aggregate = (uint32_t)port - 1,
                                      });
    }
    return table;
}

static void finish_table(struct forward_table *table)
{
    struct receipt receipt;
    receipt_init(&receipt);
    receipt_text(&receipt.source, "%s", table->switch_name);
    receipt_text(&receipt.type, "snmp");
    receipt.asked = receipt.answered = 1;
    receipt.rows = table->row_count;
    receipt.whole = true;
    receipt.ageing = span_seconds(300);
    receipt.started = receipt.ended = at_second(ROSTER_READ_AT);
    forward_table_add_receipt(table, &receipt);
    forward_table_finish(table);
}

static void add_tables(struct centre *centre)
{
    struct roster_row *rows = roster_rows(&centre->roster);
    centre->tables = alloc_array(centre->roster.switches, sizeof(*centre->tables));
    uint32_t at = 0;
    for (uint32_t s = 0; s < centre->roster.switches; s++) {
        char name[ROSTER_TEXT_SIZE];
        struct forward_table *table = table_new(roster_switch_name(s, name));
        for (; at < centre->roster.rows && rows[at].switch_number == s; at++) {
            uint32_t vlan = rows[at].vlan;
            forward_table_add_row(table, (struct forward_row){
                                             .mac_status = forward_row_key(
                                                 (struct mac){rows[at].mac}, FORWARD_LEARNED),
                                             .port = (uint32_t)rows[at].port - 1,
                                             .vlan = vlan_pool_add(table->vlans, &vlan, 1),
                                             .age = FORWARD_AGE_UNKNOWN,
                                         });
        }
        finish_table(table);
        centre->tables[s] = table;
    }
    free(rows);
}

static void centre_build(struct centre *centre, const struct options *options)
{
    if (!roster_init(&centre->roster, options->guests, options->seed))
        fail("--guests", "out of range");
    struct run_state_words *words = run_state_words_new();
    centre->set = record_set_new("bench", at_second(ROSTER_READ_AT));
    add_guests(centre, words);
    add_attachments(centre, words);
    run_state_words_free(words);
    centre->sets[0] = centre->set;
    add_tables(centre);
}

static void centre_done(struct centre *centre)
{
    for (uint32_t s = 0; s < centre->roster.switches; s++)
        forward_table_free(centre->tables[s]);
    free(centre->tables);
    record_set_free(centre->set);
}

/* --- measuring --- */

static void count_kinds(const struct sweep *sweep, uint64_t counts[static DISCREPANCY_KIND_COUNT])
{
    for (size_t i = 0; i < sweep_count(sweep); i++)
        counts[sweep_verdict(sweep, i)->kind]++;
}

static double render_all(const struct sweep *sweep)
{
    double cpu = peer_cpu();
    for (size_t i = 0; i < sweep_count(sweep);) {
        struct arena *arena = arena_new();
        for (size_t end = i + 256; i < end && i < sweep_count(sweep); i++) {
            struct discrepancy discrepancy;
            sweep_render(sweep, i, arena, &discrepancy);
        }
        arena_free(arena);
    }
    return peer_cpu() - cpu;
}

/* What moves every so many-th guest's row by a port of its switch, `wanted` rows in all;
 * `back` is the same the other way. */
static void list_moves(const struct centre *centre, uint32_t wanted, struct row_change *changes,
                       struct row_change *back)
{
    uint32_t guests = centre->roster.rows - centre->roster.hypervisors * 2;
    uint32_t stride = guests / wanted + (guests < wanted), number = 0, moved = 0;
    for (uint32_t s = 0; s < centre->roster.switches; s++)
        for (size_t i = 0; i < centre->tables[s]->row_count; i++) {
            struct forward_row row = centre->tables[s]->rows[i], other = row;
            bool guest = row.mac_status >> 40 == 0x525400;
            other.port = (row.port + 1) % ROSTER_HYPERVISORS_PER_PAIR;
            if (!guest || number++ % stride != 0 || moved == wanted)
                continue;
            changes[2 * moved] = (struct row_change){s, true, row};
            changes[2 * moved + 1] = (struct row_change){s, false, other};
            back[2 * moved] = (struct row_change){s, true, other};
            back[2 * moved++ + 1] = (struct row_change){s, false, row};
        }
    if (moved != wanted)
        fail("--changes", "more than there are guests' rows");
}

/* Only the way back is timed, so that both ends of it are the round that was judged. */
static void measure_reaudit(const struct centre *centre, struct sweep_state *state, uint32_t wanted,
                            size_t verdicts)
{
    struct row_change *changes = alloc_array((size_t)wanted * 2, sizeof(*changes));
    struct row_change *back = alloc_array((size_t)wanted * 2, sizeof(*back));
    list_moves(centre, wanted, changes, back);
    sweep_state_apply(state, changes, (size_t)wanted * 2, at_second(ROSTER_READ_AT));
    if (sweep_count(sweep_state_verdicts(state)) == verdicts)
        fail("re-audit", "rows that moved changed no verdict");
    double cpu = peer_cpu(), started = peer_now();
    sweep_state_apply(state, back, (size_t)wanted * 2, at_second(ROSTER_READ_AT));
    double used = peer_cpu() - cpu, wall = peer_now() - started;
    if (sweep_count(sweep_state_verdicts(state)) != verdicts)
        fail("re-audit", "verdicts differ after rows went and came back");
    printf("{\"changes\":%" PRIu32 ",\"cpu\":%.9f,\"wall\":%.9f}", wanted, used, wall);
    free(changes);
    free(back);
}

static void measure_reaudits(const struct centre *centre, const struct world *world,
                             const struct options *options, size_t verdicts)
{
    struct sweep_state *state =
        options->change_count > 0 ? sweep_state_new(world, at_second(ROSTER_READ_AT)) : NULL;
    printf(",\"reaudits\":[");
    for (unsigned i = 0; i < options->change_count; i++) {
        if (i > 0)
            putchar(',');
        measure_reaudit(centre, state, options->changes[i], verdicts);
    }
    putchar(']');
    sweep_state_free(state);
}

/* Texts of names and uuids, and the guests' numbers of them. */
static size_t name_bytes(const struct centre *centre)
{
    return names_size(centre->set->names) +
           centre->set->guest_count * sizeof(*centre->set->guests) +
           centre->set->uuid_count * sizeof(*centre->set->uuids);
}

/* NIC columns and the other tables, forward rows, and the world's index. */
static size_t column_bytes(const struct centre *centre, const struct world *world)
{
    return record_set_size(centre->set) - name_bytes(centre) +
           centre->roster.rows * sizeof(struct forward_row) + world_size(world);
}

static void measure(const struct centre *centre, const struct options *options)
{
    struct audit_options audit;
    audit_options_init(&audit);
    struct world_input input = {
        .records = centre->sets,
        .record_count = 1,
        .tables = (const struct forward_table *const *)centre->tables,
        .table_count = centre->roster.switches,
        .options = &audit,
    };
    double cpu = peer_cpu(), started = peer_now();
    struct world *world = world_new(&input);
    double indexed = peer_cpu() - cpu;
    struct sweep *sweep = sweep_run(world, at_second(ROSTER_READ_AT));
    double used = peer_cpu() - cpu, wall = peer_now() - started;

    uint64_t counts[DISCREPANCY_KIND_COUNT] = {0};
    count_kinds(sweep, counts);
    double rendered = render_all(sweep);
    printf("{\"rows\":%" PRIu32 ",\"counts\":{\"unknown\":%" PRIu64 ",\"wrong\":%" PRIu64
           ",\"off_seen\":%" PRIu64 ",\"silent\":%" PRIu64 "},\"verdicts\":%zu,\"wall\":%.6f"
           ",\"cpu\":%.6f,\"index_cpu\":%.6f,\"render_cpu\":%.6f,\"columns_bytes\":%zu"
           ",\"names_bytes\":%zu,\"memory\":%" PRIu64,
           centre->roster.rows, counts[DISCREPANCY_UNKNOWN_GUEST],
           counts[DISCREPANCY_WRONG_LOCATION], counts[DISCREPANCY_OFF_BUT_SEEN],
           counts[DISCREPANCY_SILENT], sweep_count(sweep), wall, used, indexed, rendered,
           column_bytes(centre, world), name_bytes(centre), peer_memory());
    size_t verdicts = sweep_count(sweep);
    sweep_free(sweep);
    measure_reaudits(centre, world, options, verdicts);
    world_free(world);
    puts("}");
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {{"guests", 1, NULL, 'g'},
                                          {"seed", 1, NULL, 's'},
                                          {"changes", 1, NULL, 'k'},
                                          {NULL, 0, NULL, 0}};
    *options = (struct options){.seed = 1};
    int choice;
    while ((choice = getopt_long(argc, argv, "", names, NULL)) != -1) {
        unsigned long long number = optarg ? strtoull(optarg, NULL, 10) : 0;
        if (choice == 'g' && number <= ROSTER_GUESTS_MAX)
            options->guests = (uint32_t)number;
        else if (choice == 's')
            options->seed = number;
        else if (choice == 'k' && options->change_count < CHANGES_MAX && number > 0)
            options->changes[options->change_count++] = (uint32_t)number;
        else
            return false;
    }
    return options->guests > 0;
}

int main(int argc, char **argv)
{
    struct options options;
    struct centre centre = {0};
    if (!parse_options(argc, argv, &options)) {
        fprintf(stderr, "usage: sweep_bench --guests N [--seed N] [--changes K]...\n");
        return 2;
    }
    centre_build(&centre, &options);
    for (unsigned i = 0; i < options.change_count; i++)
        if (options.changes[i] > centre.roster.rows)
            fail("--changes", "more than there are rows");
    measure(&centre, &options);
    centre_done(&centre);
    return 0;
}
