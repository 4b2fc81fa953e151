/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/forward_json.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"
#include "model/json_out.h"

/* `muster probe`: one exact question to every switch at once. */

static void print_hit(struct table *table, enum output_format format,
                      const struct forward_table *from, const struct forward_row *row)
{
    AUTO_TEXT struct text vlan = TEXT_EMPTY, out = TEXT_EMPTY;
    const char *port = forward_json_port(from, row->port);
    vlan_set_print(from->vlans, row->vlan, &vlan);
    if (format == FORMAT_TABLE) {
        table_cell(table, from->switch_name);
        table_cell(table, port);
        table_cell(table, text_get(&vlan));
        table_cell(table, forward_json_status(row));
        return;
    }
    if (format == FORMAT_CSV) {
        report_csv_field(stdout, from->switch_name);
        putchar(',');
        report_csv_field(stdout, port);
        printf(",%s,%s\r\n", text_get(&vlan), forward_json_status(row));
        return;
    }
    text_add_char(&out, '{');
    json_key(&out, "type");
    json_text(&out, "forward_entry");
    json_key(&out, "switch");
    json_text(&out, from->switch_name);
    json_key(&out, "vlan");
    json_vlan(&out, text_get(&vlan));
    json_key(&out, "mac");
    json_mac(&out, forward_row_mac(row));
    json_key(&out, "if_name");
    json_text_or_null(&out, port);
    json_key(&out, "status");
    json_text_or_null(&out, forward_json_status(row));
    text_add_char(&out, '}');
    puts(text_get(&out));
}

static int print_probe(struct session *session, const struct round *round,
                       enum output_format format)
{
    static const struct table_column columns[] = {
        {"SWITCH", 6}, {"PORT", 6}, {"VLAN", 4}, {"STATUS", 0}};
    struct table *table = table_new(columns, ARRAY_COUNT(columns));
    size_t hits = 0;
    bool unsure = round->failed_count > 0;
    if (format == FORMAT_CSV)
        fputs("switch,port,vlan,status\r\n", stdout);
    for (size_t t = 0; t < round->table_count; t++) {
        const struct forward_table *from = round->tables[t];
        unsure = unsure || !from->whole;
        for (size_t r = 0; r < from->row_count; r++, hits++)
            print_hit(table, format, from, &from->rows[r]);
    }
    if (format == FORMAT_TABLE && hits > 0)
        table_print(table, stdout, terminal_width(stdout), terminal_colours(stdout));
    table_free(table);
    for (size_t i = 0; i < round->failed_count; i++)
        session_note(session, "%s", round->failed[i].why);
    char took[CLOCK_TEXT_SIZE];
    session_note(session, "%zu switches asked in %s: on %zu of them",
                 round->table_count + round->failed_count,
                 span_format(wall_since(round->ended, round->started), took), hits);
    if (hits > 0)
        return EXIT_CLEAN;
    return unsure ? EXIT_NOT_OBSERVED : EXIT_FOUND;
}

int command_probe(int argc, char **argv)
{
    struct common_options common = {.config = "muster.yaml"};
    struct mac mac;
    if (command_options(argc, argv, "probe", NULL, &common) != COMMAND_OPTIONS_END)
        return EXIT_USAGE;
    if (argc - optind != 1 || mac_parse(argv[optind], strlen(argv[optind]), &mac) != 0)
        return command_fail("probe", EXIT_USAGE, "expected one MAC");
    struct session session;
    struct round_options options;
    struct round *round = NULL;
    int status = session_open(&session, "probe", &common, SESSION_STORE_NONE);
    if (status == EXIT_CLEAN) {
        session_round_options(&session, &options);
        round = round_probe(session.config, &session.env, mac, &options);
        session_progress_end(&session);
        status = print_probe(&session, round, common.format);
    }
    round_free(round);
    session_close(&session);
    return status;
}
