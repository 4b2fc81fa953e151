/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/daemon_client.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"
#include "io/clock.h"
#include "model/json_out.h"
#include "workflow/case.h"

/* `muster case`: discrepancies and their life. */

struct case_options {
    struct common_options common;
    bool all, without_proof;
    const char *kind, *state, *text, *subject;
};

static void print_case_json(const struct case_record *record)
{
    AUTO_TEXT struct text out = TEXT_EMPTY;
    text_add_char(&out, '{');
    json_case(&out, record);
    text_add_char(&out, '}');
    puts(text_get(&out));
}

static void print_case_table(const struct case_record *records, size_t count)
{
    static const struct table_column columns[] = {{"CASE", 0},   {"KIND", 0},   {"STATE", 0},
                                                  {"ABOUT", 17}, {"SINCE", 10}, {"ROUNDS", 0}};
    struct table *table = table_new(columns, ARRAY_COUNT(columns));
    char id[CASE_ID_SIZE], since[CLOCK_TEXT_SIZE];
    AUTO_TEXT struct text about = TEXT_EMPTY;
    for (size_t i = 0; i < count; i++) {
        const struct case_record *r = &records[i];
        table_cell(table, case_id_format(r->number, id));
        table_cell(table, discrepancy_word(r->discrepancy->kind));
        table_cell(table, case_state_word(r->state));
        text_clear(&about);
        report_subject(&about, r->discrepancy);
        table_cell(table, text_get(&about));
        char *time = strchr(wall_format_seconds(r->first, since), 'T');
        if (time != NULL)
            *time = ' '; /* where it may be wrapped */
        table_cell(table, since);
        table_cellf(table, "%u", r->count);
        if (case_state_open(r->state))
            table_row_colour(table, report_severity_colour(r->discrepancy->severity));
        table_note(table, r->discrepancy->why);
    }
    table_print(table, stdout, terminal_width(stdout), terminal_colours(stdout));
    table_free(table);
}

static void print_cases_csv(const struct case_record *records, size_t count)
{
    AUTO_TEXT struct text rows = TEXT_EMPTY;
    char id[CASE_ID_SIZE];
    report_csv_header(&rows);
    for (size_t i = 0; i < count; i++)
        report_csv_row(&rows, records[i].discrepancy, case_id_format(records[i].number, id));
    fputs(text_get(&rows), stdout);
}

static int case_list(struct session *session, const struct case_options *options)
{
    struct case_filter filter = CASE_FILTER_OPEN;
    const struct case_record *records;
    size_t count;
    struct err err;
    filter.all = options->all;
    filter.subject = options->subject;
    if (options->kind != NULL &&
        (filter.kind = discrepancy_parse(options->kind)) == DISCREPANCY_KIND_COUNT)
        return command_fail("case", EXIT_USAGE, "there is no kind \"%s\"", options->kind);
    if (options->state != NULL &&
        (filter.state = case_state_parse(options->state)) == CASE_STATE_COUNT)
        return command_fail("case", EXIT_USAGE, "there is no state \"%s\"", options->state);
    if (options->state != NULL)
        filter.all = true;
    if (store_list_cases(session->store, &filter, session->arena, &records, &count, &err) != 0)
        return command_fail("case", EXIT_USAGE, "%s", err.text);
    if (options->common.format == FORMAT_TABLE)
        print_case_table(records, count);
    for (size_t i = 0; options->common.format == FORMAT_JSON && i < count; i++)
        print_case_json(&records[i]);
    if (options->common.format == FORMAT_CSV)
        print_cases_csv(records, count);
    session_note(session, "%zu case%s", count, count == 1 ? "" : "s");
    return EXIT_CLEAN;
}

static void print_events(const struct case_event *events, size_t count)
{
    static const struct table_column columns[] = {{"AT", 0}, {"EVENT", 0}, {"BY", 6}, {"SAYS", 20}};
    struct table *table = table_new(columns, ARRAY_COUNT(columns));
    char at[CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < count; i++) {
        table_cell(table, wall_format_seconds(events[i].at, at));
        table_cell(table, case_event_word(events[i].kind));
        table_cell(table, *events[i].who != '\0' ? events[i].who : "muster");
        table_cell(table, events[i].text);
    }
    table_print(table, stdout, terminal_width(stdout), terminal_colours(stdout));
    table_free(table);
}

static int case_show(struct session *session, const struct case_record *record,
                     const struct case_options *options)
{
    const struct case_event *events;
    size_t count;
    struct err err;
    if (options->common.format == FORMAT_JSON) {
        print_case_json(record);
        return EXIT_CLEAN;
    }
    if (store_load_events(session->store, record->number, session->arena, &events, &count, &err) !=
        0)
        return command_fail("case", EXIT_USAGE, "%s", err.text);
    print_case_table(record, 1);
    putchar('\n');
    report_evidence(stdout, record->discrepancy->evidence, record->discrepancy->evidence_count);
    putchar('\n');
    print_events(events, count);
    return EXIT_CLEAN;
}

/* The person at the terminal, for the case's record. */
static const char *person(struct session *session)
{
    const struct passwd *entry = getpwuid(getuid());
    if (entry != NULL)
        return arena_printf(session->arena, "%s", entry->pw_name);
    return arena_printf(session->arena, "uid %u", (unsigned)getuid());
}

static int case_change(struct session *session, const struct case_record *record, const char *verb,
                       const struct case_options *options)
{
    struct case_change change;
    struct err err;
    const char *who = person(session), *text = options->text != NULL ? options->text : "";
    char id[CASE_ID_SIZE];
    int status;
    if (strcmp(verb, "ack") == 0)
        status = case_acknowledge(record, who, text, clock_wall(), &change, &err);
    else
        status = case_close(record, who, text, options->without_proof, clock_wall(), &change, &err);
    if (status == 0)
        status = store_case_change(session->store, &change, &err);
    if (status != 0)
        return command_fail("case", EXIT_USAGE, "%s", err.text);
    session_note(session, "%s is %s", case_id_format(record->number, id),
                 case_state_word(change.record.state));
    return EXIT_CLEAN;
}

/* Has the running daemon change the case: it alone writes to the store. Sets *ret_status and
 * returns true, or returns false when no daemon runs. */
static bool ask_daemon(const char *verb, const char *name, const struct case_options *options,
                       int *ret_status)
{
    AUTO_TEXT struct text message = TEXT_EMPTY;
    struct daemon_client *client = NULL;
    struct err err = {0};
    int status = daemon_client_open(options->common.config, NULL, &client, &err);
    if (status == ERR_NOT_FOUND || status == ERR_SYNTAX)
        return false; /* of a wrong configuration session_open() says more */
    if (status == 0)
        status = daemon_client_ask(client,
                                   json_pack("{s:s,s:s,s:s,s:s,s:b}", "request", "case", "verb",
                                             verb, "case", name, "text",
                                             options->text != NULL ? options->text : "",
                                             "without_proof", options->without_proof),
                                   &err);
    if (status == 0)
        status = daemon_client_end(client, &message);
    else
        text_add(&message, err.text);
    daemon_client_close(client);
    if (status == 0 && !options->common.quiet)
        fprintf(stderr, "muster case: %s\n", text_get(&message));
    *ret_status =
        status == 0 ? EXIT_CLEAN : command_fail("case", EXIT_USAGE, "%s", text_get(&message));
    return true;
}

static int run_verb(struct session *session, const char *verb, const char *name,
                    const struct case_options *options)
{
    uint64_t number;
    struct case_record record;
    struct err err;
    if (session->store == NULL)
        return command_fail(
            "case", EXIT_USAGE,
            "there is no store yet, so there are no cases: `muster audit` makes one");
    if (strcmp(verb, "list") == 0)
        return case_list(session, options);
    if (case_id_parse(name, &number) != 0)
        return command_fail("case", EXIT_USAGE, "\"%s\" is no case; they are called C12", name);
    if (store_find_case(session->store, number, session->arena, &record, &err) != 0)
        return command_fail("case", EXIT_USAGE, "%s", err.text);
    if (strcmp(verb, "show") == 0)
        return case_show(session, &record, options);
    if (!session->store_writable)
        return command_fail("case", EXIT_USAGE, "the store cannot be written; %s is unchanged",
                            name);
    return case_change(session, &record, verb, options);
}

enum {
    OPTION_ALL = 256,
    OPTION_KIND,
    OPTION_STATE,
    OPTION_TEXT_ARGUMENT,
    OPTION_SUBJECT,
    OPTION_WITHOUT_PROOF
};

static bool parse_options(int argc, char **argv, struct case_options *ret)
{
    static const struct option options[] = {
        {"all", no_argument, NULL, OPTION_ALL},
        {"kind", required_argument, NULL, OPTION_KIND},
        {"state", required_argument, NULL, OPTION_STATE},
        {"text", required_argument, NULL, OPTION_TEXT_ARGUMENT},
        {"subject", required_argument, NULL, OPTION_SUBJECT},
        {"without-proof", no_argument, NULL, OPTION_WITHOUT_PROOF},
        {NULL, 0, NULL, 0}};
    for (int option; (option = command_options(argc, argv, "case", options, &ret->common)) != -1;) {
        switch (option) {
        case OPTION_ALL:
            ret->all = true;
            break;
        case OPTION_KIND:
            ret->kind = optarg;
            break;
        case OPTION_STATE:
            ret->state = optarg;
            break;
        case OPTION_TEXT_ARGUMENT:
            ret->text = optarg;
            break;
        case OPTION_SUBJECT:
            ret->subject = optarg;
            break;
        case OPTION_WITHOUT_PROOF:
            ret->without_proof = true;
            break;
        default:
            return false;
        }
    }
    return true;
}

int command_case(int argc, char **argv)
{
    static const char *const verbs[] = {"list", "show", "ack", "close"};
    struct case_options options = {.common = {.config = "muster.yaml"}};
    if (!parse_options(argc, argv, &options))
        return EXIT_USAGE;
    const char *verb = optind < argc ? argv[optind] : "list";
    size_t which = 0;
    while (which < ARRAY_COUNT(verbs) && strcmp(verbs[which], verb) != 0)
        which++;
    if (which == ARRAY_COUNT(verbs))
        return command_fail("case", EXIT_USAGE, "expected list, show, ack or close, not \"%s\"",
                            verb);
    if ((argc - optind > 1) != (which != 0) || argc - optind > 2)
        return command_fail("case", EXIT_USAGE,
                            which == 0 ? "list takes no case" : "expected one case after the verb");
    struct session session;
    int status;
    if (which >= 2 && ask_daemon(verb, argv[optind + 1], &options, &status))
        return status;
    status = session_open(&session, "case", &options.common,
                          which >= 2 ? SESSION_STORE_WRITE : SESSION_STORE_READ);
    if (status == EXIT_CLEAN)
        status = run_verb(&session, verb, optind + 1 < argc ? argv[optind + 1] : NULL, &options);
    session_close(&session);
    return status;
}
