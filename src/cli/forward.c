/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/forward_json.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"

/* `muster forward`: one switch's forward table as Muster reads it. */

static void print_table(const struct forward_table *table)
{
    static const struct table_column columns[] = {{"MAC", 0}, {"VLAN", 4},   {"PORT", 6},
                                                  {"LAG", 3}, {"STATUS", 0}, {"AGE", 0}};
    struct table *out = table_new(columns, ARRAY_COUNT(columns));
    AUTO_TEXT struct text vlan = TEXT_EMPTY;
    char mac[MAC_TEXT_SIZE];
    for (size_t i = 0; i < table->row_count; i++) {
        const struct forward_row *row = &table->rows[i];
        text_clear(&vlan);
        vlan_set_print(table->vlans, row->vlan, &vlan);
        table_cell(out, mac_format(forward_row_mac(row), mac));
        table_cell(out, text_get(&vlan));
        table_cell(out, row->port != FORWARD_NO_PORT ? forward_json_port(table, row->port) : "-");
        table_cell(out, forward_json_aggregate(table, row->port));
        table_cell(out, forward_json_status(row));
        if (row->age != FORWARD_AGE_UNKNOWN)
            table_cellf(out, "%u s", row->age);
        else
            table_cell(out, "");
        table_page(out, stdout);
    }
    table_print(out, stdout, terminal_width(stdout), terminal_colours(stdout));
    table_free(out);
}

static void print_csv(const struct forward_table *table)
{
    AUTO_TEXT struct text vlan = TEXT_EMPTY;
    char mac[MAC_TEXT_SIZE];
    fputs("switch,port,vlan,mac,status\r\n", stdout);
    for (size_t i = 0; i < table->row_count; i++) {
        const struct forward_row *row = &table->rows[i];
        text_clear(&vlan);
        vlan_set_print(table->vlans, row->vlan, &vlan);
        report_csv_field(stdout, table->switch_name);
        putchar(',');
        report_csv_field(stdout, forward_json_port(table, row->port));
        printf(",%s,%s,%s\r\n", text_get(&vlan), mac_format(forward_row_mac(row), mac),
               forward_json_status(row));
    }
}

static void print_receipts(struct session *session, const struct forward_table *table)
{
    char took[CLOCK_TEXT_SIZE], ageing[CLOCK_TEXT_SIZE];
    session_note(session, "%s: %zu rows on %zu ports in %s, ageing %s, %s", table->switch_name,
                 table->row_count, table->port_count,
                 span_format(wall_since(table->ended, table->started), took),
                 table->ageing.us >= 0 ? span_format(table->ageing, ageing)
                                       : "not told (300 s assumed)",
                 table->whole ? "whole" : "NOT WHOLE");
    for (size_t i = 0; i < table->receipt_count; i++) {
        const struct receipt *r = &table->receipts[i];
        if (!r->whole)
            session_note(session, "%s%s%s: %s", table->switch_name, *r->context != '\0' ? " " : "",
                         r->context, r->why_not);
    }
}

static int print_forward(struct session *session, const struct forward_table *table,
                         enum output_format format)
{
    switch (format) {
    case FORMAT_TABLE:
        print_table(table);
        break;
    case FORMAT_CSV:
        print_csv(table);
        break;
    case FORMAT_JSON:
        forward_json_print(table, stdout);
        break;
    }
    print_receipts(session, table);
    return table->whole ? EXIT_CLEAN : EXIT_NOT_OBSERVED;
}

static int forward_file(const char *path, const struct common_options *common)
{
    struct session quiet_session = {.command = "forward", .quiet = common->quiet};
    struct forward_table *table;
    struct err err;
    if (ask_recording(path, &table, &err) != 0)
        return command_fail("forward", EXIT_USAGE, "%s", err.text);
    int status = EXIT_CLEAN;
    for (const struct forward_table *one = table; one != NULL; one = one->next) {
        if (print_forward(&quiet_session, one, common->format) != EXIT_CLEAN)
            status = EXIT_NOT_OBSERVED;
    }
    forward_table_free(table);
    return status;
}

static int forward_switch(const char *name, const struct common_options *common)
{
    struct session session;
    struct round_options options;
    struct round *round = NULL;
    int status = session_open(&session, "forward", common, SESSION_STORE_NONE);
    if (status == EXIT_CLEAN) {
        session_round_options(&session, &options);
        options.observed_only = true;
        options.only_switch = name;
        round = round_poll(session.config, &session.env, &options);
        session_progress_end(&session);
        if (round->table_count == 0 && round->failed_count > 0)
            status = command_fail("forward", EXIT_NOT_OBSERVED, "%s", round->failed[0].why);
        else if (round->table_count == 0)
            status = command_fail("forward", EXIT_USAGE,
                                  "%s is no switch of the configuration and no file", name);
        for (size_t i = 0; round != NULL && i < round->table_count; i++)
            status = print_forward(&session, round->tables[i], common->format);
    }
    round_free(round);
    session_close(&session);
    return status;
}

int command_forward(int argc, char **argv)
{
    struct common_options common = {.config = "muster.yaml"};
    if (command_options(argc, argv, "forward", NULL, &common) != COMMAND_OPTIONS_END)
        return EXIT_USAGE;
    if (argc - optind != 1)
        return command_fail("forward", EXIT_USAGE, "expected one switch or recording");
    if (access(argv[optind], R_OK) == 0)
        return forward_file(argv[optind], &common);
    return forward_switch(argv[optind], &common);
}
