/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/command.h"
#include "io/clock.h"
#include "io/file.h"
#include "model/discrepancy.h"
#include "sim/datacentre.h"
#include "sim/recordings.h"
#include "sim/records.h"
#include "sim/responder.h"
#include "sim/server.h"
#include "sim/site.h"

/* `muster sim`: serves a generated data centre, recordings or a fast responder as
 * SNMP agents on loopback, until it is interrupted. */

struct sim_command {
    struct datacentre_shape shape;
    struct sim_site_config site;
    struct sim_responder_config responder;
    bool fast;
    const char *recordings; /* folder to serve instead of a generated world */
    const char *directory;  /* where the recorded side is written; NULL: nowhere */
    const char *control;    /* path of the control socket; NULL: in the directory */
    char **happenings, **faults;
    size_t happening_count, fault_count;
};

enum {
    OPTION_SWITCHES = 256,
    OPTION_HYPERVISORS,
    OPTION_GUESTS,
    OPTION_SEED,
    OPTION_NO_MLAG,
    OPTION_AGEING,
    OPTION_RATE,
    OPTION_ADDRESS,
    OPTION_PORT,
    OPTION_DIRECTORY,
    OPTION_CONTROL,
    OPTION_RECORDINGS,
    OPTION_EVENT,
    OPTION_FAULT,
    OPTION_FAST,
    OPTION_ROWS,
    OPTION_RTT,
    OPTION_LOSS,
    OPTION_SEND
};

static const struct option options[] = {
    {"switches", required_argument, NULL, OPTION_SWITCHES},
    {"hypervisors", required_argument, NULL, OPTION_HYPERVISORS},
    {"guests", required_argument, NULL, OPTION_GUESTS},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"no-mlag", no_argument, NULL, OPTION_NO_MLAG},
    {"ageing", required_argument, NULL, OPTION_AGEING},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"address", required_argument, NULL, OPTION_ADDRESS},
    {"port", required_argument, NULL, OPTION_PORT},
    {"dir", required_argument, NULL, OPTION_DIRECTORY},
    {"control", required_argument, NULL, OPTION_CONTROL},
    {"recordings", required_argument, NULL, OPTION_RECORDINGS},
    {"event", required_argument, NULL, OPTION_EVENT},
    {"fault", required_argument, NULL, OPTION_FAULT},
    {"fast", required_argument, NULL, OPTION_FAST},
    {"rows", required_argument, NULL, OPTION_ROWS},
    {"rtt", required_argument, NULL, OPTION_RTT},
    {"loss", required_argument, NULL, OPTION_LOSS},
    {"send", required_argument, NULL, OPTION_SEND},
    {NULL, 0, NULL, 0}};

static bool read_number(const char *name, const char *text, unsigned long low, unsigned long high,
                        unsigned long *ret)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < low || value > high) {
        command_fail("sim", EXIT_USAGE, "--%s %s: expected a whole number from %lu to %lu", name,
                     text, low, high);
        return false;
    }
    *ret = value;
    return true;
}

static bool read_span(const char *name, const char *text, struct span *ret)
{
    if (span_parse(text, ret) == 0)
        return true;
    command_fail("sim", EXIT_USAGE, "--%s %s: expected a time such as 300s or 10ms", name, text);
    return false;
}

static bool read_address(const char *text, uint32_t *ret)
{
    struct in_addr address;
    if (inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127) {
        *ret = ntohl(address.s_addr);
        return true;
    }
    command_fail("sim", EXIT_USAGE,
                 "--address %s: expected an address of 127.0.0.0/8: simulated agents answer on the "
                 "loopback of their own network namespace and nowhere else",
                 text);
    return false;
}

/* Options of the generated world; false after a message, *ret_known false for others. */
static bool take_world_option(struct sim_command *c, int option, bool *ret_known)
{
    unsigned long value;
    char *end;
    *ret_known = true;
    switch (option) {
    case OPTION_SWITCHES:
        if (!read_number("switches", optarg, 1, 10000, &value))
            return false;
        c->shape.switches = (unsigned)value;
        return true;
    case OPTION_HYPERVISORS:
        if (!read_number("hypervisors", optarg, 0, 100000, &value))
            return false;
        c->shape.hypervisors = (unsigned)value;
        return true;
    case OPTION_GUESTS:
        if (!read_number("guests", optarg, 0, 1000000, &value))
            return false;
        c->shape.guests = (unsigned)value;
        return true;
    case OPTION_SEED:
        if (!read_number("seed", optarg, 0, UINT64_MAX, &value))
            return false;
        c->shape.seed = value;
        return true;
    case OPTION_NO_MLAG:
        c->shape.mlag = false;
        return true;
    case OPTION_AGEING:
        return read_span("ageing", optarg, &c->shape.ageing);
    case OPTION_RATE:
        c->site.rate = strtod(optarg, &end);
        if (*end == '\0' && c->site.rate > 0)
            return true;
        command_fail("sim", EXIT_USAGE, "--rate %s: expected a positive number", optarg);
        return false;
    default:
        *ret_known = false;
        return true;
    }
}

/* Options of the serving; false after a message. */
static bool take_serving_option(struct sim_command *c, int option)
{
    unsigned long value;
    switch (option) {
    case OPTION_ADDRESS:
        return read_address(optarg, &c->site.first_address);
    case OPTION_PORT:
        if (!read_number("port", optarg, 1024, 65535, &value))
            return false;
        c->site.port = (uint16_t)value;
        return true;
    case OPTION_DIRECTORY:
        c->directory = optarg;
        return true;
    case OPTION_CONTROL:
        c->control = optarg;
        return true;
    case OPTION_RECORDINGS:
        c->recordings = optarg;
        return true;
    case OPTION_EVENT:
        c->happenings[c->happening_count++] = optarg;
        return true;
    case OPTION_FAULT:
        c->faults[c->fault_count++] = optarg;
        return true;
    case OPTION_FAST:
        c->fast = true;
        if (!read_number("fast", optarg, 1, 65000, &value))
            return false;
        c->responder.devices = (uint32_t)value;
        return true;
    case OPTION_ROWS:
        if (!read_number("rows", optarg, 1, 16000000, &value))
            return false;
        c->responder.rows = (uint32_t)value;
        return true;
    case OPTION_RTT:
        return read_span("rtt", optarg, &c->responder.rtt);
    case OPTION_LOSS:
        if (!read_number("loss", optarg, 0, 1000, &value))
            return false;
        c->responder.loss = (unsigned)value;
        return true;
    default:
        return false;
    }
}

/* Everything that is served, and what it is made of. */
struct serving {
    struct sim_server *server;
    struct sim_site *site;
    struct sim_responder *responder;
    struct sim_recordings *recordings;
};

static int prepare_world(struct sim_command *c, struct serving *s, struct err *err)
{
    struct wall now = clock_wall();
    c->shape.start = now;
    int status = sim_site_new(datacentre_new(&c->shape), &c->site, s->server, now, &s->site, err);
    for (size_t i = 0; status == 0 && i < c->happening_count; i++) {
        AUTO_TEXT struct text line = TEXT_EMPTY, reply = TEXT_EMPTY;
        text_printf(&line, "event %s", c->happenings[i]);
        char *command = text_take(&line);
        status = sim_server_command(s->server, command, &reply, err);
        free(command);
        if (status != 0)
            err_prefix(err, "--event %s", c->happenings[i]);
    }
    return status;
}

static int prepare(struct sim_command *c, struct serving *s, struct err *err)
{
    int status;
    s->server = sim_server_new();
    if (c->fast) {
        c->responder.first_address = c->site.first_address;
        c->responder.port = c->site.port;
        status = sim_responder_new(&c->responder, s->server, clock_wall(), &s->responder, err);
    } else if (c->recordings != NULL) {
        struct sim_recordings_config config = {.first_address = c->site.first_address,
                                               .port = c->site.port};
        status = sim_recordings_new(&c->recordings, 1, &config, s->server, clock_wall(),
                                    &s->recordings, err);
        for (size_t i = 0; status == 0 && i < sim_recordings_count(s->recordings); i++)
            fprintf(stderr, "muster sim: agent %zu is %s\n", i + 1,
                    sim_recordings_name(s->recordings, i));
    } else {
        status = prepare_world(c, s, err);
    }
    for (size_t i = 0; status == 0 && i < c->fault_count; i++) {
        AUTO_TEXT struct text line = TEXT_EMPTY, reply = TEXT_EMPTY;
        text_printf(&line, "fault %s", c->faults[i]);
        char *command = text_take(&line);
        status = sim_server_command(s->server, command, &reply, err);
        free(command);
        if (status != 0)
            err_prefix(err, "--fault %s", c->faults[i]);
    }
    return status;
}

static int write_records(const struct sim_command *c, struct serving *s, struct err *err)
{
    struct sim_records records;
    if (c->directory == NULL || s->site == NULL)
        return 0;
    if (mkdir(c->directory, 0700) != 0 && errno != EEXIST)
        return err_set_errno(err, errno, "cannot make the folder %s", c->directory);
    sim_site_records(s->site, &records);
    sim_site_keep_records(s->site, s->server, c->directory);
    return sim_records_write(&records, c->directory, err);
}

static int open_control(const struct sim_command *c, struct serving *s, struct err *err)
{
    if (c->control != NULL)
        return sim_server_control(s->server, c->control, err);
    if (c->directory == NULL)
        return 0;
    char *path = file_join(c->directory, "control");
    int status = sim_server_control(s->server, path, err);
    free(path);
    return status;
}

static void say_where(const struct sim_command *c)
{
    uint32_t first = c->site.first_address != 0 ? c->site.first_address : SIM_SITE_ADDRESS;
    struct in_addr address = {htonl(first)};
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address, text, sizeof text);
    fprintf(stderr, "muster sim: agents from %s on, UDP port %u; v2c community public\n", text,
            c->site.port != 0 ? c->site.port : SIM_SITE_PORT);
    if (c->directory != NULL)
        fprintf(stderr,
                "muster sim: records in %s: `muster audit -c %s/muster.yaml`, "
                "`muster sim --send \"event ...\" --dir %s`\n",
                c->directory, c->directory, c->directory);
    fprintf(stderr, "muster sim: interrupt to end\n");
}

/* A descriptor that becomes readable when the process is asked to end. */
static int open_stop(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int serve(struct sim_command *c)
{
    struct serving s = {0};
    struct err err;
    int stop = open_stop();
    int status = prepare(c, &s, &err);
    if (status == 0)
        status = write_records(c, &s, &err);
    if (status == 0)
        status = open_control(c, &s, &err);
    if (status == 0) {
        say_where(c);
        status = sim_server_run(s.server, stop, &err);
    }
    sim_server_free(s.server);
    sim_site_free(s.site);
    sim_responder_free(s.responder);
    sim_recordings_free(s.recordings);
    close(stop);
    return status == 0 ? EXIT_CLEAN : command_fail("sim", EXIT_USAGE, "%s", err.text);
}

/* A client of a simulation that runs: --send "event migrate web03". */
static int send_command(const struct sim_command *c, const char *line)
{
    AUTO_TEXT struct text reply = TEXT_EMPTY;
    struct err err;
    if (c->control == NULL && c->directory == NULL)
        return command_fail("sim", EXIT_USAGE, "--send needs --dir or --control");
    char *path = c->control != NULL ? alloc_text(c->control) : file_join(c->directory, "control");
    int status = sim_control_send(path, line, span_seconds(10), &reply, &err);
    free(path);
    if (status != 0)
        return command_fail("sim", EXIT_USAGE, "%s", err.text);
    if (reply.length > 0)
        puts(text_get(&reply));
    return EXIT_CLEAN;
}

int command_sim(int argc, char **argv)
{
    struct common_options common = {.config = "muster.yaml"};
    struct sim_command command = {.responder = {.devices = 1, .rows = 1000}};
    const char *send = NULL;
    bool good = true;
    datacentre_shape_init(&command.shape);
    command.happenings = alloc_zeroed((size_t)argc, sizeof *command.happenings);
    command.faults = alloc_zeroed((size_t)argc, sizeof *command.faults);
    for (int option;
         good && (option = command_options(argc, argv, "sim", options, &common)) != -1;) {
        bool known = true;
        if (option == OPTION_SEND)
            send = optarg;
        else
            good = take_world_option(&command, option, &known) &&
                   (known || take_serving_option(&command, option));
    }
    int status = EXIT_USAGE;
    if (good && optind != argc)
        command_fail("sim", EXIT_USAGE, "unexpected \"%s\"", argv[optind]);
    else if (good)
        status = send != NULL ? send_command(&command, send) : serve(&command);
    free(command.happenings);
    free(command.faults);
    return status;
}
