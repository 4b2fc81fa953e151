/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_daemon.h"

#include <stddef.h>

#define FIELD(name) .offset = offsetof(struct daemon_options, name)

static const char *const levels[] = {
#define LEVEL(word, name) word,
    LOG_LEVELS(LEVEL)
#undef LEVEL
        NULL};

static const struct config_option table[] = {
    {.name = "polling",
     .type = OPTION_BOOL,
     FIELD(polling),
     .default_text = "yes",
     .help = "Read the forward tables of the observed sources, round after round."},
    {.name = "hearing",
     .type = OPTION_BOOL,
     FIELD(hearing),
     .default_text = "yes",
     .help = "Start the event sources and judge what they hear."},
    {.name = "durable",
     .type = OPTION_BOOL,
     FIELD(durable),
     .default_text = "yes",
     .help = "Store what is heard, and answer an accounting request only when its event is on "
             "the disk. No is for benchmarks: nothing that is heard is kept."},
    {.name = "interval",
     .type = OPTION_SPAN,
     FIELD(interval),
     .default_text = "60s",
     .low = 1000000,
     .high = INT64_C(86400000000),
     .help = "Time between two rounds: each switch is read, and all are judged, once in it."},
    {.name = "spread",
     .type = OPTION_INTEGER,
     FIELD(spread),
     .default_text = "75",
     .low = 0,
     .high = 90,
     .help = "Over how much of the interval, in per cent, the polls are spread out; 0 begins them "
             "all at once."},
    {.name = "gap_rounds",
     .type = OPTION_INTEGER,
     FIELD(gap_rounds),
     .default_text = "3",
     .low = 1,
     .high = 1000,
     .help = "Failed rounds in a row that make an audit_gap, in the daemon."},
    {.name = "poll_gap",
     .type = OPTION_SPAN,
     FIELD(poll_gap),
     .default_text = "10s",
     .low = 100000,
     .high = INT64_C(3600000000),
     .help = "Least time between two polls of one switch that events set off."},
    {.name = "probe_rate",
     .type = OPTION_INTEGER,
     FIELD(probe_rate),
     .default_text = "20",
     .low = 1,
     .high = 10000,
     .help = "How many times in a second one switch is asked for a single address, at most."},
    {.name = "retry",
     .type = OPTION_SPAN,
     FIELD(retry),
     .default_text = "5s",
     .low = 100000,
     .high = INT64_C(3600000000),
     .help = "How long an event source that failed rests before it is started again; doubled with "
             "each failure, up to 5 min or this, whichever is longer."},
    {.name = "socket",
     .type = OPTION_PATH,
     FIELD(socket),
     .help = "Control socket, for muster watch, status, reload; without it, musterd.sock beside "
             "the store."},
    {.name = "group",
     .type = OPTION_TEXT,
     FIELD(group),
     .help = "Group whose members may use the control socket, beside the daemon's own user and "
             "root."},
    {.name = "user",
     .type = OPTION_TEXT,
     FIELD(user),
     .help = "User to run as once the sockets are open, when the daemon was started by root; "
             "without it, root without privileges."},
    {.name = "clients",
     .type = OPTION_INTEGER,
     FIELD(clients),
     .default_text = "32",
     .low = 1,
     .high = 1000,
     .help = "Clients on the control socket at once."},
    {.name = "log_level",
     .type = OPTION_CHOICE,
     FIELD(log_level),
     .default_text = "info",
     .choices = levels,
     .help = "The least grave messages that are still logged."},
    {.name = NULL}};

const struct config_option *config_daemon_table(void)
{
    return table;
}
