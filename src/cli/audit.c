/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "cli/audit_output.h"
#include "cli/question.h"
#include "daemon/config.h"

/* `muster audit`: one polling round, judged, remembered, printed. */

struct audit_command {
    struct common_options common;
    bool no_store;
    const char **accept_shrunk;
    size_t accept_shrunk_count;
};

/* What a replay shows as it was then, and a round leaves behind. */
static int recall_or_remember(struct session *session, const struct view *view,
                              struct audit_output *output, struct judging *judging)
{
    struct err err;
    if (view->stored != NULL &&
        (judging_recall(judging, session->store, &view->stored->round, session->arena, &err) != 0 ||
         store_load_receipts(session->store, view->stored->round.number, &output->stored_receipts,
                             &output->stored_receipt_count, &err) != 0))
        return command_fail(session->command, EXIT_USAGE, "%s", err.text);
    if (view->round != NULL && session->store_writable &&
        judging_remember(judging, view->round, view->world, NULL, session->store,
                         session->config->retention, session->arena, &err) != 0)
        return command_fail(session->command, EXIT_USAGE, "%s", err.text);
    return EXIT_CLEAN;
}

int question_audit(struct session *session, const struct view *view, enum output_format format)
{
    struct judging judging;
    struct audit_output output = {.judging = &judging, .view = view};
    judging_run(view->world, view->now, session->arena, &judging);
    bool storing = view->round != NULL && session->store_writable;
    if (view->stored != NULL || storing || format == FORMAT_TABLE)
        judging_words(&judging, storing ? LIMIT_MEMBERS : 0, session->arena);
    int status = recall_or_remember(session, view, &output, &judging);
    if (status == EXIT_CLEAN)
        status = audit_output_print(session, &output, format);
    store_receipts_free(output.stored_receipts, output.stored_receipt_count);
    judging_done(&judging);
    return status;
}

static bool source_exists(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->recorded_count; i++) {
        if (strcmp(config->recorded[i].name, name) == 0)
            return true;
    }
    return false;
}

static int audit_round(struct session *session, const struct audit_command *command)
{
    struct round_options options;
    struct view view = {0};
    for (size_t i = 0; i < command->accept_shrunk_count; i++) {
        if (!source_exists(session->config, command->accept_shrunk[i]))
            return command_fail("audit", EXIT_USAGE,
                                "--accept-shrunk %s: there is no recorded source of that name",
                                command->accept_shrunk[i]);
    }
    session_round_options(session, &options);
    options.accept_shrunk = command->accept_shrunk;
    options.accept_shrunk_count = command->accept_shrunk_count;
    int status = view_poll(session, &options, &view);
    if (status == EXIT_CLEAN)
        status = question_audit(session, &view, command->common.format);
    view_close(&view);
    return status;
}

enum { OPTION_ACCEPT_SHRUNK = 256, OPTION_NO_STORE };

int command_audit(int argc, char **argv)
{
    static const struct option options[] = {
        {"accept-shrunk", required_argument, NULL, OPTION_ACCEPT_SHRUNK},
        {"no-store", no_argument, NULL, OPTION_NO_STORE},
        {NULL, 0, NULL, 0}};
    struct audit_command command = {.common = {.config = "muster.yaml"}};
    AUTO_FREE const char **accepted = alloc_zeroed((size_t)argc, sizeof *accepted);
    command.accept_shrunk = accepted;
    for (int option;
         (option = command_options(argc, argv, "audit", options, &command.common)) != -1;) {
        if (option == OPTION_ACCEPT_SHRUNK)
            accepted[command.accept_shrunk_count++] = optarg;
        else if (option == OPTION_NO_STORE)
            command.no_store = true;
        else
            return EXIT_USAGE;
    }
    if (optind != argc)
        return command_fail("audit", EXIT_USAGE, "unexpected \"%s\"", argv[optind]);
    struct session session;
    int status = session_open(&session, "audit", &command.common,
                              command.no_store ? SESSION_STORE_NONE : SESSION_STORE_WRITE);
    if (status == EXIT_CLEAN)
        status = audit_round(&session, &command);
    session_close(&session);
    return status;
}
