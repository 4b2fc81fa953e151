/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "audit/edge.h"
#include "base/alloc.h"
#include "cli/ask.h"
#include "cli/heard_words.h"
#include "cli/question.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"
#include "model/json_out.h"

/* `muster where`: the decided edge of one address, of a guest's addresses, or of
 * every address in the tables. */

static const struct table_column columns[] = {{"MAC", 0},  {"VLAN", 4}, {"SWITCH", 6},
                                              {"PORT", 4}, {"SURE", 0}, {"WHO", 6}};

/* Where answers go: a table for people, a line each for programs. */
struct printer {
    enum output_format format;
    struct table *table; /* FORMAT_TABLE */
    struct text line;
    size_t count;
};

static void print_json(struct printer *p, const struct edge_answer *a)
{
    struct text *to = &p->line;
    text_clear(to);
    text_add_char(to, '{');
    json_key(to, "type");
    json_text(to, "edge");
    json_key(to, "mac");
    json_mac(to, a->mac);
    json_key(to, "site");
    json_text(to, a->site);
    json_key(to, "vlan");
    json_vlan_value(to, a->vlan);
    json_key(to, "switch");
    json_text_or_null(to, a->place.switch_name);
    json_key(to, "if_name");
    json_text_or_null(to, a->place.port);
    json_key(to, "confidence");
    json_text(to, edge_confidence_word(a->confidence));
    json_key(to, "reason");
    json_text(to, a->reason);
    json_key(to, "hypervisor");
    json_text_or_null(to, a->hypervisor);
    json_key(to, "guest");
    json_text_or_null(to, a->guest);
    json_key(to, "path");
    text_add_char(to, '[');
    for (size_t i = 0; i < a->path_count; i++) {
        text_add(to, i > 0 ? ",{" : "{");
        json_key(to, "switch");
        json_text(to, a->path[i].switch_name);
        json_key(to, "if_name");
        json_text(to, a->path[i].port);
        text_add_char(to, '}');
    }
    text_add(to, "]}\n");
    fwrite(to->data, 1, to->length, stdout);
}

static void print_csv(const struct edge_answer *a)
{
    char mac[MAC_TEXT_SIZE];
    const char *fields[] = {mac_format(a->mac, mac),
                            a->vlan,
                            a->place.switch_name,
                            a->place.port,
                            edge_confidence_word(a->confidence),
                            a->hypervisor,
                            a->guest,
                            a->reason};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        if (i > 0)
            putchar(',');
        report_csv_field(stdout, fields[i]);
    }
    fputs("\r\n", stdout);
}

static void print_row(struct printer *p, const struct edge_answer *a, bool with_reason)
{
    char mac[MAC_TEXT_SIZE];
    table_cell(p->table, mac_format(a->mac, mac));
    table_cell(p->table, a->vlan);
    table_cell(p->table, a->place.switch_name != NULL ? a->place.switch_name : "-");
    table_cell(p->table, a->place.port != NULL ? a->place.port : "-");
    table_cell(p->table, edge_confidence_word(a->confidence));
    table_cellf(p->table, "%s%s%s", a->guest != NULL ? a->guest : "",
                a->guest != NULL && a->hypervisor != NULL ? " at " : "",
                a->hypervisor != NULL ? a->hypervisor : "");
    if (!with_reason)
        return;
    struct text *note = &p->line;
    text_clear(note);
    text_add(note, a->reason);
    for (size_t i = 0; i < a->path_count; i++)
        text_printf(note, "%s%s %s", i == 0 ? " Path: " : ", ", a->path[i].switch_name,
                    a->path[i].port);
    table_note(p->table, text_get(note));
}

static void printer_start(struct printer *p, enum output_format format)
{
    *p = (struct printer){.format = format};
    if (format == FORMAT_TABLE)
        p->table = table_new(columns, ARRAY_COUNT(columns));
    if (format == FORMAT_CSV)
        fputs("mac,vlan,switch,if_name,confidence,hypervisor,guest,reason\r\n", stdout);
}

static void printer_add(struct printer *p, const struct edge_answer *answer, bool with_reason)
{
    p->count++;
    switch (p->format) {
    case FORMAT_TABLE:
        print_row(p, answer, with_reason);
        table_page(p->table, stdout);
        break;
    case FORMAT_JSON:
        print_json(p, answer);
        break;
    case FORMAT_CSV:
        print_csv(answer);
        break;
    }
}

static void printer_end(struct printer *p)
{
    if (p->format == FORMAT_TABLE)
        table_print(p->table, stdout, terminal_width(stdout), terminal_colours(stdout));
    table_free(p->table);
    text_done(&p->line);
}

static void visit_answer(void *aux, const struct edge_answer *answer)
{
    printer_add(aux, answer, false);
}

static int where_all(const struct world *world, enum output_format format)
{
    struct printer printer;
    printer_start(&printer, format);
    edge_decide_all(world, visit_answer, &printer);
    printer_end(&printer);
    return EXIT_CLEAN;
}

/* What was heard of an address that is nowhere now. */
static void say_heard(const struct session *session, const struct view *view, struct mac mac)
{
    static const char *const ends[] = {[HEARD_OPEN] = "; its session is open",
                                       [HEARD_STOPPED] = "; its session ended ",
                                       [HEARD_RESET] = "; its session ended ",
                                       [HEARD_EXPIRED] = "; its session expired "};
    char text[MAC_TEXT_SIZE], last[CLOCK_TEXT_SIZE], ended[CLOCK_TEXT_SIZE] = "";
    for (size_t i = 0; i < view->heard.count; i++) {
        const struct heard_fact *fact = &view->heard.facts[i];
        const struct heard_origin *origin = fact->origin;
        bool frame = origin->nas == NULL || origin->nas[0] == '\0';
        if (!mac_equal(fact->mac, mac))
            continue;
        if (fact->end != HEARD_OPEN)
            wall_format_ms(fact->ended, ended);
        session_note(session, "%s was heard%s%s%s%s, last %s%s%s", mac_format(mac, text),
                     origin->switch_name != NULL && *origin->switch_name != '\0' ? " at " : "",
                     origin->switch_name != NULL ? origin->switch_name : "",
                     origin->port != NULL && *origin->port != '\0' ? " port " : "",
                     origin->port != NULL ? origin->port : "", wall_format_ms(fact->last, last),
                     frame ? "" : ends[fact->end], frame ? "" : ended);
    }
}

/* What was heard of it after the round that answers. */
static void say_since(const struct session *session, const struct view *view, struct mac mac)
{
    enum { SINCE_SHOWN = 3 };
    struct err err;
    struct heard_line *lines;
    struct heard_said *said;
    size_t count, more;
    char at[CLOCK_TEXT_SIZE];
    const struct heard_of_query query = {
        .macs = &mac, .mac_count = 1, .to = view->until, .limit = SINCE_SHOWN};
    if (view->stored == NULL)
        return;
    if (store_list_heard_of(session->store, &query, session->arena, &lines, &count, &more, &err) !=
        0) {
        session_note(session, "%s", err.text);
        return;
    }
    count = heard_words(lines, count, view->world, session->arena, &said);
    for (size_t i = 0; i < count; i++)
        if (said[i].at.us > view->now.us)
            session_note(session, "since that round, %s: %s", wall_format_ms(said[i].at, at),
                         said[i].text);
}

static int where_macs(struct session *session, const struct view *view, const char *name,
                      enum output_format format)
{
    struct mac *macs;
    size_t count = ask_macs(view, name, &macs);
    AUTO_FREE struct mac *owned = macs;
    if (count == 0)
        return command_fail(session->command, EXIT_FOUND,
                            "%s is neither an address nor a recorded guest", name);
    struct printer printer;
    printer_start(&printer, format);
    for (size_t i = 0; i < count; i++) {
        struct edge_answer *answers;
        size_t found = edge_decide(view->world, macs[i], session->arena, &answers);
        for (size_t k = 0; k < found; k++)
            printer_add(&printer, &answers[k], true);
        if (found == 0) {
            char text[MAC_TEXT_SIZE];
            session_note(session, "%s is in none of the %zu forward tables that were read",
                         mac_format(macs[i], text), view->table_count);
            say_heard(session, view, macs[i]);
        }
        say_since(session, view, macs[i]);
    }
    size_t shown = printer.count;
    printer_end(&printer);
    return shown > 0 ? EXIT_CLEAN : EXIT_FOUND;
}

int question_where(struct session *session, const struct view *view, const char *name,
                   enum output_format format)
{
    return name == NULL ? where_all(view->world, format) : where_macs(session, view, name, format);
}

static int where_recordings(const char *directory, enum output_format format)
{
    struct forward_table **tables = NULL;
    size_t count = 0;
    struct err err;
    if (ask_recordings(directory, &tables, &count, &err) != 0)
        return command_fail("where", EXIT_USAGE, "%s", err.text);
    struct audit_options options;
    audit_options_init(&options);
    struct world_input input = {.tables = (const struct forward_table *const *)tables,
                                .table_count = count,
                                .options = &options};
    struct world *world = world_new(&input);
    int status = where_all(world, format);
    world_free(world);
    for (size_t i = 0; i < count; i++)
        forward_table_free(tables[i]);
    free(tables);
    return status;
}

enum { OPTION_ALL = 256, OPTION_NOW, OPTION_RECORDINGS };

int command_where(int argc, char **argv)
{
    static const struct option options[] = {
        {"all", no_argument, NULL, OPTION_ALL},
        {"now", no_argument, NULL, OPTION_NOW},
        {"recordings", required_argument, NULL, OPTION_RECORDINGS},
        {NULL, 0, NULL, 0}};
    struct common_options common = {.config = "muster.yaml"};
    bool all = false, now = false;
    const char *recordings = NULL;
    for (int option; (option = command_options(argc, argv, "where", options, &common)) != -1;) {
        if (option == OPTION_ALL)
            all = true;
        else if (option == OPTION_NOW)
            now = true;
        else if (option == OPTION_RECORDINGS)
            recordings = optarg;
        else
            return EXIT_USAGE;
    }
    if (all != (optind == argc) || argc - optind > 1)
        return command_fail("where", EXIT_USAGE, "expected one MAC or guest, or --all");
    if (recordings != NULL && !all)
        return command_fail("where", EXIT_USAGE, "--recordings goes with --all");
    if (recordings != NULL)
        return where_recordings(recordings, common.format);
    struct session session;
    struct view view = {0};
    int status = session_open(&session, "where", &common, SESSION_STORE_READ);
    if (status == EXIT_CLEAN)
        status = view_open(&session, now, &view);
    if (status == EXIT_CLEAN)
        status = question_where(&session, &view, all ? NULL : argv[optind], common.format);
    view_close(&view);
    session_close(&session);
    return status;
}
