/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/edge.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"
#include "model/json_out.h"

/* `muster learn`: the hypervisor forward table (T2) from where the hypervisors'
 * own NICs are seen, to review and then to accept as a file. */

struct learner {
    enum output_format format;
    struct table *table; /* FORMAT_TABLE */
    FILE *csv;           /* the accepted file, or stdout for FORMAT_CSV */
    size_t seen, unseen, changed;
};

static bool differs(const struct edge_learnt *l)
{
    return l->recorded.switch_name != NULL && l->seen.switch_name != NULL &&
           (strcmp(l->recorded.switch_name, l->seen.switch_name) != 0 ||
            strcmp(l->recorded.port != NULL ? l->recorded.port : "",
                   l->seen.port != NULL ? l->seen.port : "") != 0);
}

static void print_json(const struct edge_learnt *l)
{
    AUTO_TEXT struct text out = TEXT_EMPTY;
    text_add_char(&out, '{');
    json_key(&out, "hypervisor");
    json_text(&out, l->hypervisor);
    json_key(&out, "nic_mac");
    json_mac(&out, l->nic_mac);
    json_key(&out, "recorded_switch");
    json_text_or_null(&out, l->recorded.switch_name);
    json_key(&out, "recorded_port");
    json_text_or_null(&out, l->recorded.port);
    json_key(&out, "switch");
    json_text_or_null(&out, l->seen.switch_name);
    json_key(&out, "port");
    json_text_or_null(&out, l->seen.port);
    json_key(&out, "confidence");
    json_text(&out, edge_confidence_word(l->confidence));
    json_key(&out, "reason");
    json_text(&out, l->reason);
    text_add_char(&out, '}');
    puts(text_get(&out));
}

static void print_row(struct table *table, const struct edge_learnt *l)
{
    char mac[MAC_TEXT_SIZE];
    table_cell(table, l->hypervisor);
    table_cell(table, mac_format(l->nic_mac, mac));
    table_cellf(table, "%s %s", l->recorded.switch_name != NULL ? l->recorded.switch_name : "-",
                l->recorded.port != NULL ? l->recorded.port : "");
    table_cellf(table, "%s %s", l->seen.switch_name != NULL ? l->seen.switch_name : "-",
                l->seen.port != NULL ? l->seen.port : "");
    table_cell(table, edge_confidence_word(l->confidence));
    table_row_colour(table, l->seen.switch_name == NULL ? COLOUR_DIM
                            : differs(l)                ? COLOUR_YELLOW
                                                        : COLOUR_PLAIN);
    table_note(table, l->reason);
}

/* A row of the accepted file: what is seen, or else what was recorded. */
static void print_csv(FILE *to, const struct edge_learnt *l)
{
    char mac[MAC_TEXT_SIZE];
    const struct named_place *place = l->seen.switch_name != NULL ? &l->seen : &l->recorded;
    const char *fields[] = {l->hypervisor, mac_format(l->nic_mac, mac), place->switch_name,
                            place->port};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        if (i > 0)
            fputc(',', to);
        report_csv_field(to, fields[i]);
    }
    fputs("\r\n", to);
}

static void visit(void *aux, const struct edge_learnt *learnt)
{
    struct learner *learner = aux;
    learner->seen += learnt->seen.switch_name != NULL;
    learner->unseen += learnt->seen.switch_name == NULL;
    learner->changed += differs(learnt);
    if (learner->table != NULL)
        print_row(learner->table, learnt);
    if (learner->format == FORMAT_JSON)
        print_json(learnt);
    if (learner->csv != NULL)
        print_csv(learner->csv, learnt);
}

/* Writes beside the file and renames, so that a half-written one never stands. */
static FILE *open_accepted(const char *path, struct session *session, const char **ret_temporary)
{
    *ret_temporary = arena_printf(session->arena, "%s.new", path);
    FILE *file = fopen(*ret_temporary, "wx");
    if (file == NULL)
        command_fail("learn", EXIT_USAGE, "cannot write %s: %s; nothing was accepted",
                     *ret_temporary, strerror(errno));
    return file;
}

static int finish_accepted(FILE *file, const char *temporary, const char *path)
{
    bool written = fflush(file) == 0 && fsync(fileno(file)) == 0;
    int saved = errno;
    if (fclose(file) != 0 || !written || rename(temporary, path) != 0) {
        saved = written ? errno : saved;
        unlink(temporary);
        return command_fail("learn", EXIT_USAGE, "cannot write %s: %s; nothing was accepted", path,
                            strerror(saved));
    }
    return EXIT_CLEAN;
}

static int learn(struct session *session, const struct view *view, const char *accept,
                 enum output_format format)
{
    static const struct table_column columns[] = {
        {"HYPERVISOR", 10}, {"NIC", 0}, {"RECORDED", 9}, {"SEEN", 9}, {"SURE", 0}};
    struct learner learner = {.format = format};
    const char *temporary = NULL;
    if (accept != NULL && (learner.csv = open_accepted(accept, session, &temporary)) == NULL)
        return EXIT_USAGE;
    if (accept == NULL && format == FORMAT_CSV)
        learner.csv = stdout;
    if (learner.csv != NULL)
        fputs("hypervisor,nic_mac,switch,port\r\n", learner.csv);
    if (format == FORMAT_TABLE)
        learner.table = table_new(columns, ARRAY_COUNT(columns));
    edge_learn(view->world, visit, &learner);
    if (learner.table != NULL)
        table_print(learner.table, stdout, terminal_width(stdout), terminal_colours(stdout));
    table_free(learner.table);
    session_note(session, "%zu attachments seen, %zu NICs seen nowhere, %zu not as recorded",
                 learner.seen, learner.unseen, learner.changed);
    if (accept == NULL)
        return EXIT_CLEAN;
    int status = finish_accepted(learner.csv, temporary, accept);
    if (status == EXIT_CLEAN)
        session_note(session, "wrote %s", accept);
    return status;
}

enum { OPTION_ACCEPT = 256 };

int command_learn(int argc, char **argv)
{
    static const struct option options[] = {{"accept", required_argument, NULL, OPTION_ACCEPT},
                                            {NULL, 0, NULL, 0}};
    struct common_options common = {.config = "muster.yaml"};
    const char *accept = NULL;
    for (int option; (option = command_options(argc, argv, "learn", options, &common)) != -1;) {
        if (option != OPTION_ACCEPT)
            return EXIT_USAGE;
        accept = optarg;
    }
    if (optind != argc)
        return command_fail("learn", EXIT_USAGE, "unexpected \"%s\"", argv[optind]);
    struct session session;
    struct view view = {0};
    int status = session_open(&session, "learn", &common, SESSION_STORE_READ);
    if (status == EXIT_CLEAN)
        status = view_open(&session, true, &view);
    if (status == EXIT_CLEAN)
        status = learn(&session, &view, accept, common.format);
    view_close(&view);
    session_close(&session);
    return status;
}
