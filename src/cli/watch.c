/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/daemon_client.h"
#include "cli/table.h"
#include "model/discrepancy.h"

/* `muster watch`: cases and, with --events, events of the running daemon, as they happen. */

static const struct {
    const char *event;
    enum colour colour;
} colours[] = {{"opened", COLOUR_RED},
               {"confirmed", COLOUR_RED},
               {"reopened", COLOUR_RED},
               {"cleared", COLOUR_GREEN},
               {"closed", COLOUR_GREEN}};

static enum colour colour_of(const char *event)
{
    for (size_t i = 0; i < ARRAY_COUNT(colours); i++) {
        if (strcmp(colours[i].event, event) == 0)
            return colours[i].colour;
    }
    return COLOUR_PLAIN;
}

/* "12:00:01" of an RFC 3339 time: whoever watches knows the day. */
static void add_clock(struct text *to, const char *at)
{
    const char *time = strchr(at, 'T');
    if (time != NULL && strlen(time) >= 9)
        text_add_bytes(to, time + 1, 8);
    else
        text_add(to, at);
}

static void add_member(struct text *to, const char *word, const char *value)
{
    if (*value != '\0')
        text_printf(to, " %s%s%s", word, *word != '\0' ? " " : "", value);
}

static void add_subject(struct text *to, const json_t *subject)
{
    static const char *const keys[] = {"guest",  "hypervisor", "switch", "port",
                                       "source", "mac",        "address"};
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
        add_member(to, "", daemon_client_text(subject, keys[i]));
}

static void print_case(const json_t *line)
{
    AUTO_TEXT struct text head = TEXT_EMPTY;
    const char *event = daemon_client_text(line, "event");
    bool colour = terminal_colours(stdout) && colour_of(event) != COLOUR_PLAIN;
    add_clock(&head, daemon_client_text(line, "at"));
    text_printf(&head, " %s %s %s, %s:", daemon_client_text(line, "id"), event,
                daemon_client_text(line, "kind"), daemon_client_text(line, "case_state"));
    add_subject(&head, json_object_get(line, "subject"));
    add_member(&head, "by", daemon_client_text(line, "who"));
    if (colour)
        fputs(terminal_colour_start(colour_of(event)), stdout);
    table_paragraph(stdout, "", text_get(&head), terminal_width(stdout));
    if (colour)
        fputs(terminal_colour_end(), stdout);
    table_paragraph(stdout, "         ", daemon_client_text(line, "why"), terminal_width(stdout));
}

static void print_event(const json_t *line)
{
    static const char *const keys[][2] = {{"", "hint"},
                                          {"", "mac"},
                                          {"", "address"},
                                          {"at", "switch"},
                                          {"", "port"},
                                          {"care-of", "care_of"},
                                          {"agent", "home_agent"},
                                          {"with", "correspondent"},
                                          {"node", "node"},
                                          {"nas", "nas"},
                                          {"session", "session"},
                                          {"cause", "cause"}};
    AUTO_TEXT struct text text = TEXT_EMPTY;
    add_clock(&text, daemon_client_text(line, "heard"));
    text_printf(&text, " %s: %s", daemon_client_text(line, "source"),
                daemon_client_text(line, "event"));
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
        add_member(&text, keys[i][0], daemon_client_text(line, keys[i][1]));
    table_paragraph(stdout, "", text_get(&text), terminal_width(stdout));
}

static void print_line(const json_t *line)
{
    const char *type = daemon_client_text(line, "type");
    if (strcmp(type, "case") == 0)
        print_case(line);
    else if (strcmp(type, "event") == 0)
        print_event(line);
}

/* Prints what comes until the daemon ends or the person does. */
static int watch(struct daemon_client *client, enum output_format format, bool quiet)
{
    struct err err;
    for (;;) {
        json_t *line = daemon_client_read(client, &err);
        if (line == NULL)
            return command_fail("watch", EXIT_USAGE, "%s", err.text);
        const char *type = daemon_client_text(line, "type");
        bool over = strcmp(type, "ended") == 0 || strcmp(type, "dropped") == 0 ||
                    strcmp(type, "error") == 0;
        if (over)
            command_fail("watch", EXIT_USAGE, "%s", daemon_client_text(line, "message"));
        else if (format == FORMAT_JSON)
            json_dumpf(line, stdout, JSON_COMPACT), putchar('\n');
        else
            print_line(line);
        if (strcmp(type, "watching") == 0 && format == FORMAT_TABLE && !quiet)
            fputs("muster watch: what happens from now on is shown; `muster case list` has the "
                  "rest\n",
                  stderr);
        json_decref(line);
        if (over)
            return EXIT_USAGE;
        if (fflush(stdout) != 0)
            return EXIT_CLEAN; /* whoever read has gone */
    }
}

enum { OPTION_EVENTS = 256, OPTION_SOCKET };

int command_watch(int argc, char **argv)
{
    static const struct option options[] = {{"events", no_argument, NULL, OPTION_EVENTS},
                                            {"socket", required_argument, NULL, OPTION_SOCKET},
                                            {NULL, 0, NULL, 0}};
    struct common_options common = {.config = "muster.yaml"};
    const char *socket = NULL;
    bool events = false;
    for (int option; (option = command_options(argc, argv, "watch", options, &common)) != -1;) {
        if (option == OPTION_EVENTS)
            events = true;
        else if (option == OPTION_SOCKET)
            socket = optarg;
        else
            return EXIT_USAGE;
    }
    if (optind != argc)
        return command_fail("watch", EXIT_USAGE, "unexpected \"%s\"", argv[optind]);
    if (common.format == FORMAT_CSV)
        return command_fail("watch", EXIT_USAGE, "--format csv: expected table or json");
    struct daemon_client *client = NULL;
    struct err err;
    int status = daemon_client_open(common.config, socket, &client, &err);
    if (status == 0)
        status = daemon_client_ask(
            client, json_pack("{s:s,s:b}", "request", "watch", "events", events), &err);
    if (status != 0)
        command_fail("watch", EXIT_USAGE, "%s", err.text);
    status = status == 0 ? watch(client, common.format, common.quiet) : EXIT_USAGE;
    daemon_client_close(client);
    return status;
}
