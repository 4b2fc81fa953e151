/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "audit/explain.h"
#include "base/alloc.h"
#include "cli/ask.h"
#include "cli/heard_words.h"
#include "cli/question.h"
#include "cli/report.h"
#include "cli/table.h"
#include "model/json_out.h"

/* `muster why`: the chain of proof about a guest, an address or a case, and what was heard of
 * it. */

enum { HEARD_SHOWN = 12 };

/* What was heard of who is asked about, in words. */
struct heard_block {
    struct heard_said *said;
    size_t count, more;
};

static void print_explanation(const struct explanation *e)
{
    printf("%s\n\n", e->title);
    if (e->verdict_count == 0 && e->chain_count > 0)
        report_evidence(stdout, e->chain, e->chain_count);
    for (size_t i = 0; i < e->verdict_count; i++) {
        const struct discrepancy *d = &e->verdicts[i];
        report_evidence(stdout, d->evidence, d->evidence_count);
    }
    if (e->verdict_count + e->chain_count > 0)
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

static void print_explanation_json(const struct explanation *e, const struct heard_block *heard)
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
    if (heard != NULL)
        heard_words_json(heard->said, heard->count, heard->more, &out);
    text_add(&out, "}");
    puts(text_get(&out));
}

/* Loads what was heard of the addresses, or of the IP address, by the time that is asked of. */
static int load_heard(struct session *session, const struct view *view, const struct mac *macs,
                      size_t mac_count, const struct ip *ip, struct heard_block *ret)
{
    struct err err;
    struct heard_line *lines = NULL;
    size_t count = 0;
    const struct heard_of_query query = {.macs = macs,
                                         .mac_count = mac_count,
                                         .addresses = ip,
                                         .address_count = ip != NULL,
                                         .to = view->until,
                                         .limit = HEARD_SHOWN};
    *ret = (struct heard_block){0};
    if (session->store == NULL || (mac_count == 0 && ip == NULL))
        return EXIT_CLEAN;
    if (store_list_heard_of(session->store, &query, session->arena, &lines, &count, &ret->more,
                            &err) != 0)
        return command_fail(session->command, EXIT_USAGE, "%s", err.text);
    ret->count = heard_words(lines, count, view->world, session->arena, &ret->said);
    return EXIT_CLEAN;
}

/* Who is known by what was heard of it alone. */
static int tell_heard_only(struct session *session, const char *name,
                           const struct heard_block *heard, const struct discrepancy *verdicts,
                           size_t verdict_count, enum output_format format)
{
    if (heard->count == 0)
        return command_fail(session->command, EXIT_FOUND,
                            "%s is in no record and in no forward table that was read, and nothing "
                            "was heard of it",
                            name);
    const struct explanation explanation = {
        .title = arena_printf(session->arena, "%s, only heard of", name),
        .verdicts = verdicts,
        .verdict_count = verdict_count,
        .conclusion = verdict_count > 0
                          ? verdicts[0].why
                          : "nothing is reported of it; it is in no record and no forward table"};
    if (format == FORMAT_JSON) {
        print_explanation_json(&explanation, heard);
        return EXIT_CLEAN;
    }
    print_explanation(&explanation);
    heard_words_print(heard->said, heard->count, heard->more, stdout);
    return EXIT_CLEAN;
}

/* A home address has cases and no forward table. */
static int why_address(struct session *session, const struct view *view, const char *name,
                       const struct ip *ip, enum output_format format)
{
    struct err err;
    struct heard_block heard;
    char text[IP_TEXT_SIZE];
    const struct case_record *cases = NULL;
    size_t count = 0;
    struct case_filter filter = CASE_FILTER_OPEN;
    filter.subject = ip_format(ip, text);
    int status = load_heard(session, view, NULL, 0, ip, &heard);
    if (status != EXIT_CLEAN)
        return status;
    bool now = session->store != NULL && !wall_known(view->until);
    if (now && store_list_cases(session->store, &filter, session->arena, &cases, &count, &err) != 0)
        return command_fail(session->command, EXIT_USAGE, "%s", err.text);
    struct discrepancy *verdicts = arena_alloc(session->arena, (count + 1) * sizeof *verdicts);
    for (size_t i = 0; i < count; i++)
        verdicts[i] = *cases[i].discrepancy;
    return tell_heard_only(session, name, &heard, verdicts, count, format);
}

int question_why(struct session *session, const struct view *view, const char *name,
                 enum output_format format)
{
    struct explanation *explanations;
    struct heard_block heard;
    struct mac *macs = NULL;
    struct ip ip;
    size_t count = explain_subject(view->world, name, view->now, session->arena, &explanations);
    if (count == 0 && ip_parse(name, strlen(name), &ip) == 0)
        return why_address(session, view, name, &ip, format);
    size_t mac_count = ask_macs(view, name, &macs);
    AUTO_FREE struct mac *owned = macs;
    int status = load_heard(session, view, owned, mac_count, NULL, &heard);
    if (status != EXIT_CLEAN)
        return status;
    if (count == 0)
        return tell_heard_only(session, name, &heard, NULL, 0, format);
    for (size_t i = 0; i < count; i++) {
        if (format == FORMAT_JSON) {
            print_explanation_json(&explanations[i], &heard);
            continue;
        }
        if (i > 0)
            putchar('\n');
        print_explanation(&explanations[i]);
    }
    if (format != FORMAT_JSON)
        heard_words_print(heard.said, heard.count, heard.more, stdout);
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
        print_explanation_json(&explanation, NULL);
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
        return command_fail("why", EXIT_USAGE, "expected one MAC, guest, IP address or case");
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
