/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <string.h>

#include "cli/question.h"
#include "io/clock.h"

/* `muster as-of`: the same questions, answered from the log as they would have
 * been answered then. Nothing is polled. */

/* A time, or a span ago: "-2h", "2h". */
static int parse_instant(const char *text, struct wall *ret)
{
    struct span ago;
    if (wall_parse(text, strlen(text), ret) == 0)
        return 0;
    if (span_parse(text[0] == '-' ? text + 1 : text, &ago) != 0)
        return ERR_SYNTAX;
    *ret = wall_add(clock_wall(), span_us(-ago.us));
    return 0;
}

static int ask(struct session *session, const struct view *view, int argc, char **argv,
               enum output_format format)
{
    const char *question = argc > 0 ? argv[0] : "audit";
    if (strcmp(question, "audit") == 0 && argc <= 1)
        return question_audit(session, view, format);
    if (strcmp(question, "where") == 0 && argc == 2)
        return question_where(session, view, strcmp(argv[1], "--all") == 0 ? NULL : argv[1],
                              format);
    if (strcmp(question, "why") == 0 && argc == 2)
        return question_why(session, view, argv[1], format);
    return command_fail("as-of", EXIT_USAGE,
                        "expected audit, where MAC|GUEST|--all, or why MAC|GUEST after the time");
}

int command_as_of(int argc, char **argv)
{
    struct common_options common = {.config = "muster.yaml"};
    struct wall at;
    /* The time may begin with '-', which getopt would take for an option. */
    const char *time = NULL;
    for (int i = 1; i < argc && time == NULL; i++) {
        struct wall ignored;
        if (argv[i][0] == '-' && argv[i][1] >= '0' && argv[i][1] <= '9' &&
            parse_instant(argv[i], &ignored) == 0) {
            time = argv[i];
            memmove(&argv[i], &argv[i + 1], (size_t)(argc - i) * sizeof *argv);
            argc--;
        }
    }
    if (command_options(argc, argv, "as-of", NULL, &common) != COMMAND_OPTIONS_END)
        return EXIT_USAGE;
    if (time == NULL && optind < argc)
        time = argv[optind++];
    if (time == NULL)
        return command_fail("as-of", EXIT_USAGE, "expected a time (RFC 3339, or a span ago: -2h)");
    if (parse_instant(time, &at) != 0)
        return command_fail("as-of", EXIT_USAGE,
                            "%s is no time: expected RFC 3339 or a span ago such as -2h", time);
    struct session session;
    struct view view = {0};
    int status = session_open(&session, "as-of", &common, SESSION_STORE_READ);
    if (status == EXIT_CLEAN)
        status = view_replay(&session, at, &view);
    if (status == EXIT_CLEAN)
        status = ask(&session, &view, argc - optind, argv + optind, common.format);
    view_close(&view);
    session_close(&session);
    return status;
}
