/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "audit/explain.h"
#include "cli/question.h"
#include "cli/report.h"
#include "cli/table.h"
#include "model/json_out.h"

/* `muster why`: the chain of proof about a guest, an address or a case. */

static void print_explanation(const struct explanation *e)
{
    printf("%s\n\n", e->title);
    if (e->verdict_count == 0)
        report_evidence(stdout, e->chain, e->chain_count);
    for (size_t i = 0; i < e->verdict_count; i++) {
        const struct discrepancy *d = &e->verdicts[i];
        report_evidence(stdout, d->evidence, d->evidence_count);
    }
    putchar('\n');
    for (size_t i = 0; i < e->verdict_count; i++) {
        const struct discrepancy *d = &e->verdicts[i];
        AUTO_TEXT struct text line = TEXT_EMPTY;
        text_printf(&line, "%s, %s: %s", discrepancy_word(d->kind), verdict_state_word(d->state),
                    d->why);
        if (d->would_prove != NULL && *d->would_prove != '\0')
            text_printf(&line, ". To prove: %s", d->would_prove);
        table_paragraph(stdout, "=> ", text_get(&line), terminal_width(stdout));
    }
    if (e->verdict_count == 0 || strcmp(e->conclusion, e->verdicts[0].why) != 0)
        table_paragraph(stdout, "=> ", e->conclusion, terminal_width(stdout));
}

static void print_explanation_json(const struct explanation *e)
{
    AUTO_TEXT struct text out = TEXT_EMPTY;
    text_add_char(&out, '{');
    json_key(&out, "title");
    json_text(&out, e->title);
    json_key(&out, "evidence");
    json_evidence(&out, e->chain, e->chain_count);
    json_key(&out, "discrepancies");
    text_add_char(&out, '[');
    for (size_t i = 0; i < e->verdict_count; i++) {
        text_add(&out, i > 0 ? ",{" : "{");
        json_discrepancy(&out, &e->verdicts[i]);
        text_add_char(&out, '}');
    }
    text_add_char(&out, ']');
    json_key(&out, "conclusion");
    json_text(&out, e->conclusion);
    text_add(&out, "}");
    puts(text_get(&out));
}

int question_why(struct session *session, const struct view *view, const char *name,
                 enum output_format format)
{
    struct explanation *explanations;
    size_t count = explain_subject(view->world, name, view->now, session->arena, &explanations);
    if (count == 0)
        return command_fail(session->command, EXIT_FOUND,
                            "%s is in no record and in no forward table that was read", name);
    for (size_t i = 0; i < count; i++) {
        if (format == FORMAT_JSON) {
            print_explanation_json(&explanations[i]);
            continue;
        }
        if (i > 0)
            putchar('\n');
        print_explanation(&explanations[i]);
    }
    return EXIT_CLEAN;
}

/* A case explains itself by the evidence it was judged with. */
static int why_case(struct session *session, uint64_t number, enum output_format format)
{
    struct err err;
    struct case_record record;
    char id[CASE_ID_SIZE];
    if (session->store == NULL)
        return command_fail("why", EXIT_USAGE, "there is no store, so there are no cases");
    if (store_find_case(session->store, number, session->arena, &record, &err) != 0)
        return command_fail("why", EXIT_USAGE, "%s", err.text);
    const struct discrepancy *d = record.discrepancy;
    struct explanation explanation = {
        .title = arena_printf(session->arena, "%s %s, as judged last", case_id_format(number, id),
                              discrepancy_word(d->kind)),
        .chain = d->evidence,
        .chain_count = d->evidence_count,
        .verdicts = d,
        .verdict_count = 1,
        .conclusion =
            arena_printf(session->arena, "the case is %s", case_state_word(record.state))};
    if (format == FORMAT_JSON)
        print_explanation_json(&explanation);
    else
        print_explanation(&explanation);
    return EXIT_CLEAN;
}

/* "C12" is a case; bare numbers may be guests. */
static bool names_case(const char *text, uint64_t *ret)
{
    return (text[0] == 'C' || text[0] == 'c') && case_id_parse(text, ret) == 0;
}

enum { OPTION_NOW = 256 };

int command_why(int argc, char **argv)
{
    static const struct option options[] = {{"now", no_argument, NULL, OPTION_NOW},
                                            {NULL, 0, NULL, 0}};
    struct common_options common = {.config = "muster.yaml"};
    bool now = false;
    for (int option; (option = command_options(argc, argv, "why", options, &common)) != -1;) {
        if (option != OPTION_NOW)
            return EXIT_USAGE;
        now = true;
    }
    if (argc - optind != 1)
        return command_fail("why", EXIT_USAGE, "expected one MAC, guest or case");
    struct session session;
    struct view view = {0};
    uint64_t number;
    int status = session_open(&session, "why", &common, SESSION_STORE_READ);
    if (status == EXIT_CLEAN && names_case(argv[optind], &number)) {
        status = why_case(&session, number, common.format);
    } else if (status == EXIT_CLEAN) {
        status = view_open(&session, now, &view);
        if (status == EXIT_CLEAN)
            status = question_why(&session, &view, argv[optind], common.format);
    }
    view_close(&view);
    session_close(&session);
    return status;
}
